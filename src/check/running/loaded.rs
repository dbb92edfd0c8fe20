//! Whether keepalived has read its configuration since it was last changed. A file that is newer by its modification time is
//! drift, which `lvsctl apply` corrects; this reads the change time (ctime), which no program can set back.

use crate::check::definition::{Check, Judge};
use crate::check::findings::{Findings, Mismatch};
use crate::check::{Cause, HostAudit};
use crate::fact::Needs;
use crate::keepalived::CONFIGURATION;
use crate::model::{Cluster, Host};
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager::ServiceManager;

pub(in crate::check) static KEEPALIVED_LOADED: Check = Check {
    id: "keepalived-loaded",
    summary: "keepalived has read its configuration file after the last change of it.",
    reason: "A file that was changed, read and put back looks right, while keepalived goes on with another priority, other VIPs or other real servers.",
    source: "inode(7) `ctime`; keepalived(8), signal HUP",
    fix: "`systemctl reload keepalived`",
    needs,
    judge: Judge::Director(judge),
};

/// How much later than the reload a file may be changed, in seconds: clocks of the two are read one after the other.
const SLACK: f64 = 0.5;

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() && cluster.keepalived {
        needs.clock.get_or_insert_default();
        needs
            .unit
            .get_or_insert_default()
            .insert(KEEPALIVED.to_owned());
        needs
            .file
            .get_or_insert_default()
            .insert(CONFIGURATION.to_owned());
        needs.keepalived.get_or_insert_default().states = true;
    }
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let Some(times) = Times::of(audit) else {
        return;
    };
    // A newer file is drift.
    if times.modified > times.read {
        return;
    }
    let mismatch = times.late().map(|seconds| {
        let reload = ServiceManager::of(&audit.facts().system).reload(KEEPALIVED);
        Mismatch::new(
            format!("{CONFIGURATION} unchanged since keepalived read it"),
            format!(
                "changed {seconds:.0} s after that, though its modification time is older: keepalived may run with other text than the file has"
            ),
            format!("`{reload}`"),
        )
        .because(Some(Cause::Unit(KEEPALIVED.to_owned())))
    });
    let read = "keepalived read it after its last change";
    findings.judge_read(
        audit.name(),
        &KEEPALIVED_LOADED,
        CONFIGURATION,
        read,
        mismatch,
    );
}

/// Whether a director's keepalived may run with other text than its file has.
pub(in crate::check) fn is_stale(audit: &HostAudit) -> bool {
    Times::of(audit).is_some_and(|times| times.modified > times.read || times.late().is_some())
}

/// Moments in seconds since the epoch.
struct Times {
    /// When keepalived read its file.
    read: f64,
    modified: f64,
    changed: f64,
}

impl Times {
    fn of(audit: &HostAudit) -> Option<Self> {
        let facts = audit.facts();
        let file = facts
            .file
            .get(CONFIGURATION)
            .filter(|_| audit.cluster.keepalived)?;
        facts.clock.now()?;
        let unit = facts
            .unit
            .units
            .get(KEEPALIVED)
            .filter(|unit| unit.active)?;
        let read = unit.changed.seconds(&facts.clock);
        // A signal sent by hand is a reload that the service manager does not know of.
        let reloaded = facts.keepalived.log.reloaded.unwrap_or(0.0);
        Some(Self {
            read: read.max(reloaded),
            modified: file.modified,
            changed: file.changed?,
        })
    }

    /// How many seconds after it was read the file was changed.
    fn late(&self) -> Option<f64> {
        let late = self.changed - self.read;
        (late > SLACK).then_some(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_keepalived_has_not_read() {
        for (about, read, changed, late) in [
            ("written before the start", 100.0, 90.0, None),
            ("in the same moment", 100.0, 100.3, None),
            (
                "put back after a reload, with its old time",
                100.0,
                130.0,
                Some(30.0),
            ),
        ] {
            let times = Times {
                read,
                modified: 50.0,
                changed,
            };
            assert_eq!(times.late(), late, "{about}");
        }
    }
}
