//! Large receive offload of directors.

use super::HostAudit;
use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

pub(super) static LRO: Check = Check {
    id: "lro",
    summary: "Large receive offload is off on a director's interfaces.",
    reason: "Packets that the NIC joined are longer than the path to the real servers takes: the director drops them, and transfers stall.",
    source: "ethtool(8) `-K`; Linux networking/netdevices: LRO is not for hosts that forward",
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
            findings.note(audit.name(), &LRO, format!("large receive offload of {interface} was not looked at: neither ethtool nor perl could tell"));
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
        findings.judge(audit.name(), &LRO, interface.clone(), fault);
    }
}
