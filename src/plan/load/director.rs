//! Directors whose keepalived files change together, as a run knows them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::plan::HostPlan;
use crate::resource::file::File;

/// A director of the run.
#[derive(Debug)]
pub struct Director<'a> {
    /// Its keepalived.conf as it is, secrets included.
    pub before: &'a str,
    /// As it will be, with placeholders for secrets.
    pub after: &'a File,
    /// As it will be, secrets included.
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
