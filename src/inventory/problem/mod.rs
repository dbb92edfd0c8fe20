//! What is wrong with an inventory, where, and how to fix it. What is a fault is decided elsewhere.

mod load_error;
mod source;
mod wording;

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use miette::{Severity, SourceCode, SourceSpan};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

pub use load_error::LoadError;
pub(crate) use load_error::{MOST_SHOWN, problems};
pub(crate) use source::Source;
pub(crate) use wording::{choices, listed, nearest, shown};

/// One thing that is wrong, without its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub span: Option<SourceSpan>,
    pub message: String,
    /// Said right beside the marked text.
    pub label: Option<String>,
    pub help: Option<String>,
    /// The cluster works, but probably not as meant.
    pub warning: bool,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            span: None,
            message: message.into(),
            label: None,
            help: None,
            warning: false,
        }
    }

    pub(crate) fn at(mut self, span: SourceSpan) -> Self {
        self.span = Some(span);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A help where there is none yet.
    pub(crate) fn help_or(mut self, help: &str) -> Self {
        self.help.get_or_insert_with(|| help.to_owned());
        self
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub(crate) fn warning(mut self) -> Self {
        self.warning = true;
        self
    }
}

/// One thing that is wrong: where, what, and how to fix it.
#[derive(Debug, Clone)]
pub struct Problem {
    file: String,
    line: usize,
    column: usize,
    fault: Fault,
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
        &self.fault.message
    }

    /// What stands beside the marked text.
    pub fn label(&self) -> Option<&str> {
        self.fault.label.as_deref()
    }

    /// How to fix it.
    pub fn fix(&self) -> Option<&str> {
        self.fault.help.as_deref()
    }

    pub fn is_warning(&self) -> bool {
        self.fault.warning
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
        map.serialize_field("message", &self.fault.message)?;
        map.serialize_field("fix", &self.fault.help)?;
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
        f.write_str(&self.fault.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<Severity> {
        Some(if self.fault.warning {
            Severity::Warning
        } else {
            Severity::Error
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.fault.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.fault.span?;
        let label = self.fault.label.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            label, span,
        ))))
    }
}
