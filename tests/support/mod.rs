//! Hosts to test against: each a real OpenSSH server in separate network, mount, pid and UTS namespaces, on an
//! overlay over this machine's file system. A bridge in one more network namespace, the controller's, connects them; the
//! networks of the machine are not used. Needs root.
//!
//! A host ends with the process that made it, also after a SIGKILL: the host's first process ends with its standard input,
//! and its namespaces and mounts with that process. The folder that is left is removed by the next [`Lab::new`].

#![allow(dead_code)] // Each test program uses a part of this.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lvsctl::model;
use lvsctl::transport::config::Environment;
use nix::sched::{CloneFlags, setns, unshare};

mod client;
pub(crate) mod cpu;
pub(crate) mod expand;
pub(crate) mod fault;
pub(crate) mod follow;
mod host;
pub(crate) mod inventory;
pub(crate) mod labs;
pub(crate) mod large;
pub(crate) mod program;
pub(crate) mod roles;
mod spec;

#[allow(unused_imports)]
pub(crate) use client::{Agent, Client, secret};
#[allow(unused_imports)]
pub(crate) use host::{TestHost, keygen};
#[allow(unused_imports)]
pub(crate) use spec::{HostSpec, User};

/// What is used, and the Debian package that has it.
const TOOLS: [(&str, &str); 10] = [
    ("/usr/sbin/sshd", "openssh-server"),
    ("/usr/bin/ssh-keygen", "openssh-client"),
    ("/usr/bin/sudo", "sudo"),
    ("/usr/sbin/ip", "iproute2"),
    ("/usr/bin/unshare", "util-linux"),
    ("/usr/bin/nsenter", "util-linux"),
    ("/usr/sbin/chpasswd", "passwd"),
    ("/usr/bin/script", "bsdutils"),
    ("/usr/bin/fish", "fish"),
    ("/usr/bin/tcsh", "tcsh"),
];

pub(crate) struct Lab {
    pub hosts: Vec<TestHost>,
    dir: PathBuf,
    network: File,
}

/// For a condition that holds in a moment, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(10);

static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Lab {
    pub(crate) fn new(specs: Vec<HostSpec>) -> Self {
        require_tools();
        let base = Path::new("/dev/shm");
        remove_leftovers(base);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = base.join(format!("lvsctl-test-{}-{n}", std::process::id()));
        fs::create_dir(&dir).expect("a folder in /dev/shm");
        let network = controller_network();
        let mut lab = Self {
            hosts: Vec::new(),
            dir,
            network,
        };
        lab.make_client_key();
        let key = fs::read_to_string(lab.dir.join("home/.ssh/id_ed25519.pub")).expect("a key");
        // Every host starts at the same time, then each is waited for.
        for (n, spec) in specs.into_iter().enumerate() {
            lab.hosts.push(TestHost::start(n, spec, &lab.dir, &key));
        }
        for host in &mut lab.hosts {
            host.wait_until_ready();
        }
        lab.connect_network();
        let mut known = String::new();
        for host in &mut lab.hosts {
            host.wait_until_listening();
            known.push_str(&host.known_hosts_lines());
        }
        fs::write(lab.known_hosts(), known).expect("writes known_hosts");
        lab
    }

    /// Hosts with nothing special, named `h1` and so on.
    pub(crate) fn plain(count: usize) -> Self {
        Self::new(
            (1..=count)
                .map(|n| HostSpec::new(format!("h{n}")))
                .collect(),
        )
    }

    pub(crate) fn host(&self, name: &str) -> &TestHost {
        let found = self.hosts.iter().find(|h| h.name == name);
        found.unwrap_or_else(|| panic!("no host {name} in this lab"))
    }

    /// Moves this thread, and what it starts from now on, to the controller's network, until the guard is dropped.
    pub(crate) fn enter(&self) -> Entered {
        let before = File::open("/proc/thread-self/ns/net").expect("a network namespace");
        setns(&self.network, CloneFlags::CLONE_NEWNET).expect("enters the controller's network");
        Entered { before }
    }

    /// `$HOME` of the controller: a key that every host lets in, and their host keys.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.home().join(".ssh/known_hosts")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.home().join(".ssh/id_ed25519")
    }

    /// A path for a file of the test.
    pub(crate) fn dir_file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn environment(&self) -> Environment {
        Environment {
            home: Some(self.home()),
            user: Some("root".to_owned()),
            auth_sock: None,
        }
    }

    /// The controller's address on the hosts' network.
    pub(crate) fn controller(&self) -> IpAddr {
        address(0)
    }

    fn make_client_key(&self) {
        let ssh = self.home().join(".ssh");
        fs::create_dir_all(&ssh).expect("a home");
        keygen(&ssh.join("id_ed25519"), "ed25519", "");
    }

    /// One `ip` for all that is on the controller's side, one for each host's.
    fn connect_network(&self) {
        let mut batch = String::new();
        let are_many = self.hosts.len() > FEW;
        for (n, host) in self.hosts.iter().enumerate() {
            let (peer, mac) = (host.pid(), mac(n + 1));
            batch.push_str(&format!(
                "link add v{n} type veth peer name eth0 address {mac} netns {peer}\nlink set v{n} master br0 up\n"
            ));
            if are_many {
                let address = host.address;
                batch.push_str(&format!(
                    "link set v{n} type bridge_slave mcast_flood off\n\
                     neigh replace {address} lladdr {mac} dev br0 nud permanent\n"
                ));
            }
        }
        let _entered = self.enter();
        ip(&mut Command::new("ip"), &batch);
        for host in &self.hosts {
            host.set_address(are_many);
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.hosts.clear();
        fs::remove_dir_all(&self.dir).ok();
    }
}

pub(crate) struct Entered {
    before: File,
}

impl Drop for Entered {
    fn drop(&mut self) {
        setns(&self.before, CloneFlags::CLONE_NEWNET).expect("leaves the controller's network");
    }
}

/// Of the host with this number; the controller's is 0.
fn address(n: usize) -> IpAddr {
    let [_, _, high, low] = u32::try_from(n + 1).expect("few hosts").to_be_bytes();
    Ipv4Addr::new(10, 77, high, low).into()
}

/// The kernel has room for 1024 neighbours of all namespaces of a machine together (gc_thresh3, arp(7)), and each host
/// takes two. Those of more hosts than these are entered by hand: permanent entries do not count.
const FEW: usize = 200;

/// The hardware address of the host with this number; the controller's is 0.
fn mac(n: usize) -> String {
    let [_, _, high, low] = u32::try_from(n).expect("few hosts").to_be_bytes();
    format!("02:4c:56:53:{high:02x}:{low:02x}")
}

/// A network namespace that lives as long as the file is open: a bridge, and no way out.
fn controller_network() -> File {
    std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace; these tests run as root");
        let (controller, mac) = (address(0), mac(0));
        let batch = format!(
            "link set lo up\nlink add br0 address {mac} type bridge\nlink set br0 up\naddr add {controller}/16 dev br0\n"
        );
        ip(&mut Command::new("ip"), &batch);
        File::open("/proc/thread-self/ns/net").expect("its file")
    })
    .join()
    .expect("the controller's network")
}

fn ip(command: &mut Command, batch: &str) {
    let mut child = command
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("starts ip");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(batch.as_bytes()).expect("writes to ip");
    drop(stdin);
    assert!(child.wait().expect("ip ends").success(), "ip: {batch}");
}

fn require_tools() {
    assert!(
        nix::unistd::geteuid().is_root(),
        "these tests make namespaces: run them as root"
    );
    for (tool, package) in TOOLS {
        assert!(
            Path::new(tool).exists(),
            "{tool} is missing: apt-get install {package}"
        );
    }
}

/// Folders of processes that are gone.
fn remove_leftovers(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|n| n.strip_prefix("lvsctl-test-"))
            .and_then(|n| n.split('-').next());
        if let Some(pid) = pid
            && !Path::new("/proc").join(pid).exists()
        {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Awaits a condition.
#[track_caller]
pub(crate) fn until(what: &str, holds: impl FnMut() -> bool) {
    within(PATIENCE, || what.to_owned(), holds);
}

/// The same, for at most so long; `what` is expected, and may show what was found.
#[track_caller]
pub(crate) fn within(most: Duration, what: impl Fn() -> String, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + most;
    while !holds() {
        assert!(
            Instant::now() < deadline,
            "expected within {most:?}: {}",
            what()
        );
        std::thread::sleep(PAUSE);
    }
}

/// A host of an inventory, for [`lvsctl::transport::Connect`].
pub(crate) fn model_host(host: &TestHost) -> model::Host {
    model::Host {
        name: host.name.clone(),
        roles: vec!["realserver".to_owned()],
        address: host.address,
        interface: "eth0".to_owned(),
        interfaces: Vec::new(),
        gateway: None,
        connection: model::Connection::Ssh,
        ssh: model::SshOptions::default(),
        persist: true,
        exports: Vec::new(),
        lab: model::LabOptions::default(),
        vars: serde_json::Map::new(),
    }
}
