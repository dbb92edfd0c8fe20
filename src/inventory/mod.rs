//! From an inventory file to a valid [`crate::model::Cluster`], or to errors that show file, line and column.
//!
//! text → `crate::yaml` (a tree with places) → `decode` into `raw` (as written) → `resolve` (references and defaults) →
//! `check` (rules). Every stage reports all that it finds.

mod check;
pub(crate) mod decode;
mod examples;
mod field;
pub mod foreign;
mod form;
mod free_address;
mod location;
mod other_program;
mod place;
mod raw;
mod read;
mod resolve;
mod scalar;
mod schema;
mod secret_masking;

use std::net::IpAddr;
use std::path::Path;

pub use check::MAX_AUTH_PASS;
pub use read::MAX_BYTES;
pub use schema::{markdown, schema};

use crate::diagnostic::{self, Fault, Source};
pub use crate::diagnostic::{LoadError, Problem};
use crate::model::Cluster;
use crate::secret::{Secrets, Unread};
use crate::yaml::{self, Document, Node, Value};

// The roles that come with lvsctl: `BUILT_IN_ROLES`, from the files in `roles/`.
include!(concat!(env!("OUT_DIR"), "/built_in_roles.rs"));

/// A valid cluster, with the tree and the text of its inventory.
#[derive(Debug)]
pub struct Loaded {
    pub cluster: Cluster,
    /// Warnings: parts that work, but are probably mistakes.
    pub warnings: Vec<Problem>,
    source: Source,
    root: Node,
}

impl Loaded {
    /// Remarks of `check` beside the warnings: true of many inventories on purpose.
    pub fn advice(&self) -> Vec<Problem> {
        let faults = check::advice(&self.cluster, place::Places(&self.root));
        diagnostic::problems(&self.source, faults).0
    }

    /// Checks the secrets that have been read: a VRRP password's length.
    pub fn check_secrets(&self, secrets: &Secrets) -> Result<(), LoadError> {
        let faults = check::secrets(&self.cluster, secrets, place::Places(&self.root));
        if faults.is_empty() {
            return Ok(());
        }
        Err(LoadError::new(&self.source, faults))
    }

    /// Checks the VIPs against the addresses of the machine that lvsctl runs on.
    pub fn check_controller(&self, own: &[IpAddr]) -> Result<(), LoadError> {
        let faults = check::controller(&self.cluster, own, place::Places(&self.root));
        if faults.is_empty() {
            return Ok(());
        }
        Err(LoadError::new(&self.source, faults))
    }

    /// The error of secrets that could not be read, each at its place.
    pub fn unread(&self, unread: &[Unread]) -> LoadError {
        let faults = check::unread(&self.cluster, unread, place::Places(&self.root));
        LoadError::new(&self.source, faults)
    }

    /// Unreadable secrets as warnings, for commands that do not need the secrets.
    pub fn unread_yet(&self, unread: &[Unread]) -> Vec<Problem> {
        let faults = check::unread(&self.cluster, unread, place::Places(&self.root));
        let warnings = faults.into_iter().map(Fault::warning).collect();
        diagnostic::problems(&self.source, warnings).0
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
    let mut root = yaml::read(text, Document::Inventory, &mut faults);
    // The tree has only one of two equal keys, so the text may have more secrets than the tree.
    let masked = secret_masking::masked(root.as_ref(), text, faults.is_empty());
    if let Some(root) = &mut root {
        secret_masking::mark(&masked, root);
    }
    let source = Source::new(file_name, text, masked);
    if root
        .as_ref()
        .is_none_or(|root| matches!(root.value, Value::Text(_)))
        && let Some(fault) = other_program::fault(text)
    {
        return Err(LoadError::new(&source, vec![fault]));
    }
    let Some(root) = root else {
        return Err(LoadError::new(&source, faults));
    };
    if root.value == Value::Null {
        let fault = Fault::new("the inventory is empty")
            .help("start with `cluster: NAME` and `hosts:`; `lvsctl schema --format markdown` lists all keys")
            .at((0, 0).into());
        return Err(LoadError::new(&source, vec![fault]));
    }

    let sink = decode::Sink::new(faults);
    let raw: Option<raw::Inventory> = decode::decode(&root, &sink);
    let mut cx = resolve::Context::new(&root, roles);
    cx.faults = sink.into_inner();
    let Some(raw) = raw else {
        examples::choose(&root, &mut cx.faults);
        return Err(LoadError::new(&source, cx.faults));
    };
    let mut cluster = resolve::resolve(&raw, &mut cx);
    if cluster.name.is_empty() && !raw.cluster.is_absent() && raw.cluster.get().is_none() {
        // A faulty name has been reported, and is not an empty one as well.
        "faulty".clone_into(&mut cluster.name);
    }
    let known = match (cx.networks_are_faulty, cx.faults.is_empty()) {
        (true, _) => check::Known::WithoutNetworks,
        (false, false) => check::Known::InPart,
        (false, true) => check::Known::Whole,
    };
    let mut faults = cx.faults;
    faults.extend(check::check(&cluster, place::Places(&root), known));
    place::once(&root, &mut faults);
    place::proposed(&root, &mut faults);
    examples::choose(&root, &mut faults);
    if faults.iter().any(|f| !f.warning) {
        // Warnings wait: errors may be their cause.
        faults.retain(|f| !f.warning);
        return Err(LoadError::new(&source, faults));
    }
    Ok(Loaded {
        cluster,
        warnings: diagnostic::problems(&source, faults).0,
        source,
        root,
    })
}
