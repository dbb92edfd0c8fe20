//! What a host's plan and a director's configuration are without what is withheld.

use std::collections::BTreeSet;

use crate::model::Cluster;
use crate::plan::HostPlan;
use crate::resource::Change;
use crate::resource::change::Phase;

/// How much of a host's plan is not done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    #[default]
    Nothing,
    /// What it would lose.
    Removals,
    All,
}

/// A real server, or sorry server, that a director's configuration does not get.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    pub service: String,
    pub host: String,
}

/// A cluster without some real servers of services.
pub fn without(cluster: &Cluster, left_out: &BTreeSet<LeftOut>) -> Cluster {
    let mut cluster = cluster.clone();
    for service in &mut cluster.services {
        let is_out = |host: &str| {
            let mut all = left_out.iter();
            all.any(|out| out.service == service.name && out.host == host)
        };
        let sorry = service.sorry_server.take();
        service.sorry_server = sorry.filter(|sorry| !sorry.host.as_deref().is_some_and(&is_out));
        let stay = std::mem::take(&mut service.real_servers).into_iter();
        service.real_servers = stay.filter(|rs| !is_out(&rs.host)).collect();
    }
    cluster
}

impl HostPlan {
    /// What is left of it. A plan that loses its removals ends where they begin: the manifest that is written before the
    /// first change still names what would go, so that a later run takes it away.
    #[must_use]
    pub fn hold(mut self, hold: Hold) -> Self {
        match hold {
            Hold::Nothing => return self,
            Hold::Removals => {
                let removes = |change: &Change| {
                    let mut steps = change.steps.iter();
                    steps.any(|step| step.phase == Phase::Remove)
                };
                let first = self.steps.iter().position(|s| s.phase == Phase::Remove);
                let Some(first) = first else { return self };
                self.changes.retain(|change| !removes(change));
                self.steps.truncate(first);
                let work = |change: &Change| !change.steps.is_empty();
                if !self.changes.iter().any(work) {
                    self.steps.clear();
                }
            }
            Hold::All => {
                self.changes.clear();
                self.steps.clear();
                self.replaces.clear();
            }
        }
        if self.steps.is_empty() {
            self.adopts.clear();
            self.load = None;
        }
        self
    }
}
