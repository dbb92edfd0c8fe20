//! What is made of clients' answers: each request answered, and what all of them together show, which [`super::round`]
//! judges. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::exchange::{Exchange, Kernel, came};
use super::right::Right;
use super::round::Round;
use super::{Group, Replies, url};
use crate::inventory::model::{Cluster, MOST_ASKED};
use crate::verify::Check;
use crate::verify::tally::{Fault, Tally};

/// Judges all groups.
pub fn all<'k>(
    cluster: &Cluster,
    groups: &[Group],
    exchanges: &[Exchange],
    kernel: impl Fn(&Group) -> Option<Kernel<'k>>,
    tally: &mut Tally,
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
            tally.note(
                "",
                Check::EndToEnd,
                format!("{name} was not asked for: {what}, and its `check` names none in `ports`, `http` or `https`"),
            );
        }
        let (asked, all) = (&group.service.check.ports, &group.service.ports);
        if all.len() > MOST_ASKED && asked.len() == MOST_ASKED && all.starts_with(asked) {
            tally.note(
                "",
                Check::EndToEnd,
                format!("{} was asked for on the first {} of its {} ports alone; `check: {{ ports: [...] }}` names others", group.service.name, asked.len(), all.len()),
            );
        }
        if mine.is_empty() {
            continue;
        }
        for exchange in &mine {
            answered(tally, group, exchange);
        }
        for exchange in &mine {
            if came(exchange)
                .iter()
                .any(|reply| reply.status.is_some() && !reply.fresh)
            {
                tally.note(
                    &exchange.client,
                    Check::EndToEnd,
                    format!("{}: its server keeps connections open although each request asks to close; only {} of {} requests had one of their own", at(exchange.target), exchange.replies.sent(), came(exchange).len()),
                );
            }
        }
        let round = Round::new(cluster, group, &mine, kernel(group));
        if let (Some(kernel), Some(why)) = (kernel(group), round.skipped) {
            tally.skip(kernel.director, Check::Statistics, &round.what(), why);
        } else if let (Some(kernel), None) = (kernel(group), &round.counted) {
            tally.note(
                kernel.director,
                Check::Statistics,
                format!("{}: what IPVS counted was not compared: its counters could not be read, or began anew meanwhile", round.what()),
            );
        }
        round.strangers(tally);
        if group.service.persistence.is_some() {
            round.one_real_server(tally, &mine);
        } else {
            round.hit(tally);
            round.shares(tally);
        }
        round.agree(tally);
    }
}

fn at(target: (IpAddr, u16)) -> String {
    std::net::SocketAddr::from(target).to_string()
}

/// Every request gets an answer, and one without an error.
fn answered(tally: &mut Tally, group: &Group, exchange: &Exchange) {
    let (client, to) = (exchange.client.as_str(), at(exchange.target));
    if exchange.replies == Replies::NoTool {
        let asks = format!("to ask {to} from {client}");
        let fault = if url(group.service, exchange.target.0, exchange.target.1).is_some() {
            Fault::new(
                format!("curl {asks}"),
                "neither curl nor bash",
                "install curl on it",
            )
        } else {
            Fault::new(
                format!("bash {asks}"),
                "none",
                "install bash on it: it asks ports that do not speak HTTP",
            )
        };
        tally.judge(client, Check::EndToEnd, to, Some(fault));
        return;
    }
    let replies = came(exchange);
    let wanted = usize::from(group.service.check.requests);
    let answers: Vec<u16> = replies.iter().filter_map(|r| r.status).collect();
    let fault = (answers.len() < wanted).then(|| {
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
        let sent = if replies.len() < wanted {
            format!(" of {} that were sent", replies.len())
        } else {
            String::new()
        };
        Fault::new(
            format!("{wanted} of {wanted} requests to {to} answered"),
            format!("{}{sent}{why}", answers.len()),
            "see the findings of its real servers and directors; `ipvsadm -Lnc` on the director shows where connections stay",
        )
    });
    tally.judge(client, Check::EndToEnd, to.clone(), fault);
    if answers.iter().any(|status| *status > 1) {
        page(tally, group, exchange);
    }
}

/// Answers over HTTP are what the inventory calls right.
fn page(tally: &mut Tally, group: &Group, exchange: &Exchange) {
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
        Fault::new(
            format!("{right} for {path} from {to}"),
            format!("status {} in {} of {} answers", codes.join(", "), bad.len(), answers.len()),
            "see the web server's log on the real servers; if that status is right, say so in the service: `check: { status: ... }`, or name another `path` there",
        )
    });
    tally.judge(client, Check::HttpStatus, to.clone(), fault);
    if let Some(text) = &right.text {
        let without = answers.iter().filter(|(_, has_text)| !has_text).count();
        let fault = (without > 0).then(|| {
            Fault::new(
                format!("a page {path} with {text:?} in its body from {to}"),
                format!("{without} of {} pages without it", answers.len()),
                "see the page on the real servers, or correct `text` in the service's health check",
            )
        });
        tally.judge(client, Check::HttpText, to, fault);
    }
}
