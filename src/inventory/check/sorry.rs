//! Sorry servers: that they can answer, and that something puts them in. Whether the host is set up is a matter of roles.

use super::View;
use crate::inventory::model::{Mode, Service, SorryServer};
use crate::inventory::problem::{Fault, shown};

type Rule = fn(View<'_>, &Service, &SorryServer) -> Option<Fault>;

/// One rule for each way in which a sorry server cannot answer; the first that applies is reported.
const RULES: &[Rule] = &[
    is_the_vip,
    is_loopback_with_nat,
    maps_a_port,
    is_one_of_several_directors,
    is_a_real_server,
    is_unknown,
];

pub fn servers(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let Some(sorry) = &service.sorry_server else {
            continue;
        };
        let fault = RULES.iter().find_map(|rule| rule(view, service, sorry));
        faults.extend(fault.map(|fault| view.of(service, "sorry_server", fault)));
    }
}

fn is_the_vip(_: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    let address = sorry.address;
    let same = service.vips.iter().any(|vip| vip.address == address);
    same.then(|| {
        Fault::new(format!("the sorry server {address} is the service's VIP"))
            .help("give the address of a host that answers while no real server does")
    })
}

/// The kernel drops what would be translated to a loopback address (ip_vs_nat_xmit, net/netfilter/ipvs/ip_vs_xmit.c).
fn is_loopback_with_nat(_: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    let address = sorry.address;
    let refused = service.mode == Mode::Nat && address.is_loopback();
    refused.then(|| {
        Fault::new(format!("`nat` cannot send to the loopback address {address}: the kernel drops such packets"))
            .help("give the address of a host in the real servers' network, whose gateway is the director too")
    })
}

fn maps_a_port(_: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    let port = sorry.port?;
    if service.mode == Mode::Nat {
        return None;
    }
    let (mode, several) = (<&str>::from(service.mode), service.ports.len() != 1);
    let what = if several { "ports" } else { "port" };
    let fault = Fault::new(format!("`{mode}` cannot map the service's {what} to {port}"))
        .help("name the sorry server without a port, and let it listen on the service's own, or use `mode: nat`");
    Some(fault)
}

/// Another director would send it packets for the VIP, which a director takes for new requests or drops.
fn is_one_of_several_directors(
    view: View<'_>,
    service: &Service,
    sorry: &SorryServer,
) -> Option<Fault> {
    let directors = || view.cluster.hosts.iter().filter(|h| h.is_director());
    let own = directors().find(|h| h.holds(sorry.address))?;
    let other = directors().find(|h| h.name != own.name)?;
    let help = if service.mode == Mode::Nat {
        "give the address of a host that is no director".to_owned()
    } else {
        let loopback = if sorry.address.is_ipv4() {
            "127.0.0.1"
        } else {
            "'::1'"
        };
        format!(
            "write `sorry_server: {loopback}`, which is the director that serves, or give a host that is no director"
        )
    };
    let fault = Fault::new(format!(
        "the sorry server {} is director {}, which does not answer what director {} sends it",
        sorry.address,
        shown(&own.name),
        shown(&other.name)
    ));
    Some(fault.help(help))
}

fn is_a_real_server(_: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    let same = |port: Option<u16>| port == sorry.port;
    let mut all = service.real_servers.iter();
    let real = all.find(|rs| rs.address == sorry.address && same(rs.port))?;
    let fault = Fault::new(format!(
        "the sorry server {} is the service's real server {}, which is down when all are",
        sorry.address,
        shown(&real.host)
    ));
    let help = "give the address of another host, or `127.0.0.1` for the director itself";
    Some(fault.help(help).warning())
}

/// What is no host here is not set up by lvsctl. With NAT it needs no more than a way back.
fn is_unknown(view: View<'_>, service: &Service, sorry: &SorryServer) -> Option<Fault> {
    let address = sorry.address;
    let own = view.cluster.director_addresses().any(|own| own == address);
    if service.mode == Mode::Nat || sorry.host.is_some() || own || address.is_loopback() {
        return None;
    }
    let silent = if address.is_ipv4() {
        " with arp_ignore 1 and arp_announce 2,"
    } else {
        ""
    };
    let vip = service.vips.first()?.address;
    let fault = Fault::new(format!(
        "the sorry server {address} is no host of the inventory, so lvsctl does not set it up"
    ));
    let help = format!(
        "add it below `hosts`, with any role; or see to it that it has {vip} on {}{silent} like a real server",
        service.mode.home(vip)
    );
    Some(fault.help(help).warning())
}

/// Without a health check no real server is ever taken out.
pub fn are_put_in(view: View<'_>, faults: &mut Vec<Fault>) {
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
