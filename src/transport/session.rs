//! Scripts through one shell: how it is started (with sudo where needed), how a script is sent and its output taken
//! apart, and every deadline. Works on any [`Channel`]; SSH and processes are not known here.

use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::framing::{self, Capture, LIMIT, Marker, Nonce, Place, SudoLaunch};
use super::{Channel, Ended, Output, Progress, RemoteShell, TransportError, Waiting};

/// How a user gets root's shell, for a user who is not root.
#[derive(Debug, Clone)]
pub struct Sudo {
    /// Who logs in; for messages.
    pub user: String,
    /// Given at most once, and only when sudo asks for it.
    pub password: Option<SecretString>,
}

/// A shell that is about to be started: the command line for it, then the session over its channel.
pub struct Launch {
    nonce: Nonce,
    ready: Marker,
    sudo: Option<(Sudo, Marker)>,
    terminal: Terminal,
}

/// Whether sudo gets a controlling terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    None,
    Made,
}

impl Launch {
    pub fn new(sudo: Option<Sudo>, terminal: Terminal) -> Result<Self, TransportError> {
        let nonce = Nonce::random().map_err(|source| TransportError::Local {
            program: "getrandom".to_owned(),
            source,
        })?;
        let unsendable = |s: &SecretString| s.expose_secret().contains(['\n', '\r', '\0']);
        if sudo
            .as_ref()
            .and_then(|s| s.password.as_ref())
            .is_some_and(unsendable)
        {
            return Err(TransportError::ShellText(
                "the sudo password has a line break in it",
            ));
        }
        Ok(Self {
            ready: nonce.marker("ready"),
            sudo: sudo.map(|s| (s, nonce.marker("prompt"))),
            terminal,
            nonce,
        })
    }

    /// For sshd's exec, or for `sh -c`.
    pub fn command(&self) -> String {
        framing::launch(self.sudo.as_ref().map(|(sudo, prompt)| SudoLaunch {
            ready: &self.ready,
            prompt: sudo.password.as_ref().map(|_| prompt),
            terminal: self.terminal == Terminal::Made,
        }))
    }

    /// Waits until the shell is there. `timeout` is what the deadline was made of, for the message.
    pub fn open(
        self,
        channel: Box<dyn Channel>,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<Session, TransportError> {
        let what = if self.sudo.is_some() {
            Waiting::Sudo
        } else {
            Waiting::Shell
        };
        let mut session = Session {
            channel: Some(channel),
            nonce: self.nonce,
            count: 0,
            preamble: framing::PREAMBLE.to_owned(),
            stdout: Capture::default(),
            stderr: Capture::default(),
        };
        let mut talk = Talk {
            what,
            deadline,
            timeout,
        };
        let ready = self.ready.text();
        let mut to_send = Zeroizing::new(Vec::new());
        if self.sudo.is_none() {
            to_send.extend_from_slice(format!("{}\n", self.ready.print()).as_bytes());
        }
        let mut asked = false;
        loop {
            let step = session.step(&to_send, &mut talk);
            to_send.clear();
            if session.stdout.find(&ready).is_some() {
                step?;
                return Ok(session);
            }
            if let Err(error) = step {
                return Err(match (error, &self.sudo) {
                    (TransportError::EndedEarly { ended, stderr, .. }, Some((sudo, _))) => {
                        sudo_failure(sudo, &ended, &session.said(stderr), asked)
                    }
                    (TransportError::EndedEarly { ended, stderr, .. }, None) => {
                        no_shell(&ended, &session.said(stderr))
                    }
                    (other, _) => other,
                });
            }
            let Some((sudo, prompt)) = &self.sudo else {
                continue;
            };
            let prompt = prompt.text();
            let Some(at) = session.stderr.find(&prompt) else {
                continue;
            };
            session.stderr.cut_through(at, &prompt);
            match &sudo.password {
                Some(password) if !asked => {
                    to_send.extend_from_slice(password.expose_secret().as_bytes());
                    to_send.push(b'\n');
                    asked = true;
                }
                Some(_) => {
                    return Err(TransportError::SudoPasswordWrong {
                        user: sudo.user.clone(),
                    });
                }
                None => {
                    return Err(TransportError::SudoPasswordNeeded {
                        user: sudo.user.clone(),
                    });
                }
            }
        }
    }
}

/// Opens a shell, and once more with a terminal for sudo where it asks for one (`Defaults requiretty`). A host that does
/// not ask is spared the process that holds the terminal.
pub fn with_terminal_if_asked<T>(
    mut open: impl FnMut(Terminal) -> Result<T, TransportError>,
) -> Result<T, TransportError> {
    match open(Terminal::None) {
        Err(TransportError::SudoWantsTerminal { .. }) => open(Terminal::Made),
        opened => opened,
    }
}

/// The error of sudo, from its message in the C locale.
fn sudo_failure(sudo: &Sudo, ended: &Ended, said: &str, asked: bool) -> TransportError {
    let user = sudo.user.clone();
    let has = |part: &str| said.contains(part);
    let last = || said.lines().last().unwrap_or_default().trim().to_owned();
    if has("incorrect password attempt") || (asked && has("no password was provided")) {
        TransportError::SudoPasswordWrong { user }
    } else if has("a password is required") || has("a terminal is required to read the password") {
        TransportError::SudoPasswordNeeded { user }
    } else if has("not in the sudoers file") || has("is not allowed to") || has("may not run sudo")
    {
        TransportError::SudoNotAllowed { user, said: last() }
    } else if has("you must have a tty") {
        TransportError::SudoWantsTerminal { user }
    } else if has(framing::NO_TERMINAL) {
        TransportError::SudoNoTerminal { user }
    } else if *ended == Ended::Status(127) {
        TransportError::SudoMissing
    } else {
        TransportError::SudoFailed(describe(ended, said))
    }
}

fn no_shell(ended: &Ended, said: &str) -> TransportError {
    match ended {
        Ended::Cut | Ended::JumpHostCut(_) => TransportError::EndedEarly {
            what: Waiting::Shell,
            ended: ended.clone(),
            stderr: said.to_owned(),
        },
        ended => TransportError::NoShell(describe(ended, said)),
    }
}

fn describe(ended: &Ended, said: &str) -> String {
    match said.trim() {
        "" => ended.to_string(),
        said => format!("{ended}; it said: {said}"),
    }
}

struct Talk {
    what: Waiting,
    deadline: Instant,
    timeout: Duration,
}

/// A shell that is ready, over some channel.
pub struct Session {
    /// None after an error, since the state of the shell is then unknown.
    channel: Option<Box<dyn Channel>>,
    nonce: Nonce,
    count: u64,
    /// Goes ahead of the first script, without a separate round trip.
    preamble: String,
    stdout: Capture,
    stderr: Capture,
}

impl Session {
    /// Sends all of `data`, reading what comes meanwhile; with nothing to send, reads what comes next.
    fn step(&mut self, data: &[u8], talk: &mut Talk) -> Result<(), TransportError> {
        let mut rest = data;
        let mut came = false;
        while !came || !rest.is_empty() {
            let Some(channel) = &mut self.channel else {
                return Err(TransportError::Gone);
            };
            let progress = channel.exchange(&mut rest, talk.deadline);
            let error = match progress {
                Ok(Progress::Sent) => return Ok(()),
                Ok(Progress::Stdout(bytes)) => {
                    self.stdout.push(&bytes);
                    self.room()
                }
                Ok(Progress::Stderr(bytes)) => {
                    self.stderr.push(&bytes);
                    self.room()
                }
                Ok(Progress::Closed(ended)) => Some(TransportError::EndedEarly {
                    what: talk.what,
                    ended,
                    stderr: self.stderr.tail(),
                }),
                Ok(Progress::Deadline) => Some(TransportError::Timeout {
                    what: talk.what,
                    after: talk.timeout,
                    stderr: self.stderr.tail(),
                }),
                Err(error) => Some(TransportError::Connection {
                    what: talk.what,
                    message: error.to_string(),
                }),
            };
            if let Some(error) = error {
                self.channel = None;
                return Err(error);
            }
            came = true;
        }
        Ok(())
    }

    fn room(&self) -> Option<TransportError> {
        (self.stdout.len() + self.stderr.len() > LIMIT)
            .then_some(TransportError::OutputTooLarge { limit: LIMIT })
    }

    /// What a login that came to nothing said: some systems say it on standard output.
    fn said(&self, stderr: String) -> String {
        if stderr.is_empty() {
            self.stdout.tail()
        } else {
            stderr
        }
    }

    fn chunk(
        &mut self,
        script: &str,
        place: Place,
        timeout: Duration,
    ) -> Result<Output, TransportError> {
        let deadline = Instant::now() + timeout;
        if self.channel.is_none() {
            return Err(TransportError::Gone);
        }
        if script.contains('\0') {
            return Err(TransportError::ShellText(
                "it holds a NUL byte, which no shell reads",
            ));
        }
        if script.len() > LIMIT {
            return Err(TransportError::ShellText("it is longer than 16 MiB"));
        }
        self.count += 1;
        let begin = self.nonce.marker(&format!("{}b", self.count));
        let end = self.nonce.marker(&format!("{}e", self.count));
        let wrapped = Zeroizing::new(framing::wrap(script, place, &begin, &end));
        let text = Zeroizing::new(format!("{}{}", self.preamble, *wrapped));
        self.preamble.clear();
        self.stdout.clear();
        self.stderr.clear();
        let mut talk = Talk {
            what: Waiting::Script,
            deadline,
            timeout,
        };
        let (begin, end) = (begin.text(), end.text());
        let mut to_send: &[u8] = text.as_bytes();
        loop {
            self.step(to_send, &mut talk)?;
            to_send = &[];
            let out = self.stdout.find(&end);
            let err = self.stderr.find(&end);
            let (Some(out), Some(err)) = (out, err) else {
                continue;
            };
            let status = self.stdout.status_at(out, &end);
            let (Some(status), Some(_)) = (status, self.stderr.status_at(err, &end)) else {
                continue;
            };
            let output = Output {
                status,
                stdout: self.stdout.between(&begin, out),
                stderr: self.stderr.between(&begin, err),
            };
            // A connection that waits for others holds no output.
            self.stdout.clear();
            self.stderr.clear();
            return Ok(output);
        }
    }
}

impl RemoteShell for Session {
    fn run(&mut self, script: &str, timeout: Duration) -> Result<Output, TransportError> {
        self.chunk(script, Place::Subshell, timeout)
    }

    fn run_in_shell(&mut self, script: &str, timeout: Duration) -> Result<Output, TransportError> {
        self.chunk(script, Place::Shell, timeout)
    }

    fn close(mut self: Box<Self>, timeout: Duration) -> Result<(), TransportError> {
        let Some(channel) = &mut self.channel else {
            return Err(TransportError::Gone);
        };
        channel.finish_input();
        self.stdout.clear();
        self.stderr.clear();
        let mut talk = Talk {
            what: Waiting::Close,
            deadline: Instant::now() + timeout,
            timeout,
        };
        loop {
            match self.step(&[], &mut talk) {
                Ok(()) => {}
                Err(TransportError::EndedEarly {
                    ended: Ended::Status(_),
                    ..
                }) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}
