//! Which VRRP adverts reach a director: those of the one that serves, and of no other sender with the same VRID.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::fact::Section;
use crate::fact::address::{self, Addresses};
use crate::model::{Cluster, Host, VrrpInstance};
use crate::resource::ipvs::KEEPALIVED;
use crate::shell::heredoc;

use super::HostAudit;
use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::traffic::Traffic;
use crate::fact::Needs;

pub(super) static VRRP_ADVERTS: Check = Check {
    id: "vrrp-adverts",
    summary: "A backup receives the IPv4 adverts of the master.",
    reason: "A backup that receives none takes over, and then two directors hold the VIPs.",
    source: "RFC 9568, section 6.4.2; RFC 3768, section 6.4.2",
    fix: "check the packet filters of both directors and the multicast settings of the switch, or set `unicast: true`",
    needs,
    judge: Judge::Traffic(received),
};

pub(super) static VRRP_FOREIGN: Check = Check {
    id: "vrrp-foreign",
    summary: "No other host sends IPv4 adverts with a VRID of this cluster; other VRIDs are notes.",
    reason: "A director treats such adverts as adverts of its peers: if their priority is higher, it becomes backup and gives the VIPs up; otherwise it logs each of them.",
    source: "RFC 9568, section 5.2.3",
    fix: "choose a `virtual_router_id` that no other VRRP router on this network uses",
    needs,
    judge: Judge::Traffic(foreign),
};

fn needs(_: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() {
        needs
            .unit
            .get_or_insert_default()
            .insert(KEEPALIVED.to_owned());
    }
}

/// A raw socket gets what passes the firewall, and only that; no packet is sent.
const LISTENER: &str = include_str!("vrrp_adverts.pl");

/// The longest that a director listens, in seconds.
const LONGEST: f64 = 8.0;

/// What a director received while it listened.
#[derive(Debug, Default)]
pub struct Listened {
    /// Sender and virtual_router_id of each advert.
    adverts: BTreeSet<(IpAddr, u8)>,
    /// The addresses that it held when it began or when it ended.
    held: BTreeSet<IpAddr>,
}

fn mine<'a>(cluster: &'a Cluster, host: &'a Host) -> impl Iterator<Item = &'a VrrpInstance> {
    cluster.vrrp.iter().filter(|v| {
        v.members
            .iter()
            .any(|m| m.host == host.name && m.address.is_ipv4())
    })
}

/// What a director runs while clients ask; none where it takes no part in VRRP.
pub(super) fn script(cluster: &Cluster, host: &Host) -> Option<String> {
    let slowest = mine(cluster, host).map(|v| v.advert_int).reduce(f64::max)?;
    let seconds = (slowest * 2.2).min(LONGEST);
    let listen = heredoc(&format!("perl - {seconds:.1} 2>/dev/null"), LISTENER);
    // The VIP may move while verify runs: a director that takes over receives no adverts of others.
    let held = address::COMMAND;
    Some(format!(
        "if have perl && perl -MSocket -e1 2>/dev/null; then\n\
         part held before\n{held}\npart adverts\n{listen}part held after\n{held}\nfi\n"
    ))
}

/// Whether keepalived runs on it.
pub(super) fn takes_part(director: &HostAudit) -> bool {
    director.facts().unit.is_active(KEEPALIVED)
}

/// None where nothing on the host could listen.
pub(super) fn listened(section: &Section) -> Option<Listened> {
    let text = section.part("adverts");
    text.lines().any(|line| line == "heard").then(|| Listened {
        adverts: text
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
            })
            .collect(),
        held: section
            .parts_of("held")
            .filter_map(|(_, text)| Addresses::of_json(text).ok())
            .flat_map(|addresses| addresses.held)
            .map(|held| held.address)
            .collect(),
    })
}

/// Directors that listened, each with what it received.
fn listeners<'t>(traffic: &'t Traffic) -> impl Iterator<Item = (&'t HostAudit<'t>, &'t Listened)> {
    let directors = traffic
        .hosts
        .iter()
        .filter(|audit| audit.host.is_director());
    directors.filter_map(|director| Some((director, traffic.adverts.get(director.name())?)))
}

fn foreign(traffic: &Traffic, findings: &mut Findings) {
    let cluster = traffic.cluster;
    let ids: BTreeSet<u8> = cluster.vrrp.iter().map(|v| v.virtual_router_id).collect();
    for (director, Listened { adverts, .. }) in listeners(traffic) {
        for (address, id) in adverts.iter().filter(|(_, id)| !ids.contains(id)) {
            let text = format!(
                "{address} also sends VRRP adverts on this network, with virtual_router_id {id}"
            );
            findings.note(director.name(), &VRRP_FOREIGN, text);
        }
        for instance in mine(cluster, director.host) {
            let id = instance.virtual_router_id;
            // One id may be on several networks, and a raw socket does not say by which an advert came.
            let same = cluster.vrrp.iter().filter(|v| v.virtual_router_id == id);
            let members: BTreeSet<IpAddr> = same
                .flat_map(|v| &v.members)
                .map(|member| member.address)
                .collect();
            let strangers: Vec<String> = adverts
                .iter()
                .filter(|(address, v)| *v == id && !members.contains(address))
                .map(|(address, _)| address.to_string())
                .collect();
            let mismatch = (!strangers.is_empty()).then(|| {
                Mismatch::new(
                    format!("no adverts of others with virtual_router_id {id}"),
                    format!("adverts of {}", strangers.join(", ")),
                    VRRP_FOREIGN.fix,
                )
            });
            findings.judge(
                director.name(),
                &VRRP_FOREIGN,
                instance.name.clone(),
                mismatch,
            );
        }
    }
}

/// A master receives no adverts of its peers; a backup receives those of the master.
fn received(traffic: &Traffic, findings: &mut Findings) {
    for (director, Listened { adverts, held }) in listeners(traffic) {
        for instance in mine(traffic.cluster, director.host) {
            let mut vips = instance.vips.iter().map(|vip| vip.address);
            let serves = vips.any(|vip| director.addresses().has(vip) || held.contains(&vip));
            // Where keepalived does not run, no process has joined the multicast group of the adverts.
            if serves || !takes_part(director) || instance.advert_int * 2.2 > LONGEST {
                continue;
            }
            let member = |address: &IpAddr| instance.members.iter().any(|m| m.address == *address);
            let heard = adverts
                .iter()
                .any(|(address, id)| *id == instance.virtual_router_id && member(address));
            let mismatch = (!heard).then(|| {
                Mismatch::new(
                    format!("adverts of {} from the director that serves", instance.name),
                    "none",
                    VRRP_ADVERTS.fix,
                )
            });
            findings.judge(
                director.name(),
                &VRRP_ADVERTS,
                instance.name.clone(),
                mismatch,
            );
        }
    }
}
