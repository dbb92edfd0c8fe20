//! Events as JSON lines: one object an event, written as it happens.
//! docs/reference.md lists them. Events and fields are only ever added.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::sanitize;
use crate::event::{Event, Sink};
use crate::unix_time;

/// Writes events as JSON lines. An error of the writer ends the writing; [`Json::finish`] returns it.
pub struct Json<W: Write + Send> {
    now: fn() -> f64,
    state: Mutex<(W, Option<io::Error>)>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: f64,
    #[serde(flatten)]
    event: &'a Event,
}

impl<W: Write + Send> Json<W> {
    pub fn new(writer: W) -> Self {
        Self::with_clock(writer, now)
    }

    /// `now` returns the seconds since 1970.
    pub fn with_clock(writer: W, now: fn() -> f64) -> Self {
        Self {
            now,
            state: Mutex::new((writer, None)),
        }
    }

    /// The writer, or the first error that it gave.
    pub fn finish(self) -> io::Result<W> {
        let (mut writer, error) = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match error {
            Some(error) => Err(error),
            None => writer.flush().map(|()| writer),
        }
    }
}

impl<W: Write + Send> Sink for Json<W> {
    fn event(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (writer, error) = &mut *state;
        if error.is_some() {
            return;
        }
        // The time is read under the lock: it never goes back from one line to the next by a race.
        let time = (self.now)();
        let written = serde_json::to_string(&Line { time, event })
            .map_err(io::Error::from)
            .and_then(|line| writeln!(writer, "{}", sanitize::json(&line)))
            .and_then(|()| writer.flush());
        *error = written.err();
    }
}

/// To the millisecond.
fn now() -> f64 {
    (unix_time::now().as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::batch;
    use crate::inventory::{self, BUILT_IN_ROLES};
    use crate::plan::dependency::{What, Withheld};
    use crate::plan::serial::Pass;

    fn withheld() -> Withheld {
        Withheld {
            host: "rs1".into(),
            what: What::RealServer,
            service: Some("web".into()),
            real_server: Some("rs2".into()),
            because: Vec::new(),
            message: "no".into(),
            fix: "run".into(),
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn every_event_is_one_line_with_the_documented_fields() {
        let (host, title) = (|| "rs1".to_owned(), || "add\nit".to_owned());
        let inventory = "cluster: a\nnetworks: 10.0.0.0/24\nhosts:\n  lb: { role: director, address: 10.0.0.1 }\n  \
                         rs: { role: realserver, address: 10.0.0.2 }\nservices:\n  \
                         w: { vip: 10.0.0.9, port: 80, weight: 0 }\n";
        let loaded = inventory::parse("a.yaml", inventory, BUILT_IN_ROLES).unwrap();
        let events = [
            Event::Warning(loaded.warnings[0].clone()),
            Event::Started {
                what: "probe",
                hosts: vec![host()],
            },
            Event::Connecting { host: host() },
            Event::Probed {
                host: host(),
                seconds: 0.5,
            },
            Event::Stage {
                hosts: vec![host()],
            },
            Event::Step {
                host: host(),
                number: 1,
                of: 2,
                title: title(),
            },
            Event::StepDone {
                host: host(),
                number: 1,
                of: 2,
                title: title(),
                seconds: 0.25,
            },
            Event::Guarded {
                host: host(),
                seconds: 120,
            },
            Event::Confirmed { host: host() },
            Event::Paused {
                host: host(),
                done: 1,
                of: 2,
            },
            Event::Done {
                host: host(),
                steps: 2,
                seconds: 1.0,
            },
            Event::Failed {
                host: host(),
                kind: "step-failed",
                error: "no".into(),
            },
            Event::Skipped {
                host: host(),
                kind: "interrupted",
                why: "interrupted".into(),
            },
            Event::Batch {
                number: 1,
                of: 2,
                pass: Pass::Make,
                hosts: vec![host()],
            },
            Event::Verified {
                number: 1,
                of: 2,
                errors: vec![batch::Error {
                    host: host(),
                    check: &crate::check::REACHABLE,
                    what: "the host".into(),
                    message: "no".into(),
                }],
            },
            Event::Stopped {
                kind: "max-failures",
                number: 1,
                of: 2,
                failures: vec![host()],
                left: vec!["rs2".into()],
                message: "no".into(),
            },
            Event::Withheld(withheld()),
            Event::Refused {
                kind: "too-few-left",
                message: "no".into(),
            },
            Event::Asking {
                host: host(),
                what: "curl".into(),
            },
            Event::Finished,
        ];
        let json = Json::with_clock(Vec::new(), || 1.5);
        for event in &events {
            json.event(event);
        }
        let text = String::from_utf8(json.finish().unwrap()).unwrap();
        insta::assert_snapshot!(text, @r#"
        {"time":1.5,"event":"warning","file":"a.yaml","line":7,"column":3,"message":"all real servers of service `w` have weight 0, so none gets connections","fix":"give one of them a weight of 1 or more"}
        {"time":1.5,"event":"started","what":"probe","hosts":["rs1"]}
        {"time":1.5,"event":"connecting","host":"rs1"}
        {"time":1.5,"event":"probed","host":"rs1","seconds":0.5}
        {"time":1.5,"event":"stage","hosts":["rs1"]}
        {"time":1.5,"event":"step","host":"rs1","number":1,"of":2,"title":"add\nit"}
        {"time":1.5,"event":"step_done","host":"rs1","number":1,"of":2,"title":"add\nit","seconds":0.25}
        {"time":1.5,"event":"guarded","host":"rs1","seconds":120}
        {"time":1.5,"event":"confirmed","host":"rs1"}
        {"time":1.5,"event":"paused","host":"rs1","done":1,"of":2}
        {"time":1.5,"event":"done","host":"rs1","steps":2,"seconds":1.0}
        {"time":1.5,"event":"failed","host":"rs1","kind":"step-failed","error":"no"}
        {"time":1.5,"event":"skipped","host":"rs1","kind":"interrupted","why":"interrupted"}
        {"time":1.5,"event":"batch","number":1,"of":2,"pass":"make","hosts":["rs1"]}
        {"time":1.5,"event":"verified","number":1,"of":2,"errors":[{"host":"rs1","check":"reachable","what":"the host","message":"no"}]}
        {"time":1.5,"event":"stopped","kind":"max-failures","number":1,"of":2,"failures":["rs1"],"left":["rs2"],"message":"no"}
        {"time":1.5,"event":"withheld","host":"rs1","what":"real-server","service":"web","real_server":"rs2","because":[],"message":"no","fix":"run"}
        {"time":1.5,"event":"refused","kind":"too-few-left","message":"no"}
        {"time":1.5,"event":"asking","host":"rs1","what":"curl"}
        {"time":1.5,"event":"finished"}
        "#);
        // The reference is the promise: what is written is in it.
        let promised = include_str!("../../docs/reference.md");
        for line in text.lines() {
            let object: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(line).unwrap();
            let name = object["event"].as_str().unwrap();
            let row = promised
                .lines()
                .find(|l| l.starts_with(&format!("| `{name}` |")))
                .unwrap_or_else(|| panic!("{name} is not documented"));
            for field in object.keys().filter(|k| *k != "time" && *k != "event") {
                assert!(row.contains(&format!("`{field}`")), "{field} of {name}");
            }
        }
    }

    #[test]
    fn a_reader_that_went_away_is_reported_at_the_end() {
        let full: &mut [u8] = &mut [0; 8];
        let json = Json::new(full);
        json.event(&Event::Finished);
        json.event(&Event::Finished);
        assert!(json.finish().is_err());
    }

    #[test]
    fn the_clock_is_of_this_century() {
        assert!(now() > 1_600_000_000.0);
    }
}
