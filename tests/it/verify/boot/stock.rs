//! Stock files of each distribution, as their packages install them, cut to what a boot reads.

pub(super) struct Distribution {
    pub name: &'static str,
    /// Of os-release.
    pub os: &'static str,
    pub files: &'static [(&'static str, &'static str)],
}

const WANTS: &str = "-> /usr/lib/systemd/system/placeholder.service";

/// What lvsctl and every installation have.
pub(super) const COMMON: &[(&str, &str)] = &[
    ("/bin/sh", "#!/bin/true\n"),
    ("/bin/true", "#!/bin/true\n"),
    ("/bin/false", "#!/bin/true\n"),
    ("/bin/sleep", "#!/bin/true\n"),
    ("/usr/bin/systemctl", "#!/bin/true\n"),
    ("/usr/sbin/keepalived", "#!/bin/true\n"),
    ("/sbin/ipvsadm", "#!/bin/true\n"),
    (
        "/etc/keepalived/keepalived.conf",
        "vrrp_instance VI_1 {\n}\n",
    ),
    (
        "/usr/local/sbin/lvsctl-made",
        "#!/bin/sh\nip addr replace 192.168.100.200/32 dev lo\nip addr del 192.168.100.200/32 dev lo\n",
    ),
    (
        "/usr/lib/systemd/system/placeholder.service",
        "[Service]\nExecStart=/bin/true\n",
    ),
    (
        "/etc/logrotate.d/nginx",
        "/var/log/nginx/*.log {\n\tpostrotate\n\t\t/bin/kill -USR1 `cat /run/nginx.pid 2>/dev/null` 2>/dev/null || true\n\tendscript\n}\n",
    ),
    (
        "/usr/local/bin/unused.sh",
        "#!/bin/sh\nip addr del 192.168.100.12/24 dev eth0\nipvsadm -C\n",
    ),
];

const NODE: &str = "[Unit]\nAfter=network-online.target systemd-sysctl.service\nBefore=keepalived.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/local/sbin/lvsctl-made boot\nExecStop=/usr/local/sbin/lvsctl-made stop\n[Install]\nWantedBy=multi-user.target\n";

const KEEPALIVED_DEBIAN: &str = "[Unit]\nDescription=Keepalive Daemon (LVS and VRRP)\nAfter=network-online.target\nWants=network-online.target\nConditionFileNotEmpty=/etc/keepalived/keepalived.conf\n\n[Service]\nType=notify\nEnvironmentFile=-/etc/default/keepalived\nExecStart=/usr/sbin/keepalived --dont-fork $DAEMON_ARGS\nExecReload=/bin/kill -HUP $MAINPID\n\n[Install]\nWantedBy=multi-user.target\n";

const KEEPALIVED_RHEL: &str = "[Unit]\nDescription=LVS and VRRP High Availability Monitor\nAfter=network-online.target syslog.target\nWants=network-online.target\n\n[Service]\nType=forking\nPIDFile=/run/keepalived.pid\nKillMode=process\nEnvironmentFile=-/etc/sysconfig/keepalived\nExecStart=/usr/sbin/keepalived $KEEPALIVED_OPTIONS\nExecReload=/bin/kill -HUP $MAINPID\n\n[Install]\nWantedBy=multi-user.target\n";

const CRONTAB: &str = "SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin\n# m h dom mon dow user command\n17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }\n";

const NFTABLES: &str = "#!/usr/sbin/nft -f\n\nflush ruleset\n\ntable inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter;\n\t}\n\tchain forward {\n\t\ttype filter hook forward priority filter;\n\t}\n\tchain output {\n\t\ttype filter hook output priority filter;\n\t}\n}\n";

const UDEV: &str = "SUBSYSTEM==\"net\", KERNEL!=\"lo\", TAG+=\"systemd\", ENV{SYSTEMD_ALIAS}+=\"/sys/subsystem/net/devices/$name\"\nACTION==\"add\", SUBSYSTEM==\"net\", KERNEL!=\"lo\", RUN+=\"/lib/systemd/systemd-sysctl --prefix=/net/ipv4/conf/$name --prefix=/net/ipv4/neigh/$name\"\n";

const NETWORK: &str = "[Match]\nName=eth0\n\n[Network]\nIPv6AcceptRA=no\nGateway=192.168.100.1\nDNS=192.168.100.200\nDHCP=ipv4\n";

const DEBIAN: &[(&str, &str)] = &[
    (
        "/etc/systemd/system/multi-user.target.wants/keepalived.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/lvsctl-made.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/cron.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/ssh.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/ipvsadm.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/timers.target.wants/apt-daily.timer",
        WANTS,
    ),
    ("/usr/lib/systemd/system/rescue.target", "[Unit]\n"),
    ("/usr/lib/systemd/system/multi-user.target", "[Unit]\n"),
    ("/etc/systemd/system/lvsctl-made.service", NODE),
    (
        "/usr/lib/systemd/system/keepalived.service",
        KEEPALIVED_DEBIAN,
    ),
    (
        "/usr/lib/systemd/system/apt-daily.timer",
        "[Timer]\nOnCalendar=*-*-* 6,18:00\n",
    ),
    (
        "/usr/lib/systemd/system/apt-daily.service",
        "[Service]\nType=oneshot\nExecStart=/usr/lib/apt/apt.systemd.daily update\n",
    ),
    (
        "/usr/lib/systemd/system/ipvsadm.service",
        "[Service]\nType=oneshot\nExecStart=/etc/init.d/ipvsadm start\nExecStop=/etc/init.d/ipvsadm stop\n",
    ),
    (
        "/usr/lib/systemd/system/systemd-reboot.service",
        "[Service]\nExecStart=systemctl --force reboot\n",
    ),
    (
        "/usr/lib/systemd/system/rescue.service",
        "[Unit]\nConflicts=shutdown.target\n",
    ),
    (
        "/usr/lib/systemd/system/firewalld.service",
        "[Unit]\nConflicts=iptables.service ip6tables.service ebtables.service ipset.service nftables.service\n",
    ),
    (
        "/etc/default/keepalived",
        "# DAEMON_ARGS are appended to the keepalived command-line\nDAEMON_ARGS=\"\"\n",
    ),
    (
        "/etc/default/ipvsadm",
        "AUTO=\"false\"\nDAEMON=\"none\"\nIFACE=\"eth0\"\n",
    ),
    ("/etc/ipvsadm.rules", "# ipvsadm.rules\n"),
    (
        "/etc/init.d/keepalived",
        "#!/bin/sh\nstart-stop-daemon --stop --name keepalived\nkillall keepalived\n",
    ),
    ("/etc/init.d/ipvsadm", "#!/bin/sh\nipvsadm -C\n"),
    ("/etc/rc2.d/S01keepalived", "-> /etc/init.d/keepalived"),
    ("/etc/rc2.d/S01ipvsadm", "-> /etc/init.d/ipvsadm"),
    ("/etc/crontab", CRONTAB),
    (
        "/etc/cron.d/e2scrub_all",
        "30 3 * * 0 root test -e /run/systemd/system || SERVICE_MODE=1 /usr/lib/x86_64-linux-gnu/e2fsprogs/e2scrub_all_cron\n",
    ),
    (
        "/etc/cron.daily/dpkg",
        "#!/bin/sh\nif [ -d /run/systemd/system ]; then exit 0; fi\n/usr/libexec/dpkg/dpkg-db-backup\n",
    ),
    (
        "/etc/cron.daily/apt-compat",
        "#!/bin/sh\nif [ -d /run/systemd/system ]; then exit 0; fi\napt-config shell x\n",
    ),
    (
        "/etc/network/interfaces",
        "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n",
    ),
    (
        "/etc/network/if-up.d/wpasupplicant",
        "#!/bin/sh\n. /etc/wpa_supplicant/functions.sh\n",
    ),
    ("/etc/nftables.conf", NFTABLES),
    (
        "/etc/iptables/rules.v4",
        "*filter\n:INPUT DROP [0:0]\nCOMMIT\n",
    ),
    ("/etc/ufw/ufw.conf", "ENABLED=no\nLOGLEVEL=low\n"),
    (
        "/etc/ufw/user.rules",
        "*filter\n:ufw-user-input - [0:0]\nCOMMIT\n",
    ),
    ("/etc/systemd/network/10-eth0.network", NETWORK),
    (
        "/usr/lib/systemd/network/80-container-host0.network",
        "[Match]\nVirtualization=container\nName=host0\n\n[Network]\nDHCP=yes\nIPMasquerade=no\n",
    ),
    (
        "/usr/lib/systemd/network/80-container-ve.network",
        "[Match]\nName=ve-*\nDriver=veth\n\n[Network]\nAddress=0.0.0.0/28\nLinkLocalAddressing=yes\nDHCPServer=yes\nIPMasquerade=both\n",
    ),
    (
        "/usr/lib/systemd/network/99-default.link",
        "[Match]\nOriginalName=*\n\n[Link]\nNamePolicy=keep kernel database onboard slot path\nMACAddressPolicy=persistent\n",
    ),
    ("/usr/lib/udev/rules.d/99-systemd.rules", UDEV),
    (
        "/etc/modprobe.d/lvs.conf",
        "options ip_vs conn_tab_bits=16\n",
    ),
    (
        "/usr/lib/modprobe.d/aliases.conf",
        "alias net-pf-18 off\nblacklist pcspkr\n",
    ),
    (
        "/etc/default/grub",
        "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"\"\n",
    ),
    (
        "/boot/grub/grub.cfg",
        "\tlinux\t/boot/vmlinuz root=/dev/vda1 ro quiet\n\tlinux\t/boot/vmlinuz root=/dev/vda1 ro single \n",
    ),
    ("/proc/cmdline", "root=/dev/vda1 ro init=/lab/init\n"),
    ("/usr/lib/tmpfiles.d/nginx.conf", "d /run/nginx 0755\n"),
    (
        "/etc/fstab",
        "UUID=1 / ext4 errors=remount-ro 0 1\ntmpfs /tmp tmpfs defaults 0 0\n",
    ),
    ("/etc/rc.local", "exit 0\n"),
];

const DEBIAN_12: &[(&str, &str)] = DEBIAN;

const SSH_RHEL: &str = "[Service]\nExecStart=/usr/sbin/sshd -D $OPTIONS\n";

const RHEL: &[(&str, &str)] = &[
    (
        "/etc/systemd/system/multi-user.target.wants/keepalived.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/lvsctl-made.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/crond.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/NetworkManager.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/tuned.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/sshd.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/default.target",
        "-> /usr/lib/systemd/system/multi-user.target",
    ),
    ("/usr/lib/systemd/system/multi-user.target", "[Unit]\n"),
    (
        "/usr/lib/systemd/system/rescue.target",
        "[Unit]\nDescription=Rescue\n",
    ),
    ("/etc/systemd/system/lvsctl-made.service", NODE),
    (
        "/usr/lib/systemd/system/keepalived.service",
        KEEPALIVED_RHEL,
    ),
    ("/usr/lib/systemd/system/sshd.service", SSH_RHEL),
    (
        "/usr/lib/systemd/system/service.d/10-timeout-abort.conf",
        "[Service]\nTimeoutStopFailureMode=abort\n",
    ),
    (
        "/usr/lib/systemd/system/nginx.service.d/php-fpm.conf",
        "[Unit]\nWants=php-fpm.service\n",
    ),
    (
        "/usr/lib/systemd/system/ipvsadm.service",
        "[Service]\nExecStart=/bin/bash -c \"exec /sbin/ipvsadm-restore < /etc/sysconfig/ipvsadm\"\n",
    ),
    ("/etc/sysconfig/keepalived", "KEEPALIVED_OPTIONS=\"-D\"\n"),
    (
        "/etc/sysconfig/network-scripts/ifcfg-lo",
        "DEVICE=lo\nIPADDR=127.0.0.1\nNETMASK=255.0.0.0\nONBOOT=yes\n",
    ),
    (
        "/etc/sysconfig/network-scripts/ifcfg-eth0",
        "DEVICE=eth0\nBOOTPROTO=dhcp\nGATEWAY=192.168.100.15\nDNS1=192.168.100.200\nONBOOT=yes\n",
    ),
    (
        "/etc/NetworkManager/system-connections/eth0.nmconnection",
        "[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n\n[ipv4]\ndns=192.168.100.200;\nmethod=auto\n",
    ),
    (
        "/etc/sysconfig/iptables",
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\nCOMMIT\n",
    ),
    (
        "/etc/sysconfig/nftables.conf",
        "# include \"/etc/nftables/main.nft\"\n",
    ),
    (
        "/etc/nftables/main.nft",
        "table inet nftables_svc {\n\tchain INPUT {\n\t\ttype filter hook input priority 20; policy drop;\n\t}\n}\n",
    ),
    (
        "/etc/crontab",
        "SHELL=/bin/bash\nPATH=/sbin:/bin:/usr/sbin:/usr/bin\nMAILTO=root\n",
    ),
    (
        "/etc/cron.d/0hourly",
        "01 * * * * root run-parts /etc/cron.hourly\n",
    ),
    (
        "/etc/anacrontab",
        "SHELL=/bin/sh\nRANDOM_DELAY=45\n1\t5\tcron.daily\t\tnice run-parts /etc/cron.daily\n",
    ),
    ("/etc/tuned/active_profile", "virtual-guest\n"),
    (
        "/usr/lib/tuned/virtual-guest/tuned.conf",
        "[main]\ninclude=throughput-performance\n[sysctl]\nvm.dirty_ratio = 30\n",
    ),
    (
        "/usr/lib/tuned/router/tuned.conf",
        "[sysctl]\nnet.ipv4.ip_forward = 0\n",
    ),
    ("/etc/firewalld/firewalld.conf", "DefaultZone=public\n"),
    (
        "/usr/lib/systemd/system/firewalld.service",
        "[Unit]\nConflicts=iptables.service nftables.service\n",
    ),
    (
        "/etc/sysctl.conf",
        "# sysctl settings are defined through files in /usr/lib/sysctl.d/\n",
    ),
    (
        "/etc/rc.d/rc.local",
        "#!/bin/bash\ntouch /var/lock/subsys/local\n",
    ),
    (
        "/boot/loader/entries/1-rescue.conf",
        "title Rescue\noptions root=/dev/sda1 rescue\n",
    ),
    (
        "/boot/loader/entries/1.conf",
        "title RHEL (rescue not)\noptions root=/dev/sda1 ro crashkernel=1G\n",
    ),
];

const SUSE: &[(&str, &str)] = &[
    (
        "/etc/systemd/system/multi-user.target.wants/keepalived.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/lvsctl-made.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/cron.service",
        WANTS,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/wicked.service",
        WANTS,
    ),
    ("/etc/systemd/system/lvsctl-made.service", NODE),
    (
        "/usr/lib/systemd/system/keepalived.service",
        KEEPALIVED_RHEL,
    ),
    (
        "/usr/lib/systemd/system/systemd-sysctl.service.d/50-kernel-uname_r.conf",
        "[Service]\nExecStartPre=-/usr/lib/systemd/systemd-sysctl /boot/sysctl.conf-%v\n",
    ),
    ("/etc/sysconfig/keepalived", "KEEPALIVED_OPTIONS=\"-D\"\n"),
    (
        "/etc/sysconfig/network/ifcfg-eth0",
        "BOOTPROTO='dhcp'\nSTARTMODE='auto'\n",
    ),
    (
        "/etc/sysconfig/network/ifcfg-lo",
        "IPADDR='127.0.0.1/8'\nSTARTMODE='nfsroot'\n",
    ),
    (
        "/etc/sysconfig/network/routes",
        "default 192.168.100.15 - -\n",
    ),
    ("/etc/sysctl.conf", "net.ipv6.conf.all.disable_ipv6 = 0\n"),
    ("/etc/init.d/after.local", "#!/bin/sh\n"),
    (
        "/etc/crontab",
        "SHELL=/bin/sh\n-*/15 * * * *   root  test -x /usr/lib/cron/run-crons && /usr/lib/cron/run-crons >/dev/null 2>&1\n",
    ),
];

const ALPINE: &[(&str, &str)] = &[
    (
        "/etc/runlevels/default/keepalived",
        "-> /etc/init.d/keepalived",
    ),
    (
        "/etc/runlevels/default/lvsctl-made",
        "-> /etc/init.d/lvsctl-made",
    ),
    ("/etc/runlevels/default/crond", "-> /etc/init.d/crond"),
    (
        "/etc/runlevels/boot/networking",
        "-> /etc/init.d/networking",
    ),
    ("/etc/runlevels/boot/sysctl", "-> /etc/init.d/sysctl"),
    (
        "/etc/init.d/keepalived",
        "#!/sbin/openrc-run\ncommand=/usr/sbin/keepalived\n",
    ),
    (
        "/etc/init.d/lvsctl-made",
        "#!/sbin/openrc-run\nstart() { /usr/local/sbin/lvsctl-made boot; }\n",
    ),
    ("/etc/init.d/crond", "#!/sbin/openrc-run\n"),
    (
        "/etc/init.d/networking",
        "#!/sbin/openrc-run\nifdown eth0\n",
    ),
    (
        "/etc/init.d/sysctl",
        "#!/sbin/openrc-run\nsysctl -q -p \"$conf\"\n",
    ),
    ("/etc/init.d/iptables", "#!/sbin/openrc-run\niptables -F\n"),
    ("/etc/conf.d/keepalived", "KEEPALIVED_OPTS=\"\"\n"),
    (
        "/etc/network/interfaces",
        "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n",
    ),
    (
        "/etc/crontabs/root",
        "# do daily/weekly/monthly maintenance\n*/15\t*\t*\t*\t*\trun-parts /etc/periodic/15min\n0\t2\t*\t*\t*\trun-parts /etc/periodic/daily\n",
    ),
    (
        "/etc/iptables/rules-save",
        "*filter\n:INPUT DROP [0:0]\nCOMMIT\n",
    ),
    (
        "/etc/sysctl.conf",
        "# content of this file will override /etc/sysctl.d/*\n",
    ),
    (
        "/etc/modprobe.d/blacklist.conf",
        "blacklist microcode\nblacklist pcspkr\n",
    ),
    ("/etc/local.d/README", "This directory\n"),
];

pub(super) const ALL: &[Distribution] = &[
    Distribution {
        name: "debian-12",
        os: "ID=debian\nVERSION_ID=\"12\"",
        files: DEBIAN_12,
    },
    Distribution {
        name: "debian-13",
        os: "ID=debian\nVERSION_ID=\"13\"",
        files: DEBIAN,
    },
    Distribution {
        name: "rhel-8",
        os: "ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"8.10\"",
        files: RHEL,
    },
    Distribution {
        name: "rhel-9",
        os: "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"",
        files: RHEL,
    },
    Distribution {
        name: "rhel-10",
        os: "ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"10.0\"",
        files: RHEL,
    },
    Distribution {
        name: "suse-15",
        os: "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"",
        files: SUSE,
    },
    Distribution {
        name: "alpine",
        os: "ID=alpine\nVERSION_ID=3.20",
        files: ALPINE,
    },
];
