//! `lvsctl status`: what the directors serve now, in one table. Nothing is changed on any host.

mod connections;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::cli::{Format, Global, StatusArgs};
use crate::exit::Exit;
use crate::fact::Needs;
use crate::fact::ipvs::{Place, Served, entries};
use crate::fact::keepalived;
use crate::model::{Cluster, Destination, Host, Maintenance, Service, Virtual, ports};
use crate::report;
use crate::report::error::chain;
use crate::report::status::{
    Director, DirectorState, Drained, Guarded, RealServer, State, StatusView,
};
use crate::resource::ipvs::{Ipvs, KEEPALIVED};
use crate::run::{Fleet, HostRun};
use crate::unix_time;
use crate::view;
use crate::vrrp_state;

use super::output::{show, terminal};
use super::session::{Options, Session, lab_hint};
use super::{Result, in_format};

/// How soon Ctrl-C is seen.
const TICK: Duration = Duration::from_millis(100);

/// ECMA-48: cursor home, erase the display.
const HOME_AND_CLEAR: &str = "\x1b[H\x1b[2J";

fn needs(args: &StatusArgs, host: &Host, needs: &mut Needs) -> String {
    if host.is_director() {
        needs.clock.get_or_insert_default();
        let ipvs = needs.ipvs.get_or_insert_default();
        ipvs.traffic = true;
        ipvs.totals = args.stats;
        let most = if args.all { entries::MOST } else { args.top };
        ipvs.entries = args.connections.then_some(most);
        needs.keepalived.get_or_insert_default().states = true;
    }
    String::new()
}

pub(super) fn run(global: &Global, args: &StatusArgs) -> Result<Exit> {
    in_format(args.format, look(global, args))
}

fn look(global: &Global, args: &StatusArgs) -> Result<Exit> {
    let session = Session::open(
        global,
        Options {
            templates: false,
            ignore_unreachable: true,
            quiet_cancel: args.watch.is_some(),
            ..Options::default()
        },
    )?;
    let shown = watch(&session, args);
    let context = session.finish();
    if shown? {
        return Ok(Exit::Done);
    }
    eprint!("{}", lab_hint(global, context.cluster()));
    Ok(Exit::Unreachable)
}

/// Shows the status until the end; returns whether all directors answered in every round.
fn watch(session: &Session, args: &StatusArgs) -> Result<bool> {
    let more = |host: &Host, asked: &mut Needs| needs(args, host, asked);
    let fleet = session.fleet_asking(&more)?;
    let mut directors = session.desired()?;
    directors.retain(|(host, _)| host.is_director());
    let (mut runs, mut missing) = (Vec::new(), Vec::new());
    for (host, outcome) in fleet.open(directors) {
        match outcome {
            Ok(run) => runs.push(run),
            Err(error) => missing.push((host, chain(&error))),
        }
    }
    let shown = rounds(session, &fleet, args, &mut runs, &mut missing);
    fleet.close(runs);
    shown?;
    Ok(missing.is_empty())
}

/// Shows the table once, or again and again until the user or the count ends it.
fn rounds<'h>(
    session: &Session,
    fleet: &Fleet,
    args: &StatusArgs,
    runs: &mut Vec<HostRun<'h>>,
    missing: &mut Vec<(&'h Host, String)>,
) -> Result<()> {
    let redraw = args.watch.is_some() && args.format == Format::Text && io::stdout().is_terminal();
    let mut round: u64 = 1;
    let mut reasons = connections::Reasons::default();
    loop {
        // Read in each round, since another run may drain hosts meanwhile.
        let records = runs.iter().map(|run| &run.answer.maintenance);
        let record = Maintenance::newest(records);
        let with_drains = record.map(|record| record.over(session.cluster()));
        let cluster = with_drains.as_ref().unwrap_or(session.cluster());
        let mut view = view(cluster, runs, missing);
        if args.connections {
            view.connections = connections::view(cluster, runs);
        }
        if let Some(all) = &mut view.connections {
            reasons.add_to(session, all)?;
        }
        session.reporter.suspend(|| {
            show(session.global, |out, style| {
                if redraw {
                    let mut text = Vec::new();
                    report::status::text(&mut text, &view, style)?;
                    let text = String::from_utf8_lossy(&text);
                    let lines = terminal().map_or(usize::MAX, |(_, lines)| lines);
                    return write!(out, "{HOME_AND_CLEAR}{}", top(&text, lines));
                }
                if round > 1 && args.format == Format::Text {
                    writeln!(out)?;
                }
                match args.format {
                    Format::Text => report::status::text(out, &view, style),
                    Format::Json => report::status::json(out, &view, args.watch.is_some()),
                }
            })
        })?;
        let Some(seconds) = args.watch else {
            return Ok(());
        };
        if args.count.is_some_and(|count| round >= count) {
            return Ok(());
        }
        let next = Instant::now() + Duration::from_secs_f64(seconds);
        while Instant::now() < next && !fleet.run.cancel.is_cancelled() {
            std::thread::sleep(TICK.min(next.saturating_duration_since(Instant::now())));
        }
        if fleet.run.cancel.is_cancelled() {
            return Ok(());
        }
        let asked = fleet.each(std::mem::take(runs), |mut run| {
            let answer = run.probe_again(&fleet.run);
            (run, answer)
        });
        for (run, answer) in asked {
            match answer {
                Ok(()) => runs.push(run),
                Err(error) => missing.push((run.host, chain(&error))),
            }
        }
        round += 1;
    }
}

/// The first lines of a text, as many as fit on the screen: more would scroll the heading away. One line is left for the
/// cursor.
fn top(text: &str, lines: usize) -> String {
    let all = text.lines().count();
    if all < lines {
        return text.to_owned();
    }
    let shown = lines.saturating_sub(2).max(1);
    let kept: String = text.split_inclusive('\n').take(shown).collect();
    format!(
        "{kept}... {} more; see them in a taller window, or without --watch\n",
        report::count(all - shown, "line")
    )
}

fn view(cluster: &Cluster, runs: &[HostRun], missing: &[(&Host, String)]) -> StatusView {
    let mut directors: Vec<Director> = runs.iter().map(|run| director(cluster, run)).collect();
    directors.extend(missing.iter().map(|(host, error)| Director {
        host: host.name.clone(),
        state: DirectorState::Unreached,
        vips: Vec::new(),
        instances: BTreeMap::new(),
        note: Some(error.clone()),
    }));
    note_double_holders(&mut directors);
    let mut services = Vec::new();
    for service in &cluster.services {
        // The table of the serving director; while none serves, that of a backup.
        let holds = |run: &&HostRun| {
            service
                .vips
                .iter()
                .any(|vip| run.answer.facts.address.has(vip.address))
        };
        let Some(run) = runs.iter().find(holds).or_else(|| runs.first()) else {
            continue;
        };
        for desired in view::ipvs_of(cluster, service) {
            services.push(of_service(cluster, service, &desired, run));
        }
    }
    StatusView {
        cluster: cluster.name.clone(),
        directors,
        services,
        maintenance: drained(cluster, unix_time::now().as_secs()),
        guards: guards(runs),
        connections: None,
    }
}

fn guards(runs: &[HostRun]) -> Vec<Guarded> {
    let of = |run: &HostRun| {
        let guard = run.answer.guard.clone()?;
        Some(Guarded {
            host: run.host.name.clone(),
            guard,
        })
    };
    runs.iter().filter_map(of).collect()
}

fn drained(cluster: &Cluster, now: u64) -> Vec<Drained> {
    let all = cluster.drains();
    all.map(|drain| Drained {
        drain: drain.clone(),
        overdue: drain.has_passed(now),
    })
    .collect()
}

/// Adds a note to directors that hold the same VIP: a takeover in progress, or they do not receive each other's adverts.
fn note_double_holders(directors: &mut [Director]) {
    let held: Vec<(String, Vec<String>)> = directors
        .iter()
        .map(|d| (d.host.clone(), d.vips.clone()))
        .collect();
    for director in directors {
        let others = held.iter().filter(|(host, _)| *host != director.host);
        let mut both = others.filter_map(|(host, vips)| {
            let vip = vips.iter().find(|vip| director.vips.contains(vip))?;
            Some(format!(
                "{host} holds {vip} too; if that lasts, `lvsctl verify` finds out why"
            ))
        });
        director.note = director.note.take().or_else(|| both.next());
    }
}

fn director(cluster: &Cluster, run: &HostRun) -> Director {
    let observed = &run.answer.facts;
    let vips: Vec<String> = cluster
        .all_vips()
        .into_iter()
        .filter(|vip| observed.address.has(*vip))
        .map(|vip| vip.to_string())
        .collect();
    let waits = observed.unit.is_active(KEEPALIVED);
    let mut instances = observed.keepalived.log.states.clone();
    instances.retain(|name, _| waits && cluster.vrrp.iter().any(|i| i.name == *name));
    let faults: Vec<String> = cluster
        .vrrp
        .iter()
        .filter(|i| instances.get(&i.name) == Some(&keepalived::State::Fault))
        .map(|i| {
            let why = vrrp_state::why_in_fault(cluster, run.host, i, &observed.address);
            format!("{} is in FAULT ({why})", i.name)
        })
        .collect();
    let is_drained = cluster.is_drained(&run.host.name);
    Director {
        host: run.host.name.clone(),
        state: state(!vips.is_empty(), waits, !faults.is_empty()),
        vips,
        instances,
        note: match (faults.is_empty(), is_drained) {
            (false, _) => Some(faults.join("; ")),
            (true, true) => Some("drained".to_owned()),
            (true, false) => None,
        },
    }
}

/// The state of a director. `waits`: keepalived runs; `fault`: an instance is in FAULT.
fn state(holds: bool, waits: bool, fault: bool) -> DirectorState {
    match (holds, waits, fault) {
        (true, _, _) => DirectorState::Master,
        (false, true, true) => DirectorState::Fault,
        (false, true, false) => DirectorState::Backup,
        (false, false, _) => DirectorState::Down,
    }
}

fn at(service: &Service, to: Virtual) -> String {
    let vips = service
        .vips
        .iter()
        .map(|vip| vip.address.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let ports = ports::shown(&service.all_ports());
    match to {
        Virtual::Tcp(address) => format!("tcp {address}"),
        Virtual::Udp(address) => format!("udp {address}"),
        Virtual::Fwmark { mark, .. } => format!("mark {mark:#x} of {vips} ports {ports}"),
    }
}

/// Why a health checker has removed a real server: from the checker's log or state, and from lvsctl's own request.
fn out(service: &Service, desired: &Ipvs, run: &HostRun, rs: &Destination) -> report::status::Out {
    let table = &run.answer.facts.ipvs.table;
    let to = desired.service.r#virtual;
    let known = table.out(to, rs).cloned().unwrap_or_default();
    let now = run.answer.facts.clock.now();
    let own = service
        .real_servers
        .iter()
        .find(|own| own.address == rs.address.ip());
    let fails = table.fails(to, rs);
    report::status::Out {
        check: own.and_then(|own| view::check_words(service, own, to)),
        since: known.since,
        // The clock may have been set back.
        seconds: known
            .since
            .zip(now)
            .map(|(since, now)| (now - since).max(0.0) as u64),
        when: known.when,
        error: known.error,
        answers: (fails
            || desired
                .returning(table)
                .any(|one| one.address == rs.address))
        .then_some(!fails),
    }
}

fn of_service(
    cluster: &Cluster,
    service: &Service,
    desired: &Ipvs,
    run: &HostRun,
) -> report::status::Service {
    let table = &run.answer.facts.ipvs.table;
    let to = desired.service.r#virtual;
    let served: Option<&Served> = table.services.iter().find(|s| s.definition.r#virtual == to);
    let counters = &run.answer.facts.ipvs.counters;
    let rates = |real_server: Option<SocketAddr>| {
        let place = Place::of(&to.to_string(), real_server.map(|a| a.to_string()));
        counters.rates.get(&place).copied()
    };
    let totals = |real_server: Option<SocketAddr>| {
        let place = Place::of(&to.to_string(), real_server.map(|a| a.to_string()));
        counters.totals.get(&place).copied()
    };
    let host_of = |address: SocketAddr| {
        let mut hosts = cluster.hosts.iter();
        hosts
            .find(|h| h.holds(address.ip()))
            .map(|h| h.name.clone())
    };
    let mut addresses: Vec<SocketAddr> = desired.real_servers.iter().map(|rs| rs.address).collect();
    let strays = served
        .into_iter()
        .flat_map(|s| s.real_servers.keys())
        .filter(|a| !addresses.contains(a))
        .copied()
        .collect::<Vec<_>>();
    addresses.extend(strays);
    let real_servers = addresses
        .into_iter()
        .map(|address| {
            let planned = desired.real_servers.iter().find(|rs| rs.address == address);
            let running = served.and_then(|s| s.real_servers.get(&address));
            let unhealthy = planned.is_some_and(|rs| desired.is_unhealthy(table, rs));
            let place = Place::of(&to.to_string(), Some(address.to_string()));
            let (active, inactive) = counters
                .connections
                .get(&place)
                .copied()
                .unwrap_or_default();
            RealServer {
                host: host_of(address),
                address: address.to_string(),
                mode: planned
                    .or(running)
                    .map_or_else(String::new, |rs| <&str>::from(rs.mode).to_owned()),
                state: if desired.stands_in(table, address) {
                    State::Sorry
                } else {
                    State::of(
                        planned.map(|rs| rs.weight),
                        running.map(|rs| rs.weight),
                        unhealthy.then_some(false),
                    )
                },
                weight: running.map(|rs| rs.weight),
                desired_weight: planned.map(|rs| rs.weight),
                wanted_weight: planned.map(|rs| rs.weight),
                active,
                inactive,
                rates: rates(Some(address)),
                totals: totals(Some(address)),
                out: planned
                    .filter(|_| unhealthy)
                    .map(|rs| out(service, desired, run, rs)),
            }
        })
        .collect();
    report::status::Service {
        name: service.name.clone(),
        at: at(service, to),
        scheduler: <&str>::from(service.scheduler).to_owned(),
        scheduler_flags: service.scheduler_flags.clone(),
        one_packet: service.one_packet,
        persistence: service.persistence.map(|p| p.timeout),
        director: run.host.name.clone(),
        present: served.is_some(),
        rates: rates(None),
        totals: totals(None),
        real_servers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_stays_on_the_screen() {
        let text = |lines: usize| (1..=lines).map(|n| format!("{n}\n")).collect::<String>();
        let more = |lines: &str| {
            format!("... {lines} more; see them in a taller window, or without --watch\n")
        };
        for (lines, screen, desired) in [
            (3, 24, text(3)),
            (23, 24, text(23)),
            (24, 24, format!("{}{}", text(22), more("2 lines"))),
            (100, 24, format!("{}{}", text(22), more("78 lines"))),
            (3, 3, format!("{}{}", text(1), more("2 lines"))),
            (3, 1, format!("{}{}", text(1), more("2 lines"))),
            (100, usize::MAX, text(100)),
        ] {
            let shown = top(&text(lines), screen);
            assert_eq!(shown, desired, "{lines} on {screen}");
        }
    }

    #[test]
    fn an_instance_in_fault_is_no_backup() {
        for (holds, waits, fault, expected) in [
            (true, true, false, DirectorState::Master),
            (true, false, false, DirectorState::Master),
            (true, true, true, DirectorState::Master),
            (false, true, false, DirectorState::Backup),
            (false, true, true, DirectorState::Fault),
            (false, false, false, DirectorState::Down),
            (false, false, true, DirectorState::Down),
        ] {
            assert_eq!(
                state(holds, waits, fault),
                expected,
                "{holds} {waits} {fault}"
            );
        }
    }
}
