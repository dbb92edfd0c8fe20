//! The kernel's routing decisions for the cluster's packets, with all tables, rules and reverse path filters: each is read
//! from the kernel by `ip route get`. The route of replies to clients is judged in [`super::reply_route`].

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::firewall::{is_private, no_client};
use super::flow::tracking;
use super::health_path::asks_from;
use super::reply_route::rp_filter_cause;
use super::{Cause, HostAudit};
use crate::fact::Needs;
use crate::fact::firewall::sets;
use crate::fact::route_to::{Chosen, Question};
use crate::model::topology::{self, Serves};
use crate::model::{Cluster, Host, Mode};

pub(super) static PACKET_ROUTE: Check = Check {
    id: "packet-route",
    summary: "The kernel of each director and real server accepts what other hosts and clients send to it, and has a route to each of them, by all rules and tables.",
    reason: "A blackhole, unreachable or prohibit route, a rule before the main table, or a reverse path filter drops \
             packets that all packet filters accept. On a backup this appears at the next failover.",
    source: "ip-route(8) `get`, ip-rule(8), ip-sysctl (kernel documentation) `rp_filter`, `forwarding`",
    fix: "delete the route or rule that the finding names; `ip rule` and `ip route show table all` list them",
    needs,
    judge: Judge::Host(judge),
};

/// A routing question with the expected answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lookup {
    question: Question,
    what: String,
    /// Whether the kernel must deliver the packet locally; otherwise forward or send it.
    local: bool,
    /// The interfaces by which it may leave; empty: any.
    by: BTreeSet<String>,
}

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    let all = asked(cluster, host);
    if all.is_empty() {
        return;
    }
    let asks = needs.route_to.get_or_insert_default();
    asks.overrides = true;
    for one in all {
        match one.question.comes_in {
            Some(_) => {
                asks.incoming.insert(one.question);
            }
            None => asks.extend([(one.question.to, one.question.from)]),
        }
    }
    let sysctls = needs.sysctl.get_or_insert_default();
    sysctls.paths.extend(tracking());
    sysctls.of_interfaces.extend(["rp_filter", "forwarding"]);
}

fn plain(to: IpAddr) -> Question {
    Question::sent(to, None)
}

fn coming(to: IpAddr, from: IpAddr, by: &str) -> Question {
    Question {
        from: Some(from),
        comes_in: Some(by.to_owned()),
        ..plain(to)
    }
}

/// The routing questions for a host.
fn asked(cluster: &Cluster, host: &Host) -> Vec<Lookup> {
    let mut all = Vec::new();
    if host.is_director() {
        of_director(cluster, host, &mut all);
    }
    let serves = Serves::of(cluster, host);
    if serves.services().next().is_some() && !host.is_director() {
        of_real_server(cluster, host, &serves, &mut all);
    }
    let mut seen = BTreeSet::new();
    all.retain(|one| seen.insert(one.question.clone()));
    all
}

/// Clients of one family, and an address outside.
fn clients(cluster: &Cluster, like: IpAddr) -> Vec<(IpAddr, String)> {
    let hosts = topology::clients(cluster).take(2);
    let hosts = hosts.flat_map(|host| host.addresses().map(|ip| (ip, host.name.clone())));
    let outside = topology::OUTSIDE.map(|ip| (ip, OUTSIDE.to_owned()));
    let all = hosts.chain(outside);
    all.filter(|(ip, _)| ip.is_ipv4() == like.is_ipv4())
        .collect()
}

const OUTSIDE: &str = "the world outside";

fn of_director(cluster: &Cluster, host: &Host, all: &mut Vec<Lookup>) {
    for service in &cluster.services {
        for rs in service.backends().filter(|rs| rs.host != host.name) {
            let near = host.facing(rs.address);
            all.push(Lookup {
                question: plain(rs.address),
                what: format!("packets to {} ({})", rs.host, rs.address),
                local: false,
                by: near.map(|nic| nic.name.clone()).into_iter().collect(),
            });
            // Answers to health checks.
            if let (Some(nic), Some(own)) = (near, asks_from(host, rs.address)) {
                all.push(Lookup {
                    question: coming(own, rs.address, &nic.name),
                    what: format!("packets from {} ({})", rs.host, rs.address),
                    local: true,
                    by: BTreeSet::new(),
                });
                if service.mode == Mode::Nat {
                    for (client, name) in clients(cluster, rs.address) {
                        all.push(Lookup {
                            question: coming(client, rs.address, &nic.name),
                            what: format!("replies of {} to {name} ({client})", rs.host),
                            local: false,
                            by: BTreeSet::new(),
                        });
                    }
                }
            }
        }
        for vip in service.vips.iter().map(|vip| vip.address) {
            let nic = topology::interface_of_vip(cluster, host, vip);
            // Another director may hold the VIP; the host's own address on that interface is delivered in the same way.
            let interface = host
                .interfaces
                .iter()
                .find(|interface| interface.name == nic);
            let mut own = interface.into_iter().flat_map(|i| &i.addresses);
            let own = own.find(|net| net.addr().is_ipv4() == vip.is_ipv4());
            for (client, name) in clients(cluster, vip) {
                let mark = service.fwmark;
                all.push(Lookup {
                    question: Question {
                        mark,
                        ..coming(vip, client, nic)
                    },
                    what: format!("requests of {name} ({client}) for {vip}"),
                    local: true,
                    by: BTreeSet::new(),
                });
                if let Some(own) = own {
                    all.push(Lookup {
                        question: coming(own.addr(), client, nic),
                        what: format!("packets of {name} ({client}) by {nic}"),
                        local: true,
                        by: BTreeSet::new(),
                    });
                }
            }
        }
    }
}

fn of_real_server(cluster: &Cluster, host: &Host, serves: &Serves, all: &mut Vec<Lookup>) {
    for rip in serves.own_addresses(|_| true) {
        for director in cluster.directors() {
            let Some(dip) = asks_from(director, rip).filter(|_| host.facing(rip).is_some()) else {
                continue;
            };
            let near = host.facing(dip);
            let by: BTreeSet<String> = near.map(|nic| nic.name.clone()).into_iter().collect();
            all.push(Lookup {
                question: plain(dip),
                what: format!("packets to {} ({dip})", director.name),
                local: false,
                by,
            });
            let nic = near.or_else(|| host.facing(rip));
            if let Some(nic) = nic {
                all.push(Lookup {
                    question: coming(rip, dip, &nic.name),
                    what: format!("packets of {} ({dip})", director.name),
                    local: true,
                    by: BTreeSet::new(),
                });
            }
        }
    }
    for service in serves.services() {
        for rs in service.backends_on(&host.name) {
            for vip in service.vips.iter().map(|vip| vip.address) {
                let (to, nic) = match service.mode {
                    Mode::Nat => (
                        rs.address,
                        host.facing(rs.address).map(|nic| nic.name.as_str()),
                    ),
                    Mode::Dr => (vip, host.facing(rs.address).map(|nic| nic.name.as_str())),
                    Mode::Tun => (vip, Some(service.mode.home(vip))),
                };
                let Some(nic) = nic else { continue };
                for (client, name) in clients(cluster, to) {
                    all.push(Lookup {
                        question: coming(to, client, nic),
                        what: format!("requests of {name} ({client}) for {to}"),
                        local: true,
                        by: BTreeSet::new(),
                    });
                }
            }
        }
    }
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    if audit.host.is_director() || audit.cluster.serves(audit.host) {
        sinks(audit, findings);
        blocks(audit, findings);
    }
    let vips = audit.cluster.all_vips();
    for one in asked(audit.cluster, audit.host) {
        let to = one.question.to;
        let outside = [one.question.from, Some(to)]
            .into_iter()
            .flatten()
            .any(|ip| topology::OUTSIDE.contains(&ip));
        // Other checks judge VIPs that this host does not hold; a cluster without a route outside needs none.
        let absent = vips.contains(&to) && !audit.addresses().has(to);
        if absent || (outside && !has_way_out(audit, to)) {
            continue;
        }
        // An address that it does not have is drift.
        if one.local && !audit.addresses().has(to) {
            continue;
        }
        let routes = &audit.facts().route_to;
        let refused = routes.refused(&one.question);
        let found = match (refused, routes.get(to, None), routes.of(&one.question)) {
            (Some(words), _, _) => Some(words.to_owned()),
            (None, Some(route), _) if one.question.comes_in.is_none() => wrong(route, &one),
            (None, _, Some(route)) if one.question.comes_in.is_some() => wrong(route, &one),
            // It did not answer, or was recorded without this question.
            _ => continue,
        };
        let fault = found.map(|found| fault(audit, &one, &found));
        findings.judge(audit.name(), &PACKET_ROUTE, one.what.clone(), fault);
    }
}

/// Routes that discard packets to public addresses, where clients may be. A router may discard private addresses by design.
fn sinks(audit: &HostAudit, findings: &mut Findings) {
    for end in &audit.facts().route_to.ends {
        if end.kind == "throw" || !takes_clients(audit, &end.to) {
            continue;
        }
        let words = end.words();
        let fault = Mismatch::new(
            format!("a way to clients in {}", end.to),
            format!("the route {words}"),
            format!(
                "`ip route del {words}`; also remove the route from the configuration that adds it at boot"
            ),
        );
        let fault = fault.because(Some(Cause::Rule(words)));
        findings.fail(audit.name(), &PACKET_ROUTE, end.to.clone(), fault.warning());
    }
}

/// Whether public addresses outside of the cluster's networks are in a range.
fn takes_clients(audit: &HostAudit, range: &str) -> bool {
    // Whether another default route comes first depends on metrics and tables.
    if range == "default" {
        return false;
    }
    let Ok(net) = range.parse::<IpNet>() else {
        let first = sets::range(range).map(|(first, _)| first);
        return first.is_some_and(|first| is_public(audit, first));
    };
    // The first address of each block of the size of 10.0.0.0/8, since a wider range begins with addresses of no client.
    let mut blocks = match net.subnets(net.prefix_len().max(8)) {
        Ok(blocks) => blocks,
        Err(_) => return false,
    };
    blocks.any(|block| is_public(audit, block.network()))
}

fn is_public(audit: &HostAudit, address: IpAddr) -> bool {
    let mut near = audit.cluster.networks.iter().flat_map(|n| &n.subnets);
    !is_private(address) && !no_client(address) && !near.any(|net| net.contains(&address))
}

/// Blocking IPsec policies, which the kernel reads before all routes.
fn blocks(audit: &HostAudit, findings: &mut Findings) {
    for policy in &audit.facts().route_to.blocks {
        let fault = Mismatch::new(
            format!("no policy of IPsec that blocks packets ({policy})"),
            "one with `action block`",
            format!(
                "`ip xfrm policy delete {policy}`; also remove the policy from the configuration that adds it at boot"
            ),
        );
        let fault = fault.because(Some(Cause::Rule(policy.clone())));
        findings.fail(audit.name(), &PACKET_ROUTE, policy.clone(), fault);
    }
}

/// Whether the cluster has a route to addresses outside of its networks.
fn has_way_out(audit: &HostAudit, like: IpAddr) -> bool {
    let gateways = audit
        .cluster
        .hosts
        .iter()
        .filter(|host| !audit.cluster.is_neutral(host));
    let mut gateways = gateways.filter_map(|host| host.gateway);
    // In NAT it is the director itself.
    let outside = gateways
        .any(|ip| ip.is_ipv4() == like.is_ipv4() && !audit.cluster.is_through_a_director(ip));
    outside
        || topology::OUTSIDE.iter().any(|ip| {
            let route = audit.facts().route_to.get(*ip, None);
            ip.is_ipv4() == like.is_ipv4() && route.is_some_and(|route| route.leads())
        })
}

fn wrong(route: &Chosen, one: &Lookup) -> Option<String> {
    let kind = route.kind.as_deref().unwrap_or("unicast");
    if !route.leads() {
        return Some(format!("a route of type {kind}"));
    }
    let by = route.interface.as_deref().unwrap_or("no interface");
    if one.local {
        return (kind != "local").then(|| format!("sent on by {by}"));
    }
    if kind == "local" {
        return Some("taken in: the host has that address itself".to_owned());
    }
    if !one.by.is_empty() && !one.by.contains(by) {
        return Some(format!("a route by {by}"));
    }
    // In the same network a neighbour needs no gateway.
    let gateway = route.gateway.filter(|_| !one.by.is_empty())?;
    Some(format!("a route by the gateway {gateway}"))
}

fn fault(audit: &HostAudit, one: &Lookup, found: &str) -> Mismatch {
    let asked = format!("`ip {}`", one.question);
    let expected = if one.local {
        format!("{} taken in ({asked})", one.what)
    } else if one.by.is_empty() {
        format!("a route for {} ({asked})", one.what)
    } else {
        let by: Vec<&str> = one.by.iter().map(String::as_str).collect();
        format!("a route for {} by {} ({asked})", one.what, by.join(" or "))
    };
    let (found, fix, cause) = cause(audit, one, found);
    Mismatch::new(expected, found, fix).because(cause)
}

/// A route or rule that discards packets: its description, the fix, and the cause.
pub(super) type End = (String, String, Cause);

/// The route or rule that discards what a host sends to an address.
pub(super) fn end_of(audit: &HostAudit, to: IpAddr) -> Option<End> {
    ending_route(audit, to).or_else(|| ending_rule(audit))
}

fn ending_route(audit: &HostAudit, to: IpAddr) -> Option<End> {
    let within = |range: &str| match range {
        "default" => true,
        range => sets::range(range).is_some_and(|(a, b)| a <= to && to <= b),
    };
    let ends = &audit.facts().route_to.ends;
    let mut ends = ends.iter().filter(|_| to.is_ipv4());
    let words = ends.find(|end| within(&end.to))?.words();
    Some((
        format!("the route {words}"),
        format!(
            "`ip route del {words}`; also remove the route from the configuration that adds it at boot"
        ),
        Cause::Rule(words),
    ))
}

fn ending_rule(audit: &HostAudit) -> Option<End> {
    let rule = audit.facts().route_to.rules.first()?;
    let words = format!("the rule {} {}", rule.priority, rule.action);
    Some((
        words.clone(),
        format!(
            "`ip rule del priority {}`; also remove the rule from the configuration that adds it at boot",
            rule.priority
        ),
        Cause::Rule(words),
    ))
}

/// The reason why the kernel refuses a packet, from the routes, rules and settings that it showed.
fn cause(audit: &HostAudit, one: &Lookup, found: &str) -> (String, String, Option<Cause>) {
    let facts = audit.facts();
    // A route of the source ends what comes from it, as far as reverse path filters ask.
    let end = ending_route(audit, one.question.to)
        .or_else(|| ending_route(audit, one.question.from?))
        .or_else(|| ending_rule(audit));
    if let Some((by, fix, cause)) = end {
        return (format!("{found}: {by}"), fix, Some(cause));
    }
    if let Some(interface) = one
        .question
        .comes_in
        .as_deref()
        .filter(|_| one.question.to.is_ipv4())
    {
        let conf = |name: &str| format!("net.ipv4.conf.{}.{name}", interface.replace('.', "/"));
        let filter = facts.sysctl.larger(interface, "rp_filter").unwrap_or(0);
        if filter > 0 && (found.contains("cross-device") || found.contains("Invalid argument")) {
            let key = conf("rp_filter");
            return (
                format!("{found}: the reverse path filter of {interface} ({filter}) drops them"),
                format!(
                    "`sysctl -w {key}=0 net.ipv4.conf.all.rp_filter=0`, and the same in /etc/sysctl.d; or a route back by {interface}"
                ),
                Some(rp_filter_cause(audit, interface)),
            );
        }
        let forwards = facts.sysctl.of_interface(interface, "forwarding");
        if !one.local && forwards == Some(0) {
            // The host's parameter sets that of each interface.
            let of_host = facts.sysctl.get("/proc/sys/net/ipv4/ip_forward");
            let key = match of_host.map(|value| value.trim()) {
                Some("0") => "net.ipv4.ip_forward".to_owned(),
                _ => conf("forwarding"),
            };
            return (
                format!("{found}: {key} is 0"),
                format!("`sysctl -w {key}=1`, and the same in /etc/sysctl.d"),
                Some(Cause::Sysctl(key)),
            );
        }
    }
    // The local table lacks the VIP: a finding of `vip-route-local`.
    let to = one.question.to;
    let own = facts.route_to.get(to, None);
    let is_local = own.is_none_or(|route| route.kind.as_deref() == Some("local"));
    let mut vips = audit.serves.vips().into_iter().map(|held| held.vip());
    let cause = if one.local && !is_local && vips.any(|vip| vip == to) {
        Cause::Vip(to)
    } else {
        Cause::Rule(format!("route {found}"))
    };
    (
        found.to_owned(),
        format!(
            "see `ip {}`, `ip rule` and `ip route show table all` on {}, and delete what leads elsewhere",
            one.question,
            audit.name()
        ),
        Some(cause),
    )
}
