//! Services: VIPs, real servers, persistence, health checks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Context, MOST_PORTS, MOST_SERVICES, MOST_VIPS};
use crate::inventory::field::{Many, Named, Opt};
use crate::inventory::model::{
    EndToEnd, HealthCheck, HealthCheckKind, Host, HttpAnswer, HttpVersion, MOST_REQUESTS, Mode,
    Persistence, RealServer, Service, SorryServer, StatusCodes, Vip,
};
use crate::inventory::problem::{Fault, shown};
use crate::inventory::raw::Inventory;
use crate::inventory::raw::health::{HealthCheck as RawHealth, LongHealthCheck};
use crate::inventory::raw::service::{
    EndToEnd as RawCheck, Granularity, Persistence as RawPersistence, RealServers,
    Service as RawService,
};
use crate::inventory::raw::word::{Address, Codes};

const DEFAULT_PERSISTENCE: u32 = 300;
const DEFAULT_DELAY_LOOP: u32 = 6;

pub fn services(
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
    let written = raw.services.get().into_iter().flat_map(Named::iter);
    written
        .filter_map(|(name, service)| resolve(name, service, &weights, hosts, keepalived, cx))
        .collect()
}

fn resolve(
    name: &str,
    raw: &RawService,
    weights: &BTreeMap<&str, HostWeight>,
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
    let ports = cx
        .required(
            &path("port"),
            &raw.port,
            "say which port clients ask for: `port: 80`",
        )
        .map(|many| many.iter().map(|(_, port)| port.0).collect::<Vec<_>>());
    let (vips, mut ports) = (vips?, ports?);
    for (key, listed) in [
        ("vip", raw.vip.get().map(|many| many.0.len())),
        ("port", raw.port.get().map(|many| many.0.len())),
    ] {
        if listed == Some(0) {
            let fault = Fault::new(format!("the list `{key}` is empty")).help("give at least one");
            cx.fault(&path(key), fault);
        }
    }
    if vips.is_empty() || ports.is_empty() {
        return None;
    }
    let few_vips = cx.at_most(&path("vip"), "VIPs", vips.len(), MOST_VIPS);
    if !cx.at_most(&path("port"), "ports", ports.len(), MOST_PORTS) || !few_vips {
        return None;
    }
    distinct_ports(name, raw, cx);
    ports.sort_unstable();
    ports.dedup();
    if ports.first() == Some(&0) {
        if ports.len() > 1 {
            let fault = Fault::new("port 0 is every port, so no other can stand beside it")
                .help("write `port: 0`, or just the ports that are meant");
            cx.fault(&path("port"), fault);
        }
        ports.clear();
    }
    let first_vip = vips.first()?.address;
    let mode = raw.mode.copied().map_or(Mode::Dr, |m| m.0);
    let fwmark = raw.fwmark.copied().map(|m| m.0);
    let real_servers = real_servers(name, raw, weights, hosts, first_vip, &ports, cx);
    let persistence = persistence(name, raw, first_vip, cx);
    let health_check = health_check(name, raw, keepalived, cx);
    let sorry_server = raw.sorry_server.copied().map(|sorry| SorryServer {
        address: sorry.0.address,
        port: sorry.0.port,
    });
    let check = check(raw.check.get(), &ports, &real_servers);
    Some(Service {
        name: name.to_owned(),
        vips,
        ports,
        protocol: raw.protocol.copied().map(|p| p.0).unwrap_or_default(),
        fwmark,
        mode,
        scheduler: raw.scheduler.copied().map(|s| s.0).unwrap_or_default(),
        scheduler_flags: raw
            .scheduler_flags
            .get()
            .map(|many| many.iter().map(|(_, flag)| flag.clone()).collect())
            .unwrap_or_default(),
        persistence,
        one_packet: raw.one_packet.copied().unwrap_or(false),
        real_servers,
        sorry_server,
        delay_loop: raw.delay_loop.copied().map_or(DEFAULT_DELAY_LOOP, |s| s.0),
        health_check,
        check,
    })
}

fn distinct_ports(name: &str, raw: &RawService, cx: &mut Context<'_>) {
    let mut seen = BTreeSet::new();
    for (index, port) in raw.port.get().into_iter().flat_map(Many::iter) {
        if !seen.insert(port.0) {
            let fault = Fault::new(format!("port {} stands twice in the list", port.0))
                .help("delete one of them");
            cx.fault(&["services", name, "port", &index.to_string()], fault);
        }
    }
}

pub fn vip(written: Address) -> Vip {
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
    let mut chosen: Vec<Chosen<'_>> = Vec::new();
    match &raw.real_servers {
        Opt::Absent => {
            chosen.extend(
                hosts
                    .iter()
                    .filter(|h| h.is_real_server())
                    .map(|host| Chosen {
                        host,
                        weight: None,
                        port: None,
                    }),
            )
        }
        Opt::Broken => {}
        Opt::Given(RealServers::List(list)) => {
            for (index, host) in list.iter() {
                let path = ["services", name, "real_servers", &index.to_string()];
                let Some(host) = real_server(&path, hosts, host, cx) else {
                    continue;
                };
                if chosen.iter().any(|c| c.host.name == host.name) {
                    let fault =
                        Fault::new(format!("{} stands twice in the list", shown(&host.name)))
                            .help("delete one; to give it more connections, raise its weight");
                    cx.fault(&path, fault);
                    continue;
                }
                chosen.push(Chosen {
                    host,
                    weight: None,
                    port: None,
                });
            }
        }
        Opt::Given(RealServers::Map(map)) => {
            for (host, own) in map.iter() {
                let path = ["services", name, "real_servers", host];
                let before = cx.faults.len();
                let found = real_server(&path, hosts, host, cx);
                if cx.faults.len() > before {
                    let span = cx.places.key(&path);
                    cx.faults
                        .iter_mut()
                        .skip(before)
                        .for_each(|f| f.span = Some(span));
                }
                let Some(host) = found else { continue };
                chosen.push(Chosen {
                    host,
                    weight: own.weight.copied().map(|w| w.0),
                    port: own.port.copied().map(|p| p.0),
                });
            }
        }
    }
    let mut all = Vec::new();
    for Chosen { host, weight, port } in chosen {
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
        // A port that is the service's own is none of its own.
        let port = port.filter(|p| ports != [*p]);
        all.push(RealServer {
            host: host.name.clone(),
            address,
            port,
            weight,
        });
    }
    all
}

fn real_server<'h>(
    path: &[&str],
    hosts: &'h [Host],
    name: &str,
    cx: &mut Context<'_>,
) -> Option<&'h Host> {
    let host = cx.host(path, hosts, name)?;
    if !host.is_real_server() {
        let fault = Fault::new(format!("{} is no real server", shown(name))).help(format!(
            "add the role: `{name}: {{ role: [{}, realserver] }}`",
            host.roles.join(", ")
        ));
        cx.fault(path, fault);
        return None;
    }
    Some(host)
}

fn of_family(host: &Host, vip: IpAddr) -> Option<IpAddr> {
    let all = host.interfaces.iter().flat_map(|i| &i.addresses);
    let mut fitting = std::iter::once(host.address).chain(all.map(|a| a.addr()));
    fitting.find(|a| a.is_ipv4() == vip.is_ipv4())
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

fn health_check(
    name: &str,
    raw: &RawService,
    keepalived: bool,
    cx: &mut Context<'_>,
) -> Option<HealthCheck> {
    let none = LongHealthCheck::default();
    let written = match &raw.health_check {
        Opt::Absent if keepalived => &none,
        Opt::Absent | Opt::Broken | Opt::Given(RawHealth::Off) => return None,
        Opt::Given(RawHealth::On(long)) => long,
    };
    let path = |key| ["services", name, "health_check", key];
    let given = [
        ("tcp", !written.tcp.is_absent()),
        ("http", !written.http.is_absent()),
        ("https", !written.https.is_absent()),
        ("script", !written.script.is_absent()),
    ];
    let mut kinds = given
        .iter()
        .filter(|(_, given)| *given)
        .map(|(kind, _)| *kind);
    if let (Some(first), Some(second)) = (kinds.next(), kinds.next()) {
        let fault = Fault::new(format!(
            "a health check is one of `{first}` and `{second}`, not both"
        ))
        .help(format!("delete `{second}`"));
        cx.fault_at_key(&path(second), fault);
    }
    let kind = if let Some(http) = written.http.get().or(written.https.get()) {
        let answer = HttpAnswer {
            path: http.path.get().cloned().unwrap_or_else(|| "/".to_owned()),
            status: codes(&http.status).unwrap_or_else(|| StatusCodes::one(200)),
            host: http.host.get().cloned(),
            text: http.text.get().cloned(),
            version: http
                .version
                .copied()
                .map_or_else(HttpVersion::default, |v| v.0),
        };
        if written.http.is_absent() {
            HealthCheckKind::Https(answer)
        } else {
            HealthCheckKind::Http(answer)
        }
    } else if let Some(script) = written.script.get() {
        let help = "name the program: `script: { path: /usr/local/bin/check }`";
        let program = cx.required(
            &["services", name, "health_check", "script", "path"],
            &script.path,
            help,
        )?;
        HealthCheckKind::Script {
            path: program.clone(),
            timeout: script.timeout.copied().map_or(5, |s| s.0),
        }
    } else {
        HealthCheckKind::Tcp
    };
    Some(HealthCheck {
        kind,
        port: written.port.copied().map(|p| p.0),
        connect_timeout: written.connect_timeout.copied().map_or(3, |n| n.0),
        retry: written.retry.copied().map_or(3, |n| n.0),
        delay_before_retry: written.delay_before_retry.copied().map_or(3, |n| n.0),
        rise: written.rise.copied().map_or(2, |n| n.0),
    })
}

fn codes(written: &Opt<Many<Codes>>) -> Option<StatusCodes> {
    let all = written.get()?.iter().map(|(_, codes)| codes.0.clone());
    StatusCodes::union(all)
}

fn check(raw: Option<&RawCheck>, ports: &[u16], real_servers: &[RealServer]) -> EndToEnd {
    let none = RawCheck::default();
    let raw = raw.unwrap_or(&none);
    let own = |known: &[u16]| {
        ports
            .iter()
            .copied()
            .filter(|p| known.contains(p))
            .collect()
    };
    let http = raw
        .http
        .get()
        .map(|many| many.iter().map(|(_, p)| p.0).collect());
    let https = raw
        .https
        .get()
        .map(|many| many.iter().map(|(_, p)| p.0).collect());
    EndToEnd {
        path: raw.path.get().cloned().unwrap_or_else(|| "/".to_owned()),
        status: codes(&raw.status),
        requests: raw
            .requests
            .copied()
            .map_or_else(|| requests(real_servers), |r| r.0),
        http: http.unwrap_or_else(|| own(&[80, 8000, 8080])),
        https: https.unwrap_or_else(|| own(&[443, 8443])),
    }
}

/// Twice round all real servers, each as often as its share of the weights.
fn requests(real_servers: &[RealServer]) -> u16 {
    let weights = || {
        real_servers
            .iter()
            .map(|r| u32::from(r.weight))
            .filter(|w| *w > 0)
    };
    let total: u32 = weights().sum();
    let least = weights().min().unwrap_or(1);
    let round = total.div_ceil(least);
    u16::try_from(2 * round).map_or(MOST_REQUESTS, |n| n.clamp(10, MOST_REQUESTS))
}
