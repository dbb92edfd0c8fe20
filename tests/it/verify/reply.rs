//! The way of a real server's replies: back through the director for NAT, past it for all others.

use crate::verify::made::{Made, of, verify};

const NAT: &str = "
cluster: made
networks: { outside: 192.168.122.0/24, inside: 10.10.10.0/24 }
hosts:
  lb1: { role: director, interfaces: { eth0: 192.168.122.14, eth1: 10.10.10.1 } }
  rs1: { role: realserver, address: 10.10.10.10 }
  client: { role: client, address: 192.168.122.20 }
services:
  web: { vip: 192.168.122.100, port: 80, real_port: 8080, mode: nat, scheduler: rr }
  more: { vip: 192.168.122.100, port: 81, real_port: 8081, mode: nat, scheduler: rr }
";

const NAT_HOSTS: &[Made] = &[Made {
    host: "rs1",
    links: &[("eth0", 1500, &["10.10.10.10/24"])],
    facts: &[],
}];

#[test]
fn nat_replies_go_back_through_a_director() {
    let to = |address: &str, gateway: &str| {
        let gateway = match gateway {
            "" => String::new(),
            gateway => format!("\"gateway\":\"{gateway}\","),
        };
        format!("[{{\"dst\":\"{address}\",\"from\":\"10.10.10.10\",{gateway}\"dev\":\"eth0\"}}]\n")
    };
    let client = "rs1: client: expected replies to client (192.168.122.20) through a director";
    let fix = "fix: make the director's address in its network its gateway (`gateway` in the inventory), and take away routes that lead elsewhere";
    for (name, routes, want) in [
        ("the director", to("192.168.122.20", "10.10.10.1"), vec![]),
        (
            "straight to the client",
            to("192.168.122.20", ""),
            vec![format!("{client}, found straight by eth0, {fix}")],
        ),
        (
            "another router",
            to("192.168.122.20", "10.10.10.254"),
            vec![format!(
                "{client}, found the gateway 10.10.10.254, which is no director's, {fix}"
            )],
        ),
        (
            "the world nowhere",
            to("192.168.122.20", "10.10.10.1")
                + "[{\"type\":\"unreachable\",\"dst\":\"192.0.2.1\",\"from\":\"10.10.10.10\",\"dev\":\"lo\"}]",
            vec![],
        ),
        (
            "no way",
            String::new(),
            vec![format!("{client}, found no route, {fix}")],
        ),
        (
            "the world by another router",
            to("192.168.122.20", "10.10.10.1") + &to("192.0.2.1", "10.10.10.254"),
            vec![format!(
                "rs1: the world outside: expected replies to the world outside (192.0.2.1) through a director, found the gateway 10.10.10.254, which is no director's, {fix}"
            )],
        ),
    ] {
        let findings = verify(NAT, NAT_HOSTS, "rs1", &[("route-to routes", &routes)]);
        assert_eq!(of(&findings, "reply-route"), want, "{name}");
    }
}

const PAIR: &str = "
cluster: made
networks: { outside: 192.168.122.0/24, inside: 10.10.10.0/24 }
hosts:
  lb1: { role: director, interfaces: { eth0: 192.168.122.14, eth1: 10.10.10.2 } }
  lb2: { role: backup, interfaces: { eth0: 192.168.122.15, eth1: 10.10.10.3 } }
  rs1: { role: realserver, address: 10.10.10.10, gateway: 10.10.10.1 }
  client: { role: client, address: 192.168.122.20 }
vrrp:
  out: { virtual_router_id: 10, vips: 192.168.122.100 }
  in: { virtual_router_id: 11, vips: 10.10.10.1 }
services:
  web: { vip: 192.168.122.100, port: 80, real_port: 8080, mode: nat, scheduler: rr }
";

/// The VIPs may be on the other director.
#[test]
fn nat_replies_go_to_an_address_that_moves() {
    for (gateway, found) in [
        ("10.10.10.1", None),
        (
            "10.10.10.3",
            Some("the gateway 10.10.10.3, an address of lb2 that does not move with the VIP"),
        ),
        ("10.10.10.254", Some("which is no director's")),
    ] {
        let routes = format!(
            "[{{\"dst\":\"192.168.122.20\",\"from\":\"10.10.10.10\",\"gateway\":\"{gateway}\",\"dev\":\"eth0\"}}]"
        );
        let findings = verify(PAIR, NAT_HOSTS, "rs1", &[("route-to routes", &routes)]);
        let all = of(&findings, "reply-route");
        assert_eq!(
            all.len(),
            usize::from(found.is_some()),
            "{gateway}: {all:?}"
        );
        let contains = |text: &str| all.iter().all(|line| line.contains(text));
        assert!(found.is_none_or(contains), "{gateway}: {all:?}");
    }
}

const V6: &str = "
cluster: made
networks: { lan: 'fd00:1::/64' }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: 'fd00:1::14' }
  rs1: { role: realserver, address: 'fd00:1::12' }
services:
  web: { vip: 'fd00:1::200', port: 80, mode: dr, scheduler: rr }
";

#[test]
fn ipv6_replies_to_the_world_go_past_the_directors() {
    let host = Made {
        host: "rs1",
        links: &[
            ("lo", 65536, &["fd00:1::200/128"]),
            ("eth0", 1500, &["fd00:1::12/64"]),
        ],
        facts: &[(
            "route-to routes",
            "[{\"dst\":\"2001:db8::1\",\"from\":\"fd00:1::200\",\"gateway\":\"fd00:1::14\",\"dev\":\"eth0\"}]",
        )],
    };
    let found = of(&verify(V6, &[host], "", &[]), "reply-route");
    assert!(
        found.len() == 1 && found[0].contains("found the gateway fd00:1::14, which is lb1"),
        "{found:?}"
    );
}

#[test]
fn a_real_server_whose_own_arp_is_dropped_is_not_found() {
    let inventory = V6
        .replace("fd00:1::/64", "10.1.0.0/24")
        .replace("fd00:1::200", "10.1.0.200");
    let inventory = inventory.replace("fd00:1::", "10.1.0.");
    let host = Made {
        host: "rs1",
        links: &[
            ("lo", 65536, &["10.1.0.200/32"]),
            ("eth0", 1500, &["10.1.0.12/24"]),
        ],
        facts: &[],
    };
    for (rules, want) in [
        // What lvsctl itself sets.
        (
            "-A INPUT -j DROP -d 10.1.0.200\n-A OUTPUT -j mangle -s 10.1.0.200 --mangle-ip-s 10.1.0.12",
            vec![],
        ),
        (
            "-A INPUT -j DROP -d 10.1.0.12",
            vec![
                "rs1: 10.1.0.12: expected ARP for 10.1.0.12 to pass arptables, found dropped by -A INPUT -j DROP -d 10.1.0.12, fix: `arptables -D INPUT -j DROP -d 10.1.0.12`; also remove the rule from the configuration that adds it at boot",
            ],
        ),
    ] {
        let text = format!("*filter\n:INPUT ACCEPT\n{rules}");
        let findings = verify(&inventory, &[host], "rs1", &[("firewall arptables", &text)]);
        assert_eq!(of(&findings, "arptables-rip"), want);
    }
}

const BEHIND_VIP: &str = "
cluster: made
networks: { outside: 192.168.122.0/24, inside: 10.0.0.0/24 }
hosts:
  lb1: { role: director, interfaces: { eth0: 192.168.122.14, eth1: 10.0.0.2 } }
  lb2: { role: backup, interfaces: { eth0: 192.168.122.15, eth1: 10.0.0.3 } }
  rs1: { role: realserver, address: 10.0.0.12, gateway: 10.0.0.1 }
  client: { role: client, address: 192.168.122.20 }
vrrp:
  out: { virtual_router_id: 10, vips: 192.168.122.200 }
  in: { virtual_router_id: 11, vips: 10.0.0.1 }
services:
  web: { vip: 192.168.122.200, port: 80, mode: dr, scheduler: rr }
";

#[test]
fn a_vip_without_a_service_is_a_director_too() {
    let host = Made {
        host: "rs1",
        links: &[
            ("lo", 65536, &["192.168.122.200/32"]),
            ("eth0", 1500, &["10.0.0.12/24"]),
        ],
        facts: &[],
    };
    for (gateway, want) in [
        (
            "10.0.0.1",
            vec![
                "rs1: client: expected replies to client (192.168.122.20) past the directors, found the gateway 10.0.0.1, which is a VIP of the VRRP instance in, fix: set the host's gateway to a router that is no director: a director drops packets from a VIP that it holds",
            ],
        ),
        ("10.0.0.254", vec![]),
    ] {
        let routes = format!(
            "[{{\"dst\":\"192.168.122.20\",\"from\":\"192.168.122.200\",\"gateway\":\"{gateway}\",\"dev\":\"eth0\"}}]"
        );
        let findings = verify(BEHIND_VIP, &[host], "rs1", &[("route-to routes", &routes)]);
        assert_eq!(of(&findings, "reply-route"), want, "{gateway}");
    }
}

/// Requests arrive on the interface with the real server's address, whatever network the VIP is in.
#[test]
fn a_strict_filter_counts_where_requests_come_in() {
    let host = Made {
        host: "rs1",
        links: &[
            ("lo", 65536, &["192.168.100.200/32"]),
            ("eth0", 1500, &["192.168.100.12/24"]),
            ("eth1", 1500, &["10.10.10.12/24"]),
        ],
        facts: &[(
            "route-to routes",
            "[{\"dst\":\"192.168.100.20\",\"from\":\"192.168.100.200\",\"dev\":\"eth0\"}]",
        )],
    };
    for (strict, want) in [
        (
            "eth1",
            vec![
                "rs1: eth1 client: expected effective rp_filter 0 or 2 on eth1, since replies to client leave by eth0, found 1, which drops the requests, fix: `sysctl -w net.ipv4.conf.eth1.rp_filter=2`, and the same in /etc/sysctl.d",
            ],
        ),
        ("eth0", vec![]),
    ] {
        let value = |name: &str| {
            let value = u8::from(name == strict);
            format!("/proc/sys/net/ipv4/conf/{name}/rp_filter:{value}")
        };
        let settings = ["all", "eth0", "eth1"].map(value).join("\n");
        let findings = verify(
            include_str!("../../../inventories/vrrp-options.yaml"),
            &[host],
            "rs1",
            &[("sysctl values", &settings)],
        );
        assert_eq!(of(&findings, "rp-filter"), want, "{strict}");
    }
}
