//! The answers to the ARP problem that need something of the inventory.

use super::View;
use crate::inventory::model::ArpAnswer;
use crate::inventory::problem::{Fault, shown};

/// A static neighbour entry needs somebody who has it, and the hardware address that it names.
pub fn neighbours_are_known(view: View<'_>, faults: &mut Vec<Fault>) {
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
    for host in cluster.hosts.iter().filter(|h| h.is_director()) {
        if host.interfaces.iter().all(|i| i.mac.is_none()) {
            let interface = &host.interface;
            let fault = Fault::new(format!(
                "`arp: neighbour` needs the hardware address of {}",
                shown(&host.name)
            ))
            .help(format!(
                "write `interfaces: {{ {interface}: {{ address: {}, mac: 52:54:00:12:34:56 }} }}` with its own",
                host.address
            ));
            faults.push(view.at_key(&["hosts", &host.name], fault));
        }
    }
}
