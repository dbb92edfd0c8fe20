//! A permanent entry of the neighbour table: where a gateway sends an address's packets, whoever answers ARP for it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Change, Context, Kind, NodeLines, ParseError, Section};
use crate::shell::command;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    pub address: IpAddr,
    /// The hardware address, in lower case.
    pub lladdr: String,
    pub interface: String,
}

/// Permanent entries alone: what the kernel learned by itself is nobody's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Neighbours(BTreeMap<(IpAddr, String), String>);

#[derive(Deserialize)]
struct RawNeighbour {
    dst: IpAddr,
    dev: Option<String>,
    lladdr: Option<String>,
    #[serde(default)]
    state: Vec<String>,
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
        // It may have gone with the node script's stop.
        format!("{command} 2>/dev/null || :")
    }

    fn found<'a>(&self, observed: &'a Neighbours) -> Option<&'a String> {
        observed.0.get(&(self.address, self.interface.clone()))
    }

    fn is_there(&self, observed: &Neighbours) -> bool {
        self.found(observed) == Some(&self.lladdr)
    }
}

impl Kind for Neighbour {
    const NAME: &'static str = "neighbour";
    type Observed = Neighbours;

    fn key(&self) -> String {
        format!("{} dev {}", self.address, self.interface)
    }

    fn probe(_: &[&Self]) -> String {
        "part json\nip -j neigh show nud permanent\n".to_owned()
    }

    fn parse(section: &Section) -> Result<Self::Observed, ParseError> {
        let json = section.part("json").trim();
        let raw: Vec<RawNeighbour> = match json {
            // Some versions print nothing for an empty table.
            "" => Vec::new(),
            json => serde_json::from_str(json)
                .map_err(|e| ParseError::new(Self::NAME, format!("`ip -j neigh show`: {e}")))?,
        };
        let permanent = raw
            .into_iter()
            .filter(|n| n.state.iter().any(|s| s == "PERMANENT"));
        Ok(Neighbours(
            permanent
                .filter_map(|n| Some(((n.dst, n.dev?), n.lladdr?.to_lowercase())))
                .collect(),
        ))
    }

    fn diff(&self, observed: &Self::Observed, _: &Context) -> Option<Change> {
        if self.is_there(observed) {
            return None;
        }
        let found = self.found(observed);
        let action = if found.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        let change = Change::new(Self::NAME, self.key(), action)
            .field("lladdr", found, Some(&self.lladdr))
            .step(
                format!("neighbour {} at {}", self.key(), self.lladdr),
                self.replace(&self.lladdr),
            );
        Some(change)
    }

    fn before(&self, observed: &Self::Observed) -> Before {
        match self.found(observed) {
            None => Before::Absent,
            Some(found) if *found == self.lladdr => Before::Same,
            Some(found) => Before::Value(found.clone()),
        }
    }

    fn remove(&self, observed: &Self::Observed, before: &Before, _: &Context) -> Option<Change> {
        if !self.is_there(observed) {
            return None;
        }
        let change = Change::new(Self::NAME, self.key(), Action::Remove);
        match before {
            Before::Same => None,
            Before::Absent => Some(
                change
                    .field("lladdr", Some(&self.lladdr), None::<&str>)
                    .step(format!("remove neighbour {}", self.key()), self.delete()),
            ),
            Before::Value(old) => Some(change.field("lladdr", Some(&self.lladdr), Some(old)).step(
                format!("put neighbour {} back to {old}", self.key()),
                self.replace(old),
            )),
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
