//! Real servers in forms that are not ours: `10.0.0.1:80 weight=2`, `{ name: rs1, port: 8080 }`, `rs1: [8080, 8081]`,
//! `'rs1:8080': {}`.

use crate::diagnostic::shown;
use crate::inventory::form::Form;
use crate::inventory::location::{Location, each, find, scalar};
use crate::inventory::scalar::endpoint;
use crate::yaml::{Entry, Node, Value};

/// Real servers as `real_servers` takes them.
pub(in crate::inventory) struct Servers {
    pub form: Form,
    /// Whether only NAT can map their ports.
    pub needs_nat: bool,
    /// The first that is written otherwise.
    pub odd: Option<String>,
}

/// The keys of a real server.
type Own = Vec<(String, Form)>;

#[derive(Default)]
struct One<'a> {
    host: &'a str,
    own: Own,
    odd: Option<String>,
}

/// All of them, where each is a host of the inventory.
pub(in crate::inventory) fn servers(service: &Location<'_>, node: &Node) -> Option<Servers> {
    const MOST: usize = 200;
    let mut found: Vec<One<'_>> = Vec::new();
    match &node.value {
        // `[*pool]` is a list in a list.
        Value::List(list) if list.len() <= MOST => {
            for inner in list {
                let first = found.len();
                for one in each(inner).iter().take(MOST) {
                    found.extend(of_node(service, one)?);
                    if found.len() > MOST {
                        return None;
                    }
                }
                if let (Value::List(_), Some(one)) = (&inner.value, found.get_mut(first)) {
                    one.odd = Some("a list in a list".to_owned());
                }
            }
        }
        Value::Map(entries) if entries.len() <= MOST => {
            // Names are looked up only where something is odd.
            if !entries.iter().any(is_odd) {
                return None;
            }
            for entry in entries {
                found.extend(named(service, entry)?);
            }
        }
        Value::Text(text) => {
            let parts = text.split([',', ';', '\n']).map(str::trim);
            let mut parts: Vec<&str> = parts.filter(|part| !part.is_empty()).take(MOST).collect();
            if let [one] = parts.as_slice()
                && one
                    .split_whitespace()
                    .all(|word| service.host(word).is_some())
            {
                parts = one.split_whitespace().take(MOST).collect();
            }
            let all = parts.iter().map(|part| of_text(service, part));
            found = all.collect::<Option<_>>()?;
            if let [first, _, ..] = found.as_mut_slice() {
                first.odd = Some(node.describe());
            }
        }
        _ => return None,
    }
    let port = port_of(service);
    let mut hosts: Vec<(String, Vec<Own>)> = Vec::new();
    let mut odd = None;
    for mut one in found {
        odd = odd.or(one.odd);
        one.own
            .retain(|(key, form)| key != "port" || form.text() != port);
        match hosts.iter_mut().find(|(host, _)| host == one.host) {
            Some((_, all)) => all.push(one.own),
            None => hosts.push((one.host.to_owned(), vec![one.own])),
        }
    }
    let keys = || hosts.iter().flat_map(|(_, all)| all.iter().flatten());
    let needs_nat = keys().any(|(key, _)| key == "port");
    let plain = keys().next().is_none() && !matches!(node.value, Value::Map(_));
    if hosts.is_empty() {
        return None;
    }
    let form = if plain {
        Form::words(hosts.iter().map(|(host, _)| host))
    } else {
        let all = hosts.into_iter().map(|(host, all)| (host, together(all)));
        Form::Map(all.collect())
    };
    Some(Servers {
        form,
        needs_nat,
        odd,
    })
}

/// The service's port, where it is one; also behind a VIP: `tcp-service: 10.0.0.100:80`.
fn port_of<'a>(service: &Location<'a>) -> Option<&'a str> {
    if let Some(port) = service.given("port") {
        return scalar(&port.value);
    }
    let mut beside = service.map().iter().take(super::MOST_SIBLINGS);
    beside.find_map(|entry| {
        let text = scalar(&entry.value).filter(|_| super::stands_for(&entry.key, "vip"))?;
        Some(text.rsplit_once([':', ' '])?.1)
    })
}

/// Whether a name may have a port in it, or a value is no map.
fn is_odd(entry: &Entry) -> bool {
    let is_map = |node: &Node| matches!(node.value, Value::Map(_) | Value::Null);
    entry.key.contains(':') || !each(&entry.value).iter().all(is_map)
}

/// `rs1: 3`, `rs1: [8080, 8081]`, `'rs1:8080': { weight: 2 }`.
fn named<'a>(site: &Location<'a>, entry: &Entry) -> Option<Vec<One<'a>>> {
    let name = of_text(site, &entry.key)?;
    let mut all = Vec::new();
    for node in each(&entry.value) {
        let (own, odd) = match &node.value {
            Value::Null => (Own::new(), None),
            Value::Map(_) => match Form::of(node)? {
                Form::Map(own) => (own, None),
                _ => return None,
            },
            Value::Int(..) => (vec![number(node)?], Some(entry.value.describe())),
            _ => (of_text(site, scalar(node)?)?.own, Some(node.describe())),
        };
        let mut one = One {
            host: name.host,
            own,
            odd,
        };
        if !name.own.is_empty() {
            one.own.retain(|(key, _)| key != "port");
            one.own.splice(0..0, name.own.clone());
            one.odd = Some(format!("the name {}", shown(&entry.key)));
        }
        all.push(one);
    }
    Some(all)
}

/// A number alone: a weight is rarely as large as the ports that servers use behind NAT.
fn number(node: &Node) -> Option<(String, Form)> {
    let number: u16 = scalar(node)?.parse().ok()?;
    let key = if number < 1000 { "weight" } else { "port" };
    Some((key.to_owned(), Form::word(number)))
}

/// Keys that name the host.
const NAMES: &[&str] = &[
    "name", "host", "hostname", "server", "address", "addr", "ip", "real",
];

fn of_node<'a>(site: &Location<'a>, node: &Node) -> Option<Vec<One<'a>>> {
    let Value::Map(entries) = &node.value else {
        let mut one = of_text(site, scalar(node)?)?;
        one.odd = one.odd.map(|_| node.describe());
        return Some(vec![one]);
    };
    let names = entries
        .iter()
        .filter(|entry| NAMES.contains(&entry.key.as_str()));
    let mut names = names.filter_map(|entry| scalar(&entry.value)).peekable();
    if names.peek().is_none() {
        // `- rs1: { weight: 2 }`, as it is written here.
        let [entry] = entries.as_slice() else {
            return None;
        };
        return named(site, entry);
    }
    let mut one = names.find_map(|name| of_text(site, name))?;
    for key in ["port", "weight"] {
        let number = find(entries, key).and_then(|entry| scalar(&entry.value)?.parse::<u16>().ok());
        let missing = !one.own.iter().any(|(own, _)| own == key);
        one.own.extend(
            number
                .filter(|_| missing)
                .map(|n| (key.to_owned(), Form::word(n))),
        );
    }
    one.odd = Some(node.describe());
    Some(vec![one])
}

/// A name or an address, with a port and a weight: `10.0.0.1:80 weight 2`, ldirectord's `10.0.0.1:80 gate 5`, keepalived's
/// `10.0.0.1 80`, HAProxy's `web1 10.0.0.1:80 check`.
fn of_text<'a>(site: &Location<'a>, text: &str) -> Option<One<'a>> {
    let mut words = text.split_whitespace();
    let first = words.next()?;
    let named = with_port(site, first);
    let second = text
        .split_whitespace()
        .nth(1)
        .filter(|word| word.contains(['.', ':']));
    let second = second.and_then(|word| with_port(site, word));
    if second.is_some() {
        words.next();
    }
    let (host, mut port) = second.or(named)?;
    let mut weight = None;
    let mut words = words.flat_map(|word| word.split(['=', ':'])).peekable();
    let number = |text: &str| text.parse::<u16>().ok();
    if let Some(given) = words.next_if(|word| number(word).is_some()) {
        port = number(given);
    }
    while let Some(word) = words.next() {
        match word {
            "weight" | "w" => weight = Some(words.next().and_then(number)?),
            "gate" | "masq" | "ipip" => {
                weight = words
                    .next_if(|word| number(word).is_some())
                    .and_then(number);
            }
            "check" => {}
            _ => return None,
        }
    }
    let pair = |key: &str, number: Option<u16>| Some((key.to_owned(), Form::word(number?)));
    let own: Own = [
        pair("port", port.filter(|port| *port > 0)),
        pair("weight", weight),
    ]
    .into_iter()
    .flatten()
    .collect();
    let odd = (first != text || port.is_some()).then(|| format!("the text {}", shown(text)));
    Some(One { host, own, odd })
}

fn with_port<'a>(site: &Location<'a>, word: &str) -> Option<(&'a str, Option<u16>)> {
    if let Some(host) = site.host(word) {
        return Some((&host.key, None));
    }
    if let Some((address, port)) = endpoint(word) {
        return Some((&site.host(&address.to_string())?.key, port));
    }
    let (name, port) = word.rsplit_once(':')?;
    Some((&site.host(name)?.key, Some(port.parse().ok()?)))
}

/// A host's keys: one map, a list of its ports, or a list of maps.
fn together(mut all: Vec<Own>) -> Form {
    let port = |own: &Own| match own.as_slice() {
        [(key, form)] if key == "port" => Some(form.clone()),
        _ => None,
    };
    if all.len() == 1 {
        return Form::Map(all.remove(0));
    }
    match all.iter().map(port).collect::<Option<Vec<Form>>>() {
        Some(ports) => Form::below(&["port"], Form::List(ports)),
        None => Form::List(all.into_iter().map(Form::Map).collect()),
    }
}

/// The real servers with a map of weights by host, or a list of them in the order of the hosts.
pub(in crate::inventory) fn weighted(site: &Location<'_>, node: &Node) -> Option<Form> {
    let Value::List(list) = &node.value else {
        return servers(site, node).map(|found| found.form);
    };
    let names = site.real_servers();
    let own = |(name, weight): (&&str, &Node)| {
        let weight = Form::word(scalar(weight)?.parse::<u16>().ok()?);
        Some(((*name).to_owned(), Form::below(&["weight"], weight)))
    };
    let pairs: Own = names.iter().zip(list).map(own).collect::<Option<_>>()?;
    (list.len() == names.len() && !list.is_empty()).then_some(Form::Map(pairs))
}
