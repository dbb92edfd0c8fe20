//! Outcomes of jobs, awaited by the trials of the same names. Labs are made by workers, not by trials: many trials share
//! one lab, and the test harness starts trials in an order that does not depend on labs.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};

/// None: it passed. Some: why it did not.
type Outcome = Option<String>;

#[derive(Default)]
pub(crate) struct Board {
    outcomes: Mutex<BTreeMap<String, Outcome>>,
    news: Condvar,
}

impl Board {
    pub(crate) fn put(&self, name: &str, outcome: Outcome) {
        let mut all = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(name.to_owned()).or_insert(outcome);
        self.news.notify_all();
    }

    /// Awaits the outcome of a job.
    pub(crate) fn take(&self, name: &str) -> Outcome {
        let all = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.news.wait_while(all, |all| !all.contains_key(name));
        let all = all.unwrap_or_else(PoisonError::into_inner);
        all.get(name).cloned().flatten()
    }
}
