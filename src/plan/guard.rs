//! Guards of changes: which steps of a plan need one, and what the guard restores. The host restores its old state without
//! lvsctl unless a new connection confirms the change. Pure. Arming, renewing and disarming belong in `crate::run::guard`.

mod script;
pub mod way_in;

use std::ops::Range;

use super::{Basis, HostPlan, RECORD, RECORD_LAST};
use crate::host_paths;
use crate::resource::undo::Turn;
use crate::resource::{Change, Resource, Undo};
use crate::shell::command;
use way_in::{Part, Touch, Way};

pub use script::{Arm, FIRED, FUNCTIONS, forget, run};

/// The changes that a guard covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Changes that affect the way in.
    WayIn,
    /// All changes of the plan, and the way in.
    All,
    /// All changes of the plan, restored on demand only: no timer.
    Rollback,
}

/// A change that needs a guard, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub what: String,
    pub touch: Touch,
}

/// A guard for some steps of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The steps between arming and confirmation.
    pub window: Range<usize>,
    /// Changes whose last step is in the window; the confirmation checks that they are in the desired state.
    pub proves: Vec<(&'static str, String)>,
    pub undo: Vec<Undo>,
    pub reasons: Vec<Reason>,
}

/// The resource of a change: the desired one, else the manifest's.
fn resource<'b>(basis: &'b Basis, change: &Change) -> Option<&'b Resource> {
    let is_it = |r: &&Resource| r.kind() == change.kind && r.key() == change.key;
    let owned = basis.manifest.entries.iter().map(|entry| &entry.resource);
    basis.desired.iter().chain(owned).find(is_it)
}

/// Changes that affect the way in; none without SSH.
pub fn reasons(plan: &HostPlan, basis: &Basis, way: Option<Way>) -> Vec<Reason> {
    let Some(way) = way else { return Vec::new() };
    let of = |change: &Change| {
        let touch = way_in::touches(change, resource(basis, change)?, way)?;
        (!change.steps.is_empty()).then(|| Reason {
            what: format!("{} {}", change.kind, change.key),
            touch,
        })
    };
    plan.changes.iter().filter_map(of).collect()
}

/// The guard of a range of steps; None if none of them changes something that the guard covers.
pub fn of(
    plan: &HostPlan,
    basis: &Basis,
    way: Option<Way>,
    part: Range<usize>,
    extent: Extent,
) -> Option<Guard> {
    let reasons = reasons(plan, basis, way);
    let is_reason = |change: &Change| {
        let what = format!("{} {}", change.kind, change.key);
        reasons.iter().any(|reason| reason.what == what)
    };
    let covered: Vec<&Change> = match extent {
        Extent::WayIn => plan.changes.iter().filter(|c| is_reason(c)).collect(),
        Extent::All | Extent::Rollback => plan.changes.iter().collect(),
    };
    let within = |index: &usize| {
        let step = &plan.steps[*index];
        match extent {
            Extent::WayIn => covered.iter().any(|change| change.steps.contains(step)),
            Extent::All | Extent::Rollback => index_of_work(plan).contains(index),
        }
    };
    let mut steps = part
        .filter(|index| *index < plan.steps.len())
        .filter(within);
    let first = steps.next()?;
    let window = first..steps.next_back().unwrap_or(first) + 1;
    let ends_within = |change: &&&Change| {
        let last = change.steps.last();
        let at = last.and_then(|last| plan.steps.iter().rposition(|step| step == last));
        at.is_some_and(|at| window.contains(&at))
    };
    let proves = covered.iter().filter(ends_within);
    let proves = proves
        .map(|change| (change.kind, change.key.clone()))
        .collect();
    let undo = undo(&covered, basis, way, extent, &reasons);
    Some(Guard {
        window,
        proves,
        undo,
        reasons,
    })
}

/// The steps between the two writes of the manifest. A guard need not cover the others: the first write stays valid, and the
/// second comes after the last change.
fn index_of_work(plan: &HostPlan) -> Range<usize> {
    let is = |title: &'static str| move |step: &super::Step| step.title == title;
    let first = plan
        .steps
        .iter()
        .position(is(RECORD))
        .map_or(0, |at| at + 1);
    let last = plan.steps.iter().rposition(is(RECORD_LAST));
    first..last.unwrap_or(plan.steps.len())
}

/// The undo texts of the covered changes, in the order in which they run.
fn undo(
    covered: &[&Change],
    basis: &Basis,
    way: Option<Way>,
    extent: Extent,
    reasons: &[Reason],
) -> Vec<Undo> {
    let mut all = Vec::new();
    // In reverse order of the changes.
    for change in covered.iter().rev() {
        let Some(resource) = resource(basis, change) else {
            continue;
        };
        let kept = format!("\"$k\"/{}", all.len());
        all.extend(resource.undo(&resource.before(basis.facts), &kept));
    }
    let mut after = Vec::new();
    if extent != Extent::Rollback {
        let touched = |part| extent == Extent::All || reasons.iter().any(|r| r.touch.part == part);
        if touched(Part::Filter) {
            after.push(named("filter", &[]));
        }
        if let Some(Way::Known(way)) = way {
            // First, since other routes need the interfaces; again last, since a unit that stops may take them down.
            let interfaces = way.related.iter();
            let interfaces = interfaces.map(|name| named("interface", &[name]));
            let first = interfaces.clone().map(|undo| Undo {
                save: String::new(),
                turn: Turn::Link,
                ..undo
            });
            all.extend(first);
            after.extend(interfaces);
        }
        if way.is_some() && touched(Part::Ssh) {
            after.push(named("ssh", &[]));
        }
    }
    all.sort_by_key(|undo: &Undo| undo.turn);
    let manifest = host_paths::manifest(&basis.manifest.cluster);
    after.push(named("file", &[&manifest]));
    all.into_iter().chain(after).collect()
}

/// A pair of functions of `undo.sh`.
fn named(what: &str, words: &[&str]) -> Undo {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let kept = format!(
        "\"$k\"/{}",
        [&[what.to_owned()], words.as_slice()]
            .concat()
            .join("-")
            .replace('/', "_")
    );
    let text = |verb: &str| {
        let all = [&[format!("{verb}_{what}")], words.as_slice()].concat();
        format!("{} {kept}", command(all))
    };
    Undo::kept(Turn::Start, text("keep"), text("put"))
}

#[cfg(test)]
#[path = "guard/tests.rs"]
mod tests;
