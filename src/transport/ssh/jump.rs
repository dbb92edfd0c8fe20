//! Jump hosts of a run: the first host behind one opens the connection, and all hosts behind it share it. Moving bytes
//! belongs in `pump.rs`.
//!
//! libssh2 opens one channel of a session at a time, and a channel to a host that does not answer takes long. The other hosts
//! then get a further connection, so that they do not wait.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::guard::lock;
use super::pump::{NoChannel, Pump, Through};
use super::socket::{self, Socket};
use super::{Access, connect};
use crate::transport::TransportError;
use crate::transport::config::Target;

/// How long a channel may take before others get a further connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most connections to a jump host on which channels are opened.
const MOST: usize = 4;

/// How long a failed connection to a jump host is remembered, for hosts that requested it at the same time.
const MEMORY: Duration = Duration::from_secs(5);

const LOOK: Duration = Duration::from_millis(200);

#[derive(Default)]
pub(crate) struct JumpHosts(Mutex<Vec<(Target, Arc<JumpHost>)>>);

struct JumpHost {
    name: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pumps: Vec<Arc<Pump>>,
    connecting: bool,
    failed: Option<(Instant, Arc<TransportError>)>,
}

/// What to do next for a channel.
enum Next {
    Open(Arc<Pump>),
    Connect,
    Fail(Arc<TransportError>),
    Wait,
}

impl State {
    fn next(&mut self, now: Instant) -> Next {
        self.pumps.retain(|pump| !pump.is_dead());
        if let Some(pump) = self.pumps.iter().find(|pump| pump.take()) {
            return Next::Open(Arc::clone(pump));
        }
        let recent = |(at, _): &&(Instant, _)| now.duration_since(*at) < MEMORY;
        let failed = self.failed.as_ref().filter(recent);
        match failed {
            _ if self.connecting => Next::Wait,
            Some((_, error)) if self.pumps.is_empty() => Next::Fail(Arc::clone(error)),
            Some(_) => Next::Wait,
            None if self.wants_more() => Next::Connect,
            None => Next::Wait,
        }
    }

    /// Whether a further connection is allowed. Only connections on which a channel is awaited count; the others just carry
    /// their channels.
    fn wants_more(&self) -> bool {
        let used = self
            .pumps
            .iter()
            .filter(|pump| !pump.is_abandoned())
            .count();
        used < MOST && self.pumps.iter().all(|pump| pump.is_stuck(PATIENCE))
    }
}

impl JumpHosts {
    /// A stream to a host behind a jump host.
    pub(super) fn open(
        &self,
        hop: &Target,
        to: &Target,
        access: &Access<'_>,
    ) -> Result<(Socket, Through), TransportError> {
        let host = self.host(hop);
        let pump = host.pump(hop, access)?;
        let opened = pump.open(&to.host, to.port, to.connect_timeout);
        host.changed.notify_all();
        let refused = |reason: String| TransportError::NotForwarded {
            hop: host.name.clone(),
            to: socket::place(&to.host, to.port),
            reason,
        };
        opened
            .map(|socket| (socket, Through::of(pump)))
            .map_err(|why| match why {
                NoChannel::Refused(reason) => refused(reason),
                NoChannel::Late => {
                    refused(format!("no answer in {} s", to.connect_timeout.as_secs()))
                }
                NoChannel::Lost => refused("the connection to the jump host was cut".to_owned()),
            })
    }

    fn host(&self, hop: &Target) -> Arc<JumpHost> {
        let key = hop.without_timeout();
        let mut all = lock(&self.0);
        if let Some((_, host)) = all.iter().find(|(target, _)| *target == key) {
            return Arc::clone(host);
        }
        let host = Arc::new(JumpHost {
            name: hop.name.clone(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        all.push((key, Arc::clone(&host)));
        host
    }
}

impl JumpHost {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// A connection on which the caller alone may open a channel now. Each channel is given up after a time, so that this comes
    /// to an end.
    fn pump(&self, hop: &Target, access: &Access<'_>) -> Result<Arc<Pump>, TransportError> {
        loop {
            let mut state = self.state();
            match state.next(Instant::now()) {
                Next::Open(pump) => return Ok(pump),
                Next::Fail(source) => return Err(self.error(source)),
                Next::Wait => {
                    // Its result is the state, which is looked at anyway.
                    drop(self.changed.wait_timeout(state, LOOK));
                }
                Next::Connect => {
                    state.connecting = true;
                    drop(state);
                    if let Some(pump) = self.connect(hop, access) {
                        return Ok(pump);
                    }
                }
            }
        }
    }

    fn connect(&self, hop: &Target, access: &Access<'_>) -> Option<Arc<Pump>> {
        let started = connect(hop, access).and_then(|link| {
            Pump::start(link, &self.name).map_err(|source| TransportError::Local {
                program: "a thread".to_owned(),
                source,
            })
        });
        let mut state = self.state();
        state.connecting = false;
        let pump = match started {
            Ok(pump) => {
                let pump = Arc::new(pump);
                state.failed = None;
                state.pumps.push(Arc::clone(&pump));
                Some(pump)
            }
            Err(error) => {
                state.failed = Some((Instant::now(), Arc::new(error)));
                None
            }
        };
        drop(state);
        self.changed.notify_all();
        pump
    }

    fn error(&self, source: Arc<TransportError>) -> TransportError {
        TransportError::JumpHost {
            hop: self.name.clone(),
            source,
        }
    }
}
