//! `plan --out FILE` and `apply FILE` against real SSH servers: just what was planned is done, or nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::sys::stat::Mode;

use crate::support::program::{Ran, lvsctl, of_all_hosts, run, same, state};
use crate::support::{Lab, inventory};

/// `apply FILE`, which takes the hosts from the plan.
fn apply(lab: &Lab, plan: &Path, more: &[&str]) -> Ran {
    let _in = lab.enter();
    let inventory = lab.dir_file("inventory.yaml");
    let plan = plan.display().to_string();
    let words = [&["apply", plan.as_str()], more].concat();
    let output = of_all_hosts(lab, &inventory, &words).output();
    output.expect("the program runs").into()
}

/// A lab, its inventory with changes to make, and the plan of them.
fn planned(hosts: usize) -> (Lab, std::path::PathBuf) {
    let lab = Lab::plain(hosts);
    let plan = lab.dir_file("plan.json");
    let ran = lvsctl(&lab, &["plan", "--out", &plan.display().to_string()]);
    assert_eq!(ran.status, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("the plan is in"), "{}", ran.stderr);
    (lab, plan)
}

/// Kinds and hosts of the failures in JSON events.
fn failures(ran: &Ran) -> Vec<(String, String)> {
    let events = ran.stdout.lines().filter_map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| Some(event[key].as_str()?.to_owned());
        (event["event"] == "failed").then(|| Some((text("host")?, text("kind")?)))?
    });
    events.collect()
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_plan_is_done_once_and_without_a_question() {
    let (lab, plan) = planned(2);
    let mode = fs::metadata(&plan).expect("the plan").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let ran = apply(&lab, &plan, &[]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    for host in &lab.hosts {
        assert!(state(host).contains("10.77.255.200/32"), "{}", host.name);
    }
    // The hosts are not as they were any more.
    let before: Vec<String> = lab.hosts.iter().map(state).collect();
    let again = apply(&lab, &plan, &["--format", "json"]);
    assert_eq!(again.status, 8, "{}{}", again.stdout, again.stderr);
    let kind = || "plan-host-changed".to_owned();
    let want = [("h1".to_owned(), kind()), ("h2".to_owned(), kind())];
    assert_eq!(failures(&again), want, "{}", again.stdout);
    for (host, before) in lab.hosts.iter().zip(before) {
        same(&before, &state(host), "a refused plan left a trace");
    }
    // An empty plan holds, too.
    let ran = lvsctl(&lab, &["plan", "--out", &plan.display().to_string()]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(apply(&lab, &plan, &[]).status, 0);
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_host_that_differs_from_the_plan_stops_it_for_all() {
    let (lab, plan) = planned(2);
    let set = "echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore";
    assert!(lab.host("h2").sh(set).status.success());
    let before: Vec<String> = lab.hosts.iter().map(state).collect();
    let ran = apply(&lab, &plan, &[]);
    assert_eq!(ran.status, 8, "{}{}", ran.stdout, ran.stderr);
    for words in [
        "h2",
        "sysctl net.ipv4.conf.all.arp_ignore: planned update (value 0 → 1), found nothing to do",
        "nothing was changed on any host",
        "`lvsctl plan --out",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    for (host, before) in lab.hosts.iter().zip(before) {
        same(&before, &state(host), "a refused plan left a trace");
    }
    let undo = "echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore";
    assert!(lab.host("h2").sh(undo).status.success());
    let ran = apply(&lab, &plan, &[]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
#[ignore = "needs root: make test-root"]
fn another_inventory_or_a_host_that_is_away_stops_it() {
    let (lab, plan) = planned(2);
    let path = lab.dir_file("inventory.yaml");
    let text = fs::read_to_string(&path).expect("the inventory");
    fs::write(&path, text.replace("10.77.255.200", "10.77.255.201")).expect("writes");
    let ran = apply(&lab, &plan, &["--format", "json"]);
    assert_eq!(ran.status, 8, "{}{}", ran.stdout, ran.stderr);
    let kinds = failures(&ran);
    assert!(
        kinds.len() == 2
            && kinds
                .iter()
                .all(|(_, kind)| kind == "plan-inventory-changed"),
        "{kinds:?}"
    );
    fs::write(&path, text.replace("cluster: fleet", "cluster: other")).expect("writes");
    let ran = apply(&lab, &plan, &[]);
    assert_eq!(ran.status, 4, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("of the cluster fleet"),
        "{}",
        ran.stderr
    );
    inventory::write(&lab);
    lab.host("h2").unplug();
    let short = fs::read_to_string(&path).expect("the inventory");
    fs::write(
        &path,
        short.replace("connect_timeout: 30", "connect_timeout: 1"),
    )
    .expect("writes");
    let ran = apply(&lab, &plan, &[]);
    assert_eq!(ran.status, 5, "{}{}", ran.stdout, ran.stderr);
    // Nor is a plan saved that lacks a host.
    let other = lab.dir_file("other.json");
    let words = ["plan", "--ignore-unreachable", "--out"];
    let name = other.display().to_string();
    let words = [&words[..], &[name.as_str()]].concat();
    let ran = run(&lab, &path, &words);
    assert_eq!(ran.status, 5, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("is not saved"), "{}", ran.stderr);
    assert!(!other.exists());
}

/// Needs no host: each is refused before one is contacted.
#[test]
fn what_is_no_plan_and_options_that_do_not_fit_are_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let inventory = place.path().join("inventory.yaml");
    fs::write(
        &inventory,
        "cluster: a\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  rs1: { role: realserver, address: 10.0.0.2 }\n\
         services: { web: { vip: 10.0.0.9, port: 80 } }\n",
    )
    .expect("writes");
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).expect("writes");
        path.display().to_string()
    };
    let fifo = place.path().join("fifo");
    nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).expect("a fifo");
    let large = place.path().join("large");
    let sparse = fs::File::create(&large).expect("a file");
    sparse.set_len(65 * 1024 * 1024).expect("a length");
    let plan = file("plan", "{\"lvsctl_plan\": 1}");
    for (words, status, want) in [
        (
            vec![inventory.display().to_string()],
            4,
            "names an inventory",
        ),
        (
            vec![file("new", "{\"lvsctl_plan\": 2}")],
            4,
            "has version 2, expected 1",
        ),
        (vec![plan.clone()], 4, "missing field"),
        (vec![file("binary", "\u{0}")], 4, "expected a plan"),
        (vec![fifo.display().to_string()], 4, "expected a file"),
        (vec![large.display().to_string()], 4, "at most 64 MiB"),
        (
            vec![place.path().join("none").display().to_string()],
            4,
            "No such file",
        ),
        (
            vec![plan.clone(), "--limit".into(), "rs1".into()],
            64,
            "--limit",
        ),
        (
            vec![plan, "--ignore-unreachable".into()],
            64,
            "--ignore-unreachable",
        ),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_lvsctl"))
            .arg("apply")
            .args(&words)
            .arg("-i")
            .arg(&inventory)
            .output()
            .expect("the program runs");
        let ran = Ran::from(output);
        assert_eq!(ran.status, status, "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(want), "{words:?}: {}", ran.stderr);
    }
}
