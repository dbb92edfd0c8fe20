//! Parameters of IPVS that the inventory sets. Which value a director gets where it sets none is decided in
//! [`crate::view`].

use serde::Serialize;

/// None: not set by the inventory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct IpvsOptions {
    pub expire_nodest_conn: Option<bool>,
    pub expire_quiescent_template: Option<bool>,
    pub conn_reuse_mode: Option<u8>,
    pub conntrack: Option<bool>,
    pub sloppy_tcp: Option<bool>,
    pub nat_icmp_send: Option<bool>,
    pub snat_reroute: Option<bool>,
    pub pmtu_disc: Option<bool>,
}
