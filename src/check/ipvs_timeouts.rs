//! The timeouts of IPVS connections on directors.

use super::ClusterAudit;
use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::ipvs::table_needs;
use crate::keepalived::{self, CONFIGURATION};

pub(super) static IPVS_TIMEOUTS: Check = Check {
    id: "ipvs-timeouts",
    summary: "The timeouts of IPVS are the kernel's defaults or those of keepalived.conf; longer ones are the same on all directors.",
    reason: "If a timeout is too short, IPVS forgets idle connections and they break; if the directors differ, this happens \
             after a failover.",
    source: "ipvsadm(8) `--set`; keepalived.conf(5) `lvs_timeouts`",
    fix: "`ipvsadm --set TCP TCPFIN UDP` on the director; a reboot resets it, so run it at boot too if another value is meant",
    needs: table_needs,
    judge: Judge::Cluster(judge),
};

/// Seconds for tcp, tcpfin and udp.
type Timeouts = [u32; 3];

/// Those of the kernel (`ip_vs_proto_tcp.c`, `ip_vs_proto_udp.c`).
const DEFAULTS: Timeouts = [900, 120, 300];

fn judge(audit: &ClusterAudit, findings: &mut Findings) {
    let directors = audit.hosts.iter().filter(|audit| audit.host.is_director());
    let all: Vec<(&str, Timeouts, Timeouts)> = directors
        .filter_map(|director| {
            let found = director.facts().ipvs.timeouts?;
            let file = director.facts().file.get(CONFIGURATION);
            let file = file.filter(|_| audit.cluster.keepalived);
            let desired = file.map_or(DEFAULTS, |file| of_file(&file.content));
            Some((director.name(), found, desired))
        })
        .collect();
    let same = all.windows(2).all(|pair| pair[0].1 == pair[1].1);
    for (director, found, desired) in &all {
        let mismatch = is_odd(found, desired, same).then(|| {
            Mismatch::new(
                format!("{} (tcp, tcpfin, udp)", shown(desired)),
                shown(found),
                format!("`ipvsadm --set {}`", shown(desired)),
            )
            .warning()
        });
        let what = "timeouts of IPVS";
        findings.judge_read(director, &IPVS_TIMEOUTS, what, shown(found), mismatch);
    }
}

/// Whether timeouts are wrong. Longer ones that are equal on all directors are harmless.
fn is_odd(found: &Timeouts, desired: &Timeouts, same: bool) -> bool {
    let shorter = found
        .iter()
        .zip(desired)
        .any(|(found, desired)| found < desired);
    found != desired && (shorter || !same)
}

fn shown(timeouts: &Timeouts) -> String {
    timeouts.map(|seconds| seconds.to_string()).join(" ")
}

/// `lvs_timeouts tcp 7200 tcpfin 60 udp 300`, each of them or none.
fn of_file(text: &str) -> Timeouts {
    let words = keepalived::global(text, "lvs_timeouts").unwrap_or_default();
    let value = |name: &str, default: u32| {
        let at = words.iter().position(|word| word == name);
        let value = at.and_then(|at| words.get(at + 1)?.parse().ok());
        value.unwrap_or(default)
    };
    let [tcp, fin, udp] = DEFAULTS;
    [value("tcp", tcp), value("tcpfin", fin), value("udp", udp)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_that_are_odd() {
        for (about, found, desired, same, odd) in [
            ("the defaults", DEFAULTS, DEFAULTS, true, false),
            ("longer, on all", [7200, 120, 300], DEFAULTS, true, false),
            ("longer, on one", [7200, 120, 300], DEFAULTS, false, true),
            ("the other one", DEFAULTS, DEFAULTS, false, false),
            ("shorter, on all", [60, 120, 300], DEFAULTS, true, true),
            ("a shorter tcpfin", [900, 10, 300], DEFAULTS, true, true),
            (
                "as the file says",
                [60, 120, 300],
                [60, 120, 300],
                true,
                false,
            ),
            (
                "not as the file says",
                DEFAULTS,
                [7200, 120, 300],
                true,
                true,
            ),
        ] {
            assert_eq!(is_odd(&found, &desired, same), odd, "{about}");
        }
    }

    #[test]
    fn timeouts_of_a_file() {
        for (text, want) in [
            ("", DEFAULTS),
            (
                "global_defs {\n lvs_timeouts tcp 7200 tcpfin 60 udp 30\n}\n",
                [7200, 60, 30],
            ),
            ("global_defs {\n lvs_timeouts udp 30\n}\n", [900, 120, 30]),
            ("global_defs {\n lvs_timeouts tcp x\n}\n", DEFAULTS),
        ] {
            assert_eq!(of_file(text), want, "{text}");
        }
    }
}
