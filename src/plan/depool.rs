//! Whether a command leaves each service enough real servers, and a director. Compares the directors' tables before and after
//! the command, not the number of named hosts. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::fact::ipvs::Table;
use crate::model::{Cluster, Destination, Service, Virtual};
use crate::resource::ipvs::Ipvs;
use crate::view;

/// The minimum of real servers of a service that must continue to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Number(usize),
    /// Percentage of the real servers in the inventory, rounded up.
    Percent(usize),
}

impl Default for Share {
    fn default() -> Self {
        Self::Number(1)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("expected a number such as 2, or a share such as 50%, found {text:?}");
        let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
        match text.strip_suffix('%') {
            Some(percent) => number(percent)
                .ok()
                .filter(|percent| *percent <= 100)
                .map(Self::Percent)
                .ok_or_else(wrong),
            None => number(text).map(Self::Number),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Share {
    fn of(self, all: usize) -> usize {
        match self {
            Self::Number(number) => number.min(all),
            Self::Percent(percent) => (all * percent).div_ceil(100),
        }
    }

    /// The share as a maximum: rounded down.
    pub(super) fn at_most(self, all: usize) -> usize {
        match self {
            Self::Number(number) => number.min(all),
            Self::Percent(percent) => all * percent / 100,
        }
    }
}

/// A director that answered.
#[derive(Debug, Clone, Copy)]
pub struct Director<'a> {
    pub name: &'a str,
    pub table: &'a Table,
    /// Whether it can hold VIPs now: keepalived runs, or the cluster has no keepalived.
    pub active: bool,
    /// Whether it will still serve after the command.
    pub stays: bool,
    /// The virtual services of its manifest. A desired real server that is not in them is new, and was found ready.
    pub recorded: &'a [Ipvs],
    /// Its virtual services after the command; None: unchanged.
    pub after: Option<&'a [Ipvs]>,
}

/// A service that would lose too many real servers, or its last director.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// No director would serve it.
    Director { service: String },
    RealServers {
        service: String,
        /// The director on which too few would be left.
        director: String,
        before: usize,
        after: usize,
        expected: usize,
    },
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Director { service } => write!(
                f,
                "service {service}: expected a director that goes on, found none that was reached and serves it"
            ),
            Self::RealServers {
                service,
                director,
                before,
                after,
                expected,
            } => write!(
                f,
                "service {service}: expected {expected} or more real servers that get connections on {director}, found \
                 {after} left of {before}"
            ),
        }
    }
}

/// Services that would fall below their share, or lose their last director. A service that has no fewer than before is not
/// reported. `leaves`: addresses of real servers to which no director will send anything.
pub fn losses(
    cluster: &Cluster,
    share: Share,
    directors: &[Director],
    leaves: &BTreeSet<IpAddr>,
) -> Vec<Loss> {
    let services = cluster.services.iter();
    services
        .filter_map(|service| loss(cluster, service, share, directors, leaves))
        .collect()
}

fn loss(
    cluster: &Cluster,
    service: &Service,
    share: Share,
    directors: &[Director],
    leaves: &BTreeSet<IpAddr>,
) -> Option<Loss> {
    let all = service.real_servers.iter();
    let all: BTreeSet<IpAddr> = all.map(|rs| rs.address).collect();
    let expected = share.of(all.len());
    let desired = view::ipvs_of(cluster, service);
    let mut best = (0, 0);
    let mut any = (false, false);
    let mut worst = None;
    for director in directors {
        let to = desired.iter().map(|ipvs| ipvs.service.r#virtual);
        let served: Vec<Virtual> = to.filter(|to| has(director.table, *to)).collect();
        let serves = director.active && !served.is_empty();
        any = (any.0 || serves, any.1 || (serves && director.stays));
        if !serves {
            continue;
        }
        let count = |after: bool| {
            let mine = desired
                .iter()
                .filter(|ipvs| served.contains(&ipvs.service.r#virtual));
            let of = mine.map(|ipvs| gets(director, ipvs, leaves, after));
            of.min().unwrap_or_default()
        };
        let (before, after) = (count(false), count(true));
        best.0 = best.0.max(before);
        if !director.stays {
            continue;
        }
        best.1 = best.1.max(after);
        if after < expected && after < before {
            worst = Some((director.name, before, after));
        }
    }
    let service = service.name.clone();
    if any == (true, false) {
        return Some(Loss::Director { service });
    }
    let staying = directors.iter().find(|director| director.stays);
    let less = (best.1 < expected && best.1 < best.0)
        .then(|| staying.map(|director| (director.name, best.0, best.1)))
        .flatten();
    let (director, before, after) = worst.or(less)?;
    Some(Loss::RealServers {
        service,
        director: director.to_owned(),
        before,
        after,
        expected,
    })
}

fn has(table: &Table, to: Virtual) -> bool {
    let mut services = table.services.iter();
    services.any(|served| served.definition.r#virtual == to)
}

/// How many real servers get connections of a virtual service, now or after the command.
fn gets(director: &Director, ipvs: &Ipvs, leaves: &BTreeSet<IpAddr>, after: bool) -> usize {
    let to = ipvs.service.r#virtual;
    let mut services = director.table.services.iter();
    let Some(served) = services.find(|served| served.definition.r#virtual == to) else {
        return 0;
    };
    let now = served.real_servers.values().filter(|rs| rs.weight > 0);
    // The sorry server does not count as a real server.
    let now = now.filter(|rs| Some(rs.address) != ipvs.sorry);
    let now: BTreeSet<IpAddr> = now.map(|rs| rs.address.ip()).collect();
    let desired = director.after.filter(|_| after);
    let desired = desired.map(|all| all.iter().find(|desired| desired.service.r#virtual == to));
    let desired = match desired {
        None if after => return now.difference(leaves).count(),
        // The state before the command, or a virtual service that the command removes on purpose.
        None | Some(None) => return now.len(),
        Some(Some(desired)) => desired,
    };
    let mut recorded = director.recorded.iter();
    let recorded = recorded.find(|recorded| recorded.service.r#virtual == to);
    let is_new = |rs: &Destination| {
        let mut all = recorded.iter().flat_map(|ipvs| &ipvs.real_servers);
        !all.any(|known| known.address == rs.address)
    };
    let serves = |rs: &&Destination| match served.real_servers.get(&rs.address) {
        Some(found) => rs.weight > 0 && found.weight > 0,
        None => rs.weight > 0 && (is_new(rs) || !desired.is_unhealthy(director.table, rs)),
    };
    let after: BTreeSet<IpAddr> = desired
        .real_servers
        .iter()
        .filter(serves)
        .map(|rs| rs.address.ip())
        .collect();
    after.difference(leaves).count()
}

#[cfg(test)]
mod tests;
