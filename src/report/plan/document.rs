//! Plans as one JSON document. Fields are only ever added; one that changes its meaning changes `format`.

use std::io::{self, Write};

use serde::Serialize;

use super::Totals;
use crate::inventory::Problem;
use crate::plan::HostPlan;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    hosts: Vec<Host<'a>>,
    summary: Totals,
    /// What the inventory says, but probably does not mean.
    warnings: &'a [Problem],
}

#[derive(Serialize)]
struct Host<'a> {
    #[serde(flatten)]
    plan: &'a HostPlan,
    /// The titles of the steps, in their order.
    steps: Vec<&'a str>,
}

/// Writes `{"format": 1, "hosts": [...], "summary": {...}, "warnings": [...]}`.
pub fn json(writer: &mut dyn Write, plans: &[HostPlan], warnings: &[Problem]) -> io::Result<()> {
    let document = Document {
        format: 1,
        hosts: plans
            .iter()
            .map(|plan| Host {
                plan,
                steps: plan.steps.iter().map(|step| step.title.as_str()).collect(),
            })
            .collect(),
        summary: Totals::of(plans),
        warnings,
    };
    crate::report::document(writer, &document)
}
