//! VRRP in keepalived's terms: a host's membership in each instance, its trackers, and the VIPs of an advert.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;

use crate::host_paths;
use crate::model::topology::member_interface;
use crate::model::{Cluster, Host, TrackScript, Vip, VrrpInstance, VrrpMember, Watch};
use crate::resource::service_manager;
use crate::secret::SecretSource;

/// An instance as one of its members has it.
#[derive(Debug, Serialize)]
pub(super) struct Membership<'c> {
    name: &'c str,
    virtual_router_id: u8,
    advert_int: f64,
    auth_pass: Option<&'c SecretSource>,
    members: &'c [VrrpMember],
    /// Named in adverts.
    vips: Vec<InstanceVip<'c>>,
    unicast: bool,
    preempt: bool,
    track_interfaces: &'c [String],
    track_scripts: &'c [TrackScript],
    notify: Option<&'c str>,
    sync_daemon: bool,
    me: &'c VrrpMember,
    peers: Vec<IpAddr>,
    other_interfaces: BTreeSet<&'c str>,
    /// VIPs that are too many for an advert.
    excluded: Vec<InstanceVip<'c>>,
    trackers: Vec<Tracker>,
}

#[derive(Debug, Serialize)]
struct InstanceVip<'c> {
    address: IpAddr,
    prefix: u8,
    interface: &'c str,
}

/// A `track_script` with the program that keepalived runs. Times in seconds.
#[derive(Debug, Serialize)]
struct Tracker {
    name: String,
    path: String,
    interval: u32,
    weight: i16,
    fall: u32,
    rise: u32,
}

/// The instances that a host is a member of.
pub(super) fn memberships<'c>(cluster: &'c Cluster, host: &'c Host) -> Vec<Membership<'c>> {
    let instances = cluster.vrrp.iter();
    let mine = instances.filter_map(|instance| Some((instance, instance.member(host)?)));
    mine.map(|(instance, me)| membership(cluster, instance, host, me))
        .collect()
}

fn membership<'c>(
    cluster: &'c Cluster,
    instance: &'c VrrpInstance,
    host: &'c Host,
    me: &'c VrrpMember,
) -> Membership<'c> {
    let peers = instance.members.iter().filter(|m| m.host != host.name);
    let vip = |vip: &Vip| InstanceVip {
        address: vip.address,
        prefix: vip.prefix,
        interface: member_interface(host, me, vip.address),
    };
    let mut vips: Vec<InstanceVip> = instance.vips.iter().map(vip).collect();
    // keepalived tracks the instance's own interface anyway, and complains when the file says so.
    let tracked = instance.track_interfaces.iter().map(String::as_str);
    let all = vips.iter().map(|vip| vip.interface).chain(tracked);
    let other_interfaces = all.filter(|name| *name != me.interface).collect();
    let excluded = vips.split_off(vips.len().min(most_advertised(instance)));
    Membership {
        name: &instance.name,
        virtual_router_id: instance.virtual_router_id,
        advert_int: instance.advert_int,
        // VRRP version 3 knows no passwords (RFC 9568, 9), and keepalived refuses one.
        auth_pass: instance.auth_pass.as_ref().filter(|_| !is_v6(instance)),
        members: &instance.members,
        vips,
        excluded,
        unicast: instance.unicast,
        preempt: instance.preempt,
        track_interfaces: &instance.track_interfaces,
        track_scripts: &instance.track_scripts,
        notify: instance.notify.as_deref(),
        sync_daemon: instance.sync_daemon,
        me,
        peers: peers.map(|member| member.address).collect(),
        other_interfaces,
        trackers: trackers(cluster, instance, host),
    }
}

fn trackers(cluster: &Cluster, instance: &VrrpInstance, host: &Host) -> Vec<Tracker> {
    let is_drained = cluster.is_drained(&host.name);
    let all = instance.track_scripts.iter().map(|tracker| Tracker {
        name: format!("{}-{}", instance.name, tracker.name),
        path: match &tracker.watch {
            Watch::Script(path) => path.clone(),
            Watch::Unit { .. } => watcher(cluster, instance, tracker),
        },
        interval: tracker.interval,
        // A successful tracker must not raise a drained director above the others; with weight 0 a failure would mean FAULT.
        weight: if is_drained && tracker.weight > 0 {
            -1
        } else {
            tracker.weight
        },
        fall: tracker.fall,
        rise: tracker.rise,
    });
    all.collect()
}

fn is_v6(instance: &VrrpInstance) -> bool {
    instance.vips.iter().any(|vip| vip.address.is_ipv6())
}

/// How many VIPs an advert names, on any interface. The count is a byte; and keepalived wants Ethernet's header, IP's
/// and VRRP's to fit into the MTU with the addresses (vrrp.c, vrrp_complete_instance): of IPv6 that is 76 in the least
/// MTU of 1280, and 89 in 1500.
fn most_advertised(instance: &VrrpInstance) -> usize {
    if is_v6(instance) {
        (1280 - 14 - 40 - 8) / 16
    } else {
        255
    }
}

/// A unit that a director watches for VRRP.
#[derive(Debug, Serialize)]
pub(super) struct Watched<'c> {
    /// The program that asks.
    path: String,
    /// The file that says that the unit had its restart.
    mark: String,
    unit: &'c str,
    /// OpenRC's name for it.
    service: &'c str,
    restart: bool,
}

pub(super) fn watched_units<'c>(cluster: &'c Cluster, host: &Host) -> Vec<Watched<'c>> {
    let instances = cluster.vrrp.iter();
    let mine = instances.filter(|instance| instance.member(host).is_some());
    let all = mine.flat_map(|instance| instance.track_scripts.iter().map(move |t| (instance, t)));
    all.filter_map(|(instance, tracker)| {
        let Watch::Unit { unit, restart } = &tracker.watch else {
            return None;
        };
        let runtime = host_paths::runtime(&cluster.name);
        Some(Watched {
            path: watcher(cluster, instance, tracker),
            mark: format!("{runtime}/{}-{}.restarted", instance.name, tracker.name),
            unit,
            service: service_manager::service(unit),
            restart: *restart,
        })
    })
    .collect()
}

/// The program that keepalived runs for a watched unit.
fn watcher(cluster: &Cluster, instance: &VrrpInstance, tracker: &TrackScript) -> String {
    let (cluster, instance, tracker) = (&cluster.name, &instance.name, &tracker.name);
    format!("/usr/local/sbin/lvsctl-{cluster}-{instance}-{tracker}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};
    use crate::model::{Drain, Maintenance};

    #[test]
    fn what_is_well_does_not_lift_a_drained_director() {
        const TEXT: &str = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                            lb2: { role: backup, address: 10.0.0.2 }\nvrrp:\n  virtual_router_id: 1\n  vips: 10.0.0.9\n  \
                            track_script:\n    up: { script: /bin/up, weight: 100 }\n    down: { script: /bin/down, weight: -20 }\n    \
                            fault: { script: /bin/fault, weight: 0 }\n";
        let inventory = match inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES) {
            Ok(loaded) => loaded.cluster,
            Err(error) => panic!("{}", error.render(100, false)),
        };
        let drain = Drain {
            host: "lb1".to_owned(),
            service: None,
            by: "ann@desk".to_owned(),
            since: 1,
            until: None,
            reason: None,
        };
        let drained = Maintenance::default().with(drain).over(&inventory);
        for (cluster, host, expected) in [
            (&inventory, 0, [100, -20, 0]),
            (&drained, 0, [-1, -20, 0]),
            (&drained, 1, [100, -20, 0]),
        ] {
            let host = &cluster.hosts[host];
            let trackers = trackers(cluster, &cluster.vrrp[0], host);
            let mut weights: Vec<i16> = trackers.iter().map(|tracker| tracker.weight).collect();
            weights.sort_by_key(|weight| expected.iter().position(|own| own == weight));
            assert_eq!(weights, expected, "{}", host.name);
        }
    }
}
