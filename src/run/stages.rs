//! The order of hosts: what serves comes before what sends traffic to it. A pure function.

use crate::inventory::model::{Cluster, Host};
use crate::plan::Part;

/// What a run does, one after the other: all that is made, real servers first, then all that goes, directors first. So a
/// real server answers before it is sent anything, and is sent nothing more before it stops to answer.
pub fn all<'a>(cluster: &Cluster, hosts: &[&'a Host]) -> Vec<(Part, Vec<&'a Host>)> {
    let parts = [(Part::Make, false), (Part::Remove, true)];
    let stages = parts.map(|(part, reverse)| {
        let stages = of(cluster, hosts, reverse).into_iter();
        stages.map(move |stage| (part, stage))
    });
    stages.into_iter().flatten().collect()
}

/// Groups of hosts, each to be finished before the next begins: what others mount from, everything behind the
/// directors, then backup directors, then the one that serves. `reverse` is the order of taking away.
fn of<'a>(cluster: &Cluster, hosts: &[&'a Host], reverse: bool) -> Vec<Vec<&'a Host>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    #[test]
    fn real_servers_are_made_first_and_go_last() {
        let text = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    lb2: { role: backup, address: 10.0.0.2 }\n  rs1: { role: realserver, address: 10.0.0.3 }\n\
                    vrrp: { virtual_router_id: 1 }\nservices: { web: { vip: 10.0.0.9, port: 80 } }\n";
        let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES).expect("a valid inventory");
        let hosts: Vec<&Host> = loaded.cluster.hosts.iter().collect();
        let stages = all(&loaded.cluster, &hosts);
        let names: Vec<(Part, &str)> = stages
            .iter()
            .map(|(part, stage)| (*part, stage[0].name.as_str()))
            .collect();
        assert_eq!(
            names,
            [
                (Part::Make, "rs1"),
                (Part::Make, "lb2"),
                (Part::Make, "lb1"),
                (Part::Remove, "lb1"),
                (Part::Remove, "lb2"),
                (Part::Remove, "rs1"),
            ]
        );
    }
}
