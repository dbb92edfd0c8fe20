//! Reads the section that [`super::questions`] asked for into values. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Deserialize;

use crate::fact::Section;
use crate::vrrp_state::{self, State};

use super::boot::Boot;
use super::end_to_end::{self, Replies};
use super::firewall::Firewall;
use super::statistics::Statistics;

/// What the section told.
#[derive(Debug, Default)]
pub struct Look {
    /// Value by path below /proc/sys.
    pub settings: BTreeMap<String, String>,
    pub routes: Vec<Chosen>,
    pub listening_tcp: BTreeSet<SocketAddr>,
    pub listening_udp: BTreeSet<SocketAddr>,
    /// What the host got when it asked a VIP that it holds itself.
    pub own: BTreeMap<SocketAddr, Replies>,
    pub statistics: Statistics,
    /// The host's clock, in seconds since the epoch.
    pub clock: Option<f64>,
    pub boot: Boot,
    pub firewall: Firewall,
    pub keepalived: Option<ConfigTest>,
    /// Whether Debian's ipvsadm.service restores an IPVS table at boot, as its AUTO says; elsewhere there is no such switch,
    /// and the unit restores one where it is enabled.
    pub ipvsadm_auto: Option<bool>,
    /// Seconds for tcp, tcpfin and udp.
    pub timeouts: Option<[u32; 3]>,
    pub sync_daemons: Vec<String>,
    /// What keepalived's instances are, by their names, as its log has it.
    pub vrrp: BTreeMap<String, State>,
    /// Large receive offload, by interface; None: it could not be read.
    pub lro: BTreeMap<String, Option<bool>>,
    /// Interfaces whose driver does not let it be changed.
    pub lro_fixed: BTreeSet<String>,
    /// Whether the host does not show its sockets.
    pub sockets_unread: bool,
}

/// What `keepalived -t` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigTest {
    pub status: i32,
    pub lines: Vec<String>,
}

/// The route that the kernel takes to an address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chosen {
    #[serde(rename = "dst")]
    pub to: IpAddr,
    #[serde(default)]
    pub from: Option<IpAddr>,
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    #[serde(default, rename = "dev")]
    pub interface: Option<String>,
    /// The address that packets leave from, where their sender does not say.
    #[serde(default, rename = "prefsrc")]
    pub source: Option<IpAddr>,
    /// One map of what `ip route` may set besides.
    #[serde(default)]
    pub metrics: Vec<serde_json::Value>,
}

impl Chosen {
    /// Whether packets go on: the kernel also tells of routes that end at once.
    pub fn leads(&self) -> bool {
        let ends = ["unreachable", "blackhole", "prohibit"];
        !self
            .kind
            .as_deref()
            .is_some_and(|kind| ends.contains(&kind))
    }

    pub fn metric(&self, name: &str) -> Option<u32> {
        let mut all = self.metrics.iter();
        let value = all.find_map(|metrics| metrics.get(name)?.as_u64())?;
        value.try_into().ok()
    }
}

impl Look {
    pub fn parse(section: &Section) -> Self {
        let own = section.parts_of("own").filter_map(|(target, text)| {
            let (address, port) = target.rsplit_once(' ')?;
            let address = SocketAddr::new(address.parse().ok()?, port.parse().ok()?);
            Some((address, end_to_end::replies(text)))
        });
        Self {
            settings: settings(section.part("settings")),
            routes: routes(section.part("routes")),
            listening_tcp: sockets(section.part("listeners-tcp")),
            listening_udp: sockets(section.part("listeners-udp")),
            own: own.collect(),
            statistics: Statistics::parse(section.part("statistics")),
            clock: clock(section.part("clock")),
            boot: Boot::parse(section.part("boot-files"), section.part("boot-lines")),
            firewall: Firewall::parse(section),
            keepalived: config_test(section.part("keepalived")),
            ipvsadm_auto: ipvsadm_auto(section.part("restores")),
            timeouts: timeouts(section.part("timeouts")),
            sync_daemons: section
                .part("sync")
                .lines()
                .map(str::trim)
                .filter(|line| line.contains("sync daemon"))
                .map(str::to_owned)
                .collect(),
            vrrp: vrrp_state::logged(section.part("vrrp")),
            lro: section
                .parts_of("lro")
                .map(|(interface, text)| (interface.to_owned(), offload(text)))
                .collect(),
            lro_fixed: section
                .parts_of("lro")
                .filter(|(_, text)| text.contains("[fixed]"))
                .map(|(interface, _)| interface.to_owned())
                .collect(),
            sockets_unread: section.has("sockets-unread"),
        }
    }

    /// Whether IPVS counts connections and rates (`run_estimation`, since Linux 6.2).
    pub fn estimates(&self) -> bool {
        let value = self.settings.get("/proc/sys/net/ipv4/vs/run_estimation");
        value.is_none_or(|value| value.trim() != "0")
    }

    /// A setting of an interface, as a number.
    pub fn setting(&self, interface: &str, name: &str) -> Option<u8> {
        let path = format!("/proc/sys/net/ipv4/conf/{interface}/{name}");
        self.settings.get(&path)?.trim().parse().ok()
    }

    /// What holds for an interface where the larger of `all` and its own does (ip-sysctl, kernel documentation).
    pub fn larger(&self, interface: &str, name: &str) -> Option<u8> {
        Some(
            self.setting("all", name)?
                .max(self.setting(interface, name)?),
        )
    }

    /// The ways by which an address's replies leave, as far as the kernel was asked.
    pub fn ways_back(&self, from: IpAddr) -> impl Iterator<Item = &Chosen> {
        let routes = self.routes.iter();
        routes.filter(move |r| r.from == Some(from) && r.leads())
    }

    pub fn route(&self, to: IpAddr, from: Option<IpAddr>) -> Option<&Chosen> {
        self.routes.iter().find(|r| r.to == to && r.from == from)
    }
}

/// The last assignment counts, as in the shell that reads it.
fn ipvsadm_auto(text: &str) -> Option<bool> {
    let mut values = text.lines().filter_map(|line| line.strip_prefix("AUTO="));
    let value = values.next_back()?;
    Some(value.trim().trim_matches(['"', '\'']) == "true")
}

/// Seconds and nanoseconds; busybox's date(1) may know no fractions, and prints `%N` as it is.
fn clock(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.strip_suffix(".%N") {
        // Somewhere in that second.
        Some(whole) => whole.parse::<f64>().ok().map(|seconds| seconds + 0.5),
        None => text.parse().ok(),
    }
}

fn config_test(text: &str) -> Option<ConfigTest> {
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    let status = lines.pop()?.strip_prefix("status ")?.parse().ok()?;
    Some(ConfigTest { status, lines })
}

/// `Timeout (tcp tcpfin udp): 900 120 300`.
fn timeouts(text: &str) -> Option<[u32; 3]> {
    let words = text.trim().split_once("):")?.1.split_whitespace();
    let numbers: Vec<u32> = words.map_while(|word| word.parse().ok()).collect();
    numbers.try_into().ok()
}

/// A line of `ethtool -k`, or the flags that the kernel told itself.
fn offload(text: &str) -> Option<bool> {
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| line.starts_with("large-receive-offload:"))?;
    line.split_once(':')
        .map(|(_, value)| value.trim().starts_with("on"))
}

/// `PATH:VALUE` lines of `grep -H`.
fn settings(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(path, value)| (path.to_owned(), value.to_owned()))
        .collect()
}

/// The answers of a batch are JSON lists, one after the other.
fn routes(text: &str) -> Vec<Chosen> {
    let lists = serde_json::Deserializer::from_str(text).into_iter::<Vec<serde_json::Value>>();
    lists
        .map_while(Result::ok)
        .flatten()
        .filter_map(|value| serde_json::from_value::<Chosen>(value).ok())
        .map(|chosen| Chosen {
            // IPv6 tells of a question without a source as one from `::`.
            from: chosen.from.filter(|from| !from.is_unspecified()),
            ..chosen
        })
        .collect()
}

/// Local addresses of the lines of /proc/net/tcp and its kin: hexadecimal, each 32-bit word in the host's order,
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
    fn clocks_of_either_date() {
        for (text, seconds) in [
            ("1700000000.25\n", Some(1_700_000_000.25)),
            ("1700000000.%N\n", Some(1_700_000_000.5)),
            ("1700000000\n", Some(1_700_000_000.0)),
            ("", None),
            (".%N", None),
        ] {
            assert_eq!(clock(text), seconds, "{text:?}");
        }
    }

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

    #[test]
    fn routes_of_a_batch() {
        let text = r#"[{"type":"local","dst":"192.168.100.200","dev":"lo","prefsrc":"192.168.100.200","flags":[],"uid":0,"cache":["local"]}]
[{"dst":"192.0.2.1","from":"192.168.100.200","gateway":"192.168.100.1","dev":"eth0","flags":[],"uid":0,"cache":[]}]"#;
        let routes = routes(text);
        assert_eq!(routes.len(), 2);
        assert_eq!(routes[0].kind.as_deref(), Some("local"));
        assert_eq!(routes[1].gateway, "192.168.100.1".parse().ok());
    }
}
