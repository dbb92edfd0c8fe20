//! Progress as a terminal shows it.

use indicatif::{InMemoryTerm, ProgressDrawTarget};
use lvsctl::event::{Event, Sink};
use lvsctl::report::progress::{BARS, Progress};
use lvsctl::report::{Level, Style};

struct Screen {
    term: InMemoryTerm,
    progress: Progress,
}

impl Screen {
    fn new(style: Style) -> Self {
        let term = InMemoryTerm::new(60, 90);
        let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
        Self {
            term,
            progress: Progress::on(target, style),
        }
    }

    fn event(&self, event: Event) {
        self.progress.event(&event);
    }

    /// What stands on the screen, without the time that a bar took and the sign that turns.
    fn shown(&self) -> String {
        let text = self.term.contents();
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            let line = line.trim_end();
            let line = match line.rsplit_once(' ') {
                Some((rest, time)) if time.ends_with('s') && time.len() == 2 => rest.trim_end(),
                _ => line,
            };
            let turning = line.get(..2).is_some_and(|s| "- \\ | / ".contains(s));
            lines.push(if turning {
                format!("* {}", &line[2..])
            } else {
                line.to_owned()
            });
        }
        lines.join("\n")
    }
}

fn names(number: usize) -> Vec<String> {
    (1..=number).map(|n| format!("rs{n}")).collect()
}

fn connecting(host: &str) -> Event {
    Event::Connecting { host: host.into() }
}

fn probed(host: &str) -> Event {
    Event::Probed {
        host: host.into(),
        seconds: 0.2,
    }
}

fn step(host: &str, number: usize, done: bool) -> Event {
    let (host, title, of) = (host.to_owned(), format!("step number {number}"), 4);
    if done {
        Event::StepDone {
            host,
            number,
            of,
            title,
            seconds: 0.3,
        }
    } else {
        Event::Step {
            host,
            number,
            of,
            title,
        }
    }
}

fn failed(host: &str) -> Event {
    Event::Failed {
        host: host.into(),
        kind: "step-failed",
        error: "the step \u{1b}[2J failed".into(),
    }
}

fn done(host: &str) -> Event {
    Event::Done {
        host: host.into(),
        steps: 4,
        seconds: 1.5,
    }
}

#[test]
fn hosts_have_bars_and_what_they_came_to_is_kept() {
    let screen = Screen::new(Style::plain());
    screen.event(Event::Started {
        what: "probe",
        hosts: vec!["rs1".into(), "director1".into()],
    });
    screen.event(connecting("rs1"));
    insta::assert_snapshot!("progress_probing", screen.shown());
    screen.event(probed("rs1"));
    screen.event(connecting("director1"));
    screen.event(probed("director1"));
    assert_eq!(
        screen.shown(),
        "",
        "nothing is left of a probe that went well"
    );

    screen.event(Event::Stage {
        hosts: vec!["rs1".into(), "director1".into()],
    });
    screen.event(step("rs1", 1, false));
    screen.event(step("rs1", 1, true));
    screen.event(step("rs1", 2, false));
    screen.event(step("director1", 4, false));
    insta::assert_snapshot!("progress_applying", screen.shown());
    screen.event(done("director1"));
    insta::assert_snapshot!("progress_one_done", screen.shown());
    screen.event(failed("rs1"));
    screen.event(Event::Skipped {
        host: "web1".into(),
        kind: "halted",
        why: "an earlier host failed".into(),
    });
    screen.event(Event::Finished);
    insta::assert_snapshot!("progress_ended", screen.shown());
}

#[test]
fn many_hosts_share_the_screen() {
    let screen = Screen::new(Style::plain());
    let hosts = names(60);
    screen.event(Event::Started {
        what: "probe",
        hosts: hosts.clone(),
    });
    for host in &hosts[..30] {
        screen.event(connecting(host));
    }
    let shown = screen.shown();
    assert_eq!(shown.lines().count(), BARS + 1, "{shown}");
    assert_eq!(
        shown.lines().last(),
        Some("* probe: 0 of 60 hosts done, 30 at work, 30 waiting (10 not shown)")
    );
    // Those that end make room for those that wait for a bar.
    for host in &hosts[..15] {
        screen.event(probed(host));
    }
    screen.event(failed("rs16"));
    let shown = screen.shown();
    assert!(
        shown.starts_with("rs16: failed: the step \\u{1b}[2J failed\n"),
        "{shown}"
    );
    assert!(shown.contains("* rs30 connecting"), "{shown}");
    assert_eq!(
        shown.lines().last(),
        Some("* probe: 15 of 60 hosts done, 1 failed, 14 at work, 30 waiting")
    );
    assert_eq!(shown.lines().count(), 1 + 14 + 1, "{shown}");
    for host in &hosts[16..] {
        screen.event(connecting(host));
        screen.event(probed(host));
    }
    assert_eq!(screen.shown(), "rs16: failed: the step \\u{1b}[2J failed");
}

#[test]
fn verbose_keeps_steps_and_their_times() {
    let screen = Screen::new(Style::plain().at(Level::Verbose));
    screen.event(Event::Stage { hosts: names(1) });
    screen.event(step("rs1", 1, false));
    screen.event(step("rs1", 1, true));
    let shown = screen.shown();
    assert!(
        shown.starts_with("rs1: [1/4] step number 1: done in 0.3 s\n"),
        "{shown}"
    );
}

#[test]
fn errors_are_red_where_colour_is_on() {
    for (style, red) in [(Style::coloured(), true), (Style::plain(), false)] {
        let screen = Screen::new(style);
        screen.event(Event::Started {
            what: "probe",
            hosts: names(2),
        });
        screen.event(failed("rs1"));
        let bytes = screen.term.contents_formatted();
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(text.contains("\u{1b}[31m"), red, "{text:?}");
    }
}

#[test]
fn ending_takes_the_bars_away_and_keeps_the_lines() {
    let screen = Screen::new(Style::plain());
    screen.event(Event::Started {
        what: "verify",
        hosts: names(3),
    });
    screen.event(failed("rs1"));
    screen.event(Event::Asking {
        host: "client".into(),
        what: "curl http://192.168.100.200/".into(),
    });
    assert!(
        screen.shown().contains("* client curl http://"),
        "{}",
        screen.shown()
    );
    let Screen { term, progress } = screen;
    drop(progress);
    assert_eq!(term.contents(), "rs1: failed: the step \\u{1b}[2J failed");
}

#[test]
fn events_of_hosts_that_were_not_announced_do_no_harm() {
    let screen = Screen::new(Style::plain());
    screen.event(step("rs1", 9, true));
    screen.event(done("rs2"));
    screen.event(Event::Finished);
    assert_eq!(screen.shown(), "rs2: done, 4 steps in 1.5 s");
}

#[test]
fn events_come_from_many_threads() {
    let screen = Screen::new(Style::plain());
    let hosts = names(50);
    screen.event(Event::Stage {
        hosts: hosts.clone(),
    });
    std::thread::scope(|scope| {
        for host in &hosts {
            let progress = &screen.progress;
            scope.spawn(move || {
                for number in 1..=4 {
                    progress.event(&step(host, number, false));
                    progress.event(&step(host, number, true));
                }
                progress.event(&done(host));
            });
        }
    });
    let shown = screen.shown();
    assert_eq!(shown.matches(": ").count(), 50, "{shown}");
    assert!(!shown.contains("apply"), "{shown}");
}

/// What a signal says stays above the bars while they are drawn again and again.
#[test]
fn a_word_from_beside_stays_above_the_bars() {
    const LINE: &str = "interrupted: finishing the current steps; press Ctrl-C again to abort now";
    let screen = Screen::new(Style::plain());
    screen.event(Event::Stage { hosts: names(3) });
    let step = |host: &str, number| Event::Step {
        host: host.into(),
        number,
        of: 5,
        title: format!("step {number}"),
    };
    for host in names(3) {
        screen.event(step(&host, 1));
    }
    screen.progress.aside().line(LINE).expect("a line");
    for number in 2..5 {
        for host in names(3) {
            screen.event(step(&host, number));
        }
    }
    let shown = screen.shown();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.first(), Some(&LINE), "{shown}");
    let bars = lines.iter().filter(|line| line.contains("step 4")).count();
    assert_eq!(bars, 3, "{shown}");
}
