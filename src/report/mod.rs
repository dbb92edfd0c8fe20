//! Output formats: events during a run, plans, findings, status, and errors. All functions write to a given writer or return
//! text. The caller's [`Style`] decides on colour and detail. Nothing here prints, exits, or reads the environment.

pub mod audit;
pub mod changes;
pub mod connections;
pub mod drill;
pub mod error;
pub mod explain;
pub mod findings;
pub mod history;
pub mod json;
pub mod maintenance;
pub mod plain;
pub mod plan;
pub mod probe;
pub mod progress;
pub mod render;
pub mod sanitize;
pub mod status;
pub mod style;
pub mod summary;
mod table;
pub mod units;
pub mod withheld;

use std::io::{self, Write};

use serde::Serialize;

pub use style::{Level, Style};

/// How many names a line takes before it only counts the rest.
const NAMES: usize = 10;

/// Names in one line; many are cut short unless all are asked for.
fn names<S: AsRef<str>>(names: &[S], style: Style) -> String {
    // A cut that hides one name would save nothing.
    if style.verbose() || names.len() <= NAMES + 1 {
        return all_names(names);
    }
    let (shown, rest) = names.split_at(NAMES);
    format!("{} and {} more", all_names(shown), rest.len())
}

fn all_names<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<_> = names
        .iter()
        .map(|name| sanitize::line(name.as_ref()))
        .collect();
    names.join(", ")
}

/// One JSON document, on separate lines.
fn document(writer: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(writer, "{}", sanitize::json(&text))?;
    writer.flush()
}

/// `1 host`, `3 hosts`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
