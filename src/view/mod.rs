//! The variables of roles and templates: typed views of a cluster and of one host, in the syntax of keepalived, ipvsadm and
//! service managers. Which host serves, holds and routes what belongs in the topology of [`crate::model`].

mod answer;
mod body;
mod checker;
mod checks;
mod ipvs_sysctl;
mod keepalived_release;
mod names;
mod nfs;
mod service;
mod vrrp;

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::topology::{
    self, ArpRule, DefaultRoute, DirectorVip, Listens, MovingVip, Neighbour, RealVip, Served,
    Tunnel,
};
use crate::model::{ArpAnswer, Cluster, Host, Service};
use crate::resource::Distribution;
use crate::resource::ipvs::Ipvs;
use crate::resource::mark::Mark;
use crate::resource::package::AtLeast;

pub use checker::{Checked, checked, unit as checker_unit};
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

/// The variables that are the same for all hosts; docs/roles.md describes each.
#[derive(Debug, Serialize)]
pub struct OfCluster<'c> {
    cluster: Itself<'c>,
    hosts: &'c [Host],
    services: Vec<service::OfService<'c>>,
    vrrp_group: Vec<&'c str>,
    arp: ArpAnswer,
    v6: bool,
    checked: Vec<Checked<'c>>,
    marks: Vec<Mark>,
    modules: Vec<String>,
    keepalived_at_least: AtLeast,
    persistent: bool,
}

#[derive(Debug, Serialize)]
struct Itself<'c> {
    name: &'c str,
    keepalived: bool,
    vars: &'c Map<String, Value>,
}

/// Computed once per cluster, since the values of many hosts are large.
pub fn of_cluster(cluster: &Cluster) -> OfCluster<'_> {
    let services = cluster.services.iter();
    let v6 = |service: &Service| service.vips.iter().any(|vip| vip.address.is_ipv6());
    OfCluster {
        cluster: Itself {
            name: &cluster.name,
            keepalived: cluster.keepalived,
            vars: &cluster.vars,
        },
        hosts: &cluster.hosts,
        services: services.map(service::of_service).collect(),
        vrrp_group: cluster.sync_group(),
        arp: cluster.arp,
        v6: cluster.services.iter().any(v6),
        checked: checked(cluster),
        marks: marks(cluster),
        modules: modules(cluster),
        keepalived_at_least: keepalived_release::at_least(cluster),
        persistent: cluster.services.iter().any(|s| s.persistence.is_some()),
    }
}

/// More variables that are the same for all hosts: the tables of the directors, as much again as all others.
#[derive(Debug, Serialize)]
pub struct OfDirectors {
    ipvs: Vec<Ipvs>,
}

pub fn of_directors(cluster: &Cluster) -> OfDirectors {
    OfDirectors {
        ipvs: ipvs(cluster),
    }
}

/// The variables of one host.
#[derive(Debug, Serialize)]
pub struct OfHost<'c> {
    host: &'c Host,
    os: &'c Distribution,
    vrrp: Vec<vrrp::Membership<'c>>,
    real_vips: Vec<RealVip>,
    director_vips: Vec<DirectorVip<'c>>,
    moving_vips: Vec<MovingVip<'c>>,
    silent: bool,
    arp_scopes: ArpScopes<'c>,
    arp_rules: Vec<ArpRule>,
    tunnels: Vec<Tunnel>,
    gateways: Vec<DefaultRoute<'c>>,
    neighbours: Vec<Neighbour<'c>>,
    ipvs_sysctls: Vec<ipvs_sysctl::IpvsSysctl>,
    interface_names: Vec<&'c str>,
    listens: Listens,
    more_web_ports: bool,
    answers: Vec<answer::Answer>,
    exports: Vec<nfs::Exported<'c>>,
    mounts: Vec<nfs::Mount<'c>>,
    checker: checker::Program,
    watched_units: Vec<vrrp::Watched<'c>>,
}

/// Where arp_ignore and arp_announce are set.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ArpScopes<'c> {
    /// The value of the host's `vars`, of any type.
    Own(&'c Value),
    Usual([&'static str; 2]),
}

/// The variables of the hosts of a cluster.
#[derive(Debug)]
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

    pub fn of<'h>(&'h self, host: &'h Host, os: &'h Distribution) -> OfHost<'h> {
        let cluster = self.cluster;
        let serves = self.served.by(host);
        let listens = topology::listens(cluster, host, serves);
        let scopes = host.vars.get("arp_scopes");
        OfHost {
            host,
            os,
            vrrp: vrrp::memberships(cluster, host),
            real_vips: serves.vips(),
            director_vips: topology::director_vips(cluster, host),
            moving_vips: topology::moving_vips(cluster, host),
            silent: topology::silent(cluster, serves),
            arp_scopes: scopes.map_or(ArpScopes::Usual(["all", "lo"]), ArpScopes::Own),
            arp_rules: topology::arp_rules(cluster, host, serves),
            tunnels: serves.tunnels(),
            gateways: topology::default_route(host).into_iter().collect(),
            neighbours: topology::neighbours(cluster, host),
            ipvs_sysctls: ipvs_sysctl::of_directors(cluster, os),
            interface_names: host
                .interfaces
                .iter()
                .map(|nic| nic.name.as_str())
                .collect(),
            more_web_ports: listens.more_web_ports(),
            answers: answer::answers(cluster, &listens, serves, os),
            listens,
            exports: nfs::exports(cluster, host),
            mounts: nfs::mounts(cluster, host, os),
            checker: checker::program(cluster, os),
            watched_units: vrrp::watched_units(cluster, host),
        }
    }
}
