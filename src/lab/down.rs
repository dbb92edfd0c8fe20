//! `lab down`: ends what was started and removes what was made, whatever state it is in.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::cgroup;
use super::error::LabError;
use super::state::StateDir;
use super::tool::ip_batch;

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    Ended,
    /// There was no such lab; nothing was done.
    Nothing,
}

/// Ends the lab and leaves nothing of it. May be repeated.
pub fn down(lab: &str) -> Result<Down, LabError> {
    let state = StateDir::of(lab)?;
    let lock = state.lock()?;
    let found = clear(&state)?;
    lock.remove();
    Ok(if found { Down::Ended } else { Down::Nothing })
}

/// Under the lab's lock. Whether there was anything.
pub(super) fn clear(state: &StateDir) -> Result<bool, LabError> {
    let lab = state.name();
    let mut found = false;
    for process in state.processes() {
        let what = || {
            LabError::io(format!(
                "lab {lab}: process {} cannot be ended",
                process.pid
            ))
        };
        found = true;
        if !process.end(PATIENCE).map_err(what())? {
            let late = format!("it is still there after {} s", PATIENCE.as_secs());
            return Err(what()(io::Error::other(late)));
        }
    }
    found |= remove_namespace(state)?;
    found |= remove_cgroup(&lab)?;
    found |= remove_state(state)?;
    Ok(found)
}

fn remove_namespace(state: &StateDir) -> Result<bool, LabError> {
    let netns = state.netns();
    if !netns.exists() {
        return Ok(false);
    }
    let what = || {
        LabError::io(format!(
            "{}: cannot be removed",
            state.netns_file().display()
        ))
    };
    // Its links go at once, even where an open shell keeps the namespace itself alive.
    if let Ok(links) = netns.inside(lab_links) {
        let lines: Vec<_> = links
            .iter()
            .map(|link| format!("link delete {link}"))
            .collect();
        if !lines.is_empty() {
            ip_batch(Some(&netns), &lines)?;
        }
    }
    netns.delete().map_err(what())?;
    Ok(true)
}

/// Names of the taps and bridges in the calling thread's namespace.
fn lab_links() -> io::Result<Vec<String>> {
    let names = nix::net::if_::if_nameindex()?;
    Ok(names
        .iter()
        .map(|i| i.name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("lab"))
        .collect())
}

/// The control group of a native lab, from the leaves up.
fn remove_cgroup(lab: &str) -> Result<bool, LabError> {
    let Some(root) = cgroup::unified() else {
        return Ok(false);
    };
    let group = root.join(cgroup::name(lab));
    if !group.is_dir() {
        return Ok(false);
    }
    let started = Instant::now();
    loop {
        match remove_groups(&group) {
            Ok(()) => return Ok(true),
            // Its last processes are dead, but the kernel is not yet done with them.
            Err(error)
                if error.raw_os_error() == Some(nix::libc::EBUSY)
                    && started.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => {
                return Err(LabError::io(format!(
                    "{}: cannot be removed",
                    group.display()
                ))(error));
            }
        }
    }
}

fn remove_groups(group: &Path) -> io::Result<()> {
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_groups(&entry.path())?;
        }
    }
    match fs::remove_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_state(state: &StateDir) -> Result<bool, LabError> {
    match fs::remove_dir_all(state.dir()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(LabError::io(format!(
            "{}: cannot be removed",
            state.dir().display()
        ))(error)),
    }
}
