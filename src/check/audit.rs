//! The input of the checks of one host: its part of the inventory, its facts, and its plan.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::end_to_end::Replies;
use super::findings::Findings;
use super::{Check, listener, web_page};
use crate::fact::Facts;
use crate::fact::address::Addresses;
use crate::model::topology::Serves;
use crate::model::{Cluster, Host};
use crate::plan::HostPlan;
use crate::run::HostRun;
use crate::secret::Secrets;

pub struct HostAudit<'a> {
    pub cluster: &'a Cluster,
    pub host: &'a Host,
    pub run: &'a HostRun<'a>,
    /// The services that the host serves.
    pub(super) serves: Serves<'a>,
    secrets: &'a Secrets,
    plan: OnceCell<HostPlan>,
    /// The replies to the host's own requests to VIPs that it holds.
    pub own: BTreeMap<SocketAddr, Replies>,
    /// The replies to the host's own request to its web server, and the requested address.
    pub(super) page: Option<(IpAddr, Replies)>,
}

impl<'a> HostAudit<'a> {
    pub fn new(cluster: &'a Cluster, run: &'a HostRun<'a>, secrets: &'a Secrets) -> Self {
        let asked_itself = run.answer.sections.get(listener::SECTION);
        Self {
            cluster,
            host: run.host,
            run,
            serves: Serves::of(cluster, run.host),
            secrets,
            plan: OnceCell::new(),
            own: asked_itself.map(listener::answers).unwrap_or_default(),
            page: asked_itself.and_then(web_page::answer),
        }
    }

    /// The plan: differences from the desired state. Checks of traffic do not read it.
    pub fn plan(&self) -> &HostPlan {
        self.plan.get_or_init(|| self.run.plan(self.secrets))
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

    /// Why an interface's settings cannot be judged: the interface does not exist, or the host does not show its settings.
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

    /// Skips a subject for a reason of [`Self::no_settings`]. If the host does not show the settings, the result is
    /// "unknown".
    pub(super) fn leave_out(
        &self,
        findings: &mut Findings,
        check: &'static Check,
        what: &str,
        why: &str,
    ) {
        if self.facts().sysctl.has_interfaces() {
            findings.skip(self.name(), check, what, why);
        } else {
            findings.unknown(self.name(), check, what, why);
        }
    }

    /// Why the ARP settings of an interface do not matter.
    pub fn no_arp(&self, interface: &str) -> Option<String> {
        let mut links = self.addresses().links.iter();
        if links.any(|link| link.name == interface && link.no_arp) {
            return Some(format!("{interface} does no ARP (NOARP)"));
        }
        self.no_settings(interface)
    }
}

/// All hosts that answered.
pub struct ClusterAudit<'a> {
    pub cluster: &'a Cluster,
    pub hosts: &'a [HostAudit<'a>],
}
