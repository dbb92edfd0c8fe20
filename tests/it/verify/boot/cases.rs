//! Faults of the next boot and of schedules, each on its distribution, with the one finding that it is; and things that are none.

pub(super) struct Case {
    pub name: &'static str,
    pub on: &'static str,
    pub host: &'static str,
    /// Files beside the stock ones, or in their place.
    pub files: &'static [(&'static str, &'static str)],
    /// Empty: nothing is found.
    pub check: &'static str,
    pub says: &'static str,
    pub fix: &'static str,
}

const fn case(
    name: &'static str,
    on: &'static str,
    host: &'static str,
    files: &'static [(&'static str, &'static str)],
    [check, says, fix]: [&'static str; 3],
) -> Case {
    Case {
        name,
        on,
        host,
        files,
        check,
        says,
        fix,
    }
}

const NONE: [&str; 3] = ["", "", ""];
const ENABLED: &str = "-> /usr/lib/systemd/system/placeholder.service";

/// A unit of the administrator, its link, and what it runs.
macro_rules! unit {
    ($name:literal, $text:literal) => {
        &[
            (concat!("/etc/systemd/system/", $name), $text),
            (
                concat!("/etc/systemd/system/multi-user.target.wants/", $name),
                ENABLED,
            ),
        ]
    };
}

macro_rules! keepalived {
    ($text:literal) => {
        &[(
            "/etc/systemd/system/keepalived.service.d/override.conf",
            $text,
        )]
    };
}

pub(super) const CASES: &[Case] = &[
    // Units: drop-ins, arguments, conditions.
    case(
        "another configuration",
        "debian-12",
        "lb1",
        keepalived!(
            "[Service]\nExecStart=\nExecStart=/usr/sbin/keepalived --dont-fork -f /etc/keepalived/other.conf\n"
        ),
        [
            "boot-unit",
            "reads /etc/keepalived/other.conf in place of",
            "rm /etc/systemd/system/keepalived.service.d/override.conf && systemctl daemon-reload",
        ],
    ),
    case(
        "another configuration by an environment",
        "debian-13",
        "lb1",
        keepalived!("[Service]\nEnvironment=\"DAEMON_ARGS=-f /tmp/k.conf\"\n"),
        ["boot-unit", "reads /tmp/k.conf", "rm "],
    ),
    case(
        "another program",
        "rhel-9",
        "lb1",
        keepalived!("[Service]\nExecStart=\nExecStart=/bin/sleep infinity\n"),
        ["boot-unit", "in place of keepalived", "rm "],
    ),
    case(
        "a condition that does not hold",
        "debian-12",
        "lb1",
        keepalived!("[Unit]\nConditionPathExists=/etc/no-such-file\n"),
        ["boot-unit", "does not start", "rm "],
    ),
    case(
        "a negated condition",
        "debian-12",
        "lb1",
        keepalived!("[Unit]\nConditionPathExists=!/etc/keepalived/keepalived.conf\n"),
        ["boot-unit", "does not start", "rm "],
    ),
    case(
        "a condition that holds",
        "debian-12",
        "lb1",
        keepalived!("[Unit]\nConditionPathExists=/etc/keepalived/keepalived.conf\n"),
        NONE,
    ),
    case(
        "an assertion of another host",
        "suse-15",
        "lb1",
        keepalived!("[Unit]\nAssertHost=other\n"),
        ["boot-unit", "starts only where AssertHost=other", "rm "],
    ),
    case(
        "a failing command before the start",
        "debian-13",
        "lb1",
        keepalived!("[Service]\nExecStartPre=/bin/false\n"),
        ["boot-unit", "does not start", "rm "],
    ),
    case(
        "an address removed after the start",
        "debian-12",
        "lb1",
        keepalived!(
            "[Service]\nExecStartPost=/bin/sh -c 'sleep 9; ip addr del 192.168.100.200/32 dev eth0'\n"
        ),
        ["boot-address", "removes 192.168.100.200", "rm "],
    ),
    case(
        "another user",
        "debian-12",
        "lb1",
        keepalived!("[Service]\nUser=nobody\n"),
        ["boot-unit", "runs as nobody", "rm "],
    ),
    case(
        "a private network namespace",
        "rhel-10",
        "lb1",
        keepalived!("[Service]\nPrivateNetwork=yes\n"),
        ["boot-unit", "without the host's network", "rm "],
    ),
    case(
        "another file in place of ours",
        "debian-12",
        "lb1",
        keepalived!("[Service]\nBindReadOnlyPaths=/tmp/k.conf:/etc/keepalived/keepalived.conf\n"),
        ["boot-unit", "sees other files", "rm "],
    ),
    case(
        "no capability",
        "debian-13",
        "lb1",
        keepalived!("[Service]\nCapabilityBoundingSet=~CAP_NET_ADMIN\n"),
        ["boot-unit", "may not set up the network", "rm "],
    ),
    case(
        "a bound on time",
        "debian-12",
        "lb1",
        keepalived!("[Service]\nRuntimeMaxSec=1h\n"),
        ["boot-unit", "ends after 1h", "rm "],
    ),
    case(
        "a unit that is not there",
        "debian-12",
        "lb1",
        keepalived!("[Unit]\nRequires=no-such.service\n"),
        ["boot-unit", "needs no-such.service", "rm "],
    ),
    case(
        "harmless settings",
        "debian-12",
        "lb1",
        keepalived!(
            "[Unit]\nAfter=ssh.service\n[Service]\nRestart=always\nRestartSec=1\nLimitNOFILE=65536\nExecStartPre=-/bin/true\n"
        ),
        NONE,
    ),
    case(
        "a drop-in for all services",
        "debian-13",
        "lb1",
        &[(
            "/etc/systemd/system/service.d/x.conf",
            "[Service]\nPrivateNetwork=yes\n",
        )],
        ["boot-unit", "without the host's network", "rm "],
    ),
    case(
        "a drop-in of a package's folder",
        "debian-12",
        "lb1",
        &[(
            "/usr/lib/systemd/system/keepalived.service.d/x.conf",
            "[Service]\nExecStart=\nExecStart=/usr/sbin/keepalived -n -P\n",
        )],
        ["boot-unit", "VRRP alone", "rm "],
    ),
    case(
        "a unit in place of the package's",
        "debian-12",
        "lb1",
        &[(
            "/etc/systemd/system/keepalived.service",
            "[Service]\nExecStart=/usr/sbin/keepalived -n -f /root/k.conf\n[Install]\nWantedBy=multi-user.target\n",
        )],
        [
            "boot-unit",
            "reads /root/k.conf",
            "rm /etc/systemd/system/keepalived.service && systemctl daemon-reload",
        ],
    ),
    case(
        "arguments",
        "debian-12",
        "lb1",
        &[(
            "/etc/default/keepalived",
            "DAEMON_ARGS=\"-f /etc/keepalived/old.conf\"\n",
        )],
        [
            "boot-unit",
            "reads /etc/keepalived/old.conf",
            "`sed -i '1d' /etc/default/keepalived`, or take these arguments alone out",
        ],
    ),
    case(
        "arguments",
        "rhel-8",
        "lb1",
        &[(
            "/etc/sysconfig/keepalived",
            "KEEPALIVED_OPTIONS=\"-D -P\"\n",
        )],
        [
            "boot-unit",
            "VRRP alone",
            "sed -i '1d' /etc/sysconfig/keepalived",
        ],
    ),
    case(
        "arguments",
        "alpine",
        "lb1",
        &[("/etc/conf.d/keepalived", "KEEPALIVED_OPTS=\"--check\"\n")],
        ["boot-unit", "health checks alone", "line 1"],
    ),
    case(
        "the node's unit takes down what it set up",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/system/lvsctl-made.service.d/x.conf",
            "[Service]\nRemainAfterExit=no\n",
        )],
        ["boot-unit", "takes down again", "rm "],
    ),
    case(
        "the node's unit runs something else",
        "debian-13",
        "rs1",
        &[(
            "/etc/systemd/system/lvsctl-.service.d/x.conf",
            "[Service]\nExecStart=\nExecStart=/bin/true\n",
        )],
        ["boot-unit", "starts `/bin/true`", "rm "],
    ),
    case(
        "another default target",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/system/default.target",
            "-> /usr/lib/systemd/system/rescue.target",
        )],
        [
            "boot-unit",
            "goes to rescue.target",
            "systemctl set-default multi-user.target",
        ],
    ),
    case(
        "masked from the next boot on",
        "rhel-9",
        "lb1",
        &[("/etc/systemd/system/keepalived.service", "-> /dev/null")],
        [
            "boot-unit",
            "masks it from the next boot on",
            "systemctl unmask keepalived.service",
        ],
    ),
    case(
        "a unit that conflicts",
        "debian-12",
        "lb1",
        unit!(
            "rival.service",
            "[Unit]\nConflicts=keepalived.service\n[Service]\nExecStart=/bin/true\n"
        ),
        [
            "boot-unit",
            "stops keepalived.service when it starts",
            "systemctl disable --now rival.service",
        ],
    ),
    case(
        "a unit that stops keepalived",
        "rhel-9",
        "lb1",
        unit!(
            "stop.service",
            "[Service]\nType=oneshot\nExecStart=/usr/bin/systemctl stop keepalived\n"
        ),
        [
            "boot-unit",
            "stops keepalived.service",
            "systemctl disable --now stop.service",
        ],
    ),
    case(
        "a unit that is not enabled",
        "debian-12",
        "lb1",
        &[(
            "/etc/systemd/system/stop.service",
            "[Service]\nExecStart=/usr/bin/systemctl stop keepalived\n",
        )],
        NONE,
    ),
    case(
        "a generator",
        "debian-12",
        "lb1",
        &[(
            "/etc/systemd/system-generators/x",
            "#!/bin/sh\nln -sf /dev/null /run/systemd/system/keepalived.service\nsystemctl mask keepalived.service\n",
        )],
        [
            "boot-unit",
            "masks keepalived.service",
            "/etc/systemd/system-generators/x",
        ],
    ),
    case(
        "the kernel's command line masks a unit",
        "debian-12",
        "lb1",
        &[(
            "/etc/default/grub",
            "GRUB_CMDLINE_LINUX=\"quiet systemd.mask=keepalived.service\"\n",
        )],
        ["boot-unit", "masks keepalived.service", "update-grub"],
    ),
    case(
        "the kernel's command line",
        "rhel-9",
        "rs1",
        &[(
            "/boot/loader/entries/1.conf",
            "title RHEL\noptions root=/dev/sda1 ro systemd.unit=emergency.target\n",
        )],
        ["boot-unit", "boots into emergency.target", "line 2"],
    ),
    case(
        "a value by tmpfiles.d",
        "debian-12",
        "rs1",
        &[(
            "/etc/tmpfiles.d/x.conf",
            "w /proc/sys/net/ipv4/conf/all/arp_ignore - - - - 0\n",
        )],
        [
            "persisted-sysctl",
            "sets net.ipv4.conf.all.arp_ignore to 0",
            "rm /etc/tmpfiles.d/x.conf",
        ],
    ),
    // Addresses and routes.
    case(
        "the VIP on the NIC by systemd-networkd",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/20-vip.network",
            "[Match]\nName=eth0\n\n[Network]\nAddress=192.168.100.200/32\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "rm /etc/systemd/network/20-vip.network && networkctl reload",
        ],
    ),
    case(
        "the VIP on the NIC by a drop-in",
        "debian-13",
        "rs1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/vip.conf",
            "[Address]\nAddress=192.168.100.200/24\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "rm ",
        ],
    ),
    case(
        "the VIP on lo",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/20-lo.network",
            "[Match]\nName=lo\n\n[Network]\nAddress=192.168.100.200/32\n",
        )],
        NONE,
    ),
    case(
        "the VIP on a director, beside keepalived",
        "debian-12",
        "lb1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/vip.conf",
            "[Network]\nAddress=192.168.100.200/24\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "rm ",
        ],
    ),
    case(
        "another host's address",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/x.conf",
            "[Network]\nAddress=192.168.100.13/24\n",
        )],
        ["boot-address", "the address of rs2", "rm "],
    ),
    case(
        "a file that takes the interface",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/00-x.network",
            "[Match]\nName=e*\n\n[Network]\nLinkLocalAddressing=no\n",
        )],
        [
            "boot-address",
            "takes eth0 from /etc/systemd/network/10-eth0.network",
            "/etc/systemd/network/00-x.network",
        ],
    ),
    case(
        "an interface that stays down",
        "debian-13",
        "rs1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/x.conf",
            "[Link]\nActivationPolicy=always-down\n",
        )],
        ["boot-address", "does not bring the interface up", "rm "],
    ),
    case(
        "no ARP",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/x.conf",
            "[Link]\nARP=no\n",
        )],
        ["boot-address", "switches ARP off", "rm "],
    ),
    case(
        "an interface of another name",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/10-x.link",
            "[Match]\nOriginalName=eth0\n\n[Link]\nName=lan0\n",
        )],
        [
            "boot-address",
            "renames eth0 to lan0",
            "/etc/systemd/network/10-x.link",
        ],
    ),
    case(
        "the VIP by netplan",
        "debian-12",
        "rs1",
        &[(
            "/etc/netplan/01-x.yaml",
            "network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses:\n        - 192.168.100.12/24\n        - 192.168.100.200/32\n      nameservers:\n        addresses: [192.168.100.200]\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "sed -i '7d' /etc/netplan/01-x.yaml",
        ],
    ),
    case(
        "netplan of a healthy host",
        "debian-12",
        "rs1",
        &[(
            "/etc/netplan/01-x.yaml",
            "network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses: [192.168.100.12/24]\n      routes:\n        - to: default\n          via: 192.168.100.15\n      nameservers:\n        addresses: [192.168.100.200]\n    lo:\n      addresses: [192.168.100.200/32]\n",
        )],
        NONE,
    ),
    case(
        "the VIP by ifupdown",
        "debian-12",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/networking.service",
                ENABLED,
            ),
            (
                "/etc/network/interfaces.d/vip",
                "auto eth0:1\niface eth0:1 inet static\n\taddress 192.168.100.200/32\n",
            ),
        ],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "/etc/network/interfaces.d/vip",
        ],
    ),
    case(
        "ifupdown is not enabled",
        "debian-12",
        "rs1",
        &[(
            "/etc/network/interfaces.d/vip",
            "auto eth0:1\niface eth0:1 inet static\n\taddress 192.168.100.200/32\n",
        )],
        NONE,
    ),
    case(
        "the VIP on lo by ifupdown",
        "debian-12",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/networking.service",
                ENABLED,
            ),
            (
                "/etc/network/interfaces.d/vip",
                "auto lo:0\niface lo:0 inet static\n\taddress 192.168.100.200/32\n",
            ),
        ],
        NONE,
    ),
    case(
        "a command of ifupdown",
        "alpine",
        "rs1",
        &[(
            "/etc/network/interfaces",
            "auto eth0\niface eth0 inet static\n\taddress 192.168.100.12/24\n\tup ip addr add 192.168.100.200/32 dev eth0\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "sed -i '4d' /etc/network/interfaces",
        ],
    ),
    case(
        "a script when an interface comes up",
        "debian-12",
        "rs1",
        &[("/etc/network/if-up.d/x", "#!/bin/sh\nip link set lo down\n")],
        ["boot-address", "takes lo down", "rm /etc/network/if-up.d/x"],
    ),
    case(
        "the VIP by NetworkManager",
        "rhel-9",
        "rs1",
        &[(
            "/etc/NetworkManager/system-connections/vip.nmconnection",
            "[connection]\nid=vip\ninterface-name=eth0\n\n[ipv4]\naddress1=192.168.100.200/24\nmethod=manual\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "nmcli connection reload",
        ],
    ),
    case(
        "a connection that does not come up by itself",
        "rhel-9",
        "rs1",
        &[(
            "/etc/NetworkManager/system-connections/vip.nmconnection",
            "[connection]\nid=vip\nautoconnect=false\ninterface-name=eth0\n\n[ipv4]\naddress1=192.168.100.200/24\n",
        )],
        NONE,
    ),
    case(
        "a dispatcher's script",
        "rhel-10",
        "rs1",
        &[(
            "/etc/NetworkManager/dispatcher.d/99-x",
            "#!/bin/bash\nif [ \"$2\" = up ]; then\n  ip addr del 192.168.100.200/32 dev lo\nfi\n",
        )],
        ["boot-address", "removes 192.168.100.200", "99-x"],
    ),
    case(
        "the VIP by an ifcfg file",
        "rhel-8",
        "rs1",
        &[(
            "/etc/sysconfig/network-scripts/ifcfg-eth0:0",
            "DEVICE=eth0:0\nIPADDR=192.168.100.200\nPREFIX=32\nONBOOT=yes\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "ifcfg-eth0:0",
        ],
    ),
    case(
        "an ifcfg file that is off",
        "rhel-8",
        "rs1",
        &[(
            "/etc/sysconfig/network-scripts/ifcfg-eth0:0",
            "DEVICE=eth0:0\nIPADDR=192.168.100.200\nONBOOT=no\n",
        )],
        NONE,
    ),
    case(
        "the VIP by wicked",
        "suse-15",
        "rs1",
        &[(
            "/etc/sysconfig/network/ifcfg-eth0",
            "BOOTPROTO='static'\nSTARTMODE='auto'\nIPADDR='192.168.100.12/24'\nIPADDR_1='192.168.100.200/32'\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "sed -i '4d'",
        ],
    ),
    case(
        "a route of wicked",
        "suse-15",
        "lb1",
        &[(
            "/etc/sysconfig/network/routes",
            "192.168.100.12/32 192.168.100.1 - eth0\n",
        )],
        [
            "boot-address",
            "sets another route to 192.168.100.12/32",
            "routes",
        ],
    ),
    case(
        "a blackhole",
        "debian-12",
        "lb1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/x.conf",
            "[Route]\nDestination=192.168.100.12/32\nType=blackhole\n",
        )],
        [
            "boot-address",
            "sets another route to 192.168.100.12/32",
            "rm ",
        ],
    ),
    case(
        "rc.local adds the VIP",
        "debian-12",
        "rs1",
        &[(
            "/etc/rc.local",
            "#!/bin/sh\nip addr add 192.168.100.200/32 dev eth0\nexit 0\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "rm /etc/rc.local",
        ],
    ),
    case(
        "rc.local is not executable",
        "debian-12",
        "rs1",
        &[("/etc/rc.local", "ip addr add 192.168.100.200/32 dev eth0\n")],
        NONE,
    ),
    case(
        "rc.local adds the VIP",
        "rhel-9",
        "rs1",
        &[(
            "/etc/rc.d/rc.local",
            "#!/bin/bash\ntouch /var/lock/subsys/local\nifconfig eth0:0 192.168.100.200 netmask 255.255.255.255 up\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "sed -i '3d'",
        ],
    ),
    case(
        "after.local",
        "suse-15",
        "rs1",
        &[(
            "/etc/init.d/after.local",
            "#!/bin/sh\n/sbin/ip a d 192.168.100.200/32 dev lo\n",
        )],
        ["boot-address", "removes 192.168.100.200", "rm "],
    ),
    case(
        "another address of the host itself",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/10-eth0.network",
            "[Match]\nName=eth0\n[Network]\nAddress=192.168.100.112/24\n",
        )],
        [
            "boot-address",
            "gives eth0 192.168.100.112 in place of 192.168.100.12",
            "sed -i '4s|.*|Address=192.168.100.12/24|' /etc/systemd/network/10-eth0.network",
        ],
    ),
    case(
        "a rule that discards what comes from the VIP",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/x.conf",
            "[RoutingPolicyRule]\nFrom=192.168.100.200/32\nType=blackhole\nPriority=100\n",
        )],
        [
            "boot-address",
            "discards packets of 192.168.100.200/32",
            "rm ",
        ],
    ),
    case(
        "a blackhole for another host",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/x.conf",
            "[Route]\nDestination=192.168.100.15/32\nType=blackhole\n",
        )],
        [
            "boot-address",
            "sets another route to 192.168.100.15/32",
            "rm ",
        ],
    ),
    case(
        "a blackhole that the network of the hosts comes before",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/x.conf",
            "[Route]\nDestination=192.0.0.0/8\nType=blackhole\n",
        )],
        NONE,
    ),
    case(
        "a rule that discards a network around that of the hosts",
        "debian-12",
        "rs1",
        &[(
            "/etc/rc.local",
            "#!/bin/sh\nip rule add to 192.168.0.0/16 prohibit\n",
        )],
        [
            "boot-address",
            "discards packets of 192.168.0.0/16 (prohibit)",
            "rm /etc/rc.local",
        ],
    ),
    case(
        "a rule that discards what goes to a director",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/x.conf",
            "[RoutingPolicyRule]\nTo=192.168.100.14/32\nType=unreachable\n",
        )],
        [
            "boot-address",
            "discards packets of 192.168.100.14/32",
            "rm ",
        ],
    ),
    case(
        "a rule that discards what goes elsewhere",
        "debian-12",
        "rs1",
        &[(
            "/etc/rc.local",
            "#!/bin/sh\nip rule add to 10.0.0.0/8 prohibit\n",
        )],
        NONE,
    ),
    case(
        "local.d",
        "alpine",
        "rs1",
        &[
            ("/etc/runlevels/default/local", ENABLED),
            (
                "/etc/local.d/x.start",
                "#!/bin/sh\nip route add blackhole 192.168.100.200\n",
            ),
        ],
        [
            "boot-address",
            "discards packets to 192.168.100.200/32",
            "rm ",
        ],
    ),
    case(
        "local.d is not enabled",
        "alpine",
        "rs1",
        &[(
            "/etc/local.d/x.start",
            "#!/bin/sh\nip addr del 192.168.100.200/32 dev lo\n",
        )],
        NONE,
    ),
    case(
        "a rule of udev",
        "debian-12",
        "rs1",
        &[(
            "/etc/udev/rules.d/99-x.rules",
            "ACTION==\"add\", SUBSYSTEM==\"net\", RUN+=\"/bin/sh -c 'ip addr add 192.168.100.200/32 dev eth0'\"\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "udevadm control --reload",
        ],
    ),
    case(
        "a script that a unit names",
        "debian-12",
        "rs1",
        &[
            (
                concat!("/etc/systemd/system/", "fix.service"),
                "[Service]\nExecStart=/usr/local/sbin/fix.sh\n",
            ),
            (
                "/etc/systemd/system/multi-user.target.wants/fix.service",
                ENABLED,
            ),
            (
                "/usr/local/sbin/fix.sh",
                "#!/bin/sh\nip addr add 192.168.100.200/32 dev eth0\n",
            ),
        ],
        [
            "boot-address",
            "/usr/local/sbin/fix.sh (run by /etc/systemd/system/fix.service:2)",
            "/usr/local/sbin/fix.sh",
        ],
    ),
    // Kernel parameters.
    case(
        "sysctl in rc.local",
        "debian-12",
        "lb1",
        &[(
            "/etc/rc.local",
            "#!/bin/sh\nsysctl -w net.ipv4.ip_forward=0\n",
        )],
        [
            "persisted-sysctl",
            "sets net.ipv4.ip_forward to 0 in place of 1",
            "rm /etc/rc.local",
        ],
    ),
    case(
        "a value written to /proc",
        "debian-13",
        "rs1",
        &[(
            "/etc/network/if-up.d/x",
            "#!/bin/sh\necho 0 > /proc/sys/net/ipv4/conf/all/arp_announce\n",
        )],
        ["persisted-sysctl", "arp_announce to 0 in place of 2", "rm "],
    ),
    case(
        "the desired value",
        "debian-12",
        "lb1",
        &[(
            "/etc/rc.local",
            "#!/bin/sh\nsysctl -w net.ipv4.ip_forward=1\necho 1 >/proc/sys/net/ipv4/ip_forward\n",
        )],
        NONE,
    ),
    case(
        "the active profile of tuned",
        "rhel-9",
        "lb1",
        &[("/etc/tuned/active_profile", "router\n")],
        [
            "persisted-sysctl",
            "sets net.ipv4.ip_forward to 0",
            "router/tuned.conf",
        ],
    ),
    case(
        "/etc/sysctl.conf",
        "suse-15",
        "lb1",
        &[("/etc/sysctl.conf", "net.ipv4.ip_forward = 0\n")],
        [
            "persisted-sysctl",
            "sets net.ipv4.ip_forward to 0",
            "sed -i '1d' /etc/sysctl.conf",
        ],
    ),
    case(
        "/etc/sysctl.conf is not read",
        "debian-13",
        "lb1",
        &[("/etc/sysctl.conf", "net.ipv4.ip_forward = 0\n")],
        NONE,
    ),
    case(
        "/etc/sysctl.conf is read by a script",
        "debian-13",
        "lb1",
        &[
            ("/etc/sysctl.conf", "net.ipv4.ip_forward = 0\n"),
            ("/etc/rc.local", "#!/bin/sh\nsysctl -p\n"),
        ],
        [
            "persisted-sysctl",
            "sets net.ipv4.ip_forward to 0",
            "/etc/sysctl.conf",
        ],
    ),
    case(
        "the kernel's command line",
        "debian-12",
        "rs1",
        &[(
            "/etc/default/grub",
            "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet sysctl.net.ipv4.conf.all.arp_ignore=0\"\n",
        )],
        ["persisted-sysctl", "arp_ignore to 0", "update-grub"],
    ),
    case(
        "a reverse-path filter by systemd-networkd",
        "debian-13",
        "rs1",
        &[(
            "/etc/systemd/network/10-eth0.network.d/x.conf",
            "[Network]\nIPv4ReversePathFilter=strict\n",
        )],
        [
            "persisted-sysctl",
            "sets net.ipv4.conf.eth0.rp_filter to 1",
            "rm ",
        ],
    ),
    case(
        "forwarding by networkd.conf",
        "debian-13",
        "lb1",
        &[(
            "/etc/systemd/networkd.conf.d/x.conf",
            "[Network]\nIPv4Forwarding=no\n",
        )],
        ["persisted-sysctl", "sets net.ipv4.ip_forward to 0", "rm "],
    ),
    // Packet filters.
    case(
        "saved rules drop the VIP",
        "debian-12",
        "lb1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/netfilter-persistent.service",
                ENABLED,
            ),
            (
                "/etc/iptables/rules.v4",
                "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -d 192.168.100.200/32 -j DROP\nCOMMIT\n",
            ),
        ],
        [
            "boot-firewall",
            "line 3",
            "sed -i '3d' /etc/iptables/rules.v4",
        ],
    ),
    case(
        "saved rules drop VRRP",
        "debian-13",
        "lb1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/netfilter-persistent.service",
                ENABLED,
            ),
            (
                "/etc/iptables/rules.v4",
                "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p 112 -j DROP\nCOMMIT\n",
            ),
        ],
        ["boot-firewall", "VRRP between lb1 and lb2", "sed -i '3d'"],
    ),
    case(
        "a saved policy",
        "rhel-8",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/iptables.service",
                ENABLED,
            ),
            (
                "/etc/sysconfig/iptables",
                "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
            ),
        ],
        ["boot-firewall", "the policy of filter/INPUT", "sed -i '2d'"],
    ),
    case(
        "saved rules that accept",
        "rhel-8",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/iptables.service",
                ENABLED,
            ),
            (
                "/etc/sysconfig/iptables",
                "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT\nCOMMIT\n",
            ),
        ],
        NONE,
    ),
    case(
        "saved rules redirect",
        "rhel-9",
        "lb1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/iptables.service",
                ENABLED,
            ),
            (
                "/etc/sysconfig/iptables",
                "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 192.168.100.200/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.100.14:8080\nCOMMIT\n",
            ),
        ],
        ["boot-firewall", "DNAT", "sed -i '3d'"],
    ),
    case(
        "Alpine's saved rules",
        "alpine",
        "rs1",
        &[
            ("/etc/runlevels/default/iptables", ENABLED),
            (
                "/etc/iptables/rules-save",
                "*filter\n:INPUT ACCEPT [0:0]\n[0:0] -A INPUT -p tcp -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n",
            ),
        ],
        [
            "boot-firewall",
            "line 3",
            "sed -i '3d' /etc/iptables/rules-save",
        ],
    ),
    case(
        "nftables.conf",
        "debian-12",
        "lb1",
        &[
            (
                "/etc/systemd/system/sysinit.target.wants/nftables.service",
                ENABLED,
            ),
            (
                "/etc/nftables.conf",
                "flush ruleset\ntable inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy accept;\n\t\tip daddr 192.168.100.200 tcp dport { 80, 443 } drop\n\t}\n}\n",
            ),
        ],
        [
            "boot-firewall",
            "stops packets of web",
            "/etc/nftables.conf",
        ],
    ),
    case(
        "nftables.conf with a policy",
        "rhel-9",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/nftables.service",
                ENABLED,
            ),
            (
                "/etc/sysconfig/nftables.conf",
                "table inet f {\n\tchain i {\n\t\ttype filter hook input priority 0; policy drop;\n\t\ttcp dport 22 accept\n\t}\n}\n",
            ),
        ],
        ["boot-firewall", "the policy of filter/INPUT", "nftables"],
    ),
    case(
        "a stock nftables.conf, enabled",
        "debian-12",
        "lb1",
        &[(
            "/etc/systemd/system/sysinit.target.wants/nftables.service",
            ENABLED,
        )],
        NONE,
    ),
    case(
        "a script of rules",
        "debian-12",
        "rs1",
        &[(
            "/etc/rc.local",
            "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\n",
        )],
        ["boot-firewall", "the policy of filter/INPUT", "rc.local"],
    ),
    case(
        "a script of rules that accept",
        "debian-12",
        "rs1",
        &[(
            "/etc/rc.local",
            "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -A INPUT -p tcp --dport 80 -j ACCEPT\n",
        )],
        NONE,
    ),
    case(
        "rules restored by a script",
        "debian-12",
        "rs1",
        &[
            (
                "/etc/network/if-pre-up.d/iptables",
                "#!/bin/sh\niptables-restore < /etc/iptables.up.rules\n",
            ),
            (
                "/etc/iptables.up.rules",
                "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -d 192.168.100.200/32 -j DROP\nCOMMIT\n",
            ),
        ],
        [
            "boot-firewall",
            "/etc/iptables.up.rules (run by /etc/network/if-pre-up.d/iptables:2)",
            "sed -i '3d' /etc/iptables.up.rules",
        ],
    ),
    case(
        "rules of arptables",
        "rhel-8",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/arptables.service",
                ENABLED,
            ),
            (
                "/etc/sysconfig/arptables",
                "*filter\n:INPUT ACCEPT\n-A INPUT -j DROP -d 192.168.100.0/26\nCOMMIT\n",
            ),
        ],
        [
            "boot-firewall",
            "drops ARP for 192.168.100.12",
            "/etc/sysconfig/arptables",
        ],
    ),
    case(
        "an administrator's unit with a package's name",
        "debian-12",
        "rs1",
        &[
            (
                "/etc/systemd/system/arptables.service",
                "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'arptables-restore </etc/arptables.rules'\n[Install]\nWantedBy=multi-user.target\n",
            ),
            (
                "/etc/systemd/system/multi-user.target.wants/arptables.service",
                ENABLED,
            ),
            (
                "/etc/arptables.rules",
                "*filter\n:INPUT ACCEPT\n-A INPUT -s 192.168.100.8/29 -j DROP\nCOMMIT\n",
            ),
        ],
        [
            "boot-firewall",
            "drops ARP for 192.168.100.12",
            "sed -i '3d' /etc/arptables.rules",
        ],
    ),
    case(
        "firewalld from the next boot on",
        "rhel-9",
        "rs1",
        &[(
            "/etc/systemd/system/multi-user.target.wants/firewalld.service",
            ENABLED,
        )],
        [
            "boot-firewall",
            "its zone public stops port 80",
            "systemctl disable firewalld",
        ],
    ),
    case(
        "firewalld that lets all in",
        "rhel-9",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/firewalld.service",
                ENABLED,
            ),
            (
                "/etc/firewalld/zones/public.xml",
                "<zone>\n  <service name=\"ssh\"/>\n  <service name=\"http\"/>\n</zone>\n",
            ),
        ],
        NONE,
    ),
    case(
        "ufw from the next boot on",
        "debian-12",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/ufw.service",
                ENABLED,
            ),
            ("/etc/ufw/ufw.conf", "ENABLED=yes\n"),
            ("/etc/default/ufw", "DEFAULT_INPUT_POLICY=\"DROP\"\n"),
            (
                "/etc/ufw/user.rules",
                "*filter\n:ufw-user-input - [0:0]\n-A ufw-user-input -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
            ),
        ],
        ["boot-firewall", "stops packets of web", "ufw disable"],
    ),
    // IPVS and modules.
    case(
        "a unit that empties the table",
        "debian-12",
        "lb1",
        unit!(
            "clear.service",
            "[Service]\nType=oneshot\nExecStart=/sbin/ipvsadm -C\n"
        ),
        [
            "boot-ipvs",
            "empties the IPVS table",
            "systemctl disable --now clear.service",
        ],
    ),
    case(
        "a unit that lists the table",
        "debian-12",
        "lb1",
        unit!(
            "list.service",
            "[Service]\nType=oneshot\nExecStart=/bin/sh -c '/sbin/ipvsadm -Ln >/var/log/ipvs'\n"
        ),
        NONE,
    ),
    case(
        "rc.local changes the table",
        "rhel-9",
        "lb1",
        &[(
            "/etc/rc.d/rc.local",
            "#!/bin/sh\nipvsadm -e -t 192.168.100.200:80 -r 192.168.100.12:80 -g -w 0\n",
        )],
        ["boot-ipvs", "changes IPVS", "rc.local"],
    ),
    case(
        "a sync daemon",
        "debian-13",
        "lb1",
        &[(
            "/etc/default/ipvsadm",
            "AUTO=\"false\"\nDAEMON=\"master\"\nIFACE=\"eth0\"\n",
        )],
        [
            "boot-ipvs",
            "starts a sync daemon of IPVS as master",
            "line 2",
        ],
    ),
    case(
        "a cluster manager",
        "suse-15",
        "lb1",
        &[(
            "/etc/systemd/system/multi-user.target.wants/pacemaker.service",
            ENABLED,
        )],
        [
            "boot-ipvs",
            "pacemaker.service starts at boot",
            "systemctl disable --now pacemaker.service",
        ],
    ),
    case(
        "a module that is replaced",
        "debian-12",
        "lb1",
        &[("/etc/modprobe.d/x.conf", "install ip_vs /bin/false\n")],
        [
            "boot-module",
            "runs `/bin/false` in place of loading ip_vs",
            "rm /etc/modprobe.d/x.conf",
        ],
    ),
    case(
        "a scheduler that is replaced",
        "rhel-9",
        "lb1",
        &[("/etc/modprobe.d/x.conf", "install ip_vs_rr /bin/true\n")],
        ["boot-module", "ip_vs_rr", "rm "],
    ),
    case(
        "a scheduler that is not needed",
        "rhel-9",
        "lb1",
        &[(
            "/etc/modprobe.d/x.conf",
            "install ip_vs_ftp /bin/true\nblacklist ip_vs_sh\n",
        )],
        NONE,
    ),
    case(
        "a blacklist",
        "alpine",
        "lb1",
        &[(
            "/etc/modprobe.d/blacklist.conf",
            "blacklist pcspkr\nblacklist ip_vs\n",
        )],
        [
            "boot-module",
            "keeps ip_vs from being loaded",
            "sed -i '2d'",
        ],
    ),
    case(
        "the kernel's command line",
        "suse-15",
        "lb1",
        &[(
            "/etc/default/grub",
            "GRUB_CMDLINE_LINUX_DEFAULT=\"module_blacklist=ip_vs\"\n",
        )],
        [
            "boot-module",
            "keeps ip_vs from being loaded",
            "grub2-mkconfig",
        ],
    ),
    case(
        "a module that is unloaded",
        "debian-12",
        "lb1",
        &[(
            "/etc/rc.local",
            "#!/bin/sh\nsystemctl start nginx\nmodprobe -r ip_vs_rr\n",
        )],
        ["boot-module", "unloads ip_vs_rr", "sed -i '3d'"],
    ),
    // Schedules.
    case(
        "a crontab stops keepalived",
        "debian-12",
        "lb1",
        &[(
            "/etc/cron.d/x",
            "0 3 * * * root systemctl stop keepalived\n",
        )],
        ["schedule", "stops keepalived.service", "rm /etc/cron.d/x"],
    ),
    case(
        "a user's crontab",
        "debian-12",
        "rs1",
        &[(
            "/var/spool/cron/crontabs/root",
            "*/5 * * * * /sbin/ip addr del 192.168.100.200/32 dev lo\n",
        )],
        [
            "schedule",
            "removes 192.168.100.200",
            "/var/spool/cron/crontabs/root",
        ],
    ),
    case(
        "a user's crontab",
        "rhel-9",
        "rs1",
        &[(
            "/var/spool/cron/root",
            "*/5 * * * * sysctl -w net.ipv4.conf.all.arp_ignore=0\n",
        )],
        ["schedule", "arp_ignore to 0", "/var/spool/cron/root"],
    ),
    case(
        "a user's crontab",
        "suse-15",
        "lb1",
        &[("/var/spool/cron/tabs/root", "@daily pkill keepalived\n")],
        ["schedule", "kills keepalived", "/var/spool/cron/tabs/root"],
    ),
    case(
        "a user's crontab",
        "alpine",
        "lb1",
        &[(
            "/etc/crontabs/root",
            "0 2 * * * run-parts /etc/periodic/daily\n0 4 * * * rc-service keepalived restart\n",
        )],
        ["schedule", "restarts keepalived.service", "sed -i '2d'"],
    ),
    case(
        "a script that a crontab names",
        "debian-13",
        "lb1",
        &[
            (
                "/etc/cron.d/x",
                "0 3 * * * root /opt/bin/nightly >/dev/null 2>&1\n",
            ),
            ("/opt/bin/nightly", "#!/bin/sh\nset -e\nipvsadm --clear\n"),
        ],
        [
            "schedule",
            "/opt/bin/nightly (run by /etc/cron.d/x:1)",
            "/opt/bin/nightly",
        ],
    ),
    case(
        "cron.daily",
        "debian-12",
        "lb1",
        &[(
            "/etc/cron.daily/x",
            "#!/bin/sh\nkill -9 $(pidof keepalived)\n",
        )],
        ["schedule", "kills keepalived", "rm /etc/cron.daily/x"],
    ),
    case(
        "cron.daily, not executable",
        "debian-12",
        "lb1",
        &[("/etc/cron.daily/x", "kill -9 $(pidof keepalived)\n")],
        NONE,
    ),
    case(
        "periodic",
        "alpine",
        "rs1",
        &[(
            "/etc/periodic/hourly/x",
            "#!/bin/sh\niptables -A INPUT -p tcp --dport 80 -j DROP\n",
        )],
        ["schedule", "stops packets of web", "/etc/periodic/hourly/x"],
    ),
    case(
        "a timer",
        "rhel-9",
        "lb1",
        &[
            (
                "/etc/systemd/system/nightly.timer",
                "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
            ),
            (
                "/etc/systemd/system/nightly.service",
                "[Service]\nType=oneshot\nExecStart=/usr/sbin/ipvsadm -C\n",
            ),
            (
                "/etc/systemd/system/timers.target.wants/nightly.timer",
                ENABLED,
            ),
        ],
        [
            "schedule",
            "empties the IPVS table",
            "systemctl disable --now nightly.timer nightly.service",
        ],
    ),
    case(
        "a job of at",
        "debian-12",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/atd.service",
                ENABLED,
            ),
            (
                "/var/spool/cron/atjobs/a00001",
                "#!/bin/sh\ncd /root || exit 1\nip link set eth0 down\n",
            ),
        ],
        [
            "schedule",
            "takes eth0 down",
            "/var/spool/cron/atjobs/a00001",
        ],
    ),
    case(
        "a reboot each night",
        "debian-12",
        "lb1",
        &[("/etc/cron.d/x", "0 4 * * * root /sbin/reboot\n")],
        ["schedule", "takes the host down", "rm /etc/cron.d/x"],
    ),
    case(
        "logrotate",
        "debian-12",
        "lb1",
        &[(
            "/etc/logrotate.d/k",
            "/var/log/k.log {\n\tpostrotate\n\t\tsystemctl restart keepalived\n\tendscript\n}\n",
        )],
        [
            "schedule",
            "restarts keepalived.service",
            "/etc/logrotate.d/k",
        ],
    ),
    case(
        "logrotate reloads",
        "debian-12",
        "lb1",
        &[(
            "/etc/logrotate.d/k",
            "/var/log/k.log {\n\tpostrotate\n\t\tsystemctl reload keepalived; kill -HUP $(cat /run/keepalived.pid)\n\tendscript\n}\n",
        )],
        NONE,
    ),
    case(
        "at boot, by cron",
        "debian-12",
        "rs1",
        &[(
            "/etc/cron.d/x",
            "@reboot root ip addr add 192.168.100.200/32 dev eth0\n",
        )],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "rm /etc/cron.d/x",
        ],
    ),
    case(
        "a comment",
        "debian-12",
        "rs1",
        &[(
            "/etc/cron.d/x",
            "# * * * * * root ip addr del 192.168.100.200/32 dev lo\n",
        )],
        NONE,
    ),
    case(
        "a job that asks",
        "debian-12",
        "lb1",
        &[(
            "/etc/cron.d/x",
            "* * * * * root ip addr show | grep -q 192.168.100.200 && systemctl is-active keepalived; cp /etc/keepalived/keepalived.conf /root/\n",
        )],
        NONE,
    ),
    case(
        "a job that starts",
        "debian-12",
        "lb1",
        &[(
            "/etc/cron.d/x",
            "* * * * * root systemctl is-active --quiet keepalived || systemctl start keepalived\n",
        )],
        NONE,
    ),
    case(
        "a drop-in of what a timer of the distribution starts",
        "debian-12",
        "rs1",
        &[
            (
                "/etc/systemd/system/timers.target.wants/apt-daily.timer",
                ENABLED,
            ),
            (
                "/etc/systemd/system/apt-daily.service.d/flush.conf",
                "[Service]\nExecStartPost=/sbin/ip addr flush dev lo to 192.168.100.0/24\n",
            ),
        ],
        [
            "schedule",
            "removes all addresses of lo",
            "rm /etc/systemd/system/apt-daily.service.d/flush.conf",
        ],
    ),
    case(
        "a transient timer",
        "debian-13",
        "lb1",
        &[
            (
                "/run/systemd/transient/run-r1.timer",
                "[Timer]\nOnActiveSec=1h\n",
            ),
            (
                "/run/systemd/transient/run-r1.service",
                "[Service]\nExecStart=\"/usr/sbin/ipvsadm\" \"-C\"\n",
            ),
        ],
        [
            "schedule",
            "empties the IPVS table",
            "systemctl stop run-r1.timer",
        ],
    ),
    case(
        "bootcmd of cloud-init",
        "debian-12",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/cloud-init.service",
                ENABLED,
            ),
            (
                "/etc/cloud/cloud.cfg.d/99-x.cfg",
                "bootcmd:\n  - ip addr add 192.168.100.200/32 dev eth0\n",
            ),
        ],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "99-x.cfg",
        ],
    ),
    case(
        "inittab",
        "alpine",
        "lb1",
        &[(
            "/etc/inittab",
            "::sysinit:/sbin/openrc sysinit\n::once:/sbin/ipvsadm -C\n::ctrlaltdel:/sbin/reboot\n",
        )],
        [
            "boot-ipvs",
            "empties the IPVS table",
            "sed -i '2d' /etc/inittab",
        ],
    ),
    case(
        "a file that interfaces(5) names",
        "debian-12",
        "rs1",
        &[
            (
                "/etc/systemd/system/multi-user.target.wants/networking.service",
                ENABLED,
            ),
            (
                "/etc/network/interfaces",
                "auto lo\niface lo inet loopback\nsource /etc/network/vips\n",
            ),
            (
                "/etc/network/vips",
                "auto eth0:1\niface eth0:1 inet static\n\taddress 192.168.100.200/32\n",
            ),
        ],
        [
            "boot-address",
            "puts the VIP 192.168.100.200 on eth0",
            "rm /etc/network/vips",
        ],
    ),
    case(
        "the boot loader's own file",
        "debian-12",
        "lb1",
        &[(
            "/boot/grub/grub.cfg",
            "\tlinux\t/boot/vmlinuz root=/dev/vda1 ro quiet systemd.unit=rescue.target\n",
        )],
        [
            "boot-unit",
            "boots into rescue.target",
            "line 1 of /boot/grub/grub.cfg",
        ],
    ),
    case(
        "a property that systemctl set",
        "debian-13",
        "lb1",
        &[(
            "/etc/systemd/system.control/keepalived.service.d/50-IPAddressDeny.conf",
            "[Service]\nIPAddressDeny=0.0.0.0/0\n",
        )],
        [
            "boot-unit",
            "may not use the network",
            "rm /etc/systemd/system.control/",
        ],
    ),
    case(
        "too little memory",
        "debian-12",
        "lb1",
        keepalived!("[Service]\nMemoryMax=1M\n"),
        ["boot-unit", "has too little to run", "rm "],
    ),
    case(
        "a cycle",
        "debian-12",
        "rs1",
        &[(
            "/etc/systemd/system/lvsctl-made.service.d/x.conf",
            "[Unit]\nBefore=network-online.target\n",
        )],
        ["boot-unit", "waits for itself", "rm "],
    ),
    case(
        "enough memory",
        "debian-12",
        "lb1",
        keepalived!("[Service]\nMemoryMax=1G\nTasksMax=infinity\nCPUQuota=200%\n"),
        NONE,
    ),
];
