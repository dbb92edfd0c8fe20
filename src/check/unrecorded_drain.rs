//! Real servers that get no new connections although no record and no inventory says so.

use super::HostAudit;
use super::definition::{Check, Judge, nothing};
use super::findings::{Findings, Mismatch};
use crate::resource::Resource;

pub(super) static UNRECORDED_DRAIN: Check = Check {
    id: "unrecorded-drain",
    summary: "No real server that passes its health check has weight 0 in the IPVS table, unless the inventory or `lvsctl drain` set it.",
    reason: "Such a real server gets no new connections, and neither its health check nor `lvsctl apply` changes this: lvsctl assumes that an administrator set the weight. Nothing shows who did it, or why.",
    source: "ipvsadm(8) `--weight`",
    fix: "`lvsctl start --limit HOST` restores the weight; if the drain is intended, `lvsctl drain HOST` records it",
    needs: nothing,
    judge: Judge::Director(judge),
};

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let table = &audit.facts().ipvs.table;
    if table.hidden {
        return;
    }
    for resource in &audit.run.desired {
        let Resource::Ipvs(desired) = resource else {
            continue;
        };
        let Some(served) = desired.served(table) else {
            continue;
        };
        for rs in desired.real_servers.iter().filter(|rs| rs.weight != 0) {
            let Some(found) = served.real_servers.get(&rs.address) else {
                continue;
            };
            let what = format!(
                "real server {} of {}",
                rs.address, desired.service.r#virtual
            );
            let mut hosts = audit.cluster.hosts.iter();
            let host = hosts.find(|host| host.holds(rs.address.ip()));
            let mismatch = desired.is_drained_by_hand(table, rs).then(|| {
                let name = host.map_or_else(|| rs.address.ip().to_string(), |host| host.name.clone());
                let mismatch = Mismatch::new(
                    format!("weight {}, or a recorded drain", rs.weight),
                    "weight 0: no new connections",
                    format!(
                        "`lvsctl start --limit {name}` restores the weight; if the drain is intended, `lvsctl drain {name}` records it"
                    ),
                )
                .warning();
                match host {
                    Some(host) => mismatch.points_at(&host.name),
                    None => mismatch,
                }
            });
            let read = format!("weight {}", found.weight);
            findings.judge_read(audit.name(), &UNRECORDED_DRAIN, what, read, mismatch);
        }
    }
}
