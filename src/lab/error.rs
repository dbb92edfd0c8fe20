//! Errors of the lab, each with its fix.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::kernel::Kernel;
use super::requirements::Missing;

#[derive(Debug, thiserror::Error)]
pub enum LabError {
    #[error("the lab cannot be made so: {0}")]
    Spec(String),
    #[error("this machine lacks what the lab needs: {}; fix: {}", list(.0), Missing::remedy(.0))]
    Missing(Vec<Missing>),
    #[error("no lab named {name} is up; {}", others(.existing))]
    NoSuchLab { name: String, existing: Vec<String> },
    #[error("lab {lab} has no host {host}; its hosts: {}", .hosts.join(", "))]
    NoSuchHost {
        lab: String,
        host: String,
        hosts: Vec<String>,
    },
    #[error("lab {0} is up already; end it first with: lvsctl lab down --name {0}")]
    AlreadyUp(String),
    #[error("another lvsctl is at work on lab {0}; wait for it, or end it")]
    Busy(String),
    #[error(
        "lab {0} is not running: its machine has ended; clear it with: lvsctl lab down --name {0}"
    )]
    Ended(String),
    #[error("{what}")]
    Io {
        what: String,
        #[source]
        source: io::Error,
    },
    #[error(
        "{path}: not the state of a lab that this lvsctl can read; it may be of another version: end the lab with \
         `lvsctl lab down --name NAME`",
        path = .path.display()
    )]
    State {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("{command} failed ({status}){}", tail(.output))]
    Command {
        command: String,
        status: String,
        output: String,
    },
    #[error("{host}: not ready after {} s: {reason}{}", .waited.as_secs(), tail(.console))]
    NotReady {
        host: String,
        waited: Duration,
        reason: String,
        console: String,
    },
    #[error("{what} ended before the lab was up{}", tail(.console))]
    Died { what: String, console: String },
    #[error(
        "{kernel} does not start on this machine; take another kernel with --kernel, or read what it printed: {}",
        .log.display()
    )]
    DoesNotStart { kernel: Kernel, log: PathBuf },
    #[error("the lab's machine ended before the lab was up{}; what it printed: {}", reason(.said), .log.display())]
    MachineEnded { said: String, log: PathBuf },
    #[error("interrupted")]
    Interrupted,
}

impl LabError {
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(super) fn nix(what: impl Into<String>) -> impl FnOnce(nix::Error) -> Self {
        let what = what.into();
        move |errno| Self::Io {
            what,
            source: errno.into(),
        }
    }
}

impl LabError {
    /// Before the state of a failed lab is removed: its log goes to the cache, and the error names it there.
    pub(super) fn with_log_kept(self, cache: &Path, lab: &str) -> Self {
        match self {
            Self::MachineEnded { said, log } => {
                let kept = cache.join(format!("failed-{lab}.log"));
                let copied = std::fs::copy(&log, &kept).is_ok();
                let log = if copied { kept } else { log };
                Self::MachineEnded { said, log }
            }
            other => other,
        }
    }
}

fn list(missing: &[Missing]) -> String {
    let words: Vec<_> = missing.iter().map(|m| m.what.as_str()).collect();
    words.join(", ")
}

fn others(existing: &[String]) -> String {
    if existing.is_empty() {
        "none is; start one with: lvsctl lab up".to_owned()
    } else {
        format!(
            "start it with: lvsctl lab up; those that are up: {}",
            existing.join(", ")
        )
    }
}

fn reason(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}

fn tail(text: &str) -> String {
    let text = text.trim_end();
    if text.is_empty() {
        String::new()
    } else {
        format!("; last output:\n{text}")
    }
}
