//! known_hosts files: which keys a host is known by, whether a key that a server shows is one of them, and adding a
//! new one. Lines are parsed by the crate ssh-key; matching names, revocation and line numbers are here.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use nix::fcntl::{Flock, FlockArg};
use sha1::Sha1;
use ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use ssh_key::{HashAlg, PublicKey};
use wildmatch::WildMatch;

use super::host_certificate::HostCertificate;
use super::{Authority, HostKey, KnownKey, TransportError};

/// A known_hosts file is read whole, up to this size.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// How known_hosts names a host: in lower case, with the port where it is not 22.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName {
    names: Vec<String>,
    /// Without the port, as certificates name it.
    host: String,
}

impl HostName {
    pub fn new(host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        let with_port = format!("[{host}]:{port}");
        let names = if port == 22 {
            vec![host.clone(), with_port]
        } else {
            vec![with_port]
        };
        Self { names, host }
    }

    /// As certificates have it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// As a new line has it.
    pub fn text(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

/// What the files say of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Known,
    Unknown {
        authority: Authority,
    },
    /// An authority of a @cert-authority line signed it, but it is not valid.
    Uncertified {
        authority: KnownKey,
        why: String,
    },
    Changed(Vec<KnownKey>),
    Revoked(KnownKey),
}

/// The lines of one file, or of several one after the other.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    lines: Vec<Line>,
    /// Lines that make no sense; they are passed over, as OpenSSH does.
    pub unreadable: Vec<(PathBuf, usize)>,
}

#[derive(Debug, Clone)]
struct Line {
    file: PathBuf,
    number: usize,
    entry: Entry,
    blob: Vec<u8>,
}

impl KnownHosts {
    pub fn parse(file: &Path, text: &str) -> Self {
        let mut known = Self::default();
        for (index, text) in text.lines().enumerate() {
            let number = index + 1;
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let line = parse_line(text).and_then(|entry| {
                let blob = entry.public_key().to_bytes().ok()?;
                Some(Line {
                    file: file.to_owned(),
                    number,
                    entry,
                    blob,
                })
            });
            match line {
                Some(line) => known.lines.push(line),
                None => known.unreadable.push((file.to_owned(), number)),
            }
        }
        known
    }

    /// `blob` is the key as the server shows it. A revocation counts whatever else is there.
    pub fn check(&self, name: &HostName, blob: &[u8]) -> Verdict {
        let mut known = false;
        let mut authority = Authority::None;
        let mut others = Vec::new();
        for line in self.of(name) {
            match line.entry.marker() {
                Some(Marker::Revoked) if line.blob == blob => {
                    return Verdict::Revoked(line.known_key());
                }
                Some(Marker::Revoked) => {}
                Some(Marker::CertAuthority) => {
                    authority = Authority::NoCertificate(Box::new(line.known_key()));
                }
                None if line.blob == blob => known = true,
                None => others.push(line.known_key()),
            }
        }
        if known {
            Verdict::Known
        } else if others.is_empty() {
            Verdict::Unknown { authority }
        } else {
            Verdict::Changed(others)
        }
    }

    /// The same of a certificate, at a time in seconds since 1970. One that no authority here vouches for counts as the key
    /// inside, as OpenSSH has it.
    pub fn check_certificate(
        &self,
        name: &HostName,
        certificate: &HostCertificate,
        now: u64,
    ) -> Verdict {
        let mut authority = None;
        for line in self.of(name) {
            match line.entry.marker() {
                Some(Marker::Revoked)
                    if [certificate.plain(), certificate.authority()].contains(&&*line.blob) =>
                {
                    return Verdict::Revoked(line.known_key());
                }
                Some(Marker::CertAuthority) if line.blob == certificate.authority() => {
                    authority.get_or_insert(line);
                }
                _ => {}
            }
        }
        let fault = authority.map(|line| (line, certificate.fault(name.host(), now)));
        match (fault, self.check(name, certificate.plain())) {
            (Some((_, None)), _) => Verdict::Known,
            (Some((line, Some(why))), Verdict::Unknown { .. } | Verdict::Changed(_)) => {
                Verdict::Uncertified {
                    authority: line.known_key(),
                    why,
                }
            }
            (
                None,
                Verdict::Unknown {
                    authority: Authority::NoCertificate(known),
                },
            ) => Verdict::Unknown {
                authority: Authority::Other {
                    known,
                    shown: key_fingerprint(certificate.authority()),
                },
            },
            (_, verdict) => verdict,
        }
    }

    /// Whether a @cert-authority line is about the host.
    pub fn has_authority(&self, name: &HostName) -> bool {
        self.of(name)
            .any(|line| line.entry.marker() == Some(&Marker::CertAuthority))
    }

    /// The types of the keys that a host is known by, such as `ssh-ed25519`.
    pub fn key_types(&self, name: &HostName) -> Vec<String> {
        let mut types: Vec<String> = Vec::new();
        for line in self.of(name) {
            let algorithm = line.algorithm();
            if line.entry.marker().is_none() && !types.contains(&algorithm) {
                types.push(algorithm);
            }
        }
        types
    }

    fn of(&self, name: &HostName) -> impl Iterator<Item = &Line> {
        self.lines
            .iter()
            .filter(|line| names(line.entry.host_patterns(), name))
    }
}

impl Line {
    fn algorithm(&self) -> String {
        self.entry.public_key().algorithm().as_str().to_owned()
    }

    fn known_key(&self) -> KnownKey {
        KnownKey {
            file: self.file.clone(),
            line: self.number,
            algorithm: self.algorithm(),
            fingerprint: fingerprint(self.entry.public_key()),
        }
    }
}

/// Parses a line. Fields may be separated by several blanks, and comments may contain blanks; ssh-key accepts neither.
fn parse_line(text: &str) -> Option<Entry> {
    let fields = if text.starts_with('@') { 4 } else { 3 };
    let words: Vec<&str> = text.split_ascii_whitespace().take(fields).collect();
    if words.len() < fields {
        return None;
    }
    words.join(" ").parse().ok()
}

fn names(patterns: &HostPatterns, name: &HostName) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => name.names.iter().any(|n| {
            Hmac::<Sha1>::new_from_slice(salt)
                .is_ok_and(|mac| mac.chain_update(n.as_bytes()).verify_slice(hash).is_ok())
        }),
        HostPatterns::Patterns(patterns) => name.names.iter().any(|n| in_list(patterns, n)),
    }
}

/// A negated pattern that fits overrules all others of its line.
fn in_list(patterns: &[String], name: &str) -> bool {
    let fits = |pattern: &str| WildMatch::new(&pattern.to_ascii_lowercase()).matches(name);
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if fits(negated) => return false,
            Some(_) => {}
            None => found |= fits(pattern),
        }
    }
    found
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

fn key_fingerprint(blob: &[u8]) -> String {
    PublicKey::from_bytes(blob)
        .map_or_else(|_| "an unknown key".to_owned(), |key| fingerprint(&key))
}

/// A server's key, readable; None where it is no key at all.
pub fn host_key(blob: &[u8]) -> Option<HostKey> {
    let key = PublicKey::from_bytes(blob).ok()?;
    let line = key.to_openssh().ok()?;
    let mut words = line.split(' ');
    Some(HostKey {
        algorithm: words.next()?.to_owned(),
        base64: words.next()?.to_owned(),
        fingerprint: fingerprint(&key),
    })
}

/// The files of one run, each read once. Safe to use from many threads.
#[derive(Default)]
pub struct Store {
    files: Mutex<HashMap<PathBuf, Arc<KnownHosts>>>,
}

impl Store {
    /// The lines of `files` about a host, in order. A file that is not there has none.
    pub fn load(&self, files: &[PathBuf], name: &HostName) -> Result<KnownHosts, TransportError> {
        let mut all = KnownHosts::default();
        for file in files {
            // Matching hashed names takes time: other connections need not wait for it.
            all.lines.extend(self.whole(file)?.of(name).cloned());
        }
        Ok(all)
    }

    fn whole(&self, file: &Path) -> Result<Arc<KnownHosts>, TransportError> {
        let mut cache = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.get(file) {
            return Ok(Arc::clone(known));
        }
        let known = Arc::new(read(file).map_err(|source| TransportError::KnownHosts {
            file: file.to_owned(),
            source,
        })?);
        for (file, line) in &known.unreadable {
            tracing::warn!(
                "{}:{line}: not a known_hosts line, passed over",
                file.display()
            );
        }
        cache.insert(file.to_owned(), Arc::clone(&known));
        Ok(known)
    }

    /// Adds a line for a host that is not known yet. Whoever else adds one meanwhile is heard first: the verdict is of
    /// the file as it then is, `Known` once the line is there.
    pub fn add(
        &self,
        file: &Path,
        name: &HostName,
        key: &HostKey,
        blob: &[u8],
    ) -> Result<Verdict, TransportError> {
        let mut cache = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict =
            append(file, name, key, blob).map_err(|source| TransportError::AddHostKey {
                file: file.to_owned(),
                source,
            })?;
        cache.remove(file);
        Ok(verdict)
    }
}

fn read(file: &Path) -> io::Result<KnownHosts> {
    match File::open(file) {
        Ok(opened) => Ok(KnownHosts::parse(file, &read_text(&opened)?)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(KnownHosts::default()),
        Err(e) => Err(e),
    }
}

fn read_text(file: &File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(io::Error::other("it is larger than 16 MiB"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn append(file: &Path, name: &HostName, key: &HostKey, blob: &[u8]) -> io::Result<Verdict> {
    if let Some(dir) = file.parent()
        && !dir.as_os_str().is_empty()
    {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
    }
    let opened = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    let mut opened = Flock::lock(opened, FlockArg::LockExclusive).map_err(|(_, e)| e)?;
    let text = read_text(&opened)?;
    let verdict = KnownHosts::parse(file, &text).check(name, blob);
    if !matches!(verdict, Verdict::Unknown { .. }) {
        return Ok(verdict);
    }
    let before = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let line = format!("{before}{} {} {}\n", name.text(), key.algorithm, key.base64);
    opened.seek(SeekFrom::End(0))?;
    // One write of one line: a reader sees all of it or nothing.
    opened.write_all(line.as_bytes())?;
    opened.sync_data().or_else(|e| match e.kind() {
        // A device or pipe, such as /dev/null.
        io::ErrorKind::InvalidInput => Ok(()),
        _ => Err(e),
    })?;
    Ok(Verdict::Known)
}

#[cfg(test)]
#[path = "known_hosts_tests.rs"]
mod tests;
