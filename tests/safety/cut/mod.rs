//! Runs that are cut at each of their steps, in each way: no VIP is announced by a wrong host or by two, the next run ends
//! what they began, and nothing temporary stays on hosts. How a run is cut belongs in the file of its kind.

mod connection;
mod disk;
mod kill;
mod reboot;
mod refused;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill as send};
use nix::unistd::Pid;
use serde_json::Value;

use crate::Test;
use crate::announce::Watch;
use crate::edits::{DIRECTOR, Edit, REAL_SERVER, SCHEDULER, VIP, VRID, WEIGHT};
use crate::pair::{Load, Pair};

const KINDS: [&Kind; 5] = [
    &kill::KIND,
    &connection::KIND,
    &reboot::KIND,
    &disk::FULL,
    &disk::READ_ONLY,
];

const EDITS: &[&Edit] = &[&WEIGHT, &REAL_SERVER, &DIRECTOR, &VIP, &VRID, &SCHEDULER];

const FIRST_APPLY: &str = "first-apply";

/// How long a run that was cut may go on.
const LONGEST: Duration = Duration::from_secs(600);

/// How a run is cut.
pub(crate) struct Kind {
    pub name: &'static str,
    /// Whether clients must not notice when an edit is cut so, and the cluster is well right after the next run: it takes
    /// its time after a boot.
    pub unnoticed: bool,
    /// Cuts the run, which stands still meanwhile, at a step of this host. What it returns undoes that when the run has ended.
    pub strike: for<'p> fn(&'p Pair, &Child, &str) -> Undo<'p>,
}

type Undo<'p> = Box<dyn FnOnce() + 'p>;

/// What the checks after a cut saw.
struct Ended {
    /// Of the client for VIPs.
    questions: usize,
    /// For the lock of a host.
    waits: usize,
}

/// Sums over all cuts of a test.
#[derive(Default)]
struct Total {
    cuts: usize,
    questions: usize,
    waits: usize,
    load: Load,
}

impl Total {
    fn add(&mut self, ended: &Ended, load: &Load) {
        self.cuts += 1;
        self.questions += ended.questions;
        self.waits += ended.waits;
        self.load.add(load);
    }

    fn line(&self) -> String {
        format!(
            "{} cuts, {} questions for VIPs, {} waits for a lock, {}",
            self.cuts, self.questions, self.waits, self.load
        )
    }
}

pub(crate) fn tests(every: usize) -> Vec<(String, Test)> {
    let every = every.max(1);
    let mut all = Vec::new();
    for kind in KINDS {
        let name = format!("cut::{}::{FIRST_APPLY}", kind.name);
        let test = move |pair: &Pair| first_apply(pair, kind, every);
        all.push((name, Box::new(test) as Test));
        for edit in EDITS {
            let name = format!("cut::{}::{}", kind.name, edit.name);
            let test = move |pair: &Pair| of_edit(pair, kind, edit, every);
            all.push((name, Box::new(test) as Test));
        }
    }
    all.extend(refused::tests(EDITS));
    all
}

fn first_apply(pair: &Pair, kind: &Kind, every: usize) -> Result<String, String> {
    let mut total = Total::default();
    for at in (1..).step_by(every) {
        pair.make_bare();
        let cut = one(pair, kind, at, None).map_err(|error| about(at, &error))?;
        let Some(ended) = cut else { break };
        total.add(&ended, &Load::default());
    }
    Ok(total.line())
}

/// There and back, each cut one step later than the time before, until both ways end by themselves.
fn of_edit(pair: &Pair, kind: &Kind, edit: &Edit, every: usize) -> Result<String, String> {
    let back = edit.back();
    let mut total = Total::default();
    let mut whole = [false; 2];
    for at in (1..).step_by(every) {
        for (way, edit) in [edit, &back].into_iter().enumerate() {
            if whole[way] {
                change(pair, edit)?;
                continue;
            }
            pair.edit(edit);
            let cut = || one(pair, kind, at, Some(edit));
            let (load, cut) = if kind.unnoticed {
                pair.under_load(cut)
            } else {
                (Load::default(), cut())
            };
            let cut = cut.map_err(|error| about(at, &error))?;
            if load.lost > 0 {
                return Err(about(at, &load.whole));
            }
            match cut {
                Some(ended) => total.add(&ended, &load),
                None => whole[way] = true,
            }
        }
        if whole == [true; 2] {
            break;
        }
    }
    Ok(total.line())
}

fn about(at: usize, error: &str) -> String {
    format!("cut at step {at}: {error}")
}

/// An edit that is not cut.
fn change(pair: &Pair, edit: &Edit) -> Result<(), String> {
    pair.edit(edit);
    pair.converge().map(|_| ())
}

/// One run that is cut, and the next one. None: the run has fewer steps, and ended well.
fn one(pair: &Pair, kind: &Kind, at: usize, edit: Option<&Edit>) -> Result<Option<Ended>, String> {
    let watch = Watch::begin(pair);
    let was_cut = cut_at(pair, kind, at)?;
    let ended = settled(pair, watch, edit, !kind.unnoticed)?;
    Ok(was_cut.then_some(ended))
}

/// What must hold when a run was cut, and is repeated. `after_boot`: a host takes its time to be well.
fn settled(
    pair: &Pair,
    watch: Watch,
    edit: Option<&Edit>,
    after_boot: bool,
) -> Result<Ended, String> {
    let waits = pair.converge()?;
    if after_boot {
        pair.cluster.settles();
    }
    let directors: &[&str] = match edit {
        Some(edit) if edit.name == DIRECTOR.name => &["lb1", "lb2", "lb3"],
        _ => &["lb1", "lb2"],
    };
    pair.verified()?;
    let questions = watch.end(directors)?;
    let strays = pair.strays();
    if !strays.is_empty() {
        return Err(format!("left on hosts:\n{strays}"));
    }
    Ok(Ended { questions, waits })
}

/// A run that must not outlive its test, which may leave it standing still.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Whether the run had so many steps.
fn cut_at(pair: &Pair, kind: &Kind, at: usize) -> Result<bool, String> {
    let log = pair.cluster.inventory().with_file_name("cut.log");
    let errors = File::create(&log).expect("a log");
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    let mut run = Run(pair.start(
        &pair.cluster.inventory(),
        &["--format", "json"],
        Stdio::piped(),
        errors.into(),
    ));
    let run = &mut run.0;
    let mut events = BufReader::new(run.stdout.take().expect("its output"));
    let lines = events.by_ref().lines().map_while(Result::ok);
    let host = lines.filter_map(|line| step_of(&line)).nth(at - 1);
    let Some(host) = host else {
        let ended = run.wait().expect("its end");
        return match ended.success() {
            true => Ok(false),
            false => Err(format!("a run without a cut failed:\n{}", said())),
        };
    };
    signal(run, Signal::SIGSTOP);
    let undo = (kind.strike)(pair, run, &host);
    signal(run, Signal::SIGCONT);
    let ended = ends(run, events);
    undo();
    ended.map_err(|error| format!("{error}:\n{}", said()))?;
    Ok(true)
}

/// The host of a step that begins.
fn step_of(line: &str) -> Option<String> {
    let event: Value = serde_json::from_str(line).ok()?;
    let host = event["host"].as_str().filter(|_| event["event"] == "step");
    host.map(str::to_owned)
}

fn signal(run: &Child, signal: Signal) {
    let pid = i32::try_from(run.id()).expect("a pid");
    // It may have ended, and is not waited for yet.
    send(Pid::from_raw(pid), signal).ok();
}

/// Waits for the end of a run, whatever it is.
fn ends(run: &mut Child, mut events: impl std::io::Read + Send) -> Result<(), String> {
    std::thread::scope(|scope| {
        scope.spawn(move || std::io::copy(&mut events, &mut std::io::sink()));
        let since = Instant::now();
        while run.try_wait().expect("its state").is_none() {
            if since.elapsed() > LONGEST {
                run.kill().ok();
                run.wait().ok();
                return Err(format!("the run went on for {LONGEST:?} after the cut"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    })
}
