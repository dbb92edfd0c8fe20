//! A plan as a person reads it and as a program reads it. What is in a plan is [`crate::plan`]'s part.

mod batches;
mod diff;
mod document;
mod fold;
mod keepalived;
mod services;
mod text;

pub use batches::text as batches;
pub use document::json;
pub use services::{Names, replaced};
pub use text::text;

use crate::plan::HostPlan;
use crate::resource::{Action, Change};

/// The totals of all plans of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    pub hosts: usize,
    pub create: usize,
    pub update: usize,
    pub remove: usize,
    /// Resources that are already in the desired state and are added to the manifest.
    pub adopt: usize,
    /// Hosts on which only the manifest changes.
    pub record: usize,
    /// Hosts that cannot reach the desired state.
    pub refused: usize,
}

impl Totals {
    pub fn of(plans: &[HostPlan]) -> Self {
        let mut totals = Self {
            hosts: plans.len(),
            ..Self::default()
        };
        for plan in plans {
            for change in &plan.changes {
                match change.action {
                    Action::Create => totals.create += 1,
                    Action::Update => totals.updated(change),
                    Action::Remove => totals.remove += 1,
                }
                totals.remove += keepalived::ends(change).vips.len();
                totals.remove += services::ends_beside(plan, change).len();
            }
            totals.adopt += plan.adopts.len();
            totals.record += usize::from(plan.changes.is_empty() && !plan.steps.is_empty());
            totals.refused += usize::from(!plan.refusals.is_empty());
        }
        totals
    }

    /// Real servers join and leave a service that stays: each counts for itself.
    fn updated(&mut self, change: &Change) {
        let of_real_servers = |field: &&crate::resource::Field| {
            change.kind == "ipvs" && field.name.starts_with("real server ")
        };
        let (mut joins, mut leaves) = (0, 0);
        for field in change.fields.iter().filter(of_real_servers) {
            joins += usize::from(field.from.is_none());
            leaves += usize::from(field.to.is_none());
        }
        self.create += joins;
        self.remove += leaves;
        let others = change.fields.len() - joins - leaves;
        self.update += usize::from(others > 0 || joins + leaves == 0);
    }

    /// Whether no host needs a step.
    pub fn nothing_to_do(&self) -> bool {
        self.create + self.update + self.remove + self.adopt + self.record == 0
    }
}
