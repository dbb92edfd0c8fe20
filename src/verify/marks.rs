//! Firewall marks: one rule for each marked service, one service for each mark, and nothing else in between. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::firewall::Packet;
use super::tally::{Fault, Tally};
use super::{Check, Seen, place, way};
use crate::fact::firewall::{Rule, Rules};
use crate::inventory::model::Service;
use crate::resource::ipvs::Virtual;
use crate::view;

pub fn check(seen: &Seen, tally: &mut Tally) {
    let marked: BTreeSet<(u32, bool)> = seen
        .facts()
        .ipvs
        .table
        .services
        .iter()
        .filter_map(|served| match served.definition.r#virtual {
            Virtual::Fwmark { mark, v6 } => Some((mark, v6)),
            _ => None,
        })
        .collect();
    for (mark, v6) in &marked {
        has_rule(seen, *mark, *v6, tally);
    }
    for service in &seen.cluster.services {
        for vip in &service.vips {
            gets_mark(seen, service, vip.address, &marked, tally);
        }
    }
    reused(seen, tally);
}

/// Why marks cannot be followed.
const NATIVE: &str = "rules of nftables set marks, and were not read";

/// Rules of mangle/PREROUTING that set a mark, in either backend.
fn setters<'a>(seen: &'a Seen, v6: bool) -> impl Iterator<Item = &'a Rule> {
    let all = seen.facts().firewall.rules(v6);
    let chains = all
        .into_iter()
        .filter_map(|r| r.chain("mangle", "PREROUTING"));
    chains
        .flat_map(|chain| &chain.rules)
        .filter(|rule| rule.value("-j") == Some("MARK"))
}

/// A service of a mark that no rule sets gets no connection.
fn has_rule(seen: &Seen, mark: u32, v6: bool, tally: &mut Tally) {
    let set = setters(seen, v6).any(|rule| rule.marks(Some(0)) == Some(mark));
    let fault = (!set).then(|| {
        Fault::new(
            format!("a rule of mangle/PREROUTING that sets the mark {mark:#x} of the service -f {mark}"),
            "none",
            "`lvsctl apply` for a service of the inventory; else `ipvsadm -D -f` the service that is left over",
        )
    });
    if fault.is_some() && seen.facts().firewall.native_marks {
        return tally.skip(seen.name(), Check::MarkRule, &format!("{mark:#x}"), NATIVE);
    }
    tally.judge(seen.name(), Check::MarkRule, format!("{mark:#x}"), fault);
}

/// The mark that a host's rules leave on a request, by whichever interface that comes; none where it cannot be told.
fn mark(rules: &Rules, packet: &Packet, by: &[String]) -> Option<u32> {
    let marks: BTreeSet<Option<u32>> = by
        .iter()
        .map(|name| {
            let comes_in = Some(name.as_str());
            rules.mark(&Packet {
                comes_in,
                ..packet.clone()
            })
        })
        .collect();
    let mut marks = marks.into_iter();
    let first = marks.next().flatten();
    first.filter(|_| marks.next().is_none())
}

/// What the service's packets carry after all rules: its mark, or none that a marked service would take.
fn gets_mark(
    seen: &Seen,
    service: &Service,
    vip: IpAddr,
    marked: &BTreeSet<(u32, bool)>,
    tally: &mut Tally,
) {
    let by = place::toward(seen.cluster, seen.host, seen.addresses(), vip);
    for port in service.sampled_ports() {
        let packet = way::request(service, vip, port);
        let v6 = vip.is_ipv6();
        let used: Vec<&Rules> = seen
            .facts()
            .firewall
            .rules(v6)
            .into_iter()
            .filter(|r| !r.is_empty())
            .collect();
        let mut marks = used.iter().map(|rules| mark(rules, &packet, &by));
        let found = match (marks.next(), marks.next()) {
            (None, _) => Some(0),
            (Some(mark), None) => mark,
            // The order of two backends in one hook is not told by either.
            (Some(one), Some(other)) => match (one, other) {
                (Some(0), mark) | (mark, Some(0)) => mark,
                _ => None,
            },
        };
        let what = format!("{} {vip} port {port}", service.name);
        let Some(found) = found else {
            tally.note(
                seen.name(),
                Check::MarkSet,
                format!(
                    "{what}: its mark depends on rules that cannot be decided from address and port"
                ),
            );
            continue;
        };
        let fine = match service.fwmark {
            Some(mark) => found == mark,
            None => !marked.contains(&(found, v6)),
        };
        let fault = (!fine).then(|| {
            let expected = match service.fwmark {
                Some(mark) => format!("the mark {mark:#x} on packets to {vip} port {port}"),
                None => format!("no mark of a marked service on packets to {vip} port {port}"),
            };
            let setters: Vec<String> = setters(seen, v6)
                .filter(|rule| rule.marks(Some(0)) == Some(found))
                .map(|rule| rule.words.join(" "))
                .collect();
            let found = if found == 0 {
                "none".to_owned()
            } else {
                format!("{found:#x}, set by {}", setters.first().map_or("several rules together", String::as_str))
            };
            Fault::new(expected, found, "`lvsctl apply` sets ours; take away what sets another after it: `iptables -t mangle -S PREROUTING`")
        });
        if fault.is_some() && seen.facts().firewall.native_marks {
            tally.skip(seen.name(), Check::MarkSet, &what, NATIVE);
            continue;
        }
        tally.judge(seen.name(), Check::MarkSet, what, fault);
    }
}

/// A mark that another rule sets too brings foreign packets into the service; a rule that stands twice is a left-over.
fn reused(seen: &Seen, tally: &mut Tally) {
    let ours = view::marks(seen.cluster);
    let marks: BTreeSet<(u32, bool)> = ours
        .iter()
        .map(|m| (m.mark, m.destination.is_ipv6()))
        .collect();
    for (mark, v6) in marks {
        let mut comments = BTreeSet::new();
        let odd: Vec<&Rule> = setters(seen, v6)
            .filter(|rule| rule.marks(Some(0)) == Some(mark))
            .filter(|rule| {
                let known = rule
                    .comment()
                    .filter(|c| ours.iter().any(|m| m.mark == mark && m.comment == *c));
                known.is_none_or(|comment| !comments.insert(comment))
            })
            .collect();
        let fault = (!odd.is_empty()).then(|| {
            let list: Vec<String> = odd.iter().map(|rule| rule.words.join(" ")).collect();
            Fault::new(
                format!("the mark {mark:#x} set by one rule of its service alone"),
                format!("also {}", list.join("; ")),
                format!(
                    "`iptables -t mangle -D PREROUTING {}`, or another mark in the inventory",
                    list.first().map_or("", String::as_str)
                ),
            )
        });
        tally.judge(seen.name(), Check::MarkUnique, format!("{mark:#x}"), fault);
    }
}

/// Counters of our own rules, by comment.
pub fn counters(rules: [&Rules; 2]) -> Vec<(String, u64)> {
    let chains = rules
        .into_iter()
        .filter_map(|r| r.chain("mangle", "PREROUTING"));
    chains
        .flat_map(|chain| &chain.rules)
        .filter_map(|rule| Some((rule.comment()?.to_owned(), rule.packets?)))
        .collect()
}

/// Clients were answered meanwhile, so the rules must have seen packets.
pub fn moved(
    director: &str,
    service: &Service,
    cluster: &str,
    answered: u64,
    before: &[(String, u64)],
    after: &[(String, u64)],
    tally: &mut Tally,
) {
    let prefix = format!("lvsctl:{cluster}/{}", service.name);
    let mine = |comment: &str| {
        comment
            .strip_prefix(&prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
    };
    let sum = |all: &[(String, u64)]| -> u64 {
        all.iter().filter(|(c, _)| mine(c)).map(|(_, n)| n).sum()
    };
    let grown = sum(after).saturating_sub(sum(before));
    let fault = (grown < answered).then(|| {
        Fault::new(
            format!("the mark rules of {} to count at least {answered} packets while clients asked", service.name),
            grown.to_string(),
            "the packets do not pass mangle/PREROUTING of this director: see who answers ARP for the VIP",
        )
    });
    tally.judge(director, Check::MarkCounters, service.name.clone(), fault);
}
