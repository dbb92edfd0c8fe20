//! The packets of services through the packet filters of directors and real servers.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::HostAudit;
use super::definition::{Check, Judge, packet_filter};
use super::findings::Findings;
use super::firewall::{Packet, State};
use super::packet_path::{Leg, judge, reply, request, tunnel};
use super::redirect::{self, Served};
use crate::fact::Needs;
use crate::model::{Cluster, Host, Mode, Protocol, RealServer, Service};

pub(super) static FIREWALL_VIP: Check = Check {
    id: "firewall-vip",
    summary: "The packet filter accepts requests and replies of each service.",
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
        sysctls.paths.insert(CONNTRACK.to_owned());
    }
}

const CONNTRACK: &str = "/proc/sys/net/ipv4/vs/conntrack";

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
}

/// A service's packets on a director: in, on to each real server, and NAT's replies.
fn of_director(audit: &HostAudit, service: &Service, findings: &mut Findings) {
    for vip in &service.vips {
        let near = audit.toward(vip.address);
        for port in service.sampled_ports() {
            let what = format!("{} {} port {port}", service.name, vip.address);
            let arrives = request(service, vip.address, port);
            let legs = vec![Leg::arrives(&arrives, &near)];
            let v6 = vip.address.is_ipv6();
            judge(audit, &FIREWALL_VIP, &what, v6, legs, "", findings);
            for rs in service.backends() {
                // A real server on the director itself gets the packet where it is.
                if rs.host != audit.host.name {
                    on(audit, service, vip.address, port, &rs, &what, findings);
                }
            }
        }
    }
    if service.mode == Mode::Nat {
        replies(audit, service, findings);
    }
}

/// IPVS's packets are tracked only with `conntrack` set.
fn tracked(audit: &HostAudit) -> Option<bool> {
    let value = audit.facts().sysctl.get(CONNTRACK)?;
    Some(value.trim() != "0")
}

fn on(
    audit: &HostAudit,
    service: &Service,
    vip: IpAddr,
    port: u16,
    rs: &RealServer,
    what: &str,
    findings: &mut Findings,
) {
    let state = tracked(audit).map(|tracked| {
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
    let by = audit.toward(rs.address);
    let what = format!("{what} on to {} ({shape})", rs.host);
    let legs = vec![Leg::leaves(&packet, &by)];
    let v6 = rs.address.is_ipv6();
    judge(audit, &FIREWALL_VIP, &what, v6, legs, "", findings);
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
    let clients: BTreeSet<String> = service
        .vips
        .iter()
        .flat_map(|vip| audit.toward(vip.address))
        .collect();
    let clients: Vec<String> = clients.into_iter().collect();
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
                ..reply(service, rs.address, port)
            };
            let legs = vec![Leg::passes_through(&packet, &by, &clients)];
            let what = format!(
                "replies of {} from {} ({} port {port})",
                service.name, rs.host, rs.address
            );
            let v6 = rs.address.is_ipv6();
            judge(audit, &FIREWALL_VIP, &what, v6, legs, hint, findings);
        }
    }
}

fn of_backend(audit: &HostAudit, service: &Service, rs: &RealServer, findings: &mut Findings) {
    let nic = audit.toward(rs.address);
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
        for port in service.sampled_ports() {
            let port = rs.port.unwrap_or(port);
            let what = format!("{} {address} port {port}", service.name);
            let arrives = request(service, address, port);
            let by: &[String] = match service.mode {
                Mode::Tun => &home,
                Mode::Dr | Mode::Nat => &nic,
            };
            // The nat table comes before what counts here, and takes back what it did after it.
            let to = match redirect::coming(audit, &arrives, by) {
                _ if audit.host.is_director() => None,
                Served::Here => None,
                Served::Redirected { address, port, .. } => Some(Packet {
                    to: address.or(arrives.to),
                    port: Some(port),
                    ..arrives.clone()
                }),
                Served::Elsewhere(why) => {
                    findings.skip(audit.name(), &FIREWALL_VIP, &what, &why);
                    continue;
                }
                Served::Unknown(why) => {
                    findings.unknown(audit.name(), &FIREWALL_VIP, what, why);
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
                _ if audit.host.is_director() => vec![],
                None => vec![Leg::arrives(&arrives, by)],
                Some(to) => Leg::rewritten(&arrives, to, by).into(),
            };
            legs.push(answers);
            if service.mode == Mode::Tun && !audit.host.is_director() {
                legs.push(Leg::arrives(&outer, &nic));
            }
            judge(
                audit,
                &FIREWALL_VIP,
                &what,
                vip.is_ipv6(),
                legs,
                "",
                findings,
            );
        }
    }
}
