//! The expected HTTP reply of each port. The expectations of the inventory's health check hold for clients that request the
//! same page. Pure. Sending and judging belong in [`super`] and [`super::judge`].

use std::fmt;
use std::net::IpAddr;

use crate::model::{HealthCheckKind, HttpAnswer, Service, StatusCodes, Virtual};
use crate::view;

/// The expected replies of one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Right {
    /// The only accepted statuses; None: all below 400.
    only: Option<StatusCodes>,
    /// Further accepted statuses.
    also: Option<StatusCodes>,
    /// A text that the body must contain.
    pub text: Option<String>,
}

impl Right {
    pub fn of(service: &Service, vip: IpAddr, port: u16) -> Self {
        let answer = health_page(service);
        let same = same_page(service, vip, port);
        Self {
            only: (service.check.status.clone()).or_else(|| same.map(|page| page.status.clone())),
            also: answer.map(|page| page.status.clone()),
            text: same.and_then(|page| page.text.clone()),
        }
    }

    /// What a health check calls right.
    pub(in crate::check) fn of_page(page: &HttpAnswer) -> Self {
        Self {
            only: Some(page.status.clone()),
            also: None,
            text: page.text.clone(),
        }
    }

    pub fn accepts(&self, status: u16) -> bool {
        match &self.only {
            Some(only) => only.contains(status),
            None => status < 400 || self.also.as_ref().is_some_and(|also| also.contains(status)),
        }
    }

    /// Whether the inventory lists the status; the default accepts all below 400.
    pub(in crate::check) fn lists(&self, status: u16) -> bool {
        let mut lists = self.only.iter().chain(&self.also);
        lists.any(|list| list.contains(status))
    }
}

/// The statuses, for a message.
impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.only, &self.also) {
            (Some(only), _) => write!(f, "an HTTP status of {only}"),
            (None, Some(also)) if (400..600).any(|code| also.contains(code)) => {
                write!(f, "an HTTP status below 400, or of {also}")
            }
            (None, _) => write!(f, "an HTTP status below 400"),
        }
    }
}

/// The page of the health check, if clients request the same path.
fn health_page(service: &Service) -> Option<&HttpAnswer> {
    let page = service.health_check.as_ref()?.kind.page()?;
    (page.path == service.check.path).then_some(page)
}

/// The page of the health check, if it also requests this port with the same scheme.
pub(super) fn same_page(service: &Service, vip: IpAddr, port: u16) -> Option<&HttpAnswer> {
    let page = health_page(service)?;
    let spoken = match service.health_check.as_ref()?.kind {
        HealthCheckKind::Https(_) => &service.check.https,
        _ => &service.check.http,
    };
    let to = view::virtuals(service).into_iter().find(|to| match to {
        Virtual::Tcp(at) | Virtual::Udp(at) => {
            at.ip() == vip && (at.port() == port || at.port() == 0)
        }
        Virtual::Fwmark { v6, .. } => *v6 == vip.is_ipv6(),
    })?;
    let asked = service
        .real_servers
        .iter()
        .all(|rs| view::checked_ports(service, rs, to).contains(&rs.port.unwrap_or(port)));
    (asked && spoken.contains(&port)).then_some(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    fn right(keys: &str, port: u16) -> Right {
        let text = format!(
            "cluster: t\nnetworks: 10.2.0.0/24\nhosts:\n  lb1: {{ role: director, address: 10.2.0.11 }}\n  \
             lb2: {{ role: backup, address: 10.2.0.12 }}\n  rs1: {{ role: realserver, address: 10.2.0.21, gateway: 10.2.0.1 }}\n\
             vrrp: {{ virtual_router_id: 10 }}\nservices:\n  web: {{ vip: 10.2.0.80, {keys} }}\n"
        );
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(100, false)));
        let service = &loaded.cluster.services[0];
        Right::of(service, service.vips[0].address, port)
    }

    /// The keys, the port, what is expected in words, statuses that are right, statuses that are not, the text.
    type Case = (
        &'static str,
        u16,
        &'static str,
        &'static [u16],
        &'static [u16],
        Option<&'static str>,
    );

    const CASES: &[Case] = &[
        ("port: 80", 80, "below 400", &[200, 302], &[401, 500], None),
        (
            "port: 80, health_check: tcp",
            80,
            "below 400",
            &[200, 302],
            &[401],
            None,
        ),
        (
            "port: 80, health_check: http",
            80,
            "of 200",
            &[200],
            &[204, 302, 401],
            None,
        ),
        (
            "port: 80, health_check: { http: { status: 401 } }",
            80,
            "of 401",
            &[401],
            &[200, 403],
            None,
        ),
        (
            "port: 80, health_check: { http: { status: 200-299 302 } }",
            80,
            "of 200-299 302",
            &[200, 299, 302],
            &[301, 401],
            None,
        ),
        (
            "port: 80, health_check: { http: { status: [2xx, 302] } }",
            80,
            "of 200-299 302",
            &[204, 302],
            &[301],
            None,
        ),
        (
            "port: 80, health_check: { http: { text: well } }",
            80,
            "of 200",
            &[200],
            &[401],
            Some("well"),
        ),
        // Another path is another page.
        (
            "port: 80, health_check: { http: { path: /up, status: 401, text: well } }",
            80,
            "below 400",
            &[200],
            &[401],
            None,
        ),
        (
            "port: 80, health_check: { http: { path: /up, status: 401, text: well } }, check: { path: /up }",
            80,
            "of 401",
            &[401],
            &[200],
            Some("well"),
        ),
        // What the service's own check says comes first.
        (
            "port: 80, health_check: { http: { status: 401, text: well } }, check: { status: 200 }",
            80,
            "of 200",
            &[200],
            &[401],
            Some("well"),
        ),
        (
            "port: 80, check: { status: [403, 404] }",
            80,
            "of 403-404",
            &[403],
            &[200],
            None,
        ),
        // A port that the check does not ask may answer as it does, or as any good page does.
        (
            "port: [80, 443], fwmark: 1, health_check: { http: { status: 401, text: well } }",
            443,
            "below 400, or of 401",
            &[200, 401],
            &[403],
            None,
        ),
        (
            "port: [80, 8080], health_check: { http: { status: 401 } }",
            8080,
            "of 401",
            &[401],
            &[200],
            None,
        ),
        (
            "port: 80, health_check: { http: { status: 401, text: well }, port: 8080 }",
            80,
            "below 400, or of 401",
            &[200, 401],
            &[403],
            None,
        ),
        (
            "port: 80, mode: nat, real_port: 8080, health_check: { http: { status: 401 } }",
            80,
            "of 401",
            &[401],
            &[200],
            None,
        ),
        (
            "port: 443, health_check: { https: { status: 401 } }",
            443,
            "of 401",
            &[401],
            &[200],
            None,
        ),
    ];

    #[test]
    fn what_the_health_check_calls_right_is_right_for_clients() {
        for (keys, port, words, good, bad, text) in CASES {
            let right = right(keys, *port);
            assert!(right.to_string().ends_with(words), "{keys}: {right}");
            assert!(good.iter().all(|s| right.accepts(*s)), "{keys}: {good:?}");
            assert!(!bad.iter().any(|s| right.accepts(*s)), "{keys}: {bad:?}");
            assert_eq!(right.text.as_deref(), *text, "{keys}");
        }
    }
}
