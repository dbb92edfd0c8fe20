//! Damage to a deployed cluster: `verify` names it, `plan` shows it and nothing else, `apply` repairs it and nothing else.

use crate::harness::Cluster;

struct Damage {
    host: &'static str,
    /// Shell text; NAME is the cluster's.
    done: &'static str,
    /// What `plan` then shows, after the host's name.
    changes: &'static [&'static str],
    /// Words of the finding.
    named: &'static str,
}

const IPVS: &str = "ipvs -t 192.168.100.200:80";
const CONFIGURATION: &str = "/etc/keepalived/keepalived.conf";

/// Damages of one round are on different hosts, and each is named by other words: none hides another.
const ROUNDS: &[&[Damage]] = &[
    &[
        Damage {
            host: "rs1",
            done: "ip addr del 192.168.100.200/32 dev lo",
            changes: &["address 192.168.100.200/32 dev lo"],
            named: "address 192.168.100.200/32 dev lo",
        },
        Damage {
            host: "rs2",
            done: "echo 1 >/proc/sys/net/ipv4/conf/lo/arp_announce",
            changes: &["sysctl net.ipv4.conf.lo.arp_announce"],
            named: "sysctl net.ipv4.conf.lo.arp_announce",
        },
        Damage {
            host: "lb1",
            done: "ipvsadm -d -t 192.168.100.200:80 -r 192.168.100.12:80",
            changes: &[IPVS],
            named: "real server `rs1` (192.168.100.12:80) in `web`",
        },
        Damage {
            host: "lb2",
            done: "echo 0 >/proc/sys/net/ipv4/ip_forward",
            changes: &["sysctl net.ipv4.ip_forward"],
            named: "sysctl net.ipv4.ip_forward",
        },
    ],
    &[
        Damage {
            host: "rs1",
            done: "echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore",
            changes: &["sysctl net.ipv4.conf.all.arp_ignore"],
            named: "effective arp_ignore of eth0",
        },
        Damage {
            host: "rs2",
            done: "ip route del 192.168.100.200/32 dev lo",
            changes: &["route 192.168.100.200/32"],
            named: "route 192.168.100.200/32",
        },
        Damage {
            host: "lb1",
            done: "ipvsadm -e -t 192.168.100.200:80 -r 192.168.100.13:80 -g -w 5",
            changes: &[IPVS],
            named: "real server `rs2` (192.168.100.13:80) in `web`",
        },
        Damage {
            host: "lb2",
            done: "ipvsadm -E -t 192.168.100.200:80 -s wlc -p 6",
            changes: &[IPVS],
            named: "service `web` (-t 192.168.100.200:80): service",
        },
    ],
    &[
        Damage {
            host: "rs1",
            done: "systemctl --quiet disable lvsctl-NAME.service",
            changes: &["unit lvsctl-NAME.service"],
            named: "unit lvsctl-NAME.service",
        },
        Damage {
            host: "rs2",
            done: "rm /etc/sysctl.d/90-lvsctl-NAME.conf",
            changes: &["file /etc/sysctl.d/90-lvsctl-NAME.conf"],
            named: "file /etc/sysctl.d/90-lvsctl-NAME.conf",
        },
        Damage {
            host: "lb1",
            done: "sed -i 's/delay_loop 6/delay_loop 60/' /etc/keepalived/keepalived.conf",
            changes: &[
                "file /etc/keepalived/keepalived.conf",
                "unit keepalived.service",
            ],
            named: CONFIGURATION,
        },
    ],
    &[
        Damage {
            host: "lb2",
            done: "chmod 644 /etc/keepalived/keepalived.conf",
            changes: &[
                "file /etc/keepalived/keepalived.conf",
                "unit keepalived.service",
            ],
            named: CONFIGURATION,
        },
        Damage {
            host: "rs1",
            done: "systemctl stop nginx",
            changes: &["unit nginx.service"],
            named: "unit nginx.service",
        },
        Damage {
            host: "rs2",
            done: "ip addr add 192.168.100.200/32 dev eth0",
            changes: &[],
            named: "on lo and on no other interface",
        },
    ],
];

pub(crate) fn each_is_named_and_repaired(cluster: &Cluster) {
    let own = |text: &str| text.replace("NAME", &cluster.name);
    for round in ROUNDS {
        for damage in *round {
            cluster.on(damage.host, &own(damage.done));
        }
        let mut verified = cluster.lvsctl(&["verify", "--no-traffic"]).expect(3);
        for damage in *round {
            verified = verified.says(&own(damage.named));
        }
        let mut expected: Vec<String> = round
            .iter()
            .flat_map(|damage| {
                damage
                    .changes
                    .iter()
                    .map(|c| format!("{} {}", damage.host, own(c)))
            })
            .collect();
        expected.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
        assert_eq!(cluster.planned(), expected);
        // Not made by lvsctl: reported, and left for its owner.
        for damage in round.iter().filter(|damage| damage.changes.is_empty()) {
            cluster.on(damage.host, "ip addr del 192.168.100.200/32 dev eth0");
        }
        cluster.lvsctl(&["apply", "--yes"]).expect(0);
        assert_eq!(cluster.planned(), [""; 0]);
    }
    cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
}
