//! The part of an audit that sends traffic from clients outside of the cluster: ARP requests for VIPs, and requests to
//! services, compared with the counters of IPVS. It uses the open shells: after the probes, clients send requests, directors
//! are read again, and the checks judge the results.

use std::collections::BTreeMap;

use super::arp_answer::{self, ARP_ANSWER, Heard};
use super::end_to_end::exchange::{Counters, Exchange, Kernel};
use super::end_to_end::{self, END_TO_END, Group, STATISTICS, family};
use super::findings::{Findings, Mismatch};
use super::marks::MARK_COUNTERS;
use super::real_server::Question;
use super::vantage::Vantage;
use super::vrrp_adverts::{self, Listened, VRRP_ADVERTS, VRRP_FOREIGN};
use super::{Check, HostAudit, Judge, Selection, real_server, registry};
use crate::event::Event;
use crate::fact::address::Addresses;
use crate::fact::firewall::{self, Firewall};
use crate::fact::ipvs::{self, Statistics};
use crate::fact::section::{self, Section};
use crate::model::{Cluster, Host};
use crate::probe::ProbeError;
use crate::run::question::nonce;
use crate::run::this_machine::ThisMachine;
use crate::run::{Fleet, HostError, HostRun};

/// A director's counters after the clients' requests.
#[derive(Debug)]
pub struct Again {
    pub statistics: Statistics,
    pub firewall: Firewall,
}

/// The answers to clients, and what directors received and counted at the same time.
pub struct Traffic<'t> {
    pub cluster: &'t Cluster,
    /// All hosts that answered, clients too.
    pub hosts: &'t [HostAudit<'t>],
    pub groups: Vec<Group<'t>>,
    pub exchanges: Vec<Exchange>,
    pub heard: Vec<Heard>,
    /// By director.
    pub adverts: BTreeMap<String, Listened>,
    /// The real servers' answers to directors and clients.
    pub asked: Vec<real_server::Asked<'t>>,
    pub again: BTreeMap<String, Again>,
}

impl<'t> Traffic<'t> {
    /// The director that holds a group's VIP. None if several do, since the counters of each are then not known.
    pub fn holder(&self, group: &Group) -> Option<&'t HostAudit<'t>> {
        let (vip, _) = group.targets.first()?;
        let mut holders = self
            .hosts
            .iter()
            .filter(|audit| audit.host.is_director() && audit.addresses().has(*vip));
        match (holders.next(), holders.next()) {
            (Some(one), None) => Some(one),
            _ => None,
        }
    }

    /// What each director had counted before clients asked, and after.
    pub fn counters(&self) -> Vec<Counters<'_>> {
        let counters = self.hosts.iter().filter_map(|audit| {
            Some(Counters {
                director: audit.name(),
                before: &audit.facts().ipvs.statistics,
                after: &self.again.get(audit.name())?.statistics,
                counts: audit.estimates(),
            })
        });
        counters.collect()
    }

    pub fn kernel<'k>(&'k self, group: &Group, counters: &'k [Counters<'k>]) -> Option<Kernel<'k>> {
        let director = self.holder(group)?;
        Some(Kernel {
            director: &director.host.name,
            table: &director.facts().ipvs.table,
            counters,
        })
    }
}

/// Sends the clients' requests and judges the results. `clients`: shells on neutral hosts, or this machine in their place;
/// `hosts`: all other hosts, opened and probed.
pub fn check<'h>(
    fleet: &Fleet,
    cluster: &Cluster,
    clients: &mut [HostRun<'h>],
    this_machine: Option<&mut ThisMachine>,
    hosts: &mut [HostRun<'h>],
    findings: &mut Findings,
) {
    let of_hosts = clients.iter_mut().map(Vantage::Host);
    let vantages: Vec<Vantage> = of_hosts
        .chain(this_machine.map(Vantage::ThisMachine))
        .collect();
    if vantages.is_empty() {
        findings.unknown(
            "",
            &END_TO_END,
            "the services were not tested",
            "no client could be reached; give a host outside the cluster the role client",
        );
    }
    let groups = end_to_end::groups(cluster);
    let Outcome {
        clients: asked,
        adverts,
        real_servers,
    } = ask(fleet, cluster, &groups, vantages, hosts, findings);
    let mut heard = Vec::new();
    let mut exchanges = Vec::new();
    for (client, section) in &asked {
        if !section.has("end") {
            findings.unknown(
                client,
                &END_TO_END,
                "its questions were cut short",
                "the end of its answer did not come; run again",
            );
        }
        if !["arp", "neighbour"]
            .into_iter()
            .any(|part| section.parts_of(part).next().is_some())
        {
            findings.skip(
                client,
                &ARP_ANSWER,
                "who answers ARP",
                "the client is not on the VIP's network",
            );
        }
        heard.extend(hear(client, section));
        exchanges.extend(exchange(client, section));
    }
    let sent = exchanges.iter().map(|e| e.replies.sent()).sum();
    let again = read_again(fleet, cluster, hosts, sent, findings);
    let audits: Vec<HostAudit> = hosts
        .iter()
        .chain(clients.iter())
        .map(|run| HostAudit::new(cluster, run, fleet.run.secrets))
        .collect();
    let traffic = Traffic {
        cluster,
        hosts: &audits,
        groups,
        exchanges,
        heard,
        adverts,
        asked: real_servers,
        again,
    };
    let chosen = findings.selection.clone();
    for check in registry::ALL.iter().filter(|check| chosen.runs(check)) {
        if let Judge::Traffic(judge) = check.judge {
            judge(&traffic, findings);
        }
    }
    super::name(cluster, findings);
}

/// The outputs of one round of requests.
struct Outcome<'c> {
    /// By client.
    clients: Vec<(String, Section)>,
    /// By director.
    adverts: BTreeMap<String, Listened>,
    real_servers: Vec<real_server::Asked<'c>>,
}

/// Sends the requests of all clients in parallel: ARP first, then each port of each service, then each real server. At the
/// same time directors send requests to real servers and receive adverts.
fn ask<'c, 'h>(
    fleet: &Fleet,
    cluster: &'c Cluster,
    groups: &[Group],
    vantages: Vec<Vantage<'_, 'h>>,
    hosts: &mut [HostRun<'h>],
    findings: &mut Findings,
) -> Outcome<'c> {
    let mut fit = Vec::new();
    for vantage in vantages {
        match vantage.unfit(cluster) {
            None => fit.push(vantage),
            Some(why) => findings.unknown(
                "",
                &END_TO_END,
                "the services were not tested",
                format!("no host of the role client takes part, and {why}"),
            ),
        }
    }
    let selection = &findings.selection.clone();
    let held: Vec<(&str, &Addresses)> = fit
        .iter()
        .map(|vantage| (vantage.name(), vantage.addresses()))
        .collect();
    family::report(groups, &held, findings);
    let mut questions = questions_of_real_servers(cluster, &held, hosts, selection);
    // Vantage, number of client requests, script. A director has no number, since it sends none.
    let direct = |name: &str| questions.get(name).map_or(&[][..], Vec::as_slice);
    let mut jobs: Vec<(Vantage, Option<usize>, String)> = fit
        .into_iter()
        .map(|vantage| {
            let direct = direct(vantage.name());
            let (requests, script) =
                questions_of_client(cluster, groups, vantage.addresses(), direct, selection);
            (vantage, Some(requests), script)
        })
        .collect();
    let directors = hosts.iter_mut().filter(|run| run.host.is_director());
    jobs.extend(directors.filter_map(|run| {
        let direct = direct(&run.host.name);
        let script = questions_of_director(cluster, run.host, direct, selection);
        (!script.is_empty()).then_some((Vantage::Host(run), None, script))
    }));
    let outcomes = fleet.each(jobs, |(mut from, requests, script)| {
        let name = from.name().to_owned();
        let (what, doing) = match requests {
            Some(requests) => (format!("{requests} requests"), "asking for the services"),
            None => ("real servers and VRRP".to_owned(), "asking real servers"),
        };
        fleet.run.sink.event(&Event::Asking {
            host: name.clone(),
            what,
        });
        let section = section_of(&mut from, doing, &script);
        (requests.is_some(), (name, section))
    });
    let (asked, listened): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|(client, _)| *client);
    let asked = answered(
        asked.into_iter().map(|(_, o)| o).collect(),
        &END_TO_END,
        findings,
    );
    let listened = answered(
        listened.into_iter().map(|(_, o)| o).collect(),
        &VRRP_ADVERTS,
        findings,
    );
    let mut real_servers = Vec::new();
    for (is_director, (name, section)) in asked
        .iter()
        .map(|of| (false, of))
        .chain(listened.iter().map(|of| (true, of)))
    {
        real_servers.push(real_server::Asked {
            from: name.clone(),
            is_director,
            questions: questions.remove(name).unwrap_or_default(),
            answers: real_server::answers(section),
        });
    }
    let mut adverts = BTreeMap::new();
    for (name, section) in listened {
        let director = cluster.hosts.iter().find(|host| host.name == name);
        if director.is_none_or(|host| vrrp_adverts::script(cluster, host).is_none()) {
            continue;
        }
        match vrrp_adverts::listened(&section) {
            Some(heard) => {
                adverts.insert(name, heard);
            }
            None => {
                let why = "nothing on the host can listen to VRRP; install perl";
                findings.unknown(&name, &VRRP_ADVERTS, "adverts of the other directors", why);
            }
        }
    }
    Outcome {
        clients: asked,
        adverts,
        real_servers,
    }
}

/// The requests to real servers of each client (its name and addresses) and of each director.
fn questions_of_real_servers<'c>(
    cluster: &'c Cluster,
    clients: &[(&str, &Addresses)],
    hosts: &[HostRun],
    selection: &Selection,
) -> BTreeMap<String, Vec<Question<'c>>> {
    let chosen = selection.has(&real_server::REAL_SERVER_ANSWER)
        || selection.has(&real_server::REAL_SERVER_REACH);
    if !chosen {
        return BTreeMap::new();
    }
    let listens = |host: &str| {
        let run = hosts.iter().find(|run| run.host.name == host);
        run.map(|run| &run.answer.facts.listener)
    };
    let of_clients = clients.iter().map(|(name, held)| {
        let questions = real_server::questions_of_client(cluster, held, listens);
        ((*name).to_owned(), questions)
    });
    let directors = hosts.iter().filter(|run| run.host.is_director());
    let of_directors = directors.map(|run| {
        let questions = real_server::questions(cluster, run.host, listens);
        (run.host.name.clone(), questions)
    });
    of_clients.chain(of_directors).collect()
}

/// The script of a director: requests to real servers, and listening to adverts.
fn questions_of_director(
    cluster: &Cluster,
    director: &Host,
    direct: &[Question],
    selection: &Selection,
) -> String {
    let adverts = selection.has(&VRRP_ADVERTS) || selection.has(&VRRP_FOREIGN);
    let asks = real_server::script(direct);
    let hears = vrrp_adverts::script(cluster, director).filter(|_| adverts);
    let hears = hears.unwrap_or_default();
    let functions = if asks.is_empty() {
        ""
    } else {
        end_to_end::functions()
    };
    format!("{functions}{asks}{hears}")
}

/// How many requests a client sends, and the script that sends them.
fn questions_of_client(
    cluster: &Cluster,
    groups: &[Group],
    held: &Addresses,
    direct: &[Question],
    selection: &Selection,
) -> (usize, String) {
    let mut requests = direct.len();
    let mut script = end_to_end::functions().to_owned();
    if selection.has(&ARP_ANSWER) {
        for one in arp_answer::asks(cluster, held) {
            script.push_str(&arp_answer::script(&one));
        }
    }
    let asks = selection.runs(&END_TO_END) || selection.has(&MARK_COUNTERS);
    let groups = if asks { groups } else { &[] };
    let all = groups.iter().enumerate();
    for (index, group) in all.filter(|(_, group)| family::can_ask(held, group)) {
        requests += group.targets.len() * usize::from(group.service.check.requests);
        for (vip, port) in &group.targets {
            script.push_str(&format!(
                "part e2e {index} {vip} {port}\n{}",
                end_to_end::ask(group.service, *vip, *port)
            ));
        }
    }
    if !direct.is_empty() {
        // Where a packet filter drops them, each waits two seconds.
        script.push_str(&format!("e2e_limit=10\n{}", real_server::script(direct)));
    }
    (requests, script)
}

/// Reads directors again. The one that holds the VIPs has counted what was sent meanwhile.
fn read_again(
    fleet: &Fleet,
    cluster: &Cluster,
    hosts: &mut [HostRun],
    sent: u64,
    findings: &mut Findings,
) -> BTreeMap<String, Again> {
    let vips = cluster.all_vips();
    let directors = hosts.iter_mut().filter(|run| run.host.is_director());
    let outcomes = fleet.each(directors.collect(), |run: &mut HostRun| {
        let answer = &run.answer;
        let holds = vips.iter().any(|vip| answer.facts.address.has(*vip));
        let before = answer.facts.ipvs.statistics.total();
        let total = if holds {
            before.saturating_add(sent)
        } else {
            before
        };
        let mut script = ipvs::settled_statistics(total, holds);
        if cluster
            .services
            .iter()
            .any(|service| service.fwmark.is_some())
        {
            script.push_str(firewall::mangle_counters());
        }
        let name = run.host.name.clone();
        let section = section_of(&mut Vantage::Host(run), "reading its counters", &script);
        (name, section)
    });
    answered(outcomes, &STATISTICS, findings)
        .into_iter()
        .map(|(host, section)| {
            let again = Again {
                statistics: Statistics::parse(section.part("statistics")),
                firewall: Firewall::counted(&section),
            };
            (host, again)
        })
        .collect()
}

fn section_of(from: &mut Vantage, doing: &str, script: &str) -> Result<Section, HostError> {
    const NAME: &str = "live";
    let nonce = nonce();
    let script = format!(
        "set +eu\nLC_ALL=C; export LC_ALL\n{}section={NAME}\n{script}part end\n",
        section::prologue(&nonce)
    );
    let output = from.ask(doing, &script)?;
    let mut sections = section::split(&output.stdout, &nonce);
    let section = sections.remove(NAME).unwrap_or_default();
    section.whole(NAME).map_err(ProbeError::from)?;
    Ok(section)
}

/// Keeps the answers, and makes a finding of each host that did not answer.
fn answered(
    outcomes: Vec<(String, Result<Section, HostError>)>,
    check: &'static Check,
    findings: &mut Findings,
) -> Vec<(String, Section)> {
    let mut all = Vec::new();
    for (host, outcome) in outcomes {
        match outcome {
            Ok(section) => all.push((host, section)),
            Err(error) => findings.judge(
                &host,
                check,
                "the host",
                Some(Mismatch::new(
                    "an answer",
                    error.to_string(),
                    "see whether the host is still up, and run again",
                )),
            ),
        }
    }
    all
}

fn hear(client: &str, section: &Section) -> Vec<Heard> {
    let of = |part: &'static str, all: bool| {
        section.parts_of(part).filter_map(move |(vip, text)| {
            Some(Heard {
                client: client.to_owned(),
                vip: vip.parse().ok()?,
                macs: arp_answer::macs(text),
                all,
                words: text.chars().take(200).collect(),
            })
        })
    };
    of("arp", true).chain(of("neighbour", false)).collect()
}

fn exchange(client: &str, section: &Section) -> Vec<Exchange> {
    let of = |(target, text): (&str, &str)| {
        let mut words = target.split(' ');
        let group = words.next()?.parse().ok()?;
        let target = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Exchange {
            client: client.to_owned(),
            group,
            target,
            replies: end_to_end::replies(text),
        })
    };
    section.parts_of("e2e").filter_map(of).collect()
}
