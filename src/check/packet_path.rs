//! The path of a packet through a host's packet filter, hook by hook. IPVS takes a request after INPUT and forwards it
//! through OUTPUT, rewritten or encapsulated; replies of NAT pass FORWARD, where IPVS translates them last
//! (net/netfilter/ipvs, ip_vs_ops4). The checks choose the packets to follow; [`super::clients`] chooses the clients.

use super::clients::{Clients, Whom};
use super::findings::{Findings, Mismatch};
use super::firewall::{
    By, Client, Doubt, Fate, Packet, Source, State, chain_fate, flag, untracked,
};
use super::firewall_fix::accepting;
use super::{Cause, Check, HostAudit};
use crate::fact::firewall::Firewall;

/// A hook of netfilter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
}

impl Hook {
    fn chain(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }

    fn of_nft(self) -> &'static str {
        match self {
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
        }
    }

    /// Tables of iptables at this hook, without nat, which drops nothing; its rewrites are judged elsewhere.
    fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Prerouting => &["raw", "mangle"],
            Self::Input | Self::Forward => &["mangle", "filter", "security"],
            Self::Output => &["raw", "mangle", "filter", "security"],
            Self::Postrouting => &["mangle"],
        }
    }
}

const IN: &[Hook] = &[Hook::Prerouting, Hook::Input];
/// The hooks of [`IN`] before and after the nat table rewrites a packet.
const IN_BEFORE_NAT: &[Hook] = &[Hook::Prerouting];
const IN_AFTER_NAT: &[Hook] = &[Hook::Input];
const OUT: &[Hook] = &[Hook::Output, Hook::Postrouting];
const THROUGH: &[Hook] = &[Hook::Prerouting, Hook::Forward, Hook::Postrouting];

/// A part of a path, with one packet for each interface that it may take.
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

    /// The legs of an arriving packet that the nat table rewrites.
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

    /// The fate of the leg: dropped if it is dropped on every interface; if only on some, it may be dropped.
    pub(super) fn fate(&self, firewall: &Firewall, v6: bool, source: Option<&Source>) -> Fate {
        let fates: Vec<Fate> = self
            .packets
            .iter()
            .map(|packet| {
                let packet = source.map_or_else(|| packet.clone(), |source| of(packet, source));
                self.flow(firewall, v6, &packet)
            })
            .collect();
        let every = fates.iter().all(|fate| matches!(fate, Fate::Dropped(_)));
        match fates.into_iter().find(|fate| *fate != Fate::Passes) {
            Some(Fate::Dropped(by)) if !every => Fate::May(by, Doubt::Unknown),
            fate => fate.unwrap_or(Fate::Passes),
        }
    }

    /// The packets of one connection, one after the other.
    fn flow(&self, firewall: &Firewall, v6: bool, first: &Packet) -> Fate {
        let mut doubt: Option<(By, Doubt)> = None;
        for packet in packets_of(first) {
            match self.one(firewall, v6, packet) {
                Fate::Passes => {}
                Fate::May(by, why) => {
                    if doubt.as_ref().is_none_or(|(_, other)| why < *other) {
                        doubt = Some((by, why));
                    }
                }
                dropped @ Fate::Dropped(_) => return dropped,
            }
        }
        doubt.map_or(Fate::Passes, |(by, why)| Fate::May(by, why))
    }

    fn one(&self, firewall: &Firewall, v6: bool, mut packet: Packet) -> Fate {
        let mut doubt: Option<(By, Doubt)> = None;
        let mut fates = Vec::new();
        for hook in self.hooks {
            if *hook == Hook::Prerouting {
                let early = firewall.native_at("ingress", &["netdev", "inet"]);
                let here = early.filter(|(_, base)| {
                    let mut devices = base.devices.iter();
                    devices.any(|device| Some(device.as_str()) == packet.comes_in)
                });
                fates.extend(here.map(|(table, base)| chain_fate(table, base, &packet)));
            }
            for rules in firewall.rules(v6) {
                for table in hook.tables() {
                    if *table == "raw" {
                        match untracked(rules, hook.chain(), &packet) {
                            Some(true) => packet.state = Some(State::Untracked),
                            Some(false) => {}
                            None => packet.state = None,
                        }
                    }
                    fates.push(rules.fate(table, hook.chain(), &packet));
                }
            }
            let families: &[&str] = if v6 {
                &["ip6", "inet"]
            } else {
                &["ip", "inet"]
            };
            let native = firewall.native_at(hook.of_nft(), families);
            fates.extend(
                native
                    .filter(|(_, base)| base.kind != "nat")
                    .map(|(table, base)| chain_fate(table, base, &packet)),
            );
            for fate in fates.drain(..) {
                match fate {
                    Fate::Passes => {}
                    Fate::May(by, why) => {
                        if doubt.as_ref().is_none_or(|(_, other)| why < *other) {
                            doubt = Some((by, why));
                        }
                    }
                    dropped @ Fate::Dropped(_) => return dropped,
                }
            }
        }
        doubt.map_or(Fate::Passes, |(by, why)| Fate::May(by, why))
    }

    fn has_client(&self) -> bool {
        self.packets.iter().any(|p| p.client != Client::None)
    }
}

/// The packet of one client.
pub(super) fn of<'p>(packet: &Packet<'p>, source: &Source) -> Packet<'p> {
    match packet.client {
        Client::None => packet.clone(),
        Client::Source => Packet {
            from: Some(source.address),
            source_port: Some(source.port),
            ..packet.clone()
        },
        Client::Destination => Packet {
            to: Some(source.address),
            port: Some(source.port),
            ..packet.clone()
        },
    }
}

/// The packets of a connection: the first, and those that follow.
fn packets_of<'p>(first: &Packet<'p>) -> Vec<Packet<'p>> {
    let follows = |flags| Packet {
        state: first.later,
        flags,
        ..first.clone()
    };
    let mut all = vec![first.clone()];
    match first.protocol {
        TCP => {
            let each = [flag::ACK, flag::PSH | flag::ACK, flag::FIN | flag::ACK];
            all.extend(each.map(|flags| follows(Some(flags))));
        }
        UDP if first.later != first.state => all.push(follows(None)),
        _ => {}
    }
    all
}

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// What is followed of a path.
pub(super) struct Path<'a> {
    pub what: String,
    pub v6: bool,
    pub legs: Vec<Leg<'a>>,
    pub hint: &'static str,
}

/// Follows the packets of a path, for each client that rules may distinguish.
pub(super) fn judge(
    audit: &HostAudit,
    check: &'static Check,
    mut path: Path,
    clients: &Clients,
    findings: &mut Findings,
) {
    let firewall = &audit.facts().firewall;
    if let Some(table) = firewall.unread.first() {
        let why = format!(
            "the kernel has a packet filter that {table} should list, and did not; install iptables or nftables"
        );
        return findings.unknown(audit.name(), check, &path.what, why);
    }
    forget_states(firewall, &mut path);
    let no_clients = Clients::default();
    let clients = if path.legs.iter().any(Leg::has_client) {
        clients
    } else {
        &no_clients
    };
    let mut outcome = Outcome::default();
    if clients.sources.is_empty() {
        outcome.add(&path, firewall, None);
    }
    for source in &clients.sources {
        outcome.add(&path, firewall, Some(source));
    }
    if clients.left_out > 0 {
        let note = format!(
            "{}: {} more networks of clients that rules name were not followed",
            path.what, clients.left_out
        );
        findings.note(audit.name(), check, note);
    }
    outcome.report(audit, check, &path, clients, findings);
}

/// Removes uncertain conntrack states if some rule excludes packets from conntrack: it may then not know a reply's
/// connection.
fn forget_states(firewall: &Firewall, path: &mut Path) {
    let untracks = firewall.rules(path.v6).iter().any(|rules| rules.untracks());
    if untracks || firewall.native_untracks() {
        for packet in path.legs.iter_mut().flat_map(|leg| &mut leg.packets) {
            packet.later = None;
            if packet.state == Some(State::Established) || firewall.native_untracks() {
                packet.state = None;
            }
        }
    }
}

/// The fates of the packets, by client.
#[derive(Default)]
struct Outcome<'s> {
    asked: usize,
    drops: Vec<(By, Vec<&'s Source>, String)>,
    doubts: Vec<(By, Doubt)>,
}

impl<'s> Outcome<'s> {
    fn add(&mut self, path: &Path, firewall: &Firewall, source: Option<&'s Source>) {
        self.asked += 1;
        for leg in &path.legs {
            match leg.fate(firewall, path.v6, source) {
                Fate::Passes => {}
                Fate::May(by, doubt) => {
                    if !self.doubts.iter().any(|(other, _)| *other == by) {
                        self.doubts.push((by, doubt));
                    }
                }
                Fate::Dropped(by) => {
                    let known = self.drops.iter_mut().find(|(other, _, _)| *other == by);
                    match known {
                        Some((_, sources, _)) => sources.extend(source),
                        None => {
                            let fix = fix(&by, leg);
                            self.drops.push((by, source.into_iter().collect(), fix));
                        }
                    }
                    return;
                }
            }
        }
    }

    fn report(
        self,
        audit: &HostAudit,
        check: &'static Check,
        path: &Path,
        clients: &Clients,
        findings: &mut Findings,
    ) {
        let (name, what) = (audit.name(), &path.what);
        let mut bad = false;
        for (by, sources, fix) in &self.drops {
            let whom = Whom::of(by, sources, self.asked, clients);
            if let Whom::Few(words) = &whom {
                findings.note(name, check, format!("{what}: those of {words} are dropped by {by}, as programs that ban clients do"));
                continue;
            }
            bad = true;
            let fault = Mismatch::new(
                format!("packets of {what} to pass the firewall{}", whom.words()),
                format!("dropped by {by}"),
                format!("{fix}{}", path.hint),
            );
            let fault = if whom.is_minor() {
                fault.warning()
            } else {
                fault
            };
            let cause = Some(Cause::Rule(by.to_string()));
            findings.fail(name, check, what.clone(), fault.because(cause));
        }
        for (by, doubt) in &self.doubts {
            let (found, grave) = match doubt {
                Doubt::Share => (format!("a share of them dropped by {by}"), true),
                Doubt::Rate => (format!("those above a rate dropped by {by}"), false),
                Doubt::Content => (format!("some of them dropped by {by}"), false),
                Doubt::Unknown => {
                    findings.unknown(
                        name,
                        check,
                        what,
                        format!("whether it passes depends on more than address and port: {by}"),
                    );
                    continue;
                }
            };
            bad = true;
            let fault = Mismatch::new(
                format!("all packets of {what} to pass the firewall"),
                found,
                by.fix.clone() + FOR_GOOD,
            );
            let fault = if grave { fault } else { fault.warning() };
            let cause = Some(Cause::Rule(by.to_string()));
            findings.fail(name, check, what.clone(), fault.because(cause));
        }
        if !bad {
            let read = "no rule that drops it in the tables of iptables and nftables";
            findings.pass_of(name, check, what, read);
        }
    }
}

pub(super) const FOR_GOOD: &str =
    "; also remove the rule from the configuration that adds it at boot";

/// The fix: delete the rule. A policy may be intended, so the fix for it is a rule that accepts the packets.
fn fix(by: &By, leg: &Leg) -> String {
    match (&by.policy, leg.packets.first()) {
        (Some(policy), Some(packet)) => format!(
            "{}, or keep the policy and accept them: `{}`",
            by.fix,
            accepting(policy, &by.chain, packet)
        ),
        _ => by.fix.clone() + FOR_GOOD,
    }
}
