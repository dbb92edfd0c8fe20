//! One drill on open hosts: clients send requests throughout; the disturbance begins, its effect is awaited, and it is
//! undone, also after failures. Which disturbance is decided in [`super::plan`].

use std::time::{Duration, Instant};

use crate::cli::DrillArgs;
use crate::drill::{self, Effect, Guarded, Observed, is_restored};
use crate::event::Event;
use crate::exit::Exit;
use crate::fact::Needs;
use crate::measure::{Pace, RequestLoop, Sample, Summary, Target, Window};
use crate::report::drill::{DrillView, Phase, exceeded};
use crate::report::error::chain;
use crate::run::{Fleet, HostError, HostRun};

use super::super::clients::Clients;
use super::super::output;
use super::super::session::Session;
use super::super::{Failure, Result};
use super::plan::{Act, LONGEST, Plan};

/// Time for requests before the disturbance, and after the restoration.
const QUIET: Duration = Duration::from_secs(2);
/// Interval between two reads of the directors.
const LOOK: Duration = Duration::from_millis(50);
/// The longest time for a host's reboot.
const REBOOT: Duration = Duration::from_secs(600);
/// The longest wait for the takeover from a rebooting host, before the wait for the host itself.
const TAKEOVER: Duration = Duration::from_secs(30);
/// Seconds after which the request loop ends without a stop, such as after a lost connection.
const REQUESTS_END: f64 = 3600.0;
/// Requests at a time.
const AT_A_TIME: u16 = 500;

pub(super) struct Job<'j, 'g, 'f> {
    pub session: &'j Session<'g>,
    pub fleet: &'j Fleet<'f>,
    pub args: &'j DrillArgs,
    pub name: &'static str,
    pub target: &'j Target,
    pub plan: &'j Plan,
    /// The state of the directors before the drill.
    pub before: &'j [Observed],
}

/// The times of a drill.
struct Times {
    disturbed: Instant,
    /// When the effect of the disturbance was seen.
    effect: Option<Instant>,
    restored: Instant,
    /// When the cluster was again as before.
    settled: Option<Instant>,
    undone: bool,
}

pub(super) fn run(
    job: &Job,
    clients: &mut Clients,
    runs: &mut Vec<HostRun<'_>>,
) -> Result<DrillView> {
    let pace = Pace {
        requests: None,
        rate: Some(job.args.rate),
        seconds: REQUESTS_END,
        concurrency: AT_A_TIME,
        timeout: job.args.timeout.as_secs_f64(),
        keepalive: false,
    };
    let failed = |name: &str, error: &HostError| {
        let message = format!("error: {name}: {}\n", chain(error));
        Failure::new(Exit::Failed, message).kind(error.kind())
    };
    let mut loops = Vec::new();
    for from in clients.vantages() {
        let name = from.name().to_owned();
        let one = RequestLoop::start(from, job.target, &pace);
        loops.push(one.map_err(|error| failed(&name, &error))?);
    }
    pause(job, QUIET);
    for one in &mut loops {
        let name = one.name().to_owned();
        one.read().map_err(|error| failed(&name, &error))?;
        if let Some(why) = one.output.failure.clone() {
            let message = format!("error: {name}: {why}\n");
            return Err(Failure::new(Exit::Failed, message).kind("no-tool"));
        }
        if !one
            .output
            .samples
            .iter()
            .any(|sample| sample.status.is_some())
        {
            let message = format!(
                "error: {name}: {} gets no answer before anything is disturbed; `lvsctl probe {}` shows more\n",
                job.target.shown(),
                job.target.service.name
            );
            return Err(Failure::new(Exit::Failed, message).kind("no-answer"));
        }
    }
    let times = match &job.plan.act {
        Act::Guarded(acts) => guarded(job, acts, runs),
        Act::Reboot(host) => reboot(job, host, runs),
    };
    if times.is_ok() {
        pause(job, QUIET);
    }
    for one in &mut loops {
        let name = one.name().to_owned();
        one.stop().map_err(|error| failed(&name, &error))?;
    }
    Ok(view(job, &loops, &times?))
}

/// Waits for a time, or until the user cancels.
fn pause(job: &Job, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end && !job.session.cancel.is_cancelled() {
        std::thread::sleep(LOOK.min(end.saturating_duration_since(Instant::now())));
    }
}

fn report(fleet: &Fleet, host: &str, title: &str, began: Instant) {
    fleet.run.sink.event(&Event::StepDone {
        host: host.to_owned(),
        number: 1,
        of: 1,
        title: title.to_owned(),
        seconds: began.elapsed().as_secs_f64(),
    });
}

/// Starts a disturbance with its guards, waits for the effect, and undoes it.
fn guarded(job: &Job, acts: &[(String, Guarded)], runs: &mut [HostRun]) -> Result<Times> {
    let cluster = &job.session.cluster().name;
    let disturbed = Instant::now();
    let mine: Vec<(&mut HostRun, &Guarded)> = runs
        .iter_mut()
        .filter_map(|run| {
            let mut all = acts.iter();
            let (_, act) = all.find(|(host, _)| *host == run.host.name)?;
            Some((run, act))
        })
        .collect();
    let begun = job.fleet.each(mine, |(run, act)| {
        let script = drill::arm(cluster, act);
        let output = run.ask(&act.title, &script);
        report(job.fleet, &run.host.name, &act.title, disturbed);
        let why = match output {
            Ok(output) if output.success() => None,
            Ok(output) => Some(output.stderr.trim().to_owned()),
            Err(error) => Some(chain(&error)),
        };
        why.map(|why| format!("{}: {}: {why}", run.host.name, act.title))
    });
    let failures: Vec<String> = begun.into_iter().flatten().collect();
    let effect = if failures.is_empty() {
        let effect = await_effect(job, runs, LONGEST);
        pause(job, job.args.time);
        effect
    } else {
        None
    };
    let restored = Instant::now();
    let undone = undo(job, acts, runs);
    if !failures.is_empty() {
        let message = format!("error: {}\n", failures.join("\nerror: "));
        return Err(Failure::new(Exit::Failed, message).kind("step-failed"));
    }
    Ok(Times {
        disturbed,
        effect,
        restored,
        settled: settled(job, runs),
        undone,
    })
}

/// Undoes the disturbance; returns whether all hosts confirm it. On any other host the guard undoes it.
fn undo(job: &Job, acts: &[(String, Guarded)], runs: &mut [HostRun]) -> bool {
    let cluster = &job.session.cluster().name;
    let mine: Vec<(&mut HostRun, &Guarded)> = runs
        .iter_mut()
        .filter_map(|run| {
            let mut all = acts.iter();
            let (_, act) = all.find(|(host, _)| *host == run.host.name)?;
            Some((run, act))
        })
        .collect();
    let done = job.fleet.each(mine, |(run, act)| {
        let began = Instant::now();
        let output = run.ask("undoing the drill", &drill::now(cluster));
        let host = &run.host.name;
        let why = match output {
            Ok(output) if output.success() => {
                report(job.fleet, host, &format!("undo: {}", act.title), began);
                return true;
            }
            Ok(output) => output.stderr.trim().to_owned(),
            Err(error) => chain(&error),
        };
        output::aside(&format!(
            "warning: {host}: undoing the drill: {why}; the host does it by itself when this session ends, {} s after it began at the latest",
            act.seconds
        ));
        false
    });
    done.into_iter().all(|undone| undone)
}

/// The present state of the directors, without those that do not answer.
fn seen(job: &Job, runs: &mut [HostRun], effect: &Effect) -> Vec<Observed> {
    let cluster = job.session.cluster();
    let mut needs = Needs {
        address: Some(Default::default()),
        ..Needs::default()
    };
    if !matches!(effect, Effect::TakenFrom(..) | Effect::Split) {
        needs.ipvs = Some(Default::default());
    }
    let directors = runs.iter_mut().filter(|run| run.host.is_director());
    let seen = job.fleet.each(directors.collect(), |run: &mut HostRun| {
        let facts = run.facts("looking at the directors", &needs).ok()?;
        Some(Observed::of(cluster, &run.host.name, &facts))
    });
    seen.into_iter().flatten().collect()
}

/// Waits for the effect; returns when it was seen. None: it did not occur, or the drill has none.
fn await_effect(job: &Job, runs: &mut [HostRun], longest: Duration) -> Option<Instant> {
    let effect = &job.plan.effect;
    if *effect == Effect::None {
        return None;
    }
    let end = Instant::now() + longest;
    while Instant::now() < end && !job.session.cancel.is_cancelled() {
        if effect.is_there(&seen(job, runs, effect)) {
            return Some(Instant::now());
        }
        std::thread::sleep(LOOK);
    }
    None
}

/// Waits until the cluster is again as before; returns when it was. None: not within the time limit.
fn settled(job: &Job, runs: &mut [HostRun]) -> Option<Instant> {
    let end = Instant::now() + LONGEST;
    while Instant::now() < end && !job.session.cancel.is_cancelled() {
        let now = seen(job, runs, &Effect::None);
        if now.len() == job.before.len() && is_restored(job.before, &now) {
            let when = Instant::now();
            // A preempting master may take its VIPs back a moment later.
            if !is_about_to_move(job, runs) {
                return Some(when);
            }
        }
        std::thread::sleep(LOOK);
    }
    None
}

/// Whether a VIP is about to move.
fn is_about_to_move(job: &Job, runs: &mut [HostRun]) -> bool {
    let run = &job.fleet.run;
    let directors = runs.iter_mut().filter(|run| run.host.is_director());
    let answered = job.fleet.each(directors.collect(), |host: &mut HostRun| {
        host.probe_again(run).is_ok()
    });
    if answered.contains(&false) {
        return true;
    }
    let directors = runs.iter().filter(|run| run.host.is_director());
    let answers: Vec<_> = directors
        .map(|run| (run.host.name.as_str(), &run.answer))
        .collect();
    !crate::run::steady::moving(job.session.cluster(), &answers)
        .what
        .is_empty()
}

const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id\n";

fn boot_id(run: &mut HostRun) -> Option<String> {
    let output = run.ask("looking at the boot", BOOT_ID).ok()?;
    output.success().then(|| output.stdout.trim().to_owned())
}

/// Reboots a host and waits until it is back.
fn reboot(job: &Job, name: &str, runs: &mut Vec<HostRun<'_>>) -> Result<Times> {
    let failed = |why: String, kind| {
        let message = format!("error: {name}: {why}\n");
        Failure::new(Exit::Failed, message).kind(kind)
    };
    let position = runs.iter().position(|run| run.host.name == name);
    let Some(position) = position else {
        return Err(failed("the host is not open".to_owned(), "unreachable"));
    };
    let mut run = runs.remove(position);
    let before = boot_id(&mut run);
    let disturbed = Instant::now();
    let asked = run.ask("rebooting", &drill::reboot());
    report(job.fleet, name, "reboot", disturbed);
    let (host, desired) = (run.host, run.desired.clone());
    run.close();
    asked.map_err(|error| failed(chain(&error), error.kind()))?;
    let effect = await_effect(job, runs, TAKEOVER);
    let end = Instant::now() + REBOOT;
    let back = loop {
        if job.session.cancel.is_cancelled() || Instant::now() > end {
            break None;
        }
        std::thread::sleep(Duration::from_secs(1));
        let opened = HostRun::open(&job.fleet.run, host, desired.clone());
        let Ok(mut run) = opened else { continue };
        match boot_id(&mut run) {
            now @ Some(_) if now != before => break Some(run),
            _ => run.close(),
        }
    };
    let restored = Instant::now();
    let undone = back.is_some();
    match back {
        Some(run) => {
            report(job.fleet, name, "it is back", disturbed);
            runs.insert(position.min(runs.len()), run);
        }
        None => output::aside(&format!("warning: {name} did not come back yet")),
    }
    Ok(Times {
        disturbed,
        effect,
        restored,
        settled: undone.then(|| settled(job, runs)).flatten(),
        undone,
    })
}

fn view(job: &Job, loops: &[RequestLoop], times: &Times) -> DrillView {
    let cluster = job.session.cluster();
    let is_host = |name: &str| cluster.hosts.iter().any(|host| host.name == name);
    let of = |window: &dyn Fn(&RequestLoop) -> Window| {
        let parts: Vec<(Vec<Sample>, Summary)> = loops
            .iter()
            .map(|one| {
                let window = window(one);
                let samples = one.output.samples.iter();
                let within = samples.filter(|s| s.at >= window.from && s.at < window.to);
                let accepts = |status| job.target.accepts(status);
                let summary = Summary::of(&one.output.samples, window, is_host, accepts);
                (within.cloned().collect(), summary)
            })
            .collect();
        let parts: Vec<(&[Sample], Summary)> = parts
            .iter()
            .map(|(samples, summary)| (samples.as_slice(), summary.clone()))
            .collect();
        Summary::merged(&parts)
    };
    let at =
        |one: &RequestLoop, when: Instant| when.saturating_duration_since(one.began).as_secs_f64();
    let phase = |name: &str, summary| Phase {
        phase: name.to_owned(),
        summary,
    };
    let total = of(&|_| Window::ALL);
    let interrupted = job.session.cancel.is_cancelled();
    let seconds = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64();
    DrillView {
        format: 1,
        cluster: cluster.name.clone(),
        drill: job.name.to_owned(),
        what: job.plan.what.clone(),
        notes: job.plan.notes.clone(),
        service: job.target.service.name.clone(),
        target: job.target.shown(),
        clients: loops.iter().map(|one| one.name().to_owned()).collect(),
        take_over_seconds: times.effect.map(|when| seconds(times.disturbed, when)),
        restore_seconds: times.settled.map(|when| seconds(times.restored, when)),
        took_effect: times.effect.is_some() || job.plan.effect == Effect::None,
        undone: times.undone && (times.settled.is_some() || interrupted),
        findings: None,
        phases: vec![
            phase(
                "before",
                of(&|one| Window {
                    from: 0.0,
                    to: at(one, times.disturbed),
                }),
            ),
            phase(
                "disturbed",
                of(&|one| Window {
                    from: at(one, times.disturbed),
                    to: at(one, times.restored),
                }),
            ),
            phase(
                "restored",
                of(&|one| Window {
                    from: at(one, times.restored),
                    to: f64::INFINITY,
                }),
            ),
        ],
        exceeded: exceeded(
            &total,
            job.args.max_lost,
            job.args.max_gap.map(|gap| gap.as_secs_f64()),
        ),
        total,
        interrupted,
    }
}
