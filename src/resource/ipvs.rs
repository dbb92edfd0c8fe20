//! A virtual service of IPVS and its real servers, in the running kernel. keepalived may manage it. A real server that a
//! health checker has removed is not drift. The table is edited in place and never flushed.

mod difference;
mod script;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::change::Phase;
use super::{Action, Before, Change, Context, Kind, NodeLines, Resource, Undo};
use crate::fact::ipvs::{Checker, Served, Table, Watched, named};
use crate::fact::{Facts, Needs};
use crate::model::{Definition, Destination, HealthRequest, Scheduler, Virtual};
use difference::Difference;
pub use script::{drain as drain_script, method, weigh as weigh_script, without_thresholds};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Flat")]
pub struct Ipvs {
    #[serde(flatten)]
    pub service: Definition,
    pub real_servers: Vec<Destination>,
    /// Whether keepalived manages the service; lvsctl then only compares it, and repairs differences that keepalived does not
    /// see.
    pub keepalived: bool,
    /// The sorry server; the health checker adds it when no real server is available, and removes it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sorry: Option<SocketAddr>,
    /// Seconds that a removed real server has to finish its connections.
    pub drain: u32,
    /// Seconds that a real server may take to answer its health check.
    pub check_timeout: u32,
    /// Seconds within which a health checker adds a healthy real server again. 0: not known.
    pub return_time: u32,
}

/// The form in roles, without `flatten`, with which serde would lose the places of faulty values.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    r#virtual: Virtual,
    scheduler: Scheduler,
    #[serde(default)]
    flags: BTreeSet<String>,
    #[serde(default)]
    persistence: Option<(u32, u8)>,
    #[serde(default)]
    one_packet: bool,
    real_servers: Vec<Destination>,
    #[serde(default)]
    keepalived: bool,
    #[serde(default)]
    sorry: Option<SocketAddr>,
    #[serde(default = "drain_default")]
    drain: u32,
    #[serde(default = "check_timeout_default")]
    check_timeout: u32,
    #[serde(default, alias = "check_interval")]
    return_time: u32,
}

impl From<Flat> for Ipvs {
    fn from(flat: Flat) -> Self {
        Self {
            service: Definition {
                r#virtual: flat.r#virtual,
                scheduler: flat.scheduler,
                flags: flat.flags,
                persistence: flat.persistence,
                one_packet: flat.one_packet,
                engine: None,
            },
            real_servers: flat.real_servers,
            keepalived: flat.keepalived,
            sorry: flat.sorry,
            drain: flat.drain,
            check_timeout: flat.check_timeout,
            return_time: flat.return_time,
        }
    }
}

pub const KEEPALIVED: &str = "keepalived.service";

fn drain_default() -> u32 {
    30
}

fn check_timeout_default() -> u32 {
    3
}

/// A remark on a virtual service in the desired state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub real_server: Option<SocketAddr>,
    /// Whether it is about a real server that [`Ipvs::is_drained_by_hand`].
    pub drained_by_hand: bool,
    pub text: String,
}

impl Ipvs {
    pub fn served<'a>(&self, table: &'a Table) -> Option<&'a Served> {
        table
            .services
            .iter()
            .find(|s| s.definition.r#virtual == self.service.r#virtual)
    }

    /// Whether lvsctl's health checker tests the real servers, with requests that a probe can repeat.
    fn is_checked_by_us(&self) -> bool {
        let mut asks = self.real_servers.iter().flat_map(|rs| &rs.asks);
        !self.keepalived && asks.all(|ask| *ask != HealthRequest::Program)
    }

    /// Real servers that a health checker has removed: those that its log or state names, though they may answer again;
    /// without such information, those that are out of the table and do not answer.
    fn unhealthy<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = &'a Destination> {
        self.real_servers
            .iter()
            .filter(|rs| self.is_unhealthy(table, rs))
    }

    /// Whether a health checker has removed a real server.
    pub fn is_unhealthy(&self, table: &Table, rs: &Destination) -> bool {
        let Some(served) = self.served(table) else {
            return false;
        };
        let out = match served.real_servers.get(&rs.address) {
            None => self.keepalived,
            Some(found) => !self.keepalived && found.weight == 0 && rs.weight != 0,
        };
        let to = self.service.r#virtual;
        out && (table.fails(to, rs) || table.out(to, rs).is_some())
    }

    /// Whether an administrator or `lvsctl stop` gave a real server weight 0, and not its health checker. A recorded drain
    /// desires this weight.
    pub fn is_drained_by_hand(&self, table: &Table, rs: &Destination) -> bool {
        let found = self
            .served(table)
            .and_then(|served| served.real_servers.get(&rs.address));
        found.is_some_and(|found| found.weight == 0 && rs.weight != 0)
            && !self.is_unhealthy(table, rs)
    }

    /// Real servers that a health checker has removed and that answer its requests again, so that it will add them.
    pub fn returning<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = &'a Destination> {
        let to = self.service.r#virtual;
        let answers = move |rs: &&Destination| {
            !rs.asks.is_empty()
                && !rs.asks.contains(&HealthRequest::Program)
                && !table.fails(to, rs)
        };
        self.unhealthy(table).filter(answers)
    }

    /// Whether the sorry server is in use: with keepalived it is then the only entry, with lvsctl's health checker all real
    /// servers have weight 0.
    fn is_sorry(&self, served: &Served) -> bool {
        let is_sorry = |address: &SocketAddr| Some(*address) == self.sorry;
        let out = |rs: &Destination| !self.keepalived && rs.weight == 0;
        let mut all = served.real_servers.values();
        all.all(|rs| is_sorry(&rs.address) || out(rs)) && served.real_servers.keys().any(is_sorry)
    }

    /// Whether this is the sorry server, rightly in the table.
    pub fn stands_in(&self, table: &Table, address: SocketAddr) -> bool {
        let served = self.served(table);
        Some(address) == self.sorry && served.is_some_and(|served| self.is_sorry(served))
    }

    /// The sorry server, if it is wrongly in the table beside real servers. keepalived leaves it there when a reload changes
    /// health checks while the sorry server is in use, or when keepalived is killed.
    fn left_over<'a>(&self, served: &'a Served) -> Option<&'a Destination> {
        let sorry = self.sorry.filter(|_| self.keepalived)?;
        let desired = self.real_servers.iter().any(|rs| rs.address == sorry);
        let found = served.real_servers.get(&sorry).filter(|_| !desired)?;
        (!self.is_sorry(served)).then_some(found)
    }

    /// Real servers with weight 0 in the manifest, as last applied.
    fn drained_before(&self, cx: &Context) -> BTreeSet<SocketAddr> {
        let Some(Resource::Ipvs(recorded)) = cx.recorded else {
            return BTreeSet::new();
        };
        let all = recorded.real_servers.iter();
        all.filter(|rs| rs.weight == 0)
            .map(|rs| rs.address)
            .collect()
    }
}

impl Kind for Ipvs {
    const NAME: &'static str = "ipvs";

    fn key(&self) -> String {
        self.service.r#virtual.to_string()
    }

    fn undo(&self, _: &Before, kept: &str) -> Option<Undo> {
        (!self.keepalived).then(|| script::undo(self.service.r#virtual, kept))
    }

    fn needs(&self, needs: &mut Needs) {
        let ask = needs.ipvs.get_or_insert_default();
        let service = self.service.r#virtual;
        ask.keepalived |= self.keepalived;
        let by = if self.keepalived {
            Some(Checker::Keepalived)
        } else {
            self.is_checked_by_us().then_some(Checker::Ours)
        };
        for rs in &self.real_servers {
            let address = rs.address;
            if let Some(by) = by.filter(|_| !rs.asks.is_empty()) {
                let well = script::is_well(self, rs);
                ask.watched.push(Watched {
                    service,
                    address,
                    by,
                    well,
                });
            }
            let file = rs.down.iter().cloned();
            ask.down
                .extend(file.map(|file| (named(service, address), file)));
        }
    }

    fn diff(&self, facts: &Facts, cx: &Context) -> Option<Change> {
        let table = &facts.ipvs.table;
        // Without ipvsadm the table is not known, and adding an existing service would fail.
        if table.hidden {
            return None;
        }
        let difference = Difference::new(self, table, cx);
        let served = self.served(table);
        let same_definition = served.is_some_and(|s| s.definition == self.service);
        if same_definition && difference.is_empty() {
            return None;
        }
        let action = if served.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        let change = Change::new(Self::NAME, self.key(), action);
        let change = self.fields(change, &difference, !same_definition, served);
        let change = difference.extra.iter().fold(change, |change, found| {
            change.step_in(
                Phase::Drain,
                format!(
                    "drain real server {}, at most {} s",
                    found.address, self.drain
                ),
                script::drain(self.service.r#virtual, found, self.drain),
            )
        });
        // keepalived is about to load its configuration and will make the service; adding it here would race with that.
        if self.keepalived && cx.loads_keepalived() {
            return Some(change.step(
                format!("wait for keepalived to serve {}", self.key()),
                script::wait_for(self, table),
            ));
        }
        let change = if same_definition {
            change
        } else {
            change.step(
                format!("service {}", self.key()),
                script::service(&self.service, served.is_some()),
            )
        };
        Some(self.steps(change, &difference, facts))
    }

    fn remove(&self, facts: &Facts, _: &Before, _: &Context) -> Option<Change> {
        let table = &facts.ipvs.table;
        let served = self.served(table)?;
        let change = Change::new(Self::NAME, self.key(), Action::Remove)
            .field(
                "service",
                Some(script::options(&served.definition)),
                None::<&str>,
            )
            .step(
                format!("remove service {}", self.key()),
                script::remove(self.service.r#virtual),
            );
        Some(change)
    }

    fn node(&self) -> Option<NodeLines> {
        (!self.keepalived).then(|| script::node(self))
    }

    fn words(&self) -> String {
        "keepalived makes it, from keepalived.conf".to_owned()
    }

    fn notes(&self, facts: &Facts) -> Vec<String> {
        self.remarks(facts)
            .into_iter()
            .map(|remark| remark.text)
            .collect()
    }
}

impl Ipvs {
    pub fn remarks(&self, facts: &Facts) -> Vec<Remark> {
        let table = &facts.ipvs.table;
        let unhealthy: Vec<SocketAddr> = self.unhealthy(table).map(|rs| rs.address).collect();
        let returning: Vec<SocketAddr> = self.returning(table).map(|rs| rs.address).collect();
        let out = self.real_servers.iter().filter_map(|rs| {
            let found = self.served(table)?.real_servers.get(&rs.address);
            let by_hand = self.is_drained_by_hand(table, rs);
            let how = match (unhealthy.contains(&rs.address), found) {
                (true, found) => {
                    let to = self.service.r#virtual;
                    let place = match found {
                        Some(_) => "has weight 0",
                        None => "is not in the table",
                    };
                    if table.fails(to, rs) {
                        format!("fails its health check, and {place}")
                    } else if returning.contains(&rs.address) {
                        format!(
                            "answers its health check again, and {place} until the checker takes it back with its next checks"
                        )
                    } else {
                        format!("was taken out by its health check, and {place}")
                    }
                }
                (false, _) if by_hand => format!(
                    "is drained (weight 0, and {} in the inventory): `lvsctl start --limit` with its host's name ends that",
                    rs.weight
                ),
                _ => return None,
            };
            Some(Remark {
                real_server: Some(rs.address),
                drained_by_hand: by_hand,
                text: format!("real server {} of {} {how}", rs.address, self.key()),
            })
        });
        let served = self.served(table);
        let sorry = served
            .filter(|served| self.is_sorry(served))
            .map(|_| Remark {
                real_server: None,
                drained_by_hand: false,
                text: format!(
                    "{} has no real server left: its sorry server answers",
                    self.key()
                ),
            });
        out.chain(sorry).collect()
    }
}
