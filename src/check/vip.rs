//! The places of VIPs: on one director, on the loopback or tunnel interface of real servers, and nowhere else.

use std::net::IpAddr;

use super::definition::{Check, Judge, nothing};
use super::findings::{Findings, Mismatch};
use super::{Cause, ClusterAudit, HostAudit, running, vrrp_adverts};
use crate::fact::Needs;
use crate::model::{Cluster, Host, topology};
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager;

pub(super) static VIP_ONLY_ON_LO: Check = Check {
    id: "vip-only-on-lo",
    summary: "A real server of DR or TUN has the VIP only on its loopback or tunnel interface (a director also on its NIC).",
    reason: "A host replies to ARP requests and neighbour solicitations for an address on its NIC; clients then bypass the director.",
    source: "ip-sysctl (kernel documentation), `arp_ignore`",
    fix: "`ip addr del VIP/PREFIX dev INTERFACE`, and delete it from the configuration that sets it at boot",
    needs: nothing,
    judge: Judge::Host(only_at_home),
};

pub(super) static VIP_NOT_HELD: Check = Check {
    id: "vip-not-held",
    summary: "Only directors, and real servers of DR and TUN, have the VIP.",
    reason: "A host with the VIP accepts packets for it, replies to clients itself, and may announce the VIP.",
    source: "ip-address(8)",
    fix: "`ip addr del VIP/PREFIX dev INTERFACE`",
    needs: nothing,
    judge: Judge::Host(not_held),
};

pub(super) static VIP_ROUTE_LOCAL: Check = Check {
    id: "vip-route-local",
    summary: "A real server's kernel delivers packets for the VIP locally.",
    reason: "Without a local route, the kernel forwards or drops the packets from the director.",
    source: "ip-route(8), ip-rule(8)",
    fix: "`ip route add local VIP dev INTERFACE table local`; check for `ip rule` entries and routes that override the local table",
    needs: routes,
    judge: Judge::Host(local),
};

pub(super) static VIP_HOLDER: Check = Check {
    id: "vip-holder",
    summary: "Each VIP is on exactly one director.",
    reason: "A VIP on no director serves no client. With a VIP on two directors each client reaches one of them, and connections break.",
    source: "RFC 9568, keepalived.conf(5)",
    fix: "`lvsctl apply`; if keepalived runs on both directors, check whether adverts pass between them",
    needs: nothing,
    judge: Judge::Cluster(holders),
};

fn routes(cluster: &Cluster, _: &Host, needs: &mut Needs) {
    let vips = cluster.service_vips().into_iter();
    needs
        .route_to
        .get_or_insert_default()
        .extend(vips.map(|vip| (vip, None)));
}

/// A real server must hold the VIP only on its loopback or tunnel interface: on a NIC it would be announced whatever the ARP
/// settings are.
fn only_at_home(audit: &HostAudit, findings: &mut Findings) {
    for held in audit.serves.vips() {
        only_at(findings, audit, held.vip(), held.interface);
    }
}

fn only_at(findings: &mut Findings, audit: &HostAudit, vip: IpAddr, home: &str) {
    let host = &audit.host.name;
    let nic = audit
        .host
        .is_director()
        .then(|| topology::interface_of_vip(audit.cluster, audit.host, vip));
    let others: Vec<_> = audit
        .addresses()
        .of(vip)
        .filter(|held| held.interface != home && Some(held.interface.as_str()) != nic)
        .collect();
    let fault = (!others.is_empty()).then(|| {
        let found: Vec<&str> = others.iter().map(|held| held.interface.as_str()).collect();
        let fix: Vec<String> = others
            .iter()
            .map(|h| format!("`ip addr del {vip}/{} dev {}`", h.prefix, h.interface))
            .collect();
        Mismatch::new(
            match nic {
                Some(nic) => format!("{vip} on {home} and {nic}, and on no other interface"),
                None => format!("{vip} on {home} and on no other interface"),
            },
            format!("also on {}", found.join(", ")),
            format!(
                "{}, and remove it from the configuration that sets it at boot",
                fix.join(", ")
            ),
        )
    });
    let fault = fault.map(|fault| fault.of_vip(vip).because(Some(Cause::Vip(vip))));
    let read: Vec<&str> = audit
        .addresses()
        .of(vip)
        .map(|held| held.interface.as_str())
        .collect();
    let read = format!("on {}", read.join(", "));
    findings.judge_read(host, &VIP_ONLY_ON_LO, vip.to_string(), read, fault);
}

/// A host that does not serve a VIP must not hold it: a real server of NAT services or of other VIPs, a client. Directors are
/// not judged here.
fn not_held(audit: &HostAudit, findings: &mut Findings) {
    if audit.host.is_director() {
        return;
    }
    let held = audit.serves.vips();
    let others = audit.cluster.service_vips().into_iter();
    for vip in others.filter(|vip| !held.iter().any(|held| held.vip() == *vip)) {
        nowhere(findings, audit, vip);
    }
}

fn nowhere(findings: &mut Findings, audit: &HostAudit, vip: IpAddr) {
    let held = audit.facts().address.of(vip).next();
    let fault = held.map(|held| {
        Mismatch::new(
            format!("{vip} on no interface, because no service needs it on this host"),
            format!("on {}", held.interface),
            format!("`ip addr del {vip}/{} dev {}`", held.prefix, held.interface),
        )
    });
    let fault = fault.map(|fault| fault.of_vip(vip).because(Some(Cause::Vip(vip))));
    let read = "on no interface";
    findings.judge_read(
        &audit.host.name,
        &VIP_NOT_HELD,
        vip.to_string(),
        read,
        fault,
    );
}

fn local(audit: &HostAudit, findings: &mut Findings) {
    for held in audit.serves.vips() {
        // One that it does not hold at all is drift.
        if audit.addresses().has(held.vip()) {
            is_local(findings, audit, held.vip(), held.interface);
        }
    }
}

fn is_local(findings: &mut Findings, audit: &HostAudit, vip: IpAddr, home: &str) {
    let route = audit.facts().route_to.get(vip, None);
    let local = route.is_some_and(|r| r.kind.as_deref() == Some("local"));
    let fault = (!local).then(|| {
        let found = match route {
            Some(r) => format!("one by {}", r.interface.as_deref().unwrap_or("no interface")),
            None => "none".to_owned(),
        };
        Mismatch::new(
            format!("a local route to {vip} (`ip route get {vip}`)"),
            found,
            format!("`ip route add local {vip} dev {home} table local` where that table lacks it; `ip rule show` for rules that come before it"),
        )
    });
    let fault = fault.map(|fault| fault.of_vip(vip).because(Some(Cause::Vip(vip))));
    let read = "a local route";
    findings.judge_read(
        &audit.host.name,
        &VIP_ROUTE_LOCAL,
        vip.to_string(),
        read,
        fault,
    );
}

fn holders(audit: &ClusterAudit, findings: &mut Findings) {
    let (cluster, hosts) = (audit.cluster, audit.hosts);
    let directors = cluster.hosts.iter().filter(|h| h.is_director()).count();
    let answered = hosts.iter().filter(|s| s.host.is_director()).count();
    if directors == 0 || answered < directors {
        return;
    }
    for vip in cluster.all_vips() {
        let holding: Vec<&HostAudit> = hosts
            .iter()
            .filter(|s| s.host.is_director() && holds(s, vip))
            .collect();
        let holders: Vec<&str> = holding.iter().map(|s| s.name()).collect();
        let mismatch = (holders.len() != 1).then(|| {
            let expected = "on exactly one director";
            if !holders.is_empty() {
                let found = format!("on {}", holders.join(" and "));
                return Mismatch::new(expected, found, one_too_many(&holding, vip));
            }
            let start = "`lvsctl apply`, or `lvsctl start` where a director was stopped";
            let fix = if cluster.keepalived {
                let log = service_manager::where_it_logs(KEEPALIVED);
                format!("{start}; where keepalived runs, for why it is no master see {log}")
            } else {
                start.to_owned()
            };
            Mismatch::new(expected, "on none", fix)
        });
        let mismatch = mismatch.map(|mismatch| {
            let mismatch = mismatch.of_vip(vip);
            holders.iter().fold(mismatch, |m, host| m.points_at(host))
        });
        let read = format!("on {}", holders.join(" and "));
        // If keepalived on one of these directors is broken, that is the cause.
        let among = if holding.is_empty() {
            directors_of(hosts)
        } else {
            holding
        };
        let broken = among
            .into_iter()
            .find(|s| running::keepalived::broken(s).is_some());
        let (host, mismatch) = match (broken, mismatch) {
            (Some(broken), Some(mismatch)) => {
                let cause = Cause::Unit(KEEPALIVED.to_owned());
                (broken.name(), Some(mismatch.because(Some(cause))))
            }
            (_, mismatch) => ("", mismatch),
        };
        findings.judge_read(host, &VIP_HOLDER, format!("VIP {vip}"), read, mismatch);
    }
}

fn directors_of<'a>(hosts: &'a [HostAudit]) -> Vec<&'a HostAudit<'a>> {
    hosts.iter().filter(|s| s.host.is_director()).collect()
}

/// The fix for a VIP on several directors: where keepalived does not run, the VIP was set by hand; otherwise the directors do
/// not receive each other's adverts.
fn one_too_many(holding: &[&HostAudit], vip: IpAddr) -> String {
    let by_hand = holding.iter().filter(|s| !vrrp_adverts::takes_part(s));
    let take_off: Vec<String> = by_hand
        .flat_map(|s| s.addresses().of(vip).map(move |held| (s.name(), held)))
        .map(|(host, held)| {
            let (prefix, interface) = (held.prefix, &held.interface);
            format!("`ip addr del {vip}/{prefix} dev {interface}` on {host}, where keepalived does not run")
        })
        .collect();
    if take_off.is_empty() {
        "see whether VRRP adverts pass between the directors (firewall, switch, VRID, auth_pass)"
            .to_owned()
    } else {
        format!("{}; then `lvsctl apply`", take_off.join("; "))
    }
}

pub(super) fn holds(audit: &HostAudit, vip: IpAddr) -> bool {
    audit.addresses().has(vip)
}
