//! The wait for convergence after changes: until each VIP is on one director and the health checkers have added the real
//! servers that answer again. A successful run thus leaves a cluster that serves and that the next run does not change.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::fleet::Fleet;
use super::host::HostRun;
use crate::fact::Needs;
use crate::fact::address::Addresses;
use crate::fact::keepalived::{self, State};
use crate::keepalived::CONFIGURATION;
use crate::model::{Cluster, Service, VrrpInstance};
use crate::plan::{HostPlan, load};
use crate::resource::change::Step;
use crate::resource::ipvs::{Ipvs, KEEPALIVED};
use crate::resource::{Change, Kind, service_manager};

/// How often the directors are asked.
const PAUSE: Duration = Duration::from_millis(250);

/// Consecutive observations of the same difference before a repair: by then keepalived has finished its reload.
const STABLE: u32 = 4;

/// The most repairs of the IPVS table that a run makes after a reload of keepalived.
pub const REPAIRS: u32 = 3;

/// A reason why the cluster has not converged in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsettled {
    /// No director holds the VIP; why, where that is known.
    NoMaster(IpAddr, String),
    /// More than one does.
    Masters(IpAddr, Vec<String>),
    /// A director differs from the desired state again, although its plan was done.
    Differs(String, Vec<String>),
}

impl std::fmt::Display for Unsettled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let journal = format!(
            "on the directors, see {}",
            service_manager::where_it_logs(KEEPALIVED)
        );
        match self {
            Self::NoMaster(vip, why) => {
                write!(f, "no director has taken the VIP {vip}{why}; {journal}")
            }
            Self::Masters(vip, hosts) => write!(
                f,
                "the VIP {vip} is on several directors ({}): they do not hear each other's adverts; {journal}",
                hosts.join(", ")
            ),
            Self::Differs(host, what) => {
                write!(
                    f,
                    "{host} differs again: {}; `plan` shows how",
                    what.join(", ")
                )
            }
        }
    }
}

/// Number of rounds without any change after which the wait ends. A backup takes over after three missed adverts and a skew
/// (RFC 9568, 6.1); a real server returns with the next health checks. Rounds are counted, not seconds, since loaded hosts
/// need longer for both, and for their answers.
fn patience(cluster: &Cluster) -> u32 {
    let advert = cluster.vrrp.iter().map(|instance| instance.advert_int);
    let round = cluster.services.iter().map(|service| {
        let answer = service
            .health_check
            .as_ref()
            .map_or(0, |c| c.connect_timeout);
        f64::from(service.delay_loop + answer)
    });
    let (advert, round) = (advert.fold(1.0, f64::max), round.fold(0.0, f64::max));
    let seconds = 10.0 + 4.0 * advert + round;
    // The inventory bounds all intervals, so the number fits.
    (seconds / PAUSE.as_secs_f64()).ceil() as u32
}

/// The asked directors that hold a VIP.
type Holders = Vec<String>;

/// Whether a VIP will not move: the first member holds it, or any one member holds it and members do not preempt.
fn at_rest(instance: &VrrpInstance, holders: &Holders) -> bool {
    let first = instance.members.first().map(|member| &member.host);
    match holders.as_slice() {
        [one] => !instance.preempt || Some(one) == first,
        _ => false,
    }
}

/// The result for a VIP at the end of the wait. A VIP on a member of lower priority is served; `verify` reports the reason.
fn served(vip: IpAddr, holders: Holders) -> Option<Unsettled> {
    match holders.len() {
        0 => Some(Unsettled::NoMaster(vip, String::new())),
        1 => None,
        _ => Some(Unsettled::Masters(vip, holders)),
    }
}

/// Whether keepalived or health checkers go on changing the cluster after a run's last step.
pub fn changes_by_itself(cluster: &Cluster) -> bool {
    let checked = |service: &Service| service.health_check.is_some();
    cluster.keepalived || cluster.services.iter().any(checked)
}

/// Waits; returns what has not converged in time. Considers only instances all of whose members are in `directors`. Repairs
/// the IPVS table at most `repairs` times; must be 0 if the hosts are not locked.
pub fn wait(fleet: &Fleet, directors: &mut [&mut HostRun], repairs: u32) -> Vec<Unsettled> {
    let cluster = fleet.run.desired();
    let in_hand = |instance: &&VrrpInstance| {
        instance
            .members
            .iter()
            .all(|member| directors.iter().any(|run| run.host.name == member.host))
    };
    let instances: Vec<&VrrpInstance> = cluster.vrrp.iter().filter(in_hand).collect();
    let patience = patience(cluster);
    let mut left = patience;
    // A VIP that moves back and forth resets `left` again and again, so the rounds have a bound.
    let mut rounds = 0;
    let mut last = None;
    let (mut same, mut repaired) = (0, 0);
    loop {
        let held: Vec<(&VrrpInstance, IpAddr, Holders)> = {
            // Without VRRP no VIP moves.
            let asked = directors.iter_mut().filter(|_| !instances.is_empty());
            let addresses: Vec<(String, Addresses)> = asked.map(|run| addresses(run)).collect();
            let vips = instances.iter().flat_map(|instance| {
                instance
                    .vips
                    .iter()
                    .map(move |vip| (*instance, vip.address))
            });
            vips.map(|(instance, vip)| (instance, vip, holders(&addresses, vip)))
                .collect()
        };
        let vips_rest = held
            .iter()
            .all(|(instance, _, holders)| at_rest(instance, holders));
        let late = left == 0 || rounds > 3 * patience || fleet.run.cancel.is_cancelled();
        let mut seen = (holders_of(&held), Vec::new(), Vec::new());
        if vips_rest || late {
            let differing = differing(fleet, directors);
            let returning = returning(cluster, directors);
            // `verify` reports a real server that is still missing at the end of the wait.
            if (differing.is_empty() && returning.is_empty()) || late {
                let vips = held
                    .into_iter()
                    .filter_map(|(_, vip, holders)| served(vip, holders));
                return vips.chain(differing).collect();
            }
            seen.1 = differing;
            seen.2 = returning;
        }
        if last.as_ref() == Some(&seen) {
            left -= 1;
            same += 1;
        } else {
            left = patience;
            same = 0;
        }
        if !seen.1.is_empty() && same >= STABLE && repaired < repairs {
            repaired += 1;
            same = 0;
            for run in directors.iter_mut() {
                repair(fleet, run);
            }
        }
        last = Some(seen);
        rounds += 1;
        std::thread::sleep(PAUSE);
    }
}

/// Seconds for which a VIP may be on no director during a takeover: three missed adverts, a skew, and a margin.
fn handover(instance: &VrrpInstance) -> f64 {
    2.0 + 4.0 * instance.advert_int
}

/// A VIP that no director holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unheld {
    pub vip: IpAddr,
    /// The VRRP state of each member, from keepalived's log; None: the log does not show it.
    pub states: Vec<(String, Option<State>)>,
}

impl Unheld {
    /// Whether keepalived should hold the VIP: a member is in state MASTER, or no log shows a state.
    pub fn is_lost(&self) -> bool {
        let known = self.states.iter().filter_map(|(_, state)| *state);
        let any_master = known.clone().any(|state| state == State::Master);
        any_master || known.count() == 0
    }

    /// Whether a host is a member of the VIP's instance.
    pub fn concerns(&self, host: &str) -> bool {
        self.states.iter().any(|(member, _)| member == host)
    }

    /// The states of the members, as text.
    pub fn why(&self) -> String {
        let each = self.states.iter().map(|(host, state)| match state {
            Some(state) => format!("{host} is in {state}"),
            None => format!("the log of {host} does not say its state"),
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// VIPs that no director holds although keepalived runs with them in its file. Considers only instances all of whose members
/// are in `directors`, and waits for the time of a takeover.
pub fn unheld(fleet: &Fleet, directors: &mut [&mut HostRun]) -> Vec<Unheld> {
    let mut left = missing(fleet.run.desired(), directors);
    let longest = left.iter().map(|(_, instance)| handover(instance));
    let end = Instant::now() + Duration::from_secs_f64(longest.fold(0.0, f64::max));
    while !left.is_empty() && Instant::now() < end && !fleet.run.cancel.is_cancelled() {
        std::thread::sleep(PAUSE);
        let found: Vec<(String, Addresses)> =
            directors.iter_mut().map(|run| addresses(run)).collect();
        left.retain(|(vip, _)| holders(&found, *vip).is_empty());
    }
    let member = |instance: &VrrpInstance, host: &str| {
        let mut members = instance.members.iter();
        members.any(|member| member.host == host)
    };
    let asked = directors.iter_mut().filter(|run| {
        let mut instances = left.iter().map(|(_, instance)| instance);
        instances.any(|instance| member(instance, &run.host.name))
    });
    let logged = fleet.each(asked.collect(), |run| {
        let states = run.facts("asking for the state of VRRP", &states());
        let states = states.map(|facts| facts.keepalived.log.states);
        (run.host.name.clone(), states.unwrap_or_default())
    });
    let of = |(vip, instance): (IpAddr, &VrrpInstance)| {
        let members = logged.iter().filter(|(host, _)| member(instance, host));
        let states =
            members.map(|(host, states)| (host.clone(), states.get(&instance.name).copied()));
        Unheld {
            vip,
            states: states.collect(),
        }
    };
    left.into_iter().map(of).collect()
}

/// The facts that show the states of VRRP instances.
fn states() -> Needs {
    let ask = keepalived::Ask {
        states: true,
        ..keepalived::Ask::default()
    };
    Needs {
        keepalived: Some(ask),
        ..Needs::default()
    }
}

/// VIPs that no director held at its last answer, with their instances.
fn missing<'c>(
    cluster: &'c Cluster,
    directors: &[&mut HostRun],
) -> Vec<(IpAddr, &'c VrrpInstance)> {
    let of = |name: &str| directors.iter().find(|run| run.host.name == name);
    let held = |vip: IpAddr| {
        let mut runs = directors.iter();
        runs.any(|run| run.answer.facts.address.has(vip))
    };
    let has = |name: &str, vip: IpAddr| {
        of(name).is_some_and(|run| {
            let observed = &run.answer.facts;
            let file = observed.file.get(CONFIGURATION);
            observed.unit.is_active(KEEPALIVED)
                && file.is_some_and(|file| load::names(&file.content, vip))
        })
    };
    let mut all = Vec::new();
    for instance in &cluster.vrrp {
        let members = || instance.members.iter().map(|member| member.host.as_str());
        if !members().all(|name| of(name).is_some()) {
            continue;
        }
        let vips = instance.vips.iter().map(|vip| vip.address);
        let lacking = vips.filter(|vip| !held(*vip) && members().any(|name| has(name, *vip)));
        all.extend(lacking.map(|vip| (vip, instance)));
    }
    all
}

fn holders_of(held: &[(&VrrpInstance, IpAddr, Holders)]) -> Vec<Holders> {
    held.iter().map(|(_, _, holders)| holders.clone()).collect()
}

/// A host's name and addresses; no addresses if the host does not answer, which its next probe reports.
fn addresses(run: &mut HostRun) -> (String, Addresses) {
    let needs = Needs {
        address: Some(Default::default()),
        ..Needs::default()
    };
    let found = run.facts("waiting for a master", &needs);
    let name = run.host.name.clone();
    (name, found.map(|facts| facts.address).unwrap_or_default())
}

fn holders(addresses: &[(String, Addresses)], vip: IpAddr) -> Holders {
    let has = addresses.iter().filter(|(_, found)| found.has(vip));
    has.map(|(name, _)| name.clone()).collect()
}

/// Real servers that health checkers are about to add, by the last answers of the directors.
fn returning(cluster: &Cluster, directors: &[&mut HostRun]) -> Vec<String> {
    let answers: Vec<_> = directors
        .iter()
        .map(|run| (run.host.name.as_str(), &run.answer))
        .collect();
    let all = super::steady::returning(cluster, &answers);
    all.into_iter().map(|(name, _)| name).collect()
}

fn differing(fleet: &Fleet, directors: &mut [&mut HostRun]) -> Vec<Unsettled> {
    let mut all = Vec::new();
    for run in directors.iter_mut() {
        let what = match run.differs(&fleet.run) {
            Ok(what) => what,
            Err(error) => vec![error.to_string()],
        };
        if !what.is_empty() {
            all.push(Unsettled::Differs(run.host.name.clone(), what));
        }
    }
    all
}

/// The steps of a plan that differs in the IPVS table alone, else none. keepalived has already read its configuration and
/// does not correct these differences; a real server that its health checker has removed is not a difference.
fn repairs(plan: &HostPlan) -> &[Step] {
    let table = |change: &Change| change.kind == Ipvs::NAME && change.refused.is_none();
    if plan.changes.iter().all(table) {
        &plan.steps
    } else {
        &[]
    }
}

/// Runs the repair steps within the same run. Remaining differences are reported at the end.
fn repair(fleet: &Fleet, run: &mut HostRun) {
    let plan = run.plan(fleet.run.secrets);
    // A failed step shows as a difference that stays.
    run.steps(&fleet.run, repairs(&plan)).ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};
    use crate::resource::Action;
    use crate::resource::change::Phase;

    #[test]
    fn only_differences_of_the_table_are_repaired_after_a_reload() {
        let plan = |kinds: &[&'static str]| HostPlan {
            host: "lb1".to_owned(),
            changes: kinds
                .iter()
                .map(|kind| Change::new(kind, "x", Action::Update))
                .collect(),
            adopts: Vec::new(),
            notes: Vec::new(),
            refusals: Vec::new(),
            replaces: Vec::new(),
            load: None,
            steps: vec![Step::new("one", "true", Phase::Main)],
        };
        for (kinds, repaired) in [
            (&["ipvs"][..], true),
            (&["ipvs", "ipvs"], true),
            (&["ipvs", "unit"], false),
            (&["file"], false),
        ] {
            assert_eq!(!repairs(&plan(kinds)).is_empty(), repaired, "{kinds:?}");
        }
    }

    fn instance(preempt: bool) -> VrrpInstance {
        let text = format!(
            "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: {{ role: director, address: 10.0.0.1 }}\n  \
             lb2: {{ role: backup, address: 10.0.0.2 }}\n  rs1: {{ role: realserver, address: 10.0.0.3 }}\n\
             vrrp: {{ virtual_router_id: 1, preempt: {preempt} }}\nservices: {{ web: {{ vip: 10.0.0.9, port: 80 }} }}\n"
        );
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES).expect("a valid inventory");
        loaded.cluster.vrrp[0].clone()
    }

    #[test]
    fn a_vip_rests_with_the_first_member_or_with_who_keeps_it() {
        for (preempt, holders, rests) in [
            (true, vec!["lb1"], true),
            (true, vec!["lb2"], false),
            (true, vec!["lb1", "lb2"], false),
            (true, vec![], false),
            (false, vec!["lb2"], true),
            (false, vec!["lb1"], true),
            (false, vec![], false),
        ] {
            let holders: Holders = holders.into_iter().map(str::to_owned).collect();
            assert_eq!(
                at_rest(&instance(preempt), &holders),
                rests,
                "{preempt} {holders:?}"
            );
        }
    }

    #[test]
    fn a_vip_that_one_director_holds_is_served() {
        let vip: IpAddr = [10, 0, 0, 9].into();
        let names = |n: usize| {
            ["lb1", "lb2"][..n]
                .iter()
                .map(|s| (*s).to_owned())
                .collect::<Holders>()
        };
        assert_eq!(
            served(vip, names(0)),
            Some(Unsettled::NoMaster(vip, String::new()))
        );
        assert_eq!(served(vip, names(1)), None);
        assert_eq!(
            served(vip, names(2)),
            Some(Unsettled::Masters(vip, names(2)))
        );
    }
}
