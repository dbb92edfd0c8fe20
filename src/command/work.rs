//! What `plan`, `apply`, `destroy`, `verify` and `status` share: opening hosts, and showing plans.

use crate::cli::Global;
use crate::event::Sink;
use crate::exit::Exit;
use crate::fact::Needs;
use crate::inventory::model::{Cluster, Host};
use crate::lab;
use crate::report::error::chain;
use crate::report::plan::Names;
use crate::resource::Resource;
use crate::run::host::{HostError, Run};
use crate::run::{Fleet, HostRun, Interrupt};

use super::reach::Reach;
use super::setup::Setup;
use super::{Failure, Result};

pub struct Work<'a> {
    pub global: &'a Global,
    pub setup: &'a Setup,
    pub reach: &'a Reach,
    pub sink: &'a dyn Sink,
    pub ignore_unreachable: bool,
}

pub struct Opened<'h> {
    pub hosts: Vec<HostRun<'h>>,
    /// Hosts that were left out, with why.
    pub missing: Vec<(&'h Host, String)>,
}

/// The probe asks for resources alone.
pub fn nothing_more(_: &Host, _: &mut Needs) -> String {
    String::new()
}

impl<'a> Work<'a> {
    pub fn fleet(&self, interrupt: &'a Interrupt) -> Result<Fleet<'a>> {
        self.fleet_asking(interrupt, &nothing_more)
    }

    pub fn fleet_asking(
        &self,
        interrupt: &'a Interrupt,
        more: &'a (dyn Fn(&Host, &mut Needs) -> String + Sync),
    ) -> Result<Fleet<'a>> {
        let run = Run {
            cluster: self.setup.cluster(),
            roles: self.setup.roles.over(self.setup.cluster()),
            connect: &self.reach.connector,
            secrets: &self.reach.secrets,
            sink: self.sink,
            interrupt,
            holder: &self.reach.holder,
            more,
        };
        Fleet::new(run, usize::from(self.global.forks)).map_err(|e| Failure::of(Exit::Failed, &e))
    }

    /// The chosen hosts with what they shall be.
    pub fn wanted(&self) -> Result<Vec<(&'a Host, Vec<Resource>)>> {
        let hosts = self.setup.hosts(self.global)?.into_iter();
        Ok(hosts.map(|host| (host, self.setup.wanted(host))).collect())
    }

    /// Opens all hosts. One that cannot be worked on stops the command before anything changes, unless asked otherwise.
    pub fn open<'h>(
        &self,
        fleet: &Fleet,
        hosts: Vec<(&'h Host, Vec<Resource>)>,
    ) -> Result<Opened<'h>> {
        let mut opened = Opened {
            hosts: Vec::new(),
            missing: Vec::new(),
        };
        for (host, outcome) in fleet.open(hosts) {
            match outcome {
                Ok(run) => opened.hosts.push(run),
                Err(error) => opened.missing.push((host, chain(&error))),
            }
        }
        if fleet.run.interrupt.is_set() {
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
        // Why is told already, as an event.
        let hint = lab_hint(self.global, self.setup.cluster());
        Err(Failure::new(
            Exit::Unreachable,
            format!("nothing was changed on any host\n{hint}"),
        ))
    }
}

/// What a host's manifest says of hosts that have left the inventory.
pub fn left(work: &Work, host: &HostRun) -> Vec<String> {
    crate::run::left::notes(work.setup.cluster(), &host.answer.manifest)
}

/// How the inventory calls services and hosts, for a plan that knows their addresses.
pub fn called(cluster: &Cluster) -> Names {
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

/// What somebody may have forgotten who does not reach a host.
pub fn lab_hint(global: &Global, cluster: &Cluster) -> String {
    let runs = || lab::status(&cluster.name).is_ok_and(|lab| lab.running);
    if global.lab || !runs() {
        return String::new();
    }
    format!(
        "the lab {} runs on this machine: --lab works in it\n",
        cluster.name
    )
}

/// Locks hosts: all of them, or none.
pub fn lock<'h>(fleet: &Fleet, runs: Vec<HostRun<'h>>) -> Result<Vec<HostRun<'h>>> {
    let tried = fleet.each(runs, |mut run| {
        let locked = run.lock(&fleet.run);
        (run, locked)
    });
    all_locked(fleet, tried)
}

/// A host that another run holds, or that cannot be worked on, ends the command before anything changes.
pub fn all_locked<'h>(
    fleet: &Fleet,
    tried: Vec<(HostRun<'h>, std::result::Result<(), HostError>)>,
) -> Result<Vec<HostRun<'h>>> {
    let mut refused = String::new();
    let mut runs = Vec::new();
    for (run, result) in tried {
        if let Err(error) = result {
            refused.push_str(&format!("{}: {}\n", run.host.name, chain(&error)));
        }
        runs.push(run);
    }
    if refused.is_empty() {
        return Ok(runs);
    }
    fleet.close(runs);
    Err(Failure::new(
        Exit::Unreachable,
        format!("{refused}nothing was changed on any host\n"),
    ))
}
