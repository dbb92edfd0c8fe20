//! The layout of a lab: every link, MAC and address that follows from a specification. Pure.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::check::check;
use super::error::LabError;
use super::kernel::Kernel;
use super::spec::{Host, LabSpec, Network};
use crate::model::{IptablesBackend, Suite};

/// All that the lab's own processes need to know; kept in the state directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layout {
    pub name: String,
    pub kernel: Kernel,
    pub memory_mib: u32,
    /// Where root file systems and kernels are kept.
    pub cache: PathBuf,
    /// For a lab in QEMU.
    pub qemu: Option<QemuLayout>,
    pub networks: Vec<NetworkLayout>,
    pub hosts: Vec<HostLayout>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct QemuLayout {
    /// Name of the folder with the kernel, in the cache.
    pub kernel: String,
    pub kvm: bool,
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
    pub suite: Suite,
    pub iptables: IptablesBackend,
    /// Name of the folder with the root file system, in the cache; known once that is built.
    pub image: String,
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
    pub(super) fn host(&self, name: &str) -> Result<&HostLayout, LabError> {
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

/// What a lab's layout depends on beside the specification.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub kernel: Kernel,
    pub memory_mib: Option<u32>,
    /// The release of hosts that name none.
    pub suite: Suite,
    pub cache: PathBuf,
}

/// Memory of a machine that carries so many hosts.
pub(super) fn memory_mib(hosts: usize) -> u32 {
    512 + 384 * u32::try_from(hosts).unwrap_or(64)
}

/// Refuses what cannot be built, and settles all that the specification leaves open.
pub(super) fn layout(spec: &LabSpec, setting: &Setting) -> Result<Layout, LabError> {
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
        .map(|(i, host)| host_layout(spec, setting, i, host))
        .collect::<Result<Vec<_>, String>>()
        .map_err(LabError::Spec)?;
    Ok(Layout {
        name: spec.name.clone(),
        kernel: setting.kernel,
        memory_mib: setting
            .memory_mib
            .unwrap_or_else(|| memory_mib(hosts.len())),
        cache: setting.cache.clone(),
        qemu: None,
        networks,
        hosts,
    })
}

fn link_name(index: usize) -> String {
    format!("lab{index}")
}

fn host_layout(
    spec: &LabSpec,
    setting: &Setting,
    index: usize,
    host: &Host,
) -> Result<HostLayout, String> {
    let backend = setting.kernel.default_backend();
    let iptables = host.options.iptables.unwrap_or(backend);
    if setting.kernel == Kernel::Uml && iptables == IptablesBackend::Nft {
        return Err(format!(
            "host {}: its iptables cannot be nft in user-mode Linux, which has no nf_tables for IPv4; \
             take another kernel: --kernel qemu",
            host.name
        ));
    }
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
            mac: nic
                .mac
                .clone()
                .unwrap_or_else(|| mac(&spec.name, &host.name, &nic.interface)),
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
        suite: host.options.suite.unwrap_or(setting.suite),
        iptables,
        image: String::new(),
        gateway: host.gateway,
        nics,
        address,
    })
}

/// The highest usable address of each subnet that no host has.
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::lab::check::tests::spec;
    use crate::model::LabOptions;

    fn made(spec: &LabSpec) -> Result<Layout, LabError> {
        layout(spec, &setting(Kernel::Uml))
    }

    pub(crate) fn setting(kernel: Kernel) -> Setting {
        Setting {
            kernel,
            memory_mib: None,
            suite: Suite::default(),
            cache: PathBuf::from("/cache"),
        }
    }

    #[test]
    fn a_host_is_as_it_asks_to_be_and_else_as_the_lab_is() {
        let mut spec = spec(&["10.0.0.0/24"], &["10.0.0.1/24", "10.0.0.2/24"], &[]);
        spec.hosts[1].options = LabOptions {
            suite: Some(Suite::Trixie),
            iptables: Some(IptablesBackend::Legacy),
        };
        let layout = layout(&spec, &setting(Kernel::Qemu)).unwrap();
        let found: Vec<_> = layout.hosts.iter().map(|h| (h.suite, h.iptables)).collect();
        let want = [
            (Suite::Bookworm, IptablesBackend::Nft),
            (Suite::Trixie, IptablesBackend::Legacy),
        ];
        assert_eq!(found, want);

        spec.hosts[0].options.iptables = Some(IptablesBackend::Nft);
        let error = made(&spec).unwrap_err().to_string();
        assert!(
            error.contains("host h0: its iptables cannot be nft"),
            "{error}"
        );
    }

    #[test]
    fn the_machine_takes_the_highest_address_that_is_left() {
        for (subnets, taken, reserved, want) in [
            (
                &["192.168.1.0/24"][..],
                "192.168.1.1",
                &[][..],
                &["192.168.1.254/24"][..],
            ),
            (
                &["192.168.1.0/24"],
                "192.168.1.254",
                &["192.168.1.253"],
                &["192.168.1.252/24"],
            ),
            (&["10.0.0.0/30"], "10.0.0.2", &[], &["10.0.0.1/30"]),
            (&["10.0.0.0/31"], "10.0.0.1", &[], &["10.0.0.0/31"]),
            (&["0.0.0.0/0"], "192.168.1.1", &[], &["255.255.255.254/0"]),
            (
                &["192.168.1.0/24", "fd00::/64"],
                "192.168.1.1",
                &["fd00::ffff:ffff:ffff:ffff"],
                &["192.168.1.254/24", "fd00::ffff:ffff:ffff:fffe/64"],
            ),
        ] {
            let spec = spec(subnets, &[&format!("{taken}/24")], reserved);
            let layout = made(&spec).unwrap();
            let ends = layout
                .networks
                .first()
                .map(|n| n.machine.clone())
                .unwrap_or_default();
            let ends: Vec<_> = ends.iter().map(ToString::to_string).collect();
            assert_eq!(ends, want);
        }
    }

    #[test]
    fn a_full_subnet_has_no_place_for_the_machine() {
        let full = spec(&["10.0.0.0/30"], &["10.0.0.1/30"], &["10.0.0.2"]);
        let error = made(&full).unwrap_err().to_string();
        assert!(
            error.contains("no address of 10.0.0.0/30 is left"),
            "{error}"
        );
    }

    #[test]
    fn an_unattached_network_has_no_machine_and_reaches_no_host() {
        let mut spec = spec(&["10.0.0.0/24"], &["10.0.0.1/24"], &[]);
        for network in &mut spec.networks {
            network.attached = false;
        }
        let error = made(&spec).unwrap_err().to_string();
        assert!(
            error.contains("no address on an attached network"),
            "{error}"
        );
    }

    #[test]
    fn macs_are_stable_local_and_distinct() {
        let one = mac("lab", "lb1", "eth0");
        assert_eq!(one, mac("lab", "lb1", "eth0"));
        assert!(one.starts_with("02:") && one.len() == 17);
        // Words that would run together without a mark between them.
        let others = [
            mac("lab", "lb1", "eth1"),
            mac("lab", "lb", "1eth0"),
            mac("la", "blb1", "eth0"),
        ];
        assert!(!others.contains(&one));
    }
}
