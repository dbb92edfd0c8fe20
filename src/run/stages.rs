//! The order of hosts: what serves comes before what sends traffic to it. A pure function.

use crate::inventory::model::{Cluster, Host};

/// Groups of hosts, each to be finished before the next begins: what others mount from, everything behind the
/// directors, then backup directors, then the one that serves. `reverse` is the order of taking away.
pub fn of<'a>(cluster: &Cluster, hosts: &[&'a Host], reverse: bool) -> Vec<Vec<&'a Host>> {
    let rank = |host: &Host| match (host.is_director(), first(cluster, host)) {
        (false, _) if !host.exports.is_empty() => 0,
        (false, _) => 1,
        (true, false) => 2,
        (true, true) => 3,
    };
    let mut stages: Vec<Vec<&Host>> = (0..4)
        .map(|r| hosts.iter().copied().filter(|h| rank(h) == r).collect())
        .collect();
    stages.retain(|stage| !stage.is_empty());
    if reverse {
        stages.reverse();
    }
    stages
}

/// Whether a director is the one that serves when all are well.
fn first(cluster: &Cluster, host: &Host) -> bool {
    let masters = cluster
        .vrrp
        .iter()
        .filter_map(|instance| instance.members.first());
    let mut names: Vec<&str> = masters.map(|member| member.host.as_str()).collect();
    if names.is_empty() {
        names.extend(
            cluster
                .hosts
                .iter()
                .find(|h| h.is_director())
                .map(|h| h.name.as_str()),
        );
    }
    names.contains(&host.name.as_str())
}
