//! Services: VIPs, real servers, persistence, health checks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::health::{Serving, check, health_check, not_empty};
use super::real_server::{HostWeight, real_servers, weights};
use super::{Context, MOST_MARKED_PORTS, MOST_PORTS, MOST_SERVICES, MOST_VIPS};
use crate::diagnostic::Fault;
use crate::inventory::field::{Many, Named, Opt};
use crate::inventory::raw::Inventory;
use crate::inventory::raw::service::{
    Granularity, Persistence as RawPersistence, Service as RawService,
};
use crate::inventory::raw::word::Address;
use crate::model::ports::{self, PortRange};
use crate::model::{Host, MOST_ASKED, Mode, Persistence, Service, SorryServer, Vip};

const DEFAULT_PERSISTENCE: u32 = 300;

const DEFAULT_DELAY_LOOP: u32 = 6;

pub(super) fn services(
    raw: &Inventory,
    hosts: &[Host],
    keepalived: bool,
    cx: &mut Context<'_>,
) -> Vec<Service> {
    let written = raw.services.get().map_or(&[][..], |services| &services.0);
    if !cx.at_most(&["services"], "services", written.len(), MOST_SERVICES) {
        return Vec::new();
    }
    let weights = weights(raw);
    let mut marks = free_marks(raw);
    let written = raw.services.get().into_iter().flat_map(Named::iter);
    written
        .filter_map(|(name, service)| {
            // Hints to several services name a different mark for each.
            let free_mark = if needs_mark(service) {
                marks.next()
            } else {
                None
            };
            let free_mark = free_mark.unwrap_or(1);
            resolve(name, service, &weights, free_mark, hosts, keepalived, cx)
        })
        .collect()
}

/// Marks that no service has.
fn free_marks(raw: &Inventory) -> impl Iterator<Item = u32> {
    let services = raw.services.get().into_iter().flat_map(Named::iter);
    let taken: BTreeSet<u32> = services
        .filter_map(|(_, service)| Some(service.fwmark.copied()?.0))
        .collect();
    (1..).filter(move |mark| !taken.contains(mark))
}

fn needs_mark(service: &RawService) -> bool {
    let ports = || service.port.get().into_iter().flat_map(Many::iter);
    let ranges = ports().any(|(_, port)| !port.0.is_single());
    service.fwmark.is_absent() && (ranges || ports().count() > MOST_PORTS)
}

fn resolve(
    name: &str,
    raw: &RawService,
    weights: &BTreeMap<&str, HostWeight>,
    free_mark: u32,
    hosts: &[Host],
    keepalived: bool,
    cx: &mut Context<'_>,
) -> Option<Service> {
    let path = |key| ["services", name, key];
    let vips = cx
        .required(
            &path("vip"),
            &raw.vip,
            "say which address clients ask for: `vip: ‹vip›`",
        )
        .map(|many| many.iter().map(|(_, text)| vip(text.0)).collect::<Vec<_>>());
    let written = cx
        .required(
            &path("port"),
            &raw.port,
            "say which port clients ask for: `port: 80`",
        )
        .map(|many| many.iter().map(|(_, port)| port.0).collect::<Vec<_>>());
    let (vips, written) = (vips?, written?);
    not_empty(&path("vip"), &raw.vip, cx);
    not_empty(&path("port"), &raw.port, cx);
    if vips.is_empty() || written.is_empty() {
        return None;
    }
    let few_vips = cx.at_most(&path("vip"), "VIPs", vips.len(), MOST_VIPS);
    let marked = !raw.fwmark.is_absent();
    if !few_ports(name, written.len(), marked, free_mark, cx) || !few_vips {
        return None;
    }
    distinct_ports(name, raw, cx);
    if !marked {
        no_ranges(name, raw, free_mark, cx);
    }
    let (ports, port_ranges) = divided(&written, marked);
    let every = PortRange::single(0);
    if written.contains(&every) && written.iter().any(|port| *port != every) {
        let fault = Fault::new("port 0 is every port, so no other can stand beside it")
            .help("write `port: 0`, or just the ports that are meant");
        cx.fault(&path("port"), fault);
    }
    let first_vip = vips.first()?.address;
    let mode = raw.mode.copied().map_or(Mode::Dr, |m| m.0);
    let fwmark = raw.fwmark.copied().map(|m| m.0);
    let real_servers = real_servers(name, raw, weights, hosts, first_vip, &ports, cx);
    let host_of = |address: IpAddr| {
        let has = |host: &&Host| host.holds(address) && !host.is_director();
        hosts.iter().find(has).map(|host| host.name.clone())
    };
    let persistence = persistence(name, raw, first_vip, cx);
    let health_check = health_check(name, raw, keepalived, cx);
    let sorry_server = raw.sorry_server.get().and_then(|sorry| {
        let help =
            "say who answers when no real server is left: `sorry_server: { address: ‹host› }`";
        let path = ["services", name, "sorry_server", "address"];
        let address = cx.required(&path, &sorry.address, help)?.0.0;
        let port = sorry.port.copied().map(|port| port.0);
        Some(SorryServer {
            address,
            host: host_of(address),
            // The service's port is no second one.
            port: port.filter(|port| ports != [*port]),
        })
    });
    // Those that the health check asks speak something too.
    let served = real_servers.iter().filter_map(|real| real.port);
    let further: BTreeSet<u16> = served
        .chain(health_check.as_ref().and_then(|check| check.port))
        .collect();
    let serving = Serving {
        ports: &ports,
        ranges: &port_ranges,
        further,
        real_servers: &real_servers,
    };
    let check = check(name, raw.check.get(), &serving, cx);
    Some(Service {
        name: name.to_owned(),
        vips,
        ports,
        port_ranges,
        protocol: raw.protocol.copied().map(|p| p.0).unwrap_or_default(),
        fwmark,
        mode,
        scheduler: raw.scheduler.copied().map(|s| s.0).unwrap_or_default(),
        scheduler_flags: Some(&raw.scheduler_flags)
            .filter(|_| !raw.scheduler.is_broken())
            .and_then(Opt::get)
            .map(|many| many.iter().map(|(_, flag)| flag.clone()).collect())
            .unwrap_or_default(),
        persistence,
        // Of a protocol that is faulty it is not known whether this fits.
        one_packet: raw.one_packet.copied().unwrap_or(false) && !raw.protocol.is_broken(),
        real_servers,
        sorry_server,
        delay_loop: raw.delay_loop.copied().map_or(DEFAULT_DELAY_LOOP, |s| s.0),
        health_check,
        check,
        clients: raw
            .clients
            .get()
            .map(|many| many.iter().map(|(_, net)| net.0.0).collect())
            .unwrap_or_default(),
    })
}

/// Checks the number of ports against its bound; more ports are a fault.
fn few_ports(name: &str, found: usize, marked: bool, free_mark: u32, cx: &mut Context<'_>) -> bool {
    let path = ["services", name, "port"];
    if marked || found <= MOST_PORTS || found > MOST_MARKED_PORTS {
        return cx.at_most(
            &path,
            "ports",
            found,
            if marked {
                MOST_MARKED_PORTS
            } else {
                MOST_PORTS
            },
        );
    }
    let fault = Fault::new(format!(
        "{found} ports, at most {MOST_PORTS} are taken without a firewall mark, since each is a virtual service"
    ))
    .help(format!(
        "add a firewall mark, such as `fwmark: {free_mark}`, which makes one service of all of them"
    ));
    cx.fault_at_key(&path, fault);
    false
}

/// The single ports and the ranges of a service, sorted; neither for port 0. A mark may have hundreds of ports, so
/// consecutive ports of a long list become a range.
fn divided(written: &[PortRange], marked: bool) -> (Vec<u16>, Vec<PortRange>) {
    if written.contains(&PortRange::single(0)) {
        return (Vec::new(), Vec::new());
    }
    let (single, mut ranges): (Vec<PortRange>, Vec<PortRange>) =
        written.iter().partition(|range| range.is_single());
    let mut single: Vec<u16> = single.iter().map(|range| range.first).collect();
    single.sort_unstable();
    single.dedup();
    if marked && single.len() > MOST_ASKED {
        let (alone, runs) = ports::runs(&single);
        single = alone;
        ranges.extend(runs);
    }
    ranges.sort_unstable();
    ranges.dedup();
    (single, ranges)
}

/// Each port is in one entry of the list alone.
fn distinct_ports(name: &str, raw: &RawService, cx: &mut Context<'_>) {
    let written = raw.port.get().into_iter().flat_map(Many::iter);
    let mut all: Vec<(PortRange, usize)> = written.map(|(index, port)| (port.0, index)).collect();
    all.sort_unstable();
    let mut before: Option<(PortRange, usize)> = None;
    for (range, index) in all {
        let Some((other, first)) = before else {
            before = Some((range, index));
            continue;
        };
        if range.common(other).is_some() {
            let (later, earlier) = if index > first {
                (range, other)
            } else {
                (other, range)
            };
            let message = if range.is_single() && other.is_single() {
                format!("port {range} stands twice in the list")
            } else {
                format!("ports {later} and {earlier} of the list overlap")
            };
            let place = index.max(first).to_string();
            let fault = Fault::new(message).help("delete one of them");
            cx.fault(&["services", name, "port", &place], fault);
        }
        if range.last >= other.last {
            before = Some((range, index));
        }
    }
}

/// IPVS knows single ports, every port, and marks.
fn no_ranges(name: &str, raw: &RawService, free_mark: u32, cx: &mut Context<'_>) {
    let written = raw.port.get().into_iter().flat_map(Many::iter);
    let mut ranges = written.filter(|(_, port)| !port.0.is_single());
    let Some((index, range)) = ranges.next() else {
        return;
    };
    let fault = Fault::new(format!(
        "the range of ports {} needs a firewall mark: without one, a service of IPVS has one port",
        range.0
    ))
    .help(format!(
        "add a firewall mark, such as `fwmark: {free_mark}`; and `persistence`, where a client's connections belong together"
    ));
    cx.fault(&["services", name, "port", &index.to_string()], fault);
}

pub(super) fn vip(written: Address) -> Vip {
    let widest = if written.address.is_ipv4() { 32 } else { 128 };
    Vip {
        address: written.address,
        prefix: written.prefix.unwrap_or(widest),
    }
}

fn persistence(
    name: &str,
    raw: &RawService,
    vip: IpAddr,
    cx: &mut Context<'_>,
) -> Option<Persistence> {
    let widest = if vip.is_ipv4() { 32 } else { 128 };
    let (timeout, granularity) = match *raw.persistence.get()? {
        RawPersistence::Switch(false) => return None,
        RawPersistence::Switch(true) => (None, None),
        RawPersistence::Timeout(seconds) => (Some(seconds), None),
        RawPersistence::Long {
            timeout,
            granularity,
        } => (timeout, granularity),
    };
    let prefix = match granularity {
        None => Some(widest),
        Some(Granularity::Prefix(prefix)) => Some(prefix).filter(|p| (1..=widest).contains(p)),
        Some(Granularity::V4Prefix(prefix)) => Some(prefix).filter(|p| *p > 0 && vip.is_ipv4()),
    };
    if prefix.is_none() {
        let example = if vip.is_ipv4() {
            "255.255.255.0 or 24"
        } else {
            "64"
        };
        let fault = Fault::new(format!("this granularity does not fit VIP {vip}")).help(format!(
            "expected a prefix length from 1 to {widest}, such as {example}"
        ));
        cx.fault(&["services", name, "persistence", "granularity"], fault);
    }
    Some(Persistence {
        timeout: timeout.map_or(DEFAULT_PERSISTENCE, |t| t.0),
        granularity: prefix.unwrap_or(widest),
    })
}
