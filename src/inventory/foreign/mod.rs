//! Hints for unknown keys: the lvsctl key for another program's keyword, keys of lvsctl at a wrong place, and keys with a
//! missing or extra blank. Values are checked elsewhere.

mod adapt_value;
mod advice;
mod convert;
mod convert_health;
mod maintenance;
mod misplaced_key;
mod port_mapping;
mod real_servers;
mod table;
mod table_balancers;
mod typo;

use std::net::IpAddr;

use super::form::Form;
use super::location::{Location, MapType, each, entries_of, find, scalar};
use super::scalar::switch;
use super::secret_masking as masking;
use crate::diagnostic::{nearest, shown};
use crate::yaml::{Entry, Node, Value};
pub(super) use advice::quoted;
use advice::{Advice, put, source};
pub(super) use convert::{role_of, unit};
pub(super) use port_mapping::{a_service_each, ports};
pub(super) use real_servers::{servers, weighted};

/// The key and the value to write in the place of another program's word.
#[derive(Debug, Clone, Copy)]
pub enum Means {
    /// The value behind a key of the same map, below further keys of it.
    Put(&'static [&'static str]),
    /// The same in the service, which says it for all its real servers.
    ForService(&'static [&'static str]),
    /// A key with this value.
    Fixed(&'static str),
    /// A key with the value that this one stands for.
    Value(fn(&str) -> &'static str),
    /// A secret, which is read from elsewhere.
    Secret(&'static [&'static str]),
    /// The host's address, or where SSH finds it.
    Address,
    /// A help that names the key to use instead.
    There(&'static str),
    /// The same, with the required keys that it stands for: they are not reported as missing.
    Instead(&'static [&'static str], &'static str),
    /// The key can be deleted; the reason.
    Leave(&'static str),
    /// A function of the value and of the keys beside it.
    Convert(Conversion),
}

/// The keys that a word stands for, and the function that gives the advice.
#[derive(Debug, Clone, Copy)]
pub struct Conversion(&'static [&'static str], Converter);

type Converter = fn(&Entry, &Location<'_>) -> Advice;

/// Words with blanks between them, the types of the maps that they are written in, and what to write there.
pub type Row = (&'static str, &'static str, Means);

/// The label and the help of an unknown key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    pub label: String,
    pub help: String,
}

/// The row of a key in a map of this type.
fn row(word: &str, within: MapType) -> Option<&'static Row> {
    table::rows()
        .find(|row| has_word(row, word) && row.1.split(' ').any(|of| MapType::named(of) == within))
}

/// The same word in any spelling: `lb_algo`, `lb-algo`, `lbAlgo`. Options differ by their case, `-m` and `-M`.
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

/// Every word of the table, with the type of a map that it is written in.
pub fn keys() -> impl Iterator<Item = Row> {
    table::rows().flat_map(|(words, types, means)| {
        let within = types.split(' ');
        within.flat_map(move |of| words.split_whitespace().map(move |word| (word, of, *means)))
    })
}

/// True if an unknown key stands for this one, which is then not reported as missing.
pub(super) fn stands_for(word: &str, key: &str) -> bool {
    // A script that is faulty has been reported; only one of both is missing.
    if key == "unit" && stands_for(word, "script") {
        return true;
    }
    let word = typo::divided(word).map_or(word, |(word, _)| word);
    let word = word.split(' ').next().unwrap_or_default();
    same_word(key, word) || is_word_for(word, key) || nearest(word, [key]).is_some()
}

/// Whether a key is one of a host, or another program's word for one.
pub(super) fn is_key_of_host(key: &str) -> bool {
    misplaced_key::known(MapType::Host, key).is_some() || row(key, MapType::Host).is_some()
}

/// Whether a key holds a secret itself: `password=hunter2`.
pub(super) fn names_secret(key: &str) -> bool {
    typo::divided(key).is_some_and(|(key, value)| !value.is_empty() && masking::is_secret(key))
}

/// Whether another program's word stands for this key.
fn is_word_for(word: &str, key: &str) -> bool {
    let means = |row: &Row| match row.2 {
        Means::Put(path) | Means::Secret(path) => path == [key],
        Means::Fixed(text) => text.split(':').next() == Some(key),
        Means::Address => key == "address",
        Means::Instead(keys, _) | Means::Convert(Conversion(keys, _)) => keys.contains(&key),
        _ => false,
    };
    table::rows().filter(|row| has_word(row, word)).any(means)
}

/// Maps of more keys than this are looked at key by key alone.
pub(super) const MOST_SIBLINGS: usize = 200;

/// The hints of the unknown keys of a map. If several belong to one key of ours, the hint of the first has all their values,
/// so that no key stands twice.
pub(super) fn explain(site: &Location<'_>, known: &[&str]) -> Vec<Option<Hint>> {
    let map = site.map();
    let each = |entry| Some((entry, alone(entry, site, known)?));
    if map.len() > MOST_SIBLINGS {
        let hint = |(entry, advice): (&Entry, Advice)| advice.hint(entry);
        return map.iter().map(|entry| each(entry).map(hint)).collect();
    }
    let all: Vec<Option<(&Entry, Advice)>> = map.iter().map(each).collect();
    let one = |one: &Option<(&Entry, Advice)>| {
        let (entry, advice) = one.clone()?;
        let all = all.iter().flatten().cloned();
        Some(advice.beside(entry, all).hint(entry))
    };
    all.iter().map(one).collect()
}

fn alone(entry: &Entry, site: &Location<'_>, known: &[&str]) -> Option<Advice> {
    if known.contains(&entry.key.as_str()) {
        return None;
    }
    if let Some(advice) = typo::of_key(entry, known) {
        return Some(advice);
    }
    let first = entry.key.split(' ').next().unwrap_or_default();
    match row(&entry.key, site.of()).or_else(|| row(first, site.of())) {
        Some((.., means)) => Some(meant(means, entry, site)),
        None => respelt(entry, site, known).or_else(|| misplaced_key::of_key(entry, site)),
    }
}

/// A key of ours in another spelling: `real-servers`, `realServers`.
fn respelt(entry: &Entry, site: &Location<'_>, known: &[&str]) -> Option<Advice> {
    let key = known.iter().find(|key| same_word(key, &entry.key))?;
    let key = misplaced_key::known(site.of(), key)?;
    let is_map = matches!(entry.value.value, Value::Map(_));
    if masking::is_secret(key) && !is_map && site.given(key).is_none() {
        return Some(Advice::write(key, source(key)));
    }
    Some(renamed(key, entry, site))
}

fn meant(means: &Means, entry: &Entry, site: &Location<'_>) -> Advice {
    match *means {
        Means::Put([key]) => renamed(key, entry, site),
        Means::Put(path) => value_for(path, entry, |form| put(site, 0, path, form)),
        Means::ForService(path) => value_for(path, entry, |form| for_service(path, form, site)),
        Means::Fixed(text) => fixed(text, site),
        Means::Value(convert) => fixed(convert(scalar(&entry.value).unwrap_or_default()), site),
        Means::Secret(path) => put(site, 0, path, source(path.last().unwrap_or(&""))),
        Means::Address => address(entry, site),
        Means::There(help) | Means::Instead(_, help) => Advice::say(help),
        Means::Leave(why) => Advice::delete(why),
        Means::Convert(Conversion(_, convert)) => convert(entry, site),
    }
}

/// A value for the service around, or for the services of the inventory.
fn for_service(path: &[&str], form: Form, site: &Location<'_>) -> Advice {
    match site.level_of(MapType::Service) {
        Some(level) => put(site, level, path, form),
        None => misplaced_key::to_service(path, form, site),
    }
}

/// Advice with the value as its key takes it.
fn value_for(path: &[&str], entry: &Entry, advice: impl FnOnce(Form) -> Advice) -> Advice {
    let key = path.last().copied().unwrap_or_default();
    if key == "identity_files" && !masking::shows_key_file(entry) {
        return advice(Form::parse(KEY_FILE)).noting(NAMES_FILE);
    }
    match Form::of(&entry.value) {
        Some(form) if key == "text" && form.text().is_some_and(is_pattern) => {
            Advice::delete("lvsctl does not support patterns: `text` looks for words as they are")
        }
        Some(form) if path.ends_with(&["script", "path"]) || key == "script" => {
            advice(convert_health::program_of(form))
        }
        Some(form) => advice(value_of(key, form)),
        None => {
            let first = path.first().copied().unwrap_or_default();
            Advice::say(format!("move it there: it belongs below `{first}`"))
        }
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['^', '$', '*', '\\', '[', '|', '?', '(', '+'])
}

/// An address becomes the host's `address` if it has none; a name becomes the host of `ssh`.
fn address(entry: &Entry, site: &Location<'_>) -> Advice {
    let given = site.given("address").or(site.given("interfaces"));
    match (Form::of(&entry.value), given) {
        (Some(form), None)
            if form
                .text()
                .is_some_and(|text| text.parse::<IpAddr>().is_ok()) =>
        {
            Advice::write("address", form)
        }
        (Some(form), Some(_)) => put(site, 0, &["ssh", "host"], form),
        _ => Advice::labelled(
            "here it is `address`",
            "`address` is the host's address in the cluster; `ssh: { host: NAME }` says where SSH finds it, if elsewhere",
        ),
    }
}

/// The example for the file of a key, where what stands there may be the key.
const KEY_FILE: &str = "[~/.ssh/id_ed25519]";
const NAMES_FILE: &str = ", with the name of the key's file";

/// VIPs of VRRP as services write them, which say the same prefix or none.
fn as_in_services(form: Form, site: &Location<'_>) -> Form {
    if site.of() != MapType::Vrrp {
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
pub(super) fn vip_in_services<'a>(text: &str, site: &Location<'a>) -> Option<&'a str> {
    let address = |text: &str| text.split('/').next()?.parse::<IpAddr>().ok();
    let own = address(text)?;
    let services = site.all("services").iter().take(MOST_SIBLINGS);
    let vips = services.filter_map(|service| find(entries_of(&service.value), "vip"));
    vips.flat_map(|vip| each(&vip.value))
        .filter_map(scalar)
        .find(|text| address(text) == Some(own))
}

const A_HOST: &str =
    "each host stands below its name: `hosts: { lb1: { role: director, address: ‹host› } }`";
const A_SERVICE: &str =
    "each service stands below its name: `services: { web: { vip: ‹vip›, port: 80 } }`";

/// The same value behind another key.
fn renamed(key: &'static str, entry: &Entry, site: &Location<'_>) -> Advice {
    // Other programs call both scheduler and mode a method.
    let said = text_of(&entry.value).unwrap_or_default();
    let key = match key {
        "scheduler" if scheduler(&said).is_none() && mode(&said).is_some() => "mode",
        "mode" if mode(&said).is_none() && scheduler(&said).is_some() => "scheduler",
        key => key,
    };
    if site.given(key).is_some() {
        return Advice::delete(format!("`{key}` is given already"));
    }
    if key == "identity_files" && !masking::shows_key_file(entry) {
        return Advice::write(key, Form::parse(KEY_FILE)).noting(NAMES_FILE);
    }
    let is_map = matches!(entry.value.value, Value::Map(_) | Value::Null);
    let maps = [("hosts", A_HOST), ("services", A_SERVICE)];
    if let Some((_, example)) = maps.iter().find(|(map, _)| *map == key && !is_map) {
        return Advice::labelled(&format!("here it is `{key}`"), *example);
    }
    if let ("vip" | "vips", Some(form)) = (key, Form::of(&entry.value)) {
        return Advice::write(key, as_in_services(value_of(key, form), site));
    }
    match Form::of(&entry.value).filter(|_| !is_map) {
        Some(form) if key == "track_script" && form.text().is_some() => put(
            site,
            0,
            &[key, "up", "script"],
            convert_health::program_of(form),
        ),
        Some(form) if key == "path" && site.of() == MapType::ScriptCheck => {
            Advice::write(key, convert_health::program_of(form))
        }
        Some(form) if key == "text" => value_for(&[key], entry, |_| Advice::write(key, form)),
        Some(form) => Advice::write(key, value_of(key, form)),
        None => Advice::Rename(key),
    }
}

fn fixed(text: &'static str, site: &Location<'_>) -> Advice {
    let (key, value) = text.split_once(": ").unwrap_or((text, ""));
    if site.given(key).is_some() {
        return Advice::delete(format!("`{key}` is given already"));
    }
    Advice::write(key, Form::parse(value))
}

/// A value as the key takes it. Numbers and words of a closed set are adapted when the hint is written.
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
        "sudo" | "read_only" | "persist" | "preempt" | "unicast" | "one_packet" | "sync_daemon" => {
            on_or_off(&text)
        }
        "path" => path_of(&text),
        "role" => role(&text).map(str::to_owned),
        "script" => return convert_health::program_of(Form::Word(text)),
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
pub const SCHEDULERS: &[(&str, &str)] = &[
    ("roundrobin", "wrr"),
    ("static-rr", "wrr"),
    ("leastconn", "wlc"),
    ("first", "ovf"),
    ("hash", "mh"),
    ("source", "sh"),
    ("uri", "sh"),
    ("url_param", "sh"),
    ("hdr", "sh"),
    ("random", "twos"),
    ("rdp-cookie", "sh"),
    ("log-hash", "sh"),
    ("sticky", "sh"),
    ("least_conn", "wlc"),
    ("ip_hash", "sh"),
    ("least_time", "wlc"),
    ("round-robin", "rr"),
    ("weighted-round-robin", "wrr"),
    ("least-connection", "lc"),
    ("least-connections", "lc"),
    ("weighted-least-connection", "wlc"),
    ("source-hash", "sh"),
    ("maglev", "mh"),
    ("consistent-hash", "mh"),
];

pub(super) fn scheduler(word: &str) -> Option<&'static str> {
    // `hdr(Host)`.
    let word = word.split('(').next().unwrap_or_default();
    let found = SCHEDULERS.iter().find(|(name, _)| same_word(name, word));
    found.map(|(_, ours)| *ours).or_else(|| {
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

/// Health checks by the names of keepalived, ldirectord, HAProxy and Kubernetes.
const HEALTH_CHECKS: &[(&str, &str)] = &[
    ("tcp TCP_CHECK connect tcpSocket", "tcp"),
    ("http HTTP_GET negotiate httpchk", "http"),
    ("https SSL_GET ssl-hello-chk", "https"),
    ("script MISC_CHECK external exec command program", "script"),
    ("off none", "false"),
];

pub(super) fn health_check(word: &str) -> Option<&'static str> {
    let mut checks = HEALTH_CHECKS.iter();
    let found = checks.find(|(words, _)| words.split(' ').any(|known| same_word(known, word)));
    found.map(|(_, ours)| *ours)
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
        "webserver" | "web-server" | "nginx" | "httpd" | "sorry" | "sorry-server" => Some("web"),
        "gateway" => Some("router"),
        _ => None,
    }
}

/// ldirectord's.
fn checktype(value: &str) -> &'static str {
    match value {
        "connect" => "health_check: tcp",
        "off" | "on" => "health_check: false",
        "external" | "external-perl" | "ping" => {
            "health_check: { script: { path: /usr/local/bin/check } }"
        }
        // `negotiate`, or a number: every so often a negotiation, connections between them.
        _ => "health_check: http",
    }
}

/// Ansible's plugins.
fn connection(value: &str) -> &'static str {
    match value {
        "local" => "connection: local",
        _ => "connection: ssh",
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
