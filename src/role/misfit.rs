//! What is wrong with the fields of a resource: all of it, each at its place. What fields there are, the kinds say.

use miette::SourceSpan;
use serde::Deserialize as _;
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde_json::Value;

use super::entry::{Entry, keys};
use super::example;
use crate::inventory::decode::{self, Sink};
use crate::inventory::node::{Entry as Pair, Node, Value as Yaml};
use crate::inventory::{Fault, yaml};
use crate::resource::Resource;

/// The resource that an entry's fields make, or what is wrong with each of them.
pub(super) fn read(entry: &Entry, expanded: &Value) -> Result<Resource, Vec<Fault>> {
    let whole = MapDeserializer::new(std::iter::once((entry.kind.as_str(), expanded)));
    let made: Result<Resource, serde_json::Error> =
        Resource::deserialize(MapAccessDeserializer::new(whole));
    match made {
        Ok(resource) => Ok(resource),
        Err(_) => Err(faults(entry, expanded)),
    }
}

/// More faults than these are not looked for.
const MOST: usize = 20;

fn faults(entry: &Entry, expanded: &Value) -> Vec<Fault> {
    let mut node = Node {
        span: entry.kind_span,
        used: None,
        secret: false,
        value: Yaml::Map(vec![Pair {
            key: entry.kind.clone(),
            key_span: entry.kind_span,
            anchor: None,
            value: placed(expanded, &entry.body.node),
        }]),
    };
    let first = node.clone();
    let mut found: Vec<Fault> = Vec::new();
    // Each round finds the first fault of each value; what has it is left out of the next.
    for _ in 0..MOST {
        let sink = Sink::default();
        let made: Option<Resource> = decode::decode_resource(&node, &sink);
        let round = sink.into_inner();
        let spans: Vec<SourceSpan> = round.iter().filter_map(|fault| fault.span).collect();
        let left: Vec<SourceSpan> = found.iter().filter_map(|fault| fault.span).collect();
        for fault in round {
            // What was left out is neither missing nor too few.
            let around = |span: SourceSpan| left.iter().any(|inner| surrounds(span, *inner));
            let secondary = !left.is_empty() && is_missing(&fault);
            if !secondary && !fault.span.is_some_and(around) && !found.contains(&fault) {
                found.push(fault);
            }
        }
        if made.is_some() || !leave_out(&mut node, &spans) {
            break;
        }
    }
    if found.is_empty() {
        found.push(Fault::new(format!(
            "these are no fields of `{}`",
            entry.kind
        )));
    }
    if matches!(entry.body.node.value, Yaml::Text(_)) {
        found = united(entry, found);
    }
    let finish = |fault: Fault| {
        let fault = if fault.span.is_none() {
            fault.at(entry.kind_span)
        } else {
            fault
        };
        helped(fault, entry, &first)
    };
    found.into_iter().map(finish).collect()
}

/// One expression gives all fields: those that the kind does not have are one fault, and those that it lacks are none then.
fn united(entry: &Entry, found: Vec<Fault>) -> Vec<Fault> {
    let is_unknown = |fault: &Fault| fault.message.starts_with("unknown key ");
    let (unknown, others): (Vec<Fault>, Vec<Fault>) = found.into_iter().partition(is_unknown);
    if unknown.is_empty() {
        return others;
    }
    let names = unknown
        .iter()
        .filter_map(|fault| fault.message.split('`').nth(1));
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(3);
    names.truncate(3);
    let mut listed = names.join("`, `");
    listed = format!("`{listed}`");
    if more > 0 {
        listed += &format!(" and {more} more");
    }
    let fault = Fault::new(format!(
        "`{}` has no {listed}, which the expression gives",
        entry.kind
    ))
    .help(format!(
        "write an expression whose parts are: {}",
        keys(&entry.kind).join(", ")
    ))
    .at(entry.body.node.span);
    let rest = others.into_iter().filter(|fault| !is_missing(fault));
    std::iter::once(fault).chain(rest).collect()
}

/// With what a kind says is to be written as its help.
pub(super) fn divided(fault: Fault) -> Fault {
    let way = [": write ", ": add "]
        .iter()
        .find_map(|way| fault.message.find(way));
    let Some((message, help)) = way.and_then(|at| fault.message.split_at_checked(at)) else {
        return fault;
    };
    let (message, help) = (message.to_owned(), help.trim_start_matches(": ").to_owned());
    Fault {
        message,
        help: Some(help),
        ..fault
    }
}

pub(super) fn is_missing(fault: &Fault) -> bool {
    fault.message.starts_with("the key `") && fault.message.ends_with("` is missing")
}

fn surrounds(outer: SourceSpan, inner: SourceSpan) -> bool {
    let end = |span: SourceSpan| span.offset().saturating_add(span.len());
    outer.offset() <= inner.offset() && end(inner) <= end(outer)
}

/// With a way out that is accepted as it is written.
fn helped(mut fault: Fault, entry: &Entry, node: &Node) -> Fault {
    const SHAPES: &[&str] = &[
        "write `[one, two]`",
        "write `{ key: value }`",
        "write one text, in quotes",
        "write expected",
        "write a single value",
    ];
    let kind = &entry.kind;
    if is_missing(&fault) {
        let field = fault.message.split('`').nth(1).unwrap_or_default();
        fault.help = Some(match example::of_field(kind, field) {
            Some(value) => format!("add it: `{field}: {value}`"),
            None => format!(
                "add it: `{kind}: {}` has all that is needed",
                example::of_kind(kind)
            ),
        });
        return fault;
    }
    if let Some(help) = fault
        .span
        .and_then(|span| of_expression(&fault.message, entry, span))
    {
        return fault.help(help);
    }
    let field = fault.span.and_then(|span| field_at(node, span));
    let fault = divided(fault);
    if fault.message.ends_with("is no HTTP status") {
        return fault.help("write a number such as `200`, or a range in quotes: `\"200-299\"`");
    }
    let own = matches!(field, Some("mode" | "persistence"));
    let words =
        |help: &str| field == Some("virtual") && help.starts_with("write one of these words");
    let vague =
        |help: &String| own || words(help) || SHAPES.iter().any(|shape| help.starts_with(shape));
    if fault.help.as_ref().is_some_and(|help| !vague(help)) {
        return fault;
    }
    let help = match field.and_then(|field| Some((field, example::of_field(kind, field)?))) {
        Some((field, value)) => format!("write it like `{field}: {value}`"),
        None => format!("keys of `{kind}`: {}", keys(kind).join(", ")),
    };
    fault.help(help)
}

/// What an expression gives, and the field does not take.
fn of_expression(message: &str, entry: &Entry, span: SourceSpan) -> Option<String> {
    let text = text_at(&entry.body.node, span)?;
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    if inner.contains("}}") || inner.contains('`') {
        return None;
    }
    let single = |found: &str| {
        let due = ["a text", "a single value"];
        due.iter()
            .any(|due| message.starts_with(&format!("expected {due}, found {found}")))
    };
    if single("a list") {
        return Some(format!(
            "join its values: `{{{{ {inner} | join(sep=' ') }}}}`"
        ));
    }
    if single("a map") && inner.contains(' ') {
        return Some(format!(
            "take a part of it: `{{{{ {inner} | get(key='name') }}}}`, or what it is called"
        ));
    }
    if single("a map") {
        return Some(format!(
            "take a part of it: `{{{{ {inner}.name }}}}`, or what it is called"
        ));
    }
    if message.starts_with("expected a text") {
        return Some(format!("make a text of it: `{{{{ {inner} | str }}}}`"));
    }
    if message.starts_with("expected a map of keys, found a list") && span == entry.body.node.span {
        let kind = &entry.kind;
        return Some(format!(
            "go through it: `for_each: {}` beside `{kind}: \"{{{{ item }}}}\"`",
            yaml(inner)
        ));
    }
    if message.starts_with("expected a list, found the") {
        let quote = if inner.contains('"') { '\'' } else { '"' };
        return Some(format!(
            "make a list of it: `[{quote}{{{{ {inner} }}}}{quote}]`"
        ));
    }
    None
}

/// The text that is written at a place.
fn text_at(node: &Node, span: SourceSpan) -> Option<&str> {
    match &node.value {
        Yaml::Text(text) if node.span == span => Some(text),
        Yaml::List(list) => list.iter().find_map(|inner| text_at(inner, span)),
        Yaml::Map(pairs) => pairs.iter().find_map(|pair| text_at(&pair.value, span)),
        _ => None,
    }
}

/// The field of the resource that a place is in.
fn field_at(node: &Node, span: SourceSpan) -> Option<&str> {
    let Yaml::Map(kinds) = &node.value else {
        return None;
    };
    let Yaml::Map(fields) = &kinds.first()?.value.value else {
        return None;
    };
    let field = fields
        .iter()
        .find(|pair| pair.key_span == span || holds(&pair.value, span));
    field.map(|pair| pair.key.as_str())
}

/// Takes what stands at these places out: entries of lists, and keys with their values. Whether there were any.
fn leave_out(node: &mut Node, spans: &[SourceSpan]) -> bool {
    match &mut node.value {
        Yaml::List(list) => {
            let before = list.len();
            list.retain(|inner| !spans.contains(&inner.span));
            let left = list.len() < before;
            list.iter_mut()
                .fold(left, |left, inner| leave_out(inner, spans) || left)
        }
        Yaml::Map(pairs) => {
            let before = pairs.len();
            // The kind itself stays.
            let whole = before == 1 && pairs.iter().all(|pair| pair.key_span == node.span);
            if !whole {
                pairs.retain(|pair| {
                    !spans.contains(&pair.key_span) && !spans.contains(&pair.value.span)
                });
            }
            let left = pairs.len() < before;
            pairs
                .iter_mut()
                .fold(left, |left, pair| leave_out(&mut pair.value, spans) || left)
        }
        _ => false,
    }
}

fn holds(node: &Node, span: SourceSpan) -> bool {
    if node.span == span {
        return true;
    }
    match &node.value {
        Yaml::List(list) => list.iter().any(|inner| holds(inner, span)),
        Yaml::Map(pairs) => pairs
            .iter()
            .any(|pair| pair.key_span == span || holds(&pair.value, span)),
        _ => false,
    }
}

/// An expanded value with the places of what it was made of.
fn placed(value: &Value, written: &Node) -> Node {
    let span = written.span;
    let none = Node {
        span,
        used: None,
        secret: false,
        value: Yaml::Null,
    };
    let (list, pairs): (&[Node], &[Pair]) = match &written.value {
        Yaml::List(list) => (list, &[]),
        Yaml::Map(pairs) => (&[], pairs),
        _ => (&[], &[]),
    };
    let value = match value {
        Value::Null => Yaml::Null,
        Value::Bool(b) => Yaml::Bool(*b, b.to_string()),
        Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
            (Some(whole), ..) => Yaml::Int(whole.into(), n.to_string()),
            (_, Some(whole), _) => Yaml::Int(whole.into(), n.to_string()),
            (_, _, float) => Yaml::Float(float.unwrap_or_default(), n.to_string()),
        },
        Value::String(text) => Yaml::Text(text.clone()),
        Value::Array(items) => Yaml::List(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| placed(item, list.get(index).unwrap_or(&none)))
                .collect(),
        ),
        Value::Object(map) => Yaml::Map(
            map.iter()
                .map(|(key, value)| {
                    let pair = pairs.iter().find(|pair| pair.key == *key);
                    Pair {
                        key: key.clone(),
                        key_span: pair.map_or(span, |pair| pair.key_span),
                        anchor: None,
                        value: placed(value, pair.map_or(&none, |pair| &pair.value)),
                    }
                })
                .collect(),
        ),
    };
    Node { value, ..none }
}
