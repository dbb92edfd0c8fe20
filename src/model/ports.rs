//! Ports in ranges: how they are written, put together, and divided among rules of the packet filter. What they are for is
//! not known here.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Ports from one to another, both included; a single port is both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

/// Why a text is no range of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRange {
    /// It does not look like one.
    Other,
    /// The last port is before the first.
    Backwards,
    /// A number is 0, or larger than 65535.
    OutOfBounds,
    /// Its two numbers are not divided by `-`.
    Divided,
}

impl PortRange {
    pub fn single(port: u16) -> Self {
        Self {
            first: port,
            last: port,
        }
    }

    pub fn is_single(self) -> bool {
        self.first == self.last
    }

    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// The ports that both have.
    pub fn common(self, other: Self) -> Option<Self> {
        let first = self.first.max(other.first);
        let last = self.last.min(other.last);
        (first <= last).then_some(Self { first, last })
    }

    /// `10000-20000`.
    pub fn read(text: &str) -> Result<Self, NoRange> {
        let dividers = ["-", ":", "..", "–"];
        let found = dividers.iter().find_map(|divider| {
            let (first, last) = text.split_once(divider)?;
            Some((*divider, first.trim(), last.trim()))
        });
        let (divider, first, last) = found.ok_or(NoRange::Other)?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
            digits.then(|| text.parse::<u16>().ok().filter(|port| *port > 0))
        };
        let (first, last) = number(first).zip(number(last)).ok_or(NoRange::Other)?;
        let (first, last) = first.zip(last).ok_or(NoRange::OutOfBounds)?;
        match divider {
            "-" if first > last => Err(NoRange::Backwards),
            "-" => Ok(Self { first, last }),
            _ => Err(NoRange::Divided),
        }
    }

    /// As the match `multiport` of iptables takes it (iptables-extensions(8)).
    pub fn in_multiport(self) -> String {
        if self.is_single() {
            return self.first.to_string();
        }
        format!("{}:{}", self.first, self.last)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_single() {
            return serializer.serialize_u16(self.first);
        }
        serializer.serialize_str(&self.to_string())
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RangeVisitor)
    }
}

struct RangeVisitor;

impl Visitor<'_> for RangeVisitor {
    type Value = PortRange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port from 1 to 65535, or a range such as `10000-20000`")
    }

    fn visit_u64<E: Error>(self, port: u64) -> Result<PortRange, E> {
        let port = u16::try_from(port).ok().filter(|port| *port > 0);
        port.map(PortRange::single).ok_or_else(|| {
            E::invalid_value(Unexpected::Other("a number"), &"a port from 1 to 65535")
        })
    }

    fn visit_i64<E: Error>(self, port: i64) -> Result<PortRange, E> {
        self.visit_u64(u64::try_from(port).unwrap_or_default())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PortRange, E> {
        if let Ok(port) = text.parse() {
            return self.visit_u64(port);
        }
        PortRange::read(text).map_err(|_| {
            E::invalid_value(
                Unexpected::Str(text),
                &"a range of ports such as `10000-20000`",
            )
        })
    }
}

/// The protocol of a port, as far as its number shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http,
    Https,
    Other(&'static str),
}

/// Ports that speak one thing alone, by the Service Name and Transport Protocol Port Number Registry of IANA; 465, 993 and
/// 995 by RFC 8314, 587 by RFC 6409, 80 and 443 by RFC 9110. With their names there, and common ones. Ports on which
/// anything may be found are not among them.
const WELL_KNOWN: &[(u16, Speaks, &[&str])] = &[
    (21, Speaks::Other("FTP"), &["ftp"]),
    (22, Speaks::Other("SSH"), &["ssh"]),
    (23, Speaks::Other("Telnet"), &["telnet"]),
    (25, Speaks::Other("SMTP"), &["smtp"]),
    (53, Speaks::Other("DNS"), &["domain", "dns"]),
    (80, Speaks::Http, &["http"]),
    (110, Speaks::Other("POP3"), &["pop3"]),
    (123, Speaks::Other("NTP"), &["ntp"]),
    (143, Speaks::Other("IMAP"), &["imap"]),
    (389, Speaks::Other("LDAP"), &["ldap"]),
    (443, Speaks::Https, &["https"]),
    (
        465,
        Speaks::Other("SMTP over TLS"),
        &["submissions", "smtps"],
    ),
    (587, Speaks::Other("SMTP"), &["submission"]),
    (636, Speaks::Other("LDAP over TLS"), &["ldaps"]),
    (993, Speaks::Other("IMAP over TLS"), &["imaps"]),
    (995, Speaks::Other("POP3 over TLS"), &["pop3s"]),
    (3306, Speaks::Other("MySQL"), &["mysql"]),
    (3389, Speaks::Other("RDP"), &["rdp"]),
    (5060, Speaks::Other("SIP"), &["sip"]),
    (
        5432,
        Speaks::Other("PostgreSQL"),
        &["postgresql", "postgres"],
    ),
    (6379, Speaks::Other("Redis"), &["redis"]),
    (8443, Speaks::Https, &[]),
];

pub(crate) fn speaks(port: u16) -> Option<Speaks> {
    let known = WELL_KNOWN.iter().find(|(known, ..)| *known == port);
    known.map(|(_, speaks, _)| *speaks)
}

pub(crate) fn by_name(name: &str) -> Option<u16> {
    let name = name.to_lowercase();
    let known = WELL_KNOWN
        .iter()
        .find(|(.., names)| names.contains(&name.as_str()));
    known.map(|(port, ..)| *port)
}

/// Ports of which at least so many follow one another are a range.
const RUN: usize = 3;

/// Divides sorted ports into those that stand alone and runs of consecutive ones.
pub fn runs(ports: &[u16]) -> (Vec<u16>, Vec<PortRange>) {
    let (mut alone, mut ranges) = (Vec::new(), Vec::new());
    for run in ports.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
        match run {
            [first, .., last] if run.len() >= RUN => ranges.push(PortRange {
                first: *first,
                last: *last,
            }),
            _ => alone.extend(run),
        }
    }
    (alone, ranges)
}

/// The most ports that one `multiport` match takes; a range counts as two (iptables-extensions(8)).
const PER_RULE: usize = 15;

/// Divides ports among rules, as many as one can match in each.
pub fn per_rule(ports: &[PortRange]) -> Vec<Vec<PortRange>> {
    let mut rules: Vec<Vec<PortRange>> = Vec::new();
    let mut room = 0;
    for port in ports {
        let takes = if port.is_single() { 1 } else { 2 };
        match rules.last_mut() {
            Some(rule) if takes <= room => rule.push(*port),
            _ => {
                room = PER_RULE;
                rules.push(vec![*port]);
            }
        }
        room -= takes;
    }
    rules
}

/// For people: all of a few, the first of many.
pub fn shown(ports: &[PortRange]) -> String {
    const MOST: usize = 16;
    let mut words: Vec<String> = ports.iter().take(MOST).map(ToString::to_string).collect();
    if let Some(more) = ports.len().checked_sub(MOST).filter(|more| *more > 0) {
        words.push(format!("and {more} more"));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_two_ports_with_a_dash() {
        let range = |first, last| Ok(PortRange { first, last });
        for (text, expected) in [
            ("10000-20000", range(10000, 20000)),
            ("1-65535", range(1, 65535)),
            ("80-80", range(80, 80)),
            (" 80 - 90 ", range(80, 90)),
            ("90-80", Err(NoRange::Backwards)),
            ("0-80", Err(NoRange::OutOfBounds)),
            ("80-65536", Err(NoRange::OutOfBounds)),
            ("80-99999999999999999999", Err(NoRange::OutOfBounds)),
            ("80:90", Err(NoRange::Divided)),
            ("80..90", Err(NoRange::Divided)),
            ("80-", Err(NoRange::Other)),
            ("-80", Err(NoRange::Other)),
            ("80-90-100", Err(NoRange::Other)),
            ("ftp-data", Err(NoRange::Other)),
            ("80", Err(NoRange::Other)),
            ("", Err(NoRange::Other)),
        ] {
            assert_eq!(PortRange::read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn ranges_go_through_json() {
        for (json, shown) in [("80", "80"), ("\"10000-20000\"", "10000-20000")] {
            let range: PortRange = serde_json::from_str(json).unwrap();
            assert_eq!(range.to_string(), shown);
            assert_eq!(serde_json::to_string(&range).unwrap(), json);
        }
        for json in ["0", "65536", "-1", "\"90-80\"", "\"0\"", "true", "[]"] {
            assert!(serde_json::from_str::<PortRange>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn consecutive_ports_are_a_range() {
        let (alone, ranges) = runs(&[20, 21, 30, 40, 41, 42, 50, 65533, 65534, 65535]);
        assert_eq!(alone, [20, 21, 30, 50]);
        let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        assert_eq!(ranges, ["40-42", "65533-65535"]);
    }

    /// How many of the 15 entries of a rule each takes.
    #[test]
    fn a_range_takes_two_places_of_a_rule() {
        let single = |n: u16| PortRange::single(n);
        let range = |n: u16| PortRange {
            first: n,
            last: n + 5,
        };
        let cases: [(&str, Vec<PortRange>, &[usize]); 7] = [
            ("none", Vec::new(), &[]),
            ("one range", vec![range(1)], &[1]),
            ("fifteen ports", (1..=15).map(single).collect(), &[15]),
            ("sixteen ports", (1..=16).map(single).collect(), &[15, 1]),
            ("seven ranges", (1..=7).map(range).collect(), &[7]),
            ("eight ranges", (1..=8).map(range).collect(), &[7, 1]),
            (
                "fourteen ports and a range",
                (1..=14).map(single).chain([range(100)]).collect(),
                &[14, 1],
            ),
        ];
        for (what, ports, expected) in cases {
            let rules: Vec<usize> = per_rule(&ports).iter().map(Vec::len).collect();
            assert_eq!(rules, expected, "{what}");
        }
    }
}
