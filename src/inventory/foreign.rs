//! Words of other programs, and the key that says the same here: keepalived.conf(5), ldirectord(8), ipvsadm(8), the
//! connection variables of Ansible, HAProxy's, nginx's and Pacemaker's configurations. What a key takes is decided
//! elsewhere.

use super::node::{Entry, Node, Value};
use super::problem::{nearest, shown};

/// Whose word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Keepalived,
    Ldirectord,
    Ipvsadm,
    Ansible,
    Haproxy,
    Nginx,
    Pacemaker,
    /// A word of ours at another place, or nearly one.
    Lvsctl,
}

/// What to write in its place.
#[derive(Debug, Clone, Copy)]
pub enum Means {
    /// The same value behind another key.
    Key(&'static str),
    /// A key with its value.
    Whole(&'static str),
    /// A key below another.
    Below(&'static str, &'static str),
    /// A secret below `ssh`.
    Secret(&'static str),
    /// The host's address, or where SSH finds it.
    Address,
    /// What its value means: a key with its value.
    Convert(fn(&str) -> Option<&'static str>),
    /// It is said elsewhere.
    There(&'static str),
    /// Nothing: why it can go.
    Leave(&'static str),
}

/// A word, whose it is, the type that it is written in, and what it means there.
pub type Row = (&'static str, Of, &'static str, Means);

/// What to say of an unknown key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hint {
    pub label: String,
    pub help: String,
}

/// The row of a key in a map of this type.
pub(super) fn row(word: &str, within: &str) -> Option<&'static Row> {
    let near = |row: &&Row| row.2 == within && same_word(row.0, word);
    KEYS.iter().find(near)
}

/// Options differ by their case, `-m` and `-M`.
fn same_word(known: &str, word: &str) -> bool {
    known == word || (!word.starts_with('-') && known.eq_ignore_ascii_case(word))
}

/// Whether a key that is not known stands for this one, which is then not missing as well.
pub(super) fn stands_for(word: &str, key: &str) -> bool {
    let same = |row: &&Row| same_word(row.0, word);
    let means = |row: &Row| match row.3 {
        Means::Key(ours) => ours == key,
        Means::Whole(text) => text.split(':').next() == Some(key),
        Means::Address => key == "address",
        Means::There(help) => help.contains(&format!("`{key}: ")),
        _ => false,
    };
    KEYS.iter().filter(same).any(means) || nearest(word, [key]).is_some()
}

/// Maps of more keys than this are looked at key by key alone.
pub(super) const MOST_SIBLINGS: usize = 200;

/// What to say of a key that is another program's. Of several that belong to one key of ours the first has all, so that
/// no key would stand twice.
pub(super) fn explain(entry: &Entry, siblings: &[Entry], within: &str) -> Option<Hint> {
    let hint = alone(entry, siblings, within)?;
    let Some((key, _)) = proposed(&hint).filter(|_| siblings.len() <= MOST_SIBLINGS) else {
        return Some(hint);
    };
    let all = siblings.iter().filter_map(|other| {
        let hint = alone(other, siblings, within)?;
        let (theirs, value) = proposed(&hint)?;
        (theirs == key).then(|| (other, value.to_owned()))
    });
    let all: Vec<(&Entry, String)> = all.collect();
    let (Some((first, value)), true) = (all.first(), all.len() > 1) else {
        return Some(hint);
    };
    if first.key != entry.key {
        let why = format!("the `{key}` for {} says it", shown(&first.key));
        return Some(delete(&why));
    }
    let parts: Option<Vec<String>> = all.iter().map(|(_, value)| part(key, value)).collect();
    let Some(mut parts) = parts else {
        return Some(write(&format!("{key}: {value}")));
    };
    let name = |part: &String| part.split(':').next().unwrap_or_default().to_owned();
    let mut seen = Vec::new();
    parts.retain(|part| {
        let new = !seen.contains(&name(part));
        seen.push(name(part));
        new
    });
    Some(write(&format!("{key}: {{ {} }}", parts.join(", "))))
}

/// The key and value that a hint proposes.
fn proposed(hint: &Hint) -> Option<(&str, &str)> {
    let text = hint.help.strip_prefix("write `")?.strip_suffix('`')?;
    text.split_once(": ")
}

/// A proposed value as a part of the key's long form.
fn part(key: &str, value: &str) -> Option<String> {
    let inner = value.strip_prefix("{ ").and_then(|v| v.strip_suffix(" }"));
    match (inner, key) {
        (Some(inner), _) => Some(inner.to_owned()),
        (None, "persistence") => Some(format!("timeout: {value}")),
        (None, "health_check") => Some(format!("{value}: {{}}")),
        _ => None,
    }
}

fn alone(entry: &Entry, siblings: &[Entry], within: &str) -> Option<Hint> {
    let (.., means) = row(&entry.key, within)?;
    let given = |key: &str| siblings.iter().find(|other| other.key == key);
    Some(match *means {
        Means::Key(key) => match (given(key), scalar(&entry.value)) {
            (Some(_), _) => delete(&format!("`{key}` is given already")),
            (None, Some(value)) => write(&format!("{key}: {}", value_of(key, &value))),
            (None, None) => Hint {
                label: format!("here it is `{key}`"),
                help: format!("write `{key}` in the place of {}", shown(&entry.key)),
            },
        },
        Means::Whole(text) => of_whole(text, given),
        Means::Convert(convert) => {
            let value = scalar(&entry.value).unwrap_or_default();
            match convert(&value) {
                Some(text) => of_whole(text, given),
                None => delete("what is right by default is not said"),
            }
        }
        Means::Below(above, key) => below(above, key, &entry.value, given(above)),
        Means::Secret(key) => {
            let source = "{ env: LVSCTL_PASSWORD }";
            match given("ssh") {
                Some(ssh) if holds(ssh, key) => delete(&format!("`ssh` has its `{key}` already")),
                Some(_) => add_to("ssh", &format!("{key}: {source}")),
                None => write(&format!("ssh: {{ {key}: {source} }}")),
            }
        }
        Means::Address => match (given("address"), given("interfaces"), scalar(&entry.value)) {
            (None, None, Some(value)) if value.parse::<std::net::IpAddr>().is_ok() => {
                write(&format!("address: {value}"))
            }
            (None, None, _) => Hint {
                label: "here it is `address`".to_owned(),
                help: "`address` is the host's address in the cluster; `ssh: { host: NAME }` says where SSH finds it, if elsewhere"
                    .to_owned(),
            },
            _ => below("ssh", "host", &entry.value, given("ssh")),
        },
        Means::There(help) => Hint {
            label: "not known here".to_owned(),
            help: help.to_owned(),
        },
        Means::Leave(why) => delete(why),
    })
}

fn of_whole<'e>(text: &'static str, given: impl Fn(&str) -> Option<&'e Entry>) -> Hint {
    let key = text.split(':').next().unwrap_or_default();
    if given(key).is_some() {
        return delete(&format!("`{key}` is given already"));
    }
    write(text)
}

fn below(above: &'static str, key: &'static str, value: &Node, given: Option<&Entry>) -> Hint {
    let value = scalar(value).map(|value| value_of(key, &value));
    let text = match &value {
        Some(value) if key == "identity_files" => format!("{key}: [{value}]"),
        Some(value) => format!("{key}: {value}"),
        None => format!("{key}: ..."),
    };
    match given {
        Some(given) if holds(given, key) => delete(&format!("`{above}` has its `{key}` already")),
        Some(given) if matches!(given.value.value, Value::Map(_)) => add_to(above, &text),
        // `persistence: 300`, `health_check: tcp`: the long form takes both.
        Some(_) => Hint {
            label: format!("it belongs below `{above}`"),
            help: match above {
                "persistence" => {
                    format!("write it in full: `persistence: {{ timeout: 300, {text} }}`")
                }
                "health_check" => {
                    format!("write it in full: `health_check: {{ tcp: {{}}, {text} }}`")
                }
                _ => format!("write it in full: `{above}: {{ {text} }}`"),
            },
        },
        None if value.is_some() => write(&format!("{above}: {{ {text} }}")),
        None => Hint {
            label: format!("it belongs below `{above}`"),
            help: format!("move it there: `{above}: {{ {text} }}`"),
        },
    }
}

fn holds(above: &Entry, key: &str) -> bool {
    matches!(&above.value.value, Value::Map(entries) if entries.iter().any(|e| e.key == key))
}

fn write(text: &str) -> Hint {
    let name = text.split(':').next().unwrap_or_default();
    Hint {
        label: format!("here it is `{name}`"),
        help: format!("write `{text}`"),
    }
}

fn add_to(above: &str, text: &str) -> Hint {
    Hint {
        label: format!("it belongs below `{above}`"),
        help: format!("delete it, and add `{text}` to `{above}`"),
    }
}

fn delete(why: &str) -> Hint {
    Hint {
        label: "not known here".to_owned(),
        help: format!("delete it: {why}"),
    }
}

/// A value that can stand behind another key as it is.
fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Value::Bool(b, _) => Some(b.to_string()),
        Value::Int(_, text) | Value::Float(_, text) => Some(text.clone()),
        Value::Text(text) if is_plain(text) => Some(text.clone()),
        _ => None,
    }
}

/// Whether a text needs no quotes in YAML, and can be shown.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/@".contains(c);
    text.len() <= 60
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && text.chars().all(plain)
}

/// The value as the key takes it.
fn value_of(key: &str, value: &str) -> String {
    let known = match key {
        "scheduler" => scheduler(value),
        "mode" => mode(value),
        "connection" | "host_key_checking" => None,
        "sudo" | "read_only" => match value.to_lowercase().as_str() {
            "yes" | "on" | "true" => Some("true"),
            "no" | "off" | "false" => Some("false"),
            _ => None,
        },
        _ => None,
    };
    known.map_or_else(|| value.to_owned(), str::to_owned)
}

/// Algorithms of other programs, and the scheduler that comes nearest: HAProxy's `balance`, nginx's methods, and
/// common spellings.
pub const SCHEDULERS: &[(&str, Of, &str)] = &[
    ("roundrobin", Of::Haproxy, "wrr"),
    ("static-rr", Of::Haproxy, "wrr"),
    ("leastconn", Of::Haproxy, "wlc"),
    ("first", Of::Haproxy, "ovf"),
    ("hash", Of::Haproxy, "mh"),
    ("source", Of::Haproxy, "sh"),
    ("uri", Of::Haproxy, "sh"),
    ("url_param", Of::Haproxy, "sh"),
    ("hdr", Of::Haproxy, "sh"),
    ("random", Of::Haproxy, "twos"),
    ("rdp-cookie", Of::Haproxy, "sh"),
    ("log-hash", Of::Haproxy, "sh"),
    ("log-sticky", Of::Haproxy, "sh"),
    ("sticky", Of::Haproxy, "sh"),
    ("least_conn", Of::Nginx, "wlc"),
    ("ip_hash", Of::Nginx, "sh"),
    ("least_time", Of::Nginx, "wlc"),
    ("round-robin", Of::Lvsctl, "rr"),
    ("round_robin", Of::Lvsctl, "rr"),
    ("weighted-round-robin", Of::Lvsctl, "wrr"),
    ("least-connection", Of::Lvsctl, "lc"),
    ("least-connections", Of::Lvsctl, "lc"),
    ("leastconnections", Of::Lvsctl, "lc"),
    ("weighted-least-connection", Of::Lvsctl, "wlc"),
    ("source-hash", Of::Lvsctl, "sh"),
    ("source_hash", Of::Lvsctl, "sh"),
    ("maglev", Of::Lvsctl, "mh"),
    ("consistent-hash", Of::Lvsctl, "mh"),
];

pub(super) fn scheduler(word: &str) -> Option<&'static str> {
    // `hdr(Host)`, `balance` in capitals.
    let word = word.split('(').next().unwrap_or_default();
    let found = SCHEDULERS
        .iter()
        .find(|(name, ..)| name.eq_ignore_ascii_case(word));
    found.map(|(.., ours)| *ours).or_else(|| {
        let ours = super::raw::word::SCHEDULERS.iter();
        let mut same = ours.filter(|(name, _)| name.eq_ignore_ascii_case(word));
        same.next().map(|(name, _)| *name)
    })
}

/// Ways of forwarding by other names.
pub(super) fn mode(word: &str) -> Option<&'static str> {
    match word.to_lowercase().as_str() {
        "dr" | "route" | "gatewaying" | "gateway" | "gate" | "direct" | "direct-routing"
        | "droute" | "g" | "-g" => Some("dr"),
        "nat" | "masq" | "masquerading" | "masquerade" | "m" | "-m" => Some("nat"),
        "tun" | "ipip" | "tunnel" | "tunneling" | "tunnelling" | "i" | "-i" => Some("tun"),
        // HAProxy's; LVS forwards packets in either.
        "tcp" | "http" => Some("dr"),
        _ => None,
    }
}

/// Health checks by other names, and roles.
pub(super) fn health_check(word: &str) -> Option<&'static str> {
    match word.to_lowercase().as_str() {
        "tcp_check" | "connect" | "tcpchk" => Some("tcp"),
        "http_get" | "negotiate" | "httpchk" | "get" => Some("http"),
        "ssl_get" | "ssl" | "tls" => Some("https"),
        "off" | "none" | "disabled" => Some("false"),
        _ => None,
    }
}

pub(super) fn role(word: &str) -> Option<&'static str> {
    match word.to_lowercase().replace(['_', ' '], "-").as_str() {
        "master" | "lb" | "load-balancer" | "loadbalancer" | "balancer" | "lvs" | "ipvs" => {
            Some("director")
        }
        "slave" | "standby" | "secondary" => Some("backup"),
        "real" | "real-server" | "rs" | "server" | "node" | "backend" | "worker" => {
            Some("realserver")
        }
        "webserver" | "web-server" | "nginx" | "httpd" => Some("web"),
        "gateway" => Some("router"),
        _ => None,
    }
}

/// ldirectord's.
fn checktype(value: &str) -> Option<&'static str> {
    match value {
        "connect" => Some("health_check: tcp"),
        "negotiate" => Some("health_check: http"),
        "off" | "on" => Some("health_check: false"),
        "external" | "external-perl" | "ping" => {
            Some("health_check: { script: { path: /usr/local/bin/check } }")
        }
        // A number: every so often a negotiation, connections between them.
        _ => Some("health_check: http"),
    }
}

/// Ansible's plugins.
fn connection(value: &str) -> Option<&'static str> {
    match value {
        "local" => Some("connection: local"),
        _ => Some("connection: ssh"),
    }
}

/// Keys of other programs. The type is that of the map in which the word is written.
pub const KEYS: &[Row] = &[
    (
        "use_vmac",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("the VIPs are on the interface itself"),
    ),
    (
        "use_vmac_addr",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("the VIPs are on the interface itself"),
    ),
    (
        "vmac_xmit_base",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("the VIPs are on the interface itself"),
    ),
    (
        "use_ipvlan",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("the VIPs are on the interface itself"),
    ),
    (
        "vmac_garp_intvl",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("the VIPs are on the interface itself"),
    ),
    (
        "vrf",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("the VIPs are on the interface itself"),
    ),
    (
        "unicast_peer",
        Of::Keepalived,
        "Vrrp",
        Means::Whole("unicast: true"),
    ),
    (
        "unicast_fault_no_peer",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "check_unicast_src",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "old_unicast_checksum",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "unicast_ttl",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "version",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "native_ipv6",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "v3_checksum_as_v2",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "skip_check_adv_addr",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "strict_mode",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "debug",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "mcast_dst_ip",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "promote_secondaries",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "linkbeat_use_polling",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "linkbeat_interfaces",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "accept",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "no_accept",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "no_virtual_ipaddress",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "lower_prio_no_advert",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "higher_prio_send_advert",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "owner_ignore_adverts",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "kernel_rx_buf_size",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "down_timer_adverts",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "timer_expired_backup",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "thread_timer_expired",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "dont_track_primary",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "track_src_ip",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "preempt_delay",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "notify_priority_changes",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "garp_master_delay",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "garp_master_refresh",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "garp_master_repeat",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "garp_master_refresh_repeat",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "garp_lower_prio_delay",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "garp_lower_prio_repeat",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "garp_extra_if",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "garp_group",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "garp_interval",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "gna_interval",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "interfaces",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "state",
        Of::Keepalived,
        "Vrrp",
        Means::Leave(
            "the member with the highest `priority` is the master; a host takes `priority: 100`",
        ),
    ),
    (
        "nopreempt",
        Of::Keepalived,
        "Vrrp",
        Means::Whole("preempt: false"),
    ),
    (
        "mcast_src_ip",
        Of::Keepalived,
        "Vrrp",
        Means::There("give the member an address: `members: { lb1: { address: 192.168.100.14 } }`"),
    ),
    (
        "unicast_src_ip",
        Of::Keepalived,
        "Vrrp",
        Means::There("give the member an address: `members: { lb1: { address: 192.168.100.14 } }`"),
    ),
    (
        "priority",
        Of::Keepalived,
        "Vrrp",
        Means::There(
            "each member has its own: `priority: 100` at the host, or `members: { lb1: { priority: 100 } }`",
        ),
    ),
    (
        "virtual_ipaddress",
        Of::Keepalived,
        "Vrrp",
        Means::Key("vips"),
    ),
    (
        "virtual_ipaddress_excluded",
        Of::Keepalived,
        "Vrrp",
        Means::There("name these in `vips` too"),
    ),
    (
        "virtual_routes",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("an instance holds VIPs alone; `track_script` watches a program or a unit"),
    ),
    (
        "virtual_rules",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("an instance holds VIPs alone; `track_script` watches a program or a unit"),
    ),
    (
        "track_file",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("an instance holds VIPs alone; `track_script` watches a program or a unit"),
    ),
    (
        "track_process",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("an instance holds VIPs alone; `track_script` watches a program or a unit"),
    ),
    (
        "track_bfd",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("an instance holds VIPs alone; `track_script` watches a program or a unit"),
    ),
    (
        "notify_backup",
        Of::Keepalived,
        "Vrrp",
        Means::There(
            "`notify` runs one program at every change, which gets the new state as its third argument",
        ),
    ),
    (
        "notify_master",
        Of::Keepalived,
        "Vrrp",
        Means::There(
            "`notify` runs one program at every change, which gets the new state as its third argument",
        ),
    ),
    (
        "notify_fault",
        Of::Keepalived,
        "Vrrp",
        Means::There(
            "`notify` runs one program at every change, which gets the new state as its third argument",
        ),
    ),
    (
        "notify_stop",
        Of::Keepalived,
        "Vrrp",
        Means::There(
            "`notify` runs one program at every change, which gets the new state as its third argument",
        ),
    ),
    (
        "notify_deleted",
        Of::Keepalived,
        "Vrrp",
        Means::There(
            "`notify` runs one program at every change, which gets the new state as its third argument",
        ),
    ),
    (
        "notify_master_rx_lower_pri",
        Of::Keepalived,
        "Vrrp",
        Means::There(
            "`notify` runs one program at every change, which gets the new state as its third argument",
        ),
    ),
    (
        "smtp_alert",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("no mail is sent; `notify` runs a program"),
    ),
    (
        "lvs_sync_daemon_interface",
        Of::Keepalived,
        "Vrrp",
        Means::Whole("sync_daemon: true"),
    ),
    (
        "lvs_sync_daemon",
        Of::Keepalived,
        "Vrrp",
        Means::Whole("sync_daemon: true"),
    ),
    (
        "authentication",
        Of::Keepalived,
        "Vrrp",
        Means::Whole("auth_pass: { env: LVSCTL_AUTH_PASS }"),
    ),
    (
        "auth_type",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("`auth_pass` alone says it: the type is PASS"),
    ),
    (
        "auth_hmac",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("VRRP knows the password of `auth_pass` alone here"),
    ),
    (
        "key",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("VRRP knows the password of `auth_pass` alone here"),
    ),
    (
        "active_key",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("VRRP knows the password of `auth_pass` alone here"),
    ),
    (
        "time_window",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("VRRP knows the password of `auth_pass` alone here"),
    ),
    (
        "anti_replay",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("VRRP knows the password of `auth_pass` alone here"),
    ),
    (
        "mode",
        Of::Keepalived,
        "Vrrp",
        Means::Leave("VRRP knows the password of `auth_pass` alone here"),
    ),
    (
        "vrrp_script",
        Of::Keepalived,
        "Vrrp",
        Means::Key("track_script"),
    ),
    (
        "timeout",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "init_fail",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "user",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "full_command",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "process",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "param_match",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "quorum",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "quorum_max",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "delay",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "terminate_delay",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "fork_delay",
        Of::Keepalived,
        "TrackScript",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "state",
        Of::Keepalived,
        "Member",
        Means::Leave("the member with the highest `priority` is the master"),
    ),
    (
        "vrrp_instance",
        Of::Keepalived,
        "Inventory",
        Means::Key("vrrp"),
    ),
    (
        "virtual_server",
        Of::Keepalived,
        "Inventory",
        Means::Key("services"),
    ),
    (
        "virtual_server_group",
        Of::Keepalived,
        "Inventory",
        Means::There("a service takes lists: `vip: [A, B]` and `port: [80, 443]`, with a `fwmark`"),
    ),
    (
        "global_defs",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "static_ipaddress",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "static_routes",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "static_rules",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "interface_up_down_delays",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "vrrp_sync_group",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "track_group",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "group",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "global_tracking",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "sync_group_tracking_weight",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "SSL",
        Of::Keepalived,
        "Inventory",
        Means::Leave("lvsctl writes this part of keepalived.conf itself"),
    ),
    (
        "vrrp_script",
        Of::Keepalived,
        "Inventory",
        Means::There(
            "watch it in an instance: `vrrp: { track_script: { NAME: { script: PATH } } }`",
        ),
    ),
    (
        "vrrp_track_process",
        Of::Keepalived,
        "Inventory",
        Means::There(
            "watch it in an instance: `vrrp: { track_script: { NAME: { script: PATH } } }`",
        ),
    ),
    (
        "ip_family",
        Of::Keepalived,
        "Service",
        Means::Leave("the VIP says it"),
    ),
    (
        "retry",
        Of::Keepalived,
        "Service",
        Means::Below("health_check", "retry"),
    ),
    (
        "delay_before_retry",
        Of::Keepalived,
        "Service",
        Means::Below("health_check", "delay_before_retry"),
    ),
    (
        "connect_timeout",
        Of::Keepalived,
        "Service",
        Means::Below("health_check", "connect_timeout"),
    ),
    (
        "warmup",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "inhibit_on_failure",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "hashed",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "persistence_engine",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "ha_suspend",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "snmp_name",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "alpha",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "omega",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "quorum",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "quorum_up",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "quorum_down",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "hysteresis",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "smtp_alert",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "sorry_server_inhibit",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "sorry_server_lvs_method",
        Of::Keepalived,
        "Service",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "lb_algo",
        Of::Keepalived,
        "Service",
        Means::Key("scheduler"),
    ),
    (
        "lvs_sched",
        Of::Keepalived,
        "Service",
        Means::Key("scheduler"),
    ),
    (
        "ops",
        Of::Keepalived,
        "Service",
        Means::Whole("one_packet: true"),
    ),
    ("lb_kind", Of::Keepalived, "Service", Means::Key("mode")),
    ("lvs_method", Of::Keepalived, "Service", Means::Key("mode")),
    (
        "persistence_timeout",
        Of::Keepalived,
        "Service",
        Means::Key("persistence"),
    ),
    (
        "persistence_granularity",
        Of::Keepalived,
        "Service",
        Means::Below("persistence", "granularity"),
    ),
    (
        "virtualhost",
        Of::Keepalived,
        "Service",
        Means::There(
            "name the host in the health check: `health_check: { http: { host: www.example.org } }`",
        ),
    ),
    (
        "real_server",
        Of::Keepalived,
        "Service",
        Means::There(
            "list the hosts that serve: `real_servers: [rs1, rs2]`; each has its address below `hosts`",
        ),
    ),
    (
        "virtual_server",
        Of::Keepalived,
        "Service",
        Means::Key("vip"),
    ),
    (
        "virtual_ipaddress",
        Of::Keepalived,
        "Service",
        Means::Key("vip"),
    ),
    (
        "TCP_CHECK",
        Of::Keepalived,
        "Service",
        Means::Whole("health_check: tcp"),
    ),
    (
        "HTTP_GET",
        Of::Keepalived,
        "Service",
        Means::Whole("health_check: http"),
    ),
    (
        "SSL_GET",
        Of::Keepalived,
        "Service",
        Means::Whole("health_check: https"),
    ),
    (
        "MISC_CHECK",
        Of::Keepalived,
        "Service",
        Means::There(
            "run a program that asks so: `health_check: { script: { path: /usr/local/bin/check } }`",
        ),
    ),
    (
        "DNS_CHECK",
        Of::Keepalived,
        "Service",
        Means::There(
            "run a program that asks so: `health_check: { script: { path: /usr/local/bin/check } }`",
        ),
    ),
    (
        "SMTP_CHECK",
        Of::Keepalived,
        "Service",
        Means::There(
            "run a program that asks so: `health_check: { script: { path: /usr/local/bin/check } }`",
        ),
    ),
    (
        "UDP_CHECK",
        Of::Keepalived,
        "Service",
        Means::There(
            "run a program that asks so: `health_check: { script: { path: /usr/local/bin/check } }`",
        ),
    ),
    (
        "PING_CHECK",
        Of::Keepalived,
        "Service",
        Means::There(
            "run a program that asks so: `health_check: { script: { path: /usr/local/bin/check } }`",
        ),
    ),
    (
        "FILE_CHECK",
        Of::Keepalived,
        "Service",
        Means::There(
            "run a program that asks so: `health_check: { script: { path: /usr/local/bin/check } }`",
        ),
    ),
    (
        "BFD_CHECK",
        Of::Keepalived,
        "Service",
        Means::There(
            "run a program that asks so: `health_check: { script: { path: /usr/local/bin/check } }`",
        ),
    ),
    (
        "sh-port",
        Of::Keepalived,
        "Service",
        Means::There("name it in a list: `scheduler_flags: [sh-port]`"),
    ),
    (
        "sh-fallback",
        Of::Keepalived,
        "Service",
        Means::There("name it in a list: `scheduler_flags: [sh-port]`"),
    ),
    (
        "mh-port",
        Of::Keepalived,
        "Service",
        Means::There("name it in a list: `scheduler_flags: [sh-port]`"),
    ),
    (
        "mh-fallback",
        Of::Keepalived,
        "Service",
        Means::There("name it in a list: `scheduler_flags: [sh-port]`"),
    ),
    (
        "flag-1",
        Of::Keepalived,
        "Service",
        Means::There("name it in a list: `scheduler_flags: [sh-port]`"),
    ),
    (
        "flag-2",
        Of::Keepalived,
        "Service",
        Means::There("name it in a list: `scheduler_flags: [sh-port]`"),
    ),
    (
        "flag-3",
        Of::Keepalived,
        "Service",
        Means::There("name it in a list: `scheduler_flags: [sh-port]`"),
    ),
    (
        "lvs_method",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all: `mode: dr`"),
    ),
    (
        "uthreshold",
        Of::Keepalived,
        "RealServer",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "lthreshold",
        Of::Keepalived,
        "RealServer",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "inhibit_on_failure",
        Of::Keepalived,
        "RealServer",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "notify_up",
        Of::Keepalived,
        "RealServer",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "notify_down",
        Of::Keepalived,
        "RealServer",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "alpha",
        Of::Keepalived,
        "RealServer",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "warmup",
        Of::Keepalived,
        "RealServer",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "smtp_alert",
        Of::Keepalived,
        "RealServer",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "snmp_name",
        Of::Keepalived,
        "RealServer",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "retry",
        Of::Keepalived,
        "RealServer",
        Means::There(
            "the service says it for all real servers: `health_check: { retry: 3 }`, `delay_loop: 6`",
        ),
    ),
    (
        "delay_before_retry",
        Of::Keepalived,
        "RealServer",
        Means::There(
            "the service says it for all real servers: `health_check: { retry: 3 }`, `delay_loop: 6`",
        ),
    ),
    (
        "connect_timeout",
        Of::Keepalived,
        "RealServer",
        Means::There(
            "the service says it for all real servers: `health_check: { retry: 3 }`, `delay_loop: 6`",
        ),
    ),
    (
        "delay_loop",
        Of::Keepalived,
        "RealServer",
        Means::There(
            "the service says it for all real servers: `health_check: { retry: 3 }`, `delay_loop: 6`",
        ),
    ),
    (
        "virtualhost",
        Of::Keepalived,
        "RealServer",
        Means::There(
            "the service says it for all real servers: `health_check: { retry: 3 }`, `delay_loop: 6`",
        ),
    ),
    (
        "TCP_CHECK",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: tcp`"),
    ),
    (
        "HTTP_GET",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: tcp`"),
    ),
    (
        "SSL_GET",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: tcp`"),
    ),
    (
        "MISC_CHECK",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: tcp`"),
    ),
    (
        "DNS_CHECK",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: tcp`"),
    ),
    (
        "SMTP_CHECK",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: tcp`"),
    ),
    (
        "UDP_CHECK",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: tcp`"),
    ),
    (
        "PING_CHECK",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: tcp`"),
    ),
    (
        "FILE_CHECK",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: tcp`"),
    ),
    (
        "BFD_CHECK",
        Of::Keepalived,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: tcp`"),
    ),
    (
        "TCP_CHECK",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Whole("tcp: {}"),
    ),
    (
        "HTTP_GET",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Whole("http: {}"),
    ),
    (
        "SSL_GET",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Whole("https: {}"),
    ),
    (
        "MISC_CHECK",
        Of::Keepalived,
        "LongHealthCheck",
        Means::There("run a program that asks so: `script: { path: /usr/local/bin/check }`"),
    ),
    (
        "DNS_CHECK",
        Of::Keepalived,
        "LongHealthCheck",
        Means::There("run a program that asks so: `script: { path: /usr/local/bin/check }`"),
    ),
    (
        "SMTP_CHECK",
        Of::Keepalived,
        "LongHealthCheck",
        Means::There("run a program that asks so: `script: { path: /usr/local/bin/check }`"),
    ),
    (
        "UDP_CHECK",
        Of::Keepalived,
        "LongHealthCheck",
        Means::There("run a program that asks so: `script: { path: /usr/local/bin/check }`"),
    ),
    (
        "PING_CHECK",
        Of::Keepalived,
        "LongHealthCheck",
        Means::There("run a program that asks so: `script: { path: /usr/local/bin/check }`"),
    ),
    (
        "FILE_CHECK",
        Of::Keepalived,
        "LongHealthCheck",
        Means::There("run a program that asks so: `script: { path: /usr/local/bin/check }`"),
    ),
    (
        "BFD_CHECK",
        Of::Keepalived,
        "LongHealthCheck",
        Means::There("run a program that asks so: `script: { path: /usr/local/bin/check }`"),
    ),
    (
        "connect_port",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Key("port"),
    ),
    (
        "nb_get_retry",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Key("retry"),
    ),
    (
        "connect_ip",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "bindto",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "bind_port",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "bind_if",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "fwmark",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "warmup",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "alpha",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "log_all_failures",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "fast_recovery",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "tls_compliant",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "http_protocol",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "helo_name",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "payload",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "require_reply",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "min_reply_length",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "max_reply_length",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "type",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "name",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "delay_loop",
        Of::Keepalived,
        "LongHealthCheck",
        Means::There("it stands beside `health_check`: `delay_loop: 6` of the service"),
    ),
    (
        "url",
        Of::Keepalived,
        "LongHealthCheck",
        Means::There("`http` or `https` takes the path: `http: { path: /health }`"),
    ),
    (
        "misc_path",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Below("script", "path"),
    ),
    (
        "misc_timeout",
        Of::Keepalived,
        "LongHealthCheck",
        Means::There("`script` has it: `script: { path: /usr/local/bin/check, timeout: 5 }`"),
    ),
    (
        "misc_dynamic",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "user",
        Of::Keepalived,
        "LongHealthCheck",
        Means::Leave("keepalived's default holds"),
    ),
    ("url", Of::Keepalived, "HttpCheck", Means::Key("path")),
    (
        "status_code",
        Of::Keepalived,
        "HttpCheck",
        Means::Key("status"),
    ),
    (
        "virtualhost",
        Of::Keepalived,
        "HttpCheck",
        Means::Key("host"),
    ),
    ("sni_name", Of::Keepalived, "HttpCheck", Means::Key("host")),
    ("regex", Of::Keepalived, "HttpCheck", Means::Key("text")),
    (
        "digest",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "regex_no_match",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "regex_options",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "regex_min_offset",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "regex_max_offset",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "regex_stack",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "tls_compliant",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "enable_sni",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "http_protocol",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "fast_recovery",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "nb_get_retry",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "connect_port",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "bindto",
        Of::Keepalived,
        "HttpCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "misc_path",
        Of::Keepalived,
        "ScriptCheck",
        Means::Key("path"),
    ),
    (
        "misc_timeout",
        Of::Keepalived,
        "ScriptCheck",
        Means::Key("timeout"),
    ),
    (
        "misc_dynamic",
        Of::Keepalived,
        "ScriptCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "user",
        Of::Keepalived,
        "ScriptCheck",
        Means::Leave("keepalived's default holds"),
    ),
    (
        "checktype",
        Of::Ldirectord,
        "Service",
        Means::Convert(checktype),
    ),
    (
        "service",
        Of::Ldirectord,
        "Service",
        Means::There("say how to ask: `health_check: http`"),
    ),
    (
        "checkport",
        Of::Ldirectord,
        "Service",
        Means::Below("health_check", "port"),
    ),
    (
        "request",
        Of::Ldirectord,
        "Service",
        Means::There("the health check has the path: `health_check: { http: { path: /health } }`"),
    ),
    (
        "receive",
        Of::Ldirectord,
        "Service",
        Means::There("the health check has the text: `health_check: { http: { text: healthy } }`"),
    ),
    (
        "httpmethod",
        Of::Ldirectord,
        "Service",
        Means::Leave("a health check is a connection, an HTTP GET or a program"),
    ),
    (
        "login",
        Of::Ldirectord,
        "Service",
        Means::Leave("a health check is a connection, an HTTP GET or a program"),
    ),
    (
        "passwd",
        Of::Ldirectord,
        "Service",
        Means::Leave("a health check is a connection, an HTTP GET or a program"),
    ),
    (
        "database",
        Of::Ldirectord,
        "Service",
        Means::Leave("a health check is a connection, an HTTP GET or a program"),
    ),
    (
        "secret",
        Of::Ldirectord,
        "Service",
        Means::Leave("a health check is a connection, an HTTP GET or a program"),
    ),
    (
        "monitorfile",
        Of::Ldirectord,
        "Service",
        Means::Leave("a health check is a connection, an HTTP GET or a program"),
    ),
    (
        "checkcommand",
        Of::Ldirectord,
        "Service",
        Means::There(
            "run a program that asks so: `health_check: { script: { path: /usr/local/bin/check } }`",
        ),
    ),
    (
        "checkinterval",
        Of::Ldirectord,
        "Service",
        Means::Key("delay_loop"),
    ),
    (
        "checktimeout",
        Of::Ldirectord,
        "Service",
        Means::Below("health_check", "connect_timeout"),
    ),
    (
        "negotiatetimeout",
        Of::Ldirectord,
        "Service",
        Means::Below("health_check", "connect_timeout"),
    ),
    (
        "checkcount",
        Of::Ldirectord,
        "Service",
        Means::Below("health_check", "retry"),
    ),
    (
        "failurecount",
        Of::Ldirectord,
        "Service",
        Means::Below("health_check", "retry"),
    ),
    (
        "quiescent",
        Of::Ldirectord,
        "Service",
        Means::Leave(
            "a real server that fails leaves the table, and `lvsctl stop HOST` drains one",
        ),
    ),
    (
        "readdquiescent",
        Of::Ldirectord,
        "Service",
        Means::Leave(
            "a real server that fails leaves the table, and `lvsctl stop HOST` drains one",
        ),
    ),
    (
        "cleanstop",
        Of::Ldirectord,
        "Service",
        Means::Leave(
            "a real server that fails leaves the table, and `lvsctl stop HOST` drains one",
        ),
    ),
    (
        "fallback",
        Of::Ldirectord,
        "Service",
        Means::Key("sorry_server"),
    ),
    (
        "fallbackcommand",
        Of::Ldirectord,
        "Service",
        Means::Leave("a `sorry_server` answers when no real server is left"),
    ),
    (
        "persistent",
        Of::Ldirectord,
        "Service",
        Means::Key("persistence"),
    ),
    (
        "netmask",
        Of::Ldirectord,
        "Service",
        Means::Below("persistence", "granularity"),
    ),
    (
        "real",
        Of::Ldirectord,
        "Service",
        Means::There(
            "list the hosts that serve: `real_servers: [rs1, rs2]`; each has its address below `hosts`",
        ),
    ),
    ("virtual", Of::Ldirectord, "Service", Means::Key("vip")),
    (
        "virtual",
        Of::Ldirectord,
        "Inventory",
        Means::Key("services"),
    ),
    (
        "emailalert",
        Of::Ldirectord,
        "Service",
        Means::Leave("no mail is sent; a VRRP instance takes `notify`"),
    ),
    (
        "emailalertfrom",
        Of::Ldirectord,
        "Service",
        Means::Leave("no mail is sent; a VRRP instance takes `notify`"),
    ),
    (
        "emailalertfreq",
        Of::Ldirectord,
        "Service",
        Means::Leave("no mail is sent; a VRRP instance takes `notify`"),
    ),
    (
        "emailalertstatus",
        Of::Ldirectord,
        "Service",
        Means::Leave("no mail is sent; a VRRP instance takes `notify`"),
    ),
    (
        "smtp",
        Of::Ldirectord,
        "Service",
        Means::Leave("no mail is sent; a VRRP instance takes `notify`"),
    ),
    (
        "autoreload",
        Of::Ldirectord,
        "Service",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "callback",
        Of::Ldirectord,
        "Service",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "execute",
        Of::Ldirectord,
        "Service",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "fork",
        Of::Ldirectord,
        "Service",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "supervised",
        Of::Ldirectord,
        "Service",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "logfile",
        Of::Ldirectord,
        "Service",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "maintenancedir",
        Of::Ldirectord,
        "Service",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "autoreload",
        Of::Ldirectord,
        "Inventory",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "callback",
        Of::Ldirectord,
        "Inventory",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "execute",
        Of::Ldirectord,
        "Inventory",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "fork",
        Of::Ldirectord,
        "Inventory",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "supervised",
        Of::Ldirectord,
        "Inventory",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "logfile",
        Of::Ldirectord,
        "Inventory",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "maintenancedir",
        Of::Ldirectord,
        "Inventory",
        Means::Leave(
            "keepalived checks real servers, or a small checker of lvsctl: there is no daemon of ldirectord to set up",
        ),
    ),
    (
        "checktimeout",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "negotiatetimeout",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "checkinterval",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "checkcount",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "failurecount",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "quiescent",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "fallback",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "fallbackcommand",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "emailalert",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "emailalertfrom",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "emailalertfreq",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "emailalertstatus",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "smtp",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "readdquiescent",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    (
        "cleanstop",
        Of::Ldirectord,
        "Inventory",
        Means::There(
            "each service says it: `services: { web: { health_check: { connect_timeout: 3 } } }`",
        ),
    ),
    ("tcp-service", Of::Ipvsadm, "Service", Means::Key("vip")),
    ("-t", Of::Ipvsadm, "Service", Means::Key("vip")),
    (
        "udp-service",
        Of::Ipvsadm,
        "Service",
        Means::There("two keys say it: `vip: 192.168.100.200` and `protocol: udp`"),
    ),
    (
        "-u",
        Of::Ipvsadm,
        "Service",
        Means::There("two keys say it: `vip: 192.168.100.200` and `protocol: udp`"),
    ),
    (
        "fwmark-service",
        Of::Ipvsadm,
        "Service",
        Means::Key("fwmark"),
    ),
    ("-f", Of::Ipvsadm, "Service", Means::Key("fwmark")),
    ("-s", Of::Ipvsadm, "Service", Means::Key("scheduler")),
    ("-p", Of::Ipvsadm, "Service", Means::Key("persistence")),
    (
        "-M",
        Of::Ipvsadm,
        "Service",
        Means::Below("persistence", "granularity"),
    ),
    (
        "pe",
        Of::Ipvsadm,
        "Service",
        Means::Leave("only SIP has a persistence engine"),
    ),
    (
        "sched-flags",
        Of::Ipvsadm,
        "Service",
        Means::Key("scheduler_flags"),
    ),
    ("-b", Of::Ipvsadm, "Service", Means::Key("scheduler_flags")),
    (
        "-o",
        Of::Ipvsadm,
        "Service",
        Means::Whole("one_packet: true"),
    ),
    (
        "real-server",
        Of::Ipvsadm,
        "Service",
        Means::There("list the hosts that serve: `real_servers: [rs1, rs2]`"),
    ),
    (
        "-r",
        Of::Ipvsadm,
        "Service",
        Means::There("list the hosts that serve: `real_servers: [rs1, rs2]`"),
    ),
    (
        "gatewaying",
        Of::Ipvsadm,
        "Service",
        Means::Whole("mode: dr"),
    ),
    ("-g", Of::Ipvsadm, "Service", Means::Whole("mode: dr")),
    ("gate", Of::Ipvsadm, "Service", Means::Whole("mode: dr")),
    (
        "masquerading",
        Of::Ipvsadm,
        "Service",
        Means::Whole("mode: nat"),
    ),
    ("-m", Of::Ipvsadm, "Service", Means::Whole("mode: nat")),
    ("masq", Of::Ipvsadm, "Service", Means::Whole("mode: nat")),
    (
        "masquerade",
        Of::Ipvsadm,
        "Service",
        Means::Whole("mode: nat"),
    ),
    ("ipip", Of::Ipvsadm, "Service", Means::Whole("mode: tun")),
    ("-i", Of::Ipvsadm, "Service", Means::Whole("mode: tun")),
    ("-w", Of::Ipvsadm, "Service", Means::Key("weight")),
    (
        "u-threshold",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "-x",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "l-threshold",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "-y",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "tun-type",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "tun-port",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "tun-nocsum",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "tun-csum",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "tun-remcsum",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "sctp-service",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "ipv6",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    (
        "-6",
        Of::Ipvsadm,
        "Service",
        Means::Leave("it is not set here"),
    ),
    ("-w", Of::Ipvsadm, "RealServer", Means::Key("weight")),
    (
        "gatewaying",
        Of::Ipvsadm,
        "RealServer",
        Means::There("the service says it for all: `mode: dr`"),
    ),
    (
        "-g",
        Of::Ipvsadm,
        "RealServer",
        Means::There("the service says it for all: `mode: dr`"),
    ),
    (
        "masquerading",
        Of::Ipvsadm,
        "RealServer",
        Means::There("the service says it for all: `mode: dr`"),
    ),
    (
        "-m",
        Of::Ipvsadm,
        "RealServer",
        Means::There("the service says it for all: `mode: dr`"),
    ),
    (
        "ipip",
        Of::Ipvsadm,
        "RealServer",
        Means::There("the service says it for all: `mode: dr`"),
    ),
    (
        "-i",
        Of::Ipvsadm,
        "RealServer",
        Means::There("the service says it for all: `mode: dr`"),
    ),
    (
        "gate",
        Of::Ipvsadm,
        "RealServer",
        Means::There("the service says it for all: `mode: dr`"),
    ),
    (
        "masq",
        Of::Ipvsadm,
        "RealServer",
        Means::There("the service says it for all: `mode: dr`"),
    ),
    (
        "masquerade",
        Of::Ipvsadm,
        "RealServer",
        Means::There("the service says it for all: `mode: dr`"),
    ),
    (
        "u-threshold",
        Of::Ipvsadm,
        "RealServer",
        Means::Leave("it is not set here"),
    ),
    (
        "-x",
        Of::Ipvsadm,
        "RealServer",
        Means::Leave("it is not set here"),
    ),
    (
        "l-threshold",
        Of::Ipvsadm,
        "RealServer",
        Means::Leave("it is not set here"),
    ),
    (
        "-y",
        Of::Ipvsadm,
        "RealServer",
        Means::Leave("it is not set here"),
    ),
    (
        "tun-type",
        Of::Ipvsadm,
        "RealServer",
        Means::Leave("it is not set here"),
    ),
    (
        "tun-port",
        Of::Ipvsadm,
        "RealServer",
        Means::Leave("it is not set here"),
    ),
    (
        "tun-nocsum",
        Of::Ipvsadm,
        "RealServer",
        Means::Leave("it is not set here"),
    ),
    (
        "tun-csum",
        Of::Ipvsadm,
        "RealServer",
        Means::Leave("it is not set here"),
    ),
    (
        "tun-remcsum",
        Of::Ipvsadm,
        "RealServer",
        Means::Leave("it is not set here"),
    ),
    (
        "start-daemon",
        Of::Ipvsadm,
        "Vrrp",
        Means::Whole("sync_daemon: true"),
    ),
    (
        "stop-daemon",
        Of::Ipvsadm,
        "Vrrp",
        Means::Whole("sync_daemon: true"),
    ),
    (
        "mcast-interface",
        Of::Ipvsadm,
        "Vrrp",
        Means::Whole("sync_daemon: true"),
    ),
    (
        "syncid",
        Of::Ipvsadm,
        "Vrrp",
        Means::Whole("sync_daemon: true"),
    ),
    (
        "ansible_user",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "user"),
    ),
    (
        "ansible_ssh_user",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "user"),
    ),
    (
        "remote_user",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "user"),
    ),
    ("user", Of::Ansible, "Host", Means::Below("ssh", "user")),
    ("username", Of::Ansible, "Host", Means::Below("ssh", "user")),
    ("login", Of::Ansible, "Host", Means::Below("ssh", "user")),
    (
        "ansible_port",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "port"),
    ),
    (
        "ansible_ssh_port",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "port"),
    ),
    ("port", Of::Ansible, "Host", Means::Below("ssh", "port")),
    ("ssh_port", Of::Ansible, "Host", Means::Below("ssh", "port")),
    (
        "ansible_ssh_private_key_file",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "ansible_private_key_file",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "private_key_file",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "identity_file",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "identity_files",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "key_file",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "ansible_password",
        Of::Ansible,
        "Host",
        Means::Secret("password"),
    ),
    (
        "ansible_ssh_pass",
        Of::Ansible,
        "Host",
        Means::Secret("password"),
    ),
    (
        "ansible_ssh_password",
        Of::Ansible,
        "Host",
        Means::Secret("password"),
    ),
    (
        "ansible_pass",
        Of::Ansible,
        "Host",
        Means::Secret("password"),
    ),
    ("password", Of::Ansible, "Host", Means::Secret("password")),
    (
        "ansible_become",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "sudo"),
    ),
    ("become", Of::Ansible, "Host", Means::Below("ssh", "sudo")),
    ("sudo", Of::Ansible, "Host", Means::Below("ssh", "sudo")),
    (
        "ansible_become_password",
        Of::Ansible,
        "Host",
        Means::Secret("sudo_password"),
    ),
    (
        "ansible_become_pass",
        Of::Ansible,
        "Host",
        Means::Secret("sudo_password"),
    ),
    (
        "ansible_sudo_pass",
        Of::Ansible,
        "Host",
        Means::Secret("sudo_password"),
    ),
    (
        "ansible_become_method",
        Of::Ansible,
        "Host",
        Means::Leave("commands run as root, through sudo where the user is not root"),
    ),
    (
        "ansible_become_user",
        Of::Ansible,
        "Host",
        Means::Leave("commands run as root, through sudo where the user is not root"),
    ),
    (
        "ansible_become_exe",
        Of::Ansible,
        "Host",
        Means::Leave("commands run as root, through sudo where the user is not root"),
    ),
    (
        "ansible_become_flags",
        Of::Ansible,
        "Host",
        Means::Leave("commands run as root, through sudo where the user is not root"),
    ),
    (
        "ansible_timeout",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "connect_timeout"),
    ),
    (
        "ansible_ssh_timeout",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "connect_timeout"),
    ),
    (
        "timeout",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "connect_timeout"),
    ),
    (
        "ansible_host_key_checking",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "host_key_checking"),
    ),
    (
        "ansible_ssh_host_key_checking",
        Of::Ansible,
        "Host",
        Means::Below("ssh", "host_key_checking"),
    ),
    (
        "ansible_connection",
        Of::Ansible,
        "Host",
        Means::Convert(connection),
    ),
    (
        "ansible_ssh_common_args",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_sftp_extra_args",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_scp_extra_args",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_extra_args",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_args",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_executable",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_pipelining",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_pipelining",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_retries",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_transfer_method",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_control_path",
        Of::Ansible,
        "Host",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_shell_type",
        Of::Ansible,
        "Host",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "ansible_shell_executable",
        Of::Ansible,
        "Host",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "ansible_python_interpreter",
        Of::Ansible,
        "Host",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "ansible_perl_interpreter",
        Of::Ansible,
        "Host",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "ansible_ruby_interpreter",
        Of::Ansible,
        "Host",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "ansible_remote_tmp",
        Of::Ansible,
        "Host",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "vip",
        Of::Ansible,
        "Host",
        Means::There(
            "VIPs stand in services: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "vips",
        Of::Ansible,
        "Host",
        Means::There(
            "VIPs stand in services: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "ansible_user",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "user"),
    ),
    (
        "ansible_ssh_user",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "user"),
    ),
    (
        "remote_user",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "user"),
    ),
    ("user", Of::Ansible, "Defaults", Means::Below("ssh", "user")),
    (
        "username",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "user"),
    ),
    (
        "login",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "user"),
    ),
    (
        "ansible_port",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "port"),
    ),
    (
        "ansible_ssh_port",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "port"),
    ),
    ("port", Of::Ansible, "Defaults", Means::Below("ssh", "port")),
    (
        "ssh_port",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "port"),
    ),
    (
        "ansible_ssh_private_key_file",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "ansible_private_key_file",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "private_key_file",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "identity_file",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "identity_files",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "key_file",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "identity_files"),
    ),
    (
        "ansible_password",
        Of::Ansible,
        "Defaults",
        Means::Secret("password"),
    ),
    (
        "ansible_ssh_pass",
        Of::Ansible,
        "Defaults",
        Means::Secret("password"),
    ),
    (
        "ansible_ssh_password",
        Of::Ansible,
        "Defaults",
        Means::Secret("password"),
    ),
    (
        "ansible_pass",
        Of::Ansible,
        "Defaults",
        Means::Secret("password"),
    ),
    (
        "password",
        Of::Ansible,
        "Defaults",
        Means::Secret("password"),
    ),
    (
        "ansible_become",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "sudo"),
    ),
    (
        "become",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "sudo"),
    ),
    ("sudo", Of::Ansible, "Defaults", Means::Below("ssh", "sudo")),
    (
        "ansible_become_password",
        Of::Ansible,
        "Defaults",
        Means::Secret("sudo_password"),
    ),
    (
        "ansible_become_pass",
        Of::Ansible,
        "Defaults",
        Means::Secret("sudo_password"),
    ),
    (
        "ansible_sudo_pass",
        Of::Ansible,
        "Defaults",
        Means::Secret("sudo_password"),
    ),
    (
        "ansible_become_method",
        Of::Ansible,
        "Defaults",
        Means::Leave("commands run as root, through sudo where the user is not root"),
    ),
    (
        "ansible_become_user",
        Of::Ansible,
        "Defaults",
        Means::Leave("commands run as root, through sudo where the user is not root"),
    ),
    (
        "ansible_become_exe",
        Of::Ansible,
        "Defaults",
        Means::Leave("commands run as root, through sudo where the user is not root"),
    ),
    (
        "ansible_become_flags",
        Of::Ansible,
        "Defaults",
        Means::Leave("commands run as root, through sudo where the user is not root"),
    ),
    (
        "ansible_timeout",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "connect_timeout"),
    ),
    (
        "ansible_ssh_timeout",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "connect_timeout"),
    ),
    (
        "timeout",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "connect_timeout"),
    ),
    (
        "ansible_host_key_checking",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "host_key_checking"),
    ),
    (
        "ansible_ssh_host_key_checking",
        Of::Ansible,
        "Defaults",
        Means::Below("ssh", "host_key_checking"),
    ),
    (
        "ansible_connection",
        Of::Ansible,
        "Defaults",
        Means::Convert(connection),
    ),
    (
        "ansible_ssh_common_args",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_sftp_extra_args",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_scp_extra_args",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_extra_args",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_args",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_executable",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_pipelining",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_pipelining",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_retries",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_ssh_transfer_method",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_control_path",
        Of::Ansible,
        "Defaults",
        Means::There(
            "`~/.ssh/config` is read for jump hosts and the like; `ssh` has the other options",
        ),
    ),
    (
        "ansible_shell_type",
        Of::Ansible,
        "Defaults",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "ansible_shell_executable",
        Of::Ansible,
        "Defaults",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "ansible_python_interpreter",
        Of::Ansible,
        "Defaults",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "ansible_perl_interpreter",
        Of::Ansible,
        "Defaults",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "ansible_ruby_interpreter",
        Of::Ansible,
        "Defaults",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "ansible_remote_tmp",
        Of::Ansible,
        "Defaults",
        Means::Leave("nothing runs on a host but its own shell"),
    ),
    (
        "vip",
        Of::Ansible,
        "Defaults",
        Means::There(
            "VIPs stand in services: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "vips",
        Of::Ansible,
        "Defaults",
        Means::There(
            "VIPs stand in services: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    ("ansible_host", Of::Ansible, "Host", Means::Address),
    ("ansible_ssh_host", Of::Ansible, "Host", Means::Address),
    ("hostname", Of::Ansible, "Host", Means::Address),
    ("ansible_hostname", Of::Ansible, "Host", Means::Address),
    ("ip", Of::Ansible, "Host", Means::Address),
    (
        "ansible_host",
        Of::Ansible,
        "Defaults",
        Means::Leave("each host has its own `address`"),
    ),
    (
        "ansible_ssh_host",
        Of::Ansible,
        "Defaults",
        Means::Leave("each host has its own `address`"),
    ),
    (
        "hostname",
        Of::Ansible,
        "Defaults",
        Means::Leave("each host has its own `address`"),
    ),
    (
        "ip",
        Of::Ansible,
        "Defaults",
        Means::Leave("each host has its own `address`"),
    ),
    (
        "all",
        Of::Ansible,
        "Inventory",
        Means::There(
            "hosts stand right below `hosts`, by name: `hosts: { lb1: { role: director, address: 192.168.100.14 } }`",
        ),
    ),
    (
        "children",
        Of::Ansible,
        "Inventory",
        Means::There("a host names its roles itself: `role: [realserver, web]`"),
    ),
    (
        "groups",
        Of::Ansible,
        "Inventory",
        Means::There("a host names its roles itself: `role: [realserver, web]`"),
    ),
    (
        "ansible_user",
        Of::Ansible,
        "Inventory",
        Means::There(
            "what all hosts share stands in `defaults`: `defaults: { ssh: { user: admin } }`",
        ),
    ),
    (
        "ansible_port",
        Of::Ansible,
        "Inventory",
        Means::There(
            "what all hosts share stands in `defaults`: `defaults: { ssh: { user: admin } }`",
        ),
    ),
    (
        "ansible_become",
        Of::Ansible,
        "Inventory",
        Means::There(
            "what all hosts share stands in `defaults`: `defaults: { ssh: { user: admin } }`",
        ),
    ),
    (
        "ansible_ssh_private_key_file",
        Of::Ansible,
        "Inventory",
        Means::There(
            "what all hosts share stands in `defaults`: `defaults: { ssh: { user: admin } }`",
        ),
    ),
    (
        "ssh",
        Of::Ansible,
        "Inventory",
        Means::There(
            "what all hosts share stands in `defaults`: `defaults: { ssh: { user: admin } }`",
        ),
    ),
    (
        "user",
        Of::Ansible,
        "Inventory",
        Means::There(
            "what all hosts share stands in `defaults`: `defaults: { ssh: { user: admin } }`",
        ),
    ),
    (
        "port",
        Of::Ansible,
        "Inventory",
        Means::There(
            "what all hosts share stands in `defaults`: `defaults: { ssh: { user: admin } }`",
        ),
    ),
    (
        "sudo",
        Of::Ansible,
        "Inventory",
        Means::There(
            "what all hosts share stands in `defaults`: `defaults: { ssh: { user: admin } }`",
        ),
    ),
    (
        "interface",
        Of::Ansible,
        "Inventory",
        Means::Below("defaults", "interface"),
    ),
    (
        "gateway",
        Of::Ansible,
        "Inventory",
        Means::Below("defaults", "gateway"),
    ),
    (
        "connection",
        Of::Ansible,
        "Inventory",
        Means::Below("defaults", "connection"),
    ),
    (
        "persist",
        Of::Ansible,
        "Inventory",
        Means::Below("defaults", "persist"),
    ),
    (
        "lab",
        Of::Ansible,
        "Inventory",
        Means::Below("defaults", "lab"),
    ),
    (
        "weight",
        Of::Ansible,
        "Inventory",
        Means::Below("defaults", "weight"),
    ),
    (
        "hosts",
        Of::Ansible,
        "Host",
        Means::There("one host stands below each name; its roles are `role: [realserver, web]`"),
    ),
    (
        "groups",
        Of::Ansible,
        "Host",
        Means::There("one host stands below each name; its roles are `role: [realserver, web]`"),
    ),
    (
        "group",
        Of::Ansible,
        "Host",
        Means::There("one host stands below each name; its roles are `role: [realserver, web]`"),
    ),
    (
        "children",
        Of::Ansible,
        "Host",
        Means::There("one host stands below each name; its roles are `role: [realserver, web]`"),
    ),
    (
        "state",
        Of::Ansible,
        "Host",
        Means::Leave("the director with the highest `priority` is the master"),
    ),
    (
        "mac",
        Of::Ansible,
        "Host",
        Means::There(
            "an interface has it: `interfaces: { eth0: { address: 192.168.100.14, mac: 52:54:00:12:34:56 } }`",
        ),
    ),
    (
        "lladdr",
        Of::Ansible,
        "Host",
        Means::There(
            "an interface has it: `interfaces: { eth0: { address: 192.168.100.14, mac: 52:54:00:12:34:56 } }`",
        ),
    ),
    (
        "netmask",
        Of::Ansible,
        "Host",
        Means::There(
            "the address carries its prefix (`address: 192.168.100.14/24`), or `networks: { lan: 192.168.100.0/24 }` says it for all",
        ),
    ),
    (
        "prefix",
        Of::Ansible,
        "Host",
        Means::There(
            "the address carries its prefix (`address: 192.168.100.14/24`), or `networks: { lan: 192.168.100.0/24 }` says it for all",
        ),
    ),
    (
        "cidr",
        Of::Ansible,
        "Host",
        Means::There(
            "the address carries its prefix (`address: 192.168.100.14/24`), or `networks: { lan: 192.168.100.0/24 }` says it for all",
        ),
    ),
    (
        "subnet",
        Of::Ansible,
        "Host",
        Means::There(
            "the address carries its prefix (`address: 192.168.100.14/24`), or `networks: { lan: 192.168.100.0/24 }` says it for all",
        ),
    ),
    (
        "network",
        Of::Ansible,
        "Host",
        Means::There(
            "the address carries its prefix (`address: 192.168.100.14/24`), or `networks: { lan: 192.168.100.0/24 }` says it for all",
        ),
    ),
    ("balance", Of::Haproxy, "Service", Means::Key("scheduler")),
    (
        "bind",
        Of::Haproxy,
        "Service",
        Means::There("two keys say it: `vip: 192.168.100.200` and `port: 80`"),
    ),
    (
        "server",
        Of::Haproxy,
        "Service",
        Means::There(
            "list the hosts that serve: `real_servers: [rs1, rs2]`; each has its address below `hosts`",
        ),
    ),
    (
        "backend",
        Of::Haproxy,
        "Service",
        Means::There(
            "list the hosts that serve: `real_servers: [rs1, rs2]`; each has its address below `hosts`",
        ),
    ),
    (
        "use_backend",
        Of::Haproxy,
        "Service",
        Means::There(
            "list the hosts that serve: `real_servers: [rs1, rs2]`; each has its address below `hosts`",
        ),
    ),
    (
        "default_backend",
        Of::Haproxy,
        "Service",
        Means::There(
            "list the hosts that serve: `real_servers: [rs1, rs2]`; each has its address below `hosts`",
        ),
    ),
    (
        "servers",
        Of::Haproxy,
        "Service",
        Means::There(
            "list the hosts that serve: `real_servers: [rs1, rs2]`; each has its address below `hosts`",
        ),
    ),
    (
        "backends",
        Of::Haproxy,
        "Service",
        Means::There(
            "list the hosts that serve: `real_servers: [rs1, rs2]`; each has its address below `hosts`",
        ),
    ),
    (
        "httpchk",
        Of::Haproxy,
        "Service",
        Means::Whole("health_check: http"),
    ),
    ("inter", Of::Haproxy, "Service", Means::Key("delay_loop")),
    (
        "fall",
        Of::Haproxy,
        "Service",
        Means::Below("health_check", "retry"),
    ),
    (
        "rise",
        Of::Haproxy,
        "Service",
        Means::Below("health_check", "rise"),
    ),
    (
        "backup",
        Of::Haproxy,
        "Service",
        Means::There("a `sorry_server` answers when no real server is left"),
    ),
    (
        "stick-table",
        Of::Haproxy,
        "Service",
        Means::Whole("persistence: true"),
    ),
    (
        "stick",
        Of::Haproxy,
        "Service",
        Means::Whole("persistence: true"),
    ),
    (
        "maxconn",
        Of::Haproxy,
        "Service",
        Means::Leave("LVS forwards packets, and sees no HTTP"),
    ),
    (
        "cookie",
        Of::Haproxy,
        "Service",
        Means::Leave("LVS forwards packets, and sees no HTTP"),
    ),
    (
        "forwardfor",
        Of::Haproxy,
        "Service",
        Means::Leave("LVS forwards packets, and sees no HTTP"),
    ),
    (
        "acl",
        Of::Haproxy,
        "Service",
        Means::Leave("LVS forwards packets, and sees no HTTP"),
    ),
    (
        "http-request",
        Of::Haproxy,
        "Service",
        Means::Leave("LVS forwards packets, and sees no HTTP"),
    ),
    ("frontend", Of::Haproxy, "Inventory", Means::Key("services")),
    ("backend", Of::Haproxy, "Inventory", Means::Key("services")),
    ("listen", Of::Haproxy, "Inventory", Means::Key("services")),
    (
        "global",
        Of::Haproxy,
        "Inventory",
        Means::Leave("there is no such part here"),
    ),
    ("upstream", Of::Nginx, "Inventory", Means::Key("services")),
    ("stream", Of::Nginx, "Inventory", Means::Key("services")),
    ("http", Of::Nginx, "Inventory", Means::Key("services")),
    ("server", Of::Nginx, "Inventory", Means::Key("services")),
    ("listen", Of::Nginx, "Service", Means::Key("port")),
    (
        "server_name",
        Of::Nginx,
        "Service",
        Means::Leave("LVS forwards packets, and sees no HTTP"),
    ),
    (
        "proxy_pass",
        Of::Nginx,
        "Service",
        Means::Leave("LVS forwards packets, and sees no HTTP"),
    ),
    (
        "location",
        Of::Nginx,
        "Service",
        Means::Leave("LVS forwards packets, and sees no HTTP"),
    ),
    (
        "upstream",
        Of::Nginx,
        "Service",
        Means::There("list the hosts that serve: `real_servers: [rs1, rs2]`"),
    ),
    (
        "least_conn",
        Of::Nginx,
        "Service",
        Means::Whole("scheduler: lc"),
    ),
    (
        "ip_hash",
        Of::Nginx,
        "Service",
        Means::Whole("scheduler: sh"),
    ),
    ("hash", Of::Nginx, "Service", Means::Whole("scheduler: mh")),
    (
        "random",
        Of::Nginx,
        "Service",
        Means::Whole("scheduler: rr"),
    ),
    (
        "least_time",
        Of::Nginx,
        "Service",
        Means::Whole("scheduler: wlc"),
    ),
    (
        "max_fails",
        Of::Nginx,
        "Service",
        Means::Below("health_check", "retry"),
    ),
    (
        "fail_timeout",
        Of::Nginx,
        "Service",
        Means::Below("health_check", "delay_before_retry"),
    ),
    (
        "max_fails",
        Of::Nginx,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: { retry: 3 }`"),
    ),
    (
        "fail_timeout",
        Of::Nginx,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: { retry: 3 }`"),
    ),
    (
        "max_conns",
        Of::Nginx,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: { retry: 3 }`"),
    ),
    (
        "slow_start",
        Of::Nginx,
        "RealServer",
        Means::There("the service says it for all real servers: `health_check: { retry: 3 }`"),
    ),
    ("down", Of::Nginx, "RealServer", Means::Whole("weight: 0")),
    (
        "backup",
        Of::Nginx,
        "RealServer",
        Means::There("the service takes a `sorry_server`"),
    ),
    (
        "primitive",
        Of::Pacemaker,
        "Inventory",
        Means::Key("services"),
    ),
    (
        "resources",
        Of::Pacemaker,
        "Inventory",
        Means::Key("services"),
    ),
    ("nodes", Of::Pacemaker, "Inventory", Means::Key("hosts")),
    (
        "stonith",
        Of::Pacemaker,
        "Inventory",
        Means::Leave("VRRP decides who holds the VIPs"),
    ),
    (
        "colocation",
        Of::Pacemaker,
        "Inventory",
        Means::Leave("VRRP decides who holds the VIPs"),
    ),
    (
        "order",
        Of::Pacemaker,
        "Inventory",
        Means::Leave("VRRP decides who holds the VIPs"),
    ),
    (
        "location",
        Of::Pacemaker,
        "Inventory",
        Means::Leave("VRRP decides who holds the VIPs"),
    ),
    (
        "constraints",
        Of::Pacemaker,
        "Inventory",
        Means::Leave("VRRP decides who holds the VIPs"),
    ),
    ("ip", Of::Pacemaker, "Service", Means::Key("vip")),
    (
        "cidr_netmask",
        Of::Pacemaker,
        "Service",
        Means::There("the VIP carries its prefix: `vip: 192.168.100.200/24`"),
    ),
    (
        "nic",
        Of::Pacemaker,
        "Service",
        Means::Leave("the interface in the network of the VIP holds it"),
    ),
    (
        "iface",
        Of::Pacemaker,
        "Service",
        Means::Leave("the interface in the network of the VIP holds it"),
    ),
    (
        "interface",
        Of::Pacemaker,
        "Service",
        Means::Leave("the interface in the network of the VIP holds it"),
    ),
    ("nic", Of::Pacemaker, "Vrrp", Means::Key("interface")),
    ("vip", Of::Pacemaker, "Vrrp", Means::Key("vips")),
    ("ip", Of::Pacemaker, "Vrrp", Means::Key("vips")),
    ("nic", Of::Pacemaker, "Host", Means::Key("interface")),
    ("iface", Of::Pacemaker, "Host", Means::Key("interface")),
    ("hosts", Of::Lvsctl, "Service", Means::Key("real_servers")),
    ("hosts", Of::Lvsctl, "Vrrp", Means::Key("members")),
    ("directors", Of::Lvsctl, "Vrrp", Means::Key("members")),
    ("vrid", Of::Lvsctl, "Vrrp", Means::Key("virtual_router_id")),
    (
        "router_id",
        Of::Lvsctl,
        "Vrrp",
        Means::Key("virtual_router_id"),
    ),
    (
        "password",
        Of::Lvsctl,
        "Vrrp",
        Means::Whole("auth_pass: { env: LVSCTL_AUTH_PASS }"),
    ),
    (
        "pass",
        Of::Lvsctl,
        "Vrrp",
        Means::Whole("auth_pass: { env: LVSCTL_AUTH_PASS }"),
    ),
    (
        "port",
        Of::Lvsctl,
        "Vrrp",
        Means::There(
            "VIPs and ports stand in services: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "services",
        Of::Lvsctl,
        "Vrrp",
        Means::There(
            "VIPs and ports stand in services: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "real_servers",
        Of::Lvsctl,
        "Vrrp",
        Means::There(
            "VIPs and ports stand in services: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "vip",
        Of::Lvsctl,
        "Inventory",
        Means::There(
            "it stands in a service: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "port",
        Of::Lvsctl,
        "Inventory",
        Means::There(
            "it stands in a service: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "real_servers",
        Of::Lvsctl,
        "Inventory",
        Means::There(
            "it stands in a service: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "scheduler",
        Of::Lvsctl,
        "Inventory",
        Means::There(
            "it stands in a service: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "mode",
        Of::Lvsctl,
        "Inventory",
        Means::There(
            "it stands in a service: `services: { web: { vip: 192.168.100.200, port: 80 } }`",
        ),
    ),
    (
        "virtual_router_id",
        Of::Lvsctl,
        "Inventory",
        Means::There("it stands in `vrrp`: `vrrp: { virtual_router_id: 51 }`"),
    ),
    (
        "auth_pass",
        Of::Lvsctl,
        "Inventory",
        Means::There("it stands in `vrrp`: `vrrp: { virtual_router_id: 51 }`"),
    ),
    (
        "advert_int",
        Of::Lvsctl,
        "Inventory",
        Means::There("it stands in `vrrp`: `vrrp: { virtual_router_id: 51 }`"),
    ),
    (
        "unicast",
        Of::Lvsctl,
        "Inventory",
        Means::There("it stands in `vrrp`: `vrrp: { virtual_router_id: 51 }`"),
    ),
    ("name", Of::Lvsctl, "Inventory", Means::Key("cluster")),
    ("address", Of::Lvsctl, "Service", Means::Key("vip")),
    ("virtual_address", Of::Lvsctl, "Service", Means::Key("vip")),
    ("ports", Of::Lvsctl, "Service", Means::Key("port")),
    ("algorithm", Of::Lvsctl, "Service", Means::Key("scheduler")),
    ("method", Of::Lvsctl, "Service", Means::Key("scheduler")),
    ("kind", Of::Lvsctl, "Service", Means::Key("mode")),
    ("forward", Of::Lvsctl, "Service", Means::Key("mode")),
    ("forwarding", Of::Lvsctl, "Service", Means::Key("mode")),
    (
        "role",
        Of::Lvsctl,
        "Service",
        Means::There("hosts have it, below `hosts`"),
    ),
    (
        "priority",
        Of::Lvsctl,
        "Service",
        Means::There("hosts have it, below `hosts`"),
    ),
    (
        "address",
        Of::Lvsctl,
        "RealServer",
        Means::There("a real server has its address below `hosts`"),
    ),
    (
        "ip",
        Of::Lvsctl,
        "RealServer",
        Means::There("a real server has its address below `hosts`"),
    ),
    ("real_port", Of::Lvsctl, "RealServer", Means::Key("port")),
];
