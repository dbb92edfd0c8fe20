use super::super::packet::{State, flag};
use super::*;

#[test]
fn where_rules_of_the_nat_table_send_a_packet() {
    let here = |port| Some((None, port));
    let to = |address: &str, port| Some((address.parse::<IpAddr>().ok(), port));
    let perhaps = Some((None, Some(0)));
    for (rules, want) in [
        (
            "-A PREROUTING -p tcp -m tcp --dport 80 -m addrtype --dst-type LOCAL -j REDIRECT --to-ports 8081",
            here(Some(8081)),
        ),
        (
            "-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT",
            here(None),
        ),
        (
            "-A PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 8081",
            None,
        ),
        ("-A PREROUTING -p udp -j REDIRECT --to-ports 8081", None),
        (
            "-A PREROUTING -p tcp -j REDIRECT --to-ports 8081-8083",
            perhaps,
        ),
        (
            "-A PREROUTING -s 10.0.0.0/24 -p tcp -j REDIRECT --to-ports 8081",
            here(Some(8081)),
        ),
        (
            "-A PREROUTING -m set --match-set good src -j REDIRECT --to-ports 8081",
            perhaps,
        ),
        (
            "-A PREROUTING -d 10.0.0.1/32 -p tcp -j DNAT --to-destination 172.17.0.2:8080",
            to("172.17.0.2", Some(8080)),
        ),
        (
            "-A PREROUTING -p tcp -j DNAT --to-destination 172.17.0.2",
            to("172.17.0.2", None),
        ),
        (
            "-A PREROUTING -p tcp -j DNAT --to-destination 172.17.0.2-172.17.0.9",
            perhaps,
        ),
        (
            "-A PREROUTING -j DOCKER\n-A DOCKER -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80",
            to("172.17.0.2", Some(80)),
        ),
        (
            "-A PREROUTING -p tcp -j ACCEPT\n-A PREROUTING -p tcp -j REDIRECT --to-ports 8081",
            None,
        ),
        (
            "-A PREROUTING -i eth1 -p tcp -j REDIRECT --to-ports 8081",
            None,
        ),
    ] {
        let text = format!("*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n{rules}\nCOMMIT\n");
        let found = Rules::parse(&text).rewrite("PREROUTING", &packet());
        let found = found.map(|rewrite| match rewrite {
            Rewrite::Here { port, .. } => (None, port),
            Rewrite::To { address, port, .. } => (Some(address), port),
            Rewrite::From { .. } | Rewrite::Perhaps(_) => (None, Some(0)),
        });
        assert_eq!(found, want, "{rules}");
    }
    let text = "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 8081 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1\nCOMMIT\n";
    let found = Rules::parse(text).rewrite("PREROUTING", &packet());
    assert!(matches!(found, Some(Rewrite::Perhaps(_))), "{found:?}");
}

fn packet() -> Packet<'static> {
    Packet {
        from: "10.0.0.9".parse().ok(),
        to: "10.0.0.1".parse().ok(),
        protocol: 6,
        source_port: None,
        port: Some(80),
        comes_in: Some("eth0"),
        state: Some(State::New),
        flags: Some(flag::SYN),
        ..Packet::default()
    }
}

fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Passes => "passes",
        Fate::Dropped(_) => "dropped",
        Fate::May(..) => "may",
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_a_rule_does_to_a_packet() {
    for (policy, rule, want) in [
        ("ACCEPT", "-A INPUT -j DROP", "dropped"),
        (
            "ACCEPT",
            "-A INPUT -d 10.0.0.0/24 -j REJECT --reject-with icmp-port-unreachable",
            "dropped",
        ),
        ("ACCEPT", "-A INPUT ! -d 10.0.0.1/32 -j DROP", "passes"),
        ("ACCEPT", "-A INPUT -d 10.0.0.2/32 -j DROP", "passes"),
        ("ACCEPT", "-A INPUT -p udp -j DROP", "passes"),
        (
            "ACCEPT",
            "-A INPUT -m pkttype --pkt-type multicast -j DROP",
            "passes",
        ),
        (
            "ACCEPT",
            "-A INPUT -m pkttype --pkt-type unicast -j DROP",
            "dropped",
        ),
        ("ACCEPT", "-A INPUT -j TTL --ttl-set 64", "passes"),
        ("ACCEPT", "-A INPUT ! -p udp -j DROP", "dropped"),
        ("ACCEPT", "-A INPUT -i eth1 -j DROP", "passes"),
        ("ACCEPT", "-A INPUT -i eth+ -j DROP", "dropped"),
        (
            "ACCEPT",
            "-A INPUT -p tcp -m tcp --dport 70:90 -j DROP",
            "dropped",
        ),
        (
            "ACCEPT",
            "-A INPUT -p tcp -m tcp --dport 81: -j DROP",
            "passes",
        ),
        (
            "ACCEPT",
            "-A INPUT -p tcp -m multiport ! --dports 80,443 -j DROP",
            "passes",
        ),
        ("ACCEPT", "-A INPUT -p tcp -m tcp --sport 80 -j DROP", "may"),
        (
            "ACCEPT",
            "-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j DROP",
            "passes",
        ),
        (
            "ACCEPT",
            "-A INPUT -m iprange --src-range 10.0.0.1-10.0.0.20 -j DROP",
            "dropped",
        ),
        (
            "ACCEPT",
            "-A INPUT -m policy --dir in --pol ipsec -j DROP",
            "passes",
        ),
        (
            "ACCEPT",
            "-A INPUT -m conntrack --ctstate INVALID -j DROP",
            "passes",
        ),
        (
            "ACCEPT",
            "-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
            "dropped",
        ),
        (
            "ACCEPT",
            "-A INPUT -m set --match-set bad src -j DROP",
            "may",
        ),
        (
            "ACCEPT",
            "-A INPUT -m comment --comment \"-j DROP all\" -j LOG",
            "passes",
        ),
        (
            "ACCEPT",
            "-A INPUT -j own\n-A own -p tcp -j RETURN\n-A own -j DROP",
            "passes",
        ),
        // Below a RETURN that may hit nothing is certain.
        (
            "ACCEPT",
            "-A INPUT -j own\n-A own -m limit --limit 25/sec -j RETURN\n-A own -j DROP",
            "may",
        ),
        (
            "ACCEPT",
            "-A INPUT -m set --match-set good src -j RETURN\n-A INPUT -j DROP",
            "may",
        ),
        (
            "DROP",
            "-A INPUT -j own\n-A own -m set --match-set bad src -j RETURN\n-A own -j ACCEPT",
            "may",
        ),
        (
            "ACCEPT",
            "-A INPUT -j own\n-A INPUT -j DROP\n-A own -m limit --limit 25/sec -j RETURN\n-A own -j DROP",
            "dropped",
        ),
        (
            "ACCEPT",
            "-A INPUT -j own\n-A own -m limit --limit 25/sec -j RETURN\n-A own -p udp -j DROP",
            "passes",
        ),
        (
            "DROP",
            "-A INPUT -m set --match-set bad src -g own\n-A INPUT -j ACCEPT",
            "may",
        ),
        (
            "ACCEPT",
            "-A INPUT -g own\n-A INPUT -j DROP\n-A own -p udp -j DROP",
            "passes",
        ),
        ("ACCEPT", "-A INPUT -j own\n-A own -j own", "passes"),
        (
            "DROP",
            "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
            "dropped",
        ),
        (
            "DROP",
            "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT",
            "passes",
        ),
        (
            "DROP",
            "-A INPUT -m set --match-set good src -j ACCEPT",
            "may",
        ),
        (
            "DROP",
            "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "dropped",
        ),
        (
            "DROP",
            "-A INPUT -m conntrack --ctstate NEW -m addrtype --dst-type LOCAL -j ACCEPT",
            "passes",
        ),
    ] {
        let text = format!("*filter\n:INPUT {policy} [0:0]\n:own - [0:0]\n{rule}\nCOMMIT\n");
        let fate = Rules::parse(&text).fate("filter", "INPUT", &packet());
        assert_eq!(word(&fate), want, "{policy} {rule}");
    }
}

#[test]
fn a_network_hits_only_who_is_known_to_be_in_it() {
    let text = "*filter\n:INPUT ACCEPT [0:0]\n:own - [0:0]\n-A INPUT -j own\n-A own -s 10.0.0.0/8 -j RETURN\n-A own -j DROP\nCOMMIT\n";
    let rules = Rules::parse(text);
    for (from, want) in [
        (None, "may"),
        (Some("10.0.0.9"), "passes"),
        (Some("192.0.2.1"), "dropped"),
    ] {
        let packet = Packet {
            from: from.and_then(|ip| ip.parse().ok()),
            ..packet()
        };
        assert_eq!(
            word(&rules.fate("filter", "INPUT", &packet)),
            want,
            "{from:?}"
        );
    }
}

#[test]
fn a_mark_below_what_may_let_packets_past_is_not_known() {
    for (rules, want) in [
        ("-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff", Some(7)),
        (
            "-A PREROUTING -s 10.0.0.0/24 -j ACCEPT\n-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff",
            Some(0),
        ),
        (
            "-A PREROUTING -m limit --limit 25/sec -j RETURN\n-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff",
            None,
        ),
        (
            "-A PREROUTING -m limit --limit 25/sec -j ACCEPT\n-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff",
            None,
        ),
        (
            "-A PREROUTING -j own\n-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff\n-A own -m limit --limit 25/sec -j RETURN",
            Some(7),
        ),
        (
            "-A PREROUTING -j own\n-A own -m limit --limit 25/sec -j RETURN\n-A own -j MARK --set-xmark 0x7/0xffffffff",
            None,
        ),
        // No rule gives connections a mark.
        (
            "-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff\n-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
            Some(0),
        ),
        (
            "-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff\n-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff",
            None,
        ),
        (
            "-A PREROUTING -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff\n-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
            None,
        ),
    ] {
        let text = format!("*mangle\n:PREROUTING ACCEPT [0:0]\n:own - [0:0]\n{rules}\nCOMMIT\n");
        assert_eq!(Rules::parse(&text).mark(&packet()), want, "{rules}");
    }
}

/// A rule that may hit, and why that is not known.
#[test]
fn why_it_is_not_known_whether_a_rule_hits() {
    for (rules, want) in [
        (
            "-A INPUT -m statistic --mode random --probability 0.3 -j DROP",
            Doubt::Share,
        ),
        (
            "-A INPUT -m statistic --mode nth --every 3 --packet 0 -j DROP",
            Doubt::Share,
        ),
        (
            "-A INPUT -m statistic --mode random --probability 0.3 -j own\n-A own -j DROP",
            Doubt::Share,
        ),
        (
            "-A INPUT -m hashlimit --hashlimit-above 5/sec --hashlimit-name x -j DROP",
            Doubt::Rate,
        ),
        (
            "-A INPUT -m limit --limit 5/sec -j ACCEPT\n-A INPUT -j DROP",
            Doubt::Rate,
        ),
        (
            "-A INPUT -m connlimit --connlimit-above 2 -j REJECT",
            Doubt::Rate,
        ),
        (
            "-A INPUT -m recent --update --seconds 30 --hitcount 6 --name x -j DROP",
            Doubt::Rate,
        ),
        (
            "-A INPUT -m string --string x --algo bm -j DROP",
            Doubt::Content,
        ),
        ("-A INPUT -m u32 --u32 0x0=0 -j DROP", Doubt::Content),
        (
            "-A INPUT -m time --timestart 00:00 --timestop 23:59 -j DROP",
            Doubt::Content,
        ),
        ("-A INPUT -m length --length 0:60 -j DROP", Doubt::Content),
        ("-A INPUT -m owner --uid-owner 0 -j DROP", Doubt::Content),
        (
            "-A INPUT -m mac --mac-source 02:00:00:00:00:01 -j DROP",
            Doubt::Content,
        ),
        ("-A INPUT -j NFQUEUE --queue-num 0", Doubt::Content),
        ("-A INPUT -j TTL --ttl-set 1", Doubt::Content),
        (
            "-A INPUT -m set --match-set bad src -j DROP",
            Doubt::Unknown,
        ),
        ("-A INPUT -m mark --mark 0x1 -j DROP", Doubt::Unknown),
    ] {
        let text = format!("*filter\n:INPUT ACCEPT [0:0]\n:own - [0:0]\n{rules}\nCOMMIT\n");
        let fate = Rules::parse(&text).fate("filter", "INPUT", &packet());
        assert!(
            matches!(fate, Fate::May(_, doubt) if doubt == want),
            "{rules}: {fate:?}"
        );
    }
}
