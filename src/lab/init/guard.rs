//! The guard: owns a process and a mount namespace in which all of the lab runs, so that its end is the end of all.

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
use super::super::layout::Layout;
use super::super::process::INIT_COMMAND;
use super::super::process::ProcessRecord;
use super::super::state::{StateDir, write_json};
use super::hosts;

pub(super) fn run(state: &StateDir) -> Result<(), LabError> {
    // Until the starter has noted this process, it must not leave a trace.
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

/// Whether the one at the other end said go, rather than died.
fn released(from: &mut impl Read) -> Result<bool, LabError> {
    let mut byte = [0];
    let count = from
        .read(&mut byte)
        .map_err(LabError::io("the guard hears nothing"))?;
    Ok(count == 1)
}

/// Notes the inner process, lets it go, and waits for it.
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
        Kernel::Uml => user_mode_linux(state, layout),
    }
}

fn user_mode_linux(state: &StateDir, layout: &Layout) -> Result<(), LabError> {
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
    let mut command = Command::new("linux.uml");
    command
        .args(kernel_arguments(state, layout))
        .env("TMPDIR", &memory)
        .stdin(Stdio::null());
    let child = command.spawn().map_err(LabError::io(
        "linux.uml cannot be run (package user-mode-linux)",
    ))?;
    let pid = i32::try_from(child.id()).unwrap_or(-1);
    // As process 1 it also collects what user-mode Linux leaves behind.
    loop {
        match waitpid(None, Some(WaitPidFlag::empty())) {
            Ok(WaitStatus::Exited(who, code)) if who.as_raw() == pid => {
                super::log(&format!("user-mode Linux ended with status {code}"));
                return Ok(());
            }
            Ok(WaitStatus::Signaled(who, signal, _)) if who.as_raw() == pid => {
                super::log(&format!("user-mode Linux was ended by {signal}"));
                return Ok(());
            }
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(errno) => return Err(LabError::nix("waiting for user-mode Linux")(errno)),
        }
    }
}

fn kernel_arguments(state: &StateDir, layout: &Layout) -> Vec<String> {
    let mut words: Vec<String> = [
        "root=/dev/root",
        "rootfstype=hostfs",
        "rootflags=/",
        "ro",
        "con=null",
        "con0=null,fd:1",
        "quiet",
        "selinux=0",
        "panic=-1",
        "noreboot",
        "umid=machine",
    ]
    .map(str::to_owned)
    .into();
    words.push(format!("mem={}M", layout.memory_mib));
    words.push(format!("uml_dir={}", state.uml().display()));
    words.push(format!("init={}", state.program().display()));
    for (index, network) in layout.networks.iter().filter(|n| n.attached).enumerate() {
        words.push(format!(
            "vec{index}:transport=tap,ifname={},depth=128,gro=1",
            network.link
        ));
    }
    words.push("--".to_owned());
    words.push(INIT_COMMAND.to_owned());
    words.push("hosts".to_owned());
    words.push(state.dir().display().to_string());
    words
}

/// Moves into a control group of the lab's own, below which its hosts make theirs.
fn join_cgroup(lab: &str) -> Result<(), LabError> {
    let Some(root) = cgroup::unified() else {
        return Err(LabError::Spec(
            "this machine has no control groups of version 2 mounted (mount -t cgroup2 cgroup2 /sys/fs/cgroup), \
             which a lab on its own kernel needs"
                .to_owned(),
        ));
    };
    let group: &Path = &root.join(cgroup::name(lab));
    let what = || LabError::io(format!("{}: cannot be used", group.display()));
    std::fs::create_dir_all(group).map_err(what())?;
    std::fs::write(group.join("cgroup.procs"), "0").map_err(what())
}
