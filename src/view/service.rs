//! Virtual services as directors have them: for the kernel, for keepalived, and the marks and modules that they need.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Serialize;

use super::{body, checker, checks};
use crate::model::{
    Cluster, Definition, Destination, HealthCheck, HealthCheckKind, Mode, RealServer, Scheduler,
    Service, Virtual, ports,
};
use crate::resource::ipvs::Ipvs;
use crate::resource::mark::Mark;

/// A service with its virtual servers beside it, since keepalived has one block for each.
#[derive(Debug, Serialize)]
pub(super) struct OfService<'c> {
    #[serde(flatten)]
    service: &'c Service,
    virtuals: Vec<VirtualServer>,
    granularity: Option<String>,
    body_regex: Option<String>,
}

pub(super) fn of_service(service: &Service) -> OfService<'_> {
    let virtuals = virtuals(service).into_iter();
    OfService {
        service,
        virtuals: virtuals.map(|to| virtual_server(service, to)).collect(),
        granularity: granularity(service),
        body_regex: body_regex(service),
    }
}

/// As keepalived takes it: a netmask for IPv4, a prefix length for IPv6, nothing where each client counts for itself.
fn granularity(service: &Service) -> Option<String> {
    let prefix = service.persistence?.granularity;
    let v6 = service.vips.iter().any(|vip| vip.address.is_ipv6());
    match (v6, prefix) {
        (false, 32) | (true, 128) => None,
        (true, prefix) => Some(prefix.to_string()),
        (false, prefix) => {
            let net = ipnet::Ipv4Net::new(Ipv4Addr::UNSPECIFIED, prefix).ok()?;
            Some(net.netmask().to_string())
        }
    }
}

fn body_regex(service: &Service) -> Option<String> {
    let page = service.health_check.as_ref()?.kind.page()?;
    page.text.as_deref().map(body::regex)
}

/// A virtual service in keepalived's words.
#[derive(Debug, Serialize)]
struct VirtualServer {
    head: String,
    /// Whether it is on a mark.
    fwmark: bool,
    real_servers: Vec<Checks>,
    sorry: Option<Socket>,
}

/// A real server with all ports that its health check asks.
#[derive(Debug, Serialize)]
struct Checks {
    address: IpAddr,
    port: u16,
    weight: u16,
    check_ports: Vec<u16>,
}

#[derive(Debug, Serialize)]
struct Socket {
    address: IpAddr,
    port: u16,
}

fn virtual_server(service: &Service, to: Virtual) -> VirtualServer {
    let (head, port) = match to {
        Virtual::Fwmark { mark, .. } => (format!("fwmark {mark}"), 0),
        Virtual::Tcp(address) | Virtual::Udp(address) => (
            format!("{} {}", address.ip(), address.port()),
            address.port(),
        ),
    };
    let real_servers = service.real_servers.iter().map(|rs| Checks {
        address: rs.address,
        port: rs.port.unwrap_or(port),
        weight: rs.weight,
        check_ports: checks::ports(service, rs, to),
    });
    VirtualServer {
        head,
        fwmark: matches!(to, Virtual::Fwmark { .. }),
        real_servers: real_servers.collect(),
        sorry: sorry_server(service, to).map(|sorry| Socket {
            address: sorry.ip(),
            port: sorry.port(),
        }),
    }
}

/// The address of the sorry server. Only NAT maps ports; the port 0 of a mark means the requested port.
fn sorry_server(service: &Service, to: Virtual) -> Option<SocketAddr> {
    let sorry = service.sorry_server.as_ref()?;
    let own = match to {
        Virtual::Tcp(at) | Virtual::Udp(at) => at.port(),
        Virtual::Fwmark { .. } => 0,
    };
    let port = sorry.port.filter(|_| service.mode == Mode::Nat);
    Some(SocketAddr::new(sorry.address, port.unwrap_or(own)))
}

/// One virtual service for a mark; otherwise one for each VIP and port.
pub fn virtuals(service: &Service) -> Vec<Virtual> {
    if let Some(mark) = service.fwmark {
        let mut families: Vec<bool> = service
            .vips
            .iter()
            .map(|vip| vip.address.is_ipv6())
            .collect();
        families.dedup();
        return families
            .into_iter()
            .map(|v6| Virtual::Fwmark { mark, v6 })
            .collect();
    }
    let ports: &[u16] = if service.is_every_port() {
        &[0]
    } else {
        &service.ports
    };
    let pairs = service
        .vips
        .iter()
        .flat_map(|vip| ports.iter().map(move |port| (vip.address, *port)));
    pairs
        .map(|(address, port)| Virtual::new(service.protocol, address, port))
        .collect()
}

/// The desired virtual services of the directors' kernels.
pub fn ipvs(cluster: &Cluster) -> Vec<Ipvs> {
    let services = cluster.services.iter();
    services.flat_map(|s| ipvs_of(cluster, s)).collect()
}

/// Those of one service. Its real servers are in the order of the service's.
pub fn ipvs_of(cluster: &Cluster, service: &Service) -> Vec<Ipvs> {
    let check = service.health_check.as_ref();
    let make = |to| Ipvs {
        service: Definition {
            r#virtual: to,
            scheduler: service.scheduler,
            flags: service.scheduler_flags.iter().cloned().collect(),
            persistence: service.persistence.map(|p| (p.timeout, p.granularity)),
            one_packet: service.one_packet,
            engine: None,
        },
        real_servers: service
            .real_servers
            .iter()
            .map(|rs| destination(cluster, service, to, rs))
            .collect(),
        keepalived: cluster.keepalived,
        sorry: sorry_server(service, to),
        drain: 30,
        check_timeout: check.map_or(3, |check| check.connect_timeout),
        return_time: check.map_or(0, |check| return_time(cluster, service, check)),
    };
    virtuals(service).into_iter().map(make).collect()
}

/// The next check comes after the longer of both pauses, and its answer within the time that it has; a second each for
/// keepalived's timers and for the kernel. keepalived asks for a page, and adds the server one check later; our own checker
/// wants `rise` answers.
fn return_time(cluster: &Cluster, service: &Service, check: &HealthCheck) -> u32 {
    let checks = match (&check.kind, cluster.keepalived) {
        (_, false) => check.rise + 1,
        (HealthCheckKind::Http(_) | HealthCheckKind::Https(_), true) => 2,
        (_, true) => 1,
    };
    let pause = service.delay_loop.max(check.delay_before_retry);
    checks * pause + check.connect_timeout + 2
}

fn destination(cluster: &Cluster, service: &Service, to: Virtual, rs: &RealServer) -> Destination {
    let port = match to {
        Virtual::Tcp(address) | Virtual::Udp(address) => rs.port.unwrap_or(address.port()),
        Virtual::Fwmark { .. } => 0,
    };
    Destination {
        address: SocketAddr::new(rs.address, port),
        mode: service.mode,
        weight: rs.weight.into(),
        asks: checks::asks(service, rs, to),
        down: checker::down(cluster, service, to, rs),
        tunnel: None,
    }
}

/// The mark rules of the directors.
pub fn marks(cluster: &Cluster) -> Vec<Mark> {
    let mut marks = Vec::new();
    for service in &cluster.services {
        let Some(mark) = service.fwmark else { continue };
        let groups = if service.is_every_port() {
            vec![Vec::new()]
        } else {
            ports::per_rule(&service.all_ports())
        };
        let rules = service
            .vips
            .iter()
            .flat_map(|vip| groups.iter().map(move |ports| (vip.address, ports)));
        for (index, (destination, ports)) in rules.enumerate() {
            let number = if index == 0 {
                String::new()
            } else {
                format!("#{}", index + 1)
            };
            marks.push(Mark {
                comment: format!("lvsctl:{}/{}{number}", cluster.name, service.name),
                destination,
                protocol: service.protocol,
                ports: ports.clone(),
                mark,
            });
        }
    }
    marks
}

/// The modules that the directors' kernels need.
pub fn modules(cluster: &Cluster) -> Vec<String> {
    if cluster.services.is_empty() {
        return Vec::new();
    }
    let mut modules = vec!["ip_vs".to_owned()];
    let schedulers: BTreeSet<String> = cluster
        .services
        .iter()
        .map(|s| scheduler_module(s.scheduler))
        .collect();
    modules.extend(schedulers);
    modules
}

fn scheduler_module(scheduler: Scheduler) -> String {
    format!("ip_vs_{}", <&str>::from(scheduler))
}
