//! User-mode Linux: a kernel that runs as a program, here with this machine's file system as its root.

use std::path::Path;
use std::process::Command;

use super::tool::program;

/// `ptrace.rs`, compiled by `build.rs`; empty where there is no user-mode Linux.
pub(super) const PRELOAD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/ptrace.so"));

/// What one start of user-mode Linux needs.
pub(super) struct Boot<'a> {
    pub memory_mib: u32,
    /// Whether the kernel prints warnings and errors alone.
    pub quiet: bool,
    /// A file with the bytes of [`PRELOAD`].
    pub preload: &'a Path,
    /// Where it keeps its sockets.
    pub folder: &'a Path,
    /// A file system in memory, with room for the machine's memory.
    pub memory: &'a Path,
    pub init: &'a Path,
    pub init_arguments: &'a [&'a str],
    /// Names of taps.
    pub taps: &'a [&'a str],
}

impl Boot<'_> {
    pub(super) fn command(&self) -> Command {
        let mut command = program("linux.uml");
        command
            .args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"])
            .args(["con=null", "con0=null,fd:1", "selinux=0"])
            .args(["panic=-1", "noreboot", "umid=machine"])
            .arg(format!("mem={}M", self.memory_mib))
            .arg(format!("uml_dir={}", self.folder.display()))
            .arg(format!("init={}", self.init.display()));
        if self.quiet {
            command.arg("quiet");
        }
        for (index, tap) in self.taps.iter().enumerate() {
            command.arg(format!(
                "vec{index}:transport=tap,ifname={tap},depth=128,gro=1"
            ));
        }
        if !PRELOAD.is_empty() {
            command.env("LD_PRELOAD", self.preload);
        }
        command
            .arg("--")
            .args(self.init_arguments)
            .env("TMPDIR", self.memory);
        command
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use std::process::Stdio;

    use nix::libc;
    use nix::sys::signal::{Signal, kill, raise};
    use nix::sys::wait::waitpid;
    use nix::unistd::{ForkResult, Pid, fork};

    use super::*;

    const NT_X86_XSTATE: usize = 0x202;
    /// The part of the state that every processor has: x87, SSE and the header.
    const PART: usize = 576;
    const FIRST_XMM: std::ops::Range<usize> = 160..176;
    /// Which parts of the state are in use, the lowest byte.
    const IN_USE: usize = 512;
    const SSE: u8 = 2;

    fn registers(request: libc::c_uint, pid: Pid, bytes: &mut [u8]) -> Result<usize, nix::Error> {
        let mut part = libc::iovec {
            iov_base: bytes.as_mut_ptr().cast(),
            iov_len: bytes.len(),
        };
        // SAFETY: the buffer is as long as it says, and the tracee is stopped.
        let result = unsafe { libc::ptrace(request, pid.as_raw(), NT_X86_XSTATE, &raw mut part) };
        nix::Error::result(result).map(|_| part.iov_len)
    }

    /// Writes the first part of a stopped process's state, as user-mode Linux does, and compares what it has then.
    #[test]
    #[ignore = "run by the_library_sets_a_part_of_the_state_that_the_kernel_alone_refuses"]
    fn write_a_part_of_the_state() {
        // SAFETY: the child makes nothing but system calls.
        let tracee = match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                // SAFETY: takes no addresses.
                unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
                raise(Signal::SIGSTOP).ok();
                // SAFETY: ends the child at once.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } => child,
        };
        waitpid(tracee, None).unwrap();
        let mut before = vec![0; 64 * 1024];
        let length = registers(libc::PTRACE_GETREGSET, tracee, &mut before).unwrap();
        let mut part = before[..PART].to_vec();
        part[FIRST_XMM].fill(0x5a);
        part[IN_USE] |= SSE;
        let result = registers(libc::PTRACE_SETREGSET, tracee, &mut part);
        let mut after = vec![0; 64 * 1024];
        registers(libc::PTRACE_GETREGSET, tracee, &mut after).unwrap();
        // libc's function returns the word that it reads, and not what the system call returns.
        nix::Error::clear();
        // SAFETY: the address is that of a static, which the tracee has too.
        let word =
            unsafe { libc::ptrace(libc::PTRACE_PEEKDATA, tracee.as_raw(), &raw const MARK, 0) };
        let word = (word, nix::Error::last_raw());
        kill(tracee, Signal::SIGKILL).unwrap();
        waitpid(tracee, None).unwrap();
        let set = after[FIRST_XMM] == part[FIRST_XMM];
        let kept = after[PART..length] == before[PART..length];
        println!(
            "larger {} result {} set {set} kept {kept} word {word:?}",
            length > PART,
            result.map_or_else(|e| e.to_string(), |_| "done".to_owned())
        );
    }

    static MARK: libc::c_long = -1;

    fn run(preload: Option<&Path>) -> String {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("lab::uml::tests::write_a_part_of_the_state")
            .stdin(Stdio::null());
        if let Some(library) = preload {
            command.env("LD_PRELOAD", library);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find(|line| line.contains("larger "));
        line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
            .to_owned()
    }

    #[test]
    fn the_library_sets_a_part_of_the_state_that_the_kernel_alone_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("ptrace.so");
        std::fs::write(&library, PRELOAD).unwrap();
        let without = run(None);
        assert!(
            without.contains("larger true"),
            "a processor without AVX cannot show it: {without}"
        );
        assert!(
            without.contains("result EFAULT") || without.contains("result EINVAL"),
            "{without}"
        );
        assert!(
            without.contains("set false kept true word (-1, 0)"),
            "{without}"
        );
        let with = run(Some(&library));
        assert!(
            with.contains("larger true result done set true kept true word (-1, 0)"),
            "{with}"
        );
    }
}
