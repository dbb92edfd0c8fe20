//! CPU time, for bounds that hold on a busy machine too.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// What this thread has used since it began.
pub(crate) fn of_thread() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("getrusage(2) of this thread");
    let used = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(used).unwrap_or_default())
}
