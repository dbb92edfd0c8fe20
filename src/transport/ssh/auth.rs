//! Authentication: keys of the agent one by one, key files, then a password. Each is tried once.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use ssh2::{Agent, KeyboardInteractivePrompt, Prompt, PublicKey};

use super::{EAGAIN, Failure, Link, is_cut};
use crate::transport::config::Target;
use crate::transport::error::printable;
use crate::transport::keys::{self, KeyRing, Unusable};
use crate::transport::{Attempt, Counters, TransportError, Waiting};

/// What may be shown to the server besides keys of the agent.
pub(super) struct Credentials<'a> {
    pub password: Option<&'a SecretString>,
    /// For every encrypted key file.
    pub passphrase: Option<&'a SecretString>,
    pub keys: &'a KeyRing,
    pub counters: &'a Counters,
}

pub(super) fn log_in(
    link: &Link,
    target: &Target,
    access: &Credentials<'_>,
    deadline: Instant,
    timeout: Duration,
) -> Result<(), TransportError> {
    let mut login = Login {
        link,
        user: &target.user,
        deadline,
        timeout,
        accepted: Vec::new(),
        tried: Vec::new(),
    };
    if login.ask_methods()? {
        return Ok(());
    }
    if login.accepts("publickey") && login.keys(target, access)? {
        return Ok(());
    }
    if let Some(password) = access.password
        && login.password(password)?
    {
        return Ok(());
    }
    Err(login.refused())
}

struct Login<'a> {
    link: &'a Link,
    user: &'a str,
    deadline: Instant,
    timeout: Duration,
    /// The methods that the server takes.
    accepted: Vec<String>,
    tried: Vec<Attempt>,
}

enum Candidate {
    Agent(PublicKey),
    File(PathBuf),
}

impl Login<'_> {
    fn accepts(&self, method: &str) -> bool {
        self.accepted.iter().any(|m| m == method)
    }

    fn refused(&mut self) -> TransportError {
        TransportError::Auth {
            user: self.user.to_owned(),
            tried: std::mem::take(&mut self.tried),
            accepted: std::mem::take(&mut self.accepted),
        }
    }

    fn late(&self) -> TransportError {
        TransportError::Timeout {
            what: Waiting::Authentication,
            after: self.timeout,
            stderr: String::new(),
        }
    }

    fn note(&mut self, with: String, outcome: impl Into<String>) {
        let outcome = outcome.into();
        self.tried.push(Attempt { with, outcome });
    }

    /// True where the server asks for nothing.
    fn ask_methods(&mut self) -> Result<bool, TransportError> {
        let session = &self.link.session;
        let asked = self.link.until(self.deadline, || {
            // ssh2 panics where the server's list is not UTF-8.
            let methods = catch_unwind(AssertUnwindSafe(|| {
                session.auth_methods(self.user).map(str::to_owned)
            }))
            .unwrap_or_else(|_| Err(ssh2::Error::unknown()));
            match methods {
                // Its error is an old one where there is none now.
                Err(_) if session.authenticated() => Ok(String::new()),
                other => other,
            }
        });
        match asked {
            Ok(methods) => {
                self.accepted = methods
                    .split(',')
                    .filter(|m| !m.is_empty())
                    .map(str::to_owned)
                    .collect();
                Ok(session.authenticated())
            }
            Err(Failure::Deadline) => Err(self.late()),
            Err(Failure::Ssh(e)) => Err(TransportError::Connection {
                what: Waiting::Authentication,
                message: e.message().to_owned(),
            }),
        }
    }

    /// One attempt. True when it let the user in; an error when there is no point in another.
    fn attempt(
        &mut self,
        with: String,
        operation: impl FnMut() -> Result<(), ssh2::Error>,
    ) -> Result<bool, TransportError> {
        match self.link.until(self.deadline, operation) {
            Ok(()) if self.link.session.authenticated() => Ok(true),
            Ok(()) => {
                self.note(with, "taken, but the server wants more");
                Ok(false)
            }
            Err(Failure::Deadline) => Err(self.late()),
            Err(Failure::Ssh(e)) if is_gone(&e) => {
                self.note(
                    with,
                    "then the server closed the connection: after too many keys it does, so name the right one in ssh.identity_files",
                );
                Err(self.refused())
            }
            Err(Failure::Ssh(e)) => {
                self.note(with, outcome(&e));
                Ok(false)
            }
        }
    }

    fn keys(&mut self, target: &Target, access: &Credentials<'_>) -> Result<bool, TransportError> {
        let mut agent = self.agent(target.agent.as_deref());
        let held = agent
            .as_mut()
            .map_or_else(Vec::new, |a| a.identities().unwrap_or_default());
        for candidate in candidates(held, target) {
            let done = match (candidate, &agent) {
                (Candidate::Agent(key), Some(agent)) => {
                    let with = format!("agent key {}", printable(key.comment()));
                    self.attempt(with, || agent.userauth(&target.user, &key))?
                }
                (Candidate::Agent(_), None) => false,
                (Candidate::File(path), _) => self.file(&path, target, access)?,
            };
            if done {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn agent(&mut self, socket: Option<&Path>) -> Option<Agent> {
        let socket = socket?;
        if let Err(e) = answers(socket, self.deadline) {
            self.note(
                format!("the agent at {}", socket.display()),
                printable(&e.to_string()),
            );
            return None;
        }
        let open = || -> Result<Agent, ssh2::Error> {
            let mut agent = self.link.session.agent()?;
            agent.set_identity_path(socket)?;
            agent.connect()?;
            agent.list_identities()?;
            Ok(agent)
        };
        match open() {
            Ok(agent) => Some(agent),
            Err(e) => {
                let with = format!("the agent at {}", socket.display());
                self.note(with, e.message());
                None
            }
        }
    }

    fn file(
        &mut self,
        path: &Path,
        target: &Target,
        access: &Credentials<'_>,
    ) -> Result<bool, TransportError> {
        let with = format!("key {}", path.display());
        let key = match access.keys.load(path, access.passphrase, access.counters) {
            Ok(key) => key,
            // The usual files need not be there.
            Err(Unusable::Missing) if !target.identities_named => return Ok(false),
            Err(Unusable::Missing) => {
                self.note(with, "no such file");
                return Ok(false);
            }
            Err(Unusable::Because(reason)) => {
                self.note(with, reason);
                return Ok(false);
            }
        };
        let session = &self.link.session;
        let user = &target.user;
        self.attempt(with, || {
            let passphrase = key.passphrase.as_ref().map(ExposeSecret::expose_secret);
            session.userauth_pubkey_memory(user, None, &key.text, passphrase)
        })
    }

    /// By the method that the server has for it; where it has none yet, a key before may have been the first half.
    fn password(&mut self, password: &SecretString) -> Result<bool, TransportError> {
        let session = &self.link.session;
        let user = self.user.to_owned();
        if !self.accepts("password") && self.accepts("keyboard-interactive") {
            let mut answers = Answers {
                password,
                given: false,
            };
            return self.attempt("password (keyboard-interactive)".to_owned(), || {
                session.userauth_keyboard_interactive(&user, &mut answers)
            });
        }
        self.attempt("password".to_owned(), || {
            session.userauth_password(&user, password.expose_secret())
        })
    }
}

/// libssh2 waits for an agent without end, so it is asked for its keys here once before. (What it waits for later, such
/// as a touch of a token, is the user's to give, and is not bounded.)
fn answers(socket: &Path, deadline: Instant) -> io::Result<()> {
    const REQUEST_IDENTITIES: [u8; 5] = [0, 0, 0, 1, 11];
    const MAX_ANSWER: u64 = 256 * 1024;
    let mut stream = UnixStream::connect(socket)?;
    let left = deadline.saturating_duration_since(Instant::now());
    // Half of what is left: the key files want some, too.
    stream.set_read_timeout(Some((left / 2).max(Duration::from_millis(1))))?;
    stream.write_all(&REQUEST_IDENTITIES)?;
    let mut length = [0; 4];
    let answer = stream.read_exact(&mut length).and_then(|()| {
        // All of it: an agent complains of who hangs up.
        let length = u64::from(u32::from_be_bytes(length)).min(MAX_ANSWER);
        io::copy(&mut stream.take(length), &mut io::sink())
    });
    match answer {
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            Err(io::Error::other("it does not answer"))
        }
        other => other.map(|_| ()),
    }
}

/// Keys that are configured come first, from the agent where it holds them: a server that takes few attempts may not
/// wait for the right one otherwise.
fn candidates(held: Vec<PublicKey>, target: &Target) -> Vec<Candidate> {
    let mut held: Vec<Option<PublicKey>> = held.into_iter().map(Some).collect();
    let mut from_agent = |path: &Path| -> Option<PublicKey> {
        let blob = keys::public_blob(path)?;
        held.iter_mut()
            .find(|k| k.as_ref().is_some_and(|k| k.blob() == blob))?
            .take()
    };
    let files: Vec<Candidate> = target
        .identities
        .iter()
        .map(|path| match from_agent(path) {
            Some(key) => Candidate::Agent(key),
            None => Candidate::File(path.clone()),
        })
        .collect();
    let others = held
        .into_iter()
        .flatten()
        .filter(|_| !target.identities_only)
        .map(Candidate::Agent);
    if target.identities_named {
        files.into_iter().chain(others).collect()
    } else {
        others.chain(files).collect()
    }
}

/// Gives the password to the first question that hides its answer, and nothing to any other.
struct Answers<'a> {
    password: &'a SecretString,
    given: bool,
}

impl KeyboardInteractivePrompt for Answers<'_> {
    fn prompt(&mut self, _user: &str, _instructions: &str, prompts: &[Prompt<'_>]) -> Vec<String> {
        prompts
            .iter()
            .map(|prompt| {
                if prompt.echo || self.given {
                    return String::new();
                }
                self.given = true;
                self.password.expose_secret().to_owned()
            })
            .collect()
    }
}

/// libssh2 has one code for a key that is refused and for a connection that ended before the answer.
fn is_gone(error: &ssh2::Error) -> bool {
    is_cut(error.code()) || error.message().starts_with("Waiting for ")
}

fn outcome(error: &ssh2::Error) -> String {
    debug_assert!(error.code() != EAGAIN);
    match error.code() {
        // AUTHENTICATION_FAILED, PUBLICKEY_UNVERIFIED
        ssh2::ErrorCode::Session(-18 | -19) => "refused".to_owned(),
        _ => printable(error.message()),
    }
}
