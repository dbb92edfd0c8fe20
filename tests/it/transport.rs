//! The SSH transport against real servers: sessions, deadlines and endings. Logging in is in transport_login.rs.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use lvsctl::model;
use lvsctl::transport::{Ended, Output, RemoteShell, TransportError, Waiting};

use crate::support::{Client, HostSpec, Lab, model_host, until, within};

const LONG: Duration = Duration::from_secs(20);
/// For what keeps both cores of a small machine busy.
const CROWDED: Duration = Duration::from_secs(90);

fn output(status: i32, stdout: &str, stderr: &str) -> Output {
    Output {
        status,
        stdout: stdout.into(),
        stderr: stderr.into(),
    }
}

fn run(shell: &mut Box<dyn RemoteShell>, script: &str) -> Output {
    shell
        .run(script, LONG)
        .unwrap_or_else(|e| panic!("{script}: {e}"))
}

#[test]
#[ignore = "needs root: make test-root"]
fn one_connection_and_one_exec_serve_many_scripts() {
    let lab = Lab::plain(1);
    let _in = lab.enter();
    let (client, host) = (Client::new(&lab), lab.host("h1"));
    let mut shell = client.connect(&model_host(host));
    for n in 0..20 {
        let got = run(
            &mut shell,
            &format!("echo {n}; hostname; echo err >&2; exit 3"),
        );
        assert_eq!(got, output(3, &format!("{n}\nh1\n"), "err\n"));
    }
    shell.close(LONG).unwrap_or_else(|e| panic!("{e}"));
    let counted = (client.counters.connections(), client.counters.execs());
    assert_eq!(counted, (1, 1));
    assert_eq!((host.connections(), host.execs()), (1, 1));
}

/// Counted on the host, which has a pid namespace.
#[test]
#[ignore = "needs root: make test-root"]
fn framing_starts_no_process() {
    let lab = Lab::plain(1);
    let _in = lab.enter();
    let (client, host) = (Client::new(&lab), lab.host("h1"));
    let mut shell = client.connect(&model_host(host));
    run(&mut shell, ":");
    let started_by = |work: &mut dyn FnMut()| {
        let before = host.last_pid();
        work();
        host.last_pid() - before - 1
    };
    let in_shell = started_by(&mut || {
        for _ in 0..10 {
            shell.run_in_shell("v=$((1 + 1))", LONG).expect("runs");
        }
    });
    assert_eq!(in_shell, 0);
    // The subshell, and nothing else.
    let in_subshells = started_by(&mut || {
        for _ in 0..10 {
            run(&mut shell, "v=$((1 + 1))");
        }
    });
    assert_eq!(in_subshells, 10);
}

/// All hosts at once, from threads that share one connector.
#[test]
#[ignore = "needs root: make test-root"]
fn many_hosts_at_once() {
    let lab = Lab::plain(10);
    let _in = lab.enter();
    let client = Client::new(&lab);
    std::thread::scope(|scope| {
        for host in &lab.hosts {
            let client = &client;
            scope.spawn(move || {
                let mut shell = client.connect(&model_host(host));
                assert_eq!(
                    run(&mut shell, "hostname").stdout,
                    format!("{}\n", host.name)
                );
            });
        }
    });
    assert_eq!(client.counters.connections(), 10);
    for host in &lab.hosts {
        assert_eq!((host.connections(), host.execs()), (1, 1), "{}", host.name);
    }
}

/// libssh2's window is 2 MiB for both streams together.
#[test]
#[ignore = "needs root: make test-root"]
fn both_streams_are_drained_while_waiting_and_while_sending() {
    let lab = Lab::plain(1);
    let _in = lab.enter();
    let client = Client::new(&lab);
    let mut shell = client.connect(&model_host(lab.host("h1")));
    let got = run(
        &mut shell,
        "head -c 3145728 /dev/zero | tr '\\0' e >&2; echo out",
    );
    assert_eq!(
        (got.stdout.as_str(), got.stderr.len()),
        ("out\n", 3_145_728)
    );
    let got = run(
        &mut shell,
        "head -c 3145728 /dev/zero | tr '\\0' o & head -c 3145728 /dev/zero | tr '\\0' e >&2; wait",
    );
    assert_eq!((got.stdout.len(), got.stderr.len()), (3_145_728, 3_145_728));
}

/// 3 MiB go out while another process of the host fills both streams: what one call of libssh2 takes in is often what
/// another waits for. On several hosts at once, as it takes some crowding for that to show; and with new keys in between.
#[test]
#[ignore = "needs root: make test-root"]
fn much_goes_both_ways_at_once() {
    let lab = Lab::new(
        (1..=6)
            .map(|n| match n {
                1..=4 => HostSpec::new(format!("h{n}")),
                _ => HostSpec::new(format!("h{n}")).sshd("RekeyLimit 512K"),
            })
            .collect(),
    );
    let _in = lab.enter();
    let hosts: Vec<model::Host> = lab.hosts.iter().map(model_host).collect();
    much_both_ways(&Client::new(&lab), &hosts, 4 << 20);
}

/// To each host at once 3 MiB go out, twice, while another process of the host writes so many bytes into each stream.
pub(crate) fn much_both_ways(client: &Client, hosts: &[model::Host], bytes: u32) {
    let text = "0123456789abcde\n".repeat(3 * 65536);
    let script = lvsctl::shell::heredoc("cksum", &text);
    let here = std::process::Command::new("sh")
        .args(["-c", "yes 0123456789abcde | head -n 196608 | cksum"])
        .output()
        .expect("runs");
    let want = String::from_utf8_lossy(&here.stdout).into_owned();
    let noise = format!(
        "{{ head -c {bytes} /dev/zero | tr '\\0' x; }} & {{ head -c {bytes} /dev/zero | tr '\\0' x >&2; }} &"
    );
    std::thread::scope(|scope| {
        for host in hosts {
            let (script, noise, want) = (&script, &noise, want.trim_end());
            scope.spawn(move || {
                let mut shell = client.connect(host);
                for _ in 0..2 {
                    shell.run_in_shell(noise, CROWDED).expect("starts");
                    let got = shell
                        .run(script, CROWDED)
                        .unwrap_or_else(|e| panic!("{}: {e}", host.name));
                    let left = got.stdout.trim_matches('x').trim_end();
                    assert!(
                        got.stdout.contains(want),
                        "{}: {left} is not {want}",
                        host.name
                    );
                }
            });
        }
    });
}

/// A shell that has ended is never taken for a script that succeeded.
#[test]
#[ignore = "needs root: make test-root"]
fn an_end_is_reported_for_what_it_is() {
    let lab = Lab::plain(1);
    let _in = lab.enter();
    let client = Client::new(&lab);
    let host = model_host(lab.host("h1"));
    for (script, want, said) in [
        ("kill -9 $$", Ended::Signal("KILL".into()), ""),
        ("kill -15 $$", Ended::Signal("TERM".into()), ""),
        (
            "echo last words >&2; exit 0",
            Ended::Status(0),
            "last words",
        ),
        (
            "echo last words >&2; exit 4",
            Ended::Status(4),
            "last words",
        ),
        (
            "echo last words >&2; sleep 0.1; kill -9 $PPID; sleep 5",
            Ended::Cut,
            "last words",
        ),
    ] {
        let mut shell = client.connect(&host);
        let started = Instant::now();
        match shell.run_in_shell(script, LONG) {
            Err(TransportError::EndedEarly {
                what: Waiting::Script,
                ended,
                stderr,
            }) => {
                assert_eq!(ended, want, "{script}");
                assert_eq!(stderr, said, "{script}");
            }
            other => panic!("{script}: {other:?}"),
        }
        assert!(
            started.elapsed() < LONG / 2,
            "{script}: {:?}",
            started.elapsed()
        );
        assert!(
            matches!(shell.run(":", LONG), Err(TransportError::Gone)),
            "{script}"
        );
    }
    let mut shell = client.connect(&host);
    assert_eq!(run(&mut shell, "sh -c 'kill -9 $$'").status, 137);
    assert_eq!(run(&mut shell, "echo alive").stdout, "alive\n");
}

/// A deadline holds also while output arrives, and a background child does not delay the end.
#[test]
#[ignore = "needs root: make test-root"]
fn a_script_has_a_deadline() {
    let lab = Lab::plain(1);
    let _in = lab.enter();
    let client = Client::new(&lab);
    let host = model_host(lab.host("h1"));
    for script in ["sleep 30", "while :; do echo still; sleep 0.05; done"] {
        let mut shell = client.connect(&host);
        let started = Instant::now();
        let error = shell
            .run(
                &format!("echo busy >&2; {script}"),
                Duration::from_millis(500),
            )
            .expect_err(script);
        let took = started.elapsed();
        assert!(
            took >= Duration::from_millis(500) && took < LONG / 4,
            "{took:?}"
        );
        let text = error.to_string();
        assert!(
            text.starts_with("waited 0.5 s for a script to end"),
            "{text}"
        );
        assert!(text.ends_with("it said: busy"), "{text}");
        let started = Instant::now();
        drop(shell);
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
    }
    let mut shell = client.connect(&host);
    let started = Instant::now();
    assert_eq!(
        run(&mut shell, "sleep 15 & echo started").stdout,
        "started\n"
    );
    assert_eq!(run(&mut shell, "echo next").stdout, "next\n");
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    // Much input for a shell that is stopped, and for an sshd that is, whose socket then is full in mid packet: sending
    // has the deadline, too, and so has the end.
    for stopped in ["$$", "$PPID"] {
        let mut shell = client.connect(&host);
        let pid = run(&mut shell, &format!("echo {stopped}")).stdout;
        let output = lab.host("h1").sh(&format!("kill -STOP {pid}"));
        assert!(output.status.success(), "{output:?}");
        let started = Instant::now();
        let error = shell
            .run(&" ".repeat(4 << 20), Duration::from_millis(500))
            .expect_err("no program reads");
        assert!(matches!(error, TransportError::Timeout { .. }), "{error}");
        drop(shell);
        assert!(started.elapsed() < LONG / 4, "{:?}", started.elapsed());
        lab.host("h1").sh(&format!("kill -CONT {pid}"));
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_connection_has_a_deadline() {
    let lab = Lab::plain(1);
    let _in = lab.enter();
    let client = Client::new(&lab);
    let mut host = model_host(lab.host("h1"));
    host.ssh.connect_timeout = Some(1);
    let refusal = |host: &model::Host| {
        let started = Instant::now();
        let error = client.refusal(host);
        assert!(
            started.elapsed() < LONG / 4,
            "{error}: {:?}",
            started.elapsed()
        );
        error
    };

    // It accepts, and says nothing.
    let silent = TcpListener::bind((lab.controller(), 2022)).expect("listens");
    let mut to_silent = host.clone();
    to_silent.address = lab.controller();
    to_silent.ssh.port = Some(2022);
    let error = refusal(&to_silent);
    assert!(
        error
            .to_string()
            .starts_with("waited 1 s for the SSH handshake"),
        "{error}"
    );
    drop(silent);
    // A process that another test is just starting has it too, for a moment.
    until("nothing listens", || {
        TcpStream::connect((lab.controller(), 2022)).is_err()
    });
    let error = refusal(&to_silent);
    assert!(matches!(error, TransportError::Refused(_)), "{error}");

    // It says something else.
    let other = TcpListener::bind((lab.controller(), 2022)).expect("listens");
    let speaker = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = other.accept().expect("a connection");
        stream.write_all(b"220 mail ready\r\n").ok();
    });
    let error = refusal(&to_silent);
    assert!(
        matches!(
            error,
            TransportError::Handshake { .. } | TransportError::Timeout { .. }
        ),
        "{error}"
    );
    speaker.join().expect("spoke");

    // The kernel accepts the TCP connection; sshd is stopped.
    lab.host("h1").sh("kill -STOP $(cat /run/sshd.pid)");
    let error = refusal(&host);
    assert!(
        matches!(
            error,
            TransportError::Timeout {
                what: Waiting::Handshake,
                ..
            }
        ),
        "{error}"
    );
    lab.host("h1").sh("kill -CONT $(cat /run/sshd.pid)");

    // No host is there.
    lab.host("h1").unplug();
    let error = refusal(&host);
    assert!(
        matches!(
            error,
            TransportError::Timeout {
                what: Waiting::Connection,
                ..
            }
        ),
        "{error}"
    );
    let mut away = host.clone();
    away.address = "192.0.2.1".parse().expect("an address");
    let error = refusal(&away);
    assert!(
        matches!(error, TransportError::Unreachable { .. }),
        "{error}"
    );
    away.ssh.host = Some("no-such-host.invalid".to_owned());
    let error = refusal(&away);
    assert!(
        matches!(
            error,
            TransportError::Dns { .. }
                | TransportError::Timeout {
                    what: Waiting::Name,
                    ..
                }
        ),
        "{error}"
    );
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_login_that_waits_is_given_up() {
    let lab = Lab::new(vec![HostSpec::new("h1").file(
        "/root/.bashrc",
        "sleep 30\n",
        0o644,
    )]);
    let _in = lab.enter();
    let mut host = model_host(lab.host("h1"));
    host.ssh.connect_timeout = Some(1);
    let error = Client::new(&lab).refusal(&host);
    assert!(
        error
            .to_string()
            .starts_with("waited 1 s for the shell to be ready"),
        "{error}"
    );
}

#[test]
#[ignore = "needs root: make test-root"]
fn noise_before_the_shell_is_passed_over() {
    let noise = "echo 'Welcome!'; echo warning >&2; printf 'no newline'\n";
    let lab = Lab::new(vec![
        HostSpec::new("h1")
            .file("/root/.bashrc", noise, 0o644)
            .file("/etc/banner", "Authorised use only\n", 0o644)
            .sshd("Banner /etc/banner"),
    ]);
    let _in = lab.enter();
    let mut shell = Client::new(&lab).connect(&model_host(lab.host("h1")));
    assert_eq!(run(&mut shell, "echo mine"), output(0, "mine\n", ""));
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_user_without_a_shell_is_reported() {
    let lab = Lab::new(vec![
        HostSpec::new("bare").without("/bin/sh"),
        HostSpec::new("locked")
            .shell("guest", "/usr/sbin/nologin")
            .shell("no", "/bin/false"),
        HostSpec::new("forced").sshd("ForceCommand echo only this"),
    ]);
    let _in = lab.enter();
    let client = Client::new(&lab);
    for (name, user, part) in [
        ("bare", "root", "sh: command not found"),
        ("locked", "guest", "not available"),
        ("locked", "no", "status 1"),
        ("forced", "root", "only this"),
    ] {
        let mut host = model_host(lab.host(name));
        host.ssh.user = Some(user.to_owned());
        host.ssh.sudo = Some(false);
        let error = client.refusal(&host);
        assert!(
            matches!(error, TransportError::NoShell(_)),
            "{name}: {error:?}"
        );
        assert!(error.to_string().contains(part), "{name}: {error}");
    }
}

/// The remote shell sees the end of its input when the controller is gone, whatever it is at.
#[test]
#[ignore = "needs root: make test-root"]
fn exit_traps_run_when_the_connection_goes() {
    let lab = Lab::new(vec![
        HostSpec::new("h1")
            .user("ops", None)
            .sudoers("ops ALL=(ALL) NOPASSWD: ALL"),
    ]);
    let _in = lab.enter();
    let client = Client::new(&lab);
    for user in ["root", "ops"] {
        let mut host = model_host(lab.host("h1"));
        host.ssh.user = Some(user.to_owned());
        for (n, script) in ["echo idle", "sleep 0.4; echo into nothing"]
            .into_iter()
            .enumerate()
        {
            let mut shell = client.connect(&host);
            let mark = format!("/tmp/{user}-{n}");
            shell
                .run_in_shell(
                    &format!("trap 'id -un >{mark}.new; mv {mark}.new {mark}' EXIT"),
                    LONG,
                )
                .expect("runs");
            shell.run(script, Duration::from_millis(200)).ok();
            drop(shell);
            let ends = || format!("the shell of {user} ends after {script}");
            within(Duration::from_secs(5), ends, || {
                lab.host("h1").path(&mark).exists()
            });
            assert_eq!(lab.host("h1").read(&mark), "root\n", "{user}: {script}");
        }
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_host_is_one_of_its_own() {
    let lab = Lab::new(vec![
        HostSpec::new("h1").without("/usr/sbin/ip"),
        HostSpec::new("h2"),
    ]);
    let _in = lab.enter();
    let client = Client::new(&lab);
    let mut first = client.connect(&model_host(lab.host("h1")));
    let mut second = client.connect(&model_host(lab.host("h2")));
    assert_eq!(
        run(&mut first, "command -v ip || echo missing").stdout,
        "missing\n"
    );
    assert_ne!(
        run(&mut second, "command -v ip || echo missing").stdout,
        "missing\n"
    );
    run(
        &mut first,
        "echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore; echo x >/etc/lvsctl-mark",
    );
    let look =
        "cat /proc/sys/net/ipv4/conf/all/arp_ignore; cat /etc/lvsctl-mark 2>/dev/null || echo none";
    assert_eq!(run(&mut first, look).stdout, "1\nx\n");
    assert_eq!(run(&mut second, look).stdout, "0\nnone\n");
    assert!(!std::path::Path::new("/etc/lvsctl-mark").exists());
    assert_ne!(run(&mut first, "echo 1 >/proc/sys/kernel/printk").status, 0);
}
