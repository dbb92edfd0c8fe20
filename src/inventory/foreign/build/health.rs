//! Health checks of other programs, and words about them.

use super::{Pairs, pair, service_level};
use crate::inventory::foreign::advice::{Advice, put, quoted};
use crate::inventory::foreign::{MOST_SIBLINGS, health_check, text_of, value_of};
use crate::inventory::form::Form;
use crate::inventory::node::{Entry, Node, Value};
use crate::inventory::scalar::switch;
use crate::inventory::site::{Site, each, entries_of, find, scalar};

/// How a health check asks, as far as its map says.
pub(in crate::inventory::foreign) fn kind(site: &Site<'_>) -> &'static str {
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
        let entry = site
            .given("type")
            .or(site.given("kind"))
            .or(site.given("protocol"))?;
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
    match name.to_uppercase().replace('-', "_").as_str() {
        "TCP_CHECK" => Some("tcp"),
        "HTTP_GET" => Some("http"),
        "SSL_GET" => Some("https"),
        "MISC_CHECK" => Some("script"),
        _ => None,
    }
}

/// `HTTP_GET { url { path / } connect_timeout 3 }` and the like, with all that it says.
pub(super) fn checker(entry: &Entry, site: &Site<'_>) -> Advice {
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
pub(super) fn check(entry: &Entry, site: &Site<'_>) -> Advice {
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
    for entry in entries.iter().take(MOST_SIBLINGS) {
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

/// A program without its arguments, and with the folder that it may be in.
pub(super) fn program_of(form: Form) -> Form {
    match form.text().and_then(|text| text.split_whitespace().next()) {
        Some(first) if first.starts_with('/') => Form::word(first),
        Some(first) => Form::word(format!(
            "/usr/local/bin/{}",
            first.rsplit('/').next().unwrap_or(first)
        )),
        None => form,
    }
}

/// `type: http` beside the keys of that check.
pub(super) fn kind_of(entry: &Entry, site: &Site<'_>) -> Advice {
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
pub(super) fn url(entry: &Entry, site: &Site<'_>) -> Advice {
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

/// Failures in a row that count: one of them is the first, the others are retries.
pub(super) fn retries(entry: &Entry, site: &Site<'_>) -> Advice {
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
pub(super) fn attempts(entry: &Entry, site: &Site<'_>) -> Advice {
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
pub(super) fn of_each_check(entry: &Entry, site: &Site<'_>) -> Advice {
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
        "rise" => (&["health_check", "rise"], "rise"),
        _ => (&["health_check", "retry"], "retry"),
    };
    put(site, level, path, value_of(key, form))
}

/// Seconds between two rounds, which the service has.
pub(super) fn interval(entry: &Entry, site: &Site<'_>) -> Advice {
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

pub(super) fn timeout(entry: &Entry, site: &Site<'_>) -> Advice {
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
pub(super) fn program_time(entry: &Entry, site: &Site<'_>) -> Advice {
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
pub(super) fn of_page(entry: &Entry, site: &Site<'_>) -> Advice {
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
        "RealServer" => put(
            site,
            service_level(site),
            &["health_check", kind, key],
            form,
        ),
        "HttpCheck" => put(site, 0, &[key], form),
        _ => put(site, 0, &[kind, key], form),
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['^', '$', '*', '\\', '[', '|', '?', '(', '+'])
}

/// What a page must be: a status or a text.
pub(super) fn expected(entry: &Entry, site: &Site<'_>) -> Advice {
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

/// HAProxy's options: one of them asks by HTTP.
pub(super) fn option(entry: &Entry, site: &Site<'_>) -> Advice {
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
