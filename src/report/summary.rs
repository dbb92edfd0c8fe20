//! The summary of an apply: a row per host, and a sentence on the hosts that are done and those that are not.

use std::io::{self, Write};

use serde::Serialize;

use super::style::{Style, Tone};
use super::table::{Side, Table};
use super::{count, error, names};
use crate::plan::HostPlan;
use crate::run::HostError;

/// With more hosts than this, successful hosts share a row.
const ROWS: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub host: String,
    #[serde(flatten)]
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing had to be changed.
    Ok,
    Changed {
        changes: usize,
        steps: usize,
    },
    Failed {
        error: String,
        /// Steps done before; none when that is not known.
        done: Option<usize>,
        steps: usize,
    },
    Interrupted {
        done: usize,
        steps: usize,
    },
    /// Not begun, as an earlier host failed or the run was interrupted.
    Skipped {
        steps: usize,
    },
    /// All steps are done except the withheld part of the plan.
    Withheld {
        changes: usize,
        steps: usize,
    },
    /// The host was not usable; nothing was changed there.
    Unreached {
        error: String,
    },
}

impl Row {
    /// From a host's plan and its result; None: the host was not begun.
    pub fn of(plan: &HostPlan, result: Option<&Result<(), HostError>>) -> Self {
        let steps = plan.steps.len();
        let outcome = match result {
            _ if plan.is_empty() => Outcome::Ok,
            None => Outcome::Skipped { steps },
            Some(Ok(())) => Outcome::Changed {
                changes: plan.changes.len(),
                steps,
            },
            Some(Err(HostError::Interrupted { done, .. } | HostError::Halted { done, .. })) => {
                Outcome::Interrupted { done: *done, steps }
            }
            Some(Err(cause)) => Outcome::Failed {
                error: error::chain(cause),
                done: cause.steps_done(plan.steps.len()),
                steps,
            },
        };
        Self {
            host: plan.host.clone(),
            outcome,
        }
    }

    /// A host that was left out from the beginning.
    pub fn unreached(host: impl Into<String>, error: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            outcome: Outcome::Unreached {
                error: error.into(),
            },
        }
    }

    /// The row of a host with a withheld part of its plan.
    #[must_use]
    pub fn withheld(self) -> Self {
        let outcome = match self.outcome {
            Outcome::Ok => Outcome::Withheld {
                changes: 0,
                steps: 0,
            },
            Outcome::Changed { changes, steps } => Outcome::Withheld { changes, steps },
            other => other,
        };
        Self { outcome, ..self }
    }

    /// Whether the host is in the desired state now.
    pub fn is_well(&self) -> bool {
        matches!(self.outcome, Outcome::Ok | Outcome::Changed { .. })
    }
}

/// Writes a row a host and a summary. `interrupted` is whether the user ended the run.
pub fn text(
    writer: &mut dyn Write,
    rows: &[Row],
    interrupted: bool,
    style: Style,
) -> io::Result<()> {
    let mut table = Table::bare();
    let short = rows.len() > ROWS && !style.verbose();
    let shown = rows.iter().filter(|row| !(short && row.is_well()));
    let shown: Vec<(&Row, _)> = shown.map(|row| (row, cells(&row.outcome))).collect();
    let width = shown.iter().map(|(_, (_, word, _))| word.len()).max();
    let width = width.unwrap_or(0);
    for (row, (tone, word, more)) in &shown {
        let last = format!("{word:<width$}  {more}");
        table.row(
            std::slice::from_ref(&row.host),
            Some(*tone),
            last.trim_end(),
        );
    }
    table.align(&[Side::Left]);
    write!(writer, "{}", table.render("", style))?;
    let mut parts = Vec::new();
    let mut part = |word: &str, tone: Tone, is: fn(&Outcome) -> bool| {
        let number = rows.iter().filter(|row| is(&row.outcome)).count();
        if number > 0 {
            parts.push(style.paint(tone, format!("{number} {word}")).to_string());
        }
    };
    part("changed", Tone::Good, |o| {
        matches!(o, Outcome::Changed { .. })
    });
    part("ok", Tone::Good, |o| matches!(o, Outcome::Ok));
    part("failed", Tone::Bad, |o| matches!(o, Outcome::Failed { .. }));
    part("interrupted", Tone::Notable, |o| {
        matches!(o, Outcome::Interrupted { .. })
    });
    part("skipped", Tone::Notable, |o| {
        matches!(o, Outcome::Skipped { .. })
    });
    part("withheld", Tone::Notable, |o| {
        matches!(o, Outcome::Withheld { .. })
    });
    part("not reached", Tone::Bad, |o| {
        matches!(o, Outcome::Unreached { .. })
    });
    if parts.is_empty() {
        parts.push("nothing done".to_owned());
    }
    writeln!(
        writer,
        "{}: {}",
        count(rows.len(), "host"),
        parts.join(", ")
    )?;
    if let Some(sentence) = sentence(rows, interrupted, style) {
        writeln!(writer, "{sentence}")?;
    }
    writer.flush()
}

fn cells(outcome: &Outcome) -> (Tone, &'static str, String) {
    let done_of = |done: Option<usize>, steps: usize| match done {
        Some(done) => format!("{done} of {} done", count(steps, "step")),
        None => format!("some of {} may be done", count(steps, "step")),
    };
    match outcome {
        Outcome::Ok => (Tone::Good, "ok", String::new()),
        Outcome::Changed { changes, steps } => {
            let more = match changes {
                0 => "the manifest only".to_owned(),
                _ => format!("{} in {}", count(*changes, "change"), count(*steps, "step")),
            };
            (Tone::Good, "changed", more)
        }
        Outcome::Failed { error, done, steps } => {
            let more = format!("{}: {error}", done_of(*done, *steps));
            (Tone::Bad, "failed", more)
        }
        Outcome::Interrupted { done, steps } => {
            (Tone::Notable, "interrupted", done_of(Some(*done), *steps))
        }
        Outcome::Skipped { steps } => (
            Tone::Notable,
            "skipped",
            format!("none of {} begun", count(*steps, "step")),
        ),
        Outcome::Withheld { steps: 0, .. } => {
            (Tone::Notable, "withheld", "nothing was changed".to_owned())
        }
        Outcome::Withheld { changes, steps } => {
            let done = format!("{} in {}", count(*changes, "change"), count(*steps, "step"));
            (
                Tone::Notable,
                "withheld",
                format!("{done}, and not the rest"),
            )
        }
        Outcome::Unreached { error } => (Tone::Bad, "not reached", error.clone()),
    }
}

/// The sentence on done and unfinished hosts; None: all hosts are done. For `apply` and `destroy`.
fn sentence(rows: &[Row], interrupted: bool, style: Style) -> Option<String> {
    let of = |is: fn(&Outcome) -> bool| -> Vec<&str> {
        rows.iter()
            .filter(|row| is(&row.outcome))
            .map(|row| row.host.as_str())
            .collect()
    };
    let whole = of(|o| matches!(o, Outcome::Ok | Outcome::Changed { .. }));
    // A step that failed may have done some of its work, the first one too.
    let begun = of(|o| match o {
        Outcome::Interrupted { done, .. } => *done > 0,
        other => matches!(other, Outcome::Failed { .. }),
    });
    let untouched = of(|o| {
        matches!(
            o,
            Outcome::Skipped { .. }
                | Outcome::Unreached { .. }
                | Outcome::Interrupted { done: 0, .. }
        )
    });
    let withheld = of(|o| matches!(o, Outcome::Withheld { .. }));
    if begun.is_empty() && untouched.is_empty() && withheld.is_empty() {
        return None;
    }
    let parts: Vec<String> = [
        ("done", whole),
        ("withheld", withheld),
        ("done in part", begun),
        ("not begun", untouched),
    ]
    .iter()
    .filter(|(_, hosts)| !hosts.is_empty())
    .map(|(said, hosts)| format!("{said}: {}", names(hosts, style)))
    .collect();
    let why = if interrupted { "interrupted; " } else { "" };
    Some(format!(
        "{why}{}\nwhat is done stays done and is recorded on its host; the same command goes on from there",
        parts.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Level;
    use crate::resource::change::{Phase, Step};
    use crate::resource::{Action, Change};

    fn plan(host: &str, titles: &[&str]) -> HostPlan {
        let steps = titles
            .iter()
            .map(|title| Step::new(*title, "", Phase::Main))
            .collect();
        let changes = titles
            .iter()
            .map(|title| Change::new("sysctl", *title, Action::Update))
            .collect();
        HostPlan {
            host: host.into(),
            changes,
            adopts: vec![],
            notes: vec![],
            refusals: vec![],
            replaces: vec![],
            steps,
            load: None,
        }
    }

    fn failed(title: &str) -> HostError {
        HostError::Step {
            index: 1,
            title: title.into(),
            status: 2,
            stderr: "RTNETLINK answers: \u{1b}[1mno\n".into(),
        }
    }

    fn shown(rows: &[Row], interrupted: bool, style: Style) -> String {
        let mut bytes = Vec::new();
        text(&mut bytes, rows, interrupted, style).unwrap();
        String::from_utf8(bytes).unwrap().replace('\u{1b}', "␛")
    }

    fn after_failure() -> Vec<Row> {
        vec![
            Row::of(&plan("rs1", &["a", "b"]), Some(&Ok(()))),
            Row::of(&plan("rs2", &[]), Some(&Ok(()))),
            Row::of(&plan("rs3", &["a", "b", "c"]), Some(&Err(failed("b")))),
            Row::of(&plan("director1", &["a"]), None),
            Row::unreached("rs4", "cannot reach the host: refused"),
        ]
    }

    #[test]
    fn a_failure_is_reported_with_what_is_done_and_what_is_not() {
        insta::assert_snapshot!(shown(&after_failure(), false, Style::plain()), @r#"
        rs1        changed      2 changes in 2 steps
        rs2        ok
        rs3        failed       1 of 3 steps done: the step "b" failed with status 2: RTNETLINK answers: \u{1b}[1mno
        director1  skipped      none of 1 step begun
        rs4        not reached  cannot reach the host: refused
        5 hosts: 1 changed, 1 ok, 1 failed, 1 skipped, 1 not reached
        done: rs1, rs2; done in part: rs3; not begun: director1, rs4
        what is done stays done and is recorded on its host; the same command goes on from there
        "#);
        insta::assert_snapshot!(shown(&after_failure()[1..3], false, Style::coloured()), @r#"
        rs2  ␛[32mok␛[0m
        rs3  ␛[31mfailed  1 of 3 steps done: the step "b" failed with status 2: RTNETLINK answers: \u{1b}[1mno␛[0m
        2 hosts: ␛[32m1 ok␛[0m, ␛[31m1 failed␛[0m
        done: rs2; done in part: rs3
        what is done stays done and is recorded on its host; the same command goes on from there
        "#);
    }

    #[test]
    fn an_interruption_is_reported_with_what_is_done_and_what_is_not() {
        let interrupted = |done| HostError::Interrupted {
            next: "b".into(),
            done,
            of: 3,
        };
        let rows = [
            Row::of(&plan("rs1", &["a"]), Some(&Ok(()))),
            Row::of(&plan("rs2", &["a", "b", "c"]), Some(&Err(interrupted(1)))),
            Row::of(&plan("rs3", &["a", "b", "c"]), Some(&Err(interrupted(0)))),
            Row::of(&plan("director1", &["a"]), None),
        ];
        insta::assert_snapshot!(shown(&rows, true, Style::plain()), @r"
        rs1        changed      1 change in 1 step
        rs2        interrupted  1 of 3 steps done
        rs3        interrupted  0 of 3 steps done
        director1  skipped      none of 1 step begun
        4 hosts: 1 changed, 2 interrupted, 1 skipped
        interrupted; done: rs1; done in part: rs2; not begun: rs3, director1
        what is done stays done and is recorded on its host; the same command goes on from there
        ");
    }

    #[test]
    fn what_was_withheld_is_reported() {
        let rows = [
            Row::of(&plan("rs1", &["a"]), Some(&Ok(()))),
            Row::of(&plan("rs2", &["a", "b"]), Some(&Ok(()))).withheld(),
            Row::of(&plan("rs3", &[]), None).withheld(),
        ];
        insta::assert_snapshot!(shown(&rows, false, Style::plain()), @r"
        rs1  changed   1 change in 1 step
        rs2  withheld  2 changes in 2 steps, and not the rest
        rs3  withheld  nothing was changed
        3 hosts: 1 changed, 2 withheld
        done: rs1; withheld: rs2, rs3
        what is done stays done and is recorded on its host; the same command goes on from there
        ");
    }

    #[test]
    fn success_needs_no_sentence() {
        let rows = [Row::of(&plan("rs1", &["a"]), Some(&Ok(())))];
        assert_eq!(
            shown(&rows, false, Style::plain()),
            "rs1  changed  1 change in 1 step\n1 host: 1 changed\n"
        );
        assert_eq!(shown(&[], false, Style::plain()), "0 hosts: nothing done\n");
    }

    #[test]
    fn many_hosts_that_ended_well_are_only_counted() {
        let mut rows: Vec<Row> = (0..50)
            .map(|n| Row::of(&plan(&format!("rs{n}"), &["a"]), Some(&Ok(()))))
            .collect();
        rows.push(Row::of(&plan("director1", &["a"]), None));
        let text = shown(&rows, false, Style::plain());
        assert!(
            text.starts_with(
                "director1  skipped  none of 1 step begun\n51 hosts: 50 changed, 1 skipped\n"
            ),
            "{text}"
        );
        let all = shown(&rows, false, Style::plain().at(Level::Verbose));
        assert!(all.contains("rs49       changed"), "{all}");
    }

    #[test]
    fn an_error_knows_how_many_steps_were_done() {
        for (titles, error, expected) in [
            (&["a", "b"][..], failed("b"), Some(1)),
            // Two steps may have one title.
            (&["a", "a"], failed("a"), Some(1)),
            (&["a"], HostError::Obstacles(vec!["x".into()]), None),
            (
                &["a", "b"],
                HostError::StillDiffers(vec!["x".into()]),
                Some(2),
            ),
        ] {
            let row = Row::of(&plan("h", titles), Some(&Err(error)));
            let Outcome::Failed { done, .. } = row.outcome else {
                panic!("{row:?}")
            };
            assert_eq!(done, expected, "{titles:?}");
        }
    }
}
