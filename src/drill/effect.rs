//! The conditions that a drill awaits on the directors: its effect, and the restored state. Pure.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use crate::fact::Facts;
use crate::fact::ipvs::Table;
use crate::model::{Cluster, Service, Virtual};
use crate::view;

/// The observed state of a director: its VIPs and real servers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    pub director: String,
    pub vips: BTreeSet<IpAddr>,
    /// Real servers that get connections.
    pub takers: BTreeSet<(Virtual, SocketAddr)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Other directors hold all these VIPs.
    TakenFrom(String, BTreeSet<IpAddr>),
    /// Several directors hold one VIP.
    Split,
    /// These get no connections on any director that holds VIPs.
    Out(BTreeSet<(Virtual, SocketAddr)>),
    /// Nothing is waited for.
    None,
}

impl Observed {
    pub(crate) fn of(cluster: &Cluster, director: &str, facts: &Facts) -> Self {
        let vips = cluster.all_vips();
        Self {
            director: director.to_owned(),
            vips: vips
                .into_iter()
                .filter(|vip| facts.address.has(*vip))
                .collect(),
            takers: takers(&facts.ipvs.table),
        }
    }
}

fn takers(table: &Table) -> BTreeSet<(Virtual, SocketAddr)> {
    let all = table.services.iter().flat_map(|served| {
        let to = served.definition.r#virtual;
        served.real_servers.values().map(move |rs| (to, rs))
    });
    all.filter(|(_, rs)| rs.weight > 0)
        .map(|(to, rs)| (to, rs.address))
        .collect()
}

impl Effect {
    pub(crate) fn is_there(&self, seen: &[Observed]) -> bool {
        match self {
            Self::TakenFrom(director, vips) => vips.iter().all(|vip| {
                seen.iter()
                    .any(|one| one.director != *director && one.vips.contains(vip))
            }),
            Self::Split => {
                let all: BTreeSet<&IpAddr> = seen.iter().flat_map(|one| &one.vips).collect();
                let held = |vip: &IpAddr| seen.iter().filter(|one| one.vips.contains(vip)).count();
                all.into_iter().any(|vip| held(vip) > 1)
            }
            Self::Out(servers) => {
                let mut holders = seen.iter().filter(|one| !one.vips.is_empty());
                holders.all(|one| one.takers.is_disjoint(servers))
            }
            Self::None => true,
        }
    }

    /// Real servers of services that a health check takes out.
    pub(crate) fn out(cluster: &Cluster, services: &[&Service], hosts: &[&str]) -> Self {
        let mut servers = BTreeSet::new();
        for service in services
            .iter()
            .filter(|service| service.health_check.is_some())
        {
            for desired in view::ipvs_of(cluster, service) {
                let both = service.real_servers.iter().zip(&desired.real_servers);
                let gone = both.filter(|(rs, _)| hosts.contains(&rs.host.as_str()));
                servers.extend(gone.map(|(_, made)| (desired.service.r#virtual, made.address)));
            }
        }
        if servers.is_empty() {
            Self::None
        } else {
            Self::Out(servers)
        }
    }
}

/// Whether each VIP is on one director again, and each director sends connections to the same real servers as before.
pub(crate) fn is_restored(before: &[Observed], now: &[Observed]) -> bool {
    let vips: BTreeSet<&IpAddr> = before.iter().flat_map(|one| &one.vips).collect();
    let held = |vip: &IpAddr| now.iter().filter(|one| one.vips.contains(vip)).count();
    vips.into_iter().all(|vip| held(vip) == 1)
        && before.iter().all(|old| {
            let mut same = now.iter().filter(|new| new.director == old.director);
            same.any(|new| new.takers.is_superset(&old.takers))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Protocol;

    const VIP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

    fn rs(last: u8) -> (Virtual, SocketAddr) {
        (
            Virtual::new(Protocol::Tcp, VIP, 80),
            SocketAddr::from(([10, 0, 0, last], 80)),
        )
    }

    fn seen(director: &str, holds: bool, takers: &[u8]) -> Observed {
        Observed {
            director: director.to_owned(),
            vips: holds.then_some(VIP).into_iter().collect(),
            takers: takers.iter().map(|last| rs(*last)).collect(),
        }
    }

    #[test]
    fn effects_are_seen_on_the_directors() {
        let taken = Effect::TakenFrom("lb1".to_owned(), [VIP].into());
        let out = Effect::Out([rs(3)].into());
        for (about, effect, first, second, there) in [
            (
                "not yet",
                &taken,
                (true, &[3][..]),
                (false, &[3][..]),
                false,
            ),
            (
                "no director has it",
                &taken,
                (false, &[]),
                (false, &[3]),
                false,
            ),
            ("the other has it", &taken, (false, &[]), (true, &[3]), true),
            (
                "one has it",
                &Effect::Split,
                (true, &[3]),
                (false, &[3]),
                false,
            ),
            (
                "both have it",
                &Effect::Split,
                (true, &[3]),
                (true, &[3]),
                true,
            ),
            ("still in", &out, (true, &[3, 4]), (false, &[4]), false),
            (
                "out where it counts",
                &out,
                (true, &[4]),
                (false, &[3, 4]),
                true,
            ),
            (
                "nothing is waited for",
                &Effect::None,
                (true, &[3]),
                (false, &[3]),
                true,
            ),
        ] {
            let seen = [
                seen("lb1", first.0, first.1),
                seen("lb2", second.0, second.1),
            ];
            assert_eq!(effect.is_there(&seen), there, "{about}");
        }
    }

    #[test]
    fn all_is_as_before() {
        let before = [seen("lb1", true, &[3, 4]), seen("lb2", false, &[3, 4])];
        for (about, first, second, restored) in [
            ("the same", (true, &[3, 4][..]), (false, &[3, 4][..]), true),
            (
                "the VIP stays on the other",
                (false, &[3, 4]),
                (true, &[3, 4]),
                true,
            ),
            ("both hold it", (true, &[3, 4]), (true, &[3, 4]), false),
            (
                "no director holds it",
                (false, &[3, 4]),
                (false, &[3, 4]),
                false,
            ),
            ("one is still out", (true, &[3, 4]), (false, &[4]), false),
        ] {
            let now = [
                seen("lb1", first.0, first.1),
                seen("lb2", second.0, second.1),
            ];
            assert_eq!(is_restored(&before, &now), restored, "{about}");
        }
    }
}
