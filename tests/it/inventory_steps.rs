//! Inventories that cannot work, or not as meant: what `check` says of each, and that who follows its hints to the letter
//! comes to an inventory without errors and warnings.

use lvsctl::inventory::{self, BUILT_IN_ROLES, Problem};

/// Two directors, two real servers and a client in one network.
const ONE_NET: &str = "\
cluster: m
networks: { lan: 10.0.0.0/24 }
hosts:
  lb1: { role: director, address: 10.0.0.2 }
  lb2: { role: backup, address: 10.0.0.3 }
  rs1: { role: realserver, address: 10.0.0.11 }
  rs2: { role: realserver, address: 10.0.0.12 }
  c1: { role: client, address: 10.0.0.50 }
vrrp:
  virtual_router_id: 51
services:
  web:
    vip: 10.0.0.100
    port: 80
";

/// The same with real servers in a second network, by NAT; the directors are outside alone.
const NAT: &str = "\
cluster: m
networks: { lan: 10.0.0.0/24, inside: 10.0.9.0/24 }
hosts:
  lb1: { role: director, address: 10.0.0.2 }
  lb2: { role: backup, address: 10.0.0.3 }
  rs1: { role: realserver, address: 10.0.9.11 }
  rs2: { role: realserver, address: 10.0.9.12 }
  c1: { role: client, address: 10.0.0.50 }
vrrp:
  virtual_router_id: 51
services:
  web:
    vip: 10.0.0.100
    port: 80
    mode: nat
";

/// By NAT, with one director that has both networks.
const ONE_DIRECTOR: &str = "\
cluster: m
networks: { lan: 10.0.0.0/24, inside: 10.0.9.0/24 }
hosts:
  lb1: { role: director, interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 } }
  rs1: { role: realserver, address: 10.0.9.11 }
  rs2: { role: realserver, address: 10.0.9.12 }
  c1: { role: client, address: 10.0.0.50 }
services:
  web:
    vip: 10.0.0.100
    port: 80
    mode: nat
    health_check: tcp
";

/// All that `check` says.
fn said(text: &str) -> (bool, Vec<Problem>) {
    match inventory::parse("t.yaml", text, BUILT_IN_ROLES) {
        Err(error) => (true, error.problems().to_vec()),
        Ok(loaded) => {
            let mut all = loaded.warnings.clone();
            all.extend(loaded.advice());
            (false, all)
        }
    }
}

/// A change of the text: what stands there and what stands there then.
type Edit = (&'static str, &'static str);

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut text = text.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "no {from:?} in\n{text}");
        text = text.replacen(from, to, 1);
    }
    text
}

/// `×` or `⚠`, a part of the message, a part of the hint, and what follows it to the letter.
type Step = (char, &'static str, &'static str, &'static [Edit]);

/// What is tried, the inventory, its changes, and the steps until nothing is left. The other messages of a step are the same
/// of other hosts.
type Case = (&'static str, &'static str, &'static [Edit], &'static [Step]);

const CASES: &[Case] = &[
    // Members of VRRP.
    (
        "a real server as the second member",
        ONE_NET,
        &[("id: 51\n", "id: 51\n  members: [lb1, rs1]\n")],
        &[(
            '×',
            "`rs1` is a member of VRRP, but no director",
            "write `members: [lb1, lb2]`",
            &[("members: [lb1, rs1]", "members: [lb1, lb2]")],
        )],
    ),
    (
        "a client as a third member",
        ONE_NET,
        &[(
            "id: 51\n",
            "id: 51\n  members: { lb1: {}, lb2: {}, c1: {} }\n",
        )],
        &[(
            '×',
            "`c1` is a member of VRRP, but no director",
            "delete `c1` from `members`",
            &[(", c1: {} }", " }")],
        )],
    ),
    (
        "a backup that is no member",
        ONE_NET,
        &[
            ("id: 51\n", "id: 51\n  members: [lb1, lb2]\n"),
            ("  rs1", "  lb3: { role: backup, address: 10.0.0.4 }\n  rs1"),
        ],
        &[(
            '⚠',
            "`lb3` is a backup, but a member of no VRRP instance",
            "add `lb3` to `members`",
            &[("[lb1, lb2]", "[lb1, lb2, lb3]")],
        )],
    ),
    (
        "a backup that is no member, of a map",
        ONE_NET,
        &[
            ("id: 51\n", "id: 51\n  members: { lb1: {}, lb2: {} }\n"),
            ("  rs1", "  lb3: { role: backup, address: 10.0.0.4 }\n  rs1"),
        ],
        &[(
            '⚠',
            "`lb3` is a backup, but a member of no VRRP instance",
            "add `lb3: {}` to `members`",
            &[("lb2: {} }", "lb2: {}, lb3: {} }")],
        )],
    ),
    (
        "one member, by a list",
        ONE_NET,
        &[("id: 51\n", "id: 51\n  members: lb1\n")],
        &[(
            '⚠',
            "`members` names `lb1` alone, so `lb2` cannot take its VIPs over",
            "write `members: [lb1, lb2]`",
            &[("members: lb1", "members: [lb1, lb2]")],
        )],
    ),
    (
        "one member, by a map",
        ONE_NET,
        &[(
            "id: 51\n",
            "id: 51\n  members: { lb1: { address: 10.0.0.2 } }\n",
        )],
        &[(
            '⚠',
            "`members` names `lb1` alone",
            "or delete `members`",
            &[("  members: { lb1: { address: 10.0.0.2 } }\n", "")],
        )],
    ),
    (
        "one director",
        ONE_NET,
        &[("  lb2: { role: backup, address: 10.0.0.3 }\n", "")],
        &[(
            '⚠',
            "VRRP has one member",
            "add a host with the role `backup`",
            &[("  rs1", "  lb2: { role: backup, address: 10.0.0.3 }\n  rs1")],
        )],
    ),
    (
        "a backup above the director",
        ONE_NET,
        &[("10.0.0.3 }", "10.0.0.3, priority: 150 }")],
        &[(
            '⚠',
            "backup `lb2` has priority 150, and director `lb1` only 100",
            "give `lb1` a priority above 150",
            &[("10.0.0.2 }", "10.0.0.2, priority: 160 }")],
        )],
    ),
    (
        "a backup at the top",
        ONE_NET,
        &[("10.0.0.3 }", "10.0.0.3, priority: 254 }")],
        &[(
            '⚠',
            "`lb2` is the master",
            "write `role: director` for `lb2` and `role: backup` for `lb1`",
            &[
                ("lb1: { role: director", "lb1: { role: backup"),
                ("lb2: { role: backup", "lb2: { role: director"),
            ],
        )],
    ),
    (
        "a priority out of bounds is one mistake",
        ONE_NET,
        &[(
            "id: 51\n",
            "id: 51\n  members: { lb1: { priority: 255 }, lb2: { priority: 100 } }\n",
        )],
        &[(
            '×',
            "expected a whole number from 1 to 254",
            "write one number between 1 and 254",
            &[("255", "254")],
        )],
    ),
    // NAT: a way back.
    (
        "directors outside alone",
        NAT,
        &[],
        &[
            (
                '×',
                "with NAT, `rs1` and `rs2` must answer through `lb1`, which has no address in network `inside`",
                "`interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }`",
                &[(
                    "lb1: { role: director, address: 10.0.0.2",
                    "lb1: { role: director, interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
                )],
            ),
            (
                '×',
                "must answer through `lb2`",
                "`interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }`",
                &[(
                    "lb2: { role: backup, address: 10.0.0.3",
                    "lb2: { role: backup, interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }",
                )],
            ),
            (
                '⚠',
                "with NAT, `rs1` must answer through a director, but has no gateway",
                "write `vips: [10.0.0.100, 10.0.9.1]` in `vrrp`",
                &[("id: 51\n", "id: 51\n  vips: [10.0.0.100, 10.0.9.1]\n")],
            ),
        ],
    ),
    (
        "a VIP as gateway, and directors outside alone",
        NAT,
        &[
            ("id: 51\n", "id: 51\n  vips: [10.0.0.100, 10.0.9.1]\n"),
            ("10.0.9.11 }", "10.0.9.11, gateway: 10.0.9.1 }"),
        ],
        &[
            (
                '×',
                "must answer through `lb1`, which has no address in network `inside`",
                "`interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }`",
                &[(
                    "lb1: { role: director, address: 10.0.0.2",
                    "lb1: { role: director, interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
                )],
            ),
            (
                '×',
                "must answer through `lb2`",
                "`interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }`",
                &[(
                    "lb2: { role: backup, address: 10.0.0.3",
                    "lb2: { role: backup, interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }",
                )],
            ),
        ],
    ),
    (
        "directors outside alone, whose numbers are taken inside",
        NAT,
        &[
            ("10.0.9.11", "10.0.9.2"),
            ("10.0.9.12", "10.0.9.3"),
            ("id: 51\n", "id: 51\n  vips: [10.0.0.100, 10.0.9.1]\n"),
        ],
        &[
            (
                '×',
                "`rs1` and `rs2` must answer through `lb1`",
                "`interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.4 }`",
                &[],
            ),
            (
                '×',
                "`rs1` and `rs2` must answer through `lb2`",
                "`interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.5 }`",
                &[
                    (
                        "address: 10.0.0.2",
                        "interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.4 }",
                    ),
                    (
                        "address: 10.0.0.3",
                        "interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.5 }",
                    ),
                ],
            ),
        ],
    ),
    (
        "a gateway that no director holds",
        NAT,
        &[
            (
                "address: 10.0.0.2",
                "interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
            ),
            (
                "address: 10.0.0.3",
                "interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }",
            ),
            ("10.0.9.11 }", "10.0.9.11, gateway: 10.0.9.254 }"),
            ("10.0.9.12 }", "10.0.9.12, gateway: 10.0.9.254 }"),
        ],
        &[(
            '⚠',
            "must answer through a director, not through 10.0.9.254",
            "write `vips: [10.0.0.100, 10.0.9.254]` in `vrrp`",
            &[("id: 51\n", "id: 51\n  vips: [10.0.0.100, 10.0.9.254]\n")],
        )],
    ),
    (
        "a gateway that no director holds, and directors outside alone",
        NAT,
        &[
            ("10.0.9.11 }", "10.0.9.11, gateway: 10.0.9.1 }"),
            ("10.0.9.12 }", "10.0.9.12, gateway: 10.0.9.1 }"),
        ],
        &[
            (
                '⚠',
                "must answer through a director, not through 10.0.9.1",
                "first give the directors an interface in its network: `lb1` `interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }`, `lb2` `interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }`",
                &[
                    (
                        "address: 10.0.0.2",
                        "interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
                    ),
                    (
                        "address: 10.0.0.3",
                        "interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }",
                    ),
                ],
            ),
            (
                '⚠',
                "must answer through a director, not through 10.0.9.1",
                "write `vips: [10.0.0.100, 10.0.9.1]` in `vrrp`",
                &[("id: 51\n", "id: 51\n  vips: [10.0.0.100, 10.0.9.1]\n")],
            ),
        ],
    ),
    (
        "the gateway is one of two directors",
        NAT,
        &[
            (
                "address: 10.0.0.2",
                "interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
            ),
            (
                "address: 10.0.0.3",
                "interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }",
            ),
            ("id: 51\n", "id: 51\n  vips: [10.0.0.100, 10.0.9.1]\n"),
            ("10.0.9.11 }", "10.0.9.11, gateway: 10.0.9.2 }"),
        ],
        &[(
            '⚠',
            "through the director that serves, not always through 10.0.9.2",
            "write `gateway: 10.0.9.1`",
            &[("gateway: 10.0.9.2", "gateway: 10.0.9.1")],
        )],
    ),
    (
        "several instances, none of which is inside",
        NAT,
        &[
            (
                "address: 10.0.0.2",
                "interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
            ),
            (
                "address: 10.0.0.3",
                "interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }",
            ),
            (
                "  virtual_router_id: 51\n",
                "  one: { virtual_router_id: 1, vips: 10.0.0.100 }\n  two: { virtual_router_id: 2, vips: 10.0.0.101 }\n",
            ),
        ],
        &[(
            '⚠',
            "`rs1` must answer through a director, but has no gateway",
            "`inside: { virtual_router_id: 3, vips: 10.0.9.1 }`",
            &[(
                "vrrp:\n",
                "vrrp:\n  inside: { virtual_router_id: 3, vips: 10.0.9.1 }\n",
            )],
        )],
    ),
    (
        "one director outside alone",
        ONE_DIRECTOR,
        &[(
            "interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
            "address: 10.0.0.2",
        )],
        &[(
            '×',
            "must answer through `lb1`",
            "`interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }`",
            &[(
                "address: 10.0.0.2",
                "interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
            )],
        )],
    ),
    (
        "one director outside alone, and no networks",
        ONE_DIRECTOR,
        &[
            ("networks: { lan: 10.0.0.0/24, inside: 10.0.9.0/24 }\n", ""),
            (
                "interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
                "address: 10.0.0.2/24",
            ),
            ("10.0.9.11", "10.0.9.11/24"),
            ("10.0.9.12", "10.0.9.12/24"),
            ("10.0.0.50", "10.0.0.50/24"),
        ],
        &[(
            '×',
            "must answer through `lb1`",
            "`interfaces: { eth0: 10.0.0.2/24, eth1: 10.0.9.2/24 }`",
            &[(
                "address: 10.0.0.2/24",
                "interfaces: { eth0: 10.0.0.2/24, eth1: 10.0.9.2/24 }",
            )],
        )],
    ),
    (
        "another gateway than the one director",
        ONE_DIRECTOR,
        &[("10.0.9.11 }", "10.0.9.11, gateway: 10.0.9.254 }")],
        &[(
            '⚠',
            "`rs1` must answer through a director, not through 10.0.9.254",
            "write `gateway: 10.0.9.2`",
            &[("gateway: 10.0.9.254", "gateway: 10.0.9.2")],
        )],
    ),
    (
        "NAT and direct routing on the same real servers",
        ONE_DIRECTOR,
        &[(
            "services:\n",
            "services:\n  dr: { vip: 10.0.0.101, port: 80 }\n",
        )],
        &[(
            '⚠',
            "`rs1` serves `web` by `nat`, so its gateway is a director, which drops its answers of `dr` by `dr`",
            "give `web` and `dr` real servers of their own",
            &[
                ("port: 80 }", "port: 80, real_servers: rs1 }"),
                ("mode: nat\n", "mode: nat\n    real_servers: rs2\n"),
            ],
        )],
    ),
    // VIPs that no director can hold where clients are.
    (
        "a VIP of a network without directors",
        ONE_NET,
        &[
            ("lan: 10.0.0.0/24", "lan: 10.0.0.0/24, other: 10.0.9.0/24"),
            ("vip: 10.0.0.100", "vip: 10.0.9.100"),
        ],
        &[(
            '⚠',
            "VIP 10.0.9.100 is in network `other`, but `lb1` and `lb2`, which would hold it, have no address there",
            "such as 10.0.0.200",
            &[("vip: 10.0.9.100", "vip: 10.0.0.200")],
        )],
    ),
    (
        "a VIP that routers lead to the directors",
        ONE_NET,
        &[
            ("lan: 10.0.0.0/24", "lan: 10.0.0.0/24, other: 10.0.9.0/24"),
            ("vip: 10.0.0.100", "vip: 10.0.9.100"),
        ],
        &[(
            '⚠',
            "VIP 10.0.9.100 is in network `other`",
            "where routers lead its packets to the directors, write `10.0.9.100/32`",
            &[("vip: 10.0.9.100", "vip: 10.0.9.100/32")],
        )],
    ),
    (
        "a VIP of the network of one director alone",
        ONE_NET,
        &[
            ("lan: 10.0.0.0/24", "lan: 10.0.0.0/24, b: 10.0.9.0/24"),
            ("backup, address: 10.0.0.3", "backup, address: 10.0.9.3"),
            ("id: 51\n", "id: 51\n  unicast: true\n"),
            ("port: 80\n", "port: 80\n    mode: tun\n"),
        ],
        &[(
            '⚠',
            "but `lb2`, which would hold it, has no address there",
            "give `lb2` an interface in `lan`",
            &[(
                "address: 10.0.9.3",
                "interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }",
            )],
        )],
    ),
    (
        "a VIP that is an IPv4 address in IPv6's notation",
        ONE_NET,
        &[("vip: 10.0.0.100", "vip: '::ffff:10.0.0.100'")],
        &[(
            '×',
            "is the IPv4 address 10.0.0.100 in the notation of IPv6",
            "write `10.0.0.100`",
            &[("'::ffff:10.0.0.100'", "10.0.0.100")],
        )],
    ),
    (
        "interfaces by the names of networks",
        ONE_DIRECTOR,
        &[(
            "eth0: 10.0.0.2, eth1: 10.0.9.2",
            "lan: 10.0.0.2, inside: 10.0.9.2",
        )],
        &[(
            '⚠',
            "interfaces `lan` and `inside` of `lb1` have the names of their networks",
            "such as `eth0: 10.0.0.2, eth1: 10.0.9.2`",
            &[(
                "lan: 10.0.0.2, inside: 10.0.9.2",
                "eth0: 10.0.0.2, eth1: 10.0.9.2",
            )],
        )],
    ),
    (
        "interfaces that are called as their networks",
        ONE_DIRECTOR,
        &[("eth0: 10.0.0.2", "lan: 10.0.0.2")],
        &[(
            '⚠',
            "interface `lan` of `lb1` has the name of its network",
            "write `lan: { network: lan, address: 10.0.0.2 }`",
            &[("lan: 10.0.0.2", "lan: { network: lan, address: 10.0.0.2 }")],
        )],
    ),
    // What a health check asks.
    (
        "a page by HTTP on 443",
        ONE_NET,
        &[("port: 80\n", "port: 443\n    health_check: http\n")],
        &[(
            '⚠',
            "asks for a page by `http` on port 443, which speaks HTTPS",
            "write `health_check: https`",
            &[("health_check: http", "health_check: https")],
        )],
    ),
    (
        "a page by HTTPS on 80, in full",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 80\n    health_check: { https: { path: /ok } }\n",
        )],
        &[(
            '⚠',
            "asks for a page by `https` on port 80, which speaks HTTP",
            "write `http` in the place of `https`",
            &[("https: {", "http: {")],
        )],
    ),
    (
        "a page on a port of mail",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: [25, 465, 587]\n    health_check: http\n",
        )],
        &[(
            '⚠',
            "by `http` on ports 25, 465, 587, the first of which speaks SMTP",
            "write `health_check: tcp`",
            &[("health_check: http", "health_check: tcp")],
        )],
    ),
    (
        "a page on a port of mail that speaks HTTP",
        ONE_NET,
        &[("port: 80\n", "port: 25\n    health_check: http\n")],
        &[(
            '⚠',
            "by `http` on port 25, which speaks SMTP",
            "say `check: { http: 25 }`",
            &[(
                "health_check: http",
                "health_check: http\n    check: { http: 25 }",
            )],
        )],
    ),
    (
        "a named port that speaks HTTPS",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 80\n    health_check: { http: {}, port: 443 }\n",
        )],
        &[(
            '⚠',
            "by `http` on port 443, which speaks HTTPS",
            "write `https` in the place of `http`",
            &[("http: {}", "https: {}")],
        )],
    ),
    (
        "a port that `check` says to speak HTTPS",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 9000\n    health_check: http\n    check: { https: 9000 }\n",
        )],
        &[(
            '⚠',
            "by `http` on port 9000, which speaks HTTPS",
            "write `health_check: https`",
            &[("health_check: http", "health_check: https")],
        )],
    ),
    (
        "HTTPS mapped by NAT",
        ONE_DIRECTOR,
        &[(
            "    port: 80\n    mode: nat\n    health_check: tcp\n",
            "    port: 443\n    real_port: 8080\n    mode: nat\n    health_check: http\n",
        )],
        &[(
            '⚠',
            "by `http` on port 8080, which speaks HTTPS",
            "write `health_check: https`",
            &[("health_check: http", "health_check: https")],
        )],
    ),
    (
        "pages on ports that may speak anything",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 9000\n    health_check: { https: {}, port: 8080 }\n",
        )],
        &[],
    ),
    (
        "two ports, one of which is asked",
        ONE_NET,
        &[("port: 80\n", "port: [80, 443]\n    health_check: http\n")],
        &[(
            '⚠',
            "port 443 of service `web` is checked by asking port 80, the one that speaks HTTP",
            "write `health_check: { http: {}, port: 80 }`",
            &[("health_check: http", "health_check: { http: {}, port: 80 }")],
        )],
    ),
    (
        "two ports of a mark, one of which is asked, in full",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: [80, 443]\n    fwmark: 1\n    health_check: { https: {} }\n",
        )],
        &[(
            '⚠',
            "port 80 of service `web` is not checked: `https` asks port 443 alone",
            "add `port: 443` to `health_check`",
            &[("https: {}", "https: {}, port: 443")],
        )],
    ),
    (
        "two ports of a mark by connections",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: [80, 443]\n    fwmark: 1\n    health_check: http\n",
        )],
        &[(
            '⚠',
            "port 443 of service `web` is not checked",
            "`health_check: tcp` asks each port",
            &[("health_check: http", "health_check: tcp")],
        )],
    ),
    (
        "a text that is a status line",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 80\n    health_check: { http: { text: HTTP/1.1 302 Found } }\n",
        )],
        &[(
            '⚠',
            "`HTTP/1.1 302 Found` looks like a status line",
            "write `status: 302` in the place of `text`",
            &[("text: HTTP/1.1 302 Found", "status: 302")],
        )],
    ),
    (
        "a text that is a header",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 80\n    health_check: { http: { text: 'Server: nginx' } }\n",
        )],
        &[(
            '⚠',
            "`Server: nginx` looks like a header",
            "delete `text`",
            &[("text: 'Server: nginx'", "")],
        )],
    ),
    (
        "`rise` under keepalived",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 80\n    health_check: { http: {}, rise: 2 }\n",
        )],
        &[(
            '⚠',
            "`rise` of service `web` has no effect",
            "delete `rise`",
            &[(", rise: 2", "")],
        )],
    ),
    (
        "`rise` without keepalived",
        ONE_DIRECTOR,
        &[("health_check: tcp", "health_check: { tcp: {}, rise: 2 }")],
        &[],
    ),
    (
        "UDP asked by TCP on the port of the service",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 53\n    protocol: udp\n    health_check: { tcp: {}, port: 53 }\n",
        )],
        &[(
            '⚠',
            "service `web` is UDP, and its health check connects by TCP to its port 53",
            "or write `health_check: false`",
            &[("health_check: { tcp: {}, port: 53 }", "health_check: false")],
        )],
    ),
    (
        "UDP asked by TCP on a port that is served by TCP too",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 53\n    protocol: udp\n    health_check: { tcp: {}, port: 53 }\n  tcp: { vip: 10.0.0.100, port: 53 }\n",
        )],
        &[],
    ),
    (
        "a range of UDP asked by TCP",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 10000-20000\n    fwmark: 1\n    protocol: udp\n    health_check: { tcp: {}, port: 10000 }\n",
        )],
        &[(
            '⚠',
            "connects by TCP to its port 10000",
            "name a TCP `port`",
            &[("port: 10000 }", "port: 5060 }")],
        )],
    ),
    (
        "a range without a port to ask",
        ONE_NET,
        &[("port: 80\n", "port: 10000-10100\n    fwmark: 1\n")],
        &[(
            '×',
            "a service of port ranges does not say which port its health check asks",
            "write `health_check: false`, or name a TCP port on which the real servers always listen, such as 21 of FTP: `health_check: { tcp: {}, port: 21 }`",
            &[("fwmark: 1\n", "fwmark: 1\n    health_check: false\n")],
        )],
    ),
    (
        "a range of UDP without a port to ask",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 10000-10100\n    fwmark: 1\n    protocol: udp\n",
        )],
        &[(
            '×',
            "does not say which port its health check asks",
            "such as 5060 of SIP: `health_check: { tcp: {}, port: 5060 }`",
            &[(
                "fwmark: 1\n",
                "fwmark: 1\n    health_check: { tcp: {}, port: 5060 }\n",
            )],
        )],
    ),
    (
        "a range that has the control port, with a sorry server",
        ONE_NET,
        &[
            (
                "port: 80\n",
                "port: 5000-6000\n    fwmark: 1\n    protocol: udp\n    sorry_server: 127.0.0.1\n",
            ),
            ("role: director", "role: [director, answer]"),
            ("role: backup", "role: [backup, answer]"),
        ],
        &[(
            '×',
            "does not say which port its health check asks",
            "`health_check: { script: { path: /usr/local/bin/check } }`, or name a TCP port on which the real servers always listen",
            &[(
                "fwmark: 1\n",
                "fwmark: 1\n    health_check: { script: { path: /usr/local/bin/check } }\n",
            )],
        )],
    ),
    (
        "a range beside a service of TCP",
        ONE_NET,
        &[(
            "services:\n",
            "services:\n  data: { vip: 10.0.0.100, port: 10000-10100, fwmark: 1 }\n",
        )],
        &[(
            '×',
            "does not say which port its health check asks",
            "write `health_check: { tcp: {}, port: 80 }`, a port on which the real servers serve `web` too",
            &[(
                "fwmark: 1 }",
                "fwmark: 1, health_check: { tcp: {}, port: 80 } }",
            )],
        )],
    ),
    // Sorry servers.
    (
        "NAT, a sorry server that is no host",
        ONE_DIRECTOR,
        &[("nat\n", "nat\n    sorry_server: 10.0.9.99\n")],
        &[(
            '⚠',
            "the sorry server 10.0.9.99 is no host of the inventory, so lvsctl does not set its gateway up",
            "add it below `hosts`: `sorry: { role: web, address: 10.0.9.99 }`",
            &[("  c1", "  sorry: { role: web, address: 10.0.9.99 }\n  c1")],
        )],
    ),
    (
        "NAT, a sorry server in no network",
        ONE_DIRECTOR,
        &[("nat\n", "nat\n    sorry_server: 192.0.2.9\n")],
        &[(
            '⚠',
            "the sorry server 192.0.2.9 is no host of the inventory",
            "add a host for it, `sorry: { role: web, address: 10.0.9.30 }`, and write `sorry_server: 10.0.9.30`",
            &[
                ("  c1", "  sorry: { role: web, address: 10.0.9.30 }\n  c1"),
                ("sorry_server: 192.0.2.9", "sorry_server: 10.0.9.30"),
            ],
        )],
    ),
    (
        "NAT, a sorry server beside clients",
        ONE_DIRECTOR,
        &[
            ("  c1", "  so: { role: web, address: 10.0.0.60 }\n  c1"),
            ("nat\n", "nat\n    sorry_server: 10.0.0.60:8080\n"),
        ],
        &[(
            '⚠',
            "the sorry server 10.0.0.60 is in the network of client `c1`",
            "write `sorry_server: 10.0.9.2`, an address of director `lb1`",
            &[
                ("sorry_server: 10.0.0.60:8080", "sorry_server: 10.0.9.2"),
                ("role: director", "role: [director, web]"),
            ],
        )],
    ),
    (
        "NAT, the director by its loopback address",
        ONE_DIRECTOR,
        &[
            ("nat\n", "nat\n    sorry_server: 127.0.0.1:8080\n"),
            ("role: director", "role: [director, web]"),
        ],
        &[(
            '×',
            "`nat` cannot send to the loopback address 127.0.0.1",
            "write `sorry_server: 10.0.9.2`, an address of director `lb1`",
            &[("127.0.0.1:8080", "10.0.9.2:8080")],
        )],
    ),
    (
        "NAT, a director beside another",
        NAT,
        &[
            (
                "address: 10.0.0.2",
                "interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
            ),
            (
                "address: 10.0.0.3",
                "interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }",
            ),
            ("id: 51\n", "id: 51\n  vips: [10.0.0.100, 10.0.9.1]\n"),
            ("nat\n", "nat\n    sorry_server: lb1\n"),
        ],
        &[
            (
                '×',
                "found the text `lb1`",
                "with `nat` and several directors none of them, as `lb1` is, can be it",
                &[("sorry_server: lb1", "sorry_server: 127.0.0.1")],
            ),
            (
                '×',
                "`nat` cannot send to the loopback address",
                "add a host for it, `sorry: { role: web, address: 10.0.9.30 }`, and write `sorry_server: 10.0.9.30`",
                &[
                    ("  c1", "  sorry: { role: web, address: 10.0.9.30 }\n  c1"),
                    ("sorry_server: 127.0.0.1", "sorry_server: 10.0.9.30"),
                ],
            ),
        ],
    ),
    (
        "NAT, a VIP of the directors",
        NAT,
        &[
            (
                "address: 10.0.0.2",
                "interfaces: { eth0: 10.0.0.2, eth1: 10.0.9.2 }",
            ),
            (
                "address: 10.0.0.3",
                "interfaces: { eth0: 10.0.0.3, eth1: 10.0.9.3 }",
            ),
            ("id: 51\n", "id: 51\n  vips: [10.0.0.100, 10.0.9.1]\n"),
            ("nat\n", "nat\n    sorry_server: 10.0.9.1:8080\n"),
        ],
        &[],
    ),
    (
        "DR, a sorry server in another network",
        ONE_NET,
        &[
            ("port: 80\n", "port: 80\n    sorry_server: 192.0.2.9\n"),
            ("role: director", "role: [director, web]"),
            ("role: backup", "role: [backup, web]"),
        ],
        &[(
            '×',
            "direct routing cannot reach the sorry server 192.0.2.9",
            "write `sorry_server: 127.0.0.1`",
            &[("192.0.2.9", "127.0.0.1")],
        )],
    ),
    (
        "DR, a director by its name",
        ONE_NET,
        &[
            ("port: 80\n", "port: 80\n    sorry_server: lb1\n"),
            ("role: director", "role: [director, web]"),
            ("role: backup", "role: [backup, web]"),
        ],
        &[(
            '×',
            "found the text `lb1`",
            "write `127.0.0.1`",
            &[("sorry_server: lb1", "sorry_server: 127.0.0.1")],
        )],
    ),
    (
        "DR, the director with another port",
        ONE_NET,
        &[
            ("port: 80\n", "port: 80\n    sorry_server: 127.0.0.1:8080\n"),
            ("role: director", "role: [director, web]"),
            ("role: backup", "role: [backup, web]"),
        ],
        &[(
            '×',
            "`dr` cannot map the service's port to 8080",
            "name the sorry server without a port",
            &[("127.0.0.1:8080", "127.0.0.1")],
        )],
    ),
    (
        "DR, directors that serve nothing",
        ONE_NET,
        &[("port: 80\n", "port: 80\n    sorry_server: 127.0.0.1\n")],
        &[(
            '⚠',
            "the sorry server of `web` is the director that serves, and `lb1` and `lb2` have no role that answers there",
            "write `role: [director, web]` for `lb1`, `role: [backup, web]` for `lb2`",
            &[
                ("role: director", "role: [director, web]"),
                ("role: backup", "role: [backup, web]"),
            ],
        )],
    ),
    (
        "DR, a client",
        ONE_NET,
        &[
            (
                "  c1",
                "  sorry: { role: client, address: 10.0.0.20 }\n  c1",
            ),
            ("port: 80\n", "port: 80\n    sorry_server: 10.0.0.20\n"),
        ],
        &[(
            '⚠',
            "the sorry server 10.0.0.20 is client `sorry`, which `verify` then does not ask from",
            "such as `role: web`",
            &[("sorry: { role: client", "sorry: { role: web")],
        )],
    ),
    (
        "a port for a sorry server of a mark",
        ONE_DIRECTOR,
        &[
            ("port: 80\n", "port: [80, 443]\n    fwmark: 1\n"),
            (
                "nat\n",
                "nat\n    sorry_server: 10.0.9.12:8080\n    real_servers: rs1\n",
            ),
            ("10.0.9.12 }", "10.0.9.12 }"),
            ("rs2: { role: realserver", "rs2: { role: web"),
        ],
        &[(
            '×',
            "a service of a firewall mark cannot map ports",
            "name the sorry server without a port",
            &[("10.0.9.12:8080", "10.0.9.12")],
        )],
    ),
    (
        "a port for a sorry server of several ports",
        ONE_DIRECTOR,
        &[
            ("port: 80\n", "port: [80, 443]\n"),
            (
                "nat\n",
                "nat\n    sorry_server: 10.0.9.12:8080\n    real_servers: rs1\n",
            ),
            ("rs2: { role: realserver", "rs2: { role: web"),
        ],
        &[(
            '×',
            "several ports cannot all be mapped to 8080",
            "name the sorry server without a port",
            &[("10.0.9.12:8080", "10.0.9.12")],
        )],
    ),
    // Ports of real servers.
    (
        "a mark and another port, by direct routing",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: [80, 443]\n    fwmark: 1\n    real_port: 8080\n",
        )],
        &[(
            '×',
            "a service of a firewall mark cannot map ports",
            "delete `real_port`, and let `rs1` and `rs2` listen on the ports that clients ask for",
            &[("    real_port: 8080\n", "")],
        )],
    ),
    (
        "another port of one real server of a mark",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: [80, 81]\n    fwmark: 1\n    real_servers: { rs1: { port: 81 }, rs2: {} }\n",
        )],
        &[(
            '×',
            "a service of a firewall mark cannot map ports",
            "delete `port`, and let `rs1` listen",
            &[("{ port: 81 }", "{}")],
        )],
    ),
    (
        "another port, by direct routing",
        ONE_NET,
        &[("port: 80\n", "port: 80\n    real_port: 8080\n")],
        &[(
            '×',
            "`dr` cannot map the service's port to 8080",
            "delete `real_port`, and let `rs1` and `rs2` listen on port 80",
            &[("    real_port: 8080\n", "")],
        )],
    ),
    (
        "a mark that is taken",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 80\n    fwmark: 1\n  ftp:\n    vip: 10.0.0.101\n    port: [21, 10000-10100]\n    persistence: 60\n",
        )],
        &[(
            '×',
            "the range of ports 10000-10100 needs a firewall mark",
            "such as `fwmark: 2`",
            &[("    persistence", "    fwmark: 2\n    persistence")],
        )],
    ),
    // Real servers that have another part.
    (
        "a director as a real server",
        ONE_NET,
        &[("port: 80\n", "port: 80\n    real_servers: [lb1]\n")],
        &[(
            '×',
            "`lb1` is no real server",
            "name hosts with the role `realserver`: rs1, rs2",
            &[("[lb1]", "[rs1, rs2]")],
        )],
    ),
    (
        "a client as a real server",
        ONE_NET,
        &[("port: 80\n", "port: 80\n    real_servers: [c1]\n")],
        &[(
            '×',
            "`c1` is no real server",
            "or leave `real_servers` out",
            &[("    real_servers: [c1]\n", "")],
        )],
    ),
    (
        "a director that serves beside another",
        ONE_NET,
        &[("role: director", "role: [director, realserver]")],
        &[(
            '×',
            "`lb1` is a real server of service `web` and a director beside `lb2`",
            "take the role `realserver` away from `lb1`",
            &[("[director, realserver]", "director")],
        )],
    ),
    (
        "a client that serves",
        ONE_NET,
        &[("role: client", "role: [client, realserver]")],
        &[(
            '⚠',
            "client `c1` is a real server too, which cannot ask as users do",
            "add a host outside the cluster with `role: client`",
            &[("vrrp:", "  c2: { role: client, address: 10.0.0.51 }\nvrrp:")],
        )],
    ),
    // Networks.
    (
        "no networks",
        ONE_NET,
        &[
            ("networks: { lan: 10.0.0.0/24 }\n", ""),
            ("port: 80\n", "port: 80\n    real_port: 8080\n"),
        ],
        &[
            (
                '×',
                "`dr` cannot map the service's port",
                "delete `real_port`",
                &[("    real_port: 8080\n", "")],
            ),
            (
                '×',
                "the inventory does not say which subnets the hosts are in",
                "add `networks: { lan: 10.0.0.0/24 }`",
                &[("hosts:", "networks: { lan: 10.0.0.0/24 }\nhosts:")],
            ),
        ],
    ),
    (
        "no networks, and several subnets",
        ONE_DIRECTOR,
        &[("networks: { lan: 10.0.0.0/24, inside: 10.0.9.0/24 }\n", "")],
        &[(
            '×',
            "the inventory does not say which subnets the hosts are in",
            "add `networks: { net1: 10.0.0.0/24, net2: 10.0.9.0/24 }`",
            &[(
                "hosts:",
                "networks: { net1: 10.0.0.0/24, net2: 10.0.9.0/24 }\nhosts:",
            )],
        )],
    ),
    // Examples of the inventory's own networks.
    (
        "a host without an address",
        ONE_NET,
        &[("realserver, address: 10.0.0.11", "realserver")],
        &[(
            '×',
            "the key `address` of `rs1` is missing",
            "`address: 10.0.0.14`",
            &[(
                "rs1: { role: realserver",
                "rs1: { role: realserver, address: 10.0.0.14",
            )],
        )],
    ),
    (
        "a service without a VIP",
        ONE_NET,
        &[("    vip: 10.0.0.100\n", "")],
        &[(
            '×',
            "the key `vip` of `web` is missing",
            "`vip: 10.0.0.200`",
            &[("    port", "    vip: 10.0.0.200\n    port")],
        )],
    ),
    (
        "a key of another program with an address",
        ONE_NET,
        &[("    vip: 10.0.0.100\n    port: 80\n", "    bind: '*:80'\n")],
        &[(
            '×',
            "unknown key `bind`",
            "write `vip: 10.0.0.200`, the address that clients ask for, and `port: 80`",
            &[("    bind: '*:80'\n", "    vip: 10.0.0.200\n    port: 80\n")],
        )],
    ),
    (
        "no VIP at all",
        ONE_NET,
        &[
            ("services:\n  web:\n    vip: 10.0.0.100\n    port: 80\n", ""),
            ("role: realserver", "role: web"),
            ("role: realserver", "role: web"),
        ],
        &[(
            '×',
            "the VRRP instance has no VIPs to hold",
            "`vips: [10.0.0.200]`",
            &[("id: 51\n", "id: 51\n  vips: [10.0.0.200]\n")],
        )],
    ),
    (
        "the source of adverts",
        ONE_NET,
        &[("id: 51\n", "id: 51\n  unicast_src_ip: 10.0.0.2\n")],
        &[(
            '×',
            "unknown key `unicast_src_ip`",
            "delete it",
            &[("  unicast_src_ip: 10.0.0.2\n", "")],
        )],
    ),
    (
        "a sorry server with a port behind its address",
        ONE_NET,
        &[
            (
                "port: 80\n",
                "port: 80\n    sorry_server: { address: 10.0.0.12:80 }\n    real_servers: rs1\n",
            ),
            ("rs2: { role: realserver", "rs2: { role: web"),
        ],
        &[(
            '×',
            "found the text `10.0.0.12:80`",
            "write `10.0.0.12`; a port stands in `port`",
            &[("address: 10.0.0.12:80", "address: 10.0.0.12")],
        )],
    ),
    (
        "a sorry server's address by another key",
        ONE_NET,
        &[
            (
                "port: 80\n",
                "port: 80\n    sorry_server: { ip: 10.0.0.12 }\n    real_servers: rs1\n",
            ),
            ("rs2: { role: realserver", "rs2: { role: web"),
        ],
        &[(
            '×',
            "unknown key `ip`",
            "write `address: 10.0.0.12`",
            &[("ip: 10.0.0.12", "address: 10.0.0.12")],
        )],
    ),
    (
        "a sorry server's host without a role",
        ONE_NET,
        &[
            (
                "port: 80\n",
                "port: 80\n    sorry_server: 10.0.0.12\n    real_servers: rs1\n",
            ),
            ("rs2: { role: realserver, ", "rs2: { "),
        ],
        &[(
            '×',
            "the key `role` of `rs2` is missing",
            "`role: web`",
            &[("rs2: { ", "rs2: { role: web, ")],
        )],
    ),
    (
        "UDP alone, and the protocol is given",
        ONE_NET,
        &[(
            "port: 80\n",
            "port: 80\n    protocol: tcp\n    one_packet: true\n",
        )],
        &[(
            '×',
            "but the service is TCP",
            "change `protocol` to `udp`, or delete `one_packet`",
            &[("    one_packet: true\n", "")],
        )],
    ),
    (
        "addresses of a family that the network lacks",
        ONE_NET,
        &[(
            "address: 10.0.0.11 ",
            "address: [10.0.0.11, '2001:db8::11'] ",
        )],
        &[(
            '×',
            "2001:db8::11 is in none of the networks",
            "`networks: { lan: [10.0.0.0/24, 2001:db8::/64] }`",
            &[("lan: 10.0.0.0/24", "lan: [10.0.0.0/24, '2001:db8::/64']")],
        )],
    ),
    (
        "a network for each family of one interface",
        ONE_NET,
        &[
            (
                "lan: 10.0.0.0/24",
                "lan: 10.0.0.0/24, lan6: '2001:db8::/64'",
            ),
            (
                "address: 10.0.0.11 ",
                "address: [10.0.0.11, '2001:db8::11'] ",
            ),
        ],
        &[(
            '×',
            "2001:db8::11 is in network `lan6`, but the interface is in `lan`",
            "make one network of both, `lan: [10.0.0.0/24, 2001:db8::/64]`",
            &[(
                "lan: 10.0.0.0/24, lan6: '2001:db8::/64'",
                "lan: [10.0.0.0/24, '2001:db8::/64']",
            )],
        )],
    ),
    (
        "prefixes that differ, of a network that only addresses name",
        ONE_NET,
        &[
            ("networks: { lan: 10.0.0.0/24 }\n", ""),
            ("address: 10.0.0.2 ", "address: 10.0.0.2/16 "),
            ("address: 10.0.0.3 ", "address: 10.0.0.3/24 "),
            ("address: 10.0.0.11 ", "address: 10.0.0.11/24 "),
            ("address: 10.0.0.12 ", "address: 10.0.0.12/24 "),
            ("address: 10.0.0.50 ", "address: 10.0.0.50/24 "),
        ],
        &[(
            '×',
            "10.0.0.0/24 overlaps with 10.0.0.0/16",
            "write all addresses of a network with the same prefix",
            &[("10.0.0.2/16", "10.0.0.2/24")],
        )],
    ),
    (
        "a VIP whose prefix differs from that in `vrrp`",
        ONE_NET,
        &[
            ("id: 51\n", "id: 51\n  vips: 10.0.0.100/24\n"),
            ("vip: 10.0.0.100\n", "vip: 10.0.0.100/32\n"),
        ],
        &[(
            '×',
            "has prefix /32 here, but /24 in `vrrp`",
            "write `10.0.0.100/24` here, or change it in `vrrp`",
            &[("vip: 10.0.0.100/32\n", "vip: 10.0.0.100/24\n")],
        )],
    ),
];

#[test]
fn each_step_is_said_and_the_last_leaves_nothing() {
    let mut wrong = String::new();
    for (about, base, edits, steps) in CASES {
        let mut text = edited(base, edits);
        for (kind, message, hint, follow) in *steps {
            let (refused, all) = said(&text);
            let found = all.iter().find(|p| p.message().contains(message));
            match found {
                Some(problem)
                    if problem.fix().is_some_and(|fix| fix.contains(hint))
                        && problem.position().is_some()
                        && refused == (*kind == '×') => {}
                _ => {
                    let all: Vec<String> = all.iter().map(|p| p.render(200, false)).collect();
                    wrong += &format!(
                        "{about}: no {message:?} with {hint:?} in\n{}\n",
                        all.concat()
                    );
                }
            }
            text = edited(&text, follow);
        }
        let (_, left) = said(&text);
        if !left.is_empty() {
            let left: Vec<String> = left.iter().map(|p| p.render(200, false)).collect();
            wrong += &format!("{about}: left is\n{}\n{text}\n", left.concat());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// One mistake is one message, whoever is concerned.
#[test]
fn what_follows_from_one_mistake_is_not_said_again() {
    for (about, base, edits) in [
        (
            "a priority out of bounds",
            ONE_NET,
            &[(
                "id: 51\n",
                "id: 51\n  members: { lb1: { priority: 255 }, lb2: { priority: 100 } }\n",
            )][..],
        ),
        (
            "a sorry server with a port behind its address",
            ONE_NET,
            &[(
                "port: 80\n",
                "port: 80\n    sorry_server: { address: 10.0.0.12:80 }\n",
            )],
        ),
        (
            "a sorry server by another key",
            ONE_NET,
            &[(
                "port: 80\n",
                "port: 80\n    sorry_server: { ip: 10.0.0.12 }\n",
            )],
        ),
        (
            "a port for all real servers",
            ONE_NET,
            &[("port: 80\n", "port: 80\n    real_port: 8080\n")],
        ),
        (
            "no networks",
            ONE_DIRECTOR,
            &[("networks: { lan: 10.0.0.0/24, inside: 10.0.9.0/24 }\n", "")],
        ),
        (
            "no networks, and a name for a gateway",
            ONE_DIRECTOR,
            &[
                ("networks: { lan: 10.0.0.0/24, inside: 10.0.9.0/24 }\n", ""),
                ("10.0.9.11 }", "10.0.9.11, gateway: c1 }"),
            ],
        ),
    ] {
        let (_, found) = said(&edited(base, edits));
        assert_eq!(found.len(), 1, "{about}: {found:#?}");
    }
}

/// What the inventory has itself is quoted as it is.
#[test]
fn an_example_that_is_the_users_own_stays() {
    for (edits, shown) in [
        (
            &[("vip: 10.0.0.100", "vip: 192.168.100.200")][..],
            "VIP 192.168.100.200 is outside every subnet",
        ),
        (
            &[("address: 10.0.0.2 ", "address: 192.168.100.14 ")],
            "192.168.100.14 is in none of the networks",
        ),
    ] {
        let (_, found) = said(&edited(ONE_NET, edits));
        assert!(found.iter().any(|p| p.message() == shown), "{found:#?}");
    }
}
