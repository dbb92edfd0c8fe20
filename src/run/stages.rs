//! The order of hosts: what serves comes before what sends traffic to it. A pure function.

use crate::inventory::model::{Cluster, Host};
use crate::plan::{HostPlan, Part};
use crate::resource::sysctl::Sysctl;
use crate::resource::unit::Unit;
use crate::resource::{Action, Kind, ipvs};

/// Whether what is behind directors, real servers of NAT, has a way out through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Stays,
    /// It is not there before the directors are made.
    Comes,
    /// It is gone when they are taken away.
    Goes,
}

impl Way {
    /// By what is to be done on the directors.
    pub fn of<'p>(directors: impl Iterator<Item = &'p HostPlan>) -> Self {
        let mut way = Self::Stays;
        for change in directors.flat_map(|plan| &plan.changes) {
            let forwards = change.kind == Sysctl::NAME
                && matches!(
                    change.key.as_str(),
                    "net.ipv4.ip_forward" | "net.ipv6.conf.all.forwarding"
                );
            let holds = change.kind == Unit::NAME
                && change.key == ipvs::KEEPALIVED
                && change.fields.iter().any(|field| field.name == "now");
            if forwards || holds {
                way = match change.action {
                    Action::Remove => Self::Goes,
                    Action::Create | Action::Update => Self::Comes,
                };
            }
        }
        way
    }
}

/// What a run does, one after the other: all that is made, real servers first, then all that goes, directors first. So a
/// real server answers before it is sent anything, and is sent nothing more before it stops to answer. But a real server
/// whose way out is through the directors would be cut off before that way is there, and after it is gone.
pub fn all<'a>(cluster: &Cluster, hosts: &[&'a Host], way: Way) -> Vec<(Part, Vec<&'a Host>)> {
    let parts = [
        (Part::Make, way == Way::Comes, false),
        (Part::Remove, way == Way::Goes, true),
    ];
    let stages = parts.map(|(part, behind_after, reverse)| {
        let stages = of(cluster, hosts, behind_after, reverse).into_iter();
        stages.map(move |stage| (part, stage))
    });
    stages.into_iter().flatten().collect()
}

/// Whether a host's default route leads through a director.
fn behind(cluster: &Cluster, host: &Host) -> bool {
    let Some(gateway) = host.gateway.filter(|_| host.is_real_server()) else {
        return false;
    };
    let mut theirs = cluster.director_addresses().chain(cluster.floating_vips());
    theirs.any(|address| address == gateway)
}

/// Groups of hosts, each to be finished before the next begins: what others mount from, everything behind the
/// directors, then backup directors, then the one that serves. `reverse` is the order of taking away.
fn of<'a>(
    cluster: &Cluster,
    hosts: &[&'a Host],
    behind_after: bool,
    reverse: bool,
) -> Vec<Vec<&'a Host>> {
    let rank = |host: &Host| match (host.is_director(), first(cluster, host)) {
        (false, _) if !host.exports.is_empty() => 0,
        (false, _) if behind_after && behind(cluster, host) => 4,
        (false, _) => 1,
        (true, false) => 2,
        (true, true) => 3,
    };
    let mut stages: Vec<Vec<&Host>> = (0..5)
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
        let stages = all(&loaded.cluster, &hosts, Way::Stays);
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
            let stages = all(&loaded.cluster, &hosts, way);
            let of = |stage: &Vec<&Host>| {
                let names: Vec<&str> = stage.iter().map(|host| host.name.as_str()).collect();
                names.join(" ")
            };
            stages.iter().map(|(_, stage)| of(stage)).collect()
        };
        assert_eq!(order(Way::Stays), ["rs1 rs2", "lb1", "lb1", "rs1 rs2"]);
        assert_eq!(order(Way::Comes), ["rs2", "lb1", "rs1", "lb1", "rs1 rs2"]);
        assert_eq!(order(Way::Goes), ["rs1 rs2", "lb1", "rs1", "lb1", "rs2"]);
    }

    #[test]
    fn the_way_comes_and_goes_with_what_directors_do() {
        let plan = |kind, key: &str, action, field: &str| HostPlan {
            host: "lb1".to_owned(),
            changes: vec![crate::resource::Change::new(kind, key, action).field(
                field,
                Some("0"),
                Some("1"),
            )],
            adopts: Vec::new(),
            notes: Vec::new(),
            refusals: Vec::new(),
            steps: Vec::new(),
        };
        for (kind, key, action, field, way) in [
            (
                "sysctl",
                "net.ipv4.ip_forward",
                Action::Update,
                "value",
                Way::Comes,
            ),
            (
                "sysctl",
                "net.ipv4.ip_forward",
                Action::Remove,
                "value",
                Way::Goes,
            ),
            (
                "sysctl",
                "net.ipv4.conf.all.send_redirects",
                Action::Update,
                "value",
                Way::Stays,
            ),
            (
                "unit",
                "keepalived.service",
                Action::Update,
                "now",
                Way::Comes,
            ),
            (
                "unit",
                "keepalived.service",
                Action::Remove,
                "now",
                Way::Goes,
            ),
            // It reads its file anew, and holds on to its VIPs meanwhile.
            (
                "unit",
                "keepalived.service",
                Action::Update,
                "reads",
                Way::Stays,
            ),
            ("unit", "nginx.service", Action::Update, "now", Way::Stays),
        ] {
            let plan = plan(kind, key, action, field);
            assert_eq!(
                Way::of([&plan].into_iter()),
                way,
                "{kind} {key} {action:?} {field}"
            );
        }
    }
}
