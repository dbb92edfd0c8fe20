//! Addresses and names that a hint may propose: free ones in the inventory's networks.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use crate::yaml::{Node, Value};

/// Every address that stands anywhere in the inventory, with a prefix, with a port or alone.
pub(super) fn written(root: &Node) -> BTreeSet<IpAddr> {
    let mut found = BTreeSet::new();
    let mut queue = vec![root];
    while let Some(node) = queue.pop() {
        match &node.value {
            Value::Map(entries) => queue.extend(entries.iter().map(|entry| &entry.value)),
            Value::List(list) => queue.extend(list),
            Value::Text(text) => found.extend(address(text)),
            Value::Null | Value::Bool(..) | Value::Int(..) | Value::Float(..) => {}
        }
    }
    found
}

/// The address of a text that is one, or one with a prefix or a port.
fn address(text: &str) -> Option<IpAddr> {
    let alone = text.split('/').next().unwrap_or_default();
    let socket = || Some(text.parse::<SocketAddr>().ok()?.ip());
    alone.parse().ok().or_else(socket)
}

/// A free address of a subnet: the one with the same host part as another address, or with one of these numbers at its
/// end, else the first.
pub(super) fn address_in(
    subnet: IpNet,
    taken: &BTreeSet<IpAddr>,
    like: Option<IpAddr>,
    ends: &[u8],
) -> Option<IpAddr> {
    const TRIED: u128 = 1024;
    let (network, last) = (number(subnet.network()), number(subnet.broadcast()));
    // Neither the network's own address nor that for broadcasts, where there are such.
    let narrow = subnet.prefix_len() + 2 > subnet.max_prefix_len();
    let (low, high) = if narrow {
        (network, last)
    } else {
        (network + 1, last - 1)
    };
    let host_part = |ip: IpAddr| number(ip) & (last ^ network);
    let same = like
        .filter(|ip| ip.is_ipv4() == subnet.addr().is_ipv4())
        .map(|ip| network | host_part(ip));
    let ends = ends
        .iter()
        .map(|end| network.saturating_add(u128::from(*end)));
    let all = (0..TRIED).map(|step| low.saturating_add(step));
    same.into_iter()
        .chain(ends)
        .chain(all)
        .filter(|number| (low..=high).contains(number))
        .map(|number| of_number(number, subnet.addr().is_ipv4()))
        .find(|ip| !taken.contains(ip))
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u32::from(v4).into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

fn of_number(number: u128, v4: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if v4 => Ipv4Addr::from(number).into(),
        _ => Ipv6Addr::from(number).into(),
    }
}

/// A name that none of these has: `sorry`, `sorry2`, ...
pub(super) fn name<'n>(stem: &str, taken: impl Iterator<Item = &'n str> + Clone) -> String {
    let free = |name: &String| !taken.clone().any(|other| other == name);
    let further = (2..).map(|number| format!("{stem}{number}"));
    std::iter::once(stem.to_owned())
        .chain(further)
        .find(free)
        .unwrap_or_default()
}

/// The name of a further interface: `eth1` beside `eth0`.
pub(super) fn interface<'n>(taken: impl Iterator<Item = &'n str> + Clone) -> String {
    let last = taken.clone().last().unwrap_or("eth0");
    let stem = last.trim_end_matches(|c: char| c.is_ascii_digit());
    let number: Option<u32> = last.get(stem.len()..).and_then(|n| n.parse().ok());
    let (stem, number) = match number {
        Some(number) if !stem.contains('.') => (stem, number),
        _ => ("eth", 0),
    };
    let mut names = (u64::from(number) + 1..).map(|number| format!("{stem}{number}"));
    names
        .find(|name| !taken.clone().any(|other| other == name))
        .unwrap_or_default()
}

/// An address as it stands in a flow map or list.
pub(super) fn in_yaml(text: impl std::fmt::Display) -> String {
    let text = text.to_string();
    if text.contains(':') {
        format!("'{text}'")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_addresses() {
        let taken: BTreeSet<IpAddr> = ["10.0.0.1", "10.0.0.2", "10.0.0.200", "fd00::1"]
            .map(|text| text.parse().unwrap())
            .into();
        for (subnet, like, ends, want) in [
            ("10.0.0.0/24", None, &[][..], Some("10.0.0.3")),
            ("10.0.0.0/24", Some("10.1.0.9"), &[], Some("10.0.0.9")),
            ("10.0.0.0/24", Some("10.1.0.2"), &[], Some("10.0.0.3")),
            ("10.0.0.0/24", None, &[200, 201], Some("10.0.0.201")),
            ("10.0.0.0/30", None, &[200], None),
            ("10.0.0.4/31", None, &[], Some("10.0.0.4")),
            ("10.0.0.1/32", None, &[], None),
            ("fd00::/64", None, &[], Some("fd00::2")),
            ("fd00::/64", Some("fd01::1:5"), &[], Some("fd00::1:5")),
            ("fd00::/64", Some("10.0.0.9"), &[1], Some("fd00::2")),
        ] {
            let subnet: IpNet = subnet.parse().unwrap();
            let like = like.map(|text| text.parse().unwrap());
            let found = address_in(subnet, &taken, like, ends).map(|ip| ip.to_string());
            assert_eq!(found.as_deref(), want, "{subnet} {like:?} {ends:?}");
        }
    }

    #[test]
    fn further_names() {
        for (taken, want) in [
            (&["eth0"][..], "eth1"),
            (&["eth0", "eth1"], "eth2"),
            (&["eth1", "eth0"], "eth2"),
            (&["ens3"], "ens4"),
            (&["bond0.100"], "eth1"),
            (&["lan"], "eth1"),
        ] {
            assert_eq!(interface(taken.iter().copied()), want, "{taken:?}");
        }
        assert_eq!(name("sorry", ["a", "sorry"].into_iter()), "sorry2");
    }
}
