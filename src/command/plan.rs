//! `lvsctl plan`: what `apply` would do. Nothing is changed on any host.

use crate::cli::{Format, Global, PlanArgs};
use crate::exit::Exit;
use crate::plan::HostPlan;
use crate::report;

use super::Result;
use super::guarded;
use super::output::show;
use super::own_address;
use super::session::{Options, Session, leftovers, names_in_plans, note_drains};
use super::vips;

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
    let made = make(&session);
    let context = session.finish();
    let (plans, missing) = made?;
    show(global, |out, style| match args.format.format {
        Format::Text => report::plan::text(out, &plans, &names_in_plans(context.cluster()), style),
        Format::Json => report::plan::json(out, &plans, &context.loaded.warnings),
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

/// The plan of each host that answered, and how many did not.
fn make(session: &Session) -> Result<(Vec<HostPlan>, usize)> {
    let fleet = session.fleet()?;
    let (mut opened, mut plans) = session.open_hosts_to_plan(&fleet, session.wanted()?)?;
    let unheld = vips::unheld(&fleet, &mut opened.hosts);
    let hosts = &opened.hosts;
    vips::together(&fleet, hosts, &mut plans, &unheld);
    guarded::look(&fleet, &mut opened.hosts, &mut plans, None);
    let hosts = &opened.hosts;
    for (host, plan) in hosts.iter().zip(&mut plans) {
        plan.notes.extend(vips::notes(&unheld, &host.host.name));
        plan.notes.extend(leftovers(session, host));
    }
    note_drains(fleet.run.desired(), &mut plans);
    let names = crate::view::Names::of(session.cluster());
    let plans = plans.into_iter().map(|plan| names.of_plan(plan)).collect();
    let missing = opened.missing.len();
    fleet.close(opened.hosts);
    Ok((plans, missing))
}
