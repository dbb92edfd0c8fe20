//! Services that overlap: two that take the same packets, or the same mark.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::View;
use crate::diagnostic::{Fault, shown};
use crate::model::ports::PortRange;
use crate::model::{Protocol, Service};

/// A service by its number in the inventory, and ports that it takes of a VIP; none is every port.
type Taken = (usize, Option<PortRange>);

pub(super) fn services_do_not_overlap(view: View<'_>, faults: &mut Vec<Fault>) {
    let services = &view.cluster.services;
    let mut vips: BTreeMap<(IpAddr, Protocol), Vec<Taken>> = BTreeMap::new();
    for (number, service) in services.iter().enumerate() {
        let every = service.is_every_port().then_some((number, None));
        let ports = service.all_ports().into_iter().map(Some);
        let taken: Vec<Taken> = ports.map(|range| (number, range)).chain(every).collect();
        for vip in &service.vips {
            let key = (vip.address, service.protocol);
            vips.entry(key).or_default().extend(&taken);
        }
    }
    let marked = |number: usize| services.get(number).is_some_and(|s| s.fwmark.is_some());
    let mut reported: BTreeMap<(usize, usize), String> = BTreeMap::new();
    for ((vip, _), taken) in &vips {
        for (later, earlier, what) in overlaps(*vip, taken, marked) {
            reported.entry((later, earlier)).or_insert(what);
        }
    }
    for ((later, earlier), what) in reported {
        let (Some(service), Some(other)) = (services.get(later), services.get(earlier)) else {
            continue;
        };
        let fault = Fault::new(format!(
            "{what} is asked for by service {} already",
            shown(&other.name)
        ))
        .about(&other.name)
        .help("make one service of both, or change a VIP or a port");
        faults.push(view.of(service, "port", fault));
    }
}

/// Pairs of services that want the same packets to a VIP: who is to be changed, who was there before, and what both want.
fn overlaps(
    vip: IpAddr,
    taken: &[Taken],
    marked: impl Fn(usize) -> bool,
) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    let (every, mut ranges): (Vec<Taken>, Vec<Taken>) =
        taken.iter().partition(|(_, range)| range.is_none());
    let every: Vec<usize> = every.into_iter().map(|(number, _)| number).collect();
    for pair in every.windows(2) {
        if let [earlier, later] = pair {
            found.push((*later, *earlier, format!("every port of {vip}")));
        }
    }
    ranges.sort_by_key(|(number, range)| (*range, *number));
    let at = |port: u16| SocketAddr::new(vip, port).to_string();
    // A service on every port takes what no other takes; but a mark on every port goes before all.
    for number in every.into_iter().filter(|number| marked(*number)) {
        let mut others = BTreeSet::new();
        for (other, range) in &ranges {
            if let Some(range) = range.filter(|_| others.insert(*other)) {
                found.push((number, *other, at(range.first)));
            }
        }
    }
    let mut before: Option<(usize, PortRange)> = None;
    for (number, range) in ranges {
        let Some(range) = range else { continue };
        if let Some((other, reaches)) = before
            && other != number
            && let Some(both) = range.common(reaches)
        {
            found.push((number.max(other), number.min(other), at(both.first)));
        }
        if before.is_none_or(|(_, reaches)| range.last > reaches.last) {
            before = Some((number, range));
        }
    }
    found
}

pub(super) fn marks_are_distinct(view: View<'_>, faults: &mut Vec<Fault>) {
    let mut owners: BTreeMap<u32, &Service> = BTreeMap::new();
    for service in &view.cluster.services {
        let Some(mark) = service.fwmark else { continue };
        if let Some(other) = owners.insert(mark, service) {
            let fault = Fault::new(format!(
                "firewall mark {mark} ({mark:#x}) is the mark of service {} already",
                shown(&other.name)
            ))
            .about(&other.name)
            .help("give each service a different mark");
            faults.push(view.of(service, "fwmark", fault));
        }
    }
}
