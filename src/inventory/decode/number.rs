//! Numbers and switches that are written in another way than their key takes them.

use crate::inventory::form::Form;
use crate::inventory::scalar::{listed, seconds, switch, without_zeros};
use crate::model::ports::PortRange;

/// What was probably meant by it.
pub(super) fn of_scalar(
    key: &str,
    expected: &str,
    text: &str,
    quoted: bool,
    several: bool,
) -> Option<String> {
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
        return Some(of_port(text, several));
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
pub(super) fn bounds(expected: &str) -> Option<(f64, f64)> {
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

fn is_port(key: &str) -> bool {
    matches!(key, "port" | "real_port")
}

fn of_port(text: &str, several: bool) -> String {
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
    if let Some(port) = behind_address(text) {
        return format!("write `{port}`: the address stands in `vip`");
    }
    if let Some(parts) = listed(text)
        && parts
            .iter()
            .all(|part| PortRange::read(part).is_ok() || part.parse::<u16>().is_ok())
    {
        let list = Form::words(parts);
        return if several {
            format!("write `{list}`, a list")
        } else {
            "write one port: here is no list of them".to_owned()
        };
    }
    let mut ends = text.split(['-', ':']).map(|end| end.trim().parse::<u16>());
    if let (Some(Ok(_)), Some(Ok(_)), None) = (ends.next(), ends.next(), ends.next()) {
        return "write one port: only the `port` of a service takes ranges".to_owned();
    }
    "write a number; a service also takes a list of them: `[80, 443]`".to_owned()
}

/// `*:80`, `:80`, `0.0.0.0:80`.
fn behind_address(text: &str) -> Option<u16> {
    let (address, port) = text.rsplit_once(':')?;
    let any = ["", "*", "0.0.0.0", "[::]"].contains(&address);
    port.parse().ok().filter(|_| any)
}

#[cfg(test)]
mod tests {
    use super::super::hint::generic;
    use super::*;
    use crate::inventory::node::Value;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
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
                "write one number between 1 and 86400",
            ),
            (
                "weight",
                whole,
                "90000",
                "write one number between 1 and 86400",
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
                "write one number between 1 and 86400",
            ),
            (
                "delay_loop",
                whole,
                "é",
                "write one number between 1 and 86400",
            ),
        ] {
            let found = of_scalar(key, expected, text, true, key == "port");
            let found = found.unwrap_or_else(|| generic(expected, &Value::Text(text.to_owned())));
            assert_eq!(found, help, "{key}: {text}");
        }
        for (text, help) in [
            (
                "80-90",
                "write one port: only the `port` of a service takes ranges",
            ),
            ("80, 443", "write one port: here is no list of them"),
            ("*:80", "write `80`: the address stands in `vip`"),
        ] {
            assert_eq!(of_port(text, false), help);
        }
        assert_eq!(
            of_port("21, 10000-10100", true),
            "write `[21, 10000-10100]`, a list"
        );
    }
}
