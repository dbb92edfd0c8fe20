//! The real servers of a service: their hosts, addresses, ports and weights.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Context;
use super::health::not_empty;
use crate::diagnostic::{Fault, shown};
use crate::inventory::field::{Named, Opt};
use crate::inventory::raw::Inventory;
use crate::inventory::raw::service::{
    Chosen as RawChosen, Listed, RealServers, Service as RawService,
};
use crate::model::{Host, Mode, RealServer};

/// A host's weight in services that give none, and whether the host takes no connections at all.
#[derive(Clone, Copy)]
pub(super) struct HostWeight {
    weight: u16,
    drained: bool,
}

/// The weights that hosts have by themselves or by `defaults`. A host with `weight: 0` is in maintenance, whatever
/// services say of it; a default of 0 is not about one host.
pub(super) fn weights(raw: &Inventory) -> BTreeMap<&str, HostWeight> {
    let shared = raw.defaults.get().and_then(|d| d.weight.copied());
    let hosts = raw.hosts.get().into_iter().flat_map(Named::iter);
    hosts
        .filter_map(|(name, host)| {
            let own = host.weight.copied();
            let drained = own.is_some_and(|weight| weight.0 == 0);
            let weight = own.or(shared)?.0;
            Some((name, HostWeight { weight, drained }))
        })
        .collect()
}

/// A host that serves, with its settings here.
pub(super) struct Chosen<'h> {
    host: &'h Host,
    weight: Option<u16>,
    port: Option<u16>,
    /// Where it is written.
    path: Vec<String>,
}

pub(super) fn real_servers(
    name: &str,
    raw: &RawService,
    weights: &BTreeMap<&str, HostWeight>,
    hosts: &[Host],
    vip: IpAddr,
    ports: &[u16],
    cx: &mut Context<'_>,
) -> Vec<RealServer> {
    let top = ["services", name, "real_servers"].map(str::to_owned);
    let plain = |host, path| Chosen {
        host,
        weight: None,
        port: None,
        path,
    };
    let mut chosen: Vec<Chosen<'_>> = Vec::new();
    match &raw.real_servers {
        Opt::Absent => {
            let all = hosts.iter().filter(|h| h.is_real_server());
            // None of them can stand twice, so no place is needed.
            chosen.extend(all.map(|host| plain(host, Vec::new())));
        }
        Opt::Broken => {}
        Opt::Given(RealServers::List(list)) => {
            for (index, listed) in list.iter() {
                let path = [&top[..], &[index.to_string()]].concat();
                match listed {
                    Listed::Host(host) => {
                        let found = real_server(&borrowed(&path), hosts, host, cx);
                        chosen.extend(found.map(|host| plain(host, path)));
                    }
                    Listed::Own(own) => chosen.extend(with_own(&path, own, hosts, cx)),
                }
            }
        }
        Opt::Given(RealServers::Map(own)) => chosen.extend(with_own(&top, own, hosts, cx)),
    }
    let mut all: Vec<RealServer> = Vec::new();
    let mut known: BTreeSet<(&str, Option<u16>)> = BTreeSet::new();
    for Chosen {
        host,
        weight,
        port,
        path,
    } in chosen
    {
        let Some(address) = of_family(host, vip) else {
            family_fault(name, host, vip, cx);
            continue;
        };
        let of_host = weights.get(host.name.as_str());
        let weight = weight
            .or(of_host.map(|of_host| of_host.weight))
            .or(raw.weight.copied().map(|w| w.0))
            .unwrap_or(1);
        let weight = if of_host.is_some_and(|of_host| of_host.drained) {
            0
        } else {
            weight
        };
        let port = port.or(raw.real_port.copied().map(|p| p.0));
        // The service's port is no second one, and whether a faulty mode maps it is not known.
        let port = port.filter(|p| ports != [*p] && !raw.mode.is_broken());
        if !known.insert((host.name.as_str(), port)) {
            cx.fault(&borrowed(&path), twice(raw, host, port));
            continue;
        }
        all.push(RealServer {
            host: host.name.clone(),
            address,
            port,
            weight,
        });
    }
    all
}

pub(super) fn borrowed(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// Hosts with what they have of their own, one for each of their ports.
pub(super) fn with_own<'h>(
    above: &[String],
    own: &RawChosen,
    hosts: &'h [Host],
    cx: &mut Context<'_>,
) -> Vec<Chosen<'h>> {
    let mut chosen = Vec::new();
    for (name, entries) in own.iter() {
        let path = [above, &[name.to_owned()]].concat();
        let before = cx.faults.len();
        let found = real_server(&borrowed(&path), hosts, name, cx);
        let span = cx.places.key(&borrowed(&path));
        let new = cx.faults.iter_mut().skip(before);
        new.for_each(|fault| fault.span = Some(span));
        let Some(host) = found else { continue };
        if entries.0.is_empty() {
            let fault = Fault::new(format!("the list of {} is empty", shown(name)))
                .help("give at least one port, or write just the name of the host");
            cx.fault(&borrowed(&path), fault);
        }
        let many = entries.0.len() > 1;
        for (index, entry) in entries.iter() {
            let mut path = path.clone();
            if many {
                path.push(index.to_string());
            }
            let mut add = |port, path| {
                chosen.push(Chosen {
                    host,
                    weight: entry.weight.copied().map(|w| w.0),
                    port,
                    path,
                });
            };
            match entry.port.get() {
                None => add(None, path),
                Some(ports) => {
                    path.push("port".to_owned());
                    not_empty(&borrowed(&path), &entry.port, cx);
                    for (index, port) in ports.iter() {
                        add(Some(port.0), [&path[..], &[index.to_string()]].concat());
                    }
                }
            }
        }
    }
    chosen
}

/// The same real server once more.
pub(super) fn twice(raw: &RawService, host: &Host, port: Option<u16>) -> Fault {
    let name = shown(&host.name);
    let more = "to give it more connections, raise its weight";
    let maps_ports = raw.mode.copied().is_some_and(|mode| mode.0 == Mode::Nat);
    let help = if maps_ports && raw.fwmark.is_absent() {
        format!(
            "delete one; {more}; to use two ports of it, write `{}: {{ port: [8080, 8081] }}`",
            host.name
        )
    } else {
        format!("delete one; {more}")
    };
    let what = match port {
        Some(port) => format!("port {port} of {name} stands twice"),
        None => format!("{name} stands twice in the list"),
    };
    Fault::new(what).help(help)
}

pub(super) fn real_server<'h>(
    path: &[&str],
    hosts: &'h [Host],
    name: &str,
    cx: &mut Context<'_>,
) -> Option<&'h Host> {
    let host = cx.host(path, hosts, name)?;
    if !host.is_real_server() {
        cx.fault(path, no_real_server(host, hosts));
        return None;
    }
    Some(host)
}

/// The fault of a named host that has another role, with a fix that violates no rule of that role.
pub(super) fn no_real_server(host: &Host, hosts: &[Host]) -> Fault {
    const MOST: usize = 8;
    let fault = Fault::new(format!("{} is no real server", shown(&host.name)));
    let others: Vec<&str> = hosts
        .iter()
        .filter(|h| h.is_real_server() && !h.is_director())
        .map(|h| h.name.as_str())
        .collect();
    let beside = hosts.iter().any(|h| h.is_director() && h.name != host.name);
    let part = if host.is_director() && beside {
        "a director beside others, which cannot serve"
    } else if host.has_role("client") {
        "a client, which asks for the services"
    } else {
        return fault.help(format!(
            "add the role: `{}: {{ role: [{}, realserver] }}`",
            host.name,
            host.roles.join(", ")
        ));
    };
    let known = match others.len() {
        0 => "add hosts with `role: realserver`".to_owned(),
        n if n <= MOST => format!(
            "name hosts with the role `realserver`: {}; or leave `real_servers` out, which is all of them",
            others.join(", ")
        ),
        _ => "name hosts with the role `realserver`, or leave `real_servers` out, which is all of them"
            .to_owned(),
    };
    fault.help(format!("it is {part}: {known}"))
}

pub(super) fn of_family(host: &Host, vip: IpAddr) -> Option<IpAddr> {
    host.addresses().find(|a| a.is_ipv4() == vip.is_ipv4())
}

pub(super) fn family_fault(service: &str, host: &Host, vip: IpAddr, cx: &mut Context<'_>) {
    let family = if vip.is_ipv4() { "IPv4" } else { "IPv6" };
    let fault = Fault::new(format!(
        "VIP {vip} is {family}, but real server {} has no {family} address",
        shown(&host.name)
    ))
    .about(&host.name)
    .help(format!(
        "give the host one as well (`address: [{}, ...]`), or leave it out of `real_servers`",
        host.address
    ));
    cx.fault(&["services", service, "vip"], fault);
}
