//! The packets of services and of VRRP that cross a host, each with its way through the packet filter. Pure.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ours::Ours;
use crate::check::firewall::{Fate, Packet, Rewrite, State};
use crate::check::flow::{reply, request, tunnel};
use crate::check::packet_path::Leg;
use crate::fact::firewall::{Firewall, Rules};
use crate::model::{Mode, Service};

/// A path of packets, with a description.
pub(super) struct Path<'a> {
    pub(super) what: String,
    legs: Vec<(Packet<'a>, Vec<String>, Way)>,
    /// Whether the nat table must not rewrite it.
    stays: bool,
}

#[derive(Clone)]
enum Way {
    In,
    Out,
    Through(Vec<String>),
}

impl Path<'_> {
    /// The rule that drops it or sends it elsewhere.
    pub(super) fn harm(&self, rules: &Rules, v6: bool) -> Option<String> {
        let saved = alone(rules, v6);
        for (packet, by, way) in &self.legs {
            let leg = match way {
                Way::In => Leg::arrives(packet, by),
                Way::Out => Leg::leaves(packet, by),
                Way::Through(to) => Leg::passes_through(packet, by, to),
            };
            if let Fate::Dropped(by) = leg.fate(&saved, v6, None) {
                return Some(by.to_string());
            }
            if self.stays && matches!(way, Way::In) {
                let moved = by.iter().find_map(|name| {
                    rules.rewrite(
                        "PREROUTING",
                        &Packet {
                            comes_in: Some(name),
                            ..packet.clone()
                        },
                    )
                });
                if let Some(rewrite) = moved {
                    return match rewrite {
                        Rewrite::Here { by, .. } | Rewrite::To { by, .. } => Some(by.to_string()),
                        Rewrite::Perhaps(_) | Rewrite::From { .. } => None,
                    };
                }
            }
        }
        None
    }
}

/// A packet filter with these rules and no others.
fn alone(rules: &Rules, v6: bool) -> Firewall {
    let mut firewall = Firewall::default();
    let place = if v6 {
        &mut firewall.legacy_v6
    } else {
        &mut firewall.legacy
    };
    place.clone_from(rules);
    firewall
}

const VRRP: u8 = 112;
const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
const GROUP_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12));

/// The packets of services and of VRRP that cross the host.
pub(super) fn paths<'a>(v6: bool, ours: &Ours<'a>) -> Vec<Path<'a>> {
    let audit = ours.audit;
    let mut all = Vec::new();
    if audit.host.is_director() {
        for service in &audit.cluster.services {
            director(service, v6, ours, &mut all);
        }
        adverts(v6, ours, &mut all);
    } else {
        for part in audit.serves.parts() {
            for rs in &part.servers {
                real_server(part.service, rs.address, rs.port, v6, ours, &mut all);
            }
        }
    }
    all
}

fn director<'a>(service: &Service, v6: bool, ours: &Ours<'a>, all: &mut Vec<Path<'a>>) {
    let audit = ours.audit;
    for vip in service
        .vips
        .iter()
        .filter(|vip| vip.address.is_ipv6() == v6)
    {
        let near = audit.toward(vip.address);
        for port in service.sampled_ports() {
            let what = format!("{} ({} port {port})", service.name, vip.address);
            let asks = request(service, vip.address, port);
            all.push(Path {
                what: what.clone(),
                legs: vec![(asks.clone(), near.clone(), Way::In)],
                stays: true,
            });
            for rs in service.backends().filter(|rs| rs.host != audit.host.name) {
                let own = rs.port.unwrap_or(port);
                let packet = match service.mode {
                    Mode::Dr => asks.clone(),
                    Mode::Nat => request(service, rs.address, own),
                    Mode::Tun => tunnel(None, rs.address, vip.address),
                };
                let by = audit.toward(rs.address);
                let mut legs = vec![(
                    Packet {
                        state: None,
                        ..packet
                    },
                    by.clone(),
                    Way::Out,
                )];
                if service.mode == Mode::Nat {
                    let back = Packet {
                        state: None,
                        ..reply(service, rs.address, own)
                    };
                    legs.push((back, by, Way::Through(near.clone())));
                }
                all.push(Path {
                    what: format!("{what} to {}", rs.host),
                    legs,
                    stays: false,
                });
            }
        }
    }
}

fn adverts<'a>(v6: bool, ours: &Ours<'a>, all: &mut Vec<Path<'a>>) {
    for instance in &ours.audit.cluster.vrrp {
        let Some(me) = instance
            .member(ours.audit.host)
            .filter(|me| me.address.is_ipv6() == v6)
        else {
            continue;
        };
        for peer in instance
            .members
            .iter()
            .filter(|member| member.host != me.host)
        {
            let to = |address: IpAddr| match address {
                _ if instance.unicast => address,
                IpAddr::V4(_) => GROUP,
                IpAddr::V6(_) => GROUP_V6,
            };
            let advert = |from, to| Packet {
                from: Some(from),
                to: Some(to),
                protocol: VRRP,
                state: Some(State::New),
                ..Packet::default()
            };
            let by = vec![me.interface.clone()];
            all.push(Path {
                what: format!("VRRP between {} and {}", me.host, peer.host),
                legs: vec![
                    (advert(peer.address, to(me.address)), by.clone(), Way::In),
                    (advert(me.address, to(peer.address)), by, Way::Out),
                ],
                stays: false,
            });
        }
    }
}

fn real_server<'a>(
    service: &Service,
    rip: IpAddr,
    own: Option<u16>,
    v6: bool,
    ours: &Ours<'a>,
    all: &mut Vec<Path<'a>>,
) {
    let audit = ours.audit;
    let nic = audit.toward(rip);
    for vip in service.vips.iter().map(|vip| vip.address) {
        let address = if service.mode == Mode::Nat { rip } else { vip };
        let by = if service.mode == Mode::Tun {
            vec![service.mode.home(vip).to_owned()]
        } else {
            nic.clone()
        };
        if service.mode == Mode::Tun && rip.is_ipv6() == v6 {
            all.push(Path {
                what: format!("{} (tunnel)", service.name),
                legs: vec![(tunnel(None, rip, vip), nic.clone(), Way::In)],
                stays: false,
            });
        }
        if address.is_ipv6() != v6 {
            continue;
        }
        for port in service
            .sampled_ports()
            .into_iter()
            .map(|port| own.unwrap_or(port))
            .collect::<BTreeSet<u16>>()
        {
            let what = format!("{} ({address} port {port})", service.name);
            let answers = Packet {
                state: None,
                ..reply(service, address, port)
            };
            all.push(Path {
                what,
                legs: vec![
                    (request(service, address, port), by.clone(), Way::In),
                    (answers, nic.clone(), Way::Out),
                ],
                stays: true,
            });
        }
    }
}
