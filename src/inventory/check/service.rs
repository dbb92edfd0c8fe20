//! One service: ports, persistence, forwarding mode, real servers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::View;
use crate::diagnostic::{Fault, choices, listed, shown};
use crate::model::{Host, Mode, Protocol, RealServer, Scheduler, Service, Vip};

/// Persistence alone makes sense of a service on every port.
pub(super) fn ports_and_persistence(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        if service.is_every_port() && service.persistence.is_none() {
            let fault = Fault::new("port 0 (every port) needs persistence")
                .help("add `persistence: true`, or say which ports are meant");
            faults.push(view.of(service, "port", fault));
        }
    }
}

/// The path of the port of a real server: below its host in the map or in an entry of the list, which may have an
/// entry for each port; else it is the service's.
fn port_path(view: View<'_>, service: &Service, real: &RealServer) -> Vec<String> {
    let top = ["services", &service.name, "real_servers"].map(str::to_owned);
    let below = |path: &[String], key: &str| [path, &[key.to_owned()]].concat();
    let given = |path: &[String]| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        view.places.is_given(&path)
    };
    // The paths of the entries of a list.
    let entries = |path: &[String]| {
        let path = path.to_vec();
        (0..)
            .map(move |index: usize| below(&path, &index.to_string()))
            .take_while(|entry| given(entry))
            .collect::<Vec<_>>()
    };
    let mut above = vec![top.to_vec()];
    above.extend(entries(&top));
    for above in above {
        let host = below(&above, &real.host);
        let mut places = vec![host.clone()];
        places.extend(entries(&host));
        let ports = places.into_iter().map(|place| below(&place, "port"));
        if let Some(port) = ports.into_iter().find(|port| given(port)) {
            return port;
        }
    }
    ["services", &service.name, "real_port"]
        .map(str::to_owned)
        .to_vec()
}

/// The reason why the ports of a service cannot be mapped to this one, for real servers and for a sorry server.
pub(super) fn unmapped(service: &Service, port: u16) -> Option<String> {
    if service.fwmark.is_some() {
        return Some("a service of a firewall mark cannot map ports".to_owned());
    }
    if service.ports.len() != 1 {
        return Some(format!("several ports cannot all be mapped to {port}"));
    }
    let mode = <&str>::from(service.mode);
    (service.mode != Mode::Nat).then(|| format!("`{mode}` cannot map the service's port to {port}"))
}

pub(super) fn port_mapping(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        // One mistake is one message, whoever is concerned.
        let mut mapped: BTreeMap<Vec<String>, (u16, Vec<&str>)> = BTreeMap::new();
        for real in &service.real_servers {
            let Some(port) = real.port else { continue };
            let path = port_path(view, service, real);
            let (_, hosts) = mapped.entry(path).or_insert((port, Vec::new()));
            if !hosts.contains(&real.host.as_str()) {
                hosts.push(&real.host);
            }
        }
        for (path, (port, hosts)) in mapped {
            let Some(what) = unmapped(service, port) else {
                continue;
            };
            let key = path.last().map_or("real_port", String::as_str);
            let own = match service.ports.as_slice() {
                [one] if service.port_ranges.is_empty() => format!("port {one}"),
                _ => "the ports that clients ask for".to_owned(),
            };
            let plain = format!("delete `{key}`, and let {} listen on {own}", listed(&hosts));
            let help = if service.fwmark.is_some() || service.is_every_port() {
                plain
            } else if service.ports.len() != 1 && service.mode == Mode::Nat {
                format!("{plain}; or make each port a separate service, which maps it")
            } else if service.ports.len() != 1 {
                format!("{plain}; a service of one port maps it with `mode: nat`")
            } else {
                format!("{plain}; or use `mode: nat`, which maps ports")
            };
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            faults.push(view.at(&path, Fault::new(what).help(help)));
        }
    }
}

/// VIPs and those who serve them are of one family.
pub(super) fn families(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let Some(first) = service.vips.first().map(|v| v.address) else {
            continue;
        };
        let differs = |v: &&Vip| v.address.is_ipv4() != first.is_ipv4();
        if let Some(other) = service.vips.iter().find(differs) {
            let fault = Fault::new(format!(
                "VIPs {first} and {} are of two families",
                other.address
            ))
            .help("make a service for IPv4 and another for IPv6");
            faults.push(view.of(service, "vip", fault));
        }
        if let Some(sorry) = &service.sorry_server
            && sorry.address.is_ipv4() != first.is_ipv4()
        {
            let family = if first.is_ipv4() { "IPv4" } else { "IPv6" };
            let fault = Fault::new(format!(
                "the VIP is {family}, but sorry server {} is not",
                sorry.address
            ))
            .help(format!("give the sorry server's {family} address"));
            faults.push(view.of(service, "sorry_server", fault));
        }
    }
}

pub(super) fn flags(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let known: &[&str] = match service.scheduler {
            Scheduler::Sh => &["sh-fallback", "sh-port", "flag-1", "flag-2", "flag-3"],
            Scheduler::Mh => &["mh-fallback", "mh-port", "flag-1", "flag-2", "flag-3"],
            _ => &[],
        };
        for (index, flag) in service.scheduler_flags.iter().enumerate() {
            if known.contains(&flag.as_str()) {
                continue;
            }
            let fault = if known.is_empty() {
                Fault::new("this scheduler takes no flags").help("only `sh` and `mh` take flags")
            } else {
                Fault::new(format!("unknown flag {}", shown(flag))).help(choices(flag, known))
            };
            let path = [
                "services",
                service.name.as_str(),
                "scheduler_flags",
                &index.to_string(),
            ];
            faults.push(view.at(&path, fault));
        }
    }
}

pub(super) fn one_packet(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in view.cluster.services.iter().filter(|s| s.one_packet) {
        if service.protocol != Protocol::Udp {
            let change = if view.gives(service, &["protocol"]) {
                "change `protocol` to `udp`"
            } else {
                "add `protocol: udp`"
            };
            let fault = Fault::new("`one_packet` schedules UDP packets, but the service is TCP")
                .help(format!("{change}, or delete `one_packet`"));
            faults.push(view.of(service, "one_packet", fault));
        }
    }
}

/// Direct routing changes only the MAC address, so director and real server share a network.
pub(super) fn same_segment(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let dr = || cluster.services.iter().filter(|s| s.mode == Mode::Dr);
    let mut reals: BTreeMap<(&str, IpAddr), &Service> = BTreeMap::new();
    for service in dr() {
        let real = service.real_servers.iter();
        let real = real.map(|real| (real.host.as_str(), real.address));
        let sorry = service.sorry_server.iter();
        let sorry = sorry.filter_map(|sorry| Some((sorry.host.as_deref()?, sorry.address)));
        for place in real.chain(sorry) {
            reals.entry(place).or_insert(service);
        }
    }
    let directors: Vec<&Host> = cluster.directors().collect();
    for host in &cluster.hosts {
        for interface in &host.interfaces {
            let mut own = interface
                .addresses
                .iter()
                .map(|a| (host.name.as_str(), a.addr()));
            let Some(service) = own.find_map(|key| reals.get(&key)) else {
                continue;
            };
            let apart = |d: &&&Host| !d.interfaces.iter().any(|i| i.network == interface.network);
            if let Some(director) = directors.iter().find(apart) {
                let fault = Fault::new(format!(
                    "direct routing cannot reach {}: it is in network {}, director {} is not",
                    shown(&host.name),
                    shown(&interface.network),
                    shown(&director.name)
                ))
                .about(&host.name)
                .help("put both into one network, or use `mode: tun`");
                faults.push(view.of(service, "mode", fault));
            }
        }
    }
}

pub(super) fn have_real_servers(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        if service.real_servers.is_empty() {
            let fault = Fault::new(format!(
                "service {} has no real servers",
                shown(&service.name)
            ))
            .help("give hosts the role `realserver`, or list them in `real_servers`");
            faults.push(view.at_key(&["services", &service.name], fault));
        } else if service.real_servers.iter().all(|r| r.weight == 0) {
            let fault = Fault::new(format!(
                "all real servers of service {} have weight 0, so none gets connections",
                shown(&service.name)
            ))
            .help("give one of them a weight of 1 or more");
            // keepalived refuses its whole configuration: its quorum of 1 is more than all weights.
            let fault = if view.cluster.keepalived {
                fault
            } else {
                fault.warning()
            };
            faults.push(view.at_key(&["services", &service.name], fault));
        }
    }
}
