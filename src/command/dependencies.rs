//! Reads and locks hosts outside of `--limit` on which a run depends. What is withheld is decided in
//! [`crate::plan::dependency`], losses of services in [`crate::plan::depool`].

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::cli::GuardArgs;
use crate::event::{Event, Sink as _};
use crate::exit::Exit;
use crate::keepalived::CONFIGURATION;
use crate::model::{Cluster, Host};
use crate::plan::HostPlan;
use crate::plan::dependency::{self, Decisions, Hold, HostView, Observed, Withheld};
use crate::plan::depool::{self, Loss};
use crate::plan::load;
use crate::resource::change::Phase;
use crate::resource::file::File;
use crate::resource::ipvs::{Ipvs, KEEPALIVED};
use crate::resource::route::Route;
use crate::resource::{Action, Change, Kind, Resource};
use crate::run::{Fleet, HostRun};
use crate::secret::{self, Secrets};

use super::context::of_role;
use super::goal::Goal;
use super::session::{Session, lock};
use super::{Failure, Result};

/// Hosts that are only read.
#[derive(Default)]
pub(super) struct ReadOnlyHosts<'h> {
    pub runs: Vec<HostRun<'h>>,
    unreached: Vec<&'h Host>,
}

impl ReadOnlyHosts<'_> {
    /// Names of hosts that could not be read.
    pub(super) fn unreached(&self) -> Vec<&str> {
        self.unreached
            .iter()
            .map(|host| host.name.as_str())
            .collect()
    }
}

/// The hosts of a run: their plans, those that were not reached, and those that are only read.
pub(super) struct Hosts<'r, 'h> {
    pub runs: &'r [HostRun<'h>],
    pub plans: &'r [HostPlan],
    pub missing: &'r [&'h Host],
    pub others: &'r ReadOnlyHosts<'h>,
    /// Hosts that failed after the run began to change them.
    pub failed: &'r BTreeSet<String>,
}

impl<'r, 'h> Hosts<'r, 'h> {
    /// The hosts before any change, so that none has failed.
    pub(super) fn new(
        runs: &'r [HostRun<'h>],
        plans: &'r [HostPlan],
        missing: &'r [&'h Host],
        others: &'r ReadOnlyHosts<'h>,
    ) -> Self {
        Self {
            runs,
            plans,
            missing,
            others,
            failed: const { &BTreeSet::new() },
        }
    }
}

/// Reads the hosts on which the plans depend.
pub(super) fn read<'h>(
    session: &'h Session,
    fleet: &Fleet,
    goal: Goal,
    hosts: &Hosts<'_, 'h>,
) -> ReadOnlyHosts<'h> {
    let views = views(session, hosts);
    let cluster = session.cluster();
    let needed = match goal {
        Goal::Inventory => dependency::needed(cluster, &views),
        Goal::Nothing => dependency::needed_to_leave(cluster, &views),
    };
    let names: BTreeSet<&str> = needed.iter().map(|host| host.name.as_str()).collect();
    open(session, fleet, |host| names.contains(host.name.as_str()))
}

/// Opens hosts that are only read. Events report those that could not be opened.
pub(super) fn open<'h>(
    session: &'h Session,
    fleet: &Fleet,
    chosen: impl Fn(&Host) -> bool,
) -> ReadOnlyHosts<'h> {
    let mut others = ReadOnlyHosts::default();
    let hosts = session.cluster().hosts.iter().filter(|host| chosen(host));
    let hosts: Vec<(&Host, Vec<Resource>)> = hosts
        .map(|host| (host, session.context.desired(host)))
        .collect();
    if hosts.is_empty() {
        return others;
    }
    for (host, outcome) in fleet.open(hosts) {
        match outcome {
            Ok(run) => others.runs.push(run),
            Err(_) => others.unreached.push(host),
        }
    }
    others
}

/// Locks all hosts of a run in one order, also those that are only read, so that conditions of the run do not change.
pub(super) fn lock_all<'h>(
    fleet: &Fleet,
    hosts: Vec<HostRun<'h>>,
    others: &mut ReadOnlyHosts<'h>,
) -> Result<Vec<HostRun<'h>>> {
    let read: BTreeSet<String> = others
        .runs
        .iter()
        .map(|run| run.host.name.clone())
        .collect();
    let all = hosts.into_iter().chain(std::mem::take(&mut others.runs));
    let locked = lock(fleet, all.collect())?;
    let (others_of_it, hosts) = locked
        .into_iter()
        .partition(|run| read.contains(&run.host.name));
    others.runs = others_of_it;
    Ok(hosts)
}

fn views<'r>(session: &'r Session, hosts: &Hosts<'r, '_>) -> Vec<HostView<'r>> {
    let secrets = &session.access.secrets;
    let chosen = hosts
        .runs
        .iter()
        .zip(hosts.plans)
        .map(|(run, plan)| HostView {
            host: run.host,
            chosen: true,
            failed: hosts.failed.contains(&run.host.name),
            seen: Some(seen(session.cluster(), run, plan, secrets)),
        });
    let missing = hosts.missing.iter().map(|host| (*host, true));
    let unread = hosts.others.unreached.iter().map(|host| (*host, false));
    let unseen = missing.chain(unread).map(|(host, chosen)| HostView {
        host,
        chosen,
        failed: false,
        seen: None,
    });
    let read = hosts.others.runs.iter().map(|run| HostView {
        host: run.host,
        chosen: false,
        failed: false,
        seen: Some(seen(session.cluster(), run, &run.plan(secrets), secrets)),
    });
    chosen.chain(unseen).chain(read).collect()
}

fn seen<'r>(
    cluster: &Cluster,
    run: &'r HostRun,
    plan: &HostPlan,
    secrets: &Secrets,
) -> Observed<'r> {
    let facts = &run.answer.facts;
    let file = facts.file.get(CONFIGURATION);
    let speaks = facts.unit.is_active(KEEPALIVED);
    let unit = facts.unit.units.get(KEEPALIVED);
    let read = file
        .zip(unit)
        .is_some_and(|(file, unit)| file.modified <= unit.changed.seconds(&facts.clock));
    let desired = run.desired.iter().find_map(|resource| match resource {
        Resource::File(file) if file.path == CONFIGURATION => Some(file),
        _ => None,
    });
    let desired = desired.filter(|_| run.host.is_director() && cluster.keepalived);
    let after = desired.and_then(|file| secret::reveal(&file.content, secrets).ok());
    let holds: BTreeSet<IpAddr> = facts.address.held.iter().map(|held| held.address).collect();
    let before = file.map_or("", |file| file.content.as_str());
    let apart = after.map(|after| load::apart(before, after.as_str(), &holds));
    Observed {
        differs: !plan.changes.is_empty() || !plan.refusals.is_empty(),
        takes_away: plan.steps.iter().any(|step| step.phase == Phase::Remove),
        alters: plan.changes.iter().any(alters),
        table: &facts.ipvs.table,
        recorded: recorded(run),
        loaded: !cluster.keepalived || (speaks && read),
        speaks,
        apart: apart.unwrap_or_default(),
    }
}

/// Whether a change may affect the listeners of a host, or the route of its replies.
fn alters(change: &Change) -> bool {
    matches!(change.kind, File::NAME | Route::NAME) && change.action == Action::Update
}

fn recorded<'r>(run: &'r HostRun) -> Vec<&'r Ipvs> {
    let entries = run.answer.manifest.entries.iter();
    let ipvs = entries.filter_map(|entry| match &entry.resource {
        Resource::Ipvs(ipvs) => Some(ipvs),
        _ => None,
    });
    ipvs.collect()
}

/// The parts of the plans to withhold, since other hosts do not meet their conditions.
pub(super) fn decide(session: &Session, goal: Goal, hosts: &Hosts) -> Decisions {
    let cluster = session.cluster();
    let views = views(session, hosts);
    match goal {
        Goal::Inventory => dependency::decide(cluster, &views),
        Goal::Nothing => dependency::decide_to_leave(cluster, &views),
    }
}

/// Hosts that change together with the directors.
pub(super) fn reshaped(session: &Session, hosts: &Hosts) -> BTreeSet<String> {
    dependency::reshaped(session.cluster(), &views(session, hosts))
}

/// Removes the withheld parts from the plans.
pub(super) fn withhold(
    session: &Session,
    fleet: &Fleet,
    goal: Goal,
    runs: &mut [HostRun],
    plans: &mut [HostPlan],
    missing: &[&Host],
    others: &ReadOnlyHosts,
) -> Result<Vec<Withheld>> {
    let hosts = Hosts::new(runs, plans, missing, others);
    let decisions = decide(session, goal, &hosts);
    for (run, plan) in runs.iter_mut().zip(plans) {
        let name = run.host.name.as_str();
        let left_out = decisions.left_out.get(name);
        run.hold = decisions.hold(name);
        if let Some(left_out) = left_out {
            let left = run.leave_out(&fleet.run, left_out);
            left.map_err(|e| of_role(run.host, &e))?;
        }
        if left_out.is_some() || run.hold != Hold::Nothing {
            *plan = run.plan(&session.access.secrets);
        }
    }
    Ok(decisions.withheld)
}

/// The effect of a command on directors and real servers.
pub(super) struct Leaving<'r> {
    /// Whether a director still serves after the command.
    pub stays: &'r dyn Fn(&Host) -> bool,
    /// Whether the command sets a director's virtual services to the desired state.
    pub changes: &'r dyn Fn(&HostRun) -> bool,
    /// Hosts of real servers that get no more requests.
    pub real_servers: Vec<&'r Host>,
}

/// Services that a command would leave with too few real servers, or without a director.
pub(super) fn losses(
    session: &Session,
    guard: &GuardArgs,
    runs: &[&HostRun],
    leaving: &Leaving,
) -> Vec<Loss> {
    let cluster = session.cluster();
    let directors = runs.iter().copied();
    let directors: Vec<&HostRun> = directors.filter(|run| run.host.is_director()).collect();
    let of_desired = |run: &HostRun| -> Vec<Ipvs> {
        let all = run.desired.iter().filter_map(|resource| match resource {
            Resource::Ipvs(ipvs) => Some(ipvs.clone()),
            _ => None,
        });
        all.collect()
    };
    let ipvs: Vec<(Vec<Ipvs>, Vec<Ipvs>)> = directors
        .iter()
        .map(|run| (of_desired(run), recorded_ipvs(run)))
        .collect();
    let directors: Vec<depool::Director> = directors
        .iter()
        .zip(&ipvs)
        .map(|(run, (desired, recorded))| depool::Director {
            stays: (leaving.stays)(run.host),
            after: (leaving.changes)(run).then_some(desired.as_slice()),
            ..director(cluster, run, recorded)
        })
        .collect();
    let leaves = leaving
        .real_servers
        .iter()
        .flat_map(|host| host.addresses());
    depool::losses(cluster, guard.keep_serving, &directors, &leaves.collect())
}

/// The virtual services that lvsctl recorded on a host.
pub(super) fn recorded_ipvs(run: &HostRun) -> Vec<Ipvs> {
    recorded(run).into_iter().cloned().collect()
}

/// A director that the command does not change.
pub(super) fn director<'r>(
    cluster: &Cluster,
    run: &'r HostRun,
    recorded: &'r [Ipvs],
) -> depool::Director<'r> {
    depool::Director {
        name: &run.host.name,
        table: &run.answer.facts.ipvs.table,
        active: !cluster.keepalived || run.answer.facts.unit.is_active(KEEPALIVED),
        stays: true,
        recorded,
        after: None,
    }
}

/// Services that the plans would leave with too few real servers, or without a director. Empty for `destroy` of a whole
/// cluster, which ends all services on purpose.
pub(super) fn left_too_little(
    session: &Session,
    guard: &GuardArgs,
    goal: Goal,
    hosts: &[HostRun],
    plans: &[HostPlan],
    others: &ReadOnlyHosts,
) -> Vec<Loss> {
    if goal == Goal::Nothing && session.global.limit.is_empty() {
        return Vec::new();
    }
    let pairs = hosts.iter().zip(plans);
    let goes: Vec<&Host> = pairs
        .filter(|(_, plan)| goal == Goal::Nothing && !plan.is_empty())
        .map(|(run, _)| run.host)
        .collect();
    let stays = |host: &Host| !goes.iter().any(|gone| gone.name == host.name);
    let is_read = |run: &HostRun| others.runs.iter().any(|o| o.host.name == run.host.name);
    let changes = |run: &HostRun| goal == Goal::Inventory && run.hold != Hold::All && !is_read(run);
    let all: Vec<&HostRun> = hosts.iter().chain(&others.runs).collect();
    let leaving = Leaving {
        stays: &stays,
        changes: &changes,
        real_servers: goes.clone(),
    };
    losses(session, guard, &all, &leaving)
}

/// Identifier of the refusal of a command that would leave too little of a service.
pub(super) const TOO_FEW: &str = "too-few-left";

/// The failure of a command that would leave too little of a service; nothing is changed.
pub(super) fn refuse(session: &Session, losses: &[Loss]) -> Failure {
    let lines: String = losses
        .iter()
        .map(|loss| format!("error: {loss}\n"))
        .collect();
    refused(
        session,
        TOO_FEW,
        &format!(
            "{lines}stop fewer hosts, or start and repair others first; --keep-serving sets how many must go on, --force goes \
             on in any case"
        ),
    )
}

/// Reports the refusal of a command before any change; `kind`: identifier for scripts.
pub(super) fn refused(session: &Session, kind: &'static str, message: &str) -> Failure {
    session.reporter.event(&Event::Refused {
        kind,
        message: message.trim_start_matches("error: ").to_owned(),
    });
    let message = format!("{message}\nnothing was changed on any host\n");
    Failure::new(Exit::Unreachable, message).kind(kind)
}
