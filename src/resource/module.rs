//! A kernel module that is loaded now. Loading it at boot is a file, made by [`crate::plan::boot`].

use serde::{Deserialize, Serialize};

use super::{Action, Before, Change, Context, Kind, NodeLines, scalar};
use crate::fact::module::State;
use crate::fact::{Facts, Needs};
use crate::shell::command;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    pub name: String,
}

impl Kind for Module {
    const NAME: &'static str = "module";
    const SHAREABLE: bool = true;

    fn key(&self) -> String {
        self.name.clone()
    }

    fn fault(&self) -> Option<String> {
        scalar::no_name("a module's name", &self.name)
    }

    fn needs(&self, needs: &mut Needs) {
        needs
            .module
            .get_or_insert_default()
            .insert(self.name.clone());
    }

    fn diff(&self, facts: &Facts, _: &Context) -> Option<Change> {
        if facts.module.get(&self.name) == State::Present {
            return None;
        }
        let change = Change::new(Self::NAME, self.key(), Action::Create)
            .field("state", None::<&str>, Some("loaded"))
            .step(
                format!("load module {}", self.name),
                command(["modprobe", &self.name]),
            );
        Some(change)
    }

    fn refuse(&self, facts: &Facts, _: &Context) -> Option<String> {
        let unknown = facts.module.get(&self.name) == State::Unknown;
        unknown.then(|| {
            format!(
                "expected kernel module {}, found none for kernel {}; install the distribution's full kernel or modules package",
                self.name, facts.system.kernel
            )
        })
    }

    /// A module stays loaded: others may use it by now, and it is harmless.
    fn remove(&self, _: &Facts, _: &Before, _: &Context) -> Option<Change> {
        None
    }

    fn node(&self) -> Option<NodeLines> {
        let there = format!("[ -d /sys/module/{} ]", self.name);
        Some(NodeLines {
            // A container may have no modules folder, and the module all the same.
            start: vec![format!("{there} || {}", command(["modprobe", &self.name]))],
            stop: Vec::new(),
            status: vec![(
                format!("module {}", self.name),
                format!("{there} || grep -q '^{} ' /proc/modules", self.name),
            )],
        })
    }
}
