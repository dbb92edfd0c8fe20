//! One host of several that cannot be worked on: the program says which and how to fix it, and changes nothing
//! anywhere.

use std::fs;
use std::path::PathBuf;

use crate::support::program::{Ran, command, same, state};
use crate::support::{HostSpec, Lab, keygen};

const PASSWORD: &str = "correct horse";
const WRONG: &str = "wrong horse";

struct Case {
    what: &'static str,
    h2: fn() -> HostSpec,
    /// Done when the hosts are up.
    then: fn(&Lab),
    /// What h2 alone has in the inventory.
    own: &'static str,
    /// Words of the message.
    says: &'static [&'static str],
}

fn nothing(_: &Lab) {}

fn another_key(lab: &Lab) {
    let other = lab.dir_file("other");
    keygen(&other, "ed25519", "");
    let other = fs::read_to_string(other.with_extension("pub")).expect("a key");
    let address = lab.host("h2").address.to_string();
    let known = fs::read_to_string(lab.known_hosts()).expect("known hosts");
    let lines = known.lines().map(|line| {
        if line.starts_with(&address) {
            format!("{address} {}", other.trim())
        } else {
            line.to_owned()
        }
    });
    let text: Vec<String> = lines.collect();
    fs::write(lab.known_hosts(), text.join("\n") + "\n").expect("known hosts");
}

fn plain() -> HostSpec {
    HostSpec::new("h2")
}

const CASES: &[Case] = &[
    Case {
        what: "a changed host key",
        h2: plain,
        then: another_key,
        own: "",
        says: &["host key", "known_hosts", "SHA256:"],
    },
    Case {
        what: "a refused key",
        h2: || HostSpec::new("h2").file("/root/.ssh/authorized_keys", "", 0o600),
        then: nothing,
        own: "",
        says: &["root is not let in", "ssh.identity_files"],
    },
    Case {
        what: "a wrong sudo password",
        h2: || {
            HostSpec::new("h2")
                .user("admin", Some(PASSWORD))
                .sudoers("admin ALL=(ALL) ALL")
        },
        then: nothing,
        own: ", ssh: { user: admin, sudo_password: { env: SUDO_PASSWORD } }",
        says: &["sudo", "password"],
    },
    Case {
        what: "a host without iproute2",
        h2: || {
            HostSpec::new("h2")
                .without("/usr/sbin/ip")
                .without("/usr/bin/ip")
        },
        then: nothing,
        own: "",
        says: &["iproute2"],
    },
    Case {
        what: "an unreachable host",
        h2: plain,
        then: |lab| lab.host("h2").unplug(),
        own: ", ssh: { connect_timeout: 2 }",
        says: &["cannot reach the host"],
    },
];

fn inventory(lab: &Lab, own: &str) -> PathBuf {
    let path = crate::support::inventory::write(lab);
    let text = fs::read_to_string(&path).expect("the inventory");
    let address = lab.host("h2").address;
    let line = format!("address: {address} }}");
    assert!(text.contains(&line), "{text}");
    fs::write(
        &path,
        text.replace(&line, &format!("address: {address}{own} }}")),
    )
    .expect("the inventory");
    path
}

fn run(lab: &Lab, inventory: &std::path::Path, words: &[&str]) -> Ran {
    let _in = lab.enter();
    let mut command = command(lab, inventory, words);
    command.env("SUDO_PASSWORD", WRONG);
    command.output().expect("the program runs").into()
}

#[test]
#[ignore = "needs root: make test-root"]
fn one_bad_host_leaves_all_untouched() {
    for case in CASES {
        let lab = Lab::new(vec![HostSpec::new("h1"), (case.h2)()]);
        (case.then)(&lab);
        let inventory = inventory(&lab, case.own);
        let before: Vec<String> = lab.hosts.iter().map(state).collect();
        for words in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
            let ran = run(&lab, &inventory, words);
            let (out, err) = (&ran.stdout, &ran.stderr);
            assert_eq!(ran.status, 5, "{}, {words:?}: {out}{err}", case.what);
            let line = err.lines().find(|line| line.starts_with("h2: "));
            assert!(line.is_some(), "{}: {err}", case.what);
            for word in case.says {
                assert!(err.contains(word), "{}: no {word:?} in {err}", case.what);
            }
            assert!(!err.contains("h1: "), "{}: {err}", case.what);
            assert!(
                err.contains("nothing was changed on any host"),
                "{}: {err}",
                case.what
            );
            assert!(
                !format!("{out}{err}").contains(WRONG),
                "{}: {err}",
                case.what
            );
        }
        for (host, before) in lab.hosts.iter().zip(&before) {
            same(before, &state(host), case.what);
        }
        let verified = run(&lab, &inventory, &["verify", "--no-traffic"]);
        assert_eq!(
            verified.status, 3,
            "{}: {}{}",
            case.what, verified.stdout, verified.stderr
        );
        let reported = verified.stdout.lines().any(|line| line.contains("h2"));
        assert!(reported, "{}: {}", case.what, verified.stdout);
    }
}

/// Accounts are locked after a few wrong passwords: each run asks once.
#[test]
#[ignore = "needs root: make test-root"]
fn sudo_is_asked_once() {
    let case = CASES
        .iter()
        .find(|c| c.what.contains("sudo"))
        .expect("a case");
    let lab = Lab::new(vec![HostSpec::new("h1"), (case.h2)()]);
    let inventory = inventory(&lab, case.own);
    run(&lab, &inventory, &["apply", "--yes"]);
    let log = || lab.host("h2").sudo_log().replace("\n    ", " ");
    crate::support::until("sudo has logged", || log().contains("incorrect password"));
    assert_eq!(log().matches("incorrect password").count(), 1, "{}", log());
    assert!(log().contains("1 incorrect password attempt "), "{}", log());
}
