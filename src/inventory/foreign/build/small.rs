//! Single words whose hint depends on their value, or on what stands beside them.

use super::text_of;
use crate::inventory::foreign::advice::{Advice, put};
use crate::inventory::foreign::fit::fitted;
use crate::inventory::foreign::{health_check, home, renamed, value_of};
use crate::inventory::form::{Form, pair};
use crate::inventory::node::{Entry, Node, Value};
use crate::inventory::scalar::switch;
use crate::inventory::site::{Site, address, each, scalar};

fn is_off(entry: &Entry) -> bool {
    let said = text_of(&entry.value).unwrap_or_default();
    switch(&said) == Some(false) || said == "0"
}

/// `nopreempt: false` is what holds by default.
pub(in crate::inventory::foreign) fn no_preempt(entry: &Entry, site: &Site<'_>) -> Advice {
    match site.given("preempt") {
        Some(_) => Advice::delete("`preempt` is given already"),
        None if is_off(entry) => {
            Advice::delete("a member of higher priority takes the VIPs back by default")
        }
        None => Advice::write("preempt", Form::word(false)),
    }
}

/// The same in a member, where the instance says it for all.
pub(in crate::inventory::foreign) fn of_instance(entry: &Entry, site: &Site<'_>) -> Advice {
    let keeps = entry.key.starts_with("no");
    if is_off(entry) == keeps {
        return Advice::delete("a member of higher priority takes the VIPs back by default");
    }
    let level = site.level_of("Vrrp").unwrap_or(0);
    put(site, level, &["preempt"], Form::word(false))
}

/// The scheduler that takes flags, where it is the one in force.
fn scheduler(site: &Site<'_>) -> Option<&'static str> {
    let words = [
        "scheduler",
        "lb_algo",
        "lvs_sched",
        "-s",
        "algorithm",
        "method",
        "balance",
    ];
    let given = words.into_iter().find_map(|key| site.given(key))?;
    match super::super::scheduler(scalar(&given.value)?) {
        Some("sh") => Some("sh"),
        Some("mh") => Some("mh"),
        _ => None,
    }
}

/// A flag with the name that it has for the scheduler in force, and that scheduler.
fn named(flag: &str, site: &Site<'_>) -> Option<(String, &'static str)> {
    let flag = flag.trim().to_lowercase().replace('_', "-");
    let (own, what) = match flag.as_str() {
        "sh-port" | "flag-2" => (Some("sh"), "port"),
        "sh-fallback" | "flag-1" => (Some("sh"), "fallback"),
        "mh-port" => (Some("mh"), "port"),
        "mh-fallback" => (Some("mh"), "fallback"),
        _ => return None,
    };
    let scheduler = scheduler(site).or(own)?;
    Some((format!("{scheduler}-{what}"), scheduler))
}

/// `sh-port: true`.
pub(in crate::inventory::foreign) fn flag(entry: &Entry, site: &Site<'_>) -> Advice {
    if is_off(entry) {
        return Advice::delete("no flag is set by default");
    }
    match named(&entry.key, site) {
        Some((name, scheduler)) => with_flags(vec![Form::word(name)], scheduler, site),
        None => Advice::delete("it means nothing to any scheduler"),
    }
}

/// `-b sh-port,sh-fallback`.
pub(in crate::inventory::foreign) fn flags(entry: &Entry, site: &Site<'_>) -> Advice {
    let written: Vec<&str> = each(&entry.value).iter().filter_map(scalar).collect();
    let words = written
        .iter()
        .flat_map(|text| text.split([',', ' ']))
        .filter(|word| !word.is_empty());
    let all: Option<Vec<(String, &'static str)>> = words.map(|word| named(word, site)).collect();
    match all.as_deref() {
        Some([(_, scheduler), ..]) => {
            let names = all.iter().flatten().map(|(name, _)| Form::word(name));
            with_flags(names.collect(), scheduler, site)
        }
        _ => Advice::say(
            "`scheduler_flags: [sh-port]` of `scheduler: sh`, or `[mh-port]` of `mh`; the other flags are `sh-fallback` and `mh-fallback`",
        ),
    }
}

fn with_flags(flags: Vec<Form>, scheduler: &str, site: &Site<'_>) -> Advice {
    match site.given("scheduler_flags") {
        None => Advice::write("scheduler_flags", Form::List(flags))
            .with(site, &[("scheduler", scheduler)]),
        Some(given) => {
            let own = each(&given.value).iter().filter_map(Form::of);
            let mut all: Vec<Form> = own.collect();
            all.extend(flags);
            all.dedup();
            let form = Form::List(all);
            Advice::say(format!(
                "delete it, and write `{}` in the place of `scheduler_flags`",
                pair(&("scheduler_flags".to_owned(), form))
            ))
        }
    }
}

/// A host has no check of its own: its services have.
pub(in crate::inventory::foreign) fn host_check(entry: &Entry, site: &Site<'_>) -> Advice {
    let said = text_of(&entry.value).unwrap_or_default().to_lowercase();
    let known = ["tcp", "http", "https"]
        .into_iter()
        .find(|kind| *kind == said);
    let kind = known.or_else(|| health_check(&said));
    let kind = kind.or(switch(&said).map(|on| if on { "tcp" } else { "false" }));
    match kind {
        Some(kind) => home::to_service("health_check", Form::word(kind), site),
        None if said
            .parse::<u16>()
            .is_ok_and(|code| (100..600).contains(&code)) =>
        {
            home::to_service("check", Form::below(&["status"], Form::word(said)), site)
        }
        None if said.starts_with('/') => {
            let path = Form::word(text_of(&entry.value).unwrap_or_default());
            home::to_service("check", Form::below(&["path"], path), site)
        }
        None if text_of(&entry.value).is_some() => Advice::say(
            "its services say how it is asked: `health_check: http`, and `check: { path: /health }` for `lvsctl verify`",
        ),
        None => home::in_service(entry, site),
    }
}

/// The networks, where the value is none.
pub(in crate::inventory::foreign) fn networks(entry: &Entry, site: &Site<'_>) -> Advice {
    let is_net =
        |node: &Node| scalar(node).is_some_and(|text| text.parse::<ipnet::IpNet>().is_ok());
    let named = matches!(&entry.value.value, Value::Map(_));
    if named || each(&entry.value).iter().all(is_net) {
        return renamed("networks", entry, site);
    }
    Advice::labelled(
        "here it is `networks`",
        "`networks: { lan: 192.168.100.0/24 }` names subnets",
    )
}

/// What each service says, written for all of them.
pub(in crate::inventory::foreign) fn of_services(entry: &Entry, site: &Site<'_>) -> Advice {
    let key = match entry.key.to_lowercase().replace('-', "_").as_str() {
        "lb_kind" | "lvs_method" => "mode",
        "persistence_timeout" => "persistence",
        _ => "scheduler",
    };
    match Form::of(&entry.value) {
        Some(form) => home::to_service(key, value_of(key, form), site),
        None => Advice::say(
            "each service has its own: `scheduler: wrr`, `mode: dr`, `persistence: 300`",
        ),
    }
}

/// What belongs to a page, in a check that only connects.
pub(in crate::inventory::foreign) fn of_http(entry: &Entry, _: &Site<'_>) -> Advice {
    let key = match entry.key.to_lowercase().as_str() {
        "path" | "url" | "uri" => "path",
        "host" | "virtualhost" => "host",
        "status" | "status_code" => "status",
        "version" => "version",
        _ => "text",
    };
    let form = Form::of(&entry.value).unwrap_or_else(Form::empty);
    let pairs = vec![(key.to_owned(), value_of(key, form))];
    let (pairs, _) = fitted(pairs);
    let page = pair(&("http".to_owned(), Form::Map(pairs)));
    Advice::labelled(
        "it belongs to `http`",
        format!(
            "`{page}` in the place of `tcp` asks for a page, which has it; `tcp` only connects"
        ),
    )
}

/// The host of a sorry server: its address.
pub(in crate::inventory::foreign) fn sorry(entry: &Entry, site: &Site<'_>) -> Advice {
    if site.given("address").is_some() {
        return Advice::delete("`address` is given already");
    }
    let name = text_of(&entry.value).unwrap_or_default();
    match site.host(&name).and_then(|host| address(&host.value)) {
        Some(address) => Advice::write("address", Form::word(address)),
        None if name.parse::<std::net::IpAddr>().is_ok() => renamed("address", entry, site),
        None => Advice::say("write the address of a host in its place: `address: 192.168.100.14`"),
    }
}
