//! Many hosts at once: the fan-out, and its barriers. The only user of rayon.

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::event::Event;
use crate::inventory::model::Host;
use crate::plan::HostPlan;
use crate::resource::Resource;

use super::host::{HostError, HostRun, Run};

/// A host and what came of it.
pub type Outcome<'a, T> = (&'a Host, Result<T, HostError>);

/// A host with its plan, and whether it could be locked where that was needed.
pub type Locked<'a> = (HostRun<'a>, HostPlan, Result<(), HostError>);

/// A host with its plan, and what came of it; nothing for one that was not begun.
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

    /// Does one thing on each of some values, side by side, in the order of the values.
    pub fn each<I: Send, O: Send>(&self, values: Vec<I>, work: impl Fn(I) -> O + Sync) -> Vec<O> {
        // A connection waits more than it works: each gets a thread, and none is handed several at once.
        self.pool
            .install(|| values.into_par_iter().with_max_len(1).map(&work).collect())
    }

    /// Connects to hosts and probes them.
    pub fn open<'h>(&self, hosts: Vec<(&'h Host, Vec<Resource>)>) -> Vec<Outcome<'h, HostRun<'h>>> {
        let names = hosts.iter().map(|(host, _)| host.name.clone()).collect();
        self.run.sink.event(&Event::Started {
            what: "probe",
            hosts: names,
        });
        self.each(hosts, |(host, wanted)| {
            let opened = HostRun::open(&self.run, host, wanted);
            if let Err(error) = &opened {
                self.run.sink.event(&Event::Failed {
                    host: host.name.clone(),
                    error: crate::report::error::chain(error),
                });
            }
            (host, opened)
        })
    }

    /// Locks the hosts that have something to do, and plans anew.
    pub fn lock<'h>(&self, hosts: Vec<(HostRun<'h>, HostPlan)>) -> Vec<Locked<'h>> {
        self.each(hosts, |(mut host, plan)| {
            if plan.is_empty() {
                return (host, plan, Ok(()));
            }
            let locked = host.lock(&self.run);
            let plan = host.plan(self.run.secrets);
            (host, plan, locked)
        })
    }

    /// Does plans, stage by stage. A failure in a stage lets that stage end and keeps the next from beginning.
    pub fn apply<'h>(&self, stages: Vec<Vec<(HostRun<'h>, HostPlan)>>) -> Vec<Applied<'h>> {
        let mut done = Vec::new();
        let mut stop = false;
        for stage in stages {
            let hosts: Vec<String> = stage
                .iter()
                .filter(|(_, plan)| !plan.is_empty())
                .map(|(run, _)| run.host.name.clone())
                .collect();
            if stop || self.run.interrupt.is_set() {
                for (host, plan) in stage {
                    if !plan.is_empty() {
                        let why = if stop {
                            "an earlier host failed"
                        } else {
                            "interrupted"
                        };
                        self.run.sink.event(&Event::Skipped {
                            host: host.host.name.clone(),
                            why: why.to_owned(),
                        });
                    }
                    done.push((host, plan, None));
                }
                continue;
            }
            if !hosts.is_empty() {
                self.run.sink.event(&Event::Stage { hosts });
            }
            let results = self.each(stage, |(mut host, plan)| {
                let result = if plan.is_empty() {
                    Ok(())
                } else {
                    host.apply(&self.run, &plan)
                };
                self.tell(&host, &result);
                (host, plan, Some(result))
            });
            stop = results
                .iter()
                .any(|(_, _, result)| matches!(result, Some(Err(_))));
            done.extend(results);
        }
        done
    }

    /// Tells of a host that did not come to its end.
    pub fn tell(&self, host: &HostRun, result: &Result<(), HostError>) {
        let host = host.host.name.clone();
        match result {
            Ok(()) => {}
            Err(error @ HostError::Interrupted { .. }) => self.run.sink.event(&Event::Skipped {
                host,
                why: error.to_string(),
            }),
            Err(error) => self.run.sink.event(&Event::Failed {
                host,
                error: crate::report::error::chain(error),
            }),
        }
    }

    /// Ends all shells; a host that does not answer any more is no news here.
    pub fn close(&self, hosts: Vec<HostRun>) {
        self.each(hosts, |host| {
            let name = host.host.name.clone();
            if let Err(error) = host.close() {
                tracing::debug!(host = name, %error, "closing");
            }
        });
    }
}
