//! A plan as a person reads it and as a program reads it. What is in a plan is [`crate::plan`]'s part.

mod diff;
mod document;
mod text;

pub use document::json;
pub use text::text;

use crate::plan::HostPlan;
use crate::resource::Action;

/// What all plans of a run come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    pub hosts: usize,
    pub create: usize,
    pub update: usize,
    pub remove: usize,
    /// Resources that are as wanted already and become ours.
    pub adopt: usize,
    /// Hosts on which only the record of what is ours is brought up to date.
    pub record: usize,
    /// Hosts that cannot be made as wanted.
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
                    Action::Update => totals.update += 1,
                    Action::Remove => totals.remove += 1,
                }
            }
            totals.adopt += plan.adopts.len();
            totals.record += usize::from(plan.changes.is_empty() && !plan.steps.is_empty());
            totals.refused += usize::from(!plan.refusals.is_empty());
        }
        totals
    }

    /// Whether no host needs a step.
    pub fn nothing_to_do(&self) -> bool {
        self.create + self.update + self.remove + self.adopt + self.record == 0
    }
}
