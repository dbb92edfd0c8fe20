//! The root file system that all hosts share: Debian, built once by mmdebstrap and kept under a hash of its recipe.
//! With it a package repository that hosts install from, and the layer for kernels without nf_tables.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use super::error::LabError;
use super::layout::hex;
use super::tool::{describe, last_lines, program};
use super::wait::Cancel;

/// Where root file systems are kept between labs.
pub const DEFAULT_CACHE: &str = "/var/cache/lvsctl/lab";

const SUITE: &str = "bookworm";

/// What every host has from the start: a bare server that can be reached.
const BASE: &[&str] = &[
    "arptables",
    "curl",
    "dbus",
    "iproute2",
    "iptables",
    "iputils-arping",
    "iputils-ping",
    "kmod",
    "openssh-server",
    "procps",
    "sudo",
    "systemd",
    "systemd-sysv",
];

/// What hosts can install, offline, from the repository in them. Each brings all that it depends on.
const OFFERED: &[&str] = &[
    "apache2",
    "apache2-utils",
    "arptables",
    "conntrack",
    "ethtool",
    "ipvsadm",
    "keepalived",
    "netcat-openbsd",
    "nfs-common",
    "nfs-kernel-server",
    "nftables",
    "nginx",
    "nginx-light",
    "openssl",
    "socat",
    "ssl-cert",
    "tcpdump",
];

const OPTIONS: &[&str] = &[
    "--mode=root",
    "--variant=minbase",
    "--skip=cleanup/apt",
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--aptopt=APT::Install-Recommends \"false\"",
];

const CUSTOMIZE: &str = include_str!("rootfs/customize.sh");

/// The parts of a finished root file system in its folder.
pub(super) const ROOT: &str = "root";
pub(super) const LEGACY_LAYER: &str = "legacy";
const LOG: &str = "build.log";

fn recipe() -> String {
    let mut hasher = Sha256::new();
    for part in [SUITE, std::env::consts::ARCH, CUSTOMIZE] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    for word in BASE.iter().chain(OFFERED).chain(OPTIONS) {
        hasher.update(word.as_bytes());
        hasher.update([0]);
    }
    hex(&hasher.finalize(), 8)
}

/// The folder of the finished root file system; built where the cache has none of this recipe.
pub(super) fn ensure(
    cache: &Path,
    cancel: &Cancel,
    say: &mut dyn FnMut(&str),
) -> Result<PathBuf, LabError> {
    let image = cache.join(recipe());
    if image.is_dir() {
        return Ok(image);
    }
    fs::create_dir_all(cache)
        .map_err(LabError::io(format!("{}: cannot be made", cache.display())))?;
    let _lock = lock(cache, cancel, say)?;
    if image.is_dir() {
        return Ok(image);
    }
    let partial = image.with_extension("partial");
    // Left by a build that was killed.
    remove_tree(&partial)?;
    build(&partial, cancel, say).inspect_err(|_| {
        let _ = remove_tree(&partial);
    })?;
    let what = || LabError::io(format!("{}: cannot be renamed", partial.display()));
    fs::rename(&partial, &image).map_err(what())?;
    Ok(image)
}

fn lock(cache: &Path, cancel: &Cancel, say: &mut dyn FnMut(&str)) -> Result<Flock<File>, LabError> {
    let path = cache.join("lock");
    let what = || LabError::io(format!("{}: cannot be locked", path.display()));
    let mut file = File::create(&path).map_err(what())?;
    let mut told = false;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((back, nix::Error::EWOULDBLOCK)) => file = back,
            Err((_, errno)) => return Err(what()(errno.into())),
        }
        if !told {
            say("waiting for another lvsctl that builds the root file system");
            told = true;
        }
        cancel.pause()?;
    }
}

fn remove_tree(path: &Path) -> Result<(), LabError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(LabError::io(format!(
            "{}: cannot be removed",
            path.display()
        ))(error)),
        _ => Ok(()),
    }
}

fn build(folder: &Path, cancel: &Cancel, say: &mut dyn FnMut(&str)) -> Result<(), LabError> {
    let what = || LabError::io(format!("{}: cannot be written", folder.display()));
    fs::create_dir(folder).map_err(what())?;
    let customize = folder.join("customize.sh");
    fs::write(&customize, CUSTOMIZE).map_err(what())?;
    let mut command = command(folder, &customize);
    let shown = describe(&command);
    let failed = || LabError::io(format!("{shown}: cannot be run"));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed())?;
    let mut log = String::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr.take(64 << 20)).split(b'\n') {
            let line = String::from_utf8_lossy(&line.map_err(failed())?).into_owned();
            // mmdebstrap marks its own steps so; between them lie dpkg's.
            if let Some(step) = line.strip_prefix("I: ") {
                say(step);
            }
            log.push_str(&line);
            log.push('\n');
            if cancel.cancelled() {
                // Ends the whole process namespace of the build.
                let _ = child.kill();
            }
        }
    }
    let status = child.wait().map_err(failed())?;
    cancel.check()?;
    if !status.success() {
        return Err(LabError::Command {
            command: shown,
            status: status.to_string(),
            output: last_lines(&log, 20),
        });
    }
    fs::write(folder.join(LOG), log).map_err(what())?;
    fs::remove_file(&customize).map_err(what())
}

/// mmdebstrap in process and mount namespaces of its own, so that its end, however it comes, leaves nothing running
/// and nothing mounted.
fn command(folder: &Path, customize: &Path) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = program("unshare");
    command
        .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg("mmdebstrap")
        .args(OPTIONS)
        .arg(format!("--include={}", BASE.join(",")))
        .arg(format!(
            "--customize-hook=sh {} \"$1\"",
            crate::shell::quote(&customize.to_string_lossy())
        ))
        .arg(SUITE)
        .arg(folder.join(ROOT))
        .env("OFFERED", OFFERED.join(" "))
        .env("LAYER", folder.join(LEGACY_LAYER))
        .env("LC_ALL", "C")
        .env("DEBIAN_FRONTEND", "noninteractive");
    // SAFETY: between fork and exec there is one system call.
    unsafe {
        command.pre_exec(|| {
            // A killed lvsctl takes the build with it.
            Ok(nix::sys::prctl::set_pdeathsig(
                nix::sys::signal::Signal::SIGKILL,
            )?)
        });
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_bare() {
        for package in ["keepalived", "ipvsadm", "nginx"] {
            assert!(OFFERED.contains(&package));
            assert!(!BASE.contains(&package));
        }
    }

    #[test]
    fn a_finished_root_is_taken_as_it_is() {
        let cache = tempfile::tempdir().unwrap();
        let image = cache.path().join(recipe());
        fs::create_dir(&image).unwrap();
        let mut said = Vec::new();
        let found = ensure(cache.path(), &Cancel::default(), &mut |s| {
            said.push(s.to_owned())
        });
        assert_eq!(found.unwrap(), image);
        assert!(said.is_empty());
    }

    #[test]
    fn who_waits_for_another_build_can_be_interrupted() {
        let cache = tempfile::tempdir().unwrap();
        let cancel = Cancel::default();
        let _held = lock(cache.path(), &cancel, &mut |_| {}).unwrap();
        let stop = cancel.clone();
        let mut said = 0;
        let result = ensure(cache.path(), &cancel, &mut |_| {
            said += 1;
            stop.cancel();
        });
        assert!(matches!(result, Err(LabError::Interrupted)));
        assert_eq!(said, 1);
    }
}
