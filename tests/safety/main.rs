//! Changes of a live cluster in a lab: under load, cut at every step, from two controllers at once, that lock lvsctl out,
//! and against hostile hosts. Two jump hosts in a chain, one with a changed host key, are in tests/it/transport_jump.rs.
//!
//! `cargo test --test safety -- --list` names them; `-- --ignored load::` runs those whose names contain that. One cluster
//! serves all of them, one after another.

mod announce;
#[path = "../support/cluster.rs"]
mod cluster;
mod cut;
mod edits;
mod hostile;
#[path = "../support/labs.rs"]
mod labs;
mod load;
mod lockout;
mod pair;
mod race;
#[path = "../support/selection.rs"]
mod selection;
mod valid;

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

    /// Runs are cut at every Nth step.
    #[arg(long, value_name = "N", default_value_t = 1)]
    every: usize,
}

type Test = Box<dyn Fn(&Pair) -> Result<String, String> + Send>;

/// A test that needs no lab.
type Alone = Box<dyn Fn() -> Result<String, String> + Send>;

/// The cluster, once a test has needed it.
type Shared = Arc<Mutex<Option<Pair>>>;

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
    let shared = Shared::default();
    let tests = load::tests()
        .into_iter()
        .chain(cut::tests(all.every))
        .chain(race::tests(all.races))
        .chain(lockout::tests())
        .chain(hostile::tests());
    let tests = tests.map(|(name, test)| {
        let run = move |shared: &mut Option<Pair>| test(shared.get_or_insert_with(Pair::up));
        trial(name, run, &shared, asked)
    });
    let alone = hostile::alone().into_iter();
    let alone = alone.map(|(name, test)| trial(name, move |_| test(), &shared, asked));
    let own = announce::trials().into_iter().chain(valid::trials());
    let trials = own.chain(tests).chain(alone).collect();
    let trials = match all.words.select(trials, str::to_owned) {
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
fn trial(
    name: String,
    test: impl Fn(&mut Option<Pair>) -> Result<String, String> + Send + 'static,
    shared: &Shared,
    asked: bool,
) -> Trial {
    if !asked {
        return Trial::ignorable_test(name, || Ok(Completion::ignored_with(NEEDS)));
    }
    let shared = Arc::clone(shared);
    let line = name.clone();
    let run = move || {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let result = catch_unwind(AssertUnwindSafe(|| test(&mut shared)));
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
