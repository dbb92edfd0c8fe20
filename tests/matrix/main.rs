//! Every topology in the lab: one line each, one column a step. `cargo test --test matrix -- t5 t7` runs those alone,
//! `--jobs N` as many labs at a time, and `--part K/N` those that every part has with the Kth of N parts of the rest.

mod arp;
mod capture;
mod damage;
mod harness;
mod health;
#[path = "../support/labs.rs"]
mod labs;
mod particular;
mod persistence;
mod schedulers;
mod table;
mod topologies;
mod vrrp;

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use harness::Cluster;
use table::{Cell, Row};
use topologies::{ALL, Topology};

/// Labs at a time: each keeps one core busy.
const JOBS: usize = 2;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (mut jobs, mut chosen, mut part) = (JOBS, Vec::new(), (0, 1));
    while let Some(word) = words.next() {
        match word.as_str() {
            "--jobs" => jobs = words.next().and_then(|n| n.parse().ok()).unwrap_or(JOBS),
            "--part" => match words.next().as_deref().and_then(read_part) {
                Some(read) => part = read,
                None => {
                    eprintln!("--part: expected K/N with K below N, such as 0/2");
                    return ExitCode::from(64);
                }
            },
            // What cargo passes to any test.
            option if option.starts_with('-') => {}
            name => chosen.push(name.to_owned()),
        }
    }
    if let Err(other) = the_same("inventories/", inventories())
        .and_then(|()| the_same("the first table of docs/topologies.md", linked()))
    {
        eprintln!("{other}");
        return ExitCode::FAILURE;
    }
    let known = |name: &String| ALL.iter().any(|t| t.name == name);
    if let Some(name) = chosen.iter().find(|name| !known(name)) {
        eprintln!("no topology {name}");
        return ExitCode::from(64);
    }
    let wanted = of_part(part)
        .into_iter()
        .filter(|t| chosen.is_empty() || chosen.iter().any(|c| c == t.name));
    let queue: Mutex<VecDeque<&Topology>> = Mutex::new(wanted.collect());
    let rows: Mutex<Vec<Row>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let next = queue
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front();
                    let Some(topology) = next else { break };
                    let row = run(topology);
                    println!("{}", table::line(&row));
                    rows.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let place = |row: &Row| ALL.iter().position(|t| t.name == row.name);
    rows.sort_by_key(place);
    println!("\n{}", table::whole(&rows));
    if chosen.is_empty() && part == (0, 1) {
        // A row's times are known when it has run.
        if let Err(other) = the_same("the last table of docs/topologies.md", timed()) {
            eprintln!("{other}");
            return ExitCode::FAILURE;
        }
    }
    if rows.iter().all(Row::passed) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Inventories and the tables of docs/topologies.md name the rows that are here.
fn the_same(place: &str, found: BTreeSet<String>) -> Result<(), String> {
    let rows: BTreeSet<String> = ALL.iter().map(|t| t.name.to_owned()).collect();
    if found == rows {
        return Ok(());
    }
    let apart: Vec<&String> = found.symmetric_difference(&rows).collect();
    Err(format!(
        "{place} and tests/matrix/topologies.rs do not name the same: {apart:?}"
    ))
}

const TABLES: &str = include_str!("../../docs/topologies.md");

fn linked() -> BTreeSet<String> {
    let links = TABLES.split("](../inventories/").skip(1);
    let names = links.filter_map(|rest| Some(rest.split_once(".yaml)")?.0.to_owned()));
    names.collect()
}

fn timed() -> BTreeSet<String> {
    let rows = TABLES.lines().filter(|line| line.ends_with(" s |"));
    let names = rows.filter_map(|row| row.split(' ').nth(1).map(str::to_owned));
    names.collect()
}

fn inventories() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories");
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let paths = files.filter_map(|entry| Some(entry.ok()?.path()));
    let yaml = paths.filter(|path| path.extension().is_some_and(|end| end == "yaml"));
    let names = yaml.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    names.collect()
}

/// `K/N`.
fn read_part(word: &str) -> Option<(usize, usize)> {
    let (part, of) = word.split_once('/')?;
    let (part, of) = (part.parse().ok()?, of.parse().ok()?);
    (part < of).then_some((part, of))
}

fn of_part((part, of): (usize, usize)) -> Vec<&'static Topology> {
    let (always, rest): (Vec<&Topology>, Vec<&Topology>) = ALL.iter().partition(|t| t.core);
    let turn = rest.into_iter().enumerate().filter(|(n, _)| n % of == part);
    always.into_iter().chain(turn.map(|(_, t)| t)).collect()
}

/// The life of one cluster. A step that fails ends it.
fn run(topology: &Topology) -> Row {
    let mut row = Row::new(topology.name);
    let mut cluster = None;
    step(&mut row, "up", || {
        cluster = Some(Cluster::up_with(topology.name, topology.before))
    });
    let Some(cluster) = &cluster else { return row };
    let mut bare = Default::default();
    step(&mut row, "plan", || {
        bare = cluster.snapshots();
        cluster.lvsctl(&["plan"]).expect(2);
        cluster.unchanged(&bare);
    });
    step(&mut row, "apply", || {
        cluster.lvsctl(&["apply", "--yes"]).expect(0);
    });
    let mut applied = Default::default();
    let nothing = format!("{} hosts: 0 changes", cluster.hosts());
    step(&mut row, "rerun", || {
        applied = cluster.snapshots();
        let ran = cluster.lvsctl(&["apply", "--yes"]).expect(0);
        assert_eq!(ran.stdout.lines().last(), Some(&*nothing), "{}", ran.stdout);
        cluster.unchanged(&applied);
    });
    step(&mut row, "verify", || {
        cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
        cluster.is_well();
        cluster.unchanged(&applied);
    });
    step(&mut row, "reboot", || cluster.reboot());
    step(&mut row, "again", || {
        cluster.settles();
        cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
    });
    step(&mut row, "own", || (topology.own)(cluster));
    step(&mut row, "edit", || {
        (topology.edit)(cluster);
        cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
    });
    step(&mut row, "destroy", || cluster.destroy(&bare));
    row
}

fn step(row: &mut Row, name: &'static str, work: impl FnOnce()) {
    if !row.passed() {
        return;
    }
    let started = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(work));
    let seconds = started.elapsed().as_secs_f64();
    row.cells.push(match result {
        Ok(()) => Cell::passed(name, seconds),
        Err(_) => Cell::failed(name),
    });
}
