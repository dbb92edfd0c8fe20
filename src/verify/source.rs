//! From which address a host that holds a VIP speaks to the cluster's other hosts. From a VIP, answers of whoever holds it
//! too never arrive: a real server that is asked by its VIP answers itself. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::tally::{Fault, Tally};
use super::{Check, Seen};
use crate::inventory::model::{Cluster, Host};

/// Whom a host is asked about, each by name: who serves for a director, who directs for a real server, and directors for
/// each other.
pub fn asked(cluster: &Cluster, host: &Host) -> BTreeMap<IpAddr, String> {
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

pub fn check(seen: &Seen, tally: &mut Tally) {
    let vips = seen.cluster.all_vips();
    for (to, name) in asked(seen.cluster, seen.host) {
        let Some(source) = seen
            .facts()
            .route_to
            .get(to, None)
            .and_then(|route| route.source)
        else {
            continue;
        };
        let fault = vips.contains(&source).then(|| {
            Fault::new(
                format!("another source address than a VIP toward {name} ({to})"),
                format!("the VIP {source}"),
                fix(seen, source),
            )
        });
        tally.judge(seen.name(), Check::SourceAddress, name, fault);
    }
}

fn fix(seen: &Seen, vip: IpAddr) -> String {
    let held = seen.addresses().of(vip).next();
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
