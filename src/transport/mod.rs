//! Reaching a host: one connection, one exec'd shell, and scripts run through it one after the other.
//! What the scripts say is not known here.
//!
//! A [`Channel`] is the raw way to a process on the host; [`session::Session`] frames scripts on top of it.

use std::time::{Duration, Instant};

/// A process on a host with its three streams. Implementations drain both output streams whenever they wait.
pub trait Channel: Send {
    /// Sends all of `data`, or fails at the deadline.
    fn send(&mut self, data: &[u8], deadline: Instant) -> Result<(), TransportError>;

    /// What came next, or an error at the deadline.
    fn receive(&mut self, deadline: Instant) -> Result<Incoming, TransportError>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Closed(Ended),
}

/// How the process on the host ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Status(i32),
    Signal(String),
    /// The connection went away before the process said how it ended.
    Cut,
}

/// What one script did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Why a host could not be talked to. The host's name is added by the caller.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("no answer within {}", humane(*.0))]
    Timeout(Duration),
}

fn humane(duration: Duration) -> String {
    format!("{:.0?}", duration)
}
