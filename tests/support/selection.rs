//! Command lines of tests in labs: the harness's words, what these tests need beside them, and the trials that they select.

#![allow(dead_code)] // Each test program uses a part of this.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// The exit status of a command line that cannot be followed.
const USAGE: u8 = 64;

#[derive(clap::Parser)]
#[command(disable_version_flag = true)]
pub(crate) struct Words {
    #[command(flatten)]
    pub harness: Arguments,

    /// More filters: a test that matches one of them is run.
    #[arg(value_name = "FILTER")]
    more: Vec<String>,

    /// With --exact: a filter that no test has as its name is an error.
    #[arg(long, requires = "exact")]
    known: bool,

    /// The Kth of N parts of what is selected, K from 0.
    #[arg(long, value_name = "K/N", value_parser = read_shard)]
    shard: Option<(usize, usize)>,
}

/// The command line. Err: the exit status; the error, or the help that was asked for, is shown.
pub(crate) fn parsed<P: clap::Parser>() -> Result<P, ExitCode> {
    P::try_parse().map_err(|error| {
        error.print().ok();
        ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
    })
}

/// A test in a lab. The harness shows no reason with a trial that is flagged as ignored: unless ignored ones are asked
/// for, each gives its reason when its turn comes.
pub(crate) fn trial(
    name: &str,
    asked: bool,
    needs: &'static str,
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    if asked {
        Trial::test(name, test).with_ignored_flag(true)
    } else {
        Trial::ignorable_test(name, move || Ok(Completion::ignored_with(needs)))
    }
}

impl Words {
    /// Whether tests in labs are to be run or listed.
    pub(crate) fn asked(&self) -> bool {
        self.harness.ignored || self.harness.include_ignored || self.harness.list
    }

    /// The selected trials. Err: the exit status; the name that none has is shown, as that of such a `kind` of test.
    pub(crate) fn chosen(
        &mut self,
        trials: Vec<Trial>,
        kind: &str,
        name_of: impl Fn(&str) -> String,
    ) -> Result<Vec<Trial>, ExitCode> {
        self.select(trials, name_of).map_err(|name| {
            eprintln!("no {kind} {name}");
            ExitCode::from(USAGE)
        })
    }

    /// The trials that are selected, for a harness that has nothing more to filter. Err: a name that none has.
    /// `name_of` gives the whole name that a filter stands for.
    pub(crate) fn select(
        &mut self,
        trials: Vec<Trial>,
        name_of: impl Fn(&str) -> String,
    ) -> Result<Vec<Trial>, String> {
        let mut filters: Vec<String> = self.harness.filter.take().into_iter().collect();
        filters.append(&mut self.more);
        for filter in &mut filters {
            *filter = name_of(filter);
        }
        if self.known
            && let Some(name) = filters
                .iter()
                .find(|f| !trials.iter().any(|t| t.name() == *f))
        {
            return Err(name.clone());
        }
        let one = |filter: Option<String>| Arguments {
            filter,
            ..self.harness.clone()
        };
        let by: Vec<Arguments> = if filters.is_empty() {
            vec![one(None)]
        } else {
            filters
                .into_iter()
                .map(|filter| one(Some(filter)))
                .collect()
        };
        let mut trials = trials;
        trials.retain(|trial| by.iter().any(|by| !by.is_filtered_out(trial)));
        if let Some((part, of)) = self.shard {
            let mut number = 0..;
            trials.retain(|_| number.next().is_some_and(|n: usize| n % of == part));
        }
        Ok(trials)
    }
}

/// `K/N`.
fn read_shard(word: &str) -> Result<(usize, usize), String> {
    let numbers = word
        .split_once('/')
        .and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
    numbers
        .filter(|(part, of)| part < of)
        .ok_or_else(|| "expected K/N with K below N, such as 0/2".to_owned())
}
