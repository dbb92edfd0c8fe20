//! Rules of iptables, in every table and on every host.

use super::{DR, HOSTS, bad, mine, table};
use crate::verify::made::verify;

/// Where, by which part of the probe, rules of which table; the check that finds it and what it names.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const RULES: &[Case] = &[
    // Requests on a director, hook by hook.
    (
        "lb1",
        "raw",
        "-A PREROUTING -p tcp -m tcp --dport 80 -j DROP",
        "firewall-vip",
        "of raw",
    ),
    (
        "lb1",
        "mangle",
        "-A PREROUTING -d 192.168.100.200/32 -j DROP",
        "firewall-vip",
        "of mangle",
    ),
    (
        "lb1",
        "mangle",
        "-A INPUT -d 192.168.100.200/32 -j DROP",
        "firewall-vip",
        "of mangle",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -d 192.168.100.200/32 -j DROP",
        "firewall-vip",
        "of filter",
    ),
    (
        "lb1",
        "security",
        "-A INPUT -d 192.168.100.200/32 -j DROP",
        "firewall-vip",
        "of security",
    ),
    (
        "lb1",
        "filter",
        "-A OUTPUT -d 192.168.100.200/32 -j DROP",
        "firewall-vip",
        "-A OUTPUT",
    ),
    (
        "lb1",
        "mangle",
        "-A OUTPUT -d 192.168.100.200/32 -j DROP",
        "firewall-vip",
        "-A OUTPUT",
    ),
    (
        "lb1",
        "mangle",
        "-A POSTROUTING -d 192.168.100.200/32 -j DROP",
        "firewall-vip",
        "-A POSTROUTING",
    ),
    (
        "lb1",
        "security",
        "-A OUTPUT -d 192.168.100.200/32 -j DROP",
        "firewall-vip",
        "of security",
    ),
    // The backup too.
    (
        "lb2",
        "filter",
        "-A INPUT -p tcp -m tcp --dport 80 -j REJECT",
        "firewall-vip",
        "-A INPUT",
    ),
    (
        "lb2",
        "nat",
        "-A PREROUTING -d 192.168.100.200/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.100.99:80",
        "nat-rules",
        "-A PREROUTING",
    ),
    (
        "lb1",
        "nat",
        "-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8081",
        "nat-rules",
        "REDIRECT",
    ),
    (
        "lb2",
        "nat",
        "-A PREROUTING -j own\n-A own -d 192.168.100.200/32 -j DNAT --to-destination 10.9.9.9",
        "nat-rules",
        "-A own",
    ),
    (
        "lb2",
        "nat",
        "-A PREROUTING -s 203.0.113.0/24 -d 192.168.100.200/32 -j DNAT --to-destination 10.9.9.9",
        "nat-rules",
        "203.0.113.0/24",
    ),
    (
        "lb2",
        "nat",
        "-A PREROUTING -m statistic --mode random --probability 0.5 -d 192.168.100.200/32 -j DNAT --to-destination 10.9.9.9",
        "nat-rules",
        "some may be",
    ),
    (
        "lb2",
        "mangle",
        "-A PREROUTING -d 192.168.100.200/32 -p tcp -j TPROXY --on-port 3128",
        "nat-rules",
        "TPROXY",
    ),
    // Clients from elsewhere.
    (
        "lb1",
        "filter",
        "-A INPUT -s 203.0.113.0/24 -j DROP",
        "firewall-vip",
        "203.0.113.0/24",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT ! -s 192.168.0.0/16 -j DROP",
        "firewall-vip",
        "elsewhere",
    ),
    (
        "lb2",
        "filter",
        "-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j REJECT",
        "firewall-vip",
        "elsewhere",
    ),
    (
        "lb1",
        "raw",
        "-A PREROUTING ! -s 192.168.100.0/24 -i eth0 -j DROP",
        "firewall-vip",
        "elsewhere",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -m iprange --src-range 198.51.100.10-198.51.100.90 -j DROP",
        "firewall-vip",
        "198.51.100.10-198.51.100.90",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -s 192.168.100.20/32 -j DROP",
        "firewall-vip",
        "c1",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -s 128.0.0.0/1 -p tcp -m tcp --dport 80 -j DROP",
        "firewall-vip",
        "128.0.0.0/1",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -p tcp -m tcp --sport 40000:50000 -j DROP",
        "firewall-vip",
        "ports from 40000",
    ),
    (
        "rs1",
        "filter",
        "-A INPUT -s 203.0.113.0/24 -j DROP",
        "firewall-vip",
        "203.0.113.0/24",
    ),
    (
        "rs1",
        "filter",
        "-A OUTPUT -d 203.0.113.0/24 -j DROP",
        "firewall-vip",
        "203.0.113.0/24",
    ),
    (
        "rs1",
        "filter",
        "-A OUTPUT ! -d 192.168.0.0/16 -j DROP",
        "firewall-vip",
        "elsewhere",
    ),
    (
        "rs2",
        "mangle",
        "-A POSTROUTING ! -d 192.168.0.0/16 -j DROP",
        "firewall-vip",
        "elsewhere",
    ),
    // One of many addresses is a warning, and found all the same.
    (
        "lb1",
        "filter",
        "-A INPUT -s 203.0.113.7/32 -j DROP",
        "firewall-vip",
        "203.0.113.7",
    ),
    // Packets after the first.
    (
        "lb1",
        "filter",
        "-A INPUT -p tcp -m tcp --tcp-flags PSH PSH -j DROP",
        "firewall-vip",
        "PSH",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j DROP",
        "firewall-vip",
        "NEW",
    ),
    (
        "rs1",
        "filter",
        "-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate ESTABLISHED -j DROP",
        "firewall-vip",
        "ESTABLISHED",
    ),
    (
        "rs1",
        "filter",
        "-A OUTPUT -p tcp -m tcp --sport 80 --tcp-flags SYN,ACK SYN,ACK -j DROP",
        "firewall-vip",
        "SYN,ACK",
    ),
    (
        "rs2",
        "raw",
        "-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
        "firewall-vip",
        "policy of filter/INPUT",
    ),
    // Shares, rates and contents.
    (
        "lb1",
        "filter",
        "-A INPUT -d 192.168.100.200/32 -m statistic --mode random --probability 0.3 -j DROP",
        "firewall-vip",
        "a share of them",
    ),
    (
        "rs1",
        "filter",
        "-A INPUT -m statistic --mode nth --every 4 --packet 0 -j DROP",
        "firewall-vip",
        "a share of them",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -p tcp -m limit --limit 5/sec -j ACCEPT\n-A INPUT -p tcp -j DROP",
        "firewall-vip",
        "above a rate",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -p tcp -m tcp --dport 80 -m connlimit --connlimit-above 2 -j REJECT",
        "firewall-vip",
        "above a rate",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -p tcp -m hashlimit --hashlimit-above 2/sec --hashlimit-name w --hashlimit-mode srcip -j DROP",
        "firewall-vip",
        "above a rate",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -p tcp -m string --string index --algo bm --to 65535 -j DROP",
        "firewall-vip",
        "some of them",
    ),
    (
        "rs1",
        "filter",
        "-A OUTPUT -m owner --uid-owner 33 -j DROP",
        "firewall-vip",
        "some of them",
    ),
    (
        "rs1",
        "filter",
        "-A OUTPUT -m length --length 1000:65535 -j DROP",
        "firewall-vip",
        "some of them",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -m time --timestart 00:00:00 --timestop 23:59:59 -j DROP",
        "firewall-vip",
        "some of them",
    ),
    (
        "lb1",
        "filter",
        "-A INPUT -m ttl --ttl-lt 60 -j DROP",
        "firewall-vip",
        "some of them",
    ),
    // Health checks of each director.
    (
        "lb2",
        "filter",
        "-A OUTPUT -d 192.168.100.12/32 -j DROP",
        "firewall-health",
        "-A OUTPUT",
    ),
    (
        "lb2",
        "filter",
        "-A INPUT -s 192.168.100.13/32 -j DROP",
        "firewall-health",
        "-A INPUT",
    ),
    (
        "lb1",
        "nat",
        "-A OUTPUT -d 192.168.100.12/32 -p tcp -j DNAT --to-destination 10.9.9.9",
        "firewall-health",
        "sent elsewhere",
    ),
    (
        "lb2",
        "nat",
        "-A POSTROUTING -d 192.168.100.12/32 -j SNAT --to-source 10.9.9.9",
        "firewall-health",
        "10.9.9.9",
    ),
    (
        "rs1",
        "filter",
        "-A INPUT -s 192.168.100.15/32 -j DROP",
        "firewall-health",
        "-A INPUT",
    ),
    (
        "rs2",
        "filter",
        "-A OUTPUT -d 192.168.100.14/32 -j DROP",
        "firewall-health",
        "-A OUTPUT",
    ),
    // VRRP, and the connections that the sync daemon copies.
    (
        "lb2",
        "filter",
        "-A INPUT -p vrrp -j DROP",
        "firewall-vrrp",
        "-p vrrp",
    ),
    (
        "lb1",
        "filter",
        "-A OUTPUT -d 224.0.0.0/4 -j DROP",
        "firewall-vrrp",
        "224.0.0.0/4",
    ),
    (
        "lb2",
        "raw",
        "-A PREROUTING -s 192.168.100.14/32 -j DROP",
        "firewall-vrrp",
        "of raw",
    ),
    (
        "lb1",
        "nat",
        "-A POSTROUTING -p vrrp -j SNAT --to-source 10.9.9.9",
        "firewall-vrrp",
        "10.9.9.9",
    ),
    (
        "lb2",
        "filter",
        "-A INPUT -p udp -m udp --dport 8848 -j DROP",
        "firewall-vrrp",
        "8848",
    ),
    // Policies.
    (
        "lb2",
        "filter",
        ":INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p vrrp -j ACCEPT",
        "firewall-vip",
        "the policy of filter/INPUT",
    ),
    (
        "rs1",
        "filter",
        ":OUTPUT DROP [0:0]\n-A OUTPUT -d 192.168.100.0/24 -j ACCEPT",
        "firewall-vip",
        "the policy of filter/OUTPUT",
    ),
];

#[test]
fn rules_of_iptables_on_every_host() {
    let healthy = verify(DR, HOSTS, "lb1", &[]);
    assert!(bad(&healthy).is_empty(), "{:#?}", bad(&healthy));
    for (host, name, rules, check, names) in RULES {
        let text = table(name, rules);
        for part in ["firewall legacy", "firewall nft"] {
            let findings = verify(DR, HOSTS, host, &[(part, &text)]);
            let bad = bad(&findings);
            let found = bad.iter().find(|f| {
                f.check.id == *check || f.parts.iter().any(|part| part.check.id == *check)
            });
            let found =
                found.unwrap_or_else(|| panic!("{host} {name} {rules}: {:#?}", mine(&findings)));
            assert_eq!(found.host, *host, "{rules}");
            let text = format!("{} {}", found.expected, found.found);
            assert!(text.contains(names), "{rules}: {text}");
            assert!(found.fix.contains('`'), "{rules}: {}", found.fix);
            // One cause, one finding; a policy drops what it drops.
            let same: Vec<_> = bad.iter().filter(|f| f.host == *host).collect();
            assert!(same.len() == 1 || rules.contains(':'), "{rules}: {same:#?}");
        }
    }
}
