//! Hints made to fit the inventory that they are about: addresses of its own networks in the place of examples, and what a
//! host's name in the place of an address means.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use miette::SourceSpan;

use super::model::directs;
use super::node::{Entry, Node, Value};
use super::place::Places;
use super::problem::Fault;
use super::raw::word::NO_NAMES;
use super::spare;

/// Gives the hints what they could not know where they were made.
pub(super) fn fit(root: &Node, faults: &mut [Fault]) {
    let places = Places(root);
    name_addresses(places, faults);
    own_examples(root, faults);
}

/// Where a host's name stands in the place of an address: which one it is.
fn name_addresses(places: Places<'_>, faults: &mut [Fault]) {
    let named = faults
        .iter_mut()
        .filter(|f| f.help.as_deref() == Some(NO_NAMES));
    let mut named = named.peekable();
    if named.peek().is_none() {
        return;
    }
    let sorry = SorryServers::of(places);
    for fault in named {
        let found = fault.message.rsplit_once(", found the text `");
        let Some(text) = found.and_then(|(_, text)| text.strip_suffix('`')) else {
            continue;
        };
        let (name, port) = text.split_once(':').unwrap_or((text, ""));
        let Some(address) = address_of(places, name) else {
            continue;
        };
        if let Some(help) = fault
            .span
            .and_then(|span| sorry.director(places, span, name))
        {
            fault.help = Some(help);
            continue;
        }
        let port = if port.is_empty() || address.contains(':') {
            String::new()
        } else {
            format!(":{port}")
        };
        fault.help = Some(format!("write `{address}{port}`, the address of `{name}`"));
    }
}

/// The first address that a host is given, without its prefix.
fn address_of<'a>(places: Places<'a>, host: &str) -> Option<&'a str> {
    let own = ["hosts", host, "address"];
    let first = ["hosts", host, "address", "0"];
    let nics = places.keys(&["hosts", host, "interfaces"]).next();
    let text = places
        .text(&own)
        .or_else(|| places.text(&first))
        .or_else(|| {
            let nic = ["hosts", host, "interfaces", nics?];
            let long = [&nic[..], &["address"]].concat();
            places.text(&nic).or_else(|| places.text(&long))
        })?;
    text.split('/').next()
}

/// Names of the hosts that are directors.
fn directors(places: Places<'_>) -> Vec<&str> {
    let is_director = |host: &&str| {
        let path = ["hosts", *host, "role"];
        let one = places.text(&path);
        let listed = (0_usize..)
            .map(|index| places.text(&["hosts", *host, "role", &index.to_string()]))
            .take_while(Option::is_some)
            .flatten();
        one.into_iter().chain(listed).any(directs)
    };
    places.keys(&["hosts"]).filter(is_director).collect()
}

/// Where services name their sorry servers, and the directors: of several none is named as one, since what each is sent comes
/// to the one that serves.
struct SorryServers<'a> {
    directors: BTreeSet<&'a str>,
    /// Services by the offset of the value of `sorry_server`.
    services: BTreeMap<usize, &'a str>,
}

impl<'a> SorryServers<'a> {
    fn of(places: Places<'a>) -> Self {
        let at = |service: &'a str| {
            let place = places.value(&["services", service, "sorry_server"]);
            (place.offset(), service)
        };
        Self {
            directors: directors(places).into_iter().collect(),
            services: places.keys(&["services"]).map(at).collect(),
        }
    }

    fn director(&self, places: Places<'_>, at: SourceSpan, name: &str) -> Option<String> {
        if !self.directors.contains(name) || self.directors.len() < 2 {
            return None;
        }
        let service = self.services.get(&at.offset())?;
        let mode = places.text(&["services", service, "mode"]);
        let one = places.text(&["services", service, "vip"]);
        let vip = one.or_else(|| places.text(&["services", service, "vip", "0"]));
        let own = if vip.is_some_and(|vip| vip.contains(':')) {
            "'::1'"
        } else {
            "127.0.0.1"
        };
        Some(if mode == Some("nat") {
            format!(
                "with `nat` and several directors none of them, as `{name}` is, can be it: write the address of a host beside the real servers that is no director"
            )
        } else {
            format!("write `{own}`: it is the director that serves")
        })
    }
}

/// The examples that stand in hints and messages: addresses of hosts, and a VIP.
const HOST: &str = "192.168.100.14";
const VIP: &str = "192.168.100.200";

/// Puts free addresses of the inventory's own networks in the place of the examples.
fn own_examples(root: &Node, faults: &mut [Fault]) {
    let is_example = |text: &str| text.contains(HOST) || text.contains(VIP);
    let concerned = |fault: &&mut Fault| {
        is_example(&fault.message) || fault.help.as_deref().is_some_and(is_example)
    };
    let mut concerned = faults.iter_mut().filter(concerned).peekable();
    if concerned.peek().is_none() {
        return;
    }
    let places = Places(root);
    let taken = spare::written(root);
    let nets = subnets(root);
    let is_ours = |net: &&IpNet| HOST.parse().is_ok_and(|ip: IpAddr| net.contains(&ip));
    if nets.is_empty() || nets.iter().any(|net| is_ours(&net)) {
        return;
    }
    let of_hosts = most_used(&nets, hosts_addresses(places));
    let of_vips = most_used(&nets, vips(places)).or_else(|| {
        let first = directors(places).into_iter().next()?;
        most_used(&nets, address_of(places, first)?.parse().ok())
    });
    let free = |net: Option<IpNet>, ends: &[u8]| {
        let net = net.or(nets.first().copied())?;
        let address = spare::address_in(net, &taken, None, ends)?;
        Some((address, net.prefix_len()))
    };
    let host = free(of_hosts, &[14, 15, 16]);
    let vip = free(of_vips.or(of_hosts), &[200, 201, 202, 100]);
    let parts = parts_of_hosts(root);
    for fault in concerned {
        // The hint may be about the host's own address.
        let own = fault.span.and_then(|span| host_at(&parts, span));
        let own = own.and_then(|name| address_of(places, name)?.parse().ok());
        let own = own.and_then(|ip: IpAddr| {
            let net = nets.iter().find(|net| net.contains(&ip))?;
            Some((ip, net.prefix_len()))
        });
        let own = own.filter(|_| !fault.message.starts_with("expected"));
        for (example, by) in [(VIP, vip), (HOST, own.or(host))] {
            // What the inventory has itself is quoted, and no example.
            let quoted = example.parse().is_ok_and(|ip| taken.contains(&ip));
            let Some((address, prefix)) = by.filter(|_| !quoted) else {
                continue;
            };
            fault.message = replaced(&fault.message, example, address, prefix);
            let help = fault.help.take();
            fault.help = help.map(|help| replaced(&help, example, address, prefix));
        }
    }
}

/// The text with an address for an example, which may have a prefix or a port behind it.
fn replaced(text: &str, example: &str, address: IpAddr, prefix: u8) -> String {
    let mut parts = text.split(example);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // A longer number is no example.
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            out += &format!("{example}{part}");
            continue;
        }
        let port = part.strip_prefix(':').map_or(0, |rest| {
            rest.chars().take_while(char::is_ascii_digit).count()
        });
        if let (IpAddr::V6(v6), 1..) = (address, port) {
            // In YAML brackets begin a list.
            let (with_port, rest) = part.split_at_checked(port + 1).unwrap_or((part, ""));
            out += &format!("'[{v6}]{with_port}'{rest}");
            continue;
        }
        out += &address.to_string();
        match part.strip_prefix("/24") {
            Some(rest) => out += &format!("/{prefix}{rest}"),
            None => out += part,
        }
    }
    out
}

/// Where the part of each host begins and ends, in the order of the file.
fn parts_of_hosts(root: &Node) -> Vec<(usize, usize, &str)> {
    let Value::Map(top) = &root.value else {
        return Vec::new();
    };
    let hosts = top.iter().find(|entry| entry.key == "hosts");
    let Some(Value::Map(entries)) = hosts.map(|entry| &entry.value.value) else {
        return Vec::new();
    };
    let mut parts: Vec<(usize, usize, &str)> = entries
        .iter()
        .map(|entry| (entry.key_span.offset(), end_of(entry), entry.key.as_str()))
        .collect();
    parts.sort_unstable();
    parts
}

/// Behind the last value of an entry.
fn end_of(entry: &Entry) -> usize {
    let behind = |span: SourceSpan| span.offset() + span.len();
    let mut end = behind(entry.key_span);
    let mut queue = vec![&entry.value];
    while let Some(node) = queue.pop() {
        match &node.value {
            Value::Map(entries) => queue.extend(entries.iter().map(|entry| {
                end = end.max(behind(entry.key_span));
                &entry.value
            })),
            Value::List(list) => queue.extend(list),
            _ => end = end.max(behind(node.span)),
        }
    }
    end
}

/// The host whose part of the file this is.
fn host_at<'a>(parts: &[(usize, usize, &'a str)], at: SourceSpan) -> Option<&'a str> {
    let after = parts.partition_point(|(start, ..)| *start <= at.offset());
    let (_, end, name) = parts.get(after.checked_sub(1)?)?;
    (at.offset() <= *end).then_some(name)
}

/// Subnets as written, and those of addresses that carry a prefix.
fn subnets(root: &Node) -> Vec<IpNet> {
    let mut found: BTreeSet<IpNet> = BTreeSet::new();
    let mut all = Vec::new();
    let mut queue = vec![root];
    while let Some(node) = queue.pop() {
        match &node.value {
            Value::Map(entries) => queue.extend(entries.iter().rev().map(|entry| &entry.value)),
            Value::List(list) => queue.extend(list.iter().rev()),
            Value::Text(text) => {
                let net = text.parse::<IpNet>().ok().map(|net| net.trunc());
                let wide = |net: &IpNet| net.prefix_len() < net.max_prefix_len();
                all.extend(net.filter(wide).filter(|net| found.insert(*net)));
            }
            Value::Null | Value::Bool(..) | Value::Int(..) | Value::Float(..) => {}
        }
    }
    all
}

/// The subnet that has most of the addresses.
fn most_used(nets: &[IpNet], addresses: impl IntoIterator<Item = IpAddr>) -> Option<IpNet> {
    let addresses: Vec<IpAddr> = addresses.into_iter().collect();
    let used = |net: &IpNet| addresses.iter().filter(|ip| net.contains(*ip)).count();
    let most = nets.iter().map(used).max().filter(|most| *most > 0)?;
    nets.iter().find(|net| used(net) == most).copied()
}

fn hosts_addresses(places: Places<'_>) -> Vec<IpAddr> {
    let hosts = places.keys(&["hosts"]);
    hosts
        .filter_map(|host| address_of(places, host)?.parse().ok())
        .collect()
}

/// VIPs of services and of a VRRP instance, the first of each.
fn vips(places: Places<'_>) -> Vec<IpAddr> {
    let services = places.keys(&["services"]);
    let of_services = services.filter_map(|service| {
        let one = places.text(&["services", service, "vip"]);
        one.or_else(|| places.text(&["services", service, "vip", "0"]))
    });
    let of_vrrp = places
        .text(&["vrrp", "vips"])
        .or_else(|| places.text(&["vrrp", "vips", "0"]));
    let all = of_services.chain(of_vrrp);
    all.filter_map(|text| text.split('/').next()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_become_addresses_of_the_inventory() {
        let (v4, v6): (IpAddr, IpAddr) = ("10.0.0.4".parse().unwrap(), "fd00::4".parse().unwrap());
        for (text, address, prefix, want) in [
            ("`address: 192.168.100.14`", v4, 24, "`address: 10.0.0.4`"),
            (
                "192.168.100.14 or 192.168.100.14/24",
                v4,
                16,
                "10.0.0.4 or 10.0.0.4/16",
            ),
            ("192.168.100.14:8080", v4, 24, "10.0.0.4:8080"),
            ("`192.168.100.14:8080`", v6, 64, "`'[fd00::4]:8080'`"),
            ("such as 192.168.100.14: it", v6, 64, "such as fd00::4: it"),
            ("192.168.100.140", v4, 24, "192.168.100.140"),
        ] {
            assert_eq!(replaced(text, HOST, address, prefix), want);
        }
    }
}
