//! The tags of a template: those that are none, that are never ended, and the templates that they name.

use std::ops::Range;

use super::slip::fault;
use super::tokens::{Part, Token, parts};
use super::words::{TAGS, find};
use super::{TemplateFault, TemplateFaultKind};
use crate::diagnostic::{choices, shown};

/// Words that are no tags.
pub(super) fn of_tag(part: &Part<'_>) -> Option<TemplateFault> {
    let (word, first) = part.word()?;
    let range = |at: usize| part.tokens.get(at).map(|(_, range)| range.clone());
    let next = match part.tokens.get(first + 1) {
        Some((Token::Name(next), _)) => *next,
        _ => "",
    };
    if word == "else" && next == "if" {
        let at = range(first)?.start..range(first + 1)?.end;
        return Some(fault(at, "`else if` is one word", "write `elif`"));
    }
    if find(word, TAGS).is_some() {
        return None;
    }
    let help = match word.to_lowercase().as_str() {
        "elseif" | "elsif" => "write `elif`".to_owned(),
        "end" => "write `endif` or `endfor`, as what it ends".to_owned(),
        "assign" | "let" | "with" => "write `set`: `{% set name = value %}`".to_owned(),
        "foreach" | "each" => "write `for`: `{% for item in list %}`".to_owned(),
        "import" | "from" | "macro" => {
            "write `{% include \"NAME\" %}` for a text that several templates share".to_owned()
        }
        _ => choices(
            word,
            &TAGS.iter().map(|(word, _)| *word).collect::<Vec<_>>(),
        ),
    };
    let mut unknown = fault(range(first)?, format!("unknown tag {}", shown(word)), help);
    unknown.kind = TemplateFaultKind::UnknownTag;
    Some(unknown)
}

/// Tags that are never ended, and ends of none.
pub(super) fn of_blocks(text: &str, all: &[Part<'_>]) -> Vec<TemplateFault> {
    let mut open: Vec<(&str, &str, Range<usize>)> = Vec::new();
    let mut found = Vec::new();
    for part in all.iter().filter(|part| part.closed) {
        let Some((word, first)) = part.word() else {
            continue;
        };
        let range = part
            .tokens
            .get(first)
            .map_or(part.open..part.end, |(_, range)| range.clone());
        let has_value = part
            .tokens
            .iter()
            .any(|(token, _)| *token == Token::Sign("="));
        match (word, find(word, TAGS)) {
            ("set" | "set_global", _) if !has_value => open.push((word, "endset", range)),
            (_, Some((word, end))) if !end.is_empty() && word != "raw" => {
                open.push((word, end, range));
            }
            ("else" | "elif", _) if !open.iter().any(|(word, ..)| ["if", "for"].contains(word)) => {
                found.push(fault(
                    range,
                    format!("`{word}` stands outside of an `if`"),
                    "add the `{% if ... %}` before it, or delete it",
                ));
            }
            (end, Some(_)) if end.starts_with("end") => match open.pop() {
                Some((_, due, _)) if due == end => {}
                Some((word, due, at)) => {
                    let message = format!(
                        "the `{word}` in line {} ends by `{due}`, found `{end}`",
                        line(text, at.start)
                    );
                    found.push(fault(
                        range,
                        message,
                        format!("write `{{% {due} %}}` here, or before this"),
                    ));
                    return found;
                }
                None => found.push(fault(
                    range,
                    format!("`{end}` ends nothing"),
                    "delete it, or add what it ends",
                )),
            },
            _ => {}
        }
    }
    if let Some((word, end, at)) = open.pop() {
        found.push(fault(
            at,
            format!("the `{word}` is never ended"),
            format!("add `{{% {end} %}}` where it ends"),
        ));
    }
    found
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

/// The templates that a text names.
pub(super) fn includes(text: &str) -> impl Iterator<Item = &str> {
    let named = |part: Part<'_>| -> Option<Range<usize>> {
        let (word, first) = part.word()?;
        match (word, part.tokens.get(first + 1)) {
            ("include" | "extends", Some((Token::Text(_), range))) => Some(range.clone()),
            _ => None,
        }
    };
    let all = parts(text).into_iter().filter_map(named);
    all.filter_map(|range| Some(text.get(range)?.trim_matches(['"', '\'', '`'])))
}

/// Where a template names others, or its beginning.
pub(super) fn first_tag(text: &str) -> Range<usize> {
    let all = parts(text);
    let tag = all.iter().find(|part| {
        let word = part.word().map(|(word, _)| word);
        matches!(word, Some("include" | "extends" | "block" | "component"))
    });
    tag.map_or(0..0, |part| part.open..part.end)
}
