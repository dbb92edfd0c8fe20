//! Real servers behind tunnels, IPv4 and IPv6.

use crate::verify::made::{Made, of, verify};

const V6: &str = "
cluster: made
networks: { lan: 'fd00:1::/64' }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: 'fd00:1::14' }
  rs1: { role: realserver, address: 'fd00:1::12' }
  client: { role: client, address: 'fd00:1::20' }
services:
  web: { vip: 'fd00:1::200', port: 80, mode: tun, scheduler: rr }
";

const V6_HOSTS: &[Made] = &[Made {
    host: "rs1",
    links: &[
        ("lo", 65536, &["::1/128"]),
        ("eth0", 1500, &["fd00:1::12/64"]),
        ("ip6tnl0", 1452, &["fd00:1::200/128"]),
    ],
    facts: &[
        (
            "sysctl values",
            "/proc/sys/net/ipv4/conf/all/rp_filter:1\n/proc/sys/net/ipv4/conf/eth0/rp_filter:1\n/proc/sys/net/ipv4/conf/ip6tnl0/rp_filter:1",
        ),
        (
            "route-to routes",
            "[{\"type\":\"local\",\"dst\":\"fd00:1::200\",\"dev\":\"ip6tnl0\"}]\n[{\"dst\":\"fd00:1::20\",\"from\":\"fd00:1::200\",\"dev\":\"eth0\"}]",
        ),
    ],
}];

const V4: &str = "
cluster: made
networks: { lan: 192.168.100.0/24 }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  rs1: { role: realserver, address: 192.168.100.12 }
  client: { role: client, address: 192.168.100.20 }
services:
  web: { vip: 192.168.100.200, port: 80, mode: tun, scheduler: rr }
";

const V4_HOSTS: &[Made] = &[Made {
    host: "rs1",
    links: &[
        ("lo", 65536, &["127.0.0.1/8"]),
        ("eth0", 1500, &["192.168.100.12/24"]),
        ("tunl0", 1480, &["192.168.100.200/32"]),
    ],
    facts: &[
        ("sysctl values", ""),
        (
            "route-to routes",
            "[{\"type\":\"local\",\"dst\":\"192.168.100.200\",\"dev\":\"tunl0\"}]\n[{\"dst\":\"192.168.100.20\",\"from\":\"192.168.100.200\",\"dev\":\"eth0\"}]",
        ),
    ],
}];

#[test]
fn an_ipv6_vip_belongs_on_the_ipv6_tunnel() {
    let findings = verify(V6, V6_HOSTS, "", &[]);
    for check in ["vip-only-on-lo", "vip-route-local", "rp-filter"] {
        assert_eq!(of(&findings, check), [""; 0], "{check}");
    }
}

#[test]
fn a_vip_beside_its_tunnel_is_found() {
    let mut host = V6_HOSTS[0];
    host.links = &[
        ("lo", 65536, &["::1/128", "fd00:1::200/128"]),
        ("eth0", 1500, &["fd00:1::12/64"]),
        ("ip6tnl0", 1452, &["fd00:1::200/128"]),
    ];
    let findings = verify(V6, &[host], "", &[]);
    assert_eq!(
        of(&findings, "vip-only-on-lo"),
        [
            "rs1: fd00:1::200: expected fd00:1::200 on ip6tnl0 and on no other interface, found also on lo, fix: `ip addr del fd00:1::200/128 dev lo`, and remove it from the configuration that sets it at boot"
        ]
    );
}

#[test]
fn a_strict_filter_on_the_tunnel_drops_what_comes_out_of_it() {
    let strict = "/proc/sys/net/ipv4/conf/all/rp_filter:0\n/proc/sys/net/ipv4/conf/eth0/rp_filter:0\n/proc/sys/net/ipv4/conf/tunl0/rp_filter:1";
    let findings = verify(V4, V4_HOSTS, "rs1", &[("sysctl values", strict)]);
    assert_eq!(
        of(&findings, "rp-filter"),
        [
            "rs1: tunl0 client: expected effective rp_filter 0 or 2 on tunl0, since replies to client leave by eth0, found 1, which drops the requests, fix: `lvsctl apply`"
        ]
    );
}

#[test]
fn rules_about_the_tunnel_are_seen() {
    let dropped = |interface: &str| {
        format!("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i {interface} -p tcp -j DROP\nCOMMIT")
    };
    for (inventory, hosts, part, tool, vip, home) in [
        (
            V4,
            V4_HOSTS,
            "firewall legacy",
            "iptables",
            "192.168.100.200",
            "tunl0",
        ),
        (
            V6,
            V6_HOSTS,
            "firewall legacy-v6",
            "ip6tables",
            "fd00:1::200",
            "ip6tnl0",
        ),
    ] {
        let findings = verify(inventory, hosts, "rs1", &[(part, &dropped(home))]);
        assert_eq!(
            of(&findings, "firewall-vip"),
            [format!(
                "rs1: web {vip} port 80: expected packets of web {vip} port 80 to pass the firewall, found dropped by the rule -A INPUT -i {home} -p tcp -j DROP of filter, fix: `{tool} -t filter -D INPUT -i {home} -p tcp -j DROP`; also remove the rule from the configuration that adds it at boot"
            )]
        );
        let findings = verify(inventory, hosts, "rs1", &[(part, &dropped("eth0"))]);
        assert_eq!(of(&findings, "firewall-vip"), [""; 0]);
    }
}

/// The tunnel itself comes in by the NIC, before what is in it comes out of the tunnel's interface.
#[test]
fn the_tunnel_itself_must_come_in() {
    let drop = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT";
    for (inventory, hosts, part, name) in [
        (V4, V4_HOSTS, "firewall legacy", "ipencap"),
        (V6, V6_HOSTS, "firewall legacy-v6", "ipv6"),
    ] {
        let findings = verify(
            inventory,
            hosts,
            "rs1",
            &[(part, &format!("{drop}\nCOMMIT"))],
        );
        let found = of(&findings, "firewall-vip");
        assert!(
            found.len() == 1 && found[0].contains("dropped by the policy of filter/INPUT"),
            "{found:?}"
        );
        // To conntrack a tunnel of which one end alone is heard stays new.
        let lets = format!(
            "{drop}\n-A INPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -i eth0 -p {name} -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT"
        );
        let findings = verify(inventory, hosts, "rs1", &[(part, &lets)]);
        assert_eq!(of(&findings, "firewall-vip"), [""; 0]);
    }
}

/// A tunnel's header needs room that the NIC does not have: what real servers announce must leave it.
#[test]
fn full_packets_must_fit_the_tunnel() {
    let route = |metrics: &str| {
        format!(
            "[{{\"dst\":\"192.168.100.20\",\"from\":\"192.168.100.200\",\"dev\":\"eth0\",\"metrics\":[{metrics}]}}]"
        )
    };
    let clamp = |value: &str| {
        format!(
            "*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS {value}\nCOMMIT"
        )
    };
    let director = |mtu| Made {
        host: "lb1",
        links: vec![("eth0", mtu, &["192.168.100.14/24"][..])].leak(),
        facts: &[],
    };
    for (name, lb1, routes, rules, want) in [
        (
            "nothing lowers it",
            1500,
            route(""),
            String::new(),
            Some((1500, 1480)),
        ),
        (
            "advmss",
            1500,
            route("{\"advmss\":1440}"),
            String::new(),
            None,
        ),
        (
            "advmss too high",
            1500,
            route("{\"advmss\":1450}"),
            String::new(),
            Some((1490, 1480)),
        ),
        ("mtu", 1500, route("{\"mtu\":1480}"), String::new(), None),
        ("TCPMSS", 1500, route(""), clamp("--set-mss 1440"), None),
        (
            "TCPMSS by the path",
            1500,
            route(""),
            clamp("--clamp-mss-to-pmtu"),
            Some((1500, 1480)),
        ),
        (
            "long frames on the director",
            9000,
            route(""),
            String::new(),
            None,
        ),
        (
            "short frames on the director",
            1400,
            route("{\"advmss\":1440}"),
            String::new(),
            Some((1480, 1380)),
        ),
    ] {
        let more = [
            ("route-to routes", routes.as_str()),
            ("firewall legacy", &rules),
        ];
        let findings = verify(V4, &[V4_HOSTS[0], director(lb1)], "rs1", &more);
        let want: Vec<String> = want
            .map(|(sent, fits)| {
                let mss = fits - 40;
                format!("rs1: note: 192.168.100.200: clients may send packets of {sent} bytes, and its tunnel takes {fits}: uploads stall for clients that get no ICMP; lower the MSS of its answers, by `advmss {mss}` on its routes to clients or by TCPMSS `--set-mss {mss}` in mangle/OUTPUT")
            })
            .into_iter()
            .collect();
        assert_eq!(of(&findings, "tunnel-mtu"), want, "{name}");
    }
    // A way that ends at once is none.
    let ends = route("{\"advmss\":1440}")
        + "[{\"type\":\"unreachable\",\"dst\":\"192.0.2.1\",\"from\":\"192.168.100.200\",\"dev\":\"lo\"}]";
    let findings = verify(V4, V4_HOSTS, "rs1", &[("route-to routes", &ends)]);
    assert_eq!(of(&findings, "tunnel-mtu"), [""; 0]);
    // IPv6's header is longer, and no director was asked.
    let findings = verify(V6, V6_HOSTS, "", &[]);
    let found = of(&findings, "tunnel-mtu");
    assert!(
        found.len() == 1
            && found[0].contains("1500 bytes, and its tunnel takes 1460")
            && found[0].contains("advmss 1400"),
        "{found:?}"
    );
}
