//! Notes of a run on guards: changes that affect the way in of a host, and guards that earlier runs left.

use std::time::Duration;

use crate::event::Event;
use crate::plan::HostPlan;
use crate::probe::Earlier;
use crate::run::guard::SECONDS;
use crate::run::{Fleet, HostRun};
use crate::unix_time::time_of_day;

/// Reads the way in of hosts with changes, where no lock is taken: the probe under the lock reads it otherwise.
pub(super) fn ask_way_in(fleet: &Fleet, hosts: &mut [HostRun], plans: &[HostPlan]) {
    let changed = hosts
        .iter_mut()
        .zip(plans)
        .filter(|(_, plan)| !plan.is_empty());
    fleet.each(changed.collect(), |(host, _): (&mut HostRun, &HostPlan)| {
        host.ask_way_in(&fleet.run);
    });
}

/// Adds notes to the plans of hosts: the guarded changes, and guards of earlier runs. `confirm`: guard all changes for this time.
pub(super) fn look(
    fleet: &Fleet,
    hosts: &mut [HostRun],
    plans: &mut [HostPlan],
    confirm: Option<Duration>,
) {
    let pairs = hosts.iter_mut().zip(plans.iter_mut()).collect();
    fleet.each(pairs, |(host, plan): (&mut HostRun, &mut HostPlan)| {
        plan.notes.extend(host.answer.guard.as_ref().map(earlier));
        if plan.is_empty() {
            return;
        }
        host.guard.confirm = confirm;
        plan.refusals.extend(host.way_in_refusals());
        let seconds = confirm.map_or(SECONDS, |time| time.as_secs());
        let reasons = host.reasons(&fleet.run, plan);
        let what: Vec<String> = reasons
            .iter()
            .map(|reason| format!("{} ({})", reason.what, reason.touch.why))
            .collect();
        if !what.is_empty() {
            plan.notes.push(format!(
                "this change affects lvsctl's access to the host: {}; the host restores its old state after {seconds} s \
                 unless a new connection of lvsctl confirms the change",
                what.join(", ")
            ));
        }
    });
}

fn earlier(guard: &Earlier) -> String {
    match guard {
        Earlier::Armed { until, who } => format!(
            "the guard of an earlier run ({who}) is armed: the host restores its old state at {} by its clock, unless \
             `lvsctl apply` ends well on it before",
            time_of_day(*until)
        ),
        Earlier::Firing => {
            "the guard of an earlier run is putting the old state of this host back now".to_owned()
        }
        Earlier::Fired { at, well } => format!(
            "the guard of an earlier run has fired: at {} by its clock the host restored its old state{}, since no new \
             connection confirmed the change; find out what cut it off before you apply it again",
            time_of_day(*at),
            if *well {
                ""
            } else {
                " in part, see /var/lib/lvsctl/guard on the host"
            }
        ),
    }
}

/// Ends guards and kept previous states of earlier runs, on hosts that are now in the desired state: the connection of this
/// run proves that they are reachable.
pub(super) fn settle(fleet: &Fleet, hosts: Vec<&mut HostRun>) {
    let is_left = |host: &&mut HostRun| host.answer.guard.is_some() || host.has_earlier_previous();
    let left = hosts.into_iter().filter(is_left);
    fleet.each(left.collect(), |host: &mut HostRun| {
        if host.has_earlier_previous() {
            host.forget_earlier_previous(&fleet.run);
        }
        if host.answer.guard.is_none() {
            return;
        }
        let name = host.host.name.clone();
        match host.end_earlier(&fleet.run) {
            Ok(()) => fleet.run.sink.event(&Event::Confirmed { host: name }),
            Err(error) => fleet.run.sink.event(&Event::Failed {
                host: name,
                kind: error.kind(),
                error: crate::error_chain::chain(&error),
            }),
        }
    });
}
