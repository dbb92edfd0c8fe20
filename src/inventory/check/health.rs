//! Health checks and end-to-end checks whose requests are not possible.

use std::collections::BTreeSet;

use super::View;
use super::{page, quoted};
use crate::diagnostic::{Fault, shown};
use crate::model::{HealthCheckKind, HttpAnswer, Protocol, RealServer, Service};

pub(super) fn checks(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let name = service.name.as_str();
        if let Some(fault) = page::path(&service.check.path, false) {
            faults.push(view.at(&["services", name, "check", "path"], fault));
        }
        let Some(health) = &service.health_check else {
            continue;
        };
        let at = |kind, key| ["services", name, "health_check", kind, key];
        let mut page = |kind, answer: &HttpAnswer| {
            let bad_path = page::path(&answer.path, answer.host.is_none());
            faults.extend(bad_path.map(|fault| view.at(&at(kind, "path"), fault)));
            let bad_text = page::text(answer);
            faults.extend(bad_text.map(|fault| view.at(&at(kind, "text"), fault)));
            let bad_host = answer.host.as_deref().and_then(page::host);
            faults.extend(bad_host.map(|fault| view.at(&at(kind, "host"), fault)));
        };
        match &health.kind {
            HealthCheckKind::Http(answer) => page("http", answer),
            HealthCheckKind::Https(answer) => page("https", answer),
            HealthCheckKind::Script { path, .. } => {
                faults.extend(program(path).map(|fault| view.at(&at("script", "path"), fault)));
            }
            HealthCheckKind::Tcp => {}
        }
        let given = ["services", name, "health_check", "rise"];
        if view.cluster.keepalived && health.rise != 1 && view.places.is_given(&given) {
            let fault = Fault::new(format!(
                "`rise` of service {} has no effect: keepalived takes a real server back after one answer",
                shown(name)
            ))
            .help("delete `rise`; lvsctl's own health checker, without keepalived, counts answers")
            .warning();
            faults.push(view.at(&given, fault));
        }
    }
}

/// TCP health checks of services of another protocol, or without a single port.
pub(super) fn asks_by_tcp(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let name = service.name.as_str();
        let Some(health) = &service.health_check else {
            continue;
        };
        if matches!(health.kind, HealthCheckKind::Script { .. }) {
            continue;
        }
        let path = ["services", name, "health_check"];
        // A range without a mark is a separate fault.
        let marked = service.fwmark.is_some() || service.port_ranges.is_empty();
        let unnamed = service.is_every_port() || service.known_ports().is_empty();
        if marked && unnamed && health.port.is_none() {
            let what = match service.port_ranges.first() {
                None => "a service on every port does not say which one its health check asks",
                Some(_) => "a service of port ranges does not say which port its health check asks",
            };
            faults.push(view.at(&path, Fault::new(what).help(port_to_ask(view, service))));
        } else if service.protocol == Protocol::Udp
            && let Some(what) = udp_by_tcp(view, service, health.port)
        {
            let fault = Fault::new(format!("service {} is UDP, {what}", shown(name)));
            let fault = fault
                .help("name a TCP `port` that its real servers listen on, ask by `script`, or write `health_check: false`")
                .warning();
            faults.push(view.at(&path, fault));
        }
    }
}

/// The fault of a TCP check of a UDP service. Another service may say that the port is one of TCP too.
fn udp_by_tcp(view: View<'_>, service: &Service, port: Option<u16>) -> Option<String> {
    let Some(port) = port else {
        return Some("but its health check connects by TCP".to_owned());
    };
    let own = service.all_ports().iter().any(|all| all.contains(port));
    let other = || {
        tcp_ports(view, service, |served| served == port)
            .next()
            .is_some()
    };
    (own && !other()).then(|| {
        format!("and its health check connects by TCP to its port {port}, where real servers may listen by UDP alone")
    })
}

/// Ports on which real servers of a service serve others by TCP, and which.
fn tcp_ports<'c>(
    view: View<'c>,
    service: &'c Service,
    desired: impl Fn(u16) -> bool + Copy,
) -> impl Iterator<Item = (u16, &'c str)> {
    let others = view.cluster.services.iter();
    let others = others.filter(|s| s.protocol == Protocol::Tcp && s.name != service.name);
    others.filter_map(move |other| {
        let mapped = other.real_servers.first().and_then(|real| real.port);
        let port = match mapped {
            Some(port) => Some(port).filter(|port| desired(*port)),
            None => other.ports.iter().copied().find(|port| desired(*port)),
        }?;
        serves_all(other, service).then_some((port, other.name.as_str()))
    })
}

/// Whether all real servers of a service are those of another one too.
fn serves_all(other: &Service, service: &Service) -> bool {
    let serves = |real: &RealServer| other.real_servers.iter().any(|rs| rs.host == real.host);
    let (first, last) = (service.real_servers.first(), service.real_servers.last());
    // The lengths differ in most cases, and the full comparison takes longer.
    if ![first, last].into_iter().flatten().all(serves) {
        return false;
    }
    let hosts: BTreeSet<&str> = other
        .real_servers
        .iter()
        .map(|rs| rs.host.as_str())
        .collect();
    let mut all = service.real_servers.iter();
    all.all(|real| hosts.contains(real.host.as_str()))
}

/// Servers open ports of a range when they need them, so none of these is asked; the one that they always listen on may be.
fn port_to_ask(view: View<'_>, service: &Service) -> String {
    let inside = |port: u16| service.port_ranges.iter().any(|range| range.contains(port));
    let off = if service.sorry_server.is_some() {
        "ask by a program: `health_check: { script: { path: /usr/local/bin/check } }`"
    } else {
        "write `health_check: false`"
    };
    if let Some((port, other)) = tcp_ports(view, service, |port| !inside(port)).next() {
        return format!(
            "write `health_check: {{ tcp: {{}}, port: {port} }}`, a port on which the real servers serve {} too; or {off}",
            shown(other)
        );
    }
    let control = match service.protocol {
        _ if service.port_ranges.is_empty() => (80, ""),
        Protocol::Tcp => (21, " of FTP"),
        Protocol::Udp => (5060, " of SIP"),
    };
    let example = Some(control).filter(|(port, _)| !inside(*port));
    let example = example.map_or_else(String::new, |(port, what)| {
        format!(", such as {port}{what}: `health_check: {{ tcp: {{}}, port: {port} }}`")
    });
    format!("{off}, or name a TCP port on which the real servers always listen{example}")
}

pub(super) fn program(path: &str) -> Option<Fault> {
    let good = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    let bad = !path.starts_with('/') || path.len() > quoted::LONGEST || !path.chars().all(good);
    bad.then(|| {
        Fault::new(format!("{} is no absolute path of a program", shown(path)))
            .help("write it from `/` on, without arguments or blanks: `/usr/local/bin/check`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs() {
        for (path, good) in [
            ("/usr/local/bin/check.sh", true),
            ("/.health.html", true),
            ("health", false),
            ("", false),
            ("/a b", false),
            ("/bin/sh;reboot", false),
        ] {
            assert_eq!(program(path).is_none(), good, "{path}");
        }
    }
}
