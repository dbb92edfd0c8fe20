//! Saved rules of the mangle table that replace the rules of fwmarks after lvsctl's unit has set them.

use super::{SETTINGS, Site, UNITS, stock, verify};
use crate::verify::made::Made;

const FWMARK: &str = "
cluster: made
networks: { lan: 192.168.100.0/24 }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  lb2: { role: backup, address: 192.168.100.15 }
  rs1: { role: realserver, address: 192.168.100.12 }
vrrp: { virtual_router_id: 10 }
services:
  web: { vip: 192.168.100.200, port: [80, 443], fwmark: 10, scheduler: rr }
";

const OF_FWMARK: Site = Site {
    inventory: FWMARK,
    hosts: &[Made {
        host: "lb1",
        links: &[("eth0", 1500, &["192.168.100.14/24", "192.168.100.200/32"])],
        facts: &[("sysctl values", SETTINGS), ("unit show", UNITS)],
    }],
};

const UNIT: &str = "/etc/systemd/system/firewall.service";
const ENABLED: (&str, &str) = (
    "/etc/systemd/system/multi-user.target.wants/firewall.service",
    "-> /etc/systemd/system/firewall.service",
);
const BY_US: (&str, &str) = (
    UNIT,
    "[Unit]\nAfter=lvsctl-made.service\n[Service]\nExecStart=/sbin/iptables-restore /etc/iptables.rules\n",
);
const EMPTY: (&str, &str) = (
    "/etc/iptables.rules",
    "*mangle\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n",
);

/// The files, with the finding and its fix; empty: nothing is found.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    [&'static str; 2],
);

const CASES: &[Case] = &[
    (
        "a unit that is ordered after ours",
        &[ENABLED, BY_US, EMPTY],
        [
            "boot-firewall: lb1: /etc/iptables.rules: expected /etc/iptables.rules (run by /etc/systemd/system/firewall.service:4) to leave the \
             cluster's part of the host as it is, found at the next boot: line 1 `*mangle` replaces the mangle table: packets of web get no mark 0xa",
            "sed -i '1d;2d;3d' /etc/iptables.rules",
        ],
    ),
    (
        "beside rules of another table",
        &[
            ENABLED,
            BY_US,
            (
                "/etc/iptables.rules",
                "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n*mangle\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n",
            ),
        ],
        [
            "line 5 `*mangle` replaces",
            "sed -i '5d;6d;7d' /etc/iptables.rules",
        ],
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
        [
            "replaces the mangle table",
            "sed -i '1d;2d;3d' /etc/iptables.rules",
        ],
    ),
    (
        "a crontab at boot",
        &[
            (
                "/etc/cron.d/firewall",
                "@reboot root iptables-restore /etc/iptables.rules\n",
            ),
            EMPTY,
        ],
        [
            "replaces the mangle table",
            "sed -i '1d;2d;3d' /etc/iptables.rules",
        ],
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
        [
            "schedule: lb1: /etc/iptables.rules: ",
            "sed -i '1d;2d;3d' /etc/iptables.rules",
        ],
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
    ("a unit that is not enabled", &[BY_US, EMPTY], ["", ""]),
    (
        "saved with the marks",
        &[
            ENABLED,
            BY_US,
            (
                "/etc/iptables.rules",
                "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 192.168.100.200/32 -p tcp -m multiport --dports 80,443 -j MARK --set-xmark 0xa/0xffffffff\nCOMMIT\n",
            ),
        ],
        ["", ""],
    ),
    (
        "saved with the marks of one port alone",
        &[
            ENABLED,
            BY_US,
            (
                "/etc/iptables.rules",
                "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 192.168.100.200/32 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0xa/0xffffffff\nCOMMIT\n",
            ),
        ],
        [
            "replaces the mangle table: packets of web get no mark 0xa",
            "sed -i '1d;2d;3d;4d' /etc/iptables.rules",
        ],
    ),
    (
        "another table alone",
        &[
            ENABLED,
            BY_US,
            (
                "/etc/iptables.rules",
                "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n",
            ),
        ],
        ["", ""],
    ),
    (
        "Debian's netfilter-persistent, which starts before ours",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/netfilter-persistent.service",
                "-> /usr/lib/systemd/system/netfilter-persistent.service",
            ),
            (
                "/usr/lib/systemd/system/netfilter-persistent.service",
                "[Unit]\nBefore=network-pre.target\n",
            ),
            (
                "/etc/iptables/rules.v4",
                "*mangle\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n",
            ),
        ],
        ["", ""],
    ),
];

#[test]
fn saved_rules_that_replace_the_marks_are_found() {
    for (name, files, [says, fix]) in CASES {
        let found = verify(&OF_FWMARK, &stock::ALL[0], "lb1", files);
        let right = match (says.is_empty(), found.as_slice()) {
            (true, []) => true,
            (false, [one]) => one.contains(says) && one.contains(fix),
            _ => false,
        };
        assert!(
            right,
            "{name}: expected {says:?}, {fix:?}; found {found:#?}"
        );
    }
}
