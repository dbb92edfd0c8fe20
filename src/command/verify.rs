//! `lvsctl verify`: all checks of a cluster. Nothing is changed on any host.

mod output;

use std::time::SystemTime;

use crate::check::{
    self, Asking, END_TO_END, Finding, Findings, REACHABLE, Selection, State, traffic, unreachable,
};
use crate::cli::{AuditFormat, Global, VerifyArgs};
use crate::exit::Exit;
use crate::fact::Needs;
use crate::model::{Connection, Date, Host};
use crate::report::audit::{self, AuditReport, nagios};
use crate::report::error::chain;
use crate::resource::Resource;
use crate::run::this_machine::ThisMachine;
use crate::run::{HostRun, steady};
use crate::unix_time;

use super::session::{Options, Session, lab_hint};
use super::{Result, since};

pub(super) fn run(global: &Global, args: &VerifyArgs) -> Result<Exit> {
    let done = verify(global, args);
    if args.format != AuditFormat::Nagios {
        return done;
    }
    // A monitoring system reads one line, and an exit status, whatever happened.
    match done {
        Ok(Exit::Interrupted) => println!("{}", nagios::failure("interrupted")),
        Ok(exit) => return Ok(exit),
        Err(failure) => println!("{}", nagios::failure(&failure.message)),
    }
    Ok(Exit::Plugin(nagios::Status::Unknown))
}

fn verify(global: &Global, args: &VerifyArgs) -> Result<Exit> {
    let started = SystemTime::now();
    let since = args.since.as_deref();
    let before = since.map(|path| since::Before::read(path, args.format));
    let before = before.transpose()?;
    let session = Session::open(
        global,
        Options {
            ignore_unreachable: true,
            ..Options::default()
        },
    )?;
    let asking = if args.no_traffic {
        Asking::LeftOut
    } else {
        Asking::Allowed
    };
    let selection = Selection::new(&args.only, &args.skip);
    let audited = audit(&session, asking, selection, started, &|_| true);
    let cancelled = session.cancel.is_cancelled();
    let context = session.finish();
    let report = audited?;
    if report.hosts.iter().any(|host| host.asked && !host.reached) {
        eprint!("{}", lab_hint(global, context.cluster()));
    }
    if cancelled {
        return Ok(Exit::Interrupted);
    }
    if let Some(before) = before {
        let exit = before.compare(global, &report.findings)?;
        output::files(args, &report)?;
        return Ok(exit);
    }
    output::write(global, args, &report)?;
    if args.format == AuditFormat::Nagios {
        let status = nagios::Status::of(&report.findings, args.strict);
        return Ok(Exit::Plugin(status));
    }
    Ok(exit(&report.findings, args.strict))
}

/// The findings of all checks.
pub(super) fn findings(session: &Session, asking: Asking) -> Result<Findings> {
    let (all, now) = (Selection::default(), SystemTime::now());
    let report = audit(session, asking, all, now, &|_| true)?;
    Ok(report.findings)
}

/// Every result of all checks on the chosen hosts, and of the clients' requests.
pub(super) fn results(
    session: &Session,
    chosen: &dyn Fn(&Host) -> bool,
) -> Result<Vec<check::Examined>> {
    let (all, now) = (Selection::default(), SystemTime::now());
    let report = audit(session, Asking::Allowed, all, now, chosen)?;
    Ok(report.findings.results)
}

/// Runs the selected checks and makes the report, independent of its format. `chosen`: the hosts of `--limit` to ask.
fn audit(
    session: &Session,
    asking: Asking,
    selection: Selection,
    started: SystemTime,
    chosen: &dyn Fn(&Host) -> bool,
) -> Result<AuditReport> {
    let cluster = session.cluster();
    let mut findings = Findings::of(selection.clone());
    let asks_itself = selection.asks_itself();
    let more = |host: &Host, needs: &mut Needs| {
        check::needs_of(&selection, cluster, host, needs);
        let asking = if asks_itself { asking } else { Asking::LeftOut };
        check::questions(cluster, host, asking)
    };
    let asking = if selection.sends_traffic() {
        asking
    } else {
        Asking::LeftOut
    };
    let fleet = session.fleet_asking(&more)?;
    let mut desired = session.desired()?;
    desired.retain(|(host, _)| chosen(host));
    let stands_in = asking == Asking::Allowed && stands_in(&cluster.hosts, &desired);
    let mut runs = Vec::new();
    for (host, outcome) in fleet.open(desired) {
        match outcome {
            Ok(run) => {
                findings.pass_of(&host.name, &REACHABLE, "the host", "a root shell answered");
                runs.push(run);
            }
            Err(error) => {
                findings.fail(
                    &host.name,
                    &REACHABLE,
                    "the host",
                    unreachable(&chain(&error)),
                );
            }
        }
    }
    let this_machine = stands_in.then(|| ThisMachine::open(&fleet.run));
    let mut this_machine = this_machine.transpose().unwrap_or_else(|error| {
        // Not an error, since the inventory does not require this machine as a client.
        findings.unknown(
            "",
            &END_TO_END,
            "this machine cannot stand in for a client",
            format!(
                "{}; run as root, or give a host outside the cluster the role `client`",
                chain(&error)
            ),
        );
        None
    });
    // From here on, the cluster with the recorded drains.
    let cluster = fleet.run.desired();
    let (mut clients, mut hosts): (Vec<HostRun>, Vec<HostRun>) = runs
        .into_iter()
        .partition(|run| cluster.is_neutral(run.host));
    // A change that is just in progress must not become a finding.
    steady::wait(&fleet, &mut hosts);
    if !session.cancel.is_cancelled() {
        check::offline(
            cluster,
            &hosts,
            &clients,
            &session.access.secrets,
            &mut findings,
        );
    }
    if asking == Asking::Allowed && !session.cancel.is_cancelled() {
        let this_machine = this_machine.as_mut();
        traffic::check(
            &fleet,
            cluster,
            &mut clients,
            this_machine,
            &mut hosts,
            &mut findings,
        );
    }
    let started_at = unix_time::of(started).as_secs();
    if hosts.iter().any(|run| run.host.is_director()) {
        check::drains(cluster, started_at, &mut findings);
    }
    check::conclude(cluster, &hosts, Date::of_unix(started_at), &mut findings);
    hosts.extend(clients);
    let run = audit::Run {
        inventory: session.global.inventory.display().to_string(),
        started: started_at,
        seconds: started.elapsed().map_or(0.0, |spent| spent.as_secs_f64()),
    };
    let report = audit::build(cluster, &hosts, run, findings);
    fleet.close(hosts);
    if let Some(machine) = this_machine {
        machine.close();
    }
    Ok(report)
}

/// The exit status by the findings; with `--strict` also by what is not proven.
fn exit(findings: &Findings, strict: bool) -> Exit {
    let unknown = |finding: &Finding| finding.state == State::Unknown;
    let unproven = strict && findings.all.iter().any(unknown);
    if findings.is_clean() && !unproven {
        Exit::Done
    } else {
        Exit::Findings
    }
}

/// Whether this machine acts as client: no client takes part, and this machine is not a host of the cluster.
fn stands_in(hosts: &[Host], chosen: &[(&Host, Vec<Resource>)]) -> bool {
    let is_local = |host: &Host| host.connection == Connection::Local;
    !chosen.iter().any(|(host, _)| host.has_role("client")) && !hosts.iter().any(is_local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::arp_answer::ARP_ANSWER;

    #[test]
    fn what_is_not_proven_is_a_failure_only_when_strict() {
        for (about, unknown, check, error, strict, expected) in [
            ("all is proven", None, &END_TO_END, false, true, Exit::Done),
            (
                "no client asked",
                Some(""),
                &END_TO_END,
                false,
                false,
                Exit::Done,
            ),
            (
                "no client asked, strict",
                Some(""),
                &END_TO_END,
                false,
                true,
                Exit::Findings,
            ),
            (
                "another check",
                Some("c1"),
                &ARP_ANSWER,
                false,
                false,
                Exit::Done,
            ),
            (
                "another check, strict",
                Some("c1"),
                &ARP_ANSWER,
                false,
                true,
                Exit::Findings,
            ),
            ("an error", None, &END_TO_END, true, false, Exit::Findings),
        ] {
            let mut findings = Findings::default();
            findings.note("c1", &END_TO_END, "a note is proof enough");
            findings.skip("c1", &END_TO_END, "IPv6", "no address of it");
            if let Some(host) = unknown {
                findings.unknown(host, check, "the services", "were not asked for");
            }
            if error {
                findings.fail("rs1", &REACHABLE, "it", unreachable("no answer"));
            }
            assert_eq!(exit(&findings, strict), expected, "{about}");
        }
    }
}
