//! The common parts of verbs that work on hosts: loading, connecting, opening hosts, reporting events, finishing.

use std::sync::OnceLock;

use crate::cancel::CancelToken;
use crate::cli::{Format, Global};
use crate::exit::Exit;
use crate::fact::Needs;
use crate::lab;
use crate::model::{Cluster, Host};
use crate::plan::{HostPlan, maintenance};
use crate::report::error::chain;
use crate::report::plan::Names;
use crate::resource::Resource;
use crate::run::fleet::Outcome as FleetOutcome;
use crate::run::host::Run;
use crate::run::{Fleet, HostRun};

use super::connect::{self, Access};
use super::context::{self, Context};
use super::history::Story;
use super::output::Reporter;
use super::{Failure, Result};

/// One run of a verb, from the inventory to its last line of output.
pub(super) struct Session<'g> {
    pub global: &'g Global,
    pub context: Context,
    pub access: Access,
    pub cancel: CancelToken,
    pub reporter: Reporter,
    pub ignore_unreachable: bool,
    /// Of a run that may change hosts.
    pub story: Option<Story>,
}

/// The options that differ between verbs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    /// The format of events. A verb whose result is one document writes its events as text to standard error.
    pub events: Format,
    /// Whether secrets of templates are needed.
    pub templates: bool,
    pub ignore_unreachable: bool,
    /// Whether Ctrl-C is the normal end of the command.
    pub quiet_cancel: bool,
    /// Whether events are shown only with `-v`.
    pub silent: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            events: Format::Text,
            templates: true,
            ignore_unreachable: false,
            quiet_cancel: false,
            silent: false,
        }
    }
}

pub(super) struct Opened<'h> {
    pub hosts: Vec<HostRun<'h>>,
    /// Hosts that were left out, with why.
    pub missing: Vec<(&'h Host, String)>,
}

/// For probes that read only the facts of resources.
pub(super) fn nothing_more(_: &Host, _: &mut Needs) -> String {
    String::new()
}

impl<'g> Session<'g> {
    pub(super) fn open(global: &'g Global, options: Options) -> Result<Self> {
        let mut context = context::load(global)?;
        let access = connect::access(global, &mut context, options.templates)?;
        let cancel = connect::cancel_token(options.quiet_cancel)?;
        Ok(Self {
            global,
            context,
            access,
            cancel,
            reporter: if options.silent && global.verbose == 0 {
                Reporter::Silent
            } else {
                Reporter::new(global, options.events)
            },
            ignore_unreachable: options.ignore_unreachable,
            story: None,
        })
    }

    pub(super) fn cluster(&self) -> &Cluster {
        self.context.cluster()
    }

    pub(super) fn fleet(&self) -> Result<Fleet<'_>> {
        self.fleet_asking(&nothing_more)
    }

    /// `more`: facts and sections that the verb adds to each host's probe.
    pub(super) fn fleet_asking<'s>(
        &'s self,
        more: &'s (dyn Fn(&Host, &mut Needs) -> String + Sync),
    ) -> Result<Fleet<'s>> {
        let run = Run {
            cluster: self.cluster(),
            with_drains: OnceLock::new(),
            roles: self.context.roles.over(self.cluster()),
            connect: &self.access.connector,
            secrets: &self.access.secrets,
            sink: &self.reporter,
            cancel: &self.cancel,
            holder: &self.access.holder,
            origin: self.story.as_ref().map(|story| &story.origin),
            more,
        };
        Fleet::new(run, usize::from(self.global.forks)).map_err(|e| Failure::of(Exit::Failed, &e))
    }

    /// The chosen hosts with their desired resources.
    pub(super) fn desired(&self) -> Result<Vec<(&Host, Vec<Resource>)>> {
        let hosts = self.context.hosts(self.global)?.into_iter();
        Ok(hosts
            .map(|host| (host, self.context.desired(host)))
            .collect())
    }

    /// Opens hosts. If one is not usable, the command ends before any change, unless `--ignore-unreachable` is given.
    pub(super) fn open_hosts<'h>(
        &self,
        fleet: &Fleet,
        hosts: Vec<(&'h Host, Vec<Resource>)>,
    ) -> Result<Opened<'h>> {
        self.all_opened(fleet, fleet.open(hosts))
    }

    /// As [`Self::open_hosts`], with the plans in the order of the hosts: see [`Fleet::open_to_plan`].
    pub(super) fn open_hosts_to_plan<'h>(
        &self,
        fleet: &Fleet,
        hosts: Vec<(&'h Host, Vec<Resource>)>,
    ) -> Result<(Opened<'h>, Vec<HostPlan>)> {
        let mut plans = Vec::new();
        let outcomes = fleet.open_to_plan(hosts).into_iter();
        let outcomes = outcomes.map(|(host, outcome)| {
            let run = outcome.map(|(run, plan)| {
                plans.push(plan);
                run
            });
            (host, run)
        });
        let outcomes = outcomes.collect();
        Ok((self.all_opened(fleet, outcomes)?, plans))
    }

    fn all_opened<'h>(
        &self,
        fleet: &Fleet,
        outcomes: Vec<FleetOutcome<'h, HostRun<'h>>>,
    ) -> Result<Opened<'h>> {
        let mut opened = Opened {
            hosts: Vec::new(),
            missing: Vec::new(),
        };
        for (host, outcome) in outcomes {
            match outcome {
                Ok(run) => opened.hosts.push(run),
                Err(error) => opened.missing.push((host, chain(&error))),
            }
        }
        if self.cancel.is_cancelled() {
            fleet.close(opened.hosts);
            return Err(Failure::new(
                Exit::Interrupted,
                "interrupted: nothing was changed\n",
            ));
        }
        if opened.missing.is_empty() {
            return Ok(opened);
        }
        if self.ignore_unreachable && !opened.hosts.is_empty() {
            return Ok(opened);
        }
        fleet.close(opened.hosts);
        // Events have reported the reasons.
        let hint = lab_hint(self.global, self.cluster());
        Err(Failure::new(
            Exit::Unreachable,
            format!("nothing was changed on any host\n{hint}"),
        ))
    }

    /// Ends the output of events; returns the loaded inventory for the result.
    pub(super) fn finish(self) -> Context {
        self.reporter.finish();
        self.access.print_costs(self.global);
        self.context
    }
}

/// Notes on hosts that a host's manifest names and that are no longer in the inventory.
pub(super) fn leftovers(session: &Session, host: &HostRun) -> Vec<String> {
    crate::run::leftovers::notes(session.cluster(), &host.answer.manifest)
}

/// Adds a note for each drain to the plan of the first director that was reached.
pub(super) fn note_drains(cluster: &Cluster, plans: &mut [HostPlan]) {
    let is_director = |plan: &&mut HostPlan| {
        let mut directors = cluster.directors();
        directors.any(|host| host.name == plan.host)
    };
    if let (Some(record), Some(plan)) = (&cluster.maintenance, plans.iter_mut().find(is_director)) {
        let notes = record.drains.iter().map(maintenance::note);
        plan.notes.extend(notes);
    }
}

/// Names of services and hosts in the inventory, for a plan that has their addresses.
pub(super) fn names_in_plans(cluster: &Cluster) -> Names {
    let services = cluster.services.iter().flat_map(|service| {
        let all = crate::view::virtuals(service).into_iter();
        all.map(|to| (to.to_string(), service.name.clone()))
    });
    let hosts = cluster.hosts.iter().flat_map(|host| {
        let own = host.addresses();
        own.map(|address| (address, host.name.clone()))
    });
    Names {
        services: services.collect(),
        hosts: hosts.collect(),
    }
}

/// A hint for a user who does not reach a host: `--lab` may be missing.
pub(super) fn lab_hint(global: &Global, cluster: &Cluster) -> String {
    let runs = || lab::status(&cluster.name).is_ok_and(|lab| lab.running);
    if global.lab || !runs() {
        return String::new();
    }
    format!(
        "the lab {} runs on this machine: --lab works in it\n",
        cluster.name
    )
}

/// Locks all hosts or none. A host that another run has locked, or that is not usable, ends the command before any change.
pub(super) fn lock<'h>(fleet: &Fleet, runs: Vec<HostRun<'h>>) -> Result<Vec<HostRun<'h>>> {
    let mut refused = String::new();
    let mut locked = Vec::new();
    for (run, result) in fleet.lock(runs) {
        if let Err(error) = result {
            refused.push_str(&format!("{}: {}\n", run.host.name, chain(&error)));
        }
        locked.push(run);
    }
    if refused.is_empty() {
        return Ok(locked);
    }
    fleet.close(locked);
    Err(Failure::new(
        Exit::Unreachable,
        format!("{refused}nothing was changed on any host\n"),
    ))
}
