//! The master of each VRRP instance: the director that serves must be the one that priorities, trackers and `nopreempt`
//! select. Whether exactly one serves is judged in [`super::vip`].

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::running;
use super::vip::holds;
use super::{Cause, ClusterAudit, HostAudit};
use crate::fact::{Needs, keepalived as fact};
use crate::keepalived::{self, CONFIGURATION};
use crate::model::{Cluster, Host, VrrpInstance};
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager;

pub(super) static VRRP_MASTER: Check = Check {
    id: "vrrp-master",
    summary: "The director with the highest priority holds the VIPs, unless `nopreempt` or a takeover that has just happened explains another.",
    reason: "The director that should be master does not take over, and the present master may have no working backup.",
    source: "RFC 9568 6.4, keepalived.conf(5) `priority`, `nopreempt`, `preempt_delay`",
    fix: "`systemctl restart keepalived` on the director that serves, when a failover may happen",
    needs,
    judge: Judge::Cluster(judge),
};

/// Seconds that a takeover may take on a busy host, in addition to the missed adverts.
const SETTLES: f64 = 10.0;

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() && cluster.keepalived {
        needs.clock.get_or_insert_default();
        needs
            .unit
            .get_or_insert_default()
            .insert(KEEPALIVED.to_owned());
        needs
            .file
            .get_or_insert_default()
            .insert(CONFIGURATION.to_owned());
        needs.keepalived.get_or_insert_default().states = true;
    }
}

fn judge(audit: &ClusterAudit, findings: &mut Findings) {
    for instance in &audit.cluster.vrrp {
        let members: Option<Vec<Member>> = instance
            .members
            .iter()
            .map(|member| {
                let director = audit
                    .hosts
                    .iter()
                    .find(|audit| audit.host.name == member.host)?;
                Some(Member::of(director, instance, member.priority))
            })
            .collect();
        // Without the answer of every member, the expected master is not known.
        let Some(members) = members else {
            continue;
        };
        let name = &instance.name;
        match verdict(&members, instance.advert_int) {
            Verdict::Unknown => {}
            Verdict::Right => {
                let holder = members.iter().find(|member| member.holds);
                let read = holder.map_or_else(String::new, |m| {
                    format!("on {}, priority {}", m.host, m.priority)
                });
                findings.pass_of("", &VRRP_MASTER, name.as_str(), read);
            }
            Verdict::Explained(holder, why) => findings.skip(holder, &VRRP_MASTER, name, &why),
            Verdict::Wrong { holder, expected } => {
                let log = service_manager::where_it_logs(KEEPALIVED);
                let mismatch = Mismatch::new(
                    format!("{name} on {}, whose priority is {}", expected.host, expected.priority),
                    format!("on {}, whose priority is {}", holder.host, holder.priority),
                    format!(
                        "`systemctl restart keepalived` on {}, when a failover may happen: {} takes over; if it does not, see on {} {log}",
                        holder.host, expected.host, expected.host
                    ),
                )
                .because(Some(Cause::Unit(KEEPALIVED.to_owned())));
                findings.fail(holder.host, &VRRP_MASTER, name, mismatch);
            }
        }
    }
}

/// A director as a member of an instance.
#[derive(Debug, Clone, PartialEq)]
struct Member<'a> {
    host: &'a str,
    /// The effective priority, by its file and its trackers.
    priority: i32,
    nopreempt: bool,
    /// Seconds that it waits until it takes over.
    delay: f64,
    /// Whether it has all VIPs of the instance.
    holds: bool,
    /// Whether keepalived runs there and the instance is not in FAULT.
    takes_part: bool,
    /// Whether keepalived may run with another configuration than its file.
    stale: bool,
    /// Seconds since keepalived started, reloaded, or the instance last changed its state.
    settled: Option<f64>,
}

impl<'a> Member<'a> {
    fn of(director: &'a HostAudit, instance: &VrrpInstance, priority: u8) -> Self {
        let facts = director.facts();
        let text = facts
            .file
            .get(CONFIGURATION)
            .map_or("", |file| file.content.as_str());
        let own = keepalived::instances(text)
            .into_iter()
            .find(|own| own.name == instance.name);
        let log = &facts.keepalived.log;
        let written = own.as_ref().and_then(|own| own.priority.parse().ok());
        let tracked = log
            .priorities
            .get(&instance.name)
            .map(|priority| i32::from(*priority));
        let unit = facts.unit.units.get(KEEPALIVED);
        let runs =
            unit.is_some_and(|unit| unit.active) && running::keepalived::broken(director).is_none();
        let fault = log.states.get(&instance.name) == Some(&fact::State::Fault);
        let me = instance.member(director.host);
        let down = me.is_some_and(|me| director.addresses().is_up(&me.interface) == Some(false));
        let settled = facts.clock.now().map(|now| {
            let started = unit.map_or(0.0, |unit| unit.changed.seconds(&facts.clock));
            let moved = log.since.get(&instance.name).copied().unwrap_or(0.0);
            let reloaded = log.reloaded.unwrap_or(0.0);
            now - started.max(moved).max(reloaded)
        });
        Self {
            host: director.name(),
            priority: tracked.or(written).unwrap_or(i32::from(priority)),
            nopreempt: own.as_ref().map_or(!instance.preempt, |own| own.nopreempt),
            delay: own.map_or(0.0, |own| own.preempt_delay),
            holds: !instance.vips.is_empty()
                && instance.vips.iter().all(|vip| holds(director, vip.address)),
            takes_part: runs && !fault && !down,
            stale: running::loaded::is_stale(director),
            settled,
        }
    }
}

#[derive(Debug, PartialEq)]
enum Verdict<'m> {
    Right,
    Wrong {
        holder: &'m Member<'m>,
        expected: &'m Member<'m>,
    },
    /// Another director serves, with a known reason.
    Explained(&'m str, String),
    /// Not judged here; another check reports it.
    Unknown,
}

fn verdict<'m>(members: &'m [Member<'m>], advert_int: f64) -> Verdict<'m> {
    let mut holders = members.iter().filter(|member| member.holds);
    let (Some(holder), None) = (holders.next(), holders.next()) else {
        return Verdict::Unknown;
    };
    let able = || members.iter().filter(|member| member.takes_part);
    let Some(most) = able().map(|member| member.priority).max() else {
        return Verdict::Unknown;
    };
    let mut best = able().filter(|member| member.priority == most);
    let (Some(expected), None) = (best.next(), best.next()) else {
        return Verdict::Unknown;
    };
    if expected == holder {
        return Verdict::Right;
    }
    // A holder without a working keepalived is reported by other checks, with the reason.
    if !holder.takes_part {
        return Verdict::Unknown;
    }
    let explained = |why: String| {
        Verdict::Explained(
            holder.host,
            format!("it serves instead of {}: {why}", expected.host),
        )
    };
    if expected.nopreempt {
        return explained(format!("{} does not preempt (`nopreempt`)", expected.host));
    }
    if let Some(stale) = [holder, expected].into_iter().find(|member| member.stale) {
        return explained(format!(
            "{} may run with another priority than its file says",
            stale.host
        ));
    }
    let long = advert_int * 4.0 + expected.delay + SETTLES;
    let young = [holder, expected]
        .into_iter()
        .find(|member| member.settled.is_some_and(|seconds| seconds < long));
    if let Some(young) = young {
        return explained(format!(
            "{} started, reloaded or changed its state less than {long:.0} s ago",
            young.host
        ));
    }
    Verdict::Wrong { holder, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(host: &'static str, priority: i32, holds: bool) -> Member<'static> {
        Member {
            host,
            priority,
            nopreempt: false,
            delay: 0.0,
            holds,
            takes_part: true,
            stale: false,
            settled: Some(3600.0),
        }
    }

    fn lb1(holds: bool) -> Member<'static> {
        member("lb1", 100, holds)
    }

    fn lb2(holds: bool) -> Member<'static> {
        member("lb2", 90, holds)
    }

    fn lb3(holds: bool) -> Member<'static> {
        member("lb3", 80, holds)
    }

    fn fault(member: Member<'static>) -> Member<'static> {
        Member {
            takes_part: false,
            ..member
        }
    }

    fn nopreempt(member: Member<'static>) -> Member<'static> {
        Member {
            nopreempt: true,
            ..member
        }
    }

    fn since(seconds: f64, member: Member<'static>) -> Member<'static> {
        Member {
            settled: Some(seconds),
            ..member
        }
    }

    fn priority(priority: i32, member: Member<'static>) -> Member<'static> {
        Member { priority, ..member }
    }

    fn expect(cases: Vec<(&str, Vec<Member<'static>>, &str)>) {
        for (about, members, want) in cases {
            let found = match verdict(&members, 1.0) {
                Verdict::Right => "right".to_owned(),
                Verdict::Unknown => "unknown".to_owned(),
                Verdict::Wrong { holder, expected } => {
                    format!("wrong: {}, not {}", holder.host, expected.host)
                }
                Verdict::Explained(_, why) => {
                    let (_, why) = why.split_once(": ").unwrap();
                    format!("explained: {why}")
                }
            };
            assert!(found.starts_with(want), "{about}: {found}");
        }
    }

    #[test]
    fn who_should_serve() {
        expect(vec![
            ("the highest serves", vec![lb1(true), lb2(false)], "right"),
            (
                "the second serves",
                vec![lb1(false), lb2(true)],
                "wrong: lb2, not lb1",
            ),
            (
                "the third serves",
                vec![lb1(false), lb2(false), lb3(true)],
                "wrong: lb3, not lb1",
            ),
            (
                "the highest is in FAULT or stopped",
                vec![fault(lb1(false)), lb2(true)],
                "right",
            ),
            (
                "... and the third serves",
                vec![fault(lb1(false)), lb2(false), lb3(true)],
                "wrong: lb3, not lb2",
            ),
            (
                "no director serves",
                vec![lb1(false), lb2(false)],
                "unknown",
            ),
            ("two serve", vec![lb1(true), lb2(true)], "unknown"),
            (
                "all are in FAULT",
                vec![fault(lb1(false)), fault(lb2(true))],
                "unknown",
            ),
            (
                "who serves is stopped",
                vec![lb1(false), fault(lb2(true))],
                "unknown",
            ),
            (
                "equal priorities",
                vec![lb1(false), priority(100, lb2(true))],
                "unknown",
            ),
            (
                "a tracker lowers the highest",
                vec![priority(50, lb1(false)), lb2(true)],
                "right",
            ),
            (
                "a tracker raises the second",
                vec![lb1(true), priority(110, lb2(false))],
                "wrong: lb1, not lb2",
            ),
            ("one alone", vec![lb1(true)], "right"),
            (
                "a third that waits",
                vec![lb1(true), lb2(false), lb3(false)],
                "right",
            ),
        ]);
    }

    #[test]
    fn why_another_may_serve() {
        let stale = |member: Member<'static>| Member {
            stale: true,
            ..member
        };
        let delay = |delay, member: Member<'static>| Member { delay, ..member };
        expect(vec![
            (
                "the highest does not preempt",
                vec![nopreempt(lb1(false)), lb2(true)],
                "explained: lb1 does not preempt",
            ),
            (
                "nopreempt of the one that serves",
                vec![lb1(false), nopreempt(lb2(true))],
                "wrong: lb2, not lb1",
            ),
            (
                "a takeover just happened",
                vec![lb1(false), since(3.0, lb2(true))],
                "explained: lb2 started",
            ),
            (
                "the highest has just started",
                vec![since(5.0, lb1(false)), lb2(true)],
                "explained: lb1 started",
            ),
            (
                "it waits a while",
                vec![delay(300.0, since(200.0, lb1(false))), lb2(true)],
                "explained: lb1 started",
            ),
            (
                "it has waited",
                vec![delay(100.0, since(200.0, lb1(false))), lb2(true)],
                "wrong: lb2, not lb1",
            ),
            (
                "it runs with an older file",
                vec![lb1(false), stale(lb2(true))],
                "explained: lb2 may run",
            ),
        ]);
    }
}
