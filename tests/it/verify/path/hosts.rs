//! ARP, interfaces, addresses, routes and traffic control of every host.

use super::{DR, HOSTS, LB1, LB2, RS1, RS2, SETTINGS, bad, mine};
use crate::verify::made::{Made, verify};

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
