//! A service or a host that stands right below `services` or `hosts`, without its name.

use crate::diagnostic::Fault;
use crate::inventory::form::Form;
use crate::inventory::location::{each, entries_of, find, scalar};
use crate::yaml::{Entry, Value};

use super::Cursor;

pub(super) fn service(cursor: Cursor<'_>) -> Option<Fault> {
    let entries = entries_of(cursor.node);
    if !is_one(entries, &["vip", "port"]) {
        return None;
    }
    let form = Form::of(cursor.node).unwrap_or_else(|| Form::parse("{ vip: ‹vip›, port: 80 }"));
    Some(
        Fault::new("a service stands below its name, and this one has none")
            .help(format!("write `services: {}`", Form::below(&["web"], form))),
    )
}

pub(super) fn host(cursor: Cursor<'_>) -> Option<Fault> {
    let entries = entries_of(cursor.node);
    if !is_one(entries, &["role", "address"]) {
        return None;
    }
    let role = find(entries, "role").and_then(|role| each(&role.value).first());
    let name = match role.and_then(scalar) {
        Some("director") => "lb1",
        Some("backup") => "lb2",
        Some("client") => "client",
        Some("router") => "router",
        _ => "rs1",
    };
    let form =
        Form::of(cursor.node).unwrap_or_else(|| Form::parse("{ role: director, address: ‹host› }"));
    Some(
        Fault::new("a host stands below its name, and this one has none")
            .help(format!("write `hosts: {}`", Form::below(&[name], form))),
    )
}

/// True if one of these keys stands where names stand, with a value that no named map has.
fn is_one(entries: &[Entry], keys: &[&str]) -> bool {
    let is_value = |entry: &Entry| !matches!(entry.value.value, Value::Map(_) | Value::Null);
    let is_given = |key: &&str| find(entries, key).is_some_and(is_value);
    let named = |entry: &Entry| {
        let inner = entries_of(&entry.value);
        keys.iter().any(|key| find(inner, key).is_some())
    };
    keys.iter().any(is_given) && !entries.iter().any(named)
}
