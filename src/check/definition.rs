//! The definition of a check: its rule, the reason for the rule, and the function that judges it. The list of all checks is
//! in [`super::registry`].

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

use super::traffic::Traffic;
use super::{ClusterAudit, Findings, HostAudit};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

/// One check of `verify`. docs/checks.md is generated from its texts.
pub struct Check {
    /// Its name in findings, in lower case with hyphens.
    pub id: &'static str,
    /// The rule, in one sentence.
    pub summary: &'static str,
    /// The consequence for clients if the rule is violated.
    pub reason: &'static str,
    /// Where the rule comes from: a manual page, a kernel document, an RFC.
    pub source: &'static str,
    /// How to correct a violation.
    pub fix: &'static str,
    /// The facts that it reads, beyond those of the resources.
    pub needs: fn(&Cluster, &Host, &mut Needs),
    pub judge: Judge,
}

/// The input of a check's function.
pub enum Judge {
    /// Of each host that answered.
    Host(fn(&HostAudit, &mut Findings)),
    /// Of each director that answered.
    Director(fn(&HostAudit, &mut Findings)),
    /// Of all hosts together.
    Cluster(fn(&ClusterAudit, &mut Findings)),
    /// The answers to clients, and the directors' counters over the same time.
    Traffic(fn(&Traffic, &mut Findings)),
    /// No separate function: the check with this id judges it too, or the command `verify` does.
    By(&'static str),
}

/// For checks that need no facts beyond those of resources.
pub(super) fn nothing(_: &Cluster, _: &Host, _: &mut Needs) {}

/// All rules of the hosts that packets of services cross.
pub(super) fn packet_filter(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if cluster.serves(host) || host.is_director() {
        needs.firewall.get_or_insert_default().all = true;
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Check {}

impl PartialOrd for Check {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Check {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id.cmp(other.id)
    }
}

impl Hash for Check {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
