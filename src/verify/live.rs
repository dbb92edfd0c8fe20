//! Checks that send traffic, from neutral clients: who answers ARP for a VIP, who answers requests, and what IPVS
//! counted meanwhile. All of it goes through the shells that are open already.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::end_to_end::{self, Answer, Asked};
use super::tally::{Compared, Tally};
use super::{Seen, cluster, statistics};
use crate::event::Event;
use crate::inventory::model::Cluster;
use crate::resource::section;
use crate::run::{Fleet, HostError, HostRun};
use crate::view;

const NONCE: &str = "live";

/// The kernel brings the counters up to date every two seconds (ip_vs_est.c); a loaded host is later.
const COUNTERS_SETTLE: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(250);

/// What a neutral client is asked to do: an ARP question for each VIP, then the requests of all services.
fn script(cluster: &Cluster, arping: bool) -> String {
    let mut text = format!("set +eu\n{}section=live\n", section::prologue(NONCE));
    for vip in cluster::all_vips(cluster)
        .into_iter()
        .filter(IpAddr::is_ipv4)
    {
        if arping {
            // Broadcast questions alone: a unicast one would only ask who answered first.
            text.push_str(&format!(
                "part 'arp {vip}'\nset -- $(ip -4 -o route get {vip} 2>/dev/null)\ncase \" $* \" in *' via '*) ;; *' dev '*) \
                 while [ $# -gt 1 ] && [ \"$1\" != dev ]; do shift; done; arping -b -c 2 -w 3 -I \"$2\" {vip} 2>/dev/null;; esac\nset --\n"
            ));
        }
    }
    text.push_str(&end_to_end::script(cluster));
    text.push_str("part end\n");
    text
}

/// MAC addresses in the replies that arping(8) prints.
fn macs(text: &str) -> BTreeSet<String> {
    let mac = |line: &str| Some(line.split_once('[')?.1.split_once(']')?.0.to_lowercase());
    text.lines()
        .filter(|line| line.contains("reply from"))
        .filter_map(mac)
        .collect()
}

/// Runs the live checks. `clients` are shells on neutral hosts; `hosts` are all others, opened and probed.
pub fn check(
    fleet: &Fleet,
    cluster: &Cluster,
    clients: &mut [HostRun],
    hosts: &mut [HostRun],
    tally: &mut Tally,
) {
    let before = counters(fleet, hosts);
    let asked = ask(fleet, cluster, clients, tally);
    let expected = answered(cluster, &asked);
    let deadline = Instant::now() + COUNTERS_SETTLE;
    let mut after = counters(fleet, hosts);
    while total(&after).saturating_sub(total(&before)) < expected && Instant::now() < deadline {
        std::thread::sleep(PAUSE);
        after = counters(fleet, hosts);
    }

    let seen: Vec<Seen> = hosts
        .iter()
        .map(|run| Seen::new(cluster, run, fleet.run.secrets))
        .collect();
    for client in &asked {
        arp(cluster, &seen, client, tally);
    }
    for (index, service) in cluster.services.iter().enumerate() {
        let answers: Vec<Asked> = asked
            .iter()
            .map(|(client, section)| answers(client, index, section))
            .collect();
        let out: Vec<&str> = service
            .real_servers
            .iter()
            .filter(|rs| taken_out(&seen, rs.address))
            .map(|rs| rs.host.as_str())
            .collect();
        end_to_end::check(service, &answers, &out, tally);
        let holder = service
            .vips
            .first()
            .and_then(|vip| cluster::holder(&seen, vip.address));
        let Some(place) =
            holder.and_then(|h| hosts.iter().position(|run| run.host.name == h.name()))
        else {
            continue;
        };
        if let (Some(Some(before)), Some(Some(after)), Some(run)) =
            (before.get(place), after.get(place), hosts.get(place))
        {
            statistics::check(
                service,
                &view::virtuals(service),
                &run.host.name,
                before,
                after,
                &answers,
                tally,
            );
        }
    }
}

/// Requests that real servers answered by name.
fn answered(cluster: &Cluster, asked: &[(String, section::Section)]) -> u64 {
    let is_host = |body: &str| cluster.hosts.iter().any(|host| host.name == body);
    let parts = asked
        .iter()
        .flat_map(|(_, section)| section.parts_of("answers"));
    parts
        .flat_map(|(_, text)| end_to_end::answers(text))
        .filter(|answer| matches!(answer, Answer::Body(body) if is_host(body)))
        .count() as u64
}

fn total(counters: &[Option<statistics::Connections>]) -> u64 {
    counters
        .iter()
        .flatten()
        .flat_map(|counts| counts.values())
        .sum()
}

/// Whether some director's table holds a real server drained or without it, since its checker took it out.
fn taken_out(seen: &[Seen], address: IpAddr) -> bool {
    seen.iter().any(|s| {
        s.plan
            .notes
            .iter()
            .any(|note| note.contains(&format!("real server {address}:")))
    })
}

fn counters(fleet: &Fleet, hosts: &mut [HostRun]) -> Vec<Option<statistics::Connections>> {
    fleet.each(hosts.iter_mut().collect(), |run: &mut HostRun| {
        if !run.host.is_director() {
            return None;
        }
        run.ask("reading statistics", statistics::SCRIPT)
            .ok()
            .map(|output| statistics::read(&output.stdout))
    })
}

/// Lets every client ask, side by side, and returns what each printed.
fn ask(
    fleet: &Fleet,
    cluster: &Cluster,
    clients: &mut [HostRun],
    tally: &mut Tally,
) -> Vec<(String, section::Section)> {
    let outcomes: Vec<(String, Result<section::Section, HostError>)> =
        fleet.each(clients.iter_mut().collect(), |run: &mut HostRun| {
            let name = run.host.name.clone();
            fleet.run.sink.event(&Event::Asking {
                host: name.clone(),
                what: "for the services".into(),
            });
            let script = script(cluster, run.answer.facts.has("arping"));
            let section = run.ask("asking for the services", &script).map(|output| {
                section::split(&output.stdout, NONCE)
                    .remove("live")
                    .unwrap_or_default()
            });
            (name, section)
        });
    let mut asked = Vec::new();
    for (client, outcome) in outcomes {
        match outcome {
            Ok(section) => asked.push((client, section)),
            Err(error) => tally.fail(
                &client,
                "answered",
                Compared {
                    what: "end-to-end requests".into(),
                    expected: "to be made".into(),
                    found: error.to_string(),
                    mend: String::new(),
                },
            ),
        }
    }
    asked
}

fn answers(client: &str, index: usize, section: &section::Section) -> Asked {
    let mut asked = Asked {
        client: client.to_owned(),
        ..Asked::default()
    };
    for (rest, text) in section.parts_of("answers") {
        let mut words = rest.split(' ');
        let (Some(number), Some(vip), Some(port)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if let (Ok(number), Ok(port)) = (number.parse::<usize>(), port.parse())
            && number == index
        {
            asked
                .answers
                .insert((vip.to_owned(), port), end_to_end::answers(text));
        }
    }
    asked
}

/// The director that holds a VIP answers for it, and no other host does.
fn arp(
    cluster: &Cluster,
    seen: &[Seen],
    (client, section): &(String, section::Section),
    tally: &mut Tally,
) {
    for vip in cluster::all_vips(cluster) {
        let Some(holder) = cluster::holder(seen, vip) else {
            continue;
        };
        if !section.has(&format!("arp {vip}")) {
            continue;
        }
        let found = macs(section.part(&format!("arp {vip}")));
        let held: Vec<&str> = holder
            .addresses()
            .of(vip)
            .map(|held| held.interface.as_str())
            .collect();
        let right: BTreeSet<String> = holder
            .addresses()
            .links
            .iter()
            .filter(|link| held.contains(&link.name.as_str()))
            .filter_map(|link| link.mac.as_ref().map(|mac| mac.to_lowercase()))
            .collect();
        tally.require(
            !found.is_empty() && found.is_subset(&right),
            client,
            "arp",
            || Compared {
                what: format!("ARP for the VIP {vip}"),
                expected: format!(
                    "answered by {} ({}) alone",
                    holder.name(),
                    right.iter().cloned().collect::<Vec<_>>().join(", ")
                ),
                found: if found.is_empty() {
                    "no answer".into()
                } else {
                    found
                        .iter()
                        .map(|mac| format!("{mac} ({})", owner(seen, mac)))
                        .collect::<Vec<_>>()
                        .join(", ")
                },
                mend: "look at arp_ignore and arp_announce on the host that answers too".into(),
            },
        );
    }
}

fn owner<'a>(seen: &'a [Seen], mac: &str) -> &'a str {
    let has = |s: &&Seen| {
        s.addresses().links.iter().any(|link| {
            link.mac
                .as_deref()
                .is_some_and(|m| m.eq_ignore_ascii_case(mac))
        })
    };
    seen.iter()
        .find(has)
        .map_or("a host outside the inventory", |s| s.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_replier_counts() {
        let text = "ARPING 10.0.0.1 from 10.0.0.9 eth0\n\
                    Unicast reply from 10.0.0.1 [06:00:00:00:00:01]  0.9ms\n\
                    Unicast reply from 10.0.0.1 [06:00:00:00:00:0A]  1.1ms\nSent 1 probes (1 broadcast(s))\n";
        assert_eq!(macs(text).len(), 2);
        assert!(macs(text).contains("06:00:00:00:00:0a"));
    }
}
