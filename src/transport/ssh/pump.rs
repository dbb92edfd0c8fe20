//! One connection to a jump host and the channels through it to the hosts behind. A libssh2 session is for one thread at a
//! time, so a thread owns it and moves bytes between the channels and local sockets; whoever connects to a host behind
//! works on such a socket as on a TCP connection. Which connection is used, and when another is opened, is in `jump.rs`.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use ssh2::ErrorCode;

use super::flow::Flow;
use super::guard::lock;
use super::socket::Socket;
use super::{EAGAIN, Link, awaited};
use crate::transport::poll;

/// A pass over the channels only moves what is there. One that takes longer is held up by a peer that never pauses.
const PASS: Duration = Duration::from_secs(30);

/// However quiet it is, the state is looked at this often.
const TICK: Duration = Duration::from_secs(1);

/// A handle to the thread. When it is dropped, the thread ends, and the connection with it.
pub(super) struct Pump {
    requests: Sender<Request>,
    wake: UnixStream,
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

struct Shared {
    hop: String,
    /// libssh2 opens one channel of a session at a time.
    slot: Mutex<Slot>,
    dead: AtomicBool,
    stop: AtomicBool,
}

#[derive(Clone, Copy, PartialEq)]
enum Slot {
    Free,
    /// Somebody waits for a channel, since then.
    Taken(Instant),
    /// Nobody waits any more, and the jump host has not answered.
    Abandoned,
}

struct Request {
    host: String,
    port: u16,
    answer: Sender<Result<UnixStream, String>>,
}

/// Why there is no channel.
pub(super) enum NoChannel {
    /// The jump host's reason.
    Refused(String),
    Late,
    /// The connection to the jump host is gone.
    Lost,
}

/// Held by a connection through a jump host, so that the one to the jump host lasts as long.
pub(super) struct Through(Arc<Pump>);

impl Through {
    pub(super) fn of(pump: Arc<Pump>) -> Self {
        Self(pump)
    }

    /// The jump host's name, when the connection to it is gone.
    pub(super) fn lost(&self) -> Option<String> {
        self.0.is_dead().then(|| self.0.shared.hop.clone())
    }
}

impl Pump {
    /// It begins taken.
    pub(super) fn start(link: Link, hop: &str) -> io::Result<Self> {
        let (requests, incoming) = mpsc::channel();
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            hop: hop.to_owned(),
            slot: Mutex::new(Slot::Taken(Instant::now())),
            dead: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let work = Work {
            link,
            shared: Arc::clone(&shared),
            requests: incoming,
            woken,
            opening: None,
            flows: Vec::new(),
            seen: None,
        };
        let thread = thread::Builder::new()
            .name(format!("jump-{hop}"))
            .spawn(move || work.run())?;
        Ok(Self {
            requests,
            wake,
            shared,
            thread: Some(thread),
        })
    }

    pub(super) fn is_dead(&self) -> bool {
        self.shared.dead.load(Ordering::SeqCst)
    }

    /// Takes the right to open a channel, if no other has it.
    pub(super) fn take(&self) -> bool {
        let mut slot = self.shared.slot();
        if *slot != Slot::Free {
            return false;
        }
        *slot = Slot::Taken(Instant::now());
        true
    }

    /// Whether its channel has been waited for so long that others go another way.
    pub(super) fn is_stuck(&self, patience: Duration) -> bool {
        match *self.shared.slot() {
            Slot::Free => false,
            Slot::Taken(since) => since.elapsed() > patience,
            Slot::Abandoned => true,
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        *self.shared.slot() == Slot::Abandoned
    }

    /// Opens a channel, for whoever has taken the right to.
    pub(super) fn open(
        &self,
        host: &str,
        port: u16,
        timeout: Duration,
    ) -> Result<Socket, NoChannel> {
        // The time counts from here, not from when it was connected.
        *self.shared.slot() = Slot::Taken(Instant::now());
        let (answer, answers) = mpsc::channel();
        let request = Request {
            host: host.to_owned(),
            port,
            answer,
        };
        self.requests.send(request).map_err(|_| NoChannel::Lost)?;
        self.wake();
        match answers.recv_timeout(timeout) {
            Ok(Ok(stream)) => Ok(Socket::from(stream)),
            Ok(Err(reason)) => Err(NoChannel::Refused(reason)),
            Err(RecvTimeoutError::Disconnected) => Err(NoChannel::Lost),
            Err(RecvTimeoutError::Timeout) => {
                let mut slot = self.shared.slot();
                // It may have become free in between.
                if *slot != Slot::Free {
                    *slot = Slot::Abandoned;
                }
                Err(NoChannel::Late)
            }
        }
    }

    fn wake(&self) {
        // A full buffer wakes as well.
        (&self.wake).write_all(&[0]).ok();
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl Shared {
    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        lock(&self.slot)
    }
}

/// The connection is of no use any more.
pub(super) struct Dead;

/// What libssh2 says of one channel only: CHANNEL_OUTOFORDER to CHANNEL_EOF_SENT.
pub(super) fn is_of_channel(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Session(-27..=-20))
}

struct Work {
    link: Link,
    shared: Arc<Shared>,
    requests: Receiver<Request>,
    woken: UnixStream,
    opening: Option<Request>,
    flows: Vec<Flow>,
    /// The state of the channels after the last pass.
    seen: Option<(u64, u64, usize)>,
}

impl Work {
    fn run(mut self) {
        let guard = self.link.guard.clone();
        while !self.shared.stop.load(Ordering::SeqCst) {
            let passed = guard.within(Instant::now() + PASS, || self.pass());
            if !matches!(passed, Some(Ok(()))) || self.wait().is_err() {
                break;
            }
        }
        // Set before any socket is closed: the users of the sockets then read the reason here.
        self.shared.dead.store(true, Ordering::SeqCst);
    }

    /// Moves bytes until nothing changes. One call of libssh2 often reads the data that another call waits for; the socket
    /// then shows no event for it, so all calls are repeated.
    fn pass(&mut self) -> Result<(), Dead> {
        loop {
            self.push_on()?;
            let mut moved = false;
            for flow in &mut self.flows {
                moved |= flow.advance(&self.link.session)?;
            }
            self.flows.retain(|flow| !flow.is_done());
            moved |= self.open()?;
            let state = self.state();
            if !moved && self.seen == Some(state) {
                return Ok(());
            }
            self.seen = Some(state);
        }
    }

    /// Bytes to read, room to write, and channels at their end.
    fn state(&self) -> (u64, u64, usize) {
        let states = self.flows.iter().map(Flow::state);
        states.fold((0, 0, 0), |(read, write, ended), flow| {
            (
                read + u64::from(flow.0),
                write + u64::from(flow.1),
                ended + usize::from(flow.2),
            )
        })
    }

    /// Continues a half-sent packet of a key exchange: libssh2 does that only while it reads, which a writing channel does
    /// not do.
    fn push_on(&mut self) -> Result<(), Dead> {
        if !awaited(&self.link.session).contains(PollFlags::POLLOUT) {
            return Ok(());
        }
        let Some(flow) = self.flows.iter_mut().find(|flow| !flow.state().2) else {
            return Ok(());
        };
        flow.take_in()
    }

    /// Continues to open the current channel, or begins the next.
    fn open(&mut self) -> Result<bool, Dead> {
        let request = match self.opening.take() {
            Some(request) => request,
            None => match self.requests.try_recv() {
                Ok(request) => request,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(false),
            },
        };
        // Where the connection comes from is for the logs of the jump host: OpenSSH's words.
        let from = Some(("127.0.0.1", 65535));
        let session = &self.link.session;
        let answer = match session.channel_direct_tcpip(&request.host, request.port, from) {
            Ok(channel) => match Flow::new(channel) {
                Ok((flow, stream)) => {
                    self.flows.push(flow);
                    Ok(stream)
                }
                Err(error) => Err(error.to_string()),
            },
            Err(e) if e.code() == EAGAIN => {
                self.opening = Some(request);
                return Ok(false);
            }
            Err(e) if is_of_channel(e.code()) => Err(reason(e.message())),
            // TIMEOUT: the jump host did not answer within a minute.
            Err(e) if e.code() == ErrorCode::Session(-9) => Err("no answer".to_owned()),
            Err(_) => return Err(Dead),
        };
        *self.shared.slot() = Slot::Free;
        // Nobody may wait any more: then the stream is dropped here, and the channel ends.
        request.answer.send(answer).ok();
        Ok(true)
    }

    fn wait(&mut self) -> io::Result<()> {
        {
            let own = awaited(&self.link.session) | PollFlags::POLLIN;
            let mut fds = vec![
                PollFd::new(self.link.socket.as_fd(), own),
                PollFd::new(self.woken.as_fd(), PollFlags::POLLIN),
            ];
            fds.extend(self.flows.iter().filter_map(Flow::awaited));
            poll::wait(&mut fds, Instant::now() + TICK)?;
        }
        let mut buffer = [0; 64];
        while matches!(self.woken.read(&mut buffer), Ok(1..)) {}
        Ok(())
    }
}

/// The words in brackets of libssh2's message.
fn reason(message: &str) -> String {
    let inner = message
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    inner.map_or(message, |(reason, _)| reason).to_owned()
}
