//! An audit as a value: the parts of the cluster, every result, and the findings. Each format is a module here that writes
//! this value. [`build`] makes it from a cluster, the answers of its hosts, and the findings.

mod build;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod nagios;
pub mod prometheus;
pub mod sarif;
mod topology;

use std::io::{self, Write};

use serde::Serialize;

pub use build::{Run, build};

use super::{Style, findings};
use crate::check::Findings;

/// How an audit can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Json,
    Junit,
    Sarif,
    Prometheus,
    Nagios,
    Markdown,
    Html,
}

/// All that an audit found, of the cluster that it found it in.
#[derive(Debug)]
pub struct AuditReport {
    pub cluster: String,
    /// The inventory's file, as it was named.
    pub inventory: String,
    pub version: &'static str,
    /// Seconds since 1970.
    pub started: u64,
    pub seconds: f64,
    pub hosts: Vec<HostPart>,
    pub services: Vec<ServicePart>,
    pub findings: Findings,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostPart {
    pub name: String,
    pub roles: Vec<String>,
    pub address: Option<String>,
    pub director: bool,
    /// Whether this run asked it.
    pub asked: bool,
    pub reached: bool,
    /// How long it took to be opened and to answer.
    pub seconds: Option<f64>,
    /// VIPs that it holds as a director.
    pub vips: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServicePart {
    pub name: String,
    pub protocol: String,
    pub ports: String,
    pub mode: String,
    pub scheduler: String,
    pub fwmark: Option<u32>,
    pub persistence: Option<u32>,
    pub vips: Vec<VipPart>,
    pub real_servers: Vec<RealServerPart>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VipPart {
    pub address: String,
    /// Directors that hold it.
    pub holders: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RealServerPart {
    pub host: String,
    pub address: String,
    pub port: Option<u16>,
    /// In the inventory.
    pub weight: u16,
    pub state: ServerState,
    /// Connections of this audit's requests, where it is known who got them.
    pub connections: Option<u64>,
    /// Of all connections of the service, from 0 to 1.
    pub share: Option<f64>,
}

/// A real server in the table of the director that serves; the best comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerState {
    Up,
    Drained,
    Unhealthy,
    Missing,
    /// No director reported it.
    Unknown,
}

impl ServerState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Drained => "drained",
            Self::Unhealthy => "unhealthy",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

/// Writes an audit in one of its formats.
pub fn write(
    writer: &mut dyn Write,
    kind: Kind,
    report: &AuditReport,
    style: Style,
) -> io::Result<()> {
    match kind {
        Kind::Text => findings::text(writer, &report.findings, style),
        Kind::Json => json::write(writer, report),
        Kind::Junit => junit::write(writer, report),
        Kind::Sarif => sarif::write(writer, report),
        Kind::Prometheus => prometheus::write(writer, report),
        Kind::Nagios => nagios::write(writer, report),
        Kind::Markdown => markdown::write(writer, report),
        Kind::Html => html::write(writer, report),
    }
}

/// Hosts of results: those of the inventory, others that asked or answered, and none for the cluster as a whole.
fn hosts_of(report: &AuditReport) -> Vec<&str> {
    let mut names: Vec<&str> = report.hosts.iter().map(|host| host.name.as_str()).collect();
    for result in &report.findings.results {
        let host = result.host.as_str();
        if !host.is_empty() && !names.contains(&host) {
            names.push(host);
        }
    }
    names.push("");
    names
}

/// The name of a host, or of what is about none.
fn host_name(host: &str) -> &str {
    if host.is_empty() { "the cluster" } else { host }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
