//! What is said of words of other programs, and that no hint leads to the next error: each one that proposes something
//! is followed, and what was wrong there is right.

use std::fs;
use std::path::Path;

use lvsctl::inventory::Problem;
use lvsctl::inventory::foreign::{Means, SCHEDULERS, keys};

use crate::support::follow::{followed, next_error, problems, repaired, with};

/// A value that the key takes.
fn example(key: &str) -> &'static str {
    match key {
        "vip" | "vips" => "192.168.100.200",
        "port" | "real_port" | "checkport" => "80",
        "scheduler" => "rr",
        "mode" => "DR",
        "persistence" => "300",
        "granularity" => "255.255.255.0",
        "sorry_server" => "192.168.100.13:80",
        "fwmark" => "1",
        "scheduler_flags" => "[sh-port]",
        "real_servers" => "[rs1, rs2]",
        "members" => "[lb1, lb2]",
        "vrrp" => "{ virtual_router_id: 51 }",
        "services" => "{ web: { vip: 192.168.100.200, port: 80 } }",
        "hosts" => {
            "{ lb1: { role: director, address: 192.168.100.14 }, lb2: { role: backup, address: 192.168.100.15 }, \
             rs1: { role: realserver, address: 192.168.100.12 }, rs2: { role: realserver, address: 192.168.100.13 } }"
        }
        "cluster" => "web",
        "status" => "200",
        "version" => "1.1",
        "path" => "/",
        "host" | "text" => "example.org",
        "interface" => "eth0",
        "user" => "admin",
        "identity_files" => "/root/.ssh/id",
        "sudo" => "yes",
        "check" => "lro",
        "until" => "2027-01-31",
        "protocol" => "TCP",
        "track_script" => "{ up: { script: /usr/local/bin/up } }",
        "host_key_checking" => "accept-new",
        "gateway" => "192.168.100.1",
        "networks" => "{ lan: 192.168.100.0/24 }",
        "connection" => "ssh",
        "persist" => "true",
        "lab" => "{ suite: bookworm }",
        "health_check" => "tcp",
        "role" => "director",
        "address" => "192.168.100.12",
        "script" => "/usr/local/bin/up",
        "auth_pass" | "password" => "hunter2",
        _ => "5",
    }
}

/// A value of a word whose hint depends on it.
fn built(word: &str) -> &'static str {
    match word {
        "url" | "uri" | "path" | "request" => "/",
        "state" | "status" => "maintenance",
        "enabled" | "active" => "false",
        "type" | "kind" => "http",
        "bind" | "tcp-service" | "-t" | "udp-service" | "-u" => "192.168.100.200:80",
        "targetPort" | "target_port" | "backend_port" => "8080",
        "ports" | "listen" => "80",
        "virtualhost" | "sni" | "fqdn" | "hostname" | "vhost" | "sni_name" => "example.org",
        "process" | "full_command" | "service" | "systemd" => "nginx",
        "option" => "httpchk",
        "http_protocol" | "http_version" => "1.1",
        "status_code" | "code" | "codes" | "expected_status" | "expect" | "expected" => "200",
        "misc_path" | "command" | "checkcommand" => "/usr/local/bin/check",
        "network" | "net" | "nets" | "subnet" | "subnets" | "cidr" | "lan" => "192.168.100.0/24",
        "check" => "tcp",
        "regex" => "up",
        "lb_algo" | "lvs_sched" => "wrr",
        "lb_kind" | "lvs_method" => "DR",
        "ops" | "-o" => "true",
        "sessionAffinity" | "session_affinity" => "ClientIP",
        _ if word.starts_with("notify_") => "/usr/local/bin/notify",
        _ if ["vip", "vips", "virtual", "ip", "address"].contains(&word) => "192.168.100.200",
        _ => "5",
    }
}

/// What is wrong with what is said of one row of the table.
fn row(word: &str, within: &str, means: &Means) -> Result<(), String> {
    let (value, mut left_out, names): (&str, Vec<&str>, Option<&str>) = match means {
        // The first director's own.
        Means::Put([key @ "address"]) if within == "Member" => {
            ("192.168.100.14", vec![key], Some(key))
        }
        Means::Fixed(text) => {
            let key = text.split(':').next().unwrap_or_default();
            ("5", vec![key], Some(key))
        }
        Means::Put(path) => (
            path.last().map_or("5", |key| example(key)),
            vec![path[0]],
            Some(path[0]),
        ),
        Means::ForService(path) => (path.last().map_or("5", |key| example(key)), vec![], None),
        Means::Convert(_) => (built(word), vec![], None),
        Means::Secret(path) => ("hunter2", vec![path[0]], Some(path[0])),
        Means::Address => ("192.168.100.14", vec!["address"], Some("address")),
        Means::Value(convert) => {
            let value = if word == "checktype" {
                "negotiate"
            } else {
                "smart"
            };
            let key = convert(value).split(':').next();
            (value, key.into_iter().collect(), key)
        }
        Means::There(_) | Means::Instead(..) | Means::Leave(_) => ("5", vec![], None),
    };
    if within == "LongHealthCheck"
        && left_out
            .iter()
            .any(|k| ["tcp", "https", "script"].contains(k))
    {
        left_out.push("http");
    }
    let mut entry = format!("\"{word}\": {value}");
    if left_out == ["one_packet"] {
        entry += "\n    protocol: udp";
        left_out.push("health_check");
    }
    if left_out == ["scheduler_flags"] {
        entry += "\n    scheduler: sh";
        left_out.push("scheduler");
    }
    let (text, line) = with(within, &entry, &left_out);
    let found = problems(&text);
    let [problem] = found.as_slice() else {
        let all: Vec<String> = found.iter().map(ToString::to_string).collect();
        return Err(format!("{within} {word}: not one message, but {all:#?}"));
    };
    let said = format!(
        "{} {}",
        problem.label().unwrap_or_default(),
        problem.fix().unwrap_or_default()
    );
    if problem.position().map(|(line, _)| line) != Some(line) || !problem.message().contains(word) {
        return Err(format!("{within} {word}: elsewhere: {problem}"));
    }
    if names.is_some_and(|key| !said.contains(&format!("`{key}"))) {
        return Err(format!("{within} {word}: no `{names:?}` in {said:?}"));
    }
    if said.contains("known keys here") {
        return Err(format!("{within} {word}: not explained: {said}"));
    }
    if matches!(
        means,
        Means::Put(_) | Means::Fixed(_) | Means::Value(_) | Means::Address
    ) && followed(&text, problem).is_none()
    {
        return Err(format!("{within} {word}: proposes nothing: {said}"));
    }
    next_error(&text, problem).map_or(Ok(()), Err)
}

/// Every word of the table is explained where it is written, by one message, and its hint is right.
#[test]
fn a_word_of_another_program_is_answered_by_the_key_that_says_it_here() {
    let wrong: Vec<String> = keys()
        .filter_map(|(word, within, means)| row(word, within, &means).err())
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        keys().count(),
        wrong.join("\n")
    );
}

/// keepalived's parser: the words that it installs below vrrp_instance (vrrp/vrrp_parser.c), virtual_server, real_server
/// (check/check_parser.c) and the checkers (check/check_*.c), of 2.3.
const KEEPALIVED: &[(&str, &str)] = &[
    (
        "Vrrp",
        "use_vmac use_vmac_addr vmac_xmit_base use_ipvlan unicast_peer unicast_fault_no_peer check_unicast_src \
        old_unicast_checksum native_ipv6 state interface vrf dont_track_primary track_interface track_script track_file \
        track_process track_bfd mcast_src_ip unicast_src_ip mcast_dst_ip track_src_ip virtual_router_id unicast_ttl version \
        priority advert_int virtual_ipaddress virtual_ipaddress_excluded no_virtual_ipaddress promote_secondaries \
        linkbeat_use_polling v3_checksum_as_v2 virtual_routes virtual_rules accept no_accept skip_check_adv_addr strict_mode \
        preempt nopreempt preempt_delay debug notify_backup notify_master notify_fault notify_stop notify_deleted notify \
        notify_master_rx_lower_pri smtp_alert notify_priority_changes lvs_sync_daemon_interface garp_master_delay \
        garp_master_refresh garp_master_repeat garp_master_refresh_repeat garp_lower_prio_delay garp_lower_prio_repeat \
        down_timer_adverts garp_extra_if vmac_garp_intvl lower_prio_no_advert higher_prio_send_advert owner_ignore_adverts \
        kernel_rx_buf_size authentication auth_type auth_pass",
    ),
    (
        "TrackScript",
        "script interval timeout weight rise fall user init_fail",
    ),
    (
        "Service",
        "ip_family retry delay_before_retry warmup connect_timeout delay_loop inhibit_on_failure lb_algo lvs_sched \
        hashed ops flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback lb_kind lvs_method persistence_engine \
        persistence_timeout persistence_granularity protocol ha_suspend smtp_alert virtualhost snmp_name alpha omega \
        quorum_up quorum_down quorum hysteresis weight sorry_server sorry_server_inhibit sorry_server_lvs_method real_server",
    ),
    (
        "RealServer",
        "weight lvs_method uthreshold lthreshold inhibit_on_failure notify_up notify_down alpha retry \
        delay_before_retry warmup connect_timeout delay_loop smtp_alert virtualhost snmp_name TCP_CHECK HTTP_GET SSL_GET \
        MISC_CHECK DNS_CHECK SMTP_CHECK UDP_CHECK PING_CHECK FILE_CHECK BFD_CHECK",
    ),
    (
        "LongHealthCheck",
        "TCP_CHECK HTTP_GET SSL_GET MISC_CHECK DNS_CHECK SMTP_CHECK UDP_CHECK PING_CHECK FILE_CHECK \
        BFD_CHECK connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry delay_before_retry warmup \
        delay_loop alpha log_all_failures nb_get_retry misc_path misc_timeout misc_dynamic user type name helo_name payload \
        require_reply min_reply_length max_reply_length url",
    ),
    (
        "HttpCheck",
        "url path digest status_code virtualhost regex regex_no_match regex_options regex_min_offset \
        regex_max_offset regex_stack tls_compliant enable_sni sni_name http_protocol fast_recovery",
    ),
    ("ScriptCheck", "misc_path misc_timeout misc_dynamic user"),
    (
        "Inventory",
        "global_defs vrrp_instance vrrp_sync_group vrrp_script virtual_server virtual_server_group SSL \
        static_ipaddress static_routes static_rules track_group",
    ),
];

/// ldirectord(8), the global and the per-virtual directives.
const LDIRECTORD: &[(&str, &str)] = &[
    (
        "Inventory",
        "checktimeout negotiatetimeout checkinterval checkcount failurecount autoreload callback fallback \
        fallbackcommand logfile emailalert emailalertfrom emailalertfreq emailalertstatus smtp execute supervised fork \
        quiescent readdquiescent cleanstop maintenancedir virtual",
    ),
    (
        "Service",
        "checktype service checkcommand checkport request receive httpmethod virtualhost login passwd database \
        secret scheduler persistent netmask protocol monitorfile real checktimeout negotiatetimeout checkinterval checkcount \
        failurecount fallback fallbackcommand quiescent readdquiescent cleanstop emailalert emailalertfrom \
        emailalertfreq emailalertstatus smtp",
    ),
];

/// ipvsadm(8): the options of a virtual service, of a real server, and of the daemons.
const IPVSADM: &[(&str, &str)] = &[
    (
        "Service",
        "tcp-service udp-service sctp-service fwmark-service ipv6 scheduler persistent netmask pe sched-flags ops \
        real-server gatewaying ipip masquerading weight u-threshold l-threshold tun-type tun-port tun-nocsum tun-csum \
        tun-remcsum -t -u -f -s -p -M -b -o -r -g -i -m -w -x -y",
    ),
    (
        "RealServer",
        "weight gatewaying ipip masquerading u-threshold l-threshold tun-type tun-port tun-nocsum tun-csum \
        tun-remcsum -g -i -m -w -x -y",
    ),
    ("Vrrp", "start-daemon stop-daemon mcast-interface syncid"),
];

/// Ansible's connection variables (Special Variables; the ssh connection plugin; become).
const ANSIBLE: &[(&str, &str)] = &[(
    "Host",
    "ansible_host ansible_port ansible_user ansible_password ansible_connection ansible_ssh_private_key_file \
        ansible_private_key_file ansible_ssh_common_args ansible_sftp_extra_args ansible_scp_extra_args \
        ansible_ssh_extra_args ansible_ssh_args ansible_ssh_pipelining ansible_pipelining ansible_ssh_executable \
        ansible_ssh_retries ansible_ssh_timeout ansible_timeout ansible_ssh_transfer_method ansible_control_path \
        ansible_host_key_checking ansible_ssh_host_key_checking ansible_become ansible_become_method ansible_become_user \
        ansible_become_password ansible_become_pass ansible_become_exe ansible_become_flags ansible_shell_type \
        ansible_shell_executable ansible_python_interpreter ansible_ssh_host ansible_ssh_port ansible_ssh_user \
        ansible_ssh_pass ansible_ssh_password ansible_remote_tmp",
)];

/// Our own keys of these maps.
fn is_ours(within: &str, word: &str) -> bool {
    let (text, line) = with(within, &format!("\"{word}\": 5"), &[word]);
    let unknown = |p: &Problem| {
        p.message().starts_with("unknown key") && p.position().is_some_and(|(at, _)| at == line)
    };
    !problems(&text).iter().any(unknown)
}

/// Our keys that stand in another map.
fn is_elsewhere(within: &str, word: &str) -> bool {
    let (text, _) = with(within, &format!("\"{word}\": 5"), &[word]);
    let found = problems(&text);
    found.iter().any(|p| {
        p.label()
            .is_some_and(|label| label.starts_with("it belongs"))
    })
}

#[test]
fn every_word_of_keepalived_ldirectord_ipvsadm_and_ansible_is_known() {
    let mut missing = Vec::new();
    for (source, list) in [
        ("keepalived", KEEPALIVED),
        ("ldirectord", LDIRECTORD),
        ("ipvsadm", IPVSADM),
        ("ansible", ANSIBLE),
    ] {
        for (within, words) in list {
            for word in words.split_whitespace() {
                let listed = keys().any(|(w, t, _)| w == word && t == *within);
                if !listed && !is_ours(within, word) && !is_elsewhere(within, word) {
                    missing.push(format!("{source}, {within}: {word}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// HAProxy's `balance` (configuration manual 4.2), and the methods of nginx' upstream modules.
#[test]
fn algorithms_of_other_balancers_are_answered_by_a_scheduler() {
    let haproxy = "roundrobin static-rr leastconn first hash source uri url_param hdr(Host) random rdp-cookie log-hash sticky";
    let words = haproxy
        .split_whitespace()
        .chain(["least_conn", "ip_hash", "least_time"]);
    let own = SCHEDULERS.iter().map(|(word, _)| *word);
    for word in words.chain(own) {
        for (key, text) in [
            (
                "scheduler",
                with("Service", &format!("scheduler: {word}"), &["scheduler"]).0,
            ),
            (
                "lb_algo",
                with("Service", &format!("lb_algo: {word}"), &["scheduler"]).0,
            ),
        ] {
            let found = problems(&text);
            let [problem] = found.as_slice() else {
                panic!("{key}: {word}: {found:?}");
            };
            let help = problem.fix().unwrap_or_default();
            assert!(help.contains("write `"), "{key}: {word}: {help}");
            assert_eq!(next_error(&text, problem), None, "{key}: {word}");
        }
    }
    assert!(SCHEDULERS.iter().any(|(word, _)| *word == "leastconn"));
}

/// Values that are nearly right: each hint is followed.
#[test]
fn no_hint_about_a_value_leads_to_the_next_error() {
    for (within, line, left_out) in [
        ("Vrrp", "advert_int: 500ms", "advert_int"),
        ("Vrrp", "advert_int: 1s", "advert_int"),
        ("Vrrp", "advert_int: 1h", "advert_int"),
        ("Vrrp", "advert_int: '1'", "advert_int"),
        ("Vrrp", "preempt: no", "preempt"),
        ("Vrrp", "members: [192.168.100.14, lb2]", "members"),
        ("Service", "sorry_server: web3", "sorry_server"),
        ("Service", "sorry_server: web3:80", "sorry_server"),
        ("Service", "sorry_server: rs2", "sorry_server"),
        ("Service", "sorry_server: rs2:80", "sorry_server"),
        ("Service", "vip: 192.168.100.200:80", "vip"),
        ("Service", "port: ftp", "port"),
        (
            "Service",
            "sorry_server: 192.168.100.013:80",
            "sorry_server",
        ),
        (
            "Service",
            "sorry_server: '[192.168.100.13]'",
            "sorry_server",
        ),
        ("Service", "delay_loop: 2d", "delay_loop"),
        ("Service", "delay_loop: '0'", "delay_loop"),
        ("Service", "delay_loop: 0.5s", "delay_loop"),
        ("Service", "persistence: 90d", "persistence"),
        ("Service", "persistence: '70000000'", "persistence"),
        ("Service", "weight: '70000'", "weight"),
        ("Service", "weight: 007", "weight"),
        ("Service", "port: https", "port"),
        ("Service", "port: 080", "port"),
        ("Service", "real_port: 00", "real_port"),
        ("Service", "mode: gate", "mode"),
        ("Service", "mode: masquerade", "mode"),
        ("Service", "mode: ipip", "mode"),
        ("Service", "mode: -g", "mode"),
        ("Service", "mode: tcp", "mode"),
        ("Service", "mode: nta", "mode"),
        ("Service", "health_check: TCP_CHECK", "health_check"),
        ("Service", "health_check: HTTP_GET", "health_check"),
        ("Service", "health_check: negotiate", "health_check"),
        ("Service", "health_check: off", "health_check"),
        ("Service", "real_servers: [192.168.100.12]", "real_servers"),
        ("Service", "real_servers: [rs3]", "real_servers"),
        ("Service", "vip: 192.168.100.0200", "vip"),
        ("Service", "persistense: 300", ""),
        ("Host", "role: master", "role"),
        ("Host", "role: [director, web_server]", "role"),
        ("Host", "address: 192.168.100.014", "address"),
        ("Host", "address: 192.168.100.14/33", "address"),
        ("Host", "ssh: { connect_timeout: 2d }", "ssh"),
        ("Host", "ssh: { sudo: yes }", "ssh"),
        ("Inventory", "networks: { lan: 192.168.100.0 }", "networks"),
        (
            "Inventory",
            "networks: { lan: 192.168.100.14/24 }",
            "networks",
        ),
        (
            "Inventory",
            "networks: { lan: 192.168.10.0/24 }",
            "networks",
        ),
        ("Inventory", "arp: sysctrl", "arp"),
    ] {
        let (text, _) = with(within, line, &[left_out]);
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{line}: not one message: {found:#?}");
        assert_eq!(next_error(&text, &found[0]), None, "{line}");
    }
}

/// Several foreign keys that belong to one key of ours: following all of their hints gives it once.
#[test]
fn foreign_keys_that_belong_together_are_answered_together() {
    for (within, lines, left_out, want) in [
        (
            "Host",
            &["ansible_user: admin", "ansible_port: 2222"][..],
            "ssh",
            "write `ssh: { user: admin, port: 2222 }`",
        ),
        (
            "Service",
            &["persistence_timeout: 50", "netmask: 255.255.255.0"],
            "persistence",
            "write `persistence: { timeout: 50, granularity: 255.255.255.0 }`",
        ),
        (
            "Service",
            &["lb_algo: wlc", "balance: roundrobin"],
            "scheduler",
            "write `scheduler: wlc`",
        ),
        (
            "Service",
            &["checktype: connect", "checkcount: 2"],
            "health_check",
            "write `health_check: { tcp: {}, retry: 1 }`",
        ),
    ] {
        let level = 4;
        let entry = lines.join(&format!("\n{}", " ".repeat(level)));
        let (mut text, _) = with(within, &entry, &[left_out]);
        let found = problems(&text);
        assert_eq!(found.len(), lines.len(), "{lines:?}: {found:#?}");
        assert_eq!(found[0].fix(), Some(want));
        text = repaired(&text).unwrap_or_else(|error| panic!("{lines:?}: {error}"));
        assert!(problems(&text).is_empty(), "{text}");
    }
}

/// The same for every bad inventory of `cases/inventory`.
#[test]
fn no_hint_of_the_cases_leads_to_the_next_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/inventory");
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for entry in fs::read_dir(folder).expect("the cases") {
        let path = entry.expect("a case").path();
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a case");
        for problem in problems(&text) {
            tried += usize::from(followed(&text, &problem).is_some());
            wrong.extend(next_error(&text, &problem).map(|e| format!("{}: {e}", path.display())));
        }
    }
    assert!(tried > 30, "{tried}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One mistake is one message.
#[test]
fn one_mistake_is_one_message() {
    let hosts = "hosts:\n  lb1: { role: director, address: 192.168.100.14 }\n  rs1: { role: realserver, address: 192.168.100.12 }\n  rs2: { role: realserver, address: 192.168.100.13 }\n";
    let web = "services: { web: { vip: 192.168.100.200, port: 80 } }\n";
    let lan = "networks: { lan: 192.168.100.0/24 }\n";
    let cases = [
        (
            "no networks",
            format!("cluster: web\n{hosts}{web}"),
            "which subnet",
        ),
        (
            "a wrong subnet",
            format!("cluster: web\nnetworks: {{ lan: 192.168.10.0/24 }}\n{hosts}{web}"),
            "no host is in a network",
        ),
        (
            "a misspelt key that is required",
            format!(
                "cluster: web\n{lan}{hosts}services: {{ web: {{ vip: 192.168.100.200, prot: 80 }} }}\n"
            ),
            "unknown key `prot`",
        ),
        (
            "a foreign key for one that is required",
            format!(
                "cluster: web\n{lan}{hosts}services: {{ web: {{ virtual_ipaddress: 192.168.100.200, port: 80 }} }}\n"
            ),
            "unknown key `virtual_ipaddress`",
        ),
        (
            "vrid",
            format!("cluster: web\n{lan}{hosts}{web}vrrp: {{ vrid: 51 }}\n"),
            "unknown key `vrid`",
        ),
        (
            "a VIP of another family",
            format!(
                "cluster: web\n{lan}{hosts}services: {{ web: {{ vip: 'fd00::200', port: 80 }} }}\n"
            ),
            "is IPv6",
        ),
        (
            "hosts as a list",
            format!("cluster: web\n{lan}hosts: [lb1, rs1]\n{web}"),
            "expected a map",
        ),
        (
            "services as a list",
            format!("cluster: web\n{lan}{hosts}services:\n- vip: 192.168.100.200\n  port: 80\n"),
            "expected a map",
        ),
        (
            "an interface that no member has",
            format!(
                "cluster: web\n{lan}{}{web}vrrp: {{ virtual_router_id: 51, interface: eth9 }}\n",
                hosts.replace(
                    "  rs1",
                    "  lb2: { role: backup, address: 192.168.100.15 }\n  rs1"
                )
            ),
            "has no interface",
        ),
        (
            "an address of a host twice",
            format!("cluster: web\n{lan}{}{web}", hosts.replace(".13", ".12")),
            "",
        ),
        (
            "no cluster",
            format!("{lan}{hosts}{web}"),
            "`cluster` is missing",
        ),
        (
            "a gateway that is not there",
            format!("cluster: web\n{lan}defaults: {{ gateway: gw }}\n{hosts}{web}"),
            "no host named `gw`",
        ),
    ];
    for (name, text, says) in cases {
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{name}: {found:#?}");
        assert!(found[0].message().contains(says), "{name}: {}", found[0]);
    }
}
