//! A channel through a jump host and the local socket that it is joined to: bytes in both directions, with a buffer of
//! bounded size for each. Nothing here waits.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use nix::poll::{PollFd, PollFlags};

use super::super::poll::is_transient;
use super::pump::{Dead, is_of_channel};
use super::{EAGAIN, awaited};

/// The most that is held in one direction, beside what the kernel and libssh2 hold.
const ROOM: usize = 32 * 1024;

pub(super) struct Flow {
    channel: ssh2::Channel,
    /// None once the other side has closed it.
    local: Option<UnixStream>,
    to_local: Buffer,
    to_channel: Buffer,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Open,
    /// One side has ended; the channel is being closed.
    Closing,
    Done,
}

/// Bytes from one side that the other has not taken yet.
struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn new() -> Self {
        Self {
            bytes: vec![0; ROOM].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        let n = from.read(&mut self.bytes)?;
        (self.start, self.end) = (0, n);
        Ok(n)
    }

    fn taken(&mut self, n: usize) {
        self.start = self.end.min(self.start + n);
    }
}

/// What came of one attempt.
enum Did {
    Moved(usize),
    NotYet,
    Ended,
}

fn attempt(result: io::Result<usize>) -> Did {
    match result {
        Ok(n) => Did::Moved(n),
        Err(e) if is_transient(&e) => Did::NotYet,
        Err(_) => Did::Ended,
    }
}

impl Flow {
    /// And the other end of its local socket.
    pub(super) fn new(channel: ssh2::Channel) -> io::Result<(Self, UnixStream)> {
        let (local, remote) = UnixStream::pair()?;
        local.set_nonblocking(true)?;
        remote.set_nonblocking(true)?;
        let flow = Self {
            channel,
            local: Some(local),
            to_local: Buffer::new(),
            to_channel: Buffer::new(),
            stage: Stage::Open,
        };
        Ok((flow, remote))
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Bytes to read, room to write, and whether it is at its end.
    pub(super) fn state(&self) -> (u32, u32, bool) {
        (
            self.channel.read_window().available,
            self.channel.write_window().remaining,
            self.channel.eof(),
        )
    }

    /// What its local socket is waited for, where that is anything.
    pub(super) fn awaited(&self) -> Option<PollFd<'_>> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::POLLIN, self.to_channel.is_empty());
        flags.set(PollFlags::POLLOUT, !self.to_local.is_empty());
        let local = self.local.as_ref().filter(|_| !flags.is_empty())?;
        Some(PollFd::new(local.as_fd(), flags))
    }

    /// Takes in packets, whosever they are.
    pub(super) fn take_in(&mut self) -> Result<(), Dead> {
        match self.channel.wait_eof() {
            Err(e) if e.code() != EAGAIN && !is_of_channel(e.code()) => Err(Dead),
            _ => Ok(()),
        }
    }

    /// Moves what can be moved; whether that was anything.
    pub(super) fn advance(&mut self, session: &ssh2::Session) -> Result<bool, Dead> {
        match self.stage {
            Stage::Open => {
                let from_host = self.read_channel(session)?;
                Ok(self.read_local(session)? || from_host)
            }
            Stage::Closing => self.close(session),
            Stage::Done => Ok(false),
        }
    }

    fn read_channel(&mut self, session: &ssh2::Session) -> Result<bool, Dead> {
        let mut moved = false;
        let mut ended = false;
        if self.to_local.is_empty() {
            match attempt(self.to_local.fill(&mut self.channel)) {
                Did::Moved(0) => ended = self.channel.eof(),
                Did::Moved(_) => moved = true,
                Did::NotYet => {}
                Did::Ended => {
                    living(session)?;
                    ended = true;
                }
            }
        }
        if !self.to_local.is_empty()
            && let Some(local) = &mut self.local
        {
            match attempt(local.write(self.to_local.rest())) {
                Did::Moved(n) => {
                    self.to_local.taken(n);
                    moved = true;
                }
                Did::NotYet => {}
                Did::Ended => ended = true,
            }
        }
        if ended {
            self.stage = Stage::Closing;
            self.local = None;
        }
        Ok(moved || ended)
    }

    fn read_local(&mut self, session: &ssh2::Session) -> Result<bool, Dead> {
        let mut moved = false;
        let mut ended = self.local.is_none();
        if self.to_channel.is_empty()
            && let Some(local) = &mut self.local
        {
            match attempt(self.to_channel.fill(local)) {
                Did::Moved(0) | Did::Ended => ended = true,
                Did::Moved(_) => moved = true,
                Did::NotYet => {}
            }
        }
        moved |= self.write(session)?;
        if ended && self.stage == Stage::Open {
            self.stage = Stage::Closing;
            self.local = None;
            moved = true;
        }
        Ok(moved)
    }

    fn write(&mut self, session: &ssh2::Session) -> Result<bool, Dead> {
        if self.to_channel.is_empty() {
            return Ok(false);
        }
        match attempt(self.channel.write(self.to_channel.rest())) {
            Did::Moved(n) => {
                self.to_channel.taken(n);
                Ok(n > 0)
            }
            Did::NotYet => Ok(false),
            Did::Ended => {
                living(session)?;
                self.to_channel.taken(ROOM);
                self.stage = Stage::Closing;
                self.local = None;
                Ok(true)
            }
        }
    }

    /// A packet of this channel that is half sent, which may be one that reading sends, must be whole before anything else is:
    /// until then libssh2 sends nothing, for any channel.
    fn close(&mut self, session: &ssh2::Session) -> Result<bool, Dead> {
        let half_sent = || awaited(session).contains(PollFlags::POLLOUT);
        if half_sent() {
            self.write(session)?;
            if half_sent() {
                self.to_local.taken(ROOM);
                self.to_local.fill(&mut self.channel).ok();
            }
            if half_sent() {
                return Ok(false);
            }
        }
        match self.channel.close() {
            Err(e) if e.code() == EAGAIN => Ok(false),
            Err(e) if !is_of_channel(e.code()) => Err(Dead),
            _ => {
                self.stage = Stage::Done;
                Ok(true)
            }
        }
    }
}

/// After an error of a channel: whether it was one of the connection.
fn living(session: &ssh2::Session) -> Result<(), Dead> {
    match ssh2::Error::last_session_error(session) {
        Some(e) if e.code() != EAGAIN && !is_of_channel(e.code()) => Err(Dead),
        _ => Ok(()),
    }
}
