//! `lvsctl history`, and the record that a run which changes hosts adds to it.

mod revision;
mod store;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

use crate::cli::{Format, Global, HistoryArgs};
use crate::exit::Exit;
use crate::history::{LazyOrigin, Origin, Record};
use crate::report;
use crate::run::fleet::Applied;
use crate::unix_time;

use super::output::{self, show};
use super::{Failure, Result};

pub(super) use revision::of as revision;

/// A run that may change hosts.
pub(super) struct Story {
    pub origin: LazyOrigin,
    began: SystemTime,
    clock: Instant,
}

impl Story {
    pub(super) fn begin(
        global: &Global,
        command: &'static str,
        cluster: &str,
        by: &str,
        plan: Option<&Path>,
    ) -> Self {
        let shown = |path: &Path| whole(path).display().to_string();
        let inventory = global.inventory.clone();
        let mut origin = Origin {
            command,
            cluster: cluster.to_owned(),
            inventory: shown(&inventory),
            revision: None,
            by: by.to_owned(),
            plan: plan.map(shown),
        };
        Self {
            origin: LazyLock::new(Box::new(move || {
                origin.revision = revision(&inventory);
                origin
            })),
            began: SystemTime::now(),
            clock: Instant::now(),
        }
    }

    /// Adds the run to the history on this machine. A run does not fail because its record cannot be kept.
    pub(super) fn record(&self, global: &Global, done: &[Applied], result: &str) {
        let time = unix_time::of(self.began).as_secs();
        let hosts = done.iter().map(|(_, plan, result)| (plan, result.as_ref()));
        let seconds = self.clock.elapsed().as_secs_f64();
        let record = self
            .origin
            .record((time, seconds), &global.limit, result, hosts);
        let kept = store::folder()
            .ok_or_else(|| "neither XDG_STATE_HOME nor HOME is set".to_owned())
            .and_then(|folder| store::append(&folder, &record).map_err(|e| e.to_string()));
        if let Err(why) = kept {
            output::aside(&format!(
                "warning: the history has no record of this run: {why}"
            ));
        }
    }
}

fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

pub(super) fn run(global: &Global, args: &HistoryArgs) -> Result<Exit> {
    let Some(folder) = store::folder() else {
        let message =
            "error: neither XDG_STATE_HOME nor HOME is set: the history's folder is not known\n";
        return Err(Failure::new(Exit::Failed, message));
    };
    let (records, unreadable) = store::read(&folder).map_err(|e| {
        let folder = folder.display();
        Failure::new(Exit::Failed, format!("error: {folder}: {e}\n"))
    })?;
    let mut records: Vec<Record> = records.into_iter().filter(|r| is_asked(r, args)).collect();
    if let Some(host) = &args.host {
        for record in &mut records {
            record.hosts.retain(|one| one.host == *host);
        }
    }
    if unreadable > 0 && !global.quiet {
        let lines = report::count(unreadable, "line");
        eprintln!(
            "{lines} of the history in {} cannot be read",
            folder.display()
        );
    }
    show(global, |out, style| match args.format.format {
        Format::Text => report::history::text(out, &records, args.host.is_some(), style),
        Format::Json => report::history::json(out, &records),
    })?;
    Ok(Exit::Done)
}

fn is_asked(record: &Record, args: &HistoryArgs) -> bool {
    let host = args.host.as_ref();
    let cluster = args.cluster.as_ref();
    host.is_none_or(|host| record.hosts.iter().any(|one| one.host == *host))
        && cluster.is_none_or(|cluster| record.cluster == *cluster)
}
