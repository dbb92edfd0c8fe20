//! What is to be done in labs, and the threads that do it: one lab each, all jobs of a topology one after another.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::bench::Bench;
use crate::board::Board;
use crate::fault::{self, Fault};
use crate::healthy::{self, State};
use crate::job::{self, Line};
use crate::mixed;
use crate::topologies;

pub(crate) struct Job {
    /// `TOPOLOGY::GROUP::NAME`.
    pub name: String,
    pub topology: String,
    pub what: What,
}

pub(crate) enum What {
    Fault(Fault),
    Mixed(Vec<Fault>),
    Healthy(&'static State),
}

#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// How many labs there are at a time.
    pub labs: usize,
    pub reboots: bool,
    /// Whether the findings' fixes are tried first, whatever the fault's file says.
    pub fixes: bool,
    /// How many times `verify` is asked in each healthy state.
    pub rounds: usize,
}

/// All jobs: of each topology its healthy states, its faults, and its combinations.
pub(crate) fn jobs() -> Result<Vec<Job>, String> {
    let faults = fault::catalogue()?;
    let mut all = Vec::new();
    for topology in topologies::ALL {
        for state in healthy::of(topology) {
            all.push(Job {
                name: format!("{topology}::healthy::{}", state.name),
                topology: (*topology).to_owned(),
                what: What::Healthy(state),
            });
        }
        let here = faults
            .iter()
            .filter(|f| f.topologies.iter().any(|t| t == topology));
        for fault in here {
            all.push(Job {
                name: format!("{topology}::{}", fault.name),
                topology: (*topology).to_owned(),
                what: What::Fault(fault.clone()),
            });
        }
    }
    for (name, mixed) in fault::combinations()? {
        let find = |wanted: &String| {
            let found = faults.iter().find(|fault| fault.name == *wanted);
            found
                .cloned()
                .ok_or_else(|| format!("mixed.yaml: {name}: no fault {wanted}"))
        };
        let parts: Result<Vec<Fault>, String> = mixed.faults.iter().map(find).collect();
        all.push(Job {
            name: format!("{}::mixed::{name}", mixed.topology),
            topology: mixed.topology,
            what: What::Mixed(parts?),
        });
    }
    Ok(all)
}

pub(crate) struct Workers {
    threads: Vec<JoinHandle<()>>,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Workers {
    /// Awaits their end: labs are taken away then. The lines of all faults.
    pub(crate) fn end(self) -> Vec<Line> {
        for thread in self.threads {
            thread.join().ok();
        }
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Starts the work; the board gets each outcome.
pub(crate) fn start(jobs: Vec<Job>, board: &Arc<Board>, options: Options) -> Workers {
    let mut groups: BTreeMap<usize, Vec<Job>> = BTreeMap::new();
    for job in jobs {
        let place = topologies::ALL.iter().position(|t| *t == job.topology);
        groups
            .entry(place.unwrap_or(usize::MAX))
            .or_default()
            .push(job);
    }
    let groups: VecDeque<Vec<Job>> = groups.into_values().collect();
    let queue = Arc::new(Mutex::new(groups));
    let lines = Arc::new(Mutex::new(Vec::new()));
    let one = |_| {
        let (queue, lines, board) = (Arc::clone(&queue), Arc::clone(&lines), Arc::clone(board));
        std::thread::spawn(move || {
            loop {
                let next = queue
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front();
                let Some(group) = next else { return };
                work(group, &board, &lines, options);
            }
        })
    };
    let threads = (0..options.labs.max(1)).map(one).collect();
    Workers { threads, lines }
}

fn work(group: Vec<Job>, board: &Board, lines: &Mutex<Vec<Line>>, options: Options) {
    let Some(first) = group.first() else { return };
    let mut bench = Bench::of(&first.topology);
    for job in group {
        let done = catch_unwind(AssertUnwindSafe(|| one(&mut bench, &job, options)));
        let (line, outcome) = done.unwrap_or_else(|panic| {
            bench.discard();
            let counts = !matches!(job.what, What::Healthy(_));
            let line = counts.then(|| Line::of(&job.name, "nothing".to_owned()));
            (line, Err(message(&*panic)))
        });
        if let Some(line) = line {
            println!("{}", line.text());
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(line);
        }
        let outcome = outcome.err();
        // The harness shows failures when all have ended.
        if let Some(error) = &outcome {
            println!("{} failed: {error}", job.name);
        }
        board.put(&job.name, outcome);
    }
}

fn one(bench: &mut Bench, job: &Job, options: Options) -> (Option<Line>, Result<(), String>) {
    match &job.what {
        What::Fault(fault) => {
            let (line, outcome) = job::run(bench, &job.name, fault, options);
            (Some(line), outcome)
        }
        What::Mixed(faults) => {
            let (line, outcome) = mixed::run(bench, &job.name, faults);
            (Some(line), outcome)
        }
        What::Healthy(state) => (None, healthy::run(bench, state, options.rounds)),
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
    text.unwrap_or_else(|| "it panicked".to_owned())
}
