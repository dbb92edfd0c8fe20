//! Notes on parts of a cluster that are right but drained, unhealthy or stopped.

use super::HostAudit;
use super::definition::{Check, Judge, nothing};
use super::findings::Findings;
use crate::plan;
use crate::run::leftovers;

pub(super) static HEALTH: Check = Check {
    id: "health",
    summary: "Drained, unhealthy or stopped parts of the cluster (notes).",
    reason: "A service can pass its checks although fewer real servers serve it than the inventory configures.",
    source: "`lvsctl status`",
    fix: "the command that the note names, unless the state is intended",
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
