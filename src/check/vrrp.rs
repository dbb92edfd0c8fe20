//! VRRP instances in the directors' keepalived files: fields that must be equal on all members, and fields that must differ.

use std::collections::BTreeSet;

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{ClusterAudit, list};
use crate::fact::Needs;
use crate::keepalived::{self, CONFIGURATION, Instance};
use crate::model::{Cluster, Host};

pub(super) static VRRP_EQUAL: Check = Check {
    id: "vrrp-equal",
    summary: "Directors of an instance have the same VRID, interval, password, VIPs and transport (multicast or unicast).",
    reason: "A director discards adverts with a different VRID, a different password or, in VRRPv2, a different interval, and does not receive those of a different transport. Then both become master. If the lists of VIPs differ, VIPs are missing after a failover.",
    source: "RFC 3768, section 7.1 (VRRPv2, IPv4); RFC 9568, section 7.1 (VRRPv3, IPv6); keepalived.conf(5)",
    fix: "`lvsctl apply`",
    needs,
    judge: Judge::Cluster(all_equal),
};

pub(super) static VRRP_PRIORITY: Check = Check {
    id: "vrrp-priority",
    summary: "Directors of an instance have different priorities.",
    reason: "With equal priorities it is not determined which director becomes master; the first one stays master. If both become master, the one with the higher address stays.",
    source: "RFC 9568, section 6.4.3; RFC 3768, section 6.4.3",
    fix: "`lvsctl apply`; the priorities are `priority` of the hosts or of `vrrp.members`, by default in the order of the file",
    needs,
    judge: Judge::Cluster(priorities),
};

pub(super) static VRRP_ID: Check = Check {
    id: "vrrp-id",
    summary: "No two instances of one address family on an interface have the same VRID.",
    reason: "The directors of one instance take the adverts of the other instance for those of their peers, so only one of the two instances gets a master, and the VIPs of the other are on no director.",
    source: "RFC 9568, section 5.2.3",
    fix: "choose a different `virtual_router_id` in the inventory",
    needs,
    judge: Judge::Cluster(collisions),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() && cluster.keepalived {
        let files = needs.file.get_or_insert_default();
        files.insert(CONFIGURATION.to_owned());
    }
}

/// The instances of each director's file, by host.
fn instances<'a>(audit: &'a ClusterAudit) -> Vec<(&'a str, Vec<Instance>)> {
    let directors = audit.hosts.iter().filter(|audit| audit.host.is_director());
    directors
        .filter_map(|audit| {
            let file = audit.facts().file.get(CONFIGURATION)?;
            Some((audit.name(), keepalived::instances(&file.content)))
        })
        .collect()
}

/// Judges each instance that several directors have.
fn each_shared(audit: &ClusterAudit, mut judge: impl FnMut(&str, &[(&str, &Instance)])) {
    let files = instances(audit);
    let names: BTreeSet<&str> = files
        .iter()
        .flat_map(|(_, all)| all.iter().map(|i| i.name.as_str()))
        .collect();
    for name in names {
        let members: Vec<(&str, &Instance)> = files
            .iter()
            .filter_map(|(host, all)| Some((*host, all.iter().find(|i| i.name == name)?)))
            .collect();
        if members.len() > 1 {
            judge(name, &members);
        }
    }
}

fn all_equal(audit: &ClusterAudit, findings: &mut Findings) {
    each_shared(audit, |name, members| equal(name, members, findings));
}

fn priorities(audit: &ClusterAudit, findings: &mut Findings) {
    each_shared(audit, |name, members| distinct(name, members, findings));
}

fn equal(name: &str, members: &[(&str, &Instance)], findings: &mut Findings) {
    type Part = (&'static str, fn(&Instance) -> String);
    let parts: [Part; 5] = [
        ("virtual_router_id", |i| i.virtual_router_id.clone()),
        ("advert_int", |i| i.advert_int.clone()),
        ("authentication", |i| i.auth.join(" ")),
        ("virtual_ipaddress", |i| {
            i.vips.iter().cloned().collect::<Vec<_>>().join(" ")
        }),
        ("unicast_peer", |i| {
            if i.unicast { "unicast" } else { "multicast" }.to_owned()
        }),
    ];
    for (key, get) in parts {
        let values: Vec<(&str, String)> = members.iter().map(|(h, i)| (*h, get(i))).collect();
        let different: BTreeSet<&String> = values.iter().map(|(_, v)| v).collect();
        let fault = (different.len() > 1).then(|| {
            // A password is compared and not shown.
            let found = if key == "authentication" {
                "different ones".to_owned()
            } else {
                list(&values)
            };
            Mismatch::new(
                format!("the same {key} in {name} on all directors"),
                found,
                "`lvsctl apply`",
            )
        });
        let read = if key == "authentication" {
            "the same on all".to_owned()
        } else {
            list(&values)
        };
        findings.judge_read("", &VRRP_EQUAL, format!("{name} {key}"), read, fault);
    }
}

fn distinct(name: &str, members: &[(&str, &Instance)], findings: &mut Findings) {
    let values: Vec<(&str, String)> = members
        .iter()
        .map(|(host, i)| (*host, i.priority.clone()))
        .collect();
    let different: BTreeSet<&String> = values.iter().map(|(_, v)| v).collect();
    let fault = (different.len() < values.len()).then(|| {
        Mismatch::new(
            format!("a different priority for each director of {name}"),
            list(&values),
            "`lvsctl apply`; a host's `priority` in the inventory, or the order of the hosts, decides",
        )
    });
    findings.judge_read("", &VRRP_PRIORITY, name, list(&values), fault);
}

/// Two instances with the same VRID in one network segment accept each other's adverts.
fn collisions(audit: &ClusterAudit, findings: &mut Findings) {
    for (host, instances) in instances(audit) {
        let mut ids = BTreeSet::new();
        let twice = instances.iter().find(|i| {
            // VRRP for IPv4 and for IPv6 are independent (RFC 9568, 1).
            let v6 = i.vips.iter().any(|vip| vip.contains(':'));
            !ids.insert((i.virtual_router_id.as_str(), i.interface.as_str(), v6))
        });
        let fault = twice.map(|i| {
            Mismatch::new(
                "a different virtual_router_id for each instance on an interface",
                format!("{} twice on {}", i.virtual_router_id, i.interface),
                "choose another `virtual_router_id` in the inventory",
            )
        });
        let read: Vec<&str> = ids.iter().map(|(id, ..)| *id).collect();
        let read = format!("virtual_router_id {}", read.join(", "));
        findings.judge_read(host, &VRRP_ID, "virtual_router_id", read, fault);
    }
}
