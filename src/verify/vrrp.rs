//! Which VRRP adverts reach a director: those of the one that serves, and of nobody else with the same VRID.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::fact::Section;
use crate::fact::address::{self, Addresses};
use crate::inventory::model::{Cluster, Host, VrrpInstance};
use crate::resource::ipvs::KEEPALIVED;
use crate::shell::heredoc;

use super::tally::{Fault, Tally};
use super::{Check, Seen};

/// A raw socket gets what passes the firewall, and only that; no packet is sent.
const LISTENER: &str = include_str!("vrrp.pl");

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
pub fn script(cluster: &Cluster, host: &Host) -> Option<String> {
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
pub fn takes_part(director: &Seen) -> bool {
    director.facts().unit.is_active(KEEPALIVED)
}

/// None where nothing on the host could listen.
pub fn listened(section: &Section) -> Option<Listened> {
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

/// Judges what directors heard, by name.
pub fn judge(
    cluster: &Cluster,
    seen: &[Seen],
    heard: &BTreeMap<String, Listened>,
    tally: &mut Tally,
) {
    for director in seen.iter().filter(|s| s.host.is_director()) {
        let Some(Listened { adverts, held }) = heard.get(director.name()) else {
            continue;
        };
        let known: BTreeSet<u8> = cluster.vrrp.iter().map(|v| v.virtual_router_id).collect();
        for (address, id) in adverts.iter().filter(|(_, id)| !known.contains(id)) {
            tally.note(
                director.name(),
                Check::VrrpForeign,
                format!("{address} speaks VRRP here too, with virtual_router_id {id}"),
            );
        }
        for instance in mine(cluster, director.host) {
            let id = instance.virtual_router_id;
            let member = |address: &IpAddr| instance.members.iter().any(|m| m.address == *address);
            // One id may be on several networks, and a raw socket does not tell by which an advert came.
            let known = |address: &IpAddr| {
                let same = cluster.vrrp.iter().filter(|v| v.virtual_router_id == id);
                let mut members = same.flat_map(|v| &v.members);
                members.any(|m| m.address == *address)
            };
            let serves = instance
                .vips
                .iter()
                .map(|vip| vip.address)
                .any(|vip| director.addresses().has(vip) || held.contains(&vip));
            let from: Vec<&IpAddr> = adverts
                .iter()
                .filter(|(_, v)| *v == id)
                .map(|(a, _)| a)
                .collect();
            let strangers: Vec<String> = from
                .iter()
                .filter(|address| !known(address))
                .map(ToString::to_string)
                .collect();
            let fault = (!strangers.is_empty()).then(|| {
                Fault::new(
                    format!("no adverts of others with virtual_router_id {id}"),
                    format!("adverts of {}", strangers.join(", ")),
                    "choose a `virtual_router_id` that nobody else on this network uses",
                )
            });
            tally.judge(
                director.name(),
                Check::VrrpForeign,
                instance.name.clone(),
                fault,
            );
            // One that serves hears nobody; one that does not, hears the one that does.
            let peers = from.iter().filter(|address| member(address)).count();
            // Where keepalived does not run, nobody has joined the group that adverts are sent to.
            if serves || !takes_part(director) || instance.advert_int * 2.2 > LONGEST {
                continue;
            }
            let fault = (peers == 0).then(|| {
                Fault::new(
                    format!("adverts of {} from the director that serves", instance.name),
                    "none",
                    "look at the firewalls of both directors and at the switch's multicast, or set `unicast: true`",
                )
            });
            tally.judge(
                director.name(),
                Check::VrrpAdverts,
                instance.name.clone(),
                fault,
            );
        }
    }
}
