//! Settings of the kernel that stop packets of the cluster: what a director answers by ARP, how far packets go, and how many
//! neighbours the kernel keeps. Pure.

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{Cause, HostAudit};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

pub(super) static DIRECTOR_ARP: Check = Check {
    id: "director-arp",
    summary: "A director answers ARP for its addresses: its effective `arp_ignore` is at most 3.",
    reason: "With 8 it answers for none: clients and routers do not find the VIP, on a backup from the next failover on.",
    source: "ip-sysctl (kernel documentation), `arp_ignore`",
    fix: "`sysctl -w net.ipv4.conf.all.arp_ignore=0`, and the same for the interface",
    needs: arp_needs,
    judge: Judge::Director(director_arp),
};

pub(super) static KERNEL_LIMITS: Check = Check {
    id: "kernel-limits",
    summary: "The default TTL is large enough for distant clients, and the neighbour table is large enough for all hosts.",
    reason: "A small TTL ends answers at a router on their way. A full table drops packets to new neighbours.",
    source: "ip-sysctl (kernel documentation) `ip_default_ttl`, `neigh/default/gc_thresh3`",
    fix: "`sysctl -w` with the value that the finding names, and the same in /etc/sysctl.d",
    needs: limits_needs,
    judge: Judge::Host(limits),
};

const TTL: &str = "/proc/sys/net/ipv4/ip_default_ttl";
const NEIGHBOURS: &str = "/proc/sys/net/ipv4/neigh/default/gc_thresh3";

fn concerns(cluster: &Cluster, host: &Host) -> bool {
    host.is_director() || cluster.serves(host)
}

fn arp_needs(_: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() {
        let sysctls = needs.sysctl.get_or_insert_default();
        sysctls.of_interfaces.insert("arp_ignore");
    }
}

fn limits_needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if concerns(cluster, host) {
        let sysctls = needs.sysctl.get_or_insert_default();
        let paths = [TTL, NEIGHBOURS].map(str::to_owned);
        sysctls.paths.extend(paths);
    }
}

fn director_arp(audit: &HostAudit, findings: &mut Findings) {
    for nic in &audit.host.interfaces {
        let name = nic.name.as_str();
        let Some(value) = audit.facts().sysctl.larger(name, "arp_ignore") else {
            continue;
        };
        let fault = (value > 3).then(|| {
            let own = audit.facts().sysctl.of_interface(name, "arp_ignore");
            let of = if own == Some(value) {
                name.replace('.', "/")
            } else {
                "all".to_owned()
            };
            let key = format!("net.ipv4.conf.{of}.arp_ignore");
            Mismatch::new(
                format!("effective arp_ignore of {name} at most 3"),
                format!("{value}, with which it answers for no address"),
                format!("`sysctl -w {key}=0`, and delete the line that sets another value at boot"),
            )
            .because(Some(Cause::Sysctl(key)))
        });
        findings.judge_read(audit.name(), &DIRECTOR_ARP, name, value.to_string(), fault);
    }
}

fn limits(audit: &HostAudit, findings: &mut Findings) {
    if !concerns(audit.cluster, audit.host) {
        return;
    }
    let number = |path: &str| audit.facts().sysctl.get(path)?.trim().parse::<u64>().ok();
    let neighbours = u64::try_from(audit.cluster.hosts.len()).unwrap_or(u64::MAX);
    let faults = [
        number(TTL).map(|ttl| ("ip_default_ttl", ttl_fault(ttl))),
        number(NEIGHBOURS).map(|most| ("gc_thresh3", neighbours_fault(most, neighbours))),
    ];
    for (what, fault) in faults.into_iter().flatten() {
        findings.judge(audit.name(), &KERNEL_LIMITS, what, fault);
    }
}

/// RFC 1700 recommends 64; routes over the Internet have up to about 30 routers.
fn ttl_fault(ttl: u64) -> Option<Mismatch> {
    (ttl < 32).then(|| {
        let key = "net.ipv4.ip_default_ttl";
        Mismatch::new(
            "a TTL of its packets of 32 or more, 64 is usual",
            ttl.to_string(),
            format!("`sysctl -w {key}=64`, and the same in /etc/sysctl.d"),
        )
        .because(Some(Cause::Sysctl(key.to_owned())))
    })
}

fn neighbours_fault(most: u64, hosts: u64) -> Option<Mismatch> {
    (most < hosts.saturating_mul(2).max(64)).then(|| {
        let key = "net.ipv4.neigh.default.gc_thresh3";
        Mismatch::new(
            "room for all neighbours, 1024 is usual",
            most.to_string(),
            format!("`sysctl -w {key}=1024`, and the same in /etc/sysctl.d"),
        )
        .because(Some(Cause::Sysctl(key.to_owned())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_stop_packets() {
        for (ttl, bad) in [
            (64, false),
            (255, false),
            (32, false),
            (1, true),
            (10, true),
        ] {
            assert_eq!(ttl_fault(ttl).is_some(), bad, "{ttl}");
        }
        for (most, hosts, bad) in [(1024, 5, false), (8, 5, true), (1024, 1000, true)] {
            assert_eq!(
                neighbours_fault(most, hosts).is_some(),
                bad,
                "{most} {hosts}"
            );
        }
    }
}
