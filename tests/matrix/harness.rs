//! A cluster in a lab of its own, driven by the program as a user drives it. Taken away when dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lvsctl::lab;
use serde_json::Value;

use crate::labs;
use crate::topologies::Topology;

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
    hosts: Vec<String>,
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

impl Cluster {
    /// A row's inventory, under a name that no other lab has, with its hosts up and bare.
    pub(crate) fn up(topology: &Topology) -> Self {
        let Topology {
            name,
            inventory,
            up,
            before,
            ..
        } = topology;
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
        for (from, to) in *before {
            cluster.edit(from, to);
        }
        labs::remember(&cluster.name, Some(cluster.folder.path().to_owned()));
        cluster.run(&[&["lab", "up"], *up].concat()).expect(0);
        let status = lab::status(&cluster.name).expect("the lab's status");
        cluster.hosts = status.hosts.into_iter().map(|host| host.name).collect();
        cluster
    }

    pub(crate) fn inventory(&self) -> PathBuf {
        self.folder.path().join("inventory.yaml")
    }

    /// Runs the program from outside the lab.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        let output = Command::new(PROGRAM)
            .args(words)
            .arg("-i")
            .arg(self.inventory())
            .env("LVSCTL_AUTH_PASS", AUTH_PASS)
            .output()
            .expect("the program runs");
        output.into()
    }

    /// Runs the program from inside the lab.
    pub(crate) fn lvsctl(&self, words: &[&str]) -> Ran {
        let mut all = vec!["--lab"];
        all.extend(words);
        self.run(&all)
    }

    /// Replaces the first `from` of the inventory: below the comment that it opens with, which may name the same.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.inventory()).expect("the inventory");
        let comment: usize = text
            .split_inclusive('\n')
            .take_while(|line| line.starts_with('#'))
            .map(str::len)
            .sum();
        let (comment, body) = text.split_at(comment);
        assert!(body.contains(from), "no {from:?} in\n{text}");
        let edited = format!("{comment}{}", body.replacen(from, to, 1));
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

    pub(crate) fn snapshots(&self) -> BTreeMap<String, String> {
        let script = include_str!("snapshot.sh");
        std::thread::scope(|scope| {
            let of = |host: &'_ String| (host.clone(), self.on(host, script));
            let taken: Vec<_> = self
                .hosts
                .iter()
                .map(|host| scope.spawn(move || of(host)))
                .collect();
            let taken = taken.into_iter().map(|one| one.join().expect("a snapshot"));
            taken.collect()
        })
    }

    pub(crate) fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// `status` has one master for what has VIPs, and each real server in each service.
    #[track_caller]
    pub(crate) fn is_well(&self) {
        let ran = self.lvsctl(&["status", "--format", "json"]).expect(0);
        let status: Value = serde_json::from_str(&ran.stdout).expect("a status in JSON");
        let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let directors = all(&status["directors"]);
        let states: BTreeSet<&str> = directors
            .iter()
            .filter_map(|d| d["state"].as_str())
            .collect();
        let known = BTreeSet::from(["master", "backup"]);
        assert!(
            states.contains("master") && states.is_subset(&known),
            "{}",
            ran.stdout
        );
        for service in all(&status["services"]) {
            assert_eq!(service["present"], true, "{service}");
            for rs in all(&service["real_servers"]) {
                let drained = rs["wanted_weight"] == 0;
                assert_eq!(rs["state"], if drained { "drained" } else { "up" }, "{rs}");
            }
        }
    }

    /// Nothing of what lvsctl may touch has changed.
    #[track_caller]
    pub(crate) fn unchanged(&self, before: &BTreeMap<String, String>) {
        let now = self.snapshots();
        for (host, before) in before {
            assert!(
                before == &now[host],
                "{host} changed:\n{}",
                difference(before, &now[host])
            );
        }
    }

    /// Restarts what configures each host's interfaces, as an update of its package does.
    pub(crate) fn restart_networks(&self) {
        for host in &self.hosts {
            self.on(
                host,
                "systemctl restart systemd-networkd && /lib/systemd/systemd-networkd-wait-online --timeout=60",
            );
        }
    }

    pub(crate) fn reboot(&self) {
        let before = lab::boot_ids(&self.name, &[]).expect("boot ids");
        for host in &self.hosts {
            // The connection may be cut before the command has ended.
            let _ = lab::output(&self.name, host, &["systemctl", "reboot"]);
        }
        lab::wait_rebooted(&self.name, &before, REBOOT).expect("all hosts came back");
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

    /// After a reboot: everything has started, and health checkers have come round.
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
    pub(crate) fn becomes(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let mut looks = 0;
        while !holds() {
            looks += 1;
            assert!(looks < LOOKS, "expected within {LOOKS} looks: {what}");
            std::thread::sleep(PAUSE);
        }
    }

    /// Whether shell text succeeds on a host.
    pub(crate) fn succeeds(&self, host: &str, script: &str) -> bool {
        let output = lab::output(&self.name, host, &["sh", "-c", script]);
        output.expect("ssh runs").status.success()
    }

    /// The answer to one request of a client.
    #[track_caller]
    pub(crate) fn ask(&self, client: &str, url: &str) -> String {
        self.on(client, &format!("curl -gskSf -m 5 '{url}'"))
            .trim()
            .to_owned()
    }

    /// The answer, or nothing where there is none.
    pub(crate) fn try_ask(&self, client: &str, url: &str) -> String {
        self.on(client, &format!("curl -gsk -m 2 '{url}' || :"))
            .trim()
            .to_owned()
    }

    /// Who answers so many requests, one after another.
    #[track_caller]
    pub(crate) fn picks(&self, client: &str, url: &str, count: usize) -> Vec<String> {
        let script = format!(
            "n=0; while [ $n -lt {count} ]; do curl -gskSf -m 5 '{url}' || exit 1; n=$((n + 1)); done"
        );
        self.on(client, &script)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// The first line that a TCP server says.
    #[track_caller]
    pub(crate) fn tcp(&self, client: &str, address: &str, port: u16) -> String {
        let script = format!("timeout 5 bash -c 'head -n 1 </dev/tcp/{address}/{port}'");
        self.on(client, &script).trim().to_owned()
    }

    /// The answer to one datagram.
    #[track_caller]
    pub(crate) fn udp(&self, client: &str, address: &str, port: u16) -> String {
        let script = format!(
            "timeout 5 bash -c 'exec 3<>/dev/udp/{address}/{port}; echo who >&3; head -n 1 <&3'"
        );
        self.on(client, &script).trim().to_owned()
    }

    /// One edit: `plan` shows just that, and `apply` does just that.
    #[track_caller]
    pub(crate) fn edited(&self, from: &str, to: &str, changes: &[impl AsRef<str>]) {
        self.edited_beside(None, from, to, changes);
    }

    /// The same, where one host may be changed in any way.
    #[track_caller]
    pub(crate) fn edited_beside(
        &self,
        beside: Option<&str>,
        from: &str,
        to: &str,
        changes: &[impl AsRef<str>],
    ) {
        let changes: Vec<&str> = changes.iter().map(AsRef::as_ref).collect();
        self.edit(from, to);
        let mut planned = self.planned();
        if let Some(host) = beside {
            let all = planned.len();
            planned.retain(|change| change.split(' ').next() != Some(host));
            assert!(planned.len() < all, "nothing to do on {host}");
        }
        assert_eq!(planned, changes, "{from:?} to {to:?}");
        self.lvsctl(&["apply", "--yes"]).expect(0);
        assert_eq!(self.planned(), [""; 0]);
    }

    /// Takes all away: what is left is what packages brought.
    pub(crate) fn destroy(&self, bare: &BTreeMap<String, String>) {
        self.lvsctl(&["destroy", "--yes"]).expect(0);
        let now = self.snapshots();
        for (host, bare) in bare {
            let all = difference(bare, &now[host]);
            let known = self.files_of_packages(host, &all);
            let left: Vec<&str> = all
                .lines()
                .filter(|line| !is_of_a_package(line, &known))
                // A package's unit may have run, or have been stopped, since the host was bare.
                .filter(|line| !line.contains(" ran since "))
                // A module stays loaded, and brings its parameters.
                .filter(|line| {
                    !OF_MODULES
                        .iter()
                        .any(|of| line.contains(of) && !bare.contains(of))
                })
                .collect();
            assert!(
                left.is_empty(),
                "{host} is not as it was:\n{}",
                left.join("\n")
            );
        }
    }

    /// Those of the files in a difference that dpkg knows.
    fn files_of_packages(&self, host: &str, difference: &str) -> BTreeSet<String> {
        let paths: BTreeSet<&str> = difference.lines().filter_map(path).collect();
        if paths.is_empty() {
            return BTreeSet::new();
        }
        let words = ["dpkg", "-S"].into_iter().chain(paths).collect::<Vec<_>>();
        // It fails where it does not know one of them.
        let known = Ran::from(lab::output(&self.name, host, &words).expect("ssh runs"));
        let lines = known
            .stdout
            .lines()
            .filter_map(|line| line.split_once(": "));
        lines.map(|(_, path)| path.to_owned()).collect()
    }
}

/// The file that a line of a snapshot is about.
fn path(line: &str) -> Option<&str> {
    line.split_whitespace().find(|word| word.starts_with('/'))
}

/// What packages' own scripts make.
const MADE: &[&str] = &[
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/subuid",
    "/etc/subgid",
    // Debian 13's ipvsadm enables its unit, and keepalived 2.3 names its protocol for ip(8) when it starts.
    "/etc/systemd/system/multi-user.target.wants/ipvsadm.service",
    "/etc/iproute2/rt_addrprotos.d/keepalived.conf",
    "/etc/ld.so.cache",
    "/etc/mailcap",
    "/etc/rc",
    "/etc/alternatives/",
    "/etc/ssl/",
    "/etc/ca-certificates",
    "/etc/.pwd.lock",
    "/etc/nginx/modules-enabled/",
    "/etc/nginx/sites-enabled/default",
    "/etc/apparmor.d/local/",
    "/run/adduser",
    "/etc/default/nfs-",
    "/etc/exports",
    "/etc/idmapd.conf",
    "/etc/inputrc",
    "/etc/nfs.conf",
    "/etc/python3/",
    "/etc/systemd/system/nfs-client.target.wants/",
    "/etc/systemd/system/remote-fs.target.wants/",
    "/etc/systemd/system/sockets.target.wants/",
    "/run/mount/",
    "/run/rpcbind",
    "/etc/systemd/system/multi-user.target.wants/nfs-client.target",
    "/etc/systemd/system/multi-user.target.wants/nfs-server.service",
    "/etc/systemd/system/multi-user.target.wants/rpcbind.service",
    "/etc/systemd/system/sysinit.target.wants/",
    "/var/www/html/index.nginx-debian.html",
    "/etc/perl",
    "/etc/dbus-1",
    "/run/nginx",
    "/run/keepalived",
];

/// Parameters that come with a module.
const OF_MODULES: &[&str] = &[" net.ipv4.vs.", ".conf.tunl0."];

/// Whether a line of a difference is about a file that a package brought, or that its scripts made.
fn is_of_a_package(line: &str, known: &BTreeSet<String>) -> bool {
    path(line).is_some_and(|path| {
        let made = MADE.iter().any(|prefix| path.starts_with(prefix));
        !line.contains("lvsctl") && (made || known.contains(path))
    })
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::env::var_os("LVSCTL_KEEP_LAB").is_none() {
            let _ = lab::down(&self.name);
        }
    }
}

/// Lines that are in one text alone.
fn difference(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    diff.iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal)
        .map(|change| format!("{} {change}", change.tag()))
        .collect()
}
