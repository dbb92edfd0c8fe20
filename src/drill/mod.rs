//! Drills: what they do to a host and how a host undoes it by itself. Pure; waiting and measuring are
//! [`crate::command`]'s part.

mod effect;
mod filter;
mod guard;

pub(crate) use effect::{Effect, Seen, is_restored};
pub(crate) use filter::{Blocked, without_vrrp};
pub(crate) use guard::{Guarded, arm, now, reboot};
