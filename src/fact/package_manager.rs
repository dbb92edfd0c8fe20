//! Package managers, and the names of Debian's packages in each. How a package is installed belongs in
//! `resource::package`.

use std::fmt;

use super::System;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    Apt,
    Dnf,
    Yum,
    Zypper,
    Apk,
}

impl PackageManager {
    pub fn of(system: &System) -> Option<Self> {
        [Self::Apt, Self::Dnf, Self::Yum, Self::Zypper, Self::Apk]
            .into_iter()
            .find(|manager| system.has(&manager.to_string()))
    }

    /// What it calls the package that Debian has under `name`; `None` where there is no such package.
    pub fn name(self, name: &str) -> Option<&str> {
        let Some((debian, others)) = PACKAGES.iter().find(|(debian, _)| *debian == name) else {
            return Some(name);
        };
        let [rhel, suse, alpine] = others;
        let known = match self {
            Self::Apt => debian,
            Self::Dnf | Self::Yum => rhel,
            Self::Zypper => suse,
            Self::Apk => alpine,
        };
        (!known.is_empty()).then_some(known)
    }
}

/// Debian's name, and the names of RHEL and derivatives, of openSUSE and of Alpine, where they differ; empty where they
/// have none.
const PACKAGES: &[(&str, [&str; 3])] = &[
    ("iproute2", ["iproute", "iproute2", "iproute2"]),
    ("apache2", ["httpd", "apache2", "apache2"]),
    (
        "nfs-kernel-server",
        ["nfs-utils", "nfs-kernel-server", "nfs-utils"],
    ),
    ("nfs-common", ["nfs-utils", "nfs-client", "nfs-utils"]),
    ("ssl-cert", ["", "", ""]),
];

impl fmt::Display for PackageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Yum => "yum",
            Self::Zypper => "zypper",
            Self::Apk => "apk",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_have_their_names() {
        for (manager, name, want) in [
            (PackageManager::Apt, "nfs-common", Some("nfs-common")),
            (PackageManager::Dnf, "nfs-common", Some("nfs-utils")),
            (PackageManager::Zypper, "nfs-common", Some("nfs-client")),
            (PackageManager::Apk, "keepalived", Some("keepalived")),
            (PackageManager::Dnf, "ssl-cert", None),
        ] {
            assert_eq!(manager.name(name), want, "{manager} {name}");
        }
    }
}
