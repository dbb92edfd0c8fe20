//! Listeners on real servers: a socket for each address and port that gets requests, and an answer to the host's own request.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::definition::{Check, Judge, nothing};
use super::end_to_end::{self, Replies};
use super::findings::{Findings, Mismatch};
use super::redirect::{self, Served};
use super::{HostAudit, flow, web_page};
use crate::fact::{Needs, Section};
use crate::model::topology::{Part, Serves};
use crate::model::{Cluster, Host, Mode, Protocol, Service};

pub static LISTENER: Check = Check {
    id: "listener",
    summary: "A program listens on each port of a service, on the address of incoming requests.",
    reason: "In DR and TUN requests arrive at the VIP and health checks at the RIP: a server that is bound to only one of them misses the others.",
    source: "ipvsadm(8), ss(8)",
    fix: "let the server listen on all addresses, or in DR and TUN on both the VIP (clients) and the RIP (health checks), in NAT on the RIP",
    needs,
    judge: Judge::Host(listens),
};

pub static OWN_ANSWER: Check = Check {
    id: "own-answer",
    summary: "A real server of a TCP service in DR or TUN responds to a request that it sends to the VIP itself.",
    reason: "A server can listen and not respond. The request never leaves the host, so this check tests only the server.",
    source: "curl(1)",
    fix: "check the server's log and the packet filter of the interface lo",
    needs: nothing,
    judge: Judge::Host(own_answer),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    let serves = Serves::of(cluster, host);
    let mut services = serves.services().peekable();
    if services.peek().is_some() {
        let listeners = needs.listener.get_or_insert_default();
        listeners.udp |= services.any(|service| service.protocol == Protocol::Udp);
    }
}

/// The probe section with the results of the host's own requests.
pub const SECTION: &str = "own-answer";

/// Whether services are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    Allowed,
    LeftOut,
}

/// Shell text of a further probe section: requests that a host sends to itself.
pub fn questions(cluster: &Cluster, host: &Host, asking: Asking) -> String {
    let own = match asking {
        Asking::Allowed => own_questions(cluster, host) + &web_page::question(cluster, host),
        Asking::LeftOut => String::new(),
    };
    if own.is_empty() {
        return own;
    }
    format!("section={SECTION}\n{}{own}", end_to_end::functions())
}

/// The replies to a host's own requests to VIPs that it holds.
pub fn answers(section: &Section) -> BTreeMap<SocketAddr, Replies> {
    let own = section.parts_of("own").filter_map(|(target, text)| {
        let (address, port) = target.rsplit_once(' ')?;
        let address = SocketAddr::new(address.parse().ok()?, port.parse().ok()?);
        Some((address, end_to_end::replies(text)))
    });
    own.collect()
}

/// Requests of a real server to a VIP that it holds, which it answers itself: they prove its listener and nothing else. A
/// director sends none, since its IPVS would forward them.
fn own_questions(cluster: &Cluster, host: &Host) -> String {
    let direct: Vec<&Service> = Serves::of(cluster, host)
        .services()
        .filter(|s| s.mode != Mode::Nat && s.protocol == Protocol::Tcp)
        .filter(|_| !host.is_director())
        .collect();
    if direct.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for service in direct {
        for vip in &service.vips {
            let vip = vip.address;
            let ports = service.known_ports().into_iter();
            let asks = ports.map(|port| {
                let ask = end_to_end::ask_once(service, vip, port);
                format!("part own {vip} {port}\n{ask}")
            });
            text.push_str(&where_held(vip, &asks.collect::<String>()));
        }
    }
    text
}

/// Sends requests only if the host holds the address; otherwise another host would answer.
pub(super) fn where_held(address: IpAddr, ask: &str) -> String {
    format!("case $(ip -o addr show to {address} 2>/dev/null) in ?*)\n{ask};; esac\n")
}

fn listens(audit: &HostAudit, findings: &mut Findings) {
    for part in audit.serves.parts() {
        listens_for(findings, audit, part);
    }
}

fn own_answer(audit: &HostAudit, findings: &mut Findings) {
    // IPVS would schedule a director's own request, and a remote real server could not answer it.
    if audit.host.is_director() {
        return;
    }
    for held in audit.serves.vips() {
        answers_itself(findings, audit, held.vip());
    }
}

/// Something listens on the service's ports, on an address that VIP traffic reaches.
fn listens_for(findings: &mut Findings, audit: &HostAudit, part: &Part) {
    let (sockets, word) = match part.service.protocol {
        Protocol::Tcp => (&audit.facts().listener.tcp, "tcp"),
        Protocol::Udp => (&audit.facts().listener.udp, "udp"),
    };
    for (address, port) in part.asked_at() {
        let at = SocketAddr::new(address, port);
        listens_on(findings, audit, part.service, at, (sockets, word));
    }
}

/// The listener must be on the port to which rules redirect requests. A missing listener is not a fault if the target is not
/// known, or if the host answers although none of its programs listens.
fn listens_on(
    findings: &mut Findings,
    audit: &HostAudit,
    service: &Service,
    at: SocketAddr,
    (sockets, word): (&BTreeSet<SocketAddr>, &str),
) {
    let host = &audit.host.name;
    let what = format!("{word} {at}");
    let served = comes_to(audit, service, at);
    let (address, port, by) = match &served {
        Served::Redirected { address, port, by } => (*address, *port, Some(by)),
        Served::Here | Served::Elsewhere(_) | Served::Unknown(_) => {
            (Some(at.ip()), at.port(), None)
        }
    };
    let on_port: Vec<&SocketAddr> = sockets.iter().filter(|s| s.port() == port).collect();
    let heard = on_port
        .iter()
        .any(|s| address.is_none_or(|address| hears(s.ip(), address)));
    if heard {
        let read: Vec<String> = on_port.iter().map(ToString::to_string).collect();
        let read = format!("{word} sockets on {}", read.join(", "));
        return findings.pass_of(host, &LISTENER, what, read);
    }
    match &served {
        Served::Elsewhere(why) => return findings.skip(host, &LISTENER, &what, why),
        Served::Unknown(why) => return findings.unknown(host, &LISTENER, what, why),
        Served::Here | Served::Redirected { .. } => {}
    }
    if audit.facts().listener.hidden {
        let why = "the host's /proc/net does not show its sockets";
        return findings.unknown(host, &LISTENER, what, why);
    }
    if audit.own.get(&at).is_some_and(answered) {
        let why = "nothing of the host's own listens there, and yet it answers: a redirect, a proxy or a container serves";
        return findings.skip(host, &LISTENER, &what, why);
    }
    let found = if on_port.is_empty() {
        "none".to_owned()
    } else {
        let all: Vec<String> = on_port.iter().map(ToString::to_string).collect();
        format!("one on {} alone", all.join(", "))
    };
    let (expected, fix) = match by {
        Some(by) => (
            format!("a {word} listener on port {port}, to which {by} redirects requests to {at}"),
            format!(
                "start the server of {} on {host}, or take that rule away",
                service.name
            ),
        ),
        None => (
            format!("a {word} listener for {at}"),
            format!(
                "start the server of {} on {host}, listening on all addresses",
                service.name
            ),
        ),
    };
    let fault = Mismatch::new(expected, found, fix);
    findings.judge(host, &LISTENER, what, Some(fault));
}

fn answered(replies: &Replies) -> bool {
    match replies {
        Replies::NoTool => false,
        Replies::Came(all) => all.first().is_some_and(|reply| reply.status.is_some()),
    }
}

/// The listener of a service's requests that reach a real server from outside.
fn comes_to(audit: &HostAudit, service: &Service, at: SocketAddr) -> Served {
    let home = [service.mode.home(at.ip()).to_owned()];
    let own = service.backends_on(&audit.host.name).next();
    let toward = own.map(|rs| audit.toward(rs.address));
    let nic = toward.unwrap_or_default();
    let by = if service.mode == Mode::Tun {
        &home[..]
    } else {
        &nic
    };
    redirect::coming(audit, &flow::request(service, at.ip(), at.port()), by)
}

/// Whether a socket bound to one address receives packets for another.
pub(super) fn hears(bound: IpAddr, address: IpAddr) -> bool {
    match bound {
        IpAddr::V4(v4) => address.is_ipv4() && (v4.is_unspecified() || bound == address),
        IpAddr::V6(v6) if v6.is_unspecified() => true,
        IpAddr::V6(v6) => bound == address || v6.to_ipv4_mapped().map(IpAddr::V4) == Some(address),
    }
}

/// A host's own requests do not reach the same listener as those of clients; with the reason.
enum NotAsClients {
    Known(String),
    Perhaps(String),
}

/// Why the host's own request proves nothing: rules redirect requests of clients, but not this one.
fn not_as_clients(audit: &HostAudit, at: SocketAddr) -> Option<NotAsClients> {
    let service = audit.serves.services().find(|service| {
        let vips = service.vips.iter().any(|vip| vip.address == at.ip());
        vips && service.known_ports().contains(&at.port())
    })?;
    let coming = comes_to(audit, service, at);
    let own = redirect::own(audit, &flow::request(service, at.ip(), at.port()));
    let target = |served: &Served| match served {
        Served::Redirected { address, port, .. } => Some((*address, *port)),
        Served::Here | Served::Elsewhere(_) | Served::Unknown(_) => None,
    };
    match &coming {
        Served::Here => None,
        Served::Elsewhere(why) => Some(NotAsClients::Known(why.clone())),
        Served::Unknown(why) => Some(NotAsClients::Perhaps(why.clone())),
        Served::Redirected { .. } if target(&coming) == target(&own) => None,
        Served::Redirected { by, .. } => Some(NotAsClients::Known(format!(
            "clients are redirected by {by}, and the host's own question is not"
        ))),
    }
}

/// The host's own request to the VIP never leaves the host, so it proves only the listener. It is not sent if the host does
/// not hold the VIP, which is drift.
fn answers_itself(findings: &mut Findings, audit: &HostAudit, vip: IpAddr) {
    let host = &audit.host.name;
    for (address, replies) in audit.own.iter().filter(|(a, _)| a.ip() == vip) {
        let what = format!("{address} (listener only)");
        match replies {
            Replies::NoTool => findings.unknown(
                host,
                &OWN_ANSWER,
                format!("the host's answer on {address} was not looked at"),
                "neither curl nor bash is there",
            ),
            Replies::Came(all) => {
                let reply = all.first();
                if !answered(replies)
                    && let Some(why) = not_as_clients(audit, *address)
                {
                    match why {
                        NotAsClients::Known(why) => {
                            findings.skip(host, &OWN_ANSWER, &what, &why);
                        }
                        NotAsClients::Perhaps(why) => {
                            findings.unknown(host, &OWN_ANSWER, what, why);
                        }
                    }
                    continue;
                }
                let fault = reply.is_none_or(|r| r.status.is_none()).then(|| {
                    Mismatch::new(
                        format!("its server to answer on {address} (asked from the host itself: listener only)"),
                        reply.map_or_else(|| "nothing".to_owned(), |r| r.error.clone()),
                        "see the server's log, and what its firewall does on lo",
                    )
                });
                let status = reply.and_then(|r| r.status).unwrap_or_default();
                let read = format!("status {status} (1: a connection)");
                findings.judge_read(host, &OWN_ANSWER, what, read, fault);
            }
        }
    }
}
