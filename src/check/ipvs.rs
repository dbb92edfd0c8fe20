//! The IPVS table of directors: who writes it, what else it holds, its timeouts and its sync daemons.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::vip::holds;
use super::{ClusterAudit, HostAudit, list};
use crate::fact::Needs;
use crate::fact::ipvs::Served;
use crate::model::{Cluster, Host};
use crate::resource::ipvs::{KEEPALIVED, Virtual};
use crate::resource::service_manager::{self, ServiceManager};
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
    summary: "Services in the IPVS table that are not of this cluster (a note).",
    reason: "They may belong to a different cluster on the same directors, or be remains of an earlier configuration.",
    source: "ipvsadm(8)",
    fix: "`ipvsadm -D` for a service that is not needed",
    needs: table_needs,
    judge: Judge::Director(strangers),
};

pub(super) static IPVS_TIMEOUTS: Check = Check {
    id: "ipvs-timeouts",
    summary: "The timeouts of IPVS are the same on all directors.",
    reason: "After a failover the new master keeps idle connections for a different duration, and they may break earlier than before.",
    source: "ipvsadm(8) `--set`",
    fix: "`ipvsadm --set TCP TCPFIN UDP` on each director; a reboot resets it, so run it at boot too",
    needs: table_needs,
    judge: Judge::Cluster(timeouts),
};

pub(super) static SYNC_DAEMON: Check = Check {
    id: "sync-daemon",
    summary: "With `sync_daemon` the sync daemons of IPVS run on all directors of the instance, each in its role; without it they run on all directors or on none.",
    reason: "If a sync daemon does not run, the new master has no entries for existing connections after a failover, and they break.",
    source: "ipvsadm(8) `--start-daemon`; keepalived.conf(5) `lvs_sync_daemon`",
    fix: "`lvsctl apply` if the inventory has `sync_daemon`; otherwise `ipvsadm --start-daemon master` or `backup` where it is missing",
    needs: table_needs,
    judge: Judge::Cluster(sync_daemons),
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

fn table_needs(_: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() {
        needs.ipvs.get_or_insert_default().audit = true;
    }
}

/// What else would write the IPVS table. Debian's ipvsadm.service comes with the package, enabled on Debian 13, and does
/// nothing unless /etc/default/ipvsadm has AUTO="true"; elsewhere one that is enabled restores a table at boot.
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
                    "set AUTO=\"false\" in /etc/default/ipvsadm".to_owned()
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
        findings.judge(audit.name(), &IPVS_OWNER, unit, fault);
    }
}

/// The services in the table: those of this cluster, and the others.
pub(super) fn by_owner<'a>(audit: &'a HostAudit) -> (Vec<&'a Served>, Vec<&'a Served>) {
    let wanted = view::ipvs(audit.cluster);
    let ours: BTreeSet<Virtual> = wanted.iter().map(|ipvs| ipvs.service.r#virtual).collect();
    let all = audit.facts().ipvs.table.services.iter();
    all.partition(|served| ours.contains(&served.definition.r#virtual))
}

/// Services in the table that are not of this cluster are noted, and left alone.
fn strangers(audit: &HostAudit, findings: &mut Findings) {
    let (_, others) = by_owner(audit);
    for served in others {
        let key = served.definition.r#virtual;
        findings.note(
            audit.name(),
            &IPVS_FOREIGN,
            format!("the IPVS table also has the service {key}, which is not of this cluster"),
        );
    }
}

/// Directors that take over from each other keep connections alive equally long.
fn timeouts(audit: &ClusterAudit, findings: &mut Findings) {
    let values: Vec<(&str, String)> = audit
        .hosts
        .iter()
        .filter_map(|s| {
            let [tcp, fin, udp] = s.facts().ipvs.timeouts?;
            Some((s.name(), format!("{tcp} {fin} {udp}")))
        })
        .collect();
    if values.len() < 2 {
        return;
    }
    let different: BTreeSet<&String> = values.iter().map(|(_, v)| v).collect();
    let fault = (different.len() > 1).then(|| {
        Mismatch::new(
            "the same timeouts (tcp, tcpfin, udp) on all directors",
            list(&values),
            "`ipvsadm --set TCP TCPFIN UDP` on each",
        )
        .warning()
    });
    findings.judge("", &IPVS_TIMEOUTS, "tcp tcpfin udp", fault);
}

/// keepalived runs one sync daemon, for the instance with `lvs_sync_daemon`: whoever serves that instance sends, the
/// others receive. One that was started by hand is judged by all VIPs.
fn sync_daemons(audit: &ClusterAudit, findings: &mut Findings) {
    let (cluster, audit) = (audit.cluster, audit.hosts);
    let instance = cluster.vrrp.iter().find(|instance| instance.sync_daemon);
    let directors = audit.iter().filter(|s| s.host.is_director());
    if let Some(instance) = instance {
        let vips: BTreeSet<IpAddr> = instance.vips.iter().map(|vip| vip.address).collect();
        let member = |s: &&HostAudit| instance.member(s.host).is_some();
        for director in directors.filter(member) {
            let serves = vips.iter().any(|vip| holds(director, *vip));
            let fix = format!(
                "`lvsctl apply` writes `lvs_sync_daemon` for {} into keepalived.conf; for why it did not start see {}",
                instance.name,
                service_manager::where_it_logs(KEEPALIVED)
            );
            sync_daemon(
                director,
                if serves { "master" } else { "backup" },
                fix,
                findings,
            );
        }
        return;
    }
    if !directors
        .clone()
        .any(|s| !s.facts().ipvs.sync_daemons.is_empty())
    {
        return;
    }
    let vips = cluster.all_vips();
    for director in directors {
        let held = vips.iter().filter(|vip| holds(director, **vip)).count();
        let role = match held {
            0 => "backup",
            n if n == vips.len() => "master",
            // Each sends its own connections.
            _ => "",
        };
        let started = format!(
            "`ipvsadm --start-daemon {}`",
            if role.is_empty() { "master" } else { role }
        );
        let fix = format!("{started}, or `sync_daemon: true` in the inventory");
        sync_daemon(director, role, fix, findings);
    }
}

/// Without a role, either is right.
fn sync_daemon(director: &HostAudit, role: &'static str, fix: String, findings: &mut Findings) {
    let daemons = &director.facts().ipvs.sync_daemons;
    let right = daemons.iter().any(|line| line.starts_with(role));
    let role = if role.is_empty() {
        "master or backup"
    } else {
        role
    };
    let fault = (!right).then(|| {
        let found = if daemons.is_empty() {
            "none".to_owned()
        } else {
            daemons.join("; ")
        };
        Mismatch::new(format!("a {role} sync daemon"), found, fix)
    });
    findings.judge(director.name(), &SYNC_DAEMON, role, fault);
}
