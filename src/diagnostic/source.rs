//! The text of an inventory as messages quote it, without its secrets.

use std::sync::Arc;

use miette::{NamedSource, SourceSpan};

use super::{Fault, Problem};

/// Lines longer than this are not shown; their position still is.
const LONGEST_LINE_SHOWN: usize = 400;

/// Parts of a text that are not shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masked {
    /// Their places.
    pub spans: Vec<SourceSpan>,
    /// Their texts, which a message about their lines could quote.
    pub texts: Vec<Hidden>,
}

/// A text that may be a secret, and the part of the file whose messages could quote it.
#[derive(Debug, Clone)]
pub(crate) struct Hidden {
    pub text: String,
    pub from: usize,
    pub to: usize,
}

/// An inventory's text as errors show it: control characters and plain secrets are covered, byte for byte.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub name: String,
    text: Arc<str>,
    hidden: Arc<[Hidden]>,
}

impl Source {
    pub(crate) fn new(name: impl Into<String>, text: &str, masked: Masked) -> Self {
        let Masked { spans, texts } = masked;
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
        Self::new(name, text, Masked::default())
    }

    /// A text of a fault at this offset, with its examples filled in and without secrets of the lines there.
    fn shown(&self, text: &str, fault: &Fault) -> String {
        let at = fault.span.map_or(0, |span| span.offset());
        let line = self.divide(at).0.rfind('\n').map_or(0, |end| end + 1);
        let tail = self.divide(at).1;
        let end = at + tail.find('\n').unwrap_or(tail.len());
        let near = |hidden: &&Hidden| hidden.from <= end && line <= hidden.to;
        let hidden = self.hidden.iter().filter(near);
        let filled = fault.examples.fill(text);
        hidden.fold(filled, |text, hidden| without(&text, &hidden.text))
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The texts before and behind a byte offset, which is moved back to the next border of a character.
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

    pub(crate) fn problem(&self, fault: &Fault) -> Problem {
        let span = fault.span.map(|span| self.fit(span));
        let (line, column) = span.map_or((0, 0), |span| self.position(span.offset()));
        let short = span.is_some_and(|span| self.is_short(span));
        let label = fault.label.as_ref();
        let help = fault.help.as_ref();
        Problem {
            file: self.name.clone(),
            line,
            column,
            span,
            message: self.shown(&fault.message(), fault),
            label: label.map(|label| self.shown(label, fault)),
            help: help.map(|help| self.shown(&help.text, fault)),
            warning: fault.warning,
            source: short
                .then(|| NamedSource::new(&self.name, self.text.clone()).with_language("yaml")),
        }
    }
}

/// Spans in their order, of which no two overlap.
fn joined(mut spans: Vec<SourceSpan>) -> Vec<SourceSpan> {
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
pub(super) fn without(message: &str, secret: &str) -> String {
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
