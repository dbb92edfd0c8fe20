//! The sync daemons of IPVS, which copy connections from the director that serves to the others.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::ipvs::table_needs;
use super::vip::holds;
use super::{ClusterAudit, HostAudit};
use crate::keepalived::CONFIGURATION;
use crate::model::VrrpInstance;

pub(super) static SYNC_DAEMON: Check = Check {
    id: "sync-daemon",
    summary: "The sync daemons of IPVS run as the inventory says, on one interface and with one id; without `sync_daemon`, on all directors or on none.",
    reason: "Without them the new master has no entries for existing connections after a failover.",
    source: "ipvsadm(8) `--start-daemon`; keepalived.conf(5) `lvs_sync_daemon`",
    fix: "`ipvsadm --start-daemon ROLE --mcast-interface INTERFACE --syncid ID`, as the finding says",
    needs: table_needs,
    judge: Judge::Cluster(judge),
};

/// keepalived runs one sync daemon, for the instance with `lvs_sync_daemon`: the master of that instance sends, the others
/// receive. A daemon that was started by hand is judged by all VIPs.
fn judge(audit: &ClusterAudit, findings: &mut Findings) {
    let directors = || audit.hosts.iter().filter(|s| s.host.is_director());
    let instance = audit
        .cluster
        .vrrp
        .iter()
        .find(|instance| instance.sync_daemon);
    if let Some(instance) = instance {
        return of_instance(audit, instance, findings);
    }
    if directors().all(|s| s.facts().ipvs.sync_daemons.is_empty()) {
        return;
    }
    // A table that ipvsadm could not list does not mean "no daemon".
    let known = || directors().filter(|s| !s.facts().ipvs.table.hidden);
    let idle: Vec<&str> = known()
        .filter(|s| s.facts().ipvs.sync_daemons.is_empty())
        .map(HostAudit::name)
        .collect();
    if !idle.is_empty() {
        return known().for_each(|director| unheard(director, &idle, findings));
    }
    let vips = audit.cluster.all_vips();
    for director in known() {
        let held = vips.iter().filter(|vip| holds(director, **vip)).count();
        let role = match held {
            0 => "backup",
            n if n == vips.len() => "master",
            // Each sends the connections it serves.
            _ => "",
        };
        let started = if role.is_empty() { "master" } else { role };
        let fix = format!(
            "`ipvsadm --start-daemon {started} --mcast-interface {}`, or `sync_daemon: true` in the inventory",
            director.host.interface
        );
        let daemons = &director.facts().ipvs.sync_daemons;
        let right = daemons.iter().any(|line| line.starts_with(role));
        let fault = (!right).then(|| Mismatch::new(expected(role), found(daemons), fix));
        let what = if role.is_empty() {
            "master or backup"
        } else {
            role
        };
        findings.judge(director.name(), &SYNC_DAEMON, what, fault);
    }
}

/// The inventory has no sync daemon, but some directors run one that no other receives.
fn unheard(director: &HostAudit, idle: &[&str], findings: &mut Findings) {
    let daemons = &director.facts().ipvs.sync_daemons;
    let fault = (!daemons.is_empty()).then(|| {
        let fix = format!(
            "`{}`, or `sync_daemon: true` in the inventory for all directors",
            stop(daemons).trim_end_matches("; ")
        );
        Mismatch::new(
            format!("no sync daemon, as on {}", idle.join(" and ")),
            found(daemons),
            fix,
        )
    });
    findings.judge(director.name(), &SYNC_DAEMON, "none", fault);
}

fn of_instance(audit: &ClusterAudit, instance: &VrrpInstance, findings: &mut Findings) {
    let vips: BTreeSet<IpAddr> = instance.vips.iter().map(|vip| vip.address).collect();
    let members = || {
        let all = audit.hosts.iter();
        all.filter_map(|director| Some((director, instance.member(director.host)?)))
    };
    let id =
        common_id(members().map(|(director, _)| director.facts().ipvs.sync_daemons.as_slice()));
    let id = id.unwrap_or_else(|| instance.virtual_router_id.to_string());
    for (director, me) in members() {
        if director.facts().ipvs.table.hidden {
            let why = "ipvsadm is not installed";
            findings.unknown(director.name(), &SYNC_DAEMON, "sync daemon", why);
            continue;
        }
        let serves = vips.iter().any(|vip| holds(director, *vip));
        let role = if serves { "master" } else { "backup" };
        let daemons = &director.facts().ipvs.sync_daemons;
        let fault = wrong(daemons, role, &me.interface, &id).map(|found| {
            Mismatch::new(
                expected(role),
                found,
                fix(director, daemons, role, &me.interface, &id),
            )
        });
        findings.judge(director.name(), &SYNC_DAEMON, role, fault);
    }
}

fn expected(role: &str) -> String {
    let role = if role.is_empty() {
        "master or backup"
    } else {
        role
    };
    format!("a {role} sync daemon")
}

fn found(daemons: &[String]) -> String {
    if daemons.is_empty() {
        "none".to_owned()
    } else {
        daemons.join("; ")
    }
}

/// A value in `master sync daemon (mcast=eth0, syncid=11, ...)`.
fn value<'a>(daemon: &'a str, name: &str) -> Option<&'a str> {
    let (_, values) = daemon.split_once('(')?;
    let mut values = values.trim_end_matches(')').split(", ");
    values.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The id that most directors use; none where none has a daemon.
fn common_id<'a>(all: impl Iterator<Item = &'a [String]>) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for id in all.flatten().filter_map(|daemon| value(daemon, "syncid")) {
        *counts.entry(id).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(most.0.to_owned())
}

/// What is wrong with a director's daemons, if anything.
fn wrong(daemons: &[String], role: &str, interface: &str, id: &str) -> Option<String> {
    let mut own = daemons.iter().filter(|line| line.starts_with(role));
    let Some(daemon) = own.next() else {
        return Some(found(daemons));
    };
    let other = |name, expected| value(daemon, name).is_some_and(|found| found != expected);
    if daemons.len() > 1 {
        return Some(format!("{}: two daemons", found(daemons)));
    }
    if other("mcast", interface) {
        return Some(format!("{daemon}: the instance is on {interface}"));
    }
    other("syncid", id).then(|| format!("{daemon}: the others have the id {id}"))
}

/// The fix. keepalived starts the daemon when it loads its file, and does not restart it later.
fn fix(director: &HostAudit, daemons: &[String], role: &str, interface: &str, id: &str) -> String {
    let changes = &director.plan().changes;
    if changes
        .iter()
        .any(|change| change.kind == "file" && change.key == CONFIGURATION)
    {
        return "`lvsctl apply` writes `lvs_sync_daemon` into keepalived.conf".to_owned();
    }
    let stop = stop(daemons);
    format!("`{stop}ipvsadm --start-daemon {role} --mcast-interface {interface} --syncid {id}`")
}

fn stop(daemons: &[String]) -> String {
    let roles = ["master", "backup"];
    let running = roles
        .iter()
        .filter(|role| daemons.iter().any(|line| line.starts_with(**role)));
    running
        .map(|role| format!("ipvsadm --stop-daemon {role}; "))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daemons_of_a_director() {
        const MASTER: &str = "master sync daemon (mcast=eth0, syncid=10, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)";
        const BACKUP: &str = "backup sync daemon (mcast=eth0, syncid=10, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)";
        let by_lo = MASTER.replace("eth0", "lo");
        let by_id = MASTER.replace("syncid=10", "syncid=0");
        for (about, daemons, want) in [
            ("as it shall be", vec![MASTER], None),
            ("none", vec![], Some("none")),
            ("the other role", vec![BACKUP], Some("backup sync daemon (")),
            ("both", vec![MASTER, BACKUP], Some("two daemons")),
            (
                "on another interface",
                vec![by_lo.as_str()],
                Some(": the instance is on eth0"),
            ),
            (
                "with another id",
                vec![by_id.as_str()],
                Some(": the others have the id 10"),
            ),
        ] {
            let daemons: Vec<String> = daemons.into_iter().map(str::to_owned).collect();
            let found = wrong(&daemons, "master", "eth0", "10");
            match want {
                None => assert_eq!(found, None, "{about}"),
                Some(want) => assert!(found.is_some_and(|found| found.contains(want)), "{about}"),
            }
        }
    }

    #[test]
    fn the_id_of_most() {
        let daemons = |id: &str| vec![format!("master sync daemon (mcast=eth0, syncid={id})")];
        for (all, want) in [
            (vec![], None),
            (vec![daemons("10"), daemons("10"), daemons("0")], Some("10")),
            (vec![vec![], daemons("7")], Some("7")),
        ] {
            let found = common_id(all.iter().map(Vec::as_slice));
            assert_eq!(found.as_deref(), want);
        }
    }
}
