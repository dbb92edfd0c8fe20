//! Faults of templates and expressions. Their texts are made where they are found.

use std::fmt;
use std::ops::Range;

/// The faults of a template or an expression that has no value.
#[derive(Debug, thiserror::Error)]
pub struct TemplateError {
    pub faults: Vec<TemplateFault>,
}

/// A fault of a template or an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFault {
    /// The template of the set; none for a text that stands in a role.
    pub template: Option<String>,
    /// Where in its text, in bytes.
    pub at: Option<Range<usize>>,
    pub message: String,
    pub help: Option<String>,
    pub(crate) kind: TemplateFaultKind,
}

/// The faults that later steps complete, or that say others too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum TemplateFaultKind {
    /// A part of a value that is not defined, which the engine does not name.
    UndefinedPart,
    UnknownVariable(String),
    UnknownTag,
    #[default]
    Other,
}

impl TemplateFault {
    pub(super) fn new(template: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            template: template.map(str::to_owned),
            at: None,
            message: message.into(),
            help: None,
            kind: TemplateFaultKind::default(),
        }
    }
}

/// On one line, for where no excerpt can be shown.
impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            f.write_str(if index > 0 { "; " } else { "" })?;
            if let Some(template) = &fault.template {
                write!(f, "template {template}: ")?;
            }
            f.write_str(&fault.message)?;
        }
        Ok(())
    }
}

impl From<TemplateFault> for TemplateError {
    fn from(fault: TemplateFault) -> Self {
        Self {
            faults: vec![fault],
        }
    }
}
