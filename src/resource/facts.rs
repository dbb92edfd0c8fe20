//! What a host is: its system, its tools, who the commands run as. Facts decide how a step is done, never what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use super::section::Section;

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
pub struct Facts {
    /// `ID` and `ID_LIKE` of os-release(5).
    pub os: Vec<String>,
    pub os_version: String,
    pub kernel: String,
    pub uid: Option<u32>,
    pub systemd: bool,
    pub tools: BTreeSet<String>,
}

impl Facts {
    pub const SECTION: &str = "facts";

    /// No process at all: the shell reads by itself. (From /proc/sys dash would get one character; /proc/version is
    /// whole.)
    pub fn probe() -> String {
        format!(
            "part os\n\
             while IFS= read -r line; do case $line in ID=*|ID_LIKE=*|VERSION_ID=*) printf '%s\\n' \"$line\";; esac; done </etc/os-release\n\
             IFS= read -r line </proc/version && printf '%s\\n' \"$line\"\n\
             while read -r line; do case $line in Uid:*) printf '%s\\n' \"$line\"; break;; esac; done </proc/self/status\n\
             part tools\nfor t in {}; do command -v \"$t\" >/dev/null 2>&1 && printf '%s\\n' \"$t\"; done\n\
             part systemd\n[ -d /run/systemd/system ] && printf yes\n",
            [USUAL, ELSEWHERE].concat().join(" ")
        )
    }

    pub fn parse(section: &Section) -> Self {
        let mut facts = Self::default();
        let mut release = BTreeMap::new();
        for line in section.part("os").lines() {
            if let Some((key, value)) = line.split_once('=') {
                release.insert(key, value.trim_matches('"'));
            } else if let Some(uids) = line.strip_prefix("Uid:") {
                facts.uid = uids
                    .split_whitespace()
                    .nth(1)
                    .and_then(|uid| uid.parse().ok());
            } else if let Some(version) = line.strip_prefix("Linux version ") {
                facts.kernel = version
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
            }
        }
        facts.os = release
            .get("ID")
            .into_iter()
            .chain(release.get("ID_LIKE"))
            .flat_map(|ids| ids.split(' '))
            .map(str::to_owned)
            .collect();
        facts.os_version = release
            .get("VERSION_ID")
            .map_or_else(String::new, |v| (*v).to_owned());
        facts.tools = section.part("tools").lines().map(str::to_owned).collect();
        facts.systemd = section.part("systemd").trim() == "yes";
        facts
    }

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
}

/// Reads a scalar of a role as text: roles write `value: 1` as often as `value: "1"`.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        serde_json::Value::Bool(value) => Ok(u8::from(value).to_string()),
        other => Err(serde::de::Error::custom(format!(
            "expected a single value, found {other}"
        ))),
    }
}
