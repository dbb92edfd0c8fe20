//! A single value where a map is due: the map that it was probably meant to be.

use std::net::IpAddr;

use crate::inventory::form::Form;
use crate::inventory::location::{Location, MapType, each, has_role, scalar};
use crate::yaml::{Node, Value};

use super::Cursor;

pub(super) fn of_place(cursor: Cursor<'_>) -> Option<String> {
    let (site, node) = (cursor.site, cursor.node);
    if matches!(node.value, Value::Map(_) | Value::Null) {
        return None;
    }
    let text = scalar(node);
    match (site.of(), cursor.key) {
        (MapType::Host, "exports") => Some(write(export(&site, text?)?)),
        (MapType::Host, "interfaces") => interfaces(&site, node),
        (MapType::Host | MapType::Defaults, "lab") => Some(write(lab(text?))),
        (MapType::Service, "check") => check(&site, node),
        (MapType::Inventory, "defaults") => {
            Some("write what hosts share, such as `{ ssh: { user: admin } }`".to_owned())
        }
        (MapType::LongHealthCheck, "script") if !matches!(node.value, Value::Text(_)) => {
            Some("write the program, such as `{ path: /usr/local/bin/check }`".to_owned())
        }
        (MapType::Names, _) if site.name() == "members" && matches!(node.value, Value::Bool(..)) => {
            Some("write `{}`".to_owned())
        }
        (MapType::Names, _) if site.name() == "track_script" && !matches!(node.value, Value::Text(_)) => Some(
            "write what is watched: `{ unit: nginx.service }` or `{ script: /usr/local/bin/up }`"
                .to_owned(),
        ),
        _ => None,
    }
}

fn write(form: Form) -> String {
    format!("write `{form}`")
}

fn map(pairs: &[(&str, &str)]) -> Form {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), Form::word(value));
    Form::Map(pairs.iter().map(pair).collect())
}

/// A folder: it is mounted at the same place, by a host that mounts folders, or by any other.
fn export(site: &Location<'_>, text: &str) -> Option<Form> {
    let path = text
        .split([':', ' '])
        .next()
        .filter(|path| path.starts_with('/'))?;
    let own = site.name();
    let others = || site.all("hosts").iter().filter(|host| host.key != own);
    let mounts = others().find(|host| has_role(&host.value, "nfs-client"));
    let to = mounts
        .or_else(|| others().next())
        .map_or("rs1", |host| &host.key);
    Some(map(&[("path", path), ("to", to), ("at", path)]))
}

/// A name or an address, where each interface has its address.
fn interfaces(site: &Location<'_>, node: &Node) -> Option<String> {
    let first = each(node).first().and_then(scalar)?;
    let bare = first.split('/').next().unwrap_or(first);
    let is_address = bare.parse::<IpAddr>().is_ok();
    let interface = site
        .given("interface")
        .and_then(|entry| scalar(&entry.value));
    Some(match (site.given("address"), is_address) {
        (Some(_), true) => {
            "delete `interfaces`: `address` is enough, and `interfaces` is for several".to_owned()
        }
        (Some(_), false) if interface.is_some() => {
            "delete `interfaces`: `interface` is enough, and `interfaces` is for several".to_owned()
        }
        (Some(_), false) => format!("write `interface: {first}` in the place of `interfaces`"),
        (None, true) => write(map(&[(interface.unwrap_or("eth0"), first)])),
        (None, false) => write(map(&[(first, "‹host›")])),
    })
}

fn lab(text: &str) -> Form {
    match text.to_lowercase().as_str() {
        word @ ("nft" | "legacy") => map(&[("iptables", word)]),
        word @ ("bookworm" | "trixie") => map(&[("suite", word)]),
        "12" => map(&[("suite", "bookworm")]),
        "13" => map(&[("suite", "trixie")]),
        _ => map(&[("suite", "bookworm")]),
    }
}

/// A port of the service, or a status.
fn check(site: &Location<'_>, node: &Node) -> Option<String> {
    let list = matches!(node.value, Value::List(_));
    let numbers: Vec<u16> = each(node)
        .iter()
        .filter_map(|one| scalar(one)?.parse().ok())
        .collect();
    let ports = site.given("port").map_or(&[][..], |port| each(&port.value));
    let own = |number: &u16| {
        let mut ports = ports.iter().filter_map(scalar);
        ports.any(|port| port == number.to_string())
    };
    let key = if numbers.iter().all(own) {
        "ports"
    } else if numbers.iter().all(|number| (100..600).contains(number)) {
        "status"
    } else {
        return None;
    };
    let mut words = numbers.iter().map(Form::word);
    let form = match words.len() {
        0 => return None,
        1 if !list => words.next()?,
        _ => Form::List(words.collect()),
    };
    Some(write(Form::below(&[key], form)))
}
