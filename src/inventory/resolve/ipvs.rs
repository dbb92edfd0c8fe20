//! Parameters of IPVS that the inventory sets.

use crate::inventory::field::Opt;
use crate::inventory::raw::Inventory;
use crate::model::IpvsOptions;

pub(super) fn options(raw: &Inventory) -> IpvsOptions {
    let Opt::Given(raw) = &raw.ipvs else {
        return IpvsOptions::default();
    };
    IpvsOptions {
        expire_nodest_conn: raw.expire_nodest_conn.copied(),
        expire_quiescent_template: raw.expire_quiescent_template.copied(),
        conn_reuse_mode: raw.conn_reuse_mode.copied().map(|mode| mode.0),
        conntrack: raw.conntrack.copied(),
        sloppy_tcp: raw.sloppy_tcp.copied(),
        nat_icmp_send: raw.nat_icmp_send.copied(),
        snat_reroute: raw.snat_reroute.copied(),
        pmtu_disc: raw.pmtu_disc.copied(),
    }
}
