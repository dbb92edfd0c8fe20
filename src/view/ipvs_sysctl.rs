//! The parameters of IPVS that a director gets: by what the inventory sets, what the services need, and the kernel. How
//! they are set is the part of [`crate::resource::sysctl`].

use serde::Serialize;

use crate::model::{Cluster, IpvsOptions, Mode, Protocol, Scheduler};
use crate::resource::Distribution;

/// A parameter below `net.ipv4.vs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct IpvsSysctl {
    name: &'static str,
    value: u8,
}

/// What the values depend on, beside those that the inventory sets.
#[derive(Debug, Clone, Copy, Default)]
struct Cases {
    persistent: bool,
    nat: bool,
    tun: bool,
    /// Whether another director would find the real server of each TCP connection again without its entry.
    hashes: bool,
    /// Linux before 5.9 drops the first packet of a connection that it schedules anew, if connections are tracked.
    before_5_9: bool,
}

/// Empty if there are no services.
pub(super) fn of_directors(cluster: &Cluster, os: &Distribution) -> Vec<IpvsSysctl> {
    if cluster.services.is_empty() {
        return Vec::new();
    }
    let any = |mode| cluster.services.iter().any(|service| service.mode == mode);
    let mut tcp = cluster
        .services
        .iter()
        .filter(|service| service.protocol == Protocol::Tcp)
        .peekable();
    let is_hash = |scheduler| matches!(scheduler, Scheduler::Sh | Scheduler::Mh);
    let cases = Cases {
        persistent: cluster.services.iter().any(|s| s.persistence.is_some()),
        nat: any(Mode::Nat),
        tun: any(Mode::Tun),
        hashes: cluster.directors().count() > 1
            && tcp.peek().is_some()
            && tcp.all(|service| is_hash(service.scheduler)),
        before_5_9: !os.linux_5_9,
    };
    values(&cluster.ipvs, cases)
}

fn values(set: &IpvsOptions, cases: Cases) -> Vec<IpvsSysctl> {
    let reuse = u8::from(!(cases.before_5_9 && set.conntrack == Some(true)));
    // The default is a value or, where it would change nothing, none.
    let switch = |set: Option<bool>, default: Option<bool>| set.or(default).map(u8::from);
    let where_it_matters = |matters: bool, value: bool| matters.then_some(value);
    [
        (
            "expire_nodest_conn",
            switch(set.expire_nodest_conn, Some(true)),
        ),
        (
            "expire_quiescent_template",
            switch(
                set.expire_quiescent_template,
                where_it_matters(cases.persistent, true),
            ),
        ),
        // A role or an administrator may have set it for rules with states.
        ("conntrack", switch(set.conntrack, None)),
        (
            "conn_reuse_mode",
            Some(set.conn_reuse_mode.unwrap_or(reuse)),
        ),
        ("sloppy_tcp", switch(set.sloppy_tcp, Some(cases.hashes))),
        (
            "nat_icmp_send",
            switch(set.nat_icmp_send, where_it_matters(cases.nat, false)),
        ),
        (
            "snat_reroute",
            switch(set.snat_reroute, where_it_matters(cases.nat, true)),
        ),
        (
            "pmtu_disc",
            switch(set.pmtu_disc, where_it_matters(cases.tun, true)),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| {
        Some(IpvsSysctl {
            name,
            value: value?,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    const BOTH: &str = "  lb1: { role: director, address: 10.0.0.1 }\n  lb2: { role: backup, address: 10.0.0.2 }\n";
    const ONE: &str = "  lb1: { role: director, address: 10.0.0.1 }\n";

    fn of(directors: &str, service: &str, more: &str, linux_5_9: bool) -> String {
        let vrrp = if directors == BOTH {
            "vrrp: { virtual_router_id: 1 }\n"
        } else {
            ""
        };
        let text = format!(
            "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n{directors}  rs1: {{ role: realserver, address: 10.0.0.3 }}\n\
             {vrrp}services:\n  a: {{ vip: 10.0.0.9, port: 80{service} }}\n{more}"
        );
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES).expect("a valid inventory");
        let os = Distribution {
            linux_5_9,
            ..Distribution::assumed()
        };
        let all = of_directors(&loaded.cluster, &os);
        let all = all.iter().map(|one| format!("{}={}", one.name, one.value));
        all.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_cluster_and_the_kernel_decide() {
        const USUAL: &str = "expire_nodest_conn=1 conn_reuse_mode=1 sloppy_tcp=0";
        const OTHER: &str = "  b: { vip: 10.0.0.9, port: 81 }\n";
        const UDP: &str = "  b: { vip: 10.0.0.9, port: 81, protocol: udp }\n";
        let hashes = "expire_nodest_conn=1 conn_reuse_mode=1 sloppy_tcp=1";
        for (what, directors, service, more, linux_5_9, want) in [
            ("rr", ONE, "", "", true, USUAL),
            ("two directors", BOTH, "", "", true, USUAL),
            ("UDP", ONE, ", protocol: udp", "", true, USUAL),
            (
                "persistence",
                ONE,
                ", persistence: 60",
                "",
                true,
                "expire_nodest_conn=1 expire_quiescent_template=1 conn_reuse_mode=1 sloppy_tcp=0",
            ),
            (
                "nat",
                ONE,
                ", mode: nat",
                "",
                true,
                "expire_nodest_conn=1 conn_reuse_mode=1 sloppy_tcp=0 nat_icmp_send=0 snat_reroute=1",
            ),
            (
                "tun",
                ONE,
                ", mode: tun",
                "",
                true,
                "expire_nodest_conn=1 conn_reuse_mode=1 sloppy_tcp=0 pmtu_disc=1",
            ),
            ("mh", BOTH, ", scheduler: mh", "", true, hashes),
            ("sh", BOTH, ", scheduler: sh", "", true, hashes),
            (
                "sh on one director",
                ONE,
                ", scheduler: sh",
                "",
                true,
                USUAL,
            ),
            ("sh and rr", BOTH, ", scheduler: sh", OTHER, true, USUAL),
            ("sh and UDP", BOTH, ", scheduler: sh", UDP, true, hashes),
            ("UDP alone", BOTH, ", protocol: udp", "", true, USUAL),
            ("an old kernel", ONE, "", "", false, USUAL),
            (
                "an old kernel that tracks",
                ONE,
                "",
                "ipvs: { conntrack: true }\n",
                false,
                "expire_nodest_conn=1 conntrack=1 conn_reuse_mode=0 sloppy_tcp=0",
            ),
            (
                "a new kernel that tracks",
                ONE,
                "",
                "ipvs: { conntrack: true }\n",
                true,
                "expire_nodest_conn=1 conntrack=1 conn_reuse_mode=1 sloppy_tcp=0",
            ),
            (
                "the inventory wins",
                ONE,
                ", persistence: 60",
                "ipvs: { expire_nodest_conn: false, expire_quiescent_template: false, conn_reuse_mode: 2, \
                 sloppy_tcp: true, nat_icmp_send: true, snat_reroute: false, pmtu_disc: false }\n",
                false,
                "expire_nodest_conn=0 expire_quiescent_template=0 conn_reuse_mode=2 sloppy_tcp=1 nat_icmp_send=1 \
                 snat_reroute=0 pmtu_disc=0",
            ),
        ] {
            assert_eq!(of(directors, service, more, linux_5_9), want, "{what}");
        }
    }
}
