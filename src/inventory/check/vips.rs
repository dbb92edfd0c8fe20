//! All VIPs of the inventory with their places. What is wrong with one is decided by the rules.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::View;
use crate::model::VrrpInstance;

pub(super) struct Vip<'c> {
    pub address: IpAddr,
    /// Where it is written.
    pub path: Vec<String>,
    /// The instance that holds it.
    pub instance: Option<&'c VrrpInstance>,
}

/// VIPs of services, and those that VRRP alone has, each once.
pub(super) fn vips_of(view: View<'_>) -> Vec<Vip<'_>> {
    let cluster = view.cluster;
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for service in &cluster.services {
        for (index, vip) in service.vips.iter().enumerate() {
            if !seen.insert(vip.address) {
                continue;
            }
            let path = ["services", &service.name, "vip", &index.to_string()];
            let mut instances = cluster.vrrp.iter();
            all.push(Vip {
                address: vip.address,
                path: path.map(str::to_owned).to_vec(),
                instance: instances.find(|i| i.vips.iter().any(|v| v.address == vip.address)),
            });
        }
    }
    for instance in &cluster.vrrp {
        for (index, vip) in instance.vips.iter().enumerate() {
            if !seen.insert(vip.address) {
                continue;
            }
            let index = index.to_string();
            let path = view.vrrp_path(instance, &["vips", &index]).into_iter();
            all.push(Vip {
                address: vip.address,
                path: path.map(str::to_owned).collect(),
                instance: Some(instance),
            });
        }
    }
    all
}
