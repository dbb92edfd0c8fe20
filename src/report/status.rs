//! The values that `lvsctl status` shows: the states of directors, and the traffic of each service and real server. The
//! caller fills them; hosts are not read here.

mod text;

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::connections::Connections;
use super::sanitize;
use crate::fact::ipvs::Rates;
use crate::fact::keepalived;
use crate::model::Drain;
use crate::probe::Earlier;
pub use text::text;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusView {
    pub cluster: String,
    pub directors: Vec<Director>,
    pub services: Vec<Service>,
    /// What is drained until an operator ends it.
    pub maintenance: Vec<Drained>,
    /// Guards of runs on directors: armed, or fired.
    pub guards: Vec<Guarded>,
    /// The connection table, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<Connections>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drained {
    #[serde(flatten)]
    pub drain: Drain,
    /// Whether its time is over.
    pub overdue: bool,
}

/// A guard that a run left on a host. Times are by the host's clock, in seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guarded {
    pub host: String,
    #[serde(flatten)]
    pub guard: Earlier,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Director {
    pub host: String,
    pub state: DirectorState,
    /// VIPs that it holds.
    pub vips: Vec<String>,
    /// What each of its VRRP instances is, as keepalived's log has it.
    pub instances: BTreeMap<String, keepalived::State>,
    /// A note, such as why it could not be asked.
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DirectorState {
    /// It serves: it holds VIPs.
    Master,
    /// It waits: keepalived runs and it holds no VIP.
    Backup,
    /// keepalived runs, and what it tracks is down: it neither serves nor takes over.
    Fault,
    /// It neither serves nor waits.
    Down,
    /// It did not answer.
    Unreached,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    pub name: String,
    /// As it is reached: `tcp 192.168.100.200:80`, `mark 10 of 192.168.100.200 ports 80, 443`.
    pub at: String,
    pub scheduler: String,
    pub scheduler_flags: Vec<String>,
    /// Each packet of UDP is scheduled by itself.
    pub one_packet: bool,
    /// Seconds.
    pub persistence: Option<u32>,
    /// Whose table this is.
    pub director: String,
    /// Whether the director has the service; without it, its real servers are as the inventory has them.
    pub present: bool,
    pub rates: Option<Rates>,
    /// Since the counters began, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Rates>,
    pub real_servers: Vec<RealServer>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RealServer {
    /// None: not in the inventory.
    pub host: Option<String>,
    pub address: String,
    /// dr, nat or tun.
    pub mode: String,
    pub state: State,
    /// In the running table.
    pub weight: Option<u32>,
    /// In the inventory; 0 while it is drained.
    pub desired_weight: Option<u32>,
    /// The former name of `desired_weight`; will be removed in the next release.
    pub wanted_weight: Option<u32>,
    pub active: u64,
    pub inactive: u64,
    pub rates: Option<Rates>,
    /// Since the counters began, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Rates>,
    /// Why a health check keeps it out; none where it is not out, or drained.
    pub out: Option<Out>,
}

/// Why a real server is out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Out {
    /// The check, in words.
    pub check: Option<String>,
    /// Seconds since the epoch, by the director's clock.
    pub since: Option<f64>,
    /// How long, in seconds.
    pub seconds: Option<u64>,
    /// The time as a system log has it, where that is all that is known.
    pub when: Option<String>,
    /// What the checker logged last.
    pub error: Option<String>,
    /// Whether it answers now, asked by lvsctl from the director; none where it was not asked.
    pub answers: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Up,
    /// Weight 0: connections end, and no new ones come.
    Drained,
    /// Desired, and removed by a health check.
    Unhealthy,
    /// Desired, and not in the table.
    Missing,
    /// The sorry server, in the table while no real server is left.
    Sorry,
    /// In the table, and not desired.
    Stray,
}

impl State {
    /// From the desired weight, the weight in the running table, and the result of a health check, if there is one.
    pub fn of(desired: Option<u32>, running: Option<u32>, healthy: Option<bool>) -> Self {
        match (desired, running) {
            (None, _) => Self::Stray,
            (Some(_), _) if healthy == Some(false) => Self::Unhealthy,
            (Some(_), None) => Self::Missing,
            (Some(_), Some(0)) => Self::Drained,
            (Some(_), Some(_)) => Self::Up,
        }
    }
}

/// Writes the view as one JSON document; of many, each has a line.
pub fn json(writer: &mut dyn Write, view: &StatusView, one_of_many: bool) -> io::Result<()> {
    if !one_of_many {
        return super::document(writer, view);
    }
    let text = serde_json::to_string(view)?;
    writeln!(writer, "{}", sanitize::json(&text))?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_servers_state_follows_from_both_weights_and_its_health() {
        for (desired, running, healthy, state) in [
            (Some(1), Some(1), Some(true), State::Up),
            (Some(1), Some(3), None, State::Up),
            (Some(1), Some(0), None, State::Drained),
            (Some(0), Some(0), Some(true), State::Drained),
            (Some(1), Some(0), Some(false), State::Unhealthy),
            (Some(1), None, Some(false), State::Unhealthy),
            (Some(1), Some(1), Some(false), State::Unhealthy),
            (Some(1), None, None, State::Missing),
            (Some(1), None, Some(true), State::Missing),
            (None, Some(1), None, State::Stray),
        ] {
            assert_eq!(
                State::of(desired, running, healthy),
                state,
                "{desired:?} {running:?} {healthy:?}"
            );
        }
    }
}
