//! All problems of one file, sorted, one for each cause.

use std::fmt;

use miette::Diagnostic;

use super::{Fault, FaultKind, Problem, Source, shown};

/// More problems than this are counted, not shown: the file is wrong as a whole.
pub(crate) const MOST_SHOWN: usize = 100;

/// The problems of an inventory without a valid cluster, in the order of the file.
#[derive(Debug, Clone)]
pub struct LoadError {
    file: String,
    problems: Vec<Problem>,
    /// The number of problems that are not kept.
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

    /// The number of problems beyond those of [`LoadError::problems`], which holds the first hundred.
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
    (first.map(|f| source.problem(&f)).collect(), further)
}

/// Faults of one place whose texts differ in the subject only are one.
fn one_each(faults: Vec<Fault>) -> Vec<Fault> {
    let mut kept: Vec<(Fault, Vec<String>)> = Vec::new();
    for fault in faults {
        let same = |k: &Fault| k.span == fault.span && text_for_all(k) == text_for_all(&fault);
        let mut alike = kept
            .iter_mut()
            .rev()
            .take_while(|(k, _)| k.span == fault.span);
        let first = alike.find(|(k, _)| k.subject.is_some() && same(k));
        match (first, &fault.subject) {
            (Some((_, others)), Some(subject)) => others.push(subject.clone()),
            _ => kept.push((fault, Vec::new())),
        }
    }
    kept.into_iter()
        .map(|(mut fault, others)| {
            const NAMED: usize = 5;
            let mut names: Vec<String> = others.iter().take(NAMED).map(|n| shown(n)).collect();
            if others.len() > NAMED {
                names.push(format!("{} more", others.len() - NAMED));
            }
            if !names.is_empty() {
                let message = format!("{}; the same for {}", fault.message(), names.join(", "));
                fault.kind = FaultKind::Other(message);
            }
            fault
        })
        .collect()
}

/// The message without the subject.
fn text_for_all(fault: &Fault) -> String {
    let subject = fault.subject.as_deref().map(shown);
    fault
        .message()
        .replacen(&subject.unwrap_or_default(), "", 1)
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
