//! `lvsctl stop` and `lvsctl start`: stops and starts a host's part of the cluster without changing its desired state.

use std::collections::BTreeSet;

use crate::cli::{Format, FormatArgs, Global, GuardArgs};
use crate::exit::Exit;
use crate::model::{Cluster, Destination, Host};
use crate::plan::start_stop::{self, Stage};
use crate::resource::change::Step;
use crate::run::{Fleet, HostRun};
use crate::view;

use super::dependencies::{self, Leaving, ReadOnlyHosts};
use super::session::{Options, Session};
use super::{Failure, Result, print};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// `force`: start directors even if their real servers are not proven ready.
    Start { force: bool },
    /// `all`: the whole cluster may be stopped.
    Stop { all: bool, guard: GuardArgs },
}

pub(super) fn run(global: &Global, format: &FormatArgs, verb: Verb) -> Result<Exit> {
    let options = Options {
        events: format.format,
        templates: false,
        ..Options::default()
    };
    let session = Session::open(global, options)?;
    let done = session
        .fleet()
        .and_then(|fleet| act(&session, &fleet, verb));
    let context = session.finish();
    if let (Ok(Exit::Done), Format::Text, false) = (&done, format.format, global.quiet) {
        let names: Vec<&str> = context
            .hosts(global)?
            .iter()
            .map(|h| h.name.as_str())
            .collect();
        print(&summary(verb, &names.join(",")))?;
    }
    done
}

fn summary(verb: Verb, hosts: &str) -> String {
    match verb {
        Verb::Start { .. } => format!("started: {hosts}\n"),
        Verb::Stop { all: true, .. } => {
            "stopped: all hosts; `lvsctl start` starts them again\n".to_owned()
        }
        Verb::Stop { all: false, .. } => {
            format!("stopped: {hosts}; `lvsctl start --limit {hosts}` starts again\n")
        }
    }
}

fn act(session: &Session, fleet: &Fleet, verb: Verb) -> Result<Exit> {
    let cluster = session.cluster();
    let chosen = session.context.hosts(session.global)?;
    if chosen.len() == cluster.hosts.len() && matches!(verb, Verb::Stop { all: false, .. }) {
        return Err(Failure::new(
            Exit::Usage,
            "error: this would stop the whole cluster; name hosts with --limit, or pass --all\n",
        ));
    }
    let stages_of = |cluster| match verb {
        Verb::Start { .. } => start_stop::start(cluster, &chosen),
        Verb::Stop { .. } => start_stop::stop(cluster, &chosen),
    };
    let stages = stages_of(cluster);
    let mut names: Vec<&str> = Vec::new();
    for (host, _) in stages.iter().flatten() {
        if !names.contains(&host.name.as_str()) {
            names.push(&host.name);
        }
    }
    let hosts: Vec<&Host> = cluster
        .hosts
        .iter()
        .filter(|h| names.contains(&h.name.as_str()))
        .collect();
    let desired = hosts
        .into_iter()
        .map(|host| (host, session.context.desired(host)));
    let runs = session.open_hosts(fleet, desired.collect())?.hosts;
    let needed = needed(cluster, &runs, &chosen, verb);
    let mut others = dependencies::open(session, fleet, |host| needed.contains(&host.name));
    let mut runs = dependencies::lock_all(fleet, runs, &mut others)?;
    if let Err(failure) = permitted(session, &runs, &others, &chosen, verb) {
        fleet.close(runs);
        fleet.close(others.runs);
        return Err(failure);
    }
    let mut exit = Exit::Done;
    // By now the directors' records are known: drained real servers keep weight 0.
    for stage in stages_of(fleet.run.desired()) {
        if fleet.run.cancel.is_cancelled() {
            exit = Exit::Interrupted;
            break;
        }
        if !one_stage(fleet, &mut runs, stage) {
            exit = if fleet.run.cancel.is_cancelled() {
                Exit::Interrupted
            } else {
                Exit::Failed
            };
            break;
        }
    }
    fleet.close(runs);
    fleet.close(others.runs);
    Ok(exit)
}

fn is_among(hosts: &[&Host], host: &Host) -> bool {
    hosts.iter().any(|one| one.name == host.name)
}

/// Real servers to which a chosen director will begin to send requests, by host and service.
fn begins_to_send_to<'c>(
    cluster: &'c Cluster,
    runs: &[HostRun],
    chosen: &[&Host],
) -> BTreeSet<(&'c str, &'c str)> {
    let mut all = BTreeSet::new();
    let directors = runs.iter().filter(|run| run.host.is_director());
    for run in directors.filter(|run| is_among(chosen, run.host)) {
        let services = &run.answer.facts.ipvs.table.services;
        for service in &cluster.services {
            for ipvs in view::ipvs_of(cluster, service) {
                let to = ipvs.service.r#virtual;
                let served = services.iter().find(|s| s.definition.r#virtual == to);
                let has = |made: &Destination| {
                    served.is_some_and(|s| s.real_servers.contains_key(&made.address))
                };
                let pairs = service.real_servers.iter().zip(&ipvs.real_servers);
                let new = pairs.filter(|(rs, made)| rs.weight > 0 && !has(made));
                all.extend(new.map(|(rs, _)| (rs.host.as_str(), service.name.as_str())));
            }
        }
    }
    all
}

/// Hosts without steps that must be read: directors before a stop, real servers before a director starts.
fn needed(cluster: &Cluster, runs: &[HostRun], chosen: &[&Host], verb: Verb) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = match verb {
        Verb::Stop { all: true, .. } | Verb::Start { force: true } => BTreeSet::new(),
        Verb::Stop { guard, .. } if guard.force => BTreeSet::new(),
        Verb::Stop { .. } => cluster.directors().map(|host| host.name.clone()).collect(),
        Verb::Start { force: false } => {
            let all = begins_to_send_to(cluster, runs, chosen).into_iter();
            all.map(|(host, _)| host.to_owned()).collect()
        }
    };
    names.retain(|name| !runs.iter().any(|run| run.host.name == *name));
    names
}

/// Fails if a stop leaves too little of a service, or if real servers of a starting director are not ready.
fn permitted(
    session: &Session,
    runs: &[HostRun],
    others: &ReadOnlyHosts,
    chosen: &[&Host],
    verb: Verb,
) -> Result<()> {
    match verb {
        Verb::Stop { all: true, .. } | Verb::Start { force: true } => Ok(()),
        Verb::Stop { guard, .. } if guard.force => Ok(()),
        Verb::Stop { guard, .. } => {
            let leaving = Leaving {
                stays: &|host| !is_among(chosen, host),
                changes: &|_| false,
                real_servers: chosen.to_vec(),
            };
            let all: Vec<&HostRun> = runs.iter().chain(&others.runs).collect();
            let losses = dependencies::losses(session, &guard, &all, &leaving);
            match losses.is_empty() {
                true => Ok(()),
                false => Err(dependencies::refuse(session, &losses)),
            }
        }
        Verb::Start { force: false } => ready(session, runs, others, chosen),
    }
}

/// Fails if a real server is not ready to which a director will begin to send requests.
fn ready(
    session: &Session,
    runs: &[HostRun],
    others: &ReadOnlyHosts,
    chosen: &[&Host],
) -> Result<()> {
    let mut lines = String::new();
    let mut names: Vec<&str> = chosen.iter().map(|host| host.name.as_str()).collect();
    for (host, service) in begins_to_send_to(session.cluster(), runs, chosen) {
        if chosen.iter().any(|one| one.name == host) {
            continue;
        }
        let mut read = runs.iter().chain(&others.runs);
        let why = match read.find(|run| run.host.name == host) {
            None => "was not reached",
            Some(run) if run.plan(&session.access.secrets).changes.is_empty() => continue,
            Some(_) => "is stopped or not in its desired state",
        };
        lines.push_str(&format!(
            "error: {host}: expected to be ready for {service} before a director sends to it, but it {why}\n"
        ));
        names.push(host);
    }
    if lines.is_empty() {
        return Ok(());
    }
    names.sort_unstable();
    names.dedup();
    let message = format!(
        "{lines}run `lvsctl start --limit {}`, or `lvsctl plan` to see what differs; --force starts in any case",
        names.join(",")
    );
    Err(dependencies::refused(session, "not-ready", &message))
}

/// Runs the steps of a stage; returns whether all succeeded.
fn one_stage<'h>(fleet: &Fleet, runs: &mut Vec<HostRun<'h>>, stage: Stage) -> bool {
    let jobs: Vec<(HostRun<'h>, Vec<Step>)> = std::mem::take(runs)
        .into_iter()
        .map(|run| {
            let mine = stage.iter().find(|(host, _)| host.name == run.host.name);
            (
                run,
                mine.map(|(_, steps)| steps.clone()).unwrap_or_default(),
            )
        })
        .collect();
    let (done, well) = fleet.steps(jobs);
    *runs = done;
    well
}
