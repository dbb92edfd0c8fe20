//! Words about health checks whose hint depends on their value, or on the keys beside them.

use super::adapt_value::adapted;
use super::advice::{Advice, KINDS, Pairs, put, quoted, said_kind};
use super::convert::pair;
use super::{Conversion, MOST_SIBLINGS, Means, for_service, health_check, misplaced_key, text_of};
use super::{value_for, value_of};
use crate::inventory::form::Form;
use crate::inventory::location::{Location, MapType, each, entries_of, find, scalar};
use crate::inventory::scalar::switch;
use crate::yaml::{Entry, Node};

pub(super) const CHECKER: Means = Means::Convert(Conversion(&["health_check"], checker));
pub(super) const URL: Means = Means::Convert(Conversion(&["path"], url));
pub(super) const RETRIES: Means = Means::Convert(Conversion(&[], retries));
pub(super) const KIND: Means = Means::Convert(Conversion(&[], kind));
pub(super) const TIMEOUT: Means = Means::Convert(Conversion(&[], timeout));
pub(super) const EXPECTED: Means = Means::Convert(Conversion(&[], expected));
pub(super) const OPTION: Means = Means::Convert(Conversion(&["health_check"], option));
pub(super) const CHECK: Means = Means::Convert(Conversion(&[], check));
pub(super) const OF_PAGE: Means = Means::Convert(Conversion(&[], of_page));

/// Words in a checker of keepalived, the kinds of checks that have them, and the key that it becomes: of the check itself
/// where kinds are named, else of the whole health check.
#[rustfmt::skip]
const OF_CHECKER: &[(&str, &[&str], &str)] = &[
    ("connect_port port", &[], "port"),
    ("connect_timeout", &[], "connect_timeout"),
    ("delay_before_retry", &[], "delay_before_retry"),
    ("retry nb_get_retry", &[], "retry"),
    ("path url", &["http", "https"], "path"),
    ("status_code status", &["http", "https"], "status"),
    ("virtualhost sni_name host", &["http", "https"], "host"),
    ("http_protocol version", &["http", "https"], "version"),
    ("misc_path path command", &["script"], "path"),
    ("misc_timeout timeout", &["script"], "timeout"),
];

/// `HTTP_GET { url { path / } connect_timeout 3 }` and the like.
fn checker(entry: &Entry, site: &Location<'_>) -> Advice {
    let inside = site.of() == MapType::LongHealthCheck;
    let Some(kind) = health_check(&entry.key) else {
        return no_such_check(&entry.key, inside);
    };
    let mut kinds = KINDS.into_iter();
    if let Some(given) = kinds.find(|kind| inside && site.given(kind).is_some()) {
        return Advice::delete(format!("`{given}` says how to ask"));
    }
    let (mut own, mut general, mut lost) = (Pairs::new(), Pairs::new(), Vec::new());
    for (key, node) in flat(entries_of(&entry.value)) {
        let lower = key.to_lowercase();
        let mut rows = OF_CHECKER.iter();
        let found = rows.find(|(words, of, _)| {
            words.split(' ').any(|word| word == lower) && (of.is_empty() || of.contains(&kind))
        });
        match (found, Form::of(node)) {
            (Some((_, [], key)), Some(form)) => general.push(pair(key, value_of(key, form))),
            (Some((_, ["script"], "path")), Some(form)) => own.push(pair("path", program_of(form))),
            (Some((.., key)), Some(form)) => own.push(pair(key, value_of(key, form))),
            (None, Some(_)) if lower != "enable_sni" => lost.push(key),
            _ => {}
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
    if inside {
        return Advice::Write(pairs, note);
    }
    let short = pairs.len() == 1 && pairs.iter().all(|(_, form)| *form == Form::empty());
    let form = if short {
        Form::word(kind)
    } else {
        Form::Map(pairs)
    };
    let level = site.level_of(MapType::Service).unwrap_or(0);
    let Some(given) = find(site.map_at(level), "health_check") else {
        return put(site, level, &["health_check"], form).noting(note);
    };
    match Form::of(&given.value) {
        Some(own) if own == form => Advice::delete("`health_check` sets it already"),
        _ => Advice::say(format!(
            "there is a `health_check` already: delete one of both; this one is {}",
            quoted(&[pair("health_check", form)])
        )),
    }
}

fn no_such_check(name: &str, inside: bool) -> Advice {
    let (tcp, script) = if inside {
        ("tcp: {}", "script: { path: /usr/local/bin/check }")
    } else {
        (
            "health_check: tcp",
            "health_check: { script: { path: /usr/local/bin/check } }",
        )
    };
    Advice::say(format!(
        "lvsctl has no check `{name}`: `{tcp}` only connects, and `{script}` runs a program that asks so"
    ))
}

/// The entries with those of `url` among them, which may be a list.
fn flat(entries: &[Entry]) -> Vec<(&str, &Node)> {
    let mut all = Vec::new();
    for entry in entries.iter().take(MOST_SIBLINGS) {
        let first = each(&entry.value).first().map_or(&[][..], entries_of);
        if first.is_empty() || !entry.key.eq_ignore_ascii_case("url") {
            all.push((entry.key.as_str(), &entry.value));
        }
        let inner = first
            .iter()
            .filter(|_| entry.key.eq_ignore_ascii_case("url"));
        all.extend(inner.map(|inner| (inner.key.as_str(), &inner.value)));
    }
    all
}

/// `url { path / status_code 200 }` without its checker.
fn url(entry: &Entry, site: &Location<'_>) -> Advice {
    let mut pairs = Pairs::new();
    for (key, node) in flat(std::slice::from_ref(entry)) {
        let key = match key.to_lowercase().as_str() {
            "url" | "path" => "path",
            "status_code" | "status" => "status",
            "virtualhost" => "host",
            _ => continue,
        };
        let form = Form::of(node).unwrap_or_else(|| Form::word("/"));
        pairs.push(pair(key, value_of(key, form)));
    }
    match (site.of(), pairs.as_slice()) {
        (MapType::HttpCheck, [(key, form)]) => put(site, 0, &[key.as_str()], form.clone()),
        (MapType::HttpCheck, _) => Advice::Write(pairs, String::new()),
        (_, [(key, form)]) => put(site, 0, &["http", key.as_str()], form.clone()),
        _ => put(site, 0, &["http"], Form::Map(pairs)),
    }
}

/// A program without its arguments, and with the folder that it may be in.
pub(super) fn program_of(form: Form) -> Form {
    let form = match form {
        Form::List(list) if !list.is_empty() => list.into_iter().next().unwrap_or_else(Form::empty),
        form => form,
    };
    match form.text().and_then(|text| text.split_whitespace().next()) {
        Some(first) if first.starts_with('/') => Form::word(first),
        Some(first) => {
            let name = first.rsplit('/').next().unwrap_or(first);
            Form::word(format!("/usr/local/bin/{name}"))
        }
        None => form,
    }
}

/// Failures in a row that count: one of them is the first, the others are retries.
fn retries(entry: &Entry, site: &Location<'_>) -> Advice {
    let count = scalar(&entry.value).and_then(|text| text.parse::<u32>().ok());
    let Some(count) = count else {
        return Advice::say(
            "`health_check: { retry: 2 }` says how often a real server that fails is asked again",
        );
    };
    let form = Form::word(count.saturating_sub(1).max(1));
    match site.of() {
        MapType::LongHealthCheck => put(site, 0, &["retry"], form),
        _ => for_service(&["health_check", "retry"], form, site),
    }
}

/// `type: http` beside the keys of that check.
fn kind(entry: &Entry, site: &Location<'_>) -> Advice {
    const PROGRAMS: [&str; 4] = ["path", "misc_path", "command", "checkcommand"];
    let said = text_of(&entry.value).unwrap_or_default();
    match health_check(&said) {
        Some("false") => Advice::say("write `health_check: false` for no check"),
        Some("script") => match PROGRAMS.into_iter().find(|key| site.given(key).is_some()) {
            Some(key) => Advice::delete(format!("the `script` to write for `{key}` says it")),
            None => put(
                site,
                0,
                &["script", "path"],
                Form::word("/usr/local/bin/check"),
            ),
        },
        Some(kind) => put(site, 0, &[kind], Form::empty()),
        None => match KINDS.into_iter().find(|kind| site.given(kind).is_some()) {
            Some(given) => Advice::delete(format!("`{given}` says how to ask")),
            None => Advice::say(
                "one key says how to ask: `tcp: {}`, `http: {}`, `https: {}` or `script: { path: /usr/local/bin/check }`",
            ),
        },
    }
}

/// Seconds for a connection, or for a program.
fn timeout(entry: &Entry, site: &Location<'_>) -> Advice {
    let runs = |key: &str| site.given(key).is_some();
    let program = said_kind(site.map()) == Some("script")
        || ["script", "misc_path", "command", "checkcommand"]
            .into_iter()
            .any(runs);
    let path: &[&str] = if program {
        &["script", "timeout"]
    } else {
        &["connect_timeout"]
    };
    value_for(path, entry, |form| put(site, 0, path, form))
}

/// `expect: 200`, `expect: status 2xx`, `expect: string OK`.
fn expected(entry: &Entry, site: &Location<'_>) -> Advice {
    let text = text_of(&entry.value).unwrap_or_default();
    let words = ["expect ", "status ", "string "];
    let bare = words
        .into_iter()
        .fold(text.as_str(), |text, word| text.trim_start_matches(word));
    let status = bare.starts_with(|c: char| c.is_ascii_digit());
    let key = if status { "status" } else { "text" };
    let form = match bare.to_lowercase().strip_suffix("xx") {
        Some(class) if status => Form::word(format!("{class}00-{class}99")),
        _ => Form::word(bare),
    };
    if bare.is_empty() || (!status && super::is_pattern(bare)) {
        return Advice::delete("lvsctl does not support it: `http` takes a `status` and a `text`");
    }
    match site.of() {
        MapType::HttpCheck => put(site, 0, &[key], form),
        MapType::LongHealthCheck => put(site, 0, &["http", key], form),
        _ => for_service(&["health_check", "http", key], form, site),
    }
}

/// HAProxy's options, of which some are checks: `option: httpchk GET /health`.
fn option(entry: &Entry, site: &Location<'_>) -> Advice {
    let said = text_of(&entry.value).unwrap_or_default();
    let said = format!("{} {said}", entry.key);
    let mut words = said.split_whitespace().filter(|word| *word != "option");
    let first = words.next().unwrap_or_default();
    let path = words.find(|word| word.starts_with('/'));
    match (health_check(first), path) {
        (Some("http"), Some(path)) => {
            put(site, 0, &["health_check", "http", "path"], Form::word(path))
        }
        (Some(kind), _) => put(site, 0, &["health_check"], Form::word(kind)),
        (None, _) if first.contains("check") || first.ends_with("chk") => {
            no_such_check(first, false)
        }
        (None, _) => Advice::delete("LVS forwards packets, and sees no HTTP"),
    }
}

/// The check of a host or of a real server: its service says it for all.
fn check(entry: &Entry, site: &Location<'_>) -> Advice {
    let Some(said) = text_of(&entry.value) else {
        return misplaced_key::of_key(entry, site).unwrap_or_else(|| {
            Advice::say("set it in the service, for all real servers: `health_check: tcp`")
        });
    };
    let on = switch(&said).map(|on| if on { "tcp" } else { "false" });
    let (path, form): (&[&str], _) = match on
        .or(health_check(&said))
        .filter(|kind| *kind != "script")
    {
        Some(kind) => (&["health_check"], Form::word(kind)),
        None if said.starts_with('/') => (&["check", "path"], Form::word(said)),
        None if said
            .parse()
            .is_ok_and(|code: u16| (100..600).contains(&code)) =>
        {
            (&["check", "status"], Form::word(said))
        }
        None => {
            return Advice::say(
                "its services say how it is asked: `health_check: http`, and `check: { path: /health }` for `lvsctl verify`",
            );
        }
    };
    for_service(path, form, site)
}

/// Words about a page, in a check that only connects.
fn of_page(entry: &Entry, _: &Location<'_>) -> Advice {
    let key = match entry.key.to_lowercase().as_str() {
        "path" | "url" | "uri" => "path",
        "host" | "virtualhost" => "host",
        "status" | "status_code" => "status",
        "version" => "version",
        _ => "text",
    };
    let form = Form::of(&entry.value).unwrap_or_else(Form::empty);
    let (page, _) = adapted(vec![pair("http", Form::below(&[key], value_of(key, form)))]);
    Advice::labelled(
        "it belongs to `http`",
        format!(
            "{} in the place of `tcp` asks for a page, which has it; `tcp` only connects",
            quoted(&page)
        ),
    )
}
