//! From the path of a value in the inventory (`services`, `web`, `vip`, `0`) to its place in the text.

use std::collections::BTreeSet;

use miette::SourceSpan;

use crate::diagnostic::{Fault, FaultKind, MOST_SHOWN};
use crate::yaml::{Node, Value};

#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a>(pub &'a Node);

impl<'a> Places<'a> {
    /// The place of the value; of the nearest key above it where the path ends early (a default was taken) or
    /// the value is a map or a list.
    pub(super) fn value(self, path: &[&str]) -> SourceSpan {
        let (node, key) = self.walk(path);
        match node {
            Some(Node {
                value: Value::Map(_) | Value::List(_) | Value::Null,
                ..
            })
            | None => key,
            Some(node) => self.seen(node, node.span),
        }
    }

    /// The place at which a fault of a value is shown: the alias that uses it. A value of `vars` is repaired in `vars`.
    pub(super) fn seen(self, node: &Node, span: SourceSpan) -> SourceSpan {
        match node.used {
            Some(used) if !self.in_vars(span) => used,
            _ => span,
        }
    }

    fn in_vars(self, span: SourceSpan) -> bool {
        let Value::Map(entries) = &self.0.value else {
            return false;
        };
        let starts = entries
            .iter()
            .map(|entry| (entry.key_span.offset(), entry.key.as_str()));
        let above = starts.filter(|(start, _)| *start <= span.offset()).max();
        above.is_some_and(|(_, key)| key == "vars")
    }

    /// The place of the key itself.
    pub(super) fn key(self, path: &[&str]) -> SourceSpan {
        self.walk(path).1
    }

    /// The keys of the map there; none where there is no map.
    pub(super) fn keys(self, path: &[&str]) -> impl Iterator<Item = &'a str> {
        let entries = match self.walk(path).0.map(|node| &node.value) {
            Some(Value::Map(entries)) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|entry| entry.key.as_str())
    }

    /// The text there.
    pub(super) fn text(self, path: &[&str]) -> Option<&'a str> {
        if !self.is_given(path) {
            return None;
        }
        match &self.walk(path).0?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The names beside an element of a list, or a key of a map.
    pub(super) fn beside(self, path: &[&str]) -> Vec<&'a str> {
        let above = path.split_last().map_or(path, |(_, above)| above);
        match self.walk(above).0.map(|node| &node.value) {
            Some(Value::Map(entries)) => entries.iter().map(|e| e.key.as_str()).collect(),
            Some(Value::List(list)) => list
                .iter()
                .filter_map(|node| match &node.value {
                    Value::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// True if the inventory has a value at this path.
    pub(super) fn is_given(self, path: &[&str]) -> bool {
        let mut node = self.0;
        path.iter().all(|step| match &node.value {
            Value::Map(entries) => match entries.iter().find(|e| e.key == *step) {
                Some(entry) => {
                    node = &entry.value;
                    true
                }
                None => false,
            },
            Value::List(list) => match step.parse().ok().and_then(|i: usize| list.get(i)) {
                Some(element) => {
                    node = element;
                    true
                }
                None => false,
            },
            _ => false,
        })
    }

    fn walk(self, path: &[&str]) -> (Option<&'a Node>, SourceSpan) {
        let mut node = self.0;
        let mut key = (node.span.offset(), 0).into();
        for step in path {
            match &node.value {
                Value::Map(entries) => match entries.iter().find(|e| e.key == *step) {
                    Some(entry) => {
                        key = self.seen(&entry.value, entry.key_span);
                        node = &entry.value;
                    }
                    None => return (None, key),
                },
                Value::List(list) => match step.parse().ok().and_then(|i: usize| list.get(i)) {
                    Some(element) => node = element,
                    None => return (None, key),
                },
                // The short form of what could be a list or a map.
                _ => return (Some(node), key),
            }
        }
        (Some(node), key)
    }
}

/// A fault of an alias and of the value that it names is one fault, at the value.
pub(super) fn once(root: &Node, faults: &mut Vec<Fault>) {
    // The place of each alias, and of the value that it names.
    let mut aliases: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        let used = |node: &Node| node.used.map(|used| used.offset());
        aliases.extend(used(node).map(|used| (used, node.span.offset())));
        match &node.value {
            Value::List(list) => open.extend(list),
            Value::Map(entries) => {
                let keys = entries.iter();
                let keys = keys.filter_map(|e| Some((used(&e.value)?, e.key_span.offset())));
                aliases.extend(keys);
                open.extend(entries.iter().map(|entry| &entry.value));
            }
            _ => {}
        }
    }
    if aliases.is_empty() {
        return;
    }
    let defined: Vec<(usize, FaultKind)> = faults
        .iter()
        .filter_map(|fault| Some((fault.span?.offset(), fault.kind.clone())))
        .take(MOST_SHOWN)
        .collect();
    faults.retain(|fault| {
        let Some(at) = fault.span.map(|span| span.offset()) else {
            return true;
        };
        let same = |(named, kind): &&(usize, FaultKind)| {
            *named != at && *kind == fault.kind && aliases.contains(&(at, *named))
        };
        !defined.iter().any(|defined| same(&defined))
    });
}

/// A key that the hint to a neighbour adds is not missing as well.
pub(super) fn proposed(root: &Node, faults: &mut Vec<Fault>) {
    let adding: Vec<(usize, Vec<String>)> = faults
        .iter()
        .filter_map(|fault| Some((fault.span?.offset(), fault.help.as_ref()?.adds.clone())))
        .filter(|(_, adds)| !adds.is_empty())
        .take(MOST_SHOWN)
        .collect();
    if adding.is_empty() {
        return;
    }
    faults.retain(|fault| {
        let (FaultKind::MissingKey { key, .. }, Some(span)) = (&fault.kind, fault.span) else {
            return true;
        };
        let Some(end) = end_behind(root, span) else {
            return true;
        };
        let inside = |at: usize| (span.offset()..end).contains(&at);
        !adding
            .iter()
            .any(|(at, adds)| inside(*at) && adds.contains(key))
    });
}

/// The end of the value behind the key at this place.
fn end_behind(root: &Node, key: SourceSpan) -> Option<usize> {
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        match &node.value {
            Value::List(list) => open.extend(list),
            Value::Map(entries) => {
                if let Some(entry) = entries.iter().find(|entry| entry.key_span == key) {
                    return Some(entry.value.span.offset() + entry.value.span.len());
                }
                open.extend(entries.iter().map(|entry| &entry.value));
            }
            _ => {}
        }
    }
    None
}
