//! What a command costs the machine that runs it: time, CPU and memory of its process and all that it starts.
//!
//! CPU is that of every process that ended (getrusage(2), RUSAGE_CHILDREN); those that outlive the command, as masters of
//! ssh do, are ended and counted as well. Memory is the largest of: what the largest single process had at its peak
//! (`ru_maxrss`), and the sum of the proportional shares (`Pss`) of all processes, looked at five times a second.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::TimeValLike as _;
use nix::sys::wait::wait;
use nix::unistd::Pid;

pub(crate) struct Cost {
    pub seconds: f64,
    pub cpu: f64,
    /// KiB.
    pub memory: f64,
}

impl Cost {
    /// What [`of_command`] wrote.
    pub(crate) fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).expect("reads a cost");
        let figures: Vec<f64> = text
            .split_whitespace()
            .map(|word| word.parse().expect("a figure"))
            .collect();
        let [seconds, cpu, memory] = figures[..] else {
            panic!("three figures: {text}");
        };
        Self {
            seconds,
            cpu,
            memory,
        }
    }
}

/// Runs a command, and ends as it does. This process does nothing else, so all its children are the command's.
pub(crate) fn of_command(file: &Path, command: &str) {
    // What the command leaves behind becomes a child of this process.
    prctl::set_child_subreaper(true).expect("takes in what is left behind");
    let (done, ended) = channel();
    let sampler = std::thread::spawn(move || sampled(&ended));
    let started = Instant::now();
    let status = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .status()
        .expect("starts");
    let seconds = started.elapsed().as_secs_f64();
    drop(done);
    let sampled = sampler.join().expect("samples");
    for pid in children(std::process::id()) {
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM).ok();
    }
    while wait() != Err(Errno::ECHILD) {}
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage(2)");
    let cpu = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let memory = sampled.max(usage.max_rss() as f64);
    let text = format!("{seconds} {} {memory}\n", cpu as f64 / 1e6);
    fs::write(file, text).expect("writes the cost");
    std::process::exit(status.code().unwrap_or(1));
}

/// The largest sum, until the sender is gone.
fn sampled(ended: &Receiver<()>) -> f64 {
    let mut most = 0.0;
    while ended.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
        let mut sum = 0.0;
        let mut open = children(std::process::id());
        while let Some(pid) = open.pop() {
            sum += share(pid);
            open.extend(children(pid));
        }
        most = f64::max(most, sum);
    }
    most
}

/// Processes that a process has started and that live.
fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
            pids.collect::<Vec<u32>>()
        })
        .collect()
}

/// The proportional share of one process, in KiB; nothing of one that has ended.
fn share(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0)
}
