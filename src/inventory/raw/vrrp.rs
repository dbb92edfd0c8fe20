//! VRRP instances as they are written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::SeqAccess;

use super::word::{Address, Bare, Priority, PriorityChange, Seconds, Whole};
use crate::diagnostic::Expected;
use crate::inventory::field::{Many, Named, Opt, Peek, Shaped, Text, shaped};
use crate::secret::SecretSource;

/// One instance, or several by name.
#[derive(Debug)]
pub(in crate::inventory) enum VrrpSection {
    One(Box<Vrrp>),
    Several(Named<Vrrp>),
}

/// A VRRP instance: directors that share VIPs, one of which holds them. IPv4 instances use VRRPv2, IPv6 instances
/// VRRPv3.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Vrrp", extend("required" = ["virtual_router_id"]))]
pub(in crate::inventory) struct Vrrp {
    /// 1 to 255; must be unique per network segment and address family.
    pub virtual_router_id: Opt<Whole<u8, 1, 255>>,
    /// Seconds between two adverts: with IPv4 VIPs an integer from 1 to 255, with IPv6 VIPs 0.01 to 40.95. Default:
    /// 1.
    pub advert_int: Opt<f64>,
    /// Source of the instance's password: `{ env: NAME }`, `{ file: PATH }` or `{ prompt: TEXT }`. A password has 1
    /// to 8 ASCII characters, without blanks, `"` and `\`. It is sent in clear text. Only for IPv4 VIPs. Default:
    /// none.
    pub auth_pass: Opt<SecretSource>,
    /// The directors of the instance: a list of hosts, or a map of hosts to `{ priority, interface, address }`.
    /// Default: every host with the role `director` or `backup`.
    pub members: Opt<Members>,
    /// The VIPs of the instance. An advert names at most 255 IPv4 addresses, or (MTU - 14 - 40 - 8) / 16 IPv6
    /// addresses: 76 at the IPv6 minimum MTU of 1280, which lvsctl uses, and 89 at 1500. Additional VIPs move with
    /// them as `virtual_ipaddress_excluded`. Default: the VIPs of all services; with several instances each must name
    /// its VIPs.
    pub vips: Opt<Many<Text<Address>>>,
    /// Send adverts to the other members' addresses instead of multicast. Default: `false`.
    pub unicast: Opt<bool>,
    /// Whether a returning member of higher priority becomes master again. Default: `true`.
    pub preempt: Opt<bool>,
    /// The interface for adverts. A VIP is added to the interface in its network, or to this one if there is none.
    /// Default: the interface in the first VIP's network.
    pub interface: Opt<String>,
    /// Other interfaces that must be up, one or a list; if one is down, the member gives the VIPs up. The interfaces
    /// of adverts and VIPs are always tracked.
    pub track_interface: Opt<Many<String>>,
    /// Programs and units that the members track, by name.
    pub track_script: Opt<Named<TrackScript>>,
    /// A program that keepalived runs when a member's state changes, with the arguments `INSTANCE`, name, state and
    /// priority: an absolute path on the directors, without further arguments. lvsctl does not copy it there; a
    /// custom role can. Default: none.
    pub notify: Opt<String>,
    /// Whether the master copies its connections to the backups by multicast to 224.0.0.81, so that they survive a
    /// failover. A connection is first copied after 3 packets, then every 50 packets (`net.ipv4.vs.sync_threshold`). Only
    /// one instance can have it. Default: `false`.
    pub sync_daemon: Opt<bool>,
}

/// A tracked program or systemd unit. Times are in seconds.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "TrackScript")]
pub(in crate::inventory) struct TrackScript {
    /// A program that exits with 0 on success: an absolute path on the directors. lvsctl does not copy it there; a
    /// custom role can.
    pub script: Opt<String>,
    /// Instead of `script`: a systemd unit that must be active, such as `nginx.service`.
    pub unit: Opt<String>,
    /// Whether a unit that is down is restarted once before it is treated as failed. Default: `true`.
    pub restart: Opt<bool>,
    /// Seconds between two tests. Default: 2.
    pub interval: Opt<Seconds>,
    /// Change of the priority, -253 to 253: a negative value applies while the test fails, a positive one while it
    /// succeeds. With 0 a failure puts the instance into FAULT. Default: 0.
    pub weight: Opt<PriorityChange>,
    /// Consecutive failures until it is treated as failed. Default: 3.
    pub fall: Opt<Whole<u32, 1, 1000>>,
    /// Consecutive successes until it is treated as successful. Default: 2.
    pub rise: Opt<Whole<u32, 1, 1000>>,
}

/// The members of an instance.
#[derive(Debug)]
pub(in crate::inventory) enum Members {
    List(Many<String>),
    Map(Named<Member>),
}

/// Values of a director in one instance.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Member")]
pub(in crate::inventory) struct Member {
    /// 1 to 254. Default: the host's `priority`.
    pub priority: Opt<Priority>,
    /// Default: the instance's `interface`.
    pub interface: Opt<String>,
    /// Source address of the adverts. Default: the interface's first address of the VIPs' family.
    pub address: Opt<Text<Bare>>,
}

shaped!(VrrpSection, Members);

impl Shaped for VrrpSection {
    const EXPECTED: Expected =
        Expected::other("a map with `virtual_router_id`, or a map of names to such maps");

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        /// Keys whose value is a map in one instance as well.
        const OF_ONE: &[&str] = &["auth_pass", "members", "track_script"];
        if shape != "map" {
            return Ok(None);
        }
        let keys: serde_json::Map<String, serde_json::Value> = node.as_a()?;
        let several = !keys.is_empty()
            && keys
                .iter()
                .all(|(key, value)| value.is_object() && !OF_ONE.contains(&key.as_str()));
        Ok(Some(if several {
            Self::Several(node.as_a()?)
        } else {
            Self::One(node.as_a()?)
        }))
    }
}

impl JsonSchema for VrrpSection {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "VrrpSection".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Vrrp>();
        let several = generator.subschema_for::<Named<Vrrp>>();
        json_schema!({ "anyOf": [one, several] })
    }
}

impl Shaped for Members {
    const EXPECTED: Expected =
        Expected::other("a list of hosts, or a map of hosts to `{ priority }`");

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        Ok(match shape {
            "text" | "list" => Some(Self::List(node.as_a()?)),
            "map" => Some(Self::Map(node.as_a()?)),
            _ => None,
        })
    }
}

impl JsonSchema for Members {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Members".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Many<String>>();
        let map = generator.subschema_for::<Named<Member>>();
        json_schema!({ "anyOf": [list, map] })
    }
}
