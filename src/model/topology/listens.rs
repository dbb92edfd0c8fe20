//! Ports that a host listens on for services, as a real server or as the sorry server.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;

use super::Serves;
use crate::model::{Cluster, Host, Protocol, RealServer, Service};

/// OpenSSH listens there.
const SSH: u16 = 22;

/// Ports on which a host answers for services, by what they speak.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Listens {
    pub http: BTreeSet<u16>,
    pub https: BTreeSet<u16>,
    pub tcp: BTreeSet<u16>,
    pub udp: BTreeSet<u16>,
}

impl Listens {
    /// Whether there are ports that a web server does not listen on by itself.
    pub(crate) fn more_web_ports(&self) -> bool {
        !self.https.is_empty() || self.http.iter().any(|port| *port != 80)
    }

    fn add(&mut self, service: &Service, servers: &[Cow<RealServer>], host: &Host) {
        for port in service.known_ports() {
            let own = own_ports(service, servers, host, port).into_iter();
            if service.protocol == Protocol::Udp {
                self.udp.extend(own);
            } else if service.check.https.contains(&port) {
                self.https.extend(own);
            } else if service.check.http.contains(&port) {
                self.http.extend(own);
            } else {
                self.tcp.extend(own.filter(|port| *port != SSH));
            }
        }
    }
}

pub(crate) fn listens(cluster: &Cluster, host: &Host, serves: &Serves) -> Listens {
    let mut all = Listens::default();
    for part in serves.parts() {
        all.add(part.service, &part.servers, host);
    }
    // A director may be the sorry server of a service that it does not serve.
    if host.is_director() {
        for service in &cluster.services {
            all.add(service, &[], host);
        }
    }
    all
}

/// The ports on which a host answers for a service's port.
fn own_ports(service: &Service, servers: &[Cow<RealServer>], host: &Host, port: u16) -> Vec<u16> {
    let servers = servers.iter();
    let mut ports: Vec<u16> = servers.map(|rs| rs.port.unwrap_or(port)).collect();
    if let Some(sorry) = &service.sorry_server
        && host.is_director()
        && (sorry.address.is_loopback() || host.holds(sorry.address))
    {
        ports.push(sorry.port.unwrap_or(port));
    }
    ports
}

impl Serves<'_> {
    /// Where UDP requests reach the host: the host's address in NAT, the VIP otherwise.
    pub(crate) fn udp(&self) -> BTreeSet<(IpAddr, u16)> {
        let parts = self.parts().iter();
        let udp = parts.filter(|part| part.service.protocol == Protocol::Udp);
        udp.flat_map(|part| part.asked_at()).collect()
    }
}
