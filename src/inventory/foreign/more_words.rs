//! The rest of the table of [`super::words`]: HAProxy's words for servers, keepalived's for all of it, words that stand a
//! level too high, and those of Ansible and of ipvsadm's command line.

use super::build::{EACH_CHECK, INTERVAL, OF_PAGE, OF_SERVICES, RETRIES, VIP};
use super::words::NO_HTTP;
use super::{Means, Of, Row};

const GLOBAL: Means = Means::Leave("lvsctl writes this part of keepalived.conf itself");
const UNBOUNDED: Means =
    Means::Leave("lvsctl does not support it: the connections of a real server are not bounded");
const AT_ONCE: Means =
    Means::Leave("lvsctl does not support it: a real server gets its share at once");
const ONE_INTERVAL: Means = Means::Leave(
    "lvsctl does not support it: `delay_loop` of the service holds for all real servers, up or down",
);
const AS_IT_IS: Means =
    Means::Leave("LVS forwards packets as they are: a real server sees the client's address");
const PROGRAM_SECONDS: Means = Means::There(
    "it bounds a program: `health_check: { script: { path: /usr/local/bin/check, timeout: 5 } }`",
);
const ROOT: Means = Means::Leave("commands run as root, through sudo where the user is not root");
const FOR_ALL: Means = Means::There(
    "what all hosts share stands in `defaults`: `defaults: { ssh: { user: admin, sudo: true } }`",
);
const COMMAND: Means = Means::There(
    "ipvsadm runs on the directors alone; here each service has a name: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
);
#[rustfmt::skip]
pub(super) const KEYS: &[Row] = &[
    ("slowstart slow_start", Of::Haproxy, "Service", AT_ONCE),
    ("slowstart", Of::Haproxy, "RealServer", AT_ONCE),
    ("addr", Of::Haproxy, "Service", VIP),
    ("addr", Of::Haproxy, "RealServer", Means::There("a real server has its address below `hosts`")),
    ("inter", Of::Haproxy, "RealServer", INTERVAL),
    ("fall", Of::Haproxy, "RealServer", RETRIES),
    ("rise", Of::Haproxy, "RealServer", EACH_CHECK),
    ("fastinter downinter", Of::Haproxy, "Service", ONE_INTERVAL),
    ("fastinter downinter", Of::Haproxy, "RealServer", ONE_INTERVAL),
    ("maxconn minconn maxqueue", Of::Haproxy, "RealServer", UNBOUNDED),
    ("minconn maxqueue fullconn", Of::Haproxy, "Service", UNBOUNDED),
    ("cookie", Of::Haproxy, "RealServer", NO_HTTP),
    ("default-server", Of::Haproxy, "RealServer", Means::Leave("the service says what holds for all its real servers")),
    ("default-server", Of::Haproxy, "Service",
        Means::There("the service says what holds for all its real servers: `weight: 1`, `health_check: tcp`")),
    ("http-check", Of::Haproxy, "Service",
        Means::There("`health_check: http` or `health_check: tcp` says how real servers are asked")),
    ("hash-type hash-key hash-balance-factor", Of::Haproxy, "Service",
        Means::Leave("`scheduler: mh` hashes the client's address consistently, `sh` by a plain table")),
    ("send-proxy send-proxy-v2 accept-proxy source", Of::Haproxy, "Service", AS_IT_IS),
    ("send-proxy send-proxy-v2 source", Of::Haproxy, "RealServer", AS_IT_IS),
    ("router_id notification_email notification_email_from smtp_server smtp_connect_timeout smtp_helo_name script_user \
        enable_script_security vrrp_strict lvs_timeouts lvs_flush vrrp_garp_interval vrrp_gna_interval \
        vrrp_garp_master_delay vrrp_garp_master_refresh vrrp_garp_master_repeat vrrp_garp_lower_prio_delay \
        vrrp_mcast_group4 vrrp_mcast_group6 vrrp_skip_check_adv_addr vrrp_iptables vrrp_ipsets vrrp_priority \
        vrrp_no_swap checker_priority enable_traps enable_snmp_vrrp dynamic_interfaces process_names",
        Of::Keepalived, "Inventory", GLOBAL),
    ("notification_email notification_email_from smtp_server smtp_connect_timeout script_user enable_script_security \
        vrrp_strict lvs_timeouts vrrp_garp_interval vrrp_gna_interval vrrp_garp_master_delay vrrp_skip_check_adv_addr \
        global_defs",
        Of::Keepalived, "Vrrp", GLOBAL),
    ("url status_code regex misc_path", Of::Keepalived, "Service", OF_PAGE),
    ("connect_port", Of::Keepalived, "Service", Means::Below(&["health_check", "port"])),
    ("misc_timeout", Of::Keepalived, "Service", PROGRAM_SECONDS),
    ("uthreshold lthreshold max_conns", Of::Keepalived, "Service", UNBOUNDED),
    ("url status_code regex misc_path", Of::Keepalived, "RealServer", OF_PAGE),
    ("connect_port nb_get_retry", Of::Keepalived, "RealServer", EACH_CHECK),
    ("misc_timeout", Of::Keepalived, "RealServer", PROGRAM_SECONDS),
    ("unicast_src_ip mcast_src_ip", Of::Keepalived, "Member", Means::Key("address")),
    ("unicast_peer unicast_peers", Of::Keepalived, "Member",
        Means::There("the instance says it for all members: `vrrp: { virtual_router_id: 51, unicast: true }`")),
    ("vrid", Of::Lvsctl, "Inventory", Means::Below(&["vrrp", "virtual_router_id"])),
    ("lb_algo lvs_sched lb_kind lvs_method persistence_timeout", Of::Keepalived, "Inventory", OF_SERVICES),
    ("default_gateway gw default_router", Of::Ansible, "Host", Means::Key("gateway")),
    ("fqdn rip dip", Of::Ansible, "Host", Means::Address),
    ("strict_host_key_checking", Of::Ansible, "Host", Means::Below(&["ssh", "host_key_checking"])),
    ("strict_host_key_checking", Of::Ansible, "Defaults", Means::Below(&["ssh", "host_key_checking"])),
    ("remote_user ansible_user ansible_ssh_user", Of::Ansible, "SshOptions", Means::Key("user")),
    ("become_user become_method become_flags", Of::Ansible, "SshOptions", ROOT),
    ("become_user become_method become_flags", Of::Ansible, "Host", ROOT),
    ("become_user become_method become_flags", Of::Ansible, "Defaults", ROOT),
    ("remote_user become become_user become_method ansible_password ansible_ssh_pass ansible_become_user ansible_host_key_checking",
        Of::Ansible, "Inventory", FOR_ALL),
    ("-A -E -a -e add-service edit-service add-server edit-server", Of::Ipvsadm, "Service",
        Means::Leave("it is a command: a service is there for as long as the inventory has it, with its `real_servers`")),
    ("-A -E -a -e -t -u -f add-service edit-service add-server edit-server tcp-service udp-service", Of::Ipvsadm, "Inventory", COMMAND),
];
