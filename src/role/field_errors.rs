//! Faults of the fields of a resource, all of them, each at its place. Kinds say which fields there are.

use miette::SourceSpan;
use serde::Deserialize as _;
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde_json::Value;

use super::entry::{Entry, keys};
use super::example;
use crate::diagnostic::{Expected, Fault, FaultKind, Shape};
use crate::inventory::decode::{self, Sink};
use crate::resource::Resource;
use crate::yaml::{self, Entry as Pair, Node, Value as Yaml};

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
            let secondary = !left.is_empty() && fault.is_missing_key();
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
    let mut names = Vec::new();
    let mut others = Vec::new();
    for fault in found {
        match fault.kind {
            FaultKind::UnknownKey(name) => names.push(name),
            _ => others.push(fault),
        }
    }
    if names.is_empty() {
        return others;
    }
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
    let rest = others.into_iter().filter(|fault| !fault.is_missing_key());
    std::iter::once(fault).chain(rest).collect()
}

/// The help behind the message of a kind, as a separate part.
pub(super) fn divided(mut fault: Fault) -> Fault {
    if let FaultKind::Other(message) = &fault.kind
        && let Some(at) = [": write ", ": add "]
            .iter()
            .find_map(|way| message.find(way))
        && let Some((message, help)) = message.split_at_checked(at)
    {
        fault.help = Some(help.trim_start_matches(": ").into());
        fault.kind = FaultKind::Other(message.to_owned());
    }
    fault
}

fn surrounds(outer: SourceSpan, inner: SourceSpan) -> bool {
    let end = |span: SourceSpan| span.offset().saturating_add(span.len());
    outer.offset() <= inner.offset() && end(inner) <= end(outer)
}

/// With a fix that is accepted as it is written.
fn helped(fault: Fault, entry: &Entry, node: &Node) -> Fault {
    let kind = &entry.kind;
    if let FaultKind::MissingKey { key, .. } = &fault.kind {
        let help = match example::of_field(kind, key) {
            Some(value) => format!("add it: `{key}: {value}`"),
            None => format!(
                "add it: `{kind}: {}` has all that is needed",
                example::of_kind(kind)
            ),
        };
        return fault.help(help);
    }
    if let (FaultKind::Expected(expected, Some(found)), Some(span)) = (&fault.kind, fault.span)
        && let Some(help) = of_expression(expected, found.shape, entry, span)
    {
        return fault.help(help);
    }
    let field = fault.span.and_then(|span| field_at(node, span));
    let fault = divided(fault);
    if fault.span.and_then(|span| key_at(node, span)) == Some("status") {
        return fault.help("write a number such as `200`, or a range in quotes: `\"200-299\"`");
    }
    let vague = match field {
        Some("mode" | "persistence") => true,
        Some("virtual") if matches!(fault.kind, FaultKind::Expected(Expected::Words(..), _)) => {
            true
        }
        _ => fault.help.as_ref().is_none_or(|help| help.vague),
    };
    if !vague {
        return fault;
    }
    let help = match field.and_then(|field| Some((field, example::of_field(kind, field)?))) {
        Some((field, value)) => format!("write it like `{field}: {value}`"),
        None => format!("keys of `{kind}`: {}", keys(kind).join(", ")),
    };
    fault.help(help)
}

/// How to make the value of an expression one that the field takes.
fn of_expression(
    expected: &Expected,
    found: Shape,
    entry: &Entry,
    span: SourceSpan,
) -> Option<String> {
    let text = text_at(&entry.body.node, span)?;
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    if inner.contains("}}") || inner.contains('`') {
        return None;
    }
    // A type of a role that takes numbers and switches as texts has no separate type here.
    let single =
        matches!(expected, Expected::Text) || *expected == Expected::other("a single value");
    match (expected, found) {
        (_, Shape::List) if single => Some(format!(
            "join its values: `{{{{ {inner} | join(sep=' ') }}}}`"
        )),
        (_, Shape::Map) if single && inner.contains(' ') => Some(format!(
            "take a part of it: `{{{{ {inner} | get(key='name') }}}}`, or what it is called"
        )),
        (_, Shape::Map) if single => Some(format!(
            "take a part of it: `{{{{ {inner}.name }}}}`, or what it is called"
        )),
        (Expected::Text, Shape::Scalar) => {
            Some(format!("make a text of it: `{{{{ {inner} | str }}}}`"))
        }
        (Expected::Map, Shape::List) if span == entry.body.node.span => Some(format!(
            "go through it: `for_each: {}` beside `{}: \"{{{{ item }}}}\"`",
            yaml::quoted(inner),
            entry.kind
        )),
        (Expected::List, Shape::Scalar) => {
            let quote = if inner.contains('"') { '\'' } else { '"' };
            Some(format!(
                "make a list of it: `[{quote}{{{{ {inner} }}}}{quote}]`"
            ))
        }
        _ => None,
    }
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

/// The key whose value has this place.
fn key_at(node: &Node, span: SourceSpan) -> Option<&str> {
    match &node.value {
        Yaml::Map(pairs) => pairs.iter().find_map(|pair| {
            let here = pair.value.span == span && !matches!(pair.value.value, Yaml::Map(_));
            here.then_some(pair.key.as_str())
                .or_else(|| key_at(&pair.value, span))
        }),
        Yaml::List(list) => list.iter().find_map(|inner| key_at(inner, span)),
        _ => None,
    }
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
