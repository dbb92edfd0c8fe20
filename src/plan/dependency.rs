//! Conditions of a host's steps on other hosts: a real server loses nothing while a director may send requests to it, a
//! director gets no real server that is not ready, and directors of one VRRP instance change their adverts together. Steps
//! whose condition is not proven are withheld. Pure. Which hosts are read, and how the result is shown, is decided elsewhere.

mod hold;
mod run;
mod withheld;

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::ipvs::Table;
use crate::model::{Cluster, Host};
use crate::resource::ipvs::Ipvs;

pub use hold::{Hold, LeftOut, without};
pub use withheld::{Because, Need, State, What, Withheld};

use run::Run;

/// The knowledge of a run about a host. A host without an entry was not read.
#[derive(Debug, Clone)]
pub struct HostView<'a> {
    pub host: &'a Host,
    /// Whether the run may change it; otherwise it is only read.
    pub chosen: bool,
    /// Whether the run has begun to change it, and it failed then or in `verify`.
    pub failed: bool,
    /// None: it was not reached.
    pub seen: Option<Observed<'a>>,
}

/// The parts of a host's answer on which other hosts depend.
#[derive(Debug, Clone)]
pub struct Observed<'a> {
    /// Whether it differs from its desired state.
    pub differs: bool,
    /// Whether its plan has removals.
    pub takes_away: bool,
    /// Whether its plan changes what listens on it, or its routes.
    pub alters: bool,
    /// The virtual services in its kernel.
    pub table: &'a Table,
    /// The virtual services of its manifest: a start or a boot sets them again.
    pub recorded: Vec<&'a Ipvs>,
    /// Whether keepalived runs and has loaded its present file; true without keepalived.
    pub loaded: bool,
    /// Whether keepalived runs, and so may send adverts.
    pub speaks: bool,
    /// VRRP instances of which this host, once changed, and unchanged members would discard each other's adverts.
    pub apart: BTreeSet<String>,
}

/// The steps of a run that are withheld.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions {
    pub holds: BTreeMap<String, Hold>,
    /// By director: the real servers that its configuration does not get.
    pub left_out: BTreeMap<String, BTreeSet<LeftOut>>,
    pub withheld: Vec<Withheld>,
}

impl Decisions {
    pub fn hold(&self, host: &str) -> Hold {
        self.holds.get(host).copied().unwrap_or_default()
    }
}

/// Whether a host may get requests from directors, so that it must not lose resources while they send some.
fn may_get_requests(cluster: &Cluster, host: &Host) -> bool {
    !host.is_director() || cluster.serves(host)
}

/// Hosts outside of the run that must be read before [`decide`].
pub fn needed<'a>(cluster: &'a Cluster, views: &[HostView<'a>]) -> Vec<&'a Host> {
    let run = Run::new(cluster, views);
    let names = run.needed();
    let hosts = cluster.hosts.iter();
    hosts
        .filter(|host| names.contains(host.name.as_str()))
        .collect()
}

/// Hosts outside of the run that must be read before [`decide_to_leave`]: all directors.
pub fn needed_to_leave<'a>(cluster: &'a Cluster, views: &[HostView]) -> Vec<&'a Host> {
    let known = |host: &&Host| views.iter().any(|view| view.host.name == host.name);
    let hosts = cluster.directors();
    hosts.filter(|host| !known(host)).collect()
}

/// Hosts to which a director sends in another forwarding mode or to another port than desired, and that keep serving: they
/// must change together with the directors.
pub fn reshaped(cluster: &Cluster, views: &[HostView]) -> BTreeSet<String> {
    Run::new(cluster, views).reshaped()
}

/// The withheld steps of a run that brings hosts to the desired state.
pub fn decide(cluster: &Cluster, views: &[HostView]) -> Decisions {
    let mut run = Run::new(cluster, views);
    // A host's withheld steps may withhold those of another, so this repeats, at most once per host.
    while run.pass() {}
    run.end("apply")
}

/// The withheld steps of a run that removes everything from the chosen hosts, after the other directors have drained them.
pub fn decide_to_leave(cluster: &Cluster, views: &[HostView]) -> Decisions {
    let mut run = Run::new(cluster, views);
    run.leave();
    run.end("destroy")
}

#[cfg(test)]
mod tests;
