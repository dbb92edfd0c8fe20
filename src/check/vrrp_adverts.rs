//! VRRP adverts that reach a director: only those of the master, and none of other senders with the same VRID.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::fact::Section;
use crate::fact::address::{self, Addresses};
use crate::model::{Cluster, Host, VrrpInstance};
use crate::resource::ipvs::KEEPALIVED;
use crate::shell::heredoc;

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::traffic::Traffic;
use super::{Cause, HostAudit};
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

/// Program that prints adverts from a raw socket, which receives exactly the packets that the packet filter accepts. Sends
/// nothing.
const LISTENER: &str = include_str!("vrrp_adverts.pl");

/// The longest that a director listens, in seconds.
const LONGEST: f64 = 8.0;

/// An advert, without the fields that are equal in all adverts of its sender.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Advert {
    pub from: IpAddr,
    pub id: u8,
    pub priority: u8,
    /// None in recordings of earlier releases.
    pub said: Option<Said>,
}

/// The fields of an advert besides sender and VRID.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub version: u8,
    /// In centiseconds.
    pub interval: u32,
    /// The authentication type of VRRPv2; 1 is a password.
    pub auth: u8,
    /// A checksum of the password, so that it can be compared without being shown.
    pub sum: u32,
    pub vips: BTreeSet<IpAddr>,
}

impl Advert {
    fn of(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let from = words.next()?.parse().ok()?;
        let id = words.next()?.parse().ok()?;
        let priority = words.next().map_or(Some(0), |word| word.parse().ok())?;
        let mut said = || {
            Some(Said {
                version: words.next()?.parse().ok()?,
                interval: words.next()?.parse().ok()?,
                auth: words.next()?.parse().ok()?,
                sum: words.next()?.parse().ok()?,
                vips: words
                    .next()?
                    .split(',')
                    .filter_map(|vip| vip.parse().ok())
                    .collect(),
            })
        };
        let said = said();
        Some(Self {
            from,
            id,
            priority,
            said,
        })
    }
}

/// What a director received while it listened.
#[derive(Debug, Default)]
pub struct Listened {
    /// In the order in which they came.
    pub(super) adverts: Vec<Advert>,
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

/// The script of a director during the clients' requests; None: it is a member of no VRRP instance over IPv4.
pub(super) fn script(cluster: &Cluster, host: &Host) -> Option<String> {
    let slowest = mine(cluster, host).map(|v| v.advert_int).reduce(f64::max)?;
    let seconds = (slowest * 2.2).min(LONGEST);
    let listen = heredoc(&format!("perl - {seconds:.1} 2>/dev/null"), LISTENER);
    // The held addresses before and after, since a director that takes over meanwhile receives no adverts.
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
        adverts: text.lines().filter_map(Advert::of).collect(),
        held: section
            .parts_of("held")
            .filter_map(|(_, text)| Addresses::of_json(text).ok())
            .flat_map(|addresses| addresses.held)
            .map(|held| held.address)
            .collect(),
    })
}

/// Directors that listened, each with what it received.
pub(super) fn listeners<'t>(
    traffic: &'t Traffic,
) -> impl Iterator<Item = (&'t HostAudit<'t>, &'t Listened)> {
    let directors = traffic
        .hosts
        .iter()
        .filter(|audit| audit.host.is_director());
    directors.filter_map(|director| Some((director, traffic.adverts.get(director.name())?)))
}

fn foreign(traffic: &Traffic, findings: &mut Findings) {
    let cluster = traffic.cluster;
    let ids: BTreeSet<u8> = cluster.vrrp.iter().map(|v| v.virtual_router_id).collect();
    let directors: BTreeSet<IpAddr> = cluster
        .vrrp
        .iter()
        .flat_map(|v| &v.members)
        .map(|m| m.address)
        .collect();
    for (director, Listened { adverts, .. }) in listeners(traffic) {
        let heard: BTreeSet<(IpAddr, u8)> = adverts
            .iter()
            .map(|advert| (advert.from, advert.id))
            .collect();
        // A director of the cluster that sends another VRID runs with another file: [`super::vrrp_running`].
        let others = heard
            .iter()
            .filter(|(from, id)| !ids.contains(id) && !directors.contains(from));
        for (address, id) in others {
            let text = format!(
                "{address} also sends VRRP adverts on this network, with virtual_router_id {id}"
            );
            findings.note(director.name(), &VRRP_FOREIGN, text);
        }
        for instance in mine(cluster, director.host) {
            let id = instance.virtual_router_id;
            // A VRID may be used in several networks, and a raw socket does not show the receiving interface.
            let same = cluster.vrrp.iter().filter(|v| v.virtual_router_id == id);
            let members: BTreeSet<IpAddr> = same
                .flat_map(|v| &v.members)
                .map(|member| member.address)
                .collect();
            let strangers: Vec<String> = heard
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
                .because(Some(Cause::VrrpSpeaker(id)))
            });
            findings.judge_read(
                director.name(),
                &VRRP_FOREIGN,
                instance.name.clone(),
                format!("{} speakers heard, all of ours", adverts.len()),
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
                .any(|advert| advert.id == instance.virtual_router_id && member(&advert.from));
            let mismatch = (!heard).then(|| {
                Mismatch::new(
                    format!("adverts of {} from the director that serves", instance.name),
                    "none",
                    VRRP_ADVERTS.fix,
                )
            });
            findings.judge_read(
                director.name(),
                &VRRP_ADVERTS,
                instance.name.clone(),
                "adverts of a member heard",
                mismatch,
            );
        }
    }
}
