//! The init program proper, process 1 of user-mode Linux or of the guard's namespace: starts every host, starts again
//! those that reboot, collects what dies.

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};

use super::super::error::LabError;
use super::super::layout::{Kernel, Layout};
use super::super::state::StateDir;
use super::super::status::PowerState;
use super::host::Host;
use super::machine::prepare;

pub(super) fn run(state: &StateDir) -> Result<(), LabError> {
    let layout = state.layout()?;
    let result = start_and_watch(&layout, state);
    if layout.kernel == Kernel::Uml
        && let Err(error) = &result
    {
        // Else the kernel buries the reason under its own words about the death of its init.
        super::complain(error);
        let _ = nix::sys::reboot::reboot(nix::sys::reboot::RebootMode::RB_POWER_OFF);
    }
    result
}

fn start_and_watch(layout: &Layout, state: &StateDir) -> Result<(), LabError> {
    let machine = prepare(layout, state)?;
    println!(
        "lab: the machine is prepared; starting {} hosts",
        layout.hosts.len()
    );
    let mut hosts: Vec<_> = layout
        .hosts
        .iter()
        .map(|h| Host::new(&machine, h))
        .collect();
    for host in &mut hosts {
        host.make_root()?;
        host.start()?;
    }
    loop {
        let (pid, code) = match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) => (pid, Some(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, killed(signal)),
            // No host is left; the machine stays, until it is taken down.
            Err(nix::Error::ECHILD) => {
                nix::unistd::pause();
                continue;
            }
            Ok(_) | Err(_) => continue,
        };
        let Some(host) = hosts.iter_mut().find(|h| h.is_process(pid.as_raw())) else {
            continue;
        };
        if let Err(error) = host.ended(code) {
            super::log(&format!("{error}"));
            host.note(PowerState::Failed)?;
        }
    }
}

fn killed(signal: Signal) -> Option<i32> {
    super::log(&format!("a host's container was ended by {signal}"));
    None
}
