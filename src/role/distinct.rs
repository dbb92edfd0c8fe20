//! Removes duplicate resources of a host, which several of its roles may define.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::Value;

use super::RoleFaults;
use super::place::Place;
use crate::diagnostic::Fault;
use crate::resource::Resource;

/// Each resource once, in the order of the first. Where a role of the user's takes part, two of one kind and key that
/// differ are an error. Built-in roles may differ: a page of `web` is also a page of the folder that `nfs` shares.
pub(super) fn distinct(
    made: Vec<(Place, Resource)>,
    host: &str,
    faults: &mut RoleFaults,
) -> Vec<Resource> {
    let mut kept: Vec<(Place, Resource)> = Vec::new();
    let mut known: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
    for (place, resource) in made {
        match known.entry((resource.kind(), resource.key())) {
            Entry::Vacant(entry) => {
                entry.insert(kept.len());
                kept.push((place, resource));
            }
            Entry::Occupied(entry) => {
                if let Some((other, first)) = kept.get(*entry.get())
                    && *first != resource
                    && (place.is_own() || other.is_own())
                {
                    conflict((&place, &resource), (other, first), host, faults);
                }
            }
        }
    }
    kept.into_iter().map(|(_, resource)| resource).collect()
}

/// Said of the user's own role, where one of the two is built in.
fn conflict(
    one: (&Place, &Resource),
    other: (&Place, &Resource),
    host: &str,
    faults: &mut RoleFaults,
) {
    let (at, beside) = if one.0.is_own() {
        (one, other)
    } else {
        (other, one)
    };
    let (kind, key) = (at.1.kind(), at.1.key());
    let (by, what) = (beside.0.shown(), differing(at.1, beside.1));
    let fault = Fault::new(format!(
        "{kind} {key} is asked for otherwise by {by} ({what} differs)"
    ))
    .help("make them the same, or delete one")
    .at(at.0.entry.kind_span);
    at.0.add(fault, Some(host), faults);
}

/// The fields in which two resources differ.
fn differing(one: &Resource, other: &Resource) -> String {
    let fields = |r: &Resource| match serde_json::to_value(r) {
        Ok(Value::Object(mut of_kind)) => of_kind.remove(r.kind()).unwrap_or_default(),
        _ => Value::Null,
    };
    let (one, other) = (fields(one), fields(other));
    let names = one.as_object().into_iter().chain(other.as_object());
    let mut names: Vec<&String> = names
        .flat_map(|map| map.keys())
        .filter(|name| one.get(name) != other.get(name))
        .collect();
    names.sort();
    names.dedup();
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
