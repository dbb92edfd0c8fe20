//! The history of runs that changed hosts: records on the machine that runs lvsctl, and lines for the journals of the
//! hosts. Pure; files are the part of `command::history`, and hosts that of [`crate::run`].

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::plan::HostPlan;
use crate::report::{count, sanitize};
use crate::resource::{Action, Change};
use crate::run::HostError;
use crate::shell::heredoc_in_background;

/// The form of a record.
const FORMAT: u32 = 1;

/// The most changes of a host in a record; the others are counted.
const MOST_RECORDED: usize = 200;

/// Characters of changes in a line of a journal.
const LONGEST_LINE: usize = 800;

/// A run, as one line of JSON. It has no values of changes, which might be secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub format: u32,
    /// When it began: seconds since 1970, UTC.
    pub time: u64,
    pub seconds: f64,
    pub command: String,
    pub cluster: String,
    pub inventory: String,
    pub revision: Option<Revision>,
    pub by: String,
    pub lvsctl: String,
    #[serde(default)]
    pub limit: Vec<String>,
    /// The saved plan that was applied.
    #[serde(default)]
    pub plan: Option<String>,
    /// A word of [`crate::exit::Exit::kind`].
    pub result: String,
    pub hosts: Vec<HostRecord>,
}

/// The commit of the inventory's git repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    pub commit: String,
    /// Whether files in the inventory's folder have uncommitted changes.
    pub dirty: bool,
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.commit)?;
        if self.dirty {
            f.write_str(" with uncommitted changes")?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostRecord {
    pub host: String,
    pub outcome: Outcome,
    pub steps: usize,
    /// Steps that are done; none if that is not known.
    pub done: Option<usize>,
    /// Of an error: a word of [`HostError::kind`].
    #[serde(default)]
    pub kind: Option<String>,
    pub changes: Vec<Recorded>,
    /// Changes that are not listed.
    #[serde(default)]
    pub more: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Changed,
    Failed,
    Interrupted,
    /// Not begun.
    Skipped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    pub action: Action,
    pub kind: String,
    pub key: String,
}

/// The origin of a run, which is the same for all its hosts.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    pub command: &'static str,
    pub cluster: String,
    pub inventory: String,
    pub revision: Option<Revision>,
    /// User, host name and process.
    pub by: String,
    pub plan: Option<String>,
}

/// Computed only when a host is changed: most runs change none, and git takes time.
pub type LazyOrigin = LazyLock<Origin, Box<dyn FnOnce() -> Origin + Send>>;

impl Origin {
    fn text(&self) -> String {
        let revision = self.revision.as_ref();
        let revision = revision.map_or(String::new(), |revision| format!(" at {revision}"));
        let plan = self.plan.as_ref();
        let plan = plan.map_or(String::new(), |plan| format!(", plan {plan}"));
        let text = format!(
            "{} of {} by {}, inventory {}{revision}{plan}",
            self.command, self.cluster, self.by, self.inventory
        );
        sanitize::line(&text).into_owned()
    }

    /// For the journal of a host, before its first step.
    pub fn begins(&self, plan: &HostPlan) -> String {
        let changes = count(plan.changes.len(), "change");
        format!("{}: begins {changes}: {}", self.text(), words(plan))
    }

    /// For the journal of a host, after its last step. An error appears only by its kind, since its text may quote the host.
    pub fn ends(&self, plan: &HostPlan, result: &Result<(), HostError>) -> String {
        let steps = count(plan.steps.len(), "step");
        let how = match result {
            Ok(()) => format!("done, {steps}"),
            Err(error) => match error.steps_done(plan.steps.len()) {
                Some(done) => format!("ended early ({}), {done} of {steps} done", error.kind()),
                None => format!("ended early ({}), of {steps}", error.kind()),
            },
        };
        format!("{}: {how}", self.text())
    }

    /// The record of a run, with plan and result of each host.
    pub fn record<'p>(
        &self,
        (time, seconds): (u64, f64),
        limit: &[String],
        result: &str,
        hosts: impl Iterator<Item = (&'p HostPlan, Option<&'p Result<(), HostError>>)>,
    ) -> Record {
        Record {
            format: FORMAT,
            time,
            seconds: (seconds * 1000.0).round() / 1000.0,
            command: self.command.to_owned(),
            cluster: self.cluster.clone(),
            inventory: self.inventory.clone(),
            revision: self.revision.clone(),
            by: self.by.clone(),
            lvsctl: env!("CARGO_PKG_VERSION").to_owned(),
            limit: limit.to_vec(),
            plan: self.plan.clone(),
            result: result.to_owned(),
            hosts: hosts
                .filter(|(plan, _)| !plan.is_empty())
                .map(|(plan, result)| host(plan, result))
                .collect(),
        }
    }
}

fn host(plan: &HostPlan, result: Option<&Result<(), HostError>>) -> HostRecord {
    let steps = plan.steps.len();
    let (outcome, done, kind) = match result {
        None => (Outcome::Skipped, Some(0), None),
        Some(Ok(())) => (Outcome::Changed, Some(steps), None),
        Some(Err(error)) => {
            let outcome = match error {
                HostError::Interrupted { .. } | HostError::Halted { .. } => Outcome::Interrupted,
                _ => Outcome::Failed,
            };
            let kind = Some(error.kind().to_owned());
            (outcome, error.steps_done(steps), kind)
        }
    };
    let changes = plan.changes.iter().take(MOST_RECORDED);
    HostRecord {
        host: plan.host.clone(),
        outcome,
        steps,
        done,
        kind,
        changes: changes.map(Recorded::of).collect(),
        more: plan.changes.len().saturating_sub(MOST_RECORDED),
    }
}

impl Recorded {
    fn of(change: &Change) -> Self {
        Self {
            action: change.action,
            kind: change.kind.to_owned(),
            key: change.key.clone(),
        }
    }

    pub fn text(&self) -> String {
        named(self.action, &self.kind, &self.key)
    }
}

fn named(action: Action, kind: &str, key: &str) -> String {
    format!("{} {kind} {key}", action.word())
}

/// Actions, kinds and keys of the changes, as many as fit into a line.
fn words(plan: &HostPlan) -> String {
    let mut line = String::new();
    for (index, change) in plan.changes.iter().enumerate() {
        let text = named(change.action, change.kind, &change.key);
        let text = sanitize::line(&text).into_owned();
        if line.len() + text.len() > LONGEST_LINE {
            let separator = if line.is_empty() { "" } else { " and " };
            line.push_str(&format!("{separator}{} more", plan.changes.len() - index));
            return line;
        }
        if index > 0 {
            line.push_str(", ");
        }
        line.push_str(&text);
    }
    if line.is_empty() {
        line.push_str("the record of lvsctl's resources");
    }
    line
}

/// Shell text that writes a line to the journal. It neither fails nor waits: a journal may hang.
pub fn journal(line: &str) -> String {
    let write = |program: &str| {
        let program = format!("{program} -t lvsctl >/dev/null 2>&1 9>&-");
        heredoc_in_background(&program, line)
    };
    // systemd-cat(1) reads standard input if it has no command.
    format!(
        "if command -v logger >/dev/null 2>&1; then\n{}elif command -v systemd-cat >/dev/null 2>&1; then\n{}fi\n",
        write("logger"),
        write("systemd-cat")
    )
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
