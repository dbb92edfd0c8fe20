//! The state of a lab.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::error::LabError;
use super::kernel::Kernel;
use super::state::{StateDir, names, read_json};
use crate::model::{IptablesBackend, Suite};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabStatus {
    pub name: String,
    /// Whether the lab's own machine (its process tree) runs.
    pub running: bool,
    pub kernel: Kernel,
    /// For QEMU: whether it uses KVM.
    pub kvm: Option<bool>,
    /// The lab's network namespace, as `nsenter --net=` takes it.
    pub netns: std::path::PathBuf,
    /// Of the lab's machine, where it has one.
    pub memory_mib: Option<u32>,
    pub networks: Vec<NetworkStatus>,
    pub hosts: Vec<HostStatus>,
    pub ssh_config: std::path::PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkStatus {
    pub name: String,
    /// Name of the machine's end in the lab's namespace, where it is attached.
    pub link: Option<String>,
    pub machine: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostStatus {
    pub name: String,
    pub power: PowerState,
    /// How many times it was started.
    pub boots: u32,
    /// Where this machine reaches it.
    pub address: IpAddr,
    pub addresses: Vec<IpNet>,
    pub suite: Suite,
    pub iptables: IptablesBackend,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum PowerState {
    /// Not started yet.
    Waiting,
    On,
    /// Powered off from inside.
    Off,
    /// Its container ended with an error.
    Failed,
}

/// What the init program notes of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Power {
    pub state: PowerState,
    pub boots: u32,
}

pub(super) fn power(state: &StateDir, host: &str) -> Option<PowerState> {
    let power: Power = read_json(&state.host_power(host)).ok()?;
    Some(power.state)
}

/// Names of the labs on this machine, running or not.
pub fn list() -> Vec<String> {
    names()
}

pub fn status(lab: &str) -> Result<LabStatus, LabError> {
    let state = StateDir::of(lab)?;
    let layout = state.layout()?;
    let running = state.running();
    let hosts = layout
        .hosts
        .iter()
        .map(|host| {
            let noted: Option<Power> = read_json(&state.host_power(&host.name)).ok();
            let (power, boots) = noted.map_or((PowerState::Waiting, 0), |p| (p.state, p.boots));
            HostStatus {
                name: host.name.clone(),
                power: if running { power } else { PowerState::Off },
                boots,
                address: host.address,
                addresses: host.nics.iter().flat_map(|n| n.addresses.clone()).collect(),
                suite: host.suite,
                iptables: host.iptables,
            }
        })
        .collect();
    Ok(LabStatus {
        running,
        kernel: layout.kernel,
        netns: state.netns_file(),
        memory_mib: layout.kernel.is_guest().then_some(layout.memory_mib),
        kvm: layout.qemu.as_ref().map(|qemu| qemu.kvm),
        networks: layout
            .networks
            .into_iter()
            .map(|n| NetworkStatus {
                name: n.name,
                link: n.attached.then_some(n.link),
                machine: n.machine,
            })
            .collect(),
        hosts,
        ssh_config: state.ssh_config(),
        name: layout.name,
    })
}
