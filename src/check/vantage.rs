//! The place from which traffic is sent: a host of the inventory, or this machine if no client takes part.

use std::net::IpAddr;

use super::arp_answer;
use crate::fact::address::Addresses;
use crate::model::Cluster;
use crate::run::this_machine::ThisMachine;
use crate::run::{HostError, HostRun};
use crate::transport::Output;

pub(crate) enum Vantage<'r, 'h> {
    Host(&'r mut HostRun<'h>),
    ThisMachine(&'r mut ThisMachine),
}

impl Vantage<'_, '_> {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Host(run) => &run.host.name,
            Self::ThisMachine(_) => ThisMachine::NAME,
        }
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        match self {
            Self::Host(run) => &run.answer.facts.address,
            Self::ThisMachine(machine) => &machine.facts.address,
        }
    }

    /// Why it cannot act as a client; None for a host of the inventory, which has the role.
    pub(crate) fn unfit(&self, cluster: &Cluster) -> Option<String> {
        match self {
            Self::Host(_) => None,
            Self::ThisMachine(_) => unfit(cluster, self.addresses()),
        }
    }

    pub(crate) fn ask(&mut self, doing: &str, script: &str) -> Result<Output, HostError> {
        match self {
            Self::Host(run) => run.ask(doing, script),
            Self::ThisMachine(machine) => machine.ask(doing, script),
        }
    }

    /// Runs shell text whose effects on the shell stay.
    pub(crate) fn in_shell(&mut self, doing: &str, script: &str) -> Result<Output, HostError> {
        match self {
            Self::Host(run) => run.in_shell(doing, script),
            Self::ThisMachine(machine) => machine.in_shell(doing, script),
        }
    }
}

/// Why this machine cannot act as a client: it may have no route to VIPs outside of its networks, and it would answer
/// requests to a VIP that it holds itself.
fn unfit(cluster: &Cluster, addresses: &Addresses) -> Option<String> {
    let vips = cluster.all_vips();
    let held: Vec<&IpAddr> = vips.iter().filter(|vip| addresses.has(**vip)).collect();
    if let Some(vip) = held.first() {
        return Some(format!("this machine holds the VIP {vip} itself"));
    }
    let is_neighbour = !arp_answer::asks(cluster, addresses).is_empty();
    (!is_neighbour).then(|| "this machine is not on the VIPs' network".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::address::Held;
    use crate::inventory::{self, BUILT_IN_ROLES};

    #[test]
    fn this_machine_asks_as_a_neighbour_without_the_vip() {
        let text = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    rs1: { role: realserver, address: 10.0.0.3 }\nservices: { web: { vip: 10.0.0.9, port: 80 } }\n";
        let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES).expect("a valid inventory");
        for (about, held, unfit) in [
            ("a neighbour", vec!["10.0.0.20"], None),
            (
                "of another network",
                vec!["10.1.0.20"],
                Some("this machine is not on the VIPs' network"),
            ),
            (
                "a neighbour that holds the VIP",
                vec!["10.0.0.20", "10.0.0.9"],
                Some("this machine holds the VIP 10.0.0.9 itself"),
            ),
        ] {
            let on_nic = |address: &str| Held {
                interface: "eth0".to_owned(),
                address: address.parse().expect("an address"),
                prefix: 24,
                label: None,
                scope: "global".to_owned(),
                preferred: true,
                duplicate: false,
            };
            let addresses = Addresses {
                held: held.into_iter().map(on_nic).collect(),
                links: Vec::new(),
            };
            let found = super::unfit(&loaded.cluster, &addresses);
            assert_eq!(found.as_deref(), unfit, "{about}");
        }
    }
}
