//! Jobs in labs, and the threads that do them: each has one lab at a time, and takes the jobs of its topology one after
//! another. How a job is done belongs in `job`, `mixed` and `healthy`.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
        let find = |desired: &String| {
            let found = faults.iter().find(|fault| fault.name == *desired);
            found
                .cloned()
                .ok_or_else(|| format!("mixed.yaml: {name}: no fault {desired}"))
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

/// How many jobs are worth another lab for a topology that one works on already: to bring it up takes as long as some of them.
const WORTH_A_LAB: usize = 8;

/// The jobs of one topology that no lab has begun.
struct Group {
    /// Whether a lab works on this topology.
    begun: bool,
    left: VecDeque<Job>,
}

/// Each topology by whether a lab has begun with it, and how many jobs are left: the one that the next lab is for.
pub(crate) fn next(groups: &[(bool, usize)]) -> Option<usize> {
    let new = groups.iter().position(|(begun, left)| !begun && *left > 0);
    new.or_else(|| {
        let all = groups.iter().enumerate();
        let worth = all.filter(|(_, (_, left))| *left >= WORTH_A_LAB);
        worth
            .max_by_key(|(_, (_, left))| *left)
            .map(|(index, _)| index)
    })
}

/// What all threads take their jobs from.
struct Queue(Mutex<Vec<Group>>);

impl Queue {
    fn of(jobs: Vec<Job>) -> Self {
        let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
        for job in jobs {
            let place = topologies::ALL.iter().position(|t| *t == job.topology);
            let group = groups.entry(place.unwrap_or(usize::MAX));
            let group = group.or_insert_with(|| Group {
                begun: false,
                left: VecDeque::new(),
            });
            group.left.push_back(job);
        }
        Self(Mutex::new(groups.into_values().collect()))
    }

    fn groups(&self) -> MutexGuard<'_, Vec<Group>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The group that another lab is for, and its first job.
    fn begin(&self) -> Option<(usize, Job)> {
        let mut groups = self.groups();
        let state: Vec<(bool, usize)> = groups.iter().map(|g| (g.begun, g.left.len())).collect();
        let index = next(&state)?;
        groups[index].begun = true;
        Some((index, groups[index].left.pop_front()?))
    }

    fn more(&self, index: usize) -> Option<Job> {
        self.groups()[index].left.pop_front()
    }
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
    let queue = Arc::new(Queue::of(jobs));
    let lines = Arc::new(Mutex::new(Vec::new()));
    let one = |_| {
        let (queue, lines, board) = (Arc::clone(&queue), Arc::clone(&lines), Arc::clone(board));
        std::thread::spawn(move || {
            while let Some((group, first)) = queue.begin() {
                let jobs = std::iter::once(first).chain(std::iter::from_fn(|| queue.more(group)));
                work(jobs, &board, &lines, options);
            }
        })
    };
    let threads = (0..options.labs.max(1)).map(one).collect();
    Workers { threads, lines }
}

/// Jobs of one topology, in one lab.
fn work(
    jobs: impl Iterator<Item = Job>,
    board: &Board,
    lines: &Mutex<Vec<Line>>,
    options: Options,
) {
    let mut jobs = jobs.peekable();
    let Some(first) = jobs.peek() else { return };
    let mut bench = Bench::of(&first.topology);
    for job in jobs {
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
