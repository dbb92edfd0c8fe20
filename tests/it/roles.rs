//! The built-in roles and templates over every shipped inventory.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::report::render;
use lvsctl::resource::distribution::Family;
use lvsctl::resource::{Distribution, Resource};
use lvsctl::role::Roles;

use crate::support::roles::built_in;

fn inventories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories");
    let read = fs::read_dir(folder).expect("inventories");
    let mut all: Vec<PathBuf> = read
        .map(|entry| entry.expect("an inventory").path())
        .collect();
    all.sort();
    all
}

#[test]
fn the_list_of_built_in_roles_is_whole() {
    let roles = built_in();
    let found: BTreeSet<&str> = roles.names().collect();
    let listed: BTreeSet<&str> = BUILT_IN_ROLES.iter().copied().collect();
    assert_eq!(found, listed);
}

/// All resources of all hosts of all shipped inventories.
fn resources() -> Vec<(String, Resource)> {
    resources_on(&Distribution::assumed())
}

fn resources_on(os: &Distribution) -> Vec<(String, Resource)> {
    let roles = built_in();
    let mut all = Vec::new();
    for path in inventories() {
        let text = fs::read_to_string(&path).expect("an inventory");
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let loaded = inventory::parse(&name, &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{name}: {e:?}"));
        // schedulers shows what each scheduler does, those included that ignore its weights.
        let warnings = loaded.warnings.iter().map(|w| w.message());
        let warnings: Vec<_> = warnings.filter(|_| name != "schedulers.yaml").collect();
        assert_eq!(warnings, [""; 0], "{name}");
        for host in &loaded.cluster.hosts {
            let expanded = roles.over(&loaded.cluster).of(host, os);
            let expanded = expanded.unwrap_or_else(|e| panic!("{name}, {}: {e}", host.name));
            all.extend(
                expanded
                    .into_iter()
                    .map(|r| (format!("{name}, {}", host.name), r)),
            );
        }
    }
    all
}

/// Destroying goes the other way: keepalived must be gone before what it would restart.
#[test]
fn what_keepalived_watches_comes_before_it() {
    for host in ["web1", "web2"] {
        let at = |unit: &str| {
            let of = format!("web-ha.yaml, {host}");
            let mut mine = resources().into_iter().filter(|(name, _)| *name == of);
            mine.position(|(_, r)| r.kind() == "unit" && r.key() == unit)
                .unwrap_or_else(|| panic!("{host} has no {unit}"))
        };
        assert!(at("nginx.service") < at("keepalived.service"), "{host}");
    }
}

/// A dot in the name of a VLAN's interface is no separator of a sysctl's name (sysctl.d(5)).
#[test]
fn interfaces_of_vlans_have_sysctls() {
    let text = "cluster: t
networks: { lan: 10.2.0.0/24 }
defaults: { interface: eth0.100 }
hosts:
  lb1: { role: director, address: 10.2.0.11 }
  rs1: { role: realserver, address: 10.2.0.21, vars: { arp_scopes: [all, lo, eth0.100] } }
services:
  web: { vip: 10.2.0.80, port: 80 }
";
    let loaded =
        inventory::parse("t.yaml", text, BUILT_IN_ROLES).unwrap_or_else(|e| panic!("{e:?}"));
    let roles = built_in();
    for (host, want) in [
        (0, "net.ipv4.conf.eth0/100.send_redirects"),
        (1, "net.ipv4.conf.eth0/100.arp_ignore"),
    ] {
        let host = &loaded.cluster.hosts[host];
        let all = roles
            .over(&loaded.cluster)
            .of(host, &Distribution::assumed())
            .expect("resources");
        assert!(all.iter().any(|r| r.key() == want), "{want}");
    }
}

#[test]
fn every_kind_is_used_by_a_shipped_inventory() {
    let used: BTreeSet<&str> = resources().iter().map(|(_, r)| r.kind()).collect();
    let kinds: BTreeSet<&str> = lvsctl::resource::registry::KINDS.iter().copied().collect();
    assert_eq!(used, kinds);
}

/// `lvsctl render`: a line of words, or a title with commands.
#[test]
fn every_resource_is_shown() {
    for (whose, resource) in resources() {
        if resource.kind() == "file" {
            continue;
        }
        let shown = render::text("h", std::slice::from_ref(&resource));
        let (title, commands) = shown
            .trim()
            .split_once("\n\n# ")
            .and_then(|(_, shown)| shown.split_once('\n').or(Some((shown, ""))))
            .unwrap_or_else(|| panic!("{whose}: {shown}"));
        let name = format!("{} {}", resource.kind(), resource.key());
        let words = title.strip_prefix(&name);
        let words = words.unwrap_or_else(|| panic!("{whose}: {shown}"));
        assert!(
            words.starts_with(": ") || !commands.is_empty(),
            "{whose}: {shown}"
        );
    }
}

/// Scripts that go to hosts are read by every shell that may be `sh` there.
#[test]
fn scripts_have_no_syntax_errors() {
    let shells: [&[&str]; 3] = [
        &["dash", "-n"],
        &["bash", "--posix", "-n"],
        &["busybox", "sh", "-n"],
    ];
    let mut seen = BTreeSet::new();
    let openrc = Distribution::new(Family::Alpine);
    let all = resources().into_iter().chain(resources_on(&openrc));
    for (whose, resource) in all {
        let Resource::File(file) = resource else {
            continue;
        };
        let script = ["#!/bin/sh", "#!/sbin/openrc-run"];
        if !script.iter().any(|first| file.content.starts_with(first))
            || !seen.insert(file.content.clone())
        {
            continue;
        }
        for shell in shells {
            let mut child = Command::new(shell[0])
                .args(&shell[1..])
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap_or_else(|e| panic!("{}: {e}; apt-get install {0}", shell[0]));
            let mut stdin = child.stdin.take().expect("a pipe");
            stdin
                .write_all(file.content.as_bytes())
                .expect("the script");
            drop(stdin);
            let output = child.wait_with_output().expect("the shell");
            let words = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "{whose}, {}, {shell:?}: {words}\n{}",
                file.path,
                file.content
            );
        }
    }
    assert!(seen.len() > 20, "{} scripts", seen.len());
}

/// What is said of a role of the user's, `mine`, on a director that is a real server too.
fn mine(role: &str) -> Result<Vec<Resource>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("roles")).expect("a folder");
    fs::write(folder.path().join("roles/mine.yaml"), role).expect("a role");
    let text = "
cluster: web
networks: 192.168.100.0/24
hosts: { lb1: { role: [mine, director, realserver], address: 192.168.100.14 } }
services: { web: { vip: 192.168.100.200, port: 80 } }
";
    let said = |error: &dyn std::error::Error| {
        let said = lvsctl::report::error::chain(error);
        said.replace(&format!("{}/", folder.path().display()), "")
    };
    let roles = Roles::load(Some(folder.path())).map_err(|e| said(&e))?;
    let names: Vec<&str> = roles.names().collect();
    let loaded = inventory::parse("web.yaml", text, &names).expect("the inventory");
    let [host] = loaded.cluster.hosts.as_slice() else {
        panic!("one host");
    };
    let expanded = roles
        .over(&loaded.cluster)
        .of(host, &Distribution::assumed());
    expanded.map_err(|e| said(&e))
}

/// `when` and `for_each` are expressions, or the values themselves.
#[test]
fn when_and_for_each_take_plain_values() {
    let role = "resources:
  - { when: false, sysctl: { name: a.b, value: 1 } }
  - { for_each: [c, d], sysctl: { name: \"a.{{ item }}\", value: 1 } }
";
    let all = mine(role).expect("resources");
    let keys: Vec<String> = all
        .iter()
        .map(Resource::key)
        .filter(|key| key.starts_with("a."))
        .collect();
    assert_eq!(keys, ["a.c", "a.d"]);
}

#[test]
fn what_two_roles_ask_for_alike_is_made_once() {
    let role = "
resources:
  - sysctl: { name: net.ipv4.ip_forward, value: 1 }
  - for_each: '[1, 2]'
    file: { path: /a, content: x }
";
    let made = mine(role).expect("the resources");
    let of = |key: &str| made.iter().filter(|r| r.key() == key).count();
    assert_eq!((of("net.ipv4.ip_forward"), of("/a")), (1, 1));
}

/// A web server that exports the pages that it serves.
#[test]
fn built_in_roles_may_ask_for_one_page_otherwise() {
    let text = "
cluster: web
networks: 192.168.100.0/24
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  rs1:
    role: [realserver, web, nfs]
    address: 192.168.100.12
    exports: { path: /var/www/html, to: rs2, at: /var/www/html }
  rs2: { role: [realserver, web, nfs-client], address: 192.168.100.13 }
services: { web: { vip: 192.168.100.200, port: 80 } }
";
    let roles = built_in();
    let loaded = inventory::parse("web.yaml", text, BUILT_IN_ROLES).expect("the inventory");
    for host in &loaded.cluster.hosts {
        let expanded = roles
            .over(&loaded.cluster)
            .of(host, &Distribution::assumed());
        let pages = expanded.unwrap_or_else(|e| panic!("{}: {e}", host.name));
        let pages = pages.iter().filter(|r| r.key().ends_with("/index.html"));
        assert_eq!(
            pages.count(),
            usize::from(host.name == "rs1"),
            "{}",
            host.name
        );
    }
}

/// What a host of an inventory shall be, as kinds and keys.
fn keys(inventory: &str, host: &str) -> BTreeSet<String> {
    let loaded = inventory::parse("t.yaml", inventory, BUILT_IN_ROLES)
        .unwrap_or_else(|e| panic!("{}", e.render(120, false)));
    let roles = built_in();
    let mut hosts = loaded.cluster.hosts.iter();
    let host = hosts.find(|h| h.name == host).expect("the host");
    let all = roles
        .over(&loaded.cluster)
        .of(host, &Distribution::assumed());
    let all = all.unwrap_or_else(|e| panic!("{e}"));
    all.iter()
        .map(|r| format!("{} {}", r.kind(), r.key()))
        .collect()
}

/// Whoever puts it in, and whatever role it has; with a real server beside it that is set up in the same way.
#[test]
fn a_sorry_server_is_set_up_like_a_real_server() {
    let base = |mode: &str, vrrp: &str, rest: &str| {
        format!(
            "cluster: t\nnetworks: {{ lan: 192.168.100.0/24 }}\ndefaults: {{ interface: eth0 }}\n{vrrp}hosts:\n  \
             lb1: {{ role: director, address: 192.168.100.14 }}\n  \
             rs1: {{ role: realserver, address: 192.168.100.12 }}\n  \
             sorry: {{ role: client, address: 192.168.100.30 }}\n{rest}\
             services:\n  web: {{ vip: 192.168.100.200, port: 80, mode: {mode}, sorry_server: 192.168.100.30, health_check: tcp }}\n"
        )
    };
    let vrrp = "vrrp: { virtual_router_id: 10 }\n";
    for (mode, rest, has) in [
        (
            "dr",
            "",
            &[
                "address 192.168.100.200/32 dev lo",
                "sysctl net.ipv4.conf.all.arp_ignore",
                "sysctl net.ipv4.conf.all.arp_announce",
                "route 192.168.100.200/32",
                "unit lvsctl-t.service",
            ][..],
        ),
        (
            "dr",
            "arp: arptables\n",
            &["arprule 192.168.100.200", "package arptables"],
        ),
        (
            "tun",
            "",
            &[
                "address 192.168.100.200/32 dev tunl0",
                "link tunl0",
                "module ipip",
            ],
        ),
        ("nat", "", &["route 0.0.0.0/0"]),
    ] {
        for vrrp in [vrrp, ""] {
            // In NAT the gateway is an address that moves with the VIP.
            let vrrp = if mode == "nat" && !vrrp.is_empty() {
                "vrrp: { virtual_router_id: 10, vips: [192.168.100.200, 192.168.100.1] }\n"
            } else {
                vrrp
            };
            let text = base(mode, vrrp, rest);
            let real = keys(&text, "rs1");
            let sorry = keys(&text, "sorry");
            for key in has {
                assert!(
                    sorry.contains(*key),
                    "{mode} {rest} {vrrp}: no {key} in {sorry:#?}"
                );
            }
            let own = keys(&text.replace("sorry_server: 192.168.100.30,", ""), "sorry");
            let more: BTreeSet<String> = sorry.difference(&own).cloned().collect();
            assert_eq!(more, real, "{mode} {rest} {vrrp}");
        }
    }
}

/// However many ports a mark has: few rules, none with more than 15 entries, where a range counts as two.
#[test]
fn marks_of_many_ports_are_few_rules() {
    let odd: Vec<String> = (0..301).map(|n| (2 * n + 1).to_string()).collect();
    let following: Vec<String> = (10000..10300).map(|n| n.to_string()).collect();
    let ranges: Vec<String> = (1..=20)
        .map(|n| format!("{}-{}", n * 100, n * 100 + 50))
        .collect();
    for (port, rules, first) in [
        ("10000-20000".to_owned(), 1, "--dports 10000:20000 "),
        (
            "[21, 10000-20000]".to_owned(),
            1,
            "--dports 21,10000:20000 ",
        ),
        (
            format!("[21, {}]", following.join(", ")),
            1,
            "--dports 21,10000:10299 ",
        ),
        (
            format!("[{}]", odd.join(", ")),
            21,
            "--dports 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29 ",
        ),
        (
            format!("[{}]", ranges.join(", ")),
            3,
            "--dports 100:150,200:250,300:350,400:450,500:550,600:650,700:750 ",
        ),
    ] {
        let text = format!(
            "cluster: t\nnetworks: {{ lan: 192.168.100.0/24 }}\ndefaults: {{ interface: eth0 }}\nhosts:\n  \
             lb1: {{ role: director, address: 192.168.100.14 }}\n  \
             rs1: {{ role: [realserver, answer], address: 192.168.100.12 }}\n\
             services:\n  ftp: {{ vip: 192.168.100.200, port: {port}, fwmark: 21, persistence: 300 }}\n"
        );
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(120, false)));
        let roles = built_in();
        let of = |index: usize| {
            let host = &loaded.cluster.hosts[index];
            let all = roles
                .over(&loaded.cluster)
                .of(host, &Distribution::assumed());
            all.unwrap_or_else(|e| panic!("{e}"))
        };
        let lb1 = of(0);
        let marks = lb1.iter().filter(|r| matches!(r, Resource::Mark(_)));
        assert_eq!(marks.count(), rules, "{port}");
        let script = lb1.iter().find_map(|resource| match resource {
            Resource::File(file) if file.path == "/usr/local/sbin/lvsctl-t" => Some(&file.content),
            _ => None,
        });
        let script = script.expect("a node script");
        assert!(script.contains(first), "{port}: {script}");
        // A range does not make a server for each port.
        assert!(of(1).len() < 60, "{port}: {} resources", of(1).len());
    }
}
