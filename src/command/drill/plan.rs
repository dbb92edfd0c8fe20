//! The plan of a drill, from the command line and the state of the directors. Pure. Running it belongs in
//! [`super::measured`].

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::cli::DrillCommand;
use crate::drill::{Blocked, Effect, Guarded, Observed, without_vrrp};
use crate::measure::{self, Target, Wish};
use crate::model::{Cluster, Connection, Host, Service};
use crate::report::count;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager::if_there;

/// The longest wait for an effect. A health check may have many retries.
pub(super) const LONGEST: Duration = Duration::from_secs(180);
/// Seconds of a guard beyond the longest duration of the drill.
const SPARE: u64 = 60;

#[derive(Debug)]
pub(super) struct Plan {
    pub act: Act,
    pub effect: Effect,
    /// The description for the user.
    pub what: String,
    /// What clients may notice.
    pub notes: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Act {
    /// By host.
    Guarded(Vec<(String, Guarded)>),
    Reboot(String),
}

pub(super) fn name(command: &DrillCommand) -> &'static str {
    match command {
        DrillCommand::Failover { .. } => "failover",
        DrillCommand::RsLoss { .. } => "rs-loss",
        DrillCommand::AllRsLoss { .. } => "all-rs-loss",
        DrillCommand::SplitBrain { .. } => "split-brain",
        DrillCommand::Reboot { .. } => "reboot",
    }
}

fn host<'c>(cluster: &'c Cluster, name: &str) -> Result<&'c Host, String> {
    let mut all = cluster.hosts.iter();
    all.find(|host| host.name == name).ok_or_else(|| {
        let names: Vec<&str> = cluster
            .hosts
            .iter()
            .map(|host| host.name.as_str())
            .collect();
        format!(
            "no host is named {name:?}; the hosts are {}",
            names.join(", ")
        )
    })
}

fn served<'c>(cluster: &'c Cluster, host: &str) -> Vec<&'c Service> {
    let all = cluster.services.iter();
    all.filter(|service| service.real_servers.iter().any(|rs| rs.host == host))
        .collect()
}

/// The target of the clients' requests.
pub(super) fn target(cluster: &Cluster, command: &DrillCommand) -> Result<Target, String> {
    let concerned = match command {
        DrillCommand::AllRsLoss { name, .. } => Some(measure::service(cluster, name)?),
        DrillCommand::RsLoss { host: name, .. } => {
            host(cluster, name)?;
            let first = served(cluster, name).into_iter().next();
            Some(first.ok_or_else(|| format!("{name} is no real server of any service"))?)
        }
        DrillCommand::Reboot { host: name, .. } => {
            host(cluster, name)?;
            served(cluster, name).into_iter().next()
        }
        DrillCommand::Failover { .. } | DrillCommand::SplitBrain { .. } => None,
    };
    let service = match &command.args().service {
        Some(name) => measure::service(cluster, name)?,
        None => concerned
            .or(cluster.services.first())
            .ok_or_else(|| "the cluster has no service that clients could ask for".to_owned())?,
    };
    Target::of(service, Wish::default())
}

/// The disturbed hosts, besides the directors.
pub(super) fn others<'c>(
    cluster: &'c Cluster,
    command: &DrillCommand,
) -> Result<Vec<&'c Host>, String> {
    Ok(match command {
        DrillCommand::RsLoss { host: name, .. } | DrillCommand::Reboot { host: name, .. } => {
            vec![host(cluster, name)?]
        }
        DrillCommand::AllRsLoss { name, .. } => {
            let service = measure::service(cluster, name)?;
            let serves = |host: &&Host| service.real_servers.iter().any(|rs| rs.host == host.name);
            cluster.hosts.iter().filter(serves).collect()
        }
        DrillCommand::Failover { .. } | DrillCommand::SplitBrain { .. } => Vec::new(),
    })
}

/// Fails if the drill is not possible in this cluster.
pub(super) fn possible(cluster: &Cluster, command: &DrillCommand) -> Result<(), String> {
    match command {
        DrillCommand::Failover { .. } | DrillCommand::SplitBrain { .. } => {
            if !cluster.keepalived || cluster.directors().count() < 2 {
                return Err(format!(
                    "the drill {} needs two directors under keepalived: no other director takes over here",
                    name(command)
                ));
            }
        }
        DrillCommand::RsLoss { host: name, .. } => {
            let is_director = host(cluster, name)?.is_director();
            if is_director {
                return Err(format!(
                    "{name} is a director too: `lvsctl drill failover` and `lvsctl drill reboot` are about it"
                ));
            }
        }
        DrillCommand::Reboot { host: name, .. } => {
            if host(cluster, name)?.connection == Connection::Local {
                return Err(format!("{name} is this machine, on which lvsctl runs"));
            }
        }
        DrillCommand::AllRsLoss { .. } => {}
    }
    Ok(())
}

pub(super) fn of(
    cluster: &Cluster,
    command: &DrillCommand,
    target: &Target,
    seen: &[Observed],
) -> Result<Plan, String> {
    let seconds = (LONGEST + command.args().time).as_secs() + SPARE;
    match command {
        DrillCommand::Failover { director, .. } => {
            failover(cluster, director.as_deref(), target.vip, seen, seconds)
        }
        DrillCommand::RsLoss { host: name, .. } => {
            let services = served(cluster, name);
            loss(cluster, &services, &[host(cluster, name)?], seconds)
        }
        DrillCommand::AllRsLoss { name, .. } => {
            let service = measure::service(cluster, name)?;
            let mut plan = loss(cluster, &[service], &others(cluster, command)?, seconds)?;
            plan.notes.push(match &service.sorry_server {
                Some(sorry) => format!(
                    "the sorry server {} answers meanwhile",
                    sorry
                        .host
                        .clone()
                        .unwrap_or_else(|| sorry.address.to_string())
                ),
                None => format!("{name} has no sorry server: its clients get no answer meanwhile"),
            });
            Ok(plan)
        }
        DrillCommand::SplitBrain { .. } => Ok(split(cluster, seconds)),
        DrillCommand::Reboot { host, .. } => Ok(reboot(host, seen)),
    }
}

fn list(vips: &BTreeSet<IpAddr>) -> String {
    let all: Vec<String> = vips.iter().map(IpAddr::to_string).collect();
    all.join(", ")
}

fn failover(
    cluster: &Cluster,
    director: Option<&str>,
    vip: IpAddr,
    seen: &[Observed],
    seconds: u64,
) -> Result<Plan, String> {
    let holder = match director {
        Some(name) => {
            let is_director = host(cluster, name)?.is_director();
            let holds = seen
                .iter()
                .find(|one| one.director == name && !one.vips.is_empty());
            match holds {
                Some(holder) => holder,
                None if !is_director => return Err(format!("{name} is no director")),
                None => {
                    return Err(format!(
                        "{name} holds no VIP: its loss moves nothing; `lvsctl status` shows who holds them"
                    ));
                }
            }
        }
        None => seen
            .iter()
            .find(|one| one.vips.contains(&vip))
            .ok_or_else(|| format!("no director holds the VIP {vip}"))?,
    };
    let name = &holder.director;
    let floating: BTreeSet<IpAddr> = cluster.floating_vips().collect();
    let vips: BTreeSet<IpAddr> = holder.vips.intersection(&floating).copied().collect();
    let guarded = Guarded {
        title: "stop keepalived".to_owned(),
        act: if_there("stop", KEEPALIVED),
        undo: if_there("start", KEEPALIVED),
        seconds,
    };
    Ok(Plan {
        what: format!("stop keepalived on {name}, which holds {}", list(&vips)),
        act: Act::Guarded(vec![(name.clone(), guarded)]),
        effect: Effect::TakenFrom(name.clone(), vips),
        notes: Vec::new(),
    })
}

fn loss(
    cluster: &Cluster,
    services: &[&Service],
    hosts: &[&Host],
    seconds: u64,
) -> Result<Plan, String> {
    let mut acts = Vec::new();
    for host in hosts {
        let blocked = Blocked::of(host, services);
        if blocked.is_empty() {
            return Err(format!("{} has no port that could be lost", host.name));
        }
        let guarded = Guarded {
            title: "drop packets to its services".to_owned(),
            act: blocked.put(&cluster.name),
            undo: blocked.take_out(&cluster.name),
            seconds,
        };
        acts.push((host.name.clone(), guarded));
    }
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    let effect = Effect::out(cluster, services, &names);
    let mut notes = Vec::new();
    if services
        .iter()
        .any(|service| service.health_check.is_none())
    {
        notes.push(
            "a service has no health check: what goes to a lost real server is lost all the time"
                .to_owned(),
        );
    }
    if services.iter().any(|service| service.persistence.is_some()) {
        notes.push(
            "a service is persistent: a client that is on another real server notices nothing"
                .to_owned(),
        );
    }
    Ok(Plan {
        what: format!(
            "drop packets to {} on {}",
            count(services.len(), "service"),
            names.join(", ")
        ),
        act: Act::Guarded(acts),
        effect,
        notes,
    })
}

fn split(cluster: &Cluster, seconds: u64) -> Plan {
    let blocked = without_vrrp(cluster);
    let directors: Vec<&str> = cluster.directors().map(|host| host.name.as_str()).collect();
    let acts = directors.iter().map(|name| {
        let guarded = Guarded {
            title: "drop VRRP".to_owned(),
            act: blocked.put(&cluster.name),
            undo: blocked.take_out(&cluster.name),
            seconds,
        };
        ((*name).to_owned(), guarded)
    });
    Plan {
        what: format!(
            "drop VRRP on {}: each of them becomes master",
            directors.join(", ")
        ),
        act: Act::Guarded(acts.collect()),
        effect: Effect::Split,
        notes: Vec::new(),
    }
}

fn reboot(name: &str, seen: &[Observed]) -> Plan {
    let holder = seen
        .iter()
        .find(|one| one.director == name && !one.vips.is_empty());
    let (what, effect) = match holder {
        Some(holder) => (
            format!("reboot {name}, which holds {}", list(&holder.vips)),
            if seen.len() > 1 {
                Effect::TakenFrom(name.to_owned(), holder.vips.clone())
            } else {
                Effect::None
            },
        ),
        None => (format!("reboot {name}"), Effect::None),
    };
    Plan {
        act: Act::Reboot(name.to_owned()),
        effect,
        what,
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::inventory::{self, BUILT_IN_ROLES};
    use clap::Parser as _;

    const TEXT: &str = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                        lb2: { role: backup, address: 10.0.0.2 }\n  rs1: { role: realserver, address: 10.0.0.3 }\n  \
                        rs2: { role: realserver, address: 10.0.0.4 }\n  c1: { role: client, address: 10.0.0.20 }\n\
                        vrrp: { virtual_router_id: 1 }\nservices: { web: { vip: 10.0.0.9, port: 80, health_check: tcp } }\n";

    fn planned(text: &str, words: &str, holder: &str) -> Result<String, String> {
        let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(100, false)));
        let words = format!("lvsctl drill {words}");
        let cli = Cli::try_parse_from(words.split(' ')).unwrap_or_else(|e| panic!("{e}"));
        let Command::Drill(command) = cli.command else {
            panic!("{words}");
        };
        let seen: Vec<Observed> = ["lb1", "lb2"]
            .into_iter()
            .map(|name| Observed {
                director: name.to_owned(),
                vips: (name == holder)
                    .then(|| "10.0.0.9".parse().unwrap())
                    .into_iter()
                    .collect(),
                takers: BTreeSet::new(),
            })
            .collect();
        let cluster = &loaded.cluster;
        possible(cluster, &command)?;
        let target = target(cluster, &command)?;
        others(cluster, &command)?;
        let plan = of(cluster, &command, &target, &seen)?;
        let on = match &plan.act {
            Act::Guarded(acts) => acts
                .iter()
                .map(|(host, _)| host.clone())
                .collect::<Vec<_>>()
                .join(" "),
            Act::Reboot(host) => host.clone(),
        };
        let effect = match plan.effect {
            Effect::TakenFrom(..) => "taken",
            Effect::Split => "split",
            Effect::Out(servers) => {
                return Ok(format!("{}; on {on}; out {}", plan.what, servers.len()));
            }
            Effect::None => "-",
        };
        Ok(format!("{}; on {on}; {effect}", plan.what))
    }

    #[test]
    fn a_drill_follows_from_what_directors_hold() {
        for (words, holder, expected) in [
            (
                "failover",
                "lb1",
                "stop keepalived on lb1, which holds 10.0.0.9; on lb1; taken",
            ),
            (
                "failover",
                "lb2",
                "stop keepalived on lb2, which holds 10.0.0.9; on lb2; taken",
            ),
            (
                "failover --director lb1",
                "lb1",
                "stop keepalived on lb1, which holds 10.0.0.9; on lb1; taken",
            ),
            (
                "rs-loss rs1",
                "lb1",
                "drop packets to 1 service on rs1; on rs1; out 1",
            ),
            (
                "all-rs-loss web",
                "lb1",
                "drop packets to 1 service on rs1, rs2; on rs1 rs2; out 2",
            ),
            (
                "split-brain",
                "lb1",
                "drop VRRP on lb1, lb2: each of them becomes master; on lb1 lb2; split",
            ),
            (
                "reboot lb1",
                "lb1",
                "reboot lb1, which holds 10.0.0.9; on lb1; taken",
            ),
            ("reboot rs1", "lb1", "reboot rs1; on rs1; -"),
        ] {
            assert_eq!(
                planned(TEXT, words, holder).as_deref(),
                Ok(expected),
                "{words}"
            );
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let alone = TEXT
            .replace("  lb2: { role: backup, address: 10.0.0.2 }\n", "")
            .replace("vrrp: { virtual_router_id: 1 }\n", "");
        for (text, words, holder, why) in [
            (TEXT, "failover --director lb2", "lb1", "lb2 holds no VIP"),
            (TEXT, "failover --director rs1", "lb1", "rs1 is no director"),
            (
                TEXT,
                "failover --director x",
                "lb1",
                "no host is named \"x\"",
            ),
            (
                TEXT,
                "failover",
                "no director",
                "no director holds the VIP 10.0.0.9",
            ),
            (alone.as_str(), "failover", "lb1", "needs two directors"),
            (TEXT, "rs-loss lb1", "lb1", "lb1 is a director too"),
            (TEXT, "rs-loss c1", "lb1", "c1 is no real server"),
            (
                TEXT,
                "all-rs-loss shop",
                "lb1",
                "no service is named \"shop\"",
            ),
            (
                TEXT,
                "failover --service shop",
                "lb1",
                "no service is named \"shop\"",
            ),
            (TEXT, "reboot x", "lb1", "no host is named \"x\""),
        ] {
            let error = planned(text, words, holder).unwrap_err();
            assert!(error.contains(why), "{words}: {error}");
        }
    }
}
