//! The requests of health checks: the ports of a check, and the request to each. keepalived, lvsctl's health checker and the
//! probe send the same.

use std::net::SocketAddr;

use super::in_brackets;
use crate::model::{
    HealthCheckKind, HealthRequest, HttpAnswer, PageRequest, RealServer, Service, Virtual,
};

/// The ports of a real server that its check for a virtual service asks.
pub(crate) fn ports(service: &Service, rs: &RealServer, to: Virtual) -> Vec<u16> {
    let at = match to {
        Virtual::Tcp(at) | Virtual::Udp(at) => Some(at.port()).filter(|port| *port != 0),
        Virtual::Fwmark { .. } => None,
    };
    service.checked_ports(rs, at)
}

/// The check of a real server of a virtual service, in words: `http check of port 80`.
pub fn words(service: &Service, rs: &RealServer, to: Virtual) -> Option<String> {
    let check = service.health_check.as_ref()?;
    let kind = match &check.kind {
        HealthCheckKind::Tcp => "tcp check".to_owned(),
        HealthCheckKind::Http(answer) => format!("http check of {}", answer.path),
        HealthCheckKind::Https(answer) => format!("https check of {}", answer.path),
        HealthCheckKind::Script { path, .. } => format!("check by {path}"),
    };
    let ports: Vec<String> = ports(service, rs, to).iter().map(u16::to_string).collect();
    Some(match ports.len() {
        0 => kind,
        1 => format!("{kind}, port {}", ports.join(", ")),
        _ => format!("{kind}, ports {}", ports.join(", ")),
    })
}

pub(super) fn asks(service: &Service, rs: &RealServer, to: Virtual) -> Vec<HealthRequest> {
    let Some(check) = &service.health_check else {
        return Vec::new();
    };
    let places = ports(service, rs, to)
        .into_iter()
        .map(|port| SocketAddr::new(rs.address, port));
    match &check.kind {
        HealthCheckKind::Tcp => places.map(HealthRequest::Tcp).collect(),
        HealthCheckKind::Http(answer) => places.map(|at| page("http", at, answer)).collect(),
        HealthCheckKind::Https(answer) => places.map(|at| page("https", at, answer)).collect(),
        HealthCheckKind::Script { .. } => vec![HealthRequest::Program],
    }
}

fn page(scheme: &str, at: SocketAddr, answer: &HttpAnswer) -> HealthRequest {
    let path = &answer.path;
    // keepalived states the port in `Host` beside an address, and not beside a name.
    let (url, resolve, header) = match &answer.host {
        None => (format!("{scheme}://{at}{path}"), None, at.to_string()),
        Some(host) => {
            let port = at.port();
            let address = in_brackets(at.ip());
            (
                format!("{scheme}://{host}:{port}{path}"),
                Some(format!("{host}:{port}:{address}")),
                host.clone(),
            )
        }
    };
    HealthRequest::Page(PageRequest {
        url,
        resolve,
        host: Some(header),
        status: answer.status.clone(),
        text: answer.text.clone(),
        version: answer.version,
    })
}
