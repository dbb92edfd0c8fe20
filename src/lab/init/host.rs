//! One host: its root, its network namespace with cables to the bridges, and the container that boots in them.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use nix::mount::MsFlags;

use super::super::error::LabError;
use super::super::layout::HostLayout;
use super::super::netns::{NAMESPACES, Netns};
use super::super::state::write_json;
use super::super::status::{Power, PowerState};
use super::super::tool::{ip_batch, program};
use super::machine::{Machine, mount_at};

/// A reboot asked for inside the container, by nspawn's exit status.
const REBOOT: i32 = 133;

/// The folder behind a host's /opt: NFS cannot export what lies on an overlay.
const SHARED: &str = "opt";

pub(super) struct Host<'a> {
    machine: &'a Machine,
    layout: &'a HostLayout,
    boots: u32,
    child: Option<Child>,
}

impl<'a> Host<'a> {
    pub(super) fn new(machine: &'a Machine, layout: &'a HostLayout) -> Self {
        Self {
            machine,
            layout,
            boots: 0,
            child: None,
        }
    }

    pub(super) fn is_process(&self, pid: i32) -> bool {
        self.child
            .as_ref()
            .is_some_and(|c| i32::try_from(c.id()) == Ok(pid))
    }

    pub(super) fn is_on(&self) -> bool {
        self.child.is_some()
    }

    /// Whether its start was requested; deletes the request.
    pub(super) fn start_asked(&self) -> bool {
        fs::remove_file(self.machine.state.host_start(&self.layout.name)).is_ok()
    }

    fn folder(&self) -> PathBuf {
        self.machine.scratch.join("root").join(&self.layout.name)
    }

    /// The root: what the host writes lies in memory and outlives its reboots.
    pub(super) fn make_root(&self) -> Result<(), LabError> {
        let base = self.folder();
        for part in ["upper", "work", "root", SHARED] {
            fs::create_dir_all(base.join(part))
                .map_err(LabError::io(base.display().to_string()))?;
        }
        let layers: Vec<_> = self
            .machine
            .layers(self.layout)
            .iter()
            .map(|l| l.display().to_string())
            .collect();
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            layers.join(":"),
            base.join("upper").display(),
            base.join("work").display()
        );
        mount_at("overlay", &base.join("root"), MsFlags::empty(), &options)
    }

    pub(super) fn start(&mut self) -> Result<(), LabError> {
        self.boots += 1;
        self.note(PowerState::On)?;
        self.cable()?;
        self.child = Some(self.boot()?);
        Ok(())
    }

    /// After its container ended. A rebooted host is started again.
    pub(super) fn ended(&mut self, code: Option<i32>) -> Result<(), LabError> {
        let name = &self.layout.name;
        let group = self.group(self.boots);
        if let Some(mut child) = self.child.take() {
            // The process is reaped already; this updates the handle.
            let _ = child.try_wait();
        }
        remove_group(&group);
        match code {
            Some(REBOOT) => {
                super::log(&format!("host {name} reboots"));
                self.start()
            }
            Some(0) => {
                super::log(&format!("host {name} is off"));
                self.note(PowerState::Off)
            }
            _ => {
                super::log(&format!("host {name} failed: {code:?}"));
                self.note(PowerState::Failed)
            }
        }
    }

    pub(super) fn note(&self, state: PowerState) -> Result<(), LabError> {
        let path = self.machine.state.host_power(&self.layout.name);
        let power = Power {
            state,
            boots: self.boots,
        };
        write_json(&path, &power).map_err(LabError::io(path.display().to_string()))
    }

    /// A fresh network namespace for each boot, as a fresh kernel would have, with the same MACs.
    fn cable(&self) -> Result<(), LabError> {
        let name = &self.layout.name;
        let netns = Netns::at(PathBuf::from(NAMESPACES).join(name));
        let what = || LabError::io(format!("the network of host {name} cannot be made"));
        netns.delete().map_err(what())?;
        netns.create().map_err(what())?;
        let mut lines = Vec::new();
        for nic in &self.layout.nics {
            // The last boot's cables go with their namespace, at a time of the kernel's own choosing.
            let port = format!("{}.{}", nic.port, self.boots);
            lines.push(format!(
                "link add {port} type veth peer name {} address {} netns {name}",
                nic.interface, nic.mac
            ));
            lines.push(format!("link set {port} master {} up", nic.bridge));
        }
        ip_batch(None, &lines)
    }

    fn group(&self, boot: u32) -> PathBuf {
        PathBuf::from(format!("/sys/fs/cgroup/{}.{boot}", self.layout.name))
    }

    fn boot(&self) -> Result<Child, LabError> {
        let name = &self.layout.name;
        let what = || LabError::io(format!("host {name} cannot be started"));
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.machine.state.host_console(name))
            .map_err(what())?;
        let group = self.group(self.boots);
        fs::create_dir_all(&group).map_err(what())?;
        let procs = OpenOptions::new()
            .write(true)
            .open(group.join("cgroup.procs"))
            .map_err(what())?;
        let mut capabilities = String::from("CAP_NET_ADMIN");
        if self.machine.kernel.is_guest() {
            // The kernel is the lab's own, so its hosts may load modules into it.
            capabilities.push_str(",CAP_SYS_MODULE");
        }
        let mut command = program("systemd-nspawn");
        command
            .args([
                "--quiet",
                "--register=no",
                "--keep-unit",
                "--settings=no",
                "--link-journal=no",
            ])
            .args(["--resolv-conf=off", "--timezone=off", "--boot"])
            .arg(format!(
                "--directory={}",
                self.folder().join("root").display()
            ))
            .arg(format!("--machine={name}"))
            .arg(format!("--uuid={}", self.layout.machine_id))
            .arg(format!("--network-namespace-path={NAMESPACES}/{name}"))
            .arg(format!("--capability={capabilities}"))
            .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(what())?)
            .stderr(log);
        command.arg("--bind-ro=/sys/module");
        command.arg(format!(
            "--bind={}:/opt",
            self.folder().join(SHARED).display()
        ));
        if let Some(modules) = &self.machine.modules {
            command.arg(format!("--bind-ro={}:/lib/modules", modules.display()));
        }
        // SAFETY: between fork and exec there is one write to an open descriptor that the closure owns.
        unsafe {
            command.pre_exec(move || (&procs).write_all(b"0"));
        }
        command.spawn().map_err(what())
    }
}

/// Empty groups only; no process is left in them, so a failure does no harm.
fn remove_group(group: &std::path::Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            remove_group(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}
