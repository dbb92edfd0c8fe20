//! `lvsctl verify`: the proof, for audits too. Nothing is changed on any host.

use crate::cli::{Format, Global, VerifyArgs};
use crate::exit::Exit;
use crate::fact::Needs;
use crate::inventory::model::{Connection, Host};
use crate::report;
use crate::report::error::chain;
use crate::run::{HostRun, steady};
use crate::verify::questions::Traffic;
use crate::verify::tally::{Compared, Tally};
use crate::verify::{self, Check, live, questions};

use super::Result;
use super::output::{Reporter, show};
use super::work::{Work, lab_hint};
use super::{reach, setup};

/// Stands for this machine as a client, where the inventory has none.
const THIS_MACHINE: &str = "this machine";

pub fn run(global: &Global, args: &VerifyArgs) -> Result<Exit> {
    let mut setup = setup::load(global)?;
    let reach = reach::reach(global, &mut setup, true)?;
    let interrupt = reach::interrupt()?;
    let reporter = Reporter::new(global, Format::Text);
    let cluster = setup.cluster();
    let traffic = if args.no_traffic {
        Traffic::LeftOut
    } else {
        Traffic::Sent
    };
    let more = |host: &Host, needs: &mut Needs| {
        if host.name == THIS_MACHINE {
            return String::new();
        }
        questions::needs(cluster, host, needs);
        questions::of(cluster, host, traffic)
    };
    let mut tally = Tally::default();
    let mut unreached = false;
    let this_machine = this_machine(&cluster.hosts);
    {
        let work = Work {
            global,
            setup: &setup,
            reach: &reach,
            sink: &reporter,
            ignore_unreachable: true,
        };
        let fleet = work.fleet_asking(&interrupt, &more)?;
        let mut wanted = work.wanted()?;
        let has_client = wanted.iter().any(|(host, _)| host.has_role("client"));
        if traffic == Traffic::Sent
            && !has_client
            && let Some(host) = &this_machine
        {
            wanted.push((host, Vec::new()));
        }
        let mut runs = Vec::new();
        for (host, outcome) in fleet.open(wanted) {
            match outcome {
                Ok(run) => {
                    tally.pass(Check::Reachable);
                    runs.push(run);
                }
                // Nobody said that it should take part.
                Err(error) if host.name == THIS_MACHINE => tally.note(
                    "",
                    Check::EndToEnd,
                    format!(
                        "this machine cannot stand in for a client: {}; run as root, or give a host outside the cluster the role `client`",
                        chain(&error)
                    ),
                ),
                Err(error) => {
                    unreached = true;
                    tally.fail(&host.name, Check::Reachable, unreachable(&chain(&error)));
                }
            }
        }
        let (mut clients, mut hosts): (Vec<HostRun>, Vec<HostRun>) = runs
            .into_iter()
            .partition(|run| run.host.name == THIS_MACHINE || cluster.is_neutral(run.host));
        // What changes by itself in a moment is no finding.
        steady::wait(&fleet, &mut hosts);
        if !interrupt.is_set() {
            verify::offline(cluster, &hosts, &clients, &reach.secrets, &mut tally);
        }
        if traffic == Traffic::Sent && !interrupt.is_set() {
            live::check(&fleet, cluster, &mut clients, &mut hosts, &mut tally);
        }
        hosts.extend(clients);
        fleet.close(hosts);
    }
    reporter.finish();
    reach.tell(global);
    if unreached {
        eprint!("{}", lab_hint(global, cluster));
    }
    if interrupt.is_set() {
        return Ok(Exit::Interrupted);
    }
    let skipped = tally.unasked();
    let (findings, passed) = (&tally.findings, tally.count());
    show(global, |out, style| match args.format.format {
        Format::Text => report::findings::text(out, findings, passed, &skipped, style),
        Format::Json => report::findings::json(out, findings, passed, &skipped),
    })?;
    Ok(exit(&tally, args.strict))
}

/// What was found decides; with `--strict` also what was not looked at from end to end.
fn exit(tally: &Tally, strict: bool) -> Exit {
    let skipped = strict && !tally.unasked().is_empty();
    if tally.is_clean() && !skipped {
        Exit::Done
    } else {
        Exit::Findings
    }
}

fn unreachable(error: &str) -> Compared {
    Compared {
        what: "the host".into(),
        expected: "reachable".into(),
        found: error.to_owned(),
        mend: "see that it runs and that its SSH settings in the inventory are right".into(),
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

    #[test]
    fn what_no_client_asked_for_is_a_failure_only_when_strict() {
        let skipped = "the services were not asked for";
        for (about, host, check, error, strict, expected) in [
            (
                "nothing skipped",
                None,
                Check::EndToEnd,
                false,
                true,
                Exit::Done,
            ),
            (
                "skipped",
                Some(""),
                Check::EndToEnd,
                false,
                false,
                Exit::Done,
            ),
            (
                "skipped, strict",
                Some(""),
                Check::EndToEnd,
                false,
                true,
                Exit::Findings,
            ),
            (
                "one client of several",
                Some("c1"),
                Check::EndToEnd,
                false,
                true,
                Exit::Done,
            ),
            (
                "a note of another check",
                Some(""),
                Check::ArpAnswer,
                false,
                true,
                Exit::Done,
            ),
            (
                "an error",
                None,
                Check::EndToEnd,
                true,
                false,
                Exit::Findings,
            ),
        ] {
            let mut tally = Tally::default();
            if let Some(host) = host {
                tally.note(host, check, skipped);
            }
            if error {
                tally.fail("rs1", Check::ArpIgnore, Compared::default());
            }
            assert_eq!(exit(&tally, strict), expected, "{about}");
        }
    }
}
