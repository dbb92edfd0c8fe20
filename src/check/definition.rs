//! What a check is: the rule that it proves, why the rule holds, and the function that judges it. The list of all checks is
//! [`super::registry`].

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

use super::traffic::Traffic;
use super::{ClusterAudit, Findings, HostAudit};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

/// One check of `verify`. Its texts are docs/checks.md.
pub struct Check {
    /// Its name in findings, in lower case with hyphens.
    pub id: &'static str,
    /// What holds when it passes, in one sentence.
    pub summary: &'static str,
    /// What goes wrong for clients where it does not hold.
    pub reason: &'static str,
    /// Where the rule comes from: a manual page, a kernel document, an RFC.
    pub source: &'static str,
    /// How to make it hold.
    pub fix: &'static str,
    /// The facts that it reads, beyond those of the resources.
    pub needs: fn(&Cluster, &Host, &mut Needs),
    pub judge: Judge,
}

/// When a check is made, and of what.
pub enum Judge {
    /// Of each host that answered.
    Host(fn(&HostAudit, &mut Findings)),
    /// Of each director that answered.
    Director(fn(&HostAudit, &mut Findings)),
    /// Of all hosts together.
    Cluster(fn(&ClusterAudit, &mut Findings)),
    /// Of what clients were answered and directors counted meanwhile.
    Traffic(fn(&Traffic, &mut Findings)),
    /// Not called by itself: the check of this id judges it, or the command `verify`.
    By(&'static str),
}

/// For checks that read what resources ask for anyway.
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
