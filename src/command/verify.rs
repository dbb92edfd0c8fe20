//! `lvsctl verify`: all checks of a cluster. Nothing is changed on any host.

use crate::check::{self, Asking, END_TO_END, Findings, REACHABLE, traffic, unreachable};
use crate::cli::{Format, Global, VerifyArgs};
use crate::exit::Exit;
use crate::fact::Needs;
use crate::model::{Connection, Host};
use crate::report;
use crate::report::error::chain;
use crate::run::{HostRun, steady};

use super::Result;
use super::output::show;
use super::session::{Options, Session, lab_hint};

/// Stands for this machine as a client, where the inventory has none.
const THIS_MACHINE: &str = "this machine";

pub(super) fn run(global: &Global, args: &VerifyArgs) -> Result<Exit> {
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
    let mut findings = Findings::default();
    let audited = audit(&session, asking, &mut findings);
    let cancelled = session.cancel.is_cancelled();
    let context = session.finish();
    let all_reached = audited?;
    if !all_reached {
        eprint!("{}", lab_hint(global, context.cluster()));
    }
    if cancelled {
        return Ok(Exit::Interrupted);
    }
    let skipped = findings.unasked();
    let (all, passed) = (&findings.all, findings.count());
    show(global, |out, style| match args.format.format {
        Format::Text => report::findings::text(out, all, passed, &skipped, style),
        Format::Json => report::findings::json(out, all, passed, &skipped),
    })?;
    Ok(exit(&findings, args.strict))
}

/// Makes all checks; whether all hosts could be reached.
fn audit(session: &Session, asking: Asking, findings: &mut Findings) -> Result<bool> {
    let cluster = session.cluster();
    let more = |host: &Host, needs: &mut Needs| {
        if host.name == THIS_MACHINE {
            return String::new();
        }
        check::needs(cluster, host, needs);
        check::questions(cluster, host, asking)
    };
    let this_machine = this_machine(&cluster.hosts);
    let fleet = session.fleet_asking(&more)?;
    let mut wanted = session.wanted()?;
    let has_client = wanted.iter().any(|(host, _)| host.has_role("client"));
    if asking == Asking::Allowed
        && !has_client
        && let Some(host) = &this_machine
    {
        wanted.push((host, Vec::new()));
    }
    let mut all_reached = true;
    let mut runs = Vec::new();
    for (host, outcome) in fleet.open(wanted) {
        match outcome {
            Ok(run) => {
                findings.pass(&REACHABLE);
                runs.push(run);
            }
            // Nobody said that it should take part.
            Err(error) if host.name == THIS_MACHINE => findings.note(
                "",
                &END_TO_END,
                format!(
                    "this machine cannot stand in for a client: {}; run as root, or give a host outside the cluster the role `client`",
                    chain(&error)
                ),
            ),
            Err(error) => {
                all_reached = false;
                findings.fail(&host.name, &REACHABLE, "the host", unreachable(&chain(&error)));
            }
        }
    }
    let (mut clients, mut hosts): (Vec<HostRun>, Vec<HostRun>) = runs
        .into_iter()
        .partition(|run| run.host.name == THIS_MACHINE || cluster.is_neutral(run.host));
    // What changes by itself in a moment is no finding.
    steady::wait(&fleet, &mut hosts);
    if !session.cancel.is_cancelled() {
        check::offline(cluster, &hosts, &clients, &session.access.secrets, findings);
    }
    if asking == Asking::Allowed && !session.cancel.is_cancelled() {
        traffic::check(&fleet, cluster, &mut clients, &mut hosts, findings);
    }
    hosts.extend(clients);
    fleet.close(hosts);
    Ok(all_reached)
}

/// What was found decides; with `--strict` also what was not looked at from end to end.
fn exit(findings: &Findings, strict: bool) -> Exit {
    let skipped = strict && !findings.unasked().is_empty();
    if findings.is_clean() && !skipped {
        Exit::Done
    } else {
        Exit::Findings
    }
}

/// This machine is neutral when it is none of the cluster's hosts.
fn this_machine(hosts: &[Host]) -> Option<Host> {
    if hosts
        .iter()
        .any(|host| host.connection == Connection::Local)
    {
        return None;
    }
    let mut host = hosts.first()?.clone();
    host.name = THIS_MACHINE.to_owned();
    host.roles = Vec::new();
    host.connection = Connection::Local;
    host.ssh.sudo = Some(false);
    Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::arp_answer::ARP_ANSWER;

    #[test]
    fn what_no_client_asked_for_is_a_failure_only_when_strict() {
        let skipped = "the services were not asked for";
        for (about, host, check, error, strict, expected) in [
            (
                "nothing skipped",
                None,
                &END_TO_END,
                false,
                true,
                Exit::Done,
            ),
            ("skipped", Some(""), &END_TO_END, false, false, Exit::Done),
            (
                "skipped, strict",
                Some(""),
                &END_TO_END,
                false,
                true,
                Exit::Findings,
            ),
            (
                "one client of several",
                Some("c1"),
                &END_TO_END,
                false,
                true,
                Exit::Done,
            ),
            (
                "a note of another check",
                Some(""),
                &ARP_ANSWER,
                false,
                true,
                Exit::Done,
            ),
            ("an error", None, &END_TO_END, true, false, Exit::Findings),
        ] {
            let mut findings = Findings::default();
            if let Some(host) = host {
                findings.note(host, check, skipped);
            }
            if error {
                findings.fail("rs1", &REACHABLE, "it", unreachable("no answer"));
            }
            assert_eq!(exit(&findings, strict), expected, "{about}");
        }
    }
}
