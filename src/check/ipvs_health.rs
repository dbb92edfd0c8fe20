//! Disagreement of directors' health checkers about a real server: if one director has removed it while another uses it, a
//! failover to the first one loses it.

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{ClusterAudit, HostAudit};
use crate::fact::Needs;
use crate::fact::ipvs::Table;
use crate::model::{Cluster, Destination, Host, Service};
use crate::resource::ipvs::Ipvs;
use crate::view;

pub(super) static IPVS_HEALTH: Check = Check {
    id: "ipvs-health",
    summary: "The health checkers of all directors agree on each real server.",
    reason: "A director that does not reach a healthy real server serves without it after a failover.",
    source: "keepalived.conf(5) `real_server`; `ipvsadm -Ln` on each director",
    fix: "repair the path from the director to the real server: routes, packet filters of both, `ip neigh`",
    needs,
    judge: Judge::Cluster(judge),
};

fn needs(_: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() {
        needs.clock.get_or_insert_default();
    }
}

/// The state of a real server on a director.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// It gets connections.
    In,
    /// It is drained, or missing for another reason: another check reports that.
    Other,
    /// Its health checker took it out.
    Out {
        /// Seconds since then, where the log says so.
        since: Option<f64>,
        /// Whether it answered the director right now.
        answers: bool,
    },
}

fn judge(audit: &ClusterAudit, findings: &mut Findings) {
    let directors: Vec<&HostAudit> = audit
        .hosts
        .iter()
        .filter(|audit| audit.host.is_director())
        .collect();
    if directors.len() < 2 {
        return;
    }
    for service in audit
        .cluster
        .services
        .iter()
        .filter(|service| service.health_check.is_some())
    {
        for desired in view::ipvs_of(audit.cluster, service) {
            for rs in &desired.real_servers {
                let states: Vec<(&str, State)> = directors
                    .iter()
                    .map(|director| (director.name(), state(director, &desired, rs)))
                    .collect();
                let what = format!(
                    "real server {} of {}",
                    rs.address, desired.service.r#virtual
                );
                let all = odd_ones(&states, notices(service));
                if all.is_empty() && states.iter().all(|(_, state)| *state == State::In) {
                    let read = "in the table of each director";
                    findings.pass_of("", &IPVS_HEALTH, what.as_str(), read);
                }
                for (director, seconds, other) in all {
                    let mismatch = Mismatch::new(
                        format!("{director} to take it for well, as {other} does"),
                        format!(
                            "taken out {seconds:.0} s ago: it does not answer the health check of {director}"
                        ),
                        format!(
                            "repair the path from {director} to it: on {director} `ip route get {}`, `ip neigh show {}` and `iptables -S`, and the packet filter of the real server",
                            rs.address.ip(),
                            rs.address.ip()
                        ),
                    );
                    let mut host = service.backends().filter(|b| b.address == rs.address.ip());
                    let mismatch = match host.next() {
                        Some(backend) => mismatch.points_at(&backend.host),
                        None => mismatch,
                    };
                    let mismatch = mismatch.of_service(&service.name);
                    findings.fail(director, &IPVS_HEALTH, what.clone(), mismatch);
                }
            }
        }
    }
}

fn state(director: &HostAudit, desired: &Ipvs, rs: &Destination) -> State {
    let facts = director.facts();
    let table: &Table = &facts.ipvs.table;
    let to = desired.service.r#virtual;
    let mut services = table.services.iter();
    let Some(served) = services.find(|served| served.definition.r#virtual == to) else {
        return State::Other;
    };
    if desired.is_unhealthy(table, rs) {
        let since = table.out(to, rs).and_then(|out| out.since);
        let now = facts.clock.now();
        return State::Out {
            since: since.zip(now).map(|(since, now)| (now - since).max(0.0)),
            answers: !table.fails(to, rs),
        };
    }
    match served.real_servers.get(&rs.address) {
        Some(found) if found.weight > 0 => State::In,
        _ => State::Other,
    }
}

/// Seconds within which every health checker notices that a real server is down, on a busy host.
fn notices(service: &Service) -> f64 {
    let Some(check) = &service.health_check else {
        return 0.0;
    };
    let each = f64::from(check.connect_timeout + check.delay_before_retry);
    f64::from(service.delay_loop) + f64::from(check.retry + 1) * each + 10.0
}

/// Directors that removed a real server so long ago that another director's checker would have noticed a failure too, each
/// with the seconds and that other director.
fn odd_ones<'a>(states: &[(&'a str, State)], notices: f64) -> Vec<(&'a str, f64, &'a str)> {
    let Some((other, _)) = states.iter().find(|(_, state)| *state == State::In) else {
        return Vec::new();
    };
    let odd = states.iter().filter_map(|(director, state)| match state {
        State::Out {
            since: Some(seconds),
            answers: false,
        } if *seconds > notices => Some((*director, *seconds, *other)),
        _ => None,
    });
    odd.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directors_that_do_not_agree() {
        let out = |since, answers| State::Out { since, answers };
        let down = |seconds| out(Some(seconds), false);
        for (about, states, want) in [
            ("both serve with it", [State::In, State::In], None),
            ("both have it out", [down(90.0), down(80.0)], None),
            (
                "the other one has yet to notice",
                [State::In, down(12.0)],
                None,
            ),
            (
                "the other one would have noticed",
                [State::In, down(60.0)],
                Some("lb2"),
            ),
            ("... on either", [down(60.0), State::In], Some("lb1")),
            ("it answers again", [State::In, out(Some(60.0), true)], None),
            (
                "since when is not known",
                [State::In, out(None, false)],
                None,
            ),
            ("drained on one", [State::In, State::Other], None),
            (
                "drained on one, out on the other",
                [State::Other, down(60.0)],
                None,
            ),
        ] {
            let [one, two] = states;
            let found = odd_ones(&[("lb1", one), ("lb2", two)], 40.0);
            let found = found.first().map(|(director, ..)| *director);
            assert_eq!(found, want, "{about}");
        }
    }
}
