//! Values that are wrong as a whole: one message, with the value that was probably meant.

use crate::diagnostic::{Expected, Fault, Found, Help, shown};
use crate::inventory::field::Shaped as _;
use crate::inventory::foreign;
use crate::inventory::form::Form;
use crate::inventory::location::{MapType, each, entries_of, find, scalar};
use crate::inventory::raw::service::RealServers;
use crate::inventory::raw::word::ServicePorts;
use crate::inventory::scalar::listed;
use crate::yaml::{Node, Value, variable};

use super::hint::{NO_VARIABLES, beside};
use super::{Cursor, nameless};

/// A fault of the whole value, where it is not read any further.
pub(super) fn misread(cursor: Cursor<'_>) -> Option<Fault> {
    if cursor.in_list || !cursor.site.inventory {
        return None;
    }
    let text = match &cursor.node.value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    };
    match (cursor.site.of(), cursor.key) {
        (MapType::Inventory, "cluster") => variable(text?).map(|found| {
            expected(cursor, "the cluster's name")
                .help(format!("{NO_VARIABLES} in the place of `{found}`"))
        }),
        (MapType::Inventory, "hosts") => patterns(cursor.node).or_else(|| nameless::host(cursor)),
        (MapType::Inventory, "services") => nameless::service(cursor),
        (MapType::Host, "role") => names(cursor, text?, "a role or a list of roles"),
        (MapType::Vrrp, "members") => names(cursor, text?, "a list of hosts"),
        (MapType::Vrrp, "track_interface") => {
            names(cursor, text?, "an interface or a list of them")
        }
        (MapType::Service, "scheduler_flags") => names(cursor, text?, "a flag or a list of flags"),
        (MapType::Service, "real_servers") => real_servers(cursor),
        (MapType::Service, "weight") => weights(cursor),
        (MapType::RealServer, "weight") => weights_of_ports(cursor),
        (MapType::Service, "port") => ports(cursor),
        (MapType::Service, "protocol") => protocols(cursor),
        (MapType::Service, "check") => check(cursor, text?),
        (MapType::Service, "health_check") => kinds(cursor),
        (MapType::Vrrp, "notify") => program(
            cursor,
            text?,
            "it gets `INSTANCE`, the instance's name, the state and the priority as arguments, and no others",
        ),
        (MapType::TrackScript, "script") => watched(cursor, text?).or_else(|| {
            program(
                cursor,
                text?,
                "it gets no arguments; a script of yours may run it with them",
            )
        }),
        (MapType::ScriptCheck, "path") => program(
            cursor,
            text?,
            "it gets the real server's address and port as arguments, and no others",
        ),
        _ => None,
    }
}

fn expected(cursor: Cursor<'_>, what: &'static str) -> Fault {
    Fault::expected(Expected::other(what), cursor.node.found())
}

/// `rs[1:3]`: names of several hosts in one.
fn patterns(hosts: &Node) -> Option<Fault> {
    let mut keys = entries_of(hosts)
        .iter()
        .map(|entry| (&entry.key, entry.key_span));
    let (name, span) = keys.find(|(name, _)| name.contains(['[', '{', '*']))?;
    let help = match each_name(name) {
        Some(names) => format!(
            "write each host by itself, with its `address`: `{}`",
            names.join("`, `")
        ),
        None => "write each host by itself, with its `address`".to_owned(),
    };
    let fault = Fault::new(format!(
        "{} stands for several hosts, and each has a name",
        shown(name)
    ));
    Some(fault.help(help).at(span))
}

/// The names of a pattern, where they are few.
fn each_name(pattern: &str) -> Option<Vec<String>> {
    const MOST: u32 = 10;
    let (before, rest) = pattern.split_once(['[', '{'])?;
    let (range, after) = rest.split_once([']', '}'])?;
    let (first, last) = range
        .split_once(':')
        .or(range.split_once(".."))
        .or(range.split_once('-'))?;
    let (low, high) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
    let (width, few) = (
        first.len(),
        low <= high && high - low < MOST && first.len() < 10,
    );
    few.then(|| {
        (low..=high)
            .map(|n| format!("{before}{n:0width$}{after}"))
            .collect()
    })
}

/// Names in one text: `realserver, web`.
fn names(cursor: Cursor<'_>, text: &str, what: &'static str) -> Option<Fault> {
    let parts = listed(text)?;
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if !parts.iter().all(|part| part.chars().all(good)) {
        return None;
    }
    let list = Form::words(parts);
    Some(expected(cursor, what).help(format!("write `{list}`")))
}

fn real_servers(cursor: Cursor<'_>) -> Option<Fault> {
    let (site, node) = (cursor.site, cursor.node);
    if let Value::Text(text) = &node.value
        && site.host(text).is_none()
        && ["all", "any", "realserver", "realservers", "*"].contains(&text.to_lowercase().as_str())
    {
        let help = "delete `real_servers`: without it every host of the role `realserver` serves";
        return Some(Fault::expected(RealServers::EXPECTED, node.found()).help(help));
    }
    let found = foreign::servers(&site, node)?;
    let shape = node.found().shape;
    let text = found.odd?;
    let mut help = Help::from(format!("write `{}`", found.form));
    if found.needs_nat {
        help = help.and(beside(&site, &[("mode", Form::word("nat"))]));
    }
    let fault = Fault::expected(RealServers::EXPECTED, Found { shape, text });
    Some(fault.help(help))
}

/// Weights of real servers where the service has one for all.
fn weights(cursor: Cursor<'_>) -> Option<Fault> {
    let several = matches!(&cursor.node.value, Value::Map(_))
        || matches!(&cursor.node.value, Value::List(list) if list.len() > 1);
    if !several {
        return None;
    }
    let form = foreign::weighted(&cursor.site, cursor.node);
    let form = form.filter(|_| cursor.site.given("real_servers").is_none());
    let help = match form {
        Some(form) => format!("write `real_servers: {form}` in the place of `weight`"),
        None => "set the weight of each real server: `real_servers: { rs1: { weight: 3 }, rs2: { weight: 1 } }`".to_owned(),
    };
    Some(expected(cursor, "one weight for all real servers, from 0 to 65535").help(help))
}

/// A weight for each port of a real server.
fn weights_of_ports(cursor: Cursor<'_>) -> Option<Fault> {
    let Value::List(list) = &cursor.node.value else {
        return None;
    };
    let ports = cursor.site.given("port").map(|port| each(&port.value))?;
    let number = |node: &Node| scalar(node)?.parse::<u16>().ok();
    let pairs = ports.iter().zip(list).map(|(port, weight)| {
        let pair = |key: &str, number: u16| (key.to_owned(), Form::word(number));
        Some(Form::Map(vec![
            pair("port", number(port)?),
            pair("weight", number(weight)?),
        ]))
    });
    let form = Form::List(pairs.collect::<Option<_>>()?);
    (ports.len() == list.len() && !list.is_empty()).then(|| {
        expected(cursor, "one weight, from 0 to 65535").help(format!(
            "write `{}: {form}`: each port with its weight",
            cursor.site.name()
        ))
    })
}

/// Ports with the port of the real servers or the protocol: `80:8080`, `53/udp`.
fn ports(cursor: Cursor<'_>) -> Option<Fault> {
    let all = foreign::ports(cursor.node)?;
    let odd = all.iter().position(|port| port.odd)?;
    let help = match all.as_slice() {
        [one] => {
            let keys = one.beside.iter();
            let keys: Vec<(&str, Form)> =
                keys.map(|(key, text)| (*key, Form::word(text))).collect();
            Help::from(format!("write `{}`", Form::word(&one.port)))
                .and(beside(&cursor.site, &keys))
        }
        all if all.iter().all(|port| port.beside.is_empty()) => {
            format!("write `{}`", Form::words(all.iter().map(|port| &port.port))).into()
        }
        all => foreign::a_service_each(all, &cursor.site).into(),
    };
    let found = each(cursor.node).get(odd).unwrap_or(cursor.node).found();
    Some(Fault::expected(ServicePorts::EXPECTED, found).help(help))
}

/// Both protocols in one service.
fn protocols(cursor: Cursor<'_>) -> Option<Fault> {
    let words: Vec<String> = each(cursor.node)
        .iter()
        .filter_map(scalar)
        .map(str::to_lowercase)
        .collect();
    let said = words.join(" ");
    let both = (said.contains("tcp") && said.contains("udp"))
        || ["both", "any", "all", "*"].contains(&said.as_str());
    let name = cursor.site.name();
    both.then(|| {
        expected(cursor, "a protocol: tcp or udp").help(format!(
            "make two services of it with the same `vip` and `port`: `{name}-tcp` with `protocol: tcp`, `{name}-udp` with `protocol: udp`"
        ))
    })
}

/// Several types in one health check. An HTTP request includes the connection, so it wins over `tcp`.
fn kinds(cursor: Cursor<'_>) -> Option<Fault> {
    let given: Vec<(&str, Form)> = ["script", "https", "http", "tcp"]
        .into_iter()
        .filter_map(|kind| Some((kind, find(entries_of(cursor.node), kind)?)))
        .map(|(kind, entry)| (kind, Form::of(&entry.value).unwrap_or_else(Form::empty)))
        .collect();
    let [(best, _), (other, _), ..] = given.as_slice() else {
        return None;
    };
    let Some(Form::Map(pairs)) = Form::of(cursor.node) else {
        return None;
    };
    let known = |key: &str| given.iter().any(|(kind, _)| *kind == key);
    // `tcp: true`.
    let long = |(key, form): (String, Form)| match form {
        Form::Word(text) if known(&key) && text.starts_with('/') => {
            (key, Form::below(&["path"], Form::word(text)))
        }
        Form::Word(_) if known(&key) => (key, Form::empty()),
        form => (key, form),
    };
    let kept: Vec<(String, Form)> = pairs
        .into_iter()
        .filter(|(key, _)| key == best || !known(key))
        .map(long)
        .collect();
    let help = format!("write `{}`: one of them is asked", Form::Map(kept));
    let fault = Fault::new(format!(
        "a health check is one of `{other}` and `{best}`, not both"
    ));
    Some(fault.help(help))
}

/// `check: http`: the key of `verify`, mistaken for the health check.
fn check(cursor: Cursor<'_>, text: &str) -> Option<Fault> {
    let kind = ["tcp", "http", "https"]
        .into_iter()
        .find(|kind| *kind == text);
    let help = match kind {
        Some(kind) if cursor.site.given("health_check").is_none() => format!(
            "write `health_check: {kind}` in the place of `check`, which says how `lvsctl verify` asks"
        ),
        Some(_) => "delete `check`: it says how `lvsctl verify` asks, and `health_check` is given"
            .to_owned(),
        None if text.starts_with('/') => {
            format!("write `{}`", Form::below(&["path"], Form::word(text)))
        }
        None => return None,
    };
    Some(expected(cursor, "a map with `path`, `status`, `ports` and the like").help(help))
}

/// A program with arguments, or without its folder.
fn program(cursor: Cursor<'_>, text: &str, arguments: &str) -> Option<Fault> {
    let first = text.split_whitespace().next()?;
    let several = first.len() < text.len();
    let absolute = first.starts_with('/');
    if absolute && !several {
        return None;
    }
    let path = if absolute {
        first.to_owned()
    } else {
        let name = first.rsplit('/').next().unwrap_or(first);
        format!("/usr/local/bin/{name}")
    };
    let good = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !path.chars().all(good) {
        return None;
    }
    let why = match (absolute, several) {
        (true, _) => format!(": {arguments}"),
        (false, false) => ", or where it is on the directors".to_owned(),
        (false, true) => format!(", or where it is on the directors: {arguments}"),
    };
    let fault = expected(cursor, "the absolute path of a program, without arguments");
    Some(fault.help(format!("write `{path}`{why}")))
}

/// A program that looks whether another one runs.
fn watched(cursor: Cursor<'_>, text: &str) -> Option<Fault> {
    let mut words = text.split_whitespace();
    let program = words.next()?.rsplit('/').next()?;
    let mut words = words.filter(|word| !word.starts_with('-'));
    let name = match program {
        "killall" | "pidof" | "pgrep" | "pkill" => words.next()?,
        "systemctl" => words.find(|word| !["is-active", "status"].contains(word))?,
        _ => return None,
    };
    let unit = foreign::unit(name)?;
    let fault = expected(cursor, "the absolute path of a program, without arguments");
    Some(fault.help(format!(
        "write `unit: {unit}` in the place of `script`: the unit is watched, and is restarted once before it counts as failed"
    )))
}
