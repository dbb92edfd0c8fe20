//! The error of the deserializer, and the wording of unknown keys.

use std::fmt;

use miette::SourceSpan;
use serde::Serialize;
use serde::de::{self, DeserializeOwned, Unexpected};

use crate::diagnostic::{AddressForm, Expected, Fault, FaultKind, choices, nearest, shown};
use crate::inventory::field::Wrong;
use crate::inventory::foreign;
use crate::inventory::location::Location;
use crate::yaml::Entry;

impl Fault {
    pub(super) fn at_once(mut self, span: SourceSpan) -> Self {
        self.span.get_or_insert(span);
        self
    }
}

#[derive(Debug)]
pub(in crate::inventory) struct DecodeError {
    /// Boxed, as results hold it.
    pub(super) fault: Box<Fault>,
}

impl DecodeError {
    pub(super) fn at(self, span: SourceSpan) -> Self {
        Self {
            fault: Box::new(self.fault.at_once(span)),
        }
    }
}

impl From<Fault> for DecodeError {
    fn from(fault: Fault) -> Self {
        Self {
            fault: Box::new(fault),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.kind.fmt(f)
    }
}

impl std::error::Error for DecodeError {}

/// serde's errors hold texts alone. In alternate form (`{:#}`) our own values write themselves as JSON behind this mark.
const MARK: char = '\u{1}';

/// A value that passes through serde's texts.
pub(in crate::inventory) struct Typed<'a, T>(pub &'a T);

impl<T: fmt::Display + Serialize> fmt::Display for Typed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return self.0.fmt(f);
        }
        let json = serde_json::to_string(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{MARK}{json}")
    }
}

fn typed<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text.strip_prefix(MARK)?).ok()
}

/// The value that a visitor takes. Types of the standard library and of `ipnet` give texts, which are mapped to ours.
pub(super) fn expected_by(visitor: &dyn de::Expected) -> Expected {
    let text = format!("{visitor:#}");
    if let Some(expected) = typed(&text) {
        return expected;
    }
    Expected::Address(match text.as_str() {
        "IPv4 or IPv6 network address"
        | "IP network"
        | "IPv4 network address"
        | "IPv6 network address" => AddressForm::HasPrefix,
        "socket address" | "IPv4 socket address" | "IPv6 socket address" => AddressForm::HasPort,
        "IP address" => AddressForm::OneOf(None),
        "IPv4 address" => AddressForm::OneOf(Some(true)),
        "IPv6 address" => AddressForm::OneOf(Some(false)),
        "a string" => return Expected::Text,
        _ => return Expected::Other(text.into(), None),
    })
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = format!("{message:#}");
        match typed::<Wrong>(&text) {
            Some(wrong) => Fault::from(wrong).into(),
            None => Fault::new(text).into(),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let kind = match found {
            Unexpected::UnitVariant => FaultKind::EmptyVariant,
            _ => FaultKind::Expected(expected_by(expected), None),
        };
        Fault::from(kind).into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
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
        Self::invalid_type(Unexpected::Seq, expected)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Fault::new(format!("the key `{field}` is given twice"))
            .help("delete one of them")
            .into()
    }

    fn missing_field(field: &'static str) -> Self {
        let key = field.to_owned();
        Fault::from(FaultKind::MissingKey { key, of: None }).into()
    }
}

pub(super) fn plain_secret() -> Fault {
    Fault::new("a secret must not stand in the inventory, which is shared and kept for long")
        .label("a plain text")
        .help("say where to read it: `{ env: NAME }`, `{ file: PATH }` or `{ prompt: TEXT }`")
}

pub(super) fn unknown_key(key: &str, known: &[&str]) -> Fault {
    Fault::from(FaultKind::UnknownKey(key.to_owned()))
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

/// The fault of an unknown key: with the hint, or with the nearest key that is not given yet.
pub(super) fn unknown_entry(
    entry: &Entry,
    hint: Option<foreign::Hint>,
    site: &Location<'_>,
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
        return Fault::from(FaultKind::UnknownKey(entry.key.clone()))
            .label(hint.label)
            .help(hint.help);
    }
    let siblings = site.map();
    // Each key is compared with all others, which takes too long in a map of very many keys.
    let siblings = if siblings.len() > foreign::MOST_SIBLINGS {
        &[]
    } else {
        siblings
    };
    let free = |key: &&str| !siblings.iter().any(|other| other.key == *key);
    let free: Vec<&str> = known.iter().copied().filter(free).collect();
    unknown_key(&entry.key, &free).help(known_keys(known))
}
