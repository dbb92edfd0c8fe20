//! Routes of real servers and routers, and who is at the ends of a packet's way: clients and directors.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Serialize;

use crate::model::{ArpAnswer, Cluster, Host};

/// Addresses of no host (RFC 5737, RFC 3849), to ask for the way out without sending anything.
pub(crate) const OUTSIDE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct DefaultRoute<'c> {
    /// All addresses of a family.
    pub to: IpNet,
    pub via: IpAddr,
    pub interface: &'c str,
}

/// The default route of a real server: its answers go back by the gateway that the inventory has for it. With NAT that
/// is the director.
pub(crate) fn default_route(host: &Host) -> Option<DefaultRoute<'_>> {
    let via = host.gateway.filter(|_| !host.is_director())?;
    let to = match via {
        IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
        IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
    };
    let interface = host.facing(via).map_or(&host.interface, |nic| &nic.name);
    Some(DefaultRoute { to, via, interface })
}

/// A permanent neighbour entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Neighbour<'c> {
    pub address: IpAddr,
    pub lladdr: &'c str,
    pub interface: &'c str,
}

/// Static neighbour entries of a gateway: each VIP at the hardware address of the director.
pub(crate) fn neighbours<'c>(cluster: &'c Cluster, host: &'c Host) -> Vec<Neighbour<'c>> {
    if cluster.arp != ArpAnswer::Neighbour || !host.has_role("router") {
        return Vec::new();
    }
    let vips = cluster.service_vips().into_iter();
    vips.filter_map(|address| {
        let own = host.facing(address)?;
        let mut theirs = cluster.directors().flat_map(|h| &h.interfaces);
        let director = theirs.find(|nic| nic.network == own.network)?;
        Some(Neighbour {
            address,
            lladdr: director.mac.as_deref()?,
            interface: &own.name,
        })
    })
    .collect()
}

/// The subnet that an address is in, by the inventory.
pub(crate) fn subnet(cluster: &Cluster, address: IpAddr) -> Option<IpNet> {
    let mut all = cluster.networks.iter().flat_map(|n| &n.subnets).copied();
    all.find(|subnet| subnet.contains(&address))
}

/// Hosts of the inventory that may ask for services as clients do.
pub(crate) fn clients(cluster: &Cluster) -> impl Iterator<Item = &Host> {
    cluster.hosts.iter().filter(|host| cluster.is_neutral(host))
}

/// What an address of directors is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfDirector<'c> {
    /// A director's own.
    Own(&'c str),
    Vip,
    /// Of a VRRP instance.
    VrrpVip(&'c str),
}

impl fmt::Display for OfDirector<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(host) => f.write_str(host),
            Self::Vip => f.write_str("the VIP"),
            Self::VrrpVip(instance) => write!(f, "a VIP of the VRRP instance {instance}"),
        }
    }
}

/// All addresses of directors that the inventory knows, VIPs included.
pub(crate) fn of_directors(cluster: &Cluster) -> Vec<(IpAddr, OfDirector<'_>)> {
    let own = cluster.directors().flat_map(|host| {
        let all = host.addresses();
        all.map(|address| (address, OfDirector::Own(&host.name)))
    });
    let vips = cluster.service_vips().into_iter();
    let vips = vips.map(|vip| (vip, OfDirector::Vip));
    let of_instances = cluster.vrrp.iter().flat_map(|instance| {
        let all = instance.vips.iter();
        all.map(|vip| (vip.address, OfDirector::VrrpVip(&instance.name)))
    });
    own.chain(vips).chain(of_instances).collect()
}
