//! `connection: local`: the same session over a shell on this machine, through pipes.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;

use super::poll::{self, Ready, is_transient};
use super::session::{self, Launch, Session, Sudo, Terminal};
use super::{Channel, Counters, Ended, Progress, TransportError};

/// Opens a shell on this machine, through sudo where that is given. `hidden`: variables of the environment with secrets,
/// which it does not get.
pub fn open(
    sudo: Option<Sudo>,
    hidden: &[&str],
    timeout: Duration,
    counters: &Counters,
) -> Result<Session, TransportError> {
    session::with_terminal_if_asked(|terminal| {
        open_in(sudo.clone(), hidden, terminal, timeout, counters)
    })
}

fn open_in(
    sudo: Option<Sudo>,
    hidden: &[&str],
    terminal: Terminal,
    timeout: Duration,
    counters: &Counters,
) -> Result<Session, TransportError> {
    let deadline = Instant::now() + timeout;
    let launch = Launch::new(sudo, terminal)?;
    let command = launch.command();
    let channel = LocalChannel::spawn(in_session(&command, hidden)).map_err(|source| {
        TransportError::Local {
            program: command,
            source,
        }
    })?;
    counters.exec();
    launch.open(Box::new(channel), deadline, timeout)
}

/// A shell command in a separate session, as over SSH: no terminal that it could ask at, one process group to end, and
/// Ctrl-C ends this program in order, not the command midway.
pub(super) fn in_session(command: &str, hidden: &[&str]) -> Command {
    let mut program = Command::new("setsid");
    program.args(["sh", "-c", &format!("exec {command}")]);
    for name in hidden {
        program.env_remove(name);
    }
    program
}

/// A process with pipes for its three streams.
pub struct LocalChannel {
    /// None once it is reaped.
    child: Option<Child>,
    ended: Option<ExitStatus>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

/// Interval of tests whether the shell has ended: a child of a dead shell may keep its pipes open.
const LOOK: Duration = Duration::from_millis(250);

impl LocalChannel {
    pub fn spawn(mut program: Command) -> io::Result<Self> {
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let channel = Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child: Some(child),
            ended: None,
        };
        let fds = [
            channel.stdin.as_ref().map(AsFd::as_fd),
            channel.stdout.as_ref().map(AsFd::as_fd),
            channel.stderr.as_ref().map(AsFd::as_fd),
        ];
        for fd in fds.into_iter().flatten() {
            let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
            fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        }
        Ok(channel)
    }

    /// Takes in what one stream has. At its end the stream is dropped.
    fn read(stream: &mut Option<impl Read>) -> io::Result<Option<Vec<u8>>> {
        let Some(reader) = stream else {
            return Ok(None);
        };
        let mut buffer = vec![0; 64 * 1024];
        match reader.read(&mut buffer) {
            Ok(0) => {
                *stream = None;
                Ok(None)
            }
            Ok(n) => {
                buffer.truncate(n);
                Ok(Some(buffer))
            }
            Err(e) if is_transient(&e) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn write(&mut self, to_send: &mut &[u8]) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else {
            // The exit status says more than a broken pipe.
            *to_send = &[];
            return Ok(());
        };
        match stdin.write(to_send) {
            Ok(n) => *to_send = to_send.get(n..).unwrap_or_default(),
            Err(e) if is_transient(&e) => {}
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => self.stdin = None,
            Err(e) => return Err(e),
        }
        Ok(())
    }

    fn reap(&mut self) -> io::Result<Option<Ended>> {
        if let Some(child) = &mut self.child
            && let Some(status) = child.try_wait()?
        {
            self.ended = Some(status);
            self.child = None;
        }
        Ok(self.ended.map(ended))
    }
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Status(code),
        (None, Some(number)) => Ended::Signal(Signal::try_from(number).map_or_else(
            |_| number.to_string(),
            |s| s.as_str().trim_start_matches("SIG").to_owned(),
        )),
        (None, None) => Ended::Cut,
    }
}

impl Channel for LocalChannel {
    fn exchange(&mut self, to_send: &mut &[u8], deadline: Instant) -> io::Result<Progress> {
        let sending = !to_send.is_empty();
        loop {
            if !to_send.is_empty() {
                self.write(to_send)?;
            }
            if let Some(bytes) = Self::read(&mut self.stdout)? {
                return Ok(Progress::Stdout(bytes));
            }
            if let Some(bytes) = Self::read(&mut self.stderr)? {
                return Ok(Progress::Stderr(bytes));
            }
            // What it wrote before its end was read above, unless it ended in between: then once more.
            if let Some(ended) = self.reap()? {
                if let Some(bytes) = Self::read(&mut self.stdout)? {
                    return Ok(Progress::Stdout(bytes));
                }
                if let Some(bytes) = Self::read(&mut self.stderr)? {
                    return Ok(Progress::Stderr(bytes));
                }
                return Ok(Progress::Closed(ended));
            }
            if sending && to_send.is_empty() && self.stdin.is_some() {
                return Ok(Progress::Sent);
            }
            let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(3);
            fn add<'a>(fds: &mut Vec<PollFd<'a>>, fd: Option<BorrowedFd<'a>>, flags: PollFlags) {
                fds.extend(fd.map(|fd| PollFd::new(fd, flags)));
            }
            if !to_send.is_empty() {
                add(
                    &mut fds,
                    self.stdin.as_ref().map(AsFd::as_fd),
                    PollFlags::POLLOUT,
                );
            }
            add(
                &mut fds,
                self.stdout.as_ref().map(AsFd::as_fd),
                PollFlags::POLLIN,
            );
            add(
                &mut fds,
                self.stderr.as_ref().map(AsFd::as_fd),
                PollFlags::POLLIN,
            );
            let look = deadline.min(Instant::now() + LOOK);
            if poll::wait(&mut fds, look)? == Ready::Deadline && Instant::now() >= deadline {
                return Ok(Progress::Deadline);
            }
        }
    }

    fn finish_input(&mut self) {
        self.stdin = None;
    }
}

impl Drop for LocalChannel {
    /// Closes the shell's input, so that it ends after its current script. A thread reaps it, without a wait here.
    fn drop(&mut self) {
        self.stdin = None;
        if let Some(mut child) = self.child.take() {
            std::thread::spawn(move || child.wait());
        }
    }
}
