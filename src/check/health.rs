//! Notes on parts of a cluster that are right but drained, unhealthy or stopped.

use super::HostAudit;
use super::definition::{Check, Judge, nothing};
use super::findings::Findings;
use crate::plan;
use crate::run::leftovers;

pub(super) static HEALTH: Check = Check {
    id: "health",
    summary: "What is right but worth knowing: parts that are drained, unhealthy or stopped (notes).",
    reason: "A service that answers may do so with less than it has.",
    source: "`lvsctl status`",
    fix: "what the note says, where it is not meant",
    needs: nothing,
    judge: Judge::Host(judge),
};

fn judge(audit: &HostAudit, findings: &mut Findings) {
    // That its part is stopped is a finding of `drift`.
    let stopped = plan::stopped_note(audit.name());
    for note in audit.plan().notes.iter().filter(|note| **note != stopped) {
        findings.note(audit.name(), &HEALTH, note.clone());
    }
    for note in leftovers::notes(audit.cluster, &audit.run.answer.manifest) {
        findings.note(audit.name(), &HEALTH, note);
    }
}
