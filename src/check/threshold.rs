//! Connection thresholds of real servers in the IPVS table.

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{HostAudit, ipvs};
use crate::fact::Needs;
use crate::fact::ipvs::Threshold;
use crate::model::{Cluster, Host};
use crate::resource::ipvs::without_thresholds;

pub(super) static IPVS_THRESHOLD: Check = Check {
    id: "ipvs-threshold",
    summary: "No real server in the IPVS table has a connection threshold (upper or lower).",
    reason: "A real server at its upper threshold gets no new connections, and the service loses capacity without any health check failing. The inventory has no key for thresholds, so each one was set by another program or an administrator.",
    source: "ipvsadm(8) `--u-threshold`, `--l-threshold`",
    fix: "`ipvsadm -e -t VIP:PORT -r RIP:PORT -g|-m|-i -w WEIGHT -x 0 -y 0` with the real server's mode and weight; the finding has the whole command",
    needs,
    judge: Judge::Director(judge),
};

fn needs(_: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() {
        needs.ipvs.get_or_insert_default().audit = true;
    }
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let (ours, _) = ipvs::by_owner(audit);
    for served in ours {
        let to = served.definition.r#virtual;
        for (address, rs) in &served.real_servers {
            let what = format!("real server {address} of {to}");
            let Some(Threshold { upper, lower }) =
                audit.facts().ipvs.thresholds.get(&(to, *address))
            else {
                let why = "the list of thresholds does not have it: the IPVS table changed while it was read";
                findings.skip(audit.name(), &IPVS_THRESHOLD, &what, why);
                continue;
            };
            let mismatch = ((*upper, *lower) != (0, 0)).then(|| {
                Mismatch::new(
                    "no connection threshold",
                    format!("upper threshold {upper}, lower threshold {lower}"),
                    format!("`{}`", without_thresholds(to, rs)),
                )
            });
            findings.judge(audit.name(), &IPVS_THRESHOLD, what, mismatch);
        }
    }
}
