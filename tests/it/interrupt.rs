//! Ctrl-C while hosts are worked on: the current step ends, what is done and what is not is reported, and no lock stays.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::program::{Ran, command, run};
use crate::support::{Lab, TestHost, until};

/// Two files, the first of which is accepted only when the test opens the gate.
const ROLE: &str = "resources:
  - file: { path: /etc/first, content: \"1\\n\", check: \"cat /run/gate {}\" }
  - file: { path: /etc/second, content: \"2\\n\" }
";

fn waits_at_the_gate(host: &TestHost) -> bool {
    let script = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; echo; done | grep -q '^cat /run/gate'";
    host.sh(script).status.success()
}

fn has(host: &TestHost, path: &str) -> bool {
    host.sh(&format!("[ -e {path} ]")).status.success()
}

#[test]
#[ignore = "needs root: make test-root"]
fn the_step_in_hand_ends_and_no_lock_stays() {
    let lab = Lab::plain(2);
    let inventory = crate::support::inventory::write(&lab);
    let text = fs::read_to_string(&inventory).expect("the inventory");
    let text = text.replace("role: realserver,", "role: [slow, realserver],");
    fs::write(&inventory, text).expect("the inventory");
    fs::create_dir_all(lab.dir_file("roles")).expect("a folder");
    fs::write(lab.dir_file("roles/slow.yaml"), ROLE).expect("a role");
    for host in &lab.hosts {
        assert!(host.sh("mkfifo /run/gate").status.success());
    }
    let mut child = {
        let _in = lab.enter();
        command(&lab, &inventory, &["apply", "--yes"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    };
    until("both hosts wait", || {
        let ended = child.try_wait().expect("the program");
        assert!(ended.is_none(), "the program ended: {ended:?}");
        lab.hosts.iter().all(waits_at_the_gate)
    });
    let pid = i32::try_from(child.id()).expect("a pid");
    kill(Pid::from_raw(pid), Signal::SIGINT).expect("a signal");
    // Given time to be taken in, the wish is there before the step ends.
    until("the signal is taken in", || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
        pending.is_some_and(|mask| mask.trim().chars().all(|c| c == '0'))
    });
    std::thread::sleep(Duration::from_millis(200));
    for host in &lab.hosts {
        assert!(host.sh("echo >/run/gate").status.success());
    }
    let ran: Ran = child.wait_with_output().expect("the program ends").into();
    assert_eq!(ran.status, 130, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr
            .contains("interrupted: finishing the current steps"),
        "{}",
        ran.stderr
    );
    for host in &lab.hosts {
        let reported = ran
            .stdout
            .lines()
            .any(|line| line.contains(&host.name) && line.contains("interrupted"));
        assert!(reported, "{}", ran.stdout);
        assert!(has(host, "/etc/first"), "the step in hand was cut off");
        assert!(
            !has(host, "/etc/second"),
            "a step was begun after the interrupt"
        );
        assert!(!has(host, "/run/lvsctl-fleet.lock"), "a lock stays");
    }
    let again = run(&lab, &inventory, &["apply", "--yes"]);
    assert_eq!(again.status, 0, "{}{}", again.stdout, again.stderr);
    assert!(lab.hosts.iter().all(|host| has(host, "/etc/second")));
}

/// A host that never answers holds up no run.
#[test]
#[ignore = "needs root: make test-root"]
fn a_connection_that_hangs_is_given_up() {
    let lab = Lab::plain(1);
    lab.host("h1").unplug();
    let inventory = crate::support::inventory::write(&lab);
    let child = {
        let _in = lab.enter();
        command(&lab, &inventory, &["apply", "--yes"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    };
    std::thread::sleep(Duration::from_millis(500));
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    let started = Instant::now();
    kill(pid, Signal::SIGINT).expect("a signal");
    std::thread::sleep(Duration::from_millis(200));
    kill(pid, Signal::SIGINT).expect("a signal");
    let ran: Ran = child.wait_with_output().expect("the program ends").into();
    assert_eq!(ran.status, 130, "{}{}", ran.stdout, ran.stderr);
    // Its connect_timeout is 30 s.
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}
