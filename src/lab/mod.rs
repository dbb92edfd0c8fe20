//! The lab: an inventory's hosts on this machine, as systemd containers behind a network namespace of the lab's own,
//! on this machine's kernel where it has IPVS and inside user-mode Linux where it has not.
//! What a cluster is, and what runs on its hosts, is not known here.
//!
//! The way of a lab: [`spec`] (what is wanted) → `layout` (every name, address and MAC; pure) → `up` (files, keys,
//! namespace) → `init::guard` (one process that owns all others) → `init::hosts` (the same in both kernels).

mod access;
mod cgroup;
mod check;
mod down;
mod error;
pub mod from_cluster;
mod hostfiles;
mod init;
mod kernel;
mod keys;
mod layout;
mod netns;
mod process;
mod requirements;
mod rootfs;
pub mod spec;
mod state;
mod status;
mod tool;
mod up;
mod wait;

pub use access::{LabAccess, command, enter, exec, output, ssh};
pub use down::{Down, down};
pub use error::LabError;
pub use init::main as init_main;
pub use kernel::Kernel;
pub use process::INIT_COMMAND;
pub use requirements::{Missing, PACKAGES, requirements};
pub use rootfs::DEFAULT_CACHE;
pub use status::{HostStatus, LabStatus, NetworkStatus, PowerState, list, status};
pub use up::{KernelChoice, LabEvent, UpOptions, probe_kernel, up};
pub use wait::{Cancel, boot_ids, start, wait_off, wait_ready, wait_rebooted};
