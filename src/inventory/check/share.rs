//! Services beside each other: no two may want the same packets, or the same mark.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::View;
use crate::inventory::model::{Protocol, Service};
use crate::inventory::problem::{Fault, shown};

/// What a service takes: a VIP, a protocol, and a port; None is every port.
type Taken = (IpAddr, Protocol, Option<u16>);

pub fn services_do_not_overlap(view: View<'_>, faults: &mut Vec<Fault>) {
    let mut owners: BTreeMap<Taken, &Service> = BTreeMap::new();
    let mut reported: BTreeSet<(&str, &str)> = BTreeSet::new();
    let report = |service: &Service, other: &Service, what: String, faults: &mut Vec<Fault>| {
        let fault = Fault::new(format!(
            "{what} is asked for by service {} already",
            shown(&other.name)
        ))
        .help("make one service of both, or change a VIP or a port");
        faults.push(view.of(service, "port", fault));
    };
    for service in &view.cluster.services {
        for taken in taken(service) {
            let Some(other) = owners.get(&taken) else {
                owners.insert(taken, service);
                continue;
            };
            if other.name != service.name && reported.insert((&service.name, &other.name)) {
                report(service, other, describe(taken), faults);
            }
        }
    }
    // A service on every port takes what no other takes; but a mark on every port goes before all.
    for ((vip, protocol, port), other) in &owners {
        let Some(port) = port else { continue };
        let Some(every) = owners.get(&(*vip, *protocol, None)) else {
            continue;
        };
        if every.fwmark.is_some() && reported.insert((&every.name, &other.name)) {
            report(
                every,
                other,
                describe((*vip, *protocol, Some(*port))),
                faults,
            );
        }
    }
}

fn taken(service: &Service) -> impl Iterator<Item = Taken> {
    let ports = || service.ports.iter().copied().map(Some);
    let every = service.ports.is_empty().then_some(None);
    service.vips.iter().flat_map(move |vip| {
        ports()
            .chain(every)
            .map(move |port| (vip.address, service.protocol, port))
    })
}

fn describe((vip, _, port): Taken) -> String {
    match port {
        Some(port) => SocketAddr::new(vip, port).to_string(),
        None => format!("every port of {vip}"),
    }
}

pub fn marks_are_distinct(view: View<'_>, faults: &mut Vec<Fault>) {
    let mut owners: BTreeMap<u32, &Service> = BTreeMap::new();
    for service in &view.cluster.services {
        let Some(mark) = service.fwmark else { continue };
        if let Some(other) = owners.insert(mark, service) {
            let fault = Fault::new(format!(
                "firewall mark {mark} ({mark:#x}) is the mark of service {} already",
                shown(&other.name)
            ))
            .help("give each service a mark of its own");
            faults.push(view.of(service, "fwmark", fault));
        }
    }
}
