//! sudo that wants a terminal, and login shells that print, wait or speak another language.

use std::time::Duration;

use lvsctl::model;
use lvsctl::transport::{RemoteShell, TransportError};

use crate::support::{Client, HostSpec, Lab, User, model_host, secret};

const LONG: Duration = Duration::from_secs(60);
const PASSWORD: &str = "correct horse 'battery' $staple";

/// Every byte but NUL, which no shell keeps, with a status and both streams; the input is at its end.
const EXACT: &str = r#"id -un; cat
i=1; while [ $i -lt 256 ]; do printf "\\$(printf %o $i)"; i=$((i + 1)); done | od -An -v -tx1 | tr -d ' \n'; echo
printf 'a\r\nb\tc\004d\003e\n'; printf 'to stderr\r\n' >&2
head -c 1000000 /dev/zero | tr '\0' x | wc -c
exit 7"#;

fn exact(shell: &mut Box<dyn RemoteShell>, name: &str) {
    let got = shell
        .run(EXACT, LONG)
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    let bytes: String = (1..=255).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        got.stdout,
        format!("root\n{bytes}\na\r\nb\tc\u{4}d\u{3}e\n1000000\n"),
        "{name}"
    );
    assert_eq!(got.stderr, "to stderr\r\n", "{name}");
    assert_eq!(got.status, 7, "{name}");
    // A script that is larger than what a terminal takes at once, and a line that is longer than one may be.
    let long = "x".repeat(300_000);
    let got = shell
        .run(&format!("printf %s {long} | wc -c"), LONG)
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!((got.status, got.stdout.trim()), (0, "300000"), "{name}");
}

fn of(lab: &Lab, name: &str, user: &str, password: bool) -> model::Host {
    let mut host = model_host(lab.host(name));
    host.ssh.user = Some(user.to_owned());
    host.ssh.connect_timeout = Some(30);
    host.ssh.sudo_password = password.then(|| secret("S"));
    host
}

fn client(lab: &Lab) -> Client {
    Client::with(lab.environment(), &[("S", PASSWORD)])
}

const NEEDS: &str = "ops ALL=(ALL) ALL\nDefaults requiretty";

#[test]
#[ignore = "needs root: make test-root"]
fn sudo_that_requires_a_terminal_gets_one() {
    let ops = |name: &str, more: &str| {
        HostSpec::new(name)
            .user("ops", Some(PASSWORD))
            .sudoers(&format!("{NEEDS}\n{more}"))
    };
    let script = "/usr/bin/script";
    let lab = Lab::new(vec![
        ops("asks", ""),
        ops("lecture", "Defaults lecture=always"),
        ops("pty", "Defaults use_pty"),
        ops("nopty", "Defaults !use_pty"),
        ops("logged", "Defaults log_output, log_input, use_pty"),
        ops("user", "Defaults:ops requiretty, timestamp_timeout=0"),
        ops("free", "ops ALL=(ALL) NOPASSWD: ALL"),
        ops("perl", "").without(script),
        ops("python", "").without(script).without("/usr/bin/perl"),
    ]);
    let _in = lab.enter();
    for host in &lab.hosts {
        let name = host.name.as_str();
        let client = client(&lab);
        let mut shell = client.connect(&of(&lab, name, "ops", true));
        exact(&mut shell, name);
        // The password is no command, no output, and in no argument list.
        let seen = shell.run("ps axww -o args", LONG).expect("runs").stdout;
        assert!(!seen.contains("horse"), "{name}: {seen}");
        shell.close(LONG).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(client.counters.execs(), 2, "{name}");
    }
    // Without a password at hand, where none is needed, and where one is.
    let mut shell = client(&lab).connect(&of(&lab, "free", "ops", false));
    exact(&mut shell, "free without a password");
    let error = client(&lab).refusal(&of(&lab, "asks", "ops", false));
    assert!(
        matches!(error, TransportError::SudoPasswordNeeded { .. }),
        "{error:?}"
    );
    let wrong = Client::with(lab.environment(), &[("S", "wrong")]);
    let error = wrong.refusal(&of(&lab, "pty", "ops", true));
    assert!(
        matches!(error, TransportError::SudoPasswordWrong { .. }),
        "{error:?}"
    );
}

/// As without a terminal: the shell sees the end of its input, and runs its traps.
#[test]
#[ignore = "needs root: make test-root"]
fn a_shell_with_a_terminal_ends_in_order_when_the_connection_goes() {
    let lab = Lab::new(vec![
        HostSpec::new("h1")
            .user("ops", Some(PASSWORD))
            .sudoers(NEEDS),
    ]);
    let _in = lab.enter();
    let mut shell = client(&lab).connect(&of(&lab, "h1", "ops", true));
    let trap = "trap 'id -un >/tmp/mark.new; mv /tmp/mark.new /tmp/mark' EXIT";
    shell.run_in_shell(trap, LONG).expect("runs");
    shell
        .run("sleep 0.4; echo into nothing", Duration::from_millis(100))
        .expect_err("it takes longer");
    drop(shell);
    crate::support::until("the trap has run", || {
        lab.host("h1").path("/tmp/mark").exists()
    });
    assert_eq!(lab.host("h1").read("/tmp/mark"), "root\n");
    crate::support::until("nothing is left", || {
        let ps = lab.host("h1").sh("ps axww -o args");
        !String::from_utf8_lossy(&ps.stdout).contains("script -qec")
    });
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_host_that_cannot_make_a_terminal_says_what_it_lacks() {
    let lab = Lab::new(vec![
        HostSpec::new("h1")
            .user("ops", Some(PASSWORD))
            .sudoers(NEEDS)
            .without("/usr/bin/script")
            .without("/usr/bin/perl")
            .without("/usr/bin/python3"),
    ]);
    let _in = lab.enter();
    let error = client(&lab).refusal(&of(&lab, "h1", "ops", true));
    assert!(
        matches!(error, TransportError::SudoNoTerminal { .. }),
        "{error:?}"
    );
    let text = error.to_string();
    for part in ["requiretty", "util-linux", "Defaults:ops !requiretty"] {
        assert!(text.contains(part), "{text}");
    }
}

/// What a login shell reads before it runs a command over SSH.
#[test]
#[ignore = "needs root: make test-root"]
fn noisy_odd_and_slow_login_shells_make_no_difference() {
    const BASH: &str = "/bin/bash";
    const RC: &str = ".bashrc";
    const FISH: &str = ".config/fish/config.fish";
    let noise = "echo Welcome; echo '[sudo] password for ops:' >&2; printf 'lvsctl:'\n";
    let slow = format!("sleep 3\n{noise}");
    let cases: [(&str, &str, &str, &str); 9] = [
        ("plain", "/bin/sh", ".profile", noise),
        ("noisy", BASH, RC, noise),
        ("slow", BASH, RC, &slow),
        ("strict", BASH, RC, "set -eu -o pipefail -o noglob\n"),
        (
            "aliases",
            BASH,
            RC,
            "shopt -s expand_aliases\nalias sudo=false sh=false cat=false printf=false\nset -o posix\n",
        ),
        (
            "locale",
            BASH,
            RC,
            "export LC_ALL=de_DE.UTF-8 LANGUAGE=de IFS=/ SHELL=/bin/false CDPATH=/\n",
        ),
        (
            "terminal",
            BASH,
            RC,
            "stty -echo; tput clear; mesg n; trap 'echo bye' EXIT\n",
        ),
        (
            "fish",
            "/usr/bin/fish",
            FISH,
            "echo Welcome; echo '[sudo] password for ops:' >&2\nset -x LC_ALL de_DE.UTF-8\n",
        ),
        (
            "tcsh",
            "/usr/bin/tcsh",
            ".tcshrc",
            "echo Welcome\nset noglob\nsetenv LC_ALL de_DE.UTF-8\n",
        ),
    ];
    let spec = |(name, shell, file, text): &(&'static str, &'static str, &str, &str),
                sudoers: &str,
                suffix: &str| {
        let mut spec = HostSpec::new(format!("{name}{suffix}"))
            .sudoers(sudoers)
            .file(format!("/home/ops/{file}"), *text, 0o644);
        spec.users.push(User {
            password: Some(PASSWORD),
            shell,
            ..User::new("ops")
        });
        spec
    };
    let usual = cases.iter().map(|case| spec(case, "ops ALL=(ALL) ALL", ""));
    let terminal = cases.iter().map(|case| spec(case, NEEDS, "-tty"));
    let lab = Lab::new(usual.chain(terminal).collect());
    let _in = lab.enter();
    std::thread::scope(|scope| {
        for host in &lab.hosts {
            let lab = &lab;
            scope.spawn(move || {
                let mut shell = client(lab).connect(&of(lab, &host.name, "ops", true));
                exact(&mut shell, &host.name);
                shell
                    .close(LONG)
                    .unwrap_or_else(|e| panic!("{}: {e}", host.name));
            });
        }
    });
}
