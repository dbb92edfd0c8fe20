//! Faults of every table, hook, host and direction on a packet's path: each is one finding that names the cause, and healthy
//! rules are none.

use lvsctl::check::{Finding, Findings, Severity};

use crate::verify::made::{Made, verify, verify_live};

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

fn table(name: &str, rules: &str) -> String {
    format!("*{name}\n:own - [0:0]\n{rules}\nCOMMIT\n")
}

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
            assert!(same.len() == 1 || rules.contains(":"), "{rules}: {same:#?}");
        }
    }
}

/// Tables of nft(8) itself.
const NFT: &[(&str, &str, &str, &str)] = &[
    (
        "lb1",
        "table inet f { # handle 1\n\tchain in { # handle 1\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport 80 drop # handle 5\n\t}\n}\n",
        "firewall-vip",
        "`nft delete rule inet f in handle 5`",
    ),
    (
        "lb2",
        "table ip f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tip saddr != 10.0.0.0/8 tcp dport { 80, 443 } reject # handle 9\n\t}\n}\n",
        "firewall-vip",
        "handle 9",
    ),
    (
        "lb1",
        "table ip f {\n\tset bad {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 203.0.113.0/24,\n\t\t\t198.51.100.1 }\n\t}\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tip saddr @bad drop # handle 9\n\t}\n}\n",
        "firewall-vip",
        "handle 9",
    ),
    (
        "lb2",
        "table ip f {\n\tchain pre {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\tip daddr 192.168.100.200 dnat to 10.9.9.9 # handle 3\n\t}\n}\n",
        "nat-rules",
        "handle 3",
    ),
    (
        "rs1",
        "table inet f {\n\tchain out {\n\t\ttype filter hook output priority filter; policy drop;\n\t\tip daddr 192.168.0.0/16 accept\n\t}\n}\n",
        "firewall-vip",
        "`nft chain inet f out '{ policy accept ; }'`",
    ),
    (
        "rs1",
        "table netdev f {\n\tchain in {\n\t\ttype filter hook ingress device \"eth0\" priority filter; policy accept;\n\t\tip daddr 192.168.100.200 drop # handle 2\n\t}\n}\n",
        "firewall-vip",
        "handle 2",
    ),
    (
        "lb1",
        "table inet f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport vmap { 22 : accept, 80 : drop } # handle 4\n\t}\n}\n",
        "firewall-vip",
        "handle 4",
    ),
    (
        "lb1",
        "table inet f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tjump web\n\t}\n\tchain web {\n\t\ttcp flags & (fin | syn | rst | ack) == syn numgen random mod 10 < 3 drop # handle 4\n\t}\n}\n",
        "firewall-vip",
        "handle 4",
    ),
    (
        "lb2",
        "table inet f {\n\tchain post {\n\t\ttype filter hook postrouting priority filter; policy accept;\n\t\tip protocol 112 drop # handle 4\n\t}\n}\n",
        "firewall-vrrp",
        "handle 4",
    ),
    (
        "rs2",
        "table arp f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tarp saddr ip 192.168.100.0/28 drop # handle 4\n\t}\n}\n",
        "arptables-rip",
        "handle 4",
    ),
    (
        "lb1",
        "table inet f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tip daddr 192.168.100.200 limit rate over 5/second drop # handle 4\n\t}\n}\n",
        "firewall-vip",
        "handle 4",
    ),
];

#[test]
fn tables_of_nft_on_every_host() {
    for (host, text, check, fix) in NFT {
        let findings = verify(DR, HOSTS, host, &[("firewall native", text)]);
        let bad = bad(&findings);
        let found = bad.iter().find(|f| f.check.id == *check);
        let found = found.unwrap_or_else(|| panic!("{host} {text}: {:#?}", mine(&findings)));
        assert_eq!(found.host, *host, "{text}");
        assert!(found.fix.contains(fix), "{text}: {}", found.fix);
    }
}

/// What ARP, links, routes and traffic control do on one host.
const REST: &[(&str, &str, &str, &str, &str)] = &[
    (
        "rs1",
        "firewall arptables",
        "-A INPUT -j DROP -i * -o * -s 192.168.100.0/28",
        "arptables-rip",
        "`arptables -D INPUT -j DROP -s 192.168.100.0/28`",
    ),
    (
        "rs1",
        "firewall arptables-nft",
        "-A OUTPUT -d 192.168.100.8/29 -j DROP",
        "arptables-rip",
        "-D OUTPUT",
    ),
    (
        "lb2",
        "firewall arptables",
        "-A INPUT -j DROP -s 192.168.100.12/30",
        "arptables-rip",
        "-D INPUT",
    ),
    (
        "lb2",
        "firewall arptables",
        "-A INPUT -j DROP -d 192.168.100.192/26",
        "arptables-vip",
        "-D INPUT",
    ),
    (
        "lb1",
        "firewall arptables",
        "-A OUTPUT -j DROP -s 192.168.100.200",
        "arptables-vip",
        "-D OUTPUT",
    ),
    (
        "rs2",
        "firewall arptables",
        ":INPUT DROP",
        "arptables-rip",
        "`arptables -P INPUT ACCEPT`",
    ),
    (
        "rs1",
        "traffic-control qdisc",
        "qdisc netem 8001: dev eth0 root refcnt 2 limit 1000 loss 30%",
        "traffic-control",
        "`tc qdisc del dev eth0 root`",
    ),
    (
        "lb2",
        "traffic-control qdisc",
        "qdisc netem 8001: dev eth0 root refcnt 2 limit 1000 delay 200ms",
        "traffic-control",
        "`tc qdisc del dev eth0 root`",
    ),
    (
        "lb2",
        "traffic-control filter eth0",
        "filter protocol ip pref 1 u32 chain 0\n\taction order 1: gact action drop",
        "traffic-control",
        "`tc filter del dev eth0 ingress pref 1`",
    ),
    (
        "lb1",
        "route-to routes",
        r#"[{"dst":"192.168.100.12","dev":"eth0","lladdr":"02:00:00:00:00:66","state":["PERMANENT"]}]"#,
        "neighbour",
        "`ip neigh del 192.168.100.12 dev eth0`",
    ),
    (
        "lb2",
        "route-to routes",
        "[]\nsrc 203.0.113.0/24 dst 192.168.100.200/32 \n\tdir in action block priority 0 ptype main \n",
        "packet-route",
        "`ip xfrm policy delete src 203.0.113.0/24 dst 192.168.100.200/32 dir in`",
    ),
    (
        "rs1",
        "route-to routes",
        r#"[{"type":"blackhole","dst":"203.0.113.0/24","flags":[]}]"#,
        "packet-route",
        "`ip route del blackhole 203.0.113.0/24`",
    ),
];

const MACS: &str = r#"[{"ifname":"lo","flags":["UP"],"mtu":65536,"addr_info":[{"local":"192.168.100.200","prefixlen":32,"scope":"global"}]},
{"ifname":"eth0","flags":FLAGS,"mtu":MTU,"address":"02:00:00:00:00:12","addr_info":[{"local":"192.168.100.12","prefixlen":24,"scope":"global"}MORE]}]"#;

#[test]
fn arp_and_traffic_control_on_every_host() {
    let rs1 = MACS
        .replace("FLAGS", r#"["UP"]"#)
        .replace("MTU", "1500")
        .replace("MORE", "");
    let rs1: &'static str = Box::leak(rs1.into_boxed_str());
    let hosts = &[
        LB1,
        LB2,
        Made {
            facts: Box::leak(Box::new([
                RS1.facts[0],
                RS1.facts[1],
                ("address json", rs1),
            ])),
            ..RS1
        },
        RS2,
    ];
    for (host, part, text, check, fix) in REST {
        let findings = verify(DR, hosts, host, &[(part, text)]);
        let bad = bad(&findings);
        let found = bad.iter().find(|f| f.check.id == *check);
        let found = found.unwrap_or_else(|| panic!("{host} {text}: {:#?}", mine(&findings)));
        assert!(found.fix.contains(fix), "{text}: {}", found.fix);
    }
}

/// Flags and MTU of rs1's interface, one more address of it, and what is found.
#[test]
fn interfaces_and_addresses() {
    for (flags, mtu, more, check, fix) in [
        (r#"["UP"]"#, "1500", "", "", ""),
        (
            r#"["BROADCAST","MULTICAST"]"#,
            "1500",
            "",
            "link",
            "`ip link set eth0 up`",
        ),
        (
            r#"["NO-CARRIER","BROADCAST","MULTICAST","UP"]"#,
            "1500",
            "",
            "link",
            "cable",
        ),
        (
            r#"["BROADCAST","MULTICAST","NOARP","UP"]"#,
            "1500",
            "",
            "link",
            "`ip link set eth0 arp on`",
        ),
        (
            r#"["UP"]"#,
            "1400",
            "",
            "mtu",
            "`ip link set eth0 mtu 1500`",
        ),
        (
            r#"["UP"]"#,
            "9000",
            "",
            "mtu",
            "`ip link set eth0 mtu 1500`",
        ),
        (
            r#"["UP"]"#,
            "1500",
            r#",{"local":"192.168.100.13","prefixlen":24,"scope":"global"}"#,
            "duplicate-address",
            "`ip addr del 192.168.100.13/24 dev eth0` on rs1",
        ),
        (
            r#"["UP"]"#,
            "1500",
            r#",{"local":"fd00::12","prefixlen":64,"scope":"global","dadfailed":true}"#,
            "link",
            "`ip addr del fd00::12/64 dev eth0`",
        ),
    ] {
        let text = MACS
            .replace("FLAGS", flags)
            .replace("MTU", mtu)
            .replace("MORE", more);
        let findings = verify(DR, HOSTS, "rs1", &[("address json", &text)]);
        let bad = bad(&findings);
        if check.is_empty() {
            assert!(bad.is_empty(), "{bad:#?}");
            continue;
        }
        let found = bad.iter().find(|f| f.check.id == check);
        let found = found.unwrap_or_else(|| panic!("{flags} {more}: {:#?}", mine(&findings)));
        assert!(found.fix.contains(fix), "{}", found.fix);
    }
}

/// A question that the kernel refused, what else it showed, and what is named as the cause.
#[test]
fn routes_and_rules_of_every_table() {
    for (host, asked, said, shown, settings, fix) in [
        (
            "lb2",
            "route get 192.168.100.12",
            "Invalid argument",
            r#"[{"type":"blackhole","dst":"192.168.100.12","flags":[]}]"#,
            "",
            "`ip route del blackhole 192.168.100.12`",
        ),
        (
            "lb1",
            "route get 192.168.100.13",
            "No route to host",
            r#"[{"type":"unreachable","dst":"192.168.100.13","table":"70","flags":[]}]"#,
            "",
            "`ip route del unreachable 192.168.100.13 table 70`",
        ),
        (
            "lb1",
            "route get 192.168.100.13",
            "Permission denied",
            r#"[{"priority":90,"src":"all","action":"prohibit"}]"#,
            "",
            "`ip rule del priority 90`",
        ),
        (
            "rs1",
            "route get 192.168.100.12 from 192.168.100.14 iif eth0",
            "Invalid cross-device link",
            "",
            "/proc/sys/net/ipv4/conf/all/rp_filter:1",
            "net.ipv4.conf.eth0.rp_filter=0",
        ),
        (
            "lb2",
            "route get 192.168.100.15 from 192.168.100.20 iif eth0",
            "Invalid argument",
            r#"[{"type":"blackhole","dst":"192.168.100.20","flags":[]}]"#,
            "",
            "`ip route del blackhole 192.168.100.20`",
        ),
        (
            "rs1",
            "route get 192.168.100.200 from 192.0.2.1 iif eth0",
            "Invalid argument",
            r#"[{"type":"blackhole","dst":"192.0.2.0/24","flags":[]}]"#,
            "",
            "`ip route del blackhole 192.0.2.0/24`",
        ),
        (
            "rs1",
            "route get 192.168.100.14",
            "No route to host",
            "",
            "",
            "`ip route show table all`",
        ),
    ] {
        let values = format!("{SETTINGS}\n{settings}");
        let values = if settings.is_empty() {
            SETTINGS.to_owned()
        } else {
            values.replace("all/rp_filter:0\n", "")
        };
        let errors = format!("RTNETLINK answers: {said}\nCommand failed -:1");
        let parts = [
            ("route-to routes", shown),
            ("route-to asked", asked),
            ("route-to errors", errors.as_str()),
            ("sysctl values", values.as_str()),
        ];
        let findings = verify(DR, HOSTS, host, &parts);
        let bad = bad(&findings);
        let found = bad.iter().find(|f| f.check.id == "packet-route");
        let found = found.unwrap_or_else(|| panic!("{host} {asked}: {:#?}", mine(&findings)));
        assert!(found.fix.contains(fix), "{asked}: {}", found.fix);
    }
}

/// Rules that healthy hosts have: nothing is found, and where a rule was not understood that is said.
#[test]
fn healthy_rules_are_no_findings() {
    let ufw = ":INPUT DROP [0:0]\n:ufw-in - [0:0]\n-A INPUT -j ufw-in\n-A ufw-in -i lo -j ACCEPT\n-A ufw-in -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
        -A ufw-in -m conntrack --ctstate INVALID -m limit --limit 3/min -j LOG\n-A ufw-in -m conntrack --ctstate INVALID -j DROP\n\
        -A ufw-in -p tcp -m tcp --dport 22 -m recent --update --seconds 30 --hitcount 6 --name x -j DROP\n-A ufw-in -p tcp -m multiport --dports 22,80 -j ACCEPT\n-A ufw-in -p vrrp -j ACCEPT\n-A ufw-in -p udp -m udp --dport 8848 -j ACCEPT\n-A ufw-in -m limit --limit 3/min -j LOG";
    let bogons = "-A INPUT -s 127.0.0.0/8 ! -i lo -j DROP\n-A INPUT -s 224.0.0.0/4 -j DROP\n-A INPUT -s 0.0.0.0/8 -j DROP\n-A INPUT -s 169.254.0.0/16 -j DROP\n-A INPUT -s 192.168.100.200/32 -j DROP";
    let scans = "-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN FIN,SYN -j DROP\n-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j DROP\n-A INPUT -p tcp -m tcp --tcp-flags SYN,RST SYN,RST -j DROP\n-A INPUT -f -j DROP";
    let banned = ":f2b-sshd - [0:0]\n-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd\n-A f2b-sshd -s 203.0.113.7/32 -j REJECT\n-A f2b-sshd -j RETURN";
    let icmp = "-A INPUT -p icmp -m icmp --icmp-type 8 -m limit --limit 1/sec -j ACCEPT\n-A INPUT -p icmp -j DROP";
    let docker = ":FORWARD DROP [0:0]\n:DOCKER - [0:0]\n-A FORWARD -j DOCKER\n-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT";
    for host in ["lb1", "lb2", "rs1"] {
        for rules in [ufw, bogons, scans, banned, icmp, docker] {
            // Who holds the VIP hears no packets from it; a real server answers by it.
            if host == "rs1" && rules == ufw {
                // What leaves is not restricted.
            }
            let findings = verify(
                DR,
                HOSTS,
                host,
                &[("firewall legacy", &table("filter", rules))],
            );
            assert!(
                bad(&findings).is_empty(),
                "{host} {rules}: {:#?}",
                bad(&findings)
            );
        }
        let nat = "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n-A PREROUTING -p tcp -m tcp --dport 8443 -j REDIRECT --to-ports 443";
        let findings = verify(DR, HOSTS, host, &[("firewall legacy", &table("nat", nat))]);
        assert!(
            bad(&findings).is_empty(),
            "{host} {nat}: {:#?}",
            bad(&findings)
        );
    }
    // Programs that ban clients: a note.
    let web = banned.replace("--dports 22", "--dports 80");
    let findings = verify(
        DR,
        HOSTS,
        "lb1",
        &[("firewall legacy", &table("filter", &web))],
    );
    assert!(bad(&findings).is_empty(), "{:#?}", bad(&findings));
    assert!(
        mine(&findings)
            .iter()
            .any(|f| f.what.contains("203.0.113.7"))
    );
    // A set that nobody listed.
    let set = "-A INPUT -m set --match-set bad src -j DROP";
    let findings = verify(
        DR,
        HOSTS,
        "lb1",
        &[("firewall legacy", &table("filter", set))],
    );
    assert!(bad(&findings).is_empty());
    assert!(
        mine(&findings)
            .iter()
            .any(|f| f.what.contains("--match-set bad src"))
    );
    // The same with its members.
    let listed = "create bad hash:net family inet\nadd bad 203.0.113.0/24\n";
    let parts = [
        ("firewall legacy", table("filter", set)),
        ("firewall ipset", listed.to_owned()),
    ];
    let parts = [
        (parts[0].0, parts[0].1.as_str()),
        (parts[1].0, parts[1].1.as_str()),
    ];
    let findings = verify(DR, HOSTS, "lb1", &parts);
    assert_eq!(bad(&findings)[0].check.id, "firewall-vip");
}

/// Networks that the service is for: what others send may be dropped.
#[test]
fn a_service_for_some_clients_alone() {
    let some = DR.replace(
        "scheduler: rr,",
        "scheduler: rr, clients: [10.0.0.0/8, 192.168.0.0/16],",
    );
    let rules = table(
        "filter",
        "-A INPUT -s 10.0.0.0/8 -j ACCEPT\n-A INPUT -s 192.168.0.0/16 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 80 -j DROP",
    );
    let findings = verify(DR, HOSTS, "lb1", &[("firewall legacy", &rules)]);
    assert_eq!(bad(&findings).len(), 1);
    let findings = verify(&some, HOSTS, "lb1", &[("firewall legacy", &rules)]);
    assert!(bad(&findings).is_empty(), "{:#?}", bad(&findings));
    let rules = rules.replace("-A INPUT -s 10.0.0.0/8 -j ACCEPT\n", "");
    let findings = verify(&some, HOSTS, "lb1", &[("firewall legacy", &rules)]);
    assert!(
        bad(&findings)[0].expected.contains("10.0.0.0/8"),
        "{:#?}",
        bad(&findings)
    );
}

/// What directors got from rs1 and rs2 (the first lines of their questions), what rs1 got from itself, and what is found.
#[test]
fn each_real_server_by_itself() {
    const GOOD: &str = "@lvsctl-e2e text=0 code=200 new=1 exit=0 err=\tpage\n";
    const BAD: &str = "@lvsctl-e2e text=0 code=500 new=1 exit=0 err=\toops\n";
    const MOVED: &str = "@lvsctl-e2e text=0 code=302 new=1 exit=0 err=\t\n";
    const SILENT: &str = "@lvsctl-e2e text=0 code=000 new=0 exit=28 err=Connection timed out after 2001 milliseconds\t\n";
    const RESET: &str =
        "@lvsctl-e2e text=0 code=000 new=1 exit=56 err=Recv failure: Connection reset by peer\t\n";
    let own = |code: &str| format!("\n@lvsctl-e2e code={code} exit=0 err=\n");
    for (name, lb1, lb2, itself, out, want) in [
        ("all well", [GOOD, GOOD], [GOOD, GOOD], "200", false, vec![]),
        (
            "500 of one",
            [BAD, GOOD],
            [BAD, GOOD],
            "500",
            false,
            vec!["rs1 real-server-answer: status 500, asked by lb1 and lb2"],
        ),
        (
            "500 to itself alone",
            [GOOD, GOOD],
            [GOOD, GOOD],
            "500",
            false,
            vec!["rs1 real-server-answer: status 500, asked by itself"],
        ),
        (
            "silent",
            [SILENT, GOOD],
            [SILENT, GOOD],
            "200",
            false,
            vec!["rs1 real-server-answer: Connection timed out, asked by lb1 and lb2"],
        ),
        (
            "reset",
            [RESET, GOOD],
            [RESET, GOOD],
            "200",
            false,
            vec![
                "rs1 real-server-answer: Recv failure: Connection reset by peer, asked by lb1 and lb2",
            ],
        ),
        (
            "not for lb2",
            [GOOD, GOOD],
            [SILENT, GOOD],
            "200",
            false,
            vec!["lb2 real-server-reach: Connection timed out"],
        ),
        (
            "denied to lb2",
            [GOOD, GOOD],
            [BAD, GOOD],
            "200",
            false,
            vec!["lb2 real-server-reach: status 500"],
        ),
        // The health check accepts 200 alone.
        (
            "moved",
            [MOVED, GOOD],
            [MOVED, GOOD],
            "200",
            false,
            vec!["rs1 real-server-answer: status 302, asked by lb1 and lb2"],
        ),
        ("taken out", [BAD, GOOD], [BAD, GOOD], "500", true, vec![]),
    ] {
        let own = own(itself);
        let table = if out {
            "-A -t 192.168.100.200:80 -s rr\n-a -t 192.168.100.200:80 -r 192.168.100.13:80 -g -w 1"
        } else {
            "-A -t 192.168.100.200:80 -s rr\n-a -t 192.168.100.200:80 -r 192.168.100.12:80 -g -w 1\n-a -t 192.168.100.200:80 -r 192.168.100.13:80 -g -w 1"
        };
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let lb = |made: Made| Made {
            facts: Box::leak(Box::new([
                ("sysctl values", SETTINGS),
                ("ipvs table", table),
            ])),
            ..made
        };
        let rs1 = Made {
            facts: Box::leak(Box::new([
                RS1.facts[0],
                RS1.facts[1],
                ("own-answer own 192.168.100.200 80", leak(own)),
            ])),
            ..RS1
        };
        let hosts = [lb(LB1), lb(LB2), rs1, RS2];
        let (one, two) = (lb1.concat(), lb2.concat());
        let live: [(&str, &[(&str, &str)]); 2] = [
            ("lb1", &[("rs-pages", &one)]),
            ("lb2", &[("rs-pages", &two)]),
        ];
        let findings = verify_live(DR, &hosts, &live);
        let bad = bad(&findings);
        let found: Vec<String> = bad
            .iter()
            .filter(|f| f.check.id.starts_with("real-server"))
            .map(|f| format!("{} {}: {}", f.host, f.check, f.found))
            .collect();
        assert_eq!(found, want, "{name}: {:#?}", mine(&findings));
        let note = mine(&findings)
            .iter()
            .any(|f| f.what.contains("no director sends it new connections"));
        assert_eq!(note, out, "{name}");
    }
}
