//! The IPVS table of directors: who writes it, and what else it holds.

use std::collections::BTreeSet;

use super::HostAudit;
use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use crate::fact::Needs;
use crate::fact::ipvs::Served;
use crate::model::{Cluster, Host, Virtual};
use crate::resource::Resource;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager::ServiceManager;
use crate::view;

pub(super) static IPVS_OWNER: Check = Check {
    id: "ipvs-owner",
    summary: "No other program writes the IPVS table.",
    reason: "Two programs that write the table overwrite each other's entries, at once or at the next boot.",
    source: "ipvsadm(8), keepalived(8), ldirectord(8)",
    fix: "disable the other unit, as the finding says",
    needs: owner_needs,
    judge: Judge::Director(owners),
};

pub(super) static IPVS_FOREIGN: Check = Check {
    id: "ipvs-foreign",
    summary: "The IPVS table has no service on a VIP that neither this cluster nor another one that lvsctl manages has; other foreign services are a note.",
    reason: "They may belong to a different cluster on the same directors, or be remains of an earlier configuration. A \
             virtual service on a VIP receives the packets that clients send there.",
    source: "ipvsadm(8)",
    fix: "`ipvsadm -D` for a service that is not needed",
    needs: table_needs,
    judge: Judge::Director(strangers),
};

/// Units that write the IPVS table.
const TABLE_WRITERS: [&str; 3] = ["ipvsadm.service", "ldirectord.service", KEEPALIVED];

fn owner_needs(_: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() {
        let units = needs.unit.get_or_insert_default();
        units.extend(TABLE_WRITERS.map(str::to_owned));
        needs.ipvs.get_or_insert_default().audit = true;
    }
}

pub(super) fn table_needs(_: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() {
        needs.ipvs.get_or_insert_default().audit = true;
    }
}

/// Other programs that write the IPVS table. Debian's ipvsadm.service is part of the package, enabled on Debian 13, and does
/// nothing unless /etc/default/ipvsadm has AUTO="true"; on other distributions an enabled one restores a table at boot.
fn owners(audit: &HostAudit, findings: &mut Findings) {
    let units = &audit.facts().unit.units;
    let auto = audit.facts().ipvs.restored_at_boot;
    for unit in TABLE_WRITERS {
        let Some(state) = units.get(unit) else {
            continue;
        };
        let rival = match unit {
            "ipvsadm.service" => auto.unwrap_or(state.enabled),
            KEEPALIVED => !audit.cluster.keepalived && (state.active || state.enabled),
            _ => state.active || state.enabled,
        };
        let fault = (state.loaded && rival).then(|| {
            let how = if state.active {
                "active"
            } else {
                "not active now, and set to start at boot"
            };
            let owner = if audit.cluster.keepalived {
                "keepalived"
            } else {
                "lvsctl's node script"
            };
            let manager = ServiceManager::of(&audit.facts().system);
            let fix = match unit {
                "ipvsadm.service" if auto == Some(true) => {
                    "`sed -i 's/^AUTO=.*/AUTO=\"false\"/' /etc/default/ipvsadm`".to_owned()
                }
                // Where it stops, it clears the table.
                "ipvsadm.service" => {
                    format!("`{}`, without stopping it", manager.never_start(unit))
                }
                _ => format!(
                    "`{}`, then `lvsctl apply`: it takes its services out of the table",
                    manager.end(unit)
                ),
            };
            Mismatch::new(
                format!("{owner} alone to write the IPVS table"),
                format!("{unit} too ({how})"),
                fix,
            )
        });
        let read = match state.loaded {
            false => "no such unit".to_owned(),
            true => format!("active: {}, enabled: {}", state.active, state.enabled),
        };
        findings.judge_read(audit.name(), &IPVS_OWNER, unit, read, fault);
    }
}

/// The services in the table: those of this cluster, and the others.
pub(super) fn by_owner<'a>(audit: &'a HostAudit) -> (Vec<&'a Served>, Vec<&'a Served>) {
    let desired = view::ipvs(audit.cluster);
    let ours: BTreeSet<Virtual> = desired.iter().map(|ipvs| ipvs.service.r#virtual).collect();
    let all = audit.facts().ipvs.table.services.iter();
    all.partition(|served| ours.contains(&served.definition.r#virtual))
}

/// Why the table is not known.
pub(super) const HIDDEN: &str = "the kernel has one, and ipvsadm is not there to read it";

/// Services in the table that are not of this cluster are not changed: a note, or a warning if they are on the cluster's
/// VIPs.
fn strangers(audit: &HostAudit, findings: &mut Findings) {
    if audit.facts().ipvs.table.hidden {
        return findings.unknown(audit.name(), &IPVS_FOREIGN, "the IPVS table", HIDDEN);
    }
    let (_, others) = by_owner(audit);
    let vips = audit.cluster.all_vips();
    let known = audit.run.answer.others.iter().flat_map(|m| &m.entries);
    let known: BTreeSet<Virtual> = known
        .filter_map(|entry| match &entry.resource {
            Resource::Ipvs(ipvs) => Some(ipvs.service.r#virtual),
            _ => None,
        })
        .collect();
    for served in others {
        let key = served.definition.r#virtual;
        let on = match key {
            Virtual::Tcp(at) | Virtual::Udp(at) => Some(at.ip()),
            Virtual::Fwmark { .. } => None,
        };
        if let Some(vip) = on.filter(|ip| vips.contains(ip) && !known.contains(&key)) {
            let fault = Mismatch::new(
                format!("services of the inventory alone on {vip}"),
                format!("the service {key} too"),
                format!("`ipvsadm -D {}`, or add it to the inventory", key.printed()),
            );
            let fault = fault.warning().of_vip(vip);
            findings.fail(audit.name(), &IPVS_FOREIGN, key.to_string(), fault);
            continue;
        }
        findings.note(
            audit.name(),
            &IPVS_FOREIGN,
            format!("the IPVS table also has the service {key}, which is not of this cluster"),
        );
    }
}
