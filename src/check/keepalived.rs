//! keepalived on a director: its file is valid, and no instance is in FAULT.

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{Cause, HostAudit};
use crate::fact::{Needs, keepalived};
use crate::keepalived::CONFIGURATION;
use crate::model::{Cluster, Host, VrrpInstance, Watch};
use crate::resource::Change;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager::{self, ServiceManager};
use crate::vrrp_state::why_in_fault;

pub(super) static KEEPALIVED_CONFIG: Check = Check {
    id: "keepalived-config",
    summary: "keepalived accepts its configuration file (`keepalived -t`).",
    reason: "keepalived ignores lines with errors, or refuses to start.",
    source: "keepalived(8) `-t`, keepalived.conf(5)",
    fix: "`lvsctl apply`; where the file is as lvsctl writes it, repair what the lines name",
    needs: test_needs,
    judge: Judge::Director(configuration),
};

pub(super) static VRRP_STATE: Check = Check {
    id: "vrrp-state",
    summary: "No VRRP instance is in FAULT.",
    reason: "A director in FAULT does not take over. This shows only when the director that serves fails: then the VIPs are on no director.",
    source: "keepalived.conf(5) `track_interface`, `track_script`",
    fix: "repair the interface or program that the instance tracks",
    needs: state_needs,
    judge: Judge::Director(states),
};

pub(super) static VRRP_TRACKED: Check = Check {
    id: "vrrp-tracked",
    summary: "Each program that a VRRP instance tracks with a weight succeeds.",
    reason: "A program that fails lowers the priority: another director serves than the inventory says, or this one does not take over.",
    source: "keepalived.conf(5) `vrrp_script`, `weight`",
    fix: "repair what the program tests",
    needs: state_needs,
    judge: Judge::Director(trackers),
};

fn test_needs(_: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() {
        needs.keepalived.get_or_insert_default().test = true;
    }
}

fn state_needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() {
        needs.keepalived.get_or_insert_default().states |= cluster.keepalived;
    }
}

/// An instance in FAULT takes no part, though keepalived runs and another director serves.
fn states(audit: &HostAudit, findings: &mut Findings) {
    for instance in &audit.cluster.vrrp {
        let state = audit.facts().keepalived.state(&instance.name);
        let down = down(audit, instance);
        // The log may have been deleted; then an interface that is down shows a FAULT.
        if state.is_none() && down.is_none() {
            continue;
        }
        let fault = (state == Some(keepalived::State::Fault) || down.is_some()).then(|| {
            let why = why_in_fault(audit.cluster, audit.host, instance, audit.addresses());
            let fix = match down {
                Some(interface) => format!("`ip link set {interface} up`"),
                None => format!(
                    "repair what it tracks; {} says what failed",
                    service_manager::where_it_logs(KEEPALIVED)
                ),
            };
            Mismatch::new(
                format!("{} to be master or backup", instance.name),
                format!("FAULT: {why}; it does not take over"),
                fix,
            )
        });
        let read = format!("{state:?}");
        findings.judge_read(
            audit.name(),
            &VRRP_STATE,
            instance.name.clone(),
            read,
            fault,
        );
    }
}

/// The interface of an instance, where it is down while keepalived runs.
fn down<'a>(audit: &HostAudit<'a>, instance: &'a VrrpInstance) -> Option<&'a str> {
    let me = instance.member(audit.host)?;
    let runs = audit.facts().unit.is_active(KEEPALIVED);
    let is_down = audit.addresses().is_up(&me.interface) == Some(false);
    (runs && is_down).then_some(me.interface.as_str())
}

/// Each program that an instance tracks must succeed: the failure of one with a weight changes the priority, and so the
/// master.
fn trackers(audit: &HostAudit, findings: &mut Findings) {
    let facts = &audit.facts().keepalived;
    for instance in &audit.cluster.vrrp {
        for tracker in &instance.track_scripts {
            let name = format!("{}-{}", instance.name, tracker.name);
            let Some(said) = facts.log.trackers.get(&name) else {
                continue;
            };
            // In FAULT that is reported already.
            if facts.state(&instance.name) == Some(keepalived::State::Fault) {
                continue;
            }
            let fault = said.as_ref().map(|said| {
                let now = facts.log.priorities.get(&instance.name);
                let now = now.map_or_else(String::new, |priority| {
                    format!("; the priority of {} is {priority}", instance.name)
                });
                let fix = match &tracker.watch {
                    Watch::Unit { unit, .. } => format!("`systemctl restart {unit}`"),
                    Watch::Script(path) => format!(
                        "run `{path}` on {}, and repair what it reports",
                        audit.name()
                    ),
                };
                Mismatch::new(
                    format!("the program that {} tracks to succeed", instance.name),
                    format!("{said}{now}"),
                    fix,
                )
                .warning()
            });
            findings.judge(audit.name(), &VRRP_TRACKED, name, fault);
        }
    }
}

/// The fix for an invalid configuration. If the file is the one that lvsctl renders, the fault is in an object that it names.
fn configuration_fix(audit: &HostAudit) -> String {
    let ours = |change: &Change| change.kind == "file" && change.key == CONFIGURATION;
    if audit.plan().changes.iter().any(ours) {
        return "`lvsctl apply` writes the configuration anew; keepalived.conf(5) explains the lines".to_owned();
    }
    let reload = ServiceManager::of(&audit.facts().system).reload(KEEPALIVED);
    format!(
        "repair what the lines name (keepalived.conf(5)): the file is as lvsctl writes it; then `{reload}`"
    )
}

fn configuration(audit: &HostAudit, findings: &mut Findings) {
    if !audit.cluster.keepalived {
        return;
    }
    let Some(test) = &audit.facts().keepalived.test else {
        // Without the program or its file there is drift.
        return;
    };
    let fault = (test.status != 0).then(|| {
        let lines = if test.lines.is_empty() {
            "it said nothing".to_owned()
        } else {
            test.lines.join(" / ")
        };
        Mismatch::new(
            "status 0 of `keepalived -t`",
            format!("status {}: {lines}", test.status),
            configuration_fix(audit),
        )
        .because(Some(Cause::KeepalivedConfig))
    });
    let read = "status 0 of `keepalived -t`";
    findings.judge_read(
        audit.name(),
        &KEEPALIVED_CONFIG,
        "keepalived.conf",
        read,
        fault,
    );
}
