//! Causes: the thing on a host that is wrong, by which findings of several checks are known to be of one fault.

use std::net::IpAddr;

/// A thing that several checks look at. Findings with the same cause on one host are one finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The value of a kernel parameter, running or at the next boot.
    Sysctl(String),
    /// An address that a host holds or lacks.
    Vip(IpAddr),
    /// A unit: whether and how its process runs, and whether it starts at boot.
    Unit(String),
    /// The file, and what keepalived made of it.
    KeepalivedConfig,
    /// A rule or policy of a packet filter, as it was printed.
    Rule(String),
    /// An interface, and what is wrong with it.
    Link(String),
    /// A real server as IPVS on a director has it.
    RealServer { host: String, service: String },
    /// All that a director does.
    Director(String),
    /// Another resource of the inventory, by kind and key.
    Resource { kind: String, key: String },
    /// Another speaker of VRRP with an id of ours; every director hears the same.
    VrrpSpeaker(u8),
}

impl Cause {
    /// Whether it is one cause for the whole cluster, on whichever host it is seen.
    pub(super) fn is_shared(&self) -> bool {
        match self {
            Self::VrrpSpeaker(_) | Self::RealServer { .. } | Self::Director(_) => true,
            Self::Sysctl(_)
            | Self::Vip(_)
            | Self::Unit(_)
            | Self::KeepalivedConfig
            | Self::Rule(_)
            | Self::Link(_)
            | Self::Resource { .. } => false,
        }
    }
}
