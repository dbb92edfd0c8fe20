//! Computes the withheld steps: repeats the rules over all hosts until no rule withholds more.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::withheld::fix;
use super::{
    Because, Decisions, Hold, HostView, LeftOut, Need, Observed, State, What, Withheld,
    may_get_requests,
};
use crate::model::{Cluster, Destination, Host, Mode, Service, Virtual};
use crate::view;

/// A desired real server or sorry server of a virtual service.
struct Desired<'a> {
    service: &'a str,
    host: &'a str,
    to: Virtual,
    made: Destination,
    sorry: bool,
}

fn desired(cluster: &Cluster) -> Vec<Desired<'_>> {
    let mut all = Vec::new();
    for service in &cluster.services {
        for ipvs in view::ipvs_of(cluster, service) {
            let to = ipvs.service.r#virtual;
            let sorry = sorry(service, ipvs.sorry);
            let servers = service.real_servers.iter().zip(ipvs.real_servers);
            let servers = servers.map(|(rs, made)| (rs.host.as_str(), made, false));
            all.extend(servers.chain(sorry).map(|(host, made, sorry)| Desired {
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

/// The sorry server, if it is a host of the inventory.
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

/// Whether a director's table already has a desired real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    As,
    /// With another forwarding mode or port.
    Otherwise,
    No,
}

pub(super) struct Run<'a, 's> {
    cluster: &'a Cluster,
    views: &'s [HostView<'a>],
    desired: Vec<Desired<'a>>,
    holds: BTreeMap<&'a str, (Hold, Vec<Because>)>,
    left_out: BTreeMap<&'a str, BTreeMap<LeftOut, State>>,
}

impl<'a, 's> Run<'a, 's> {
    pub(super) fn new(cluster: &'a Cluster, views: &'s [HostView<'a>]) -> Self {
        Self {
            cluster,
            views,
            desired: desired(cluster),
            holds: BTreeMap::new(),
            left_out: BTreeMap::new(),
        }
    }

    fn view(&self, host: &str) -> Option<&'s HostView<'a>> {
        self.views.iter().find(|view| view.host.name == host)
    }

    fn held(&self, host: &str) -> Hold {
        self.holds
            .get(host)
            .map_or(Hold::Nothing, |(hold, _)| *hold)
    }

    /// The hosts that the run may change and that answered.
    fn chosen(&self) -> impl Iterator<Item = (&'a Host, &'s Observed<'a>)> + use<'a, 's> {
        let chosen = self.views.iter().filter(|view| view.chosen);
        chosen.filter_map(|view| Some((view.host, view.seen.as_ref()?)))
    }

    /// Withholds a part of a host's plan; returns whether that is more than before.
    fn hold(&mut self, host: &'a str, hold: Hold, because: Vec<Because>) -> bool {
        if because.is_empty() || self.held(host) >= hold {
            return false;
        }
        self.holds.insert(host, (hold, because));
        true
    }

    fn knows(&self, seen: &Observed, desired: &Desired) -> Known {
        let (to, at) = (desired.to, desired.made.address);
        let mut services = seen.table.services.iter();
        let served = services.find(|served| served.definition.r#virtual == to);
        let Some(served) = served else {
            return Known::No;
        };
        if let Some(found) = served.real_servers.get(&at) {
            let same = found.mode == desired.made.mode;
            return if same { Known::As } else { Known::Otherwise };
        }
        // Another port of the same host may be another real server.
        let is_desired = |address: &SocketAddr| {
            let mut all = self.desired.iter();
            all.any(|other| other.to == to && other.made.address == *address)
        };
        let mut others = served.real_servers.keys();
        if others.any(|other| other.ip() == at.ip() && !is_desired(other)) {
            return Known::Otherwise;
        }
        let recorded = seen.recorded.iter().filter(|_| seen.loaded);
        let mut recorded = recorded.filter(|ipvs| ipvs.service.r#virtual == to);
        let is_out = seen.table.out(to, &desired.made).is_some();
        let fails = seen.table.fails(to, &desired.made);
        let taken_out = recorded.any(|ipvs| {
            let mut all = ipvs.real_servers.iter();
            let same = |rs: &Destination| rs.address == at && rs.mode == desired.made.mode;
            (desired.sorry && ipvs.sorry == Some(at)) || (all.any(same) && (fails || is_out))
        });
        if taken_out { Known::As } else { Known::No }
    }

    /// Why a real server is not ready; None: it is ready, or will be before the directors change.
    fn unready(&self, host: &str) -> Option<State> {
        let Some(view) = self.view(host) else {
            return Some(State::Unread);
        };
        let Some(seen) = &view.seen else {
            return Some(State::Unreached);
        };
        match (seen.differs, view.chosen) {
            _ if view.failed => Some(State::Failed),
            (false, _) => None,
            (true, false) => Some(State::Differs),
            (true, true) => (self.held(host) != Hold::Nothing).then_some(State::Withheld),
        }
    }

    /// Why a director may send requests to a host that the inventory does not have there, or has with another mode or port.
    /// None: it was seen not to, or this run changes it.
    fn sends(&self, director: &str, host: &Host) -> Option<State> {
        let Some(view) = self.view(director) else {
            return Some(State::Unread);
        };
        let Some(seen) = &view.seen else {
            return Some(State::Unreached);
        };
        if view.chosen && !view.failed && self.held(director) != Hold::All {
            return None;
        }
        let state = match view.chosen {
            _ if view.failed => State::Failed,
            true => State::Withheld,
            false => State::Sends,
        };
        self.stale(seen, host).next().map(|_| state)
    }

    /// The virtual services in which a director has a host that is not desired there, or is desired with another mode or
    /// port.
    fn stale<'r>(
        &'r self,
        seen: &'r Observed,
        host: &'r Host,
    ) -> impl Iterator<Item = Virtual> + 'r {
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
        let is_desired = move |(to, at, mode): &(Virtual, SocketAddr, Option<Mode>)| {
            self.desired.iter().any(|desired| {
                let same = desired.made.address == *at && desired.to == *to;
                same && mode.is_none_or(|mode| desired.made.mode == mode)
            })
        };
        let all = of_kernel.chain(recorded);
        all.filter(move |(_, at, _)| host.holds(at.ip()))
            .filter(move |one| !is_desired(one))
            .map(|(to, ..)| to)
    }

    /// Directors that may send requests to a host, each with the reason.
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

    /// Whether a host is desired in a virtual service in which a director has it with another mode or port.
    fn is_reshaped(&self, host: &Host) -> bool {
        let directors = self.views.iter().filter(|view| view.host.is_director());
        let seen = directors.filter_map(|view| view.seen.as_ref());
        let stale: BTreeSet<Virtual> = seen.flat_map(|seen| self.stale(seen, host)).collect();
        let mut of_host = self.desired.iter().filter(|w| w.host == host.name);
        of_host.any(|desired| stale.contains(&desired.to))
    }

    pub(super) fn reshaped(&self) -> BTreeSet<String> {
        let differ = self.chosen().filter(|(_, seen)| seen.differs);
        let reshaped = differ
            .filter(|(host, _)| may_get_requests(self.cluster, host) && self.is_reshaped(host));
        reshaped.map(|(host, _)| host.name.clone()).collect()
    }

    /// Applies the rules to each host once; returns whether they withhold more than before.
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

    fn real_server(&mut self, host: &'a Host, seen: &Observed) -> bool {
        if self.is_reshaped(host) {
            let because = self.senders(host, &Need::SameWay);
            if self.hold(&host.name, Hold::All, because) {
                return true;
            }
        }
        if !seen.takes_away {
            return false;
        }
        // The plan of a host that is a director and a real server cannot be divided.
        let hold = if host.is_director() {
            Hold::All
        } else {
            Hold::Removals
        };
        let because = self.senders(host, &Need::NoRequests);
        self.hold(&host.name, hold, because)
    }

    /// Withholds new real servers that are not ready from a director's configuration; all its changes if that is not
    /// possible.
    fn director(&mut self, host: &'a Host, seen: &Observed) -> bool {
        let mut left_out = self
            .left_out
            .get(host.name.as_str())
            .cloned()
            .unwrap_or_default();
        let before = left_out.len();
        let mut because = Vec::new();
        for service in &self.cluster.services {
            let mut left = false;
            let all = self.desired.iter().filter(|w| w.service == service.name);
            let all: Vec<&Desired> = all.collect();
            for backend in backends(service) {
                if backend == host.name {
                    left = true;
                    continue;
                }
                let of_it = all.iter().filter(|desired| desired.host == backend);
                let known = of_it.clone().map(|desired| self.knows(seen, desired));
                let known: Vec<Known> = known.collect();
                let is_new = known.iter().any(|known| *known != Known::As);
                let Some(state) = self.unready(backend).filter(|_| is_new) else {
                    left |= of_it.into_iter().any(|desired| !desired.sorry);
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

    /// Withholds a director's changes if members of its VRRP instances would discard each other's adverts after the run.
    fn adverts(&mut self, host: &'a Host, seen: &Observed) -> bool {
        let because = self.deaf(host, seen);
        self.hold(&host.name, Hold::All, because)
    }

    fn deaf(&self, host: &Host, seen: &Observed) -> Vec<Because> {
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

    /// Why a member's adverts will not be those of the inventory after the run.
    fn stays_behind(&self, member: &str) -> Option<State> {
        let Some(view) = self.view(member) else {
            return Some(State::Unread);
        };
        let Some(seen) = &view.seen else {
            return Some(State::Unreached);
        };
        match (seen.differs && seen.speaks, view.chosen) {
            (false, _) => None,
            _ if view.failed => Some(State::Failed),
            (true, false) => Some(State::Differs),
            (true, true) => (self.held(member) == Hold::All).then_some(State::Withheld),
        }
    }

    /// The rule of a removal: a real server is removed only if every director was reached, to drain it or to be removed too.
    pub(super) fn leave(&mut self) {
        for (host, seen) in self.chosen() {
            if !seen.differs || !self.cluster.serves(host) {
                continue;
            }
            let others = self.cluster.directors();
            let others = others.filter(|director| director.name != host.name);
            let because = others.filter_map(|director| {
                let state = match self.view(&director.name) {
                    None => State::Unread,
                    Some(HostView { seen: None, .. }) => State::Unreached,
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

    /// Names of hosts on which a decision depends and that are not read yet.
    pub(super) fn needed(&self) -> BTreeSet<&'a str> {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for (host, seen) in self.chosen().filter(|(_, seen)| seen.differs) {
            let loses = seen.takes_away || seen.alters || self.is_reshaped(host);
            if loses && may_get_requests(self.cluster, host) {
                names.extend(self.cluster.directors().map(|host| host.name.as_str()));
            }
            if host.is_director() {
                let new = self.desired.iter();
                let new = new.filter(|desired| self.knows(seen, desired) != Known::As);
                names.extend(new.map(|desired| desired.host));
                let apart = self.cluster.vrrp.iter();
                let apart = apart.filter(|i| seen.apart.contains(&i.name));
                let mine = apart.filter(|instance| instance.member(host).is_some());
                let members = mine.flat_map(|instance| &instance.members);
                names.extend(members.map(|member| member.host.as_str()));
            }
        }
        names.retain(|name| self.view(name).is_none());
        names
    }

    /// The decisions. `verb`: the command that the fix proposes.
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
        let fix = fix(self.cluster, self.views, &withheld, verb);
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
