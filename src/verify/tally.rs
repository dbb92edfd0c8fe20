//! What was checked, and what was found: filled by the checks.

use std::collections::BTreeMap;

use super::check::Check;
use super::finding::{Finding, Severity};

#[derive(Debug, Default)]
pub struct Tally {
    pub findings: Vec<Finding>,
    /// How often each check passed.
    pub passed: BTreeMap<Check, usize>,
}

/// A comparison: what was looked at, what it shall be, what it is, and how to mend it.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    pub what: String,
    pub expected: String,
    pub found: String,
    pub mend: String,
}

/// What was expected, what was found, and how to mend it.
#[derive(Debug, Clone)]
pub struct Fault {
    pub expected: String,
    pub found: String,
    pub mend: String,
    pub severity: Severity,
}

impl Fault {
    pub fn new(
        expected: impl Into<String>,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            expected: expected.into(),
            found: found.into(),
            mend: mend.into(),
            severity: Severity::Error,
        }
    }

    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

impl Tally {
    /// One check of one thing: it passes when there is no fault.
    pub fn judge(
        &mut self,
        host: &str,
        check: Check,
        what: impl Into<String>,
        fault: Option<Fault>,
    ) {
        let Some(Fault {
            expected,
            found,
            mend,
            severity,
        }) = fault
        else {
            return self.pass(check);
        };
        let what = what.into();
        let compared = Compared {
            what,
            expected,
            found,
            mend,
        };
        self.add(host, check, severity, compared);
    }

    pub fn pass(&mut self, check: Check) {
        *self.passed.entry(check).or_default() += 1;
    }

    pub fn fail(&mut self, host: &str, check: Check, compared: Compared) {
        self.add(host, check, Severity::Error, compared);
    }

    pub fn warn(&mut self, host: &str, check: Check, compared: Compared) {
        self.add(host, check, Severity::Warning, compared);
    }

    pub fn note(&mut self, host: &str, check: Check, what: impl Into<String>) {
        self.add(
            host,
            check,
            Severity::Note,
            Compared {
                what: what.into(),
                ..Compared::default()
            },
        );
    }

    /// What a check rests on does not hold on this host, so that it says nothing: a note, neither a pass nor a fault.
    pub fn skip(&mut self, host: &str, check: Check, what: &str, reason: &str) {
        self.note(host, check, format!("{what}: skipped: {reason}"));
    }

    /// Passes or fails, as `good` says; what was found is put into words only when it fails.
    pub fn require(
        &mut self,
        good: bool,
        host: &str,
        check: Check,
        compared: impl FnOnce() -> Compared,
    ) {
        if good {
            self.pass(check)
        } else {
            self.fail(host, check, compared())
        }
    }

    fn add(&mut self, host: &str, check: Check, severity: Severity, compared: Compared) {
        let Compared {
            what,
            expected,
            found,
            mend,
        } = compared;
        self.findings.push(Finding {
            host: host.to_owned(),
            check,
            what,
            expected,
            found,
            mend,
            severity,
        });
    }

    /// Checks that passed.
    pub fn count(&self) -> usize {
        self.passed.values().sum()
    }

    /// Why services, or all of them, were asked for by no client: the end-to-end part proves nothing of them.
    pub fn unasked(&self) -> Vec<String> {
        let of_cluster = |f: &&Finding| f.severity == Severity::Note && f.host.is_empty();
        let notes = self.findings.iter().filter(of_cluster);
        let notes = notes.filter(|finding| finding.check == Check::EndToEnd);
        notes.map(|finding| finding.what.clone()).collect()
    }

    /// Whether anything is wrong; notes are not.
    pub fn is_clean(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity == Severity::Note)
    }
}
