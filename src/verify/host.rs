//! Checks of any host: nothing differs from what is wanted, and the next boot will set what runs now.

use std::collections::BTreeMap;

use super::Seen;
use super::tally::{Compared, Tally};
use crate::resource::{Action, Change, Resource};

pub fn check(seen: &Seen, tally: &mut Tally) {
    drift(seen, tally);
    persisted(seen, tally);
    for note in &seen.plan.notes {
        tally.note(seen.name(), "health", note.clone());
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
        tally.pass("drift");
    }
    for change in &seen.plan.changes {
        for compared in differences(change) {
            tally.fail(seen.name(), "drift", compared);
        }
    }
}

fn differences(change: &Change) -> Vec<Compared> {
    let what = format!("{} {}", change.kind, change.key);
    let mend = "lvsctl apply".to_owned();
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

/// What systemd-sysctl(8) will set at boot contradicts what runs, where a file other than ours says so last.
/// The node script runs later and wins; two owners of a value are still one too many.
fn persisted(seen: &Seen, tally: &mut Tally) {
    let boot = boot_values(seen.part("persisted"));
    for resource in &seen.run.wanted {
        let Resource::Sysctl(sysctl) = resource else {
            continue;
        };
        match boot.get(sysctl.name.as_str()) {
            Some((file, value)) if *value != sysctl.value => tally.fail(
                seen.name(),
                "persisted-sysctl",
                Compared {
                    what: format!("{} at boot", sysctl.name),
                    expected: sysctl.value.clone(),
                    found: format!("{value} in {file}"),
                    mend: format!("take the line out of {file}"),
                },
            ),
            Some(_) => tally.pass("persisted-sysctl"),
            // Ours is a file like the others, so none at all is drift and told there.
            None => {}
        }
    }
}

/// The last value of each key, with its file, in the order of sysctl.d(5): files by name, whatever their folder;
/// of two with one name the one in /etc wins over /run, and that over /usr. /etc/sysctl.conf comes last, as
/// Debian links it as 99-sysctl.conf.
fn boot_values(text: &str) -> BTreeMap<String, (String, String)> {
    let mut files: BTreeMap<(String, u8), Vec<(&str, &str)>> = BTreeMap::new();
    for line in text.lines() {
        let Some((file, setting)) = line.split_once(':') else {
            continue;
        };
        let name = file.rsplit('/').next().unwrap_or(file);
        let name = if file == "/etc/sysctl.conf" {
            "99-sysctl.conf"
        } else {
            name
        };
        let rank = if file.starts_with("/etc/") {
            0
        } else if file.starts_with("/run/") {
            1
        } else {
            2
        };
        files
            .entry((name.to_owned(), rank))
            .or_default()
            .push((file, setting));
    }
    let mut values = BTreeMap::new();
    let mut last = String::new();
    for ((name, _), settings) in files {
        if std::mem::replace(&mut last, name.clone()) == name {
            continue;
        }
        for (file, setting) in settings {
            let Some((key, value)) = setting.split_once('=') else {
                continue;
            };
            let key = key.trim().trim_start_matches('-').replace('/', ".");
            values.insert(key, (file.to_owned(), value.trim().to_owned()));
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_file_by_name_wins() {
        let text = "/etc/sysctl.d/90-lvsctl-t1.conf:-net.ipv4.ip_forward = 1\n\
                    /usr/lib/sysctl.d/90-lvsctl-t1.conf:net.ipv4.ip_forward = 7\n\
                    /etc/sysctl.d/10-first.conf:net.ipv4.ip_forward=0\n\
                    /etc/sysctl.d/99-late.conf:net/ipv4/tcp_syncookies = 0\n";
        let values = boot_values(text);
        assert_eq!(
            values["net.ipv4.ip_forward"],
            ("/etc/sysctl.d/90-lvsctl-t1.conf".into(), "1".into())
        );
        assert_eq!(values["net.ipv4.tcp_syncookies"].1, "0");
        let late = format!("{text}/etc/sysctl.conf:net.ipv4.ip_forward=0\n");
        assert_eq!(
            boot_values(&late)["net.ipv4.ip_forward"].0,
            "/etc/sysctl.conf"
        );
    }
}
