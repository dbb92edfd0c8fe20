//! Batches of a rolling apply: which hosts are changed together, and which failures end the run. Pure. The order within a
//! batch belongs in [`super::stages`]; what is withheld after a failure, in [`super::dependency`].

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::depool::Share;
use super::stages::{self, Turn, Way};
use super::{HostPlan, Part};
use crate::model::{Cluster, Host};
use crate::resource::change::Phase;

/// The most hosts of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(Share);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().parse()? {
            Share::Number(0) | Share::Percent(0) => Err(format!(
                "expected a batch of 1 host or more, found {text:?}"
            )),
            share => Ok(Self(share)),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Size {
    /// A share is rounded down, to 1 at least.
    fn of(self, all: usize) -> usize {
        self.0.at_most(all).max(1)
    }
}

/// The part of a host's plan that a batch applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pass {
    /// All steps before the removals.
    Make,
    /// The removals. They come after the other steps of all hosts: directors may send requests there until they are changed.
    Remove,
}

/// Hosts that are changed before the next `verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Batch {
    pub pass: Pass,
    pub hosts: Vec<String>,
}

/// Hosts of one stage, which may be divided into several batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub pass: Pass,
    /// Whether they must be in one batch, whatever its size, since their changes depend on each other.
    pub whole: bool,
    pub hosts: Vec<String>,
}

/// A host of the run, with its plan.
pub type Planned<'p> = (&'p Host, &'p HostPlan);

/// Whether a plan has removals as a separate last part.
fn removes(plan: &HostPlan) -> bool {
    !plan.part(Part::Remove).is_empty()
}

/// Whether a plan has steps other than removals. A write of the manifest that only records removals does not count.
fn makes(plan: &HostPlan) -> bool {
    let makes = |change: &super::Change| {
        let mut steps = change.steps.iter();
        steps.any(|step| step.phase != Phase::Remove)
    };
    !plan.is_empty() && (!removes(plan) || plan.changes.iter().any(makes))
}

/// Whether directors have to be in one batch: the load of keepalived files is coordinated, or a VIP or the route of real
/// servers is set up or removed.
fn together(directors: &[Planned], way: Way) -> bool {
    let load = |(_, plan): &Planned| plan.load.is_some() || plan.gives_up_a_vip();
    way != Way::default() || directors.iter().any(load)
}

/// Groups of the hosts that have changes, in the order of stages. `reshaped`: hosts that must change together with the
/// directors ([`super::dependency::reshaped`]).
pub fn groups(
    cluster: &Cluster,
    planned: &[Planned],
    way: Way,
    reshaped: &BTreeSet<String>,
) -> Vec<Group> {
    let hosts: Vec<&Host> = planned.iter().map(|(host, _)| *host).collect();
    let plan = |host: &Host| planned.iter().find(|(one, _)| one.name == host.name);
    let has = |host: &Host, does: fn(&HostPlan) -> bool| plan(host).is_some_and(|(_, p)| does(p));
    let directors: Vec<Planned> = planned
        .iter()
        .filter(|(host, plan)| host.is_director() && !plan.is_empty())
        .copied()
        .collect();
    let whole = together(&directors, way) || !reshaped.is_empty();
    let mut groups: Vec<Group> = Vec::new();
    for (turn, stage) in stages::in_turn(cluster, &hosts, way.comes) {
        let of_directors = matches!(turn, Turn::Backup | Turn::Master);
        let (with, apart): (Vec<&Host>, Vec<&Host>) = stage
            .into_iter()
            .filter(|host| has(host, makes))
            .partition(|host| {
                of_directors || turn == Turn::Behind || reshaped.contains(&host.name)
            });
        if !whole {
            add(&mut groups, Pass::Make, false, with);
            add(&mut groups, Pass::Make, false, apart);
            continue;
        }
        // The directors' group collects hosts of several stages; hosts that may change alone come before it.
        let at = groups.iter().position(|group| group.whole);
        let later = at.map_or_else(Vec::new, |at| groups.split_off(at));
        add(&mut groups, Pass::Make, false, apart);
        let mut later = later.into_iter();
        let mut known = later.next().map_or_else(Vec::new, |group| group.hosts);
        known.extend(with.iter().map(|host| host.name.clone()));
        if !known.is_empty() {
            groups.push(Group {
                pass: Pass::Make,
                whole: true,
                hosts: known,
            });
        }
        groups.extend(later);
    }
    for (turn, stage) in stages::in_turn(cluster, &hosts, way.goes).into_iter().rev() {
        let stage = stage.into_iter().filter(|host| has(host, removes));
        let of_directors = matches!(turn, Turn::Backup | Turn::Master);
        add(
            &mut groups,
            Pass::Remove,
            whole && of_directors,
            stage.collect(),
        );
    }
    groups
}

/// Adds a stage as a group, or to the last group if both are whole.
fn add(groups: &mut Vec<Group>, pass: Pass, whole: bool, stage: Vec<&Host>) {
    if stage.is_empty() {
        return;
    }
    let names = stage.into_iter().map(|host| host.name.clone());
    match groups.last_mut() {
        Some(last) if whole && last.whole && last.pass == pass => last.hosts.extend(names),
        _ => groups.push(Group {
            pass,
            whole,
            hosts: names.collect(),
        }),
    }
}

/// Divides groups into batches of the given sizes; the last size repeats. A batch has hosts of one group only, so that
/// `verify` judges each stage before the next. A percentage is of the hosts that have changes.
pub fn batches(groups: &[Group], sizes: &[Size]) -> Vec<Batch> {
    let names = groups.iter().flat_map(|group| &group.hosts);
    let all = names.collect::<BTreeSet<&String>>().len();
    let mut batches: Vec<Batch> = Vec::new();
    for group in groups {
        let mut left = group.hosts.as_slice();
        while !left.is_empty() {
            let size = sizes.get(batches.len()).or(sizes.last());
            let size = size.map_or(all, |size| size.of(all));
            let take = if group.whole { left.len() } else { size };
            let (now, later) = left.split_at(take.min(left.len()));
            left = later;
            batches.push(Batch {
                pass: group.pass,
                hosts: now.to_vec(),
            });
        }
    }
    batches
}

/// The stages of the run, reduced to the hosts of a batch. `made`: hosts of earlier batches.
pub fn stages_of<'a>(
    all: &[(Part, Vec<&'a Host>)],
    batch: &Batch,
    made: &BTreeSet<String>,
) -> Vec<(Part, Vec<&'a Host>)> {
    let is_due = |part: Part, host: &Host| {
        let mine = batch.hosts.contains(&host.name);
        mine && match part {
            Part::Remove => batch.pass == Pass::Remove,
            _ => !made.contains(&host.name),
        }
    };
    let stage = |(part, stage): &(Part, Vec<&'a Host>)| {
        let hosts = stage.iter().copied();
        (*part, hosts.filter(|host| is_due(*part, host)).collect())
    };
    all.iter().map(stage).collect()
}

/// Why a run does not go on with its next batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// More hosts failed than `--max-failures` allows.
    TooMany { failures: usize, allowed: usize },
    /// A host failed on which other hosts depend.
    Essential(String),
    /// Not all hosts of a batch were changed.
    InPart,
    /// The directors did not converge.
    Unsettled(Vec<String>),
    /// Without the failed hosts a service would have too few real servers, or no director.
    TooFew(Vec<String>),
    /// `verify` could not be run.
    Unverified(String),
}

impl Stop {
    /// Stable identifier for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "max-failures",
            Self::Essential(_) => "essential-host-failed",
            Self::InPart => "batch-in-part",
            Self::Unsettled(_) => "not-settled",
            Self::TooFew(_) => "too-few-left",
            Self::Unverified(_) => "not-verified",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { failures, allowed } => write!(
                f,
                "expected at most {allowed} hosts that fail or have an error in `verify` (--max-failures), found {failures}"
            ),
            Self::Essential(host) => write!(
                f,
                "{host} failed, and other hosts depend on it; --max-failures holds for hosts that are neither directors nor NFS \
                 servers"
            ),
            Self::InPart => write!(
                f,
                "these hosts change together, and not all of them were changed"
            ),
            Self::Unsettled(what) => write!(f, "all steps were done, and yet: {}", what.join("; ")),
            Self::TooFew(what) => write!(
                f,
                "directors do not get the hosts that failed, and {}",
                what.join("; ")
            ),
            Self::Unverified(why) => {
                let why = why.trim().trim_start_matches("error: ");
                write!(f, "`verify` could not judge the batch: {why}")
            }
        }
    }
}

/// Whether, and why, a run ends after a batch. `all`: number of hosts with changes; `failures`: failed hosts so far;
/// `in_part`: whether hosts of the batch are unfinished.
pub fn stop(
    cluster: &Cluster,
    allowed: Share,
    all: usize,
    failures: &BTreeSet<String>,
    in_part: bool,
) -> Option<Stop> {
    let allowed = allowed.at_most(all);
    if failures.len() > allowed {
        return Some(Stop::TooMany {
            failures: failures.len(),
            allowed,
        });
    }
    let depended = |name: &&String| {
        let mut hosts = cluster.hosts.iter();
        let host = hosts.find(|host| host.name == **name);
        host.is_some_and(|host| host.is_director() || !host.exports.is_empty())
    };
    if let Some(host) = failures.iter().find(depended) {
        return Some(Stop::Essential(host.clone()));
    }
    in_part.then_some(Stop::InPart)
}

#[cfg(test)]
mod tests;
