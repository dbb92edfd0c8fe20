//! Installed packages. Names differ between distributions; the map is here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::facts::PackageManager;
use super::{Action, Before, Change, Context, Kind, ParseError, Section};
use crate::shell::quote;

/// Packages that are installed together, in one run of the package manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Debian's names.
    pub names: Vec<String>,
}

/// Debian's name, and the names of RHEL and its kin, of openSUSE and of Alpine, where they differ.
const NAMES: &[(&str, [&str; 3])] = &[
    ("iproute2", ["iproute", "iproute2", "iproute2"]),
    ("apache2", ["httpd", "apache2", "apache2"]),
    (
        "nfs-kernel-server",
        ["nfs-utils", "nfs-kernel-server", "nfs-utils"],
    ),
    ("nfs-common", ["nfs-utils", "nfs-client", "nfs-utils"]),
];

fn name_for(manager: PackageManager, name: &str) -> &str {
    let known = NAMES.iter().find(|(debian, _)| *debian == name);
    known.map_or(name, |(debian, [rhel, suse, alpine])| match manager {
        PackageManager::Apt => debian,
        PackageManager::Dnf | PackageManager::Yum => rhel,
        PackageManager::Zypper => suse,
        PackageManager::Apk => alpine,
    })
}

impl Kind for Package {
    const NAME: &'static str = "package";
    /// Names of installed packages, among those asked for.
    type Observed = BTreeSet<String>;

    fn key(&self) -> String {
        self.names.join(" ")
    }

    fn probe(wanted: &[&Self]) -> String {
        let names: BTreeSet<&str> = wanted
            .iter()
            .flat_map(|p| p.names.iter().map(String::as_str))
            .collect();
        let for_manager = |manager| {
            names
                .iter()
                .map(|name| quote(name_for(manager, name)))
                .collect::<Vec<_>>()
                .join(" ")
        };
        format!(
            "part installed\nif command -v dpkg-query >/dev/null 2>&1; then\n\
             dpkg-query -W -f '${{db:Status-Status}} ${{Package}}\\n' {} 2>/dev/null\n\
             elif command -v zypper >/dev/null 2>&1; then rpm -q --qf 'installed %{{NAME}}\\n' {} 2>/dev/null\n\
             elif command -v rpm >/dev/null 2>&1; then rpm -q --qf 'installed %{{NAME}}\\n' {} 2>/dev/null\n\
             elif command -v apk >/dev/null 2>&1; then apk info -e {} 2>/dev/null\nfi\n",
            for_manager(PackageManager::Apt),
            for_manager(PackageManager::Zypper),
            for_manager(PackageManager::Dnf),
            for_manager(PackageManager::Apk),
        )
    }

    fn parse(section: &Section) -> Result<Self::Observed, ParseError> {
        let installed = |line: &str| match line.split_once(' ') {
            Some(("installed", name)) => Some(name.to_owned()),
            Some(_) => None,
            None => Some(line.to_owned()),
        };
        Ok(section
            .part("installed")
            .lines()
            .filter_map(installed)
            .collect())
    }

    fn diff(&self, observed: &Self::Observed, cx: &Context) -> Option<Change> {
        let manager = cx.facts.package_manager();
        let mut missing: Vec<&str> = self
            .names
            .iter()
            .map(|n| manager.map_or(n.as_str(), |m| name_for(m, n)))
            .filter(|n| !observed.contains(*n))
            .collect();
        // Two of Debian's packages may be one elsewhere.
        missing.dedup();
        if missing.is_empty() {
            return None;
        }
        let names = missing
            .iter()
            .map(|n| quote(n))
            .collect::<Vec<_>>()
            .join(" ");
        let script = match manager {
            Some(PackageManager::Apt) => {
                // A list that was never fetched knows no package; fetching it is slow, so only then.
                let install = format!(
                    "apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold install --no-install-recommends {names}"
                );
                format!(
                    "export DEBIAN_FRONTEND=noninteractive\n{install} || {{ apt-get -q update && {install}; }}"
                )
            }
            Some(PackageManager::Dnf) => format!("dnf -q -y install {names}"),
            Some(PackageManager::Yum) => format!("yum -q -y install {names}"),
            Some(PackageManager::Zypper) => format!("zypper -q -n install {names}"),
            Some(PackageManager::Apk) => format!("apk add -q {names}"),
            None => String::new(),
        };
        let change = Change::new(Self::NAME, self.key(), Action::Create)
            .field("installed", None::<&str>, Some(missing.join(" ")))
            .step(format!("install {}", missing.join(" ")), script);
        Some(change)
    }

    fn refuse(&self, observed: &Self::Observed, cx: &Context) -> Option<String> {
        let missing = self.names.iter().any(|name| !observed.contains(name));
        (missing && cx.facts.package_manager().is_none()).then(|| {
            format!(
                "expected packages {}, found no package manager that lvsctl knows; install them by hand",
                self.key()
            )
        })
    }

    /// Packages stay: what else needs them by now cannot be known.
    fn remove(&self, _: &Self::Observed, _: &Before, _: &Context) -> Option<Change> {
        None
    }
}
