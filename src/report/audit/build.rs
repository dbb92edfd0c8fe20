//! From a cluster, what its hosts answered and what checks found to an [`AuditReport`]. Pure.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::{AuditReport, HostPart, RealServerPart, ServerState, ServicePart, VipPart};
use crate::check::{Findings, REACHABLE};
use crate::model::{Cluster, RealServer, Service};
use crate::resource::Resource;
use crate::resource::ipvs::Ipvs;
use crate::run::HostRun;
use crate::view;

/// The circumstances of a run.
#[derive(Debug, Clone)]
pub struct Run {
    pub inventory: String,
    /// Seconds since 1970.
    pub started: u64,
    pub seconds: f64,
}

/// `answered`: the hosts that were reached.
pub fn build(cluster: &Cluster, answered: &[HostRun], run: Run, findings: Findings) -> AuditReport {
    AuditReport {
        cluster: cluster.name.clone(),
        inventory: run.inventory,
        version: env!("CARGO_PKG_VERSION"),
        started: run.started,
        seconds: run.seconds,
        hosts: hosts(cluster, answered, &findings),
        services: cluster
            .services
            .iter()
            .map(|service| part(service, answered, &findings))
            .collect(),
        findings,
    }
}

fn hosts(cluster: &Cluster, answered: &[HostRun], findings: &Findings) -> Vec<HostPart> {
    let vips = cluster.all_vips();
    let all = cluster.hosts.iter();
    all.map(|host| {
        let run = answered.iter().find(|run| run.host.name == host.name);
        let holds = |vip: &&IpAddr| run.is_some_and(|run| run.answer.facts.address.has(**vip));
        let held = vips.iter().filter(|_| host.is_director()).filter(holds);
        HostPart {
            name: host.name.clone(),
            roles: host.roles.clone(),
            address: host.addresses().next().map(|address| address.to_string()),
            director: host.is_director(),
            asked: run.is_some() || tried(findings, &host.name),
            reached: run.is_some(),
            seconds: run.map(|run| run.probe_seconds),
            vips: held.map(IpAddr::to_string).collect(),
        }
    })
    .collect()
}

/// Whether a host was asked in vain.
fn tried(findings: &Findings, host: &str) -> bool {
    let mut results = findings.results.iter();
    results.any(|result| *result.check == REACHABLE && result.host == host)
}

fn part(service: &Service, answered: &[HostRun], findings: &Findings) -> ServicePart {
    let directors = || answered.iter().filter(|run| run.host.is_director());
    let holders = |vip: IpAddr| {
        let all = directors().filter(|run| run.answer.facts.address.has(vip));
        all.map(|run| run.host.name.clone()).collect::<Vec<_>>()
    };
    let vips: Vec<VipPart> = service
        .vips
        .iter()
        .map(|vip| VipPart {
            address: vip.address.to_string(),
            holders: holders(vip.address),
        })
        .collect();
    // The table of who serves counts; without one, any.
    let holds = |run: &&HostRun| vips.iter().any(|vip| vip.holders.contains(&run.host.name));
    let director = directors().find(holds).or_else(|| directors().next());
    let taken = findings.taken.get(&service.name);
    let whole: u64 = taken.map_or(0, |taken| taken.values().sum());
    let real_servers = service.real_servers.iter().map(|rs| {
        let connections = taken.map(|taken| connections(service, rs, taken));
        RealServerPart {
            host: rs.host.clone(),
            address: rs.address.to_string(),
            port: rs.port,
            weight: rs.weight,
            state: director.map_or(ServerState::Unknown, |run| state(service, rs, run)),
            connections,
            share: connections
                .filter(|_| whole > 0)
                .map(|connections| connections as f64 / whole as f64),
        }
    });
    ServicePart {
        name: service.name.clone(),
        protocol: word(&service.protocol),
        ports: ports(service),
        mode: word(&service.mode),
        scheduler: word(&service.scheduler),
        fwmark: service.fwmark,
        persistence: service.persistence.as_ref().map(|p| p.timeout),
        real_servers: real_servers.collect(),
        vips,
    }
}

/// As the inventory writes it.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    let text = value.as_ref().and_then(serde_json::Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn ports(service: &Service) -> String {
    if service.is_every_port() {
        return "every port".to_owned();
    }
    let all: Vec<String> = service
        .all_ports()
        .iter()
        .map(ToString::to_string)
        .collect();
    all.join(", ")
}

/// By the name of its host, or of host and port where a host has several.
fn connections(service: &Service, rs: &RealServer, taken: &BTreeMap<String, u64>) -> u64 {
    let same = service
        .real_servers
        .iter()
        .filter(|other| other.host == rs.host);
    let several = same.count() > 1;
    let own = rs.port.filter(|_| several);
    let name = own.map_or_else(|| rs.host.clone(), |port| format!("{}:{port}", rs.host));
    taken.get(&name).copied().unwrap_or(0)
}

/// The worst of its states in the virtual services of a service.
fn state(service: &Service, rs: &RealServer, director: &HostRun) -> ServerState {
    let ours = view::virtuals(service);
    let desired = director
        .desired
        .iter()
        .filter_map(|resource| match resource {
            Resource::Ipvs(desired) if ours.contains(&desired.service.r#virtual) => Some(desired),
            _ => None,
        });
    let states = desired.flat_map(|desired| {
        let all = desired.real_servers.iter();
        all.filter(|to| is(rs, to.address))
            .map(move |to| in_table(desired, to, director))
    });
    states.max().unwrap_or(ServerState::Unknown)
}

fn is(rs: &RealServer, at: SocketAddr) -> bool {
    rs.address == at.ip()
        && rs
            .port
            .is_none_or(|port| port == at.port() || at.port() == 0)
}

fn in_table(desired: &Ipvs, to: &crate::model::Destination, director: &HostRun) -> ServerState {
    let table = &director.answer.facts.ipvs.table;
    let mut services = table.services.iter();
    let served = services.find(|s| s.definition.r#virtual == desired.service.r#virtual);
    let found = served.and_then(|served| served.real_servers.get(&to.address));
    match found {
        Some(found) if found.weight > 0 || to.weight == 0 => ServerState::Up,
        _ if desired.is_unhealthy(table, to) => ServerState::Unhealthy,
        Some(_) => ServerState::Drained,
        None => ServerState::Missing,
    }
}
