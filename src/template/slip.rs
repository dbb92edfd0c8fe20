//! Syntax of other template languages in a text: its place, and what to write instead. Applied only to texts that the engine
//! cannot parse, so that valid texts are never refused.

use std::ops::Range;

use super::tags::{of_blocks, of_tag};
use super::tokens::{Token, Tokens, bare, close_of, parts};
use super::words::{FILTERS, FUNCTIONS, TESTS, Word, called, find, meant};
use super::{TemplateFault, TemplateFaultKind};
use crate::diagnostic::{choices, shown};

/// All slips of a template.
pub(super) fn of_text(text: &str) -> Vec<TemplateFault> {
    let all = parts(text);
    let mut found = Vec::new();
    for part in &all {
        if !part.closed {
            let (open, close) = if part.tag { ("{%", "%}") } else { ("{{", "}}") };
            // What is behind it belongs to other parts.
            found.push(fault(
                part.open..part.open + open.len(),
                format!("the `{open}` is never closed"),
                format!("add `{close}` where it ends"),
            ));
            continue;
        }
        found.extend(of_tokens(text, &part.tokens));
        found.extend(of_tag(part));
    }
    // A tag that is not known may begin or end one.
    if !found
        .iter()
        .any(|fault| fault.kind == TemplateFaultKind::UnknownTag)
    {
        found.extend(of_blocks(text, &all));
    }
    found
}

/// All slips of an expression that stands alone; `key` is what it stands behind.
pub(super) fn of_expression(text: &str) -> Vec<TemplateFault> {
    of_tokens(text, &bare(text))
}

pub(super) fn fault(
    at: Range<usize>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> TemplateFault {
    let mut fault = TemplateFault::new(None, message);
    fault.at = Some(at);
    fault.help = Some(help.into());
    fault
}

/// An expression in the braces that only other values have. What it is without them.
pub(super) fn in_braces(text: &str) -> Option<(TemplateFault, String)> {
    if !text.contains("{{") {
        return None;
    }
    let inner = text.replace("{{", "").replace("}}", "");
    let inner = inner.split_whitespace().collect::<Vec<_>>().join(" ");
    let start = text.find("{{").unwrap_or(0);
    let fault = fault(
        start..text.len(),
        "an expression stands here by itself, without `{{ }}`",
        "",
    );
    Some((fault, inner))
}

/// A bracket that is open: which token, and whether it holds a call's arguments.
struct Open {
    token: usize,
    sign: &'static str,
    call: bool,
}

fn of_tokens(text: &str, tokens: &Tokens<'_>) -> Vec<TemplateFault> {
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let view = View { text, tokens };
    let first = usize::from(view.is(0, "-"));
    let sets = matches!(
        view.token(first),
        Some(Token::Name("set" | "set_global" | "component"))
    );
    let mut at = 0;
    while let Some((token, range)) = tokens.get(at) {
        match token {
            Token::Sign(sign) => {
                if let Some(close) = closing(sign) {
                    let call = view.is_called(at);
                    if call {
                        found.extend(view.positional(at));
                    }
                    open.push(Open {
                        token: at,
                        sign: close,
                        call,
                    });
                } else if ["}", "]", ")"].contains(sign) {
                    match open.pop() {
                        Some(last) if last.sign == *sign => {}
                        Some(last) => found.push(view.unclosed(&last)),
                        None => found.push(fault(
                            range.clone(),
                            format!("the `{sign}` closes nothing"),
                            "delete it, or add the bracket that it closes",
                        )),
                    }
                } else {
                    let call = sets || open.last().is_some_and(|open| open.call);
                    if let Some((slip, width)) = view.sign(at, sign, call) {
                        found.push(slip);
                        at += width;
                        continue;
                    }
                }
            }
            Token::Name(name) => found.extend(view.name(at, name)),
            Token::Text(_) => found.extend(view.unended(range)),
            Token::Number => {}
        }
        at += 1;
    }
    // What stands in a text that does not end is no bracket.
    if let Some(last) = open.last().filter(|_| !found.iter().any(is_unended)) {
        found.push(view.unclosed(last));
    }
    found
}

const UNENDED: &str = "this text has no second quote";

fn is_unended(fault: &TemplateFault) -> bool {
    fault.message == UNENDED
}

fn closing(sign: &str) -> Option<&'static str> {
    match sign {
        "(" => Some(")"),
        "[" | "?[" => Some("]"),
        "{" => Some("}"),
        _ => None,
    }
}

struct View<'t> {
    text: &'t str,
    tokens: &'t Tokens<'t>,
}

impl<'t> View<'t> {
    fn token(&self, at: usize) -> Option<Token<'t>> {
        self.tokens.get(at).map(|(token, _)| *token)
    }

    fn is(&self, at: usize, sign: &str) -> bool {
        matches!(self.token(at), Some(Token::Sign(s)) if s == sign)
    }

    fn before(&self, at: usize) -> Option<Token<'t>> {
        self.token(at.checked_sub(1)?)
    }

    fn range(&self, from: usize, to: usize) -> Range<usize> {
        let end = self.text.len();
        let start = self.tokens.get(from).map_or(end, |(_, range)| range.start);
        start..self.tokens.get(to).map_or(end, |(_, range)| range.end)
    }

    fn source(&self, from: usize, to: usize) -> &'t str {
        self.text.get(self.range(from, to)).unwrap_or_default()
    }

    /// Whether the next token follows without a blank.
    fn joins(&self, at: usize) -> bool {
        let end = self.tokens.get(at).map(|(_, range)| range.end);
        end.is_some() && end == self.tokens.get(at + 1).map(|(_, range)| range.start)
    }

    /// Whether a bracket holds the arguments of the word before it.
    fn is_called(&self, at: usize) -> bool {
        const NONE: &[&str] = &["and", "or", "not", "in", "if", "else", "elif", "is"];
        let word = matches!(self.before(at), Some(Token::Name(word)) if !NONE.contains(&word));
        word && self.is(at, "(")
    }

    /// The words that may be called at a place.
    fn called_from(&self, at: usize) -> &'static [Word] {
        let not = matches!(self.before(at), Some(Token::Name("not")));
        match self.before(if not { at.saturating_sub(1) } else { at }) {
            Some(Token::Sign("|")) => FILTERS,
            Some(Token::Name("is")) => TESTS,
            _ => FUNCTIONS,
        }
    }

    fn close_of(&self, open: usize) -> Option<usize> {
        close_of(self.tokens, open, self.tokens.len())
    }

    /// An argument without its name: `join(", ")`.
    fn positional(&self, open: usize) -> Option<TemplateFault> {
        let word = match self.before(open) {
            Some(Token::Name(word)) => word,
            _ => return None,
        };
        // Another message covers what follows a dot.
        if matches!(
            open.checked_sub(2).and_then(|at| self.token(at)),
            Some(Token::Sign("." | "?."))
        ) {
            return None;
        }
        let named = self.is(open + 2, "=") && matches!(self.token(open + 1), Some(Token::Name(_)));
        let close = self.close_of(open)?;
        if named || close == open + 1 {
            return None;
        }
        let known = find(word, self.called_from(open.checked_sub(1)?))?;
        let help = if known.1.is_empty() {
            format!("`{word}` takes none: delete the brackets and what is in them")
        } else {
            let names = known
                .1
                .split(", ")
                .filter_map(|one| one.split_once('='))
                .map(|(name, _)| name);
            let given = self.arguments(open, close);
            let names: Vec<&str> = names.collect();
            if names.len() == given.len() {
                let pairs: Vec<String> = names
                    .iter()
                    .zip(&given)
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("write `{word}({})`", pairs.join(", "))
            } else {
                format!("write them like `{}`", called(known))
            }
        };
        let at = self.range(open + 1, close - 1);
        Some(fault(
            at,
            format!("an argument of `{word}` stands behind its name"),
            help,
        ))
    }

    /// The texts of arguments, without their commas.
    fn arguments(&self, open: usize, close: usize) -> Vec<&'t str> {
        let mut all = Vec::new();
        let (mut from, mut depth) = (open + 1, 0_usize);
        for at in open + 1..=close {
            match self.token(at) {
                Some(Token::Sign("(" | "[" | "{" | "?[")) => depth += 1,
                Some(Token::Sign(")" | "]" | "}")) if at < close => depth = depth.saturating_sub(1),
                _ => {}
            }
            if (at == close || (depth == 0 && self.is(at, ","))) && at > from {
                all.push(self.source(from, at - 1));
                from = at + 1;
            }
        }
        all
    }

    fn unclosed(&self, open: &Open) -> TemplateFault {
        let at = self.range(open.token, open.token);
        let sign = self.source(open.token, open.token);
        let close = open.sign;
        fault(
            at,
            format!("the `{sign}` is never closed"),
            format!("add a `{close}` where what it holds ends"),
        )
    }

    fn unended(&self, range: &Range<usize>) -> Option<TemplateFault> {
        let written = self.text.get(range.clone()).unwrap_or_default();
        let quote = written.chars().next()?;
        let ended = written.len() > 1 && written.ends_with(quote);
        (!ended).then(|| {
            fault(
                range.start..range.start + quote.len_utf8(),
                UNENDED,
                match quote {
                    '`' => "add the second one behind it".to_owned(),
                    quote => format!("add a `{quote}` behind it"),
                },
            )
        })
    }

    /// A sign that is none here, and how many tokens it has.
    fn sign(&self, at: usize, sign: &str, call: bool) -> Option<(TemplateFault, usize)> {
        let twice = self.joins(at) && self.is(at + 1, sign);
        let said = |width: usize, help: &str| {
            let range = self.range(at, at + width - 1);
            let written = self.text.get(range.clone()).unwrap_or_default();
            let message = format!("{} is no sign of an expression", shown(written));
            Some((fault(range, message, help), width))
        };
        match sign {
            "&" if twice => said(2, "write `and`"),
            "&" => said(1, "write `and`; `~` joins texts"),
            "|" if twice => said(2, "write `or`"),
            "!" => {
                let what = self.operand(at + 1);
                let help = match what {
                    Some(what) => format!("write `not {what}`"),
                    None => "write `not`".to_owned(),
                };
                said(1, &help)
            }
            "==" | "!=" if self.joins(at) && self.is(at + 1, "=") => {
                said(2, &format!("write `{sign}`"))
            }
            "=" if self.joins(at) && self.is(at + 1, "~") => said(
                2,
                "write `is containing(pat=\"a\")`, or `is starting_with(pat=\"a\")`",
            ),
            "=" if !call => {
                let range = self.range(at, at);
                Some((fault(range, "`=` compares nothing", "write `==`"), 1))
            }
            "<" if self.joins(at) && self.is(at + 1, ">") => said(2, "write `!=`"),
            "?" => said(
                1,
                "write `A if CONDITION else B` for `CONDITION ? A : B`; a default is `| default(value=\"...\")`",
            ),
            ";" | "@" | "#" | "$" | "^" | "\\" => said(1, "delete it"),
            _ if sign.starts_with([
                '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{201e}', '«', '»',
            ]) =>
            {
                said(1, "write the quotes `\"` or `'`")
            }
            _ if !sign.is_ascii() => said(
                1,
                "names have letters from a to z, digits and `_`; a text needs quotes: `\"text\"`",
            ),
            _ => None,
        }
    }

    /// A name with its parts.
    fn operand(&self, from: usize) -> Option<&'t str> {
        if !matches!(self.token(from), Some(Token::Name(_))) {
            return None;
        }
        let mut last = from;
        while self.is(last + 1, ".") && matches!(self.token(last + 2), Some(Token::Name(_))) {
            last += 2;
        }
        Some(self.source(from, last))
    }

    fn name(&self, at: usize, name: &str) -> Option<TemplateFault> {
        let lower = name.to_lowercase();
        let range = self.range(at, at);
        let upper = ["and", "or", "not", "in", "is", "if", "else"].contains(&lower.as_str());
        let part = matches!(self.before(at), Some(Token::Sign("." | "?.")));
        if upper && lower != name && !part {
            let message = format!("{} is written in lower case", shown(name));
            return Some(fault(range, message, format!("write `{lower}`")));
        }
        if part && self.is(at + 1, "(") {
            let close = self.close_of(at + 1).unwrap_or(at + 1);
            let help = match (find(name, FILTERS), find(name, TESTS)) {
                (Some(word), _) => {
                    format!("write `| {}` in the place of `.{name}()`", called(word))
                }
                (None, Some(_)) => format!("write `is {name}` in the place of `.{name}()`"),
                (None, None) => meant(name, FILTERS),
            };
            let message = format!(
                "{} is no part that can be called: filters follow `|`",
                shown(name)
            );
            return Some(fault(self.range(at, close), message, help));
        }
        // `in ... not` and the like are read by the engine alone.
        None
    }
}

/// Filters, tests and functions that are not there, and templates that none of `known` is.
pub(super) fn unknown(text: &str, known: &[&str]) -> Vec<TemplateFault> {
    let mut found = Vec::new();
    for part in parts(text) {
        found.extend(unknown_words(text, &part.tokens, part.tag));
        let Some((word, first)) = part.word() else {
            continue;
        };
        if let ("include" | "extends", Some((Token::Text(name), range))) =
            (word, part.tokens.get(first + 1))
            && !known.contains(name)
        {
            let message = format!("there is no template {}", shown(name));
            found.push(fault(range.clone(), message, choices(name, known)));
        }
    }
    found
}

pub(super) fn unknown_in_expression(text: &str) -> Vec<TemplateFault> {
    unknown_words(text, &bare(text), false)
}

fn unknown_words(text: &str, tokens: &Tokens<'_>, tag: bool) -> Vec<TemplateFault> {
    let view = View { text, tokens };
    let mut found = Vec::new();
    for (at, (token, range)) in tokens.iter().enumerate() {
        let Token::Name(name) = token else { continue };
        let before = view.before(at);
        let test = match (before, at.checked_sub(2).and_then(|at| view.token(at))) {
            (Some(Token::Name("is")), _) => *name != "not",
            (Some(Token::Name("not")), Some(Token::Name("is"))) => true,
            _ => false,
        };
        // Another message covers `||`.
        let or = at.checked_sub(2).is_some_and(|at| view.is(at, "|"));
        let filter = (before == Some(Token::Sign("|")) && !or)
            || (tag && before == Some(Token::Name("filter")) && at <= 2);
        let (what, among) = if filter {
            ("filter", FILTERS)
        } else if test {
            ("test", TESTS)
        } else if view.is_called(at + 1) && !matches!(before, Some(Token::Sign("." | "?."))) {
            ("function", FUNCTIONS)
        } else {
            continue;
        };
        // The tag `component` defines its name.
        let defines = tag && matches!(before, Some(Token::Name("component")));
        if find(name, among).is_none() && !defines {
            let message = format!("unknown {what} {}", shown(name));
            let given = if what == "function" {
                view.operand(at + 2)
            } else {
                None
            };
            let given = given.unwrap_or("name");
            let help = match (what, find(name, TESTS), find(name, FILTERS)) {
                ("function", Some(test), _) => format!("write `{given} is {}`", called(test)),
                ("function", _, Some(filter)) => format!("write `{given} | {}`", called(filter)),
                ("filter", Some(test), _) => format!("write `is {}` in its place", called(test)),
                ("test", _, Some(filter)) => format!("write `| {}` in its place", called(filter)),
                _ => meant(name, among),
            };
            found.push(fault(range.clone(), message, help));
        }
    }
    found
}
