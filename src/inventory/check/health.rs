//! Health checks and end-to-end checks: what is asked for can be asked for.

use std::collections::BTreeSet;

use super::View;
use super::quoted;
use crate::inventory::model::{
    HealthCheckKind, HttpAnswer, Protocol, RealServer, Service, StatusCodes,
};
use crate::inventory::problem::{Fault, shown};

pub fn checks(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let name = service.name.as_str();
        if let Some(fault) = url_path(&service.check.path) {
            faults.push(view.at(&["services", name, "check", "path"], fault));
        }
        let Some(health) = &service.health_check else {
            continue;
        };
        let at = |kind, key| ["services", name, "health_check", kind, key];
        let mut page = |kind, answer: &HttpAnswer| {
            let bad_path = url_path(&answer.path);
            faults.extend(bad_path.map(|fault| view.at(&at(kind, "path"), fault)));
            let bad_text = answer.text.as_deref().and_then(page_text);
            let bad_text = bad_text.or_else(|| answer.text.as_deref().and_then(no_body));
            let bad_text = bad_text.or_else(|| text_without_body(answer));
            faults.extend(bad_text.map(|fault| view.at(&at(kind, "text"), fault)));
            let bad_host = answer.host.as_deref().and_then(host_name);
            faults.extend(bad_host.map(|fault| view.at(&at(kind, "host"), fault)));
        };
        match &health.kind {
            HealthCheckKind::Http(answer) => page("http", answer),
            HealthCheckKind::Https(answer) => page("https", answer),
            HealthCheckKind::Script { path, .. } => {
                faults.extend(program(path).map(|fault| view.at(&at("script", "path"), fault)));
            }
            HealthCheckKind::Tcp => {}
        }
        let given = ["services", name, "health_check", "rise"];
        if view.cluster.keepalived && health.rise != 1 && view.places.is_given(&given) {
            let fault = Fault::new(format!(
                "`rise` of service {} has no effect: keepalived takes a real server back after one answer",
                shown(name)
            ))
            .help("delete `rise`; lvsctl's own health checker, without keepalived, counts answers")
            .warning();
            faults.push(view.at(&given, fault));
        }
    }
}

/// Health checks by connections of TCP, where the service is another protocol's or has no port to ask.
pub fn asks_by_tcp(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let name = service.name.as_str();
        let Some(health) = &service.health_check else {
            continue;
        };
        if matches!(health.kind, HealthCheckKind::Script { .. }) {
            continue;
        }
        let path = ["services", name, "health_check"];
        // A range without a mark is a mistake of its own.
        let marked = service.fwmark.is_some() || service.port_ranges.is_empty();
        let unnamed = service.is_every_port() || service.known_ports().is_empty();
        if marked && unnamed && health.port.is_none() {
            let what = match service.port_ranges.first() {
                None => "a service on every port does not say which one its health check asks",
                Some(_) => "a service of port ranges does not say which port its health check asks",
            };
            faults.push(view.at(&path, Fault::new(what).help(port_to_ask(view, service))));
        } else if service.protocol == Protocol::Udp
            && let Some(what) = udp_by_tcp(view, service, health.port)
        {
            let fault = Fault::new(format!("service {} is UDP, {what}", shown(name)));
            let fault = fault
                .help("name a TCP `port` that its real servers listen on, ask by `script`, or write `health_check: false`")
                .warning();
            faults.push(view.at(&path, fault));
        }
    }
}

/// What is wrong with a TCP check of a UDP service. Another service may say that the port is one of TCP too.
fn udp_by_tcp(view: View<'_>, service: &Service, port: Option<u16>) -> Option<String> {
    let Some(port) = port else {
        return Some("but its health check connects by TCP".to_owned());
    };
    let own = service.all_ports().iter().any(|all| all.contains(port));
    let other = || {
        tcp_ports(view, service, |served| served == port)
            .next()
            .is_some()
    };
    (own && !other()).then(|| {
        format!("and its health check connects by TCP to its port {port}, where real servers may listen by UDP alone")
    })
}

/// Ports on which real servers of a service serve others by TCP, and which.
fn tcp_ports<'c>(
    view: View<'c>,
    service: &'c Service,
    wanted: impl Fn(u16) -> bool + Copy,
) -> impl Iterator<Item = (u16, &'c str)> {
    let others = view.cluster.services.iter();
    let others = others.filter(|s| s.protocol == Protocol::Tcp && s.name != service.name);
    others.filter_map(move |other| {
        let mapped = other.real_servers.first().and_then(|real| real.port);
        let port = match mapped {
            Some(port) => Some(port).filter(|port| wanted(*port)),
            None => other.ports.iter().copied().find(|port| wanted(*port)),
        }?;
        serves_all(other, service).then_some((port, other.name.as_str()))
    })
}

/// Whether all real servers of a service are those of another one too.
fn serves_all(other: &Service, service: &Service) -> bool {
    let serves = |real: &RealServer| other.real_servers.iter().any(|rs| rs.host == real.host);
    let (first, last) = (service.real_servers.first(), service.real_servers.last());
    // Most that differ do so here; the rest takes longer.
    if ![first, last].into_iter().flatten().all(serves) {
        return false;
    }
    let hosts: BTreeSet<&str> = other
        .real_servers
        .iter()
        .map(|rs| rs.host.as_str())
        .collect();
    let mut all = service.real_servers.iter();
    all.all(|real| hosts.contains(real.host.as_str()))
}

/// Servers open ports of a range when they need them, so none of these is asked; the one that they always listen on may be.
fn port_to_ask(view: View<'_>, service: &Service) -> String {
    let inside = |port: u16| service.port_ranges.iter().any(|range| range.contains(port));
    let off = if service.sorry_server.is_some() {
        "ask by a program: `health_check: { script: { path: /usr/local/bin/check } }`"
    } else {
        "write `health_check: false`"
    };
    if let Some((port, other)) = tcp_ports(view, service, |port| !inside(port)).next() {
        return format!(
            "write `health_check: {{ tcp: {{}}, port: {port} }}`, a port on which the real servers serve {} too; or {off}",
            shown(other)
        );
    }
    let control = match service.protocol {
        _ if service.port_ranges.is_empty() => (80, ""),
        Protocol::Tcp => (21, " of FTP"),
        Protocol::Udp => (5060, " of SIP"),
    };
    let example = Some(control).filter(|(port, _)| !inside(*port));
    let example = example.map_or_else(String::new, |(port, what)| {
        format!(", such as {port}{what}: `health_check: {{ tcp: {{}}, port: {port} }}`")
    });
    format!("{off}, or name a TCP port on which the real servers always listen{example}")
}

fn url_path(path: &str) -> Option<Fault> {
    // A URL has none of these as they are; `#` begins what is not sent.
    let odd = ['`', '<', '>', '#', ' '];
    let bad = !path.starts_with('/') || path.contains(odd) || quoted::is_unfit(path);
    bad.then(|| {
        Fault::new(format!("{} is not a path of a URL", shown(path))).help(
            "start it with `/`; no blanks, double quotes, `\\`, `#`, `$_` or `${` (write `%20`, `%22`, `%5C`, `%23`, `%24`): `/health.html`",
        )
    })
}

fn host_name(name: &str) -> Option<Fault> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let bad = name.is_empty() || name.len() > 253 || !name.chars().all(good);
    bad.then(|| {
        Fault::new(format!("{} is no name of a host", shown(name)))
            .help("letters, digits, `-` and `.`: `www.example.org`")
    })
}

/// The text becomes a part of configuration files.
fn page_text(text: &str) -> Option<Fault> {
    let good = |c: char| c.is_ascii_alphanumeric() || " ._:=,;/+-".contains(c);
    let bad = text.is_empty() || text.len() > 256 || !text.chars().all(good);
    bad.then(|| {
        Fault::new(format!("{} is no text to look for in a page", shown(text)))
            .help("letters, digits, blanks and `._:=,;/+-`, at most 256: `all is well`")
    })
}

/// A text cannot stand in an answer that has no body.
fn text_without_body(answer: &HttpAnswer) -> Option<Fault> {
    let impossible = answer.text.is_some() && answer.status.has_no_body();
    impossible.then(|| {
        Fault::new(format!(
            "an answer with status {} has no body, so it cannot hold the `text`",
            answer.status
        ))
        .help("delete `text`, or write the `status` of an answer with a body, such as 200")
    })
}

/// A text that stands in a status line or a header, where it is not looked for.
fn no_body(text: &str) -> Option<Fault> {
    const HEADERS: &[&str] = &[
        "server",
        "date",
        "content-type",
        "content-length",
        "content-encoding",
        "connection",
        "location",
        "set-cookie",
        "cache-control",
        "etag",
        "last-modified",
        "expires",
        "transfer-encoding",
        "via",
    ];
    let mut words = text.split_whitespace();
    let version = words.next().and_then(|word| word.strip_prefix("HTTP/"));
    if let Some(version) = version
        && version.starts_with(|c: char| c.is_ascii_digit())
    {
        let code = words.next().and_then(|word| StatusCodes::parse(word).ok());
        let code = code.unwrap_or_else(|| StatusCodes::one(200));
        let fault = Fault::new(format!(
            "{} looks like a status line, and `text` is looked for in the page's body alone",
            shown(text)
        ));
        return Some(
            fault
                .help(format!("write `status: {code}` in the place of `text`"))
                .warning(),
        );
    }
    let (header, _) = text.split_once(':')?;
    HEADERS
        .contains(&header.trim().to_lowercase().as_str())
        .then(|| {
            Fault::new(format!(
                "{} looks like a header, and `text` is looked for in the page's body alone",
                shown(text)
            ))
            .help("delete `text`, or write a text that the page itself holds")
            .warning()
        })
}

pub(super) fn program(path: &str) -> Option<Fault> {
    let good = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    let bad = !path.starts_with('/') || path.len() > quoted::LONGEST || !path.chars().all(good);
    bad.then(|| {
        Fault::new(format!("{} is no absolute path of a program", shown(path)))
            .help("write it from `/` on, without arguments or blanks: `/usr/local/bin/check`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, url, file) in [
            ("/", true, true),
            ("/.health.html", true, true),
            ("/a?b=c&d=%20", true, false),
            ("health", false, false),
            ("", false, false),
            ("/a b", false, false),
            ("/a\nb", false, false),
            ("/a\"b", false, false),
            ("/a!b", true, false),
            ("/it's", true, false),
            ("/x?q={1}", true, false),
            ("/a;b@c~d%20|e^f", true, false),
            ("/a$b", true, false),
            ("/a$_PWD", false, false),
            ("/a${b}", false, false),
            ("/a\\b", false, false),
            ("/a#b", false, false),
            ("/usr/local/bin/check.sh", true, true),
            ("/bin/sh;reboot", true, false),
        ] {
            assert_eq!(url_path(path).is_none(), url, "{path}");
            assert_eq!(program(path).is_none(), file, "{path}");
        }
    }
}
