//! Work on many hosts in parallel: fan-out, and barriers between stages. The work on one host belongs in [`super::host`].

use std::collections::HashMap;

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::event::Event;
use crate::model::{Host, Maintenance};
use crate::plan::{HostPlan, Part};
use crate::resource::Resource;
use crate::resource::change::Step;

use super::host::{HostRun, Run};
use super::host_error::HostError;
use super::progress::Progress;

/// A host and its result.
pub type Outcome<'a, T> = (&'a Host, Result<T, HostError>);

/// A host, and whether it could be locked.
pub type Locked<'a> = (HostRun<'a>, Result<(), HostError>);

/// A host with its plan and its result; no result: the host was not begun.
pub type Applied<'a> = (HostRun<'a>, HostPlan, Option<Result<(), HostError>>);

pub struct Fleet<'a> {
    pub run: Run<'a>,
    pool: ThreadPool,
}

impl<'a> Fleet<'a> {
    /// `forks` hosts are worked on at a time.
    pub fn new(run: Run<'a>, forks: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(forks)
            .thread_name(|n| format!("host-{n}"))
            .build()?;
        Ok(Self { run, pool })
    }

    /// Maps values in parallel; the results have the order of the values.
    pub fn each<I: Send, O: Send>(&self, values: Vec<I>, work: impl Fn(I) -> O + Sync) -> Vec<O> {
        // Threads mostly wait for the network, so rayon must not give one thread several hosts.
        self.pool
            .install(|| values.into_par_iter().with_max_len(1).map(&work).collect())
    }

    /// Connects to hosts and probes them.
    pub fn open<'h>(&self, hosts: Vec<(&'h Host, Vec<Resource>)>) -> Vec<Outcome<'h, HostRun<'h>>> {
        let opened = self.open_and(hosts, |run| run);
        self.apply_drains(opened, |run| run, |_| ())
    }

    /// As [`Self::open`], with each host's plan. The shells of hosts in the desired state are closed at once: most of a
    /// thousand hosts are, and each connection takes memory. Directors stay open, since their changes are coordinated later.
    pub fn open_to_plan<'h>(
        &self,
        hosts: Vec<(&'h Host, Vec<Resource>)>,
    ) -> Vec<Outcome<'h, (HostRun<'h>, HostPlan)>> {
        let opened = self.open_and(hosts, |mut run| {
            let plan = run.plan(self.run.secrets);
            if !run.host.is_director() && plan.is_empty() {
                run.close_shell();
            }
            (run, plan)
        });
        self.apply_drains(
            opened,
            |(run, _)| run,
            |(run, plan)| *plan = run.plan(self.run.secrets),
        )
    }

    fn open_and<'h, T: Send>(
        &self,
        hosts: Vec<(&'h Host, Vec<Resource>)>,
        then: impl Fn(HostRun<'h>) -> T + Sync,
    ) -> Vec<Outcome<'h, T>> {
        let names = hosts.iter().map(|(host, _)| host.name.clone()).collect();
        self.run.sink.event(&Event::Started {
            what: "probe",
            hosts: names,
        });
        self.each(hosts, |(host, desired)| {
            let opened = HostRun::open(&self.run, host, desired);
            if let Err(error) = &opened {
                self.failed(host, error);
            }
            (host, opened.map(&then))
        })
    }

    fn failed(&self, host: &Host, error: &HostError) {
        self.run.sink.event(&Event::Failed {
            host: host.name.clone(),
            kind: error.kind(),
            error: crate::error_chain::chain(error),
        });
    }

    /// Gives each director the desired state with the drains of the newest record, also a director that was unreachable when
    /// the drain was recorded. `then` runs for each such director.
    fn apply_drains<'h, T: Send>(
        &self,
        mut opened: Vec<Outcome<'h, T>>,
        run_of: impl Fn(&mut T) -> &mut HostRun<'h> + Sync,
        then: impl Fn(&mut T) + Sync,
    ) -> Vec<Outcome<'h, T>> {
        let reached = opened.iter_mut().filter_map(|(_, run)| run.as_mut().ok());
        let records: Vec<Maintenance> = reached
            .map(|run| run_of(run).answer.maintenance.clone())
            .collect();
        let Some(newest) = Maintenance::newest(&records) else {
            return opened;
        };
        let run = &self.run;
        let cluster = run.with_drains.get_or_init(|| newest.over(run.cluster));
        self.each(opened, |(host, outcome)| {
            let mut opened = match outcome {
                Ok(opened) if host.is_director() => opened,
                other => return (host, other),
            };
            let one = run_of(&mut opened);
            // Hosts that are only read, or that `destroy` clears, have no desired resources.
            if one.desired.is_empty() {
                return (host, Ok(opened));
            }
            if let Err(error) = one.set_desired(run, cluster) {
                self.failed(host, &error);
                return (host, Err(error));
            }
            then(&mut opened);
            (host, Ok(opened))
        })
    }

    /// Locks and probes the hosts: the first of the inventory's order alone, then the others in parallel. Of two runs over
    /// the same hosts, one gets all locks; the other finds the first host locked and tries no other.
    pub fn lock<'h>(&self, mut hosts: Vec<HostRun<'h>>) -> Vec<Locked<'h>> {
        let all = self.run.cluster.hosts.iter().enumerate();
        let order: HashMap<&str, usize> = all.map(|(n, host)| (host.name.as_str(), n)).collect();
        hosts.sort_by_key(|run| order.get(run.host.name.as_str()).copied());
        let lock = |mut run: HostRun<'h>| {
            let locked = run.lock(&self.run);
            (run, locked)
        };
        let mut rest = hosts.into_iter();
        let Some(first) = rest.next() else {
            return Vec::new();
        };
        let first = lock(first);
        let failed = first.1.is_err();
        let mut locked = vec![first];
        if failed {
            locked.extend(rest.map(|run| (run, Ok(()))));
        } else {
            locked.extend(self.each(rest.collect(), lock));
        }
        locked
    }

    /// Applies plans stage by stage. After a failure the other hosts of the stage finish, and no further stage begins.
    pub fn apply<'h>(
        &self,
        hosts: Vec<(HostRun<'h>, HostPlan)>,
        stages: &[(Part, Vec<&Host>)],
    ) -> Vec<Applied<'h>> {
        let mut progress = Progress::new(hosts);
        progress.go(self, stages);
        progress.end(self, stages, None)
    }

    /// Runs steps on hosts in parallel, and returns whether all steps succeeded.
    pub fn steps<'h>(&self, jobs: Vec<(HostRun<'h>, Vec<Step>)>) -> (Vec<HostRun<'h>>, bool) {
        let done = self.each(jobs, |(mut run, steps)| {
            let result = run.steps(&self.run, &steps);
            self.report(&run, &result);
            (run, result.is_ok())
        });
        let well = done.iter().all(|(_, well)| *well);
        (done.into_iter().map(|(run, _)| run).collect(), well)
    }

    /// Reports a host that did not do all its steps.
    pub fn report(&self, host: &HostRun, result: &Result<(), HostError>) {
        let host = host.host.name.clone();
        match result {
            Ok(()) => {}
            Err(error @ (HostError::Interrupted { .. } | HostError::Halted { .. })) => {
                self.run.sink.event(&Event::Skipped {
                    host,
                    kind: error.kind(),
                    why: error.to_string(),
                });
            }
            Err(error) => self.run.sink.event(&Event::Failed {
                host,
                kind: error.kind(),
                error: crate::error_chain::chain(error),
            }),
        }
    }

    /// Ends all shells. A host that does not answer is not an error here.
    pub fn close(&self, hosts: Vec<HostRun>) {
        self.each(hosts, |host| {
            host.close();
        });
    }
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
pub(super) mod tests;
