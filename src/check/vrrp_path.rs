//! VRRP adverts through the packet filters of directors.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::HostAudit;
use super::definition::{Check, Judge, packet_filter};
use super::findings::Findings;
use super::firewall::{Packet, State};
use super::packet_path::{self, Leg};

pub(super) static FIREWALL_VRRP: Check = Check {
    id: "firewall-vrrp",
    summary: "The packet filter accepts VRRP between directors.",
    reason: "A director that receives no adverts takes over, and then two directors hold the VIPs.",
    source: "RFC 9568, section 5.1 (protocol 112, 224.0.0.18, ff02::12); iptables(8)",
    fix: "accept protocol 112 between the directors",
    needs: packet_filter,
    judge: Judge::Director(adverts),
};

const VRRP: u8 = 112;
const VRRP_GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
const VRRP_GROUP_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12));

/// Adverts of the other directors come in, and those of this director go out.
fn adverts(audit: &HostAudit, findings: &mut Findings) {
    for instance in &audit.cluster.vrrp {
        let Some(me) = instance.member(audit.host) else {
            continue;
        };
        for peer in instance.members.iter().filter(|m| m.host != me.host) {
            let to = |address: IpAddr| match address {
                _ if instance.unicast => address,
                IpAddr::V4(_) => VRRP_GROUP,
                IpAddr::V6(_) => VRRP_GROUP_V6,
            };
            let arrives = Packet {
                from: Some(peer.address),
                to: Some(to(me.address)),
                protocol: VRRP,
                source_port: None,
                port: None,
                comes_in: None,
                goes_out: None,
                state: Some(State::New),
            };
            let leaves = Packet {
                from: Some(me.address),
                to: Some(to(peer.address)),
                ..arrives.clone()
            };
            let by = [me.interface.clone()];
            let legs = vec![Leg::arrives(&arrives, &by), Leg::leaves(&leaves, &by)];
            let what = format!("VRRP between {} and {}", me.host, peer.host);
            let v6 = me.address.is_ipv6();
            packet_path::judge(audit, &FIREWALL_VRRP, &what, v6, legs, "", findings);
        }
    }
}
