//! Values that a proposed key would refuse, adapted: the nearest that it takes, or an example.

use super::advice::Pairs;
use crate::diagnostic::LONGEST_PERSISTENCE;
use crate::inventory::field::Word as _;
use crate::inventory::form::Form;
use crate::inventory::raw::service::Granularity;
use crate::inventory::raw::word::Mark;
use crate::inventory::scalar::{seconds, switch};
use crate::model::StatusCodes;
use crate::model::ports::PortRange;

enum Taken {
    AsItIs,
    /// The same in another form, or the nearest.
    Instead(String),
    /// An example.
    None,
}

const DAY: f64 = 86_400.0;
const LONGEST: f64 = LONGEST_PERSISTENCE as f64;

/// Keys, the whole numbers that they take, and an example.
const NUMBERS: &[(&str, f64, f64, &str)] = &[
    ("delay_loop", 1.0, DAY, "6"),
    ("connect_timeout", 1.0, DAY, "3"),
    ("delay_before_retry", 1.0, DAY, "3"),
    ("timeout", 1.0, LONGEST, "5"),
    ("interval", 1.0, DAY, "2"),
    ("command_timeout", 1.0, DAY, "2"),
    ("retry", 1.0, 1000.0, "3"),
    ("rise", 1.0, 1000.0, "3"),
    ("fall", 1.0, 1000.0, "3"),
    ("priority", 1.0, 254.0, "100"),
    ("virtual_router_id", 1.0, 255.0, "51"),
    ("persistence", 1.0, LONGEST, "300"),
];

/// A key of other values, how it reads one, what it is, and an example.
type Other = (&'static str, fn(&str) -> Taken, &'static str, &'static str);

const OTHERS: &[Other] = &[
    ("weight", weight, "number", "1"),
    ("granularity", granularity, "netmask", "24"),
    ("port", port, "port", "80"),
    ("real_port", real_port, "port", "8080"),
    ("fwmark", mark, "firewall mark", "1"),
    (
        "scheduler",
        |text| word(super::scheduler(text)),
        "scheduler",
        "wrr",
    ),
    ("mode", |text| word(super::mode(text)), "mode", "dr"),
    ("protocol", protocol, "protocol", "tcp"),
    (
        "status",
        |text| known(StatusCodes::parse(text).is_ok()),
        "status",
        "200",
    ),
    (
        "version",
        version,
        "version of HTTP that is asked by",
        "1.1",
    ),
];

/// The pairs as their keys take them, and a note about examples among them.
pub(super) fn adapted(pairs: Pairs) -> (Pairs, String) {
    let mut note = String::new();
    let pairs = pairs.into_iter().map(|(key, form)| {
        let form = of_key(&key, form, &mut note);
        (key, form)
    });
    (pairs.collect(), note)
}

fn of_key(key: &str, form: Form, note: &mut String) -> Form {
    match form {
        Form::Word(text) => match taken(key, &text) {
            (Taken::AsItIs, ..) => Form::Word(text),
            (Taken::Instead(other), ..) => Form::Word(other),
            (Taken::None, what, example) => {
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

/// The value that a key takes for a text, with the kind of value that it takes and an example.
fn taken(key: &str, text: &str) -> (Taken, &'static str, &'static str) {
    if let Some((_, low, high, example)) = NUMBERS.iter().find(|(known, ..)| *known == key) {
        let off = key == "persistence" && text == "0";
        return match switch(text)
            .filter(|_| key == "persistence")
            .or(off.then_some(false))
        {
            Some(on) => (Taken::Instead(on.to_string()), "", ""),
            None => (whole(text, *low, *high), "number", example),
        };
    }
    match OTHERS.iter().find(|(known, ..)| *known == key) {
        Some((_, read, what, example)) => (read(text), what, example),
        None => (Taken::AsItIs, "", ""),
    }
}

fn known(good: bool) -> Taken {
    if good { Taken::AsItIs } else { Taken::None }
}

fn word(ours: Option<&str>) -> Taken {
    ours.map_or(Taken::None, |ours| Taken::Instead(ours.to_owned()))
}

/// A whole number within bounds; one beside them is the nearest.
fn whole(text: &str, low: f64, high: f64) -> Taken {
    let number = text.parse().ok().or_else(|| seconds(text));
    match number.filter(|number: &f64| number.is_finite()) {
        None => Taken::None,
        Some(number) => match number.ceil().clamp(low, high).to_string() {
            same if same == text => Taken::AsItIs,
            other => Taken::Instead(other),
        },
    }
}

/// Of a real server, or of a tracker, where it may be negative.
fn weight(text: &str) -> Taken {
    known(
        text.parse()
            .is_ok_and(|weight| (-253..=65535).contains(&weight)),
    )
}

fn granularity(text: &str) -> Taken {
    known(Granularity::read(text).is_ok_and(|read| read != Granularity::Prefix(0)))
}

fn port(text: &str) -> Taken {
    known(text.parse::<u16>().is_ok() || PortRange::read(text).is_ok())
}

fn real_port(text: &str) -> Taken {
    known(text.parse::<u16>().is_ok_and(|port| port > 0))
}

fn mark(text: &str) -> Taken {
    known(Mark::parse(text).is_some())
}

fn protocol(text: &str) -> Taken {
    let mut words = ["tcp", "udp"].into_iter();
    word(words.find(|known| known.eq_ignore_ascii_case(text)))
}

/// keepalived's have letters behind them: `1.1C`, `1.0K`.
fn version(text: &str) -> Taken {
    let bare = text
        .trim_start_matches("HTTP/")
        .trim_end_matches(|c: char| c.is_ascii_alphabetic());
    word(["1.0", "1.1"].contains(&bare).then_some(bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposed_values_are_taken() {
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
