//! The harm that a line of a boot source does to the cluster's part of a host, and what to do about it. Pure.

use std::net::IpAddr;

use super::ours::Ours;
use crate::check::Check;
use crate::fact::boot_source::Line;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Harm {
    pub(super) check: &'static Check,
    /// The effect, as the predicate of a sentence that begins with "it".
    pub(super) does: String,
    /// The kernel parameter, as sysctl(8) writes it.
    pub(super) sysctl: Option<String>,
    /// The VIP that it adds or deletes.
    pub(super) vip: Option<IpAddr>,
    /// Numbers of further lines that must be removed together with this one.
    pub(super) with: Vec<usize>,
    /// The line to write instead; None: delete it.
    pub(super) instead: Option<String>,
    /// The fix in words, where deleting lines is none.
    pub(super) advice: Option<String>,
}

impl Harm {
    pub(super) fn new(check: &'static Check, does: impl Into<String>) -> Self {
        Self {
            check,
            does: does.into(),
            sysctl: None,
            vip: None,
            with: Vec::new(),
            instead: None,
            advice: None,
        }
    }

    pub(super) fn advised(mut self, advice: String) -> Self {
        self.advice = Some(advice);
        self
    }

    /// Sets the VIP, if the address is one.
    pub(super) fn of_address(mut self, address: IpAddr, ours: &Ours) -> Self {
        self.vip = Some(address).filter(|address| ours.vips.contains(address));
        self
    }

    /// Adds all lines of the file as lines to remove.
    pub(super) fn with_all(mut self, lines: &[Line]) -> Self {
        self.with = lines.iter().map(|line| line.number).collect();
        self
    }
}
