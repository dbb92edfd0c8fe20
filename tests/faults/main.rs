//! The fault catalogue in labs: each fault is injected into a clean cluster, `verify` must find it by just the checks
//! that its file names, and the cluster is clean again after the repair.
//!
//! `cargo test --test faults -- --list` names them; `-- --ignored boot::` runs those whose names contain that. A cluster
//! serves many faults, one after another; `--test-threads` says how many labs there are at a time.

mod bench;
mod board;
#[path = "../support/cluster.rs"]
mod cluster;
#[path = "../support/fault.rs"]
mod fault;
mod healthy;
mod job;
#[path = "../support/labs.rs"]
mod labs;
mod mixed;
mod named;
#[path = "../support/selection.rs"]
mod selection;
mod topologies;
mod totals;
mod verify;
mod work;

use std::process::ExitCode;
use std::sync::Arc;

use board::Board;
use libtest_mimic::Trial;
use selection::Words;
use work::{Job, Options};

/// Labs at a time: each keeps one core busy.
const LABS: usize = 2;

const NEEDS: &str = "needs root and a lab: make faults";

#[derive(clap::Parser)]
#[command(disable_version_flag = true)]
struct All {
    #[command(flatten)]
    words: Words,

    /// Boot-time faults: reboot the host, and prove that the fault does harm then.
    #[arg(long)]
    reboot: bool,

    /// Prints all findings, and follows their fixes first, whatever the faults' files say.
    #[arg(long)]
    fixes: bool,

    /// How many times `verify` is asked in each healthy state.
    #[arg(long, value_name = "N", default_value_t = 1)]
    healthy: usize,
}

fn main() -> ExitCode {
    ran().unwrap_or_else(|status| status)
}

fn ran() -> Result<ExitCode, ExitCode> {
    let mut all: All = selection::parsed()?;
    let jobs = work::jobs().map_err(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })?;
    let asked = all.words.asked();
    let board = Arc::new(Board::default());
    let trials = named::trials();
    let trials = trials
        .into_iter()
        .chain(jobs.iter().map(|job| trial(job, &board, asked)));
    let trials = all.words.chosen(trials.collect(), "fault", str::to_owned)?;
    let harness = &mut all.words.harness;
    let chosen = jobs
        .into_iter()
        .filter(|job| trials.iter().any(|trial| trial.name() == job.name))
        .collect();
    let labs = harness.test_threads.unwrap_or(LABS);
    let runs = asked && !harness.list;
    let options = Options {
        labs,
        reboots: all.reboot,
        fixes: all.fixes,
        rounds: all.healthy,
    };
    let workers = runs.then(|| work::start(chosen, &board, options));
    // A trial only waits.
    harness.test_threads = Some(trials.len().max(1));
    let conclusion = libtest_mimic::run(harness, trials);
    if let Some(workers) = workers {
        println!("{}", totals::line(&workers.end()));
    }
    Ok(conclusion.exit_code())
}

fn trial(job: &Job, board: &Arc<Board>, asked: bool) -> Trial {
    let (name, board) = (job.name.clone(), Arc::clone(board));
    selection::trial(&job.name, asked, NEEDS, move || match board.take(&name) {
        None => Ok(()),
        Some(error) => Err(error.into()),
    })
}
