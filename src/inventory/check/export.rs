//! Folders that hosts share: their paths, and who mounts them.

use std::collections::BTreeSet;

use super::View;
use crate::inventory::problem::{Fault, choices, shown};

/// The paths become words of /etc/exports and names of mount units.
fn folder(path: &str) -> Option<Fault> {
    let good = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let bad = !path.starts_with('/')
        || path.len() > 255
        || path.len() < 2
        || path.ends_with('/')
        || path
            .split('/')
            .skip(1)
            .any(|part| matches!(part, "" | "." | ".."))
        || !path.chars().all(good);
    bad.then(|| {
        Fault::new(format!("{} is no path of a folder that can be shared", shown(path)))
            .help("write it from `/` on: letters, digits, `.`, `_` and `-`, no `/` at its end: `/srv/web`")
    })
}

pub(super) fn paths(view: View<'_>, faults: &mut Vec<Fault>) {
    let mut mounts: BTreeSet<(&str, &str)> = BTreeSet::new();
    for host in &view.cluster.hosts {
        for (index, export) in host.exports.iter().enumerate() {
            let index = index.to_string();
            let at = |key| ["hosts", host.name.as_str(), "exports", index.as_str(), key];
            for (key, path) in [("path", &export.path), ("at", &export.at)] {
                faults.extend(folder(path).map(|fault| view.at(&at(key), fault)));
            }
            if !mounts.insert((&export.client, &export.at)) {
                let fault = Fault::new(format!(
                    "{} mounts another folder at {} already",
                    shown(&export.client),
                    shown(&export.at)
                ))
                .help("choose another place, or delete one of them");
                faults.push(view.at(&at("at"), fault));
            }
        }
    }
}

pub(super) fn clients(view: View<'_>, faults: &mut Vec<Fault>) {
    let hosts = &view.cluster.hosts;
    for host in hosts {
        for (index, export) in host.exports.iter().enumerate() {
            let path = [
                "hosts",
                host.name.as_str(),
                "exports",
                &index.to_string(),
                "to",
            ];
            let client = hosts.iter().find(|h| h.name == export.client);
            let fault = match client {
                None => {
                    let names: Vec<&str> = hosts.iter().map(|h| h.name.as_str()).collect();
                    Fault::new(format!("there is no host named {}", shown(&export.client)))
                        .help(choices(&export.client, &names))
                }
                Some(client) if !client.has_role("nfs-client") => Fault::new(format!(
                    "{} mounts a folder, but does not have the role `nfs-client`",
                    shown(&client.name)
                ))
                .help(format!(
                    "write `role: [{}, nfs-client]`",
                    client.roles.join(", ")
                )),
                Some(_) => continue,
            };
            faults.push(view.at(&path, fault));
        }
        if !host.exports.is_empty() && !host.has_role("nfs") {
            let fault = Fault::new(format!(
                "{} has `exports`, but does not have the role `nfs`",
                shown(&host.name)
            ))
            .help(format!("write `role: [{}, nfs]`", host.roles.join(", ")));
            faults.push(view.at_key(&["hosts", &host.name, "exports"], fault));
        }
    }
}
