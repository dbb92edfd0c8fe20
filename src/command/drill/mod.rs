//! `lvsctl drill`: disturbs a cluster without findings, measures the effect on clients, restores the cluster and verifies it.
//! How a host undoes the disturbance without lvsctl belongs in [`crate::drill`].

mod measured;
mod plan;

use std::time::Duration;

use crate::check::{Asking, Findings, Severity};
use crate::cli::{DrillArgs, DrillCommand, Format, Global};
use crate::drill::Observed;
use crate::exit::Exit;
use crate::measure::Target;
use crate::model::Host;
use crate::report;
use crate::report::drill::DrillView;
use crate::run::{Fleet, HostRun};

use super::clients::{self, Chosen, Clients};
use super::output::show;
use super::session::{Options, Session, lock};
use super::{Failure, Result, confirm, in_format, verify};
use plan::{Act, Plan};

/// The most runs of `verify` after a drill: a restored cluster may have findings for a moment.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(5);

pub(super) fn run(global: &Global, command: &DrillCommand) -> Result<Exit> {
    in_format(command.args().format, begin(global, command))
}

fn usage(why: String) -> Failure {
    Failure::new(Exit::Usage, format!("error: {why}\n"))
}

fn begin(global: &Global, command: &DrillCommand) -> Result<Exit> {
    if !global.limit.is_empty() {
        return Err(usage(
            "a drill is about the whole cluster: omit --limit".to_owned(),
        ));
    }
    let session = Session::open(global, Options::default())?;
    let done = drilled(&session, command);
    session.finish();
    let view = done?;
    show(global, |out, style| match command.args().format {
        Format::Text => report::drill::text(out, &view, style),
        Format::Json => report::drill::json(out, &view),
    })?;
    Ok(exit(&view))
}

fn exit(view: &DrillView) -> Exit {
    if view.interrupted {
        Exit::Interrupted
    } else if !view.undone || !view.took_effect {
        Exit::Failed
    } else if view.findings.is_some_and(|n| n > 0) {
        Exit::Findings
    } else if view.exceeded.is_empty() {
        Exit::Done
    } else {
        Exit::Lost
    }
}

fn drilled(session: &Session, command: &DrillCommand) -> Result<DrillView> {
    let cluster = session.cluster();
    plan::possible(cluster, command).map_err(usage)?;
    let target = plan::target(cluster, command).map_err(usage)?;
    let others = plan::others(cluster, command).map_err(usage)?;
    let hosts: Vec<&Host> = cluster.hosts.iter().collect();
    let args = command.args();
    let chosen = clients::choose(cluster, &hosts, &args.from).map_err(usage)?;
    let asks = |host: &&Host| chosen.hosts.iter().any(|asker| asker.name == host.name);
    if let Some(host) = others.iter().find(|host| asks(host)) {
        return Err(usage(format!(
            "{} is to ask meanwhile: choose another client with --from",
            host.name
        )));
    }
    clean(session)?;
    let fleet = session.fleet()?;
    let disturbed =
        |host: &&Host| host.is_director() || others.iter().any(|other| other.name == host.name);
    let disturbed = cluster.hosts.iter().filter(disturbed);
    let desired = disturbed.map(|host| (host, session.context.desired(host)));
    let opened = session.open_hosts(&fleet, desired.collect())?;
    let mut runs = lock(&fleet, opened.hosts)?;
    let done = with_hosts(session, &fleet, command, &target, chosen, &mut runs);
    fleet.close(runs);
    let mut view = done?;
    if !view.interrupted {
        view.findings = Some(found_afterwards(session)?);
    }
    Ok(view)
}

fn with_hosts<'h>(
    session: &'h Session,
    fleet: &Fleet,
    command: &DrillCommand,
    target: &Target,
    chosen: Chosen<'h>,
    runs: &mut Vec<HostRun<'h>>,
) -> Result<DrillView> {
    let cluster = session.cluster();
    let seen: Vec<Observed> = runs
        .iter()
        .filter(|run| run.host.is_director())
        .map(|run| Observed::of(cluster, &run.host.name, &run.answer.facts))
        .collect();
    let plan = plan::of(cluster, command, target, &seen).map_err(usage)?;
    confirmed(session, command.args(), &plan)?;
    let mut clients = Clients::open(session, fleet, chosen)?;
    let job = measured::Job {
        session,
        fleet,
        args: command.args(),
        name: plan::name(command),
        target,
        plan: &plan,
        before: &seen,
    };
    let done = measured::run(&job, &mut clients, runs);
    clients.close(fleet);
    done
}

fn confirmed(session: &Session, args: &DrillArgs, plan: &Plan) -> Result<()> {
    if args.yes {
        return Ok(());
    }
    let mut lines = vec![format!("this will {}", plan.what)];
    lines.extend(plan.notes.iter().map(|note| format!("note: {note}")));
    lines.push(match &plan.act {
        Act::Guarded(_) => "clients may notice it; it is undone afterwards, by the hosts themselves if this program cannot".to_owned(),
        Act::Reboot(_) => "clients may notice it".to_owned(),
    });
    let ask = || confirm::yes(&lines, "disturb the cluster?", &session.cancel);
    if session.reporter.suspend(ask)? {
        return Ok(());
    }
    Err(Failure::new(Exit::Done, "nothing was changed\n"))
}

fn verified(session: &Session) -> Result<Findings> {
    let findings = verify::findings(session, Asking::Allowed)?;
    if session.cancel.is_cancelled() {
        let message = "interrupted: nothing is disturbed\n";
        return Err(Failure::new(Exit::Interrupted, message));
    }
    Ok(findings)
}

/// Refuses a cluster with findings of `verify`, from which the effects of the drill could not be distinguished.
fn clean(session: &Session) -> Result<()> {
    let findings = verified(session)?;
    let all: Vec<String> = findings
        .all
        .iter()
        .filter(|finding| finding.severity != Severity::Note)
        .map(|finding| {
            let host = if finding.host.is_empty() {
                "the cluster"
            } else {
                &finding.host
            };
            format!("  {host}: {}: {}\n", finding.check, finding.what)
        })
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let message = format!(
        "error: `lvsctl verify` has {}, and a drill needs a cluster on which it has none; nothing was disturbed:\n{}",
        report::count(all.len(), "finding"),
        all.concat()
    );
    Err(Failure::new(Exit::Findings, message).kind("not-clean"))
}

fn found_afterwards(session: &Session) -> Result<usize> {
    let mut number = 0;
    for look in 0..LOOKS {
        if look > 0 {
            std::thread::sleep(PAUSE);
        }
        let findings = verified(session)?;
        let found = findings.all.iter().filter(|f| f.severity != Severity::Note);
        number = found.count();
        if number == 0 {
            break;
        }
    }
    Ok(number)
}
