//! Which edits of one director keep it from the members of its VRRP instances that are not edited with it. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::instance::{SKIPS, VrrpInstance, find, instances};

/// Instances of which a director that takes its file in, and members that do not, would discard each other's adverts. One that
/// holds the VIPs may get others where its backups take what the same sender advertises ([`SKIPS`]).
pub fn apart(before: &str, after: &str, holds: &BTreeSet<IpAddr>) -> BTreeSet<String> {
    // A file that is final may be unread; that is for [`limited`] to say.
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
