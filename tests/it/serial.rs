//! `apply --serial` against real SSH servers: hosts are changed in batches, and the run ends where one of them is not well.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::program::{Ran, run, same, state};
use crate::support::{Lab, inventory};

/// The inventory of a lab. Nothing listens on its real servers, which is accepted on these hosts; all of them by `*`.
fn accepted(lab: &Lab, hosts: &[&str]) -> PathBuf {
    let path = inventory::write(lab);
    let mut text = fs::read_to_string(&path).expect("the inventory");
    text.push_str("waive:\n");
    for host in hosts {
        for check in ["listener", "own-answer"] {
            let of = match *host {
                "*" => String::new(),
                host => format!(", host: {host}"),
            };
            text.push_str(&format!(
                "  - {{ check: {check}{of}, reason: no server }}\n"
            ));
        }
    }
    fs::write(&path, text).expect("the inventory");
    path
}

fn events(ran: &Ran) -> Vec<Value> {
    let lines = ran.stdout.lines();
    let event = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    lines.map(event).collect()
}

/// Fields of the events of a name.
fn shown(events: &[Value], name: &str, fields: &[&str]) -> Vec<String> {
    let named = events.iter().filter(|event| event["event"] == name);
    let all = named.map(|event| {
        let fields = fields.iter().map(|field| event[field].to_string());
        fields.collect::<Vec<_>>().join(" ").replace('"', "")
    });
    all.collect()
}

fn has_vip(lab: &Lab, host: &str) -> bool {
    state(lab.host(host)).contains("10.77.255.200/32")
}

#[test]
#[ignore = "needs root: make test-root"]
fn an_error_of_verify_ends_a_rolling_apply() {
    let lab = Lab::plain(3);
    let inventory = accepted(&lab, &["h1"]);
    let before = state(lab.host("h3"));
    let ran = run(&lab, &inventory, &["plan", "--serial", "1,100%"]);
    assert_eq!(ran.status, 2, "{}{}", ran.stdout, ran.stderr);
    let batches = "batches:\n  1. h1\n  2. h2, h3\n";
    assert!(ran.stdout.ends_with(batches), "{}", ran.stdout);
    let words = ["plan", "--serial", "2", "--format", "json"];
    let plan: Value = serde_json::from_str(&run(&lab, &inventory, &words).stdout).expect("JSON");
    assert_eq!(
        plan["batches"].to_string(),
        r#"[{"pass":"make","hosts":["h1","h2"]},{"pass":"make","hosts":["h3"]}]"#
    );

    let words = ["apply", "--yes", "--serial", "1", "--format", "json"];
    let ran = run(&lab, &inventory, &words);
    assert_eq!(ran.status, 1, "{}{}", ran.stdout, ran.stderr);
    let events = events(&ran);
    assert_eq!(
        shown(&events, "batch", &["number", "of", "hosts"]),
        ["1 3 [h1]", "2 3 [h2]"]
    );
    let verified: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "verified")
        .collect();
    assert_eq!(verified.len(), 2, "{}", ran.stdout);
    assert_eq!(verified[0]["errors"], Value::Array(Vec::new()));
    let hosts: Vec<&Value> = verified[1]["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| &error["host"])
        .collect();
    assert!(
        !hosts.is_empty() && hosts.iter().all(|host| *host == "h2"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        shown(
            &events,
            "stopped",
            &["kind", "number", "of", "failures", "left"]
        ),
        ["max-failures 2 3 [h2] [h3]"]
    );
    assert_eq!(
        shown(&events, "skipped", &["host", "kind"]),
        ["h3 max-failures"]
    );
    assert!(has_vip(&lab, "h1") && has_vip(&lab, "h2"));
    same(&before, &state(lab.host("h3")), "a host out of turn");

    // What is left is one batch, of which nothing is made after it.
    let inventory = accepted(&lab, &["h1", "h2"]);
    let ran = run(&lab, &inventory, &["apply", "--yes", "--serial", "1"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("batch 1 of 1: h3"), "{}", ran.stderr);
    assert!(has_vip(&lab, "h3"));
}

/// Stands for `ip` on a host, and adds no address.
const NO_ADDRESS: &str = "cat >/usr/local/sbin/ip <<'END'
#!/bin/sh
case \" $* \" in *' -batch '*) ;; *) exec /usr/sbin/ip \"$@\" ;; esac
commands=$(cat)
case $commands in *' add 10.77.255.200'*) echo no >&2; echo 'Command failed -:1' >&2; exit 1 ;; esac
printf '%s\\n' \"$commands\" | /usr/sbin/ip \"$@\"
END
chmod +x /usr/local/sbin/ip";

#[test]
#[ignore = "needs root: make test-root"]
fn a_rolling_apply_goes_on_while_few_hosts_fail() {
    let lab = Lab::plain(3);
    let inventory = accepted(&lab, &["*"]);
    assert!(lab.host("h1").sh(NO_ADDRESS).status.success());
    let before = state(lab.host("h2"));

    let words = ["apply", "--yes", "--serial", "1"];
    let ran = run(&lab, &inventory, &words);
    assert_eq!(ran.status, 1, "{}{}", ran.stdout, ran.stderr);
    let words_said = "stopped after batch 1 of 3: expected at most 0 hosts that fail";
    assert!(ran.stderr.contains(words_said), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("done in part: h1; not begun: h2, h3"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stderr.contains("add 10.77.255.200/32 to lo"),
        "{}",
        ran.stderr
    );
    same(&before, &state(lab.host("h2")), "a host out of turn");

    let words = [&words[..], &["--max-failures", "34%", "--format", "json"]].concat();
    let ran = run(&lab, &inventory, &words);
    assert_eq!(ran.status, 1, "{}{}", ran.stdout, ran.stderr);
    let events = events(&ran);
    let failed: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1, "{}", ran.stdout);
    assert_eq!(failed[0]["host"], "h1");
    assert!(
        events.iter().all(|event| event["event"] != "stopped"),
        "{}",
        ran.stdout
    );
    assert!(has_vip(&lab, "h2") && has_vip(&lab, "h3"));
}

/// Needs no host: each is refused before one is contacted.
#[test]
fn sizes_that_are_none_are_refused() {
    for (words, want) in [
        ("apply --serial 0", "expected a batch of 1 host or more"),
        ("apply --serial 1,half", "expected a number such as 2"),
        ("plan --serial 0%", "expected a batch of 1 host or more"),
        ("apply --max-failures 1", "--serial"),
        ("apply --serial 1 --max-failures 101%", "expected a number"),
        ("destroy --serial 1", "--serial"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_lvsctl"))
            .args(words.split(' '))
            .output()
            .expect("the program runs");
        let ran = Ran::from(output);
        assert_eq!(ran.status, 64, "{words}: {}", ran.stderr);
        assert!(ran.stderr.contains(want), "{words}: {}", ran.stderr);
    }
}
