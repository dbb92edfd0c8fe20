//! The specification of a lab: plain values, made from a cluster by the caller. No I/O.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::model::LabOptions;

/// A whole lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabSpec {
    /// Names the lab's namespace and state directory; by default the cluster's name.
    pub name: String,
    pub networks: Vec<Network>,
    pub hosts: Vec<Host>,
    /// Addresses that the lab must not take for the machine's own end of a network (VIPs).
    pub reserved: Vec<IpAddr>,
}

/// One bridge that hosts share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub name: String,
    /// One IPv4 subnet, and one IPv6 subnet where it has one.
    pub subnets: Vec<IpNet>,
    /// Whether the machine's end of the lab has an address here, so that it reaches the hosts.
    pub attached: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub name: String,
    pub nics: Vec<Nic>,
    pub gateway: Option<IpAddr>,
    #[serde(default)]
    pub options: LabOptions,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// Name of the interface inside the host, as the inventory has it (eth0).
    pub interface: String,
    pub network: String,
    pub addresses: Vec<IpNet>,
    /// Its hardware address, where it matters.
    #[serde(default)]
    pub mac: Option<String>,
}
