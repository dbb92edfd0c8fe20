//! Words of other programs, and the key that says the same here: keepalived.conf(5), ldirectord(8), ipvsadm(8), the
//! connection variables of Ansible, HAProxy's, nginx's and Pacemaker's configurations. What a key takes is decided
//! elsewhere.

mod words;

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

/// Words with blanks between them, whose they are, the type that they are written in, and what they mean there.
pub type Row = (&'static str, Of, &'static str, Means);

/// What to say of an unknown key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hint {
    pub label: String,
    pub help: String,
}

/// The row of a key in a map of this type.
pub(super) fn row(word: &str, within: &str) -> Option<&'static Row> {
    let near = |row: &&Row| row.2 == within && has_word(row, word);
    words::KEYS.iter().find(near)
}

/// Options differ by their case, `-m` and `-M`.
fn same_word(known: &str, word: &str) -> bool {
    known == word || (!word.starts_with('-') && known.eq_ignore_ascii_case(word))
}

fn has_word(row: &Row, word: &str) -> bool {
    row.0.split_whitespace().any(|known| same_word(known, word))
}

/// Every word that is known, with whose it is, the type that it is written in, and what it means.
pub fn keys() -> impl Iterator<Item = Row> {
    words::KEYS.iter().flat_map(|(words, of, within, means)| {
        words
            .split_whitespace()
            .map(|word| (word, *of, *within, *means))
    })
}

/// Whether a key that is not known stands for this one, which is then not missing as well.
pub(super) fn stands_for(word: &str, key: &str) -> bool {
    let same = |row: &&Row| has_word(row, word);
    let means = |row: &Row| match row.3 {
        Means::Key(ours) => ours == key,
        Means::Whole(text) => text.split(':').next() == Some(key),
        Means::Address => key == "address",
        Means::There(help) => help.contains(&format!("`{key}: ")),
        _ => false,
    };
    words::KEYS.iter().filter(same).any(means) || nearest(word, [key]).is_some()
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
