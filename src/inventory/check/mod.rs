//! Whether a cluster makes sense. Each rule is a function from the cluster to faults.

use super::model::Cluster;
use super::place::Places;
use super::problem::Fault;
use crate::secret::Secrets;

/// keepalived cuts a longer VRRP password, silently but for a line in its log.
pub const MAX_AUTH_PASS: usize = 8;

pub(super) fn check(_cluster: &Cluster, _places: Places<'_>, _whole: bool) -> Vec<Fault> {
    Vec::new()
}

pub(super) fn secrets(_cluster: &Cluster, _secrets: &Secrets, _places: Places<'_>) -> Vec<Fault> {
    Vec::new()
}
