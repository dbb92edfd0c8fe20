//! `lvsctl drain` and `undrain` on real hosts: the record, what follows from it, and what is refused.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::program::{Ran, of_all_hosts};
use crate::support::{Lab, TestHost};

/// In place of IPVS, which the hosts of these tests do not have: a file with the weights.
const DIRECTOR: &str = "resources:
  - file:
      path: /etc/weights
      content: \"{% for service in services %}{% for rs in service.real_servers %}{{ rs.host }} {{ rs.weight }} {% endfor %}{% endfor %}\"
";
const NOTHING: &str = "resources: []\n";
const RECORD: &str = "/var/lib/lvsctl/fleet.maintenance";

/// h1 is the director of h2 and h3.
fn inventory(lab: &Lab, weight: u16) -> PathBuf {
    let at = |name: &str| lab.host(name).address;
    let text = format!(
        "cluster: fleet\nnetworks:\n  lan: 10.77.0.0/16\n\
         defaults: {{ interface: eth0, persist: false, ssh: {{ user: root, connect_timeout: 30 }} }}\nhosts:\n  \
         h1: {{ role: director, address: {} }}\n  h2: {{ role: realserver, address: {} }}\n  \
         h3: {{ role: realserver, address: {}, weight: {weight} }}\n\
         services:\n  web: {{ vip: 10.77.255.200, port: 80, mode: dr, scheduler: rr }}\n",
        at("h1"),
        at("h2"),
        at("h3")
    );
    std::fs::create_dir_all(lab.dir_file("roles")).expect("a folder");
    std::fs::write(lab.dir_file("roles/director.yaml"), DIRECTOR).expect("a role");
    std::fs::write(lab.dir_file("roles/realserver.yaml"), NOTHING).expect("a role");
    let path = lab.dir_file("inventory.yaml");
    std::fs::write(&path, text).expect("the inventory");
    path
}

fn run(lab: &Lab, inventory: &Path, words: &[&str]) -> Ran {
    let _in = lab.enter();
    let output = of_all_hosts(lab, inventory, words).output();
    output.expect("the program runs").into()
}

#[track_caller]
fn ends(lab: &Lab, inventory: &Path, words: &[&str], status: i32) -> Ran {
    let ran = run(lab, inventory, words);
    assert_eq!(
        ran.status, status,
        "{words:?}\n{}{}",
        ran.stdout, ran.stderr
    );
    ran
}

fn read(host: &TestHost, path: &str) -> String {
    String::from_utf8_lossy(&host.sh(&format!("cat {path}")).stdout).into_owned()
}

#[track_caller]
fn fails_with(lab: &Lab, inventory: &Path, words: &[&str], status: i32, kind: &str) {
    let words = [words, &["--format", "json"]].concat();
    let ran = ends(lab, inventory, &words, status);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["error"]["kind"], kind, "{words:?}: {}", ran.stdout);
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_drain_lasts_until_undrain() {
    let lab = Lab::plain(3);
    let director = lab.host("h1");
    let plain = inventory(&lab, 3);
    ends(&lab, &plain, &["apply", "--yes"], 0);
    assert_eq!(read(director, "/etc/weights").trim(), "h2 1 h3 3");

    let words = [
        "drain",
        "h2",
        "--reason",
        "a new disk; $(reboot)",
        "--until",
        "2h",
        "--format",
        "json",
    ];
    let ran = ends(&lab, &plain, &words, 0);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let drain = &document["maintenance"][0];
    assert_eq!(drain["host"], "h2", "{document}");
    assert_eq!(drain["reason"], "a new disk; $(reboot)", "{document}");
    let time = |name: &str| drain[name].as_u64().expect("a time");
    assert_eq!(time("until") - time("since"), 7200, "{document}");
    assert_eq!(document["directors"], serde_json::json!(["h1"]));
    assert_eq!(read(director, "/etc/weights").trim(), "h2 0 h3 3");

    let ran = ends(&lab, &plain, &["apply", "--yes"], 0);
    assert!(ran.stdout.contains(": 0 changes"), "{}", ran.stdout);
    assert_eq!(read(director, "/etc/weights").trim(), "h2 0 h3 3");
    let ran = ends(&lab, &plain, &["plan"], 0);
    assert!(
        ran.stdout.contains("`lvsctl undrain h2` ends that"),
        "{}",
        ran.stdout
    );
    let ran = ends(&lab, &plain, &["status"], 0);
    assert!(
        ran.stdout.contains("\nmaintenance\n  h2 is drained since "),
        "{}",
        ran.stdout
    );
    let ran = ends(&lab, &plain, &["verify", "--only", "maintenance,drift"], 0);
    assert!(ran.stdout.contains("a new disk"), "{}", ran.stdout);
    // The time is over.
    let passed = format!("sed -i 's/\"until\": [0-9]*/\"until\": 1000/' {RECORD}");
    assert!(director.sh(&passed).status.success());
    let ran = ends(&lab, &plain, &["verify", "--only", "maintenance,drift"], 3);
    assert!(ran.stdout.contains("`lvsctl undrain h2`"), "{}", ran.stdout);
    ends(&lab, &plain, &["plan"], 0);

    let ran = ends(&lab, &plain, &["undrain", "h2"], 0);
    assert!(
        ran.stdout.contains("h2 is in service again"),
        "{}",
        ran.stdout
    );
    assert_eq!(read(director, "/etc/weights").trim(), "h2 1 h3 3");
    let ran = ends(&lab, &plain, &["apply", "--yes"], 0);
    assert!(ran.stdout.contains(": 0 changes"), "{}", ran.stdout);
    ends(&lab, &plain, &["destroy", "--yes"], 0);
    assert_eq!(read(director, RECORD), "");
}

#[test]
#[ignore = "needs root: make test-root"]
fn what_is_refused_changes_nothing() {
    let lab = Lab::plain(3);
    let director = lab.host("h1");
    let plain = inventory(&lab, 3);
    ends(&lab, &plain, &["apply", "--yes"], 0);
    fails_with(&lab, &plain, &["undrain", "h2"], 64, "not-drained");
    for words in [
        &["drain", "h1"][..],
        &["drain", "h4"],
        &["drain", "h2", "--service", "shop"],
        &["drain", "h2", "--limit", "h1"],
    ] {
        fails_with(&lab, &plain, words, 64, "usage");
    }
    // The inventory has another edit, which a drain is not to bring along.
    let edited = inventory(&lab, 5);
    fails_with(&lab, &edited, &["drain", "h2"], 5, "not-applied");
    assert_eq!(read(director, RECORD), "");
    assert_eq!(read(director, "/etc/weights").trim(), "h2 1 h3 3");
    let plain = inventory(&lab, 3);
    // What is no record is neither taken for none nor overwritten.
    assert!(
        director
            .sh(&format!("echo junk >{RECORD}"))
            .status
            .success()
    );
    for words in [&["drain", "h2"][..], &["plan"], &["apply", "--yes"]] {
        let ran = ends(&lab, &plain, words, 5);
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        assert!(shown.contains(RECORD), "{words:?}: {shown}");
    }
    assert_eq!(read(director, RECORD), "junk\n");
    let long = format!("head -c 70000 /dev/zero | tr '\\0' ' ' >{RECORD}");
    assert!(director.sh(&long).status.success());
    let ran = ends(&lab, &plain, &["plan"], 5);
    assert!(ran.stderr.contains("65536 bytes"), "{}", ran.stderr);
}
