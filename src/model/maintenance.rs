//! Maintenance: hosts that are drained until an operator ends it, and the effect on the desired cluster. Pure. The record on
//! directors belongs in [`crate::plan::maintenance`].

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{Cluster, VrrpInstance};

/// All drains of a cluster, as its directors have them recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Increases with each drain and undrain; the record with the highest revision is the newest. 0: no record.
    pub revision: u64,
    pub drains: Vec<Drain>,
}

/// A host that is out of service. Times are seconds since the epoch, by the clock of lvsctl's machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    pub host: String,
    /// None: all services, and the VIPs of a director.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Who drained it: user and machine.
    pub by: String,
    pub since: u64,
    /// The expected end of the work. The drain does not end then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Drain {
    pub fn is_of(&self, host: &str, service: Option<&str>) -> bool {
        self.host == host && self.service.as_deref() == service
    }

    /// Whether its time is over.
    pub fn has_passed(&self, now: u64) -> bool {
        self.until.is_some_and(|until| until < now)
    }

    /// The command that ends it.
    pub fn end(&self) -> String {
        match &self.service {
            Some(service) => format!("lvsctl undrain {} --service {service}", self.host),
            None => format!("lvsctl undrain {}", self.host),
        }
    }
}

/// Why a drain cannot be ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDrained {
    #[error("{host} is not drained{}", .service.as_ref().map(|name| format!(" in {name}")).unwrap_or_default())]
    Nowhere {
        host: String,
        service: Option<String>,
    },
    #[error(
        "{host} is drained in all services: `lvsctl undrain {host}` ends that; then drain it in those where it is to stay out"
    )]
    InAll { host: String },
}

impl Maintenance {
    /// The newest of several records. Different records of one revision come from two runs that reached different directors;
    /// the one with the latest drain counts.
    pub fn newest<'m>(records: impl IntoIterator<Item = &'m Self>) -> Option<&'m Self> {
        let latest = |record: &Self| record.drains.iter().map(|drain| drain.since).max();
        records
            .into_iter()
            .filter(|record| record.revision > 0)
            .max_by_key(|record| (record.revision, latest(record)))
    }

    /// With a further drain, which replaces an earlier one of the same host and service.
    pub fn with(&self, drain: Drain) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        next.drains
            .retain(|known| !known.is_of(&drain.host, drain.service.as_deref()));
        next.drains.push(drain);
        next
    }

    /// Without the drains of a host, or without its drain in one service.
    pub fn without(&self, host: &str, service: Option<&str>) -> Result<Self, NotDrained> {
        let mut next = self.clone();
        next.revision += 1;
        next.drains.retain(|known| match service {
            None => known.host != host,
            Some(_) => !known.is_of(host, service),
        });
        if next.drains.len() < self.drains.len() {
            return Ok(next);
        }
        let host = host.to_owned();
        Err(if self.drains_host(&host) {
            NotDrained::InAll { host }
        } else {
            let service = service.map(str::to_owned);
            NotDrained::Nowhere { host, service }
        })
    }

    pub fn drains_server(&self, host: &str, service: &str) -> bool {
        let mut all = self.drains.iter().filter(|drain| drain.host == host);
        all.any(|drain| drain.service.as_deref().is_none_or(|own| own == service))
    }

    pub fn drains_host(&self, host: &str) -> bool {
        self.drains.iter().any(|drain| drain.is_of(host, None))
    }

    /// The cluster of an inventory with the drains: drained real servers have weight 0, and drained directors hold VIPs only
    /// if no other director can.
    pub fn over(&self, inventory: &Cluster) -> Cluster {
        let mut cluster = inventory.clone();
        for service in &mut cluster.services {
            for rs in &mut service.real_servers {
                if self.drains_server(&rs.host, &service.name) {
                    rs.weight = 0;
                }
            }
        }
        for instance in &mut cluster.vrrp {
            step_back(instance, |host| self.drains_host(host));
        }
        cluster.maintenance = Some(self.clone());
        cluster
    }
}

/// Gives drained members the lowest priorities. The others preempt them even in an instance without preemption: otherwise a
/// drained member that boots first would keep the VIPs.
fn step_back(instance: &mut VrrpInstance, drained: impl Fn(&str) -> bool) {
    let members = &mut instance.members;
    let count = members.iter().filter(|m| drained(&m.host)).count();
    if count == 0 {
        return;
    }
    if count < members.len() {
        instance.preempt = true;
    }
    members.sort_by_key(|member| (!drained(&member.host), member.priority));
    let mut last = 0_u8;
    for member in members.iter_mut() {
        let own = if drained(&member.host) {
            0
        } else {
            member.priority
        };
        // VRRP has 254 priorities, and clusters fewer directors.
        last = own.max(last.saturating_add(1));
        member.priority = last;
    }
    members.sort_by_key(|member| Reverse(member.priority));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    fn drain(host: &str, service: Option<&str>) -> Drain {
        Drain {
            host: host.to_owned(),
            service: service.map(str::to_owned),
            by: "ann@desk".to_owned(),
            since: 100,
            until: None,
            reason: None,
        }
    }

    fn record(revision: u64, drains: &[(&str, Option<&str>)]) -> Maintenance {
        let drains = drains.iter().map(|(host, service)| drain(host, *service));
        Maintenance {
            revision,
            drains: drains.collect(),
        }
    }

    fn cluster(vrrp: &str) -> Cluster {
        let text = format!(
            "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: {{ role: director, address: 10.0.0.1 }}\n  \
             lb2: {{ role: backup, address: 10.0.0.2 }}\n  lb3: {{ role: backup, address: 10.0.0.3 }}\n  \
             rs1: {{ role: realserver, address: 10.0.0.11, weight: 3 }}\n  \
             rs2: {{ role: realserver, address: 10.0.0.12, weight: 0 }}\n\
             vrrp: {{ virtual_router_id: 1, {vrrp} }}\n\
             services:\n  web: {{ vip: 10.0.0.9, port: 80 }}\n  mail: {{ vip: 10.0.0.9, port: 25, real_servers: {{ rs1: {{ weight: 5 }}, rs2: {{ weight: 7 }} }} }}\n"
        );
        match inventory::parse("t.yaml", &text, BUILT_IN_ROLES) {
            Ok(loaded) => loaded.cluster,
            Err(error) => panic!("{}", error.render(100, false)),
        }
    }

    #[test]
    fn what_is_drained_has_weight_0() {
        let inventory = cluster("preempt: true");
        for (about, record, expected) in [
            (
                "nothing",
                record(1, &[]),
                "web rs1 3, web rs2 0, mail rs1 5, mail rs2 0",
            ),
            (
                "everywhere",
                record(1, &[("rs1", None)]),
                "web rs1 0, web rs2 0, mail rs1 0, mail rs2 0",
            ),
            (
                "in one service",
                record(1, &[("rs1", Some("mail"))]),
                "web rs1 3, web rs2 0, mail rs1 0, mail rs2 0",
            ),
            (
                "the weight 0 of a host wins also without a drain",
                record(1, &[("rs2", Some("web"))]),
                "web rs1 3, web rs2 0, mail rs1 5, mail rs2 0",
            ),
            (
                "a host that the inventory does not have",
                record(1, &[("rs9", None)]),
                "web rs1 3, web rs2 0, mail rs1 5, mail rs2 0",
            ),
        ] {
            let services = record.over(&inventory).services;
            let weights: Vec<String> = services
                .iter()
                .flat_map(|s| {
                    let all = s.real_servers.iter();
                    all.map(move |rs| format!("{} {} {}", s.name, rs.host, rs.weight))
                })
                .collect();
            assert_eq!(weights.join(", "), expected, "{about}");
        }
    }

    #[test]
    fn a_drained_director_comes_last() {
        for (about, vrrp, drained, expected, preempts) in [
            (
                "none",
                "members: { lb1: { priority: 100 }, lb2: { priority: 90 }, lb3: { priority: 80 } }",
                vec![],
                "lb1 100, lb2 90, lb3 80",
                true,
            ),
            (
                "the first",
                "members: { lb1: { priority: 100 }, lb2: { priority: 90 }, lb3: { priority: 80 } }",
                vec![("lb1", None)],
                "lb2 90, lb3 80, lb1 1",
                true,
            ),
            (
                "two, in their order",
                "members: { lb1: { priority: 100 }, lb2: { priority: 90 }, lb3: { priority: 80 } }",
                vec![("lb2", None), ("lb1", None)],
                "lb3 80, lb1 2, lb2 1",
                true,
            ),
            (
                "others have the lowest priorities",
                "members: { lb1: { priority: 3 }, lb2: { priority: 2 }, lb3: { priority: 1 } }",
                vec![("lb1", None)],
                "lb2 3, lb3 2, lb1 1",
                true,
            ),
            (
                "in a service alone, which is about real servers",
                "members: { lb1: { priority: 100 }, lb2: { priority: 90 }, lb3: { priority: 80 } }",
                vec![("lb1", Some("web"))],
                "lb1 100, lb2 90, lb3 80",
                true,
            ),
            (
                "members that do not preempt take the VIPs back from it",
                "preempt: false, members: { lb1: { priority: 100 }, lb2: { priority: 90 }, lb3: { priority: 80 } }",
                vec![("lb3", None)],
                "lb1 100, lb2 90, lb3 1",
                true,
            ),
            (
                "no member is left to take them",
                "preempt: false, members: { lb1: { priority: 100 }, lb2: { priority: 90 }, lb3: { priority: 80 } }",
                vec![("lb1", None), ("lb2", None), ("lb3", None)],
                "lb1 3, lb2 2, lb3 1",
                false,
            ),
        ] {
            let cluster = record(1, &drained).over(&cluster(vrrp));
            let instance = &cluster.vrrp[0];
            let members = instance.members.iter();
            let members: Vec<String> = members
                .map(|m| format!("{} {}", m.host, m.priority))
                .collect();
            assert_eq!(members.join(", "), expected, "{about}");
            assert_eq!(instance.preempt, preempts, "{about}");
        }
    }

    #[test]
    fn the_newest_record_counts() {
        let none = Maintenance::default();
        let old = record(1, &[("rs1", None)]);
        let ended = record(2, &[]);
        let later = Maintenance {
            revision: 1,
            drains: vec![Drain {
                since: 200,
                ..drain("rs2", None)
            }],
        };
        for (records, newest) in [
            (vec![&none], None),
            (vec![&none, &old], Some(&old)),
            (vec![&old, &ended], Some(&ended)),
            (vec![&later, &old], Some(&later)),
            (vec![], None),
        ] {
            assert_eq!(Maintenance::newest(records.iter().copied()), newest);
        }
    }

    #[test]
    fn drains_come_and_go() {
        let both = record(4, &[("rs1", None), ("rs1", Some("web")), ("rs2", None)]);
        let shown = |record: &Maintenance| -> Vec<String> {
            let all = record.drains.iter();
            all.map(|d| format!("{} {}", d.host, d.service.as_deref().unwrap_or("all")))
                .collect()
        };
        let again = both.with(drain("rs1", None));
        assert_eq!(again.revision, 5);
        assert_eq!(shown(&again), ["rs1 web", "rs2 all", "rs1 all"]);
        for (host, service, left) in [
            ("rs1", None, Ok(vec!["rs2 all"])),
            ("rs1", Some("web"), Ok(vec!["rs1 all", "rs2 all"])),
            (
                "rs2",
                Some("web"),
                Err(
                    "rs2 is drained in all services: `lvsctl undrain rs2` ends that; then drain it in those where it is \
                     to stay out",
                ),
            ),
            ("rs3", None, Err("rs3 is not drained")),
            ("rs3", Some("web"), Err("rs3 is not drained in web")),
        ] {
            let found = both.without(host, service);
            let found = found.as_ref().map(shown).map_err(ToString::to_string);
            let expected = left
                .map(|all| all.into_iter().map(str::to_owned).collect())
                .map_err(str::to_owned);
            assert_eq!(found, expected, "{host} {service:?}");
        }
    }
}
