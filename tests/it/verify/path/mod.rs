//! Faults of every table, hook, host and direction on a packet's path: each is one finding that names the cause, and healthy
//! rules are none.

mod healthy;
mod hosts;
mod neighbours;
mod nft;
mod real_servers;
mod rules;

use lvsctl::check::{Finding, Findings, Severity};

use crate::verify::made::Made;

const DR: &str = "
cluster: made
networks: { lan: 192.168.100.0/24 }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  lb2: { role: backup, address: 192.168.100.15 }
  rs1: { role: realserver, address: 192.168.100.12, gateway: 192.168.100.1 }
  rs2: { role: realserver, address: 192.168.100.13, gateway: 192.168.100.1 }
  c1: { role: client, address: 192.168.100.20 }
vrrp: { virtual_router_id: 10, sync_daemon: true }
services:
  web: { vip: 192.168.100.200, port: 80, scheduler: rr, health_check: http, check: { requests: 4 } }
";

const SETTINGS: &str = "/proc/sys/net/ipv4/vs/conntrack:0
/proc/sys/net/ipv4/conf/all/arp_ignore:1
/proc/sys/net/ipv4/conf/all/arp_announce:2
/proc/sys/net/ipv4/conf/all/rp_filter:0
/proc/sys/net/ipv4/conf/all/send_redirects:0
/proc/sys/net/ipv4/conf/eth0/arp_ignore:0
/proc/sys/net/ipv4/conf/eth0/arp_announce:0
/proc/sys/net/ipv4/conf/eth0/rp_filter:0
/proc/sys/net/ipv4/conf/eth0/send_redirects:0";

const PORT_80: &str = "   0: 00000000:0050 00000000:0000 0A 0";

const LB1: Made = Made {
    host: "lb1",
    links: &[("eth0", 1500, &["192.168.100.14/24", "192.168.100.200/32"])],
    facts: &[("sysctl values", SETTINGS)],
};

const LB2: Made = Made {
    host: "lb2",
    links: &[("eth0", 1500, &["192.168.100.15/24"])],
    facts: &[("sysctl values", SETTINGS)],
};

const RS1: Made = Made {
    host: "rs1",
    links: &[
        ("lo", 65536, &["127.0.0.1/8", "192.168.100.200/32"]),
        ("eth0", 1500, &["192.168.100.12/24"]),
    ],
    facts: &[("sysctl values", SETTINGS), ("listener tcp", PORT_80)],
};

const RS2: Made = Made {
    host: "rs2",
    links: &[
        ("lo", 65536, &["127.0.0.1/8", "192.168.100.200/32"]),
        ("eth0", 1500, &["192.168.100.13/24"]),
    ],
    facts: &[("sysctl values", SETTINGS), ("listener tcp", PORT_80)],
};

const HOSTS: &[Made] = &[LB1, LB2, RS1, RS2];

/// Checks that other hosts of this made cluster fail too, and that are none of a packet's path.
const OTHERS: &[&str] = &[
    "drift",
    "reply-route",
    "vip-route-local",
    "end-to-end",
    "vrrp-adverts",
    "statistics",
    "persisted-sysctl",
    "clocks",
    "health",
    "lro",
    "keepalived-config",
    "ipvs-timeouts",
    "sync-daemon",
    "vrrp-state",
    "arp-answer",
];

fn mine(findings: &Findings) -> Vec<&Finding> {
    let all = findings.all.iter();
    all.filter(|f| !OTHERS.contains(&f.check.id)).collect()
}

fn bad(findings: &Findings) -> Vec<&Finding> {
    let mut all = mine(findings);
    all.retain(|f| f.severity != Severity::Note);
    all
}

fn table(name: &str, rules: &str) -> String {
    format!("*{name}\n:own - [0:0]\n{rules}\nCOMMIT\n")
}
