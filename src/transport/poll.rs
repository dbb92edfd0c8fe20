//! Waiting for file descriptors until a deadline; a signal in between is no reason to stop.

use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollTimeout, poll};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    Ready,
    Deadline,
}

/// What is tried again later.
pub(super) fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

pub(super) fn wait(fds: &mut [PollFd<'_>], deadline: Instant) -> io::Result<Ready> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Ready::Deadline);
        }
        // Rounded up, so that the last millisecond is not spent spinning.
        let millis =
            PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(fds, millis) {
            Ok(0) => {}
            Ok(_) => return Ok(Ready::Ready),
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}
