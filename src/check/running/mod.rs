//! Processes of the daemons that LVS needs, from /proc, compared with their configuration. The content of the configuration
//! is for other checks.

pub(super) mod checker;
pub(super) mod keepalived;
pub(super) mod loaded;
pub(super) mod server;

pub(super) use checker::CHECKER_RUNNING;
pub(super) use keepalived::KEEPALIVED_RUNNING;
pub(super) use loaded::KEEPALIVED_LOADED;
pub(super) use server::SERVER_RUNNING;

use super::Cause;
use super::findings::Mismatch;
use crate::fact::process::Process;
use crate::resource::service_manager::service;

/// Something wrong with the processes of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub what: &'static str,
    pub expected: String,
    pub found: String,
    pub fix: String,
    pub warning: bool,
}

impl Fault {
    fn new(
        what: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            what,
            expected: expected.into(),
            found: found.into(),
            fix: fix.into(),
            warning: false,
        }
    }

    fn mismatch(&self, unit: &str) -> Mismatch {
        let mismatch = Mismatch::new(self.expected.clone(), self.found.clone(), self.fix.clone());
        let mismatch = if self.warning {
            mismatch.warning()
        } else {
            mismatch
        };
        mismatch.because(Some(Cause::Unit(unit.to_owned())))
    }
}

fn pids<'a>(processes: impl IntoIterator<Item = &'a Process>) -> String {
    let all: Vec<String> = processes
        .into_iter()
        .map(|process| process.pid.to_string())
        .collect();
    all.join(" ")
}

/// Processes that are stopped or frozen, and the command that continues them.
fn held_up(unit: &str, processes: &[&Process]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let of =
        |is: fn(&Process) -> bool| processes.iter().copied().filter(move |process| is(process));
    let stopped: Vec<&Process> = of(|process| process.state == 'T').collect();
    let name = service(unit);
    if !stopped.is_empty() {
        let pids = pids(stopped.iter().copied());
        let named: Vec<String> = stopped
            .iter()
            .map(|process| format!("{} (pid {})", process.name, process.pid))
            .collect();
        faults.push(Fault::new(
            "processes",
            format!("all processes of {name} to run"),
            format!("stopped by a signal (state T): {}", named.join(", ")),
            format!("`kill -CONT {pids}`"),
        ));
    }
    for process in of(|process| process.state == 't') {
        let pid = process.pid;
        faults.push(Fault::new(
            "processes",
            format!("all processes of {name} to run"),
            format!("{} (pid {pid}) is held by a debugger (state t)", process.name),
            format!("end the debugger: `kill \"$(awk '/^TracerPid/ {{ print $2 }}' /proc/{pid}/status)\"`"),
        ));
    }
    if let Some(process) = of(|process| process.frozen).next() {
        faults.push(Fault::new(
            "processes",
            format!("all processes of {name} to run"),
            format!("its control group {} is frozen", process.group),
            format!(
                "`systemctl thaw {name}; echo 0 >/sys/fs/cgroup{}/cgroup.freeze`",
                process.group
            ),
        ));
    }
    for process in of(|process| process.state == 'D') {
        let pid = process.pid;
        faults.push(Fault::new(
            "processes",
            format!("all processes of {name} to run"),
            format!("{} (pid {pid}) waits in the kernel and cannot be interrupted (state D)", process.name),
            format!("see what it waits for: `cat /proc/{pid}/stack`, and `dmesg` for a disk or NFS server that does not answer"),
        ));
    }
    faults
}
