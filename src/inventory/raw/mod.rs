//! The inventory as it is written: every key, its type, and what it means. Whether it makes sense is decided
//! later. The doc comments here are the reference (`docs/inventory.md`, and the JSON Schema for editors).

pub(super) mod health;
pub(super) mod host;
pub(super) mod service;
pub(super) mod vrrp;
pub(super) mod word;

use schemars::JsonSchema;
use serde::Deserialize;

use super::field::{Many, Named, Opt, Shaped, Text, shaped};
use crate::model::ArpAnswer;
use host::{Defaults, Host};
use service::Service;
use vrrp::VrrpSection;
use word::{Cidr, FreeValue};

/// An inventory: what a cluster is. One YAML document of at most 1 MiB.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Inventory", extend("required" = ["cluster", "hosts"]))]
pub(in crate::inventory) struct Inventory {
    /// Name of the cluster. It marks what is the cluster's own on its hosts (file names, rule comments).
    /// Lower-case letters, digits and `-`, at most 32.
    pub cluster: Opt<String>,
    /// Subnets by name (`lan: 192.168.100.0/24`), or the subnet of one network, which is then named `lan`. A list is one subnet
    /// of IPv4 and one of IPv6: `lan: [192.168.100.0/24, 'fd00::/64']`. Default: the subnets of addresses that carry a prefix.
    pub networks: Opt<Networks>,
    /// What all hosts share. A host's own word wins, key by key.
    pub defaults: Opt<Defaults>,
    /// Hosts by name. Names are lower-case letters, digits and `-`, at most 63.
    pub hosts: Opt<Named<Host>>,
    /// The VRRP instance that keeps the VIPs on one director; or several of them by name.
    pub vrrp: Opt<VrrpSection>,
    /// Whether keepalived holds IPVS and VIPs on the directors. Default: true where there is `vrrp`.
    pub keepalived: Opt<bool>,
    /// What keeps real servers that hold a VIP from drawing its traffic to themselves: `sysctl` (arp_ignore and
    /// arp_announce), `arptables` (rules on the real servers) or `neighbour` (a static entry for the VIP on hosts
    /// of the role `router`, the only ones that may ask; the director's interface then needs its `mac`).
    /// Default: `sysctl`.
    pub arp: Opt<Text<ArpAnswer>>,
    /// Services by name: what clients ask for, and who answers. Names are as those of hosts.
    pub services: Opt<Named<Service>>,
    /// Free values for roles and templates of your own (`cluster.vars` there).
    pub vars: Opt<Named<FreeValue>>,
}

/// Subnets by name.
#[derive(Debug)]
pub(in crate::inventory) struct Networks(pub Named<Network>);

shaped!(Networks, Network);

impl Shaped for Networks {
    const EXPECTED: &'static str =
        "a subnet such as 192.168.100.0/24, or a map of names to subnets";

    fn read<'de, A: serde::de::SeqAccess<'de>>(
        shape: &str,
        node: &mut super::field::Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        Ok(match shape {
            "text" | "list" => Some(Self(Named(vec![("lan".to_owned(), node.as_a()?)]))),
            "map" => Some(Self(node.as_a()?)),
            _ => None,
        })
    }
}

impl JsonSchema for Networks {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Networks".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = generator.subschema_for::<Many<Text<Cidr>>>();
        let named = generator.subschema_for::<Named<Many<Text<Cidr>>>>();
        schemars::json_schema!({ "anyOf": [one, named] })
    }
}

/// One network: a subnet, or one IPv4 and one IPv6 subnet.
#[derive(Debug)]
pub(in crate::inventory) struct Network(pub Many<Text<Cidr>>);

impl Shaped for Network {
    const EXPECTED: &'static str = Cidr::SUBNET;

    fn read<'de, A: serde::de::SeqAccess<'de>>(
        shape: &str,
        node: &mut super::field::Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        Ok(match shape {
            "text" | "list" => Some(Self(node.as_a()?)),
            _ => None,
        })
    }
}
