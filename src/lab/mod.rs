//! The lab: an inventory's hosts on this machine, as systemd containers behind a network namespace of the lab's own.
//! What a cluster is, and what runs on its hosts, is not known here.

pub mod from_cluster;
pub mod spec;
