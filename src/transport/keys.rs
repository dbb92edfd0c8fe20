//! Private keys from files, each read and decrypted once for all hosts: bcrypt takes a quarter of a second.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use ssh_key::PublicKey;
use zeroize::Zeroizing;

use super::Counters;
use super::openssh_key::{Container, Locked};

const MAX_SIZE: u64 = 64 * 1024;

/// A key that can be used. Both parts are wiped when it is dropped.
pub(super) struct Key {
    pub text: Zeroizing<String>,
    /// Only for the older PEM formats, which the SSH library decrypts itself.
    pub passphrase: Option<SecretString>,
}

/// Why a key file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    Missing,
    Because(String),
}

type Loaded = Result<Arc<Key>, Unusable>;

/// The keys of one run.
#[derive(Default)]
pub(super) struct KeyRing {
    keys: Mutex<Vec<Slot>>,
}

struct Slot {
    path: PathBuf,
    passphrase: Option<SecretString>,
    loaded: Arc<OnceLock<Loaded>>,
}

impl KeyRing {
    /// Threads that ask for the same key wait for the one that decrypts it.
    pub(super) fn load(
        &self,
        path: &Path,
        passphrase: Option<&SecretString>,
        counters: &Counters,
    ) -> Loaded {
        let loaded = {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            let found = keys
                .iter()
                .find(|s| s.path == path && same(s.passphrase.as_ref(), passphrase));
            match found {
                Some(slot) => Arc::clone(&slot.loaded),
                None => {
                    let loaded = Arc::new(OnceLock::new());
                    keys.push(Slot {
                        path: path.to_owned(),
                        passphrase: passphrase.cloned(),
                        loaded: Arc::clone(&loaded),
                    });
                    loaded
                }
            }
        };
        loaded
            .get_or_init(|| read(path).and_then(|text| unlock(text, passphrase, counters)))
            .clone()
    }
}

/// The public half of a key file: from its `.pub`, or from the key itself, which need not be decrypted for that.
pub(super) fn public_blob(path: &Path) -> Option<Vec<u8>> {
    let mut public = path.as_os_str().to_owned();
    public.push(".pub");
    let of_line = |text: &str| PublicKey::from_openssh(text).ok()?.to_bytes().ok();
    let from_pub = || of_line(&read_text(&File::open(&public).ok()?).ok()?);
    let from_private = || {
        let text = read_text(&File::open(path).ok()?).ok()?;
        // Also a public key by itself: it names one that the agent has.
        of_line(&text).or_else(|| Some(Container::parse(&text)?.public_blob().to_vec()))
    };
    from_pub().or_else(from_private)
}

fn same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(ExposeSecret::expose_secret) == other.map(ExposeSecret::expose_secret)
}

fn read(path: &Path) -> Result<Zeroizing<String>, Unusable> {
    let unusable = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => Unusable::Missing,
        _ => Unusable::Because(e.to_string()),
    };
    let file = File::open(path).map_err(unusable)?;
    let meta = file.metadata().map_err(unusable)?;
    let text = read_text(&file).map_err(unusable)?;
    if !text.contains("PRIVATE KEY") {
        return Err(Unusable::Because("it is not a private key".to_owned()));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(Unusable::Because(format!(
            "others can read it, so it is not used: chmod 600 {}",
            path.display()
        )));
    }
    Ok(text)
}

fn read_text(file: &File) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_SIZE).read_to_string(&mut text)?;
    Ok(text)
}

fn unlock(
    text: Zeroizing<String>,
    passphrase: Option<&SecretString>,
    counters: &Counters,
) -> Loaded {
    let because = |text: &str| Unusable::Because(text.to_owned());
    if !text.contains("BEGIN OPENSSH PRIVATE KEY") {
        let encrypted = text.contains("ENCRYPTED");
        if encrypted && passphrase.is_none() {
            return Err(because(NO_PASSPHRASE));
        }
        let passphrase = passphrase.filter(|_| encrypted).cloned();
        return Ok(Arc::new(Key { text, passphrase }));
    }
    // What is not understood here, the SSH library may understand.
    let Some(container) = Container::parse(&text) else {
        let passphrase = passphrase.cloned();
        return Ok(Arc::new(Key { text, passphrase }));
    };
    if !container.is_encrypted() {
        return Ok(Arc::new(Key {
            text,
            passphrase: None,
        }));
    }
    let passphrase = passphrase.ok_or_else(|| because(NO_PASSPHRASE))?;
    counters.decryption();
    match container.decrypt(passphrase.expose_secret()) {
        Ok(text) => Ok(Arc::new(Key {
            text,
            passphrase: None,
        })),
        Err(Locked::WrongPassphrase) => Err(because("ssh.passphrase does not decrypt it")),
        Err(Locked::Unknown) => Ok(Arc::new(Key {
            text,
            passphrase: Some(passphrase.clone()),
        })),
    }
}

const NO_PASSPHRASE: &str = "it is encrypted, and ssh.passphrase is not set";
