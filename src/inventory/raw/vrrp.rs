//! VRRP instances as they are written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::SeqAccess;

use super::word::{Address, Bare, Priority, PriorityChange, Seconds, Whole};
use crate::inventory::field::{Many, Named, Opt, Peek, Shaped, Text, shaped};
use crate::secret::SecretSource;

/// One instance, or several by name.
#[derive(Debug)]
pub(in crate::inventory) enum VrrpSection {
    One(Box<Vrrp>),
    Several(Named<Vrrp>),
}

/// A VRRP instance: the directors that share VIPs, of which one holds them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Vrrp", extend("required" = ["virtual_router_id"]))]
pub(in crate::inventory) struct Vrrp {
    /// 1 to 255; no other VRRP routers on the same network segment may use it.
    pub virtual_router_id: Opt<Whole<u8, 1, 255>>,
    /// Seconds between two adverts: whole ones from 1 to 255, or with IPv6 VIPs 0.01 to 40.95. Default: 1.
    pub advert_int: Opt<f64>,
    /// Where to read the instance's password: `{ env: NAME }`, `{ file: PATH }` or `{ prompt: TEXT }`. A password has 1 to 8
    /// characters of ASCII, without blanks, `"` and `\`. Instances of IPv6 VIPs have none. Default: none.
    pub auth_pass: Opt<SecretSource>,
    /// The directors that take part: a list of hosts, or a map of hosts to `{ priority, interface, address }`.
    /// Default: every host with the role `director` or `backup`.
    pub members: Opt<Members>,
    /// The VIPs that it holds; those that an advert cannot name (beyond 255 of IPv4, 76 of IPv6) are held with the
    /// others (`virtual_ipaddress_excluded`). Default: those of all services; where there are several instances, each names its own.
    pub vips: Opt<Many<Text<Address>>>,
    /// Send adverts to the other members' addresses instead of multicast. Default: `false`.
    pub unicast: Opt<bool>,
    /// Whether a member of higher priority takes the VIPs back when it returns. Default: `true`.
    pub preempt: Opt<bool>,
    /// The interface that carries adverts and VIPs. Default: the one in the first VIP's network.
    pub interface: Opt<String>,
    /// Other interfaces without which a member gives the VIPs up: one or a list. Those that carry its adverts and VIPs
    /// are tracked without being named.
    pub track_interface: Opt<Many<String>>,
    /// What members watch beside each other, by name.
    pub track_script: Opt<Named<TrackScript>>,
    /// A program that keepalived runs when a member's state changes, with `INSTANCE`, the name, the state and
    /// the priority as its arguments: an absolute path on the directors, without arguments. lvsctl does not copy it there; a
    /// role of your own can. Default: none.
    pub notify: Opt<String>,
    /// Whether the master tells the backups of its connections, so that they outlive it. Default: `false`.
    pub sync_daemon: Opt<bool>,
}

/// Something that members watch: a program, or a systemd unit. Seconds throughout.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "TrackScript")]
pub(in crate::inventory) struct TrackScript {
    /// A program that exits with 0 when all is well: an absolute path on the directors, where lvsctl does not copy it; a role
    /// of your own can.
    pub script: Opt<String>,
    /// In its place: a systemd unit that must be active, such as `nginx.service`.
    pub unit: Opt<String>,
    /// Whether a unit that is down gets one restart before it counts as down. Default: `true`.
    pub restart: Opt<bool>,
    /// Seconds between two looks. Default: 2.
    pub interval: Opt<Seconds>,
    /// Added to the priority, -253 to 253: a negative number while it fails, a positive one while it is well.
    /// With 0 a failure gives the VIPs up. Default: 0.
    pub weight: Opt<PriorityChange>,
    /// Failures in a row that count as one. Default: 3.
    pub fall: Opt<Whole<u32, 1, 1000>>,
    /// Successes in a row that end a failure. Default: 2.
    pub rise: Opt<Whole<u32, 1, 1000>>,
}

/// The members of an instance.
#[derive(Debug)]
pub(in crate::inventory) enum Members {
    List(Many<String>),
    Map(Named<Member>),
}

/// What a director has of its own in one instance.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Member")]
pub(in crate::inventory) struct Member {
    /// 1 to 254. Default: the host's `priority`.
    pub priority: Opt<Priority>,
    /// Default: the instance's `interface`.
    pub interface: Opt<String>,
    /// The address that adverts come from. Default: the interface's first address of the VIPs' family.
    pub address: Opt<Text<Bare>>,
}

shaped!(VrrpSection, Members);

impl Shaped for VrrpSection {
    const EXPECTED: &'static str = "a map with `virtual_router_id`, or a map of names to such maps";

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
    const EXPECTED: &'static str = "a list of hosts, or a map of hosts to `{ priority }`";

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
