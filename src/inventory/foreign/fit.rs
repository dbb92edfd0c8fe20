//! Values that the proposed key would refuse: what is proposed in their place.

use super::advice::Pairs;
use crate::inventory::form::Form;
use crate::inventory::scalar::{seconds, switch};
use crate::model::StatusCodes;
use crate::model::ports::PortRange;

/// The longest persistence, in seconds.
const LONGEST: f64 = 2_678_400.0;
const DAY: f64 = 86_400.0;

enum Taken {
    AsItIs,
    /// The same in another form, or what comes nearest.
    Instead(String),
    /// It is none: what it should be, and an example.
    None(&'static str, &'static str),
}

/// The pairs as their keys take them, and what is to be said of examples among them.
pub(super) fn fitted(pairs: Pairs) -> (Pairs, String) {
    let mut note = String::new();
    let pairs = pairs
        .into_iter()
        .map(|(key, form)| {
            let form = of_key(&key, form, &mut note);
            (key, form)
        })
        .collect();
    (pairs, note)
}

fn of_key(key: &str, form: Form, note: &mut String) -> Form {
    match form {
        Form::Word(text) => match taken(key, &text) {
            Taken::AsItIs => Form::Word(text),
            Taken::Instead(other) => Form::Word(other),
            Taken::None(what, example) => {
                if note.is_empty() {
                    *note = format!("; `{text}` is no {what}, and `{example}` an example");
                }
                Form::word(example)
            }
        },
        Form::Map(pairs) => {
            let each = |(key, form): (String, Form)| {
                let form = of_key(&key, form, note);
                (key, form)
            };
            Form::Map(pairs.into_iter().map(each).collect())
        }
        Form::List(list) if matches!(key, "port" | "status") => Form::List(
            list.into_iter()
                .map(|form| of_key(key, form, note))
                .collect(),
        ),
        other => other,
    }
}

fn taken(key: &str, text: &str) -> Taken {
    match key {
        "delay_loop" => whole(text, 1.0, DAY, ("number of seconds", "6")),
        "connect_timeout" | "delay_before_retry" => {
            whole(text, 1.0, DAY, ("number of seconds", "3"))
        }
        "timeout" => whole(text, 1.0, LONGEST, ("number of seconds", "5")),
        "interval" | "command_timeout" => whole(text, 1.0, DAY, ("number of seconds", "2")),
        "retry" | "rise" | "fall" => whole(text, 1.0, 1000.0, ("number", "3")),
        "weight" => weight(text),
        "priority" => whole(text, 1.0, 254.0, ("number", "100")),
        "virtual_router_id" => whole(text, 1.0, 255.0, ("number", "51")),
        "persistence" => match (switch(text), text) {
            (Some(on), _) => Taken::Instead(on.to_string()),
            (None, "0") => Taken::Instead("false".to_owned()),
            (None, text) => whole(text, 1.0, LONGEST, ("number of seconds", "300")),
        },
        "granularity" => known(is_granularity(text), "netmask", "24"),
        "port" => known(is_port(text), "port", "80"),
        "real_port" => {
            let good = text.parse::<u16>().is_ok_and(|port| port > 0);
            known(good, "port", "8080")
        }
        "fwmark" => known(is_mark(text), "firewall mark", "1"),
        "scheduler" => said(super::scheduler(text), "scheduler", "wrr"),
        "mode" => said(super::mode(text), "mode", "dr"),
        "protocol" => {
            let mut known = ["tcp", "udp"].into_iter();
            let same = known.find(|known| known.eq_ignore_ascii_case(text));
            said(same, "protocol", "tcp")
        }
        "status" => known(StatusCodes::parse(text).is_ok(), "status", "200"),
        "version" => version(text),
        _ => Taken::AsItIs,
    }
}

fn known(good: bool, what: &'static str, example: &'static str) -> Taken {
    if good {
        Taken::AsItIs
    } else {
        Taken::None(what, example)
    }
}

fn said(ours: Option<&str>, what: &'static str, example: &'static str) -> Taken {
    match ours {
        Some(ours) => Taken::Instead(ours.to_owned()),
        None => Taken::None(what, example),
    }
}

/// A whole number within bounds; one beside them is the nearest.
fn whole(text: &str, low: f64, high: f64, (what, example): (&'static str, &'static str)) -> Taken {
    let number = text.parse().ok().or_else(|| seconds(text));
    let Some(number) = number.filter(|number: &f64| number.is_finite()) else {
        return Taken::None(what, example);
    };
    let fit = number.ceil().clamp(low, high).to_string();
    if fit == text {
        Taken::AsItIs
    } else {
        Taken::Instead(fit)
    }
}

/// Of a real server, or of a tracker, where it may be negative.
fn weight(text: &str) -> Taken {
    let good = text
        .parse()
        .is_ok_and(|weight| (-253..=65535).contains(&weight));
    known(good, "number", "1")
}

fn is_granularity(text: &str) -> bool {
    let bare = text.strip_prefix('/').unwrap_or(text);
    let prefix = bare.parse::<u8>();
    prefix.is_ok_and(|prefix| (1..=128).contains(&prefix))
        || bare
            .parse()
            .is_ok_and(|mask| ipnet::ip_mask_to_prefix(mask).is_ok())
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() || PortRange::read(text).is_ok()
}

fn is_mark(text: &str) -> bool {
    let number = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    number.is_ok_and(|mark| mark > 0)
}

/// keepalived's have letters behind them: `1.1C`, `1.0K`.
fn version(text: &str) -> Taken {
    let bare = text.trim_start_matches("HTTP/").trim_start_matches("http/");
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if ["1.0", "1.1"].contains(&bare) {
        Taken::Instead(bare.to_owned())
    } else {
        Taken::None("version of HTTP that is asked by", "1.1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proposed_is_taken() {
        for (key, text, expected) in [
            ("connect_timeout", "0.5", "1"),
            ("connect_timeout", "500ms", "1"),
            ("connect_timeout", "0", "1"),
            ("connect_timeout", "nan", "3"),
            ("connect_timeout", "-inf", "3"),
            ("connect_timeout", "1e300", "86400"),
            ("retry", "3s", "3"),
            ("retry", "0", "1"),
            ("retry", "often", "3"),
            ("weight", "0", "0"),
            ("weight", "-20", "-20"),
            ("weight", "x", "1"),
            ("persistence", "0", "false"),
            ("persistence", "yes", "true"),
            ("persistence", "5m", "300"),
            ("persistence", "source", "300"),
            ("real_port", "http", "8080"),
            ("real_port", "0", "8080"),
            ("port", "10000-20000", "10000-20000"),
            ("port", "0", "0"),
            ("port", "http", "80"),
            ("granularity", "255.255.255.0", "255.255.255.0"),
            ("granularity", "0", "24"),
            ("fwmark", "0x1f", "0x1f"),
            ("fwmark", "web", "1"),
            ("scheduler", "foo", "wrr"),
            ("mode", "foo", "dr"),
            ("version", "1.1C", "1.1"),
            ("version", "1.0K", "1.0"),
            ("version", "HTTP/1.1", "1.1"),
            ("version", "2", "1.1"),
            ("status", "2xx", "2xx"),
            ("status", "ok", "200"),
            ("other", "anything", "anything"),
        ] {
            let found = of_key(key, Form::word(text), &mut String::new());
            assert_eq!(found.text(), Some(expected), "{key}: {text}");
        }
    }
}
