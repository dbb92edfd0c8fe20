//! `lvsctl stop` and `lvsctl start`: stops and starts a host's part of the cluster without changing its desired state.

use crate::cli::{Format, FormatArgs, Global};
use crate::exit::Exit;
use crate::model::Host;
use crate::plan::start_stop::{self, Stage};
use crate::resource::change::Step;
use crate::run::{Fleet, HostRun};

use super::session::{Options, Session, lock};
use super::{Failure, Result, print};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Start,
    /// `all`: also the whole cluster.
    Stop {
        all: bool,
    },
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
        Verb::Start => format!("started: {hosts}\n"),
        Verb::Stop { all: true } => {
            "stopped: all hosts; `lvsctl start` starts them again\n".to_owned()
        }
        Verb::Stop { all: false } => {
            format!("stopped: {hosts}; `lvsctl start --limit {hosts}` starts again\n")
        }
    }
}

fn act(session: &Session, fleet: &Fleet, verb: Verb) -> Result<Exit> {
    let cluster = session.cluster();
    let chosen = session.context.hosts(session.global)?;
    if chosen.len() == cluster.hosts.len() && verb == (Verb::Stop { all: false }) {
        return Err(Failure::new(
            Exit::Usage,
            "error: this would stop the whole cluster; name hosts with --limit, or say --all\n",
        ));
    }
    let stages_of = |cluster| match verb {
        Verb::Start => start_stop::start(cluster, &chosen),
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
    let wanted = hosts
        .into_iter()
        .map(|host| (host, session.context.wanted(host)));
    let mut runs = lock(fleet, session.open_hosts(fleet, wanted.collect())?.hosts)?;
    let mut exit = Exit::Done;
    // What is drained keeps its weight 0: the directors have said so meanwhile.
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
