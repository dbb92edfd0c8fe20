//! What the health checker of directors without keepalived asks, real server by real server.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{check_port, ipvs, virtuals};
use crate::inventory::model::{Cluster, HealthCheckKind, Service};
use crate::resource::Distribution;
use crate::resource::ipvs::{Virtual, method};

/// One line for each real server of each virtual service that has a health check.
pub fn checked(cluster: &Cluster) -> Vec<Value> {
    if cluster.keepalived {
        return Vec::new();
    }
    let table = ipvs(cluster);
    let mut all = Vec::new();
    for service in &cluster.services {
        let Some(check) = &service.health_check else {
            continue;
        };
        for to in virtuals(service) {
            let Some(wanted) = table.iter().find(|i| i.service.r#virtual == to) else {
                continue;
            };
            let pairs = service.real_servers.iter().zip(&wanted.real_servers);
            all.extend(pairs.map(|(rs, destination)| {
                json!({
                    "service": service.name, "virtual": to.to_string(), "host": rs.host,
                    "address": destination.address.to_string(), "method": method(destination.mode),
                    "name": format!("{}-{}-{}", service.name, all_of(&to), rs.host),
                    "weight": destination.weight, "interval": service.delay_loop,
                    "timeout": check.connect_timeout, "fall": check.retry, "rise": check.rise,
                    "ask": question(service, rs.address, check_port(service, rs)),
                })
            }));
        }
    }
    all
}

/// A virtual service as a part of a file's name.
fn all_of(to: &Virtual) -> String {
    let words = to.to_string();
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    words.trim_start_matches('-').chars().map(safe).collect()
}

/// How one real server is asked.
fn question(service: &Service, address: std::net::IpAddr, port: Option<u16>) -> Value {
    let Some(check) = &service.health_check else {
        return Value::Null;
    };
    let at = port.map(|port| SocketAddr::new(address, port));
    let url = |scheme: &str, path: &str| at.map(|at| format!("{scheme}://{at}{path}"));
    match &check.kind {
        HealthCheckKind::Tcp => json!({ "tcp": { "address": address, "port": port } }),
        HealthCheckKind::Http(answer) => {
            json!({ "url": url("http", &answer.path), "status": answer.status, "text": answer.text })
        }
        HealthCheckKind::Https(answer) => {
            json!({ "url": url("https", &answer.path), "status": answer.status, "text": answer.text })
        }
        HealthCheckKind::Script { path, timeout } => json!({ "script": path, "timeout": timeout }),
    }
}

/// The program that asks, and the unit that runs it.
pub fn program(cluster: &Cluster, os: &Distribution) -> Value {
    let unit = unit(cluster);
    json!({
        "program": format!("/usr/local/sbin/lvsctl-{}-health", cluster.name),
        "definition": os.definition(&unit),
        "unit": unit,
    })
}

pub fn unit(cluster: &Cluster) -> String {
    format!("lvsctl-{}-health.service", cluster.name)
}
