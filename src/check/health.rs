//! Notes on resources that are in the desired state but drained, unhealthy or stopped.

use super::definition::{Check, Judge, nothing};
use super::findings::Findings;
use super::{About, HostAudit};
use crate::plan;
use crate::resource::Resource;
use crate::resource::ipvs::Remark;
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

/// The remarks on a director's virtual services.
fn remarks(audit: &HostAudit) -> Vec<Remark> {
    let resources = audit.run.desired.iter();
    let tables = resources.filter_map(|resource| match resource {
        Resource::Ipvs(desired) => Some(desired),
        _ => None,
    });
    let facts = audit.facts();
    tables.flat_map(|desired| desired.remarks(facts)).collect()
}

/// The real server that a remark is about.
fn about(audit: &HostAudit, remark: Option<&Remark>) -> About {
    let address = remark.and_then(|remark| remark.real_server);
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
    let remarks = remarks(audit);
    for note in audit.plan().notes.iter().filter(|note| **note != stopped) {
        let remark = remarks.iter().find(|remark| remark.text == *note);
        // A finding of `unrecorded-drain`.
        if remark.is_some_and(|remark| remark.drained_by_hand) {
            continue;
        }
        let about = about(audit, remark);
        findings.note_about(audit.name(), &HEALTH, note.clone(), about);
    }
    for note in leftovers::notes(audit.cluster, &audit.run.answer.manifest) {
        findings.note(audit.name(), &HEALTH, note);
    }
}
