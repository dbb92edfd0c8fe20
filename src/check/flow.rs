//! Packets of services at the hosts that they cross. Following them through packet filters belongs in [`super::packet_path`].

use std::net::IpAddr;

use super::HostAudit;
use super::firewall::{Client, Packet, State, flag};
use super::packet_path::{TCP, UDP};
use crate::model::{Protocol, Service};

/// Its number in the IP header.
pub(super) fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => TCP,
        Protocol::Udp => UDP,
    }
}

const CONNTRACK: &str = "/proc/sys/net/ipv4/vs/conntrack";

/// Where the kernel says how IPVS's packets are tracked.
pub(super) fn tracking() -> [String; 2] {
    [CONNTRACK, LOOSE].map(str::to_owned)
}

const LOOSE: &str = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose";

/// The conntrack state of the packets after the first of a connection that IPVS does not track: conntrack accepts a
/// connection in its middle, unless it is configured not to.
pub(super) fn midway(audit: &HostAudit) -> State {
    match audit.facts().sysctl.get(LOOSE).map(|value| value.trim()) {
        Some("0") => State::Invalid,
        _ => State::New,
    }
}

/// IPVS's packets are tracked only with `conntrack` set.
pub(super) fn tracked(audit: &HostAudit) -> Option<bool> {
    let value = audit.facts().sysctl.get(CONNTRACK)?;
    Some(value.trim() != "0")
}

/// A tunnel packet to a real server; the inner packet is of the VIP's family. No packet comes back through the tunnel, so its
/// conntrack state stays NEW.
pub(super) fn tunnel(from: Option<IpAddr>, to: IpAddr, vip: IpAddr) -> Packet<'static> {
    Packet {
        from,
        to: Some(to),
        protocol: if vip.is_ipv4() { 4 } else { 41 },
        state: Some(State::New),
        later: Some(State::New),
        ..Packet::default()
    }
}

/// A request to a service.
pub(super) fn request(service: &Service, to: IpAddr, port: u16) -> Packet<'static> {
    of_client(service.protocol, to, port)
}

/// A reply of a service.
pub(super) fn reply(service: &Service, from: IpAddr, port: u16) -> Packet<'static> {
    to_client(service.protocol, from, port)
}

/// A packet of a client.
pub(super) fn of_client(protocol: Protocol, to: IpAddr, port: u16) -> Packet<'static> {
    Packet {
        to: Some(to),
        protocol: number(protocol),
        port: Some(port),
        state: Some(State::New),
        later: Some(State::Established),
        flags: (protocol == Protocol::Tcp).then_some(flag::SYN),
        client: Client::Source,
        ..Packet::default()
    }
}

/// A packet to a client.
pub(super) fn to_client(protocol: Protocol, from: IpAddr, port: u16) -> Packet<'static> {
    Packet {
        from: Some(from),
        to: None,
        source_port: Some(port),
        port: None,
        state: Some(State::Established),
        flags: (protocol == Protocol::Tcp).then_some(flag::SYN | flag::ACK),
        client: Client::Destination,
        ..of_client(protocol, from, port)
    }
}

/// A connection of a director to a real server, as its health check makes it: what asks, and what answers.
pub(super) fn check(from: IpAddr, to: IpAddr, port: u16) -> [Packet<'static>; 2] {
    const ANY: u16 = 50_321;
    let asks = Packet {
        from: Some(from),
        to: Some(to),
        protocol: TCP,
        source_port: Some(ANY),
        port: Some(port),
        state: Some(State::New),
        later: Some(State::Established),
        flags: Some(flag::SYN),
        ..Packet::default()
    };
    let answers = Packet {
        from: Some(to),
        to: Some(from),
        source_port: Some(port),
        port: Some(ANY),
        state: Some(State::Established),
        flags: Some(flag::SYN | flag::ACK),
        ..asks.clone()
    };
    [asks, answers]
}
