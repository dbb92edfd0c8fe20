//! A single director that is a real server too: it holds the VIP twice, on its NIC for clients and where a real server
//! does.

use lvsctl::check::{self, Asking};

use crate::verify::made::{Made, cluster, of, verify};

const INVENTORY: &str = "
cluster: made
networks: { lan: 192.168.100.0/24 }
defaults: { interface: eth0 }
hosts:
  lb1: { role: [director, realserver], address: 192.168.100.14 }
  rs1: { role: realserver, address: 192.168.100.12 }
services:
  web: { vip: 192.168.100.200, port: 80, mode: dr, scheduler: rr }
";

const NIC: (&str, u32, &[&str]) = ("eth0", 1500, &["192.168.100.14/24", "192.168.100.200/24"]);

const DR: Made = Made {
    host: "lb1",
    links: &[("lo", 65536, &["192.168.100.200/32"]), NIC],
    facts: &[],
};

const TUN: Made = Made {
    host: "lb1",
    links: &[NIC, ("tunl0", 1480, &["192.168.100.200/32"])],
    facts: &[
        (
            "sysctl values",
            "/proc/sys/net/ipv4/conf/all/rp_filter:0\n/proc/sys/net/ipv4/conf/eth0/rp_filter:0\n/proc/sys/net/ipv4/conf/tunl0/rp_filter:1",
        ),
        (
            "route-to routes",
            "[{\"dst\":\"192.0.2.1\",\"from\":\"192.168.100.200\",\"gateway\":\"192.168.100.1\",\"dev\":\"eth0\"}]",
        ),
    ],
};

const NAT: Made = Made {
    host: "lb1",
    links: &[NIC],
    facts: &[],
};

fn of_mode(mode: &str) -> String {
    INVENTORY.replace("mode: dr", &format!("mode: {mode}"))
}

#[test]
fn the_vip_belongs_on_its_nic_as_well() {
    for (mode, host) in [("dr", DR), ("tun", TUN), ("nat", NAT)] {
        let findings = verify(&of_mode(mode), &[host], "", &[]);
        for check in ["vip-only-on-lo", "vip-not-held", "vip-holder"] {
            assert_eq!(of(&findings, check), [""; 0], "{mode} {check}");
        }
    }
}

#[test]
fn the_vip_beside_both_is_found() {
    let host = Made {
        links: &[
            ("lo", 65536, &["192.168.100.200/32"]),
            NIC,
            ("eth1", 1500, &["192.168.100.200/24"]),
        ],
        ..DR
    };
    let findings = verify(INVENTORY, &[host], "", &[]);
    assert_eq!(
        of(&findings, "vip-only-on-lo"),
        [
            "lb1: 192.168.100.200: expected 192.168.100.200 on lo and eth0, and on no other interface, found also on eth1, fix: `ip addr del 192.168.100.200/24 dev eth1`, and remove it from the configuration that sets it at boot"
        ]
    );
}

/// IPVS hands a packet to the host that it runs on as it came: no tunnel is in between.
#[test]
fn a_director_gets_its_own_share_by_its_nic() {
    let inventory = of_mode("tun");
    let rules = |rule: &str| format!("*filter\n:INPUT ACCEPT [0:0]\n{rule}\nCOMMIT");
    for (rule, drops) in [
        ("-A INPUT -i tunl0 -p tcp -j DROP", false),
        ("-A INPUT -p ipencap -j DROP", false),
        ("-A INPUT -i eth0 -p tcp -m tcp --dport 80 -j DROP", true),
    ] {
        let findings = verify(
            &inventory,
            &[TUN],
            "lb1",
            &[("firewall legacy", &rules(rule))],
        );
        let found = of(&findings, "firewall-vip");
        assert_eq!(!found.is_empty(), drops, "{rule}: {found:?}");
        assert_eq!(of(&findings, "rp-filter"), [""; 0]);
    }
    let strict =
        "/proc/sys/net/ipv4/conf/all/rp_filter:0\n/proc/sys/net/ipv4/conf/eth0/rp_filter:1";
    let findings = verify(&inventory, &[TUN], "lb1", &[("sysctl values", strict)]);
    assert_eq!(
        of(&findings, "rp-filter"),
        [""; 0],
        "it answers by the same"
    );
}

/// A request of a director to a VIP that it holds is scheduled as well: another real server cannot answer it.
#[test]
fn a_director_does_not_ask_itself() {
    let cluster = cluster(INVENTORY);
    let asks = |name: &str, traffic| {
        let host = cluster.hosts.iter().find(|h| h.name == name).unwrap();
        check::questions(&cluster, host, traffic).contains("part own ")
    };
    assert!(!asks("lb1", Asking::Allowed));
    assert!(asks("rs1", Asking::Allowed));
    assert!(!asks("rs1", Asking::LeftOut));
    let bare = Made { links: &[], ..DR };
    let findings = verify(INVENTORY, &[bare], "", &[]);
    assert_eq!(of(&findings, "own-answer"), [""; 0]);
}
