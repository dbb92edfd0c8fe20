//! An audit as one HTML file, without scripts and without anything from elsewhere: findings first, the drawn cluster, and
//! the results of each host folded. Light and dark, narrow and wide, screen and paper are in its style sheet.

use std::io::{self, Write};

use serde::Serialize;

use super::topology::{self, Drawing};
use super::{AuditReport, ServicePart, host_name, hosts_of};
use crate::check::{Finding, Severity, State};
use crate::report::findings::{Totals, part_line, place, waived_line};
use crate::report::sanitize;
use crate::template;
use crate::unix_time::utc;

const PAGE: &str = include_str!("page.html.tera");

#[derive(Serialize)]
struct Page<'r> {
    cluster: String,
    inventory: String,
    version: &'r str,
    started: String,
    seconds: String,
    verdict: &'static str,
    errors: usize,
    warnings: usize,
    unknown: usize,
    waived_number: usize,
    passed: usize,
    findings: Vec<Card>,
    notes: Vec<String>,
    waived: Vec<String>,
    unproven: Vec<String>,
    drawing: Drawing,
    services: &'r [ServicePart],
    hosts: Vec<HostCard>,
}

/// A finding.
#[derive(Serialize)]
struct Card {
    class: &'static str,
    word: &'static str,
    host: String,
    check: &'static str,
    rule: &'static str,
    what: String,
    expected: String,
    found: String,
    fix: Vec<Piece>,
    parts: Vec<String>,
}

/// Text, or a command.
#[derive(Serialize)]
struct Piece {
    code: bool,
    text: String,
}

#[derive(Serialize)]
struct HostCard {
    name: String,
    roles: String,
    seconds: String,
    counts: String,
    class: &'static str,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    state: &'static str,
    check: &'static str,
    what: String,
    evidence: String,
}

pub fn write(writer: &mut dyn Write, report: &AuditReport) -> io::Result<()> {
    let page = template::html(PAGE, &page(report)).map_err(io::Error::other)?;
    writer.write_all(page.as_bytes())?;
    writer.flush()
}

fn clean(text: &str) -> String {
    sanitize::line(text).into_owned()
}

fn page(report: &AuditReport) -> Page<'_> {
    let findings = &report.findings;
    let totals = Totals::of(findings);
    let (faults, others): (Vec<&Finding>, Vec<&Finding>) =
        findings.all.iter().partition(|finding| finding.is_fault());
    let (unproven, notes): (Vec<&Finding>, Vec<&Finding>) =
        others.into_iter().partition(|f| f.state == State::Unknown);
    let places = |all: Vec<&Finding>| all.into_iter().map(|f| clean(&place(f))).collect();
    Page {
        cluster: clean(&report.cluster),
        inventory: clean(&report.inventory),
        version: report.version,
        started: utc(report.started),
        seconds: format!("{:.1}", report.seconds),
        verdict: match (totals.errors, totals.warnings) {
            (0, 0) => "good",
            (0, _) => "warning",
            _ => "error",
        },
        errors: totals.errors,
        warnings: totals.warnings,
        unknown: totals.unknown,
        waived_number: totals.waived,
        passed: findings.count(),
        findings: faults.into_iter().map(card).collect(),
        notes: places(notes),
        waived: findings
            .waived
            .iter()
            .map(|w| clean(&waived_line(w)))
            .collect(),
        unproven: places(unproven),
        drawing: topology::draw(report),
        services: &report.services,
        hosts: hosts(report),
    }
}

fn card(finding: &Finding) -> Card {
    let (class, word) = match finding.severity {
        Severity::Error => ("error", "error"),
        _ => ("warning", "warning"),
    };
    let parts = finding.parts.iter().map(|part| {
        let word = if part.consequence { "leads to" } else { "also" };
        format!("{word} {}", clean(&part_line(finding, part)))
    });
    Card {
        class,
        word,
        host: clean(host_name(&finding.host)),
        check: finding.check.id,
        rule: finding.check.summary,
        what: clean(&finding.what),
        expected: clean(&finding.expected),
        found: clean(&finding.found),
        fix: pieces(&finding.fix),
        parts: parts.collect(),
    }
}

/// Commands stand between backticks.
fn pieces(text: &str) -> Vec<Piece> {
    let parts = text.split('`').enumerate();
    parts
        .filter(|(_, text)| !text.is_empty())
        .map(|(index, text)| Piece {
            code: index % 2 == 1,
            text: clean(text),
        })
        .collect()
}

/// Each host with its results, the worst first; then the cluster as a whole.
fn hosts(report: &AuditReport) -> Vec<HostCard> {
    let names = hosts_of(report).into_iter();
    names.map(|name| host(report, name)).collect()
}

fn host(report: &AuditReport, name: &str) -> HostCard {
    let part = report.hosts.iter().find(|part| part.name == name);
    let mut results: Vec<_> = report
        .findings
        .results
        .iter()
        .filter(|result| result.host == name)
        .collect();
    results.sort_by_key(|result| (result.waived, result.state));
    let number = |state| {
        results
            .iter()
            .filter(|r| r.state == state && !r.waived)
            .count()
    };
    let counts: Vec<String> = [
        State::Error,
        State::Warning,
        State::Unknown,
        State::Skipped,
        State::Note,
        State::Pass,
    ]
    .into_iter()
    .filter(|state| number(*state) > 0)
    .map(|state| format!("{} {}", number(state), state.name()))
    .collect();
    let class = if number(State::Error) > 0 {
        "error"
    } else if number(State::Warning) > 0 {
        "warning"
    } else {
        "good"
    };
    let seconds = part.and_then(|part| part.seconds);
    HostCard {
        name: clean(host_name(name)),
        roles: part.map_or_else(String::new, |part| clean(&part.roles.join(", "))),
        seconds: seconds.map_or_else(String::new, |seconds| format!("answered in {seconds:.2} s")),
        counts: counts.join(" · "),
        class,
        rows: results
            .into_iter()
            .map(|result| Row {
                state: if result.waived {
                    "waived"
                } else {
                    result.state.name()
                },
                check: result.check.id,
                what: clean(&result.what),
                evidence: clean(&result.evidence),
            })
            .collect(),
    }
}
