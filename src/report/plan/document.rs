//! Plans as one JSON document. Fields are only ever added; one that changes its meaning changes `format`.

use std::io::{self, Write};

use serde::Serialize;

use super::Totals;
use crate::inventory::Problem;
use crate::plan::HostPlan;
use crate::plan::dependency::Withheld;
use crate::plan::serial::Batch;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    hosts: Vec<Host<'a>>,
    summary: Totals,
    /// What `apply` does not do, since it depends on other hosts.
    withheld: &'a [Withheld],
    /// What the inventory says, but probably does not mean.
    warnings: &'a [Problem],
    /// Of `--serial`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    batches: &'a [Batch],
}

#[derive(Serialize)]
struct Host<'a> {
    #[serde(flatten)]
    plan: &'a HostPlan,
    /// The titles of the steps, in their order.
    steps: Vec<&'a str>,
}

/// Writes `{"format": 1, "hosts": [...], "summary": {...}, "withheld": [...], "warnings": [...]}`, and `"batches": [...]` if
/// there are some.
pub fn json(
    writer: &mut dyn Write,
    plans: &[HostPlan],
    withheld: &[Withheld],
    warnings: &[Problem],
    batches: &[Batch],
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
        batches,
    };
    crate::report::document(writer, &document)
}
