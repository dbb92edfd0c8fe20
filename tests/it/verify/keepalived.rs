//! Two directors under keepalived, a persistent service: recorded, and damaged.

use crate::verify::{Damage, all, damage, edit, recorded, shown};

const DR_KEEPALIVED: &[Damage] = &[
    damage(
        "a guard is armed on a real server, and one has fired on a director",
        &[
            edit(
                "rs1.probe",
                "@NONCE sysctl values",
                "@NONCE manifest guard armed\n1 120 4102444800 ann@desk process 7\n\n@NONCE sysctl values",
            ),
            edit(
                "lb1.probe",
                "@NONCE sysctl values",
                "@NONCE manifest guard fired\n1795892012 incomplete\n\n@NONCE sysctl values",
            ),
        ],
    ),
    damage(
        "a real server's arp_ignore is 0 now and at the next boot: one finding",
        &[
            edit(
                "rs1.probe",
                "conf/all/arp_ignore:1",
                "conf/all/arp_ignore:0",
            ),
            edit(
                "rs1.probe",
                "\n\n@NONCE route-to routes",
                "\n/etc/sysctl.d/99-sysctl.conf:net.ipv4.conf.all.arp_ignore=0\n\n@NONCE route-to routes",
            ),
        ],
    ),
    damage(
        "a real server's arp_ignore on its NIC makes the larger value 3",
        &[edit(
            "rs1.probe",
            "conf/eth0/arp_ignore:0",
            "conf/eth0/arp_ignore:3",
        )],
    ),
    damage(
        "3 is silent about a VIP of scope host",
        &[
            edit(
                "rs1.probe",
                "conf/eth0/arp_ignore:0",
                "conf/eth0/arp_ignore:3",
            ),
            edit(
                "rs1.probe",
                r#""prefixlen":32,"scope":"global""#,
                r#""prefixlen":32,"scope":"host""#,
            ),
            edit(
                "rs1.probe",
                "conf/all/arp_announce:2",
                "conf/all/arp_announce:1",
            ),
        ],
    ),
    damage(
        "8 silences the real server's own address too",
        &[edit(
            "rs2.probe",
            "conf/all/arp_ignore:1",
            "conf/all/arp_ignore:8",
        )],
    ),
    damage(
        "a real server has the VIP on its NIC, and answers for it",
        &[
            edit(
                "rs1.probe",
                r#"{"family":"inet","local":"192.168.100.12","#,
                r#"{"family":"inet","local":"192.168.100.200","prefixlen":24,"scope":"global","label":"eth0"},{"family":"inet","local":"192.168.100.12","#,
            ),
            edit(
                "client.live",
                "arp 192.168.100.200\n",
                "arp 192.168.100.200\n02:db:6a:f1:b9:b9\n",
            ),
        ],
    ),
    damage(
        "a policy rule sends the VIP elsewhere",
        &[edit(
            "rs1.probe",
            r#"{"type":"local","dst":"192.168.100.200","dev":"lo","#,
            r#"{"dst":"192.168.100.200","dev":"eth0","#,
        )],
    ),
    damage(
        "a real server's way back to the client is the director",
        &[edit(
            "rs2.probe",
            r#""from":"192.168.100.200","dev":"eth0""#,
            r#""from":"192.168.100.200","gateway":"192.168.100.15","dev":"eth0""#,
        )],
    ),
    damage(
        "a real server has no way back to the client",
        &[edit(
            "rs2.probe",
            r#"[{"dst":"192.168.100.20","from":"192.168.100.200","dev":"eth0","flags":[],"uid":0,"cache":[]}]"#,
            "",
        )],
    ),
    damage(
        "a strict reverse-path filter, and replies by another NIC",
        &[
            edit(
                "rs1.probe",
                "conf/eth0/rp_filter:0",
                "conf/eth0/rp_filter:1",
            ),
            edit(
                "rs1.probe",
                r#""from":"192.168.100.200","dev":"eth0""#,
                r#""from":"192.168.100.200","dev":"eth1""#,
            ),
        ],
    ),
    damage(
        "the web server listens on the real server's own address alone",
        &[
            edit("rs1.probe", " 00000000:0050", " 0C64A8C0:0050"),
            edit(
                "rs1.probe",
                "00000000000000000000000000000000:0050",
                "00000000000000000000000001000000:0050",
            ),
            edit(
                "rs1.probe",
                "code=200 exit=0 err=",
                "code=000 exit=7 err=Failed to connect to 192.168.100.200 port 80 after 0 ms: Couldn't connect to server",
            ),
        ],
    ),
    damage(
        "a later file undoes ours at boot, and another sets what runs otherwise now",
        &[
            edit(
                "rs1.probe",
                "/etc/sysctl.d/99-sysctl.conf\n",
                "/etc/sysctl.d/99-sysctl.conf\n/usr/lib/sysctl.d/zz.conf\n",
            ),
            edit(
                "rs1.probe",
                "@NONCE route-to routes",
                "/usr/lib/sysctl.d/zz.conf:net.ipv4.conf.*.rp_filter = 1\n/etc/sysctl.d/99-sysctl.conf:net.ipv4.conf.all.arp_ignore=0\n\n@NONCE route-to routes",
            ),
        ],
    ),
    damage(
        "the next boot: another configuration, a VIP on a NIC, a saved filter, no module, a table that is emptied; and a job",
        &[
            edit(
                "lb1.probe",
                "@NONCE offload lro eth0",
                "@NONCE boot-source links\n/etc/systemd/system/multi-user.target.wants/cron.service\n/etc/systemd/system/multi-user.target.wants/keepalived.service\n\
                 /etc/systemd/system/multi-user.target.wants/netfilter-persistent.service\n/etc/systemd/system/multi-user.target.wants/clear.service\n\n\
                 @NONCE boot-source whole\n\
                 /etc/systemd/system/keepalived.service.d/x.conf:2:ExecStart=\n\
                 /etc/systemd/system/keepalived.service.d/x.conf:3:ExecStart=/usr/sbin/keepalived -n -f /etc/other.conf\n\
                 /etc/systemd/system/clear.service:2:ExecStart=/sbin/ipvsadm -C\n\
                 /etc/modprobe.d/x.conf:1:install ip_vs /bin/false\n\
                 /etc/iptables/rules.v4:1:*filter\n/etc/iptables/rules.v4:2::INPUT ACCEPT [0:0]\n/etc/iptables/rules.v4:3:-A INPUT -p vrrp -j DROP\n/etc/iptables/rules.v4:4:COMMIT\n\
                 /etc/crontab:5:0 3 * * * root systemctl stop keepalived\n\n@NONCE boot-source read\nyes\n\n@NONCE offload lro eth0",
            ),
            edit(
                "rs1.probe",
                "@NONCE listener tcp",
                "@NONCE boot-source links\n/etc/systemd/system/multi-user.target.wants/systemd-networkd.service\n\n@NONCE boot-source whole\n\
                 /etc/systemd/network/20-vip.network:1:[Match]\n/etc/systemd/network/20-vip.network:2:Name=eth0\n\
                 /etc/systemd/network/20-vip.network:3:[Network]\n/etc/systemd/network/20-vip.network:4:Address=192.168.100.200/32\n\n\
                 @NONCE boot-source read\nyes\n\n@NONCE listener tcp",
            ),
        ],
    ),
    damage(
        "a real server's firewall drops what is not listed",
        &[edit(
            "rs1.probe",
            "@NONCE listener tcp",
            "@NONCE firewall legacy\n*filter\n:INPUT DROP [5:300]\n:OUTPUT ACCEPT [0:0]\n[9:540] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n[0:0] -A INPUT -p tcp -m multiport --dports 443,8443 -j ACCEPT\nCOMMIT\n\n@NONCE listener tcp",
        )],
    ),
    damage(
        "a real server's firewall drops the replies",
        &[edit(
            "rs1.probe",
            "@NONCE listener tcp",
            "@NONCE firewall legacy\n*filter\n:INPUT ACCEPT [5:300]\n:OUTPUT ACCEPT [0:0]\n:own - [0:0]\n[0:0] -A OUTPUT ! -s 192.168.100.12/32 -o eth0 -j own\n[0:0] -A own -p tcp -j DROP\nCOMMIT\n\n@NONCE listener tcp",
        )],
    ),
    damage(
        "whether a packet passes a rate limit is not known",
        &[edit(
            "rs1.probe",
            "@NONCE listener tcp",
            "@NONCE firewall legacy\n*filter\n:INPUT ACCEPT [5:300]\n[0:0] -A INPUT -p tcp -m tcp --dport 80 -m limit --limit 5/sec -j DROP\nCOMMIT\n\n@NONCE listener tcp",
        )],
    ),
    damage(
        "a director sends redirects on its NIC",
        &[edit(
            "lb1.probe",
            "conf/eth0/send_redirects:0",
            "conf/eth0/send_redirects:1",
        )],
    ),
    damage(
        "the start script restores an IPVS table at boot, and ldirectord runs",
        &[
            edit("lb1.probe", "AUTO=\"false\"", "AUTO=\"true\"\n"),
            edit(
                "lb2.probe",
                "Id=ldirectord.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=",
                "Id=ldirectord.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled",
            ),
        ],
    ),
    damage(
        "ipvsadm.service is enabled, where no switch keeps it from restoring a table",
        &[
            edit(
                "lb1.probe",
                "ipvs defaults\nread\nAUTO=\"false\"\n",
                "ipvs defaults\n",
            ),
            edit(
                "lb1.probe",
                "ActiveState=active\nUnitFileState=generated",
                "ActiveState=active\nUnitFileState=enabled",
            ),
        ],
    ),
    damage(
        "rules in the other backend",
        &[edit(
            "lb1.probe",
            "@NONCE unit show",
            "@NONCE firewall nft\n*filter\n:INPUT ACCEPT [0:0]\n[0:0] -A INPUT -p icmp -j ACCEPT\nCOMMIT\n\n@NONCE unit show",
        )],
    ),
    damage(
        "a director's firewall lets no VRRP in",
        &[edit(
            "lb2.probe",
            "@NONCE unit show",
            "@NONCE firewall legacy\n*filter\n:INPUT DROP [5:300]\n:OUTPUT ACCEPT [0:0]\n[9:540] -A INPUT -p tcp -j ACCEPT\n[9:540] -A INPUT -s 192.168.100.99/32 -p vrrp -j ACCEPT\nCOMMIT\n\n@NONCE unit show",
        )],
    ),
    damage(
        "a director's arptables drops the VIP",
        &[edit(
            "lb1.probe",
            "@NONCE unit show",
            "@NONCE firewall arptables\n*filter\n:INPUT ACCEPT\n-A INPUT -j DROP -d 192.168.100.200\n\n@NONCE unit show",
        )],
    ),
    damage(
        "a real server's arptables drops the address of that real server",
        &[edit(
            "rs1.probe",
            "@NONCE listener tcp",
            "@NONCE firewall arptables\n*filter\n:INPUT ACCEPT\n-A INPUT -j DROP -d 192.168.100.12\n\n@NONCE listener tcp",
        )],
    ),
    damage(
        "a rule marks the VIP's packets with the mark of a foreign service",
        &[
            edit(
                "lb1.probe",
                "@NONCE unit show",
                "@NONCE firewall legacy\n*mangle\n:PREROUTING ACCEPT [0:0]\n[3:180] -A PREROUTING -d 192.168.100.200/32 -p tcp -j MARK --set-xmark 0x7/0xffffffff\nCOMMIT\n\n@NONCE unit show",
            ),
            edit(
                "lb1.probe",
                "ipvs table\n",
                "ipvs table\n-A -f 7 -s wlc\n-A -f 8 -s wlc\n",
            ),
        ],
    ),
    damage(
        "keepalived -t complains",
        &[edit(
            "lb1.probe",
            "keepalived test\n\nstatus 0",
            "keepalived test\n(Line 34) real_server 192.168.100.12 - port must be 0 for fwmark\nstatus 5",
        )],
    ),
    damage(
        "large packets are merged, or that is not known",
        &[
            edit(
                "lb1.probe",
                "large-receive-offload: off",
                "large-receive-offload: on",
            ),
            edit("lb2.probe", "large-receive-offload: off", ""),
        ],
    ),
    damage(
        "two directors hold the VIP",
        &[edit(
            "lb2.probe",
            r#"{"family":"inet","local":"192.168.100.15","#,
            r#"{"family":"inet","local":"192.168.100.200","prefixlen":32,"scope":"global","label":"eth0"},{"family":"inet","local":"192.168.100.15","#,
        )],
    ),
    damage(
        "a director holds the VIP by hand, without keepalived",
        &[
            edit(
                "lb2.probe",
                r#"{"family":"inet","local":"192.168.100.15","#,
                r#"{"family":"inet","local":"192.168.100.200","prefixlen":32,"scope":"global","label":"eth0"},{"family":"inet","local":"192.168.100.15","#,
            ),
            edit(
                "lb2.probe",
                "Id=keepalived.service\nLoadState=loaded\nActiveState=active",
                "Id=keepalived.service\nLoadState=loaded\nActiveState=inactive",
            ),
            edit("lb2.probe", "(keepalived)", "(gone)"),
        ],
    ),
    damage(
        "no director holds the VIP",
        &[
            edit(
                "lb1.probe",
                r#","local":"192.168.100.200","#,
                r#","local":"192.168.100.201","#,
            ),
            edit("client.live", "02:81:c6:ed:d2:34\n", ""),
        ],
    ),
    damage(
        "the client holds the VIP, and answers itself",
        &[edit(
            "client.probe",
            r#"{"family":"inet","local":"192.168.100.20","#,
            r#"{"family":"inet","local":"192.168.100.200","prefixlen":32,"scope":"global","label":"eth0"},{"family":"inet","local":"192.168.100.20","#,
        )],
    ),
    damage(
        "keepalived's files disagree",
        &[edit(
            "lb2.probe",
            "virtual_router_id 10",
            "virtual_router_id 11",
        )],
    ),
    damage(
        "the directors have different passwords, priorities do not decide, and adverts go two ways",
        &[
            edit(
                "lb2.probe",
                "auth_pass \"s3cret-x\"",
                "auth_pass \"s3cret-y\"",
            ),
            edit("lb2.probe", "priority 90", "priority 100"),
            edit("lb2.probe", "advert_int 1.0", "advert_int 2.0"),
            edit(
                "lb2.probe",
                "192.168.100.200/32 dev eth0",
                "192.168.100.201/32 dev eth0",
            ),
        ],
    ),
    damage(
        "one virtual_router_id for two instances on one NIC",
        &[edit(
            "lb2.probe",
            "vrrp_instance main {",
            "vrrp_instance other {\n interface eth0\n virtual_router_id 10\n}\nvrrp_instance main {",
        )],
    ),
    damage(
        "timeouts differ, and one director alone synchronises connections",
        &[
            edit("lb2.probe", "): 900 120 300", "): 900 120 301"),
            edit(
                "lb2.probe",
                "ipvs sync\n",
                "ipvs sync\nmaster sync daemon (mcast=eth0, syncid=51, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n",
            ),
        ],
    ),
    damage(
        "a clock is off",
        &[edit(
            "rs2.probe",
            "clock time\n17952315",
            "clock time\n17952312",
        )],
    ),
    damage(
        "no host answers ARP",
        &[edit("client.live", "02:81:c6:ed:d2:34\n", "")],
    ),
    damage(
        "a stranger answers ARP too",
        &[edit(
            "client.live",
            "arp 192.168.100.200\n",
            "arp 192.168.100.200\n52:54:00:00:00:99\n",
        )],
    ),
    damage(
        "some requests get no answer, and the rest an error",
        &[
            edit(
                "client.live",
                "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=200 new=1 exit=0 err=\trs2\n",
                "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=000 exit=28 err=Failed to connect to 192.168.100.200 port 80 after 2001 ms: Timeout was reached\t\n",
            ),
            edit(
                "client.live",
                "code=200 new=1 exit=0 err=\trs2",
                "code=502 exit=0 err=\t<html>",
            ),
        ],
    ),
    damage(
        "persistence does not hold, and IPVS counted another real server",
        &[edit(
            "client.live",
            "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=200 new=1 exit=0 err=\trs2\n",
            "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=200 new=1 exit=0 err=\trs1\n",
        )],
    ),
    damage(
        "the answers came past the director",
        &[edit("lb1.live", "20       80", "10       40")],
    ),
    damage(
        "the backup hears no advert, and a stranger uses the VRID",
        &[
            edit(
                "lb2.live",
                "192.168.100.14 10 100 2 100 1 1487747142 192.168.100.200\n",
                "",
            ),
            edit(
                "lb1.live",
                "heard",
                "192.168.100.9 10 50\n192.168.100.9 77 50\nheard",
            ),
        ],
    ),
    damage(
        "the server keeps connections open",
        &[edit("client.live", "code=200 new=1", "code=200 new=0")],
    ),
    damage(
        "a host that is no real server answers",
        &[edit(
            "client.live",
            "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=200 new=1 exit=0 err=\trs2\n",
            "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=200 new=1 exit=0 err=\tlb1\n",
        )],
    ),
    damage(
        "a client that has no tool to ask with",
        &[edit(
            "client.live",
            "e2e 0 192.168.100.200 80\n",
            "e2e 0 192.168.100.200 80\n@lvsctl-e2e none\n",
        )],
    ),
    damage(
        "IPVS of the backup alone tracks connections",
        &[
            edit(
                "lb2.probe",
                "/proc/sys/net/ipv4/vs/drop_packet:0",
                "/proc/sys/net/ipv4/vs/conntrack:1\n/proc/sys/net/ipv4/vs/drop_packet:0",
            ),
            edit(
                "lb1.probe",
                "/proc/sys/net/ipv4/vs/drop_packet:0",
                "/proc/sys/net/ipv4/vs/conntrack:0\n/proc/sys/net/ipv4/vs/drop_packet:0",
            ),
        ],
    ),
    damage(
        "a weight changed by hand",
        &[edit(
            "lb1.probe",
            "-r 192.168.100.12:80 -g -w 1",
            "-r 192.168.100.12:80 -g -w 3",
        )],
    ),
    damage(
        "keepalived on the backup is stopped by a signal",
        &[edit(
            "lb2.probe",
            "(keepalived) S 330",
            "(keepalived) T 330",
        )],
    ),
    damage(
        "VRRP of the master is stopped, and the backup took over",
        &[
            edit(
                "lb1.probe",
                "333 (keepalived) S 330",
                "333 (keepalived) T 330",
            ),
            edit(
                "lb2.probe",
                r#"{"family":"inet","local":"192.168.100.15","#,
                r#"{"family":"inet","local":"192.168.100.200","prefixlen":32,"scope":"global","label":"eth0"},{"family":"inet","local":"192.168.100.15","#,
            ),
        ],
    ),
    damage(
        "keepalived of the backup runs beside its unit, which is stopped",
        &[
            edit(
                "lb2.probe",
                "Id=keepalived.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nMainPID=330",
                "Id=keepalived.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked-runtime\nMainPID=0",
            ),
            edit(
                "lb2.probe",
                "/system.slice/keepalived.service",
                "/user.slice/user-0.slice/session-3.scope",
            ),
        ],
    ),
    damage(
        "keepalived of the backup has no VRRP",
        &[
            edit(
                "lb2.probe",
                "/usr/sbin/keepalived\t--dont-fork",
                "/usr/sbin/keepalived\t--dont-fork\t-C",
            ),
            edit("lb2.probe", "00000000:0070\n", ""),
        ],
    ),
    damage(
        "the backup's file was changed, read and put back",
        &[edit(
            "lb2.probe",
            "1795231400.000000000 1795231400.000000000",
            "1795231400.000000000 1795231580.000000000",
        )],
    ),
    damage(
        "the master runs with another priority and another VIP than its file has",
        &[edit(
            "lb2.live",
            "10 100 2 100 1 1487747142 192.168.100.200",
            "10 150 2 100 1 1487747142 192.168.100.200,192.168.100.201",
        )],
    ),
    damage(
        "the director with the lower priority serves",
        &[
            edit(
                "lb1.probe",
                r#","local":"192.168.100.200","#,
                r#","local":"192.168.100.201","#,
            ),
            edit(
                "lb2.probe",
                r#"{"family":"inet","local":"192.168.100.15","#,
                r#"{"family":"inet","local":"192.168.100.200","prefixlen":32,"scope":"global","label":"eth0"},{"family":"inet","local":"192.168.100.15","#,
            ),
        ],
    ),
    damage(
        "the backup does not reach a real server that the master serves with",
        &[
            edit(
                "lb2.probe",
                "-a -t 192.168.100.200:80 -r 192.168.100.12:80 -g -w 1\n",
                "",
            ),
            edit(
                "lb2.probe",
                "@NONCE ipvs failing\n",
                "@NONCE ipvs failing\n-t 192.168.100.200:80 192.168.100.12:80\n",
            ),
            edit(
                "lb2.probe",
                "@NONCE ipvs defaults\n",
                "@NONCE ipvs log\n1795231500.5 lb2 Keepalived_healthcheckers[332]: Removing service [192.168.100.12]:tcp:80 from VS [192.168.100.200]:tcp:80\n\n@NONCE ipvs defaults\n",
            ),
        ],
    ),
    damage(
        "IPVS drops packets, and the table of connections is full",
        &[
            edit("lb1.probe", "vs/drop_packet:0", "vs/drop_packet:3"),
            edit("lb1.probe", "vs/conn_reuse_mode:1", "vs/conn_reuse_mode:0"),
            edit(
                "lb2.probe",
                "nf_conntrack_count:12\n",
                "nf_conntrack_count:65536\n",
            ),
        ],
    ),
    damage(
        "a persistence engine",
        &[edit("lb1.probe", "-s rr -p 6\n", "-s rr -p 6 pe sip\n")],
    ),
    damage(
        "a real server's nginx is stopped by a signal",
        &[edit(
            "rs1.probe",
            "@NONCE listener tcp",
            "@NONCE process stat\n/proc/20/stat:20 (nginx) T 1 20 20 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1000 1 2\n\n@NONCE process place\n20\t/system.slice/nginx.service\t\n\n@NONCE listener tcp",
        )],
    ),
    damage(
        "a drained real server is a note",
        &[edit(
            "lb1.probe",
            "-r 192.168.100.12:80 -g -w 1",
            "-r 192.168.100.12:80 -g -w 0",
        )],
    ),
    damage(
        "one real server has both thresholds, the other the upper one",
        &[
            edit(
                "lb1.probe",
                "192.168.100.12:80            0          0 ",
                "192.168.100.12:80            5          2 ",
            ),
            edit(
                "lb2.probe",
                "192.168.100.13:80            0          0 ",
                "192.168.100.13:80            100        0 ",
            ),
        ],
    ),
    damage(
        "the backup's interface has no carrier",
        &[edit(
            "lb2.probe",
            "\"MULTICAST\",\"UP\",\"LOWER_UP\"]",
            "\"MULTICAST\",\"NO-CARRIER\",\"UP\"]",
        )],
    ),
    damage(
        "one real server has another MTU",
        &[edit("rs2.probe", "\"mtu\":1500", "\"mtu\":1400")],
    ),
    damage(
        "a real server drops the health checks of the backup, in a range",
        &[edit(
            "rs1.probe",
            "@NONCE firewall backend\niptables v1.8.9 (legacy)\n",
            "@NONCE firewall backend\niptables v1.8.9 (legacy)\n\n@NONCE firewall legacy\n*filter\n:INPUT ACCEPT [0:0]\n[0:0] -A INPUT -s 192.168.100.15/32 -j DROP\nCOMMIT\n",
        )],
    ),
    damage(
        "DNAT of the VIP before IPVS on the backup",
        &[edit(
            "lb2.probe",
            "@NONCE firewall backend\niptables v1.8.9 (legacy)\n",
            "@NONCE firewall backend\niptables v1.8.9 (legacy)\n\n@NONCE firewall legacy\n*nat\n:PREROUTING ACCEPT [0:0]\n[0:0] -A PREROUTING -d 192.168.100.200/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.100.99:80\nCOMMIT\n",
        )],
    ),
    damage(
        "the director drops clients of one network elsewhere",
        &[edit(
            "lb1.probe",
            "@NONCE firewall backend\niptables v1.8.9 (legacy)\n",
            "@NONCE firewall backend\niptables v1.8.9 (legacy)\n\n@NONCE firewall legacy\n*filter\n:INPUT ACCEPT [0:0]\n[0:0] -A INPUT -s 203.0.113.0/24 -j DROP\nCOMMIT\n",
        )],
    ),
    damage(
        "a real server has the address of another one too",
        &[edit(
            "rs2.probe",
            "\"addr_info\":[{\"family\":\"inet\",\"local\":\"192.168.100.13\"",
            "\"addr_info\":[{\"family\":\"inet\",\"local\":\"192.168.100.12\",\"prefixlen\":24,\"scope\":\"global\"},{\"family\":\"inet\",\"local\":\"192.168.100.13\"",
        )],
    ),
    damage(
        "a real server loses packets",
        &[edit(
            "rs1.probe",
            "\n\n@NONCE listener tcp",
            "\n\n@NONCE traffic-control qdisc\nqdisc netem 8001: dev eth0 root refcnt 2 limit 1000 loss 30%\n\n@NONCE listener tcp",
        )],
    ),
    damage(
        "a real server answers 500, and the scheduler sends this client to the other one",
        &[edit(
            "rs1.probe",
            "@lvsctl-e2e code=200",
            "@lvsctl-e2e code=500",
        )],
    ),
    damage(
        "the backup answers no ARP",
        &[edit(
            "lb2.probe",
            "conf/all/arp_ignore:0",
            "conf/all/arp_ignore:8",
        )],
    ),
];

#[test]
fn keepalived_with_a_master_and_a_backup() {
    let (text, passed, failed) = all("dr-keepalived", DR_KEEPALIVED);
    // How far a clock is off is shown to the tenth of a second, which depends on how fast this test runs.
    let filters = vec![(r"-?\d+\.\d s\b", "(seconds)")];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(text) });
    let never: Vec<&&str> = passed.difference(&failed).collect();
    assert!(
        never.is_empty(),
        "no damage here makes these fail: {never:?}"
    );
}

/// On Debian 13 the package brings it enabled, and its switch in /etc/default/ipvsadm is off.
#[test]
fn ipvsadm_service_that_is_enabled_and_does_nothing_is_no_finding() {
    let edits = &[edit(
        "lb1.probe",
        "ActiveState=active\nUnitFileState=generated",
        "ActiveState=active\nUnitFileState=enabled",
    )];
    let findings = recorded("dr-keepalived").verify(edits);
    assert!(findings.is_clean(), "{}", shown(&findings));
}
