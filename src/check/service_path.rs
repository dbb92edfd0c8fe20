//! The packets of services through the packet filters of directors and real servers.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::HostAudit;
use super::clients::Clients;
use super::definition::{Check, Judge, packet_filter};
use super::findings::Findings;
use super::firewall::{Packet, State};
use super::flow::{midway, of_client, reply, request, to_client, tracked, tracking, tunnel};
use super::health_path::asks_from;
use super::packet_path::{Leg, Path, judge};
use super::redirect::{self, Served};
use crate::fact::Needs;
use crate::model::{Cluster, Host, Mode, Protocol, RealServer, Service, topology};

pub(super) static FIREWALL_VIP: Check = Check {
    id: "firewall-vip",
    summary: "The packet filter accepts requests and replies of each service, and of web servers at a VIP that VRRP moves and no service has.",
    reason: "A rule that drops them on the director affects all requests; on a real server it affects those of that real server.",
    source: "iptables(8), nft(8); net/netfilter/ipvs in the kernel for the hooks of IPVS",
    fix: "delete the rule that the finding names, or insert one before it that accepts the packets",
    needs,
    judge: Judge::Host(services),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    packet_filter(cluster, host, needs);
    if cluster.serves(host) || host.is_director() {
        let sysctls = needs.sysctl.get_or_insert_default();
        sysctls.paths.extend(tracking());
    }
}

fn services(audit: &HostAudit, findings: &mut Findings) {
    for part in audit.serves.parts() {
        for rs in &part.servers {
            of_backend(audit, part.service, rs, findings);
        }
    }
    if audit.host.is_director() {
        for service in &audit.cluster.services {
            of_director(audit, service, findings);
        }
    }
    of_pages(audit, findings);
}

/// Requests to the web server's pages at VIPs without a service; the host holds them now or after a takeover.
fn of_pages(audit: &HostAudit, findings: &mut Findings) {
    let Some(pages) = topology::pages(audit.cluster, audit.host, &audit.serves) else {
        return;
    };
    for vip in pages.vips {
        let by = audit.toward(vip);
        let clients = Clients::at(audit, &[vip], &[], vip.is_ipv6());
        for port in &pages.ports {
            let what = format!("web pages at {vip} port {port}");
            let arrives = of_client(Protocol::Tcp, vip, *port);
            let Some(to) = after_nat(audit, &arrives, &by, &what, findings) else {
                continue;
            };
            let leaves = to_client(
                Protocol::Tcp,
                to.to.unwrap_or(vip),
                to.port.unwrap_or(*port),
            );
            let mut legs = comes_in(&arrives, &to, &by);
            legs.push(Leg::leaves(&leaves, &by));
            let path = Path {
                what,
                v6: vip.is_ipv6(),
                legs,
                hint: "",
            };
            judge(audit, &FIREWALL_VIP, path, &clients, findings);
        }
    }
}

/// The request after the nat table. None: another host gets it, or the target is not known; both are recorded as a result.
fn after_nat<'p>(
    audit: &HostAudit,
    arrives: &Packet<'p>,
    by: &[String],
    what: &str,
    findings: &mut Findings,
) -> Option<Packet<'p>> {
    match redirect::coming(audit, &redirect::usual(arrives), by) {
        Served::Here => Some(arrives.clone()),
        Served::Redirected { address, port, .. } => Some(Packet {
            to: address.or(arrives.to),
            port: Some(port),
            ..arrives.clone()
        }),
        Served::Elsewhere(why) => {
            findings.skip(audit.name(), &FIREWALL_VIP, what, &why);
            None
        }
        Served::Unknown(why) => {
            findings.unknown(audit.name(), &FIREWALL_VIP, what, why);
            None
        }
    }
}

/// The legs of an arriving packet before and after the nat table.
fn comes_in<'p>(arrives: &Packet<'p>, to: &Packet<'p>, by: &'p [String]) -> Vec<Leg<'p>> {
    if arrives == to {
        return vec![Leg::arrives(arrives, by)];
    }
    Leg::rewritten(arrives, to, by).into()
}

/// A service's packets on a director: in, on to each real server, and NAT's replies.
fn of_director(audit: &HostAudit, service: &Service, findings: &mut Findings) {
    for vip in &service.vips {
        let near = audit.toward(vip.address);
        let v6 = vip.address.is_ipv6();
        let clients = Clients::of(audit, service, v6);
        for port in service.sampled_ports() {
            let what = format!("{} {} port {port}", service.name, vip.address);
            let arrives = Packet {
                later: later(audit),
                ..request(service, vip.address, port)
            };
            let path = Path {
                what: what.clone(),
                v6,
                legs: vec![Leg::arrives(&arrives, &near)],
                hint: "",
            };
            judge(audit, &FIREWALL_VIP, path, &clients, findings);
            for rs in service.backends() {
                // A real server on the director itself gets the packet where it is.
                if rs.host != audit.host.name {
                    let at = (vip.address, port);
                    on(audit, service, at, &rs, (&what, &clients), findings);
                }
            }
        }
    }
    if service.mode == Mode::Nat {
        replies(audit, service, findings);
    }
}

/// The conntrack state of a connection's later packets. If IPVS does not track connections, conntrack sees each packet as the
/// first one, and accepts it as a connection in its middle (`nf_conntrack_tcp_loose`).
fn later(audit: &HostAudit) -> Option<State> {
    let tracked = tracked(audit)?;
    Some(if tracked {
        State::Established
    } else {
        midway(audit)
    })
}

fn on(
    audit: &HostAudit,
    service: &Service,
    (vip, port): (IpAddr, u16),
    rs: &RealServer,
    (what, clients): (&str, &Clients),
    findings: &mut Findings,
) {
    let (state, later) = match tracked(audit) {
        Some(true) => (Some(State::New), Some(State::Established)),
        Some(false) => (Some(State::Untracked), Some(State::Untracked)),
        None => (None, None),
    };
    let own = rs.port.unwrap_or(port);
    let (packet, shape) = match service.mode {
        Mode::Dr => (request(service, vip, port), rs.address.to_string()),
        Mode::Nat => (
            request(service, rs.address, own),
            format!("{} port {own}", rs.address),
        ),
        Mode::Tun => {
            let from = asks_from(audit.host, rs.address);
            let shape = format!("{} by tunnel", rs.address);
            (tunnel(from, rs.address, vip), shape)
        }
    };
    // A tunnel is a packet of the director's own.
    let packet = match service.mode {
        Mode::Tun => packet,
        Mode::Dr | Mode::Nat => Packet {
            state,
            later,
            ..packet
        },
    };
    let by = audit.toward(rs.address);
    let path = Path {
        what: format!("{what} on to {} ({shape})", rs.host),
        v6: rs.address.is_ipv6(),
        legs: vec![Leg::leaves(&packet, &by)],
        hint: "",
    };
    judge(audit, &FIREWALL_VIP, path, clients, findings);
}

fn replies(audit: &HostAudit, service: &Service, findings: &mut Findings) {
    // The request was not tracked when it left: an answer to it fits no connection.
    let state = tracked(audit).map(|tracked| match service.protocol {
        _ if tracked => State::Established,
        Protocol::Tcp => State::Invalid,
        Protocol::Udp => State::New,
    });
    let hint = if state == Some(State::Established) {
        ""
    } else {
        "; rules by state know them only with `sysctl -w net.ipv4.vs.conntrack=1`"
    };
    let later = later(audit);
    let toward: BTreeSet<String> = service
        .vips
        .iter()
        .flat_map(|vip| audit.toward(vip.address))
        .collect();
    let toward: Vec<String> = toward.into_iter().collect();
    let both = [false, true].map(|v6| Clients::of(audit, service, v6));
    for rs in service.backends() {
        if rs.host == audit.host.name {
            continue;
        }
        let by = audit.toward(rs.address);
        let ports: BTreeSet<u16> = service
            .sampled_ports()
            .into_iter()
            .map(|port| rs.port.unwrap_or(port))
            .collect();
        for port in ports {
            let packet = Packet {
                state,
                later,
                ..reply(service, rs.address, port)
            };
            let v6 = rs.address.is_ipv6();
            let path = Path {
                what: format!(
                    "replies of {} from {} ({} port {port})",
                    service.name, rs.host, rs.address
                ),
                v6,
                legs: vec![Leg::passes_through(&packet, &by, &toward)],
                hint,
            };
            let clients = &both[usize::from(v6)];
            judge(audit, &FIREWALL_VIP, path, clients, findings);
        }
    }
}

fn of_backend(audit: &HostAudit, service: &Service, rs: &RealServer, findings: &mut Findings) {
    let nic = audit.toward(rs.address);
    let directors = audit
        .cluster
        .directors()
        .filter(|host| host.name != audit.host.name);
    let tunnels_from: Vec<IpAddr> = directors
        .filter_map(|director| asks_from(director, rs.address))
        .collect();
    for vip in service.vips.iter().map(|vip| vip.address) {
        let address = match service.mode {
            Mode::Nat => rs.address,
            Mode::Dr | Mode::Tun => vip,
        };
        let home = [service.mode.home(vip).to_owned()];
        let back: BTreeSet<String> = audit
            .facts()
            .route_to
            .from(address)
            .filter_map(|route| route.interface.clone())
            .collect();
        let back: Vec<String> = back.into_iter().collect();
        let back = if back.is_empty() { &nic } else { &back };
        let clients = Clients::of(audit, service, vip.is_ipv6());
        for port in service.sampled_ports() {
            let port = rs.port.unwrap_or(port);
            let what = format!("{} {address} port {port}", service.name);
            let arrives = request(service, address, port);
            let by: &[String] = match service.mode {
                Mode::Tun => &home,
                Mode::Dr | Mode::Nat => &nic,
            };
            // The nat table rewrites the request before these hooks, and the reply after them.
            let to = if audit.host.is_director() {
                arrives.clone()
            } else if let Some(to) = after_nat(audit, &arrives, by, &what, findings) {
                to
            } else {
                continue;
            };
            let leaves = reply(service, to.to.unwrap_or(address), to.port.unwrap_or(port));
            let outer: Vec<Packet> = tunnels_from
                .iter()
                .map(|from| tunnel(Some(*from), rs.address, vip))
                .collect();
            let answers = Leg::leaves(&leaves, back);
            let mut legs = if audit.host.is_director() {
                // Requests to a real server on the director itself arrive as all others, and were judged there.
                vec![]
            } else {
                comes_in(&arrives, &to, by)
            };
            legs.push(answers);
            if service.mode == Mode::Tun && !audit.host.is_director() {
                legs.extend(outer.iter().map(|outer| Leg::arrives(outer, &nic)));
            }
            let path = Path {
                what,
                v6: vip.is_ipv6(),
                legs,
                hint: "",
            };
            judge(audit, &FIREWALL_VIP, path, &clients, findings);
        }
    }
}
