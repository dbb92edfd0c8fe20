//! `lvsctl apply` and `lvsctl destroy`: probe, plan, confirm, run the steps, and wait until all hosts converge.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cancel::CancelToken;
use crate::cli::{ApplyArgs, Format, Global, SerialArgs};
use crate::event::{Event, Sink as _};
use crate::exit::Exit;
use crate::model::Host;
use crate::plan::HostPlan;
use crate::plan::dependency::Withheld;
use crate::plan::depool::Loss;
use crate::plan::serial::Batch;
use crate::plan::stages::{self, Way};
use crate::report;
use crate::report::summary::{self, Outcome, Row};
use crate::run::fleet::Applied;
use crate::run::guard::Rollback;
use crate::run::unconverged::{self, Before};
use crate::run::wait_converged::{self, REPAIRS, Unheld, Unsettled};
use crate::run::{Fleet, HostError, HostRun};

use super::confirm;
use super::dependencies::{self, ReadOnlyHosts};
use super::drain::Drain;
use super::goal::Goal;
use super::guarded;
use super::history::Story;
use super::output::{self, show};
use super::own_address;
use super::rolling::{self, Rolled, Rolling};
use super::saved::Saved;
use super::session::{Options, Session, leftovers, names_in_plans, note_drains};
use super::vips;
use super::{Failure, Result};

pub(super) fn run(
    global: &Global,
    args: &ApplyArgs,
    serial: &SerialArgs,
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
        .and_then(|fleet| change(&session, &fleet, (args, serial), saved.as_ref(), goal));
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

/// The state of a run before it changes anything.
struct Prepared<'h> {
    hosts: Vec<HostRun<'h>>,
    plans: Vec<HostPlan>,
    /// Hosts that are only read and locked, not changed.
    others: ReadOnlyHosts<'h>,
    /// Withheld parts of the plans.
    withheld: Vec<Withheld>,
    /// Services that would have too few real servers, or no director.
    losses: Vec<Loss>,
    /// VIPs that no director holds.
    unheld: Vec<Unheld>,
    /// Directors on which keepalived reloads before the others.
    first: Vec<String>,
    /// Hosts that were not reached.
    missing: Vec<&'h Host>,
    unreached: Vec<Row>,
    /// The batches of a rolling apply.
    batches: Vec<Batch>,
}

impl Prepared<'_> {
    fn batches(&self, session: &Session, fleet: &Fleet, serial: &SerialArgs) -> Vec<Batch> {
        let hosts = dependencies::Hosts::new(&self.hosts, &self.plans, &self.missing, &self.others);
        rolling::batches(session, fleet, &serial.batches, &hosts)
    }

    /// The exit status if all remaining steps succeed.
    fn exit(&self) -> Exit {
        if !self.withheld.is_empty() {
            Exit::Incomplete
        } else if self.unreached.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        }
    }

    /// Ends all shells.
    fn close(self, fleet: &Fleet) {
        fleet.close(self.hosts);
        fleet.close(self.others.runs);
    }
}

fn change(
    session: &Session,
    fleet: &Fleet,
    (args, serial): (&ApplyArgs, &SerialArgs),
    saved: Option<&Saved>,
    goal: Goal,
) -> Result<(Vec<Row>, Exit)> {
    let mut run = prepare(session, fleet, args, goal)?;
    run.batches = run.batches(session, fleet, serial);
    if let Some(saved) = saved
        && let Err(failure) = saved.holds(session, &run.hosts, &run.plans, &run.first)
    {
        run.close(fleet);
        return Err(failure);
    }
    let text = args.format.format == Format::Text;
    if text {
        session.reporter.suspend(|| {
            show(session.global, |out, style| {
                report::plan::text(out, &run.plans, &names_in_plans(session.cluster()), style)?;
                report::withheld::text(out, &run.withheld, style)?;
                report::plan::batches(out, &run.batches, style)
            })
        })?;
    }
    for withheld in &run.withheld {
        session.reporter.event(&Event::Withheld(withheld.clone()));
    }
    let refused = refusals(&run.plans);
    if !refused.is_empty() {
        run.close(fleet);
        return Err(Failure::new(
            Exit::Unreachable,
            format!("{refused}nothing was changed on any host\n"),
        ));
    }
    if !run.losses.is_empty() && !args.guard.force {
        let failure = dependencies::refuse(session, &run.losses);
        run.close(fleet);
        return Err(failure);
    }
    if run.plans.iter().all(HostPlan::is_empty) {
        let unsettled = if goal == Goal::Inventory {
            vips::unsettled(fleet, &mut run.hosts, &run.unheld)
        } else {
            Vec::new()
        };
        let exit = run.exit();
        guarded::settle(fleet, run.hosts.iter_mut().collect());
        let rows = run.plans.iter().map(|plan| row(plan, None, &run.withheld));
        let rows = run.unreached.iter().cloned().chain(rows).collect();
        run.close(fleet);
        if !unsettled.is_empty() {
            return Err(not_settled("nothing differs", &unsettled));
        }
        return Ok((rows, exit));
    }
    let drain = match goal {
        Goal::Inventory => Drain::default(),
        Goal::Nothing => Drain::new(session, &run.hosts, &run.plans, &mut run.others),
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
        run.close(fleet);
        return Err(Failure::new(Exit::Done, "nothing was changed\n"));
    }
    execute(session, fleet, (args, serial), goal, run, drain)
}

/// Probes and plans. If anything will change, all hosts are locked, and probed and planned again.
fn prepare<'h>(
    session: &'h Session,
    fleet: &Fleet,
    args: &ApplyArgs,
    goal: Goal,
) -> Result<Prepared<'h>> {
    let mut hosts = session.desired()?;
    if goal == Goal::Nothing {
        for (_, desired) in &mut hosts {
            desired.clear();
        }
    }
    let (opened, mut plans) = session.open_hosts_to_plan(fleet, hosts)?;
    let missing = opened.missing.iter();
    let unreached = missing.map(|(host, error)| Row::unreached(&host.name, error));
    let unreached = unreached.collect();
    let missing: Vec<&Host> = opened.missing.iter().map(|(host, _)| *host).collect();
    let mut hosts = opened.hosts;
    // `destroy` loads no configuration on several directors together.
    let mut unheld = match goal {
        Goal::Inventory => vips::unheld(fleet, &mut hosts),
        Goal::Nothing => Vec::new(),
    };
    let coordinate = |hosts: &[HostRun], plans: &mut [HostPlan], unheld: &[Unheld]| match goal {
        Goal::Inventory => vips::coordinate(fleet, hosts, plans, unheld),
        Goal::Nothing => Vec::new(),
    };
    let mut first = coordinate(&hosts, &mut plans, &unheld);
    let (mut others, mut withheld, mut losses) = (ReadOnlyHosts::default(), Vec::new(), Vec::new());
    // A run without changes takes no locks, so that it writes nothing to any host.
    if !plans.iter().all(HostPlan::is_empty) {
        let read = dependencies::Hosts::new(&hosts, &plans, &missing, &others);
        others = dependencies::read(session, fleet, goal, &read);
        hosts = reached(session, fleet, args, goal, hosts, &mut others)?;
        hosts = dependencies::lock_all(fleet, hosts, &mut others)?;
        let secrets = fleet.run.secrets;
        plans = fleet.each(hosts.iter_mut().collect(), |run| run.plan(secrets));
        unheld = vips::still(unheld, &hosts);
        if !args.guard.force {
            let (hosts, plans) = (&mut hosts, &mut plans);
            withheld =
                dependencies::withhold(session, fleet, goal, hosts, plans, &missing, &others)?;
        }
        first = coordinate(&hosts, &mut plans, &unheld);
        losses = dependencies::left_too_little(session, &args.guard, goal, &hosts, &plans, &others);
    }
    guarded::look(fleet, &mut hosts, &mut plans, args.confirm);
    if goal == Goal::Inventory {
        for host in hosts.iter_mut().filter(|run| run.host.is_director()) {
            host.guard.rollback = if session.cluster().keepalived {
                Rollback::Converged
            } else {
                Rollback::Proven
            };
        }
        for (host, plan) in hosts.iter().zip(&mut plans) {
            plan.notes.extend(vips::notes(&unheld, &host.host.name));
            plan.notes.extend(leftovers(session, host));
        }
        note_drains(fleet.run.desired(), &mut plans);
    }
    let names = crate::view::Names::of(session.cluster());
    for plan in &mut plans {
        plan.name_in_notes(&names);
    }
    Ok(Prepared {
        hosts,
        plans,
        others,
        withheld,
        losses,
        unheld,
        first,
        missing,
        unreached,
        batches: Vec::new(),
    })
}

/// Ends `destroy` if a director that has to drain removed real servers was not reached, unless the options allow it.
fn reached<'h>(
    session: &Session,
    fleet: &Fleet,
    args: &ApplyArgs,
    goal: Goal,
    hosts: Vec<HostRun<'h>>,
    others: &mut ReadOnlyHosts<'h>,
) -> Result<Vec<HostRun<'h>>> {
    let go_on = session.ignore_unreachable || args.guard.force;
    let serves = hosts.iter().any(|run| session.cluster().serves(run.host));
    if goal == Goal::Inventory || go_on || others.unreached().is_empty() || !serves {
        return Ok(hosts);
    }
    fleet.close(hosts);
    fleet.close(std::mem::take(&mut others.runs));
    let message = "expected to drain what leaves on its directors first; --ignore-unreachable goes on, and leaves real servers \
                   as they are; --force takes them away in any case\nnothing was changed on any host\n";
    Err(Failure::new(Exit::Unreachable, message))
}

/// A host's row of the summary. A host with a withheld part of its plan is not in the desired state.
fn row(
    plan: &HostPlan,
    result: Option<&std::result::Result<(), HostError>>,
    withheld: &[Withheld],
) -> Row {
    let row = Row::of(plan, result);
    if withheld.iter().any(|one| one.host == plan.host) {
        row.withheld()
    } else {
        row
    }
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

/// Runs the steps of all hosts in stages or batches, then waits until the cluster converges.
fn execute(
    session: &Session,
    fleet: &Fleet,
    (args, serial): (&ApplyArgs, &SerialArgs),
    goal: Goal,
    run: Prepared<'_>,
    mut drain: Drain,
) -> Result<(Vec<Row>, Exit)> {
    let mut exit = run.exit();
    let Prepared {
        hosts,
        plans,
        first,
        others,
        withheld,
        unheld,
        missing,
        batches,
        unreached: mut rows,
        ..
    } = run;
    let before = Before::of(fleet.run.desired(), &hosts, &unheld);
    let pairs: Vec<(HostRun, HostPlan)> = hosts.into_iter().zip(plans).collect();
    let Rolled {
        mut done,
        withheld,
        failures,
    } = if batches.is_empty() {
        let drained = drain.run(fleet);
        Rolled {
            done: in_stages(fleet, pairs, &first, drained),
            withheld,
            failures: BTreeSet::new(),
        }
    } else {
        let rolling = Rolling {
            session,
            fleet,
            args,
            serial,
            batches: &batches,
            missing: &missing,
            others: &others,
            unheld: &unheld,
        };
        rolling.run(pairs, first, withheld)?
    };
    drain.close(fleet);
    if !failures.is_empty() {
        exit = Exit::Failed;
    }
    let is_well = |(_, _, result): &Applied| matches!(result, Some(Ok(())));
    let whole = done.iter().all(is_well);
    let mut directors = done.iter().filter(|(run, ..)| run.host.is_director());
    // In a rolling apply, failures of real servers are tolerated.
    let comes_to_rest = whole || (!batches.is_empty() && directors.all(is_well));
    let waits = wait_converged::changes_by_itself(session.cluster());
    let unsettled = if comes_to_rest && goal == Goal::Inventory && waits {
        settled(fleet, &mut done)
    } else {
        Vec::new()
    };
    unconverged::conclude(fleet, &before, &mut done, &unsettled);
    if let Some(line) = vips::in_between(&done).filter(|_| !whole) {
        output::aside(&line);
    }
    for (_, plan, result) in &done {
        if !matches!(result, Some(Ok(()))) {
            exit = Exit::Failed;
        }
        rows.push(row(plan, result.as_ref(), &withheld));
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
    fleet.close(others.runs);
    fleet.close(done.into_iter().map(|(host, _, _)| host).collect());
    if !unsettled.is_empty() {
        let although = if whole {
            "all steps were done"
        } else {
            "the directors' steps were done"
        };
        return Err(not_settled(although, &unsettled));
    }
    Ok((rows, exit))
}

/// Applies the plans without batches. Changes nothing if real servers could not be drained before.
fn in_stages<'h>(
    fleet: &Fleet,
    pairs: Vec<(HostRun<'h>, HostPlan)>,
    first: &[String],
    drained: bool,
) -> Vec<Applied<'h>> {
    if !drained {
        let left = pairs.into_iter();
        return left.map(|(host, plan)| (host, plan, None)).collect();
    }
    let order: Vec<&Host> = pairs.iter().map(|(run, _)| run.host).collect();
    let directors = pairs.iter().filter(|(run, _)| run.host.is_director());
    let way = Way::of(directors.map(|(_, plan)| plan));
    let stages = stages::all(fleet.run.desired(), &order, way, first);
    fleet.apply(pairs, &stages)
}

fn not_settled(although: &str, unsettled: &[Unsettled]) -> Failure {
    let lines = unsettled.iter().map(|what| format!("  {what}\n"));
    Failure::new(
        Exit::Failed,
        format!("error: {although}, and yet:\n{}", lines.collect::<String>()),
    )
}

/// Waits until keepalived and the health checkers have reacted to the changes.
fn settled(fleet: &Fleet, done: &mut [Applied]) -> Vec<Unsettled> {
    let mut directors: Vec<&mut HostRun> = done
        .iter_mut()
        .map(|(host, _, _)| host)
        .filter(|run| run.host.is_director())
        .collect();
    wait_converged::wait(fleet, &mut directors, REPAIRS)
}

/// Prompts for confirmation. `ends`: services and VIPs of others that the run ends, one line per host.
fn confirmed(goal: Goal, ends: &[String], cancel: &CancelToken) -> Result<bool> {
    let question = match goal {
        Goal::Inventory => "make these changes?",
        Goal::Nothing => "remove all of this?",
    };
    confirm::yes(ends, question, cancel)
}
