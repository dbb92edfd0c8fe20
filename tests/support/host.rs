//! One host of the lab: its processes, its network and what can be read of it from outside.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::spec::HostSpec;
use super::within;

/// Process 1 of a host. It says `ready` once the namespaces are there, starts sshd when the network is, and ends, and
/// everything with it, at the end of its input. Kernel settings of the machine are read-only; those of the network are the host's.
const INIT: &str = r#"
set -e
D=$1
mount -t overlay overlay -o lowerdir=/,upperdir=$D/upper,workdir=$D/work $D/root
cd $D/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
if [ -e dev/log ]; then mount --bind dev/null dev/log; fi
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind /proc/sys/net proc/sys/net
mkdir -p run/sshd
hostname "$2"
if [ -s $D/passwords ]; then chroot . chpasswd -c SHA512 -s 1000 <$D/passwords; fi
echo ready
read -r go
chroot . /usr/sbin/sshd -D -E /var/log/sshd.log </dev/null &
exec 1>&-
cat >/dev/null
"#;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct TestHost {
    pub name: String,
    pub address: IpAddr,
    known: Vec<&'static str>,
    dir: PathBuf,
    process: Child,
}

impl TestHost {
    pub(super) fn start(n: usize, spec: HostSpec, lab: &Path, key: &str) -> Self {
        let dir = lab.join(format!("host{n}"));
        for part in ["upper", "work", "root"] {
            fs::create_dir_all(dir.join(part)).expect("a folder");
        }
        spec.write(&dir.join("upper"), key);
        fs::write(dir.join("passwords"), spec.passwords()).expect("writes");
        for kind in &spec.host_keys {
            keygen(&dir.join(format!("upper/etc/ssh/lvsctl_{kind}")), kind, "");
        }
        let process = Command::new("unshare")
            .args([
                "--net",
                "--mount",
                "--pid",
                "--uts",
                "--ipc",
                "--fork",
                "--kill-child",
            ])
            .args(["sh", "-c", INIT, "lvsctl-test-host"])
            .arg(&dir)
            .arg(&spec.name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts a host");
        Self {
            address: super::address(n + 1),
            known: spec.known,
            name: spec.name,
            dir,
            process,
        }
    }

    /// And starts sshd. `with_neighbour`: the controller's hardware address is entered by hand.
    pub(super) fn set_address(&self, with_neighbour: bool) {
        let mut batch = format!(
            "link set lo up\naddr add {}/16 dev eth0\nlink set eth0 up\n",
            self.address
        );
        if with_neighbour {
            let (controller, mac) = (super::address(0), super::mac(0));
            batch.push_str(&format!(
                "neigh replace {controller} lladdr {mac} dev eth0 nud permanent\n"
            ));
        }
        let mut command = Command::new("nsenter");
        command.args(["-n", "-t", &self.pid().to_string(), "ip"]);
        super::ip(&mut command, &batch);
        let mut stdin = self.process.stdin.as_ref().expect("a pipe");
        stdin.write_all(b"go\n").expect("the host runs");
    }

    /// Of a process in the host's namespaces.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the namespaces are there.
    pub(super) fn wait_until_ready(&mut self) {
        let stdout = self.process.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("reads");
        assert_eq!(line, "ready\n", "host {} does not start", self.name);
    }

    pub(super) fn wait_until_listening(&mut self) {
        self.awaits_log("it listens", |log| {
            log.contains("Server listening on 0.0.0.0")
        });
    }

    /// Waits until sshd has written something; a failure shows what it wrote.
    #[track_caller]
    pub(crate) fn awaits_log(&self, what: &str, has: impl Fn(&str) -> bool) {
        let shown = || format!("sshd of {}: {what}, in its log\n{}", self.name, self.log());
        within(PATIENCE, shown, || has(&self.log()));
    }

    /// What sshd wrote.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.join("upper/var/log/sshd.log")).unwrap_or_default()
    }

    /// What sudo wrote.
    pub(crate) fn sudo_log(&self) -> String {
        fs::read_to_string(self.dir.join("upper/var/log/sudo.log")).unwrap_or_default()
    }

    pub(crate) fn connections(&self) -> usize {
        self.log().matches("Connection from ").count()
    }

    pub(crate) fn execs(&self) -> usize {
        self.log().matches("Starting session: ").count()
    }

    /// The host's file system as the host sees it.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        let root = self.dir.join("root");
        let root = root.strip_prefix("/").expect("absolute").to_owned();
        Path::new("/proc")
            .join(self.pid().to_string())
            .join("root")
            .join(root)
            .join(inside.trim_start_matches('/'))
    }

    pub(crate) fn read(&self, inside: &str) -> String {
        fs::read_to_string(self.path(inside)).unwrap_or_else(|e| panic!("{inside}: {e}"))
    }

    /// Runs a command on the host, not over SSH.
    pub(crate) fn command(&self, program: &str) -> Command {
        let pid = self.pid().to_string();
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &pid, "-m", "-n", "-u", "-i"])
            .arg(format!("--pid=/proc/{pid}/ns/pid_for_children"))
            .arg("chroot")
            .arg(self.dir.join("root"))
            .arg(program);
        command
    }

    pub(crate) fn sh(&self, script: &str) -> Output {
        self.command("/bin/bash")
            .args(["-c", script])
            .output()
            .expect("runs on the host")
    }

    /// The pid that the host's last process has: the one that this starts. So between two calls the host itself started
    /// their difference less one.
    pub(crate) fn last_pid(&self) -> u64 {
        let output = self.sh("echo $$");
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("no pid: {output:?}"))
    }

    /// Takes the host's network away; its processes go on.
    pub(crate) fn unplug(&self) {
        let output = self.sh("ip link set eth0 down");
        assert!(output.status.success(), "{output:?}");
    }

    pub(crate) fn public_key(&self, kind: &str) -> String {
        let path = self.dir.join(format!("upper/etc/ssh/lvsctl_{kind}.pub"));
        let text = fs::read_to_string(path).expect("a host key");
        let mut words = text.split(' ');
        let (algorithm, key) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        format!("{algorithm} {}", key.trim())
    }

    pub(super) fn known_hosts_lines(&self) -> String {
        self.known
            .iter()
            .map(|kind| format!("{} {}\n", self.address, self.public_key(kind)))
            .collect()
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        // unshare takes the host's first process, and that all others, with it.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Makes a key pair.
pub(crate) fn keygen(path: &Path, kind: &str, passphrase: &str) {
    let status = Command::new("ssh-keygen")
        .args([
            "-q",
            "-t",
            kind,
            "-N",
            passphrase,
            "-C",
            "lvsctl-test",
            "-f",
        ])
        .arg(path)
        .stdin(Stdio::null())
        .status()
        .expect("starts ssh-keygen");
    assert!(status.success(), "ssh-keygen for {}", path.display());
}
