//! Units that start at boot, and units that run on a schedule. Pure.

use std::collections::BTreeSet;

use crate::fact::boot_source::places::{self, Reader};
use crate::fact::boot_source::{BootSources, Line};

/// Units that start at boot or by what starts then.
pub(super) struct Units<'a> {
    live: BTreeSet<String>,
    pub(super) scheduled: BTreeSet<String>,
    sources: &'a BootSources,
}

pub(super) fn unit_of(path: &str) -> &str {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let of_drop_in = folder
        .strip_suffix(".d")
        .and_then(|folder| folder.rsplit('/').next());
    of_drop_in.unwrap_or_else(|| path.rsplit('/').next().unwrap_or(path))
}

impl<'a> Units<'a> {
    pub(super) fn of(sources: &'a BootSources) -> Self {
        let mut found = Self {
            live: BTreeSet::new(),
            scheduled: BTreeSet::new(),
            sources,
        };
        let files: Vec<(&str, &[Line])> = sources
            .files()
            .filter(|(path, _)| places::of(path).is_some_and(|p| p.reader == Reader::Unit))
            .collect();
        // Of a timer of the distribution, only the link that enables it is read.
        for (path, _) in &files {
            let unit = unit_of(path);
            let stem = unit.strip_suffix(".service");
            let by = |suffix: &str| {
                let of = |stem| sources.is_enabled(&format!("{stem}.{suffix}"));
                stem.is_some_and(of)
            };
            if by("timer") {
                found.scheduled.insert(unit.to_owned());
            }
            if ["timer", "path", "socket"].iter().any(|suffix| by(suffix)) {
                found.live.insert(unit.to_owned());
            }
        }
        loop {
            let before = (found.live.len(), found.scheduled.len());
            for (path, lines) in &files {
                let unit = unit_of(path);
                if !found.starts(unit) && !is_transient(path) {
                    continue;
                }
                let by_time =
                    unit.rsplit('.').next() == Some("timer") || found.scheduled.contains(unit);
                for next in next_units(unit, lines) {
                    if by_time {
                        found.scheduled.insert(next.clone());
                    }
                    found.live.insert(next);
                }
            }
            if before == (found.live.len(), found.scheduled.len()) {
                return found;
            }
        }
    }

    fn starts(&self, unit: &str) -> bool {
        self.live.contains(unit) || self.sources.is_enabled(unit)
    }

    pub(super) fn is_live(&self, path: &str) -> bool {
        self.starts(unit_of(path)) || is_transient(path)
    }
}

/// What systemd-run(1) made is there while it is live.
fn is_transient(path: &str) -> bool {
    path.starts_with("/run/systemd/transient/")
}

/// Units that a unit starts.
fn next_units(unit: &str, lines: &[Line]) -> Vec<String> {
    let mut found = Vec::new();
    let mut named = false;
    for line in lines {
        let Some((key, value)) = line.text.split_once('=') else {
            continue;
        };
        let starts = matches!(
            key.trim(),
            "Wants" | "Requires" | "BindsTo" | "OnFailure" | "OnSuccess" | "Upholds" | "Unit"
        );
        if starts {
            named |= key.trim() == "Unit";
            found.extend(value.split_whitespace().map(str::to_owned));
        }
    }
    let by_name = [".timer", ".path", ".socket"]
        .iter()
        .find_map(|suffix| unit.strip_suffix(suffix));
    if let (Some(stem), false) = (by_name, named) {
        found.push(format!("{stem}.service"));
    }
    found
}
