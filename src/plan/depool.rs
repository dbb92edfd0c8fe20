//! Whether what a command takes out of service leaves each service enough real servers, and a director: judged by what the
//! directors have now and will have, not by how many hosts were named. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::fact::ipvs::Table;
use crate::model::{Cluster, Service};
use crate::model::{Destination, Virtual};
use crate::resource::ipvs::Ipvs;
use crate::view;

/// How many real servers of a service must go on serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Number(usize),
    /// Of those in the inventory, rounded up.
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

    /// The same rounded down, for what must not be more.
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
    /// Whether it can hold VIPs now: without keepalived it always can.
    pub active: bool,
    /// Whether it can after the command.
    pub stays: bool,
    /// What lvsctl recorded: a real server that is not there is new, and was found ready.
    pub recorded: &'a [Ipvs],
    /// What the command makes of its virtual services; none: they stay as they are.
    pub after: Option<&'a [Ipvs]>,
}

/// A service that would have too little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// No director would serve it.
    Director { service: String },
    RealServers {
        service: String,
        /// Where; the last one that serves it, or one of several.
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

/// Services that would fall below their share, or lose their last director. Those that have no less than before are not
/// judged. `leaves`: addresses of real servers that get nothing more from any director.
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
    let wanted = view::ipvs_of(cluster, service);
    let mut best = (0, 0);
    let mut any = (false, false);
    let mut worst = None;
    for director in directors {
        let to = wanted.iter().map(|ipvs| ipvs.service.r#virtual);
        let served: Vec<Virtual> = to.filter(|to| has(director.table, *to)).collect();
        let serves = director.active && !served.is_empty();
        any = (any.0 || serves, any.1 || (serves && director.stays));
        if !serves {
            continue;
        }
        let count = |after: bool| {
            let mine = wanted
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
    let wanted = director.after.filter(|_| after);
    let wanted = wanted.map(|all| all.iter().find(|wanted| wanted.service.r#virtual == to));
    let wanted = match wanted {
        None if after => return now.difference(leaves).count(),
        // Before the command, or a virtual service that ends by intent.
        None | Some(None) => return now.len(),
        Some(Some(wanted)) => wanted,
    };
    let mut recorded = director.recorded.iter();
    let recorded = recorded.find(|recorded| recorded.service.r#virtual == to);
    let is_new = |rs: &Destination| {
        let mut all = recorded.iter().flat_map(|ipvs| &ipvs.real_servers);
        !all.any(|known| known.address == rs.address)
    };
    let serves = |rs: &&Destination| match served.real_servers.get(&rs.address) {
        Some(found) => rs.weight > 0 && found.weight > 0,
        None => rs.weight > 0 && (is_new(rs) || !wanted.is_unhealthy(director.table, rs)),
    };
    let after: BTreeSet<IpAddr> = wanted
        .real_servers
        .iter()
        .filter(serves)
        .map(|rs| rs.address.ip())
        .collect();
    after.difference(leaves).count()
}

#[cfg(test)]
mod tests;
