//! keepalived on a director: its file is valid, and no instance is in FAULT.

use super::HostAudit;
use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use crate::fact::{Needs, keepalived};
use crate::model::{Cluster, Host};
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager;
use crate::vrrp_state::why_in_fault;

pub(super) static KEEPALIVED_CONFIG: Check = Check {
    id: "keepalived-config",
    summary: "keepalived accepts its configuration file (`keepalived -t`).",
    reason: "keepalived ignores lines with errors, or refuses to start.",
    source: "keepalived(8) `-t`, keepalived.conf(5)",
    fix: "`lvsctl apply` writes the configuration again",
    needs: test_needs,
    judge: Judge::Director(configuration),
};

pub(super) static VRRP_STATE: Check = Check {
    id: "vrrp-state",
    summary: "No VRRP instance is in FAULT.",
    reason: "A director in FAULT does not take over. While another director serves, nobody notices; when that one fails, the VIPs are on no director.",
    source: "keepalived.conf(5) `track_interface`, `track_script`",
    fix: "repair the interface or program that the instance tracks",
    needs: state_needs,
    judge: Judge::Director(states),
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
        let Some(state) = audit.facts().keepalived.states.get(&instance.name) else {
            continue;
        };
        let fault = (*state == keepalived::State::Fault).then(|| {
            let why = why_in_fault(audit.cluster, audit.host, instance, audit.addresses());
            Mismatch::new(
                format!("{} to be master or backup", instance.name),
                format!("FAULT: {why}; it does not take over"),
                format!(
                    "repair what it tracks; {} says what failed",
                    service_manager::where_it_logs(KEEPALIVED)
                ),
            )
        });
        findings.judge(audit.name(), &VRRP_STATE, instance.name.clone(), fault);
    }
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
            "`lvsctl apply` writes the configuration anew; keepalived.conf(5) explains the lines",
        )
    });
    findings.judge(audit.name(), &KEEPALIVED_CONFIG, "keepalived.conf", fault);
}
