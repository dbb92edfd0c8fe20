//! Health checks and end-to-end checks: what is asked for can be asked for.

use super::View;
use super::quoted;
use crate::inventory::model::{HealthCheckKind, HttpAnswer, Protocol};
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
        let asks_port = !matches!(health.kind, HealthCheckKind::Script { .. });
        if service.protocol == Protocol::Udp && health.port.is_none() && asks_port {
            let fault = Fault::new(format!(
                "service {} is UDP, but its health check connects by TCP",
                shown(name)
            ))
            .help("name a TCP `port`, ask by `script`, or write `health_check: false`")
            .warning();
            faults.push(view.at(&["services", name, "health_check"], fault));
        }
        // A range without a mark is a mistake of its own.
        let marked = service.fwmark.is_some() || service.port_ranges.is_empty();
        let unnamed = service.is_every_port() || service.known_ports().is_empty();
        if marked && unnamed && health.port.is_none() && asks_port {
            let what = match service.port_ranges.first() {
                None => "a service on every port does not say which one its health check asks",
                Some(_) => "a service of port ranges does not say which port its health check asks",
            };
            let port = service.port_ranges.first().map_or(80, |range| range.first);
            let fault = Fault::new(what).help(format!(
                "add `health_check: {{ tcp: {{}}, port: {port} }}`, or `health_check: false`"
            ));
            faults.push(view.at(&["services", name, "health_check"], fault));
        }
    }
}

fn url_path(path: &str) -> Option<Fault> {
    // A URL has none of these as they are; `#` begins what is not sent.
    let odd = ['`', '<', '>', '#', ' '];
    let bad = !path.starts_with('/') || path.contains(odd) || quoted::is_unfit(path);
    bad.then(|| {
        Fault::new(format!("{} is no path of a URL", shown(path))).help(
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
