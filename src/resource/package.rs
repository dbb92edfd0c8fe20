//! Packages that must be installed, with a minimum release if needed.

mod install;

use serde::{Deserialize, Serialize};
use version_compare::{Cmp, compare_to};

use super::{Action, Before, Change, Context, Kind, scalar};
use crate::fact::package::Packages;
use crate::fact::{Facts, Needs, PackageManager};
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
    /// Newer releases that are not suitable either.
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
    /// Why a release is not suitable: the needed release, and for what.
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

/// An unsuitable installed release.
struct Unfit<'a> {
    name: &'a str,
    found: &'a str,
    needed: String,
    because: &'a str,
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
        packages: &'a Packages,
        manager: Option<PackageManager>,
    ) -> Option<Unfit<'a>> {
        let least = self.at_least.as_ref()?;
        self.known(manager).find_map(|name| {
            let found = packages.version(name)?;
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

    fn key(&self) -> String {
        self.names.join(" ")
    }

    fn fault(&self) -> Option<String> {
        if self.names.is_empty() {
            return Some(
                "expected at least one name: write `names: [nginx]`, or delete the entry"
                    .to_owned(),
            );
        }
        let mut names = self.names.iter();
        names.find_map(|name| scalar::no_name("a package's name", name))
    }

    fn needs(&self, needs: &mut Needs) {
        let names = self.names.iter().cloned();
        needs.package.get_or_insert_default().extend(names);
    }

    fn diff(&self, facts: &Facts, _: &Context) -> Option<Change> {
        let manager = PackageManager::of(&facts.system);
        let mut missing: Vec<&str> = self
            .known(manager)
            .filter(|name| !facts.package.has(name))
            .collect();
        // Two Debian packages may be one package on another distribution.
        missing.dedup();
        if missing.is_empty() {
            // No step: the host's administrator decides which release it has.
            let unfit = self.unfit(&facts.package, manager)?;
            let change = Change::new(Self::NAME, self.key(), Action::Update);
            return Some(change.field(unfit.name, Some(unfit.found), Some(unfit.needed)));
        }
        let names = missing
            .iter()
            .map(|n| quote(n))
            .collect::<Vec<_>>()
            .join(" ");
        let script = manager.map_or_else(String::new, |manager| install::install(manager, &names));
        let change = Change::new(Self::NAME, self.key(), Action::Create)
            .field("installed", None::<&str>, Some(missing.join(" ")))
            .step(format!("install {}", missing.join(" ")), script);
        Some(change)
    }

    fn refuse(&self, facts: &Facts, _: &Context) -> Option<String> {
        let Some(manager) = PackageManager::of(&facts.system) else {
            let missing = self.names.iter().any(|name| !facts.package.has(name));
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
        } = self.unfit(&facts.package, Some(manager))?;
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

    /// Packages stay, since other programs may need them by now.
    fn remove(&self, _: &Facts, _: &Before, _: &Context) -> Option<Change> {
        None
    }
}
