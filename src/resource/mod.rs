//! Desired state: one module per resource kind, without I/O. A kind says which facts it needs, what differs, and which steps
//! correct it. [`registry`] is the only list of kinds. Reading and parsing facts belongs in [`crate::fact`].

pub mod address;
pub mod arprule;
pub mod change;
pub mod distribution;
pub mod file;
pub mod ipvs;
pub mod link;
pub mod mark;
pub mod module;
pub mod neighbour;
pub mod networkd;
pub mod package;
pub mod registry;
pub mod route;
pub(crate) mod scalar;
pub mod service_manager;
pub mod sysctl;
pub mod undo;
pub mod unit;

use std::fmt::Debug;
use std::net::IpAddr;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use change::{Action, Change, Effect, Field, Step};
pub use distribution::Distribution;
pub use registry::Resource;
pub use undo::Undo;

use crate::fact::{Facts, Needs};
use crate::secret::Secrets;

/// A resource kind. Each value of the type is one desired resource.
pub trait Kind: Serialize + DeserializeOwned + Clone + PartialEq + Debug {
    /// The name in roles, plans and findings.
    const NAME: &'static str;
    /// Whether two clusters may share a resource of one host; the last cluster that leaves restores the previous state.
    const SHAREABLE: bool = false;

    /// Identifies the resource on the host; desired resources and manifest entries are matched by it.
    fn key(&self) -> String;

    /// A fault of its values that does not depend on the host, beyond the types of its fields.
    fn fault(&self) -> Option<String> {
        None
    }

    /// The facts that it is compared with.
    fn needs(&self, needs: &mut Needs);

    /// The change that brings the host to the desired state; None: it is there.
    fn diff(&self, facts: &Facts, cx: &Context) -> Option<Change>;

    /// Why this host cannot reach the desired state; a refusal anywhere stops the run before anything changes.
    fn refuse(&self, _facts: &Facts, _cx: &Context) -> Option<String> {
        None
    }

    /// The change that removes a resource of the manifest that is no longer desired; None: nothing to remove. `before`: the
    /// state that [`Kind::before`] returned.
    fn remove(&self, facts: &Facts, before: &Before, cx: &Context) -> Option<Change>;

    /// Shell text that undoes a run's change of the resource. `before`: the state before the run; `kept`: a shell word, the
    /// path under which the host keeps further state. None: the change cannot be undone.
    fn undo(&self, _before: &Before, _kept: &str) -> Option<Undo> {
        None
    }

    /// The state before lvsctl's first change, which the manifest keeps for its restoration.
    fn before(&self, _facts: &Facts) -> Before {
        Before::Absent
    }

    /// The previous state from its text in a manifest of format 1.
    fn before_of_text(&self, text: String) -> Before {
        Before::Value(text)
    }

    /// Shell text that makes the backup to which `before` refers; runs before the manifest is written. `as_desired`: nothing
    /// differs.
    fn keep(&self, _before: &Before, _as_desired: bool) -> Option<String> {
        None
    }

    /// Shell text that deletes the backup, once the manifest no longer lists the resource.
    fn forget(&self, _before: &Before) -> Option<String> {
        None
    }

    /// The value for the manifest: the fields that `key`, `needs` and `remove` use, and no secret.
    fn owned(&self) -> Self {
        self.clone()
    }

    /// Lines for the node script that put the resource back when the host boots.
    fn node(&self) -> Option<NodeLines> {
        None
    }

    /// A description of its effect, if [`Kind::node`] has no lines that show it.
    fn words(&self) -> String {
        String::new()
    }

    /// Remarks that are not changes: a drained or an unhealthy real server.
    fn notes(&self, _facts: &Facts) -> Vec<String> {
        Vec::new()
    }
}

/// The state of a resource before lvsctl's first change.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Before {
    #[default]
    Absent,
    /// It was in the desired state already; `destroy` leaves it.
    Same,
    /// The value of a sysctl, or the hardware address of a neighbour.
    Value(String),
    Unit {
        enabled: bool,
        active: bool,
    },
    Route {
        interface: Option<String>,
        via: Option<IpAddr>,
    },
    /// A file, kept under this path.
    Backup(String),
    /// A link that was down.
    Down,
}

/// One resource's part of the node script.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NodeLines {
    pub start: Vec<String>,
    pub stop: Vec<String>,
    /// Tests that succeed if the resource exists, each with a description.
    pub status: Vec<(String, String)>,
}

/// Further input of [`Kind::diff`], besides the facts.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub secrets: &'a Secrets,
    /// Changes decided so far on this host, in order.
    pub earlier: &'a [Change],
    /// The resource as lvsctl last applied it, by the manifest.
    pub recorded: Option<&'a Resource>,
}

impl Context<'_> {
    /// Whether an earlier change of this plan writes a file anew.
    pub fn rewrites(&self, path: &str) -> bool {
        self.has(|effect| matches!(effect, Effect::Rewrites(written) if written == path))
    }

    /// Whether an earlier change of this plan has an effect.
    pub fn has(&self, is_it: impl Fn(&Effect) -> bool) -> bool {
        let mut effects = self.earlier.iter().flat_map(|change| &change.effects);
        effects.any(is_it)
    }

    /// Whether keepalived is about to read its configuration.
    pub fn loads_keepalived(&self) -> bool {
        self.has(|effect| *effect == Effect::LoadsKeepalived)
    }
}
