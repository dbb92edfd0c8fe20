//! From an inventory file to a valid [`crate::model::Cluster`], or to errors that show file, line and column.
//!
//! text → `node` (YAML with places) → `decode` into `raw` (what is written) → `resolve` (what is meant) →
//! `check` (whether it makes sense). Every stage reports all that it finds.

mod check;
mod covered;
pub(crate) mod decode;
mod field;
pub mod foreign;
mod form;
mod hints;
pub(crate) mod node;
mod place;
mod problem;
mod raw;
mod read;
mod resolve;
mod scalar;
mod schema;
mod site;
mod spare;

use std::path::Path;

pub use check::MAX_AUTH_PASS;
pub(crate) use node::slip::yaml;
pub(crate) use problem::{Fault, Source, choices, nearest, shown};
pub use problem::{LoadError, Problem};
pub use read::MAX_BYTES;
pub use schema::{markdown, schema};

use crate::model::Cluster;
use crate::secret::{Secrets, Unread};
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
    let mut root = node::read(text, "inventory", &mut faults);
    // Of a key that stands twice the tree has one alone.
    let covered = covered::covered(root.as_ref(), text, faults.is_empty());
    if let Some(root) = &mut root {
        covered.mark(root);
    }
    let source = Source::new(file_name, text, covered);
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
    let Some(raw) = raw else {
        hints::fit(&root, &mut cx.faults);
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
    hints::fit(&root, &mut faults);
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
