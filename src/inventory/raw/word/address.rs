//! Addresses, subnets, gateways, endpoints and MAC addresses as an inventory writes them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;
use schemars::{Schema, json_schema};

use crate::diagnostic::{AddressForm, Expected};
use crate::inventory::field::{Word, Wrong};

/// A subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Cidr(pub IpNet);

impl Word for Cidr {
    const EXPECTED: Expected = Expected::SUBNET;

    fn read(text: &str) -> Result<Self, Wrong> {
        let Some(net) = subnet(text) else {
            return Err(match text.parse::<IpAddr>() {
                Ok(address) => {
                    let prefix = if address.is_ipv4() { 24 } else { 64 };
                    let net = IpNet::new(address, prefix).map(|net| net.trunc());
                    let net = net.map_or_else(|_| address.to_string(), |net| net.to_string());
                    Wrong::help(format!("add the prefix length: write `{net}`"))
                }
                Err(_) => numbers_help(text),
            });
        };
        if net.trunc() != net {
            return Err(Wrong::because(
                format!("{net} is an address, not a subnet"),
                format!("its subnet is {}", net.trunc()),
            ));
        }
        Ok(Self(net))
    }
}

/// An address with a prefix length. The crate's own parser takes leading zeros, which are octal to others.
pub(in crate::inventory) fn subnet(text: &str) -> Option<IpNet> {
    let (address, prefix) = text.split_once('/')?;
    let digits = prefix.chars().all(|c| c.is_ascii_digit());
    let prefix = prefix.parse().ok().filter(|_| digits)?;
    IpNet::new(address.parse().ok()?, prefix).ok()
}

/// An address that may carry the prefix length of its subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Address {
    pub address: IpAddr,
    pub prefix: Option<u8>,
}

impl Word for Address {
    const EXPECTED: Expected = Expected::Address(AddressForm::MayHavePrefix);

    fn read(text: &str) -> Result<Self, Wrong> {
        if let Ok(address) = text.parse() {
            return Ok(Self {
                address,
                prefix: None,
            });
        }
        if let Some(net) = subnet(text) {
            return Ok(Self {
                address: net.addr(),
                prefix: Some(net.prefix_len()),
            });
        }
        Err(numbers_help(text))
    }
}

/// An address alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Bare(pub IpAddr);

impl Word for Bare {
    const EXPECTED: Expected = Expected::ADDRESS;

    fn read(text: &str) -> Result<Self, Wrong> {
        text.parse().map(Self).map_err(|_| numbers_help(text))
    }
}

/// Of what is nearly an address, with or without a prefix.
pub(in crate::inventory) fn numbers_help(text: &str) -> Wrong {
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    let plain: Vec<&str> = address
        .split('.')
        .map(|octet| match octet.trim_start_matches('0') {
            "" if !octet.is_empty() => "0",
            rest => rest,
        })
        .collect();
    let plain = plain.join(".");
    if plain != address && plain.parse::<Ipv4Addr>().is_ok() {
        let slash = if prefix.is_empty() { "" } else { "/" };
        return Wrong::help(format!("a leading zero: write `{plain}{slash}{prefix}`"));
    }
    let numbers: Vec<Option<u32>> = address.split('.').map(|n| n.parse().ok()).collect();
    if numbers.len() == 4 && numbers.iter().all(Option::is_some) {
        let large = numbers.into_iter().flatten().find(|number| *number > 255);
        if let Some(large) = large {
            return Wrong::help(format!(
                "each of its four numbers is at most 255, not {large}"
            ));
        }
    }
    let number = !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_digit());
    if number && address.parse::<IpAddr>().is_ok() {
        return Wrong::help("the prefix is at most 32 (128 for IPv6)");
    }
    Wrong::default()
}

/// Where a packet goes to: an address, or a host's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inventory) enum Gateway {
    Address(IpAddr),
    Host(String),
}

impl Word for Gateway {
    const EXPECTED: Expected = Expected::Address(AddressForm::OrHost);

    fn read(text: &str) -> Result<Self, Wrong> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        if text.contains('/') {
            return Err(Wrong::help(
                "a gateway has no prefix: write the address alone",
            ));
        }
        let number = text.contains(':') || !text.contains(|c: char| c.is_ascii_alphabetic());
        if text.is_empty() || number {
            return Err(numbers_help(text));
        }
        Ok(Self::Host(text.to_owned()))
    }
}

/// An address with or without a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Endpoint {
    pub address: IpAddr,
    pub port: Option<u16>,
}

impl Word for Endpoint {
    const EXPECTED: Expected = Expected::Address(AddressForm::MayHavePort);

    fn read(text: &str) -> Result<Self, Wrong> {
        if let Ok(address) = text.parse() {
            return Ok(Self {
                address,
                port: None,
            });
        }
        match text.parse::<SocketAddr>() {
            Ok(socket) => Ok(Self {
                address: socket.ip(),
                port: Some(socket.port()),
            }),
            Err(_) => {
                let address = text.split(':').next().unwrap_or_default();
                let zero = numbers_help(address);
                Err(if zero.help.is_some() {
                    zero
                } else if text.matches(':').count() < 2 || text.starts_with('[') {
                    numbers_help(address)
                } else {
                    Wrong::help("an IPv6 address with a port needs brackets: [fd00::14]:8080")
                })
            }
        }
    }
}

/// The hardware address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inventory) struct Mac(pub String);

impl Word for Mac {
    const EXPECTED: Expected = Expected::like(
        "a hardware address such as 52:54:00:12:34:56",
        "52:54:00:12:34:56",
    );

    fn schema() -> Schema {
        json_schema!({ "type": "string", "title": "a hardware address" })
    }

    fn read(text: &str) -> Result<Self, Wrong> {
        let bytes: Vec<&str> = text.split(':').collect();
        let hex = |byte: &&str| byte.len() == 2 && byte.chars().all(|c| c.is_ascii_hexdigit());
        if bytes.len() != 6 || !bytes.iter().all(hex) {
            return Err(Wrong::default());
        }
        if u8::from_str_radix(bytes.first().unwrap_or(&""), 16).is_ok_and(|first| first & 1 == 1) {
            return Err(Wrong::because(
                format!("{text} is a group's address, not one interface's"),
                "see `ip link show` on the host",
            ));
        }
        Ok(Self(text.to_lowercase()))
    }
}
