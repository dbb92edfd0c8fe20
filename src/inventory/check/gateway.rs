//! Return paths of real servers: past the directors with DR and TUN, through them with NAT.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::View;
use crate::diagnostic::{Fault, listed, shown};
use crate::inventory::free_address;
use crate::inventory::resolve::serving;
use crate::model::{Cluster, Host, Interface, Mode, Service, VrrpInstance};

/// The default gateway of a host, as far as the inventory names it.
enum Way {
    /// An address of a director, or a VIP that VRRP moves between them.
    Director,
    /// Another address, which the inventory names.
    Router,
    Unsaid,
}

fn way(cluster: &Cluster, host: &Host) -> Way {
    match host.gateway {
        Some(gateway) if cluster.is_through_a_director(gateway) => Way::Director,
        Some(_) => Way::Router,
        None => Way::Unsaid,
    }
}

/// Real servers of the chosen services: for each host a service and the addresses that serve it. Made once, as there may be
/// many services on many hosts.
fn answering(
    cluster: &Cluster,
    chosen: impl Fn(&Service) -> bool,
) -> BTreeMap<&str, (&Service, BTreeSet<IpAddr>)> {
    let mut all: BTreeMap<&str, (&Service, BTreeSet<IpAddr>)> = BTreeMap::new();
    for service in cluster.services.iter().filter(|s| chosen(s)) {
        let real = service.real_servers.iter();
        let real = real.map(|real| (real.host.as_str(), real.address));
        let sorry = service.sorry_server.iter();
        let sorry = sorry.filter_map(|sorry| Some((sorry.host.as_deref()?, sorry.address)));
        for (host, address) in real.chain(sorry) {
            let (_, addresses) = all.entry(host).or_insert((service, BTreeSet::new()));
            addresses.insert(address);
        }
    }
    all
}

fn by_nat(cluster: &Cluster) -> BTreeMap<&str, (&Service, BTreeSet<IpAddr>)> {
    answering(cluster, |s| s.mode == Mode::Nat)
}

/// The interface of a host that has an address.
fn holder(host: &Host, address: IpAddr) -> Option<(&Interface, IpNet)> {
    host.interfaces.iter().find_map(|nic| {
        let net = nic.addresses.iter().find(|net| net.addr() == address)?;
        Some((nic, net.trunc()))
    })
}

/// With DR and TUN, answers come from the VIP, which a director that has it drops as coming from outside with a local
/// address ("martian source").
pub(super) fn past_directors(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let direct = serving(&cluster.services, |s| s.mode != Mode::Nat);
    let through = serving(&cluster.services, |s| s.mode == Mode::Nat);
    for host in cluster.hosts.iter().filter(|h| !h.is_director()) {
        let name = host.name.as_str();
        let Some(gateway) = host.gateway.filter(|g| cluster.is_through_a_director(*g)) else {
            continue;
        };
        // Those of both kinds are reported as such.
        if !direct.contains(name) || through.contains(name) {
            continue;
        }
        let fault = Fault::new(format!(
            "{} answers from the VIP, and its gateway {gateway} is a director, which drops such packets",
            shown(name)
        ))
        .help("make its `gateway` a router that is no director")
        .warning();
        faults.push(view.at(&gateway_path(view, host), fault));
    }
}

/// A host has one default gateway: through a director answers of NAT come back, and those of DR and TUN get lost. Without
/// the gateway it reaches clients of the same network, which get no answers of NAT.
pub(super) fn one_way_each(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let (nat, direct) = (by_nat(cluster), answering(cluster, |s| s.mode != Mode::Nat));
    for host in cluster.hosts.iter().filter(|h| !h.is_director()) {
        let name = host.name.as_str();
        let (Some((nat, _)), Some((direct, _))) = (nat.get(name), direct.get(name)) else {
            continue;
        };
        if !matches!(way(cluster, host), Way::Director) {
            continue;
        }
        let mode = <&str>::from(direct.mode);
        let fault = Fault::new(format!(
            "{} serves {} by `nat`, so its gateway is a director, which drops its answers of {} by `{mode}`: only clients in its network get these",
            shown(&host.name),
            shown(&nat.name),
            shown(&direct.name)
        ))
        .help(format!(
            "give {} and {} real servers of their own by `real_servers`, or the same `mode`",
            shown(&nat.name),
            shown(&direct.name)
        ))
        .warning();
        faults.push(view.at_key(&["hosts", &host.name], fault));
    }
}

/// With NAT, a director is the real servers' gateway, so it has an address in their network. A router between them, which
/// leads their answers to the director, is named as their gateway.
pub(super) fn directors_are_beside(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    // By network and family: its subnet, and who answers there.
    let nat = by_nat(cluster);
    let mut behind: BTreeMap<(&str, bool), (IpNet, Vec<&str>)> = BTreeMap::new();
    for host in cluster.hosts.iter().filter(|h| !h.is_director()) {
        if matches!(way(cluster, host), Way::Router) {
            continue;
        }
        let mine = nat.get(host.name.as_str());
        for address in mine.into_iter().flat_map(|(_, all)| all) {
            let Some((nic, subnet)) = holder(host, *address) else {
                continue;
            };
            let key = (nic.network.as_str(), address.is_ipv4());
            let (_, names) = behind.entry(key).or_insert((subnet, Vec::new()));
            if !names.contains(&host.name.as_str()) {
                names.push(&host.name);
            }
        }
    }
    let mut given = BTreeSet::new();
    for director in cluster.directors() {
        let lacks =
            |((network, v4), (subnet, names)): (&(&'_ str, bool), &(IpNet, Vec<&'_ str>))| {
                let has = director.interfaces.iter().any(|nic| {
                    let mut nets = nic.addresses.iter();
                    nic.network == *network && nets.any(|net| net.addr().is_ipv4() == *v4)
                });
                (!has).then(|| ((*network).to_owned(), *subnet, listed(names)))
            };
        let missing: Vec<(String, IpNet, String)> = behind.iter().filter_map(lacks).collect();
        let Some((_, _, names)) = missing.first() else {
            continue;
        };
        let mut networks: Vec<String> = missing.iter().map(|(name, ..)| shown(name)).collect();
        networks.dedup();
        let subnets: Vec<IpNet> = missing.iter().map(|(_, subnet, _)| *subnet).collect();
        let fault = Fault::new(format!(
            "with NAT, {names} must answer through {}, which has no address in network {}",
            shown(&director.name),
            networks.join(", ")
        ))
        .help(format!(
            "give {} an interface there, by its name and address: {}",
            shown(&director.name),
            interfaces_with(view, director, &subnets, &mut given)
        ));
        faults.push(view.at_key(&["hosts", &director.name], fault));
    }
}

/// The host's `interfaces` with a further one in each of these subnets, as it may be written. No two hosts are given the
/// same address.
fn interfaces_with(
    view: View<'_>,
    host: &Host,
    subnets: &[IpNet],
    given: &mut BTreeSet<IpAddr>,
) -> String {
    let written = |net: IpNet| {
        if view.places.is_given(&["networks"]) {
            free_address::in_yaml(net.addr())
        } else {
            free_address::in_yaml(net)
        }
    };
    let mut names: Vec<String> = host.interfaces.iter().map(|nic| nic.name.clone()).collect();
    names.sort();
    let mut all: Vec<String> = host
        .interfaces
        .iter()
        .map(|nic| {
            let all: Vec<String> = nic.addresses.iter().map(|net| written(*net)).collect();
            match all.as_slice() {
                [one] => format!("{}: {one}", nic.name),
                _ => format!("{}: [{}]", nic.name, all.join(", ")),
            }
        })
        .collect();
    for subnet in subnets {
        let Some(free) = view.free_beside(*subnet, Some(host.address), given) else {
            continue;
        };
        given.insert(free);
        let Ok(net) = IpNet::new(free, subnet.prefix_len()) else {
            continue;
        };
        let name = free_address::interface(names.iter().map(String::as_str));
        all.push(format!("{name}: {}", written(net)));
        names.push(name);
    }
    format!("`interfaces: {{ {} }}`", all.join(", "))
}

/// The path of the default gateway of a host: at the host, or in `defaults`.
pub(super) fn gateway_path<'h>(view: View<'_>, host: &'h Host) -> Vec<&'h str> {
    let own = vec!["hosts", host.name.as_str(), "gateway"];
    let shared = vec!["defaults", "gateway"];
    if !view.places.is_given(&own) && view.places.is_given(&shared) {
        shared
    } else {
        own
    }
}

/// With NAT, answers must come back through the director.
pub(super) fn through_directors(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let own: BTreeSet<IpAddr> = cluster.director_addresses().collect();
    let mut through: BTreeSet<IpAddr> = cluster.floating_vips().collect();
    // The address of one director is no return path while another one serves.
    let nat = by_nat(cluster);
    let several = cluster.directors().count() > 1;
    if !several {
        through.extend(&own);
    }
    for host in cluster.hosts.iter().filter(|h| !h.is_director()) {
        let mine = nat.get(host.name.as_str());
        let Some(address) = mine.into_iter().flat_map(|(_, all)| all).find(|address| {
            let back = |g: &IpAddr| through.contains(g) && g.is_ipv4() == address.is_ipv4();
            !host.gateway.as_ref().is_some_and(back)
        }) else {
            continue;
        };
        let other_family = host
            .gateway
            .filter(|gateway| gateway.is_ipv4() != address.is_ipv4());
        let message = match host.gateway {
            Some(gateway) if other_family.is_some() => format!(
                "with NAT, {} must answer through a director from {address} too, and its only gateway is {gateway}",
                shown(&host.name)
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
        let help = if other_family.is_some() {
            "a host has one gateway: give the services of IPv4 and of IPv6 real servers of their own by `real_servers`".to_owned()
        } else {
            way_back(view, host, *address, several)
        };
        let fault = Fault::new(message).help(help).warning();
        faults.push(view.at(&gateway_path(view, host), fault));
    }
}

/// The fix with which a real server answers through the directors.
fn way_back(view: View<'_>, host: &Host, address: IpAddr, several: bool) -> String {
    let cluster = view.cluster;
    let general = "make its `gateway` a VIP in its network, which `vrrp` moves with the service's";
    let Some((nic, subnet)) = holder(host, address) else {
        return general.to_owned();
    };
    if let Some(vip) = cluster.floating_vips().find(|vip| subnet.contains(vip)) {
        return format!("write `gateway: {vip}`, which is the VIP of `vrrp` in its network");
    }
    let of_director = |director: &Host| {
        let mut all = director.addresses().filter(|ip| subnet.contains(ip));
        all.next()
    };
    if !several
        && let Some((director, gateway)) = cluster
            .directors()
            .find_map(|director| Some((director, of_director(director)?)))
    {
        return format!(
            "write `gateway: {gateway}`, the address of {} in its network",
            shown(&director.name)
        );
    }
    let mut given = BTreeSet::new();
    let apart: Vec<String> = cluster
        .directors()
        .filter(|h| of_director(h).is_none())
        .map(|director| {
            let interfaces = interfaces_with(view, director, &[subnet], &mut given);
            format!("{} {interfaces}", shown(&director.name))
        })
        .collect();
    if !apart.is_empty() {
        return format!(
            "first give the directors an interface in its network: {}",
            apart.join(", ")
        );
    }
    // The gateway that is named may be meant as the VIP that is missing.
    let meant = host.gateway.filter(|gateway| {
        subnet.contains(gateway) && !cluster.hosts.iter().any(|other| other.holds(*gateway))
    });
    let Some(vip) = meant.or_else(|| view.free(subnet, None, &[1, 254])) else {
        return general.to_owned();
    };
    let then = match (host.gateway, meant) {
        (None, _) | (_, Some(_)) => {
            "the directors then move it together, and it is the gateway without being named"
                .to_owned()
        }
        (Some(_), None) => {
            format!(
                "and write `gateway: {vip}`, which the directors move together with the service's"
            )
        }
    };
    let step = match cluster.vrrp.as_slice() {
        [] => return general.to_owned(),
        [only] => into_instance(view, only, vip),
        _ => {
            let id = (1..=255).find(|id| cluster.vrrp.iter().all(|i| i.virtual_router_id != *id));
            let names = cluster.vrrp.iter().map(|i| i.name.as_str());
            format!(
                "add an instance to `vrrp`: `{}: {{ virtual_router_id: {}, vips: {} }}`",
                free_address::name(&nic.network, names),
                id.unwrap_or(1),
                free_address::in_yaml(vip)
            )
        }
    };
    format!("{step}; {then}")
}

/// The fix that adds a VIP to the only instance.
fn into_instance(view: View<'_>, instance: &VrrpInstance, vip: IpAddr) -> String {
    const MOST: usize = 6;
    let vip = free_address::in_yaml(vip);
    if view.places.is_given(&view.vrrp_path(instance, &["vips"])) {
        return format!("add `{vip}` to `vips` of `vrrp`");
    }
    let prefix = |held: &crate::model::Vip| {
        let whole = if held.address.is_ipv4() { 32 } else { 128 };
        if held.prefix == whole {
            free_address::in_yaml(held.address)
        } else {
            free_address::in_yaml(format!("{}/{}", held.address, held.prefix))
        }
    };
    if instance.vips.len() > MOST {
        return format!("write `vips` in `vrrp`, with the VIPs of all services and `{vip}`");
    }
    let all: Vec<String> = instance.vips.iter().map(prefix).chain([vip]).collect();
    format!("write `vips: [{}]` in `vrrp`", all.join(", "))
}
