//! Kernel modules: which are loaded or built in, and which could be loaded.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, ParseError, Section};
use crate::shell::quote;

/// What the kernel says of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Loaded, or built in.
    Present,
    Loadable,
    /// The kernel has no such module.
    Unknown,
}

/// By name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modules(BTreeMap<String, State>);

impl Modules {
    pub fn get(&self, name: &str) -> State {
        self.0.get(name).copied().unwrap_or(State::Unknown)
    }

    #[cfg(test)]
    pub fn of<const N: usize>(states: [(&str, State); N]) -> Self {
        let owned = |(name, state): (&str, State)| (name.to_owned(), state);
        Self(states.into_iter().map(owned).collect())
    }
}

impl Fact for Modules {
    const NAME: &'static str = "module";
    /// Names.
    type Ask = BTreeSet<String>;

    fn command(ask: &Self::Ask) -> String {
        let names: Vec<String> = ask.iter().map(|name| quote(name)).collect();
        format!(
            "set -- {}\n{}",
            names.join(" "),
            include_str!("scripts/module.sh")
        )
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
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
        let states = section.part("state").lines().map(|line| {
            state(line).ok_or_else(|| ParseError::new(Self::NAME, format!("odd line {line:?}")))
        });
        Ok(Self(states.collect::<Result<_, _>>()?))
    }
}
