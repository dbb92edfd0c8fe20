//! A director's firewall against the way that IPVS sends packets: NAT's replies are forwarded, all others leave as
//! the director's own.

use crate::verify::made::{Made, of, verify};

const NAT: &str = "
cluster: made
networks: { outside: 192.168.122.0/24, inside: 10.10.10.0/24 }
hosts:
  lb1: { role: director, interfaces: { eth0: 192.168.122.14, eth1: 10.10.10.1 } }
  rs1: { role: realserver, address: 10.10.10.10 }
  rs2: { role: realserver, address: 10.10.10.20 }
services:
  web: { vip: 192.168.122.100, port: 80, real_port: 8080, mode: nat, scheduler: rr }
";

const NAT_HOSTS: &[Made] = &[Made {
    host: "lb1",
    links: &[
        ("eth0", 1500, &["192.168.122.14/24", "192.168.122.100/32"]),
        ("eth1", 1500, &["10.10.10.1/24"]),
    ],
    facts: &[("sysctl values", "/proc/sys/net/ipv4/vs/conntrack:0")],
}];

/// What a rule set of the table filter brings: the finding's beginnings, and what drops the packet.
fn found(inventory: &str, hosts: &[Made], conntrack: &str, table: &str) -> Vec<String> {
    let setting = match conntrack {
        "" => String::new(),
        value => format!("/proc/sys/net/ipv4/vs/conntrack:{value}"),
    };
    let text = format!("{table}\nCOMMIT");
    let more = [
        ("sysctl values", setting.as_str()),
        ("firewall legacy", &text),
    ];
    let findings = verify(inventory, hosts, "lb1", &more);
    let short = |line: String| {
        let line = line
            .strip_prefix("lb1: ")
            .map_or(line.clone(), str::to_owned);
        let what = line
            .split(": expected")
            .next()
            .unwrap_or_default()
            .to_owned();
        let by = line.split("dropped by ").nth(1);
        match by {
            Some(by) => format!("{what} | {}", by.split(", fix").next().unwrap_or_default()),
            None => what,
        }
    };
    of(&findings, "firewall-vip")
        .into_iter()
        .map(short)
        .collect()
}

const TO: &str = "web 192.168.122.100 port 80";
const TO_1: &str = "web 192.168.122.100 port 80 on to rs1 (10.10.10.10 port 8080)";
const TO_2: &str = "web 192.168.122.100 port 80 on to rs2 (10.10.10.20 port 8080)";
const FROM_1: &str = "replies of web from rs1 (10.10.10.10 port 8080)";
const FROM_2: &str = "replies of web from rs2 (10.10.10.20 port 8080)";

#[test]
fn nat_goes_in_and_out_and_its_replies_through() {
    let by = |what: &str, by: &str| format!("{what} | {by}");
    let policy = "the policy of filter/FORWARD";
    let doubt = |what: &str, rule: &str| {
        format!(
            "note: {what}: whether it passes depends on more than address and port: the rule {rule} of filter"
        )
    };
    let drops = [by(FROM_1, policy), by(FROM_2, policy)];
    for (name, conntrack, table, want) in [
        ("nothing", "0", "*filter", vec![]),
        // What Docker sets.
        (
            "docker",
            "0",
            "*filter\n:FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
            drops.to_vec(),
        ),
        (
            "each network by its interface",
            "0",
            "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -i eth0 -p tcp -m tcp --dport 80 -j ACCEPT\n-A FORWARD -s 10.10.10.0/24 -i eth1 -o eth0 -p tcp -m tcp --sport 8080 -j ACCEPT\n-A OUTPUT -d 10.10.10.0/24 -o eth1 -p tcp -m tcp --dport 8080 -j ACCEPT",
            vec![],
        ),
        (
            "the VIP and its port, where they are translated already",
            "0",
            "*filter\n:OUTPUT DROP [0:0]\n-A OUTPUT -d 192.168.122.100/32 -p tcp -m tcp --dport 80 -j ACCEPT",
            vec![
                by(TO_1, "the policy of filter/OUTPUT"),
                by(TO_2, "the policy of filter/OUTPUT"),
            ],
        ),
        (
            "one real server",
            "0",
            "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 10.10.10.20/32 -j ACCEPT",
            vec![by(FROM_1, policy)],
        ),
        // Without vs.conntrack IPVS's packets are not tracked: the answer to a SYN that was not tracked is invalid.
        (
            "states, not tracked",
            "0",
            "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            drops.to_vec(),
        ),
        (
            "states, tracked",
            "1",
            "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -m conntrack --ctstate INVALID -j DROP",
            vec![],
        ),
        (
            "states, and it is not known whether they are tracked",
            "",
            "*filter\n-A FORWARD -s 10.10.10.10/32 -m conntrack --ctstate INVALID -j DROP",
            vec![doubt(
                FROM_1,
                "-A FORWARD -s 10.10.10.10/32 -m conntrack --ctstate INVALID -j DROP",
            )],
        ),
        (
            "what leaves is not tracked",
            "0",
            "*filter\n:OUTPUT DROP [0:0]\n-A OUTPUT -d 10.10.10.10/32 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\n-A OUTPUT -d 10.10.10.20/32 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT",
            vec![by(TO_1, "the policy of filter/OUTPUT")],
        ),
        (
            "a rule leaves packets out of conntrack: they are of no state but that",
            "0",
            "*raw\n-A PREROUTING -i eth1 -j CT --notrack\nCOMMIT\n*filter\n-A FORWARD -s 10.10.10.10/32 -m conntrack --ctstate INVALID -j DROP\n-A FORWARD -s 10.10.10.20/32 -m conntrack --ctstate UNTRACKED -j DROP",
            vec![by(
                FROM_2,
                "the rule -A FORWARD -s 10.10.10.20/32 -m conntrack --ctstate UNTRACKED -j DROP of filter",
            )],
        ),
        (
            "the request itself",
            "0",
            "*filter\n:INPUT DROP [0:0]\n-A INPUT -i eth1 -j ACCEPT",
            vec![by(TO, "the policy of filter/INPUT")],
        ),
        (
            "a reply on its way in",
            "0",
            "*raw\n-A PREROUTING -i eth1 -s 10.10.10.10/32 -j DROP",
            vec![by(
                FROM_1,
                "the rule -A PREROUTING -i eth1 -s 10.10.10.10/32 -j DROP of raw",
            )],
        ),
    ] {
        assert_eq!(found(NAT, NAT_HOSTS, conntrack, table), want, "{name}");
    }
}

#[test]
fn rules_by_state_need_tracking() {
    let table = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT";
    let findings = verify(NAT, NAT_HOSTS, "lb1", &[("firewall legacy", table)]);
    let all = of(&findings, "firewall-vip");
    let fix = "fix: `iptables -t filter -P FORWARD ACCEPT`, or keep the policy and accept them: `iptables -t filter -I FORWARD -p tcp -s 10.10.10.10 --sport 8080 -j ACCEPT`";
    let hint = "; rules by state know them only with `sysctl -w net.ipv4.vs.conntrack=1`";
    assert!(
        all.iter()
            .all(|line| line.contains(fix) && line.ends_with(hint))
            && all.len() == 2,
        "{all:?}"
    );
}

const DIRECT: &str = "
cluster: made
networks: { outside: 192.168.122.0/24, inside: 10.10.10.0/24 }
hosts:
  lb1: { role: director, interfaces: { eth0: 192.168.122.14, eth1: 10.10.10.1 } }
  rs1: { role: realserver, address: 10.10.10.10 }
services:
  web: { vip: 192.168.122.100, port: 80, mode: tun, scheduler: rr }
";

#[test]
fn what_leaves_for_a_tunnel_is_the_tunnel() {
    let what = "web 192.168.122.100 port 80 on to rs1 (10.10.10.10 by tunnel)";
    for (table, want) in [
        ("*filter\n:FORWARD DROP [0:0]", vec![]),
        (
            "*filter\n:OUTPUT DROP [0:0]\n-A OUTPUT -p tcp -j ACCEPT",
            vec![format!("{what} | the policy of filter/OUTPUT")],
        ),
        (
            "*filter\n:OUTPUT DROP [0:0]\n-A OUTPUT -d 10.10.10.0/24 -o eth1 -p ipencap -j ACCEPT",
            vec![],
        ),
        (
            "*filter\n:OUTPUT DROP [0:0]\n-A OUTPUT -o eth1 -p 4 -j ACCEPT",
            vec![],
        ),
    ] {
        assert_eq!(found(DIRECT, NAT_HOSTS, "0", table), want, "{table}");
    }
}
