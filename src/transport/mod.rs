//! The transport to a host: one connection, one shell started by exec, and scripts that run in it one after the other. The
//! content of the scripts is not known here.
//!
//! Callers work on [`Connect`] and [`RemoteShell`]. Below them a [`Channel`] is the raw way to a process
//! on the host, and [`session::Session`] frames scripts on top of it.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::model;

pub mod config;
mod connector;
mod error;
pub mod fake;
mod framing;
mod host_certificate;
mod keys;
pub mod known_hosts;
pub mod local;
mod openssh_key;
mod poll;
pub mod session;
mod ssh;
mod tcp;

pub use connector::Connector;
pub use error::{Attempt, Authority, HostKey, KnownKey, TransportError, Waiting};

/// Opens a session on a host: connection, authentication, and a shell (root's, if sudo is used).
pub trait Connect: Sync {
    fn connect(&self, host: &model::Host) -> Result<Box<dyn RemoteShell>, TransportError>;

    /// A shell on the machine that this runs on, as the user who runs it.
    fn this_machine(&self) -> Result<Box<dyn RemoteShell>, TransportError>;
}

/// A POSIX shell on a host. Each script gets `/dev/null` as its standard input, appears in no argument list,
/// and is bounded by a deadline. After any error but [`TransportError::ShellText`] the shell is gone, and every
/// further call says so.
pub trait RemoteShell: Send {
    /// Runs a script in a subshell with `set -eu`: it may exit, fail or be malformed, and leaves nothing behind
    /// in the shell. This is the one for probes and steps.
    fn run(&mut self, script: &str, timeout: Duration) -> Result<Output, TransportError>;

    /// Runs a script in the shell itself, without `set -eu`: variables, functions, traps and open file descriptors
    /// last until the shell ends. An `exit` or a syntax error in it ends the shell, which is reported.
    fn run_in_shell(&mut self, script: &str, timeout: Duration) -> Result<Output, TransportError>;

    /// Ends the shell in order: it sees the end of its input, runs its EXIT traps, and is waited for.
    /// Dropping it without this closes the connection, with the same effect on the host but without the wait.
    fn close(self: Box<Self>, timeout: Duration) -> Result<(), TransportError>;
}

/// The result of one script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit status; 128 + the signal's number if it was killed, as in shells.
    pub status: i32,
    /// Bytes that are not UTF-8 are replaced.
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn success(&self) -> bool {
        self.status == 0
    }
}

/// A process on a host with its three streams.
pub trait Channel: Send {
    /// Sends and receives at the same time: sends as much of `to_send` as possible, advancing it, and returns as soon as
    /// something was received or all of `to_send` is sent. With nothing to send it waits for input.
    fn exchange(&mut self, to_send: &mut &[u8], deadline: Instant) -> io::Result<Progress>;

    /// Says that nothing more will be sent, as far as that is possible without waiting.
    fn finish_input(&mut self);
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    Sent,
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Closed(Ended),
    /// The deadline came first.
    Deadline,
}

/// How the process on the host ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Status(i32),
    Signal(String),
    /// The connection went away before the process said how it ended.
    Cut,
    /// The same, and so did the connection to this jump host.
    JumpHostCut(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "it exited with status {status}"),
            Self::Signal(name) => write!(f, "it was killed by SIG{name}"),
            Self::Cut => f.write_str("the connection was cut"),
            Self::JumpHostCut(hop) => write!(f, "the connection to jump host {hop} was cut"),
        }
    }
}

/// Counts of connections, processes and decryptions of one caller, for tests and for a run's summary.
#[derive(Debug, Default)]
pub struct Counters {
    connections: AtomicUsize,
    execs: AtomicUsize,
    decryptions: AtomicUsize,
}

impl Counters {
    /// Connections to SSH servers, those to jump hosts and through them included.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Processes asked for, over SSH or locally.
    pub fn execs(&self) -> usize {
        self.execs.load(Ordering::Relaxed)
    }

    /// Encrypted private keys that were decrypted.
    pub fn decryptions(&self) -> usize {
        self.decryptions.load(Ordering::Relaxed)
    }

    pub(crate) fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn exec(&self) {
        self.execs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn decryption(&self) {
        self.decryptions.fetch_add(1, Ordering::Relaxed);
    }
}
