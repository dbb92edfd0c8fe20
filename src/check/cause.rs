//! Causes of findings: the faulty object on a host. Findings of several checks with equal causes are one fault.

use std::net::IpAddr;

/// An object that several checks examine. Findings with the same cause on one host become one finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The value of a kernel parameter, running or at the next boot.
    Sysctl(String),
    /// An address that a host holds or lacks.
    Vip(IpAddr),
    /// A unit: whether and how its process runs, and whether it starts at boot.
    Unit(String),
    /// keepalived's configuration file, or the configuration with which keepalived runs.
    KeepalivedConfig,
    /// A rule or policy of a packet filter, as it was printed.
    Rule(String),
    /// An interface, and what is wrong with it.
    Link(String),
    /// A real server as IPVS on a director has it.
    RealServer { host: String, service: String },
    /// A director as a whole.
    Director(String),
    /// Another resource of the inventory, by kind and key.
    Resource { kind: String, key: String },
    /// A foreign VRRP sender with a VRID of the cluster; every director receives its adverts.
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
