//! Words that administrators bring along, each in the type of map in which they write it: the hint says what was meant.

use crate::inventory_meant::{Parts, check};

/// A line in a part of the inventory, and the line that it means; `""` where it can go.
type Word = (&'static str, &'static str);

/// Checks words that stand behind the usual text of a part.
fn words(part: &'static str, usual: &str, cases: &[Word]) {
    let with = |line: &str| -> &'static str {
        let text = match line {
            "" => usual.to_owned(),
            line => format!("{usual}, {line}"),
        };
        Box::leak(text.into_boxed_str())
    };
    for (mistake, meant) in cases {
        let mistake: &Parts = &[(part, with(mistake))];
        let meant: &Parts = &[(part, with(meant))];
        check(&[(mistake, meant)]);
    }
}

#[test]
fn of_a_service() {
    words(
        "web",
        "vip: 10.0.0.100, port: 80",
        &[
            ("sched: wlc", "scheduler: wlc"),
            ("policy: roundrobin", "scheduler: wrr"),
            ("lb_mode: masq", "mode: nat"),
            ("forwarding_method: DR", "mode: dr"),
            ("persist: 300", "persistence: 300"),
            ("session_persistence: yes", "persistence: true"),
            ("affinity: true", "persistence: true"),
            ("proto: TCP", "protocol: tcp"),
            ("targets: [rs1, rs2]", "real_servers: [rs1, rs2]"),
            (
                "backends: { rs1: 3, rs2: 1 }",
                "real_servers: { rs1: { weight: 3 }, rs2: { weight: 1 } }",
            ),
            ("dest_port: 8080", "real_port: 8080, mode: nat"),
            (
                "check_url: 'http://x/health'",
                "health_check: { http: { path: /health } }",
            ),
            ("health_port: 8080", "health_check: { port: 8080 }"),
            ("http: /health", "health_check: { http: { path: /health } }"),
            ("https: true", "health_check: https"),
            (
                "script: check.sh",
                "health_check: { script: { path: /usr/local/bin/check.sh } }",
            ),
            (
                "check_script: check.sh -x",
                "health_check: { script: { path: /usr/local/bin/check.sh } }",
            ),
            (
                "option httpchk: GET /up",
                "health_check: { http: { path: /up } }",
            ),
            ("failover: 10.0.0.20", "sorry_server: 10.0.0.20"),
            ("name: web", ""),
            ("selector: { app: web }", ""),
            ("externalTrafficPolicy: Local", ""),
            ("digest: abc", ""),
            ("redispatch: true", ""),
        ],
    );
    words(
        "web",
        "vip: 10.0.0.100",
        &[
            ("vport: 80", "port: 80"),
            ("listen_port: 80", "port: 80"),
            ("ports: [80, 443]", "port: [80, 443]"),
        ],
    );
    words(
        "web",
        "port: 80",
        &[
            ("service_ip: 10.0.0.100", "vip: 10.0.0.100"),
            ("floating_ip: 10.0.0.100", "vip: 10.0.0.100"),
            (
                "virtual_ips: [10.0.0.100, 10.0.0.101]",
                "vip: [10.0.0.100, 10.0.0.101]",
            ),
        ],
    );
}

#[test]
fn of_a_real_server() {
    let with = |keys: &str| -> &'static str {
        let text = format!(
            "vip: 10.0.0.100, port: 80, mode: nat, real_servers: {{ rs1: {{ {keys} }}, rs2: {{}} }}"
        );
        Box::leak(text.into_boxed_str())
    };
    for (mistake, meant) in [
        ("targetPort: 8080", "port: 8080"),
        ("dest_port: 8080", "port: 8080"),
        ("lvs_weight: 3", "weight: 3"),
        ("name: rs1", ""),
        ("on-marked-down: shutdown-sessions", ""),
        ("status: offline", "weight: 0"),
    ] {
        check(&[(&[("web", with(mistake))], &[("web", with(meant))])]);
    }
}

#[test]
fn of_a_health_check() {
    let with = |keys: &str| -> &'static str {
        let text = format!("vip: 10.0.0.100, port: 80, health_check: {{ {keys} }}");
        Box::leak(text.into_boxed_str())
    };
    for (mistake, meant) in [
        ("type: https, path: /x", "https: { path: /x }"),
        ("path: /x, type: https", "https: { path: /x }"),
        ("type: tcp, port: 81", "tcp: {}, port: 81"),
        (
            "type: script, command: check.sh",
            "script: { path: /usr/local/bin/check.sh }",
        ),
        (
            "type: script, command: check.sh, timeout: 7",
            "script: { path: /usr/local/bin/check.sh, timeout: 7 }",
        ),
        (
            "script: { command: check.sh }",
            "script: { path: /usr/local/bin/check.sh }",
        ),
        (
            "exec: { command: [/bin/check, web] }",
            "script: { path: /bin/check }",
        ),
        (
            "httpGet: { path: /up, port: 8080 }",
            "http: { path: /up }, port: 8080",
        ),
        ("tcpSocket: { port: 8080 }", "tcp: {}, port: 8080"),
        (
            "httpGet: { path: /up }, failureThreshold: 3, timeoutSeconds: 2",
            "http: { path: /up }, retry: 2, connect_timeout: 2",
        ),
        ("http: {}, successThreshold: 2", "http: {}, rise: 2"),
        ("http: {}, initialDelaySeconds: 5", "http: {}"),
        ("http: { endpoint: up }", "http: { path: /up }"),
        (
            "endpoint: /up, success_codes: 204",
            "http: { path: /up, status: 204 }",
        ),
        ("http: { expect: 2xx }", "http: { status: 200-299 }"),
        ("http: {}, expect: string OK", "http: { text: OK }"),
        ("http: { contains: OK }", "http: { text: OK }"),
        ("tcp: {}, max_retries: 5", "tcp: {}, retry: 5"),
        ("http: { timeout: 5 }", "http: {}, connect_timeout: 5"),
    ] {
        check(&[(&[("web", with(mistake))], &[("web", with(meant))])]);
    }
    let every = |keys: &str| -> &'static str {
        Box::leak(format!("vip: 10.0.0.100, port: 80, {keys}").into_boxed_str())
    };
    for mistake in ["period: 5s", "frequency: 5", "periodSeconds: 5"] {
        let mistake = every(&format!("health_check: {{ http: {{}}, {mistake} }}"));
        check(&[(
            &[("web", mistake)],
            &[("web", every("health_check: http, delay_loop: 5"))],
        )]);
    }
}

#[test]
fn of_a_host() {
    words(
        "rs1",
        "role: realserver, address: 10.0.0.11",
        &[
            ("device: eth1", "interface: eth1"),
            ("default_gw: 10.0.0.1", "gateway: 10.0.0.1"),
            ("lvs_weight: 3", "weight: 3"),
            (
                "become_password: x",
                "ssh: { sudo_password: { env: LVSCTL_SUDO_PASSWORD } }",
            ),
            ("ansible_connection: ssh", "connection: ssh"),
            (
                "ansible_host: rs1.example.org",
                "ssh: { host: rs1.example.org }",
            ),
            ("ansible_python_interpreter: /usr/bin/python3", ""),
            ("ansible_network_os: debian", ""),
            ("gather_facts: no", ""),
            ("arp_ignore: 1", ""),
            ("nameserver: 10.0.0.1", ""),
            ("name: rs1", ""),
            (
                "ssh: { ssh_key: ~/.ssh/id_x }",
                "ssh: { identity_files: [~/.ssh/id_x] }",
            ),
            (
                "ssh: { UserKnownHostsFile: /root/known }",
                "ssh: { known_hosts: /root/known }",
            ),
            ("ssh: { login_timeout: 5 }", "ssh: { connect_timeout: 5 }"),
        ],
    );
    words(
        "rs1",
        "role: realserver",
        &[
            ("ipaddress: 10.0.0.11", "address: 10.0.0.11"),
            ("ipv4: 10.0.0.11", "address: 10.0.0.11"),
            ("private_ip: 10.0.0.11", "address: 10.0.0.11"),
        ],
    );
    words(
        "rs1",
        "address: 10.0.0.11",
        &[
            ("type: real-server", "role: realserver"),
            ("function: [realserver, web]", "role: [realserver, web]"),
        ],
    );
    words(
        "lb1",
        "role: director, address: 10.0.0.2",
        &[
            ("vrrp_priority: 120", "priority: 120"),
            ("keepalived_state: MASTER", ""),
            ("state: down", ""),
        ],
    );
    words(
        "defaults",
        "interface: eth0",
        &[
            ("default_gateway: 10.0.0.1", "gateway: 10.0.0.1"),
            ("ansible_become: yes", "ssh: { sudo: true }"),
            (
                "ansible_port: 2222, ansible_user: admin",
                "ssh: { port: 2222, user: admin }",
            ),
            ("sysctls: { net.ipv4.ip_forward: 1 }", ""),
        ],
    );
}

#[test]
fn of_vrrp() {
    words(
        "vrrp",
        "virtual_router_id: 51",
        &[
            ("advert: 2", "advert_int: 2"),
            ("peers: [lb1, lb2]", "members: [lb1, lb2]"),
            ("dev: eth0", "interface: eth0"),
            (
                "vrrp_script: up.sh",
                "track_script: { up: { script: /usr/local/bin/up.sh } }",
            ),
            ("ipvs_sync: true", "sync_daemon: true"),
            ("auth: hunter2", "auth_pass: { env: LVSCTL_AUTH_PASS }"),
            (
                "check_script: up.sh",
                "track_script: { up: { script: /usr/local/bin/up.sh } }",
            ),
            (
                "members: { lb1: { vrrp_priority: 120 }, lb2: {} }",
                "members: { lb1: { priority: 120 }, lb2: {} }",
            ),
            (
                "track_script: { up: { command: up.sh } }",
                "track_script: { up: { script: /usr/local/bin/up.sh } }",
            ),
            (
                "track_script: { up: { script: /up, every: 2s } }",
                "track_script: { up: { script: /up, interval: 2 } }",
            ),
            (
                "track_script: { up: { script: /up, failures: 3 } }",
                "track_script: { up: { script: /up, fall: 3 } }",
            ),
        ],
    );
    check(&[
        (
            &[("vrrp", "vhid: 51")],
            &[("vrrp", "virtual_router_id: 51")],
        ),
        (
            &[("vrrp", "vrrp_group: 51")],
            &[("vrrp", "virtual_router_id: 51")],
        ),
    ]);
}

#[test]
fn of_the_inventory() {
    for line in [
        "tasks: []\n",
        "gather_facts: false\n",
        "apiVersion: v1\n",
        "maxconn: 2000\n",
        "ip_forward: 1\n",
        "description: the web\n",
    ] {
        check(&[(&[("top", line)], &[])]);
    }
    check(&[
        (
            &[("hosts", "  real_servers: { rs3: { ip: 10.0.0.13 } }\n")],
            &[("hosts", "  rs3: { role: realserver, address: 10.0.0.13 }\n")],
        ),
        (
            &[(
                "top",
                "waive: { id: lro, why: the driver, expires: 2027-01-31 }\n",
            )],
            &[(
                "top",
                "waive: { check: lro, reason: the driver, until: 2027-01-31 }\n",
            )],
        ),
        (
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, check: { url: /up, codes: 204 }",
            )],
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, check: { path: /up, status: 204 }",
            )],
        ),
        (
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, persistence: { duration: 60 }",
            )],
            &[(
                "web",
                "vip: 10.0.0.100, port: 80, persistence: { timeout: 60 }",
            )],
        ),
    ]);
}
