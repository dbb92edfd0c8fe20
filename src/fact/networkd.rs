//! What systemd-networkd manages, and drop-in files beside its configuration.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, ParseError, Section};
use crate::shell::quote;

/// Drop-ins for all of systemd-networkd (networkd.conf(5)).
const HOST_FOLDER: &str = "/etc/systemd/networkd.conf.d";
/// Where .network files and their drop-ins are (systemd.network(5)).
pub const FOLDER: &str = "/etc/systemd/network";

/// What is on the host.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The .network file of each interface that systemd-networkd manages.
    pub managed: BTreeMap<String, String>,
    /// Drop-in files and what they hold.
    pub files: BTreeMap<String, String>,
}

/// By the name of the drop-ins.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Networkd(BTreeMap<String, Found>);

impl Networkd {
    pub fn get(&self, name: &str) -> Option<&Found> {
        self.0.get(name)
    }
}

/// The drop-in for all of systemd-networkd.
pub fn host_file(name: &str) -> String {
    format!("{HOST_FOLDER}/{name}.conf")
}

impl Fact for Networkd {
    const NAME: &'static str = "networkd";
    /// Interfaces by the name of the drop-ins, without `.conf`.
    type Ask = BTreeMap<String, BTreeSet<String>>;

    fn command(ask: &Self::Ask) -> String {
        let mut text = String::new();
        for (name, interfaces) in ask {
            let interfaces: Vec<_> = interfaces.iter().map(|s| quote(s)).collect();
            text.push_str(&format!(
                "part managed {name}\nset -- {interfaces}\n\
                 for i do n=; if [ -r \"/sys/class/net/$i/ifindex\" ]; then read -r n <\"/sys/class/net/$i/ifindex\"; fi\n\
                 f=/run/systemd/netif/links/$n; if [ -n \"$n\" ] && [ -r \"$f\" ]; then while IFS= read -r l; do\n\
                 case $l in NETWORK_FILE=?*) printf '%s %s\\n' \"$i\" \"${{l#*=}}\";; esac; done <\"$f\"; fi; done\n\
                 part files {name}\nfor f in {host} {FOLDER}/*.network.d/{name}.conf; do if [ -f \"$f\" ]; then\n\
                 while IFS= read -r l || [ -n \"$l\" ]; do printf '%s %s\\n' \"$f\" \"$l\"; done <\"$f\"; fi; done\nset --\n",
                interfaces = interfaces.join(" "),
                host = host_file(name),
            ));
        }
        text
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let mut all: BTreeMap<String, Found> = BTreeMap::new();
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
        Ok(Self(all))
    }
}
