//! Notes on resources that are in the desired state but drained, unhealthy or stopped.

use super::definition::{Check, Judge, nothing};
use super::findings::Findings;
use super::{About, HostAudit};
use crate::plan;
use crate::resource::Resource;
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

/// The real server that a note is about.
fn about(audit: &HostAudit, note: &str) -> About {
    let tables = audit
        .run
        .desired
        .iter()
        .filter_map(|resource| match resource {
            Resource::Ipvs(desired) => Some(desired),
            _ => None,
        });
    let mut notes = tables.flat_map(|desired| desired.noted(audit.facts()));
    let address = notes
        .find(|(_, text)| text == note)
        .and_then(|(address, _)| address);
    let mut hosts = audit.cluster.hosts.iter();
    let host = address.and_then(|at| hosts.find(|host| host.holds(at.ip())));
    About {
        hosts: host.map(|host| host.name.clone()).into_iter().collect(),
        ..About::default()
    }
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    // That its part is stopped is a finding of `drift`.
    let stopped = plan::stopped_note(audit.name());
    for note in audit.plan().notes.iter().filter(|note| **note != stopped) {
        let about = about(audit, note);
        findings.note_about(audit.name(), &HEALTH, note.clone(), about);
    }
    for note in leftovers::notes(audit.cluster, &audit.run.answer.manifest) {
        findings.note(audit.name(), &HEALTH, note);
    }
}
