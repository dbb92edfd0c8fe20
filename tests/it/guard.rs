//! The guard of the way in: a run breaks it on purpose, and the host restores its old state by itself.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::program::{Ran, command, run, same, state};
use crate::support::{HostSpec, Lab, TestHost, until};

const LOCK: &str = "/run/lvsctl-fleet.lock";

/// How a host is cut off: what its role wants, beside that of a real server.
struct LockOut {
    what: &'static str,
    host: &'static str,
    /// Resources of its role. ADDRESS stands for the host's, CONTROLLER for lvsctl's.
    role: &'static str,
}

const LOCK_OUTS: &[LockOut] = &[
    LockOut {
        what: "a wrong gateway",
        host: "h1",
        role: "  - route: { to: CONTROLLER/32, via: 10.77.99.99, interface: eth0 }\n",
    },
    LockOut {
        what: "the address is removed",
        host: "h2",
        role: "  - file: { path: /etc/network/interfaces.d/eth0, content: \"x\\n\", check: \"ip addr del ADDRESS/16 dev eth0; true {}\" }\n",
    },
    LockOut {
        what: "the link is down",
        host: "h3",
        role: "  - file: { path: /etc/network/interfaces.d/eth0, content: \"x\\n\", check: \"ip link set eth0 down; true {}\" }\n",
    },
    LockOut {
        what: "the packet filter drops all",
        host: "h4",
        role: "  - file: { path: /etc/iptables/rules.v4, content: \"*filter\\n:INPUT DROP [0:0]\\n:FORWARD ACCEPT [0:0]\\n:OUTPUT ACCEPT [0:0]\\nCOMMIT\\n\", check: \"iptables-restore {}\" }\n",
    },
    LockOut {
        what: "sshd is stopped",
        host: "h5",
        role: "  - unit: { name: sshd.service, enabled: true, active: false }\n",
    },
];

/// Stands for OpenRC, which starts and stops the real sshd.
const RC_SERVICE: &str = r"#!/bin/bash
case $1/$2 in
sshd/status) [ -e /run/openrc/started/sshd ] ;;
sshd/stop) kill $(pgrep -o -x sshd); rm -f /run/openrc/started/sshd ;;
sshd/start) /usr/sbin/sshd -E /var/log/sshd.log </dev/null; mkdir -p /run/openrc/started; : >/run/openrc/started/sshd ;;
esac
";

fn hosts(count: usize) -> Vec<HostSpec> {
    let spec = |n: usize| {
        let spec = HostSpec::new(format!("h{n}"));
        if n != 5 {
            return spec;
        }
        spec.file("/usr/local/sbin/rc-service", RC_SERVICE, 0o755)
            .file("/usr/local/sbin/rc-update", "#!/bin/sh\nexit 0\n", 0o755)
            .file("/etc/init.d/sshd", "#!/bin/sh\n", 0o755)
            .file("/etc/runlevels/default/sshd", "", 0o644)
    };
    (1..=count).map(spec).collect()
}

/// An inventory in which each host has another role.
fn inventory(lab: &Lab, role: impl Fn(&TestHost) -> String) -> PathBuf {
    let path = crate::support::inventory::write(lab);
    let mut text = fs::read_to_string(&path).expect("the inventory");
    fs::create_dir_all(lab.dir_file("roles")).expect("a folder");
    for host in &lab.hosts {
        let name = &host.name;
        text = text.replace(
            &format!("  {name}: {{ role: realserver,"),
            &format!("  {name}: {{ role: [realserver, of-{name}],"),
        );
        let resources = role(host)
            .replace("ADDRESS", &host.address.to_string())
            .replace("CONTROLLER", &lab.controller().to_string());
        let resources = if resources.is_empty() {
            "resources: []\n".to_owned()
        } else {
            format!("resources:\n{resources}")
        };
        fs::write(lab.dir_file(&format!("roles/of-{name}.yaml")), resources).expect("a role");
    }
    fs::write(&path, text).expect("the inventory");
    path
}

fn answers(lab: &Lab, host: &TestHost) -> bool {
    let _in = lab.enter();
    let at = SocketAddr::from((host.address, 22));
    TcpStream::connect_timeout(&at, Duration::from_millis(500)).is_ok()
}

fn has(host: &TestHost, path: &str) -> bool {
    host.sh(&format!("[ -e {path} ]")).status.success()
}

/// All that a host must have again: what the program may touch, the packet filter, and who listens.
fn whole_state(host: &TestHost) -> String {
    let filter = host.sh("iptables-save 2>/dev/null | grep -v '^#' | sed 's/\\[.*//'; ip link show eth0 | grep -o 'mtu [0-9]*\\|state [A-Z]*'");
    // The manifest names all that may be lvsctl's, and the guard says that it has fired. A step that was ended leaves its file.
    let other = ["/var/lib/lvsctl/", ".lvsctl-new"];
    let state = state(host);
    let lines = state.lines();
    let mut lines: Vec<&str> = lines
        .filter(|line| !other.iter().any(|part| line.contains(part)))
        .collect();
    // Files come as they lie in their folders.
    lines.sort_unstable();
    format!(
        "{}\n{}",
        lines.join("\n"),
        String::from_utf8_lossy(&filter.stdout)
    )
}

#[track_caller]
fn within(what: &str, most: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + most;
    while !holds() {
        assert!(Instant::now() < deadline, "expected in {most:?}: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_host_that_is_cut_off_comes_back_by_itself() {
    let lab = Lab::new(hosts(5));
    // sshd of the fifth host is one of its service manager.
    lab.host("h5")
        .sh("mkdir -p /run/openrc/started; : >/run/openrc/started/sshd; : >/run/sshd.pid");
    // Tables of the packet filter that are there stay as they are.
    lab.host("h4")
        .sh("iptables -A INPUT -p udp --dport 9 -j DROP");
    let before: Vec<String> = lab.hosts.iter().map(whole_state).collect();
    let inventory_with = |broken: bool| {
        inventory(&lab, |host| {
            let lock_out = LOCK_OUTS.iter().find(|l| l.host == host.name);
            lock_out
                .filter(|_| broken)
                .map_or(String::new(), |l| l.role.to_owned())
        })
    };
    let path = inventory_with(true);
    let planned = run(&lab, &path, &["plan"]);
    for LockOut { what, host, .. } in LOCK_OUTS {
        let warned = planned
            .stdout
            .contains("this change affects lvsctl's access");
        assert!(warned, "{what} ({host}): {}", planned.stdout);
    }
    let started = Instant::now();
    let ran = run(&lab, &path, &["apply", "--yes"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    println!("apply ended after {:?}:\n{said}", started.elapsed());
    assert_eq!(ran.status, 1, "{said}");
    for LockOut { what, host, .. } in LOCK_OUTS {
        let reported = ran.stderr.lines().any(|line| {
            line.starts_with(&format!("{host}:"))
                && (line.contains("restores its old state by itself in at most")
                    || line.contains("has restored the old state of this host"))
        });
        assert!(reported, "{what}: {said}");
    }
    for (lock_out, before) in LOCK_OUTS.iter().zip(&before) {
        let host = lab.host(lock_out.host);
        within(lock_out.what, Duration::from_secs(150), || {
            has(host, "/var/lib/lvsctl/guard/fleet/fired")
        });
        within(lock_out.what, Duration::from_secs(20), || {
            answers(&lab, host)
        });
        let log = host.read("/var/lib/lvsctl/guard/fleet/log");
        let fired = host.read("/var/lib/lvsctl/guard/fleet/fired");
        assert!(fired.contains(" well"), "{}: {fired} {log}", lock_out.what);
        assert!(!has(host, LOCK), "{}: {log}", lock_out.what);
        if lock_out.host != "h5" {
            // What is not of the way in stays as the run made it.
            let now = whole_state(host);
            let vip = |text: &str| {
                let other = ["10.77.255.200", "arp_ignore", "arp_announce"];
                let lines = text
                    .lines()
                    .filter(|line| !other.iter().any(|o| line.contains(o)));
                lines.collect::<Vec<_>>().join("\n")
            };
            same(&vip(before), &vip(&now), lock_out.what);
        }
    }
    println!("all are back after {:?}", started.elapsed());
    let planned = run(&lab, &path, &["plan"]);
    assert_eq!(planned.status, 2, "{}{}", planned.stdout, planned.stderr);
    assert!(planned.stdout.contains("has fired"), "{}", planned.stdout);
    // With the mistakes corrected, all is well, and nothing is left of the guards. Connections that were cut off are still open.
    let path = inventory_with(false);
    let ran = run(&lab, &path, &["apply", "--yes"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    for host in &lab.hosts {
        assert!(!has(host, "/var/lib/lvsctl/guard"), "{}", host.name);
    }
}

/// A change of the way in that is well: one connection more, and nothing is left.
#[test]
#[ignore = "needs root: make test-root"]
fn a_new_connection_confirms_a_change() {
    let lab = Lab::plain(1);
    let host = lab.host("h1");
    let path = inventory(&lab, |_| {
        "  - file: { path: /etc/ssh/sshd_config.d/lvsctl.conf, content: \"# nothing\\n\" }\n"
            .to_owned()
    });
    let before = (host.connections(), host.execs());
    let ran = run(&lab, &path, &["apply", "--yes"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.status, 0, "{said}");
    assert!(
        said.contains("guard armed: the host restores its old state in 2"),
        "{said}"
    );
    assert!(said.contains("guard disarmed"), "{said}");
    let cost = (host.connections() - before.0, host.execs() - before.1);
    assert_eq!(cost, (2, 2));
    assert!(!has(host, "/var/lib/lvsctl/guard"));
    // The timer sees within a second that it is not needed any more.
    until("no timer is left", || {
        !host
            .sh("pgrep -f /var/lib/lvsctl/guard/fleet/ru[n]")
            .status
            .success()
    });
    let again = run(&lab, &path, &["apply", "--yes"]);
    assert_eq!(again.status, 0, "{}{}", again.stdout, again.stderr);
    assert!(!again.stderr.contains("guard"), "{}", again.stderr);
    // The director of the inventory does not exist.
    let ran = run(&lab, &path, &["destroy", "--yes", "--force"]);
    assert!(ran.stderr.contains("guard disarmed"), "{}", ran.stderr);
    assert!(!has(host, "/var/lib/lvsctl"), "{}", ran.stderr);
}

/// A file whose check waits until it is let go.
const WAITS: &str = "  - file: { path: /etc/first, content: \"1\\n\" }\n  \
                     - file: { path: /etc/second, content: \"2\\n\", check: \"cat /run/gate {}\" }\n";

fn killed_in_a_step(lab: &Lab, path: &Path, words: &[&str]) {
    let host = lab.host("h1");
    assert!(host.sh("mkfifo /run/gate").status.success());
    let mut child = {
        let _in = lab.enter();
        command(lab, path, words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts")
    };
    until("the step waits", || {
        host.sh("pgrep -f '^cat /run/gat[e]'").status.success()
    });
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    kill(pid, Signal::SIGKILL).expect("a signal");
    child.wait().expect("the program");
}

/// `--confirm` guards all: the controller is killed, and the host goes back alone.
#[test]
#[ignore = "needs root: make test-root"]
fn a_controller_that_dies_leaves_the_old_state() {
    let lab = Lab::plain(1);
    let host = lab.host("h1");
    let path = inventory(&lab, |_| WAITS.to_owned());
    let before = whole_state(host);
    killed_in_a_step(&lab, &path, &["apply", "--yes", "--confirm", "8s"]);
    assert!(has(host, "/etc/first"));
    let planned = run(&lab, &path, &["plan"]);
    let said = &planned.stdout;
    assert!(
        said.contains("is armed: the host restores its old state at"),
        "{said}"
    );
    within("the old state", Duration::from_secs(20), || {
        has(host, "/var/lib/lvsctl/guard/fleet/fired")
    });
    assert!(!has(host, "/etc/first"));
    same(&before, &whole_state(host), "the controller was killed");
}

/// The first host as a director, with a role of its own.
fn with_director(lab: &Lab) -> (PathBuf, PathBuf) {
    let path = crate::support::inventory::write(lab);
    let text = fs::read_to_string(&path).expect("the inventory");
    let lines = text.lines().filter(|line| !line.starts_with("  lb:"));
    let text: Vec<&str> = lines.collect();
    let text = text
        .join("\n")
        .replace("h1: { role: realserver", "h1: { role: director");
    fs::write(&path, text + "\n").expect("the inventory");
    fs::create_dir_all(lab.dir_file("roles")).expect("a folder");
    (path, lab.dir_file("roles/director.yaml"))
}

/// A controller is killed in a step that hangs. What its guard does is shown, and when it has fired, the lock is free.
#[test]
#[ignore = "needs root: make test-root"]
fn a_guard_that_has_fired_shows_and_leaves_the_lock() {
    let lab = Lab::plain(2);
    let host = lab.host("h1");
    let (path, role) = with_director(&lab);
    fs::write(&role, format!("resources:\n{WAITS}")).expect("a role");
    let director = |words: &[&str]| run(&lab, &path, &[words, &["--limit", "director"]].concat());
    let guards = || {
        let ran = director(&["status", "--format", "json"]);
        let view: serde_json::Value = serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}{}", ran.stdout, ran.stderr));
        view["guards"].clone()
    };
    let shows = |status: &str, severity: &str, found: &str| {
        let text = director(&["status"]).stdout;
        assert!(text.contains(status), "{text}");
        let ran = director(&["verify", "--only", "guard"]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.status, 3, "{said}");
        assert!(said.contains(severity) && said.contains(found), "{said}");
    };
    let apply = ["apply", "--yes", "--confirm", "30s", "--limit", "director"];
    killed_in_a_step(&lab, &path, &apply);
    assert!(has(host, LOCK));
    let armed = guards();
    assert_eq!(armed[0]["host"], "h1", "{armed}");
    assert_eq!(armed[0]["state"], "armed", "{armed}");
    shows("\nguards\n  h1 armed by ", "warning", "armed by ");

    within("the old state", Duration::from_secs(60), || {
        has(host, "/var/lib/lvsctl/guard/fleet/fired")
    });
    assert!(!has(host, LOCK) && !has(host, "/etc/first"));
    let hangs = host.sh("pgrep -f '^cat /run/gat[e]'").status.success();
    assert!(!hangs, "the step goes on");
    let fired = guards();
    assert_eq!(fired[0]["state"], "fired", "{fired}");
    assert_eq!(fired[0]["whole"], true, "{fired}");
    shows(
        "\nguards\n  h1 fired at ",
        "error",
        "restored its old state",
    );

    host.sh("rm /run/gate; : >/run/gate");
    let ran = director(&["apply", "--yes"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(guards(), serde_json::json!([]));
    let ran = director(&["verify", "--only", "guard"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
}

/// Who is killed and run again confirms what the first run made.
#[test]
#[ignore = "needs root: make test-root"]
fn the_next_run_takes_a_guard_over() {
    let lab = Lab::plain(1);
    let host = lab.host("h1");
    let path = inventory(&lab, |_| WAITS.to_owned());
    killed_in_a_step(&lab, &path, &["apply", "--yes", "--confirm", "60s"]);
    host.sh("echo >/run/gate; rm /run/gate; : >/run/gate");
    let ran: Ran = run(&lab, &path, &["apply", "--yes"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.status, 0, "{said}");
    assert!(said.contains("is armed"), "{said}");
    assert!(has(host, "/etc/first") && has(host, "/etc/second"));
    assert!(!has(host, "/var/lib/lvsctl/guard"));
}

/// After a boot the rest of the time is waited for.
#[test]
#[ignore = "needs root: make test-root"]
fn a_guard_survives_a_reboot() {
    let lab = Lab::plain(1);
    let host = lab.host("h1");
    let path = inventory(&lab, |_| WAITS.to_owned());
    killed_in_a_step(&lab, &path, &["apply", "--yes", "--confirm", "10s"]);
    // What a reboot ends, and what the hook starts then.
    host.sh("pkill -9 -f /var/lib/lvsctl/guard/fleet/ru[n]; sleep 3; ip addr del 10.77.255.200/32 dev lo");
    assert!(has(host, "/etc/first"));
    host.sh("setsid sh /var/lib/lvsctl/guard/fleet/run boot </dev/null >/dev/null 2>&1 &");
    within("the old state", Duration::from_secs(20), || {
        has(host, "/var/lib/lvsctl/guard/fleet/fired")
    });
    assert!(!has(host, "/etc/first"));
}

/// The role of a director, in the place of the built-in one.
fn director(version: u32, check: &str) -> String {
    format!(
        "resources:\n  - sysctl: {{ name: net.ipv4.conf.eth0.log_martians, value: {} }}\n  \
         - file: {{ path: /etc/first, content: \"{version}\\n\" }}\n  \
         - file: {{ path: /etc/of-{version}, content: \"x\\n\" }}\n  \
         - file: {{ path: /etc/second, content: \"{version}\\n\", check: \"{check} {{}}\" }}\n",
        version % 2
    )
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_director_whose_change_fails_has_its_previous_state() {
    let lab = Lab::plain(2);
    let host = lab.host("h1");
    let (path, role) = with_director(&lab);
    fs::write(&role, director(1, "test -e")).expect("a role");
    let both = &["apply", "--yes", "--limit", "director"];
    let ran = run(&lab, &path, both);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    let before = whole_state(host);
    assert!(!has(host, "/var/lib/lvsctl/guard"));

    fs::write(&role, director(2, "false")).expect("a role");
    let ran = run(&lab, &path, both);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.status, 1, "{said}");
    assert!(
        said.contains("the previous state of this director was put back"),
        "{said}"
    );
    assert_eq!(host.read("/etc/first"), "1\n", "{said}");
    assert!(!has(host, "/etc/of-2"), "{said}");
    let martians = host
        .sh("cat /proc/sys/net/ipv4/conf/eth0/log_martians")
        .stdout;
    assert_eq!(martians, b"1\n", "{said}");
    same(&before, &whole_state(host), "a change that failed");
    assert!(!has(host, "/var/lib/lvsctl/guard"), "{said}");

    fs::write(&role, director(2, "test -e")).expect("a role");
    let ran = run(&lab, &path, both);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(host.read("/etc/first"), "2\n");
}

/// A run is killed after its last step, before it forgets the previous state: the next run does it, though nothing differs.
#[test]
#[ignore = "needs root: make test-root"]
fn a_previous_state_that_a_killed_run_left_goes() {
    const PREVIOUS: &str = "/var/lib/lvsctl/guard/fleet.previous";
    let lab = Lab::plain(2);
    let host = lab.host("h1");
    let (path, role) = with_director(&lab);
    fs::write(&role, director(1, "cat /run/gate")).expect("a role");
    let both = &["apply", "--yes", "--limit", "director"];
    killed_in_a_step(&lab, &path, both);
    assert!(has(host, PREVIOUS));
    host.sh(&format!(
        "cp -a {PREVIOUS} /root/previous; echo >/run/gate; rm /run/gate; : >/run/gate"
    ));
    let apply = || {
        let ran = run(&lab, &path, both);
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    };
    apply();
    assert!(!has(host, PREVIOUS));
    let restore = format!("mkdir -p /var/lib/lvsctl/guard; cp -a /root/previous {PREVIOUS}");
    host.sh(&format!(
        "{restore}; (flock 9; exec sleep 60) 9>>/run/lvsctl-fleet.lock >/dev/null 2>&1 & echo $! >/root/holder; \
         until ! flock -n /run/lvsctl-fleet.lock true; do sleep 0.1; done"
    ));
    apply();
    assert!(has(host, PREVIOUS), "another run may need it");
    host.sh("kill $(cat /root/holder)");
    apply();
    assert!(!has(host, PREVIOUS));
}

/// A VIP on lo does not affect the connection, which `plan` knows without a lock.
#[test]
#[ignore = "needs root: make test-root"]
fn a_plan_names_only_changes_that_affect_the_access() {
    let lab = Lab::plain(1);
    let path = inventory(&lab, |_| String::new());
    let planned = run(&lab, &path, &["plan"]);
    let said = format!("{}{}", planned.stdout, planned.stderr);
    assert_eq!(planned.status, 2, "{said}");
    assert!(said.contains("+ address"), "{said}");
    assert!(!said.contains("affects lvsctl's access"), "{said}");
}
