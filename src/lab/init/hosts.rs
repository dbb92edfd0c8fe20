//! The lab's init program, process 1 of the lab's machine or of the guard's namespace: starts every host, restarts hosts that
//! reboot, and reaps dead processes.

use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::super::error::LabError;
use super::super::layout::Layout;
use super::super::state::StateDir;
use super::super::status::PowerState;
use super::host::Host;
use super::machine::prepare;

const LOOK: Duration = Duration::from_millis(200);

pub(super) fn run(state: &StateDir) -> Result<(), LabError> {
    let layout = state.layout()?;
    let result = start_and_watch(&layout, state);
    if layout.kernel.is_guest()
        && let Err(error) = &result
    {
        // Else the kernel buries the reason under messages about the death of its init.
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
        // A host that is off is started by a file, which on the machine's file system must be looked for.
        let off = hosts.iter().any(|h| !h.is_on());
        let flags = off.then_some(WaitPidFlag::WNOHANG);
        let (pid, code) = match waitpid(None, flags) {
            Ok(WaitStatus::Exited(pid, code)) => (pid, Some(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, killed(signal)),
            Ok(WaitStatus::StillAlive) | Err(nix::Error::ECHILD) => {
                std::thread::sleep(LOOK);
                for host in hosts.iter_mut().filter(|h| !h.is_on() && h.start_asked()) {
                    let result = host.start();
                    settle(host, result)?;
                }
                continue;
            }
            Ok(_) | Err(_) => continue,
        };
        if let Some(host) = hosts.iter_mut().find(|h| h.is_process(pid.as_raw())) {
            let result = host.ended(code);
            settle(host, result)?;
        }
    }
}

/// Records a host's failure, which must not end the other hosts.
fn settle(host: &mut Host<'_>, result: Result<(), LabError>) -> Result<(), LabError> {
    if let Err(error) = result {
        super::complain(&error);
        host.note(PowerState::Failed)?;
    }
    Ok(())
}

fn killed(signal: Signal) -> Option<i32> {
    super::log(&format!("a host's container was ended by {signal}"));
    None
}
