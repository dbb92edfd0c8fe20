//! Interprets the words of one rule: whether it matches a packet, and the mark that it sets. Pure.

use std::net::IpAddr;

use super::packet::{Client, Packet, State, flag};
use crate::fact::firewall::Rule;
use crate::fact::firewall::sets::{Sets, range};

/// Why it is not known whether a rule matches, the most serious reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// It hits some packets, at random or in turn.
    Share,
    /// It hits above a rate, or a number of connections.
    Rate,
    /// The match depends on the packet's content, time or sender.
    Content,
    /// By what is not known here, such as a set that was not listed.
    Unknown,
}

/// Whether a rule hits, where that is known, and its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit<'r> {
    pub hits: Option<bool>,
    pub target: Option<&'r str>,
    /// Where it is not known.
    pub doubt: Doubt,
}

impl Rule {
    pub(super) fn has(&self, option: &str) -> bool {
        self.words.iter().any(|word| word == option)
    }

    /// The mark that a MARK rule makes of another. `--set-xmark VALUE/MASK` clears MASK and xors VALUE.
    pub fn marks(&self, before: Option<u32>) -> Option<u32> {
        let word = self
            .value("--set-xmark")
            .or_else(|| self.value("--set-mark"))?;
        let (value, mask) = word.split_once('/').unwrap_or((word, "0xffffffff"));
        let (value, mask) = (number(value)?, number(mask)?);
        if mask == u32::MAX {
            return Some(value);
        }
        Some((before? & !mask) ^ value)
    }

    pub(super) fn hits(&self, packet: &Packet, sets: &Sets) -> Hit<'_> {
        let mut all = Some(true);
        let mut doubt = Doubt::Unknown;
        let mut negated = false;
        let mut words = Words {
            rest: self.words.iter(),
            module: "",
        };
        while let Some(word) = words.next() {
            let one = match word {
                "!" => {
                    negated = true;
                    continue;
                }
                "-j" | "-g" => {
                    return Hit {
                        hits: all,
                        target: words.next(),
                        doubt,
                    };
                }
                "-m" => {
                    words.module = words.next().unwrap_or_default();
                    continue;
                }
                "--comment" | "--dir" => {
                    words.next();
                    continue;
                }
                "-c" => {
                    words.next();
                    words.next();
                    continue;
                }
                // A flag or an option of a match that is not known; its value is skipped with the rest.
                word if word.starts_with('-') => words.one(word, packet, sets),
                _ => continue,
            };
            let one = one.map(|hit| hit != std::mem::take(&mut negated));
            negated = false;
            if one.is_none() {
                doubt = doubt.min(why(word, words.module));
            }
            all = match (all, one) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        Hit {
            hits: all,
            target: None,
            doubt,
        }
    }
}

/// The words of a rule that are left, and the match that the latest `-m` named.
struct Words<'r> {
    rest: std::slice::Iter<'r, String>,
    module: &'r str,
}

impl<'r> Words<'r> {
    fn next(&mut self) -> Option<&'r str> {
        self.rest.next().map(String::as_str)
    }

    /// Whether one option matches a packet; None: not known.
    fn one(&mut self, option: &str, packet: &Packet, sets: &Sets) -> Option<bool> {
        match option {
            "-s" | "--src-range" => packet.from.map(|ip| inside(self.next(), ip)),
            "-d" | "--dst-range" => packet.to.map(|ip| inside(self.next(), ip)),
            "--match-set" => self.set(packet, sets),
            "-p" => Some(
                self.next()
                    .is_some_and(|name| protocol(name, packet.protocol)),
            ),
            "-i" => Some(interface(self.next(), packet.comes_in)),
            "-o" => Some(interface(self.next(), packet.goes_out)),
            "-f" => Some(false),
            "--family" => {
                let six = packet.to.or(packet.from).is_some_and(|ip| ip.is_ipv6());
                Some(self.next() == Some(if six { "6" } else { "4" }))
            }
            "--dport" | "--dports" => ports(self.next(), packet.port),
            "--sport" | "--sports" => ports(self.next(), packet.source_port),
            "--ports" => {
                let word = self.next();
                match (ports(word, packet.port), ports(word, packet.source_port)) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                }
            }
            "--ctstate" | "--state" => {
                let list = self.next().unwrap_or_default();
                let word = packet.state?.word();
                Some(list.split(',').any(|s| s == word))
            }
            "--tcp-flags" => {
                let (mask, desired) = (self.next()?, self.next()?);
                let flags = packet.flags?;
                Some(flags & bits(mask) == bits(desired))
            }
            "--hl-eq" => {
                let (list, limit) = (self.next()?, packet.hop_limit?);
                Some(list.split(',').any(|one| one.parse() == Ok(limit)))
            }
            "--hl-lt" => Some(packet.hop_limit? < self.next()?.parse().ok()?),
            "--hl-gt" => Some(packet.hop_limit? > self.next()?.parse().ok()?),
            // No packet here has a routing header.
            "--rt-type" => Some(false),
            "--icmpv6-type" => icmpv6(self.next()?, packet.icmp?),
            "--syn" => Some(packet.flags? & bits("FIN,SYN,RST,ACK") == flag::SYN),
            "--flags-any" => {
                let any = self.next()?;
                Some(packet.flags? & bits(any) != 0)
            }
            "--dst-type" => match (self.next(), packet.to) {
                (Some("LOCAL"), Some(to)) if packet.client != Client::Destination => {
                    Some(!to.is_multicast())
                }
                (Some("LOCAL" | "BROADCAST" | "ANYCAST"), Some(_)) => Some(false),
                (Some("UNICAST"), Some(to)) => Some(!to.is_multicast()),
                (Some("MULTICAST"), Some(to)) => Some(to.is_multicast()),
                _ => None,
            },
            "--src-type" => match (self.next(), packet.client) {
                (Some("UNICAST"), Client::Source) => Some(true),
                (Some(_), Client::Source) => Some(false),
                _ => None,
            },
            "--pkt-type" => {
                let many = packet.to?.is_multicast();
                match self.next()? {
                    "multicast" => Some(many),
                    "host" | "unicast" => Some(!many),
                    _ => Some(false),
                }
            }
            // Packets of clients come without IPsec.
            "--pol" => Some(self.next() == Some("none")),
            _ => None,
        }
    }

    /// Whether an address is in a set of addresses.
    fn set(&mut self, packet: &Packet, sets: &Sets) -> Option<bool> {
        let (name, side) = (self.next()?, self.next()?);
        let address = match side {
            "src" => packet.from?,
            "dst" => packet.to?,
            _ => return None,
        };
        Some(sets.get(name)?.contains(address))
    }
}

/// Why an option is not decided.
fn why(option: &str, module: &str) -> Doubt {
    match (option, module) {
        ("--probability" | "--mode" | "--every", _) | (_, "statistic") => Doubt::Share,
        ("--limit" | "--hashlimit" | "--connlimit-above", _)
        | (
            _,
            "limit" | "hashlimit" | "connlimit" | "recent" | "quota" | "connbytes" | "rateest"
            | "nfacct",
        ) => Doubt::Rate,
        ("--uid-owner" | "--length" | "--timestart" | "--ttl" | "--hl-eq" | "--mac-source", _)
        | (
            _,
            "string" | "u32" | "bpf" | "time" | "owner" | "length" | "ttl" | "hl" | "tos" | "dscp"
            | "ecn" | "mac" | "geoip" | "tcpmss" | "osf" | "cgroup" | "cpu",
        ) => Doubt::Content,
        _ => Doubt::Unknown,
    }
}

/// Whether a list of types of ICMPv6 has one. None: it has names that are not known here.
fn icmpv6(list: &str, number: u8) -> Option<bool> {
    let known = |name: &str| match name.split('/').next().unwrap_or(name) {
        "any" => Some(number),
        "destination-unreachable" => Some(1),
        "packet-too-big" => Some(2),
        "time-exceeded" => Some(3),
        "parameter-problem" => Some(4),
        "echo-request" => Some(128),
        "echo-reply" => Some(129),
        "router-solicitation" | "nd-router-solicit" => Some(133),
        "router-advertisement" | "nd-router-advert" => Some(134),
        "neighbour-solicitation" | "neighbor-solicitation" | "nd-neighbor-solicit" => Some(135),
        "neighbour-advertisement" | "neighbor-advertisement" | "nd-neighbor-advert" => Some(136),
        "redirect" | "nd-redirect" => Some(137),
        other => other.parse::<u8>().ok(),
    };
    let types: Vec<Option<u8>> = list.split(',').map(known).collect();
    if types.contains(&Some(number)) {
        return Some(true);
    }
    (!types.contains(&None)).then_some(false)
}

fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

fn bits(list: &str) -> u8 {
    let each = list.split(',').map(|name| match name {
        "FIN" => flag::FIN,
        "SYN" => flag::SYN,
        "RST" => flag::RST,
        "PSH" => flag::PSH,
        "ACK" => flag::ACK,
        "URG" => flag::URG,
        "ALL" => 0x3f,
        _ => 0,
    });
    each.fold(0, |all, one| all | one)
}

fn inside(word: Option<&str>, address: IpAddr) -> bool {
    let ranges = word.into_iter().flat_map(|list| list.split(','));
    let mut ranges = ranges.filter_map(range);
    ranges.any(|(first, last)| first <= address && address <= last)
}

fn protocol(list: &str, number: u8) -> bool {
    let known = |name: &str| match name {
        "all" => Some(0),
        "icmp" => Some(1),
        "ipencap" | "ipv4" | "ipip" => Some(4),
        "tcp" => Some(6),
        "udp" => Some(17),
        "ipv6" => Some(41),
        "gre" => Some(47),
        "ipv6-icmp" | "icmpv6" => Some(58),
        "vrrp" => Some(112),
        other => other.parse::<u8>().ok(),
    };
    list.split(',')
        .map(known)
        .any(|one| one == Some(0) || one == Some(number))
}

fn interface(list: Option<&str>, name: Option<&str>) -> bool {
    let (Some(list), Some(name)) = (list, name) else {
        return false;
    };
    list.split(',').any(|word| match word.strip_suffix('+') {
        Some(start) => name.starts_with(start),
        None => word == name,
    })
}

fn ports(word: Option<&str>, port: Option<u16>) -> Option<bool> {
    let port = port?;
    let fits = |range: &str| {
        let (low, high) = range.split_once(':').unwrap_or((range, range));
        let low = if low.is_empty() {
            Ok(0)
        } else {
            low.parse::<u16>()
        };
        let high = if high.is_empty() {
            Ok(u16::MAX)
        } else {
            high.parse::<u16>()
        };
        matches!((low, high), (Ok(low), Ok(high)) if (low..=high).contains(&port))
    };
    Some(word.is_some_and(|list| list.split(',').any(fits)))
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Established => "ESTABLISHED",
            Self::Invalid => "INVALID",
            Self::Untracked => "UNTRACKED",
        }
    }
}
