//! `lvsctl stop` and `lvsctl start`: a node's part of the cluster, without a change of what it shall be.

use crate::cli::{Format, FormatArgs, Global};
use crate::exit::Exit;
use crate::inventory::model::Host;
use crate::resource::change::Step;
use crate::run::power::{self, Stage};
use crate::run::{Fleet, HostRun};

use super::output::Reporter;
use super::work::{Work, lock};
use super::{Failure, Result, print};
use super::{reach, setup};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    Start,
    /// `all`: also the whole cluster.
    Stop {
        all: bool,
    },
}

pub fn run(global: &Global, format: &FormatArgs, power: Power) -> Result<Exit> {
    let mut setup = setup::load(global)?;
    let reach = reach::reach(global, &mut setup, false)?;
    let interrupt = reach::interrupt()?;
    let reporter = Reporter::new(global, format.format);
    let done = {
        let work = Work {
            global,
            setup: &setup,
            reach: &reach,
            sink: &reporter,
            ignore_unreachable: false,
        };
        let fleet = work.fleet(&interrupt)?;
        act(&work, &fleet, power)
    };
    reporter.finish();
    reach.tell(global);
    if let (Ok(Exit::Done), Format::Text, false) = (&done, format.format, global.quiet) {
        let names: Vec<&str> = setup
            .hosts(global)?
            .iter()
            .map(|h| h.name.as_str())
            .collect();
        print(&told(power, &names.join(",")))?;
    }
    done
}

fn told(power: Power, hosts: &str) -> String {
    match power {
        Power::Start => format!("started: {hosts}\n"),
        Power::Stop { all: true } => {
            "stopped: all hosts; `lvsctl start` starts them again\n".to_owned()
        }
        Power::Stop { all: false } => {
            format!("stopped: {hosts}; `lvsctl start --limit {hosts}` starts again\n")
        }
    }
}

fn act(work: &Work, fleet: &Fleet, power: Power) -> Result<Exit> {
    let cluster = work.setup.cluster();
    let chosen = work.setup.hosts(work.global)?;
    if chosen.len() == cluster.hosts.len() && power == (Power::Stop { all: false }) {
        return Err(Failure::new(
            Exit::Usage,
            "error: this would stop the whole cluster; name hosts with --limit, or say --all\n",
        ));
    }
    let stages = match power {
        Power::Start => power::start(cluster, &chosen),
        Power::Stop { .. } => power::stop(cluster, &chosen),
    };
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
    let wanted = hosts
        .into_iter()
        .map(|host| (host, work.setup.wanted(host)));
    let mut runs = lock(fleet, work.open(fleet, wanted.collect())?.hosts)?;
    let mut exit = Exit::Done;
    for stage in stages {
        if fleet.run.interrupt.is_set() {
            exit = Exit::Interrupted;
            break;
        }
        if !one_stage(fleet, &mut runs, stage) {
            exit = if fleet.run.interrupt.is_set() {
                Exit::Interrupted
            } else {
                Exit::Failed
            };
            break;
        }
    }
    fleet.close(runs);
    Ok(exit)
}

/// Whether all hosts of a stage did all their steps.
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
