//! VRRP adverts through the packet filters of directors.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::HostAudit;
use super::clients::Clients;
use super::definition::{Check, Judge, packet_filter};
use super::findings::Findings;
use super::firewall::{Packet, State};
use super::nat_rules;
use super::packet_path::{self, Leg, Path, UDP};

pub(super) static FIREWALL_VRRP: Check = Check {
    id: "firewall-vrrp",
    summary: "The packet filter accepts VRRP and the packets of the sync daemon between directors, and does not rewrite \
              their source address.",
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
                state: Some(State::New),
                ..Packet::default()
            };
            let leaves = Packet {
                from: Some(me.address),
                to: Some(to(peer.address)),
                ..arrives.clone()
            };
            let by = [me.interface.clone()];
            let legs = vec![Leg::arrives(&arrives, &by), Leg::leaves(&leaves, &by)];
            let path = Path {
                what: format!("VRRP between {} and {}", me.host, peer.host),
                v6: me.address.is_ipv6(),
                legs,
                hint: "",
            };
            let no_clients = Clients::default();
            packet_path::judge(audit, &FIREWALL_VRRP, path, &no_clients, findings);
            nat_rules::keeps_its_sender(audit, &FIREWALL_VRRP, &leaves, &by, findings);
            if instance.sync_daemon {
                replicas(
                    audit,
                    &me.interface,
                    (&me.host, me.address),
                    (&peer.host, peer.address),
                    findings,
                );
            }
        }
    }
}

/// The group and port of the sync daemon (ipvsadm(8), `--start-daemon`).
const SYNC_GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 81));
const SYNC_PORT: u16 = 8848;

/// Connections that the sync daemon copies from a master to its backups: each director may be either.
fn replicas(
    audit: &HostAudit,
    interface: &str,
    (me, own): (&str, IpAddr),
    (peer, theirs): (&str, IpAddr),
    findings: &mut Findings,
) {
    let sent = Packet {
        from: Some(own),
        to: Some(SYNC_GROUP),
        protocol: UDP,
        port: Some(SYNC_PORT),
        state: Some(State::New),
        later: Some(State::New),
        ..Packet::default()
    };
    let received = Packet {
        from: Some(theirs),
        ..sent.clone()
    };
    let by = [interface.to_owned()];
    let path = Path {
        what: format!("connections that are replicated between {me} and {peer}"),
        v6: false,
        legs: vec![Leg::leaves(&sent, &by), Leg::arrives(&received, &by)],
        hint: "",
    };
    if own.is_ipv4() && theirs.is_ipv4() {
        packet_path::judge(audit, &FIREWALL_VRRP, path, &Clients::default(), findings);
    }
}
