//! Rules about the whole cluster. Each rule is a function from the cluster to faults, with a line in a table.

mod address;
mod arp;
mod combination;
mod export;
mod gateway;
mod health;
mod host;
mod localnode;
mod member;
mod name;
mod page;
mod port_protocol;
mod quoted;
mod scheduler;
mod secret;
mod service;
mod service_overlap;
mod sorry;
mod track;
mod vip_network;
mod vips;
mod vrrp;
mod way_in;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::free_address;
use super::place::Places;
use crate::diagnostic::Fault;
use crate::model::{Cluster, Host, Service, VrrpInstance};
use crate::secret::{Secrets, Unread};

pub use vrrp::MAX_AUTH_PASS;

/// A cluster and where its values stand.
#[derive(Clone, Copy)]
struct View<'a> {
    cluster: &'a Cluster,
    places: Places<'a>,
    /// Every address of the inventory, once a hint has asked for a free one.
    taken: &'a OnceCell<BTreeSet<IpAddr>>,
}

/// The part of the inventory that could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Whole,
    /// Something was left out as faulty.
    InPart,
    /// The networks are faulty too, and likely ones stand for them.
    WithoutNetworks,
}

type Rule = fn(View<'_>, &mut Vec<Fault>);

/// Rules about single values or pairs of values, which hold in an incomplete cluster too.
const LOCAL: &[Rule] = &[
    name::names,
    address::hosts_are_distinct,
    service::ports_and_persistence,
    service::port_mapping,
    sorry::servers,
    service::families,
    service::flags,
    service::one_packet,
    combination::one_packet_in_nat,
    scheduler::one_packet_spreads,
    scheduler::active_connections,
    scheduler::places,
    scheduler::weights,
    scheduler::by_destination,
    combination::further_connections,
    gateway::one_way_each,
    service_overlap::services_do_not_overlap,
    service_overlap::marks_are_distinct,
    health::checks,
    health::asks_by_tcp,
    port_protocol::pages,
    host::ssh,
    way_in::vips_are_no_way_in,
    way_in::gateways_are_others,
    export::paths,
    member::are_directors,
    member::priorities,
    vrrp::advert_int,
    vrrp::sync_daemon,
    vrrp::vips,
    vrrp::authentication,
    track::programs,
    track::interfaces,
    track::own_interface,
    track::weights,
    track::groups,
];

/// Rules about networks and the addresses in them.
const PLACED: &[Rule] = &[
    name::interfaces_are_no_networks,
    address::networks_are_distinct,
    address::usable,
    address::gateways,
    address::vips,
    vip_network::vips,
    vip_network::sorry_servers,
    combination::clients_in_nat,
    service::same_segment,
    gateway::directors_are_beside,
    gateway::through_directors,
    gateway::past_directors,
    vrrp::ids,
    vrrp::segment,
    arp::neighbours_are_known,
];

/// Rules about missing parts, valid only if no faulty part was left out.
const WHOLE: &[Rule] = &[
    host::directors,
    export::clients,
    host::real_servers_serve,
    localnode::directors_serve_alone,
    service::have_real_servers,
    sorry::are_put_in,
    vrrp::keepalived_is_on,
    member::are_enough,
    member::master_is_a_director,
    vrrp::vips_are_there,
    vrrp::vips_are_held,
];

/// Faults of the cluster, as far as it could be read.
pub(super) fn check(cluster: &Cluster, places: Places<'_>, known: Known) -> Vec<Fault> {
    let placed = PLACED.iter().filter(|_| known != Known::WithoutNetworks);
    let whole = WHOLE.iter().filter(|_| known == Known::Whole);
    let mut faults = Vec::new();
    with_view(cluster, places, |view| {
        for rule in LOCAL.iter().chain(placed).chain(whole) {
            rule(view, &mut faults);
        }
    });
    faults
}

fn with_view(cluster: &Cluster, places: Places<'_>, look: impl FnOnce(View<'_>)) {
    let taken = OnceCell::new();
    look(View {
        cluster,
        places,
        taken: &taken,
    });
}

/// Remarks that only the command `check` shows, since they are intended in many inventories.
pub(super) fn advice(cluster: &Cluster, places: Places<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    with_view(cluster, places, |view| {
        combination::has_client(view, &mut faults);
        combination::has_client_of_family(view, &mut faults);
        sorry::directors_serve(view, &mut faults);
    });
    faults
}

/// Faults of the values of secrets.
pub(super) fn secrets(cluster: &Cluster, secrets: &Secrets, places: Places<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    with_view(cluster, places, |view| {
        vrrp::passwords(view, secrets, &mut faults);
    });
    faults
}

/// Faults of VIPs that are an address of the machine that lvsctl runs on.
pub(super) fn controller(cluster: &Cluster, own: &[IpAddr], places: Places<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    with_view(cluster, places, |view| {
        faults = way_in::of_controller(view, own);
    });
    faults
}

/// Faults of secrets that could not be read.
pub(super) fn unread(cluster: &Cluster, unread: &[Unread], places: Places<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    with_view(cluster, places, |view| {
        faults = secret::unread(view, unread);
    });
    faults
}

impl View<'_> {
    fn at(self, path: &[&str], fault: Fault) -> Fault {
        let subject = path.get(1).copied().unwrap_or_default();
        fault.about(subject).at(self.places.value(path))
    }

    fn at_key(self, path: &[&str], fault: Fault) -> Fault {
        let subject = path.get(1).copied().unwrap_or_default();
        fault.about(subject).at(self.places.key(path))
    }

    /// Whether the inventory gives a service this key, below other keys of it.
    fn gives(self, service: &Service, keys: &[&str]) -> bool {
        let path = [&["services", service.name.as_str()], keys].concat();
        self.places.is_given(&path)
    }

    /// A fault at a key of a service.
    fn of(self, service: &Service, key: &str, fault: Fault) -> Fault {
        self.at(&["services", &service.name, key], fault)
    }

    /// The path of a host's SSH option: at the host, or in `defaults`.
    fn of_ssh<'p>(self, host: &'p Host, key: &'p str) -> Vec<&'p str> {
        let own = vec!["hosts", host.name.as_str(), "ssh", key];
        if self.places.is_given(&own) {
            own
        } else {
            vec!["defaults", "ssh", key]
        }
    }

    /// The place of a key of a VRRP instance, which has no name where it is the only one.
    fn vrrp_path<'p>(self, instance: &'p VrrpInstance, path: &[&'p str]) -> Vec<&'p str> {
        let named = ["vrrp", instance.name.as_str()];
        let above = if self.places.is_given(&named) {
            &named[..]
        } else {
            &named[..1]
        };
        [above, path].concat()
    }

    /// A fault at a key of a VRRP instance.
    fn of_vrrp(self, instance: &VrrpInstance, path: &[&str], fault: Fault) -> Fault {
        self.at(&self.vrrp_path(instance, path), fault)
    }

    /// A free address of a subnet, for a hint: the one like another, or with one of these ends, else any.
    fn free(self, subnet: IpNet, like: Option<IpAddr>, ends: &[u8]) -> Option<IpAddr> {
        let taken = self
            .taken
            .get_or_init(|| free_address::written(self.places.0));
        free_address::address_in(subnet, taken, like, ends)
    }

    /// The same, and none of those that other hints have given.
    fn free_beside(
        self,
        subnet: IpNet,
        like: Option<IpAddr>,
        given: &BTreeSet<IpAddr>,
    ) -> Option<IpAddr> {
        let taken = self
            .taken
            .get_or_init(|| free_address::written(self.places.0));
        let all: BTreeSet<IpAddr> = taken.union(given).copied().collect();
        free_address::address_in(subnet, &all, like, &[])
    }
}
