//! The output of `lvsctl explain`: what a check proves, why, by which source, and how to fix what it finds.

use std::io::{self, Write};

use serde::Serialize;

use super::style::{Style, Tone};
use crate::check::Check;

/// All checks with their rules, one a line.
pub fn list(writer: &mut dyn Write, checks: &[&'static Check], style: Style) -> io::Result<()> {
    let width = checks.iter().map(|check| check.id.len()).max().unwrap_or(0);
    for check in checks {
        let id = style.paint(Tone::Heading, format!("{:<width$}", check.id));
        writeln!(writer, "{id}  {}", check.summary)?;
    }
    writer.flush()
}

/// One check in full.
pub fn text(writer: &mut dyn Write, check: &'static Check, style: Style) -> io::Result<()> {
    writeln!(writer, "{}", style.paint(Tone::Heading, check.id))?;
    for (name, value) in [
        ("rule", check.summary),
        ("why", check.reason),
        ("source", check.source),
        ("fix", check.fix),
    ] {
        let name = style.paint(Tone::Faint, format!("{name:<8}"));
        writeln!(writer, "  {name} {value}")?;
    }
    writer.flush()
}

#[derive(Serialize)]
struct Entry {
    check: &'static str,
    rule: &'static str,
    reason: &'static str,
    source: &'static str,
    fix: &'static str,
}

#[derive(Serialize)]
struct Document {
    format: u32,
    checks: Vec<Entry>,
}

/// Writes `{"format": 1, "checks": [{"check": ..., "rule": ..., "reason": ..., "source": ..., "fix": ...}]}`.
pub fn json(writer: &mut dyn Write, checks: &[&'static Check]) -> io::Result<()> {
    let entry = |check: &&'static Check| Entry {
        check: check.id,
        rule: check.summary,
        reason: check.reason,
        source: check.source,
        fix: check.fix,
    };
    let document = Document {
        format: 1,
        checks: checks.iter().map(entry).collect(),
    };
    super::document(writer, &document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::registry;

    fn shown(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_check_says_its_rule_reason_source_and_fix() {
        let check = registry::find("clocks").unwrap();
        let text = shown(|out| text(out, check, Style::plain()));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert_eq!(lines[0], "clocks");
        assert!(lines[1].starts_with("  rule     ") && lines[1].ends_with(check.summary));
        assert!(lines[4].starts_with("  fix      ") && lines[4].ends_with(check.fix));
    }

    #[test]
    fn the_list_and_the_document_have_every_check() {
        let text = shown(|out| list(out, registry::ALL, Style::plain()));
        let bytes = shown(|out| json(out, registry::ALL));
        let value: serde_json::Value = serde_json::from_str(&bytes).unwrap();
        assert_eq!(value["format"], 1);
        let ids = registry::ALL.iter().map(|check| check.id);
        for (index, id) in ids.enumerate() {
            let line = text.lines().nth(index).unwrap();
            assert_eq!(line.split("  ").next(), Some(id));
            assert_eq!(value["checks"][index]["check"], id);
            assert!(!value["checks"][index]["fix"].as_str().unwrap().is_empty());
        }
    }
}
