//! The ways of a service's packets through a host's packet filter, chain by chain. IPVS takes a request behind INPUT
//! and sends it on through OUTPUT, in whatever shape it has then; NAT's replies come through FORWARD, where IPVS
//! translates them last (net/netfilter/ipvs, ip_vs_ops4). Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::firewall::{Fate, Packet, State};
use super::redirect::{self, Served};
use super::tally::{Fault, Tally};
use super::{Check, Seen, place};
use crate::fact::firewall::Rules;
use crate::inventory::model::{Mode, Protocol, RealServer, Service};

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

/// A stretch of a way: one packet, or several where it is not known which interfaces it takes.
pub struct Leg<'a> {
    hooks: &'static [Hook],
    packets: Vec<Packet<'a>>,
}

impl<'a> Leg<'a> {
    pub fn arrives(packet: &Packet<'a>, by: &'a [String]) -> Self {
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
    fn rewritten(packet: &Packet<'a>, into: &Packet<'a>, by: &'a [String]) -> [Self; 2] {
        let hooks = |packet, hooks| Self {
            hooks,
            ..Self::arrives(packet, by)
        };
        [hooks(packet, IN_BEFORE_NAT), hooks(into, IN_AFTER_NAT)]
    }

    pub fn leaves(packet: &Packet<'a>, by: &'a [String]) -> Self {
        let packets = by.iter().map(|name| Packet {
            goes_out: Some(name),
            ..packet.clone()
        });
        Self {
            hooks: OUT,
            packets: packets.collect(),
        }
    }

    fn passes_through(packet: &Packet<'a>, from: &'a [String], to: &'a [String]) -> Self {
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

    /// What a packet is to conntrack is not told any more.
    fn untold(&mut self) {
        for packet in &mut self.packets {
            packet.state = None;
        }
    }

    /// What is dropped by every interface is dropped; by some, it may be.
    fn fate(&self, rules: &Rules) -> Fate {
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
                dropped => return dropped,
            }
        }
        doubt.map_or(Fate::Passes, Fate::May)
    }
}

const MEND: &str = "take that rule away, or put one before it that accepts them";

/// Follows packets along their way; both backends act on each.
pub fn judge(
    seen: &Seen,
    check: Check,
    what: &str,
    v6: bool,
    mut legs: Vec<Leg>,
    hint: &str,
    tally: &mut Tally,
) {
    if let Some(table) = seen.facts().firewall.unread.first() {
        let why = format!(
            "the kernel has the packet filter {table}, and no tool on the host lists it; install iptables or nftables"
        );
        return tally.skip(seen.name(), check, what, &why);
    }
    let mut dropped = None;
    let both = seen.facts().firewall.rules(v6);
    if both.iter().any(|rules| rules.untracks()) {
        legs.iter_mut().for_each(Leg::untold);
    }
    for rules in both {
        for leg in &legs {
            match leg.fate(rules) {
                Fate::Passes => {}
                Fate::Dropped(by) => dropped = dropped.or(Some(by)),
                Fate::May(by) => tally.note(
                    seen.name(),
                    check,
                    format!(
                        "{what}: whether it passes depends on more than address and port: {by}"
                    ),
                ),
            }
        }
    }
    let fault = dropped.map(|by| {
        Fault::new(
            format!("packets of {what} to pass the firewall"),
            format!("dropped by {by}"),
            format!("{MEND}{hint}"),
        )
    });
    tally.judge(seen.name(), check, what, fault);
}

/// Its number in the IP header.
pub fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
    }
}

/// A tunnel to a real server; what is in it is of the VIP's family. Nothing comes back by it, so that to conntrack it
/// stays new.
pub fn tunnel(to: IpAddr, vip: IpAddr) -> Packet<'static> {
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
pub fn request(service: &Service, to: IpAddr, port: u16) -> Packet<'static> {
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
pub fn reply(service: &Service, from: IpAddr, port: u16) -> Packet<'static> {
    Packet {
        from: Some(from),
        to: None,
        source_port: Some(port),
        port: None,
        state: Some(State::Established),
        ..request(service, from, port)
    }
}

/// A service's packets on a director: in, on to each real server, and NAT's replies.
pub fn of_director(seen: &Seen, service: &Service, tally: &mut Tally) {
    for vip in &service.vips {
        let near = place::toward(seen.cluster, seen.host, seen.addresses(), vip.address);
        for port in service.sampled_ports() {
            let what = format!("{} {} port {port}", service.name, vip.address);
            let arrives = request(service, vip.address, port);
            let legs = vec![Leg::arrives(&arrives, &near)];
            let v6 = vip.address.is_ipv6();
            judge(seen, Check::FirewallVip, &what, v6, legs, "", tally);
            for rs in service.backends() {
                // A real server on the director itself gets the packet where it is.
                if rs.host != seen.host.name {
                    on(seen, service, vip.address, port, &rs, &what, tally);
                }
            }
        }
    }
    if service.mode == Mode::Nat {
        replies(seen, service, tally);
    }
}

/// IPVS's packets are tracked only where it is told so.
fn tracked(seen: &Seen) -> Option<bool> {
    let path = "/proc/sys/net/ipv4/vs/conntrack";
    let value = seen.facts().sysctl.get(path)?;
    Some(value.trim() != "0")
}

fn on(
    seen: &Seen,
    service: &Service,
    vip: IpAddr,
    port: u16,
    rs: &RealServer,
    what: &str,
    tally: &mut Tally,
) {
    let state = tracked(seen).map(|tracked| {
        if tracked {
            State::New
        } else {
            State::Untracked
        }
    });
    let own = rs.port.unwrap_or(port);
    let (packet, shape) = match service.mode {
        Mode::Dr => (request(service, vip, port), rs.address.to_string()),
        Mode::Nat => (
            request(service, rs.address, own),
            format!("{} port {own}", rs.address),
        ),
        Mode::Tun => (tunnel(rs.address, vip), format!("{} by tunnel", rs.address)),
    };
    // A tunnel is a packet of the director's own.
    let packet = match service.mode {
        Mode::Tun => packet,
        Mode::Dr | Mode::Nat => Packet { state, ..packet },
    };
    let by = place::toward(seen.cluster, seen.host, seen.addresses(), rs.address);
    let what = format!("{what} on to {} ({shape})", rs.host);
    let legs = vec![Leg::leaves(&packet, &by)];
    let v6 = rs.address.is_ipv6();
    judge(seen, Check::FirewallVip, &what, v6, legs, "", tally);
}

fn replies(seen: &Seen, service: &Service, tally: &mut Tally) {
    // The request was not seen to leave: an answer to it fits no connection.
    let state = tracked(seen).map(|tracked| match service.protocol {
        _ if tracked => State::Established,
        Protocol::Tcp => State::Invalid,
        Protocol::Udp => State::New,
    });
    let hint = if state == Some(State::Established) {
        ""
    } else {
        "; rules by state know them only with `sysctl -w net.ipv4.vs.conntrack=1`"
    };
    let clients: BTreeSet<String> = service
        .vips
        .iter()
        .flat_map(|vip| place::toward(seen.cluster, seen.host, seen.addresses(), vip.address))
        .collect();
    let clients: Vec<String> = clients.into_iter().collect();
    for rs in service.backends() {
        if rs.host == seen.host.name {
            continue;
        }
        let by = place::toward(seen.cluster, seen.host, seen.addresses(), rs.address);
        let ports: BTreeSet<u16> = service
            .sampled_ports()
            .into_iter()
            .map(|port| rs.port.unwrap_or(port))
            .collect();
        for port in ports {
            let packet = Packet {
                state,
                ..reply(service, rs.address, port)
            };
            let legs = vec![Leg::passes_through(&packet, &by, &clients)];
            let what = format!(
                "replies of {} from {} ({} port {port})",
                service.name, rs.host, rs.address
            );
            let v6 = rs.address.is_ipv6();
            judge(seen, Check::FirewallVip, &what, v6, legs, hint, tally);
        }
    }
}

/// A service's packets on a real server: in, out of the tunnel where there is one, and back to clients.
pub fn of_real_server(seen: &Seen, service: &Service, tally: &mut Tally) {
    for rs in service.backends_on(&seen.host.name) {
        of_backend(seen, service, &rs, tally);
    }
}

fn of_backend(seen: &Seen, service: &Service, rs: &RealServer, tally: &mut Tally) {
    let nic = place::toward(seen.cluster, seen.host, seen.addresses(), rs.address);
    for vip in service.vips.iter().map(|vip| vip.address) {
        let address = match service.mode {
            Mode::Nat => rs.address,
            Mode::Dr | Mode::Tun => vip,
        };
        let home = [service.mode.home(vip).to_owned()];
        let back: BTreeSet<String> = seen
            .facts()
            .route_to
            .from(address)
            .filter_map(|route| route.interface.clone())
            .collect();
        let back: Vec<String> = back.into_iter().collect();
        let back = if back.is_empty() { &nic } else { &back };
        for port in service.sampled_ports() {
            let port = rs.port.unwrap_or(port);
            let what = format!("{} {address} port {port}", service.name);
            let arrives = request(service, address, port);
            let by: &[String] = match service.mode {
                Mode::Tun => &home,
                Mode::Dr | Mode::Nat => &nic,
            };
            // The nat table comes before what counts here, and takes back what it did after it.
            let to = match redirect::coming(seen, &arrives, by) {
                _ if seen.host.is_director() => None,
                Served::Here => None,
                Served::Redirected { address, port, .. } => Some(Packet {
                    to: address.or(arrives.to),
                    port: Some(port),
                    ..arrives.clone()
                }),
                Served::Unknown(why) => {
                    tally.skip(seen.name(), Check::FirewallVip, &what, &why);
                    continue;
                }
            };
            let leaves = reply(
                service,
                to.as_ref().and_then(|to| to.to).unwrap_or(address),
                to.as_ref().and_then(|to| to.port).unwrap_or(port),
            );
            let outer = tunnel(rs.address, vip);
            let answers = Leg::leaves(&leaves, back);
            let mut legs = match &to {
                // Its own share comes in as all requests do, and was looked at there.
                _ if seen.host.is_director() => vec![],
                None => vec![Leg::arrives(&arrives, by)],
                Some(to) => Leg::rewritten(&arrives, to, by).into(),
            };
            legs.push(answers);
            if service.mode == Mode::Tun && !seen.host.is_director() {
                legs.push(Leg::arrives(&outer, &nic));
            }
            judge(
                seen,
                Check::FirewallVip,
                &what,
                vip.is_ipv6(),
                legs,
                "",
                tally,
            );
        }
    }
}
