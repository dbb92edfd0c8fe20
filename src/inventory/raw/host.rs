//! Hosts as they are written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::SeqAccess;

use super::word::{Address, FreeValue, Gateway, Mac, Priority, Weight};
use crate::inventory::field::{Many, Named, Opt, Peek, Shaped, Text, shaped};
use crate::model::{Connection, LabOptions, SshOptions};

/// A host: its roles, its addresses, and how to connect to it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Host", extend("required" = ["role"]))]
pub(in crate::inventory) struct Host {
    /// One role or a list of them: `director`, `backup`, `realserver`, `client`, `web`, ... or a custom role.
    pub role: Opt<Many<String>>,
    /// The address for the cluster's traffic: RIP of a real server, DIP of a director. It may include the prefix of
    /// its subnet. A list if the host has IPv4 and IPv6. Default: the first address of `interfaces`.
    pub address: Opt<Many<Text<Address>>>,
    /// The interface with `address`. Default: `eth0`.
    pub interface: Opt<String>,
    /// For hosts with several interfaces: name → address, or `{ network, address }`.
    pub interfaces: Opt<Named<Nic>>,
    /// The default gateway: an address, or the name of a host. It is configured only on real servers and sorry servers;
    /// in a lab all hosts get it. Default: in NAT a VIP of `vrrp` in the host's network, else the only director; in DR
    /// and TUN lvsctl does not change the default route.
    pub gateway: Opt<Text<Gateway>>,
    /// `ssh`, or `local` for the machine that lvsctl runs on. Default: `ssh`.
    pub connection: Opt<Connection>,
    /// SSH settings of the host. Default: those of `~/.ssh/config`.
    pub ssh: Opt<SshOptions>,
    /// Whether lvsctl's configuration is added again when the host boots. `false` omits the node script and its unit,
    /// for hosts without a service manager, such as containers. Default: `true`.
    pub persist: Opt<bool>,
    /// Folders that other hosts mount by NFS, for a host of the role `nfs`.
    pub exports: Opt<Many<Export>>,
    /// Properties of the host in a lab.
    pub lab: Opt<LabOptions>,
    /// User-defined values for custom roles and templates (`host.vars` there).
    pub vars: Opt<Named<FreeValue>>,
    /// Weight of a real server in all services; see "Weights" above. 0, for maintenance, overrides all other weights.
    pub weight: Opt<Weight>,
    /// VRRP priority of a director, 1 to 254. `vrrp.members` overrides it. The highest priority becomes master,
    /// except with `preempt: false`. Default: 100, 90, 80, ... (smaller steps for more than ten), first `director`,
    /// then `backup` hosts, in the order of the file.
    pub priority: Opt<Priority>,
}

/// A folder that another host mounts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Export", extend("required" = ["path", "to", "at"]))]
pub(in crate::inventory) struct Export {
    /// Absolute path of the folder.
    pub path: Opt<String>,
    /// The host that mounts it. It needs the role `nfs-client`.
    pub to: Opt<String>,
    /// Absolute path of the mount point.
    pub at: Opt<String>,
    /// Whether the mount is read-only. Default: `false`.
    pub read_only: Opt<bool>,
}

/// Values for all hosts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Defaults")]
pub(in crate::inventory) struct Defaults {
    /// The interface with each host's `address`. Default: `eth0`.
    pub interface: Opt<String>,
    /// Default for the `gateway` key of every host with an address in the gateway's network.
    pub gateway: Opt<Text<Gateway>>,
    /// `ssh` or `local`. Default: `ssh`.
    pub connection: Opt<Connection>,
    /// SSH settings of the hosts.
    pub ssh: Opt<SshOptions>,
    /// Default for the `persist` key of every host. Default: `true`.
    pub persist: Opt<bool>,
    /// Properties of each host in a lab.
    pub lab: Opt<LabOptions>,
    /// User-defined values of each host.
    pub vars: Opt<Named<FreeValue>>,
    /// Default weight of real servers for which no weight is set; see "Weights" above.
    pub weight: Opt<Weight>,
}

/// One of several interfaces of a host: its address or addresses, or a map.
#[derive(Debug, Default)]
pub(in crate::inventory) struct Nic {
    pub network: Opt<String>,
    pub address: Opt<Many<Text<Address>>>,
    pub mac: Opt<Text<Mac>>,
}

/// An interface, long form.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Interface", extend("required" = ["address"]))]
struct LongNic {
    /// Name of its network. Default: the network that contains its address.
    network: Opt<String>,
    /// One address or a list.
    address: Opt<Many<Text<Address>>>,
    /// Its MAC address, for static neighbour entries. In a lab the interface gets this address.
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
