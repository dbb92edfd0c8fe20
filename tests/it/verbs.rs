//! `probe`, `drill`, `watch`, `status` and `timer` without a host: what they refuse, and what they print.

use std::process::Command;

use serde_json::Value;

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

fn run(words: &[&str]) -> Ran {
    let inventory = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/inventories/dr-keepalived.yaml"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_lvsctl"))
        .args(words)
        .args(["-i", inventory])
        .env("LVSCTL_AUTH_PASS", "s3cr3t")
        .env("HOME", "/nonexistent")
        .env_remove("SSH_AUTH_SOCK")
        .output()
        .expect("the program runs");
    Ran {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn what_is_refused_has_a_status_and_a_kind() {
    for (words, status, kind, message) in [
        (
            &["probe", "shop"][..],
            64,
            "usage",
            "no service is named \"shop\"; the services are web",
        ),
        (
            &["probe", "web", "--requests", "100001"],
            64,
            "usage",
            "pass --yes",
        ),
        (
            &["probe", "web", "--rate", "1001"],
            64,
            "usage",
            "1001 requests a second are more than 1000",
        ),
        (
            &["probe", "web", "--port", "22"],
            64,
            "usage",
            "web is not on port 22",
        ),
        (
            &["probe", "web", "--vip", "10.0.0.1"],
            64,
            "usage",
            "its VIPs are 192.168.100.200",
        ),
        (
            &["probe", "web", "--from", "rs1"],
            64,
            "usage",
            "rs1 is no client",
        ),
        (
            &["drill", "failover", "--limit", "lb1"],
            64,
            "usage",
            "omit --limit",
        ),
        (
            &["drill", "rs-loss", "lb1"],
            64,
            "usage",
            "lb1 is a director too",
        ),
        (
            &["drill", "all-rs-loss", "shop"],
            64,
            "usage",
            "no service is named",
        ),
        (&["drill", "reboot", "rs9"], 64, "usage", "no host is named"),
        (
            &["watch", "--webhook", "ftp://host/"],
            64,
            "usage",
            "begins with http://",
        ),
        (
            &["watch", "--state", "/etc/hostname"],
            4,
            "report",
            "/etc/hostname",
        ),
    ] {
        let words = [words, &["--format", "json"]].concat();
        let ran = run(&words);
        assert_eq!(
            ran.status, status,
            "{words:?}: {}{}",
            ran.stdout, ran.stderr
        );
        let document: Value = serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|e| panic!("{words:?}: {e}: {}", ran.stdout));
        assert_eq!(document["error"]["kind"], kind, "{words:?}");
        let found = document["error"]["message"].as_str().unwrap_or_default();
        assert!(found.contains(message), "{words:?}: {found}");
        assert!(ran.stderr.contains(message), "{words:?}: {}", ran.stderr);
    }
    let since = run(&["verify", "--since", "/nonexistent/report.json"]);
    assert_eq!(since.status, 4, "{}", since.stderr);
    assert!(
        since.stderr.contains("/nonexistent/report.json"),
        "{}",
        since.stderr
    );
}

#[test]
fn words_that_contradict_each_other_are_refused() {
    for words in [
        &["probe", "web", "--requests", "5", "--rate", "5"][..],
        &["probe", "web", "--for", "5s"],
        &["probe", "web", "--concurrency", "501"],
        &["status", "--top", "5"],
        &["status", "--connections", "--top", "5", "--all"],
        &["timer", "--at", "25:00"],
        &["timer", "--limit", "lb1"],
        &["watch", "--every", "0"],
        &["drill"],
    ] {
        assert_eq!(run(words).status, 64, "{words:?}");
    }
}

#[test]
fn a_timer_is_printed() {
    let ran = run(&[
        "timer",
        "--at",
        "3:15",
        "--report",
        "/srv/r.html",
        "--on-change",
        "logger changed",
    ]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    for line in [
        "OnCalendar=*-*-* 03:15:00",
        "LoadCredential=LVSCTL_AUTH_PASS:/etc/lvsctl/credentials/LVSCTL_AUTH_PASS",
        "ReadWritePaths=/srv",
        "CapabilityBoundingSet=",
    ] {
        assert!(
            ran.stdout.lines().any(|l| l == line),
            "{line}: {}",
            ran.stdout
        );
    }
    assert!(!ran.stdout.contains("s3cr3t"));
    let json = run(&["timer", "--format", "json"]);
    let document: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(
        document["service"]["path"],
        "/etc/systemd/system/lvsctl-verify-dr-keepalived.service"
    );
}

/// systemd gives a service its secrets as files.
#[test]
fn a_secret_may_be_a_credential() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("LVSCTL_AUTH_PASS"), "s3cr3t\n").expect("a file");
    let inventory = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/inventories/dr-keepalived.yaml"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvsctl"));
    command
        .args(["check", inventory])
        .env_remove("LVSCTL_AUTH_PASS");
    let without = command.output().expect("the program runs");
    assert!(String::from_utf8_lossy(&without.stderr).contains("LVSCTL_AUTH_PASS is not set"));
    let with = command
        .env("CREDENTIALS_DIRECTORY", folder.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&with.stderr);
    assert!(
        with.status.success() && !said.contains("is not set"),
        "{said}"
    );
}
