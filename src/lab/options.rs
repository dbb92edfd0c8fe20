//! Options of `lab up`, and the events that it reports meanwhile. Plain values.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::error::LabError;
use super::kernel::Kernel;
use super::rootfs;
use crate::cancel::CancelToken;
use crate::model::Suite;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KernelChoice {
    /// This machine's kernel where it has IPVS, else user-mode Linux where it starts, else QEMU.
    #[default]
    Auto,
    Native,
    Uml,
    Qemu,
}

#[derive(Debug, Clone)]
pub struct UpOptions {
    pub kernel: KernelChoice,
    /// The Debian release of hosts that name none.
    pub suite: Suite,
    /// Memory of the lab's machine in MiB; by default by the number of hosts.
    pub memory_mib: Option<u32>,
    /// Where root file systems are kept.
    pub cache: PathBuf,
    /// The lvsctl program, which is the lab's init too.
    pub program: Option<PathBuf>,
    /// How long the lab may make no progress while its hosts boot.
    pub timeout: Duration,
    pub cancel: CancelToken,
    /// Leaves a lab that failed to come up as it is, to be looked at.
    pub keep_failed: bool,
}

impl Default for UpOptions {
    fn default() -> Self {
        Self {
            kernel: KernelChoice::Auto,
            suite: Suite::default(),
            memory_mib: None,
            cache: rootfs::DEFAULT_CACHE.into(),
            program: None,
            timeout: Duration::from_secs(120),
            cancel: CancelToken::default(),
            keep_failed: false,
        }
    }
}

/// What happens while a lab comes up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", content = "detail", rename_all = "snake_case")]
pub enum LabEvent {
    KernelChosen {
        kernel: Kernel,
        reason: String,
    },
    /// One step of the build of what hosts are made of, which happens once.
    RootFs(String),
    /// What an earlier lab of that name left was cleared.
    Cleared,
    Booting {
        hosts: usize,
    },
    HostReady {
        host: String,
    },
    Warning(String),
}

/// The lvsctl program, which is the lab's init too.
pub(super) fn own_program(program: Option<&Path>) -> Result<PathBuf, LabError> {
    match program {
        Some(path) => Ok(path.to_owned()),
        None => std::env::current_exe().map_err(LabError::io("the program lvsctl cannot be found")),
    }
}
