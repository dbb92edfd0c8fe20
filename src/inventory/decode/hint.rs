//! How to repair a value that is not what its key takes.

use std::net::IpAddr;

use crate::inventory::foreign;
use crate::inventory::form::Form;
use crate::inventory::node::slip::BEGINNING;
use crate::inventory::node::{Entry, Value};
use crate::inventory::scalar::{cleaned, is_odd_quote, switch, variable};
use crate::inventory::site::{Site, find, scalar};

use super::Cursor;
use super::address::of_address;
use super::number::{bounds, of_scalar};
use super::place_hint::{of_network, of_place};

pub(super) const NO_VARIABLES: &str = "an inventory has no variables: write the value itself";

/// Words that are switches in other programs.
fn switched(cursor: Cursor<'_>) -> Option<String> {
    let word = match (cursor.site.of(), cursor.key) {
        ("SshOptions", "host_key_checking") => switch(scalar(cursor.node)?)?,
        _ => return None,
    };
    let word = if word { "strict" } else { "accept-new" };
    Some(format!("write `{word}`"))
}

/// What is wrong with a text whatever it should be: the variable of a template, quotes and blanks that only look so.
pub(super) fn slip(cursor: Cursor<'_>) -> Option<String> {
    if let Some(help) = switched(cursor) {
        return Some(help);
    }
    let Value::Text(text) = &cursor.node.value else {
        return None;
    };
    if let Some(found) = variable(text).filter(|_| cursor.site.inventory) {
        return Some(format!("{NO_VARIABLES} in the place of `{found}`"));
    }
    let clean = cleaned(text)?;
    Some(if text.contains(is_odd_quote) {
        format!(
            "write `{}`: the quotes of YAML are `\"` and `'`",
            Form::word(clean)
        )
    } else {
        format!(
            "write `{}`, without the odd blank beside it",
            Form::word(clean)
        )
    })
}

/// `expected` is what the message says.
pub(super) fn hint(cursor: Cursor<'_>, expected: &str) -> String {
    let (key, found) = (cursor.key, &cursor.node.value);
    if cursor.site.role
        && let Some(help) = super::role::hint(cursor.node, expected)
    {
        return help;
    }
    if crate::inventory::covered::is_secret(key) {
        return of_secret(found);
    }
    let help = of_place(cursor).or_else(|| of_shape(cursor, expected));
    if let Some(help) = help {
        return help;
    }
    if let Value::Text(text) | Value::Int(_, text) | Value::Float(_, text) = found {
        let quoted = matches!(found, Value::Text(_));
        let several = cursor.site.of() == "Service" && key == "port" && !cursor.in_list;
        let help = of_scalar(key, expected, text, quoted, several)
            .or_else(|| of_address(cursor, expected, text));
        if let Some(help) = help {
            return help;
        }
    }
    generic(expected, found)
}

/// Where nothing more is known of what was meant.
pub(super) fn generic(expected: &str, found: &Value) -> String {
    match (expected, found) {
        ("`true` or `false`", _) => "write `true` or `false`, without quotes".to_owned(),
        ("a list", Value::Text(text) | Value::Int(_, text)) if is_short(text) => {
            format!(
                "write `{}`: a list, with brackets",
                Form::List(vec![Form::word(text)])
            )
        }
        ("a list", _) => "write `[one, two]`, or one `- value` a line".to_owned(),
        ("a map of keys", Value::List(_)) => {
            "write `key: value` lines, without a dash before them".to_owned()
        }
        ("a map of keys", _) => "write `{ key: value }`, or indented `key: value` lines".to_owned(),
        (_, Value::Null) => "write a value behind the key, or delete the key".to_owned(),
        (_, Value::Text(text)) if text.is_empty() => {
            "write a value between the quotes, or delete the key".to_owned()
        }
        ("a text", _) => {
            "write one text, in quotes where it has `: `, ` #`, brackets or braces".to_owned()
        }
        _ => match example(expected) {
            Some(example) => format!("write it like `{example}`"),
            None => match (bounds(expected), expected.rsplit_once(": ")) {
                (Some((low, high)), _) => format!("write one number between {low} and {high}"),
                (_, Some((_, words))) => format!("write one of these words: {words}"),
                _ => format!("write {expected}"),
            },
        },
    }
}

/// What a hint can repeat.
fn is_short(text: &str) -> bool {
    !text.is_empty() && text.len() < 100 && !text.contains(|c: char| c.is_control() || c == '`')
}

/// Of "an address such as 192.168.100.14 or 192.168.100.14/24".
fn example(expected: &str) -> Option<&str> {
    let (_, example) = expected.split_once("such as ")?;
    let example = example.split([',', ' ']).next()?;
    Some(example.trim_matches('`'))
}

/// `, and add ... beside it`: what is not said yet; what is said otherwise is to be changed.
pub(super) fn beside(site: &Site<'_>, pairs: &[(&str, Form)]) -> String {
    let mut out = String::new();
    let mut missing = Vec::new();
    for (key, form) in pairs {
        match site.given(key).map(|given| Form::of(&given.value)) {
            None => missing.push(((*key).to_owned(), form.clone())),
            Some(Some(given)) if given.to_string().eq_ignore_ascii_case(&form.to_string()) => {}
            Some(given) => {
                let given = given.map_or_else(|| "...".to_owned(), |given| given.to_string());
                out += &format!(", and `{key}: {form}` in the place of `{key}: {given}`");
            }
        }
    }
    if !missing.is_empty() {
        out += &format!(", and add {} beside it", foreign::quoted(&missing));
    }
    out
}

/// YAML takes a text that ends with a colon for a key: `2001:db8::`.
pub(super) fn of_ipv6(entries: &[Entry], subnet: bool) -> Option<String> {
    let [entry] = entries else { return None };
    if entry.value.value != Value::Null {
        return None;
    }
    let address: IpAddr = format!("{}:", entry.key).parse().ok()?;
    Some(if subnet {
        format!("write `{address}/64`; an address that ends with `:` needs quotes")
    } else {
        format!("write `'{address}'`: an address that ends with `:` needs quotes")
    })
}

/// What stands there may be the secret itself.
fn of_secret(found: &Value) -> String {
    let one = match found {
        Value::Map(entries) => one_source(entries),
        _ => None,
    };
    one.unwrap_or_else(|| {
        "say where to read it: `{ env: NAME }`, `{ file: PATH }` or `{ prompt: TEXT }`".to_owned()
    })
}

/// One of several places to read a secret from.
fn one_source(entries: &[Entry]) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let is_name = |text: &str| text.chars().all(good) && text.len() < 60;
    let known = |entry: &&Entry| ["env", "file", "prompt"].contains(&entry.key.as_str());
    let first = entries.iter().find(known)?;
    let name = scalar(&first.value).filter(|name| is_name(name))?;
    // What looks like a secret in the place of a variable is not repeated.
    let shouting = first.key != "env" || name.chars().all(|c| !c.is_ascii_lowercase());
    shouting.then(|| {
        let form = Form::below(&[&first.key], Form::word(name));
        format!("one place is enough: write `{form}`")
    })
}

/// A list or a map where one value is due, several values in one text.
fn of_shape(cursor: Cursor<'_>, expected: &str) -> Option<String> {
    let address = expected.starts_with("an address") || expected.starts_with("a subnet");
    let subnet = expected.starts_with("a subnet");
    match &cursor.node.value {
        // Names with nothing behind them.
        Value::Map(entries)
            if matches!(
                (cursor.site.of(), cursor.key),
                ("Vrrp", "track_interface") | ("Service", "scheduler_flags") | ("Host", "role")
            ) =>
        {
            let names = entries.iter().map(|entry| Form::word(&entry.key));
            Some(format!("write `{}`", Form::List(names.collect())))
        }
        Value::List(list) if !["a list", "a map of keys"].contains(&expected) => {
            match list.as_slice() {
                [one] => Some(format!(
                    "write `{}`: one value is due, without brackets",
                    Form::of(one).filter(|form| form.text().is_some())?
                )),
                [first, ..] => Some(format!(
                    "one value is due: write one of them, such as `{}`",
                    Form::of(first).filter(|form| form.text().is_some())?
                )),
                [] => None,
            }
        }
        Value::Map(entries) if subnet => of_network(entries),
        Value::Map(entries) if address => of_ipv6(entries, false).or_else(|| {
            let known = ["address", "ip", "addr", "vip"];
            let given = known.iter().find_map(|key| find(entries, key))?;
            Some(format!(
                "write `{}`",
                Form::of(&given.value).filter(|form| form.text().is_some())?
            ))
        }),
        Value::Map(entries) if expected.contains("number") || expected.contains("mark") => {
            match entries.as_slice() {
                [only] => Some(format!(
                    "write `{}`",
                    Form::of(&only.value).filter(|form| {
                        form.text().is_some_and(|text| text.parse::<f64>().is_ok())
                    })?
                )),
                _ => None,
            }
        }
        Value::Text(_) | Value::Int(..) | Value::Float(..) | Value::Bool(..)
            if is_root(cursor) && expected == "a map of keys" =>
        {
            Some(BEGINNING.to_owned())
        }
        _ => None,
    }
}

fn is_root(cursor: Cursor<'_>) -> bool {
    cursor.site.of().is_empty() && cursor.key.is_empty()
}
