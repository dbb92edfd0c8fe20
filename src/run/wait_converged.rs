//! After changes: waits until the VIPs are where they belong and health checkers have taken real servers back that answer
//! again, so that a run which ends well leaves a cluster that serves, and the next run finds nothing to do.

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

/// How often in a row a difference must be seen before it is repaired: keepalived is done with its reload then.
const STABLE: u32 = 4;

/// How often a run that makes changes repairs what keepalived left.
pub const REPAIRS: u32 = 3;

/// What had not come right in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsettled {
    /// No director holds the VIP; why, where that is known.
    NoMaster(IpAddr, String),
    /// More than one does.
    Masters(IpAddr, Vec<String>),
    /// A director that its plan had made right differs again.
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

/// How often the directors are asked without any change before the wait ends. A director takes over after three adverts
/// and a skew did not come (RFC 9568, 6.1), and a real server comes back with the next round of health checks. Rounds are
/// counted and not seconds: loaded hosts need longer for both, and for their answers too.
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
    // Bounds of the inventory keep it small.
    (seconds / PAUSE.as_secs_f64()).ceil() as u32
}

/// Who holds a VIP, of those that were asked.
type Holders = Vec<String>;

/// Whether a VIP is where it stays: with the first member, or with any one where the first does not take it back.
fn at_rest(instance: &VrrpInstance, holders: &Holders) -> bool {
    let first = instance.members.first().map(|member| &member.host);
    match holders.as_slice() {
        [one] => !instance.preempt || Some(one) == first,
        _ => false,
    }
}

/// At the end of patience: a VIP that a lower member holds is served, and why it does is for `verify` to say.
fn served(vip: IpAddr, holders: Holders) -> Option<Unsettled> {
    match holders.len() {
        0 => Some(Unsettled::NoMaster(vip, String::new())),
        1 => None,
        _ => Some(Unsettled::Masters(vip, holders)),
    }
}

/// Whether a cluster changes by itself after a run: keepalived moves VIPs, and health checkers take real servers back.
pub fn changes_by_itself(cluster: &Cluster) -> bool {
    let checked = |service: &Service| service.health_check.is_some();
    cluster.keepalived || cluster.services.iter().any(checked)
}

/// What has not settled in time; asks only of instances whose members are all in hand. What keepalived left in the table
/// is repaired so often; on hosts that are not locked it must not be.
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
    // A VIP that moves to and fro is no progress for ever.
    let mut rounds = 0;
    let mut last = None;
    let (mut same, mut repaired) = (0, 0);
    loop {
        let held: Vec<(&VrrpInstance, IpAddr, Holders)> = {
            let addresses: Vec<(String, Addresses)> =
                directors.iter_mut().map(|run| addresses(run)).collect();
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
            // One that its checker still leaves out when it is late is for `verify` to report.
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

/// How long a VIP may be on no director while it changes hands: three adverts that do not come, a skew, and some patience.
fn handover(instance: &VrrpInstance) -> f64 {
    2.0 + 4.0 * instance.advert_int
}

/// A VIP that no director holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unheld {
    pub vip: IpAddr,
    /// What keepalived is on each member, as its log has it.
    pub states: Vec<(String, Option<State>)>,
}

impl Unheld {
    /// Whether keepalived should hold it: a member is master, or its log does not say what it is.
    pub fn is_lost(&self) -> bool {
        let known = self.states.iter().filter_map(|(_, state)| *state);
        let any_master = known.clone().any(|state| state == State::Master);
        any_master || known.count() == 0
    }

    /// Whether a host is a member of its instance.
    pub fn concerns(&self, host: &str) -> bool {
        self.states.iter().any(|(member, _)| member == host)
    }

    /// What the members are, for people.
    pub fn why(&self) -> String {
        let each = self.states.iter().map(|(host, state)| match state {
            Some(state) => format!("{host} is in {state}"),
            None => format!("the log of {host} does not say its state"),
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// VIPs that stay on no director though keepalived has them in its file and runs, asked of instances whose members are
/// all in hand. Directors that are about to take one over are waited for.
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

/// What says in which state keepalived's instances are.
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

/// VIPs that no director held when it answered, with their instances.
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

/// A host's name and its addresses; none where it does not answer, which its next probe reports.
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

/// By the last answers of the directors.
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

/// What a plan holds that keepalived does not do by itself any more: differences of the IPVS table alone. It has read its
/// configuration, and what its checkers took out is no difference.
fn repairs(plan: &HostPlan) -> &[Step] {
    let table = |change: &Change| change.kind == Ipvs::NAME && change.refused.is_none();
    if plan.changes.iter().all(table) {
        &plan.steps
    } else {
        &[]
    }
}

/// Repairs it within the same run. What still differs after that is reported at the end.
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
            steps: vec![Step {
                title: "one".to_owned(),
                script: "true".to_owned(),
                phase: Phase::Main,
            }],
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
