//! A secret of each kind, with a value that stands nowhere else, is looked for in all that a run leaves: arguments and
//! environments of processes, output of each format, logs, journals, manifests, and files of every place.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::support::program::{Ran, history, of_all_hosts};
use crate::support::{HostSpec, Lab, keygen};

/// By kind: of the SSH login, of a key, of sudo, of VRRP, and VRRP's next one.
const LOGIN: &str = "cNryLogin-71cc";
const KEY: &str = "cNryKey-83aa";
const SUDO: &str = "cNrySudo-95ee";
const VRRP: &str = "cNryVr1";
const NEXT: &str = "cNryVr2";
const ALL: [&str; 5] = [LOGIN, KEY, SUDO, VRRP, NEXT];

/// All values begin so.
const MARK: &str = "cNry";

/// A file with the secret of the VRRP instance, on hosts that run no keepalived.
const ROLE: &str = "resources:
  - file: { path: /etc/canary.conf, mode: \"0600\", template: canary.tera }
";

const INVENTORY: &str = "
cluster: canary
networks: { lan: 10.77.0.0/16 }
defaults: { interface: eth0, persist: false, ssh: { user: root, connect_timeout: 30 } }
hosts:
  lb: { role: director, address: 10.77.255.250 }
  rs: { role: realserver, address: 10.77.255.251 }
  login: { role: canary, address: ADDRESS-login, ssh: { password: { env: CANARY_LOGIN } } }
  key: { role: canary, address: ADDRESS-key, ssh: { identity_files: [LABKEY], passphrase: { env: CANARY_KEY } } }
  sudo: { role: canary, address: ADDRESS-sudo, ssh: { user: ops, sudo_password: { file: sudo.secret } } }
vars: { pass: { env: CANARY_VRRP } }
vrrp: { virtual_router_id: 9, auth_pass: { env: CANARY_VRRP } }
services:
  web: { vip: 10.77.255.200, port: 80, mode: dr, scheduler: rr }
";

/// One test at a time: the ssh-keygen that makes the key of one has its passphrase in argv, which the other would find.
static ALONE: Mutex<()> = Mutex::new(());

fn lab() -> Lab {
    let logger = "#!/bin/sh\n{ echo \"$*\"; cat; } >>/var/log/journal.txt\n";
    let host = |name: &str| HostSpec::new(name).file("/usr/local/bin/logger", logger, 0o755);
    let mut login = host("login").sshd("PubkeyAuthentication no\nPasswordAuthentication yes");
    login.root_password = Some(LOGIN.to_owned());
    let lab = Lab::new(vec![
        login,
        host("key"),
        host("sudo")
            .user("ops", Some(SUDO))
            .sudoers("ops ALL=(ALL) ALL"),
    ]);
    let key = lab.dir_file("locked_key");
    keygen(&key, "ed25519", KEY);
    let public = fs::read_to_string(key.with_extension("pub")).expect("a key");
    let authorized = lab.host("key").path("/root/.ssh/authorized_keys");
    fs::write(authorized, public).expect("writes");
    let mut text = INVENTORY.replace("LABKEY", &key.display().to_string());
    for host in &lab.hosts {
        let place = format!("ADDRESS-{}", host.name);
        text = text.replace(&place, &host.address.to_string());
    }
    let secret = lab.dir_file("sudo.secret");
    fs::write(&secret, format!("{SUDO}\n")).expect("writes");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::write(lab.dir_file("inventory.yaml"), text).expect("writes");
    for (path, text) in [
        ("roles/canary.yaml", ROLE),
        (
            "templates/canary.tera",
            "auth_pass {{ cluster.vars.pass | secret }}\n",
        ),
    ] {
        let path = lab.dir_file(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("writes");
    }
    lab
}

/// On the hosts that are there.
fn command(lab: &Lab, words: &[&str]) -> Command {
    let mut command = of_all_hosts(lab, &lab.dir_file("inventory.yaml"), words);
    command.args(["--limit", "canary"]);
    command
}

/// Whether a watcher goes on. A test that fails meanwhile does not end it.
fn goes_on(end: &AtomicBool, since: Instant) -> bool {
    !end.load(Ordering::Relaxed) && since.elapsed() < Duration::from_secs(240)
}

/// Looks at all processes, again and again, until it is to end: what has a secret, and where.
fn watch(end: &AtomicBool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let since = Instant::now();
    while goes_on(end, since) {
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = entry.file_name().to_string_lossy().into_owned();
            if !pid.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            for file in ["cmdline", "environ"] {
                let Ok(bytes) = fs::read(entry.path().join(file)) else {
                    continue;
                };
                // Read afterwards: a process begins as its parent's copy.
                let program = fs::read_link(entry.path().join("exe")).ok();
                if has_mark(&bytes) && !may_have_secrets(file, program.as_deref()) {
                    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
                    let program = program.unwrap_or_default();
                    found.insert(format!("{file} of {}: {text}", program.display()));
                }
            }
        }
    }
    found
}

/// lvsctl gets some secrets by its environment. The program of a process that has ended is not known; the watcher sees
/// the longer ones.
fn may_have_secrets(file: &str, program: Option<&Path>) -> bool {
    file == "environ"
        && program.is_none_or(|program| program == Path::new(env!("CARGO_BIN_EXE_lvsctl")))
}

#[test]
fn only_lvsctl_may_have_secrets_and_only_in_its_environment() {
    let lvsctl = Path::new(env!("CARGO_BIN_EXE_lvsctl"));
    for (file, program, expected) in [
        ("environ", Some(lvsctl), true),
        ("environ", None, true),
        ("environ", Some(Path::new("/usr/bin/ssh")), false),
        ("cmdline", Some(lvsctl), false),
        ("cmdline", None, false),
    ] {
        assert_eq!(
            may_have_secrets(file, program),
            expected,
            "{file} of {program:?}"
        );
    }
}

fn has_mark(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, MARK.as_bytes()).is_some()
}

/// A run in the lab, and its words.
fn ran(lab: &Lab, mut command: Command, vrrp: &str) -> String {
    let _in = lab.enter();
    let output = command
        .env("CANARY_LOGIN", LOGIN)
        .env("CANARY_KEY", KEY)
        .env("CANARY_VRRP", vrrp)
        .env("RUST_LOG", "trace")
        .env("TMPDIR", lab.dir_file("tmp"))
        .output();
    let ran = Ran::from(output.expect("the program runs"));
    format!("status {}\n{}{}", ran.status, ran.stdout, ran.stderr)
}

/// Files below a folder that have a secret.
fn files_with_secrets(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        if meta.is_dir() {
            found.extend(files_with_secrets(&path));
        } else if meta.is_file() && fs::read(&path).is_ok_and(|bytes| has_mark(&bytes)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Each command with its formats. The second password is one more diff.
fn runs(lab: &Lab) -> Vec<(String, String)> {
    let inventory = lab.dir_file("inventory.yaml");
    let file = |name: &str| lab.dir_file(name).display().to_string();
    let plan = file("plan.json");
    let mut said = Vec::new();
    let mut go = |words: &[&str], vrrp: &str| {
        let text = ran(lab, command(lab, words), vrrp);
        said.push((
            format!("{} ({})", words.join(" "), if vrrp == VRRP { 1 } else { 2 }),
            text,
        ));
    };
    go(&["plan", "-v"], VRRP);
    go(&["plan", "--format", "json", "--out", &plan], VRRP);
    go(&["apply", "--yes", "--format", "json", "-v"], VRRP);
    go(&["plan", "-v"], NEXT);
    go(&["plan", "--format", "json"], NEXT);
    go(&["apply", "--yes", "-v"], NEXT);
    let reports = [
        "r.txt", "r.json", "r.xml", "r.sarif", "r.prom", "r.md", "r.html",
    ]
    .map(file);
    let mut verify = vec!["verify", "-v"];
    for report in &reports {
        verify.extend(["--report", report]);
    }
    go(&verify, VRRP);
    for format in [
        "json",
        "junit",
        "sarif",
        "prometheus",
        "nagios",
        "markdown",
        "html",
    ] {
        go(&["verify", "--no-traffic", "--format", format], NEXT);
    }
    go(&["status", "--format", "json"], NEXT);
    go(&["stop"], NEXT);
    go(&["start"], NEXT);
    // The plan is of the first password.
    let all = of_all_hosts(lab, &inventory, &["apply", &plan]);
    said.push(("apply FILE".to_owned(), ran(lab, all, NEXT)));
    for words in [&["check"][..], &["render", "login"]] {
        said.push((
            words.join(" "),
            ran(lab, of_all_hosts(lab, &inventory, words), NEXT),
        ));
    }
    for words in [&["-v"][..], &["--format", "json"]] {
        said.push((
            format!("history {}", words.join(" ")),
            ran(lab, history(lab, words), NEXT),
        ));
    }
    said.push((
        "destroy --yes".to_owned(),
        ran(lab, command(lab, &["destroy", "--yes"]), NEXT),
    ));
    said
}

#[test]
#[ignore = "needs root: make test-root"]
fn no_secret_is_anywhere_but_where_it_belongs() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let lab = lab();
    fs::create_dir(lab.dir_file("tmp")).expect("a folder");
    let mut modes = BTreeSet::new();
    let end = AtomicBool::new(false);
    let (said, processes) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&end));
        // The modes of the file on a host, from its first byte on.
        let host = lab.host("login");
        let file = scope.spawn(|| {
            let mut modes = BTreeSet::new();
            let since = Instant::now();
            while goes_on(&end, since) {
                for entry in fs::read_dir(host.path("/etc"))
                    .into_iter()
                    .flatten()
                    .flatten()
                {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if name.contains("canary.conf")
                        && let Ok(meta) = fs::metadata(entry.path())
                        && meta.len() > 0
                    {
                        modes.insert(meta.permissions().mode() & 0o777);
                    }
                }
            }
            modes
        });
        let said = runs(&lab);
        end.store(true, Ordering::Relaxed);
        modes.extend(file.join().expect("the modes"));
        (said, watcher.join().expect("the processes"))
    });
    for (words, text) in &said {
        let status = text.lines().next().unwrap_or_default();
        let good = match words.split(' ').next() {
            Some("plan") => "status 2",
            Some("verify" | "status" | "start" | "stop") => status,
            _ if words == "apply FILE" => "status 8",
            _ => "status 0",
        };
        assert_eq!(status, good, "{words}: {text}");
        assert!(!has_mark(text.as_bytes()), "{words}: {text}");
    }
    assert_eq!(processes, BTreeSet::new());
    assert_eq!(
        modes,
        BTreeSet::from([0o600]),
        "modes of a file with a secret"
    );
    // On this machine: what the test itself wrote.
    let home = files_with_secrets(&lab.dir_file("tmp"));
    assert_eq!(home, Vec::<PathBuf>::new());
    let home = files_with_secrets(&lab.home());
    assert_eq!(home, Vec::<PathBuf>::new());
    for name in [
        "plan.json",
        "r.txt",
        "r.json",
        "r.xml",
        "r.sarif",
        "r.prom",
        "r.md",
        "r.html",
    ] {
        let bytes = fs::read(lab.dir_file(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!has_mark(&bytes) && !bytes.is_empty(), "{name}");
    }
    // On the hosts, after `destroy`: nowhere.
    for (n, host) in lab.hosts.iter().enumerate() {
        assert_eq!(on_host(&lab, n), Vec::<PathBuf>::new(), "{}", host.name);
        let journal = host.read("/var/log/journal.txt");
        assert!(journal.contains("apply of canary by"), "{journal}");
    }
}

/// Files of a host with a secret: those of its layer of the overlay, since the machine's files are below.
fn on_host(lab: &Lab, n: usize) -> Vec<PathBuf> {
    let host = &lab.hosts[n];
    let places = [
        lab.dir_file(&format!("host{n}/upper")),
        host.path("/run"),
        host.path("/tmp"),
    ];
    places
        .iter()
        .flat_map(|place| files_with_secrets(place))
        .collect()
}

/// The test above would see one: a file on a host has the secret while the cluster stands, for root alone, and nothing
/// else has it.
#[test]
#[ignore = "needs root: make test-root"]
fn the_file_that_needs_a_secret_has_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let lab = lab();
    fs::create_dir(lab.dir_file("tmp")).expect("a folder");
    let text = ran(&lab, command(&lab, &["apply", "--yes"]), VRRP);
    assert!(text.starts_with("status 0"), "{text}");
    for (n, host) in lab.hosts.iter().enumerate() {
        let file = lab.dir_file(&format!("host{n}/upper/etc/canary.conf"));
        assert_eq!(on_host(&lab, n), [file], "{}", host.name);
        assert_eq!(host.read("/etc/canary.conf"), format!("auth_pass {VRRP}\n"));
    }
    assert!(ALL.iter().all(|secret| secret.starts_with(MARK)));
}
