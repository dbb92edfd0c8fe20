//! Health checks and the protocols of ports: a port must speak the protocol of its check, and each port must be checked.

use std::collections::BTreeMap;

use super::View;
use crate::diagnostic::{Fault, shown};
use crate::model::ports::{self, Speaks};
use crate::model::{HealthCheckKind, Protocol, RealServer, Service};

/// `check` in the inventory comes before the numbers: it lists the ports that speak HTTP and HTTPS.
fn speaks(service: &Service, port: u16) -> Option<Speaks> {
    if service.check.http.contains(&port) {
        return Some(Speaks::Http);
    }
    if service.check.https.contains(&port) {
        return Some(Speaks::Https);
    }
    ports::speaks(port)
}

/// A service whose health check asks for a page.
struct Asking<'c> {
    service: &'c Service,
    /// `http` or `https`, and what a port must speak for it.
    word: &'static str,
    desired: Speaks,
}

fn asking(service: &Service) -> Option<Asking<'_>> {
    let check = service.health_check.as_ref()?;
    let (word, desired) = match check.kind {
        HealthCheckKind::Http(_) => ("http", Speaks::Http),
        HealthCheckKind::Https(_) => ("https", Speaks::Https),
        HealthCheckKind::Tcp | HealthCheckKind::Script { .. } => return None,
    };
    (service.protocol == Protocol::Tcp).then_some(Asking {
        service,
        word,
        desired,
    })
}

/// The port by which each port of the service is checked: itself, another one, or none.
fn asked(service: &Service, real: &RealServer) -> BTreeMap<u16, Option<u16>> {
    let ports = service.ports.iter().copied();
    if service.fwmark.is_none() {
        let by = |port| service.checked_ports(real, Some(port)).first().copied();
        return ports.map(|port| (port, by(port))).collect();
    }
    let all = service.checked_ports(real, None);
    ports
        .map(|port| (port, all.contains(&port).then_some(port)))
        .collect()
}

pub(super) fn pages(view: View<'_>, faults: &mut Vec<Fault>) {
    for asking in view.cluster.services.iter().filter_map(asking) {
        let Some(real) = asking.service.real_servers.first() else {
            continue;
        };
        let fault = asking
            .is_not_spoken(view, real)
            .or_else(|| asking.is_not_asked(view, real));
        faults.extend(fault.map(|fault| view.of(asking.service, "health_check", fault.warning())));
    }
}

impl Asking<'_> {
    /// Ports that are asked for a page, and speak something else.
    fn is_not_spoken(&self, view: View<'_>, real: &RealServer) -> Option<Fault> {
        let service = self.service;
        let given = service.health_check.as_ref()?.port;
        let mut wrong: Vec<(u16, Speaks)> = Vec::new();
        if let Some(port) = given {
            wrong.extend(speaks(service, port).map(|speaks| (port, speaks)));
        } else {
            let all = if service.fwmark.is_some() {
                let all = service.checked_ports(real, None);
                all.into_iter().map(|port| (port, Some(port))).collect()
            } else {
                asked(service, real)
            };
            for (own, by) in all {
                let Some(by) = by else { continue };
                // NAT maps the port, and not what it speaks.
                let asked = if real.port == Some(by) { own } else { by };
                wrong.extend(speaks(service, asked).map(|speaks| (by, speaks)));
            }
        }
        wrong.retain(|(_, speaks)| *speaks != self.desired);
        wrong.dedup();
        let (port, speaks) = *wrong.first()?;
        let said = match speaks {
            Speaks::Http => "HTTP",
            Speaks::Https => "HTTPS",
            Speaks::Other(name) => name,
        };
        let ports: Vec<String> = wrong.iter().map(|(port, _)| port.to_string()).collect();
        let which = match ports.as_slice() {
            [one] => format!("port {one}, which speaks {said}"),
            many => format!(
                "ports {}, the first of which speaks {said}",
                many.join(", ")
            ),
        };
        let word = self.word;
        let other = match speaks {
            Speaks::Http => "http",
            Speaks::Https => "https",
            Speaks::Other(_) => "tcp",
        };
        let in_full = view.gives(service, &["health_check", word]);
        let instead = if in_full && other == "tcp" {
            format!("write `tcp: {{}}` in the place of `{word}`")
        } else if in_full {
            format!("write `{other}` in the place of `{word}`")
        } else {
            format!("write `health_check: {other}`")
        };
        let help = if given.is_some() && other != "tcp" {
            format!("{instead}, or another `port`; ")
        } else {
            format!("{instead}; ")
        };
        Some(
            Fault::new(format!(
                "the health check of service {} asks for a page by `{word}` on {which}",
                shown(&service.name)
            ))
            .help(format!(
                "{help}if port {port} does speak {}, say `check: {{ {word}: {port} }}`",
                word.to_uppercase()
            )),
        )
    }

    /// Ports of the service that are not asked themselves. Who names a `port` has chosen it.
    fn is_not_asked(&self, view: View<'_>, real: &RealServer) -> Option<Fault> {
        let (service, word) = (self.service, self.word);
        if service.health_check.as_ref()?.port.is_some() || real.port.is_some() {
            return None;
        }
        let all = asked(service, real);
        let unasked: Vec<u16> = all
            .iter()
            .filter(|(port, by)| **by != Some(**port))
            .map(|(port, _)| *port)
            .collect();
        let first = *unasked.first()?;
        let by = match service.fwmark {
            None => all.get(&first).copied().flatten()?,
            Some(_) => service.checked_ports(real, None).first().copied()?,
        };
        let names: Vec<String> = unasked.iter().map(u16::to_string).collect();
        let ports = match names.as_slice() {
            [one] => format!("port {one}"),
            many => format!("ports {}", many.join(", ")),
        };
        let in_full = view.gives(service, &["health_check", word]);
        let say = if in_full {
            format!("add `port: {by}` to `health_check`")
        } else {
            format!("write `health_check: {{ {word}: {{}}, port: {by} }}`")
        };
        let is = if unasked.len() == 1 { "is" } else { "are" };
        Some(if service.fwmark.is_some() {
            Fault::new(format!(
                "{ports} of service {} {is} not checked: `{word}` asks port {by} alone",
                shown(&service.name)
            ))
            .help(format!(
                "if port {by} shows the state of all, {say}; `health_check: tcp` asks each port"
            ))
        } else {
            Fault::new(format!(
                "{ports} of service {} {is} checked by asking port {by}, the one that speaks {}",
                shown(&service.name),
                word.to_uppercase()
            ))
            .help(format!(
                "if port {by} shows the state of all, {say}; else make a separate service for {ports}, with its `health_check`"
            ))
        })
    }
}
