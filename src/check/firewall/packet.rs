//! A packet as far as it is known.

use std::net::IpAddr;

/// Bits of the TCP header (RFC 9293, 3.1).
pub mod flag {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
    pub const URG: u8 = 0x20;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    New,
    Established,
    /// Of no connection that the kernel knows.
    Invalid,
    Untracked,
}

/// Which end of a packet is a client, who may be anyone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Client {
    #[default]
    None,
    Source,
    Destination,
}

/// A packet as far as it is known; a field that is None may have any value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packet<'a> {
    pub from: Option<IpAddr>,
    pub to: Option<IpAddr>,
    /// Its number in the IP header.
    pub protocol: u8,
    pub source_port: Option<u16>,
    pub port: Option<u16>,
    /// The type of an ICMP packet.
    pub icmp: Option<u8>,
    pub hop_limit: Option<u8>,
    pub comes_in: Option<&'a str>,
    pub goes_out: Option<&'a str>,
    /// The conntrack state of the first packet of a connection.
    pub state: Option<State>,
    /// The conntrack state of the following packets.
    pub later: Option<State>,
    pub flags: Option<u8>,
    pub client: Client,
}
