//! What is advised where it depends on a key's value, or on what stands beside and above it.

use super::advice::{Advice, put, quoted};
use super::servers::servers;
use super::{Builder, Means, health_check, text_of, value_of};
use crate::inventory::form::Form;
use crate::inventory::node::{Entry, Node, Value};
use crate::inventory::scalar::{endpoint, is_range, mapping, switch};
use crate::inventory::site::{Site, address, each, entries_of, find, scalar};

type Pairs = Vec<(String, Form)>;

pub(super) const CHECKER: Means = Means::Build(Builder(&["health_check"], checker));
pub(super) const CHECK: Means = Means::Build(Builder(&[], check));
pub(super) const KIND: Means = Means::Build(Builder(&[], kind_of));
pub(super) const URL: Means = Means::Build(Builder(&["path"], url));
pub(super) const OUT: Means = Means::Build(Builder(&["weight"], out_of_service));
pub(super) const BACKUP: Means = Means::Build(Builder(&[], backup));
pub(super) const PORTS: Means = Means::Build(Builder(&["port"], ports));
pub(super) const VIP: Means = Means::Build(Builder(&["vip", "port"], vip));
pub(super) const UDP_VIP: Means = Means::Build(Builder(&["vip", "port"], udp_vip));
pub(super) const SERVERS: Means = Means::Build(Builder(&["real_servers"], real_servers));
pub(super) const HOST_PORT: Means = Means::Build(Builder(&[], host_port));
pub(super) const RETRIES: Means = Means::Build(Builder(&[], retries));
pub(super) const ATTEMPTS: Means = Means::Build(Builder(&[], attempts));
pub(super) const EACH_CHECK: Means = Means::Build(Builder(&[], of_each_check));
pub(super) const INTERVAL: Means = Means::Build(Builder(&[], interval));
pub(super) const TIMEOUT: Means = Means::Build(Builder(&[], timeout));
pub(super) const PROGRAM_TIME: Means = Means::Build(Builder(&[], program_time));
pub(super) const OF_PAGE: Means = Means::Build(Builder(&[], of_page));
pub(super) const EXPECTED: Means = Means::Build(Builder(&[], expected));
pub(super) const PROCESS: Means = Means::Build(Builder(&["unit"], process));
pub(super) const OPTION: Means = Means::Build(Builder(&[], option));
pub(super) const ONE_PACKET: Means = Means::Build(Builder(&["one_packet"], one_packet));
pub(super) const WEIGHTS: Means = Means::Build(Builder(&[], weights));
pub(super) const AFFINITY: Means = Means::Build(Builder(&["persistence"], affinity));
pub(super) const TARGET_PORT: Means = Means::Build(Builder(&["real_port"], target_port));
pub(super) const VIRTUAL: Means = Means::Build(Builder(&["services"], virtual_server));
pub(super) const PROGRAM: Means = Means::Build(Builder(&["notify"], program));

fn service_level(site: &Site<'_>) -> usize {
    site.level_of("Service").unwrap_or(0)
}

fn pair(key: &str, form: Form) -> (String, Form) {
    (key.to_owned(), form)
}

/// How a health check asks, as far as its map says.
pub(super) fn kind(site: &Site<'_>) -> &'static str {
    const OTHERS: [&str; 3] = ["https", "http", "script"];
    let given = OTHERS.into_iter().find(|kind| site.given(kind).is_some());
    let tls = || {
        let on = |key| {
            site.given(key)
                .and_then(|entry| scalar(&entry.value))
                .and_then(switch)
        };
        on("ssl").or(on("tls")).unwrap_or(false).then_some("https")
    };
    let said = || {
        let entry = site.given("type").or(site.given("kind"))?;
        let said = text_of(&entry.value)?.to_lowercase();
        OTHERS
            .into_iter()
            .find(|kind| *kind == said || health_check(&said) == Some(*kind))
    };
    given.or_else(said).or_else(tls).unwrap_or("http")
}

const KINDS: [&str; 4] = ["tcp", "http", "https", "script"];

/// keepalived's names of its checkers.
fn kind_of_checker(name: &str) -> Option<&'static str> {
    match name.to_uppercase().as_str() {
        "TCP_CHECK" => Some("tcp"),
        "HTTP_GET" => Some("http"),
        "SSL_GET" => Some("https"),
        "MISC_CHECK" => Some("script"),
        _ => None,
    }
}

/// `HTTP_GET { url { path / } connect_timeout 3 }` and the like, with all that it says.
fn checker(entry: &Entry, site: &Site<'_>) -> Advice {
    let Some(kind) = kind_of_checker(&entry.key) else {
        let (tcp, script) = ("tcp: {}", "script: { path: /usr/local/bin/check }");
        let name = &entry.key;
        return Advice::say(match site.of() {
            "LongHealthCheck" => format!(
                "lvsctl has no check `{name}`: `{tcp}` only connects, and `{script}` runs a program that asks so"
            ),
            _ => format!(
                "lvsctl has no check `{name}`: `health_check: tcp` only connects, and `health_check: {{ {script} }}` runs a program that asks so"
            ),
        });
    };
    let given = KINDS
        .iter()
        .find(|kind| site.of() == "LongHealthCheck" && site.given(kind).is_some());
    if let Some(given) = given {
        return Advice::delete(format!("`{given}` says how to ask"));
    }
    let (mut own, mut general, mut lost): (Pairs, Pairs, Vec<&str>) = Default::default();
    for (key, node) in flat(entries_of(&entry.value)) {
        let Some(form) = Form::of(node) else { continue };
        let mut general_key = |key: &str, form| {
            general.push(pair(key, value_of(key, form)));
        };
        let http = matches!(kind, "http" | "https");
        match key.to_lowercase().as_str() {
            "connect_port" | "port" => general_key("port", form),
            "connect_timeout" | "delay_before_retry" | "retry" => general_key(key, form),
            "nb_get_retry" => general_key("retry", form),
            "path" | "url" if http => own.push(pair("path", value_of("path", form))),
            "status_code" | "status" if http => own.push(pair("status", form)),
            "virtualhost" | "sni_name" | "host" if http => own.push(pair("host", form)),
            "http_protocol" | "version" if http => own.push(pair("version", form)),
            "misc_path" | "path" => own.push(pair("path", program_of(form))),
            "misc_timeout" | "timeout" => own.push(pair("timeout", value_of("timeout", form))),
            "enable_sni" => {}
            _ => lost.push(key),
        }
    }
    if kind == "script" && !own.iter().any(|(key, _)| key == "path") {
        own.insert(0, pair("path", Form::word("/usr/local/bin/check")));
    }
    let note = match lost.as_slice() {
        [] => String::new(),
        lost => format!("; lvsctl does not support `{}`", lost.join("`, `")),
    };
    let mut pairs = vec![pair(kind, Form::Map(own))];
    pairs.extend(general);
    if site.of() == "LongHealthCheck" {
        return Advice::Write(pairs, note);
    }
    let level = service_level(site);
    let short = pairs.len() == 1 && pairs.iter().all(|(_, form)| *form == Form::empty());
    let form = if short {
        Form::word(kind)
    } else {
        Form::Map(pairs)
    };
    if let Some(given) = find(site.map_at(level), "health_check") {
        return match Form::of(&given.value) {
            Some(own) if own == form => Advice::delete("`health_check` says it already"),
            _ => Advice::say(format!(
                "there is a `health_check` already: delete one of both; this one is {}",
                quoted(&[pair("health_check", form)])
            )),
        };
    }
    put(site, level, &["health_check"], form).noting(note)
}

/// A real server's own check, which the service has for all.
fn check(entry: &Entry, site: &Site<'_>) -> Advice {
    let said = text_of(&entry.value).unwrap_or_default().to_lowercase();
    let kind = match switch(&said) {
        Some(true) => Some("tcp"),
        Some(false) => Some("false"),
        None => KINDS
            .into_iter()
            .find(|kind| *kind == said)
            .or_else(|| health_check(&said)),
    };
    match kind {
        Some(kind) if kind != "script" => put(
            site,
            service_level(site),
            &["health_check"],
            Form::word(kind),
        ),
        _ => Advice::say("the service says it for all real servers: `health_check: tcp`"),
    }
}

/// The entries with those of `url` among them, which may be a list.
fn flat(entries: &[Entry]) -> Vec<(&str, &Node)> {
    let mut all = Vec::new();
    for entry in entries.iter().take(super::MOST_SIBLINGS) {
        let first = each(&entry.value).first();
        match first.map(|node| (node, &node.value)) {
            Some((node, Value::Map(_))) if entry.key.eq_ignore_ascii_case("url") => {
                all.extend(
                    entries_of(node)
                        .iter()
                        .map(|inner| (inner.key.as_str(), &inner.value)),
                );
            }
            _ => all.push((entry.key.as_str(), &entry.value)),
        }
    }
    all
}

/// A program without its arguments.
fn program_of(form: Form) -> Form {
    match form.text().and_then(|text| text.split_whitespace().next()) {
        Some(first) => Form::word(first),
        None => form,
    }
}

/// `type: http` beside the keys of that check.
fn kind_of(entry: &Entry, site: &Site<'_>) -> Advice {
    let said = text_of(&entry.value).unwrap_or_default().to_lowercase();
    let kind = KINDS.into_iter().find(|kind| *kind == said);
    let kind = kind
        .or_else(|| kind_of_checker(&said))
        .or_else(|| health_check(&said));
    match kind {
        Some("false") => Advice::say("write `health_check: false` for no check"),
        Some(kind) if site.given(kind).is_some() => {
            Advice::delete(format!("`{kind}` is given already"))
        }
        Some("script") => Advice::write(
            "script",
            Form::below(&["path"], Form::word("/usr/local/bin/check")),
        ),
        Some(kind) => Advice::write(kind, Form::empty()),
        None if site
            .given("tcp")
            .or(site.given("http"))
            .or(site.given("https"))
            .is_some() =>
        {
            Advice::delete("the key `tcp`, `http` or `https` says it")
        }
        None => Advice::say(
            "one key says how to ask: `tcp: {}`, `http: {}`, `https: {}` or `script: { path: /usr/local/bin/check }`",
        ),
    }
}

/// `url { path / status_code 200 }`.
fn url(entry: &Entry, site: &Site<'_>) -> Advice {
    let inner = each(&entry.value).first().map_or(&[][..], entries_of);
    if inner.is_empty() {
        let form = Form::of(&entry.value).unwrap_or_else(|| Form::word("/"));
        let form = value_of("path", form);
        return match site.of() {
            "HttpCheck" => put(site, 0, &["path"], form),
            _ => put(site, 0, &[kind(site), "path"], form),
        };
    }
    let mut pairs: Pairs = Vec::new();
    for inner in inner {
        let key = match inner.key.to_lowercase().as_str() {
            "path" => "path",
            "status_code" | "status" => "status",
            "virtualhost" => "host",
            _ => continue,
        };
        pairs.extend(Form::of(&inner.value).map(|form| pair(key, value_of(key, form))));
    }
    match site.of() {
        "HttpCheck" => Advice::Write(pairs, String::new()),
        _ => put(site, 0, &[kind(site)], Form::Map(pairs)),
    }
}

/// Whether a key with its value takes a host out of service; none where it says something else.
fn is_out(key: &str, node: &Node) -> Option<bool> {
    let text = match &node.value {
        Value::Null => return Some(!matches!(key, "enabled" | "active" | "up")),
        _ => scalar(node)?.to_lowercase(),
    };
    let on = switch(&text).or(match text.as_str() {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    });
    match key.to_lowercase().as_str() {
        "enabled" | "enable" | "active" | "up" => on.map(|on| !on),
        "disabled" | "drain" | "draining" | "drained" | "maintenance" | "maint" | "down" => {
            Some(on.unwrap_or(true))
        }
        _ => match text.as_str() {
            "maintenance" | "maint" | "drain" | "draining" | "drained" | "down" | "disabled"
            | "off" | "offline" | "out" | "inactive" | "absent" | "stopped" | "false" | "no" => {
                Some(true)
            }
            "up" | "active" | "enabled" | "on" | "online" | "ready" | "present" | "started"
            | "true" | "yes" => Some(false),
            _ => None,
        },
    }
}

/// `state: maintenance`, `enabled: false`, `drain: true` of a host, or of a real server in a service.
fn out_of_service(entry: &Entry, site: &Site<'_>) -> Advice {
    let out = is_out(&entry.key, &entry.value);
    if site.of() == "Service" {
        return match out {
            Some(true) => Advice::say(format!(
                "lvsctl has no services that are switched off: delete the service `{}`, or write it as a comment",
                site.name()
            )),
            _ => Advice::delete("a service is there for as long as the inventory has it"),
        };
    }
    let director = site.of() == "Host" && {
        let roles = site.given("role").map_or(&[][..], |role| each(&role.value));
        let has = |role| roles.iter().filter_map(scalar).any(|known| known == role);
        (has("director") || has("backup")) && !has("realserver")
    };
    match (out, director) {
        (None, _) => Advice::delete("the director with the highest `priority` is the master"),
        (Some(true), true) => Advice::delete(format!(
            "`lvsctl stop {}` stops a director's part of the cluster",
            site.name()
        )),
        (Some(false), true) => Advice::delete("a director serves for as long as it runs"),
        (Some(false), false) => Advice::delete("a real server serves unless its `weight` is 0"),
        (Some(true), false) => match site.given("weight").map(|weight| scalar(&weight.value)) {
            None => Advice::write("weight", Form::word(0)),
            Some(Some("0")) => Advice::delete("`weight: 0` says it"),
            Some(weight) => Advice::say(format!(
                "delete it, and write `weight: 0` in the place of `weight: {}`",
                weight.unwrap_or("...")
            )),
        },
    }
}

/// A server that only answers when no other does.
fn backup(entry: &Entry, site: &Site<'_>) -> Advice {
    if is_out("disabled", &entry.value) == Some(false) {
        return Advice::delete("a real server is none that stands by");
    }
    let is_director = |role: &Entry| {
        each(&role.value)
            .iter()
            .filter_map(scalar)
            .any(|r| r == "director")
    };
    if site.of() == "Host" && site.given("role").is_some_and(is_director) {
        return Advice::say("delete it, and write `role: backup` in the place of `role: director`");
    }
    let own = match site.of() {
        "Host" => site
            .given("address")
            .and_then(|a| each(&a.value).first())
            .and_then(scalar),
        _ => site.host(site.name()).and_then(|host| address(&host.value)),
    };
    let sorry = own.map_or("ADDRESS", |own| own.split('/').next().unwrap_or(own));
    Advice::say(format!(
        "who answers when no real server is left is the service's `sorry_server: {sorry}`, and no real server beside"
    ))
}

/// `ports: ["80:8080"]`, `ports: [{ port: 80, targetPort: 8080 }]`, or a list of plain ones.
fn ports(entry: &Entry, site: &Site<'_>) -> Advice {
    if site.given("port").is_some() {
        return Advice::delete("`port` is given already");
    }
    let all: Vec<Port> = each(&entry.value).iter().map(port).collect();
    if let [one] = all.as_slice()
        && let Some(pairs) = one.pairs()
    {
        let nat = pairs.iter().any(|(key, _)| key == "real_port");
        let more: &[(&str, &str)] = if nat { &[("mode", "nat")] } else { &[] };
        let (port, others): (Pairs, Pairs) = pairs.into_iter().partition(|(key, _)| key == "port");
        let missing = others
            .into_iter()
            .filter(|(key, _)| site.given(key).is_none());
        let pairs = port.into_iter().chain(missing).collect();
        return Advice::Write(pairs, String::new()).with(site, more);
    }
    if all.iter().all(Port::is_plain) {
        if !all.iter().any(|port| port.same) {
            return super::renamed("port", entry, site);
        }
        let list = all
            .iter()
            .map(|port| Some(Form::word(port.outer.as_ref()?)));
        return match list.collect::<Option<_>>() {
            Some(list) => Advice::write("port", Form::List(list)),
            None => Advice::Rename("port"),
        };
    }
    match several(&all, site) {
        Some(help) => Advice::labelled("here it is `port`", help),
        None => Advice::Rename("port"),
    }
}

/// A port as Docker and Kubernetes write it.
#[derive(Default)]
pub(in crate::inventory) struct Port {
    pub outer: Option<String>,
    pub inner: Option<u16>,
    pub protocol: Option<String>,
    /// Whether it is one port, written as a pair.
    pub same: bool,
}

impl Port {
    fn is_plain(&self) -> bool {
        self.inner.is_none() && self.protocol.is_none()
    }

    /// The keys of a service that say it.
    pub fn pairs(&self) -> Option<Pairs> {
        let mut pairs = vec![pair("port", Form::word(self.outer.as_ref()?))];
        if let Some(inner) = self.inner {
            pairs.push(pair("real_port", Form::word(inner)));
        }
        if let Some(protocol) = &self.protocol {
            pairs.push(pair("protocol", Form::word(protocol)));
        }
        (!self.is_plain() || self.same).then_some(pairs)
    }
}

/// One port of a list.
pub(in crate::inventory) fn port(node: &Node) -> Port {
    let protocol = |text: &str| {
        let protocol = text.to_lowercase();
        ["tcp", "udp"]
            .contains(&protocol.as_str())
            .then_some(protocol)
    };
    if let Value::Map(entries) = &node.value {
        let of = |keys: &[&str]| {
            let found = keys.iter().find_map(|key| find(entries, key));
            found.and_then(|entry| scalar(&entry.value))
        };
        let outer = of(&["port", "published"]).map(str::to_owned);
        let inner = of(&["targetPort", "target_port", "target", "container_port"]);
        return Port {
            inner: inner
                .filter(|inner| Some(*inner) != outer.as_deref())
                .and_then(|inner| inner.parse().ok()),
            same: false,
            protocol: of(&["protocol"]).and_then(protocol).filter(|p| p != "tcp"),
            outer,
        };
    }
    let text = scalar(node).unwrap_or_default();
    let (ports, kind) = text.split_once('/').unwrap_or((text, ""));
    let mapped = mapping(ports).filter(|pair| !is_range(*pair));
    Port {
        inner: mapped
            .filter(|(outer, inner)| outer != inner)
            .map(|(_, inner)| inner),
        outer: Some(mapped.map_or_else(|| ports.to_owned(), |(outer, _)| outer.to_string())),
        protocol: protocol(kind),
        same: mapped.is_some_and(|(outer, inner)| outer == inner),
    }
}

/// Several of which each needs a service of its own.
pub(in crate::inventory) fn several(all: &[Port], site: &Site<'_>) -> Option<String> {
    let name = site.name();
    let vip = site.given("vip").and_then(|vip| Form::of(&vip.value));
    let each = all.iter().map(|port| {
        let mut pairs = port.pairs().or_else(|| {
            let outer = port.outer.as_ref()?;
            Some(vec![pair("port", Form::word(outer))])
        })?;
        if port.inner.is_some() {
            pairs.push(pair("mode", Form::word("nat")));
        }
        if let Some(vip) = &vip {
            pairs.insert(0, pair("vip", vip.clone()));
        }
        let name = match (&port.outer, &port.protocol) {
            (Some(outer), Some(protocol)) => format!("{name}-{outer}-{protocol}"),
            (outer, _) => format!("{name}-{}", outer.as_deref().unwrap_or_default()),
        };
        Some(pair(&name, Form::Map(pairs)))
    });
    let each: Pairs = each.collect::<Option<_>>()?;
    let each: Vec<String> = each
        .iter()
        .map(|pair| format!("`{}`", super::super::form::pair(pair)))
        .collect();
    (!each.is_empty()).then(|| {
        format!(
            "a service has one `protocol` and one `real_port`: make a service of each: {}",
            each.join(", ")
        )
    })
}

/// An address that may have its port with it: `10.0.0.100 80`, `*:80`.
fn vip(entry: &Entry, site: &Site<'_>) -> Advice {
    let text = text_of(&entry.value).unwrap_or_default();
    if let Some(mark) = text
        .strip_prefix("fwmark ")
        .filter(|_| site.given("fwmark").is_none())
    {
        return Advice::write("fwmark", Form::word(mark));
    }
    let port = |port: &str| {
        let known = site.given("port").is_some() || port.parse::<u16>().is_err();
        (!known).then(|| ("port".to_owned(), Form::word(port)))
    };
    if site.given("vip").is_some() {
        return match endpoint(&text).and_then(|(_, port)| port) {
            Some(number) if site.given("port").is_none() => {
                Advice::write("port", Form::word(number))
            }
            _ => Advice::delete("`vip` is given already"),
        };
    }
    if let Some((address, found)) = endpoint(&text) {
        let mut pairs = vec![("vip".to_owned(), Form::word(address))];
        pairs.extend(found.and_then(|found| port(&found.to_string())));
        return Advice::Write(pairs, String::new());
    }
    if let Some((_, found)) = text
        .rsplit_once(':')
        .filter(|(any, _)| ["*", ""].contains(any))
    {
        let port = port(found).map(|pair| vec![pair]).unwrap_or_default();
        return Advice::say(format!(
            "two keys say it: `vip: 192.168.100.200`, the address that clients ask for, and {}",
            if port.is_empty() {
                "`port: 80`".to_owned()
            } else {
                quoted(&port)
            }
        ));
    }
    super::renamed("vip", entry, site)
}

fn udp_vip(entry: &Entry, site: &Site<'_>) -> Advice {
    match vip(entry, site) {
        advice @ Advice::Write(..) => advice.with(site, &[("protocol", "udp")]),
        _ => Advice::say("two keys say it: `vip: 192.168.100.200` and `protocol: udp`"),
    }
}

/// Real servers under another key, in forms of other programs too.
fn real_servers(entry: &Entry, site: &Site<'_>) -> Advice {
    if site.given("real_servers").is_some() {
        return Advice::delete("`real_servers` is given already");
    }
    // keepalived's, with its address in the key.
    let address = entry
        .key
        .split(' ')
        .nth(1)
        .filter(|_| entry.key.contains(' '));
    if let Some(host) = address.and_then(|address| site.host(address)) {
        return Advice::delete(format!(
            "the host `{}` has this address, and each host of the role `realserver` serves",
            host.key
        ));
    }
    if let Some(found) = servers(site, &entry.value) {
        let more: &[(&str, &str)] = if found.needs_nat {
            &[("mode", "nat")]
        } else {
            &[]
        };
        return Advice::write("real_servers", found.form).with(site, more);
    }
    let names = site.real_servers();
    let names = match names.as_slice() {
        [] => "rs1, rs2".to_owned(),
        names => names.iter().take(5).copied().collect::<Vec<_>>().join(", "),
    };
    Advice::say(format!(
        "list the hosts that serve: `real_servers: [{names}]`; each has its address below `hosts`"
    ))
}

/// The port that a real server listens on, or that of SSH.
fn host_port(entry: &Entry, site: &Site<'_>) -> Advice {
    let port = text_of(&entry.value).unwrap_or_default();
    let roles = site.given("role").map_or(&[][..], |role| each(&role.value));
    let serving = roles
        .iter()
        .filter_map(scalar)
        .any(|role| role == "realserver");
    let of_ssh = ["22", "222", "2222"].contains(&port.as_str());
    if !serving || of_ssh || port.is_empty() {
        return match Form::of(&entry.value) {
            Some(form) => put(site, 0, &["ssh", "port"], form),
            None => Advice::say("`ssh: { port: 22 }` says where SSH finds the host"),
        };
    }
    let name = site.name();
    Advice::delete(format!(
        "where NAT maps ports, a service says which one real servers listen on: `real_port: {port}`, or of this host \
         alone `real_servers: {{ {name}: {{ port: {port} }} }}`; `ssh: {{ port: {port} }}` would be that of SSH"
    ))
}

/// Failures in a row that count: one of them is the first, the others are retries.
fn retries(entry: &Entry, site: &Site<'_>) -> Advice {
    let path: &[&str] = match site.of() {
        "LongHealthCheck" => &["retry"],
        _ => &["health_check", "retry"],
    };
    let count = text_of(&entry.value).and_then(|text| text.parse::<u32>().ok());
    match count {
        Some(count) => put(
            site,
            up(site),
            path,
            Form::word(count.saturating_sub(1).max(1)),
        ),
        None => Advice::say(
            "`health_check: { retry: 2 }` says how often a real server that fails is asked again",
        ),
    }
}

/// The same, as a number of those after the first.
fn attempts(entry: &Entry, site: &Site<'_>) -> Advice {
    let path: &[&str] = match site.of() {
        "LongHealthCheck" => &["retry"],
        _ => &["health_check", "retry"],
    };
    match Form::of(&entry.value) {
        Some(form) => put(site, up(site), path, form),
        None => Advice::say(
            "`health_check: { retry: 3 }` says how often a real server that fails is asked again",
        ),
    }
}

/// A real server has nothing of the health check by itself.
fn up(site: &Site<'_>) -> usize {
    if ["RealServer", "HttpCheck", "ScriptCheck", "TcpCheck"].contains(&site.of()) {
        service_level(site)
    } else {
        0
    }
}

/// What keepalived takes in a real server or a checker, and the service's health check has for all.
fn of_each_check(entry: &Entry, site: &Site<'_>) -> Advice {
    let Some(form) = Form::of(&entry.value) else {
        return Advice::say("the service says it for all real servers, in its `health_check`");
    };
    let level = service_level(site);
    let (path, key): (&[&str], _) = match entry.key.as_str() {
        "delay_loop" => (&["delay_loop"], "delay_loop"),
        "virtualhost" => (&["health_check", "http", "host"], "host"),
        "connect_timeout" => (&["health_check", "connect_timeout"], "connect_timeout"),
        "delay_before_retry" | "fail_timeout" => (
            &["health_check", "delay_before_retry"],
            "delay_before_retry",
        ),
        "connect_port" => (&["health_check", "port"], "port"),
        _ => (&["health_check", "retry"], "retry"),
    };
    put(site, level, path, value_of(key, form))
}

/// Seconds between two rounds, which the service has.
fn interval(entry: &Entry, site: &Site<'_>) -> Advice {
    match Form::of(&entry.value) {
        Some(form) => put(
            site,
            service_level(site),
            &["delay_loop"],
            value_of("delay_loop", form),
        ),
        None => {
            Advice::say("`delay_loop: 6` of the service says how often its real servers are asked")
        }
    }
}

fn timeout(entry: &Entry, site: &Site<'_>) -> Advice {
    let Some(form) = Form::of(&entry.value) else {
        return Advice::say("`connect_timeout: 3` bounds an answer");
    };
    let form = value_of("connect_timeout", form);
    if site.of() == "LongHealthCheck" && kind(site) == "script" {
        return put(site, 0, &["script", "timeout"], form);
    }
    let level = site.level_of("LongHealthCheck").unwrap_or(0);
    put(site, level, &["connect_timeout"], form)
}

/// keepalived's `misc_timeout`.
fn program_time(entry: &Entry, site: &Site<'_>) -> Advice {
    let program = ["script", "misc_path", "command", "checkcommand"];
    match Form::of(&entry.value) {
        Some(form) if program.iter().any(|key| site.given(key).is_some()) => {
            put(site, 0, &["script", "timeout"], value_of("timeout", form))
        }
        _ => Advice::delete(
            "it bounds a program, and none is given: `script: { path: /usr/local/bin/check, timeout: 5 }`",
        ),
    }
}

/// A word about the page that a health check asks for, in the health check or the service.
fn of_page(entry: &Entry, site: &Site<'_>) -> Advice {
    let key = match entry.key.to_lowercase().as_str() {
        "request" | "url" | "uri" | "path" | "misc_path" | "checkcommand" | "command" => "path",
        "receive" | "regex" | "match" | "body" | "content" => "text",
        "virtualhost" | "sni_name" | "sni" | "fqdn" | "hostname" | "vhost" => "host",
        "status_code" | "code" | "codes" | "expected_status" => "status",
        "http_protocol" | "http_version" => "version",
        other => {
            return Advice::say(format!(
                "`{other}` belongs to the page that is asked for: `http: {{ path: /health }}`"
            ));
        }
    };
    let Some(form) = Form::of(&entry.value) else {
        return Advice::say(
            "`http` says which page is asked for: `http: { path: /health, status: 200 }`",
        );
    };
    if key == "text" && form.text().is_some_and(is_pattern) {
        return Advice::delete(
            "lvsctl does not support patterns: `text` looks for words as they are",
        );
    }
    let program =
        ["misc_path", "checkcommand", "command"].contains(&entry.key.to_lowercase().as_str());
    let kind = if program { "script" } else { kind(site) };
    let form = if program {
        program_of(form)
    } else {
        value_of(key, form)
    };
    match site.of() {
        "Service" => put(site, 0, &["health_check", kind, key], form),
        "HttpCheck" => put(site, 0, &[key], form),
        _ => put(site, 0, &[kind, key], form),
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['^', '$', '*', '\\', '[', '|', '?', '(', '+'])
}

/// What a page must be: a status or a text.
fn expected(entry: &Entry, site: &Site<'_>) -> Advice {
    let text = text_of(&entry.value).unwrap_or_default();
    let bare = text
        .trim_start_matches("status ")
        .trim_start_matches("string ")
        .to_owned();
    // A class of them: `2xx`.
    let bare = match bare.to_lowercase().strip_suffix("xx").map(str::to_owned) {
        Some(class) if class.len() == 1 => format!("{class}00-{class}99"),
        _ => bare,
    };
    let digits = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit() || c == '-');
    let key = if digits { "status" } else { "text" };
    if bare.is_empty() || (key == "text" && is_pattern(&bare)) {
        return Advice::delete("lvsctl does not support it: `http` takes a `status` and a `text`");
    }
    match site.of() {
        "HttpCheck" => put(site, 0, &[key], Form::word(bare)),
        "Service" => put(
            site,
            0,
            &["health_check", kind(site), key],
            Form::word(bare),
        ),
        _ => put(site, 0, &[kind(site), key], Form::word(bare)),
    }
}

/// A process that is watched: its unit.
fn process(entry: &Entry, site: &Site<'_>) -> Advice {
    match text_of(&entry.value).and_then(|text| unit(&text)) {
        _ if site.given("script").is_some() => Advice::delete(
            "`script` says what is watched; a unit is watched by an entry of its own",
        ),
        Some(unit) if site.given("unit").is_none() => Advice::write("unit", Form::word(unit)),
        _ => Advice::delete("lvsctl watches programs and units: `unit: nginx.service`"),
    }
}

/// The unit of a program.
pub(in crate::inventory) fn unit(program: &str) -> Option<String> {
    let first = program.split_whitespace().next()?;
    let name = first.rsplit('/').next()?;
    let good = |c: char| c.is_ascii_alphanumeric() || "_.@-".contains(c);
    let name = name.trim_end_matches(".service");
    (!name.is_empty() && name.chars().all(good)).then(|| format!("{name}.service"))
}

/// HAProxy's options: one of them asks by HTTP.
fn option(entry: &Entry, site: &Site<'_>) -> Advice {
    let said = text_of(&entry.value).unwrap_or_default();
    let said = format!("{} {said}", entry.key);
    let mut words = said.split_whitespace().filter(|word| *word != "option");
    let kind = match words.next() {
        Some("httpchk") => "http",
        Some("tcp-check") => "tcp",
        Some("ssl-hello-chk") => "https",
        Some("smtpchk" | "mysql-check" | "redis-check" | "pgsql-check" | "ldap-check") => {
            return Advice::say(
                "lvsctl has no such check: `health_check: tcp` only connects, and `health_check: { script: { path: /usr/local/bin/check } }` runs a program that asks so",
            );
        }
        _ => return Advice::delete("LVS forwards packets, and sees no HTTP"),
    };
    let path = words.find(|word| word.starts_with('/'));
    let form = match path {
        Some(path) if kind == "http" => Form::below(&["path"], Form::word(path)),
        _ => Form::empty(),
    };
    if site.given("health_check").is_none() && path.is_none() {
        return Advice::write("health_check", Form::word(kind));
    }
    put(site, 0, &["health_check", kind], form)
}

/// It schedules UDP alone.
fn one_packet(entry: &Entry, site: &Site<'_>) -> Advice {
    let off = scalar(&entry.value).and_then(switch) == Some(false);
    let protocol = site
        .given("protocol")
        .and_then(|protocol| scalar(&protocol.value));
    if off || site.given("one_packet").is_some() {
        return Advice::delete(if off {
            "`one_packet` is off by default"
        } else {
            "`one_packet` is given already"
        });
    }
    match protocol.map(str::to_lowercase).as_deref() {
        Some("tcp") => Advice::delete("`one_packet` schedules UDP packets, and the service is TCP"),
        Some(_) => Advice::write("one_packet", Form::word(true)),
        None => Advice::write("one_packet", Form::word(true)).with(site, &[("protocol", "udp")]),
    }
}

/// Weights by host.
fn weights(entry: &Entry, site: &Site<'_>) -> Advice {
    let form = weighted(site, &entry.value);
    match (form, site.given("real_servers")) {
        (Some(form), None) => Advice::write("real_servers", form),
        _ => Advice::say(
            "each real server has its own: `real_servers: { rs1: { weight: 3 }, rs2: { weight: 1 } }`",
        ),
    }
}

/// The real servers with a map of weights by host, or a list of them in the order of the hosts.
pub(in crate::inventory) fn weighted(site: &Site<'_>, node: &Node) -> Option<Form> {
    let own = |name: &str, weight: &Node| {
        let weight = Form::word(scalar(weight)?.parse::<u16>().ok()?);
        Some(pair(
            &site.host(name)?.key,
            Form::below(&["weight"], weight),
        ))
    };
    let pairs: Option<Pairs> = match &node.value {
        Value::Map(entries) if entries.len() <= super::MOST_SIBLINGS => entries
            .iter()
            .map(|entry| own(&entry.key, &entry.value))
            .collect(),
        Value::List(list) if list.len() == site.real_servers().len() => {
            let names = site.real_servers();
            names
                .iter()
                .zip(list)
                .map(|(name, weight)| own(name, weight))
                .collect()
        }
        _ => None,
    };
    pairs.filter(|pairs| !pairs.is_empty()).map(Form::Map)
}

/// Kubernetes': by the client's address, or not at all.
fn affinity(entry: &Entry, site: &Site<'_>) -> Advice {
    let none = text_of(&entry.value).is_some_and(|text| text.eq_ignore_ascii_case("none"));
    match none || site.given("persistence").is_some() {
        true => Advice::delete("`persistence` says it, and is off by default"),
        false => Advice::write("persistence", Form::word(true)),
    }
}

fn target_port(entry: &Entry, site: &Site<'_>) -> Advice {
    match super::renamed("real_port", entry, site) {
        advice @ Advice::Write(..) => advice.with(site, &[("mode", "nat")]),
        advice => advice,
    }
}

/// `virtual_server 10.0.0.100 80:`, and the blocks of other balancers.
fn virtual_server(entry: &Entry, site: &Site<'_>) -> Advice {
    let words: Vec<&str> = entry.key.split_whitespace().collect();
    if let [_, address, port] = words.as_slice()
        && let (Some((address, Some(port))), None) = (
            endpoint(&format!("{address} {port}")),
            site.given("services"),
        )
    {
        let pairs = vec![
            pair("vip", Form::word(address)),
            pair("port", Form::word(port)),
        ];
        let service = Form::below(&["web"], Form::Map(pairs));
        return Advice::write("services", service).noting(
            ", with what else it says beside `port`; each real server is a host below `hosts`",
        );
    }
    // One that stands there without a name.
    let map = entries_of(&entry.value);
    let alone = ["vip", "ip", "port", "address", "virtual_ipaddress"];
    if alone.iter().any(|key| find(map, key).is_some())
        && site.given("services").is_none()
        && let Some(form) = Form::of(&entry.value)
    {
        return Advice::write("services", Form::below(&["web"], form));
    }
    super::renamed("services", entry, site)
}

/// A program that runs at some changes: keepalived's `notify_master` and its kin.
fn program(entry: &Entry, site: &Site<'_>) -> Advice {
    let said = text_of(&entry.value).map(Form::word).map(program_of);
    match (said, site.given("notify")) {
        (Some(form), None) => Advice::write("notify", form)
            .noting("; it runs at every change, with the new state as its third argument"),
        _ => Advice::delete(
            "`notify` runs one program at every change, which gets the new state as its third argument",
        ),
    }
}

/// The role that a host's name, or that of a group, speaks of.
pub(in crate::inventory) fn role_of(name: &str) -> &'static str {
    let name = name.to_lowercase().replace(['_', '-', ' '], "");
    let is = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    if is(&["client", "tester"]) {
        "client"
    } else if is(&["backup", "slave", "standby"]) {
        "backup"
    } else if is(&[
        "lb",
        "director",
        "dir",
        "balancer",
        "loadbalancer",
        "lvs",
        "ipvs",
        "master",
        "ha",
    ]) {
        "director"
    } else if is(&["router", "gw", "gateway"]) {
        "router"
    } else {
        "realserver"
    }
}
