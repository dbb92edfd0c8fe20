//! From raw findings to the report: applies waivers, merges findings by cause, groups consequences, and sorts by what to fix
//! first.

use std::net::IpAddr;

use super::findings::Findings;
use super::grouping::{self, Members};
use super::waiver;
use crate::model::{Cluster, Date};
use crate::plan::boot;
use crate::resource::ipvs::KEEPALIVED;
use crate::run::HostRun;
use crate::view;

/// Concludes an audit; `hosts` are those that answered.
pub fn conclude(cluster: &Cluster, hosts: &[HostRun], today: Date, findings: &mut Findings) {
    let directors = hosts.iter().filter(|run| run.host.is_director());
    let held = directors.map(|run| {
        let held = run.answer.facts.address.held.iter();
        let held: Vec<IpAddr> = held.map(|held| held.address).collect();
        (run.host.name.as_str(), held)
    });
    let units = [
        KEEPALIVED.to_owned(),
        boot::unit(&cluster.name),
        view::checker_unit(cluster),
    ];
    let members = Members::of(cluster, units, held);
    waiver::apply(&cluster.waivers, today, findings);
    findings.merge_causes();
    findings.all = grouping::group(&members, std::mem::take(&mut findings.all));
}
