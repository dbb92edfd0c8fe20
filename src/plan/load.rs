//! The coordinated load of new keepalived files on all directors, so that each VIP stays on exactly one of them: which
//! director reloads first, and which changes need two reloads. Pure. Probing and running the steps belong in [`crate::run`].
//!
//! What keepalived does (vrrp.c: `vrrp_check_packet`, `vrrp_exist`, `clear_diff_vrrp`; 2.0.5 to 2.4.3):
//! - A backup discards adverts whose VIPs, password or interval differ from the backup's, and takes over when its timer ends. With
//!   `vrrp_skip_check_adv_addr` it compares VIPs only if the sender changed; a reload forgets the previous sender. So the
//!   director that holds the VIPs reloads first, and its backups may follow later.
//! - A reload keeps an instance whose id, family, interface and transport are unchanged, whatever its name. Any other
//!   instance starts anew, as a backup.
//! - If a VIP moves between two kept instances, keepalived assumes for the new instance that the VIP is set, and then deletes
//!   it for the old one: no director holds it. So one reload removes it, and a second one adds it.

mod apart;
mod director;
mod instance;
mod notes;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::HostPlan;
use super::intermediate::{owner, patient, sign, without};
use crate::resource::change::{Phase, Step};
use crate::resource::file::File;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::unit::Unit;
use crate::resource::{Action, Change, Effect, Kind};

pub use apart::apart;
pub use director::{Absent, Director};
pub use instance::names;
use instance::{SKIPS, VrrpInstance, agree, begin_anew, find, instances, moved};
use notes::{announce, limited, listed};

/// The most tests whether keepalived has loaded its file, at ten per second.
const LOOKS: u32 = 150;

/// The steps of a plan in which keepalived loads its file: `last` reloads with the final file; the steps from `first` to it
/// load intermediate files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    pub first: usize,
    pub last: usize,
}

/// Shell text that waits until keepalived has set some addresses and removed others.
fn wait_for(set: &BTreeSet<IpAddr>, dropped: &BTreeSet<IpAddr>) -> String {
    if set.is_empty() && dropped.is_empty() {
        return String::new();
    }
    let mut looks = String::new();
    for vip in set {
        let _ = writeln!(
            looks,
            "case $held in *' {vip}/'*) ;; *) left=\"$left, {vip} not set\";; esac"
        );
    }
    for vip in dropped {
        let _ = writeln!(
            looks,
            "case $held in *' {vip}/'*) left=\"$left, {vip} not dropped\";; esac"
        );
    }
    format!(
        "looks=0\nwhile :; do\nheld=$(ip -o addr show)\nleft=\n{looks}[ -n \"$left\" ] || break\nlooks=$((looks + 1))\n\
         [ $looks -lt {LOOKS} ] || {{ echo \"expected keepalived to take its new file in within {} s, found${{left#,}}; \
         its log says why\" >&2; exit 1; }}\nsleep 0.1\ndone\n",
        LOOKS / 10
    )
}

/// The step in which keepalived loads its file, and its index.
fn loading(plan: &HostPlan) -> Option<(usize, Step)> {
    let is_it = |change: &&Change| change.effects.contains(&Effect::LoadsKeepalived);
    let step = plan.changes.iter().find(is_it)?.steps.last()?;
    let at = plan.steps.iter().position(|s| s == step)?;
    Some((at, step.clone()))
}

/// Coordinates the load: replaces the load steps in the directors' plans, and adds notes on what clients will notice. `lost`:
/// VIPs that no director holds although keepalived should. Returns the directors that hold VIPs, which reload first.
pub fn coordinate(
    directors: &mut [Director],
    lost: &BTreeSet<IpAddr>,
    absent: &[Absent],
) -> Vec<String> {
    let files: Vec<(Vec<VrrpInstance>, Vec<VrrpInstance>)> = directors
        .iter()
        .map(|d| (instances(d.before), instances(d.revealed)))
        .collect();
    let mut first = Vec::new();
    for (director, (before, after)) in directors.iter_mut().zip(&files) {
        if loading(director.plan).is_none() {
            continue;
        }
        if before.iter().any(|old| old.is_held(&director.holds)) {
            first.push(director.plan.host.clone());
        }
        limited(director, before, after, absent);
    }
    // If the file is already final but not loaded, the configuration with which keepalived runs is not known.
    let differs = |director: &Director,
                   (before, after): &(Vec<VrrpInstance>, Vec<VrrpInstance>)| {
        director.runs
            && loading(director.plan).is_some()
            && (!agree(before, after) || director.before == director.revealed)
    };
    let any = directors
        .iter()
        .zip(&files)
        .any(|(d, files)| differs(d, files));
    if !any && lost.is_empty() {
        return Vec::new();
    }
    let mut leave: BTreeSet<IpAddr> = lost.clone();
    for (director, (before, after)) in directors.iter().zip(&files) {
        if director.runs {
            leave.extend(moved(before, after).into_keys());
        }
    }
    let anew = if leave.is_empty() {
        at_once(directors, &files, &first, absent)
    } else {
        BTreeSet::new()
    };
    let contested = contested(directors);
    let elsewhere: Vec<BTreeSet<IpAddr>> = (0..directors.len())
        .map(|index| held_elsewhere(directors, index))
        .collect();
    let intervals = files.iter().flat_map(|(_, after)| after);
    let slowest = intervals.filter_map(|s| s.interval).fold(1.0, f64::max);
    let each = directors.iter_mut().zip(&files).zip(&elsewhere);
    for ((director, (before, after)), elsewhere) in each {
        let Some((at, step)) = loading(director.plan) else {
            continue;
        };
        let holds = first.contains(&director.plan.host);
        let mut steps = Vec::new();
        let mut load = step.clone();
        if director.runs {
            announce(director, before, after, lost, &anew);
            let (mut set, dropped) = expected(director, before, after);
            let moves = |vip: &IpAddr| elsewhere.contains(vip) && !leave.contains(vip);
            set.retain(|vip| !contested.contains(vip) && !moves(vip));
            let earlier = if !leave.is_empty() {
                Some(give_up(
                    director,
                    &step,
                    &leave,
                    (!holds).then_some(slowest),
                ))
            } else if holds || first.is_empty() {
                None
            } else {
                wait_longer(director, &step, &discards(director, before, after, &anew))
            };
            load.script = if holds && !anew.is_empty() {
                start_as_owner(director, &step, after, &anew, (set, dropped))
            } else {
                // The intermediate file is still in place.
                let again = earlier.is_some().then(|| last_file(director));
                let reload = step.script.trim_end();
                format!(
                    "{}{reload}\n{}",
                    again.unwrap_or_default(),
                    wait_for(&set, &dropped)
                )
            };
            steps.extend(earlier);
        }
        steps.push(load);
        let last = at + steps.len() - 1;
        director.plan.steps.splice(at..=at, steps);
        director.plan.load = Some(Steps { first: at, last });
    }
    first
}

/// Shell text that writes the final file after an intermediate one.
fn last_file(director: &Director) -> String {
    unchecked(director, director.after.content.clone())
}

/// Shell text that writes an intermediate file, without keepalived's test; the final file has passed it.
fn unchecked(director: &Director, content: String) -> String {
    File {
        content,
        check: None,
        ..director.after.clone()
    }
    .write()
}

/// Instances that start anew and whose VIPs one director of the run holds: that director is to become master at once.
fn at_once(
    directors: &[Director],
    files: &[(Vec<VrrpInstance>, Vec<VrrpInstance>)],
    first: &[String],
    absent: &[Absent],
) -> BTreeSet<String> {
    let [holder] = first else {
        return BTreeSet::new();
    };
    let all = directors.iter().zip(files);
    let held = all.filter(|(d, _)| d.plan.host == *holder && d.runs);
    held.flat_map(|(director, (before, after))| {
        begin_anew(before, after).filter(|new| new.is_held(&director.holds))
    })
    .filter(|new| absent.iter().all(|member| member.instance != new.name))
    .map(|new| new.name.clone())
    .collect()
}

/// Instances whose adverts from the holder's new file a backup with its old file would discard.
fn discards(
    director: &Director,
    before: &[VrrpInstance],
    after: &[VrrpInstance],
    anew: &BTreeSet<String>,
) -> BTreeSet<String> {
    let skips = director.before.contains(SKIPS);
    let discards = |new: &&VrrpInstance| match find(before, &new.key) {
        // A backup of VRRPv3 takes the interval from the adverts (RFC 9568, 6.1).
        Some(old) => {
            old.auth != new.auth
                || (old.interval != new.interval && !new.key.v6)
                || (old.advertised != new.advertised && !skips)
        }
        None => anew.contains(&new.name),
    };
    after
        .iter()
        .filter(discards)
        .map(|new| new.name.clone())
        .collect()
}

/// A step that keeps a backup from a takeover until the holder has loaded its new file. Even if the run ends in between, only
/// one director holds the VIPs. None if the backup discards no adverts.
fn wait_longer(director: &Director, reload: &Step, instances: &BTreeSet<String>) -> Option<Step> {
    if instances.is_empty() {
        return None;
    }
    let names: Vec<&str> = instances.iter().map(String::as_str).collect();
    let content = patient(&director.after.content, instances);
    Some(Step::new(
        format!(
            "reload {KEEPALIVED} so that it does not take over {}",
            names.join(", ")
        ),
        format!("{}{}", unchecked(director, content), reload.script),
        Phase::Main,
    ))
}

/// Shell text for the holder: it becomes master of the new instances as address owner, and then loads its final file.
fn start_as_owner(
    director: &Director,
    reload: &Step,
    after: &[VrrpInstance],
    anew: &BTreeSet<String>,
    (mut set, mut dropped): (BTreeSet<IpAddr>, BTreeSet<IpAddr>),
) -> String {
    let new = || after.iter().filter(|new| anew.contains(&new.name));
    let signs: BTreeSet<IpAddr> = new().map(|new| sign(&new.key.id, new.key.v6)).collect();
    set.extend(new().flat_map(|new| new.vips.iter().copied()));
    dropped.extend(&signs);
    let reload = reload.script.trim_end();
    format!(
        "{}{reload}\n{}{}{reload}\n{}",
        unchecked(director, owner(&director.after.content, anew)),
        wait_for(&signs, &BTreeSet::new()),
        last_file(director),
        wait_for(&set, &dropped),
    )
}

/// A step that reloads keepalived without some VIPs. `waits`: a backup then waits for the next advert, after which it accepts
/// all adverts of that sender.
fn give_up(
    director: &Director,
    reload: &Step,
    leave: &BTreeSet<IpAddr>,
    waits: Option<f64>,
) -> Step {
    let away: BTreeSet<IpAddr> = leave.intersection(&director.holds).copied().collect();
    let names: Vec<String> = leave.iter().map(ToString::to_string).collect();
    let pause = waits.map(|seconds| format!("sleep {:.1}\n", seconds + 0.5));
    Step::new(
        format!("reload {KEEPALIVED} without {}", names.join(", ")),
        format!(
            "{}{}\n{}{}",
            unchecked(director, without(&director.after.content, leave)),
            reload.script.trim_end(),
            wait_for(&BTreeSet::new(), &away),
            pause.unwrap_or_default()
        ),
        Phase::Main,
    )
}

/// VIPs that another director holds: the adverts for them make this one a backup as soon as it has its new file.
fn held_elsewhere(directors: &[Director], index: usize) -> BTreeSet<IpAddr> {
    let others = directors.iter().enumerate().filter(|(at, _)| *at != index);
    others
        .flat_map(|(_, other)| other.holds.iter().copied())
        .collect()
}

/// VIPs that several directors hold: all but one give them up when they receive each other's adverts again.
fn contested(directors: &[Director]) -> BTreeSet<IpAddr> {
    let mut once = BTreeSet::new();
    let all = directors.iter().flat_map(|director| &director.holds);
    all.filter(|vip| !once.insert(**vip)).copied().collect()
}

/// The VIPs that a director must hold, and those that it must have removed, once it has loaded its file. Considers only
/// instances of which it is master now.
fn expected(
    director: &Director,
    before: &[VrrpInstance],
    after: &[VrrpInstance],
) -> (BTreeSet<IpAddr>, BTreeSet<IpAddr>) {
    let masters: Vec<&VrrpInstance> = before
        .iter()
        .filter(|old| old.is_held(&director.holds))
        .collect();
    let stay = masters.iter().filter_map(|old| find(after, &old.key));
    let set = stay.flat_map(|new| new.vips.iter().copied()).collect();
    let desired: BTreeSet<IpAddr> = after
        .iter()
        .flat_map(|new| new.vips.iter().copied())
        .collect();
    let had = masters.iter().flat_map(|old| old.vips.iter().copied());
    let dropped = had.filter(|vip| !desired.contains(vip)).collect();
    (set, dropped)
}

/// Adds a reload of keepalived to the plan, for VIPs that no director holds.
pub fn take_again(plan: &mut HostPlan, lost: &BTreeSet<IpAddr>, reload: &str) {
    if loading(plan).is_some() {
        return;
    }
    let change = Change::new(Unit::NAME, KEEPALIVED, Action::Update)
        .field(
            "holds",
            Some(format!("not {}", listed(lost))),
            Some("the VIPs of its file"),
        )
        .effect(Effect::LoadsKeepalived)
        .step(format!("reload {KEEPALIVED}"), reload);
    let at = plan
        .steps
        .iter()
        .position(|step| step.phase == Phase::Remove);
    let at = at.unwrap_or(plan.steps.len());
    plan.steps.splice(at..at, change.steps.iter().cloned());
    plan.changes.push(change);
}

#[cfg(test)]
#[path = "load/tests.rs"]
mod tests;
