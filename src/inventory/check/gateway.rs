//! The ways by which real servers answer: past the directors with DR and TUN, through them with NAT.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::View;
use crate::inventory::model::Mode;
use crate::inventory::problem::{Fault, shown};
use crate::inventory::resolve::serving;

/// With DR and TUN, answers come from the VIP, which a director that has it drops as coming from outside with an address
/// of its own ("martian source").
pub fn past_directors(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let serving = serving(&cluster.services, |s| s.mode != Mode::Nat);
    for host in cluster.hosts.iter().filter(|h| !h.is_director()) {
        let Some(gateway) = host.gateway.filter(|g| cluster.is_through_a_director(*g)) else {
            continue;
        };
        if !serving.contains(host.name.as_str()) {
            continue;
        }
        let fault = Fault::new(format!(
            "{} answers from the VIP, and its gateway {gateway} is a director, which drops such packets",
            shown(&host.name)
        ))
        .help("make its `gateway` a router that is no director; services of `nat` need real servers of their own")
        .warning();
        faults.push(view.at(&["hosts", &host.name, "gateway"], fault));
    }
}

/// With NAT, answers must come back through the director.
pub fn through_directors(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let own: BTreeSet<IpAddr> = cluster.director_addresses().collect();
    let mut through: BTreeSet<IpAddr> = cluster.floating_vips().collect();
    // An address of one director is no way back when another serves.
    let several = cluster.hosts.iter().filter(|h| h.is_director()).count() > 1;
    if !several {
        through.extend(&own);
    }
    let nat = || cluster.services.iter().filter(|s| s.mode == Mode::Nat);
    for host in cluster.hosts.iter().filter(|h| !h.is_director()) {
        let mine = || nat().flat_map(|s| s.backends_on(&host.name));
        let Some(real) = mine().find(|rs| {
            let back = |g: &IpAddr| through.contains(g) && g.is_ipv4() == rs.address.is_ipv4();
            !host.gateway.as_ref().is_some_and(back)
        }) else {
            continue;
        };
        let message = match host.gateway {
            Some(gateway) if gateway.is_ipv4() != real.address.is_ipv4() => format!(
                "with NAT, {} must answer through a director from {} too, and its only gateway is {gateway}",
                shown(&host.name),
                real.address
            ),
            Some(gateway) if own.contains(&gateway) => format!(
                "with NAT, {} must answer through the director that serves, not always through {gateway}",
                shown(&host.name)
            ),
            Some(gateway) => format!(
                "with NAT, {} must answer through a director, not through {gateway}",
                shown(&host.name)
            ),
            None => format!(
                "with NAT, {} must answer through a director, but has no gateway",
                shown(&host.name)
            ),
        };
        let fault = Fault::new(message)
            .help(if several {
                "make its `gateway` a VIP in its network, which `vrrp` moves with the service's"
            } else {
                "make its `gateway` the director's address in its network, or a VIP there"
            })
            .warning();
        faults.push(view.at(&["hosts", &host.name, "gateway"], fault));
    }
}
