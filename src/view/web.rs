//! Ports that a host listens on for services: its web server, and the servers of the role `answer`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};

use super::in_brackets;
use super::served::Part;
use crate::model::{Cluster, Host, Protocol, RealServer, Service};
use crate::resource::Distribution;

/// OpenSSH has its own.
const SSH: u16 = 22;

/// Ports on which a host answers for services, by what they speak.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Listens {
    http: BTreeSet<u16>,
    https: BTreeSet<u16>,
    tcp: BTreeSet<u16>,
    udp: BTreeSet<u16>,
}

pub(super) fn listens(cluster: &Cluster, host: &Host, served: &[Part]) -> Listens {
    let mut all = Listens::default();
    let mut add = |service: &Service, servers: &[Cow<RealServer>]| {
        for port in service.known_ports() {
            let kind = if service.protocol == Protocol::Udp {
                &mut all.udp
            } else if service.check.https.contains(&port) {
                &mut all.https
            } else if service.check.http.contains(&port) {
                &mut all.http
            } else {
                let own = own_ports(service, servers, host, port);
                all.tcp.extend(own.into_iter().filter(|own| *own != SSH));
                continue;
            };
            kind.extend(own_ports(service, servers, host, port));
        }
    };
    for part in served {
        add(part.service, &part.servers);
    }
    // A director may be the sorry server of a service that it does not serve.
    if host.is_director() {
        for service in &cluster.services {
            add(service, &[]);
        }
    }
    all
}

impl Listens {
    /// Whether there are ports that a web server does not listen on by itself.
    pub(super) fn more_than_a_web_server_has(&self) -> bool {
        !self.https.is_empty() || self.http.iter().any(|port| *port != 80)
    }
}

/// One server for each port that speaks no HTTP; for UDP one for each address, since what answers must do so from
/// the address that was asked.
pub(super) fn answers(
    cluster: &Cluster,
    listens: &Listens,
    served: &[Part],
    os: &Distribution,
) -> Vec<Value> {
    let name = &cluster.name;
    let tcp = listens.tcp.iter().map(|port| {
        let unit = format!("lvsctl-{name}-tcp-{port}.service");
        json!({ "protocol": "tcp", "port": port, "definition": os.definition(&unit), "unit": unit })
    });
    let udp = udp(served)
        .into_iter()
        .enumerate()
        .map(|(index, (address, port))| {
            let (family, bind) = (if address.is_ipv4() { 4 } else { 6 }, in_brackets(address));
            let unit = format!("lvsctl-{name}-udp-{port}-{index}.service");
            json!({
                "protocol": "udp", "port": port, "family": family, "bind": bind,
                "definition": os.definition(&unit), "unit": unit,
            })
        });
    tcp.chain(udp).collect()
}

/// The ports on which a host answers for a service's port, as a real server or as the sorry server.
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

/// Where UDP requests reach a host: its own address in NAT, the VIP otherwise.
fn udp(served: &[Part]) -> BTreeSet<(IpAddr, u16)> {
    let udp = served
        .iter()
        .filter(|part| part.service.protocol == Protocol::Udp);
    udp.flat_map(|part| {
        part.service
            .asked_at_any(part.servers.iter().map(Cow::as_ref))
    })
    .collect()
}
