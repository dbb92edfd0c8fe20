//! Judges the replies of one virtual service to all clients together: the right real servers, the right shares, and the
//! counters of IPVS. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::Group;
use super::checks::{GETS_CONNECTIONS, PERSISTENCE, SHARES, STATISTICS, WHO_ANSWERS};
use super::exchange::{Counters, Exchange, Kernel, came};
use crate::check::findings::{Findings, Mismatch};
use crate::fact::ipvs::Connections;
use crate::model::{Cluster, Protocol, RealServer, Scheduler, Service, Virtual};
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager;

pub(super) type Counts = BTreeMap<String, u64>;

/// How connections are counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known {
    /// By host, for all its real servers together.
    Hosts,
    /// By real server.
    Each,
}

/// A real server.
struct Taker {
    /// Its host, whose name the replies contain.
    host: String,
    /// The host, with the port if the host has several real servers in this service.
    name: String,
}

/// The replies of one group to all clients.
pub(super) struct Round<'a> {
    group: &'a Group<'a>,
    /// Real servers that take new connections, with their weights.
    takers: Vec<(Taker, u32)>,
    /// Connections by the host name in the reply.
    by_name: Counts,
    /// Number of replies without a host name.
    nameless: u64,
    /// Names of hosts that are no real server of the service.
    strangers: Counts,
    asked: u64,
    answered: u64,
    /// Connections that a director's IPVS counted during the requests, by host, with the director.
    pub counted: Option<(&'a str, Counts)>,
    /// Connections that IPVS counted, by real server.
    each: Counts,
    /// Packets from clients that IPVS counted, by host.
    packets: Counts,
    /// Connections that the other directors counted, by director.
    elsewhere: Counts,
    /// Why counters and shares cannot be judged.
    pub skipped: Option<&'static str>,
}

impl<'a> Round<'a> {
    pub(super) fn new(
        cluster: &Cluster,
        group: &'a Group<'a>,
        exchanges: &[&Exchange],
        kernel: Option<Kernel<'a>>,
    ) -> Self {
        let service = group.service;
        let taker = |address: SocketAddr| taker(service, address);
        let served = kernel.and_then(|k| {
            let all = &k.table.services;
            all.iter()
                .find(|s| s.definition.r#virtual == group.r#virtual)
        });
        let takers: Vec<(Taker, u32)> = match served {
            Some(served) => {
                let all = served.real_servers.values();
                all.map(|rs| (taker(rs.address), rs.weight)).collect()
            }
            None => {
                let all = service.real_servers.iter();
                let asked = match group.r#virtual {
                    Virtual::Tcp(at) | Virtual::Udp(at) => at.port(),
                    Virtual::Fwmark { .. } => 0,
                };
                let at = |rs: &RealServer| SocketAddr::new(rs.address, rs.port.unwrap_or(asked));
                all.map(|rs| (taker(at(rs)), rs.weight.into())).collect()
            }
        };
        let takers = takers
            .into_iter()
            .filter(|(_, weight)| *weight > 0)
            .collect();
        let counters = kernel.and_then(|k| k.counters());
        let to = group.r#virtual;
        let same = |c: &Counters| c.before.real_servers(to) == c.after.real_servers(to);
        let skipped = match counters {
            Some(counters) if !counters.counts => {
                Some("IPVS does not count: net.ipv4.vs.run_estimation is 0")
            }
            Some(counters) if !same(counters) => {
                Some("its real servers changed while clients asked")
            }
            _ => None,
        };
        let counters = counters.filter(|_| skipped.is_none());
        let host = |address| taker(address).host;
        let grown = counters.and_then(|c| c.after.since(c.before, group.r#virtual));
        let mut round = Self {
            group,
            takers,
            by_name: Counts::new(),
            nameless: 0,
            strangers: Counts::new(),
            asked: 0,
            answered: 0,
            counted: counters.and_then(|c| {
                let grown = grown.as_ref()?;
                Some((c.director, named(grown, host)))
            }),
            each: grown
                .as_ref()
                .map_or_else(Counts::new, |grown| named(grown, |at| taker(at).name)),
            packets: counters
                .and_then(|c| c.after.packets_since(c.before, group.r#virtual))
                .map_or_else(Counts::new, |grown| named(&grown, host)),
            elsewhere: kernel.map_or_else(Counts::new, |k| elsewhere(&k, group)),
            skipped,
        };
        // IPVS schedules connections: a further request on an open connection says nothing.
        for reply in exchanges.iter().flat_map(|e| came(e)).filter(|r| r.fresh) {
            round.asked += 1;
            if reply.status.is_none() {
                continue;
            }
            round.answered += 1;
            let who = reply.first_line.as_str();
            if service.real_servers.iter().any(|rs| rs.host == who) {
                *round.by_name.entry(who.to_owned()).or_default() += 1;
            } else if cluster.hosts.iter().any(|h| h.name == who) {
                *round.strangers.entry(who.to_owned()).or_default() += 1;
            } else {
                round.nameless += 1;
            }
        }
        round
    }

    pub(super) fn what(&self) -> String {
        format!("{} {}", self.group.service.name, self.group.r#virtual)
    }

    /// Answers come from real servers, or from the sorry server when there is none.
    pub(super) fn strangers(&self, findings: &mut Findings) {
        let service = self.group.service;
        for (who, count) in &self.strangers {
            if let Some(sorry) = &service.sorry_server {
                let known = sorry.host.as_ref() == Some(who);
                let what = if known {
                    "as its sorry server"
                } else {
                    "and is none of its real servers: its sorry server?"
                };
                findings.note(
                    who,
                    &WHO_ANSWERS,
                    format!("answered {count} requests of {} {what}", service.name),
                );
                continue;
            }
            let fault = Mismatch::new(
                format!("answers of {} from its real servers alone", service.name),
                format!("{count} from {who}"),
                format!(
                    "take the VIP off {who}: `ip addr show to {}`",
                    self.group
                        .targets
                        .first()
                        .map_or_else(String::new, |(vip, _)| vip.to_string())
                ),
            );
            findings.judge(who, &WHO_ANSWERS, self.what(), Some(self.concerns(fault)));
        }
    }

    /// The number of connections by real server or host, if known for all requests. Replies name the host only; IPVS counts
    /// each port of a host.
    pub(super) fn counts(&self) -> Option<(&Counts, Known)> {
        let of_each = self.each.values().sum::<u64>() == self.asked && !self.each.is_empty();
        if of_each && self.several() {
            return Some((&self.each, Known::Each));
        }
        if self.nameless == 0 && !self.by_name.is_empty() {
            return Some((&self.by_name, Known::Hosts));
        }
        of_each.then_some((&self.each, Known::Each))
    }

    /// Whether a host has several real servers here.
    fn several(&self) -> bool {
        self.takers
            .iter()
            .any(|(taker, _)| taker.name != taker.host)
    }

    /// Connections of other clients during the requests, which take turns of the scheduler.
    fn foreign(&self) -> u64 {
        let total = self.counted.as_ref().map_or(0, |(_, c)| c.values().sum());
        total.saturating_sub(self.asked)
    }

    /// The weights by the names of `known`; for hosts, the sum of their real servers' weights.
    fn weights(&self, known: Known) -> Vec<(&str, u64)> {
        let flat = self.group.service.scheduler == Scheduler::Rr;
        let mut weights: Vec<(&str, u64)> = Vec::new();
        for (taker, weight) in &self.takers {
            let weight = if flat { 1 } else { u64::from(*weight) };
            let name = match known {
                Known::Each => taker.name.as_str(),
                Known::Hosts => taker.host.as_str(),
            };
            match weights.iter_mut().find(|(other, _)| *other == name) {
                Some((_, sum)) => *sum += weight,
                None => weights.push((name, weight)),
            }
        }
        let divisor = weights.iter().fold(0, |a, (_, w)| gcd(a, *w)).max(1);
        weights.into_iter().map(|(n, w)| (n, w / divisor)).collect()
    }

    /// Every real server with a weight must get connections, if the scheduler guarantees that.
    pub(super) fn hit(&self, findings: &mut Findings) {
        let scheduler = self.group.service.scheduler;
        let (rounds, sure) = match scheduler {
            Scheduler::Rr | Scheduler::Wrr => (1, true),
            // These count open connections, also of other clients: a real server with more of them gets none.
            Scheduler::Lc | Scheduler::Wlc => (2, false),
            _ => return,
        };
        let known = self.counts();
        let weights = self.weights(known.map_or(Known::Hosts, |(_, known)| known));
        let whole: u64 = weights.iter().map(|(_, w)| w).sum();
        if self.answered < self.asked || self.asked < whole * rounds {
            return;
        }
        let Some((counts, _)) = known else {
            findings.unknown("", &GETS_CONNECTIONS, self.what(), "it is not known who answered: the answers' first lines name no host and IPVS counted other connections too");
            return;
        };
        for (name, _) in weights {
            let none = counts.get(name).is_none_or(|n| *n == 0) && self.foreign() == 0;
            if none && !sure {
                findings.note(name, &GETS_CONNECTIONS, format!("{}: it got none of {} connections; it may have had more before (`ipvsadm -Ln`)", self.what(), self.asked));
                continue;
            }
            let fault = none.then(|| {
                Mismatch::new(
                    format!(
                        "some of {} connections of {} on {name}",
                        self.asked, self.group.service.name
                    ),
                    "none",
                    format!("see the findings of {name}, and its weight in `ipvsadm -Ln`"),
                )
            });
            let fault = fault.map(|fault| {
                let taker = self.takers.iter().find(|(taker, _)| taker.name == name);
                let host = taker.map_or(name, |(taker, _)| &taker.host);
                self.concerns(fault).points_at(host)
            });
            let read = format!("{} connections", counts.get(name).unwrap_or(&0));
            findings.judge_read(name, &GETS_CONNECTIONS, self.what(), read, fault);
        }
    }

    /// The shares must match the weights. Only rr and wrr are exact; the others depend on other connections.
    pub(super) fn shares(&self, findings: &mut Findings) {
        let scheduler = self.group.service.scheduler;
        if !matches!(scheduler, Scheduler::Rr | Scheduler::Wrr)
            || self.answered < self.asked
            || self.foreign() > 0
        {
            return;
        }
        let Some((counts, known)) = self.counts() else {
            return;
        };
        let weights = self.weights(known);
        let Some(most) = weights.iter().map(|(_, w)| *w).max() else {
            return;
        };
        let whole: u64 = weights.iter().map(|(_, w)| w).sum();
        // In an incomplete round, wrr may have given one real server its whole weight in sequence.
        let slack = if self.asked.is_multiple_of(whole) {
            1
        } else {
            most
        };
        let even = weights.iter().all(|(name, weight)| {
            let got = counts.get(*name).copied().unwrap_or(0);
            (got * whole).abs_diff(self.asked * weight) <= slack * whole
        });
        let fault = (!even).then(|| {
            let share = |(name, weight): &(&str, u64)| format!("{name} {weight}");
            let want: Vec<String> = weights.iter().map(share).collect();
            Mismatch::new(
                format!("connections of {} in the proportion {}", self.group.service.name, want.join(" : ")),
                shown(counts),
                "compare the weights in `ipvsadm -Ln` with the inventory, and check that no real server replies to ARP for the VIP, bypassing the director",
            )
        });
        let fault = fault.map(|fault| self.concerns(fault));
        findings.judge_read("", &SHARES, self.what(), shown(counts), fault);
    }

    /// A persistent service gives all connections of a client to one real server, on all ports of its mark.
    pub(super) fn one_real_server(&self, findings: &mut Findings, exchanges: &[&Exchange]) {
        let mut clients: BTreeMap<&str, BTreeMap<String, BTreeSet<u16>>> = BTreeMap::new();
        for exchange in exchanges {
            for reply in came(exchange).iter().filter(|r| r.status.is_some()) {
                let who = reply.first_line.clone();
                if self
                    .group
                    .service
                    .real_servers
                    .iter()
                    .any(|rs| rs.host == who)
                {
                    let ports = clients.entry(&exchange.client).or_default();
                    ports.entry(who).or_default().insert(exchange.target.1);
                }
            }
        }
        if clients.is_empty() && self.answered > 0 {
            let taken = self
                .counts()
                .map(|(c, _)| c.values().filter(|n| **n > 0).count());
            let asking: BTreeSet<&str> = exchanges.iter().map(|e| e.client.as_str()).collect();
            match taken {
                Some(taken) => {
                    let fault =
                        (taken > asking.len()).then(|| self.scattered("each client's", taken));
                    let fault = fault.map(|fault| self.concerns(fault));
                    let read = format!("{taken} real servers");
                    findings.judge_read("", &PERSISTENCE, self.what(), read, fault);
                }
                None => findings.unknown(
                    "",
                    &PERSISTENCE,
                    self.what(),
                    "persistence was not looked at: the answers' first lines name no host",
                ),
            }
        }
        for (client, servers) in clients {
            let fault = (servers.len() > 1).then(|| {
                let list: Vec<String> = servers
                    .iter()
                    .map(|(name, ports)| {
                        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
                        format!("{name} (port {})", ports.join(", "))
                    })
                    .collect();
                let mut fault = self.scattered(&format!("all of {client}'s"), servers.len());
                fault.found = list.join(" and ");
                fault
            });
            let fault = fault.map(|fault| self.concerns(fault));
            let read: Vec<&str> = servers.keys().map(String::as_str).collect();
            let read = format!("answered by {}", read.join(", "));
            findings.judge_read(client, &PERSISTENCE, self.what(), read, fault);
        }
    }

    fn concerns(&self, fault: Mismatch) -> Mismatch {
        let fault = fault.of_service(&self.group.service.name);
        match self.group.targets.first() {
            Some((vip, _)) => fault.of_vip(*vip),
            None => fault,
        }
    }

    fn scattered(&self, whose: &str, servers: usize) -> Mismatch {
        let ports: BTreeSet<u16> = self.group.targets.iter().map(|(_, port)| *port).collect();
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        Mismatch::new(
            format!(
                "{whose} connections of {} (ports {}) on one real server",
                self.group.service.name,
                ports.join(", ")
            ),
            format!("{servers} real servers"),
            "see whether the service has `persistent` in `ipvsadm -Ln`, and whether all its ports get the same mark",
        )
    }

    /// The counters of IPVS must match the replies; they are higher if other clients use the service too.
    pub(super) fn agree(&self, findings: &mut Findings) {
        let Some((director, counted)) = &self.counted else {
            return;
        };
        let total: u64 = counted.values().sum();
        let alone = self.answered == self.asked && total == self.asked && self.nameless == 0;
        // A client may reuse a source port within the two minutes for which IPVS keeps its connection. In DR the director
        // sees no replies, so it takes the new connection for the old one; it still counts the packets.
        let least = match self.group.service.protocol {
            Protocol::Tcp => 3,
            Protocol::Udp => 1,
        };
        let packets = |name| self.packets.get(name).copied().unwrap_or(0);
        let wrong = self.by_name.iter().any(|(name, n)| {
            let c = counted.get(name).copied().unwrap_or(0);
            if alone && self.strangers.is_empty() {
                c != *n
            } else {
                c < *n && packets(name) < least * n
            }
        });
        let short =
            total < self.answered && self.packets.values().sum::<u64>() < least * self.answered;
        let fault = (wrong || short).then(|| {
            let others: u64 = self.elsewhere.values().sum();
            if others > 0 && total + others >= self.answered {
                return Mismatch::new(
                    format!("{director} to count all {} connections of {}", self.answered, self.group.service.name),
                    format!("{director} {total}, {}", shown(&self.elsewhere)),
                    format!("the VIP moved while clients asked; for why, see on the directors {}", service_manager::where_it_logs(KEEPALIVED)),
                );
            }
            let clients = if self.by_name.is_empty() {
                format!("{} connections", self.answered)
            } else {
                shown(&self.by_name)
            };
            Mismatch::new(
                format!("IPVS to count what clients of {} were answered: {clients}", self.group.service.name),
                if total == 0 { "no connection".to_owned() } else { shown(counted) },
                "replies that IPVS did not count bypassed the director: check which host replies to ARP for the VIP, and which hosts hold it",
            )
        });
        let fault = fault.map(|fault| self.concerns(fault));
        findings.judge_read(director, &STATISTICS, self.what(), shown(counted), fault);
    }
}

/// Connections that directors beside the one with the VIP counted.
fn elsewhere(kernel: &Kernel, group: &Group) -> Counts {
    let others = kernel
        .counters
        .iter()
        .filter(|c| c.director != kernel.director);
    others
        .filter_map(|c| {
            let grown: u64 = c.after.since(c.before, group.r#virtual)?.values().sum();
            (grown > 0).then(|| (c.director.to_owned(), grown))
        })
        .collect()
}

/// The real server of the inventory that has this address in the table.
fn taker(service: &Service, address: SocketAddr) -> Taker {
    let mut all = service.backends();
    let Some(known) = all.find(|rs| rs.address == address.ip()) else {
        let name = address.ip().to_string();
        return Taker {
            host: name.clone(),
            name,
        };
    };
    let real = service.real_servers.iter();
    let several = real.filter(|rs| rs.host == known.host).count() > 1;
    let name = if several {
        format!("{}:{}", known.host, address.port())
    } else {
        known.host.clone()
    };
    Taker {
        host: known.host.clone(),
        name,
    }
}

fn named(counts: &Connections, name: impl Fn(SocketAddr) -> String) -> Counts {
    let mut all = Counts::new();
    for (address, n) in counts {
        *all.entry(name(*address)).or_default() += n;
    }
    all
}

fn shown(counts: &Counts) -> String {
    let all: Vec<String> = counts
        .iter()
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    all.join(", ")
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
