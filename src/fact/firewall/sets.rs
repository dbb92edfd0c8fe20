//! Sets of addresses that rules refer to: those of ipset(8), and of nft(8).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Sets by name. One whose members are more than addresses is not here, and neither is one that no tool listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sets(BTreeMap<String, AddressSet>);

/// Ranges of addresses, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressSet(Vec<(IpAddr, IpAddr)>);

impl Sets {
    pub fn get(&self, name: &str) -> Option<&AddressSet> {
        self.0.get(name)
    }

    pub(super) fn insert(&mut self, name: &str, set: AddressSet) {
        self.0.insert(name.to_owned(), set);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Reads `ipset save`.
    pub(super) fn of_ipset(text: &str) -> Self {
        let mut ranges: BTreeMap<&str, Vec<(IpAddr, IpAddr)>> = BTreeMap::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match *words.as_slice() {
                ["create", name, "hash:ip" | "hash:net" | "bitmap:ip", ..] => {
                    ranges.entry(name).or_default();
                }
                // Exceptions in a set of networks.
                ["add", name, _, .., "nomatch"] => {
                    ranges.remove(name);
                }
                ["add", name, member, ..] => {
                    let Some(all) = ranges.get_mut(name) else {
                        continue;
                    };
                    match range(member) {
                        Some(range) => all.push(range),
                        None => {
                            ranges.remove(name);
                        }
                    }
                }
                _ => {}
            }
        }
        let sets = ranges.into_iter();
        Self(
            sets.map(|(name, all)| (name.to_owned(), AddressSet::of(all)))
                .collect(),
        )
    }
}

impl AddressSet {
    pub(super) fn of(mut ranges: Vec<(IpAddr, IpAddr)>) -> Self {
        ranges.sort_unstable();
        Self(ranges)
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= address);
        // Ranges may lie in each other where a set was put together by hand.
        let before = self.0.get(..after).unwrap_or_default();
        before
            .iter()
            .rev()
            .take(64)
            .any(|(_, last)| address <= *last)
    }

    pub fn ranges(&self) -> &[(IpAddr, IpAddr)] {
        &self.0
    }
}

/// An address, a network, or two addresses with a hyphen between them.
pub fn range(word: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((first, last)) = word.split_once('-') {
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        return Some((first, last));
    }
    if let Ok(net) = word.parse::<IpNet>() {
        return Some((net.network(), net.broadcast()));
    }
    // iptables may show a mask as an address.
    if let Some((address, mask)) = word.split_once('/') {
        let address: Ipv4Addr = address.parse().ok()?;
        let mask: Ipv4Addr = mask.parse().ok()?;
        let net = IpNet::new(IpAddr::V4(address), ipnet::ipv4_mask_to_prefix(mask).ok()?).ok()?;
        return Some((net.network(), net.broadcast()));
    }
    let address: IpAddr = word.parse().ok()?;
    Some((address, address))
}

/// The address after another one, of the same family.
pub fn next(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => Some(Ipv4Addr::from(u32::from(v4).checked_add(1)?).into()),
        IpAddr::V6(v6) => Some(Ipv6Addr::from(u128::from(v6).checked_add(1)?).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_ipset() {
        let text = "create bad hash:net family inet hashsize 1024 maxelem 65536\nadd bad 203.0.113.0/24\nadd bad 10.1.2.3 timeout 7\n\
                    create ports hash:ip,port family inet\nadd ports 10.0.0.1,tcp:80\n\
                    create holes hash:net family inet\nadd holes 10.0.0.0/8\nadd holes 10.1.0.0/16 nomatch\ncreate none hash:ip family inet\n";
        let sets = Sets::of_ipset(text);
        let bad = sets.get("bad").unwrap();
        for (address, within) in [
            ("203.0.113.0", true),
            ("203.0.113.255", true),
            ("203.0.114.0", false),
            ("10.1.2.3", true),
            ("10.1.2.4", false),
            ("::1", false),
        ] {
            assert_eq!(bad.contains(address.parse().unwrap()), within, "{address}");
        }
        assert!(sets.get("ports").is_none());
        assert!(sets.get("holes").is_none());
        assert!(sets.get("none").unwrap().ranges().is_empty());
    }

    #[test]
    fn ranges_of_words() {
        for (word, shown) in [
            ("10.0.0.0/24", "10.0.0.0 10.0.0.255"),
            ("10.0.0.0/255.255.0.0", "10.0.0.0 10.0.255.255"),
            ("10.0.0.7", "10.0.0.7 10.0.0.7"),
            ("10.0.0.7-10.0.0.9", "10.0.0.7 10.0.0.9"),
            ("fd00::/64", "fd00:: fd00::ffff:ffff:ffff:ffff"),
            ("web", ""),
        ] {
            let found = range(word).map_or_else(String::new, |(a, b)| format!("{a} {b}"));
            assert_eq!(found, shown, "{word}");
        }
    }
}
