//! The head of a plan: what comes and goes for clients, service by service, with the directors that it is on. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;

use super::keepalived;
use crate::plan::HostPlan;
use crate::report::style::{Style, Tone};
use crate::report::{all_names, clean, names};
use crate::resource::change::Field;
use crate::resource::{Action, Change};

/// How the inventory calls what a plan knows by its address.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// By the virtual service, as in the keys of changes.
    pub services: BTreeMap<String, String>,
    pub hosts: BTreeMap<IpAddr, String>,
}

/// A line, and the hosts that it is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    sign: Sign,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Comes,
    Changes,
    Ends,
}

impl Sign {
    fn shown(self) -> (char, Tone) {
        match self {
            Self::Comes => ('+', Tone::Good),
            Self::Changes => ('~', Tone::Notable),
            Self::Ends => ('-', Tone::Bad),
        }
    }

    fn of(field: &Field) -> Self {
        match (&field.from, &field.to) {
            (None, _) => Self::Comes,
            (Some(_), None) => Self::Ends,
            (Some(_), Some(_)) => Self::Changes,
        }
    }
}

impl From<Action> for Sign {
    fn from(action: Action) -> Self {
        match action {
            Action::Create => Self::Comes,
            Action::Update => Self::Changes,
            Action::Remove => Self::Ends,
        }
    }
}

/// A virtual service or a VIP: its line, and those below it.
type Part = (Line, Vec<Line>);

/// Writes the parts of all hosts; the same part of several hosts once. Whether there were any.
pub fn write(
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
    let (sign, tone) = line.sign.shown();
    let text = clean::line(&line.text);
    writeln!(writer, "{indent}{} {text}{tail}", style.paint(tone, sign))
}

/// VIPs of directors: keepalived has them in its file, otherwise they are addresses beside virtual services.
fn vips(plan: &HostPlan) -> Vec<Part> {
    let mut all: BTreeSet<Line> = BTreeSet::new();
    let mut add = |sign, vip: &dyn fmt::Display| {
        all.insert(Line {
            sign,
            text: format!("VIP {vip}"),
        });
    };
    for change in &plan.changes {
        let (comes, ends) = keepalived::comes_and_ends(change);
        comes.vips.iter().for_each(|vip| add(Sign::Comes, vip));
        ends.vips.iter().for_each(|vip| add(Sign::Ends, vip));
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
            add(change.action.into(), &address);
        }
    }
    all.into_iter().map(|line| (line, Vec::new())).collect()
}

fn services(plan: &HostPlan, called: &Names) -> Vec<Part> {
    let ipvs = plan.changes.iter().filter(|change| change.kind == "ipvs");
    let mut all: Vec<Part> = ipvs.map(|change| service(change, called)).collect();
    // Those that keepalived made from a file of somebody else.
    let known = |at: &String| {
        let mark = at.strip_prefix("mark ").map(|mark| format!("-f {mark}"));
        plan.changes.iter().any(|change| {
            change.kind == "ipvs"
                && (change.key.ends_with(&format!(" {at}")) || Some(&change.key) == mark.as_ref())
        })
    };
    for change in &plan.changes {
        let ends = keepalived::ends(change).services;
        all.extend(ends.into_iter().filter(|at| !known(at)).map(|at| {
            let text = format!("service {at} of the keepalived.conf that is there");
            let sign = Sign::Ends;
            (Line { sign, text }, Vec::new())
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
            sign: Sign::of(field),
            text: format!("real server {}{address}: {value}", host(address, called)),
        });
    }
    let sign = change.action.into();
    (Line { sign, text }, below)
}

fn host(address: &str, called: &Names) -> String {
    let address: Option<std::net::SocketAddr> = address.parse().ok();
    let name = address.and_then(|address| called.hosts.get(&address.ip()));
    name.map_or_else(String::new, |name| format!("{name} "))
}

/// What ends on a host that lvsctl did not make, in a sentence for whoever is asked whether to go on.
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
                clean::line(&plan.host),
                all_names(&all)
            ));
        }
    }
    lines
}
