//! Plans as one JSON document. Fields are only ever added; one that changes its meaning changes `format`.

use std::io::{self, Write};

use serde::Serialize;

use super::Totals;
use crate::inventory::Problem;
use crate::plan::HostPlan;
use crate::plan::dependency::Withheld;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    hosts: Vec<Host<'a>>,
    summary: Totals,
    /// What `apply` does not do, since it depends on other hosts.
    withheld: &'a [Withheld],
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

/// Writes `{"format": 1, "hosts": [...], "summary": {...}, "withheld": [...], "warnings": [...]}`.
pub fn json(
    writer: &mut dyn Write,
    plans: &[HostPlan],
    withheld: &[Withheld],
    warnings: &[Problem],
) -> io::Result<()> {
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
        withheld,
        warnings,
    };
    crate::report::document(writer, &document)
}
