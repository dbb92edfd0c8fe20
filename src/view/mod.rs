//! What roles and templates see of a cluster from one of its hosts. Decisions that would be clumsy in a template
//! are made here, from values to values.

mod body;
mod checker;
mod checks;
mod keepalived_release;
mod names;
mod nfs;
mod service;
mod vip;
mod vrrp;
mod ways;
mod web;

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::model::{Cluster, Host};
use crate::resource::Distribution;

pub use checker::{checked, unit as checker_unit};
pub(crate) use checks::ports as checked_ports;
pub use checks::words as check_words;
pub use names::{Names, real_server};
pub use service::{ipvs, ipvs_of, marks, modules, virtuals};

/// An address where a port or a path may follow it after a colon (RFC 3986, 3.2.2).
pub fn in_brackets(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

/// The variables that are the same for all hosts: of many hosts they are much, and made once. docs/roles.md tells what
/// each variable is.
pub fn of_cluster(cluster: &Cluster) -> Value {
    json!({
        "cluster": { "name": cluster.name, "keepalived": cluster.keepalived, "vars": cluster.vars },
        "hosts": cluster.hosts,
        "services": cluster.services.iter().map(service::service).collect::<Vec<_>>(),
        "vrrp_group": cluster.sync_group(),
        "arp": cluster.arp,
        "v6": cluster.services.iter().flat_map(|s| &s.vips).any(|vip| vip.address.is_ipv6()),
        "checked": checked(cluster),
        "marks": marks(cluster),
        "ipvs": ipvs(cluster),
        "modules": modules(cluster),
        "keepalived_at_least": keepalived_release::at_least(cluster),
        "persistent": cluster.services.iter().any(|s| s.persistence.is_some()),
    })
}

/// The variables of one host.
pub fn of_host(cluster: &Cluster, host: &Host, os: &Distribution) -> Value {
    let members = cluster.vrrp.iter();
    let members = members.filter_map(|instance| vrrp::member(cluster, instance, host));
    json!({
        "host": host,
        "os": os,
        "vrrp": members.collect::<Vec<_>>(),
        "real_vips": vip::real_vips(cluster, host),
        "director_vips": vip::director_vips(cluster, host),
        "moving_vips": vip::moving_vips(cluster, host),
        "silent": vip::silent(cluster, host),
        "arp_scopes": host.vars.get("arp_scopes").cloned().unwrap_or_else(|| json!(["all", "lo"])),
        "arp_rules": vip::arp_rules(cluster, host),
        "tunnels": vip::tunnels(cluster, host),
        "gateways": ways::gateways(host),
        "neighbours": ways::neighbours(cluster, host),
        "interface_names": host.interfaces.iter().map(|nic| &nic.name).collect::<Vec<_>>(),
        "listens": web::listens(cluster, host),
        "more_web_ports": web::more_web_ports(cluster, host),
        "answers": web::answers(cluster, host, os),
        "exports": nfs::exports(cluster, host),
        "mounts": nfs::mounts(cluster, host, os),
        "checker": checker::program(cluster, os),
        "watched_units": vrrp::watched_units(cluster, host),
    })
}
