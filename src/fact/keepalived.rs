//! keepalived's opinion of its configuration, and what its log says of its VRRP instances: only the log says it without a
//! change on the host, since its data dump (SIGUSR1) writes a file.

use std::collections::BTreeMap;

use serde::Serialize;
use strum::Display;

use super::{Fact, ParseError, Section};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keepalived {
    pub test: Option<ConfigTest>,
    /// The states of instances by their names.
    pub states: BTreeMap<String, State>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    pub test: bool,
    pub states: bool,
}

/// What `keepalived -t` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigTest {
    pub status: i32,
    pub lines: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "UPPERCASE")]
pub enum State {
    Master,
    Backup,
    /// Something that the instance tracks is down: it takes no part.
    Fault,
}

/// The last state that was logged of each instance, by its name.
fn states(text: &str) -> BTreeMap<String, State> {
    let mut states = BTreeMap::new();
    for line in text.lines() {
        if line.contains("Starting Keepalived v") || line.contains("Starting VRRP child") {
            states.clear();
        } else if let Some((name, state)) = entered(line) {
            states.insert(name.to_owned(), state);
        }
    }
    states
}

/// `(web) Entering FAULT STATE (init)`, `(web): entering FAULT state`.
fn entered(line: &str) -> Option<(&str, State)> {
    let (before, after) = line
        .split_once(" Entering ")
        .or_else(|| line.split_once(" entering "))?;
    let before = before.trim_end_matches(':').strip_suffix(')')?;
    let (_, name) = before.rsplit_once('(')?;
    let state = match after.split_whitespace().next()? {
        "MASTER" => State::Master,
        "BACKUP" => State::Backup,
        "FAULT" => State::Fault,
        _ => return None,
    };
    Some((name, state))
}

impl Fact for Keepalived {
    const NAME: &'static str = "keepalived";
    type Ask = Ask;

    fn command(ask: &Ask) -> String {
        let mut text = "part asked\n".to_owned();
        if ask.test {
            text.push_str(include_str!("scripts/keepalived-test.sh"));
        }
        if ask.states {
            text.push_str(include_str!("scripts/keepalived-states.sh"));
        }
        text
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        Ok(Self {
            test: config_test(section.part("test")),
            states: states(section.part("log")),
        })
    }
}

fn config_test(text: &str) -> Option<ConfigTest> {
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    let status = lines.pop()?.strip_prefix("status ")?.parse().ok()?;
    Some(ConfigTest { status, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_state_of_each_instance_counts() {
        for (text, expected) in [
            ("", vec![]),
            (
                "(main) Entering BACKUP STATE (init)",
                vec![("main", State::Backup)],
            ),
            (
                "(main) Entering BACKUP STATE (init)\n(main) Entering MASTER STATE",
                vec![("main", State::Master)],
            ),
            (
                "(a) Entering MASTER STATE\n(b) Entering BACKUP STATE\n(a) Entering FAULT STATE",
                vec![("a", State::Fault), ("b", State::Backup)],
            ),
            // keepalived 2.0.5 to 2.4.3 at a start and a reload.
            (
                "(main) Entering FAULT STATE (init)",
                vec![("main", State::Fault)],
            ),
            ("(main) entering FAULT state", vec![("main", State::Fault)]),
            (
                "(main): entering FAULT state (src address not configured)",
                vec![("main", State::Fault)],
            ),
            (
                "(main) Entering FAULT STATE\n(main) Entering BACKUP STATE",
                vec![("main", State::Backup)],
            ),
            // A system log, with a start in between.
            (
                "Nov 28 01:19:01 lb1 daemon.info Keepalived_vrrp[333]: (old) Entering MASTER STATE\n\
                 Nov 28 01:20:01 lb1 daemon.info Keepalived[330]: Starting Keepalived v2.2.7 (01/16,2022)\n\
                 Nov 28 01:20:02 lb1 daemon.info Keepalived_vrrp[333]: (main) Entering BACKUP STATE (init)",
                vec![("main", State::Backup)],
            ),
            ("VRRP_Group(nat) Syncing instances to FAULT state", vec![]),
            ("(main) Entering SOME STATE", vec![]),
            ("Entering MASTER STATE", vec![]),
        ] {
            let expected: BTreeMap<String, State> = expected
                .into_iter()
                .map(|(name, state)| (name.to_owned(), state))
                .collect();
            assert_eq!(states(text), expected, "{text}");
        }
    }
}
