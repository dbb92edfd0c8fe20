//! The cases of `tests/cases`, each a named trial: `cargo test --test named_cases sysctl` runs those of one kind.
//! Tests that have no files of cases belong in `tests/it`.

mod case;
mod inventory;
mod outcome;
mod resource;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = resource::trials();
    trials.extend(inventory::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
