//! Keys whose hint depends on their value, or on the keys beside and above them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::advice::{Advice, put, quoted};
use super::convert_health::program_of;
use super::real_servers::{servers, weighted};
use super::{Conversion, Means, renamed, text_of};
use crate::inventory::BUILT_IN_ROLES;
use crate::inventory::form::{Form, pair as shown};
use crate::inventory::location::{Location, MapType, address, each, entries_of, find};
use crate::inventory::location::{has_role, scalar};
use crate::inventory::scalar::{endpoint, switch};
use crate::yaml::{Entry, Node};

pub(super) const VIP: Means = Means::Convert(Conversion(&["vip", "port"], vip));
pub(super) const UDP_VIP: Means = Means::Convert(Conversion(&["vip", "port"], udp_vip));
pub(super) const SERVERS: Means = Means::Convert(Conversion(&["real_servers"], real_servers));
pub(super) const PROCESS: Means = Means::Convert(Conversion(&["unit"], process));
pub(super) const PROGRAM: Means = Means::Convert(Conversion(&["notify"], program));
pub(super) const ONE_PACKET: Means = Means::Convert(Conversion(&["one_packet"], one_packet));
pub(super) const VIRTUAL: Means = Means::Convert(Conversion(&["services"], virtual_server));
pub(super) const NO_PREEMPT: Means = Means::Convert(Conversion(&["preempt"], no_preempt));
pub(super) const FLAG: Means = Means::Convert(Conversion(&["scheduler_flags"], flag));
pub(super) const FLAGS: Means = Means::Convert(Conversion(&["scheduler_flags"], flags));
pub(super) const SORRY: Means = Means::Convert(Conversion(&["address"], sorry));
pub(super) const WEIGHTS: Means = Means::Convert(Conversion(&[], weights));
pub(super) const AFFINITY: Means = Means::Convert(Conversion(&["persistence"], affinity));
pub(super) const TARGET_PORT: Means = Means::Convert(Conversion(&["real_port"], target_port));
pub(super) const HOST_PORT: Means = Means::Convert(Conversion(&[], host_port));
pub(super) const HOST_TYPE: Means = Means::Convert(Conversion(&["role"], host_type));
pub(super) const NETWORKS: Means = Means::Convert(Conversion(&["networks"], networks));

pub(super) fn pair(key: &str, form: Form) -> (String, Form) {
    (key.to_owned(), form)
}

fn is_off(entry: &Entry) -> bool {
    let said = text_of(&entry.value).unwrap_or_default();
    switch(&said) == Some(false) || said == "0"
}

/// An address that may have its port with it: `10.0.0.100 80`, `*:80`.
fn vip(entry: &Entry, site: &Location<'_>) -> Advice {
    let text = text_of(&entry.value).unwrap_or_default();
    if let Some(mark) = text.strip_prefix("fwmark ")
        && site.given("fwmark").is_none()
    {
        return Advice::write("fwmark", Form::word(mark));
    }
    let port = |port: u16| {
        site.given("port")
            .is_none()
            .then(|| pair("port", Form::word(port)))
    };
    let found = endpoint(&text);
    if site.given("vip").is_some() {
        return match found.and_then(|(_, number)| port(number?)) {
            Some((key, form)) => Advice::write(&key, form),
            None => Advice::delete("`vip` is given already"),
        };
    }
    if let Some((address, number)) = found {
        let mut pairs = vec![pair("vip", Form::word(address))];
        pairs.extend(number.and_then(port));
        return Advice::Write(pairs, String::new());
    }
    match text.rsplit_once(':') {
        Some(("*" | "", number)) => {
            let port = number.parse().ok().and_then(port);
            let port = port.unwrap_or_else(|| pair("port", Form::word(80)));
            Advice::say(format!(
                "write `vip: ‹vip›`, the address that clients ask for, and {}",
                quoted(&[port])
            ))
        }
        _ => renamed("vip", entry, site),
    }
}

fn udp_vip(entry: &Entry, site: &Location<'_>) -> Advice {
    match vip(entry, site) {
        advice @ Advice::Write(..) => advice.with(site, &[("protocol", "udp")]),
        _ if site.given("vip").is_some() => Advice::say("write `protocol: udp` in its place"),
        _ => {
            Advice::say("write `vip: ‹vip›`, the address that clients ask for, and `protocol: udp`")
        }
    }
}

/// Real servers under another key, in forms of other programs too.
fn real_servers(entry: &Entry, site: &Location<'_>) -> Advice {
    if site.given("real_servers").is_some() {
        return Advice::delete("`real_servers` is given already");
    }
    // keepalived's, with its address in the key.
    let address = entry.key.split(' ').nth(1);
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

/// Weights by host, or in the order of the real servers.
fn weights(entry: &Entry, site: &Location<'_>) -> Advice {
    match (weighted(site, &entry.value), site.given("real_servers")) {
        (Some(form), None) => Advice::write("real_servers", form),
        _ => Advice::say(
            "set the weight of each real server: `real_servers: { rs1: { weight: 3 }, rs2: { weight: 1 } }`",
        ),
    }
}

/// Kubernetes': by the client's address, or not at all.
fn affinity(entry: &Entry, site: &Location<'_>) -> Advice {
    let none = text_of(&entry.value).is_some_and(|text| text.eq_ignore_ascii_case("none"));
    if none || site.given("persistence").is_some() {
        return Advice::delete("`persistence` sets it, and is off by default");
    }
    Advice::write("persistence", Form::word(true))
}

fn target_port(entry: &Entry, site: &Location<'_>) -> Advice {
    renamed("real_port", entry, site).with(site, &[("mode", "nat")])
}

/// The port that a real server listens on, or that of SSH.
fn host_port(entry: &Entry, site: &Location<'_>) -> Advice {
    let name = site.name();
    let serves = site
        .host(name)
        .is_some_and(|host| has_role(&host.value, "realserver"));
    match text_of(&entry.value) {
        None => Advice::say("`ssh: { port: 22 }` says where SSH finds the host"),
        Some(port) if serves && !["22", "222", "2222"].contains(&port.as_str()) => {
            Advice::delete(format!(
                "where NAT maps ports, a service says which one real servers listen on: `real_port: {port}`, or of this \
                 host alone `real_servers: {{ {name}: {{ port: {port} }} }}`; `ssh: {{ port: {port} }}` would be that of SSH"
            ))
        }
        Some(port) => put(site, 0, &["ssh", "port"], Form::word(port)),
    }
}

/// `type: director`, where the value is a role.
fn host_type(entry: &Entry, site: &Location<'_>) -> Advice {
    let is_role = |word: &str| super::role(word).is_some() || BUILT_IN_ROLES.contains(&word);
    if each(&entry.value)
        .iter()
        .all(|node| scalar(node).is_some_and(is_role))
    {
        return renamed("role", entry, site);
    }
    Advice::say("`role: realserver` or `role: [realserver, web]` names the roles of a host")
}

fn networks(entry: &Entry, site: &Location<'_>) -> Advice {
    let is_subnet = |node: &Node| scalar(node).is_some_and(|text| text.parse::<IpNet>().is_ok());
    if !entries_of(&entry.value).is_empty() || each(&entry.value).iter().all(is_subnet) {
        return renamed("networks", entry, site);
    }
    Advice::labelled(
        "here it is `networks`",
        "`networks: { lan: 192.168.100.0/24 }` names subnets",
    )
}

/// A process that is watched: its unit.
fn process(entry: &Entry, site: &Location<'_>) -> Advice {
    match text_of(&entry.value).and_then(|text| unit(&text)) {
        _ if site.given("script").is_some() => {
            Advice::delete("`script` says what is watched; watch a unit by a separate entry")
        }
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
fn one_packet(entry: &Entry, site: &Location<'_>) -> Advice {
    let protocol = site
        .given("protocol")
        .and_then(|given| scalar(&given.value));
    match protocol.map(str::to_lowercase).as_deref() {
        _ if is_off(entry) => Advice::delete("`one_packet` is off by default"),
        _ if site.given("one_packet").is_some() => Advice::delete("`one_packet` is given already"),
        Some("tcp") => Advice::delete("`one_packet` schedules UDP packets, and the service is TCP"),
        _ => Advice::write("one_packet", Form::word(true)).with(site, &[("protocol", "udp")]),
    }
}

/// `virtual_server 10.0.0.100 80:`, and a service that stands there without a name.
fn virtual_server(entry: &Entry, site: &Location<'_>) -> Advice {
    let web = |form| Advice::write("services", Form::below(&["web"], form));
    let written = entry.key.split_once(' ').map(|(_, address)| address);
    let written = written.or(scalar(&entry.value)).and_then(endpoint);
    if let (Some((address, Some(port))), None) = (written, site.given("services")) {
        let pairs = vec![
            pair("vip", Form::word(address)),
            pair("port", Form::word(port)),
        ];
        return web(Form::Map(pairs)).noting(
            ", with what else it says beside `port`; each real server is a host below `hosts`",
        );
    }
    let map = entries_of(&entry.value);
    let alone = ["vip", "ip", "port", "address", "virtual_ipaddress"];
    if alone.iter().any(|key| find(map, key).is_some())
        && site.given("services").is_none()
        && let Some(form) = Form::of(&entry.value)
    {
        return web(form);
    }
    renamed("services", entry, site)
}

/// A program that runs at some changes: keepalived's `notify_master` and similar ones.
fn program(entry: &Entry, site: &Location<'_>) -> Advice {
    let said = text_of(&entry.value).map(Form::word).map(program_of);
    match (said, site.given("notify")) {
        (Some(form), None) => Advice::write("notify", form)
            .noting("; it runs at every change, with the new state as its third argument"),
        _ => Advice::delete(
            "`notify` runs one program at every change, which gets the new state as its third argument",
        ),
    }
}

/// `nopreempt: false` is the default; of a member, the instance says it for all.
fn no_preempt(entry: &Entry, site: &Location<'_>) -> Advice {
    if is_off(entry) == entry.key.starts_with("no") {
        return Advice::delete("a member of higher priority takes the VIPs back by default");
    }
    match site.level_of(MapType::Vrrp) {
        Some(0) if site.given("preempt").is_some() => Advice::delete("`preempt` is given already"),
        level => put(site, level.unwrap_or(0), &["preempt"], Form::word(false)),
    }
}

/// A flag by the name that it has for the scheduler in force, and that scheduler.
fn named_flag(flag: &str, site: &Location<'_>) -> Option<(String, &'static str)> {
    let flag = flag.trim().to_lowercase().replace('_', "-");
    let (own, what) = match flag.as_str() {
        "sh-port" | "flag-2" => ("sh", "port"),
        "sh-fallback" | "flag-1" => ("sh", "fallback"),
        "mh-port" => ("mh", "port"),
        "mh-fallback" => ("mh", "fallback"),
        _ => return None,
    };
    let words = ["scheduler", "lb_algo", "lvs_sched", "-s"];
    let given = words.into_iter().find_map(|key| site.given(key));
    let given = given.and_then(|given| super::scheduler(scalar(&given.value)?));
    let scheduler = given
        .filter(|word| ["sh", "mh"].contains(word))
        .unwrap_or(own);
    Some((format!("{scheduler}-{what}"), scheduler))
}

/// `sh-port: true`.
fn flag(entry: &Entry, site: &Location<'_>) -> Advice {
    if is_off(entry) {
        return Advice::delete("no flag is set by default");
    }
    match named_flag(&entry.key, site) {
        Some((name, scheduler)) => with_flags(vec![Form::word(name)], scheduler, site),
        None => Advice::delete("it means nothing to any scheduler"),
    }
}

/// `-b sh-port,sh-fallback`.
fn flags(entry: &Entry, site: &Location<'_>) -> Advice {
    let written = each(&entry.value).iter().filter_map(scalar);
    let words = written.flat_map(|text| text.split([',', ' ']));
    let words = words.filter(|word| !word.is_empty());
    let all: Option<Vec<(String, &str)>> = words.map(|word| named_flag(word, site)).collect();
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

fn with_flags(flags: Vec<Form>, scheduler: &str, site: &Location<'_>) -> Advice {
    let Some(given) = site.given("scheduler_flags") else {
        let advice = Advice::write("scheduler_flags", Form::List(flags));
        return advice.with(site, &[("scheduler", scheduler)]);
    };
    let mut all: Vec<Form> = each(&given.value).iter().filter_map(Form::of).collect();
    all.extend(flags);
    all.dedup();
    Advice::say(format!(
        "delete it, and write `{}` in the place of `scheduler_flags`",
        shown(&pair("scheduler_flags", Form::List(all)))
    ))
}

/// The host of a sorry server: its address.
fn sorry(entry: &Entry, site: &Location<'_>) -> Advice {
    if site.given("address").is_some() {
        return Advice::delete("`address` is given already");
    }
    let name = text_of(&entry.value).unwrap_or_default();
    match site.host(&name).and_then(|host| address(&host.value)) {
        Some(address) => Advice::write("address", Form::word(address)),
        None if name.parse::<IpAddr>().is_ok() => renamed("address", entry, site),
        None => Advice::say("write the address of a host in its place: `address: ‹host›`"),
    }
}

/// The role that a host's name speaks of.
pub(in crate::inventory) fn role_of(name: &str) -> &'static str {
    const STEMS: &[(&str, &[&str])] = &[
        ("client", &["client", "tester"]),
        ("backup", &["backup", "slave", "standby"]),
        (
            "director",
            &[
                "lb", "dir", "balancer", "load", "lvs", "ipvs", "master", "ha",
            ],
        ),
        ("router", &["router", "gw", "gateway"]),
    ];
    let name = name.to_lowercase();
    let mut roles = STEMS.iter();
    let found = roles.find(|(_, stems)| stems.iter().any(|stem| name.starts_with(stem)));
    found.map_or("realserver", |(role, _)| role)
}
