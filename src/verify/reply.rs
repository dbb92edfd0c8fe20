//! The way of a real server's replies: past the directors, since one would drop what comes from its own VIP; with NAT
//! back through one, since only that knows what to make of them. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::tally::{Fault, Tally};
use super::{Check, Seen, place};
use crate::inventory::model::{Cluster, Mode, Service};

const OUTSIDE: &str = "the world outside";

/// Who is answered, of one family: the clients, and some address of no host.
fn asked(cluster: &Cluster, like: IpAddr) -> impl Iterator<Item = (IpAddr, String)> {
    let clients = place::clients(cluster).map(|c| (c.address, c.name.clone()));
    let outside = place::OUTSIDE.map(|address| (address, OUTSIDE.to_owned()));
    let all = clients.chain(outside);
    all.filter(move |(to, _)| to.is_ipv4() == like.is_ipv4())
}

/// Why the path of replies is not known: a rule of the host marks them, and `ip rule` may route by the mark.
fn marked(seen: &Seen, like: IpAddr) -> Option<String> {
    let tables = seen.facts().firewall.rules(like.is_ipv6());
    let mut rules = tables
        .into_iter()
        .filter_map(|rules| rules.chain("mangle", "OUTPUT"))
        .flat_map(|chain| &chain.rules);
    let rule = rules.find(|rule| matches!(rule.value("-j"), Some("MARK" | "CONNMARK")))?;
    Some(format!(
        "replies may be routed by the mark that -A OUTPUT {} of mangle sets",
        rule.words.join(" ")
    ))
}

/// The way back to clients: not through a director, and not through a strict reverse-path filter.
pub fn direct(tally: &mut Tally, cluster: &Cluster, seen: &Seen, vip: IpAddr, home: &str) {
    let host = &seen.host.name;
    let directors = place::of_directors(cluster);
    let tunnel = home != Mode::Dr.home(vip) && !seen.host.is_director();
    let comes_by = if tunnel {
        BTreeSet::from([home.to_owned()])
    } else {
        arrivals(cluster, seen, vip)
    };
    for (to, name) in asked(cluster, vip) {
        let Some(route) = seen.facts().route_to.get(to, Some(vip)) else {
            // A cluster may have no way out; its own clients must be reached.
            if name != OUTSIDE && seen.addresses().has(vip) {
                let fault = Fault::new(
                    format!("a route to {name} ({to}) from {vip}"),
                    "none",
                    format!(
                        "see `ip route get {to}` on it; where it has no way at all, set its `gateway` to a router that is no director"
                    ),
                );
                tally.judge(host, Check::ReplyRoute, name, Some(fault));
            }
            continue;
        };
        let through = route
            .gateway
            .and_then(|gateway| directors.iter().find(|(address, _)| *address == gateway));
        let fault = through.map(|(gateway, director)| {
            Fault::new(
                format!("replies to {name} ({to}) past the directors"),
                format!("the gateway {gateway}, which is {director}"),
                "set the host's gateway to a router that is no director: a director drops packets that come from its own VIP",
            )
        });
        if let (Some(_), Some(why)) = (&fault, marked(seen, vip)) {
            tally.skip(host, Check::ReplyRoute, &name, &why);
            continue;
        }
        tally.judge(host, Check::ReplyRoute, name.clone(), fault);
        // IPv6 has no such filter.
        if vip.is_ipv6() {
            continue;
        }
        for interface in &comes_by {
            if let Some(why) = seen.no_settings(interface) {
                tally.skip(host, Check::RpFilter, &format!("{interface} {name}"), &why);
                continue;
            }
            let strict = seen.facts().sysctl.larger(interface, "rp_filter") == Some(1);
            let asymmetric = tunnel || route.interface.as_deref() != Some(interface.as_str());
            let fault = (strict && asymmetric).then(|| {
                Fault::new(
                    format!("effective rp_filter 0 or 2 on {interface}, since replies to {name} leave by {}", route.interface.as_deref().unwrap_or("another")),
                    "1, which drops the requests",
                    format!("`sysctl -w net.ipv4.conf.{}.rp_filter=2`, and the same in /etc/sysctl.d", interface.replace('.', "/")),
                )
            });
            tally.judge(host, Check::RpFilter, format!("{interface} {name}"), fault);
        }
    }
}

/// Interfaces by which requests for a VIP come in untunnelled: a director sends them to the real server's own address,
/// and itself gets them from clients.
fn arrivals(cluster: &Cluster, seen: &Seen, vip: IpAddr) -> BTreeSet<String> {
    let (host, addresses) = (seen.host, seen.addresses());
    if host.is_director() {
        return place::facing(cluster, host, addresses, vip);
    }
    let serves = |s: &Service| s.mode == Mode::Dr && s.vips.iter().any(|v| v.address == vip);
    place::own_addresses(cluster, host, serves)
        .into_iter()
        .flat_map(|own| place::receiving(cluster, host, addresses, own))
        .collect()
}

/// NAT: a reply that meets no director reaches the client from an address that it never asked.
pub fn through(tally: &mut Tally, cluster: &Cluster, seen: &Seen, own: IpAddr) {
    // A director answers for itself.
    if seen.host.is_director() {
        return;
    }
    let theirs = place::of_directors(cluster).into_iter();
    let directors: BTreeSet<IpAddr> = theirs.map(|(address, _)| address).collect();
    for (to, name) in asked(cluster, own) {
        let route = seen
            .facts()
            .route_to
            .get(to, Some(own))
            .filter(|r| r.leads());
        let found = match route {
            // A cluster may have no way out.
            None if name == OUTSIDE => continue,
            None => Some("no route".to_owned()),
            Some(route) => match route.gateway {
                Some(gateway) if directors.contains(&gateway) => None,
                Some(gateway) => Some(format!("the gateway {gateway}, which is no director's")),
                None => {
                    let by = route.interface.as_deref().unwrap_or("no interface");
                    Some(format!("straight by {by}"))
                }
            },
        };
        let fault = found.map(|found| {
            Fault::new(
                format!("replies to {name} ({to}) through a director"),
                found,
                "make the director's address in its network its gateway (`gateway` in the inventory), and take away routes that lead elsewhere",
            )
        });
        if let (Some(_), Some(why)) = (&fault, marked(seen, own)) {
            tally.skip(&seen.host.name, Check::ReplyRoute, &name, &why);
            continue;
        }
        tally.judge(&seen.host.name, Check::ReplyRoute, name, fault);
    }
}
