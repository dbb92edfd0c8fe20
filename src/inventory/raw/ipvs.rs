//! Parameters of IPVS as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::word::Whole;
use crate::inventory::field::Opt;

/// Kernel parameters of IPVS, `net.ipv4.vs.*`, on all directors. They hold for all services of a director. The
/// defaults depend on the cluster. `apply` sets them, also for the next boot. `verify` reports other values as
/// `drift`; lvsctl leaves out a parameter that the director's kernel does not have. Source:
/// [ipvs-sysctl](https://docs.kernel.org/networking/ipvs-sysctl.html).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Ipvs")]
pub(in crate::inventory) struct Ipvs {
    /// Whether IPVS deletes a connection to a removed real server at its next packet. With `false` it drops the
    /// packets without a reply until the entry expires (up to 15 minutes), also those of a new connection from the
    /// same source port. With `true` a new connection from the same source port also goes to another real server if
    /// the old one is drained. `false` lets connections continue when a real server comes back soon after a failed
    /// health check. Default: `true`.
    pub expire_nodest_conn: Opt<bool>,
    /// Whether the next connection of a persistent client goes to another real server when its real server is
    /// drained. With `false` a drained real server gets connections of its persistent clients until
    /// their entries expire. Default: `true` if a service has `persistence`, else not set.
    pub expire_quiescent_template: Opt<bool>,
    /// How IPVS handles a new TCP connection from a source port whose previous connection still has an entry. `0`:
    /// the real server of the old entry gets it. `1`: IPVS schedules it again if the old connection is closed. `2` or
    /// `3`: also if only the client has closed it (DR and TUN, where the director does not see replies), so that new
    /// real servers get connections sooner. Before Linux 5.9, `1` with `conntrack: true` drops the first packet of
    /// such a connection, which costs the client one second, and `0` makes `expire_nodest_conn` ineffective for it.
    /// Default: 1; before Linux 5.9 with `conntrack: true` 0.
    pub conn_reuse_mode: Opt<Whole<u8, 0, 3>>,
    /// Whether connections of IPVS are in the connection tracking table. Stateful packet filter rules and
    /// masquerading need it; it costs time. Default: not set; the kernel's default is `false`.
    pub conntrack: Opt<bool>,
    /// Whether a TCP connection may begin with any packet. After a failover, a director then sends connections without an
    /// entry to the real server that the scheduler computes, which is the right one with `sh` and `mh` on directors that
    /// have the same real servers. With other schedulers it is a wrong one, which resets the connection. Default: `true` if
    /// there are several directors and all TCP services have the scheduler `sh` or `mh`, else `false`.
    pub sloppy_tcp: Opt<bool>,
    /// Whether a NAT director replies with ICMP to packets of real servers whose connection it does not know. With
    /// `true`, after a failover these ICMP errors end connections that the new director does not know yet. Default:
    /// `false` if a service has `mode: nat`, else not set.
    pub nat_icmp_send: Opt<bool>,
    /// Whether replies in NAT are routed again with the VIP as source address. With `false` rules of policy routing
    /// for the VIP do not apply to them. Default: `true` if a service has `mode: nat`, else not set.
    pub snat_reroute: Opt<bool>,
    /// Whether a director reports packets that are too large for the path to a real server to the client (ICMP
    /// "fragmentation needed"). With `false` IPVS fragments such packets in tunnels. Default: `true` if a service has
    /// `mode: tun`, else not set.
    pub pmtu_disc: Opt<bool>,
}
