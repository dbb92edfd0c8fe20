//! Inspection of all directors of a run together: VIPs that none of them holds, and the coordinated load of keepalived files,
//! which is decided in [`crate::plan::load`].

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::keepalived::CONFIGURATION;
use crate::plan::HostPlan;
use crate::plan::dependency::Hold;
use crate::plan::load::{self, Absent, Director};
use crate::resource::Resource;
use crate::resource::file::File;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager::ServiceManager;
use crate::run::fleet::Applied;
use crate::run::wait_converged::{self, Unheld, Unsettled};
use crate::run::{Fleet, HostRun};
use crate::secret;

use zeroize::Zeroizing;

/// VIPs that no director holds, after the time of a takeover.
pub(super) fn unheld(fleet: &Fleet, hosts: &mut [HostRun]) -> Vec<Unheld> {
    if !fleet.run.desired().keepalived {
        return Vec::new();
    }
    let directors = hosts.iter_mut().filter(|run| run.host.is_director());
    wait_converged::unheld(fleet, &mut directors.collect::<Vec<_>>())
}

/// The directors that hold a VIP by their latest answers. Real servers do not count, since they always hold it.
fn holders<'r, 'h>(hosts: &'r [HostRun<'h>], vip: IpAddr) -> impl Iterator<Item = &'r HostRun<'h>> {
    let directors = hosts.iter().filter(|run| run.host.is_director());
    directors.filter(move |run| run.answer.facts.address.has(vip))
}

/// The VIPs of `unheld` that no director holds by the latest answers either.
pub(super) fn still(unheld: Vec<Unheld>, hosts: &[HostRun]) -> Vec<Unheld> {
    let is_held = |one: &Unheld| holders(hosts, one.vip).next().is_some();
    unheld.into_iter().filter(|one| !is_held(one)).collect()
}

/// Notes of a plan on VIPs that a reload does not restore.
pub(super) fn notes(unheld: &[Unheld], host: &str) -> Vec<String> {
    let mine = unheld
        .iter()
        .filter(|one| !one.is_lost() && one.concerns(host));
    mine.map(|one| {
        format!(
            "warning: no director holds the VIP {}: {}",
            one.vip,
            one.why()
        )
    })
    .collect()
}

/// Coordinates the load of keepalived files in the directors' plans. Returns the directors that reload before the others.
pub(super) fn coordinate(
    fleet: &Fleet,
    hosts: &[HostRun],
    plans: &mut [HostPlan],
    unheld: &[Unheld],
) -> Vec<String> {
    let cluster = fleet.run.desired();
    if !cluster.keepalived {
        return Vec::new();
    }
    let lost: Vec<&Unheld> = unheld.iter().filter(|one| one.is_lost()).collect();
    let lost = again(hosts, plans, &lost);
    let secrets = fleet.run.secrets;
    let files: Vec<Option<(&File, Zeroizing<String>)>> = hosts
        .iter()
        .map(|run| {
            let file = configuration(run)?;
            Some((file, secret::reveal(&file.content, secrets).ok()?))
        })
        .collect();
    let present = hosts.iter().filter(|run| run.hold != Hold::All);
    let present: Vec<&str> = present.map(|run| run.host.name.as_str()).collect();
    let absent = cluster.vrrp.iter().flat_map(|instance| {
        let members = instance.members.iter();
        let absent = members.filter(|member| !present.contains(&member.host.as_str()));
        absent.map(|member| Absent {
            instance: &instance.name,
            host: &member.host,
        })
    });
    let absent: Vec<Absent> = absent.collect();
    let mut directors: Vec<Director> = hosts
        .iter()
        .zip(&files)
        .zip(plans.iter_mut())
        .filter(|((run, _), _)| run.host.is_director() && run.hold != Hold::All)
        .filter_map(|((run, file), plan)| {
            let (after, revealed) = file.as_ref()?;
            let observed = &run.answer.facts;
            let before = observed.file.get(CONFIGURATION);
            let addresses = observed.address.held.iter();
            Some(Director {
                before: before.map_or("", |found| found.content.as_str()),
                after,
                revealed: revealed.as_str(),
                runs: runs(run),
                holds: addresses.map(|held| held.address).collect(),
                plan,
            })
        })
        .collect();
    load::coordinate(&mut directors, &lost, &absent)
}

/// For a run without changes: VIPs that are on no director, or on several.
pub(super) fn unsettled(fleet: &Fleet, hosts: &mut [HostRun], unheld: &[Unheld]) -> Vec<Unsettled> {
    let mut vips = fleet.run.desired().floating_vips();
    let several = vips.any(|vip| holders(hosts, vip).count() > 1);
    let mut left: Vec<Unsettled> = unheld
        .iter()
        .filter(|one| !one.is_lost())
        .map(|one| Unsettled::NoMaster(one.vip, format!(": {}", one.why())))
        .collect();
    if several {
        let directors = hosts.iter_mut().filter(|run| run.host.is_director());
        let still = wait_converged::wait(fleet, &mut directors.collect::<Vec<_>>(), 0);
        left.extend(
            still
                .into_iter()
                .filter(|one| matches!(one, Unsettled::Masters(..))),
        );
    }
    left
}

/// A message on the directors' keepalived files after a failed run.
pub(super) fn in_between(done: &[Applied]) -> Option<String> {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for (run, plan, result) in done {
        if plan.load.is_some() {
            match result {
                Some(Ok(())) => with.push(run.host.name.as_str()),
                _ => without.push(run.host.name.as_str()),
            }
        }
    }
    if without.is_empty() {
        return None;
    }
    let without = without.join(" and ");
    Some(if with.is_empty() {
        format!(
            "keepalived on {without} goes on with its old file, and the VIPs stay where they are; a restart of keepalived or of \
             the host would take the new file in: run `lvsctl apply` again before that"
        )
    } else {
        format!(
            "keepalived has its new file on {}, and perhaps not on {without}: directors may discard each other's adverts and \
             hold the same VIPs; see `lvsctl status`, and run `lvsctl apply` again",
            with.join(" and ")
        )
    })
}

/// Adds reloads on all members, for lost VIPs that keepalived should hold. Returns these VIPs.
fn again(hosts: &[HostRun], plans: &mut [HostPlan], lost: &[&Unheld]) -> BTreeSet<IpAddr> {
    let vips: BTreeSet<IpAddr> = lost.iter().map(|one| one.vip).collect();
    for (run, plan) in hosts.iter().zip(plans) {
        if run.hold != Hold::All && runs(run) && lost.iter().any(|one| one.concerns(&run.host.name))
        {
            let manager = ServiceManager::of(&run.answer.facts.system);
            load::take_again(plan, &vips, &manager.reload(KEEPALIVED));
        }
    }
    vips
}

fn runs(run: &HostRun) -> bool {
    run.answer.facts.unit.is_active(KEEPALIVED)
}

fn configuration<'a>(run: &'a HostRun) -> Option<&'a File> {
    run.desired.iter().find_map(|resource| match resource {
        Resource::File(file) if file.path == CONFIGURATION => Some(file),
        _ => None,
    })
}
