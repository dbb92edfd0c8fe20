//! Where lvsctl keeps files on hosts. What they contain belongs to the modules that write them.

/// Records of what lvsctl made, and what it needs to undo that.
pub(crate) const STATE: &str = "/var/lib/lvsctl";

/// Files that were there before lvsctl's.
pub(crate) const BACKUPS: &str = "/var/lib/lvsctl/backup";

/// Guards, a folder for each cluster.
pub(crate) const GUARDS: &str = "/var/lib/lvsctl/guard";

pub(crate) fn guard(cluster: &str) -> String {
    format!("{GUARDS}/{cluster}")
}

pub(crate) fn manifest(cluster: &str) -> String {
    format!("{STATE}/{cluster}.json")
}

/// The record of drains. Its name does not end with `.json`, since versions without records take such files for manifests of
/// other clusters.
pub(crate) fn maintenance(cluster: &str) -> String {
    format!("{STATE}/{cluster}.maintenance")
}

/// Held while a run changes the host.
pub(crate) fn lock(cluster: &str) -> String {
    format!("/run/lvsctl-{cluster}.lock")
}

/// State of lvsctl's health checker, whose unit keeps it over restarts.
pub(crate) fn health(cluster: &str) -> String {
    format!("/run/lvsctl-{cluster}-health")
}

/// State of what runs, such as notifications of keepalived; removed with the manifest.
pub(crate) fn runtime(cluster: &str) -> String {
    format!("/run/lvsctl-{cluster}")
}
