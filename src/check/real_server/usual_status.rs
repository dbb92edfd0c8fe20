//! Finds real servers whose answers are of another class of HTTP status than those of the others: a redirect where the others
//! send the page. Pure. Reporting them belongs in [`super::judge`].

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The accepted answer of one real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    pub code: u16,
    /// Whether the inventory lists this status, as against the default that accepts all below 400.
    pub listed: bool,
}

impl Status {
    fn class(self) -> u16 {
        self.code / 100
    }

    /// Whether it is neither a page nor a redirect: accepted because the inventory lists it.
    fn is_error(self) -> bool {
        self.code >= 400
    }
}

/// What most real servers answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Usual {
    pub code: u16,
    /// The number of real servers that answer with a status of its class.
    pub count: usize,
}

/// The usual answer to one request, and the indices of the real servers that answer with another class; None if no answer is
/// unusual. An answer that the inventory lists is usual: it accepts each of them from each real server.
pub(super) fn unusual(all: &[Status]) -> Option<(Usual, Vec<usize>)> {
    let mut classes: BTreeMap<u16, (bool, usize)> = BTreeMap::new();
    for status in all.iter().filter(|status| !status.is_error()) {
        let (listed, count) = classes.entry(status.class()).or_default();
        *listed |= status.listed;
        *count += 1;
    }
    // Of classes that are equally frequent a page (2xx) is the usual answer.
    let (&class, &(_, count)) = classes
        .iter()
        .max_by_key(|(class, (listed, count))| (*listed, *count, Reverse(**class)))?;
    let code = all.iter().find(|status| status.class() == class)?.code;
    let differs = |i: &usize| {
        let status = all[*i];
        status.class() != class && !status.listed && !status.is_error()
    };
    let others: Vec<usize> = (0..all.len()).filter(differs).collect();
    (!others.is_empty()).then_some((Usual { code, count }, others))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it is about; each real server's status, listed or not; the usual status and its number; who differs.
    type Case = (
        &'static str,
        &'static [(u16, bool)],
        Option<(u16, usize, &'static [usize])>,
    );

    const CASES: &[Case] = &[
        ("no answers", &[], None),
        ("one real server", &[(302, false)], None),
        ("equal", &[(200, false), (200, false)], None),
        ("one class", &[(200, false), (206, false)], None),
        (
            "a redirect of one of two",
            &[(302, false), (200, false)],
            Some((200, 1, &[0])),
        ),
        (
            "a page where the others redirect",
            &[(302, false), (200, false), (301, false)],
            Some((302, 2, &[1])),
        ),
        (
            "both listed: 401 of one, 200 of the other",
            &[(401, true), (200, true)],
            None,
        ),
        (
            "both listed: 302 of one, 200 of two",
            &[(302, true), (200, true), (200, true)],
            None,
        ),
        (
            "only the page is listed",
            &[(200, true), (302, false)],
            Some((200, 1, &[1])),
        ),
        (
            "only the page is listed, and most redirect",
            &[(302, false), (302, false), (200, true)],
            Some((200, 1, &[0, 1])),
        ),
        // Clients may get what the health check of another port gets, or any page.
        (
            "only 401 is listed",
            &[(401, true), (200, false), (200, false)],
            None,
        ),
        (
            "only 401 is listed, and one redirects",
            &[(401, true), (200, false), (302, false)],
            Some((200, 1, &[2])),
        ),
    ];

    #[test]
    fn classes_that_differ_are_found_where_the_inventory_does_not_list_them() {
        for (about, statuses, expected) in CASES {
            let all: Vec<Status> = statuses
                .iter()
                .map(|(code, listed)| Status {
                    code: *code,
                    listed: *listed,
                })
                .collect();
            let expected =
                expected.map(|(code, count, others)| (Usual { code, count }, others.to_vec()));
            assert_eq!(unusual(&all), expected, "{about}");
        }
    }
}
