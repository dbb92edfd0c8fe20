//! The control group of a lab on this machine's own kernel.

use std::path::PathBuf;

/// The control group of a native lab.
pub(super) fn name(lab: &str) -> String {
    format!("lvsctl-lab-{lab}")
}

/// Where control groups version 2 are mounted, alone or beside version 1.
pub(super) fn unified() -> Option<PathBuf> {
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| {
            nix::sys::statfs::statfs(path)
                .is_ok_and(|s| s.filesystem_type() == nix::sys::statfs::CGROUP2_SUPER_MAGIC)
        })
}
