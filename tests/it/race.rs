//! Two controllers at once, with different inventories: the hosts are never left as a mix of both.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::program::{Ran, command, run};
use crate::support::{Lab, TestHost, until};

/// How often two runs race.
const ROUNDS: u32 = 8;

/// Writes an inventory in another folder: h1 and h2 have a file each, with this text. `check`: what a file must pass.
fn inventory(lab: &Lab, name: &str, texts: [&str; 2], check: &str) -> PathBuf {
    let plain = fs::read_to_string(crate::support::inventory::write(lab)).expect("the inventory");
    let folder = lab.dir_file(name);
    fs::create_dir_all(folder.join("roles")).expect("a folder");
    let mut text = plain;
    for (host, content) in ["h1", "h2"].into_iter().zip(texts) {
        let role = format!(
            "resources:\n  - file: {{ path: /etc/raced, content: \"{content}\\n\"{check} }}\n"
        );
        fs::write(folder.join(format!("roles/of-{host}.yaml")), role).expect("a role");
        let line = format!("{host}: {{ role: realserver,");
        assert!(text.contains(&line), "{text}");
        text = text.replace(&line, &format!("{host}: {{ role: [of-{host}, realserver],"));
    }
    let path = folder.join("inventory.yaml");
    fs::write(&path, text).expect("the inventory");
    path
}

fn start(lab: &Lab, inventory: &std::path::Path) -> Child {
    let _in = lab.enter();
    command(lab, inventory, &["apply", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn end(child: Child) -> Ran {
    child.wait_with_output().expect("the program ends").into()
}

fn has(host: &TestHost) -> String {
    let output = host.sh("cat /etc/raced");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn all(lab: &Lab) -> String {
    lab.hosts.iter().map(has).collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_host_that_is_as_desired_is_locked_while_others_change() {
    let lab = Lab::plain(2);
    let before = inventory(&lab, "before", ["x", "x"], "");
    let slow = inventory(&lab, "slow", ["x", "slow"], ", check: \"cat /run/gate {}\"");
    let other = inventory(&lab, "other", ["other", "x"], "");
    let ran = run(&lab, &before, &["apply", "--yes"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(lab.host("h2").sh("mkfifo /run/gate").status.success());

    let mut first = start(&lab, &slow);
    until("the first run waits on h2", || {
        let ended = first.try_wait().expect("the program");
        assert!(ended.is_none(), "the program ended: {ended:?}");
        let script = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; echo; done | grep -q '^cat /run/gate'";
        lab.host("h2").sh(script).status.success()
    });
    let second = run(&lab, &other, &["apply", "--yes"]);
    assert_eq!(second.status, 5, "{}{}", second.stdout, second.stderr);
    assert!(
        second.stderr.contains("another run holds the lock"),
        "{}",
        second.stderr
    );
    assert_eq!(all(&lab), "x x");
    assert!(lab.host("h2").sh("echo >/run/gate").status.success());
    let first = end(first);
    assert_eq!(first.status, 0, "{}{}", first.stdout, first.stderr);
    assert_eq!(all(&lab), "x slow");

    let second = run(&lab, &other, &["apply", "--yes"]);
    assert_eq!(second.status, 0, "{}{}", second.stdout, second.stderr);
    assert_eq!(all(&lab), "other x");
    for host in &lab.hosts {
        let lock = host.sh("[ ! -e /run/lvsctl-fleet.lock ]");
        assert!(lock.status.success(), "a lock stays on {}", host.name);
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn of_two_runs_at_once_one_is_done_as_a_whole() {
    let lab = Lab::plain(2);
    let before = inventory(&lab, "before", ["x", "x"], "");
    let one = inventory(&lab, "one", ["one", "x"], "");
    let two = inventory(&lab, "two", ["x", "two"], "");
    for round in 0..ROUNDS {
        let ran = run(&lab, &before, &["apply", "--yes"]);
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
        let first = start(&lab, &one);
        std::thread::sleep(Duration::from_millis(u64::from(round) * 20));
        let second = start(&lab, &two);
        let (first, second) = (end(first), end(second));
        let found = all(&lab);
        let expected: &[&str] = match (first.status, second.status) {
            (0, 0) => &["one x", "x two"],
            (0, 5) => &["one x"],
            (5, 0) => &["x two"],
            _ => panic!(
                "round {round}: {} {}\n{}{}",
                first.status, second.status, first.stderr, second.stderr
            ),
        };
        assert!(expected.contains(&found.as_str()), "round {round}: {found}");
    }
}
