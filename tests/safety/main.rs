//! Changes of a live cluster in a lab: under load, cut off at every step, and from two controllers at once.
//!
//! `cargo test --test safety -- --list` names them; `-- --ignored load::` runs those whose names contain that. One cluster
//! serves all of them, one after another.

#[path = "../support/cluster.rs"]
mod cluster;
mod cut;
mod edits;
#[path = "../support/labs.rs"]
mod labs;
mod load;
mod pair;
mod race;
#[path = "../support/selection.rs"]
mod selection;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser as _;
use libtest_mimic::{Completion, Trial};
use pair::Pair;
use selection::Words;

const NEEDS: &str = "needs root and a lab: make safety";

/// Of a command line that says nothing that can be done.
const USAGE: u8 = 64;

#[derive(clap::Parser)]
#[command(disable_version_flag = true)]
struct All {
    #[command(flatten)]
    words: Words,

    /// How often two controllers race.
    #[arg(long, value_name = "N", default_value_t = 50)]
    races: usize,

    /// Runs are cut off at every Nth step.
    #[arg(long, value_name = "N", default_value_t = 1)]
    every: usize,
}

type Test = Box<dyn Fn(&Pair) -> Result<String, String> + Send>;

fn main() -> ExitCode {
    let mut all = match All::try_parse() {
        Ok(all) => all,
        Err(error) => {
            let status = if error.use_stderr() { USAGE } else { 0 };
            error.print().ok();
            return ExitCode::from(status);
        }
    };
    let harness = &mut all.words.harness;
    harness.test_threads = Some(1);
    let asked = harness.ignored || harness.include_ignored || harness.list;
    let shared = Arc::new(Mutex::new(None));
    let tests = load::tests()
        .into_iter()
        .chain(cut::tests(all.every))
        .chain(race::tests(all.races));
    let trials = tests.map(|(name, test)| trial(name, test, &shared, asked));
    let trials = match all.words.select(trials.collect(), str::to_owned) {
        Ok(trials) => trials,
        Err(name) => {
            eprintln!("no test {name}");
            return ExitCode::from(USAGE);
        }
    };
    let conclusion = libtest_mimic::run(&all.words.harness, trials);
    drop(shared.lock().unwrap_or_else(PoisonError::into_inner).take());
    conclusion.exit_code()
}

/// A test that fails may leave anything: the next one gets another cluster.
fn trial(name: String, test: Test, shared: &Arc<Mutex<Option<Pair>>>, asked: bool) -> Trial {
    if !asked {
        return Trial::ignorable_test(name, || Ok(Completion::ignored_with(NEEDS)));
    }
    let shared = Arc::clone(shared);
    let line = name.clone();
    let run = move || {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let result = catch_unwind(AssertUnwindSafe(|| {
            test(shared.get_or_insert_with(Pair::up))
        }));
        let result = result.unwrap_or_else(|_| Err("it panicked: see above".to_owned()));
        match result {
            Ok(said) => {
                println!("{line}: {said}");
                Ok(())
            }
            Err(said) => {
                println!("{line}: FAILED: {said}");
                *shared = None;
                Err(said.into())
            }
        }
    };
    Trial::test(name, run).with_ignored_flag(true)
}
