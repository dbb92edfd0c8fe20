//! Sessions over real shells on this machine: dash, bash and busybox ash. No SSH here.

use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lvsctl::model;
use lvsctl::secret::Secrets;
use lvsctl::transport::config::Environment;
use lvsctl::transport::local::LocalChannel;
use lvsctl::transport::session::{Launch, Session, Terminal};
use lvsctl::transport::{
    Connect, Connector, Counters, Ended, Output, RemoteShell, TransportError, Waiting,
};

const LONG: Duration = Duration::from_secs(120);

const SHELLS: [&str; 3] = ["dash", "bash", "busybox"];

fn channel(shell: &str) -> LocalChannel {
    let mut command = Command::new(shell);
    // All of them run as `sh`: bash is in POSIX mode then.
    command.arg0("sh").arg("-s");
    LocalChannel::spawn(command)
        .unwrap_or_else(|e| panic!("cannot start {shell}: {e}; apt-get install {shell}"))
}

fn session(shell: &str) -> Session {
    Launch::new(None, Terminal::None)
        .and_then(|l| l.open(Box::new(channel(shell)), Instant::now() + LONG, LONG))
        .unwrap_or_else(|e| panic!("{shell}: {e}"))
}

fn each_shell(test: impl Fn(&str, Session)) {
    for shell in SHELLS {
        test(shell, session(shell));
    }
}

fn output(status: i32, stdout: &str, stderr: &str) -> Output {
    Output {
        status,
        stdout: stdout.into(),
        stderr: stderr.into(),
    }
}

#[test]
fn output_is_exact_and_streams_are_apart() {
    each_shell(|shell, mut s| {
        for (script, want) in [
            (
                "printf 'no newline'; printf err >&2",
                output(0, "no newline", "err"),
            ),
            ("", output(0, "", "")),
            ("# a comment", output(0, "", "")),
            ("echo 'it'\\''s'; exit 7", output(7, "it's\n", "")),
            ("printf 'a\\n\\n\\n'", output(0, "a\n\n\n", "")),
            ("-n", output(127, "", "")),
            (
                "cat <<'X'\n$HOME `date`\nX",
                output(0, "$HOME `date`\n", ""),
            ),
            ("printf 'caf\\303\\251'", output(0, "café", "")),
            ("(exit 3); echo unreached", output(3, "", "")),
            ("kill -9 $(exec sh -c 'echo $PPID')", output(137, "", "")),
        ] {
            let mut got = s
                .run(script, LONG)
                .unwrap_or_else(|e| panic!("{shell}: {script}: {e}"));
            if matches!(want.status, 127 | 137) {
                got.stderr.clear();
            }
            assert_eq!(got, want, "{shell}: {script}");
        }
    });
}

#[test]
fn an_unset_variable_stops_a_subshell() {
    each_shell(|shell, mut s| {
        let got = s
            .run("echo \"$lvsctl_not_set\"; echo unreached", LONG)
            .expect("runs");
        assert_ne!(got.status, 0, "{shell}");
        assert_eq!(got.stdout, "", "{shell}");
        assert!(
            got.stderr.contains("lvsctl_not_set"),
            "{shell}: {}",
            got.stderr
        );
    });
}

/// A child that reads its standard input would swallow the scripts that follow.
#[test]
fn a_child_that_reads_standard_input_gets_nothing() {
    each_shell(|shell, mut s| {
        for run in [Session::run, Session::run_in_shell] {
            let got = run(&mut s, "cat; echo after", LONG).expect("runs");
            assert_eq!(got, output(0, "after\n", ""), "{shell}");
        }
        assert_eq!(
            s.run("echo next", LONG).expect("runs").stdout,
            "next\n",
            "{shell}"
        );
    });
}

/// A missing tool is an answer, not the end of a `set -e` script, when it is asked for in a condition.
#[test]
fn a_missing_tool_is_an_answer() {
    each_shell(|shell, mut s| {
        let script =
            "if command -v lvsctl-no-such-tool >/dev/null; then echo there; else echo missing; fi";
        assert_eq!(
            s.run(script, LONG).expect("runs"),
            output(0, "missing\n", ""),
            "{shell}"
        );
        let tripped = s
            .run("command -v lvsctl-no-such-tool; echo unreached", LONG)
            .expect("runs");
        assert_eq!(tripped.stdout, "", "{shell}");
        assert_ne!(tripped.status, 0, "{shell}");
    });
}

#[test]
fn a_malformed_script_is_an_error_and_not_a_hang() {
    each_shell(|shell, mut s| {
        for script in [
            "echo 'unterminated",
            "syntax ( error",
            "}",
            ")",
            "if true; then",
            "cat <<X\nno end",
        ] {
            for run in [Session::run, Session::run_in_shell] {
                let got =
                    run(&mut s, script, LONG).unwrap_or_else(|e| panic!("{shell}: {script}: {e}"));
                // A here-document that the end of the script ends is taken by every shell, by bash with a warning.
                if !script.starts_with("cat") {
                    assert_eq!(got.status, 2, "{shell}: {script}: {got:?}");
                    assert!(!got.stderr.is_empty(), "{shell}: {script}");
                }
            }
        }
        assert_eq!(
            s.run("echo fine", LONG).expect("runs").stdout,
            "fine\n",
            "{shell}"
        );
        assert!(
            matches!(s.run("echo \0", LONG), Err(TransportError::ShellText(_))),
            "{shell}"
        );
        assert_eq!(
            s.run("echo fine", LONG).expect("runs").stdout,
            "fine\n",
            "{shell}"
        );
    });
}

#[test]
fn the_shell_keeps_its_state_and_subshells_leave_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (lock, trapped) = (dir.path().join("lock"), dir.path().join("trapped"));
    each_shell(|shell, mut s| {
        std::fs::remove_file(&trapped).ok();
        let script = format!(
            "V=1; f() {{ echo \"f $1\"; }}\nexec 9>{}\ntrap 'echo bye >{}' EXIT\nset -eu",
            lock.display(),
            trapped.display()
        );
        assert_eq!(
            s.run_in_shell(&script, LONG).expect("runs"),
            output(0, "", ""),
            "{shell}"
        );
        assert_eq!(
            s.run_in_shell("false", LONG).expect("runs").status,
            1,
            "{shell}"
        );
        let got = s
            .run("V=2; W=3; echo nine >&9; f \"$V\"", LONG)
            .expect("runs");
        assert_eq!(got, output(0, "f 2\n", ""), "{shell}");
        let got = s
            .run_in_shell("echo \"$V ${W-unset}\"", LONG)
            .expect("runs");
        assert_eq!(got.stdout, "1 unset\n", "{shell}");
        assert_eq!(
            std::fs::read_to_string(&lock).expect("the lock"),
            "nine\n",
            "{shell}"
        );
        assert!(
            !trapped.exists(),
            "{shell}: a subshell ran the trap of the shell"
        );
        Box::new(s)
            .close(LONG)
            .unwrap_or_else(|e| panic!("{shell}: {e}"));
        assert_eq!(
            std::fs::read_to_string(&trapped).expect("the trap's file"),
            "bye\n",
            "{shell}"
        );
    });
}

#[test]
fn a_shell_that_ends_itself_is_reported() {
    each_shell(|shell, mut s| {
        match s.run_in_shell("echo dying >&2; exit 5", LONG) {
            Err(TransportError::EndedEarly {
                what: Waiting::Script,
                ended,
                stderr,
            }) => {
                assert_eq!(ended, Ended::Status(5), "{shell}");
                assert!(stderr.contains("dying"), "{shell}: {stderr}");
            }
            other => panic!("{shell}: {other:?}"),
        }
        assert!(
            matches!(s.run("echo", LONG), Err(TransportError::Gone)),
            "{shell}"
        );
        let mut s = session(shell);
        match s.run_in_shell("kill -9 $$", LONG) {
            Err(TransportError::EndedEarly { ended, .. }) => {
                assert_eq!(ended, Ended::Signal("KILL".into()), "{shell}");
            }
            other => panic!("{shell}: {other:?}"),
        }
    });
}

/// A background child that holds the output does not hold up the script's end, and what it says
/// later is not taken for the next script's.
#[test]
fn a_background_child_that_holds_the_output_blocks_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let fifo = fifo.display();
    each_shell(|shell, mut s| {
        let script = format!(
            "(read -r x <{fifo}; echo late; echo late >&2; echo done >{fifo}) & echo started"
        );
        let started = Instant::now();
        assert_eq!(
            s.run(&script, LONG).expect("runs"),
            output(0, "started\n", ""),
            "{shell}"
        );
        assert!(started.elapsed() < LONG / 2, "{shell}");
        // The child has spoken, for certain, when the fifo gives `done`: in the shell, so between two scripts' markers
        // it is only what the first of them prints.
        let mut writer = std::fs::OpenOptions::new()
            .write(true)
            .open(fifo.to_string())
            .expect("fifo");
        writer.write_all(b"go\n").expect("fifo");
        drop(writer);
        assert_eq!(
            std::fs::read_to_string(fifo.to_string()).expect("fifo"),
            "done\n"
        );
        assert_eq!(
            s.run("echo mine", LONG).expect("runs"),
            output(0, "mine\n", ""),
            "{shell}"
        );
    });
}

#[test]
fn a_deadline_is_kept_and_named() {
    each_shell(|shell, mut s| {
        let started = Instant::now();
        let timeout = Duration::from_millis(300);
        match s.run(
            "echo slow >&2; while :; do sleep 0.05; echo still; done",
            timeout,
        ) {
            Err(error @ TransportError::Timeout { .. }) => {
                let text = error.to_string();
                assert!(
                    text.starts_with("waited 0.3 s for a script to end"),
                    "{shell}: {text}"
                );
                assert!(text.contains("slow"), "{shell}: {text}");
            }
            other => panic!("{shell}: {other:?}"),
        }
        assert!(
            started.elapsed() < LONG / 4,
            "{shell}: {:?}",
            started.elapsed()
        );
        assert!(
            matches!(s.run("echo", LONG), Err(TransportError::Gone)),
            "{shell}"
        );
    });
}

#[test]
fn much_output_on_both_streams_and_much_input() {
    each_shell(|shell, mut s| {
        let script =
            "head -c 3000000 /dev/zero | tr '\\0' e >&2; head -c 3000000 /dev/zero | tr '\\0' o";
        let got = s.run(script, LONG).expect("runs");
        assert_eq!(
            (got.stdout.len(), got.stderr.len()),
            (3_000_000, 3_000_000),
            "{shell}"
        );
        let text = "0123456789abcde\n".repeat(20_000);
        let got = s
            .run(&lvsctl::shell::heredoc("cat", &text), LONG)
            .expect("runs");
        assert!(
            got.stdout == text,
            "{shell}: {} bytes came back",
            got.stdout.len()
        );
        match s.run("while :; do echo 0123456789; done", LONG) {
            Err(TransportError::OutputTooLarge { .. }) => {}
            other => panic!("{shell}: {other:?}"),
        }
    });
}

#[test]
fn nothing_that_a_script_prints_ends_it() {
    each_shell(|shell, mut s| {
        // The shell's own text, and so its markers' halves, are echoed by these; and what earlier markers looked like.
        s.run_in_shell("set -vx", LONG).expect("runs");
        let got = s.run("echo one", LONG).expect("runs");
        assert_eq!((got.status, got.stdout.as_str()), (0, "one\n"), "{shell}");
        s.run_in_shell("set +vx", LONG).expect("runs");
        let got = s
            .run("tr '\\0' '\\n' </proc/$$/cmdline", LONG)
            .expect("runs");
        assert_eq!(got.stdout, "sh\n-s\n", "{shell}");
    });
}

#[test]
fn the_shell_is_prepared() {
    each_shell(|shell, mut s| {
        let got = s.run(
            "echo \"$LC_ALL\"; umask; case :$PATH: in *:/usr/sbin:*) echo sbin;; esac",
            LONG,
        );
        assert_eq!(got.expect("runs").stdout, "C\n0022\nsbin\n", "{shell}");
    });
}

/// When the controller is gone the shell ends after what it is at, and its EXIT traps run.
#[test]
fn exit_traps_run_when_the_controller_vanishes() {
    let dir = tempfile::tempdir().expect("a folder");
    each_shell(|shell, mut s| {
        let fifo = dir.path().join(shell);
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
        s.run_in_shell(&format!("trap 'echo bye >{}' EXIT", fifo.display()), LONG)
            .expect("runs");
        let gone = s.run(
            "sleep 0.5; echo into a closed pipe",
            Duration::from_millis(50),
        );
        assert!(
            matches!(gone, Err(TransportError::Timeout { .. })),
            "{shell}: {gone:?}"
        );
        drop(s);
        assert_eq!(
            std::fs::read_to_string(&fifo).expect("the trap's file"),
            "bye\n",
            "{shell}"
        );
    });
}

/// `connection: local`, as root and through sudo.
#[test]
#[ignore = "needs root: make test-root"]
fn this_machine_is_a_host_too() {
    for user in ["root", "ops"] {
        let environment = Environment {
            user: Some(user.to_owned()),
            ..Environment::default()
        };
        let counters = Arc::new(Counters::default());
        let connector = Connector::new(environment, Secrets::new(), Arc::clone(&counters))
            .unwrap_or_else(|e| panic!("{e}"));
        let host = model::Host {
            name: "here".to_owned(),
            roles: vec!["director".to_owned()],
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            interface: "lo".to_owned(),
            interfaces: Vec::new(),
            gateway: None,
            connection: model::Connection::Local,
            ssh: model::SshOptions::default(),
            persist: true,
            exports: Vec::new(),
            lab: model::LabOptions::default(),
            vars: serde_json::Map::new(),
        };
        let mut shell = connector
            .connect(&host)
            .unwrap_or_else(|e| panic!("{user}: {e}; apt-get install sudo"));
        let script =
            "id -u; echo ${SUDO_USER-none}; (echo >/dev/tty) 2>/dev/null || echo no terminal";
        let got = shell
            .run(script, LONG)
            .unwrap_or_else(|e| panic!("{user}: {e}"));
        let sudo = if user == "root" { "none" } else { "root" };
        assert!(
            got.stdout.starts_with(&format!("0\n{sudo}\n")),
            "{user}: {}",
            got.stdout
        );
        // sudo's use_pty gives its command another terminal.
        assert!(
            user != "root" || got.stdout.ends_with("no terminal\n"),
            "{}",
            got.stdout
        );
        assert_eq!((counters.connections(), counters.execs()), (0, 1));
        shell.close(LONG).unwrap_or_else(|e| panic!("{user}: {e}"));
    }
}
