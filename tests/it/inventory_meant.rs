//! What hints lead to: once all of them are followed, the inventory says what was meant, which stands beside the mistake.

use lvsctl::inventory::{self, BUILT_IN_ROLES};
use serde_json::Value;

use crate::support::follow::{self, problems, repaired};

/// Parts of an inventory, with what stands there where a case says nothing.
const PARTS: &[(&str, &str)] = &[
    ("top", ""),
    ("networks", "{ lan: 10.0.0.0/24 }"),
    ("defaults", "interface: eth0"),
    ("lb1", "role: director, address: 10.0.0.2"),
    ("rs1", "role: realserver, address: 10.0.0.11"),
    ("hosts", ""),
    ("vrrp", "virtual_router_id: 51"),
    ("web", "vip: 10.0.0.100, port: 80"),
];

pub(crate) type Parts = [(&'static str, &'static str)];

fn text(parts: &Parts) -> String {
    let part = |name: &str| {
        let own = parts.iter().find(|(known, _)| *known == name);
        let usual = PARTS.iter().find(|(known, _)| *known == name);
        own.or(usual).map_or("", |(_, text)| *text)
    };
    let unknown = parts
        .iter()
        .find(|(name, _)| !PARTS.iter().any(|(known, _)| known == name));
    assert_eq!(unknown, None);
    let vrrp = match part("vrrp") {
        whole if whole.starts_with(['[', '\n']) || whole.parse::<u8>().is_ok() => whole.to_owned(),
        map => format!("{{ {map} }}"),
    };
    let lb1 = part("lb1");
    let map = |text: &str| {
        if text.contains(": ") {
            format!("{{ {text} }}")
        } else {
            text.to_owned()
        }
    };
    format!(
        "cluster: m\nnetworks: {}\n{}defaults: {{ {} }}\nhosts:\n  lb1: {}\n  lb2: {{ role: backup, address: 10.0.0.3 }}\n  \
         rs1: {}\n  rs2: {{ role: realserver, address: 10.0.0.12 }}\n{}vrrp: {vrrp}\nservices:\n  web: {}\n",
        part("networks"),
        part("top"),
        part("defaults"),
        map(lb1),
        map(part("rs1")),
        part("hosts"),
        match part("web") {
            block if block.starts_with('\n') => block.to_owned(),
            flow => map(flow),
        },
    )
}

fn cluster(text: &str) -> Value {
    match inventory::parse("t.yaml", text, BUILT_IN_ROLES) {
        Ok(loaded) => serde_json::to_value(loaded.cluster).expect("a cluster"),
        Err(error) => panic!("{}\n{text}", error.render(100, false)),
    }
}

pub(crate) fn check(cases: &[(&Parts, &Parts)]) {
    let mut wrong = Vec::new();
    for (mistake, meant) in cases {
        let bad = text(mistake);
        let found = problems(&bad);
        if found.is_empty() {
            wrong.push(format!("{mistake:?}: is no mistake"));
            continue;
        }
        match repaired(&bad) {
            Err(error) => wrong.push(format!("{mistake:?}: {error}")),
            Ok(good) if cluster(&good) != cluster(&text(meant)) => {
                let said: Vec<_> = found.iter().map(|p| p.fix().unwrap_or_default()).collect();
                wrong.push(format!("{mistake:?}: {said:#?} lead to\n{good}"));
            }
            Ok(_) => {}
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_port_and_its_real_port() {
    check(&[
        (
            &[("web", "vip: 10.0.0.100, port: '80:8080'")],
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, real_port: 8080, mode: nat",
            )],
        ),
        (
            &[("web", "vip: 10.0.0.100, ports: ['80:8080']")],
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, real_port: 8080, mode: nat",
            )],
        ),
        (
            &[(
                "web",
                "\n    vip: 10.0.0.100\n    ports:\n      - \"80:8080\"",
            )],
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, real_port: 8080, mode: nat",
            )],
        ),
        (
            &[(
                "web",
                "vip: 10.0.0.100, port: [{ port: 80, targetPort: 8080, protocol: TCP }]",
            )],
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, real_port: 8080, mode: nat",
            )],
        ),
        (
            &[("web", "vip: 10.0.0.100, port: 80, targetPort: 8080")],
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, real_port: 8080, mode: nat",
            )],
        ),
        (
            &[("web", "vip: 10.0.0.100, port: 53/udp")],
            &[("web", "vip: 10.0.0.100, port: 53, protocol: udp")],
        ),
        (
            &[("web", "vip: 10.0.0.100, port: '80, 443'")],
            &[("web", "vip: 10.0.0.100, port: [80, 443]")],
        ),
        (
            &[("web", "vip: 10.0.0.100, fwmark: 1, port: '21, 10000-10100'")],
            &[("web", "vip: 10.0.0.100, fwmark: 1, port: [21, 10000-10100]")],
        ),
        (
            &[(
                "web",
                "health_check: { port: 10000 }, vip: 10.0.0.100, fwmark: 1, port: '10000:10100'",
            )],
            &[(
                "web",
                "health_check: { port: 10000 }, vip: 10.0.0.100, fwmark: 1, port: 10000-10100",
            )],
        ),
        (&[("web", "vip: 10.0.0.100, port: '*:80'")], &[]),
        // The port of SSH stays that.
        (
            &[("lb1", "role: director, address: 10.0.0.2, port: 2222")],
            &[(
                "lb1",
                "role: director, address: 10.0.0.2, ssh: { port: 2222 }",
            )],
        ),
    ]);
}

#[test]
fn addresses_with_something_beside_them() {
    check(&[
        (&[("web", "virtual_server: 10.0.0.100 80")], &[]),
        (&[("web", "bind: 10.0.0.100:80")], &[]),
        (&[("web", "vip: '10.0.0.100:80'")], &[]),
        (&[("web", "vip: 10.0.0.100 80, port: 80")], &[]),
        (&[("web", "tcp-service: 10.0.0.100:80")], &[]),
        (
            &[("web", "vip: 10.0.0.100/255.255.255.0, port: 80")],
            &[("web", "vip: 10.0.0.100/24, port: 80")],
        ),
        (&[("networks", "{ lan: 10.0.0.0/255.255.255.0 }")], &[]),
        (
            &[(
                "networks",
                "{ lan: { subnet: 10.0.0.0/24, driver: bridge } }",
            )],
            &[],
        ),
        (
            &[("web", "vip: 10.0.0.100-10.0.0.102, port: 80")],
            &[("web", "vip: [10.0.0.100, 10.0.0.101, 10.0.0.102], port: 80")],
        ),
        (
            &[("web", "vip: '10.0.0.100, 10.0.0.101', port: 80")],
            &[("web", "vip: [10.0.0.100, 10.0.0.101], port: 80")],
        ),
        (
            &[
                (
                    "vrrp",
                    "virtual_router_id: 51, virtual_ipaddress: [10.0.0.100/24 dev eth0]",
                ),
                ("web", "vip: 10.0.0.100/24, port: 80"),
            ],
            &[
                ("vrrp", "virtual_router_id: 51, vips: 10.0.0.100/24"),
                ("web", "vip: 10.0.0.100/24, port: 80"),
            ],
        ),
        (
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, sorry_server: 10.0.0.20 80",
            )],
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, sorry_server: 10.0.0.20:80",
            )],
        ),
        (
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, sorry_server: [10.0.0.20]",
            )],
            &[("web", "vip: 10.0.0.100, port: 80, sorry_server: 10.0.0.20")],
        ),
        (
            &[("web", "vip: 10.0.0.100, port: 80, backup_server: 10.0.0.20")],
            &[("web", "vip: 10.0.0.100, port: 80, sorry_server: 10.0.0.20")],
        ),
        (
            &[(
                "rs1",
                "role: realserver, address: \u{201c}10.0.0.11\u{201d}",
            )],
            &[],
        ),
        (
            &[("rs1", "role: realserver, address: '10.0.0.11\u{a0}'")],
            &[],
        ),
        (
            &[("rs1", "role: realserver, address: '10.0.0.11:8080'")],
            &[],
        ),
        (&[("rs1", "10.0.0.11")], &[]),
    ]);
}

#[test]
fn real_servers_of_other_programs() {
    let web = |list: &str| -> &'static str {
        Box::leak(format!("vip: 10.0.0.100, port: 80, {list}").into_boxed_str())
    };
    let both = web("real_servers: [rs1, rs2]");
    let weighted = web("real_servers: { rs1: { weight: 3 }, rs2: { weight: 1 } }");
    let mapped = web("mode: nat, real_servers: { rs1: { port: 8080 }, rs2: { port: 8080 } }");
    for (list, meant) in [
        ("real_servers: ['10.0.0.11:80', '10.0.0.12:80']", both),
        (
            "real_servers: [rs1 weight 1, rs2]",
            web("real_servers: { rs1: { weight: 1 }, rs2: {} }"),
        ),
        ("real_servers: rs1 rs2", both),
        ("real_servers: [[rs1, rs2]]", both),
        ("real_servers: 'rs1, rs2'", both),
        ("mode: nat, real_servers: ['rs1:8080', 'rs2:8080']", mapped),
        ("real_servers: ['rs1:8080', 'rs2:8080']", mapped),
        ("mode: dr, real_servers: ['rs1:8080', 'rs2:8080']", mapped),
        (
            "real_servers: [{ name: rs1, weight: 3 }, { name: rs2, weight: 1 }]",
            weighted,
        ),
        (
            "real_servers: [{ host: 10.0.0.11, weight: 3 }, { address: 10.0.0.12, weight: 1 }]",
            weighted,
        ),
        ("real_servers: { rs1: 3, rs2: 1 }", weighted),
        ("weights: { rs1: 3, rs2: 1 }", weighted),
        ("weight: { rs1: 3, rs2: 1 }", weighted),
        ("weight: [3, 1]", weighted),
        ("servers: [rs1, rs2]", both),
        (
            "server: [rs1 10.0.0.11:80 check, rs2 10.0.0.12:80 check]",
            both,
        ),
        ("real: [10.0.0.11:80 gate 3, 10.0.0.12:80 gate 1]", weighted),
        (
            "real_servers: { rs1: { weight: 0, state: down }, rs2: { weight: 2, enabled: yes } }",
            web("real_servers: { rs1: { weight: 0 }, rs2: { weight: 2 } }"),
        ),
    ] {
        check(&[(&[("web", web(list))], &[("web", meant)])]);
    }
}

#[test]
fn real_servers_in_maintenance() {
    let drained: &Parts = &[("rs1", "role: realserver, address: 10.0.0.11, weight: 0")];
    for state in [
        "state: maintenance",
        "state: MAINT",
        "state: drain",
        "enabled: false",
        "enabled: no",
        "disabled: yes",
        "drain: true",
        "maintenance: true",
        "enabled: false, disabled: yes, drain: true",
        "weight: 0, state: down",
        "weight: 3, state: down",
    ] {
        let host =
            Box::leak(format!("role: realserver, address: 10.0.0.11, {state}").into_boxed_str());
        check(&[(&[("rs1", host)], drained)]);
    }
    for state in [
        "state: up",
        "enabled: true",
        "disabled: false",
        "maintenance: no",
    ] {
        let host =
            Box::leak(format!("role: realserver, address: 10.0.0.11, {state}").into_boxed_str());
        check(&[(&[("rs1", host)], &[])]);
    }
    check(&[(
        &[("lb1", "role: director, address: 10.0.0.2, state: MASTER")],
        &[],
    )]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn health_checks_of_other_programs() {
    let web = |list: &str| -> &'static str {
        Box::leak(format!("vip: 10.0.0.100, port: 80, {list}").into_boxed_str())
    };
    for (list, meant) in [
        (
            "health_check: { HTTP_GET: { url: { path: /health, status_code: 204 }, connect_timeout: 5, nb_get_retry: 2 } }",
            "health_check: { http: { path: /health, status: 204 }, connect_timeout: 5, retry: 2 }",
        ),
        (
            "HTTP_GET: { url: [{ path: /health, digest: abc }] }",
            "health_check: { http: { path: /health } }",
        ),
        (
            "health_check: { SSL_GET: { url: { path: /x } } }",
            "health_check: { https: { path: /x } }",
        ),
        (
            "health_check: { TCP_CHECK: { connect_timeout: 5 } }",
            "health_check: { tcp: {}, connect_timeout: 5 }",
        ),
        (
            "TCP_CHECK: { connect_timeout: 5 }, healthcheck: tcp",
            "health_check: { tcp: {}, connect_timeout: 5 }",
        ),
        (
            "health_check: { MISC_CHECK: { misc_path: /usr/local/bin/x, misc_timeout: 7 } }",
            "health_check: { script: { path: /usr/local/bin/x, timeout: 7 } }",
        ),
        (
            "health_check: /usr/local/bin/x",
            "health_check: { script: { path: /usr/local/bin/x } }",
        ),
        (
            "health_check: { script: /usr/local/bin/x }",
            "health_check: { script: { path: /usr/local/bin/x } }",
        ),
        (
            "health_check: { http: /health }",
            "health_check: { http: { path: /health } }",
        ),
        (
            "health_check: { http: 'http://x/health' }",
            "health_check: { http: { path: /health } }",
        ),
        ("health_check: { tcp: true }", "health_check: { tcp: {} }"),
        (
            "health_check: { tcp: {}, http: { path: /x } }",
            "health_check: { http: { path: /x } }",
        ),
        (
            "health_check: { tcp: true, http: {} }",
            "health_check: http",
        ),
        (
            "health_check: { type: http, path: /x }",
            "health_check: { http: { path: /x } }",
        ),
        (
            "health_check: { path: /x, status: 204 }",
            "health_check: { http: { path: /x, status: 204 } }",
        ),
        (
            "health_check: { http: {}, path: /x }",
            "health_check: { http: { path: /x } }",
        ),
        (
            "health_check: { http: {}, host: www.example.org }",
            "health_check: { http: { host: www.example.org } }",
        ),
        (
            "health_check: { tcp: { connect_timeout: 5 } }",
            "health_check: { tcp: {}, connect_timeout: 5 }",
        ),
        (
            "health_check: { tcp: { port: 81 } }",
            "health_check: { tcp: {}, port: 81 }",
        ),
        (
            "health_check: { http: { nb_get_retry: 5 } }",
            "health_check: { http: {}, retry: 5 }",
        ),
        (
            "health_check: { type: http, interval: 5s, timeout: 2s, fall: 3, path: /health }",
            "health_check: { http: { path: /health }, connect_timeout: 2, retry: 2 }, delay_loop: 5",
        ),
        (
            "health_check: { http: {}, interval: 10 }",
            "health_check: http, delay_loop: 10",
        ),
        ("check: http", "health_check: http"),
        (
            "option: httpchk GET /health",
            "health_check: { http: { path: /health } }",
        ),
        (
            "health_check: tcp, virtualhost: www.example.org",
            "health_check: { http: { host: www.example.org } }",
        ),
        (
            "health_check: http, retry: 5",
            "health_check: { http: {}, retry: 5 }",
        ),
        (
            "checktype: negotiate, request: /x, receive: OK",
            "health_check: { http: { path: /x, text: OK } }",
        ),
        (
            "real_servers: { rs1: { TCP_CHECK: { connect_timeout: 5 } }, rs2: {} }",
            "health_check: { tcp: {}, connect_timeout: 5 }",
        ),
        (
            "real_servers: { rs1: { retry: 5 }, rs2: {} }",
            "health_check: { retry: 5 }",
        ),
    ] {
        check(&[(&[("web", web(list))], &[("web", web(meant))])]);
    }
}

#[test]
fn persistence_and_other_switches() {
    let web = |list: &str| -> &'static str {
        Box::leak(format!("vip: 10.0.0.100, port: 80, {list}").into_boxed_str())
    };
    for (list, meant) in [
        ("persistent: yes", "persistence: true"),
        ("persistent: 600", "persistence: 600"),
        ("sticky: yes", "persistence: true"),
        ("sessionAffinity: ClientIP", "persistence: true"),
        ("persistence: yes", "persistence: true"),
        (
            "persistent: true, persistence_granularity: 255.255.255.0",
            "persistence: { granularity: 24 }",
        ),
        (
            "persistence_timeout: 60, netmask: 255.255.255.0",
            "persistence: { timeout: 60, granularity: 24 }",
        ),
        (
            "persistence: 60, netmask: 255.255.255.0",
            "persistence: { timeout: 60, granularity: 24 }",
        ),
        (
            "persistence: { timeout: 60, netmask: 255.255.255.0 }",
            "persistence: { timeout: 60, granularity: 24 }",
        ),
        ("lb_method: wlc", "scheduler: wlc"),
        ("lb_method: NAT", "mode: nat"),
        (
            "real_servers: { rs1: { maintenance: true }, rs2: {} }",
            "real_servers: { rs1: { weight: 0 }, rs2: {} }",
        ),
        ("mark: 1", "fwmark: 1"),
        ("firewall_mark: 1", "fwmark: 1"),
        (
            "ops: true",
            "protocol: udp, one_packet: true, health_check: false",
        ),
        ("scheduler: [wlc]", "scheduler: wlc"),
    ] {
        // What is sent by UDP alone has no TCP to be asked by.
        let list = if list.starts_with("ops") {
            "health_check: false, ops: true"
        } else {
            list
        };
        check(&[(&[("web", web(list))], &[("web", web(meant))])]);
    }
}

#[test]
fn words_of_vrrp() {
    let vrrp = |list: &str| -> &'static str {
        Box::leak(format!("virtual_router_id: 51, {list}").into_boxed_str())
    };
    for (list, meant) in [
        ("unicast: [10.0.0.2, 10.0.0.3]", "unicast: true"),
        ("unicast_src_ip: 10.0.0.2", "unicast: false"),
        (
            "unicast_src_ip: 10.0.0.2, unicast_peer: [10.0.0.3]",
            "unicast: true",
        ),
        ("mcast_src_ip: 10.0.0.2", "unicast: false"),
        ("interval: 2", "advert_int: 2"),
        ("sync_daemon: { interface: eth0 }", "sync_daemon: true"),
        (
            "members: { lb1: 110, lb2: 100 }",
            "members: { lb1: { priority: 110 }, lb2: { priority: 100 } }",
        ),
        (
            "members: { lb1: 10.0.0.2, lb2: 10.0.0.3 }",
            "members: [lb1, lb2]",
        ),
        ("members: 'lb1, lb2'", "members: [lb1, lb2]"),
        (
            "notify: /usr/local/bin/m.sh MASTER",
            "notify: /usr/local/bin/m.sh",
        ),
        ("notify: m.sh", "notify: /usr/local/bin/m.sh"),
        (
            "notify: { master: /usr/local/bin/m.sh }",
            "notify: /usr/local/bin/m.sh",
        ),
        (
            "notify_master: /usr/local/bin/m.sh",
            "notify: /usr/local/bin/m.sh",
        ),
        (
            "track_script: { chk: { script: /usr/bin/killall -0 haproxy, weight: -20 } }",
            "track_script: { chk: { unit: haproxy.service, weight: -20 } }",
        ),
        (
            "track_script: { chk: { script: /usr/local/bin/up --fast } }",
            "track_script: { chk: { script: /usr/local/bin/up } }",
        ),
        ("track_interface: { eth0: {} }", "track_interface: [eth0]"),
        ("preempt_delay: 60", "preempt: true"),
    ] {
        check(&[(&[("vrrp", vrrp(list))], &[("vrrp", vrrp(meant))])]);
    }
    check(&[
        (&[("vrrp", "[{ name: VI_1, virtual_router_id: 51 }]")], &[]),
        (
            &[(
                "vrrp",
                "\n  - name: VI_1\n    virtual_router_id: 51\n    advert_int: 2",
            )],
            &[("vrrp", "virtual_router_id: 51, advert_int: 2")],
        ),
        (&[("vrrp", "51")], &[]),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn keys_at_another_place() {
    check(&[
        (
            &[("top", "delay_loop: 7\n")],
            &[("web", "vip: 10.0.0.100, port: 80, delay_loop: 7")],
        ),
        (
            &[("defaults", "interface: eth0, scheduler: wlc")],
            &[("web", "vip: 10.0.0.100, port: 80, scheduler: wlc")],
        ),
        (
            &[("lb1", "role: director, address: 10.0.0.2, mode: nat")],
            &[("web", "vip: 10.0.0.100, port: 80, mode: nat")],
        ),
        (
            &[("vrrp", "virtual_router_id: 51, delay_loop: 7")],
            &[("web", "vip: 10.0.0.100, port: 80, delay_loop: 7")],
        ),
        (
            &[("top", "advert_int: 2\n")],
            &[("vrrp", "virtual_router_id: 51, advert_int: 2")],
        ),
        (
            &[("top", "ssh: { user: root }\n")],
            &[("defaults", "interface: eth0, ssh: { user: root }")],
        ),
        (
            &[("top", "gateway: 10.0.0.1\n")],
            &[("defaults", "interface: eth0, gateway: 10.0.0.1")],
        ),
        (
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, real_servers: { rs1: { priority: 3 }, rs2: {} }",
            )],
            &[("rs1", "role: realserver, address: 10.0.0.11, priority: 3")],
        ),
        (
            &[(
                "defaults",
                "ssh_user: root, become: yes, identity_file: ~/.ssh/x",
            )],
            &[(
                "defaults",
                "ssh: { user: root, sudo: true, identity_files: [~/.ssh/x] }",
            )],
        ),
        (
            &[(
                "lb1",
                "role: director, address: 10.0.0.2, ansible_user: admin, ansible_port: 2222, ansible_ssh_private_key_file: ~/.ssh/k, ansible_become: yes",
            )],
            &[(
                "lb1",
                "role: director, address: 10.0.0.2, ssh: { user: admin, port: 2222, identity_files: [~/.ssh/k], sudo: true }",
            )],
        ),
        (
            &[(
                "defaults",
                "ssh: { host_key_checking: false, timeout: 5s, key: ~/.ssh/x }",
            )],
            &[(
                "defaults",
                "ssh: { host_key_checking: accept-new, connect_timeout: 5, identity_files: [~/.ssh/x] }",
            )],
        ),
        (
            &[("top", "auth_pass: hunter2\n")],
            &[(
                "vrrp",
                "virtual_router_id: 51, auth_pass: { env: LVSCTL_AUTH_PASS }",
            )],
        ),
        (
            &[(
                "vrrp",
                "virtual_router_id: 51, auth_pass: { env: VRRP_PASS, file: x }",
            )],
            &[(
                "vrrp",
                "virtual_router_id: 51, auth_pass: { env: VRRP_PASS }",
            )],
        ),
        (
            &[(
                "hosts",
                "  more:\n    rs3: { address: 10.0.0.13 }\n    rs4: { address: 10.0.0.14 }\n",
            )],
            &[(
                "hosts",
                "  rs3: { role: realserver, address: 10.0.0.13 }\n  rs4: { role: realserver, address: 10.0.0.14 }\n",
            )],
        ),
        (
            &[(
                "hosts",
                "  webservers: { hosts: { rs3: { ansible_host: 10.0.0.13 } }, vars: { a: 1 } }\n",
            )],
            &[("hosts", "  rs3: { role: realserver, address: 10.0.0.13 }\n")],
        ),
        (
            &[("rs1", "role: 'realserver, web', address: 10.0.0.11")],
            &[("rs1", "role: [realserver, web], address: 10.0.0.11")],
        ),
    ]);
}

#[test]
fn slips_of_the_keyboard() {
    check(&[
        (&[("web", "{ vip:10.0.0.100, port:80 }")], &[]),
        (&[("web", "{ vip=10.0.0.100, port=80 }")], &[]),
        (&[("web", "\u{a0}vip: 10.0.0.100, port:\u{a0}80")], &[]),
        (
            &[
                ("top", "x-defaults: &d { mode: nat, scheduler: wlc }\n"),
                ("web", "<<: *d, vip: 10.0.0.100, port: 80"),
            ],
            &[
                ("top", "vars: { d: { mode: nat, scheduler: wlc } }\n"),
                (
                    "web",
                    "mode: nat, scheduler: wlc, vip: 10.0.0.100, port: 80",
                ),
            ],
        ),
        (
            &[
                ("top", ".a: &d { mode: nat }\n.b: &e { scheduler: wlc }\n"),
                ("web", "<<: [*d, *e], vip: 10.0.0.100, port: 80"),
            ],
            &[
                ("top", "vars: { d: { mode: nat }, e: { scheduler: wlc } }\n"),
                (
                    "web",
                    "mode: nat, scheduler: wlc, vip: 10.0.0.100, port: 80",
                ),
            ],
        ),
    ]);
    let unindented = text(&[]).replace("  web: {", "web: {");
    let good = repaired(&unindented).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(cluster(&good), cluster(&text(&[])));
    // Words of a closed set are taken in capitals too.
    let shouted =
        "vip: 10.0.0.100, port: 80, protocol: TCP, mode: DR, scheduler: WLC, health_check: HTTP";
    let said =
        "vip: 10.0.0.100, port: 80, protocol: tcp, mode: dr, scheduler: wlc, health_check: http";
    assert_eq!(
        cluster(&text(&[(
            "web",
            Box::leak(shouted.to_owned().into_boxed_str())
        )])),
        cluster(&text(&[("web", said)]))
    );
}

/// What is wrong with a value that is used again is said where it is written, of a use alone at the use.
#[test]
fn aliases_are_blamed_where_they_are_wrong() {
    let two = |first: &str, second: &str| {
        text(&[("web", "@")]).replace("  web: @", &format!("  web: {first}\n  two: {second}"))
    };
    for (text, places) in [
        (
            two("&w { vip: 10.0.0.100, port: 80 }", "*w"),
            &[(12, 8)][..],
        ),
        (
            two("&w { vip: 10.0.9.100, port: 80 }", "{ <<: *w, port: 81 }"),
            &[(11, 18)],
        ),
        (
            two("{ vip: 10.0.0.100, port: &p 80 }", "{ vip: *p, port: 81 }"),
            &[(12, 15)],
        ),
        (
            two(
                "{ vip: 10.0.0.100, port: 80, real_servers: &r [rs1, rs2] }",
                "{ vip: 10.0.0.100, port: 81, weight: *r }",
            ),
            &[(12, 45)],
        ),
    ] {
        let found = problems(&text);
        let found: Vec<(usize, usize)> = found.iter().filter_map(|p| p.position()).collect();
        assert_eq!(found, places, "{text}");
    }
}

/// What no hint can write in one place is said in words; and each message is where the mistake is.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn mistakes_that_take_more_than_a_word() {
    let web = |keys: &str| format!("web: {{ vip: 10.0.0.100, {keys} }}");
    let usual = text(&[]);
    let service = |keys: &str| usual.replace("web: { vip: 10.0.0.100, port: 80 }", &web(keys));
    let vrrp = |keys: &str| {
        usual.replace(
            "virtual_router_id: 51",
            &format!("virtual_router_id: 51, {keys}"),
        )
    };
    let two =
        "make two services of it with the same `vip` and `port`: `web-tcp` with `protocol: tcp`";
    let each = "make a service of each: `web-80: { vip: 10.0.0.100, port: 80, real_port: 8080, mode: nat }`";
    for (text, place, says) in [
        (service("port: 53, protocol: [tcp, udp]"), (11, 47), two),
        (service("port: 53, protocol: 'tcp,udp'"), (11, 47), two),
        (service("port: 53, protocol: both"), (11, 47), two),
        (service("port: ['80:8080', '443:8443']"), (11, 33), each),
        (service("ports: ['80:8080', '443:8443']"), (11, 27), each),
        (
            service("port: [5060/tcp, 5060/udp]"),
            (11, 33),
            "`web-5060-udp: { vip: 10.0.0.100, port: 5060, protocol: udp }`",
        ),
        (
            service("port: 80, real_port: [8080, 8443], mode: nat"),
            (11, 48),
            "a separate service for each port",
        ),
        (
            service("port: 80, health_check: { smtp: {} }"),
            (11, 53),
            "lvsctl has no check `smtp`: `tcp: {}` only connects",
        ),
        (
            service("port: 80, health_check: { tcp: {}, port: [80, 443] }"),
            (11, 68),
            "write one port, or delete the key",
        ),
        (
            service("port: 80, real_servers: all"),
            (11, 51),
            "delete `real_servers`",
        ),
        (
            service("port: 80, inhibit_on_failure: true"),
            (11, 37),
            "delete it, as lvsctl does not support it: a real server that fails is taken out",
        ),
        (
            service("port: 80, quorum: 2"),
            (11, 37),
            "delete it, as lvsctl does not support it: a service lasts as long as one real server does",
        ),
        (
            service("port: 80, enabled: false"),
            (11, 37),
            "delete the service `web`",
        ),
        (
            service("port: 80, sorry_server: ''"),
            (11, 51),
            "write a value between the quotes, or delete the key",
        ),
        (
            service("port: 80, health_check: { http: { digest: abc } }"),
            (11, 61),
            "`text` names words",
        ),
        (
            vrrp("preempt_delay: 60"),
            (9, 32),
            "with `preempt: false` not at all",
        ),
        (vrrp("sync_group: x"), (9, 32), "move together"),
        (
            vrrp("track_script: [up]"),
            (9, 46),
            "write each below its name",
        ),
        (
            usual.replace("cluster: m", "cluster: ${NAME}"),
            (1, 10),
            "an inventory has no variables: write the value itself in the place of `${NAME}`",
        ),
        (
            usual.replace("cluster: m", "cluster: {{ name }}"),
            (1, 10),
            "in the place of `{{ name }}`",
        ),
        (
            usual.replace("10.0.0.11 }", "'{{ rs1 }}' }"),
            (7, 37),
            "in the place of `{{ rs1 }}`",
        ),
        (
            usual.replace("rs1: {", "rs[1:3]: {"),
            (7, 3),
            "`rs1`, `rs2`, `rs3`",
        ),
        (
            usual.replace("10.0.0.0/24 }", "[10.0.0.0/24, 2001:db8::] }"),
            (2, 32),
            "write `2001:db8::/64`",
        ),
        (
            usual.replace("10.0.0.0/24 }", "10.0.0.0/24, lan6: 2001:db8:: }"),
            (2, 37),
            "an address that ends with `:` needs quotes",
        ),
        (
            usual.replace("10.0.0.3 }", "10.0.0.3"),
            (6, 8),
            "add a `}` where the map ends",
        ),
        (
            usual.replace("  rs1:", "\trs1:"),
            (7, 1),
            "indent by spaces",
        ),
        (
            usual
                .replace(
                    "  rs2: { role: realserver, address: 10.0.0.12 }",
                    "  rs2: *rs",
                )
                .replace("rs1: {", "rs1: &rs {"),
            (8, 8),
            "a different address",
        ),
        (
            usual.replace(
                "hosts:",
                "hosts:\n  all: { children: { dir: { hosts: { lb9: {} } } } }",
            ),
            (5, 3),
            "write each host right below `hosts`",
        ),
        (
            "[directors]\nlb1 ansible_host=10.0.0.2\n".to_owned(),
            (1, 1),
            "begin it with `cluster: NAME`",
        ),
        (
            "vrrp_instance VI_1 {\n  state MASTER\n}\n".to_owned(),
            (1, 1),
            "begin it with `cluster: NAME`",
        ),
    ] {
        let found = problems(&text);
        let [problem] = found.as_slice() else {
            panic!("{text}: {found:#?}");
        };
        let help = problem.fix().unwrap_or_default();
        assert!(help.contains(says), "{problem}: {help:?}\n{text}");
        let shown = text.lines().nth(place.0 - 1).unwrap_or_default();
        assert_eq!(problem.position(), Some(place), "{problem}\n{shown}");
        assert_eq!(follow::next_error(&text, problem), None);
    }
}
