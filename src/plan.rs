//! The plan of one host: a pure function from desired and observed state to changes and ordered steps. Probing and running
//! steps belong in [`crate::run`].

pub mod boot;
pub mod dependency;
pub mod depool;
pub mod guard;
mod intermediate;
pub mod load;
pub mod maintenance;
pub mod manifest;
pub mod saved;
mod scope;
pub mod serial;
pub mod stages;
pub mod start_stop;

use std::ops::Range;

use serde::Serialize;

use crate::fact::Facts;
use crate::resource::address::Address;
use crate::resource::change::{Action, Phase, Step};
use crate::resource::ipvs::{self, Ipvs};
use crate::resource::unit::{TargetState, Unit};
use crate::resource::{Before, Change, Context, Kind, Resource};
use crate::secret::Secrets;
use crate::view::Names;

use manifest::{Entry, Manifest};
pub use scope::Scope;

/// The input of the plan of one host.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    pub desired: &'a [Resource],
    pub manifest: &'a Manifest,
    /// Manifests of other clusters on this host.
    pub others: &'a [Manifest],
    pub facts: &'a Facts,
    pub secrets: &'a Secrets,
    /// The resources that may change; None: all.
    pub scope: Option<&'a Scope>,
}

impl Basis<'_> {
    fn is_in_scope(&self, resource: &Resource) -> bool {
        self.scope.is_none_or(|scope| scope.has(resource))
    }

    /// The desired resources that are in scope.
    fn chosen(&self) -> impl Iterator<Item = &Resource> {
        self.desired
            .iter()
            .filter(|resource| self.is_in_scope(resource))
    }

    /// The manifest entry of another cluster for the same resource.
    fn shared(&self, resource: &Resource) -> Option<&Entry> {
        self.others.iter().find_map(|other| other.entry(resource))
    }

    /// The state before the first cluster of lvsctl changed the resource: from the manifest of another cluster if it has one,
    /// since the present state may be that cluster's. `Same` in that manifest refers to the other cluster's desired state, so
    /// it does not count.
    fn before(&self, resource: &Resource) -> Before {
        self.shared(resource)
            .map(|entry| &entry.before)
            .filter(|before| **before != Before::Same)
            .cloned()
            .unwrap_or_else(|| resource.before(self.facts))
    }
}

/// Changes and steps of one host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostPlan {
    pub host: String,
    pub changes: Vec<Change>,
    /// Resources that are already in the desired state and are added to the manifest.
    pub adopts: Vec<String>,
    /// Remarks that are not changes, such as a drained real server.
    pub notes: Vec<String>,
    /// Why this host cannot reach the desired state.
    pub refusals: Vec<String>,
    /// Files that others made and lvsctl replaces. It keeps the originals, and restores them once the file is no longer
    /// desired.
    pub replaces: Vec<String>,
    #[serde(skip)]
    pub steps: Vec<Step>,
    /// The steps in which keepalived loads its new file, if the directors' loads are coordinated.
    #[serde(skip)]
    pub load: Option<load::Steps>,
}

/// A part of a host's steps. Over all hosts, resources are made before others are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Make,
    /// keepalived gives up VIPs that it cannot move between instances in one reload.
    GiveUp,
    /// keepalived loads its new file.
    Load,
    /// The remaining steps before the removals.
    Finish,
    Remove,
}

impl HostPlan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Replaces addresses in the notes by names of hosts and services.
    pub fn name_in_notes(&mut self, names: &Names) {
        for note in &mut self.notes {
            *note = names.say(note);
        }
    }

    /// The steps of a part. Until the removals are done, the manifest on the host still lists the removed resources.
    pub fn part(&self, part: Part) -> Range<usize> {
        let all = self.steps.len();
        let removes = |step: &Step| step.phase == Phase::Remove;
        let split = match self.steps.iter().position(removes) {
            // Another host may take the VIP over in the same run; this one must have removed it by then.
            Some(_) if self.gives_up_a_vip() => all,
            Some(first) => first,
            None => all,
        };
        let (first, last) = match &self.load {
            Some(steps) => (steps.first, steps.last),
            None => (split, split),
        };
        match part {
            Part::Make => 0..first,
            Part::GiveUp => first..last,
            Part::Load => last..split.min(last + 1),
            Part::Finish => split.min(last + 1)..split,
            Part::Remove => split..all,
        }
    }

    /// Whether the plan removes a VIP from a director without keepalived, which would hand it over.
    fn gives_up_a_vip(&self) -> bool {
        let removes = |kind: &str| {
            let gone = |change: &Change| change.action == Action::Remove && change.kind == kind;
            self.changes.iter().any(gone)
        };
        removes(Ipvs::NAME) && removes(Address::NAME)
    }
}

/// Decides what must change on a host.
pub fn host(name: &str, basis: &Basis) -> HostPlan {
    let Basis {
        desired,
        manifest,
        facts,
        secrets,
        ..
    } = *basis;
    let mut changes: Vec<Change> = Vec::new();
    let stopped = is_stopped(&basis.manifest.cluster, basis.desired, basis.facts);
    let mut notes: Vec<String> = stopped.then(|| stopped_note(name)).into_iter().collect();
    let (mut refusals, mut adopts, mut replaces) = (Vec::new(), Vec::new(), Vec::new());
    // The manifest after the run: the desired resources, in the order of the roles.
    let mut after = Manifest::new(&manifest.cluster);
    let mut keep = Vec::new();

    for resource in basis.chosen() {
        let cx = Context {
            secrets,
            earlier: &changes,
            recorded: manifest.entry(resource).map(|entry| &entry.resource),
        };
        let mut change = resource.diff(facts, &cx);
        if let Some(change) = &mut change {
            change.refused = resource.refuse(facts, &cx);
            refusals.extend(change.refused.clone());
        }
        notes.extend(resource.notes(facts));
        let before = match manifest.entry(resource) {
            Some(entry) => entry.before.clone(),
            None => {
                let before = basis.before(resource);
                let other = matches!(resource, Resource::File(_)) && before != Before::Absent;
                if other && basis.shared(resource).is_none() && change.is_some() {
                    replaces.push(resource.key());
                }
                if change.is_none() {
                    adopts.push(format!("{} {}", resource.kind(), resource.key()));
                }
                // Kept even without a change, since a later inventory may change the resource.
                if let Some(script) = resource.keep(&before, change.is_none()) {
                    let title = format!("keep what {} {} was", resource.kind(), resource.key());
                    keep.push(Step::new(title, script, Phase::Drain));
                }
                before
            }
        };
        after.entries.push(Entry {
            resource: resource.owned(),
            before,
        });
        changes.extend(change);
    }

    let is_desired = |entry: &Entry| desired.iter().any(|r| r.is_same_as(&entry.resource));
    let gone: Vec<&Entry> = manifest
        .entries
        .iter()
        .filter(|entry| basis.scope.is_none() && !is_desired(entry))
        .collect();
    if basis.scope.is_some() {
        after = manifest.with(desired, &after.entries);
    }
    // A resource that another cluster shares stays; the last cluster that leaves restores the previous state.
    let ours = |entry: &&&Entry| basis.shared(&entry.resource).is_none();
    for entry in leaving(gone.iter().rev().filter(ours).copied().collect()) {
        let cx = Context {
            secrets,
            earlier: &changes,
            recorded: Some(&entry.resource),
        };
        let change = entry.resource.remove(facts, &entry.before, &cx);
        changes.extend(change);
    }
    let stays = |entry: &&&Entry| entry.before == Before::Same || !ours(entry);
    let stays = gone.iter().filter(stays).map(|entry| &entry.resource);
    bring_back(&manifest.cluster, desired.iter().chain(stays), &mut changes);
    changes.extend(rereads(basis, &gone));

    let steps = steps(&changes, keep, manifest, &after, &gone);
    HostPlan {
        host: name.to_owned(),
        changes,
        adopts,
        notes,
        refusals,
        replaces,
        steps,
        load: None,
    }
}

/// Whether a host's part of a cluster was stopped by `lvsctl stop`.
pub fn is_stopped(cluster: &str, desired: &[Resource], facts: &Facts) -> bool {
    let unit = boot::unit(cluster);
    let is_it = |r: &Resource| r.kind() == Unit::NAME && r.key() == unit;
    let state = facts.unit.units.get(&unit);
    desired.iter().any(is_it)
        && state.is_some_and(|state| {
            state.loaded && state.enabled && !state.active && state.active_state != "failed"
        })
}

/// The note on a stopped host: the stop is usually intended, and `apply` would undo it.
pub fn stopped_note(host: &str) -> String {
    format!(
        "its part of the cluster is stopped: `lvsctl start --limit {host}` starts it again (`apply` does too, but \
         leaves a real server drained)"
    )
}

/// Orders removals: virtual services of keepalived come after its unit. keepalived removes them when it stops, and hands the
/// VIP over; if they were removed first, the VIP would refuse its clients until then.
fn leaving(gone: Vec<&Entry>) -> Vec<&Entry> {
    let held = |entry: &&Entry| matches!(&entry.resource, Resource::Ipvs(ipvs) if ipvs.keepalived);
    let (held, mut gone): (Vec<&Entry>, Vec<&Entry>) = gone.into_iter().partition(held);
    let stops = |entry: &&Entry| {
        entry.resource.kind() == Unit::NAME && entry.resource.key() == ipvs::KEEPALIVED
    };
    let at = gone.iter().position(stops).map_or(0, |at| at + 1);
    gone.splice(at..at, held);
    gone
}

/// When the node script's unit is removed, its `stop` takes down everything that the script set; resources that stay are set
/// again.
fn bring_back<'r>(
    cluster: &str,
    stays: impl Iterator<Item = &'r Resource>,
    changes: &mut [Change],
) {
    let unit = boot::unit(cluster);
    let goes = |c: &&mut Change| {
        c.kind == Unit::NAME && c.key == unit && c.action == Action::Remove && !c.steps.is_empty()
    };
    let Some(change) = changes.iter_mut().find(goes) else {
        return;
    };
    for resource in stays {
        let Some(lines) = resource.node().filter(|lines| !lines.stop.is_empty()) else {
            continue;
        };
        change.steps.push(Step::new(
            format!("bring {} {} back", resource.kind(), resource.key()),
            lines.start.join("\n"),
            Phase::Remove,
        ));
    }
}

/// Changes of units that continue to run and must reread their configuration, since files that they read are removed.
fn rereads(basis: &Basis, gone: &[&Entry]) -> Vec<Change> {
    let file = |entry: &&Entry| matches!(entry.resource, Resource::File(_));
    let files: Vec<String> = gone
        .iter()
        .copied()
        .filter(file)
        .map(|entry| entry.resource.key())
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let reread = |unit: &Unit, target: TargetState| unit.reread(basis.facts, target, &files);
    let desired = basis.desired.iter().filter_map(|resource| {
        let Resource::Unit(unit) = resource else {
            return None;
        };
        let mut unit = unit.clone();
        // The unit's previous definition may have read the file.
        if let Some(Resource::Unit(owned)) = basis.manifest.entry(resource).map(|e| &e.resource) {
            let read = |path: &&String| !unit.reads.contains(path);
            let until_now: Vec<String> = owned.reads.iter().filter(read).cloned().collect();
            unit.reads.extend(until_now);
        }
        reread(&unit, TargetState::Desired)
    });
    let gone = gone.iter().filter_map(|entry| {
        let Resource::Unit(unit) = &entry.resource else {
            return None;
        };
        let stays = match basis.shared(&entry.resource) {
            Some(_) => TargetState::Shared,
            None => TargetState::Before(&entry.before),
        };
        reread(unit, stays)
    });
    desired.chain(gone).collect()
}

/// Title of the step that records, before the first change, every resource that the run may make.
const RECORD: &str = "record what is ours";
/// Title of the step that records the final resources, after the last change.
const RECORD_LAST: &str = "record what is ours now";

/// The steps of all changes in a safe order, between two writes of the manifest. The first lists every resource that the run
/// may make, so that an interrupted run loses none; the second the final ones. Backups to which the manifest refers are made
/// before the first write, and deleted after the second.
fn steps(
    changes: &[Change],
    keep: Vec<Step>,
    before: &Manifest,
    after: &Manifest,
    gone: &[&Entry],
) -> Vec<Step> {
    let mut during = after.clone();
    during
        .entries
        .extend(gone.iter().map(|entry| (*entry).clone()));
    let mut steps = keep;
    let record = |manifest: &Manifest, forget: &str, title: &str| {
        Step::new(title, manifest.store(forget), Phase::Main)
    };
    let mut work: Vec<Step> = changes
        .iter()
        .flat_map(|change| change.steps.iter().cloned())
        .collect();
    work.sort_by_key(|step| step.phase);
    if !work.is_empty() && during != *before {
        steps.push(record(&during, "", RECORD));
    }
    let recorded = if work.is_empty() { before } else { &during };
    let forget: String = gone
        .iter()
        .filter_map(|entry| entry.resource.forget(&entry.before))
        .collect();
    let last = (*recorded != *after).then(|| record(after, &forget, RECORD_LAST));
    steps.extend(work);
    steps.extend(last);
    steps
}

#[cfg(test)]
mod tests;
