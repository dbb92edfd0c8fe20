//! Topology queries: which hosts serve a VIP, which interfaces face it, and which hosts can ask for it as clients.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::fact::address::{Addresses, Held};
use crate::model::{Cluster, HOMES, Host, Mode, Service, VrrpInstance};

/// Addresses of no host (RFC 5737, RFC 3849), to ask for the way out without sending anything.
pub(super) const OUTSIDE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// The services that a host is a real server of, or the sorry server.
pub(super) fn services_of<'a>(
    cluster: &'a Cluster,
    host: &'a Host,
) -> impl Iterator<Item = &'a Service> {
    cluster
        .services
        .iter()
        .filter(|s| s.is_served_by(&host.name))
}

/// The VIPs that a real server must hold itself, with where they belong.
pub(super) fn held_by_real_server(cluster: &Cluster, host: &Host) -> Vec<(IpAddr, &'static str)> {
    let mut taken = BTreeSet::new();
    services_of(cluster, host)
        .filter(|s| s.mode != Mode::Nat)
        .flat_map(|s| {
            s.vips
                .iter()
                .map(|vip| (vip.address, s.mode.home(vip.address)))
        })
        .filter(|(address, _)| taken.insert(*address))
        .collect()
}

/// A real server's own addresses, as some of its services know them.
pub(super) fn own_addresses(
    cluster: &Cluster,
    host: &Host,
    services: impl Fn(&Service) -> bool,
) -> BTreeSet<IpAddr> {
    let all = services_of(cluster, host).filter(|s| services(s));
    let own = all.flat_map(|s| s.backends_on(&host.name));
    own.map(|rs| rs.address).collect()
}

/// The addresses from which a real server answers clients: VIPs, and with NAT its own.
pub(super) fn answers_from(cluster: &Cluster, host: &Host) -> BTreeSet<IpAddr> {
    let held = held_by_real_server(cluster, host).into_iter();
    let own = own_addresses(cluster, host, |s| s.mode == Mode::Nat);
    held.map(|(vip, _)| vip).chain(own).collect()
}

/// The subnet that an address is in, by the inventory.
fn subnet(cluster: &Cluster, address: IpAddr) -> Option<IpNet> {
    let all = cluster.networks.iter().flat_map(|n| &n.subnets);
    all.copied().find(|subnet| subnet.contains(&address))
}

/// Interfaces by which a host meets the network of an address: the inventory's, and any other that has an
/// address there. Where the address is in no network of the inventory, all that the inventory names.
pub(super) fn facing(
    cluster: &Cluster,
    host: &Host,
    addresses: &Addresses,
    address: IpAddr,
) -> BTreeSet<String> {
    let Some(subnet) = subnet(cluster, address) else {
        return host.interfaces.iter().map(|i| i.name.clone()).collect();
    };
    let named = host.interfaces.iter().filter(|interface| {
        interface
            .addresses
            .iter()
            .any(|net| subnet.contains(&net.addr()))
    });
    let found = addresses.held.iter().filter(|held| {
        held.address != address
            && subnet.contains(&held.address)
            && !HOMES.contains(&held.interface.as_str())
    });
    named
        .map(|interface| interface.name.clone())
        .chain(found.map(|held| held.interface.clone()))
        .collect()
}

/// Interfaces by which a host's packets go to an address, and come from it: those that face its network, else those
/// that face the gateway.
pub(super) fn toward(
    cluster: &Cluster,
    host: &Host,
    addresses: &Addresses,
    address: IpAddr,
) -> Vec<String> {
    let mut found = facing(cluster, host, addresses, address);
    if let Some(gateway) = host.gateway.filter(|_| found.is_empty()) {
        found = facing(cluster, host, addresses, gateway);
    }
    if found.is_empty() {
        found.insert(host.interface.clone());
    }
    found.into_iter().collect()
}

/// Interfaces by which packets reach a host's own address: the one that holds it, else those toward its network.
pub(super) fn receiving(
    cluster: &Cluster,
    host: &Host,
    addresses: &Addresses,
    own: IpAddr,
) -> Vec<String> {
    let held: Vec<String> = addresses
        .of(own)
        .map(|held| held.interface.clone())
        .filter(|name| !HOMES.contains(&name.as_str()))
        .collect();
    if held.is_empty() {
        return toward(cluster, host, addresses, own);
    }
    held
}

/// The interface on which a director holds a VIP for clients.
pub(super) fn nic<'a>(cluster: &'a Cluster, host: &'a Host, vip: IpAddr) -> &'a str {
    if let Some(facing) = host.facing(vip) {
        return &facing.name;
    }
    let holds = |i: &&VrrpInstance| i.vips.iter().any(|v| v.address == vip);
    let members = cluster.vrrp.iter().filter(holds).flat_map(|i| &i.members);
    let mut members = members.filter(|m| m.host == host.name);
    members
        .next()
        .map_or(&host.interface, |member| &member.interface)
}

/// What a host holds on an address's network, beside the address itself.
pub(super) fn own_address<'a>(
    cluster: &Cluster,
    addresses: &'a Addresses,
    address: IpAddr,
) -> Option<&'a Held> {
    let all: Vec<IpAddr> = cluster.service_vips();
    let subnet = subnet(cluster, address);
    addresses.held.iter().find(|held| {
        let net = IpNet::new(held.address, held.prefix).ok();
        let near = match subnet {
            Some(subnet) => subnet.contains(&held.address),
            None => net.is_some_and(|net| net.prefix_len() > 0 && net.contains(&address)),
        };
        near && !all.contains(&held.address) && !HOMES.contains(&held.interface.as_str())
    })
}

/// Hosts of the role `client`, by the address that they ask from.
pub(super) fn clients(cluster: &Cluster) -> impl Iterator<Item = &Host> {
    cluster.hosts.iter().filter(|h| cluster.is_neutral(h))
}

/// All addresses of directors that the inventory knows, VIPs included, each with whose it is.
pub(super) fn of_directors(cluster: &Cluster) -> Vec<(IpAddr, String)> {
    let own = cluster
        .hosts
        .iter()
        .filter(|h| h.is_director())
        .flat_map(|h| h.addresses().map(|address| (address, h.name.clone())));
    let vips = cluster
        .service_vips()
        .into_iter()
        .map(|v| (v, "the VIP".to_owned()));
    let of_instances = cluster.vrrp.iter().flat_map(|instance| {
        let name = format!("a VIP of the VRRP instance {}", instance.name);
        let all = instance.vips.iter();
        all.map(move |vip| (vip.address, name.clone()))
    });
    own.chain(vips).chain(of_instances).collect()
}
