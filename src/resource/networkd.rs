//! Lets systemd-networkd leave alone what others add to an interface: VIPs, permanent neighbours and routes. Without it,
//! systemd 257 drops them when it starts again. Hosts whose interfaces it does not manage have nothing of this kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Change, Context, Kind, ParseError, Section};
use crate::shell::{command, heredoc, quote};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Networkd {
    /// Name of the drop-in files, without their folders and `.conf`.
    pub name: String,
    pub interfaces: Vec<String>,
}

/// What is on the host.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The .network file of each interface that systemd-networkd manages.
    managed: BTreeMap<String, String>,
    /// Drop-in files and what they hold.
    files: BTreeMap<String, String>,
}

/// For one interface (systemd.network(5)): static addresses, neighbours and routes stay when systemd-networkd starts.
const OF_INTERFACE: &str = "[Network]\nKeepConfiguration=static\n";
/// For all of systemd-networkd (networkd.conf(5)): routes of others stay, whatever their protocol is.
const OF_HOST: &str = "[Network]\nManageForeignRoutes=no\n";
const HOST_FOLDER: &str = "/etc/systemd/networkd.conf.d";
const FOLDER: &str = "/etc/systemd/network";

impl Networkd {
    fn host_file(&self) -> String {
        format!("{HOST_FOLDER}/{}.conf", self.name)
    }

    /// The files that this host must have, by path.
    fn wanted(&self, found: &Found) -> BTreeMap<String, &'static str> {
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
            files.insert(self.host_file(), OF_HOST);
        }
        files
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("/", |(folder, _)| folder)
}

fn writing(path: &str, text: &str) -> String {
    let make = command(["mkdir", "-p", folder(path)]);
    let write = heredoc(&format!("cat >{}", quote(path)), text);
    format!("{make}\n{write}")
}

/// With its folder, where nothing else is in that.
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
    type Observed = BTreeMap<String, Found>;

    fn key(&self) -> String {
        self.name.clone()
    }

    fn fault(&self) -> Option<String> {
        let odd = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
        (self.name.is_empty() || self.name.contains(odd))
            .then(|| format!("{:?} cannot name a drop-in file", self.name))
    }

    fn probe(wanted: &[&Self]) -> String {
        let mut text = String::new();
        for resource in wanted {
            let interfaces: Vec<_> = resource.interfaces.iter().map(|i| quote(i)).collect();
            text.push_str(&format!(
                "part managed {name}\nset -- {interfaces}\n\
                 for i do n=; if [ -r \"/sys/class/net/$i/ifindex\" ]; then read -r n <\"/sys/class/net/$i/ifindex\"; fi\n\
                 f=/run/systemd/netif/links/$n; if [ -n \"$n\" ] && [ -r \"$f\" ]; then while IFS= read -r l; do\n\
                 case $l in NETWORK_FILE=?*) printf '%s %s\\n' \"$i\" \"${{l#*=}}\";; esac; done <\"$f\"; fi; done\n\
                 part files {name}\nfor f in {host} {FOLDER}/*.network.d/{name}.conf; do if [ -f \"$f\" ]; then\n\
                 while IFS= read -r l || [ -n \"$l\" ]; do printf '%s %s\\n' \"$f\" \"$l\"; done <\"$f\"; fi; done\nset --\n",
                name = resource.name,
                interfaces = interfaces.join(" "),
                host = resource.host_file(),
            ));
        }
        text
    }

    fn parse(section: &Section) -> Result<Self::Observed, ParseError> {
        let mut all: Self::Observed = BTreeMap::new();
        let odd = |line: &str| ParseError::new(Self::NAME, format!("odd line {line:?}"));
        for (name, text) in section.parts_of("managed") {
            let found = all.entry(name.to_owned()).or_default();
            for line in text.lines() {
                let (interface, file) = line.split_once(' ').ok_or_else(|| odd(line))?;
                if !file.starts_with('/') || !file.ends_with(".network") {
                    return Err(odd(line));
                }
                found.managed.insert(interface.to_owned(), file.to_owned());
            }
        }
        for (name, text) in section.parts_of("files") {
            let found = all.entry(name.to_owned()).or_default();
            for line in text.lines() {
                let (path, line) = line.split_once(' ').ok_or_else(|| odd(line))?;
                let file = found.files.entry(path.to_owned()).or_default();
                file.push_str(line);
                file.push('\n');
            }
        }
        Ok(all)
    }

    fn diff(&self, observed: &Self::Observed, _: &Context) -> Option<Change> {
        let none = Found::default();
        let found = observed.get(&self.name).unwrap_or(&none);
        let wanted = self.wanted(found);
        let action = if found.files.is_empty() {
            Action::Create
        } else {
            Action::Update
        };
        let mut change = Change::new(Self::NAME, self.key(), action);
        let mut script = String::new();
        for (path, text) in &wanted {
            let there = found.files.get(path);
            if there.is_some_and(|there| there == text) {
                continue;
            }
            change = change.field(path, there.map(|t| setting(t)), Some(setting(text)));
            script.push_str(&writing(path, text));
        }
        // An interface that another .network file configures now.
        for (path, text) in &found.files {
            if !wanted.contains_key(path) {
                change = change.field(path, Some(setting(text)), None::<&str>);
                script.push_str(&removing(path));
            }
        }
        if script.is_empty() {
            return None;
        }
        Some(change.step("write drop-ins of systemd-networkd", script))
    }

    fn remove(&self, observed: &Self::Observed, _: &Before, _: &Context) -> Option<Change> {
        let found = observed.get(&self.name).filter(|f| !f.files.is_empty())?;
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
