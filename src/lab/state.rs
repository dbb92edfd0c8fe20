//! The lab's state directory, and the lock that keeps two commands from working on one lab.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check::check_lab_name;
use super::error::LabError;
use super::layout::Layout;
use super::netns::Netns;
use super::process::ProcessRecord;

const BASE: &str = "/run/lvsctl/lab";

#[derive(Debug, Clone)]
pub(super) struct StateDir {
    dir: PathBuf,
}

/// Held while one command works on the lab.
pub(super) struct LabLock {
    file: Flock<File>,
    path: PathBuf,
}

impl StateDir {
    pub(super) fn of(lab: &str) -> Result<Self, LabError> {
        check_lab_name(lab).map_err(LabError::Spec)?;
        Ok(Self::at(Path::new(BASE).join(lab)))
    }

    /// At a path that another process of the lab was given.
    pub(super) fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }
    pub(super) fn name(&self) -> String {
        let name = self.dir.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
    pub(super) fn layout_file(&self) -> PathBuf {
        self.dir.join("lab.json")
    }
    pub(super) fn program(&self) -> PathBuf {
        self.dir.join("lvsctl")
    }
    pub(super) fn identity(&self) -> PathBuf {
        self.dir.join("id_ed25519")
    }
    pub(super) fn known_hosts(&self) -> PathBuf {
        self.dir.join("known_hosts")
    }
    pub(super) fn ssh_config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }
    /// Its presence asks the init program to start a host that is off.
    pub(super) fn host_start(&self, host: &str) -> PathBuf {
        self.host(host).join("start")
    }
    /// The lab's network namespace.
    pub(super) fn netns(&self) -> Netns {
        Netns::at(self.netns_file())
    }
    pub(super) fn netns_file(&self) -> PathBuf {
        self.dir.join("netns")
    }
    /// What the kernel and the init program say.
    pub(super) fn console(&self) -> PathBuf {
        self.dir.join("console.log")
    }
    /// The library that is preloaded into user-mode Linux.
    pub(super) fn preload(&self) -> PathBuf {
        self.dir.join("ptrace.so")
    }
    /// Where user-mode Linux keeps its sockets.
    pub(super) fn uml(&self) -> PathBuf {
        self.dir.join("uml")
    }
    /// Mount point of the memory of user-mode Linux, in the guard's mount namespace only.
    pub(super) fn memory(&self) -> PathBuf {
        self.dir.join("memory")
    }
    pub(super) fn guard(&self) -> PathBuf {
        self.dir.join("guard.json")
    }
    pub(super) fn inner(&self) -> PathBuf {
        self.dir.join("inner.json")
    }
    pub(super) fn host(&self, host: &str) -> PathBuf {
        self.dir.join("hosts").join(host)
    }
    /// The files of one host alone, as a layer of its root.
    pub(super) fn host_layer(&self, host: &str) -> PathBuf {
        self.host(host).join("layer")
    }
    pub(super) fn host_console(&self, host: &str) -> PathBuf {
        self.host(host).join("console.log")
    }
    pub(super) fn host_power(&self, host: &str) -> PathBuf {
        self.host(host).join("power.json")
    }

    pub(super) fn create(&self) -> io::Result<()> {
        fs::DirBuilder::new()
            .mode(0o755)
            .recursive(true)
            .create(BASE)?;
        // The identity lies in it.
        fs::DirBuilder::new().mode(0o700).create(&self.dir)
    }

    pub(super) fn layout(&self) -> Result<Layout, LabError> {
        if !self.dir.exists() {
            return Err(LabError::NoSuchLab {
                name: self.name(),
                existing: names(),
            });
        }
        let file = self.layout_file();
        match file.try_exists() {
            Ok(true) => read_json(&file),
            Ok(false) => Err(LabError::Ended(self.name())),
            // A folder that only root may look into.
            Err(error) => Err(LabError::io(format!(
                "{}: run it with sudo",
                file.display()
            ))(error)),
        }
    }

    /// The processes that everything else in the lab belongs to.
    pub(super) fn processes(&self) -> Vec<ProcessRecord> {
        [self.guard(), self.inner()]
            .iter()
            .filter_map(|path| read_json(path).ok())
            .collect()
    }

    pub(super) fn running(&self) -> bool {
        // The guard lives just as long as what it guards.
        let guard: Option<ProcessRecord> = read_json(&self.guard()).ok();
        guard.is_some_and(|p| p.alive())
    }

    /// Takes the lab's lock, or says who is in the way.
    pub(super) fn lock(&self) -> Result<LabLock, LabError> {
        let name = self.name();
        let path = Path::new(BASE).join(format!(".{name}.lock"));
        let what = || LabError::io(format!("{}: cannot be locked (as root?)", path.display()));
        loop {
            fs::create_dir_all(BASE).map_err(what())?;
            let file = match OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)
            {
                // Another lab's end took the folder away between the two calls.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(what())?,
            };
            let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(file) => file,
                Err((_, nix::Error::EWOULDBLOCK)) => return Err(LabError::Busy(name)),
                Err((_, errno)) => return Err(what()(errno.into())),
            };
            // The one who held it before may have removed the file.
            let ours = file.metadata().map_err(what())?.ino();
            if fs::metadata(&path).is_ok_and(|m| m.ino() == ours) {
                return Ok(LabLock { file, path });
            }
        }
    }
}

impl LabLock {
    /// Takes the lock's file away too, and the folders that are empty then.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
        drop(self.file);
        let _ = fs::remove_dir(BASE);
        if let Some(parent) = Path::new(BASE).parent() {
            let _ = fs::remove_dir(parent);
        }
    }
}

/// Names of the labs that have a state directory.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(BASE)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, LabError> {
    let bytes = fs::read(path).map_err(LabError::io(path.display().to_string()))?;
    serde_json::from_slice(&bytes).map_err(|source| LabError::State {
        path: path.to_owned(),
        source,
    })
}

/// All or nothing: whoever reads it sees the old value or the new one.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let staged = path.with_extension("new");
    fs::write(&staged, serde_json::to_vec_pretty(value)?)?;
    fs::rename(&staged, path)
}

pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}
