//! Which kernel the hosts of a lab run on, and how these kernels differ for hosts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::IptablesBackend;

/// The kernel under the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// This machine's own.
    Native,
    /// User-mode Linux.
    Uml,
    /// Debian's stock kernel in QEMU.
    Qemu,
}

impl Kernel {
    /// Whether it runs in a machine that the lab starts, apart from this one.
    pub(super) fn is_guest(self) -> bool {
        self != Self::Native
    }

    /// What a host's `iptables` talks to where the host names no backend.
    pub(super) fn default_backend(self) -> IptablesBackend {
        match self {
            // It has no nf_tables for IPv4.
            Self::Uml => IptablesBackend::Legacy,
            Self::Native | Self::Qemu => IptablesBackend::Nft,
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Uml => "user-mode Linux",
            Self::Qemu => "QEMU",
        })
    }
}
