//! A network interface that must be up, such as the tunnel device of a TUN real server. The device itself comes with
//! its kernel module; this only switches it on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Change, Context, Kind, NodeLines, ParseError, Section};
use crate::shell::command;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub name: String,
}

/// Whether each interface is up, by name.
pub type Links = BTreeMap<String, bool>;

const DOWN: &str = "down";

#[derive(Deserialize)]
struct RawLink {
    ifname: String,
    #[serde(default)]
    flags: Vec<String>,
}

impl Link {
    fn set(&self, state: &str) -> String {
        command(["ip", "link", "set", &self.name, state])
    }
}

impl Kind for Link {
    const NAME: &'static str = "link";
    type Observed = Links;

    fn key(&self) -> String {
        self.name.clone()
    }

    fn probe(_: &[&Self]) -> String {
        "part json\nip -j link show\n".to_owned()
    }

    fn parse(section: &Section) -> Result<Self::Observed, ParseError> {
        let raw: Vec<RawLink> = serde_json::from_str(section.part("json"))
            .map_err(|e| ParseError::new(Self::NAME, format!("`ip -j link show`: {e}")))?;
        let is_up = |link: &RawLink| link.flags.iter().any(|flag| flag == "UP");
        Ok(raw
            .into_iter()
            .map(|link| (link.ifname.clone(), is_up(&link)))
            .collect())
    }

    fn diff(&self, observed: &Self::Observed, _: &Context) -> Option<Change> {
        let found = observed.get(&self.name);
        let (action, from) = match found {
            Some(true) => return None,
            Some(false) => (Action::Update, Some(DOWN)),
            None => (Action::Create, None),
        };
        let change = Change::new(Self::NAME, self.key(), action)
            .field("state", from, Some("up"))
            .step(format!("{} up", self.name), self.set("up"));
        Some(change)
    }

    fn before(&self, observed: &Self::Observed) -> Before {
        match observed.get(&self.name) {
            Some(true) => Before::Same,
            Some(false) => Before::Value(DOWN.to_owned()),
            None => Before::Absent,
        }
    }

    fn remove(&self, observed: &Self::Observed, before: &Before, _: &Context) -> Option<Change> {
        if *before == Before::Same || observed.get(&self.name) != Some(&true) {
            return None;
        }
        let change = Change::new(Self::NAME, self.key(), Action::Remove)
            .field("state", Some("up"), Some(DOWN))
            .step(
                format!("{} down", self.name),
                format!("{} 2>/dev/null || :", self.set(DOWN)),
            );
        Some(change)
    }

    fn node(&self) -> Option<NodeLines> {
        let show = command(["ip", "link", "show", &self.name, "up"]);
        Some(NodeLines {
            start: vec![self.set("up")],
            stop: vec![format!("{} 2>/dev/null || :", self.set(DOWN))],
            status: vec![(
                format!("link {} up", self.name),
                format!("[ -n \"$({show} 2>/dev/null)\" ]"),
            )],
        })
    }
}
