//! Refuses a specification that cannot be built, and names the place. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::spec::{Host, LabSpec};

const MAX_HOSTS: usize = 64;
const MAX_NETWORKS: usize = 16;
const MAX_NICS: usize = 16;

/// Whether the word can name a lab, which becomes part of file, namespace and control group names.
pub(super) fn check_lab_name(name: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 40 || !name.chars().all(good) || name.starts_with(['.', '-'])
    {
        return Err(format!(
            "{name:?} cannot name a lab: letters, digits, '-', '_' and '.' only, at most 40, first a letter or digit"
        ));
    }
    Ok(())
}

pub(super) fn check(spec: &LabSpec) -> Result<(), String> {
    check_lab_name(&spec.name)?;
    if spec.hosts.is_empty() {
        return Err("it has no hosts".to_owned());
    }
    if spec.hosts.len() > MAX_HOSTS {
        return Err(format!(
            "it has {} hosts; a lab takes {MAX_HOSTS}",
            spec.hosts.len()
        ));
    }
    if spec.networks.len() > MAX_NETWORKS {
        let count = spec.networks.len();
        return Err(format!(
            "it has {count} networks; a lab takes {MAX_NETWORKS}"
        ));
    }
    let mut names = BTreeSet::new();
    for network in &spec.networks {
        if !names.insert(&network.name) {
            return Err(format!("two networks are named {}", network.name));
        }
    }
    let mut names = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    for host in &spec.hosts {
        if !names.insert(&host.name) {
            return Err(format!("two hosts are named {}", host.name));
        }
        check_host(spec, host, &mut addresses)?;
    }
    Ok(())
}

fn check_host(spec: &LabSpec, host: &Host, addresses: &mut BTreeSet<IpAddr>) -> Result<(), String> {
    let name = &host.name;
    let good = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let edges = |c: char| "-.".contains(c);
    if name.is_empty()
        || name.len() > 63
        || !name.chars().all(good)
        || name.starts_with(edges)
        || name.ends_with(edges)
        || name.contains("..")
    {
        return Err(format!(
            "{name:?} cannot name a host: letters, digits, '-' and '.' only, at most 63"
        ));
    }
    if host.nics.len() > MAX_NICS {
        return Err(format!(
            "host {name}: it has {} NICs; a host takes {MAX_NICS}",
            host.nics.len()
        ));
    }
    let mut interfaces = BTreeSet::new();
    for nic in &host.nics {
        let interface = &nic.interface;
        let good = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if interface.is_empty()
            || interface.len() > 15
            || !interface.chars().all(good)
            || interface == "lo"
        {
            return Err(format!(
                "host {name}: {interface:?} cannot name an interface"
            ));
        }
        if !interfaces.insert(interface) {
            return Err(format!("host {name}: two interfaces are named {interface}"));
        }
        let network = spec.networks.iter().find(|n| n.name == nic.network);
        let Some(network) = network else {
            return Err(format!(
                "host {name}, {interface}: no network named {}",
                nic.network
            ));
        };
        for address in &nic.addresses {
            if !network.subnets.iter().any(|s| s.contains(&address.addr())) {
                return Err(format!(
                    "host {name}, {interface}: {address} lies in no subnet of network {}",
                    network.name
                ));
            }
            if !addresses.insert(address.addr()) {
                return Err(format!(
                    "host {name}, {interface}: {} is taken twice",
                    address.addr()
                ));
            }
        }
    }
    if let Some(gateway) = host.gateway {
        let near = host.nics.iter().flat_map(|n| &n.addresses);
        if !near.into_iter().any(|a| a.contains(&gateway)) {
            return Err(format!(
                "host {name}: its gateway {gateway} lies in none of its subnets"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::lab::spec::{Network, Nic};

    /// Hosts h0, h1 ... on one network, an address each.
    pub(crate) fn spec(subnets: &[&str], addresses: &[&str], reserved: &[&str]) -> LabSpec {
        let host = |(index, address): (usize, &&str)| Host {
            name: format!("h{index}"),
            nics: vec![Nic {
                interface: "eth0".to_owned(),
                network: "lan".to_owned(),
                addresses: vec![address.parse().unwrap()],
                mac: None,
            }],
            gateway: None,
            options: Default::default(),
        };
        LabSpec {
            name: "lab".to_owned(),
            networks: vec![Network {
                name: "lan".to_owned(),
                subnets: subnets.iter().map(|s| s.parse().unwrap()).collect(),
                attached: true,
            }],
            hosts: addresses.iter().enumerate().map(host).collect(),
            reserved: reserved.iter().map(|a| a.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn each_fault_is_named() {
        type Change = fn(&mut LabSpec);
        let cases: &[(&str, Change)] = &[
            ("cannot name a lab", |s| s.name = "a/b".to_owned()),
            ("cannot name a lab", |s| s.name = "..".to_owned()),
            ("cannot name a lab", |s| s.name = "x".repeat(41)),
            ("it has no hosts", |s| s.hosts.clear()),
            ("two hosts are named h0", |s| {
                s.hosts[1].name = "h0".to_owned();
            }),
            ("cannot name a host", |s| s.hosts[0].name = "a b".to_owned()),
            ("cannot name a host", |s| {
                s.hosts[0].name = "-oProxyCommand".to_owned();
            }),
            ("cannot name a host", |s| s.hosts[0].name = String::new()),
            ("two networks are named lan", |s| {
                let again = s.networks[0].clone();
                s.networks.push(again);
            }),
            ("host h0, eth0: no network named wan", |s| {
                s.hosts[0].nics[0].network = "wan".to_owned();
            }),
            ("\"eth0\\nlink\" cannot name an interface", |s| {
                s.hosts[0].nics[0].interface = "eth0\nlink".to_owned();
            }),
            ("\"lo\" cannot name an interface", |s| {
                s.hosts[0].nics[0].interface = "lo".to_owned();
            }),
            ("two interfaces are named eth0", |s| {
                let again = s.hosts[0].nics[0].clone();
                s.hosts[0].nics.push(again);
            }),
            ("10.9.0.1/24 lies in no subnet of network lan", |s| {
                s.hosts[0].nics[0].addresses = vec!["10.9.0.1/24".parse().unwrap()];
            }),
            ("host h1, eth0: 10.0.0.1 is taken twice", |s| {
                s.hosts[1].nics[0].addresses = vec!["10.0.0.1/24".parse().unwrap()];
            }),
            ("its gateway 10.1.0.1 lies in none", |s| {
                s.hosts[0].gateway = Some("10.1.0.1".parse().unwrap());
            }),
            ("a lab takes 64", |s| s.hosts = vec![s.hosts[0].clone(); 65]),
        ];
        let good = spec(&["10.0.0.0/24"], &["10.0.0.1/24", "10.0.0.2/24"], &[]);
        assert_eq!(check(&good), Ok(()));
        for (want, change) in cases {
            let mut spec = good.clone();
            change(&mut spec);
            let error = check(&spec).unwrap_err();
            assert!(error.contains(want), "{want:?} in {error:?}");
        }
    }
}
