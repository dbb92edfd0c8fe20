//! How directors take in new files of keepalived, so that each VIP stays on exactly one of them: who reloads first, and
//! what one reload cannot do. Pure: hosts are neither asked nor changed here.
//!
//! What keepalived does (vrrp.c: `vrrp_check_packet`, `vrrp_exist`, `clear_diff_vrrp`; 2.0.5 to 2.4.3):
//! - A backup discards adverts whose VIPs, password or interval are not its own, and takes over when its timer ends. With
//!   `vrrp_skip_check_adv_addr` it compares VIPs only where the sender is another one than before, which a reload forgets:
//!   so who holds the VIPs reloads first, and its backups need not hurry.
//! - A reload keeps an instance whose id, family, interface and transport stay, whatever its name. Another one begins
//!   anew, as a backup.
//! - A VIP that moves between two instances that stay is deleted for the one after the other took it for set: no director
//!   holds it. So it leaves in one reload, and comes in a second.

mod apart;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use super::HostPlan;
use crate::keepalived::{self, Instance};
use crate::resource::change::{Phase, Step};
use crate::resource::file::File;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::unit::Unit;
use crate::resource::{Action, Change, Effect, Kind};

pub use apart::apart;

/// With it a backup takes adverts of the same master whatever VIPs they name.
const SKIPS: &str = "vrrp_skip_check_adv_addr";

/// How often a director is asked whether keepalived has taken its file in, ten times a second.
const LOOKS: u32 = 150;

/// Where keepalived takes its file in, in the steps of a plan: `last` reloads it with the final file, and what is between
/// `first` and that gives up VIPs before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    pub first: usize,
    pub last: usize,
}

/// A director of the run.
#[derive(Debug)]
pub struct Director<'a> {
    /// Its keepalived.conf as it is, secrets included.
    pub before: &'a str,
    /// As it will be, with placeholders for secrets.
    pub after: &'a File,
    /// As it will be, secrets included.
    pub revealed: &'a str,
    /// Whether keepalived runs on it.
    pub runs: bool,
    /// The addresses that it holds.
    pub holds: BTreeSet<IpAddr>,
    pub plan: &'a mut HostPlan,
}

/// A member of an instance whose host is not part of the run.
#[derive(Debug)]
pub struct Absent<'a> {
    pub instance: &'a str,
    pub host: &'a str,
}

/// What an instance is for keepalived: one with the same survives a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    id: String,
    v6: bool,
    interface: String,
    /// The source of unicast adverts; none where adverts are sent to the group.
    unicast: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Spoken {
    name: String,
    key: Key,
    interval: Option<f64>,
    auth: Vec<String>,
    advertised: BTreeSet<IpAddr>,
    /// Those that are not advertised too.
    vips: BTreeSet<IpAddr>,
}

impl Spoken {
    /// Whether a director that has read the one takes adverts of another that has read the other.
    fn agrees(&self, other: &Self) -> bool {
        self.key == other.key
            && self.interval == other.interval
            && self.auth == other.auth
            && self.advertised == other.advertised
    }

    fn is_held(&self, holds: &BTreeSet<IpAddr>) -> bool {
        !self.vips.is_disjoint(holds)
    }
}

fn addresses(words: &BTreeSet<String>) -> BTreeSet<IpAddr> {
    words
        .iter()
        .filter_map(|word| keepalived::address(word))
        .collect()
}

fn spoken(text: &str) -> Vec<Spoken> {
    let of = |i: Instance| {
        let advertised = addresses(&i.advertised);
        Spoken {
            name: i.name,
            key: Key {
                id: i.virtual_router_id,
                v6: advertised.first().is_some_and(IpAddr::is_ipv6),
                interface: i.interface,
                unicast: i.unicast.then(|| i.source.unwrap_or_default()),
            },
            interval: i.advert_int.parse().ok(),
            auth: i.auth,
            vips: addresses(&i.vips),
            advertised,
        }
    };
    keepalived::instances(text).into_iter().map(of).collect()
}

/// Whether a file has an instance with a VIP.
pub fn names(text: &str, vip: IpAddr) -> bool {
    spoken(text).iter().any(|spoken| spoken.vips.contains(&vip))
}

fn find<'s>(all: &'s [Spoken], key: &Key) -> Option<&'s Spoken> {
    all.iter().find(|spoken| spoken.key == *key)
}

fn agree(before: &[Spoken], after: &[Spoken]) -> bool {
    let same = |new: &Spoken| find(before, &new.key).is_some_and(|old| old.agrees(new));
    before.len() == after.len() && after.iter().all(same)
}

/// VIPs that change to another instance that stays, each with the names of both.
fn moved(before: &[Spoken], after: &[Spoken]) -> BTreeMap<IpAddr, (String, String)> {
    let mut all = BTreeMap::new();
    for new in after.iter().filter(|new| find(before, &new.key).is_some()) {
        for vip in &new.vips {
            let from = before.iter().find(|old| old.vips.contains(vip));
            if let Some(old) = from.filter(|old| old.key != new.key) {
                all.insert(*vip, (old.name.clone(), new.name.clone()));
            }
        }
    }
    all
}

/// Instances that begin anew with VIPs that are held now.
fn begin_anew<'s>(
    before: &'s [Spoken],
    after: &'s [Spoken],
) -> impl Iterator<Item = &'s Spoken> + 's {
    after.iter().filter(move |new| {
        let had = before.iter().any(|old| old.is_held(&new.vips));
        had && find(before, &new.key).is_none()
    })
}

/// Stands for the VIPs of an instance that has none between two reloads, since keepalived wants one. Both are link-local.
fn stand_in(id: &str, v6: bool) -> String {
    let id: u8 = id.parse().unwrap_or_default();
    if v6 {
        format!("fe80::70:{id:x}/128")
    } else {
        format!("169.254.112.{id}/32")
    }
}

/// A file of keepalived without some VIPs.
fn without(content: &str, vips: &BTreeSet<IpAddr>) -> String {
    let instances = keepalived::instances(content);
    let (mut text, mut instance, mut block, mut left) = (String::new(), None, "", 0);
    for line in content.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["vrrp_instance", name, ..] => instance = instances.iter().find(|i| i.name == *name),
            [
                name @ ("virtual_ipaddress" | "virtual_ipaddress_excluded"),
                ..,
            ] => {
                (block, left) = (*name, 0);
            }
            ["}"] if !block.is_empty() => {
                if let Some(instance) =
                    instance.filter(|_| block == "virtual_ipaddress" && left == 0)
                {
                    let v6 = addresses(&instance.vips);
                    let v6 = v6.first().is_some_and(IpAddr::is_ipv6);
                    let vip = stand_in(&instance.virtual_router_id, v6);
                    let _ = writeln!(text, "        {vip} dev {}", instance.interface);
                }
                block = "";
            }
            [first, ..] if !block.is_empty() => {
                if keepalived::address(first).is_some_and(|vip| vips.contains(&vip)) {
                    continue;
                }
                left += 1;
            }
            _ => {}
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Waits until keepalived has set some addresses and dropped others.
fn until(set: &BTreeSet<IpAddr>, dropped: &BTreeSet<IpAddr>) -> String {
    if set.is_empty() && dropped.is_empty() {
        return String::new();
    }
    let mut looks = String::new();
    for vip in set {
        let _ = writeln!(
            looks,
            "case $held in *' {vip}/'*) ;; *) left=\"$left, {vip} not set\";; esac"
        );
    }
    for vip in dropped {
        let _ = writeln!(
            looks,
            "case $held in *' {vip}/'*) left=\"$left, {vip} not dropped\";; esac"
        );
    }
    format!(
        "looks=0\nwhile :; do\nheld=$(ip -o addr show)\nleft=\n{looks}[ -n \"$left\" ] || break\nlooks=$((looks + 1))\n\
         [ $looks -lt {LOOKS} ] || {{ echo \"expected keepalived to take its new file in within {} s, found${{left#,}}; \
         its log says why\" >&2; exit 1; }}\nsleep 0.1\ndone\n",
        LOOKS / 10
    )
}

/// The step in which keepalived takes its file in, and where it is.
fn loading(plan: &HostPlan) -> Option<(usize, Step)> {
    let is_it = |change: &&Change| change.effects.contains(&Effect::LoadsKeepalived);
    let step = plan.changes.iter().find(is_it)?.steps.last()?;
    let at = plan.steps.iter().position(|s| s == step)?;
    Some((at, step.clone()))
}

/// Decides how directors take their files in, puts that into their plans, and into their notes what is to be expected.
/// `lost`: VIPs that no director holds though keepalived should. The hosts that hold VIPs come back: they reload first.
pub fn together(
    directors: &mut [Director],
    lost: &BTreeSet<IpAddr>,
    absent: &[Absent],
) -> Vec<String> {
    let files: Vec<(Vec<Spoken>, Vec<Spoken>)> = directors
        .iter()
        .map(|d| (spoken(d.before), spoken(d.revealed)))
        .collect();
    let mut first = Vec::new();
    for (director, (before, after)) in directors.iter_mut().zip(&files) {
        if loading(director.plan).is_none() {
            continue;
        }
        if before.iter().any(|old| old.is_held(&director.holds)) {
            first.push(director.plan.host.clone());
        }
        limited(director, before, after, absent);
    }
    // What one runs with whose file is the final one already, and is not read yet, is not known.
    let differs = |director: &Director, (before, after): &(Vec<Spoken>, Vec<Spoken>)| {
        director.runs
            && loading(director.plan).is_some()
            && (!agree(before, after) || director.before == director.revealed)
    };
    let any = directors
        .iter()
        .zip(&files)
        .any(|(d, files)| differs(d, files));
    if !any && lost.is_empty() {
        return Vec::new();
    }
    let mut leave: BTreeSet<IpAddr> = lost.clone();
    for (director, (before, after)) in directors.iter().zip(&files) {
        if director.runs {
            leave.extend(moved(before, after).into_keys());
        }
    }
    let intervals = files.iter().flat_map(|(_, after)| after);
    let slowest = intervals.filter_map(|s| s.interval).fold(1.0, f64::max);
    for (director, (before, after)) in directors.iter_mut().zip(&files) {
        let Some((at, step)) = loading(director.plan) else {
            continue;
        };
        if director.runs {
            announce(director, before, after, lost);
        }
        let mut steps = Vec::new();
        let mut load = step.clone();
        if director.runs && !leave.is_empty() {
            let holds = first.contains(&director.plan.host);
            steps.push(give_up(
                director,
                &step,
                &leave,
                (!holds).then_some(slowest),
            ));
            let last = File {
                check: None,
                ..director.after.clone()
            };
            load.script = format!("{}{}", last.write(), load.script);
        }
        if director.runs {
            let (set, dropped) = expected(director, before, after);
            load.script = format!("{}\n{}", load.script.trim_end(), until(&set, &dropped));
        }
        steps.push(load);
        let last = at + steps.len() - 1;
        director.plan.steps.splice(at..=at, steps);
        director.plan.load = Some(Steps { first: at, last });
    }
    first
}

/// Reloads without some VIPs. A backup waits for the next advert then, after which it takes all of the same sender.
fn give_up(
    director: &Director,
    reload: &Step,
    leave: &BTreeSet<IpAddr>,
    waits: Option<f64>,
) -> Step {
    let between = File {
        content: without(&director.after.content, leave),
        ..director.after.clone()
    };
    let away: BTreeSet<IpAddr> = leave.intersection(&director.holds).copied().collect();
    let names: Vec<String> = leave.iter().map(ToString::to_string).collect();
    let pause = waits.map(|seconds| format!("sleep {:.1}\n", seconds + 0.5));
    Step {
        title: format!("reload {KEEPALIVED} without {}", names.join(", ")),
        script: format!(
            "{}{}\n{}{}",
            between.write(),
            reload.script.trim_end(),
            until(&BTreeSet::new(), &away),
            pause.unwrap_or_default()
        ),
        phase: Phase::Main,
    }
}

/// What a director must hold, and must not, when it has taken its file in, as far as it is master now.
fn expected(
    director: &Director,
    before: &[Spoken],
    after: &[Spoken],
) -> (BTreeSet<IpAddr>, BTreeSet<IpAddr>) {
    let masters: Vec<&Spoken> = before
        .iter()
        .filter(|old| old.is_held(&director.holds))
        .collect();
    let stay = masters.iter().filter_map(|old| find(after, &old.key));
    let set = stay.flat_map(|new| new.vips.iter().copied()).collect();
    let wanted: BTreeSet<IpAddr> = after
        .iter()
        .flat_map(|new| new.vips.iter().copied())
        .collect();
    let had = masters.iter().flat_map(|old| old.vips.iter().copied());
    let dropped = had.filter(|vip| !wanted.contains(vip)).collect();
    (set, dropped)
}

fn listed(vips: &BTreeSet<IpAddr>) -> String {
    let all: Vec<String> = vips.iter().map(ToString::to_string).collect();
    all.join(", ")
}

/// Seconds after which a backup of a middling priority takes over: 3 intervals and the skew, which VRRP version 3 scales
/// with the interval (RFC 3768, 6.1; RFC 9568, 6.1).
fn takeover(interval: f64, v6: bool) -> f64 {
    const SKEW: f64 = 0.6;
    3.0 * interval + if v6 { SKEW * interval } else { SKEW }
}

/// Says what clients will notice.
fn announce(director: &mut Director, before: &[Spoken], after: &[Spoken], lost: &BTreeSet<IpAddr>) {
    let notes = &mut director.plan.notes;
    for (vip, (from, to)) in moved(before, after) {
        let what = if from == to {
            format!("the VRRP instance of the VIP {vip} gets the virtual_router_id of another")
        } else {
            format!("the VIP {vip} moves from the VRRP instance {from} to {to}")
        };
        notes.push(format!(
            "{what}, which keepalived cannot do in one reload: it reloads twice, and in between no director holds the VIP \
             for a few seconds"
        ));
    }
    for new in begin_anew(before, after) {
        notes.push(format!(
            "the VRRP instance {} begins anew (its virtual_router_id, interface, family or transport changes): no director \
             holds {} for about {:.1} s",
            new.name,
            listed(&new.vips),
            takeover(new.interval.unwrap_or(1.0), new.key.v6)
        ));
    }
    let mine: BTreeSet<IpAddr> = after.iter().flat_map(|new| &new.vips).copied().collect();
    let lost: BTreeSet<IpAddr> = lost.intersection(&mine).copied().collect();
    if !lost.is_empty() {
        notes.push(format!(
            "no director holds {}, and keepalived does not set it by itself: it reloads twice, without the VIP and with it",
            listed(&lost)
        ));
    }
}

/// Says what a run leaves that does not reach all members of an instance.
fn limited(director: &mut Director, before: &[Spoken], after: &[Spoken], absent: &[Absent]) {
    for new in after {
        let others = absent.iter().filter(|member| member.instance == new.name);
        let others: Vec<&str> = others.map(|member| member.host).collect();
        let old = find(before, &new.key);
        // A file that is final, and not read yet, does not say what keepalived runs with.
        let read = director.before != director.revealed;
        if others.is_empty() || (read && old.is_some_and(|old| old.agrees(new))) {
            continue;
        }
        let holds = before
            .iter()
            .any(|old| old.name == new.name && old.is_held(&director.holds));
        let only_vips = old.is_some_and(|old| old.auth == new.auth && old.interval == new.interval);
        let (here, there) = (director.plan.host.as_str(), others.join(" and "));
        let name = &new.name;
        let note = if !read {
            format!(
                "warning: keepalived has not read its file yet, and {there}, which is not part of this run, may run with other \
                 VIPs of the VRRP instance {name}: then one discards the adverts of the other, and both hold its VIPs until \
                 `lvsctl apply` reaches all directors; apply to them together, without --limit"
            )
        } else if holds && only_vips && director.before.contains(SKIPS) {
            format!(
                "the VRRP instance {name} gets other VIPs here and not on {there}, which is not part of this run: until \
                 `lvsctl apply` reaches it, it takes over with the old ones"
            )
        } else {
            let (one, other) = if holds {
                (there.as_str(), here)
            } else {
                (here, there.as_str())
            };
            format!(
                "warning: the adverts of the VRRP instance {name} change here and not on {there}, which is not part of this \
                 run: {one} discards the adverts of {other} and takes over, and both hold its VIPs until `lvsctl apply` reaches \
                 all directors; apply to them together, without --limit"
            )
        };
        director.plan.notes.push(note);
    }
}

/// Has keepalived reload for VIPs that no director holds.
pub fn take_again(plan: &mut HostPlan, lost: &BTreeSet<IpAddr>, reload: &str) {
    if loading(plan).is_some() {
        return;
    }
    let change = Change::new(Unit::NAME, KEEPALIVED, Action::Update)
        .field(
            "holds",
            Some(format!("not {}", listed(lost))),
            Some("the VIPs of its file"),
        )
        .effect(Effect::LoadsKeepalived)
        .step(format!("reload {KEEPALIVED}"), reload);
    let at = plan
        .steps
        .iter()
        .position(|step| step.phase == Phase::Remove);
    let at = at.unwrap_or(plan.steps.len());
    plan.steps.splice(at..at, change.steps.iter().cloned());
    plan.changes.push(change);
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
