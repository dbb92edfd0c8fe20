//! The output of a monitoring plugin: one line, `LVS STATE - text | performance data`
//! (monitoring-plugins.org, development guidelines).

use std::io::{self, Write};

use super::AuditReport;
use crate::check::{Findings, Severity, State};
use crate::report::findings::{Totals, place};
use crate::report::{count, sanitize};

/// What a plugin's exit status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl Status {
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// What is not proven is unknown where all else is well, and only with `strict`.
    pub fn of(findings: &Findings, strict: bool) -> Self {
        let any = |severity| findings.all.iter().any(|f| f.severity == severity);
        let unknown = findings.all.iter().any(|f| f.state == State::Unknown);
        if any(Severity::Error) {
            Self::Critical
        } else if any(Severity::Warning) {
            Self::Warning
        } else if strict && unknown {
            Self::Unknown
        } else {
            Self::Ok
        }
    }
}

/// Text that ends neither the line nor, by `|`, what is text.
fn plain(text: &str) -> String {
    sanitize::line(text).replace('|', "/")
}

/// The line of an audit that could not be made.
pub fn failure(message: &str) -> String {
    let marks = |c: char| c.is_whitespace() || c == '×';
    let lines = message.lines().map(|line| line.trim_matches(marks));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let message = lines.join("; ");
    format!(
        "LVS UNKNOWN - {}",
        plain(message.trim_start_matches("error: "))
    )
}

pub fn write(writer: &mut dyn Write, report: &AuditReport) -> io::Result<()> {
    line(writer, report, false)
}

/// With `strict` what is not proven is unknown.
pub fn line(writer: &mut dyn Write, report: &AuditReport, strict: bool) -> io::Result<()> {
    let findings = &report.findings;
    let totals = Totals::of(findings);
    let passed = findings.count();
    let status = Status::of(findings, strict);
    let mut text = format!("{}: ", report.cluster);
    if totals.errors + totals.warnings == 0 {
        text.push_str(&format!("{} passed", count(passed, "check")));
    } else {
        text.push_str(&format!(
            "{}, {}",
            count(totals.errors, "error"),
            count(totals.warnings, "warning")
        ));
    }
    if totals.unknown > 0 {
        text.push_str(&format!(", {} not proven", totals.unknown));
    }
    if totals.waived > 0 {
        text.push_str(&format!(", {} waived", totals.waived));
    }
    let shown = findings.all.iter().find(|finding| match status {
        Status::Unknown => finding.state == State::Unknown,
        _ => finding.is_fault(),
    });
    if let Some(finding) = shown {
        text.push_str(&format!(": {}", place(finding)));
        if finding.is_fault() {
            text.push_str(&format!(
                ": expected {}, found {}",
                finding.expected, finding.found
            ));
        }
    }
    writeln!(
        writer,
        "LVS {} - {} | errors={};;0 warnings={};0 unknown={} waived={} passed={passed} time={:.3}s",
        status.name(),
        plain(&text),
        totals.errors,
        totals.warnings,
        totals.unknown,
        totals.waived,
        report.seconds
    )?;
    writer.flush()
}
