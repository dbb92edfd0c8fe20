//! Health checks of real servers, and the requests of `verify` to a service.

use std::collections::BTreeSet;

use super::Context;
use crate::diagnostic::Fault;
use crate::inventory::field::{Many, Opt};
use crate::inventory::raw::health::{HealthCheck as RawHealth, LongHealthCheck};
use crate::inventory::raw::service::{EndToEnd as RawCheck, Service as RawService};
use crate::inventory::raw::word::{Codes, Port};
use crate::model::ports::PortRange;
use crate::model::{
    EndToEnd, HealthCheck, HealthCheckKind, HttpAnswer, HttpVersion, MOST_ASKED, MOST_REQUESTS,
    RealServer, StatusCodes,
};

pub(super) fn health_check(
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
    for (kind, page) in [("http", &written.http), ("https", &written.https)] {
        if let Some(page) = page.get() {
            not_empty(&[&path(kind)[..], &["status"]].concat(), &page.status, cx);
        }
    }
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

/// A list with nothing in it, where at least one value is due.
pub(super) fn not_empty<T>(path: &[&str], written: &Opt<Many<T>>, cx: &mut Context<'_>) {
    if written.get().is_some_and(|many| many.0.is_empty()) {
        let key = path.last().copied().unwrap_or_default();
        let fault = Fault::new(format!("the list `{key}` is empty")).help("give at least one");
        cx.fault(path, fault);
    }
}

fn codes(written: &Opt<Many<Codes>>) -> Option<StatusCodes> {
    let all = written.get()?.iter().map(|(_, codes)| codes.0.clone());
    StatusCodes::union(all)
}

/// The values of a service that its end-to-end check depends on.
pub(super) struct Serving<'s> {
    pub ports: &'s [u16],
    pub ranges: &'s [PortRange],
    /// Ports of real servers and of the health check.
    pub further: BTreeSet<u16>,
    pub real_servers: &'s [RealServer],
}

impl Serving<'_> {
    fn has(&self, port: u16) -> bool {
        let every = self.ports.is_empty() && self.ranges.is_empty();
        every || self.ports.contains(&port) || self.ranges.iter().any(|r| r.contains(port))
    }

    fn own(&self, known: &[u16]) -> Vec<u16> {
        let all = self.ports.iter().copied();
        all.filter(|port| known.contains(port)).collect()
    }
}

pub(super) fn check(
    name: &str,
    raw: Option<&RawCheck>,
    serving: &Serving<'_>,
    cx: &mut Context<'_>,
) -> EndToEnd {
    let none = RawCheck::default();
    let raw = raw.unwrap_or(&none);
    let path = |key| ["services", name, "check", key];
    not_empty(&path("status"), &raw.status, cx);
    for (key, written) in [
        ("ports", &raw.ports),
        ("http", &raw.http),
        ("https", &raw.https),
    ] {
        for (index, port) in written.get().into_iter().flat_map(Many::iter) {
            let speaks = key != "ports" && serving.further.contains(&port.0);
            if !serving.has(port.0) && !speaks {
                let fault = Fault::new(format!("port {} is none of the service's", port.0))
                    .help("name ports that clients ask for, which `port` lists");
                cx.fault(&[&path(key)[..], &[&index.to_string()]].concat(), fault);
            }
        }
    }
    let given = |many: &Opt<Many<Port>>| -> Option<Vec<u16>> {
        let many = many.get()?;
        Some(many.iter().map(|(_, port)| port.0).collect())
    };
    let (http, https) = (given(&raw.http), given(&raw.https));
    let first = || serving.ports.iter().copied().take(MOST_ASKED).collect();
    let speaking = http.iter().chain(&https).flatten().copied();
    let speaking = speaking.filter(|port| serving.has(*port));
    let asked: BTreeSet<u16> = match given(&raw.ports) {
        // Nothing is asked.
        Some(ports) if ports.is_empty() => BTreeSet::new(),
        ports => {
            let ports = ports.unwrap_or_else(first).into_iter();
            ports.chain(speaking).collect()
        }
    };
    EndToEnd {
        path: raw.path.get().cloned().unwrap_or_else(|| "/".to_owned()),
        status: codes(&raw.status),
        requests: raw
            .requests
            .copied()
            .map_or_else(|| requests(serving.real_servers), |r| r.0),
        ports: asked.into_iter().collect(),
        http: http.unwrap_or_else(|| serving.own(&[80, 8000, 8080])),
        https: https.unwrap_or_else(|| serving.own(&[443, 8443])),
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
