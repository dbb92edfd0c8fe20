//! Prepares the machine under the hosts: mounts, kernel modules, bridges. The same for both kernels, but for the
//! places where things come from.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::super::error::LabError;
use super::super::kernel::Kernel;
use super::super::layout::Layout;
use super::super::netns::{NAMESPACES, bridge_line};
use super::super::requirements::UML_MODULES;
use super::super::rootfs::{LEGACY_LAYER, ROOT};
use super::super::state::StateDir;
use super::super::tool::{ip_batch, program, run};

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
    pub image: PathBuf,
    /// A folder of the machine's memory for what hosts write.
    pub scratch: PathBuf,
    /// Kernel modules to show to the hosts.
    pub modules: Option<PathBuf>,
    pub kernel: Kernel,
}

impl Machine {
    /// The layers of a host's root, the topmost first.
    pub fn layers(&self, host: &str) -> Vec<PathBuf> {
        let mut layers = vec![self.state.host_layer(host)];
        if self.kernel == Kernel::Uml {
            layers.push(self.image.join(LEGACY_LAYER));
        }
        layers.push(self.image.join(ROOT));
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
    let machine = match layout.kernel {
        Kernel::Uml => prepare_uml(layout, state)?,
        Kernel::Native => prepare_native(layout, state)?,
    };
    load_modules(&machine)?;
    if layout.kernel == Kernel::Uml {
        make_bridges(layout)?;
    }
    Ok(machine)
}

fn prepare_uml(layout: &Layout, state: &StateDir) -> Result<Machine, LabError> {
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
    let image = scratch.join("image");
    folder(&image)?;
    mount_hostfs(&layout.image, &image, MsFlags::MS_RDONLY)?;
    folder(state.dir())?;
    mount_hostfs(state.dir(), state.dir(), none)?;
    let modules = PathBuf::from(UML_MODULES);
    let seen = image.join(ROOT).join("lib/modules");
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
    Ok(Machine {
        state: state.clone(),
        image,
        scratch,
        modules: Some(modules),
        kernel: Kernel::Uml,
    })
}

/// A folder of the machine that carries user-mode Linux.
fn mount_hostfs(from: &Path, at: &Path, flags: MsFlags) -> Result<(), LabError> {
    mount(Some("none"), at, Some("hostfs"), flags, Some(from)).map_err(LabError::nix(format!(
        "{}: cannot be mounted from the machine",
        at.display()
    )))
}

fn prepare_native(layout: &Layout, state: &StateDir) -> Result<Machine, LabError> {
    // Held open, since what they lie in is covered next.
    let held = [hold(&layout.image)?, hold(state.dir())?];
    let none = MsFlags::empty();
    // A fresh sysfs shows the lab's network namespace; control groups are ours from the lab's group down.
    let _ = umount2("/sys", MntFlags::MNT_DETACH);
    mount_at("sysfs", Path::new("/sys"), none, "")?;
    mount_at("cgroup2", Path::new("/sys/fs/cgroup"), none, "")?;
    let scratch = temporary_folders("mode=0755")?;
    let image = scratch.join("image");
    let [held_image, held_state] = &held;
    show(held_image, &image)?;
    show(held_state, state.dir())?;
    let modules = PathBuf::from("/lib/modules");
    Ok(Machine {
        state: state.clone(),
        image,
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
/// In user-mode Linux, where a module takes 70 ms, hosts load what they want, as they would on a machine of their own.
fn load_modules(machine: &Machine) -> Result<(), LabError> {
    if machine.kernel == Kernel::Native {
        let _ = run(program("modprobe")
            .args(["-q", "-a"])
            .args(OWN_MODULES)
            .args(HOST_MODULES));
        return Ok(());
    }
    let root = machine.image.join(ROOT);
    let mut command = program("chroot");
    command
        .arg(&root)
        .args(["/sbin/modprobe", "-q", "-a"])
        .args(OWN_MODULES);
    if let Err(error) = run(&mut command) {
        super::log(&format!("{error}"));
    }
    // For what the kernel asks for by itself later on.
    let helper = machine.scratch.join("modprobe");
    let text = format!(
        "#!/bin/sh\nexec chroot {} /sbin/modprobe \"$@\"\n",
        root.display()
    );
    let what = || LabError::io("the kernel's module helper cannot be set");
    fs::write(&helper, text).map_err(what())?;
    fs::set_permissions(&helper, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .map_err(what())?;
    fs::write("/proc/sys/kernel/modprobe", helper.display().to_string()).map_err(what())
}

/// Bridges inside user-mode Linux, each with the NIC that leads to this machine's end where there is one.
fn make_bridges(layout: &Layout) -> Result<(), LabError> {
    let mut lines = vec!["link set lo up".to_owned()];
    let mut attached = 0;
    for network in &layout.networks {
        lines.push(bridge_line(&network.link));
        if network.attached {
            lines.push(format!("link set vec{attached} master {} up", network.link));
            attached += 1;
        }
    }
    ip_batch(None, &lines)
}
