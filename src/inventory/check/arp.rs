//! The answers to the ARP problem that need something of the inventory.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::View;
use crate::diagnostic::{Fault, shown};
use crate::model::{ArpAnswer, Interface};

/// A static neighbour entry needs a host that has it, and the hardware address that it names.
pub(super) fn neighbours_are_known(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    if cluster.arp != ArpAnswer::Neighbour {
        return;
    }
    if !cluster.hosts.iter().any(|h| h.has_role("router")) {
        let fault = Fault::new("`arp: neighbour`, but no host is the gateway that has the entry")
            .help("give the gateway the role `router`, or write `arp: sysctl`");
        faults.push(view.at(&["arp"], fault));
    }
    if !cluster.vrrp.is_empty() {
        let fault = Fault::new("`arp: neighbour` binds a VIP to one director, and VRRP moves it")
            .help("write `arp: sysctl`, or leave `vrrp` out");
        faults.push(view.at(&["arp"], fault));
    }
    let mut reported = BTreeSet::new();
    for vip in cluster.services.iter().flat_map(|s| &s.vips) {
        let Some(own) = facing_router(view, vip.address, faults).or_else(|| {
            cluster
                .directors()
                .find_map(|host| host.facing(vip.address))
        }) else {
            continue;
        };
        for host in cluster.directors() {
            let nic = host.interfaces.iter().find(|i| i.network == own.network);
            if nic.is_some_and(|nic| nic.mac.is_some()) || !reported.insert(&host.name) {
                continue;
            }
            let interface = nic.map_or(&host.interface, |nic| &nic.name);
            let address = nic
                .and_then(|nic| nic.addresses.first())
                .map_or(host.address, IpNet::addr);
            let fault = Fault::new(format!(
                "`arp: neighbour` needs the hardware address of {} in network {}",
                shown(&host.name),
                shown(&own.network)
            ))
            .help(format!(
                "write `interfaces: {{ {interface}: {{ address: {address}, mac: 52:54:00:12:34:56 }} }}` with its hardware address"
            ));
            faults.push(view.at_key(&["hosts", &host.name], fault));
        }
    }
}

/// The interface by which a router meets a VIP.
fn facing_router<'c>(
    view: View<'c>,
    vip: IpAddr,
    faults: &mut Vec<Fault>,
) -> Option<&'c Interface> {
    let mut routers = view
        .cluster
        .hosts
        .iter()
        .filter(|h| h.has_role("router"))
        .peekable();
    routers.peek()?;
    let found = routers.find_map(|host| host.facing(vip));
    if found.is_none() {
        let fault = Fault::new(format!(
            "`arp: neighbour`, but no router is in the network of VIP {vip}"
        ))
        .help("give the gateway an interface there, or write `arp: sysctl`");
        faults.push(view.at(&["arp"], fault));
    }
    found
}
