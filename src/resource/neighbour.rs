//! A permanent entry of the neighbour table: with it a gateway sends an address's packets to one MAC, without ARP.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::undo::{Turn, Undo};
use super::{Action, Before, Change, Context, Kind, NodeLines, scalar};
use crate::fact::neighbour::Neighbours;
use crate::fact::{Facts, Needs};
use crate::shell::command;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    pub address: IpAddr,
    /// The hardware address, in lower case.
    pub lladdr: String,
    pub interface: String,
}

impl Neighbour {
    fn replace(&self, lladdr: &str) -> String {
        let address = self.address.to_string();
        let to = ["ip", "neigh", "replace", &address, "lladdr", lladdr];
        command(
            to.into_iter()
                .chain(["dev", &self.interface, "nud", "permanent"]),
        )
    }

    fn delete(&self) -> String {
        let address = self.address.to_string();
        let command = command(["ip", "neigh", "del", &address, "dev", &self.interface]);
        // The node script's stop may have deleted it already.
        format!("{command} 2>/dev/null || :")
    }

    fn found<'a>(&self, observed: &'a Neighbours) -> Option<&'a String> {
        observed.get(self.address, &self.interface)
    }

    fn is_there(&self, observed: &Neighbours) -> bool {
        self.found(observed) == Some(&self.lladdr)
    }
}

impl Kind for Neighbour {
    const NAME: &'static str = "neighbour";

    fn key(&self) -> String {
        format!("{} dev {}", self.address, self.interface)
    }

    fn fault(&self) -> Option<String> {
        let mut parts = self.lladdr.split(':');
        let hex = |part: &str| part.len() == 2 && part.chars().all(|c| c.is_ascii_hexdigit());
        let good = self.lladdr.split(':').count() == 6 && parts.all(hex);
        let found = &self.lladdr;
        if !good {
            return Some(format!(
                "expected a hardware address, found `{found}`: write six pairs of hexadecimal digits, `\"52:54:00:c0:a8:32\"`"
            ));
        }
        let lower = found.to_lowercase();
        if lower != *found {
            return Some(format!(
                "expected a hardware address in lower case, found `{found}`: write `\"{lower}\"`"
            ));
        }
        scalar::no_interface(&self.interface)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.neighbour.get_or_insert_default();
    }

    fn diff(&self, facts: &Facts, _: &Context) -> Option<Change> {
        if self.is_there(&facts.neighbour) {
            return None;
        }
        let found = self.found(&facts.neighbour);
        let action = if found.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        let change = Change::new(Self::NAME, self.key(), action)
            .field("lladdr", found, Some(&self.lladdr))
            .joined_step(
                format!("neighbour {} at {}", self.key(), self.lladdr),
                self.replace(&self.lladdr),
            );
        Some(change)
    }

    fn undo(&self, before: &Before, _: &str) -> Option<Undo> {
        let back = match before {
            Before::Same => self.replace(&self.lladdr),
            Before::Value(old) => self.replace(old),
            _ => self.delete(),
        };
        Some(Undo::of_state(Turn::Neighbour, back))
    }

    fn before(&self, facts: &Facts) -> Before {
        match self.found(&facts.neighbour) {
            None => Before::Absent,
            Some(found) if *found == self.lladdr => Before::Same,
            Some(found) => Before::Value(found.clone()),
        }
    }

    fn remove(&self, facts: &Facts, before: &Before, _: &Context) -> Option<Change> {
        if !self.is_there(&facts.neighbour) {
            return None;
        }
        let change = Change::new(Self::NAME, self.key(), Action::Remove);
        match before {
            Before::Same => None,
            Before::Value(old) => Some(
                change
                    .field("lladdr", Some(&self.lladdr), Some(old))
                    .joined_step(
                        format!("put neighbour {} back to {old}", self.key()),
                        self.replace(old),
                    ),
            ),
            _ => Some(
                change
                    .field("lladdr", Some(&self.lladdr), None::<&str>)
                    .joined_step(format!("remove neighbour {}", self.key()), self.delete()),
            ),
        }
    }

    fn node(&self) -> Option<NodeLines> {
        let address = self.address.to_string();
        let show = command([
            "ip",
            "neigh",
            "show",
            &address,
            "dev",
            &self.interface,
            "nud",
            "permanent",
        ]);
        Some(NodeLines {
            start: vec![self.replace(&self.lladdr)],
            stop: vec![self.delete()],
            status: vec![(
                format!("neighbour {}", self.key()),
                format!("[ -n \"$({show})\" ]"),
            )],
        })
    }
}
