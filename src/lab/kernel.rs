//! Which kernel the hosts of a lab run on.

use std::fmt;

use serde::{Deserialize, Serialize};

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
