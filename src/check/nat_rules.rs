//! Rules that rewrite packets of a cluster: the destination of a request before IPVS sees it, the destination of a health
//! check, the sender of a packet that IPVS sends on and of an advert. Pure.

use std::net::IpAddr;

use super::clients::{Clients, Whom};
use super::definition::{Check, Judge, packet_filter};
use super::findings::{Findings, Mismatch};
use super::firewall::{By, Packet, Rewrite, Source, chain_rewrite};
use super::flow::{request, tracked};
use super::packet_path::{FOR_GOOD, of};
use super::{Cause, HostAudit};
use crate::fact::Needs;
use crate::model::{Cluster, Host, Mode, Service};

pub(super) static NAT_RULES: Check = Check {
    id: "nat-rules",
    summary: "No rule of a nat table rewrites the destination of requests before IPVS on the director gets them, or (DR and \
              TUN) their source after IPVS.",
    reason: "The nat table comes before IPVS: a request that DNAT or REDIRECT rewrites is no request for the VIP any more. On a backup such a rule shows at the next failover.",
    source: "iptables-extensions(8) DNAT, REDIRECT, MASQUERADE; net/netfilter/ipvs in the kernel for the hooks of IPVS",
    fix: "delete the rule that the finding names",
    needs,
    judge: Judge::Director(judge),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    packet_filter(cluster, host, needs);
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    for service in &audit.cluster.services {
        for vip in service.vips.iter().map(|vip| vip.address) {
            let clients = Clients::of(audit, service, vip.is_ipv6());
            for port in service.sampled_ports() {
                reaches_ipvs(audit, service, (vip, port), &clients, findings);
            }
        }
        if service.mode != Mode::Nat && tracked(audit) == Some(true) {
            keeps_clients(audit, service, findings);
        }
    }
}

/// The first rewrite of a packet by a chain of any nat table.
pub(super) fn rewritten(audit: &HostAudit, chain: &str, packet: &Packet) -> Option<Rewrite> {
    let firewall = &audit.facts().firewall;
    let v6 = packet.to.or(packet.from).is_some_and(|ip| ip.is_ipv6());
    let of_iptables = firewall
        .rules(v6)
        .into_iter()
        .find_map(|rules| rules.rewrite(chain, packet));
    let families: &[&str] = if v6 {
        &["ip6", "inet"]
    } else {
        &["ip", "inet"]
    };
    let hook = chain.to_lowercase();
    of_iptables.or_else(|| {
        let mut native = firewall.native_at(&hook, families);
        native.find_map(|(table, base)| chain_rewrite(table, base, packet))
    })
}

fn reaches_ipvs(
    audit: &HostAudit,
    service: &Service,
    (vip, port): (IpAddr, u16),
    clients: &Clients,
    findings: &mut Findings,
) {
    let what = format!("{} {vip} port {port}", service.name);
    let asked = request(service, vip, port);
    let mut taken: Vec<(By, bool, Vec<&Source>)> = Vec::new();
    for source in &clients.sources {
        for name in audit.toward(vip) {
            let packet = Packet {
                comes_in: Some(&name),
                ..of(&asked, source)
            };
            let (by, sure) = match rewritten(audit, "PREROUTING", &packet) {
                Some(Rewrite::Here { by, .. } | Rewrite::To { by, .. }) => (by, true),
                Some(Rewrite::Perhaps(by)) => (by, false),
                Some(Rewrite::From { .. }) | None => continue,
            };
            match taken.iter_mut().find(|(other, _, _)| *other == by) {
                Some((_, _, sources)) => sources.push(source),
                None => taken.push((by, sure, vec![source])),
            }
        }
    }
    if taken.is_empty() {
        let read = "no rule that rewrites them in the tables of iptables and nftables";
        return findings.pass_of(audit.name(), &NAT_RULES, what, read);
    }
    for (by, sure, sources) in taken {
        let whom = Whom::of(&by, &sources, clients.sources.len(), clients);
        let fault = Mismatch::new(
            format!(
                "requests of {what} to reach IPVS as they are{}",
                whom.words()
            ),
            if sure {
                format!("rewritten before it by {by}")
            } else {
                format!("some may be rewritten before it by {by}")
            },
            by.fix.clone() + FOR_GOOD,
        );
        let fault = if sure { fault } else { fault.warning() };
        let fault = fault.because(Some(Cause::Rule(by.to_string())));
        findings.fail(audit.name(), &NAT_RULES, what.clone(), fault);
    }
}

/// If IPVS packets are tracked, the nat table can rewrite forwarded packets; in DR and TUN they must keep the client's
/// address.
fn keeps_clients(audit: &HostAudit, service: &Service, findings: &mut Findings) {
    let Some(vip) = service.vips.first().map(|vip| vip.address) else {
        return;
    };
    let clients = Clients::of(audit, service, vip.is_ipv6());
    let Some((port, source)) = service
        .sampled_ports()
        .into_iter()
        .next()
        .zip(clients.sources.first())
    else {
        return;
    };
    for rs in service.backends().filter(|rs| rs.host != audit.host.name) {
        let what = format!("{} {vip} port {port} on to {}", service.name, rs.host);
        let mut by = audit.toward(rs.address).into_iter();
        let found = by.find_map(|name| {
            let packet = Packet {
                goes_out: Some(&name),
                ..of(&request(service, vip, port), source)
            };
            match rewritten(audit, "POSTROUTING", &packet) {
                Some(Rewrite::From { by, .. }) => Some(by),
                _ => None,
            }
        });
        let fault = found.map(|by| {
            let cause = Cause::Rule(by.to_string());
            Mismatch::new(
                format!("requests of {what} with the client's address"),
                format!("another sender, by {by}"),
                by.fix + FOR_GOOD,
            )
            .because(Some(cause))
        });
        findings.judge(audit.name(), &NAT_RULES, what, fault);
    }
}

/// A packet that a host sends from one of its addresses must keep its source address.
pub(super) fn keeps_its_sender(
    audit: &HostAudit,
    check: &'static Check,
    packet: &Packet,
    by: &[String],
    findings: &mut Findings,
) {
    for name in by {
        let leaves = Packet {
            goes_out: Some(name),
            ..packet.clone()
        };
        let Some(Rewrite::From {
            address: Some(address),
            by,
        }) = rewritten(audit, "POSTROUTING", &leaves)
        else {
            continue;
        };
        if Some(address) == packet.from {
            continue;
        }
        let (from, to) = (
            packet.from.map_or_else(String::new, |ip| ip.to_string()),
            packet.to,
        );
        let to = to.map_or_else(String::new, |ip| ip.to_string());
        let fault = Mismatch::new(
            format!("packets from {from} to {to} to leave with that sender"),
            format!("{address}, by {by}"),
            by.fix.clone() + FOR_GOOD,
        );
        let fault = fault.because(Some(Cause::Rule(by.to_string())));
        findings.fail(audit.name(), check, format!("{from} to {to}"), fault);
    }
}

/// A packet that a host sends to another host must keep its destination.
pub(super) fn keeps_its_way(
    audit: &HostAudit,
    check: &'static Check,
    packet: &Packet,
    by: &[String],
    what: &str,
    findings: &mut Findings,
) {
    for name in by {
        let leaves = Packet {
            goes_out: Some(name),
            ..packet.clone()
        };
        let by = match rewritten(audit, "OUTPUT", &leaves) {
            Some(Rewrite::Here { by, .. } | Rewrite::To { by, .. }) => by,
            _ => continue,
        };
        let fault = Mismatch::new(
            format!("{what} to go there"),
            format!("sent elsewhere by {by}"),
            by.fix.clone() + FOR_GOOD,
        );
        let fault = fault.because(Some(Cause::Rule(by.to_string())));
        findings.fail(audit.name(), check, what, fault);
    }
}
