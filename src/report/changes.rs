//! What changed between two reports of `verify`, as text and as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::style::{Style, Tone};
use super::{count, sanitize};
use crate::check::{Changes, Known};

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    #[serde(flatten)]
    changes: &'a Changes,
    /// Findings that are there now, old and new.
    findings: usize,
}

impl<'a> Document<'a> {
    fn of(changes: &'a Changes) -> Self {
        Self {
            format: 1,
            time: None,
            cluster: None,
            changes,
            findings: changes.new.len() + changes.same.len(),
        }
    }
}

/// Writes what is new and what is gone, and a summary.
pub fn text(writer: &mut dyn Write, changes: &Changes, style: Style) -> io::Result<()> {
    for finding in &changes.new {
        writeln!(writer, "{}", new(finding, style))?;
    }
    for finding in &changes.gone {
        writeln!(writer, "{}", gone(finding, style))?;
    }
    writeln!(
        writer,
        "{} new, {} gone, {} as before",
        changes.new.len(),
        changes.gone.len(),
        changes.same.len()
    )?;
    writer.flush()
}

pub fn json(writer: &mut dyn Write, changes: &Changes) -> io::Result<()> {
    super::document(writer, &Document::of(changes))
}

/// One line of JSON: what a program that is run on a change gets.
pub fn line(changes: &Changes, cluster: &str, time: &str) -> String {
    let document = Document {
        time: Some(time),
        cluster: Some(cluster),
        ..Document::of(changes)
    };
    let text = serde_json::to_string(&document).unwrap_or_default();
    sanitize::json(&text).into_owned()
}

/// A line for each change, with its time.
pub fn timed(
    writer: &mut dyn Write,
    changes: &Changes,
    time: &str,
    style: Style,
) -> io::Result<()> {
    let time = style.paint(Tone::Faint, time);
    for finding in &changes.new {
        writeln!(writer, "{time} {}", new(finding, style))?;
    }
    for finding in &changes.gone {
        writeln!(writer, "{time} {}", gone(finding, style))?;
    }
    let left = count(changes.same.len() + changes.new.len(), "finding");
    if !changes.gone.is_empty() {
        writeln!(writer, "{time} {left} left")?;
    }
    writer.flush()
}

fn named(finding: &Known) -> String {
    let host = if finding.host.is_empty() {
        "the cluster"
    } else {
        &finding.host
    };
    let text = format!("{host}: {}: {}", finding.check, finding.what);
    sanitize::line(&text).into_owned()
}

fn new(finding: &Known, style: Style) -> String {
    let tone = if finding.severity == "warning" {
        Tone::Notable
    } else {
        Tone::Bad
    };
    let mut text = format!("{} {}", style.paint(tone, "new:"), named(finding));
    for (name, value) in [
        ("expected", &finding.expected),
        ("found", &finding.found),
        ("fix", &finding.fix),
    ] {
        if !value.is_empty() {
            text.push_str(&format!("; {name}: {}", sanitize::line(value)));
        }
    }
    text
}

fn gone(finding: &Known, style: Style) -> String {
    format!("{} {}", style.paint(Tone::Good, "gone:"), named(finding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Changes {
        let of = |check: &str| Known {
            host: "rs1".to_owned(),
            check: check.to_owned(),
            what: "eth0".to_owned(),
            expected: "1".to_owned(),
            found: "0".to_owned(),
            fix: "`lvsctl apply`".to_owned(),
            severity: "error".to_owned(),
        };
        Changes {
            new: vec![of("arp-ignore")],
            gone: vec![of("listener")],
            same: vec![of("lro")],
        }
    }

    #[test]
    fn changes_are_said() {
        let mut out = Vec::new();
        text(&mut out, &changes(), Style::plain()).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "new: rs1: arp-ignore: eth0; expected: 1; found: 0; fix: `lvsctl apply`\ngone: rs1: listener: eth0\n\
             1 new, 1 gone, 1 as before\n"
        );
        let mut out = Vec::new();
        timed(&mut out, &changes(), "T", Style::plain()).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert!(
            shown.ends_with("T gone: rs1: listener: eth0\nT 2 findings left\n"),
            "{shown}"
        );
        let value: serde_json::Value = serde_json::from_str(&line(&changes(), "web", "T")).unwrap();
        assert_eq!(value["new"][0]["check"], "arp-ignore");
        assert_eq!(value["gone"][0]["host"], "rs1");
        assert_eq!(
            (&value["findings"], &value["cluster"]),
            (&2.into(), &"web".into())
        );
    }
}
