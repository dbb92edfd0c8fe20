//! Requests to one real server: from the directors, and from the real server to itself.

use super::{DR, LB1, LB2, PORT_80, RS1, RS2, SETTINGS, bad, mine};
use crate::verify::made::{Made, verify_live};

const GOOD: &str = "@lvsctl-e2e text=0 code=200 new=1 exit=0 err=\tpage\n";
const BAD: &str = "@lvsctl-e2e text=0 code=500 new=1 exit=0 err=\toops\n";
const MOVED: &str = "@lvsctl-e2e text=0 code=302 new=1 exit=0 err=\t\n";
const SILENT: &str = "@lvsctl-e2e text=0 code=000 new=0 exit=28 err=Connection timed out after 2001 milliseconds\t\n";
const RESET: &str =
    "@lvsctl-e2e text=0 code=000 new=1 exit=56 err=Recv failure: Connection reset by peer\t\n";

/// A name, what lb1 and lb2 got from rs1 and rs2, the status of rs1's own answer, whether rs1 is out, and what is found.
type Case = (
    &'static str,
    [&'static str; 2],
    [&'static str; 2],
    &'static str,
    bool,
    &'static [&'static str],
);

const CASES: &[Case] = &[
    ("all well", [GOOD, GOOD], [GOOD, GOOD], "200", false, &[]),
    (
        "500 of one",
        [BAD, GOOD],
        [BAD, GOOD],
        "500",
        false,
        &["rs1 real-server-answer: status 500, asked by lb1 and lb2"],
    ),
    (
        "500 to itself alone",
        [GOOD, GOOD],
        [GOOD, GOOD],
        "500",
        false,
        &["rs1 real-server-answer: status 500, asked by itself"],
    ),
    (
        "silent",
        [SILENT, GOOD],
        [SILENT, GOOD],
        "200",
        false,
        &["rs1 real-server-answer: Connection timed out, asked by lb1 and lb2"],
    ),
    (
        "reset",
        [RESET, GOOD],
        [RESET, GOOD],
        "200",
        false,
        &["rs1 real-server-answer: Recv failure: Connection reset by peer, asked by lb1 and lb2"],
    ),
    (
        "not for lb2",
        [GOOD, GOOD],
        [SILENT, GOOD],
        "200",
        false,
        &["lb2 real-server-reach: Connection timed out"],
    ),
    (
        "denied to lb2",
        [GOOD, GOOD],
        [BAD, GOOD],
        "200",
        false,
        &["lb2 real-server-reach: status 500"],
    ),
    // The health check accepts 200 alone.
    (
        "moved",
        [MOVED, GOOD],
        [MOVED, GOOD],
        "200",
        false,
        &["rs1 real-server-answer: status 302, asked by lb1 and lb2"],
    ),
    ("taken out", [BAD, GOOD], [BAD, GOOD], "500", true, &[]),
];

/// What directors got from rs1 and rs2 (the first lines of their questions), what rs1 got from itself, and what is found.
#[test]
fn each_real_server_by_itself() {
    let own = |code: &str| format!("\n@lvsctl-e2e code={code} exit=0 err=\n");
    for (name, lb1, lb2, itself, out, want) in CASES {
        let own = own(itself);
        let table = if *out {
            "-A -t 192.168.100.200:80 -s rr\n-a -t 192.168.100.200:80 -r 192.168.100.13:80 -g -w 1"
        } else {
            "-A -t 192.168.100.200:80 -s rr\n-a -t 192.168.100.200:80 -r 192.168.100.12:80 -g -w 1\n-a -t 192.168.100.200:80 -r 192.168.100.13:80 -g -w 1"
        };
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let lb = |made: Made| Made {
            facts: Box::leak(Box::new([
                ("sysctl values", SETTINGS),
                ("ipvs table", table),
            ])),
            ..made
        };
        let rs1 = Made {
            facts: Box::leak(Box::new([
                RS1.facts[0],
                RS1.facts[1],
                ("own-answer own 192.168.100.200 80", leak(own)),
            ])),
            ..RS1
        };
        let hosts = [lb(LB1), lb(LB2), rs1, RS2];
        let (one, two) = (lb1.concat(), lb2.concat());
        let live: [(&str, &[(&str, &str)]); 2] = [
            ("lb1", &[("rs-pages", &one)]),
            ("lb2", &[("rs-pages", &two)]),
        ];
        let findings = verify_live(DR, &hosts, &live);
        let bad = bad(&findings);
        let found: Vec<String> = bad
            .iter()
            .filter(|f| f.check.id.starts_with("real-server"))
            .map(|f| format!("{} {}: {}", f.host, f.check, f.found))
            .collect();
        assert_eq!(found, *want, "{name}: {:#?}", mine(&findings));
        let note = mine(&findings)
            .iter()
            .any(|f| f.what.contains("no director sends it new connections"));
        assert_eq!(note, *out, "{name}");
    }
}

const DENIED: &str = "@lvsctl-e2e text=0 code=403 new=1 exit=0 err=\tForbidden\n";

/// A name, what the directors and the client got from rs1 and rs2, the client's addresses, the sockets of rs1, and what is
/// found.
type OfClient = (
    &'static str,
    [&'static str; 2],
    [&'static str; 2],
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
);

const ON_LAN: &[&str] = &["192.168.100.20/24"];
/// 192.168.100.12:80 and 192.168.100.200:80.
const OF_EACH_ADDRESS: &str =
    "   0: 0C64A8C0:0050 00000000:0000 0A 0\n   1: C864A8C0:0050 00000000:0000 0A 0";

const CLIENTS: &[OfClient] = &[
    ("all well", [GOOD, GOOD], [GOOD, GOOD], ON_LAN, PORT_80, &[]),
    (
        "one real server refuses clients",
        [GOOD, GOOD],
        [DENIED, GOOD],
        ON_LAN,
        PORT_80,
        &["rs1 real-server-answer: status 403, asked by c1"],
    ),
    (
        "both do",
        [GOOD, GOOD],
        [DENIED, BAD],
        ON_LAN,
        PORT_80,
        &[
            "rs1 real-server-answer: status 403, asked by c1",
            "rs2 real-server-answer: status 500, asked by c1",
        ],
    ),
    (
        "a connection of clients is closed without an answer",
        [GOOD, GOOD],
        [RESET, GOOD],
        ON_LAN,
        PORT_80,
        &[
            "rs1 real-server-answer: a connection without an answer (Recv failure: Connection reset by peer), asked by c1",
        ],
    ),
    // The finding of the directors is enough.
    (
        "wrong for all",
        [BAD, GOOD],
        [BAD, GOOD],
        ON_LAN,
        PORT_80,
        &["rs1 real-server-answer: status 500, asked by lb1 and lb2"],
    ),
    // A packet filter may keep clients from real servers.
    (
        "no connection of the client",
        [GOOD, GOOD],
        [SILENT, SILENT],
        ON_LAN,
        PORT_80,
        &[],
    ),
    (
        "a client of another network does not ask",
        [GOOD, GOOD],
        [DENIED, DENIED],
        &["10.9.0.20/24"],
        PORT_80,
        &[],
    ),
    // Another server may answer at the RIP than at the VIP.
    (
        "a socket of each address",
        [GOOD, GOOD],
        [GOOD, ""],
        ON_LAN,
        OF_EACH_ADDRESS,
        &[],
    ),
];

const BOTH: &str = "-A -t 192.168.100.200:80 -s rr\n-a -t 192.168.100.200:80 -r 192.168.100.12:80 -g -w 1\n-a -t 192.168.100.200:80 -r 192.168.100.13:80 -g -w 1";

fn directors(table: &'static str) -> [Made; 2] {
    [LB1, LB2].map(|made| Made {
        facts: Box::leak(Box::new([
            ("sysctl values", SETTINGS),
            ("ipvs table", table),
        ])),
        ..made
    })
}

#[test]
fn a_real_server_that_answers_directors_and_refuses_clients() {
    for (name, director, client, addresses, sockets, want) in CLIENTS {
        let c1 = Made {
            host: "c1",
            links: Box::leak(Box::new([("eth0", 1500, *addresses)])),
            facts: &[],
        };
        let rs1 = Made {
            facts: Box::leak(Box::new([RS1.facts[0], ("listener tcp", *sockets)])),
            ..RS1
        };
        let [lb1, lb2] = directors(BOTH);
        let (of_directors, of_client) = (director.concat(), client.concat());
        let live: [(&str, &[(&str, &str)]); 3] = [
            ("lb1", &[("rs-pages", &of_directors)]),
            ("lb2", &[("rs-pages", &of_directors)]),
            ("c1", &[("rs-pages", &of_client)]),
        ];
        let findings = verify_live(DR, &[lb1, lb2, rs1, RS2, c1], &live);
        let found: Vec<String> = bad(&findings)
            .iter()
            .filter(|f| f.check.id.starts_with("real-server"))
            .map(|f| format!("{} {}: {}", f.host, f.check, f.found))
            .collect();
        assert_eq!(found, *want, "{name}: {:#?}", mine(&findings));
    }
}

#[test]
fn a_drained_real_server_that_refuses_clients_is_a_note() {
    const WITHOUT_RS1: &str =
        "-A -t 192.168.100.200:80 -s rr\n-a -t 192.168.100.200:80 -r 192.168.100.13:80 -g -w 1";
    let c1 = Made {
        host: "c1",
        links: &[("eth0", 1500, ON_LAN)],
        facts: &[],
    };
    let [lb1, lb2] = directors(WITHOUT_RS1);
    let (of_directors, of_client) = ([GOOD, GOOD].concat(), [DENIED, GOOD].concat());
    let live: [(&str, &[(&str, &str)]); 3] = [
        ("lb1", &[("rs-pages", &of_directors)]),
        ("lb2", &[("rs-pages", &of_directors)]),
        ("c1", &[("rs-pages", &of_client)]),
    ];
    let findings = verify_live(DR, &[lb1, lb2, RS1, RS2, c1], &live);
    let says = "status 403, asked by c1; no director sends it new connections";
    let notes: Vec<&str> = findings
        .all
        .iter()
        .filter(|f| f.check.id == "real-server-answer")
        .map(|f| f.what.as_str())
        .collect();
    assert!(
        matches!(notes.as_slice(), [one] if one.contains(says)),
        "{notes:?}"
    );
}
