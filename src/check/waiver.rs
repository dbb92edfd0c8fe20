//! Waivers of the inventory: findings that are accepted for a time. The caller gives the current day.

use super::definition::{Check, Judge, nothing};
use super::finding::{Finding, State};
use super::findings::{Findings, Mismatch, Waived};
use super::registry;
use crate::model::{Date, Waiver};

pub(super) static WAIVER_EXPIRED: Check = Check {
    id: "waiver-expired",
    summary: "No waiver of the inventory has expired; one that waives nothing is a note.",
    reason: "A waiver accepts a finding for a time. After its last day the finding counts again, and has to be fixed or waived anew.",
    source: "`waive` of the inventory",
    fix: "fix the finding and remove the entry below `waive`, or set a later `until`",
    needs: nothing,
    judge: Judge::By("the inventory"),
};

/// Removes the findings that waivers accept, and reports waivers that have expired or match nothing.
pub(super) fn apply(waivers: &[Waiver], today: Date, findings: &mut Findings) {
    let expired = |waiver: &&Waiver| waiver.until.is_some_and(|until| until < today);
    let (old, holding): (Vec<&Waiver>, Vec<&Waiver>) = waivers.iter().partition(expired);
    let mut used = vec![false; holding.len()];
    for finding in std::mem::take(&mut findings.all) {
        match holding.iter().position(|waiver| accepts(waiver, &finding)) {
            Some(index) => {
                used[index] = true;
                let accepted = |result: &&mut super::Examined| {
                    (&result.host, result.check) == (&finding.host, finding.check)
                        && result.state == finding.state
                        && finding.what.starts_with(&result.what)
                };
                for result in findings.results.iter_mut().filter(accepted) {
                    result.waived = true;
                }
                findings.waived.push(Waived {
                    finding,
                    reason: holding[index].reason.clone(),
                    until: holding[index].until.map(|until| until.to_string()),
                });
            }
            None => findings.all.push(finding),
        }
    }
    for waiver in old {
        let until = waiver
            .until
            .map(|until| until.to_string())
            .unwrap_or_default();
        let mismatch = Mismatch::new(
            format!("a waiver that holds on {today}"),
            format!("it ended with {until}: {}", waiver.reason),
            WAIVER_EXPIRED.fix,
        );
        let host = waiver.host.as_deref().unwrap_or_default();
        findings.fail(host, &WAIVER_EXPIRED, subject(waiver), mismatch.warning());
    }
    for waiver in holding
        .iter()
        .zip(used)
        .filter(|(_, used)| !used)
        .map(|(w, _)| w)
    {
        // Without a result of its check, a waiver may still be needed.
        let made = findings
            .results
            .iter()
            .any(|result| result.check.id == waiver.check);
        if made {
            let host = waiver.host.as_deref().unwrap_or_default();
            let text = format!("{} has nothing to waive: remove it", subject(waiver));
            findings.note(host, &WAIVER_EXPIRED, text);
        }
    }
    if !waivers.is_empty() {
        let all = registry::find(WAIVER_EXPIRED.id);
        let old = findings
            .all
            .iter()
            .any(|f| Some(f.check) == all && f.is_fault());
        if !old {
            let read = format!("{} waivers, none before {today}", waivers.len());
            findings.pass_of("", &WAIVER_EXPIRED, "waivers", read);
        }
    }
}

fn accepts(waiver: &Waiver, finding: &Finding) -> bool {
    let informs = matches!(finding.state, State::Note | State::Skipped);
    waiver.check == finding.check.id
        && !informs
        && waiver
            .host
            .as_ref()
            .is_none_or(|host| *host == finding.host)
        && waiver
            .what
            .as_ref()
            .is_none_or(|what| *what == finding.what)
}

fn subject(waiver: &Waiver) -> String {
    let mut text = format!("the waiver of {}", waiver.check);
    if let Some(what) = &waiver.what {
        text.push_str(&format!(" for {what}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiver(check: &str, host: Option<&str>, what: Option<&str>, until: Option<&str>) -> Waiver {
        Waiver {
            check: check.to_owned(),
            host: host.map(str::to_owned),
            what: what.map(str::to_owned),
            until: until.map(|day| day.parse().unwrap()),
            reason: "the driver needs it".to_owned(),
        }
    }

    /// One fault of `lro` for eth0 on lb1; what is left, what is waived, and what is reported of the waiver.
    #[test]
    fn a_waiver_takes_out_what_it_names_until_its_last_day() {
        let unchanged = "lro eth0";
        let (old, nothing) = (
            "lro eth0, waiver-expired the waiver of lro",
            "lro eth0, waiver-expired the waiver of lro has nothing to waive: remove it",
        );
        for (about, waiver, left, waived, clean) in [
            ("any host", waiver("lro", None, None, None), "", 1, true),
            (
                "its host",
                waiver("lro", Some("lb1"), None, None),
                "",
                1,
                true,
            ),
            (
                "its subject",
                waiver("lro", None, Some("eth0"), None),
                "",
                1,
                true,
            ),
            (
                "its last day",
                waiver("lro", None, None, Some("2026-11-28")),
                "",
                1,
                true,
            ),
            (
                "the day after",
                waiver("lro", None, None, Some("2026-11-27")),
                old,
                0,
                false,
            ),
            (
                "another host",
                waiver("lro", Some("lb2"), None, None),
                nothing,
                0,
                false,
            ),
            (
                "another subject",
                waiver("lro", None, Some("eth1"), None),
                "lro eth0, waiver-expired the waiver of lro for eth1 has nothing to waive: remove it",
                0,
                false,
            ),
            (
                "a check that was not made",
                waiver("clocks", None, None, None),
                unchanged,
                0,
                false,
            ),
        ] {
            let mut findings = Findings::default();
            let mismatch = Mismatch::new("off", "on", "ethtool");
            findings.fail("lb1", registry::find("lro").unwrap(), "eth0", mismatch);
            apply(&[waiver], "2026-11-28".parse().unwrap(), &mut findings);
            let all: Vec<String> = findings
                .all
                .iter()
                .map(|f| format!("{} {}", f.check, f.what))
                .collect();
            assert_eq!(all.join(", "), left, "{about}");
            assert_eq!(findings.waived.len(), waived, "{about}");
            assert_eq!(findings.is_clean(), clean, "{about}");
            assert_eq!(findings.results[0].waived, waived == 1, "{about}");
        }
    }
}
