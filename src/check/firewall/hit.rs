//! What one rule says by its words: whether it hits a packet, and the mark that it sets. Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Packet, State};
use crate::fact::firewall::Rule;

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

    /// Whether the rule hits, where that is known, and its target.
    pub(super) fn hits(&self, packet: &Packet) -> (Option<bool>, Option<&str>) {
        let mut all = Some(true);
        let mut negated = false;
        let mut words = self.words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let one = match word {
                "!" => {
                    negated = true;
                    continue;
                }
                "-j" | "-g" => return (all, words.next()),
                "-m" => {
                    words.next();
                    continue;
                }
                "--comment" => {
                    words.next();
                    continue;
                }
                "-c" => {
                    words.next();
                    words.next();
                    continue;
                }
                "-s" => packet.from.map(|ip| inside(words.next(), ip)),
                "-d" => packet.to.map(|ip| inside(words.next(), ip)),
                "-p" => Some(
                    words
                        .next()
                        .is_some_and(|name| protocol(name, packet.protocol)),
                ),
                "-i" => Some(interface(words.next(), packet.comes_in)),
                "-o" => Some(interface(words.next(), packet.goes_out)),
                "-f" => Some(false),
                "--dport" | "--dports" => ports(words.next(), packet.port),
                "--sport" | "--sports" => ports(words.next(), packet.source_port),
                "--ctstate" | "--state" => packet.state.map(|state| {
                    let word = match state {
                        State::New => "NEW",
                        State::Established => "ESTABLISHED",
                        State::Invalid => "INVALID",
                        State::Untracked => "UNTRACKED",
                    };
                    words
                        .next()
                        .is_some_and(|list| list.split(',').any(|s| s == word))
                }),
                // What begins a connection is a SYN.
                "--tcp-flags" => {
                    words.next();
                    let wanted = words.next();
                    (packet.state == Some(State::New)).then_some(wanted == Some("SYN"))
                }
                "--dst-type" => match (words.next(), packet.to) {
                    (Some("LOCAL"), Some(to)) => Some(!to.is_multicast()),
                    (Some("MULTICAST"), Some(to)) => Some(to.is_multicast()),
                    _ => None,
                },
                _ => {
                    // A flag or an option of a match that is not known; its value is skipped with the rest.
                    if word.starts_with('-') {
                        None
                    } else {
                        continue;
                    }
                }
            };
            let one = one.map(|hit| hit != std::mem::take(&mut negated));
            negated = false;
            all = match (all, one) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        (all, None)
    }
}

fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

fn inside(word: Option<&str>, address: IpAddr) -> bool {
    let net = |word: &str| {
        word.parse::<IpNet>()
            .ok()
            .or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))
    };
    word.is_some_and(|list| {
        list.split(',')
            .filter_map(net)
            .any(|net| net.contains(&address))
    })
}

fn protocol(name: &str, number: u8) -> bool {
    let known = match name {
        "all" => return true,
        "icmp" => Some(1),
        "ipencap" | "ipv4" => Some(4),
        "tcp" => Some(6),
        "udp" => Some(17),
        "ipv6" => Some(41),
        "ipv6-icmp" | "icmpv6" => Some(58),
        "vrrp" => Some(112),
        other => other.parse::<u8>().ok(),
    };
    known == Some(0) || known == Some(number)
}

fn interface(word: Option<&str>, name: Option<&str>) -> bool {
    let (Some(word), Some(name)) = (word, name) else {
        return false;
    };
    match word.strip_suffix('+') {
        Some(start) => name.starts_with(start),
        None => word == name,
    }
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
