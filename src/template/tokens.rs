//! The words and signs of a template's tags and expressions, each with its place. What they mean is not decided here.

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
    Number,
    /// Two characters where the language has them: `==`, `?.`, ...
    Sign(&'a str),
}

pub(super) type Tokens<'a> = Vec<(Token<'a>, Range<usize>)>;

/// The token before `end` that closes the bracket at `open`.
pub(super) fn close_of(tokens: &Tokens<'_>, open: usize, end: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let range = tokens.iter().enumerate().take(end).skip(open);
    for (at, (token, _)) in range {
        match token {
            Token::Sign("(" | "[" | "{" | "?[") => depth += 1,
            Token::Sign(")" | "]" | "}") => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// A part of a text that the engine reads: one tag, or one expression that becomes text.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// Whether it is `{% %}`; else it is `{{ }}`.
    pub tag: bool,
    /// Of its opening marker.
    pub open: usize,
    pub tokens: Tokens<'a>,
    /// Behind its closing marker.
    pub end: usize,
    /// Whether it has one.
    pub closed: bool,
}

impl<'a> Part<'a> {
    /// The word that a tag begins with, and which token it is.
    pub(super) fn word(&self) -> Option<(&'a str, usize)> {
        let first = usize::from(matches!(self.tokens.first(), Some((Token::Sign("-"), _))));
        match self.tokens.get(first) {
            Some((Token::Name(name), _)) if self.tag => Some((name, first)),
            _ => None,
        }
    }
}

/// All of them, without comments and what is `raw`.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(start) = start_marker(rest) else {
            break;
        };
        let (open, inside) = (at + start, at + start + 2);
        let marker = text.get(open..inside).unwrap_or_default();
        if marker == "{#" {
            let end = text.get(inside..).and_then(|rest| rest.find("#}"));
            at = end.map_or(text.len(), |end| inside + end + 2);
            continue;
        }
        let tag = marker == "{%";
        let (tokens, end, closed) = tokens(text, inside, if tag { "%}" } else { "}}" });
        at = end;
        let part = Part {
            tag,
            open,
            tokens,
            end,
            closed,
        };
        if part.word().is_some_and(|(word, _)| word == "raw") {
            let body = text.get(end..).unwrap_or_default();
            at = end_of_raw(body).map_or(text.len(), |raw| end + raw);
            continue;
        }
        found.push(part);
    }
    found
}

/// The tokens of an expression that stands alone.
pub(super) fn bare(text: &str) -> Tokens<'_> {
    tokens(text, 0, "").0
}

fn start_marker(text: &str) -> Option<usize> {
    let found = ["{{", "{%", "{#"].iter().filter_map(|m| text.find(m));
    found.min()
}

/// Behind the tag that ends a `raw` block.
fn end_of_raw(body: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let start = at + body.get(at..)?.find("{%")?;
        let end = start + body.get(start..)?.find("%}")? + 2;
        let inner = body.get(start + 2..end - 2)?;
        if inner.trim_matches(['-', ' ', '\t', '\n']) == "endraw" {
            return Some(end);
        }
        at = start + 2;
    }
}

/// The tokens from a place up to the closing marker, the place behind that, and whether it is there.
fn tokens<'a>(text: &'a str, from: usize, close: &str) -> (Tokens<'a>, usize, bool) {
    let mut found = Tokens::new();
    let mut at = from;
    let mut braces = 0_usize;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        if braces == 0 && !close.is_empty() && rest.starts_with(close) {
            return (found, at + close.len(), true);
        }
        let length = match first {
            c if c.is_ascii_whitespace() => c.len_utf8(),
            '"' | '\'' | '`' => {
                let length = text_length(rest, first);
                let range = at..at + length;
                let inner = text.get(at + 1..(at + length).saturating_sub(1));
                found.push((Token::Text(inner.unwrap_or_default()), range));
                length
            }
            c if c.is_ascii_digit() => {
                let end = rest.find(|c: char| !c.is_ascii_digit());
                let length = end.unwrap_or(rest.len());
                found.push((Token::Number, at..at + length));
                length
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                let length = end.unwrap_or(rest.len());
                let name = rest.get(..length).unwrap_or_default();
                found.push((Token::Name(name), at..at + length));
                length
            }
            c => {
                let two = ["==", "!=", "<=", ">=", "?.", "?[", "//", "**"];
                let sign = two.iter().find(|sign| rest.starts_with(**sign));
                let length = sign.map_or(c.len_utf8(), |sign| sign.len());
                let sign = rest.get(..length).unwrap_or_default();
                match sign {
                    "{" => braces += 1,
                    "}" => braces = braces.saturating_sub(1),
                    _ => {}
                }
                found.push((Token::Sign(sign), at..at + length));
                length
            }
        };
        at += length;
    }
    (found, text.len(), false)
}

/// Of a text in quotes, these included.
fn text_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    rest.len()
}
