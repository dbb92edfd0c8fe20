//! Runs other programs and turns their failures into errors. No knowledge of labs.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::error::LabError;
use super::netns::Netns;
use super::requirements::SYSTEM_PATH;

/// A program of the system, found and run with the system's path.
pub(super) fn program(name: &str) -> Command {
    let mut command = Command::new(find(Path::new(name)));
    command.env("PATH", SYSTEM_PATH);
    command
}

/// Where a program of the system is; the name alone where there is none.
pub(super) fn find(name: &Path) -> PathBuf {
    let mut folders = std::env::split_paths(SYSTEM_PATH).map(|folder| folder.join(name));
    let found = folders.find(|file| file.exists());
    found.unwrap_or_else(|| name.to_owned())
}

/// Makes a command end with this process, even when that is killed.
pub(super) fn end_with_us(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: between fork and exec there is one system call.
    unsafe {
        command.pre_exec(|| {
            let signal = nix::sys::signal::Signal::SIGKILL;
            Ok(nix::sys::prctl::set_pdeathsig(signal)?)
        });
    }
}

pub(super) fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    crate::shell::command(words.map(|w| w.to_string_lossy().into_owned()))
}

/// Runs to the end; the output where it succeeds, both outputs' last lines in the error where it fails.
pub(super) fn run(command: &mut Command) -> Result<String, LabError> {
    run_with_input(command, "")
}

pub(super) fn run_with_input(command: &mut Command, input: &str) -> Result<String, LabError> {
    let shown = describe(command);
    let failed = LabError::io(format!("{shown}: cannot be run"));
    let mut attempt = || -> std::io::Result<Output> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input to the end says by its status whether that matters.
            let _ = stdin.write_all(input.as_bytes());
        }
        child.wait_with_output()
    };
    let output = attempt().map_err(failed)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut words = String::from_utf8_lossy(&output.stderr).into_owned();
    if words.trim().is_empty() {
        words = String::from_utf8_lossy(&output.stdout).into_owned();
    }
    Err(LabError::Command {
        command: shown,
        status: output.status.to_string(),
        output: last_lines(&words, 20),
    })
}

/// Several `ip` commands in one process.
pub(super) fn ip_batch(netns: Option<&Netns>, lines: &[String]) -> Result<(), LabError> {
    let mut command = program("ip");
    command.args(["-batch", "-"]);
    if let Some(netns) = netns {
        netns
            .place(&mut command)
            .map_err(LabError::io("the network namespace cannot be opened"))?;
    }
    let mut input = lines.join("\n");
    input.push('\n');
    run_with_input(&mut command, &input).map(drop)
}

/// The end of a log, without what a terminal would take for commands.
pub(super) fn log_tail(path: &Path, lines: usize) -> String {
    const BYTES: u64 = 16 * 1024;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut bytes = Vec::new();
        file.take(BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    last_lines(&plain(&text), lines)
}

/// Marks the line of a console that says why the lab failed.
pub(super) const REASON: &str = "error: ";

/// The last line of the lab's own programs in a console's log; a kernel's words and stack traces are left out.
pub(super) fn last_said(path: &Path) -> String {
    let tail = log_tail(path, usize::MAX);
    let lines = || {
        let said = tail.lines().rev().filter_map(|l| l.strip_prefix("lab: "));
        // Behind the time of the machine that prints it.
        said.map(|line| line.split_once(' ').map_or(line, |(_, text)| text))
    };
    let reason = lines().find_map(|line| line.strip_prefix(REASON));
    let last = || lines().find(|line| !line.starts_with("the machine ended"));
    reason.or_else(last).unwrap_or_default().to_owned()
}

pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text
        .lines()
        .map(str::trim_end)
        .filter(|l| !l.is_empty())
        .collect();
    let from = lines.len().saturating_sub(count);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// Without escape sequences and control characters.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text)
        .to_string()
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_command_and_its_last_output() {
        let error =
            run(program("sh").args(["-c", "echo first; echo 'it broke' >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("exit status: 3") && text.ends_with("it broke"),
            "{text}"
        );
        assert_eq!(
            run(program("sh").args(["-c", "echo fine"])).unwrap(),
            "fine\n"
        );
        let error = run(&mut program("no-such-program")).unwrap_err();
        assert!(
            error.to_string().contains("no-such-program: cannot be run"),
            "{error}"
        );
    }

    #[test]
    fn of_a_machine_that_ended_the_lab_s_words_alone_are_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let log = "lab: 1.20 the machine is prepared\nlab: 1.50 error: /run: cannot be mounted\n\
                   Kernel panic - not syncing\n [<6004b1ca>] ? put_fp_registers+0x10/0x12\n\
                   lab: 2.00 user-mode Linux was ended by SIGABRT\nlab: 2.00 the machine ended: Ok(..)\n";
        std::fs::write(file.path(), log).unwrap();
        assert_eq!(last_said(file.path()), "/run: cannot be mounted");
        let killed = " [<6004b1ca>] ? put_fp_registers+0x10/0x12\nlab: 2.00 user-mode Linux was ended by SIGKILL\n\
                      lab: 2.00 the machine ended: Ok(..)\n";
        std::fs::write(file.path(), killed).unwrap();
        assert_eq!(
            last_said(file.path()),
            "user-mode Linux was ended by SIGKILL"
        );
    }

    #[test]
    fn a_log_is_shown_without_its_colours() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "one\n[\x1b[0;32m  OK  \x1b[0m] two\r\n\n\x07three\n",
        )
        .unwrap();
        assert_eq!(log_tail(file.path(), 2), "[  OK  ] two\nthree");
        assert_eq!(log_tail(Path::new("/no/such/log"), 2), "");
    }
}
