//! The lab itself, with real hosts: as root, on a machine that has what `lab::requirements` asks for. `make test-lab`
//! runs them.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lvsctl::cancel::CancelToken;
use lvsctl::lab::spec::{Host, LabSpec, Network, Nic};
use lvsctl::lab::{self, Down, Kernel, KernelChoice, LabError, LabEvent, PowerState, UpOptions};
use lvsctl::model::{IptablesBackend, Suite};

use crate::support::labs;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lvsctl");
const PATIENCE: Duration = Duration::from_secs(180);

/// Ends the lab when the test ends, however it ends.
struct Lab(String);

impl Drop for Lab {
    fn drop(&mut self) {
        if let Err(error) = lab::down(&self.0) {
            eprintln!("lab {}: {error}", self.0);
        }
    }
}

impl Lab {
    fn named(word: &str) -> Self {
        let name = format!("test-{word}-{}", std::process::id());
        labs::remember(&name, None);
        Self(name)
    }

    fn state(&self) -> PathBuf {
        Path::new("/run/lvsctl/lab").join(&self.0)
    }

    fn up(&self, spec: &LabSpec, kernel: KernelChoice) {
        let mut said = Vec::new();
        let result = lab::up(spec, &options(kernel), &mut |event| said.push(event));
        if let Err(error) = result {
            panic!("{error}\n{said:#?}");
        }
    }

    /// A shell line on a host, which must succeed; its output.
    fn sh(&self, host: &str, line: &str) -> String {
        let output = lab::output(&self.0, host, &["sh", "-c", line]).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{host}: {line}: {text}{errors}");
        text.trim().to_owned()
    }

    /// A command on this machine's end.
    fn machine(&self, words: &[&str]) -> (bool, String) {
        let mut command = lab::command(&self.0, words[0]).unwrap();
        let output = command
            .args(&words[1..])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status.success(), text)
    }

    fn reboot(&self, host: &str) {
        let before = lab::boot_ids(&self.0, &[host]).unwrap();
        // The connection may end before the command does.
        lab::output(&self.0, host, &["reboot"]).unwrap();
        lab::wait_rebooted(&self.0, &before, PATIENCE).unwrap();
    }
}

fn options(kernel: KernelChoice) -> UpOptions {
    UpOptions {
        kernel,
        program: Some(PROGRAM.into()),
        timeout: PATIENCE,
        ..UpOptions::default()
    }
}

fn nic(interface: &str, network: &str, addresses: &[&str]) -> Nic {
    Nic {
        interface: interface.to_owned(),
        network: network.to_owned(),
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        mac: None,
    }
}

fn network(name: &str, subnets: &[&str], attached: bool) -> Network {
    Network {
        name: name.to_owned(),
        subnets: subnets.iter().map(|s| s.parse().unwrap()).collect(),
        attached,
    }
}

/// Two hosts on one network; the second with another NIC on a network that this machine is not on.
fn spec(lab: &Lab) -> LabSpec {
    LabSpec {
        name: lab.0.clone(),
        networks: vec![
            network("lan", &["192.168.100.0/24", "fd00:100::/64"], true),
            network("back", &["10.10.10.0/24"], false),
        ],
        hosts: vec![
            Host {
                name: "lb1".to_owned(),
                nics: vec![nic(
                    "eth0",
                    "lan",
                    &["192.168.100.14/24", "fd00:100::14/64"],
                )],
                gateway: Some("192.168.100.12".parse().unwrap()),
                options: Default::default(),
            },
            Host {
                name: "rs1".to_owned(),
                nics: vec![
                    nic("eth0", "lan", &["192.168.100.12/24"]),
                    nic("ens7", "back", &["10.10.10.1/24"]),
                ],
                gateway: None,
                options: Default::default(),
            },
        ],
        reserved: vec!["192.168.100.254".parse().unwrap()],
    }
}

#[test]
#[ignore = "needs root and a lab: make test-lab"]
fn hosts_are_real_machines() {
    let lab = Lab::named("uml");
    let spec = spec(&lab);
    lab.up(&spec, KernelChoice::Uml);
    let again = lab::up(&spec, &options(KernelChoice::Uml), &mut |_| {}).unwrap_err();
    assert!(matches!(again, LabError::AlreadyUp(_)), "{again}");

    let status = lab::status(&lab.0).unwrap();
    assert!(status.running);
    assert_eq!(status.kernel, Kernel::Uml);
    assert!(
        status
            .hosts
            .iter()
            .all(|h| h.power == PowerState::On && h.boots == 1)
    );
    let machine: Vec<_> = status.networks.iter().map(|n| n.machine.clone()).collect();
    assert_eq!(
        machine[0][0].to_string(),
        "192.168.100.253/24",
        ".254 is reserved"
    );
    assert!(machine[1].is_empty());

    names_and_addresses(&lab);
    host_keys_are_checked(&lab);
    sudo_asks_for_the_password(&lab);
    nothing_else_is_in_the_namespace(&lab);
    entering_reaches_hosts(&lab);
    packages_install_and_virtual_servers_work(&lab);
    a_reboot_keeps_what_is_on_disk(&lab);

    let missing = lab::output(&lab.0, "rs9", &["true"]).unwrap_err();
    assert!(
        missing
            .to_string()
            .contains("no host rs9; its hosts: lb1, rs1"),
        "{missing}"
    );
}

/// Debian's kernel, and hosts of two releases with both backends of iptables.
#[test]
#[ignore = "needs root and a lab: make test-lab"]
fn hosts_in_qemu_are_as_they_ask_to_be() {
    let lab = Lab::named("qemu");
    let mut spec = spec(&lab);
    spec.hosts[0].options.suite = Some(Suite::Trixie);
    spec.hosts[1].options.iptables = Some(IptablesBackend::Legacy);
    lab.up(&spec, KernelChoice::Qemu);
    let status = lab::status(&lab.0).unwrap();
    assert_eq!(status.kernel, Kernel::Qemu);
    assert!(status.kvm.is_some());
    names_and_addresses(&lab);
    for (host, release, backend) in [("lb1", "13", "nf_tables"), ("rs1", "12", "legacy")] {
        let found = lab.sh(host, ". /etc/os-release; echo $VERSION_ID; iptables -V");
        assert!(
            found.starts_with(release) && found.contains(backend),
            "{host}: {found}"
        );
        lab.sh(
            host,
            "iptables -t mangle -A PREROUTING -d 192.168.100.200 -p tcp -m multiport --dports 80,443 \
             -m comment --comment lvsctl:test -j MARK --set-mark 6666",
        );
    }
    let nft = lab.sh(
        "lb1",
        "apt-get install -y nftables >/dev/null 2>&1; nft list ruleset",
    );
    assert!(nft.contains("table ip mangle"), "{nft}");
    lab.sh("lb1", "modprobe ip_vs_mh && cat /proc/net/ip_vs");
    lab.reboot("lb1");
    let rules = lab.sh("lb1", "iptables -t mangle -S");
    assert!(!rules.contains("6666"), "{rules}");
}

fn names_and_addresses(lab: &Lab) {
    assert_eq!(lab.sh("lb1", "hostname"), "lb1");
    assert_eq!(lab.sh("lb1", "systemctl is-system-running"), "running");
    let addresses = lab.sh("rs1", "ip -br address");
    for word in ["eth0", "192.168.100.12/24", "ens7", "10.10.10.1/24"] {
        assert!(addresses.contains(word), "{word} in {addresses}");
    }
    assert!(
        lab.sh("lb1", "ip route")
            .contains("default via 192.168.100.12 dev eth0")
    );
    lab.sh(
        "lb1",
        "ping -c 1 -W 5 192.168.100.12 && ping -c 1 -W 5 192.168.100.253 && ping -c 1 -W 5 rs1",
    );
    // ARP of a machine that is neither director nor real server.
    let (_, text) = lab.machine(&["ip", "neighbour", "show", "192.168.100.14"]);
    let mac = lab.sh("lb1", "cat /sys/class/net/eth0/address");
    assert!(text.contains(&mac), "{mac} in {text}");
}

fn host_keys_are_checked(lab: &Lab) {
    let config = lab.state().join("ssh_config");
    let config = config.to_str().unwrap();
    for to in ["lb1", "192.168.100.14", "fd00:100::14"] {
        let words = ["ssh", "-F", config, "-o", "BatchMode=yes", to, "hostname"];
        let (done, text) = lab.machine(&words);
        assert!(done && text.trim() == "lb1", "{to}: {text}");
    }
    // The same host under another's key.
    let words = [
        "ssh",
        "-F",
        config,
        "-o",
        "HostKeyAlias=rs1",
        "-o",
        "BatchMode=yes",
        "lb1",
        "true",
    ];
    let (done, text) = lab.machine(&words);
    assert!(
        !done && text.contains("HOST IDENTIFICATION HAS CHANGED"),
        "{text}"
    );
}

fn sudo_asks_for_the_password(lab: &Lab) {
    let config = lab.state().join("ssh_config");
    let config = config.to_str().unwrap();
    let ssh = [
        "ssh",
        "-F",
        config,
        "-l",
        "admin",
        "-o",
        "BatchMode=yes",
        "lb1",
    ];
    let (done, _) = lab.machine(&[&ssh[..], &["sudo -n true"]].concat());
    assert!(!done);
    let (done, text) = lab.machine(&[&ssh[..], &["echo lvsctl | sudo -S -p '' id -u"]].concat());
    assert!(done && text.trim() == "0", "{text}");
}

/// So that no packet for a host can leave this machine.
fn nothing_else_is_in_the_namespace(lab: &Lab) {
    let (_, links) = lab.machine(&["ip", "-o", "link"]);
    let names: Vec<_> = links.lines().filter_map(|l| l.split(": ").nth(1)).collect();
    assert_eq!(names, ["lo", "lab0"]);
    let (_, routes) = lab.machine(&["ip", "route", "show", "default"]);
    assert_eq!(routes, "");
    assert_eq!(
        lab.machine(&["sysctl", "-n", "net.ipv4.ip_forward"])
            .1
            .trim(),
        "0"
    );
}

fn entering_reaches_hosts(lab: &Lab) {
    let own = || fs::read_link("/proc/thread-self/ns/net").unwrap();
    let outside = own();
    std::thread::scope(|scope| {
        let inside = scope.spawn(|| {
            let access = lab::enter(&lab.0).unwrap();
            let address: IpAddr = access.addresses["rs1"];
            let limit = Duration::from_secs(10);
            TcpStream::connect_timeout(&SocketAddr::new(address, 22), limit).unwrap();
            let known = fs::read_to_string(access.known_hosts).unwrap();
            assert!(
                known.contains("192.168.100.12,10.10.10.1,rs1 ssh-ed25519 "),
                "{known}"
            );
            let mode = fs::metadata(access.identity_file).unwrap().mode();
            assert_eq!(mode & 0o777, 0o600);
            own()
        });
        assert_ne!(inside.join().unwrap(), outside);
    });
    assert_eq!(own(), outside);
}

fn packages_install_and_virtual_servers_work(lab: &Lab) {
    lab.sh(
        "lb1",
        "! command -v ipvsadm && ! command -v keepalived && ! command -v nginx",
    );
    lab.sh("lb1", "apt-get update && apt-get install -y ipvsadm");
    lab.sh(
        "lb1",
        "modprobe ip_vs && ipvsadm -A -t 192.168.100.200:80 -s wrr \
         && ipvsadm -a -t 192.168.100.200:80 -r 192.168.100.12 -g",
    );
    assert!(
        lab.sh("lb1", "ipvsadm -Sn")
            .contains("-r 192.168.100.12:80 -g -w 1")
    );
    for line in [
        "iptables -t mangle -A PREROUTING -d 192.168.100.200 -p tcp -m multiport --dports 80,443 \
         -m comment --comment lvsctl:test -j MARK --set-mark 6666",
        "ip6tables -t mangle -S",
        "arptables -A OUTPUT -s 192.168.100.200 -j mangle --mangle-ip-s 192.168.100.14",
        "modprobe ipip && ip link set tunl0 up",
        "sysctl -w net.ipv4.ip_forward=1 net.ipv4.vs.expire_nodest_conn=1",
    ] {
        lab.sh("lb1", line);
    }
    lab.sh("lb1", "ip address add 192.168.100.200/32 dev lo label lo:0");
}

fn a_reboot_keeps_what_is_on_disk(lab: &Lab) {
    let mac = lab.sh("lb1", "cat /sys/class/net/eth0/address");
    lab.sh("lb1", "echo kept >/etc/mark");
    lab.reboot("lb1");
    assert_eq!(lab.sh("lb1", "cat /etc/mark"), "kept");
    assert_eq!(lab.sh("lb1", "cat /sys/class/net/eth0/address"), mac);
    assert_eq!(
        lab.sh("lb1", "ipvsadm -Sn"),
        "",
        "a table is no thing on disk"
    );
    assert_eq!(lab.sh("lb1", "cat /proc/sys/net/ipv4/ip_forward"), "0");
    assert!(!lab.sh("lb1", "ip address").contains("192.168.100.200"));
    let status = lab::status(&lab.0).unwrap();
    let boots: BTreeMap<_, _> = status
        .hosts
        .iter()
        .map(|h| (h.name.as_str(), h.boots))
        .collect();
    assert_eq!(boots, BTreeMap::from([("lb1", 2), ("rs1", 1)]));
}

#[test]
#[ignore = "needs root and a lab: make test-lab"]
fn labs_with_one_subnet_stand_side_by_side() {
    let (one, two) = (Lab::named("one"), Lab::named("two"));
    for lab in [&one, &two] {
        lab.up(&spec(lab), KernelChoice::Native);
        lab.sh("lb1", &format!("echo {} >/etc/mark", lab.0));
    }
    for lab in [&one, &two] {
        assert_eq!(lab.sh("lb1", "cat /etc/mark"), lab.0);
    }
    two.reboot("lb1");
    assert_eq!(two.sh("lb1", "cat /etc/mark"), two.0);
    assert_eq!(lab::down(&one.0).unwrap(), Down::Ended);
    two.sh("lb1", "ping -c 1 -W 5 192.168.100.12");

    // A host that is switched off is seen, and can be switched on again.
    lab::output(&two.0, "rs1", &["poweroff", "-ff"]).unwrap();
    lab::wait_off(&two.0, "rs1", PATIENCE).unwrap();
    let error = lab::wait_ready(&two.0, &["rs1"], PATIENCE).unwrap_err();
    assert!(error.to_string().starts_with("host rs1 ended"), "{error}");
    let power = lab::status(&two.0)
        .unwrap()
        .hosts
        .into_iter()
        .map(|h| h.power);
    assert_eq!(power.collect::<Vec<_>>(), [PowerState::On, PowerState::Off]);
    lab::start(&two.0, "rs1", PATIENCE).unwrap();
    two.sh("rs1", "ping -c 1 -W 5 192.168.100.14");
}

/// What must be gone with a lab: its processes, mounts, namespace, control group and files.
struct Traces {
    state: PathBuf,
    netns: Option<u64>,
}

impl Traces {
    fn of(lab: &Lab) -> Self {
        let state = lab.state();
        let netns = fs::metadata(state.join("netns")).ok().map(|m| m.ino());
        Self { state, netns }
    }

    fn left(&self, lab: &Lab) -> Vec<String> {
        let mut left = Vec::new();
        if self.state.exists() {
            left.push(self.state.display().to_string());
        }
        if self
            .state
            .with_file_name(format!(".{}.lock", lab.0))
            .exists()
        {
            left.push("lock file".to_owned());
        }
        for group in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            let group = Path::new(group).join(format!("lvsctl-lab-{}", lab.0));
            if group.exists() {
                left.push(group.display().to_string());
            }
        }
        let state = self.state.to_str().unwrap();
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let path = process.path();
            let Some(pid) = path
                .file_name()
                .and_then(|n| n.to_str()?.parse::<u32>().ok())
            else {
                continue;
            };
            if pid == std::process::id() {
                continue;
            }
            let words = fs::read(path.join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&words).contains(state) {
                left.push(format!("process {pid}"));
            }
            let inside = fs::read_link(path.join("ns/net")).unwrap_or_default();
            if self
                .netns
                .is_some_and(|ino| inside.to_string_lossy().contains(&format!("[{ino}]")))
            {
                left.push(format!("process {pid} in its namespace"));
            }
            for mount in fs::read_to_string(path.join("mountinfo"))
                .unwrap_or_default()
                .lines()
            {
                let pinned = self
                    .netns
                    .is_some_and(|ino| mount.contains(&format!("net:[{ino}]")));
                if pinned || mount.contains(state) {
                    left.push(format!("mount of process {pid}: {mount}"));
                }
            }
        }
        left
    }
}

/// A part of the test below, which runs it in another process and kills that. By itself it does nothing.
#[test]
#[ignore = "run by a_killed_up_leaves_nothing_after_down"]
fn bring_up_in_a_process_of_its_own() {
    let Some(path) = std::env::var_os("LAB_TEST_SPEC") else {
        return;
    };
    let text = fs::read(path).unwrap();
    let kernel = match std::env::var("LAB_TEST_KERNEL").unwrap().as_str() {
        "native" => KernelChoice::Native,
        _ => KernelChoice::Uml,
    };
    let spec: LabSpec = serde_json::from_slice(&text).unwrap();
    lab::up(&spec, &options(kernel), &mut |_| {}).unwrap();
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[ignore = "needs root and a lab: make test-lab"]
fn a_killed_up_leaves_nothing_after_down() {
    let folder = tempfile::tempdir().unwrap();
    let moments: &[(&str, &str, &str)] = &[
        ("folder", "uml", ""),
        ("keys", "uml", "id_ed25519"),
        ("netns", "uml", "netns"),
        ("guard", "uml", "guard.json"),
        ("inner", "uml", "inner.json"),
        ("booting", "uml", "hosts/lb1/console.log"),
        ("native-guard", "native", "guard.json"),
        ("native-booting", "native", "hosts/rs1/console.log"),
    ];
    for (word, kernel, file) in moments {
        let lab = Lab::named(word);
        let path = folder.path().join(word);
        fs::write(&path, serde_json::to_vec(&spec(&lab)).unwrap()).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "lab::bring_up_in_a_process_of_its_own",
            ])
            .env("LAB_TEST_SPEC", &path)
            .env("LAB_TEST_KERNEL", kernel)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(word, || lab.state().join(file).exists());
        child.kill().unwrap();
        child.wait().unwrap();
        let traces = Traces::of(&lab);
        assert!(
            !traces.left(&lab).is_empty(),
            "{word}: the kill came too late or too early"
        );
        assert_eq!(lab::down(&lab.0).unwrap(), Down::Ended, "{word}");
        assert_eq!(traces.left(&lab), Vec::<String>::new(), "{word}");
        assert_eq!(lab::down(&lab.0).unwrap(), Down::Nothing, "{word}");
    }
}

#[test]
#[ignore = "needs root and a lab: make test-lab"]
fn an_interrupted_up_cleans_up_by_itself() {
    let lab = Lab::named("interrupted");
    let mut traces = None;
    let cancel = CancelToken::default();
    let options = UpOptions {
        cancel: cancel.clone(),
        ..options(KernelChoice::Uml)
    };
    let error = lab::up(&spec(&lab), &options, &mut |event| {
        if matches!(event, LabEvent::Booting { .. }) {
            traces = Some(Traces::of(&lab));
            cancel.cancel();
        }
    });
    assert!(matches!(error, Err(LabError::Interrupted)), "{error:?}");
    assert_eq!(traces.unwrap().left(&lab), Vec::<String>::new());
}

#[test]
#[ignore = "needs root and a lab: make test-lab"]
fn hosts_that_are_not_ready_in_time_are_an_error_that_leaves_nothing() {
    let lab = Lab::named("late");
    let options = UpOptions {
        timeout: Duration::ZERO,
        ..options(KernelChoice::Native)
    };
    let mut traces = None;
    let error = lab::up(&spec(&lab), &options, &mut |event| {
        if matches!(event, LabEvent::Booting { .. }) {
            traces = Some(Traces::of(&lab));
        }
    });
    let error = error.unwrap_err();
    assert!(matches!(error, LabError::NotReady { .. }), "{error}");
    assert_eq!(traces.unwrap().left(&lab), Vec::<String>::new());
}

#[test]
#[ignore = "needs root and a lab: make test-lab"]
fn a_lab_that_is_not_there_is_reported() {
    let name = format!("test-none-{}", std::process::id());
    let words = format!("no lab named {name} is up");
    let errors = [
        lab::status(&name).unwrap_err(),
        lab::ssh(&name, "lb1", &[]).unwrap_err(),
        lab::exec(&name, Some("lb1"), &["true"]).unwrap_err(),
        lab::exec(&name, None, &["true"]).unwrap_err(),
        lab::enter(&name).unwrap_err(),
        lab::wait_ready(&name, &[], PATIENCE).unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().starts_with(&words), "{error}");
    }
    assert_eq!(lab::down(&name).unwrap(), Down::Nothing);
    let error = lab::down("../etc").unwrap_err();
    assert!(error.to_string().contains("cannot name a lab"), "{error}");
}
