//! The lab's guard: owns a process and a mount namespace in which the whole lab runs, so that the lab ends with it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pipe};

use super::super::cgroup;
use super::super::error::LabError;
use super::super::kernel::Kernel;
use super::super::layout::{Layout, QemuLayout};
use super::super::process::INIT_COMMAND;
use super::super::process::ProcessRecord;
use super::super::state::{StateDir, write_json};
use super::super::{qemu, uml};
use super::hosts;

pub(super) fn run(state: &StateDir) -> Result<(), LabError> {
    // The process must have no effects until its starter has recorded it.
    if !released(&mut io::stdin())? {
        return Ok(());
    }
    let layout = state.layout()?;
    if layout.kernel == Kernel::Native {
        join_cgroup(&layout.name)?;
    }
    unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC)
        .map_err(LabError::nix("the guard's namespaces cannot be made"))?;
    if layout.kernel == Kernel::Native {
        unshare(CloneFlags::CLONE_NEWCGROUP)
            .map_err(LabError::nix("no control group namespace"))?;
    }
    let (gate, opener) = pipe().map_err(LabError::nix("no pipe"))?;
    // SAFETY: the process has one thread.
    let forked = unsafe { fork() }.map_err(LabError::nix("the guard cannot fork"))?;
    match forked {
        ForkResult::Child => {
            drop(opener);
            inner(state, &layout, gate)
        }
        ForkResult::Parent { child } => {
            drop(gate);
            outer(state, child, opener)
        }
    }
}

/// Waits for the starter's signal; returns false if the starter has ended instead.
fn released(from: &mut impl Read) -> Result<bool, LabError> {
    let mut byte = [0];
    let count = from
        .read(&mut byte)
        .map_err(LabError::io("the guard hears nothing"))?;
    Ok(count == 1)
}

/// Records the inner process, releases it, and waits for its end.
fn outer(state: &StateDir, child: Pid, opener: OwnedFd) -> Result<(), LabError> {
    let what = || LabError::io("the guard cannot note its child");
    let record = ProcessRecord::of(child.as_raw()).map_err(what())?;
    write_json(&state.inner(), &record).map_err(what())?;
    File::from(opener).write_all(b"\n").map_err(what())?;
    let status = loop {
        match waitpid(child, None) {
            Err(nix::Error::EINTR) => {}
            other => break other,
        }
    };
    super::log(&format!("the machine ended: {status:?}"));
    Ok(())
}

/// Process 1 of the new namespace.
fn inner(state: &StateDir, layout: &Layout, gate: OwnedFd) -> Result<(), LabError> {
    let what = "the lab's machine cannot be prepared";
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(LabError::nix(what))?;
    if !released(&mut File::from(gate))? {
        return Ok(());
    }
    mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        None::<&str>,
    )
    .map_err(LabError::nix(what))?;
    mount(
        Some("proc"),
        "/proc",
        Some("proc"),
        MsFlags::empty(),
        None::<&str>,
    )
    .map_err(LabError::nix(what))?;
    match layout.kernel {
        Kernel::Native => hosts::run(state),
        Kernel::Uml | Kernel::Qemu => machine(state, layout),
    }
}

/// Starts the machine in which the hosts live, and waits for its end.
fn machine(state: &StateDir, layout: &Layout) -> Result<(), LabError> {
    let mut command = match &layout.qemu {
        None => user_mode_linux(state, layout)?,
        Some(qemu) => in_qemu(state, layout, qemu),
    };
    let child = command
        .stdin(Stdio::null())
        .spawn()
        .map_err(LabError::io(format!("{} cannot be run", layout.kernel)))?;
    let pid = i32::try_from(child.id()).unwrap_or(-1);
    // As process 1 it also collects what user-mode Linux leaves behind.
    loop {
        match waitpid(None, Some(WaitPidFlag::empty())) {
            Ok(WaitStatus::Exited(who, code)) if who.as_raw() == pid => {
                super::log(&format!("{} ended with status {code}", layout.kernel));
                return Ok(());
            }
            Ok(WaitStatus::Signaled(who, signal, _)) if who.as_raw() == pid => {
                super::log(&format!("{} was ended by {signal}", layout.kernel));
                return Ok(());
            }
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(errno) => return Err(LabError::nix("waiting for the lab's machine")(errno)),
        }
    }
}

fn taps(layout: &Layout) -> Vec<&str> {
    let attached = layout.networks.iter().filter(|n| n.attached);
    attached.map(|n| n.link.as_str()).collect()
}

fn user_mode_linux(state: &StateDir, layout: &Layout) -> Result<Command, LabError> {
    executable(state.dir())?;
    let memory = state.memory();
    let size = format!("size={}m,mode=0700", layout.memory_mib + 64);
    mount(
        Some("tmpfs"),
        &memory,
        Some("tmpfs"),
        MsFlags::empty(),
        Some(size.as_str()),
    )
    .map_err(LabError::nix(
        "the memory of user-mode Linux cannot be mounted",
    ))?;
    let boot = uml::Boot {
        memory_mib: layout.memory_mib,
        quiet: true,
        preload: &state.preload(),
        folder: &state.uml(),
        memory: &memory,
        init: &state.program(),
        init_arguments: &[INIT_COMMAND, "hosts", &state.dir().to_string_lossy()],
        taps: &taps(layout),
    };
    Ok(boot.command())
}

/// Allows this mount namespace to run what is in a folder, where /run is mounted noexec.
fn executable(folder: &Path) -> Result<(), LabError> {
    let what = || LabError::nix(format!("{}: cannot be made executable", folder.display()));
    let again = |flags| mount(Some(folder), folder, None::<&str>, flags, None::<&str>);
    again(MsFlags::MS_BIND).map_err(what())?;
    again(MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_NOSUID | MsFlags::MS_NODEV)
        .map_err(what())
}

fn in_qemu(state: &StateDir, layout: &Layout, qemu: &QemuLayout) -> Command {
    let boot = qemu::Boot {
        memory_mib: layout.memory_mib,
        kvm: qemu.kvm,
        kernel: &layout.cache.join(&qemu.kernel),
        cache: &layout.cache,
        state: state.dir(),
        init: &state.program(),
        init_arguments: &[INIT_COMMAND, "hosts", &state.dir().to_string_lossy()],
        taps: &taps(layout),
    };
    boot.command()
}

/// Moves into a control group of the lab's own, below which its hosts make theirs.
fn join_cgroup(lab: &str) -> Result<(), LabError> {
    let Some(root) = cgroup::unified() else {
        return Err(LabError::Spec(
            "this machine has no control groups of version 2 mounted (mount -t cgroup2 cgroup2 /sys/fs/cgroup), \
             which a lab on this machine's kernel needs"
                .to_owned(),
        ));
    };
    let group: &Path = &root.join(cgroup::name(lab));
    let what = || LabError::io(format!("{}: cannot be used", group.display()));
    std::fs::create_dir_all(group).map_err(what())?;
    std::fs::write(group.join("cgroup.procs"), "0").map_err(what())
}
