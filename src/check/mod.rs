//! Checks prove that a cluster matches its inventory: each host, the hosts against each other, and each service end to end. A
//! check is a rule and a function from facts to findings; [`registry`] lists them. They change nothing. Only [`traffic`]
//! sends requests to other hosts.

mod arp;
pub mod arp_answer;
mod arptables;
mod audit;
pub mod batch;
mod boot;
mod cause;
mod clients;
mod clocks;
mod conclude;
mod conntrack;
mod definition;
mod docs;
mod drift;
pub mod end_to_end;
mod finding;
mod findings;
pub mod firewall;
mod firewall_fix;
mod flow;
pub mod grouping;
mod guard;
mod health;
mod health_path;
mod interfaces;
mod iptables;
mod ipvs;
mod ipvs_health;
mod ipvs_sync;
mod ipvs_sysctl;
mod ipvs_sysctl_differs;
mod ipvs_timeouts;
mod keepalived;
mod kernel_settings;
mod known;
mod link;
pub mod listener;
mod maintenance;
mod marks;
mod mismatch;
mod nat_rules;
mod neighbour_path;
mod offload;
mod owner;
mod packet_path;
mod packet_route;
mod reachable;
mod real_server;
mod record;
mod redirect;
mod redirects;
pub mod registry;
mod reply_route;
mod running;
mod selection;
mod service_path;
mod source_address;
mod sysctl_at_boot;
mod threshold;
pub mod traffic;
mod tunnel_mtu;
mod unrecorded_drain;
mod vantage;
mod vip;
mod vrrp;
mod vrrp_adverts;
mod vrrp_master;
mod vrrp_path;
mod vrrp_running;
mod waiver;
mod web_page;

pub use audit::{ClusterAudit, HostAudit};
pub use cause::Cause;
pub use conclude::conclude;
pub use definition::{Check, Judge};
pub use docs::markdown;
pub use end_to_end::END_TO_END;
pub use finding::{About, Examined, Finding, Part, Severity, State};
pub use findings::{Findings, Mismatch, Waived};
pub use known::{Changes, Known};
pub(crate) use known::{Report, known};
pub use listener::{Asking, questions};
pub use maintenance::drains;
pub use reachable::{REACHABLE, unreachable};
pub use selection::Selection;
pub(crate) use vantage::Vantage;

use crate::fact::Needs;
use crate::model::{Cluster, Host};
use crate::run::HostRun;
use crate::secret::Secrets;
use crate::view;

/// The facts that all checks read, beyond those of resources.
pub fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    needs_of(&Selection::default(), cluster, host, needs);
}

/// Those of the chosen checks.
pub fn needs_of(selection: &Selection, cluster: &Cluster, host: &Host, needs: &mut Needs) {
    for check in registry::ALL.iter().filter(|check| selection.runs(check)) {
        (check.needs)(cluster, host, needs);
    }
}

/// Replaces addresses in findings by the inventory's names of hosts and services.
fn name(cluster: &Cluster, findings: &mut Findings) {
    let names = view::Names::of(cluster);
    for result in &mut findings.results {
        for text in [&mut result.what, &mut result.evidence] {
            *text = names.say(text);
        }
    }
    for finding in &mut findings.all {
        for part in &mut finding.parts {
            for text in [&mut part.what, &mut part.expected, &mut part.found] {
                *text = names.say(text);
            }
        }
        for text in [
            &mut finding.what,
            &mut finding.expected,
            &mut finding.found,
            &mut finding.fix,
        ] {
            *text = names.say(text);
        }
    }
}

/// Values of several hosts, in one text.
fn list(values: &[(&str, String)]) -> String {
    let all: Vec<String> = values
        .iter()
        .map(|(host, value)| format!("{host} {value}"))
        .collect();
    all.join(", ")
}

/// Makes all checks that need no traffic between hosts.
pub fn offline(
    cluster: &Cluster,
    hosts: &[HostRun],
    clients: &[HostRun],
    secrets: &Secrets,
    findings: &mut Findings,
) {
    let audits: Vec<HostAudit> = hosts
        .iter()
        .chain(clients)
        .map(|run| HostAudit::new(cluster, run, secrets))
        .collect();
    let chosen = findings.selection.clone();
    let chosen = || registry::ALL.iter().filter(|check| chosen.runs(check));
    for audit in &audits {
        for check in chosen() {
            match check.judge {
                Judge::Host(judge) => judge(audit, findings),
                Judge::Director(judge) if audit.host.is_director() => judge(audit, findings),
                _ => {}
            }
        }
    }
    let audit = ClusterAudit {
        cluster,
        hosts: &audits,
    };
    for check in chosen() {
        if let Judge::Cluster(judge) = check.judge {
            judge(&audit, findings);
        }
    }
    name(cluster, findings);
}
