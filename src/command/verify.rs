//! `lvsctl verify`: all checks of a cluster. Nothing is changed on any host.

use crate::check::{self, Asking, END_TO_END, Findings, REACHABLE, traffic, unreachable};
use crate::cli::{Format, Global, VerifyArgs};
use crate::exit::Exit;
use crate::fact::Needs;
use crate::model::{Connection, Host};
use crate::report;
use crate::report::error::chain;
use crate::resource::Resource;
use crate::run::this_machine::ThisMachine;
use crate::run::{HostRun, steady};

use super::Result;
use super::output::show;
use super::session::{Options, Session, lab_hint};

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
        check::needs(cluster, host, needs);
        check::questions(cluster, host, asking)
    };
    let fleet = session.fleet_asking(&more)?;
    let wanted = session.wanted()?;
    let stands_in = asking == Asking::Allowed && stands_in(&cluster.hosts, &wanted);
    let mut all_reached = true;
    let mut runs = Vec::new();
    for (host, outcome) in fleet.open(wanted) {
        match outcome {
            Ok(run) => {
                findings.pass(&REACHABLE);
                runs.push(run);
            }
            Err(error) => {
                all_reached = false;
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
        // The inventory does not ask for it.
        findings.note(
            "",
            &END_TO_END,
            format!(
                "this machine cannot stand in for a client: {}; run as root, or give a host outside the cluster the role `client`",
                chain(&error)
            ),
        );
        None
    });
    let (mut clients, mut hosts): (Vec<HostRun>, Vec<HostRun>) = runs
        .into_iter()
        .partition(|run| cluster.is_neutral(run.host));
    // What changes by itself in a moment is no finding.
    steady::wait(&fleet, &mut hosts);
    if !session.cancel.is_cancelled() {
        check::offline(cluster, &hosts, &clients, &session.access.secrets, findings);
    }
    if asking == Asking::Allowed && !session.cancel.is_cancelled() {
        let this_machine = this_machine.as_mut();
        traffic::check(
            &fleet,
            cluster,
            &mut clients,
            this_machine,
            &mut hosts,
            findings,
        );
    }
    hosts.extend(clients);
    fleet.close(hosts);
    if let Some(machine) = this_machine {
        machine.close();
    }
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

/// Whether this machine asks: no client takes part, and it is none of the cluster's hosts, so it is neutral.
fn stands_in(hosts: &[Host], chosen: &[(&Host, Vec<Resource>)]) -> bool {
    let is_local = |host: &Host| host.connection == Connection::Local;
    !chosen.iter().any(|(host, _)| host.has_role("client")) && !hosts.iter().any(is_local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::arp_answer::ARP_ANSWER;

    #[test]
    fn what_no_client_asked_for_is_a_failure_only_when_strict() {
        let skipped = "the services were not tested";
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
