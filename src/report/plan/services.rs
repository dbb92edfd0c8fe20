//! The head of a plan: changes that clients notice, by service, with the directors concerned. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;

use super::keepalived;
use super::text::sign;
use crate::plan::HostPlan;
use crate::report::style::Style;
use crate::report::{all_names, names, sanitize};
use crate::resource::{Action, Change};

/// The inventory's names for objects that a plan identifies by address.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// By the virtual service, as in the keys of changes.
    pub services: BTreeMap<String, String>,
    pub hosts: BTreeMap<IpAddr, String>,
}

/// A line: what comes, changes or ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    action: Action,
    text: String,
}

/// A virtual service or a VIP: its line, and those below it.
type Part = (Line, Vec<Line>);

/// Writes the parts of all hosts; the same part of several hosts once. Whether there were any.
pub(super) fn write(
    writer: &mut dyn Write,
    plans: &[HostPlan],
    called: &Names,
    style: Style,
) -> io::Result<bool> {
    let mut parts: Vec<(Part, Vec<&str>)> = Vec::new();
    for plan in plans {
        for part in vips(plan).into_iter().chain(services(plan, called)) {
            match parts.iter_mut().find(|(known, _)| *known == part) {
                Some((_, hosts)) => hosts.push(&plan.host),
                None => parts.push((part, vec![&plan.host])),
            }
        }
    }
    for ((head, below), hosts) in &parts {
        let hosts = names(hosts, style);
        line(writer, "", head, &format!(", on {hosts}"), style)?;
        for one in below {
            line(writer, "    ", one, "", style)?;
        }
    }
    Ok(!parts.is_empty())
}

fn line(
    writer: &mut dyn Write,
    indent: &str,
    line: &Line,
    tail: &str,
    style: Style,
) -> io::Result<()> {
    let (sign, tone) = sign(line.action);
    let text = sanitize::line(&line.text);
    writeln!(writer, "{indent}{} {text}{tail}", style.paint(tone, sign))
}

/// VIPs of directors: keepalived has them in its file, otherwise they are addresses beside virtual services.
fn vips(plan: &HostPlan) -> Vec<Part> {
    let mut all: BTreeSet<Line> = BTreeSet::new();
    let mut add = |action, vip: &dyn fmt::Display| {
        all.insert(Line {
            action,
            text: format!("VIP {vip}"),
        });
    };
    for change in &plan.changes {
        let (comes, ends) = keepalived::comes_and_ends(change);
        comes.vips.iter().for_each(|vip| add(Action::Create, vip));
        ends.vips.iter().for_each(|vip| add(Action::Remove, vip));
    }
    let served: Vec<&str> = plan
        .changes
        .iter()
        .filter(|change| change.kind == "ipvs")
        .filter_map(|change| change.key.split_once(' ')?.1.rsplit_once(':'))
        .map(|(address, _)| address.trim_matches(['[', ']']))
        .collect();
    for change in plan.changes.iter().filter(|c| c.kind == "address") {
        let address = change.key.split(['/', ' ']).next().unwrap_or_default();
        if change.action != Action::Update && served.contains(&address) {
            add(change.action, &address);
        }
    }
    all.into_iter().map(|line| (line, Vec::new())).collect()
}

/// Virtual services that end with a change of keepalived.conf, and have no change of their own in the table.
pub(super) fn ends_beside(plan: &HostPlan, change: &Change) -> Vec<String> {
    let is_known = |at: &String| {
        let keys = match at.strip_prefix("mark ") {
            Some(mark) => vec![format!("-f {mark}"), format!("-f {mark} -6")],
            None => vec![format!("-t {at}"), format!("-u {at}")],
        };
        let ipvs = plan.changes.iter().filter(|change| change.kind == "ipvs");
        ipvs.into_iter().any(|change| keys.contains(&change.key))
    };
    let ends = keepalived::ends(change).services;
    ends.into_iter().filter(|at| !is_known(at)).collect()
}

fn services(plan: &HostPlan, called: &Names) -> Vec<Part> {
    let ipvs = plan.changes.iter().filter(|change| change.kind == "ipvs");
    let mut all: Vec<Part> = ipvs.map(|change| service(change, called)).collect();
    // Those that keepalived made from a file that lvsctl did not make.
    for change in &plan.changes {
        all.extend(ends_beside(plan, change).into_iter().map(|at| {
            let line = Line {
                action: Action::Remove,
                text: format!("service {at} of the keepalived.conf that is there"),
            };
            (line, Vec::new())
        }));
    }
    all
}

fn service(change: &Change, called: &Names) -> Part {
    let name = called.services.get(&change.key);
    let name = name.map_or_else(String::new, |name| format!("{name}, "));
    let mut text = format!("service {name}{}", change.key);
    let mut below = Vec::new();
    for field in &change.fields {
        let value = match (&field.from, &field.to) {
            (Some(from), Some(to)) => format!("{from} -> {to}"),
            (from, to) => from.as_ref().or(to.as_ref()).cloned().unwrap_or_default(),
        };
        let Some(address) = field.name.strip_prefix("real server ") else {
            text.push_str(&format!(": {value}"));
            continue;
        };
        below.push(Line {
            action: field.action(),
            text: format!("real server {}{address}: {value}", host(address, called)),
        });
    }
    let action = change.action;
    (Line { action, text }, below)
}

fn host(address: &str, called: &Names) -> String {
    let address: Option<std::net::SocketAddr> = address.parse().ok();
    let name = address.and_then(|address| called.hosts.get(&address.ip()));
    name.map_or_else(String::new, |name| format!("{name} "))
}

/// Sentences for the prompt: services and VIPs of others that the plans end.
pub fn replaced(plans: &[HostPlan]) -> Vec<String> {
    let mut lines = Vec::new();
    for plan in plans {
        for path in &plan.replaces {
            let change = plan
                .changes
                .iter()
                .find(|change| change.kind == "file" && change.key == *path);
            let ends = change.map(keepalived::ends).unwrap_or_default();
            if ends.is_empty() {
                continue;
            }
            let vips = ends.vips.iter().map(|vip| format!("VIP {vip}"));
            let services = ends.services.iter().map(|at| format!("service {at}"));
            let all: Vec<String> = vips.chain(services).collect();
            lines.push(format!(
                "{}: {path} is not lvsctl's; with it end {}",
                sanitize::line(&plan.host),
                all_names(&all)
            ));
        }
    }
    lines
}
