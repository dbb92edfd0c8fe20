//! VRRP instances, their members and what these track.

use std::net::IpAddr;

use serde::Serialize;

use super::{Host, Vip};
use crate::secret::SecretSource;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VrrpInstance {
    pub name: String,
    pub virtual_router_id: u8,
    /// Seconds.
    pub advert_int: f64,
    pub auth_pass: Option<SecretSource>,
    /// In the order of their priority, the highest first.
    pub members: Vec<VrrpMember>,
    pub vips: Vec<Vip>,
    /// Adverts go to the other members' addresses instead of 224.0.0.18.
    pub unicast: bool,
    pub preempt: bool,
    /// Interfaces without which a member gives the VIPs up.
    pub track_interfaces: Vec<String>,
    pub track_scripts: Vec<TrackScript>,
    /// A program that keepalived runs when the instance's state changes.
    pub notify: Option<String>,
    /// Whether the IPVS sync daemon replicates the master's connections to the backups.
    pub sync_daemon: bool,
}

impl VrrpInstance {
    /// A host as a member of the instance, where it is one.
    pub fn member(&self, host: &Host) -> Option<&VrrpMember> {
        self.members.iter().find(|member| member.host == host.name)
    }
}

/// What a member watches, beside its peers. Times in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackScript {
    pub name: String,
    pub watch: Watch,
    pub interval: u32,
    /// Added to the priority: a negative one while it fails, a positive one while it is well. 0: a failure gives
    /// the VIPs up.
    pub weight: i16,
    /// Failures in a row that count, and successes that end them.
    pub fall: u32,
    pub rise: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Watch {
    /// A program on the director.
    Script(String),
    /// A systemd unit, which may get one restart before it counts as down.
    Unit { unit: String, restart: bool },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VrrpMember {
    pub host: String,
    pub priority: u8,
    pub interface: String,
    pub address: IpAddr,
}
