//! Running a decision on hosts: probe, lock, steps, and the proof that nothing is left to do. What is decided is
//! [`crate::plan`]'s part; how hosts are reached, [`crate::transport`]'s.

pub mod fleet;
pub mod guard;
pub mod host;
mod host_error;
pub mod leftovers;
pub mod lock;
pub mod progress;
pub mod question;
pub mod steady;
mod steps;
pub mod this_machine;
pub mod unconverged;
pub mod wait_converged;

pub use fleet::Fleet;
pub use host::HostRun;
pub use host_error::HostError;
pub use progress::Progress;
