//! Units of systemd, or the services of OpenRC that have their names: what they are at boot and now.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::Clock;
use super::{Fact, ParseError, Section};
use crate::resource::service_manager::STARTED;
use crate::shell::quote;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Units {
    pub units: BTreeMap<String, State>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub loaded: bool,
    pub enabled: bool,
    pub active: bool,
    pub masked: bool,
    pub needs_daemon_reload: bool,
    /// When it last started or reloaded.
    pub changed: Moment,
    /// In systemd's words, for messages.
    pub active_state: String,
}

/// A moment, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Moment {
    SinceBoot(f64),
    Epoch(f64),
}

impl Default for Moment {
    fn default() -> Self {
        Self::SinceBoot(0.0)
    }
}

impl Moment {
    /// In seconds since the epoch.
    pub fn seconds(self, clock: &Clock) -> f64 {
        match self {
            Self::SinceBoot(seconds) => clock.boot() + seconds,
            Self::Epoch(seconds) => seconds,
        }
    }
}

impl Units {
    pub fn is_active(&self, name: &str) -> bool {
        self.units.get(name).is_some_and(|unit| unit.active)
    }
}

const PROPERTIES: &str =
    "Id,Names,LoadState,ActiveState,UnitFileState,NeedDaemonReload,StateChangeTimestampMonotonic";

/// OpenRC is made to answer in the words of `systemctl show`.
fn show(units: &BTreeSet<String>) -> String {
    let names: Vec<String> = units.iter().map(|unit| quote(unit)).collect();
    format!(
        "set -- {}\n{}",
        names.join(" "),
        include_str!("scripts/unit.sh")
            .replace("PROPERTIES", PROPERTIES)
            .replace("STARTED", STARTED)
    )
}

impl Fact for Units {
    const NAME: &'static str = "unit";
    /// Names with their suffixes.
    type Ask = BTreeSet<String>;

    fn command(ask: &Self::Ask) -> String {
        format!("part show\n{}", show(ask))
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let mut units = BTreeMap::new();
        for block in section.part("show").split("\n\n") {
            let properties: BTreeMap<&str, &str> = block
                .lines()
                .filter_map(|line| line.split_once('='))
                .collect();
            let get = |name: &str| properties.get(name).copied().unwrap_or("");
            if get("Id").is_empty() {
                continue;
            }
            let monotonic: f64 = get("StateChangeTimestampMonotonic").parse().unwrap_or(0.0);
            let state = State {
                loaded: get("LoadState") == "loaded",
                masked: get("LoadState") == "masked",
                enabled: matches!(get("UnitFileState"), "enabled" | "static" | "alias"),
                active: matches!(get("ActiveState"), "active" | "reloading"),
                needs_daemon_reload: get("NeedDaemonReload") == "yes",
                changed: get("Changed")
                    .parse()
                    .map_or(Moment::SinceBoot(monotonic / 1e6), Moment::Epoch),
                active_state: get("ActiveState").to_owned(),
            };
            // A unit may be asked for by another of its names.
            for name in get("Names").split_whitespace().chain([get("Id")]) {
                units.insert(name.to_owned(), state.clone());
            }
        }
        Ok(Self { units })
    }
}
