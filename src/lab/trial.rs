//! Finds out whether a kernel starts on this machine, by starting it: processors and hypervisors differ in too many ways
//! to know it beforehand. The outcome is kept until this machine boots again or one of the programs changes.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::LabError;
use super::image;
use super::process::INIT_COMMAND;
use super::qemu;
use super::state::{read_json, write_json};
use super::tool::{describe, end_with_us, find, program};
use super::uml;
use super::wait::pause;
use crate::cancel::CancelToken;

/// What a kernel's first program prints when it runs.
pub(super) const PASSED: &str = "lab: the trial has passed";

/// How long a trial may print nothing. The kernel prints as it boots, so a slow machine is no silent one.
const SILENCE: Duration = Duration::from_secs(20);

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Starts,
    /// With the file that holds what the kernel printed.
    Fails(PathBuf),
}

/// A trial that was made before.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// What the outcome depends on.
    of: String,
    starts: bool,
}

/// Whether user-mode Linux starts here. A failure is not kept: it costs little to try again.
pub(super) fn user_mode_linux(
    cache: &Path,
    init: &Path,
    cancel: &CancelToken,
) -> Result<Outcome, LabError> {
    let of = [stamp(Path::new("linux.uml")), stamp(init)].concat();
    remembered(cache, "uml", &of, false, cancel, || {
        // In the cache, whose path has no characters that a kernel's command line would split.
        let folder = cache.join("uml-trial");
        let what = || LabError::io(format!("{}: cannot be written", folder.display()));
        let _ = fs::remove_dir_all(&folder);
        let memory = folder.join("memory");
        fs::create_dir_all(&memory).map_err(what())?;
        let preload = folder.join("ptrace.so");
        fs::write(&preload, uml::PRELOAD).map_err(what())?;
        let program = folder.join("lvsctl");
        fs::copy(init, &program).map_err(what())?;
        let boot = uml::Boot {
            memory_mib: 64,
            quiet: false,
            preload: &preload,
            folder: &folder,
            memory: &memory,
            init: &program,
            init_arguments: &[INIT_COMMAND, "trial", "-"],
            taps: &[],
        };
        let machine = isolated(&boot.command(), Some(&memory));
        let result = passes(machine, &cache.join("uml-trial.log"), cancel);
        let _ = fs::remove_dir_all(&folder);
        result
    })
}

/// Whether QEMU runs the lab's kernel with KVM. A device /dev/kvm that opens is no proof.
pub(super) fn kvm(cache: &Path, kernel: &Path, cancel: &CancelToken) -> Result<bool, LabError> {
    if !Path::new("/dev/kvm").exists() {
        return Ok(false);
    }
    let of = [stamp(Path::new(qemu::PROGRAM)), stamp(kernel)].concat();
    let outcome = remembered(cache, "kvm", &of, true, cancel, || {
        let command = isolated(&qemu::trial(kernel), None);
        passes(command, &cache.join("kvm-trial.log"), cancel)
    })?;
    Ok(outcome == Outcome::Starts)
}

/// The kept outcome, or that of a trial made now. `failures`: whether one that failed is kept too.
fn remembered(
    cache: &Path,
    name: &str,
    programs: &str,
    failures: bool,
    cancel: &CancelToken,
    trial: impl FnOnce() -> Result<bool, LabError>,
) -> Result<Outcome, LabError> {
    let file = cache.join(format!("{name}-trial.json"));
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let of = format!("{}{programs}", boot.trim());
    // Labs that come up at the same time make one trial.
    image::make_cache(cache)?;
    let _lock = image::lock(cache, cancel, &mut |_| {})?;
    let kept: Option<Record> = read_json(&file).ok();
    let starts = match kept {
        Some(record) if record.of == of => record.starts,
        _ => {
            let what = || LabError::io(format!("{}: cannot be written", file.display()));
            let starts = trial()?;
            if starts || failures {
                write_json(&file, &Record { of, starts }).map_err(what())?;
            }
            starts
        }
    };
    Ok(if starts {
        Outcome::Starts
    } else {
        Outcome::Fails(cache.join(format!("{name}-trial.log")))
    })
}

/// What changes when a program is installed anew.
fn stamp(file: &Path) -> String {
    let path = find(file);
    let seen = fs::metadata(&path).map(|m| (m.size(), m.mtime(), m.mtime_nsec()));
    format!(" {} {seen:?}", path.display())
}

/// The machine in a process namespace that ends with it: user-mode Linux leaves processes behind when it is killed.
/// `memory` becomes a file system in memory.
fn isolated(machine: &Command, memory: Option<&Path>) -> Command {
    let mut command = program("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if let Some(folder) = memory {
        let script = "mount -t tmpfs -o mode=0700,size=128m lab \"$0\" && exec \"$@\"";
        command.args(["sh", "-c", script]).arg(folder);
    }
    command.arg(machine.get_program()).args(machine.get_args());
    for (name, value) in machine.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    end_with_us(&mut command);
    command
}

/// Runs a machine until it passes, ends, or prints nothing for too long.
fn passes(mut machine: Command, log: &Path, cancel: &CancelToken) -> Result<bool, LabError> {
    let shown = describe(&machine);
    let failed = || LabError::io(format!("{shown}: cannot be run"));
    let output = File::create(log).map_err(LabError::io(log.display().to_string()))?;
    let mut child = machine
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(failed())?)
        .stderr(output)
        .spawn()
        .map_err(failed())?;
    let result = watch(&mut child, log, cancel);
    let _ = child.kill();
    let _ = child.wait();
    result
}

fn watch(
    child: &mut std::process::Child,
    log: &Path,
    cancel: &CancelToken,
) -> Result<bool, LabError> {
    let (mut length, mut changed) = (0, Instant::now());
    loop {
        let ended = matches!(child.try_wait(), Ok(Some(_)) | Err(_));
        let text = fs::read(log).map_err(LabError::io(log.display().to_string()))?;
        if memchr::memmem::find(&text, PASSED.as_bytes()).is_some() {
            return Ok(true);
        }
        if text.len() > length {
            (length, changed) = (text.len(), Instant::now());
        }
        if ended || changed.elapsed() > SILENCE {
            return Ok(false);
        }
        pause(cancel)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_machine_passes_when_its_first_program_speaks() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let passed = format!("echo booting; echo '{PASSED}'; sleep 60");
        for (script, want) in [
            (passed.as_str(), true),
            ("echo put_fp_registers; exit 134", false),
        ] {
            let result = passes(machine(script), &log, &CancelToken::default());
            assert_eq!(result.unwrap(), want, "{script}");
        }
        assert_eq!(fs::read_to_string(&log).unwrap(), "put_fp_registers\n");
    }

    #[test]
    fn an_outcome_is_kept_until_a_program_changes() {
        let cache = tempfile::tempdir().unwrap();
        let outcome = |programs: &str, result: Option<bool>| {
            let cancel = CancelToken::default();
            remembered(cache.path(), "uml", programs, true, &cancel, || {
                Ok(result.expect("no trial is made"))
            })
            .unwrap()
        };
        let log = cache.path().join("uml-trial.log");
        assert_eq!(outcome("one", Some(false)), Outcome::Fails(log.clone()));
        assert_eq!(outcome("one", None), Outcome::Fails(log));
        assert_eq!(outcome("two", Some(true)), Outcome::Starts);
        assert_eq!(outcome("two", None), Outcome::Starts);
        let cancel = CancelToken::default();
        let fails = || remembered(cache.path(), "other", "one", false, &cancel, || Ok(false));
        assert!(matches!(fails().unwrap(), Outcome::Fails(_)));
        assert!(!cache.path().join("other-trial.json").exists());
    }
}
