//! From an inventory file to a valid [`model::Cluster`], or to errors that show file, line and column.
//!
//! text → `node` (YAML with places) → `decode` into `raw` (what is written) → `resolve` (what is meant) →
//! `check` (whether it makes sense). Every stage reports all that it finds.

mod check;
pub(crate) mod decode;
mod field;
pub mod foreign;
mod form;
mod http;
pub mod model;
pub(crate) mod node;
mod place;
mod problem;
mod raw;
mod read;
mod resolve;
mod scalar;
mod schema;
mod site;

use std::path::Path;

use miette::SourceSpan;

pub use check::MAX_AUTH_PASS;
pub(crate) use problem::{Fault, Source, choices, nearest, shown};
pub use problem::{LoadError, Problem};
pub use read::MAX_BYTES;
pub use schema::{markdown, schema};

use crate::secret::{Secrets, Unread};
use model::Cluster;
use node::{Node, Value};

/// The roles that come with lvsctl.
pub const BUILT_IN_ROLES: &[&str] = &[
    "director",
    "backup",
    "realserver",
    "client",
    "router",
    "web",
    "answer",
    "nfs",
    "nfs-client",
];

/// A valid cluster, with what is needed to speak of its inventory later.
#[derive(Debug)]
pub struct Loaded {
    pub cluster: Cluster,
    /// What works, but probably not as meant.
    pub warnings: Vec<Problem>,
    source: Source,
    root: Node,
}

impl Loaded {
    /// What `check` says beside the warnings: true of many inventories on purpose.
    pub fn advice(&self) -> Vec<Problem> {
        let faults = check::advice(&self.cluster, place::Places(&self.root));
        problem::problems(&self.source, faults).0
    }

    /// What can be said of secrets only once they are read: a VRRP password's length.
    pub fn check_secrets(&self, secrets: &Secrets) -> Result<(), LoadError> {
        let faults = check::secrets(&self.cluster, secrets, place::Places(&self.root));
        if faults.is_empty() {
            return Ok(());
        }
        Err(LoadError::new(&self.source, faults))
    }

    /// What to say of secrets that could not be read, each at its place.
    pub fn unread(&self, unread: &[Unread]) -> LoadError {
        let faults = check::unread(&self.cluster, unread, place::Places(&self.root));
        LoadError::new(&self.source, faults)
    }

    /// The same as warnings: who only looks at the inventory may lack them.
    pub fn unread_yet(&self, unread: &[Unread]) -> Vec<Problem> {
        let faults = check::unread(&self.cluster, unread, place::Places(&self.root));
        let warnings = faults.into_iter().map(Fault::warning).collect();
        problem::problems(&self.source, warnings).0
    }
}

/// Reads and checks an inventory. `roles` are the roles that exist, the user's own included.
pub fn load(path: &Path, roles: &[&str]) -> Result<Loaded, LoadError> {
    let text = read::read(path)?;
    parse(&path.display().to_string(), &text, roles)
}

/// Checks an inventory's text; `file_name` is for its errors.
pub fn parse(file_name: &str, text: &str, roles: &[&str]) -> Result<Loaded, LoadError> {
    if text.len() as u64 > MAX_BYTES {
        return Err(LoadError::file(
            file_name,
            read::too_large(text.len() as u64),
        ));
    }
    let mut faults = Vec::new();
    let root = node::read(text, "inventory", &mut faults);
    let covered = match &root {
        Some(root) => plain_secrets(root),
        None => secret_lines(text),
    };
    let source = Source::new(file_name, text, &covered);
    let Some(root) = root else {
        return Err(LoadError::new(&source, faults));
    };
    if root.value == Value::Null {
        let fault = Fault::new("the inventory is empty")
            .help("start with `cluster: NAME` and `hosts:`; `lvsctl schema --format markdown` lists all keys")
            .at((0, 0).into());
        return Err(LoadError::new(&source, vec![fault]));
    }

    if let (Value::Text(_), Some(fault)) = (&root.value, node::slip::foreign(text)) {
        return Err(LoadError::new(&source, vec![fault]));
    }

    let sink = decode::Sink::new(faults);
    let raw: Option<raw::Inventory> = decode::decode(&root, &sink);
    let mut cx = resolve::Context::new(&root, roles);
    cx.faults = sink.into_inner();
    name_addresses(&root, &mut cx.faults);
    let Some(raw) = raw else {
        return Err(LoadError::new(&source, cx.faults));
    };
    let mut cluster = resolve::resolve(&raw, &mut cx);
    if cluster.name.is_empty() && !raw.cluster.is_absent() && raw.cluster.get().is_none() {
        // A faulty name has been reported, and is not an empty one as well.
        "faulty".clone_into(&mut cluster.name);
    }
    let mut faults = cx.faults;
    let whole = faults.is_empty();
    faults.extend(check::check(&cluster, place::Places(&root), whole));
    place::once(&root, &mut faults);
    place::proposed(&root, &mut faults);
    if faults.iter().any(|f| !f.warning) {
        // Warnings wait: errors may be their cause.
        faults.retain(|f| !f.warning);
        return Err(LoadError::new(&source, faults));
    }
    Ok(Loaded {
        cluster,
        warnings: problem::problems(&source, faults).0,
        source,
        root,
    })
}

/// Where a host's name stands in the place of an address: which one it is.
fn name_addresses(root: &Node, faults: &mut [Fault]) {
    let places = place::Places(root);
    let named = faults
        .iter_mut()
        .filter(|f| f.help.as_deref() == Some(raw::word::NO_NAMES));
    for fault in named {
        let found = fault.message.rsplit_once(", found the text `");
        let Some(text) = found.and_then(|(_, text)| text.strip_suffix('`')) else {
            continue;
        };
        let (name, port) = text.split_once(':').unwrap_or((text, ""));
        let Some(address) = places.text(&["hosts", name, "address"]) else {
            continue;
        };
        let address = address.split('/').next().unwrap_or_default();
        let port = if port.is_empty() || address.contains(':') {
            String::new()
        } else {
            format!(":{port}")
        };
        fault.help = Some(format!("write `{address}{port}`, the address of `{name}`"));
    }
}

/// Keys whose value is a secret.
const SECRET_KEYS: &[&str] = &["auth_pass", "password", "passphrase", "sudo_password"];

pub(crate) fn is_secret(key: &str) -> bool {
    SECRET_KEYS.contains(&key)
}

/// Whether the value of a key may be a secret, whosever word it is: `ansible_become_pass`, `db_password`.
pub(crate) fn may_be_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let ends = [
        "pass",
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
    ];
    ends.iter().any(|end| key.ends_with(end))
}

/// Where secrets stand as plain text, so that no error shows them.
fn plain_secrets(node: &Node) -> Vec<SourceSpan> {
    let mut found = Vec::new();
    let mut open = vec![(node, false)];
    while let Some((node, secret)) = open.pop() {
        match &node.value {
            Value::Map(entries) => open.extend(entries.iter().map(|entry| {
                if foreign::names_secret(&entry.key) {
                    found.push(entry.key_span);
                }
                // Below the key stands where to read the secret, unless the secret was written there.
                let misplaced = secret && entry.key == "env" && !is_variable(&entry.value);
                (&entry.value, misplaced || may_be_secret(&entry.key))
            })),
            Value::List(list) => open.extend(list.iter().map(|n| (n, secret))),
            Value::Null => {}
            _ if secret => found.push(node.span),
            _ => {}
        }
    }
    found
}

fn is_variable(node: &Node) -> bool {
    matches!(&node.value, Value::Text(name) if check::is_variable(name))
}

/// The same where the YAML is broken: what follows such a key on its line.
fn secret_lines(text: &str) -> Vec<SourceSpan> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let ends = SECRET_KEYS
            .iter()
            .filter_map(|key| Some(line.find(key)? + key.len()));
        if let Some(end) = ends.min() {
            found.push((start + end, line.trim_end().len().saturating_sub(end)).into());
        }
        start += line.len();
    }
    found
}
