//! JUnit XML, as continuous integration reads it: a test suite for each host, a test case for each result.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{AuditReport, host_name};
use crate::check::{Examined, Finding, State};

pub fn write(writer: &mut dyn Write, report: &AuditReport) -> io::Result<()> {
    let mut suites: Vec<(&str, TestSuite)> = Vec::new();
    let mut names: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for result in &report.findings.results {
        let host = result.host.as_str();
        let case = case(report, result, &mut names);
        let place = suites.iter().position(|(name, _)| *name == host);
        let place = place.unwrap_or_else(|| {
            suites.push((host, TestSuite::new(host_name(host))));
            suites.len() - 1
        });
        suites[place].1.add_test_case(case);
    }
    let mut document = Report::new(format!("lvsctl verify {}", report.cluster));
    document.set_time(std::time::Duration::from_secs_f64(report.seconds.max(0.0)));
    for (_, suite) in suites {
        document.add_test_suite(suite);
    }
    document.serialize(&mut *writer).map_err(io::Error::other)?;
    writeln!(writer)?;
    writer.flush()
}

/// Readers distinguish cases by their names: equal ones are numbered.
fn case<'r>(
    report: &AuditReport,
    result: &'r Examined,
    names: &mut BTreeMap<(&'r str, String), usize>,
) -> TestCase {
    let mut name = result.check.id.to_owned();
    if !result.what.is_empty() {
        name.push_str(&format!(": {}", result.what));
    }
    let times = names.entry((&result.host, name.clone())).or_default();
    *times += 1;
    if *times > 1 {
        name.push_str(&format!(" ({times})"));
    }
    let mut case = TestCase::new(name, status(report, result));
    let host = host_name(&result.host).replace(' ', "_");
    case.set_classname(format!("{}.{host}", report.cluster));
    if !result.evidence.is_empty() {
        case.set_system_out(result.evidence.as_str());
    }
    case
}

fn status(report: &AuditReport, result: &Examined) -> TestCaseStatus {
    let skipped = |why: String| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(why);
        status
    };
    let failed = |kind: NonSuccessKind, message: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(result.state.name()).set_message(message);
        status
    };
    match result.state {
        State::Pass | State::Note => TestCaseStatus::success(),
        State::Skipped => skipped(result.evidence.clone()),
        _ if result.waived => skipped(format!("waived: {}", reason(report, result))),
        State::Unknown => failed(NonSuccessKind::Error, &result.evidence),
        State::Error | State::Warning => {
            let mut status = failed(NonSuccessKind::Failure, &result.evidence);
            if let Some(fix) = fix(report, result) {
                status.set_description(format!("fix: {fix}"));
            }
            status
        }
    }
}

/// The finding that a result is, or is a part of.
fn finding<'r>(report: &'r AuditReport, result: &Examined) -> Option<&'r Finding> {
    let own =
        |f: &&Finding| f.check == result.check && f.host == result.host && f.what == result.what;
    let part = |f: &&Finding| {
        let mut parts = f.parts.iter();
        parts.any(|p| p.check == result.check && p.host == result.host && p.what == result.what)
    };
    let all = &report.findings.all;
    all.iter().find(own).or_else(|| all.iter().find(part))
}

fn fix(report: &AuditReport, result: &Examined) -> Option<String> {
    let finding = finding(report, result)?;
    if finding.check == result.check && finding.what == result.what {
        return Some(finding.fix.clone());
    }
    let cause = format!(
        "{}: {}: {}",
        host_name(&finding.host),
        finding.check,
        finding.what
    );
    Some(format!("{} (follows from {cause})", finding.fix))
}

fn reason(report: &AuditReport, result: &Examined) -> String {
    let mut waived = report.findings.waived.iter();
    let mine = waived
        .find(|waived| waived.finding.check == result.check && waived.finding.host == result.host);
    mine.map_or_else(String::new, |waived| waived.reason.clone())
}
