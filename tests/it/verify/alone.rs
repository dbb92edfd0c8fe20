//! One director without keepalived, connections in turn: recorded, and damaged.

use crate::verify::{Damage, all, damage, edit};

const DR: &[Damage] = &[
    damage(
        "a real server is never hit",
        &[
            edit("client.live", "\trs1", "\trs2"),
            edit(
                "lb1.live",
                "10       40        0     3140",
                "5       20        0     1570",
            ),
            edit(
                "lb1.live",
                "192.168.100.13:80                  5",
                "192.168.100.13:80                 15",
            ),
        ],
    ),
    damage(
        "a real server has weight 0, and no drain is recorded",
        &[edit(
            "lb1.probe",
            "-r 192.168.100.13:80 -g -w 1",
            "-r 192.168.100.13:80 -g -w 0",
        )],
    ),
    damage(
        "shares are not even",
        &[edit(
            "client.live",
            "err=\trs2\n@lvsctl-e2e code=200 exit=0 err=\trs1\n@lvsctl-e2e code=200 exit=0 err=\trs2\n@lvsctl-e2e code=200 exit=0 err=\trs1\n",
            "err=\trs1\n@lvsctl-e2e code=200 exit=0 err=\trs1\n@lvsctl-e2e code=200 exit=0 err=\trs1\n@lvsctl-e2e code=200 exit=0 err=\trs1\n",
        )],
    ),
    damage(
        "the pages name no host, and others use the service too",
        &[
            edit("client.live", "\trs1", "\thello"),
            edit("client.live", "\trs2", "\thello"),
            edit(
                "lb1.live",
                "192.168.100.12:80                  10",
                "192.168.100.12:80                  19",
            ),
        ],
    ),
    damage(
        "the pages name no host, and IPVS alone shows that one is never hit",
        &[
            edit("client.live", "\trs1", "\thello"),
            edit("client.live", "\trs2", "\thello"),
            edit(
                "lb1.live",
                "192.168.100.12:80                  10",
                "192.168.100.12:80                   5",
            ),
            edit(
                "lb1.live",
                "192.168.100.13:80                  10",
                "192.168.100.13:80                  15",
            ),
        ],
    ),
    damage(
        "the counters began anew",
        &[
            edit(
                "lb1.live",
                "80                  10",
                "80                   1",
            ),
            edit("client.live", "@lvsctl-e2e code=200 exit=0 err=\trs1\n", ""),
        ],
    ),
];

#[test]
fn one_director_without_keepalived() {
    let (text, _, failed) = all("dr", DR);
    insta::assert_snapshot!(text);
    for check in ["gets-connections", "shares", "statistics"] {
        assert!(failed.contains(&check), "no damage here makes {check} fail");
    }
}
