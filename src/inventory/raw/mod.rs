//! The inventory as it is written: every key, its type, and what it means. Whether it makes sense is decided
//! later. The doc comments here are the reference (`docs/inventory.md`, and the JSON Schema for editors).

pub(super) mod health;
pub(super) mod host;
pub(super) mod ipvs;
pub(super) mod service;
pub(super) mod vrrp;
pub(super) mod waiver;
pub(super) mod word;

use schemars::JsonSchema;
use serde::Deserialize;

use super::field::{Many, Named, Opt, Shaped, Text, shaped};
use crate::diagnostic::Expected;
use crate::model::ArpAnswer;
use host::{Defaults, Host};
use ipvs::Ipvs;
use service::Service;
use vrrp::VrrpSection;
use waiver::Waiver;
use word::{Cidr, FreeValue};

/// An inventory describes a cluster. It is one YAML document of at most 1 MiB.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Inventory", extend("required" = ["cluster", "hosts"]))]
pub(in crate::inventory) struct Inventory {
    /// Name of the cluster. It is part of file names and rule comments on the hosts. Lower-case letters, digits and
    /// `-`, at most 32.
    pub cluster: Opt<String>,
    /// Subnets by name (`lan: 192.168.100.0/24`), or the subnet of a single network, which is then named `lan`. A
    /// list is one IPv4 and one IPv6 subnet: `lan: [192.168.100.0/24, 'fd00::/64']`. Default: the subnets of
    /// addresses that have a prefix.
    pub networks: Opt<Networks>,
    /// Values for all hosts. A key of a host overrides the same key here.
    pub defaults: Opt<Defaults>,
    /// Hosts by name. Names are lower-case letters, digits and `-`, at most 63.
    pub hosts: Opt<Named<Host>>,
    /// The VRRP instance that keeps the VIPs on one director, or several instances by name.
    pub vrrp: Opt<VrrpSection>,
    /// Whether keepalived manages the virtual services and health checks on the directors, and with `vrrp` the VIPs.
    /// Default: true if there is `vrrp`.
    pub keepalived: Opt<bool>,
    /// How real servers that hold a VIP are kept from replying to ARP requests for it: `sysctl` (arp_ignore and
    /// arp_announce), `arptables` (rules on the real servers) or `neighbour` (a static entry VIP → MAC address of the
    /// director on hosts of the role `router`, which must be the only hosts that resolve the VIP; the director's
    /// interface needs its `mac`). A static entry does not move in a failover, so `neighbour` is for one director only.
    /// Default: `sysctl`.
    pub arp: Opt<Text<ArpAnswer>>,
    /// Kernel parameters of IPVS on the directors. Default: by what the services need.
    pub ipvs: Opt<Ipvs>,
    /// Services by name: VIPs, ports and real servers. Names follow the rules for hosts.
    pub services: Opt<Named<Service>>,
    /// Findings of `verify` that are accepted, one or a list. They are shown and counted apart.
    pub waive: Opt<Many<Waiver>>,
    /// User-defined values for custom roles and templates (`cluster.vars` there).
    pub vars: Opt<Named<FreeValue>>,
}

/// Subnets by name.
#[derive(Debug)]
pub(in crate::inventory) struct Networks(pub Named<Network>);

shaped!(Networks, Network);

impl Shaped for Networks {
    const EXPECTED: Expected = Expected::Subnet { named: true };

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
    const EXPECTED: Expected = Expected::SUBNET;

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
