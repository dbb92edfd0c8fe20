//! Installed packages, by the package manager that the host has.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, PackageManager, ParseError, Section};
use crate::shell::quote;

/// Installed packages with their versions; empty if the host does not show the version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packages(BTreeMap<String, String>);

impl Packages {
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The release of an installed package, where it is known.
    pub fn version(&self, name: &str) -> Option<&str> {
        let version = self.0.get(name)?.as_str();
        Some(version).filter(|version| !version.is_empty())
    }
}

/// The release of a package, without the epoch and the distribution's own revision.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.rsplit_once('-').map_or(version, |(rest, _)| rest)
}

impl Fact for Packages {
    const NAME: &'static str = "package";
    /// Debian's names.
    type Ask = BTreeSet<String>;

    fn command(ask: &Self::Ask) -> String {
        let names_for = |manager: PackageManager| {
            let names: Vec<&str> = ask.iter().filter_map(|name| manager.name(name)).collect();
            quote(&names.join(" "))
        };
        format!(
            "apt={}\nzypper={}\ndnf={}\napk={}\n{}",
            names_for(PackageManager::Apt),
            names_for(PackageManager::Zypper),
            names_for(PackageManager::Dnf),
            names_for(PackageManager::Apk),
            include_str!("scripts/package.sh")
        )
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let mut installed = BTreeMap::new();
        for line in section.part("installed").lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                // apk prints the name alone.
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
        Ok(Self(installed))
    }
}
