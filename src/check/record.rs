//! The manifests of hosts: lvsctl's record of its resources.

use super::ClusterAudit;
use super::definition::{Check, Judge, nothing};
use super::findings::{Findings, Mismatch};
use crate::host_paths;

pub(super) static MANIFEST_MISSING: Check = Check {
    id: "manifest-missing",
    summary: "If some hosts of the cluster have a manifest, all hosts with resources of lvsctl have one.",
    reason: "Without its manifest, lvsctl removes nothing from a host, and `destroy` cannot restore the state before its first change.",
    source: "the manifest of a host, /var/lib/lvsctl/CLUSTER.json",
    fix: "`lvsctl apply` records the resources that are in the desired state as adopted",
    needs: nothing,
    judge: Judge::Cluster(judge),
};

fn judge(audit: &ClusterAudit, findings: &mut Findings) {
    let recorded = |host: &super::HostAudit| !host.run.answer.manifest.entries.is_empty();
    // An audit of a cluster that lvsctl has never changed.
    if !audit.hosts.iter().any(recorded) {
        return;
    }
    for host in audit
        .hosts
        .iter()
        .filter(|host| !host.run.desired.is_empty())
    {
        // A host that differs was perhaps never changed: that is drift.
        let is_new = !host.plan().changes.is_empty();
        if is_new && !recorded(host) {
            continue;
        }
        let path = host_paths::manifest(&audit.cluster.name);
        let mismatch = (!recorded(host)).then(|| {
            Mismatch::new(format!("the manifest {path}"), "none", "`lvsctl apply`").warning()
        });
        let read = format!("{} resources", host.run.answer.manifest.entries.len());
        findings.judge_read(host.name(), &MANIFEST_MISSING, path, read, mismatch);
    }
}
