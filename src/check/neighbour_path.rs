//! IPv6 neighbour discovery through the packet filters of directors and real servers. ARP, which IPv4 uses instead, is judged
//! in [`super::arptables`].

use std::net::{IpAddr, Ipv6Addr};

use super::HostAudit;
use super::clients::Clients;
use super::definition::{Check, Judge, packet_filter};
use super::findings::Findings;
use super::firewall::{Packet, State};
use super::health_path::asks_from;
use super::packet_path::{self, Leg, Path};
use crate::model::topology;

pub(super) static FIREWALL_NEIGHBOUR: Check = Check {
    id: "firewall-neighbour",
    summary: "The packet filter accepts IPv6 neighbour discovery between directors and real servers of one network, and for VIPs on directors.",
    reason: "A host resolves IPv6 addresses of its network by ICMPv6. Without an answer it sends nothing more to the address as soon as its neighbour entry expires.",
    source: "RFC 4861, sections 4.3 and 4.4 (ICMPv6 types 135 and 136); RFC 4890, section 4.4.1; ip6tables(8)",
    fix: "accept ICMPv6 types 135 (neighbour solicitation) and 136 (neighbour advertisement)",
    needs: packet_filter,
    judge: Judge::Host(judge),
};

const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let cluster = audit.cluster;
    let own: Vec<IpAddr> = audit.serves.own_addresses(|_| true).into_iter().collect();
    for director in cluster.directors().filter(|d| d.name != audit.host.name) {
        for rip in &own {
            if director.facing(*rip).is_some()
                && let Some(dip) = asks_from(director, *rip)
            {
                resolve(audit, (*rip, &[dip]), &director.name, findings);
            }
        }
    }
    if !audit.host.is_director() {
        return;
    }
    for service in &cluster.services {
        for rs in service.backends().filter(|rs| rs.host != audit.host.name) {
            if audit.host.facing(rs.address).is_some()
                && let Some(dip) = asks_from(audit.host, rs.address)
            {
                resolve(audit, (dip, &[rs.address]), &rs.host, findings);
            }
        }
        for vip in service.vips.iter().map(|vip| vip.address) {
            let clients = topology::clients(cluster).flat_map(|client| client.addresses());
            let near: Vec<IpAddr> = clients
                .chain(audit.host.gateway)
                .filter(|other| {
                    topology::subnet(cluster, vip).is_some_and(|net| net.contains(other))
                })
                .collect();
            if !near.is_empty() {
                resolve(audit, (vip, &near), "its neighbours", findings);
            }
        }
    }
}

/// The multicast address of the solicitations of an address (RFC 4291, section 2.7.1).
fn solicited(address: Ipv6Addr) -> IpAddr {
    let [.., a, b] = address.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | (a & 0xff), b).into()
}

/// An own address is resolved by others, and resolves theirs.
fn resolve(
    audit: &HostAudit,
    (own, others): (IpAddr, &[IpAddr]),
    whom: &str,
    findings: &mut Findings,
) {
    let IpAddr::V6(own_v6) = own else { return };
    let by = audit.receiving(own);
    let mut legs = Vec::new();
    for other in others {
        let IpAddr::V6(other_v6) = other else {
            continue;
        };
        let asked = packet(SOLICITATION, *other, solicited(own_v6));
        // A neighbour whose entry is old is asked directly.
        let probed = packet(SOLICITATION, *other, own);
        let answers = packet(ADVERTISEMENT, own, *other);
        let asks = packet(SOLICITATION, own, solicited(*other_v6));
        let answered = packet(ADVERTISEMENT, *other, own);
        legs.extend([
            Leg::arrives(&asked, &by),
            Leg::arrives(&probed, &by),
            Leg::leaves(&answers, &by),
            Leg::leaves(&asks, &by),
            Leg::arrives(&answered, &by),
        ]);
    }
    if legs.is_empty() {
        return;
    }
    let path = Path {
        what: format!("neighbour discovery between {own} and {whom}"),
        v6: true,
        legs,
        hint: "",
    };
    packet_path::judge(
        audit,
        &FIREWALL_NEIGHBOUR,
        path,
        &Clients::default(),
        findings,
    );
}

/// Neighbour discovery is not tracked (nf_conntrack_proto_icmpv6.c), and has a hop limit of 255 (RFC 4861, section 7.1).
fn packet(kind: u8, from: IpAddr, to: IpAddr) -> Packet<'static> {
    Packet {
        from: Some(from),
        to: Some(to),
        protocol: ICMPV6,
        icmp: Some(kind),
        hop_limit: Some(255),
        state: Some(State::Untracked),
        later: Some(State::Untracked),
        ..Packet::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_multicast_address_of_solicitations() {
        for (address, expected) in [
            ("fd00::13", "ff02::1:ff00:13"),
            ("2001:db8::1:2ab4:5678", "ff02::1:ffb4:5678"),
        ] {
            let address: Ipv6Addr = address.parse().expect("an address");
            assert_eq!(solicited(address).to_string(), expected);
        }
    }
}
