//! Notes of a plan on what clients will notice while directors load new keepalived files. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::director::{Absent, Director};
use super::instance::{SKIPS, VrrpInstance, begin_anew, find, moved};

pub(super) fn listed(vips: &BTreeSet<IpAddr>) -> String {
    let all: Vec<String> = vips.iter().map(ToString::to_string).collect();
    all.join(", ")
}

/// Seconds after which a backup of a middling priority takes over: 3 intervals and the skew, which VRRP version 3 scales
/// with the interval (RFC 3768, 6.1; RFC 9568, 6.1).
fn takeover(interval: f64, v6: bool) -> f64 {
    const SKEW: f64 = 0.6;
    3.0 * interval + if v6 { SKEW * interval } else { SKEW }
}

/// Adds notes on what clients will notice.
pub(super) fn announce(
    director: &mut Director,
    before: &[VrrpInstance],
    after: &[VrrpInstance],
    lost: &BTreeSet<IpAddr>,
    anew: &BTreeSet<String>,
) {
    let notes = &mut director.plan.notes;
    for (vip, (from, to)) in moved(before, after) {
        let what = if from == to {
            format!("the VRRP instance of the VIP {vip} gets the virtual_router_id of another")
        } else {
            format!("the VIP {vip} moves from the VRRP instance {from} to {to}")
        };
        notes.push(format!(
            "{what}, which keepalived cannot do in one reload: it reloads twice, and in between no director holds the VIP \
             for a few seconds"
        ));
    }
    for new in begin_anew(before, after) {
        let long = if anew.contains(&new.name) {
            "less than a second".to_owned()
        } else {
            let seconds = takeover(new.interval.unwrap_or(1.0), new.key.v6);
            format!("about {seconds:.1} s")
        };
        notes.push(format!(
            "the VRRP instance {} begins anew (its virtual_router_id, interface, family or transport changes): no director \
             holds {} for {long}",
            new.name,
            listed(&new.vips),
        ));
    }
    let mine: BTreeSet<IpAddr> = after.iter().flat_map(|new| &new.vips).copied().collect();
    let lost: BTreeSet<IpAddr> = lost.intersection(&mine).copied().collect();
    if !lost.is_empty() {
        notes.push(format!(
            "no director holds {}, and keepalived does not set it by itself: it reloads twice, without the VIP and with it",
            listed(&lost)
        ));
    }
}

/// Adds notes on instances of which the run does not change all members.
pub(super) fn limited(
    director: &mut Director,
    before: &[VrrpInstance],
    after: &[VrrpInstance],
    absent: &[Absent],
) {
    for new in after {
        let others = absent.iter().filter(|member| member.instance == new.name);
        let others: Vec<&str> = others.map(|member| member.host).collect();
        let old = find(before, &new.key);
        // If the file is already final, keepalived may still run with an earlier one.
        let read = director.before != director.revealed;
        if others.is_empty() || (read && old.is_some_and(|old| old.agrees(new))) {
            continue;
        }
        let holds = before
            .iter()
            .any(|old| old.name == new.name && old.is_held(&director.holds));
        let only_vips = old.is_some_and(|old| old.auth == new.auth && old.interval == new.interval);
        let (here, there) = (director.plan.host.as_str(), others.join(" and "));
        let name = &new.name;
        let note = if !read {
            format!(
                "warning: keepalived has not read its file yet, and {there}, which is not part of this run, may run with other \
                 VIPs of the VRRP instance {name}: then one discards the adverts of the other, and both hold its VIPs until \
                 `lvsctl apply` reaches all directors; apply to them together, without --limit"
            )
        } else if holds && only_vips && director.before.contains(SKIPS) {
            format!(
                "the VRRP instance {name} gets other VIPs here and not on {there}, which is not part of this run: until \
                 `lvsctl apply` reaches it, it takes over with the old ones"
            )
        } else {
            let (one, other) = if holds {
                (there.as_str(), here)
            } else {
                (here, there.as_str())
            };
            format!(
                "warning: the adverts of the VRRP instance {name} change here and not on {there}, which is not part of this \
                 run: {one} discards the adverts of {other} and takes over, and both hold its VIPs until `lvsctl apply` reaches \
                 all directors; apply to them together, without --limit"
            )
        };
        director.plan.notes.push(note);
    }
}
