//! How long a lab has made no progress. Waits for hosts are bounded by that, since a busy machine may need any time to
//! boot.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::layout::Layout;
use super::state::StateDir;

/// How many times the time without progress a wait may take in all: a host that boots over and over prints all the time.
const LONGEST: u32 = 10;

/// How often the logs are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Shared by all who wait for hosts of one lab.
pub(super) struct Stall {
    /// What grows while the machine or a host boots.
    logs: Vec<PathBuf>,
    started: Instant,
    seen: Mutex<Seen>,
}

struct Seen {
    length: u64,
    looked: Instant,
    progressed: Instant,
}

impl Stall {
    pub(super) fn of(state: &StateDir, layout: &Layout) -> Self {
        let hosts = layout
            .hosts
            .iter()
            .map(|host| state.host_console(&host.name));
        Self::watching(std::iter::once(state.console()).chain(hosts).collect())
    }

    fn watching(logs: Vec<PathBuf>) -> Self {
        let now = Instant::now();
        let stall = Self {
            logs,
            started: now,
            seen: Mutex::new(Seen {
                length: 0,
                looked: now,
                progressed: now,
            }),
        };
        let length = stall.length();
        stall
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .length = length;
        stall
    }

    fn length(&self) -> u64 {
        let lengths = self
            .logs
            .iter()
            .filter_map(|log| std::fs::metadata(log).ok());
        lengths.map(|log| log.len()).sum()
    }

    /// A host is ready, which no log shows.
    pub(super) fn progress(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.progressed = Instant::now();
    }

    /// How long the lab has been waited for.
    pub(super) fn waited(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether a wait is over, in which `timeout` may pass without progress.
    pub(super) fn over(&self, timeout: Duration) -> bool {
        self.waited() > LONGEST * timeout || self.lasts() > timeout
    }

    /// The time since anything was printed or a host became ready.
    fn lasts(&self) -> Duration {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.looked.elapsed() >= LOOK {
            seen.looked = Instant::now();
            let length = self.length();
            if length != seen.length {
                seen.length = length;
                seen.progressed = Instant::now();
            }
        }
        seen.progressed.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_grows_and_a_host_that_is_ready_end_a_stall() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("console.log");
        let stall = Stall::watching(vec![log.clone(), folder.path().join("not yet")]);
        let back = |seconds| {
            let mut seen = stall.seen.lock().unwrap();
            let before = Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap();
            (seen.looked, seen.progressed) = (before, before);
        };
        back(60);
        assert!(stall.lasts() >= Duration::from_secs(60));
        std::fs::write(&log, "[  OK  ]").unwrap();
        back(60);
        assert!(stall.lasts() < Duration::from_secs(10));
        back(60);
        assert!(stall.lasts() >= Duration::from_secs(60));
        stall.progress();
        assert!(stall.lasts() < Duration::from_secs(10));
    }

    #[test]
    fn progress_without_end_ends_the_wait() {
        let mut stall = Stall::watching(Vec::new());
        let minute = Duration::from_secs(60);
        assert!(!stall.over(minute));
        stall.started = Instant::now().checked_sub(LONGEST * minute).unwrap();
        stall.progress();
        assert!(stall.over(minute));
    }
}
