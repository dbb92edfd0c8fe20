//! `lvsctl apply` and `lvsctl destroy`: from a fresh probe to a plan, from the plan to its steps.

use std::io::{BufRead, IsTerminal, Write};

use crate::cli::{ApplyArgs, Format, Global};
use crate::event::{Event, Sink};
use crate::exit::Exit;
use crate::plan::HostPlan;
use crate::run::{HostRun, Interrupt, stages};

use super::setup;
use super::work::{self, Work};
use super::{Failure, Result, chain, print};

/// What the hosts shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    Inventory,
    /// As if lvsctl had never been there.
    Nothing,
}

struct Lines;

impl Sink for Lines {
    fn event(&self, event: &Event) {
        let _ = match event {
            Event::StepDone {
                host,
                title,
                seconds,
                ..
            } => writeln!(std::io::stderr(), "{host}: {title} ({seconds:.1} s)"),
            _ => Ok(()),
        };
    }
}

pub fn run(global: &Global, args: &ApplyArgs, goal: Goal) -> Result<Exit> {
    let mut setup = setup::load(global)?;
    let reach = setup::reach(global, &mut setup, goal == Goal::Inventory)?;
    let interrupt = setup::interrupt()?;
    let work = Work {
        global,
        setup: &setup,
        reach: &reach,
        sink: &Lines,
        ignore_unreachable: args.ignore_unreachable,
    };
    let fleet = work.fleet(&interrupt)?;
    let mut hosts = work.wanted()?;
    if goal == Goal::Nothing {
        for (_, wanted) in &mut hosts {
            wanted.clear();
        }
    }
    let opened = work.open(&fleet, hosts, true)?;
    let plans: Vec<HostPlan> = opened
        .hosts
        .iter()
        .map(|host| host.plan(&reach.secrets))
        .collect();
    if args.format.format == Format::Text {
        work::show_plans(global, &plans)?;
    }
    let refused: String = plans
        .iter()
        .flat_map(|plan| {
            plan.refusals
                .iter()
                .map(|why| format!("{}: {why}\n", plan.host))
        })
        .collect();
    if !refused.is_empty() {
        fleet.close(opened.hosts);
        return Err(Failure::new(
            Exit::Unreachable,
            format!("{refused}nothing was changed on any host\n"),
        ));
    }
    if plans.iter().all(HostPlan::is_empty) {
        fleet.close(opened.hosts);
        return Ok(if opened.missing.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        });
    }
    if !args.yes && !confirmed(goal, &interrupt)? {
        fleet.close(opened.hosts);
        return Err(Failure::new(Exit::Done, "nothing was changed\n"));
    }

    let mut pairs: Vec<(HostRun, HostPlan)> = opened.hosts.into_iter().zip(plans).collect();
    let order = stages::of(
        setup.cluster(),
        &pairs.iter().map(|(run, _)| run.host).collect::<Vec<_>>(),
        goal == Goal::Nothing,
    );
    let mut staged = Vec::new();
    for stage in order {
        let (now, later) = pairs
            .into_iter()
            .partition(|(run, _)| stage.iter().any(|host| host.name == run.host.name));
        staged.push(now);
        pairs = later;
    }
    let done = fleet.apply(staged);
    let mut exit = if opened.missing.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    };
    let mut out = String::new();
    for (host, plan, result) in &done {
        let name = &host.host.name;
        match result {
            Some(Ok(())) => out.push_str(&format!("{name}: {} changes done\n", plan.changes.len())),
            Some(Err(error)) => {
                exit = Exit::Failed;
                out.push_str(&format!("{name}: {}\n", chain(error)));
            }
            None => {
                exit = Exit::Failed;
                out.push_str(&format!(
                    "{name}: {} changes not begun\n",
                    plan.changes.len()
                ));
            }
        }
    }
    fleet.close(done.into_iter().map(|(host, _, _)| host).collect());
    print(&out)?;
    Ok(if interrupt.is_set() {
        Exit::Interrupted
    } else {
        exit
    })
}

fn confirmed(goal: Goal, interrupt: &Interrupt) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "error: nobody is there to ask; say --yes to go on without\n",
        ));
    }
    let question = match goal {
        Goal::Inventory => "make these changes?",
        Goal::Nothing => "take all this away?",
    };
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|e| Failure::of(Exit::Failed, &e))?;
    Ok(!interrupt.is_set() && matches!(answer.trim(), "y" | "Y" | "yes"))
}
