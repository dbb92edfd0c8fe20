//! Groups of hosts, as Ansible has them, in the place of a host.

use crate::diagnostic::{Fault, shown};
use crate::inventory::foreign;
use crate::inventory::form::Form;
use crate::inventory::location::{Location, MapType, entries_of, find};
use crate::yaml::{Entry, Value};

/// The fault of a host's map that holds hosts.
pub(super) fn of_hosts(site: &Location<'_>) -> Option<Fault> {
    const MOST: usize = 200;
    let entries = site.map();
    let in_hosts = site.inventory && site.of() == MapType::Host && site.name_at(1) == "hosts";
    if !in_hosts || entries.len() > MOST || !is_group(entries) {
        return None;
    }
    let mut hosts = Vec::new();
    let whole = collect(site.name(), entries, &mut hosts);
    let help = if whole && !hosts.is_empty() {
        let all = foreign::quoted(&hosts);
        format!("write {all} in its place: a host names its roles itself")
    } else {
        "write each host right below `hosts`, by its name and with its role: `lb1: { role: director, address: ‹host› }`"
            .to_owned()
    };
    let fault = Fault::new(format!(
        "{} is a group, and hosts stand right below `hosts`",
        shown(site.name())
    ));
    let key = find(site.map_at(1), site.name())?;
    Some(fault.help(help).at(key.key_span))
}

fn holds_hosts(entries: &[Entry]) -> bool {
    find(entries, "hosts")
        .or(find(entries, "children"))
        .is_some()
}

/// Whether all of a map are maps, and none of its keys is one of a host.
fn is_group(entries: &[Entry]) -> bool {
    let is_map = |entry: &Entry| matches!(entry.value.value, Value::Map(_) | Value::Null);
    let of_host = |entry: &Entry| foreign::is_key_of_host(&entry.key);
    let some = entries.iter().any(|entry| entry.value.value != Value::Null);
    some && entries.iter().all(is_map) && (holds_hosts(entries) || !entries.iter().any(of_host))
}

/// Adds the hosts of a group and of those below it. Returns whether each has an address.
fn collect(group: &str, entries: &[Entry], hosts: &mut Vec<(String, Form)>) -> bool {
    let mut whole = true;
    for entry in entries {
        let inner = entries_of(&entry.value);
        whole &= match entry.key.as_str() {
            "hosts" | "children" => collect(group, inner, hosts),
            "vars" => true,
            name if is_group(inner) => collect(name, inner, hosts),
            name => {
                let given = |keys: &[&str]| {
                    let found = keys.iter().find_map(|key| find(inner, key));
                    found.and_then(|entry| Form::of(&entry.value))
                };
                let role = given(&["role"]).unwrap_or_else(|| Form::word(foreign::role_of(group)));
                let address = given(&["address", "ansible_host", "ip"]);
                let found = address.is_some();
                let mut pairs = vec![("role".to_owned(), role)];
                pairs.extend(address.map(|address| ("address".to_owned(), address)));
                hosts.push((name.to_owned(), Form::Map(pairs)));
                found
            }
        };
    }
    whole
}
