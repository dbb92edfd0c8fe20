//! Checks that send traffic, from neutral clients: who answers ARP for a VIP, who answers requests, and what IPVS
//! counted meanwhile. All of it goes through the shells that are open already: hosts have answered their probe,
//! clients ask, directors are read again, and pure checks judge.

use std::collections::BTreeMap;

use super::arp::Heard;
use super::end_to_end::exchange::{Counters, Exchange, Kernel};
use super::end_to_end::judge;
use super::end_to_end::{self, Group, family};
use super::tally::Tally;
use super::vrrp::Listened;
use super::{Check, Seen, arp, marks, vrrp};
use crate::event::Event;
use crate::fact::address::Addresses;
use crate::fact::firewall::{self, Firewall, Rules};
use crate::fact::ipvs::{self, Statistics};
use crate::fact::section::{self, Section};
use crate::inventory::model::Cluster;
use crate::run::host::nonce;
use crate::run::{Fleet, HostError, HostRun};

/// What a director tells when clients have asked.
struct Again {
    statistics: Statistics,
    firewall: Firewall,
}

/// Runs the live checks. `clients` are shells on neutral hosts; `hosts` are all others, opened and probed.
pub fn check<'h>(
    fleet: &Fleet,
    cluster: &Cluster,
    clients: &mut [HostRun<'h>],
    hosts: &mut [HostRun<'h>],
    tally: &mut Tally,
) {
    if clients.is_empty() {
        tally.note("", Check::EndToEnd, "the services were not asked for: no neutral client could be reached; give a host outside the cluster the role client");
        return;
    }
    let groups = end_to_end::groups(cluster);
    let (asked, adverts) = ask(fleet, cluster, &groups, clients, hosts, tally);
    let mut heard = Vec::new();
    let mut exchanges = Vec::new();
    for (client, section) in &asked {
        if !section.has("end") {
            tally.note(client, Check::EndToEnd, "its questions were cut short");
        }
        if !["arp", "neighbour"]
            .into_iter()
            .any(|part| section.parts_of(part).next().is_some())
        {
            tally.note(
                client,
                Check::ArpAnswer,
                "who answers ARP was not looked at from here: it is not on the VIP's network",
            );
        }
        heard.extend(hear(client, section));
        exchanges.extend(exchange(client, section));
    }
    let sent = exchanges.iter().map(|e| e.replies.sent()).sum();
    let again = read_again(fleet, cluster, hosts, sent, tally);
    let seen: Vec<Seen> = hosts
        .iter()
        .chain(clients.iter())
        .map(|run| Seen::new(cluster, run, fleet.run.secrets))
        .collect();
    arp::judge(cluster, &seen, &heard, tally);
    vrrp::judge(cluster, &seen, &adverts, tally);
    let counters: Vec<Counters> = seen
        .iter()
        .filter_map(|seen| {
            Some(Counters {
                director: seen.name(),
                before: &seen.facts().ipvs.statistics,
                after: &again.get(seen.name())?.statistics,
                counts: seen.estimates(),
            })
        })
        .collect();
    let kernel = |group: &Group| {
        let director = holder(&seen, group)?;
        Some(Kernel {
            director: &director.host.name,
            table: &director.facts().ipvs.table,
            counters: &counters,
        })
    };
    judge::all(cluster, &groups, &exchanges, kernel, tally);
    for (index, group) in groups.iter().enumerate() {
        if group.service.fwmark.is_none() {
            continue;
        }
        let Some(director) = holder(&seen, group) else {
            continue;
        };
        let Some(after) = again.get(director.name()) else {
            continue;
        };
        let mine = exchanges.iter().filter(|e| e.group == index);
        let answered = mine.map(|e| e.replies.answered()).sum();
        let count = |firewall: &Firewall| {
            let both: [[&Rules; 2]; 2] = [firewall.rules(false), firewall.rules(true)];
            both.into_iter()
                .flat_map(marks::counters)
                .collect::<Vec<_>>()
        };
        marks::moved(
            director.name(),
            group.service,
            &cluster.name,
            answered,
            &count(&director.facts().firewall),
            &count(&after.firewall),
            tally,
        );
    }
    super::name(cluster, tally);
}

/// The one director that holds a group's VIP; with two, what they count is not told apart.
fn holder<'s, 'a>(seen: &'s [Seen<'a>], group: &Group) -> Option<&'s Seen<'a>> {
    let (vip, _) = group.targets.first()?;
    let mut holders = seen
        .iter()
        .filter(|s| s.host.is_director() && s.addresses().has(*vip));
    match (holders.next(), holders.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// Lets every client ask, side by side: ARP first, then each port of each service. Directors hear VRRP meanwhile.
fn ask<'h>(
    fleet: &Fleet,
    cluster: &Cluster,
    groups: &[Group],
    clients: &mut [HostRun<'h>],
    hosts: &mut [HostRun<'h>],
    tally: &mut Tally,
) -> (Vec<(String, Section)>, BTreeMap<String, Listened>) {
    // This machine stands in for a client only where it is a neighbour of the VIPs: it may have no way to them.
    let near = |run: &&mut HostRun<'h>| {
        let known = cluster.hosts.iter().any(|h| h.name == run.host.name);
        known || !arp::asks(cluster, &run.answer.facts.address).is_empty()
    };
    let near: Vec<&mut HostRun<'h>> = clients.iter_mut().filter(near).collect();
    if near.is_empty() {
        tally.note("", Check::EndToEnd, "the services were not asked for: no host of the role client takes part, and this machine is not on the VIPs' network");
    }
    let held: Vec<(&str, &Addresses)> = near
        .iter()
        .map(|run| (run.host.name.as_str(), &run.answer.facts.address))
        .collect();
    family::tell(groups, &held, tally);
    // A director has no requests of its own.
    let mut jobs: Vec<(&mut HostRun<'h>, Option<usize>, String)> = near
        .into_iter()
        .map(|run| {
            let (requests, script) = questions_of_client(cluster, groups, run);
            (run, Some(requests), script)
        })
        .collect();
    let directors = hosts.iter_mut().filter(|run| run.host.is_director());
    jobs.extend(directors.filter_map(|run| {
        let script = vrrp::script(cluster, run.host)?;
        Some((run, None, script))
    }));
    let outcomes = fleet.each(jobs, |(run, requests, script)| {
        let name = run.host.name.clone();
        let (what, doing) = match requests {
            Some(requests) => (format!("{requests} requests"), "asking for the services"),
            None => ("VRRP adverts".to_owned(), "listening to VRRP"),
        };
        fleet.run.sink.event(&Event::Asking {
            host: name.clone(),
            what,
        });
        let section = section_of(run, doing, &script);
        (requests.is_some(), (name, section))
    });
    let (asked, listened): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|(client, _)| *client);
    let asked = told(
        asked.into_iter().map(|(_, o)| o).collect(),
        Check::EndToEnd,
        tally,
    );
    let listened = told(
        listened.into_iter().map(|(_, o)| o).collect(),
        Check::VrrpAdverts,
        tally,
    );
    let adverts = listened
        .into_iter()
        .filter_map(|(name, section)| {
            let heard = vrrp::listened(&section);
            if heard.is_none() {
                let why = "nothing on the host can listen to VRRP; install perl";
                tally.skip(
                    &name,
                    Check::VrrpAdverts,
                    "adverts of the other directors",
                    why,
                );
            }
            Some((name, heard?))
        })
        .collect();
    (asked, adverts)
}

/// How many requests a client sends, and the script that sends them.
fn questions_of_client(cluster: &Cluster, groups: &[Group], run: &HostRun) -> (usize, String) {
    let held = &run.answer.facts.address;
    let mut requests = 0;
    let mut script = end_to_end::functions().to_owned();
    for one in arp::asks(cluster, held) {
        script.push_str(&arp::script(&one));
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
    tally: &mut Tally,
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
        let section = section_of(run, "reading its counters", &script);
        (run.host.name.clone(), section)
    });
    told(outcomes, Check::Statistics, tally)
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

fn section_of(run: &mut HostRun, doing: &str, script: &str) -> Result<Section, HostError> {
    const NAME: &str = "live";
    let nonce = nonce();
    let script = format!(
        "set +eu\nLC_ALL=C; export LC_ALL\n{}section={NAME}\n{script}part end\n",
        section::prologue(&nonce)
    );
    let output = run.ask(doing, &script)?;
    let mut sections = section::split(&output.stdout, &nonce);
    Ok(sections.remove(NAME).unwrap_or_default())
}

/// A host that cannot be asked is no reason to leave out what the others told.
fn told(
    outcomes: Vec<(String, Result<Section, HostError>)>,
    check: Check,
    tally: &mut Tally,
) -> Vec<(String, Section)> {
    let mut all = Vec::new();
    for (host, outcome) in outcomes {
        match outcome {
            Ok(section) => all.push((host, section)),
            Err(error) => tally.judge(
                &host,
                check,
                "the host",
                Some(super::tally::Fault::new(
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
                macs: arp::macs(text),
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
