//! The way in of a host: the SSH connection of the probe, the route back to the controller, and the
//! interfaces below and above the one that it takes.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::{Fact, ParseError, Section};

/// A connection, as the host sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayIn {
    /// The address from which lvsctl comes, perhaps that of a NAT or of a jump host.
    pub controller: IpAddr,
    /// The address of the host that it came to.
    pub local: IpAddr,
    pub port: u16,
    /// The destination of the route back to the controller. None, as gateway and interface: the host has no such route, or
    /// did not show it.
    pub matched: Option<IpNet>,
    pub gateway: Option<IpAddr>,
    pub interface: Option<String>,
    /// Interfaces below and above that one: of a VLAN, a bond or a bridge.
    pub related: BTreeSet<String>,
}

/// The command of the route back, for `ip -b` in a here-document, after the script of this fact. Empty without a connection.
pub(super) const ROUTE: &str = "${lvsctl_back:+route get fibmatch $lvsctl_back}\n";

/// Shell text that asks for the route in another way. Without `fibmatch` (iproute2 before 4.17) the destination is the
/// address itself.
pub(super) fn ask_again() -> String {
    format!(
        "section={}\npart route\nip -j route get $lvsctl_back 2>/dev/null || :\nsection={}\n",
        WaysIn::NAME,
        super::address::Addresses::NAME
    )
}

/// None: the host does not know the connection, since the probe does not use SSH, or its answer cannot be understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaysIn(pub Option<WayIn>);

#[derive(Deserialize)]
struct RawRoute {
    dst: String,
    gateway: Option<IpAddr>,
    dev: Option<String>,
}

impl Fact for WaysIn {
    const NAME: &'static str = "way-in";
    /// The route comes with the addresses ([`super::address::Ask::with_way_in`]).
    type Ask = ();

    fn command((): &()) -> String {
        include_str!("scripts/way-in.sh").to_owned()
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        Ok(Self(of(section)))
    }
}

fn of(section: &Section) -> Option<WayIn> {
    let mut words = section.part("connection").split_whitespace();
    let (client, _, server, port) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let address = |word: &str| word.split('%').next().unwrap_or_default().parse::<IpAddr>();
    let local = address(server).ok()?.to_canonical();
    let route = route(section.part("route")).ok()?;
    let interface = route.as_ref().and_then(|route| route.dev.clone());
    let lower = section.part("lower");
    Some(WayIn {
        controller: address(client).ok()?.to_canonical(),
        local,
        port: port.parse().ok()?,
        matched: route.as_ref().and_then(|route| network(&route.dst, local)),
        gateway: route.as_ref().and_then(|route| route.gateway),
        related: interface
            .as_deref()
            .map(|name| related(lower, name))
            .unwrap_or_default(),
        interface,
    })
}

fn route(json: &str) -> serde_json::Result<Option<RawRoute>> {
    if json.trim().is_empty() {
        return Ok(None);
    }
    let all: Vec<RawRoute> = serde_json::from_str(json)?;
    Ok(all.into_iter().next())
}

fn network(dst: &str, local: IpAddr) -> Option<IpNet> {
    if dst == "default" {
        let any = if local.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
        return any.parse().ok();
    }
    let net = dst.parse::<IpNet>().ok();
    net.or_else(|| dst.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The interfaces below and above one, by lines such as `/sys/class/net/bond0/lower_eth0`.
fn related(lower: &str, interface: &str) -> BTreeSet<String> {
    let pairs: Vec<(&str, &str)> = lower
        .lines()
        .filter_map(|line| {
            let mut parts = line.trim().rsplit('/');
            let below = parts.next()?.strip_prefix("lower_")?;
            Some((parts.next()?, below))
        })
        .filter(|(upper, _)| *upper != "*")
        .collect();
    let mut all = BTreeSet::from([interface]);
    loop {
        let before = all.len();
        for (upper, below) in &pairs {
            if all.contains(upper) || all.contains(below) {
                all.extend([*upper, *below]);
            }
        }
        if all.len() == before {
            return all.into_iter().map(str::to_owned).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::section;
    use super::*;

    fn parsed(parts: &str) -> Result<WaysIn, ParseError> {
        let text: String = parts
            .split("\n--")
            .map(|part| format!("\n@n way-in {part}\n"))
            .collect();
        let sections = section::split(&text, "n");
        WaysIn::parse(&sections[WaysIn::NAME])
    }

    fn brief(way: &WayIn) -> String {
        let related: Vec<&str> = way.related.iter().map(String::as_str).collect();
        format!(
            "{} to {}:{} by {} via {} dev {} [{}]",
            way.controller,
            way.local,
            way.port,
            way.matched.map_or("-".to_owned(), |net| net.to_string()),
            way.gateway.map_or("-".to_owned(), |via| via.to_string()),
            way.interface.as_deref().unwrap_or("-"),
            related.join(" ")
        )
    }

    #[test]
    fn connections_and_their_routes() {
        for (what, parts, expected) in [
            (
                "in one network",
                "connection\n10.77.0.1 41234 10.77.0.2 22\n--route\n[{\"dst\":\"10.77.0.0/16\",\"dev\":\"eth0\",\"prefsrc\":\"10.77.0.2\"}]\n--lower\n/sys/class/net/*/lower_*",
                Some("10.77.0.1 to 10.77.0.2:22 by 10.77.0.0/16 via - dev eth0 [eth0]"),
            ),
            (
                "through a gateway, over a VLAN of a bond",
                "connection\n192.0.2.9 41234 10.0.0.2 2222\n--route\n[{\"dst\":\"default\",\"gateway\":\"10.0.0.254\",\"dev\":\"bond0.10\"}]\n\
                 --lower\n/sys/class/net/bond0.10/lower_bond0\n/sys/class/net/bond0/lower_eth0\n/sys/class/net/br1/lower_eth9",
                Some(
                    "192.0.2.9 to 10.0.0.2:2222 by 0.0.0.0/0 via 10.0.0.254 dev bond0.10 [bond0 bond0.10 eth0]",
                ),
            ),
            (
                "IPv6 with a zone, and an old ip",
                "connection\nfe80::1%eth0 5 fe80::2%eth0 22\n--route\n[{\"dst\":\"fe80::1\",\"dev\":\"eth0\"}]\n--lower\n",
                Some("fe80::1 to fe80::2:22 by fe80::1/128 via - dev eth0 [eth0]"),
            ),
            (
                "no route back",
                "connection\n10.77.0.1 41234 10.77.0.2 22\n--route\n\n--lower\n",
                Some("10.77.0.1 to 10.77.0.2:22 by - via - dev - []"),
            ),
            ("no SSH", "connection\n\n--lower\n", None),
            ("no addresses", "connection\na b c d\n--lower\n", None),
            (
                "a route that is no JSON",
                "connection\n10.0.0.1 1 10.0.0.2 22\n--route\nwhat\n--lower\n",
                None,
            ),
        ] {
            let found = parsed(parts).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(found.0.as_ref().map(brief).as_deref(), expected, "{what}");
        }
    }
}
