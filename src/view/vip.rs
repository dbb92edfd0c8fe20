//! Who holds a VIP, on which interface, and what keeps a real server silent about it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

use super::served::Part;
use crate::model::{ArpAnswer, Cluster, Host, Mode};

/// VIPs that a real server itself must hold: it gets packets for them.
pub(super) fn real_vips(served: &[Part]) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mine = served.iter().map(|part| part.service);
    let mine = mine.filter(|service| service.mode != Mode::Nat);
    mine.flat_map(|service| {
        service
            .vips
            .iter()
            .map(move |vip| (vip.address, service.mode))
    })
    .filter(|(address, _)| seen.insert(*address))
    .enumerate()
    .map(|(index, (address, mode))| {
        let interface = mode.home(address);
        let prefix = if address.is_ipv6() { 128 } else { 32 };
        json!({
            "address": format!("{address}/{prefix}"), "interface": interface, "route": address.is_ipv4(),
            "label": label(address, interface, index),
        })
    })
    .collect()
}

/// As old tools show an address. Only IPv4 addresses have one, of at most 15 characters (IFNAMSIZ, netdevice(7)).
fn label(address: IpAddr, interface: &str, index: usize) -> Option<String> {
    let label = format!("{interface}:{index}");
    (address.is_ipv4() && label.len() <= 15).then_some(label)
}

/// IPv4 VIPs that a real server itself holds.
fn held_v4(served: &[Part]) -> BTreeSet<Ipv4Addr> {
    let mine = served.iter().map(|part| part.service);
    let mine = mine.filter(|service| service.mode != Mode::Nat);
    let vips = mine.flat_map(|s| &s.vips).map(|vip| vip.address);
    vips.filter_map(|vip| match vip {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    })
    .collect()
}

/// Whether arp_ignore and arp_announce are what keeps a host from speaking for a VIP.
pub(super) fn silent(cluster: &Cluster, served: &[Part]) -> bool {
    cluster.arp == ArpAnswer::Sysctl && !held_v4(served).is_empty()
}

/// Rules that keep a host from speaking for a VIP, where they are chosen. A director is who speaks for it.
pub(super) fn arp_rules(cluster: &Cluster, host: &Host, served: &[Part]) -> Vec<Value> {
    if cluster.arp != ArpAnswer::Arptables || host.is_director() {
        return Vec::new();
    }
    let vips = held_v4(served).into_iter();
    vips.map(|vip| json!({ "vip": vip, "rip": host.address }))
        .collect()
}

/// Interfaces that bring tunnelled packets to a real server, each with the module that makes it.
pub(super) fn tunnels(served: &[Part]) -> Vec<Value> {
    let families: BTreeSet<bool> = served
        .iter()
        .map(|part| part.service)
        .filter(|service| service.mode == Mode::Tun)
        .flat_map(|s| &s.vips)
        .map(|vip| vip.address.is_ipv6())
        .collect();
    families
        .into_iter()
        .map(|v6| {
            let (name, module) = if v6 {
                ("ip6tnl0", "ip6_tunnel")
            } else {
                ("tunl0", "ipip")
            };
            json!({ "name": name, "module": module, "v6": v6 })
        })
        .collect()
}

/// VIPs that a director holds where nobody moves them, each on the interface of its network.
pub(super) fn director_vips(cluster: &Cluster, host: &Host) -> Vec<Value> {
    if !cluster.vrrp.is_empty() {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    cluster
        .services
        .iter()
        .flat_map(|service| &service.vips)
        .filter(|vip| seen.insert(vip.address))
        .enumerate()
        .map(|(index, vip)| {
            let facing = host.facing(vip.address);
            let interface = facing.map_or(&host.interface, |nic| &nic.name);
            json!({
                "address": format!("{}/{}", vip.address, vip.prefix), "interface": interface,
                "label": label(vip.address, interface, index),
            })
        })
        .collect()
}

/// IPv6 VIPs that keepalived holds on a director while it is master.
pub(super) fn moving_vips(cluster: &Cluster, host: &Host) -> Vec<Value> {
    let mut all = Vec::new();
    for instance in &cluster.vrrp {
        let Some(me) = instance.members.iter().find(|m| m.host == host.name) else {
            continue;
        };
        let vips = instance.vips.iter();
        all.extend(vips.filter(|vip| vip.address.is_ipv6()).map(|vip| {
            let facing = host.facing(vip.address);
            let interface = facing.map_or(&me.interface, |nic| &nic.name);
            json!({ "address": format!("{}/{}", vip.address, vip.prefix), "interface": interface })
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::served::Served;
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    #[test]
    fn a_label_is_no_longer_than_the_kernel_takes() {
        let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for (interface, index, want) in [
            ("lo", 0, Some("lo:0")),
            ("enp129s0f0.12", 9, Some("enp129s0f0.12:9")),
            ("enp129s0f0.12", 10, None),
        ] {
            assert_eq!(label(v4, interface, index).as_deref(), want);
        }
    }

    #[test]
    fn a_director_speaks_for_its_vip_even_as_a_real_server() {
        let text = "cluster: t\nnetworks: 10.0.0.0/24\narp: arptables\nhosts:\n  \
                    lb1: { role: [director, realserver], address: 10.0.0.1 }\n  \
                    rs1: { role: realserver, address: 10.0.0.3 }\n\
                    services: { web: { vip: 10.0.0.9, port: 80 } }\n";
        let cluster = inventory::parse("t.yaml", text, BUILT_IN_ROLES)
            .expect("a valid inventory")
            .cluster;
        let served = Served::new(&cluster);
        let rules: Vec<usize> = cluster
            .hosts
            .iter()
            .map(|host| arp_rules(&cluster, host, served.by(&host.name)).len())
            .collect();
        assert_eq!(rules, [0, 1]);
    }
}
