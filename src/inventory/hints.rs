//! Hints made to fit the inventory that they are about: addresses of its own networks in the place of examples, and what a
//! host's name in the place of an address means.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use miette::SourceSpan;

use super::node::{Entry, Node, Value};
use super::place::Places;
use super::problem::Fault;
use super::raw::word::NO_NAMES;
use super::{site, spare};
use crate::model::directs;

/// Gives the hints what they could not know where they were made.
pub(super) fn fit(root: &Node, faults: &mut [Fault]) {
    name_addresses(root, faults);
    own_examples(root, faults);
}

/// Where a host's name stands in the place of an address: which one it is.
fn name_addresses(root: &Node, faults: &mut [Fault]) {
    let named = faults
        .iter_mut()
        .filter(|f| f.help.as_deref() == Some(NO_NAMES));
    let mut named = named.peekable();
    if named.peek().is_none() {
        return;
    }
    let sorry = SorryServers::of(root);
    for fault in named {
        let found = fault.message.rsplit_once(", found the text `");
        let Some(text) = found.and_then(|(_, text)| text.strip_suffix('`')) else {
            continue;
        };
        let (name, port) = text.split_once(':').unwrap_or((text, ""));
        let Some(address) = address_of(root, name) else {
            continue;
        };
        if let Some(help) = fault.span.and_then(|span| sorry.director(span, name)) {
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
fn address_of<'a>(root: &'a Node, host: &str) -> Option<&'a str> {
    site::any_address(&site::find(site::below(root, "hosts"), host)?.value)
}

/// Names of the hosts that are directors.
fn directors(root: &Node) -> impl Iterator<Item = &str> {
    let hosts = site::below(root, "hosts").iter();
    let directing = hosts.filter(|host| site::roles(&host.value).any(directs));
    directing.map(|host| host.key.as_str())
}

/// Where services name their sorry servers, and the directors: of several none is named as one, since what each is sent comes
/// to the one that serves.
struct SorryServers<'a> {
    directors: BTreeSet<&'a str>,
    /// Services by the offset of the value of `sorry_server`.
    services: BTreeMap<usize, &'a Node>,
}

impl<'a> SorryServers<'a> {
    fn of(root: &'a Node) -> Self {
        let at = |service: &'a Entry| {
            let name = service.key.as_str();
            let place = Places(root).value(&["services", name, "sorry_server"]);
            (place.offset(), &service.value)
        };
        Self {
            directors: directors(root).collect(),
            services: site::below(root, "services").iter().map(at).collect(),
        }
    }

    fn director(&self, at: SourceSpan, name: &str) -> Option<String> {
        if !self.directors.contains(name) || self.directors.len() < 2 {
            return None;
        }
        let service = site::entries_of(self.services.get(&at.offset())?);
        let mode = site::find(service, "mode").and_then(|mode| site::scalar(&mode.value));
        if mode == Some("nat") {
            return Some(format!(
                "with `nat` and several directors none of them, as `{name}` is, can be it: write the address of a host beside the real servers that is no director"
            ));
        }
        let vip = site::find(service, "vip").and_then(|vip| site::first_address(&vip.value));
        let own = if vip.is_some_and(|vip| vip.contains(':')) {
            "'::1'"
        } else {
            "127.0.0.1"
        };
        Some(format!("write `{own}`: it is the director that serves"))
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
    let taken = spare::written(root);
    let nets = subnets(root);
    let is_ours = |net: &&IpNet| HOST.parse().is_ok_and(|ip: IpAddr| net.contains(&ip));
    if nets.is_empty() || nets.iter().any(|net| is_ours(&net)) {
        return;
    }
    let of_hosts = most_used(&nets, hosts_addresses(root));
    let of_vips = most_used(&nets, vips(root)).or_else(|| {
        let first = directors(root).next()?;
        most_used(&nets, address_of(root, first)?.parse().ok())
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
        let own = own.and_then(|name| address_of(root, name)?.parse().ok());
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
    let mut parts: Vec<(usize, usize, &str)> = site::below(root, "hosts")
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

fn hosts_addresses(root: &Node) -> Vec<IpAddr> {
    let hosts = site::below(root, "hosts").iter();
    let addresses = hosts.filter_map(|host| site::any_address(&host.value));
    addresses.filter_map(|text| text.parse().ok()).collect()
}

/// VIPs of services and of a VRRP instance, the first of each.
fn vips(root: &Node) -> Vec<IpAddr> {
    let services = site::below(root, "services").iter();
    let of_services =
        services.filter_map(|service| site::find(site::entries_of(&service.value), "vip"));
    let of_vrrp = site::find(site::below(root, "vrrp"), "vips");
    let all = of_services.chain(of_vrrp);
    all.filter_map(|vips| site::first_address(&vips.value)?.parse().ok())
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
