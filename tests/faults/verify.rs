//! What `verify` says, and the commands of its fixes.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::cluster::Cluster;

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Finding {
    pub host: String,
    pub check: String,
    pub what: String,
    pub expected: String,
    pub found: String,
    pub fix: String,
    severity: String,
}

#[derive(Deserialize)]
struct Document {
    findings: Vec<Finding>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Verified {
    /// Errors and warnings, in the order in which they are shown.
    pub alarms: Vec<Finding>,
    pub notes: Vec<Finding>,
}

impl Verified {
    pub(crate) fn ask(cluster: &Cluster, traffic: bool) -> Result<Self, String> {
        let more: &[&str] = if traffic { &[] } else { &["--no-traffic"] };
        let ran = cluster.lvsctl(&[&["verify", "--format", "json"], more].concat());
        if !matches!(ran.status, 0 | 3) {
            return Err(format!(
                "verify ended with {}: {}{}",
                ran.status, ran.stdout, ran.stderr
            ));
        }
        let document: Document = serde_json::from_str(&ran.stdout)
            .map_err(|error| format!("verify: {error}: {}", ran.stdout))?;
        let (notes, alarms) = document
            .findings
            .into_iter()
            .partition(|finding| finding.severity == "note");
        Ok(Self { alarms, notes })
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.alarms.is_empty()
    }

    pub(crate) fn ids(&self) -> BTreeSet<&str> {
        self.alarms.iter().map(|f| f.check.as_str()).collect()
    }

    /// For a message about a failure.
    pub(crate) fn text(&self) -> String {
        let alarms = self.alarms.iter().map(|f| ("", f));
        let notes = self.notes.iter().map(|f| ("note: ", f));
        alarms
            .chain(notes)
            .map(|(word, f)| {
                format!(
                    "    {word}{} {}: {}\n      expected {}\n      found {}\n      fix: {}\n",
                    f.host, f.check, f.what, f.expected, f.found, f.fix
                )
            })
            .collect()
    }
}

/// The commands of a fix: its first one, and those that it says to run then.
pub(crate) fn commands(fix: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut parts = fix.split('`');
    let mut before = parts.next().unwrap_or_default();
    while let (Some(command), Some(after)) = (parts.next(), parts.next()) {
        let then = before.trim_end().ends_with("then") || before.trim_end().ends_with("and");
        if all.is_empty() || then {
            all.push(command);
        }
        before = after;
    }
    all
}
