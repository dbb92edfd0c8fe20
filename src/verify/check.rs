//! Every check that verification makes. Its name stands in findings, its words in docs/checks.md.

use serde::Serialize;
use strum::{Display, EnumIter, EnumMessage, IntoEnumIterator};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Display, EnumIter, EnumMessage,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Check {
    /// A host can be reached and worked on.
    Reachable,
    /// Each resource is on the host as `plan` wants it.
    Drift,
    /// No file of `sysctl.d` sets another value at the next boot than the one that is wanted, or that runs now.
    PersistedSysctl,
    /// What is right but worth telling: parts that are drained, unhealthy or stopped (notes).
    Health,
    /// Chains of nftables that drop packets and whose rules were not read (a note).
    FirewallNft,
    /// A real server of DR or TUN has the VIP on no interface but its loopback or tunnel (and, if it is a director, its NIC).
    VipOnlyOnLo,
    /// A host that is not to have the VIP does not have it.
    VipNotHeld,
    /// A real server's kernel takes packets to the VIP for its own.
    VipRouteLocal,
    /// The effective `arp_ignore` (the larger of `all` and the interface's) is 1 or 2, or 3 where the VIP has scope host.
    ArpIgnore,
    /// The effective `arp_announce` is 2.
    ArpAnnounce,
    /// `arptables` lets a real server's ARP for its own address pass.
    ArptablesRip,
    /// `arptables` lets a director's ARP for the VIP pass.
    ArptablesVip,
    /// Something listens on a service's ports, on the address that requests come to.
    Listener,
    /// A real server gives an answer when it asks the VIP itself.
    OwnAnswer,
    /// Answers to clients leave by a way that leads to them: past the director in DR and TUN, through it in NAT.
    ReplyRoute,
    /// The effective `rp_filter` of a real server of DR or TUN does not drop requests over IPv4.
    RpFilter,
    /// What clients may send over TCP, by the MSS of answers, fits through the tunnel; if not, that is a note.
    TunnelMtu,
    /// A director of DR sends no ICMP redirects.
    SendRedirects,
    /// Nothing else writes the IPVS table.
    IpvsOwner,
    /// Services in the IPVS table that are not of this cluster (a note).
    IpvsForeign,
    /// All packet filter rules are in one backend of iptables.
    IptablesBackend,
    /// The packet filter lets requests and answers of a service pass.
    FirewallVip,
    /// The packet filter lets VRRP pass between directors.
    FirewallVrrp,
    /// A rule sets each mark that the IPVS table has a service for.
    MarkRule,
    /// Packets to a service carry its mark when they come to IPVS, and no other service's.
    MarkSet,
    /// No other rule sets a service's mark.
    MarkUnique,
    /// The counters of the mark's rules moved while clients asked.
    MarkCounters,
    /// keepalived takes its own file (`keepalived -t`).
    KeepalivedConfig,
    /// Large receive offload is off on a director's interfaces.
    Lro,
    /// A director and a real server do not speak to each other from a VIP.
    SourceAddress,
    /// Each VIP is on exactly one director.
    VipHolder,
    /// Directors of an instance have the same VRID, interval, password, VIPs and way to speak.
    VrrpEqual,
    /// No VRRP instance is in FAULT: a director where one is does not take over.
    VrrpState,
    /// Directors of an instance have priorities of their own.
    VrrpPriority,
    /// No two instances on an interface have the same VRID.
    VrrpId,
    /// A backup hears the adverts of the director that serves.
    VrrpAdverts,
    /// Nobody else sends adverts with a VRID of this cluster; other VRIDs are notes.
    VrrpForeign,
    /// The timeouts of IPVS are the same on all directors.
    IpvsTimeouts,
    /// The sync daemons of IPVS run in their roles; where none is wanted, on all directors or on none.
    SyncDaemon,
    /// Clocks of hosts agree within 2 seconds.
    Clocks,
    /// Clients that ask for the VIP by ARP get one answer, the holder's.
    ArpAnswer,
    /// Each request of a client is answered.
    EndToEnd,
    /// Answers over HTTP have a status that the inventory calls right: `check.status` of the service, or that of its health check where clients ask for the same page, or else any below 400.
    HttpStatus,
    /// Pages hold the `text` of the service's health check in their body, where clients ask for the same page.
    HttpText,
    /// Answers come from real servers of the service.
    WhoAnswers,
    /// With rr and wrr, each real server with a weight gets connections; with lc and wlc, one without is a note.
    GetsConnections,
    /// With rr and wrr, connections are shared as the weights say.
    Shares,
    /// All connections of a client to a persistent service come to one real server.
    Persistence,
    /// IPVS counted what clients were answered.
    Statistics,
}

/// The text of docs/checks.md.
pub fn markdown() -> String {
    let rows = Check::iter().map(|check| {
        let words = check.get_documentation().unwrap_or_default();
        format!("| `{check}` | {words} |\n")
    });
    format!("{HEAD}{}", rows.collect::<String>())
}

const HEAD: &str = "# What `verify` checks

Each finding names its check. A check is made where it means something: those of VRRP under keepalived, those of marks where
there are any, those with traffic where there is a client (`own-answer` needs none). [Adding a check](adding-a-check.md) says how to add one.

What a check rests on may not hold on a host: a port that is served by a redirect or a container, an IPVS that does not count
(`net.ipv4.vs.run_estimation=0`), a `/proc` that a container masks, a tool that is missing. Then a note says `skipped` and why.

Where a director is about to change by itself (a VIP moves, a checker takes a real server back that answers again),
verify waits for that before it judges: at most for a takeover or a round or two of health checks, and never longer than 60 s.

| check | passes when, or what it notes |
|---|---|
";
