//! Running values of kernel parameters, as /proc/sys shows them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, ParseError, Section};
use crate::shell::quote;

/// Value by path; the lines of a parameter that has several are joined by blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sysctls(BTreeMap<String, String>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Paths below /proc/sys, whole.
    pub paths: BTreeSet<String>,
    /// Parameters of each interface, by their names in /proc/sys/net/ipv4/conf/INTERFACE.
    pub of_interfaces: BTreeSet<&'static str>,
}

impl Ask {
    /// A path that a parameter of all interfaces has already; it would be printed twice.
    fn is_of_interface(&self, path: &str) -> bool {
        let rest = path
            .strip_prefix(CONF)
            .and_then(|rest| rest.split_once('/'));
        rest.is_some_and(|(_, name)| self.of_interfaces.contains(name))
    }
}

const CONF: &str = "/proc/sys/net/ipv4/conf/";

impl Sysctls {
    /// None: the kernel has no such parameter.
    pub fn get(&self, path: &str) -> Option<&String> {
        self.0.get(path)
    }

    /// Whether the host shows any parameter that is in this folder itself.
    pub fn has_in(&self, folder: &str) -> bool {
        let mut paths = self.0.keys();
        paths.any(|path| {
            path.rsplit_once('/')
                .is_some_and(|(above, _)| above == folder)
        })
    }

    /// Whether the host shows the parameters of any interface.
    pub fn has_interfaces(&self) -> bool {
        self.0.keys().any(|path| path.starts_with(CONF))
    }

    /// A parameter of an interface, as a number.
    pub fn of_interface(&self, interface: &str, name: &str) -> Option<u8> {
        self.get(&format!("{CONF}{interface}/{name}"))?
            .trim()
            .parse()
            .ok()
    }

    /// The effective value of an interface: the larger of `all` and the interface's (ip-sysctl, kernel documentation).
    pub fn larger(&self, interface: &str, name: &str) -> Option<u8> {
        let all = self.of_interface("all", name)?;
        Some(all.max(self.of_interface(interface, name)?))
    }

    #[cfg(test)]
    pub fn of<const N: usize>(values: [(&str, &str); N]) -> Self {
        let owned = |(path, value): (&str, &str)| (path.to_owned(), value.to_owned());
        Self(values.into_iter().map(owned).collect())
    }
}

impl Fact for Sysctls {
    const NAME: &'static str = "sysctl";
    type Ask = Ask;

    fn command(ask: &Ask) -> String {
        let paths = ask.paths.iter().filter(|path| !ask.is_of_interface(path));
        let paths = paths.map(|path| quote(path));
        let globs = ask
            .of_interfaces
            .iter()
            .map(|name| format!("{CONF}*/{name}"));
        let all: Vec<String> = paths.chain(globs).collect();
        format!("part values\ngrep -aHs '' {} /dev/null\n", all.join(" "))
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let mut values = Self::default();
        let lines = section.part("values").lines();
        for line in lines.filter(|line| !line.is_empty()) {
            let (path, value) = line
                .split_once(':')
                .ok_or_else(|| ParseError::new(Self::NAME, format!("odd line {line:?}")))?;
            let entry = values.0.entry(path.to_owned()).or_default();
            if !entry.is_empty() {
                entry.push(' ');
            }
            entry.push_str(value);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_asked_for_twice() {
        let ask = Ask {
            paths: ["arp_ignore", "forwarding"]
                .map(|name| format!("{CONF}all/{name}"))
                .into(),
            of_interfaces: ["arp_ignore"].into(),
        };
        assert_eq!(
            Sysctls::command(&ask),
            format!(
                "part values\ngrep -aHs '' {CONF}all/forwarding {CONF}*/arp_ignore /dev/null\n"
            )
        );
    }
}
