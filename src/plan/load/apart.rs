//! VRRP instances that would stop to accept adverts between a changed director and members that the run does not change.
//! Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::instance::{SKIPS, VrrpInstance, find, instances};

/// Instances of which a director with its new file and members with their old ones would discard each other's adverts. The
/// director that holds the VIPs may change them if its backups do not compare VIPs of the same sender ([`SKIPS`]).
pub fn apart(before: &str, after: &str, holds: &BTreeSet<IpAddr>) -> BTreeSet<String> {
    // The file is already final; `limited` notes if keepalived has not loaded it.
    if before == after {
        return BTreeSet::new();
    }
    let (old, new) = (instances(before), instances(after));
    let is_apart = |one: &&VrrpInstance| {
        let Some(was) = find(&old, &one.key) else {
            return true;
        };
        let only_vips = was.auth == one.auth && was.interval == one.interval;
        let led = only_vips && was.is_held(holds) && before.contains(SKIPS);
        !(was.agrees(one) || led)
    };
    let apart = new.iter().filter(is_apart);
    apart.map(|one| one.name.clone()).collect()
}
