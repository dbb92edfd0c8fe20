//! Ports and VIPs as other programs write them: `80:8080`, `53/udp`, `10.0.0.100 80`.

use super::{Pairs, pair};
use crate::inventory::foreign::advice::{Advice, put, quoted};
use crate::inventory::foreign::{renamed, text_of};
use crate::inventory::form::{Form, pair as shown};
use crate::inventory::node::{Entry, Node, Value};
use crate::inventory::scalar::{endpoint, is_range, mapping};
use crate::inventory::site::{Site, each, find, scalar};

/// `ports: ["80:8080"]`, `ports: [{ port: 80, targetPort: 8080 }]`, or a list of plain ones.
pub(super) fn ports(entry: &Entry, site: &Site<'_>) -> Advice {
    if site.given("port").is_some() {
        return Advice::delete("`port` is given already");
    }
    let all: Vec<Port> = each(&entry.value).iter().map(port).collect();
    if let [one] = all.as_slice()
        && let Some(pairs) = one.pairs()
    {
        let nat = pairs.iter().any(|(key, _)| key == "real_port");
        let more: &[(&str, &str)] = if nat { &[("mode", "nat")] } else { &[] };
        let (port, others): (Pairs, Pairs) = pairs.into_iter().partition(|(key, _)| key == "port");
        let missing = others
            .into_iter()
            .filter(|(key, _)| site.given(key).is_none());
        let pairs = port.into_iter().chain(missing).collect();
        return Advice::Write(pairs, String::new()).with(site, more);
    }
    if all.iter().all(Port::is_plain) {
        if !all.iter().any(|port| port.same) {
            return renamed("port", entry, site);
        }
        let list = all
            .iter()
            .map(|port| Some(Form::word(port.outer.as_ref()?)));
        return match list.collect::<Option<_>>() {
            Some(list) => Advice::write("port", Form::List(list)),
            None => Advice::Rename("port"),
        };
    }
    match several(&all, site) {
        Some(help) => Advice::labelled("here it is `port`", help),
        None => Advice::Rename("port"),
    }
}

/// A port as Docker and Kubernetes write it.
#[derive(Default)]
pub(in crate::inventory) struct Port {
    pub outer: Option<String>,
    pub inner: Option<u16>,
    pub protocol: Option<String>,
    /// Whether it is one port, written as a pair.
    pub same: bool,
}

impl Port {
    fn is_plain(&self) -> bool {
        self.inner.is_none() && self.protocol.is_none()
    }

    /// The keys of a service that say it.
    pub(crate) fn pairs(&self) -> Option<Pairs> {
        let mut pairs = vec![pair("port", Form::word(self.outer.as_ref()?))];
        if let Some(inner) = self.inner {
            pairs.push(pair("real_port", Form::word(inner)));
        }
        if let Some(protocol) = &self.protocol {
            pairs.push(pair("protocol", Form::word(protocol)));
        }
        (!self.is_plain() || self.same).then_some(pairs)
    }
}

/// One port of a list.
pub(in crate::inventory) fn port(node: &Node) -> Port {
    let protocol = |text: &str| {
        let protocol = text.to_lowercase();
        ["tcp", "udp"]
            .contains(&protocol.as_str())
            .then_some(protocol)
    };
    if let Value::Map(entries) = &node.value {
        let of = |keys: &[&str]| {
            let found = keys.iter().find_map(|key| find(entries, key));
            found.and_then(|entry| scalar(&entry.value))
        };
        let outer = of(&["port", "published"]).map(str::to_owned);
        let inner = of(&["targetPort", "target_port", "target", "container_port"]);
        return Port {
            inner: inner
                .filter(|inner| Some(*inner) != outer.as_deref())
                .and_then(|inner| inner.parse().ok()),
            same: false,
            protocol: of(&["protocol"]).and_then(protocol).filter(|p| p != "tcp"),
            outer,
        };
    }
    let text = scalar(node).unwrap_or_default();
    let (ports, kind) = text.split_once('/').unwrap_or((text, ""));
    let mapped = mapping(ports).filter(|pair| !is_range(*pair));
    Port {
        inner: mapped
            .filter(|(outer, inner)| outer != inner)
            .map(|(_, inner)| inner),
        outer: Some(mapped.map_or_else(|| ports.to_owned(), |(outer, _)| outer.to_string())),
        protocol: protocol(kind),
        same: mapped.is_some_and(|(outer, inner)| outer == inner),
    }
}

/// Several of which each needs a service of its own.
pub(in crate::inventory) fn several(all: &[Port], site: &Site<'_>) -> Option<String> {
    let name = site.name();
    let vip = site.given("vip").and_then(|vip| Form::of(&vip.value));
    let each = all.iter().map(|port| {
        let mut pairs = port.pairs().or_else(|| {
            let outer = port.outer.as_ref()?;
            Some(vec![pair("port", Form::word(outer))])
        })?;
        if port.inner.is_some() {
            pairs.push(pair("mode", Form::word("nat")));
        }
        if let Some(vip) = &vip {
            pairs.insert(0, pair("vip", vip.clone()));
        }
        let name = match (&port.outer, &port.protocol) {
            (Some(outer), Some(protocol)) => format!("{name}-{outer}-{protocol}"),
            (outer, _) => format!("{name}-{}", outer.as_deref().unwrap_or_default()),
        };
        Some(pair(&name, Form::Map(pairs)))
    });
    let each: Pairs = each.collect::<Option<_>>()?;
    let each: Vec<String> = each
        .iter()
        .map(|pair| format!("`{}`", shown(pair)))
        .collect();
    (!each.is_empty()).then(|| {
        format!(
            "a service has one `protocol` and one `real_port`: make a service of each: {}",
            each.join(", ")
        )
    })
}

/// An address that may have its port with it: `10.0.0.100 80`, `*:80`.
pub(super) fn vip(entry: &Entry, site: &Site<'_>) -> Advice {
    let text = text_of(&entry.value).unwrap_or_default();
    if let Some(mark) = text
        .strip_prefix("fwmark ")
        .filter(|_| site.given("fwmark").is_none())
    {
        return Advice::write("fwmark", Form::word(mark));
    }
    let port = |port: &str| {
        let known = site.given("port").is_some() || port.parse::<u16>().is_err();
        (!known).then(|| ("port".to_owned(), Form::word(port)))
    };
    if site.given("vip").is_some() {
        return match endpoint(&text).and_then(|(_, port)| port) {
            Some(number) if site.given("port").is_none() => {
                Advice::write("port", Form::word(number))
            }
            _ => Advice::delete("`vip` is given already"),
        };
    }
    if let Some((address, found)) = endpoint(&text) {
        let mut pairs = vec![("vip".to_owned(), Form::word(address))];
        pairs.extend(found.and_then(|found| port(&found.to_string())));
        return Advice::Write(pairs, String::new());
    }
    if let Some((_, found)) = text
        .rsplit_once(':')
        .filter(|(any, _)| ["*", ""].contains(any))
    {
        let port = port(found).map(|pair| vec![pair]).unwrap_or_default();
        return Advice::say(format!(
            "write `vip: 192.168.100.200`, the address that clients ask for, and {}",
            if port.is_empty() {
                "`port: 80`".to_owned()
            } else {
                quoted(&port)
            }
        ));
    }
    renamed("vip", entry, site)
}

pub(super) fn udp_vip(entry: &Entry, site: &Site<'_>) -> Advice {
    match vip(entry, site) {
        advice @ Advice::Write(..) => advice.with(site, &[("protocol", "udp")]),
        _ if site.given("vip").is_some() => Advice::say("write `protocol: udp` in its place"),
        _ => Advice::say(
            "write `vip: 192.168.100.200`, the address that clients ask for, and `protocol: udp`",
        ),
    }
}

/// The port that a real server listens on, or that of SSH.
pub(super) fn host_port(entry: &Entry, site: &Site<'_>) -> Advice {
    let port = text_of(&entry.value).unwrap_or_default();
    let serving = site.has_role("realserver");
    let of_ssh = ["22", "222", "2222"].contains(&port.as_str());
    if !serving || of_ssh || port.is_empty() {
        return match Form::of(&entry.value) {
            Some(form) => put(site, 0, &["ssh", "port"], form),
            None => Advice::say("`ssh: { port: 22 }` says where SSH finds the host"),
        };
    }
    let name = site.name();
    Advice::delete(format!(
        "where NAT maps ports, a service says which one real servers listen on: `real_port: {port}`, or of this host \
         alone `real_servers: {{ {name}: {{ port: {port} }} }}`; `ssh: {{ port: {port} }}` would be that of SSH"
    ))
}

pub(super) fn target_port(entry: &Entry, site: &Site<'_>) -> Advice {
    match renamed("real_port", entry, site) {
        advice @ Advice::Write(..) => advice.with(site, &[("mode", "nat")]),
        advice => advice,
    }
}
