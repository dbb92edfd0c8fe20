//! Progress of the hosts of a run through its stages: steps done, and the result of each host. The number of parallel hosts
//! belongs in [`super::fleet`], the order in [`crate::plan`].

use std::collections::BTreeSet;

use crate::event::Event;
use crate::model::Host;
use crate::plan::serial::{Batch, Pass};
use crate::plan::{HostPlan, Part};

use super::fleet::{Applied, Fleet};
use super::host::{HostRun, Run};
use super::host_error::HostError;

/// Progress of a host with its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// None of its steps is done.
    Waits,
    /// The steps before the removals are done, the removals are not.
    Made,
    Done,
    Failed,
}

/// A host of the run, with its plan and progress.
struct Work<'a> {
    run: HostRun<'a>,
    plan: HostPlan,
    /// Number of steps done.
    done: usize,
    /// The result; None until all steps are done or one has failed.
    result: Option<Result<(), HostError>>,
    /// Whether the run continues although this host failed.
    tolerated: bool,
}

impl<'a> Work<'a> {
    fn new((run, plan): (HostRun<'a>, HostPlan)) -> Self {
        Self {
            run,
            result: plan.is_empty().then_some(Ok(())),
            plan,
            done: 0,
            tolerated: false,
        }
    }

    fn go(&mut self, run: &Run, part: Part) {
        let steps = self.plan.part(part);
        let end = steps.end;
        let result = self.run.apply(run, &self.plan, steps);
        if result.is_ok() {
            self.done = end;
        }
        if result.is_err() || end == self.plan.steps.len() {
            self.result = Some(result);
        }
    }

    fn failed(&self) -> bool {
        matches!(self.result, Some(Err(_)))
    }

    fn stand(&self) -> Stand {
        match &self.result {
            Some(Ok(())) => Stand::Done,
            Some(Err(_)) => Stand::Failed,
            None if self.done == 0 => Stand::Waits,
            None => Stand::Made,
        }
    }

    /// Whether steps of this pass of a batch are still to be done.
    fn is_behind(&self, pass: Pass) -> bool {
        let end = match pass {
            Pass::Make => self.plan.part(Part::Finish).end,
            Pass::Remove => self.plan.steps.len(),
        };
        self.result.is_none() && self.done < end
    }

    /// The error of a host that the run left after some parts of its plan, before the next part.
    fn stopped(&self, failed: bool) -> HostError {
        let next = self.plan.steps.get(self.done);
        let next = next.map_or_else(String::new, |step| step.title.clone());
        let (done, of) = (self.done, self.plan.steps.len());
        if failed {
            HostError::Halted { next, done, of }
        } else {
            HostError::Interrupted { next, done, of }
        }
    }
}

/// Why a run did not begin some hosts: an identifier for scripts, and a text.
pub type Why = (&'static str, String);

pub struct Progress<'a> {
    work: Vec<Work<'a>>,
}

impl<'a> Progress<'a> {
    pub fn new(hosts: Vec<(HostRun<'a>, HostPlan)>) -> Self {
        Self {
            work: hosts.into_iter().map(Work::new).collect(),
        }
    }

    /// Runs stages one after the other. After a failure the other hosts of the stage finish, and no further stage begins.
    pub fn go(&mut self, fleet: &Fleet, stages: &[(Part, Vec<&Host>)]) {
        for (part, stage) in stages {
            let due = |work: &Work| {
                let among = stage.iter().any(|host| host.name == work.run.host.name);
                among && work.result.is_none() && !work.plan.part(*part).is_empty()
            };
            let work = std::mem::take(&mut self.work);
            let (now, later): (Vec<Work>, Vec<Work>) = work.into_iter().partition(due);
            self.work = later;
            if now.is_empty() {
                continue;
            }
            let failed = |work: &Work| work.failed() && !work.tolerated;
            if self.work.iter().chain(&now).any(failed) || fleet.run.cancel.is_cancelled() {
                self.work.extend(now);
                break;
            }
            let hosts = now.iter().map(|w| w.run.host.name.clone()).collect();
            fleet.run.sink.event(&Event::Stage { hosts });
            self.work.extend(fleet.each(now, |mut work| {
                work.go(&fleet.run, *part);
                if let Some(result) = &work.result {
                    fleet.report(&work.run, result);
                }
                work
            }));
        }
    }

    /// Hosts that failed.
    pub fn failed(&self) -> BTreeSet<String> {
        let failed = self.work.iter().filter(|work| work.failed());
        failed.map(|work| work.run.host.name.clone()).collect()
    }

    /// Tolerates the failures so far: the next stages begin all the same.
    pub fn tolerate(&mut self) {
        for work in &mut self.work {
            work.tolerated |= work.failed();
        }
    }

    /// Whether the run left hosts of a batch before the end of the batch, although these hosts did not fail.
    pub fn is_in_part(&self, batch: &Batch) -> bool {
        let mut work = self.work.iter();
        work.any(|work| batch.hosts.contains(&work.run.host.name) && work.is_behind(batch.pass))
    }

    /// Each host with its progress.
    pub fn stands(&self) -> Vec<(&'a Host, Stand)> {
        let all = self.work.iter();
        all.map(|work| (work.run.host, work.stand())).collect()
    }

    /// The directors, if all of them succeeded.
    pub fn directors_done(&mut self) -> Option<Vec<&mut HostRun<'a>>> {
        let directors = self
            .work
            .iter_mut()
            .filter(|work| work.run.host.is_director());
        let directors: Vec<&mut Work> = directors.collect();
        let done = directors.iter().all(|work| work.stand() == Stand::Done);
        done.then(|| directors.into_iter().map(|work| &mut work.run).collect())
    }

    /// Lets `change` replace plans. A host that has already done all steps of its new plan is done.
    pub fn replan<T>(
        &mut self,
        change: impl FnOnce(&mut [HostRun<'a>], &mut [HostPlan], &[Stand]) -> T,
    ) -> T {
        let stands: Vec<Stand> = self.work.iter().map(Work::stand).collect();
        let (mut runs, mut plans, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for work in std::mem::take(&mut self.work) {
            runs.push(work.run);
            plans.push(work.plan);
            rest.push((work.done, work.result, work.tolerated));
        }
        let changed = change(&mut runs, &mut plans, &stands);
        let all = runs.into_iter().zip(plans).zip(rest);
        self.work = all
            .map(|((run, plan), (done, result, tolerated))| Work {
                run,
                result: result.or_else(|| (done >= plan.steps.len()).then_some(Ok(()))),
                plan,
                done,
                tolerated,
            })
            .collect();
        changed
    }

    /// The results of the hosts, in the order of the stages. `why`: the reason why the run ended before all hosts were done,
    /// if it is not a failure in a stage.
    pub fn end(
        mut self,
        fleet: &Fleet,
        stages: &[(Part, Vec<&Host>)],
        why: Option<&Why>,
    ) -> Vec<Applied<'a>> {
        let order = stages.iter().flat_map(|(_, stage)| stage);
        let order: Vec<&str> = order.map(|host| host.name.as_str()).collect();
        let place = |work: &Work| order.iter().position(|host| *host == work.run.host.name);
        self.work.sort_by_key(place);
        self.end_part_way(fleet, why);
        let work = self.work.into_iter();
        work.map(|work| (work.run, work.plan, work.result))
            .collect()
    }

    /// Reports the hosts that a stopped run did not begin or did not finish.
    fn end_part_way(&mut self, fleet: &Fleet, why: Option<&Why>) {
        let cancelled = fleet.run.cancel.is_cancelled();
        let failed = !cancelled && (why.is_some() || self.work.iter().any(Work::failed));
        let (kind, words) = match why {
            _ if cancelled => ("interrupted", "interrupted"),
            Some((kind, words)) => (*kind, words.as_str()),
            None if failed => ("halted", "an earlier host failed"),
            None => ("interrupted", "interrupted"),
        };
        for work in self.work.iter_mut().filter(|work| work.result.is_none()) {
            if work.done == 0 {
                fleet.run.sink.event(&Event::Skipped {
                    host: work.run.host.name.clone(),
                    kind,
                    why: words.to_owned(),
                });
                continue;
            }
            work.run.forget_previous(&fleet.run);
            let result = Err(work.stopped(failed));
            fleet.report(&work.run, &result);
            let plan = &work.plan;
            work.run
                .journal(&fleet.run, |origin| origin.ends(plan, &result));
            work.result = Some(result);
        }
    }
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
