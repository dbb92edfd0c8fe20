//! Input of the coordinated load: the directors of a run with their keepalived files, and absent members.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::plan::HostPlan;
use crate::resource::file::File;

/// A director of the run.
#[derive(Debug)]
pub struct Director<'a> {
    /// Its present keepalived.conf, with secrets.
    pub before: &'a str,
    /// Its desired keepalived.conf, with placeholders for secrets.
    pub after: &'a File,
    /// The text of the desired keepalived.conf, with secrets.
    pub revealed: &'a str,
    /// Whether keepalived runs on it.
    pub runs: bool,
    /// The addresses that it holds.
    pub holds: BTreeSet<IpAddr>,
    pub plan: &'a mut HostPlan,
}

/// A member of an instance whose host is not part of the run.
#[derive(Debug)]
pub struct Absent<'a> {
    pub instance: &'a str,
    pub host: &'a str,
}
