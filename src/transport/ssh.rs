//! SSH: connection, handshake, host key and authentication; what follows is a [`channel::SshChannel`].
//! The only user of ssh2. libssh2 runs without blocking throughout, so that every wait is ours and has a deadline.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use secrecy::SecretString;
use ssh2::{BlockDirections, ErrorCode, MethodType};

use super::config::{Target, Via};
use super::host_certificate::{self, HostCertificate};
use super::keys::KeyRing;
use super::known_hosts::{self, KnownHosts, Store, Verdict};
use super::poll::{self, Ready};
use super::{Counters, Ended, TransportError, Waiting, tcp};
use crate::model::HostKeyChecking;
use crate::secret::{SecretSource, Secrets, variables};
use crate::unix_time;

mod auth;
mod channel;
mod flow;
mod guard;
mod host_keys;
mod jump;
mod proxy_command;
mod pump;
mod socket;

pub(super) use channel::SshChannel;
use guard::Guard;
pub(super) use jump::JumpHosts;
use proxy_command::ProxyProcess;
use pump::Through;
use socket::Socket;

/// What all connections of a run share.
pub(super) struct Access<'a> {
    pub secrets: &'a Secrets,
    pub known_hosts: &'a Store,
    pub keys: &'a KeyRing,
    pub counters: &'a Counters,
    pub jump_hosts: &'a JumpHosts,
}

impl<'a> Access<'a> {
    pub(super) fn hidden(&self) -> Vec<&'a str> {
        variables(self.secrets).collect()
    }

    pub(super) fn secret(
        &self,
        setting: &'static str,
        source: Option<&SecretSource>,
    ) -> Result<Option<&'a SecretString>, TransportError> {
        let Some(source) = source else {
            return Ok(None);
        };
        match self.secrets.get(source) {
            Some(secret) => Ok(Some(secret)),
            None => Err(TransportError::MissingSecret {
                setting,
                from: source.to_string(),
            }),
        }
    }
}

/// The stream to a server, before anything is sent on it.
struct Stream {
    socket: Socket,
    /// The other end, for messages.
    peer: String,
    carrier: Carrier,
}

/// What carries the bytes of a stream.
enum Carrier {
    Tcp,
    JumpHost(Through),
    Process(ProxyProcess),
}

/// Connects and logs in.
pub(super) fn connect(target: &Target, access: &Access<'_>) -> Result<Link, TransportError> {
    let timeout = target.connect_timeout;
    let known = access
        .known_hosts
        .load(&target.known_hosts, &target.known_name)?;
    let password = match &target.password {
        Some((setting, source)) => access.secret(setting, Some(source))?,
        None => None,
    };
    let passphrase = access.secret("ssh.passphrase", target.passphrase.as_ref())?;
    let begun = Instant::now();
    let stream = open(target, access, begun + timeout)?;
    // The way through a jump host has had a separate timeout.
    let deadline = match target.via {
        Via::Direct => begun + timeout,
        Via::Jump(_) | Via::Command(_) => Instant::now() + timeout,
    };
    access.counters.connection();
    let mut link = Link::new(stream)?;
    let shaken = link.handshake(&known, target, deadline, timeout);
    shaken.map_err(|error| link.instead(target, error))?;
    link.check_host_key(target, &known, access.known_hosts)?;
    let login = auth::Credentials {
        password,
        passphrase,
        keys: access.keys,
        counters: access.counters,
    };
    auth::log_in(&link, target, &login, deadline, timeout)?;
    Ok(link)
}

fn open(target: &Target, access: &Access<'_>, deadline: Instant) -> Result<Stream, TransportError> {
    let to = socket::place(&target.host, target.port);
    match &target.via {
        Via::Direct => {
            let timeout = target.connect_timeout;
            let (stream, address) = tcp::connect(&target.host, target.port, deadline, timeout)?;
            Ok(Stream {
                socket: Socket::from(stream),
                peer: address.to_string(),
                carrier: Carrier::Tcp,
            })
        }
        Via::Jump(hop) => {
            let (socket, through) = access.jump_hosts.open(hop, target, access)?;
            Ok(Stream {
                socket,
                peer: format!("{to} behind {}", hop.name),
                carrier: Carrier::JumpHost(through),
            })
        }
        Via::Command(command) => {
            let (socket, process) = proxy_command::start(command, &access.hidden())?;
            Ok(Stream {
                socket,
                peer: format!("the ProxyCommand to {to}"),
                carrier: Carrier::Process(process),
            })
        }
    }
}

/// A connection. Dropping it closes it at once, whatever state it is in.
pub(super) struct Link {
    session: ssh2::Session,
    socket: Socket,
    guard: Guard,
    peer: String,
    carrier: Carrier,
}

/// Why an operation of libssh2 failed.
enum Failure {
    Deadline,
    Ssh(ssh2::Error),
}

const EAGAIN: ErrorCode = ErrorCode::Session(-37);

/// The peer is gone: SOCKET_SEND, SOCKET_DISCONNECT, SOCKET_RECV, and what a channel says of the same.
fn is_cut(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Session(-7 | -13 | -43 | -26))
}

impl Link {
    fn new(stream: Stream) -> Result<Self, TransportError> {
        let Stream {
            socket,
            peer,
            carrier,
        } = stream;
        let mut session = ssh2::Session::new().map_err(|e| TransportError::Handshake {
            peer: peer.clone(),
            message: e.message().to_owned(),
        })?;
        session.set_blocking(false);
        session.set_tcp_stream(socket.clone());
        Ok(Self {
            session,
            guard: Guard::new(socket.clone()),
            socket,
            peer,
            carrier,
        })
    }

    /// Replaces an error by a more precise one if the stream itself ended: the failure of the jump host, or of the program.
    fn instead(&self, target: &Target, error: TransportError) -> TransportError {
        match &self.carrier {
            Carrier::JumpHost(through) => match through.lost() {
                Some(hop) => TransportError::EndedEarly {
                    what: Waiting::Handshake,
                    ended: Ended::JumpHostCut(hop),
                    stderr: String::new(),
                },
                None => error,
            },
            Carrier::Process(process) => match process.ended() {
                Some((ended, stderr)) => TransportError::ProxyCommand {
                    to: socket::place(&target.host, target.port),
                    ended,
                    stderr,
                },
                None => error,
            },
            Carrier::Tcp => error,
        }
    }

    /// How a process on the host ended whose connection was cut.
    fn cut(&self) -> Ended {
        match &self.carrier {
            Carrier::JumpHost(through) => through.lost().map_or(Ended::Cut, Ended::JumpHostCut),
            Carrier::Tcp | Carrier::Process(_) => Ended::Cut,
        }
    }

    /// Calls an operation again and again until it is done, waiting for the network in between.
    fn until<T>(
        &self,
        deadline: Instant,
        mut operation: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, Failure> {
        loop {
            match self.guard.within(deadline, &mut operation) {
                None => return Err(Failure::Deadline),
                Some(Err(e)) if e.code() == EAGAIN => {}
                Some(Err(e)) => return Err(Failure::Ssh(e)),
                Some(Ok(done)) => return Ok(done),
            }
            match wait(&self.session, &self.socket, false, deadline) {
                Ok(Ready::Ready) => {}
                Ok(Ready::Deadline) => return Err(Failure::Deadline),
                Err(_) => return Err(Failure::Ssh(ssh2::Error::eof())),
            }
        }
    }

    fn handshake(
        &mut self,
        known: &KnownHosts,
        target: &Target,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<(), TransportError> {
        let peer = self.peer.clone();
        let fail = |message: &str| TransportError::Handshake {
            peer: peer.clone(),
            message: message.to_owned(),
        };
        let name = &target.known_name;
        let preference = host_keys::preference(&known.key_types(name), known.has_authority(name));
        self.session
            .method_pref(MethodType::HostKey, &preference)
            .map_err(|e| fail(e.message()))?;
        // The session is a handle to shared state: a second handle keeps the borrow of the first free.
        let mut session = self.session.clone();
        match self.until(deadline, || session.handshake()) {
            Ok(()) => Ok(()),
            Err(Failure::Deadline) => Err(TransportError::Timeout {
                what: Waiting::Handshake,
                after: timeout,
                stderr: String::new(),
            }),
            Err(Failure::Ssh(e)) if is_cut(e.code()) => Err(fail(
                "it closed the connection before the handshake was done; it may limit connections (MaxStartups) or addresses",
            )),
            // KEX_FAILURE, KEY_EXCHANGE_FAILURE
            Err(Failure::Ssh(e)) if matches!(e.code(), ErrorCode::Session(-5 | -8)) => {
                Err(fail(&format!(
                    "{}: there may be no algorithm in common, as with a server that signs with SHA-1 only",
                    e.message().to_lowercase()
                )))
            }
            Err(Failure::Ssh(e)) => Err(fail(&e.message().to_lowercase())),
        }
    }

    fn check_host_key(
        &self,
        target: &Target,
        known: &KnownHosts,
        store: &Store,
    ) -> Result<(), TransportError> {
        let fail = |message: &str| TransportError::Handshake {
            peer: self.peer.clone(),
            message: message.to_owned(),
        };
        let (shown, _) = self
            .session
            .host_key()
            .ok_or_else(|| fail("it shows no host key"))?;
        let unknown_kind = || fail("its host key is of a kind that is not understood");
        let certificate = host_certificate::is_certificate(shown)
            .then(|| HostCertificate::parse(shown).ok_or_else(unknown_kind))
            .transpose()?;
        let blob = certificate.as_ref().map_or(shown, HostCertificate::plain);
        let key = known_hosts::host_key(blob)
            .map(Box::new)
            .ok_or_else(unknown_kind)?;
        let name = target.known_name.text().to_owned();
        let mut verdict = match &certificate {
            Some(certificate) => {
                let now = unix_time::now().as_secs();
                known.check_certificate(&target.known_name, certificate, now)
            }
            None => known.check(&target.known_name, blob),
        };
        let file = target.known_hosts.first();
        if let (Verdict::Unknown { .. }, HostKeyChecking::AcceptNew, Some(file)) =
            (&verdict, target.checking, file)
        {
            verdict = store.add(file, &target.known_name, &key, blob)?;
        }
        match verdict {
            Verdict::Known => Ok(()),
            Verdict::Unknown { authority } => Err(TransportError::UnknownHostKey {
                name,
                key,
                file: file.cloned().unwrap_or_default(),
                authority,
            }),
            Verdict::Uncertified { authority, why } => Err(TransportError::HostCertificate {
                name,
                key,
                authority: Box::new(authority),
                why,
            }),
            Verdict::Changed(known) => Err(TransportError::ChangedHostKey { name, key, known }),
            Verdict::Revoked(known) => Err(TransportError::RevokedHostKey {
                name,
                key,
                known: Box::new(known),
            }),
        }
    }

    /// Starts the one process of this connection.
    pub(super) fn exec(
        self,
        command: &str,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<SshChannel, TransportError> {
        let fail = |failure: Failure| match failure {
            Failure::Deadline => TransportError::Timeout {
                what: Waiting::Exec,
                after: timeout,
                stderr: String::new(),
            },
            Failure::Ssh(e) => TransportError::Connection {
                what: Waiting::Exec,
                message: e.message().to_owned(),
            },
        };
        let mut channel = self
            .until(deadline, || self.session.channel_session())
            .map_err(fail)?;
        self.until(deadline, || channel.exec(command))
            .map_err(fail)?;
        Ok(SshChannel::new(channel, self))
    }
}

impl Link {
    /// Sends a disconnect message if the socket accepts it, then shuts the socket down, so that the clean-up of libssh2 finds
    /// no peer. In blocking mode libssh2 would try for ever to send after a half-sent packet, so the mode stays non-blocking.
    fn end(&self) {
        self.session.disconnect(None, "done", None).ok();
        self.socket.shutdown();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits for the socket events that libssh2 waits for; with `also_read`, for input too.
fn wait(
    session: &ssh2::Session,
    socket: &Socket,
    also_read: bool,
    deadline: Instant,
) -> std::io::Result<Ready> {
    let mut flags = awaited(session);
    if also_read {
        flags |= PollFlags::POLLIN;
    }
    poll::wait(&mut [PollFd::new(socket.as_fd(), flags)], deadline)
}

fn awaited(session: &ssh2::Session) -> PollFlags {
    match session.block_directions() {
        BlockDirections::Inbound | BlockDirections::None => PollFlags::POLLIN,
        BlockDirections::Outbound => PollFlags::POLLOUT,
        BlockDirections::Both => PollFlags::POLLIN | PollFlags::POLLOUT,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;
    use crate::model::SshOptions;
    use crate::transport::config::{self, Environment, SshSettings};

    /// What a peer sends before anything else, and then again and again without a pause.
    fn endless(first: &'static [u8], again: &'static [u8]) -> Link {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let much = again.repeat(4096);
            stream.write_all(first).ok();
            while stream.write_all(&much).is_ok() {}
        });
        let timeout = Duration::from_secs(5);
        let deadline = Instant::now() + timeout;
        let (stream, address) =
            tcp::connect("127.0.0.1", address.port(), deadline, timeout).expect("a connection");
        let stream = Stream {
            socket: Socket::from(stream),
            peer: address.to_string(),
            carrier: Carrier::Tcp,
        };
        Link::new(stream).expect("a session")
    }

    #[test]
    fn a_peer_that_never_pauses_is_given_up() {
        /// A packet of SSH_MSG_IGNORE.
        const IGNORE: &[u8] = &[0, 0, 0, 12, 6, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let cases: [(&str, &[u8], &[u8]); 4] = [
            ("text without a line's end", b"", b"x"),
            ("lines before the version", b"", b"hello\r\n"),
            ("a version without an end", b"SSH-2.0-", b"x"),
            ("packets that are to be ignored", b"SSH-2.0-x\r\n", IGNORE),
        ];
        let environment = Environment {
            user: Some("root".to_owned()),
            ..Environment::default()
        };
        let options = SshOptions::default();
        let settings = SshSettings::default();
        let target = config::resolve("rs1", "127.0.0.1", &options, &settings, &environment)
            .expect("a target");
        for (about, first, again) in cases {
            let mut link = endless(first, again);
            let timeout = Duration::from_millis(300);
            let started = Instant::now();
            let known = KnownHosts::default();
            let end = link.handshake(&known, &target, started + timeout, timeout);
            assert!(end.is_err(), "{about}");
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "{about}: {:?}",
                started.elapsed()
            );
        }
    }
}
