//! Numbers and switches that are written in another way than their key takes them.

use crate::diagnostic::Expected;
use crate::inventory::form::Form;
use crate::inventory::scalar::{listed, seconds, switch, without_zeros};
use crate::model::ports::{self, PortRange};

/// The number or the switch that a text stands for. `several`: a list of them is taken.
pub(super) fn of_scalar(
    key: &str,
    expected: &Expected,
    text: &str,
    quoted: bool,
    several: bool,
) -> Option<String> {
    if let Some(word) = switch(text).filter(|_| expected.is_switch()) {
        let quotes = if word.to_string() == text {
            ", without quotes"
        } else {
            ""
        };
        return Some(format!("write `{word}`{quotes}"));
    }
    if !expected.is_number() {
        return None;
    }
    if let Some(number) = without_zeros(text).filter(|number| fits(number, expected)) {
        return Some(format!("a leading zero: write `{number}`"));
    }
    if text.parse::<f64>().is_ok() {
        let fits = quoted && fits(text, expected);
        return fits.then(|| "take the quotes away".to_owned());
    }
    if matches!(key, "port" | "real_port") {
        return Some(of_port(text, several));
    }
    let most = expected.bounds().map_or(86_400, |(_, high)| high);
    let seconds = seconds(text)?.min(most as f64);
    if key == "advert_int" {
        // VRRP version 2, for IPv4, knows whole seconds up to 255; version 3 up to 40.95.
        let whole = seconds.ceil().clamp(1.0, 40.0);
        return Some(format!(
            "write whole seconds without a unit: `{whole}`; with IPv6 VIPs they may have a fraction"
        ));
    }
    let seconds = if expected.is_whole() {
        seconds.ceil()
    } else {
        seconds
    };
    Some(format!("write seconds without a unit: `{seconds}`"))
}

/// Whether a number is within the bounds that are expected, and whole where that is.
fn fits(number: &str, expected: &Expected) -> bool {
    let Ok(number) = number.parse::<f64>() else {
        return false;
    };
    let bounds = expected.bounds();
    bounds.is_none_or(|(low, high)| (low as f64..=high as f64).contains(&number))
        && (number.fract() == 0.0 || !expected.is_whole())
}

fn of_port(text: &str, several: bool) -> String {
    if let Some(port) = ports::by_name(text) {
        return format!("names are not looked up here: write `{port}`");
    }
    if let Some(port) = behind_address(text) {
        return format!("write `{port}`: the address stands in `vip`");
    }
    let is_port = |part: &&str| PortRange::read(part).is_ok() || part.parse::<u16>().is_ok();
    if let Some(parts) = listed(text).filter(|parts| parts.iter().all(is_port)) {
        return if several {
            format!("write `{}`, a list", Form::words(parts))
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
    use crate::yaml::Value;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn texts_that_mean_something_else() {
        let from = |min| Expected::Integer {
            min,
            max: Some(86_400),
        };
        let whole = from(1);
        for (key, expected, text, help) in [
            (
                "delay_loop",
                whole.clone(),
                "2s",
                "write seconds without a unit: `2`",
            ),
            (
                "delay_loop",
                whole.clone(),
                "5m",
                "write seconds without a unit: `300`",
            ),
            (
                "delay_loop",
                whole.clone(),
                "500 ms",
                "write seconds without a unit: `1`",
            ),
            (
                "advert_int",
                Expected::Number,
                "500ms",
                "write whole seconds without a unit: `1`; with IPv6 VIPs they may have a fraction",
            ),
            (
                "persistence",
                Expected::Persistence,
                "1h",
                "write seconds without a unit: `3600`",
            ),
            ("persistence", Expected::Persistence, "yes", "write `true`"),
            (
                "preempt",
                Expected::Bool,
                "true",
                "write `true`, without quotes",
            ),
            ("preempt", Expected::Bool, "Off", "write `false`"),
            ("weight", whole.clone(), "080", "a leading zero: write `80`"),
            ("weight", from(0), "00", "a leading zero: write `0`"),
            // A number out of bounds would be the next fault.
            (
                "weight",
                whole.clone(),
                "00",
                "write one number between 1 and 86400",
            ),
            (
                "weight",
                whole.clone(),
                "90000",
                "write one number between 1 and 86400",
            ),
            (
                "delay_loop",
                whole.clone(),
                "2d",
                "write seconds without a unit: `86400`",
            ),
            ("weight", whole.clone(), "80", "take the quotes away"),
            ("port", whole.clone(), "080", "a leading zero: write `80`"),
            (
                "port",
                whole.clone(),
                "https",
                "names are not looked up here: write `443`",
            ),
            (
                "port",
                whole.clone(),
                "web",
                "write a number; a service also takes a list of them: `[80, 443]`",
            ),
            (
                "delay_loop",
                whole.clone(),
                "soon",
                "write one number between 1 and 86400",
            ),
            (
                "delay_loop",
                whole.clone(),
                "é",
                "write one number between 1 and 86400",
            ),
        ] {
            let found = of_scalar(key, &expected, text, true, key == "port");
            let found =
                found.unwrap_or_else(|| generic(&expected, &Value::Text(text.to_owned())).text);
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
