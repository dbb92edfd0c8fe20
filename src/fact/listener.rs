//! Listening sockets, from /proc/net.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Fact, ParseError, Section};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    pub tcp: BTreeSet<SocketAddr>,
    pub udp: BTreeSet<SocketAddr>,
    /// Whether the host does not show its sockets.
    pub hidden: bool,
}

/// Which protocols to ask for: TCP always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    pub udp: bool,
}

impl Fact for Listeners {
    const NAME: &'static str = "listener";
    type Ask = Ask;

    /// On a busy host most lines are connections, and are left out there.
    fn command(ask: &Ask) -> String {
        let mut text = "[ -r /proc/net/tcp ] || part hidden\npart tcp\ngrep -ahs ' 0A ' /proc/net/tcp /proc/net/tcp6\n".to_owned();
        if ask.udp {
            text.push_str("part udp\ngrep -ahs ' 07 ' /proc/net/udp /proc/net/udp6\n");
        }
        text
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        Ok(Self {
            tcp: sockets(section.part("tcp")),
            udp: sockets(section.part("udp")),
            hidden: section.has("hidden"),
        })
    }
}

/// Local addresses of the lines of /proc/net/tcp and the like: hexadecimal, each 32-bit word in the host's order,
/// which is taken as little-endian.
fn sockets(text: &str) -> BTreeSet<SocketAddr> {
    text.lines()
        .filter_map(|line| socket(line.split_whitespace().nth(1)?))
        .collect()
}

fn socket(word: &str) -> Option<SocketAddr> {
    let (address, port) = word.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Vec<u32> = (0..address.len() / 8)
        .map(|n| u32::from_str_radix(address.get(n * 8..n * 8 + 8)?, 16).ok())
        .collect::<Option<_>>()?;
    let address = match words.as_slice() {
        [v4] => IpAddr::V4(Ipv4Addr::from(v4.swap_bytes())),
        [a, b, c, d] => {
            let whole = [a, b, c, d].iter().fold(0u128, |all, word| {
                (all << 32) | u128::from(word.swap_bytes())
            });
            IpAddr::V6(Ipv6Addr::from(whole))
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_proc() {
        let text = "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000\n\
                    1: C864A8C0:01BB 00000000:0000 0A 0\n\
                    2: 00000000000000000000000000000000:0016 0 0A\n\
                    3: 00000000000000000000000001000000:1F90 0 0A\nodd\n 4: zz:1 x\n";
        let shown: Vec<String> = sockets(text).iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["0.0.0.0:80", "192.168.100.200:443", "[::]:22", "[::1]:8080"]
        );
    }
}
