//! `lvsctl apply` and `lvsctl destroy`: probe, plan, confirm, run the steps, and wait until all hosts converge.

use std::path::Path;
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::cli::{ApplyArgs, Format, Global};
use crate::event::{Event, Sink as _};
use crate::exit::Exit;
use crate::model::Host;
use crate::plan::HostPlan;
use crate::plan::stages::{self, Way};
use crate::report;
use crate::report::summary::{self, Outcome, Row};
use crate::run::fleet::Applied;
use crate::run::wait_converged::{self, REPAIRS, Unheld, Unsettled};
use crate::run::{Fleet, HostRun};

use super::confirm;
use super::drain::Drain;
use super::guarded;
use super::history::Story;
use super::output::{self, show};
use super::own_address;
use super::saved::Saved;
use super::session::{Options, Session, all_locked, leftovers, names_in_plans, note_drains};
use super::vips;
use super::{Failure, Result};

/// What the hosts shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Inventory,
    /// As if lvsctl had never been there.
    Nothing,
}

pub(super) fn run(
    global: &Global,
    args: &ApplyArgs,
    plan: Option<&Path>,
    goal: Goal,
) -> Result<Exit> {
    let saved = plan.map(|path| Saved::read(path, global, args));
    let saved = saved.transpose()?;
    let limited = saved.as_ref().map(|saved| saved.limited(global));
    let global = limited.as_ref().unwrap_or(global);
    let mut session = Session::open(
        global,
        Options {
            events: args.format.format,
            templates: goal == Goal::Inventory,
            ignore_unreachable: args.ignore_unreachable,
            ..Options::default()
        },
    )?;
    if goal == Goal::Inventory {
        own_address::check(global, &session.context)?;
    }
    let command = match goal {
        Goal::Inventory => "apply",
        Goal::Nothing => "destroy",
    };
    let (cluster, by) = (&session.cluster().name, &session.access.holder);
    let story = Story::begin(global, command, cluster, by, plan);
    session.story = Some(story);
    for warning in &session.context.loaded.warnings {
        session.reporter.event(&Event::Warning(warning.clone()));
    }
    let done = session
        .fleet()
        .and_then(|fleet| change(&session, &fleet, args, saved.as_ref(), goal));
    let interrupted = session.cancel.is_cancelled();
    session.finish();
    let (rows, exit) = done?;
    if args.format.format == Format::Text && rows.iter().any(|row| row.outcome != Outcome::Ok) {
        show(global, |out, style| {
            summary::text(out, &rows, interrupted, style)
        })?;
    }
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// What is known before anything changes.
struct Prepared<'h> {
    hosts: Vec<HostRun<'h>>,
    plans: Vec<HostPlan>,
    /// VIPs that no director holds.
    unheld: Vec<Unheld>,
    /// Directors whose keepalived reloads before that of the others.
    first: Vec<String>,
    /// Hosts that were not reached.
    unreached: Vec<Row>,
}

impl Prepared<'_> {
    /// How a run ends that does all that is left to do.
    fn exit(&self) -> Exit {
        if self.unreached.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        }
    }
}

fn change(
    session: &Session,
    fleet: &Fleet,
    args: &ApplyArgs,
    saved: Option<&Saved>,
    goal: Goal,
) -> Result<(Vec<Row>, Exit)> {
    let mut run = prepare(session, fleet, goal, args.confirm)?;
    if let Some(saved) = saved
        && let Err(failure) = saved.holds(session, &run.hosts, &run.plans, &run.first)
    {
        fleet.close(run.hosts);
        return Err(failure);
    }
    let text = args.format.format == Format::Text;
    if text {
        session.reporter.suspend(|| {
            show(session.global, |out, style| {
                report::plan::text(out, &run.plans, &names_in_plans(session.cluster()), style)
            })
        })?;
    }
    let refused = refusals(&run.plans);
    if !refused.is_empty() {
        fleet.close(run.hosts);
        return Err(Failure::new(
            Exit::Unreachable,
            format!("{refused}nothing was changed on any host\n"),
        ));
    }
    if run.plans.iter().all(HostPlan::is_empty) {
        let unsettled = if goal == Goal::Inventory {
            vips::unsettled(fleet, &mut run.hosts, &run.unheld)
        } else {
            Vec::new()
        };
        let exit = run.exit();
        guarded::settle(fleet, run.hosts.iter_mut().collect());
        fleet.close(run.hosts);
        if !unsettled.is_empty() {
            return Err(not_settled("nothing differs", &unsettled));
        }
        let rows = run.plans.iter().map(|plan| Row::of(plan, None));
        return Ok((run.unreached.into_iter().chain(rows).collect(), exit));
    }
    let drain = match goal {
        Goal::Inventory => Drain::default(),
        Goal::Nothing => match Drain::open(session, fleet, &run.hosts, &run.plans) {
            Ok(drain) => drain,
            Err(failure) => {
                fleet.close(run.hosts);
                return Err(failure);
            }
        },
    };
    if text {
        let titles = drain.titles();
        let lines: String = titles
            .map(|(host, title)| format!("first on {host}: {title}\n"))
            .collect();
        session
            .reporter
            .suspend(|| show(session.global, |out, _| out.write_all(lines.as_bytes())))?;
    }
    let ends = report::plan::replaced(&run.plans);
    let confirm = || confirmed(goal, &ends, fleet.run.cancel);
    if !args.yes && saved.is_none() && !session.reporter.suspend(confirm)? {
        drain.close(fleet);
        fleet.close(run.hosts);
        return Err(Failure::new(Exit::Done, "nothing was changed\n"));
    }
    execute(session, fleet, goal, run, drain)
}

/// Probes and plans; what will change is locked, and probed and planned again.
fn prepare<'h>(
    session: &'h Session,
    fleet: &Fleet,
    goal: Goal,
    confirm: Option<Duration>,
) -> Result<Prepared<'h>> {
    let mut hosts = session.wanted()?;
    if goal == Goal::Nothing {
        for (_, wanted) in &mut hosts {
            wanted.clear();
        }
    }
    let (opened, mut plans) = session.open_hosts_to_plan(fleet, hosts)?;
    let missing = opened.missing.iter();
    let unreached = missing.map(|(host, error)| Row::unreached(&host.name, error));
    let unreached = unreached.collect();
    let mut hosts = opened.hosts;
    // `destroy` loads no configuration on several directors together.
    let mut unheld = match goal {
        Goal::Inventory => vips::unheld(fleet, &mut hosts),
        Goal::Nothing => Vec::new(),
    };
    let together = |hosts: &[HostRun], plans: &mut [HostPlan], unheld: &[Unheld]| match goal {
        Goal::Inventory => vips::together(fleet, hosts, plans, unheld),
        Goal::Nothing => Vec::new(),
    };
    let mut first = together(&hosts, &mut plans, &unheld);
    // A run that changes nothing needs no lock, and leaves no trace.
    if !plans.iter().all(HostPlan::is_empty) {
        let pairs = hosts.into_iter().zip(plans).collect();
        (hosts, plans) = locked(fleet, pairs)?.into_iter().unzip();
        unheld = vips::still(unheld, &hosts);
        first = together(&hosts, &mut plans, &unheld);
    }
    guarded::look(fleet, &mut hosts, &mut plans, confirm);
    if goal == Goal::Inventory {
        for host in hosts.iter_mut().filter(|run| run.host.is_director()) {
            host.guard.rollback = true;
        }
        for (host, plan) in hosts.iter().zip(&mut plans) {
            plan.notes.extend(vips::notes(&unheld, &host.host.name));
            plan.notes.extend(leftovers(session, host));
        }
        note_drains(fleet.run.desired(), &mut plans);
    }
    let names = crate::view::Names::of(session.cluster());
    let plans = plans.into_iter().map(|plan| names.of_plan(plan)).collect();
    Ok(Prepared {
        hosts,
        plans,
        unheld,
        first,
        unreached,
    })
}

/// A line for each reason why a host cannot reach the desired state.
fn refusals(plans: &[HostPlan]) -> String {
    let of_plan = |plan: &HostPlan| -> String {
        let reasons = plan.refusals.iter();
        reasons
            .map(|why| format!("{}: {why}\n", plan.host))
            .collect()
    };
    plans.iter().map(of_plan).collect()
}

/// Runs the steps of all hosts in stages, then waits until the cluster converges.
fn execute(
    session: &Session,
    fleet: &Fleet,
    goal: Goal,
    run: Prepared<'_>,
    mut drain: Drain,
) -> Result<(Vec<Row>, Exit)> {
    let mut exit = run.exit();
    let Prepared {
        hosts,
        plans,
        first,
        unreached: mut rows,
        ..
    } = run;
    let order: Vec<&Host> = hosts.iter().map(|run| run.host).collect();
    let directors = order
        .iter()
        .zip(&plans)
        .filter(|(host, _)| host.is_director());
    let way = Way::of(directors.map(|(_, plan)| plan));
    let stages = stages::all(fleet.run.desired(), &order, way, &first);
    let pairs = hosts.into_iter().zip(plans);
    let mut done: Vec<Applied> = if drain.run(fleet) {
        fleet.apply(pairs.collect(), &stages)
    } else {
        pairs.map(|(host, plan)| (host, plan, None)).collect()
    };
    drain.close(fleet);
    let well = done
        .iter()
        .all(|(_, _, result)| matches!(result, Some(Ok(()))));
    let unsettled = if well && goal == Goal::Inventory && session.cluster().keepalived {
        settled(fleet, &mut done)
    } else {
        Vec::new()
    };
    if let Some(line) = vips::left(&done).filter(|_| !well) {
        output::aside(&line);
    }
    for (_, plan, result) in &done {
        if !matches!(result, Some(Ok(()))) {
            exit = Exit::Failed;
        }
        rows.push(Row::of(plan, result.as_ref()));
    }
    let ended = done.iter_mut();
    let well = ended.filter(|(_, _, result)| matches!(result, Some(Ok(()))));
    guarded::settle(fleet, well.map(|(host, _, _)| host).collect());
    if let Some(story) = &session.story {
        let interrupted = session.cancel.is_cancelled();
        let result = match (interrupted, unsettled.is_empty()) {
            (true, _) => Exit::Interrupted,
            (false, true) => exit,
            (false, false) => Exit::Failed,
        };
        story.record(session.global, &done, result.kind());
    }
    fleet.close(done.into_iter().map(|(host, _, _)| host).collect());
    if !unsettled.is_empty() {
        return Err(not_settled("all steps were done", &unsettled));
    }
    Ok((rows, exit))
}

fn not_settled(although: &str, unsettled: &[Unsettled]) -> Failure {
    let lines = unsettled.iter().map(|what| format!("  {what}\n"));
    Failure::new(
        Exit::Failed,
        format!("error: {although}, and yet:\n{}", lines.collect::<String>()),
    )
}

/// Locks what will be changed. One host that cannot be locked ends the run before anything changes.
fn locked<'h>(
    fleet: &Fleet,
    hosts: Vec<(HostRun<'h>, HostPlan)>,
) -> Result<Vec<(HostRun<'h>, HostPlan)>> {
    let (mut tried, mut plans) = (Vec::new(), Vec::new());
    for (host, plan, result) in fleet.lock(hosts) {
        tried.push((host, result));
        plans.push(plan);
    }
    Ok(all_locked(fleet, tried)?.into_iter().zip(plans).collect())
}

/// Waits until keepalived has answered what was changed.
fn settled(fleet: &Fleet, done: &mut [Applied]) -> Vec<Unsettled> {
    let mut directors: Vec<&mut HostRun> = done
        .iter_mut()
        .map(|(host, _, _)| host)
        .filter(|run| run.host.is_director())
        .collect();
    wait_converged::wait(fleet, &mut directors, REPAIRS)
}

/// `ends`: what the run ends that lvsctl did not make, a line a host.
fn confirmed(goal: Goal, ends: &[String], cancel: &CancelToken) -> Result<bool> {
    let question = match goal {
        Goal::Inventory => "make these changes?",
        Goal::Nothing => "remove all of this?",
    };
    confirm::yes(ends, question, cancel)
}
