//! Edits, the hosts of the run and what was reached, with what is withheld.

use super::*;

const SLOWER: Case = Case { after: SLOW, ..ALL };

const ONE_LEAVES: Case = Case { after: ONE, ..ALL };

/// A real server leaves.
pub(super) const LEAVES: &[Case] = &[
    Case {
        what: "all are there",
        ..ONE_LEAVES
    },
    Case {
        what: "alone",
        limit: "rs2",
        withheld: &["rs2 keeps all: lb1 sends, lb2 sends"],
        ..ONE_LEAVES
    },
    Case {
        what: "alone, the directors were changed before",
        limit: "rs2",
        done: "lb1,lb2",
        ..ONE_LEAVES
    },
    Case {
        what: "alone, one director was changed before",
        limit: "rs2",
        done: "lb1",
        withheld: &["rs2 keeps all: lb2 sends"],
        ..ONE_LEAVES
    },
    Case {
        what: "with one director",
        limit: "lb1,rs2",
        withheld: &["rs2 keeps all: lb2 sends"],
        ..ONE_LEAVES
    },
    Case {
        what: "with both directors",
        limit: "lb1,lb2,rs2",
        ..ONE_LEAVES
    },
    Case {
        what: "the directors alone",
        limit: "lb1,lb2",
        ..ONE_LEAVES
    },
    Case {
        what: "the master is not reached",
        unreached: "lb1",
        withheld: &["rs2 keeps all: lb1 unreached"],
        ..ONE_LEAVES
    },
    Case {
        what: "no director is reached",
        unreached: "lb1,lb2",
        withheld: &["rs2 keeps all: lb1 unreached, lb2 unreached"],
        ..ONE_LEAVES
    },
    Case {
        what: "it is not reached itself",
        unreached: "rs2",
        ..ONE_LEAVES
    },
    Case {
        what: "a director failed in this run",
        failed: "lb1",
        withheld: &["rs2 keeps all: lb1 failed"],
        ..ONE_LEAVES
    },
    Case {
        what: "alone, and a director cannot be read",
        limit: "rs2",
        unreached: "lb2",
        done: "lb1",
        withheld: &["rs2 keeps all: lb2 unreached"],
        ..ONE_LEAVES
    },
    Case {
        what: "NAT",
        before: Some(NAT),
        after: NAT_ONE,
        limit: "rs2",
        withheld: &["rs2 keeps all: lb1 sends, lb2 sends"],
        ..ALL
    },
    Case {
        what: "NAT, all are there",
        before: Some(NAT),
        after: NAT_ONE,
        ..ALL
    },
    Case {
        what: "without keepalived",
        before: Some(ALONE),
        after: ALONE_ONE,
        limit: "rs2",
        withheld: &["rs2 keeps all: lb1 sends"],
        ..ALL
    },
    Case {
        what: "without keepalived, all are there",
        before: Some(ALONE),
        after: ALONE_ONE,
        ..ALL
    },
    Case {
        what: "a service ends, and its VIP with it",
        before: Some(OTHER_VIP),
        after: BASE,
        limit: "rs2",
        withheld: &["rs2 keeps all: lb1 sends, lb2 sends"],
        ..ALL
    },
    Case {
        what: "the sorry server leaves",
        before: Some(SORRY),
        after: ONE,
        limit: "rs2",
        withheld: &["rs2 keeps all: lb1 sends, lb2 sends"],
        ..ALL
    },
];

const ONE_COMES: Case = Case {
    after: THREE,
    ..ALL
};

/// A real server comes.
pub(super) const COMES: &[Case] = &[
    Case {
        what: "all are there",
        ..ONE_COMES
    },
    Case {
        what: "the real server alone",
        limit: "rs3",
        ..ONE_COMES
    },
    Case {
        what: "the directors alone",
        limit: "lb1,lb2",
        withheld: &[
            "lb1 without rs3 in web: rs3 differs",
            "lb2 without rs3 in web: rs3 differs",
        ],
        ..ONE_COMES
    },
    Case {
        what: "the directors alone, it was made before",
        limit: "lb1,lb2",
        done: "rs3",
        ..ONE_COMES
    },
    Case {
        what: "a director with it",
        limit: "lb1,rs3",
        ..ONE_COMES
    },
    Case {
        what: "it is not reached",
        unreached: "rs3",
        withheld: &[
            "lb1 without rs3 in web: rs3 unreached",
            "lb2 without rs3 in web: rs3 unreached",
        ],
        ..ONE_COMES
    },
    Case {
        what: "another is not reached, which they have",
        unreached: "rs2",
        ..ONE_COMES
    },
    Case {
        what: "it failed in this run",
        failed: "rs3",
        withheld: &[
            "lb1 without rs3 in web: rs3 failed",
            "lb2 without rs3 in web: rs3 failed",
        ],
        ..ONE_COMES
    },
    Case {
        what: "another failed, which they have",
        failed: "rs2",
        ..ONE_COMES
    },
    Case {
        what: "all are new, and failed",
        before: None,
        failed: "rs1,rs2",
        withheld: &[
            "lb1 unchanged: rs1 failed, rs2 failed",
            "lb2 unchanged: rs1 failed, rs2 failed",
        ],
        ..ALL
    },
    Case {
        what: "all are new",
        before: None,
        ..ALL
    },
    Case {
        what: "all are new, the directors alone",
        before: None,
        limit: "lb1,lb2",
        withheld: &[
            "lb1 unchanged: rs1 differs, rs2 differs",
            "lb2 unchanged: rs1 differs, rs2 differs",
        ],
        ..ALL
    },
    Case {
        what: "all are new, one is not reached",
        before: None,
        unreached: "rs2",
        withheld: &[
            "lb1 without rs2 in web: rs2 unreached",
            "lb2 without rs2 in web: rs2 unreached",
        ],
        ..ALL
    },
    Case {
        what: "all are new, no real server is reached",
        before: None,
        unreached: "rs1,rs2",
        withheld: &[
            "lb1 unchanged: rs1 unreached, rs2 unreached",
            "lb2 unchanged: rs1 unreached, rs2 unreached",
        ],
        ..ALL
    },
    Case {
        what: "a service comes, one is not reached",
        after: TWO_SERVICES,
        unreached: "rs2",
        withheld: &[
            "lb1 without rs2 in api: rs2 unreached",
            "lb2 without rs2 in api: rs2 unreached",
        ],
        ..ALL
    },
    Case {
        what: "a VIP comes, one is not reached",
        after: TWO_VIPS,
        unreached: "rs2",
        withheld: &[
            "lb1 unchanged: rs2 unreached",
            "lb2 unchanged: rs2 unreached",
        ],
        ..ALL
    },
    Case {
        what: "a VIP comes",
        after: TWO_VIPS,
        ..ALL
    },
    Case {
        what: "a sorry server comes, and is not reached",
        before: Some(ONE),
        after: SORRY,
        unreached: "rs2",
        withheld: &[
            "lb1 without rs2 in web: rs2 unreached",
            "lb2 without rs2 in web: rs2 unreached",
        ],
        ..ALL
    },
    Case {
        what: "without keepalived",
        before: Some(ALONE_ONE),
        after: ALONE,
        limit: "lb1",
        withheld: &["lb1 without rs2 in web: rs2 differs"],
        ..ALL
    },
    Case {
        what: "NAT",
        before: Some(NAT_ONE),
        after: NAT,
        limit: "lb1,lb2",
        withheld: &[
            "lb1 without rs2 in web: rs2 differs",
            "lb2 without rs2 in web: rs2 differs",
        ],
        ..ALL
    },
];

/// How packets are sent changes.
pub(super) const RESHAPED: &[Case] = &[
    Case {
        what: "all are there",
        ..ALL
    },
    Case {
        what: "a director is not reached",
        unreached: "lb2",
        withheld: &[
            "lb1 unchanged: rs1 withheld, rs2 withheld",
            "rs1 unchanged: lb2 unreached",
            "rs2 unchanged: lb2 unreached",
        ],
        ..ALL
    },
    Case {
        what: "a real server alone",
        limit: "rs1",
        withheld: &["rs1 unchanged: lb1 sends, lb2 sends"],
        ..ALL
    },
    Case {
        what: "the directors alone",
        limit: "lb1,lb2",
        withheld: &[
            "lb1 unchanged: rs1 differs, rs2 differs",
            "lb2 unchanged: rs1 differs, rs2 differs",
        ],
        ..ALL
    },
];

/// What directors say by VRRP changes.
pub(super) const ADVERTS: &[Case] = &[
    Case {
        what: "all are there",
        ..SLOWER
    },
    Case {
        what: "the holder alone",
        limit: "lb1",
        withheld: &["lb1 unchanged: lb2 differs"],
        ..SLOWER
    },
    Case {
        what: "the backup alone, the holder was changed before",
        limit: "lb2",
        done: "lb1",
        ..SLOWER
    },
    Case {
        what: "the backup is not reached",
        unreached: "lb2",
        withheld: &["lb1 unchanged: lb2 unreached"],
        ..SLOWER
    },
    Case {
        what: "a VIP comes: the backup takes what the same sender says",
        after: OTHER_VIP,
        unreached: "lb2",
        ..ALL
    },
    Case {
        what: "a VIP comes, the holder is not reached",
        after: OTHER_VIP,
        unreached: "lb1",
        withheld: &["lb2 unchanged: lb1 unreached"],
        ..ALL
    },
    Case {
        what: "the first of two new directors",
        before: None,
        limit: "lb1,rs1,rs2",
        ..ALL
    },
    Case {
        what: "a director comes that the others do not know",
        before: Some(UNICAST),
        after: UNICAST_THREE,
        limit: "lb3",
        withheld: &["lb3 unchanged: lb1 differs, lb2 differs"],
        ..ALL
    },
    Case {
        what: "a director comes that the others know",
        before: Some(UNICAST),
        after: UNICAST_THREE,
        ..ALL
    },
];

/// All goes that lvsctl made.
pub(super) const DESTROY: &[Case] = &[
    Case {
        what: "the whole cluster",
        ..ALL
    },
    Case {
        what: "a real server",
        limit: "rs2",
        ..ALL
    },
    Case {
        what: "a real server, a director is not reached",
        limit: "rs2",
        unreached: "lb2",
        withheld: &["rs2 unchanged: lb2 unreached"],
        ..ALL
    },
    Case {
        what: "the whole cluster, a director is not reached",
        unreached: "lb1",
        withheld: &[
            "rs1 unchanged: lb1 unreached",
            "rs2 unchanged: lb1 unreached",
        ],
        ..ALL
    },
    Case {
        what: "a director",
        limit: "lb1",
        ..ALL
    },
];
