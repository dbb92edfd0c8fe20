//! The MTU of tunnels: a tunnel header makes packets longer. A real server limits the size of clients' packets by the MSS of
//! its answers. If that fits its NIC but not the tunnel, a director can only refuse full packets by ICMP, and uploads stall
//! where ICMP is filtered. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::definition::{Check, Judge, packet_filter};
use super::findings::Findings;
use super::{ClusterAudit, HostAudit};
use crate::fact::firewall::{Chains, Rule};
use crate::model::{Mode, Protocol, RealServer, Service};

pub(super) static TUNNEL_MTU: Check = Check {
    id: "tunnel-mtu",
    summary: "Full packets from clients (TCP, by the MSS of the replies) fit through the tunnel; otherwise a note.",
    reason: "A tunnel adds an outer header of 20 bytes (IPv6: 40). The director drops a packet that then exceeds the MTU, and sends an ICMP error to the client. If the client does not receive it, its uploads stall.",
    source: "RFC 2003; RFC 9293, section 3.7.1; ip-route(8) `advmss`",
    fix: "lower the MSS of the real servers' replies: `advmss` on their routes to clients, or TCPMSS `--set-mss` in mangle/OUTPUT",
    needs: packet_filter,
    judge: Judge::Cluster(fits),
};

fn fits(audit: &ClusterAudit, findings: &mut Findings) {
    let (cluster, audit) = (audit.cluster, audit.hosts);
    let mut done = BTreeSet::new();
    let tunnelled = |s: &&Service| s.mode == Mode::Tun && s.protocol == Protocol::Tcp;
    for service in cluster.services.iter().filter(tunnelled) {
        for rs in service.backends() {
            let Some(host) = audit.iter().find(|s| s.host.name == rs.host) else {
                continue;
            };
            for vip in service.vips.iter().map(|vip| vip.address) {
                if done.insert((rs.host.clone(), vip)) {
                    judge(audit, host, &rs, vip, findings);
                }
            }
        }
    }
}

fn judge(
    audit: &[HostAudit],
    host: &HostAudit,
    rs: &RealServer,
    vip: IpAddr,
    findings: &mut Findings,
) {
    // The headers of IP and TCP, and of the IP around them.
    let (headers, outer) = if vip.is_ipv4() { (40, 20) } else { (60, 40) };
    let directors = audit
        .iter()
        .filter(|s| s.host.is_director() && s.host.name != rs.host);
    let ways = directors.filter_map(|director| mtu(director, rs.address));
    // If no director answered, assume the MTU of the real server.
    let Some(way) = ways.min().or_else(|| mtu(host, rs.address)) else {
        return;
    };
    let Some(sent) = largest(host, rs, vip, headers) else {
        return;
    };
    let fits = way.saturating_sub(outer);
    if sent <= fits {
        let read = format!("packets of {sent} bytes, the tunnel takes {fits}");
        return findings.pass_of(host.name(), &TUNNEL_MTU, vip.to_string(), read);
    }
    let mss = fits.saturating_sub(headers);
    findings.note(
        host.name(),
        &TUNNEL_MTU,
        format!(
            "{vip}: clients may send packets of {sent} bytes, and its tunnel takes {fits}: uploads stall for clients that get no ICMP; \
             lower the MSS of its answers, by `advmss {mss}` on its routes to clients or by TCPMSS `--set-mss {mss}` in mangle/OUTPUT"
        ),
    );
}

/// The smallest MTU of the interfaces that face an address.
fn mtu(audit: &HostAudit, to: IpAddr) -> Option<u32> {
    let names = audit.toward(to);
    names.iter().filter_map(|name| of_link(audit, name)).min()
}

fn of_link(audit: &HostAudit, name: &str) -> Option<u32> {
    let mut links = audit.addresses().links.iter();
    links.find(|link| link.name == name).map(|link| link.mtu)
}

/// The longest packet that a real server's answers allow clients to send to a VIP.
fn largest(host: &HostAudit, rs: &RealServer, vip: IpAddr, headers: u32) -> Option<u32> {
    let by_route = host.facts().route_to.from(vip).filter_map(|route| {
        let link = of_link(host, route.interface.as_deref()?)?;
        let own = [
            route.metric("mtu"),
            route
                .metric("advmss")
                .map(|mss| mss.saturating_add(headers)),
        ];
        own.into_iter().flatten().chain([link]).min()
    });
    let by_route = by_route.max().or_else(|| mtu(host, rs.address))?;
    let clamped = clamp(host, vip).map(|mss| mss.saturating_add(headers));
    Some(clamped.map_or(by_route, |size| size.min(by_route)))
}

/// The MSS that TCPMSS rules set on outgoing packets. `--clamp-mss-to-pmtu` uses the route's MTU, which does not include the
/// tunnel.
fn clamp(host: &HostAudit, vip: IpAddr) -> Option<u32> {
    let tables = host.facts().firewall.rules(vip.is_ipv6());
    let mangle = tables.into_iter().filter_map(|r| r.tables.get("mangle"));
    let rules = mangle
        .flat_map(Chains::values)
        .flat_map(|chain| &chain.rules);
    let set = |rule: &Rule| rule.value("--set-mss")?.parse().ok();
    rules.filter_map(set).min()
}
