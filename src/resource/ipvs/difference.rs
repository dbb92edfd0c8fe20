//! Differences between the kernel's virtual service and the desired one, and the steps that correct them. Whether a missing
//! real server is a difference is decided by [`Ipvs::is_unhealthy`].

use super::{Context, Destination, Ipvs, KEEPALIVED, Served, Table, method, script};
use crate::fact::Facts;
use crate::resource::Change;
use crate::resource::service_manager::ServiceManager;

/// The differences between the desired and the running service, by real server.
pub(super) struct Difference<'a> {
    pub missing: Vec<&'a Destination>,
    pub altered: Vec<(&'a Destination, &'a Destination)>,
    pub extra: Vec<&'a Destination>,
    /// The sorry server that keepalived left in the table.
    pub sorry: Option<&'a Destination>,
}

impl<'a> Difference<'a> {
    pub(super) fn new(desired: &'a Ipvs, table: &'a Table, cx: &Context) -> Self {
        // If keepalived has yet to load the configuration, no health checker has removed any of its real servers.
        let unhealthy: Vec<&Destination> = if cx.loads_keepalived() {
            Vec::new()
        } else {
            desired.unhealthy(table).collect()
        };
        let Some(served) = desired.served(table) else {
            return Self {
                missing: desired.real_servers.iter().collect(),
                altered: Vec::new(),
                extra: Vec::new(),
                sorry: None,
            };
        };
        let have = &served.real_servers;
        let drained = desired.drained_before(cx);
        let missing = desired
            .real_servers
            .iter()
            .filter(|rs| !have.contains_key(&rs.address) && !unhealthy.contains(rs))
            .collect();
        let altered = desired
            .real_servers
            .iter()
            .filter_map(|rs| Some((rs, have.get(&rs.address)?)))
            // A real server with weight 0 in the kernel was drained by an operator and stays so, unless the inventory had
            // drained it.
            .filter(|(rs, found)| {
                (rs.mode, &rs.tunnel) != (found.mode, &found.tunnel)
                    || (rs.weight != found.weight
                        && (found.weight != 0 || drained.contains(&rs.address)))
            })
            .collect();
        let sorry = desired.left_over(served);
        let extra = have
            .values()
            .filter(|found| sorry != Some(*found))
            .filter(|found| !desired.stands_in(table, found.address))
            .filter(|found| {
                !desired
                    .real_servers
                    .iter()
                    .any(|rs| rs.address == found.address)
            })
            .collect();
        Self {
            missing,
            altered,
            extra,
            sorry,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.missing.is_empty()
            && self.altered.is_empty()
            && self.extra.is_empty()
            && self.sorry.is_none()
    }
}

/// The parts of a change.
impl Ipvs {
    fn shown(rs: &Destination) -> String {
        let tunnel = rs.tunnel.iter().map(|options| format!(" {options}"));
        let shown = format!("{} weight {}", method(rs.mode), rs.weight);
        tunnel.fold(shown, |shown, options| shown + &options)
    }

    /// What differs. `redefine`: the service is `served` with another definition, or not at all.
    pub(super) fn fields(
        &self,
        mut change: Change,
        difference: &Difference<'_>,
        redefine: bool,
        served: Option<&Served>,
    ) -> Change {
        if redefine {
            change = change.field(
                "service",
                served.map(|s| script::options(&s.definition)),
                Some(script::options(&self.service)),
            );
        }
        let real_server = |address| format!("real server {address}");
        for rs in &difference.missing {
            let to = Some(Self::shown(rs));
            change = change.field(&real_server(rs.address), None::<&str>, to);
        }
        for (rs, found) in &difference.altered {
            let (from, to) = (Some(Self::shown(found)), Some(Self::shown(rs)));
            change = change.field(&real_server(rs.address), from, to);
        }
        for found in &difference.extra {
            let from = Some(Self::shown(found));
            change = change.field(&real_server(found.address), from, None::<&str>);
        }
        if let Some(found) = difference.sorry {
            change = change.field(
                &format!("sorry server {} beside real servers", found.address),
                Some(Self::shown(found)),
                None::<&str>,
            );
        }
        change
    }

    /// The steps for the real servers.
    pub(super) fn steps(
        &self,
        mut change: Change,
        difference: &Difference<'_>,
        facts: &Facts,
    ) -> Change {
        let service = self.service.r#virtual;
        // A healthy real server may be missing because keepalived has not checked it since. If lvsctl added it then, it would
        // stay in the table after its next failure: keepalived removes only what it has added.
        let returning: Vec<&Destination> = if self.keepalived && self.return_time > 0 {
            let asked = |rs: &&&Destination| !rs.asks.is_empty();
            difference.missing.iter().filter(asked).copied().collect()
        } else {
            Vec::new()
        };
        if !returning.is_empty() {
            change = change.step(
                format!(
                    "wait at most {} s for keepalived to put back what is well again",
                    self.return_time
                ),
                script::wait_for_return(self, &returning),
            );
        }
        for rs in &difference.missing {
            let add = if returning.contains(rs) {
                script::add_if_well(self, rs)
            } else {
                script::real_server("-a", service, rs)
            };
            change = change.step(format!("add real server {}", rs.address), add);
        }
        for (rs, _) in &difference.altered {
            let edit = script::real_server("-e", service, rs);
            change = change.step(format!("edit real server {}", rs.address), edit);
        }
        for found in &difference.extra {
            let forget = script::forget(service, found.address);
            change = change.step(format!("remove real server {}", found.address), forget);
        }
        if let Some(found) = difference.sorry {
            let reload = ServiceManager::of(&facts.system).reload(KEEPALIVED);
            change = change.step(
                format!(
                    "have keepalived take out the sorry server {}",
                    found.address
                ),
                script::take_out_sorry(self, found.address, &reload),
            );
        }
        change
    }
}
