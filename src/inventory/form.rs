//! Values as hints write them: YAML on one line, with what the user gave.

use std::fmt;

use crate::yaml::{self, Document, Entry, Node, Value};

/// Longer values are not repeated in a hint.
const LONGEST: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// A text or a number; quotes are put where YAML needs them.
    Word(String),
    List(Vec<Form>),
    Map(Vec<(String, Form)>),
    /// With a name that others refer to.
    Anchor(String, Box<Form>),
}

impl Form {
    pub(super) fn word(text: impl fmt::Display) -> Self {
        Self::Word(text.to_string())
    }

    pub(super) fn words(texts: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        Self::List(texts.into_iter().map(Self::word).collect())
    }

    pub(super) fn empty() -> Self {
        Self::Map(Vec::new())
    }

    /// A map of one key, below further ones: `{ http: { path: / } }`.
    pub(super) fn below(keys: &[&str], value: Self) -> Self {
        let wrap = |value, key: &&str| Self::Map(vec![((*key).to_owned(), value)]);
        keys.iter().rev().fold(value, wrap)
    }

    /// The user's value; none if it is long, cannot be shown, or may be a secret.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let form = Self::whole(node)?;
        let text = form.to_string();
        // The character marks an example.
        (text.len() <= LONGEST && !text.contains('‹')).then_some(form)
    }

    fn whole(node: &Node) -> Option<Self> {
        if node.secret {
            return None;
        }
        Some(match &node.value {
            Value::Null => Self::empty(),
            Value::Bool(on, _) => Self::word(on),
            Value::Int(_, text) | Value::Float(_, text) => Self::word(text),
            Value::Text(text) => Self::Word(shown(text)?.to_owned()),
            Value::List(list) if list.len() <= LONGEST => {
                Self::List(list.iter().map(Self::whole).collect::<Option<_>>()?)
            }
            Value::Map(entries) if entries.len() <= LONGEST => {
                let pair = |entry: &Entry| {
                    let secret = super::secret_masking::is_secret(&entry.key);
                    let secret = secret && !matches!(entry.value.value, Value::Map(_));
                    let value = (!secret).then(|| Self::whole(&entry.value))??;
                    Some((shown(&entry.key)?.to_owned(), value))
                };
                Self::Map(entries.iter().map(pair).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    /// Reads a text of lvsctl's own.
    pub(super) fn parse(text: &str) -> Self {
        let node = yaml::read(text, Document::Hint, &mut Vec::new());
        let form = node.as_ref().and_then(Self::whole);
        form.unwrap_or_else(|| Self::word(text))
    }

    /// A single value as it stands.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Word(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The keys of both maps; the first map wins.
    pub(super) fn merged(self, other: Self) -> Self {
        match (self, other) {
            (Self::Map(mut pairs), Self::Map(others)) => {
                for (key, value) in others {
                    match pairs.iter_mut().find(|(k, _)| *k == key) {
                        Some((_, own)) => *own = own.clone().merged(value),
                        None => pairs.push((key, value)),
                    }
                }
                Self::Map(pairs)
            }
            (own, _) => own,
        }
    }
}

/// A text that a hint can repeat.
fn shown(text: &str) -> Option<&str> {
    let good = text.len() <= LONGEST && !text.contains(|c: char| c.is_control() || c == '`');
    good.then_some(text)
}

/// Whether a text needs no quotes, in a flow map too.
fn is_plain(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || "/._+(‹".contains(c);
    let start = text.starts_with(first)
        || text.starts_with("~/")
        || (text.starts_with('-') && text[1..].starts_with(|c: char| c.is_ascii_alphanumeric()))
        || (text.starts_with(':') && text.contains("::"));
    let null = ["null", "Null", "NULL"].contains(&text);
    let inside = text.chars().all(|c| !",[]{}\"'`#\u{a0}".contains(c));
    start && !null && inside && !text.contains(": ") && !text.ends_with([':', ' '])
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) if is_plain(text) => f.write_str(text),
            Self::Word(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::List(list) => {
                let all: Vec<String> = list.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", all.join(", "))
            }
            Self::Map(pairs) if pairs.is_empty() => f.write_str("{}"),
            Self::Map(pairs) => {
                let all: Vec<String> = pairs.iter().map(pair).collect();
                write!(f, "{{ {} }}", all.join(", "))
            }
            Self::Anchor(name, form) => write!(f, "&{name} {form}"),
        }
    }
}

/// `key: value`.
pub(super) fn pair((key, value): &(String, Form)) -> String {
    format!("{}: {value}", Form::word(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "{ http: { path: /health, status: [200, 302] }, retry: 3 }",
            "[rs1, rs2]",
            "'all: is well'",
            "'it''s'",
            "'null'",
            "~/.ssh/id",
            "'2001:db8::'",
            "2001:db8::1",
            "'*:80'",
            "10.0.0.1:80",
            "{}",
            "-20",
            "'a # b'",
        ] {
            assert_eq!(Form::parse(text).to_string(), text);
        }
        assert_eq!(
            Form::parse("{ ssh: { password: hunter2 } }").text(),
            Some("{ ssh: { password: hunter2 } }")
        );
    }

    #[test]
    fn maps_are_merged() {
        let one = Form::parse("{ http: { path: / }, retry: 3 }");
        let other = Form::parse("{ http: { status: 200 }, retry: 4, rise: 2 }");
        let both = "{ http: { path: /, status: 200 }, retry: 3, rise: 2 }";
        assert_eq!(one.merged(other).to_string(), both);
        let deep = Form::below(&["a", "b"], Form::word(1));
        assert_eq!(deep.to_string(), "{ a: { b: 1 } }");
    }
}
