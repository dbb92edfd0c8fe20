//! The order of hosts in a run: real servers before the directors that send to them. Pure.

use crate::model::{Cluster, Host};
use crate::plan::{HostPlan, Part};
use crate::resource::Effect;

/// Whether the run sets up or removes the route through the directors that real servers of NAT need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Way {
    /// It does not exist until the directors are set up.
    pub comes: bool,
    /// It ends when the directors' parts are removed.
    pub goes: bool,
}

impl Way {
    /// From the plans of the directors.
    pub fn of<'p>(directors: impl Iterator<Item = &'p HostPlan>) -> Self {
        let mut way = Self::default();
        let changes = directors.flat_map(|plan| &plan.changes);
        for effect in changes.flat_map(|change| &change.effects) {
            match effect {
                Effect::Forwarding(true) | Effect::Vips(true) => way.comes = true,
                Effect::Forwarding(false) | Effect::Vips(false) => way.goes = true,
                Effect::Rewrites(_) | Effect::LoadsKeepalived => {}
            }
        }
        way
    }
}

/// The stages of a run in order: first everything that is made, real servers before directors; then the removals, directors
/// before real servers. So a real server answers before it gets requests, and gets no requests when it stops to answer. A
/// real server that is reached only through the directors comes after they are set up, and before their parts are removed.
/// `first`: directors that hold VIPs, if the load of keepalived files is coordinated.
pub fn all<'a>(
    cluster: &Cluster,
    hosts: &[&'a Host],
    way: Way,
    first: &[String],
) -> Vec<(Part, Vec<&'a Host>)> {
    let mut all: Vec<(Part, Vec<&'a Host>)> = Vec::new();
    let (behind, made): (Vec<_>, Vec<_>) = in_turn(cluster, hosts, way.comes)
        .into_iter()
        .partition(|(turn, _)| *turn == Turn::Behind);
    all.extend(made.iter().map(|(_, stage)| (Part::Make, stage.clone())));
    let directors = hosts.iter().copied().filter(|host| host.is_director());
    let (holders, others): (Vec<&Host>, Vec<&Host>) =
        directors.partition(|host| first.contains(&host.name));
    for part in [Part::GiveUp, Part::Load] {
        let groups = [holders.clone(), others.clone()].into_iter();
        all.extend(
            groups
                .filter(|group| !group.is_empty())
                .map(|group| (part, group)),
        );
    }
    let of_directors = |turn: &Turn| matches!(turn, Turn::Backup | Turn::Master);
    let finish = made.into_iter().filter(|(turn, _)| of_directors(turn));
    all.extend(finish.map(|(_, stage)| (Part::Finish, stage)));
    all.extend(behind.into_iter().map(|(_, stage)| (Part::Make, stage)));
    let gone = in_turn(cluster, hosts, way.goes).into_iter().rev();
    all.extend(gone.map(|(_, stage)| (Part::Remove, stage)));
    all
}

/// Whether a host's default route leads through a director.
fn behind(cluster: &Cluster, host: &Host) -> bool {
    let mut gateway = host.gateway.into_iter();
    cluster.serves(host) && gateway.any(|gateway| cluster.is_through_a_director(gateway))
}

/// Groups of hosts, in the order of their stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Hosts with NFS exports, which others mount.
    Exports,
    /// Real servers and all other hosts that are not directors.
    Rest,
    Backup,
    Master,
    /// Real servers that are reached only through the directors.
    Behind,
}

/// The hosts by group, in order; a group begins when the one before is finished.
pub(super) fn in_turn<'a>(
    cluster: &Cluster,
    hosts: &[&'a Host],
    behind_last: bool,
) -> Vec<(Turn, Vec<&'a Host>)> {
    let turn = |host: &Host| match host.is_director() {
        true if is_master(cluster, host) => Turn::Master,
        true => Turn::Backup,
        false if !host.exports.is_empty() => Turn::Exports,
        false if behind_last && behind(cluster, host) => Turn::Behind,
        false => Turn::Rest,
    };
    let order = [
        Turn::Exports,
        Turn::Rest,
        Turn::Backup,
        Turn::Master,
        Turn::Behind,
    ];
    let group = |now| hosts.iter().copied().filter(move |host| turn(host) == now);
    let stages = order.map(|now| (now, group(now).collect::<Vec<_>>()));
    stages
        .into_iter()
        .filter(|(_, stage)| !stage.is_empty())
        .collect()
}

/// Whether a director is the first member of an instance; without VRRP, the first director.
fn is_master(cluster: &Cluster, host: &Host) -> bool {
    let masters = cluster
        .vrrp
        .iter()
        .filter_map(|instance| instance.members.first());
    let mut names: Vec<&str> = masters.map(|member| member.host.as_str()).collect();
    if names.is_empty() {
        let mut directors = cluster.hosts.iter().filter(|h| h.is_director());
        names.extend(directors.next().map(|h| h.name.as_str()));
    }
    names.contains(&host.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};
    use crate::resource::{Action, Change};

    #[test]
    fn real_servers_are_made_first_and_go_last() {
        let text = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    lb2: { role: backup, address: 10.0.0.2 }\n  rs1: { role: realserver, address: 10.0.0.3 }\n\
                    vrrp: { virtual_router_id: 1 }\nservices: { web: { vip: 10.0.0.9, port: 80 } }\n";
        let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES).expect("a valid inventory");
        let hosts: Vec<&Host> = loaded.cluster.hosts.iter().collect();
        let order = |first: &[&str]| {
            let first: Vec<String> = first.iter().map(|name| (*name).to_owned()).collect();
            let stages = all(&loaded.cluster, &hosts, Way::default(), &first);
            let of = |(part, stage): &(Part, Vec<&Host>)| {
                let names: Vec<&str> = stage.iter().map(|host| host.name.as_str()).collect();
                format!("{part:?} {}", names.join(" "))
            };
            stages.iter().map(of).collect::<Vec<_>>()
        };
        let made = ["Make rs1", "Make lb2", "Make lb1"];
        let gone = [
            "Finish lb2",
            "Finish lb1",
            "Remove lb1",
            "Remove lb2",
            "Remove rs1",
        ];
        for (first, together) in [
            (vec![], vec!["GiveUp lb1 lb2", "Load lb1 lb2"]),
            (
                vec!["lb1"],
                vec!["GiveUp lb1", "GiveUp lb2", "Load lb1", "Load lb2"],
            ),
            (
                vec!["lb2"],
                vec!["GiveUp lb2", "GiveUp lb1", "Load lb2", "Load lb1"],
            ),
            // Each holds the VIPs of one instance.
            (vec!["lb1", "lb2"], vec!["GiveUp lb1 lb2", "Load lb1 lb2"]),
        ] {
            let all = [made.as_slice(), &together, &gone].concat();
            assert_eq!(order(&first), all, "{first:?}");
        }
    }

    #[test]
    fn a_real_server_of_nat_has_its_way_out_while_it_is_worked_on() {
        let text = "cluster: t\nnetworks: { out: 10.0.0.0/24, in: 10.1.0.0/24 }\nhosts:\n  \
                    lb1: { role: director, interfaces: { eth0: 10.0.0.1, eth1: 10.1.0.1 } }\n  \
                    rs1: { role: realserver, address: 10.1.0.3 }\n  \
                    rs2: { role: realserver, address: 10.1.0.4, gateway: 10.1.0.254 }\n\
                    services: { web: { vip: 10.0.0.9, port: 80, mode: nat } }\n";
        let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES).expect("a valid inventory");
        let hosts: Vec<&Host> = loaded.cluster.hosts.iter().collect();
        let order = |way| -> Vec<String> {
            let mut stages = all(&loaded.cluster, &hosts, way, &[]);
            stages.retain(|(part, _)| matches!(part, Part::Make | Part::Remove));
            let of = |stage: &Vec<&Host>| {
                let names: Vec<&str> = stage.iter().map(|host| host.name.as_str()).collect();
                names.join(" ")
            };
            stages.iter().map(|(_, stage)| of(stage)).collect()
        };
        for (comes, goes, stages) in [
            (false, false, vec!["rs1 rs2", "lb1", "lb1", "rs1 rs2"]),
            (true, false, vec!["rs2", "lb1", "rs1", "lb1", "rs1 rs2"]),
            (false, true, vec!["rs1 rs2", "lb1", "rs1", "lb1", "rs2"]),
            // One director comes, another goes.
            (true, true, vec!["rs2", "lb1", "rs1", "rs1", "lb1", "rs2"]),
        ] {
            assert_eq!(order(Way { comes, goes }), stages, "{comes} {goes}");
        }
    }

    #[test]
    fn the_way_comes_and_goes_with_what_directors_do() {
        use Effect::{Forwarding, LoadsKeepalived, Rewrites, Vips};
        let plan = |effect: &Effect| HostPlan {
            host: "lb1".to_owned(),
            changes: vec![Change::new("kind", "key", Action::Update).effect(effect.clone())],
            adopts: Vec::new(),
            notes: Vec::new(),
            refusals: Vec::new(),
            replaces: Vec::new(),
            steps: Vec::new(),
            load: None,
        };
        for (effects, comes, goes) in [
            (vec![], false, false),
            (vec![Forwarding(true)], true, false),
            (vec![Forwarding(false)], false, true),
            (vec![Forwarding(false), Forwarding(true)], true, true),
            (vec![Vips(true)], true, false),
            (vec![Vips(false)], false, true),
            // It reads its file anew, and holds on to its VIPs meanwhile.
            (vec![LoadsKeepalived], false, false),
            (vec![Rewrites("/etc/hosts".to_owned())], false, false),
        ] {
            let plans: Vec<HostPlan> = effects.iter().map(plan).collect();
            assert_eq!(Way::of(plans.iter()), Way { comes, goes }, "{plans:?}");
        }
    }
}
