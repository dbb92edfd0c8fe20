//! Installed packages, and how old they may be.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use version_compare::{Cmp, compare_to};

use super::distribution::PackageManager;
use super::{Action, Before, Change, Context, Kind, ParseError, Section};
use crate::shell::quote;

/// Packages that are installed together, in one run of the package manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Debian's names.
    pub names: Vec<String>,
    /// The oldest release that will do, where the host has one already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<AtLeast>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    pub version: String,
    /// What needs it.
    pub because: String,
    /// Newer releases that will not do either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Except>,
}

/// Releases with a fault that older and newer ones do not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Except {
    pub first: String,
    pub last: String,
    pub because: String,
}

impl AtLeast {
    /// Why a release will not do: what is needed in its place, and what for.
    fn unfit(&self, version: &str) -> Option<(String, &str)> {
        let compares = |other: &str, how| compare_to(version, other, how) == Ok(true);
        if compares(&self.version, Cmp::Lt) {
            return Some((format!("{} or newer", self.version), &self.because));
        }
        let except = self.except.as_ref()?;
        let within = compares(&except.first, Cmp::Ge) && compares(&except.last, Cmp::Le);
        within.then(|| {
            let needed = format!("newer than {}, or older than {}", except.last, except.first);
            (needed, except.because.as_str())
        })
    }
}

/// An installed release that will not do.
struct Unfit<'a> {
    name: &'a str,
    found: &'a str,
    needed: String,
    because: &'a str,
}

/// The release of a package, without the epoch and the distribution's own revision.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.rsplit_once('-').map_or(version, |(rest, _)| rest)
}

impl Package {
    /// Its names on this host.
    fn known(&self, manager: Option<PackageManager>) -> impl Iterator<Item = &str> {
        self.names
            .iter()
            .filter_map(move |name| manager.map_or(Some(name.as_str()), |m| m.name(name)))
    }

    /// The first whose release will not do.
    fn unfit<'a>(
        &'a self,
        observed: &'a BTreeMap<String, String>,
        manager: Option<PackageManager>,
    ) -> Option<Unfit<'a>> {
        let least = self.at_least.as_ref()?;
        self.known(manager).find_map(|name| {
            let found = observed.get(name).filter(|version| !version.is_empty())?;
            let (needed, because) = least.unfit(found)?;
            Some(Unfit {
                name,
                found,
                needed,
                because,
            })
        })
    }
}

impl Kind for Package {
    const NAME: &'static str = "package";
    const SHAREABLE: bool = true;
    /// What is installed, and its version where the host tells it: empty otherwise.
    type Observed = BTreeMap<String, String>;

    fn key(&self) -> String {
        self.names.join(" ")
    }

    fn probe(wanted: &[&Self]) -> String {
        let names: BTreeSet<&str> = wanted
            .iter()
            .flat_map(|p| p.names.iter().map(String::as_str))
            .collect();
        let names_for = |manager: PackageManager| {
            names
                .iter()
                .filter_map(|name| manager.name(name))
                .map(quote)
                .collect::<Vec<_>>()
                .join(" ")
        };
        // A name may be another package's by now: `iptables` is provided by `iptables-nft`.
        let rpm = r"rpm -q --whatprovides --qf 'installed %{NAME} %{VERSION} [%{PROVIDENAME} ]\n'";
        format!(
            "part installed\nif command -v dpkg-query >/dev/null 2>&1; then\n\
             dpkg-query -W -f '${{db:Status-Status}} ${{Package}} ${{Version}}\\n' {} 2>/dev/null\n\
             elif command -v zypper >/dev/null 2>&1; then {rpm} {} 2>/dev/null\n\
             elif command -v rpm >/dev/null 2>&1; then {rpm} {} 2>/dev/null\n\
             elif command -v apk >/dev/null 2>&1; then apk info -e {} 2>/dev/null\nfi\n",
            names_for(PackageManager::Apt),
            names_for(PackageManager::Zypper),
            names_for(PackageManager::Dnf),
            names_for(PackageManager::Apk),
        )
    }

    fn parse(section: &Section) -> Result<Self::Observed, ParseError> {
        let mut installed = BTreeMap::new();
        for line in section.part("installed").lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                // apk tells the name alone.
                (Some(name), None, _) => {
                    installed.insert(name.to_owned(), String::new());
                }
                (Some("installed"), Some(name), version) => {
                    let version = upstream(version.unwrap_or_default()).to_owned();
                    for provided in words {
                        installed.insert(provided.to_owned(), version.clone());
                    }
                    installed.insert(name.to_owned(), version);
                }
                _ => {}
            }
        }
        Ok(installed)
    }

    fn diff(&self, observed: &Self::Observed, cx: &Context) -> Option<Change> {
        let manager = PackageManager::of(cx.facts);
        let mut missing: Vec<&str> = self
            .known(manager)
            .filter(|name| !observed.contains_key(*name))
            .collect();
        // Two of Debian's packages may be one elsewhere.
        missing.dedup();
        if missing.is_empty() {
            // There is no step for it: which release a host has is for its administrator to say.
            let unfit = self.unfit(observed, manager)?;
            let change = Change::new(Self::NAME, self.key(), Action::Update);
            return Some(change.field(unfit.name, Some(unfit.found), Some(unfit.needed)));
        }
        let names = missing
            .iter()
            .map(|n| quote(n))
            .collect::<Vec<_>>()
            .join(" ");
        let script = manager.map_or_else(String::new, |manager| manager.install(&names));
        let change = Change::new(Self::NAME, self.key(), Action::Create)
            .field("installed", None::<&str>, Some(missing.join(" ")))
            .step(format!("install {}", missing.join(" ")), script);
        Some(change)
    }

    fn refuse(&self, observed: &Self::Observed, cx: &Context) -> Option<String> {
        let Some(manager) = PackageManager::of(cx.facts) else {
            let missing = self.names.iter().any(|name| !observed.contains_key(name));
            return missing.then(|| {
                format!(
                    "expected packages {}, found no package manager that lvsctl knows; install them by hand",
                    self.key()
                )
            });
        };
        if let Some(name) = self.names.iter().find(|name| manager.name(name).is_none()) {
            return Some(format!(
                "expected the package {name}, which is Debian's own; give the host a role of your own that does without it"
            ));
        }
        let Unfit {
            name,
            found,
            needed,
            because,
        } = self.unfit(observed, Some(manager))?;
        Some(format!(
            "expected {name} {needed}, found {found}: {because}; upgrade it"
        ))
    }

    fn words(&self) -> String {
        match &self.at_least {
            None => "installed".to_owned(),
            Some(least) => format!("installed, {} or newer ({})", least.version, least.because),
        }
    }

    /// Packages stay: what else needs them by now cannot be known.
    fn remove(&self, _: &Self::Observed, _: &Before, _: &Context) -> Option<Change> {
        None
    }
}
