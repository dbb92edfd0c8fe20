//! The path of a packet through a host's packet filter, chain by chain. IPVS takes a request behind INPUT and sends it on
//! through OUTPUT, in whatever shape it has then; NAT's replies come through FORWARD, where IPVS translates them last
//! (net/netfilter/ipvs, ip_vs_ops4). Which packets a check follows is the check's part.

use std::net::IpAddr;

use super::findings::{Findings, Mismatch};
use super::firewall::{Fate, Packet, State};
use super::{Cause, Check, HostAudit};
use crate::fact::firewall::Rules;
use crate::model::{Protocol, Service};

/// A table and one of its chains.
type Hook = (&'static str, &'static str);

const IN: &[Hook] = &[
    ("raw", "PREROUTING"),
    ("mangle", "PREROUTING"),
    ("mangle", "INPUT"),
    ("filter", "INPUT"),
];
/// Of [`IN`], what comes before the nat table rewrites a packet, and what comes after.
const IN_BEFORE_NAT: &[Hook] = &[("raw", "PREROUTING"), ("mangle", "PREROUTING")];
const IN_AFTER_NAT: &[Hook] = &[("mangle", "INPUT"), ("filter", "INPUT")];
const OUT: &[Hook] = &[
    ("raw", "OUTPUT"),
    ("mangle", "OUTPUT"),
    ("filter", "OUTPUT"),
    ("mangle", "POSTROUTING"),
];
const THROUGH: &[Hook] = &[
    ("raw", "PREROUTING"),
    ("mangle", "PREROUTING"),
    ("mangle", "FORWARD"),
    ("filter", "FORWARD"),
];

/// A part of a path: one packet, or several where it is not known which interfaces it takes.
pub(super) struct Leg<'a> {
    hooks: &'static [Hook],
    packets: Vec<Packet<'a>>,
}

impl<'a> Leg<'a> {
    pub(super) fn arrives(packet: &Packet<'a>, by: &'a [String]) -> Self {
        let packets = by.iter().map(|name| Packet {
            comes_in: Some(name),
            ..packet.clone()
        });
        Self {
            hooks: IN,
            packets: packets.collect(),
        }
    }

    /// What comes in as one packet, and is another one after the nat table.
    pub(super) fn rewritten(packet: &Packet<'a>, into: &Packet<'a>, by: &'a [String]) -> [Self; 2] {
        let hooks = |packet, hooks| Self {
            hooks,
            ..Self::arrives(packet, by)
        };
        [hooks(packet, IN_BEFORE_NAT), hooks(into, IN_AFTER_NAT)]
    }

    pub(super) fn leaves(packet: &Packet<'a>, by: &'a [String]) -> Self {
        let packets = by.iter().map(|name| Packet {
            goes_out: Some(name),
            ..packet.clone()
        });
        Self {
            hooks: OUT,
            packets: packets.collect(),
        }
    }

    pub(super) fn passes_through(
        packet: &Packet<'a>,
        from: &'a [String],
        to: &'a [String],
    ) -> Self {
        let pairs = from.iter().flat_map(|i| to.iter().map(move |o| (i, o)));
        let packets = pairs.map(|(comes_in, goes_out)| Packet {
            comes_in: Some(comes_in),
            goes_out: Some(goes_out),
            ..packet.clone()
        });
        Self {
            hooks: THROUGH,
            packets: packets.collect(),
        }
    }

    /// Forgets the state that conntrack would give the packets.
    fn forget_state(&mut self) {
        for packet in &mut self.packets {
            packet.state = None;
        }
    }

    /// What is dropped by every interface is dropped; by some, it may be.
    pub(super) fn fate(&self, rules: &Rules) -> Fate {
        let fates: Vec<Fate> = self.packets.iter().map(|p| self.one(rules, p)).collect();
        let every = fates.iter().all(|fate| matches!(fate, Fate::Dropped(_)));
        match fates.into_iter().find(|fate| *fate != Fate::Passes) {
            Some(Fate::Dropped(by)) if !every => Fate::May(by),
            fate => fate.unwrap_or(Fate::Passes),
        }
    }

    fn one(&self, rules: &Rules, packet: &Packet) -> Fate {
        let mut doubt = None;
        for (table, chain) in self.hooks {
            match rules.fate(table, chain, packet) {
                Fate::Passes => {}
                Fate::May(by) => doubt = doubt.or(Some(by)),
                dropped @ Fate::Dropped(_) => return dropped,
            }
        }
        doubt.map_or(Fate::Passes, Fate::May)
    }
}

const FIX: &str = "take that rule away, or put one before it that accepts them";

/// Follows packets along their way; both backends act on each.
pub(super) fn judge(
    audit: &HostAudit,
    check: &'static Check,
    what: &str,
    v6: bool,
    mut legs: Vec<Leg>,
    hint: &str,
    findings: &mut Findings,
) {
    if let Some(table) = audit.facts().firewall.unread.first() {
        let why = format!(
            "the kernel has a packet filter that {table} should list, and did not; install iptables or nftables"
        );
        return findings.unknown(audit.name(), check, what, why);
    }
    let mut dropped = None;
    let both = audit.facts().firewall.rules(v6);
    if both.iter().any(|rules| rules.untracks()) {
        legs.iter_mut().for_each(Leg::forget_state);
    }
    for rules in both {
        for leg in &legs {
            match leg.fate(rules) {
                Fate::Passes => {}
                Fate::Dropped(by) => dropped = dropped.or(Some(by)),
                Fate::May(by) => findings.unknown(
                    audit.name(),
                    check,
                    what,
                    format!("whether it passes depends on more than address and port: {by}"),
                ),
            }
        }
    }
    let fault = dropped.map(|by| {
        let cause = Cause::Rule(by.clone());
        Mismatch::new(
            format!("packets of {what} to pass the firewall"),
            format!("dropped by {by}"),
            format!("{FIX}{hint}"),
        )
        .because(Some(cause))
    });
    let read = "no rule that drops it in the tables of iptables and nftables";
    findings.judge_read(audit.name(), check, what, read, fault);
}

/// Its number in the IP header.
pub(super) fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
    }
}

/// A tunnel to a real server; what is in it is of the VIP's family. Nothing comes back by it, so that to conntrack it
/// stays new.
pub(super) fn tunnel(to: IpAddr, vip: IpAddr) -> Packet<'static> {
    Packet {
        from: None,
        to: Some(to),
        protocol: if vip.is_ipv4() { 4 } else { 41 },
        source_port: None,
        port: None,
        comes_in: None,
        goes_out: None,
        state: Some(State::New),
    }
}

/// What asks for a service.
pub(super) fn request(service: &Service, to: IpAddr, port: u16) -> Packet<'static> {
    Packet {
        from: None,
        to: Some(to),
        protocol: number(service.protocol),
        source_port: None,
        port: Some(port),
        comes_in: None,
        goes_out: None,
        state: Some(State::New),
    }
}

/// What answers.
pub(super) fn reply(service: &Service, from: IpAddr, port: u16) -> Packet<'static> {
    Packet {
        from: Some(from),
        to: None,
        source_port: Some(port),
        port: None,
        state: Some(State::Established),
        ..request(service, from, port)
    }
}
