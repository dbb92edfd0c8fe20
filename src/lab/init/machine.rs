//! Prepares the machine under the hosts: mounts, kernel modules, bridges. The same for every kernel, but for
//! the places where things come from.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::super::error::LabError;
use super::super::image::ROOT;
use super::super::kernel::Kernel;
use super::super::layout::{HostLayout, Layout};
use super::super::netns::{NAMESPACES, bridge_line};
use super::super::qemu;
use super::super::requirements::UML_MODULES;
use super::super::rootfs::LEGACY_LAYER;
use super::super::state::StateDir;
use super::super::tool::{ip_batch, program, run};
use crate::model::IptablesBackend;

/// What the machine itself needs before it can start a host, and what no request from inside a host brings:
/// the programs of the tables run the kernel's helper by its path, which is none of theirs.
const OWN_MODULES: &[&str] = &[
    "overlay",
    "bridge",
    "veth",
    "ip_tables",
    "ip6_tables",
    "arp_tables",
];

/// What hosts may want, where they have no right to load it themselves.
const HOST_MODULES: &[&str] = &[
    "ip_vs",
    "ip_vs_rr",
    "ip_vs_wrr",
    "ip_vs_lc",
    "ip_vs_wlc",
    "ip_vs_lblc",
    "ip_vs_lblcr",
    "ip_vs_dh",
    "ip_vs_sh",
    "ip_vs_sed",
    "ip_vs_nq",
    "ip_vs_fo",
    "ip_vs_ovf",
    "ip_vs_mh",
    "ipip",
    "iptable_filter",
    "iptable_mangle",
    "iptable_nat",
    "ip6table_filter",
    "ip6table_mangle",
    "arptable_filter",
    "arpt_mangle",
    "xt_mark",
    "xt_multiport",
    "xt_comment",
    "xt_conntrack",
    "xt_tcpudp",
    "xt_MASQUERADE",
    "xt_TCPMSS",
    "nf_conntrack",
    "nf_conntrack_netlink",
    "nfsd",
    "nfs",
    "nfsv3",
    "nfsv4",
];

/// Where the hosts find what they are made of, once the machine is prepared.
pub(super) struct Machine {
    pub state: StateDir,
    /// The folder with all root file systems.
    pub images: PathBuf,
    /// A folder of the machine's memory for what hosts write.
    pub scratch: PathBuf,
    /// Kernel modules to show to the hosts.
    pub modules: Option<PathBuf>,
    pub kernel: Kernel,
}

impl Machine {
    /// The layers of a host's root, the topmost first.
    pub(super) fn layers(&self, host: &HostLayout) -> Vec<PathBuf> {
        let image = self.images.join(&host.image);
        let mut layers = vec![self.state.host_layer(&host.name)];
        if host.iptables == IptablesBackend::Legacy {
            layers.push(image.join(LEGACY_LAYER));
        }
        layers.push(image.join(ROOT));
        layers
    }
}

pub(super) fn mount_at(kind: &str, at: &Path, flags: MsFlags, data: &str) -> Result<(), LabError> {
    mount(Some(kind), at, Some(kind), flags, Some(data)).map_err(LabError::nix(format!(
        "{}: {kind} cannot be mounted",
        at.display()
    )))
}

fn folder(path: &Path) -> Result<(), LabError> {
    fs::create_dir_all(path).map_err(LabError::io(format!("{}: cannot be made", path.display())))
}

/// Mounts, modules, bridges.
pub(super) fn prepare(layout: &Layout, state: &StateDir) -> Result<Machine, LabError> {
    match layout.kernel {
        Kernel::Uml | Kernel::Qemu => {
            let machine = prepare_guest(layout, state)?;
            make_bridges(layout)?;
            Ok(machine)
        }
        Kernel::Native => prepare_native(layout, state),
    }
}

fn prepare_guest(layout: &Layout, state: &StateDir) -> Result<Machine, LabError> {
    let none = MsFlags::empty();
    mount_at("proc", Path::new("/proc"), none, "")?;
    mount_at("sysfs", Path::new("/sys"), none, "")?;
    mount_at("cgroup2", Path::new("/sys/fs/cgroup"), none, "")?;
    // Most builds of the kernel mount it by themselves.
    let _ = mount_at("devtmpfs", Path::new("/dev"), none, "");
    folder(Path::new("/dev/pts"))?;
    mount_at(
        "devpts",
        Path::new("/dev/pts"),
        none,
        "mode=0620,ptmxmode=0666,gid=5",
    )?;
    let scratch = temporary_folders("size=90%,mode=0755")?;
    let images = scratch.join("images");
    folder(&images)?;
    folder(state.dir())?;
    let modules = match &layout.qemu {
        None => {
            mount_hostfs(&layout.cache, &images, MsFlags::MS_RDONLY)?;
            mount_hostfs(state.dir(), state.dir(), none)?;
            PathBuf::from(UML_MODULES)
        }
        Some(qemu) => {
            mount_9p(qemu::CACHE_TAG, &images, MsFlags::MS_RDONLY, "loose")?;
            // Both sides write there.
            mount_9p(qemu::STATE_TAG, state.dir(), none, "none")?;
            images.join(&qemu.kernel).join(qemu::MODULES)
        }
    };
    let tools = layout
        .hosts
        .first()
        .map(|host| images.join(&host.image).join(ROOT))
        .unwrap_or_default();
    let seen = tools.join("lib/modules");
    mount(
        Some(&modules),
        &seen,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )
    .map_err(LabError::nix(format!(
        "{}: cannot be shown to the hosts",
        modules.display()
    )))?;
    load_modules(&tools, &scratch)?;
    Ok(Machine {
        state: state.clone(),
        images,
        scratch,
        modules: Some(modules),
        kernel: layout.kernel,
    })
}

/// A folder of the machine that carries user-mode Linux.
fn mount_hostfs(from: &Path, at: &Path, flags: MsFlags) -> Result<(), LabError> {
    mount(Some("none"), at, Some("hostfs"), flags, Some(from)).map_err(LabError::nix(format!(
        "{}: cannot be mounted from the machine",
        at.display()
    )))
}

/// A folder of the machine that carries QEMU.
fn mount_9p(tag: &str, at: &Path, flags: MsFlags, cache: &str) -> Result<(), LabError> {
    let options = format!("trans=virtio,version=9p2000.L,msize=512000,cache={cache}");
    mount(Some(tag), at, Some("9p"), flags, Some(options.as_str())).map_err(LabError::nix(format!(
        "{}: cannot be mounted from the machine",
        at.display()
    )))
}

fn prepare_native(layout: &Layout, state: &StateDir) -> Result<Machine, LabError> {
    // Held open, since what they lie in is covered next.
    let held = [hold(&layout.cache)?, hold(state.dir())?];
    let none = MsFlags::empty();
    // A fresh sysfs shows the lab's network namespace; control groups are ours from the lab's group down.
    let _ = umount2("/sys", MntFlags::MNT_DETACH);
    mount_at("sysfs", Path::new("/sys"), none, "")?;
    mount_at("cgroup2", Path::new("/sys/fs/cgroup"), none, "")?;
    let scratch = temporary_folders("mode=0755")?;
    let images = scratch.join("images");
    let [held_cache, held_state] = &held;
    show(held_cache, &images)?;
    show(held_state, state.dir())?;
    let modules = PathBuf::from("/lib/modules");
    let _ = run(program("modprobe")
        .args(["-q", "-a"])
        .args(OWN_MODULES)
        .args(HOST_MODULES));
    Ok(Machine {
        state: state.clone(),
        images,
        scratch,
        modules: modules.is_dir().then_some(modules),
        kernel: Kernel::Native,
    })
}

fn hold(path: &Path) -> Result<File, LabError> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_DIRECTORY)
        .open(path)
        .map_err(LabError::io(path.display().to_string()))
}

fn show(held: &File, at: &Path) -> Result<(), LabError> {
    folder(at)?;
    let from = format!("/proc/self/fd/{}", held.as_raw_fd());
    mount(
        Some(from.as_str()),
        at,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )
    .map_err(LabError::nix(format!("{}: cannot be shown", at.display())))
}

/// /run and /tmp of our own: nspawn writes to both, and the machine's must not change.
fn temporary_folders(options: &str) -> Result<PathBuf, LabError> {
    let none = MsFlags::empty();
    mount_at("tmpfs", Path::new("/run"), none, options)?;
    mount_at("tmpfs", Path::new("/tmp"), none, "mode=1777")?;
    let scratch = PathBuf::from("/run/hosts");
    folder(&scratch)?;
    folder(Path::new(NAMESPACES))?;
    Ok(scratch)
}

/// What this kernel does not have is not an error here: the host that needs it says so.
/// Hosts load what they want besides, as they would on a machine of their own. `tools` is a root file system.
fn load_modules(tools: &Path, scratch: &Path) -> Result<(), LabError> {
    let mut command = program("chroot");
    command
        .arg(tools)
        .args(["/sbin/modprobe", "-q", "-a"])
        .args(OWN_MODULES);
    if let Err(error) = run(&mut command) {
        super::log(&format!("{error}"));
    }
    // For what the kernel asks for by itself later on.
    let helper = scratch.join("modprobe");
    let text = format!(
        "#!/bin/sh\nexec chroot {} /sbin/modprobe \"$@\"\n",
        tools.display()
    );
    let what = || LabError::io("the kernel's module helper cannot be set");
    fs::write(&helper, text).map_err(what())?;
    fs::set_permissions(&helper, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .map_err(what())?;
    fs::write("/proc/sys/kernel/modprobe", helper.display().to_string()).map_err(what())
}

/// Bridges inside the machine, each with the NIC that leads to this machine's end where there is one.
fn make_bridges(layout: &Layout) -> Result<(), LabError> {
    let mut lines = vec!["link set lo up".to_owned()];
    let mut attached = 0;
    for network in &layout.networks {
        lines.push(bridge_line(&network.link));
        if network.attached {
            let nic = match layout.kernel {
                Kernel::Uml => "vec",
                Kernel::Native | Kernel::Qemu => "eth",
            };
            lines.push(format!(
                "link set {nic}{attached} master {} up",
                network.link
            ));
            attached += 1;
        }
    }
    ip_batch(None, &lines)
}
