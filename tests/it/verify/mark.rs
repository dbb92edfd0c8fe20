//! One mark over two ports, without keepalived: recorded, and damaged.

use crate::verify::{Damage, all, damage, edit};

const OURS: &str = "[120:15574] -A PREROUTING -d 192.168.100.200/32 -p tcp -m multiport --dports 80,443 -m comment --comment \"lvsctl:vt8/web\" -j MARK --set-xmark 0x1a0a/0xffffffff\n";

const FWMARK: &[Damage] = &[
    damage("the mark rule is gone", &[edit("lb1.probe", OURS, "")]),
    damage(
        "the mark rule marks one port alone, and persistence ends there",
        &[
            edit("lb1.probe", "--dports 80,443", "--dports 80"),
            edit(
                "client.live",
                "200 443\n@lvsctl-e2e code=200 exit=0 err=\trs2",
                "200 443\n@lvsctl-e2e code=200 exit=0 err=\trs1",
            ),
        ],
    ),
    damage(
        "a later rule sets another mark, and one more uses ours",
        &[edit(
            "lb1.probe",
            "0x1a0a/0xffffffff\nCOMMIT",
            "0x1a0a/0xffffffff\n[0:0] -A PREROUTING -d 192.168.100.200/32 -p tcp -m tcp --dport 443 -j MARK --set-xmark 0x5/0xffffffff\n[0:0] -A PREROUTING -d 192.168.100.77/32 -p tcp -j MARK --set-xmark 0x1a0a/0xffffffff\nCOMMIT",
        )],
    ),
    damage(
        "a later rule clears bits of our mark",
        &[edit(
            "lb1.probe",
            "0x1a0a/0xffffffff\nCOMMIT",
            "0x1a0a/0xffffffff\n[0:0] -A PREROUTING -i eth+ -j MARK --set-xmark 0x0/0xff\nCOMMIT",
        )],
    ),
    damage(
        "an earlier rule lets packets past ours",
        &[edit(
            "lb1.probe",
            "[120:15574] -A",
            "[7:420] -A PREROUTING -s 10.0.0.0/8 -j ACCEPT\n[7:420] -A PREROUTING -p tcp -m tcp --dport 443 -j RETURN\n[120:15574] -A",
        )],
    ),
    damage(
        "whether a rule changes the mark is not known",
        &[edit(
            "lb1.probe",
            "0x1a0a/0xffffffff\nCOMMIT",
            "0x1a0a/0xffffffff\n[0:0] -A PREROUTING -m set --match-set bad src -j MARK --set-xmark 0x5/0xffffffff\nCOMMIT",
        )],
    ),
    damage(
        "the mark's counter does not move",
        &[edit("lb1.live", "[242:31252]", "[120:15574]")],
    ),
    damage(
        "the mark rule stands twice",
        &[edit(
            "lb1.probe",
            "0x1a0a/0xffffffff\nCOMMIT",
            "0x1a0a/0xffffffff\n[0:0] -A PREROUTING -d 192.168.100.200/32 -p tcp -m multiport --dports 80,443 -m comment --comment \"lvsctl:vt8/web\" -j MARK --set-xmark 0x1a0a/0xffffffff\nCOMMIT",
        )],
    ),
    damage(
        "keepalived runs beside the node script",
        &[edit(
            "lb1.probe",
            "Id=keepalived.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=",
            "Id=keepalived.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled",
        )],
    ),
    damage(
        "a real server does not listen on 443",
        &[
            edit("rs1.probe", ":01BB ", ":01BC "),
            edit(
                "rs1.probe",
                "own 192.168.100.200 443\n\n@lvsctl-e2e code=200 exit=0 err=",
                "own 192.168.100.200 443\n\n@lvsctl-e2e code=000 exit=7 err=Connection refused",
            ),
        ],
    ),
];

#[test]
fn a_mark_makes_one_service_of_two_ports() {
    let (text, _, failed) = all("fwmark", FWMARK);
    insta::assert_snapshot!(text);
    for check in [
        "mark-rule",
        "mark-set",
        "mark-unique",
        "mark-counters",
        "persistence",
    ] {
        assert!(failed.contains(&check), "no damage here makes {check} fail");
    }
}
