//! `lvsctl plan`: what `apply` would do. Nothing is changed on any host.

use crate::cli::{Format, Global, GuardArgs, PlanArgs};
use crate::exit::Exit;
use crate::model::Host;
use crate::plan::HostPlan;
use crate::plan::dependency::{Hold, Withheld};
use crate::plan::saved::SavedPlan;
use crate::plan::serial::Batch;
use crate::report;
use crate::run::HostRun;

use super::dependencies::{self, Leaving, ReadOnlyHosts};
use super::goal::Goal;
use super::guarded;
use super::output::show;
use super::own_address;
use super::rolling;
use super::saved;
use super::session::{Options, Session, leftovers, names_in_plans, note_drains};
use super::vips;
use super::{Failure, Result};

pub(super) fn run(global: &Global, args: &PlanArgs) -> Result<Exit> {
    // The plan is the result; with JSON it stays the only thing that is printed.
    let session = Session::open(
        global,
        Options {
            ignore_unreachable: args.ignore_unreachable,
            ..Options::default()
        },
    )?;
    own_address::check(global, &session.context)?;
    let made = make(&session, args);
    let context = session.finish();
    let Made {
        plans,
        withheld,
        missing,
        saved,
        batches,
    } = made?;
    show(global, |out, style| match args.format.format {
        Format::Text => {
            report::plan::text(out, &plans, &names_in_plans(context.cluster()), style)?;
            report::withheld::text(out, &withheld, style)?;
            report::plan::batches(out, &batches, style)
        }
        Format::Json => {
            let warnings = &context.loaded.warnings;
            report::plan::json(out, &plans, &withheld, warnings, &batches)
        }
    })?;
    if missing > 0 && !global.quiet {
        eprintln!(
            "{} not reached: what they need is not known",
            report::count(missing, "host")
        );
    }
    let refused = plans.iter().any(|plan| !plan.refusals.is_empty());
    if let (Some(path), Some(plan)) = (&args.out, saved) {
        if missing > 0 || refused {
            let why = if refused { "refused" } else { "not reached" };
            let message = format!(
                "error: {}: the plan is not saved, because a host was {why}\n",
                path.display()
            );
            return Err(Failure::new(Exit::Unreachable, message));
        }
        saved::write(path, &plan)?;
        if !global.quiet {
            let path = path.display();
            eprintln!("the plan is in {path}: `lvsctl apply {path}` does just that");
        }
    }
    Ok(match plans.iter().all(HostPlan::is_empty) {
        _ if refused => Exit::Unreachable,
        false => Exit::Changes,
        // There are changes that `apply` withholds.
        true if !withheld.is_empty() => Exit::Incomplete,
        // Without the answers of all hosts, "no changes" is not proven.
        true if missing > 0 => Exit::Unreachable,
        true => Exit::Done,
    })
}

struct Made {
    /// Of each host that answered.
    plans: Vec<HostPlan>,
    /// What `apply` would not do.
    withheld: Vec<Withheld>,
    /// How many hosts did not answer.
    missing: usize,
    saved: Option<SavedPlan>,
    /// Of `--serial`.
    batches: Vec<Batch>,
}

fn make(session: &Session, args: &PlanArgs) -> Result<Made> {
    let fleet = session.fleet()?;
    let (mut opened, mut plans) = session.open_hosts_to_plan(&fleet, session.desired()?)?;
    let unheld = vips::unheld(&fleet, &mut opened.hosts);
    let missing: Vec<&Host> = opened.missing.iter().map(|(host, _)| *host).collect();
    let (mut others, mut withheld) = (ReadOnlyHosts::default(), Vec::new());
    if !plans.iter().all(HostPlan::is_empty) {
        let hosts = dependencies::Hosts::new(&opened.hosts, &plans, &missing, &others);
        others = dependencies::read(session, &fleet, Goal::Inventory, &hosts);
        let hosts = &mut opened.hosts;
        let goal = Goal::Inventory;
        withheld =
            dependencies::withhold(session, &fleet, goal, hosts, &mut plans, &missing, &others)?;
    }
    let hosts = &opened.hosts;
    let first = vips::coordinate(&fleet, hosts, &mut plans, &unheld);
    guarded::ask_way_in(&fleet, &mut opened.hosts, &plans);
    guarded::look(&fleet, &mut opened.hosts, &mut plans, None);
    let hosts = &opened.hosts;
    for (host, plan) in hosts.iter().zip(&mut plans) {
        plan.notes.extend(vips::notes(&unheld, &host.host.name));
        plan.notes.extend(leftovers(session, host));
        plan.notes.extend(too_few(session, host));
    }
    note_drains(fleet.run.desired(), &mut plans);
    let hosts = dependencies::Hosts::new(&opened.hosts, &plans, &missing, &others);
    let batches = rolling::batches(session, &fleet, &args.batches, &hosts);
    fleet.close(others.runs);
    let names = crate::view::Names::of(session.cluster());
    for plan in &mut plans {
        plan.name_in_notes(&names);
    }
    let missing = opened.missing.len();
    let save = args.out.is_some();
    let saved = save.then(|| saved::of(session, &opened.hosts, &plans, first));
    fleet.close(opened.hosts);
    Ok(Made {
        plans,
        withheld,
        missing,
        saved: saved.transpose()?,
        batches,
    })
}

/// Services that a director would serve with too few real servers, which `apply` refuses.
fn too_few(session: &Session, run: &HostRun) -> Vec<String> {
    let leaving = Leaving {
        stays: &|_| true,
        changes: &|run| run.hold != Hold::All,
        real_servers: Vec::new(),
    };
    let guard = GuardArgs::default();
    let losses = dependencies::losses(session, &guard, &[run], &leaving).into_iter();
    losses
        .map(|loss| format!("warning: {loss}; `apply` refuses that without --force"))
        .collect()
}
