//! Health checks through the packet filters of directors and real servers.

use std::net::IpAddr;

use super::clients::Clients;
use super::definition::{Check, Judge, packet_filter};
use super::findings::Findings;
use super::packet_path::{Leg, Path, judge};
use super::{HostAudit, flow, nat_rules};
use crate::model::{Cluster, Host, Protocol, RealServer, Service, Virtual};
use crate::view;

pub(super) static FIREWALL_HEALTH: Check = Check {
    id: "firewall-health",
    summary: "The packet filter of each director and each real server accepts health checks and their answers.",
    reason: "A director whose health checks get no answers takes the real server out. On a backup that shows at the next failover.",
    source: "iptables(8), nft(8), keepalived.conf(5)",
    fix: "delete the rule that the finding names, or insert one before it that accepts the packets",
    needs: packet_filter,
    judge: Judge::Host(checks),
};

fn checks(audit: &HostAudit, findings: &mut Findings) {
    for (service, rs) in checked(audit.cluster) {
        for port in ports(service, rs) {
            if audit.host.is_director() && rs.host != audit.host.name {
                of_director(audit, service, rs, port, findings);
            } else if !audit.host.is_director() && rs.host == audit.host.name {
                of_real_server(audit, service, rs, port, findings);
            }
        }
    }
}

/// Real servers whose health is checked over the network.
fn checked(cluster: &Cluster) -> impl Iterator<Item = (&Service, &RealServer)> {
    let services = cluster.services.iter().filter(|s| s.health_check.is_some());
    services.flat_map(|service| service.real_servers.iter().map(move |rs| (service, rs)))
}

/// TCP ports that the health checks of a real server test.
pub(super) fn ports(service: &Service, rs: &RealServer) -> Vec<u16> {
    if service.protocol == Protocol::Udp {
        return Vec::new();
    }
    let each = view::virtuals(service).into_iter();
    let mut all: Vec<u16> = each
        .filter(|to| match to {
            Virtual::Tcp(at) | Virtual::Udp(at) => at.is_ipv6() == rs.address.is_ipv6(),
            Virtual::Fwmark { v6, .. } => *v6 == rs.address.is_ipv6(),
        })
        .flat_map(|to| view::checked_ports(service, rs, to))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The source address of a director's health checks.
pub(super) fn asks_from(director: &Host, rip: IpAddr) -> Option<IpAddr> {
    let near = director.facing(rip).and_then(|nic| {
        let mut own = nic.addresses.iter().filter(|net| net.contains(&rip));
        own.next().map(ipnet::IpNet::addr)
    });
    near.or_else(|| {
        let mut own = director.addresses();
        own.find(|address| address.is_ipv4() == rip.is_ipv4())
    })
}

fn of_director(
    audit: &HostAudit,
    service: &Service,
    rs: &RealServer,
    port: u16,
    findings: &mut Findings,
) {
    let Some(from) = asks_from(audit.host, rs.address) else {
        return;
    };
    let [asks, answers] = flow::check(from, rs.address, port);
    let by = audit.toward(rs.address);
    let what = format!(
        "health checks of {} on {} ({} port {port})",
        service.name, rs.host, rs.address
    );
    let path = Path {
        what: what.clone(),
        v6: rs.address.is_ipv6(),
        legs: vec![Leg::leaves(&asks, &by), Leg::arrives(&answers, &by)],
        hint: "",
    };
    judge(audit, &FIREWALL_HEALTH, path, &Clients::default(), findings);
    nat_rules::keeps_its_way(audit, &FIREWALL_HEALTH, &asks, &by, &what, findings);
    nat_rules::keeps_its_sender(audit, &FIREWALL_HEALTH, &asks, &by, findings);
}

fn of_real_server(
    audit: &HostAudit,
    service: &Service,
    rs: &RealServer,
    port: u16,
    findings: &mut Findings,
) {
    let by = audit.receiving(rs.address);
    for director in audit.cluster.directors() {
        let Some(from) = asks_from(director, rs.address) else {
            continue;
        };
        let [asks, answers] = flow::check(from, rs.address, port);
        let path = Path {
            what: format!(
                "health checks of {} by {} ({from}) on port {port}",
                service.name, director.name
            ),
            v6: rs.address.is_ipv6(),
            legs: vec![Leg::arrives(&asks, &by), Leg::leaves(&answers, &by)],
            hint: "",
        };
        judge(audit, &FIREWALL_HEALTH, path, &Clients::default(), findings);
    }
}
