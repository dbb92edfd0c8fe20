//! SSH: connection, handshake, host key and authentication; what follows is a [`channel::SshChannel`].
//! The only user of ssh2. libssh2 runs without blocking throughout, so that every wait is ours and has a deadline.

use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use secrecy::SecretString;
use ssh2::{BlockDirections, ErrorCode, MethodType};

use super::config::Target;
use super::keys::KeyRing;
use super::known_hosts::{self, KnownHosts, Store, Verdict};
use super::poll::{self, Ready};
use super::{Counters, TransportError, Waiting, tcp};
use crate::model::HostKeyChecking;

mod auth;
mod channel;
mod guard;

pub(super) use channel::SshChannel;
use guard::Guard;

/// What a connection may use besides its target.
pub(super) struct Access<'a> {
    pub password: Option<&'a SecretString>,
    /// For every encrypted key file.
    pub passphrase: Option<&'a SecretString>,
    pub known_hosts: &'a Store,
    pub keys: &'a KeyRing,
    pub counters: &'a Counters,
}

/// Connects and logs in.
pub(super) fn connect(target: &Target, access: &Access<'_>) -> Result<Link, TransportError> {
    let timeout = target.connect_timeout;
    let deadline = Instant::now() + timeout;
    let known = access.known_hosts.load(&target.known_hosts)?;
    let (stream, address) = tcp::connect(&target.host, target.port, deadline, timeout)?;
    access.counters.connection();
    let mut link = Link::new(stream, address)?;
    link.handshake(&known.key_types(&target.known_name), deadline, timeout)?;
    link.check_host_key(target, &known, access.known_hosts)?;
    auth::log_in(&link, target, access, deadline, timeout)?;
    Ok(link)
}

/// A connection. Dropping it closes it at once, whatever state it is in.
pub(super) struct Link {
    session: ssh2::Session,
    socket: Arc<TcpStream>,
    guard: Guard,
    address: SocketAddr,
}

/// Why an operation of libssh2 came to nothing.
enum Failure {
    Deadline,
    Ssh(ssh2::Error),
}

const EAGAIN: ErrorCode = ErrorCode::Session(-37);

/// The peer is gone: SOCKET_SEND, SOCKET_DISCONNECT, SOCKET_RECV, and what a channel says of the same.
fn is_cut(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Session(-7 | -13 | -43 | -26))
}

/// In the order of preference where nothing is known of the host. SHA-1 signatures and DSA are not among them.
const HOST_KEYS: [(&str, &[&str]); 5] = [
    ("ssh-ed25519", &["ssh-ed25519"]),
    ("ecdsa-sha2-nistp256", &["ecdsa-sha2-nistp256"]),
    ("ecdsa-sha2-nistp384", &["ecdsa-sha2-nistp384"]),
    ("ecdsa-sha2-nistp521", &["ecdsa-sha2-nistp521"]),
    ("ssh-rsa", &["rsa-sha2-512", "rsa-sha2-256"]),
];

/// The known types first: a host that is known by its ecdsa key must not be asked for its ed25519 key, which would look
/// like a changed one. The others follow, so that a host that was installed anew is reported as such.
fn host_key_preference(known: &[String]) -> String {
    let is_known = |(name, _): &&(&str, &[&str])| known.iter().any(|k| k == name);
    let first = HOST_KEYS.iter().filter(is_known);
    let rest = HOST_KEYS.iter().filter(|k| !is_known(k));
    let algorithms: Vec<&str> = first
        .chain(rest)
        .flat_map(|(_, a)| a.iter().copied())
        .collect();
    algorithms.join(",")
}

impl Link {
    fn new(stream: TcpStream, address: SocketAddr) -> Result<Self, TransportError> {
        let fail = |message: String| TransportError::Handshake { address, message };
        let socket = Arc::new(stream.try_clone().map_err(|e| fail(e.to_string()))?);
        let mut session = ssh2::Session::new().map_err(|e| fail(e.message().to_owned()))?;
        session.set_blocking(false);
        session.set_tcp_stream(stream);
        Ok(Self {
            session,
            guard: Guard::new(Arc::clone(&socket)),
            socket,
            address,
        })
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
        known_types: &[String],
        deadline: Instant,
        timeout: Duration,
    ) -> Result<(), TransportError> {
        let address = self.address;
        let fail = |message: &str| TransportError::Handshake {
            address,
            message: message.to_owned(),
        };
        self.session
            .method_pref(MethodType::HostKey, &host_key_preference(known_types))
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
            address: self.address,
            message: message.to_owned(),
        };
        let (blob, _) = self
            .session
            .host_key()
            .ok_or_else(|| fail("it shows no host key"))?;
        let key = known_hosts::host_key(blob)
            .map(Box::new)
            .ok_or_else(|| fail("its host key is of a kind that is not understood"))?;
        let name = target.known_name.text().to_owned();
        let mut verdict = known.check(&target.known_name, blob);
        let file = target.known_hosts.first();
        if let (Verdict::Unknown { .. }, HostKeyChecking::AcceptNew, Some(file)) =
            (&verdict, target.checking, file)
        {
            verdict = store.add(file, &target.known_name, &key, blob)?;
        }
        match verdict {
            Verdict::Known => Ok(()),
            Verdict::Unknown { certified } => Err(TransportError::UnknownHostKey {
                name,
                key,
                file: file.cloned().unwrap_or_default(),
                certified,
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
    /// A word of farewell where the socket takes it; then nothing that libssh2 does to clean up finds a peer. It stays in
    /// non-blocking mode: in the other it would try for ever to send after a packet that was half sent.
    fn end(&self) {
        self.session.disconnect(None, "done", None).ok();
        self.socket.shutdown(Shutdown::Both).ok();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits for what libssh2 waits for; `also_read` for whatever comes, too.
fn wait(
    session: &ssh2::Session,
    socket: &TcpStream,
    also_read: bool,
    deadline: Instant,
) -> std::io::Result<Ready> {
    let mut flags = match session.block_directions() {
        BlockDirections::Inbound => PollFlags::POLLIN,
        BlockDirections::Outbound => PollFlags::POLLOUT,
        BlockDirections::Both => PollFlags::POLLIN | PollFlags::POLLOUT,
        BlockDirections::None => PollFlags::POLLIN,
    };
    if also_read {
        flags |= PollFlags::POLLIN;
    }
    poll::wait(&mut [PollFd::new(socket.as_fd(), flags)], deadline)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

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
        Link::new(stream, address).expect("a session")
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
        for (about, first, again) in cases {
            let mut link = endless(first, again);
            let timeout = Duration::from_millis(300);
            let started = Instant::now();
            let end = link.handshake(&[], started + timeout, timeout);
            assert!(end.is_err(), "{about}");
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "{about}: {:?}",
                started.elapsed()
            );
        }
    }

    /// Trap 3.
    #[test]
    fn known_key_types_are_asked_for_first() {
        let types = |known: &[&str]| {
            let known: Vec<String> = known.iter().map(|&k| k.to_owned()).collect();
            host_key_preference(&known)
        };
        assert!(types(&[]).starts_with("ssh-ed25519,ecdsa-sha2-nistp256,"));
        assert!(types(&["ecdsa-sha2-nistp384"]).starts_with("ecdsa-sha2-nistp384,ssh-ed25519,"));
        assert!(types(&["ssh-rsa"]).starts_with("rsa-sha2-512,rsa-sha2-256,ssh-ed25519,"));
        assert_eq!(types(&["ssh-dss"]), types(&[]));
    }
}
