//! Findings that the inventory accepts for a time.

use serde::Serialize;

use super::Date;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiver {
    /// The id of a check.
    pub check: String,
    /// None: on every host, and of the cluster as a whole.
    pub host: Option<String>,
    /// None: whatever was looked at.
    pub what: Option<String>,
    /// The last day on which it holds.
    pub until: Option<Date>,
    pub reason: String,
}
