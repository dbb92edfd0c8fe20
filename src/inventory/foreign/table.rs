//! Keys of keepalived.conf(5), ldirectord(8), ipvsadm(8) and Ansible, and other names for our keys, each with
//! the types of the maps in which it is written, and the key that says the same here.

use super::Means::{Fixed, ForService, Instead, Leave, Put, Secret, There, Value};
use super::convert::{
    FLAG, FLAGS, HOST_PORT, HOST_TYPE, NETWORKS, NO_PREEMPT, ONE_PACKET, PROCESS, PROGRAM, SERVERS,
    SORRY, UDP_VIP, VIP, VIRTUAL,
};
use super::convert_health::{CHECK, CHECKER, KIND, RETRIES, TIMEOUT, URL};
use super::table_balancers::{HAPROXY_AND_NGINX, PACEMAKER_AND_CONTAINERS};
use super::{Means, Row, checktype, connection};

const DEFAULT: Means = Leave("lvsctl does not set it, and keepalived's default holds");
const GLOBAL: Means = Leave("lvsctl writes this part of keepalived.conf itself");
const NO_MAIL: Means =
    Leave("no mail is sent; a VRRP instance takes `notify`, which runs a program");
const FAILED: Means = Leave(
    "lvsctl does not support it: a real server that fails is taken out of the table; `weight: 0` drains one by hand",
);
pub(super) const FROM_THE_START: Means =
    Leave("lvsctl does not support it: a real server serves from the start, until a check fails");
pub(super) const UNBOUNDED: Means =
    Leave("lvsctl does not support it: the connections of a real server are not bounded");
pub(super) const BY_GET: Means = Leave(
    "lvsctl does not support it: a page is asked for by GET, with the Host header that `host` names",
);
const IN_IP: Means = Leave("lvsctl does not support it: tunnels are IP in IP");
const AS_ROOT: Means = Leave("lvsctl does not support it: programs run as root");
const SUDO: Means = Leave("commands run as root, through sudo where the user is not root");
const EXIT_STATUS: Means = Leave(
    "lvsctl does not support it: a program says that all is well (0) or not, and changes no weight",
);
const BY_CLIENT: Means =
    Leave("lvsctl does not support it: `persistence` goes by the client's address");
const OWN_CHECKER: Means = Leave(
    "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
);
const COMMENT: Means = Leave("use a comment: `# text`");
const TO_SERVICES: Means =
    There("VIPs stand in services: `services: { web: { vip: ‹vip›, port: 80 } }`");
const PROGRAM_SECONDS: Means = There(
    "it bounds a program: `health_check: { script: { path: /usr/local/bin/check, timeout: 5 } }`",
);
const OF_HOSTS: Means = Instead(
    &["hosts"],
    "hosts stand right below `hosts`, each with its role: `hosts: { lb1: { role: director, address: ‹host› } }`",
);
const FOR_ALL: Means = There(
    "what all hosts share stands in `defaults`: `defaults: { ssh: { user: admin, sudo: true } }`",
);
const SERVICE_MODE: Means = There("set it in the service: `mode: dr`");
const CHECKERS: &str = "TCP_CHECK HTTP_GET SSL_GET MISC_CHECK DNS_CHECK SMTP_CHECK UDP_CHECK PING_CHECK FILE_CHECK BFD_CHECK";

/// All of them.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    let balancers = [HAPROXY_AND_NGINX, PACEMAKER_AND_CONTAINERS];
    let all = [KEEPALIVED, LDIRECTORD, IPVSADM, ANSIBLE, OTHER];
    all.into_iter().chain(balancers).flatten()
}

#[rustfmt::skip]
const KEEPALIVED: &[Row] = &[
    // vrrp_instance
    ("use_vmac use_vmac_addr vmac_xmit_base use_ipvlan vmac_garp_intvl vrf", "Vrrp",
        Leave("lvsctl does not support it: the VIPs are on the interface itself")),
    ("unicast_peer unicast_peers", "Vrrp", Fixed("unicast: true")),
    ("unicast_src_ip mcast_src_ip", "Vrrp",
        Leave("adverts come from each member's own address; `unicast: true` sends them to the other members alone")),
    ("unicast_src_ip mcast_src_ip", "Member", Put(&["address"])),
    ("unicast_peer unicast_peers", "Member",
        There("set it in the instance: `vrrp: { virtual_router_id: 51, unicast: true }`")),
    ("unicast_fault_no_peer check_unicast_src old_unicast_checksum unicast_ttl native_ipv6 v3_checksum_as_v2 \
        skip_check_adv_addr strict_mode debug promote_secondaries linkbeat_use_polling linkbeat_interfaces \
        no_virtual_ipaddress lower_prio_no_advert higher_prio_send_advert owner_ignore_adverts kernel_rx_buf_size \
        down_timer_adverts timer_expired_backup thread_timer_expired track_src_ip interfaces \
        garp_master_delay garp_master_refresh garp_master_repeat garp_master_refresh_repeat garp_lower_prio_delay \
        garp_lower_prio_repeat garp_extra_if garp_group garp_interval gna_interval",
        "Vrrp", DEFAULT),
    ("version vrrp_version", "Vrrp", Leave("the VIPs decide: VRRP version 2 for IPv4, version 3 for IPv6")),
    ("accept no_accept", "Vrrp", Leave("lvsctl does not support it: the master always answers at its VIPs")),
    ("mcast_dst_ip", "Vrrp",
        Leave("lvsctl does not support it: adverts go to 224.0.0.18, or with `unicast: true` to the other members alone")),
    ("dont_track_primary", "Vrrp",
        Leave("lvsctl does not support it: a member whose interface is down gives the VIPs up")),
    ("preempt_delay", "Vrrp",
        Leave("lvsctl does not support it: a member of higher priority takes the VIPs back at once, and with `preempt: false` not at all")),
    ("notify_priority_changes", "Vrrp", Leave("lvsctl does not support it: `notify` runs when the state changes")),
    ("state initial_state", "Vrrp Member",
        Leave("the member with the highest `priority` is the master; a host takes `priority: 100`")),
    ("nopreempt no_preempt", "Vrrp Member", NO_PREEMPT),
    ("preempt", "Member", NO_PREEMPT),
    ("interval advert_interval advertisement_interval hello_interval advert adv_int advertisement hello", "Vrrp", Put(&["advert_int"])),
    ("priority", "Vrrp",
        There("set the priority of each member: `priority: 100` at the host, or `members: { lb1: { priority: 100 } }`")),
    ("virtual_ipaddress vip virtual_ip virtual_ips ip", "Vrrp", Put(&["vips"])),
    ("virtual_ipaddress_excluded", "Vrrp", There("name these in `vips` too")),
    ("virtual_routes virtual_rules track_file track_process track_bfd", "Vrrp",
        Leave("lvsctl does not support it: an instance holds VIPs alone, and `track_script` watches a program or a unit")),
    ("notify_backup notify_master notify_fault notify_stop notify_deleted notify_master_rx_lower_pri", "Vrrp", PROGRAM),
    ("smtp_alert", "Vrrp Service RealServer", NO_MAIL),
    ("lvs_sync_daemon_interface lvs_sync_daemon", "Vrrp", Fixed("sync_daemon: true")),
    ("authentication", "Vrrp", Fixed("auth_pass: { env: LVSCTL_AUTH_PASS }")),
    ("auth_type", "Vrrp", Leave("`auth_pass` is enough: the type is PASS")),
    ("auth_hmac key active_key time_window anti_replay mode", "Vrrp",
        Leave("lvsctl does not support it: VRRP knows the password of `auth_pass` alone here")),
    ("sync_group vrrp_sync_group", "Vrrp",
        Leave("VIPs of one instance move together: name them all in its `vips`; instances of NAT are a group by themselves")),
    ("check_script chk_script script", "Vrrp", Put(&["track_script", "up", "script"])),
    ("multicast", "Vrrp", There("adverts go by multicast, and with `unicast: true` to the other members alone")),
    ("sync ipvs_sync lvs_sync connection_sync sync_connections", "Vrrp", Fixed("sync_daemon: true")),
    ("vrrp_script", "Vrrp", Put(&["track_script"])),
    ("netmask prefix", "Vrrp", There("a VIP carries its prefix: `vips: ‹vip/24›`")),
    ("weight", "Member", Put(&["priority"])),
    ("weight", "Vrrp",
        There("each member has a `priority`: `members: { lb1: { priority: 100 } }`; weights are those of real servers and of a `track_script`")),
    ("notification_email notification_email_from smtp_server smtp_connect_timeout script_user enable_script_security \
        vrrp_strict lvs_timeouts vrrp_garp_interval vrrp_gna_interval vrrp_garp_master_delay vrrp_skip_check_adv_addr global_defs",
        "Vrrp Inventory", GLOBAL),
    // vrrp_script, vrrp_track_process
    ("timeout", "TrackScript",
        Leave("lvsctl does not support it: a program that takes longer than `interval` counts as failed")),
    ("init_fail", "TrackScript", Leave("lvsctl does not support it: the first run of what is watched decides")),
    ("user", "TrackScript LongHealthCheck ScriptCheck", AS_ROOT),
    ("process full_command service systemd", "TrackScript", PROCESS),
    ("check_interval every", "TrackScript", Put(&["interval"])),
    ("fail failures max_fails", "TrackScript", Put(&["fall"])),
    ("success successes", "TrackScript", Put(&["rise"])),
    ("command path cmd", "TrackScript", Put(&["script"])),
    ("param_match quorum quorum_max delay terminate_delay fork_delay", "TrackScript",
        Leave("lvsctl watches programs and units: `unit: nginx.service`")),
    // Blocks and global_defs
    ("vrrp_instance", "Inventory", Put(&["vrrp"])),
    ("virtual_server virtual_servers virtual_services vservers service", "Inventory", VIRTUAL),
    ("virtual_server_group", "Inventory",
        There("a service takes lists: `vip: [A, B]` and `port: [80, 443]`, with a `fwmark`")),
    ("global_defs static_ipaddress static_routes static_rules interface_up_down_delays vrrp_sync_group sync_group \
        track_group group global_tracking sync_group_tracking_weight SSL router_id smtp_helo_name lvs_flush \
        vrrp_garp_master_refresh vrrp_garp_master_repeat vrrp_garp_lower_prio_delay vrrp_mcast_group4 vrrp_mcast_group6 \
        vrrp_iptables vrrp_ipsets vrrp_priority vrrp_no_swap checker_priority enable_traps enable_snmp_vrrp \
        dynamic_interfaces process_names",
        "Inventory", GLOBAL),
    ("vrrp_script vrrp_track_process track_script", "Inventory",
        There("watch it in an instance: `vrrp: { track_script: { NAME: { script: PATH } } }`")),
    ("include", "Inventory", Leave("an inventory is one file")),
    // virtual_server, real_server
    ("ip_family ipv6 -6", "Service", Leave("the VIP determines it")),
    ("retry retries nb_get_retry attempts", "Service", Put(&["health_check", "retry"])),
    ("retry retries nb_get_retry attempts", "RealServer", ForService(&["health_check", "retry"])),
    ("delay_before_retry", "Service", Put(&["health_check", "delay_before_retry"])),
    ("delay_before_retry", "RealServer", ForService(&["health_check", "delay_before_retry"])),
    ("connect_timeout", "Service", Put(&["health_check", "connect_timeout"])),
    ("connect_timeout", "RealServer", ForService(&["health_check", "connect_timeout"])),
    ("connect_port", "Service", Put(&["health_check", "port"])),
    ("connect_port", "RealServer", ForService(&["health_check", "port"])),
    ("delay_loop", "RealServer", ForService(&["delay_loop"])),
    ("virtualhost fqdn", "Service", Put(&["health_check", "http", "host"])),
    ("virtualhost", "RealServer", ForService(&["health_check", "http", "host"])),
    ("url path uri check_url check_path health_url health_path healthcheck_url healthcheck_path", "Service", Put(&["health_check", "http", "path"])),
    ("url", "RealServer", ForService(&["health_check", "http", "path"])),
    ("status_code expected_status", "Service", Put(&["health_check", "http", "status"])),
    ("status_code", "RealServer", ForService(&["health_check", "http", "status"])),
    ("regex", "Service", Put(&["health_check", "http", "text"])),
    ("regex", "RealServer", ForService(&["health_check", "http", "text"])),
    ("misc_path", "Service", Put(&["health_check", "script", "path"])),
    ("misc_path", "RealServer", ForService(&["health_check", "script", "path"])),
    ("misc_timeout", "Service RealServer", PROGRAM_SECONDS),
    ("warmup snmp_name", "Service RealServer", DEFAULT),
    ("hashed", "Service", Leave("the kernel sets it itself")),
    ("inhibit_on_failure", "Service RealServer", FAILED),
    ("persistence_engine pe", "Service", BY_CLIENT),
    ("ha_suspend", "Service",
        Leave("lvsctl does not support it: a director checks real servers as long as it runs, as a backup too")),
    ("alpha", "Service RealServer LongHealthCheck", FROM_THE_START),
    ("omega quorum quorum_up quorum_down hysteresis", "Service",
        Leave("lvsctl does not support it: a service lasts as long as one real server does; then comes its `sorry_server`")),
    ("sorry_server_inhibit", "Service",
        Leave("lvsctl does not support it: a sorry server is in the table only while no real server is")),
    ("sorry_server_lvs_method", "Service",
        Leave("lvsctl does not support it: a sorry server is reached by the `mode` of the service")),
    ("lb_algo lvs_sched lb_method balance algorithm method sched scheduling policy lb_policy lb_algorithm", "Service", Put(&["scheduler"])),
    ("lb_algo lvs_sched", "Inventory", ForService(&["scheduler"])),
    ("lb_kind lvs_method", "Service", Put(&["mode"])),
    ("lb_kind lvs_method", "Inventory", ForService(&["mode"])),
    ("lb_kind lvs_method forward", "RealServer", SERVICE_MODE),
    ("ops -o", "Service", ONE_PACKET),
    ("persistence_timeout", "Service", Put(&["persistence"])),
    ("persistence_timeout", "Inventory", ForService(&["persistence"])),
    ("persistence_granularity", "Service", Put(&["persistence", "granularity"])),
    ("real_server", "Service", SERVERS),
    ("virtual_server virtual_ipaddress virtual_ip virtual_address address ip", "Service", VIP),
    ("sh-port sh-fallback mh-port mh-fallback flag-1 flag-2 flag-3", "Service", FLAG),
    ("uthreshold lthreshold max_conns", "Service RealServer", UNBOUNDED),
    ("notify_up notify_down", "Service RealServer",
        Leave("lvsctl does not support it: no program runs when a real server comes or goes")),
    // Checkers
    (CHECKERS, "Service RealServer LongHealthCheck", CHECKER),
    ("connect_port", "LongHealthCheck", Put(&["port"])),
    ("nb_get_retry retries attempts max_retries", "LongHealthCheck", Put(&["retry"])),
    ("nb_get_retry retries attempts", "HttpCheck TcpCheck", ForService(&["health_check", "retry"])),
    ("connect_port", "HttpCheck TcpCheck", ForService(&["health_check", "port"])),
    ("warmup log_all_failures fast_recovery tls_compliant enable_sni", "LongHealthCheck", DEFAULT),
    ("tls_compliant enable_sni fast_recovery", "HttpCheck", DEFAULT),
    ("connect_ip bindto bind_port bind_if", "Service RealServer LongHealthCheck HttpCheck",
        Leave("lvsctl does not support it: each real server is asked at its address, from the director's")),
    ("fwmark", "LongHealthCheck", Leave("lvsctl does not support it: a check's packets have no mark")),
    ("helo_name payload require_reply min_reply_length max_reply_length name", "LongHealthCheck",
        Leave("lvsctl does not support it: a check is a connection (`tcp`), an HTTP request (`http`, `https`) or a program (`script`)")),
    ("type kind protocol", "LongHealthCheck", KIND),
    ("smtp dns udp icmp ping mysql redis ldap ftp imap pop3 sip radius", "LongHealthCheck", CHECKER),
    ("http_protocol", "Service RealServer", ForService(&["health_check", "http", "version"])),
    ("http_protocol http_version", "LongHealthCheck", Put(&["http", "version"])),
    ("http_protocol http_version", "HttpCheck", Put(&["version"])),
    ("url", "LongHealthCheck HttpCheck", URL),
    ("uri request endpoint page", "LongHealthCheck", Put(&["http", "path"])),
    ("uri request endpoint page", "HttpCheck", Put(&["path"])),
    ("status_code code codes expected_status expected_codes success_codes", "LongHealthCheck", Put(&["http", "status"])),
    ("status_code code codes expected_status expected_codes success_codes", "HttpCheck", Put(&["status"])),
    ("virtualhost sni_name sni fqdn hostname vhost", "LongHealthCheck", Put(&["http", "host"])),
    ("virtualhost sni_name sni fqdn hostname vhost", "HttpCheck", Put(&["host"])),
    ("regex match receive body content contains response expected_text", "LongHealthCheck", Put(&["http", "text"])),
    ("regex match receive body content contains response expected_text", "HttpCheck", Put(&["text"])),
    ("send method header headers", "LongHealthCheck HttpCheck", BY_GET),
    ("ssl tls", "LongHealthCheck", There("`https: { path: / }` asks by TLS")),
    ("enabled", "LongHealthCheck", There("`health_check: false` switches it off; what is given is on")),
    ("failures threshold unhealthy_threshold checkcount failurecount", "LongHealthCheck", RETRIES),
    ("healthy_threshold successes", "LongHealthCheck", Put(&["rise"])),
    ("digest regex_no_match regex_options regex_min_offset regex_max_offset regex_stack", 
        "Service RealServer LongHealthCheck HttpCheck",
        Leave("lvsctl does not support it: `text` names words that the page must hold, as they are")),
    ("misc_path command checkcommand", "LongHealthCheck", Put(&["script", "path"])),
    ("misc_path command cmd program script file", "ScriptCheck", Put(&["path"])),
    ("misc_timeout", "LongHealthCheck", PROGRAM_SECONDS),
    ("misc_timeout", "ScriptCheck", Put(&["timeout"])),
    ("misc_dynamic", "LongHealthCheck ScriptCheck", EXIT_STATUS),
    ("args arguments", "ScriptCheck",
        Leave("a program gets the real server's address and port as arguments, and no others; a script of yours may add them")),
];

#[rustfmt::skip]
const LDIRECTORD: &[Row] = &[
    ("checktype", "Service", Value(checktype)),
    ("service", "Service", There("say how to ask: `health_check: http`")),
    ("checkport health_port healthcheck_port", "Service", Put(&["health_check", "port"])),
    ("request", "Service", Put(&["health_check", "http", "path"])),
    ("receive", "Service", Put(&["health_check", "http", "text"])),
    ("checkcommand check_script", "Service", Put(&["health_check", "script", "path"])),
    ("httpmethod login passwd database secret monitorfile", "Service",
        Leave("a health check is a connection, an HTTP GET or a program")),
    ("checkinterval", "Service", Put(&["delay_loop"])),
    ("checktimeout negotiatetimeout", "Service", Put(&["health_check", "connect_timeout"])),
    ("checkcount failurecount", "Service", RETRIES),
    ("quiescent readdquiescent cleanstop", "Service",
        Leave("a real server that fails leaves the table, and `lvsctl stop HOST` drains one")),
    ("fallback", "Service", Put(&["sorry_server"])),
    ("fallbackcommand", "Service", Leave("a `sorry_server` answers when no real server is left")),
    ("persistent -p", "Service", Put(&["persistence"])),
    ("netmask -M", "Service", Put(&["persistence", "granularity"])),
    ("netmask mask prefix prefix_length", "LongPersistence", Put(&["granularity"])),
    ("real", "Service", SERVERS),
    ("virtual", "Service", VIP),
    ("virtual", "Inventory", VIRTUAL),
    ("emailalert emailalertfrom emailalertfreq emailalertstatus smtp", "Service", NO_MAIL),
    ("autoreload callback execute fork supervised logfile maintenancedir", "Service Inventory", OWN_CHECKER),
    ("checktimeout negotiatetimeout checkinterval checkcount failurecount quiescent fallback fallbackcommand \
        emailalert emailalertfrom emailalertfreq emailalertstatus smtp readdquiescent cleanstop",
        "Inventory", There("set it in each service: `services: { web: { health_check: { connect_timeout: 3 } } }`")),
];

#[rustfmt::skip]
const IPVSADM: &[Row] = &[
    ("tcp-service -t", "Service", VIP),
    ("udp-service -u", "Service", UDP_VIP),
    ("fwmark-service -f mark firewall_mark fw_mark", "Service", Put(&["fwmark"])),
    ("-s", "Service", Put(&["scheduler"])),
    ("sched-flags -b", "Service", FLAGS),
    ("real-server -r", "Service", SERVERS),
    ("gatewaying -g gate", "Service", Fixed("mode: dr")),
    ("masquerading -m masq masquerade", "Service", Fixed("mode: nat")),
    ("ipip -i", "Service", Fixed("mode: tun")),
    ("gatewaying -g masquerading -m ipip -i gate masq masquerade", "RealServer", SERVICE_MODE),
    ("-w", "Service RealServer", Put(&["weight"])),
    ("u-threshold -x l-threshold -y", "Service RealServer", UNBOUNDED),
    ("tun-type tun-port tun-nocsum tun-csum tun-remcsum", "Service RealServer", IN_IP),
    ("sctp-service", "Service", Leave("lvsctl does not support it: a service is TCP or UDP")),
    ("start-daemon stop-daemon mcast-interface syncid", "Vrrp", Fixed("sync_daemon: true")),
    ("-A -E -a -e add-service edit-service add-server edit-server", "Service",
        Leave("it is a command: a service is there for as long as the inventory has it, with its `real_servers`")),
    ("-A -E -a -e -t -u -f add-service edit-service add-server edit-server tcp-service udp-service", "Inventory",
        There("ipvsadm runs on the directors alone; here each service has a name: `services: { web: { vip: ‹vip›, port: 80 } }`")),
];

#[rustfmt::skip]
const ANSIBLE: &[Row] = &[
    ("ansible_user ansible_ssh_user remote_user user username login ssh_user", "Host Defaults", Put(&["ssh", "user"])),
    ("ansible_port ansible_ssh_port ssh_port", "Host Defaults", Put(&["ssh", "port"])),
    ("ansible_ssh_private_key_file ansible_private_key_file private_key_file identity_file ssh_key ssh_key_file key_file \
        ssh_keys private_key keyfile", "Host Defaults", Put(&["ssh", "identity_files"])),
    ("ansible_password ansible_ssh_pass ansible_ssh_password ansible_pass password ssh_password", "Host Defaults", Secret(&["ssh", "password"])),
    ("ansible_become become", "Host Defaults", Put(&["ssh", "sudo"])),
    ("ansible_become_password ansible_become_pass ansible_sudo_pass sudo_pass become_password", "Host Defaults", Secret(&["ssh", "sudo_password"])),
    ("ansible_become_method ansible_become_user ansible_become_exe ansible_become_flags become_user become_method become_flags",
        "Host Defaults SshOptions", SUDO),
    ("ansible_timeout ansible_ssh_timeout timeout", "Host Defaults", Put(&["ssh", "connect_timeout"])),
    ("ansible_host_key_checking ansible_ssh_host_key_checking strict_host_key_checking", "Host Defaults",
        Put(&["ssh", "host_key_checking"])),
    ("ansible_connection", "Host Defaults", Value(connection)),
    ("ansible_ssh_common_args ansible_sftp_extra_args ansible_scp_extra_args ansible_ssh_extra_args \
        ansible_ssh_args ansible_ssh_executable ansible_ssh_pipelining ansible_pipelining ansible_ssh_retries \
        ansible_ssh_transfer_method ansible_control_path server_alive_interval forward_agent control_master control_path \
        ssh_args common_args extra_args",
        "Host Defaults SshOptions",
        There("`~/.ssh/config` is read, `ssh` has the options that go before it, such as `jump` for jump hosts")),
    ("ansible_shell_type ansible_shell_executable ansible_python_interpreter ansible_perl_interpreter \
        ansible_ruby_interpreter ansible_remote_tmp",
        "Host Defaults", Leave("lvsctl runs only shell scripts on a host")),
    ("ansible_host ansible_ssh_host ansible_hostname inventory_hostname hostname ip fqdn rip dip \
        ipaddress ip_address ipv4 ipv4_address ip4 addr private_ip primary_ip", "Host", Means::Address),
    ("ansible_host ansible_ssh_host hostname ip", "Defaults", Leave("set `address` for each host")),
    ("remote_user ansible_user ansible_ssh_user username login", "SshOptions", Put(&["user"])),
    ("key keys private_key private_key_file identity_file key_file ssh_key", "SshOptions", Put(&["identity_files"])),
    ("strict_host_key_checking", "SshOptions", Put(&["host_key_checking"])),
    ("known_hosts_file user_known_hosts_file", "SshOptions", Put(&["known_hosts"])),
    ("timeout login_timeout connection_timeout", "SshOptions", Put(&["connect_timeout"])),
    ("become", "SshOptions", Put(&["sudo"])),
    ("hostname ansible_host address fqdn", "SshOptions", Put(&["host"])),
    ("ansible_password ansible_ssh_pass pass passwd", "SshOptions", Secret(&["password"])),
    ("become_password become_pass sudo_pass", "SshOptions", Secret(&["sudo_password"])),
    ("proxy_jump jump_host jump_hosts jumphost bastion gateway", "SshOptions", Put(&["jump"])),
    ("proxy_jump jump jump_host jumphost bastion", "Host Defaults", Put(&["ssh", "jump"])),
    ("proxy_command", "Host Defaults", Put(&["ssh", "proxy_command"])),
    ("all", "Inventory",
        Instead(&["cluster", "hosts"], "`cluster: web` names the cluster, and hosts stand right below `hosts`, by name: \
            `hosts: { lb1: { role: director, address: ‹host› } }`")),
    ("directors realservers real_hosts servers machines \
        load_balancers lbs", "Inventory", OF_HOSTS),
    ("hosts children groups group", "Host", Instead(&["role"], "one host stands below each name; its roles are `role: [realserver, web]`")),
    ("children groups roles role", "Inventory", There("a host names its roles itself: `role: [realserver, web]`")),
    ("ansible_user ansible_port ansible_become ansible_ssh_private_key_file remote_user become become_user become_method ansible_password \
        ansible_ssh_pass ansible_become_user ansible_host_key_checking user sudo",
        "Inventory", FOR_ALL),
    ("tasks plays handlers playbook collections ungrouped gather_facts", "Inventory",
        Leave("it belongs to Ansible; an inventory has `hosts` and `services`")),
    ("group_vars host_vars", "Inventory", There("what all hosts share stands in `defaults`")),
];

/// Words that name our keys in other ways.
#[rustfmt::skip]
const OTHER: &[Row] = &[
    ("name cluster_name", "Inventory", Put(&["cluster"])),
    ("network net nets subnet subnets cidr lan", "Inventory", NETWORKS),
    ("netmask prefix", "Inventory", There("`networks: { lan: 192.168.100.0/24 }` names subnets")),
    ("vrid", "Inventory", Put(&["vrrp", "virtual_router_id"])),
    ("vip vips virtual_ip virtual_ips virtual_ipaddress", "Inventory", There("it stands in a service: `services: { web: { vip: ‹vip›, port: 80 } }`")),
    ("port", "Inventory", There("a service has it: `services: { web: { vip: ‹vip›, port: 80 } }`")),
    ("vip vips virtual_ip virtual_ips loopback lo", "Host Defaults", TO_SERVICES),
    ("port services real_servers", "Vrrp", TO_SERVICES),
    ("roles", "Host", Put(&["role"])),
    ("type kind function", "Host", HOST_TYPE),
    ("prio keepalived_priority vrrp_priority", "Host Member", Put(&["priority"])),
    ("keepalived_state vrrp_state", "Host",
        Leave("the member with the highest `priority` is the master; a host takes `priority: 100`")),
    ("lvs_weight wt", "Host RealServer", Put(&["weight"])),
    ("role roles", "Defaults", Leave("set `role` for each host")),
    ("port", "Host", HOST_PORT),
    ("port", "Defaults", Put(&["ssh", "port"])),
    ("gw default_gateway default_router default_gw default_route gateway_ip", "Host Defaults", Put(&["gateway"])),
    ("nic dev device ifname iface network_interface vrrp_interface", "Host Vrrp Defaults", Put(&["interface"])),
    ("check", "Host", CHECK),
    ("os distribution ansible_distribution ansible_facts ansible_network_os gather_facts", "Host Defaults",
        Leave("lvsctl asks the host itself")),
    ("sysctl sysctls ip_forward arp_ignore arp_announce rp_filter", "Host Defaults Inventory",
        Leave("lvsctl sets the kernel's parameters itself, as the modes of the services need them")),
    ("dns nameserver nameservers routes mtu timezone packages", "Host Defaults",
        Leave("lvsctl does not support it; a role of your own may set it up")),
    ("name", "Host Service", Leave("the name is the key before the map, as in `lb1: { role: director }`")),
    ("name host hostname server", "RealServer", Leave("the name of the host is the key before the map")),
    ("mac lladdr", "Host",
        There("an interface has it: `interfaces: { eth0: { address: ‹host›, mac: 52:54:00:12:34:56 } }`")),
    ("netmask prefix cidr", "LongNic", Instead(&["address"], "the address carries its prefix: `address: ‹host/24›`")),
    ("netmask prefix cidr subnet network", "Defaults",
        There("the networks stand beside `hosts`: `networks: { lan: 192.168.100.0/24 }`")),
    ("netmask prefix cidr subnet network", "Host", Instead(&["address"], "the address carries its prefix: `address: ‹host/24›`")),
    ("ip addr addresses ip_address", "LongNic", Put(&["address"])),
    ("vrid router_id id vrrp_id vr_id virtual_id vrouter_id vrrp_router_id virtual_router \
        keepalived_router_id keepalived_virtual_router_id keepalived_vrid vrrp_vrid vhid group vrrp_group", "Vrrp", Put(&["virtual_router_id"])),
    ("password pass auth_password authpass secret auth passphrase", "Vrrp", Secret(&["auth_pass"])),
    ("auth_pass_file", "Vrrp", There("`auth_pass: { file: PATH }` reads it from a file")),
    ("hosts directors peers nodes servers", "Vrrp", Put(&["members"])),
    ("vips bind vip_address service_ip floating_ip virtual_ips frontend_ip", "Service", VIP),
    ("kind forward forwarding forwarding_mode forwarding_method lb_mode", "Service", Put(&["mode"])),
    ("proto transport", "Service", Put(&["protocol"])),
    ("sticky persist session_persistence persistence_time affinity", "Service", Put(&["persistence"])),
    ("server servers realserver hosts", "Service", SERVERS),
    ("healthcheck checks check_type", "Service", Put(&["health_check"])),
    ("check_interval interval", "Service", Put(&["delay_loop"])),
    ("sorry backup_server fallback_ip failover failover_server", "Service", Put(&["sorry_server"])),
    ("interface nic", "Service", Leave("the interface in the network of the VIP holds it")),
    ("tcp udp", "Service", There("`protocol: udp` says the protocol, and `health_check: tcp` how real servers are asked")),
    ("role priority", "Service", There("hosts have it, below `hosts`")),
    ("description comment note notes", "Service Host Inventory", COMMENT),
    ("tags", "Service Host", COMMENT),
    ("timeout", "Service",
        There("`health_check: { connect_timeout: 3 }` bounds a health check, `persistence: 300` keeps a client on its real server")),
    ("seconds time duration ttl", "LongPersistence", Put(&["timeout"])),
    ("url uri", "EndToEnd", Put(&["path"])),
    ("code codes status_code expected_status", "EndToEnd", Put(&["status"])),
    ("id rule finding", "Waiver", Put(&["check"])),
    ("why comment description", "Waiver", Put(&["reason"])),
    ("expires expiry", "Waiver", Put(&["until"])),
    ("ip host addr server name", "LongSorryServer", SORRY),
    ("address ip", "RealServer", There("a real server has its address below `hosts`")),
    ("real_port target_port backend_port server_port dest_port rport", "RealServer", Put(&["port"])),
    ("interval check_interval period frequency every", "LongHealthCheck HttpCheck TcpCheck ScriptCheck", ForService(&["delay_loop"])),
    ("timeout timeout_seconds check_timeout", "LongHealthCheck", TIMEOUT),
    ("timeout", "HttpCheck TcpCheck", ForService(&["health_check", "connect_timeout"])),
];
