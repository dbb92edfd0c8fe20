//! The part of an audit that sends traffic, from clients outside the cluster: who answers ARP for a VIP, who answers requests,
//! and what IPVS counted meanwhile. All of it goes through the shells that are open already: hosts have answered their
//! probe, clients ask, directors are read again, and checks judge.

use std::collections::BTreeMap;

use super::arp_answer::{self, ARP_ANSWER, Heard};
use super::end_to_end::exchange::{Counters, Exchange, Kernel};
use super::end_to_end::{self, END_TO_END, Group, STATISTICS, family};
use super::findings::{Findings, Mismatch};
use super::vantage::Vantage;
use super::vrrp_adverts::{self, Listened, VRRP_ADVERTS};
use super::{Check, HostAudit, Judge, registry};
use crate::event::Event;
use crate::fact::address::Addresses;
use crate::fact::firewall::{self, Firewall};
use crate::fact::ipvs::{self, Statistics};
use crate::fact::section::{self, Section};
use crate::model::Cluster;
use crate::probe::ProbeError;
use crate::run::host::nonce;
use crate::run::this_machine::ThisMachine;
use crate::run::{Fleet, HostError, HostRun};

/// What a director counted once clients had asked.
#[derive(Debug)]
pub struct Again {
    pub statistics: Statistics,
    pub firewall: Firewall,
}

/// What clients were answered, and directors received and counted meanwhile.
pub struct Traffic<'t> {
    pub cluster: &'t Cluster,
    /// All hosts that answered, clients too.
    pub hosts: &'t [HostAudit<'t>],
    pub groups: Vec<Group<'t>>,
    pub exchanges: Vec<Exchange>,
    pub heard: Vec<Heard>,
    /// By director.
    pub adverts: BTreeMap<String, Listened>,
    pub again: BTreeMap<String, Again>,
}

impl<'t> Traffic<'t> {
    /// The one director that holds a group's VIP; with two, what each counted of the group is not known.
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

/// Lets clients ask and judges what they got. `clients` are shells on neutral hosts, for which this machine stands in where
/// it is given; `hosts` are all others, opened and probed.
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
        findings.note("", &END_TO_END, "the services were not tested: no client could be reached; give a host outside the cluster the role client");
        return;
    }
    let groups = end_to_end::groups(cluster);
    let (asked, adverts) = ask(fleet, cluster, &groups, vantages, hosts, findings);
    let mut heard = Vec::new();
    let mut exchanges = Vec::new();
    for (client, section) in &asked {
        if !section.has("end") {
            findings.note(client, &END_TO_END, "its questions were cut short");
        }
        if !["arp", "neighbour"]
            .into_iter()
            .any(|part| section.parts_of(part).next().is_some())
        {
            findings.note(
                client,
                &ARP_ANSWER,
                "who answers ARP was not looked at from here: it is not on the VIP's network",
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
        again,
    };
    for check in registry::ALL {
        if let Judge::Traffic(judge) = check.judge {
            judge(&traffic, findings);
        }
    }
    super::name(cluster, findings);
}

/// Lets every client ask, side by side: ARP first, then each port of each service. Directors hear VRRP meanwhile.
fn ask<'h>(
    fleet: &Fleet,
    cluster: &Cluster,
    groups: &[Group],
    vantages: Vec<Vantage<'_, 'h>>,
    hosts: &mut [HostRun<'h>],
    findings: &mut Findings,
) -> (Vec<(String, Section)>, BTreeMap<String, Listened>) {
    let mut fit = Vec::new();
    for vantage in vantages {
        match vantage.unfit(cluster) {
            None => fit.push(vantage),
            Some(why) => findings.note(
                "",
                &END_TO_END,
                format!(
                    "the services were not tested: no host of the role client takes part, and {why}"
                ),
            ),
        }
    }
    let held: Vec<(&str, &Addresses)> = fit
        .iter()
        .map(|vantage| (vantage.name(), vantage.addresses()))
        .collect();
    family::tell(groups, &held, findings);
    // A director has no requests of its own.
    let mut jobs: Vec<(Vantage, Option<usize>, String)> = fit
        .into_iter()
        .map(|vantage| {
            let (requests, script) = questions_of_client(cluster, groups, vantage.addresses());
            (vantage, Some(requests), script)
        })
        .collect();
    let directors = hosts.iter_mut().filter(|run| run.host.is_director());
    jobs.extend(directors.filter_map(|run| {
        let script = vrrp_adverts::script(cluster, run.host)?;
        Some((Vantage::Host(run), None, script))
    }));
    let outcomes = fleet.each(jobs, |(mut from, requests, script)| {
        let name = from.name().to_owned();
        let (what, doing) = match requests {
            Some(requests) => (format!("{requests} requests"), "asking for the services"),
            None => ("VRRP adverts".to_owned(), "listening to VRRP"),
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
    let adverts = listened
        .into_iter()
        .filter_map(|(name, section)| {
            let heard = vrrp_adverts::listened(&section);
            if heard.is_none() {
                let why = "nothing on the host can listen to VRRP; install perl";
                findings.skip(&name, &VRRP_ADVERTS, "adverts of the other directors", why);
            }
            Some((name, heard?))
        })
        .collect();
    (asked, adverts)
}

/// How many requests a client sends, and the script that sends them.
fn questions_of_client(cluster: &Cluster, groups: &[Group], held: &Addresses) -> (usize, String) {
    let mut requests = 0;
    let mut script = end_to_end::functions().to_owned();
    for one in arp_answer::asks(cluster, held) {
        script.push_str(&arp_answer::script(&one));
    }
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
