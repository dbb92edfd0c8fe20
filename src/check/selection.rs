//! The selected checks: all, or those that the command line names.

use std::collections::BTreeSet;

use super::listener::{LISTENER, OWN_ANSWER};
use super::web_page::WEB_PAGE;
use super::{Check, Judge, registry};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// None: all.
    only: Option<BTreeSet<&'static Check>>,
    skip: BTreeSet<&'static Check>,
}

impl Selection {
    /// By ids, which the command line has validated. No `only` is all.
    pub fn new(only: &[String], skip: &[String]) -> Self {
        let checks = |ids: &[String]| ids.iter().filter_map(|id| registry::find(id)).collect();
        Self {
            only: (!only.is_empty()).then(|| checks(only)),
            skip: checks(skip),
        }
    }

    pub fn has(&self, check: &'static Check) -> bool {
        let named = self.only.as_ref().is_none_or(|only| only.contains(check));
        named && !self.skip.contains(check)
    }

    /// Whether a check's function has anything to judge: itself, or another check that it judges too.
    pub(super) fn runs(&self, check: &'static Check) -> bool {
        let others = registry::ALL.iter().copied();
        self.has(check)
            || others
                .filter(|other| matches!(other.judge, Judge::By(id) if id == check.id))
                .any(|other| self.has(other))
    }

    /// Whether a selected check needs the hosts' own requests.
    pub fn asks_itself(&self) -> bool {
        self.has(&OWN_ANSWER) || self.has(&LISTENER) || self.has(&WEB_PAGE)
    }

    /// Whether a check judges traffic.
    pub fn sends_traffic(&self) -> bool {
        let mut all = registry::ALL.iter();
        all.any(|check| matches!(check.judge, Judge::Traffic(_)) && self.runs(check))
    }

    pub fn is_all(&self) -> bool {
        self.only.is_none() && self.skip.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Needs;
    use crate::{check, inventory};

    #[test]
    fn a_check_runs_where_it_or_what_it_judges_too_is_chosen() {
        type Case = (
            &'static str,
            &'static [&'static str],
            &'static [&'static str],
            &'static str,
            bool,
            bool,
        );
        let cases: &[Case] = &[
            ("all", &[], &[], "drift", true, true),
            ("one", &["lro"], &[], "lro", true, true),
            ("another", &["lro"], &[], "drift", false, false),
            ("all but one", &[], &["lro"], "lro", false, false),
            (
                "both words",
                &["lro", "drift"],
                &["lro"],
                "lro",
                false,
                false,
            ),
            (
                "judged by another",
                &["http-status"],
                &[],
                "end-to-end",
                false,
                true,
            ),
            (
                "its check",
                &["http-status"],
                &[],
                "http-status",
                true,
                true,
            ),
        ];
        for (about, only, skip, id, has, runs) in cases {
            let words = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
            let selection = Selection::new(&words(only), &words(skip));
            let check = registry::find(id).unwrap();
            assert_eq!(
                (selection.has(check), selection.runs(check)),
                (*has, *runs),
                "{about}"
            );
        }
    }

    #[test]
    fn facts_of_checks_that_are_not_made_are_not_asked_for() {
        const TEXT: &str = "cluster: web\nnetworks: { lan: 192.168.100.0/24 }\nhosts:\n  \
            lb1: { role: director, address: 192.168.100.14 }\n  \
            rs1: { role: realserver, address: 192.168.100.12 }\nservices:\n  \
            web: { vip: 192.168.100.200, port: 80 }\n";
        let loaded = inventory::parse("a.yaml", TEXT, inventory::BUILT_IN_ROLES).unwrap();
        let director = &loaded.cluster.hosts[0];
        let asked = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|id| (*id).to_owned()).collect();
            let selection = Selection::new(&only, &[]);
            let mut needs = Needs::default();
            check::needs_of(&selection, &loaded.cluster, director, &mut needs);
            let asks = (needs.offload.is_some(), needs.firewall.is_some());
            (asks, selection.sends_traffic(), selection.asks_itself())
        };
        for (only, expected) in [
            (&[][..], ((true, true), true, true)),
            (&["lro"], ((true, false), false, false)),
            (&["firewall-vip"], ((false, true), false, false)),
            (&["http-status"], ((false, false), true, false)),
            (&["own-answer"], ((false, false), false, true)),
            (&["web-page"], ((false, false), false, true)),
        ] {
            assert_eq!(asked(only), expected, "{only:?}");
        }
    }
}
