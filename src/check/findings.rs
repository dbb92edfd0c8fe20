//! The results of an audit: findings, passes and notes. Findings with the same cause are merged into one with parts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::boot::BOOT_ADDRESS;
use super::drift::DRIFT;
use super::end_to_end::END_TO_END;
use super::finding::{About, Examined, Finding, Severity, State};
use super::sysctl_at_boot::PERSISTED_SYSCTL;
use super::{Cause, Check, Selection};

pub use super::mismatch::Mismatch;

#[derive(Debug, Default)]
pub struct Findings {
    /// Faults, notes, and subjects that could not be read.
    pub all: Vec<Finding>,
    /// How often each check passed.
    pub passed: BTreeMap<&'static Check, usize>,
    /// Every result before merging, passes too.
    pub results: Vec<Examined>,
    /// Findings that the inventory waives.
    pub waived: Vec<Waived>,
    pub selection: Selection,
    /// Connections of the clients' requests, by service and real server, as far as known.
    pub taken: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A finding that the inventory accepts for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waived {
    #[serde(flatten)]
    pub finding: Finding,
    /// Why, in the inventory's words.
    pub reason: String,
    /// The last day, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl Findings {
    /// Findings that record only the results of selected checks.
    pub fn of(selection: Selection) -> Self {
        Self {
            selection,
            ..Self::default()
        }
    }

    /// Records the result of a check of one object: a pass if there is no mismatch.
    pub fn judge(
        &mut self,
        host: &str,
        check: &'static Check,
        what: impl Into<String>,
        mismatch: Option<Mismatch>,
    ) {
        self.judge_read(host, check, what, "", mismatch);
    }

    /// As [`Self::judge`]; `read` is the evidence of a pass.
    pub fn judge_read(
        &mut self,
        host: &str,
        check: &'static Check,
        what: impl Into<String>,
        read: impl Into<String>,
        mismatch: Option<Mismatch>,
    ) {
        match mismatch {
            Some(mismatch) => self.fail(host, check, what, mismatch),
            None => self.pass_of(host, check, what, read),
        }
    }

    pub fn pass(&mut self, check: &'static Check) {
        self.pass_of("", check, "", "");
    }

    /// Records a pass with the values that were read.
    pub fn pass_of(
        &mut self,
        host: &str,
        check: &'static Check,
        what: impl Into<String>,
        read: impl Into<String>,
    ) {
        if self.examined(host, check, what.into(), State::Pass, read.into()) {
            *self.passed.entry(check).or_default() += 1;
        }
    }

    pub fn fail(
        &mut self,
        host: &str,
        check: &'static Check,
        what: impl Into<String>,
        mismatch: Mismatch,
    ) {
        let what = what.into();
        let state = match mismatch.severity {
            Severity::Error => State::Error,
            Severity::Warning => State::Warning,
            Severity::Note => State::Note,
        };
        let (expected, found) = (&mismatch.expected, &mismatch.found);
        let evidence = format!("expected {expected}, found {found}");
        if self.examined(host, check, what.clone(), state, evidence) {
            self.add(host, check, what, state, mismatch);
        }
    }

    pub fn note(&mut self, host: &str, check: &'static Check, what: impl Into<String>) {
        self.note_about(host, check, what, About::default());
    }

    /// Records a note that may be a consequence of a fault of the objects in `about`.
    pub fn note_about(
        &mut self,
        host: &str,
        check: &'static Check,
        what: impl Into<String>,
        about: About,
    ) {
        let what = what.into();
        if self.examined(host, check, what.clone(), State::Note, String::new()) {
            self.report(host, check, what, State::Note, about);
        }
    }

    /// Records that a check does not apply on this host: a note, neither a pass nor a finding.
    pub fn skip(&mut self, host: &str, check: &'static Check, what: &str, reason: &str) {
        if self.examined(host, check, what.into(), State::Skipped, reason.into()) {
            let text = format!("{what}: skipped: {reason}");
            self.report(host, check, text, State::Skipped, About::default());
        }
    }

    /// Records that an object could not be read or judged. This is never a pass; with `--strict` it changes the exit status.
    pub fn unknown(
        &mut self,
        host: &str,
        check: &'static Check,
        what: impl Into<String>,
        why: impl Into<String>,
    ) {
        let (what, why) = (what.into(), why.into());
        let text = format!("{what}: {why}");
        if self.examined(host, check, what, State::Unknown, why) {
            self.report(host, check, text, State::Unknown, About::default());
        }
    }

    /// Records a result if its check is selected; returns whether it is.
    fn examined(
        &mut self,
        host: &str,
        check: &'static Check,
        what: String,
        state: State,
        evidence: String,
    ) -> bool {
        let chosen = self.selection.has(check);
        if chosen {
            self.results.push(Examined {
                host: host.to_owned(),
                check,
                what,
                state,
                evidence,
                waived: false,
            });
        }
        chosen
    }

    fn report(
        &mut self,
        host: &str,
        check: &'static Check,
        what: String,
        state: State,
        about: About,
    ) {
        let mut note = Mismatch::new("", "", "");
        note.severity = Severity::Note;
        note.about = about;
        self.add(host, check, what, state, note);
    }

    fn add(
        &mut self,
        host: &str,
        check: &'static Check,
        what: String,
        state: State,
        mismatch: Mismatch,
    ) {
        self.all.push(Finding {
            host: host.to_owned(),
            check,
            what,
            expected: mismatch.expected,
            found: mismatch.found,
            fix: mismatch.fix,
            severity: mismatch.severity,
            state,
            cause: mismatch.cause,
            about: mismatch.about,
            parts: Vec::new(),
        });
    }

    /// Merges the findings of a host on one kernel parameter, rule or interface.
    pub fn merge(&mut self) {
        let merges =
            |cause: &Cause| matches!(cause, Cause::Sysctl(_) | Cause::Rule(_) | Cause::Link(_));
        self.merge_where(merges);
    }

    /// Merges the findings of a host with the same cause. The finding that shows the consequence becomes the main one; the
    /// highest severity counts.
    pub(super) fn merge_causes(&mut self) {
        self.merge_where(|_| true);
    }

    fn merge_where(&mut self, of: impl Fn(&Cause) -> bool) {
        let mut groups: Vec<Vec<Finding>> = Vec::new();
        for finding in std::mem::take(&mut self.all) {
            let merges = finding.cause.as_ref().is_some_and(&of);
            let mut known = groups.iter_mut();
            let same = known.find(|group| merges && same(&group[0], &finding));
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

    /// Reasons why no client requested a service, so that the end-to-end checks prove nothing about it.
    pub fn unasked(&self) -> Vec<String> {
        let notes = self.unknown_ones().filter(|f| is_unasked(f));
        notes.map(|finding| finding.what.clone()).collect()
    }

    /// Objects that could not be read or judged, without the services of [`Self::unasked`].
    pub fn unproven(&self) -> impl Iterator<Item = &Finding> {
        self.unknown_ones().filter(|f| !is_unasked(f))
    }

    fn unknown_ones(&self) -> impl Iterator<Item = &Finding> {
        self.all.iter().filter(|f| f.state == State::Unknown)
    }

    /// Whether anything is wrong; notes are not.
    pub fn is_clean(&self) -> bool {
        !self.all.iter().any(Finding::is_fault)
    }
}

/// Whether a finding says that no client requested a service, and not just one client.
fn is_unasked(finding: &Finding) -> bool {
    finding.host.is_empty() && *finding.check == END_TO_END
}

fn same(one: &Finding, other: &Finding) -> bool {
    let Some(cause) = &one.cause else {
        return false;
    };
    other.cause.as_ref() == Some(cause) && (one.host == other.host || cause.is_shared())
}

/// The order in which merged findings become the main one: first those that show a consequence, then drift, then the effects
/// of the next boot.
fn rank(check: &Check) -> u8 {
    match check {
        check if *check == DRIFT => 1,
        check if *check == PERSISTED_SYSCTL || *check == BOOT_ADDRESS => 2,
        _ => 0,
    }
}

const APPLY: &str = "`lvsctl apply`";

/// The fix of a finding, with those of others that have its cause.
fn combined_fix(first: &Finding, others: &[Finding]) -> String {
    let fix_of = |check: &Check| {
        let mut found = others.iter().filter(|other| other.check == check);
        found.next().map(|other| other.fix.as_str())
    };
    let own = first.fix.as_str();
    let drift = fix_of(&DRIFT).filter(|fix| *fix != own);
    let now = match (&first.cause, drift) {
        // If `apply` refuses the change, such as of a masked unit, that must be fixed before.
        (Some(Cause::Unit(_)), Some(drift)) if own == APPLY => format!("{drift}; then {APPLY}"),
        // A change of a unit's start comes first, since `apply` would start it with the wrong one. An extra address is
        // deleted first; `apply` then adds the missing one.
        (Some(Cause::Unit(_) | Cause::Vip(_)), Some(drift)) => format!("{own}; then {drift}"),
        // `apply` sets the value now and at boot.
        (Some(Cause::Sysctl(_)), Some(drift)) if !own.starts_with(APPLY) => drift.to_owned(),
        _ => own.to_owned(),
    };
    let of_sysctl = matches!(first.cause, Some(Cause::Sysctl(_)));
    let at_boot = fix_of(&PERSISTED_SYSCTL).filter(|_| of_sysctl);
    match at_boot.or_else(|| fix_of(&BOOT_ADDRESS)) {
        // First the file that sets it at boot, which would win again.
        Some(fix) => format!("{fix}; then {now}"),
        None => now,
    }
}

/// One finding of several that have one cause.
fn combined(mut group: Vec<Finding>) -> Option<Finding> {
    group.sort_by_key(|finding| rank(finding.check));
    let mut group = group.into_iter();
    let mut first = group.next()?;
    let others: Vec<Finding> = group.collect();
    first.fix = combined_fix(&first, &others);
    for other in others {
        first.severity = first.severity.min(other.severity);
        first.state = first.state.min(other.state);
        first.about.later &= other.about.later;
        first.about.hosts.extend(other.about.hosts.iter().cloned());
        let parts = other.parts.clone();
        first.parts.push(other.into_part(false));
        first.parts.extend(parts);
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
        by(
            host,
            id,
            fix,
            sysctl.map(|name| Cause::Sysctl(name.to_owned())),
        )
    }

    fn by(host: &str, id: &str, fix: &str, cause: Option<Cause>) -> Finding {
        let mut findings = Findings::default();
        let mismatch = Mismatch::new("1", "0", fix).because(cause);
        findings.fail(host, check(id), id, mismatch);
        findings.all.remove(0)
    }

    #[test]
    fn a_vip_here_and_at_boot_is_one_finding() {
        let vip = |id, fix| {
            let vip = "192.168.100.200".parse().unwrap();
            by("rs1", id, fix, Some(Cause::Vip(vip)))
        };
        let boot = "`rm /etc/systemd/network/10-eth0.network.d/vip.conf`";
        for (about, all, want) in [
            (
                "on the NIC, and again at boot",
                vec![
                    vip("boot-address", boot),
                    vip("vip-only-on-lo", "`ip addr del`"),
                ],
                format!("vip-only-on-lo {boot}; then `ip addr del`"),
            ),
            (
                "on the NIC instead of lo",
                vec![
                    vip("drift", "`lvsctl apply`"),
                    vip("vip-only-on-lo", "`ip addr del`"),
                ],
                "vip-only-on-lo `ip addr del`; then `lvsctl apply`".to_owned(),
            ),
            (
                "gone from lo, and again at boot",
                vec![vip("boot-address", boot), vip("drift", "`lvsctl apply`")],
                format!("drift {boot}; then `lvsctl apply`"),
            ),
        ] {
            let mut findings = Findings {
                all,
                ..Findings::default()
            };
            findings.merge_causes();
            let [one] = findings.all.as_slice() else {
                panic!("{about}: {:?}", findings.all);
            };
            assert_eq!(format!("{} {}", one.check.id, one.fix), want, "{about}");
        }
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
