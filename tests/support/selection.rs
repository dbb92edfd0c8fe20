//! What the command line selects: the harness's words, and what tests in labs need beside them.

use libtest_mimic::{Arguments, Trial};

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

impl Words {
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
