//! The connection table of the serving director, by service of the inventory. For connections that stay in SYN_RECV, adds the
//! findings of `verify` on their real server.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::check::{self, Asking, Findings, Severity};
use crate::fact::Needs;
use crate::fact::ipvs::Entries;
use crate::fact::ipvs::entries::{EntryProtocol, Requested};
use crate::model::{Cluster, Host, Protocol, Service};
use crate::report::connections::{Connections, OfClient, OfRealServer, OfService, Template};
use crate::report::error::chain;
use crate::run::HostRun;

use super::super::Result;
use super::super::session::Session;

/// Checks whose findings on a real server explain a missing answer to a client's first packet.
const REASONS: [&str; 9] = [
    "vip-not-held",
    "vip-only-on-lo",
    "vip-route-local",
    "reply-route",
    "rp-filter",
    "listener",
    "firewall-vip",
    "arptables-rip",
    "tunnel-mtu",
];

/// The findings of real servers whose connections stay in SYN_RECV; each real server is examined once.
#[derive(Default)]
pub(super) struct Reasons {
    by_host: BTreeMap<String, Vec<String>>,
}

pub(super) fn view(cluster: &Cluster, runs: &[HostRun]) -> Option<Connections> {
    let vips = cluster.all_vips();
    let holds = |run: &&HostRun| vips.iter().any(|vip| run.answer.facts.address.has(*vip));
    let run = runs.iter().find(holds).or_else(|| runs.first())?;
    let entries = &run.answer.facts.ipvs.entries;
    Some(of(cluster, &run.host.name, entries))
}

/// Whether an entry belongs to a service, by VIP and port or by mark.
fn belongs(service: &Service, asked: &Requested) -> bool {
    let (address, port) = (asked.at.ip(), asked.at.port());
    if asked.protocol == EntryProtocol::Ip {
        let mark = match address {
            IpAddr::V4(v4) => u32::from(v4),
            IpAddr::V6(v6) => v6.to_bits() as u32,
        };
        return service.fwmark == Some(mark);
    }
    let protocol = match service.protocol {
        Protocol::Tcp => EntryProtocol::Tcp,
        Protocol::Udp => EntryProtocol::Udp,
    };
    let on_port = || {
        let mut all = service.all_ports().into_iter();
        all.any(|range| (range.first..=range.last).contains(&port))
    };
    asked.protocol == protocol
        && service.vips.iter().any(|vip| vip.address == address)
        && (service.is_every_port() || port == 0 || on_port())
}

fn of(cluster: &Cluster, director: &str, entries: &Entries) -> Connections {
    let mut all = Connections {
        director: director.to_owned(),
        total: entries.total,
        other_clients: entries.other_clients,
        ..Connections::default()
    };
    let home = |asked: &Requested| cluster.services.iter().find(|s| belongs(s, asked));
    let host_of = |address: IpAddr| {
        let mut hosts = cluster.hosts.iter();
        hosts
            .find(|host| host.holds(address))
            .map(|host| host.name.clone())
    };
    let outside = entries
        .sums
        .iter()
        .filter(|sum| home(&sum.place.to).is_none());
    all.other = outside.map(|sum| sum.entries).sum();
    for service in &cluster.services {
        let is_mine =
            |asked: &Requested| home(asked).is_some_and(|found| found.name == service.name);
        let mut servers: BTreeMap<SocketAddr, OfRealServer> = BTreeMap::new();
        for sum in entries.sums.iter().filter(|sum| is_mine(&sum.place.to)) {
            let address = sum.place.real_server;
            let server = servers.entry(address).or_insert_with(|| OfRealServer {
                host: host_of(address.ip()),
                address: address.to_string(),
                ..OfRealServer::default()
            });
            match &sum.state {
                Some(state) => {
                    *server.states.entry(state.clone()).or_default() += sum.entries;
                    server.stuck += sum.stuck;
                }
                None => {
                    server.templates += sum.entries;
                    let (first, last) = server.template_seconds.unwrap_or(sum.expires);
                    let (low, high) = sum.expires;
                    server.template_seconds = Some((first.min(low), last.max(high)));
                }
            }
        }
        let mut clients: BTreeMap<IpAddr, u64> = BTreeMap::new();
        for client in entries.clients.iter().filter(|client| is_mine(&client.to)) {
            *clients.entry(client.address).or_default() += client.entries;
        }
        let mut clients: Vec<OfClient> = clients
            .into_iter()
            .map(|(address, connections)| OfClient {
                client: host_of(address).unwrap_or_else(|| address.to_string()),
                connections,
            })
            .collect();
        clients.sort_by_key(|client| std::cmp::Reverse(client.connections));
        let templates = entries
            .templates
            .iter()
            .filter(|one| is_mine(&one.place.to));
        let named = |address: IpAddr| host_of(address).unwrap_or_else(|| address.to_string());
        let templates = templates.map(|one| Template {
            client: named(one.client),
            real_server: named(one.place.real_server.ip()),
            seconds: one.expires,
        });
        all.services.push(OfService {
            service: service.name.clone(),
            real_servers: servers.into_values().collect(),
            clients,
            templates: templates.collect(),
        });
    }
    all
}

impl Reasons {
    /// Adds to each real server whose connections stay in SYN_RECV the reason.
    pub(super) fn add_to(&mut self, session: &Session, all: &mut Connections) -> Result<()> {
        let servers = || {
            all.services
                .iter()
                .flat_map(|service| &service.real_servers)
        };
        let stuck = servers().filter(|rs| rs.stuck > 0);
        let cluster = session.cluster();
        let unknown: Vec<&Host> = stuck
            .filter_map(|rs| rs.host.as_deref())
            .filter(|name| !self.by_host.contains_key(*name))
            .filter_map(|name| cluster.hosts.iter().find(|host| host.name == name))
            .collect();
        if !unknown.is_empty() {
            self.look(session, &unknown)?;
        }
        let servers = all
            .services
            .iter_mut()
            .flat_map(|service| &mut service.real_servers);
        for rs in servers.filter(|rs| rs.stuck > 0) {
            let known = rs.host.as_ref().and_then(|host| self.by_host.get(host));
            rs.why = known.cloned().unwrap_or_else(|| {
                vec!["it is no host of the inventory: see whether it has the VIP, listens, and has a way to its clients".to_owned()]
            });
        }
        Ok(())
    }

    /// Runs the checks without traffic on these hosts.
    fn look(&mut self, session: &Session, hosts: &[&Host]) -> Result<()> {
        let cluster = session.cluster();
        let more = |host: &Host, needs: &mut Needs| {
            check::needs(cluster, host, needs);
            check::questions(cluster, host, Asking::LeftOut)
        };
        let fleet = session.fleet_asking(&more)?;
        let mut seen: Vec<&Host> = Vec::new();
        for host in hosts {
            if !seen.iter().any(|known| known.name == host.name) {
                seen.push(host);
            }
        }
        let desired = seen
            .into_iter()
            .map(|host| (host, session.context.desired(host)));
        let mut runs = Vec::new();
        for (host, outcome) in fleet.open(desired.collect()) {
            let why = match outcome {
                Ok(run) => {
                    runs.push(run);
                    Vec::new()
                }
                Err(error) => vec![format!(
                    "the host cannot be reached either: {}",
                    chain(&error)
                )],
            };
            self.by_host.insert(host.name.clone(), why);
        }
        let mut findings = Findings::default();
        check::offline(cluster, &runs, &[], &session.access.secrets, &mut findings);
        for finding in &findings.all {
            let kinds = ["address ", "route ", "link ", "unit ", "its part"];
            let is_drift = finding.check.id == "drift"
                && kinds.iter().any(|kind| finding.what.starts_with(kind));
            let known = is_drift || REASONS.contains(&finding.check.id);
            let explains = finding.severity != Severity::Note && known;
            if let Some(why) = self.by_host.get_mut(&finding.host).filter(|_| explains) {
                why.push(format!(
                    "{}: {}: expected {}, found {}; fix: {}",
                    finding.check, finding.what, finding.expected, finding.found, finding.fix
                ));
            }
        }
        for why in self.by_host.values_mut().filter(|why| why.is_empty()) {
            why.push("its VIP, route, listener and filters are as they should be now; `lvsctl verify` looks at the way to it too".to_owned());
        }
        fleet.close(runs);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::ipvs::entries::{Client, EntryPlace, Sum, Template as Kept};
    use crate::inventory::{self, BUILT_IN_ROLES};

    fn asked(protocol: EntryProtocol, at: &str) -> Requested {
        Requested {
            protocol,
            at: at.parse().expect("an address"),
        }
    }

    #[test]
    fn entries_are_of_the_service_that_was_asked() {
        let text = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    rs1: { role: realserver, address: 10.0.0.3 }\n  c1: { role: client, address: 10.0.0.20 }\nservices:\n  \
                    web: { vip: 10.0.0.9, port: 80, persistence: 60 }\n  shop: { vip: 10.0.0.8, port: [80, 443], fwmark: 6666, persistence: 60 }\n";
        let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(100, false)));
        let place = |to: Requested| EntryPlace {
            to,
            real_server: "10.0.0.3:80".parse().unwrap(),
        };
        let sum =
            |to: Requested, state: Option<&str>, entries: u64, expires: (u64, u64), stuck: u64| {
                Sum {
                    place: place(to),
                    state: state.map(str::to_owned),
                    entries,
                    expires,
                    stuck,
                }
            };
        let web = asked(EntryProtocol::Tcp, "10.0.0.9:80");
        let mark = asked(EntryProtocol::Ip, "0.0.26.10:0");
        let entries = Entries {
            sums: vec![
                sum(web, Some("ESTABLISHED"), 5, (1, 900), 0),
                sum(web, Some("SYN_RECV"), 3, (20, 60), 2),
                sum(web, None, 2, (3, 6), 0),
                sum(
                    asked(EntryProtocol::Tcp, "10.0.0.8:443"),
                    Some("FIN_WAIT"),
                    1,
                    (1, 1),
                    0,
                ),
                sum(mark, None, 4, (9, 50), 0),
                sum(
                    asked(EntryProtocol::Udp, "10.0.0.9:80"),
                    Some("UDP"),
                    7,
                    (1, 1),
                    0,
                ),
            ],
            clients: vec![
                Client {
                    address: "10.0.0.20".parse().unwrap(),
                    to: web,
                    entries: 2,
                },
                Client {
                    address: "10.0.5.5".parse().unwrap(),
                    to: web,
                    entries: 6,
                },
            ],
            templates: vec![Kept {
                client: "10.0.0.20".parse().unwrap(),
                place: place(mark),
                expires: 50,
            }],
            total: 22,
            other_clients: 0,
        };
        let all = of(&loaded.cluster, "lb1", &entries);
        assert_eq!((all.total, all.other), (22, 7));
        let [web, shop] = &all.services[..] else {
            panic!("{all:?}");
        };
        let rs = &web.real_servers[0];
        assert_eq!(rs.host.as_deref(), Some("rs1"));
        assert_eq!((rs.connections(), rs.templates, rs.stuck), (8, 2, 2));
        let clients: Vec<&str> = web.clients.iter().map(|c| c.client.as_str()).collect();
        assert_eq!(clients, ["10.0.5.5", "c1"]);
        assert_eq!(shop.real_servers[0].template_seconds, Some((9, 50)));
        assert_eq!(
            (shop.templates[0].client.as_str(), shop.templates[0].seconds),
            ("c1", 50)
        );
    }
}
