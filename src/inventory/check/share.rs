//! Services beside each other: no two may want the same packets, or the same mark.

use std::collections::BTreeMap;

use super::View;
use crate::inventory::model::Service;
use crate::inventory::problem::{Fault, shown};

pub fn services_do_not_overlap(view: View<'_>, faults: &mut Vec<Fault>) {
    let all = &view.cluster.services;
    for (index, service) in all.iter().enumerate() {
        for other in all.iter().take(index) {
            let Some(what) = overlap(service, other) else {
                continue;
            };
            let fault = Fault::new(format!(
                "{what} is asked for by service {} already",
                shown(&other.name)
            ))
            .help("make one service of both, or change a VIP or a port");
            faults.push(view.of(service, "port", fault));
        }
    }
}

/// What both would take: "192.168.100.200:80".
fn overlap(one: &Service, other: &Service) -> Option<String> {
    let vip = one
        .vips
        .iter()
        .find(|v| other.vips.iter().any(|o| o.address == v.address))?;
    if one.protocol != other.protocol {
        return None;
    }
    let socket = |port| std::net::SocketAddr::new(vip.address, port).to_string();
    if let Some(port) = one.ports.iter().find(|p| other.ports.contains(p)) {
        return Some(socket(*port));
    }
    let every = |s: &Service| s.ports.is_empty();
    // A service on port 0 takes what no other takes; but a mark on every port goes before all.
    match (every(one), every(other)) {
        (true, true) => Some(format!("every port of {}", vip.address)),
        (true, false) if one.fwmark.is_some() => other.ports.first().map(|p| socket(*p)),
        (false, true) if other.fwmark.is_some() => one.ports.first().map(|p| socket(*p)),
        _ => None,
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
