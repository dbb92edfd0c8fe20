//! Words that take a host out of service: `state: maintenance`, `enabled: false`, `drain: true`; and servers that only
//! stand by.

use super::advice::Advice;
use super::{Conversion, Means, text_of};
use crate::inventory::form::Form;
use crate::inventory::location::{Location, MapType, address, has_role, scalar};
use crate::inventory::scalar::switch;
use crate::yaml::{Entry, Value};

pub(super) const MAINTENANCE: Means = Means::Convert(Conversion(&["weight"], out_of_service));
pub(super) const BACKUP: Means = Means::Convert(Conversion(&[], backup));

/// States, and whether a host in one is out of service.
const STATES: &[(&str, bool)] = &[
    (
        "maintenance maint drain draining drained down disabled off offline out inactive absent stopped",
        true,
    ),
    ("up active enabled on online ready present started", false),
];

/// Whether a key with its value takes a host out of service; none where it says something else.
fn is_out(key: &str, value: &Value, text: &str) -> Option<bool> {
    let text = text.to_lowercase();
    let on = switch(&text).or(match text.as_str() {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    });
    let on = if *value == Value::Null {
        Some(true)
    } else {
        on
    };
    match key.to_lowercase().as_str() {
        "enabled" | "active" => on.map(|on| !on),
        "state" | "status" => {
            let mut states = STATES.iter();
            let found = states.find(|(words, _)| words.split(' ').any(|word| word == text));
            found.map(|(_, out)| *out).or(on.map(|on| !on))
        }
        _ => Some(on.unwrap_or(true)),
    }
}

fn out_of_service(entry: &Entry, site: &Location<'_>) -> Advice {
    let text = text_of(&entry.value).unwrap_or_default();
    let out = is_out(&entry.key, &entry.value.value, &text);
    let name = site.name();
    if site.of() == MapType::Service {
        return match out {
            Some(true) => Advice::say(format!(
                "lvsctl has no services that are switched off: delete the service `{name}`, or write it as a comment"
            )),
            _ => Advice::delete("a service is there for as long as the inventory has it"),
        };
    }
    let serves = site
        .host(name)
        .is_none_or(|host| has_role(&host.value, "realserver"));
    match out {
        None => Advice::delete("the director with the highest `priority` is the master"),
        Some(true) if !serves => Advice::delete(format!(
            "`lvsctl stop {name}` stops its part of the cluster"
        )),
        Some(false) if !serves => {
            Advice::delete("a host is used for as long as the inventory has it")
        }
        Some(false) => Advice::delete("a real server serves unless its `weight` is 0"),
        Some(true) => match site.given("weight").map(|weight| scalar(&weight.value)) {
            None => Advice::write("weight", Form::word(0)),
            Some(Some("0")) => Advice::delete("`weight: 0` is enough"),
            Some(weight) => Advice::say(format!(
                "delete it, and write `weight: 0` in the place of `weight: {}`",
                weight.unwrap_or("...")
            )),
        },
    }
}

/// A server that only answers when no other does.
fn backup(entry: &Entry, site: &Location<'_>) -> Advice {
    if scalar(&entry.value).and_then(switch) == Some(false) {
        return Advice::delete("a real server serves unless its `weight` is 0");
    }
    let host = site.host(site.name());
    if site.of() == MapType::Host && host.is_some_and(|host| has_role(&host.value, "director")) {
        return Advice::say("delete it, and write `role: backup` in the place of `role: director`");
    }
    let own = host
        .and_then(|host| address(&host.value))
        .unwrap_or("‹host›");
    Advice::say(format!(
        "who answers when no real server is left is the service's `sorry_server: {own}`, and no real server beside"
    ))
}
