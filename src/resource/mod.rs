//! Wanted state, one file a kind, without I/O: which facts it is compared with, what differs, and the steps that change
//! it. [`registry`] is the only list of kinds. How facts are asked for and parsed is [`crate::fact`]'s part.

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

/// What a kind is. One value is one wanted resource.
pub trait Kind: Serialize + DeserializeOwned + Clone + PartialEq + Debug {
    /// The name in roles, plans and findings.
    const NAME: &'static str;
    /// Whether two clusters may both want the same of one host; the last one that leaves puts back what was there.
    const SHAREABLE: bool = false;

    /// What it is on the host, so that wanted, observed and owned find each other.
    fn key(&self) -> String;

    /// What is wrong with it whatever the host is, beyond the shape of its fields.
    fn fault(&self) -> Option<String> {
        None
    }

    /// The facts that it is compared with.
    fn needs(&self, needs: &mut Needs);

    /// What must change so that the host is as wanted; `None` when it is.
    fn diff(&self, facts: &Facts, cx: &Context) -> Option<Change>;

    /// Why this host cannot be made as wanted; a refusal anywhere stops the run before anything changes.
    fn refuse(&self, _facts: &Facts, _cx: &Context) -> Option<String> {
        None
    }

    /// What takes it away from the host, when it is ours and no longer wanted; `None` when it is gone.
    /// `before` is what [`Kind::before`] kept.
    fn remove(&self, facts: &Facts, before: &Before, cx: &Context) -> Option<Change>;

    /// What puts back what a run changes of it: from `before`, what was there when the run began, and from what is kept on
    /// the host under `kept`, which is shell text of one word. None where nothing can be put back.
    fn undo(&self, _before: &Before, _kept: &str) -> Option<Undo> {
        None
    }

    /// What was there before us, kept on the host to be put back.
    fn before(&self, _facts: &Facts) -> Before {
        Before::Absent
    }

    /// The same, from the text that manifests of form 1 have of it.
    fn before_of_text(&self, text: String) -> Before {
        Before::Value(text)
    }

    /// Shell text that keeps what `before` points to, run before it is recorded as ours. `as_wanted`: nothing differs.
    fn keep(&self, _before: &Before, _as_wanted: bool) -> Option<String> {
        None
    }

    /// Shell text that drops what was kept, run when it is no longer recorded as ours.
    fn forget(&self, _before: &Before) -> Option<String> {
        None
    }

    /// What the manifest keeps: enough for `key`, `needs` and `remove`, and no secret.
    fn owned(&self) -> Self {
        self.clone()
    }

    /// Lines for the node script that put the resource back when the host boots.
    fn node(&self) -> Option<NodeLines> {
        None
    }

    /// What it means for the host, in words, where [`Kind::node`] has no lines that say it.
    fn words(&self) -> String {
        String::new()
    }

    /// Notes on what is right: a drained or an unhealthy real server.
    fn notes(&self, _facts: &Facts) -> Vec<String> {
        Vec::new()
    }
}

/// What stood in a resource's place before it became ours.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Before {
    #[default]
    Absent,
    /// Just as wanted: it stays when we leave.
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
    /// Commands that succeed when the resource is there, each with what it asks.
    pub status: Vec<(String, String)>,
}

/// What a decision may look at beside the facts.
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
