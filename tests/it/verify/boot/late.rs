//! Saved rules that replace lvsctl's rules after its unit has set them.

use super::{RS1, SETTINGS, Site, UNITS, stock, verify};
use crate::verify::made::Made;

const FWMARK: &str = "
cluster: made
networks: { lan: 192.168.100.0/24 }
defaults: { interface: eth0 }
arp: arptables
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  lb2: { role: backup, address: 192.168.100.15 }
  rs1: { role: realserver, address: 192.168.100.12 }
vrrp: { virtual_router_id: 10 }
services:
  web: { vip: 192.168.100.200, port: [80, 443], fwmark: 10, scheduler: rr }
";

const MARKED: &str = "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 192.168.100.200/32 -p tcp -m multiport --dports 80,443 -m comment --comment lvsctl:made/web -j MARK --set-xmark 0xa/0xffffffff\nCOMMIT\n";

const LB1: Made = Made {
    host: "lb1",
    links: &[("eth0", 1500, &["192.168.100.14/24", "192.168.100.200/32"])],
    facts: &[
        ("sysctl values", SETTINGS),
        ("unit show", UNITS),
        ("firewall nft", MARKED),
    ],
};

const OF_FWMARK: Site = Site {
    inventory: FWMARK,
    hosts: &[LB1, RS1],
};

const UNIT: &str = "/etc/systemd/system/firewall.service";
const ENABLED: (&str, &str) = (
    "/etc/systemd/system/multi-user.target.wants/firewall.service",
    "-> /etc/systemd/system/firewall.service",
);
const AFTER_OURS: (&str, &str) = (
    UNIT,
    "[Unit]\nAfter=lvsctl-made.service\n[Service]\nExecStart=/sbin/iptables-restore /etc/iptables.rules\n",
);
const PERSISTENT: (&str, &str) = (
    "/etc/systemd/system/multi-user.target.wants/netfilter-persistent.service",
    "-> /usr/lib/systemd/system/placeholder.service",
);
const EMPTY: (&str, &str) = (
    "/etc/iptables.rules",
    "*mangle\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n",
);
const RULES_V4: (&str, &str) = ("/etc/iptables/rules.v4", EMPTY.1);
const IN_NFT: (&str, &str) = (
    "/etc/fw.nft",
    "flush ruleset\ntable inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy accept;\n\t}\n}\n",
);

const LOST: &str = "`*mangle` replaces the mangle table after lvsctl has set it: packets of web get no mark in place of 0xa";
const DELETE: &str = "`sed -i '1d;2d;3d' /etc/iptables.rules`";
const EARLIER: &str = "load these rules before lvsctl-made.service (`Before=lvsctl-made.service`";

/// The files, and what the finding says, with its fix; empty: nothing is found.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    [&'static str; 2],
);

const CASES: &[Case] = &[
    (
        "a unit that is ordered after ours",
        &[ENABLED, AFTER_OURS, EMPTY],
        [
            "boot-firewall: lb1: /etc/iptables.rules: expected /etc/iptables.rules (run by /etc/systemd/system/firewall.service:4) to leave the \
             cluster's part of the host as it is, found at the next boot: line 1 `*mangle` replaces the mangle table after lvsctl has set it: \
             packets of web get no mark in place of 0xa",
            DELETE,
        ],
    ),
    (
        "beside rules of another table",
        &[
            ENABLED,
            AFTER_OURS,
            (
                "/etc/iptables.rules",
                "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n*mangle\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n",
            ),
        ],
        [LOST, "`sed -i '5d;6d;7d' /etc/iptables.rules`"],
    ),
    (
        "after the target of all services",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=multi-user.target\n[Service]\nExecStart=/bin/sh -c 'iptables-restore </etc/iptables.rules'\n",
            ),
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "after keepalived",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=syslog.service keepalived.service\n[Service]\nExecStart=/sbin/iptables-restore /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "at the same time as ours",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=network-online.target\n[Service]\nExecStart=/sbin/iptables-restore /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "after the network and before ours",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=network-online.target\nBefore=lvsctl-made.service\n[Service]\nExecStart=/sbin/iptables-restore /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        ["", ""],
    ),
    (
        "a drop-in orders it after ours",
        &[
            ENABLED,
            (
                UNIT,
                "[Service]\nExecStart=/sbin/iptables-restore /etc/iptables.rules\n",
            ),
            (
                "/etc/systemd/system/firewall.service.d/late.conf",
                "[Unit]\nAfter=lvsctl-made.service\n",
            ),
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "a drop-in of our unit",
        &[
            (
                "/etc/systemd/system/lvsctl-made.service.d/filter.conf",
                "[Service]\nExecStartPost=/sbin/iptables-restore /etc/iptables.rules\n",
            ),
            ("/sbin/iptables-restore", "#!/bin/true\n"),
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "a drop-in of our unit, before its start",
        &[
            (
                "/etc/systemd/system/lvsctl-made.service.d/filter.conf",
                "[Service]\nExecStartPre=/sbin/iptables-restore /etc/iptables.rules\n",
            ),
            ("/sbin/iptables-restore", "#!/bin/true\n"),
            EMPTY,
        ],
        ["", ""],
    ),
    (
        "a drop-in of keepalived",
        &[
            (
                "/etc/systemd/system/keepalived.service.d/filter.conf",
                "[Service]\nExecStartPre=/sbin/iptables-restore /etc/iptables.rules\n",
            ),
            ("/sbin/iptables-restore", "#!/bin/true\n"),
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "a crontab at boot, before the network is up",
        &[
            (
                "/etc/cron.d/firewall",
                "@reboot root iptables-restore /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        ["", ""],
    ),
    (
        "a crontab at boot that waits",
        &[
            (
                "/etc/cron.d/firewall",
                "@reboot root sleep 30; iptables-restore /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "each hour",
        &[
            (
                "/etc/cron.d/firewall",
                "0 * * * * root iptables-restore /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        ["schedule: lb1: /etc/iptables.rules: ", DELETE],
    ),
    (
        "a timer",
        &[
            (
                "/etc/systemd/system/timers.target.wants/firewall.timer",
                "-> /etc/systemd/system/firewall.timer",
            ),
            (
                "/etc/systemd/system/firewall.timer",
                "[Timer]\nOnCalendar=hourly\n",
            ),
            (
                UNIT,
                "[Service]\nExecStart=/sbin/iptables-restore /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        ["schedule: lb1: /etc/iptables.rules: ", DELETE],
    ),
    (
        "rc.local, after a while",
        &[
            (
                "/etc/rc.local",
                "#!/bin/sh\nsleep 20\niptables-restore </etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "rc.local at once",
        &[
            (
                "/etc/rc.local",
                "#!/bin/sh\niptables-restore </etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        ["", ""],
    ),
    (
        "early by one source and late by another",
        &[
            (
                "/etc/network/if-pre-up.d/iptables",
                "#!/bin/sh\niptables-restore </etc/iptables.rules\n",
            ),
            ENABLED,
            AFTER_OURS,
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "the file of a package whose service is not enabled",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=lvsctl-made.service\n[Service]\nExecStart=/sbin/iptables-restore /etc/iptables/rules.v4\n",
            ),
            RULES_V4,
        ],
        [LOST, "`sed -i '1d;2d;3d' /etc/iptables/rules.v4`"],
    ),
    (
        "the package's service, restarted late",
        &[
            PERSISTENT,
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=lvsctl-made.service\n[Service]\nExecStart=/usr/sbin/netfilter-persistent reload\n",
            ),
            RULES_V4,
        ],
        [LOST, "`sed -i '1d;2d;3d' /etc/iptables/rules.v4`"],
    ),
    (
        "the package's service, ordered late by a drop-in",
        &[
            PERSISTENT,
            (
                "/etc/systemd/system/netfilter-persistent.service.d/late.conf",
                "[Unit]\nAfter=network-online.target\n",
            ),
            RULES_V4,
        ],
        [LOST, "`sed -i '1d;2d;3d' /etc/iptables/rules.v4`"],
    ),
    (
        "the package's service, which starts before ours",
        &[PERSISTENT, RULES_V4],
        ["", ""],
    ),
    (
        "with other rules of the table",
        &[
            ENABLED,
            AFTER_OURS,
            (
                "/etc/iptables.rules",
                "*mangle\n:PREROUTING ACCEPT [0:0]\n[5:300] -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n",
            ),
        ],
        [LOST, EARLIER],
    ),
    (
        "with an old mark",
        &[
            ENABLED,
            AFTER_OURS,
            (
                "/etc/iptables.rules",
                "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 192.168.100.200/32 -p tcp -j MARK --set-xmark 0xb/0xffffffff\nCOMMIT\n",
            ),
        ],
        ["packets of web get the mark 0xb in place of 0xa", EARLIER],
    ),
    (
        "with the mark of one port alone",
        &[
            ENABLED,
            AFTER_OURS,
            (
                "/etc/iptables.rules",
                "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 192.168.100.200/32 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0xa/0xffffffff\nCOMMIT\n",
            ),
        ],
        [LOST, EARLIER],
    ),
    (
        "saved with the marks",
        &[
            ENABLED,
            AFTER_OURS,
            (
                "/etc/iptables.rules",
                "*mangle\n:PREROUTING ACCEPT [0:0]\n[0:0] -A PREROUTING -j own\n[0:0] -A own -d 192.168.100.200/32 -p tcp -m multiport --dports 80,443 -j MARK --set-xmark 0xa/0xffffffff\nCOMMIT\n",
            ),
        ],
        ["", ""],
    ),
    (
        "the rules are added",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=lvsctl-made.service\n[Service]\nExecStart=/sbin/iptables-restore --noflush /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        ["", ""],
    ),
    (
        "another table of the file",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=lvsctl-made.service\n[Service]\nExecStart=/sbin/iptables-restore -T filter /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        ["", ""],
    ),
    (
        "our rules are set again",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=lvsctl-made.service\n[Service]\nExecStart=/sbin/iptables-restore /etc/iptables.rules\nExecStartPost=/usr/local/sbin/lvsctl-made start\n",
            ),
            EMPTY,
        ],
        ["", ""],
    ),
    (
        "a unit that starts before ours",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nBefore=network-pre.target\n[Service]\nExecStart=/sbin/iptables-restore /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        ["", ""],
    ),
    ("a unit that is not enabled", &[AFTER_OURS, EMPTY], ["", ""]),
    (
        "rules of IPv6 alone",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=lvsctl-made.service\n[Service]\nExecStart=/sbin/ip6tables-restore /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        ["", ""],
    ),
    (
        "nft removes what iptables-nft has set",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=multi-user.target\n[Service]\nExecStart=/usr/sbin/nft -f /etc/fw.nft\n",
            ),
            IN_NFT,
        ],
        [
            "line 1 `flush ruleset` removes the rules of fwmarks after lvsctl has set them",
            "`sed -i '1d' /etc/fw.nft`",
        ],
    ),
    (
        "nft before ours",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nBefore=network-pre.target\n[Service]\nExecStart=/usr/sbin/nft -f /etc/fw.nft\n",
            ),
            IN_NFT,
        ],
        ["", ""],
    ),
];

/// On Alpine.
const OF_OPENRC: &[Case] = &[
    (
        "local.d",
        &[
            ("/etc/runlevels/default/local", PERSISTENT.1),
            (
                "/etc/local.d/firewall.start",
                "#!/bin/sh\niptables-restore </etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "a script that is ordered after keepalived",
        &[
            ("/etc/runlevels/default/firewall", PERSISTENT.1),
            (
                "/etc/init.d/firewall",
                "#!/sbin/openrc-run\ndepend() {\n\tafter keepalived\n}\nstart() {\n\tiptables-restore </etc/iptables.rules\n}\n",
            ),
            EMPTY,
        ],
        [LOST, DELETE],
    ),
    (
        "a script without an order",
        &[
            ("/etc/runlevels/default/firewall", PERSISTENT.1),
            (
                "/etc/init.d/firewall",
                "#!/sbin/openrc-run\nstart() {\n\tiptables-restore </etc/iptables.rules\n}\n",
            ),
            EMPTY,
        ],
        ["", ""],
    ),
];

const OF_REAL_SERVERS: &[Case] = &[
    (
        "arptables without our rules",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=lvsctl-made.service\n[Service]\nExecStart=/sbin/arptables-restore /etc/arp.rules\n",
            ),
            ("/etc/arp.rules", "*filter\n:INPUT ACCEPT\n"),
        ],
        [
            "replaces the rules of arptables after lvsctl has set them: the host answers ARP for 192.168.100.200",
            EARLIER,
        ],
    ),
    (
        "arptables before ours",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nBefore=network-pre.target\n[Service]\nExecStart=/sbin/arptables-restore /etc/arp.rules\n",
            ),
            ("/etc/arp.rules", "*filter\n:INPUT ACCEPT\n"),
        ],
        ["", ""],
    ),
    (
        "arptables with our rules",
        &[
            ENABLED,
            (
                UNIT,
                "[Unit]\nAfter=lvsctl-made.service\n[Service]\nExecStart=/sbin/arptables-restore /etc/arp.rules\n",
            ),
            (
                "/etc/arp.rules",
                "*filter\n:INPUT ACCEPT\n-A INPUT -j DROP -d 192.168.100.200\n-A OUTPUT -j mangle -s 192.168.100.200 --mangle-ip-s 192.168.100.12\n",
            ),
        ],
        ["", ""],
    ),
    (
        "mangle of a host without fwmarks",
        &[ENABLED, AFTER_OURS, EMPTY],
        ["", ""],
    ),
];

#[test]
fn saved_rules_that_replace_ours_are_found() {
    let of_debian = &stock::ALL[0];
    let of_openrc = stock::ALL.iter().find(|d| d.name == "alpine");
    let all = [
        (of_debian, "lb1", CASES),
        (of_openrc.expect("Alpine"), "lb1", OF_OPENRC),
        (of_debian, "rs1", OF_REAL_SERVERS),
    ];
    let mut wrong = Vec::new();
    for (distribution, host, cases) in all {
        for (name, files, [says, fix]) in cases {
            let found = verify(&OF_FWMARK, distribution, host, files);
            let right = match (says.is_empty(), found.as_slice()) {
                (true, []) => true,
                (false, [one]) => one.contains(says) && one.contains(fix),
                _ => false,
            };
            if !right {
                wrong.push(format!(
                    "{host}: {name}: expected {says:?}, {fix:?}; found {found:#?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
