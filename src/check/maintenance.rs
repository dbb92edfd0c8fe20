//! Recorded drains: notes, and findings if their time is over. The caller gives the current time.

use super::definition::{Check, Judge, nothing};
use super::findings::{Findings, Mismatch};
use crate::model::{Cluster, Drain};
use crate::plan::maintenance::{note, words};
use crate::unix_time::to_the_minute;

pub(super) static MAINTENANCE: Check = Check {
    id: "maintenance",
    summary: "No drain lasts longer than it was meant to; other drains are notes.",
    reason: "`lvsctl drain --until` states when a host is expected back. A drain that is forgotten leaves a service with fewer \
             real servers, or a VIP without a second director.",
    source: "the record of drains on the directors",
    fix: "`lvsctl undrain HOST`, or `lvsctl drain HOST --until DURATION` once more if the work is not done",
    needs: nothing,
    judge: Judge::By("the command `verify`"),
};

/// Judges the drains of a cluster at a time in seconds since the epoch.
pub fn drains(cluster: &Cluster, now: u64, findings: &mut Findings) {
    if !findings.selection.runs(&MAINTENANCE) {
        return;
    }
    let (over, holding): (Vec<&Drain>, Vec<&Drain>) =
        cluster.drains().partition(|drain| drain.has_passed(now));
    if over.is_empty() {
        let read = format!("{} drains, none past its time", holding.len());
        findings.pass_of("", &MAINTENANCE, "drains", read);
    }
    for drain in over {
        let until = drain.until.map(to_the_minute).unwrap_or_default();
        let mismatch = Mismatch::new(
            format!("back in service since {until}"),
            words(drain),
            format!("`{}`", drain.end()),
        );
        let what = match &drain.service {
            Some(service) => format!("the drain in {service}"),
            None => "its drain".to_owned(),
        };
        findings.fail(&drain.host, &MAINTENANCE, what, mismatch.warning());
    }
    for drain in holding {
        let known = cluster.hosts.iter().any(|host| host.name == drain.host);
        let host = if known { drain.host.as_str() } else { "" };
        findings.note(host, &MAINTENANCE, note(drain));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::State;
    use crate::inventory::{self, BUILT_IN_ROLES};
    use crate::model::Maintenance;

    #[test]
    fn a_drain_past_its_time_is_a_warning() {
        const TEXT: &str = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                            rs1: { role: realserver, address: 10.0.0.3 }\nservices: { web: { vip: 10.0.0.9, port: 80 } }\n";
        let inventory =
            inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
        for (about, host, until, expected) in [
            (
                "no time was stated",
                "rs1",
                None,
                vec![("rs1", State::Note)],
            ),
            (
                "its last second",
                "rs1",
                Some(1000),
                vec![("rs1", State::Note)],
            ),
            (
                "a second later",
                "rs1",
                Some(999),
                vec![("rs1", State::Warning)],
            ),
            (
                "a host that left the inventory",
                "rs9",
                None,
                vec![("", State::Note)],
            ),
            (
                "the same, past its time",
                "rs9",
                Some(999),
                vec![("rs9", State::Warning)],
            ),
        ] {
            let drain = Drain {
                host: host.to_owned(),
                service: None,
                by: "ann@desk".to_owned(),
                since: 100,
                until,
                reason: Some("a new disk".to_owned()),
            };
            let cluster = Maintenance::default().with(drain).over(&inventory.cluster);
            let mut findings = Findings::default();
            drains(&cluster, 1000, &mut findings);
            let all: Vec<(&str, State)> = findings
                .all
                .iter()
                .map(|finding| (finding.host.as_str(), finding.state))
                .collect();
            assert_eq!(all, expected, "{about}");
            let fix = "lvsctl undrain";
            let shown = format!("{:?}", findings.all);
            assert!(
                shown.contains(fix) && shown.contains("a new disk"),
                "{about}: {shown}"
            );
        }
        let mut findings = Findings::default();
        drains(&inventory.cluster, 1000, &mut findings);
        assert!(findings.all.is_empty(), "{:?}", findings.all);
    }
}
