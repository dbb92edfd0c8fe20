//! YAML text to a tree whose every value has its place. The only user of the YAML crate; the meaning of keys is not known
//! here.

mod syntax_error;

use std::fmt;

use miette::SourceSpan;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::budget::BudgetBreach;
use serde_yaml::{DuplicateKeyPolicy, Error, Location, NonFiniteFloatPolicy, Spanned};

use crate::diagnostic::{Fault, Found, Shape, shown};
pub(crate) use syntax_error::{quoted, variable};

/// The kind of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Inventory,
    Role,
    /// A hint's text, made by lvsctl.
    Hint,
}

impl Document {
    fn name(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Role => "role",
            Self::Hint => "hint",
        }
    }

    fn with_article(self) -> &'static str {
        match self {
            Self::Inventory => "an inventory",
            Self::Role => "a role",
            Self::Hint => "a hint",
        }
    }
}

/// Deeper than any inventory, shallow enough for every stack.
const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 50_000;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Where it is written.
    pub span: SourceSpan,
    /// The place of the alias or merge key that uses it.
    pub used: Option<SourceSpan>,
    /// True if no message may repeat it.
    pub secret: bool,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    /// Each plain scalar keeps its text, as a key may take a text (a host named 12).
    Bool(bool, String),
    Int(i128, String),
    Float(f64, String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    pub key_span: SourceSpan,
    /// The name (`&name`) that its value has for others.
    pub anchor: Option<String>,
    pub value: Node,
}

impl Node {
    /// For a fault.
    pub(crate) fn found(&self) -> Found {
        let shape = match &self.value {
            Value::List(_) => Shape::List,
            Value::Map(_) => Shape::Map,
            _ => Shape::Scalar,
        };
        let text = self.describe();
        Found { shape, text }
    }

    /// Its description, for "found ...".
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(b, _) => format!("`{b}`"),
            Value::Int(_, text) | Value::Float(_, text) => format!("the number {}", shown(text)),
            Value::Text(text) if text.is_empty() => "an empty text".to_owned(),
            Value::Text(text) => format!("the text {}", shown(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }
}

/// Parses a text. None: the syntax is wrong, which is added to `faults`. Of duplicate keys, which are faults too, the first
/// is kept, so that further faults are found in the same run.
pub(crate) fn read(text: &str, what: Document, faults: &mut Vec<Fault>) -> Option<Node> {
    let first = parse(text, DuplicateKeyPolicy::Error);
    let parsed = match first {
        Err(error) if matches!(error.without_snippet(), Error::DuplicateMappingKey { .. }) => {
            faults.push(explain(text, what, &error));
            parse(text, DuplicateKeyPolicy::FirstWins)
        }
        other => other,
    };
    match parsed {
        Ok(spanned) => Some(convert(spanned, text)),
        Err(error) => {
            faults.push(syntax_error::explained(
                text,
                what,
                explain(text, what, &error),
            ));
            None
        }
    }
}

fn parse(text: &str, duplicate_keys: DuplicateKeyPolicy) -> Result<Spanned<Raw>, Error> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_documents: 2,
        },
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: 50_000,
            max_replay_stack_depth: 16,
        },
        duplicate_keys: duplicate_keys,
        strict_booleans: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
        emit_comments: false,
    };
    serde_yaml::from_str_with_options(text, options)
}

/// A value as the YAML crate infers it.
enum Raw {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Key>, Spanned<Raw>)>),
}

struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Key)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Int(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Raw::Map(entries))
    }
}

fn convert(spanned: Spanned<Raw>, text: &str) -> Node {
    let span = span_of(spanned.defined, text);
    let elsewhere = spanned.referenced != spanned.defined;
    let used = elsewhere.then(|| span_of(spanned.referenced, text));
    let source = || {
        let end = span.offset().saturating_add(span.len());
        let raw = text.get(span.offset()..end).unwrap_or_default();
        raw.trim().to_owned()
    };
    let value = match spanned.value {
        Raw::Null => Value::Null,
        Raw::Bool(b) => Value::Bool(b, source()),
        Raw::Int(n) => Value::Int(n, source()),
        Raw::Float(n) => Value::Float(n, source()),
        Raw::Text(t) => Value::Text(t),
        Raw::List(list) => Value::List(list.into_iter().map(|n| convert(n, text)).collect()),
        Raw::Map(map) => Value::Map(
            map.into_iter()
                .map(|(key, value)| {
                    let (key_span, value) = (span_of(key.defined, text), convert(value, text));
                    Entry {
                        anchor: anchor(text, key_span, value.span),
                        key_span,
                        key: key.value.0,
                        value,
                    }
                })
                .collect(),
        ),
    };
    let span = whole(span, &value, text);
    Node {
        span,
        used,
        secret: false,
        value,
    }
}

/// The place of a list or a map. The parser knows its beginning only; it ends after its last value and the bracket.
fn whole(span: SourceSpan, value: &Value, text: &str) -> SourceSpan {
    let last = match value {
        Value::List(list) => list.last().map(|node| (node.used, node.span)),
        Value::Map(entries) => entries.last().map(|entry| {
            let value = &entry.value;
            let null = value.value == Value::Null;
            (value.used, if null { entry.key_span } else { value.span })
        }),
        _ => return span,
    };
    let start = span.offset();
    let end = match last {
        Some((used, span)) => used.map_or(span.offset() + span.len(), |used| {
            used.offset() + used.len()
        }),
        None => start + 1,
    };
    let Some(rest) = text.get(end..).filter(|_| end > start) else {
        return span;
    };
    let close = match text.get(start..).and_then(|from| from.chars().next()) {
        Some('{') => '}',
        Some('[') => ']',
        _ => return (start, end - start).into(),
    };
    let between = |c: char| c.is_whitespace() || c == ',' || c == ':' || c == '"' || c == '\'';
    let blanks = rest.len() - rest.trim_start_matches(between).len();
    let closed = rest
        .get(blanks..)
        .is_some_and(|rest| rest.starts_with(close));
    let more = if closed { blanks + 1 } else { 0 };
    (start, end - start + more).into()
}

/// The anchor between a key and its value: `: &name`.
fn anchor(text: &str, key: SourceSpan, value: SourceSpan) -> Option<String> {
    let between = text.get(key.offset().saturating_add(key.len())..value.offset())?;
    // Values that stand elsewhere begin anywhere.
    let (colon, name) = between.split_once('&')?;
    let good = |c: &char| c.is_alphanumeric() || *c == '_' || *c == '-';
    let name: String = name.chars().take_while(good).collect();
    (colon.trim() == ":" && !name.is_empty()).then_some(name)
}

/// The place in bytes; the parser's own errors know line and column only.
fn span_of(location: Location, text: &str) -> SourceSpan {
    let span = location.span();
    if let (Some(start), Some(len)) = (span.byte_offset(), span.byte_len()) {
        let start = usize::try_from(start).unwrap_or(text.len());
        return (start, usize::try_from(len).unwrap_or(0)).into();
    }
    let lines_before = usize::try_from(location.line().saturating_sub(1)).unwrap_or(0);
    let start: usize = text
        .split_inclusive('\n')
        .take(lines_before)
        .map(str::len)
        .sum();
    let column = usize::try_from(location.column().saturating_sub(1)).unwrap_or(0);
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let within: usize = line.chars().take(column).map(char::len_utf8).sum();
    let len = line
        .get(within..)
        .and_then(|r| r.chars().next())
        .map_or(0, char::len_utf8);
    (start + within, len).into()
}

fn explain(text: &str, what: Document, error: &Error) -> Fault {
    let error = error.without_snippet();
    let fault = match error {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key
                .as_deref()
                .map_or_else(String::new, |k| format!(" {}", shown(k)));
            Fault::new(format!("the key{key} stands twice in one map"))
                .label("second time")
                .help(twice(text, error))
        }
        Error::MultipleDocuments { .. } => {
            Fault::new("there is more than one YAML document").help(format!(
                "{} is one document: delete the `---` line, or split the file",
                what.with_article()
            ))
        }
        Error::Budget { breach, .. } => budget(what, breach),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            Fault::new("the aliases (`*name`) expand to too much")
                .help("write the values out, or use `defaults` for what all hosts share")
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            Fault::new("an alias (`*name`) stands inside what it names")
                .help("write the value out instead")
        }
        Error::UnknownAnchor { .. } => Fault::new("no anchor (`&name`) of this name was defined")
            .help("define it before its use, or quote a value that starts with `*`"),
        Error::AliasError { error: inner, .. } => {
            let inner = explain(text, what, inner);
            Fault {
                span: None,
                ..inner
            }
        }
        Error::ExternalMessage { msg, .. } | Error::Message { msg, .. } => syntax(what, msg),
        other => {
            let said = other.to_string();
            syntax(
                what,
                said.split(" at line ").next().unwrap_or("cannot be read"),
            )
        }
    };
    match error.location() {
        Some(location) => fault.at(span_of(location, text)),
        None if text.is_empty() => fault,
        None => fault.at((text.len(), 0).into()),
    }
}

/// The fix for a key that stands twice.
fn twice(text: &str, error: &Error) -> &'static str {
    let at = error.location().map(|location| span_of(location, text));
    let before = at.and_then(|at| text.get(..at.offset()));
    // The key that the map stands below, as its lines are indented.
    let mut lines = before.unwrap_or_default().lines().rev();
    let line = lines.next().unwrap_or_default();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_above = |above: &&str| indent(above) < indent(line) && !above.trim().is_empty();
    let of_real_servers = |line: &str| line.contains("real_servers:");
    if of_real_servers(line) || lines.find(is_above).is_some_and(of_real_servers) {
        return "each host can be used once; one that serves on two ports is written `rs1: { port: [8080, 8081] }`";
    }
    "each name can be used once: rename one of them, or merge the two"
}

fn syntax(what: Document, message: &str) -> Fault {
    let message = message.trim_matches('`');
    let fault = Fault::new(format!("this is not valid YAML: {message}"));
    let lower = message.to_lowercase();
    if lower.contains("recursion limit") || lower.contains("nesting limit") {
        return too_deep(what);
    }
    if lower.contains("tab") {
        fault.help("indent by spaces: YAML takes no tabs there")
    } else if lower.contains("simple key") || lower.contains("mapping values") {
        fault.help("check the indentation and that each key is followed by `: `, with a blank")
    } else {
        fault.help("check the indentation, quotes and brackets here and in the line before")
    }
}

fn too_deep(what: Document) -> Fault {
    Fault::new(format!(
        "this is no {}: it nests deeper than {MAX_DEPTH} levels",
        what.name()
    ))
    .help("check the brackets and the indentation from here back")
}

fn budget(what: Document, breach: &BudgetBreach) -> Fault {
    let too_much = match breach {
        BudgetBreach::Depth { .. } => return too_deep(what),
        BudgetBreach::Aliases { .. } | BudgetBreach::AliasAnchorRatio { .. } => {
            "it has too many aliases (`*name`)"
        }
        BudgetBreach::Documents { .. } => "it has more than one YAML document",
        _ => "it has too many values",
    };
    Fault::new(format!("this is no {}: {too_much}", what.name()))
        .help(if what == Document::Inventory {
            "an inventory is one document of at most 50000 values and 1000 aliases; `defaults` holds what all hosts share".to_owned()
        } else {
            format!("{} is one document of at most 50000 values and 1000 aliases", what.with_article())
        })
}
