//! Debian's stock kernel in QEMU, with this machine's file system as its root (9p, read-only).

mod image;

use std::path::Path;
use std::process::Command;

use super::tool::program;

pub(super) use image::{MODULES, ensure};

pub(super) const PROGRAM: &str = "qemu-system-x86_64";

/// The tags of the folders that the machine mounts.
pub(super) const CACHE_TAG: &str = "cache";
pub(super) const STATE_TAG: &str = "state";

/// What one start of QEMU needs.
pub(super) struct Boot<'a> {
    pub memory_mib: u32,
    pub kvm: bool,
    /// The folder that [`ensure`] made.
    pub kernel: &'a Path,
    /// The folder with all root file systems.
    pub cache: &'a Path,
    /// The lab's state directory, the only folder that the machine can write to.
    pub state: &'a Path,
    pub init: &'a Path,
    pub init_arguments: &'a [&'a str],
    /// Names of taps.
    pub taps: &'a [&'a str],
}

impl Boot<'_> {
    pub(super) fn command(&self) -> Command {
        let mut command = machine(self.kernel, self.kvm, self.memory_mib);
        share(&mut command, "root", Path::new("/"), true);
        share(&mut command, CACHE_TAG, self.cache, true);
        share(&mut command, STATE_TAG, self.state, false);
        for (index, tap) in self.taps.iter().enumerate() {
            command
                .arg("-netdev")
                .arg(format!(
                    "tap,id=n{index},ifname={tap},script=no,downscript=no"
                ))
                .arg("-device")
                .arg(format!("virtio-net-pci,netdev=n{index},romfile="));
        }
        let words = format!(
            "{KERNEL_WORDS} quiet net.ifnames=0 lab_init={} -- {}",
            self.init.display(),
            self.init_arguments.join(" ")
        );
        command.arg("-append").arg(words);
        command
    }
}

/// A machine that says that it runs, and ends.
pub(super) fn trial(kernel: &Path) -> Command {
    let mut command = machine(kernel, true, 256);
    command
        .arg("-append")
        .arg(format!("{KERNEL_WORDS} earlyprintk=ttyS0 lab_init=none"));
    command
}

/// `panic=-1` with `-no-reboot` ends QEMU when the kernel ends.
const KERNEL_WORDS: &str = "console=ttyS0 panic=-1 selinux=0 apparmor=0 random.trust_cpu=on";

fn machine(kernel: &Path, kvm: bool, memory_mib: u32) -> Command {
    let mut command = program(PROGRAM);
    command
        .args(["-nodefaults", "-no-user-config", "-no-reboot"])
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
        .args(["-machine", "q35", "-m"])
        .arg(format!("{memory_mib}M"));
    if kvm {
        command.args(["-accel", "kvm", "-cpu", "host", "-smp", "2"]);
    } else {
        // More threads of emulation make each process start several times slower.
        command.args(["-accel", "tcg,thread=single", "-cpu", "max", "-smp", "1"]);
    }
    command
        .arg("-kernel")
        .arg(kernel.join(image::KERNEL))
        .arg("-initrd")
        .arg(kernel.join(image::INITRD));
    command
}

fn share(command: &mut Command, tag: &str, folder: &Path, read_only: bool) {
    // A comma within an option's value is written twice.
    let path = folder.display().to_string().replace(',', ",,");
    let read_only = if read_only { ",readonly=on" } else { "" };
    command
        .arg("-fsdev")
        .arg(format!(
            "local,id={tag},path={path},security_model=passthrough,multidevs=remap{read_only}"
        ))
        .arg("-device")
        .arg(format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}"));
}
