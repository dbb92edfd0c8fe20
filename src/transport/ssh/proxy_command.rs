//! A program whose standard input and output are the connection to a server: ProxyCommand of ssh_config(5).

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::guard::lock;
use super::socket::Socket;
use crate::transport::TransportError;
use crate::transport::local::in_session;

/// How much of the end of its standard error is kept.
const TAIL: usize = 2048;

/// How long it may take to end after its connection has, and after SIGTERM.
const GRACE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);

pub(super) struct ProxyProcess {
    /// None once it is handed over to be waited for.
    child: Mutex<Option<Child>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    /// Gets an end when all of standard error is read.
    read: Mutex<Receiver<()>>,
}

/// Starts a shell command. `hidden`: variables of the environment with secrets, which it does not get.
pub(super) fn start(
    command: &str,
    hidden: &[&str],
) -> Result<(Socket, ProxyProcess), TransportError> {
    let spawn = || -> io::Result<(UnixStream, Child)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let output: OwnedFd = theirs.try_clone()?.into();
        let child = in_session(command, hidden)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(output))
            .stderr(Stdio::piped())
            .spawn()?;
        Ok((ours, child))
    };
    let (socket, mut child) = spawn().map_err(|source| TransportError::Local {
        program: "setsid".to_owned(),
        source,
    })?;
    let stderr = Arc::new(Mutex::new(Vec::new()));
    let (done, read) = mpsc::channel();
    if let Some(pipe) = child.stderr.take() {
        let tail = Arc::clone(&stderr);
        thread::spawn(move || {
            keep_tail(pipe, &tail);
            drop(done);
        });
    }
    let process = ProxyProcess {
        child: Mutex::new(Some(child)),
        stderr,
        read: Mutex::new(read),
    };
    Ok((Socket::from(socket), process))
}

/// Until the last process that holds it has ended.
fn keep_tail(mut pipe: ChildStderr, tail: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = pipe.read(&mut buffer) {
        let mut tail = lock(tail);
        tail.extend_from_slice(buffer.get(..n).unwrap_or_default());
        let excess = tail.len().saturating_sub(TAIL);
        tail.drain(..excess);
    }
}

impl ProxyProcess {
    /// How it ended and the end of what it said, if it has.
    pub(super) fn ended(&self) -> Option<(String, String)> {
        let mut child = lock(&self.child);
        let status = wait(child.as_mut()?, GRACE)?;
        let read = lock(&self.read);
        // Something that it started may hold it for longer.
        read.recv_timeout(GRACE).ok();
        let said = lock(&self.stderr);
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        Some((describe(status), said))
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, signal) => format!("was killed by signal {}", signal.unwrap_or_default()),
    }
}

/// None: it runs on.
fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK),
            Ok(None) | Err(_) => return None,
        }
    }
}

impl Drop for ProxyProcess {
    /// Ends it, with what it started. It is reaped elsewhere, so that this does not wait.
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(mut child) = child.take() else {
            return;
        };
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        let group = Pid::from_raw(child.id().cast_signed());
        killpg(group, Signal::SIGTERM).ok();
        thread::spawn(move || {
            if wait(&mut child, PATIENCE).is_none() {
                killpg(group, Signal::SIGKILL).ok();
                child.wait().ok();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn stream(socket: &Socket) -> UnixStream {
        use std::os::fd::AsFd;
        let stream = UnixStream::from(
            socket
                .as_fd()
                .try_clone_to_owned()
                .expect("a second handle"),
        );
        stream.set_nonblocking(false).expect("blocks");
        stream
    }

    #[test]
    fn it_is_the_connection() {
        let (socket, process) = start("cat", &[]).expect("starts");
        let mut stream = stream(&socket);
        stream.write_all(b"SSH-2.0\n").expect("writes");
        let mut read = [0; 8];
        stream.read_exact(&mut read).expect("reads");
        assert_eq!(&read, b"SSH-2.0\n");
        assert_eq!(process.ended(), None);
    }

    #[test]
    fn it_does_not_get_secrets_of_the_environment() {
        for (hidden, expected) in [(&["HOME"][..], "none"), (&[], "some")] {
            let command =
                "sh -c 'printf %s \"${HOME+some}\"; [ \"${HOME+some}\" ] || printf none; sleep 9'";
            let (socket, _process) = start(command, hidden).expect("starts");
            let mut read = [0; 4];
            stream(&socket).read_exact(&mut read).expect("reads");
            assert_eq!(&read, expected.as_bytes());
        }
    }

    #[test]
    fn an_end_is_reported_with_its_words() {
        for (command, ended, said) in [
            (
                "sh -c 'echo no route >&2; exit 3'",
                "exited with status 3",
                "no route",
            ),
            (
                "/nonexistent/command",
                "exited with status 127",
                "not found",
            ),
            ("sh -c 'kill -9 $$'", "was killed by signal 9", ""),
        ] {
            let (socket, process) = start(command, &[]).expect("starts");
            let mut rest = Vec::new();
            stream(&socket).read_to_end(&mut rest).expect("reads");
            let until = Instant::now() + Duration::from_secs(20);
            let end = loop {
                match process.ended() {
                    Some(end) => break end,
                    None => assert!(Instant::now() < until, "{command}"),
                }
            };
            assert_eq!(end.0, ended, "{command}");
            assert!(end.1.contains(said), "{command}: {}", end.1);
        }
    }

    #[test]
    fn nothing_of_it_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pids");
        // Neither the end of its input nor SIGTERM ends this one.
        let command = format!(
            "sh -c 'trap \"\" TERM; sleep 600 & echo $$ $! >{}; wait'",
            file.display()
        );
        let (socket, process) = start(&command, &[]).expect("starts");
        let until = Instant::now() + Duration::from_secs(20);
        let pids = loop {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if text.ends_with('\n') {
                break text;
            }
            assert!(Instant::now() < until, "it does not start");
            thread::sleep(LOOK);
        };
        drop((socket, process));
        for pid in pids.split_whitespace() {
            let running = || {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                !stat.is_empty() && !stat.contains(") Z ")
            };
            let until = Instant::now() + Duration::from_secs(20);
            while running() {
                assert!(Instant::now() < until, "{pid} is left");
                thread::sleep(LOOK);
            }
        }
    }
}
