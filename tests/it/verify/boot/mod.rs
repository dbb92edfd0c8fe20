//! What the next boot does: stock hosts of each distribution, of which nothing is said, and faults on them, each with exactly
//! one finding. The real script of the fact reads the files below a folder that stands for the host's root.

mod cases;
mod gateway;
mod late;
mod stock;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use lvsctl::check;
use lvsctl::fact::boot_source::BootSources;
use lvsctl::fact::{Fact, Needs, section};

use crate::verify::made::{self, Made};
use cases::{CASES, Case};
use stock::Distribution;

const DR: &str = "
cluster: made
networks: { lan: 192.168.100.0/24 }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  lb2: { role: backup, address: 192.168.100.15 }
  rs1: { role: realserver, address: 192.168.100.12 }
  rs2: { role: realserver, address: 192.168.100.13 }
vrrp: { virtual_router_id: 10 }
services:
  web: { vip: 192.168.100.200, port: 80, scheduler: rr }
";

const SETTINGS: &str = "/proc/sys/net/ipv4/ip_forward:1
/proc/sys/net/ipv4/conf/all/arp_ignore:1
/proc/sys/net/ipv4/conf/all/arp_announce:2
/proc/sys/net/ipv4/conf/all/rp_filter:0
/proc/sys/net/ipv4/conf/all/send_redirects:0
/proc/sys/net/ipv4/conf/eth0/arp_ignore:0
/proc/sys/net/ipv4/conf/eth0/arp_announce:0
/proc/sys/net/ipv4/conf/eth0/rp_filter:0
/proc/sys/net/ipv4/conf/eth0/send_redirects:0";

const UNITS: &str = "Id=lvsctl-made.service\nNames=lvsctl-made.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n\n\
    Id=keepalived.service\nNames=keepalived.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no";

const RS1: Made = Made {
    host: "rs1",
    links: &[
        ("lo", 65536, &["127.0.0.1/8", "192.168.100.200/32"]),
        ("eth0", 1500, &["192.168.100.12/24"]),
    ],
    facts: &[("sysctl values", SETTINGS), ("unit show", UNITS)],
};

const HOSTS: &[Made] = &[
    Made {
        host: "lb1",
        links: &[("eth0", 1500, &["192.168.100.14/24", "192.168.100.200/32"])],
        facts: &[("sysctl values", SETTINGS), ("unit show", UNITS)],
    },
    RS1,
];

/// A cluster, and what its hosts answer beside their files.
struct Site {
    inventory: &'static str,
    hosts: &'static [Made],
}

const OF_DR: Site = Site {
    inventory: DR,
    hosts: HOSTS,
};

/// A file of a host; with a target it is a link, and one that begins with `#!` is executable.
fn put(root: &Path, path: &str, content: &str) {
    let at = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(at.parent().expect("a folder")).expect("its folder");
    let _ = fs::remove_file(&at);
    if let Some(target) = content.strip_prefix("-> ") {
        let target = if target == "/dev/null" {
            target.into()
        } else {
            root.join(target.trim_start_matches('/'))
        };
        return symlink(target, at).expect("a link");
    }
    fs::write(&at, content).expect("a file");
    let mode = if content.starts_with("#!") {
        0o755
    } else {
        0o644
    };
    fs::set_permissions(&at, fs::Permissions::from_mode(mode)).expect("its mode");
}

/// The script of the fact, reading below a folder.
fn below(script: &str, root: &str) -> String {
    let lists = ["links=", "runs=", "whole=", "lib=", "some="];
    let lines = script.lines().map(|line| {
        if lists.iter().any(|list| line.starts_with(list)) {
            return line
                .replace(" /", &format!(" {root}/"))
                .replace("='/", &format!("='{root}/"));
        }
        let line = line.replace("[ /lib -ef /usr/lib ]", "true");
        let line = [
            "/etc/systemd/system/",
            "/usr/lib/systemd/system",
            " /lib/systemd/system",
            "/etc/systemd/system /run/systemd/system",
        ]
        .iter()
        .fold(line, |line, path| {
            let (space, bare) = path
                .strip_prefix(' ')
                .map_or(("", *path), |bare| (" ", bare));
            line.replace(path, &format!("{space}@{bare}"))
        });
        let line = line
            .replace("system @/run", "system /run")
            .replace(" /run/systemd", " @/run/systemd")
            .replace("@@", "@")
            .replace('@', "\u{1}");
        let line = line.replace('\u{1}', root);
        line.replace("\"$p\"", &format!("\"{root}$p\""))
            .replace("\"$w\"", &format!("\"{root}$w\""))
            .replace("$more $w", &format!("$more {root}$w"))
    });
    let lines: Vec<String> = lines.collect();
    lines.join("\n") + "\n"
}

/// The parts that a host with these files prints.
fn parts(
    inventory: &str,
    host: &str,
    files: &[(&str, &str)],
    shell: &[&str],
) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().display().to_string();
    for (path, content) in files {
        put(folder.path(), path, content);
    }
    let cluster = made::cluster(inventory);
    let host = cluster
        .hosts
        .iter()
        .find(|h| h.name == host)
        .expect("a host");
    let mut needs = Needs::default();
    check::needs(&cluster, host, &mut needs);
    let command = <BootSources as Fact>::command(&needs.boot_source.expect("asked"));
    // `-@+!` and the like are the script's own.
    let kept = command.replace("[-@+!<]", "[-AT+!<]");
    let script = below(&kept, &root).replace("[-AT+!<]", "[-@+!<]");
    let script = format!(
        "{}section=boot-source\n{script}",
        section::prologue("NONCE")
    );
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", &script])
        .output()
        .expect("a shell");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.is_empty(), "{shell:?}: {error}");
    let printed = String::from_utf8_lossy(&output.stdout).replace(&root, "");
    let sections = printed.split("\n@NONCE ").skip(1).map(|part| {
        let (name, text) = part.split_once('\n').unwrap_or((part, ""));
        (name.to_owned(), text.trim_end().to_owned())
    });
    sections.collect()
}

/// All findings and notes of the checks of the next boot.
fn verify(
    site: &Site,
    distribution: &Distribution,
    host: &'static str,
    more: &[(&str, &str)],
) -> Vec<String> {
    let mut files: Vec<(&str, &str)> = stock::COMMON.to_vec();
    files.extend(distribution.files);
    files.extend(more);
    let parts = parts(site.inventory, host, &files, &["dash"]);
    let mut facts: Vec<(&str, &str)> = parts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let os = format!("{}\nUid:\t0\t0\t0\t0", distribution.os);
    facts.push(("system os", &os));
    let findings = made::verify(site.inventory, site.hosts, host, &facts);
    const CHECKS: [&str; 7] = [
        "boot-unit",
        "boot-address",
        "boot-firewall",
        "boot-ipvs",
        "boot-module",
        "schedule",
        "persisted-sysctl",
    ];
    let found = CHECKS.iter().flat_map(|id| {
        made::of(&findings, id)
            .into_iter()
            .map(move |text| format!("{id}: {text}"))
    });
    found
        .filter(|text| text.contains(&format!(": {host}: ")))
        .collect()
}

#[test]
fn nothing_is_said_of_a_stock_host() {
    for distribution in stock::ALL {
        for host in ["lb1", "rs1"] {
            let found = verify(&OF_DR, distribution, host, &[]);
            assert!(found.is_empty(), "{} {host}: {found:#?}", distribution.name);
        }
    }
}

#[test]
fn each_fault_is_one_finding() {
    let mut wrong = Vec::new();
    for Case {
        name,
        on,
        host,
        files,
        check,
        says,
        fix,
    } in CASES
    {
        let distribution = stock::ALL
            .iter()
            .find(|d| d.name == *on)
            .expect("a distribution");
        let found = verify(&OF_DR, distribution, host, files);
        let right = match (check.is_empty(), found.as_slice()) {
            (true, []) => true,
            (false, [one]) => {
                one.starts_with(&format!("{check}: ")) && one.contains(says) && one.contains(fix)
            }
            _ => false,
        };
        if !right {
            wrong.push(format!(
                "{on} {host}: {name}: expected {check:?}, {says:?}, {fix:?}; found {found:#?}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        CASES.len(),
        wrong.join("\n")
    );
    assert!(CASES.iter().filter(|case| !case.check.is_empty()).count() >= 60);
}

#[test]
fn each_shell_reads_the_same() {
    let mut files: Vec<(&str, &str)> = stock::COMMON.to_vec();
    files.extend(stock::ALL[0].files);
    files.push((
        "/etc/cron.d/x",
        "* * * * * root /usr/local/sbin/x >/dev/null\n",
    ));
    files.push((
        "/usr/local/sbin/x",
        "#!/bin/sh\n# ip addr\nip addr del 192.168.100.200/32 dev lo\n",
    ));
    let dash = parts(DR, "rs1", &files, &["dash"]);
    let some = dash
        .iter()
        .find(|(name, _)| name == "boot-source more")
        .expect("a part");
    assert!(
        some.1.contains("/usr/local/sbin/x:3:ip addr del"),
        "{}",
        some.1
    );
    for shell in [&["bash", "--posix"][..], &["busybox", "sh"]] {
        assert_eq!(parts(DR, "rs1", &files, shell), dash, "{shell:?}");
    }
}

/// They, and not the network, decide how long a run takes.
#[test]
fn two_processes_start_or_three() {
    let cluster = made::cluster(DR);
    let mut needs = Needs::default();
    check::needs(&cluster, &cluster.hosts[0], &mut needs);
    let command = <BootSources as Fact>::command(&needs.boot_source.expect("asked"));
    let lists = ["links=", "runs=", "whole=", "lib=", "some=", "words=", "#"];
    let lines = command
        .lines()
        .filter(|line| !lists.iter().any(|list| line.starts_with(list)));
    let text: Vec<&str> = lines.collect();
    let starts = |tool: &str| {
        text.iter()
            .map(|line| line.matches(&format!("$({tool} ")).count())
            .sum::<usize>()
    };
    assert_eq!(starts("grep"), 3);
    for tool in [
        "cat ",
        "sed ",
        "awk ",
        "find ",
        "readlink ",
        "head ",
        "stat ",
        "ls ",
        "systemctl ",
    ] {
        assert!(!text.iter().any(|line| line.contains(tool)), "{tool}");
    }
}

#[test]
fn what_did_not_fit_is_no_pass() {
    let long = format!("*/5 * * * * root true {}\n", "x".repeat(300_000));
    let found = verify(
        &OF_DR,
        &stock::ALL[0],
        "rs1",
        &[("/etc/cron.d/long", &long)],
    );
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("only the first part was read"),
        "{found:#?}"
    );
}

#[test]
fn a_host_that_says_nothing_is_not_judged() {
    let findings = made::verify(DR, HOSTS, "rs1", &[("boot-source links", "")]);
    let found = made::of(&findings, "boot-unit");
    assert!(
        found
            .iter()
            .any(|text| text.contains("did not say what it reads and runs at boot")),
        "{found:#?}"
    );
}
