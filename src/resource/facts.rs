//! What a host is: its system, its tools, who the commands run as. Facts decide how a step is done, never what is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::section::Section;

/// Tools that some step or check may use.
const TOOLS: &[&str] = &[
    "apk",
    "apt-get",
    "arping",
    "bash",
    "curl",
    "dnf",
    "flock",
    "ip",
    "ip6tables",
    "iptables",
    "iptables-save",
    "ipvsadm",
    "keepalived",
    "modprobe",
    "rc-service",
    "systemctl",
    "yum",
    "zypper",
];

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// `ID` and `ID_LIKE` of os-release(5).
    pub os: Vec<String>,
    pub os_version: String,
    pub kernel: String,
    pub uid: Option<u32>,
    pub systemd: bool,
    pub tools: BTreeSet<String>,
    /// Modules that are loaded; a kernel with a part built in does not list it.
    pub modules: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    Apt,
    Dnf,
    Yum,
    Zypper,
    Apk,
}

impl fmt::Display for PackageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Yum => "yum",
            Self::Zypper => "zypper",
            Self::Apk => "apk",
        })
    }
}

impl Facts {
    pub const SECTION: &str = "facts";

    /// One process; the rest is done by the shell itself.
    pub fn probe() -> String {
        format!(
            "part os\ncat /etc/os-release /proc/sys/kernel/osrelease /proc/self/status /proc/modules 2>/dev/null\n\
             part tools\nfor t in {}; do command -v \"$t\" >/dev/null 2>&1 && printf '%s\\n' \"$t\"; done\n\
             part systemd\n[ -d /run/systemd/system ] && printf yes\n",
            TOOLS.join(" ")
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
            } else if let Some((module, rest)) = line.split_once(' ')
                && rest.starts_with(|c: char| c.is_ascii_digit())
            {
                facts.modules.insert(module.to_owned());
            } else if line.starts_with(|c: char| c.is_ascii_digit()) && line.contains('.') {
                facts.kernel = line.trim().to_owned();
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
        facts.systemd = section.part("systemd") == "yes";
        facts
    }

    /// What most hosts are; a first guess for what to ask, before a host has answered.
    pub fn assumed() -> Self {
        Self {
            os: vec!["debian".to_owned()],
            uid: Some(0),
            systemd: true,
            tools: TOOLS
                .iter()
                .filter(|t| !["apk", "dnf", "yum", "zypper", "rc-service"].contains(t))
                .map(|t| (*t).to_owned())
                .collect(),
            ..Self::default()
        }
    }

    pub fn has(&self, tool: &str) -> bool {
        self.tools.contains(tool)
    }

    pub fn package_manager(&self) -> Option<PackageManager> {
        use PackageManager::{Apk, Apt, Dnf, Yum, Zypper};
        [Apt, Dnf, Yum, Zypper, Apk]
            .into_iter()
            .find(|manager| self.has(&manager.to_string()))
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
