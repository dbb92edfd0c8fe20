//! Addresses that must be in a network of the directors: VIPs, and sorry servers of DR.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::View;
use super::sorry;
use super::vips::{Vip, vips_of};
use crate::diagnostic::{Fault, listed, shown};
use crate::model::{Host, Mode, Network};

/// VIPs that a director would hold on an interface in another network, where clients of the VIP's own do not find it. One
/// that routers lead to the directors is written with its prefix, /32 or /128.
pub(super) fn vips(view: View<'_>, faults: &mut Vec<Fault>) {
    for held in vips_of(view) {
        let (vip, holders) = (held.address, holders(view, &held));
        let apart: Vec<&Host> = holders
            .iter()
            .copied()
            .filter(|host| host.facing(vip).is_none())
            .collect();
        let Some((network, subnet)) = network_of(view, vip) else {
            continue;
        };
        let path: Vec<&str> = held.path.iter().map(String::as_str).collect();
        // A single VIP may stand without a list.
        let alone = path.split_last().map_or(&path[..], |(_, above)| above);
        let written = view.places.text(&path).or(view.places.text(alone));
        let routed = written.is_some_and(|text| text.contains('/'));
        if apart.is_empty() || routed {
            continue;
        }
        let names: Vec<&str> = apart.iter().map(|host| host.name.as_str()).collect();
        let fault = Fault::new(format!(
            "VIP {vip} is in network {}, but {}, which would hold it, {} no address there",
            shown(network),
            listed(&names),
            if names.len() == 1 { "has" } else { "have" }
        ))
        .help(elsewhere(view, vip, &holders, (network, subnet), &names))
        .warning();
        faults.push(view.at(&path, fault));
    }
}

fn network_of<'c>(view: View<'c>, vip: IpAddr) -> Option<(&'c str, IpNet)> {
    let nets = |network: &'c Network| network.subnets.iter().map(move |net| (network, *net));
    let mut all = view.cluster.networks.iter().flat_map(nets);
    let (network, net) = all.find(|(_, net)| net.contains(&vip))?;
    Some((&network.name, net))
}

/// The directors that would hold a VIP.
fn holders<'c>(view: View<'c>, vip: &Vip<'c>) -> Vec<&'c Host> {
    let cluster = view.cluster;
    let holds = |host: &&Host| match vip.instance {
        Some(instance) => instance.member(host).is_some(),
        // That no instance holds it is a separate fault.
        None => cluster.vrrp.is_empty(),
    };
    cluster.directors().filter(holds).collect()
}

/// The fix: a VIP that the directors can hold, or the address that they lack for this one.
fn elsewhere(
    view: View<'_>,
    vip: IpAddr,
    holders: &[&Host],
    (network, subnet): (&str, IpNet),
    apart: &[&str],
) -> String {
    let whole = if vip.is_ipv4() { 32 } else { 128 };
    let routed = format!("where routers lead its packets to the directors, write `{vip}/{whole}`");
    let there = format!(
        "give {} an interface in {} ({subnet})",
        listed(apart),
        shown(network)
    );
    let shared = holders.first().and_then(|first| {
        let nets = first.interfaces.iter().flat_map(|nic| &nic.addresses);
        let mut nets = nets.filter(|net| net.addr().is_ipv4() == vip.is_ipv4());
        nets.find(|net| holders.iter().all(|h| h.facing(net.addr()).is_some()))
    });
    let free = shared.and_then(|net| view.free(net.trunc(), None, &[200, 100, 201]));
    match free {
        Some(free) if apart.len() == holders.len() => {
            format!("choose a VIP of their own network, such as {free}, or {there}; {routed}")
        }
        _ => format!("{there}; {routed}"),
    }
}

/// Direct routing reaches hosts on the same link only. A sorry server that is no host of the inventory may be elsewhere.
pub(super) fn sorry_servers(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let vips: BTreeSet<IpAddr> = cluster.service_vips().into_iter().collect();
    for service in cluster.services.iter().filter(|s| s.mode == Mode::Dr) {
        let Some(sorry) = &service.sorry_server else {
            continue;
        };
        let own = cluster.is_through_a_director(sorry.address);
        if sorry.host.is_some() || sorry.address.is_loopback() || own {
            continue;
        }
        // That it is a VIP, or of another family, is a separate fault.
        let is_vip = vips.contains(&sorry.address);
        let same_family = service
            .vips
            .iter()
            .all(|vip| vip.address.is_ipv4() == sorry.address.is_ipv4());
        let Some(director) = cluster
            .directors()
            .find(|h| h.facing(sorry.address).is_none())
        else {
            continue;
        };
        if is_vip || !same_family {
            continue;
        }
        let fault = Fault::new(format!(
            "direct routing cannot reach the sorry server {}: it is in no network of director {}",
            sorry.address,
            shown(&director.name)
        ))
        .about(&director.name)
        .help(sorry::instead(view, service));
        faults.push(view.of(service, "sorry_server", fault));
    }
}
