//! The process on the host, over libssh2 without blocking.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::time::Instant;

use ssh2::BlockDirections;

use super::{Link, is_cut, wait};
use crate::transport::poll::Ready;
use crate::transport::{Channel, Ended, Progress};

/// What is offered to libssh2 at once; it makes packets of it.
const PIECE: usize = 32 * 1024;

/// How much is read at once.
const ROOM: usize = 64 * 1024;

thread_local! {
    /// The read buffer. One per thread and not per connection, since most of a thousand connections wait.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; ROOM]);
}

pub(crate) struct SshChannel {
    channel: ssh2::Channel,
    link: Link,
}

/// The result of one attempt at an operation.
enum Did<T> {
    Done(T),
    /// It waits for the host.
    NotYet,
    Cut,
}

impl SshChannel {
    pub(super) fn new(channel: ssh2::Channel, link: Link) -> Self {
        Self { channel, link }
    }

    /// Tries one operation once. If it would block, libssh2 keeps its half-sent packet, and continues when the operation is
    /// tried again with the same arguments.
    fn attempt<T>(
        &mut self,
        mut operation: impl FnMut(&mut ssh2::Channel) -> io::Result<T>,
    ) -> io::Result<Did<T>> {
        loop {
            match operation(&mut self.channel) {
                Ok(done) => return Ok(Did::Done(done)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(Did::NotYet),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    let code = ssh2::Error::last_session_error(&self.link.session);
                    return match code {
                        Some(code) if is_cut(code.code()) => Ok(Did::Cut),
                        _ => Err(e),
                    };
                }
            }
        }
    }

    /// Continues a half-sent packet of a key exchange. libssh2 does that only while it reads, and cannot write before. A
    /// channel with data to send would not read; `wait_eof` does nothing but read.
    fn push_on(&mut self) -> io::Result<Did<()>> {
        let outbound = matches!(
            self.link.session.block_directions(),
            BlockDirections::Outbound | BlockDirections::Both
        );
        if !outbound {
            return Ok(Did::NotYet);
        }
        self.attempt(|channel| channel.wait_eof().map_err(io::Error::from))
    }

    fn read(&mut self, stream: i32) -> io::Result<Did<Vec<u8>>> {
        BUFFER.with_borrow_mut(|buffer| {
            let did = self.attempt(|channel| channel.stream(stream).read(buffer))?;
            Ok(match did {
                Did::Done(0) => Did::NotYet,
                Did::Done(n) => Did::Done(buffer.get(..n).unwrap_or_default().to_vec()),
                Did::NotYet => Did::NotYet,
                Did::Cut => Did::Cut,
            })
        })
    }

    /// How the process ended, once all output is read and the host has reported it.
    fn ended(&mut self) -> io::Result<Did<Ended>> {
        if !self.channel.eof() {
            return Ok(Did::NotYet);
        }
        let did = self.attempt(|channel| channel.wait_close().map_err(io::Error::from))?;
        Ok(match did {
            // The status alone is 0 also for a process that was killed.
            Did::Done(()) => Did::Done(match self.channel.exit_signal() {
                Ok(ssh2::ExitSignal {
                    exit_signal: Some(name),
                    ..
                }) => Ended::Signal(name),
                _ => match self.channel.exit_status() {
                    Ok(status) => Ended::Status(status),
                    Err(_) => self.link.cut(),
                },
            }),
            Did::NotYet => Did::NotYet,
            Did::Cut => Did::Cut,
        })
    }
}

impl Drop for SshChannel {
    fn drop(&mut self) {
        self.link.end();
    }
}

/// Returns a result or an error from the enclosing function; continues if there is neither yet.
macro_rules! finish {
    ($link:expr, $did:expr, $progress:expr) => {
        match $did {
            Did::Done(value) => return Ok($progress(value)),
            Did::NotYet => {}
            Did::Cut => return Ok(Progress::Closed($link.cut())),
        }
    };
}

impl SshChannel {
    fn advance(&mut self, to_send: &mut &[u8], deadline: Instant) -> io::Result<Progress> {
        let sending = !to_send.is_empty();
        let mut seen = None;
        loop {
            if let Did::Cut = self.push_on()? {
                return Ok(Progress::Closed(self.link.cut()));
            }
            if !to_send.is_empty() {
                let piece = to_send.get(..PIECE).unwrap_or(to_send);
                match self.attempt(|channel| channel.write(piece))? {
                    Did::Done(n) => *to_send = to_send.get(n..).unwrap_or_default(),
                    Did::NotYet => {}
                    Did::Cut => return Ok(Progress::Closed(self.link.cut())),
                }
            }
            finish!(self.link, self.read(0)?, Progress::Stdout);
            finish!(self.link, self.read(1)?, Progress::Stderr);
            finish!(self.link, self.ended()?, Progress::Closed);
            if sending && to_send.is_empty() {
                return Ok(Progress::Sent);
            }
            // Each call reads whatever came, also what another one was waiting for: output of the other stream, or room
            // for input. The socket knows nothing of that any more, and waiting for it would be in vain. (What stays the
            // same is of no use here.)
            let state = (
                self.channel.read_window().available,
                self.channel.write_window().remaining,
            );
            if seen != Some(state) {
                seen = Some(state);
                continue;
            }
            if wait(&self.link.session, &self.link.socket, true, deadline)? == Ready::Deadline {
                return Ok(Progress::Deadline);
            }
        }
    }
}

impl Channel for SshChannel {
    fn exchange(&mut self, to_send: &mut &[u8], deadline: Instant) -> io::Result<Progress> {
        let guard = self.link.guard.clone();
        let progress = guard.within(deadline, || self.advance(to_send, deadline));
        progress.unwrap_or(Ok(Progress::Deadline))
    }

    fn finish_input(&mut self) {
        // Where the socket does not take it now, closing the connection has the same effect.
        self.channel.send_eof().ok();
    }
}
