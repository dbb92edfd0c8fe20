//! What a check expected and found where the two differ.

use std::net::IpAddr;

use super::Cause;
use super::finding::{About, Severity};

/// What was expected, what was found, and how to fix it.
#[derive(Debug, Clone)]
pub struct Mismatch {
    pub expected: String,
    pub found: String,
    pub fix: String,
    pub severity: Severity,
    pub(super) cause: Option<Cause>,
    pub(super) about: About,
}

impl Mismatch {
    pub fn new(
        expected: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            expected: expected.into(),
            found: found.into(),
            fix: fix.into(),
            severity: Severity::Error,
            cause: None,
            about: About::default(),
        }
    }

    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    #[must_use]
    pub fn because(mut self, cause: Option<Cause>) -> Self {
        self.cause = cause;
        self
    }

    /// The service whose clients notice.
    #[must_use]
    pub fn of_service(mut self, name: &str) -> Self {
        self.about.service = Some(name.to_owned());
        self
    }

    #[must_use]
    pub fn of_vip(mut self, vip: IpAddr) -> Self {
        self.about.vip = Some(vip);
        self
    }

    /// A host whose fault it seems to be, other than the one where it was seen.
    #[must_use]
    pub fn points_at(mut self, host: &str) -> Self {
        self.about.hosts.insert(host.to_owned());
        self
    }

    /// A server answered, though wrongly.
    #[must_use]
    pub fn answered(mut self) -> Self {
        self.about.answered = true;
        self
    }

    /// It has an effect only at the next boot, start or takeover, so it does not explain present faults.
    #[must_use]
    pub fn later(mut self) -> Self {
        self.about.later = true;
        self
    }
}
