//! One host in a run: shell session, probe result, plan, and execution of the plan.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::event::{Event, Sink};
use crate::fact::{Facts, Needs, section};
use crate::history::{self, LazyOrigin, Origin};
use crate::host_paths;
use crate::model::{Cluster, Connection, Host};
use crate::plan::dependency::{self, Hold, LeftOut};
use crate::plan::{self, Basis, HostPlan, Scope};
use crate::probe::{self, Answer, ProbeError};
use crate::resource::{Change, Distribution, Resource};
use crate::role::Expansion;
use crate::secret::Secrets;
use crate::transport::{Connect, Output, RemoteShell, TransportError};

use super::guard::{Guarding, Rollback};
use super::host_error::{HostError, tail};
use super::lock::{self, Taken};
use super::question::{ask, ask_all, asked, no_obstacles, nonce, sent, with_owned};
use crate::cancel::CancelToken;
use crate::unix_time;

/// Data that all hosts of a run share.
pub struct Run<'a> {
    /// The cluster of the inventory, without recorded drains.
    pub cluster: &'a Cluster,
    /// The cluster with the drains that its directors have recorded; set once they have answered, if there is a record.
    pub with_drains: OnceLock<Cluster>,
    pub roles: Expansion<'a>,
    pub connect: &'a dyn Connect,
    pub secrets: &'a Secrets,
    pub sink: &'a dyn Sink,
    pub cancel: &'a CancelToken,
    /// Identity of this run, written into the lock file.
    pub holder: &'a str,
    /// For the journals of hosts that are changed.
    pub origin: Option<&'a LazyOrigin>,
    /// Facts and sections that the caller adds to each host's probe.
    pub more: &'a (dyn Fn(&Host, &mut Needs) -> String + Sync),
}

impl Run<'_> {
    /// The desired cluster: that of the inventory, with the recorded drains.
    pub fn desired(&self) -> &Cluster {
        self.with_drains.get().unwrap_or(self.cluster)
    }
}

/// A host that has answered its probe.
pub struct HostRun<'a> {
    pub host: &'a Host,
    pub desired: Vec<Resource>,
    /// The resources that the run may change; None: all.
    pub scope: Option<Scope>,
    pub answer: Answer,
    pub shell: Box<dyn RemoteShell>,
    /// When the answer came, in seconds since the epoch, by this machine's clock.
    pub answered_at: f64,
    /// Seconds for the connection and the probe.
    pub probe_seconds: f64,
    /// The part of its plan that is withheld, since other hosts do not meet its conditions.
    pub hold: Hold,
    /// Time that its steps have taken so far.
    worked: Duration,
    pub guard: Guarding,
    /// Whether [`HostRun::close_shell`] has closed its shell.
    closed: bool,
}

/// How long one script may take, where the inventory does not say.
pub(super) const TIMEOUT: Duration = Duration::from_secs(300);

const JOURNAL_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn timeout(host: &Host) -> Duration {
    let seconds = host.ssh.command_timeout;
    seconds.map_or(TIMEOUT, Duration::from_secs)
}

impl<'a> HostRun<'a> {
    /// Connects and probes.
    pub fn open(run: &Run, host: &'a Host, mut desired: Vec<Resource>) -> Result<Self, HostError> {
        run.sink.event(&Event::Connecting {
            host: host.name.clone(),
        });
        let started = Instant::now();
        let mut shell = run.connect.connect(host).map_err(HostError::Connect)?;
        let needs = probe::needs(&desired);
        let answer = ask(run, host, shell.as_mut(), &needs)?;
        // The roles were expanded for the assumed distribution; packages, paths and services differ on others.
        let os = Distribution::of(&answer.facts.system);
        if !desired.is_empty() && os != Distribution::assumed() {
            desired = run.roles.of(host, &os)?;
        }
        let answer = ask_all(run, host, shell.as_mut(), &desired, needs, answer)?;
        no_obstacles(&answer, &desired)?;
        let probe_seconds = started.elapsed().as_secs_f64();
        run.sink.event(&Event::Probed {
            host: host.name.clone(),
            seconds: probe_seconds,
        });
        Ok(Self {
            host,
            desired,
            scope: None,
            answer,
            shell,
            answered_at: unix_time::now().as_secs_f64(),
            probe_seconds,
            hold: Hold::Nothing,
            worked: Duration::ZERO,
            guard: Guarding::default(),
            closed: false,
        })
    }

    /// Takes the host's lock and probes again, since another run may have changed the host before.
    pub fn lock(&mut self, run: &Run) -> Result<(), HostError> {
        if self.closed {
            let shell = run.connect.connect(self.host);
            self.shell = shell.map_err(HostError::Connect)?;
            self.closed = false;
        }
        take_lock(run, self.host, self.shell.as_mut())?;
        let by_ssh = self.host.connection != Connection::Local;
        self.probe_for(run, by_ssh.then_some(()))?;
        self.keep_way_in();
        let known = run.desired().maintenance.as_ref();
        if self.answer.maintenance.revision > known.map_or(0, |known| known.revision) {
            return Err(HostError::Obstacles(vec![
                "another run of lvsctl drained a host or ended a drain meanwhile; run again"
                    .to_owned(),
            ]));
        }
        no_obstacles(&self.answer, &self.desired)
    }

    /// Replaces the desired resources by those for `cluster`; probes again if they need other facts.
    pub fn set_desired(&mut self, run: &Run, cluster: &Cluster) -> Result<(), HostError> {
        let asked = probe::needs(&with_owned(&self.desired, &self.answer.manifest));
        self.desired = self.resources(run, cluster)?;
        let mut needs = probe::needs(&with_owned(&self.desired, &self.answer.manifest));
        // Every probe of a director reads the record, so it is no reason for another probe.
        let record = host_paths::maintenance(&run.cluster.name);
        if let Some(paths) = needs.file.as_mut()
            && self.host.is_director()
            && !asked
                .file
                .as_ref()
                .is_some_and(|paths| paths.contains(&record))
        {
            paths.remove(&record);
        }
        if needs != asked {
            self.probe_again(run)?;
        }
        Ok(())
    }

    /// The host's desired resources for `cluster`.
    pub fn resources(&self, run: &Run, cluster: &Cluster) -> Result<Vec<Resource>, HostError> {
        let os = Distribution::of(&self.answer.facts.system);
        Ok(run.roles.with(cluster).of(self.host, &os)?)
    }

    /// Replaces the desired resources by those without the real servers in `left_out`, which are not ready.
    pub fn leave_out(&mut self, run: &Run, left_out: &BTreeSet<LeftOut>) -> Result<(), HostError> {
        let cluster = dependency::without(run.desired(), left_out);
        self.desired = self.resources(run, &cluster)?;
        Ok(())
    }

    /// Probes again, also for the resources that the manifest now names.
    pub fn probe_again(&mut self, run: &Run) -> Result<(), HostError> {
        self.probe_for(run, None)
    }

    /// The same, and for the way in.
    fn probe_for(&mut self, run: &Run, way_in: Option<()>) -> Result<(), HostError> {
        let mut needs = probe::needs(&with_owned(&self.desired, &self.answer.manifest));
        needs.way_in = way_in;
        let shell = self.shell.as_mut();
        let answer = ask(run, self.host, shell, &needs)?;
        self.answer = ask_all(run, self.host, shell, &self.desired, needs, answer)?;
        Ok(())
    }

    /// Probes over another connection, and does not keep the answer.
    pub(super) fn fresh(
        &self,
        run: &Run,
        shell: &mut dyn RemoteShell,
    ) -> Result<Answer, HostError> {
        let needs = probe::needs(&with_owned(&self.desired, &self.answer.manifest));
        let answer = ask(run, self.host, shell, &needs)?;
        ask_all(run, self.host, shell, &self.desired, needs, answer)
    }

    /// Probes again; returns kind and key of each resource that is not in the desired state.
    pub fn differs(&mut self, run: &Run) -> Result<Vec<String>, HostError> {
        self.probe_again(run)?;
        Ok(self.plan(run.secrets).changes.iter().map(named).collect())
    }

    pub fn plan(&self, secrets: &Secrets) -> HostPlan {
        plan::host(&self.host.name, &self.basis(secrets)).hold(self.hold)
    }

    pub(super) fn basis<'b>(&'b self, secrets: &'b Secrets) -> Basis<'b> {
        Basis {
            desired: &self.desired,
            manifest: &self.answer.manifest,
            others: &self.answer.others,
            facts: &self.answer.facts,
            secrets,
            scope: self.scope.as_ref(),
        }
    }

    /// Runs the steps of one part of a plan. After the plan's last step it probes again: any remaining difference is an
    /// error. If a director's new state fails, its previous state is restored.
    pub fn apply(
        &mut self,
        run: &Run,
        plan: &HostPlan,
        part: Range<usize>,
    ) -> Result<(), HostError> {
        let ends = part.end >= plan.steps.len();
        if part.start == 0 {
            self.journal(run, |origin| origin.begins(plan));
        }
        let result = self.apply_part(run, plan, part);
        let result = result.map_err(|error| self.roll_back(run, error));
        if ends || result.is_err() {
            self.journal(run, |origin| origin.ends(plan, &result));
        }
        result
    }

    /// Failures are ignored: a host may have no journal, and a lost connection shows in the next step.
    pub(super) fn journal(&mut self, run: &Run, line: impl Fn(&Origin) -> String) {
        let Some(origin) = run.origin else { return };
        let script = history::journal(&line(origin));
        if let Err(error) = self.shell.run_in_shell(&script, JOURNAL_TIMEOUT) {
            tracing::debug!(host = self.host.name, %error, "writing to the journal");
        }
    }

    fn apply_part(
        &mut self,
        run: &Run,
        plan: &HostPlan,
        part: Range<usize>,
    ) -> Result<(), HostError> {
        let started = Instant::now();
        let end = part.end;
        let worked = self.guarded(run, plan, part);
        self.worked += started.elapsed();
        worked?;
        if end < plan.steps.len() {
            run.sink.event(&Event::Paused {
                host: self.host.name.clone(),
                done: end,
                of: plan.steps.len(),
            });
            return Ok(());
        }
        let proof = Instant::now();
        self.probe_again(run)?;
        let remaining = remaining(&self.plan(run.secrets), &self.desired);
        if !remaining.is_empty() {
            return Err(HostError::StillDiffers(remaining));
        }
        if self.guard.rollback != Rollback::Converged {
            self.forget_previous(run);
        }
        run.sink.event(&Event::Done {
            host: self.host.name.clone(),
            steps: plan.steps.len(),
            seconds: (self.worked + proof.elapsed()).as_secs_f64(),
        });
        Ok(())
    }

    /// Reads some facts anew, without replacing the answer of the probe.
    pub fn facts(&mut self, doing: &str, needs: &Needs) -> Result<Facts, HostError> {
        let nonce = nonce();
        let output = self.ask(doing, &probe::of_facts(needs, &nonce))?;
        let sections = section::split(&output.stdout, &nonce);
        let facts = Facts::parse(needs, &sections).map_err(ProbeError::from)?;
        Ok(facts)
    }

    /// Runs a script of a check.
    pub fn ask(&mut self, doing: &str, script: &str) -> Result<Output, HostError> {
        asked(self.shell.as_mut(), doing, script, timeout(self.host))
    }

    /// Runs shell text in the session's own shell: descriptors and background jobs stay until the shell ends.
    pub(crate) fn in_shell(&mut self, doing: &str, script: &str) -> Result<Output, HostError> {
        sent(doing, self.shell.run_in_shell(script, timeout(self.host)))
    }

    /// Ends the shell on the host and waits for its end, which releases the lock. A host that does not answer is not an
    /// error.
    pub fn close(mut self) {
        self.close_shell();
    }

    /// Closes the shell before the end of the run; only the facts are needed from now on.
    pub fn close_shell(&mut self) {
        self.answer.sections.clear();
        self.closed = true;
        let shell = std::mem::replace(&mut self.shell, Box::new(Closed));
        end(shell, &self.host.name);
    }
}

/// Stands in for a closed shell.
struct Closed;

impl RemoteShell for Closed {
    fn run(&mut self, _: &str, _: Duration) -> Result<Output, TransportError> {
        Err(TransportError::Gone)
    }

    fn run_in_shell(&mut self, _: &str, _: Duration) -> Result<Output, TransportError> {
        Err(TransportError::Gone)
    }

    fn close(self: Box<Self>, _: Duration) -> Result<(), TransportError> {
        Ok(())
    }
}

/// Ends a shell. A failure is logged only.
pub(super) fn end(shell: Box<dyn RemoteShell>, name: &str) {
    if let Err(error) = shell.close(Duration::from_secs(10)) {
        tracing::debug!(host = name, %error, "closing");
    }
}

/// Changes that remain although their steps were done. Virtual services of keepalived do not count: keepalived adds real
/// servers with its next health checks, and the end of the run waits for them ([`super::wait_converged`]).
pub(super) fn remaining(plan: &HostPlan, desired: &[Resource]) -> Vec<String> {
    let is_keepalived_s = |change: &Change| {
        desired.iter().any(|resource| {
            matches!(resource, Resource::Ipvs(ipvs) if ipvs.keepalived)
                && (resource.kind(), resource.key()) == (change.kind, change.key.clone())
        })
    };
    let changes = plan.changes.iter();
    let remaining = changes.filter(|change| !is_keepalived_s(change));
    remaining.map(named).collect()
}

fn named(change: &Change) -> String {
    format!("{} {}", change.kind, change.key)
}

fn take_lock(run: &Run, host: &Host, shell: &mut dyn RemoteShell) -> Result<(), HostError> {
    let script = lock::take(&run.cluster.name, run.holder);
    let output = shell
        .run_in_shell(&script, timeout(host))
        .map_err(|source| HostError::Transport {
            doing: "taking the lock".to_owned(),
            step: None,
            source: Box::new(source),
        })?;
    match lock::read(&output.stdout) {
        Taken::Yes => Ok(()),
        Taken::NoTool => Err(HostError::Obstacles(vec![
            "expected the command `flock`, found none; install util-linux".to_owned(),
        ])),
        Taken::Failed => Err(HostError::Obstacles(vec![format!(
            "cannot take the lock in /run: {}",
            tail(&output.stderr)
        )])),
        Taken::By(holder) => Err(HostError::Locked { holder }),
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
pub(super) mod tests;
