//! Saved plans: `plan --out FILE` writes one; `apply FILE` reads it, and refuses it if the present plan differs.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::{ApplyArgs, Global};
use crate::event::{Event, Sink as _};
use crate::exit::Exit;
use crate::plan::HostPlan;
use crate::plan::saved::{self, Made, Planned, SavedHost, SavedPlan};
use crate::resource::Resource;
use crate::run::HostRun;
use crate::unix_time;

use super::history;
use super::session::Session;
use super::{Failure, Result};

/// A plan that was read.
pub(super) struct Saved {
    path: PathBuf,
    plan: SavedPlan,
}

/// The plan of a run as it is written.
pub(super) fn of(
    session: &Session,
    hosts: &[HostRun],
    plans: &[HostPlan],
    first: Vec<String>,
) -> Result<SavedPlan> {
    let desired: Vec<&[Resource]> = hosts.iter().map(|run| run.desired.as_slice()).collect();
    let mut failed = None;
    let secrets = saved::secret_digests(&session.access.secrets, &desired, || {
        let mut salt = [0; 16];
        if let Err(error) = getrandom::fill(&mut salt) {
            failed = Some(Failure::of(Exit::Failed, &error));
        }
        salt
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let inventory = &session.global.inventory;
    Ok(SavedPlan {
        lvsctl_plan: saved::VERSION,
        lvsctl: env!("CARGO_PKG_VERSION").to_owned(),
        cluster: session.cluster().name.clone(),
        made: Made {
            time: unix_time::now().as_secs(),
            by: session.access.holder.clone(),
            inventory: inventory.display().to_string(),
            revision: history::revision(inventory).map(|revision| revision.to_string()),
        },
        limit: session.global.limit.clone(),
        secrets,
        first,
        hosts: planned(hosts, plans)
            .into_iter()
            .map(SavedHost::of)
            .collect(),
    })
}

fn planned<'p>(hosts: &'p [HostRun], plans: &'p [HostPlan]) -> Vec<Planned<'p>> {
    let pairs = hosts.iter().zip(plans);
    let planned = pairs.map(|(run, plan)| Planned {
        plan,
        desired: &run.desired,
    });
    planned.collect()
}

/// Writes the file for the user only; an existing one is replaced atomically.
pub(super) fn write(path: &Path, plan: &SavedPlan) -> Result<()> {
    let failed = |e: &dyn std::error::Error| {
        let message = format!("error: {}: the plan is not saved: {e}\n", path.display());
        Failure::new(Exit::Failed, message)
    };
    let text = serde_json::to_string_pretty(plan).map_err(|e| failed(&e))?;
    if text.len() as u64 >= saved::LARGEST {
        let message = format!(
            "error: {}: the plan is not saved: it has {} MiB, at most {} are read; make it of fewer hosts with --limit\n",
            path.display(),
            text.len() >> 20,
            saved::LARGEST >> 20
        );
        return Err(Failure::new(Exit::Failed, message));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // Its mode is 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .map_err(|e| failed(&e))?;
    writeln!(file, "{text}").map_err(|e| failed(&e))?;
    file.as_file().sync_all().map_err(|e| failed(&e))?;
    file.persist(path).map_err(|e| failed(&e.error))?;
    Ok(())
}

impl Saved {
    pub(super) fn read(path: &Path, global: &Global, args: &ApplyArgs) -> Result<Self> {
        let usage = |message: &str| Failure::new(Exit::Usage, format!("error: {message}\n"));
        if !global.limit.is_empty() {
            return Err(usage(
                "--limit: the plan in the file names its hosts; omit --limit, or give it to `lvsctl plan --out`",
            ));
        }
        if args.ignore_unreachable {
            return Err(usage(
                "--ignore-unreachable: a saved plan is done as a whole; leave it away",
            ));
        }
        let invalid = |why: String| {
            let message = format!("error: {}: {why}\n", path.display());
            Failure::new(Exit::Invalid, message)
        };
        let text = text_of(path).map_err(invalid)?;
        let plan = SavedPlan::parse(&text).map_err(|e| {
            let hint = match e {
                saved::SavedError::Unreadable(_) => "; `-i FILE` names an inventory",
                saved::SavedError::Version { .. } => "",
            };
            invalid(format!("{e}{hint}"))
        })?;
        Ok(Self {
            path: path.to_owned(),
            plan,
        })
    }

    /// The global options, limited to the hosts of the plan.
    pub(super) fn limited(&self, global: &Global) -> Global {
        Global {
            limit: self.plan.limit.clone(),
            ..global.clone()
        }
    }

    /// Fails if the hosts' plans of now are not those of the file.
    pub(super) fn holds(
        &self,
        session: &Session,
        hosts: &[HostRun],
        plans: &[HostPlan],
        first: &[String],
    ) -> Result<()> {
        let path = self.path.display();
        let cluster = &session.cluster().name;
        if *cluster != self.plan.cluster {
            let message = format!(
                "error: {path}: the plan is of the cluster {}, the inventory {} of the cluster {cluster}; name its inventory \
                 with -i\n",
                self.plan.cluster,
                session.global.inventory.display()
            );
            return Err(Failure::new(Exit::Invalid, message));
        }
        let planned = planned(hosts, plans);
        let found = self
            .plan
            .differences(&planned, first, &session.access.secrets);
        if found.is_empty() {
            return Ok(());
        }
        let changed = self.plan.hosts.iter().filter(|host| !host.steps.is_empty());
        let changed: Vec<&str> = changed.map(|host| host.host.as_str()).collect();
        for one in found {
            let concerned = if one.host.is_empty() {
                changed.clone()
            } else {
                vec![one.host.as_str()]
            };
            for host in concerned {
                session.reporter.event(&Event::Failed {
                    host: host.to_owned(),
                    kind: one.kind,
                    error: one.message.clone(),
                });
            }
        }
        let message = format!(
            "error: {path}: the plan does not hold any more; nothing was changed on any host; make a new one: \
             `lvsctl plan --out {path}`\n"
        );
        Err(Failure::new(Exit::Outdated, message))
    }
}

/// The text of the file, if it is a regular file of allowed size.
fn text_of(path: &Path) -> std::result::Result<String, String> {
    let meta = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if !meta.is_file() {
        return Err("expected a file, found something else".to_owned());
    }
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    let read = file.take(saved::LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|e| e.to_string())?;
    if bytes.len() as u64 > saved::LARGEST {
        let most = saved::LARGEST >> 20;
        return Err(format!("expected at most {most} MiB, found more"));
    }
    String::from_utf8(bytes).map_err(|_| "expected a plan, found text that is not UTF-8".to_owned())
}
