//! Real servers with the ports that they serve on, in forms that are not ours: `rs1: [8080, 8081]`, `'rs1:8080': {}`.

use crate::inventory::foreign::MOST_SIBLINGS;
use crate::inventory::form::Form;
use crate::inventory::node::{Entry, Node, Value};
use crate::inventory::problem::{Fault, shown};
use crate::inventory::site::{Site, each};

use super::Cursor;
use super::hint::beside;
use super::whole::REAL_SERVERS;

/// What a host has of its own, once for each time that it is named.
type Own = Vec<(String, Form)>;

/// A weight is rarely that large.
const LEAST_PORT: i128 = 1000;

/// One message of a map in which several hosts, or one of them several times, have just their ports.
pub(super) fn misread(cursor: Cursor<'_>, entries: &[Entry]) -> Option<Fault> {
    // Names are looked up only where something is odd.
    if entries.len() > MOST_SIBLINGS || !entries.iter().any(is_odd) {
        return None;
    }
    let site = cursor.site;
    let mut hosts: Vec<(String, Vec<Own>)> = Vec::new();
    let mut odd: Vec<String> = Vec::new();
    let mut lists = false;
    for entry in entries {
        let (name, port) = named(&site, &entry.key)?;
        let (own, plain) = of_value(&entry.value)?;
        if port.is_some() {
            odd.push(format!("the name {}", shown(&entry.key)));
        } else if !plain {
            odd.push(entry.value.describe());
        }
        lists |= port.is_some() || (!plain && matches!(entry.value.value, Value::List(_)));
        let with_port = |mut own: Own| {
            if let Some(port) = port {
                own.retain(|(key, _)| key != "port");
                own.insert(0, ("port".to_owned(), Form::word(port)));
            }
            own
        };
        let own = own.into_iter().map(with_port);
        match hosts.iter_mut().find(|(known, _)| known == name) {
            Some((_, all)) => all.extend(own),
            None => hosts.push((name.to_owned(), own.collect())),
        }
    }
    let first = odd.first()?;
    // One number alone has its own hint.
    if !lists && odd.len() < 2 {
        return None;
    }
    let maps_ports = hosts
        .iter()
        .flat_map(|(_, all)| all.iter().flatten())
        .any(|(key, _)| key == "port");
    let more = if maps_ports {
        beside(&site, &[("mode", Form::word("nat"))])
    } else {
        String::new()
    };
    let form = Form::Map(
        hosts
            .into_iter()
            .map(|(host, all)| (host, together(all)))
            .collect(),
    );
    let fault = Fault::new(format!("expected {REAL_SERVERS}, found {first}"));
    Some(fault.help(format!("write `{form}`{more}")))
}

/// Whether a name may have a port in it, or a value is no map.
fn is_odd(entry: &Entry) -> bool {
    let is_map = |node: &Node| matches!(node.value, Value::Map(_) | Value::Null);
    entry.key.contains(':')
        || match &entry.value.value {
            Value::List(list) => !list.iter().all(is_map),
            _ => !is_map(&entry.value),
        }
}

/// The host of a name, which may have a port behind it.
fn named<'a>(site: &Site<'a>, key: &'a str) -> Option<(&'a str, Option<u16>)> {
    if let Some(host) = site.host(key) {
        return Some((&host.key, None));
    }
    let (name, port) = key.rsplit_once(':')?;
    Some((&site.host(name)?.key, Some(port.parse().ok()?)))
}

/// What a value says, and whether it is written as it should be.
fn of_value(node: &Node) -> Option<(Vec<Own>, bool)> {
    match &node.value {
        Value::Null => Some((vec![Vec::new()], true)),
        Value::Int(..) => Some((vec![vec![number(node)?]], false)),
        Value::Map(_) => Some((vec![own(node)?], true)),
        Value::List(list) => {
            let maps = list.iter().all(|one| matches!(one.value, Value::Map(_)));
            if maps {
                return Some((list.iter().map(own).collect::<Option<_>>()?, true));
            }
            let ports: Vec<Own> = each(node)
                .iter()
                .map(|one| Some(vec![number(one).filter(|(key, _)| key == "port")?]))
                .collect::<Option<_>>()?;
            Some((ports, false))
        }
        _ => None,
    }
}

fn number(node: &Node) -> Option<(String, Form)> {
    let Value::Int(number, _) = &node.value else {
        return None;
    };
    let number = u16::try_from(*number).ok()?;
    let key = if i128::from(number) < LEAST_PORT {
        "weight"
    } else {
        "port"
    };
    Some((key.to_owned(), Form::word(number)))
}

fn own(node: &Node) -> Option<Own> {
    match Form::of(node)? {
        Form::Map(pairs) => Some(pairs),
        _ => None,
    }
}

/// What a host has: one map, a list of its ports, or a list of maps.
fn together(all: Vec<Own>) -> Form {
    let port = |own: &Own| match own.as_slice() {
        [(key, form)] if key == "port" => Some(form.clone()),
        _ => None,
    };
    let ports: Option<Vec<Form>> = all.iter().map(port).collect();
    match ports {
        Some(ports) if ports.len() > 1 => {
            let mut flat = Vec::new();
            for form in ports {
                match form {
                    Form::List(list) => flat.extend(list),
                    one => flat.push(one),
                }
            }
            Form::below(&["port"], Form::List(flat))
        }
        _ if all.len() == 1 => Form::Map(all.into_iter().flatten().collect()),
        _ => Form::List(all.into_iter().map(Form::Map).collect()),
    }
}
