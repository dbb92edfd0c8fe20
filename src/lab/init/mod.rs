//! The lab's own processes: what the hidden command of the lvsctl program does. They log to the lab's console.

mod guard;
mod host;
mod hosts;
mod machine;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;

use super::error::LabError;
use super::state::StateDir;
use super::tool::REASON;

/// Runs the init command; `args`: the command line after [`super::process::INIT_COMMAND`]. Returns the exit code. To be
/// called before any thread starts.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let mut args = args.into_iter();
    let role = args.next();
    let Some(dir) = args.next() else {
        log("this is the lab's own; see: lvsctl lab --help");
        return 2;
    };
    let state = StateDir::at(PathBuf::from(dir));
    let result = match role.as_deref().and_then(|r| r.to_str()) {
        Some("guard") => guard::run(&state),
        Some("hosts") => hosts::run(&state),
        Some("trial") => return trial(),
        _ => {
            log("guard, hosts or trial");
            return 2;
        }
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
            complain(&error);
            1
        }
    }
}

/// The init program of a trial.
fn trial() -> u8 {
    println!("{}", super::trial::PASSED);
    // Refused to all but the first process of a machine, or of a process namespace, which then ends.
    if std::process::id() == 1 {
        let _ = nix::sys::reboot::reboot(nix::sys::reboot::RebootMode::RB_POWER_OFF);
    }
    0
}

fn complain(error: &LabError) {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    log(&format!("{REASON}{text}"));
}

/// To the lab's console. A console that is gone is no reason to end.
fn log(text: &str) {
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    let uptime = uptime.split(' ').next().unwrap_or_default();
    let _ = writeln!(std::io::stdout(), "lab: {uptime} {text}");
}
