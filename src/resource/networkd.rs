//! Drop-ins that make systemd-networkd keep foreign addresses (VIPs), neighbours and routes of its interfaces; systemd 257
//! otherwise deletes them when it restarts. Hosts whose interfaces it does not manage need none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Change, Context, Kind, scalar};
use crate::fact::networkd::{FOLDER, Found, host_file};
use crate::fact::{Facts, Needs};
use crate::shell::{command, folder, heredoc, in_place, quote};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Networkd {
    /// Name of the drop-in files, without their folders and `.conf`.
    pub name: String,
    pub interfaces: Vec<String>,
}

/// For one interface (systemd.network(5)): static addresses, neighbours and routes stay when systemd-networkd starts.
const OF_INTERFACE: &str = "[Network]\nKeepConfiguration=static\n";
/// For all of systemd-networkd (networkd.conf(5)): routes of others stay, whatever their protocol is.
const OF_HOST: &str = "[Network]\nManageForeignRoutes=no\n";
impl Networkd {
    /// The files that this host must have, by path.
    fn desired(&self, found: &Found) -> BTreeMap<String, &'static str> {
        let managed = self.interfaces.iter().filter_map(|i| found.managed.get(i));
        let mut files: BTreeMap<_, _> = managed
            .filter_map(|file| file.rsplit('/').next())
            .map(|file| {
                (
                    format!("{FOLDER}/{file}.d/{}.conf", self.name),
                    OF_INTERFACE,
                )
            })
            .collect();
        if !files.is_empty() {
            files.insert(host_file(&self.name), OF_HOST);
        }
        files
    }
}

fn writing(path: &str, text: &str) -> String {
    let make = command(["mkdir", "-p", folder(path)]);
    // systemd-networkd does not read files with this suffix.
    let stage = format!("{path}.lvsctl-new");
    let write = heredoc(&format!("cat >{}", quote(&stage)), text);
    format!("{make}\n{}", in_place(&write, &stage, path))
}

/// Shell text that deletes a file, and its folder if that is empty.
fn removing(path: &str) -> String {
    format!(
        "{}\n{} 2>/dev/null || :\n",
        command(["rm", "-f", path]),
        command(["rmdir", folder(path)])
    )
}

fn setting(text: &str) -> String {
    let lines = text.lines().filter(|line| line.contains('='));
    lines.collect::<Vec<_>>().join(", ")
}

impl Kind for Networkd {
    const NAME: &'static str = "networkd";

    fn key(&self) -> String {
        self.name.clone()
    }

    fn fault(&self) -> Option<String> {
        let odd = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
        if self.name.is_empty() || self.name.contains(odd) {
            return Some(format!(
                "expected the name of a drop-in file, found `{}`: write letters, digits, `-`, `_` and `.`",
                self.name
            ));
        }
        self.interfaces
            .iter()
            .find_map(|name| scalar::no_interface(name))
    }

    fn needs(&self, needs: &mut Needs) {
        let interfaces = self.interfaces.iter().cloned();
        let all = needs.networkd.get_or_insert_default();
        all.entry(self.name.clone()).or_default().extend(interfaces);
    }

    fn diff(&self, facts: &Facts, _: &Context) -> Option<Change> {
        let none = Found::default();
        let found = facts.networkd.get(&self.name).unwrap_or(&none);
        let desired = self.desired(found);
        let action = if found.files.is_empty() {
            Action::Create
        } else {
            Action::Update
        };
        let mut change = Change::new(Self::NAME, self.key(), action);
        let mut script = String::new();
        for (path, text) in &desired {
            let there = found.files.get(path);
            if there.is_some_and(|there| there == text) {
                continue;
            }
            change = change.field(path, there.map(|t| setting(t)), Some(setting(text)));
            script.push_str(&writing(path, text));
        }
        // Drop-ins of a .network file that no longer configures an interface.
        for (path, text) in &found.files {
            if !desired.contains_key(path) {
                change = change.field(path, Some(setting(text)), None::<&str>);
                script.push_str(&removing(path));
            }
        }
        if script.is_empty() {
            return None;
        }
        Some(change.step("write drop-ins of systemd-networkd", script))
    }

    fn remove(&self, facts: &Facts, _: &Before, _: &Context) -> Option<Change> {
        let found = facts
            .networkd
            .get(&self.name)
            .filter(|f| !f.files.is_empty())?;
        let mut change = Change::new(Self::NAME, self.key(), Action::Remove);
        let mut script = String::new();
        for (path, text) in &found.files {
            change = change.field(path, Some(setting(text)), None::<&str>);
            script.push_str(&removing(path));
        }
        Some(change.step("remove drop-ins of systemd-networkd", script))
    }

    fn words(&self) -> String {
        "systemd-networkd, where it manages these, leaves addresses, neighbours and routes of others".to_owned()
    }
}
