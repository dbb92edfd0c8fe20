//! Clients that have IPv4 or IPv6 alone are asked for what they can reach.

use crate::verify::made::{Made, of, verify_live};

const INVENTORY: &str = "
cluster: made
networks: { lan: [192.168.100.0/24, 'fd00:100::/64'] }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: [192.168.100.14, 'fd00:100::14'] }
  rs1: { role: realserver, address: [192.168.100.12, 'fd00:100::12'] }
  c4: { role: client, address: 192.168.100.20 }
  c6: { role: client, address: 'fd00:100::21' }
services:
  web: { vip: 192.168.100.200, port: 80, scheduler: rr, check: { requests: 1 } }
  web6: { vip: 'fd00:100::200', port: [80, 443], scheduler: rr, check: { requests: 1 } }
";

const C4: Made = Made {
    host: "c4",
    links: &[
        ("lo", 65536, &["127.0.0.1/8", "::1/128"]),
        ("eth0", 1500, &["192.168.100.20/24", "fe80::20/64"]),
    ],
    facts: &[],
};

const C6: Made = Made {
    host: "c6",
    links: &[("eth0", 1500, &["fd00:100::21/64"])],
    facts: &[],
};

const GOOD: &str = "@lvsctl-e2e code=200 new=1 exit=0 err=\trs1";
const BAD: &str = "@lvsctl-e2e code=000 new=0 exit=7 err=Network unreachable\t";

/// What each service answers.
fn answers(v4: &'static str, v6: &'static str) -> [(&'static str, &'static str); 3] {
    [
        ("e2e 0 192.168.100.200 80", v4),
        ("e2e 1 fd00:100::200 80", v6),
        ("e2e 2 fd00:100::200 443", v6),
    ]
}

fn found(hosts: &[Made]) -> Vec<String> {
    let (c4, c6) = (answers(GOOD, BAD), answers(BAD, GOOD));
    of(
        &verify_live(INVENTORY, hosts, &[("c4", &c4), ("c6", &c6)]),
        "end-to-end",
    )
}

const C4_LACKS: &str =
    "c4: note: services of IPv6 were not tested from here: skipped: it has no IPv6 address";
const C6_LACKS: &str =
    "c6: note: services of IPv4 were not tested from here: skipped: it has no IPv4 address";

#[test]
fn each_client_asks_for_the_families_that_it_has() {
    assert_eq!(found(&[C4, C6]), [C4_LACKS, C6_LACKS]);
}

#[test]
fn what_no_client_can_ask_for_is_reported() {
    assert_eq!(
        found(&[C4]),
        [
            C4_LACKS,
            ": note: web6 was not tested over IPv6: no client has an address of it"
        ]
    );
    assert_eq!(
        found(&[C6]),
        [
            C6_LACKS,
            ": note: web was not tested over IPv4: no client has an address of it"
        ]
    );
}

/// One who has both families must reach both.
#[test]
fn a_client_of_both_families_asks_for_all() {
    let both = Made {
        links: &[("eth0", 1500, &["192.168.100.20/24", "fd00:100::20/64"])],
        ..C4
    };
    let found = found(&[both]);
    assert_eq!(found.len(), 2, "{found:?}");
    for line in found {
        assert!(
            line.contains("fd00:100::200") && line.contains("Network unreachable"),
            "{line}"
        );
    }
}
