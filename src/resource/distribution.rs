//! What differs between distributions, in one place: how packages come and what they are called, who runs services,
//! and where files belong. Facts decide; nothing else asks what a host's distribution is.

use std::fmt;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    Apt,
    Dnf,
    Yum,
    Zypper,
    Apk,
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

    /// What most hosts have: the first guess, before a host has answered.
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

impl PackageManager {
    pub fn of(system: &System) -> Option<Self> {
        [Self::Apt, Self::Dnf, Self::Yum, Self::Zypper, Self::Apk]
            .into_iter()
            .find(|manager| system.has(&manager.to_string()))
    }

    pub fn install(self, names: &str) -> String {
        match self {
            Self::Apt => {
                // A list that was never fetched knows no package; fetching it is slow, so only then. No option of apt
                // waits for the lock of the lists, which apt-daily has for minutes after a boot. What a crash interrupted is
                // completed first: apt refuses to install anything before that.
                format!(
                    "export DEBIAN_FRONTEND=noninteractive\n\
                     get() {{ apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold install --no-install-recommends {names}; }}\n\
                     get || {{\n\
                     dpkg --force-confold --configure -a || :\n\
                     n=0; until out=$(apt-get -q update 2>&1); do\n\
                     case $out in *'Could not get lock'*) n=$((n + 1));; *) n=24;; esac\n\
                     if [ \"$n\" -ge 24 ]; then printf '%s\\n' \"$out\" >&2; exit 1; fi\n\
                     sleep 5; done\n\
                     get; }}"
                )
            }
            Self::Dnf => format!("dnf -q -y install {names}"),
            Self::Yum => format!("yum -q -y install {names}"),
            Self::Zypper => format!("zypper -q -n install {names}"),
            Self::Apk => format!("apk add -q {names}"),
        }
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

    fn facts(os: &str, tools: &[&str], systemd: bool) -> System {
        System {
            os: os.split(' ').map(str::to_owned).collect(),
            tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
            systemd,
            ..System::default()
        }
    }

    /// Waits for a lock of the lists that another holds, and for nothing else.
    #[test]
    fn apt_waits_for_its_lists() {
        let locked = "E: Could not get lock /var/lib/apt/lists/lock.";
        for (update, status, said) in [
            // What the first tries to fetch the lists print, before one succeeds; then how it ends.
            (&[locked, locked][..], 0, "wait wait got a"),
            (&["E: no network"], 1, "E: no network"),
            (&[], 0, "got a"),
        ] {
            let tries: Vec<String> = update
                .iter()
                .enumerate()
                .map(|(n, text)| {
                    format!("{n}) echo '{text}'; echo $((n + 1)) >\"$d/tries\"; return 100;;")
                })
                .collect();
            let fakes = format!(
                "d=$(mktemp -d); echo 0 >\"$d/tries\"\n\
                 sleep() {{ printf 'wait '; }}\n\
                 apt-get() {{ case \"$*\" in *update) n=$(cat \"$d/tries\"); case $n in {} *) : >\"$d/lists\";; esac;;\n\
                 *) [ -e \"$d/lists\" ] || return 100; echo got \"${{@: -1}}\";; esac; }}\n\
                 dpkg() {{ :; }}\n\
                 trap 'rm -rf \"$d\"' EXIT\nset -eu\n",
                tries.join(" ")
            );
            // Only bash has functions with a `-` in their names.
            let output = std::process::Command::new("bash")
                .args([
                    "-c",
                    &format!("{fakes}{}", PackageManager::Apt.install("a")),
                ])
                .output()
                .expect("bash");
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text);
            assert_eq!(
                (output.status.code(), text.trim()),
                (Some(status), said),
                "{update:?}"
            );
        }
    }

    #[test]
    fn what_a_crash_interrupted_is_completed() {
        let fakes = "f=$(mktemp)\ntrap 'rm -f \"$f\"' EXIT\n\
                     dpkg() { rm \"$f\"; }\n\
                     apt-get() { case \"$*\" in *update) ;; *) [ ! -e \"$f\" ] || return 100; echo got \"${@: -1}\";; esac; }\n\
                     set -eu\n";
        let script = format!("{fakes}{}", PackageManager::Apt.install("a"));
        let output = std::process::Command::new("bash")
            .args(["-c", &script])
            .output()
            .expect("bash");
        let text = [output.stdout, output.stderr].concat();
        assert_eq!(String::from_utf8_lossy(&text), "got a\n");
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
