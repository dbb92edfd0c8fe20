//! A kernel module that is loaded now. Loading it at boot is a file, made by [`crate::persist`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Change, Context, Kind, NodeLines, ParseError, Section};
use crate::shell::{command, quote};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    pub name: String,
}

/// What the kernel says of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Loaded, or built in.
    Present,
    Loadable,
    /// The kernel has no such module.
    Unknown,
}

impl Kind for Module {
    const NAME: &'static str = "module";
    const SHAREABLE: bool = true;
    type Observed = BTreeMap<String, State>;

    fn key(&self) -> String {
        self.name.clone()
    }

    /// A process starts only for a module that is not loaded. `modinfo -n` tells a built-in one.
    fn probe(wanted: &[&Self]) -> String {
        let names: Vec<String> = wanted.iter().map(|m| quote(&m.name)).collect();
        // A container may not show /sys/module; a built-in module is shown nowhere else.
        format!(
            "part state\nloaded=\"\n$(cat /proc/modules 2>/dev/null)\"\nfor m in {}; do\n\
             case $loaded in *\"\n$m \"*) s=present;; *)\n\
             if [ -d \"/sys/module/$m\" ]; then s=present; else case $(modinfo -n \"$m\" 2>/dev/null) in\n\
             '') s=unknown;;\n*builtin*) s=present;;\n*) s=loadable;;\nesac; fi;; esac\n\
             printf '%s %s\\n' \"$m\" \"$s\"\ndone\n",
            names.join(" ")
        )
    }

    fn parse(section: &Section) -> Result<Self::Observed, ParseError> {
        let state = |line: &str| {
            let (name, state) = line.split_once(' ')?;
            let state = match state {
                "present" => State::Present,
                "loadable" => State::Loadable,
                "unknown" => State::Unknown,
                _ => return None,
            };
            Some((name.to_owned(), state))
        };
        section
            .part("state")
            .lines()
            .map(|line| {
                state(line).ok_or_else(|| ParseError::new(Self::NAME, format!("odd line {line:?}")))
            })
            .collect()
    }

    fn diff(&self, observed: &Self::Observed, _: &Context) -> Option<Change> {
        let state = observed.get(&self.name).copied().unwrap_or(State::Unknown);
        if state == State::Present {
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

    fn refuse(&self, observed: &Self::Observed, cx: &Context) -> Option<String> {
        let unknown = observed
            .get(&self.name)
            .is_none_or(|state| *state == State::Unknown);
        unknown.then(|| {
            format!(
                "expected kernel module {}, found none for kernel {}; install the distribution's full kernel or modules package",
                self.name, cx.facts.kernel
            )
        })
    }

    /// A module stays loaded: others may use it by now, and it does nothing by itself.
    fn remove(&self, _: &Self::Observed, _: &Before, _: &Context) -> Option<Change> {
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
