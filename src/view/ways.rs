//! Routes of directors and real servers: gateways, and static neighbours.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::model::{ArpAnswer, Cluster, Host};

/// The default route of a real server: its answers go back by the gateway that the inventory has for it. With NAT that
/// is the director.
pub(super) fn gateways(host: &Host) -> Vec<Value> {
    let via = host.gateway.filter(|_| !host.is_director());
    let route = |via: IpAddr| {
        let to = if via.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
        let interface = host.facing(via).map_or(&host.interface, |nic| &nic.name);
        json!({ "to": to, "via": via, "interface": interface })
    };
    via.map(route).into_iter().collect()
}

/// Static neighbour entries of a gateway: each VIP at the hardware address of the director.
pub(super) fn neighbours(cluster: &Cluster, host: &Host) -> Vec<Value> {
    if cluster.arp != ArpAnswer::Neighbour || !host.has_role("router") {
        return Vec::new();
    }
    let vips = cluster.service_vips().into_iter();
    vips.filter_map(|vip| {
        let own = host.facing(vip)?;
        let theirs = cluster
            .directors()
            .flat_map(|h| &h.interfaces)
            .find(|i| i.network == own.network)?;
        let mac = theirs.mac.as_ref()?;
        Some(json!({ "address": vip, "lladdr": mac, "interface": own.name }))
    })
    .collect()
}
