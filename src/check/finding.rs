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
    /// The examined object.
    pub what: String,
    pub expected: String,
    pub found: String,
    pub fix: String,
    pub severity: Severity,
    pub state: State,
    /// The cause, if several checks can see it.
    #[serde(skip)]
    pub cause: Option<Cause>,
    #[serde(skip)]
    pub about: About,
    /// Merged findings: those of other checks with the same cause, and consequences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

impl Finding {
    /// Whether something is wrong, beyond notes.
    pub fn is_fault(&self) -> bool {
        self.severity != Severity::Note
    }

    /// Converts it into a part of another finding, without the parts of this one.
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

/// A merged finding: of another check with the same cause, or a consequence, perhaps on another host.
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

/// The objects that a finding concerns, besides its host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The service whose clients are concerned.
    pub service: Option<String>,
    pub vip: Option<IpAddr>,
    /// Hosts on which the fault may be.
    pub hosts: BTreeSet<String>,
    /// Whether it has an effect only at the next boot, takeover or start.
    pub later: bool,
    /// Whether a server answered, though wrongly. Then a fault that blocks packets is not the cause.
    pub answered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Note,
}

/// The result of a check of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::EnumIter)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Error,
    Warning,
    /// It could not be read or decided: neither a pass nor a fault.
    Unknown,
    /// The check does not apply here.
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
    /// The values that were read; for a skipped check, the reason.
    pub evidence: String,
    /// Whether the inventory waives it.
    pub waived: bool,
}
