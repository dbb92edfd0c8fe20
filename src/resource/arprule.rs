//! The arptables rules for a VIP on a real server: ARP requests for the VIP are dropped, and the RIP replaces the VIP as
//! sender of ARP packets. arptables has no comments, so lvsctl identifies its rules by their text.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::undo::{Turn, Undo};
use super::{Action, Before, Change, Context, Kind, NodeLines};
use crate::fact::firewall::Arptables;
use crate::fact::{Facts, Needs};
use crate::shell::command;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arprule {
    pub vip: Ipv4Addr,
    pub rip: Ipv4Addr,
}

/// One of the two rules.
struct Desired {
    title: String,
    words: [String; 7],
    length: usize,
}

impl Desired {
    fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().take(self.length).map(String::as_str)
    }

    fn run(&self, verb: &str) -> String {
        command(["arptables", verb].into_iter().chain(self.words()))
    }

    fn is_in(&self, rules: &Arptables) -> bool {
        rules.has(&format!(
            "-A {}",
            self.words().collect::<Vec<_>>().join(" ")
        ))
    }
}

impl Arprule {
    fn desired(&self) -> [Desired; 2] {
        let (vip, rip) = (self.vip.to_string(), self.rip.to_string());
        let words = |words: [&str; 7]| words.map(str::to_owned);
        [
            Desired {
                title: format!("drop ARP questions for {vip}"),
                words: words(["INPUT", "-d", &vip, "-j", "DROP", "", ""]),
                length: 5,
            },
            Desired {
                title: format!("say {rip} in ARP for {vip}"),
                words: words(["OUTPUT", "-s", &vip, "-j", "mangle", "--mangle-ip-s", &rip]),
                length: 7,
            },
        ]
    }
}

impl Kind for Arprule {
    const NAME: &'static str = "arprule";

    fn key(&self) -> String {
        self.vip.to_string()
    }

    fn needs(&self, needs: &mut Needs) {
        needs.firewall.get_or_insert_default().arp = true;
    }

    fn diff(&self, facts: &Facts, _: &Context) -> Option<Change> {
        let desired = self.desired();
        let missing: Vec<&Desired> = desired
            .iter()
            .filter(|rule| !rule.is_in(&facts.firewall.arp))
            .collect();
        if missing.is_empty() {
            return None;
        }
        let action = if missing.len() == desired.len() {
            Action::Create
        } else {
            Action::Update
        };
        let mut change = Change::new(Self::NAME, self.key(), action);
        for rule in missing {
            let text: Vec<&str> = rule.words().collect();
            change = change
                .field("rule", None::<&str>, Some(text.join(" ")))
                .step(&rule.title, rule.run("-A"));
        }
        Some(change)
    }

    fn undo(&self, before: &Before, _: &str) -> Option<Undo> {
        let again = |rule: &Desired| {
            let delete = format!("{} 2>/dev/null || :\n", rule.run("-D"));
            match before {
                Before::Same => format!("{delete}{}\n", rule.run("-A")),
                _ => delete,
            }
        };
        let back: String = self.desired().iter().map(again).collect();
        Some(Undo::of_state(Turn::Filter, back))
    }

    fn before(&self, facts: &Facts) -> Before {
        if self
            .desired()
            .iter()
            .all(|rule| rule.is_in(&facts.firewall.arp))
        {
            Before::Same
        } else {
            Before::Absent
        }
    }

    fn remove(&self, facts: &Facts, before: &Before, _: &Context) -> Option<Change> {
        let desired = self.desired();
        let there: Vec<&Desired> = desired
            .iter()
            .filter(|rule| rule.is_in(&facts.firewall.arp))
            .collect();
        if there.is_empty() || *before == Before::Same {
            return None;
        }
        let mut change = Change::new(Self::NAME, self.key(), Action::Remove);
        for rule in there {
            let text: Vec<&str> = rule.words().collect();
            change = change
                .field("rule", Some(text.join(" ")), None::<&str>)
                // The node script's stop may have deleted it already.
                .step(
                    format!("no longer {}", rule.title),
                    format!("{} 2>/dev/null || :", rule.run("-D")),
                );
        }
        Some(change)
    }

    fn node(&self) -> Option<NodeLines> {
        let desired = self.desired();
        // Not every arptables has -C, so an existing rule is deleted first; otherwise it would be there twice.
        let again =
            |rule: &Desired| format!("{} 2>/dev/null || :\n\t{}", rule.run("-D"), rule.run("-A"));
        let pattern = format!("-d {}", self.vip);
        let asks = command(["grep", "-q", "--", &pattern]);
        Some(NodeLines {
            start: desired.iter().map(again).collect(),
            stop: desired
                .iter()
                .map(|rule| format!("{} 2>/dev/null || :", rule.run("-D")))
                .collect(),
            status: vec![(
                format!("arptables rules for {}", self.vip),
                format!("arptables-save 2>/dev/null | {asks}"),
            )],
        })
    }
}
