//! SARIF 2.1.0 (OASIS), which code scanning and security dashboards read. A finding is a result at a logical location, its
//! host, and at the inventory's file; a waived one is suppressed.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{AuditReport, host_name};
use crate::check::{Check, Finding, Part, Severity, State, Waived, registry};
use crate::unix_time::utc;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub fn write(writer: &mut dyn Write, report: &AuditReport) -> io::Result<()> {
    let findings = &report.findings;
    let own = findings
        .all
        .iter()
        .map(|finding| result(report, finding, None));
    let waived = findings.waived.iter();
    let waived = waived.map(|waived| result(report, &waived.finding, Some(waived)));
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "lvsctl",
                "semanticVersion": report.version,
                "rules": registry::ALL.iter().copied().map(rule).collect::<Vec<_>>(),
            }},
            "automationDetails": { "id": format!("lvsctl-verify/{}", report.cluster) },
            "invocations": [{
                "executionSuccessful": true,
                "startTimeUtc": utc(report.started),
                "endTimeUtc": utc(report.started + report.seconds.max(0.0).ceil() as u64),
            }],
            "results": own.chain(waived).collect::<Vec<_>>(),
            "columnKind": "unicodeCodePoints",
        }],
    });
    super::super::document(writer, &document)
}

fn rule(check: &'static Check) -> Value {
    json!({
        "id": check.id,
        "shortDescription": { "text": check.summary },
        "fullDescription": { "text": check.reason },
        "help": { "text": format!("Fix: {}. Source: {}.", check.fix, check.source) },
    })
}

/// Kind and level: what is no fault has the level "none" (3.27.10).
fn kind(finding: &Finding) -> (&'static str, &'static str) {
    match (finding.severity, finding.state) {
        (Severity::Error, _) => ("fail", "error"),
        (Severity::Warning, _) => ("fail", "warning"),
        (Severity::Note, State::Unknown) => ("open", "none"),
        (Severity::Note, State::Skipped) => ("notApplicable", "none"),
        (Severity::Note, _) => ("informational", "none"),
    }
}

fn result(report: &AuditReport, finding: &Finding, waived: Option<&Waived>) -> Value {
    let (kind, level) = kind(finding);
    let host = host_name(&finding.host);
    let mut text = format!("{host}: {}", finding.what);
    if finding.is_fault() {
        text.push_str(&format!(
            ": expected {}, found {}. Fix: {}",
            finding.expected, finding.found, finding.fix
        ));
    }
    let rules = registry::ALL;
    let index = rules.iter().position(|check| *check == finding.check);
    let mut result = json!({
        "ruleId": finding.check.id,
        "ruleIndex": index.unwrap_or_default(),
        "kind": kind,
        "level": level,
        "message": { "text": text },
        "locations": [location(report, host)],
        "partialFingerprints": {
            "finding/v1": format!("{}/{host}/{}/{}", report.cluster, finding.check, finding.what),
        },
    });
    if !finding.parts.is_empty() {
        let parts = finding.parts.iter().enumerate();
        result["relatedLocations"] = parts.map(|(id, part)| related(report, id, part)).collect();
    }
    if let Some(waived) = waived {
        result["suppressions"] = json!([{ "kind": "external", "justification": waived.reason }]);
    }
    result
}

fn location(report: &AuditReport, host: &str) -> Value {
    json!({
        "physicalLocation": { "artifactLocation": { "uri": uri(&report.inventory) } },
        "logicalLocations": [{
            "name": host,
            "fullyQualifiedName": format!("{}/{host}", report.cluster),
            "kind": "resource",
        }],
    })
}

fn related(report: &AuditReport, id: usize, part: &Part) -> Value {
    let host = host_name(&part.host);
    let word = if part.consequence { "leads to" } else { "also" };
    let mut location = location(report, host);
    location["id"] = json!(id);
    location["message"] = json!({
        "text": format!(
            "{word} {host}: {}: {}: expected {}, found {}",
            part.check, part.what, part.expected, part.found
        ),
    });
    location
}

/// A path as a relative reference (RFC 3986): what is no letter of one is given by its bytes.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
