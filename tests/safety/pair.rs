//! The cluster of these tests: two directors under keepalived, two real servers, spare hosts, and a client with several
//! addresses that sends requests at a steady rate.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::cluster::{Cluster, Made, Ran};
use crate::edits::Edit;

pub(crate) const CLIENT: &str = "  client: {";

/// Hosts that are neither real server nor director yet.
pub(crate) const SPARE: &str = "  rs3: { role: client, address: 192.168.100.16 }\n  lb3: { role: client, address: 192.168.100.17 }\n  client: {";

/// Of the requests: the VIP, its port, requests a second, source ports of each address, seconds until one is lost.
const REQUESTS: &str = "192.168.100.200 80 100 20 3";

/// The client's further addresses end in these.
const ADDRESSES: std::ops::Range<u8> = 101..109;

/// How long requests go on after a change: what it breaks may show with the next health check.
const AFTERWARDS: Duration = Duration::from_secs(8);

/// How often the lock of a host is waited for whose connection was cut, and how long each time.
const WAITS: usize = 60;
const PAUSE: Duration = Duration::from_secs(2);

/// Names of all packages of a host.
const PACKAGES: &str = "dpkg-query -W -f '${Package}\\n' | sort";

/// Temporary names of lvsctl, what a guard or a lock leaves, and packages that are not whole. NAME is the cluster's.
const STRAYS: &str = "find /etc /root /run /srv /usr/local /var/lib /var/www -name '*.lvsctl-new' -o -path '*/lvsctl/*.new' -o -name '*%new' 2>/dev/null
ls -d /run/lvsctl-NAME.lock /run/lvsctl-drill-* /var/lib/lvsctl/guard /tmp/tmp.* /var/tmp/tmp.* 2>/dev/null
dpkg --audit
:";

pub(crate) struct Pair {
    pub cluster: Cluster,
    /// Hosts by the hardware addresses of their interfaces.
    pub macs: BTreeMap<String, String>,
}

/// What came of the requests.
#[derive(Debug, Default)]
pub(crate) struct Load {
    pub sent: u64,
    pub lost: u64,
    /// In seconds.
    pub gap: f64,
    pub whole: String,
}

impl Load {
    pub(crate) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.lost += other.lost;
        self.gap = self.gap.max(other.gap);
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            sent, lost, gap, ..
        } = self;
        write!(f, "{sent} sent, {lost} lost, longest gap {gap:.2} s")
    }
}

impl Pair {
    pub(crate) fn up() -> Self {
        let cluster = Cluster::make(&Made {
            name: "safety",
            inventory: "dr-keepalived",
            up: &[],
            before: &[(CLIENT, SPARE)],
        });
        let mut macs = BTreeMap::new();
        for host in &cluster.hosts {
            let script = format!("{PACKAGES} >/root/packages; cat /sys/class/net/eth0/address");
            let mac = cluster.on(host, &script);
            macs.insert(mac.trim().to_lowercase(), host.clone());
        }
        cluster.lvsctl(&["apply", "--yes"]).expect(0);
        let pair = Self { cluster, macs };
        pair.add_addresses();
        let program = include_str!("load.pl");
        let script = format!("cat >/root/load.pl <<'END'\n{program}END\n");
        pair.cluster.on("client", &script);
        write_password(&pair.cluster.inventory().with_file_name("password"));
        pair
    }

    /// Gives the client its further addresses, which it loses when it reboots.
    pub(crate) fn add_addresses(&self) {
        let lines = ADDRESSES
            .map(|last| format!("ip addr replace 192.168.100.{last}/24 dev eth0\n"))
            .collect::<String>();
        self.cluster.on("client", &lines);
    }

    pub(crate) fn edit(&self, edit: &Edit) {
        self.cluster.edit(edit.from, edit.to);
    }

    /// Takes all away that lvsctl made, and the packages that came with it.
    pub(crate) fn make_bare(&self) {
        self.cluster.lvsctl(&["destroy", "--yes"]).expect(0);
        self.on_all(&format!(
            "{PACKAGES} >/root/packages.now; new=$(comm -13 /root/packages /root/packages.now); \
             if [ -n \"$new\" ]; then dpkg --purge $new >/root/purged 2>&1 || {{ cat /root/purged; exit 1; }}; fi; \
             rm -rf /etc/keepalived /var/www"
        ));
    }

    /// What shell text prints on each host that prints something.
    fn on_all(&self, script: &str) -> BTreeMap<String, String> {
        std::thread::scope(|scope| {
            let hosts = self.cluster.hosts.iter();
            let asked: Vec<_> = hosts
                .map(|host| (host, scope.spawn(|| self.cluster.on(host, script))))
                .collect();
            let answers = asked
                .into_iter()
                .map(|(host, asked)| (host.clone(), asked.join().expect("its answer")));
            answers.filter(|(_, said)| !said.is_empty()).collect()
        })
    }

    /// What runs left on hosts and must not.
    pub(crate) fn strays(&self) -> String {
        let script = STRAYS.replace("NAME", &self.cluster.name);
        let found = self.on_all(&script).into_iter();
        found
            .map(|(host, files)| format!("{host}:\n{files}"))
            .collect()
    }

    /// Requests before, during and after some work.
    pub(crate) fn under_load<T>(&self, work: impl FnOnce() -> T) -> (Load, T) {
        let from: Vec<String> = ADDRESSES
            .map(|last| format!("192.168.100.{last}"))
            .collect();
        let from = from.join(" ");
        self.cluster.on(
            "client",
            &format!(
                "rm -f /root/load.stop /root/load.stop.begun /root/load.out; setsid perl /root/load.pl {REQUESTS} /root/load.stop {from} \
                 </dev/null >/root/load.out 2>&1 &"
            ),
        );
        self.cluster.becomes("requests are answered", || {
            self.cluster
                .succeeds("client", "[ -e /root/load.stop.begun ]")
        });
        let done = work();
        std::thread::sleep(AFTERWARDS);
        self.cluster.on("client", "touch /root/load.stop");
        self.cluster.becomes("the requests end", || {
            self.cluster.succeeds("client", "grep -q . /root/load.out")
        });
        let whole = self.cluster.on("client", "cat /root/load.out");
        (read(&whole), done)
    }

    pub(crate) fn apply(&self) -> Ran {
        self.cluster.lvsctl(&["apply", "--yes"])
    }

    /// A plain run that ends well, and how often it was repeated: a host whose connection was cut ends its step first, and
    /// refuses another run until then.
    pub(crate) fn converge(&self) -> Result<usize, String> {
        let mut waits = 0;
        loop {
            let ran = self.apply();
            if ran.status == 0 {
                return Ok(waits);
            }
            let locked = ran.status == 5 && ran.stderr.contains("holds the lock");
            if !locked || waits == WAITS {
                return Err(format!(
                    "the next run ended with {}:\n{}\n{}",
                    ran.status, ran.stdout, ran.stderr
                ));
            }
            waits += 1;
            std::thread::sleep(PAUSE);
        }
    }

    /// Starts a run with another inventory and further flags, and does not wait for it.
    pub(crate) fn start(
        &self,
        inventory: &Path,
        flags: &[&str],
        stdout: Stdio,
        stderr: Stdio,
    ) -> Child {
        self.cluster
            .command(inventory, &["--lab", "apply", "--yes"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .expect("the program runs")
    }

    /// Err: what `plan` or `verify` still has.
    pub(crate) fn is_clean(&self) -> Result<(), String> {
        let left = self.cluster.planned();
        if !left.is_empty() {
            return Err(format!("left to do: {left:?}"));
        }
        self.verified()
    }

    /// Err: what `verify` finds. What `plan` would change is one of its findings.
    pub(crate) fn verified(&self) -> Result<(), String> {
        let verified = self.cluster.lvsctl(&["verify"]);
        if verified.status == 0 {
            Ok(())
        } else {
            Err(format!(
                "not clean:\n{}\n{}",
                verified.stdout, verified.stderr
            ))
        }
    }
}

/// Another password than that of the environment, for the edit of this name.
pub(crate) fn write_password(path: &Path) {
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = created.expect("a file for another password");
    file.write_all(b"an0ther\n").expect("another password");
}

/// `sent N answered N lost N gap SECONDS seconds SECONDS`, then a line for each loss.
fn read(text: &str) -> Load {
    let words: Vec<&str> = text.split_whitespace().collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| *word == name);
        at.and_then(|at| words.get(at + 1)?.parse::<f64>().ok())
            .unwrap_or_else(|| panic!("no {name} in {text}"))
    };
    Load {
        sent: value("sent") as u64,
        lost: value("lost") as u64,
        gap: value("gap"),
        whole: text.to_owned(),
    }
}
