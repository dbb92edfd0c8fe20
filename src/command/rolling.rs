//! Rolling applies: batches with a `verify` after each. The batches, and the failures that end the run, are decided in
//! [`crate::plan::serial`]; the errors of `verify` that count, in [`crate::check::batch`].

use std::collections::BTreeSet;

use crate::check::{Examined, batch};
use crate::cli::{ApplyArgs, BatchArgs, SerialArgs};
use crate::event::{Event, Sink as _};
use crate::model::Host;
use crate::plan::HostPlan;
use crate::plan::dependency::{Hold, Withheld};
use crate::plan::serial::{self, Batch, Pass, Stop};
use crate::plan::stages::{self, Way};
use crate::run::fleet::Applied;
use crate::run::progress::{Stand, Why};
use crate::run::wait_converged::{self, REPAIRS, Unheld};
use crate::run::{Fleet, HostRun, Progress};
use crate::view;

use super::context::of_role;
use super::dependencies::{self, ReadOnlyHosts};
use super::goal::Goal;
use super::session::Session;
use super::{Result, verify, vips};

/// The batches of a run; none without `--serial`.
pub(super) fn batches(
    session: &Session,
    fleet: &Fleet,
    args: &BatchArgs,
    hosts: &dependencies::Hosts,
) -> Vec<Batch> {
    if args.serial.is_empty() {
        return Vec::new();
    }
    let pairs = hosts.runs.iter().zip(hosts.plans);
    let planned: Vec<serial::Planned> = pairs.map(|(run, plan)| (run.host, plan)).collect();
    let directors = planned.iter().filter(|(host, _)| host.is_director());
    let way = Way::of(directors.map(|(_, plan)| *plan));
    let reshaped = dependencies::reshaped(session, hosts);
    let groups = serial::groups(fleet.run.desired(), &planned, way, &reshaped);
    serial::batches(&groups, &args.serial)
}

/// Input of a rolling apply, besides hosts and plans.
pub(super) struct Rolling<'r, 'g, 'f, 'h> {
    pub session: &'r Session<'g>,
    pub fleet: &'r Fleet<'f>,
    pub args: &'r ApplyArgs,
    pub serial: &'r SerialArgs,
    pub batches: &'r [Batch],
    pub missing: &'r [&'h Host],
    pub others: &'r ReadOnlyHosts<'h>,
    pub unheld: &'r [Unheld],
}

pub(super) struct Rolled<'h> {
    pub done: Vec<Applied<'h>>,
    /// Withheld parts, including those of failed hosts.
    pub withheld: Vec<Withheld>,
    /// Hosts that failed, or that `verify` found an error on.
    pub failures: BTreeSet<String>,
}

/// State that changes from batch to batch.
struct State {
    /// Directors whose keepalived reloads before that of the others.
    first: Vec<String>,
    withheld: Vec<Withheld>,
    failures: BTreeSet<String>,
    /// The failed hosts that the present plans already leave out.
    left_out: BTreeSet<String>,
    /// What `verify` found before the first batch.
    before: Vec<Examined>,
}

impl<'h> Rolling<'_, '_, '_, 'h> {
    /// Runs the batches. An error means that no batch was begun.
    pub(super) fn run(
        &self,
        pairs: Vec<(HostRun<'h>, HostPlan)>,
        first: Vec<String>,
        withheld: Vec<Withheld>,
    ) -> Result<Rolled<'h>> {
        let order: Vec<&Host> = pairs.iter().map(|(run, _)| run.host).collect();
        let directors = pairs.iter().filter(|(run, _)| run.host.is_director());
        let way = Way::of(directors.map(|(_, plan)| plan));
        let mut progress = Progress::new(pairs);
        let mut state = State {
            first,
            withheld,
            failures: BTreeSet::new(),
            left_out: BTreeSet::new(),
            before: Vec::new(),
        };
        if self.batches.len() > 1 {
            state.before = verify::results(self.session, &|_| true)?;
        }
        let cluster = self.fleet.run.desired();
        let mut made = BTreeSet::new();
        let mut why = None;
        for (number, batch) in (1..).zip(self.batches) {
            if self.session.cancel.is_cancelled() {
                break;
            }
            let Some(batch) = due(&progress, batch) else {
                continue;
            };
            self.begins(number, &batch);
            let stages = stages::all(cluster, &order, way, &state.first);
            progress.go(self.fleet, &serial::stages_of(&stages, &batch, &made));
            made.extend(batch.hosts.iter().cloned());
            let stop = self.judge(&mut progress, &mut state, number, &batch);
            if let Some(stop) = stop.filter(|_| !self.session.cancel.is_cancelled()) {
                why = self.stopped(&progress, &state, number, &stop);
                break;
            }
        }
        let stages = stages::all(cluster, &order, way, &state.first);
        let done = progress.end(self.fleet, &stages, why.as_ref());
        Ok(Rolled {
            done,
            withheld: state.withheld,
            failures: state.failures,
        })
    }

    fn begins(&self, number: usize, batch: &Batch) {
        self.session.reporter.event(&Event::Batch {
            number,
            of: self.batches.len(),
            pass: batch.pass,
            hosts: batch.hosts.clone(),
        });
    }

    /// Judges a batch; returns why the run ends with it.
    fn judge(
        &self,
        progress: &mut Progress<'h>,
        state: &mut State,
        number: usize,
        batch: &Batch,
    ) -> Option<Stop> {
        state.failures.extend(progress.failed());
        let in_part = progress.is_in_part(batch);
        let stop = |state: &State| {
            let (cluster, failures) = (self.session.cluster(), &state.failures);
            serial::stop(
                cluster,
                self.serial.allowed(),
                self.all(),
                failures,
                in_part,
            )
        };
        let ended = stop(state);
        if ended.is_some() || number == self.batches.len() || self.session.cancel.is_cancelled() {
            return ended;
        }
        if let Some(stop) = self.settles(progress, batch) {
            return Some(stop);
        }
        match self.verified(progress, state, number, batch) {
            Ok(names) => state.failures.extend(names),
            Err(failure) => return Some(Stop::Unverified(failure.message)),
        }
        if let Some(stop) = stop(state) {
            return Some(stop);
        }
        if state.failures.is_subset(&state.left_out) {
            return None;
        }
        progress.tolerate();
        state.left_out = state.failures.clone();
        self.leave_out(progress, state)
            .unwrap_or_else(|failure| Some(Stop::Unverified(failure.message)))
    }

    /// How many hosts have changes.
    fn all(&self) -> usize {
        let names = self.batches.iter().flat_map(|batch| &batch.hosts);
        names.collect::<BTreeSet<_>>().len()
    }

    /// Waits until keepalived and the health checkers have reacted, once all directors are done.
    fn settles(&self, progress: &mut Progress<'h>, batch: &Batch) -> Option<Stop> {
        let cluster = self.session.cluster();
        let mut directors = cluster.directors();
        let has = directors.any(|host| batch.hosts.contains(&host.name));
        if !has || !wait_converged::changes_by_itself(cluster) {
            return None;
        }
        let mut directors = progress.directors_done()?;
        let left = wait_converged::wait(self.fleet, &mut directors, REPAIRS);
        let lines = left.iter().map(ToString::to_string);
        (!left.is_empty()).then(|| Stop::Unsettled(lines.collect()))
    }

    /// Runs `verify` after a batch; returns the hosts with errors that count.
    fn verified(
        &self,
        progress: &Progress,
        state: &State,
        number: usize,
        batch: &Batch,
    ) -> Result<Vec<String>> {
        let cluster = self.session.cluster();
        let asked = |host: &Host| {
            let beside = host.is_director() || cluster.is_neutral(host);
            beside || batch.hosts.contains(&host.name)
        };
        let now = verify::results(self.session, &asked)?;
        if self.session.cancel.is_cancelled() {
            return Ok(Vec::new());
        }
        let stands = progress.stands();
        let of_batch = |stand: Stand| -> Vec<String> {
            let all = stands.iter().filter(|(_, is)| *is == stand);
            let names = all.map(|(host, _)| host.name.clone());
            names.filter(|name| batch.hosts.contains(name)).collect()
        };
        let (done, waiting) = (of_batch(Stand::Done), of_batch(Stand::Made));
        let errors = batch::errors(&state.before, &now, &done, &waiting);
        let name = |host: &String| match host.as_str() {
            "" => cluster.name.clone(),
            host => host.to_owned(),
        };
        let names = errors.iter().map(|error| name(&error.host)).collect();
        self.session.reporter.event(&Event::Verified {
            number,
            of: self.batches.len(),
            errors,
        });
        Ok(names)
    }

    /// Makes the plans anew without the failed hosts: directors do not get them, and nothing is removed from hosts to which a
    /// director may send. Returns why the run ends, if it must.
    fn leave_out(&self, progress: &mut Progress<'h>, state: &mut State) -> Result<Option<Stop>> {
        if self.args.guard.force {
            return Ok(None);
        }
        progress.replan(|runs, plans, stands| {
            let hosts = dependencies::Hosts {
                runs,
                plans,
                missing: self.missing,
                others: self.others,
                failed: &state.left_out,
            };
            let decisions = dependencies::decide(self.session, Goal::Inventory, &hosts);
            for ((run, plan), stand) in runs.iter_mut().zip(plans.iter_mut()).zip(stands) {
                let hold = decisions.hold(&run.host.name);
                match stand {
                    Stand::Waits => {
                        run.hold = run.hold.max(hold);
                        if let Some(left_out) = decisions.left_out.get(&run.host.name) {
                            let left = run.leave_out(&self.fleet.run, left_out);
                            left.map_err(|e| of_role(run.host, &e))?;
                        }
                        *plan = run.plan(self.fleet.run.secrets);
                    }
                    Stand::Made if hold != Hold::Nothing => {
                        *plan = plan.clone().hold(Hold::Removals);
                    }
                    Stand::Made | Stand::Done | Stand::Failed => {}
                }
            }
            let pairs = runs.iter().zip(stands);
            let mut directors = pairs.filter(|(run, _)| run.host.is_director());
            if directors.all(|(_, stand)| *stand == Stand::Waits) {
                state.first = vips::coordinate(self.fleet, runs, plans, self.unheld);
            }
            let names = view::Names::of(self.session.cluster());
            for plan in plans.iter_mut() {
                plan.name_in_notes(&names);
            }
            self.withheld(state, decisions.withheld);
            let (guard, goal) = (&self.args.guard, Goal::Inventory);
            let losses =
                dependencies::left_too_little(self.session, guard, goal, runs, plans, self.others);
            let lines = losses.iter().map(ToString::to_string);
            Ok((!losses.is_empty()).then(|| Stop::TooFew(lines.collect())))
        })
    }

    /// Reports and records newly withheld parts.
    fn withheld(&self, state: &mut State, now: Vec<Withheld>) {
        let what = |one: &Withheld| {
            let servers = (one.service.clone(), one.real_server.clone());
            (one.host.clone(), one.what, servers)
        };
        for one in now {
            if !state.withheld.iter().any(|old| what(old) == what(&one)) {
                self.session.reporter.event(&Event::Withheld(one.clone()));
                state.withheld.push(one);
            }
        }
    }

    /// Reports that the run ends before its last batch. None: all hosts are done.
    fn stopped(
        &self,
        progress: &Progress,
        state: &State,
        number: usize,
        stop: &Stop,
    ) -> Option<Why> {
        let stands = progress.stands();
        let left = stands
            .iter()
            .filter(|(_, stand)| matches!(stand, Stand::Waits | Stand::Made));
        let left: Vec<String> = left.map(|(host, _)| host.name.clone()).collect();
        if left.is_empty() {
            return None;
        }
        let of = self.batches.len();
        self.session.reporter.event(&Event::Stopped {
            kind: stop.kind(),
            number,
            of,
            failures: state.failures.iter().cloned().collect(),
            left,
            message: stop.to_string(),
        });
        let words = format!("the run ended after batch {number} of {of}");
        Some((stop.kind(), words))
    }
}

/// The batch with the hosts that are still to be changed; None if there are none.
fn due(progress: &Progress, batch: &Batch) -> Option<Batch> {
    let stands = progress.stands();
    let is_due = |name: &&String| {
        let mut stands = stands.iter();
        let stand = stands.find(|(host, _)| host.name == **name);
        stand.is_some_and(|(_, stand)| match stand {
            Stand::Waits => true,
            Stand::Made => batch.pass == Pass::Remove,
            Stand::Done | Stand::Failed => false,
        })
    };
    let hosts: Vec<String> = batch.hosts.iter().filter(is_due).cloned().collect();
    let pass = batch.pass;
    (!hosts.is_empty()).then_some(Batch { pass, hosts })
}
