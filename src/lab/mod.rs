//! The lab: an inventory's hosts on this machine, as systemd containers behind a network namespace of the lab's own,
//! on this machine's kernel where it has IPVS, else inside user-mode Linux or QEMU.
//! Clusters, and the programs on their hosts, are not known here.
//!
//! The steps of a lab: [`spec`] (its hosts and networks) → `layout` (every name, address and MAC; pure) → `up` (files, keys,
//! namespace) → `init::guard` (one process that owns all others) → `init::hosts` (the same under every kernel).

mod access;
mod cgroup;
mod check;
mod choice;
mod down;
mod error;
pub mod from_cluster;
mod hostfiles;
mod image;
mod init;
mod kernel;
mod keys;
mod layout;
mod netns;
mod options;
mod process;
mod qemu;
mod requirements;
mod rootfs;
pub mod spec;
mod stall;
mod state;
mod status;
mod tool;
mod trial;
mod uml;
mod up;
mod wait;

pub use access::{LabAccess, command, enter, exec, output, ssh};
pub use down::{Down, down};
pub use error::LabError;
pub use init::main as init_main;
pub use kernel::Kernel;
pub use options::{KernelChoice, LabEvent, UpOptions};
pub use process::INIT_COMMAND;
pub use requirements::{Missing, PACKAGES, requirements};
pub use rootfs::DEFAULT_CACHE;
pub use status::{HostStatus, LabStatus, NetworkStatus, PowerState, list, status};
pub use up::up;
pub use wait::{boot_ids, start, wait_off, wait_ready, wait_rebooted};
