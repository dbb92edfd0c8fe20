//! A route of the main table, in the running kernel.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::undo::{Turn, Undo};
use super::{Action, Before, Change, Context, Kind, NodeLines, scalar};
use crate::fact::route::Known;
use crate::fact::{Facts, Needs};
use crate::shell::command;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// 0.0.0.0/0 or ::/0 is the default route.
    pub to: IpNet,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<IpAddr>,
}

impl Route {
    /// The option by which ip(8) takes its family.
    fn family(&self) -> &'static str {
        if self.to.addr().is_ipv6() { "-6" } else { "-4" }
    }

    fn ip(&self, verb: &[&str]) -> String {
        let to = self.to.to_string();
        let via = self.via.map(|v| v.to_string());
        let mut words = vec!["ip", self.family(), "route"];
        words.extend(verb);
        words.push(&to);
        if let Some(via) = &via {
            words.extend(["via", via]);
        }
        if let Some(interface) = &self.interface {
            words.extend(["dev", interface]);
        }
        command(words)
    }

    fn run(&self, verb: &str) -> String {
        self.ip(&[verb])
    }

    /// The command that prints the route if it exists.
    fn show(&self) -> String {
        self.ip(&["show", "exact"])
    }

    /// The removal; tolerates that the node script's stop has deleted the address, and with it the route.
    fn delete_if_there(&self) -> String {
        format!("[ -z \"$({})\" ] || {}", self.show(), self.run("del"))
    }

    fn matches(&self, known: &Known) -> bool {
        known.to == self.to
            && known.via == self.via
            && (self.interface.is_none() || known.interface == self.interface)
    }

    fn shown(interface: Option<&str>, via: Option<IpAddr>) -> String {
        let via = via.map(|v| format!("via {v}"));
        let dev = interface.map(|d| format!("dev {d}"));
        [via, dev]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl Kind for Route {
    const NAME: &'static str = "route";

    fn key(&self) -> String {
        self.to.to_string()
    }

    fn fault(&self) -> Option<String> {
        let via = self
            .via
            .filter(|via| via.is_ipv6() != self.to.addr().is_ipv6());
        if let Some(via) = via {
            let family = if via.is_ipv6() { "IPv4" } else { "IPv6" };
            return Some(format!(
                "expected a gateway of the same family as `to`, found `{via}`: write an {family} address"
            ));
        }
        if self.via.is_none() && self.interface.is_none() {
            return Some(
                "expected a gateway or an interface: add `via: ADDRESS`, or `interface: eth0`"
                    .to_owned(),
            );
        }
        self.interface.as_deref().and_then(scalar::no_interface)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.route.get_or_insert_default().v6 |= self.to.addr().is_ipv6();
    }

    fn diff(&self, facts: &Facts, _: &Context) -> Option<Change> {
        if facts.route.iter().any(|known| self.matches(known)) {
            return None;
        }
        let old = facts.route.iter().find(|known| known.to == self.to);
        let action = if old.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        let change = Change::new(Self::NAME, self.key(), action)
            .field(
                "route",
                old.map(|k| Self::shown(k.interface.as_deref(), k.via)),
                Some(Self::shown(self.interface.as_deref(), self.via)),
            )
            .joined_step(
                format!(
                    "route {} {}",
                    self.to,
                    Self::shown(self.interface.as_deref(), self.via)
                ),
                self.run("replace"),
            );
        Some(change)
    }

    /// Keeps the whole route on the host, since [`Before`] has neither metric nor protocol.
    fn undo(&self, _: &Before, kept: &str) -> Option<Undo> {
        let family = self.family();
        let to = self.to.to_string();
        let (save, back) = (["keep_route", family, &to], ["put_route", family, &to]);
        Some(Undo::kept(
            Turn::Route,
            format!("{} {kept}", command(save)),
            format!("{} {kept}", command(back)),
        ))
    }

    fn before(&self, facts: &Facts) -> Before {
        match facts.route.iter().find(|known| known.to == self.to) {
            None => Before::Absent,
            Some(known) if self.matches(known) => Before::Same,
            Some(known) => Before::Route {
                interface: known.interface.clone(),
                via: known.via,
            },
        }
    }

    /// The route, as JSON.
    fn before_of_text(&self, text: String) -> Before {
        serde_json::from_str(&text).map_or(Before::Absent, |old: Self| Before::Route {
            interface: old.interface,
            via: old.via,
        })
    }

    fn remove(&self, facts: &Facts, before: &Before, _: &Context) -> Option<Change> {
        let found = facts.route.iter().find(|known| self.matches(known))?;
        let change = Change::new(Self::NAME, self.key(), Action::Remove);
        let from = Self::shown(found.interface.as_deref(), found.via);
        match before {
            Before::Same => None,
            Before::Route { interface, via } => {
                let old = Self {
                    to: self.to,
                    interface: interface.clone(),
                    via: *via,
                };
                let to = Self::shown(old.interface.as_deref(), old.via);
                Some(change.field("route", Some(from), Some(&to)).joined_step(
                    format!("put route {} back to {to}", self.to),
                    old.run("replace"),
                ))
            }
            _ => Some(
                change
                    .field("route", Some(from), None::<String>)
                    .joined_step(format!("remove route {}", self.to), self.delete_if_there()),
            ),
        }
    }

    fn node(&self) -> Option<NodeLines> {
        Some(NodeLines {
            // A route of the host's own network configuration may have a metric and other attributes, so it is not replaced.
            start: vec![format!(
                "[ -n \"$({})\" ] || {}",
                self.show(),
                self.run("replace")
            )],
            // Without a default route no one could reach the host to start it again.
            stop: if self.to.prefix_len() == 0 {
                Vec::new()
            } else {
                vec![format!("{} 2>/dev/null || :", self.run("del"))]
            },
            status: vec![(
                format!(
                    "route {} {}",
                    self.to,
                    Self::shown(self.interface.as_deref(), self.via)
                ),
                format!("[ -n \"$({})\" ]", self.show()),
            )],
        })
    }
}
