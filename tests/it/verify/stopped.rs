//! A real server that `lvsctl stop` has stopped: one finding, whose fix is to start it.

use super::*;

const UNIT: &str = "@NONCE unit show
1700000100.0
100.0 90.0

@NONCE unit show
Id=lvsctl-vt2.service
LoadState=loaded
ActiveState=inactive
UnitFileState=enabled
NeedDaemonReload=no
StateChangeTimestampMonotonic=50000000

@NONCE file stat";

const EDITS: &[Edit] = &[
    edit("rs1.probe", "@NONCE file stat", UNIT),
    edit(
        "rs1.probe",
        "{\"family\":\"inet\",\"local\":\"192.168.100.200\",\"prefixlen\":32,\"scope\":\"global\",\"label\":\"lo:0\",\"valid_life_time\":4294967295,\"preferred_life_time\":4294967295},",
        "",
    ),
    edit(
        "rs1.probe",
        ",{\"dst\":\"192.168.100.200\",\"dev\":\"lo\",\"scope\":\"link\",\"flags\":[]}",
        "",
    ),
    edit(
        "lb1.probe",
        "-r 192.168.100.12:80 -g -w 1",
        "-r 192.168.100.12:80 -g -w 0",
    ),
];

#[test]
fn a_stopped_real_server_is_one_finding_whose_fix_is_to_start_it() {
    let findings = recorded("dr-keepalived").verify(EDITS);
    let of: Vec<_> = findings.all.iter().filter(|f| f.host == "rs1").collect();
    let [one] = of.as_slice() else {
        panic!("{}", shown(&findings));
    };
    assert_eq!(one.what, "its part of the cluster");
    assert_eq!(one.fix, "`lvsctl start --limit rs1`");
    for part in [
        "address 192.168.100.200/32",
        "route 192.168.100.200/32",
        "unit lvsctl-vt2.service",
    ] {
        assert!(one.found.contains(part), "{part}: {}", one.found);
    }
    // Only what clients and directors saw is left, and none of it says `apply`.
    assert!(
        !findings.all.iter().any(|f| f.fix.contains("lvsctl apply")),
        "{}",
        shown(&findings)
    );
}

/// `lvsctl stop` drains a real server on the directors first.
#[test]
fn the_drain_of_a_stopped_real_server_follows_from_the_stop() {
    let reported = recorded("dr-keepalived").concluded(EDITS);
    let is_drain = |f: &check::Finding| f.check.id == "unrecorded-drain";
    assert!(!reported.all.iter().any(is_drain), "{}", shown(&reported));
    let stopped = reported.all.iter().find(|f| f.host == "rs1");
    let parts = &stopped.expect("a finding of rs1").parts;
    let drains = parts
        .iter()
        .filter(|part| part.check.id == "unrecorded-drain");
    assert_eq!(drains.count(), 1, "{}", shown(&reported));
}

/// By the names of the inventory, with the address beside them.
#[test]
fn findings_name_real_servers_and_services_by_the_inventory() {
    let findings = recorded("dr-keepalived").verify(EDITS);
    let named = "real server `rs1` (192.168.100.12:80) in `web`";
    let is_named = |f: &&check::Finding| {
        f.check.id == "unrecorded-drain" && f.host == "lb1" && f.what == named
    };
    assert!(
        findings.all.iter().any(|f| is_named(&f)),
        "{}",
        shown(&findings)
    );
    let address = |f: &&check::Finding| {
        format!("{} {} {}", f.what, f.found, f.fix).contains("of -t 192.168.100.200:80")
    };
    assert!(
        !findings.all.iter().any(|f| address(&f)),
        "{}",
        shown(&findings)
    );
}
