//! Labs of a test program that is stopped by a signal (Ctrl-C): nothing is dropped then, and they are taken away here,
//! and what runs on them is ended.

use std::fs::DirEntry;
use std::path::PathBuf;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use lvsctl::lab;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long a program that makes a lab, or runs on one, may take to end.
const PATIENCE: Duration = Duration::from_secs(120);

static MADE: Mutex<Vec<(String, Option<PathBuf>)>> = Mutex::new(Vec::new());
static WATCH: Once = Once::new();

/// To be called before a lab is made: its name, and a folder that is removed with it.
pub(crate) fn remember(name: &str, folder: Option<PathBuf>) {
    WATCH.call_once(|| {
        let mut signals = Signals::new([SIGINT, SIGTERM]).expect("signals can be heard");
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                end(128 + signal);
            }
        });
    });
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.push((name.to_owned(), folder));
}

fn end(status: i32) -> ! {
    // It stays locked, so that no other is made meanwhile.
    let made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, folder) in &*made {
        let until = Instant::now() + PATIENCE;
        while let Err(error) = lab::down(name) {
            if Instant::now() > until {
                eprintln!("lab {name}: {error}");
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        if let Some(folder) = folder {
            std::fs::remove_dir_all(folder).ok();
        }
    }
    for child in running() {
        kill(child, Signal::SIGTERM).ok();
    }
    let until = Instant::now() + PATIENCE;
    while !running().is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    std::process::exit(status)
}

/// The children of this program that have not ended, such as a run on a lab, which would go on without it.
fn running() -> Vec<Pid> {
    let child = |entry: DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (_, after_name) = stat.rsplit_once(')')?;
        let mut fields = after_name.split_whitespace();
        let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
        (state != "Z" && Pid::from_raw(parent) == Pid::this()).then_some(Pid::from_raw(pid))
    };
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(child).collect()
}
