//! A cluster in a separate lab, driven by the program as a user drives it. Taken away when dropped.
//! What one kind of test asks of it belongs in the folder of that test.

#![allow(dead_code)] // Each test program uses a part of this.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lvsctl::lab;
use serde_json::Value;

use crate::labs;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_lvsctl");

/// How long a host may take to come back.
const REBOOT: Duration = Duration::from_secs(240);

/// How often a condition is looked at before it is given up. Looks are counted and not seconds: on a loaded machine each
/// takes longer, as does what is waited for.
const LOOKS: usize = 300;
const PAUSE: Duration = Duration::from_millis(200);

static COUNT: AtomicUsize = AtomicUsize::new(0);

pub(crate) struct Cluster {
    pub name: String,
    folder: tempfile::TempDir,
    pub hosts: Vec<String>,
}

/// What a lab is made of.
pub(crate) struct Made<'m> {
    /// The row's or the group's, from which the cluster gets its name.
    pub name: &'m str,
    /// A shipped inventory, by its file's name.
    pub inventory: &'m str,
    /// Arguments for `lvsctl lab up`, beside the inventory.
    pub up: &'m [&'m str],
    /// Edits (from, to) of the inventory before its hosts come up.
    pub before: &'m [(&'m str, &'m str)],
}

/// What a run of the program printed and said.
pub(crate) struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "expected {text:?} in\n{}\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
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

/// Characters that keepalived's parser acts on outside quotes.
pub(crate) const AUTH_PASS: &str = "a}{#!'~%";

/// The longest name of a cluster.
pub(crate) const LONGEST_NAME: usize = 32;

/// A name that no other lab has: the row's, cut where the whole would be too long for a cluster.
pub(crate) fn lab_name(row: &str, pid: u32, number: usize) -> String {
    let unique = format!("-test-{pid}-{number}");
    let room = LONGEST_NAME - unique.len();
    let row = row.get(..room).unwrap_or(row).trim_end_matches('-');
    format!("{row}{unique}")
}

/// An inventory with its first `from` replaced: below the comment that it opens with, which may name the same. None: it has
/// no such text.
pub(crate) fn below_comment(text: &str, from: &str, to: &str) -> Option<String> {
    let comment: usize = text
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('#'))
        .map(str::len)
        .sum();
    let (comment, body) = text.split_at(comment);
    let edited = || format!("{comment}{}", body.replacen(from, to, 1));
    body.contains(from).then(edited)
}

impl Cluster {
    /// A shipped inventory, under a name that no other lab has, with its hosts up and bare.
    pub(crate) fn make(made: &Made) -> Self {
        let Made {
            name,
            inventory,
            up,
            before,
        } = *made;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = lab_name(name, std::process::id(), number);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shipped = format!(
            "{}/inventories/{inventory}.yaml",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(&shipped).expect("a shipped inventory");
        let text = text.replacen(
            &format!("cluster: {inventory}"),
            &format!("cluster: {name}"),
            1,
        );
        std::fs::write(folder.path().join("inventory.yaml"), text)
            .expect("a copy of the inventory");
        let mut cluster = Self {
            name,
            folder,
            hosts: Vec::new(),
        };
        for (from, to) in before {
            cluster.edit(from, to);
        }
        labs::remember(&cluster.name, Some(cluster.folder.path().to_owned()));
        cluster.run(&[&["lab", "up"], up].concat()).expect(0);
        let status = lab::status(&cluster.name).expect("the lab's status");
        cluster.hosts = status.hosts.into_iter().map(|host| host.name).collect();
        cluster
    }

    pub(crate) fn inventory(&self) -> PathBuf {
        self.folder.path().join("inventory.yaml")
    }

    /// Runs the program from outside the lab.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.run_with(&self.inventory(), words)
    }

    /// The same, with another inventory.
    pub(crate) fn run_with(&self, inventory: &Path, words: &[&str]) -> Ran {
        let output = self.command(inventory, words).output();
        output.expect("the program runs").into()
    }

    /// The program, to be started. Its run history goes into the cluster's folder, not into the developer's.
    pub(crate) fn command(&self, inventory: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(words)
            .arg("-i")
            .arg(inventory)
            .env("LVSCTL_AUTH_PASS", AUTH_PASS)
            .env("XDG_STATE_HOME", self.folder.path());
        command
    }

    /// Runs the program from inside the lab.
    pub(crate) fn lvsctl(&self, words: &[&str]) -> Ran {
        let mut all = vec!["--lab"];
        all.extend(words);
        self.run(&all)
    }

    /// Replaces the first `from` of the inventory.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.inventory()).expect("the inventory");
        let edited = below_comment(&text, from, to);
        let edited = edited.unwrap_or_else(|| panic!("no {from:?} in\n{text}"));
        std::fs::write(self.inventory(), edited).expect("the inventory");
    }

    /// Runs shell text on a host.
    #[track_caller]
    pub(crate) fn on(&self, host: &str, script: &str) -> String {
        let output = lab::output(&self.name, host, &["sh", "-c", script]).expect("ssh runs");
        let ran = Ran::from(output);
        assert_eq!(
            ran.status, 0,
            "{host}: {script}\n{}\n{}",
            ran.stdout, ran.stderr
        );
        ran.stdout
    }

    pub(crate) fn hosts(&self) -> usize {
        self.hosts.len()
    }

    pub(crate) fn reboot(&self) {
        let all: Vec<&str> = self.hosts.iter().map(String::as_str).collect();
        self.reboot_these(&all);
    }

    pub(crate) fn reboot_these(&self, hosts: &[&str]) {
        let before = lab::boot_ids(&self.name, hosts).expect("boot ids");
        for host in hosts {
            // The connection may be cut before the command has ended.
            let _ = lab::output(&self.name, host, &["systemctl", "reboot"]);
        }
        lab::wait_rebooted(&self.name, &before, REBOOT).expect("the hosts came back");
    }

    /// What `plan` would change: `host kind key` for each change.
    #[track_caller]
    pub(crate) fn planned(&self) -> Vec<String> {
        let ran = self.lvsctl(&["plan", "--format", "json"]);
        assert!(
            matches!(ran.status, 0 | 2),
            "{}\n{}",
            ran.stdout,
            ran.stderr
        );
        let plan: Value = serde_json::from_str(&ran.stdout).expect("a plan in JSON");
        let mut all = Vec::new();
        for host in plan["hosts"].as_array().expect("hosts") {
            for change in host["changes"].as_array().expect("changes") {
                let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                all.push(format!(
                    "{} {} {}",
                    word(&host["host"]),
                    word(&change["kind"]),
                    word(&change["key"])
                ));
            }
        }
        all.sort();
        all
    }

    /// After a reboot: waits until all units have started, and health checkers have taken real servers back.
    #[track_caller]
    pub(crate) fn settles(&self) {
        let (mut last, mut same) = (Vec::new(), 0);
        loop {
            let left = self.planned();
            if left.is_empty() {
                return;
            }
            same = if left == last { same + 1 } else { 0 };
            assert!(same < 30, "left to do after the reboot: {left:#?}");
            last = left;
            std::thread::sleep(PAUSE);
        }
    }

    /// Awaits a condition.
    #[track_caller]
    pub(crate) fn becomes(&self, what: &str, holds: impl FnMut() -> bool) {
        assert!(
            self.comes_to(LOOKS, holds),
            "expected within {LOOKS} looks: {what}"
        );
    }

    /// Whether a condition holds at one of so many looks.
    pub(crate) fn comes_to(&self, looks: usize, mut holds: impl FnMut() -> bool) -> bool {
        for _ in 1..looks {
            if holds() {
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        holds()
    }

    /// Whether shell text succeeds on a host.
    pub(crate) fn succeeds(&self, host: &str, script: &str) -> bool {
        let output = lab::output(&self.name, host, &["sh", "-c", script]);
        output.expect("ssh runs").status.success()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::env::var_os("LVSCTL_KEEP_LAB").is_none() {
            let _ = lab::down(&self.name);
        }
    }
}
