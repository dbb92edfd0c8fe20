//! What roles and templates see of a cluster from one of its hosts. Decisions that would be clumsy in a template
//! are made here, from values to values.

mod body;
mod checker;
mod checks;
mod keepalived_release;
mod names;
mod nfs;
mod served;
mod service;
mod vip;
mod vrrp;
mod ways;
mod web;

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::{Cluster, Host, Service};
use crate::resource::Distribution;

pub use checker::{checked, unit as checker_unit};
pub(crate) use checks::ports as checked_ports;
pub use checks::words as check_words;
pub use names::{Names, real_server};
use served::Served;
pub use service::{ipvs, ipvs_of, marks, modules, virtuals};

/// An address where a port or a path may follow it after a colon (RFC 3986, 3.2.2).
pub fn in_brackets(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

/// Takes in variables, each under its name.
pub trait Variables {
    fn add<T: Serialize>(&mut self, name: &'static str, value: &T);
}

impl Variables for Map<String, Value> {
    fn add<T: Serialize>(&mut self, name: &'static str, value: &T) {
        self.insert(name.to_owned(), json!(value));
    }
}

/// The variables that are the same for all hosts: of many hosts they are much, and made once. docs/roles.md tells what
/// each variable is.
pub fn of_cluster(cluster: &Cluster) -> Value {
    let mut all = Map::new();
    add_of_cluster(cluster, &mut all);
    Value::Object(all)
}

/// The same, as they are wanted.
pub fn add_of_cluster(cluster: &Cluster, to: &mut impl Variables) {
    let own =
        json!({ "name": cluster.name, "keepalived": cluster.keepalived, "vars": cluster.vars });
    let services = cluster.services.iter();
    let v6 = |s: &Service| s.vips.iter().any(|vip| vip.address.is_ipv6());
    to.add("cluster", &own);
    to.add("hosts", &cluster.hosts);
    to.add(
        "services",
        &services.map(service::service).collect::<Vec<_>>(),
    );
    to.add("vrrp_group", &cluster.sync_group());
    to.add("arp", &cluster.arp);
    to.add("v6", &cluster.services.iter().any(v6));
    to.add("checked", &checked(cluster));
    to.add("marks", &marks(cluster));
    to.add("ipvs", &ipvs(cluster));
    to.add("modules", &modules(cluster));
    to.add(
        "keepalived_at_least",
        &keepalived_release::at_least(cluster),
    );
    let persistent = |s: &Service| s.persistence.is_some();
    to.add("persistent", &cluster.services.iter().any(persistent));
}

/// The variables of one host.
pub fn of_host(cluster: &Cluster, host: &Host, os: &Distribution) -> Value {
    OfHosts::new(cluster).of(host, os)
}

/// The variables of many hosts.
pub struct OfHosts<'c> {
    cluster: &'c Cluster,
    served: Served<'c>,
}

impl<'c> OfHosts<'c> {
    pub fn new(cluster: &'c Cluster) -> Self {
        Self {
            cluster,
            served: Served::new(cluster),
        }
    }

    pub fn of(&self, host: &Host, os: &Distribution) -> Value {
        let cluster = self.cluster;
        let served = self.served.by(&host.name);
        let members = cluster.vrrp.iter();
        let members = members.filter_map(|instance| vrrp::member(cluster, instance, host));
        let listens = web::listens(cluster, host, served);
        json!({
            "host": host,
            "os": os,
            "vrrp": members.collect::<Vec<_>>(),
            "real_vips": vip::real_vips(served),
            "director_vips": vip::director_vips(cluster, host),
            "moving_vips": vip::moving_vips(cluster, host),
            "silent": vip::silent(cluster, served),
            "arp_scopes": host.vars.get("arp_scopes").cloned().unwrap_or_else(|| json!(["all", "lo"])),
            "arp_rules": vip::arp_rules(cluster, host, served),
            "tunnels": vip::tunnels(served),
            "gateways": ways::gateways(host),
            "neighbours": ways::neighbours(cluster, host),
            "interface_names": host.interfaces.iter().map(|nic| &nic.name).collect::<Vec<_>>(),
            "more_web_ports": listens.more_than_a_web_server_has(),
            "answers": web::answers(cluster, &listens, served, os),
            "listens": listens,
            "exports": nfs::exports(cluster, host),
            "mounts": nfs::mounts(cluster, host, os),
            "checker": checker::program(cluster, os),
            "watched_units": vrrp::watched_units(cluster, host),
        })
    }
}
