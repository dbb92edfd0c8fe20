//! keepalived.conf, piece by piece: what keys of the inventory become. That keepalived takes it and does it, labs show for
//! what shipped inventories say; for the rest there is `keepalived -t` on the host, before the file is put in place.

use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::resource::{Distribution, Resource};

use crate::support::roles::built_in;

const BASE: &str = "
cluster: t
networks: { wan: 203.0.113.0/24, lan: 10.2.0.0/24 }
hosts:
  lb1: { role: director, interfaces: { eth0: 203.0.113.11, eth1: 10.2.0.11 } }
  lb2: { role: backup, interfaces: { eth0: 203.0.113.12, eth1: 10.2.0.12 } }
  rs1: { role: realserver, address: 10.2.0.21, gateway: 10.2.0.1 }
  rs2: { role: realserver, address: 10.2.0.22, gateway: 10.2.0.1 }
";

const WAN_AND_LAN: &str = "vrrp:
  wan: { virtual_router_id: 10, vips: 203.0.113.80 }
  lan: { virtual_router_id: 11, vips: 10.2.0.1 }
";

const ONE: &str = "vrrp: { virtual_router_id: 10, vips: [203.0.113.80, 10.2.0.1] }\n";

/// One instance that holds the VIP outside alone.
fn vrrp(keys: &str) -> String {
    format!("vrrp: {{ virtual_router_id: 10, vips: 203.0.113.80, {keys} }}\n")
}

fn service(keys: &str) -> String {
    format!("services:\n  web: {{ vip: 203.0.113.80, mode: nat, {keys} }}\n")
}

/// keepalived.conf of lb1, with its blanks made one.
fn rendered(inventory: &str) -> String {
    let loaded = inventory::parse("t.yaml", inventory, BUILT_IN_ROLES)
        .unwrap_or_else(|e| panic!("{}", e.render(120, false)));
    let roles = built_in();
    let host = &loaded.cluster.hosts[0];
    let all = roles
        .over(&loaded.cluster)
        .of(host, &Distribution::assumed());
    let all = all.unwrap_or_else(|e| panic!("{e}"));
    let conf = all.into_iter().find_map(|resource| match resource {
        Resource::File(file) if file.path.ends_with("/keepalived.conf") => Some(file.content),
        _ => None,
    });
    let conf = conf.expect("a keepalived.conf");
    conf.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn it_says_what_the_inventory_says() {
    // What is added to the base, what must be there, what must not.
    let cases: &[(&str, String, &[&str], &[&str])] = &[
        (
            "each VIP is on the interface of its network, and a lost interface gives all up",
            format!("{ONE}{}", service("port: 80")),
            &[
                "203.0.113.80/32 dev eth0 10.2.0.1/32 dev eth1",
                "track_interface { eth1 }",
            ],
            &["vrrp_sync_group"],
        ),
        (
            "in NAT the instances of one pair move together",
            format!("{WAN_AND_LAN}{}", service("port: 80")),
            &["vrrp_sync_group t { group { wan lan }", "dev eth1"],
            &[],
        ),
        (
            "adverts go to the multicast group, from an address of the director",
            format!("{ONE}{}", service("port: 80")),
            &["advert_int 1.0 mcast_src_ip 203.0.113.11 virtual_ipaddress {"],
            &["unicast", "notify", "lvs_sync_daemon", "track_script"],
        ),
        (
            "or to the other members alone",
            format!("{}{}", vrrp("unicast: true"), service("port: 80")),
            &["unicast_src_ip 203.0.113.11 unicast_peer { 203.0.113.12 }"],
            &["mcast_src_ip"],
        ),
        (
            "who has the VIP keeps it, for which every member starts as backup",
            format!("{}{}", vrrp("preempt: false"), service("port: 80")),
            &[
                "state BACKUP interface",
                "priority 100 advert_int 1.0 nopreempt",
            ],
            &[],
        ),
        (
            "the sync daemon sends on the interface of its instance",
            format!("{}{}", vrrp("sync_daemon: true"), service("port: 80")),
            &["vrrp_skip_check_adv_addr lvs_sync_daemon eth0 main }"],
            &[],
        ),
        (
            "a program gets each state",
            format!(
                "{}{}",
                vrrp("notify: /usr/local/bin/notify"),
                service("port: 80")
            ),
            &["dev eth0 } notify \"/usr/local/bin/notify\" }"],
            &[],
        ),
        (
            "a watched program is defined by itself, and named in the instance",
            format!(
                "{}{}",
                vrrp(
                    "track_script: { up: { script: /usr/local/bin/up, interval: 5, weight: -20, fall: 4, rise: 1 } }"
                ),
                service("port: 80")
            ),
            &[
                "vrrp_script main-up { script \"/usr/local/bin/up\" interval 5 weight -20 fall 4 rise 1 user root }",
                "track_script { main-up }",
            ],
            &[],
        ),
        (
            "another interface that is named is tracked; the instance's own is, without being named",
            format!(
                "{}{}",
                vrrp("track_interface: [eth0, eth1]"),
                service("port: 80")
            ),
            &["dev eth0 } track_interface { eth1 } }"],
            &[],
        ),
        (
            "each port of a list has a check",
            format!("{ONE}{}", service("port: [80, 443]")),
            &[
                "virtual_server 203.0.113.80 80 {",
                "real_server 10.2.0.21 80 { weight 1 TCP_CHECK { connect_port 80 ",
                "real_server 10.2.0.21 443 { weight 1 TCP_CHECK { connect_port 443 ",
            ],
            &[],
        ),
        (
            "a page is asked for where it is spoken",
            format!("{ONE}{}", service("port: [80, 443], health_check: https")),
            &[
                "real_server 10.2.0.21 80 { weight 1 SSL_GET { url { path \"/\" status_code 200 } connect_port 443 ",
            ],
            &["connect_port 80 "],
        ),
        (
            "a real server of a mark must answer on each of its ports",
            format!(
                "{ONE}{}",
                service("port: [80, 443], fwmark: 1, persistence: 60")
            ),
            &[
                "real_server 10.2.0.21 0 { weight 1 TCP_CHECK { connect_port 80 connect_timeout 3 retry 3 delay_before_retry 3 } TCP_CHECK { connect_port 443 ",
            ],
            &[],
        ),
        (
            "of a mark with a range, the single ports are asked",
            format!(
                "{ONE}{}",
                service("port: [21, 10000-20000], fwmark: 1, persistence: 60")
            ),
            &[
                "real_server 10.2.0.21 0 { weight 1 TCP_CHECK { connect_port 21 connect_timeout 3 retry 3 delay_before_retry 3 } }",
            ],
            &["connect_port 1000"],
        ),
        (
            "or those that the check names",
            format!(
                "{ONE}{}",
                service(
                    "port: [21, 22, 10000-20000], fwmark: 1, persistence: 60, check: { ports: 10001 }"
                )
            ),
            &[
                "real_server 10.2.0.21 0 { weight 1 TCP_CHECK { connect_port 10001 connect_timeout 3 retry 3 delay_before_retry 3 } }",
            ],
            &["connect_port 21", "connect_port 22"],
        ),
        (
            "or the one of the health check",
            format!(
                "{ONE}{}",
                service(
                    "port: 10000-20000, protocol: udp, fwmark: 1, health_check: { tcp: {}, port: 5060 }"
                )
            ),
            &["{ connect_port 5060 "],
            &["connect_port 1000"],
        ),
        (
            "a name, and a text that is no pattern",
            format!(
                "{ONE}{}",
                service(
                    "port: 443, health_check: { https: { host: www.example.org, path: /up, text: 'C++ 1.0' } }"
                )
            ),
            &[
                "SSL_GET { virtualhost \"www.example.org\" enable_sni url { path \"/up\" status_code 200 regex \"^HTTP/[^\\r\\n]*\\r\\n(?:[^\\r\\n]+\\r\\n)*+\\r\\n(*SKIP)(*FAIL)|C[+][+] 1[.]0\" }",
            ],
            &[],
        ),
        (
            "each status that the inventory calls right",
            format!(
                "{ONE}{}",
                service("port: 80, health_check: { http: { status: [302, 200-299] } }")
            ),
            &["HTTP_GET { url { path \"/\" status_code 200-299 302 }"],
            &["http_protocol", "regex"],
        ),
        (
            "a server that refuses HTTP 1.0 is asked by 1.1",
            format!(
                "{ONE}{}",
                service("port: 80, health_check: { http: { status: 401, version: 1.1 } }")
            ),
            &["HTTP_GET { http_protocol 1.1 url { path \"/\" status_code 401 }"],
            &[],
        ),
        (
            "plain HTTP has no SNI",
            format!(
                "{ONE}{}",
                service("port: 80, health_check: { http: { host: www.example.org } }")
            ),
            &["HTTP_GET { virtualhost \"www.example.org\" url {"],
            &["enable_sni"],
        ),
        (
            "a program gets the real server that it checks",
            format!(
                "{ONE}{}",
                service(
                    "port: 514, protocol: udp, health_check: { script: { path: /usr/local/bin/ask } }"
                )
            ),
            &[
                "misc_path \"/usr/local/bin/ask 10.2.0.21 514\"",
                "misc_path \"/usr/local/bin/ask 10.2.0.22 514\"",
            ],
            &["connect_port"],
        ),
        (
            "a real server on two ports is two",
            format!(
                "{ONE}{}",
                service(
                    "port: 80, real_servers: { rs1: { port: [8080, 8081] }, rs2: [{ port: 8080, weight: 3 }] }"
                )
            ),
            &[
                "real_server 10.2.0.21 8080 { weight 1 TCP_CHECK { connect_port 8080",
                "real_server 10.2.0.21 8081 { weight 1 TCP_CHECK { connect_port 8081",
                "real_server 10.2.0.22 8080 { weight 3",
            ],
            &["10.2.0.22 8081"],
        ),
        (
            "the sorry server has the port that was asked for",
            format!(
                "{ONE}{}",
                service("port: [80, 443], sorry_server: 10.2.0.99")
            ),
            &["sorry_server 10.2.0.99 80", "sorry_server 10.2.0.99 443"],
            &[],
        ),
        (
            "or another port",
            format!(
                "{ONE}{}",
                service("port: 80, sorry_server: '10.2.0.99:8080'")
            ),
            &["sorry_server 10.2.0.99 8080"],
            &["sorry_server 10.2.0.99 80 "],
        ),
        (
            "of a mark it is every port, which keepalived takes for none other",
            format!(
                "{ONE}{}",
                service("port: [80, 443], fwmark: 1, sorry_server: 10.2.0.99")
            ),
            &["sorry_server 10.2.0.99 0"],
            &[],
        ),
        (
            "persistence of a whole network",
            format!(
                "{ONE}{}",
                service("port: 80, persistence: { timeout: 60, granularity: 24 }")
            ),
            &["persistence_timeout 60 persistence_granularity 255.255.255.0"],
            &[],
        ),
    ];
    for (about, more, there, absent) in cases {
        let conf = rendered(&format!("{BASE}{more}"));
        for text in *there {
            assert!(conf.contains(text), "{about}: no {text:?} in\n{conf}");
        }
        for text in *absent {
            assert!(!conf.contains(text), "{about}: {text:?} in\n{conf}");
        }
    }
}

/// Directors that share the work: each instance moves alone.
#[test]
fn instances_with_masters_of_their_own_are_not_bound() {
    let vrrp = "vrrp:
  a: { virtual_router_id: 10, vips: 203.0.113.80 }
  b: { virtual_router_id: 11, vips: 203.0.113.81, members: [lb2, lb1] }
";
    let conf = rendered(&format!("{BASE}{vrrp}{}", service("port: 80")));
    assert!(!conf.contains("vrrp_sync_group"), "{conf}");
}

#[test]
fn ipv6_has_prefix_lengths_and_no_password() {
    let inventory = |granularity: &str| {
        format!(
            "cluster: t
networks: {{ lan: [10.2.0.0/24, '2001:db8::/64'] }}
hosts:
  lb1: {{ role: director, interfaces: {{ eth0: [10.2.0.11, '2001:db8::11'] }} }}
  lb2: {{ role: backup, interfaces: {{ eth0: [10.2.0.12, '2001:db8::12'] }} }}
  rs1: {{ role: realserver, interfaces: {{ eth0: [10.2.0.21, '2001:db8::21'] }} }}
vrrp: {{ virtual_router_id: 10, auth_pass: {{ env: PW }} }}
services:
  web: {{ vip: '2001:db8::80', port: 80, persistence: {{ timeout: 60, granularity: {granularity} }} }}
"
        )
    };
    for (granularity, want) in [
        ("64", "persistence_timeout 60 persistence_granularity 64"),
        ("24", "persistence_timeout 60 persistence_granularity 24"),
        ("128", "persistence_timeout 60 protocol TCP"),
    ] {
        let conf = rendered(&inventory(granularity));
        assert!(conf.contains(want), "{granularity}: {conf}");
        assert!(!conf.contains("authentication"), "{conf}");
    }
}

#[test]
fn an_ipv6_vip_is_no_source_address() {
    for (prefix, says) in [
        ("", "fd00::80/128 dev eth0 }"),
        ("/128", "fd00::80/128 dev eth0 }"),
        ("/64", "fd00::80/64 dev eth0 preferred_lft 0 }"),
    ] {
        let text = rendered(&format!(
            "cluster: t\nnetworks: {{ lan: 'fd00::/64' }}\nhosts:\n  lb1: {{ role: director, address: 'fd00::11' }}\n  \
             lb2: {{ role: backup, address: 'fd00::12' }}\n  rs1: {{ role: realserver, address: 'fd00::21' }}\n\
             vrrp: {{ virtual_router_id: 10 }}\nservices:\n  web: {{ vip: 'fd00::80{prefix}', port: 80 }}\n"
        ));
        assert!(text.contains(says), "{prefix}: no {says:?} in\n{text}");
    }
}

/// What keepalived's parser acts on outside quotes stands in quotes, byte for byte.
#[test]
fn a_path_of_odd_characters_stands_in_quotes() {
    for path in ["/x?q={1}", "/}", "/{", "/a!b", "/it''s", "/~u;v@w%20$x|y^z"] {
        let keys = format!("port: 80, health_check: {{ http: {{ path: '{path}' }} }}");
        let conf = rendered(&format!("{BASE}{ONE}{}", service(&keys)));
        let line = format!("url {{ path \"{}\" status_code", path.replace("''", "'"));
        assert!(conf.contains(&line), "no {line:?} in\n{conf}");
    }
}

/// So does a text that is looked for, in which brackets stand around what a pattern acts on.
#[test]
fn a_text_of_odd_characters_stands_in_quotes() {
    for (text, pattern) in [
        ("It works!", "It works!"),
        ("<html>", "<html>"),
        ("läuft", "läuft"),
        ("{status: up}", "[{]status: up[}]"),
        ("50% @a #b ~c &d", "50% @a #b ~c &d"),
        ("$_a ${b}", "[$]_a [$][{]b[}]"),
        ("it''s", "it's"),
    ] {
        let keys = format!("port: 80, health_check: {{ http: {{ text: '{text}' }} }}");
        let conf = rendered(&format!("{BASE}{ONE}{}", service(&keys)));
        let line = format!("(*SKIP)(*FAIL)|{pattern}\" }}");
        assert!(conf.contains(&line), "no {line:?} in\n{conf}");
    }
}

/// All VIPs are held; adverts name as many as they can on any interface, the same ones on all directors.
#[test]
fn vips_that_no_advert_can_name_are_held_beside() {
    for (v6, number, advertised) in [
        (false, 1, 1),
        (false, 255, 255),
        (false, 256, 255),
        (false, 320, 255),
        (true, 76, 76),
        (true, 77, 76),
        (true, 128, 76),
    ] {
        let vip = |n: usize| {
            if v6 {
                format!("2001:db8::1:{n:x}")
            } else {
                format!("10.2.{}.{}", n / 250 + 1, n % 250 + 1)
            }
        };
        let vips: Vec<String> = (0..number).map(vip).collect();
        let (subnet, host) = if v6 {
            ("2001:db8::/64", "2001:db8::")
        } else {
            ("10.2.0.0/16", "10.2.0.")
        };
        let mut text = format!(
            "cluster: t\nnetworks: {{ lan: '{subnet}' }}\nhosts:\n  \
             lb1: {{ role: director, address: '{host}11' }}\n  lb2: {{ role: backup, address: '{host}12' }}\n  \
             rs1: {{ role: realserver, address: '{host}21' }}\nvrrp: {{ virtual_router_id: 10 }}\nservices:\n"
        );
        for (index, some) in vips.chunks(64).enumerate() {
            text += &format!(
                "  s{index}: {{ vip: ['{}'], port: 80 }}\n",
                some.join("', '")
            );
        }
        let conf = rendered(&text);
        let block = |name: &str| -> Vec<String> {
            let after = conf
                .split(&format!(" {name} {{ "))
                .nth(1)
                .unwrap_or_default();
            let inner = after.split(" }").next().unwrap_or_default();
            let addresses = inner.split(' ').filter(|word| word.contains('/'));
            addresses
                .map(|word| word.split('/').next().unwrap_or_default().to_owned())
                .collect()
        };
        let (first, rest) = vips.split_at(advertised);
        assert_eq!(block("virtual_ipaddress"), first, "{number} {v6}");
        assert_eq!(block("virtual_ipaddress_excluded"), rest, "{number} {v6}");
        if v6 {
            // None of them may become the source of what the director sends.
            let wide = rendered(
                &text
                    .replace("', '", "/64', '")
                    .replace("'], port", "/64'], port"),
            );
            assert_eq!(wide.matches("/64 dev eth0 preferred_lft 0").count(), number);
        }
        let excluded = conf.contains("virtual_ipaddress_excluded");
        assert_eq!(excluded, !rest.is_empty(), "{number} {v6}");
    }
}
