//! A finding: a value that is not as expected. How it is shown is the part of [`crate::report::findings`].

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;

use super::{Cause, Check};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Empty when it is about the cluster as a whole.
    pub host: String,
    pub check: &'static Check,
    /// What was looked at.
    pub what: String,
    pub expected: String,
    pub found: String,
    pub fix: String,
    pub severity: Severity,
    pub state: State,
    /// What the finding comes of, where several checks see the same.
    #[serde(skip)]
    pub cause: Option<Cause>,
    #[serde(skip)]
    pub about: About,
    /// What other checks found of the same cause, and what follows from it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

impl Finding {
    /// Whether something is wrong, beyond notes.
    pub fn is_fault(&self) -> bool {
        self.severity != Severity::Note
    }

    /// Itself as a part of another; the parts of it are left out.
    pub(super) fn into_part(self, consequence: bool) -> Part {
        Part {
            host: self.host,
            check: self.check,
            what: self.what,
            expected: self.expected,
            found: self.found,
            severity: self.severity,
            consequence,
        }
    }
}

/// What another check found of the same cause, or what follows from it, perhaps on another host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    pub host: String,
    pub check: &'static Check,
    pub what: String,
    pub expected: String,
    pub found: String,
    pub severity: Severity,
    /// Whether it goes away with the cause, and is not the cause itself.
    pub consequence: bool,
}

/// What a finding concerns beside the host where it was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The service whose clients are concerned.
    pub service: Option<String>,
    pub vip: Option<IpAddr>,
    /// Hosts that it points at.
    pub hosts: BTreeSet<String>,
    /// Whether it shows at the next boot, takeover or start, and not now.
    pub later: bool,
    /// Whether a server answered, if wrongly: what keeps packets away is no cause then.
    pub answered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Note,
}

/// What a check has to say of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::EnumIter)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Error,
    Warning,
    /// It could not be read or decided: neither a pass nor a fault.
    Unknown,
    /// What the check rests on does not hold here.
    Skipped,
    Note,
    Pass,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::Note => "note",
            Self::Pass => "pass",
        }
    }
}

/// The result of one check of one thing, with what was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examined {
    /// Empty when it is about the cluster as a whole.
    pub host: String,
    pub check: &'static Check,
    /// Empty where a check does not name it.
    pub what: String,
    pub state: State,
    /// What was read and what it said; the reason of what was skipped.
    pub evidence: String,
    /// Whether the inventory waives it.
    pub waived: bool,
}
