//! A process that the lab started, identified by pid and start time, so that no other process with its pid is ended.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// The hidden command: `lvsctl lab-init guard|hosts STATE-DIR`.
pub const INIT_COMMAND: &str = "lab-init";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessRecord {
    pub pid: i32,
    /// In clock ticks since the machine's boot, as the kernel reports it.
    pub start_time: u64,
}

impl ProcessRecord {
    pub(super) fn of(pid: i32) -> io::Result<Self> {
        let (_, start_time) =
            stat(pid).ok_or_else(|| io::Error::other(format!("no process {pid}")))?;
        Ok(Self { pid, start_time })
    }

    /// Whether it runs, and is not a zombie.
    pub(super) fn alive(&self) -> bool {
        stat(self.pid)
            .is_some_and(|(state, start)| start == self.start_time && state != 'Z' && state != 'X')
    }

    /// Kills it and waits for its end; returns whether it has ended.
    pub(super) fn end(&self, patience: Duration) -> io::Result<bool> {
        let Some(handle) = pidfd(self.pid)? else {
            return Ok(true);
        };
        // The handle pins the process, so what is true of the pid now is true of the handle.
        if !self.alive() {
            return Ok(true);
        }
        signal(&handle)?;
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(
            std::os::fd::AsFd::as_fd(&handle),
            PollFlags::POLLIN,
        )];
        poll(&mut fds, timeout)?;
        let gone = !self.alive();
        // Ours when the same process brought the lab up: then no other process would collect it.
        let pid = nix::unistd::Pid::from_raw(self.pid);
        let _ = nix::sys::wait::waitpid(pid, Some(nix::sys::wait::WaitPidFlag::WNOHANG));
        Ok(gone)
    }
}

fn pidfd(pid: i32) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = Pid::from_raw(pid) else {
        return Ok(None);
    };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::SRCH) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn signal(handle: &OwnedFd) -> io::Result<()> {
    match pidfd_send_signal(handle, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// State and start time. The command's name may hold anything, hence the search from the end.
fn stat(pid: i32) -> Option<(char, u64)> {
    parse_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<(char, u64)> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let start = fields.nth(18)?.parse().ok()?;
    Some((state, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_behind_any_name() {
        let line = "7 (a ) Z (b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1 0";
        assert_eq!(parse_stat(line), Some(('S', 4711)));
        assert_eq!(parse_stat("7 (x) S 1"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn only_the_recorded_process_is_ended() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let record = ProcessRecord::of(pid).unwrap();
        let other = ProcessRecord {
            pid,
            start_time: record.start_time + 1,
        };
        assert!(other.end(Duration::from_secs(1)).unwrap());
        assert!(record.alive(), "another start time is another process");
        assert!(record.end(Duration::from_secs(5)).unwrap());
        assert!(!record.alive());
        let _ = child.wait();
        assert!(
            record.end(Duration::from_secs(1)).unwrap(),
            "gone already is no error"
        );
    }
}
