//! Judges the replies to clients: every request must get a reply without an error. The replies to all clients together are
//! judged in [`super::round`]. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::checks::{END_TO_END, HTTP_STATUS, HTTP_TEXT, STATISTICS};
use super::exchange::{Exchange, Kernel, came};
use super::right::Right;
use super::round::Round;
use super::{Group, Replies, url};
use crate::check::findings::{Findings, Mismatch};
use crate::check::traffic::Traffic;
use crate::model::{Cluster, MOST_ASKED};

/// Judges the replies group by group, by one [`Round`] for all checks of this folder.
pub(super) fn rounds(traffic: &Traffic, findings: &mut Findings) {
    let counters = traffic.counters();
    let kernel = |group: &Group| traffic.kernel(group, &counters);
    all(
        traffic.cluster,
        &traffic.groups,
        &traffic.exchanges,
        kernel,
        findings,
    );
}

pub fn all<'k>(
    cluster: &Cluster,
    groups: &[Group],
    exchanges: &[Exchange],
    kernel: impl Fn(&Group) -> Option<Kernel<'k>>,
    findings: &mut Findings,
) {
    for (index, group) in groups.iter().enumerate() {
        let mine: Vec<&Exchange> = exchanges.iter().filter(|e| e.group == index).collect();
        if group.targets.is_empty() {
            let (name, what) = (
                &group.service.name,
                if group.service.is_every_port() {
                    "it is on every port"
                } else {
                    "it has ranges of ports alone"
                },
            );
            findings.unknown(
                "",
                &END_TO_END,
                format!("{name} was not tested"),
                format!("{what}, and its `check` names none in `ports`, `http` or `https`"),
            );
        }
        let (asked, all) = (&group.service.check.ports, &group.service.ports);
        if all.len() > MOST_ASKED && asked.len() == MOST_ASKED && all.starts_with(asked) {
            findings.unknown(
                "",
                &END_TO_END,
                format!(
                    "{} was asked for on the first {} of its {} ports alone",
                    group.service.name,
                    asked.len(),
                    all.len()
                ),
                "`check: { ports: [...] }` names others",
            );
        }
        if mine.is_empty() {
            continue;
        }
        for exchange in &mine {
            answered(findings, group, exchange, kernel(group));
        }
        for exchange in &mine {
            if came(exchange)
                .iter()
                .any(|reply| reply.status.is_some() && !reply.fresh)
            {
                findings.note(
                    &exchange.client,
                    &END_TO_END,
                    format!("{}: its server keeps connections open although each request asks to close; only {} of {} requests had one of their own", at(exchange.target), exchange.replies.sent(), came(exchange).len()),
                );
            }
        }
        let round = Round::new(cluster, group, &mine, kernel(group));
        if let (Some(kernel), Some(why)) = (kernel(group), round.skipped) {
            findings.skip(kernel.director, &STATISTICS, &round.what(), why);
        } else if let (Some(kernel), None) = (kernel(group), &round.counted) {
            findings.unknown(
                kernel.director,
                &STATISTICS,
                round.what(),
                "what IPVS counted was not compared: its counters could not be read, or began anew meanwhile",
            );
        }
        if let Some((counts, _)) = round.counts() {
            let taken = findings.taken.entry(group.service.name.clone());
            let taken = taken.or_default();
            for (name, connections) in counts {
                *taken.entry(name.clone()).or_default() += connections;
            }
        }
        round.strangers(findings);
        if group.service.persistence.is_some() {
            round.one_real_server(findings, &mine);
        } else {
            round.hit(findings);
            round.shares(findings);
        }
        round.agree(findings);
    }
}

fn concerns(fault: Mismatch, group: &Group, vip: IpAddr) -> Mismatch {
    fault.of_service(&group.service.name).of_vip(vip)
}

fn at(target: (IpAddr, u16)) -> String {
    std::net::SocketAddr::from(target).to_string()
}

/// The fix for requests without a reply. IPVS has counted the real servers to which it sent them: these are named first.
fn where_to_look(group: &Group, kernel: Option<Kernel>) -> String {
    const STAY: &str = "`ipvsadm -Lnc` on the director shows where connections stay";
    let counters = kernel.and_then(|kernel| kernel.counters().filter(|counters| counters.counts));
    let grown =
        counters.and_then(|counters| counters.after.since(counters.before, group.r#virtual));
    let Some(grown) = grown else {
        return STAY.to_owned();
    };
    let to = group.r#virtual;
    let sent: Vec<String> = grown
        .iter()
        .filter(|(_, connections)| **connections > 0)
        .map(|(address, connections)| format!("{connections} to real server {address} of {to}"))
        .collect();
    if sent.is_empty() {
        return format!(
            "IPVS counted none of them: see which host answers ARP for the VIP, and what comes before IPVS on the director; {STAY}"
        );
    }
    format!(
        "IPVS sent connections {}: ask each there at its address, as its health check does; {STAY}",
        sent.join(", ")
    )
}

/// Every request gets an answer, and one without an error.
fn answered(findings: &mut Findings, group: &Group, exchange: &Exchange, kernel: Option<Kernel>) {
    let (client, to) = (exchange.client.as_str(), at(exchange.target));
    if exchange.replies == Replies::NoTool {
        let asks = format!("to ask {to} from {client}");
        let fault = if url(group.service, exchange.target.0, exchange.target.1).is_some() {
            Mismatch::new(
                format!("curl {asks}"),
                "neither curl nor bash",
                "install curl on it",
            )
        } else {
            Mismatch::new(
                format!("bash {asks}"),
                "none",
                "install bash on it: it asks ports that do not speak HTTP",
            )
        };
        findings.judge(client, &END_TO_END, to, Some(fault));
        return;
    }
    let replies = came(exchange);
    let requests = usize::from(group.service.check.requests);
    let answers: Vec<u16> = replies.iter().filter_map(|r| r.status).collect();
    let fault = (answers.len() < requests).then(|| {
        let why: BTreeSet<&str> = replies
            .iter()
            .filter(|r| r.status.is_none())
            .map(|r| r.error.as_str())
            .collect();
        let why: Vec<&str> = why.into_iter().take(2).collect();
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(" ({})", why.join("; "))
        };
        let sent = if replies.len() < requests {
            format!(" of {} that were sent", replies.len())
        } else {
            String::new()
        };
        Mismatch::new(
            format!("{requests} of {requests} requests to {to} answered"),
            format!("{}{sent}{why}", answers.len()),
            where_to_look(group, kernel),
        )
    });
    let fault = fault.map(|fault| concerns(fault, group, exchange.target.0));
    let read = format!("{} of {requests} requests answered", answers.len());
    findings.judge_read(client, &END_TO_END, to.clone(), read, fault);
    if answers.iter().any(|status| *status > 1) {
        page(findings, group, exchange);
    }
}

/// Judges status and text of HTTP replies by the inventory.
fn page(findings: &mut Findings, group: &Group, exchange: &Exchange) {
    let (client, to) = (exchange.client.as_str(), at(exchange.target));
    let (vip, port) = exchange.target;
    let right = Right::of(group.service, vip, port);
    let path = &group.service.check.path;
    let answers: Vec<_> = came(exchange)
        .iter()
        .filter_map(|reply| Some((reply.status?, reply.has_text)))
        .collect();
    let bad: Vec<u16> = answers
        .iter()
        .map(|(status, _)| *status)
        .filter(|status| !right.accepts(*status))
        .collect();
    let fault = (!bad.is_empty()).then(|| {
        let codes: BTreeSet<u16> = bad.iter().copied().collect();
        let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
        Mismatch::new(
            format!("{right} for {path} from {to}"),
            format!("status {} in {} of {} answers", codes.join(", "), bad.len(), answers.len()),
            "see the web server's log on the real servers; if that status is right, say so in the service: `check: { status: ... }`, or name another `path` there",
        )
    });
    let fault = fault.map(|fault| concerns(fault, group, vip));
    let codes: BTreeSet<String> = answers.iter().map(|(code, _)| code.to_string()).collect();
    let codes: Vec<String> = codes.into_iter().collect();
    let read = format!("status {} in {} answers", codes.join(", "), answers.len());
    findings.judge_read(client, &HTTP_STATUS, to.clone(), read, fault);
    if let Some(text) = &right.text {
        let without = answers.iter().filter(|(_, has_text)| !has_text).count();
        let fault = (without > 0).then(|| {
            Mismatch::new(
                format!("a page {path} with {text:?} in its body from {to}"),
                format!("{without} of {} pages without it", answers.len()),
                "see the page on the real servers, or correct `text` in the service's health check",
            )
        });
        let fault = fault.map(|fault| concerns(fault, group, vip));
        let read = format!("{text:?} in each of {} pages", answers.len());
        findings.judge_read(client, &HTTP_TEXT, to, read, fault);
    }
}
