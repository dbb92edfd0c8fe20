//! The text of an inventory as messages quote it, without its secrets.

use std::sync::Arc;

use miette::{NamedSource, SourceSpan};

use super::{Fault, Problem};
use crate::inventory::covered::{Covered, Hidden};

/// Lines longer than this are not shown; their position still is.
pub(crate) const LONGEST_LINE_SHOWN: usize = 400;

/// An inventory's text as errors show it: control characters and plain secrets are covered, byte for byte.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub name: String,
    text: Arc<str>,
    hidden: Arc<[Hidden]>,
}

impl Source {
    pub(crate) fn new(name: impl Into<String>, text: &str, covered: Covered) -> Self {
        let Covered { spans, texts } = covered;
        let end = |span: &SourceSpan| span.offset().saturating_add(span.len());
        let mut covered = joined(spans).into_iter().peekable();
        let mut shown = String::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            while covered.next_if(|span| end(span) <= at).is_some() {}
            let secret = covered.peek().is_some_and(|span| span.offset() <= at);
            match (c, secret) {
                ('\n', _) => shown.push(c),
                (_, true) => shown.push_str(&"*".repeat(c.len_utf8())),
                ('\t', false) => shown.push(c),
                _ if c.is_control() => shown.push_str(&"?".repeat(c.len_utf8())),
                _ => shown.push(c),
            }
        }
        Self {
            name: name.into(),
            text: shown.into(),
            hidden: texts.into(),
        }
    }

    /// A text without secrets.
    pub(crate) fn plain(name: impl Into<String>, text: &str) -> Self {
        Self::new(name, text, Covered::default())
    }

    /// Without what may be a secret, where a message quotes it.
    fn masked(&self, mut fault: Fault) -> Fault {
        let at = fault.span.map_or(0, |span| span.offset());
        let line = self.divide(at).0.rfind('\n').map_or(0, |end| end + 1);
        let tail = self.divide(at).1;
        let end = at + tail.find('\n').unwrap_or(tail.len());
        let near = |hidden: &&Hidden| hidden.from <= end && line <= hidden.to;
        for hidden in self.hidden.iter().filter(near) {
            fault.message = without(&fault.message, &hidden.text);
            fault.label = fault.label.map(|label| without(&label, &hidden.text));
            fault.help = fault.help.map(|help| without(&help, &hidden.text));
        }
        fault
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What stands before and behind a byte offset, which is moved back to the next border of a character.
    fn divide(&self, offset: usize) -> (&str, &str) {
        let mut at = offset.min(self.text.len());
        loop {
            match self.text.split_at_checked(at) {
                Some(parts) => return parts,
                None => at = at.saturating_sub(1),
            }
        }
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let (before, _) = self.divide(offset);
        let line = before.matches('\n').count() + 1;
        let last = before.rsplit('\n').next().unwrap_or_default();
        (line, last.chars().count() + 1)
    }

    /// Kept inside the text, on character borders and on one line, so that it can be shown.
    fn fit(&self, span: SourceSpan) -> SourceSpan {
        let start = self.divide(span.offset()).0.len();
        let end = self
            .divide(span.offset().saturating_add(span.len()))
            .0
            .len();
        let rest = self.divide(start).1;
        let line = rest.find('\n').unwrap_or(rest.len());
        (start, end.saturating_sub(start).min(line)).into()
    }

    /// Whether the marked line and its neighbours are short enough to be shown.
    fn is_short(&self, span: SourceSpan) -> bool {
        let (before, after) = self.divide(span.offset());
        let mut lines = before.rsplit('\n').take(2).map(str::len);
        let (head, above) = (lines.next().unwrap_or(0), lines.next().unwrap_or(0));
        let mut lines = after.split('\n').take(2).map(str::len);
        let (tail, below) = (lines.next().unwrap_or(0), lines.next().unwrap_or(0));
        head + tail <= LONGEST_LINE_SHOWN && above.max(below) <= LONGEST_LINE_SHOWN
    }

    pub(crate) fn problem(&self, fault: Fault) -> Problem {
        let span = fault.span.map(|span| self.fit(span));
        let (line, column) = span.map_or((0, 0), |span| self.position(span.offset()));
        let shown = span.is_some_and(|span| self.is_short(span));
        Problem {
            file: self.name.clone(),
            line,
            column,
            source: shown
                .then(|| NamedSource::new(&self.name, self.text.clone()).with_language("yaml")),
            fault: Fault {
                span,
                ..self.masked(fault)
            },
        }
    }
}

/// Spans in their order, of which no two overlap.
pub(crate) fn joined(mut spans: Vec<SourceSpan>) -> Vec<SourceSpan> {
    spans.sort_unstable_by_key(|span| (span.offset(), span.len()));
    let mut all: Vec<SourceSpan> = Vec::new();
    for span in spans {
        let end = span.offset().saturating_add(span.len());
        match all.last_mut() {
            Some(last) if span.offset() <= last.offset() + last.len() => {
                let reach = end.max(last.offset() + last.len());
                *last = (last.offset(), reach - last.offset()).into();
            }
            _ => all.push(span),
        }
    }
    all
}

/// A message with `********` for a text of the inventory that it quotes, whole or as a part of what it quotes.
pub(crate) fn without(message: &str, secret: &str) -> String {
    if secret.is_empty() || !(message.contains(secret) || message.contains('…')) {
        return message.to_owned();
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let parts = message.split('`').enumerate().map(|(number, part)| {
        if number % 2 == 0 {
            return part.to_owned();
        }
        // A long text is cut.
        let begin = part.strip_suffix('…').filter(|begin| begin.len() > 3);
        if begin.is_some_and(|begin| secret.starts_with(begin)) {
            return "********".to_owned();
        }
        let mut out = String::new();
        let mut rest = part;
        while let Some(at) = rest.find(secret) {
            let (before, found) = rest.split_at(at);
            let after = found.get(secret.len()..).unwrap_or_default();
            let inside = before.ends_with(is_word) || after.starts_with(is_word);
            out += before;
            out += if inside { secret } else { "********" };
            rest = after;
        }
        out + rest
    });
    parts.collect::<Vec<_>>().join("`")
}
