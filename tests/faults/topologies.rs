//! The clusters that faults are injected into: shipped inventories by name, the one with the most to do first.

pub(crate) const ALL: &[&str] = &[
    "dr-keepalived",
    "dr",
    "nat-keepalived",
    "web-ha",
    "dual-stack",
    "tun",
    "fwmark",
    "health-checker",
    "sorry-server",
    "vrrp-options",
    "arp-arptables",
];
