//! Fixes for a value that its key does not take.

use std::net::IpAddr;

use crate::diagnostic::{Expected, Help};
use crate::inventory::foreign;
use crate::inventory::form::Form;
use crate::inventory::location::{Location, MapType, find, scalar};
use crate::inventory::other_program::BEGINNING;
use crate::inventory::scalar::{cleaned, is_odd_quote, switch};
use crate::inventory::secret_masking;
use crate::yaml::{Entry, Value, variable};

use super::Cursor;
use super::address::of_address;
use super::number::of_scalar;
use super::place_hint::{of_network, of_place};

pub(super) const NO_VARIABLES: &str = "an inventory has no variables: write the value itself";

/// Switches of other programs that are words here.
fn switched(cursor: Cursor<'_>) -> Option<String> {
    let word = match (cursor.site.of(), cursor.key) {
        (MapType::SshOptions, "host_key_checking") => switch(scalar(cursor.node)?)?,
        _ => return None,
    };
    let word = if word { "strict" } else { "accept-new" };
    Some(format!("write `{word}`"))
}

/// Texts that no key takes: the variable of a template, quotes and blanks that only look like them.
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

/// The fix for a value that its key does not take.
pub(super) fn hint(cursor: Cursor<'_>, expected: &Expected) -> Help {
    let (key, found) = (cursor.key, &cursor.node.value);
    if cursor.site.role
        && let Some(help) = super::role::hint(cursor.node, expected)
    {
        return help.into();
    }
    if secret_masking::is_secret(key) {
        return of_secret(found).into();
    }
    if let Some(help) = of_place(cursor) {
        return help;
    }
    if let Some(help) = of_shape(cursor, expected) {
        return help.into();
    }
    if let Value::Text(text) | Value::Int(_, text) | Value::Float(_, text) = found {
        let quoted = matches!(found, Value::Text(_));
        let several = cursor.site.of() == MapType::Service && key == "port" && !cursor.in_list;
        let help = of_scalar(key, expected, text, quoted, several).map(Help::from);
        if let Some(help) = help.or_else(|| of_address(cursor, expected, text)) {
            return help;
        }
    }
    generic(expected, found)
}

/// The fix if only the expected kind of value is known.
pub(super) fn generic(expected: &Expected, found: &Value) -> Help {
    match (expected, found) {
        (Expected::Bool, _) => "write `true` or `false`, without quotes".into(),
        (Expected::List, Value::Text(text) | Value::Int(_, text)) if is_short(text) => {
            let list = Form::words([text]);
            format!("write `{list}`: a list, with brackets").into()
        }
        (Expected::List, _) => Help::vague("write `[one, two]`, or one `- value` a line"),
        (Expected::Map, Value::List(_)) => {
            "write `key: value` lines, without a dash before them".into()
        }
        (Expected::Map, _) => Help::vague("write `{ key: value }`, or indented `key: value` lines"),
        (_, Value::Null) => "write a value behind the key, or delete the key".into(),
        (_, Value::Text(text)) if text.is_empty() => {
            "write a value between the quotes, or delete the key".into()
        }
        (Expected::Text, _) => {
            Help::vague("write one text, in quotes where it has `: `, ` #`, brackets or braces")
        }
        (Expected::Words(_, words), _) => format!("write one of these words: {words}").into(),
        _ => match (expected.example(), expected.bounds()) {
            (Some(example), _) => format!("write it like `{example}`").into(),
            (None, Some((low, high))) if *expected != Expected::Persistence => {
                format!("write one number between {low} and {high}").into()
            }
            _ => format!("write {expected}").into(),
        },
    }
}

/// Short enough for a hint to repeat.
fn is_short(text: &str) -> bool {
    !text.is_empty() && text.len() < 100 && !text.contains(|c: char| c.is_control() || c == '`')
}

/// `, and add ... beside it`: keys that are not given; those that are given otherwise are to be changed.
pub(super) fn beside(site: &Location<'_>, pairs: &[(&str, Form)]) -> Help {
    let mut help = Help::default();
    let mut missing = Vec::new();
    for (key, form) in pairs {
        match site.given(key).map(|given| Form::of(&given.value)) {
            None => missing.push(((*key).to_owned(), form.clone())),
            Some(Some(given)) if given.to_string().eq_ignore_ascii_case(&form.to_string()) => {}
            Some(given) => {
                let given = given.map_or_else(|| "...".to_owned(), |given| given.to_string());
                help.text += &format!(", and `{key}: {form}` in the place of `{key}: {given}`");
            }
        }
    }
    if !missing.is_empty() {
        help.text += &format!(", and add {} beside it", foreign::quoted(&missing));
        help.adds = missing.into_iter().map(|(key, _)| key).collect();
    }
    help
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

/// The value may be the secret itself.
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
    // A value in the place of a variable may be the secret, so it is not repeated.
    let shouting = first.key != "env" || name.chars().all(|c| !c.is_ascii_lowercase());
    shouting.then(|| {
        let form = Form::below(&[&first.key], Form::word(name));
        format!("one place is enough: write `{form}`")
    })
}

/// A list or a map where one value is due, several values in one text.
fn of_shape(cursor: Cursor<'_>, expected: &Expected) -> Option<String> {
    match &cursor.node.value {
        // Names with nothing behind them.
        Value::Map(entries)
            if matches!(
                (cursor.site.of(), cursor.key),
                (MapType::Vrrp, "track_interface")
                    | (MapType::Service, "scheduler_flags")
                    | (MapType::Host, "role")
            ) =>
        {
            let names = entries.iter().map(|entry| Form::word(&entry.key));
            Some(format!("write `{}`", Form::List(names.collect())))
        }
        Value::List(list) if !matches!(expected, Expected::List | Expected::Map) => {
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
        Value::Map(entries) if matches!(expected, Expected::Subnet { .. }) => of_network(entries),
        Value::Map(entries) if matches!(expected, Expected::Address(_)) => of_ipv6(entries, false)
            .or_else(|| {
                let known = ["address", "ip", "addr", "vip"];
                let given = known.iter().find_map(|key| find(entries, key))?;
                Some(format!(
                    "write `{}`",
                    Form::of(&given.value).filter(|form| form.text().is_some())?
                ))
            }),
        Value::Map(entries) if expected.is_number() || *expected == Expected::Mark => {
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
            if is_root(cursor) && *expected == Expected::Map =>
        {
            Some(BEGINNING.to_owned())
        }
        _ => None,
    }
}

fn is_root(cursor: Cursor<'_>) -> bool {
    cursor.site.of() == MapType::Names && cursor.key.is_empty()
}
