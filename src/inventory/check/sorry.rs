//! Sorry servers that cannot serve, or that nothing adds to the table. The set-up of their hosts belongs to roles.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::View;
use super::service::unmapped;
use crate::diagnostic::{Fault, listed, shown};
use crate::inventory::free_address;
use crate::model::{Host, Mode, Service, SorryServer};

type Rule = fn(View<'_>, &Service, &SorryServer) -> Option<Fault>;

/// One rule for each way in which a sorry server cannot answer; the first that applies is reported.
const RULES: &[Rule] = &[
    is_loopback_with_nat,
    maps_a_port,
    is_one_of_several_directors,
    is_a_real_server,
    is_a_client,
    is_beside_clients,
    is_unknown,
];

pub(super) fn servers(view: View<'_>, faults: &mut Vec<Fault>) {
    let all = view.cluster.services.iter();
    let vips: BTreeMap<IpAddr, &str> = all
        .flat_map(|other| {
            other
                .vips
                .iter()
                .map(|vip| (vip.address, other.name.as_str()))
        })
        .collect();
    for service in &view.cluster.services {
        let Some(sorry) = &service.sorry_server else {
            continue;
        };
        let other = vips.get(&sorry.address).copied();
        let fault = is_the_vip(view, service, sorry)
            .or_else(|| other.map(|other| is_another_vip(view, service, sorry, other)))
            .or_else(|| RULES.iter().find_map(|rule| rule(view, service, sorry)));
        faults.extend(fault.map(|fault| view.of(service, "sorry_server", fault)));
    }
}

fn is_the_vip(view: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    let address = sorry.address;
    let same = service.vips.iter().any(|vip| vip.address == address);
    same.then(|| {
        Fault::new(format!("the sorry server {address} is the service's VIP"))
            .help(instead(view, service))
    })
}

/// The director holds every VIP, so its packets stay there: IPVS schedules what comes in, not what it sends on
/// (`ipvs_property`, net/netfilter/ipvs/ip_vs_core.c).
fn is_another_vip(view: View<'_>, service: &Service, sorry: &SorryServer, other: &str) -> Fault {
    Fault::new(format!(
        "the sorry server {} is the VIP of service {}, which the director holds itself: its real servers would not be asked",
        sorry.address,
        shown(other)
    ))
    .help(instead(view, service))
}

/// The kernel drops what would be translated to a loopback address (ip_vs_nat_xmit, net/netfilter/ipvs/ip_vs_xmit.c).
fn is_loopback_with_nat(view: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    let address = sorry.address;
    let refused = service.mode == Mode::Nat && address.is_loopback();
    refused.then(|| {
        Fault::new(format!(
            "`nat` cannot send to the loopback address {address}: the kernel drops such packets"
        ))
        .help(instead(view, service))
    })
}

/// The rules for the ports of real servers hold for a sorry server's.
fn maps_a_port(_: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    let port = sorry.port?;
    let what = unmapped(service, port)?;
    let plain = "name the sorry server without a port, and let it listen on the service's own";
    let by_nat = service.fwmark.is_none() && service.ports.len() == 1;
    Some(
        Fault::new(what).help(if by_nat && !sorry.address.is_loopback() {
            format!("{plain}; `mode: nat` maps ports")
        } else {
            plain.to_owned()
        }),
    )
}

/// Another director would send it packets for the VIP, which a director takes for new requests or drops.
fn is_one_of_several_directors(
    view: View<'_>,
    service: &Service,
    sorry: &SorryServer,
) -> Option<Fault> {
    let own = view.cluster.directors().find(|h| h.holds(sorry.address))?;
    let other = view.cluster.directors().find(|h| h.name != own.name)?;
    let fault = Fault::new(format!(
        "the sorry server {} is director {}, which does not answer what director {} sends it",
        sorry.address,
        shown(&own.name),
        shown(&other.name)
    ));
    Some(fault.help(instead(view, service)))
}

fn is_a_real_server(view: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    let same = |port: Option<u16>| port == sorry.port;
    let mut all = service.real_servers.iter();
    let real = all.find(|rs| rs.address == sorry.address && same(rs.port))?;
    let fault = Fault::new(format!(
        "the sorry server {} is the service's real server {}, which is down when all are",
        sorry.address,
        shown(&real.host)
    ));
    Some(fault.help(instead(view, service)).warning())
}

/// `verify` sends no requests from a client that is a sorry server: with DR and TUN it has the VIP itself.
fn is_a_client(view: View<'_>, _: &Service, sorry: &SorryServer) -> Option<Fault> {
    let mut hosts = view.cluster.hosts.iter();
    let host = hosts.find(|h| sorry.host.as_deref() == Some(&h.name) && h.has_role("client"))?;
    let others: Vec<&str> = host
        .roles
        .iter()
        .map(String::as_str)
        .filter(|role| *role != "client")
        .collect();
    let fault = Fault::new(format!(
        "the sorry server {} is client {}, which `verify` then does not ask from",
        sorry.address,
        shown(&host.name)
    ))
    .help(if others.is_empty() {
        format!(
            "give {} another role in the place of `client`, such as `role: web`, which serves a page",
            shown(&host.name)
        )
    } else {
        format!("take the role `client` away from {}", shown(&host.name))
    });
    Some(fault.warning())
}

/// In NAT it answers a client in the same network past the director.
fn is_beside_clients(view: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    if service.mode != Mode::Nat {
        return None;
    }
    // Real servers there are reported for all of them.
    let mut real = service.real_servers.iter();
    let hosts = || view.cluster.hosts.iter();
    let client = hosts().find(|h| h.has_role("client") && h.facing(sorry.address).is_some())?;
    if real.any(|rs| client.facing(rs.address).is_some()) {
        return None;
    }
    let director = hosts().any(|h| h.is_director() && h.holds(sorry.address));
    (!director).then(|| {
        Fault::new(format!(
            "the sorry server {} is in the network of client {}, and with `nat` answers it past the director",
            sorry.address,
            shown(&client.name)
        ))
        .help(instead(view, service))
        .warning()
    })
}

/// lvsctl does not set up a sorry server that is no host here: with DR and TUN it needs the VIP, with NAT a way back.
fn is_unknown(view: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    let address = sorry.address;
    let own = view.cluster.is_through_a_director(address);
    if sorry.host.is_some() || own || address.is_loopback() {
        return None;
    }
    let nat = service.mode == Mode::Nat;
    let fault = Fault::new(format!(
        "the sorry server {address} is no host of the inventory, so lvsctl does not set {} up",
        if nat { "its gateway" } else { "it" }
    ));
    let by_hand = if nat {
        "see to it that its default gateway is the director that serves".to_owned()
    } else {
        let silent = if address.is_ipv4() {
            " with arp_ignore 1 and arp_announce 2,"
        } else {
            ""
        };
        let vip = service.vips.first()?.address;
        format!(
            "see to it that it has {vip} on {}{silent} like a real server",
            service.mode.home(vip)
        )
    };
    let mut nets = view.cluster.networks.iter().flat_map(|n| &n.subnets);
    let help = if nets.any(|net| net.contains(&address)) {
        format!(
            "add it below `hosts`: `{}`; or {by_hand}",
            as_host(view, address)
        )
    } else if nat {
        instead(view, service)
    } else {
        format!("add it below `hosts`, and its subnet to `networks`; or {by_hand}")
    };
    Some(fault.help(help).warning())
}

/// A sorry server as a host of the inventory. Being a sorry server needs no role, only its program does.
fn as_host(view: View<'_>, address: IpAddr) -> String {
    let names = view.cluster.hosts.iter().map(|host| host.name.as_str());
    format!(
        "{}: {{ role: web, address: {} }}",
        free_address::name("sorry", names),
        free_address::in_yaml(address)
    )
}

/// The fix: a host that can be the sorry server of a service.
pub(super) fn instead(view: View<'_>, service: &Service) -> String {
    let Some(first) = service.vips.first() else {
        return "give the address of a host that is no director".to_owned();
    };
    let v4 = first.address.is_ipv4();
    let cluster = view.cluster;
    let directors: Vec<&Host> = cluster.directors().collect();
    let subnets = |host: &Host| {
        let nets = host.interfaces.iter().flat_map(|nic| &nic.addresses);
        let nets = nets.filter(|net| net.addr().is_ipv4() == v4);
        nets.map(IpNet::trunc).collect::<Vec<_>>()
    };
    // In a network of the real servers in which a director has an address.
    let mut beside = service.real_servers.iter().filter_map(|real| {
        let host = cluster.hosts.iter().find(|h| h.name == real.host)?;
        let mut nets = subnets(host).into_iter();
        nets.find(|net| net.contains(&real.address))
    });
    let beside = beside.next();
    let new = beside.and_then(|net| view.free(net, None, &[30, 31]));
    let new = new.map_or_else(
        || "give the address of a host beside the real servers that is no director".to_owned(),
        |address| {
            format!(
                "add a host for it, `{}`, and write `sorry_server: {}`",
                as_host(view, address),
                free_address::in_yaml(address)
            )
        },
    );
    if service.mode != Mode::Nat {
        let loopback = if v4 { "127.0.0.1" } else { "'::1'" };
        return format!(
            "write `sorry_server: {loopback}`, which is the director that serves, or {new}"
        );
    }
    let own = match directors.as_slice() {
        [only] => only
            .addresses()
            .find(|ip| beside.is_some_and(|net| net.contains(ip)))
            .map(|ip| (only, ip)),
        _ => None,
    };
    match own {
        Some((director, address)) => format!(
            "write `sorry_server: {}`, an address of director {}, or {new}",
            free_address::in_yaml(address),
            shown(&director.name)
        ),
        None => format!("with `nat` and several directors none of them can be it: {new}"),
    }
}

/// The roles of hosts with a further one, as they may be written.
fn with_role(hosts: &[&Host], role: &str) -> String {
    const MOST: usize = 3;
    let all = hosts.iter().take(MOST).map(|host| {
        format!(
            "`role: [{}, {role}]` for {}",
            host.roles.join(", "),
            shown(&host.name)
        )
    });
    let all: Vec<String> = all.collect();
    format!("write {}", all.join(", "))
}

/// A remark on a sorry server that is a director without a role that serves. Only `check` shows it, since a program that
/// lvsctl does not know may serve there.
pub(super) fn directors_serve(view: View<'_>, faults: &mut Vec<Fault>) {
    const SERVE_NOTHING: &[&str] = &[
        "director",
        "backup",
        "realserver",
        "client",
        "router",
        "nfs",
        "nfs-client",
    ];
    for service in &view.cluster.services {
        let Some(sorry) = &service.sorry_server else {
            continue;
        };
        let silent = view.cluster.hosts.iter().filter(|host| {
            host.is_director()
                && (sorry.address.is_loopback() || host.holds(sorry.address))
                && host
                    .roles
                    .iter()
                    .all(|role| SERVE_NOTHING.contains(&role.as_str()))
        });
        let silent: Vec<&Host> = silent.collect();
        if silent.is_empty() {
            continue;
        }
        let pages =
            |port: &u16| service.check.http.contains(port) || service.check.https.contains(port);
        let role = if service.known_ports().iter().all(pages) {
            "web"
        } else {
            "answer"
        };
        let names: Vec<&str> = silent.iter().map(|host| host.name.as_str()).collect();
        let have = if names.len() == 1 { "has" } else { "have" };
        let fault = Fault::new(format!(
            "the sorry server of {} is the director that serves, and {} {have} no role that answers there",
            shown(&service.name),
            listed(&names)
        ))
        .help(format!(
            "{}, or a role of your own; nothing is to do where another program answers there",
            with_role(&silent, role)
        ))
        .warning();
        faults.push(view.of(service, "sorry_server", fault));
    }
}

/// Without a health check no real server is ever taken out.
pub(super) fn are_put_in(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        if service.sorry_server.is_none() || service.health_check.is_some() {
            continue;
        }
        let fault = Fault::new(format!(
            "the sorry server of {} never answers: no health check takes real servers out",
            shown(&service.name)
        ))
        .help("add a health check: `health_check: tcp`, or `http`, or delete `sorry_server`");
        faults.push(view.of(service, "sorry_server", fault));
    }
}
