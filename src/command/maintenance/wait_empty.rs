//! The wait until a real server has no connections left in the table of any director.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Failure, Result};
use crate::exit::Exit;
use crate::fact::Needs;
use crate::fact::ipvs::{Ask, Counters, Place};
use crate::model::{Cluster, Host};
use crate::report;
use crate::report::error::chain;
use crate::run::{Fleet, HostRun};
use crate::view;

use super::super::output::aside;
use super::super::session::Session;

const PAUSE: Duration = Duration::from_secs(1);

/// Rounds without a new minimum of connections after which the wait ends. IPVS deletes idle TCP connections after 15 minutes,
/// so the remaining ones are in use.
const PATIENCE: u32 = 1200;

/// How often the number is shown.
const SHOW: Duration = Duration::from_secs(10);

/// Whether to continue the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Empty,
    Wait,
    /// No connection ended for too long.
    Stuck,
}

/// Counts rounds without progress instead of time, since a busy machine needs longer for a round.
#[derive(Debug)]
struct Progress {
    least: u64,
    left: u32,
}

impl Progress {
    fn new() -> Self {
        Self {
            least: u64::MAX,
            left: PATIENCE,
        }
    }

    fn see(&mut self, connections: u64) -> Verdict {
        if connections == 0 {
            return Verdict::Empty;
        }
        if connections < self.least {
            self.least = connections;
            self.left = PATIENCE;
            return Verdict::Wait;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            Verdict::Stuck
        } else {
            Verdict::Wait
        }
    }
}

/// Connections of a director's table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    active: u64,
    closing: u64,
}

/// The places of a host in the tables of directors.
fn places(cluster: &Cluster, host: &str, service: Option<&str>) -> BTreeSet<Place> {
    let services = cluster.services.iter();
    let services = services.filter(|own| service.is_none_or(|name| own.name == name));
    services
        .flat_map(|own| {
            view::ipvs_of(cluster, own)
                .into_iter()
                .map(move |to| (own, to))
        })
        .flat_map(|(own, to)| {
            let pairs = own.real_servers.iter().zip(&to.real_servers);
            let mine = pairs.filter(|(rs, _)| rs.host == host);
            let name = to.service.r#virtual.to_string();
            let all = mine.map(|(_, made)| Place::of(&name, Some(made.address.to_string())));
            all.collect::<Vec<_>>()
        })
        .collect()
}

fn count(counters: &Counters, places: &BTreeSet<Place>) -> Count {
    let own = counters.connections.iter();
    let own = own.filter(|(place, _)| places.contains(*place));
    own.fold(Count::default(), |sum, (_, (active, closing))| Count {
        active: sum.active + active,
        closing: sum.closing + closing,
    })
}

fn words(host: &str, counts: &[(&str, Count)]) -> String {
    let total = counts
        .iter()
        .map(|(_, c)| c.active + c.closing)
        .sum::<u64>();
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    let each = counts.iter().map(|(director, count)| {
        format!(
            "{director} {} active, {} closing",
            count.active, count.closing
        )
    });
    let each: Vec<String> = each.collect();
    format!(
        "{host}: {} left ({})",
        report::count(total, "connection"),
        each.join("; ")
    )
}

/// Waits without the directors' locks, so that other runs can work.
pub(super) fn wait(
    session: &Session,
    cluster: &Cluster,
    host: &str,
    service: Option<&str>,
) -> Result<()> {
    let fleet = session.fleet()?;
    let directors: Vec<(&Host, Vec<_>)> = session
        .cluster()
        .directors()
        .map(|host| (host, Vec::new()))
        .collect();
    let mut runs = session.open_hosts(&fleet, directors)?.hosts;
    let places = places(cluster, host, service);
    let done = rounds(session, &fleet, &mut runs, &places, host);
    fleet.close(runs);
    done
}

fn rounds(
    session: &Session,
    fleet: &Fleet,
    runs: &mut Vec<HostRun>,
    places: &BTreeSet<Place>,
    host: &str,
) -> Result<()> {
    let needs = Needs {
        ipvs: Some(Ask {
            traffic: true,
            ..Ask::default()
        }),
        ..Needs::default()
    };
    let mut progress = Progress::new();
    let mut shown: Option<Instant> = None;
    let mut last = String::new();
    loop {
        let asked = fleet.each(std::mem::take(runs), |mut run| {
            let facts = run.facts("counting connections", &needs);
            let counted = facts.map(|facts| count(&facts.ipvs.counters, places));
            (run, counted)
        });
        let mut counts = Vec::new();
        let mut lost = None;
        for (run, counted) in asked {
            match counted {
                Ok(count) => counts.push((run.host.name.as_str(), count)),
                Err(error) => lost = Some(format!("{}: {}", run.host.name, chain(&error))),
            }
            runs.push(run);
        }
        let line = words(host, &counts);
        if fleet.run.cancel.is_cancelled() {
            let message = format!("interrupted: {line}; it stays drained\n");
            return Err(Failure::new(Exit::Interrupted, message));
        }
        if let Some(lost) = lost {
            let message = format!(
                "error: its connections are not known any more: {lost}; {host} stays drained\n"
            );
            return Err(Failure::new(Exit::Failed, message));
        }
        let total = counts.iter().map(|(_, c)| c.active + c.closing).sum();
        match progress.see(total) {
            Verdict::Empty => return Ok(()),
            Verdict::Stuck => {
                let message = format!(
                    "error: expected connections to end, found none that did in {PATIENCE} readings of the tables: {line}; it \
                     stays drained; `lvsctl status --connections` lists their clients\n"
                );
                return Err(Failure::new(Exit::Failed, message).kind("not-empty"));
            }
            Verdict::Wait => {}
        }
        if !session.global.quiet && line != last && shown.is_none_or(|at| at.elapsed() >= SHOW) {
            aside(&line);
            shown = Some(Instant::now());
            last = line;
        }
        let next = Instant::now() + PAUSE;
        while Instant::now() < next && !fleet.run.cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fewer_connections_are_progress() {
        let all = |n: u32, count: u64| std::iter::repeat_n(count, n as usize);
        let cases: [(&str, Vec<u64>, Verdict); 6] = [
            ("none from the start", vec![0], Verdict::Empty),
            ("they end", vec![3, 2, 0], Verdict::Empty),
            ("they stay", all(PATIENCE + 1, 3).collect(), Verdict::Stuck),
            ("one look fewer", all(PATIENCE, 3).collect(), Verdict::Wait),
            (
                "to and fro is no progress",
                all(1, 3)
                    .chain((0..PATIENCE).map(|n| 3 + u64::from(n % 2)))
                    .collect(),
                Verdict::Stuck,
            ),
            (
                "one ends late",
                all(PATIENCE, 3).chain(all(PATIENCE, 2)).collect(),
                Verdict::Wait,
            ),
        ];
        for (about, counts, expected) in cases {
            let mut progress = Progress::new();
            let mut verdict = Verdict::Wait;
            for count in counts {
                verdict = progress.see(count);
            }
            assert_eq!(verdict, expected, "{about}");
        }
    }

    #[test]
    fn connections_are_shown_by_director() {
        let count = |active, closing| Count { active, closing };
        for (counts, expected) in [
            (
                vec![("lb1", count(1, 0)), ("lb2", count(0, 0))],
                "rs1: 1 connection left (lb1 1 active, 0 closing; lb2 0 active, 0 closing)",
            ),
            (
                vec![("lb1", count(10, 2))],
                "rs1: 12 connections left (lb1 10 active, 2 closing)",
            ),
        ] {
            assert_eq!(words("rs1", &counts), expected);
        }
    }
}
