//! Roles as they are written: the entries of a file, each value with its place, and every fault of their form. What a
//! role makes of a host is decided elsewhere.

use miette::SourceSpan;
use serde_json::{Map, Value};

use super::{example, foreign};
use crate::diagnostic::{Fault, FaultKind, Source, choices, nearest, shown};
use crate::resource::registry::{KINDS, fields};
use crate::yaml::{self, Document, Entry as Pair, Node, Value as Yaml};

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
    /// None of ours where it is not known.
    pub kind: String,
    pub kind_span: SourceSpan,
    /// Its fields, without those that the kind does not have.
    pub body: Given,
    /// How much of it can be used; its faults have been reported.
    pub state: State,
}

/// How much of an entry can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Whole,
    /// Fields were left out: the others are looked at, and what is missing is not said.
    InPart,
    /// It is not known when, or for what, it is made: its names alone are looked at.
    Names,
}

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub value: Value,
    pub node: Node,
}

impl Given {
    pub(super) fn new(node: &Node) -> Self {
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
    let Some(root) = yaml::read(text, Document::Role, &mut faults) else {
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
            "resources" => role.resources = resources(pair, text, &mut faults),
            other => faults.push(unknown_key(other, KEYS, KEYS, pair.key_span)),
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

fn resources(pair: &Pair, text: &str, faults: &mut Vec<Fault>) -> Vec<Entry> {
    match &pair.value.value {
        Yaml::List(list) => list
            .iter()
            .flat_map(|node| entry(node, pair.key_span, text, faults))
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

/// The resource of an entry; of one that has several kinds, or none, each map that may be one.
fn entry(node: &Node, list: SourceSpan, text: &str, faults: &mut Vec<Fault>) -> Vec<Entry> {
    let Yaml::Map(pairs) = &node.value else {
        let at = if node.span.is_empty() {
            list
        } else {
            node.span
        };
        let fault = Fault::new(format!("expected a resource, found {}", node.describe()));
        let help = "write a kind and its fields: `- package: { names: [nginx] }`";
        faults.push(fault.help(help).at(at));
        return Vec::new();
    };
    let before = faults.len();
    let given = |key: &str| pairs.iter().find(|pair| pair.key == key);
    faults.extend(given("when").and_then(|pair| no_condition(pair, text)));
    faults.extend(given("for_each").and_then(no_list));
    faults.extend(given("as").and_then(no_name));
    let rest = pairs.iter().filter(|p| !WORDS.contains(&p.key.as_str()));
    let (kinds, others): (Vec<&Pair>, Vec<&Pair>) =
        rest.partition(|pair| KINDS.contains(&pair.key.as_str()));
    faults.extend(others.iter().map(|pair| unknown_kind(pair, &kinds)));
    let first_key = pairs.first().map_or(list, |pair| pair.key_span);
    match kinds.as_slice() {
        [] if others.is_empty() => faults.push(
            Fault::new("this entry names no kind of resource")
                .help(format!("add one of: {}", KINDS.join(", ")))
                .at(first_key),
        ),
        [first, second, ..] => faults.push(
            Fault::new(format!(
                "an entry makes one resource, this one has `{}` and `{}`",
                first.key, second.key
            ))
            .help("make a separate entry of each: a `- ` before it, with its `when` and `for_each`")
            .at(second.key_span),
        ),
        _ => {}
    }
    let whole = faults.len() == before;
    let element = given("as").and_then(|pair| match &pair.value.value {
        Yaml::Text(name) if is_variable(name) => Some(name.clone()),
        _ => None,
    });
    let all = if kinds.is_empty() { others } else { kinds };
    let made = all.into_iter().map(|pair| {
        let (body, state) = body(pair, faults);
        Entry {
            when: given("when").map(|pair| Given::new(&pair.value)),
            for_each: given("for_each").map(|pair| Given::new(&pair.value)),
            element: element.clone().unwrap_or_else(|| "item".to_owned()),
            kind: pair.key.clone(),
            kind_span: pair.key_span,
            body,
            state: if whole { state } else { State::Names },
        }
    });
    made.collect()
}

fn no_condition(pair: &Pair, text: &str) -> Option<Fault> {
    if matches!(pair.value.value, Yaml::Text(_) | Yaml::Bool(..)) {
        return None;
    }
    // A tag of YAML stands in the place of `not`.
    let behind = text.get(pair.key_span.offset().saturating_add(pair.key_span.len())..);
    let line = behind
        .and_then(|rest| rest.lines().next())
        .unwrap_or_default();
    let negated = line
        .trim_start_matches([':', ' ', '"', '\''])
        .strip_prefix('!');
    if let (Yaml::Null, Some(negated)) = (&pair.value.value, negated) {
        let end = negated.find([',', '}', '#']).unwrap_or(negated.len());
        let negated = negated.get(..end).unwrap_or_default().trim();
        let fault = Fault::new("`!` is no sign of an expression");
        let help = format!("write `when: {}`", yaml::quoted(&format!("not {negated}")));
        return Some(fault.help(help).at(pair.key_span));
    }
    let fault = Fault::new(format!(
        "expected an expression, found {}",
        pair.value.describe()
    ));
    let help = "write a condition: `when: host.name == \"web1\"`, or delete the key";
    Some(fault.help(help).at(place(&pair.value, pair.key_span)))
}

fn no_list(pair: &Pair) -> Option<Fault> {
    if matches!(pair.value.value, Yaml::Text(_) | Yaml::List(_)) {
        return None;
    }
    let found = pair.value.describe();
    let fault = Fault::new(format!(
        "expected a list or an expression that gives one, found {found}"
    ));
    let help = "write `for_each: host.interfaces`, or `for_each: [a, b]`";
    Some(fault.help(help).at(place(&pair.value, pair.key_span)))
}

fn no_name(pair: &Pair) -> Option<Fault> {
    if matches!(&pair.value.value, Yaml::Text(name) if is_variable(name)) {
        return None;
    }
    let found = pair.value.describe();
    let fault = Fault::new(format!("expected the name of a variable, found {found}"));
    let help = "write letters, digits and `_`: `as: nic`";
    Some(fault.help(help).at(place(&pair.value, pair.key_span)))
}

/// The fields of a resource must be those of its kind: these, and how much can be made of them.
fn body(kind: &Pair, faults: &mut Vec<Fault>) -> (Given, State) {
    let whole = Given::new(&kind.value);
    if !KINDS.contains(&kind.key.as_str()) {
        return (whole, State::Names);
    }
    let pairs = match &kind.value.value {
        Yaml::Map(pairs) => pairs,
        // One expression may give all fields.
        Yaml::Text(text) if text.contains("{{") => return (whole, State::Whole),
        _ => {
            let found = kind.value.describe();
            let fault = Fault::new(format!(
                "expected the fields of `{}`, found {found}",
                kind.key
            ));
            let help = format!("write `{}: {}`", kind.key, example::of_kind(&kind.key));
            faults.push(fault.help(help).at(place(&kind.value, kind.key_span)));
            return (whole, State::Names);
        }
    };
    let known = keys(&kind.key);
    let is_known = |pair: &Pair| known.contains(&pair.key.as_str());
    let mut state = State::Whole;
    for pair in pairs.iter().filter(|pair| !is_known(pair)) {
        if WORDS.contains(&pair.key.as_str()) {
            state = State::Names;
            faults.push(misplaced(pair, &kind.key));
        } else {
            if state == State::Whole {
                state = State::InPart;
            }
            let free = |key: &&&str| !pairs.iter().any(|pair| pair.key == **key);
            let free: Vec<&str> = known.iter().filter(free).copied().collect();
            let fault = unknown_key(&pair.key, &free, &known, pair.key_span);
            faults.push(match foreign::field(&kind.key, pair, &free) {
                Some(help) => Fault {
                    label: None,
                    ..fault
                }
                .help(help),
                None => fault,
            });
        }
    }
    let given = |key: &str| pairs.iter().find(|pair| pair.key == key);
    if let (Some(_), Some(template)) = (given("content"), given("template"))
        && kind.key == "file"
    {
        let fault = Fault::new("`content` and `template` both say what is in the file");
        faults.push(fault.help("delete one of them").at(template.key_span));
        state = State::Names;
    }
    let mut node = kind.value.clone();
    if let Yaml::Map(pairs) = &mut node.value {
        pairs.retain(is_known);
    }
    let body = if state == State::InPart {
        Given::new(&node)
    } else {
        whole
    };
    (body, state)
}

/// A word of the entry that stands among the fields of its resource.
fn misplaced(pair: &Pair, kind: &str) -> Fault {
    let key = &pair.key;
    Fault::new(format!("`{key}` is no field of `{kind}`: it belongs to the entry"))
        .label("not known here")
        .help(format!(
            "write it beside `{kind}`, on a separate line: `{key}:` below the `{kind}:` and indented like it"
        ))
        .at(pair.key_span)
}

/// `return_time` in manifests of an earlier release.
const FORMER: &str = "check_interval";

/// The keys that a kind takes; none where they are not known beforehand.
pub(super) fn keys(kind: &str) -> Vec<&'static str> {
    let mut known = fields(kind).to_vec();
    known.retain(|key| *key != FORMER);
    if known.contains(&"content") {
        known.push("template");
    }
    known
}

fn unknown_kind(pair: &Pair, kinds: &[&Pair]) -> Fault {
    let words: Vec<&str> = KINDS.iter().chain(WORDS).copied().collect();
    let key = shown(&pair.key);
    let of = kinds
        .iter()
        .find(|kind| keys(&kind.key).contains(&pair.key.as_str()));
    let fault = match (nearest(&pair.key, words.iter().copied()), of) {
        (_, Some(kind)) => Fault::new(format!(
            "{key} is a field of `{}`, and stands beside it",
            kind.key
        ))
        .label("not known here")
        .help(format!("indent it more than `{}:`", kind.key)),
        (Some(near), None) if WORDS.contains(&near) || !kinds.is_empty() => {
            Fault::new(format!("unknown key {key}"))
                .label(format!("did you mean `{near}`?"))
                .help("beside its kind, an entry takes `when`, `for_each` and `as`")
        }
        (None, None) if !kinds.is_empty() => Fault::new(format!("unknown key {key}"))
            .label("not known here")
            .help("beside its kind, an entry takes `when`, `for_each` and `as`"),
        _ => Fault::new(format!("unknown kind of resource {key}"))
            .help(foreign::kind(&pair.key).unwrap_or_else(|| choices(&pair.key, KINDS))),
    };
    fault.at(pair.key_span)
}

/// `free` are those of the known ones that are not given yet.
fn unknown_key(key: &str, free: &[&str], known: &[&str], span: SourceSpan) -> Fault {
    let fault = Fault::from(FaultKind::UnknownKey(key.to_owned()));
    let fault = match nearest(key, free.iter().copied()) {
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
