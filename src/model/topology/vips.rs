//! The hosts that hold a VIP, on which interface, and the measures that keep real servers from answering ARP for it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde::Serialize;

use super::Serves;
use crate::model::{ArpAnswer, Cluster, Host, Mode, Vip, VrrpMember};

/// A VIP that a real server holds, since it gets packets to the VIP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RealVip {
    /// A host address: /32 or /128.
    pub address: IpNet,
    pub interface: &'static str,
    /// Whether it needs a host route.
    pub route: bool,
    pub label: Option<String>,
}

impl RealVip {
    pub(crate) fn vip(&self) -> IpAddr {
        self.address.addr()
    }
}

impl Serves<'_> {
    /// The VIPs that the host must hold as a real server, each once.
    pub(crate) fn vips(&self) -> Vec<RealVip> {
        let mut seen = BTreeSet::new();
        let all = self.direct().flat_map(|service| {
            let vips = service.vips.iter();
            vips.map(move |vip| (vip.address, service.mode))
        });
        let once = all.filter(|(vip, _)| seen.insert(*vip));
        once.enumerate()
            .map(|(index, (vip, mode))| {
                let interface = mode.home(vip);
                RealVip {
                    address: IpNet::from(vip),
                    interface,
                    route: vip.is_ipv4(),
                    label: label(vip, interface, index),
                }
            })
            .collect()
    }

    fn v4_vips(&self) -> BTreeSet<Ipv4Addr> {
        let vips = self.direct().flat_map(|service| &service.vips);
        vips.filter_map(|vip| match vip.address {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(_) => None,
        })
        .collect()
    }

    /// The interfaces that bring tunnelled packets to the host.
    pub(crate) fn tunnels(&self) -> Vec<Tunnel> {
        let tunnelled = self.services().filter(|service| service.mode == Mode::Tun);
        let vips = tunnelled.flat_map(|service| &service.vips);
        let families: BTreeSet<bool> = vips.map(|vip| vip.address.is_ipv6()).collect();
        families.into_iter().map(Tunnel::of).collect()
    }
}

/// The label of an address, by which old tools show it. Only IPv4 addresses have one, of at most 15 characters (IFNAMSIZ,
/// netdevice(7)).
pub(super) fn label(address: IpAddr, interface: &str, index: usize) -> Option<String> {
    let label = format!("{interface}:{index}");
    (address.is_ipv4() && label.len() <= 15).then_some(label)
}

/// A tunnel device, with the module that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Tunnel {
    pub name: &'static str,
    pub module: &'static str,
    pub v6: bool,
}

impl Tunnel {
    fn of(v6: bool) -> Self {
        let (name, module) = if v6 {
            ("ip6tnl0", "ip6_tunnel")
        } else {
            ("tunl0", "ipip")
        };
        Self { name, module, v6 }
    }
}

/// Whether arp_ignore and arp_announce keep a host from answering ARP for a VIP.
pub(crate) fn silent(cluster: &Cluster, serves: &Serves) -> bool {
    cluster.arp == ArpAnswer::Sysctl && !serves.v4_vips().is_empty()
}

/// A pair of arptables rules: no answers for the VIP, and the RIP as sender address in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct ArpRule {
    pub vip: Ipv4Addr,
    pub rip: IpAddr,
}

/// The arptables rules of a host, if the cluster uses them. A director has none, since it must answer for the VIP.
pub(crate) fn arp_rules(cluster: &Cluster, host: &Host, serves: &Serves) -> Vec<ArpRule> {
    if cluster.arp != ArpAnswer::Arptables || host.is_director() {
        return Vec::new();
    }
    let rip = host.address;
    let vips = serves.v4_vips().into_iter();
    vips.map(|vip| ArpRule { vip, rip }).collect()
}

/// A VIP that a director holds where no VRRP moves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DirectorVip<'c> {
    pub address: IpNet,
    pub interface: &'c str,
    pub label: Option<String>,
}

/// VIPs that a director holds where no VRRP moves them, each on the interface of its network.
pub(crate) fn director_vips<'c>(cluster: &'c Cluster, host: &'c Host) -> Vec<DirectorVip<'c>> {
    if !cluster.vrrp.is_empty() {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let all = cluster.services.iter().flat_map(|service| &service.vips);
    let once = all.filter(|vip| seen.insert(vip.address));
    once.enumerate()
        .map(|(index, vip)| {
            let interface = interface_of_vip(cluster, host, vip.address);
            DirectorVip {
                address: net(vip),
                interface,
                label: label(vip.address, interface, index),
            }
        })
        .collect()
}

/// A VIP that keepalived moves between directors, on one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct MovingVip<'c> {
    pub address: IpNet,
    pub interface: &'c str,
}

/// IPv6 VIPs that keepalived holds on a director while it is master.
pub(crate) fn moving_vips<'c>(cluster: &'c Cluster, host: &'c Host) -> Vec<MovingVip<'c>> {
    let mut all = Vec::new();
    for instance in &cluster.vrrp {
        let Some(me) = instance.member(host) else {
            continue;
        };
        let vips = instance.vips.iter().filter(|vip| vip.address.is_ipv6());
        all.extend(vips.map(|vip| MovingVip {
            address: net(vip),
            interface: member_interface(host, me, vip.address),
        }));
    }
    all
}

/// The interface on which a director holds a VIP for clients.
pub(crate) fn interface_of_vip<'c>(cluster: &'c Cluster, host: &'c Host, vip: IpAddr) -> &'c str {
    let mut instances = cluster.vrrp.iter();
    let member = instances.find_map(|instance| {
        let is_its = instance.vips.iter().any(|its| its.address == vip);
        instance.member(host).filter(|_| is_its)
    });
    match member {
        Some(me) => member_interface(host, me, vip),
        None => host.facing(vip).map_or(&host.interface, |nic| &nic.name),
    }
}

/// The same for a member of the VIP's VRRP instance: the interface in the VIP's network, else the instance's.
pub(crate) fn member_interface<'c>(host: &'c Host, me: &'c VrrpMember, vip: IpAddr) -> &'c str {
    host.facing(vip).map_or(&me.interface, |nic| &nic.name)
}

/// With the directors' prefix, which the inventory has looked at.
fn net(vip: &Vip) -> IpNet {
    IpNet::new(vip.address, vip.prefix).unwrap_or_else(|_| IpNet::from(vip.address))
}
