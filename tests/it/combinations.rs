//! Combinations of options that ipvsadm(8), the kernel or keepalived accept: each that was considered, where it is
//! known from, and whether `check` refuses it, warns of it, or takes it because it serves.

use lvsctl::inventory::{self, BUILT_IN_ROLES};

/// Two networks; NAT's real servers go back by lb1.
const BASE: &str = "cluster: t
networks: { wan: [203.0.113.0/24, 'fd00:1::/64'], lan: [10.2.0.0/24, 'fd00:2::/64'] }
hosts:
  lb1: { role: director, interfaces: { eth0: [203.0.113.11, 'fd00:1::11'], eth1: [10.2.0.11, 'fd00:2::11'] } }
  rs1: { role: realserver, address: [10.2.0.21, 'fd00:2::21'] }
  rs2: { role: realserver, address: [10.2.0.22, 'fd00:2::22'] }
  user: { role: client, address: [203.0.113.99, 'fd00:1::99'] }
services:
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Refused,
    Warned,
    Fine,
}
use Verdict::{Fine, Refused, Warned};

/// What is combined; keys of the one service; the verdict, and a part of the message; the source.
type Case = (
    &'static str,
    &'static str,
    Verdict,
    &'static str,
    &'static str,
);

const DR: &str = "vip: 203.0.113.80, health_check: false,";

const CASES: &[Case] = &[
    // One packet.
    (
        "one packet, UDP, DR",
        "port: 53, protocol: udp, one_packet: true",
        Fine,
        "",
        "ipvsadm(8) --ops",
    ),
    (
        "one packet, UDP, TUN",
        "port: 53, protocol: udp, one_packet: true, mode: tun",
        Fine,
        "",
        "ipvsadm(8) --ops; the answer goes past the director",
    ),
    (
        "one packet, UDP, NAT",
        "port: 53, protocol: udp, one_packet: true, mode: nat",
        Refused,
        "`nat` cannot translate the answers",
        "ip_vs_conn.c, ip_vs_conn_hash: a one-packet connection is not hashed, so ip_vs_out finds none; seen in a lab",
    ),
    (
        "one packet, UDP, NAT, a mark",
        "port: [53, 5353], protocol: udp, fwmark: 7, one_packet: true, mode: nat",
        Refused,
        "`nat` cannot translate the answers",
        "as without a mark",
    ),
    (
        "one packet, UDP, NAT, IPv6",
        "vip: 'fd00:1::80', port: 53, protocol: udp, one_packet: true, mode: nat",
        Refused,
        "`nat` cannot translate the answers",
        "as for IPv4",
    ),
    (
        "one packet, TCP",
        "port: 53, one_packet: true",
        Refused,
        "schedules UDP packets, but the service is TCP",
        "ip_vs_core.c: IP_VS_CONN_F_ONE_PACKET needs IPPROTO_UDP; keepalived resets it (check_data.c)",
    ),
    (
        "one packet, TCP, a mark",
        "port: [53, 5353], fwmark: 7, one_packet: true",
        Refused,
        "schedules UDP packets, but the service is TCP",
        "keepalived keeps it with a mark, the kernel ignores it for TCP",
    ),
    (
        "one packet, persistence",
        "port: 53, protocol: udp, one_packet: true, persistence: 60",
        Warned,
        "all packets of a client to one real server",
        "ip_vs_core.c, ip_vs_sched_persist: the template decides, packet by packet",
    ),
    (
        "one packet, lc",
        "port: 53, protocol: udp, one_packet: true, scheduler: lc",
        Warned,
        "one real server gets all packets",
        "the counters are back at 0 after each packet; seen in a lab: 16 of 16 at one",
    ),
    (
        "one packet, wlc",
        "port: 53, protocol: udp, one_packet: true, scheduler: wlc",
        Warned,
        "one real server gets all packets",
        "seen in a lab: 16 of 16",
    ),
    (
        "one packet, sed",
        "port: 53, protocol: udp, one_packet: true, scheduler: sed",
        Warned,
        "one real server gets all packets",
        "seen in a lab: 16 of 16",
    ),
    (
        "one packet, nq",
        "port: 53, protocol: udp, one_packet: true, scheduler: nq",
        Warned,
        "one real server gets all packets",
        "seen in a lab: 16 of 16",
    ),
    (
        "one packet, wrr",
        "port: 53, protocol: udp, one_packet: true, scheduler: wrr",
        Fine,
        "",
        "ip_vs_wrr.c counts turns, not connections",
    ),
    (
        "one packet, sh",
        "port: 53, protocol: udp, one_packet: true, scheduler: sh",
        Fine,
        "",
        "ip_vs_sh.c: by the client's address",
    ),
    (
        "one packet, mh with ports",
        "port: 53, protocol: udp, one_packet: true, scheduler: mh, scheduler_flags: mh-port",
        Fine,
        "",
        "ip_vs_mh.c",
    ),
    (
        "one packet, twos",
        "port: 53, protocol: udp, one_packet: true, scheduler: twos",
        Fine,
        "",
        "ip_vs_twos.c draws two by their weights",
    ),
    (
        "one packet, lblc, one VIP",
        "port: 53, protocol: udp, one_packet: true, scheduler: lblc",
        Warned,
        "one real server gets all packets",
        "as lc; that there is one VIP changes nothing",
    ),
    // UDP without one packet.
    (
        "UDP, sed",
        "port: 53, protocol: udp, scheduler: sed",
        Warned,
        "`sed` compares numbers of active connections",
        "ip_vs_conn.c, ip_vs_bind_dest: a new connection is inactive, and no state of UDP makes it active; ip_vs_sed.c",
    ),
    (
        "UDP, nq",
        "port: 53, protocol: udp, scheduler: nq",
        Warned,
        "`nq` compares numbers of active connections",
        "ip_vs_nq.c: the first without active connections",
    ),
    (
        "UDP, ovf",
        "port: 53, protocol: udp, scheduler: ovf, real_servers: { rs1: { weight: 100 }, rs2: { weight: 50 } }",
        Warned,
        "`ovf` compares numbers of active connections",
        "ipvsadm(8): `might not be suitable for UDP`; ip_vs_ovf.c",
    ),
    (
        "UDP, ovf, weights of 1",
        "port: 53, protocol: udp, scheduler: ovf",
        Warned,
        "`ovf` compares numbers of active connections",
        "as with others",
    ),
    (
        "UDP, sed, one real server that serves",
        "port: 53, protocol: udp, scheduler: sed, real_servers: { rs1: {}, rs2: { weight: 0 } }",
        Fine,
        "",
        "there is nothing to choose",
    ),
    (
        "UDP, lc",
        "port: 53, protocol: udp, scheduler: lc",
        Fine,
        "",
        "ip_vs.h, ip_vs_dest_conn_overhead: 256 * active + inactive",
    ),
    (
        "UDP, wlc",
        "port: 53, protocol: udp, scheduler: wlc",
        Fine,
        "",
        "ip_vs.h, ip_vs_dest_conn_overhead",
    ),
    (
        "UDP, sed, a mark",
        "port: [53, 5353], protocol: udp, fwmark: 7, scheduler: sed",
        Warned,
        "`sed` compares numbers of active connections",
        "as without a mark",
    ),
    // Weights.
    (
        "sh, weights beyond its table",
        "port: 80, scheduler: sh, real_servers: { rs1: { weight: 300 }, rs2: { weight: 1 } }",
        Warned,
        "some real servers may get no place",
        "ip_vs_sh.c, ip_vs_sh_reassign: IP_VS_SH_TAB_SIZE is 256, `++d_count >= weight`",
    ),
    (
        "sh, one weight fills its table",
        "port: 80, scheduler: sh, weight: 1000",
        Warned,
        "are 2000 together",
        "ip_vs_sh.c",
    ),
    (
        "sh, weights that fill its table and leave one place",
        "port: 80, scheduler: sh, real_servers: { rs1: { weight: 255 }, rs2: { weight: 100 } }",
        Fine,
        "",
        "ip_vs_sh.c: the last one has a place yet",
    ),
    (
        "sh, a large weight alone",
        "port: 80, scheduler: sh, real_servers: { rs1: { weight: 1000 }, rs2: { weight: 0 } }",
        Fine,
        "",
        "one real server serves",
    ),
    (
        "mh, large weights",
        "port: 80, scheduler: mh, real_servers: { rs1: { weight: 1000 }, rs2: { weight: 1 } }",
        Fine,
        "",
        "ip_vs_mh.c: `turns` divides by the gcd and shifts",
    ),
    (
        "weights that differ, the default scheduler",
        "port: 80, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Warned,
        "have weights of 1 and 3, which `scheduler: rr`, the default, ignores",
        "ip_vs_rr.c: `weight > 0` alone",
    ),
    (
        "weights that differ, rr",
        "port: 80, scheduler: rr, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Warned,
        "which `scheduler: rr` ignores",
        "ip_vs_rr.c",
    ),
    (
        "weights that differ, lc",
        "port: 80, scheduler: lc, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Warned,
        "which `scheduler: lc` ignores",
        "ip_vs_lc.c: `weight == 0` alone",
    ),
    (
        "weights that differ, dh",
        "vip: [203.0.113.80, 203.0.113.81], port: 80, scheduler: dh, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Warned,
        "which `scheduler: dh` ignores",
        "ip_vs_dh.c: `weight <= 0` alone",
    ),
    (
        "weights that differ, wrr",
        "port: 80, scheduler: wrr, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Fine,
        "",
        "ip_vs_wrr.c",
    ),
    (
        "weights that differ, wlc",
        "port: 80, scheduler: wlc, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Fine,
        "",
        "ip_vs_wlc.c",
    ),
    (
        "weights that differ, sed",
        "port: 80, scheduler: sed, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Fine,
        "",
        "ip_vs_sed.c",
    ),
    (
        "weights that differ, nq",
        "port: 80, scheduler: nq, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Fine,
        "",
        "ip_vs_nq.c, among busy ones",
    ),
    (
        "weights that differ, sh",
        "port: 80, scheduler: sh, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Fine,
        "",
        "ip_vs_sh.c, ip_vs_sh_reassign: as many places in the table",
    ),
    (
        "weights that differ, mh",
        "port: 80, scheduler: mh, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Fine,
        "",
        "ip_vs_mh.c, ip_vs_mh_populate: `turns`",
    ),
    (
        "weights that differ, twos",
        "port: 80, scheduler: twos, real_servers: { rs1: { weight: 1 }, rs2: { weight: 3 } }",
        Fine,
        "",
        "ip_vs_twos.c",
    ),
    (
        "a drained real server, rr",
        "port: 80, real_servers: { rs1: { weight: 0 }, rs2: { weight: 3 } }",
        Fine,
        "",
        "every scheduler leaves weight 0 out",
    ),
    (
        "all drained",
        "port: 80, weight: 0",
        Warned,
        "none gets connections",
        "ip_vs_core.c, ip_vs_schedule: no destination",
    ),
    (
        "fo, equal weights",
        "port: 80, scheduler: fo",
        Warned,
        "`fo` gives all connections",
        "ip_vs_fo.c: the highest weight",
    ),
    (
        "fo, weights that differ",
        "port: 80, scheduler: fo, real_servers: { rs1: { weight: 2 }, rs2: {} }",
        Fine,
        "",
        "ip_vs_fo.c",
    ),
    (
        "ovf, weights of 1",
        "port: 80, scheduler: ovf",
        Warned,
        "`ovf` takes a weight for the most connections",
        "ip_vs_ovf.c: activeconns > weight is left out, and no destination is a refusal; seen in a lab",
    ),
    (
        "ovf, thresholds",
        "port: 80, scheduler: ovf, real_servers: { rs1: { weight: 1000 }, rs2: { weight: 500 } }",
        Fine,
        "",
        "ip_vs_ovf.c",
    ),
    // Schedulers that look at the destination.
    (
        "dh, one VIP",
        "port: 80, scheduler: dh",
        Warned,
        "so one real server gets all connections",
        "ip_vs_dh.c, ip_vs_dh_hashkey: the destination's address alone; seen in a lab",
    ),
    (
        "dh, several VIPs",
        "vip: [203.0.113.80, 203.0.113.81], port: 80, scheduler: dh",
        Fine,
        "",
        "ip_vs_dh.c",
    ),
    (
        "lblc, one VIP",
        "port: 80, scheduler: lblc",
        Warned,
        "until it is overloaded",
        "ip_vs_lblc.c: the cached destination is kept; seen in a lab",
    ),
    (
        "lblcr, one VIP",
        "port: 80, scheduler: lblcr",
        Warned,
        "until it is overloaded",
        "ip_vs_lblcr.c; seen in a lab",
    ),
    (
        "dh, one VIP, one real server",
        "port: 80, scheduler: dh, real_servers: { rs1: {}, rs2: { weight: 0 } }",
        Fine,
        "",
        "there is nothing to choose",
    ),
    // Flags.
    (
        "flags of another scheduler",
        "port: 80, scheduler: wrr, scheduler_flags: sh-port",
        Refused,
        "this scheduler takes no flags",
        "ipvsadm(8) -b; the kernel keeps the bits and reads them in sh and mh alone",
    ),
    (
        "sh with mh's flag",
        "port: 80, scheduler: sh, scheduler_flags: mh-port",
        Refused,
        "unknown flag",
        "ip_vs.h: the same bit by another name",
    ),
    (
        "mh with sh's flag",
        "port: 80, scheduler: mh, scheduler_flags: sh-fallback",
        Refused,
        "unknown flag",
        "ip_vs.h",
    ),
    (
        "sh with its flags",
        "port: 80, scheduler: sh, scheduler_flags: [sh-port, sh-fallback]",
        Fine,
        "",
        "ipvsadm(8) -b",
    ),
    (
        "sh and persistence",
        "port: 80, scheduler: sh, persistence: 60",
        Fine,
        "",
        "ip_vs_sched_persist asks the scheduler once for each template",
    ),
    // Ports.
    (
        "port 0 without persistence",
        "port: 0",
        Refused,
        "port 0 (every port) needs persistence",
        "ip_vs_core.c, ip_vs_schedule: `port zero only supported in persistent services`; keepalived sets persistence",
    ),
    (
        "port 0 with persistence",
        "port: 0, persistence: 60",
        Fine,
        "",
        "ipvsadm(8)",
    ),
    (
        "DR with another port",
        "port: 80, real_port: 8080",
        Refused,
        "`dr` cannot map",
        "ipvsadm(8): the port is ignored; keepalived resets it (check_data.c)",
    ),
    (
        "TUN with another port",
        "port: 80, real_port: 8080, mode: tun",
        Refused,
        "`tun` cannot map",
        "as DR",
    ),
    (
        "NAT with another port",
        "port: 80, real_port: 8080, mode: nat",
        Fine,
        "",
        "ipvsadm(8) -m",
    ),
    (
        "several ports mapped to one",
        "port: [80, 443], real_port: 8080, mode: nat",
        Refused,
        "several ports cannot all be mapped",
        "it would send HTTPS to the port of HTTP",
    ),
    (
        "a mark with another port",
        "port: [80, 443], real_port: 8080, mode: nat, fwmark: 7",
        Refused,
        "cannot map ports",
        "ip_vs_conn_new: the destination's port is used for every port of the mark",
    ),
    (
        "FTP's control port alone, NAT",
        "port: 21, mode: nat",
        Warned,
        "FTP's data connections use further ports",
        "ip_vs_ftp translates PASV and PORT, and is not loaded",
    ),
    (
        "FTP's control port alone, DR",
        "port: 21",
        Warned,
        "FTP's data connections use further ports",
        "ipvsadm(8): passive FTP needs persistence and every port",
    ),
    (
        "FTP with its range, a mark, no persistence",
        "port: [21, 10000, 10001], fwmark: 7, mode: nat",
        Warned,
        "without `persistence` another real server may get them",
        "each connection is scheduled by itself",
    ),
    (
        "FTP with its range, a mark, persistence",
        "port: [21, 10000, 10001], fwmark: 7, persistence: 60, mode: nat",
        Fine,
        "",
        "one template for all ports of the mark",
    ),
    (
        "FTP on every port",
        "port: 0, persistence: 60, check: { http: [] }",
        Fine,
        "",
        "ipvsadm(8)",
    ),
    (
        "RTSP alone",
        "port: 554",
        Warned,
        "RTSP's media use further ports, most often of UDP (port 554 is the first), which no service takes",
        "RFC 2326, 12.39",
    ),
    (
        "RTSP with its range, a mark, persistence",
        "port: [554, 6970-6999], fwmark: 7, persistence: 60",
        Fine,
        "",
        "RFC 2326, 10.12: interleaved media use the same connection",
    ),
    (
        "PPTP",
        "port: 1723",
        Warned,
        "PPTP's tunnel is GRE, which IPVS does not forward",
        "RFC 2637, 1; ip_vs_proto.c knows TCP, UDP, SCTP, AH and ESP",
    ),
    (
        "PPTP's port by UDP",
        "port: 1723, protocol: udp",
        Fine,
        "",
        "it is TCP's",
    ),
    (
        "a port of the check by HTTP that is not the service's",
        "port: 80, check: { http: [81] }",
        Refused,
        "port 81 is none of the service's",
        "`verify` asks ports of the service alone",
    ),
    (
        "a port of the check by HTTPS that is not the service's",
        "port: [80, 443], check: { https: [443, 8443] }",
        Refused,
        "port 8443 is none of the service's",
        "as by HTTP",
    ),
    (
        "a port of the check by HTTP that the health check asks",
        "port: 8443, health_check: { http: {}, port: 9000 }, check: { http: 9000 }",
        Fine,
        "",
        "it says what that port speaks",
    ),
    (
        "a port of the check by HTTP that NAT maps to",
        "port: 81, mode: nat, real_port: 8081, health_check: http, check: { http: [81, 8081] }",
        Fine,
        "",
        "it says what that port speaks",
    ),
    (
        "no ports of the check",
        "port: 80, check: { ports: [] }",
        Fine,
        "",
        "`verify` sends no requests to the service",
    ),
    (
        "no status of the check",
        "port: 80, check: { status: [] }",
        Refused,
        "the list `status` is empty",
        "no answer would be right",
    ),
    (
        "no status of a health check",
        "port: 80, health_check: { http: { status: [] } }",
        Refused,
        "the list `status` is empty",
        "no answer would be right",
    ),
    (
        "no status of a health check by HTTPS",
        "port: 443, health_check: { https: { status: [] } }",
        Refused,
        "the list `status` is empty",
        "no answer would be right",
    ),
    (
        "a text in an answer of 204",
        "port: 80, health_check: { http: { text: OK, status: 204 } }",
        Refused,
        "an answer with status 204 has no body",
        "RFC 9110, 6.4.1",
    ),
    (
        "a text in an answer of 304",
        "port: 443, health_check: { https: { text: OK, status: [304] } }",
        Refused,
        "an answer with status 304 has no body",
        "RFC 9110, 6.4.1",
    ),
    (
        "a text in an answer of 1xx",
        "port: 80, health_check: { http: { text: OK, status: 1xx } }",
        Refused,
        "an answer with status 100-199 has no body",
        "RFC 9110, 6.4.1",
    ),
    (
        "a text in an answer of 200 or 204",
        "port: 80, health_check: { http: { text: OK, status: [200, 204] } }",
        Fine,
        "",
        "an answer of 200 may hold it",
    ),
    (
        "an answer of 204 without a text",
        "port: 80, health_check: { http: { status: 204 } }",
        Fine,
        "",
        "keepalived.conf(5) status_code",
    ),
    (
        "TFTP",
        "port: 69, protocol: udp",
        Warned,
        "TFTP's answers use further ports",
        "RFC 1350, 4: the server answers from a new port",
    ),
    // Families.
    (
        "VIPs of both families",
        "vip: [203.0.113.80, 'fd00:1::80'], port: 80",
        Refused,
        "are of two families",
        "ip_vs_ctl.c: a service has one family",
    ),
    (
        "IPv6 through a tunnel",
        "vip: 'fd00:1::80', port: 80, mode: tun",
        Fine,
        "",
        "ip_vs_xmit.c, ip_vs_tunnel_xmit_v6",
    ),
    (
        "IPv6 in NAT",
        "vip: 'fd00:1::80', port: 80, mode: nat",
        Fine,
        "",
        "ip_vs_xmit.c, ip_vs_nat_xmit_v6",
    ),
    // Addresses.
    (
        "a VIP that is a host's address",
        "vip: 10.2.0.21, port: 80",
        Refused,
        "is the address of `rs1` itself",
        "the real server would have the VIP as its address",
    ),
    (
        "a sorry server that is the VIP",
        "port: 80, sorry_server: 203.0.113.80",
        Refused,
        "is the service's VIP",
        "the packet would be scheduled again",
    ),
    (
        "a sorry server without a health check",
        "port: 80, sorry_server: 10.2.0.99",
        Refused,
        "no health check takes real servers out",
        "keepalived.conf(5) sorry_server",
    ),
    (
        "a sorry server that is no host of the inventory, DR",
        "port: 80, health_check: tcp, sorry_server: 10.2.0.99",
        Warned,
        "is no host of the inventory, so lvsctl does not set it up",
        "a sorry server gets packets for the VIP, as a real server does",
    ),
    (
        "a sorry server that is no host of the inventory, NAT",
        "port: 80, mode: nat, health_check: tcp, sorry_server: 10.2.0.99",
        Warned,
        "is no host of the inventory, so lvsctl does not set its gateway up",
        "ip_vs_core.c, ip_vs_out: the answer must pass the director",
    ),
    (
        "a sorry server on another link, DR",
        "port: 80, health_check: tcp, sorry_server: 192.0.2.9",
        Refused,
        "direct routing cannot reach the sorry server 192.0.2.9",
        "ipvsadm(8) -g: the same link",
    ),
    (
        "a sorry server on another link, TUN",
        "port: 80, mode: tun, health_check: tcp, sorry_server: 192.0.2.9",
        Warned,
        "is no host of the inventory, so lvsctl does not set it up",
        "ipvsadm(8) -i",
    ),
    (
        "a sorry server on another port, a mark",
        "port: [80, 443], fwmark: 7, mode: nat, health_check: tcp, sorry_server: '10.2.0.11:8080'",
        Refused,
        "cannot map ports",
        "ip_vs_conn_new: as for a real server's port",
    ),
    (
        "a sorry server on another port, several ports",
        "port: [80, 443], mode: nat, health_check: tcp, sorry_server: '10.2.0.11:8080'",
        Refused,
        "several ports cannot all be mapped",
        "as for a real server's port",
    ),
    (
        "a sorry server on the director, NAT, by its address",
        "port: 80, mode: nat, health_check: tcp, sorry_server: '10.2.0.11:8080'",
        Fine,
        "",
        "ip_vs_xmit.c: a local destination that is no loopback address",
    ),
    (
        "a sorry server on the director, NAT",
        "port: 80, mode: nat, health_check: tcp, sorry_server: 127.0.0.1",
        Refused,
        "cannot send to the loopback address",
        "ip_vs_xmit.c, ip_vs_nat_xmit",
    ),
    (
        "a sorry server on the director, DR",
        "port: 80, health_check: tcp, sorry_server: 127.0.0.1",
        Fine,
        "",
        "ip_vs_xmit.c: a local destination is delivered as it is",
    ),
    (
        "a range of ports without a mark",
        "port: 10000-20000",
        Refused,
        "needs a firewall mark",
        "ip_vs_ctl.c: a service has one port",
    ),
    (
        "FTP with a range, a mark, persistence",
        "port: [21, 10000-20000], fwmark: 7, persistence: 60, mode: nat",
        Fine,
        "",
        "iptables-extensions(8) multiport",
    ),
    (
        "FTP with a range, a mark, no persistence",
        "port: [21, 10000-20000], fwmark: 7, mode: nat",
        Warned,
        "without `persistence` another real server may get them",
        "iptables-extensions(8) multiport",
    ),
    // Health checks.
    (
        "UDP, checked by TCP",
        "port: 53, protocol: udp, health_check: tcp",
        Warned,
        "is UDP, but its health check connects by TCP",
        "keepalived.conf(5) TCP_CHECK",
    ),
    (
        "UDP, checked by HTTP",
        "port: 53, protocol: udp, health_check: http",
        Warned,
        "is UDP, but its health check connects by TCP",
        "keepalived.conf(5) HTTP_GET",
    ),
    (
        "UDP, checked on a TCP port",
        "port: 53, protocol: udp, health_check: { http: {}, port: 8080 }",
        Fine,
        "",
        "keepalived.conf(5) connect_port",
    ),
    (
        "every port, checked by TCP",
        "port: 0, persistence: 60, health_check: tcp",
        Refused,
        "does not say which one its health check asks",
        "keepalived.conf(5) connect_port",
    ),
    (
        "UDP, checked by TCP on the port of the service",
        "port: 53, protocol: udp, health_check: { tcp: {}, port: 53 }",
        Warned,
        "connects by TCP to its port 53",
        "who serves DNS by UDP alone refuses the connection; RFC 7766 asks servers for both",
    ),
    (
        "a page by HTTP on the port of HTTPS",
        "port: 443, health_check: http",
        Warned,
        "asks for a page by `http` on port 443, which speaks HTTPS",
        "RFC 9110, 4.2.2; the answer is a status of 400 or none",
    ),
    (
        "a page on a port of mail",
        "port: 587, health_check: http",
        Warned,
        "asks for a page by `http` on port 587, which speaks SMTP",
        "RFC 6409",
    ),
    (
        "a page on one of two ports",
        "port: [80, 443], health_check: http",
        Warned,
        "port 443 of service `web` is checked by asking port 80",
        "Service::checked_ports",
    ),
    (
        "a page on one of two ports of a mark",
        "port: [80, 443], fwmark: 7, health_check: http",
        Warned,
        "port 443 of service `web` is not checked",
        "keepalived.conf(5): a checker asks one connect_port",
    ),
    (
        "a page on one of two ports, by its number",
        "port: [80, 443], health_check: { http: {}, port: 80 }",
        Fine,
        "",
        "keepalived.conf(5) connect_port",
    ),
    // Marks.
    (
        "a mark with persistence",
        "port: [80, 443], fwmark: 7, persistence: 60",
        Fine,
        "",
        "ipvsadm(8) -f",
    ),
    (
        "a mark of UDP ports",
        "port: [5060, 5061], protocol: udp, fwmark: 7",
        Fine,
        "",
        "ipvsadm(8) -f; keepalived takes no protocol here",
    ),
];

/// Other combinations: the whole inventory, the verdict and a part of the message, the source.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn whole() -> Vec<(&'static str, String, Verdict, &'static str, &'static str)> {
    let of = |hosts: &str, more: &str| {
        format!(
            "cluster: t\nnetworks: {{ wan: [203.0.113.0/24, 'fd00:1::/64'], lan: 10.2.0.0/24 }}\nhosts:\n\
             \x20 user: {{ role: client, address: 203.0.113.99 }}\n{hosts}{more}"
        )
    };
    let lb1 = "  lb1: { role: director, interfaces: { eth0: [203.0.113.11, 'fd00:1::11'], eth1: 10.2.0.11 } }\n";
    let lb2 = "  lb2: { role: backup, interfaces: { eth0: [203.0.113.12, 'fd00:1::12'], eth1: 10.2.0.12 } }\n";
    let rs1 = "  rs1: { role: realserver, address: 10.2.0.21, gateway: 10.2.0.11 }\n";
    let web = "services: { web: { vip: 203.0.113.80, port: 80, mode: nat } }\n";
    let vrrp = "vrrp: { virtual_router_id: 10, vips: [203.0.113.80, 10.2.0.1] }\n";
    let dns = "port: 53, protocol: udp, health_check: false";
    let pair =
        format!("{lb1}{lb2}  rs1: {{ role: realserver, address: 10.2.0.21, gateway: 10.2.0.1 }}\n");
    let group = |a: &str, b: &str| {
        format!(
            "vrrp:\n  a: {{ virtual_router_id: 10, vips: 203.0.113.80{a} }}\n  b: {{ virtual_router_id: 11, vips: 10.2.0.1{b} }}\n"
        )
    };
    let watching =
        |weight: &str| format!(", track_script: {{ up: {{ script: /usr/local/bin/up{weight} }} }}");
    vec![
        (
            "a weight that one instance of a sync group watches",
            of(
                &pair,
                &format!("{}{web}", group(&watching(", weight: -30"), "")),
            ),
            Warned,
            "`up` changes the priority of instance `a` alone, which moves together with `b`",
            "keepalived, vrrp_sync.c, vrrp_sync_can_goto_master: the other instances must want to be master too",
        ),
        (
            "a weight that all instances of a sync group watch",
            of(
                &pair,
                &format!(
                    "{}{web}",
                    group(&watching(", weight: -30"), &watching(", weight: -30"))
                ),
            ),
            Fine,
            "",
            "all priorities change together",
        ),
        (
            "a failure that gives up the VIPs of a sync group",
            of(&pair, &format!("{}{web}", group(&watching(""), ""))),
            Fine,
            "",
            "keepalived.conf(5) vrrp_sync_group: a fault moves all",
        ),
        (
            "an interface that one instance of a sync group watches",
            of(
                &pair,
                &format!("{}{web}", group(", track_interface: eth1", "")),
            ),
            Fine,
            "",
            "a fault moves all",
        ),
        (
            "a weight that one of two instances without a sync group watches",
            of(
                &format!("{lb1}{lb2}  rs1: {{ role: realserver, address: 10.2.0.21 }}\n"),
                &format!(
                    "{}services: {{ web: {{ vip: [203.0.113.80, 10.2.0.1], port: 80 }} }}\n",
                    group(&watching(", weight: -30"), "")
                ),
            ),
            Fine,
            "",
            "with DR each instance moves alone",
        ),
        (
            "a sorry server that is the VIP of another service",
            of(
                &format!("{lb1}  rs1: {{ role: realserver, address: 10.2.0.21 }}\n"),
                "services:\n  a: { vip: 203.0.113.80, port: 80, health_check: tcp, sorry_server: 203.0.113.81 }\n  \
                 b: { vip: 203.0.113.81, port: 80 }\n",
            ),
            Refused,
            "is the VIP of service `b`, which the director holds itself",
            "ip_vs_core.c: a packet that IPVS sends on is marked (ipvs_property) and not scheduled again",
        ),
        (
            "NAT through the director",
            of(&format!("{lb1}{rs1}"), web),
            Fine,
            "",
            "ipvsadm(8) -m",
        ),
        (
            "NAT past the director",
            of(
                &format!(
                    "{lb1}{}",
                    rs1.replace("gateway: 10.2.0.11", "gateway: 10.2.0.254")
                ),
                web,
            ),
            Warned,
            "must answer through a director",
            "ip_vs_core.c, ip_vs_out: the answer must pass it to be translated",
        ),
        (
            "NAT, a client beside the real servers",
            of(
                &format!("{lb1}{rs1}  near: {{ role: client, address: 10.2.0.99 }}\n"),
                web,
            ),
            Warned,
            "client `near` is in the network of real servers of `web`",
            "the answer is delivered on the link",
        ),
        (
            "NAT, two directors, a gateway of one",
            of(&format!("{lb1}{lb2}{rs1}"), &format!("{vrrp}{web}")),
            Warned,
            "through the director that serves",
            "the gateway does not move with the VIP",
        ),
        (
            "NAT, a real server that is the director",
            of(
                "  lb1: { role: [director, realserver], interfaces: { eth0: 203.0.113.11, eth1: 10.2.0.11 } }\n",
                web,
            ),
            Fine,
            "",
            "ip_vs_xmit.c: a local destination (IP_VS_CONN_F_LOCALNODE)",
        ),
        (
            "NAT, a real server that is one of two directors",
            of(
                &format!(
                    "  lb1: {{ role: [director, realserver], interfaces: {{ eth0: 203.0.113.11, eth1: 10.2.0.11 }} }}\n{lb2}"
                ),
                &format!("{vrrp}{web}"),
            ),
            Refused,
            "is a real server of service `web` and a director beside `lb2`",
            "the other director's IPVS sees the packets again",
        ),
        (
            "DR, a real server that is the director, a mark",
            of(
                "  lb1: { role: [director, realserver], interfaces: { eth0: 203.0.113.11, eth1: 10.2.0.11 } }\n",
                "services: { web: { vip: 203.0.113.80, port: [80, 443], fwmark: 7 } }\n",
            ),
            Fine,
            "",
            "ip_vs_xmit.c: a local destination, whatever the mark",
        ),
        (
            "DR to another network",
            of(
                &format!("  lb1: {{ role: director, address: 203.0.113.11 }}\n{rs1}"),
                "services: { web: { vip: 203.0.113.80, port: 80 } }\n",
            ),
            Refused,
            "direct routing cannot reach `rs1`",
            "ipvsadm(8) -g: the same link",
        ),
        (
            "DR, the director as gateway",
            of(
                &format!("{lb1}{rs1}"),
                "services: { web: { vip: 203.0.113.80, port: 80 } }\n",
            ),
            Warned,
            "which drops such packets",
            "fib_frontend.c: a source that is an address of the host is a martian",
        ),
        (
            "TUN, a VIP and a real server of two families",
            of(
                &format!("{lb1}{rs1}"),
                "services: { web: { vip: 'fd00:1::80', port: 80, mode: tun } }\n",
            ),
            Refused,
            "has no IPv6 address",
            "ip_vs_ctl.c takes it for tunnels since 3.18; the real server would need a tunnel that lvsctl does not make",
        ),
        (
            "NAT and DR to one real server",
            of(
                &format!("{lb1}{}", rs1.replace(", gateway: 10.2.0.11", "")),
                "services:\n  a: { vip: 203.0.113.80, port: 80, mode: nat }\n  b: { vip: 203.0.113.81, port: 80 }\n",
            ),
            Warned,
            "`rs1` serves `a` by `nat`, so its gateway is a director, which drops its answers of `b` by `dr`",
            "fib_frontend.c: a source that is an address of the host is a martian; one default route",
        ),
        (
            "NAT, a director that is not beside the real servers",
            of(
                &format!(
                    "  lb1: {{ role: director, address: 203.0.113.11 }}\n{}",
                    rs1.replace(", gateway: 10.2.0.11", "")
                ),
                web,
            ),
            Refused,
            "which has no address in network `lan`",
            "ip_vs_core.c, ip_vs_out; a gateway is on the same link",
        ),
        (
            "a member that is no director",
            of(
                &format!("{lb1}  rs1: {{ role: realserver, address: 10.2.0.21 }}\n"),
                "vrrp: { virtual_router_id: 10, members: [lb1, rs1] }\nservices: { web: { vip: 203.0.113.80, port: 80 } }\n",
            ),
            Refused,
            "`rs1` is a member of VRRP, but no director",
            "the role `realserver` has no keepalived",
        ),
        (
            "one mark for two protocols",
            of(
                &format!("{lb1}{rs1}"),
                &format!(
                    "services:\n  a: {{ vip: 203.0.113.80, {dns}, fwmark: 7, mode: nat }}\n  b: {{ vip: 203.0.113.80, port: 53, fwmark: 7, mode: nat }}\n"
                ),
            ),
            Refused,
            "firewall mark 7 (0x7) is the mark of service `a` already",
            "ip_vs_ctl.c: a mark has one service",
        ),
        (
            "the same VIP and port twice",
            of(
                &format!("{lb1}{rs1}"),
                &format!(
                    "services:\n  a: {{ vip: 203.0.113.80, {dns}, mode: nat }}\n  b: {{ vip: 203.0.113.80, {dns}, mode: nat }}\n"
                ),
            ),
            Refused,
            "is asked for by service `a` already",
            "ip_vs_ctl.c: EEXIST",
        ),
        (
            "the same VIP and port by UDP and TCP",
            of(
                &format!("{lb1}{rs1}"),
                &format!(
                    "services:\n  a: {{ vip: 203.0.113.80, {dns}, mode: nat }}\n  b: {{ vip: 203.0.113.80, port: 53, mode: nat }}\n"
                ),
            ),
            Fine,
            "",
            "ip_vs_ctl.c: the protocol is a part of the key",
        ),
        (
            "the sync daemon beside one packet",
            of(
                &format!("{lb1}{lb2}  rs1: {{ role: realserver, address: 10.2.0.21 }}\n"),
                &format!(
                    "vrrp: {{ virtual_router_id: 10, sync_daemon: true }}\nservices: {{ dns: {{ vip: 203.0.113.80, {dns}, one_packet: true }} }}\n"
                ),
            ),
            Fine,
            "",
            "ip_vs_sync.c, ip_vs_sync_conn: such connections are not sent, and none is missed",
        ),
        (
            "the sync daemon of two instances",
            of(
                &format!("{lb1}{lb2}  rs1: {{ role: realserver, address: 10.2.0.21 }}\n"),
                "vrrp:\n  a: { virtual_router_id: 10, vips: 203.0.113.80, sync_daemon: true }\n  \
                 b: { virtual_router_id: 11, vips: 203.0.113.81, sync_daemon: true }\n\
                 services: { web: { vip: [203.0.113.80, 203.0.113.81], port: 80 } }\n",
            ),
            Refused,
            "has the sync daemon already",
            "keepalived.conf(5): one lvs_sync_daemon",
        ),
        (
            "all drained under keepalived",
            of(
                &format!("{lb1}{lb2}  rs1: {{ role: realserver, address: 10.2.0.21 }}\n"),
                "vrrp: { virtual_router_id: 10 }\nservices: { web: { vip: 203.0.113.80, port: 80, weight: 0 } }\n",
            ),
            Refused,
            "have weight 0",
            "check_data.c: the quorum of 1 is above all weights",
        ),
        (
            "IPv4 and IPv6 VIPs in one instance",
            of(
                &format!("{lb1}{lb2}  rs1: {{ role: realserver, address: 10.2.0.21 }}\n"),
                "vrrp: { virtual_router_id: 10, vips: [203.0.113.80, 'fd00:1::80'] }\nservices: { web: { vip: 203.0.113.80, port: 80 } }\n",
            ),
            Refused,
            "one VRRP instance cannot hold IPv4 and IPv6 VIPs",
            "RFC 9568, 1",
        ),
        (
            "a password for IPv6",
            of(
                "  lb1: { role: director, address: 'fd00:1::11' }\n  lb2: { role: backup, address: 'fd00:1::12' }\n  \
                 rs1: { role: realserver, address: 'fd00:1::21' }\n",
                "vrrp: { virtual_router_id: 10, auth_pass: { env: PW } }\nservices: { web: { vip: 'fd00:1::80', port: 80 } }\n",
            ),
            Warned,
            "knows no passwords",
            "RFC 9568, 9; keepalived refuses it",
        ),
    ]
}

/// What `check` makes of an inventory, with its messages.
fn verdict(text: &str) -> (Verdict, Vec<String>) {
    match inventory::parse("t.yaml", text, BUILT_IN_ROLES) {
        Err(error) => {
            let all = error.problems().iter();
            (Refused, all.map(|p| p.message().to_owned()).collect())
        }
        Ok(loaded) if loaded.warnings.is_empty() => (Fine, Vec::new()),
        Ok(loaded) => {
            let all = loaded.warnings.iter().map(|p| {
                assert!(p.position().is_some() && p.fix().is_some(), "{p}");
                p.message().to_owned()
            });
            (Warned, all.collect())
        }
    }
}

#[test]
fn each_combination_is_refused_warned_of_or_serves() {
    let small = CASES.iter().map(|(about, keys, verdict, says, source)| {
        // The mode, the VIP and the check of the base give way to what the case says.
        let mut base = String::new();
        for word in DR.split_inclusive(',') {
            let key = word.trim().split(':').next().unwrap_or_default();
            if !keys.contains(&format!("{key}:")) {
                base.push_str(word);
            }
        }
        let mut text = format!("{BASE}  web: {{ {base} {keys} }}\n");
        if keys.contains("mode: nat") {
            let v6 = keys.contains("vip: 'fd00");
            let gateway = if v6 { "'fd00:2::11'" } else { "10.2.0.11" };
            text = text.replace(
                "2'] }\n  user",
                &format!("2'], gateway: {gateway} }}\n  user"),
            );
            text = text.replace("21'] }", &format!("21'], gateway: {gateway} }}"));
        }
        (*about, text, *verdict, *says, *source)
    });
    let mut wrong = String::new();
    for (about, text, expected, says, source) in small.chain(whole()) {
        let (found, messages) = verdict(&text);
        let said = if expected == Warned {
            messages.len() == 1 && messages[0].contains(says)
        } else {
            says.is_empty() || messages.iter().any(|m| m.contains(says))
        };
        if found != expected || !said {
            wrong += &format!("{about} ({source}): {found:?} {messages:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn check_alone_says_that_there_is_no_client() {
    let with = format!("{BASE}  web: {{ vip: 203.0.113.80, port: 80 }}\n");
    for (about, text, said) in [
        ("a client", with.clone(), false),
        ("none", with.replace("role: client", "role: router"), true),
        (
            "a client that is a director too",
            with.replace("role: director", "role: [director, client]")
                .replace("user: { role: client", "user: { role: router"),
            true,
        ),
        (
            "no service to ask for",
            "cluster: t\nnetworks: 10.2.0.0/24\nhosts: { a: { role: router, address: 10.2.0.1 } }\n".to_owned(),
            false,
        ),
    ] {
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{about}: {}", e.render(100, false)));
        assert_eq!(loaded.warnings.len(), 0, "{about}: {:?}", loaded.warnings);
        let advice = loaded.advice();
        assert_eq!(advice.len(), usize::from(said), "{about}: {advice:?}");
        for one in advice {
            assert_eq!(one.position(), Some((3, 1)), "{about}");
            let why = if about == "none" {
                "no host is a client"
            } else {
                "client `lb1` is a director too"
            };
            assert!(one.is_warning() && one.message().contains(why), "{one}");
            assert!(one.fix().is_some_and(|m| m.contains("role: client")));
        }
    }
}

#[test]
fn check_alone_says_that_no_client_has_the_family_of_a_service() {
    let of = |hosts: &str, vip: &str| {
        BASE.replace(
            "  user: { role: client, address: [203.0.113.99, 'fd00:1::99'] }\n",
            hosts,
        ) + &format!("  web: {{ vip: {vip}, port: 80 }}\n")
    };
    let (v4, v6) = ("203.0.113.80", "'fd00:1::80'");
    let old = "  user: { role: client, address: 203.0.113.99 }\n";
    let new = "  next: { role: client, address: 'fd00:1::99' }\n";
    for (about, text, says) in [
        (
            "IPv6, clients of both",
            of(&format!("{old}{new}"), v6),
            None,
        ),
        (
            "IPv6, a client of both",
            of(
                "  user: { role: client, address: [203.0.113.99, 'fd00:1::99'] }\n",
                v6,
            ),
            None,
        ),
        (
            "IPv6, clients of IPv4",
            of(old, v6),
            Some("no client has an IPv6 address"),
        ),
        (
            "IPv4, clients of IPv6",
            of(new, v4),
            Some("no client has an IPv4 address"),
        ),
        ("IPv4, clients of IPv4", of(old, v4), None),
        ("IPv6, no client", of("", v6), Some("no host is a client")),
    ] {
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{about}: {}", e.render(100, false)));
        let advice = loaded.advice();
        assert_eq!(
            advice.len(),
            usize::from(says.is_some()),
            "{about}: {advice:?}"
        );
        let said = |one: &inventory::Problem| says.is_some_and(|says| one.message().contains(says));
        assert!(advice.iter().all(said), "{about}: {advice:?}");
        assert!(
            advice
                .iter()
                .all(|one| one.is_warning() && one.fix().is_some()),
            "{about}"
        );
    }
}

#[test]
fn a_sorry_server_that_is_the_only_client_is_one_warning() {
    let text = format!(
        "{}  web: {{ vip: 203.0.113.80, port: 80, health_check: tcp, sorry_server: 10.2.0.99 }}\n",
        BASE.replace("[203.0.113.99, 'fd00:1::99']", "10.2.0.99")
    );
    let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
        .unwrap_or_else(|e| panic!("{}", e.render(100, false)));
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert_eq!(loaded.advice().len(), 0, "{:?}", loaded.advice());
}
