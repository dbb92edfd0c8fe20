//! Groups of hosts, as Ansible has them, where a host should stand.

use crate::inventory::foreign::{is_host, quoted, role_of};
use crate::inventory::form::Form;
use crate::inventory::node::{Entry, Value};
use crate::inventory::problem::{Fault, shown};
use crate::inventory::site::{Site, entries_of, find};

/// A fault where the map of a host holds hosts.
pub(super) fn of_hosts(site: &Site<'_>) -> Option<Fault> {
    const MOST: usize = 200;
    let entries = site.map();
    let is_map = |entry: &Entry| matches!(entry.value.value, Value::Map(_) | Value::Null);
    let group = site.inventory
        && site.of() == "Host"
        && site.name_at(1) == "hosts"
        && !entries.is_empty()
        && entries.len() <= MOST
        && !holds_keys(entries)
        && entries.iter().all(is_map);
    if !group
        || !entries
            .iter()
            .any(|entry| matches!(entry.value.value, Value::Map(_)))
    {
        return None;
    }
    let mut hosts = Vec::new();
    let whole = collect(site.name(), entries, &mut hosts);
    let help = if whole && !hosts.is_empty() {
        let all = quoted(&hosts);
        format!("write {all} in its place: a host names its roles itself")
    } else {
        "write each host right below `hosts`, by its name and with its own role: `lb1: { role: director, address: 192.168.100.14 }`"
            .to_owned()
    };
    let fault = Fault::new(format!(
        "{} is a group, and hosts stand right below `hosts`",
        shown(site.name())
    ))
    .help(help);
    let key = find(site.map_at(1), site.name()).map(|entry| entry.key_span);
    Some(match key {
        Some(span) => fault.at(span),
        None => fault,
    })
}

/// Whether there are keys of a host; a group of Ansible's has `vars` as well.
fn holds_keys(entries: &[Entry]) -> bool {
    let group = find(entries, "hosts")
        .or(find(entries, "children"))
        .is_some();
    is_host(entries) && !group
}

/// The hosts of a group and of those below it; whether each has an address.
fn collect(group: &str, entries: &[Entry], hosts: &mut Vec<(String, Form)>) -> bool {
    let mut whole = true;
    for entry in entries {
        let inner = entries_of(&entry.value);
        let is_group = find(inner, "hosts").or(find(inner, "children")).is_some();
        whole &= match entry.key.as_str() {
            "hosts" | "children" => collect(group, inner, hosts),
            "vars" => true,
            name if is_group => collect(name, inner, hosts),
            name if entry_is_group(inner) => collect(name, inner, hosts),
            name => {
                let address = ["address", "ansible_host", "ip"]
                    .iter()
                    .find_map(|key| find(inner, key))
                    .and_then(|entry| Form::of(&entry.value));
                let role = find(inner, "role").and_then(|entry| Form::of(&entry.value));
                let mut pairs = vec![(
                    "role".to_owned(),
                    role.unwrap_or_else(|| Form::word(role_of(group))),
                )];
                let found = address.is_some();
                pairs.extend(address.map(|address| ("address".to_owned(), address)));
                hosts.push((name.to_owned(), Form::Map(pairs)));
                found
            }
        };
    }
    whole
}

fn entry_is_group(inner: &[Entry]) -> bool {
    let is_map = |entry: &Entry| matches!(entry.value.value, Value::Map(_));
    !inner.is_empty() && !is_host(inner) && inner.iter().all(is_map)
}
