//! All checks, in the order in which they are made and documented. A new one is a line here, and its `mod` line in `mod.rs`.

use super::Check;
use super::{
    arp, arp_answer, arptables, clocks, drift, end_to_end, health, iptables, ipvs, keepalived,
};
use super::{listener, marks, offload, reachable, redirects, reply_route, service_path};
use super::{
    source_address, sysctl_at_boot, threshold, tunnel_mtu, vip, vrrp, vrrp_adverts, vrrp_path,
};

/// The check of this id.
pub fn find(id: &str) -> Option<&'static Check> {
    ALL.iter().copied().find(|check| check.id == id)
}

pub static ALL: &[&Check] = &[
    &reachable::REACHABLE,
    &drift::DRIFT,
    &sysctl_at_boot::PERSISTED_SYSCTL,
    &iptables::FIREWALL_NFT,
    &health::HEALTH,
    &source_address::SOURCE_ADDRESS,
    &vip::VIP_ONLY_ON_LO,
    &vip::VIP_NOT_HELD,
    &vip::VIP_ROUTE_LOCAL,
    &arp::ARP_IGNORE,
    &arp::ARP_ANNOUNCE,
    &reply_route::REPLY_ROUTE,
    &reply_route::RP_FILTER,
    &listener::LISTENER,
    &service_path::FIREWALL_VIP,
    &arptables::ARPTABLES_RIP,
    &listener::OWN_ANSWER,
    &redirects::SEND_REDIRECTS,
    &ipvs::IPVS_OWNER,
    &iptables::IPTABLES_BACKEND,
    &marks::MARK_RULE,
    &marks::MARK_SET,
    &marks::MARK_UNIQUE,
    &vrrp_path::FIREWALL_VRRP,
    &keepalived::VRRP_STATE,
    &arptables::ARPTABLES_VIP,
    &keepalived::KEEPALIVED_CONFIG,
    &offload::LRO,
    &ipvs::IPVS_FOREIGN,
    &threshold::IPVS_THRESHOLD,
    &vip::VIP_HOLDER,
    &vrrp::VRRP_EQUAL,
    &vrrp::VRRP_PRIORITY,
    &vrrp::VRRP_ID,
    &ipvs::IPVS_TIMEOUTS,
    &ipvs::SYNC_DAEMON,
    &clocks::CLOCKS,
    &tunnel_mtu::TUNNEL_MTU,
    &arp_answer::ARP_ANSWER,
    &vrrp_adverts::VRRP_FOREIGN,
    &vrrp_adverts::VRRP_ADVERTS,
    &end_to_end::END_TO_END,
    &end_to_end::HTTP_STATUS,
    &end_to_end::HTTP_TEXT,
    &end_to_end::WHO_ANSWERS,
    &end_to_end::GETS_CONNECTIONS,
    &end_to_end::SHARES,
    &end_to_end::PERSISTENCE,
    &end_to_end::STATISTICS,
    &marks::MARK_COUNTERS,
];
