//! The source address of packets from a host with a VIP to the cluster's other hosts. It must not be the VIP: a peer that
//! holds the same VIP delivers its replies locally, so that they never arrive. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::HostAudit;
use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

pub(super) static SOURCE_ADDRESS: Check = Check {
    id: "source-address",
    summary: "Directors and real servers do not use a VIP as the source address of packets to each other.",
    reason: "A real server of DR or TUN holds the VIP too, so its reply to a packet from the VIP never leaves it. Health checks that a director sends from the VIP fail, and all real servers are taken out.",
    source: "RFC 6724, section 5; ip-address(8) `preferred_lft`",
    fix: "`lvsctl apply`, which sets `preferred_lft 0` on IPv6 VIPs; otherwise give the host an address that source address selection prefers",
    needs,
    judge: Judge::Host(judge),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    let to = asked(cluster, host).into_keys();
    needs
        .route_to
        .get_or_insert_default()
        .extend(to.map(|to| (to, None)));
}

/// The destinations to judge, each with its name: real servers for a director, directors for a real server, and the other
/// directors.
fn asked(cluster: &Cluster, host: &Host) -> BTreeMap<IpAddr, String> {
    let mut all = BTreeMap::new();
    if !(host.is_director() || cluster.serves(host)) {
        return all;
    }
    let vips = cluster.all_vips();
    let others = cluster.hosts.iter().filter(|other| other.name != host.name);
    for other in others.filter(|other| other.is_director() || cluster.serves(other)) {
        if !host.is_director() && !other.is_director() {
            continue;
        }
        let near = |address: &IpAddr| host.facing(*address).is_some();
        for address in other
            .addresses()
            .filter(near)
            .filter(|address| !vips.contains(address))
        {
            all.insert(address, other.name.clone());
        }
    }
    all
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let vips = audit.cluster.all_vips();
    for (to, name) in asked(audit.cluster, audit.host) {
        let Some(source) = audit
            .facts()
            .route_to
            .get(to, None)
            .and_then(|route| route.source)
        else {
            continue;
        };
        let fault = vips.contains(&source).then(|| {
            Mismatch::new(
                format!("another source address than a VIP toward {name} ({to})"),
                format!("the VIP {source}"),
                fix(audit, source),
            )
        });
        let read = format!("source {source} toward {to}");
        findings.judge_read(audit.name(), &SOURCE_ADDRESS, name, read, fault);
    }
}

fn fix(audit: &HostAudit, vip: IpAddr) -> String {
    let held = audit.addresses().of(vip).next();
    match held {
        Some(held) if vip.is_ipv6() && held.preferred => format!(
            "`lvsctl apply`, or `ip addr change {vip}/{} dev {} preferred_lft 0 nodad`",
            held.prefix, held.interface
        ),
        Some(held) => format!(
            "see that {} has an address of the host beside the VIP, and had it before; a VIP without a prefix length in the \
             inventory is never chosen beside another address",
            held.interface
        ),
        None => "see `ip route` for a route with `src` of the VIP".to_owned(),
    }
}
