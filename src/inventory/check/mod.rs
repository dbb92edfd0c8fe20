//! Whether a cluster makes sense. Each rule is a function from the cluster to faults; adding one is a function
//! and its line in a table.

mod address;
mod arp;
mod combination;
mod export;
mod gateway;
mod health;
mod host;
mod localnode;
mod name;
mod quoted;
mod secret;
mod service;
mod share;
mod sorry;
mod track;
mod vrrp;

use super::model::{Cluster, Host, Service, VrrpInstance};
use super::place::Places;
use super::problem::Fault;
use crate::secret::{Secrets, Unread};

pub use vrrp::MAX_AUTH_PASS;

/// A cluster and where its values stand.
#[derive(Clone, Copy)]
struct View<'a> {
    cluster: &'a Cluster,
    places: Places<'a>,
}

type Rule = fn(View<'_>, &mut Vec<Fault>);

/// Rules that look at one thing, or at pairs of things that are there.
const LOCAL: &[Rule] = &[
    name::names,
    address::hosts_are_distinct,
    address::networks_are_distinct,
    address::usable,
    address::gateways,
    address::vips,
    service::ports_and_persistence,
    service::port_mapping,
    sorry::servers,
    service::families,
    service::flags,
    service::one_packet,
    combination::one_packet_in_nat,
    combination::one_packet_spreads,
    combination::weights,
    combination::by_destination,
    combination::further_connections,
    combination::clients_in_nat,
    service::same_segment,
    gateway::through_directors,
    gateway::past_directors,
    share::services_do_not_overlap,
    share::marks_are_distinct,
    health::checks,
    host::ssh,
    export::paths,
    vrrp::priorities,
    vrrp::advert_int,
    vrrp::ids,
    vrrp::sync_daemon,
    vrrp::vips,
    vrrp::segment,
    vrrp::authentication,
    track::programs,
    track::interfaces,
    track::own_interface,
    track::weights,
    arp::neighbours_are_known,
];

/// Rules that miss things: only for a cluster of which nothing was left out as faulty.
const WHOLE: &[Rule] = &[
    host::directors,
    export::clients,
    host::real_servers_serve,
    localnode::directors_serve_alone,
    service::have_real_servers,
    sorry::are_put_in,
    vrrp::keepalived_is_on,
    vrrp::members,
    vrrp::vips_are_held,
];

/// What is wrong with the cluster. `whole`: nothing of it was left out.
pub(super) fn check(cluster: &Cluster, places: Places<'_>, whole: bool) -> Vec<Fault> {
    let view = View { cluster, places };
    let mut faults = Vec::new();
    let rules = LOCAL.iter().chain(WHOLE.iter().filter(|_| whole));
    for rule in rules {
        rule(view, &mut faults);
    }
    faults
}

/// What `check` alone says: true of many inventories on purpose, and no news in every run.
pub(super) fn advice(cluster: &Cluster, places: Places<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    combination::has_client(View { cluster, places }, &mut faults);
    faults
}

/// What is wrong with the values of secrets.
pub(super) fn secrets(cluster: &Cluster, secrets: &Secrets, places: Places<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    vrrp::passwords(View { cluster, places }, secrets, &mut faults);
    faults
}

/// What is wrong with secrets that could not be read.
pub(super) fn unread(cluster: &Cluster, unread: &[Unread], places: Places<'_>) -> Vec<Fault> {
    secret::unread(View { cluster, places }, unread)
}

impl View<'_> {
    fn at(self, path: &[&str], fault: Fault) -> Fault {
        fault.at(self.places.value(path))
    }

    fn at_key(self, path: &[&str], fault: Fault) -> Fault {
        fault.at(self.places.key(path))
    }

    /// A fault at a key of a service.
    fn of(self, service: &Service, key: &str, fault: Fault) -> Fault {
        self.at(&["services", &service.name, key], fault)
    }

    /// Where a host's SSH option is written: at the host, or in `defaults`.
    fn of_ssh<'p>(self, host: &'p Host, key: &'p str) -> Vec<&'p str> {
        let own = vec!["hosts", host.name.as_str(), "ssh", key];
        if self.places.is_given(&own) {
            own
        } else {
            vec!["defaults", "ssh", key]
        }
    }

    /// A fault at a key of a VRRP instance, which has no name of its own where it is the only one.
    fn of_vrrp(self, instance: &VrrpInstance, path: &[&str], fault: Fault) -> Fault {
        let named = ["vrrp", instance.name.as_str()];
        let above = if self.places.is_given(&named) {
            &named[..]
        } else {
            &named[..1]
        };
        self.at(&[above, path].concat(), fault)
    }
}
