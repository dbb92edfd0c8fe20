//! Hosts as they are written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::SeqAccess;

use super::word::{Address, FreeValue, Gateway, Mac, Priority, Weight};
use crate::inventory::field::{Many, Named, Opt, Peek, Shaped, Text, shaped};
use crate::model::{Connection, LabOptions, SshOptions};

/// A host: its roles, its addresses, and how it is reached.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Host", extend("required" = ["role"]))]
pub(in crate::inventory) struct Host {
    /// One role or a list of them: `director`, `backup`, `realserver`, `client`, `web`, ... or a role of your own.
    pub role: Opt<Many<String>>,
    /// The address that the cluster's traffic uses: RIP of a real server, DIP of a director. It may carry the
    /// prefix of its subnet, and be a list where one host has IPv4 and IPv6.
    /// Default: the first address of `interfaces`.
    pub address: Opt<Many<Text<Address>>>,
    /// The interface that holds `address`. Default: `eth0`.
    pub interface: Opt<String>,
    /// For hosts with several interfaces: name → address, or `{ network, address }`.
    pub interfaces: Opt<Named<Nic>>,
    /// The default gateway: an address, or the name of a host. Real servers are given it; other hosts just in a lab.
    /// Default: in NAT mode a VIP that `vrrp` holds in the host's network, else the only director; otherwise what the host
    /// has already.
    pub gateway: Opt<Text<Gateway>>,
    /// `ssh`, or `local` for the machine that lvsctl runs on. Default: `ssh`.
    pub connection: Opt<Connection>,
    /// How SSH reaches the host. Default: what `~/.ssh/config` says.
    pub ssh: Opt<SshOptions>,
    /// Whether what is applied comes back when the host boots. `false` leaves out the node script and its unit, for
    /// hosts that have no service manager, such as containers. Default: `true`.
    pub persist: Opt<bool>,
    /// Folders that other hosts mount by NFS, for a host of the role `nfs`.
    pub exports: Opt<Many<Export>>,
    /// What the host is like in a lab.
    pub lab: Opt<LabOptions>,
    /// Free values for roles and templates of your own (`host.vars` there).
    pub vars: Opt<Named<FreeValue>>,
    /// Weight of a real server in all services; see "Weights" above. 0, for maintenance, goes before all others.
    pub weight: Opt<Weight>,
    /// VRRP priority of a director, 1 to 254, the highest being the master. Default: 100, 90, 80, ... (in smaller steps
    /// for more than ten) for directors and then backups in the order of the file.
    pub priority: Opt<Priority>,
}

/// A folder that another host mounts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Export", extend("required" = ["path", "to", "at"]))]
pub(in crate::inventory) struct Export {
    /// The folder: an absolute path.
    pub path: Opt<String>,
    /// The host that mounts it; give it the role `nfs-client`.
    pub to: Opt<String>,
    /// Where it mounts it: an absolute path.
    pub at: Opt<String>,
    /// Whether it can only read. Default: `false`.
    pub read_only: Opt<bool>,
}

/// What all hosts share.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Defaults")]
pub(in crate::inventory) struct Defaults {
    /// The interface that holds each host's `address`. Default: `eth0`.
    pub interface: Opt<String>,
    /// The default gateway of every host that names none and has an address in its network.
    pub gateway: Opt<Text<Gateway>>,
    /// `ssh` or `local`. Default: `ssh`.
    pub connection: Opt<Connection>,
    /// How SSH reaches the hosts.
    pub ssh: Opt<SshOptions>,
    /// Whether what is applied comes back when a host boots. Default: `true`.
    pub persist: Opt<bool>,
    /// What every host is like in a lab.
    pub lab: Opt<LabOptions>,
    /// Free values that every host has.
    pub vars: Opt<Named<FreeValue>>,
    /// Weight of every real server that has none of its own; see "Weights" above.
    pub weight: Opt<Weight>,
}

/// One of several interfaces of a host: its address or addresses, or a map.
#[derive(Debug, Default)]
pub(in crate::inventory) struct Nic {
    pub network: Opt<String>,
    pub address: Opt<Many<Text<Address>>>,
    pub mac: Opt<Text<Mac>>,
}

/// An interface, in full.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Interface", extend("required" = ["address"]))]
struct LongNic {
    /// Name of its network. Default: the network that its address lies in.
    network: Opt<String>,
    /// One address or a list.
    address: Opt<Many<Text<Address>>>,
    /// Its hardware address, for static neighbour entries. A lab's interface gets it.
    mac: Opt<Text<Mac>>,
}

shaped!(Nic);

impl Shaped for Nic {
    const EXPECTED: &'static str = "an address such as 192.168.100.14/24, or a map with `address`";

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        Ok(match shape {
            "text" | "list" => Some(Self {
                network: Opt::Absent,
                address: node.as_a()?,
                mac: Opt::Absent,
            }),
            "map" => {
                let LongNic {
                    network,
                    address,
                    mac,
                } = node.as_a()?;
                Some(Self {
                    network,
                    address,
                    mac,
                })
            }
            _ => None,
        })
    }
}

impl JsonSchema for Nic {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Nic".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<Many<Text<Address>>>();
        let long = generator.subschema_for::<LongNic>();
        json_schema!({ "anyOf": [short, long] })
    }
}
