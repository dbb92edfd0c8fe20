//! The output of `lvsctl verify` as text.

use std::io::{self, Write};

use serde::Serialize;

use super::style::{Style, Tone};
use super::{all_names, count, sanitize};
use crate::check::{Finding, Findings, Part, Severity, State, Waived};

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
    /// Notes of what could not be read or decided.
    pub unknown: usize,
    /// Notes of what does not apply.
    pub skipped: usize,
    pub waived: usize,
    /// Hosts with findings; the cluster as a whole is one too.
    pub hosts: usize,
}

impl Totals {
    pub fn of(all: &Findings) -> Self {
        let findings = &all.all;
        let number = |severity| findings.iter().filter(|f| f.severity == severity).count();
        let state = |state| findings.iter().filter(|f| f.state == state).count();
        Self {
            errors: number(Severity::Error),
            warnings: number(Severity::Warning),
            notes: number(Severity::Note),
            unknown: state(State::Unknown),
            skipped: state(State::Skipped),
            waived: all.waived.len(),
            hosts: by_host(findings.iter()).len(),
        }
    }
}

/// Hosts in the order in which they come up, each with its findings, the worst first.
fn by_host<'f>(
    findings: impl IntoIterator<Item = &'f Finding>,
) -> Vec<(&'f str, Vec<&'f Finding>)> {
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
    let part = |part: &Part| {
        let texts = [&part.what, &part.expected, &part.found].map(String::clone);
        (part.check, texts)
    };
    (a.severity, a.check, &a.what) == (b.severity, b.check, &b.what)
        && (&a.expected, &a.found, &a.fix) == (&b.expected, &b.found, &b.fix)
        && a.parts.iter().map(part).eq(b.parts.iter().map(part))
}

fn all_alike(a: &[&Finding], b: &[&Finding]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
}

/// Writes findings host by host, those that are the same on several hosts once, and a summary. What could not be read,
/// and what clients did not ask for, comes last: it is not proven, however many checks passed.
pub fn text(writer: &mut dyn Write, findings: &Findings, style: Style) -> io::Result<()> {
    let proven = findings.all.iter().filter(|f| f.state != State::Unknown);
    let mut groups: Vec<(Vec<&str>, Vec<&Finding>)> = Vec::new();
    for (host, list) in by_host(proven) {
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
    let passed = count(findings.count(), "check");
    writeln!(writer, "{passed} passed, {summary}")?;
    let mut last = |tone, word: &str, text: &str| {
        let word = style.paint(tone, format!("{word}:"));
        writeln!(writer, "{word} {}", sanitize::line(text))
    };
    for waived in &findings.waived {
        last(Tone::Place, "waived", &waived_line(waived))?;
    }
    for finding in findings.unproven() {
        last(Tone::Notable, "not proven", &place(finding))?;
    }
    for why in findings.unasked() {
        last(Tone::Notable, "not proven end to end", &why)?;
    }
    writer.flush()
}

/// Host, check and subject of a finding, in one line.
pub(super) fn place(finding: &Finding) -> String {
    let host = match finding.host.as_str() {
        "" => "the cluster",
        host => host,
    };
    format!("{host}: {}: {}", finding.check, finding.what)
}

/// A waived finding with the reason, and until when.
pub(super) fn waived_line(waived: &Waived) -> String {
    let until = waived.until.as_ref();
    let until = until.map_or_else(String::new, |until| format!(" (until {until})"));
    format!("{}: {}{until}", place(&waived.finding), waived.reason)
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
        let word = if part.consequence { "leads to" } else { "also" };
        let name = style.paint(Tone::Faint, format!("{word:<9}"));
        let text = part_line(finding, part);
        writeln!(writer, "      {name} {}", sanitize::line(&text))?;
    }
    Ok(())
}

/// A part in one line, with its host where that is another.
pub(super) fn part_line(finding: &Finding, part: &Part) -> String {
    let host = match part.host.as_str() {
        host if host == finding.host => String::new(),
        "" => "the cluster: ".to_owned(),
        host => format!("{host}: "),
    };
    let text = format!("{host}{}: {}", part.check, part.what);
    if part.severity == Severity::Note {
        return text;
    }
    format!("{text}: expected {}, found {}", part.expected, part.found)
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
    let mut notes = String::new();
    for (number, tone, words) in [
        (
            totals.notes - totals.unknown,
            Tone::Place,
            count(totals.notes - totals.unknown, "note"),
        ),
        (
            totals.waived,
            Tone::Place,
            format!("{} waived", totals.waived),
        ),
        (
            totals.unknown,
            Tone::Notable,
            format!("{} not proven", totals.unknown),
        ),
    ] {
        if number > 0 {
            notes.push_str(&format!(", {}", style.paint(tone, words)));
        }
    }
    if parts.is_empty() {
        return format!("{}{notes}", style.paint(Tone::Good, "0 findings"));
    }
    let findings = count(totals.errors + totals.warnings, "finding");
    format!("{findings}: {}{notes}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{About, Check, Part, State, registry};
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
            state: match severity {
                Severity::Error => State::Error,
                Severity::Warning => State::Warning,
                Severity::Note => State::Note,
            },
            cause: None,
            about: About::default(),
            parts: Vec::new(),
        }
    }

    /// With seven checks that passed.
    fn with(all: Vec<Finding>) -> Findings {
        let mut findings = Findings {
            all,
            ..Findings::default()
        };
        (0..7).for_each(|_| findings.pass(check("lro")));
        findings.results.clear();
        findings
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
        text(&mut bytes, &with(findings.to_vec()), style).unwrap();
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
            host: "rs1".into(),
            severity: Severity::Error,
            consequence: false,
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
        let mut all = with(findings());
        all.unknown("", check("end-to-end"), "not asked", "no client\u{1b}[2J");
        all.unknown("rs1", check("firewall-vip"), "web port 80", "a rule");
        let mut waived = finding("lb1", check("lro"), Severity::Error);
        waived.what = "eth0".to_owned();
        all.waived.push(Waived {
            finding: waived,
            reason: "the driver".to_owned(),
            until: Some("2027-01-31".to_owned()),
        });
        let mut bytes = Vec::new();
        text(&mut bytes, &all, Style::plain()).unwrap();
        let shown = String::from_utf8(bytes).unwrap();
        let (_, last) = shown.split_once("\n\n7 checks").unwrap();
        insta::assert_snapshot!(last, @r"
         passed, 5 findings: 3 errors, 2 warnings, 1 waived, 2 not proven
        waived: lb1: lro: eth0: the driver (until 2027-01-31)
        not proven: rs1: firewall-vip: web port 80: a rule
        not proven end to end: not asked: no client\u{1b}[2J
        ");
    }

    #[test]
    fn consequences_stand_below_their_cause_with_their_hosts() {
        let mut one = finding("rs1", check("drift"), Severity::Error);
        for (host, severity) in [
            ("client", Severity::Error),
            ("rs1", Severity::Note),
            ("", Severity::Error),
        ] {
            one.parts.push(Part {
                host: host.into(),
                check: check("end-to-end"),
                what: "192.168.100.200:80".into(),
                expected: "12".into(),
                found: "6".into(),
                severity,
                consequence: true,
            });
        }
        let text = shown(&[one], Style::plain());
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("leads to"))
            .collect();
        assert_eq!(
            lines,
            [
                "      leads to  client: end-to-end: 192.168.100.200:80: expected 12, found 6",
                "      leads to  end-to-end: 192.168.100.200:80",
                "      leads to  the cluster: end-to-end: 192.168.100.200:80: expected 12, found 6",
            ]
        );
    }
}
