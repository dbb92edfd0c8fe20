//! Client addresses to follow: one for each part of the source address space that some rule distinguishes, so that a rule for
//! a few clients is found as well as one for all. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::fact::firewall::sets::{self, range};
use crate::fact::firewall::{Chains, Firewall, Rules};

/// The address ranges and ports that the rules of a host distinguish.
#[derive(Debug, Default)]
pub struct Boundaries {
    ranges: BTreeSet<(IpAddr, IpAddr)>,
    ports: BTreeSet<u16>,
}

/// A client that stands for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub address: IpAddr,
    pub port: u16,
    pub kind: Kind,
}

/// The clients that it represents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A client of the inventory, by its name.
    Host(String),
    /// Any address that no rule names.
    Elsewhere,
    /// Addresses of the services' own network.
    Lan,
    /// Addresses that a rule names, in its words.
    Named { words: String, single: bool },
    /// Ports from which clients ask.
    Ports(u16),
}

/// A port that clients use (ip-sysctl, `ip_local_port_range`), and that hardly any rule names.
const USUAL_PORT: u16 = 50_123;

/// The most that are followed.
const MOST: usize = 48;
/// The most ranges of rules that are looked at.
const LOOKED_AT: usize = 256;

/// Of no network that rules usually name.
const ELSEWHERE: [&str; 8] = [
    "151.101.1.69",
    "45.12.34.56",
    "93.184.216.34",
    "17.1.2.3",
    "2a04:4e42::223",
    "2620:0:2d0:200::7",
    "2001:500:88:200::8",
    "2a00:1450:4001::77",
];

impl Boundaries {
    pub fn of(firewall: &Firewall, v6: bool) -> Self {
        let mut all = Self::default();
        for rules in firewall.rules(v6) {
            all.add(rules);
        }
        for table in &firewall.native {
            all.add(&table.rules);
        }
        all.ranges.retain(|(first, _)| first.is_ipv6() == v6);
        all
    }

    fn add(&mut self, rules: &Rules) {
        let chains = rules.tables.values().flat_map(Chains::values);
        for rule in chains.flat_map(|chain| &chain.rules) {
            let mut words = rule.words.iter().map(String::as_str);
            while let Some(word) = words.next() {
                match word {
                    "-s" | "-d" | "--src-range" | "--dst-range" => {
                        let list = words.next().unwrap_or_default();
                        self.ranges.extend(list.split(',').filter_map(range));
                    }
                    "--match-set" => {
                        let set = words.next().and_then(|name| rules.sets.get(name));
                        // A list of the banned is one thing.
                        let ranges = set.map(sets::AddressSet::ranges).unwrap_or_default();
                        self.ranges.extend(ranges.iter().take(4));
                    }
                    "--sport" | "--sports" | "--dport" | "--dports" => {
                        let list = words.next().unwrap_or_default();
                        let low = |range: &str| range.split(':').next()?.parse::<u16>().ok();
                        let lows = list.split(',').filter_map(low);
                        self.ports.extend(lows.filter(|port| *port >= 32_768));
                    }
                    _ => {}
                }
            }
        }
    }
}

/// What is around a service.
#[derive(Debug, Default)]
pub struct Around {
    /// Clients of the inventory.
    pub hosts: Vec<(String, IpAddr)>,
    /// Addresses of the cluster, which no client has.
    pub own: BTreeSet<IpAddr>,
    /// The networks of the VIPs.
    pub near: Vec<IpNet>,
    /// All networks of the cluster.
    pub networks: Vec<IpNet>,
    /// The networks of clients that the service admits; none: all.
    pub only: Vec<IpNet>,
    /// Whether its VIPs are public addresses.
    pub public: bool,
    pub v6: bool,
}

/// The clients to follow, and how many were left out.
pub fn sources(boundaries: &Boundaries, around: &Around) -> (Vec<Source>, usize) {
    let Around {
        hosts,
        own,
        near,
        only,
        v6,
        ..
    } = around;
    let v6 = *v6;
    let mut all: Vec<Source> = Vec::new();
    let admitted =
        |address: &IpAddr| only.is_empty() || only.iter().any(|net| net.contains(address));
    let add = |address: IpAddr, kind: Kind, all: &mut Vec<Source>| {
        let known = all.iter().any(|source| source.address == address);
        if !known && !own.contains(&address) && admitted(&address) {
            all.push(Source {
                address,
                port: USUAL_PORT,
                kind,
            });
        }
    };
    let outside = ELSEWHERE
        .iter()
        .filter_map(|word| word.parse::<IpAddr>().ok());
    let named = |address: &IpAddr| {
        let whole = |(first, last): &&(IpAddr, IpAddr)| !is_everything(*first, *last);
        let mut ranges = boundaries.ranges.iter().filter(whole);
        ranges.any(|(first, last)| first <= address && address <= last)
    };
    let mut outside = outside.filter(|address| address.is_ipv6() == v6);
    let elsewhere = outside.find(|address| !named(address));
    if let Some(address) = elsewhere {
        add(address, Kind::Elsewhere, &mut all);
    }
    for (name, address) in hosts {
        add(*address, Kind::Host(name.clone()), &mut all);
    }
    for net in near.iter().filter(|net| net.addr().is_ipv6() == v6) {
        let free = within(net.network(), net.broadcast(), |address| {
            !own.contains(&address) && !named(&address)
        });
        if let Some(address) = free {
            add(address, Kind::Lan, &mut all);
        }
    }
    for net in only.iter().filter(|net| net.addr().is_ipv6() == v6) {
        let free = within(net.network(), net.broadcast(), |address| {
            !own.contains(&address)
        });
        let words = net.to_string();
        if let Some(address) = free {
            add(
                address,
                Kind::Named {
                    words,
                    single: false,
                },
                &mut all,
            );
        }
    }
    for (address, kind) in named_by_rules(boundaries, around) {
        add(address, kind, &mut all);
    }
    let more = boundaries.ranges.len().saturating_sub(LOOKED_AT);
    let left_out = all.len().saturating_sub(MOST).saturating_add(more);
    all.truncate(MOST);
    if let Some(first) = all.first().cloned() {
        let ports = boundaries.ports.iter().take(8);
        all.extend(ports.map(|port| Source {
            port: *port,
            kind: Kind::Ports(*port),
            ..first.clone()
        }));
    }
    (all, left_out)
}

/// One address of each range that rules name, and that a client may have.
fn named_by_rules(boundaries: &Boundaries, around: &Around) -> Vec<(IpAddr, Kind)> {
    let ranges = &boundaries.ranges;
    let of_tests = ranges.iter().filter(|(a, b)| is_test_net(*a, *b)).count();
    let mut all = Vec::new();
    for (first, last) in ranges.iter().take(LOOKED_AT) {
        let odd = is_everything(*first, *last)
            || no_client(*first)
            || (around.public && is_private(*first))
            // A rule for all documentation networks only drops packets that no router forwards.
            || (of_tests == 3 && is_test_net(*first, *last));
        if odd {
            continue;
        }
        let deeper = |address: IpAddr| {
            ranges.iter().any(|(a, b)| {
                let smaller = (a, b) != (first, last) && first <= a && b <= last;
                smaller && *a <= address && address <= *b
            })
        };
        let in_any =
            |nets: &[IpNet], address: IpAddr| nets.iter().any(|net| net.contains(&address));
        let free = within(*first, *last, |address| {
            let other_side = in_any(&around.networks, address) && !in_any(&around.near, address);
            !around.own.contains(&address) && !deeper(address) && !other_side
        });
        let words = shown(*first, *last);
        let single = first == last;
        all.extend(free.map(|address| (address, Kind::Named { words, single })));
    }
    all
}

/// Some address of a range, near its begin.
fn within(first: IpAddr, last: IpAddr, good: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut address = first;
    // The network's own address is no host's.
    if first != last {
        address = sets::next(first)?;
    }
    for _ in 0..300 {
        if address > last {
            return None;
        }
        if good(address) {
            return Some(address);
        }
        address = sets::next(address)?;
    }
    // A smaller network may fill its begin: look behind it, and at the end.
    good(last).then_some(last)
}

fn shown(first: IpAddr, last: IpAddr) -> String {
    if first == last {
        return first.to_string();
    }
    let lengths = 0..=if first.is_ipv4() { 32 } else { 128 };
    let mut nets = lengths.filter_map(|length| IpNet::new(first, length).ok());
    let net = nets.find(|net| net.network() == first && net.broadcast() == last);
    net.map_or_else(|| format!("{first}-{last}"), |net| net.to_string())
}

fn is_everything(first: IpAddr, last: IpAddr) -> bool {
    match (first, last) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.is_unspecified() && b.is_broadcast(),
        (IpAddr::V6(a), IpAddr::V6(b)) => a.is_unspecified() && u128::from(b) == u128::MAX,
        _ => false,
    }
}

/// Addresses that no packet of a client comes from.
pub fn no_client(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_link_local() || v4.octets()[0] == 0 || v4.octets()[0] >= 224
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_multicast()
                || v6.is_unicast_link_local()
                || v6.is_unspecified()
        }
    }
}

pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

fn is_test_net(first: IpAddr, last: IpAddr) -> bool {
    let words = shown(first, last);
    ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"].contains(&words.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules, and the clients that stand for all: elsewhere, the LAN, and each that a rule names.
    #[test]
    fn one_client_for_each_part_of_the_source_space() {
        let lan: IpNet = "192.168.100.0/24".parse().unwrap();
        let inside: IpNet = "10.10.10.0/24".parse().unwrap();
        let own: BTreeSet<IpAddr> = ["192.168.100.1".parse().unwrap()].into();
        for (rules, public, want) in [
            ("-A INPUT -j DROP", false, "151.101.1.69 192.168.100.2"),
            (
                "-A INPUT -s 203.0.113.0/24 -j DROP",
                false,
                "151.101.1.69 192.168.100.2 203.0.113.1",
            ),
            (
                "-A INPUT -s 151.101.0.0/16 -j DROP",
                false,
                "45.12.34.56 192.168.100.2 151.101.0.1",
            ),
            (
                "-A INPUT ! -s 10.0.0.0/8 -j DROP",
                false,
                "151.101.1.69 192.168.100.2 10.0.0.1",
            ),
            // Whose own VIP is public, private sources are spoofed.
            (
                "-A INPUT -s 10.0.0.0/8 -j DROP",
                true,
                "151.101.1.69 192.168.100.2",
            ),
            // The other side of the director is no client.
            (
                "-A INPUT -s 10.10.10.0/24 -j DROP",
                false,
                "151.101.1.69 192.168.100.2",
            ),
            (
                "-A INPUT -s 127.0.0.0/8 -j DROP\n-A INPUT -s 224.0.0.0/4 -j DROP",
                false,
                "151.101.1.69 192.168.100.2",
            ),
            (
                "-A INPUT -s 10.0.0.0/8 -j DROP\n-A INPUT -s 10.0.0.0/30 -j ACCEPT",
                false,
                "151.101.1.69 192.168.100.2 10.0.0.1 10.0.0.4",
            ),
            (
                "-A INPUT -m iprange --src-range 10.1.0.5-10.1.0.9 -j DROP",
                false,
                "151.101.1.69 192.168.100.2 10.1.0.6",
            ),
            (
                "-A INPUT -s 192.0.2.0/24 -j DROP\n-A INPUT -s 198.51.100.0/24 -j DROP\n-A INPUT -s 203.0.113.0/24 -j DROP",
                false,
                "151.101.1.69 192.168.100.2",
            ),
            (
                "-A INPUT -p tcp --sport 40000:50000 -j DROP",
                false,
                "151.101.1.69 192.168.100.2 151.101.1.69:40000",
            ),
        ] {
            let text = format!("*filter\n:INPUT ACCEPT [0:0]\n{rules}\nCOMMIT\n");
            let firewall = Firewall {
                legacy: Rules::parse(&text),
                ..Firewall::default()
            };
            let boundaries = Boundaries::of(&firewall, false);
            let around = Around {
                own: own.clone(),
                near: vec![lan],
                networks: vec![lan, inside],
                public,
                ..Around::default()
            };
            let (found, _) = sources(&boundaries, &around);
            let found: Vec<String> = found
                .iter()
                .map(|s| match s.kind {
                    Kind::Ports(port) => format!("{}:{port}", s.address),
                    _ => s.address.to_string(),
                })
                .collect();
            assert_eq!(found.join(" "), want, "{rules}");
        }
    }
}
