//! The interfaces through which a host reaches an address: those that the inventory names, and those with an address in its
//! network.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::HostAudit;
use crate::fact::address::{Addresses, Held};
use crate::model::topology::subnet;
use crate::model::{Cluster, HOMES};

impl HostAudit<'_> {
    /// Interfaces by which the host meets the network of an address: the inventory's, and any other that has an
    /// address there. Where the address is in no network of the inventory, all that the inventory names.
    pub(super) fn facing(&self, address: IpAddr) -> BTreeSet<String> {
        let named = self.host.interfaces.iter();
        let Some(subnet) = subnet(self.cluster, address) else {
            return named.map(|interface| interface.name.clone()).collect();
        };
        let within = |net: &IpNet| subnet.contains(&net.addr());
        let named = named.filter(|interface| interface.addresses.iter().any(within));
        let found = self.addresses().held.iter().filter(|held| {
            held.address != address && subnet.contains(&held.address) && !is_home(held)
        });
        named
            .map(|interface| interface.name.clone())
            .chain(found.map(|held| held.interface.clone()))
            .collect()
    }

    /// Interfaces by which the host's packets go to an address, and come from it: those that face its network, else
    /// those that face the gateway.
    pub(super) fn toward(&self, address: IpAddr) -> Vec<String> {
        let mut found = self.facing(address);
        if let Some(gateway) = self.host.gateway.filter(|_| found.is_empty()) {
            found = self.facing(gateway);
        }
        if found.is_empty() {
            found.insert(self.host.interface.clone());
        }
        found.into_iter().collect()
    }

    /// Interfaces by which packets reach the host's own address: the one that holds it, else those toward its network.
    pub(super) fn receiving(&self, own: IpAddr) -> Vec<String> {
        let held = self.addresses().of(own).filter(|held| !is_home(held));
        let held: Vec<String> = held.map(|held| held.interface.clone()).collect();
        if held.is_empty() {
            return self.toward(own);
        }
        held
    }
}

/// Whether an address is on an interface without a network, such as lo.
fn is_home(held: &Held) -> bool {
    HOMES.contains(&held.interface.as_str())
}

/// What a host holds on an address's network, beside the address itself.
pub(super) fn own_address<'a>(
    cluster: &Cluster,
    addresses: &'a Addresses,
    address: IpAddr,
) -> Option<&'a Held> {
    let vips = cluster.service_vips();
    let subnet = subnet(cluster, address);
    addresses.held.iter().find(|held| {
        let net = IpNet::new(held.address, held.prefix).ok();
        let near = match subnet {
            Some(subnet) => subnet.contains(&held.address),
            None => net.is_some_and(|net| net.prefix_len() > 0 && net.contains(&address)),
        };
        near && !vips.contains(&held.address) && !is_home(held)
    })
}
