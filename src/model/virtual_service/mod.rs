//! A virtual service of IPVS and its real servers, as ipvsadm(8) names them: desired by a role or found on a director.
//! How the two are compared belongs in `resource::ipvs`, how the table is read in `fact::ipvs`.

mod health_request;

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{Mode, Protocol, Scheduler};
pub use health_request::{HealthRequest, PageRequest};

/// Names a virtual service as ipvsadm(8) does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Virtual {
    Tcp(SocketAddr),
    Udp(SocketAddr),
    Fwmark { mark: u32, v6: bool },
}

impl Virtual {
    pub fn new(protocol: Protocol, address: IpAddr, port: u16) -> Self {
        match protocol {
            Protocol::Tcp => Self::Tcp(SocketAddr::new(address, port)),
            Protocol::Udp => Self::Udp(SocketAddr::new(address, port)),
        }
    }

    /// As `ipvsadm -Sn` prints it, to be looked for in its output: marks with a sign.
    pub fn printed(self) -> String {
        match self {
            Self::Fwmark { mark, v6 } => {
                let family = if v6 { " -6" } else { "" };
                format!("-f {}{family}", mark.cast_signed())
            }
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Virtual {
    /// The words of ipvsadm(8).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "-t {address}"),
            Self::Udp(address) => write!(f, "-u {address}"),
            Self::Fwmark { mark, v6: false } => write!(f, "-f {mark}"),
            Self::Fwmark { mark, v6: true } => write!(f, "-f {mark} -6"),
        }
    }
}

/// How a virtual service hands out connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Definition {
    pub r#virtual: Virtual,
    pub scheduler: Scheduler,
    pub flags: BTreeSet<String>,
    /// Seconds and prefix length.
    pub persistence: Option<(u32, u8)>,
    pub one_packet: bool,
    /// A persistence engine (`--pe`), which another program made of it.
    #[serde(skip)]
    pub engine: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    pub address: SocketAddr,
    pub mode: Mode,
    /// ipvsadm takes more than the 65535 of its manual.
    pub weight: u32,
    /// The requests of its health checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<HealthRequest>,
    /// The file by which our own health checker remembers that it took the real server out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<String>,
    /// The options of a tunnel that is not plain IP in IP, which another program made of it.
    #[serde(skip)]
    pub tunnel: Option<String>,
}
