//! From which address directors and real servers speak to each other, and what VRRP instances are.

use crate::verify::made::{Made, of, verify};

const INVENTORY: &str = "
cluster: made
networks: { lan: [10.0.0.0/24, 'fd00::/64'], in: 10.1.0.0/24 }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, interfaces: { eth0: [10.0.0.14, 'fd00::14'], eth1: 10.1.0.14 } }
  lb2: { role: backup, interfaces: { eth0: [10.0.0.15, 'fd00::15'], eth1: 10.1.0.15 } }
  rs1: { role: realserver, address: [10.0.0.12, 'fd00::12'] }
vrrp:
  v4: { virtual_router_id: 10, vips: 10.0.0.200/24, track_script: { disks: { script: /bin/df }, load: { script: /bin/true, weight: 5 } } }
  v6: { virtual_router_id: 10, vips: 'fd00::200/64', track_interface: eth1 }
services:
  web: { vip: 10.0.0.200/24, port: 80 }
  web6: { vip: 'fd00::200/64', port: 80 }
";

const HOSTS: &[Made] = &[
    Made {
        host: "lb1",
        links: &[(
            "eth0",
            1500,
            &[
                "10.0.0.14/24",
                "10.0.0.200/24",
                "fd00::14/64",
                "fd00::200/64",
            ],
        )],
        facts: &[],
    },
    Made {
        host: "rs1",
        links: &[("eth0", 1500, &["10.0.0.12/24", "fd00::12/64"])],
        facts: &[],
    },
];

/// An answer of `ip -j route get`.
fn route(to: &str, source: &str) -> String {
    format!(r#"[{{"dst":"{to}","dev":"eth0","prefsrc":"{source}","flags":[],"uid":0,"cache":[]}}]"#)
}

fn found(host: &str, routes: &[(&str, &str)]) -> Vec<String> {
    let routes: Vec<String> = routes.iter().map(|(to, from)| route(to, from)).collect();
    let findings = verify(
        INVENTORY,
        HOSTS,
        host,
        &[("route-to routes", &routes.join("\n"))],
    );
    of(&findings, "source-address")
}

#[test]
fn a_vip_is_no_source_address() {
    for (what, host, routes, names) in [
        (
            "the director's address, IPv4",
            "lb1",
            ("10.0.0.12", "10.0.0.14"),
            None,
        ),
        (
            "the director's address, IPv6",
            "lb1",
            ("fd00::12", "fd00::14"),
            None,
        ),
        (
            "the VIP, IPv4",
            "lb1",
            ("10.0.0.12", "10.0.0.200"),
            Some(
                "toward rs1 (10.0.0.12), found the VIP 10.0.0.200, fix: see that eth0 has an address",
            ),
        ),
        (
            "the VIP, IPv6",
            "lb1",
            ("fd00::12", "fd00::200"),
            Some(
                "toward rs1 (fd00::12), found the VIP fd00::200, fix: `lvsctl apply`, or `ip addr change fd00::200/64 \
                 dev eth0 preferred_lft 0 nodad`",
            ),
        ),
        (
            "between directors",
            "lb1",
            ("fd00::15", "fd00::200"),
            Some("toward lb2 (fd00::15)"),
        ),
        (
            "of a real server",
            "rs1",
            ("10.0.0.14", "10.0.0.200"),
            Some("toward lb1 (10.0.0.14), found the VIP 10.0.0.200, fix: see `ip route`"),
        ),
        ("to a stranger", "lb1", ("10.0.0.77", "10.0.0.200"), None),
    ] {
        let found = found(host, &[routes]);
        match names {
            None => assert_eq!(found, [""; 0], "{what}"),
            Some(text) => {
                assert_eq!(found.len(), 1, "{what}: {found:?}");
                assert!(found[0].contains(text), "{what}: {found:?}");
            }
        }
    }
}

#[test]
fn an_instance_in_fault_is_found_with_what_it_tracks() {
    let states = |logged: &str| {
        of(
            &verify(INVENTORY, HOSTS, "lb1", &[("keepalived log", logged)]),
            "vrrp-state",
        )
    };
    for (what, logged, found) in [
        ("nothing is logged", "", None),
        (
            "master and backup",
            "(v4) Entering MASTER STATE\n(v6) Entering BACKUP STATE",
            None,
        ),
        (
            "a tracked program",
            "(v4) Entering BACKUP STATE\n(v4) Entering FAULT STATE",
            Some(
                "v4: expected v4 to be master or backup, found FAULT: the tracked program disks fails, or an interface has no carrier; it does not take over",
            ),
        ),
        (
            "a tracked interface",
            "(v6) Entering FAULT STATE",
            Some("found FAULT: eth1 is down; it does not take over"),
        ),
        (
            "which is over",
            "(v4) Entering FAULT STATE\n(v4) Entering BACKUP STATE",
            None,
        ),
    ] {
        let all = states(logged);
        assert_eq!(all.len(), usize::from(found.is_some()), "{what}: {all:?}");
        if let Some(text) = found {
            assert!(all[0].contains(text), "{what}: {all:?}");
        }
    }
}
