//! The steps that stop, start and drain a host's part of the cluster. Pure. Running them belongs in [`crate::run`].

use crate::model::{Cluster, Destination, Host};
use crate::plan::boot;
use crate::resource::change::{Phase, Step};
use crate::resource::ipvs::{self, Ipvs};
use crate::resource::service_manager;
use crate::view;

/// What each host of a stage does; the next stage waits for all of them.
pub type Stage<'c> = Vec<(&'c Host, Vec<Step>)>;

fn step(title: String, script: String) -> Step {
    Step::new(title, script, Phase::Main)
}

/// A step that does nothing if the host does not have the unit.
fn unit(verb: &str, name: &str) -> Step {
    step(
        format!("{verb} {name}"),
        service_manager::if_there(verb, name),
    )
}

/// The units of a host's part, in the order in which they start.
fn units(cluster: &Cluster, host: &Host) -> Vec<String> {
    let name = &cluster.name;
    let mut units = vec![boot::unit(name)];
    if host.is_director() {
        if cluster.keepalived {
            units.push(ipvs::KEEPALIVED.to_owned());
        } else if !view::checked(cluster).is_empty() {
            units.push(view::checker_unit(cluster));
        }
    }
    units
}

/// The steps of one director: `act` for each chosen real server in each virtual service; its third argument is a display
/// name.
fn on_director(
    cluster: &Cluster,
    chosen: &[&Host],
    act: impl Fn(&Ipvs, &Destination, &str) -> Step,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for service in &cluster.services {
        for desired in view::ipvs_of(cluster, service) {
            for (rs, made) in service.real_servers.iter().zip(&desired.real_servers) {
                if chosen.iter().any(|host| host.name == rs.host) {
                    let name = view::real_server(service, rs, made.address);
                    steps.push(act(&desired, made, &name));
                }
            }
        }
    }
    steps
}

/// The directors that are not chosen, with their steps for the chosen real servers.
fn directors<'c>(
    cluster: &'c Cluster,
    chosen: &[&Host],
    act: impl Fn(&Ipvs, &Destination, &str) -> Step + Copy,
) -> Stage<'c> {
    let others = cluster
        .directors()
        .filter(|host| !chosen.iter().any(|c| c.name == host.name));
    let with_steps = others.map(|host| (host, on_director(cluster, chosen, act)));
    with_steps.filter(|(_, steps)| !steps.is_empty()).collect()
}

/// The stage in which the other directors drain real servers that will stop.
pub fn drain<'c>(cluster: &'c Cluster, leaving: &[&Host]) -> Stage<'c> {
    directors(cluster, leaving, |desired, rs, name| {
        step(
            format!("drain {name}"),
            ipvs::drain_script(desired.service.r#virtual, rs, desired.drain),
        )
    })
}

/// The stages of a stop: chosen directors give up their VIPs; the other directors drain the chosen real servers; these stop.
pub fn stop<'c>(cluster: &'c Cluster, chosen: &[&'c Host]) -> Vec<Stage<'c>> {
    let of = |host: &'c Host| {
        let reversed = units(cluster, host).into_iter().rev();
        (host, reversed.map(|name| unit("stop", &name)).collect())
    };
    let (leading, others): (Vec<&Host>, Vec<&Host>) =
        chosen.iter().copied().partition(|host| host.is_director());
    let stages = vec![
        leading.into_iter().map(of).collect(),
        drain(cluster, chosen),
        others.into_iter().map(of).collect(),
    ];
    stages
        .into_iter()
        .filter(|stage: &Stage| !stage.is_empty())
        .collect()
}

/// The stages of a start, in the reverse order.
pub fn start<'c>(cluster: &'c Cluster, chosen: &[&'c Host]) -> Vec<Stage<'c>> {
    let weigh = |desired: &Ipvs, rs: &Destination, name: &str| {
        step(
            format!("weight {} for {name}", rs.weight),
            ipvs::weigh_script(desired.service.r#virtual, rs),
        )
    };
    let of = |host: &'c Host| {
        let units = units(cluster, host).into_iter();
        let mut steps: Vec<Step> = units.map(|name| unit("start", &name)).collect();
        // The director may have been running all the time, with a chosen real server still drained.
        if host.is_director() {
            steps.extend(on_director(cluster, chosen, weigh));
        }
        (host, steps)
    };
    let (leading, others): (Vec<&Host>, Vec<&Host>) =
        chosen.iter().copied().partition(|host| host.is_director());
    let stages = vec![
        others.into_iter().map(of).collect(),
        directors(cluster, chosen, weigh),
        leading.into_iter().map(of).collect(),
    ];
    stages
        .into_iter()
        .filter(|stage: &Stage| !stage.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    const TEXT: &str = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                        lb2: { role: backup, address: 10.0.0.2 }\n  rs1: { role: realserver, address: 10.0.0.3 }\n  \
                        rs2: { role: realserver, address: 10.0.0.4, weight: 3 }\n\
                        vrrp: { virtual_router_id: 1 }\nservices: { web: { vip: 10.0.0.9, port: 80 } }\n";

    fn titles(stages: &[Stage]) -> Vec<Vec<String>> {
        let of = |stage: &Stage| {
            let lines = stage.iter().flat_map(|(host, steps)| {
                steps
                    .iter()
                    .map(move |step| format!("{}: {}", host.name, step.title))
            });
            lines.collect()
        };
        stages.iter().map(of).collect()
    }

    #[test]
    fn real_servers_are_drained_before_they_stop_and_start_before_they_get_connections() {
        let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
        let cluster = &loaded.cluster;
        let rs2 = [&cluster.hosts[3]];
        assert_eq!(
            titles(&stop(cluster, &rs2)),
            [
                vec![
                    "lb1: drain real server `rs2` (10.0.0.4:80) in `web`",
                    "lb2: drain real server `rs2` (10.0.0.4:80) in `web`"
                ],
                vec!["rs2: stop lvsctl-t.service"],
            ]
        );
        assert_eq!(
            titles(&start(cluster, &rs2)),
            [
                vec!["rs2: start lvsctl-t.service"],
                vec![
                    "lb1: weight 3 for real server `rs2` (10.0.0.4:80) in `web`",
                    "lb2: weight 3 for real server `rs2` (10.0.0.4:80) in `web`"
                ],
            ]
        );
        let lb1 = [&cluster.hosts[0]];
        assert_eq!(
            titles(&stop(cluster, &lb1)),
            [vec![
                "lb1: stop keepalived.service",
                "lb1: stop lvsctl-t.service"
            ]]
        );
    }

    #[test]
    fn a_drained_real_server_gets_its_weight_back_when_all_start() {
        let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
        let all: Vec<&Host> = loaded.cluster.hosts.iter().collect();
        let stages = titles(&start(&loaded.cluster, &all));
        assert_eq!(
            stages,
            [
                vec!["rs1: start lvsctl-t.service", "rs2: start lvsctl-t.service"],
                vec![
                    "lb1: start lvsctl-t.service",
                    "lb1: start keepalived.service",
                    "lb1: weight 1 for real server `rs1` (10.0.0.3:80) in `web`",
                    "lb1: weight 3 for real server `rs2` (10.0.0.4:80) in `web`",
                    "lb2: start lvsctl-t.service",
                    "lb2: start keepalived.service",
                    "lb2: weight 1 for real server `rs1` (10.0.0.3:80) in `web`",
                    "lb2: weight 3 for real server `rs2` (10.0.0.4:80) in `web`",
                ],
            ]
        );
    }

    #[test]
    fn all_at_once_needs_no_draining() {
        let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
        let all: Vec<&Host> = loaded.cluster.hosts.iter().collect();
        let stages = titles(&stop(&loaded.cluster, &all));
        assert_eq!(stages.len(), 2, "{stages:?}");
        assert!(
            stages[0].iter().all(|line| line.starts_with("lb")),
            "{stages:?}"
        );
    }
}
