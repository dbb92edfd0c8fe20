//! Errors of `verify` after a batch of a rolling apply: which are failures of the batch, and which result from steps that the
//! run has yet to do. Pure.

use serde::Serialize;

use super::finding::{Examined, State};
use super::reachable::REACHABLE;
use super::{Check, Judge, registry};

/// An error that counts as a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    /// Empty when it is about the cluster as a whole.
    pub host: String,
    pub check: &'static Check,
    pub what: String,
    pub message: String,
}

/// The subject of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// One host.
    Host,
    /// The answers to clients.
    Traffic,
    /// Several hosts, compared with each other; they differ until the last batch.
    Others,
}

fn of(check: &Check) -> Scope {
    match check.judge {
        _ if *check == REACHABLE => Scope::Host,
        Judge::Host(_) | Judge::Director(_) => Scope::Host,
        Judge::Traffic(_) => Scope::Traffic,
        Judge::Cluster(_) => Scope::Others,
        Judge::By(id) => match registry::find(id) {
            Some(judge) if judge != check => of(judge),
            _ => Scope::Others,
        },
    }
}

/// The errors that count as failures after a batch: of finished hosts all; of hosts whose removals are still to come, and of
/// the answers to clients, only those that did not exist before the run, since a service may be incomplete until its
/// directors are changed.
pub fn errors(
    before: &[Examined],
    now: &[Examined],
    done: &[String],
    waiting: &[String],
) -> Vec<Error> {
    let is_error = |one: &&Examined| one.state == State::Error && !one.waived;
    let is_new = |one: &Examined| {
        let mut before = before.iter().filter(is_error);
        !before.any(|old| (&old.host, old.check, &old.what) == (&one.host, one.check, &one.what))
    };
    let counts = |one: &&Examined| match of(one.check) {
        Scope::Host if done.contains(&one.host) => true,
        Scope::Host => waiting.contains(&one.host) && is_new(one),
        Scope::Traffic => is_new(one),
        Scope::Others => false,
    };
    now.iter()
        .filter(is_error)
        .filter(counts)
        .map(|one| Error {
            host: one.host.clone(),
            check: one.check,
            what: one.what.clone(),
            message: one.evidence.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `rs1 listener port`, with `~` before it where it is waived and `?` where it is a warning.
    fn examined(text: &str) -> Examined {
        let words: Vec<&str> = text.trim_start_matches(['~', '?']).split(' ').collect();
        let [host, check, what] = words[..] else {
            panic!("{text}")
        };
        Examined {
            host: host.trim_matches('-').to_owned(),
            check: registry::find(check).unwrap_or_else(|| panic!("{check}")),
            what: what.to_owned(),
            state: if text.starts_with('?') {
                State::Warning
            } else {
                State::Error
            },
            evidence: "expected a, found b".to_owned(),
            waived: text.starts_with('~'),
        }
    }

    #[test]
    fn errors_of_the_batch_and_new_ones_of_clients_count() {
        for (about, before, now, expected) in [
            ("none", "", "", ""),
            (
                "of a host that is done",
                "",
                "rs1 listener 80",
                "rs1 listener 80",
            ),
            (
                "also one that it had before",
                "rs1 listener 80",
                "rs1 listener 80",
                "rs1 listener 80",
            ),
            (
                "it went away",
                "rs1 reachable host",
                "rs1 reachable host",
                "rs1 reachable host",
            ),
            (
                "of a host that is not in the batch",
                "",
                "rs3 listener 80",
                "",
            ),
            ("a warning", "", "?rs1 listener 80", ""),
            ("a waived one", "", "~rs1 listener 80", ""),
            (
                "of a host that has yet to lose something",
                "rs2 drift vip",
                "rs2 drift vip, rs2 listener 80",
                "rs2 listener 80",
            ),
            (
                "clients were answered before",
                "",
                "c1 end-to-end web",
                "c1 end-to-end web",
            ),
            ("and were not", "c1 end-to-end web", "c1 end-to-end web", ""),
            (
                "they were not by another service",
                "c1 end-to-end web",
                "c1 end-to-end api",
                "c1 end-to-end api",
            ),
            (
                "one that another check judges",
                "",
                "- http-status web",
                " http-status web",
            ),
            (
                "a waived one before is none",
                "~c1 end-to-end web",
                "c1 end-to-end web",
                "c1 end-to-end web",
            ),
            (
                "directors differ from each other meanwhile",
                "",
                "lb1 vrrp-equal web",
                "",
            ),
        ] {
            let all = |text: &str| -> Vec<Examined> {
                let all = text.split(", ").filter(|one| !one.is_empty());
                all.map(examined).collect()
            };
            let (done, waiting) = (["rs1".to_owned()], ["rs2".to_owned()]);
            let errors = errors(&all(before), &all(now), &done, &waiting);
            let errors: Vec<String> = errors
                .iter()
                .map(|error| format!("{} {} {}", error.host, error.check, error.what))
                .collect();
            assert_eq!(errors.join(", "), expected, "{about}");
        }
    }
}
