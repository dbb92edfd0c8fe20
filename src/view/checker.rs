//! The requests of lvsctl's health checker, which runs on directors without keepalived, by real server.

use std::net::SocketAddr;

use serde::Serialize;

use super::checks;
use super::service::ipvs_of;
use crate::host_paths;
use crate::model::{
    Cluster, Destination, HealthCheck, HealthCheckKind, HealthRequest, RealServer, Service, Virtual,
};
use crate::resource::Distribution;
use crate::resource::ipvs::method;
use crate::shell::command;

/// A real server of a virtual service that has a health check. Times in seconds.
#[derive(Debug, Serialize)]
pub struct Checked<'c> {
    service: &'c str,
    /// Words of ipvsadm(8), as `method`.
    r#virtual: String,
    host: &'c str,
    address: SocketAddr,
    method: &'static str,
    name: String,
    weight: u32,
    interval: u32,
    sorry: Option<SocketAddr>,
    fall: u32,
    rise: u32,
    again: u32,
    /// Shell commands: all must succeed.
    asks: Vec<String>,
}

/// The checked real servers; empty if keepalived checks them.
pub fn checked(cluster: &Cluster) -> Vec<Checked<'_>> {
    if cluster.keepalived {
        return Vec::new();
    }
    let mut all = Vec::new();
    for service in &cluster.services {
        let Some(check) = &service.health_check else {
            continue;
        };
        for desired in ipvs_of(cluster, service) {
            let to = desired.service.r#virtual;
            let pairs = service.real_servers.iter().zip(&desired.real_servers);
            all.extend(pairs.map(|(rs, destination)| {
                let port = checks::ports(service, rs, to).first().copied();
                Checked {
                    service: &service.name,
                    r#virtual: to.to_string(),
                    host: &rs.host,
                    address: destination.address,
                    method: method(destination.mode),
                    name: name(service, to, rs),
                    weight: destination.weight,
                    interval: service.delay_loop,
                    sorry: desired.sorry,
                    fall: check.retry + 1,
                    rise: check.rise,
                    again: check.delay_before_retry,
                    asks: questions(check, destination, port),
                }
            }));
        }
    }
    all
}

/// What a real server of a virtual service is called in the names of the checker's files.
fn name(service: &Service, to: Virtual, rs: &RealServer) -> String {
    let port = rs.port.map_or_else(String::new, |port| format!("-{port}"));
    format!("{}-{}-{}{port}", service.name, all_of(&to), rs.host)
}

/// The file that is there while the checker keeps a real server at weight 0 (templates/health.sh.tera).
pub(super) fn down(
    cluster: &Cluster,
    service: &Service,
    to: Virtual,
    rs: &RealServer,
) -> Option<String> {
    let checked = !cluster.keepalived && service.health_check.is_some();
    checked.then(|| {
        let (state, name) = (host_paths::health(&cluster.name), name(service, to, rs));
        format!("{state}/{name}.down")
    })
}

/// A virtual service as a part of a file's name.
fn all_of(to: &Virtual) -> String {
    let words = to.to_string();
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    words.trim_start_matches('-').chars().map(safe).collect()
}

/// Shell commands that test one real server; all must succeed.
fn questions(check: &HealthCheck, rs: &Destination, port: Option<u16>) -> Vec<String> {
    let question = |ask: &HealthRequest| match &check.kind {
        HealthCheckKind::Script { path, timeout } => {
            let words = [
                "timeout".to_owned(),
                timeout.to_string(),
                path.clone(),
                rs.address.ip().to_string(),
                port.unwrap_or(0).to_string(),
            ];
            let program = command(words.iter().map(String::as_str));
            format!("{program} >/dev/null 2>&1")
        }
        _ => ask.shell(check.connect_timeout),
    };
    rs.asks.iter().map(question).collect()
}

/// The program that asks, and the unit that runs it.
#[derive(Debug, Serialize)]
pub(super) struct Program {
    program: String,
    /// The file that defines the unit.
    definition: String,
    unit: String,
}

pub(super) fn program(cluster: &Cluster, os: &Distribution) -> Program {
    let unit = unit(cluster);
    Program {
        program: format!("/usr/local/sbin/lvsctl-{}-health", cluster.name),
        definition: os.definition(&unit),
        unit,
    }
}

pub fn unit(cluster: &Cluster) -> String {
    format!("lvsctl-{}-health.service", cluster.name)
}
