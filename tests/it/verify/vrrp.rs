//! Whose VRRP adverts a director may hear.

use crate::verify::made::{Made, of, verify_live};

const INVENTORY: &str = "
cluster: made
networks: { outside: 192.168.122.0/24, inside: 10.0.0.0/24 }
hosts:
  lb1: { role: director, interfaces: { eth0: 192.168.122.14, eth1: 10.0.0.14 } }
  lb2: { role: backup, interfaces: { eth0: 192.168.122.15, eth1: 10.0.0.15 } }
  rs1: { role: realserver, address: 10.0.0.12, gateway: 10.0.0.1 }
  client: { role: client, address: 192.168.122.20 }
vrrp:
  out: { virtual_router_id: 10, vips: 192.168.122.200 }
  in: { virtual_router_id: 10, vips: 10.0.0.1 }
services:
  web: { vip: 192.168.122.200, port: 80, mode: nat, scheduler: rr }
";

const HOSTS: &[Made] = &[
    Made {
        host: "lb2",
        links: &[
            ("eth0", 1500, &["192.168.122.15/24"]),
            ("eth1", 1500, &["10.0.0.15/24"]),
        ],
        facts: &[],
    },
    Made {
        host: "client",
        links: &[("eth0", 1500, &["192.168.122.20/24"])],
        facts: &[],
    },
];

/// What systemd says of a keepalived that runs.
const RUNS: &str =
    "Id=keepalived.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n";

const PEER: &str = "192.168.122.14 10 100\n10.0.0.14 10 100\n";

fn foreign(adverts: &str) -> Vec<String> {
    let heard = format!("{adverts}heard");
    let live: &[(&str, &[(&str, &str)])] = &[("lb2", &[("adverts", &heard)]), ("client", &[])];
    of(&verify_live(INVENTORY, HOSTS, live), "vrrp-foreign")
}

#[test]
fn one_id_on_two_networks_is_no_stranger() {
    assert_eq!(foreign(PEER), [""; 0]);
}

#[test]
fn a_stranger_with_that_id_is_found() {
    let want = |instance: &str| {
        format!(
            "lb2: {instance}: expected no adverts of others with virtual_router_id 10, found adverts of 10.0.0.77, fix: choose a `virtual_router_id` that no other VRRP router on this network uses"
        )
    };
    let found = foreign(&format!("{PEER}10.0.0.77 10 100\n"));
    assert_eq!(found, [want("out"), want("in")]);
}

/// What lb2 says, which receives no adverts, when it holds these addresses while it listens.
fn silence(held: &str) -> Vec<String> {
    let live: &[(&str, &[(&str, &str)])] = &[
        ("lb2", &[("held after", held), ("adverts", "heard")]),
        ("client", &[]),
    ];
    let keepalived = Made {
        facts: &[("unit show", RUNS)],
        ..HOSTS[0]
    };
    let hosts = [keepalived, HOSTS[1]];
    of(&verify_live(INVENTORY, &hosts, live), "vrrp-adverts")
}

#[test]
fn a_backup_that_receives_no_adverts_is_found() {
    let found =
        silence(r#"[{"ifname":"eth0","addr_info":[{"local":"192.168.122.15","prefixlen":24}]}]"#);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_director_that_takes_over_while_verify_runs_receives_no_adverts() {
    let found = silence(
        r#"[{"ifname":"eth0","addr_info":[{"local":"192.168.122.15","prefixlen":24},{"local":"192.168.122.200","prefixlen":32}]},
            {"ifname":"eth1","addr_info":[{"local":"10.0.0.1","prefixlen":32}]}]"#,
    );
    assert_eq!(found, [""; 0]);
}
