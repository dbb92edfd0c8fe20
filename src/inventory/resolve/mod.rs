//! Converts the raw inventory into a cluster: resolves references and fills in defaults. Contradictions between valid values
//! are found by `check`.

mod address;
mod health;
mod host;
mod ipvs;
mod real_server;
mod service;
mod vrrp;
mod waiver;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::field::{Named, Opt};
use super::foreign;
use super::location;
use super::place::Places;
use super::raw::Inventory;
use super::raw::word::FreeValue;
use crate::diagnostic::{Fault, FaultKind, MOST_SHOWN, choices, nearest, shown};
use crate::model::{Cluster, Host, Network, Service};
use crate::yaml::Node;

/// Bounds, far beyond any cluster: what follows grows with hosts times services.
pub(super) const MOST_HOSTS: usize = 1000;
const MOST_SERVICES: usize = 1000;
const MOST_NETWORKS: usize = 250;
const MOST_INSTANCES: usize = 255;
const MOST_WAIVERS: usize = 1000;
const MOST_VIPS: usize = 64;
/// Each is a virtual service; with a mark they are entries of rules.
const MOST_PORTS: usize = 256;
const MOST_MARKED_PORTS: usize = 4096;

/// Names and networks known so far, and the faults found.
pub(super) struct Context<'a> {
    places: Places<'a>,
    /// Addresses of sorry servers, as they are written.
    sorry_servers: BTreeSet<&'a str>,
    /// Roles that exist, built in and the user's.
    roles: &'a [&'a str],
    /// All names of hosts, those included whose host is faulty.
    host_names: Vec<String>,
    networks: Vec<Network>,
    /// Whether `networks` are guesses, so that consequences of them must not be reported.
    pub networks_are_faulty: bool,
    pub faults: Vec<Fault>,
}

impl<'a> Context<'a> {
    pub(super) fn new(root: &'a Node, roles: &'a [&'a str]) -> Self {
        Self {
            places: Places(root),
            sorry_servers: location::sorry_servers(root),
            roles,
            host_names: Vec::new(),
            networks: Vec::new(),
            networks_are_faulty: false,
            faults: Vec::new(),
        }
    }

    fn fault(&mut self, path: &[&str], fault: Fault) {
        let subject = path.get(1).copied().unwrap_or_default();
        self.faults
            .push(fault.about(subject).at(self.places.value(path)));
    }

    fn fault_at_key(&mut self, path: &[&str], fault: Fault) {
        let subject = path.get(1).copied().unwrap_or_default();
        self.faults
            .push(fault.about(subject).at(self.places.key(path)));
    }

    /// A key that must be given. One that is given but faulty has been reported.
    fn required<'v, T>(&mut self, path: &[&str], value: &'v Opt<T>, help: &str) -> Option<&'v T> {
        if value.is_absent() {
            let (key, above) = path.split_last().map_or(("", path), |(k, a)| (*k, a));
            // One mistake is one message.
            if self.stands_in(above, key) {
                return None;
            }
            let kind = FaultKind::MissingKey {
                key: key.to_owned(),
                of: above.last().map(|name| (*name).to_owned()),
            };
            self.fault_at_key(above, Fault::from(kind).help(help));
        }
        value.get()
    }

    /// True if the map has another word for a key. That fault has been reported, so the key is not missing as well.
    fn stands_in(&self, above: &[&str], key: &str) -> bool {
        let keys = self.places.keys(above).take(foreign::MOST_SIBLINGS);
        let mut others = keys.filter(|other| *other != key);
        others.any(|other| foreign::stands_for(other, key))
    }

    /// Checks a count against its bound; a larger count is a fault.
    fn at_most(&mut self, path: &[&str], what: &str, found: usize, most: usize) -> bool {
        if found > most {
            let fault = Fault::new(format!("{found} {what}, at most {most} are taken"))
                .help("check that this is meant; divide it into several");
            self.fault_at_key(path, fault);
        }
        found <= most
    }

    /// The host of this name; a fault where there is none of the name at all.
    fn host<'h>(&mut self, path: &[&str], hosts: &'h [Host], name: &str) -> Option<&'h Host> {
        let found = hosts.iter().find(|h| h.name == name);
        // That there are no hosts at all is reported once.
        let any = !self.host_names.is_empty();
        if found.is_none() && any && !self.host_names.iter().any(|n| n == name) {
            let fault = Fault::new(format!("there is no host named {}", shown(name)));
            // Looking for the name that was meant takes long; beyond these it is not shown.
            let fault = if self.faults.len() > MOST_SHOWN {
                fault
            } else {
                let names: Vec<&str> = self.host_names.iter().map(String::as_str).collect();
                let address = name.parse::<std::net::IpAddr>().ok();
                let owner = address.and_then(|a| hosts.iter().find(|host| host.holds(a)));
                // A name that is in the list already was not meant.
                let mut beside = self.places.beside(path);
                beside.truncate(foreign::MOST_SIBLINGS);
                let free: Vec<&str> = names
                    .iter()
                    .copied()
                    .filter(|name| !beside.contains(name))
                    .collect();
                fault.help(match owner {
                    Some(owner) => format!("write `{}`, whose address it is", owner.name),
                    None if nearest(name, free.iter().copied()).is_some() => choices(name, &free),
                    None => format!(
                        "known: {}",
                        names
                            .iter()
                            .take(20)
                            .copied()
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                })
            };
            self.fault(path, fault);
        }
        found
    }
}

/// The cluster, as far as it can be resolved; whole only if no faults were found.
pub(super) fn resolve(raw: &Inventory, cx: &mut Context<'_>) -> Cluster {
    let name = cx.required(
        &["cluster"],
        &raw.cluster,
        "name the cluster: `cluster: web`",
    );
    let name = name.cloned().unwrap_or_default();
    let no_hosts = Named::default();
    let written = cx
        .required(
            &["hosts"],
            &raw.hosts,
            "list the hosts: `hosts: { lb1: { role: director, address: ‹host› } }`",
        )
        .unwrap_or(&no_hosts);
    let written = if cx.at_most(&["hosts"], "hosts", written.0.len(), MOST_HOSTS) {
        written
    } else {
        &no_hosts
    };
    cx.host_names = written.names().map(str::to_owned).collect();
    if raw.hosts.get().is_some_and(|h| h.0.is_empty()) {
        cx.fault(
            &["hosts"],
            Fault::new("there are no hosts").help("add the cluster's hosts below `hosts:`"),
        );
    }

    cx.networks = address::networks(raw, cx);
    let mut hosts = host::hosts(raw, written, cx);
    let keepalived = raw.keepalived.copied().unwrap_or(!raw.vrrp.is_absent());
    let services = service::services(raw, &hosts, keepalived, cx);
    let vrrp = match &raw.vrrp {
        Opt::Given(section) => vrrp::instances(section, written, &hosts, &services, cx),
        _ => Vec::new(),
    };
    host::gateways(raw, written, &mut hosts, &services, &vrrp, cx);
    let waivers = waiver::waivers(raw, &hosts, cx);
    Cluster {
        name,
        networks: cx.networks.clone(),
        hosts,
        services,
        vrrp,
        keepalived,
        arp: raw.arp.copied().map(|arp| arp.0).unwrap_or_default(),
        ipvs: ipvs::options(raw),
        waivers,
        vars: raw.vars.get().map(free).unwrap_or_default(),
        maintenance: None,
    }
}

fn free(vars: &Named<FreeValue>) -> Map<String, Value> {
    let all = vars
        .iter()
        .map(|(name, value)| (name.to_owned(), value.0.clone()));
    all.collect()
}

/// Names of the real servers of the services that are chosen, sorry servers included.
pub(super) fn serving(services: &[Service], chosen: impl Fn(&Service) -> bool) -> BTreeSet<&str> {
    let chosen = services.iter().filter(|s| chosen(s));
    let names = chosen.flat_map(|service| {
        let sorry = service.sorry_server.iter();
        let sorry = sorry.filter_map(|sorry| sorry.host.as_deref());
        let real = service.real_servers.iter().map(|rs| rs.host.as_str());
        real.chain(sorry)
    });
    names.collect()
}

/// All VIPs of the services, each once, in their order.
fn vips_of(services: &[Service]) -> Vec<crate::model::Vip> {
    let mut seen = BTreeSet::new();
    let all = services.iter().flat_map(|s| &s.vips);
    all.filter(|v| seen.insert(v.address)).copied().collect()
}
