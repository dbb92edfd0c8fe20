//! The table of connection tracking: one that is full drops new connections, whatever they are for.

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{Cause, HostAudit};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

pub(super) static CONNTRACK: Check = Check {
    id: "conntrack",
    summary: "The connection tracking table is neither nearly full nor very small.",
    reason: "The kernel drops each packet that would begin a connection while the table is full.",
    source: "nf_conntrack-sysctl (kernel documentation)",
    fix: "`sysctl -w net.netfilter.nf_conntrack_max=NUMBER`, and the same in /etc/sysctl.d",
    needs,
    judge: Judge::Host(judge),
};

const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";
const MAX: &str = "/proc/sys/net/netfilter/nf_conntrack_max";

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() || cluster.serves(host) {
        let ask = needs.sysctl.get_or_insert_default();
        ask.paths.extend([COUNT, MAX].map(str::to_owned));
    }
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let number = |path| audit.facts().sysctl.get(path)?.trim().parse::<u64>().ok();
    // Without them no connection is tracked.
    let (Some(count), Some(max)) = (number(COUNT), number(MAX)) else {
        return;
    };
    let mismatch = fullness(count, max).map(|warning| {
        let mismatch = Mismatch::new(
            "a conntrack table of 1,024 entries or more, fewer than 9 of 10 of them in use",
            format!("{count} of {max}"),
            format!(
                "`sysctl -w net.netfilter.nf_conntrack_max={}`, and the same in /etc/sysctl.d; `conntrack -L` shows whose they are",
                (count * 4).max(65_536)
            ),
        );
        let cause = Some(Cause::Sysctl("net.netfilter.nf_conntrack_max".to_owned()));
        let mismatch = mismatch.because(cause);
        if warning { mismatch.warning() } else { mismatch }
    });
    findings.judge(audit.name(), &CONNTRACK, "nf_conntrack_max", mismatch);
}

/// A table with fewer entries is full at once.
const SMALL: u64 = 1024;

/// Whether the table is nearly full, and that is but a warning. 0 is no limit.
fn fullness(count: u64, max: u64) -> Option<bool> {
    if (1..SMALL).contains(&max) {
        return Some(false);
    }
    (max > 0 && count * 10 >= max * 9).then_some(count * 100 < max * 98)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_full_it_is() {
        for (count, max, want) in [
            (0, 65_536, None),
            (58_000, 65_536, None),
            (60_000, 65_536, Some(true)),
            (65_536, 65_536, Some(false)),
            (70_000, 65_536, Some(false)),
            (5, 0, None),
            (5, 100, Some(false)),
            (1, 1, Some(false)),
        ] {
            assert_eq!(fullness(count, max), want, "{count} of {max}");
        }
    }
}
