//! VRRP as keepalived takes it: a host's part of each instance, what it watches, and which instances move together.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{Cluster, Host, Vip, VrrpInstance, Watch};
use crate::plan::manifest;
use crate::resource::service_manager;

pub(super) fn member(cluster: &Cluster, instance: &VrrpInstance, host: &Host) -> Option<Value> {
    let me = instance
        .members
        .iter()
        .find(|member| member.host == host.name)?;
    let peers: Vec<_> = instance
        .members
        .iter()
        .filter(|member| member.host != host.name)
        .map(|member| member.address)
        .collect();
    let mut value = json!(instance);
    if let Value::Object(map) = &mut value {
        map.insert("me".to_owned(), json!(me));
        // VRRP version 3 knows no passwords (RFC 5798, 9), and keepalived refuses one.
        if instance.vips.iter().any(|vip| vip.address.is_ipv6()) {
            map.insert("auth_pass".to_owned(), Value::Null);
        }
        map.insert("peers".to_owned(), json!(peers));
        // keepalived tracks the instance's own interface anyway, and complains when the file says so.
        let vips: Vec<(&Vip, &String)> = instance
            .vips
            .iter()
            .map(|vip| {
                (
                    vip,
                    host.facing(vip.address)
                        .map_or(&me.interface, |nic| &nic.name),
                )
            })
            .collect();
        let mut others: BTreeSet<&str> = vips
            .iter()
            .map(|(_, interface)| interface.as_str())
            .collect();
        others.extend(instance.track_interfaces.iter().map(String::as_str));
        others.remove(me.interface.as_str());
        map.insert("other_interfaces".to_owned(), json!(others));
        let advertised = vips.len().min(most_advertised(instance));
        let (vips, excluded) = vips.split_at(advertised);
        for (key, vips) in [("vips", vips), ("excluded", excluded)] {
            let vips = vips.iter().map(|(vip, interface)| {
                json!({ "address": vip.address, "prefix": vip.prefix, "interface": interface })
            });
            map.insert(key.to_owned(), vips.collect());
        }
        let trackers = instance.track_scripts.iter().map(|tracker| {
            let path = match &tracker.watch {
                Watch::Script(path) => path.clone(),
                Watch::Unit { .. } => watcher(cluster, &instance.name, &tracker.name),
            };
            json!({
                "name": format!("{}-{}", instance.name, tracker.name), "path": path,
                "interval": tracker.interval, "weight": tracker.weight,
                "fall": tracker.fall, "rise": tracker.rise,
            })
        });
        map.insert("trackers".to_owned(), trackers.collect());
    }
    Some(value)
}

/// How many VIPs an advert names, on any interface. The count is a byte; and keepalived wants Ethernet's header, IP's
/// and VRRP's to fit into the MTU with the addresses (vrrp.c, vrrp_complete_instance): of IPv6 that is 76 in the least
/// MTU of 1280, and 89 in 1500.
fn most_advertised(instance: &VrrpInstance) -> usize {
    let v6 = instance.vips.iter().any(|vip| vip.address.is_ipv6());
    if v6 { (1280 - 14 - 40 - 8) / 16 } else { 255 }
}

/// Units that this director watches for VRRP, each with the program that asks.
pub(super) fn watched_units(cluster: &Cluster, host: &Host) -> Vec<Value> {
    let mine = cluster
        .vrrp
        .iter()
        .filter(|i| i.members.iter().any(|m| m.host == host.name));
    let all = mine.flat_map(|instance| instance.track_scripts.iter().map(move |t| (instance, t)));
    all.filter_map(|(instance, tracker)| {
        let Watch::Unit { unit, restart } = &tracker.watch else {
            return None;
        };
        let path = watcher(cluster, &instance.name, &tracker.name);
        let mark = format!(
            "{}/{}-{}.restarted",
            manifest::runtime(&cluster.name),
            instance.name,
            tracker.name
        );
        Some(json!({ "path": path, "mark": mark, "unit": unit, "service": service_manager::service(unit), "restart": restart }))
    })
    .collect()
}

/// The program that keepalived runs for a watched unit.
fn watcher(cluster: &Cluster, instance: &str, tracker: &str) -> String {
    format!(
        "/usr/local/sbin/lvsctl-{}-{instance}-{tracker}",
        cluster.name
    )
}
