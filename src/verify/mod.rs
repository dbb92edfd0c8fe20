//! Proof that a cluster is what its inventory says: each host, the cluster as a whole, and the service end to end.
//! Nothing is changed. Checks are functions from answers to findings; [`live`] alone sends traffic to other hosts.

pub mod arp;
pub mod check;
pub mod cluster;
pub mod director;
pub mod end_to_end;
pub mod finding;
pub mod firewall;
pub mod host;
pub mod live;
pub mod marks;
pub mod mtu;
pub mod place;
pub mod questions;
pub mod real_server;
pub mod redirect;
pub mod reply;
pub mod source;
pub mod tally;
pub mod vrrp;
pub mod way;

pub use check::Check;
pub use finding::{Finding, Severity};
pub use tally::Tally;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::fact::Facts;
use crate::fact::address::Addresses;
use crate::inventory::model::{Cluster, Host};
use crate::plan::HostPlan;
use crate::run::HostRun;
use crate::secret::Secrets;
use crate::view;
use end_to_end::Replies;

/// A host as checks see it.
pub struct Seen<'a> {
    pub cluster: &'a Cluster,
    pub host: &'a Host,
    pub run: &'a HostRun<'a>,
    pub plan: HostPlan,
    /// What the host got when it asked a VIP that it holds itself.
    pub own: BTreeMap<SocketAddr, Replies>,
}

impl<'a> Seen<'a> {
    pub fn new(cluster: &'a Cluster, run: &'a HostRun<'a>, secrets: &Secrets) -> Self {
        Self {
            cluster,
            host: run.host,
            run,
            plan: run.plan(secrets),
            own: run
                .answer
                .sections
                .get(questions::SECTION)
                .map(questions::own)
                .unwrap_or_default(),
        }
    }

    pub fn name(&self) -> &str {
        &self.host.name
    }

    pub fn facts(&self) -> &Facts {
        &self.run.answer.facts
    }

    pub fn addresses(&self) -> &Addresses {
        &self.facts().address
    }

    /// Whether IPVS counts connections and rates (`run_estimation`, since Linux 6.2).
    pub fn estimates(&self) -> bool {
        let value = self
            .facts()
            .sysctl
            .get("/proc/sys/net/ipv4/vs/run_estimation");
        value.is_none_or(|value| value.trim() != "0")
    }

    /// Why the settings of an interface say nothing: it is not there, or the host does not show them.
    pub fn no_settings(&self, interface: &str) -> Option<String> {
        let links = &self.addresses().links;
        if !links.is_empty() && !links.iter().any(|link| link.name == interface) {
            return Some(format!(
                "there is no interface {interface}; set the host's `interface` in the inventory"
            ));
        }
        let shown = self.facts().sysctl.has_interfaces();
        (!shown).then(|| "the host does not show /proc/sys/net/ipv4/conf/".to_owned())
    }

    /// Why ARP of an interface is of no account.
    pub fn no_arp(&self, interface: &str) -> Option<String> {
        let mut links = self.addresses().links.iter();
        if links.any(|link| link.name == interface && link.no_arp) {
            return Some(format!("{interface} does no ARP (NOARP)"));
        }
        self.no_settings(interface)
    }
}

/// Gives hosts and services their names of the inventory.
fn name(cluster: &Cluster, tally: &mut Tally) {
    let names = view::Names::of(cluster);
    for finding in &mut tally.findings {
        for text in [
            &mut finding.what,
            &mut finding.expected,
            &mut finding.found,
            &mut finding.mend,
        ] {
            *text = names.say(text);
        }
    }
}

/// Everything that can be told from the answers alone.
pub fn offline(
    cluster: &Cluster,
    hosts: &[HostRun],
    clients: &[HostRun],
    secrets: &Secrets,
    tally: &mut Tally,
) {
    let seen: Vec<Seen> = hosts
        .iter()
        .chain(clients)
        .map(|run| Seen::new(cluster, run, secrets))
        .collect();
    for host in &seen {
        host::check(host, tally);
        for note in crate::run::left::notes(cluster, &host.run.answer.manifest) {
            tally.note(&host.host.name, Check::Health, note);
        }
        source::check(host, tally);
        if cluster.serves(host.host) {
            real_server::check(host, tally);
        }
        if host.host.is_director() {
            director::check(host, tally);
        }
        if !(host.host.is_director() || cluster.serves(host.host)) {
            for vip in cluster.service_vips() {
                real_server::nowhere(tally, host, vip);
            }
        }
    }
    cluster::check(cluster, &seen, tally);
    mtu::check(cluster, &seen, tally);
    name(cluster, tally);
}
