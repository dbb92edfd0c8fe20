//! A valid cluster: what the rest of the program works on. Every reference is resolved and every default
//! filled in; how it is written in YAML and what may be wrong with it is not known here.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::http::{HttpVersion, StatusCodes, WrongStatus};
use crate::ports::PortRange;
use crate::secret::SecretSource;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cluster {
    /// Names what is ours on hosts: file names, rule comments. Lower-case letters, digits and `-`, at most 32.
    pub name: String,
    pub networks: Vec<Network>,
    /// In the order of the inventory.
    pub hosts: Vec<Host>,
    pub services: Vec<Service>,
    pub vrrp: Vec<VrrpInstance>,
    /// Whether keepalived holds IPVS and VIPs on the directors.
    pub keepalived: bool,
    pub arp: ArpAnswer,
    /// Free values for roles and templates of the user's own.
    pub vars: serde_json::Map<String, serde_json::Value>,
}

impl Cluster {
    /// Whether a host is the sorry server of a service, and set up as a real server for that.
    pub fn stands_in(&self, host: &Host) -> bool {
        let mut sorry = self.services.iter().filter_map(|s| s.sorry_server.as_ref());
        sorry.any(|sorry| sorry.host.as_deref() == Some(host.name.as_str()))
    }

    /// Whether a host is set up as a real server.
    pub fn serves(&self, host: &Host) -> bool {
        host.is_real_server() || self.stands_in(host)
    }

    pub fn directors(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(|host| host.is_director())
    }

    /// Addresses that directors have whether they serve or not.
    pub fn director_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let nics = self.directors().flat_map(|host| &host.interfaces);
        nics.flat_map(|nic| &nic.addresses).map(IpNet::addr)
    }

    /// VIPs of services, each once, in the order of the inventory.
    pub fn service_vips(&self) -> Vec<IpAddr> {
        let mut seen = BTreeSet::new();
        let all = self.services.iter().flat_map(|service| &service.vips);
        all.map(|vip| vip.address)
            .filter(|address| seen.insert(*address))
            .collect()
    }

    /// All VIPs, of services and of VRRP.
    pub fn all_vips(&self) -> BTreeSet<IpAddr> {
        let services = self.service_vips().into_iter();
        services.chain(self.floating_vips()).collect()
    }

    /// VIPs that VRRP moves between directors.
    pub fn floating_vips(&self) -> impl Iterator<Item = IpAddr> {
        let all = self.vrrp.iter().flat_map(|instance| &instance.vips);
        all.map(|vip| vip.address)
    }

    /// Instances that move together: in NAT the VIP of the clients and the real servers' gateway belong on one director.
    /// Directors that share the work have each its own instances, which do not.
    pub fn sync_group(&self) -> Vec<&str> {
        let nat = self.services.iter().any(|s| s.mode == Mode::Nat);
        let Some(first) = self.vrrp.first() else {
            return Vec::new();
        };
        let same = |instance: &VrrpInstance| {
            let members = instance.members.iter().map(|member| &member.host);
            members.eq(first.members.iter().map(|member| &member.host))
        };
        if !nat || self.vrrp.len() < 2 || !self.vrrp.iter().all(same) {
            return Vec::new();
        }
        self.vrrp.iter().map(|i| i.name.as_str()).collect()
    }

    /// Whether a host may ask for a service as its users do. A real server answers itself, and a director's own
    /// packets do not come in by the network.
    pub fn is_neutral(&self, host: &Host) -> bool {
        host.has_role("client")
            && !host.is_director()
            && !host.is_real_server()
            && !self.services.iter().any(|s| s.is_served_by(&host.name))
    }

    /// Whether packets to this address come to a director: it has the address, or VRRP moves it among directors.
    pub fn is_through_a_director(&self, gateway: IpAddr) -> bool {
        let mut theirs = self.director_addresses().chain(self.floating_vips());
        theirs.any(|address| address == gateway)
    }
}

/// What keeps real servers that hold a VIP from drawing its traffic to themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ArpAnswer {
    /// arp_ignore and arp_announce on the real servers.
    #[default]
    Sysctl,
    /// arptables rules on the real servers.
    Arptables,
    /// A static neighbour entry on the gateway, the only one that asks.
    Neighbour,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Network {
    pub name: String,
    pub subnets: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Host {
    pub name: String,
    /// At least one; a name of a file in `roles/`, built in or the user's.
    pub roles: Vec<String>,
    /// The address that the cluster's traffic uses: RIP of a real server, DIP of a director.
    pub address: IpAddr,
    /// The interface that holds `address`.
    pub interface: String,
    /// All interfaces, the primary one first.
    pub interfaces: Vec<Interface>,
    pub gateway: Option<IpAddr>,
    pub connection: Connection,
    pub ssh: SshOptions,
    /// Whether what is applied comes back when the host boots.
    pub persist: bool,
    /// Folders that other hosts mount.
    pub exports: Vec<Export>,
    /// What the host is like in a lab; of no meaning to a host elsewhere.
    #[serde(skip)]
    pub lab: LabOptions,
    pub vars: serde_json::Map<String, serde_json::Value>,
}

impl Host {
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }

    /// All addresses that it has beside VIPs.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let nics = self.interfaces.iter().flat_map(|nic| &nic.addresses);
        nics.map(IpNet::addr).chain([self.address])
    }

    pub fn holds(&self, address: IpAddr) -> bool {
        self.addresses().any(|own| own == address)
    }

    /// The interface in the network of an address.
    pub fn facing(&self, address: IpAddr) -> Option<&Interface> {
        let within = |nic: &&Interface| nic.addresses.iter().any(|net| net.contains(&address));
        self.interfaces.iter().find(within)
    }

    pub fn is_director(&self) -> bool {
        self.roles.iter().any(|role| directs(role))
    }

    pub fn is_real_server(&self) -> bool {
        self.has_role("realserver")
    }
}

/// Directors hold IPVS; a backup is a director that starts with the lower priority.
pub fn directs(role: &str) -> bool {
    matches!(role, "director" | "backup")
}

/// A folder of one host that another mounts by NFS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Export {
    pub path: String,
    /// Name of the host that mounts it.
    pub client: String,
    /// Where it does.
    pub at: String,
    pub read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interface {
    pub name: String,
    pub network: String,
    pub addresses: Vec<IpNet>,
    /// In lower case, where it is known beforehand.
    pub mac: Option<String>,
}

/// What a host is like in a lab (`lvsctl lab up`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LabOptions {
    /// The Debian release of the host. Default: that of `lvsctl lab up --suite`.
    pub suite: Option<Suite>,
    /// What the host's `iptables` talks to. Default: `nft`, as Debian has it, but `legacy` in user-mode Linux, which
    /// has nothing else.
    pub iptables: Option<IptablesBackend>,
}

/// A Debian release.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Suite {
    /// Debian 12: keepalived 2.2, systemd 252.
    #[default]
    Bookworm,
    /// Debian 13: keepalived 2.3, systemd 257.
    Trixie,
}

/// The two packet filters behind the program iptables.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum IptablesBackend {
    Nft,
    Legacy,
}

/// How a host is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    #[default]
    Ssh,
    /// The machine that lvsctl runs on.
    Local,
}

/// What the inventory says of a host's SSH; what is not said comes from `~/.ssh/config`, then from defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SshOptions {
    /// Name or address to connect to, where it is not the host's `address`.
    pub host: Option<String>,
    /// Default 22.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// The user to log in as. Default: who runs lvsctl.
    pub user: Option<String>,
    /// Private key files, tried in order before the agent's other keys; a relative path starts at the current folder.
    pub identity_files: Vec<PathBuf>,
    /// The file of known host keys. Default `~/.ssh/known_hosts`.
    pub known_hosts: Option<PathBuf>,
    /// `strict`: the host's key must be known. `accept-new`: a host that is not known yet is added, and a changed
    /// key is still refused. Default `strict`.
    pub host_key_checking: Option<HostKeyChecking>,
    /// For password authentication, tried last.
    pub password: Option<SecretSource>,
    /// For an encrypted private key.
    pub passphrase: Option<SecretSource>,
    /// Whether commands run through sudo; by default when the user is not root.
    pub sudo: Option<bool>,
    /// For sudo, where it asks.
    pub sudo_password: Option<SecretSource>,
    /// Seconds until a connection must stand, handshake and authentication included. Default 10.
    #[schemars(range(min = 1, max = 86400))]
    pub connect_timeout: Option<u64>,
    /// Seconds that one step on the host may take. Default 300.
    #[schemars(range(min = 1, max = 86400))]
    pub command_timeout: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeyChecking {
    /// The key must be in known_hosts.
    #[default]
    Strict,
    /// A host that is not known yet is added; a changed key is still refused.
    AcceptNew,
}

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
    pub fn backends_on<'a>(&'a self, host: &'a str) -> impl Iterator<Item = Cow<'a, RealServer>> {
        self.backends().filter(move |rs| rs.host == host)
    }

    /// Where requests reach a host: the known ports, at the VIPs, or with NAT at the host's own address; each once.
    pub fn asked_at(&self, host: &str) -> Vec<(IpAddr, u16)> {
        self.asked_at_any(self.backends_on(host))
    }

    /// The same of some of its real servers.
    pub fn asked_at_any(
        &self,
        servers: impl Iterator<Item = impl Borrow<RealServer>>,
    ) -> Vec<(IpAddr, u16)> {
        let mut all = Vec::new();
        for rs in servers {
            let rs = rs.borrow();
            for port in self.known_ports() {
                let port = rs.port.unwrap_or(port);
                match self.mode {
                    Mode::Nat => all.push((rs.address, port)),
                    Mode::Dr | Mode::Tun => {
                        all.extend(self.vips.iter().map(|vip| (vip.address, port)));
                    }
                }
            }
        }
        let mut seen = BTreeSet::new();
        all.retain(|at| seen.insert(*at));
        all
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
    /// Name of its host, which may have several, each on a port of its own.
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

/// What keepalived asks a real server. Times in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    pub kind: HealthCheckKind,
    /// None: the ports that are served.
    pub port: Option<u16>,
    pub connect_timeout: u32,
    /// How often it is asked again before it counts as down.
    pub retry: u32,
    pub delay_before_retry: u32,
    /// Answers in a row that bring it back; keepalived takes one.
    pub rise: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthCheckKind {
    Tcp,
    Http(HttpAnswer),
    Https(HttpAnswer),
    Script { path: String, timeout: u32 },
}

impl HealthCheckKind {
    pub fn page(&self) -> Option<&HttpAnswer> {
        match self {
            Self::Http(answer) | Self::Https(answer) => Some(answer),
            Self::Tcp | Self::Script { .. } => None,
        }
    }
}

/// What is asked for, and what a real server that is well answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HttpAnswer {
    pub path: String,
    /// The name to ask by.
    pub host: Option<String>,
    pub status: StatusCodes,
    /// A text that the page's body holds.
    pub text: Option<String>,
    pub version: HttpVersion,
}

/// The most ports of a service that are asked where the inventory does not name them.
pub const MOST_ASKED: usize = 16;

/// The most requests of one client to one port.
pub const MOST_REQUESTS: u16 = 100;

/// How the end-to-end check asks for the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndToEnd {
    /// Path for ports that speak HTTP.
    pub path: String,
    /// The status that is right. None: the health check's for the page that it asks, else below 400.
    pub status: Option<StatusCodes>,
    /// Requests a client sends to each port; enough for every real server to be hit.
    pub requests: u16,
    /// The ports that are asked, sorted: never ranges.
    pub ports: Vec<u16>,
    /// Ports that speak HTTP or HTTPS; the others are asked by a TCP connection.
    pub http: Vec<u16>,
    pub https: Vec<u16>,
}

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
    /// Whether the master tells the backups of its IPVS connections.
    pub sync_daemon: bool,
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
