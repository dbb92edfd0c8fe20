//! What a run looks at over all its directors: VIPs that none of them holds, and how they take new files of keepalived in
//! together. What is decided is in [`crate::plan::load`].

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::inventory::model::Cluster;
use crate::plan::HostPlan;
use crate::plan::load::{self, Absent, CONFIGURATION, Director};
use crate::resource::Resource;
use crate::resource::file::File;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::manager::ServiceManager;
use crate::run::fleet::Applied;
use crate::run::settle::{self, Unheld, Unsettled};
use crate::run::{Fleet, HostRun};
use crate::secret;

use zeroize::Zeroizing;

/// What is decided over all directors of a run.
#[derive(Debug, Default)]
pub struct Together {
    /// Hosts that reload before the other directors.
    pub first: Vec<String>,
    /// VIPs that no director holds, and that no reload brings back.
    pub unheld: Vec<Unheld>,
}

/// Puts into the plans of directors how they take their files in, and what is to be said of that.
pub fn together(fleet: &Fleet, hosts: &mut [HostRun], plans: &mut [HostPlan]) -> Together {
    let cluster = fleet.run.cluster;
    if !cluster.keepalived {
        return Together::default();
    }
    let unheld = {
        let runs = hosts.iter_mut().filter(|run| run.host.is_director());
        settle::unheld(fleet, &mut runs.collect::<Vec<_>>())
    };
    let (lost, unheld): (Vec<Unheld>, Vec<Unheld>) = unheld.into_iter().partition(Unheld::is_lost);
    let lost = again(cluster, hosts, plans, &lost);
    for (host, plan) in hosts.iter().zip(plans.iter_mut()) {
        let mine = unheld
            .iter()
            .filter(|one| one.states.iter().any(|(name, _)| *name == host.host.name));
        plan.notes.extend(mine.map(|one| {
            format!(
                "warning: no director holds the VIP {}: {}",
                one.vip,
                one.why()
            )
        }));
    }
    let secrets = fleet.run.secrets;
    let files: Vec<Option<(&File, Zeroizing<String>)>> = hosts
        .iter()
        .map(|run| {
            let file = configuration(run)?;
            Some((file, secret::reveal(&file.content, secrets).ok()?))
        })
        .collect();
    let present: Vec<&str> = hosts.iter().map(|run| run.host.name.as_str()).collect();
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
        .filter(|((run, _), _)| run.host.is_director())
        .filter_map(|((run, file), plan)| {
            let (after, revealed) = file.as_ref()?;
            let observed = &run.answer.observed;
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
    Together {
        first: load::together(&mut directors, &lost, &absent),
        unheld,
    }
}

/// Where nothing differs: VIPs that are on no director, or on several.
pub fn unsettled(fleet: &Fleet, hosts: &mut [HostRun], together: &Together) -> Vec<Unsettled> {
    let runs = hosts.iter().filter(|run| run.host.is_director());
    let held: Vec<(String, BTreeSet<IpAddr>)> = runs
        .map(|run| {
            let held = run.answer.observed.address.held.iter();
            (
                run.host.name.clone(),
                held.map(|held| held.address).collect(),
            )
        })
        .collect();
    let all = fleet
        .run
        .cluster
        .vrrp
        .iter()
        .flat_map(|instance| &instance.vips);
    let several = all.into_iter().any(|vip| {
        let holds = held.iter().filter(|(_, held)| held.contains(&vip.address));
        holds.count() > 1
    });
    let mut left: Vec<Unsettled> = together
        .unheld
        .iter()
        .map(|one| Unsettled::NoMaster(one.vip, format!(": {}", one.why())))
        .collect();
    if several {
        let directors = hosts.iter_mut().filter(|run| run.host.is_director());
        let still = settle::wait(fleet, &mut directors.collect::<Vec<_>>());
        left.extend(
            still
                .into_iter()
                .filter(|one| matches!(one, Unsettled::Masters(..))),
        );
    }
    left
}

/// Says what a run that failed leaves of keepalived's new files.
pub fn left(done: &[Applied], mut say: impl FnMut(String)) {
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
        return;
    }
    let without = without.join(" and ");
    say(if with.is_empty() {
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
    });
}

/// Has all members reload for VIPs that keepalived should hold.
fn again(
    cluster: &Cluster,
    hosts: &[HostRun],
    plans: &mut [HostPlan],
    lost: &[Unheld],
) -> BTreeSet<IpAddr> {
    let lost: BTreeSet<IpAddr> = lost.iter().map(|one| one.vip).collect();
    if lost.is_empty() {
        return lost;
    }
    for (run, plan) in hosts.iter().zip(plans) {
        let instances = cluster.vrrp.iter().filter(|instance| {
            let member = instance.members.iter().any(|m| m.host == run.host.name);
            member && instance.vips.iter().any(|vip| lost.contains(&vip.address))
        });
        if runs(run) && instances.count() > 0 {
            let manager = ServiceManager::of(&run.answer.facts);
            load::take_again(plan, &lost, &manager.reload(KEEPALIVED));
        }
    }
    lost
}

fn runs(run: &HostRun) -> bool {
    run.answer.observed.unit.is_active(KEEPALIVED)
}

fn configuration<'a>(run: &'a HostRun) -> Option<&'a File> {
    run.wanted.iter().find_map(|resource| match resource {
        Resource::File(file) if file.path == CONFIGURATION => Some(file),
        _ => None,
    })
}
