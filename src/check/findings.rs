//! The findings and passes of an audit. Findings of one cause become one, with its parts.

use std::collections::BTreeMap;

use super::Check;
use super::drift::DRIFT;
use super::end_to_end::END_TO_END;
use super::finding::{Cause, Finding, Part, Severity};
use super::sysctl_at_boot::PERSISTED_SYSCTL;

#[derive(Debug, Default)]
pub struct Findings {
    pub all: Vec<Finding>,
    /// How often each check passed.
    pub passed: BTreeMap<&'static Check, usize>,
}

/// What was expected, what was found, and how to fix it.
#[derive(Debug, Clone)]
pub struct Mismatch {
    pub expected: String,
    pub found: String,
    pub fix: String,
    pub severity: Severity,
    cause: Option<Cause>,
}

impl Mismatch {
    pub fn new(
        expected: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            expected: expected.into(),
            found: found.into(),
            fix: fix.into(),
            severity: Severity::Error,
            cause: None,
        }
    }

    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    #[must_use]
    pub fn because(mut self, cause: Option<Cause>) -> Self {
        self.cause = cause;
        self
    }
}

impl Findings {
    /// One check of one thing: it passes when there is no mismatch.
    pub fn judge(
        &mut self,
        host: &str,
        check: &'static Check,
        what: impl Into<String>,
        mismatch: Option<Mismatch>,
    ) {
        match mismatch {
            Some(mismatch) => self.fail(host, check, what, mismatch),
            None => self.pass(check),
        }
    }

    pub fn pass(&mut self, check: &'static Check) {
        *self.passed.entry(check).or_default() += 1;
    }

    pub fn fail(
        &mut self,
        host: &str,
        check: &'static Check,
        what: impl Into<String>,
        mismatch: Mismatch,
    ) {
        self.all.push(Finding {
            host: host.to_owned(),
            check,
            what: what.into(),
            expected: mismatch.expected,
            found: mismatch.found,
            fix: mismatch.fix,
            severity: mismatch.severity,
            cause: mismatch.cause,
            parts: Vec::new(),
        });
    }

    pub fn note(&mut self, host: &str, check: &'static Check, what: impl Into<String>) {
        let mut note = Mismatch::new("", "", "");
        note.severity = Severity::Note;
        self.fail(host, check, what, note);
    }

    /// What a check rests on does not hold on this host, so that it says nothing: a note, neither a pass nor a finding.
    pub fn skip(&mut self, host: &str, check: &'static Check, what: &str, reason: &str) {
        self.note(host, check, format!("{what}: skipped: {reason}"));
    }

    /// Makes one finding of those that a host has of one cause. The one that says what follows from it stands for all; the
    /// worst decides how bad it is.
    pub fn merge(&mut self) {
        let mut groups: Vec<Vec<Finding>> = Vec::new();
        for finding in std::mem::take(&mut self.all) {
            let key = |f: &Finding| (f.host.clone(), f.cause.clone());
            let mut known = groups.iter_mut();
            let same =
                known.find(|group| finding.cause.is_some() && key(&group[0]) == key(&finding));
            match same {
                Some(group) => group.push(finding),
                None => groups.push(vec![finding]),
            }
        }
        self.all = groups.into_iter().filter_map(combined).collect();
    }

    /// Checks that passed.
    pub fn count(&self) -> usize {
        self.passed.values().sum()
    }

    /// Why services, or all of them, were asked for by no client: the end-to-end part proves nothing of them.
    pub fn unasked(&self) -> Vec<String> {
        let of_cluster = |f: &&Finding| f.severity == Severity::Note && f.host.is_empty();
        let notes = self.all.iter().filter(of_cluster);
        let notes = notes.filter(|finding| *finding.check == END_TO_END);
        notes.map(|finding| finding.what.clone()).collect()
    }

    /// Whether anything is wrong; notes are not.
    pub fn is_clean(&self) -> bool {
        self.all
            .iter()
            .all(|finding| finding.severity == Severity::Note)
    }
}

/// That a value differs says less than what comes of it, and what the next boot does less than what runs.
fn rank(check: &Check) -> u8 {
    match check {
        check if *check == DRIFT => 1,
        check if *check == PERSISTED_SYSCTL => 2,
        _ => 0,
    }
}

/// One finding of several that have one cause.
fn combined(mut group: Vec<Finding>) -> Option<Finding> {
    group.sort_by_key(|finding| rank(finding.check));
    let mut group = group.into_iter();
    let mut first = group.next()?;
    let others: Vec<Finding> = group.collect();
    let fix_of = |check: &Check| {
        let mut found = others.iter().filter(|other| other.check == check);
        found.next().map(|other| other.fix.clone())
    };
    // What changes a unit's start comes first: `apply` would start it so.
    if matches!(first.cause, Some(Cause::Unit(_))) {
        if let Some(fix) = fix_of(&DRIFT).filter(|fix| *fix != first.fix) {
            first.fix = format!("{}; then {fix}", first.fix);
        }
    // `apply` sets the value now and at boot.
    } else if let Some(fix) = fix_of(&DRIFT)
        && !first.fix.starts_with("`lvsctl apply`")
    {
        first.fix = fix;
    }
    // What another file sets at boot comes first: it would win again.
    if let Some(fix) = fix_of(&PERSISTED_SYSCTL) {
        first.fix = format!("{fix}; then {}", first.fix);
    }
    for other in others {
        first.severity = first.severity.min(other.severity);
        first.parts.push(Part {
            check: other.check,
            what: other.what,
            expected: other.expected,
            found: other.found,
        });
        first.parts.extend(other.parts);
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::registry;

    fn check(id: &str) -> &'static Check {
        registry::find(id).unwrap()
    }

    fn found(host: &str, id: &str, fix: &str, sysctl: Option<&str>) -> Finding {
        let mut findings = Findings::default();
        let cause = sysctl.map(|name| Cause::Sysctl(name.to_owned()));
        let mismatch = Mismatch::new("1", "0", fix).because(cause);
        findings.fail(host, check(id), id, mismatch);
        findings.all.remove(0)
    }

    /// What stands in a finding: host, check, fix, and the checks of its parts.
    type Shown = (
        &'static str,
        &'static str,
        &'static str,
        &'static [&'static str],
    );

    /// Findings as host, check, fix and cause; what becomes of them as host, check, fix and the checks of its parts.
    #[test]
    fn findings_of_one_cause_are_one() {
        const KEY: Option<&str> = Some("net.ipv4.conf.all.arp_ignore");
        let apply = "`lvsctl apply`";
        let line = "take the line out of /etc/sysctl.d/99-x.conf";
        let cases: &[(&str, &[Finding], &[Shown])] = &[
            (
                "live and at boot",
                &[
                    found("rs1", "drift", apply, KEY),
                    found("rs1", "persisted-sysctl", line, KEY),
                    found("rs1", "arp-ignore", "`lvsctl apply`: it sets it", KEY),
                ],
                &[(
                    "rs1",
                    "arp-ignore",
                    "take the line out of /etc/sysctl.d/99-x.conf; then `lvsctl apply`: it sets it",
                    &["drift", "persisted-sysctl"],
                )],
            ),
            (
                "at boot alone",
                &[found("rs1", "persisted-sysctl", line, KEY)],
                &[("rs1", "persisted-sysctl", line, &[])],
            ),
            (
                "two addresses",
                &[
                    found("rs1", "arp-ignore", apply, KEY),
                    found("rs1", "arp-ignore", apply, KEY),
                ],
                &[("rs1", "arp-ignore", apply, &["arp-ignore"])],
            ),
            (
                "another host, another cause, none",
                &[
                    found("rs1", "arp-ignore", apply, KEY),
                    found("rs2", "arp-ignore", apply, KEY),
                    found(
                        "rs1",
                        "rp-filter",
                        line,
                        Some("net.ipv4.conf.eth0.rp_filter"),
                    ),
                    found("rs1", "listener", line, None),
                    found("rs1", "listener", line, None),
                ],
                &[
                    ("rs1", "arp-ignore", apply, &[]),
                    ("rs2", "arp-ignore", apply, &[]),
                    ("rs1", "rp-filter", line, &[]),
                    ("rs1", "listener", line, &[]),
                    ("rs1", "listener", line, &[]),
                ],
            ),
        ];
        for (about, before, after) in cases {
            let mut findings = Findings {
                all: before.to_vec(),
                ..Findings::default()
            };
            findings.merge();
            let merged: Vec<(&str, &str, &str, Vec<&str>)> = findings
                .all
                .iter()
                .map(|f| {
                    let parts = f.parts.iter().map(|part| part.check.id).collect();
                    (f.host.as_str(), f.check.id, f.fix.as_str(), parts)
                })
                .collect();
            let after: Vec<_> = after
                .iter()
                .map(|(host, id, fix, parts)| (*host, *id, *fix, parts.to_vec()))
                .collect();
            assert_eq!(merged, after, "{about}");
        }
    }
}
