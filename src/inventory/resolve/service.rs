//! Services: VIPs, real servers, persistence, health checks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::health::{Serving, check, health_check, not_empty};
use super::{Context, MOST_MARKED_PORTS, MOST_PORTS, MOST_SERVICES, MOST_VIPS};
use crate::inventory::field::{Many, Named, Opt};
use crate::inventory::model::{
    Host, MOST_ASKED, Mode, Persistence, RealServer, Service, SorryServer, Vip,
};
use crate::inventory::problem::{Fault, shown};
use crate::inventory::raw::Inventory;
use crate::inventory::raw::service::{
    Chosen as RawChosen, Granularity, Listed, Persistence as RawPersistence, RealServers,
    Service as RawService,
};
use crate::inventory::raw::word::Address;
use crate::ports::{self, PortRange};

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
            // Hints to several services name a mark of its own for each.
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
            "say which address clients ask for: `vip: 192.168.100.200`",
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
        let help = "say who answers when no real server is left: `sorry_server: { address: 192.168.100.14 }`";
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
    })
}

/// Whether there are no more ports than are taken.
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

/// What is written as single ports and ranges, sorted; neither for port 0. A mark may have hundreds of ports: in a long list
/// those that follow one another are a range.
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

/// What a host's weight is where a service says nothing, and whether the host takes no connections at all.
#[derive(Clone, Copy)]
struct HostWeight {
    weight: u16,
    drained: bool,
}

/// The weights that hosts have by themselves or by `defaults`. A host with `weight: 0` is in maintenance, whatever
/// services say of it; a default of 0 is not about one host.
fn weights(raw: &Inventory) -> BTreeMap<&str, HostWeight> {
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

/// A host that serves, with what it has of its own here.
struct Chosen<'h> {
    host: &'h Host,
    weight: Option<u16>,
    port: Option<u16>,
    /// Where it is written.
    path: Vec<String>,
}

fn real_servers(
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

fn borrowed(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// Hosts with what they have of their own, one for each of their ports.
fn with_own<'h>(
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
fn twice(raw: &RawService, host: &Host, port: Option<u16>) -> Fault {
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

fn real_server<'h>(
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

/// A host is named that has another part: what to write so that no rule of its own part is broken next.
fn no_real_server(host: &Host, hosts: &[Host]) -> Fault {
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

fn of_family(host: &Host, vip: IpAddr) -> Option<IpAddr> {
    host.addresses().find(|a| a.is_ipv4() == vip.is_ipv4())
}

fn family_fault(service: &str, host: &Host, vip: IpAddr, cx: &mut Context<'_>) {
    let family = if vip.is_ipv4() { "IPv4" } else { "IPv6" };
    let fault = Fault::new(format!(
        "VIP {vip} is {family}, but real server {} has no {family} address",
        shown(&host.name)
    ))
    .help(format!(
        "give the host one as well (`address: [{}, ...]`), or leave it out of `real_servers`",
        host.address
    ));
    cx.fault(&["services", service, "vip"], fault);
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
