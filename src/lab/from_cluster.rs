//! From a cluster to the lab that stands for its hosts. Pure; what the hosts then run is not known here.

use super::spec::{Host, LabSpec, Network, Nic};
use crate::model::Cluster;

/// A lab with every host of the cluster, each with its interfaces, addresses and gateway.
pub fn lab_spec(cluster: &Cluster) -> LabSpec {
    let networks = cluster.networks.iter().map(|network| Network {
        name: network.name.clone(),
        subnets: network.subnets.clone(),
        attached: is_reached(cluster, &network.name),
    });
    let hosts = cluster.hosts.iter().map(|host| Host {
        name: host.name.clone(),
        nics: host
            .interfaces
            .iter()
            .map(|interface| Nic {
                interface: interface.name.clone(),
                network: interface.network.clone(),
                addresses: interface.addresses.clone(),
                mac: interface.mac.clone(),
            })
            .collect(),
        gateway: host
            .gateway
            // A way through a director is a part of NAT, which `apply` sets up; hosts come without it.
            .filter(|gateway| !cluster.is_through_a_director(*gateway)),
        options: host.lab,
    });
    let mut reserved = cluster.all_vips();
    let sorry = cluster
        .services
        .iter()
        .filter_map(|s| s.sorry_server.as_ref());
    reserved.extend(sorry.map(|s| s.address));
    LabSpec {
        name: cluster.name.clone(),
        networks: networks.collect(),
        hosts: hosts.collect(),
        reserved: reserved.into_iter().collect(),
    }
}

/// Whether some host is reached by an address of this network.
fn is_reached(cluster: &Cluster, network: &str) -> bool {
    let mut primary = cluster.hosts.iter().filter_map(|h| h.interfaces.first());
    primary.any(|interface| interface.network == network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    const ROUTED: &str = "
cluster: routed
networks:
  outside: 172.25.254.0/24
  inside: 192.168.0.0/24
  store: 10.0.0.0/24
hosts:
  client: { role: client, address: 172.25.254.200, gateway: router }
  router:
    role: router
    interfaces: { eth0: 172.25.254.100, eth1: 192.168.0.100 }
  lb1: { role: director, address: 192.168.0.50, gateway: router }
  rs1:
    role: realserver
    address: 192.168.0.10
    gateway: router
    interfaces: { eth1: 10.0.0.10 }
services:
  web: { vip: 192.168.0.200, port: 80 }
";

    #[test]
    fn hosts_networks_gateways_and_vips_are_taken_over() {
        let loaded = inventory::parse("routed.yaml", ROUTED, BUILT_IN_ROLES).unwrap();
        let spec = lab_spec(&loaded.cluster);

        assert_eq!(spec.name, "routed");
        let attached: Vec<_> = spec
            .networks
            .iter()
            .map(|n| (n.name.as_str(), n.attached))
            .collect();
        assert_eq!(
            attached,
            [("outside", true), ("inside", true), ("store", false)]
        );
        let gateways: Vec<_> = spec
            .hosts
            .iter()
            .map(|h| h.gateway.map(|g| g.to_string()).unwrap_or_default())
            .collect();
        assert_eq!(
            gateways,
            ["172.25.254.100", "", "192.168.0.100", "192.168.0.100"]
        );
        let nics: Vec<_> = spec.hosts[3]
            .nics
            .iter()
            .map(|n| format!("{} {} {}", n.interface, n.network, n.addresses[0]))
            .collect();
        assert_eq!(
            nics,
            ["eth0 inside 192.168.0.10/24", "eth1 store 10.0.0.10/24"]
        );
        assert_eq!(
            spec.reserved,
            ["192.168.0.200".parse::<std::net::IpAddr>().unwrap()]
        );
    }
}
