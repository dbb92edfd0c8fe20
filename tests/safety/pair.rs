//! The cluster of these tests: two directors under keepalived, two real servers, spare hosts, and a client with several
//! addresses that sends requests at a steady rate.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::cluster::{Cluster, Made, Ran};
use crate::edits::Edit;

const CLIENT: &str = "  client: {";

/// Hosts that are neither real server nor director yet.
const SPARE: &str = "  rs3: { role: client, address: 192.168.100.16 }\n  lb3: { role: client, address: 192.168.100.17 }\n  client: {";

/// Of the requests: the VIP, its port, requests a second, source ports of each address, seconds until one is lost.
const REQUESTS: &str = "192.168.100.200 80 100 20 3";

/// The client's further addresses end in these.
const ADDRESSES: std::ops::Range<u8> = 101..109;

/// How long requests go on after a change: what it breaks may show with the next health check.
const AFTERWARDS: Duration = Duration::from_secs(8);

pub(crate) struct Pair {
    pub cluster: Cluster,
}

/// What came of the requests.
#[derive(Debug)]
pub(crate) struct Load {
    pub sent: u64,
    pub lost: u64,
    /// In seconds.
    pub gap: f64,
    pub whole: String,
}

impl Pair {
    pub(crate) fn up() -> Self {
        let cluster = Cluster::make(&Made {
            name: "safety",
            inventory: "dr-keepalived",
            up: &[],
            before: &[(CLIENT, SPARE)],
        });
        cluster.lvsctl(&["apply", "--yes"]).expect(0);
        let mut script = String::new();
        for last in ADDRESSES {
            script.push_str(&format!("ip addr add 192.168.100.{last}/24 dev eth0\n"));
        }
        let program = include_str!("load.pl");
        script.push_str(&format!("cat >/root/load.pl <<'END'\n{program}END\n"));
        cluster.on("client", &script);
        let password = cluster.inventory().with_file_name("password");
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(password);
        let mut file = created.expect("a file for another password");
        file.write_all(b"an0ther\n").expect("another password");
        Self { cluster }
    }

    pub(crate) fn edit(&self, edit: &Edit) {
        self.cluster.edit(edit.from, edit.to);
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

    /// Starts a run with another inventory, and does not wait for it.
    pub(crate) fn start(&self, inventory: &Path, stderr: Stdio) -> Child {
        self.cluster
            .command(inventory, &["--lab", "apply", "--yes"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
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
        let verified = self.cluster.lvsctl(&["verify"]);
        if verified.status == 0 {
            Ok(())
        } else {
            Err(format!("not clean:\n{}", verified.stdout))
        }
    }
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
