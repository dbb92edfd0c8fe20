//! Values of IPVS parameters that drop, redirect or hide traffic, for parameters that neither inventory nor roles set.

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{Cause, HostAudit};
use crate::fact::Needs;
use crate::model::{Cluster, Host, Mode, Scheduler};
use crate::resource::Resource;

pub(super) static IPVS_SYSCTL: Check = Check {
    id: "ipvs-sysctl",
    summary: "No parameter below net.ipv4.vs has a value that harms the services, unless a role sets it.",
    reason: "IPVS drops packets, schedules connections to the wrong real servers, or stops counting, although its table is \
             correct.",
    source: "ipvs-sysctl (kernel documentation)",
    fix: "`sysctl -w net.ipv4.vs.NAME=DEFAULT`, and delete the line that sets another value at boot",
    needs,
    judge: Judge::Director(judge),
};

pub(super) const PATH: &str = "/proc/sys/net/ipv4/vs/";

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() && !cluster.services.is_empty() {
        let ask = needs.sysctl.get_or_insert_default();
        ask.paths
            .extend(RULES.iter().map(|rule| format!("{PATH}{}", rule.name)));
    }
}

/// The conditions on which the harm of a value depends.
#[derive(Debug, Clone, Copy, Default)]
struct About {
    nat: bool,
    tun: bool,
    /// Whether every service has a scheduler that finds the same real server for a client again.
    hashes: bool,
    /// Whether the kernel is Linux 5.9 or later.
    recent: bool,
    /// Whether a sync daemon of IPVS runs as backup on the director.
    syncs: bool,
}

struct Rule {
    name: &'static str,
    default: &'static str,
    /// The effect of a harmful value, and whether it is only a warning; None: no harm.
    harm: fn(&str, About) -> Option<(&'static str, bool)>,
}

fn defence(value: &str, what: &'static str) -> Option<(&'static str, bool)> {
    // 1: the kernel decides; 2: it has decided to; 3: always.
    matches!(value, "2" | "3").then_some((what, false))
}

/// The harm of a switch with another value than expected.
fn switch(
    value: &str,
    good: &str,
    applies: bool,
    what: &'static str,
) -> Option<(&'static str, bool)> {
    (applies && value != good).then_some((what, true))
}

const RULES: [Rule; 14] = [
    Rule {
        name: "drop_packet",
        default: "0",
        harm: |value, _| {
            defence(
                value,
                "each am_droprate-th packet is dropped before it is scheduled",
            )
        },
    },
    Rule {
        name: "drop_entry",
        default: "0",
        harm: |value, _| defence(value, "entries of connections are dropped at random"),
    },
    Rule {
        name: "secure_tcp",
        default: "0",
        harm: |value, _| defence(value, "other states and timeouts of TCP are used"),
    },
    Rule {
        name: "backup_only",
        default: "0",
        harm: |value, about| {
            let harms = about.syncs && value != "0";
            harms.then_some((
                "the director schedules nothing while it receives connections as a backup",
                true,
            ))
        },
    },
    Rule {
        name: "cache_bypass",
        default: "0",
        harm: |value, _| {
            switch(
                value,
                "0",
                true,
                "where no real server is left, packets go on to their destination as they are",
            )
        },
    },
    Rule {
        name: "conn_reuse_mode",
        default: "1",
        harm: |value, about| {
            let what = "a client that uses a port again gets the real server that it had, also one that is drained or removed";
            switch(value, "1", about.recent && value == "0", what)
        },
    },
    Rule {
        name: "ignore_tunneled",
        default: "0",
        harm: |value, _| {
            switch(
                value,
                "0",
                true,
                "packets that came by a tunnel are not scheduled",
            )
        },
    },
    Rule {
        name: "nat_icmp_send",
        default: "0",
        harm: |value, about| {
            let what = "replies of a connection that IPVS does not know are answered by ICMP, which ends them after a failover";
            switch(value, "0", about.nat, what)
        },
    },
    Rule {
        name: "pmtu_disc",
        default: "1",
        harm: |value, about| {
            switch(
                value,
                "1",
                about.tun,
                "packets that are too large for the tunnel are fragmented, and the client gets no ICMP error",
            )
        },
    },
    Rule {
        name: "run_estimation",
        default: "1",
        harm: |value, _| {
            switch(
                value,
                "1",
                true,
                "nothing is counted: rates and connections stay as they are",
            )
        },
    },
    Rule {
        name: "schedule_icmp",
        default: "0",
        harm: |value, _| {
            switch(
                value,
                "0",
                true,
                "ICMP packets are scheduled to real servers as connections",
            )
        },
    },
    Rule {
        name: "sloppy_tcp",
        default: "0",
        harm: |value, about| {
            let what = "a TCP connection may begin with any packet, so that one that IPVS forgot goes to another real server";
            switch(value, "0", !about.hashes, what)
        },
    },
    Rule {
        name: "snat_reroute",
        default: "1",
        harm: |value, about| {
            switch(
                value,
                "1",
                about.nat,
                "replies of real servers leave by the route of their old source address",
            )
        },
    },
    Rule {
        name: "sync_version",
        default: "1",
        harm: |value, about| {
            switch(
                value,
                "1",
                about.syncs,
                "connections of IPv6 and of marks are not copied to the backup",
            )
        },
    },
];

/// Whether a role of the host sets a parameter.
pub(super) fn is_desired(audit: &HostAudit, name: &str) -> bool {
    let sets =
        |resource: &Resource| matches!(resource, Resource::Sysctl(sysctl) if sysctl.name == name);
    audit.run.desired.iter().any(sets)
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let cluster = audit.cluster;
    let modes = || cluster.services.iter().map(|service| service.mode);
    let hashes = |scheduler| matches!(scheduler, Scheduler::Sh | Scheduler::Dh | Scheduler::Mh);
    let about = About {
        nat: modes().any(|mode| mode == Mode::Nat),
        tun: modes().any(|mode| mode == Mode::Tun),
        hashes: cluster
            .services
            .iter()
            .all(|service| hashes(service.scheduler)),
        recent: audit.facts().system.is_linux_at_least(5, 9) == Some(true),
        syncs: audit
            .facts()
            .ipvs
            .sync_daemons
            .iter()
            .any(|line| line.starts_with("backup")),
    };
    for rule in &RULES {
        let name = format!("net.ipv4.vs.{}", rule.name);
        let Some(value) = audit.facts().sysctl.get(&format!("{PATH}{}", rule.name)) else {
            continue;
        };
        // A parameter of a role is judged by the check `drift`.
        if is_desired(audit, &name) {
            continue;
        }
        let value = value.trim();
        let mismatch = (rule.harm)(value, about).map(|(what, warning)| {
            let mismatch = Mismatch::new(
                format!("{name} = {} (the kernel's default)", rule.default),
                format!("{value}: {what}"),
                format!(
                    "`sysctl -w {name}={}`, and delete the line that sets another value at boot",
                    rule.default
                ),
            )
            .because(Some(Cause::Sysctl(name.clone())));
            if warning {
                mismatch.warning()
            } else {
                mismatch
            }
        });
        findings.judge_read(audit.name(), &IPVS_SYSCTL, name, value, mismatch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_harm() {
        const DR: About = About {
            nat: false,
            tun: false,
            hashes: false,
            recent: true,
            syncs: false,
        };
        let nat = About { nat: true, ..DR };
        let tun = About { tun: true, ..DR };
        let hashes = About { hashes: true, ..DR };
        let old = About {
            recent: false,
            ..DR
        };
        let syncs = About { syncs: true, ..DR };
        // Whether it harms, and is an error.
        for (name, value, about, want) in [
            ("drop_packet", "0", DR, None),
            ("drop_packet", "1", DR, None),
            ("drop_packet", "2", DR, Some(false)),
            ("drop_packet", "3", DR, Some(false)),
            ("drop_entry", "3", DR, Some(false)),
            ("secure_tcp", "3", DR, Some(false)),
            ("backup_only", "1", DR, None),
            ("backup_only", "1", syncs, Some(true)),
            ("cache_bypass", "1", DR, Some(true)),
            ("conn_reuse_mode", "0", DR, Some(true)),
            ("conn_reuse_mode", "0", old, None),
            ("conn_reuse_mode", "1", DR, None),
            ("ignore_tunneled", "1", DR, Some(true)),
            ("nat_icmp_send", "1", DR, None),
            ("nat_icmp_send", "1", nat, Some(true)),
            ("pmtu_disc", "0", DR, None),
            ("pmtu_disc", "0", tun, Some(true)),
            ("run_estimation", "0", DR, Some(true)),
            ("schedule_icmp", "1", DR, Some(true)),
            ("sloppy_tcp", "1", DR, Some(true)),
            ("sloppy_tcp", "1", hashes, None),
            ("snat_reroute", "0", DR, None),
            ("snat_reroute", "0", nat, Some(true)),
            ("sync_version", "0", DR, None),
            ("sync_version", "0", syncs, Some(true)),
        ] {
            let rule = RULES.iter().find(|rule| rule.name == name).expect(name);
            let found = (rule.harm)(value, about).map(|(_, warning)| warning);
            assert_eq!(found, want, "{name} {value}");
        }
        for rule in &RULES {
            for about in [DR, nat, tun, hashes, old, syncs] {
                assert!((rule.harm)(rule.default, about).is_none(), "{}", rule.name);
            }
        }
    }
}
