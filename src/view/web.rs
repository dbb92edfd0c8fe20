//! Ports that a host listens on for services: its web server, and the servers of the role `answer`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};

use super::in_brackets;
use crate::model::{Cluster, Host, Protocol, Service};
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

pub(super) fn listens(cluster: &Cluster, host: &Host) -> Listens {
    let mut all = Listens::default();
    for service in &cluster.services {
        for port in service.known_ports() {
            let kind = if service.protocol == Protocol::Udp {
                &mut all.udp
            } else if service.check.https.contains(&port) {
                &mut all.https
            } else if service.check.http.contains(&port) {
                &mut all.http
            } else {
                let own = own_ports(service, host, port);
                all.tcp.extend(own.into_iter().filter(|own| *own != SSH));
                continue;
            };
            kind.extend(own_ports(service, host, port));
        }
    }
    all
}

/// Whether there are ports that a web server does not listen on by itself.
pub(super) fn more_web_ports(cluster: &Cluster, host: &Host) -> bool {
    let all = listens(cluster, host);
    !all.https.is_empty() || all.http.iter().any(|port| *port != 80)
}

/// One server for each port that speaks no HTTP; for UDP one for each address, since what answers must do so from
/// the address that was asked.
pub(super) fn answers(cluster: &Cluster, host: &Host, os: &Distribution) -> Vec<Value> {
    let name = &cluster.name;
    let tcp = listens(cluster, host).tcp.into_iter().map(|port| {
        let unit = format!("lvsctl-{name}-tcp-{port}.service");
        json!({ "protocol": "tcp", "port": port, "definition": os.definition(&unit), "unit": unit })
    });
    let udp = udp(cluster, host)
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
fn own_ports(service: &Service, host: &Host, port: u16) -> Vec<u16> {
    let backends = service.backends_on(&host.name);
    let mut ports: Vec<u16> = backends.map(|rs| rs.port.unwrap_or(port)).collect();
    if let Some(sorry) = &service.sorry_server
        && host.is_director()
        && (sorry.address.is_loopback() || host.holds(sorry.address))
    {
        ports.push(sorry.port.unwrap_or(port));
    }
    ports
}

/// Where UDP requests reach a host: its own address in NAT, the VIP otherwise.
fn udp(cluster: &Cluster, host: &Host) -> BTreeSet<(IpAddr, u16)> {
    let services = cluster.services.iter();
    let udp = services.filter(|service| service.protocol == Protocol::Udp);
    udp.flat_map(|service| service.asked_at(&host.name))
        .collect()
}
