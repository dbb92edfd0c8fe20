//! Words of other programs, and the key that says the same here: keepalived.conf(5), ldirectord(8), ipvsadm(8), the
//! connection variables of Ansible, HAProxy's, nginx's and Pacemaker's configurations, Docker's and Kubernetes' files. And
//! keys of ours that stand at another place. What a key takes is decided elsewhere.

mod advice;
mod build;
mod fit;
mod home;
mod more_words;
mod servers;
mod slip;
mod words;

use super::covered;
use super::form::Form;
use super::node::{Entry, Node, Value};
use super::problem::{nearest, shown};
use super::scalar::{seconds, switch};
use super::site::{Site, each, entries_of, find, scalar};
pub(super) use advice::quoted;
use advice::{Advice, put, source};
pub(super) use build::{Port, port, role_of, several, unit, weighted};
pub(super) use home::is_host;
pub(super) use servers::servers;

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
    /// Kubernetes or Docker.
    Containers,
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
    /// A key below others.
    Below(&'static [&'static str]),
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
    /// What depends on its value and on what stands beside it.
    Build(Builder),
}

/// The keys that it stands for, and how what is said is made.
#[derive(Debug, Clone, Copy)]
pub struct Builder(&'static [&'static str], Build);

type Build = fn(&Entry, &Site<'_>) -> Advice;

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
    words::rows().find(near)
}

/// The same word, whatever parts its words: `lb_algo`, `lb-algo`, `lbAlgo`. Options differ by their case, `-m` and `-M`.
fn same_word(known: &str, word: &str) -> bool {
    if known.starts_with('-') || word.starts_with('-') {
        return known == word;
    }
    // Most words differ here already.
    let first = |word: &str| word.bytes().next().map(|byte| byte.to_ascii_lowercase());
    first(known) == first(word) && letters(known).eq(letters(word))
}

fn letters(word: &str) -> impl Iterator<Item = u8> {
    let bytes = word.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
    bytes.map(|byte| byte.to_ascii_lowercase())
}

fn has_word(row: &Row, word: &str) -> bool {
    row.0.split_whitespace().any(|known| same_word(known, word))
}

/// Every word that is known, with whose it is, the type that it is written in, and what it means.
pub fn keys() -> impl Iterator<Item = Row> {
    words::rows().flat_map(|(words, of, within, means)| {
        words
            .split_whitespace()
            .map(|word| (word, *of, *within, *means))
    })
}

/// Whether a key that is not known stands for this one, which is then not missing as well.
pub(super) fn stands_for(word: &str, key: &str) -> bool {
    // A script that is faulty has been reported; only one of both is missing.
    if key == "unit" && stands_for(word, "script") {
        return true;
    }
    let word = slip::divided(word).map_or(word, |(word, _)| word);
    let word = word.split(' ').next().unwrap_or_default();
    same_word(key, word) || is_word_for(word, key) || nearest(word, [key]).is_some()
}

/// Whether a key holds a secret itself: `password=hunter2`.
pub(super) fn names_secret(key: &str) -> bool {
    slip::divided(key).is_some_and(|(key, value)| !value.is_empty() && covered::is_secret(key))
}

/// Whether another program's word stands for this key.
fn is_word_for(word: &str, key: &str) -> bool {
    let same = |row: &&Row| has_word(row, word);
    let means = |row: &Row| match row.3 {
        Means::Key(ours) => ours == key,
        Means::Whole(text) => text.split(':').next() == Some(key),
        Means::Address => key == "address",
        Means::There(help) => help.contains(&format!("`{key}: ")),
        Means::Build(Builder(keys, _)) => keys.contains(&key),
        _ => false,
    };
    words::rows().filter(same).any(means)
}

/// Maps of more keys than this are looked at key by key alone.
pub(super) const MOST_SIBLINGS: usize = 200;

/// What to say of each key of a map that is not known there. Of several that belong to one key of ours the first has all,
/// so that no key would stand twice.
pub(super) fn explain(site: &Site<'_>, known: &[&str]) -> Vec<Option<Hint>> {
    let map = site.map();
    if !site.inventory {
        return map.iter().map(|_| None).collect();
    }
    let each = |entry| Some((entry, alone(entry, site, known)?));
    if map.len() > MOST_SIBLINGS {
        let hint = |(entry, advice): (&Entry, Advice)| advice.hint(entry);
        return map.iter().map(|entry| each(entry).map(hint)).collect();
    }
    let all: Vec<Option<(&Entry, Advice)>> = map.iter().map(each).collect();
    let one = |one: &Option<(&Entry, Advice)>| {
        let (entry, advice) = one.clone()?;
        Some(
            advice
                .beside(entry, all.iter().flatten().cloned())
                .hint(entry),
        )
    };
    all.iter().map(one).collect()
}

fn alone(entry: &Entry, site: &Site<'_>, known: &[&str]) -> Option<Advice> {
    if known.contains(&entry.key.as_str()) {
        return None;
    }
    if let Some(advice) = slip::of_key(entry, known) {
        return Some(advice);
    }
    let first = entry.key.split(' ').next().unwrap_or_default();
    match row(&entry.key, site.of()).or_else(|| row(first, site.of())) {
        Some((.., means)) => Some(meant(means, entry, site)),
        None => respelt(entry, site, known).or_else(|| home::of_key(entry, site)),
    }
}

/// A key of ours with its words parted otherwise: `real-servers`, `realServers`.
fn respelt(entry: &Entry, site: &Site<'_>, known: &[&str]) -> Option<Advice> {
    let key = known.iter().find(|key| same_word(key, &entry.key))?;
    let key = home::known(site.of(), key)?;
    let is_map = matches!(entry.value.value, Value::Map(_));
    if covered::is_secret(key) && !is_map && site.given(key).is_none() {
        return Some(Advice::write(key, source(key)));
    }
    Some(renamed(key, entry, site))
}

fn meant(means: &Means, entry: &Entry, site: &Site<'_>) -> Advice {
    match *means {
        Means::Key(key) => renamed(key, entry, site),
        Means::Whole(text) => of_whole(text, site),
        Means::Convert(convert) => {
            let value = Form::of(&entry.value);
            let value = value.as_ref().and_then(Form::text).unwrap_or_default();
            match convert(value) {
                Some(text) => of_whole(text, site),
                None => Advice::delete("what is right by default is not said"),
            }
        }
        Means::Below(path @ [.., "identity_files"]) if !covered::shows_key_file(entry) => {
            put(site, 0, path, Form::parse(KEY_FILE)).noting(NAMES_FILE)
        }
        Means::Below(path) => match path.last().zip(Form::of(&entry.value)) {
            Some((key, form)) => put(site, 0, path, value_of(key, form)),
            None => Advice::say(format!(
                "move it there: it belongs below `{}`",
                path.first().copied().unwrap_or_default()
            )),
        },
        Means::Secret(key) => put(site, 0, &["ssh", key], source(key)),
        Means::Address => {
            let (beside, form) = (site.given("address"), Form::of(&entry.value));
            let free = beside.or(site.given("interfaces")).is_none();
            let text = form.as_ref().and_then(Form::text).unwrap_or_default();
            match form.as_ref() {
                Some(form) if free && text.parse::<std::net::IpAddr>().is_ok() => {
                    Advice::write("address", form.clone())
                }
                Some(form) if !free => put(site, 0, &["ssh", "host"], form.clone()),
                _ => Advice::labelled(
                    "here it is `address`",
                    "`address` is the host's address in the cluster; `ssh: { host: NAME }` says where SSH finds it, if elsewhere",
                ),
            }
        }
        Means::There(help) => Advice::say(help),
        Means::Leave(why) => Advice::delete(why),
        Means::Build(Builder(_, build)) => build(entry, site),
    }
}

/// What is proposed for the file of a key, where what stands there may be the key.
const KEY_FILE: &str = "[~/.ssh/id_ed25519]";
const NAMES_FILE: &str = ", with the name of the key's file";

/// VIPs of VRRP as services write them, which say the same prefix or none.
fn as_in_services(form: Form, site: &Site<'_>) -> Form {
    if site.of() != "Vrrp" {
        return form;
    }
    match form {
        Form::Word(text) => Form::Word(vip_in_services(&text, site).unwrap_or(&text).to_owned()),
        Form::List(list) => {
            let each = |form| as_in_services(form, site);
            Form::List(list.into_iter().map(each).collect())
        }
        other => other,
    }
}

/// A VIP as a service writes it.
pub(super) fn vip_in_services<'a>(text: &str, site: &Site<'a>) -> Option<&'a str> {
    let address = |text: &str| text.split('/').next()?.parse::<std::net::IpAddr>().ok();
    let own = address(text)?;
    let services = site.all("services").iter().take(MOST_SIBLINGS);
    let vips = services.filter_map(|service| find(entries_of(&service.value), "vip"));
    vips.flat_map(|vip| each(&vip.value))
        .filter_map(scalar)
        .find(|text| address(text) == Some(own))
}

/// The same value behind another key.
fn renamed(key: &'static str, entry: &Entry, site: &Site<'_>) -> Advice {
    // Other programs call both a method.
    let said = text_of(&entry.value).unwrap_or_default();
    let key = match key {
        "scheduler" if scheduler(&said).is_none() && mode(&said).is_some() => "mode",
        "mode" if mode(&said).is_none() && scheduler(&said).is_some() => "scheduler",
        key => key,
    };
    if site.given(key).is_some() {
        return Advice::delete(format!("`{key}` is given already"));
    }
    if key == "identity_files" && !covered::shows_key_file(entry) {
        return Advice::write(key, Form::parse(KEY_FILE)).noting(NAMES_FILE);
    }
    let is_map = matches!(entry.value.value, Value::Map(_) | Value::Null);
    if let ("vip" | "vips", Some(form)) = (key, Form::of(&entry.value)) {
        return Advice::write(key, as_in_services(value_of(key, form), site));
    }
    match Form::of(&entry.value).filter(|_| !is_map) {
        Some(form) => Advice::write(key, value_of(key, form)),
        None => Advice::Rename(key),
    }
}

fn of_whole(text: &'static str, site: &Site<'_>) -> Advice {
    let (key, value) = text.split_once(": ").unwrap_or((text, ""));
    if site.given(key).is_some() {
        return Advice::delete(format!("`{key}` is given already"));
    }
    Advice::write(key, Form::parse(value))
}

/// A value as the key takes it.
fn value_of(key: &str, form: Form) -> Form {
    let text = match form {
        Form::Word(text) => text,
        Form::List(list) if key != "identity_files" => {
            return Form::List(list.into_iter().map(|form| value_of(key, form)).collect());
        }
        form => return form,
    };
    let on_or_off = |text: &str| switch(text).map(|on| on.to_string());
    let known = match key {
        "scheduler" => scheduler(&text).map(str::to_owned),
        "mode" => mode(&text).map(str::to_owned),
        "protocol" => Some(text.to_lowercase()),
        "sudo" | "read_only" | "persist" | "preempt" | "unicast" | "one_packet" | "sync_daemon" => {
            on_or_off(&text)
        }
        "persistence" => on_or_off(&text).or_else(|| whole_seconds(&text)),
        "delay_loop" | "connect_timeout" | "delay_before_retry" | "timeout" | "interval"
        | "advert_int" | "command_timeout" => whole_seconds(&text),
        "path" => path_of(&text),
        "identity_files" => return Form::List(vec![Form::Word(text)]),
        "host_key_checking" => switch(&text).map(|strict| {
            let word = if strict { "strict" } else { "accept-new" };
            word.to_owned()
        }),
        // `10.0.0.100/24 dev eth0 label eth0:1`.
        "vip" | "vips" if text.contains(" dev ") => text.split(' ').next().map(str::to_owned),
        _ => None,
    };
    Form::Word(known.unwrap_or(text))
}

fn whole_seconds(text: &str) -> Option<String> {
    seconds(text).map(|seconds| seconds.ceil().max(1.0).to_string())
}

/// Of a URL, or without the `/` that a path begins with.
fn path_of(text: &str) -> Option<String> {
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => text,
    };
    (!path.starts_with('/')).then(|| format!("/{path}"))
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
        // A sorry server is named in its service; what it serves is the host's role.
        "webserver" | "web-server" | "nginx" | "httpd" | "sorry" | "sorry-server"
        | "maintenance" => Some("web"),
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

/// A value that can stand behind another key as it is.
fn text_of(node: &Node) -> Option<String> {
    Form::of(node)?.text().map(str::to_owned)
}

/// A key as messages show it.
fn name_of(entry: &Entry) -> String {
    shown(&entry.key)
}
