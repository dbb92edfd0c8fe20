//! An audit as Markdown, for a wiki, a ticket or the summary of a pipeline.

use std::io::{self, Write};

use super::{AuditReport, host_name, hosts_of};
use crate::check::{Finding, Severity, State};
use crate::report::findings::{Totals, part_line, place, waived_line};
use crate::report::{count, sanitize};
use crate::unix_time::utc;

/// Text that Markdown shows as it is, in a line and in a cell of a table.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in sanitize::line(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '|' | '*' | '_' | '[' | ']' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            // Commands in fixes stay code.
            c => out.push(c),
        }
    }
    out
}

pub fn write(writer: &mut dyn Write, report: &AuditReport) -> io::Result<()> {
    let findings = &report.findings;
    let totals = Totals::of(findings);
    writeln!(writer, "# Audit of {}\n", plain(&report.cluster))?;
    writeln!(
        writer,
        "{}, {:.1} s, lvsctl {}: {} passed, {}, {}, {} waived, {} not proven.\n",
        utc(report.started),
        report.seconds,
        report.version,
        count(findings.count(), "check"),
        count(totals.errors, "error"),
        count(totals.warnings, "warning"),
        totals.waived,
        totals.unknown,
    )?;
    writeln!(writer, "## Findings\n")?;
    let faults: Vec<&Finding> = findings.all.iter().filter(|f| f.is_fault()).collect();
    if faults.is_empty() {
        writeln!(writer, "None.\n")?;
    }
    for finding in faults {
        fault(writer, finding)?;
    }
    let notes = findings
        .all
        .iter()
        .filter(|f| !f.is_fault() && f.state != State::Unknown);
    list(writer, "Notes", notes.map(place).collect())?;
    let waived = findings.waived.iter().map(waived_line);
    list(writer, "Waived", waived.collect())?;
    let unknown = findings.all.iter().filter(|f| f.state == State::Unknown);
    list(writer, "Not proven", unknown.map(place).collect())?;
    tables(writer, report)?;
    writer.flush()
}

fn fault(writer: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    let word = match finding.severity {
        Severity::Error => "Error",
        _ => "Warning",
    };
    writeln!(
        writer,
        "### {word}: {} on {}: {}\n",
        finding.check,
        plain(host_name(&finding.host)),
        plain(&finding.what)
    )?;
    for (name, value) in [
        ("Expected", &finding.expected),
        ("Found", &finding.found),
        ("Fix", &finding.fix),
    ] {
        if !value.is_empty() {
            writeln!(writer, "- {name}: {}", plain(value))?;
        }
    }
    for part in &finding.parts {
        let word = if part.consequence { "Brings" } else { "Also" };
        writeln!(writer, "- {word}: {}", plain(&part_line(finding, part)))?;
    }
    writeln!(writer)
}

fn list(writer: &mut dyn Write, heading: &str, lines: Vec<String>) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(writer, "## {heading}\n")?;
    for line in lines {
        writeln!(writer, "- {}", plain(&line))?;
    }
    writeln!(writer)
}

fn tables(writer: &mut dyn Write, report: &AuditReport) -> io::Result<()> {
    writeln!(writer, "## Services\n")?;
    writeln!(
        writer,
        "| service | VIPs | real server | weight | state | share |"
    )?;
    writeln!(writer, "|---|---|---|---|---|---|")?;
    for service in &report.services {
        let vips: Vec<&str> = service
            .vips
            .iter()
            .map(|vip| vip.address.as_str())
            .collect();
        for rs in &service.real_servers {
            let share = rs.share.map(|share| format!("{:.0} %", share * 100.0));
            writeln!(
                writer,
                "| {} | {} | {} | {} | {} | {} |",
                plain(&service.name),
                plain(&vips.join(", ")),
                plain(&rs.host),
                rs.weight,
                rs.state.name(),
                share.as_deref().unwrap_or("-"),
            )?;
        }
    }
    writeln!(writer, "\n## Hosts\n")?;
    writeln!(
        writer,
        "| host | roles | passed | errors | warnings | not proven | skipped |"
    )?;
    writeln!(writer, "|---|---|---|---|---|---|---|")?;
    for host in hosts_of(report) {
        let part = report.hosts.iter().find(|part| part.name == host);
        let roles = part.map(|part| part.roles.join(", ")).unwrap_or_default();
        let results = report.findings.results.iter();
        let results: Vec<State> = results
            .filter(|r| r.host == host && !r.waived)
            .map(|r| r.state)
            .collect();
        let number = |state| results.iter().filter(|s| **s == state).count();
        writeln!(
            writer,
            "| {} | {} | {} | {} | {} | {} | {} |",
            plain(host_name(host)),
            plain(&roles),
            number(State::Pass),
            number(State::Error),
            number(State::Warning),
            number(State::Unknown),
            number(State::Skipped),
        )?;
    }
    Ok(())
}
