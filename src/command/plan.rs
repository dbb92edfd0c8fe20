//! `lvsctl plan`: what `apply` would do. Nothing is changed on any host.

use crate::cli::{Format, Global, PlanArgs};
use crate::exit::Exit;
use crate::plan::HostPlan;
use crate::report;

use super::Result;
use super::output::{Reporter, show};
use super::work::{Work, called, left};
use super::{reach, setup, vips};

pub fn run(global: &Global, args: &PlanArgs) -> Result<Exit> {
    let mut setup = setup::load(global)?;
    let reach = reach::reach(global, &mut setup, true)?;
    let interrupt = reach::interrupt()?;
    // The plan is the result; with JSON it stays the only thing that is printed.
    let reporter = Reporter::new(global, Format::Text);
    let work = Work {
        global,
        setup: &setup,
        reach: &reach,
        sink: &reporter,
        ignore_unreachable: args.ignore_unreachable,
    };
    let fleet = work.fleet(&interrupt)?;
    let opened = work.open(&fleet, work.wanted()?);
    let mut opened = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            drop(fleet);
            reporter.finish();
            return Err(failure);
        }
    };
    let unheld = vips::unheld(&fleet, &mut opened.hosts);
    let hosts = &opened.hosts;
    let mut plans: Vec<HostPlan> = hosts.iter().map(|h| h.plan(&reach.secrets)).collect();
    vips::together(&fleet, hosts, &mut plans, &unheld);
    for (host, plan) in hosts.iter().zip(&mut plans) {
        plan.notes.extend(vips::notes(&unheld, &host.host.name));
        plan.notes.extend(left(&work, host));
    }
    let names = crate::view::Names::of(setup.cluster());
    let plans: Vec<HostPlan> = plans.into_iter().map(|plan| names.of_plan(plan)).collect();
    let missing = opened.missing.len();
    fleet.close(opened.hosts);
    drop(fleet);
    reporter.finish();
    reach.tell(global);
    show(global, |out, style| match args.format.format {
        Format::Text => report::plan::text(out, &plans, &called(setup.cluster()), style),
        Format::Json => report::plan::json(out, &plans, &setup.loaded.warnings),
    })?;
    if missing > 0 && !global.quiet {
        eprintln!(
            "{} not reached: what they need is not known",
            report::count(missing, "host")
        );
    }
    let refused = plans.iter().any(|plan| !plan.refusals.is_empty());
    Ok(match plans.iter().all(HostPlan::is_empty) {
        _ if refused => Exit::Unreachable,
        false => Exit::Changes,
        // Nobody can say that there is nothing to do.
        true if missing > 0 => Exit::Unreachable,
        true => Exit::Done,
    })
}
