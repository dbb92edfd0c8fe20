//! What a real server must be, beyond its resources: silent about the VIP, listening on it, and answering the right
//! way. Pure.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use crate::inventory::model::{ArpAnswer, Mode, Protocol, Service};

use super::end_to_end::Replies;
use super::redirect::{self, Served};
use super::tally::{Fault, Tally};
use super::{Check, Seen, director, place, reply, way};

pub fn check(seen: &Seen, tally: &mut Tally) {
    let cluster = seen.cluster;
    let held = place::held_by_real_server(cluster, seen.host);
    for (vip, home) in &held {
        only_at_home(tally, seen, *vip, home);
        // One that it does not hold at all is drift, and told there.
        if seen.addresses().has(*vip) {
            local(tally, seen, *vip, home);
        }
        if vip.is_ipv4() && cluster.arp == ArpAnswer::Sysctl {
            for interface in place::facing(cluster, seen.host, seen.addresses(), *vip) {
                silent(tally, seen, *vip, &interface);
            }
        }
        reply::direct(tally, cluster, seen, *vip, home);
    }
    for vip in cluster.service_vips() {
        // A director holds VIPs whatever it serves itself.
        if !seen.host.is_director() && !held.iter().any(|(address, _)| *address == vip) {
            nowhere(tally, seen, vip);
        }
    }
    for service in place::services_of(cluster, seen.host) {
        listens(tally, seen, service);
        way::of_real_server(seen, service, tally);
    }
    for own in place::own_addresses(cluster, seen.host, |s| s.mode == Mode::Nat) {
        reply::through(tally, cluster, seen, own);
    }
    // A director finds a real server by ARP for its own address.
    for own in place::own_addresses(cluster, seen.host, |_| true) {
        if own.is_ipv4() {
            director::arp_passes(seen, Check::ArptablesRip, own, tally);
        }
    }
    // What a director asks is scheduled like all else, and another real server cannot answer it.
    if !seen.host.is_director() {
        for (vip, _) in &held {
            answers_itself(tally, seen, *vip);
        }
    }
}

/// A VIP on a NIC is announced by it whatever the settings are, which is a director's work alone.
fn only_at_home(tally: &mut Tally, seen: &Seen, vip: IpAddr, home: &str) {
    let host = &seen.host.name;
    let nic = seen
        .host
        .is_director()
        .then(|| place::nic(seen.cluster, seen.host, vip));
    let others: Vec<_> = seen
        .addresses()
        .of(vip)
        .filter(|held| held.interface != home && Some(held.interface.as_str()) != nic)
        .collect();
    let fault = (!others.is_empty()).then(|| {
        let found: Vec<&str> = others.iter().map(|held| held.interface.as_str()).collect();
        let mend: Vec<String> = others
            .iter()
            .map(|h| format!("`ip addr del {vip}/{} dev {}`", h.prefix, h.interface))
            .collect();
        Fault::new(
            match nic {
                Some(nic) => format!("{vip} on {home} and {nic}, and on no other interface"),
                None => format!("{vip} on {home} and on no other interface"),
            },
            format!("it on {} too", found.join(", ")),
            format!(
                "{} and take it out of what sets it at boot",
                mend.join(", ")
            ),
        )
    });
    tally.judge(host, Check::VipOnlyOnLo, vip.to_string(), fault);
}

/// Who serves nothing to a VIP does not hold it: a real server of NAT services or of other VIPs, a client.
pub fn nowhere(tally: &mut Tally, seen: &Seen, vip: IpAddr) {
    let held = seen.facts().address.of(vip).next();
    let fault = held.map(|held| {
        Fault::new(
            format!("no {vip}, which none of its services needs here"),
            format!("it on {}", held.interface),
            format!("`ip addr del {vip}/{} dev {}`", held.prefix, held.interface),
        )
    });
    tally.judge(&seen.host.name, Check::VipNotHeld, vip.to_string(), fault);
}

fn local(tally: &mut Tally, seen: &Seen, vip: IpAddr, home: &str) {
    let route = seen.facts().route_to.get(vip, None);
    let is_local = route.is_some_and(|r| r.kind.as_deref() == Some("local"));
    let fault = (!is_local).then(|| {
        let found = match route {
            Some(r) => format!("one by {}", r.interface.as_deref().unwrap_or("no interface")),
            None => "none".to_owned(),
        };
        Fault::new(
            format!("a local route to {vip} (`ip route get {vip}`)"),
            found,
            format!("`lvsctl apply` puts the VIP on {home}; look for `ip rule` and routes that come before the local table"),
        )
    });
    tally.judge(
        &seen.host.name,
        Check::VipRouteLocal,
        vip.to_string(),
        fault,
    );
}

/// Neither answers ARP for the VIP nor sends ARP from it. The larger of `all` and the interface's own counts.
fn silent(tally: &mut Tally, seen: &Seen, vip: IpAddr, interface: &str) {
    let host = &seen.host.name;
    if let Some(why) = seen.no_arp(interface) {
        for check in [Check::ArpIgnore, Check::ArpAnnounce] {
            tally.skip(host, check, &format!("{interface} {vip}"), &why);
        }
        return;
    }
    let effective = |name: &str| {
        let own = seen.facts().sysctl.of_interface(interface, name);
        let all = seen.facts().sysctl.of_interface("all", name);
        let shown = |v: Option<u8>| v.map_or_else(|| "unknown".to_owned(), |v| v.to_string());
        let value = seen.facts().sysctl.larger(interface, name);
        let from = format!("all {}, {interface} {}", shown(all), shown(own));
        (value, format!("{} ({from})", shown(value)))
    };
    let what = format!("{interface} {vip}");
    let (ignore, found) = effective("arp_ignore");
    let mut scopes = seen
        .run
        .answer
        .facts
        .address
        .of(vip)
        .map(|held| &held.scope);
    let host_scope = scopes.next().is_some_and(|s| s == "host") && scopes.all(|s| s == "host");
    let fine = match ignore {
        Some(1 | 2) => true,
        Some(3) => host_scope,
        _ => false,
    };
    let fault = (!fine).then(|| {
        // The larger value is the one to mend.
        let larger = if seen.facts().sysctl.of_interface("all", "arp_ignore") == ignore {
            "`lvsctl apply`: it sets net.ipv4.conf.all.arp_ignore=1".to_owned()
        } else {
            format!(
                "`sysctl -w net.ipv4.conf.{}.arp_ignore=0`, and out of what sets it",
                interface.replace('.', "/")
            )
        };
        let mend = match ignore {
            Some(3) => format!("{larger}; 3 is silent only about addresses of scope host"),
            Some(8) => format!("{larger}; 8 silences the host's own address too"),
            _ => larger,
        };
        Fault::new(
            format!("effective arp_ignore of {interface} 1 or 2"),
            found,
            mend,
        )
    });
    tally.judge(host, Check::ArpIgnore, what.clone(), fault);
    let (announce, found) = effective("arp_announce");
    let fault = (announce != Some(2)).then(|| {
        Fault::new(
            format!("effective arp_announce of {interface} 2"),
            found,
            "`lvsctl apply`: it sets net.ipv4.conf.all.arp_announce=2",
        )
    });
    tally.judge(host, Check::ArpAnnounce, what, fault);
}

/// Something listens on the service's ports, on an address that VIP traffic reaches.
fn listens(tally: &mut Tally, seen: &Seen, service: &Service) {
    let host = &seen.host.name;
    let (sockets, word) = match service.protocol {
        Protocol::Tcp => (&seen.facts().listener.tcp, "tcp"),
        Protocol::Udp => (&seen.facts().listener.udp, "udp"),
    };
    for (address, port) in service.asked_at(host) {
        let at = SocketAddr::new(address, port);
        listens_on(tally, seen, service, at, (sockets, word));
    }
}

/// Requests may be redirected to another port, and then the listener is to be there. Where it is not known who gets them,
/// or the host answers although nothing of its own listens, no listener is no fault.
fn listens_on(
    tally: &mut Tally,
    seen: &Seen,
    service: &Service,
    at: SocketAddr,
    (sockets, word): (&BTreeSet<SocketAddr>, &str),
) {
    let host = &seen.host.name;
    let what = format!("{word} {at}");
    let served = comes_to(seen, service, at);
    let (address, port, by) = match &served {
        Served::Redirected { address, port, by } => (*address, *port, Some(by)),
        Served::Here | Served::Unknown(_) => (Some(at.ip()), at.port(), None),
    };
    let on_port: Vec<&SocketAddr> = sockets.iter().filter(|s| s.port() == port).collect();
    let heard = on_port
        .iter()
        .any(|s| address.is_none_or(|address| hears(s.ip(), address)));
    if heard {
        return tally.pass(Check::Listener);
    }
    if let Served::Unknown(why) = &served {
        return tally.skip(host, Check::Listener, &what, why);
    }
    if seen.facts().listener.hidden {
        let why = "the host's /proc/net does not show its sockets";
        return tally.skip(host, Check::Listener, &what, why);
    }
    if seen.own.get(&at).is_some_and(answered) {
        let why = "nothing of the host's own listens there, and yet it answers: a redirect, a proxy or a container serves";
        return tally.skip(host, Check::Listener, &what, why);
    }
    let found = if on_port.is_empty() {
        "none".to_owned()
    } else {
        let all: Vec<String> = on_port.iter().map(ToString::to_string).collect();
        format!("one on {} alone", all.join(", "))
    };
    let (expected, mend) = match by {
        Some(by) => (
            format!("a {word} listener on port {port}, to which {by} redirects requests to {at}"),
            format!(
                "start the server of {} on {host}, or take that rule away",
                service.name
            ),
        ),
        None => (
            format!("a {word} listener for {at}"),
            format!(
                "start the server of {} on {host}, listening on all addresses",
                service.name
            ),
        ),
    };
    let fault = Fault::new(expected, found, mend);
    tally.judge(host, Check::Listener, what, Some(fault));
}

fn answered(replies: &Replies) -> bool {
    match replies {
        Replies::NoTool => false,
        Replies::Came(all) => all.first().is_some_and(|reply| reply.status.is_some()),
    }
}

/// Who gets a service's requests that come to a real server from outside.
fn comes_to(seen: &Seen, service: &Service, at: SocketAddr) -> Served {
    let home = [service.mode.home(at.ip()).to_owned()];
    let own = service.backends_on(&seen.host.name).next();
    let toward = own.map(|rs| place::toward(seen.cluster, seen.host, seen.addresses(), rs.address));
    let nic = toward.unwrap_or_default();
    let by = if service.mode == Mode::Tun {
        &home[..]
    } else {
        &nic
    };
    redirect::coming(seen, &way::request(service, at.ip(), at.port()), by)
}

/// Whether a socket bound to one address gets what comes for another.
fn hears(bound: IpAddr, address: IpAddr) -> bool {
    match bound {
        IpAddr::V4(v4) => address.is_ipv4() && (v4.is_unspecified() || bound == address),
        IpAddr::V6(v6) if v6.is_unspecified() => true,
        IpAddr::V6(v6) => bound == address || v6.to_ipv4_mapped().map(IpAddr::V4) == Some(address),
    }
}

/// Why the host's own question proves nothing: rules that redirect what clients ask do not do so with it.
fn not_as_clients(seen: &Seen, at: SocketAddr) -> Option<String> {
    let service = place::services_of(seen.cluster, seen.host).find(|service| {
        let vips = service.vips.iter().any(|vip| vip.address == at.ip());
        vips && service.known_ports().contains(&at.port())
    })?;
    let coming = comes_to(seen, service, at);
    let own = redirect::own(seen, &way::request(service, at.ip(), at.port()));
    let target = |served: &Served| match served {
        Served::Redirected { address, port, .. } => Some((*address, *port)),
        Served::Here | Served::Unknown(_) => None,
    };
    match &coming {
        Served::Here => None,
        Served::Unknown(why) => Some(why.clone()),
        Served::Redirected { .. } if target(&coming) == target(&own) => None,
        Served::Redirected { by, .. } => Some(format!(
            "clients are redirected by {by}, and the host's own question is not"
        )),
    }
}

/// The host's own question to the VIP never leaves it: it proves the listener and no more. It is not asked where the
/// VIP is not held, which is drift.
fn answers_itself(tally: &mut Tally, seen: &Seen, vip: IpAddr) {
    let host = &seen.host.name;
    for (address, replies) in seen.own.iter().filter(|(a, _)| a.ip() == vip) {
        let what = format!("{address} (listener only)");
        match replies {
            Replies::NoTool => tally.note(
                host,
                Check::OwnAnswer,
                format!(
                    "its own answer on {address} was not looked at: neither curl nor bash is there"
                ),
            ),
            Replies::Came(all) => {
                let reply = all.first();
                if !answered(replies)
                    && let Some(why) = not_as_clients(seen, *address)
                {
                    tally.skip(host, Check::OwnAnswer, &what, &why);
                    continue;
                }
                let fault = reply.is_none_or(|r| r.status.is_none()).then(|| {
                    Fault::new(
                        format!("its own server to answer on {address} (asked from the host itself: listener only)"),
                        reply.map_or_else(|| "nothing".to_owned(), |r| r.error.clone()),
                        "see the server's log, and what its firewall does on lo",
                    )
                });
                tally.judge(host, Check::OwnAnswer, what, fault);
            }
        }
    }
}
