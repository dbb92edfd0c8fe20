//! Clocks of hosts agree, so that logs of two hosts can be read side by side.

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{ClusterAudit, HostAudit};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

pub(super) static CLOCKS: Check = Check {
    id: "clocks",
    summary: "Clocks of hosts agree within 2 seconds.",
    reason: "If clocks differ, the logs of two hosts cannot be compared, and certificates and tickets expire too early or too late.",
    source: "systemd-timesyncd(8)",
    fix: "run an NTP client on every host",
    needs,
    judge: Judge::Cluster(clocks),
};

/// Seconds by which clocks may differ.
const APART: f64 = 2.0;

fn needs(_: &Cluster, _: &Host, needs: &mut Needs) {
    needs.clock.get_or_insert_default();
}

/// Each host's clock is read at another moment; the span of all probes is the doubt.
fn clocks(audit: &ClusterAudit, findings: &mut Findings) {
    let audit = audit.hosts;
    let offset = |s: &HostAudit| {
        let now = s.facts().clock.now()?;
        Some((s.name().to_owned(), now - s.run.answered_at))
    };
    let offsets: Vec<(String, f64)> = audit.iter().filter_map(offset).collect();
    // The clock in the middle stands for the right time: one that is off is named, whichever it is.
    let mut sorted: Vec<f64> = offsets.iter().map(|(_, offset)| *offset).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(middle) = sorted.get(sorted.len() / 2).copied() else {
        return;
    };
    let doubt = audit
        .iter()
        .map(|s| s.run.probe_seconds)
        .fold(0.0, f64::max);
    for (host, offset) in &offsets {
        let apart = offset - middle;
        let mismatch = (apart.abs() > APART + doubt).then(|| {
            Mismatch::new(
                format!("within {APART} s of the other hosts'"),
                format!("{apart:+.1} s"),
                CLOCKS.fix,
            )
        });
        findings.judge(host, &CLOCKS, "clock", mismatch);
    }
}
