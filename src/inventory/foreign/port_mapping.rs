//! Ports as Docker and Kubernetes write them: `80:8080`, `53/udp`, `{ port: 80, targetPort: 8080 }`.

use super::advice::Advice;
use super::{Conversion, Means, renamed};
use crate::inventory::form::{Form, pair};
use crate::inventory::location::{Location, each, find, scalar};
use crate::yaml::{Entry, Node, Value};

pub(super) const PORTS: Means = Means::Convert(Conversion(&["port"], of_key));

/// A port of a service, with the keys that are written with it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::inventory) struct Port {
    pub port: String,
    /// `real_port`, `protocol` and `mode`.
    pub beside: Vec<(&'static str, String)>,
    /// Whether `port` does not take it as it is.
    pub odd: bool,
}

/// All of a value, where one of them is odd.
pub(in crate::inventory) fn ports(node: &Node) -> Option<Vec<Port>> {
    const MOST: usize = 50;
    let all = each(node);
    let found: Vec<Port> = all.iter().take(MOST).map(port).collect::<Option<_>>()?;
    (all.len() <= MOST && found.iter().any(|port| port.odd)).then_some(found)
}

fn port(node: &Node) -> Option<Port> {
    let (outer, inner, protocol) = match &node.value {
        Value::Map(entries) => of_map(entries)?,
        _ => of_text(scalar(node)?),
    };
    let odd = inner.is_some() || protocol.is_some() || matches!(node.value, Value::Map(_));
    let mut beside = Vec::new();
    if let Some(protocol) = protocol.map(str::to_lowercase) {
        if !["tcp", "udp"].contains(&protocol.as_str()) {
            return None;
        }
        beside.push(("protocol", protocol));
    }
    let inner = inner.map(|inner| inner.to_string());
    if let Some(inner) = inner.filter(|inner| *inner != outer) {
        beside.insert(0, ("real_port", inner));
        beside.push(("mode", "nat".to_owned()));
    }
    Some(Port {
        port: outer,
        beside,
        odd,
    })
}

/// A port, that of the real servers, and the protocol.
type Written<'a> = (String, Option<u16>, Option<&'a str>);

/// `{ port: 80, targetPort: 8080, protocol: TCP }`, or the ends of a range: `{ from: 80, to: 90 }`.
fn of_map(entries: &[Entry]) -> Option<Written<'_>> {
    let of = |keys: &[&str]| {
        let found = keys.iter().find_map(|key| find(entries, key))?;
        scalar(&found.value)
    };
    let outer = match of(&["port", "published", "hostPort", "containerPort"]) {
        Some(outer) => outer.to_owned(),
        None => {
            let first = of(&["from", "start", "first", "min"])?;
            format!("{first}-{}", of(&["to", "end", "last", "max"])?)
        }
    };
    let inner = of(&["targetPort", "target_port", "target", "container_port"]);
    let protocol = of(&["protocol"]).filter(|text| !text.eq_ignore_ascii_case("tcp"));
    Some((outer, inner.and_then(|inner| inner.parse().ok()), protocol))
}

/// `80:8080`, `53/udp`.
fn of_text(text: &str) -> Written<'_> {
    let (ports, protocol) = match text.split_once('/') {
        Some((ports, protocol)) => (ports, Some(protocol)),
        None => (text, None),
    };
    match mapping(ports) {
        Some((outer, inner)) => (outer.to_string(), Some(inner), protocol),
        None => (ports.to_owned(), None, protocol),
    }
}

/// `80:8080`, with an address before it or without; not a range as iptables writes one, `10000:20000`.
fn mapping(text: &str) -> Option<(u16, u16)> {
    let (before, inner) = text.rsplit_once(':')?;
    let outer = before.rsplit_once(':').map_or(before, |(_, outer)| outer);
    let (outer, inner) = (outer.trim().parse().ok()?, inner.trim().parse().ok()?);
    let is_range = outer < inner && (outer < 1024) == (inner < 1024);
    let good = text.matches(':').count() <= 2 && outer > 0 && inner > 0;
    (good && !is_range).then_some((outer, inner))
}

/// Several ports that need a service each.
pub(in crate::inventory) fn a_service_each(all: &[Port], site: &Location<'_>) -> String {
    let vip = site.given("vip").and_then(|vip| Form::of(&vip.value));
    let services = all.iter().map(|port| {
        let mut keys: Vec<(String, Form)> = Vec::new();
        keys.extend(vip.clone().map(|vip| ("vip".to_owned(), vip)));
        keys.push(("port".to_owned(), Form::word(&port.port)));
        let beside = port.beside.iter();
        keys.extend(beside.map(|(key, value)| ((*key).to_owned(), Form::word(value))));
        let protocol = port.beside.iter().find(|(key, _)| *key == "protocol");
        let protocol = protocol.map_or(String::new(), |(_, word)| format!("-{word}"));
        let name = format!("{}-{}{protocol}", site.name(), port.port);
        format!("`{}`", pair(&(name, Form::Map(keys))))
    });
    let services: Vec<String> = services.collect();
    format!(
        "a service has one `protocol` and one `real_port`: make a service of each: {}",
        services.join(", ")
    )
}

/// `ports: ["80:8080"]`.
fn of_key(entry: &Entry, site: &Location<'_>) -> Advice {
    if site.given("port").is_some() {
        return Advice::delete("`port` is given already");
    }
    let Some(all) = ports(&entry.value) else {
        return renamed("port", entry, site);
    };
    match all.as_slice() {
        [one] => {
            let beside: Vec<(&str, &str)> = one
                .beside
                .iter()
                .map(|(key, value)| (*key, value.as_str()))
                .collect();
            Advice::write("port", Form::word(&one.port)).with(site, &beside)
        }
        all if all.iter().all(|port| port.beside.is_empty()) => {
            Advice::write("port", Form::words(all.iter().map(|port| &port.port)))
        }
        all => Advice::labelled("here it is `port`", a_service_each(all, site)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_and_ranges() {
        for (text, found) in [
            ("80:8080", Some((80, 8080))),
            ("127.0.0.1:80:8080", Some((80, 8080))),
            ("8080:8080", Some((8080, 8080))),
            ("10000:20000", None),
            ("80:90", None),
            ("0:80", None),
            ("80", None),
            ("80:x", None),
            ("a:b:80:8080", None),
        ] {
            assert_eq!(mapping(text), found, "{text}");
        }
    }
}
