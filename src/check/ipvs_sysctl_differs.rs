//! Parameters of IPVS that differ between the directors, and that neither inventory nor roles set.

use std::collections::BTreeSet;

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::ipvs_sysctl::{PATH, is_desired};
use super::{Cause, ClusterAudit};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

pub(super) static IPVS_SYSCTL_DIFFERS: Check = Check {
    id: "ipvs-sysctl-differs",
    summary: "Parameters below net.ipv4.vs that no role sets have the same values on all directors.",
    reason: "After a failover, connections are handled in another way: they are tracked or not, expire or stay, or reach other real servers.",
    source: "ipvs-sysctl (kernel documentation)",
    fix: "`sysctl -w net.ipv4.vs.NAME=VALUE` on the director that differs, and the same in /etc/sysctl.d; or set the parameter by the inventory's `ipvs`",
    needs,
    judge: Judge::Cluster(judge),
};

/// Parameters whose values may be chosen, with the kernel's defaults. `ipvs-sysctl` judges those that are harmful on any
/// director.
const NAMES: [(&str, &str); 11] = [
    ("backup_only", "0"),
    ("conntrack", "0"),
    ("conn_reuse_mode", "1"),
    ("expire_nodest_conn", "0"),
    ("expire_quiescent_template", "0"),
    ("nat_icmp_send", "0"),
    ("pmtu_disc", "1"),
    ("sloppy_sctp", "0"),
    ("sloppy_tcp", "0"),
    ("snat_reroute", "1"),
    ("sync_persist_mode", "0"),
];

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() && cluster.directors().count() > 1 && !cluster.services.is_empty() {
        let ask = needs.sysctl.get_or_insert_default();
        ask.paths
            .extend(NAMES.map(|(name, _)| format!("{PATH}{name}")));
    }
}

fn judge(audit: &ClusterAudit, findings: &mut Findings) {
    let directors: Vec<_> = audit
        .hosts
        .iter()
        .filter(|director| director.host.is_director())
        .collect();
    if directors.len() < 2 {
        return;
    }
    for (name, default) in NAMES {
        let key = format!("net.ipv4.vs.{name}");
        // A parameter of a role is judged by the check `drift`.
        if directors.iter().any(|director| is_desired(director, &key)) {
            continue;
        }
        let found: Vec<(&str, &str)> = directors
            .iter()
            .filter_map(|director| {
                let value = director.facts().sysctl.get(&format!("{PATH}{name}"))?;
                Some((director.name(), value.trim()))
            })
            .collect();
        let values: BTreeSet<&str> = found.iter().map(|(_, value)| *value).collect();
        let usual = usual(&found, default);
        for (director, value) in &found {
            let mismatch = (values.len() > 1 && *value != usual).then(|| {
                let others: Vec<&str> = found
                    .iter()
                    .filter(|(_, other)| *other == usual)
                    .map(|(other, _)| *other)
                    .collect();
                Mismatch::new(
                    format!("{key} = {usual}, as on {}", others.join(" and ")),
                    *value,
                    format!("`sysctl -w {key}={usual}`, and the same in /etc/sysctl.d"),
                )
                .because(Some(Cause::Sysctl(key.clone())))
                .warning()
            });
            findings.judge_read(
                director,
                &IPVS_SYSCTL_DIFFERS,
                key.clone(),
                *value,
                mismatch,
            );
        }
    }
}

/// The value of most directors; of several such values the kernel's default, else the first director's.
fn usual<'v>(found: &[(&str, &'v str)], default: &'v str) -> &'v str {
    let count = |value: &str| found.iter().filter(|(_, other)| *other == value).count();
    let most = found.iter().map(|(_, value)| count(value)).max();
    let mut usual = found
        .iter()
        .map(|(_, value)| *value)
        .filter(|value| Some(count(value)) == most);
    match usual.clone().any(|value| value == default) {
        true => default,
        false => usual.next().unwrap_or(default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_value() {
        for (found, expected) in [
            (&[("lb1", "0"), ("lb2", "1")][..], "0"),
            (&[("lb1", "1"), ("lb2", "0")], "0"),
            (&[("lb1", "2"), ("lb2", "3")], "2"),
            (&[("lb1", "1"), ("lb2", "1"), ("lb3", "0")], "1"),
            (&[], "0"),
        ] {
            assert_eq!(usual(found, "0"), expected, "{found:?}");
        }
    }
}
