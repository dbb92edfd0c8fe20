//! Addresses: of hosts, gateways and VIPs, against each other and against the networks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::View;
use crate::diagnostic::{Fault, shown};
use crate::model::{Host, Network, Vip};

/// The path of a host's address in the inventory.
pub(super) fn path_of<'h>(host: &'h Host, address: IpAddr, view: View<'_>) -> Vec<&'h str> {
    let holder = host
        .interfaces
        .iter()
        .find(|i| i.addresses.iter().any(|a| a.addr() == address));
    let name = host.name.as_str();
    let nic = holder.map(|i| vec!["hosts", name, "interfaces", i.name.as_str()]);
    match nic.filter(|path| view.places.is_given(path)) {
        Some(mut path) => {
            let full = [path.as_slice(), &["address"]].concat();
            if view.places.is_given(&full) {
                path = full;
            }
            path
        }
        None => vec!["hosts", name, "address"],
    }
}

pub(super) fn hosts_are_distinct(view: View<'_>, faults: &mut Vec<Fault>) {
    let mut owners: BTreeMap<IpAddr, &Host> = BTreeMap::new();
    for host in &view.cluster.hosts {
        for net in host.interfaces.iter().flat_map(|i| &i.addresses) {
            let address = net.addr();
            let Some(other) = owners.insert(address, host) else {
                continue;
            };
            let fault = if other.name == host.name {
                Fault::new(format!("{address} stands twice at {}", shown(&host.name)))
                    .help("delete one of them")
            } else {
                Fault::new(format!(
                    "{address} is the address of {} already",
                    shown(&other.name)
                ))
                .help(if host.is_real_server() && other.is_real_server() {
                    "give each host a different address; one that serves on two ports is one host, with `real_servers: { rs1: { port: [8080, 8081] } }` in the service"
                } else {
                    "give each host a different address"
                })
            };
            faults.push(view.at(&path_of(host, address, view), fault));
        }
    }
}

pub(super) fn networks_are_distinct(view: View<'_>, faults: &mut Vec<Fault>) {
    let all: Vec<(&Network, &IpNet)> = view
        .cluster
        .networks
        .iter()
        .flat_map(|n| n.subnets.iter().map(move |s| (n, s)))
        .collect();
    for (index, (network, subnet)) in all.iter().enumerate() {
        let mut before = all.iter().take(index);
        let overlaps = |(_, s): &&(&Network, &IpNet)| s.contains(*subnet) || subnet.contains(*s);
        if let Some((other, overlapping)) = before.find(overlaps) {
            let fault = Fault::new(format!(
                "{subnet} overlaps with {overlapping} of network {}",
                shown(&other.name)
            ));
            // A network without a name was made of a host's address.
            let hosts = view.cluster.hosts.iter();
            let mut made_of = hosts.filter_map(|host| {
                let mut nets = host.interfaces.iter().flat_map(|i| &i.addresses);
                let net = nets.find(|net| net.trunc() == **subnet)?;
                Some((host, net.addr()))
            });
            let named = view.places.is_given(&["networks", &network.name]);
            faults.push(match made_of.next().filter(|_| !named) {
                Some((host, address)) => view.at(
                    &path_of(host, address, view),
                    fault.help("write all addresses of a network with the same prefix"),
                ),
                None => view.at(
                    &["networks", &network.name],
                    fault.help("make the subnets distinct, or one network of both"),
                ),
            });
        }
    }
}

/// Addresses that no host can have.
pub(super) fn usable(view: View<'_>, faults: &mut Vec<Fault>) {
    for host in &view.cluster.hosts {
        for net in host.interfaces.iter().flat_map(|i| &i.addresses) {
            if let Some(why) = unusable(net.addr(), Some(*net)) {
                let fault = Fault::new(format!("{} is {why}", net.addr())).help(
                    as_v4(net.addr())
                        .unwrap_or("give the host another address in the subnet".to_owned()),
                );
                faults.push(view.at(&path_of(host, net.addr(), view), fault));
            }
        }
    }
}

/// The fix for an IPv4 address in IPv6 notation.
fn as_v4(address: IpAddr) -> Option<String> {
    let IpAddr::V6(v6) = address else { return None };
    let v4 = v6.to_ipv4_mapped()?;
    Some(format!("write `{v4}`"))
}

fn unusable(address: IpAddr, net: Option<IpNet>) -> Option<String> {
    if address.is_unspecified() {
        return Some("no address".to_owned());
    }
    if address.is_loopback() {
        return Some("a loopback address, which others cannot reach".to_owned());
    }
    if address.is_multicast() {
        return Some("a multicast address".to_owned());
    }
    if let IpAddr::V6(v6) = address
        && let Some(v4) = v6.to_ipv4_mapped()
    {
        return Some(format!("the IPv4 address {v4} in the notation of IPv6"));
    }
    if matches!(address, IpAddr::V4(v4) if v4.is_broadcast()) {
        return Some("the broadcast address".to_owned());
    }
    let net = net.filter(|net| net.addr().is_ipv4() && net.prefix_len() < 31)?;
    if address == net.network() {
        Some(format!("the network address of {}", net.trunc()))
    } else if address == net.broadcast() {
        Some(format!("the broadcast address of {}", net.trunc()))
    } else {
        None
    }
}

pub(super) fn gateways(view: View<'_>, faults: &mut Vec<Fault>) {
    for host in &view.cluster.hosts {
        let path = ["hosts", host.name.as_str(), "gateway"];
        let Some(gateway) = host.gateway.filter(|_| view.places.is_given(&path)) else {
            continue;
        };
        let nets: Vec<&IpNet> = host.interfaces.iter().flat_map(|i| &i.addresses).collect();
        if nets.iter().any(|net| net.addr() == gateway) {
            let fault = Fault::new("a host cannot be its own gateway")
                .help("write the address of a router in the host's network");
            faults.push(view.at(&path, fault));
        } else if !nets.iter().any(|net| net.contains(&gateway)) {
            let own: Vec<String> = nets.iter().map(|net| net.trunc().to_string()).collect();
            let fault = Fault::new(format!(
                "gateway {gateway} is in no network of {}",
                shown(&host.name)
            ))
            .help(format!(
                "a gateway must be reached directly, so in {}",
                own.join(", ")
            ));
            faults.push(view.at(&path, fault));
        }
    }
}

/// VIPs of services and of VRRP instances.
pub(super) fn vips(view: View<'_>, faults: &mut Vec<Fault>) {
    let mut prefixes: BTreeMap<IpAddr, (u8, &str)> = BTreeMap::new();
    for service in &view.cluster.services {
        for (index, vip) in service.vips.iter().enumerate() {
            let index = index.to_string();
            let path = ["services", service.name.as_str(), "vip", index.as_str()];
            if let Some(fault) = vip_fault(view, vip) {
                faults.push(view.at(&path, fault));
            }
            let (prefix, first) = *prefixes
                .entry(vip.address)
                .or_insert((vip.prefix, &service.name));
            if prefix != vip.prefix {
                let fault = Fault::new(format!(
                    "VIP {} has prefix /{} here, but /{prefix} in service {}",
                    vip.address,
                    vip.prefix,
                    shown(first)
                ))
                .help("write it with the same prefix in both");
                faults.push(view.at(&path, fault));
            }
        }
        let mut seen = Vec::new();
        for (index, vip) in service.vips.iter().enumerate() {
            if seen.contains(&vip.address) {
                let path = ["services", service.name.as_str(), "vip", &index.to_string()];
                let fault = Fault::new(format!("VIP {} stands twice in the list", vip.address))
                    .help("delete one of them");
                faults.push(view.at(&path, fault));
            }
            seen.push(vip.address);
        }
    }
    for instance in &view.cluster.vrrp {
        for (index, vip) in instance.vips.iter().enumerate() {
            // VIPs of services have been looked at.
            if prefixes.contains_key(&vip.address) {
                continue;
            }
            if let Some(fault) = vip_fault(view, vip) {
                faults.push(view.of_vrrp(instance, &["vips", &index.to_string()], fault));
            }
        }
    }
}

fn vip_fault(view: View<'_>, vip: &Vip) -> Option<Fault> {
    let address = vip.address;
    let nets = || view.cluster.networks.iter().flat_map(|n| &n.subnets);
    let within = nets().find(|net| net.contains(&address)).copied();
    let as_held = within.and_then(|net| IpNet::new(address, net.prefix_len()).ok());
    if let Some(why) = unusable(address, as_held) {
        let help = as_v4(address);
        let help = help.unwrap_or("choose a free address of the clients' network".to_owned());
        return Some(Fault::new(format!("VIP {address} is {why}")).help(help));
    }
    // A link-local address is valid on one link, and a packet does not name the link.
    if matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
        let fault = Fault::new(format!("VIP {address} is a link-local address"));
        return Some(
            fault.help(
                "choose a global or unique local one (fc00::/7), of a subnet below `networks`",
            ),
        );
    }
    let mut hosts = view.cluster.hosts.iter();
    if let Some(host) = hosts.find(|host| host.holds(address)) {
        let fault = Fault::new(format!(
            "VIP {address} is the address of {} itself",
            shown(&host.name)
        ))
        .about(&host.name);
        return Some(fault.help("a VIP moves between hosts: choose a free address for it"));
    }
    // A family that no host has is reported at the real servers.
    let strange = nets().all(|net| net.addr().is_ipv4() != address.is_ipv4());
    let said = strange && view.cluster.hosts.iter().any(Host::is_real_server);
    if within.is_none() && !view.cluster.networks.is_empty() && !said {
        let known: Vec<String> = nets().map(ToString::to_string).collect();
        return Some(
            Fault::new(format!("VIP {address} is outside every subnet")).help(format!(
                "choose one in {}, or add its network to `networks`",
                known.join(", ")
            )),
        );
    }
    prefix_fault(view, vip, within?)
}

/// With its VIP a director gets a route to the prefix.
fn prefix_fault(view: View<'_>, vip: &Vip, subnet: IpNet) -> Option<Fault> {
    let whole = if vip.address.is_ipv4() { 32 } else { 128 };
    let Vip { address, prefix } = vip;
    if *prefix == whole {
        return None;
    }
    if *prefix < subnet.prefix_len() {
        let fault = Fault::new(format!(
            "VIP {address} has prefix /{prefix}, but its subnet is {subnet}"
        ));
        return Some(fault.help(format!(
            "write {address}/{} or {address}/{whole}",
            subnet.prefix_len()
        )));
    }
    let away = |h: &&Host| h.is_director() && h.facing(*address).is_none();
    let host = view.cluster.hosts.iter().find(away)?;
    let fault = Fault::new(format!(
        "VIP {address} has prefix /{prefix}, but director {} is not in that network",
        shown(&host.name)
    ))
    .about(&host.name);
    Some(fault.help(format!(
        "write {address}, or give the director an interface there"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_no_host_can_have() {
        for (net, good) in [
            ("192.168.100.14/24", true),
            ("192.168.100.0/24", false),
            ("192.168.100.255/24", false),
            ("192.168.100.255/16", true),
            ("10.0.0.0/31", true),
            ("10.0.0.1/32", true),
            ("127.0.0.1/8", false),
            ("0.0.0.0/0", false),
            ("224.0.0.18/24", false),
            ("fd00::/64", true),
            ("fd00::1/64", true),
            ("::1/128", false),
            ("ff02::12/64", false),
            ("::ffff:10.0.0.1/96", false),
        ] {
            let net: IpNet = net.parse().unwrap();
            assert_eq!(unusable(net.addr(), Some(net)).is_none(), good, "{net}");
        }
    }
}
