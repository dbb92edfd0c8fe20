//! What healthy hosts have is no finding.

use super::{DR, HOSTS, bad, mine, table};
use crate::verify::made::verify;

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
    // A set that was not listed.
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
