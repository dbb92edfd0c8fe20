//! What a host listens on for services: its web server, and the small servers of the role `answer`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};

use super::in_brackets;
use crate::inventory::model::{Cluster, Host, Mode, Protocol, Service};
use crate::resource::Distribution;

/// OpenSSH has its own.
const SSH: u16 = 22;

/// Ports on which a host answers for services, by what they speak.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Listens {
    http: BTreeSet<u16>,
    https: BTreeSet<u16>,
    tcp: BTreeSet<u16>,
    udp: BTreeSet<u16>,
}

pub fn listens(cluster: &Cluster, host: &Host) -> Listens {
    let mut all = Listens::default();
    for service in &cluster.services {
        for port in service.known_ports() {
            let Some(own) = own_port(service, host, port) else {
                continue;
            };
            let kind = if service.protocol == Protocol::Udp {
                &mut all.udp
            } else if service.check.https.contains(&port) {
                &mut all.https
            } else if service.check.http.contains(&port) {
                &mut all.http
            } else if own != SSH {
                &mut all.tcp
            } else {
                continue;
            };
            kind.insert(own);
        }
    }
    all
}

/// Whether there are ports that a web server does not listen on by itself.
pub fn more_web_ports(cluster: &Cluster, host: &Host) -> bool {
    let all = listens(cluster, host);
    !all.https.is_empty() || all.http.iter().any(|port| *port != 80)
}

/// One server for each port that speaks no HTTP; for UDP one for each address, since what answers must do so from
/// the address that was asked.
pub fn answers(cluster: &Cluster, host: &Host, os: &Distribution) -> Vec<Value> {
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

/// The port on which a host answers for a service's port, as a real server or as the sorry server.
fn own_port(service: &Service, host: &Host, port: u16) -> Option<u16> {
    let real = service.real_servers.iter().find(|rs| rs.host == host.name);
    if let Some(real) = real {
        return Some(real.port.unwrap_or(port));
    }
    let sorry = service.sorry_server?;
    let own = host.interfaces.iter().flat_map(|i| &i.addresses);
    let here = sorry.address.is_loopback() && host.is_director()
        || own
            .map(|net| net.addr())
            .any(|address| address == sorry.address);
    here.then_some(sorry.port.unwrap_or(port))
}

/// Where UDP requests reach a host: its own address in NAT, the VIP otherwise.
fn udp(cluster: &Cluster, host: &Host) -> BTreeSet<(IpAddr, u16)> {
    let mut all = BTreeSet::new();
    for service in cluster
        .services
        .iter()
        .filter(|s| s.protocol == Protocol::Udp)
    {
        let Some(real) = service.real_servers.iter().find(|rs| rs.host == host.name) else {
            continue;
        };
        let addresses: Vec<IpAddr> = match service.mode {
            Mode::Nat => vec![real.address],
            Mode::Dr | Mode::Tun => service.vips.iter().map(|vip| vip.address).collect(),
        };
        for address in addresses {
            let own = service
                .known_ports()
                .into_iter()
                .map(|port| real.port.unwrap_or(port));
            all.extend(own.map(|port| (address, port)));
        }
    }
    all
}
