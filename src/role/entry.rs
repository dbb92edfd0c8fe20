//! Roles as they are written: the entries of a file, each value with its place, and every fault of their form. What a
//! role makes of a host is decided elsewhere.

use miette::SourceSpan;
use serde_json::{Map, Value};

use crate::inventory::node::{self, Entry as Pair, Node, Value as Yaml};
use crate::inventory::{Fault, Source, choices, nearest, shown};
use crate::resource::registry::{KINDS, fields};

/// A role.
#[derive(Debug, Clone)]
pub(super) struct Role {
    /// The user's file; a built-in role has none.
    pub file: Option<String>,
    /// For excerpts.
    pub source: Source,
    /// Roles whose resources come first.
    pub include: Vec<(String, SourceSpan)>,
    pub resources: Vec<Entry>,
}

/// One entry of `resources`.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub when: Option<Given>,
    pub for_each: Option<Given>,
    /// The name of an element of `for_each`.
    pub element: String,
    pub kind: String,
    pub kind_span: SourceSpan,
    pub body: Given,
}

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub value: Value,
    pub node: Node,
}

impl Given {
    fn new(node: &Node) -> Self {
        Self {
            value: json(node),
            node: node.clone(),
        }
    }
}

pub(super) fn json(node: &Node) -> Value {
    match &node.value {
        Yaml::Null => Value::Null,
        Yaml::Bool(b, _) => Value::Bool(*b),
        Yaml::Int(n, text) => match (u64::try_from(*n), i64::try_from(*n)) {
            (Ok(n), _) => n.into(),
            (_, Ok(n)) => n.into(),
            _ => text.clone().into(),
        },
        Yaml::Float(n, _) => (*n).into(),
        Yaml::Text(text) => text.clone().into(),
        Yaml::List(list) => list.iter().map(json).collect(),
        Yaml::Map(pairs) => {
            let all = pairs.iter().map(|p| (p.key.clone(), json(&p.value)));
            Value::Object(all.collect::<Map<_, _>>())
        }
    }
}

const KEYS: &[&str] = &["description", "include", "resources"];
const WORDS: &[&str] = &["when", "for_each", "as"];

/// The role in a text, as far as it can be read, and what is wrong with it.
pub(super) fn read(name: &str, text: &str, file: Option<&str>) -> (Role, Vec<Fault>) {
    let place = file.map_or_else(|| built_in_role(name), str::to_owned);
    let mut role = Role {
        file: file.map(str::to_owned),
        source: Source::plain(place, text),
        include: Vec::new(),
        resources: Vec::new(),
    };
    let mut faults = Vec::new();
    let Some(root) = node::read(text, "role", &mut faults) else {
        return (role, faults);
    };
    let pairs = match &root.value {
        Yaml::Map(pairs) => pairs.as_slice(),
        _ => {
            let found = root.describe();
            faults.push(
                Fault::new(format!("expected a role, found {found}"))
                    .help("a role is a map: `resources:` with a list of resources below it")
                    .at(root.span),
            );
            &[]
        }
    };
    for pair in pairs {
        match pair.key.as_str() {
            "description" => {}
            "include" => role.include = includes(pair, &mut faults),
            "resources" => role.resources = resources(pair, &mut faults),
            other => faults.push(unknown_key(other, KEYS, pair.key_span)),
        }
    }
    (role, faults)
}

fn includes(pair: &Pair, faults: &mut Vec<Fault>) -> Vec<(String, SourceSpan)> {
    let names = match &pair.value.value {
        Yaml::List(list) => list.as_slice(),
        Yaml::Null => &[],
        _ => std::slice::from_ref(&pair.value),
    };
    let mut found = Vec::new();
    for name in names {
        match &name.value {
            Yaml::Text(text) => found.push((text.clone(), name.span)),
            _ => faults.push(
                Fault::new(format!("expected a role's name, found {}", name.describe()))
                    .help("write `include: [director]`")
                    .at(place(name, pair.key_span)),
            ),
        }
    }
    found
}

fn resources(pair: &Pair, faults: &mut Vec<Fault>) -> Vec<Entry> {
    match &pair.value.value {
        Yaml::List(list) => list
            .iter()
            .filter_map(|node| entry(node, pair.key_span, faults))
            .collect(),
        Yaml::Null => Vec::new(),
        _ => {
            faults.push(
                Fault::new(format!(
                    "expected a list of resources, found {}",
                    pair.value.describe()
                ))
                .help("write one resource a line: `- package: { names: [nginx] }`")
                .at(place(&pair.value, pair.key_span)),
            );
            Vec::new()
        }
    }
}

/// The value where it is short, else its key.
fn place(node: &Node, key: SourceSpan) -> SourceSpan {
    match node.value {
        Yaml::Map(_) | Yaml::List(_) | Yaml::Null => key,
        _ => node.span,
    }
}

fn entry(node: &Node, list: SourceSpan, faults: &mut Vec<Fault>) -> Option<Entry> {
    let Yaml::Map(pairs) = &node.value else {
        faults.push(
            Fault::new(format!("expected a resource, found {}", node.describe()))
                .help("write a kind and its fields: `- package: { names: [nginx] }`")
                .at(if node.span.is_empty() {
                    list
                } else {
                    node.span
                }),
        );
        return None;
    };
    let given = |key: &str| pairs.iter().find(|pair| pair.key == key);
    let before = faults.len();
    if let Some(pair) = given("when")
        && !matches!(pair.value.value, Yaml::Text(_) | Yaml::Bool(..))
    {
        faults.push(
            Fault::new(format!(
                "expected an expression, found {}",
                pair.value.describe()
            ))
            .help("write a condition: `when: host.name == \"web1\"`, or delete the key")
            .at(place(&pair.value, pair.key_span)),
        );
    }
    if let Some(pair) = given("for_each")
        && !matches!(pair.value.value, Yaml::Text(_) | Yaml::List(_))
    {
        faults.push(
            Fault::new(format!(
                "expected a list or an expression that gives one, found {}",
                pair.value.describe()
            ))
            .help("write `for_each: host.interfaces`, or `for_each: [a, b]`")
            .at(place(&pair.value, pair.key_span)),
        );
    }
    let element = match given("as") {
        None => Some("item".to_owned()),
        Some(pair) => match &pair.value.value {
            Yaml::Text(name) if is_variable(name) => Some(name.clone()),
            _ => {
                faults.push(
                    Fault::new(format!(
                        "expected the name of a variable, found {}",
                        pair.value.describe()
                    ))
                    .help("write letters, digits and `_`: `as: nic`")
                    .at(place(&pair.value, pair.key_span)),
                );
                None
            }
        },
    };
    let mut kinds: Vec<&Pair> = Vec::new();
    for pair in pairs.iter().filter(|p| !WORDS.contains(&p.key.as_str())) {
        if KINDS.contains(&pair.key.as_str()) {
            kinds.push(pair);
        } else {
            faults.push(unknown_kind(pair));
        }
    }
    let first_key = pairs.first().map_or(list, |pair| pair.key_span);
    let kind = match kinds.as_slice() {
        [kind] => Some(*kind),
        [] => {
            if faults.len() == before {
                faults.push(
                    Fault::new("this entry names no kind of resource")
                        .help(format!("add one of: {}", KINDS.join(", ")))
                        .at(first_key),
                );
            }
            None
        }
        [first, second, ..] => {
            faults.push(
                Fault::new(format!(
                    "an entry makes one resource, this one has `{}` and `{}`",
                    first.key, second.key
                ))
                .help("make an entry of each: a `- ` before it, with its own `when` and `for_each`")
                .at(second.key_span),
            );
            None
        }
    }?;
    body(kind, faults);
    if faults.len() > before {
        return None;
    }
    Some(Entry {
        when: given("when").map(|pair| Given::new(&pair.value)),
        for_each: given("for_each").map(|pair| Given::new(&pair.value)),
        element: element?,
        kind: kind.key.clone(),
        kind_span: kind.key_span,
        body: Given::new(&kind.value),
    })
}

/// The fields of a resource must be those of its kind.
fn body(kind: &Pair, faults: &mut Vec<Fault>) {
    match &kind.value.value {
        Yaml::Map(pairs) => {
            let known = keys(&kind.key);
            let unknown = pairs
                .iter()
                .filter(|p| !known.is_empty() && !known.contains(&p.key.as_str()));
            faults.extend(unknown.map(|p| unknown_key(&p.key, &known, p.key_span)));
        }
        // One expression may give all fields.
        Yaml::Text(text) if text.contains("{{") => {}
        _ => faults.push(
            Fault::new(format!(
                "expected the fields of `{}`, found {}",
                kind.key,
                kind.value.describe()
            ))
            .help(match keys(&kind.key).first() {
                Some(first) => format!("write `{}: {{ {first}: ... }}`", kind.key),
                None => format!("write `{}: {{ ... }}`", kind.key),
            })
            .at(place(&kind.value, kind.key_span)),
        ),
    }
}

/// The keys that a kind takes; none where they are not known beforehand.
pub(super) fn keys(kind: &str) -> Vec<&'static str> {
    let mut known = fields(kind).to_vec();
    if known.contains(&"content") {
        known.push("template");
    }
    known
}

fn unknown_kind(pair: &Pair) -> Fault {
    let words: Vec<&str> = KINDS.iter().chain(WORDS).copied().collect();
    let fault = Fault::new(format!("unknown kind of resource {}", shown(&pair.key)));
    match nearest(&pair.key, words.iter().copied()) {
        Some(near) if WORDS.contains(&near) => {
            Fault::new(format!("unknown key {}", shown(&pair.key)))
                .label(format!("did you mean `{near}`?"))
                .help("beside its kind, an entry takes `when`, `for_each` and `as`")
        }
        _ => fault.help(choices(&pair.key, KINDS)),
    }
    .at(pair.key_span)
}

fn unknown_key(key: &str, known: &[&str], span: SourceSpan) -> Fault {
    let fault = Fault::new(format!("unknown key {}", shown(key)));
    let fault = match nearest(key, known.iter().copied()) {
        Some(near) => fault.label(format!("did you mean `{near}`?")),
        None => fault.label("not known here"),
    };
    fault
        .help(format!("known keys here: {}", known.join(", ")))
        .at(span)
}

fn is_variable(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn built_in_role(name: &str) -> String {
    format!("built-in role {name}")
}
