//! Services as they are written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::SeqAccess;
use serde::{Deserialize, Deserializer};

use super::health::HealthCheck;
use super::word::{
    Address, Bare, Cidr, Codes, Endpoint, Mark, Port, Seconds, ServicePorts, Weight, Whole,
};
use crate::diagnostic::{Expected, LONGEST_PERSISTENCE};
use crate::inventory::field::{Many, Named, Opt, Peek, Shaped, Text, Word, Wrong, shaped};
use crate::model::{MOST_REQUESTS, Mode, Protocol, Scheduler};

/// A service: VIPs and ports for clients, and the real servers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Service", extend("required" = ["vip", "port"]))]
pub(in crate::inventory) struct Service {
    /// The virtual address, or a list of them, all IPv4 or all IPv6. For both families define two services. A prefix
    /// (`192.168.100.200/24`) applies on the director. Default: /32, or /128 for IPv6. `check` warns if a director has
    /// no interface in the VIP's network; if routers route the VIP to the directors, write the prefix explicitly.
    pub vip: Opt<Many<Text<Address>>>,
    /// The port, or a list of ports and ranges such as `10000-20000`. A range needs `fwmark`. If a fwmark service has
    /// more than 16 single ports, consecutive ones are combined to ranges, and ports of ranges are not tested by
    /// default. `0` is every port, and needs `persistence`.
    pub port: Opt<Many<ServicePorts>>,
    /// `tcp` or `udp`. For both define two services; lvsctl does not support sharing a `fwmark`. Default: `tcp`.
    pub protocol: Opt<Text<Protocol>>,
    /// Packet forwarding to the real servers: `dr` (direct routing), `nat` or `tun` (IP-in-IP). Default: `dr`.
    pub mode: Opt<Text<Mode>>,
    /// Algorithm that distributes connections. `rr`, `lc` and `dh` use weights only to exclude real servers of weight
    /// 0. Default: `rr`.
    pub scheduler: Opt<Text<Scheduler>>,
    /// Flags of the schedulers `sh` and `mh`, as in `ipvsadm -b`: `sh-fallback` and `sh-port`, `mh-fallback` and
    /// `mh-port`. `flag-1` is another name of `sh-fallback` and `mh-fallback`, `flag-2` of `sh-port` and `mh-port`;
    /// `flag-3` has no effect. Default: none.
    #[serde(deserialize_with = "lower_case")]
    pub scheduler_flags: Opt<Many<String>>,
    /// Keep a client on its real server: `true` (300 seconds), seconds, or `{ timeout, granularity }`. Default: off.
    pub persistence: Opt<Persistence>,
    /// A firewall mark that combines all VIPs and ports into one virtual service; decimal or hexadecimal. Default:
    /// none.
    pub fwmark: Opt<Mark>,
    /// One-packet scheduling: each UDP packet is scheduled separately, and IPVS keeps no connection entry. Not with
    /// `nat`, because without an entry IPVS does not translate the replies. Default: `false`.
    pub one_packet: Opt<bool>,
    /// The real servers: a list of hosts, or a map: host → `{ weight, port }`. In NAT a host can be listed with several
    /// ports; each port is a separate real server: `{ rs1: { port: [8080, 8081] } }`, or with weights `{ rs1: [{ port:
    /// 8080 }, { port: 8081, weight: 2 }] }`. Default: every host with the role `realserver`.
    pub real_servers: Opt<RealServers>,
    /// In NAT the port on the real servers, if it differs. Default: the port of the service.
    pub real_port: Opt<Port>,
    /// Default weight of real servers for which no weight is set; see "Weights" above. Default: 1.
    pub weight: Opt<Weight>,
    /// The address that serves while no real server is available, with or without a port. Needs health checks. If a
    /// host of the inventory has this address, lvsctl sets it up as a real server (VIP on lo, ARP settings, tunnel,
    /// default route), whatever its role; you must set up any other host by hand. With `127.0.0.1` (IPv6 `'::1'`) the
    /// director that holds the VIP serves: a program on each director must listen on the VIP or on all addresses,
    /// such as nginx of the role `web`. With NAT it is refused, because IPVS drops such packets. A port is allowed
    /// with NAT, for a service with one port and no fwmark. Default port: that of the service.
    pub sorry_server: Opt<SorryServer>,
    /// Seconds between two rounds of health checks. Default: 6.
    pub delay_loop: Opt<Seconds>,
    /// The health check of real servers: `tcp`, `http`, `https`, or a map; `false` for none. Default: `tcp` with
    /// keepalived, also for a UDP service, and `check` then warns; none without keepalived.
    pub health_check: Opt<HealthCheck>,
    /// The requests that `lvsctl verify` sends to the service from a client.
    pub check: Opt<EndToEnd>,
    /// The networks whose clients may use the service, if firewalls drop packets of other clients. `verify` reports
    /// rules that drop packets of clients in these networks. Default: clients anywhere.
    pub clients: Opt<Many<Text<Cidr>>>,
}

/// Words of a closed set are taken in capitals too.
fn lower_case<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Opt<Many<String>>, D::Error> {
    let mut flags = Opt::<Many<String>>::deserialize(deserializer)?;
    if let Opt::Given(Many(all)) = &mut flags {
        for flag in all {
            if let Opt::Given(flag) = flag {
                *flag = flag.to_lowercase();
            }
        }
    }
    Ok(flags)
}

type PersistenceTimeout = Whole<u32, 1, { LONGEST_PERSISTENCE as i64 }>;

/// Persistence as it is written.
#[derive(Debug, Clone, Copy)]
pub(in crate::inventory) enum Persistence {
    Switch(bool),
    Timeout(PersistenceTimeout),
    Long {
        timeout: Option<PersistenceTimeout>,
        granularity: Option<Granularity>,
    },
}

/// Persistence, long form.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Persistence")]
pub(in crate::inventory) struct LongPersistence {
    /// Seconds that a client stays with its real server, 1 to 2678400 (31 days). Default: 300.
    timeout: Opt<PersistenceTimeout>,
    /// Which clients are treated as one client: those in one subnet of this netmask (`255.255.255.0`) or prefix length
    /// (`24`). Default: each address is a separate client.
    granularity: Opt<Text<Granularity>>,
}

/// A netmask or a prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) enum Granularity {
    Prefix(u8),
    /// Of an IPv4 netmask.
    V4Prefix(u8),
}

impl Word for Granularity {
    const EXPECTED: Expected = Expected::like(
        "a netmask such as 255.255.255.0, or a prefix length such as 24",
        "255.255.255.0",
    );

    fn read(text: &str) -> Result<Self, Wrong> {
        let bare = text.strip_prefix('/').unwrap_or(text);
        if let Ok(prefix) = bare.parse::<u8>() {
            return Ok(Self::Prefix(prefix));
        }
        match bare.parse().map(ipnet::ip_mask_to_prefix) {
            Ok(Ok(prefix)) => Ok(Self::V4Prefix(prefix)),
            _ => Err(Default::default()),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": 128 },
                { "type": "string", "title": "a netmask" },
            ],
        })
    }
}

shaped!(Persistence, RealServers, Listed, SorryServer);

impl Shaped for Persistence {
    const EXPECTED: Expected = Expected::Persistence;

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        Ok(match shape {
            "bool" => Some(Self::Switch(node.as_a()?)),
            "int" if node.as_a::<i64>().is_ok_and(|seconds| seconds == 0) => {
                let seconds = Expected::Seconds {
                    min: 1,
                    max: LONGEST_PERSISTENCE.into(),
                };
                let help = "`persistence: false` turns it off";
                return Err(Wrong::expected(seconds, help).into_error());
            }
            "int" => Some(Self::Timeout(node.as_a()?)),
            "map" => {
                let long: LongPersistence = node.as_a()?;
                Some(Self::Long {
                    timeout: long.timeout.copied(),
                    granularity: long.granularity.copied().map(|g| g.0),
                })
            }
            _ => None,
        })
    }
}

impl JsonSchema for Persistence {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Persistence".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<LongPersistence>();
        json_schema!({ "anyOf": [
            { "type": "boolean" },
            { "type": "integer", "minimum": 1, "maximum": LONGEST_PERSISTENCE },
            long,
        ] })
    }
}

/// The real servers of a service, with the settings of each.
#[derive(Debug)]
pub(in crate::inventory) enum RealServers {
    List(Many<Listed>),
    Map(Chosen),
}

/// Hosts, each with its settings: once, or for each of its ports.
pub(in crate::inventory) type Chosen = Named<Many<RealServer>>;

/// An entry of the list of real servers.
#[derive(Debug)]
pub(in crate::inventory) enum Listed {
    Host(String),
    Own(Chosen),
}

impl Shaped for Listed {
    const EXPECTED: Expected =
        Expected::other("the name of a host, or `{ HOST: { weight, port } }`");

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        Ok(match shape {
            "map" => Some(Self::Own(node.as_a()?)),
            "null" | "list" => None,
            _ => Some(Self::Host(node.as_a()?)),
        })
    }
}

impl JsonSchema for Listed {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Listed".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<String>();
        let own = generator.subschema_for::<Chosen>();
        json_schema!({ "anyOf": [name, own] })
    }
}

/// Values of a real server in one service.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "RealServer")]
pub(in crate::inventory) struct RealServer {
    /// 0 (no new connections) to 65535; see "Weights" above. Default: that of the host.
    pub weight: Opt<Weight>,
    /// In NAT its port, or a list of ports: each port is a separate real server. Default: `real_port`.
    pub port: Opt<Many<Port>>,
}

impl Shaped for RealServers {
    const EXPECTED: Expected =
        Expected::other("a list of hosts, or a map of hosts to `{ weight, port }`");

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

impl JsonSchema for RealServers {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RealServers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Many<Listed>>();
        let map = generator.subschema_for::<Chosen>();
        json_schema!({
            "title": "the name of a host, or a list of names, or a map: name → RealServer or a list of these; a list may contain such maps too",
            "anyOf": [list, map],
        })
    }
}

/// A sorry server as it is written.
#[derive(Debug)]
pub(in crate::inventory) struct SorryServer {
    pub address: Opt<Text<Bare>>,
    pub port: Opt<Port>,
}

/// A sorry server, long form.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "SorryServer", extend("required" = ["address"]))]
struct LongSorryServer {
    /// Its address.
    address: Opt<Text<Bare>>,
    /// Its port. Default: that of the service.
    port: Opt<Port>,
}

impl Shaped for SorryServer {
    const EXPECTED: Expected = Endpoint::EXPECTED;

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        Ok(match shape {
            "text" => {
                let Endpoint { address, port } = node.as_a::<Text<Endpoint>>()?.0;
                Some(Self {
                    address: Opt::Given(Text(Bare(address))),
                    port: port.map_or(Opt::Absent, |port| Opt::Given(Whole(port))),
                })
            }
            "map" => {
                let LongSorryServer { address, port } = node.as_a()?;
                Some(Self { address, port })
            }
            _ => None,
        })
    }
}

impl JsonSchema for SorryServer {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SorryServer".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<Text<Endpoint>>();
        let long = generator.subschema_for::<LongSorryServer>();
        json_schema!({ "anyOf": [short, long] })
    }
}

/// The requests of `lvsctl verify`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Check")]
pub(in crate::inventory) struct EndToEnd {
    /// Ports that `verify` tests. A fwmark service whose `health_check` has no `port` uses them for its health check
    /// too. With `[]`, `verify` sends no requests to the service. Default: those of `http` and `https`, and the single
    /// ports of the service, at most the first 16. Ports of ranges are tested only if listed here.
    pub ports: Opt<Many<Port>>,
    /// Path of requests to HTTP ports. Default: `/`.
    pub path: Opt<String>,
    /// The accepted HTTP status: `401`, a range (`200-299`), or several of them (`[200-299, 302]`). Default: if the
    /// health check requests the same path, its `status` (and its `text` must match); else any below 400.
    pub status: Opt<Many<Codes>>,
    /// Requests of a client to each port, 1 to 100. Default: enough that the real server with the lowest weight should
    /// respond twice, from 10 to 100. Timeouts: HTTP 5 s, 2 s of them to connect; other TCP 3 s; UDP 5 s.
    pub requests: Opt<Whole<u16, 1, { MOST_REQUESTS as i64 }>>,
    /// Ports on which `verify` sends HTTP requests: ports of the service, or the port of its health check. Default: 80,
    /// 8000 and 8080, if they are ports of the service. With `port: 0`, `verify` tests only ports that are listed here
    /// or in `https`.
    pub http: Opt<Many<Port>>,
    /// The same for HTTPS. Default: 443 and 8443, if they are ports of the service.
    pub https: Opt<Many<Port>>,
}
