//! The route of a real server's replies: past the directors in DR and TUN, since a director drops what comes from a VIP
//! that it holds; back through one in NAT, since that alone can translate them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::definition::{Check, Judge, packet_filter};
use super::findings::{Findings, Mismatch};
use super::{Cause, HostAudit, packet_route};
use crate::fact::Needs;
use crate::model::topology::{self, OfDirector, Serves};
use crate::model::{Cluster, Host, Mode, Service};
use crate::resource::Resource;

pub(super) static REPLY_ROUTE: Check = Check {
    id: "reply-route",
    summary: "Replies to clients bypass the directors in DR and TUN, and go through a director in NAT.",
    reason: "A director drops packets whose source is a VIP that it holds. A NAT reply that bypasses the director reaches the client from the RIP, and the client drops it.",
    source: "ip-route(8); `__fib_validate_source` in net/ipv4/fib_frontend.c of the kernel",
    fix: "set the host's `gateway` in the inventory. DR and TUN: a router that is not a director. NAT: the VIP in the real servers' network that moves with the service's VIP; with a single director its address in that network",
    needs,
    judge: Judge::Host(reply_route),
};

pub(super) static RP_FILTER: Check = Check {
    id: "rp-filter",
    summary: "The effective `rp_filter` of a real server of DR or TUN does not drop requests (IPv4).",
    reason: "Requests arrive from a director or a tunnel, and replies leave by another interface. Strict reverse path filtering (1) treats such requests as spoofed.",
    source: "ip-sysctl (kernel documentation), `rp_filter`; RFC 3704",
    fix: "TUN: `lvsctl apply`, which sets 0; DR: `sysctl -w net.ipv4.conf.INTERFACE.rp_filter=2`, and the same in /etc/sysctl.d",
    needs,
    judge: Judge::Host(rp_filter),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    let sysctls = needs.sysctl.get_or_insert_default();
    sysctls.of_interfaces.insert("rp_filter");
    if !cluster.serves(host) {
        return;
    }
    packet_filter(cluster, host, needs);
    let asks = needs.route_to.get_or_insert_default();
    let mut to: Vec<IpAddr> = topology::clients(cluster)
        .flat_map(|c| c.addresses())
        .collect();
    to.extend(topology::OUTSIDE);
    for from in Serves::of(cluster, host).answers_from() {
        let near = to.iter().filter(|to| to.is_ipv4() == from.is_ipv4());
        asks.extend(near.map(|to| (*to, Some(from))));
    }
}

fn reply_route(audit: &HostAudit, findings: &mut Findings) {
    for held in audit.serves.vips() {
        past_directors(audit, held.vip(), findings);
    }
    // A real server on a director replies directly.
    if audit.host.is_director() {
        return;
    }
    for own in audit.serves.own_addresses(|s| s.mode == Mode::Nat) {
        through_director(audit, own, findings);
    }
}

const OUTSIDE: &str = "the world outside";

/// The destinations of replies, of one family: the clients, and an address outside of the cluster.
fn asked(cluster: &Cluster, like: IpAddr) -> impl Iterator<Item = (IpAddr, String)> {
    let clients = topology::clients(cluster);
    let clients = clients.flat_map(|c| c.addresses().map(|address| (address, c.name.clone())));
    let outside = topology::OUTSIDE.map(|address| (address, OUTSIDE.to_owned()));
    // [`Host::addresses`] repeats the primary address.
    let mut seen = BTreeSet::new();
    let all = clients.chain(outside);
    all.filter(move |(to, _)| to.is_ipv4() == like.is_ipv4() && seen.insert(*to))
}

/// Why the path of replies is not known: a rule of the host marks them, and `ip rule` may route by the mark.
fn marked(audit: &HostAudit, like: IpAddr) -> Option<String> {
    let tables = audit.facts().firewall.rules(like.is_ipv6());
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

/// The fix for a route through a director: a neighbour needs no gateway, other destinations need another one.
fn around(audit: &HostAudit, to: IpAddr, gateway: IpAddr) -> String {
    let why = "a director drops packets from a VIP that it holds";
    if audit.host.facing(to).is_some() {
        return format!(
            "`ip route flush match {to} via {gateway}`: {why}; also remove the route from the configuration that adds it \
             at boot"
        );
    }
    format!("set the host's gateway to a router that is no director: {why}")
}

/// In DR and TUN, replies must not go through a director.
fn past_directors(audit: &HostAudit, vip: IpAddr, findings: &mut Findings) {
    let host = audit.name();
    let directors = topology::of_directors(audit.cluster);
    for (to, name) in asked(audit.cluster, vip) {
        let Some(route) = audit.facts().route_to.get(to, Some(vip)) else {
            // A cluster may have no way out; its clients must be reached.
            if name != OUTSIDE && audit.addresses().has(vip) {
                let expected = format!("a route to {name} ({to}) from {vip}");
                let mismatch = match packet_route::end_of(audit, to) {
                    Some((by, fix, cause)) => Mismatch::new(expected, by, fix).because(Some(cause)),
                    None => Mismatch::new(
                        expected,
                        "none",
                        format!(
                            "set the gateway of {host} in the inventory to a router that is no director, then `lvsctl apply`; `ip rule` and `ip route show table all` show what leads elsewhere"
                        ),
                    ),
                };
                findings.judge(host, &REPLY_ROUTE, name, Some(mismatch));
            }
            continue;
        };
        let through = route
            .gateway
            .and_then(|gateway| directors.iter().find(|(address, _)| *address == gateway));
        let mismatch = through.map(|(gateway, director)| {
            Mismatch::new(
                format!("replies to {name} ({to}) past the directors"),
                format!("the gateway {gateway}, which is {director}"),
                around(audit, to, *gateway),
            )
        });
        if let (Some(_), Some(why)) = (&mismatch, marked(audit, vip)) {
            findings.unknown(host, &REPLY_ROUTE, name, why);
            continue;
        }
        let read = match route.gateway {
            Some(gateway) => format!("{to} from {vip} via {gateway}"),
            None => format!("{to} from {vip} straight"),
        };
        findings.judge_read(host, &REPLY_ROUTE, name.clone(), read, mismatch);
    }
}

/// Strict reverse path filters must not drop the requests. IPv6 has no such filter.
fn rp_filter(audit: &HostAudit, findings: &mut Findings) {
    let held = audit.serves.vips().into_iter();
    for held in held.filter(|held| held.vip().is_ipv4()) {
        let vip = held.vip();
        let tunnel = held.interface != Mode::Dr.home(vip) && !audit.host.is_director();
        let comes_by = if tunnel {
            BTreeSet::from([held.interface.to_owned()])
        } else {
            arrivals(audit, vip)
        };
        for (to, name) in asked(audit.cluster, vip) {
            let Some(route) = audit.facts().route_to.get(to, Some(vip)) else {
                continue;
            };
            for interface in &comes_by {
                let leaves = route.interface.as_deref();
                let symmetric = !tunnel && leaves == Some(interface.as_str());
                filters(audit, interface, (&name, leaves, symmetric), findings);
            }
        }
    }
}

/// Whether an interface drops requests whose answers to `name` leave by another.
fn filters(
    audit: &HostAudit,
    interface: &str,
    (name, leaves, symmetric): (&str, Option<&str>, bool),
    findings: &mut Findings,
) {
    let what = format!("{interface} {name}");
    if let Some(why) = audit.no_settings(interface) {
        return audit.leave_out(findings, &RP_FILTER, &what, &why);
    }
    let value = audit.facts().sysctl.larger(interface, "rp_filter");
    let mismatch = (value == Some(1) && !symmetric).then(|| {
        let cause = rp_filter_cause(audit, interface);
        let key = format!("net.ipv4.conf.{}.rp_filter", interface.replace('.', "/"));
        Mismatch::new(
            format!(
                "effective rp_filter 0 or 2 on {interface}, since replies to {name} leave by {}",
                leaves.unwrap_or("another")
            ),
            "1, which drops the requests",
            format!("`sysctl -w {key}=2`, and the same in /etc/sysctl.d"),
        )
        .because(Some(cause))
    });
    let read = value.map_or_else(|| "unknown".to_owned(), |value| value.to_string());
    let read = format!("effective rp_filter {read}");
    findings.judge_read(audit.name(), &RP_FILTER, what, read, mismatch);
}

/// The parameter that makes a strict filter of an interface: the larger of its value and that of `all` counts.
pub(super) fn rp_filter_cause(audit: &HostAudit, interface: &str) -> Cause {
    let is_strict = |place: &str| audit.facts().sysctl.of_interface(place, "rp_filter") == Some(1);
    let place = match is_strict("all") && !is_strict(interface) {
        true => "all".to_owned(),
        false => interface.replace('.', "/"),
    };
    Cause::Sysctl(format!("net.ipv4.conf.{place}.rp_filter"))
}

/// Interfaces on which requests for a VIP arrive without a tunnel: on a real server, those toward its RIP; on a
/// director, those toward the clients.
fn arrivals(audit: &HostAudit, vip: IpAddr) -> BTreeSet<String> {
    if audit.host.is_director() {
        return audit.facing(vip);
    }
    let serves = |s: &Service| s.mode == Mode::Dr && s.vips.iter().any(|v| v.address == vip);
    audit
        .serves
        .own_addresses(serves)
        .into_iter()
        .flat_map(|own| audit.receiving(own))
        .collect()
}

/// Whether the inventory or a role names a gateway of the host.
fn is_desired(audit: &HostAudit, gateway: IpAddr) -> bool {
    let of_route = |resource: &Resource| matches!(resource, Resource::Route(route) if route.via == Some(gateway));
    audit.host.gateway == Some(gateway) || audit.run.desired.iter().any(of_route)
}

/// In NAT, replies must go through a director: otherwise the client gets them from an address that it did not contact.
fn through_director(audit: &HostAudit, own: IpAddr, findings: &mut Findings) {
    let cluster = audit.cluster;
    let directors = topology::of_directors(cluster);
    let moves = cluster.keepalived && cluster.directors().count() > 1;
    let gateway_fault = |gateway: IpAddr| match directors.iter().find(|(at, _)| *at == gateway) {
        None => Some(format!("the gateway {gateway}, which is no director's")),
        // The VIPs may move to another director. The inventory may choose such a gateway all the same.
        Some((_, OfDirector::Own(name))) if moves && !is_desired(audit, gateway) => Some(format!(
            "the gateway {gateway}, an address of {name} that does not move with the VIP: a reply gets lost while another director holds the VIP"
        )),
        Some(_) => None,
    };
    for (to, name) in asked(cluster, own) {
        let route = audit
            .facts()
            .route_to
            .get(to, Some(own))
            .filter(|r| r.leads());
        let found = match route {
            // A cluster may have no way out.
            None if name == OUTSIDE => continue,
            None => Some("no route".to_owned()),
            Some(route) => match route.gateway {
                Some(gateway) => gateway_fault(gateway),
                None => {
                    let by = route.interface.as_deref().unwrap_or("no interface");
                    Some(format!("straight by {by}"))
                }
            },
        };
        let fault = found.map(|found| {
            Mismatch::new(
                format!("replies to {name} ({to}) through a director"),
                found,
                "make the director's address in its network its gateway (`gateway` in the inventory), and take away routes that lead elsewhere",
            )
        });
        if let (Some(_), Some(why)) = (&fault, marked(audit, own)) {
            findings.unknown(&audit.host.name, &REPLY_ROUTE, name, why);
            continue;
        }
        let gateway = route.and_then(|route| route.gateway);
        let read = gateway.map_or_else(String::new, |gateway| {
            format!("{to} from {own} via {gateway}")
        });
        findings.judge_read(&audit.host.name, &REPLY_ROUTE, name, read, fault);
    }
}
