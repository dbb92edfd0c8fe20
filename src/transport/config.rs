//! Where and how to connect to a host: the inventory first, then `~/.ssh/config` (read by the crate
//! ssh2-config), then defaults. Pure but for reading that one file; the environment comes from the caller.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ssh2_config::{HostParams, ParseRule, SshConfig};

use super::TransportError;
use super::known_hosts::HostName;
use crate::model::{HostKeyChecking, JumpHost, SshOptions};
use crate::secret::SecretSource;

mod route;

use route::Said;

/// What the caller knows of the user who runs this program.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    pub home: Option<PathBuf>,
    /// The name of the user; the default login name.
    pub user: Option<String>,
    /// Where the agent listens: `SSH_AUTH_SOCK`.
    pub auth_sock: Option<PathBuf>,
}

/// How to reach a host and what to trust there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As it was asked for, for messages.
    pub name: String,
    pub via: Via,
    /// A name or an address.
    pub host: String,
    pub port: u16,
    pub user: String,
    /// Configured keys, or the usual ones of the user.
    pub identities: Vec<PathBuf>,
    /// Whether they are configured: then they come before the other keys of the agent.
    pub identities_named: bool,
    /// Only named keys, from files or from the agent.
    pub identities_only: bool,
    /// None where the agent is not to be used.
    pub agent: Option<PathBuf>,
    /// How known_hosts names the host.
    pub known_name: HostName,
    /// A new key is added to the first.
    pub known_hosts: Vec<PathBuf>,
    pub checking: HostKeyChecking,
    /// For the connection, the handshake and authentication together; and once more for the shell.
    pub connect_timeout: Duration,
    /// With the key of the inventory that names it.
    pub password: Option<(&'static str, SecretSource)>,
    /// For every encrypted key file.
    pub passphrase: Option<SecretSource>,
}

impl Target {
    /// The same for whoever waits longer or shorter for it.
    pub fn without_timeout(&self) -> Self {
        Self {
            connect_timeout: Duration::ZERO,
            via: match &self.via {
                Via::Jump(hop) => Via::Jump(Box::new(hop.without_timeout())),
                via => via.clone(),
            },
            ..self.clone()
        }
    }
}

/// The way to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    Direct,
    /// Through a jump host, which may be behind another.
    Jump(Box<Target>),
    /// Through a shell command that is the connection.
    Command(String),
}

/// A longer way is a loop.
const MOST_HOPS: usize = 8;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_SIZE: u64 = 1024 * 1024;
const GLOBAL_KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";
const USUAL_IDENTITIES: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// A user's SSH configuration file.
#[derive(Debug, Clone, Default)]
pub struct SshSettings {
    file: PathBuf,
    config: SshConfig,
}

impl SshSettings {
    /// Reads `~/.ssh/config`. Without a home, or without the file, it is empty.
    pub fn load(environment: &Environment) -> Result<Self, TransportError> {
        let Some(home) = &environment.home else {
            return Ok(Self::default());
        };
        let file = home.join(".ssh/config");
        match read(&file) {
            Ok(text) => Self::parse(&file, &text, home),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(TransportError::SshConfig {
                file,
                message: e.to_string(),
            }),
        }
    }

    pub fn parse(file: &Path, text: &str, home: &Path) -> Result<Self, TransportError> {
        let text = without_match(text);
        let rules = ParseRule::ALLOW_UNKNOWN_FIELDS | ParseRule::ALLOW_UNSUPPORTED_FIELDS;
        let config = SshConfig::default()
            .home_dir(home)
            .parse(&mut BufReader::new(text.as_bytes()), rules)
            .map_err(|e| TransportError::SshConfig {
                file: file.to_owned(),
                message: e.to_string(),
            })?;
        Ok(Self {
            file: file.to_owned(),
            config,
        })
    }

    fn error(&self, message: String) -> TransportError {
        TransportError::SshConfig {
            file: self.file.clone(),
            message,
        }
    }
}

fn read(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?
        .take(MAX_SIZE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The crate does not know `Match`, and would give what follows it to the `Host` before. `Match all` is `Host *`;
/// every other condition is taken as not met.
fn without_match(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let mut words = line
            .split(|c: char| c.is_whitespace() || c == '=')
            .filter(|w| !w.is_empty());
        let is_match = words
            .next()
            .is_some_and(|w| w.eq_ignore_ascii_case("match"));
        if !is_match {
            out.push_str(line);
        } else if words.next().is_some_and(|w| w.eq_ignore_ascii_case("all")) {
            out.push_str("Host *");
        } else {
            out.push_str("Host !*");
        }
        out.push('\n');
    }
    out
}

/// Where a host is and who to be there. `name` and `address` are the host's in the inventory: `ssh.host` may be a name
/// of the user's SSH configuration, as may be the host's own; without either the address is used.
pub fn resolve(
    name: &str,
    address: &str,
    options: &SshOptions,
    settings: &SshSettings,
    environment: &Environment,
) -> Result<Target, TransportError> {
    let asked = Asked {
        name,
        address,
        options,
        hops: 0,
    };
    resolve_asked(&asked, settings, environment)
}

struct Asked<'a> {
    name: &'a str,
    address: &'a str,
    options: &'a SshOptions,
    /// How many hosts are behind this one: 0 for a host itself, more for a jump host.
    hops: usize,
}

fn resolve_asked(
    of: &Asked<'_>,
    settings: &SshSettings,
    environment: &Environment,
) -> Result<Target, TransportError> {
    let options = of.options;
    let asked = options.host.as_deref().unwrap_or(of.name);
    let mut said = settings.config.query(asked);
    let by_address = of.address != asked && options.host.is_none();
    if by_address {
        said.overwrite_if_none(&settings.config.query(of.address));
    }
    let fail = |message: String| settings.error(message);
    if said
        .ignored_fields
        .keys()
        .any(|k| k.eq_ignore_ascii_case("match"))
    {
        return Err(fail(format!(
            "an included file that concerns {asked} uses Match, which is not supported"
        )));
    }
    let user = options
        .user
        .clone()
        .or_else(|| said.user.clone())
        .or_else(|| environment.user.clone())
        .ok_or_else(|| fail(format!("no login name for {}: set ssh.user", of.name)))?;
    let port = options.port.or(said.port).unwrap_or(22);
    let host = match (&said.host_name, &options.host) {
        (Some(real), _) => real.replace("%%", "%").replace("%h", asked),
        (None, Some(host)) => host.clone(),
        (None, None) => of.address.to_owned(),
    };
    let tokens = Tokens {
        home: environment.home.as_deref(),
        host: &host,
        asked,
        port,
        user: &user,
        local_user: environment.user.as_deref().unwrap_or(&user),
    };
    let (identities, identities_named) = identities(of, &said, environment, &tokens);
    let password = if of.hops == 0 {
        ("ssh.password", &options.password)
    } else {
        ("ssh.jump_password", &options.jump_password)
    };
    let via = match way(of, asked, by_address, settings).map_err(fail)? {
        Said::Nothing | Said::Direct => Via::Direct,
        Said::Command(command) => {
            Via::Command(route::expand(&command, &host, port, &user, asked).map_err(fail)?)
        }
        Said::Jump(hops) => Via::Jump(Box::new(resolve_hop(of, &hops, settings, environment)?)),
    };
    Ok(Target {
        name: asked.to_owned(),
        via,
        known_name: HostName::new(said_word(&said, "hostkeyalias").unwrap_or(&host), port),
        identities,
        identities_named,
        identities_only: said_word(&said, "identitiesonly") == Some("yes"),
        agent: agent(&said, environment, &tokens),
        known_hosts: known_hosts(of, &said, environment, &tokens),
        checking: options
            .host_key_checking
            .unwrap_or_else(|| checking(said_word(&said, "stricthostkeychecking"))),
        connect_timeout: options
            .connect_timeout
            .map(Duration::from_secs)
            .or(said.connect_timeout)
            .filter(|t| !t.is_zero())
            .unwrap_or(CONNECT_TIMEOUT),
        password: password.1.clone().map(|source| (password.0, source)),
        passphrase: options.passphrase.clone(),
        host,
        port,
        user,
    })
}

/// The inventory's word first.
fn way(
    of: &Asked<'_>,
    asked: &str,
    by_address: bool,
    settings: &SshSettings,
) -> Result<Said, String> {
    match (&of.options.jump, &of.options.proxy_command) {
        (hops, _) if *hops == ["none"] => return Ok(Said::Direct),
        (hops, _) if !hops.is_empty() => return Ok(Said::Jump(hops.clone())),
        (_, Some(command)) if command == "none" => return Ok(Said::Direct),
        (_, Some(command)) => return Ok(Said::Command(command.clone())),
        _ => {}
    }
    match route::of_config(&settings.config, asked)? {
        Said::Nothing if by_address => route::of_config(&settings.config, of.address),
        said => Ok(said),
    }
}

/// The last of some jump hosts, behind the others. What the inventory says of the host itself and not of the way, such as the
/// user and the password, does not hold for it.
fn resolve_hop(
    behind: &Asked<'_>,
    hops: &[String],
    settings: &SshSettings,
    environment: &Environment,
) -> Result<Target, TransportError> {
    let Some((last, before)) = hops.split_last() else {
        return Err(settings.error(format!("{} has a list of no jump hosts", behind.name)));
    };
    if behind.hops >= MOST_HOPS {
        return Err(settings.error(format!(
            "the way to {} has more than {MOST_HOPS} jump hosts, so it may be a loop: `ProxyJump none` ends it for a jump host",
            behind.name
        )));
    }
    let hop = JumpHost::parse(last).ok_or_else(|| {
        settings.error(format!(
            "{last:?} is no jump host: expected a name of this file or `user@host:port`"
        ))
    })?;
    let options = SshOptions {
        host: Some(hop.host.clone()),
        port: hop.port,
        user: hop.user,
        jump: before.to_vec(),
        jump_password: behind.options.jump_password.clone(),
        identity_files: behind.options.identity_files.clone(),
        passphrase: behind.options.passphrase.clone(),
        known_hosts: behind.options.known_hosts.clone(),
        host_key_checking: behind.options.host_key_checking,
        connect_timeout: behind.options.connect_timeout,
        ..SshOptions::default()
    };
    let asked = Asked {
        name: &hop.host,
        address: &hop.host,
        options: &options,
        hops: behind.hops + 1,
    };
    resolve_asked(&asked, settings, environment)
}

/// Private keys, and whether they were named.
fn identities(
    of: &Asked<'_>,
    said: &HostParams,
    environment: &Environment,
    tokens: &Tokens<'_>,
) -> (Vec<PathBuf>, bool) {
    let written = of.options.identity_files.clone();
    let configured = said.identity_file.clone().unwrap_or_default();
    // The inventory's are those of its hosts: a jump host may have other keys.
    let (first, second) = if of.hops == 0 {
        (written, configured)
    } else {
        (configured, written)
    };
    let named = if first.is_empty() { second } else { first };
    if named.is_empty() {
        let folder = environment.home.as_ref().map(|home| home.join(".ssh"));
        let usual = USUAL_IDENTITIES.iter();
        let usual = usual.filter_map(|name| Some(folder.as_ref()?.join(name)));
        return (usual.collect(), false);
    }
    let real = named.iter().filter(|path| path.as_os_str() != "none");
    (real.map(|path| tokens.path(path)).collect(), true)
}

/// The user's files of known host keys, then those of the machine.
fn known_hosts(
    of: &Asked<'_>,
    said: &HostParams,
    environment: &Environment,
    tokens: &Tokens<'_>,
) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = of
        .options
        .known_hosts
        .iter()
        .map(|f| tokens.path(f))
        .collect();
    // The inventory's file is that of its hosts: a jump host may be known to the user.
    if all.is_empty() || of.hops > 0 {
        match said_words(said, "userknownhostsfile") {
            Some(files) => {
                let files = files.iter().filter(|file| *file != "none");
                all.extend(files.map(|file| tokens.path(Path::new(file))));
            }
            None => {
                let home = environment.home.iter();
                all.extend(home.map(|home| home.join(".ssh/known_hosts")));
            }
        }
    }
    match said_words(said, "globalknownhostsfile") {
        Some(files) => all.extend(files.iter().map(PathBuf::from)),
        None => all.push(PathBuf::from(GLOBAL_KNOWN_HOSTS)),
    }
    all
}

/// `no` would take a changed key too; here that is always refused.
fn checking(said: Option<&str>) -> HostKeyChecking {
    match said {
        Some("accept-new" | "no" | "off") => HostKeyChecking::AcceptNew,
        _ => HostKeyChecking::Strict,
    }
}

fn agent(said: &HostParams, environment: &Environment, tokens: &Tokens<'_>) -> Option<PathBuf> {
    match said_word(said, "identityagent") {
        Some("none") => None,
        Some("SSH_AUTH_SOCK") | None => environment.auth_sock.clone(),
        Some(socket) => Some(tokens.path(Path::new(socket))),
    }
}

fn said_words<'a>(said: &'a HostParams, field: &str) -> Option<&'a [String]> {
    said.unsupported_fields
        .iter()
        .chain(&said.ignored_fields)
        .find(|(name, _)| name.eq_ignore_ascii_case(field))
        .map(|(_, words)| words.as_slice())
}

fn said_word<'a>(said: &'a HostParams, field: &str) -> Option<&'a str> {
    said_words(said, field)?.first().map(String::as_str)
}

/// What stands for something else in a path: `~` and OpenSSH's `%` tokens.
struct Tokens<'a> {
    home: Option<&'a Path>,
    host: &'a str,
    asked: &'a str,
    port: u16,
    user: &'a str,
    local_user: &'a str,
}

impl Tokens<'_> {
    fn path(&self, path: &Path) -> PathBuf {
        let Some(text) = path.to_str() else {
            return path.to_owned();
        };
        let mut out = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('%') => out.push('%'),
                Some('d') => out.push_str(&self.home.unwrap_or(Path::new("")).to_string_lossy()),
                Some('h') => out.push_str(self.host),
                Some('n') => out.push_str(self.asked),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(self.user),
                Some('u') => out.push_str(self.local_user),
                Some(other) => out.extend(['%', other]),
                None => out.push('%'),
            }
        }
        match (out.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(out),
        }
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
