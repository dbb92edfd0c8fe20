//! Drills: the disturbance of a host, and how the host undoes it without lvsctl. Pure. Waiting and measuring belong in
//! [`crate::command`].

mod effect;
mod filter;
mod guard;

pub(crate) use effect::{Effect, Observed, is_restored};
pub(crate) use filter::{Blocked, without_vrrp};
pub(crate) use guard::{Guarded, arm, now, reboot};
