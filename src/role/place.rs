//! Where a value of a role stands in its file.

use std::ops::Range;

use miette::SourceSpan;

use super::entry::{Entry, Given, Role};
use super::expand::WHAT_TEMPLATES_SEE;
use super::{RoleFaults, Roles};
use crate::diagnostic::{Fault, FaultKind, Help};
use crate::template::{TemplateError, TemplateFault};
use crate::yaml::Node;

/// An entry of a role.
#[derive(Clone, Copy)]
pub(super) struct Place<'r> {
    pub role: &'r Role,
    pub entry: &'r Entry,
    pub index: usize,
}

impl Place<'_> {
    /// Whether the user wrote it.
    pub(super) fn is_own(&self) -> bool {
        self.role.file.is_some()
    }

    /// For messages: `roles/web.yaml:3:5`, or the built-in role.
    pub(super) fn shown(&self) -> String {
        let name = &self.role.source.name;
        if !self.is_own() {
            return format!("{name}, resource {}", self.index + 1);
        }
        let problem = self
            .role
            .source
            .problem(&Fault::new("").at(self.entry.kind_span));
        match problem.position() {
            Some((line, column)) => format!("{name}:{line}:{column}"),
            None => name.clone(),
        }
    }

    pub(super) fn add(&self, fault: Fault, host: Option<&str>, into: &mut RoleFaults) {
        let mut fault = fault;
        if !self.is_own() {
            // Its text is not the user's.
            let message = format!("resource {}: {}", self.index + 1, fault.message());
            fault.kind = FaultKind::Other(message);
            fault.span = None;
        }
        into.add(&self.role.source, fault, host);
    }

    /// Reports the faults of a text of the entry.
    pub(super) fn add_all(
        &self,
        roles: &Roles,
        given: &Given,
        error: TemplateError,
        host: Option<&str>,
        into: &mut RoleFaults,
    ) {
        for fault in error.faults {
            if fault.template.is_some() {
                roles.of_template(fault, host, into);
                continue;
            }
            let span = self.inside(given, &fault);
            let mut placed = Fault::new(fault.message).at(span);
            placed.help = fault.help.map(Help::from);
            self.add(placed.help_or(WHAT_TEMPLATES_SEE), host, into);
        }
    }

    /// The place of a fault within a text of the file.
    pub(super) fn inside(&self, given: &Given, fault: &TemplateFault) -> SourceSpan {
        let node = &given.node;
        let (Some(text), Some(at)) = (given.value.as_str(), &fault.at) else {
            return node.span;
        };
        within(self.role.source.text(), node, text, at).unwrap_or(node.span)
    }
}

/// Where a part of a value stands in the file; none where the text is written otherwise there (escapes, folded lines).
pub(super) fn within(file: &str, node: &Node, text: &str, at: &Range<usize>) -> Option<SourceSpan> {
    let start = node.span.offset();
    let raw = file.get(start..start.checked_add(node.span.len())?)?;
    let quote = usize::from(raw.starts_with(['"', '\'']));
    let length = at.end.saturating_sub(at.start);
    if raw.get(quote..)?.starts_with(text) {
        return Some((start + quote + at.start, length).into());
    }
    let part = text.get(at.clone()).filter(|part| !part.is_empty())?;
    // The same part may stand there before.
    let before = text.get(..at.start)?.matches(part).count();
    let found = raw.match_indices(part).nth(before)?.0;
    Some((start + found, part.len()).into())
}
