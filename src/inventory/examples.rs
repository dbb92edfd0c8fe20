//! Free addresses of the inventory's own networks for the examples in messages.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use miette::SourceSpan;

use super::{free_address, location};
use crate::diagnostic::{Fault, FaultKind};
use crate::model::directs;
use crate::yaml::{Entry, Node, Value};

/// Gives faults whose texts have examples addresses for them.
pub(super) fn choose(root: &Node, faults: &mut [Fault]) {
    let mut concerned = faults
        .iter_mut()
        .filter(|fault| fault.has_example())
        .peekable();
    if concerned.peek().is_none() {
        return;
    }
    let nets = subnets(root);
    let usual: IpAddr = Ipv4Addr::new(192, 168, 100, 14).into();
    if nets.iter().any(|net| net.contains(&usual)) {
        return;
    }
    let taken = free_address::written(root);
    let of_hosts = most_used(&nets, hosts_addresses(root));
    let of_vips = most_used(&nets, vips(root)).or_else(|| {
        let first = directors(root).next()?;
        most_used(&nets, address_of(root, first)?.parse().ok())
    });
    let free = |net: Option<IpNet>, ends: &[u8]| {
        let net = net.or(nets.first().copied())?;
        let address = free_address::address_in(net, &taken, None, ends)?;
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
        let own = own.filter(|_| !matches!(fault.kind, FaultKind::Expected(..)));
        fault.examples.host = own.or(host);
        fault.examples.vip = vip;
    }
}

/// The first address that a host is given, without its prefix.
fn address_of<'a>(root: &'a Node, host: &str) -> Option<&'a str> {
    location::any_address(&location::find(location::below(root, "hosts"), host)?.value)
}

/// Names of the hosts that are directors.
fn directors(root: &Node) -> impl Iterator<Item = &str> {
    let hosts = location::below(root, "hosts").iter();
    let directing = hosts.filter(|host| location::roles(&host.value).any(directs));
    directing.map(|host| host.key.as_str())
}

/// The range of each host in the file, in the order of the file.
fn parts_of_hosts(root: &Node) -> Vec<(usize, usize, &str)> {
    let mut parts: Vec<(usize, usize, &str)> = location::below(root, "hosts")
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
    let hosts = location::below(root, "hosts").iter();
    let addresses = hosts.filter_map(|host| location::any_address(&host.value));
    addresses.filter_map(|text| text.parse().ok()).collect()
}

/// VIPs of services and of a VRRP instance, the first of each.
fn vips(root: &Node) -> Vec<IpAddr> {
    let services = location::below(root, "services").iter();
    let of_services =
        services.filter_map(|service| location::find(location::entries_of(&service.value), "vip"));
    let of_vrrp = location::find(location::below(root, "vrrp"), "vips");
    let all = of_services.chain(of_vrrp);
    all.filter_map(|vips| location::first_address(&vips.value)?.parse().ok())
        .collect()
}
