//! The shipped topologies, each with what is particular to it and with an edit.

use crate::harness::Cluster;
use crate::{
    arp, damage, drills, health, maintenance, particular, persistence, quoted, schedulers, vips,
    vrrp,
};

pub(crate) struct Topology {
    /// The row's; no other has it.
    pub name: &'static str,
    /// Its inventory's name: several rows may bring one up, each in another way.
    pub inventory: &'static str,
    /// Arguments for `lvsctl lab up`, beside the inventory.
    pub up: &'static [&'static str],
    /// Edits (from, to) of the inventory before its hosts come up.
    pub before: &'static [(&'static str, &'static str)],
    /// What is particular to it, proven on the running cluster.
    pub own: fn(&Cluster),
    /// An edit of the inventory: `plan` shows just that, and `apply` does just that.
    pub edit: fn(&Cluster),
}

/// The row of an inventory, which has its name.
const fn topology(name: &'static str, own: fn(&Cluster), edit: fn(&Cluster)) -> Topology {
    Topology {
        name,
        inventory: name,
        up: &[],
        before: &[],
        own,
        edit,
    }
}

/// Hosts of Debian 13.
const TRIXIE: &[&str] = &["--suite", "trixie"];
/// Hosts whose iptables is the nft backend, as Debian has it.
const NFT: &[&str] = &["--kernel", "qemu"];

const DR_KEEPALIVED: Topology = Topology {
    before: &[(CLIENT, WITH_SPARE)],
    ..topology(
        "dr-keepalived",
        |cluster| {
            quoted::keepalived_loads_what_is_written(cluster);
            damage::each_is_named_and_repaired(cluster);
        },
        edits::weight_and_a_third_real_server,
    )
};
/// A separate row, like the next one: together they take several times as long as any other row.
const VIPS: Topology = Topology {
    name: "dr-keepalived-vips",
    own: |cluster| {
        vips::a_vip_comes_and_goes_on_a_live_pair(cluster);
        vips::a_vip_that_comes_on_one_director_alone(cluster);
        vips::instances_swap_their_ids(cluster, ONE_INSTANCE);
    },
    edit: edits::keepalived_scheduler,
    ..DR_KEEPALIVED
};
const DRAIN: Topology = Topology {
    name: "dr-keepalived-drain",
    own: |cluster| {
        drills::all(cluster);
        maintenance::all(cluster);
    },
    edit: edits::keepalived_scheduler,
    ..DR_KEEPALIVED
};
const FWMARK: Topology = topology(
    "fwmark",
    persistence::each_client_on_one_over_both_ports,
    edits::a_port_more,
);
const WEB_HA: Topology = topology(
    "web-ha",
    particular::vip_follows_the_web_server,
    edits::priority,
);
const NAT_KEEPALIVED: Topology = topology(
    "nat-keepalived",
    particular::both_sides_move,
    edits::delay_loop,
);

/// The same inventory on other hosts.
const fn on(hosts: &'static [&'static str], name: &'static str, row: Topology) -> Topology {
    Topology {
        name,
        up: hosts,
        ..row
    }
}

/// Short names of inventories, which select their rows too: `t2-trixie` is `dr-keepalived-trixie`.
pub(crate) const NUMBERS: &[(&str, &str)] = &[
    ("t1", "dr"),
    ("t2", "dr-keepalived"),
    ("t3", "dr-nfs"),
    ("t4", "dr-vip-subnet"),
    ("t5", "nat"),
    ("t6", "dr-router"),
    ("t7", "tun"),
    ("t8", "fwmark"),
    ("t9", "persistence-port"),
    ("t10", "persistence-client"),
    ("t11", "fwmark-persistence"),
    ("t12", "health-checker"),
    ("t13", "sorry-server"),
    ("t14", "web-ha"),
    ("t15a", "arp-arptables"),
    ("t15b", "arp-neighbour"),
    ("t16", "udp"),
    ("t17", "schedulers"),
];

/// The name of a row whose inventory may be given by its number.
pub(crate) fn name_of(word: &str) -> String {
    let (number, rest) = word.split_at(word.find('-').unwrap_or(word.len()));
    let named = NUMBERS.iter().find(|(known, _)| *known == number);
    named.map_or(number, |(_, name)| *name).to_owned() + rest
}

pub(crate) const ALL: &[Topology] = &[
    topology("dr", particular::a_node_stops_and_starts, edits::scheduler),
    DR_KEEPALIVED,
    VIPS,
    DRAIN,
    on(TRIXIE, "dr-keepalived-trixie", DR_KEEPALIVED),
    topology(
        "dr-nfs",
        particular::pages_by_nfs,
        edits::keepalived_scheduler,
    ),
    topology(
        "dr-vip-subnet",
        |cluster| {
            particular::a_master_stops_and_starts(cluster);
            health::keepalived_asks(cluster);
            health::keepalived_and_lvsctl_ask_the_same(cluster);
        },
        edits::keepalived_weight,
    ),
    topology("nat", particular::ports_are_mapped, edits::scheduler),
    topology(
        "dr-router",
        particular::answers_pass_the_director_by,
        edits::scheduler,
    ),
    topology(
        "tun",
        particular::large_requests_and_answers,
        edits::scheduler,
    ),
    FWMARK,
    on(NFT, "fwmark-nft", FWMARK),
    on(TRIXIE, "fwmark-trixie", FWMARK),
    topology(
        "persistence-port",
        persistence::each_client_on_one,
        edits::persistence,
    ),
    topology(
        "persistence-client",
        particular::one_real_server_on_every_port,
        edits::persistence_of_all,
    ),
    topology(
        "fwmark-persistence",
        particular::a_mark_and_ssh_beside_it,
        edits::persistence_of_a_mark,
    ),
    topology(
        "health-checker",
        health::our_checker_asks_for_the_text,
        edits::health_check,
    ),
    topology(
        "sorry-server",
        particular::sorry_page,
        edits::keepalived_scheduler,
    ),
    WEB_HA,
    on(TRIXIE, "web-ha-trixie", WEB_HA),
    topology("arp-arptables", arp::rules_of_arptables, edits::scheduler),
    topology(
        "arp-neighbour",
        particular::static_neighbour,
        edits::scheduler,
    ),
    topology(
        "udp",
        |cluster| {
            particular::udp_and_several_services(cluster);
            health::keepalived_asks_by_tls(cluster);
        },
        edits::one_of_several,
    ),
    topology(
        "schedulers",
        schedulers::each_has_its_pattern,
        edits::a_scheduler_that_is_not_there,
    ),
    topology(
        "dual-stack",
        |cluster| {
            particular::both_families(cluster);
            vips::a_vip_of_ipv6_is_no_source(cluster);
        },
        edits::scheduler_of_v6,
    ),
    NAT_KEEPALIVED,
    on(TRIXIE, "nat-keepalived-trixie", NAT_KEEPALIVED),
    topology(
        "vrrp-options",
        vrrp::all_that_vrrp_offers,
        vrrp::a_watched_program,
    ),
];

/// The VRRP part of dr-keepalived.
const ONE_INSTANCE: &str = "  virtual_router_id: 10\n  advert_int: 1\n  # At most 8 characters; never in this file.\n  auth_pass: { env: LVSCTL_AUTH_PASS }\n";

const CLIENT: &str = "  client: {";
/// A host that is no real server yet.
const SPARE: &str = "rs3: { role: client, address: 192.168.100.16 }";
const WITH_SPARE: &str = "  rs3: { role: client, address: 192.168.100.16 }\n  client: {";
const THIRD: &str = "rs3: { role: [realserver, web], address: 192.168.100.16 }";

mod edits {
    use super::{Cluster, SPARE, THIRD, persistence};

    /// What a change of the service brings on a director without keepalived.
    fn on_director(cluster: &Cluster, virtual_service: &str) -> Vec<String> {
        vec![
            format!("lb1 file /usr/local/sbin/lvsctl-{}", cluster.name),
            format!("lb1 ipvs {virtual_service}"),
        ]
    }

    /// What it brings on two directors under keepalived.
    fn on_both(virtual_service: &str) -> Vec<String> {
        let of = |host: &str| {
            [
                format!("{host} file /etc/keepalived/keepalived.conf"),
                format!("{host} ipvs {virtual_service}"),
                format!("{host} unit keepalived.service"),
            ]
        };
        [of("lb1"), of("lb2")].concat()
    }

    fn served(cluster: &Cluster) -> String {
        let table = cluster.on("lb1", "ipvsadm -Sn");
        let line = table.lines().find_map(|line| line.strip_prefix("-A "));
        line.and_then(|line| line.split(" -s ").next())
            .expect("a service")
            .to_owned()
    }

    /// What another scheduler brings beside: its module.
    fn and_module(cluster: &Cluster, changes: Vec<String>) -> Vec<String> {
        let mut all = changes;
        let mut hosts: Vec<String> = all
            .iter()
            .filter_map(|c| c.split(' ').next())
            .map(str::to_owned)
            .collect();
        hosts.dedup();
        for host in hosts {
            all.push(format!(
                "{host} file /etc/modules-load.d/lvsctl-{}.conf",
                cluster.name
            ));
            all.push(format!(
                "{host} file /usr/local/sbin/lvsctl-{}",
                cluster.name
            ));
            all.push(format!("{host} module ip_vs_lc"));
        }
        all.sort();
        all.dedup();
        all
    }

    pub(super) fn scheduler(cluster: &Cluster) {
        let changes = on_director(cluster, &served(cluster));
        cluster.edited(
            "scheduler: rr",
            "scheduler: lc",
            &and_module(cluster, changes),
        );
        cluster.lvsctl(&["verify"]).expect(0);
    }

    pub(super) fn keepalived_scheduler(cluster: &Cluster) {
        let changes = on_both("-t 192.168.100.200:80");
        cluster.edited(
            "scheduler: rr",
            "scheduler: lc",
            &and_module(cluster, changes),
        );
        cluster.lvsctl(&["verify"]).expect(0);
    }

    pub(super) fn keepalived_weight(cluster: &Cluster) {
        let rs2 = "address: 192.168.189.151";
        cluster.edited(
            rs2,
            &format!("{rs2}, weight: 2"),
            &on_both("-t 192.168.189.145:80"),
        );
        cluster.lvsctl(&["verify"]).expect(0);
    }

    pub(super) fn weight_and_a_third_real_server(cluster: &Cluster) {
        let both = on_both("-t 192.168.100.200:80");
        let rs1 = "rs1: { role: [realserver, web], address: 192.168.100.12";
        cluster.edited(&format!("{rs1} }}"), &format!("{rs1}, weight: 3 }}"), &both);
        cluster.lvsctl(&["verify"]).expect(0);
        cluster.edited_beside(Some("rs3"), SPARE, THIRD, &both);
        cluster.lvsctl(&["verify"]).expect(0);
        cluster.edited_beside(Some("rs3"), THIRD, SPARE, &both);
        cluster.lvsctl(&["verify"]).expect(0);
    }

    pub(super) fn a_port_more(cluster: &Cluster) {
        let name = &cluster.name;
        let changes = [
            format!("lb1 file /usr/local/sbin/lvsctl-{name}"),
            format!("lb1 mark lvsctl:{name}/web"),
            "rs1 file /etc/nginx/conf.d/lvsctl.conf".to_owned(),
            "rs1 unit nginx.service".to_owned(),
            "rs2 file /etc/nginx/conf.d/lvsctl.conf".to_owned(),
            "rs2 unit nginx.service".to_owned(),
        ];
        cluster.edited("port: [80, 443]", "port: [80, 443, 8443]", &changes);
        persistence::each_client_on_one_over_three_ports(cluster);
        cluster.lvsctl(&["verify"]).expect(0);
    }

    /// Edited in place: the connections that the director knows stay. The new words are kept too: a short time runs
    /// out, and what is coarse makes one of two clients.
    pub(super) fn persistence(cluster: &Cluster) {
        let changes = on_director(cluster, "-t 192.168.100.200:80");
        let known = || cluster.on("lb1", "ipvsadm -Lnc | grep -c 192.168.100.20: || :");
        cluster.ask("client1", "http://192.168.100.200/");
        let before = known();
        assert_ne!(before.trim(), "0");
        cluster.edited("persistence: true", "persistence: 3600", &changes);
        assert_eq!(known(), before, "the table was flushed");
        cluster.edited("persistence: 3600", "persistence: 10", &changes);
        persistence::runs_out(cluster);
        let granularity = "persistence: { timeout: 3600, granularity: 255.255.255.0 }";
        cluster.edited("persistence: 10", granularity, &changes);
        persistence::both_clients_on_one(cluster);
        cluster.lvsctl(&["verify"]).expect(0);
    }

    pub(super) fn persistence_of_all(cluster: &Cluster) {
        let changes = on_director(cluster, "-t 192.168.100.200:0");
        cluster.edited("persistence: true", "persistence: 3600", &changes);
    }

    pub(super) fn persistence_of_a_mark(cluster: &Cluster) {
        cluster.edited(
            "persistence: 3600",
            "persistence: 600",
            &on_director(cluster, "-f 10"),
        );
    }

    pub(super) fn health_check(cluster: &Cluster) {
        let health = format!("lvsctl-{}-health", cluster.name);
        let changes = [
            format!("lb1 file /usr/local/sbin/{health}"),
            format!("lb1 unit {health}.service"),
        ];
        cluster.edited("retry: 2, delay", "retry: 1, delay", &changes);
    }

    pub(super) fn priority(cluster: &Cluster) {
        let changes = [
            "web2 file /etc/keepalived/keepalived.conf".to_owned(),
            "web2 unit keepalived.service".to_owned(),
        ];
        cluster.edited("priority: 98", "priority: 97", &changes);
    }

    pub(super) fn one_of_several(cluster: &Cluster) {
        let changes = on_both("-t 192.168.100.201:3306");
        cluster.edited(
            "port: 3306, scheduler: rr",
            "port: 3306, scheduler: wrr",
            &changes,
        );
        cluster.lvsctl(&["verify"]).expect(0);
    }

    pub(super) fn a_scheduler_that_is_not_there(cluster: &Cluster) {
        let before = cluster.snapshots();
        cluster.edit("scheduler: ovf", "scheduler: twos");
        let ran = cluster.lvsctl(&["apply", "--yes"]).expect(5);
        assert!(ran.stderr.contains("ip_vs_twos"), "{}", ran.stderr);
        cluster.unchanged(&before);
        cluster.edit("scheduler: twos", "scheduler: ovf");
    }

    pub(super) fn delay_loop(cluster: &Cluster) {
        let mut changes = Vec::new();
        for host in ["lb1", "lb2"] {
            changes.push(format!("{host} file /etc/keepalived/keepalived.conf"));
            changes.push(format!("{host} unit keepalived.service"));
        }
        cluster.edited("delay_loop: 2", "delay_loop: 3", &changes);
    }

    pub(super) fn scheduler_of_v6(cluster: &Cluster) {
        let six = "vip: 'fd00:100::200', port: 80, scheduler:";
        let mut changes = on_both("-t [fd00:100::200]:80");
        for host in ["lb1", "lb2"] {
            let name = &cluster.name;
            changes.push(format!("{host} module ip_vs_lc"));
            changes.push(format!(
                "{host} file /etc/modules-load.d/lvsctl-{name}.conf"
            ));
            changes.push(format!("{host} file /usr/local/sbin/lvsctl-{name}"));
        }
        changes.sort();
        cluster.edited(&format!("{six} rr"), &format!("{six} lc"), &changes);
        cluster.lvsctl(&["verify"]).expect(0);
    }
}
