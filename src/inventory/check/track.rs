//! Interfaces, programs and units that members of a VRRP instance track, and the program that they run.

use super::View;
use super::health::program;
use crate::diagnostic::{Fault, choices, shown};
use crate::model::{TrackScript, VrrpInstance, Watch};

pub(super) fn programs(view: View<'_>, faults: &mut Vec<Fault>) {
    for instance in &view.cluster.vrrp {
        if let Some(fault) = instance.notify.as_deref().and_then(program) {
            faults.push(view.of_vrrp(instance, &["notify"], fault));
        }
        for tracker in &instance.track_scripts {
            let at = |key| ["track_script", tracker.name.as_str(), key];
            let (key, fault) = match &tracker.watch {
                Watch::Script(path) => ("script", program(path)),
                Watch::Unit { unit, .. } => ("unit", unit_name(unit)),
            };
            faults.extend(fault.map(|fault| view.of_vrrp(instance, &at(key), fault)));
            if let Some(fault) = tracker_name(&tracker.name) {
                faults.push(view.of_vrrp(instance, &["track_script"], fault));
            }
        }
    }
}

fn tracker_name(name: &str) -> Option<Fault> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let bad = name.is_empty() || name.len() > 63 || !name.chars().all(good);
    bad.then(|| {
        Fault::new(format!("{} is no name of a tracker", shown(name)))
            .help("lower-case letters, digits and `-`, at most 63")
    })
}

/// As systemd.unit(5) has it, without the characters that a shell would read.
fn unit_name(unit: &str) -> Option<Fault> {
    let good = |c: char| c.is_ascii_alphanumeric() || ":_.@-".contains(c);
    let bad = unit.len() > 255 || unit.starts_with(['.', '-']) || !unit.chars().all(good);
    bad.then(|| {
        Fault::new(format!("{} is no name of a systemd unit", shown(unit)))
            .help("write it as systemctl does: `nginx.service`")
    })
}

pub(super) fn interfaces(view: View<'_>, faults: &mut Vec<Fault>) {
    for instance in &view.cluster.vrrp {
        for (index, name) in instance.track_interfaces.iter().enumerate() {
            let hosts = view.cluster.hosts.iter();
            let mut members = hosts.filter(|h| instance.member(h).is_some());
            let lacks = members.find(|h| !h.interfaces.iter().any(|i| i.name == *name));
            let Some(host) = lacks else { continue };
            let names: Vec<&str> = host.interfaces.iter().map(|i| i.name.as_str()).collect();
            let fault = Fault::new(format!(
                "{} has no interface {}",
                shown(&host.name),
                shown(name)
            ))
            .about(&host.name)
            .help(choices(name, &names));
            let path = ["track_interface", &index.to_string()];
            faults.push(view.of_vrrp(instance, &path, fault));
        }
    }
}

/// keepalived tracks an instance's own interface in any case, so that one alone adds nothing.
pub(super) fn own_interface(view: View<'_>, faults: &mut Vec<Fault>) {
    for instance in &view.cluster.vrrp {
        let mut tracked = instance.track_interfaces.iter();
        let Some(first) = tracked.next() else {
            continue;
        };
        let own = |name: &String| instance.members.iter().all(|m| m.interface == *name);
        if !own(first) || !tracked.all(own) {
            continue;
        }
        let fault = Fault::new(format!(
            "{} carries the adverts, and is tracked without being named",
            shown(first)
        ))
        .help("delete `track_interface`, or name another interface that a master must have")
        .warning();
        faults.push(view.of_vrrp(instance, &["track_interface"], fault));
    }
}

/// The least difference of priority between a member and the next.
fn gap(instance: &VrrpInstance) -> Option<i16> {
    let pairs = instance.members.windows(2);
    let gaps = pairs.filter_map(|pair| match pair {
        [one, next] => Some(i16::from(one.priority) - i16::from(next.priority)),
        _ => None,
    });
    gaps.min()
}

/// A tracker whose weight is smaller than the difference to the next member's priority does not change the master.
pub(super) fn weights(view: View<'_>, faults: &mut Vec<Fault>) {
    for instance in &view.cluster.vrrp {
        let Some(gap) = gap(instance) else { continue };
        for tracker in &instance.track_scripts {
            let Some(fault) = idle(instance.preempt, gap, tracker) else {
                continue;
            };
            let path = ["track_script", tracker.name.as_str(), "weight"];
            faults.push(view.of_vrrp(instance, &path, fault.warning()));
        }
    }
}

/// Of a sync group no instance becomes the master where another may not (`vrrp_sync_can_goto_master`, keepalived's
/// vrrp_sync.c), so a priority that changes in one alone moves none.
pub(super) fn groups(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    if cluster.sync_group().is_empty() {
        return;
    }
    for instance in &cluster.vrrp {
        let Some(gap) = gap(instance) else { continue };
        for tracker in &instance.track_scripts {
            let moves = tracker.weight != 0 && idle(instance.preempt, gap, tracker).is_none();
            let watched = |other: &&VrrpInstance| {
                let same =
                    |t: &TrackScript| (&t.watch, t.weight) == (&tracker.watch, tracker.weight);
                other.track_scripts.iter().any(same)
            };
            let Some(other) = cluster.vrrp.iter().find(|i| !watched(i)).filter(|_| moves) else {
                continue;
            };
            let fault = Fault::new(format!(
                "{} changes the priority of instance {} alone, which moves together with {}: the master would stay",
                shown(&tracker.name),
                shown(&instance.name),
                shown(&other.name)
            ))
            .help("leave `weight` away: with 0 a failure gives the VIPs of all instances up; or watch the same with the same `weight` in each")
            .warning();
            let path = ["track_script", tracker.name.as_str(), "weight"];
            faults.push(view.of_vrrp(instance, &path, fault));
        }
    }
}

/// The fault of a tracker whose weight cannot change the master.
fn idle(preempt: bool, gap: i16, tracker: &TrackScript) -> Option<Fault> {
    let (name, weight) = (shown(&tracker.name), tracker.weight.abs());
    if weight == 0 {
        return None;
    }
    // A backup that may not preempt takes nothing from a master that it hears, whatever that one's priority.
    if !preempt {
        let fault = Fault::new(format!(
            "{name} changes a priority by {weight}, but with `preempt: false` the master would stay"
        ));
        return Some(fault.help("leave `weight` away: with 0 a failure gives the VIPs up"));
    }
    (weight <= gap).then(|| {
        Fault::new(format!(
            "{name} changes a priority by {weight}, but the members' differ by {gap}: the master would stay"
        ))
        .help(format!(
            "make its weight larger than {gap}, or the priorities differ by less than {weight}"
        ))
    })
}
