//! Refuses drains that leave too little of a service: prepares the directors' answers for [`crate::plan::depool`], which
//! judges.

use super::super::dependencies::{TOO_FEW, director};
use super::{Failure, Result, Seen};
use crate::cli::GuardArgs;
use crate::exit::Exit;
use crate::model::{Cluster, Maintenance};
use crate::plan::depool::{self, Loss};
use crate::resource::ipvs::Ipvs;
use crate::view;

/// Refuses what would leave a service too few real servers, or no director.
pub(super) fn judge(
    guard: &GuardArgs,
    inventory: &Cluster,
    seen: &Seen,
    next: &Maintenance,
) -> Result<()> {
    if guard.force {
        return Ok(());
    }
    let desired = view::ipvs(&next.over(inventory));
    let losses = losses(guard, seen, next, &desired);
    if losses.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = losses.iter().map(ToString::to_string).collect();
    let message = format!(
        "error: {}; --keep-serving sets how many must go on, --force drains in any case\nnothing was changed on any host\n",
        lines.join("; ")
    );
    Err(Failure::new(Exit::Unreachable, message).kind(TOO_FEW))
}

fn losses(guard: &GuardArgs, seen: &Seen, next: &Maintenance, desired: &[Ipvs]) -> Vec<Loss> {
    let recorded: Vec<Vec<Ipvs>> = seen
        .runs
        .iter()
        .map(super::super::dependencies::recorded_ipvs)
        .collect();
    let directors: Vec<depool::Director> = seen
        .runs
        .iter()
        .zip(&recorded)
        .map(|(run, recorded)| depool::Director {
            stays: !next.drains_host(&run.host.name),
            after: Some(desired),
            ..director(seen.before, run, recorded)
        })
        .collect();
    depool::losses(
        seen.before,
        guard.keep_serving,
        &directors,
        &std::collections::BTreeSet::new(),
    )
}
