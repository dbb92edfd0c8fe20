//! The output of `lvsctl verify`, as text and as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::style::{Style, Tone};
use super::{all_names, count, sanitize};
use crate::check::{Finding, Severity};

fn shown(severity: Severity) -> (Tone, &'static str) {
    match severity {
        Severity::Error => (Tone::Bad, "error"),
        Severity::Warning => (Tone::Notable, "warning"),
        Severity::Note => (Tone::Place, "note"),
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
    /// Hosts with findings; the cluster as a whole is one too.
    pub hosts: usize,
}

impl Totals {
    pub fn of(findings: &[Finding]) -> Self {
        let number = |severity| findings.iter().filter(|f| f.severity == severity).count();
        Self {
            errors: number(Severity::Error),
            warnings: number(Severity::Warning),
            notes: number(Severity::Note),
            hosts: by_host(findings).len(),
        }
    }
}

/// Hosts in the order in which they come up, each with its findings, the worst first.
fn by_host(findings: &[Finding]) -> Vec<(&str, Vec<&Finding>)> {
    let mut hosts: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in findings {
        match hosts.iter_mut().find(|(host, _)| *host == finding.host) {
            Some((_, list)) => list.push(finding),
            None => hosts.push((&finding.host, vec![finding])),
        }
    }
    for (_, list) in &mut hosts {
        list.sort_by_key(|finding| finding.severity);
    }
    hosts
}

/// Whether all that is shown of two findings is the same.
fn alike(a: &Finding, b: &Finding) -> bool {
    (a.severity, a.check, &a.what) == (b.severity, b.check, &b.what)
        && (&a.expected, &a.found, &a.fix) == (&b.expected, &b.found, &b.fix)
}

fn all_alike(a: &[&Finding], b: &[&Finding]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
}

/// Writes findings host by host, those that are the same on several hosts once, and a summary. What clients did not
/// ask for comes last: it is not proven, however many checks passed.
pub fn text(
    writer: &mut dyn Write,
    findings: &[Finding],
    passed: usize,
    skipped: &[String],
    style: Style,
) -> io::Result<()> {
    let mut groups: Vec<(Vec<&str>, Vec<&Finding>)> = Vec::new();
    for (host, list) in by_host(findings) {
        let host = if host.is_empty() { "the cluster" } else { host };
        let twin = groups
            .iter_mut()
            .find(|(_, other)| !style.verbose() && all_alike(other, &list));
        match twin {
            Some((hosts, _)) => hosts.push(host),
            None => groups.push((vec![host], list)),
        }
    }
    for (hosts, list) in &groups {
        let hosts = style.paint(Tone::Heading, all_names(hosts));
        writeln!(writer, "{hosts}:")?;
        for finding in list {
            write_finding(writer, finding, style)?;
        }
        writeln!(writer)?;
    }
    let summary = summary(&Totals::of(findings), style);
    writeln!(writer, "{} passed, {summary}", count(passed, "check"))?;
    for why in skipped {
        let word = style.paint(Tone::Notable, "not proven end to end:");
        writeln!(writer, "{word} {}", sanitize::line(why))?;
    }
    writer.flush()
}

fn write_finding(writer: &mut dyn Write, finding: &Finding, style: Style) -> io::Result<()> {
    let (tone, word) = shown(finding.severity);
    writeln!(
        writer,
        "  {} {}: {}",
        style.paint(tone, format!("{word}:")),
        finding.check,
        sanitize::line(&finding.what)
    )?;
    for (name, value) in [
        ("expected", &finding.expected),
        ("found", &finding.found),
        ("fix", &finding.fix),
    ] {
        if !value.is_empty() {
            let name = style.paint(Tone::Faint, format!("{name:<9}"));
            writeln!(writer, "      {name} {}", sanitize::line(value))?;
        }
    }
    for part in &finding.parts {
        let name = style.paint(Tone::Faint, "also     ");
        let text = format!(
            "{}: {}: expected {}, found {}",
            part.check, part.what, part.expected, part.found
        );
        writeln!(writer, "      {name} {}", sanitize::line(&text))?;
    }
    Ok(())
}

fn summary(totals: &Totals, style: Style) -> String {
    let mut parts = Vec::new();
    for (number, tone, noun) in [
        (totals.errors, Tone::Bad, "error"),
        (totals.warnings, Tone::Notable, "warning"),
    ] {
        if number > 0 {
            parts.push(style.paint(tone, count(number, noun)).to_string());
        }
    }
    // A note is no finding: all is well, and something was not looked at.
    let notes = match totals.notes {
        0 => String::new(),
        number => format!(", {}", style.paint(Tone::Place, count(number, "note"))),
    };
    if parts.is_empty() {
        return format!("{}{notes}", style.paint(Tone::Good, "0 findings"));
    }
    let findings = count(totals.errors + totals.warnings, "finding");
    format!("{findings}: {}{notes}", parts.join(", "))
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    /// The former name of `fix`, for one release.
    mend: &'a str,
}

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    findings: Vec<Entry<'a>>,
    /// Checks that passed.
    passed: usize,
    summary: Totals,
    /// Why services were asked for by no client.
    skipped: &'a [String],
}

/// Writes `{"format": 1, "findings": [...], "passed": N, "summary": {...}, "skipped": [...]}`. Fields are only ever
/// added.
pub fn json(
    writer: &mut dyn Write,
    findings: &[Finding],
    passed: usize,
    skipped: &[String],
) -> io::Result<()> {
    let document = Document {
        format: 1,
        findings: findings
            .iter()
            .map(|finding| Entry {
                finding,
                mend: &finding.fix,
            })
            .collect(),
        passed,
        summary: Totals::of(findings),
        skipped,
    };
    super::document(writer, &document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Check, Part, registry};
    use crate::report::Level;

    fn check(id: &str) -> &'static Check {
        registry::find(id).unwrap()
    }

    fn finding(host: &str, check: &'static Check, severity: Severity) -> Finding {
        Finding {
            host: host.into(),
            check,
            what: "192.168.100.200 is answered for on the wire".into(),
            expected: "an answer of the master alone".into(),
            found: "02:00:00:00:00:15\u{1b}[2J".into(),
            fix: "set arp_ignore to 1: `lvsctl apply`".into(),
            severity,
            cause: None,
            parts: Vec::new(),
        }
    }

    fn findings() -> Vec<Finding> {
        let mut split = finding("", check("vrrp-equal"), Severity::Error);
        split.fix = String::new();
        vec![
            finding("rs1", check("persisted-sysctl"), Severity::Warning),
            finding("rs1", check("arp-answer"), Severity::Error),
            finding("rs2", check("arp-answer"), Severity::Error),
            finding("rs2", check("persisted-sysctl"), Severity::Warning),
            split,
        ]
    }

    fn shown(findings: &[Finding], style: Style) -> String {
        let mut bytes = Vec::new();
        text(&mut bytes, findings, 7, &[], style).unwrap();
        String::from_utf8(bytes).unwrap().replace('\u{1b}', "␛")
    }

    #[test]
    fn findings_say_what_was_expected_and_how_to_mend_it() {
        insta::assert_snapshot!(shown(&findings(), Style::plain()), @r"
        rs1, rs2:
          error: arp-answer: 192.168.100.200 is answered for on the wire
              expected  an answer of the master alone
              found     02:00:00:00:00:15\u{1b}[2J
              fix       set arp_ignore to 1: `lvsctl apply`
          warning: persisted-sysctl: 192.168.100.200 is answered for on the wire
              expected  an answer of the master alone
              found     02:00:00:00:00:15\u{1b}[2J
              fix       set arp_ignore to 1: `lvsctl apply`

        the cluster:
          error: vrrp-equal: 192.168.100.200 is answered for on the wire
              expected  an answer of the master alone
              found     02:00:00:00:00:15\u{1b}[2J

        7 checks passed, 5 findings: 3 errors, 2 warnings
        ");
        let verbose = shown(&findings(), Style::plain().at(Level::Verbose));
        assert!(verbose.contains("\nrs2:\n"), "{verbose}");
        let coloured = shown(&findings(), Style::coloured());
        assert!(
            coloured.contains("␛[31merror:␛[0m arp-answer"),
            "{coloured}"
        );
    }

    #[test]
    fn what_other_checks_found_of_the_same_cause_stands_with_it() {
        let mut one = finding("rs1", check("arp-ignore"), Severity::Error);
        one.parts.push(Part {
            check: check("persisted-sysctl"),
            what: "net.ipv4.conf.all.arp_ignore".into(),
            expected: "1".into(),
            found: "0, set by /etc/sysctl.d/99-x.conf".into(),
        });
        let text = shown(&[one], Style::plain());
        let line = "\n      also      persisted-sysctl: net.ipv4.conf.all.arp_ignore: expected 1, found 0, set by /etc/sysctl.d/99-x.conf\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn no_findings_are_said_in_these_words() {
        assert_eq!(shown(&[], Style::plain()), "7 checks passed, 0 findings\n");
        let note = [finding("client", check("arp-answer"), Severity::Note)];
        let text = shown(&note, Style::plain());
        assert!(
            text.ends_with("7 checks passed, 0 findings, 1 note\n"),
            "{text}"
        );
    }

    #[test]
    fn what_was_not_asked_for_comes_last() {
        let mut bytes = Vec::new();
        let skipped = ["no client\u{1b}[2J".to_owned()];
        text(&mut bytes, &findings(), 7, &skipped, Style::plain()).unwrap();
        let shown = String::from_utf8(bytes).unwrap();
        let last = shown.lines().last().unwrap();
        assert_eq!(last, "not proven end to end: no client\\u{1b}[2J");
    }

    #[test]
    fn findings_are_one_json_document() {
        let mut bytes = Vec::new();
        json(
            &mut bytes,
            &findings()[1..2],
            7,
            &["nobody asked".to_owned()],
        )
        .unwrap();
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let expected = serde_json::json!({
            "format": 1,
            "findings": [{
                "host": "rs1",
                "check": "arp-answer",
                "what": "192.168.100.200 is answered for on the wire",
                "expected": "an answer of the master alone",
                "found": "02:00:00:00:00:15\u{1b}[2J",
                "fix": "set arp_ignore to 1: `lvsctl apply`",
                "mend": "set arp_ignore to 1: `lvsctl apply`",
                "severity": "error",
            }],
            "passed": 7,
            "summary": {"errors": 1, "warnings": 0, "notes": 0, "hosts": 1},
            "skipped": ["nobody asked"],
        });
        assert_eq!(value, expected);
    }
}
