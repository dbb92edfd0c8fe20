//! ARP settings of real servers of DR: they do not answer for the VIP, and do not announce it.

use std::net::IpAddr;

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{Cause, HostAudit};
use crate::fact::Needs;
use crate::model::{ArpAnswer, Cluster, Host};

pub(super) static ARP_IGNORE: Check = Check {
    id: "arp-ignore",
    summary: "The effective `arp_ignore` (maximum of `all` and the interface) is 1 or 2, or 3 if the VIP has scope host.",
    reason: "A real server that replies to ARP requests for the VIP receives the packets of those clients, which bypass the director.",
    source: "ip-sysctl (kernel documentation), `arp_ignore`",
    fix: "`lvsctl apply` sets net.ipv4.conf.all.arp_ignore=1",
    needs,
    judge: Judge::Host(ignore),
};

pub(super) static ARP_ANNOUNCE: Check = Check {
    id: "arp-announce",
    summary: "The effective `arp_announce` (maximum of `all` and the interface) is 2.",
    reason: "A real server that sends ARP requests with the VIP as sender address makes its neighbours send packets for the VIP to it.",
    source: "ip-sysctl (kernel documentation), `arp_announce`",
    fix: "`lvsctl apply` sets net.ipv4.conf.all.arp_announce=2",
    needs,
    judge: Judge::Host(announce),
};

fn needs(_: &Cluster, _: &Host, needs: &mut Needs) {
    let sysctls = needs.sysctl.get_or_insert_default();
    sysctls.of_interfaces.extend(["arp_ignore", "arp_announce"]);
}

/// The pairs of interface and VIP for which the host must not send ARP.
fn silent(
    audit: &HostAudit,
    check: &'static Check,
    findings: &mut Findings,
) -> Vec<(String, IpAddr)> {
    if audit.cluster.arp != ArpAnswer::Sysctl {
        return Vec::new();
    }
    let held = audit.serves.vips().into_iter();
    let vips = held.map(|held| held.vip()).filter(IpAddr::is_ipv4);
    let all = vips.flat_map(|vip| {
        let facing = audit.facing(vip);
        facing.into_iter().map(move |interface| (interface, vip))
    });
    all.filter(|(interface, vip)| match audit.no_arp(interface) {
        Some(why) => {
            audit.leave_out(findings, check, &format!("{interface} {vip}"), &why);
            false
        }
        None => true,
    })
    .collect()
}

/// The effective value (the maximum of `all` and the interface's), and a text with both.
fn effective(audit: &HostAudit, interface: &str, name: &str) -> (Option<u8>, String) {
    let sysctls = &audit.facts().sysctl;
    let shown = |v: Option<u8>| v.map_or_else(|| "unknown".to_owned(), |v| v.to_string());
    let value = sysctls.larger(interface, name);
    let all = shown(sysctls.of_interface("all", name));
    let own = shown(sysctls.of_interface(interface, name));
    (
        value,
        format!("{} (all {all}, {interface} {own})", shown(value)),
    )
}

fn ignore(audit: &HostAudit, findings: &mut Findings) {
    for (interface, vip) in silent(audit, &ARP_IGNORE, findings) {
        let (value, found) = effective(audit, &interface, "arp_ignore");
        let mut scopes = audit.addresses().of(vip).map(|held| &held.scope);
        let host_scope = scopes.next().is_some_and(|s| s == "host") && scopes.all(|s| s == "host");
        let fine = match value {
            Some(1 | 2) => true,
            Some(3) => host_scope,
            _ => false,
        };
        let mismatch = (!fine).then(|| {
            // The fix changes the larger of the two, which is the effective one.
            let of_all = audit.facts().sysctl.of_interface("all", "arp_ignore") == value;
            let sysctl = if of_all {
                "net.ipv4.conf.all.arp_ignore".to_owned()
            } else {
                format!("net.ipv4.conf.{}.arp_ignore", interface.replace('.', "/"))
            };
            let change = if of_all {
                format!("`lvsctl apply`: it sets {sysctl}=1")
            } else {
                format!("`sysctl -w {sysctl}=0`, and remove it from the file that sets it at boot")
            };
            let fix = match value {
                Some(3) => format!("{change}; 3 is silent only about addresses of scope host"),
                Some(8) => format!("{change}; 8 silences the host's own address too"),
                _ => change,
            };
            let expected = format!("effective arp_ignore of {interface} 1 or 2");
            Mismatch::new(expected, found.clone(), fix).because(Some(Cause::Sysctl(sysctl)))
        });
        let what = format!("{interface} {vip}");
        findings.judge_read(audit.name(), &ARP_IGNORE, what, found, mismatch);
    }
}

fn announce(audit: &HostAudit, findings: &mut Findings) {
    for (interface, vip) in silent(audit, &ARP_ANNOUNCE, findings) {
        let (value, found) = effective(audit, &interface, "arp_announce");
        let mismatch = (value != Some(2)).then(|| {
            let sysctl = "net.ipv4.conf.all.arp_announce".to_owned();
            Mismatch::new(
                format!("effective arp_announce of {interface} 2"),
                found.clone(),
                format!("`lvsctl apply`: it sets {sysctl}=2"),
            )
            .because(Some(Cause::Sysctl(sysctl)))
        });
        let what = format!("{interface} {vip}");
        findings.judge_read(audit.name(), &ARP_ANNOUNCE, what, found, mismatch);
    }
}
