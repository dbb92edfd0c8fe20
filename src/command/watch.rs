//! `lvsctl watch`: repeats `verify` and reports only differences. Changes nothing on any host.

use std::time::{Duration, Instant};

use crate::check::{Asking, Changes, Known, known};
use crate::cli::{Format, Global, WatchArgs};
use crate::exit::Exit;
use crate::report;
use crate::unix_time;

use super::notify::Notify;
use super::output::{self, show};
use super::session::{Options, Session};
use super::{Result, in_format, since, verify};

/// How soon Ctrl-C is seen.
const TICK: Duration = Duration::from_millis(100);

pub(super) fn run(global: &Global, args: &WatchArgs) -> Result<Exit> {
    in_format(args.format, begin(global, args))
}

fn begin(global: &Global, args: &WatchArgs) -> Result<Exit> {
    let mut notify = Notify::new(args.on_change.as_deref(), args.webhook.as_deref())?;
    let known = match &args.state {
        Some(path) if path.exists() => Some(since::read(path)?),
        _ => None,
    };
    let options = Options {
        ignore_unreachable: true,
        quiet_cancel: true,
        silent: true,
        ..Options::default()
    };
    let session = Session::open(global, options)?;
    notify.hide(&session.access.secrets);
    let exit = rounds(&session, args, &notify, known);
    session.finish();
    exit
}

fn rounds(
    session: &Session,
    args: &WatchArgs,
    notify: &Notify,
    mut known: Option<Vec<Known>>,
) -> Result<Exit> {
    let mut round: u64 = 1;
    loop {
        let next = Instant::now() + args.every;
        let Some(now) = audited(session, args)? else {
            return Ok(Exit::Done);
        };
        let changes = Changes::between(known.as_deref().unwrap_or_default(), &now);
        report(session, args, notify, &changes, known.is_none())?;
        let all = changes.all();
        if let Some(path) = &args.state {
            since::write(path, &all)?;
        }
        if args.count.is_some_and(|count| round >= count) {
            return Ok(if all.is_empty() {
                Exit::Done
            } else {
                Exit::Findings
            });
        }
        known = Some(all);
        round += 1;
        while Instant::now() < next && !session.cancel.is_cancelled() {
            std::thread::sleep(TICK.min(next.saturating_duration_since(Instant::now())));
        }
        if session.cancel.is_cancelled() {
            return Ok(Exit::Done);
        }
    }
}

/// The present findings; None if the user cancelled.
fn audited(session: &Session, args: &WatchArgs) -> Result<Option<Vec<Known>>> {
    let asking = if args.no_traffic {
        Asking::LeftOut
    } else {
        Asking::Allowed
    };
    let findings = verify::findings(session, asking)?;
    Ok((!session.cancel.is_cancelled()).then(|| known(&findings)))
}

fn report(
    session: &Session,
    args: &WatchArgs,
    notify: &Notify,
    changes: &Changes,
    first: bool,
) -> Result<()> {
    let time = unix_time::utc(unix_time::now().as_secs());
    let cluster = &session.cluster().name;
    if first && args.format == Format::Text && !session.global.quiet {
        let every = args.every.as_secs_f64();
        let found = report::count(changes.new.len(), "finding");
        output::aside(&format!(
            "{time} watching {cluster} every {every} s: {found}"
        ));
    }
    if changes.is_empty() {
        return Ok(());
    }
    let line = report::changes::line(changes, cluster, &time);
    show(session.global, |out, style| match args.format {
        Format::Text => report::changes::timed(out, changes, &time, style),
        Format::Json => writeln!(out, "{line}"),
    })?;
    for failure in notify.send(&line, &session.cancel) {
        output::aside(&format!("warning: {failure}"));
    }
    Ok(())
}
