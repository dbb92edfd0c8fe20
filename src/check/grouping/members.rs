//! The hosts and VIPs of each service, for the rules that separate causes from consequences.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::check::Finding;
use crate::model::Cluster;

/// The parts of a cluster by name, and who holds its VIPs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    pub directors: BTreeSet<String>,
    /// Real servers of each service, sorry servers included.
    pub real_servers: BTreeMap<String, BTreeSet<String>>,
    /// VIPs of each service.
    pub vips: BTreeMap<String, BTreeSet<IpAddr>>,
    /// Directors that held a VIP when they were asked.
    pub holders: BTreeMap<IpAddr, BTreeSet<String>>,
    /// Units of keepalived and of the cluster itself, by which a director serves.
    pub units: BTreeSet<String>,
}

impl Members {
    /// `held`: each director that answered, with the addresses that it holds.
    pub fn of<'h>(
        cluster: &Cluster,
        units: impl IntoIterator<Item = String>,
        held: impl IntoIterator<Item = (&'h str, Vec<IpAddr>)>,
    ) -> Self {
        let mut members = Self {
            directors: cluster.directors().map(|host| host.name.clone()).collect(),
            units: units.into_iter().collect(),
            ..Self::default()
        };
        for service in &cluster.services {
            let hosts = service.backends().map(|rs| rs.host.clone()).collect();
            members.real_servers.insert(service.name.clone(), hosts);
            let vips = service.vips.iter().map(|vip| vip.address).collect();
            members.vips.insert(service.name.clone(), vips);
        }
        let vips = cluster.all_vips();
        for (host, addresses) in held {
            for vip in addresses.iter().filter(|address| vips.contains(*address)) {
                let holders = members.holders.entry(*vip).or_default();
                holders.insert(host.to_owned());
            }
        }
        members
    }

    pub(super) fn is_director(&self, host: &str) -> bool {
        self.directors.contains(host)
    }

    /// Whether a director may affect the clients of a VIP now: it holds the VIP, or no director does, or the VIP is not
    /// known.
    pub(super) fn serves(&self, host: &str, vip: Option<IpAddr>) -> bool {
        let holders = vip.and_then(|vip| self.holders.get(&vip));
        self.is_director(host) && holders.is_none_or(|all| all.is_empty() || all.contains(host))
    }

    pub(super) fn is_real_server(&self, host: &str, service: Option<&str>) -> bool {
        match service {
            Some(service) => {
                let hosts = self.real_servers.get(service);
                hosts.is_some_and(|hosts| hosts.contains(host))
            }
            None => self.real_servers.values().any(|hosts| hosts.contains(host)),
        }
    }

    /// Whether two findings may concern the same VIP; a finding without VIPs concerns all.
    pub(super) fn same_vip(&self, one: &Finding, other: &Finding) -> bool {
        match (one.about.vip, other.about.vip) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        }
    }

    /// Directors first, then the cluster as a whole, real servers, clients.
    pub(super) fn rank(&self, host: &str) -> u8 {
        match host {
            host if self.is_director(host) => 0,
            "" => 1,
            host if self.is_real_server(host, None) => 2,
            _ => 3,
        }
    }
}
