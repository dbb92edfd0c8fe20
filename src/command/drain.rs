//! The drain before `destroy` removes real servers, on the directors that the run does not change.

use crate::model::Host;
use crate::plan::HostPlan;
use crate::plan::start_stop;
use crate::resource::change::Step;
use crate::run::{Fleet, HostRun};

use super::dependencies::ReadOnlyHosts;
use super::session::Session;

/// The locked directors with their drain steps; empty if no real server is removed.
#[derive(Default)]
pub(super) struct Drain<'h> {
    hosts: Vec<(HostRun<'h>, Vec<Step>)>,
}

impl<'h> Drain<'h> {
    /// Moves the directors that have drain steps out of `others`.
    pub(super) fn new(
        session: &Session,
        chosen: &[HostRun],
        plans: &[HostPlan],
        others: &mut ReadOnlyHosts<'h>,
    ) -> Self {
        let with_plans = chosen.iter().zip(plans);
        let leaving: Vec<&Host> = with_plans
            .filter(|(_, plan)| !plan.is_empty())
            .map(|(run, _)| run.host)
            .collect();
        let stage = start_stop::drain(session.cluster(), &leaving);
        let steps = |run: &HostRun| {
            let mine = stage.iter().find(|(host, _)| host.name == run.host.name);
            mine.map(|(_, steps)| steps.clone())
        };
        let mut drain = Self::default();
        for run in std::mem::take(&mut others.runs) {
            match steps(&run) {
                Some(steps) => drain.hosts.push((run, steps)),
                None => others.runs.push(run),
            }
        }
        drain
    }

    /// The titles of the steps, each with its director.
    pub(super) fn titles(&self) -> impl Iterator<Item = (&str, &str)> {
        self.hosts.iter().flat_map(|(run, steps)| {
            let titles = steps.iter().map(|step| step.title.as_str());
            titles.map(|title| (run.host.name.as_str(), title))
        })
    }

    /// Runs the steps; returns whether all succeeded.
    pub(super) fn run(&mut self, fleet: &Fleet) -> bool {
        let (runs, well) = fleet.steps(std::mem::take(&mut self.hosts));
        self.hosts = runs.into_iter().map(|run| (run, Vec::new())).collect();
        well
    }

    pub(super) fn close(self, fleet: &Fleet) {
        fleet.close(self.hosts.into_iter().map(|(run, _)| run).collect());
    }
}
