//! Stored findings of reports, and the comparison of two reports. Two findings are the same if host, check and examined
//! object are. Pure.

use serde::{Deserialize, Serialize};

use super::{Finding, Findings, REACHABLE, Severity};

/// A finding of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Empty when it is about the cluster as a whole.
    #[serde(default)]
    pub host: String,
    pub check: String,
    #[serde(default)]
    pub what: String,
    #[serde(default)]
    pub expected: String,
    #[serde(default)]
    pub found: String,
    #[serde(default)]
    pub fix: String,
    #[serde(default)]
    pub severity: String,
}

/// The part of a stored report that is read; `verify --format json` writes more.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub format: u32,
    pub findings: Vec<Known>,
}

impl Known {
    fn of(finding: &Finding) -> Self {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        Self {
            host: finding.host.clone(),
            check: finding.check.id.to_owned(),
            what: finding.what.clone(),
            expected: finding.expected.clone(),
            found: finding.found.clone(),
            fix: finding.fix.clone(),
            severity: severity.to_owned(),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.host, &self.check, &self.what) == (&other.host, &other.check, &other.what)
    }

    /// A note is no finding.
    fn counts(&self) -> bool {
        matches!(self.severity.as_str(), "error" | "warning")
    }
}

/// The findings of a run.
pub(crate) fn known(findings: &Findings) -> Vec<Known> {
    let all = findings.all.iter().map(Known::of);
    all.filter(Known::counts).collect()
}

impl Report {
    /// The findings of a report in JSON.
    pub(crate) fn read(text: &str) -> Result<Vec<Known>, String> {
        let report: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if report.format != 1 {
            return Err(format!(
                "it has the format {}, and 1 is known",
                report.format
            ));
        }
        Ok(report.findings.into_iter().filter(Known::counts).collect())
    }
}

/// What changed from one report to the next.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Changes {
    pub new: Vec<Known>,
    pub gone: Vec<Known>,
    /// In both reports. Earlier findings of a host that is now unreachable are included.
    #[serde(skip)]
    pub same: Vec<Known>,
}

impl Changes {
    pub(crate) fn between(before: &[Known], after: &[Known]) -> Self {
        let unreached: Vec<&str> = after
            .iter()
            .filter(|finding| finding.check == REACHABLE.id)
            .map(|finding| finding.host.as_str())
            .collect();
        let mut changes = Self::default();
        for old in before {
            if let Some(now) = after.iter().find(|now| now.is_same(old)) {
                changes.same.push(now.clone());
            } else if unreached.contains(&old.host.as_str()) {
                changes.same.push(old.clone());
            } else {
                changes.gone.push(old.clone());
            }
        }
        let is_old = |now: &&Known| before.iter().any(|old| old.is_same(now));
        changes.new = after.iter().filter(|now| !is_old(now)).cloned().collect();
        changes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty()
    }

    /// All that is found now.
    pub(crate) fn all(&self) -> Vec<Known> {
        self.same.iter().chain(&self.new).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str]) -> Vec<Known> {
        let of = |name: &&str| {
            let words: Vec<&str> = name.split(' ').collect();
            Known {
                host: words[0].to_owned(),
                check: words[1].to_owned(),
                what: words.get(2).unwrap_or(&"it").to_string(),
                expected: String::new(),
                found: words.get(3).unwrap_or(&"").to_string(),
                fix: String::new(),
                severity: "error".to_owned(),
            }
        };
        names.iter().map(of).collect()
    }

    fn shown(findings: &[Known]) -> Vec<String> {
        let all = findings.iter();
        all.map(|f| format!("{} {}", f.host, f.check)).collect()
    }

    #[test]
    fn what_is_new_and_what_is_gone() {
        for (about, before, after, new, gone, same) in [
            ("nothing", &[][..], &[][..], &[][..], &[][..], 0),
            ("one comes", &[], &["rs1 arp"], &["rs1 arp"], &[], 0),
            ("one goes", &["rs1 arp"], &[], &[], &["rs1 arp"], 0),
            ("one stays", &["rs1 arp"], &["rs1 arp"], &[], &[], 1),
            (
                "another value is the same finding",
                &["rs1 arp eth0 0"],
                &["rs1 arp eth0 3"],
                &[],
                &[],
                1,
            ),
            (
                "another object is another",
                &["rs1 arp eth0"],
                &["rs1 arp eth1"],
                &["rs1 arp"],
                &["rs1 arp"],
                0,
            ),
            (
                "another host is another",
                &["rs1 arp"],
                &["rs2 arp"],
                &["rs2 arp"],
                &["rs1 arp"],
                0,
            ),
            (
                "a host that is not reached keeps what it had",
                &["rs1 arp", "rs2 arp"],
                &["rs1 reachable"],
                &["rs1 reachable"],
                &["rs2 arp"],
                1,
            ),
            (
                "and has it when it is back",
                &["rs1 reachable", "rs1 arp"],
                &["rs1 arp"],
                &[],
                &["rs1 reachable"],
                1,
            ),
        ] {
            let changes = Changes::between(&found(before), &found(after));
            assert_eq!(shown(&changes.new), new, "{about}");
            assert_eq!(shown(&changes.gone), gone, "{about}");
            assert_eq!(changes.same.len(), same, "{about}");
            assert_eq!(
                changes.is_empty(),
                new.is_empty() && gone.is_empty(),
                "{about}"
            );
        }
    }

    #[test]
    fn a_report_is_read_again() {
        let text = r#"{"format": 1, "findings": [
            {"host": "rs1", "check": "arp-ignore", "what": "eth0", "expected": "1", "found": "0", "fix": "x", "severity": "error", "parts": [], "mend": "x"},
            {"host": "rs1", "check": "lro", "what": "eth0", "severity": "note"}
        ], "passed": 3, "summary": {}}"#;
        let findings = Report::read(text).expect("a report");
        assert_eq!(shown(&findings), ["rs1 arp-ignore"]);
        for (text, why) in [
            ("", "EOF"),
            ("{}", "format"),
            (r#"{"format": 2, "findings": []}"#, "format 2"),
            (r#"{"format": 1, "findings": [{"host": "rs1"}]}"#, "check"),
        ] {
            let error = Report::read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
