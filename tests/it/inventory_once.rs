//! One mistake is one message, and its hint is about what was meant: what it proposes, written in, is taken.

use lvsctl::inventory::Problem;

use crate::support::follow::{next_error, problems};

/// Two directors, two real servers and a client in one network; each part can be another.
struct Pair {
    top: &'static str,
    networks: &'static str,
    lb1: &'static str,
    lb2: &'static str,
    rs1: &'static str,
    hosts: &'static str,
    vrrp: &'static str,
    services: &'static str,
}

const PAIR: Pair = Pair {
    top: "",
    networks: "networks: { lan: 192.168.100.0/24 }",
    lb1: "role: director, address: 192.168.100.10",
    lb2: "  lb2: { role: backup, address: 192.168.100.11 }\n",
    rs1: "role: realserver, address: 192.168.100.21",
    hosts: "",
    vrrp: "vrrp: { virtual_router_id: 51 }",
    services: "services:\n  web: { vip: 192.168.100.200, port: 80 }",
};

impl Pair {
    fn text(&self) -> String {
        format!(
            "cluster: t\n{}{}\nhosts:\n  lb1: {{ {} }}\n{}  rs1: {{ {} }}\n  rs2: {{ role: realserver, address: 192.168.100.22 }}\n  \
             client: {{ role: client, address: 192.168.100.99 }}\n{}{}\n{}\n",
            self.top,
            self.networks,
            self.lb1,
            self.lb2,
            self.rs1,
            self.hosts,
            self.vrrp,
            self.services
        )
    }
}

fn web(keys: &str) -> String {
    let more = format!("port: 80, {keys} }}");
    PAIR.text().replace("port: 80 }", &more)
}

fn vrrp(keys: &str) -> String {
    PAIR.text().replace(
        "vrrp: { virtual_router_id: 51 }",
        &format!("vrrp: {{ {keys} }}"),
    )
}

fn rs1(keys: &str) -> String {
    let own = PAIR.rs1;
    PAIR.text().replace(own, &format!("{own}, {keys}"))
}

/// What is wrong, the inventory, a part of the message, and of the hint.
type Case = (&'static str, String, &'static str, &'static str);

fn check(cases: &[Case]) {
    let mut wrong = String::new();
    for (about, text, message, hint) in cases {
        let found = problems(text);
        let said = |problem: &Problem| {
            let help = problem.fix().unwrap_or_default();
            problem.message().contains(message) && help.contains(hint)
        };
        match found.as_slice() {
            [one] if said(one) => {
                let next = next_error(text, one);
                wrong += &next.map_or(String::new(), |next| format!("{about}: {next}\n"));
            }
            other => {
                let all = other
                    .iter()
                    .map(|p| format!("\n  {p} (help: {:?})", p.fix()));
                wrong += &format!("{about}: {}\n", all.collect::<String>());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_part_that_is_missing_or_called_otherwise() {
    let no_service = "the inventory has no service";
    let propose = "`services: { web: { vip: 192.168.100.200, port: 80 } }`";
    let none = |services| Pair { services, ..PAIR }.text();
    let mut cases = vec![
        ("no services", none(""), no_service, propose),
        ("empty services", none("services:"), no_service, propose),
        ("services {}", none("services: {}"), no_service, propose),
        (
            "no services and no VRRP",
            Pair { services: "", vrrp: "", lb2: "", ..PAIR }.text(),
            no_service,
            propose,
        ),
        (
            "two backups",
            PAIR.text().replace("role: director", "role: backup"),
            "`lb1` and `lb2` are backups, but there is no director",
            "`role: director`",
        ),
        (
            "one backup",
            Pair { lb1: "role: web, address: 192.168.100.10", ..PAIR }.text(),
            "`lb2` is a backup, but there is no director",
            "`role: director`",
        ),
        (
            "no director, but VRRP",
            Pair { lb1: "role: web, address: 192.168.100.10", lb2: "", ..PAIR }.text(),
            "no host is a director",
            "`role: director`",
        ),
        (
            "three directors and no VRRP",
            Pair { vrrp: "", hosts: "  lb3: { role: backup, address: 192.168.100.12 }\n", ..PAIR }.text(),
            "`lb2` and `lb3` are further directors",
            "add `vrrp: { virtual_router_id: 10 }`",
        ),
        (
            "an inventory of Ansible",
            "all:\n  children:\n    directors:\n      hosts:\n        lb1: { ansible_host: 192.168.100.10 }\n".to_owned(),
            "unknown key `all`",
            "`cluster: web` names the cluster",
        ),
        (
            "a service without its name",
            none("services: { vip: 192.168.100.200, port: 80 }"),
            "a service stands below its name",
            "write `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
        (
            "a service without its name, with more",
            none("services: { vip: 192.168.100.200, port: 80, health_check: { http: { path: / } } }"),
            "a service stands below its name",
            "write `services: { web: { vip: 192.168.100.200, port: 80, health_check: { http: { path: / } } } }`",
        ),
        (
            "a host without its name",
            "cluster: t\nnetworks: 192.168.100.0/24\nhosts: { role: director, address: 192.168.100.10 }\n".to_owned(),
            "a host stands below its name",
            "write `hosts: { lb1: { role: director, address: 192.168.100.10 } }`",
        ),
        (
            "a host without its name, with interfaces",
            "cluster: t\nnetworks: 192.168.100.0/24\nhosts:\n  role: director\n  interfaces: { eth0: 192.168.100.10 }\n".to_owned(),
            "a host stands below its name",
            "write `hosts: { lb1: { role: director, interfaces: { eth0: 192.168.100.10 } } }`",
        ),
    ];
    for word in [
        "network", "netwroks", "subnet", "subnets", "nets", "Networks", "cidr",
    ] {
        for value in ["192.168.100.0/24", "{ lan: 192.168.100.0/24 }"] {
            let text = PAIR
                .text()
                .replace(PAIR.networks, &format!("{word}: {value}"));
            cases.push(("another word for networks", text, "unknown key", "networks"));
        }
    }
    for word in [
        "id",
        "router-id",
        "router_id",
        "vrrp_id",
        "keepalived_router_id",
        "vr_id",
        "vrid",
        "virtualRouterId",
        "virtual-router-id",
        "virtual_id",
    ] {
        let text = vrrp(&format!("{word}: 51"));
        cases.push((
            "another word for the identifier",
            text,
            "unknown key",
            "write `virtual_router_id: 51`",
        ));
    }
    check(&cases);
}

#[test]
fn what_depends_on_a_faulty_value_is_not_said_too() {
    check(&[
        (
            "one packet",
            web("protocol: sctp, one_packet: true, health_check: false"),
            "unknown protocol `sctp`",
            "tcp, udp",
        ),
        (
            "flags",
            web("scheduler: banana, scheduler_flags: sh-port"),
            "unknown scheduler",
            "",
        ),
        (
            "a port that NAT maps",
            web("mode: foo, real_port: 8080"),
            "`foo`",
            "",
        ),
        (
            "no status of the check",
            web("check: { status: [] }"),
            "the list `status` is empty",
            "at least one",
        ),
    ]);
}

#[test]
fn ports_of_real_servers() {
    let map = "expected a list of hosts, or a map of hosts";
    check(&[
        (
            "lists of ports",
            web("real_servers: { rs1: [8080, 8081], rs2: 8080 }"),
            map,
            "write `{ rs1: { port: [8080, 8081] }, rs2: { port: 8080 } }`, and add `mode: nat` beside it",
        ),
        (
            "ports in the names",
            web("mode: nat, real_servers: { 'rs1:8080': {}, 'rs1:8081': {}, rs2: {} }"),
            map,
            "write `{ rs1: { port: [8080, 8081] }, rs2: {} }`",
        ),
        (
            "ports in the names, with weights",
            web(
                "mode: nat, real_servers: { 'rs1:8080': { weight: 2 }, 'rs2:8081': {}, 'rs2:8082': { weight: 3 } }",
            ),
            map,
            "write `{ rs1: { port: 8080, weight: 2 }, rs2: [{ port: 8081 }, { port: 8082, weight: 3 }] }`",
        ),
        (
            "numbers",
            web("mode: nat, real_servers: { rs1: 8080, rs2: 8081 }"),
            map,
            "write `{ rs1: { port: 8080 }, rs2: { port: 8081 } }`",
        ),
        (
            "a weight for each port",
            web("mode: nat, real_servers: { rs1: { port: [8080, 8081], weight: [1, 2] } }"),
            "expected one weight",
            "write `rs1: [{ port: 8080, weight: 1 }, { port: 8081, weight: 2 }]`",
        ),
    ]);
}

#[test]
fn values_of_other_programs() {
    let key = "unknown key";
    let off = "delete it: a member of higher priority takes the VIPs back by default";
    check(&[
        ("nopreempt: false", vrrp("virtual_router_id: 51, nopreempt: false"), key, off),
        ("nopreempt: no", vrrp("virtual_router_id: 51, nopreempt: no"), key, off),
        ("nopreempt: off", vrrp("virtual_router_id: 51, nopreempt: 'off'"), key, off),
        ("nopreempt: 0", vrrp("virtual_router_id: 51, nopreempt: 0"), key, off),
        ("nopreempt", vrrp("virtual_router_id: 51, nopreempt: "), key, "write `preempt: false`"),
        ("nopreempt: true", vrrp("virtual_router_id: 51, nopreempt: true"), key, "write `preempt: false`"),
        ("ssh key", rs1("ssh: { key: a }"), key, "write `identity_files: [~/.ssh/id_ed25519]`"),
        ("private_key", rs1("ssh: { private_key: a }"), key, "write `identity_files: [~/.ssh/id_ed25519]`"),
        ("ssh_key", rs1("ssh_key: k"), key, "write `ssh: { identity_files: [~/.ssh/id_ed25519] }`"),
        ("a file of a key", rs1("ssh: { key: id_rsa.pem }"), key, "write `identity_files: [id_rsa.pem]`"),
        ("a file of a key in a folder", rs1("ssh_key: ./keys/a"), key, "[./keys/a]"),
        (
            "a VIP with its prefix and interface",
            vrrp("virtual_router_id: 51, virtual_ipaddress: [192.168.100.200/24 dev eth0]"),
            key,
            "write `vips: [192.168.100.200]`",
        ),
        (
            "a VIP of ours with its prefix and interface",
            vrrp("virtual_router_id: 51, vips: [192.168.100.200/24 dev eth0]"),
            "expected an address",
            "write `192.168.100.200`",
        ),
        ("a weight of a member", vrrp("virtual_router_id: 51, members: { lb1: { weight: 100 }, lb2: {} }"), key, "write `priority: 100`"),
        ("a weight of VRRP", vrrp("virtual_router_id: 51, weight: 10"), key, "each member has a `priority`"),
        ("mh-port, sh", web("scheduler: sh, mh-port: true"), key, "write `scheduler_flags: [sh-port]`"),
        ("mh-port, mh", web("scheduler: mh, mh-port: true"), key, "write `scheduler_flags: [mh-port]`"),
        ("mh-port", web("mh-port: true"), key, "write `scheduler_flags: [mh-port]` and `scheduler: mh`"),
        ("mh-port: false", web("mh-port: false"), key, "delete it: no flag is set by default"),
        (
            "-b with a scheduler that takes none",
            web("scheduler: wrr, -b: sh-port"),
            key,
            "write `scheduler_flags: [sh-port]`, and `scheduler: sh` in the place of `scheduler: wrr`",
        ),
        ("-b", web("scheduler: mh, -b: 'mh-port,mh-fallback'"), key, "write `scheduler_flags: [mh-port, mh-fallback]`"),
        ("1.1C", web("health_check: { http: { http_protocol: 1.1C } }"), key, "write `version: 1.1`"),
        ("1.0K", web("health_check: { http: { http_protocol: 1.0K } }"), key, "write `version: 1.0`"),
        ("protocol", web("health_check: { protocol: http }"), key, "write `http: {}`"),
        ("check of a host", rs1("check: http"), key, "add `health_check: http` to the service `web`"),
        ("persistence_timeout: 0", web("persistence_timeout: 0"), key, "write `persistence: false`"),
        ("connect_timeout: 0.5", web("connect_timeout: 0.5"), key, "write `health_check: { connect_timeout: 1 }`"),
        ("retry: 3s", web("retry: 3s"), key, "write `health_check: { retry: 3 }`"),
        ("targetPort: http", web("targetPort: http"), key, "write `real_port: 8080` and `mode: nat`; `http` is no port"),
        ("lb_algo: foo", web("lb_algo: foo"), key, "write `scheduler: wrr`; `foo` is no scheduler"),
        ("a text of a connection", web("health_check: { tcp: { text: OK } }"), key, "`http: { text: OK }` in the place of `tcp`"),
        (
            "the host of a sorry server",
            Pair {
                hosts: "  sorry: { role: web, address: 192.168.100.30 }\n",
                services: "services:\n  web: { vip: 192.168.100.200, port: 80, sorry_server: { host: sorry, port: 80 } }",
                ..PAIR
            }
            .text(),
            key,
            "write `address: 192.168.100.30`",
        ),
    ]);
}

#[test]
fn single_values_where_a_map_is_due() {
    let map = "expected a map of keys";
    check(&[
        (
            "interfaces: eth0",
            rs1("interfaces: eth0"),
            map,
            "write `interface: eth0` in the place of `interfaces`",
        ),
        (
            "interfaces: [eth0]",
            rs1("interfaces: [eth0]"),
            map,
            "write `interface: eth0` in the place of `interfaces`",
        ),
        (
            "lab: trixie",
            rs1("lab: trixie"),
            map,
            "write `{ suite: trixie }`",
        ),
        ("lab: x", rs1("lab: x"), map, "write `{ suite: bookworm }`"),
        (
            "check: 200",
            web("check: 200"),
            map,
            "write `{ status: 200 }`",
        ),
        ("check: 80", web("check: 80"), map, "write `{ ports: 80 }`"),
        (
            "a member",
            vrrp("virtual_router_id: 51, members: { lb1: true, lb2: {} }"),
            map,
            "write `{}`",
        ),
        (
            "exports",
            Pair {
                rs1: "role: [realserver, nfs], address: 192.168.100.21, exports: /srv",
                hosts: "  mount: { role: nfs-client, address: 192.168.100.30 }\n",
                ..PAIR
            }
            .text(),
            map,
            "write `{ path: /srv, to: mount, at: /srv }`",
        ),
        (
            "the address of a host's own loopback",
            PAIR.text().replace("192.168.100.21", "127.0.0.1"),
            "is a loopback address",
            "write the address that the other hosts reach it by",
        ),
    ]);
}

#[test]
fn what_a_url_or_a_file_cannot_hold() {
    let http = |keys: &str| web(&format!("health_check: {{ http: {{ {keys} }} }}"));
    check(&[
        (
            "a path without a slash",
            http("path: health"),
            "is not a path of a URL",
            "write `/health`",
        ),
        (
            "a path with a blank",
            http("path: /a b"),
            "is not a path of a URL",
            "write `/a%20b`",
        ),
        (
            "a path of a check",
            web("check: { path: health }"),
            "is not a path of a URL",
            "write `/health`",
        ),
        (
            "a URL",
            http("path: http://a/health"),
            "is not a path of a URL",
            "write `/health`, and add `host: a` beside it",
        ),
        (
            "an empty part of a name",
            http("host: a..b"),
            "is no name of a host",
            "write `a.b`",
        ),
        (
            "a port of a name",
            http("host: 'a:8080'"),
            "is no name of a host",
            "write `a`; the port is that of the health check: `port: 8080`",
        ),
        (
            "a quote in a text",
            http(r#"text: 'is "up" now'"#),
            "has `\"`, which keepalived.conf cannot hold",
            "such as",
        ),
        (
            "every port",
            PAIR.text().replace("port: 80 }", "port: any }"),
            "found the text `any`",
            "write `0`, which is every port, and add `persistence: true` and `health_check: false`",
        ),
        (
            "every port, by a star",
            PAIR.text()
                .replace("port: 80 }", "port: '*', persistence: 60 }"),
            "found the text `*`",
            "write `0`, which is every port, and add `health_check: false`",
        ),
    ]);
    for text in [
        "It works!",
        "<html>",
        "läuft",
        "{status: up}",
        "it's 50%",
        "a@b #c ^d $_e ~f",
    ] {
        let inventory = http(&format!("text: '{}'", text.replace('\'', "''")));
        assert_eq!(
            problems(&inventory).len(),
            0,
            "{text}: {:?}",
            problems(&inventory)
        );
    }
}

/// Words of HAProxy, keepalived, Ansible and ipvsadm, in the ways in which they are spelt.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn words_of_other_programs() {
    let top = |line: &'static str| {
        let top: &'static str = line;
        Pair { top, ..PAIR }.text()
    };
    let real = |keys: &str| web(&format!("real_servers: {{ rs1: {{ {keys} }}, rs2: {{}} }}"));
    let key = "unknown key";
    check(&[
        (
            "lb-algo",
            web("lb-algo: wlc"),
            key,
            "write `scheduler: wlc`",
        ),
        ("lbAlgo", web("lbAlgo: wlc"), key, "write `scheduler: wlc`"),
        (
            "persistence-timeout",
            web("persistence-timeout: 60"),
            key,
            "write `persistence: 60`",
        ),
        (
            "persistenceTimeout",
            web("persistenceTimeout: 60"),
            key,
            "write `persistence: 60`",
        ),
        (
            "realServers",
            web("realServers: [rs1, rs2]"),
            key,
            "write `real_servers: [rs1, rs2]`",
        ),
        (
            "health-check",
            web("health-check: tcp"),
            key,
            "write `health_check: tcp`",
        ),
        (
            "slowstart",
            web("slowstart: 30s"),
            key,
            "gets its share at once",
        ),
        (
            "default-server",
            web("default-server: { weight: 1 }"),
            key,
            "holds for all its real servers",
        ),
        (
            "tcp-check",
            web("tcp-check: {}"),
            key,
            "write `health_check: tcp`",
        ),
        (
            "hash-type",
            web("hash-type: consistent"),
            key,
            "`scheduler: mh`",
        ),
        (
            "send-proxy",
            web("send-proxy: true"),
            key,
            "sees the client's address",
        ),
        (
            "url",
            web("url: http://a/health"),
            key,
            "write `health_check: { http: { path: /health } }`",
        ),
        (
            "status_code",
            web("status_code: 204"),
            key,
            "write `health_check: { http: { status: 204 } }`",
        ),
        (
            "connect_port",
            web("connect_port: 8080"),
            key,
            "write `health_check: { port: 8080 }`",
        ),
        (
            "misc_path",
            web("misc_path: check.sh 1"),
            key,
            "write `health_check: { script: { path: /usr/local/bin/check.sh } }`",
        ),
        ("uthreshold", web("uthreshold: 100"), key, "are not bounded"),
        (
            "rise of a real server",
            real("rise: 2"),
            key,
            "add `health_check: { rise: 2 }` to the service `web`",
        ),
        (
            "inter of a real server",
            real("inter: 2s"),
            key,
            "add `delay_loop: 2` to the service `web`",
        ),
        (
            "maxconn of a real server",
            real("maxconn: 100"),
            key,
            "are not bounded",
        ),
        (
            "url of a real server",
            real("url: /up"),
            key,
            "add `health_check: { http: { path: /up } }` to the service `web`",
        ),
        ("-A", web("'-A': ''"), key, "it is a command"),
        (
            "router_id",
            top("router_id: lb1\n"),
            key,
            "lvsctl writes this part of keepalived.conf itself",
        ),
        (
            "vrrp_strict",
            top("vrrp_strict: true\n"),
            key,
            "lvsctl writes this part of keepalived.conf itself",
        ),
        (
            "lb_algo of the inventory",
            top("lb_algo: wlc\n"),
            key,
            "add `scheduler: wlc` to the service `web`",
        ),
        (
            "become of the inventory",
            top("become: true\n"),
            key,
            "stands in `defaults`",
        ),
        (
            "unicast_src_ip",
            vrrp(
                "virtual_router_id: 51, members: { lb1: { unicast_src_ip: 192.168.100.10 }, lb2: {} }",
            ),
            key,
            "write `address: 192.168.100.10`",
        ),
        (
            "nopreempt of a member",
            vrrp("virtual_router_id: 51, members: { lb1: { nopreempt: true }, lb2: {} }"),
            key,
            "add `preempt: false` to `vrrp`",
        ),
        (
            "gw",
            rs1("gw: 192.168.100.1"),
            key,
            "write `gateway: 192.168.100.1`",
        ),
        (
            "fqdn",
            rs1("fqdn: rs1.example.org"),
            key,
            "write `ssh: { host: rs1.example.org }`",
        ),
        (
            "StrictHostKeyChecking",
            rs1("StrictHostKeyChecking: no"),
            key,
            "write `ssh: { host_key_checking: accept-new }`",
        ),
        (
            "proxyjump",
            rs1("ssh: { proxyjump: a }"),
            key,
            "write `jump: a`",
        ),
        (
            "become_user",
            rs1("become_user: root"),
            key,
            "commands run as root",
        ),
        (
            "ansible_password",
            rs1("ssh: { ansible_password: x }"),
            key,
            "write `password: { env: LVSCTL_PASSWORD }`",
        ),
    ]);
}
