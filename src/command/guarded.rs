//! What a run says of guards: which changes touch the way in of a host, and what guards earlier runs left.

use std::time::Duration;

use crate::event::Event;
use crate::plan::HostPlan;
use crate::probe::Earlier;
use crate::run::guard::SECONDS;
use crate::run::{Fleet, HostRun};
use crate::unix_time::time_of_day;

/// Asks the hosts that have something to do for their way in, and puts into their plans which changes are guarded, and what
/// an earlier run left. `confirm`: all changes are guarded, for so long.
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
        host.ask_way_in();
        plan.refusals.extend(host.way_in_refusals());
        let seconds = confirm.map_or(SECONDS, |time| time.as_secs());
        let reasons = host.reasons(&fleet.run, plan);
        let what: Vec<String> = reasons
            .iter()
            .map(|reason| format!("{} ({})", reason.what, reason.touch.why))
            .collect();
        if !what.is_empty() {
            plan.notes.push(format!(
                "this touches the way in of lvsctl: {}; the host puts its old state back after {seconds} s, unless lvsctl \
                 reaches it by a new connection then",
                what.join(", ")
            ));
        }
    });
}

fn earlier(guard: &Earlier) -> String {
    match guard {
        Earlier::Armed { until, who } => format!(
            "the guard of an earlier run ({who}) is armed: the host puts its old state back at {} by its clock, unless \
             `lvsctl apply` ends well on it before",
            time_of_day(*until)
        ),
        Earlier::Firing => {
            "the guard of an earlier run is putting the old state of this host back now".to_owned()
        }
        Earlier::Fired { at, well } => format!(
            "the guard of an earlier run has fired: at {} by its clock the host put its old state back{}, since no new \
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

/// Ends what earlier runs left on hosts that are as wanted now: their guards, since a connection of this run has reached the
/// hosts, and their previous states.
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
