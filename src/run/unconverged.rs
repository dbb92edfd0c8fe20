//! Rollback of directors whose change keeps the cluster from converging. The wait for convergence belongs in
//! [`super::wait_converged`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::fleet::{Applied, Fleet};
use super::host::HostRun;
use super::host_error::HostError;
use super::wait_converged::{Unheld, Unsettled};
use crate::keepalived::CONFIGURATION;
use crate::model::Cluster;
use crate::plan::load;
use crate::resource::ipvs::KEEPALIVED;

/// The state of the VIPs before a run changed anything.
#[derive(Debug, Default)]
pub struct Before {
    /// Whether any director held a VIP. If none did, a rollback would not restore service.
    served: bool,
    /// The directors that held each desired VIP.
    holders: BTreeMap<IpAddr, Vec<String>>,
    /// VIPs that keepalived should have held and did not hold.
    unheld: BTreeSet<IpAddr>,
}

impl Before {
    /// From the latest answers of the hosts.
    pub fn of(cluster: &Cluster, hosts: &[HostRun], unheld: &[Unheld]) -> Self {
        let directors = || hosts.iter().filter(|run| run.host.is_director());
        let holders = cluster.floating_vips().map(|vip| {
            let has = directors().filter(|run| run.answer.facts.address.has(vip));
            (vip, has.map(|run| run.host.name.clone()).collect())
        });
        let holders: BTreeMap<IpAddr, Vec<String>> = holders.collect();
        Self {
            // Only keepalived's current file names the VIPs that the run replaces.
            served: holders.values().any(|hosts| !hosts.is_empty()) || directors().any(serves),
            holders,
            unheld: unheld.iter().map(|one| one.vip).collect(),
        }
    }

    fn was_there(&self, what: &Unsettled) -> bool {
        match what {
            Unsettled::NoMaster(vip, _) => self.unheld.contains(vip),
            Unsettled::Masters(vip, _) => self.holders.get(vip).is_some_and(|all| all.len() > 1),
            Unsettled::Differs(..) => false,
        }
    }
}

/// Whether keepalived runs and the host holds a VIP of keepalived's file.
fn serves(run: &HostRun) -> bool {
    let facts = &run.answer.facts;
    let file = facts.file.get(CONFIGURATION);
    facts.unit.is_active(KEEPALIVED)
        && file.is_some_and(|file| {
            let mut held = facts.address.held.iter();
            held.any(|held| load::names(&file.content, held.address))
        })
}

/// A director that a run has changed.
#[derive(Debug, Clone, Copy)]
struct Changed<'a> {
    name: &'a str,
    /// Whether keepalived takes its new file in together with the other directors, which may discard its adverts otherwise.
    together: bool,
}

/// The directors whose previous state is restored, each with the reasons.
fn to_roll_back(
    cluster: &Cluster,
    before: &Before,
    changed: &[Changed],
    unsettled: &[Unsettled],
) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if !before.served {
        return all;
    }
    for what in unsettled.iter().filter(|what| !before.was_there(what)) {
        for one in changed
            .iter()
            .filter(|one| concerns(cluster, what, one.name))
        {
            all.entry(one.name.to_owned())
                .or_default()
                .push(what.to_string());
        }
    }
    let coupled = changed.iter().filter(|one| one.together);
    let first = coupled.clone().find_map(|one| all.get(one.name)).cloned();
    if let Some(why) = first {
        for one in coupled {
            all.entry(one.name.to_owned())
                .or_insert_with(|| why.clone());
        }
    }
    all
}

/// Whether this director's change may be the cause.
fn concerns(cluster: &Cluster, what: &Unsettled, director: &str) -> bool {
    match what {
        Unsettled::NoMaster(vip, _) => {
            let mut instances = cluster.vrrp.iter();
            instances.any(|instance| {
                let has = instance.vips.iter().any(|one| one.address == *vip);
                has && instance.members.iter().any(|m| m.host == director)
            })
        }
        Unsettled::Masters(_, hosts) => hosts.iter().any(|host| host == director),
        Unsettled::Differs(host, _) => host == director,
    }
}

/// Restores the previous state of the directors whose change keeps the cluster from converging, and marks them as failed; on
/// all others deletes the kept state. After an interrupt nothing is restored, since the wait was incomplete.
pub fn conclude(fleet: &Fleet, before: &Before, done: &mut [Applied], unsettled: &[Unsettled]) {
    let well = done
        .iter_mut()
        .filter(|(run, _, result)| run.guard.is_kept() && matches!(result, Some(Ok(()))));
    let mut well: Vec<&mut Applied> = well.collect();
    let changed = well.iter().map(|(run, plan, _)| Changed {
        name: &run.host.name,
        together: plan.load.is_some(),
    });
    let changed: Vec<Changed> = changed.collect();
    let back = if fleet.run.cancel.is_cancelled() {
        BTreeMap::new()
    } else {
        to_roll_back(fleet.run.desired(), before, &changed, unsettled)
    };
    fleet.each(well.iter_mut().collect(), |(run, plan, result)| {
        let Some(why) = back.get(&run.host.name) else {
            run.forget_previous(&fleet.run);
            return;
        };
        let error = run.roll_back(&fleet.run, HostError::Unconverged(why.clone()));
        let failed = Err(error);
        fleet.report(run, &failed);
        run.journal(&fleet.run, |origin| origin.ends(plan, &failed));
        *result = Some(failed);
    });
}

#[cfg(test)]
#[path = "unconverged_tests.rs"]
mod tests;
