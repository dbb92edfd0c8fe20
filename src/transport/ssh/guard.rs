//! Ends a connection that keeps libssh2 busy beyond a deadline. libssh2 returns to its caller only when the peer pauses, so a
//! peer that never pauses would hold it for ever. A socket that is shut down reads as ended.

use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::socket::Socket;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(100);

/// The caller sees most deadlines itself, while it waits for the peer.
const GRACE: Duration = Duration::from_millis(200);

static WATCHED: Mutex<Vec<Weak<Watched>>> = Mutex::new(Vec::new());
static THREAD: Once = Once::new();

#[derive(Clone)]
pub(super) struct Guard(Arc<Watched>);

struct Watched {
    socket: Socket,
    state: Mutex<State>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Idle,
    Until(Instant),
    Ended,
}

impl Guard {
    pub(super) fn new(socket: Socket) -> Self {
        let watched = Arc::new(Watched {
            socket,
            state: Mutex::new(State::Idle),
        });
        lock(&WATCHED).push(Arc::downgrade(&watched));
        THREAD.call_once(|| {
            std::thread::spawn(|| {
                loop {
                    std::thread::sleep(TICK);
                    end_late(Instant::now());
                }
            });
        });
        Self(watched)
    }

    /// Runs work that must end by a deadline. None: it was ended.
    pub(super) fn within<T>(&self, deadline: Instant, work: impl FnOnce() -> T) -> Option<T> {
        *lock(&self.0.state) = State::Until(deadline + GRACE);
        let done = work();
        let mut state = lock(&self.0.state);
        if *state == State::Ended {
            return None;
        }
        *state = State::Idle;
        Some(done)
    }
}

/// A thread that panicked leaves what it held as it is.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end_late(now: Instant) {
    lock(&WATCHED).retain(|watched| {
        let Some(watched) = watched.upgrade() else {
            return false;
        };
        let mut state = lock(&watched.state);
        if matches!(*state, State::Until(deadline) if deadline <= now) {
            *state = State::Ended;
            watched.socket.shutdown();
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn work_that_never_ends_is_ended() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let stream = TcpStream::connect(listener.local_addr().expect("an address"));
        let mut stream = stream.expect("connects");
        let guard = Guard::new(stream.try_clone().expect("a second handle").into());
        let long = Instant::now() + Duration::from_secs(60);
        assert_eq!(guard.within(long, || 1), Some(1));
        let soon = Instant::now() + Duration::from_millis(50);
        // Nothing is ever sent: only the guard ends this.
        let read = guard.within(soon, || stream.read(&mut [0]).ok());
        assert_eq!(read, None);
        assert!(Instant::now() > soon);
    }
}
