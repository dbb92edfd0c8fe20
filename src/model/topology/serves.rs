//! Which services each host serves, as a real server or as the sorry server.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use crate::model::{Cluster, Host, Mode, RealServer, Service};

/// A service, and those of its real servers that are on one host.
#[derive(Debug, Clone)]
pub(crate) struct Part<'c> {
    pub service: &'c Service,
    /// At least one; several where the host serves on several ports.
    pub servers: Vec<Cow<'c, RealServer>>,
}

impl Part<'_> {
    /// Where requests reach the host: the known ports, at the VIPs, or with NAT at the host's own address; each once.
    pub(crate) fn asked_at(&self) -> Vec<(IpAddr, u16)> {
        let mut all = Vec::new();
        for rs in &self.servers {
            for port in self.service.known_ports() {
                let port = rs.port.unwrap_or(port);
                match self.service.mode {
                    Mode::Nat => all.push((rs.address, port)),
                    Mode::Dr | Mode::Tun => {
                        all.extend(self.service.vips.iter().map(|vip| (vip.address, port)));
                    }
                }
            }
        }
        let mut seen = BTreeSet::new();
        all.retain(|at| seen.insert(*at));
        all
    }
}

/// The services of one host, in the order of the inventory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Serves<'c>(Vec<Part<'c>>);

impl<'c> Serves<'c> {
    pub(crate) fn of(cluster: &'c Cluster, host: &Host) -> Self {
        let part = |service: &'c Service| {
            let servers: Vec<_> = service.backends_on(&host.name).collect();
            (!servers.is_empty()).then_some(Part { service, servers })
        };
        Self(cluster.services.iter().filter_map(part).collect())
    }

    pub(crate) fn parts(&self) -> &[Part<'c>] {
        &self.0
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &'c Service> {
        self.0.iter().map(|part| part.service)
    }

    /// The services whose requests come to the VIP on the host itself: those of DR and TUN.
    pub(super) fn direct(&self) -> impl Iterator<Item = &'c Service> {
        self.services().filter(|service| service.mode != Mode::Nat)
    }

    /// The host's own addresses, as some of its services know them.
    pub(crate) fn own_addresses(&self, services: impl Fn(&Service) -> bool) -> BTreeSet<IpAddr> {
        let parts = self.0.iter().filter(|part| services(part.service));
        let servers = parts.flat_map(|part| &part.servers);
        servers.map(|rs| rs.address).collect()
    }

    /// The addresses from which the host answers clients: VIPs, and with NAT the host's address.
    pub(crate) fn answers_from(&self) -> BTreeSet<IpAddr> {
        let vips = self.direct().flat_map(|service| &service.vips);
        let own = self.own_addresses(|service| service.mode == Mode::Nat);
        vips.map(|vip| vip.address).chain(own).collect()
    }
}

/// What each host serves, found once: asking each service for each host would take as long as all hosts times all real
/// servers.
#[derive(Debug)]
pub(crate) struct Served<'c> {
    hosts: HashMap<String, Serves<'c>>,
    nothing: Serves<'c>,
}

impl<'c> Served<'c> {
    pub(crate) fn new(cluster: &'c Cluster) -> Self {
        let mut hosts: HashMap<String, Serves> = HashMap::new();
        for service in &cluster.services {
            for rs in service.backends() {
                let Serves(parts) = hosts.entry(rs.host.clone()).or_default();
                match parts.last_mut() {
                    Some(last) if std::ptr::eq(last.service, service) => last.servers.push(rs),
                    _ => parts.push(Part {
                        service,
                        servers: vec![rs],
                    }),
                }
            }
        }
        Self {
            hosts,
            nothing: Serves::default(),
        }
    }

    pub(crate) fn by(&self, host: &Host) -> &Serves<'c> {
        self.hosts.get(&host.name).unwrap_or(&self.nothing)
    }
}
