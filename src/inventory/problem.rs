//! What is wrong with an inventory, where, and how to fix it. What is a fault is decided elsewhere.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use miette::{Severity, SourceCode, SourceSpan};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use super::covered::{Covered, Hidden};

/// A file that is wrong in more places than this is wrong altogether.
pub(crate) const MOST_SHOWN: usize = 100;

/// Lines longer than this are not shown; their position still is.
const LONGEST_LINE_SHOWN: usize = 400;

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
fn without(message: &str, secret: &str) -> String {
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

/// Why there is no cluster: the problems that were found, in the order of the file.
#[derive(Debug, Clone)]
pub struct LoadError {
    file: String,
    problems: Vec<Problem>,
    /// How many more there are.
    further: usize,
}

impl LoadError {
    pub(crate) fn new(source: &Source, faults: Vec<Fault>) -> Self {
        let (problems, further) = problems(source, faults);
        Self {
            file: source.name.clone(),
            problems,
            further,
        }
    }

    /// For a file that could not be read at all.
    pub(crate) fn file(name: impl Into<String>, fault: Fault) -> Self {
        Self::new(&Source::plain(name, ""), vec![fault])
    }

    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many problems there are beyond those of [`LoadError::problems`], which holds the first hundred.
    pub fn further(&self) -> usize {
        self.further
    }

    /// All problems, for people.
    pub fn render(&self, width: usize, colour: bool) -> String {
        let each = self.problems.iter().map(|p| p.render(width, colour));
        let mut all = each.collect::<Vec<_>>().join("\n");
        if self.further > 0 {
            all.push_str(&format!("\n... and {} more\n", self.further));
        }
        all
    }
}

/// The first faults in the order of the file, and how many there are beyond.
pub(crate) fn problems(source: &Source, mut faults: Vec<Fault>) -> (Vec<Problem>, usize) {
    faults.sort_by_key(|f| f.span.map_or(0, |s| s.offset()));
    faults.dedup();
    let faults = one_each(faults);
    let further = faults.len().saturating_sub(MOST_SHOWN);
    let first = faults.into_iter().take(MOST_SHOWN);
    (first.map(|f| source.problem(f)).collect(), further)
}

/// Faults of one place that say the same of several names are one.
fn one_each(faults: Vec<Fault>) -> Vec<Fault> {
    let mut kept: Vec<(Fault, Vec<String>)> = Vec::new();
    for fault in faults {
        let (shape, names) = shape(&fault.message);
        let alike = kept
            .iter_mut()
            .rev()
            .take_while(|(k, _)| k.span == fault.span);
        let first = alike.into_iter().find(|(k, _)| {
            let (other, _) = self::shape(&k.message);
            let missing = fault.message.ends_with("is missing");
            fault.span.is_some() && other == shape && !names.is_empty() && !missing
        });
        let Some((first, others)) = first else {
            kept.push((fault, Vec::new()));
            continue;
        };
        let (_, said) = self::shape(&first.message);
        let new = names.iter().find(|name| !said.contains(name));
        others.extend(new.map(|name| (*name).to_owned()));
    }
    kept.into_iter()
        .map(|(mut fault, others)| {
            const NAMED: usize = 5;
            let mut names: Vec<String> = others.iter().take(NAMED).map(|n| shown(n)).collect();
            if others.len() > NAMED {
                names.push(format!("{} more", others.len() - NAMED));
            }
            if !names.is_empty() {
                fault.message = format!("{}; the same for {}", fault.message, names.join(", "));
            }
            fault
        })
        .collect()
}

/// A message without the names in it, and these.
fn shape(message: &str) -> (Vec<&str>, Vec<&str>) {
    let parts: Vec<&str> = message.split('`').collect();
    let texts = parts.iter().step_by(2).copied().collect();
    let names = parts.iter().skip(1).step_by(2).copied().collect();
    (texts, names)
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() + self.further {
            1 => write!(f, "{}: 1 problem", self.file),
            n => write!(f, "{}: {n} problems", self.file),
        }
    }
}

impl std::error::Error for LoadError {}

impl Diagnostic for LoadError {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|p| p as &dyn Diagnostic)))
    }
}

/// Text of the user's own as messages show it: quoted, short, without control characters.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    format!("`{out}`")
}

/// Names as a sentence has them: `a`, `b` and `c`; of many the first.
pub(crate) fn listed<'n>(
    names: impl IntoIterator<Item = &'n (impl AsRef<str> + ?Sized + 'n)>,
) -> String {
    const NAMED: usize = 5;
    let mut all: Vec<String> = names.into_iter().map(|name| shown(name.as_ref())).collect();
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    match all.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// The known word that is meant, if one is near enough.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Bounded, as the distance costs the product of both lengths.
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&word, k), k))
        .filter(|(distance, k)| {
            *distance <= allowed || (word.len() > 2 && k.starts_with(word.as_str()))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// "did you mean `x`? known: a, b, c".
pub(crate) fn choices(word: &str, known: &[&str]) -> String {
    const LISTED: usize = 20;
    let mut list = known
        .iter()
        .take(LISTED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if known.len() > LISTED {
        list.push_str(", ...");
    }
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? known: {list}"),
        None => format!("known: {list}"),
    }
}
