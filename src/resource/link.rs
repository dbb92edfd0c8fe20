//! A network interface that must be up, such as the tunnel device of a TUN real server. The device itself is created by its
//! kernel module.

use serde::{Deserialize, Serialize};

use super::undo::{Turn, Undo};
use super::{Action, Before, Change, Context, Kind, NodeLines, scalar};
use crate::fact::{Facts, Needs};
use crate::shell::command;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub name: String,
}

const DOWN: &str = "down";

impl Link {
    fn set(&self, state: &str) -> String {
        command(["ip", "link", "set", &self.name, state])
    }
}

impl Kind for Link {
    const NAME: &'static str = "link";

    fn key(&self) -> String {
        self.name.clone()
    }

    fn fault(&self) -> Option<String> {
        scalar::no_interface(&self.name)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.address.get_or_insert_default();
    }

    fn diff(&self, facts: &Facts, _: &Context) -> Option<Change> {
        let found = facts.address.is_up(&self.name);
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

    fn undo(&self, before: &Before, _: &str) -> Option<Undo> {
        let state = match before {
            Before::Same => "up",
            Before::Down => DOWN,
            _ => return None,
        };
        Some(Undo::of_state(Turn::Link, self.set(state)))
    }

    fn before(&self, facts: &Facts) -> Before {
        match facts.address.is_up(&self.name) {
            Some(true) => Before::Same,
            Some(false) => Before::Down,
            None => Before::Absent,
        }
    }

    fn before_of_text(&self, _: String) -> Before {
        Before::Down
    }

    fn remove(&self, facts: &Facts, before: &Before, _: &Context) -> Option<Change> {
        if *before == Before::Same || facts.address.is_up(&self.name) != Some(true) {
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
