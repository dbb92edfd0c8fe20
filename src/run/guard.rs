//! Guards in a run: armed on a host before changes that could cut off the connection, disarmed over a new connection. Also
//! the rollback of a director whose new state fails. Which steps are guarded, and the shell text, belongs in
//! [`crate::plan::guard`].

use std::ops::Range;
use std::time::{Duration, Instant};

use super::host::{self, HostRun, Run};
use super::host_error::{HostError, tail};
use super::question;
use crate::event::Event;
use crate::fact::way_in::WayIn;
use crate::host_paths;
use crate::model::Connection;
use crate::plan::HostPlan;
use crate::plan::guard::way_in::Way;
use crate::plan::guard::{self, Arm, Extent, Guard, Reason};
use crate::probe::{self, Earlier};
use crate::resource::service_manager::ServiceManager;
use crate::transport::{Output, RemoteShell};
use crate::unix_time::{self, time_of_day};

/// Default time for the confirmation of a guarded change.
pub const SECONDS: u64 = 120;

/// Pause between two attempts to reconnect to a host.
const PAUSE: Duration = Duration::from_secs(2);

/// State of a host's guard and rollback in a run.
#[derive(Debug, Default)]
pub struct Guarding {
    way: Option<WayIn>,
    /// With a time: all changes are guarded, and the confirmation may take that long (`--confirm`).
    pub confirm: Option<Duration>,
    /// Until when the previous state is kept for a rollback.
    pub rollback: Rollback,
    /// Whether this run keeps the previous state on the host.
    kept: bool,
    /// The armed guard: its time in seconds, and when it was armed or last renewed.
    armed: Option<(u64, Instant)>,
}

/// Until when a host's previous state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rollback {
    /// It is not kept.
    #[default]
    None,
    /// Until the probe after the last step finds the desired state.
    Proven,
    /// Until the cluster has converged ([`super::unconverged`]).
    Converged,
}

impl Guarding {
    /// Whether the previous state can still be restored.
    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    #[cfg(test)]
    pub(super) fn kept_for_test() -> Self {
        Self {
            kept: true,
            ..Self::default()
        }
    }

    pub(super) fn seconds(&self) -> u64 {
        self.confirm.map_or(SECONDS, |time| time.as_secs().max(1))
    }

    /// Shell text that renews the armed guard before a step, and the step's time limit: at most the guard's time.
    pub(super) fn before_step(&mut self, cluster: &str, most: Duration) -> (String, Duration) {
        let Some((seconds, since)) = &mut self.armed else {
            return (String::new(), most);
        };
        *since = Instant::now();
        let renew = guard::run(cluster, &format!("renew {seconds}"));
        (
            format!("{renew}\n"),
            most.min(Duration::from_secs(*seconds)),
        )
    }
}

/// The folder name for the previous state; the guard itself has another one.
fn previous(cluster: &str) -> String {
    format!("{cluster}.previous")
}

impl HostRun<'_> {
    /// Keeps how lvsctl is connected to the host, as the probe under the lock found it. If the host does not show it, every
    /// change that may affect it is guarded.
    pub(super) fn keep_way_in(&mut self) {
        self.guard.way = self.answer.facts.way_in.0.take();
    }

    /// Reads how lvsctl is connected to a host that is not locked.
    pub fn ask_way_in(&mut self, run: &Run) {
        if self.host.connection == Connection::Local {
            return;
        }
        let mut needs = probe::needs(&[]);
        needs.way_in = Some(());
        match question::ask(run, self.host, self.shell.as_mut(), &needs) {
            Ok(answer) => self.guard.way = answer.facts.way_in.0,
            Err(error) => tracing::debug!(host = self.host.name, %error, "asking for the way in"),
        }
    }

    fn extent(&self) -> Extent {
        // An armed guard of an earlier run could restore its old state over changes of this run that it does not cover.
        let armed = matches!(self.answer.guard, Some(Earlier::Armed { .. }));
        if self.guard.confirm.is_some() || armed {
            Extent::All
        } else {
            Extent::WayIn
        }
    }

    /// Reasons to refuse desired resources that would take over an end of lvsctl's connection.
    pub fn way_in_refusals(&self) -> Vec<String> {
        let Some(way) = &self.guard.way else {
            return Vec::new();
        };
        let desired = self.desired.iter();
        desired
            .filter_map(|resource| guard::way_in::refusal(resource, way))
            .collect()
    }

    /// The changes of a plan that need a guard, each with the reason.
    pub fn reasons(&self, run: &Run, plan: &HostPlan) -> Vec<Reason> {
        let (known, local) = (self.guard.way.clone(), self.host.connection);
        guard::reasons(plan, &self.basis(run.secrets), way(known.as_ref(), local))
    }

    fn guard_of(
        &self,
        run: &Run,
        plan: &HostPlan,
        part: Range<usize>,
        extent: Extent,
    ) -> Option<Guard> {
        let way = way(self.guard.way.as_ref(), self.host.connection);
        guard::of(plan, &self.basis(run.secrets), way, part, extent)
    }

    /// Runs the steps of one part of a plan. The guard is armed before the first step that needs it, and confirmed after the
    /// last.
    pub(super) fn guarded(
        &mut self,
        run: &Run,
        plan: &HostPlan,
        part: Range<usize>,
    ) -> Result<(), HostError> {
        let part = self.keep_previous(run, plan, part)?;
        let Some(guard) = self.guard_of(run, plan, part.clone(), self.extent()) else {
            return self.steps_of(run, &plan.steps, part);
        };
        let window = guard.window.clone();
        self.steps_of(run, &plan.steps, part.start..window.start)?;
        self.arm(run, &guard)?;
        let done = self.steps_of(run, &plan.steps, window.clone());
        let done = done.and_then(|()| self.confirm(run, &guard));
        if let Err(cause) = done {
            return Err(self.will_restore(cause));
        }
        self.guard.armed = None;
        self.steps_of(run, &plan.steps, window.end..part.end)
    }

    /// Keeps the host's state for a rollback, before the first step that changes something. Runs the steps before that one,
    /// and returns the remaining range.
    fn keep_previous(
        &mut self,
        run: &Run,
        plan: &HostPlan,
        part: Range<usize>,
    ) -> Result<Range<usize>, HostError> {
        if self.guard.rollback == Rollback::None || self.guard.kept {
            return Ok(part);
        }
        let Some(first) = self.guard_of(run, plan, part.clone(), Extent::Rollback) else {
            return Ok(part);
        };
        let rest = first.window.start..part.end;
        self.steps_of(run, &plan.steps, part.start..rest.start)?;
        let arm = Arm {
            cluster: &previous(&run.cluster.name),
            guard: &first,
            seconds: None,
            who: run.holder,
            lock: &host_paths::lock(&run.cluster.name),
            manager: None,
        };
        self.run_for_guard("keeping the previous state", &arm.script())?;
        self.guard.kept = true;
        Ok(rest)
    }

    fn arm(&mut self, run: &Run, guard: &Guard) -> Result<(), HostError> {
        let system = &self.answer.facts.system;
        let manager = ServiceManager::is_on(system).then(|| ServiceManager::of(system));
        let seconds = self.guard.seconds();
        let arm = Arm {
            cluster: &run.cluster.name,
            guard,
            seconds: Some(seconds),
            who: run.holder,
            lock: &host_paths::lock(&run.cluster.name),
            manager,
        };
        self.run_for_guard("arming the guard", &arm.script())?;
        self.guard.armed = Some((seconds, Instant::now()));
        run.sink.event(&Event::Guarded {
            host: self.host.name.clone(),
            seconds,
        });
        Ok(())
    }

    /// Runs shell text outside of steps; a failure is an error of the guard.
    fn run_for_guard(&mut self, doing: &str, script: &str) -> Result<Output, HostError> {
        let script = format!("{}{script}", super::lock::RELEASE_IN_STEP);
        let output = self.ask(doing, &script)?;
        if output.success() {
            return Ok(output);
        }
        Err(HostError::Guard {
            doing: doing.to_owned(),
            said: tail(&output.stderr),
        })
    }

    fn will_restore(&mut self, cause: HostError) -> HostError {
        let Some((seconds, since)) = self.guard.armed.filter(|_| !has_fired(&cause)) else {
            return cause;
        };
        let left = seconds.saturating_sub(since.elapsed().as_secs());
        HostError::WillRestore {
            cause: Box::new(cause),
            seconds: left,
            at: time_of_day(unix_time::now().as_secs() + left),
        }
    }

    /// Connects anew, checks that the guarded changes are in the desired state, and disarms the guard.
    fn confirm(&mut self, run: &Run, guard: &Guard) -> Result<(), HostError> {
        let Some((seconds, since)) = self.guard.armed else {
            return Ok(());
        };
        loop {
            let error = match self.attempt(run, guard) {
                Ok(()) => break,
                // Another attempt cannot succeed: the change has failed, or the guard has already restored the old state.
                Err(error @ (HostError::Guard { .. } | HostError::Unconfirmed(_))) => {
                    return Err(error);
                }
                Err(error) => error,
            };
            let late = since.elapsed() + PAUSE > Duration::from_secs(seconds) / 2;
            if late || run.cancel.is_cancelled() {
                let said = crate::error_chain::chain(&error);
                return Err(HostError::Unconfirmed(said));
            }
            std::thread::sleep(PAUSE);
        }
        run.sink.event(&Event::Confirmed {
            host: self.host.name.clone(),
        });
        Ok(())
    }

    fn attempt(&mut self, run: &Run, guard: &Guard) -> Result<(), HostError> {
        let mut shell = run.connect.connect(self.host).map_err(HostError::Connect)?;
        let done = self.prove(run, guard, shell.as_mut());
        host::end(shell, &self.host.name);
        done
    }

    fn prove(
        &mut self,
        run: &Run,
        guard: &Guard,
        shell: &mut dyn RemoteShell,
    ) -> Result<(), HostError> {
        let answer = self.fresh(run, shell)?;
        question::no_obstacles(&answer, &self.desired)?;
        let before = std::mem::replace(&mut self.answer, answer);
        let remaining = host::remaining(&self.plan(run.secrets), &self.desired);
        self.answer = before;
        let proves = guard
            .proves
            .iter()
            .map(|(kind, key)| format!("{kind} {key}"));
        let left: Vec<String> = proves.filter(|change| remaining.contains(change)).collect();
        if !left.is_empty() {
            let what = format!("these still differ: {}", left.join(", "));
            return Err(HostError::Unconfirmed(what));
        }
        disarm(shell, &run.cluster.name, "disarm", host::timeout(self.host))
    }

    /// Disarms, over a new connection, the guard that an earlier run left, armed or fired.
    pub fn end_earlier(&mut self, run: &Run) -> Result<(), HostError> {
        let mut shell = run.connect.connect(self.host).map_err(HostError::Connect)?;
        let timeout = host::timeout(self.host);
        let done = disarm(shell.as_mut(), &run.cluster.name, "disarm anyway", timeout);
        host::end(shell, &self.host.name);
        done
    }

    /// Whether the host keeps the previous state of another run.
    pub fn has_earlier_previous(&self) -> bool {
        self.answer.keeps_previous && !self.guard.kept
    }

    /// Deletes the previous state that a killed run left. If a running one keeps it, that run holds the lock, and nothing is
    /// deleted.
    pub fn forget_earlier_previous(&mut self, run: &Run) {
        let name = &run.cluster.name;
        let script = guard::forget(&previous(name));
        let script = format!("if {}; then {script}; fi", super::lock::no_other(name));
        if let Err(error) = self.ask("forgetting the previous state of an earlier run", &script) {
            tracing::debug!(host = self.host.name, %error, "forgetting an earlier previous state");
        }
    }

    /// Deletes the previous state that this run keeps.
    pub(super) fn forget_previous(&mut self, run: &Run) {
        if std::mem::take(&mut self.guard.kept) {
            let script = guard::run(&previous(&run.cluster.name), "disarm anyway");
            if let Err(error) = self.run_for_guard("forgetting the previous state", &script) {
                tracing::debug!(host = self.host.name, %error, "forgetting the previous state");
            }
            self.answer.keeps_previous = false;
        }
    }

    /// Restores the kept previous state if the error shows that the new state fails; returns the error with the outcome.
    pub(super) fn roll_back(&mut self, run: &Run, error: HostError) -> HostError {
        if !self.guard.kept || !fails_by_its_state(&error) {
            return error;
        }
        let name = &run.cluster.name;
        run.sink.event(&Event::Asking {
            host: self.host.name.clone(),
            what: "putting the previous state back".to_owned(),
        });
        let back = self.run_for_guard(
            "putting the previous state back",
            &guard::run(&previous(name), "now"),
        );
        match back {
            Ok(_) => {
                if self.guard.armed.take().is_some() {
                    let script = guard::run(name, "disarm anyway");
                    if let Err(error) = self.run_for_guard("disarming the guard", &script) {
                        tracing::debug!(host = self.host.name, %error, "disarming");
                    }
                }
                self.forget_previous(run);
                HostError::RolledBack {
                    cause: Box::new(without_guard(error)),
                }
            }
            Err(why) => HostError::NotRolledBack {
                cause: Box::new(error),
                why: crate::error_chain::chain(&why),
            },
        }
    }
}

/// Whether the error shows that the guard has already restored the old state.
fn has_fired(error: &HostError) -> bool {
    let said = match error {
        HostError::Step { stderr, .. } => stderr,
        HostError::Guard { said, .. } => said,
        _ => return false,
    };
    said.contains(guard::FIRED)
}

/// Whether the host's new state is the cause of the error, and not the connection.
fn fails_by_its_state(error: &HostError) -> bool {
    match error {
        HostError::Step { .. } | HostError::StillDiffers(_) | HostError::Unconverged(_) => true,
        HostError::WillRestore { cause, .. } => fails_by_its_state(cause),
        _ => false,
    }
}

fn without_guard(error: HostError) -> HostError {
    match error {
        HostError::WillRestore { cause, .. } => *cause,
        error => error,
    }
}

fn way(known: Option<&WayIn>, connection: Connection) -> Option<Way<'_>> {
    match (connection, known) {
        (Connection::Local, _) => None,
        (Connection::Ssh, Some(way)) => Some(Way::Known(way)),
        (Connection::Ssh, None) => Some(Way::Unknown),
    }
}

fn disarm(
    shell: &mut dyn RemoteShell,
    cluster: &str,
    words: &str,
    timeout: Duration,
) -> Result<(), HostError> {
    let doing = "disarming the guard";
    let output = question::asked(shell, doing, &guard::run(cluster, words), timeout)?;
    if output.success() {
        return Ok(());
    }
    Err(HostError::Guard {
        doing: doing.to_owned(),
        said: tail(&output.stderr),
    })
}
