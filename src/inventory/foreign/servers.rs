//! Real servers as other programs list them: `10.0.0.1:80 weight=2`, `{ name: rs1, port: 8080 }`.

use crate::inventory::form::Form;
use crate::inventory::node::{Entry, Node, Value};
use crate::inventory::scalar::endpoint;
use crate::inventory::site::{Site, each, find, scalar};

/// What `real_servers` takes for them.
pub(in crate::inventory) struct Servers {
    pub form: Form,
    /// Whether only NAT can map their ports.
    pub needs_nat: bool,
    /// Whether one of them is not just the name or the address of a host.
    pub odd: bool,
}

#[derive(Default)]
struct One<'a> {
    host: &'a str,
    weight: Option<u16>,
    ports: Vec<u16>,
    odd: bool,
}

/// All of them, where each is a host of the inventory.
pub(in crate::inventory) fn servers(service: &Site<'_>, node: &Node) -> Option<Servers> {
    const MOST: usize = 50;
    let mut all: Vec<One<'_>> = Vec::new();
    let listed = match &node.value {
        // `[*pool]` is a list in a list.
        Value::List(list) if list.len() <= MOST => {
            let all = list.iter().flat_map(each).take(MOST);
            all.map(|node| one(service, node)).collect()
        }
        Value::Map(entries) if entries.len() <= MOST => {
            entries.iter().map(|entry| named(service, entry)).collect()
        }
        Value::Text(text) => {
            let parts = text.split([',', ';', '\n']).map(str::trim);
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).take(MOST).collect();
            let alone = parts.len() == 1;
            let words = || text.split_whitespace();
            if alone && words().all(|word| service.host(word).is_some()) && words().count() > 1 {
                words().map(|word| of_text(service, word)).collect()
            } else {
                parts.iter().map(|part| of_text(service, part)).collect()
            }
        }
        _ => None::<Vec<One<'_>>>,
    }?;
    let service_port = service.given("port").map(|port| each(&port.value));
    let mut own: Vec<&str> = service_port
        .unwrap_or_default()
        .iter()
        .filter_map(scalar)
        .collect();
    if own.is_empty() {
        // `bind: 10.0.0.100:80`, which becomes the port.
        let beside = service.map().iter().take(super::MOST_SIBLINGS);
        let beside = beside.filter(|entry| super::stands_for(&entry.key, "vip"));
        let port = beside.filter_map(|entry| {
            let text = scalar(&entry.value)?;
            text.rsplit([':', ' ']).next().filter(|port| *port != text)
        });
        own.extend(port.take(1));
    }
    let mut odd = match &node.value {
        Value::Text(_) => listed.len() > 1,
        Value::List(list) => list.iter().any(|node| matches!(node.value, Value::List(_))),
        _ => false,
    };
    for mut server in listed {
        odd |= server.odd;
        server.ports.retain(|port| own != [port.to_string()]);
        match all.iter_mut().find(|known| known.host == server.host) {
            Some(known) => known.ports.extend(server.ports),
            None => all.push(server),
        }
    }
    let needs_nat = all.iter().any(|server| !server.ports.is_empty());
    let plain = all
        .iter()
        .all(|server| server.weight.is_none() && server.ports.is_empty());
    let form = if plain {
        Form::List(all.iter().map(|server| Form::word(server.host)).collect())
    } else {
        Form::Map(
            all.iter()
                .map(|one| (one.host.to_owned(), own_of(one)))
                .collect(),
        )
    };
    (!all.is_empty()).then_some(Servers {
        form,
        needs_nat,
        odd,
    })
}

fn own_of(one: &One<'_>) -> Form {
    let mut pairs = Vec::new();
    if let Some(weight) = one.weight {
        pairs.push(("weight".to_owned(), Form::word(weight)));
    }
    match one.ports.as_slice() {
        [] => {}
        [port] => pairs.push(("port".to_owned(), Form::word(port))),
        ports => {
            let list = ports.iter().map(Form::word).collect();
            pairs.push(("port".to_owned(), Form::List(list)));
        }
    }
    Form::Map(pairs)
}

fn one<'a>(site: &Site<'a>, node: &Node) -> Option<One<'a>> {
    match &node.value {
        Value::Map(entries) => of_map(site, entries),
        _ => of_text(site, scalar(node)?),
    }
}

/// `rs1: 3`, `rs1: 10.0.0.1`, `rs1: { address: 10.0.0.1, port: 8080 }`.
fn named<'a>(site: &Site<'a>, entry: &Entry) -> Option<One<'a>> {
    let mut found = of_text(site, &entry.key)?;
    match &entry.value.value {
        Value::Null => {}
        Value::Map(entries) => add_own(&mut found, entries),
        Value::Int(number, _) => found.weight = u16::try_from(*number).ok(),
        _ => {
            let other = of_text(site, scalar(&entry.value)?)?;
            found.ports.extend(other.ports);
        }
    }
    Some(found)
}

/// Keys that name the host.
const NAMES: &[&str] = &[
    "name", "host", "hostname", "server", "node", "address", "addr", "ip", "target", "real",
];

fn of_map<'a>(site: &Site<'a>, entries: &[Entry]) -> Option<One<'a>> {
    let known = |entry: &&Entry| NAMES.contains(&entry.key.as_str());
    if !entries.iter().any(|entry| known(&entry)) {
        // `- rs1: { weight: 2 }`, as it is written here.
        let [entry] = entries else { return None };
        return named(site, entry);
    }
    let mut names = entries
        .iter()
        .filter(known)
        .filter_map(|entry| scalar(&entry.value));
    let mut found = names.find_map(|name| of_text(site, name))?;
    found.odd = true;
    add_own(&mut found, entries);
    Some(found)
}

fn add_own(found: &mut One<'_>, entries: &[Entry]) {
    let number = |key: &str| {
        let node = &find(entries, key)?.value;
        scalar(node)?.parse::<u16>().ok()
    };
    found.weight = found.weight.or(number("weight"));
    found.ports.extend(number("port").filter(|port| *port > 0));
}

/// A name or an address, with a port, a weight, and words that other programs have there.
fn of_text<'a>(site: &Site<'a>, text: &str) -> Option<One<'a>> {
    let mut found = One::default();
    let mut words = text.split_whitespace().peekable();
    let mut first = true;
    while let Some(word) = words.next() {
        let same = |(host, _): &(&str, _)| found.host.is_empty() || found.host == *host;
        if let Some((host, port)) = with_port(site, word).filter(same) {
            found.host = host;
            found.ports.extend(port);
            found.odd |= port.is_some() || !first;
            // keepalived's: `10.0.0.1 80`.
            if let Some(port) = words.next_if(|next| next.parse::<u16>().is_ok()) {
                found.ports.extend(port.parse::<u16>().ok());
                found.odd = true;
            }
            first = false;
            continue;
        }
        let number = |text: &str| text.parse::<u16>().ok();
        match word.split_once(['=', ':']).unwrap_or((word, "")) {
            ("weight" | "w", "") => found.weight = Some(words.next().and_then(number)?),
            ("weight" | "w", value) => found.weight = Some(number(value)?),
            // ldirectord's: `10.0.0.1:80 gate 5`.
            ("gate" | "masq" | "ipip", "") => {
                found.weight = words
                    .next_if(|next| number(next).is_some())
                    .and_then(number);
            }
            ("check" | "server", "") => {}
            // HAProxy gives each server a name.
            _ if first && found.host.is_empty() => {}
            _ => return None,
        }
        first = false;
        found.odd = true;
    }
    (!found.host.is_empty()).then_some(found)
}

fn with_port<'a>(site: &Site<'a>, word: &str) -> Option<(&'a str, Option<u16>)> {
    if let Some(host) = site.host(word) {
        return Some((&host.key, None));
    }
    if let Some((address, port)) = endpoint(word) {
        return Some((&site.host(&address.to_string())?.key, port));
    }
    let (name, port) = word.rsplit_once(':')?;
    let port = port.parse().ok()?;
    Some((&site.host(name)?.key, Some(port)))
}
