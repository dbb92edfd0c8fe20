//! A virtual service with its VIPs, ports and real servers.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EndToEnd, HealthCheck, HealthCheckKind};
use crate::model::ports::PortRange;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    pub name: String,
    pub vips: Vec<Vip>,
    /// Sorted. Without these and without ranges the service is on every port (port 0).
    pub ports: Vec<u16>,
    /// Sorted; only with a mark.
    pub port_ranges: Vec<PortRange>,
    pub protocol: Protocol,
    /// The firewall mark that makes one service of all VIPs and ports.
    pub fwmark: Option<u32>,
    pub mode: Mode,
    pub scheduler: Scheduler,
    /// As `ipvsadm -b` takes them.
    pub scheduler_flags: Vec<String>,
    pub persistence: Option<Persistence>,
    pub one_packet: bool,
    pub real_servers: Vec<RealServer>,
    pub sorry_server: Option<SorryServer>,
    /// Seconds between two rounds of health checks.
    pub delay_loop: u32,
    pub health_check: Option<HealthCheck>,
    pub check: EndToEnd,
    /// The networks that clients are in; none: anywhere. For checks alone.
    #[serde(skip)]
    pub clients: Vec<IpNet>,
}

impl Service {
    /// Everything that is set up as a real server of this service: its real servers, and its sorry server where that is
    /// a host of the inventory.
    pub fn backends(&self) -> impl Iterator<Item = Cow<'_, RealServer>> {
        let sorry = self.sorry_server.as_ref().and_then(|sorry| {
            let real = RealServer {
                host: sorry.host.clone()?,
                address: sorry.address,
                port: sorry.port,
                weight: 1,
            };
            let same = |rs: &RealServer| (rs.address, rs.port) == (real.address, real.port);
            (!self.real_servers.iter().any(same)).then_some(Cow::Owned(real))
        });
        self.real_servers.iter().map(Cow::Borrowed).chain(sorry)
    }

    /// Those on one host: several where it serves on several ports.
    pub fn backends_on<'a>(&'a self, host: &str) -> impl Iterator<Item = Cow<'a, RealServer>> {
        self.backends().filter(move |rs| rs.host == host)
    }

    pub fn is_served_by(&self, host: &str) -> bool {
        self.backends_on(host).next().is_some()
    }

    /// The ports that can be asked. Of ranges, and of a service on every port, those that its end-to-end check names.
    pub fn known_ports(&self) -> Vec<u16> {
        self.check.ports.clone()
    }

    /// Whether it is on every port.
    pub fn is_every_port(&self) -> bool {
        self.ports.is_empty() && self.port_ranges.is_empty()
    }

    /// The ports of a real server that its health check asks, for the virtual service of one port, or for a mark (none): what
    /// the inventory says, else the port that serves. Of a mark those that `verify` asks too, since its real server must
    /// answer on each; a page is asked for on one port that speaks HTTP or HTTPS as the check does.
    pub fn checked_ports(&self, rs: &RealServer, at: Option<u16>) -> Vec<u16> {
        let Some(check) = &self.health_check else {
            return Vec::new();
        };
        if let Some(port) = check.port.or(rs.port) {
            return vec![port];
        }
        let own = match at {
            Some(port) => vec![port],
            None if self.is_every_port() => Vec::new(),
            None => self.known_ports(),
        };
        let speaking = match &check.kind {
            HealthCheckKind::Tcp => return own,
            HealthCheckKind::Script { .. } => return own.into_iter().take(1).collect(),
            HealthCheckKind::Http(_) => &self.check.http,
            HealthCheckKind::Https(_) => &self.check.https,
        };
        let good = |ports: &[u16]| ports.iter().copied().find(|port| speaking.contains(port));
        let port = good(&own).or_else(|| good(&self.ports));
        port.or(own.first().copied()).into_iter().collect()
    }

    /// Single ports and ranges together, sorted.
    pub fn all_ports(&self) -> Vec<PortRange> {
        let single = self.ports.iter().copied().map(PortRange::single);
        let mut all: Vec<PortRange> = single.chain(self.port_ranges.iter().copied()).collect();
        all.sort_unstable();
        all
    }

    /// Ports that stand for all: what rules do with a packet to these they do, most likely, with the others too. Nothing is
    /// sent to them.
    pub fn sampled_ports(&self) -> BTreeSet<u16> {
        let ends = self.port_ranges.iter().flat_map(|r| [r.first, r.last]);
        let last = self.ports.last().copied();
        self.known_ports()
            .into_iter()
            .chain(ends)
            .chain(last)
            .collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Vip {
    pub address: IpAddr,
    /// On directors; a real server always holds its VIP as a host address.
    pub prefix: u8,
}

#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
}

/// How a director hands a packet to a real server.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Mode {
    #[default]
    Dr,
    Nat,
    Tun,
}

/// Interfaces that hold VIPs on real servers, and face no network.
pub const HOMES: [&str; 3] = ["lo", "tunl0", "ip6tnl0"];

impl Mode {
    /// The interface on which a real server holds a VIP: the one that tunnelled packets come out of, else lo.
    pub fn home(self, vip: IpAddr) -> &'static str {
        match (self, vip) {
            (Self::Tun, IpAddr::V4(_)) => "tunl0",
            (Self::Tun, IpAddr::V6(_)) => "ip6tnl0",
            (Self::Dr | Self::Nat, _) => "lo",
        }
    }
}

#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Scheduler {
    #[default]
    Rr,
    Wrr,
    Lc,
    Wlc,
    Lblc,
    Lblcr,
    Dh,
    Sh,
    Sed,
    Nq,
    Fo,
    Ovf,
    Mh,
    Twos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Persistence {
    /// Seconds.
    pub timeout: u32,
    /// Prefix length that makes clients one: 32 (IPv4) or 128 (IPv6) is each client for itself.
    pub granularity: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RealServer {
    /// Name of its host, which may have several, each on a different port.
    pub host: String,
    pub address: IpAddr,
    /// None: the port that the client asked for (always so in DR and TUN, and with a mark).
    pub port: Option<u16>,
    pub weight: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SorryServer {
    pub address: IpAddr,
    /// The host of the inventory that has the address, and is set up as a real server. None for a foreign address, and
    /// for a director, which answers for itself.
    pub host: Option<String>,
    /// None: the port that the client asked for.
    pub port: Option<u16>,
}
