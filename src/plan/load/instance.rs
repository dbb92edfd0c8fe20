//! The parts of VRRP instances on which directors must agree, and the differences between two keepalived files. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::keepalived::{self, Instance};

/// keepalived's keyword with which a backup does not compare the VIPs in adverts of the same master.
pub(super) const SKIPS: &str = "vrrp_skip_check_adv_addr";

/// The identity of an instance: keepalived keeps an instance over a reload if its key is unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub id: String,
    pub v6: bool,
    interface: String,
    /// The source of unicast adverts; none where adverts are sent to the group.
    unicast: Option<String>,
}

/// An instance, with the fields that must be equal on all members.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct VrrpInstance {
    pub name: String,
    pub key: Key,
    pub interval: Option<f64>,
    pub auth: Vec<String>,
    pub advertised: BTreeSet<IpAddr>,
    /// All VIPs, excluded ones too.
    pub vips: BTreeSet<IpAddr>,
}

impl VrrpInstance {
    /// Whether directors with these two definitions accept each other's adverts.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        self.key == other.key
            && self.interval == other.interval
            && self.auth == other.auth
            && self.advertised == other.advertised
    }

    pub(super) fn is_held(&self, holds: &BTreeSet<IpAddr>) -> bool {
        !self.vips.is_disjoint(holds)
    }
}

fn addresses(words: &BTreeSet<String>) -> BTreeSet<IpAddr> {
    words
        .iter()
        .filter_map(|word| keepalived::address(word))
        .collect()
}

pub(super) fn instances(text: &str) -> Vec<VrrpInstance> {
    let of = |i: Instance| {
        let advertised = addresses(&i.advertised);
        VrrpInstance {
            name: i.name,
            key: Key {
                id: i.virtual_router_id,
                v6: advertised.first().is_some_and(IpAddr::is_ipv6),
                interface: i.interface,
                unicast: i.unicast.then(|| i.source.unwrap_or_default()),
            },
            interval: i.advert_int.parse().ok(),
            auth: i.auth,
            vips: addresses(&i.vips),
            advertised,
        }
    };
    keepalived::instances(text).into_iter().map(of).collect()
}

/// Whether a file has an instance with a VIP.
pub fn names(text: &str, vip: IpAddr) -> bool {
    instances(text)
        .iter()
        .any(|instance| instance.vips.contains(&vip))
}

pub(super) fn find<'s>(all: &'s [VrrpInstance], key: &Key) -> Option<&'s VrrpInstance> {
    all.iter().find(|instance| instance.key == *key)
}

pub(super) fn agree(before: &[VrrpInstance], after: &[VrrpInstance]) -> bool {
    let same = |new: &VrrpInstance| find(before, &new.key).is_some_and(|old| old.agrees(new));
    before.len() == after.len() && after.iter().all(same)
}

/// VIPs that move to another kept instance, each with the names of the old and the new one.
pub(super) fn moved(
    before: &[VrrpInstance],
    after: &[VrrpInstance],
) -> BTreeMap<IpAddr, (String, String)> {
    let mut all = BTreeMap::new();
    for new in after.iter().filter(|new| find(before, &new.key).is_some()) {
        for vip in &new.vips {
            let from = before.iter().find(|old| old.vips.contains(vip));
            if let Some(old) = from.filter(|old| old.key != new.key) {
                all.insert(*vip, (old.name.clone(), new.name.clone()));
            }
        }
    }
    all
}

/// New instances of which some VIP is in an old instance.
pub(super) fn begin_anew<'s>(
    before: &'s [VrrpInstance],
    after: &'s [VrrpInstance],
) -> impl Iterator<Item = &'s VrrpInstance> + 's {
    after.iter().filter(move |new| {
        let had = before.iter().any(|old| old.is_held(&new.vips));
        had && find(before, &new.key).is_none()
    })
}
