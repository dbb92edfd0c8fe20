//! Every topology in the lab: a trial each, and when all have ended a table of a row each, one column a step.
//!
//! `cargo test --test matrix -- --list` names them; `-- --ignored --exact nat tun` runs those two. `--shard K/N` takes the
//! Kth of N parts of what the other words select. `--test-threads` says how many labs there are at a time.

mod arp;
mod capture;
#[path = "../support/cluster.rs"]
mod cluster;
mod damage;
mod drills;
mod harness;
mod health;
#[path = "../support/labs.rs"]
mod labs;
mod maintenance;
mod named;
mod particular;
mod persistence;
mod quoted;
mod schedulers;
#[path = "../support/selection.rs"]
mod selection;
mod table;
mod topologies;
mod vips;
mod vrrp;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use harness::Cluster;
use libtest_mimic::Trial;
use selection::Words;
use table::{Cell, Row};
use topologies::{ALL, Topology, name_of};

/// Labs at a time: each keeps one core busy.
const JOBS: usize = 2;

const NEEDS: &str = "needs root and a lab: make matrix";

type Rows = Arc<Mutex<Vec<Row>>>;

fn main() -> ExitCode {
    ran().unwrap_or_else(|status| status)
}

fn ran() -> Result<ExitCode, ExitCode> {
    let mut words: Words = selection::parsed()?;
    words.harness.test_threads.get_or_insert(JOBS);
    let rows = Rows::default();
    let asked = words.asked();
    let topologies = ALL.iter().map(|topology| trial(topology, &rows, asked));
    let trials = named::trials().into_iter().chain(topologies).collect();
    let trials = words.chosen(trials, "topology", name_of)?;
    let conclusion = libtest_mimic::run(&words.harness, trials);
    let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
    if !rows.is_empty() {
        rows.sort_by_key(|row| ALL.iter().position(|t| t.name == row.name));
        println!("{}", table::whole(&rows));
    }
    Ok(conclusion.exit_code())
}

fn trial(topology: &'static Topology, rows: &Rows, asked: bool) -> Trial {
    let rows = Arc::clone(rows);
    selection::trial(topology.name, asked, NEEDS, move || {
        let row = run(topology);
        println!("{}", table::line(&row));
        let failed = row.failed().map(|step| format!("{step} failed").into());
        rows.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(row);
        failed.map_or(Ok(()), Err)
    })
}

/// The life of one cluster. A step that fails ends it.
fn run(topology: &Topology) -> Row {
    let mut row = Row::new(topology.name);
    let mut cluster = None;
    step(&mut row, "up", || {
        cluster = Some(Cluster::up(topology));
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
    step(&mut row, "network", || {
        cluster.restart_networks();
        assert_eq!(
            cluster.planned(),
            Vec::<String>::new(),
            "dropped by systemd-networkd"
        );
        cluster.is_well();
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
