//! Definitions of the end-to-end checks. One function judges all of them in one pass over the answers.

use super::judge::rounds;
use crate::check::definition::{Check, Judge, nothing};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

pub static END_TO_END: Check = Check {
    id: "end-to-end",
    summary: "Each request of a client gets a response.",
    reason: "This tests the service as its users see it.",
    source: "curl(1)",
    fix: "correct other findings first; the finding names the real servers to which IPVS sent the requests; `ipvsadm -Lnc` on the director shows the state of connections",
    needs: nothing,
    judge: Judge::Traffic(rounds),
};

pub static HTTP_STATUS: Check = Check {
    id: "http-status",
    summary: "Each HTTP response has an accepted status: `check.status` of the service; else, if the health check requests the same path, its `status`; else any below 400.",
    reason: "A server that responds with errors is healthy for IPVS and for a TCP health check.",
    source: "RFC 9110, section 15",
    fix: "check the web server's log on the real servers; if the status is expected, set `check: { status: ... }` in the service",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static HTTP_TEXT: Check = Check {
    id: "http-text",
    summary: "Pages contain the `text` of the service's health check in their body, if clients request the same path.",
    reason: "A page without the text may be an error page with an accepted status.",
    source: "the inventory, `health_check.http.text`",
    fix: "check the page on the real servers, or correct `text`",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static WHO_ANSWERS: Check = Check {
    id: "who-answers",
    summary: "Responses come from real servers of the service.",
    reason: "If a host that is not a real server of the service responds, it has the VIP, and clients bypass the director.",
    source: "the first line of each response, if it is the name of a host",
    fix: "`ip addr show to VIP` on the host that responds, and remove the VIP from it",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static GETS_CONNECTIONS: Check = Check {
    id: "gets-connections",
    summary: "With rr and wrr each real server with a weight greater than 0 gets connections; with lc and wlc a real server without connections gives only a note. Persistent services are exempt.",
    reason: "A real server without connections serves no client.",
    source: "ipvsadm(8) `--scheduler`",
    fix: "correct the findings of that real server; check its weight in `ipvsadm -Ln`",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static SHARES: Check = Check {
    id: "shares",
    summary: "With rr and wrr, connections are distributed in proportion to the weights. Persistent services are exempt.",
    reason: "A different distribution means that the weights in the kernel are not those of the inventory, or that requests bypass the director.",
    source: "ipvsadm(8) `--scheduler`, `--weight`",
    fix: "compare the weights in `ipvsadm -Ln` with the inventory",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static PERSISTENCE: Check = Check {
    id: "persistence",
    summary: "All connections of a client to a persistent service go to one real server.",
    reason: "If a client's connections go to several real servers, sessions that are stored on only one of them break.",
    source: "ipvsadm(8) `--persistent`",
    fix: "check whether the service has `persistent` in `ipvsadm -Ln`, and whether all its ports get the same fwmark",
    needs: nothing,
    judge: Judge::By("end-to-end"),
};

pub static STATISTICS: Check = Check {
    id: "statistics",
    summary: "IPVS counted the connections of the clients.",
    reason: "Connections that IPVS did not count bypassed the director.",
    source: "ipvsadm(8) `--stats`",
    fix: "check which hosts reply to ARP requests for the VIP, and which hosts have it",
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
