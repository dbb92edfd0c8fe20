//! `lvsctl timer`: prints a systemd service and timer for a nightly `verify`. Nothing is written or installed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::{Format, Global, TimerArgs};
use crate::exit::Exit;
use crate::model::Connection;
use crate::report::sanitize;
use crate::report::units::{self, Timer, Unit};
use crate::secret::SecretSource;

use super::{Failure, Result, context, in_format, print, secrets};

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    service: &'a Unit,
    timer: &'a Unit,
}

pub(super) fn run(global: &Global, args: &TimerArgs) -> Result<Exit> {
    in_format(args.format, printed(global, args))
}

fn printed(global: &Global, args: &TimerArgs) -> Result<Exit> {
    let timer = timer(global, args)?;
    let both = units::units(&timer);
    match args.format {
        Format::Text => print(&units::text(&both, &timer.cluster))?,
        Format::Json => {
            let [service, timer] = &both;
            let document = Document {
                format: 1,
                service,
                timer,
            };
            let text = serde_json::to_string_pretty(&document);
            let text = text.map_err(|e| Failure::of(Exit::Failed, &e))?;
            print(&format!("{}\n", sanitize::json(&text)))?;
        }
    }
    Ok(Exit::Done)
}

fn timer(global: &Global, args: &TimerArgs) -> Result<Timer> {
    let context = context::load_for(global, |_| true)?;
    let cluster = context.cluster();
    let mut credentials = BTreeSet::new();
    for source in secrets::all_sources(global, &context)? {
        match source {
            SecretSource::Env(name) => {
                credentials.insert(name);
            }
            SecretSource::File(_) => {}
            SecretSource::Prompt(text) => {
                let message = format!(
                    "error: the inventory asks for a secret ({text}), which a timer cannot enter; write `{{ env: NAME }}` or `{{ file: PATH }}` instead\n"
                );
                return Err(Failure::new(Exit::Invalid, message).kind("prompt"));
            }
        }
    }
    let reports: Vec<PathBuf> = args
        .report
        .iter()
        .map(|file| absolute(Path::new(file)))
        .collect::<Result<_>>()?;
    let folders = reports.iter().filter_map(|file| file.parent());
    let written: BTreeSet<String> = folders.map(|folder| folder.display().to_string()).collect();
    let program = std::env::current_exe().map_err(|e| Failure::of(Exit::Failed, &e))?;
    let is_host = cluster
        .hosts
        .iter()
        .any(|host| host.connection == Connection::Local);
    let asks = !is_host && !cluster.hosts.iter().any(|host| cluster.is_neutral(host));
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective());
    let user = user
        .ok()
        .flatten()
        .map_or_else(|| "root".to_owned(), |user| user.name);
    Ok(Timer {
        cluster: cluster.name.clone(),
        program: program.display().to_string(),
        inventory: absolute(&global.inventory)?.display().to_string(),
        home: std::env::home_dir().map(|home| home.display().to_string()),
        user: if asks { "root".to_owned() } else { user },
        at: args.at.clone(),
        reports: reports
            .iter()
            .map(|file| file.display().to_string())
            .collect(),
        written: written.into_iter().collect(),
        on_change: args.on_change.clone(),
        credentials: credentials.into_iter().collect(),
        asks,
        is_host,
    })
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| {
        let message = format!("error: {}: {e}\n", path.display());
        Failure::new(Exit::Usage, message)
    })
}
