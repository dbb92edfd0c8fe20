//! Input of the end-to-end checks: client responses, and director counters over the same time.

use std::net::IpAddr;

use super::{Replies, Reply};
use crate::fact::ipvs::Statistics;
use crate::fact::ipvs::Table;

/// The replies of one port of a virtual service to one client.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub client: String,
    /// Index of the group.
    pub group: usize,
    pub target: (IpAddr, u16),
    pub replies: Replies,
}

/// The IPVS table and counters of the director that holds a group's VIP.
#[derive(Debug, Clone, Copy)]
pub struct Kernel<'a> {
    pub director: &'a str,
    pub table: &'a Table,
    /// The counters of all directors that were read before and after the requests.
    pub counters: &'a [Counters<'a>],
}

impl<'a> Kernel<'a> {
    /// The counters of the director that holds the VIP.
    pub(super) fn counters(&self) -> Option<&'a Counters<'a>> {
        self.counters.iter().find(|c| c.director == self.director)
    }
}

/// A director's counters before and after the clients' requests.
#[derive(Debug, Clone, Copy)]
pub struct Counters<'a> {
    pub director: &'a str,
    pub before: &'a Statistics,
    pub after: &'a Statistics,
    /// Whether its IPVS counts at all.
    pub counts: bool,
}

pub(super) fn came(exchange: &Exchange) -> &[Reply] {
    match &exchange.replies {
        Replies::Came(replies) => replies,
        Replies::NoTool => &[],
    }
}
