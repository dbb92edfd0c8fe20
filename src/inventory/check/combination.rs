//! Combinations that the kernel and keepalived accept, but that cannot serve, or do not behave as configured. The table of
//! all considered combinations, each with its source, is in `tests/it/combinations.rs`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::View;
use crate::diagnostic::{Fault, shown};
use crate::inventory::free_address;
use crate::model::{Cluster, Host, Mode, Protocol, Service};

/// The kernel keeps no connection for a one-packet service (`ip_vs_conn_hash`), so it cannot translate the answer.
pub(super) fn one_packet_in_nat(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        if service.one_packet && service.protocol == Protocol::Udp && service.mode == Mode::Nat {
            let fault = Fault::new(
                "`one_packet` keeps no connection, so `nat` cannot translate the answers: clients drop them",
            )
            .help("take `one_packet` away, or use `mode: dr` or `mode: tun`, whose answers go past the director");
            faults.push(view.of(service, "one_packet", fault));
        }
    }
}

/// A protocol whose clients and servers use more than the port that it is known by.
struct Further {
    protocol: Protocol,
    port: u16,
    what: &'static str,
    /// Whether they are ports of the same protocol, which a service can take too.
    same: bool,
}

const FURTHER: &[Further] = &[
    Further {
        protocol: Protocol::Tcp,
        port: 21,
        what: "FTP's data connections use further ports",
        same: true,
    },
    // RFC 2326, 12.39: RTP comes from and goes to UDP ports that client and server agree on.
    Further {
        protocol: Protocol::Tcp,
        port: 554,
        what: "RTSP's media use further ports, most often of UDP",
        same: true,
    },
    // RFC 2637, 1: the tunnel is GRE, which is neither TCP nor UDP (IPVS: ip_vs_proto.c).
    Further {
        protocol: Protocol::Tcp,
        port: 1723,
        what: "PPTP's tunnel is GRE, which IPVS does not forward",
        same: false,
    },
    Further {
        protocol: Protocol::Udp,
        port: 69,
        what: "TFTP's answers use further ports",
        same: true,
    },
];

/// Protocols whose clients and servers open further connections, to other ports.
pub(super) fn further_connections(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let own = |known: &&Further| {
            known.protocol == service.protocol && service.ports.contains(&known.port)
        };
        let Some(further) = FURTHER.iter().find(own) else {
            continue;
        };
        let others = service.all_ports().iter().any(|range| range.last > 1023);
        let others = service.fwmark.is_some() && others;
        if further.same && others && service.persistence.is_some() {
            continue;
        }
        let Further { port, what, .. } = further;
        let fault = if further.same {
            let missing = if others {
                "without `persistence` another real server may get them"
            } else {
                "which no service takes"
            };
            Fault::new(format!("{what} (port {port} is the first), {missing}"))
                .help("make one service of this port and the range that the server uses, by a `fwmark` and with `persistence`; or write `port: 0` with `persistence`")
        } else {
            Fault::new(format!(
                "{what}: of port {port} it takes the control connection alone"
            ))
            .help("delete the service, and offer a tunnel that uses one port, such as OpenVPN or WireGuard")
        };
        faults.push(view.of(service, "port", fault.warning()));
    }
}

/// In NAT a real server answers a client of the same network directly, from an address that the client never asked.
pub(super) fn clients_in_nat(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let nat = || cluster.services.iter().filter(|s| s.mode == Mode::Nat);
    let directors: BTreeSet<&str> = cluster.directors().map(|h| h.name.as_str()).collect();
    for client in cluster.hosts.iter().filter(|h| h.has_role("client")) {
        let beside = |service: &&Service| {
            // A real server that is the director itself answers through the IPVS on it.
            service.real_servers.iter().any(|real| {
                client.facing(real.address).is_some() && !directors.contains(real.host.as_str())
            })
        };
        let Some(service) = nat().find(beside) else {
            continue;
        };
        let fault = Fault::new(format!(
            "client {} is in the network of real servers of {}, which is `nat`: they answer it past the director",
            shown(&client.name),
            shown(&service.name)
        ))
        .help("put the client in a separate network, as real clients are, or use `mode: dr`")
        .warning();
        faults.push(view.at_key(&["hosts", &client.name], fault));
    }
}

/// Clients of the other family cannot ask for a service. One message for each family.
pub(super) fn has_client_of_family(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let clients = || cluster.hosts.iter().filter(|host| cluster.is_neutral(host));
    for v4 in [true, false] {
        let is_of = |address: &IpAddr| address.is_ipv4() == v4;
        let asked = |s: &&Service| s.vips.first().is_some_and(|vip| is_of(&vip.address));
        let Some(service) = cluster.services.iter().find(asked) else {
            continue;
        };
        let Some(client) = clients().next() else {
            return;
        };
        if clients().any(|client| client.addresses().any(|address| is_of(&address))) {
            continue;
        }
        let family = if v4 { "IPv4" } else { "IPv6" };
        let fault = Fault::new(format!(
            "no client has an {family} address: `verify` asks for service {} from the machine that it runs on, if that can reach a VIP, and skips its end-to-end part otherwise",
            shown(&service.name)
        ))
        .help(format!(
            "give a client one as well, such as {}: `address: [{}, ...]`",
            shown(&client.name),
            free_address::in_yaml(client.address)
        ))
        .warning();
        faults.push(view.of(service, "vip", fault));
    }
}

/// Whether a host is a sorry server, and neither a director nor a real server.
fn is_sorry_alone(cluster: &Cluster, host: &Host) -> bool {
    !host.is_director() && !host.is_real_server() && cluster.stands_in(host)
}

/// Without a client nothing asks for the services as users do.
pub(super) fn has_client(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    if cluster.services.is_empty() || cluster.hosts.iter().any(|h| cluster.is_neutral(h)) {
        return;
    }
    let why = match cluster.hosts.iter().find(|h| h.has_role("client")) {
        None => "no host is a client".to_owned(),
        // The sorry server that is a client has a separate warning.
        Some(client) if is_sorry_alone(cluster, client) => return,
        Some(client) => {
            let part = if client.is_director() {
                "a director"
            } else {
                "a real server"
            };
            format!(
                "client {} is {part} too, which cannot ask as users do",
                shown(&client.name)
            )
        }
    };
    let fault = Fault::new(format!(
        "{why}: `verify` asks for the services from the machine that it runs on, if that can reach a VIP, and skips its end-to-end part otherwise"
    ))
    .help("add a host outside the cluster with `role: client`; `verify --strict` makes a skipped part a failure")
    .warning();
    faults.push(view.at_key(&["hosts"], fault));
}
