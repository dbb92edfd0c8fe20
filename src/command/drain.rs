//! Before `destroy` removes a real server: the directors that stay send it nothing more.

use crate::exit::Exit;
use crate::model::Host;
use crate::plan::HostPlan;
use crate::plan::start_stop;
use crate::resource::change::Step;
use crate::run::{Fleet, HostRun};

use super::session::{Session, lock};
use super::{Failure, Result};

/// Directors, locked, with what they do. None where no real server leaves.
#[derive(Default)]
pub(super) struct Drain<'h> {
    hosts: Vec<(HostRun<'h>, Vec<Step>)>,
}

impl<'h> Drain<'h> {
    /// Opens and locks the directors that are not chosen themselves. One that cannot be worked on ends the run before
    /// anything changes, unless asked otherwise.
    pub(super) fn open(
        session: &'h Session,
        fleet: &Fleet,
        chosen: &[HostRun],
        plans: &[HostPlan],
    ) -> Result<Self> {
        let names: Vec<&str> = session
            .context
            .hosts(session.global)?
            .iter()
            .map(|host| host.name.as_str())
            .collect();
        let with_plans = chosen.iter().zip(plans);
        let leaving: Vec<&Host> = with_plans
            .filter(|(_, plan)| !plan.is_empty())
            .map(|(run, _)| run.host)
            .collect();
        let mut stage = start_stop::drain(session.cluster(), &leaving);
        stage.retain(|(host, _)| !names.contains(&host.name.as_str()));
        let mut drain = Self::default();
        if stage.is_empty() {
            return Ok(drain);
        }
        let directors = stage.iter().map(|(host, _)| (*host, Vec::new())).collect();
        let mut unreached = false;
        for ((_, outcome), (_, steps)) in fleet.open(directors).into_iter().zip(stage) {
            match outcome {
                Ok(run) => drain.hosts.push((run, steps)),
                // An event has said why.
                Err(_) => unreached = true,
            }
        }
        if fleet.run.cancel.is_cancelled() {
            drain.close(fleet);
            return Err(Failure::new(
                Exit::Interrupted,
                "interrupted: nothing was changed\n",
            ));
        }
        if unreached && !session.ignore_unreachable {
            drain.close(fleet);
            let message = "expected to drain what leaves on its directors first; --ignore-unreachable goes on without \
                           those\nnothing was changed on any host\n";
            return Err(Failure::new(Exit::Unreachable, message));
        }
        drain.lock(fleet)
    }

    fn lock(self, fleet: &Fleet) -> Result<Self> {
        let (runs, steps): (Vec<_>, Vec<_>) = self.hosts.into_iter().unzip();
        let runs = lock(fleet, runs)?;
        Ok(Self {
            hosts: runs.into_iter().zip(steps).collect(),
        })
    }

    /// What is done on each director, by title.
    pub(super) fn titles(&self) -> impl Iterator<Item = (&str, &str)> {
        self.hosts.iter().flat_map(|(run, steps)| {
            let titles = steps.iter().map(|step| step.title.as_str());
            titles.map(|title| (run.host.name.as_str(), title))
        })
    }

    /// Whether all directors did all their steps.
    pub(super) fn run(&mut self, fleet: &Fleet) -> bool {
        let (runs, well) = fleet.steps(std::mem::take(&mut self.hosts));
        self.hosts = runs.into_iter().map(|run| (run, Vec::new())).collect();
        well
    }

    pub(super) fn close(self, fleet: &Fleet) {
        fleet.close(self.hosts.into_iter().map(|(run, _)| run).collect());
    }
}
