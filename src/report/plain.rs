//! Events as lines of text, for pipes and logs.

use std::io::{self, Write};
use std::sync::Mutex;

use super::style::{Style, Tone};
use super::{all_names, count, names, sanitize};
use crate::check::batch::Error;
use crate::event::{Event, Sink};
use crate::plan::serial::Pass;

/// Writes events as lines of text. An error of the writer ends the writing; [`Plain::finish`] returns it.
pub struct Plain<W: Write + Send> {
    style: Style,
    state: Mutex<State<W>>,
}

struct State<W> {
    writer: W,
    /// The width of the longest host name so far.
    width: usize,
    error: Option<io::Error>,
}

impl<W: Write + Send> Plain<W> {
    pub fn new(writer: W, style: Style) -> Self {
        Self {
            style,
            state: Mutex::new(State {
                writer,
                width: 0,
                error: None,
            }),
        }
    }

    /// The writer, or the first error that it gave.
    pub fn finish(self) -> io::Result<W> {
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match state.error.take() {
            Some(error) => Err(error),
            None => state.writer.flush().map(|()| state.writer),
        }
    }
}

impl<W: Write + Send> Sink for Plain<W> {
    fn event(&self, event: &Event) {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Event::Started { hosts, .. } | Event::Stage { hosts } = event {
            let longest = hosts.iter().map(|host| host.chars().count()).max();
            state.width = state.width.max(longest.unwrap_or(0));
        }
        if state.error.is_some() {
            return;
        }
        let Some(line) = line(event, state.width, self.style) else {
            return;
        };
        let written = writeln!(state.writer, "{line}").and_then(|()| state.writer.flush());
        state.error = written.err();
    }
}

/// The line of an event; none when it is of no interest at this level.
pub(super) fn line(event: &Event, width: usize, style: Style) -> Option<String> {
    let (quiet, verbose) = (style.quiet(), style.verbose());
    let of = |host: &str| {
        let pad = width.saturating_sub(host.chars().count());
        format!(
            "{}{:pad$}",
            style.paint(Tone::Heading, format!("{}:", sanitize::line(host))),
            ""
        )
    };
    let place = |number: &usize, of: &usize| {
        let total = of.to_string();
        let text = format!("[{number:>0$}/{total}]", total.len());
        style.paint(Tone::Faint, text)
    };
    let line = match event {
        Event::Started { what, hosts } if !quiet => {
            format!("{what}: {}", count(hosts.len(), "host"))
        }
        Event::Connecting { host } if verbose => format!("{} connecting", of(host)),
        Event::Probed { host, seconds } if verbose => {
            format!("{} probed in {}", of(host), duration(*seconds))
        }
        Event::Stage { hosts } if !quiet => format!("next: {}", names(hosts, style)),
        Event::Step {
            host,
            number,
            of: total,
            title,
        } if verbose => format!(
            "{} {} {} ...",
            of(host),
            place(number, total),
            sanitize::line(title)
        ),
        Event::StepDone {
            host,
            number,
            of: total,
            title,
            seconds,
        } if !quiet => {
            let took = if verbose {
                format!(": done in {}", duration(*seconds))
            } else {
                String::new()
            };
            format!(
                "{} {} {}{took}",
                of(host),
                place(number, total),
                sanitize::line(title)
            )
        }
        Event::Guarded { host, seconds } if !quiet => format!(
            "{} guard armed: the host restores its old state in {} unless lvsctl reaches it again",
            of(host),
            duration(*seconds as f64)
        ),
        Event::Confirmed { host } if !quiet => {
            format!("{} reached by a new connection: guard disarmed", of(host))
        }
        Event::Paused {
            host,
            done,
            of: total,
        } if verbose => format!(
            "{} {} waits for the other hosts",
            of(host),
            place(done, total)
        ),
        Event::Done {
            host,
            steps,
            seconds,
        } if !quiet => format!(
            "{} {}, {} in {}",
            of(host),
            style.paint(Tone::Good, "done"),
            count(*steps, "step"),
            duration(*seconds)
        ),
        Event::Failed { host, error, .. } => format!(
            "{} {}",
            of(host),
            style.paint(Tone::Bad, format!("failed: {}", sanitize::line(error)))
        ),
        Event::Skipped { host, why, .. } => format!(
            "{} {}",
            of(host),
            style.paint(Tone::Notable, format!("skipped: {}", sanitize::line(why)))
        ),
        Event::Batch { .. } | Event::Verified { .. } | Event::Stopped { .. } => {
            of_batch(event, style)?
        }
        Event::Asking { host, what } if !quiet => format!("{} {}", of(host), sanitize::line(what)),
        _ => return None,
    };
    Some(line)
}

/// The line of an event of a rolling apply.
fn of_batch(event: &Event, style: Style) -> Option<String> {
    match event {
        Event::Batch {
            number,
            of,
            pass,
            hosts,
        } => {
            let what = match pass {
                Pass::Make => "",
                Pass::Remove => "what goes, on ",
            };
            let line = format!("batch {number} of {of}: {what}{}", names(hosts, style));
            (!style.quiet()).then_some(line)
        }
        Event::Verified { number, of, errors } => verified(*number, *of, errors, style),
        Event::Stopped {
            number,
            of,
            left,
            message,
            ..
        } => {
            let message = sanitize::line(message);
            let said = format!("stopped after batch {number} of {of}: {message}");
            let said = style.paint(Tone::Bad, said);
            let left = all_names(left);
            Some(format!("{said}; not begun, or not to their end: {left}"))
        }
        _ => None,
    }
}

/// A line of what `verify` found, and one for each error.
fn verified(number: usize, of: usize, errors: &[Error], style: Style) -> Option<String> {
    let head = format!("verify after batch {number} of {of}");
    if errors.is_empty() {
        let well = style.paint(Tone::Good, "no error that counts");
        return (!style.quiet()).then(|| format!("{head}: {well}"));
    }
    let found = style.paint(Tone::Bad, count(errors.len(), "error"));
    let lines = errors.iter().map(|error| {
        let host = match error.host.as_str() {
            "" => String::new(),
            host => format!("{}: ", sanitize::line(host)),
        };
        let what = sanitize::line(&error.what);
        let message = sanitize::line(&error.message);
        format!("\n  {host}{} {what}: {message}", error.check)
    });
    Some(format!("{head}: {found}{}", lines.collect::<String>()))
}

/// `0.2 s`, `75 s`, `12 min 5 s`.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "an unknown time".to_owned();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    // Above 120 s, tenths and the like say nothing.
    let whole = seconds.round() as u64;
    if whole < 120 {
        format!("{whole} s")
    } else {
        format!("{} min {} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Level;

    fn verified(errors: Vec<Error>) -> Event {
        let (number, of) = (2, 3);
        Event::Verified { number, of, errors }
    }

    fn events() -> Vec<Event> {
        let host = || "rs1".to_owned();
        let title = || "add 192.168.100.200/32 to lo".to_owned();
        vec![
            Event::Started {
                what: "probe",
                hosts: vec!["rs1".into(), "director1".into()],
            },
            Event::Connecting { host: host() },
            Event::Probed {
                host: host(),
                seconds: 0.31,
            },
            Event::Stage {
                hosts: vec!["rs1".into(), "director1".into()],
            },
            Event::Step {
                host: host(),
                number: 1,
                of: 12,
                title: title(),
            },
            Event::StepDone {
                host: host(),
                number: 1,
                of: 12,
                title: title(),
                seconds: 0.2,
            },
            Event::Paused {
                host: host(),
                done: 9,
                of: 12,
            },
            Event::Done {
                host: host(),
                steps: 12,
                seconds: 75.2,
            },
            Event::Failed {
                host: "director1".into(),
                kind: "step-failed",
                error: "the step \"a\" failed\nwith \u{1b}[2J".into(),
            },
            Event::Skipped {
                host: "b".into(),
                kind: "halted",
                why: "an earlier host failed".into(),
            },
            Event::Asking {
                host: host(),
                what: "curl http://192.168.100.200/".into(),
            },
            Event::Batch {
                number: 2,
                of: 3,
                pass: Pass::Remove,
                hosts: vec!["rs1".into(), "rs2".into()],
            },
            verified(Vec::new()),
            verified(vec![
                Error {
                    host: host(),
                    check: &crate::check::REACHABLE,
                    what: "the host".into(),
                    message: "expected a shell, found\nnone".into(),
                },
                Error {
                    host: String::new(),
                    check: &crate::check::END_TO_END,
                    what: "web".into(),
                    message: "expected 200, found 503".into(),
                },
            ]),
            Event::Stopped {
                kind: "max-failures",
                number: 2,
                of: 3,
                failures: vec!["rs1".into()],
                left: vec!["rs3".into(), "lb1".into()],
                message: "expected none, found 1".into(),
            },
            Event::Finished,
        ]
    }

    fn output(style: Style) -> String {
        let plain = Plain::new(Vec::new(), style);
        for event in events() {
            plain.event(&event);
        }
        String::from_utf8(plain.finish().unwrap()).unwrap()
    }

    #[test]
    fn steps_done_are_shown() {
        insta::assert_snapshot!(output(Style::plain()), @r#"
        probe: 2 hosts
        next: rs1, director1
        rs1:       [ 1/12] add 192.168.100.200/32 to lo
        rs1:       done, 12 steps in 75 s
        director1: failed: the step "a" failed\nwith \u{1b}[2J
        b:         skipped: an earlier host failed
        rs1:       curl http://192.168.100.200/
        batch 2 of 3: what goes, on rs1, rs2
        verify after batch 2 of 3: no error that counts
        verify after batch 2 of 3: 2 errors
          rs1: reachable the host: expected a shell, found\nnone
          end-to-end web: expected 200, found 503
        stopped after batch 2 of 3: expected none, found 1; not begun, or not to their end: rs3, lb1
        "#);
    }

    #[test]
    fn verbose_shows_beginnings_and_times() {
        insta::assert_snapshot!(output(Style::plain().at(Level::Verbose)), @r#"
        probe: 2 hosts
        rs1:       connecting
        rs1:       probed in 0.3 s
        next: rs1, director1
        rs1:       [ 1/12] add 192.168.100.200/32 to lo ...
        rs1:       [ 1/12] add 192.168.100.200/32 to lo: done in 0.2 s
        rs1:       [ 9/12] waits for the other hosts
        rs1:       done, 12 steps in 75 s
        director1: failed: the step "a" failed\nwith \u{1b}[2J
        b:         skipped: an earlier host failed
        rs1:       curl http://192.168.100.200/
        batch 2 of 3: what goes, on rs1, rs2
        verify after batch 2 of 3: no error that counts
        verify after batch 2 of 3: 2 errors
          rs1: reachable the host: expected a shell, found\nnone
          end-to-end web: expected 200, found 503
        stopped after batch 2 of 3: expected none, found 1; not begun, or not to their end: rs3, lb1
        "#);
    }

    #[test]
    fn quiet_shows_what_went_wrong() {
        insta::assert_snapshot!(output(Style::plain().at(Level::Quiet)), @r#"
        director1: failed: the step "a" failed\nwith \u{1b}[2J
        b:         skipped: an earlier host failed
        verify after batch 2 of 3: 2 errors
          rs1: reachable the host: expected a shell, found\nnone
          end-to-end web: expected 200, found 503
        stopped after batch 2 of 3: expected none, found 1; not begun, or not to their end: rs3, lb1
        "#);
    }

    #[test]
    fn errors_are_red() {
        let text = output(Style::coloured().at(Level::Quiet));
        assert!(
            text.starts_with("\u{1b}[1mdirector1:\u{1b}[0m \u{1b}[31mfailed: the step"),
            "{text:?}"
        );
    }

    /// A pipe whose reader has gone after some bytes.
    struct Gone(usize);

    impl Write for Gone {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_reported_at_the_end() {
        let plain = Plain::new(Gone(20), Style::plain());
        for event in events() {
            plain.event(&event);
        }
        let error = plain.finish().err().map(|error| error.kind());
        assert_eq!(error, Some(io::ErrorKind::BrokenPipe));
    }

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [
            (0.04, "0.0 s"),
            (9.94, "9.9 s"),
            (9.96, "10 s"),
            (119.4, "119 s"),
            (125.0, "2 min 5 s"),
            (f64::NAN, "an unknown time"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
