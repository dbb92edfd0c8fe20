//! How things are shown: events while a run goes on, plans, findings, status, and errors. All of it writes to a
//! writer that it is given; what to colour and how much to tell is a [`Style`] that the caller decides on.
//! Nothing here prints by itself, exits, or reads the environment.

pub mod clean;
pub mod plain;
pub mod plan;
pub mod style;

pub use style::{Level, Style};

use std::fmt::Write as _;

/// How many names a line takes before it only counts the rest.
const NAMES: usize = 10;

/// Names in one line; many are cut short unless all are asked for.
fn names<S: AsRef<str>>(names: &[S], style: Style) -> String {
    let shown = if style.verbose() || names.len() <= NAMES + 1 {
        names.len()
    } else {
        NAMES
    };
    let mut line = String::new();
    for (index, name) in names.iter().take(shown).enumerate() {
        if index > 0 {
            line.push_str(", ");
        }
        let _ = write!(line, "{}", clean::line(name.as_ref()));
    }
    if shown < names.len() {
        let _ = write!(line, " and {} more", names.len() - shown);
    }
    line
}

/// `1 host`, `3 hosts`.
fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
