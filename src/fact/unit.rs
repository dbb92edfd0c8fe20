//! Units of systemd, or the services of OpenRC that have their names: what they are at boot and now.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::Clock;
use super::{Fact, ParseError, Section};
use crate::shell::quote;

/// Where OpenRC marks the services that it has started.
pub const STARTED: &str = "/run/openrc/started";

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Units {
    pub units: BTreeMap<String, State>,
    /// Listening programs; read only if one of the units has failed.
    pub holders: Vec<Holder>,
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
    /// Whether it is masked only below /run, which `systemctl unmask` without `--runtime` does not remove.
    pub masked_until_boot: bool,
    /// Its main process; none where it has none, or the service manager does not say.
    pub main_pid: Option<u32>,
    /// Whether its processes are frozen (`systemctl freeze`).
    pub frozen: bool,
    /// Whether it failed so often that it is not started again (`start-limit-hit`).
    pub refused: bool,
}

/// A program that listens while a unit of the host has failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    pub udp: bool,
    pub port: u16,
    pub program: String,
    pub pid: u32,
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

const PROPERTIES: &str = "Id,Names,LoadState,ActiveState,UnitFileState,NeedDaemonReload,\
     StateChangeTimestampMonotonic,MainPID,FreezerState,Result";

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
                masked_until_boot: get("UnitFileState") == "masked-runtime",
                main_pid: get("MainPID").parse().ok().filter(|pid| *pid != 0),
                frozen: get("FreezerState").starts_with("frozen"),
                refused: get("Result") == "start-limit-hit",
            };
            // A unit may be asked for by another of its names.
            for name in get("Names").split_whitespace().chain([get("Id")]) {
                units.insert(name.to_owned(), state.clone());
            }
        }
        let holders = section.part("holders").lines().filter_map(holder);
        Ok(Self {
            units,
            holders: holders.collect(),
        })
    }
}

/// `tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:* users:(("python3",pid=123,fd=3))` of ss(8).
fn holder(line: &str) -> Option<Holder> {
    let mut words = line.split_whitespace();
    let udp = words.next()? == "udp";
    let (_, port) = words.nth(3)?.rsplit_once(':')?;
    let (_, users) = line.split_once("users:((\"")?;
    let (program, rest) = users.split_once("\",pid=")?;
    let (pid, _) = rest.split_once(',')?;
    Some(Holder {
        udp,
        port: port.parse().ok()?,
        program: program.to_owned(),
        pid: pid.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_a_port() {
        let holder_of = |udp, port, program: &str, pid| Holder {
            udp,
            port,
            program: program.to_owned(),
            pid,
        };
        for (line, want) in [
            (
                "tcp   LISTEN 0      5            0.0.0.0:80        0.0.0.0:*    users:((\"python3\",pid=123,fd=3))",
                Some(holder_of(false, 80, "python3", 123)),
            ),
            (
                "udp UNCONN 0 0 [::]:53 [::]:* users:((\"named\",pid=7,fd=3),(\"named\",pid=8,fd=3))",
                Some(holder_of(true, 53, "named", 7)),
            ),
            ("tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:*", None),
            ("", None),
        ] {
            assert_eq!(holder(line), want, "{line}");
        }
    }

    #[test]
    fn what_systemctl_says_of_a_unit() {
        let text = "Id=a.service\nLoadState=masked\nActiveState=failed\nUnitFileState=masked-runtime\nMainPID=0\n\
                    FreezerState=running\nResult=start-limit-hit\n\nId=b.service\nLoadState=loaded\nActiveState=active\n\
                    MainPID=12\nFreezerState=frozen\nResult=success\n";
        let found = Units::parse(&Section::from_parts([("show", text)])).unwrap();
        let (a, b) = (&found.units["a.service"], &found.units["b.service"]);
        assert!(a.masked && a.masked_until_boot && a.refused && !a.frozen);
        assert_eq!((a.main_pid, b.main_pid), (None, Some(12)));
        assert!(b.frozen && !b.refused && !b.masked);
    }
}
