//! `lvsctl probe`: sends clients' requests to a service and measures the responses. Changes nothing on any host.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use crate::check::Vantage;
use crate::cli::{Format, Global, ProbeArgs};
use crate::event::Event;
use crate::exit::Exit;
use crate::measure::{self, Pace, RequestLoop, Summary, Target, Window, Wish};
use crate::model::Cluster;
use crate::report;
use crate::report::error::chain;
use crate::report::probe::{OfClient, ProbeView};
use crate::run::Fleet;

use super::clients::{self, Clients};
use super::output::show;
use super::session::{Options, Session};
use super::{Failure, Result, in_format};

/// The default number of requests.
const REQUESTS: u64 = 100;
/// The most requests without a flag of the user.
const MOST_REQUESTS: f64 = 100_000.0;
const HIGHEST_RATE: f64 = 1_000.0;
/// Requests at a time at a rate: each needs a socket.
const MOST_AT_A_TIME: u16 = 500;
/// Interval between two reads of the results.
const TICK: Duration = Duration::from_millis(100);
const ROUND: Duration = Duration::from_secs(1);

/// ECMA-48: cursor home, erase the display.
const HOME_AND_CLEAR: &str = "\x1b[H\x1b[2J";

pub(super) fn run(global: &Global, args: &ProbeArgs) -> Result<Exit> {
    in_format(args.format, begin(global, args))
}

fn begin(global: &Global, args: &ProbeArgs) -> Result<Exit> {
    bounded(args).map_err(|why| Failure::new(Exit::Usage, format!("error: {why}\n")))?;
    let options = Options {
        templates: false,
        quiet_cancel: true,
        ..Options::default()
    };
    let session = Session::open(global, options)?;
    let measured = measured(&session, args);
    let cancelled = session.cancel.is_cancelled();
    session.finish();
    let view = measured?;
    if !args.watch || args.format == Format::Text {
        show(global, |out, style| match args.format {
            Format::Text => report::probe::text(out, &view, style),
            Format::Json => report::probe::json(out, &view, false),
        })?;
    }
    Ok(match view.is_well() {
        _ if cancelled => Exit::Interrupted,
        true => Exit::Done,
        false => Exit::Lost,
    })
}

/// Refuses what may disturb others.
fn bounded(args: &ProbeArgs) -> std::result::Result<(), String> {
    if args.yes {
        return Ok(());
    }
    let rate = args.rate.unwrap_or(0.0);
    let seconds = args.time.as_secs_f64();
    let requests = args
        .rate
        .map_or(args.requests.unwrap_or(REQUESTS) as f64, |rate| {
            rate * seconds
        });
    if requests > MOST_REQUESTS {
        return Err(format!(
            "{requests:.0} requests are more than {MOST_REQUESTS:.0}, which may disturb the service's users; pass --yes to send them"
        ));
    }
    if rate > HIGHEST_RATE {
        return Err(format!(
            "{rate:.0} requests a second are more than {HIGHEST_RATE:.0}, which may disturb the service's users; pass --yes to send them"
        ));
    }
    Ok(())
}

/// What one of several clients sends.
fn pace(args: &ProbeArgs, clients: u64, number: u64) -> Pace {
    let timeout = args.timeout.as_secs_f64();
    match args.rate {
        Some(rate) => Pace {
            requests: None,
            rate: Some(rate / clients as f64),
            seconds: args.time.as_secs_f64(),
            concurrency: args.concurrency.unwrap_or(MOST_AT_A_TIME),
            timeout,
            keepalive: args.keepalive,
        },
        None => {
            let all = args.requests.unwrap_or(REQUESTS);
            let mine = all / clients + u64::from(number < all % clients);
            let concurrency = args.concurrency.unwrap_or(1);
            Pace {
                requests: Some(mine),
                rate: None,
                // The time if every request is lost.
                seconds: (mine as f64 * timeout / f64::from(concurrency) + 60.0).min(604_800.0),
                concurrency,
                timeout,
                keepalive: args.keepalive,
            }
        }
    }
}

fn measured(session: &Session, args: &ProbeArgs) -> Result<ProbeView> {
    let usage = |why: String| Failure::new(Exit::Usage, format!("error: {why}\n"));
    let cluster = session.cluster();
    let service = measure::service(cluster, &args.service).map_err(usage)?;
    let wish = Wish {
        vip: args.vip,
        port: args.port,
        path: args.path.as_deref(),
    };
    let target = Target::of(service, wish).map_err(usage)?;
    let hosts = session.context.hosts(session.global)?;
    let chosen = clients::choose(cluster, &hosts, &args.from).map_err(usage)?;
    let fleet = session.fleet()?;
    let mut clients = Clients::open(session, &fleet, chosen)?;
    let done = asked(session, &fleet, args, &target, &mut clients);
    clients.close(&fleet);
    done
}

fn asked(
    session: &Session,
    fleet: &Fleet,
    args: &ProbeArgs,
    target: &Target,
    clients: &mut Clients,
) -> Result<ProbeView> {
    let vantages = clients.vantages();
    let clients = vantages.len() as u64;
    let jobs = vantages.into_iter().zip(0..).collect();
    let started = fleet.each(jobs, |(from, number): (_, u64)| {
        let pace = pace(args, clients, number);
        let what = match (pace.requests, pace.rate) {
            (Some(requests), _) => report::count(requests as usize, "request"),
            (None, rate) => format!(
                "{} requests a second for {} s",
                rate.unwrap_or(0.0),
                pace.seconds
            ),
        };
        let event = Event::Asking {
            host: Vantage::name(&from).to_owned(),
            what,
        };
        fleet.run.sink.event(&event);
        RequestLoop::start(from, target, &pace)
    });
    let mut loops = Vec::new();
    for one in started {
        loops.push(one.map_err(|error| failed("a client", &error))?);
    }
    let mut shown = Instant::now();
    let interrupted = loop {
        for one in &mut loops {
            if !one.output.ended && one.output.failure.is_none() {
                let name = one.name().to_owned();
                one.read().map_err(|error| failed(&name, &error))?;
            }
        }
        if let Some((name, why)) = loops
            .iter()
            .find_map(|one| Some((one.name(), one.output.failure.as_ref()?)))
        {
            let message = format!("error: {name}: {why}\n");
            return Err(Failure::new(Exit::Failed, message).kind("no-tool"));
        }
        if session.cancel.is_cancelled() {
            break true;
        }
        if loops.iter().all(|one| one.output.ended) {
            break false;
        }
        if args.watch && shown.elapsed() >= ROUND {
            shown = Instant::now();
            let view = view(session.cluster(), target, &loops, true);
            session.reporter.suspend(|| live(session, args, &view))?;
        }
        std::thread::sleep(TICK);
    };
    if interrupted {
        for one in &mut loops {
            let name = one.name().to_owned();
            one.stop().map_err(|error| failed(&name, &error))?;
        }
    }
    let view = view(session.cluster(), target, &loops, false);
    if args.watch && args.format == Format::Json {
        show(session.global, |out, _| {
            report::probe::json(out, &view, true)
        })?;
    }
    Ok(view)
}

fn failed(name: &str, error: &crate::run::HostError) -> Failure {
    let message = format!("error: {name}: {}\n", chain(error));
    Failure::new(Exit::Failed, message).kind(error.kind())
}

/// Shows the results so far: the whole view on a terminal, otherwise one line.
fn live(session: &Session, args: &ProbeArgs, view: &ProbeView) -> Result<()> {
    let redraw = io::stdout().is_terminal();
    show(session.global, |out, style| match args.format {
        Format::Json => report::probe::json(out, view, true),
        Format::Text if redraw => {
            write!(out, "{HOME_AND_CLEAR}")?;
            report::probe::text(out, view, style)
        }
        Format::Text => report::probe::line(out, view),
    })
}

fn view(cluster: &Cluster, target: &Target, loops: &[RequestLoop], running: bool) -> ProbeView {
    let is_host = |name: &str| cluster.hosts.iter().any(|host| host.name == name);
    let of = |samples| {
        Summary::of(samples, Window::ALL, is_host, |status| {
            target.accepts(status)
        })
    };
    let parts: Vec<(&[measure::Sample], Summary)> = loops
        .iter()
        .map(|one| (one.output.samples.as_slice(), of(&one.output.samples)))
        .collect();
    let clients = loops.iter().zip(&parts);
    ProbeView {
        format: 1,
        running,
        service: target.service.name.clone(),
        target: target.shown(),
        vip: target.vip,
        port: target.port,
        total: Summary::merged(&parts),
        clients: clients
            .map(|(one, (_, summary))| OfClient {
                client: one.name().to_owned(),
                summary: summary.clone(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn args(words: &str) -> ProbeArgs {
        let words = format!("lvsctl probe web {words}");
        let cli = crate::cli::Cli::try_parse_from(words.split_whitespace()).expect("good words");
        match cli.command {
            crate::cli::Command::Probe(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn much_is_sent_only_when_asked_for() {
        for (words, well) in [
            ("", true),
            ("--requests 100000", true),
            ("--requests 100001", false),
            ("--requests 100001 --yes", true),
            ("--rate 1000 --for 10s", true),
            ("--rate 1001 --for 1s", false),
            ("--rate 1001 --for 1s --yes", true),
            ("--rate 500 --for 1h", false),
        ] {
            assert_eq!(bounded(&args(words)).is_ok(), well, "{words}");
        }
    }

    #[test]
    fn clients_share_the_requests() {
        let all = args("--requests 10");
        let shares: Vec<Option<u64>> = (0..3).map(|n| pace(&all, 3, n).requests).collect();
        assert_eq!(shares, [Some(4), Some(3), Some(3)]);
        let rate = args("--rate 30 --for 5s");
        let one = pace(&rate, 3, 0);
        assert_eq!(
            (one.rate, one.seconds, one.requests),
            (Some(10.0), 5.0, None)
        );
    }
}
