//! The domain: a valid cluster. Every reference is resolved and every default filled in. How it is written in YAML, and
//! what may be wrong with it, belongs in `inventory`.

mod date;
mod health;
mod host;
mod http;
mod ipvs;
mod jump;
mod maintenance;
pub mod ports;
mod service;
pub(crate) mod topology;
mod virtual_service;
mod vrrp;
mod waiver;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

pub use date::Date;
pub use health::{EndToEnd, HealthCheck, HealthCheckKind, HttpAnswer, MOST_ASKED, MOST_REQUESTS};
pub use host::{
    Connection, Export, Host, HostKeyChecking, Interface, IptablesBackend, LabOptions, SshOptions,
    Suite, directs,
};
pub use http::{HttpVersion, StatusCodes, WrongStatus};
pub use ipvs::IpvsOptions;
pub use jump::{JumpHost, is_ssh_word};
pub use maintenance::{Drain, Maintenance, NotDrained};
pub use service::{
    HOMES, Mode, Persistence, Protocol, RealServer, Scheduler, Service, SorryServer, Vip,
};
pub use virtual_service::{Definition, Destination, HealthRequest, PageRequest, Virtual};
pub use vrrp::{TrackScript, VrrpInstance, VrrpMember, Watch};
pub use waiver::Waiver;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cluster {
    /// Part of the names of lvsctl's files and rule comments on hosts. Lower-case letters, digits and `-`, at most 32.
    pub name: String,
    pub networks: Vec<Network>,
    /// In the order of the inventory.
    pub hosts: Vec<Host>,
    pub services: Vec<Service>,
    pub vrrp: Vec<VrrpInstance>,
    /// Whether keepalived manages IPVS and VIPs on the directors.
    pub keepalived: bool,
    pub arp: ArpAnswer,
    pub ipvs: IpvsOptions,
    /// Findings of `verify` that are accepted for a time.
    pub waivers: Vec<Waiver>,
    /// Free values for roles and templates of the user's own.
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// The drains that its weights and priorities take into account; none in an inventory.
    #[serde(skip)]
    pub maintenance: Option<Maintenance>,
}

impl Cluster {
    /// What is drained, where the directors' records say so.
    pub fn drains(&self) -> impl Iterator<Item = &Drain> {
        self.maintenance.iter().flat_map(|record| &record.drains)
    }

    /// Whether a host is drained as a whole.
    pub fn is_drained(&self, host: &str) -> bool {
        let mut record = self.maintenance.iter();
        record.any(|record| record.drains_host(host))
    }

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
    /// Instances of directors that share the work do not.
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

    /// Whether a host can send requests as a client. A real server would answer itself, and a director's own packets do not
    /// arrive from the network.
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

/// How real servers that hold a VIP are kept from answering ARP for it.
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
