//! Fwmarks: each marked service needs one rule, each mark one service, and no other rule may set or change the mark. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::clients::Clients;
use super::definition::{Check, Judge, packet_filter};
use super::findings::{Findings, Mismatch};
use super::firewall::{Packet, deletion};
use super::traffic::Traffic;
use super::{Cause, HostAudit, flow, packet_path};
use crate::fact::Needs;
use crate::fact::firewall::{Chain, Firewall, Rule, Rules};
use crate::model::{Cluster, Host, Service, Virtual};
use crate::view;

pub(super) static MARK_RULE: Check = Check {
    id: "mark-rule",
    summary: "Each fwmark service of the IPVS table has a rule that sets its fwmark.",
    reason: "A fwmark service without such a rule gets no connections.",
    source: "iptables-extensions(8) MARK, ipvsadm(8) `-f`",
    fix: "`lvsctl apply` for a service of the inventory; otherwise `ipvsadm -D -f MARK`",
    needs,
    judge: Judge::Director(rules),
};

pub(super) static MARK_SET: Check = Check {
    id: "mark-set",
    summary: "Packets of a service reach IPVS with its fwmark, and not with that of a different service.",
    reason: "A later rule may overwrite the fwmark: then a different service gets the packets, or none.",
    source: "iptables-extensions(8) MARK",
    fix: "`lvsctl apply` adds the rule of the service; delete later rules that set a different fwmark: `iptables -t mangle -S PREROUTING` lists them",
    needs,
    judge: Judge::Director(marks),
};

pub(super) static MARK_UNIQUE: Check = Check {
    id: "mark-unique",
    summary: "Only the rules of a service set its fwmark.",
    reason: "A rule that lvsctl did not add and that sets the same fwmark sends foreign packets to the service.",
    source: "iptables-extensions(8) MARK",
    fix: "delete that rule with `iptables -t mangle -D PREROUTING`, or choose a different `fwmark` in the inventory",
    needs,
    judge: Judge::Director(reused),
};

pub(super) static MARK_COUNTERS: Check = Check {
    id: "mark-counters",
    summary: "The counters of the fwmark rules increased while clients sent requests.",
    reason: "If clients got responses and the rules of the director that holds the VIP counted no packets, the requests bypassed it.",
    source: "iptables(8) `-v`",
    fix: "check which hosts reply to ARP requests for the VIP",
    needs,
    judge: Judge::Traffic(counters),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    packet_filter(cluster, host, needs);
    if host.is_director() {
        needs.ipvs.get_or_insert_default().audit = true;
    }
}

/// The marks that the IPVS table has services for, each with whether it is of IPv6.
fn served(audit: &HostAudit) -> BTreeSet<(u32, bool)> {
    let services = audit.facts().ipvs.table.services.iter();
    let marked = services.filter_map(|served| match served.definition.r#virtual {
        Virtual::Fwmark { mark, v6 } => Some((mark, v6)),
        _ => None,
    });
    marked.collect()
}

fn rules(audit: &HostAudit, findings: &mut Findings) {
    for (mark, v6) in served(audit) {
        has_rule(audit, mark, v6, findings);
    }
}

fn marks(audit: &HostAudit, findings: &mut Findings) {
    let marked = served(audit);
    for service in &audit.cluster.services {
        for vip in &service.vips {
            gets_mark(audit, service, vip.address, &marked, findings);
        }
    }
}

/// Why marks cannot be followed.
const NATIVE: &str = "rules of nftables set marks, and were not read";

/// The chains of mangle/PREROUTING in either backend, each with its tool.
fn chains<'a>(audit: &'a HostAudit, v6: bool) -> impl Iterator<Item = (&'static str, &'a Chain)> {
    let all = audit.facts().firewall.rules(v6).into_iter();
    all.filter_map(|rules| Some((rules.tool, rules.chain("mangle", "PREROUTING")?)))
}

/// Rules of them that set a mark.
fn setters<'a>(audit: &'a HostAudit, v6: bool) -> impl Iterator<Item = (&'static str, &'a Rule)> {
    chains(audit, v6)
        .flat_map(|(tool, chain)| chain.rules.iter().map(move |rule| (tool, rule)))
        .filter(|(_, rule)| rule.value("-j") == Some("MARK"))
}

/// The rule of mangle/PREROUTING that sets a packet's mark to that of its connection, after the rule that sets a mark.
fn restorer_after<'a>(
    audit: &'a HostAudit,
    v6: bool,
    mark: u32,
) -> Option<(&'static str, &'a Rule)> {
    chains(audit, v6).find_map(|(tool, chain)| {
        let sets =
            |rule: &Rule| rule.value("-j") == Some("MARK") && rule.marks(Some(0)) == Some(mark);
        let set = chain.rules.iter().position(sets)?;
        let mut later = chain.rules.iter().skip(set + 1);
        let rule = later.find(|rule| rule.words.iter().any(|word| word == "--restore-mark"))?;
        Some((tool, rule))
    })
}

/// A service of a mark that no rule sets gets no connection.
fn has_rule(audit: &HostAudit, mark: u32, v6: bool, findings: &mut Findings) {
    let set = setters(audit, v6).any(|(_, rule)| rule.marks(Some(0)) == Some(mark));
    let fault = (!set).then(|| {
        Mismatch::new(
            format!("a rule of mangle/PREROUTING that sets the mark {mark:#x} of the service -f {mark}"),
            "none",
            "`lvsctl apply` for a service of the inventory; else `ipvsadm -D -f` the service that is left over",
        )
    });
    if fault.is_some() && audit.facts().firewall.native_marks {
        return findings.unknown(audit.name(), &MARK_RULE, format!("{mark:#x}"), NATIVE);
    }
    let read = format!("a rule of mangle/PREROUTING sets {mark:#x}");
    findings.judge_read(audit.name(), &MARK_RULE, format!("{mark:#x}"), read, fault);
}

/// The mark that the rules set on a request that may arrive on any of these interfaces; None: not known, or not the same on
/// all.
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

/// The mark that all rules of a host leave on a packet; none where that is not known.
fn found(audit: &HostAudit, packet: &Packet, by: &[String], v6: bool) -> Option<u32> {
    let firewall = &audit.facts().firewall;
    let used = firewall.rules(v6).into_iter().filter(|r| !r.is_empty());
    let mut marks = used.map(|rules| mark(rules, packet, by));
    match (marks.next(), marks.next()) {
        (None, _) => Some(0),
        (Some(mark), None) => mark,
        // The order of the two backends within one hook is not known.
        (Some(one), Some(other)) => match (one, other) {
            (Some(0), mark) | (mark, Some(0)) => mark,
            _ => None,
        },
    }
}

/// The mark on a service's packets after all rules must be the service's own; without one, it must not be that of another
/// service.
fn gets_mark(
    audit: &HostAudit,
    service: &Service,
    vip: IpAddr,
    marked: &BTreeSet<(u32, bool)>,
    findings: &mut Findings,
) {
    let by = audit.toward(vip);
    for port in service.sampled_ports() {
        let asked = flow::request(service, vip, port);
        let v6 = vip.is_ipv6();
        let clients = Clients::of(audit, service, v6);
        // Rules may distinguish clients; one client with a wrong mark is enough.
        let is_right_mark = |found: Option<u32>| match (found, service.fwmark) {
            (None, _) => false,
            (Some(found), Some(mark)) => found == mark,
            (Some(found), None) => !marked.contains(&(found, v6)),
        };
        let found_by = |packet: &Packet| found(audit, packet, &by, v6);
        let sources = clients
            .sources
            .iter()
            .map(|source| packet_path::of(&asked, source));
        let odd = sources
            .into_iter()
            .find(|packet| !is_right_mark(found_by(packet)));
        let packet = odd.unwrap_or(asked);
        let found = found_by(&packet);
        let what = format!("{} {vip} port {port}", service.name);
        let Some(found) = found else {
            findings.unknown(
                audit.name(),
                &MARK_SET,
                what,
                "its mark depends on rules that cannot be decided from address and port",
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
            let setter = setters(audit, v6).find(|(_, rule)| rule.marks(Some(0)) == Some(found));
            let wrong = match service.fwmark {
                Some(mark) if found == 0 => restorer_after(audit, v6, mark),
                _ => setter.filter(|_| found != 0),
            };
            let fix = match wrong {
                Some((tool, rule)) => format!(
                    "`{}`; also remove the rule from the configuration that adds it at boot",
                    deletion(tool, "mangle", "PREROUTING", rule)
                ),
                None => "`lvsctl apply` sets the mark; delete the rule that sets another one after it: `iptables -t mangle -S PREROUTING`".to_owned(),
            };
            let found = if found == 0 {
                "none".to_owned()
            } else {
                let by = setter.map(|(_, rule)| rule.words.join(" "));
                let by = by.as_deref().unwrap_or("several rules together");
                format!("{found:#x}, set by {by}")
            };
            let cause = wrong.map(|(_, rule)| Cause::Rule(rule.words.join(" ")));
            Mismatch::new(expected, found, fix).because(cause)
        });
        if fault.is_some() && audit.facts().firewall.native_marks {
            findings.unknown(audit.name(), &MARK_SET, what, NATIVE);
            continue;
        }
        let fault = fault.map(|fault| fault.of_service(&service.name).of_vip(vip));
        findings.judge_read(
            audit.name(),
            &MARK_SET,
            what,
            format!("mark {found:#x}"),
            fault,
        );
    }
}

/// If another rule sets the mark too, foreign packets reach the service; a duplicate rule is left over from an earlier state.
fn reused(audit: &HostAudit, findings: &mut Findings) {
    let ours = view::marks(audit.cluster);
    let marks: BTreeSet<(u32, bool)> = ours
        .iter()
        .map(|m| (m.mark, m.destination.is_ipv6()))
        .collect();
    for (mark, v6) in marks {
        let mut comments = BTreeSet::new();
        let odd: Vec<(&str, &Rule)> = setters(audit, v6)
            .filter(|(_, rule)| rule.marks(Some(0)) == Some(mark))
            .filter(|(_, rule)| {
                let known = rule
                    .comment()
                    .filter(|c| ours.iter().any(|m| m.mark == mark && m.comment == *c));
                known.is_none_or(|comment| !comments.insert(comment))
            })
            .collect();
        let fault = odd.first().map(|(tool, rule)| {
            let list: Vec<String> = odd.iter().map(|(_, rule)| rule.words.join(" ")).collect();
            Mismatch::new(
                format!("the mark {mark:#x} set by one rule of its service alone"),
                format!("also {}", list.join("; ")),
                format!(
                    "`{}`, or another mark in the inventory",
                    deletion(tool, "mangle", "PREROUTING", rule)
                ),
            )
        });
        let read = "its service's rules alone set it";
        findings.judge_read(
            audit.name(),
            &MARK_UNIQUE,
            format!("{mark:#x}"),
            read,
            fault,
        );
    }
}

/// Packets that our rules counted, by comment.
fn packets(rules: [&Rules; 2]) -> Vec<(String, u64)> {
    let chains = rules
        .into_iter()
        .filter_map(|r| r.chain("mangle", "PREROUTING"));
    chains
        .flat_map(|chain| &chain.rules)
        .filter_map(|rule| Some((rule.comment()?.to_owned(), rule.packets?)))
        .collect()
}

/// The mark rules of the director that holds the VIP must have counted the packets of the answered requests.
fn counters(traffic: &Traffic, findings: &mut Findings) {
    for (index, group) in traffic.groups.iter().enumerate() {
        let (Some(_), Some(director)) = (group.service.fwmark, traffic.holder(group)) else {
            continue;
        };
        let Some(after) = traffic.again.get(director.name()) else {
            continue;
        };
        let mine = traffic.exchanges.iter().filter(|e| e.group == index);
        let answered = mine.map(|e| e.replies.answered()).sum();
        let count = |firewall: &Firewall| -> Vec<(String, u64)> {
            let both = [firewall.rules(false), firewall.rules(true)];
            both.into_iter().flat_map(packets).collect()
        };
        let counted = [count(&director.facts().firewall), count(&after.firewall)];
        moved(director, group.service, answered, &counted, findings);
    }
}

fn moved(
    director: &HostAudit,
    service: &Service,
    answered: u64,
    [before, after]: &[Vec<(String, u64)>; 2],
    findings: &mut Findings,
) {
    let prefix = format!("lvsctl:{}/{}", director.cluster.name, service.name);
    let mine = |comment: &str| {
        comment
            .strip_prefix(&prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
    };
    let sum = |all: &[(String, u64)]| -> u64 {
        all.iter().filter(|(c, _)| mine(c)).map(|(_, n)| n).sum()
    };
    let grown = sum(after).saturating_sub(sum(before));
    let mismatch = (grown < answered).then(|| {
        Mismatch::new(
            format!("the mark rules of {} to count at least {answered} packets while clients asked", service.name),
            grown.to_string(),
            "the packets do not pass mangle/PREROUTING of this director: see who answers ARP for the VIP",
        )
    });
    findings.judge_read(
        director.name(),
        &MARK_COUNTERS,
        service.name.clone(),
        format!("{grown} packets for {answered} answers"),
        mismatch.map(|mismatch| mismatch.of_service(&service.name)),
    );
}
