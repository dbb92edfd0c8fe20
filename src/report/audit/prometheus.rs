//! Metrics for the textfile collector of Prometheus' node exporter (text format, version 0.0.4).

use std::collections::BTreeMap;
use std::io::{self, Write};

use strum::IntoEnumIterator as _;

use super::AuditReport;
use crate::check::{Examined, Severity, State};

/// The value of `lvsctl_check_result`; the worst counts.
fn value(result: &Examined) -> u8 {
    match result.state {
        _ if result.waived => 0,
        State::Pass | State::Note | State::Skipped => 0,
        State::Unknown => 1,
        State::Warning => 2,
        State::Error => 3,
    }
}

/// A label's value between its quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// One metric: its help, and its samples by labels.
fn metric(
    writer: &mut dyn Write,
    (name, help): (&str, &str),
    samples: impl IntoIterator<Item = (Vec<(&'static str, String)>, String)>,
) -> io::Result<()> {
    writeln!(writer, "# HELP {name} {help}")?;
    writeln!(writer, "# TYPE {name} gauge")?;
    for (labels, value) in samples {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
            .collect();
        writeln!(writer, "{name}{{{}}} {value}", labels.join(","))?;
    }
    Ok(())
}

pub fn write(writer: &mut dyn Write, report: &AuditReport) -> io::Result<()> {
    let findings = &report.findings;
    let cluster = || ("cluster", report.cluster.clone());
    let severities = [
        ("error", Severity::Error),
        ("warning", Severity::Warning),
        ("note", Severity::Note),
    ];
    let of_severity = severities.map(|(name, severity)| {
        let all = findings.all.iter().filter(|f| f.severity == severity);
        let labels = vec![cluster(), ("severity", name.to_owned())];
        (labels, all.count().to_string())
    });
    metric(
        writer,
        (
            "lvsctl_verify_findings",
            "Findings of the last run by severity, one for each cause.",
        ),
        of_severity,
    )?;
    let of_state = State::iter().map(|state| {
        let all = findings.results.iter().filter(|r| r.state == state);
        let labels = vec![cluster(), ("state", state.name().to_owned())];
        (labels, all.count().to_string())
    });
    metric(
        writer,
        (
            "lvsctl_verify_checks",
            "Results of the last run by state, one for each thing that a check looked at.",
        ),
        of_state,
    )?;
    let mut worst: BTreeMap<(&str, &str), u8> = BTreeMap::new();
    for result in &findings.results {
        let of = worst.entry((&result.host, result.check.id)).or_default();
        *of = (*of).max(value(result));
    }
    let results = worst.into_iter().map(|((host, check), value)| {
        let labels = vec![
            cluster(),
            ("host", host.to_owned()),
            ("check", check.to_owned()),
        ];
        (labels, value.to_string())
    });
    metric(
        writer,
        (
            "lvsctl_check_result",
            "Worst result of a check on a host: 0 pass, 1 unknown, 2 warning, 3 error; without a host of the cluster.",
        ),
        results,
    )?;
    let one = |value: String| [(vec![cluster()], value)];
    metric(
        writer,
        (
            "lvsctl_verify_waived",
            "Findings that the inventory waives.",
        ),
        one(findings.waived.len().to_string()),
    )?;
    metric(
        writer,
        (
            "lvsctl_verify_timestamp_seconds",
            "When the last run began, in seconds since 1970.",
        ),
        one(report.started.to_string()),
    )?;
    metric(
        writer,
        (
            "lvsctl_verify_duration_seconds",
            "How long the last run took.",
        ),
        one(format!("{:.3}", report.seconds)),
    )?;
    writer.flush()
}
