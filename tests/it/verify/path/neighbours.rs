//! IPv6 neighbour discovery through packet filters.

use crate::verify::made::{Made, of, verify};

const INVENTORY: &str = "
cluster: made
networks: { lan: [192.168.100.0/24, 'fd00::/64'] }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: [192.168.100.14, 'fd00::14'] }
  rs1: { role: realserver, address: [192.168.100.12, 'fd00::12'] }
  c1: { role: client, address: [192.168.100.20, 'fd00::20'] }
services:
  web: { vip: 'fd00::200', port: 80, scheduler: rr }
";

const HOSTS: &[Made] = &[
    Made {
        host: "lb1",
        links: &[(
            "eth0",
            1500,
            &["192.168.100.14/24", "fd00::14/64", "fd00::200/128"],
        )],
        facts: &[],
    },
    Made {
        host: "rs1",
        links: &[
            ("lo", 65536, &["fd00::200/128"]),
            ("eth0", 1500, &["192.168.100.12/24", "fd00::12/64"]),
        ],
        facts: &[],
    },
];

#[test]
fn rules_for_neighbour_discovery() {
    let accepts = "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT\n-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136/0 -j ACCEPT";
    for (host, rules, expected) in [
        ("rs1", "", 0),
        (
            "rs1",
            "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j DROP",
            1,
        ),
        (
            "rs1",
            "-A OUTPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j REJECT",
            1,
        ),
        (
            "rs1",
            "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j DROP",
            0,
        ),
        ("rs1", "-A INPUT -p ipv6-icmp -j DROP", 1),
        (
            "lb1",
            "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j DROP",
            1,
        ),
        ("lb1", "-A INPUT -s fd00::20/128 -p ipv6-icmp -j DROP", 1),
        // As ufw accepts it.
        (
            "rs1",
            "-A INPUT -m rt --rt-type 0 -j DROP\n-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT\n\
             -A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -m hl --hl-eq 255 -j ACCEPT\n-A INPUT -j DROP",
            0,
        ),
        // Conntrack knows no connection of it.
        ("lb1", "-A INPUT -m conntrack --ctstate INVALID -j DROP", 0),
        (
            "rs1",
            &format!("{accepts}\n-A INPUT -p ipv6-icmp -j DROP"),
            0,
        ),
    ] {
        let table = format!("*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rules}\nCOMMIT");
        let findings = verify(INVENTORY, HOSTS, host, &[("firewall legacy-v6", &table)]);
        let found = of(&findings, "firewall-neighbour");
        // A rule concerns each neighbour, and is one finding when causes are merged.
        assert_eq!(
            usize::from(!found.is_empty()),
            expected,
            "{host} {rules}: {found:#?}"
        );
    }
}
