//! Records of a run: lines in the journal of each changed host, and the run history on this machine.

use std::fs;

use crate::support::program::{self, Ran, lvsctl, run};
use crate::support::{HostSpec, Lab, TestHost};

/// In the place of the journal, which these hosts have not.
const LOGGER: &str = "#!/bin/sh\n[ \"$*\" = '-t lvsctl' ] && cat >>/var/log/journal.txt\n";

fn host(name: &str) -> HostSpec {
    HostSpec::new(name).file("/usr/local/bin/logger", LOGGER, 0o755)
}

/// Lines of the journal; they may come a moment after the run.
fn journal(host: &TestHost, lines: usize) -> String {
    let read = || fs::read_to_string(host.path("/var/log/journal.txt")).unwrap_or_default();
    crate::support::until("the lines are in the journal", || {
        read().lines().count() >= lines
    });
    read()
}

fn history(lab: &Lab, words: &[&str]) -> Ran {
    let output = program::history(lab, words).output();
    output.expect("the program runs").into()
}

#[test]
#[ignore = "needs root: make test-root"]
fn each_changed_host_and_this_machine_know_of_a_run() {
    let lab = Lab::new(vec![host("h1"), host("h2")]);
    assert_eq!(history(&lab, &[]).stdout, "no runs\n");
    let ran = lvsctl(&lab, &["apply", "--yes"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    for host in &lab.hosts {
        let lines = journal(host, 2);
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        let from = "apply of fleet by root@";
        assert!(lines.iter().all(|line| line.starts_with(from)), "{lines:?}");
        assert!(lines[0].contains(": begins "), "{lines:?}");
        assert!(
            lines[0].contains("update sysctl net.ipv4.conf.all.arp_ignore"),
            "{lines:?}"
        );
        assert!(lines[1].contains(": done, "), "{lines:?}");
    }
    // Nothing is changed, and nothing is recorded.
    assert_eq!(lvsctl(&lab, &["apply", "--yes"]).status, 0);
    assert_eq!(lvsctl(&lab, &["plan"]).status, 0);
    assert_eq!(journal(lab.host("h1"), 2).lines().count(), 2);
    // One host is changed again.
    let undo = "echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore";
    assert!(lab.host("h2").sh(undo).status.success());
    assert_eq!(lvsctl(&lab, &["apply", "--yes"]).status, 0);
    assert_eq!(journal(lab.host("h2"), 4).lines().count(), 4);
    assert_eq!(journal(lab.host("h1"), 2).lines().count(), 2);

    let all = history(&lab, &[]).stdout;
    assert_eq!(all.lines().count(), 2, "{all}");
    assert!(all.contains("done  apply of fleet: "), "{all}");
    let of_h1 = history(&lab, &["--host", "h1"]).stdout;
    assert_eq!(of_h1.lines().count(), 2, "{of_h1}");
    assert!(of_h1.contains("  h1: changed: "), "{of_h1}");
    assert_eq!(history(&lab, &["--cluster", "other"]).stdout, "no runs\n");
    let json = history(&lab, &["--format", "json", "--host", "h2"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["runs"].as_array().map(Vec::len), Some(2), "{json}");
    assert_eq!(json["runs"][1]["limit"][0], "realserver");
    assert_eq!(
        json["runs"][1]["hosts"][0]["changes"][0]["key"],
        "net.ipv4.conf.all.arp_ignore"
    );
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_run_that_fails_is_recorded_with_its_kind_and_without_its_words() {
    let lab = Lab::new(vec![host("h1")]);
    let inventory = crate::support::inventory::write(&lab);
    let text = fs::read_to_string(&inventory).expect("the inventory");
    let text = text.replace("role: realserver,", "role: [fails, realserver],");
    fs::write(&inventory, text).expect("the inventory");
    fs::create_dir_all(lab.dir_file("roles")).expect("a folder");
    let role = "resources:\n  - file: { path: /etc/a, content: \"1\\n\", check: \"echo s3cr3t >&2; false {}\" }\n";
    fs::write(lab.dir_file("roles/fails.yaml"), role).expect("a role");
    let ran = run(&lab, &inventory, &["apply", "--yes"]);
    assert_eq!(ran.status, 1, "{}{}", ran.stdout, ran.stderr);
    let lines = journal(lab.host("h1"), 2);
    assert!(lines.contains("ended early (step-failed), "), "{lines}");
    assert!(!lines.contains("s3cr3t"), "{lines}");
    let shown = history(&lab, &["--host", "h1"]).stdout;
    assert!(shown.contains("  h1: failed (step-failed): "), "{shown}");
    assert!(!shown.contains("s3cr3t"), "{shown}");
}

/// A history that cannot be written and a host without a journal do not stop a run.
#[test]
#[ignore = "needs root: make test-root"]
fn a_run_goes_on_where_nothing_can_be_kept() {
    let lab = Lab::new(vec![HostSpec::new("h1").without("/usr/bin/logger").file(
        "/usr/local/bin/systemd-cat",
        "#!/bin/sh\nexit 1\n",
        0o755,
    )]);
    fs::write(lab.home().join(".local"), "").expect("a file in the place of the folder");
    let ran = lvsctl(&lab, &["apply", "--yes"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    let warning = "warning: the history has no record of this run";
    assert!(ran.stderr.contains(warning), "{}", ran.stderr);
}

/// Needs no host.
#[test]
fn the_folder_of_the_history_can_be_given() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("lvsctl");
    fs::create_dir(&folder).expect("a folder");
    let record = r#"{"format":1,"time":1798761600,"seconds":1.5,"command":"apply","cluster":"web","inventory":"/w.yaml","revision":{"commit":"1a2b3c4d5e6f","dirty":true},"by":"ann@desk process 7","lvsctl":"0.1.0","result":"done","hosts":[{"host":"lb1","outcome":"changed","steps":2,"done":2,"changes":[{"action":"update","kind":"sysctl","key":"a.b"}]}]}"#;
    fs::write(folder.join("history.jsonl"), format!("{record}\nodd\n")).expect("writes");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_lvsctl"))
        .args(["history", "-v"])
        .env("XDG_STATE_HOME", place.path())
        .output()
        .expect("the program runs");
    let ran = Ran::from(output);
    assert_eq!(
        ran.stdout,
        "2027-01-01T00:00:00Z  done  apply of web: 1 change on lb1, by ann@desk process 7, revision 1a2b3c4d5e6f with \
         uncommitted changes\n  lb1: changed: update sysctl a.b\n"
    );
    assert!(
        ran.stderr.contains("1 line of the history"),
        "{}",
        ran.stderr
    );
}
