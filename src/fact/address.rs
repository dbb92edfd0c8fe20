//! Interfaces and their addresses, as `ip -j addr show` prints them.

use std::net::IpAddr;

use serde::Deserialize;

use super::{Fact, ParseError, Section, way_in};

/// An address as `ip -j addr` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub interface: String,
    pub address: IpAddr,
    pub prefix: u8,
    pub label: Option<String>,
    pub scope: String,
    /// Whether it is not deprecated, and so preferred as source address (IPv6).
    pub preferred: bool,
    /// Whether duplicate address detection found it on another host (IPv6).
    pub duplicate: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    pub held: Vec<Held>,
    pub links: Vec<Link>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub name: String,
    pub mac: Option<String>,
    pub up: bool,
    pub mtu: u32,
    /// Whether it does no ARP, as a tunnel or a point-to-point link.
    pub no_arp: bool,
    /// Whether it is a broadcast interface, and not point-to-point.
    pub broadcasts: bool,
    /// Whether it is up, without a carrier.
    pub no_carrier: bool,
    /// Whether it broadcasts and does not take part in multicast.
    pub no_multicast: bool,
    /// The bridge, bond or VRF that it is a part of.
    pub master: Option<String>,
    /// Whether a program of XDP sees its packets first.
    pub xdp: bool,
}

impl Addresses {
    /// The interfaces that hold an address.
    pub fn of(&self, address: IpAddr) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(move |held| held.address == address)
    }

    pub fn has(&self, address: IpAddr) -> bool {
        self.of(address).next().is_some()
    }

    /// Whether an interface is up; None where there is no such interface.
    pub fn is_up(&self, interface: &str) -> Option<bool> {
        let link = self.links.iter().find(|link| link.name == interface)?;
        Some(link.up)
    }
}

#[derive(Deserialize)]
struct RawLink {
    ifname: String,
    address: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    mtu: u32,
    master: Option<String>,
    xdp: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    addr_info: Vec<RawAddress>,
}

#[derive(Deserialize)]
struct RawAddress {
    local: Option<IpAddr>,
    prefixlen: Option<u8>,
    label: Option<String>,
    #[serde(default)]
    scope: String,
    preferred_life_time: Option<u64>,
    #[serde(default)]
    dadfailed: bool,
}

/// What to read besides the addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ask {
    /// The routes of IPv4 ([`super::route`]) too, by the same process: a second JSON value of the part.
    pub with_routes: bool,
    /// The route of the way in ([`super::way_in`]) too, by the same process: the last JSON value of the part.
    pub with_way_in: bool,
}

/// Prints the addresses; [`Addresses::of_json`] parses it.
pub const COMMAND: &str = "ip -j addr show";

const ADDRESSES: &str = "addr show\n";
const ROUTES: &str = "route show table main\n";

/// One process for several commands. It ends at the first that fails.
fn batch(commands: &str, otherwise: &str) -> String {
    format!("ip -j -b - 2>/dev/null <<lvsctl || {otherwise}\n{commands}lvsctl\n")
}

impl Fact for Addresses {
    const NAME: &'static str = "address";
    type Ask = Ask;

    fn command(ask: &Ask) -> String {
        let (commands, what) = match ask.with_routes {
            true => (
                format!("{ADDRESSES}{ROUTES}"),
                "ip -j addr show, and its routes",
            ),
            false => (ADDRESSES.to_owned(), COMMAND),
        };
        let failed = format!("failed $? '{what}'");
        if ask.with_way_in {
            // The host may have no such route.
            let again = batch(&commands, &failed);
            let whole = batch(&format!("{commands}{}", way_in::ROUTE), "{");
            return format!(
                "part json\n{whole}part json\n{again}{}}}\n",
                way_in::ask_again()
            );
        }
        if ask.with_routes {
            return format!("part json\n{}", batch(&commands, &failed));
        }
        format!("part json\nask {COMMAND}\n")
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        Self::of_json(section.part("json"))
    }
}

impl Addresses {
    pub fn of_json(text: &str) -> Result<Self, ParseError> {
        let raw: Vec<RawLink> = serde_json::from_str(text).map_err(|e| {
            ParseError::new(
                Self::NAME,
                format!("`ip -j addr show` (iproute2 4.14 or later): {e}"),
            )
        })?;
        let mut observed = Addresses::default();
        for link in raw {
            for info in link.addr_info {
                let (Some(address), Some(prefix)) = (info.local, info.prefixlen) else {
                    continue;
                };
                observed.held.push(Held {
                    interface: link.ifname.clone(),
                    address,
                    prefix,
                    label: info.label,
                    scope: info.scope,
                    preferred: info.preferred_life_time != Some(0),
                    duplicate: info.dadfailed,
                });
            }
            let has = |flag: &str| link.flags.iter().any(|other| other == flag);
            let (up, no_arp, no_carrier) = (has("UP"), has("NOARP"), has("NO-CARRIER"));
            let no_multicast = has("BROADCAST") && !has("MULTICAST");
            observed.links.push(Link {
                name: link.ifname,
                mac: link.address,
                up,
                mtu: link.mtu,
                no_arp,
                broadcasts: has("BROADCAST"),
                no_carrier,
                no_multicast,
                master: link.master,
                xdp: link.xdp.is_some(),
            });
        }
        Ok(observed)
    }
}
