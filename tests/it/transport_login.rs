//! Logging in to real servers: host keys, keys, passwords and sudo.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use lvsctl::model::{self, HostKeyChecking};
use lvsctl::transport::config::Environment;
use lvsctl::transport::{RemoteShell, TransportError};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;

use crate::support::{Agent, Client, HostSpec, Lab, keygen, model_host, secret, until};

const LONG: Duration = Duration::from_secs(20);
const PASSWORD: &str = "correct horse 'battery' $staple";
const WRONG: &str = "wrong horse";

fn stdout(shell: &mut Box<dyn RemoteShell>, script: &str) -> String {
    let got = shell
        .run(script, LONG)
        .unwrap_or_else(|e| panic!("{script}: {e}"));
    assert_eq!(got.stderr, "", "{script}");
    got.stdout
}

fn host_of(lab: &Lab, name: &str) -> model::Host {
    model_host(lab.host(name))
}

/// An error that shows neither password.
fn shown(error: &TransportError) -> String {
    let text = format!("{error} {error:?}");
    assert!(!text.contains("horse"), "{text}");
    error.to_string()
}

// --- host keys

/// The server has an ed25519 key as well, which an SSH client without the known key types would get.
#[test]
#[ignore = "needs root: make test-root"]
fn a_host_is_asked_for_the_key_that_is_known() {
    let all = ["ed25519", "ecdsa", "rsa"];
    let lab = Lab::new(vec![
        HostSpec::new("ecdsa").host_keys(&all, &["ecdsa"]),
        HostSpec::new("rsa").host_keys(&all, &["rsa"]),
        HostSpec::new("both").host_keys(&all, &["rsa", "ed25519"]),
    ]);
    let _in = lab.enter();
    for host in &lab.hosts {
        let mut shell = Client::new(&lab).connect(&model_host(host));
        assert_eq!(stdout(&mut shell, "hostname"), format!("{}\n", host.name));
    }
}

/// Lines of known_hosts against a server; the meaning of each is in a table in known_hosts_tests.rs.
#[test]
#[ignore = "needs root: make test-root"]
fn host_keys_are_checked() {
    let all = ["ed25519", "ecdsa"];
    let lab = Lab::new(vec![HostSpec::new("h1").host_keys(&all, &[])]);
    let _in = lab.enter();
    let host = host_of(&lab, "h1");
    let address = lab.host("h1").address;
    let (ed25519, ecdsa) = (
        lab.host("h1").public_key("ed25519"),
        lab.host("h1").public_key("ecdsa"),
    );
    let known = |text: &str| fs::write(lab.known_hosts(), text).expect("writes");
    let refusal = |text: &str| {
        known(text);
        let error = Client::new(&lab).refusal(&host);
        assert_eq!(
            lab.host("h1").log().matches("Accepted ").count(),
            0,
            "let in: {error}"
        );
        error
    };

    // Not known: everything that is needed to go on is there.
    for text in ["", "garbage\n", "192.0.2.1 ssh-ed25519 AAAA\n"] {
        let error = refusal(text);
        let TransportError::UnknownHostKey { key, file, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(file, &lab.known_hosts());
        let text = error.to_string();
        assert!(text.contains(&format!("{address} {ed25519}")), "{text}");
        assert!(
            key.fingerprint.starts_with("SHA256:") && text.contains(&key.fingerprint),
            "{text}"
        );
        let log = lab
            .host("h1")
            .sh("ssh-keygen -lf /etc/ssh/lvsctl_ed25519.pub");
        assert!(String::from_utf8_lossy(&log.stdout).contains(&key.fingerprint));
    }
    let error = refusal(&format!("@cert-authority * {ed25519}\n"));
    assert!(error.to_string().contains("@cert-authority"), "{error}");

    // Changed: where it is known, and both fingerprints. Also when only another kind of key is known.
    let other = lab.dir_file("other");
    keygen(&other, "ed25519", "");
    let other = fs::read_to_string(other.with_extension("pub")).expect("a key");
    let error = refusal(&format!("# first\n\n{address} {other}"));
    let TransportError::ChangedHostKey { known: was, .. } = &error else {
        panic!("{error:?}");
    };
    let text = error.to_string();
    assert!(
        text.contains(&format!("{}:3", lab.known_hosts().display())),
        "{text}"
    );
    assert!(text.contains(&was[0].fingerprint), "{text}");

    // Revoked, whatever else is known.
    for text in [
        format!("{address} {ed25519}\n@revoked * {ed25519}\n"),
        format!("@revoked {address} {ed25519}\n{address} {ed25519}\n"),
    ] {
        let error = refusal(&text);
        assert!(
            matches!(error, TransportError::RevokedHostKey { .. }),
            "{error:?}"
        );
    }

    // Let in, by lines that libssh2 itself does not find.
    for text in [
        format!("complete garbage\n10.77.* {ed25519}\n"),
        format!("192.0.2.1,{address} {ecdsa}\n"),
        format!("[{address}]:22 {ed25519} with a comment\n"),
    ] {
        known(&text);
        Client::new(&lab).connect(&host);
    }
    known(&format!("{address} {ed25519}\n"));
    let hashed = std::process::Command::new("ssh-keygen")
        .args(["-H", "-f"])
        .arg(lab.known_hosts())
        .output()
        .expect("runs");
    assert!(hashed.status.success(), "{hashed:?}");
    assert!(
        fs::read_to_string(lab.known_hosts())
            .expect("a file")
            .starts_with("|1|")
    );
    Client::new(&lab).connect(&host);
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_new_host_is_accepted_where_that_is_asked_for() {
    let lab = Lab::new(
        (1..=6)
            .map(|n| HostSpec::new(format!("h{n}")).host_keys(&["ed25519"], &[]))
            .collect(),
    );
    let _in = lab.enter();
    fs::remove_dir_all(lab.home().join("new")).ok();
    let file = lab.home().join("new/.ssh/known_hosts");
    let hosts: Vec<model::Host> = lab
        .hosts
        .iter()
        .map(|h| {
            let mut host = model_host(h);
            host.ssh.known_hosts = Some(file.clone());
            host.ssh.host_key_checking = Some(HostKeyChecking::AcceptNew);
            host
        })
        .collect();
    let client = Client::new(&lab);
    std::thread::scope(|scope| {
        for host in &hosts {
            scope.spawn(|| client.connect(host));
        }
    });
    let text = fs::read_to_string(&file).expect("a file");
    assert_eq!(text.lines().count(), 6, "{text}");
    assert_eq!(
        file.metadata().expect("a file").permissions().mode() & 0o777,
        0o600
    );
    // Now they are known, to a strict client as well; and OpenSSH reads the same.
    for host in &hosts {
        let mut strict = host.clone();
        strict.ssh.host_key_checking = None;
        Client::new(&lab).connect(&strict);
        let found = std::process::Command::new("ssh-keygen")
            .args(["-F", &host.address.to_string(), "-f"])
            .arg(&file)
            .output()
            .expect("runs");
        assert!(found.status.success(), "{found:?}");
    }
    assert_eq!(fs::read_to_string(&file).expect("a file"), text);
    // A key that changes after that is refused.
    let swapped = text
        .replace(&hosts[0].address.to_string(), "192.0.2.1")
        .replacen(
            &hosts[1].address.to_string(),
            &hosts[0].address.to_string(),
            1,
        );
    fs::write(&file, &swapped).expect("writes");
    let error = Client::new(&lab).refusal(&hosts[0]);
    assert!(
        matches!(error, TransportError::ChangedHostKey { .. }),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&file).expect("a file"), swapped);
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_server_with_old_algorithms_is_reported() {
    let lab = Lab::new(vec![
        HostSpec::new("h1")
            .host_keys(&["rsa"], &["rsa"])
            .sshd("HostKeyAlgorithms ssh-rsa"),
    ]);
    let _in = lab.enter();
    let text = shown(&Client::new(&lab).refusal(&host_of(&lab, "h1")));
    assert!(text.contains("no algorithm in common"), "{text}");
}

// --- keys

/// A home with the lab's host keys and without a private key.
fn other_home(lab: &Lab) -> Environment {
    let home = lab.home().join("other");
    fs::create_dir_all(home.join(".ssh")).expect("a folder");
    fs::copy(lab.known_hosts(), home.join(".ssh/known_hosts")).expect("copies");
    Environment {
        home: Some(home),
        ..lab.environment()
    }
}

fn authorize(lab: &Lab, host: &str, key: &Path) {
    let public = fs::read_to_string(key.with_extension("pub")).expect("a key");
    let file = lab.host(host).path("/root/.ssh/authorized_keys");
    let text = fs::read_to_string(&file).expect("a file");
    fs::write(file, format!("{text}{public}")).expect("writes");
}

#[test]
#[ignore = "needs root: make test-root"]
fn keys_of_every_kind() {
    let lab = Lab::plain(1);
    let _in = lab.enter();
    let environment = other_home(&lab);
    for (kind, options) in [
        ("ed25519", &[][..]),
        ("ecdsa", &["-b", "384"][..]),
        ("rsa", &["-b", "2048"][..]),
        ("rsa", &["-b", "2048", "-m", "PEM"][..]),
        ("ecdsa", &["-m", "PKCS8"][..]),
    ] {
        for passphrase in ["", PASSWORD] {
            let key = lab.dir_file(&format!("{kind}{}{}", options.concat(), passphrase.len()));
            let made = std::process::Command::new("ssh-keygen")
                .args(["-q", "-t", kind, "-N", passphrase, "-f"])
                .arg(&key)
                .args(options)
                .status();
            assert!(made.expect("runs").success());
            let public = format!("{}.pub", key.display());
            let line = fs::read_to_string(&public).expect("a key");
            fs::remove_file(&public).expect("removes");
            let file = lab.host("h1").path("/root/.ssh/authorized_keys");
            fs::write(file, line).expect("writes");
            let mut host = host_of(&lab, "h1");
            host.ssh.identity_files = vec![key.clone()];
            host.ssh.passphrase = (!passphrase.is_empty()).then(|| secret("P"));
            let client = Client::with(environment.clone(), &[("P", passphrase)]);
            client
                .try_connect(&host)
                .unwrap_or_else(|e| panic!("{}: {e}", key.display()));
            if passphrase.is_empty() {
                continue;
            }
            // Without the passphrase, and with a wrong one.
            host.ssh.passphrase = None;
            let text = shown(&client.refusal(&host));
            assert!(
                text.contains("it is encrypted, and ssh.passphrase is not set"),
                "{text}"
            );
            host.ssh.passphrase = Some(secret("P"));
            let text = shown(&Client::with(environment.clone(), &[("P", WRONG)]).refusal(&host));
            assert!(text.contains(&key.display().to_string()), "{text}");
        }
    }
}

/// One in 256 keys of ECDSA begins with a zero byte, which an mpint leaves out; of nistp521 it is one in four.
#[test]
#[ignore = "needs root: make test-root"]
fn keys_with_a_short_number() {
    let lab = Lab::plain(1);
    let _in = lab.enter();
    let environment = other_home(&lab);
    for (curve, name, size) in [
        (Nid::X9_62_PRIME256V1, "nistp256", 32),
        (Nid::SECP384R1, "nistp384", 48),
        (Nid::SECP521R1, "nistp521", 66),
    ] {
        let key = lab.dir_file(name);
        fs::write(&key, short_key(curve, size)).expect("writes");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a mode");
        let keygen = |words: &[&str]| {
            let mut command = std::process::Command::new("ssh-keygen");
            let output = command.args(words).arg("-f").arg(&key).output();
            let output = output.expect("starts ssh-keygen");
            assert!(output.status.success(), "{name}: {output:?}");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let file = lab.host("h1").path("/root/.ssh/authorized_keys");
        fs::write(file, keygen(&["-y"])).expect("writes");
        let mut host = host_of(&lab, "h1");
        host.ssh.identity_files = vec![key.clone()];
        // OpenSSH's own format: not encrypted, then encrypted.
        keygen(&["-q", "-p", "-P", "", "-N", ""]);
        Client::with(environment.clone(), &[]).connect(&host);
        keygen(&["-q", "-p", "-P", "", "-N", PASSWORD]);
        host.ssh.passphrase = Some(secret("P"));
        Client::with(environment.clone(), &[("P", PASSWORD)]).connect(&host);
        let text = shown(&Client::with(environment.clone(), &[("P", WRONG)]).refusal(&host));
        assert!(
            text.contains("ssh.passphrase does not decrypt it"),
            "{text}"
        );
    }
}

/// In PEM; its private number has a byte less than the curve's.
fn short_key(curve: Nid, size: i32) -> Vec<u8> {
    let group = EcGroup::from_curve_name(curve).expect("a curve");
    let short = std::iter::repeat_with(|| EcKey::generate(&group).expect("a key"))
        .find(|key| key.private_key().num_bits() < (size - 1) * 8)
        .expect("goes on for ever");
    short.private_key_to_pem().expect("PEM")
}

/// To decrypt a key takes a quarter of a second, and there are many hosts.
#[test]
#[ignore = "needs root: make test-root"]
fn an_encrypted_key_is_decrypted_once() {
    let lab = Lab::plain(6);
    let _in = lab.enter();
    let key = lab.dir_file("encrypted");
    keygen(&key, "ed25519", PASSWORD);
    let client = Client::with(other_home(&lab), &[("P", PASSWORD)]);
    std::thread::scope(|scope| {
        for host in &lab.hosts {
            authorize(&lab, &host.name, &key);
            let (client, key) = (&client, key.clone());
            scope.spawn(move || {
                let mut model = model_host(host);
                model.ssh.identity_files = vec![key];
                model.ssh.passphrase = Some(secret("P"));
                client.connect(&model);
            });
        }
    });
    assert_eq!(client.counters.connections(), 6);
    assert_eq!(client.counters.decryptions(), 1);
}

/// The right key is the eighth of the agent; sshd allows six attempts (MaxAuthTries, sshd_config(5)).
#[test]
#[ignore = "needs root: make test-root"]
fn the_agents_keys_are_walked() {
    let lab = Lab::new(vec![
        HostSpec::new("patient").sshd("MaxAuthTries 20"),
        HostSpec::new("usual"),
    ]);
    let _in = lab.enter();
    let agent = Agent::start(&lab.home());
    let mut keys = Vec::new();
    for n in 1..=8 {
        let key = lab.dir_file(&format!("key{n}"));
        keygen(&key, "ed25519", "");
        agent.add(&key);
        keys.push(key);
    }
    let right = &keys[7];
    for host in ["patient", "usual"] {
        authorize(&lab, host, right);
    }
    let mut environment = other_home(&lab);
    environment.auth_sock = Some(agent.socket.clone());
    let client = Client::with(environment.clone(), &[]);
    client.connect(&host_of(&lab, "patient"));
    // A server takes six by default; then the error says what to do.
    let text = shown(&client.refusal(&host_of(&lab, "usual")));
    assert!(
        text.contains("name the right one in ssh.identity_files"),
        "{text}"
    );
    // A named key goes first: the agent holds it, so its file need not be a private key, nor be readable.
    let mut host = host_of(&lab, "usual");
    host.ssh.identity_files = vec![right.with_extension("pub")];
    client.connect(&host);
    fs::remove_file(right).expect("removes");
    host.ssh.identity_files = vec![right.clone()];
    client.connect(&host);
    // An agent that is gone is named, and is no reason to stop.
    environment.auth_sock = Some("/nonexistent/agent".into());
    let client = Client::with(environment, &[]);
    let mut host = host_of(&lab, "usual");
    host.ssh.identity_files = vec![lab.key()];
    client.connect(&host);
    host.ssh.identity_files = vec![keys[0].clone()];
    let text = shown(&client.refusal(&host));
    assert!(text.contains("/nonexistent/agent"), "{text}");
    // Nor is one that says nothing.
    let socket = lab.dir_file("silent");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).expect("listens");
    let mut environment = other_home(&lab);
    environment.auth_sock = Some(socket);
    host.ssh.connect_timeout = Some(2);
    let client = Client::with(environment, &[]);
    let text = shown(&client.refusal(&host));
    assert!(text.contains("it does not answer"), "{text}");
    host.ssh.identity_files = vec![lab.key()];
    client.connect(&host);
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_refusal_names_what_was_tried() {
    let lab = Lab::new(vec![HostSpec::new("h1").sshd("PasswordAuthentication no")]);
    let _in = lab.enter();
    let mut environment = other_home(&lab);
    let mut host = host_of(&lab, "h1");
    let client = Client::with(environment.clone(), &[]);
    let text = shown(&client.refusal(&host));
    assert!(
        text.starts_with("root is not let in; tried: nothing"),
        "{text}"
    );
    assert!(text.contains("the server takes publickey"), "{text}");

    let key = lab.dir_file("key");
    keygen(&key, "ed25519", "");
    let open = lab.dir_file("open");
    keygen(&open, "ed25519", "");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).expect("a mode");
    host.ssh.identity_files = vec![
        key.clone(),
        open.clone(),
        "/nonexistent/key".into(),
        "/etc/hostname".into(),
    ];
    let text = shown(&client.refusal(&host));
    for part in [
        format!("key {} (refused)", key.display()),
        format!("key {} (others can read it", open.display()),
        "key /nonexistent/key (no such file)".to_owned(),
        "key /etc/hostname (it is not a private key)".to_owned(),
    ] {
        assert!(text.contains(&part), "{part:?} is not in {text}");
    }
    // The inventory names a secret that is not set.
    host.ssh.password = Some(secret("NOT_THERE"));
    let text = shown(&client.refusal(&host));
    assert!(
        text.contains("ssh.password") && text.contains("NOT_THERE"),
        "{text}"
    );

    environment.home = Some("/nonexistent".into());
    host.ssh = model::SshOptions {
        known_hosts: Some(lab.known_hosts()),
        identity_files: vec![lab.key()],
        ..Default::default()
    };
    Client::with(environment, &[]).connect(&host);
}

#[test]
#[ignore = "needs root: make test-root"]
fn passwords() {
    let with_password = |name: &str, sshd: &str| {
        let mut spec = HostSpec::new(name).sshd(sshd);
        spec.root_password = Some(PASSWORD.to_owned());
        spec
    };
    let lab = Lab::new(vec![
        with_password(
            "password",
            "PasswordAuthentication yes\nKbdInteractiveAuthentication no",
        ),
        with_password(
            "interactive",
            "PasswordAuthentication no\nKbdInteractiveAuthentication yes\nUsePAM yes",
        ),
        with_password("two", "AuthenticationMethods publickey,password"),
        with_password(
            "keys",
            "PasswordAuthentication no\nKbdInteractiveAuthentication no",
        ),
    ]);
    let _in = lab.enter();
    let environment = other_home(&lab);
    for (name, key, lets_in) in [
        ("password", false, true),
        ("interactive", false, true),
        ("two", true, true),
        ("two", false, false),
        ("keys", false, false),
    ] {
        let mut host = host_of(&lab, name);
        host.ssh.password = Some(secret("P"));
        host.ssh.identity_files = if key { vec![lab.key()] } else { Vec::new() };
        let client = Client::with(environment.clone(), &[("P", PASSWORD)]);
        match client.try_connect(&host) {
            Ok(_) => assert!(lets_in, "{name}"),
            Err(error) => assert!(!lets_in, "{name}: {}", shown(&error)),
        }
        let client = Client::with(environment.clone(), &[("P", WRONG)]);
        let text = shown(&client.refusal(&host));
        assert!(text.contains("password"), "{name}: {text}");
    }
    // A wrong password is given once: a lock after a few would be near.
    let tries = |name: &str| {
        lab.host(name)
            .log()
            .matches("Failed password for root")
            .count()
    };
    assert_eq!(tries("password"), 1, "{}", lab.host("password").log());
    let failed = lab
        .host("interactive")
        .log()
        .matches("Failed keyboard-interactive")
        .count()
        + lab
            .host("interactive")
            .log()
            .matches("error: PAM: Authentication failure")
            .count();
    assert!(
        (1..=2).contains(&failed),
        "{}",
        lab.host("interactive").log()
    );
}

// --- sudo

#[test]
#[ignore = "needs root: make test-root"]
fn sudo() {
    let ops = |name: &str, sudoers: &str| {
        HostSpec::new(name)
            .user("ops", Some(PASSWORD))
            .sudoers(sudoers)
    };
    let lab = Lab::new(vec![
        ops("asks", "ops ALL=(ALL) ALL"),
        ops("free", "ops ALL=(ALL) NOPASSWD: ALL"),
        ops(
            "lecture",
            "ops ALL=(ALL) ALL\nDefaults lecture=always\nDefaults !use_pty",
        ),
        ops("unlisted", ""),
        ops("limited", "ops ALL=(ALL) NOPASSWD: /usr/bin/id"),
        ops("missing", "").without("/usr/bin/sudo"),
        ops("noisy", "ops ALL=(ALL) ALL").file(
            "/home/ops/.bashrc",
            "echo Password:; echo '[sudo] password for ops:' >&2\n",
            0o644,
        ),
    ]);
    let _in = lab.enter();
    let client = |password: &str| Client::with(lab.environment(), &[("S", password)]);
    let host = |name: &str, given: bool| {
        let mut host = host_of(&lab, name);
        host.ssh.user = Some("ops".to_owned());
        host.ssh.sudo_password = given.then(|| secret("S"));
        host
    };
    let who =
        "id -un; cat; echo \"$HOME\" >/dev/null; head -c 3000000 /dev/zero | tr '\\0' x | wc -c";
    let root = "root\n3000000\n";

    for name in ["asks", "lecture", "noisy", "free"] {
        let mut shell = client(PASSWORD).connect(&host(name, true));
        assert_eq!(stdout(&mut shell, who), root, "{name}");
        // The password was never a command, nor is it anywhere in the processes.
        let seen = stdout(
            &mut shell,
            "ps axww -o args; cat /root/.bash_history 2>/dev/null || :",
        );
        assert!(!seen.contains("horse"), "{name}: {seen}");
        shell.close(LONG).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    // sudo asks nothing: with a password at hand none is sent, and without one all is well.
    let mut shell = client(WRONG).connect(&host("free", true));
    assert_eq!(stdout(&mut shell, who), root);
    let mut shell = client(PASSWORD).connect(&host("free", false));
    assert_eq!(stdout(&mut shell, who), root);
    // Not asked for: the user's own shell.
    let mut plain = host("unlisted", false);
    plain.ssh.sudo = Some(false);
    assert_eq!(stdout(&mut client("").connect(&plain), "id -un"), "ops\n");

    let started = Instant::now();
    let error = client(WRONG).refusal(&host("asks", true));
    assert!(
        matches!(error, TransportError::SudoPasswordWrong { .. }),
        "{error:?}"
    );
    shown(&error);
    assert!(started.elapsed() < LONG / 2);
    until("sudo logs the attempt", || {
        let log = lab.host("asks").sudo_log();
        log.contains("incorrect password")
    });
    let log = lab.host("asks").sudo_log().replace("\n    ", " ");
    assert!(log.contains("1 incorrect password attempt "), "{log}");
    assert_eq!(log.matches("incorrect password").count(), 1, "{log}");

    let error = client("").refusal(&host("asks", false));
    assert!(
        matches!(error, TransportError::SudoPasswordNeeded { .. }),
        "{error:?}"
    );
    for (name, part) in [
        ("unlisted", "not in the sudoers file"),
        ("limited", "not allowed to"),
    ] {
        let error = client(PASSWORD).refusal(&host(name, true));
        assert!(
            matches!(error, TransportError::SudoNotAllowed { .. }),
            "{name}: {error:?}"
        );
        assert!(shown(&error).contains(part), "{name}: {error}");
    }
    let error = client(PASSWORD).refusal(&host("missing", true));
    assert!(matches!(error, TransportError::SudoMissing), "{error:?}");
    let error = client("two\nlines").refusal(&host("asks", true));
    assert!(matches!(error, TransportError::ShellText(_)), "{error:?}");
}
