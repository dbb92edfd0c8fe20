//! What good inventories mean: short and long forms, defaults, and the clusters that people build.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lvsctl::inventory::{self, BUILT_IN_ROLES, Loaded};
use lvsctl::model::{
    Cluster, HealthCheckKind, HttpAnswer, HttpVersion, Mode, Scheduler, Service, StatusCodes,
};
use lvsctl::secret::{SecretSource, Secrets};
use secrecy::SecretString;

fn load(text: &str) -> Loaded {
    match inventory::parse("forms.yaml", text, BUILT_IN_ROLES) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{}", error.render(100, false)),
    }
}

fn cluster(text: &str) -> Cluster {
    let loaded = load(text);
    let warnings: Vec<&str> = loaded.warnings.iter().map(|w| w.message()).collect();
    assert_eq!(warnings, [""; 0]);
    loaded.cluster
}

/// A cluster of one service with these keys.
fn service(keys: &str) -> Service {
    // What is worth a warning is tested in `combinations.rs`.
    let mut cluster = load(&format!(
        "cluster: a
networks: {{ lan: [192.168.100.0/24, 'fd00::/64'] }}
hosts:
  lb1: {{ role: director, address: 192.168.100.14 }}
  rs1: {{ role: realserver, address: [192.168.100.12, 'fd00::12'] }}
  rs2: {{ role: realserver, address: [192.168.100.13, 'fd00::13'], weight: 7 }}
services:
  web: {{ {keys} }}
"
    ))
    .cluster;
    cluster.services.remove(0)
}

const VIP: &str = "vip: 192.168.100.200, port: 80";

#[test]
fn shipped_inventories_load_and_are_short() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories");
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "yaml") {
            let loaded = match inventory::load(&path, BUILT_IN_ROLES) {
                Ok(loaded) => loaded,
                Err(error) => panic!("{}", error.render(100, false)),
            };
            // schedulers shows what each scheduler does, those included that ignore its weights.
            if !path.ends_with("schedulers.yaml") {
                assert_eq!(loaded.warnings.len(), 0, "{}", path.display());
            }
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            assert_eq!(loaded.cluster.name, name, "{}", path.display());
            found.insert(name, fs::read_to_string(path).unwrap().lines().count());
        }
    }
    assert!(
        found.contains_key("dr") && found.contains_key("fwmark"),
        "{found:?}"
    );
    assert!(found["dr-keepalived"] < 40, "{found:?}");
}

#[test]
fn defaults_of_a_service() {
    let web = service(VIP);
    assert_eq!((web.mode, web.scheduler), (Mode::Dr, Scheduler::Rr));
    assert_eq!(web.vips[0].prefix, 32);
    assert_eq!(web.ports, [80]);
    assert_eq!(
        (web.persistence, web.fwmark, web.one_packet),
        (None, None, false)
    );
    assert_eq!(web.delay_loop, 6);
    assert_eq!(web.health_check, None);
    let reals: Vec<_> = web
        .real_servers
        .iter()
        .map(|r| (r.host.as_str(), r.weight, r.port))
        .collect();
    assert_eq!(reals, [("rs1", 1, None), ("rs2", 7, None)]);
    assert_eq!((web.check.path.as_str(), web.check.requests), ("/", 16));
    assert_eq!((web.check.http, web.check.https), (vec![80], vec![]));
}

#[test]
fn ports_and_vips() {
    let web = service("vip: [192.168.100.200/24, 192.168.100.201], port: [443, 80]");
    assert_eq!(web.ports, [80, 443]);
    let vips: Vec<_> = web
        .vips
        .iter()
        .map(|v| format!("{}/{}", v.address, v.prefix))
        .collect();
    assert_eq!(vips, ["192.168.100.200/24", "192.168.100.201/32"]);
    assert_eq!((web.check.http, web.check.https), (vec![80], vec![443]));

    let every =
        service("vip: 192.168.100.200, port: 0, persistence: true, check: { http: [80, 8000] }");
    assert_eq!(every.ports, [0; 0]);
    assert_eq!(every.check.http, [80, 8000]);

    let v6 = service("vip: 'fd00::200', port: 80");
    assert_eq!(v6.vips[0].prefix, 128);
    let reals: Vec<_> = v6
        .real_servers
        .iter()
        .map(|r| r.address.to_string())
        .collect();
    assert_eq!(reals, ["fd00::12", "fd00::13"]);
}

/// Of a mark: its single ports, its ranges, and the ports that are asked.
#[test]
fn ranges_of_ports() {
    let numbers = |ports: std::ops::RangeInclusive<u16>| {
        let all: Vec<String> = ports.map(|port| port.to_string()).collect();
        all.join(", ")
    };
    let odd: Vec<String> = (0..301).map(|n| (2 * n + 1).to_string()).collect();
    let first: Vec<u16> = (0..16).map(|n| 2 * n + 1).collect();
    let odds: Vec<u16> = (0..301).map(|n| 2 * n + 1).collect();
    let list = |ports: &str| format!("[{ports}]");
    let passive = &["10000-10299"][..];
    for (port, more, single, ranges, asked) in [
        (
            "\"10000-20000\"".to_owned(),
            "",
            &[][..],
            &["10000-20000"][..],
            &[][..],
        ),
        (
            "10000-20000".to_owned(),
            "check: { ports: 10005 }",
            &[],
            &["10000-20000"],
            &[10005],
        ),
        (
            "10000-20000".to_owned(),
            "check: { http: 10080 }",
            &[],
            &["10000-20000"],
            &[10080],
        ),
        ("[10000-10299, 21]".to_owned(), "", &[21], passive, &[21]),
        ("[21, 80-80]".to_owned(), "", &[21, 80], &[], &[21, 80]),
        (
            "[80, 443, 8000-8100]".to_owned(),
            "check: { ports: [443, 8080] }",
            &[80, 443],
            &["8000-8100"],
            &[443, 8080],
        ),
        // A long list is what it says.
        (
            list(&format!("21, {}", numbers(10000..=10299))),
            "",
            &[21],
            passive,
            &[21],
        ),
        (list(&numbers(100..=120)), "", &[], &["100-120"], &[]),
        // A short one is taken by the word.
        (
            list(&numbers(100..=103)),
            "",
            &[100, 101, 102, 103],
            &[],
            &[100, 101, 102, 103],
        ),
        (list(&odd.join(", ")), "", &odds, &[], &first),
        (
            list(&odd.join(", ")),
            "check: { ports: [601] }",
            &odds,
            &[],
            &[601],
        ),
    ] {
        for protocol in ["tcp", "udp"] {
            let web = service(&format!(
                "vip: 192.168.100.200, fwmark: 21, persistence: 300, protocol: {protocol}, port: {port}, {more}"
            ));
            let found: Vec<String> = web.port_ranges.iter().map(ToString::to_string).collect();
            assert_eq!(
                (&web.ports[..], &found[..]),
                (
                    single,
                    &ranges.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>()[..]
                ),
                "{port}"
            );
            assert_eq!(web.known_ports(), asked, "{port} {more}");
        }
    }
}

#[test]
fn persistence() {
    for (written, expected) in [
        ("true", Some((300, 32))),
        ("false", None),
        ("6", Some((6, 32))),
        ("2678400", Some((2_678_400, 32))),
        ("{}", Some((300, 32))),
        ("{ timeout: 3600 }", Some((3600, 32))),
        ("{ granularity: 255.255.255.0 }", Some((300, 24))),
        ("{ timeout: 1, granularity: 16 }", Some((1, 16))),
    ] {
        let found = service(&format!("{VIP}, persistence: {written}")).persistence;
        assert_eq!(
            found.map(|p| (p.timeout, p.granularity)),
            expected,
            "{written}"
        );
    }
    let v6 = service("vip: 'fd00::200', port: 80, persistence: { granularity: 64 }").persistence;
    assert_eq!(v6.map(|p| p.granularity), Some(64));
}

#[test]
fn marks() {
    for (written, expected) in [
        ("6666", 6666),
        ("0x1a0a", 0x1a0a),
        ("0x1A0A", 0x1a0a),
        ("'0x1A0A'", 0x1a0a),
        ("'6666'", 6666),
        ("4294967295", u32::MAX),
        ("1", 1),
    ] {
        assert_eq!(
            service(&format!("{VIP}, fwmark: {written}")).fwmark,
            Some(expected),
            "{written}"
        );
    }
}

#[test]
fn weights_go_from_the_nearest_outwards() {
    for (keys, expected) in [
        ("weight: 3", [3, 7]),
        ("real_servers: [rs2, rs1]", [7, 1]),
        ("real_servers: { rs1: { weight: 0 }, rs2: }", [0, 7]),
        (
            "weight: 3, real_servers: { rs1: {}, rs2: { weight: 9 } }",
            [3, 9],
        ),
    ] {
        let web = service(&format!("{VIP}, {keys}"));
        let weights: Vec<u16> = web.real_servers.iter().map(|r| r.weight).collect();
        assert_eq!(weights, expected, "{keys}");
    }
    // A host in maintenance is in maintenance everywhere; a default is not about one host.
    let of = |host: &str, defaults: &str, keys: &str| {
        let text = format!(
            "cluster: a\nnetworks: 192.168.100.0/24\ndefaults: {{ {defaults} }}\nhosts:\n  \
             lb1: {{ role: director, address: 192.168.100.14 }}\n  \
             rs1: {{ role: realserver, address: 192.168.100.12{host} }}\n  \
             rs2: {{ role: realserver, address: 192.168.100.13, weight: 7 }}\nservices:\n  \
             web: {{ {VIP}, scheduler: wrr{keys} }}\n"
        );
        load(&text).cluster.services[0].real_servers[0].weight
    };
    let own = ", real_servers: { rs1: { weight: 5 }, rs2: }";
    for (host, defaults, keys, expected) in [
        (", weight: 0", "", "", 0),
        (", weight: 0", "", ", weight: 3", 0),
        (", weight: 0", "", own, 0),
        (", weight: 0", "weight: 4", own, 0),
        (", weight: 2", "", own, 5),
        ("", "weight: 0", own, 5),
        ("", "weight: 0", "", 0),
    ] {
        assert_eq!(
            of(host, defaults, keys),
            expected,
            "{host} {defaults} {keys}"
        );
    }
    // A single name may stand without a list; the other host then serves elsewhere.
    let rest = "real_servers: rs2 }\n  other: { vip: 192.168.100.201, port: 80, real_servers: rs1";
    assert_eq!(service(&format!("{VIP}, {rest}")).real_servers.len(), 1);
}

#[test]
fn every_scheduler_and_its_flags() {
    for word in [
        "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh",
        "twos",
    ] {
        let web = service(&format!("{VIP}, scheduler: {word}"));
        assert_eq!(serde_json::to_value(web.scheduler).unwrap(), word);
    }
    let flagged = service(&format!(
        "{VIP}, scheduler: mh, scheduler_flags: [mh-port, mh-fallback]"
    ));
    assert_eq!(flagged.scheduler_flags, ["mh-port", "mh-fallback"]);
}

#[test]
fn health_checks() {
    let answer = |path: &str, status: &str| HttpAnswer {
        path: path.to_owned(),
        host: None,
        status: StatusCodes::parse(status).unwrap(),
        text: None,
        version: HttpVersion::V1_0,
    };
    let http = |path: &str, status: &str| HealthCheckKind::Http(answer(path, status));
    for (written, expected) in [
        ("tcp", HealthCheckKind::Tcp),
        ("true", HealthCheckKind::Tcp),
        ("{}", HealthCheckKind::Tcp),
        ("{ tcp: }", HealthCheckKind::Tcp),
        ("http", http("/", "200")),
        (
            "{ http: { path: /health, status: 204 } }",
            http("/health", "204"),
        ),
        ("{ http: { status: 401 } }", http("/", "401")),
        ("{ http: { status: '401' } }", http("/", "401")),
        (
            "{ http: { status: 200-299 302 } }",
            http("/", "200-299 302"),
        ),
        (
            "{ http: { status: [302, 200-299] } }",
            http("/", "200-299 302"),
        ),
        ("{ http: { status: 2xx } }", http("/", "200-299")),
        ("{ http: { version: 1.0 } }", http("/", "200")),
        (
            "{ http: { version: 1.1 } }",
            HealthCheckKind::Http(HttpAnswer {
                version: HttpVersion::V1_1,
                ..answer("/", "200")
            }),
        ),
        (
            "{ http: { version: '1.1' } }",
            HealthCheckKind::Http(HttpAnswer {
                version: HttpVersion::V1_1,
                ..answer("/", "200")
            }),
        ),
        ("{ https: {} }", HealthCheckKind::Https(answer("/", "200"))),
        (
            "{ http: { text: OK } }",
            HealthCheckKind::Http(HttpAnswer {
                text: Some("OK".to_owned()),
                ..answer("/", "200")
            }),
        ),
        (
            "{ https: { host: www.example.org } }",
            HealthCheckKind::Https(HttpAnswer {
                host: Some("www.example.org".to_owned()),
                ..answer("/", "200")
            }),
        ),
        (
            "{ script: { path: /bin/check } }",
            HealthCheckKind::Script {
                path: "/bin/check".to_owned(),
                timeout: 5,
            },
        ),
    ] {
        let check = service(&format!("{VIP}, health_check: {written}"))
            .health_check
            .unwrap();
        assert_eq!(check.kind, expected, "{written}");
        assert_eq!(
            (check.connect_timeout, check.retry, check.delay_before_retry),
            (3, 3, 3)
        );
    }
    assert_eq!(
        service(&format!("{VIP}, health_check: false")).health_check,
        None
    );
    let own = service(&format!(
        "{VIP}, health_check: {{ port: 8080, retry: 1, connect_timeout: 9 }}"
    ));
    let own = own.health_check.unwrap();
    assert_eq!(
        (own.port, own.retry, own.connect_timeout),
        (Some(8080), 1, 9)
    );
}

/// Two directors, as VRRP brings keepalived, and a host that may be the sorry server.
fn with_sorry(keys: &str) -> Loaded {
    load(&format!(
        "cluster: a
networks: 192.168.100.0/24
vrrp: {{ virtual_router_id: 10 }}
hosts:
  lb1: {{ role: director, address: 192.168.100.14 }}
  lb2: {{ role: backup, address: 192.168.100.15 }}
  rs1: {{ role: realserver, address: 192.168.100.12 }}
  sorry: {{ role: web, interfaces: {{ eth0: 192.168.100.20, eth1: 192.168.100.21 }} }}
services:
  web: {{ {VIP}, {keys} }}
"
    ))
}

#[test]
fn sorry_servers() {
    const DR: &str = "sorry_server: 192.168.100.20";
    for (keys, address, port, host) in [
        (DR, "192.168.100.20", None, Some("sorry")),
        (
            "sorry_server: 192.168.100.21",
            "192.168.100.21",
            None,
            Some("sorry"),
        ),
        (
            "sorry_server: '192.168.100.20:80'",
            "192.168.100.20",
            None,
            Some("sorry"),
        ),
        (
            "mode: nat, sorry_server: { address: 192.168.100.20, port: 8080 }",
            "192.168.100.20",
            Some(8080),
            Some("sorry"),
        ),
        ("sorry_server: 127.0.0.1", "127.0.0.1", None, None),
        (
            "mode: nat, sorry_server: 192.168.100.99",
            "192.168.100.99",
            None,
            None,
        ),
    ] {
        let found = with_sorry(keys).cluster;
        let sorry = found.services[0].sorry_server.clone().unwrap();
        assert_eq!(
            (
                sorry.address.to_string().as_str(),
                sorry.port,
                sorry.host.as_deref()
            ),
            (address, port, host),
            "{keys}"
        );
    }
}

#[test]
fn a_sorry_server_that_lvsctl_does_not_set_up_is_a_warning() {
    let unknown =
        "the sorry server 192.168.100.99 is no host of the inventory, so lvsctl does not set it up";
    let down = "the sorry server 192.168.100.12 is the service's real server `rs1`, which is down when all are";
    for (keys, warning) in [
        ("sorry_server: 192.168.100.99", Some(unknown)),
        ("mode: tun, sorry_server: 192.168.100.99", Some(unknown)),
        ("sorry_server: 192.168.100.12", Some(down)),
        ("sorry_server: 192.168.100.20", None),
        ("mode: tun, sorry_server: 192.168.100.20", None),
        ("sorry_server: 127.0.0.1", None),
    ] {
        let loaded = with_sorry(keys);
        let found: Vec<&str> = loaded.warnings.iter().map(|w| w.message()).collect();
        assert_eq!(found, warning.into_iter().collect::<Vec<_>>(), "{keys}");
    }
}

/// A host is a real server on each of its ports.
#[test]
fn a_real_server_on_several_ports() {
    let two = &[
        ("rs1", Some(8080), 1),
        ("rs1", Some(8081), 1),
        ("rs2", Some(8080), 7),
    ][..];
    let weighted = &[
        ("rs1", Some(8080), 3),
        ("rs1", Some(8081), 2),
        ("rs2", None, 7),
    ][..];
    for (written, expected) in [
        ("{ rs1: { port: [8080, 8081] }, rs2: { port: 8080 } }", two),
        (
            "[{ rs1: { port: 8080 } }, { rs1: { port: 8081 } }, { rs2: { port: 8080 } }]",
            two,
        ),
        (
            "[{ rs1: { port: [8080, 8081] }, rs2: { port: 8080 } }]",
            two,
        ),
        (
            "{ rs1: [{ port: 8080 }, { port: 8081 }], rs2: [{ port: 8080 }] }",
            two,
        ),
        (
            "{ rs1: [{ port: 8080, weight: 3 }, { port: 8081, weight: 2 }], rs2: }",
            weighted,
        ),
        (
            "[{ rs1: { port: 8080, weight: 3 } }, { rs1: { port: 8081, weight: 2 } }, rs2]",
            weighted,
        ),
        (
            "[{ rs1: { port: 8080, weight: 3 } }, { rs1: { port: 8081, weight: 2 } }, { rs2: }]",
            weighted,
        ),
        // The service's own port is one of them.
        (
            "{ rs1: { port: [80, 8081] } }",
            &[("rs1", None, 1), ("rs1", Some(8081), 1)],
        ),
        (
            "[rs1, { rs1: { port: 8081 } }]",
            &[("rs1", None, 1), ("rs1", Some(8081), 1)],
        ),
    ] {
        let loaded = load(&format!(
            "cluster: a
networks: {{ lan: 192.168.100.0/24 }}
hosts:
  lb1: {{ role: director, address: 192.168.100.14 }}
  rs1: {{ role: realserver, address: 192.168.100.12 }}
  rs2: {{ role: realserver, address: 192.168.100.13, weight: 7 }}
services:
  web: {{ {VIP}, mode: nat, scheduler: wrr, real_servers: {written} }}
  all: {{ vip: 192.168.100.201, port: 80 }}
"
        ));
        let found: Vec<_> = loaded.cluster.services[0]
            .real_servers
            .iter()
            .map(|r| (r.host.as_str(), r.port, r.weight))
            .collect();
        assert_eq!(found, expected, "{written}");
    }
}

/// Where no other director would send it packets that it schedules once more.
#[test]
fn a_director_may_be_a_real_server() {
    for mode in ["dr", "tun", "nat"] {
        let found = cluster(&format!(
            "cluster: a
networks: 192.168.100.0/24
hosts:
  lb1: {{ role: [director, realserver], address: 192.168.100.14 }}
services:
  web: {{ {VIP}, mode: {mode} }}
"
        ));
        assert_eq!(found.services[0].real_servers[0].host, "lb1", "{mode}");
    }
}

#[test]
fn a_host_has_one_way() {
    let found = cluster(
        "cluster: a
networks: 192.168.100.0/24
defaults: { ssh: { jump: [ops@bastion, inner], jump_password: { env: PW } } }
hosts:
  one: { role: client, address: 192.168.100.1 }
  two: { role: client, address: 192.168.100.2, ssh: { jump: none } }
  three: { role: client, address: 192.168.100.3, ssh: { proxy_command: nc %h %p } }
  four: { role: client, address: 192.168.100.4, ssh: { user: ops } }
",
    );
    let ways: Vec<(&[String], Option<&str>)> = found
        .hosts
        .iter()
        .map(|host| (host.ssh.jump.as_slice(), host.ssh.proxy_command.as_deref()))
        .collect();
    let all = ["ops@bastion".to_owned(), "inner".to_owned()];
    let none = ["none".to_owned()];
    assert_eq!(
        ways,
        [
            (all.as_slice(), None),
            (none.as_slice(), None),
            (&[], Some("nc %h %p")),
            (all.as_slice(), None)
        ]
    );
    let password = Some(SecretSource::Env("PW".to_owned()));
    assert!(found.hosts.iter().all(|h| h.ssh.jump_password == password));
}

#[test]
fn hosts_take_defaults_key_by_key() {
    let found = cluster(
        "cluster: a
networks: 192.168.100.0/24
defaults:
  interface: ens3
  ssh: { user: root, port: 2222, password: { env: PW } }
  vars: { a: 1, b: [x] }
hosts:
  one: { role: client, address: 192.168.100.1 }
  two:
    role: client
    address: 192.168.100.2
    interface: ens4
    connection: local
    ssh: { user: admin, identity_files: [id], sudo: true }
    vars: { b: 2 }
  12: { role: client, address: 192.168.100.3 }
",
    );
    assert_eq!(found.networks[0].name, "lan");
    let [one, two, twelve] = found.hosts.as_slice() else {
        panic!()
    };
    assert_eq!(
        (one.interface.as_str(), one.ssh.user.as_deref()),
        ("ens3", Some("root"))
    );
    assert_eq!(two.interface, "ens4");
    assert_eq!(
        (two.ssh.user.as_deref(), two.ssh.port, two.ssh.sudo),
        (Some("admin"), Some(2222), Some(true))
    );
    assert_eq!(two.ssh.password, Some(SecretSource::Env("PW".to_owned())));
    assert_eq!(
        serde_json::to_value(&two.vars).unwrap(),
        serde_json::json!({ "a": 1, "b": 2 })
    );
    assert_eq!(twelve.name, "12");
}

#[test]
fn networks_known_by_prefixes() {
    let one = cluster(
        "cluster: a
hosts:
  one: { role: client, address: 192.168.100.1/24 }
  two: { role: client, address: 192.168.100.2 }
",
    );
    assert_eq!(one.networks.len(), 1);
    assert_eq!(
        one.hosts[1].interfaces[0].addresses[0].to_string(),
        "192.168.100.2/24"
    );
    let two = cluster(
        "cluster: a
hosts:
  one: { role: client, address: 192.168.100.1/24 }
  two: { role: client, address: 10.0.0.2/8 }
",
    );
    let names: Vec<_> = two.networks.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["net1", "net2"]);
    assert_eq!(two.hosts[1].interfaces[0].network, "net2");
}

const NAT: &str = "
cluster: nat
networks: { outside: 192.168.122.0/24, inside: 10.10.10.0/24 }
hosts:
  lb1:
    role: director
    address: 10.10.10.1
    interfaces: { eth0: 192.168.122.10, eth1: 10.10.10.1 }
  rs1: { role: [realserver, web], address: 10.10.10.10 }
  rs2: { role: [realserver, web], address: 10.10.10.20 }
  client: { role: client, address: 192.168.122.20 }
services:
  web:
    vip: 192.168.122.100
    port: 80
    mode: nat
    real_port: 8080
";

#[test]
fn nat_with_two_networks() {
    let found = cluster(NAT);
    let lb1 = &found.hosts[0];
    assert_eq!(
        (lb1.interface.as_str(), lb1.address.to_string().as_str()),
        ("eth1", "10.10.10.1")
    );
    let names: Vec<_> = lb1
        .interfaces
        .iter()
        .map(|i| (i.name.as_str(), i.network.as_str()))
        .collect();
    assert_eq!(names, [("eth1", "inside"), ("eth0", "outside")]);
    assert_eq!(lb1.gateway, None);
    // Replies go back through the director, although no gateway is written.
    assert_eq!(found.hosts[1].gateway, Some("10.10.10.1".parse().unwrap()));
    assert_eq!(found.hosts[3].gateway, None);
    let ports: Vec<_> = found.services[0]
        .real_servers
        .iter()
        .map(|r| r.port)
        .collect();
    assert_eq!(ports, [Some(8080), Some(8080)]);
    let same = cluster(&NAT.replace("8080", "80"));
    assert_eq!(same.services[0].real_servers[0].port, None);
}

#[test]
fn nat_around_the_director_is_a_warning() {
    let loaded = load(&NAT.replace(
        "address: 10.10.10.20",
        "address: 10.10.10.20, gateway: 10.10.10.254",
    ));
    let [warning] = loaded.warnings.as_slice() else {
        panic!("{:?}", loaded.warnings)
    };
    assert!(warning.is_warning());
    assert_eq!(
        warning.message(),
        "with NAT, `rs2` must answer through a director, not through 10.10.10.254"
    );
    assert_eq!(warning.position(), Some((10, 66)));
}

/// What loads but probably is not meant.
#[test]
fn warnings() {
    let base = "cluster: a
networks: { lan: [192.168.100.0/24, 'fd00::/64'] }
hosts:
  lb1: { role: director, address: [192.168.100.14, 'fd00::14'] }
  lb2: { role: backup, address: [192.168.100.15, 'fd00::15'] }
  rs1: { role: realserver, address: [192.168.100.12, 'fd00::12'] }
vrrp: { virtual_router_id: 10 }
services:
  web: { vip: 192.168.100.200, port: 80 }
";
    assert_eq!(load(base).warnings.len(), 0);
    for (from, to, position, expected) in [
        (
            "port: 80",
            "port: 53, protocol: udp",
            (9, 3),
            "service `web` is UDP, but its health check connects by TCP",
        ),
        (
            "  rs1: { role: realserver, address: [192.168.100.12, 'fd00::12'] }",
            "  rs1: { role: realserver, address: [192.168.100.12, 'fd00::12'], gateway: 192.168.100.200 }",
            (6, 76),
            "`rs1` answers from the VIP, and its gateway 192.168.100.200 is a director, which drops such packets",
        ),
        (
            "role: backup",
            "role: client",
            (7, 1),
            "VRRP has one member, so no other takes its VIPs over",
        ),
        (
            "id: 10 }",
            "id: 10, track_script: { web: { unit: nginx, weight: -5 } } }",
            (7, 76),
            "`web` changes a priority by 5, but the members' differ by 10: the master would stay",
        ),
        (
            "id: 10 }",
            "id: 10, preempt: false, track_script: { web: { unit: nginx, weight: -50 } } }",
            (7, 92),
            "`web` changes a priority by 50, but with `preempt: false` the master would stay",
        ),
        (
            "id: 10 }",
            "id: 10, track_interface: eth0 }",
            (7, 49),
            "`eth0` carries the adverts, and is tracked without being named",
        ),
        (
            "id: 10 }\nservices:\n  web: { vip: 192.168.100.200",
            "id: 10, auth_pass: { env: PW } }\nservices:\n  web: { vip: 'fd00::200'",
            (7, 32),
            "VRRP version 3, which IPv6 VIPs need, knows no passwords",
        ),
    ] {
        assert!(base.contains(from), "{from}");
        let loaded = load(&base.replace(from, to));
        let [warning] = loaded.warnings.as_slice() else {
            panic!("{to}: {:?}", loaded.warnings)
        };
        assert_eq!(warning.message(), expected);
        assert_eq!(warning.position(), Some(position), "{expected}");
        assert!(warning.is_warning() && warning.fix().is_some());
    }
}

/// keepalived's quorum is above it: there it is an error.
#[test]
fn weights_may_all_be_0_without_keepalived() {
    let loaded = load(
        "cluster: a
networks: 192.168.100.0/24
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  rs1: { role: realserver, address: 192.168.100.12 }
services:
  web: { vip: 192.168.100.200, port: 80, weight: 0 }
",
    );
    let found: Vec<&str> = loaded.warnings.iter().map(|w| w.message()).collect();
    assert_eq!(
        found,
        ["all real servers of service `web` have weight 0, so none gets connections"]
    );
}

/// The way back is of the real server's own family.
#[test]
fn a_nat_gateway_is_of_the_real_servers_family() {
    let text = |services: &str| {
        format!(
            "cluster: a
networks: {{ out: [192.168.100.0/24, 'fd00:100::/64'], in: [10.0.0.0/24, 'fd00:10::/64'] }}
hosts:
  lb1: {{ role: director, interfaces: {{ eth0: [192.168.100.14, 'fd00:100::14'], eth1: [10.0.0.1, 'fd00:10::1'] }} }}
  rs1: {{ role: realserver, address: [10.0.0.12, 'fd00:10::12'] }}
services:
{services}"
        )
    };
    let v4 = "  web: { vip: 192.168.100.200, port: 80, mode: nat }\n";
    let v6 = "  web6: { vip: 'fd00:100::200', port: 80, mode: nat }\n";
    for (services, gateway, warned) in [
        (v4.to_owned(), "10.0.0.1", &[][..]),
        (v6.to_owned(), "fd00:10::1", &[]),
        (
            format!("{v4}{v6}"),
            "10.0.0.1",
            &[
                "with NAT, `rs1` must answer through a director from fd00:10::12 too, and its only gateway is 10.0.0.1",
            ],
        ),
    ] {
        let loaded = load(&text(&services));
        let rs1 = &loaded.cluster.hosts[1];
        assert_eq!(rs1.gateway.unwrap().to_string(), gateway, "{services}");
        let found: Vec<&str> = loaded.warnings.iter().map(|w| w.message()).collect();
        assert_eq!(found, warned, "{services}");
    }
}

/// With two directors an address of one of them is no gateway for NAT.
#[test]
fn a_nat_gateway_moves_with_the_service() {
    let text = |gateway: &str| {
        format!(
            "cluster: web
networks: {{ wan: 203.0.113.0/24, lan: 10.2.0.0/24 }}
hosts:
  lb1: {{ role: director, interfaces: {{ eth0: 203.0.113.11, eth1: 10.2.0.11 }} }}
  lb2: {{ role: backup, interfaces: {{ eth0: 203.0.113.12, eth1: 10.2.0.12 }} }}
  rs1: {{ role: realserver, address: 10.2.0.21, gateway: {gateway} }}
vrrp: {{ virtual_router_id: 10, vips: [203.0.113.80, 10.2.0.1] }}
services: {{ web: {{ vip: 203.0.113.80, port: 80, mode: nat }} }}
"
        )
    };
    assert_eq!(load(&text("10.2.0.1")).warnings.len(), 0);
    let loaded = load(&text("10.2.0.11"));
    let [warning] = loaded.warnings.as_slice() else {
        panic!("{:?}", loaded.warnings)
    };
    assert_eq!(
        warning.message(),
        "with NAT, `rs1` must answer through the director that serves, not always through 10.2.0.11"
    );
    assert!(
        warning
            .fix()
            .is_some_and(|fix| fix.contains("write `gateway: 10.2.0.1`, which is the VIP"))
    );
}

const HA: &str = "
cluster: ha
networks: { lan: 192.168.189.0/24, inside: 10.0.0.0/24 }
hosts:
  old: { role: backup, address: 192.168.189.149 }
  new: { role: director, address: 192.168.189.148, priority: 150 }
  third: { role: backup, interfaces: { eth1: 10.0.0.3, eth0: 192.168.189.3 } }
  rs1: { role: realserver, address: 192.168.189.150 }
vrrp: { virtual_router_id: 51, unicast: true, preempt: false }
services:
  web: { vip: 192.168.189.145/24, port: 80, mode: tun }
";

#[test]
fn vrrp_takes_directors_then_backups() {
    let found = cluster(HA);
    assert!(found.keepalived);
    let [main] = found.vrrp.as_slice() else {
        panic!()
    };
    assert_eq!(
        (main.name.as_str(), main.virtual_router_id, main.advert_int),
        ("main", 51, 1.0)
    );
    assert!(main.unicast && !main.preempt);
    assert_eq!(main.vips, found.services[0].vips);
    let members: Vec<_> = main
        .members
        .iter()
        .map(|m| {
            (
                m.host.as_str(),
                m.priority,
                m.interface.as_str(),
                m.address.to_string(),
            )
        })
        .collect();
    assert_eq!(
        members,
        [
            ("new", 150, "eth0", "192.168.189.148".to_owned()),
            ("old", 90, "eth0", "192.168.189.149".to_owned()),
            ("third", 80, "eth0", "192.168.189.3".to_owned()),
        ]
    );
    // keepalived checks by TCP where no check is written.
    let check = found.services[0].health_check.as_ref().unwrap();
    assert_eq!((&check.kind, check.port), (&HealthCheckKind::Tcp, None));
}

#[test]
fn vrrp_without_services_and_several_instances() {
    let web = cluster(
        "cluster: web-ha
networks: 192.168.189.0/24
hosts:
  a: { role: [director, web], address: 192.168.189.148 }
  b: { role: [director, web], address: 192.168.189.149 }
vrrp:
  virtual_router_id: 51
  members: { a: {}, b: { priority: 120 } }
  vips: 192.168.189.150
",
    );
    let members: Vec<_> = web.vrrp[0]
        .members
        .iter()
        .map(|m| (m.host.as_str(), m.priority))
        .collect();
    assert_eq!(members, [("b", 120), ("a", 100)]);

    let two = cluster(
        "cluster: two
networks: 192.168.189.0/24
hosts:
  a: { role: director, address: 192.168.189.148 }
  b: { role: backup, address: 192.168.189.149 }
vrrp:
  first: { virtual_router_id: 51, vips: 192.168.189.150 }
  second: { virtual_router_id: 52, vips: 192.168.189.151, members: { b: { priority: 200 }, a: {} } }
",
    );
    let masters: Vec<_> = two
        .vrrp
        .iter()
        .map(|i| (i.name.as_str(), i.members[0].host.as_str()))
        .collect();
    assert_eq!(masters, [("first", "a"), ("second", "b")]);
}

#[test]
fn many_members_keep_distinct_priorities() {
    let hosts: String = (1..=40)
        .map(|n| format!("  d{n}: {{ role: director, address: 10.0.0.{n} }}\n"))
        .collect();
    let found = cluster(&format!(
        "cluster: many\nnetworks: 10.0.0.0/24\nhosts:\n{hosts}vrrp: {{ virtual_router_id: 1, vips: 10.0.0.200 }}\n"
    ));
    let priorities: Vec<u8> = found.vrrp[0].members.iter().map(|m| m.priority).collect();
    assert!(priorities.windows(2).all(|p| p[0] > p[1]), "{priorities:?}");
}

#[test]
fn anchors_and_merge_keys_work() {
    let found = cluster(
        "cluster: a
networks: 192.168.100.0/24
hosts:
  one: &base { role: client, address: 192.168.100.1, vars: { x: 1 } }
  two: { <<: *base, address: 192.168.100.2 }
",
    );
    assert_eq!(found.hosts[1].address.to_string(), "192.168.100.2");
    assert_eq!(found.hosts[1].vars["x"], 1);
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    let found =
        cluster("\u{feff}cluster: a\nhosts: { h: { role: client, address: 10.0.0.1/24 } }\r\n");
    assert_eq!(found.name, "a");
}

const SECRET: &str = "
cluster: ha
networks: 192.168.189.0/24
hosts:
  a: { role: director, address: 192.168.189.148 }
  b: { role: backup, address: 192.168.189.149 }
vrrp:
  virtual_router_id: 51
  vips: 192.168.189.150
  auth_pass: { env: VRRP_PASS }
";

#[test]
fn a_vrrp_password_is_looked_at_once_it_is_read() {
    let loaded = load(SECRET);
    let source = SecretSource::Env("VRRP_PASS".to_owned());
    let say = |value: &str| {
        let secrets = Secrets::from([(source.clone(), SecretString::from(value))]);
        let error = loaded.check_secrets(&secrets).err()?;
        let [problem] = error.problems() else {
            panic!()
        };
        assert_eq!(problem.position(), Some((10, 3)));
        assert!(problem.fix().is_some());
        let all = error.render(100, false);
        assert!(value.is_empty() || !all.contains(value), "{all}");
        Some(problem.message().to_owned())
    };
    assert_eq!(say("12345678"), None);
    assert_eq!(say("a"), None);
    assert_eq!(
        say("correct-horse").unwrap(),
        "the password from environment variable VRRP_PASS has 13 characters, of which VRRP uses the first 8 only"
    );
    assert!(say("").unwrap().ends_with("is empty"));
    assert!(say("a b").is_some());
    assert!(say("a\nb").is_some());
    assert!(say("grün").is_some());
    // Not read (yet): nothing to say.
    assert!(loaded.check_secrets(&Secrets::new()).is_ok());
}

#[test]
fn roles_of_the_users_own_are_known_where_they_are_given() {
    let text = "cluster: a\nhosts: { h: { role: proxy, address: 10.0.0.1/24 } }\n";
    assert!(inventory::parse("a.yaml", text, BUILT_IN_ROLES).is_err());
    let found = inventory::parse("a.yaml", text, &["director", "proxy"]).unwrap();
    assert_eq!(found.cluster.hosts[0].roles, ["proxy"]);
}
