//! The search for what must be withheld, until nothing more follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::withheld::fix;
use super::{
    Because, Decisions, Hold, LeftOut, Need, Seen, Sight, State, What, Withheld, may_get_requests,
};
use crate::model::{Cluster, Host, Mode, Service};
use crate::model::{Destination, Virtual};
use crate::view;

/// A real server, or the sorry server, of a virtual service as the inventory has it.
struct Wanted<'a> {
    service: &'a str,
    host: &'a str,
    to: Virtual,
    made: Destination,
    sorry: bool,
}

fn wanted(cluster: &Cluster) -> Vec<Wanted<'_>> {
    let mut all = Vec::new();
    for service in &cluster.services {
        for ipvs in view::ipvs_of(cluster, service) {
            let to = ipvs.service.r#virtual;
            let sorry = sorry(service, ipvs.sorry);
            let servers = service.real_servers.iter().zip(ipvs.real_servers);
            let servers = servers.map(|(rs, made)| (rs.host.as_str(), made, false));
            all.extend(servers.chain(sorry).map(|(host, made, sorry)| Wanted {
                service: &service.name,
                host,
                to,
                made,
                sorry,
            }));
        }
    }
    all
}

/// The sorry server where that is a host of the inventory.
fn sorry(service: &Service, at: Option<SocketAddr>) -> Option<(&str, Destination, bool)> {
    let host = service.sorry_server.as_ref()?.host.as_deref()?;
    let made = Destination {
        address: at?,
        mode: service.mode,
        weight: 1,
        asks: Vec::new(),
        down: None,
        tunnel: None,
    };
    Some((host, made, true))
}

/// Whether a director has a real server already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    As,
    /// In another mode or on another port.
    Otherwise,
    No,
}

pub(super) struct Run<'a, 's> {
    cluster: &'a Cluster,
    sights: &'s [Sight<'a>],
    wanted: Vec<Wanted<'a>>,
    holds: BTreeMap<&'a str, (Hold, Vec<Because>)>,
    left_out: BTreeMap<&'a str, BTreeMap<LeftOut, State>>,
}

impl<'a, 's> Run<'a, 's> {
    pub(super) fn new(cluster: &'a Cluster, sights: &'s [Sight<'a>]) -> Self {
        Self {
            cluster,
            sights,
            wanted: wanted(cluster),
            holds: BTreeMap::new(),
            left_out: BTreeMap::new(),
        }
    }

    fn sight(&self, host: &str) -> Option<&'s Sight<'a>> {
        self.sights.iter().find(|sight| sight.host.name == host)
    }

    fn held(&self, host: &str) -> Hold {
        self.holds
            .get(host)
            .map_or(Hold::Nothing, |(hold, _)| *hold)
    }

    /// Hosts that the run changes, as far as nothing holds them.
    fn chosen(&self) -> impl Iterator<Item = (&'a Host, &'s Seen<'a>)> + use<'a, 's> {
        let chosen = self.sights.iter().filter(|sight| sight.chosen);
        chosen.filter_map(|sight| Some((sight.host, sight.seen.as_ref()?)))
    }

    /// Holds a host; whether that is news.
    fn hold(&mut self, host: &'a str, hold: Hold, because: Vec<Because>) -> bool {
        if because.is_empty() || self.held(host) >= hold {
            return false;
        }
        self.holds.insert(host, (hold, because));
        true
    }

    fn knows(&self, seen: &Seen, wanted: &Wanted) -> Known {
        let (to, at) = (wanted.to, wanted.made.address);
        let mut services = seen.table.services.iter();
        let served = services.find(|served| served.definition.r#virtual == to);
        let Some(served) = served else {
            return Known::No;
        };
        if let Some(found) = served.real_servers.get(&at) {
            let same = found.mode == wanted.made.mode;
            return if same { Known::As } else { Known::Otherwise };
        }
        // Another port of the same host may be another real server.
        let is_wanted = |address: &SocketAddr| {
            let mut all = self.wanted.iter();
            all.any(|other| other.to == to && other.made.address == *address)
        };
        let mut others = served.real_servers.keys();
        if others.any(|other| other.ip() == at.ip() && !is_wanted(other)) {
            return Known::Otherwise;
        }
        let recorded = seen.recorded.iter().filter(|_| seen.loaded);
        let mut recorded = recorded.filter(|ipvs| ipvs.service.r#virtual == to);
        let is_out = seen.table.out(to, &wanted.made).is_some();
        let fails = seen.table.fails(to, &wanted.made);
        let taken_out = recorded.any(|ipvs| {
            let mut all = ipvs.real_servers.iter();
            let same = |rs: &Destination| rs.address == at && rs.mode == wanted.made.mode;
            (wanted.sorry && ipvs.sorry == Some(at)) || (all.any(same) && (fails || is_out))
        });
        if taken_out { Known::As } else { Known::No }
    }

    /// Why a real server is not ready; none where it is, or will be before the directors change.
    fn unready(&self, host: &str) -> Option<State> {
        let Some(sight) = self.sight(host) else {
            return Some(State::Unread);
        };
        let Some(seen) = &sight.seen else {
            return Some(State::Unreached);
        };
        match (seen.differs, sight.chosen) {
            _ if sight.failed => Some(State::Failed),
            (false, _) => None,
            (true, false) => Some(State::Differs),
            (true, true) => (self.held(host) != Hold::Nothing).then_some(State::Withheld),
        }
    }

    /// Why a director may send to a host in a way that the inventory does not have; none where it was seen not to, or will
    /// not when it is changed.
    fn sends(&self, director: &str, host: &Host) -> Option<State> {
        let Some(sight) = self.sight(director) else {
            return Some(State::Unread);
        };
        let Some(seen) = &sight.seen else {
            return Some(State::Unreached);
        };
        if sight.chosen && !sight.failed && self.held(director) != Hold::All {
            return None;
        }
        let state = match sight.chosen {
            _ if sight.failed => State::Failed,
            true => State::Withheld,
            false => State::Sends,
        };
        self.stale(seen, host).next().map(|_| state)
    }

    /// The virtual services in which a director has a host that the inventory has not there, or in another way.
    fn stale<'r>(&'r self, seen: &'r Seen, host: &'r Host) -> impl Iterator<Item = Virtual> + 'r {
        let of_kernel = seen.table.services.iter().flat_map(|served| {
            let to = served.definition.r#virtual;
            let all = served.real_servers.values();
            all.map(move |rs| (to, rs.address, Some(rs.mode)))
        });
        let recorded = seen.recorded.iter().flat_map(|ipvs| {
            let to = ipvs.service.r#virtual;
            let all = ipvs.real_servers.iter();
            let all = all.map(move |rs| (to, rs.address, Some(rs.mode)));
            all.chain(ipvs.sorry.map(|at| (to, at, None)))
        });
        let is_wanted = move |(to, at, mode): &(Virtual, SocketAddr, Option<Mode>)| {
            self.wanted.iter().any(|wanted| {
                let same = wanted.made.address == *at && wanted.to == *to;
                same && mode.is_none_or(|mode| wanted.made.mode == mode)
            })
        };
        let all = of_kernel.chain(recorded);
        all.filter(move |(_, at, _)| host.holds(at.ip()))
            .filter(move |one| !is_wanted(one))
            .map(|(to, ..)| to)
    }

    /// Directors that may send to a host, with why.
    fn senders(&self, host: &Host, need: &Need) -> Vec<Because> {
        let others = self.cluster.directors();
        let others = others.filter(|director| director.name != host.name);
        let senders = others.filter_map(|director| {
            Some(Because {
                host: director.name.clone(),
                state: self.sends(&director.name, host)?,
                need: need.clone(),
            })
        });
        senders.collect()
    }

    /// Whether a host goes on in a virtual service in which a director has it in another way.
    fn is_reshaped(&self, host: &Host) -> bool {
        let directors = self.sights.iter().filter(|sight| sight.host.is_director());
        let seen = directors.filter_map(|sight| sight.seen.as_ref());
        let stale: BTreeSet<Virtual> = seen.flat_map(|seen| self.stale(seen, host)).collect();
        let mut of_host = self.wanted.iter().filter(|w| w.host == host.name);
        of_host.any(|wanted| stale.contains(&wanted.to))
    }

    pub(super) fn reshaped(&self) -> BTreeSet<String> {
        let differ = self.chosen().filter(|(_, seen)| seen.differs);
        let reshaped = differ
            .filter(|(host, _)| may_get_requests(self.cluster, host) && self.is_reshaped(host));
        reshaped.map(|(host, _)| host.name.clone()).collect()
    }

    /// One look at all hosts; whether something more is withheld.
    pub(super) fn pass(&mut self) -> bool {
        let mut news = false;
        for (host, seen) in self.chosen() {
            if !seen.differs || self.held(&host.name) == Hold::All {
                continue;
            }
            if may_get_requests(self.cluster, host) {
                news |= self.real_server(host, seen);
            }
            if host.is_director() {
                news |= self.director(host, seen) || self.adverts(host, seen);
            }
        }
        news
    }

    fn real_server(&mut self, host: &'a Host, seen: &Seen) -> bool {
        if self.is_reshaped(host) {
            let because = self.senders(host, &Need::SameWay);
            if self.hold(&host.name, Hold::All, because) {
                return true;
            }
        }
        if !seen.takes_away {
            return false;
        }
        // A director that is a real server too does both in one plan.
        let hold = if host.is_director() {
            Hold::All
        } else {
            Hold::Removals
        };
        let because = self.senders(host, &Need::NoRequests);
        self.hold(&host.name, hold, because)
    }

    /// Real servers that a director does not have yet, and that are not ready.
    fn director(&mut self, host: &'a Host, seen: &Seen) -> bool {
        let mut left_out = self
            .left_out
            .get(host.name.as_str())
            .cloned()
            .unwrap_or_default();
        let before = left_out.len();
        let mut because = Vec::new();
        for service in &self.cluster.services {
            let mut left = false;
            let all = self.wanted.iter().filter(|w| w.service == service.name);
            let all: Vec<&Wanted> = all.collect();
            for backend in backends(service) {
                if backend == host.name {
                    left = true;
                    continue;
                }
                let of_it = all.iter().filter(|wanted| wanted.host == backend);
                let known = of_it.clone().map(|wanted| self.knows(seen, wanted));
                let known: Vec<Known> = known.collect();
                let is_new = known.iter().any(|known| *known != Known::As);
                let Some(state) = self.unready(backend).filter(|_| is_new) else {
                    left |= of_it.into_iter().any(|wanted| !wanted.sorry);
                    continue;
                };
                if known.iter().any(|known| *known != Known::No) {
                    because.push(not_ready(service, backend, state));
                    continue;
                }
                let out = LeftOut {
                    service: service.name.clone(),
                    host: backend.to_owned(),
                };
                left_out.insert(out, state);
            }
            if !left {
                let out = left_out
                    .iter()
                    .filter(|(out, _)| out.service == service.name);
                because.extend(out.map(|(out, state)| not_ready(service, &out.host, *state)));
            }
        }
        if !because.is_empty() {
            return self.hold(&host.name, Hold::All, because);
        }
        let news = left_out.len() > before;
        self.left_out.insert(&host.name, left_out);
        news
    }

    /// Members of VRRP instances that would not take each other's adverts any more.
    fn adverts(&mut self, host: &'a Host, seen: &Seen) -> bool {
        let because = self.deaf(host, seen);
        self.hold(&host.name, Hold::All, because)
    }

    fn deaf(&self, host: &Host, seen: &Seen) -> Vec<Because> {
        let mut because = Vec::new();
        for instance in &self.cluster.vrrp {
            if instance.member(host).is_none() || !seen.apart.contains(&instance.name) {
                continue;
            }
            let members = instance.members.iter();
            for member in members.filter(|member| member.host != host.name) {
                if let Some(state) = self.stays_behind(&member.host) {
                    because.push(Because {
                        host: member.host.clone(),
                        state,
                        need: Need::Adverts(instance.name.clone()),
                    });
                }
            }
        }
        because
    }

    /// Why a member of an instance does not speak as the inventory says after the run.
    fn stays_behind(&self, member: &str) -> Option<State> {
        let Some(sight) = self.sight(member) else {
            return Some(State::Unread);
        };
        let Some(seen) = &sight.seen else {
            return Some(State::Unreached);
        };
        match (seen.differs && seen.speaks, sight.chosen) {
            (false, _) => None,
            _ if sight.failed => Some(State::Failed),
            (true, false) => Some(State::Differs),
            (true, true) => (self.held(member) == Hold::All).then_some(State::Withheld),
        }
    }

    /// Takes all away from the chosen hosts: a real server goes when each director was reached, to drain it or to leave too.
    pub(super) fn leave(&mut self) {
        for (host, seen) in self.chosen() {
            if !seen.differs || !self.cluster.serves(host) {
                continue;
            }
            let others = self.cluster.directors();
            let others = others.filter(|director| director.name != host.name);
            let because = others.filter_map(|director| {
                let state = match self.sight(&director.name) {
                    None => State::Unread,
                    Some(Sight { seen: None, .. }) => State::Unreached,
                    Some(_) => return None,
                };
                Some(Because {
                    host: director.name.clone(),
                    state,
                    need: Need::NoRequests,
                })
            });
            let because = because.collect();
            self.hold(&host.name, Hold::All, because);
        }
    }

    /// Names of hosts that are not read yet, and on which something depends.
    pub(super) fn needed(&self) -> BTreeSet<&'a str> {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for (host, seen) in self.chosen().filter(|(_, seen)| seen.differs) {
            let loses = seen.takes_away || seen.alters || self.is_reshaped(host);
            if loses && may_get_requests(self.cluster, host) {
                names.extend(self.cluster.directors().map(|host| host.name.as_str()));
            }
            if host.is_director() {
                let new = self.wanted.iter();
                let new = new.filter(|wanted| self.knows(seen, wanted) != Known::As);
                names.extend(new.map(|wanted| wanted.host));
                let apart = self.cluster.vrrp.iter();
                let apart = apart.filter(|i| seen.apart.contains(&i.name));
                let mine = apart.filter(|instance| instance.member(host).is_some());
                let members = mine.flat_map(|instance| &instance.members);
                names.extend(members.map(|member| member.host.as_str()));
            }
        }
        names.retain(|name| self.sight(name).is_none());
        names
    }

    /// `verb`: the command that goes on later.
    pub(super) fn end(self, verb: &str) -> Decisions {
        let mut withheld = Vec::new();
        let mut decisions = Decisions::default();
        for (director, out) in &self.left_out {
            if self.held(director) == Hold::All || out.is_empty() {
                continue;
            }
            for (out, state) in out {
                let because = Because {
                    host: out.host.clone(),
                    state: *state,
                    need: Need::Ready(out.service.clone()),
                };
                withheld.push(Withheld {
                    service: Some(out.service.clone()),
                    real_server: Some(out.host.clone()),
                    ..Withheld::new(director, What::RealServer, vec![because])
                });
            }
            let out = out.keys().cloned().collect();
            decisions.left_out.insert((*director).to_owned(), out);
        }
        for (host, (hold, because)) in &self.holds {
            let what = match hold {
                Hold::Removals => What::Removals,
                Hold::Nothing | Hold::All => What::Changes,
            };
            withheld.push(Withheld::new(host, what, because.clone()));
            decisions.holds.insert((*host).to_owned(), *hold);
        }
        let fix = fix(self.cluster, self.sights, &withheld, verb);
        let order = |host: &str| self.cluster.hosts.iter().position(|h| h.name == host);
        withheld.sort_by_key(|one| (order(&one.host), one.what));
        decisions.withheld = withheld.into_iter().map(|one| one.said(&fix)).collect();
        decisions
    }
}

/// Hosts of a service's real servers and of its sorry server, each once.
fn backends(service: &Service) -> BTreeSet<&str> {
    let real_servers = service.real_servers.iter().map(|rs| rs.host.as_str());
    let sorry = service.sorry_server.as_ref();
    let sorry = sorry.and_then(|sorry| sorry.host.as_deref());
    real_servers.chain(sorry).collect()
}

fn not_ready(service: &Service, host: &str, state: State) -> Because {
    Because {
        host: host.to_owned(),
        state,
        need: Need::Ready(service.name.clone()),
    }
}
