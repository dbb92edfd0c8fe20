//! A fwmark: one rule of mangle/PREROUTING that sets the mark on a service's packets. lvsctl identifies the rule by its
//! comment.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::undo::{Turn, Undo};
use super::{Action, Before, Change, Context, Kind, NodeLines};
use crate::fact::firewall::{Firewall, Rule};
use crate::fact::{Facts, Needs};
use crate::model::Protocol;
use crate::model::ports::PortRange;
use crate::shell::command;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// `lvsctl:CLUSTER/SERVICE`, and `#N` for the rules after the first.
    pub comment: String,
    pub destination: IpAddr,
    pub protocol: Protocol,
    /// Empty: every port. At most 15, where a range counts as two.
    pub ports: Vec<PortRange>,
    pub mark: u32,
}

impl Mark {
    fn tool(&self) -> &'static str {
        if self.destination.is_ipv6() {
            "ip6tables"
        } else {
            "iptables"
        }
    }

    fn host_prefix(&self) -> u8 {
        if self.destination.is_ipv6() { 128 } else { 32 }
    }

    /// The rule in the order and spelling of iptables-save(8), so that rules are compared word by word.
    pub(crate) fn rule(&self) -> Vec<String> {
        let protocol = match self.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        let mut words: Vec<String> = vec![
            "-d".into(),
            format!("{}/{}", self.destination, self.host_prefix()),
            "-p".into(),
            protocol.into(),
        ];
        if !self.ports.is_empty() {
            let ports: Vec<String> = self.ports.iter().map(|p| p.in_multiport()).collect();
            words.extend([
                "-m".into(),
                "multiport".into(),
                "--dports".into(),
                ports.join(","),
            ]);
        }
        words.extend(
            [
                "-m",
                "comment",
                "--comment",
                &self.comment,
                "-j",
                "MARK",
                "--set-xmark",
            ]
            .map(str::to_owned),
        );
        words.push(format!("{:#x}/0xffffffff", self.mark));
        words
    }

    fn run(&self, verb: &str, words: &[String]) -> String {
        let start = [self.tool(), "-w", "10", "-t", "mangle", verb, "PREROUTING"];
        command(start.into_iter().chain(words.iter().map(String::as_str)))
    }

    fn ours<'a>(&'a self, firewall: &'a Firewall) -> impl Iterator<Item = &'a Rule> {
        let rules = firewall.of_tool(self.destination.is_ipv6());
        let chain = rules.chain("mangle", "PREROUTING").into_iter();
        let rules = chain.flat_map(|chain| &chain.rules);
        rules.filter(|rule| rule.comment() == Some(&self.comment))
    }

    fn shown(words: &[String]) -> String {
        // The comment is the key, which the plan shows already.
        let mut shown = Vec::new();
        let mut words = words.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            match word {
                "--comment" => {
                    words.next();
                }
                "-m" if words.peek() == Some(&"comment") => {
                    words.next();
                }
                word => shown.push(word),
            }
        }
        shown.join(" ")
    }
}

/// A rule's words with the comment last: only its position differs between the backends.
fn canonical(words: &[String]) -> Vec<String> {
    let mut rest = Vec::new();
    let mut comment = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        match (word.as_str(), words.peek().map(|w| w.as_str())) {
            ("-m", Some("comment")) => {
                words.next();
            }
            ("--comment", Some(_)) => comment.extend(words.next().cloned()),
            _ => rest.push(word.clone()),
        }
    }
    rest.extend(comment);
    rest
}

impl Kind for Mark {
    const NAME: &'static str = "mark";

    fn key(&self) -> String {
        self.comment.clone()
    }

    fn needs(&self, needs: &mut Needs) {
        let ask = needs.firewall.get_or_insert_default();
        ask.mangle |= self.destination.is_ipv4();
        ask.mangle_v6 |= self.destination.is_ipv6();
    }

    fn diff(&self, facts: &Facts, _: &Context) -> Option<Change> {
        let desired = self.rule();
        let ours: Vec<&Rule> = self.ours(&facts.firewall).collect();
        let right = ours
            .iter()
            .filter(|rule| canonical(&rule.words) == canonical(&desired))
            .count();
        if right == 1 && ours.len() == 1 {
            return None;
        }
        let from = (!ours.is_empty()).then(|| {
            ours.iter()
                .map(|r| Self::shown(&r.words))
                .collect::<Vec<_>>()
                .join("; ")
        });
        let action = if ours.is_empty() {
            Action::Create
        } else {
            Action::Update
        };
        let mut change = Change::new(Self::NAME, self.key(), action).field(
            "rule",
            from,
            Some(Self::shown(&desired)),
        );
        // The new rule is added before the old one is deleted, so that no packet passes unmarked.
        if right == 0 {
            change = change.step(
                format!("mark {:#x} for {}", self.mark, self.comment),
                self.run("-A", &desired),
            );
        }
        let mut kept = right == 0;
        for rule in ours {
            if !kept && canonical(&rule.words) == canonical(&desired) {
                kept = true;
                continue;
            }
            change = change.step(
                format!("remove an old mark rule of {}", self.comment),
                self.run("-D", &rule.words),
            );
        }
        Some(change)
    }

    /// The rules as they were, by their comment.
    fn undo(&self, _: &Before, kept: &str) -> Option<Undo> {
        let words = |verb: &str| format!("{} {kept}", command([verb, self.tool(), &self.comment]));
        Some(Undo::kept(
            Turn::Filter,
            words("keep_marks"),
            words("put_marks"),
        ))
    }

    fn remove(&self, facts: &Facts, _: &Before, _: &Context) -> Option<Change> {
        let ours: Vec<&Rule> = self.ours(&facts.firewall).collect();
        let first = ours.first()?;
        let mut change = Change::new(Self::NAME, self.key(), Action::Remove).field(
            "rule",
            Some(Self::shown(&first.words)),
            None::<&str>,
        );
        for rule in ours {
            change = change.step(
                format!("remove the mark rule of {}", self.comment),
                format!(
                    "! {} 2>/dev/null || {}",
                    self.run("-C", &rule.words),
                    self.run("-D", &rule.words)
                ),
            );
        }
        Some(change)
    }

    fn node(&self) -> Option<NodeLines> {
        let words = self.rule();
        let check = self.run("-C", &words);
        Some(NodeLines {
            start: vec![format!("{check} 2>/dev/null || {}", self.run("-A", &words))],
            stop: vec![format!("{} 2>/dev/null || :", self.run("-D", &words))],
            status: vec![(
                format!("mark {:#x} for {}", self.mark, self.destination),
                format!("{check} 2>/dev/null"),
            )],
        })
    }
}
