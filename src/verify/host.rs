//! Checks of any host: nothing differs from what is wanted (drift, in the words of the plan), and the next boot will set
//! what runs now.

use super::tally::{Compared, Fault, Tally};
use super::{Check, Seen, questions};
use crate::persist;
use crate::plan;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::{Action, Change, Resource};
use crate::view;

pub fn check(seen: &Seen, tally: &mut Tally) {
    drift(seen, tally);
    persisted(seen, tally);
    undone(seen, tally);
    for chain in &seen.facts().firewall.native {
        let text = "drops some packets; its rules were not looked at";
        tally.note(
            seen.name(),
            Check::FirewallNft,
            format!("the chain {chain} of nftables {text}"),
        );
    }
    // That its part is stopped is a finding here.
    let stopped = plan::stopped_note(seen.name());
    for note in seen.plan.notes.iter().filter(|note| **note != stopped) {
        tally.note(seen.name(), Check::Health, note.clone());
    }
}

/// Each resource that is as wanted passes; each that is not is a finding for each thing that differs.
fn drift(seen: &Seen, tally: &mut Tally) {
    let wanted = seen.run.wanted.len();
    let changed = seen
        .plan
        .changes
        .iter()
        .filter(|change| change.action != Action::Remove)
        .count();
    for _ in 0..wanted.saturating_sub(changed) {
        tally.pass(Check::Drift);
    }
    let stopped = is_stopped(seen);
    let of_stop: Vec<&Change> = seen
        .plan
        .changes
        .iter()
        .filter(|change| stopped && comes_of_stopping(seen, change))
        .collect();
    if !of_stop.is_empty() {
        tally.fail(seen.name(), Check::Drift, stopped_part(seen, &of_stop));
    }
    let others = seen.plan.changes.iter().filter(|c| !of_stop.contains(c));
    for change in others {
        for compared in differences(change) {
            tally.fail(seen.name(), Check::Drift, compared);
        }
    }
}

/// Whether the host's part of the cluster is stopped, as `lvsctl stop` does.
fn is_stopped(seen: &Seen) -> bool {
    let observed = &seen.facts();
    plan::is_stopped(&seen.cluster.name, &seen.run.wanted, observed)
}

/// What the node script takes away when it stops, and the units of a host's part.
fn comes_of_stopping(seen: &Seen, change: &Change) -> bool {
    let units = [
        persist::unit(&seen.cluster.name),
        KEEPALIVED.to_owned(),
        view::checker_unit(seen.cluster),
    ];
    let of = |resource: &&Resource| resource.kind() == change.kind && resource.key() == change.key;
    let made_at_boot = seen
        .run
        .wanted
        .iter()
        .find(of)
        .is_some_and(|r| r.node().is_some());
    change.action != Action::Remove
        && change.refused.is_none()
        && (made_at_boot || (change.kind == "unit" && units.contains(&change.key)))
}

/// One finding for all that follows from one decision.
fn stopped_part(seen: &Seen, changes: &[&Change]) -> Compared {
    let things: Vec<String> = changes
        .iter()
        .map(|change| format!("{} {}", change.kind, change.key))
        .collect();
    Compared {
        what: "its part of the cluster".to_owned(),
        expected: "started".to_owned(),
        found: format!("stopped, and so not as wanted: {}", things.join(", ")),
        mend: format!("`lvsctl start --limit {}`", seen.name()),
    }
}

fn differences(change: &Change) -> Vec<Compared> {
    let what = format!("{} {}", change.kind, change.key);
    let mend = match &change.refused {
        None => "`lvsctl apply`".to_owned(),
        Some(why) => {
            format!("{why}; until then `lvsctl apply` refuses, and changes nothing anywhere")
        }
    };
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let mut all: Vec<Compared> = change
        .fields
        .iter()
        .map(|field| Compared {
            what: format!("{what}: {}", field.name),
            expected: side(&field.to),
            found: side(&field.from),
            mend: mend.clone(),
        })
        .collect();
    if change.text.is_some() {
        let found = if change.action == Action::Create {
            "no such file"
        } else {
            "other content; `lvsctl plan` shows it"
        };
        all.push(Compared {
            what,
            expected: "the content that lvsctl renders".into(),
            found: found.into(),
            mend,
        });
    }
    all
}

/// The node script runs after systemd-sysctl(8) and sets what is wanted; a file that says otherwise wins until then,
/// and again whenever somebody runs `sysctl --system`.
fn persisted(seen: &Seen, tally: &mut Tally) {
    for resource in &seen.run.wanted {
        let Resource::Sysctl(sysctl) = resource else {
            continue;
        };
        let path = sysctl.path();
        let Some((value, file)) = seen.facts().sysctl_file.of(below_proc(&path)) else {
            // Ours is a file like the others, so none at all is drift and told there.
            continue;
        };
        let fault = (!sysctl.holds(value)).then(|| {
            Fault::new(
                format!("{} = {} at boot", sysctl.name, sysctl.value),
                format!("{value}, set by {file}"),
                format!("take the line out of {file}"),
            )
        });
        tally.judge(
            seen.name(),
            Check::PersistedSysctl,
            sysctl.name.clone(),
            fault,
        );
    }
}

/// What nobody here set, and what runs now, may be another after the next boot.
fn undone(seen: &Seen, tally: &mut Tally) {
    let wanted: Vec<String> = seen
        .run
        .wanted
        .iter()
        .filter_map(|resource| match resource {
            Resource::Sysctl(sysctl) => Some(sysctl.path()),
            _ => None,
        })
        .collect();
    let names = seen.host.interfaces.iter().map(|nic| nic.name.as_str());
    for interface in names.chain(["all"]) {
        for name in questions::OF_INTERFACES {
            let path = format!("/proc/sys/net/ipv4/conf/{interface}/{name}");
            let (Some(runs), Some((boots, file))) = (
                seen.facts().sysctl.get(&path),
                seen.facts().sysctl_file.of(below_proc(&path)),
            ) else {
                continue;
            };
            if wanted.contains(&path) {
                continue;
            }
            let key = format!("net.ipv4.conf.{}.{name}", interface.replace('.', "/"));
            let fault = (runs.trim() != boots).then(|| {
                Fault::new(
                    format!("{key} to be after a boot what runs now: {}", runs.trim()),
                    format!("{boots}, set by {file}"),
                    format!("`sysctl -w {key}={boots}` if that is meant, else take the line out of {file}"),
                )
                .warning()
            });
            tally.judge(seen.name(), Check::PersistedSysctl, key, fault);
        }
    }
}

fn below_proc(path: &str) -> &str {
    path.strip_prefix("/proc/sys/").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apply_is_no_mend_for_what_it_refuses() {
        let mend = |refused: Option<&str>| {
            let mut change = Change::new("package", "keepalived", Action::Update);
            change = change.field("keepalived", Some("1.3.5"), Some("2.0.7 or newer"));
            change.refused = refused.map(str::to_owned);
            differences(&change).remove(0).mend
        };
        assert_eq!(mend(None), "`lvsctl apply`");
        assert_eq!(
            mend(Some("expected keepalived 2.0.7 or newer; upgrade it")),
            "expected keepalived 2.0.7 or newer; upgrade it; until then `lvsctl apply` refuses, and changes nothing anywhere"
        );
    }
}
