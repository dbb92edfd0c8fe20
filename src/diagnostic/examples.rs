//! Addresses for the examples in messages: `‹host›`, `‹vip›`, with a prefix length or a port inside (`‹host/24›`,
//! `‹host:8080›`), stand for free addresses of the inventory's networks.

use std::net::IpAddr;

/// A host's address and a VIP, each with the prefix length of its subnet; none where the usual examples stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Examples {
    pub host: Option<(IpAddr, u8)>,
    pub vip: Option<(IpAddr, u8)>,
}

/// The usual examples.
const HOST: &str = "192.168.100.14";
const VIP: &str = "192.168.100.200";

impl Examples {
    /// The text with addresses in the place of the examples.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut parts = text.split('‹');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let example = part.split_once('›');
            match example.and_then(|(name, rest)| Some((self.address(name)?, rest))) {
                Some((address, rest)) => out += &format!("{address}{rest}"),
                None => out += &format!("‹{part}"),
            }
        }
        out
    }

    fn address(&self, example: &str) -> Option<String> {
        let at = example.find(['/', ':']).unwrap_or(example.len());
        let (name, suffix) = example.split_at_checked(at)?;
        let (own, usual) = match name {
            "host" => (self.host, HOST),
            "vip" => (self.vip, VIP),
            _ => return None,
        };
        Some(match own {
            None => format!("{usual}{suffix}"),
            Some((address, prefix)) if suffix.starts_with('/') => format!("{address}/{prefix}"),
            // In YAML brackets begin a list.
            Some((IpAddr::V6(address), _)) if suffix.starts_with(':') => {
                format!("'[{address}]{suffix}'")
            }
            Some((address, _)) => format!("{address}{suffix}"),
        })
    }
}

/// True if a text has an example in it.
pub(super) fn has_example(text: &str) -> bool {
    text.contains('‹')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_become_addresses() {
        let v4 = Some(("10.0.0.14".parse().unwrap(), 16));
        let v6 = Some(("fd00::14".parse().unwrap(), 64));
        for (host, text, filled) in [
            (
                None,
                "such as ‹host› or ‹host/24›",
                "such as 192.168.100.14 or 192.168.100.14/24",
            ),
            (
                v4,
                "such as ‹host› or ‹host/24›",
                "such as 10.0.0.14 or 10.0.0.14/16",
            ),
            (
                v4,
                "`‹host:8080›`, `‹vip›`",
                "`10.0.0.14:8080`, `192.168.100.200`",
            ),
            (v6, "`‹host:8080›`", "`'[fd00::14]:8080'`"),
            (v6, "none", "none"),
            (v6, "‹ and ‹x›", "‹ and ‹x›"),
        ] {
            let examples = Examples { host, vip: None };
            assert_eq!(examples.fill(text), filled, "{text}");
        }
    }
}
