//! Packet filter rules that the next boot sets: saved rules, and rules that a script adds. The same packets are followed as
//! in the live rules. Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use super::harm::Harm;
use super::ours::Ours;
use super::paths::paths;
use super::sources::Source;
use super::{BOOT_FIREWALL, nft, replaced, shell};
use crate::check::firewall::Packet;
use crate::check::flow::request;
use crate::fact::boot_source::Line;
use crate::fact::boot_source::places::Reader;
use crate::fact::firewall::{Rule, Rules};
use crate::view;

/// The harms of a file of saved rules.
pub(super) fn saved(source: &Source, ours: &Ours) -> Vec<(Line, Harm)> {
    let lines = source.lines;
    let lost = source.late.then(|| replaced::by(source, ours)).flatten();
    let harms = match source.reader {
        Reader::Iptables => of_rules(&Rules::parse(&text(lines)), false, lines, ours),
        Reader::Ip6tables => of_rules(&Rules::parse(&text(lines)), true, lines, ours),
        Reader::Nftables => nft::rules(lines)
            .iter()
            .flat_map(|(rules, v6)| of_rules(rules, *v6, lines, ours))
            .take(1)
            .collect(),
        Reader::Arptables => lines
            .iter()
            .filter_map(|line| Some((line.clone(), arp(&line.text, ours)?)))
            .collect(),
        _ => Vec::new(),
    };
    match lost {
        Some(lost) if harms.is_empty() => vec![lost],
        _ => harms,
    }
}

pub(super) fn text(lines: &[Line]) -> String {
    lines
        .iter()
        .map(|line| format!("{}\n", line.text))
        .collect()
}

/// The harms of all rules that the commands of one script add, each with the command's line.
pub(super) fn of_commands(commands: &[(Line, Vec<String>)], ours: &Ours) -> Vec<(Line, Harm)> {
    let mut found = Vec::new();
    for (tool, v6) in [("iptables", false), ("ip6tables", true)] {
        let mut rules = Rules::default();
        let mut lines = Vec::new();
        for (line, words) in commands {
            let first = words.first().map(String::as_str).unwrap_or_default();
            if first.trim_end_matches("-legacy").trim_end_matches("-nft") != tool {
                continue;
            }
            if let Some(harm) = add(&mut rules, words.get(1..).unwrap_or_default(), ours) {
                found.push((line.clone(), harm));
            }
            lines.push(line.clone());
        }
        found.extend(of_rules(&rules, v6, &lines, ours));
    }
    for (line, words) in commands {
        let first = words.first().map(String::as_str).unwrap_or_default();
        if first == "arptables" {
            let rule = words
                .get(1..)
                .unwrap_or_default()
                .join(" ")
                .replacen("-I", "-A", 1);
            found.extend(arp(&rule, ours).map(|harm| (line.clone(), harm)));
        }
        if first == "nft" {
            let added = words.get(1..).unwrap_or_default().join(" ");
            found.extend(nft::command(&added).and_then(|(rules, v6)| {
                of_rules(&rules, v6, std::slice::from_ref(line), ours).pop()
            }));
            if added.starts_with("flush ruleset")
                && !view::marks(ours.audit.cluster).is_empty()
                && ours.is_director()
            {
                found.push((
                    line.clone(),
                    Harm::new(&BOOT_FIREWALL, "removes the rules of fwmarks"),
                ));
            }
        }
    }
    found
}

/// Adds the rule of one iptables(8) command; returns the harm of a command that deletes rules.
fn add(rules: &mut Rules, words: &[String], ours: &Ours) -> Option<Harm> {
    let mut table = "filter".to_owned();
    let mut rest: Vec<String> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-t" | "--table" => table = words.next().cloned().unwrap_or_default(),
            "-w" | "--wait" | "-W" => {
                words
                    .as_slice()
                    .first()
                    .filter(|w| w.chars().all(|c| c.is_ascii_digit()))
                    .and_then(|_| words.next());
            }
            _ => rest.push(long_to_short(word)),
        }
    }
    let (verb, rest) = rest.split_first()?;
    let chain = rest.first().cloned();
    let chains = rules.tables.entry(table.clone()).or_default();
    match (verb.as_str(), chain) {
        ("-A", Some(chain)) => {
            let words = rest.get(1..).unwrap_or_default().to_vec();
            chains.entry(chain).or_default().rules.push(Rule {
                words,
                packets: None,
                printed: None,
            });
        }
        ("-I", Some(chain)) => {
            let number = rest.get(1).is_some_and(|w| w.parse::<u16>().is_ok());
            let words = rest
                .get(1 + usize::from(number)..)
                .unwrap_or_default()
                .to_vec();
            chains.entry(chain).or_default().rules.insert(
                0,
                Rule {
                    words,
                    packets: None,
                    printed: None,
                },
            );
        }
        ("-P", Some(chain)) => chains.entry(chain).or_default().policy = rest.get(1).cloned(),
        ("-N", Some(chain)) => {
            chains.entry(chain).or_default();
        }
        ("-F" | "-X" | "-D", _) if table == "mangle" && verb != "-X" => {
            let marks = ours.is_director() && !view::marks(ours.audit.cluster).is_empty();
            let of_marks =
                rest.is_empty() || rest.first().is_some_and(|chain| chain == "PREROUTING");
            return (marks && of_marks)
                .then(|| Harm::new(&BOOT_FIREWALL, "removes the rules of fwmarks"));
        }
        ("-F", _) => chains.values_mut().for_each(|chain| chain.rules.clear()),
        _ => {}
    }
    None
}

fn long_to_short(word: &str) -> String {
    let short = match word {
        "--append" => "-A",
        "--insert" => "-I",
        "--policy" => "-P",
        "--new-chain" => "-N",
        "--flush" => "-F",
        "--delete" => "-D",
        "--source" | "--src" => "-s",
        "--destination" | "--dst" => "-d",
        "--protocol" | "--proto" => "-p",
        "--in-interface" => "-i",
        "--out-interface" => "-o",
        "--jump" => "-j",
        "--goto" => "-g",
        "--match" => "-m",
        "--destination-port" => "--dport",
        "--destination-ports" => "--dports",
        "--source-port" => "--sport",
        "--set-mark" => "--set-xmark",
        "--to-port" => "--to-ports",
        other => other,
    };
    short.to_owned()
}

/// The harm of a set of rules to the cluster's packets: at most one, at the line of the rule.
fn of_rules(rules: &Rules, v6: bool, lines: &[Line], ours: &Ours) -> Vec<(Line, Harm)> {
    let live = ours.audit.facts().firewall.rules(v6);
    let mut packets = paths(v6, ours);
    let found = packets.iter_mut().find_map(|path| {
        let does = path.harm(rules, v6)?;
        // Harm that the live rules do too is a finding of the checks of live rules.
        let already = live
            .iter()
            .any(|rules| !rules.is_empty() && path.harm(rules, v6).is_some());
        (!already).then(|| (does, path.what.clone()))
    });
    let stopped = found.and_then(|(by, what)| {
        let does = format!("stops packets of {what}: {by}");
        Some((at(&by, lines)?, Harm::new(&BOOT_FIREWALL, does)))
    });
    let found = stopped.or_else(|| unmarked(rules, v6, lines, ours));
    found.into_iter().collect()
}

/// The harm of IPv4 rules that a firewall manager makes from its files.
pub(super) fn walked(rules: &Rules, lines: &[Line], ours: &Ours) -> Vec<(Line, Harm)> {
    of_rules(rules, false, lines, ours)
}

/// The line of a rule, or of a policy; the first one where it is not found.
fn at(by: &str, lines: &[Line]) -> Option<Line> {
    let rule = by
        .strip_prefix("the rule ")
        .and_then(|rest| rest.rsplit_once(" of "))
        .map(|(rule, _)| rule);
    let bare = |text: &str| -> String {
        text.split(['"', '\''])
            .collect::<String>()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let found = match rule {
        Some(rule) => lines
            .iter()
            .find(|line| bare(&line.text).ends_with(&bare(rule)))
            .or_else(|| {
                let (_, words) = rule.split_at(rule.find(" -").unwrap_or(0));
                lines.iter().find(|line| {
                    !words.trim().is_empty() && bare(&line.text).ends_with(&bare(words))
                })
            }),
        None => {
            let chain = by.rsplit('/').next().unwrap_or_default();
            lines.iter().find(|line| {
                line.text.contains(&format!(":{chain} DROP"))
                    || line.text.contains(&format!("-P {chain} DROP"))
            })
        }
    };
    found
        .or_else(|| {
            lines
                .iter()
                .find(|line| line.text.to_lowercase().contains("drop"))
        })
        .or_else(|| lines.first())
        .cloned()
}

/// Rules that keep lvsctl's later mark rules from matching, or that mark packets of another service.
fn unmarked(rules: &Rules, v6: bool, lines: &[Line], ours: &Ours) -> Option<(Line, Harm)> {
    rules.chain("mangle", "PREROUTING")?;
    let mut with_ours = rules.clone();
    let marks = view::marks(ours.audit.cluster);
    let chains = with_ours.tables.entry("mangle".to_owned()).or_default();
    let chain = chains.entry("PREROUTING".to_owned()).or_default();
    for mark in marks.iter().filter(|mark| mark.destination.is_ipv6() == v6) {
        let words = mark.rule();
        // The saved rules may already contain it.
        if !chain
            .rules
            .iter()
            .any(|rule| rule.comment() == Some(&mark.comment))
        {
            chain.rules.push(Rule {
                words,
                packets: None,
                printed: None,
            });
        }
    }
    let wrong = wrong_mark(&with_ours, v6, ours)?;
    let does = format!(
        "gives packets of {} the mark {:#x} in place of {:#x}",
        wrong.service, wrong.found, wrong.expected
    );
    let sets = |line: &&Line| {
        line.text.contains("MARK") || line.text.contains("PREROUTING") && line.text.contains("-j")
    };
    let line = lines.iter().find(sets)?.clone();
    Some((line, Harm::new(&BOOT_FIREWALL, does)))
}

/// The mark that packets of a service get, and the one that they should get; 0 is none.
pub(super) struct WrongMark<'s> {
    pub(super) service: &'s str,
    pub(super) found: u32,
    pub(super) expected: u32,
}

/// The first service whose packets these rules mark otherwise than the inventory says; None also on real servers.
pub(super) fn wrong_mark<'s>(rules: &Rules, v6: bool, ours: &Ours<'s>) -> Option<WrongMark<'s>> {
    let audit = ours.audit;
    if !audit.host.is_director() {
        return None;
    }
    let marks = view::marks(audit.cluster);
    for service in &audit.cluster.services {
        for vip in service
            .vips
            .iter()
            .filter(|vip| vip.address.is_ipv6() == v6)
        {
            for port in service.sampled_ports() {
                let expected = service.fwmark.unwrap_or(0);
                for name in audit.toward(vip.address) {
                    let packet = Packet {
                        comes_in: Some(&name),
                        ..request(service, vip.address, port)
                    };
                    let found = rules.mark(&packet)?;
                    let of_another = marks.iter().any(|mark| mark.mark == found);
                    if found != expected && (expected != 0 || of_another) {
                        return Some(WrongMark {
                            service: &service.name,
                            found,
                            expected,
                        });
                    }
                }
            }
        }
    }
    None
}

/// A rule of arptables that drops ARP for an address that this host answers or asks for.
fn arp(rule: &str, ours: &Ours) -> Option<Harm> {
    let commands = shell::commands(rule);
    let words: Vec<&str> = commands.first()?.iter().map(String::as_str).collect();
    let value = |names: &[&str]| {
        words
            .iter()
            .position(|w| names.contains(w))
            .and_then(|at| words.get(at + 1))
            .copied()
    };
    let policy = value(&["-P", "--policy"]).is_some() && words.contains(&"DROP");
    if !policy && value(&["-j", "--jump"]) != Some("DROP") {
        return None;
    }
    let nets: Vec<IpNet> = [
        value(&["-d", "--destination-ip", "--dst-ip"]),
        value(&["-s", "--source-ip", "--src-ip"]),
    ]
    .into_iter()
    .flatten()
    .filter_map(|word| {
        word.parse()
            .ok()
            .or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))
    })
    .collect();
    let own = ours.own.iter().chain(ours.others.keys()).copied();
    let vips = ours.vips.iter().copied().filter(|_| ours.is_director());
    let hit = own
        .chain(vips)
        .filter(IpAddr::is_ipv4)
        .find(|ip| nets.iter().all(|net| net.contains(ip)))?;
    Some(Harm::new(&BOOT_FIREWALL, format!("drops ARP for {hit}")))
}
