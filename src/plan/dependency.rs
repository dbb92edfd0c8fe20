//! What the steps of a run need of other hosts: a real server keeps what it has while a director may send to it, a director
//! gets no real server that is not ready, and directors of one VRRP instance change what they say together. What is not
//! seen to hold is withheld. Pure: who is read for it, and how it is shown, is decided elsewhere.

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

/// What a run knows of a host. One that is not in the list was not read.
#[derive(Debug, Clone)]
pub struct Sight<'a> {
    pub host: &'a Host,
    /// Whether the run may change it. Others are only read.
    pub chosen: bool,
    /// Whether the run has begun to change it, and it failed then or in `verify`.
    pub failed: bool,
    /// None: it was not reached.
    pub seen: Option<Seen<'a>>,
}

/// What a host answered, as far as others depend on it.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// Whether it differs from its desired state.
    pub differs: bool,
    /// Whether its plan takes something away.
    pub takes_away: bool,
    /// Whether its plan changes what listens on it, or its routes.
    pub alters: bool,
    /// The virtual services in its kernel.
    pub table: &'a Table,
    /// Those that lvsctl recorded: a start or a boot brings them back.
    pub recorded: Vec<&'a Ipvs>,
    /// Whether keepalived runs, with the file that is there.
    pub loaded: bool,
    /// Whether keepalived runs, and so sends adverts.
    pub speaks: bool,
    /// VRRP instances of which members that do not change in this run would no longer take its adverts, or it theirs.
    pub apart: BTreeSet<String>,
}

/// What becomes of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions {
    pub holds: BTreeMap<String, Hold>,
    /// By director: what its configuration does not get.
    pub left_out: BTreeMap<String, BTreeSet<LeftOut>>,
    pub withheld: Vec<Withheld>,
}

impl Decisions {
    pub fn hold(&self, host: &str) -> Hold {
        self.holds.get(host).copied().unwrap_or_default()
    }
}

/// Whether a host may get requests from directors, and so must not lose anything while they send some.
fn may_get_requests(cluster: &Cluster, host: &Host) -> bool {
    !host.is_director() || cluster.serves(host)
}

/// Hosts outside the run that must be read before it can be decided.
pub fn needed<'a>(cluster: &'a Cluster, sights: &[Sight<'a>]) -> Vec<&'a Host> {
    let run = Run::new(cluster, sights);
    let names = run.needed();
    let hosts = cluster.hosts.iter();
    hosts
        .filter(|host| names.contains(host.name.as_str()))
        .collect()
}

/// The same before hosts are taken out of the cluster: all directors, for what they serve and what they send.
pub fn needed_to_leave<'a>(cluster: &'a Cluster, sights: &[Sight]) -> Vec<&'a Host> {
    let known = |host: &&Host| sights.iter().any(|sight| sight.host.name == host.name);
    let hosts = cluster.directors();
    hosts.filter(|host| !known(host)).collect()
}

/// Hosts to which a director sends in another way than the inventory says, and that go on: they change with the directors.
pub fn reshaped(cluster: &Cluster, sights: &[Sight]) -> BTreeSet<String> {
    Run::new(cluster, sights).reshaped()
}

/// Decides what a run that makes hosts as wanted does not do.
pub fn decide(cluster: &Cluster, sights: &[Sight]) -> Decisions {
    let mut run = Run::new(cluster, sights);
    // What is withheld on one host may keep another from its steps: so often as there are hosts, at most.
    while run.pass() {}
    run.end("apply")
}

/// Decides the same of a run that takes all away from the chosen hosts, after directors that stay have drained them.
pub fn decide_to_leave(cluster: &Cluster, sights: &[Sight]) -> Decisions {
    let mut run = Run::new(cluster, sights);
    run.leave();
    run.end("destroy")
}

#[cfg(test)]
mod tests;
