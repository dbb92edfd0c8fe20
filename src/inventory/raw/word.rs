//! Values written as one word: addresses, subnets, schedulers, modes, marks.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};

use crate::inventory::decode::HELP;
use crate::inventory::field::{Peek, Shaped, Word, Wrong, shaped};
use crate::inventory::foreign;
use crate::inventory::model::{
    ArpAnswer, HttpVersion, Mode, Protocol, Scheduler, StatusCodes, WrongStatus,
};
use crate::inventory::problem::{choices, shown};
use crate::ports::{NoRange, PortRange};

/// A subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Cidr(pub IpNet);

impl Cidr {
    pub(crate) const SUBNET: &'static str = "a subnet such as 192.168.100.0/24";
}

impl Word for Cidr {
    const EXPECTED: &'static str = Self::SUBNET;

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
fn subnet(text: &str) -> Option<IpNet> {
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
    const EXPECTED: &'static str = "an address such as 192.168.100.14 or 192.168.100.14/24";

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
        Err(address_help(text))
    }
}

/// An address alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Bare(pub IpAddr);

impl Word for Bare {
    const EXPECTED: &'static str = "an address such as 192.168.100.14";

    fn read(text: &str) -> Result<Self, Wrong> {
        text.parse().map(Self).map_err(|_| address_help(text))
    }
}

/// What is said of a name where an address is wanted.
pub(in crate::inventory) const NO_NAMES: &str =
    "host names are not looked up here: write the address itself";

/// What depends on the key is said where that is known.
fn address_help(text: &str) -> Wrong {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name = text.contains(|c: char| c.is_ascii_alphabetic()) && text.chars().all(good);
    if name {
        Wrong::help(NO_NAMES)
    } else {
        numbers_help(text)
    }
}

/// Of what is nearly an address, with or without a prefix.
fn numbers_help(text: &str) -> Wrong {
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
    const EXPECTED: &'static str = "an address or the name of a host";

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
    const EXPECTED: &'static str = "an address with or without a port, such as 192.168.100.14:8080";

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
                    address_help(address)
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
    const EXPECTED: &'static str = "a hardware address such as 52:54:00:12:34:56";

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

impl Word for ArpAnswer {
    const EXPECTED: &'static str = "an answer to the ARP problem: sysctl, arptables or neighbour";

    fn read(text: &str) -> Result<Self, Wrong> {
        match text.to_lowercase().as_str() {
            "sysctl" => Ok(Self::Sysctl),
            "arptables" => Ok(Self::Arptables),
            "neighbour" => Ok(Self::Neighbour),
            _ => Err(Wrong::because(
                format!("unknown answer {}", shown(text)),
                choices(text, &["sysctl", "arptables", "neighbour"]),
            )),
        }
    }

    fn schema() -> Schema {
        one_of(&["sysctl", "arptables", "neighbour"])
    }
}

fn one_of(words: &[&str]) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

impl Word for Mode {
    const EXPECTED: &'static str = "a forwarding mode: dr, nat or tun";

    fn read(text: &str) -> Result<Self, Wrong> {
        if matches!(text.to_lowercase().as_str(), "tcp" | "http") {
            return Err(Wrong::because(
                format!("unknown mode {}", shown(text)),
                "write `dr`: LVS forwards packets, whatever they carry",
            ));
        }
        let instead = |word: &str, why: &str| {
            Err(Wrong::because(
                format!("unknown mode {}", shown(text)),
                format!("write `{word}`{why}"),
            ))
        };
        match text.to_lowercase().as_str() {
            "dr" => Ok(Self::Dr),
            "nat" => Ok(Self::Nat),
            "tun" => Ok(Self::Tun),
            "route" | "gatewaying" | "gateway" | "gate" | "direct" | "direct-routing"
            | "droute" | "g" | "-g" => instead("dr", " (direct routing, `ipvsadm -g`)"),
            "masq" | "masquerading" | "masquerade" | "m" | "-m" => {
                instead("nat", " (masquerading, `ipvsadm -m`)")
            }
            "ipip" | "tunnel" | "tunneling" | "tunnelling" | "i" | "-i" => {
                instead("tun", " (IP-in-IP tunnel, `ipvsadm -i`)")
            }
            "fullnat" | "full-nat" => Err(Wrong::because(
                "`fullnat` is not in the mainline Linux kernel, only in patched ones",
                "use `nat` with the director as the real servers' gateway, or `tun` across networks",
            )),
            _ => Err(Wrong::because(
                format!("unknown mode {}", shown(text)),
                choices(text, &["dr", "nat", "tun"]),
            )),
        }
    }

    fn schema() -> Schema {
        one_of(&["dr", "nat", "tun"])
    }
}

/// Every scheduler with the word that `ipvsadm -s` takes.
pub(in crate::inventory) const SCHEDULERS: &[(&str, Scheduler)] = &[
    ("rr", Scheduler::Rr),
    ("wrr", Scheduler::Wrr),
    ("lc", Scheduler::Lc),
    ("wlc", Scheduler::Wlc),
    ("lblc", Scheduler::Lblc),
    ("lblcr", Scheduler::Lblcr),
    ("dh", Scheduler::Dh),
    ("sh", Scheduler::Sh),
    ("sed", Scheduler::Sed),
    ("nq", Scheduler::Nq),
    ("fo", Scheduler::Fo),
    ("ovf", Scheduler::Ovf),
    ("mh", Scheduler::Mh),
    ("twos", Scheduler::Twos),
];

impl Word for Scheduler {
    const EXPECTED: &'static str = "a scheduler such as rr or wlc";

    fn read(text: &str) -> Result<Self, Wrong> {
        let same = |(word, _): &&(&str, _)| word.eq_ignore_ascii_case(text);
        let known = SCHEDULERS.iter().find(same);
        known.map(|(_, scheduler)| *scheduler).ok_or_else(|| {
            let words: Vec<&str> = SCHEDULERS.iter().map(|(word, _)| *word).collect();
            Wrong::because(
                format!("unknown scheduler {}", shown(text)),
                match foreign::scheduler(text) {
                    Some(ours) => format!("write `{ours}`; known: {}", words.join(", ")),
                    None => choices(text, &words),
                },
            )
        })
    }

    fn schema() -> Schema {
        let words: Vec<&str> = SCHEDULERS.iter().map(|(word, _)| *word).collect();
        one_of(&words)
    }
}

impl Word for Protocol {
    const EXPECTED: &'static str = "a protocol: tcp or udp";

    fn read(text: &str) -> Result<Self, Wrong> {
        match text.to_lowercase().as_str() {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err(Wrong::because(
                format!("unknown protocol {}", shown(text)),
                choices(text, &["tcp", "udp"]),
            )),
        }
    }

    fn schema() -> Schema {
        one_of(&["tcp", "udp"])
    }
}

/// A whole number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Whole<N, const LOW: i64, const HIGH: i64>(pub N);

impl<'de, N: TryFrom<i64>, const LOW: i64, const HIGH: i64> Deserialize<'de>
    for Whole<N, LOW, HIGH>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor(PhantomData))
    }
}

fn within<N: TryFrom<i64>, const LOW: i64, const HIGH: i64>(
    value: i64,
) -> Option<Whole<N, LOW, HIGH>> {
    let whole = Some(value).filter(|n| (LOW..=HIGH).contains(n))?;
    N::try_from(whole).ok().map(Whole)
}

struct WholeVisitor<N, const LOW: i64, const HIGH: i64>(PhantomData<N>);

impl<N: TryFrom<i64>, const LOW: i64, const HIGH: i64> Visitor<'_> for WholeVisitor<N, LOW, HIGH> {
    type Value = Whole<N, LOW, HIGH>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {LOW} to {HIGH}")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        let whole = i64::try_from(value).ok().and_then(within);
        whole.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        within(value).ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }
}

impl<N, const LOW: i64, const HIGH: i64> JsonSchema for Whole<N, LOW, HIGH> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Whole{LOW}To{HIGH}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LOW, "maximum": HIGH })
    }
}

/// A port that one can ask for.
pub(in crate::inventory) type Port = Whole<u16, 1, 65535>;
/// 0 is a service's every port.
type ServicePort = Whole<u16, 0, 65535>;
/// 0 is a real server that gets no new connections.
pub(in crate::inventory) type Weight = Whole<u16, 0, 65535>;
pub(in crate::inventory) type Priority = Whole<u8, 1, 254>;
/// What a tracker adds to a VRRP priority; 0 makes its failure the instance's.
pub(in crate::inventory) type PriorityChange = Whole<i16, -253, 253>;
/// At most a day.
pub(in crate::inventory) type Seconds = Whole<u32, 1, 86_400>;

/// A firewall mark: a number, or a text in decimal or hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Mark(pub u32);

/// HTTP status codes: a number, or a text with numbers, ranges and classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inventory) struct Codes(pub StatusCodes);

impl Shaped for Codes {
    const EXPECTED: &'static str =
        "an HTTP status such as 200, a range such as 200-299, or a list of them";

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        match shape {
            "int" => {
                let code: Whole<u16, 100, 599> = node.as_a()?;
                Ok(Some(Self(StatusCodes::one(code.0))))
            }
            "text" => {
                let text: String = node.as_a()?;
                let read = StatusCodes::parse(&text).map(|codes| Some(Self(codes)));
                read.map_err(|wrong| {
                    let help = match wrong {
                        WrongStatus::Shape(_) => {
                            "write it like `200`, `200-299` or `[200-299, 302]`"
                        }
                        WrongStatus::Outside(_) => "they go from 100 to 599: `200-299`",
                        WrongStatus::Reversed(..) => "write the lower one first: `200-299`",
                    };
                    A::Error::custom(format!("{wrong}{HELP}{help}"))
                })
            }
            _ => Ok(None),
        }
    }
}

impl JsonSchema for Codes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StatusCodes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 100, "maximum": 599 },
                { "type": "string", "title": "a range such as 200-299" },
            ],
        })
    }
}

/// A version of HTTP: YAML takes `1.1` for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Version(pub HttpVersion);

impl Shaped for Version {
    const EXPECTED: &'static str = "a version of HTTP: 1.0 or 1.1";

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        let text = match shape {
            "float" => format!("{:.1}", node.as_a::<f64>()?),
            "text" => node.as_a()?,
            _ => return Ok(None),
        };
        let version = match text.trim_start_matches("HTTP/") {
            "1.0" => HttpVersion::V1_0,
            "1.1" => HttpVersion::V1_1,
            _ => {
                return Err(A::Error::custom(format!(
                    "no health check asks by HTTP {}{HELP}{}",
                    shown(&text),
                    choices(&text, &["1.0", "1.1"])
                )));
            }
        };
        Ok(Some(Self(version)))
    }
}

impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HttpVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["1.0", "1.1", 1.0, 1.1] })
    }
}

shaped!(Mark, FreeValue, Codes, Version, ServicePorts);

impl Shaped for Mark {
    const EXPECTED: &'static str = "a firewall mark from 1 to 4294967295, such as 6666 or 0x1a0a";

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        let value = match shape {
            "int" => node.as_a::<i64>().ok().and_then(|n| u32::try_from(n).ok()),
            "text" => {
                let text: String = node.as_a()?;
                let lower = text.to_lowercase();
                match lower.strip_prefix("0x") {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => lower.parse().ok(),
                }
            }
            _ => None,
        };
        Ok(value.filter(|mark| *mark > 0).map(Self))
    }
}

impl JsonSchema for Mark {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Mark".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": u32::MAX },
                { "type": "string", "title": "a hex text", "pattern": "^(0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})$" },
            ],
        })
    }
}

/// A port of a service, 0 for every port, or a range of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct ServicePorts(pub PortRange);

impl Shaped for ServicePorts {
    const EXPECTED: &'static str = "a port, or a range of ports such as `10000-20000`";

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        let wrong = |what: String, help: &str| Err(A::Error::custom(format!("{what}{HELP}{help}")));
        if shape == "text" {
            let text: String = node.as_a()?;
            match PortRange::read(&text) {
                Ok(range) => return Ok(Some(Self(range))),
                Err(NoRange::Backwards) => {
                    let what = format!("the range of ports {} ends before it begins", shown(&text));
                    let (first, last) = text.split_once('-').unwrap_or((&text, ""));
                    let (first, last) = (first.trim(), last.trim());
                    return wrong(
                        what,
                        &format!("write `{last}-{first}`, the smaller port first"),
                    );
                }
                Err(NoRange::OutOfBounds) => {
                    let what = format!("the range of ports {} is out of bounds", shown(&text));
                    return wrong(
                        what,
                        "a range is within 1 to 65535; `port: 0` is every port",
                    );
                }
                Err(NoRange::Divided) => {
                    let what = format!("{} is no range of ports", shown(&text));
                    let ends: Vec<&str> = text.split([':', '.', '–']).map(str::trim).collect();
                    let (first, last) = (ends.first().unwrap_or(&""), ends.last().unwrap_or(&""));
                    return wrong(what, &format!("write `{first}-{last}`, with a `-`"));
                }
                Err(NoRange::Other) => {}
            }
        }
        let port: ServicePort = node.as_a()?;
        Ok(Some(Self(PortRange::single(port.0))))
    }
}

impl JsonSchema for ServicePorts {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ServicePorts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": u16::MAX },
                { "type": "string", "title": "a range of ports such as `10000-20000`", "pattern": "^ *[0-9]{1,5} *- *[0-9]{1,5} *$" },
            ],
        })
    }
}

/// Any YAML value, for templates.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::inventory) struct FreeValue(pub serde_json::Value);

impl Shaped for FreeValue {
    const EXPECTED: &'static str = "a value";

    fn read<'de, A: SeqAccess<'de>>(_: &str, node: &mut Peek<A>) -> Result<Option<Self>, A::Error> {
        node.as_a().map(|value| Some(Self(value)))
    }
}

impl JsonSchema for FreeValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "any value" })
    }
}
