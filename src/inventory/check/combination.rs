//! Combinations that the kernel and keepalived accept, and that cannot serve or do something else than their words
//! say. The table of all that were considered, each with its source, is in `tests/combinations.rs`.

use std::collections::BTreeSet;

use super::View;
use crate::inventory::model::{Mode, Protocol, Scheduler, Service};
use crate::inventory::problem::{Fault, shown};

/// The kernel keeps no connection for a one-packet service (`ip_vs_conn_hash`), so it cannot translate the answer.
pub fn one_packet_in_nat(view: View<'_>, faults: &mut Vec<Fault>) {
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

/// One-packet services have no connections, and their persistence would send all packets of a client to one server.
pub fn one_packet_spreads(view: View<'_>, faults: &mut Vec<Fault>) {
    let one_packet = |s: &&Service| s.one_packet && s.protocol == Protocol::Udp;
    for service in view.cluster.services.iter().filter(one_packet) {
        if counts_connections(service.scheduler) && serving(service).count() > 1 {
            let name = <&str>::from(service.scheduler);
            let fault = Fault::new(format!(
                "`{name}` compares numbers of connections, and with `one_packet` there are none: one real server gets all packets"
            ))
            .help("write `scheduler: rr` or `wrr`, or `sh` or `mh` to keep a client on its real server")
            .warning();
            faults.push(view.of(service, "scheduler", fault));
        }
        if service.persistence.is_some() {
            let fault = Fault::new(
                "`persistence` sends all packets of a client to one real server, and `one_packet` each packet by itself",
            )
            .help("keep the one that is meant; `scheduler: sh` keeps a client on its real server without either")
            .warning();
            faults.push(view.of(service, "persistence", fault));
        }
    }
}

/// Schedulers that read nothing of a weight but whether it is 0 (ip_vs_rr.c, ip_vs_lc.c, ip_vs_dh.c).
fn ignores_weights(scheduler: Scheduler) -> Option<&'static str> {
    match scheduler {
        Scheduler::Rr => Some("wrr"),
        Scheduler::Lc => Some("wlc"),
        Scheduler::Dh => Some("mh"),
        Scheduler::Wrr
        | Scheduler::Wlc
        | Scheduler::Lblc
        | Scheduler::Lblcr
        | Scheduler::Sh
        | Scheduler::Sed
        | Scheduler::Nq
        | Scheduler::Fo
        | Scheduler::Ovf
        | Scheduler::Mh
        | Scheduler::Twos => None,
    }
}

/// Schedulers that choose by the connections that real servers have.
fn counts_connections(scheduler: Scheduler) -> bool {
    match scheduler {
        Scheduler::Lc
        | Scheduler::Wlc
        | Scheduler::Lblc
        | Scheduler::Lblcr
        | Scheduler::Sed
        | Scheduler::Nq
        | Scheduler::Ovf => true,
        // `twos` compares two that it draws by their weights, so all get their share.
        Scheduler::Rr
        | Scheduler::Wrr
        | Scheduler::Dh
        | Scheduler::Sh
        | Scheduler::Fo
        | Scheduler::Mh
        | Scheduler::Twos => false,
    }
}

/// Weights of the real servers that get connections.
fn serving(service: &Service) -> impl Iterator<Item = u16> + Clone {
    let weights = service.real_servers.iter().map(|real| real.weight);
    weights.filter(|weight| *weight > 0)
}

/// Where the scheduler is written, else the service's name: a default is taken.
fn at_scheduler(view: View<'_>, service: &Service, fault: Fault) -> Fault {
    if view
        .places
        .is_given(&["services", &service.name, "scheduler"])
    {
        view.of(service, "scheduler", fault)
    } else {
        view.at_key(&["services", &service.name], fault)
    }
}

/// Weights mean something else, or nothing, to some schedulers.
pub fn weights(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let mut weights: Vec<u16> = serving(service).collect();
        let several = weights.len() > 1;
        weights.sort_unstable();
        weights.dedup();
        let (name, at) = (<&str>::from(service.scheduler), shown(&service.name));
        let differ = weights.len() > 1;
        let fault = if let Some(weighted) = ignores_weights(service.scheduler)
            && differ
        {
            let all: Vec<String> = weights.iter().map(u16::to_string).collect();
            let default = if view
                .places
                .is_given(&["services", &service.name, "scheduler"])
            {
                ""
            } else {
                ", the default,"
            };
            Fault::new(format!(
                "the real servers of service {at} have weights of {}, which `scheduler: {name}`{default} ignores",
                all.join(" and ")
            ))
            .help(format!(
                "write `scheduler: {weighted}`, or the same weight for all"
            ))
        } else if service.scheduler == Scheduler::Fo && several && !differ {
            Fault::new(format!(
                "`fo` gives all connections of service {at} to the highest weight, and all weights are the same"
            ))
            .help("give each real server a weight of its own, the first choice the highest")
        } else if service.scheduler == Scheduler::Ovf && weights.first() == Some(&1) {
            Fault::new(format!(
                "`ovf` takes a weight for the most connections at a time, and a real server of service {at} has a weight of 1"
            ))
            .help("write as `weight` how many connections each real server may have; further clients are refused")
        } else {
            continue;
        };
        faults.push(at_scheduler(view, service, fault.warning()));
    }
}

/// Schedulers for caches choose by the address that is asked for, of which a service with one VIP has one.
pub fn by_destination(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let says = match service.scheduler {
            Scheduler::Dh => "so one real server gets all connections",
            Scheduler::Lblc | Scheduler::Lblcr => {
                "so one real server gets all connections until it is overloaded"
            }
            _ => continue,
        };
        if service.vips.len() == 1 && serving(service).count() > 1 {
            let name = <&str>::from(service.scheduler);
            let fault = Fault::new(format!(
                "`{name}` chooses by the address that a client asks for, which is always the VIP, {says}"
            ))
            .help("it is for transparent caches; use `wrr` or `wlc`, or `sh` or `mh` to choose by the client's address")
            .warning();
            faults.push(view.of(service, "scheduler", fault));
        }
    }
}

/// Protocols whose clients and servers open further connections, to other ports.
pub fn further_connections(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let (port, what) = match service.protocol {
            Protocol::Tcp => (21, "FTP's data connections"),
            Protocol::Udp => (69, "TFTP's answers"),
        };
        if !service.ports.contains(&port) {
            continue;
        }
        let others = service.all_ports().iter().any(|range| range.last > 1023);
        let others = service.fwmark.is_some() && others;
        if others && service.persistence.is_some() {
            continue;
        }
        let missing = if others {
            "without `persistence` another real server may get them"
        } else {
            "which no service takes"
        };
        let fault = Fault::new(format!(
            "{what} use further ports (port {port} is the first), {missing}"
        ))
        .help("make one service of this port and the range that the server uses, by a `fwmark` and with `persistence`; or write `port: 0` with `persistence`")
        .warning();
        faults.push(view.of(service, "port", fault));
    }
}

/// In NAT a real server answers a client of its own network directly, from an address that the client never asked.
pub fn clients_in_nat(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let nat = || cluster.services.iter().filter(|s| s.mode == Mode::Nat);
    let directors = cluster.hosts.iter().filter(|h| h.is_director());
    let directors: BTreeSet<&str> = directors.map(|h| h.name.as_str()).collect();
    for client in cluster.hosts.iter().filter(|h| h.has_role("client")) {
        let beside = |service: &&Service| {
            // A real server that is the director itself answers through its own IPVS.
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
        .help("give the client a network of its own, as real clients have, or use `mode: dr`")
        .warning();
        faults.push(view.at_key(&["hosts", &client.name], fault));
    }
}

/// Without a client nothing asks for the services as users do.
pub fn has_client(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    if cluster.services.is_empty() || cluster.hosts.iter().any(|h| cluster.is_neutral(h)) {
        return;
    }
    let why = match cluster.hosts.iter().find(|h| h.has_role("client")) {
        None => "no host is a client".to_owned(),
        Some(client) => {
            let part = if client.is_director() {
                "a director"
            } else if client.is_real_server() || !cluster.stands_in(client) {
                "a real server"
            } else {
                "a sorry server"
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
