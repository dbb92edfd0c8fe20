//! One change of the record of drains, on all directors that answer, under their locks. Changes nothing else but the
//! resources that depend on the record.

use crate::exit::Exit;
use crate::host_paths;
use crate::model::{Cluster, Host, Maintenance};
use crate::plan::stages::{self, Way};
use crate::plan::{self, HostPlan, Scope, maintenance};
use crate::report::error::chain;
use crate::report::maintenance::MaintenanceView;
use crate::resource::ipvs::{Ipvs, KEEPALIVED};
use crate::resource::unit::Unit;
use crate::resource::{Context, Kind, Resource};
use crate::run::fleet::Applied;
use crate::run::wait_converged::{self, REPAIRS};
use crate::run::{Fleet, HostRun};
use crate::secret::Secrets;
use crate::view;

use super::super::session::{Session, lock};
use super::super::vips;
use super::{Failure, Result, Seen};

/// The result of a change.
pub(super) struct Changed {
    /// The desired cluster with the new record.
    pub cluster: Cluster,
    directors: Vec<String>,
    missing: Vec<String>,
    /// The directors, each with the VIPs that it holds after the change.
    held: Vec<(String, Vec<String>)>,
}

impl Changed {
    pub(super) fn view(
        &self,
        inventory: &Cluster,
        host: &str,
        service: Option<&str>,
    ) -> MaintenanceView {
        let record = self.cluster.maintenance.clone().unwrap_or_default();
        MaintenanceView {
            cluster: inventory.name.clone(),
            host: host.to_owned(),
            service: service.map(str::to_owned),
            directors: self.directors.clone(),
            unreached: self.missing.clone(),
            connections: None,
            notes: Vec::new(),
            maintenance: record.drains,
        }
    }

    /// The VIPs that a drained director still holds.
    pub(super) fn keeps_vips(&self, host: &str) -> Vec<String> {
        let mut all = self.held.iter();
        let own = all.find(|(name, _)| name == host);
        own.map(|(_, vips)| vips.clone()).unwrap_or_default()
    }
}

/// Changes the directors' record by `alter`, and applies the new record to them.
pub(super) fn change(
    session: &Session,
    alter: impl Fn(&Maintenance, &Seen) -> Result<Maintenance>,
) -> Result<Changed> {
    let fleet = session.fleet()?;
    let directors: Vec<(&Host, Vec<Resource>)> = session
        .cluster()
        .directors()
        .map(|host| (host, session.context.desired(host)))
        .collect();
    let opened = session.open_hosts(&fleet, directors)?;
    let missing = opened
        .missing
        .iter()
        .map(|(host, _)| host.name.clone())
        .collect();
    let runs = lock(&fleet, opened.hosts)?;
    let before = fleet.run.desired();
    let known = before.maintenance.clone().unwrap_or_default();
    let seen = Seen {
        runs: &runs,
        before,
    };
    let next = match alter(&known, &seen) {
        Ok(next) => next,
        Err(failure) => {
            fleet.close(runs);
            return Err(failure);
        }
    };
    let acting = session.fleet()?;
    let after = next.over(session.cluster());
    let cluster = acting.run.with_drains.get_or_init(|| after).clone();
    let directors = runs.iter().map(|run| run.host.name.clone()).collect();
    let held = act(session, &acting, before, runs)?;
    Ok(Changed {
        cluster,
        directors,
        missing,
        held,
    })
}

/// Applies the record to the directors, and closes their shells.
fn act(
    session: &Session,
    fleet: &Fleet,
    before: &Cluster,
    mut runs: Vec<HostRun>,
) -> Result<Vec<(String, Vec<String>)>> {
    let after = fleet.run.desired();
    let mut refused = Vec::new();
    for run in &mut runs {
        match aim(session, fleet, run) {
            Ok(pending) => refused.extend(pending),
            Err(error) => refused.push(format!("{}: {}", run.host.name, error)),
        }
    }
    let mut plans: Vec<HostPlan> = runs.iter().map(|run| run.plan(fleet.run.secrets)).collect();
    for plan in &plans {
        let all = plan.refusals.iter();
        refused.extend(all.map(|why| format!("{}: {why}", plan.host)));
    }
    if !refused.is_empty() {
        fleet.close(runs);
        let message = format!(
            "error: {}\nnothing was changed on any host\n",
            refused.join("\n")
        );
        return Err(Failure::new(Exit::Unreachable, message).kind("not-applied"));
    }
    let jobs = runs.into_iter().map(|run| {
        // With an empty table, ipvsadm would load the kernel module.
        let has_table = !run.answer.facts.ipvs.table.services.is_empty();
        let steps = has_table.then(|| maintenance::at_once(before, after));
        (run, steps.unwrap_or_default())
    });
    let (runs, well) = fleet.steps(jobs.collect());
    if !well {
        fleet.close(runs);
        return Err(failed(
            fleet,
            "weights were set on some directors, and nothing is recorded",
        ));
    }
    let first = vips::coordinate(fleet, &runs, &mut plans, &[]);
    let order: Vec<&Host> = runs.iter().map(|run| run.host).collect();
    let stages = stages::all(after, &order, Way::default(), &first);
    let done = fleet.apply(runs.into_iter().zip(plans).collect(), &stages);
    concluded(fleet, done)
}

fn failed(fleet: &Fleet, left: &str) -> Failure {
    let (exit, word) = if fleet.run.cancel.is_cancelled() {
        (Exit::Interrupted, "interrupted")
    } else {
        (Exit::Failed, "error")
    };
    Failure::new(
        exit,
        format!("{word}: {left}; run the same command again\n"),
    )
}

/// Waits until the directors have converged; returns their VIPs then.
fn concluded(fleet: &Fleet, mut done: Vec<Applied>) -> Result<Vec<(String, Vec<String>)>> {
    let well = done
        .iter()
        .all(|(_, _, result)| matches!(result, Some(Ok(()))));
    let mut unsettled = Vec::new();
    if well && fleet.run.desired().keepalived {
        let mut directors: Vec<&mut HostRun> = done.iter_mut().map(|(run, _, _)| run).collect();
        unsettled = wait_converged::wait(fleet, &mut directors, REPAIRS);
    }
    let mut runs: Vec<HostRun> = done.into_iter().map(|(run, _, _)| run).collect();
    let vips: Vec<std::net::IpAddr> = fleet.run.desired().floating_vips().collect();
    let held = runs.iter_mut().map(|run| {
        // If the director does not answer any more, its last answer counts.
        let _ = run.probe_again(&fleet.run);
        let addresses = &run.answer.facts.address;
        let own = vips.iter().filter(|vip| addresses.has(**vip));
        (
            run.host.name.clone(),
            own.map(ToString::to_string).collect(),
        )
    });
    let held = held.collect();
    fleet.close(runs);
    if !well {
        let left = "some directors have the new record and others may not; \
                    `lvsctl apply` does the rest, as the newest record has it";
        return Err(failed(fleet, left));
    }
    if !unsettled.is_empty() {
        let lines: Vec<String> = unsettled.iter().map(|what| format!("  {what}\n")).collect();
        let message = format!(
            "error: the record was changed, and yet:\n{}",
            lines.concat()
        );
        return Err(Failure::new(Exit::Failed, message));
    }
    Ok(held)
}

/// Sets a director's desired state by the new record, and limits the scope to resources that depend on it. Returns the
/// obstacles, as text.
fn aim(
    session: &Session,
    fleet: &Fleet,
    run: &mut HostRun,
) -> std::result::Result<Vec<String>, String> {
    let words = |error| chain(&error);
    let record = run.answer.maintenance.over(session.cluster());
    // By the director's own record: its files lack a drain that it missed.
    let own = run.resources(&fleet.run, &record).map_err(words)?;
    run.set_desired(&fleet.run, fleet.run.desired())
        .map_err(words)?;
    let facts = &run.answer.facts;
    let stopped = plan::is_stopped(&fleet.run.cluster.name, &run.desired, facts);
    let idle = if fleet.run.cluster.keepalived {
        !facts.unit.is_active(KEEPALIVED)
    } else {
        let checker = view::checker_unit(fleet.run.cluster);
        stopped || (facts.unit.units.contains_key(&checker) && !facts.unit.is_active(&checker))
    };
    let mut scope = Scope::between(&own, &run.desired);
    if stopped || idle {
        // A drain must not start the director; the files take effect with its next start.
        scope = scope.without(&[Unit::NAME, Ipvs::NAME]);
    }
    let pending = pending(run, &own, &scope, fleet.run.secrets);
    run.scope = Some(scope);
    Ok(pending)
}

/// Obstacles: files that also differ from the inventory for other reasons, which the drain would change too.
fn pending(run: &HostRun, own: &[Resource], scope: &Scope, secrets: &Secrets) -> Vec<String> {
    let record = host_paths::maintenance(&run.answer.manifest.cluster);
    let cx = Context {
        secrets,
        earlier: &[],
        recorded: None,
    };
    let facts = &run.answer.facts;
    let files = run.desired.iter().filter(|resource| {
        matches!(resource, Resource::File(file) if file.path != record) && scope.has(resource)
    });
    files
        .filter(|new| {
            let old = own.iter().find(|old| old.is_same_as(new));
            let states = old.into_iter().chain([*new]);
            states.into_iter().all(|state| state.diff(facts, &cx).is_some())
        })
        .map(|file| {
            format!(
                "{}: expected {} as the inventory has it, found another one, and a drain would change that too: `lvsctl plan` shows \
                 the difference; run `lvsctl apply` first",
                run.host.name,
                file.key()
            )
        })
        .collect()
}
