//! A specification made definite: every link, MAC and address of the lab. A function from values to values; no I/O.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::LabError;
use super::spec::{Host, LabSpec, Network};

const MAX_HOSTS: usize = 64;
const MAX_NETWORKS: usize = 16;
const MAX_NICS: usize = 16;

/// The kernel under the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// This machine's own.
    Native,
    /// User-mode Linux.
    Uml,
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Uml => "user-mode Linux",
        })
    }
}

/// All that the lab's own processes need to know; kept in the state directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layout {
    pub name: String,
    pub kernel: Kernel,
    pub memory_mib: u32,
    /// The folder of the shared root file system's parts.
    pub image: PathBuf,
    pub networks: Vec<NetworkLayout>,
    pub hosts: Vec<HostLayout>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NetworkLayout {
    pub name: String,
    /// Name of the bridge, and of the machine's end of it.
    pub link: String,
    pub attached: bool,
    /// The machine's end: one address of each subnet.
    pub machine: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HostLayout {
    pub name: String,
    pub machine_id: String,
    pub gateway: Option<IpAddr>,
    pub nics: Vec<NicLayout>,
    /// Where the machine reaches it: its first address on an attached network.
    pub address: IpAddr,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NicLayout {
    pub interface: String,
    /// The other end of its cable, on the bridge's side.
    /// First part of the name; each boot adds its number.
    pub port: String,
    pub bridge: String,
    pub mac: String,
    pub addresses: Vec<IpNet>,
}

impl Layout {
    pub fn host(&self, name: &str) -> Result<&HostLayout, LabError> {
        self.hosts
            .iter()
            .find(|h| h.name == name)
            .ok_or_else(|| LabError::NoSuchHost {
                lab: self.name.clone(),
                host: name.to_owned(),
                hosts: self.hosts.iter().map(|h| h.name.clone()).collect(),
            })
    }
}

/// Memory of a user-mode Linux that carries so many hosts.
pub(super) fn memory_mib(hosts: usize) -> u32 {
    512 + 384 * u32::try_from(hosts).unwrap_or(64)
}

/// Refuses what cannot be built, and settles all that the specification leaves open.
pub(super) fn layout(
    spec: &LabSpec,
    kernel: Kernel,
    memory: Option<u32>,
    image: PathBuf,
) -> Result<Layout, LabError> {
    check(spec).map_err(LabError::Spec)?;
    let taken: BTreeSet<IpAddr> = spec
        .hosts
        .iter()
        .flat_map(|h| &h.nics)
        .flat_map(|n| &n.addresses)
        .map(IpNet::addr)
        .chain(spec.reserved.iter().copied())
        .chain(spec.hosts.iter().filter_map(|h| h.gateway))
        .collect();
    let networks = spec
        .networks
        .iter()
        .enumerate()
        .map(|(i, network)| {
            Ok(NetworkLayout {
                name: network.name.clone(),
                link: link_name(i),
                attached: network.attached,
                machine: machine_end(network, &taken)?,
            })
        })
        .collect::<Result<Vec<_>, String>>()
        .map_err(LabError::Spec)?;
    let hosts = spec
        .hosts
        .iter()
        .enumerate()
        .map(|(i, host)| host_layout(spec, i, host))
        .collect::<Result<Vec<_>, String>>()
        .map_err(LabError::Spec)?;
    Ok(Layout {
        name: spec.name.clone(),
        kernel,
        memory_mib: memory.unwrap_or_else(|| memory_mib(hosts.len())),
        image,
        networks,
        hosts,
    })
}

fn link_name(index: usize) -> String {
    format!("lab{index}")
}

fn host_layout(spec: &LabSpec, index: usize, host: &Host) -> Result<HostLayout, String> {
    let mut nics = Vec::new();
    let mut address = None;
    for (n, nic) in host.nics.iter().enumerate() {
        let place = spec.networks.iter().position(|w| w.name == nic.network);
        let Some((at, network)) = place.and_then(|at| Some((at, spec.networks.get(at)?))) else {
            return Err(format!(
                "host {}, {}: no network named {}",
                host.name, nic.interface, nic.network
            ));
        };
        if network.attached && address.is_none() {
            address = nic.addresses.first().map(IpNet::addr);
        }
        nics.push(NicLayout {
            interface: nic.interface.clone(),
            port: format!("v{index}.{n}"),
            bridge: link_name(at),
            mac: mac(&spec.name, &host.name, &nic.interface),
            addresses: nic.addresses.clone(),
        });
    }
    let address = address.ok_or_else(|| {
        format!(
            "host {}: it has no address on an attached network, so this machine could not reach it; \
             attach one of its networks",
            host.name
        )
    })?;
    Ok(HostLayout {
        name: host.name.clone(),
        machine_id: hex(&digest(&["machine", &spec.name, &host.name]), 16),
        gateway: host.gateway,
        nics,
        address,
    })
}

/// The highest usable address of each subnet that nobody else has.
fn machine_end(network: &Network, taken: &BTreeSet<IpAddr>) -> Result<Vec<IpNet>, String> {
    if !network.attached {
        return Ok(Vec::new());
    }
    network
        .subnets
        .iter()
        .map(|subnet| {
            usable(subnet)
                .find(|a| !taken.contains(a))
                .and_then(|a| IpNet::new(a, subnet.prefix_len()).ok())
                .ok_or_else(|| {
                    format!(
                        "network {}: no address of {subnet} is left for this machine's end; \
                         take a larger subnet",
                        network.name
                    )
                })
        })
        .collect()
}

/// The usable addresses of a subnet, from the highest down.
fn usable(subnet: &IpNet) -> Box<dyn Iterator<Item = IpAddr>> {
    match subnet {
        IpNet::V4(net) => {
            let (low, high) = (u32::from(net.network()), u32::from(net.broadcast()));
            let edge = u32::from(net.prefix_len() < 31);
            let range = low.saturating_add(edge)..=high.saturating_sub(edge);
            Box::new(range.rev().map(|n| IpAddr::V4(Ipv4Addr::from(n))))
        }
        IpNet::V6(net) => {
            let (low, high) = (u128::from(net.network()), u128::from(net.broadcast()));
            let edge = u128::from(net.prefix_len() < 127);
            let range = low.saturating_add(edge)..=high;
            Box::new(range.rev().map(|n| IpAddr::V6(Ipv6Addr::from(n))))
        }
    }
}

/// A locally administered unicast MAC that stays the same over reboots and over labs made anew.
fn mac(lab: &str, host: &str, interface: &str) -> String {
    let digest = digest(&["mac", lab, host, interface]);
    let mut out = String::from("02");
    for byte in digest.iter().take(5) {
        out.push_str(&format!(":{byte:02x}"));
    }
    out
}

fn digest(words: &[&str]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for word in words {
        hasher.update(word.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().to_vec()
}

pub(super) fn hex(bytes: &[u8], count: usize) -> String {
    bytes
        .iter()
        .take(count)
        .map(|b| format!("{b:02x}"))
        .collect()
}

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

fn check(spec: &LabSpec) -> Result<(), String> {
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
