//! Events of a run, as values. How they are shown is the part of [`crate::report`].

use serde::Serialize;

use crate::check::batch::Error;
use crate::inventory::Problem;
use crate::plan::dependency::Withheld;
use crate::plan::serial::Pass;

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Something in the inventory is probably a mistake. As text it is shown before the run, with the line.
    Warning(Problem),
    /// A fan-out over hosts begins.
    Started {
        what: &'static str,
        hosts: Vec<String>,
    },
    Connecting {
        host: String,
    },
    Probed {
        host: String,
        seconds: f64,
    },
    /// Hosts of one stage begin together, and the next stage waits for them.
    Stage {
        hosts: Vec<String>,
    },
    Step {
        host: String,
        number: usize,
        of: usize,
        title: String,
    },
    StepDone {
        host: String,
        number: usize,
        of: usize,
        title: String,
        seconds: f64,
    },
    /// A guard is armed: the host restores its old state after so many seconds, unless the change is confirmed before.
    Guarded {
        host: String,
        seconds: u64,
    },
    /// A new connection reached the host, and its guard is disarmed.
    Confirmed {
        host: String,
    },
    /// A host waits for others before its last steps.
    Paused {
        host: String,
        done: usize,
        of: usize,
    },
    /// All steps of a host are done.
    Done {
        host: String,
        steps: usize,
        seconds: f64,
    },
    Failed {
        host: String,
        /// Identifier for scripts, of [`crate::run::HostError::kind`].
        kind: &'static str,
        error: String,
    },
    /// The run did not begin a host, with the reason.
    Skipped {
        host: String,
        /// A word that scripts can branch on.
        kind: &'static str,
        why: String,
    },
    /// A batch of a rolling apply begins.
    Batch {
        number: usize,
        of: usize,
        pass: Pass,
        hosts: Vec<String>,
    },
    /// `verify` has judged a batch; `errors` are its findings that count as failures.
    Verified {
        number: usize,
        of: usize,
        errors: Vec<Error>,
    },
    /// A rolling apply ends before its last batch.
    Stopped {
        kind: &'static str,
        number: usize,
        of: usize,
        /// Hosts that failed, or that `verify` found an error on.
        failures: Vec<String>,
        /// Hosts that the run did not begin or did not finish.
        left: Vec<String>,
        message: String,
    },
    /// A withheld part of a host's plan. As text it is shown with the plan.
    Withheld(Withheld),
    /// A command is refused before any change, with the reason.
    Refused {
        /// A word that scripts can branch on.
        kind: &'static str,
        message: String,
    },
    /// A host begins to send requests, or another long operation.
    Asking {
        host: String,
        what: String,
    },
    Finished,
}

/// Takes events from any thread.
pub trait Sink: Sync {
    fn event(&self, event: &Event);
}

/// Drops them.
pub struct Silent;

impl Sink for Silent {
    fn event(&self, _: &Event) {}
}
