//! What is advised where it depends on a key's value, or on what stands beside and above it.

mod health;
mod port;
mod small;

use super::advice::Advice;
use super::servers::servers;
use super::{Builder, Means, text_of};
use crate::inventory::form::Form;
use crate::inventory::node::{Entry, Node, Value};
use crate::inventory::scalar::{endpoint, switch};
use crate::inventory::site::{Site, address, each, entries_of, find, scalar};
pub(super) use health::kind;
use health::{
    attempts, check, checker, expected, interval, kind_of, of_each_check, of_page, option,
    program_of, program_time, retries, timeout, url,
};
pub(in crate::inventory) use port::{Port, port, several};
use port::{host_port, ports, target_port, udp_vip, vip};

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
pub(super) const NO_PREEMPT: Means = Means::Build(Builder(&["preempt"], small::no_preempt));
pub(super) const OF_INSTANCE: Means = Means::Build(Builder(&[], small::of_instance));
pub(super) const FLAG: Means = Means::Build(Builder(&["scheduler_flags"], small::flag));
pub(super) const FLAGS: Means = Means::Build(Builder(&["scheduler_flags"], small::flags));
pub(super) const HOST_CHECK: Means = Means::Build(Builder(&[], small::host_check));
pub(super) const OF_HTTP: Means = Means::Build(Builder(&[], small::of_http));
pub(super) const NETWORKS: Means = Means::Build(Builder(&["networks"], small::networks));
pub(super) const OF_SERVICES: Means = Means::Build(Builder(&[], small::of_services));
pub(super) const SORRY: Means = Means::Build(Builder(&["address"], small::sorry));
pub(super) const PROGRAM: Means = Means::Build(Builder(&["notify"], program));

fn service_level(site: &Site<'_>) -> usize {
    site.level_of("Service").unwrap_or(0)
}

fn pair(key: &str, form: Form) -> (String, Form) {
    (key.to_owned(), form)
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
    let director = site.of() == "Host"
        && (site.has_role("director") || site.has_role("backup"))
        && !site.has_role("realserver");
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
    if site.of() == "Host" && site.has_role("director") {
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

/// A program that runs at some changes: keepalived's `notify_master` and similar ones.
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
