//! Differences between distributions: service managers, and paths of files. Package managers are in `fact::package_manager`.
//! The facts decide; no other module tests a host's distribution.

use serde::Serialize;

use super::service_manager::ServiceManager;
use crate::fact::System;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Debian, Ubuntu and derivatives.
    Debian,
    /// RHEL, `CentOS`, Rocky, Alma, Fedora.
    Rhel,
    /// openSUSE and SLES.
    Suse,
    Alpine,
}

/// Roles and templates see it as `os`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Distribution {
    pub family: Family,
    pub service_manager: ServiceManager,
    /// The mode of a file that defines a unit.
    pub definition_mode: &'static str,
    pub nfs_server: &'static str,
    pub nginx: Nginx,
    /// Whether the kernel is Linux 5.9 or later, or its release is not known.
    pub linux_5_9: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Nginx {
    /// The folder of pages that the package's own server shows.
    pub root: &'static str,
    /// The file that we may write.
    pub site: &'static str,
    /// Whether the package's own server shows that folder on port 80.
    pub shows: bool,
}

impl Distribution {
    pub fn new(family: Family) -> Self {
        let service_manager = match family {
            Family::Alpine => ServiceManager::Openrc,
            _ => ServiceManager::Systemd,
        };
        Self::with(family, service_manager, true)
    }

    /// The most common distribution, assumed before a host has answered.
    pub fn assumed() -> Self {
        Self::new(Family::Debian)
    }

    pub fn of(system: &System) -> Self {
        let one_of = |names: &[&str]| system.os.iter().any(|id| names.contains(&id.as_str()));
        let family = if one_of(&["debian", "ubuntu"]) {
            Family::Debian
        } else if one_of(&["rhel", "centos", "fedora"]) {
            Family::Rhel
        } else if one_of(&["suse", "opensuse", "sles"]) {
            Family::Suse
        } else if one_of(&["alpine"]) {
            Family::Alpine
        } else {
            Family::Debian
        };
        let linux_5_9 = system.is_linux_at_least(5, 9).unwrap_or(true);
        Self::with(family, ServiceManager::of(system), linux_5_9)
    }

    fn with(family: Family, service_manager: ServiceManager, linux_5_9: bool) -> Self {
        let conf_d = "/etc/nginx/conf.d/lvsctl.conf";
        let (root, site, shows) = match family {
            Family::Debian => ("/var/www/html", conf_d, true),
            Family::Rhel => ("/usr/share/nginx/html", conf_d, true),
            Family::Suse => ("/srv/www/htdocs", conf_d, true),
            // Its default server answers 404 to all; ours stands in its place.
            Family::Alpine => (
                "/var/www/localhost/htdocs",
                "/etc/nginx/http.d/default.conf",
                false,
            ),
        };
        Self {
            family,
            service_manager,
            definition_mode: match service_manager {
                ServiceManager::Systemd => "0644",
                ServiceManager::Openrc => "0755",
            },
            nfs_server: match family {
                Family::Alpine => "nfs.service",
                _ => "nfs-server.service",
            },
            nginx: Nginx { root, site, shows },
            linux_5_9,
        }
    }

    pub fn definition(&self, unit: &str) -> String {
        self.service_manager.definition(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(os: &str, tools: &[&str], systemd: bool) -> System {
        System {
            os: os.split(' ').map(str::to_owned).collect(),
            tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
            systemd,
            ..System::default()
        }
    }

    #[test]
    fn a_host_is_of_a_family() {
        use Family::{Alpine, Debian, Rhel, Suse};
        use ServiceManager::{Openrc, Systemd};
        // `ID` and `ID_LIKE` as each distribution's os-release has them.
        for (os, tools, systemd, family, service_manager) in [
            ("debian", &["apt-get"][..], true, Debian, Systemd),
            ("ubuntu debian", &["apt-get"], true, Debian, Systemd),
            ("rocky rhel centos fedora", &["dnf"], true, Rhel, Systemd),
            ("centos rhel fedora", &["yum"], true, Rhel, Systemd),
            ("fedora", &["dnf"], true, Rhel, Systemd),
            (
                "opensuse-leap suse opensuse",
                &["zypper"],
                true,
                Suse,
                Systemd,
            ),
            ("sles suse", &["zypper"], true, Suse, Systemd),
            ("alpine", &["apk", "rc-service"], false, Alpine, Openrc),
            (
                "devuan debian",
                &["apt-get", "rc-service"],
                false,
                Debian,
                Openrc,
            ),
            ("void", &[], false, Debian, Systemd),
        ] {
            let found = Distribution::of(&facts(os, tools, systemd));
            assert_eq!(found.family, family, "{os}");
            assert_eq!(found.service_manager, service_manager, "{os}");
        }
    }
}
