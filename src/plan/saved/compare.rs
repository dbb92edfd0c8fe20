//! Differences between a saved plan and one that is made now, in words. Pure.

use std::collections::BTreeMap;

use super::{Difference, Planned, SavedChange, SavedHost, SavedPlan, SecretDigest, by_key};
use crate::secret::Secrets;

/// Identifier of a difference: a host's observed state changed after the plan was made.
pub(super) const HOST: &str = "plan-host-changed";
/// Identifier of a difference: the inventory, a role, a template or a secret changed after the plan was made.
pub(super) const INVENTORY: &str = "plan-inventory-changed";

/// The most differences of a host that are listed; the others are counted.
const SHOWN: usize = 5;

pub(super) fn differences(
    saved: &SavedPlan,
    planned: &[Planned],
    first: &[String],
    secrets: &Secrets,
) -> Vec<Difference> {
    let mut all: Vec<Difference> = saved
        .secrets
        .iter()
        .filter(|digest| !is_same(digest, secrets))
        .map(|digest| Difference {
            host: String::new(),
            kind: INVENTORY,
            message: format!(
                "the secret from {} has not the value that it had when the plan was made",
                digest.source
            ),
        })
        .collect();
    let now: BTreeMap<&str, Planned> = planned
        .iter()
        .map(|planned| (planned.plan.host.as_str(), *planned))
        .collect();
    for host in &saved.hosts {
        let difference = match now.get(host.host.as_str()) {
            Some(planned) => of_host(host, *planned, &saved.lvsctl),
            None => Some((
                INVENTORY,
                "it is in the plan, and not in the run".to_owned(),
            )),
        };
        all.extend(difference.map(|(kind, message)| Difference {
            host: host.host.clone(),
            kind,
            message,
        }));
    }
    let is_new = |name: &str| !saved.hosts.iter().any(|host| host.host == name);
    let new = now.into_keys().filter(|name| is_new(name));
    all.extend(new.map(|name| Difference {
        host: name.to_owned(),
        kind: INVENTORY,
        message: "it is not in the plan".to_owned(),
    }));
    if all.is_empty() && saved.first != first {
        let names = |all: &[String]| match all {
            [] => "none".to_owned(),
            all => all.join(", "),
        };
        all.push(Difference {
            host: String::new(),
            kind: HOST,
            message: format!(
                "expected these directors to hold VIPs and to reload first: {}; found: {}",
                names(&saved.first),
                names(first)
            ),
        });
    }
    all
}

fn is_same(digest: &SecretDigest, secrets: &Secrets) -> bool {
    let secret = secrets.get(&digest.source);
    secret.is_some_and(|secret| super::stretched(secret, &digest.salt) == digest.digest)
}

fn of_host(saved: &SavedHost, planned: Planned, lvsctl: &str) -> Option<(&'static str, String)> {
    let now = SavedHost::of(planned);
    if now == *saved {
        return None;
    }
    if now.desired != saved.desired {
        let version = env!("CARGO_PKG_VERSION");
        let why = if lvsctl == version {
            "the inventory, a role, a template or the host's distribution changed since the plan was made".to_owned()
        } else {
            format!("the plan is of lvsctl {lvsctl}, this is {version}")
        };
        return Some((INVENTORY, format!("another desired state: {why}")));
    }
    let mut lines = of_changes(&saved.changes, &now.changes);
    if lines.is_empty() {
        lines.push(match (saved.adopts == now.adopts, saved.load == now.load) {
            (false, _) => "other resources exist in the desired state already".to_owned(),
            (true, false) => "keepalived takes its file in otherwise".to_owned(),
            (true, true) => "the same changes need other steps".to_owned(),
        });
    }
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(format!("{more} more"));
    }
    Some((HOST, lines.join("; ")))
}

fn of_changes(saved: &[SavedChange], now: &[SavedChange]) -> Vec<String> {
    let (before, after) = (by_key(saved), by_key(now));
    let mut lines = Vec::new();
    for ((kind, key), changes) in &before {
        match after.get(&(*kind, *key)) {
            Some(found) if found == changes => {}
            Some(found) => lines.push(format!(
                "{kind} {key}: planned {}, found that it needs {}",
                words(changes),
                words(found)
            )),
            None => lines.push(format!(
                "{kind} {key}: planned {}, found nothing to do",
                words(changes)
            )),
        }
    }
    for ((kind, key), found) in &after {
        if !before.contains_key(&(*kind, *key)) {
            lines.push(format!(
                "{kind} {key}: planned nothing, found that it needs {}",
                words(found)
            ));
        }
    }
    lines
}

/// `update (value 0 → 1)`.
fn words(changes: &[&SavedChange]) -> String {
    let one = |change: &&SavedChange| {
        let action = change.action.word();
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
        let fields: Vec<String> = change
            .fields
            .iter()
            .take(SHOWN)
            .map(|field| format!("{} {} → {}", field.name, side(&field.from), side(&field.to)))
            .collect();
        if fields.is_empty() {
            action.to_owned()
        } else {
            format!("{action} ({})", fields.join(", "))
        }
    };
    changes.iter().map(one).collect::<Vec<_>>().join(", ")
}
