//! Rules of arptables that hide a VIP, and rules that come before them.

use crate::verify::made::{Made, of, verify};

const INVENTORY: &str = "
cluster: made
networks: { lan: 192.168.100.0/24 }
arp: arptables
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  rs1: { role: realserver, address: 192.168.100.12 }
  c1: { role: client, address: 192.168.100.20 }
services:
  web: { vip: 192.168.100.200, port: 80, scheduler: rr }
";

const RS1: Made = Made {
    host: "rs1",
    links: &[
        ("lo", 65536, &["192.168.100.200/32"]),
        ("eth0", 1500, &["192.168.100.12/24"]),
    ],
    facts: &[],
};

#[test]
fn what_precedes_the_rules_that_hide_a_vip() {
    let ours = "-A INPUT -j DROP -d 192.168.100.200\n-A OUTPUT -j mangle -s 192.168.100.200 --mangle-ip-s 192.168.100.12";
    for (rules, found) in [
        (ours.to_owned(), None),
        (
            format!("-A INPUT -j ACCEPT\n{ours}"),
            Some("accepted by -A INPUT -j ACCEPT"),
        ),
        (
            format!("-A INPUT -j ACCEPT -s 192.168.100.20\n{ours}"),
            Some("accepted by -A INPUT -j ACCEPT -s 192.168.100.20"),
        ),
        (
            format!("-A INPUT -j ACCEPT -d 192.168.100.12\n{ours}"),
            None,
        ),
        (format!("{ours}\n-A INPUT -j ACCEPT"), None),
        (format!("-A INPUT -j ACCEPT -i eth1\n{ours}"), None),
        (
            format!("-A INPUT -j ACCEPT -s 192.168.100.14\n{ours}"),
            None,
        ),
    ] {
        let text = format!("*filter\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n{rules}");
        let findings = verify(INVENTORY, &[RS1], "rs1", &[("firewall arptables", &text)]);
        let all = of(&findings, "arptables-hides");
        assert_eq!(
            all.len(),
            usize::from(found.is_some()),
            "{rules}: {:#?}",
            findings.all
        );
        assert!(found.is_none_or(|found| all[0].contains(found)), "{all:?}");
    }
}
