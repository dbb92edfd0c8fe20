//! Hints that depend on the place in the inventory: the map and the key that a value is under.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diagnostic::Help;
use crate::inventory::foreign;
use crate::inventory::form::Form;
use crate::inventory::location::{Location, MapType, entries_of, find, has_role, scalar};
use crate::inventory::scalar::{endpoint, switch};
use crate::yaml::{Entry, Value};

use super::hint::{beside, of_ipv6};
use super::{Cursor, maps};

/// The value that was meant at this place of the inventory.
pub(super) fn of_place(cursor: Cursor<'_>) -> Option<Help> {
    if !cursor.site.inventory {
        return None;
    }
    if let Some(help) = maps::of_place(cursor) {
        return Some(help.into());
    }
    let help = match cursor.site.of() {
        MapType::Names => of_named(cursor),
        MapType::Inventory => of_inventory(cursor),
        MapType::Vrrp => of_vrrp(cursor),
        MapType::Service | MapType::EndToEnd | MapType::LongHealthCheck => {
            return of_service(cursor);
        }
        MapType::Defaults | MapType::Host => of_host(cursor),
        _ => None,
    };
    help.map(Help::from)
}

fn below(name: &str, form: Form) -> Option<String> {
    Some(format!("write `{}`", Form::below(&[name], form)))
}

/// An entry of a map of names.
fn of_named(cursor: Cursor<'_>) -> Option<String> {
    let (site, key, found) = (cursor.site, cursor.key, &cursor.node.value);
    let text = scalar(cursor.node);
    match (site.name(), found) {
        ("hosts", _) => host(&site, key, text?),
        ("services", Value::Text(text)) => colons(text),
        ("real_servers", Value::Text(_)) => {
            Some("write `{}`: a real server has its address below `hosts`".to_owned())
        }
        ("members", Value::Int(number, _)) => below("priority", Form::word(number)),
        ("members", Value::Text(text)) if text.parse::<IpAddr>().is_ok() => {
            below("address", Form::word(text))
        }
        ("members", Value::Text(text)) => {
            let priority = ["backup", "slave"].contains(&text.to_lowercase().as_str());
            below("priority", Form::word(if priority { 90 } else { 100 }))
        }
        ("track_script", Value::Text(text)) if text.starts_with('/') => {
            below("script", Form::word(text))
        }
        ("track_script", Value::Text(text)) => below("unit", Form::word(foreign::unit(text)?)),
        ("networks", Value::Map(entries)) => of_network(entries),
        _ => None,
    }
}

/// A value of the inventory's top level.
fn of_inventory(cursor: Cursor<'_>) -> Option<String> {
    let (site, key, found) = (cursor.site, cursor.key, &cursor.node.value);
    let text = scalar(cursor.node);
    match (site.of(), key, found) {
        (MapType::Inventory, "hosts", Value::List(_)) => Some(
            "write each host below its name: `hosts: { lb1: { role: director, address: ‹host› } }`"
                .to_owned(),
        ),
        (MapType::Inventory, "services", Value::List(list)) => {
            let first = list.first().map(entries_of).unwrap_or_default();
            let name = find(first, "name").and_then(|entry| scalar(&entry.value));
            let written = list.first().filter(|_| list.len() == 1).and_then(Form::of);
            let form = match (name, written) {
                (Some(name), Some(Form::Map(mut pairs))) => {
                    pairs.retain(|(key, _)| key != "name");
                    Form::below(&[name], Form::Map(pairs))
                }
                _ => Form::parse("{ web: { vip: ‹vip›, port: 80 } }"),
            };
            Some(format!(
                "write each service below its name: `services: {form}`"
            ))
        }
        (MapType::Inventory, "vrrp", Value::List(list)) => {
            let one = list.first().filter(|_| list.len() == 1).and_then(Form::of);
            Some(match one {
                Some(Form::Map(mut pairs)) => {
                    pairs.retain(|(key, _)| key != "name");
                    format!("write `{}`: one instance needs no name, and no list", Form::Map(pairs))
                }
                _ => "write each instance below its name: `{ lan: { virtual_router_id: 51, vips: ‹vip› } }`".to_owned(),
            })
        }
        (MapType::Inventory, "vrrp", Value::Int(number, _)) => {
            below("virtual_router_id", Form::word(number))
        }
        (MapType::Inventory, "vrrp", _) if text.is_some() => {
            below("virtual_router_id", Form::word(51))
        }
        _ => None,
    }
}

/// A value of a VRRP instance.
fn of_vrrp(cursor: Cursor<'_>) -> Option<String> {
    let (site, key, found) = (cursor.site, cursor.key, &cursor.node.value);
    let text = scalar(cursor.node);
    match (site.of(), key, found) {
        (MapType::Vrrp, "members", Value::Map(_)) => Some(
            "write the names of hosts (`[lb1, lb2]`), or a map of them: `members: { lb1: { priority: 110 } }`"
                .to_owned(),
        ),
        (MapType::Vrrp, "unicast", Value::List(_) | Value::Map(_)) => Some(
            "write `true`: each member sends from its address to those of the others".to_owned(),
        ),
        (MapType::Vrrp, "unicast", Value::Text(text)) if text.parse::<IpAddr>().is_ok() => Some(
            "write `true`: each member sends from its address to those of the others".to_owned(),
        ),
        (MapType::Vrrp, "sync_daemon", Value::Map(_) | Value::Text(_)) => {
            let off = text.and_then(switch) == Some(false);
            let why = if off { "" } else { ": it uses the interface that carries the adverts" };
            Some(format!("write `{}`{why}", !off))
        }
        (MapType::Vrrp, "notify", Value::Map(entries)) => {
            let program = entries.iter().find_map(|entry| scalar(&entry.value))?;
            let program = program.split_whitespace().next().filter(|p| p.starts_with('/'))?;
            Some(format!(
                "write `{program}`: one program runs at every change, with the new state as its third argument"
            ))
        }
        (MapType::Vrrp, "track_script", Value::List(_) | Value::Text(_)) => Some(
            "write each below its name: `{ web: { unit: nginx.service } }` or `{ up: { script: /usr/local/bin/up } }`".to_owned(),
        ),
        _ => None,
    }
}

/// A value of a service, its end-to-end check or its health check.
fn of_service(cursor: Cursor<'_>) -> Option<Help> {
    let (site, key, found) = (cursor.site, cursor.key, &cursor.node.value);
    let help = match (site.of(), key, found) {
        (MapType::Service, "real_servers", Value::Map(_)) => {
            "write the names of hosts (`[rs1, rs2]`), or a map of them: `real_servers: { rs1: { weight: 2 } }`"
                .to_owned()
        }
        (MapType::EndToEnd, "http" | "https", Value::Map(entries)) => {
            let known = ["path", "status", "requests"];
            let own = entries.iter().filter(|entry| known.contains(&entry.key.as_str()));
            let pairs: Option<Vec<(String, Form)>> = own
                .map(|entry| Some((entry.key.clone(), Form::of(&entry.value)?)))
                .collect();
            let pairs = pairs.filter(|pairs| !pairs.is_empty())?;
            let all = foreign::quoted(&pairs);
            format!("write {all} in the place of `{key}`, which lists ports here")
        }
        (MapType::Service, "port", Value::Text(text)) if is_every(text) => {
            return Some(every_port(&site, cursor.in_list));
        }
        (MapType::Service, "real_port", Value::List(_)) => {
            "a service maps all its ports to one: make a separate service for each port, with its `real_port`".to_owned()
        }
        (MapType::Service, "check", Value::Bool(..)) => {
            "delete the key: `lvsctl verify` asks for every service; `check: { path: /health }` says how".to_owned()
        }
        (MapType::LongHealthCheck, "port", Value::List(_)) => {
            "write one port, or delete the key: without it each port that is served is asked".to_owned()
        }
        (MapType::LongHealthCheck, "tcp" | "http" | "https", Value::Int(port, _)) => {
            let port = beside(&site, &[("port", Form::word(port))]);
            return Some(Help::from("write `{}`").and(port));
        }
        (MapType::LongHealthCheck, "http" | "https", Value::Text(text)) if text.contains('/') => {
            below("path", Form::word(path_in(text)))?
        }
        (MapType::LongHealthCheck, "tcp" | "http" | "https", _) => {
            format!("write `{key}: {{}}` in the place of `{key}`")
        }
        (MapType::LongHealthCheck, "script", Value::Text(text)) => script(text)?,
        _ => return None,
    };
    Some(help.into())
}

/// A program in the place of a map.
fn script(text: &str) -> Option<String> {
    let first = text.split_whitespace().next()?;
    let absolute = first.starts_with('/');
    let path = if absolute {
        first.to_owned()
    } else {
        format!("/usr/local/bin/{}", first.trim_start_matches("./"))
    };
    let why = match (absolute, first.len() < text.len()) {
        (_, true) => ": it gets the real server's address and port as arguments, and no others",
        (false, _) => ", or where it is on the directors",
        (true, _) => "",
    };
    Some(format!(
        "write `{}`{why}",
        Form::below(&["path"], Form::word(path))
    ))
}

/// A value of a host or of the defaults.
fn of_host(cursor: Cursor<'_>) -> Option<String> {
    match (cursor.key, &cursor.node.value) {
        ("ssh", Value::Text(text)) => ssh(&cursor.site, text),
        ("ssh", _) => Some(
            "write a map of options, such as `{ user: admin }`; `connection: ssh` is the default"
                .to_owned(),
        ),
        _ => None,
    }
}

/// A word for every port.
fn is_every(text: &str) -> bool {
    let words = ["any", "all", "*", "every", "any port", "all ports"];
    words.contains(&text.to_lowercase().as_str())
}

/// `port: 0` needs persistence, and a health check would need one port.
fn every_port(site: &Location<'_>, in_list: bool) -> Help {
    let mut pairs = vec![("persistence", Form::word(true))];
    pairs.retain(|(key, _)| site.given(key).is_none());
    if !site.all("vrrp").is_empty() && site.given("health_check").is_none() {
        pairs.push(("health_check", Form::word(false)));
    }
    let more = beside(site, &pairs);
    let write = if in_list {
        "write `port: 0` in the place of the list"
    } else {
        "write `0`, which is every port"
    };
    Help::from(write).and(more)
}

/// A host that is only its address.
fn host(site: &Location<'_>, name: &str, text: &str) -> Option<String> {
    let (address, port) = match text.parse::<IpAddr>() {
        Ok(address) => (address.to_string(), None),
        Err(_) => match text.parse::<IpNet>() {
            Ok(net) => (net.to_string(), None),
            Err(_) => {
                let (address, port) = endpoint(text)?;
                (address.to_string(), port)
            }
        },
    };
    let mut role = foreign::role_of(name);
    // A second director would need VRRP, which would be the next fault.
    let before = site.all("hosts").iter().take_while(|host| host.key != name);
    let director = before.clone().any(|host| has_role(&host.value, "director"));
    let guessed = before.filter(|host| scalar(&host.value).is_some());
    if role == "director"
        && (director || guessed.map(|h| foreign::role_of(&h.key)).any(|r| r == role))
    {
        role = "backup";
    }
    let pairs = vec![
        ("role".to_owned(), Form::word(role)),
        ("address".to_owned(), Form::word(address)),
    ];
    let why = match port {
        Some(port) => format!(", and where NAT maps the port, `real_port: {port}` in the service"),
        None => String::new(),
    };
    Some(format!("write `{}`{why}", Form::Map(pairs)))
}

/// A block whose lines lack the blank behind their colons is one text.
fn colons(text: &str) -> Option<String> {
    let pairs = text.split_whitespace().map(|word| {
        let (key, value) = word.split_once([':', '='])?;
        let good = |c: char| c.is_ascii_lowercase() || c == '_';
        let fits = !key.is_empty() && key.chars().all(good) && !value.is_empty();
        fits.then(|| (key.to_owned(), Form::word(value)))
    });
    let pairs: Vec<(String, Form)> = pairs.collect::<Option<_>>()?;
    Some(format!(
        "write {}, each on its line, with a blank behind the colon",
        foreign::quoted(&pairs)
    ))
}

/// A network with its subnet below a key.
pub(super) fn of_network(entries: &[Entry]) -> Option<String> {
    let given = ["subnet", "cidr", "network", "address"]
        .iter()
        .find_map(|key| find(entries, key));
    match given {
        Some(entry) => Some(format!(
            "write `{}`: a network is its subnet",
            Form::of(&entry.value)?
        )),
        None => of_ipv6(entries, true),
    }
}

/// `root@bastion` and the like.
fn ssh(site: &Location<'_>, text: &str) -> Option<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if let Some((user, host)) = text.split_once('@') {
        if !user.chars().all(word) || !host.chars().all(word) || user.is_empty() {
            return None;
        }
        // In `defaults` it would be the same machine for every host.
        if site.of() == MapType::Defaults {
            return Some(format!(
                "write `{{ user: {user} }}`; for a jump host write `{{ jump: {text} }}`"
            ));
        }
        return Some(format!("write `{{ user: {user}, host: {host} }}`"));
    }
    match text {
        _ if switch(text).is_some() => None,
        _ if site.of() == MapType::Host && text.chars().all(word) => {
            Some(format!("write `{{ host: {text} }}`"))
        }
        _ => None,
    }
}

/// The path of a URL, or of a request: `GET /health`.
fn path_in(text: &str) -> String {
    let text = text
        .split_whitespace()
        .find(|word| word.contains('/'))
        .unwrap_or(text);
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => text,
    };
    format!("/{}", path.trim_start_matches('/'))
}
