//! The program itself, run against the hosts of a [`super::Lab`], and what it may have changed on them.

use std::path::Path;
use std::process::{Command, Output};

use super::{Lab, TestHost, inventory};

pub(crate) struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

pub(crate) fn lvsctl(lab: &Lab, words: &[&str]) -> Ran {
    let inventory = inventory::write(lab);
    run(lab, &inventory, words)
}

pub(crate) fn run(lab: &Lab, inventory: &Path, words: &[&str]) -> Ran {
    let _in = lab.enter();
    let output = command(lab, inventory, words).output();
    output.expect("the program runs").into()
}

/// The program, to be started in the lab's network.
pub(crate) fn command(lab: &Lab, inventory: &Path, words: &[&str]) -> Command {
    let mut command = of_all_hosts(lab, inventory, words);
    command.args(["--limit", "realserver"]);
    command
}

/// The same without `--limit`.
pub(crate) fn of_all_hosts(lab: &Lab, inventory: &Path, words: &[&str]) -> Command {
    let mut command = at_home(lab);
    command.args(words).arg("-i").arg(inventory);
    command
}

/// `lvsctl history` of the runs in the lab.
pub(crate) fn history(lab: &Lab, words: &[&str]) -> Command {
    let mut command = at_home(lab);
    command.arg("history").args(words);
    command
}

/// The program with the lab's home, where it also keeps its run history.
fn at_home(lab: &Lab) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvsctl"));
    command
        .env("HOME", lab.home())
        .env_remove("XDG_STATE_HOME")
        .env_remove("SSH_AUTH_SOCK");
    command
}

/// What a host holds of all that the program may touch.
pub(crate) fn state(host: &TestHost) -> String {
    let script = "ip -o -4 addr show | sed 's/ *valid_lft.*//'; ip -4 route show table all; grep -H '' /proc/sys/net/ipv4/conf/*/arp_*; \
                  find /etc /var/lib/lvsctl /run/lvsctl* /usr/local/sbin -newer /etc/hostname -type f 2>/dev/null | xargs -r sha256sum";
    String::from_utf8_lossy(&host.sh(script).stdout).into_owned()
}

#[track_caller]
pub(crate) fn same(before: &str, after: &str, what: &str) {
    let diff = similar::TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(0).to_string();
    assert!(text.is_empty(), "{what}:\n{text}");
}
