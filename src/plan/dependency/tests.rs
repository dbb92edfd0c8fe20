//! A table of edits, each with the hosts of the run and what was reached: what is withheld.

mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::*;
use crate::fact::ipvs::Served;
use crate::inventory::{self, BUILT_IN_ROLES};
use crate::keepalived::CONFIGURATION;
use crate::plan::load;
use crate::resource::{Distribution, Resource};
use crate::role::Roles;
use crate::view;

const HOSTS: &str = "lb1: director 10.0.0.1, lb2: backup 10.0.0.2, rs1: realserver 10.0.0.11, rs2: realserver 10.0.0.12";
const VRRP: &str = "{ virtual_router_id: 1 }";
const WEB: &str = "{ vip: 10.0.0.9, port: 80, real_servers: [rs1, rs2], health_check: tcp }";

/// A cluster in short: hosts, VRRP (none: without keepalived), services.
#[derive(Clone, Copy)]
struct Of {
    hosts: &'static str,
    vrrp: &'static str,
    web: &'static str,
    more: &'static str,
}

const BASE: Of = Of {
    hosts: HOSTS,
    vrrp: VRRP,
    web: WEB,
    more: "",
};
const THREE: Of = Of {
    hosts: "lb1: director 10.0.0.1, lb2: backup 10.0.0.2, rs1: realserver 10.0.0.11, rs2: realserver 10.0.0.12, \
            rs3: realserver 10.0.0.13",
    web: "{ vip: 10.0.0.9, port: 80, real_servers: [rs1, rs2, rs3], health_check: tcp }",
    ..BASE
};
/// rs2 stays a host, and serves nothing.
const ONE: Of = Of {
    web: "{ vip: 10.0.0.9, port: 80, real_servers: [rs1], health_check: tcp }",
    ..BASE
};
const TUN: Of = Of {
    web: "{ vip: 10.0.0.9, port: 80, mode: tun, real_servers: [rs1, rs2], health_check: tcp }",
    ..BASE
};
const TWO_VIPS: Of = Of {
    web: "{ vip: [10.0.0.9, 10.0.0.8], port: 80, real_servers: [rs1, rs2], health_check: tcp }",
    ..BASE
};
const TWO_SERVICES: Of = Of {
    more: "  api: { vip: 10.0.0.9, port: 81, real_servers: [rs1, rs2], health_check: tcp }\n",
    ..BASE
};
const OTHER_VIP: Of = Of {
    more: "  api: { vip: 10.0.0.8, port: 81, real_servers: [rs2], health_check: tcp }\n",
    ..BASE
};
const SLOW: Of = Of {
    vrrp: "{ virtual_router_id: 1, advert_int: 3 }",
    ..BASE
};
const ALONE: Of = Of {
    hosts: "lb1: director 10.0.0.1, rs1: realserver 10.0.0.11, rs2: realserver 10.0.0.12",
    vrrp: "",
    ..BASE
};
const ALONE_ONE: Of = Of {
    web: "{ vip: 10.0.0.9, port: 80, real_servers: [rs1], health_check: tcp }",
    ..ALONE
};
const UNICAST: Of = Of {
    vrrp: "{ virtual_router_id: 1, unicast: true }",
    ..BASE
};
const UNICAST_THREE: Of = Of {
    hosts: "lb1: director 10.0.0.1, lb2: backup 10.0.0.2, lb3: backup 10.0.0.3, rs1: realserver 10.0.0.11, \
            rs2: realserver 10.0.0.12",
    ..UNICAST
};
const NAT: Of = Of {
    web: "{ vip: 10.0.0.9, port: 80, mode: nat, real_port: 8080, real_servers: [rs1, rs2], health_check: tcp }",
    ..BASE
};
const NAT_ONE: Of = Of {
    web: "{ vip: 10.0.0.9, port: 80, mode: nat, real_port: 8080, real_servers: [rs1], health_check: tcp }",
    ..BASE
};
const NAT_PORT: Of = Of {
    web: "{ vip: 10.0.0.9, port: 80, mode: nat, real_port: 8081, real_servers: [rs1, rs2], health_check: tcp }",
    ..BASE
};
const SORRY: Of = Of {
    web: "{ vip: 10.0.0.9, port: 80, real_servers: [rs1], sorry_server: 10.0.0.12, health_check: tcp }",
    ..BASE
};

impl Of {
    fn cluster(&self) -> Cluster {
        let hosts = self.hosts.split(", ").map(|host| {
            let words: Vec<&str> = host.split([':', ' ']).filter(|w| !w.is_empty()).collect();
            let [name, role, address] = words[..] else {
                panic!("{host}")
            };
            let serves = self.web.contains(name) || self.more.contains(name);
            let roles = match role {
                "realserver" if serves => "[realserver, web]",
                "realserver" => "web",
                _ => role,
            };
            format!("  {name}: {{ role: {roles}, address: {address} }}\n")
        });
        let vrrp = match self.vrrp {
            "" => String::new(),
            vrrp => format!("vrrp: {vrrp}\n"),
        };
        let text = format!(
            "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n{}{vrrp}services:\n  web: {}\n{}",
            hosts.collect::<String>(),
            self.web,
            self.more
        );
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES);
        let loaded = loaded.unwrap_or_else(|e| panic!("{}\n{text}", e.render(100, false)));
        loaded.cluster
    }
}

/// What a host is in an inventory: its resources; nothing where it is no host there, or was never made.
fn resources(cluster: &Cluster, host: &str) -> Vec<Resource> {
    let roles = Roles::load(None).expect("roles");
    let Some(host) = cluster.hosts.iter().find(|known| known.name == host) else {
        return Vec::new();
    };
    let all = roles.over(cluster).of(host, &Distribution::assumed());
    all.expect("resources")
}

fn configuration(resources: &[Resource]) -> &str {
    let file = resources.iter().find_map(|resource| match resource {
        Resource::File(file) if file.path == CONFIGURATION => Some(file.content.as_str()),
        _ => None,
    });
    file.unwrap_or_default()
}

/// A host as it is, and as it shall be.
struct Made {
    now: Vec<Resource>,
    then: Vec<Resource>,
    table: Table,
    ipvs: Vec<Ipvs>,
    apart: BTreeSet<String>,
}

impl Made {
    fn new(before: Option<&Cluster>, after: &Cluster, host: &Host) -> Self {
        let now = before.map_or_else(Vec::new, |before| resources(before, &host.name));
        let then = resources(after, &host.name);
        let ipvs = before.filter(|_| host.is_director() && !now.is_empty());
        let ipvs = ipvs.map(view::ipvs).unwrap_or_default();
        let mut table = Table::default();
        table.services.extend(ipvs.iter().map(|ipvs| {
            Served {
                definition: ipvs.service.clone(),
                real_servers: ipvs
                    .real_servers
                    .iter()
                    .map(|rs| (rs.address, rs.clone()))
                    .collect(),
            }
        }));
        let vips = before.filter(|_| host.name == "lb1");
        let vips: BTreeSet<IpAddr> = vips.map(Cluster::all_vips).unwrap_or_default();
        let apart = load::apart(configuration(&now), configuration(&then), &vips);
        Self {
            now,
            then,
            table,
            ipvs,
            apart,
        }
    }

    fn seen(&self) -> Observed<'_> {
        let stays = |was: &Resource| self.then.iter().any(|is| is.is_same_as(was));
        let alters = |was: &Resource| {
            let same = self.then.iter().find(|is| is.is_same_as(was));
            matches!(was.kind(), "file" | "route") && same.is_some_and(|is| is != was)
        };
        let runs = !configuration(&self.now).is_empty();
        Observed {
            differs: self.now != self.then,
            takes_away: !self.now.iter().all(stays),
            alters: self.now.iter().any(alters),
            table: &self.table,
            recorded: self.ipvs.iter().collect(),
            loaded: runs,
            speaks: runs,
            apart: self.apart.clone(),
        }
    }
}

struct Case {
    what: &'static str,
    /// None: no host was ever made.
    before: Option<Of>,
    after: Of,
    /// Empty: all hosts.
    limit: &'static str,
    unreached: &'static str,
    /// Hosts that this run began to change, and that failed.
    failed: &'static str,
    /// Hosts that are as they shall be already.
    done: &'static str,
    withheld: &'static [&'static str],
}

const ALL: Case = Case {
    what: "",
    before: Some(BASE),
    after: BASE,
    limit: "",
    unreached: "",
    failed: "",
    done: "",
    withheld: &[],
};

fn is_in(names: &str, host: &Host) -> bool {
    names.split(',').any(|name| name == host.name)
}

fn said(one: &Withheld) -> String {
    let what = match one.what {
        What::RealServer => format!(
            "without {} in {}",
            one.real_server.as_deref().unwrap_or_default(),
            one.service.as_deref().unwrap_or_default()
        ),
        What::Removals => "keeps all".to_owned(),
        What::Changes => "unchanged".to_owned(),
    };
    let why = one.because.iter();
    let why: Vec<String> = why.map(|b| format!("{} {:?}", b.host, b.state)).collect();
    format!("{} {what}: {}", one.host, why.join(", ").to_lowercase())
}

impl Case {
    /// Hosts outside the run that are read, and what is withheld then.
    fn run(&self, destroy: bool) -> Vec<String> {
        let after = self.after.cluster();
        let before = self.before.map(|before| before.cluster());
        let was = |host: &Host| match is_in(self.done, host) {
            true => Some(&after),
            false => before.as_ref(),
        };
        let hosts = after.hosts.iter();
        let made = hosts.map(|host| (host.name.as_str(), Made::new(was(host), &after, host)));
        let made: BTreeMap<&str, Made> = made.collect();
        let seen = |host: &Host| {
            let seen = made[host.name.as_str()].seen();
            // All that is there differs from nothing.
            let differs = seen.differs || destroy;
            Observed { differs, ..seen }
        };
        let view = |host, chosen| HostView {
            host,
            chosen,
            failed: is_in(self.failed, host),
            seen: (!is_in(self.unreached, host)).then(|| seen(host)),
        };
        let chosen = |host: &&Host| self.limit.is_empty() || is_in(self.limit, host);
        let hosts = after.hosts.iter();
        let mut views: Vec<HostView> = hosts.filter(chosen).map(|host| view(host, true)).collect();
        let more = match destroy {
            true => needed_to_leave(&after, &views),
            false => needed(&after, &views),
        };
        views.extend(more.into_iter().map(|host| view(host, false)));
        let decisions = match destroy {
            true => decide_to_leave(&after, &views),
            false => decide(&after, &views),
        };
        decisions.withheld.iter().map(said).collect()
    }

    fn check(&self, destroy: bool) {
        assert_eq!(self.run(destroy), self.withheld, "{}", self.what);
    }
}

#[test]
fn a_real_server_that_leaves_keeps_all_until_no_director_sends_to_it() {
    for case in cases::LEAVES {
        case.check(false);
    }
}

#[test]
fn a_director_gets_no_real_server_that_is_not_ready() {
    for case in cases::COMES {
        case.check(false);
    }
}

#[test]
fn hosts_that_change_with_the_directors_are_known_before() {
    for (about, before, after, expected) in [
        ("nothing changes how they are sent to", BASE, THREE, ""),
        ("one leaves", BASE, ONE, ""),
        ("another mode", BASE, TUN, "rs1 rs2"),
        ("another port", NAT, NAT_PORT, "rs1 rs2"),
    ] {
        let (before, after) = (before.cluster(), after.cluster());
        let made = after
            .hosts
            .iter()
            .map(|host| Made::new(Some(&before), &after, host));
        let made: Vec<Made> = made.collect();
        let views = after.hosts.iter().zip(&made).map(|(host, made)| HostView {
            host,
            chosen: true,
            failed: false,
            seen: Some(made.seen()),
        });
        let found = reshaped(&after, &views.collect::<Vec<_>>());
        let found: Vec<String> = found.into_iter().collect();
        assert_eq!(found.join(" "), expected, "{about}");
    }
}

#[test]
fn both_sides_change_together_how_packets_are_sent() {
    for (before, after) in [(BASE, TUN), (BASE, NAT), (NAT, NAT_PORT)] {
        for case in cases::RESHAPED {
            let case = Case {
                before: Some(before),
                after,
                ..*case
            };
            case.check(false);
        }
    }
}

#[test]
fn members_of_an_instance_change_together_what_they_say() {
    for case in cases::ADVERTS {
        case.check(false);
    }
}

#[test]
fn a_real_server_is_taken_away_when_all_directors_were_reached() {
    for case in cases::DESTROY {
        case.check(true);
    }
}
