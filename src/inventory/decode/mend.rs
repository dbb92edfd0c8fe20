//! How to mend a value that is not what its key takes.

use crate::inventory::node::Value;

/// `expected` is what the message says.
pub(super) fn mend(key: &str, expected: &str, found: &Value) -> String {
    if let Value::Text(text) | Value::Int(_, text) | Value::Float(_, text) = found
        && let Some(help) = of_scalar(key, expected, text, matches!(found, Value::Text(_)))
    {
        return help;
    }
    match (key, found) {
        ("hosts", Value::List(_)) => {
            return "write each host below its name: `hosts: { lb1: { role: director, address: 192.168.100.14 } }`"
                .to_owned();
        }
        ("services", Value::List(_)) => {
            return "write each service below its name: `services: { web: { vip: 192.168.100.200, port: 80 } }`"
                .to_owned();
        }
        ("real_servers", Value::Map(_)) => {
            return "write the names of hosts (`[rs1, rs2]`), or a map of them: `real_servers: { rs1: { weight: 2 } }`"
                .to_owned();
        }
        ("members", Value::Map(_)) => {
            return "write the names of hosts (`[lb1, lb2]`), or a map of them: `members: { lb1: { priority: 110 } }`"
                .to_owned();
        }
        _ => {}
    }
    match (expected, found) {
        ("`true` or `false`", _) => "write `true` or `false`, without quotes".to_owned(),
        ("a list", _) => "write `[one, two]`, or one `- value` a line".to_owned(),
        ("a map of keys", Value::List(_)) => {
            "write `key: value` lines, without a dash before them".to_owned()
        }
        ("a map of keys", _) => "write `{ key: value }`, or indented `key: value` lines".to_owned(),
        (_, Value::Null) => "write a value behind the key, or delete the key".to_owned(),
        _ => format!("put {expected} here"),
    }
}

/// What was probably meant by it.
fn of_scalar(key: &str, expected: &str, text: &str, quoted: bool) -> Option<String> {
    if expected.contains("`true`")
        && let Some(word) = switch(text)
    {
        let quotes = if word.to_string() == text {
            ", without quotes"
        } else {
            ""
        };
        return Some(format!("write `{word}`{quotes}"));
    }
    if !["number", "seconds"].iter().any(|w| expected.contains(w)) {
        return None;
    }
    if let Some(number) = without_zeros(text).filter(|number| fits(key, number, expected)) {
        return Some(format!("a leading zero: write `{number}`"));
    }
    if text.parse::<f64>().is_ok() {
        let fits = quoted && fits(key, text, expected);
        return fits.then(|| "take the quotes away".to_owned());
    }
    if is_port(key) {
        return Some(of_port(text));
    }
    let most = if key == "persistence" || key == "timeout" {
        LONGEST_PERSISTENCE
    } else {
        86_400.0
    };
    let (_, high) = bounds(expected).unwrap_or((0.0, most));
    let seconds = seconds(text)?.min(high.min(most));
    if key == "advert_int" {
        // VRRP version 2, for IPv4, knows whole seconds up to 255; version 3 up to 40.95.
        let whole = seconds.ceil().clamp(1.0, 40.0);
        return Some(format!(
            "write whole seconds without a unit: `{whole}`; with IPv6 VIPs they may have a fraction"
        ));
    }
    let seconds = if expected.contains("whole") || expected.contains("`true`") {
        seconds.ceil()
    } else {
        seconds
    };
    Some(format!("write seconds without a unit: `{seconds}`"))
}

/// What the kernel takes: 31 days in seconds.
const LONGEST_PERSISTENCE: f64 = 2_678_400.0;

/// Of "a whole number from 1 to 86400".
fn bounds(expected: &str) -> Option<(f64, f64)> {
    let (_, range) = expected.split_once(" from ")?;
    let (low, high) = range.split_once(" to ")?;
    let high = high.split([' ', ',']).next()?;
    Some((low.parse().ok()?, high.parse().ok()?))
}

/// Whether a number is within the bounds that are expected, and whole where that is.
fn fits(key: &str, number: &str, expected: &str) -> bool {
    let Ok(number) = number.parse::<f64>() else {
        return false;
    };
    let (low, high) = bounds(expected).unwrap_or(if key == "persistence" {
        (1.0, LONGEST_PERSISTENCE)
    } else {
        (f64::MIN, f64::MAX)
    });
    (low..=high).contains(&number) && (number.fract() == 0.0 || !expected.contains("whole"))
}

/// The words of YAML 1.1.
pub(in crate::inventory) fn switch(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Some(true),
        "false" | "no" | "off" | "n" => Some(false),
        _ => None,
    }
}

/// A number that starts with a zero which means nothing, or octal in YAML 1.1.
fn without_zeros(text: &str) -> Option<&str> {
    let number = match text.trim_start_matches('0') {
        "" => text.get(..1)?,
        rest => rest,
    };
    let digits = number.chars().all(|c| c.is_ascii_digit());
    (digits && number.len() < text.len()).then_some(number)
}

fn is_port(key: &str) -> bool {
    matches!(key, "port" | "real_port")
}

fn of_port(text: &str) -> String {
    let known = match text.to_lowercase().as_str() {
        "http" => Some(80),
        "https" => Some(443),
        "ssh" => Some(22),
        "ftp" => Some(21),
        "telnet" => Some(23),
        "smtp" => Some(25),
        "ntp" => Some(123),
        "pop3" => Some(110),
        "imap" => Some(143),
        "ldap" => Some(389),
        "smtps" | "submissions" => Some(465),
        "submission" => Some(587),
        "ldaps" => Some(636),
        "imaps" => Some(993),
        "pop3s" => Some(995),
        "mysql" => Some(3306),
        "rdp" => Some(3389),
        "sip" => Some(5060),
        "postgres" | "postgresql" => Some(5432),
        "redis" => Some(6379),
        "dns" | "domain" => Some(53),
        _ => None,
    };
    if let Some(port) = known {
        return format!("names are not looked up here: write `{port}`");
    }
    let mut ends = text.split(['-', ':']).map(|end| end.trim().parse::<u16>());
    if let (Some(Ok(_)), Some(Ok(_)), None) = (ends.next(), ends.next(), ends.next()) {
        return "there are no ranges: a service has one port, a list (`[80, 81]`; a `fwmark` makes one service of \
                them), or with `port: 0` every port"
            .to_owned();
    }
    "write a number; a service also takes a list of them: `[80, 443]`".to_owned()
}

/// `2s`, `500ms`, `1.5 h`.
fn seconds(text: &str) -> Option<f64> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(unit)?;
    let number: f64 = number.trim().parse().ok()?;
    let factor = match unit.to_lowercase().as_str() {
        "ms" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    Some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_mean_something_else() {
        let whole = "a whole number from 1 to 86400";
        let persistence = "`true`, seconds, or a map with `timeout` and `granularity`";
        for (key, expected, text, help) in [
            (
                "delay_loop",
                whole,
                "2s",
                "write seconds without a unit: `2`",
            ),
            (
                "delay_loop",
                whole,
                "5m",
                "write seconds without a unit: `300`",
            ),
            (
                "delay_loop",
                whole,
                "500 ms",
                "write seconds without a unit: `1`",
            ),
            (
                "advert_int",
                "a number",
                "500ms",
                "write whole seconds without a unit: `1`; with IPv6 VIPs they may have a fraction",
            ),
            (
                "persistence",
                persistence,
                "1h",
                "write seconds without a unit: `3600`",
            ),
            ("persistence", persistence, "yes", "write `true`"),
            (
                "preempt",
                "`true` or `false`",
                "true",
                "write `true`, without quotes",
            ),
            ("preempt", "`true` or `false`", "Off", "write `false`"),
            ("weight", whole, "080", "a leading zero: write `80`"),
            (
                "weight",
                "a whole number from 0 to 65535",
                "00",
                "a leading zero: write `0`",
            ),
            // What is out of bounds would be the next fault.
            (
                "weight",
                whole,
                "00",
                "put a whole number from 1 to 86400 here",
            ),
            (
                "weight",
                whole,
                "90000",
                "put a whole number from 1 to 86400 here",
            ),
            (
                "delay_loop",
                whole,
                "2d",
                "write seconds without a unit: `86400`",
            ),
            ("weight", whole, "80", "take the quotes away"),
            ("port", whole, "080", "a leading zero: write `80`"),
            (
                "port",
                whole,
                "https",
                "names are not looked up here: write `443`",
            ),
            (
                "port",
                whole,
                "web",
                "write a number; a service also takes a list of them: `[80, 443]`",
            ),
            (
                "delay_loop",
                whole,
                "soon",
                "put a whole number from 1 to 86400 here",
            ),
            (
                "delay_loop",
                whole,
                "é",
                "put a whole number from 1 to 86400 here",
            ),
        ] {
            assert_eq!(
                mend(key, expected, &Value::Text(text.to_owned())),
                help,
                "{key}: {text}"
            );
        }
        let range = mend("port", whole, &Value::Text("80-90".to_owned()));
        assert!(range.starts_with("there are no ranges"), "{range}");
    }
}
