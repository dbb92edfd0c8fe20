//! The client addresses whose packets a check follows through a host's packet filter, and which clients a rule affects.

use std::net::IpAddr;

use ipnet::IpNet;

use super::HostAudit;
use super::firewall::{Around, Boundaries, By, Kind, Source, is_private, sources};
use crate::model::{Service, topology};

/// One client for each part of the source space that rules of a host distinguish.
#[derive(Debug, Default)]
pub(super) struct Clients {
    pub sources: Vec<Source>,
    /// How many more there are.
    pub left_out: usize,
}

impl Clients {
    pub(super) fn of(audit: &HostAudit, service: &Service, v6: bool) -> Self {
        let vips: Vec<IpAddr> = service.vips.iter().map(|vip| vip.address).collect();
        Self::at(audit, &vips, &service.clients, v6)
    }

    /// The clients of some VIPs. `only`: the networks of the clients; empty: all.
    pub(super) fn at(audit: &HostAudit, vips: &[IpAddr], only: &[IpNet], v6: bool) -> Self {
        let cluster = audit.cluster;
        let boundaries = Boundaries::of(&audit.facts().firewall, v6);
        let asking = topology::clients(cluster);
        let hosts = asking.flat_map(|host| {
            let own = host.addresses().filter(|ip| ip.is_ipv6() == v6);
            own.map(|ip| (host.name.clone(), ip))
        });
        let members = cluster
            .hosts
            .iter()
            .filter(|host| !cluster.is_neutral(host));
        let own = members
            .flat_map(|host| host.addresses())
            .chain(cluster.all_vips());
        let networks = cluster.networks.iter().flat_map(|n| &n.subnets).copied();
        let networks: Vec<_> = networks.collect();
        let near = networks
            .iter()
            .filter(|net| vips.iter().any(|vip| net.contains(vip)));
        let around = Around {
            hosts: hosts.collect(),
            own: own.collect(),
            near: near.copied().collect(),
            networks: networks.clone(),
            only: only.to_vec(),
            public: !vips.iter().any(|vip| is_private(*vip)),
            v6,
        };
        let (sources, left_out) = sources(&boundaries, &around);
        Self { sources, left_out }
    }
}

/// The clients that a dropping rule affects.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whom {
    Everyone,
    Some(String),
    /// One address alone.
    One(String),
    /// Some clients, as in the rules of a program that bans clients.
    Few(String),
}

/// A set of more members than this is a list of the banned.
const MANY: usize = 16;

impl Whom {
    pub(super) fn of(by: &By, sources: &[&Source], asked: usize, clients: &Clients) -> Self {
        if sources.len() >= asked || clients.sources.is_empty() {
            return Self::Everyone;
        }
        let words: Vec<String> = sources.iter().map(|source| words(&source.kind)).collect();
        let words = words.join(", ");
        let single = sources
            .iter()
            .all(|source| matches!(source.kind, Kind::Named { single: true, .. }));
        let named = sources
            .iter()
            .all(|source| matches!(source.kind, Kind::Named { .. }));
        let bans = ["f2b-", "fail2ban", "sshguard", "crowdsec"];
        let banned = bans
            .iter()
            .any(|start| by.chain.to_lowercase().starts_with(start));
        match () {
            () if named && (banned || by.members > MANY) => Self::Few(words),
            () if single => Self::One(words),
            () => Self::Some(words),
        }
    }

    pub(super) fn is_minor(&self) -> bool {
        matches!(self, Self::One(_))
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::Everyone => String::new(),
            Self::Some(words) | Self::One(words) | Self::Few(words) => {
                format!(", for clients from {words}")
            }
        }
    }
}

fn words(kind: &Kind) -> String {
    match kind {
        Kind::Host(name) => name.clone(),
        Kind::Elsewhere => "elsewhere".to_owned(),
        Kind::Lan => "the VIP's network".to_owned(),
        Kind::Named { words, .. } => words.clone(),
        Kind::Ports(port) => format!("ports from {port} on"),
    }
}
