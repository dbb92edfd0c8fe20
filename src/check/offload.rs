//! Large receive offload of directors.

use super::HostAudit;
use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

pub(super) static LRO: Check = Check {
    id: "lro",
    summary: "Large receive offload is off on a director's interfaces.",
    reason: "The NIC merges packets into larger ones than the MTU to the real servers, and the director drops them: transfers stall. The kernel disables LRO when ip_forward is switched on, so a finding means that it was enabled later.",
    source: "ethtool(8) `-K`; `dev_disable_lro` in net/core/dev.c of the kernel",
    fix: "`ethtool -K INTERFACE lro off`, and the same at boot",
    needs,
    judge: Judge::Director(judge),
};

fn needs(_: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() {
        let interfaces = host.interfaces.iter().map(|nic| nic.name.clone());
        needs.offload.get_or_insert_default().extend(interfaces);
    }
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    for (interface, on) in &audit.facts().offload.lro {
        let Some(on) = on else {
            findings.unknown(
                audit.name(),
                &LRO,
                format!("large receive offload of {interface} was not looked at"),
                "neither ethtool nor perl could read it",
            );
            continue;
        };
        if *on && audit.facts().offload.fixed.contains(interface) {
            let why = "it is on, and the driver does not let it be switched off";
            findings.skip(audit.name(), &LRO, interface, why);
            continue;
        }
        let fault = on.then(|| {
            Mismatch::new(
                format!("large receive offload off on {interface}"),
                "on",
                format!("`ethtool -K {interface} lro off`, and the same at boot"),
            )
        });
        let read = "large-receive-offload: off";
        findings.judge_read(audit.name(), &LRO, interface.clone(), read, fault);
    }
}
