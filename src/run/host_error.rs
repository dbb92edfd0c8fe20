//! Errors of one host in a run. Errors of the connection are in [`crate::transport`].

use crate::probe::ProbeError;
use crate::role::RoleError;
use crate::secret;
use crate::transport::TransportError;

/// Why the work on a host ended early. The caller adds the host's name.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("cannot reach the host: {0}")]
    Connect(#[source] TransportError),
    #[error("while {doing}: {source}")]
    Transport {
        doing: String,
        /// Index of the step, from 0; None: outside of steps.
        step: Option<usize>,
        source: Box<TransportError>,
    },
    #[error("{0}")]
    Probe(#[from] ProbeError),
    #[error("{}", .0.join("; "))]
    Obstacles(Vec<String>),
    #[error(
        "another run holds the lock: {holder}; wait for it, or see with `ps` on the host whether it still lives"
    )]
    Locked { holder: String },
    #[error("the step {title:?} failed with status {status}: {}", tail(.stderr))]
    Step {
        /// From 0.
        index: usize,
        title: String,
        status: i32,
        stderr: String,
    },
    #[error("all steps were done, and these still differ: {}; `plan` shows how", .0.join(", "))]
    StillDiffers(Vec<String>),
    #[error("the cluster did not converge with the new state of this director: {}", .0.join("; "))]
    Unconverged(Vec<String>),
    #[error("interrupted before the step {next:?}; {done} of {of} steps are done")]
    Interrupted {
        next: String,
        done: usize,
        of: usize,
    },
    #[error("left before the step {next:?}, as another host failed; {done} of {of} steps are done")]
    Halted {
        next: String,
        done: usize,
        of: usize,
    },
    #[error("{doing}: {said}")]
    Guard { doing: String, said: String },
    #[error("the change is not confirmed by a new connection: {0}")]
    Unconfirmed(String),
    #[error(
        "{cause}; the host restores its old state by itself in at most {seconds} s, about {at}, unless `lvsctl apply` ends \
         well on it before"
    )]
    WillRestore {
        cause: Box<HostError>,
        seconds: u64,
        at: String,
    },
    #[error("{cause}; the previous state of this director was put back")]
    RolledBack { cause: Box<HostError> },
    #[error("{cause}; the previous state of this director could not be put back: {why}")]
    NotRolledBack { cause: Box<HostError>, why: String },
    #[error(transparent)]
    Secret(#[from] secret::MissingSecret),
    #[error(transparent)]
    Role(#[from] RoleError),
}

impl HostError {
    /// Stable identifier of the error for scripts; of a connection error, that of the transport.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect(error) => error.kind(),
            Self::Transport { source, .. } => source.kind(),
            Self::Probe(_) => "probe",
            Self::Obstacles(_) => "unsuitable-host",
            Self::Locked { .. } => "locked",
            Self::Step { .. } => "step-failed",
            Self::StillDiffers(_) | Self::Unconverged(_) => "not-converged",
            Self::Interrupted { .. } => "interrupted",
            Self::Halted { .. } => "halted",
            Self::Guard { .. } => "guard",
            Self::Unconfirmed(_) => "not-confirmed",
            Self::WillRestore { cause, .. }
            | Self::RolledBack { cause }
            | Self::NotRolledBack { cause, .. } => cause.kind(),
            Self::Secret(_) => "secret",
            Self::Role(_) => "role",
        }
    }

    /// The number of steps that the host had done; None: not known.
    pub fn steps_done(&self, of: usize) -> Option<usize> {
        match self {
            // These errors occur only after the last step.
            Self::StillDiffers(_) | Self::Unconverged(_) | Self::Probe(_) => Some(of),
            Self::Step { index, .. } => Some(*index),
            Self::Transport { step, .. } => *step,
            Self::Interrupted { done, .. } | Self::Halted { done, .. } => Some(*done),
            Self::WillRestore { cause, .. } => cause.steps_done(of),
            _ => None,
        }
    }

    /// Whether the error occurred before any change was possible.
    pub fn before_any_change(&self) -> bool {
        matches!(
            self,
            Self::Connect(_)
                | Self::Probe(_)
                | Self::Role(_)
                | Self::Obstacles(_)
                | Self::Locked { .. }
        )
    }
}

/// The end of what a command said; the beginning is seldom what failed.
pub(super) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return "it said nothing".to_owned();
    }
    lines[lines.len().saturating_sub(8)..].join(" / ")
}
