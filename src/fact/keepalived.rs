//! The result of keepalived's configuration test, and the states of VRRP instances from its log. The log is the only source
//! without a change on the host: keepalived's data dump (SIGUSR1) writes a file.

use std::collections::BTreeMap;

use serde::Serialize;
use strum::Display;

use super::{Fact, ParseError, Section};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keepalived {
    pub test: Option<ConfigTest>,
    pub log: Log,
}

impl Keepalived {
    /// The last state of an instance, where its log says it.
    pub fn state(&self, instance: &str) -> Option<State> {
        self.log.states.get(instance).copied()
    }
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
    /// A tracked interface or program is down, so the instance takes no part in elections.
    Fault,
}

/// What the log says since keepalived started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Log {
    /// The last state of each instance, by its name.
    pub states: BTreeMap<String, State>,
    /// When an instance entered its state, in seconds since the epoch, where the log says so.
    pub since: BTreeMap<String, f64>,
    /// The last priority of an instance that tracked programs or interfaces changed.
    pub priorities: BTreeMap<String, u8>,
    /// Tracked programs, and what they said when they failed the last time; none where they succeeded after that.
    pub trackers: BTreeMap<String, Option<String>>,
    /// When the configuration was last read again.
    pub reloaded: Option<f64>,
    /// The process of the health checkers and that of VRRP.
    pub checkers: Option<u32>,
    pub vrrp: Option<u32>,
}

impl Log {
    fn of(text: &str) -> Self {
        let mut log = Self::default();
        for line in text.lines() {
            let time = line.split(' ').next().and_then(|word| word.parse().ok());
            let time = time.filter(|seconds: &f64| *seconds > 1e9);
            log.take(line, time);
        }
        log
    }

    fn take(&mut self, line: &str, time: Option<f64>) {
        let pid = || line.rsplit_once("pid=")?.1.trim().parse().ok();
        if line.contains("Starting Keepalived v") {
            *self = Self::default();
        } else if line.contains("Starting VRRP child") {
            self.states.clear();
            self.since.clear();
            self.priorities.clear();
            self.trackers.clear();
            self.vrrp = pid();
        } else if line.contains("Starting Healthcheck child") {
            self.checkers = pid();
        } else if let Some((name, state)) = entered(line) {
            self.states.insert(name.to_owned(), state);
            self.since.extend(time.map(|time| (name.to_owned(), time)));
        } else if let Some((name, priority)) = effective(line) {
            self.priorities.insert(name.to_owned(), priority);
        } else if let Some((name, failure)) = tracked(line) {
            self.trackers.insert(name.to_owned(), failure);
        } else if line.contains("Reloading") {
            self.reloaded = time.or(self.reloaded);
        }
    }
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

/// `(web) Changing effective priority from 100 to 50`.
fn effective(line: &str) -> Option<(&str, u8)> {
    let (before, after) = line.split_once(" Changing effective priority from ")?;
    let (_, name) = before.strip_suffix(')')?.rsplit_once('(')?;
    let (_, to) = after.split_once(" to ")?;
    Some((name, to.split_whitespace().next()?.parse().ok()?))
}

/// `VRRP_Script(web-nginx) failed (exited with status 1)`, `VRRP_Script(web-nginx) succeeded`.
fn tracked(line: &str) -> Option<(&str, Option<String>)> {
    let (_, rest) = line.split_once("VRRP_Script(")?;
    let (name, said) = rest.split_once(") ")?;
    let good = ["succeeded", "considered successful"];
    let failed = ["failed", "timed out", "now returning"];
    if good.iter().any(|word| said.starts_with(word)) {
        Some((name, None))
    } else if failed.iter().any(|word| said.starts_with(word)) {
        Some((name, Some(said.trim().to_owned())))
    } else {
        None
    }
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
            log: Log::of(section.part("log")),
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
            assert_eq!(Log::of(text).states, expected, "{text}");
        }
    }
    #[test]
    fn what_else_the_log_says() {
        let text = "1700000000.5 lb1 Keepalived[1]: Starting Healthcheck child process, pid=12\n\
            1700000000.6 lb1 Keepalived[1]: Starting VRRP child process, pid=13\n\
            1700000001.0 lb1 Keepalived_vrrp[13]: VRRP_Script(main-nginx) failed (exited with status 1)\n\
            1700000001.1 lb1 Keepalived_vrrp[13]: VRRP_Script(main-dns) failed (exited with status 1)\n\
            1700000001.2 lb1 Keepalived_vrrp[13]: VRRP_Script(main-dns) succeeded\n\
            1700000001.3 lb1 Keepalived_vrrp[13]: (main) Changing effective priority from 100 to 50\n\
            1700000002.0 lb1 Keepalived_vrrp[13]: (main) Entering MASTER STATE\n\
            1700000003.0 lb1 Keepalived[1]: Reloading ...\n";
        let log = Log::of(text);
        assert_eq!((log.checkers, log.vrrp), (Some(12), Some(13)));
        assert_eq!(log.priorities["main"], 50);
        assert_eq!(log.trackers["main-dns"], None);
        let failure = log.trackers["main-nginx"].as_deref();
        assert_eq!(failure, Some("failed (exited with status 1)"));
        assert_eq!(log.since.get("main"), Some(&1_700_000_002.0));
        assert_eq!(log.reloaded, Some(1_700_000_003.0));
        // A new VRRP process begins anew.
        let log = Log::of(&format!("{text}Starting VRRP child process, pid=14\n"));
        assert!(log.priorities.is_empty() && log.trackers.is_empty() && log.states.is_empty());
        assert_eq!((log.checkers, log.vrrp), (Some(12), Some(14)));
        // A system log has no such times.
        let log = Log::of(
            "Nov 28 01:20:02 lb1 daemon.info Keepalived_vrrp[333]: (main) Entering BACKUP STATE\n",
        );
        assert!(log.since.is_empty() && log.states.len() == 1);
    }
}
