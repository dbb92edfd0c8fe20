//! An audit as one JSON document. docs/verify.schema.json is its schema.

use std::io::{self, Write};

use serde::Serialize;

use super::{AuditReport, HostPart, ServicePart};
use crate::check::{Examined, Finding, Waived};
use crate::report::findings::Totals;

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
    /// Findings that the inventory waives.
    waived: &'a [Waived],
    /// Every result, with what was read.
    results: &'a [Examined],
    cluster: &'a str,
    /// Seconds since 1970.
    started: u64,
    seconds: f64,
    hosts: &'a [HostPart],
    services: &'a [ServicePart],
}

/// Writes `{"format": 1, "findings": [...], "passed": N, "summary": {...}, "skipped": [...], ...}`. Fields are only ever
/// added.
pub fn write(writer: &mut dyn Write, report: &AuditReport) -> io::Result<()> {
    let findings = &report.findings;
    let document = Document {
        format: 1,
        findings: findings
            .all
            .iter()
            .map(|finding| Entry {
                finding,
                mend: &finding.fix,
            })
            .collect(),
        passed: findings.count(),
        summary: Totals::of(findings),
        skipped: &findings.unasked(),
        waived: &findings.waived,
        results: &findings.results,
        cluster: &report.cluster,
        started: report.started,
        seconds: report.seconds,
        hosts: &report.hosts,
        services: &report.services,
    };
    crate::report::document(writer, &document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Findings, Mismatch, registry};

    #[test]
    fn findings_are_one_json_document() {
        let mut bytes = Vec::new();
        let check = |id| registry::find(id).unwrap();
        let mut all = Findings::default();
        let fault = Mismatch::new("an answer", "none\u{1b}[2J", "`lvsctl apply`");
        all.fail("rs1", check("arp-answer"), "192.168.100.200", fault);
        all.pass(check("lro"));
        all.results.clear();
        all.unknown("", check("end-to-end"), "no client", "asked");
        let report = AuditReport {
            cluster: "web".to_owned(),
            inventory: "web.yaml".to_owned(),
            version: "0",
            started: 1_798_761_600,
            seconds: 1.5,
            hosts: Vec::new(),
            services: Vec::new(),
            findings: all,
        };
        write(&mut bytes, &report).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let expected = serde_json::json!({
            "format": 1,
            "findings": [{
                "host": "rs1",
                "check": "arp-answer",
                "what": "192.168.100.200",
                "expected": "an answer",
                "found": "none\u{1b}[2J",
                "fix": "`lvsctl apply`",
                "mend": "`lvsctl apply`",
                "severity": "error",
                "state": "error",
            }, {
                "host": "",
                "check": "end-to-end",
                "what": "no client: asked",
                "expected": "",
                "found": "",
                "fix": "",
                "mend": "",
                "severity": "note",
                "state": "unknown",
            }],
            "passed": 1,
            "summary": {
                "errors": 1, "warnings": 0, "notes": 1, "unknown": 1, "skipped": 0, "waived": 0, "hosts": 2
            },
            "skipped": ["no client: asked"],
            "waived": [],
            "results": [{
                "host": "",
                "check": "end-to-end",
                "what": "no client",
                "state": "unknown",
                "evidence": "asked",
                "waived": false,
            }],
            "cluster": "web",
            "started": 1_798_761_600,
            "seconds": 1.5,
            "hosts": [],
            "services": [],
        });
        assert_eq!(value, expected);
    }
}
