//! The checks of what clients were answered. One reading of all answers judges them together.

use super::judge::rounds;
use crate::check::definition::{Check, Judge, nothing};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

pub static END_TO_END: Check = Check {
    id: "end-to-end",
    summary: "Each request of a client is answered.",
    reason: "The service works from outside: what all other checks are for.",
    source: "curl(1)",
    fix: "see the findings of its real servers and directors; `ipvsadm -Lnc` on the director shows where connections stay",
    needs: nothing,
    judge: Judge::Traffic(rounds),
};

pub static HTTP_STATUS: Check = Check {
    id: "http-status",
    summary: "Answers over HTTP have a status that the inventory calls right: `check.status` of the service, or that of its health check where clients ask for the same page, or else any below 400.",
    reason: "A server that answers each request with an error is up for IPVS and for a TCP health check.",
    source: "RFC 9110 15",
    fix: "see the web server's log on the real servers; if that status is right, `check: { status: ... }` in the service",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static HTTP_TEXT: Check = Check {
    id: "http-text",
    summary: "Pages hold the `text` of the service's health check in their body, where clients ask for the same page.",
    reason: "A page without its text is an error page with a good status.",
    source: "the inventory, `health_check.http.text`",
    fix: "see the page on the real servers, or correct `text`",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static WHO_ANSWERS: Check = Check {
    id: "who-answers",
    summary: "Answers come from real servers of the service.",
    reason: "Another host has the VIP, and clients reach it past the director.",
    source: "the first line of each answer",
    fix: "`ip addr show to VIP` on the host that answers, and take the VIP off it",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static GETS_CONNECTIONS: Check = Check {
    id: "gets-connections",
    summary: "With rr and wrr, each real server with a weight gets connections; with lc and wlc, one without is a note.",
    reason: "A real server that gets none serves no client, whatever its checks say.",
    source: "ipvsadm(8) `--scheduler`",
    fix: "see the findings of that real server, and its weight in `ipvsadm -Ln`",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static SHARES: Check = Check {
    id: "shares",
    summary: "With rr and wrr, connections are shared as the weights say.",
    reason: "Other shares mean other weights in the kernel, or answers past the director.",
    source: "ipvsadm(8) `--scheduler`, `--weight`",
    fix: "compare the weights in `ipvsadm -Ln` with the inventory",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static PERSISTENCE: Check = Check {
    id: "persistence",
    summary: "All connections of a client to a persistent service come to one real server.",
    reason: "Sessions that one real server alone knows break.",
    source: "ipvsadm(8) `--persistent`",
    fix: "see whether the service has `persistent` in `ipvsadm -Ln`, and whether all its ports get the same mark",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static STATISTICS: Check = Check {
    id: "statistics",
    summary: "IPVS counted what clients were answered.",
    reason: "Answers that IPVS did not count came past the director.",
    source: "ipvsadm(8) `--stats`",
    fix: "see who answers ARP for the VIP, and on which hosts it is",
    needs: statistics_needs,
    judge: Judge::By("end-to-end"),
};

fn statistics_needs(_: &Cluster, host: &Host, needs: &mut Needs) {
    let sysctls = needs.sysctl.get_or_insert_default();
    sysctls
        .paths
        .insert("/proc/sys/net/ipv4/vs/run_estimation".to_owned());
    if host.is_director() {
        needs.ipvs.get_or_insert_default().audit = true;
    }
}
