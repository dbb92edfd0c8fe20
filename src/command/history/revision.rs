//! The git revision of an inventory. Without git or a repository there is none.

use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::history::Revision;

/// The longest wait for git.
const PATIENCE: Duration = Duration::from_secs(5);

/// The commit that is checked out, and whether the inventory's folder differs from it: roles and templates are there too.
pub(in crate::command) fn of(inventory: &Path) -> Option<Revision> {
    let folder = inventory.parent()?;
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let commit = git(folder, &["rev-parse", "--short=12", "HEAD"])?;
    let commit = commit.trim().to_owned();
    let good = |c: char| c.is_ascii_hexdigit();
    if commit.is_empty() || !commit.chars().all(good) {
        return None;
    }
    let changed = git(folder, &["status", "--porcelain", "--", "."])?;
    Some(Revision {
        commit,
        dirty: !changed.trim().is_empty(),
    })
}

/// Runs git; returns the beginning of its output. git runs no program of the repository's configuration, and gets nothing of
/// this process's environment, which may contain secrets.
fn git(folder: &Path, words: &[&str]) -> Option<String> {
    let mut printed = tempfile::tempfile().ok()?;
    let mut child = Command::new("git")
        .args(["-c", "core.fsmonitor=false", "--no-optional-locks", "-C"])
        .arg(folder)
        .args(words)
        .env_clear()
        .envs(["PATH", "HOME"].map(|name| (name, std::env::var_os(name).unwrap_or_default())))
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(printed.try_clone().ok()?)
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let end = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let mut text = Vec::new();
    printed.rewind().ok()?;
    printed.take(4096).read_to_end(&mut text).ok()?;
    status
        .success()
        .then(|| String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_and_whether_the_folder_differs() {
        let place = tempfile::tempdir().unwrap();
        let inventory = place.path().join("web.yaml");
        std::fs::write(&inventory, "cluster: web\n").unwrap();
        assert_eq!(of(&inventory), None);
        let run = |words: &[&str]| {
            let status = Command::new("git")
                .args(["-C", &place.path().display().to_string()])
                .args(["-c", "user.name=a", "-c", "user.email=a@b"])
                .args(words)
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert!(status.success(), "{words:?}");
        };
        run(&["init", "-q"]);
        assert_eq!(of(&inventory), None);
        run(&["add", "."]);
        run(&["commit", "-q", "-m", "a"]);
        let clean = of(&inventory).unwrap();
        assert!(!clean.dirty && clean.commit.len() == 12, "{clean:?}");
        std::fs::write(&inventory, "cluster: shop\n").unwrap();
        assert!(of(&inventory).unwrap().dirty);
        run(&["checkout", "-q", "."]);
        assert!(!of(&inventory).unwrap().dirty);
        // A new role is a change too.
        std::fs::create_dir(place.path().join("roles")).unwrap();
        std::fs::write(place.path().join("roles/own.yaml"), "resources: []\n").unwrap();
        assert!(of(&inventory).unwrap().dirty);
    }
}
