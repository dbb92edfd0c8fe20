//! What roles see of the hosts around the directors and real servers: what a web server listens on, who mounts
//! what, which way answers take, which neighbours are known beforehand.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};

use super::in_brackets;
use crate::inventory::model::{ArpAnswer, Cluster, Host, Mode, Protocol, Service};
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

/// The folders that a host mounts, each with the name that systemd demands of its unit.
pub fn mounts(cluster: &Cluster, host: &Host, os: &Distribution) -> Vec<Value> {
    let all = cluster
        .hosts
        .iter()
        .flat_map(|server| server.exports.iter().map(move |export| (server, export)));
    all.filter(|(_, export)| export.client == host.name)
        .map(|(server, export)| {
            let unit = format!("{}.mount", escaped(&export.at));
            // Without brackets mount.nfs(8) takes what stands before the first colon for the server.
            json!({
                "from": in_brackets(server.address), "path": export.path, "at": export.at,
                "read_only": export.read_only, "definition": os.definition(&unit), "unit": unit,
            })
        })
        .collect()
}

/// As systemd-escape(1) with `--path`.
fn escaped(path: &str) -> String {
    let inner = path.trim_matches('/');
    let mut name = String::new();
    for (index, c) in inner.chars().enumerate() {
        match c {
            '/' => name.push('-'),
            '.' if index == 0 => name.push_str("\\x2e"),
            c if c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.') => name.push(c),
            c => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    name.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    name
}

/// The folders that a host shares, with who may mount them.
pub fn exports(cluster: &Cluster, host: &Host) -> Vec<Value> {
    let client = |name: &str| cluster.hosts.iter().find(|h| h.name == name);
    host.exports
        .iter()
        .enumerate()
        .filter_map(|(index, export)| {
            let client = client(&export.client)?;
            let options = if export.read_only { "ro" } else { "rw" };
            Some(json!({
                "path": export.path, "client": client.name, "address": client.address,
                "options": options, "number": index + 1,
            }))
        })
        .collect()
}

/// The default route of a real server: its answers go back by the gateway that the inventory has for it. With NAT that
/// is the director.
pub fn gateways(host: &Host) -> Vec<Value> {
    let via = host.gateway.filter(|_| !host.is_director());
    let route = |via: IpAddr| {
        let to = if via.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
        let interface = host.facing(via).map_or(&host.interface, |nic| &nic.name);
        json!({ "to": to, "via": via, "interface": interface })
    };
    via.map(route).into_iter().collect()
}

/// Static neighbour entries of a gateway: each VIP at the hardware address of the director.
pub fn neighbours(cluster: &Cluster, host: &Host) -> Vec<Value> {
    if cluster.arp != ArpAnswer::Neighbour || !host.has_role("router") {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let vips = cluster.services.iter().flat_map(|s| &s.vips);
    let vips = vips.map(|vip| vip.address).filter(|vip| seen.insert(*vip));
    vips.filter_map(|vip| {
        let own = host.facing(vip)?;
        let directors = cluster.hosts.iter().filter(|h| h.is_director());
        let theirs = directors
            .flat_map(|h| &h.interfaces)
            .find(|i| i.network == own.network)?;
        let mac = theirs.mac.as_ref()?;
        Some(json!({ "address": vip, "lladdr": mac, "interface": own.name }))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    #[test]
    fn a_server_of_ipv6_is_mounted_from_in_brackets() {
        let text = "cluster: t\nnetworks: { a: 10.0.0.0/24, b: 'fd00::/64' }\nhosts:\n  \
                    one: { role: nfs, address: ADDRESS, exports: { path: /srv, to: two, at: /mnt } }\n  \
                    two: { role: nfs-client, address: 10.0.0.2 }\n";
        for (address, from) in [("10.0.0.1", "10.0.0.1"), ("'fd00::1'", "[fd00::1]")] {
            let text = text.replace("ADDRESS", address);
            let cluster = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
                .expect("a valid inventory")
                .cluster;
            let all = mounts(&cluster, &cluster.hosts[1], &Distribution::assumed());
            assert_eq!(all[0]["from"], *from);
        }
    }

    #[test]
    fn mount_units_are_named_as_systemd_names_them() {
        // As `systemd-escape --path` prints them.
        for (path, name) in [
            ("/var/www/html", "var-www-html"),
            ("/srv/my-web", "srv-my\\x2dweb"),
            ("/.hidden/a", "\\x2ehidden-a"),
            ("/a.b/c_d", "a.b-c_d"),
        ] {
            assert_eq!(escaped(path), name);
        }
    }
}
