//! The system of a host: distribution, kernel, tools, and the user that runs commands. These decide how a step is done, never
//! what is desired.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Fact, ParseError, Section};

/// Tools that some step or check may use, and that a Debian host with what the built-in roles install has.
const USUAL: &[&str] = &[
    "apt-get",
    "arping",
    "bash",
    "curl",
    "flock",
    "ip",
    "ip6tables",
    "iptables",
    "iptables-save",
    "ipvsadm",
    "keepalived",
    "modprobe",
    "systemctl",
];

/// Tools of other distributions.
const ELSEWHERE: &[&str] = &["apk", "dnf", "rc-service", "yum", "zypper"];

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct System {
    /// `ID` and `ID_LIKE` of os-release(5).
    pub os: Vec<String>,
    pub os_version: String,
    pub kernel: String,
    pub uid: Option<u32>,
    pub systemd: bool,
    pub tools: BTreeSet<String>,
}

impl Fact for System {
    const NAME: &'static str = "system";
    type Ask = ();

    fn command((): &()) -> String {
        let tools = [USUAL, ELSEWHERE].concat();
        format!(
            "set -- {}\n{}",
            tools.join(" "),
            include_str!("scripts/system.sh")
        )
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let mut system = Self::default();
        let mut release = BTreeMap::new();
        for line in section.part("os").lines() {
            if let Some((key, value)) = line.split_once('=') {
                release.insert(key, value.trim_matches('"'));
            } else if let Some(uids) = line.strip_prefix("Uid:") {
                system.uid = uids
                    .split_whitespace()
                    .nth(1)
                    .and_then(|uid| uid.parse().ok());
            } else if let Some(version) = line.strip_prefix("Linux version ") {
                system.kernel = version
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
            }
        }
        system.os = release
            .get("ID")
            .into_iter()
            .chain(release.get("ID_LIKE"))
            .flat_map(|ids| ids.split(' '))
            .map(str::to_owned)
            .collect();
        system.os_version = release
            .get("VERSION_ID")
            .map_or_else(String::new, |v| (*v).to_owned());
        system.tools = section.part("tools").lines().map(str::to_owned).collect();
        system.systemd = section.part("systemd").trim() == "yes";
        Ok(system)
    }
}

impl System {
    /// What most hosts are; a first guess for what to ask, before a host has answered.
    pub fn assumed() -> Self {
        Self {
            os: vec!["debian".to_owned()],
            uid: Some(0),
            systemd: true,
            tools: USUAL.iter().map(|tool| (*tool).to_owned()).collect(),
            ..Self::default()
        }
    }

    pub fn has(&self, tool: &str) -> bool {
        self.tools.contains(tool)
    }

    /// None if the release is not known.
    pub fn is_linux_at_least(&self, major: u32, minor: u32) -> Option<bool> {
        let mut numbers = self.kernel.split(['.', '-']);
        let mut next = || numbers.next()?.parse::<u32>().ok();
        Some((next()?, next()?) >= (major, minor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels() {
        for (kernel, want) in [
            ("6.1.176", Some(true)),
            ("5.10", Some(true)),
            ("5.9.0-1-amd64", Some(true)),
            ("5.8.18", Some(false)),
            ("4.18.0-553.el8", Some(false)),
            ("5", None),
            ("", None),
        ] {
            let system = System {
                kernel: kernel.to_owned(),
                ..System::default()
            };
            assert_eq!(system.is_linux_at_least(5, 9), want, "{kernel}");
        }
    }
}
