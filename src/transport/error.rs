//! Errors of the transport, one variant per cause, each with its fix. The caller adds the host's name. No message contains a
//! secret.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Ended;

#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error(
        "the name {name:?} has no address ({cause}): check it, or set ssh.host in the inventory to an address"
    )]
    Dns { name: String, cause: io::Error },
    #[error("{} refused the connection: check that sshd runs there and that ssh.port is right", join(.0))]
    Refused(Vec<SocketAddr>),
    #[error("{} cannot be reached ({cause}): check the address and the route to it", join(.addresses))]
    Unreachable {
        addresses: Vec<SocketAddr>,
        cause: io::Error,
    },
    #[error("waited {} for {what}{}{}", seconds(*.after), .what.fix(), said(.stderr))]
    Timeout {
        what: Waiting,
        after: Duration,
        /// The end of what the host said on standard error meanwhile.
        stderr: String,
    },
    #[error("{peer} does not speak SSH as expected: {message}")]
    Handshake {
        /// An address, or where a jump host or a program connects to.
        peer: String,
        message: String,
    },
    #[error("jump host {hop}: {source}")]
    JumpHost {
        /// As the inventory or the SSH configuration has it.
        hop: String,
        /// Shared by all hosts behind it.
        #[source]
        source: Arc<TransportError>,
    },
    #[error("{}", not_forwarded(.hop, .to, .reason))]
    NotForwarded {
        hop: String,
        to: String,
        reason: String,
    },
    #[error("the ProxyCommand to {to} {}", proxy_ended(.ended, .stderr))]
    ProxyCommand {
        to: String,
        ended: String,
        /// The end of what it said on standard error.
        stderr: String,
    },
    #[error("{}", unknown_host_key(.name, .key, .file, .authority))]
    UnknownHostKey {
        /// As known_hosts has it: `name`, or `[name]:port`.
        name: String,
        key: Box<HostKey>,
        /// Where the key would be added.
        file: PathBuf,
        authority: Authority,
    },
    #[error(
        "the certificate of the host key of {name} is not valid ({key}, signed by the @cert-authority at {authority}): {why}"
    )]
    HostCertificate {
        name: String,
        key: Box<HostKey>,
        authority: Box<KnownKey>,
        why: String,
    },
    #[error("{}", changed_host_key(.name, .key, .known))]
    ChangedHostKey {
        name: String,
        key: Box<HostKey>,
        known: Vec<KnownKey>,
    },
    #[error(
        "the host key of {name} is revoked: {key} (@revoked at {known}); the host must not be trusted until it has a new key"
    )]
    RevokedHostKey {
        name: String,
        key: Box<HostKey>,
        known: Box<KnownKey>,
    },
    #[error("cannot read known hosts from {}", file.display())]
    KnownHosts {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot add the host key to {}", file.display())]
    AddHostKey {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}", auth_failed(.user, .tried, .accepted))]
    Auth {
        user: String,
        tried: Vec<Attempt>,
        /// The methods that the server takes, as it names them.
        accepted: Vec<String>,
    },
    #[error("cannot use the SSH settings of {}: {message}", file.display())]
    SshConfig { file: PathBuf, message: String },
    #[error("{setting} is not given a value: it comes from {from}")]
    MissingSecret { setting: &'static str, from: String },
    #[error("sudo wants a password for {user}: set ssh.sudo_password, or allow {user} NOPASSWD")]
    SudoPasswordNeeded { user: String },
    #[error(
        "sudo does not take the password of {user}, which was tried once: check ssh.sudo_password"
    )]
    SudoPasswordWrong { user: String },
    #[error(
        "{user} may not use sudo ({said}): allow it in sudoers, or set ssh.user to one who may"
    )]
    SudoNotAllowed { user: String, said: String },
    #[error("there is no sudo on the host: install it, or set ssh.user to root")]
    SudoMissing,
    #[error(
        "sudo wants a terminal for {user} (`requiretty` in /etc/sudoers): set `Defaults:{user} !requiretty` there"
    )]
    SudoWantsTerminal { user: String },
    #[error(
        "sudo wants a terminal for {user} (`requiretty` in /etc/sudoers), and the host has none of script, perl and python3 to make one: \
         install script (util-linux), or set `Defaults:{user} !requiretty` there"
    )]
    SudoNoTerminal { user: String },
    #[error("sudo failed: {0}")]
    SudoFailed(String),
    #[error("there is no POSIX shell `sh` to be had for this user: {0}")]
    NoShell(String),
    #[error("{}", ended_early(*.what, .ended, .stderr))]
    EndedEarly {
        what: Waiting,
        ended: Ended,
        /// The end of what it said on standard error.
        stderr: String,
    },
    #[error("more than {limit} bytes of output: the script was given up")]
    OutputTooLarge { limit: usize },
    #[error("the script cannot be sent: {0}")]
    ShellText(&'static str),
    #[error("the connection is closed since an earlier error")]
    Gone,
    #[error("cannot start {program:?} on this machine")]
    Local {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("the connection failed while waiting for {what}: {message}")]
    Connection { what: Waiting, message: String },
}

impl TransportError {
    /// A word that scripts can branch on.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dns { .. } => "dns",
            Self::Refused(_) => "connection-refused",
            Self::Unreachable { .. } => "no-route",
            Self::Timeout { .. } => "timeout",
            Self::Handshake { .. } => "handshake",
            Self::JumpHost { source, .. } => source.kind(),
            Self::NotForwarded { .. } => "jump-host",
            Self::ProxyCommand { .. } => "proxy-command",
            Self::UnknownHostKey { .. } => "host-key-unknown",
            Self::HostCertificate { .. } => "host-certificate",
            Self::ChangedHostKey { .. } => "host-key-changed",
            Self::RevokedHostKey { .. } => "host-key-revoked",
            Self::KnownHosts { .. } | Self::AddHostKey { .. } | Self::SshConfig { .. } => {
                "ssh-config"
            }
            Self::Auth { .. } => "authentication",
            Self::MissingSecret { .. } => "secret",
            Self::SudoPasswordNeeded { .. }
            | Self::SudoPasswordWrong { .. }
            | Self::SudoNotAllowed { .. }
            | Self::SudoMissing
            | Self::SudoWantsTerminal { .. }
            | Self::SudoNoTerminal { .. }
            | Self::SudoFailed(_) => "sudo",
            Self::NoShell(_) | Self::Local { .. } => "no-shell",
            Self::EndedEarly { .. } | Self::Gone | Self::Connection { .. } => "connection-lost",
            Self::OutputTooLarge { .. } | Self::ShellText(_) => "script",
        }
    }
}

/// The awaited event of a timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    Name,
    Connection,
    Handshake,
    Authentication,
    Exec,
    Shell,
    Sudo,
    Script,
    Close,
}

impl Waiting {
    fn fix(self) -> &'static str {
        match self {
            Self::Name => ": check the resolver of this machine, or set ssh.host to an address",
            Self::Connection => ": check the address and the firewalls on the way",
            Self::Handshake => ": something accepts connections there, but does not talk SSH",
            Self::Authentication | Self::Exec => {
                ": the host may be overloaded, or its sshd waits for a name server"
            }
            Self::Shell => ": a login script of the user may wait for something",
            Self::Sudo => "",
            Self::Script => ": it was given up, and may still be running there",
            Self::Close => "",
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "the address of a name",
            Self::Connection => "the TCP connection",
            Self::Handshake => "the SSH handshake",
            Self::Authentication => "SSH authentication",
            Self::Exec => "sshd to start a shell",
            Self::Shell => "the shell to be ready",
            Self::Sudo => "sudo",
            Self::Script => "a script to end",
            Self::Close => "the shell to end",
        })
    }
}

/// A key that a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// As OpenSSH names it, `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:...`
    pub fingerprint: String,
    /// The key itself, in base64 as in known_hosts.
    pub base64: String,
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.fingerprint)
    }
}

/// A line of a known_hosts file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    pub file: PathBuf,
    pub line: usize,
    pub algorithm: String,
    pub fingerprint: String,
}

impl fmt::Display for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// What known_hosts says of authorities for a host whose key is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authority {
    None,
    /// There is one, and the host shows a plain key.
    NoCertificate(Box<KnownKey>),
    /// There is one, and the host shows a certificate of another, with this fingerprint.
    Other {
        known: Box<KnownKey>,
        shown: String,
    },
}

/// One way to authenticate that was tried, or could not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// `key /root/.ssh/id_ed25519`, `agent key NAME`, `password`.
    pub with: String,
    pub outcome: String,
}

fn join(addresses: &[SocketAddr]) -> String {
    let list: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    list.join(", ")
}

fn seconds(duration: Duration) -> String {
    let s = duration.as_secs_f64();
    if s >= 10.0 || s.fract() < 0.05 {
        format!("{s:.0} s")
    } else {
        format!("{s:.1} s")
    }
}

fn unknown_host_key(name: &str, key: &HostKey, file: &Path, authority: &Authority) -> String {
    let but = match authority {
        Authority::None => String::new(),
        Authority::NoCertificate(known) => format!(
            " (there is a @cert-authority for it at {known}, but the host shows no certificate: \
             sign its key with `ssh-keygen -h -s`, and name the result as HostCertificate in its sshd_config)"
        ),
        Authority::Other { known, shown } => format!(
            " (it has a certificate of the authority {shown}, but the @cert-authority for it at {known} is {})",
            known.fingerprint
        ),
    };
    let file = file.display();
    format!(
        "the host key of {name} is not known{but}: it shows {key}; compare that with what \
         `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` says on the host itself, then add this line to {file}, \
         or set ssh.host_key_checking to accept-new, which adds it: {name} {} {}",
        key.algorithm, key.base64
    )
}

fn changed_host_key(name: &str, key: &HostKey, known: &[KnownKey]) -> String {
    let known: Vec<String> = known
        .iter()
        .map(|k| format!("{} {} at {k}", k.algorithm, k.fingerprint))
        .collect();
    format!(
        "the host key of {name} has changed: it shows {key}, but known is {}; someone may be in between, \
         or the host was installed anew: only when you know that it was, remove what is known (`ssh-keygen -R '{name}'`)",
        known.join(", ")
    )
}

fn auth_failed(user: &str, tried: &[Attempt], accepted: &[String]) -> String {
    let mut text = format!("{user} is not let in; tried: ");
    if tried.is_empty() {
        text.push_str("nothing, as there is no agent, no key file and no password");
    }
    for (n, attempt) in tried.iter().enumerate() {
        let comma = if n == 0 { "" } else { ", " };
        text.push_str(&format!("{comma}{} ({})", attempt.with, attempt.outcome));
    }
    if accepted.is_empty() {
        text.push_str("; the server does not say what it takes");
    } else {
        text.push_str(&format!("; the server takes {}", accepted.join(", ")));
    }
    text.push_str(": check ssh.user, ssh.identity_files and ssh.password");
    text
}

fn not_forwarded(hop: &str, to: &str, reason: &str) -> String {
    let fix = if reason.contains("prohibited") {
        format!("allow it in the sshd_config of {hop} (AllowTcpForwarding, PermitOpen)")
    } else {
        format!("check that sshd runs there, and the route and firewalls between {hop} and it")
    };
    format!("jump host {hop} does not connect to {to} ({reason}): {fix}")
}

fn proxy_ended(ended: &str, stderr: &str) -> String {
    format!(
        "{ended}{}: run it by hand, or check ssh.proxy_command and ~/.ssh/config",
        said(stderr)
    )
}

fn ended_early(what: Waiting, ended: &Ended, stderr: &str) -> String {
    format!(
        "the shell ended while waiting for {what}: {ended}{}",
        said(stderr)
    )
}

fn said(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!("; it said: {text}"),
    }
}

/// What a peer says, for people.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}
