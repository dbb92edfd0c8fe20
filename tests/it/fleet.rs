//! The program against several SSH servers: the cost of a run for a host, and refusals before anything changes.

use crate::support::program::{lvsctl, run, same, state};
use crate::support::{HostSpec, Lab, TestHost};

/// Processes that a probe of a real server may start, the connection's own included: sshd's, the login shell, `sh`.
const PROBE_PROCESSES: u64 = 24;

/// Connections, execs and processes on the host while `work` runs.
fn cost(host: &TestHost, work: impl FnOnce()) -> (usize, usize, u64) {
    let before = (host.connections(), host.execs(), host.last_pid());
    work();
    // To read the last pid starts a process.
    (
        host.connections() - before.0,
        host.execs() - before.1,
        host.last_pid() - before.2 - 1,
    )
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_run_costs_one_connection_and_one_exec() {
    let lab = Lab::plain(2);
    let host = lab.host("h1");
    let bare = state(host);

    let planned = cost(host, || {
        let ran = lvsctl(&lab, &["plan"]);
        assert_eq!(ran.status, 2, "{}{}", ran.stdout, ran.stderr);
    });
    assert_eq!((planned.0, planned.1), (1, 1));
    same(&bare, &state(host), "plan left a trace");

    let applied = cost(host, || {
        let ran = lvsctl(&lab, &["apply", "--yes"]);
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    });
    assert_eq!((applied.0, applied.1), (1, 1));
    let after = state(host);
    assert!(after.contains("10.77.255.200/32"), "{after}");

    for words in [
        &["plan"][..],
        &["apply", "--yes"],
        &["verify", "--no-traffic"],
    ] {
        let again = cost(host, || {
            let ran = lvsctl(&lab, words);
            // Nothing listens for the service here, and verify says so.
            assert!(
                ran.status == 0 || words[0] == "verify" && ran.status == 3,
                "{}{}",
                ran.stdout,
                ran.stderr
            );
        });
        assert_eq!((again.0, again.1), (1, 1), "{words:?}");
        let most = if words[0] == "verify" {
            PROBE_PROCESSES * 2
        } else {
            PROBE_PROCESSES
        };
        assert!(again.2 <= most, "{words:?} started {} processes", again.2);
        same(&after, &state(host), words[0]);
    }

    // The director is not there to drain it.
    let ran = lvsctl(&lab, &["destroy", "--yes"]);
    assert_eq!(ran.status, 5, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("lb: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing was changed"), "{}", ran.stderr);
    same(&after, &state(host), "a destroy that was refused");
    let ran = lvsctl(&lab, &["destroy", "--yes", "--ignore-unreachable"]);
    assert_eq!(ran.status, 9, "{}{}", ran.stdout, ran.stderr);
    let withheld = "changes are withheld: lb may send to it (lb was not reached)";
    assert!(ran.stdout.contains(withheld), "{}", ran.stdout);
    same(&after, &state(host), "a destroy that was withheld");
    let ran = lvsctl(&lab, &["destroy", "--yes", "--force"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    same(&bare, &state(host), "destroy");
}

/// A real server that leaves while its director cannot be read keeps its VIP, and the run says so.
#[test]
#[ignore = "needs root: make test-root"]
fn what_a_director_may_still_send_to_stays() {
    let lab = Lab::plain(2);
    let inventory = crate::support::inventory::write(&lab);
    let text = std::fs::read_to_string(&inventory).expect("the inventory");
    let api =
        "  api: { vip: 10.77.255.201, port: 81, mode: dr, scheduler: rr, real_servers: [h2] }\n";
    // Before the other, so that the label of its VIP stays.
    let text = text.replace("services:\n", &format!("services:\n{api}"));
    let text = text.replace("connect_timeout: 30", "connect_timeout: 2");
    std::fs::write(&inventory, &text).expect("the inventory");
    let ran = run(&lab, &inventory, &["apply", "--yes"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    let before = state(lab.host("h2"));
    let text = text.replace("scheduler: rr }", "scheduler: rr, real_servers: [h1] }");
    std::fs::write(&inventory, text).expect("the inventory");

    let ran = run(&lab, &inventory, &["plan"]);
    assert_eq!(ran.status, 9, "{}{}", ran.stdout, ran.stderr);
    let ran = run(&lab, &inventory, &["plan", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(plan["withheld"][0]["host"], "h2");
    assert_eq!(plan["withheld"][0]["what"], "removals");
    assert_eq!(plan["withheld"][0]["because"][0]["host"], "lb");
    let ran = run(&lab, &inventory, &["apply", "--yes", "--format", "json"]);
    assert_eq!(ran.status, 9, "{}{}", ran.stdout, ran.stderr);
    let events = ran.stdout.lines().map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        event["event"].as_str().unwrap_or_default().to_owned()
    });
    assert!(
        events.into_iter().any(|event| event == "withheld"),
        "{}",
        ran.stdout
    );
    same(
        &before,
        &state(lab.host("h2")),
        "a removal that was withheld",
    );

    let ran = run(&lab, &inventory, &["apply", "--yes", "--force"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(!state(lab.host("h2")).contains("10.77.255.200"));
}

/// Stands for ipvsadm on a director, which serves one real server, and writes down how that is edited.
const IPVSADM: &str = r#"cat >/usr/local/sbin/ipvsadm <<'END'
#!/bin/sh
case $* in
-Sn) echo '-a -t 10.77.255.200:80 -r ADDRESS:80 -g -w 1' ;;
-e*) echo "$*" >>/run/edited ;;
esac
END
chmod +x /usr/local/sbin/ipvsadm"#;

#[test]
#[ignore = "needs root: make test-root"]
fn a_real_server_is_drained_before_it_is_destroyed() {
    let lab = Lab::plain(2);
    let (director, rs) = (lab.host("h1"), lab.host("h2"));
    let inventory = crate::support::inventory::write(&lab);
    let text = std::fs::read_to_string(&inventory).expect("the inventory");
    let line = |name: &str| {
        let lines = text.lines();
        lines
            .clone()
            .find(|line| line.starts_with(&format!("  {name}:")))
            .expect("a host")
    };
    let leads = line("h1").replace("realserver", "director");
    let text = text
        .replace(line("lb"), &leads)
        .replacen(&format!("{}\n", line("h1")), "", 1);
    std::fs::write(&inventory, text).expect("the inventory");
    let ran = run(&lab, &inventory, &["apply", "--yes"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    let script = IPVSADM.replace("ADDRESS", &rs.address.to_string());
    assert!(director.sh(&script).status.success());

    let ran = run(&lab, &inventory, &["destroy", "--yes"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    let drained = ran.stderr.find("drain real server").expect("a drain");
    let removed = ran
        .stderr
        .find("remove 10.77.255.200/32")
        .expect("a removal");
    assert!(drained < removed, "{}", ran.stderr);
    let edited = director
        .sh("cat /run/edited; ls /run/*.lock 2>/dev/null")
        .stdout;
    let edited = String::from_utf8_lossy(&edited).into_owned();
    let zero = format!("-e -t 10.77.255.200:80 -r {}:80 -g -w 0", rs.address);
    assert!(
        edited.starts_with(&zero) && edited.lines().count() == 1,
        "{edited}"
    );
    assert!(!state(rs).contains("10.77.255.200"));
}

#[test]
#[ignore = "needs root: make test-root"]
fn the_secrets_of_directors_that_drain_are_read() {
    let lab = Lab::plain(1);
    let inventory = crate::support::inventory::write(&lab);
    let text = std::fs::read_to_string(&inventory).expect("the inventory");
    let lb = "address: 10.77.255.250";
    let text = text.replace(
        lb,
        &format!("{lb}, ssh: {{ password: {{ env: NOT_SET }} }}"),
    );
    std::fs::write(&inventory, text).expect("the inventory");
    for (words, status) in [
        (&["plan"][..], 2),
        (&["stop"], 4),
        (&["destroy", "--yes"], 4),
    ] {
        let ran = run(&lab, &inventory, words);
        assert_eq!(ran.status, status, "{words:?} {}{}", ran.stdout, ran.stderr);
        assert_eq!(
            status == 4,
            ran.stderr.contains("NOT_SET"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn one_host_that_fails_keeps_all_others_untouched() {
    let cases: Vec<(&str, HostSpec, &str)> = vec![
        (
            "no iproute2",
            HostSpec::new("h2")
                .without("/usr/sbin/ip")
                .without("/usr/bin/ip"),
            "install iproute2",
        ),
        (
            "unknown key",
            HostSpec::new("h2").host_keys(&["ed25519"], &[]),
            "known_hosts",
        ),
    ];
    for (what, spec, words) in cases {
        let lab = Lab::new(vec![HostSpec::new("h1"), spec]);
        let before = state(lab.host("h1"));
        let ran = lvsctl(&lab, &["apply", "--yes"]);
        assert_eq!(ran.status, 5, "{what}: {}{}", ran.stdout, ran.stderr);
        assert!(
            ran.stderr.contains("h2:") && ran.stderr.contains(words),
            "{what}: {}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains("nothing was changed on any host"),
            "{what}: {}",
            ran.stderr
        );
        same(&before, &state(lab.host("h1")), "h1");
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn an_unreachable_host_stops_the_run_unless_asked_otherwise() {
    let lab = Lab::plain(2);
    lab.host("h2").unplug();
    let before = state(lab.host("h1"));
    let inventory = crate::support::inventory::write(&lab);
    let text = std::fs::read_to_string(&inventory)
        .expect("the inventory")
        .replace("connect_timeout: 30", "connect_timeout: 2");
    std::fs::write(&inventory, text).expect("the inventory");
    let ran = run(&lab, &inventory, &["apply", "--yes"]);
    assert_eq!(ran.status, 5, "{}{}", ran.stdout, ran.stderr);
    same(&before, &state(lab.host("h1")), "h1");
    let ran = run(
        &lab,
        &inventory,
        &["apply", "--yes", "--ignore-unreachable"],
    );
    assert_eq!(ran.status, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(state(lab.host("h1")).contains("10.77.255.200/32"));
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_second_run_meets_the_lock_of_the_first() {
    let lab = Lab::plain(1);
    let host = lab.host("h1");
    let mut holder = host
        .command("sh")
        .args([
            "-c",
            "exec 9>>/run/lvsctl-fleet.lock; flock 9; echo another-run >&9; echo ready; read -r _",
        ])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("a holder");
    let mut ready = [0u8; 6];
    std::io::Read::read_exact(holder.stdout.as_mut().expect("a pipe"), &mut ready)
        .expect("the holder is ready");
    let ran = lvsctl(&lab, &["apply", "--yes"]);
    assert_eq!(ran.status, 5, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("another-run"), "{}", ran.stderr);
    let ran = lvsctl(&lab, &["plan"]);
    assert_eq!(
        ran.status, 2,
        "a plan needs no lock: {}{}",
        ran.stdout, ran.stderr
    );
    drop(holder.stdin.take());
    holder.wait().expect("the holder ends");
    let ran = lvsctl(&lab, &["apply", "--yes"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
}
