//! Why a VRRP instance may be in FAULT. Pure.

use crate::fact::address::Addresses;
use crate::model::{Cluster, Host, VrrpInstance};

/// The possible reasons of a FAULT: interfaces that are down, else all trackers.
pub fn why_in_fault(
    cluster: &Cluster,
    host: &Host,
    instance: &VrrpInstance,
    addresses: &Addresses,
) -> String {
    let me = instance.member(host);
    let mut interfaces: Vec<&str> = me.iter().map(|m| m.interface.as_str()).collect();
    let vips = instance.vips.iter();
    let facing = vips.filter_map(|vip| host.facing(vip.address));
    interfaces.extend(facing.map(|nic| nic.name.as_str()));
    interfaces.extend(instance.track_interfaces.iter().map(String::as_str));
    interfaces.sort_unstable();
    interfaces.dedup();
    let up = |name: &str| addresses.links.iter().any(|l| l.name == name && l.up);
    let down: Vec<&str> = interfaces.into_iter().filter(|name| !up(name)).collect();
    if !down.is_empty() {
        return format!("{} is down", down.join(" and "));
    }
    let scripts = instance.track_scripts.iter().filter(|t| t.weight == 0);
    let scripts: Vec<&str> = scripts.map(|t| t.name.as_str()).collect();
    match scripts.as_slice() {
        [] if cluster.vrrp.len() > 1 => {
            "an interface has no carrier, or another instance of its group is in FAULT".to_owned()
        }
        [] => "an interface has no carrier".to_owned(),
        all => format!(
            "the tracked program {} fails, or an interface has no carrier",
            all.join(" or ")
        ),
    }
}
