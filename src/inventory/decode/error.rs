//! The error of the deserializer, and the wording of unknown keys.

use std::fmt;

use miette::SourceSpan;
use serde::de::{self, Unexpected};

use crate::inventory::foreign;
use crate::inventory::node::Entry;
use crate::inventory::problem::{Fault, choices, nearest, shown};
use crate::inventory::site::Site;

impl Fault {
    pub(super) fn at_once(mut self, span: SourceSpan) -> Self {
        self.span.get_or_insert(span);
        self
    }
}

#[derive(Debug)]
pub(in crate::inventory) struct DecodeError {
    pub(super) fault: Fault,
}

impl DecodeError {
    pub(super) fn at(self, span: SourceSpan) -> Self {
        Self {
            fault: self.fault.at_once(span),
        }
    }
}

impl From<Fault> for DecodeError {
    fn from(fault: Fault) -> Self {
        Self { fault }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault.message)
    }
}

impl std::error::Error for DecodeError {}

/// Divides a message from its help inside serde's one text.
pub(in crate::inventory) const HELP: char = '\u{1}';

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();

        match text.split_once(HELP) {
            Some((message, help)) => Fault::new(message).help(help).into(),
            None => Fault::new(text).into(),
        }
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Fault::new(format!("expected {expected}")).into()
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Fault::new(format!("expected {expected}")).into()
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Fault::new(format!("unknown word {}", shown(variant)))
            .help(choices(variant, known))
            .into()
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        unknown_key(field, known).into()
    }

    fn invalid_length(_: usize, expected: &dyn de::Expected) -> Self {
        Fault::new(format!("expected {expected}")).into()
    }

    fn duplicate_field(field: &'static str) -> Self {
        Fault::new(format!("the key `{field}` is given twice"))
            .help("delete one of them")
            .into()
    }

    fn missing_field(field: &'static str) -> Self {
        Fault::new(format!("the key `{field}` is missing")).into()
    }
}

pub(super) fn plain_secret() -> Fault {
    Fault::new("a secret must not stand in the inventory, which is shared and kept for long")
        .label("a plain text")
        .help("say where to read it: `{ env: NAME }`, `{ file: PATH }` or `{ prompt: TEXT }`")
}

pub(super) fn unknown_key(key: &str, known: &[&str]) -> Fault {
    Fault::new(format!("unknown key {}", shown(key)))
        .label(match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "not known here".to_owned(),
        })
        .help(known_keys(known))
}

pub(super) fn known_keys(known: &[&str]) -> String {
    if known.is_empty() {
        return "delete it: no key stands here".to_owned();
    }
    format!("known keys here: {}", known.join(", "))
}

/// A key of another program, or one that is not given yet and nearly the same.
pub(super) fn unknown_entry(
    entry: &Entry,
    hint: Option<foreign::Hint>,
    site: &Site<'_>,
    known: &'static [&'static str],
) -> Fault {
    if foreign::names_secret(&entry.key) {
        let name = entry.key.split([':', '=']).next().unwrap_or_default();
        return Fault::new(format!(
            "{} needs a colon with a blank behind it",
            shown(name)
        ))
        .label("a plain text")
        .help(format!("say where to read it: `{name}: {{ env: NAME }}`"));
    }
    if let Some(hint) = hint {
        return Fault::new(format!("unknown key {}", shown(&entry.key)))
            .label(hint.label)
            .help(hint.help);
    }
    let siblings = site.map();
    // Where a map has very many keys, each would be compared with all.
    let siblings = if siblings.len() > foreign::MOST_SIBLINGS {
        &[]
    } else {
        siblings
    };
    let free = |key: &&str| !siblings.iter().any(|other| other.key == *key);
    let free: Vec<&str> = known.iter().copied().filter(free).collect();
    unknown_key(&entry.key, &free).help(known_keys(known))
}
