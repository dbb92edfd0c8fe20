//! A finding: a value that is not as expected. How it is shown is the part of [`crate::report::findings`].

use serde::Serialize;

use super::Check;

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
    /// What the finding comes of, where several checks see the same.
    #[serde(skip)]
    pub cause: Option<Cause>,
    /// What other checks found of the same cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// What another check found of the same cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    pub check: &'static Check,
    pub what: String,
    pub expected: String,
    pub found: String,
}

/// A thing on a host that several checks look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The value of a kernel parameter, running or at the next boot.
    Sysctl(String),
    /// A rule or policy of a packet filter, as it was printed.
    Rule(String),
    /// An interface, and what is wrong with it.
    Link(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Note,
}
