//! `lvsctl plan`: what `apply` would do. Nothing is changed on any host.

use crate::cli::{Format, Global, PlanArgs};
use crate::event::Silent;
use crate::exit::Exit;
use crate::plan::HostPlan;

use super::setup;
use super::work::{self, Work};
use super::{Failure, Result, print};

pub fn run(global: &Global, args: &PlanArgs) -> Result<Exit> {
    let mut setup = setup::load(global)?;
    let reach = setup::reach(global, &mut setup, true)?;
    let work = Work {
        global,
        setup: &setup,
        reach: &reach,
        sink: &Silent,
        ignore_unreachable: args.ignore_unreachable,
    };
    let interrupt = setup::interrupt()?;
    let fleet = work.fleet(&interrupt)?;
    let hosts = work.wanted()?;
    let opened = work.open(&fleet, hosts, false)?;
    let plans: Vec<HostPlan> = opened
        .hosts
        .iter()
        .map(|host| host.plan(&reach.secrets))
        .collect();
    fleet.close(opened.hosts);
    match args.format.format {
        Format::Text => work::show_plans(global, &plans)?,
        Format::Json => {
            let text =
                serde_json::to_string_pretty(&plans).map_err(|e| Failure::of(Exit::Failed, &e))?;
            print(&format!("{text}\n"))?;
        }
    }
    if plans.iter().any(|plan| !plan.refusals.is_empty()) {
        return Ok(Exit::Unreachable);
    }
    Ok(if plans.iter().all(HostPlan::is_empty) {
        Exit::Done
    } else {
        Exit::Changes
    })
}
