//! What directors answered, as the guard of services takes it: [`crate::plan::drain_guard`] judges.

use super::{Failure, Result, Seen};
use crate::exit::Exit;
use crate::model::Maintenance;
use crate::plan::drain_guard::{self, Holder, Left, Member};
use crate::resource::ipvs::KEEPALIVED;
use crate::run::HostRun;
use crate::view;

/// Real servers that a service keeps at least.
const LEAST: usize = 1;

/// Refuses what would leave a service without a real server, or VIPs without a director.
pub(super) fn judge(seen: &Seen, host: &str, next: &Maintenance) -> Result<()> {
    let reasons: Vec<String> = services(seen, host, next)
        .into_iter()
        .chain(directors(seen, host, next))
        .collect();
    if reasons.is_empty() {
        return Ok(());
    }
    let message = format!(
        "error: {}; --force drains it all the same\nnothing was changed on any host\n",
        reasons.join("; ")
    );
    Err(Failure::new(Exit::Unreachable, message).kind("depool"))
}

fn services(seen: &Seen, host: &str, next: &Maintenance) -> Vec<String> {
    let mut reasons = Vec::new();
    for service in &seen.before.services {
        if !next.drains_server(host, &service.name) {
            continue;
        }
        for wanted in view::ipvs_of(seen.before, service) {
            for run in seen.runs {
                let table = &run.answer.facts.ipvs.table;
                let to = wanted.service.r#virtual;
                let mut all = table.services.iter();
                // A director that is stopped serves no clients.
                let Some(served) = all.find(|served| served.definition.r#virtual == to) else {
                    continue;
                };
                let pairs = service.real_servers.iter().zip(&wanted.real_servers);
                let members: Vec<Member> = pairs
                    .map(|(rs, made)| Member {
                        weight: served
                            .real_servers
                            .get(&made.address)
                            .map_or(0, |rs| rs.weight),
                        healthy: !wanted.is_unhealthy(table, made),
                        leaves: rs.host == host,
                    })
                    .collect();
                if Left::of(&members).is_too_few(LEAST) {
                    reasons.push(format!(
                        "expected another real server that serves `{}` ({to}) on {}, found none beside {host}",
                        service.name, run.host.name
                    ));
                }
            }
        }
    }
    reasons.dedup();
    reasons
}

fn directors(seen: &Seen, host: &str, next: &Maintenance) -> Vec<String> {
    if !next.drains_host(host) {
        return Vec::new();
    }
    let able = |name: &str| {
        let runs =
            |run: &HostRun| run.host.name == name && run.answer.facts.unit.is_active(KEEPALIVED);
        seen.runs.iter().any(runs)
    };
    let mine = seen.before.vrrp.iter().filter(|instance| {
        let mut members = instance.members.iter();
        members.any(|member| member.host == host)
    });
    mine.filter(|instance| {
        let members = instance.members.iter();
        let holders: Vec<Holder> = members
            .map(|member| Holder {
                able: able(&member.host) && (member.host == host || !next.drains_host(&member.host)),
                leaves: member.host == host,
            })
            .collect();
        drain_guard::is_without_director(&holders)
    })
    .map(|instance| {
        format!(
            "expected another director that can hold the VIPs of the VRRP instance {}, found none beside {host}",
            instance.name
        )
    })
    .collect()
}
