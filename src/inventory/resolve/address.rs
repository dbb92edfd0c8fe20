//! Networks, and which of them an address lies in.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Context, MOST_NETWORKS};
use crate::diagnostic::{Fault, choices, shown};
use crate::inventory::field::{Many, Named, Opt};
use crate::inventory::free_address;
use crate::inventory::raw::word::Address;
use crate::inventory::raw::{Inventory, Network as RawNetwork};
use crate::model::Network;

/// The networks as written, or those that the prefixes of the hosts' addresses give. Where they are faulty, likely ones,
/// so that what does not depend on them is found as well.
pub(super) fn networks(raw: &Inventory, cx: &mut Context<'_>) -> Vec<Network> {
    let found = known(raw, cx);
    if cx.networks_are_faulty {
        likely(raw)
    } else {
        found
    }
}

fn known(raw: &Inventory, cx: &mut Context<'_>) -> Vec<Network> {
    if raw.networks.is_absent() && cx.stands_in(&[], "networks") {
        cx.networks_are_faulty = true;
        return Vec::new();
    }
    if raw.networks.is_absent() {
        let networks = networks_of_prefixes(raw);
        if networks.is_empty()
            && let Some(first) = addresses(raw).next()
        {
            let prefix = guess(first.address).map_or(24, |net| net.prefix_len());
            let fault = Fault::new("the inventory does not say which subnets the hosts are in")
                .help(format!(
                    "add {}, or write addresses with their prefix (`{}/{prefix}`)",
                    proposed(raw),
                    first.address,
                ));
            cx.fault_at_key(&["hosts"], fault);
            cx.networks_are_faulty = true;
            return Vec::new();
        }
        if !cx.at_most(&["hosts"], "networks", networks.len(), MOST_NETWORKS) {
            cx.networks_are_faulty = true;
            return Vec::new();
        }
        return networks;
    }
    let faulty = |network: &Opt<RawNetwork>| match network {
        Opt::Given(network) => network.0.0.iter().any(|net| net.get().is_none()),
        _ => true,
    };
    let written = match raw.networks.get() {
        Some(written) if !written.0.0.iter().any(|(_, network)| faulty(network)) => written,
        // Reported. Which addresses lie outside is not known.
        _ => {
            cx.networks_are_faulty = true;
            return Vec::new();
        }
    };
    if !cx.at_most(&["networks"], "networks", written.0.0.len(), MOST_NETWORKS) {
        cx.networks_are_faulty = true;
        return Vec::new();
    }
    let mut networks = Vec::new();
    for (name, network) in written.0.iter() {
        let mut subnets: Vec<IpNet> = Vec::new();
        for (index, net) in network.0.iter() {
            let net = net.0.0;
            if subnets
                .iter()
                .any(|s| s.addr().is_ipv4() == net.addr().is_ipv4())
            {
                let family = if net.addr().is_ipv4() { "IPv4" } else { "IPv6" };
                let fault = Fault::new(format!("network {} has two {family} subnets", shown(name)))
                    .help("give each subnet a different name: a network has one subnet of IPv4 and one of IPv6");
                cx.fault(&["networks", name, &index.to_string()], fault);
                continue;
            }
            subnets.push(net);
        }
        networks.push(Network {
            name: name.to_owned(),
            subnets,
        });
    }
    if all_outside(raw, &networks, cx) {
        return Vec::new();
    }
    networks
}

/// A fault of the networks, if no host at all is in one: then they are wrong rather than each host.
fn all_outside(raw: &Inventory, networks: &[Network], cx: &mut Context<'_>) -> bool {
    let mut hosts = addresses(raw).map(|address| address.address);
    let subnets = || networks.iter().flat_map(|network| &network.subnets);
    let outside = |ip: IpAddr| !subnets().any(|subnet| subnet.contains(&ip));
    let (Some(first), Some(second)) = (hosts.next(), hosts.next()) else {
        return false;
    };
    if !(outside(first) && outside(second) && hosts.all(outside)) || cx.networks_are_faulty {
        return false;
    }
    let known: Vec<String> = subnets().map(|subnet| subnet.to_string()).collect();
    let fault = Fault::new(format!(
        "no host is in a network: {first} and the others are outside {}",
        known.join(", ")
    ))
    .help(format!("correct the subnet: {}", proposed(raw)));
    cx.fault_at_key(&["networks"], fault);
    cx.networks_are_faulty = true;
    true
}

/// A likely subnet.
fn guess(ip: IpAddr) -> Option<IpNet> {
    let net = IpNet::new(ip, if ip.is_ipv4() { 24 } else { 64 }).ok()?;
    Some(net.trunc())
}

/// Likely subnets of all hosts, each in a separate network.
fn likely(raw: &Inventory) -> Vec<Network> {
    let mut found: BTreeSet<IpNet> = BTreeSet::new();
    let nets =
        addresses(raw).filter_map(|address| subnet(address).or_else(|| guess(address.address)));
    let mut distinct: Vec<IpNet> = nets.filter(|net| found.insert(*net)).collect();
    distinct.truncate(MOST_NETWORKS);
    named(distinct)
}

/// Likely subnets of hosts and VIPs, as they would stand in the inventory.
fn proposed(raw: &Inventory) -> String {
    const MOST: usize = 4;
    let mut nets: Vec<IpNet> = Vec::new();
    let services = raw.services.get().into_iter().flat_map(Named::iter);
    let vips = services.flat_map(|(_, service)| service.vip.get().into_iter().flat_map(Many::iter));
    let vips = vips.map(|(_, vip)| vip.0.address);
    for ip in addresses(raw).map(|address| address.address).chain(vips) {
        if !nets.iter().any(|net| net.contains(&ip)) {
            nets.extend(guess(ip));
        }
    }
    if nets.len() > MOST {
        nets.truncate(MOST);
        let nets: Vec<String> = nets.iter().map(ToString::to_string).collect();
        return format!(
            "each subnet by a different name below `networks` ({}, ...)",
            nets.join(", ")
        );
    }
    let networks = named(nets).into_iter().map(|network| {
        let subnets: Vec<String> = network.subnets.iter().map(free_address::in_yaml).collect();
        match subnets.as_slice() {
            [one] => format!("{}: {one}", network.name),
            _ => format!("{}: [{}]", network.name, subnets.join(", ")),
        }
    });
    let networks: Vec<String> = networks.collect();
    format!("`networks: {{ {} }}`", networks.join(", "))
}

/// All addresses of hosts.
fn addresses(raw: &Inventory) -> impl Iterator<Item = Address> {
    let hosts = raw.hosts.get().into_iter().flat_map(|hosts| hosts.iter());
    let written = hosts.flat_map(|(_, host)| {
        let nics = host
            .interfaces
            .get()
            .into_iter()
            .flat_map(|nics| nics.iter());
        let nics = nics.filter_map(|(_, nic)| nic.address.get());
        host.address.get().into_iter().chain(nics)
    });
    written.flat_map(|many| many.iter().map(|(_, text)| text.0))
}

fn networks_of_prefixes(raw: &Inventory) -> Vec<Network> {
    let mut seen: BTreeSet<IpNet> = BTreeSet::new();
    let mut distinct: Vec<IpNet> = Vec::new();
    for net in addresses(raw).filter_map(subnet) {
        if seen.insert(net) {
            distinct.push(net);
        }
    }
    named(distinct)
}

/// Subnets as networks. An IPv4 and an IPv6 subnet that come alone are one network of two families.
fn named(distinct: Vec<IpNet>) -> Vec<Network> {
    let families: Vec<bool> = distinct.iter().map(|n| n.addr().is_ipv4()).collect();
    match families.as_slice() {
        [] => Vec::new(),
        [_] | [true, false] | [false, true] => vec![Network {
            name: "lan".to_owned(),
            subnets: distinct,
        }],
        _ => (1..)
            .zip(distinct)
            .map(|(n, net)| Network {
                name: format!("net{n}"),
                subnets: vec![net],
            })
            .collect(),
    }
}

fn subnet(address: Address) -> Option<IpNet> {
    let net = IpNet::new(address.address, address.prefix?).ok()?;
    Some(net.trunc())
}

/// The address with its subnet's prefix, and the name of its network.
pub(super) fn place(
    address: Address,
    claimed: Option<&str>,
    path: &[&str],
    cx: &mut Context<'_>,
) -> Option<(IpNet, String)> {
    if cx.networks_are_faulty {
        return find(&cx.networks, address, None).ok();
    }
    let fault = match find(&cx.networks, address, claimed) {
        Ok(found) => return Some(found),
        Err(fault) => *fault,
    };
    cx.fault(path, fault);
    None
}

fn find(
    networks: &[Network],
    address: Address,
    claimed: Option<&str>,
) -> Result<(IpNet, String), Box<Fault>> {
    let Address {
        address: ip,
        prefix,
    } = address;
    let names: Vec<&str> = networks.iter().map(|n| n.name.as_str()).collect();
    if let Some(claimed) = claimed
        && !names.contains(&claimed)
    {
        let fault = Fault::new(format!("there is no network named {}", shown(claimed)));
        return Err(fault.help(choices(claimed, &names)).into());
    }
    let candidates = networks
        .iter()
        .filter(|n| claimed.is_none_or(|c| c == n.name));
    let nets = candidates.flat_map(|n| n.subnets.iter().map(move |s| (*s, n.name.as_str())));
    let best = nets
        .filter(|(s, _)| s.contains(&ip))
        .max_by_key(|(s, _)| s.prefix_len());
    let Some((subnet, name)) = best else {
        return Err(outside(networks, ip, claimed).into());
    };
    if let Some(prefix) = prefix
        && prefix != subnet.prefix_len()
    {
        return Err(Fault::new(format!(
            "{ip}/{prefix} does not fit network {}, which is {subnet}",
            shown(name)
        ))
        .help(format!("write {ip}/{} or just {ip}", subnet.prefix_len()))
        .into());
    }
    match IpNet::new(ip, subnet.prefix_len()) {
        Ok(net) => Ok((net, name.to_owned())),
        Err(_) => Err(outside(networks, ip, claimed).into()),
    }
}

fn outside(networks: &[Network], ip: IpAddr, claimed: Option<&str>) -> Fault {
    let guess = guess(ip).map(|net| net.to_string()).unwrap_or_default();
    if ip.is_loopback() {
        return Fault::new(format!(
            "{ip} is a loopback address, which each host has for itself"
        ))
        .help("write the address that the other hosts reach it by: `address: ‹host›`");
    }
    if networks.is_empty() {
        return Fault::new(format!(
            "the inventory does not say which subnet {ip} is in"
        ))
        .help(format!(
            "add `networks: {{ lan: {guess} }}`, or write the address with its prefix"
        ));
    }
    let known: Vec<String> = networks
        .iter()
        .filter(|n| claimed.is_none_or(|c| c == n.name))
        .flat_map(|n| n.subnets.iter().map(move |s| format!("{} {s}", n.name)))
        .collect();
    let message = match claimed {
        Some(name) => format!("{ip} is outside network {}", shown(name)),
        None => format!("{ip} is in none of the networks"),
    };
    let family = |net: &IpNet| net.addr().is_ipv4() == ip.is_ipv4();
    let lacking = networks
        .iter()
        .filter(|n| claimed.is_none_or(|c| c == n.name) && !n.subnets.iter().any(family));
    let help = match lacking.collect::<Vec<_>>()[..] {
        // The other family of a network that the interface has already.
        [network] => {
            let subnets = network.subnets.iter().map(ToString::to_string);
            let all: Vec<String> = subnets.chain([guess]).collect();
            format!(
                "add its subnet to the network: `networks: {{ {}: [{}] }}`",
                network.name,
                all.join(", ")
            )
        }
        _ => format!(
            "correct the address, or `networks` ({}); a new network would be {guess}",
            known.join(", ")
        ),
    };
    Fault::new(message).help(help)
}
