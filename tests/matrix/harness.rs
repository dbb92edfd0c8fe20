//! What the topologies ask of a cluster in a lab, beside what each test of a lab does ([`crate::cluster`]).

use std::collections::{BTreeMap, BTreeSet};

use lvsctl::lab;
use serde_json::Value;

pub(crate) use crate::cluster::{AUTH_PASS, Cluster, LONGEST_NAME, lab_name};
use crate::cluster::{Made, Ran};
use crate::topologies::Topology;

impl Cluster {
    /// A row's inventory, under a name that no other lab has, with its hosts up and bare.
    pub(crate) fn up(topology: &Topology) -> Self {
        Self::make(&Made {
            name: topology.name,
            inventory: topology.inventory,
            up: topology.up,
            before: topology.before,
        })
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

    /// What `status` shows.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let ran = self.lvsctl(&["status", "--format", "json"]).expect(0);
        serde_json::from_str(&ran.stdout).expect("a status in JSON")
    }

    /// `status` has one master for what has VIPs, and each real server in each service.
    #[track_caller]
    pub(crate) fn is_well(&self) {
        let status = self.status();
        let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let directors = all(&status["directors"]);
        let states: BTreeSet<&str> = directors
            .iter()
            .filter_map(|d| d["state"].as_str())
            .collect();
        let known = BTreeSet::from(["master", "backup"]);
        assert!(
            states.contains("master") && states.is_subset(&known),
            "{status}"
        );
        for service in all(&status["services"]) {
            assert_eq!(service["present"], true, "{service}");
            for rs in all(&service["real_servers"]) {
                let drained = rs["desired_weight"] == 0;
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

/// Lines that are in one text alone.
fn difference(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    diff.iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal)
        .map(|change| format!("{} {change}", change.tag()))
        .collect()
}
