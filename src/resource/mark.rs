//! A firewall mark: one rule of mangle/PREROUTING that gives a service's packets its fwmark. The rule is ours by its comment.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Change, Context, Kind, NodeLines, ParseError, Section};
use crate::inventory::model::Protocol;
use crate::ports::PortRange;
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

/// A rule as `iptables-save` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The words after `-A PREROUTING`, as they would delete it again.
    pub words: Vec<String>,
    pub comment: Option<String>,
    pub v6: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    pub rules: Vec<Rule>,
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
    fn words(&self) -> Vec<String> {
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

    fn ours<'a>(&'a self, observed: &'a Rules) -> impl Iterator<Item = &'a Rule> {
        observed.rules.iter().filter(|rule| {
            rule.v6 == self.destination.is_ipv6() && rule.comment.as_deref() == Some(&self.comment)
        })
    }

    fn shown(words: &[String]) -> String {
        // The comment is the key, and known.
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

/// Splits a line of iptables-save, which quotes by `"` and escapes by `\`.
pub fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut started) = (false, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                started = true;
            }
            '\\' => {
                word.extend(chars.next());
                started = true;
            }
            c if c.is_whitespace() && !quoted => {
                if started {
                    words.push(std::mem::take(&mut word));
                    started = false;
                }
            }
            c => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

/// Where a comment stands differs between backends, and so does nothing else that matters here.
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
    type Observed = Rules;

    fn key(&self) -> String {
        self.comment.clone()
    }

    /// To list a table makes the legacy backend's kernel load it, so it is asked only where the table is. The other
    /// backend may be in use on a kernel that has both, and its tables are not in that list.
    fn probe(wanted: &[&Self]) -> String {
        let mut families = vec![("v4", "ip")];
        if wanted.iter().any(|m| m.destination.is_ipv6()) {
            families.push(("v6", "ip6"));
        }
        let ask = |(part, family): (&str, &str)| {
            format!(
                "part {part}\nif command -v {family}tables-save >/dev/null 2>&1; then\n\
                 if grep -qs '^mangle$' /proc/net/{family}_tables_names; then {family}tables-save -t mangle 2>/dev/null\n\
                 else case $({family}tables --version 2>/dev/null) in *nf_tables*) {family}tables-save -t mangle 2>/dev/null;; esac; fi; fi\n"
            )
        };
        families.into_iter().map(ask).collect()
    }

    fn parse(section: &Section) -> Result<Self::Observed, ParseError> {
        let mut rules = Vec::new();
        for (part, v6) in [("v4", false), ("v6", true)] {
            for line in section.part(part).lines() {
                let Some(rest) = line.strip_prefix("-A PREROUTING ") else {
                    continue;
                };
                let words = split_words(rest);
                let comment = words
                    .iter()
                    .position(|w| w == "--comment")
                    .and_then(|at| words.get(at + 1))
                    .cloned();
                rules.push(Rule { words, comment, v6 });
            }
        }
        Ok(Rules { rules })
    }

    fn diff(&self, observed: &Self::Observed, _: &Context) -> Option<Change> {
        let wanted = self.words();
        let ours: Vec<&Rule> = self.ours(observed).collect();
        let right = ours
            .iter()
            .filter(|rule| canonical(&rule.words) == canonical(&wanted))
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
            Some(Self::shown(&wanted)),
        );
        // The new rule stands before the old one goes: no packet passes unmarked.
        if right == 0 {
            change = change.step(
                format!("mark {:#x} for {}", self.mark, self.comment),
                self.run("-A", &wanted),
            );
        }
        let mut kept = right == 0;
        for rule in ours {
            if !kept && canonical(&rule.words) == canonical(&wanted) {
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

    fn remove(&self, observed: &Self::Observed, _: &Before, _: &Context) -> Option<Change> {
        let ours: Vec<&Rule> = self.ours(observed).collect();
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
        let words = self.words();
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
