//! One thing that is not as it shall be. How it is shown is [`crate::report::findings`]'s part.

use serde::Serialize;

use super::check::Check;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Empty when it is about the cluster as a whole.
    pub host: String,
    pub check: Check,
    pub what: String,
    pub expected: String,
    pub found: String,
    /// How to mend it.
    pub mend: String,
    pub severity: Severity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Note,
}
