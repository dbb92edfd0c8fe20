//! Probes and steps of every kind, run for real: under each shell that hosts have, in separate namespaces.

mod audit;
mod cycle;
mod full_disk;
mod host;

use std::collections::BTreeSet;

use lvsctl::fact::Facts;
use lvsctl::resource::registry::KINDS;
use lvsctl::resource::{Context, Resource};
use lvsctl::secret::Secrets;

use host::{busybox_alone, inside, shells};

/// What the host of a test has at first.
const HOST: &str = r#"
# Addresses and routes that the kernel adds appear late.
printf 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode
ip link set lo up
ip link add eth0 type veth peer name peer0
ip link set eth0 address 52:54:00:00:00:01
ip link set eth0 up; ip link set peer0 up
ip addr add 10.0.0.1/24 dev eth0
ip addr add fd00::1/64 dev eth0 nodad
ip link add eth0.10 type veth peer name peer1
printf 0 >/proc/sys/net/ipv4/ip_forward
printf 0 >/proc/sys/net/ipv4/conf/eth0.10/rp_filter
printf '32768 60999' >/proc/sys/net/ipv4/ip_local_port_range
ip route add 172.16.0.0/24 via 10.0.0.253
ip neigh add 10.0.0.10 lladdr 52:54:00:00:00:0a dev eth0 nud permanent
rm -rf /mnt/etc
mkdir -p /mnt/etc
printf 'a\n\n$b "c" '"'d'"'\n' >/mnt/etc/plain
printf 'no newline at its end' >/mnt/etc/cut
: >/mnt/etc/empty
printf 'tabs\tand ü\n' >'/mnt/etc/with blanks'
chmod 0600 /mnt/etc/cut
ln -s plain /mnt/etc/link
touch -h -d @1700000000 /mnt/etc/*
"#;

/// As the host is, and as it is not. Both are asked for in one probe.
const THERE: &str = r#"
- address: { address: 10.0.0.1/24, interface: eth0 }
- address: { address: "fd00::1/64", interface: eth0 }
- link: { name: eth0 }
- networkd: { name: lvsctl-t, interfaces: [eth0, eth9] }
- route: { to: 10.0.0.0/24, interface: eth0 }
- route: { to: "fd00::/64", interface: eth0 }
- file: { path: /mnt/etc/plain, content: "a\n\n$b \"c\" 'd'\n" }
- file: { path: "/mnt/etc/with blanks", content: "tabs\tand ü\n" }
- file: { path: /mnt/etc/empty, content: "" }
- file: { path: /mnt/etc/cut, content: "no newline at its end", mode: "0600" }
- sysctl: { name: net.ipv4.ip_forward, value: 0 }
- sysctl: { name: net.ipv4.conf.eth0/10.rp_filter, value: 0 }
- sysctl: { name: net.ipv4.ip_local_port_range, value: "32768 60999" }
"#;
const NOT_THERE: &str = r#"
- package: { names: [lvsctl-no-such-package] }
- module: { name: lvsctl_no_such_module }
- sysctl: { name: net.ipv4.conf.eth0.arp_ignore, value: 7 }
- sysctl: { name: net.ipv4.no_such_parameter, value: 1 }
- link: { name: eth0.10 }
- address: { address: 192.168.100.200/32, interface: lo, label: "lo:0" }
- route: { to: 0.0.0.0/0, via: 10.0.0.254 }
- neighbour: { address: 10.0.0.9, lladdr: "52:54:00:c0:a8:32", interface: eth0 }
- arprule: { vip: 192.168.100.200, rip: 10.0.0.1 }
- mark: { comment: "lvsctl:t/web", destination: 192.168.100.200, protocol: tcp, ports: [80, 443], mark: 1 }
- mark: { comment: "lvsctl:t/web6", destination: "fd00::200", protocol: tcp, ports: [80], mark: 2 }
- file: { path: /mnt/etc/none, content: "x\n" }
- file: { path: /mnt/etc/link, content: "a\n\n$b \"c\" 'd'\n" }
- unit: { name: lvsctl-none.service, reads: [/mnt/etc/plain, "/mnt/etc/with blanks", /mnt/etc/none] }
- ipvs: { virtual: { tcp: "192.168.100.200:80" }, scheduler: rr, keepalived: true, real_servers: [{ address: "10.0.0.2:80", mode: dr, weight: 1, asks: [{ tcp: "10.0.0.2:80" }, { page: { url: "http://10.0.0.2:80/", status: 200, text: well } }] }] }
"#;

fn resources(yaml: &str) -> Vec<Resource> {
    serde_yaml::from_str(yaml).expect("resources")
}

/// Whether a change is due.
fn differs(resource: &Resource, facts: &Facts) -> bool {
    let secrets = Secrets::new();
    let cx = Context {
        secrets: &secrets,
        earlier: &[],
        recorded: None,
    };
    resource.diff(facts, &cx).is_some()
}

#[test]
#[ignore = "needs root: make test-root"]
fn all_shells_find_the_same() {
    inside(|| {
        let mut shells = shells();
        shells[0].run(HOST);
        shells.push(busybox_alone());
        let (there, not_there) = (resources(THERE), resources(NOT_THERE));
        let all: Vec<Resource> = there.iter().chain(&not_there).cloned().collect();
        let asked: BTreeSet<&str> = all.iter().map(Resource::kind).collect();
        let kinds: BTreeSet<&str> = KINDS.iter().copied().collect();
        assert_eq!(asked, kinds, "every kind is asked for");
        let mut first = None;
        for shell in &shells {
            let facts = shell.probe(&all);
            for resource in &there {
                assert!(!differs(resource, &facts), "{resource:?}\n{facts:#?}");
            }
            for resource in &not_there {
                assert!(differs(resource, &facts), "{resource:?}\n{facts:#?}");
            }
            let found = format!("{facts:#?}");
            let first = first.get_or_insert_with(|| found.clone());
            let diff = similar::TextDiff::from_lines(first.as_str(), &found);
            let diff = diff.unified_diff().context_radius(3).to_string();
            assert!(diff.is_empty(), "{} finds otherwise:\n{diff}", shell.name);
        }
    });
}

/// A probe changes nothing, also where the kernel has not loaded what it looks for.
#[test]
#[ignore = "needs root: make test-root"]
fn a_probe_loads_nothing() {
    inside(|| {
        let tables = "for f in /proc/net/*_tables_names; do echo \"$f\"; cat \"$f\"; done";
        let marks: Vec<Resource> = resources(NOT_THERE)
            .into_iter()
            .filter(|resource| resource.kind() == "mark")
            .collect();
        for backend in ["legacy", "nft"] {
            let shell = shells()[0].with_iptables(backend);
            let before = shell.says(tables);
            shell.probe(&marks);
            assert_eq!(shell.says(tables), before, "{backend}");
        }
    });
}

#[test]
#[ignore = "needs root: make test-root"]
fn steps_make_and_take_away() {
    let made = cycle::made();
    let kinds: BTreeSet<&str> = made.iter().map(Resource::kind).collect();
    let elsewhere = cycle::ELSEWHERE.iter().copied();
    let all: BTreeSet<&str> = kinds.iter().copied().chain(elsewhere).collect();
    assert_eq!(
        all,
        KINDS.iter().copied().collect(),
        "each kind is made somewhere"
    );
    for shell in shells() {
        let made: Vec<Resource> = made
            .iter()
            .filter(|r| r.kind() != "mark")
            .cloned()
            .collect();
        inside(move || {
            shell.run(HOST);
            for resource in &made {
                cycle::run(&shell, resource);
            }
        });
    }
}

/// Each in a namespace where no rule was ever listed: the kernel makes tables where they are first asked for.
#[test]
#[ignore = "needs root: make test-root"]
fn marks_are_made_and_found_by_either_backend() {
    let mut worked = 0;
    for backend in ["legacy", "nft"] {
        let lists = "iptables -t mangle -S && ip6tables -t mangle -S";
        if !inside(move || shells()[0].with_iptables(backend).holds(lists)) {
            eprintln!("this kernel has no iptables-{backend}: no marks by it");
            continue;
        }
        worked += 1;
        for shell in shells() {
            for resource in cycle::made().into_iter().filter(|r| r.kind() == "mark") {
                let shell = shell.clone();
                inside(move || cycle::run(&shell.with_iptables(backend), &resource));
            }
        }
    }
    assert!(worked > 0, "no iptables works on this kernel");
}
