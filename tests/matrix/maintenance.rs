//! Drains on a live pair of directors: they outlast reloads, restarts, reboots and `apply`.

use crate::harness::Cluster;
use crate::{health, vrrp};

const DIRECTORS: [&str; 2] = ["lb1", "lb2"];
const VIP: &str = "http://192.168.100.200/";

pub(crate) fn all(cluster: &Cluster) {
    a_real_server_stays_drained(cluster);
    a_director_stays_drained(cluster);
    the_last_one_is_not_drained(cluster);
}

/// The weight of a real server in the running table of a director; none where it is not in it.
fn weight(cluster: &Cluster, director: &str, address: &str) -> Option<String> {
    let table = cluster.on(director, "ipvsadm -Sn");
    let server = format!(" -r {address}:80 ");
    let line = table.lines().find(|line| line.contains(&server))?;
    let weight = line.split(" -w ").nth(1)?;
    weight.split(' ').next().map(str::to_owned)
}

#[track_caller]
fn has_weight(cluster: &Cluster, when: &str, expected: Option<&str>) {
    for director in DIRECTORS {
        cluster.becomes(
            &format!("rs1 has {expected:?} on {director} {when}"),
            || weight(cluster, director, "192.168.100.12").as_deref() == expected,
        );
    }
}

/// Weight 0 on both directors, no request to it, nothing to do, and the reason in `status`.
#[track_caller]
fn is_drained(cluster: &Cluster, when: &str) {
    has_weight(cluster, when, Some("0"));
    cluster.becomes(&format!("rs2 answers {when}"), || {
        cluster.try_ask("client", VIP) == "rs2"
    });
    health::only(cluster, VIP, "rs2");
    let status = cluster.status();
    let drained = &status["maintenance"][0];
    assert_eq!(drained["host"], "rs1", "{when}: {status}");
    assert_eq!(drained["reason"], "a new disk", "{when}: {status}");
    cluster.becomes(&format!("nothing is to be done {when}"), || {
        cluster.planned().is_empty()
    });
}

fn a_real_server_stays_drained(cluster: &Cluster) {
    let words = ["drain", "rs1", "--reason", "a new disk", "--until", "2h"];
    cluster
        .lvsctl(&words)
        .expect(0)
        .says("`lvsctl undrain rs1` ends that");
    // At once: a reload of keepalived is not waited for.
    for director in DIRECTORS {
        assert_eq!(
            weight(cluster, director, "192.168.100.12").as_deref(),
            Some("0")
        );
    }
    is_drained(cluster, "after the drain");
    let on_both = |script: &str| {
        for director in DIRECTORS {
            cluster.on(director, script);
        }
    };
    on_both("systemctl reload keepalived");
    is_drained(cluster, "after a reload");
    on_both("systemctl restart keepalived");
    is_drained(cluster, "after a restart");
    cluster.on("rs1", "systemctl stop nginx");
    has_weight(cluster, "after it failed its check", None);
    cluster.on("rs1", "systemctl start nginx");
    is_drained(cluster, "after it passed its check");
    let ran = cluster.lvsctl(&["apply", "--yes"]).expect(0);
    assert!(ran.stdout.contains(": 0 changes"), "{}", ran.stdout);
    is_drained(cluster, "after an apply");
    cluster.reboot_these(&["rs1"]);
    is_drained(cluster, "after its reboot");
    cluster.reboot_these(&DIRECTORS);
    is_drained(cluster, "after the reboot of both directors");
    // A director that lost its record gets it back from the other.
    cluster.on("lb2", "rm /var/lib/lvsctl/*.maintenance");
    assert!(!cluster.planned().is_empty());
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    is_drained(cluster, "after a record was lost");
    cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
    cluster.lvsctl(&["start", "--limit", "rs1"]).expect(0);
    is_drained(cluster, "after a start");
    cluster
        .lvsctl(&["undrain", "rs1"])
        .expect(0)
        .says("rs1 is in service again");
    has_weight(cluster, "after the undrain", Some("1"));
    assert_eq!(cluster.planned(), [""; 0]);
    // Without requests no connection is left.
    cluster
        .lvsctl(&["drain", "rs1", "--until", "empty"])
        .expect(0)
        .says("no connection to rs1 is left");
    cluster.lvsctl(&["undrain", "rs1"]).expect(0);
}

#[track_caller]
fn holds(cluster: &Cluster, director: &str, when: &str) {
    cluster.becomes(&format!("{director} alone holds the VIP {when}"), || {
        DIRECTORS
            .iter()
            .all(|name| vrrp::holds(cluster, name) == (*name == director))
    });
}

/// Also where members do not preempt each other, and the drained one boots first.
fn a_director_stays_drained(cluster: &Cluster) {
    for preempts in [true, false] {
        if !preempts {
            cluster.edit("  advert_int: 1\n", "  advert_int: 1\n  preempt: false\n");
            cluster.lvsctl(&["apply", "--yes"]).expect(0);
        }
        holds(cluster, "lb1", "at first");
        cluster.lvsctl(&["drain", "lb1"]).expect(0);
        holds(cluster, "lb2", "after the drain");
        let status = cluster.status();
        assert_eq!(status["directors"][0]["note"], "drained", "{status}");
        cluster.on("lb1", "systemctl restart keepalived");
        holds(cluster, "lb2", "after a restart of the drained one");
        cluster.on("lb2", "systemctl restart keepalived");
        holds(cluster, "lb2", "after a restart of the other");
        cluster.reboot_these(&DIRECTORS);
        holds(cluster, "lb2", "after the reboot of both");
        cluster.becomes("nothing is to be done", || cluster.planned().is_empty());
        cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
        // No other director is left.
        cluster.lvsctl(&["drain", "lb2"]).expect(5);
        cluster.lvsctl(&["undrain", "lb1"]).expect(0);
        holds(
            cluster,
            if preempts { "lb1" } else { "lb2" },
            "after the undrain",
        );
    }
    cluster.edit("  preempt: false\n", "");
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    holds(cluster, "lb1", "at the end");
}

fn the_last_one_is_not_drained(cluster: &Cluster) {
    cluster
        .lvsctl(&["drain", "rs1", "--service", "web"])
        .expect(0);
    let ran = cluster.lvsctl(&["drain", "rs2"]).expect(5);
    assert!(ran.stderr.contains("nothing was changed"), "{}", ran.stderr);
    assert_eq!(
        weight(cluster, "lb1", "192.168.100.13").as_deref(),
        Some("1")
    );
    cluster
        .lvsctl(&["undrain", "rs1", "--service", "web"])
        .expect(0);
    has_weight(cluster, "after the undrain in the service", Some("1"));
}
