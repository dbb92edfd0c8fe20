//! Which sync daemon a director runs: that of the instance with `sync_daemon: true`.

use crate::verify::made::{Made, of, verify};

const PAIR: &str = "
cluster: made
networks: { lan: 192.168.100.0/24 }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  lb2: { role: backup, address: 192.168.100.15 }
  rs1: { role: realserver, address: 192.168.100.12 }
vrrp:
  one: { virtual_router_id: 10, vips: 192.168.100.200, members: [lb1, lb2] }
  two: { virtual_router_id: 11, vips: 192.168.100.201, members: [lb2, lb1], sync_daemon: true }
services:
  web: { vip: [192.168.100.200, 192.168.100.201], port: 80, mode: dr, scheduler: rr }
";

const MASTER: &str = "master sync daemon (mcast=eth0, syncid=11)";
const BACKUP: &str = "backup sync daemon (mcast=eth0, syncid=11)";

/// lb1 has the lower VIP, lb2 that of the instance with the daemon.
const HOSTS: [Made; 2] = [
    Made {
        host: "lb1",
        links: &[("eth0", 1500, &["192.168.100.14/24", "192.168.100.200/32"])],
        facts: &[("ipvs sync", BACKUP)],
    },
    Made {
        host: "lb2",
        links: &[("eth0", 1500, &["192.168.100.15/24", "192.168.100.201/32"])],
        facts: &[("ipvs sync", MASTER)],
    },
];

fn found(inventory: &str, one: &'static str, two: &'static str) -> Vec<String> {
    let [mut lb1, mut lb2] = HOSTS;
    let parts = |text: &'static str| -> &'static [(&'static str, &'static str)] {
        vec![("ipvs sync", text)].leak()
    };
    (lb1.facts, lb2.facts) = (parts(one), parts(two));
    let findings = verify(inventory, &[lb1, lb2], "", &[]);
    let short = |line: String| line.split(", fix").next().map(str::to_owned);
    of(&findings, "sync-daemon")
        .into_iter()
        .filter_map(short)
        .collect()
}

#[test]
fn the_instance_with_the_daemon_decides_who_sends() {
    let wants = |host: &str, role: &str, found: &str| {
        format!("{host}: {role}: expected a {role} sync daemon, found {found}")
    };
    for (name, one, two, want) in [
        ("as it shall be", BACKUP, MASTER, vec![]),
        (
            "one alone",
            "",
            MASTER,
            vec![wants("lb1", "backup", "none")],
        ),
        (
            "by the lowest VIP of all",
            MASTER,
            BACKUP,
            vec![
                wants("lb1", "backup", MASTER),
                wants("lb2", "master", BACKUP),
            ],
        ),
        (
            "none at all",
            "",
            "",
            vec![
                wants("lb1", "backup", "none"),
                wants("lb2", "master", "none"),
            ],
        ),
    ] {
        assert_eq!(found(PAIR, one, two), want, "{name}");
    }
}

#[test]
fn a_daemon_that_the_inventory_does_not_have() {
    let quiet = PAIR.replace(", sync_daemon: true", "");
    // Two directors that both serve may both send; what one alone sends is received by none.
    for (one, two, want) in [
        ("", "", 0),
        (MASTER, BACKUP, 0),
        (BACKUP, MASTER, 0),
        ("", MASTER, 1),
    ] {
        assert_eq!(found(&quiet, one, two).len(), want, "{one} {two}");
    }
    // The odd one is the director that has one, and not the other.
    assert_eq!(
        found(&quiet, "", MASTER),
        [format!(
            "lb2: none: expected no sync daemon, as on lb1, found {MASTER}"
        )]
    );
}
