//! Peers that send without an end, and files of any size: the program gives up in bounded time and memory. Packets before
//! and during a login are tried against servers of the test; what a host prints, and the lock file, on a host of the lab.
//! The same for the transport alone is in src/transport/ssh.rs.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::cluster::{AUTH_PASS, PROGRAM};
use crate::edits::WEIGHT;
use crate::pair::Pair;
use crate::{Alone, Test};

/// What a run may take.
const LONGEST: Duration = Duration::from_secs(120);
const LARGEST_MIB: u64 = 256;

/// Exit status of a run that changes nothing, since a host is not as it must be.
const UNREACHABLE: i32 = 5;

struct Peer {
    name: &'static str,
    /// Sent once, then without an end.
    first: &'static [u8],
    again: &'static [u8],
}

const PEERS: &[Peer] = &[
    Peer {
        name: "banner",
        first: b"",
        again: b"x",
    },
    Peer {
        name: "lines",
        first: b"",
        again: b"Authorised use only\r\n",
    },
    Peer {
        name: "version",
        first: b"SSH-2.0-",
        again: b"x",
    },
    // Packets of SSH_MSG_IGNORE.
    Peer {
        name: "ignored-packets",
        first: b"SSH-2.0-x\r\n",
        again: &[0, 0, 0, 12, 6, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    },
];

/// Stands for ip(8) of a host.
const ENDLESS: &str =
    "printf '%s\\n' '#!/bin/sh' 'exec yes' >/usr/local/sbin/ip && chmod 755 /usr/local/sbin/ip";
const ENDING: &str = "rm /usr/local/sbin/ip";

/// A lock file of 12 MB that a process holds.
const LARGE_LOCK: &str = "head -c 12000000 /dev/zero | tr '\\0' x >LOCK
setsid sh -c 'exec 9>>LOCK; flock 9; exec sleep 3600' </dev/null >/dev/null 2>&1 & echo $! >/root/holder
until ! flock -n LOCK true; do sleep 0.1; done";
const FREE_LOCK: &str = "kill $(cat /root/holder); rm -f LOCK /root/holder";

/// What needs no lab.
pub(crate) fn alone() -> Vec<(String, Alone)> {
    let peers = PEERS.iter().map(|peer| {
        let test = move || of_peer(peer);
        (format!("hostile::{}", peer.name), Box::new(test) as Alone)
    });
    peers.collect()
}

pub(crate) fn tests() -> Vec<(String, Test)> {
    let on_hosts = [
        (
            "hostile::output",
            endless_output as fn(&Pair) -> Result<String, String>,
        ),
        ("hostile::lock-file", large_lock),
    ];
    let on_hosts = on_hosts.map(|(name, test)| (name.to_owned(), Box::new(test) as Test));
    on_hosts.into()
}

/// Serves each connection, for as long as the test program runs.
fn serve(peer: &'static Peer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let much = peer.again.repeat(4096);
                let mut sent = stream.write_all(peer.first);
                while sent.is_ok() {
                    sent = stream.write_all(&much);
                }
            });
        }
    });
    port
}

fn of_peer(peer: &'static Peer) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = folder.path().join("inventory.yaml");
    let ssh = format!(
        "{{ host: 127.0.0.1, port: {}, user: root, connect_timeout: 3 }}",
        serve(peer)
    );
    let text = format!(
        "cluster: hostile\nnetworks: 192.0.2.0/24\ndefaults: {{ ssh: {ssh} }}\nhosts:\n  \
         lb1: {{ role: director, address: 192.0.2.1 }}\n  rs1: {{ role: realserver, address: 192.0.2.2 }}\n\
         services: {{ web: {{ vip: 192.0.2.200, port: 80 }} }}\n"
    );
    fs::write(&inventory, text).expect("an inventory");
    let mut command = Command::new(PROGRAM);
    command.args(["plan", "-i"]).arg(&inventory);
    let cost = bounded(&mut command)?;
    cost.line(UNREACHABLE, "")
}

fn on_the_lab(pair: &Pair, words: &[&str]) -> Result<Cost, String> {
    let mut command = Command::new(PROGRAM);
    command
        .arg("--lab")
        .args(words)
        .arg("-i")
        .arg(pair.cluster.inventory())
        .env("LVSCTL_AUTH_PASS", AUTH_PASS);
    bounded(&mut command)
}

fn endless_output(pair: &Pair) -> Result<String, String> {
    pair.cluster.on("rs2", ENDLESS);
    let cost = on_the_lab(pair, &["plan"]);
    pair.cluster.on("rs2", ENDING);
    let line = cost?.line(UNREACHABLE, "rs2: ")?;
    pair.cluster.becomes("the command ends on the host", || {
        !pair.cluster.succeeds("rs2", "pgrep -x yes")
    });
    pair.is_clean()?;
    Ok(line)
}

fn large_lock(pair: &Pair) -> Result<String, String> {
    let lock = format!("/run/lvsctl-{}.lock", pair.cluster.name);
    pair.cluster.on("lb1", &LARGE_LOCK.replace("LOCK", &lock));
    pair.edit(&WEIGHT);
    let cost = on_the_lab(pair, &["apply", "--yes"]);
    pair.edit(&WEIGHT.back());
    pair.cluster.on("lb1", &FREE_LOCK.replace("LOCK", &lock));
    let line = cost?.line(UNREACHABLE, "holds the lock")?;
    pair.is_clean()?;
    Ok(line)
}

/// A run that has ended.
struct Cost {
    status: Option<i32>,
    seconds: f64,
    /// Its largest resident set.
    mib: u64,
    stderr: String,
}

impl Cost {
    /// Err: the run ended otherwise, or took more memory than it may.
    fn line(&self, status: i32, says: &str) -> Result<String, String> {
        let Self {
            seconds,
            mib,
            stderr,
            ..
        } = self;
        let cost = format!("gave up in {seconds:.1} s with {mib} MiB");
        let well = self.status == Some(status) && stderr.contains(says) && *mib <= LARGEST_MIB;
        if well && stderr.len() < 10_000 {
            Ok(cost)
        } else {
            let start: String = stderr.chars().take(2000).collect();
            Err(format!(
                "{cost}; expected exit {status}, {says:?}, at most {LARGEST_MIB} MiB and few words; found exit {:?} and {} bytes:\n{start}",
                self.status,
                stderr.len()
            ))
        }
    }
}

/// Runs a program. Err: it takes too long.
fn bounded(command: &mut Command) -> Result<Cost, String> {
    let errors = tempfile::NamedTempFile::new().expect("a file");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.reopen().expect("the file"))
        .spawn()
        .expect("the program runs");
    let since = Instant::now();
    let status = format!("/proc/{}/status", child.id());
    let mut mib = 0;
    loop {
        mib = mib.max(resident(&status));
        if let Some(ended) = child.try_wait().expect("its state") {
            return Ok(Cost {
                status: ended.code(),
                seconds: since.elapsed().as_secs_f64(),
                mib,
                stderr: fs::read_to_string(errors.path()).unwrap_or_default(),
            });
        }
        if since.elapsed() > LONGEST {
            child.kill().ok();
            child.wait().ok();
            return Err(format!("it runs for {LONGEST:?} and does not give up"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The largest resident set so far, by /proc/PID/status; 0 where the process has ended.
fn resident(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}
