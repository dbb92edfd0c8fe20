//! The root file systems that hosts share, one for each Debian release: a bare server, with a package repository that
//! hosts install from, and a layer in which iptables is the legacy backend.

use std::path::{Path, PathBuf};

use super::error::LabError;
use super::image::{self, Recipe};
use crate::cancel::CancelToken;
use crate::model::Suite;

/// Where root file systems and kernels are kept between labs.
pub const DEFAULT_CACHE: &str = "/var/cache/lvsctl/lab";

/// The layer for hosts with the legacy backend, beside the root.
pub(super) const LEGACY_LAYER: &str = "legacy";

/// What every host has from the start: a bare server that can be reached.
const BASE: &[&str] = &[
    "arptables",
    "curl",
    "dbus",
    "iproute2",
    "iptables",
    "iputils-arping",
    "iputils-ping",
    "kmod",
    "openssh-server",
    "procps",
    "sudo",
    "systemd",
    "systemd-sysv",
];

/// What hosts can install, offline, from the repository in them. Each brings all that it depends on.
const OFFERED: &[&str] = &[
    "apache2",
    "apache2-utils",
    "arptables",
    "conntrack",
    "ethtool",
    "ipvsadm",
    "keepalived",
    "netcat-openbsd",
    "nfs-common",
    "nfs-kernel-server",
    "nftables",
    "nginx",
    "nginx-light",
    "openssl",
    "socat",
    "ssl-cert",
    "tcpdump",
];

const OPTIONS: &[&str] = &[
    "--variant=minbase",
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
];

/// The folder of a release's root file system; built where the cache has none.
pub(super) fn ensure(
    cache: &Path,
    suite: Suite,
    cancel: &CancelToken,
    say: &mut dyn FnMut(&str),
) -> Result<PathBuf, LabError> {
    let offered = OFFERED.join(" ");
    let recipe = Recipe {
        suite: suite.into(),
        options: OPTIONS,
        packages: BASE,
        hook: "customize",
        script: include_str!("rootfs/customize.sh"),
        environment: &[("OFFERED", &offered)],
    };
    image::ensure(cache, &recipe, cancel, say)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_bare() {
        for package in ["keepalived", "ipvsadm", "nginx"] {
            assert!(OFFERED.contains(&package));
            assert!(!BASE.contains(&package));
        }
    }
}
