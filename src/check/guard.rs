//! Guards that runs left on hosts: an armed guard will restore the host's old state, a fired one has restored it. Arming and
//! disarming belong in [`crate::run::guard`].

use super::HostAudit;
use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use crate::fact::Needs;
use crate::host_paths::GUARDS;
use crate::model::{Cluster, Host};
use crate::probe::Earlier;

pub(super) static GUARD: Check = Check {
    id: "guard",
    summary: "No guard of a change is armed on a host, and none has fired.",
    reason: "A guard restores the state before a run if no new connection confirms the change. While it is armed, the state \
             of the host is not final; after it has fired, the host lacks the changes of the run.",
    source: "guarded changes and `apply --confirm`: docs/operations.md; the files `armed` and `fired` in \
             /var/lib/lvsctl/guard/CLUSTER on the host",
    fix: "armed: wait for the run that armed it, or `lvsctl apply`, which disarms it if it ends well; fired: find out what cut \
          the host off, correct the inventory, then `lvsctl apply`",
    needs,
    judge: Judge::Host(judge),
};

/// Seconds that a guard's timer may be late, since it polls.
const LATE: u64 = 600;

fn needs(_: &Cluster, _: &Host, needs: &mut Needs) {
    needs.clock.get_or_insert_default();
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let now = audit.facts().clock.now().map(|now| now as u64);
    let guard = audit.run.answer.guard.as_ref();
    let mismatch = guard.map(|guard| mismatch(guard, &audit.cluster.name, now));
    let read = format!("no guard in {GUARDS}/{}", audit.cluster.name);
    findings.judge_read(audit.name(), &GUARD, "its guard", read, mismatch);
}

/// `now`: by the host's clock, where it says.
fn mismatch(guard: &Earlier, cluster: &str, now: Option<u64>) -> Mismatch {
    let overdue = match guard {
        Earlier::Armed { until, .. } => now.is_some_and(|now| now > until + LATE),
        _ => false,
    };
    let mut found = guard.words();
    let fix = match guard {
        Earlier::Armed { .. } if overdue => {
            found.push_str(", and has not fired: its timer does not run");
            "`lvsctl apply`, which disarms it if it ends well".to_owned()
        }
        Earlier::Armed { .. } => format!(
            "wait for that run, or `lvsctl apply`, which disarms it if it ends well; `sh {GUARDS}/{cluster}/run disarm` on \
             the host keeps what the host has now"
        ),
        Earlier::Firing => {
            "wait for its end, find out what cut the host off, correct the inventory, then `lvsctl apply`".to_owned()
        }
        Earlier::Fired { well, .. } => {
            let log = if *well {
                String::new()
            } else {
                format!("see {GUARDS}/{cluster}/log on the host for what could not be put back; ")
            };
            format!("{log}find out what cut the host off, correct the inventory, then `lvsctl apply`")
        }
    };
    let mismatch = Mismatch::new("none armed, none fired", found, fix);
    match guard {
        Earlier::Armed { .. } if !overdue => mismatch.warning(),
        _ => mismatch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity;

    #[test]
    fn an_armed_guard_is_a_warning_and_a_fired_one_an_error() {
        const AT: u64 = 1_795_892_012;
        let armed = || Earlier::Armed {
            until: AT,
            who: "ann@desk process 7".to_owned(),
        };
        let fired = |well| Earlier::Fired { at: AT, well };
        for (what, guard, now, severity, found, fix) in [
            (
                "armed",
                armed(),
                Some(AT - 60),
                Severity::Warning,
                "armed by ann@desk process 7 until 2026-11-28 18:53:32 UTC",
                "run disarm",
            ),
            (
                "armed, on a host without a clock",
                armed(),
                None,
                Severity::Warning,
                "armed by ann@desk",
                "run disarm",
            ),
            (
                "a little late",
                armed(),
                Some(AT + LATE),
                Severity::Warning,
                "armed by ann@desk",
                "run disarm",
            ),
            (
                "its timer is gone",
                armed(),
                Some(AT + LATE + 1),
                Severity::Error,
                "its timer does not run",
                "`lvsctl apply`",
            ),
            (
                "firing",
                Earlier::Firing,
                Some(AT),
                Severity::Error,
                "restores its old state now",
                "wait for its end",
            ),
            (
                "fired",
                fired(true),
                Some(AT),
                Severity::Error,
                "fired at 2026-11-28 18:53:32 UTC",
                "find out what cut the host off",
            ),
            (
                "fired, and not all is back",
                fired(false),
                Some(AT),
                Severity::Error,
                "old state in part",
                "/var/lib/lvsctl/guard/t/log",
            ),
        ] {
            let mismatch = mismatch(&guard, "t", now);
            assert_eq!(mismatch.severity, severity, "{what}");
            assert!(mismatch.found.contains(found), "{what}: {mismatch:?}");
            assert!(mismatch.fix.contains(fix), "{what}: {mismatch:?}");
        }
    }
}
