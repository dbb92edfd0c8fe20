//! A host of a cluster, its interfaces and how it is reached.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::secret::SecretSource;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Host {
    pub name: String,
    /// At least one; a name of a file in `roles/`, built in or the user's.
    pub roles: Vec<String>,
    /// The address that the cluster's traffic uses: RIP of a real server, DIP of a director.
    pub address: IpAddr,
    /// The interface that holds `address`.
    pub interface: String,
    /// All interfaces, the primary one first.
    pub interfaces: Vec<Interface>,
    pub gateway: Option<IpAddr>,
    pub connection: Connection,
    pub ssh: SshOptions,
    /// Whether what is applied comes back when the host boots.
    pub persist: bool,
    /// Folders that other hosts mount.
    pub exports: Vec<Export>,
    /// What the host is like in a lab; of no meaning to a host elsewhere.
    #[serde(skip)]
    pub lab: LabOptions,
    pub vars: serde_json::Map<String, serde_json::Value>,
}

impl Host {
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }

    /// All addresses that it has beside VIPs.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let nics = self.interfaces.iter().flat_map(|nic| &nic.addresses);
        nics.map(IpNet::addr).chain([self.address])
    }

    pub fn holds(&self, address: IpAddr) -> bool {
        self.addresses().any(|own| own == address)
    }

    /// The interface in the network of an address.
    pub fn facing(&self, address: IpAddr) -> Option<&Interface> {
        let within = |nic: &&Interface| nic.addresses.iter().any(|net| net.contains(&address));
        self.interfaces.iter().find(within)
    }

    pub fn is_director(&self) -> bool {
        self.roles.iter().any(|role| directs(role))
    }

    pub fn is_real_server(&self) -> bool {
        self.has_role("realserver")
    }
}

/// Directors hold IPVS; a backup is a director that starts with the lower priority.
pub fn directs(role: &str) -> bool {
    matches!(role, "director" | "backup")
}

/// A folder of one host that another mounts by NFS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Export {
    pub path: String,
    /// Name of the host that mounts it.
    pub client: String,
    /// Where it does.
    pub at: String,
    pub read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interface {
    pub name: String,
    pub network: String,
    pub addresses: Vec<IpNet>,
    /// In lower case, where it is known beforehand.
    pub mac: Option<String>,
}

/// Properties of a host in a lab (`lvsctl lab up`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LabOptions {
    /// Debian release of the host. Default: that of `lvsctl lab up --suite`.
    pub suite: Option<Suite>,
    /// Backend of the host's `iptables`. Default: `nft` as in Debian; in user-mode Linux `legacy`, the only one
    /// there.
    pub iptables: Option<IptablesBackend>,
}

/// A Debian release.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Suite {
    /// Debian 12: keepalived 2.2, systemd 252.
    #[default]
    Bookworm,
    /// Debian 13: keepalived 2.3, systemd 257.
    Trixie,
}

/// The two packet filters behind the program iptables.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum IptablesBackend {
    Nft,
    Legacy,
}

/// How a host is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    #[default]
    Ssh,
    /// The machine that lvsctl runs on.
    Local,
}

/// SSH settings of a host. Unset ones come from `~/.ssh/config`, then from defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SshOptions {
    /// Name or address to connect to, if it is not the host's `address`.
    pub host: Option<String>,
    /// Default: 22.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// The login name. Default: the user who runs lvsctl.
    pub user: Option<String>,
    /// Jump hosts, one or a list, the first one nearest to this machine: a name of `~/.ssh/config`, or
    /// `user@host:port`. Hosts behind the same jump host share one connection to it. `none`: the host is reached
    /// directly, whatever `~/.ssh/config` says. Default: ProxyJump of `~/.ssh/config`.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(with = "OneOrMany")]
    pub jump: Vec<String>,
    /// For password authentication at the jump hosts, tried last.
    pub jump_password: Option<SecretSource>,
    /// A command whose standard input and output are the connection, in place of `jump`. In it `%h` is the host, `%p` the
    /// port, `%r` the user and `%n` the host's name. It is visible to other users of this machine, so it must not contain a
    /// secret. `none`: no command. Default: ProxyCommand of `~/.ssh/config`.
    pub proxy_command: Option<String>,
    /// Private key files, tried in order, before the keys of the SSH agent; a relative path starts at the current folder.
    pub identity_files: Vec<PathBuf>,
    /// The file of known host keys. Default: `~/.ssh/known_hosts`.
    pub known_hosts: Option<PathBuf>,
    /// `strict`: the host's key must be known. `accept-new`: an unknown key is added, a changed key is refused.
    /// Default: `strict`.
    pub host_key_checking: Option<HostKeyChecking>,
    /// For password authentication, tried last.
    pub password: Option<SecretSource>,
    /// For an encrypted private key.
    pub passphrase: Option<SecretSource>,
    /// Whether commands run through sudo. Default: `true` if the user is not root.
    pub sudo: Option<bool>,
    /// For sudo, if it requires a password.
    pub sudo_password: Option<SecretSource>,
    /// Seconds for the connection, including handshake and authentication. Default: 10.
    #[schemars(range(min = 1, max = 86400))]
    pub connect_timeout: Option<u64>,
    /// Seconds that one step on the host may take. Default: 300.
    #[schemars(range(min = 1, max = 86400))]
    pub command_timeout: Option<u64>,
}

impl SshOptions {
    /// Where its secrets come from, by key.
    pub fn secrets(&self) -> [(&'static str, &Option<SecretSource>); 4] {
        [
            ("password", &self.password),
            ("passphrase", &self.passphrase),
            ("sudo_password", &self.sudo_password),
            ("jump_password", &self.jump_password),
        ]
    }
}

/// The schema of [`one_or_many`].
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
#[allow(dead_code)] // Only its schema is used.
enum OneOrMany {
    One(String),
    Many(#[schemars(length(min = 1))] Vec<String>),
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Texts;

    impl<'de> Visitor<'de> for Texts {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(vec![text.to_owned()])
        }

        // A number is a text as well, as everywhere in an inventory.
        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
            Ok(vec![number.to_string()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(text) = seq.next_element()? {
                all.push(text);
            }
            Ok(all)
        }
    }

    deserializer.deserialize_any(Texts)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeyChecking {
    /// The key must be in known_hosts.
    #[default]
    Strict,
    /// A host that is not known yet is added; a changed key is still refused.
    AcceptNew,
}
