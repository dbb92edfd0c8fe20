//! Faults of files as values, and their conversion into problems as they are shown: message, place and fix. The rules that
//! find faults are in other modules.

mod examples;
mod expected;
mod load_error;
mod source;
mod wording;

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use miette::{Severity, SourceCode, SourceSpan};
use serde::ser::{SerializeStruct as _, Serializer};
use serde::{Deserialize, Serialize};

pub(crate) use examples::Examples;
pub(crate) use expected::{AddressForm, Expected, LONGEST_PERSISTENCE};
pub use load_error::LoadError;
pub(crate) use load_error::{MOST_SHOWN, problems};
pub(crate) use source::{Hidden, Masked, Source};
pub(crate) use wording::{choices, listed, nearest, shown};

/// The kind of a fault. Its text is made when it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FaultKind {
    Expected(Expected, Option<Found>),
    MissingKey {
        key: String,
        of: Option<String>,
    },
    UnknownKey(String),
    /// A word that names a map, without its map.
    EmptyVariant,
    Other(String),
}

/// A value that stands where another is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub shape: Shape,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shape {
    Scalar,
    List,
    Map,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(what, None) => write!(f, "expected {what}"),
            Self::Expected(what, Some(found)) => write!(f, "expected {what}, found {}", found.text),
            Self::MissingKey { key, of: None } => write!(f, "the key `{key}` is missing"),
            Self::MissingKey { key, of: Some(of) } => {
                write!(f, "the key `{key}` of {} is missing", shown(of))
            }
            Self::UnknownKey(key) => write!(f, "unknown key {}", shown(key)),
            Self::EmptyVariant => f.write_str("a map is missing behind the word"),
            Self::Other(message) => f.write_str(message),
        }
    }
}

/// How to fix it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Help {
    pub text: String,
    /// Keys that it adds to the map, which are not missing as well.
    pub adds: Vec<String>,
    /// True if it says no more than the message does.
    pub vague: bool,
}

impl Help {
    pub(crate) fn vague(text: impl Into<String>) -> Self {
        Self {
            vague: true,
            ..text.into().into()
        }
    }

    /// With a text behind it.
    pub(crate) fn and(mut self, more: Self) -> Self {
        self.text += &more.text;
        self.adds.extend(more.adds);
        self
    }
}

impl From<String> for Help {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

impl From<&String> for Help {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<&str> for Help {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// One thing that is wrong, without its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub span: Option<SourceSpan>,
    pub kind: FaultKind,
    /// Stands beside the marked text.
    pub label: Option<String>,
    pub help: Option<Help>,
    /// The cluster works, but probably not as meant.
    pub warning: bool,
    /// The host or service that is concerned. Faults of one place that differ in it only become one message.
    pub subject: Option<String>,
    /// Addresses for the examples in its texts.
    pub examples: Examples,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        FaultKind::Other(message.into()).into()
    }

    pub(crate) fn expected(what: Expected, found: Found) -> Self {
        FaultKind::Expected(what, Some(found)).into()
    }

    pub(crate) fn at(mut self, span: SourceSpan) -> Self {
        self.span = Some(span);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<Help>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A help where there is none yet.
    pub(crate) fn help_or(mut self, help: &str) -> Self {
        self.help.get_or_insert_with(|| help.into());
        self
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The subject, where none is named yet.
    pub(crate) fn about(mut self, subject: &str) -> Self {
        self.subject.get_or_insert_with(|| subject.to_owned());
        self
    }

    pub(crate) fn warning(mut self) -> Self {
        self.warning = true;
        self
    }

    pub(crate) fn message(&self) -> String {
        self.kind.to_string()
    }

    /// True if its texts have examples.
    pub(crate) fn has_example(&self) -> bool {
        let help = self.help.as_ref().map_or("", |help| &help.text);
        examples::has_example(help) || examples::has_example(&self.message())
    }

    pub(crate) fn is_missing_key(&self) -> bool {
        matches!(self.kind, FaultKind::MissingKey { .. })
    }
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self {
            span: None,
            kind,
            label: None,
            help: None,
            warning: false,
            subject: None,
            examples: Examples::default(),
        }
    }
}

/// One thing that is wrong, as it is shown: where, what, and how to fix it.
#[derive(Debug, Clone)]
pub struct Problem {
    file: String,
    line: usize,
    column: usize,
    span: Option<SourceSpan>,
    message: String,
    label: Option<String>,
    help: Option<String>,
    warning: bool,
    source: Option<NamedSource<Arc<str>>>,
}

impl Problem {
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Line and column, both from 1; none where the fault is the file itself.
    pub fn position(&self) -> Option<(usize, usize)> {
        (self.line > 0).then_some((self.line, self.column))
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// The text beside the marked text.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// How to fix it.
    pub fn fix(&self) -> Option<&str> {
        self.help.as_deref()
    }

    pub fn is_warning(&self) -> bool {
        self.warning
    }

    /// The offending line, marked, with what is wrong and how to fix it, for people.
    pub fn render(&self, width: usize, colour: bool) -> String {
        let theme = if colour {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_links(false)
            .with_context_lines(1);
        let mut out = String::new();
        match handler.render_report(&mut out, self) {
            Ok(()) => out,
            Err(fmt::Error) => format!("{self}\n"),
        }
    }
}

/// As JSON: without the source text, whose place `file`, `line` and `column` name.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("Problem", 5)?;
        map.serialize_field("file", &self.file)?;
        map.serialize_field("line", &self.line)?;
        map.serialize_field("column", &self.column)?;
        map.serialize_field("message", &self.message)?;
        map.serialize_field("fix", &self.help)?;
        map.end()
    }
}

/// `file:line:column: what is wrong`, on one line.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source.is_none() {
            write!(f, "{}", self.file)?;
            if let Some((line, column)) = self.position() {
                write!(f, ":{line}:{column}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<Severity> {
        Some(if self.warning {
            Severity::Warning
        } else {
            Severity::Error
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span?;
        let label = self.label.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            label, span,
        ))))
    }
}
